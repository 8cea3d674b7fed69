//! The name of a SAML entity: text that is compared octet for octet. It is never opened, and no reader of addresses is asked
//! what it means; where messages go is a [`Location`](super::metadata::Location).

use std::fmt;

/// The name of a SAML entity, at most 1024 characters (SAML Core §8.3.6), compared octet for octet.
///
/// It is a URI (RFC 3986), as the standard wants it, or plain words without white space: some products are called `cloud.example`
/// and cannot be renamed. Whether plain words are accepted of a service is for its agreement to say; see [`Self::is_uri`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityId(String);

impl EntityId {
    /// Reads the name of an entity.
    ///
    /// # Errors
    /// The text is empty or too long, or has white space, control characters or markup (`<`, `>`, `"`) in it: what no URI may have
    /// and no product is called by.
    pub fn parse(text: &str) -> Result<Self, MalformedEntityId> {
        let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"'));
        if plain && (1..=1024).contains(&text.chars().count()) {
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

    /// Whether the name is a URI with a scheme (RFC 3986 §3). As in `xs:anyURI`, the schema's type of the name, characters that a
    /// URI would have percent-encoded may stand as themselves.
    #[must_use]
    pub fn is_uri(&self) -> bool {
        is_uri(&self.0)
    }
}

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no entity id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to 1024 characters, and no white space")]
pub struct MalformedEntityId;

/// RFC 3986 §3: `scheme ":" hier-part [ "?" query ] [ "#" fragment ]`, with something after the scheme. The URL standard of
/// browsers, which reads `https://sp6.5` as a broken IPv4 address, is not asked.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let begins_well = scheme.bytes().next().is_some_and(|first| first.is_ascii_alphabetic());
    let is_scheme = begins_well && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    if !is_scheme || rest.is_empty() || !percent_signs_encode(rest) || rest.matches('#').count() > 1 {
        return false;
    }
    let Some(after) = rest.strip_prefix("//") else {
        // RFC 9110 §4.2: both schemes have a host.
        return !(scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"));
    };
    let authority = after.split(['/', '?', '#']).next().unwrap_or(after);
    is_authority(authority)
}

/// RFC 3986 §3.2: `[ userinfo "@" ] host [ ":" port ]`, with a host.
fn is_authority(authority: &str) -> bool {
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, after)| after);
    let is_port = |port: &str| port.bytes().all(|b| b.is_ascii_digit());
    if let Some(literal) = host_and_port.strip_prefix('[') {
        let Some((address, after)) = literal.split_once(']') else { return false };
        let future = address.starts_with(['v', 'V']) && address.contains('.');
        let is_v6 = address.contains(':') && address.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'));
        let known = future || is_v6;
        return known && (after.is_empty() || after.strip_prefix(':').is_some_and(is_port));
    }
    let (host, port) = host_and_port.split_once(':').unwrap_or((host_and_port, ""));
    !host.is_empty() && !host.contains(['[', ']', '@', '\\']) && is_port(port)
}

/// RFC 3986 §2.1: a percent sign begins an octet of two hexadecimal digits.
fn percent_signs_encode(text: &str) -> bool {
    text.split('%').skip(1).all(|after| after.len() >= 2 && after.bytes().take(2).all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_uri(text: &str) -> bool {
        EntityId::parse(text).is_ok_and(|name| name.is_uri())
    }

    #[test]
    fn a_name_has_no_white_space_and_is_not_too_long() {
        let parses = |text: &str| EntityId::parse(text).is_ok();
        let long = |length: usize| format!("https://sp.example/{}", "é".repeat(length - "https://sp.example/".len()));
        assert!(parses("https://sp.example/saml") && parses("urn:example:sp") && parses(&long(1024)));
        assert!(parses("cloud.example/a/office.example"));
        assert!(!parses(&long(1025)));
        for text in ["", "https://sp.example/a b", " urn:a", "urn:a\n", "urn:a\u{7}", "urn:a\u{85}b", "a\u{3000}b"] {
            assert!(!parses(text), "{text:?}");
        }
    }

    #[test]
    fn names_that_a_browser_could_not_open_are_uris_all_the_same() {
        for text in [
            "https://portal-2.1",
            "https://entityidsp6.5",
            "https://service.v3.0/saml",
            "https://999.999.999.999/",
            "https://sp_1.example",
            "https://sp.example:99999/saml",
            "https://a%20b.example/",
            "https://xn--a/",
            "https://sp.example/{tenant}|x",
            "https://münchen.example/é",
            "https://[2001:db8::1]:8443/saml",
            "https://[v1.fe80]/",
            "https://user@sp.example/",
            "urn:example:sp",
            "urn:oid:1.2.3#part",
            "spn:fe78e0b4-6fe7-47e6-812c-fb75cee266a4",
            "api://9f3c",
            "localhost:8080",
            "mailto:sso@sp.example",
        ] {
            assert!(is_uri(text), "{text}");
        }
    }

    #[test]
    fn other_names_are_plain_words() {
        for text in [
            "google.com",
            "google.com/a/office.example",
            "/saml",
            "//sp.example/saml",
            "1urn:a",
            ":a",
            "urn:",
            "ümlaut:a",
            "https:",
            "https:sp.example",
            "https:///saml",
            "https://",
            "https://:8443/",
            "https://?x",
            "https://sp.example:port/",
            "https://sp.example:80:80/",
            "https://[::1/",
            "https://[sp.example]/",
            "https://sp].example/",
            "https://sp.example/%",
            "https://sp.example/%zz",
            "https://sp.example/%e",
            "https://sp.example/#a#b",
        ] {
            assert!(EntityId::parse(text).is_ok() && !is_uri(text), "{text}");
        }
    }
}
