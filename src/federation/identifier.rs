//! NameID and the pairwise identifier (SP 800-63C §3.4.1): by which name an agency knows a person.
//!
//! The pairwise identifier is drawn at random, once for each person and agency, and kept in a table; it can neither be
//! computed from the account nor compared between agencies. The table is `storage`'s; what it says is believed by
//! [`StoredPairwiseId::authenticate`](crate::sealing::VouchedRow::authenticate) alone.

mod stored;

use std::fmt;

use serde::Deserialize;

use super::attribute::AttributeValue;
use crate::entropy::{Entropy, random_bytes};
use crate::one_line::OneLine;
use crate::saml::EntityId;

pub use stored::StoredPairwiseId;

/// The NameID formats that an agreement can name (SAML Core §8.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameIdFormat {
    /// The person's e-mail address. Tells who the person is, so that the agreement must allow `email` too.
    EmailAddress,
    /// The pairwise identifier. The default.
    Persistent,
    /// A random value: one for each service in each session.
    Transient,
}

impl NameIdFormat {
    /// The URI of the format.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::EmailAddress => "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
            Self::Persistent => "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
            Self::Transient => "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
        }
    }

    /// The format with this URI.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        [Self::EmailAddress, Self::Persistent, Self::Transient].into_iter().find(|format| format.uri() == uri)
    }
}

impl fmt::Display for NameIdFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EmailAddress => "email-address",
            Self::Persistent => "persistent",
            Self::Transient => "transient",
        })
    }
}

/// SAML 1.1's way of leaving the format to the identity provider (SAML Core §8.3.1).
const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";

/// The policy of a request names an identifier that the agreement does not allow (SAML Core §3.4.1.1,
/// `InvalidNameIDPolicy`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNameIdPolicy {
    /// The format is unknown or not agreed.
    #[error("the request asks for the NameID format `{}`; agreed is {}", OneLine(.asked), listed(.agreed))]
    FormatNotAgreed {
        /// What the request asks for, cut to 200 characters.
        asked: String,
        /// What the agreement lists.
        agreed: Vec<NameIdFormat>,
    },
    /// The identifier of some other service or affiliation is asked for.
    #[error("the SPNameQualifier is `{}`, and the service is {service}", OneLine(.asked))]
    ForeignQualifier {
        /// Whose identifier the request asks for, cut to 200 characters.
        asked: String,
        /// Who asks.
        service: EntityId,
    },
    /// The format is agreed, and what it would carry may not be sent in this sign-in.
    #[error("the NameID format `{}` is agreed, and this sign-in has nothing that could be sent by it", .0.uri())]
    NothingToSend(NameIdFormat),
    /// The request names the person, whom the service knows by a persistent name alone.
    #[error("the request names a Subject, so that its answer's NameID is persistent, and asks for `{}`", OneLine(.asked))]
    NotTheSubjects {
        /// The format that the request asks for, cut to 200 characters.
        asked: String,
    },
    /// The request forbids a new identifier, and the person has none at this agency yet.
    #[error("the request forbids a new identifier and there is none yet")]
    NothingToReuse,
}

/// The format that answers a request's `Format`, within the agreement's list.
///
/// # Errors
/// The format is unknown or not agreed.
pub fn choose_format(asked: Option<&str>, agreed: &[NameIdFormat]) -> Result<NameIdFormat, InvalidNameIdPolicy> {
    let format = match asked.filter(|_| !is_left_open(asked)) {
        None => agreed.first().copied(),
        Some(uri) => NameIdFormat::from_uri(uri).filter(|format| agreed.contains(format)),
    };
    format.ok_or_else(|| InvalidNameIdPolicy::FormatNotAgreed {
        asked: cut(asked.unwrap_or_default()),
        agreed: agreed.to_vec(),
    })
}

/// Enough of what a service wrote to find it in what it sent.
pub fn cut(written: &str) -> String {
    written.chars().take(200).collect()
}

fn listed(formats: &[NameIdFormat]) -> String {
    formats.iter().map(|format| format!("`{}`", format.uri())).collect::<Vec<_>>().join(" or ")
}

/// Whether a request's `Format` leaves the format to us.
#[must_use]
pub fn is_left_open(asked: Option<&str>) -> bool {
    matches!(asked, None | Some("" | UNSPECIFIED))
}

/// The identifier by which one agency knows one person: 122 random bits in the form of a version 4 UUID, lower-case.
/// Services of one agency share it; no two agencies do. Never reissued.
///
/// There are two ways to one: it is drawn anew, or this service wrote it down about this person and this agency
/// ([`StoredPairwiseId::authenticate`](crate::sealing::VouchedRow::authenticate)).
///
/// ```compile_fail,E0423
/// // fails: cannot initialize a tuple struct which contains private fields
/// # use signet::federation::identifier::PairwiseId;
/// fn claimed(bytes: [u8; 16]) -> PairwiseId {
///     PairwiseId(bytes)
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PairwiseId([u8; 16]);

impl PairwiseId {
    /// A new identifier.
    #[must_use]
    pub fn random(entropy: &dyn Entropy) -> Self {
        let mut bytes: [u8; 16] = random_bytes(entropy);
        // RFC 9562 §5.4: the version and variant bits of a random UUID.
        let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
        *version = (*version & 0x0f) | 0x40;
        *variant = (*variant & 0x3f) | 0x80;
        Self(bytes)
    }

    /// Of nobody: for explaining what would be released about an invented person, and for tests. A test holds that nothing
    /// that serves people says this.
    #[must_use]
    pub const fn supposed(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes, as they are stored.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The identifier with a scope, as the OASIS subject identifier profile writes it (§3.4: at most 127 characters of
    /// letters, digits, `=` and `-`, then `@` and the scope).
    #[must_use]
    pub fn scoped(&self, scope: &str) -> String {
        format!("{self}@{scope}")
    }
}

impl fmt::Display for PairwiseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for PairwiseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A proxy's mapping is personal data (SP 800-63C §3.4.1): logs do not join accounts and agencies.
        f.write_str("PairwiseId(…)")
    }
}

/// The NameID of one assertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenNameId {
    format: NameIdFormat,
    value: AttributeValue,
}

impl ChosenNameId {
    /// The pairwise identifier.
    #[must_use]
    pub fn persistent(pairwise: &PairwiseId) -> Self {
        Self { format: NameIdFormat::Persistent, value: AttributeValue::new(pairwise.to_string()) }
    }

    /// A fresh value of 160 random bits.
    #[must_use]
    pub fn transient(entropy: &dyn Entropy) -> Self {
        let bytes: [u8; 20] = random_bytes(entropy);
        Self { format: NameIdFormat::Transient, value: AttributeValue::new(format!("_{}", hex::encode(bytes))) }
    }

    /// The e-mail address, as the attribute of that name has it.
    #[must_use]
    pub const fn email_address(address: AttributeValue) -> Self {
        Self { format: NameIdFormat::EmailAddress, value: address }
    }

    /// The format.
    #[must_use]
    pub const fn format(&self) -> NameIdFormat {
        self.format
    }

    /// The value.
    #[must_use]
    pub const fn value(&self) -> &AttributeValue {
        &self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    #[test]
    fn pairwise_identifiers_are_lower_case_version_4_uuids_and_differ() {
        let one = PairwiseId::random(&SystemEntropy).to_string();
        let other = PairwiseId::random(&SystemEntropy).to_string();
        assert_ne!(one, other);
        assert_eq!(one, one.to_lowercase());
        assert_eq!(one.len(), 36);
        for _ in 0..64 {
            let one = PairwiseId::random(&SystemEntropy).to_string();
            assert_eq!(one.as_bytes()[14], b'4');
            assert!(matches!(one.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
        }
    }

    #[test]
    fn format_that_is_not_agreed_is_refused() {
        let agreed = [NameIdFormat::Persistent];
        for asked in [NameIdFormat::EmailAddress.uri(), "urn:example:unknown"] {
            let refused = choose_format(Some(asked), &agreed).unwrap_err();
            let said = format!("the request asks for the NameID format `{asked}`; agreed is `{}`", agreed[0].uri());
            assert_eq!(refused.to_string(), said);
        }
        let long = choose_format(Some(&"x\n".repeat(1_000)), &agreed).unwrap_err().to_string();
        assert!(long.len() < 600 && !long.contains('\n'), "{long}");
    }

    #[test]
    fn unspecified_format_takes_the_agreements_first() {
        let agreed = [NameIdFormat::Transient, NameIdFormat::Persistent];
        for asked in [None, Some(UNSPECIFIED), Some("")] {
            assert_eq!(choose_format(asked, &agreed), Ok(NameIdFormat::Transient));
        }
        assert_eq!(choose_format(Some(NameIdFormat::Persistent.uri()), &agreed), Ok(NameIdFormat::Persistent));
    }

    #[test]
    fn debug_shows_neither_pairwise_identifier_nor_name_id() {
        let pairwise = PairwiseId::supposed([7; 16]);
        assert!(!format!("{pairwise:?} {:?}", ChosenNameId::persistent(&pairwise)).contains("07"));
    }
}
