//! The lexical forms that SAML's attributes share.

use super::xml::is_space;

/// `xs:boolean`: exactly `true`, `false`, `1` or `0`.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// `xs:unsignedShort`, digits only.
pub(super) fn unsigned_short(text: &str) -> Option<u16> {
    if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// White space around an `xs:anyURI` does not belong to it (XML Schema 2 §4.3.6).
pub(super) fn collapse(text: &str) -> &str {
    text.trim_matches(is_space)
}

#[cfg(test)]
mod tests {
    use super::{boolean, unsigned_short};

    #[test]
    fn booleans_and_indices_are_read_strictly() {
        assert_eq!(
            [boolean("true"), boolean("1"), boolean("false"), boolean("0")],
            [Some(true), Some(true), Some(false), Some(false)]
        );
        assert!(["True", "TRUE", "maybe", "", " true", "01"].iter().all(|text| boolean(text).is_none()));
        assert_eq!([unsigned_short("0"), unsigned_short("65535")], [Some(0), Some(65535)]);
        assert!(["", "-1", "+1", "65536", "1.0", " 1"].iter().all(|text| unsigned_short(text).is_none()));
    }
}
