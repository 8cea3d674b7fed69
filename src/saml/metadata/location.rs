//! An address of metadata.

use std::fmt;

use url::Url;

/// An address to which a browser may be sent, http or https, as metadata writes it and as a browser reads it. The text is what
/// messages name and what requests are compared with, octet for octet; the URL is where the browser goes.
///
/// A name ([`EntityId`](crate::saml::EntityId), a binding, a format) is no address, however much it looks like one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    written: String,
    url: Url,
}

impl Location {
    /// Reads an address.
    ///
    /// # Errors
    /// It is no absolute http or https URL with a host, or has a user name, a password or a fragment.
    pub fn parse(text: &str) -> Result<Self, MalformedLocation> {
        let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
        Url::parse(text)
            .ok()
            .filter(|url| plain && names_host(text) && matches!(url.scheme(), "http" | "https") && url.has_host())
            .filter(|url| url.username().is_empty() && url.password().is_none() && url.fragment().is_none())
            .map(|url| Self { written: text.to_owned(), url })
            .ok_or(MalformedLocation)
    }

    /// The address, octet for octet.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The address as a browser reads it.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// The text is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an address is an absolute http or https URL with a host, without user name and fragment")]
pub struct MalformedLocation;

/// Whether the text says scheme and host as RFC 3986 §3 writes them. The URL standard reads a host into `https:host`,
/// `https:///host` and `https:\\host` too, and a browser reads a path into some of them, on a page of the same scheme.
fn names_host(text: &str) -> bool {
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    let web = ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web));
    web && rest.starts_with(|first| !matches!(first, '/' | '\\'))
}
