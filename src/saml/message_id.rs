//! The identifier of a message or an assertion.

use std::fmt;

use super::xml::is_nc_name;

/// The most characters of an identifier that we take. Real ones have about 40.
const LONGEST: usize = 256;

/// The `ID` of a message or an assertion: an `xs:ID` that its maker never uses again (SAML Core §1.3.4).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(String);

impl MessageId {
    /// A new identifier made of 20 unpredictable octets, which is more than the 128 bits that SAML Core §1.3.4 demands.
    #[must_use]
    pub fn from_entropy(octets: [u8; 20]) -> Self {
        Self(format!("_{}", hex::encode(octets)))
    }

    /// Reads somebody's identifier.
    ///
    /// # Errors
    /// The text is no NCName of at most 256 characters.
    pub fn parse(text: &str) -> Result<Self, MalformedMessageId> {
        if text.chars().count() <= LONGEST && is_nc_name(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(MalformedMessageId)
        }
    }

    /// The identifier, as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an ID is an XML NCName of at most 256 characters: a letter or _ first, then letters, digits, '.', '-', '_'")]
pub struct MalformedMessageId;

#[cfg(test)]
mod tests {
    use super::MessageId;

    #[test]
    fn fresh_identifiers_are_nc_names_and_read_back() {
        let id = MessageId::from_entropy([7; 20]);
        assert_eq!(id.as_str().len(), 41);
        assert_eq!(MessageId::parse(id.as_str()), Ok(id));
    }

    #[test]
    fn what_is_no_xs_id_is_refused() {
        for text in ["", "1abc", "a b", "a:b", "\"><script>", &"a".repeat(257)] {
            assert!(MessageId::parse(text).is_err(), "{text}");
        }
    }
}
