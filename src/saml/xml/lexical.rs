//! The smallest parts of XML 1.0 (fifth edition): characters, names, references, attributes of a tag.

use super::error::{XmlFault, quoted};

/// XML 1.0 production 2, `Char`.
pub(crate) fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}

/// XML 1.0 production 3, `S`.
pub(crate) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// XML 1.0 production 4 without the colon: `NCNameStartChar` of Namespaces in XML.
fn is_name_start(c: char) -> bool {
    matches!(c, 'A'..='Z' | 'a'..='z' | '_'
        | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}'
        | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}'
        | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

/// XML 1.0 production 4a without the colon: `NCNameChar`.
fn is_name_char(c: char) -> bool {
    is_name_start(c) || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// Which octets are characters of a name, where all are ASCII.
const ASCII_NAME_CHARS: [bool; 128] = {
    let mut table = [false; 128];
    let mut octet = 0_u8;
    while octet < 128 {
        let is_one = octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-' | b'.');
        #[expect(clippy::indexing_slicing, reason = "in a constant: an index out of bounds does not compile")]
        {
            table[octet as usize] = is_one;
        }
        octet += 1;
    }
    table
};

/// Namespaces in XML 1.0 production 4, `NCName`: a name without a colon. Also the lexical space of `xs:ID`.
pub(crate) fn is_nc_name(name: &str) -> bool {
    // Nearly all names are ASCII; their octets are their characters.
    if let Some((first, rest)) = name.as_bytes().split_first()
        && (first.is_ascii_alphabetic() || *first == b'_')
        && rest.iter().all(|octet| ASCII_NAME_CHARS.get(usize::from(*octet)) == Some(&true))
    {
        return true;
    }
    let mut characters = name.chars();
    characters.next().is_some_and(is_name_start) && characters.all(is_name_char)
}

/// Splits `prefix:local` or `local` (production 7, `QName`).
pub(super) fn split_qname(name: &str) -> Result<(&str, &str), XmlFault> {
    let (prefix, local) = match split_at_octet(name, b':') {
        Some((prefix, local)) if is_nc_name(prefix) => (prefix, local),
        Some(_) => return Err(XmlFault::MalformedName(quoted(name))),
        None => ("", name),
    };
    if is_nc_name(local) { Ok((prefix, local)) } else { Err(XmlFault::MalformedName(quoted(name))) }
}

/// What stands before and after the first of an ASCII character. Names are short: looking at each octet is quicker than
/// `split_once`, which prepares for long texts.
fn split_at_octet(text: &str, ascii: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|octet| octet == ascii)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// Whether every character is one that XML 1.0 allows.
///
/// The octets are looked at instead of the characters: of valid UTF-8, only the controls below U+0020 and the two
/// non-characters U+FFFE and U+FFFF are outside production 2. Both of those begin with 0xEF, which is rare.
pub(crate) fn all_legal(text: &str) -> bool {
    let is_control = |byte: u8| (byte < 0x20) & !is_one_of(byte, *b"\t\n\r");
    clean_octets(text.as_bytes(), |byte| is_control(byte) | (byte == 0xEF)) == text.len()
        || !(text.bytes().any(is_control)
            || text.as_bytes().windows(3).any(|window| matches!(window, [0xEF, 0xBF, 0xBE | 0xBF])))
}

/// How many octets at the beginning are none that is looked for. Most texts are long and hold none (base64, URIs), so they
/// are taken in blocks without a branch for each octet, which the compiler turns into vector instructions where the question
/// has no branch either ([`is_one_of`]).
pub(crate) fn clean_octets(octets: &[u8], is_looked_for: impl Fn(u8) -> bool) -> usize {
    const BLOCK: usize = 32;
    let mut clean = 0;
    for block in octets.chunks_exact(BLOCK) {
        if block.iter().fold(false, |found, octet| found | is_looked_for(*octet)) {
            break;
        }
        clean += BLOCK;
    }
    let rest = octets.get(clean..).unwrap_or(&[]);
    clean + rest.iter().position(|octet| is_looked_for(*octet)).unwrap_or(rest.len())
}

/// Whether an octet is one of these, asked without a branch.
pub(crate) fn is_one_of<const N: usize>(octet: u8, these: [u8; N]) -> bool {
    these.into_iter().fold(false, |found, this| found | (octet == this))
}

/// What `&name;` stands for: one of the five predefined entities or a character reference (productions 66, 68).
pub(super) fn resolve_reference(name: &str) -> Result<char, XmlFault> {
    if let Some(digits) = name.strip_prefix('#') {
        let code = match digits.strip_prefix('x') {
            Some(hex) if !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16),
            None if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse(),
            _ => return Err(XmlFault::UnknownEntity(quoted(name))),
        };
        return code
            .ok()
            .and_then(char::from_u32)
            .filter(|character| is_char(*character))
            .ok_or(XmlFault::IllegalCharacter);
    }
    match name {
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "gt" => Ok('>'),
        "lt" => Ok('<'),
        "quot" => Ok('"'),
        _ => Err(XmlFault::UnknownEntity(quoted(name))),
    }
}

/// Appends literal text with line ends normalised to `\n` (XML 1.0 §2.11).
pub(super) fn push_normalised(out: &mut String, raw: &str) {
    let mut rest = raw;
    loop {
        let (before, after) = rest.split_at(clean_octets(rest.as_bytes(), |octet| octet == b'\r'));
        out.push_str(before);
        let Some(after) = after.strip_prefix('\r') else { return };
        out.push('\n');
        rest = after.strip_prefix('\n').unwrap_or(after);
    }
}

/// Appends an attribute's value, normalised as XML 1.0 §3.3.3 says for CDATA: each literal line end, tab or line feed
/// becomes a space, each reference becomes its character.
pub(super) fn push_attribute_value(out: &mut String, raw: &str) -> Result<(), XmlFault> {
    let mut rest = raw;
    loop {
        let special = |octet| is_one_of(octet, *b"&\t\n\r<");
        let (before, special) = rest.split_at(clean_octets(rest.as_bytes(), special));
        out.push_str(before);
        if special.is_empty() {
            return Ok(());
        }
        rest = if let Some(after) = special.strip_prefix('&') {
            let (name, after) =
                after.split_once(';').ok_or_else(|| XmlFault::NotWellFormed("a reference is not closed".into()))?;
            out.push(resolve_reference(name)?);
            after
        } else if let Some(after) = special.strip_prefix("\r\n") {
            out.push(' ');
            after
        } else if special.starts_with('<') {
            return Err(XmlFault::AttributeSyntax);
        } else {
            out.push(' ');
            special.get(1..).unwrap_or("")
        };
    }
}

/// The attributes of a tag as written: pairs of name and raw value (production 41), one at a time so that a caller can
/// stop counting early.
#[derive(Clone)]
pub(super) struct RawAttributes<'a> {
    rest: &'a str,
}

impl<'a> RawAttributes<'a> {
    /// `raw` is what stands between the element's name and the closing `>` or `/>`.
    pub(super) fn new(raw: &'a str) -> Self {
        Self { rest: raw }
    }

    /// The next pair, or nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<(&'a str, &'a str)>, XmlFault> {
        let trimmed = self.rest.trim_start_matches(is_space);
        if trimmed.is_empty() {
            return Ok(None);
        }
        if trimmed.len() == self.rest.len() {
            // Attributes are separated by white space, from the name and from one another.
            return Err(XmlFault::AttributeSyntax);
        }
        let (name, value) = split_at_octet(trimmed, b'=').ok_or(XmlFault::AttributeSyntax)?;
        let value = value.trim_start_matches(is_space);
        let quote = *value.as_bytes().first().filter(|c| matches!(c, b'"' | b'\'')).ok_or(XmlFault::AttributeSyntax)?;
        let value = value.get(1..).unwrap_or("");
        let (value, rest) = value.split_at(clean_octets(value.as_bytes(), |octet| octet == quote));
        self.rest = rest.get(1..).ok_or(XmlFault::AttributeSyntax)?;
        Ok(Some((name.trim_end_matches(is_space), value)))
    }
}

/// Whether this can be a namespace name: an absolute URI, in the characters of RFC 3986. Processors differ on what
/// relative ones mean, and some canonicalize what they cannot read as a URI to nothing.
pub(super) fn is_absolute_uri(name: &str) -> bool {
    let Some((scheme, rest)) = name.split_once(':') else { return false };
    scheme.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        && !rest.is_empty()
        && rest.matches('#').count() <= 1
        // Unreserved and reserved characters without brackets, which only an IPv6 address could have.
        && rest.bytes().all(|b| {
            b.is_ascii_alphanumeric()
                || matches!(b, b'-' | b'.' | b'_' | b'~' | b':' | b'/' | b'?' | b'#' | b'@' | b'!' | b'$' | b'&')
                || matches!(b, b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b'%')
        })
        && rest.split('%').skip(1).all(|escape| {
            escape.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_five_entities_and_legal_characters_are_resolved() {
        assert_eq!(resolve_reference("lt"), Ok('<'));
        assert_eq!(resolve_reference("#x1F511"), Ok('🔑'));
        assert_eq!(resolve_reference("#10"), Ok('\n'));
        assert_eq!(resolve_reference("#0"), Err(XmlFault::IllegalCharacter));
        assert_eq!(resolve_reference("#xFFFF"), Err(XmlFault::IllegalCharacter));
        assert_eq!(resolve_reference("#xD800"), Err(XmlFault::IllegalCharacter));
        for name in ["nbsp", "", "#", "#x", "#X41", "#+65", "# 65", "LT"] {
            assert_eq!(resolve_reference(name), Err(XmlFault::UnknownEntity(name.into())), "{name}");
        }
        assert!(resolve_reference("#99999999999999999999").is_err());
    }

    #[test]
    fn names_follow_the_fifth_edition() {
        for name in ["a", "_1", "Ä-ö", "a.b"] {
            assert!(is_nc_name(name), "{name}");
        }
        for name in ["", "1a", "-a", "a:b", "a b", "a\u{d7}", ".a"] {
            assert!(!is_nc_name(name), "{name}");
        }
        assert_eq!(split_qname("a:b"), Ok(("a", "b")));
        for name in [":b", "a:", "a:b:c", ""] {
            assert!(split_qname(name).is_err(), "{name}");
        }
    }

    #[test]
    fn legal_characters_by_octet_are_those_of_the_production() {
        for code in (0..=0x11_0000_u32).filter_map(char::from_u32) {
            assert_eq!(all_legal(code.encode_utf8(&mut [0; 4])), is_char(code), "U+{:04X}", u32::from(code));
        }
    }

    #[test]
    fn attribute_values_are_normalised() {
        let mut out = String::new();
        push_attribute_value(&mut out, "a\r\nb\rc\td\ne&#10;&#xD;&amp;&quot;").unwrap();
        assert_eq!(out, "a b c d e\n\r&\"");
    }

    #[test]
    fn line_ends_are_normalised() {
        let mut out = String::new();
        push_normalised(&mut out, "a\r\nb\rc\n\r\r\nd");
        assert_eq!(out, "a\nb\nc\n\n\nd");
    }
}
