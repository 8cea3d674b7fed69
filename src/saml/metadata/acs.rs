//! Where answers go: the assertion consumer services of a record, and the one way to choose among them.

use std::fmt;

use url::{Host, Url};

use super::{IndexedEndpoint, SpMetadata, default_of};
use crate::saml::binding::HTTP_POST;

/// Which assertion consumer service a request means (SAML Core §3.4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AcsSelection {
    /// None is named: the default of the metadata (SAML Metadata §2.2.3).
    Default,
    /// The one with this `index`.
    Index(u16),
    /// The one at this location, which must be registered.
    Url(String),
}

/// A place to which a response may be sent: registered in the service provider's metadata, for HTTP-POST, on https.
///
/// Only [`SpMetadata::acs_location`] makes one, so no response can be addressed to what a request alone says.
#[derive(Clone, PartialEq, Eq)]
pub struct AcsLocation {
    location: String,
    url: Url,
    index: u16,
}

impl AcsLocation {
    /// The location as the metadata writes it, octet for octet: what `Destination` and `Recipient` say and what the form
    /// posts to.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.location
    }

    /// The location, parsed.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The index of the endpoint in the metadata.
    #[must_use]
    pub fn index(&self) -> u16 {
        self.index
    }
}

impl fmt::Display for AcsLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.location)
    }
}

impl fmt::Debug for AcsLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AcsLocation({})", self.location)
    }
}

/// No registered place is meant, or none that may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AcsError {
    /// The endpoint is not on https, and not on a loopback host where that is allowed.
    #[error("the assertion consumer service is not on https")]
    NotHttps,
    /// The endpoint that is meant has another binding than HTTP-POST.
    #[error("the assertion consumer service has another binding than HTTP-POST")]
    NotPost,
    /// The request names an index that the metadata lacks.
    #[error("the metadata has no assertion consumer service with index {0}")]
    UnknownIndex(u16),
    /// The request names a location that the metadata lacks.
    #[error("the metadata has no assertion consumer service at the location that the request names")]
    UnknownUrl,
}

impl SpMetadata {
    /// The place to which the answer of a request goes. Locations are compared octet for octet (SAML Core §3.4.1 leaves
    /// the trust in a location to the responder: only what is registered is trusted).
    ///
    /// `allow_loopback_http` accepts http for `localhost`, `*.localhost` and loopback addresses: the demonstration and
    /// tests.
    ///
    /// # Errors
    /// [`AcsError`]: the answer can go nowhere, so that only the person can be told.
    pub fn acs_location(&self, selection: &AcsSelection, allow_loopback_http: bool) -> Result<AcsLocation, AcsError> {
        let services = self.assertion_consumer_services();
        let chosen = match selection {
            // Only endpoints that we can use take part, so that an artifact endpoint marked as default is passed over.
            AcsSelection::Default => default_of(services.iter().filter(|service| service.is_post())),
            AcsSelection::Index(index) => {
                Some(services.iter().find(|s| s.index == *index).ok_or(AcsError::UnknownIndex(*index))?)
            }
            AcsSelection::Url(location) => {
                let mut at = services.iter().filter(|service| service.location == *location).peekable();
                let first = *at.peek().ok_or(AcsError::UnknownUrl)?;
                // One location may be registered for several bindings.
                Some(at.find(|service| service.is_post()).unwrap_or(first))
            }
        };
        let endpoint = chosen.filter(|service| service.is_post()).ok_or(AcsError::NotPost)?;
        if !is_secure(&endpoint.url, allow_loopback_http) {
            return Err(AcsError::NotHttps);
        }
        Ok(AcsLocation { location: endpoint.location.clone(), url: endpoint.url.clone(), index: endpoint.index })
    }
}

impl IndexedEndpoint {
    /// Whether responses can be sent to it.
    #[must_use]
    pub fn is_post(&self) -> bool {
        self.binding == HTTP_POST
    }
}

/// Whether a message may go there: on https, or on http within this machine where that is allowed.
pub(super) fn is_secure(url: &Url, allow_loopback_http: bool) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => allow_loopback_http && is_loopback(url),
        _ => false,
    }
}

/// Whether the host means this very machine: `localhost` and what is below it (RFC 6761 §6.3), 127.0.0.0/8, `::1`.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
