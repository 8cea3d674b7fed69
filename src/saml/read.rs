//! What reading SAML's messages shares: the lexical forms of attributes, and the shapes of elements.

use super::MessageError;
use super::xml::{Element, is_space};

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

pub(super) fn required<'d>(element: Element<'d>, name: &'static str) -> Result<&'d str, MessageError> {
    element.attribute(name).ok_or(MessageError::AttributeMissing(name))
}

pub(super) fn optional<T>(
    element: Element<'_>,
    name: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, MessageError> {
    element.attribute(name).map(|text| read(text).ok_or(MessageError::MalformedAttribute(name))).transpose()
}

/// A misspelt `ForceAuthn` must not pass for an absent one. Attributes in a namespace are other people's notes.
pub(super) fn only_attributes(element: Element<'_>, known: &[&str]) -> Result<(), MessageError> {
    match element.attributes().find(|a| a.namespace().is_empty() && !known.contains(&a.local_name())) {
        Some(stranger) => {
            Err(MessageError::UnexpectedAttribute { line: element.line(), name: cut(stranger.local_name()) })
        }
        None => Ok(()),
    }
}

/// The children are of these names, in this order, each once at most, with no text between them; then any number of
/// `repeated` ones.
pub(super) fn only_elements(
    element: Element<'_>,
    known: &[(&str, &str)],
    repeated: &[(&str, &str)],
) -> Result<(), MessageError> {
    if !element.has_only_elements() {
        return Err(MessageError::UnexpectedText);
    }
    let mut expected = known.iter();
    for child in element.children() {
        let is = |(namespace, local): &(&str, &str)| child.is(namespace, local);
        if !repeated.iter().any(is) && !expected.any(is) {
            return Err(unexpected(child));
        }
    }
    Ok(())
}

pub(super) fn unexpected(element: Element<'_>) -> MessageError {
    MessageError::UnexpectedElement { line: element.line(), name: cut(element.local_name()) }
}

pub(super) fn cut(name: &str) -> String {
    name.chars().take(64).collect()
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
