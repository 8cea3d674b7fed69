//! The name of a SAML entity.

use std::fmt;

/// The name of a SAML entity: a URI of at most 1024 characters (SAML Core §8.3.6), compared octet for octet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityId(String);

impl EntityId {
    /// Reads the name of an entity.
    ///
    /// # Errors
    /// The text is no absolute URI, or is too long.
    pub fn parse(text: &str) -> Result<Self, MalformedEntityId> {
        let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
        if plain && text.chars().count() <= 1024 && url::Url::parse(text).is_ok() {
            Ok(Self(text.to_owned()))
        } else {
            Err(MalformedEntityId)
        }
    }

    /// The name, as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no entity id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an entity id is an absolute URI of at most 1024 characters")]
pub struct MalformedEntityId;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_is_named_by_an_absolute_uri_on_one_line_and_not_too_long() {
        let parses = |text: &str| EntityId::parse(text).is_ok();
        let long = |length: usize| format!("https://sp.example/{}", "é".repeat(length - "https://sp.example/".len()));
        assert!(parses("https://sp.example/saml") && parses("urn:example:sp") && parses(&long(1024)));
        assert!(!parses(&long(1025)));
        for text in
            ["", "sp.example", "/saml", "https://sp.example/a b", " urn:a", "urn:a\n", "urn:a\u{7}", "urn:a\u{85}b"]
        {
            assert!(!parses(text), "{text:?}");
        }
    }
}
