//! The words of an agreement: agency, texts by language, contacts, and the exceptions that it can name.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::locale;

/// The name of an agency: lower-case letters, digits and dashes, 1 to 64 characters; equal to its folder's name. Pairwise
/// identifiers are kept under it, so it never changes for a known service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct AgencyId(String);

/// The text is no agency id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is 1 to 64 lower-case letters, digits and dashes, and begins with a letter")]
pub struct MalformedAgencyId;

impl AgencyId {
    /// Reads the name of an agency.
    ///
    /// # Errors
    /// The text has other characters, or is too long.
    pub fn parse(text: &str) -> Result<Self, MalformedAgencyId> {
        let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let begins_well = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if plain && begins_well && text.len() <= 64 { Ok(Self(text.to_owned())) } else { Err(MalformedAgencyId) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AgencyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text in one or more languages, English always among them.
/// A page holds it whole, as an object of texts by their tags; its template says it in the page's language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct LocalizedText(BTreeMap<String, String>);

impl LocalizedText {
    /// One that there is in English alone, such as a name that stands for a missing one.
    #[must_use]
    pub fn in_english(text: &str) -> Self {
        Self(BTreeMap::from([("en".to_owned(), text.to_owned())]))
    }

    /// The text in the language of a page (`es`, `en-US`), in English when there is none.
    #[must_use]
    pub fn in_language(&self, tag: &str) -> &str {
        self.for_language(tag).map_or("", |(_, text)| text)
    }

    /// The same, with the tag of the language that it is in.
    #[must_use]
    pub fn for_language(&self, tag: &str) -> Option<(&str, &str)> {
        let found = locale::in_order(tag).find_map(|tag| self.0.get_key_value(tag));
        found.map(|(tag, text)| (tag.as_str(), text.as_str()))
    }

    /// The English text.
    #[must_use]
    pub fn english(&self) -> &str {
        self.in_language("en")
    }

    /// Every language and its text, in order of the language tags.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(language, text)| (language.as_str(), text.as_str()))
    }
}

impl<'de> Deserialize<'de> for LocalizedText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = BTreeMap::<String, String>::deserialize(deserializer)?;
        if !texts.contains_key("en") {
            return Err(serde::de::Error::custom("the English text (`en`) is missing"));
        }
        for (language, text) in &texts {
            let tag_is_plain = language.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            if language.len() > 35 || !tag_is_plain {
                return Err(serde::de::Error::custom(format!("`{language}` is not a language tag")));
            }
            if text.trim().is_empty() || text.chars().count() > 500 || text.chars().any(char::is_control) {
                return Err(serde::de::Error::custom(format!(
                    "the text for `{language}` must be one line of 1 to 500 characters"
                )));
            }
        }
        Ok(Self(texts))
    }
}

/// Whether `AuthnRequest`s must be signed. A signature that is present must verify in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignedRequests {
    /// An unsigned request is refused.
    #[default]
    Demanded,
    /// An unsigned request is accepted.
    Waived,
}

/// Which attributes of an `AttributeConsumingService` count as asked for (SAML Metadata §2.4.4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestedAttributes {
    /// All that it lists.
    #[default]
    All,
    /// Those of which it says `isRequired`.
    RequiredOnly,
}

impl fmt::Display for RequestedAttributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "all",
            Self::RequiredOnly => "required-only",
        })
    }
}

/// A named exception from "the Assertion is encrypted with AES-256-GCM, or AES-128-GCM where the metadata lists only that".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EncryptionException {
    /// AES-128-GCM, for service providers that know no other.
    #[serde(rename = "aes-128-gcm")]
    Aes128Gcm,
    /// AES-256-CBC, whose padding can be attacked; for service providers that know no GCM.
    #[serde(rename = "aes-256-cbc")]
    Aes256Cbc,
    /// No encryption: whoever can read the browser's traffic can read the attributes.
    ClearText,
}

impl fmt::Display for EncryptionException {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aes128Gcm => "aes-128-gcm",
            Self::Aes256Cbc => "aes-256-cbc",
            Self::ClearText => "clear-text",
        })
    }
}

/// A named exception from "the Assertion and the Response are signed".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SigningException {
    /// Only the Assertion is signed.
    AssertionOnly,
    /// Only the Response is signed.
    ResponseOnly,
}

impl fmt::Display for SigningException {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AssertionOnly => "assertion-only",
            Self::ResponseOnly => "response-only",
        })
    }
}

/// Whether a person whom a service signs out is asked how far that goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogoutChoice {
    /// The person chooses: only at that service, or everywhere.
    #[default]
    Asked,
    /// It goes everywhere, and nobody is asked.
    Everywhere,
}

impl fmt::Display for LogoutChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asked => "asked",
            Self::Everywhere => "everywhere",
        })
    }
}

/// A named exception from "the status of a LogoutResponse is the truth" (deployment profile SDP-IDP31).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogoutException {
    /// `Success` where the person stays signed in here, for service providers that keep their own session when they get anything
    /// else.
    SuccessWhereKept,
}

impl fmt::Display for LogoutException {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SuccessWhereKept => "success-where-kept",
        })
    }
}

/// What a contact is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContactKind {
    /// Who owns the agreement.
    Administrative,
    /// Who answers for privacy.
    Privacy,
    /// Who is told of incidents.
    Security,
    /// Who helps people with the service.
    Support,
    /// Who runs the service provider.
    Technical,
}

impl fmt::Display for ContactKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Administrative => "administrative",
            Self::Privacy => "privacy",
            Self::Security => "security",
            Self::Support => "support",
            Self::Technical => "technical",
        })
    }
}

/// Whom to ask about the service: an office, reached by e-mail.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// What the contact is there for.
    pub kind: ContactKind,
    /// The office.
    pub name: String,
    /// Its e-mail address.
    pub email: String,
}
