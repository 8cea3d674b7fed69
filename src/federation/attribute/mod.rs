//! The catalogue of attributes: their names, how they stand on the wire, how sensitive they are, which level they need,
//! and the form in which each is released.
//!
//! Whether an attribute is released is [`release`](super::release)'s decision; where its value is kept is the
//! subscriber's and the vault's.

mod form;
mod held;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::proofing::Ial;

pub use form::Underivable;
pub use held::{AttributeValue, HeldAttributes};

/// `NameFormat` of a name that is a plain string (SAML Core §8.2.3).
pub const NAME_FORMAT_BASIC: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic";
/// `NameFormat` of a name that is a URI (SAML Core §8.2.2).
pub const NAME_FORMAT_URI: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri";

/// One attribute that an agreement can allow. The short names are Login.gov's, which its partners already ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttributeName {
    /// The authentication assurance level of this sign-in, as a URI. Always sent.
    Aal,
    /// First line of the address.
    Address1,
    /// Second line of the address.
    Address2,
    /// Whether the person is 18 or older: `true` or `false`, in place of the date of birth (ISO/IEC 18013-5 §7.2.5).
    AgeOver18,
    /// Whether the person is 21 or older.
    AgeOver21,
    /// Whether the person is 65 or older.
    AgeOver65,
    /// Every confirmed e-mail address.
    AllEmails,
    /// City of the address.
    City,
    /// Date of birth, `YYYY-MM-DD`.
    Dob,
    /// The e-mail address that the person signs in with or chose for this service.
    Email,
    /// Given name.
    FirstName,
    /// The identity assurance level that was reached, as a URI. Always sent.
    Ial,
    /// Family name.
    LastName,
    /// The language of the pages, as a BCP 47 tag.
    Locale,
    /// Middle name.
    MiddleName,
    /// Phone number, E.164.
    Phone,
    /// Social security number, with dashes.
    Ssn,
    /// Two-letter state of the address.
    State,
    /// The pairwise identifier of the person at this agency. Always sent.
    Uuid,
    /// When the identity was verified, ISO 8601.
    VerifiedAt,
    /// Issuer of the certificate that was presented, for PIV and CAC cards.
    X509Issuer,
    /// Whether a PIV or CAC card was presented.
    X509Presented,
    /// Subject of the certificate that was presented, for PIV and CAC cards.
    X509Subject,
    /// First five digits of the postal code.
    Zipcode,
}

/// How much harm the disclosure of a value does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sensitivity {
    /// Says nothing about the person that the agency does not already know: level, language, pairwise identifier.
    Low,
    /// Names, addresses and contact data.
    Personal,
    /// Enough to be harmed by: masked on pages until the person asks to see it.
    High,
}

/// Which names an agreement has its attributes sent under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum AttributeProfile {
    /// Login.gov's short names.
    #[default]
    #[serde(rename = "login.gov")]
    LoginGov,
    /// The URIs of the X.500/LDAP attribute profile (SAML Profiles §8.2) and of the OASIS subject identifier profile;
    /// attributes that have none keep their short name.
    #[serde(rename = "oasis")]
    Oasis,
}

impl fmt::Display for AttributeProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LoginGov => "login.gov",
            Self::Oasis => "oasis",
        })
    }
}

/// The three XML attributes that name a SAML `Attribute` (SAML Core §2.7.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WireName {
    /// `Name`.
    pub name: &'static str,
    /// `NameFormat`.
    pub name_format: &'static str,
    /// `FriendlyName`: always the short name.
    pub friendly_name: &'static str,
}

/// The text is no attribute of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an attribute of the catalogue")]
pub struct UnknownAttribute(pub String);

impl AttributeName {
    /// The whole catalogue, in the order in which a page lists it.
    pub const ALL: [Self; 24] = [
        Self::Uuid,
        Self::Email,
        Self::AllEmails,
        Self::Locale,
        Self::FirstName,
        Self::MiddleName,
        Self::LastName,
        Self::Dob,
        Self::AgeOver18,
        Self::AgeOver21,
        Self::AgeOver65,
        Self::Ssn,
        Self::Address1,
        Self::Address2,
        Self::City,
        Self::State,
        Self::Zipcode,
        Self::Phone,
        Self::VerifiedAt,
        Self::X509Subject,
        Self::X509Issuer,
        Self::X509Presented,
        Self::Ial,
        Self::Aal,
    ];

    /// The short name, as agreements, requests and records write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aal => "aal",
            Self::Address1 => "address1",
            Self::Address2 => "address2",
            Self::AgeOver18 => "age_over_18",
            Self::AgeOver21 => "age_over_21",
            Self::AgeOver65 => "age_over_65",
            Self::AllEmails => "all_emails",
            Self::City => "city",
            Self::Dob => "dob",
            Self::Email => "email",
            Self::FirstName => "first_name",
            Self::Ial => "ial",
            Self::LastName => "last_name",
            Self::Locale => "locale",
            Self::MiddleName => "middle_name",
            Self::Phone => "phone",
            Self::Ssn => "ssn",
            Self::State => "state",
            Self::Uuid => "uuid",
            Self::VerifiedAt => "verified_at",
            Self::X509Issuer => "x509_issuer",
            Self::X509Presented => "x509_presented",
            Self::X509Subject => "x509_subject",
            Self::Zipcode => "zipcode",
        }
    }

    /// Whether every assertion carries it: the identifier and the two levels (SP 800-63C §2.5, §4.9).
    #[must_use]
    pub const fn is_always_sent(self) -> bool {
        matches!(self, Self::Uuid | Self::Ial | Self::Aal)
    }

    /// How much harm the disclosure of a value does.
    #[must_use]
    pub const fn sensitivity(self) -> Sensitivity {
        match self {
            Self::Uuid | Self::Ial | Self::Aal | Self::Locale | Self::VerifiedAt | Self::X509Presented => {
                Sensitivity::Low
            }
            Self::Dob | Self::Ssn => Sensitivity::High,
            Self::Address1
            | Self::Address2
            | Self::AgeOver18
            | Self::AgeOver21
            | Self::AgeOver65
            | Self::AllEmails
            | Self::City
            | Self::Email
            | Self::FirstName
            | Self::LastName
            | Self::MiddleName
            | Self::Phone
            | Self::State
            | Self::X509Issuer
            | Self::X509Subject
            | Self::Zipcode => Sensitivity::Personal,
        }
    }

    /// The identity assurance level below which the attribute is never released. Proofed attributes need IAL2: before
    /// that, nobody has checked that they are true.
    #[must_use]
    pub const fn level_needed(self) -> Ial {
        if self.is_proofed() { Ial::Two } else { Ial::One }
    }

    /// Whether the value comes out of identity proofing, and so lies in the vault.
    #[must_use]
    pub const fn is_proofed(self) -> bool {
        matches!(
            self,
            Self::Address1
                | Self::Address2
                | Self::AgeOver18
                | Self::AgeOver21
                | Self::AgeOver65
                | Self::City
                | Self::Dob
                | Self::FirstName
                | Self::LastName
                | Self::MiddleName
                | Self::Phone
                | Self::Ssn
                | Self::State
                | Self::Zipcode
        )
    }

    /// The attribute from whose value it is made: of a derived one, another.
    #[must_use]
    pub const fn made_from(self) -> Self {
        match self.least_age_years() {
            Some(_) => Self::Dob,
            None => self,
        }
    }

    /// Whether its value is `true` or `false`.
    #[must_use]
    pub const fn is_answer(self) -> bool {
        self.least_age_years().is_some()
    }

    /// The age that it tells whether the person has reached.
    const fn least_age_years(self) -> Option<i32> {
        match self {
            Self::AgeOver18 => Some(18),
            Self::AgeOver21 => Some(21),
            Self::AgeOver65 => Some(65),
            _ => None,
        }
    }

    /// Whether an agreement may list it. The three that are always sent need no listing.
    #[must_use]
    pub const fn can_be_agreed(self) -> bool {
        !self.is_always_sent()
    }

    /// The name under which it is sent.
    #[must_use]
    pub const fn wire_name(self, profile: AttributeProfile) -> WireName {
        let friendly_name = self.as_str();
        if let (AttributeProfile::Oasis, Some(name)) = (profile, self.oasis_uri()) {
            return WireName { name, name_format: NAME_FORMAT_URI, friendly_name };
        }
        let name_format = match self {
            Self::Uuid | Self::Email | Self::AllEmails => NAME_FORMAT_BASIC,
            _ => NAME_FORMAT_URI,
        };
        WireName { name: friendly_name, name_format, friendly_name }
    }

    /// The URI of the OASIS and LDAP profiles, where there is one.
    const fn oasis_uri(self) -> Option<&'static str> {
        Some(match self {
            Self::Address1 => "urn:oid:2.5.4.9",
            Self::City => "urn:oid:2.5.4.7",
            Self::Dob => "urn:oid:1.3.6.1.5.5.7.9.1",
            Self::Email => "urn:oid:0.9.2342.19200300.100.1.3",
            Self::FirstName => "urn:oid:2.5.4.42",
            Self::LastName => "urn:oid:2.5.4.4",
            Self::Locale => "urn:oid:2.16.840.1.113730.3.1.39",
            Self::Phone => "urn:oid:2.5.4.20",
            Self::State => "urn:oid:2.5.4.8",
            Self::Uuid => "urn:oasis:names:tc:SAML:attribute:pairwise-id",
            Self::Zipcode => "urn:oid:2.5.4.17",
            _ => return None,
        })
    }

    /// The attribute that a request or a metadata file means by this name: a short name, a URI of either profile, or
    /// the claim URI that Microsoft's products use for e-mail. `None` when the catalogue has no such attribute.
    #[must_use]
    pub fn from_wire(name: &str) -> Option<Self> {
        if name == "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress" {
            return Some(Self::Email);
        }
        Self::ALL.into_iter().find(|attribute| attribute.as_str() == name || attribute.oasis_uri() == Some(name))
    }
}

impl fmt::Display for AttributeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AttributeName {
    type Err = UnknownAttribute;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|attribute| attribute.as_str() == text)
            .ok_or_else(|| UnknownAttribute(text.chars().take(100).collect()))
    }
}

impl Serialize for AttributeName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for AttributeName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back_from_what_it_is_sent_under() {
        for attribute in AttributeName::ALL {
            assert_eq!(attribute.as_str().parse(), Ok(attribute));
            for profile in [AttributeProfile::LoginGov, AttributeProfile::Oasis] {
                assert_eq!(AttributeName::from_wire(attribute.wire_name(profile).name), Some(attribute));
            }
        }
    }

    #[test]
    fn no_two_attributes_share_a_name_on_the_wire() {
        for profile in [AttributeProfile::LoginGov, AttributeProfile::Oasis] {
            let names: std::collections::BTreeSet<_> =
                AttributeName::ALL.iter().map(|a| a.wire_name(profile).name).collect();
            assert_eq!(names.len(), AttributeName::ALL.len());
        }
    }

    #[test]
    fn oasis_profile_sends_the_names_of_the_directories_and_they_are_read_as_what_they_mean() {
        let names = [
            (AttributeName::Address1, "urn:oid:2.5.4.9"),
            (AttributeName::City, "urn:oid:2.5.4.7"),
            (AttributeName::Dob, "urn:oid:1.3.6.1.5.5.7.9.1"),
            (AttributeName::Email, "urn:oid:0.9.2342.19200300.100.1.3"),
            (AttributeName::FirstName, "urn:oid:2.5.4.42"),
            (AttributeName::LastName, "urn:oid:2.5.4.4"),
            (AttributeName::Locale, "urn:oid:2.16.840.1.113730.3.1.39"),
            (AttributeName::Phone, "urn:oid:2.5.4.20"),
            (AttributeName::State, "urn:oid:2.5.4.8"),
            (AttributeName::Uuid, "urn:oasis:names:tc:SAML:attribute:pairwise-id"),
            (AttributeName::Zipcode, "urn:oid:2.5.4.17"),
        ];
        for attribute in AttributeName::ALL {
            let uri = names.iter().find(|(named, _)| *named == attribute).map(|(_, uri)| *uri);
            let sent = attribute.wire_name(AttributeProfile::Oasis);
            assert_eq!((sent.name, sent.friendly_name), (uri.unwrap_or(attribute.as_str()), attribute.as_str()));
            assert!(uri.is_none() || sent.name_format == NAME_FORMAT_URI, "{attribute}");
            assert_eq!(uri.and_then(AttributeName::from_wire), uri.map(|_| attribute));
        }
        let microsofts = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress";
        assert_eq!(AttributeName::from_wire(microsofts), Some(AttributeName::Email));
        assert_eq!(AttributeName::from_wire("urn:oid:2.5.4"), None);
    }

    #[test]
    fn login_gov_sends_uuid_as_basic_and_level_as_uri() {
        let uuid = AttributeName::Uuid.wire_name(AttributeProfile::LoginGov);
        assert_eq!((uuid.name, uuid.name_format, uuid.friendly_name), ("uuid", NAME_FORMAT_BASIC, "uuid"));
        assert_eq!(AttributeName::Ial.wire_name(AttributeProfile::LoginGov).name_format, NAME_FORMAT_URI);
    }
}
