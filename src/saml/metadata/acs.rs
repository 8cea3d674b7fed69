//! Where answers go: the assertion consumer services of a record, and the one way to choose among them.

use std::fmt;

use url::{Host, Url};

use super::{IndexedEndpoint, Location, SpMetadata, default_of};
use crate::saml::binding::{HTTP_ARTIFACT, HTTP_POST};

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

/// How a response travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseBinding {
    /// HTTP-Artifact: the browser carries a reference, the service fetches the response.
    Artifact,
    /// HTTP-POST: the browser carries the response.
    Post,
}

impl ResponseBinding {
    /// The binding of this identifier, if responses can be sent by it.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        match uri {
            HTTP_ARTIFACT => Some(Self::Artifact),
            HTTP_POST => Some(Self::Post),
            _ => None,
        }
    }
}

/// A place to which a response may be sent: registered in the service provider's metadata, for HTTP-POST or HTTP-Artifact, on
/// https.
///
/// Only [`SpMetadata::acs_location`] makes one, so no response can be addressed to what a request alone says.
#[derive(Clone, PartialEq, Eq)]
pub struct AcsLocation {
    location: Location,
    index: u16,
    binding: ResponseBinding,
}

impl AcsLocation {
    /// The location as the metadata writes it, octet for octet: what `Destination` and `Recipient` say and where the browser
    /// goes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.location.as_str()
    }

    /// The location, parsed.
    #[must_use]
    pub fn url(&self) -> &Url {
        self.location.url()
    }

    /// The index of the endpoint in the metadata.
    #[must_use]
    pub fn index(&self) -> u16 {
        self.index
    }

    /// How a response gets there.
    #[must_use]
    pub fn binding(&self) -> ResponseBinding {
        self.binding
    }
}

impl fmt::Display for AcsLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.location.as_str())
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
    /// The endpoint that is meant has a binding by which no response is sent, or not the one that the request asks for.
    #[error(
        "the assertion consumer service has another binding than the request asks for, or than HTTP-POST and HTTP-Artifact"
    )]
    Binding,
    /// The endpoint is not on https, and not on a loopback host where that is allowed.
    #[error("the assertion consumer service is not on https")]
    NotHttps,
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
    /// `asked` is the request's `ProtocolBinding`. Without one, the endpoint that is meant decides; where several are, HTTP-POST
    /// goes before HTTP-Artifact.
    ///
    /// `allow_loopback_http` accepts http for `localhost`, `*.localhost` and loopback addresses: the demonstration and
    /// tests.
    ///
    /// # Errors
    /// [`AcsError`]: the answer can go nowhere, so that only the person can be told.
    pub fn acs_location(
        &self,
        selection: &AcsSelection,
        asked: Option<ResponseBinding>,
        allow_loopback_http: bool,
    ) -> Result<AcsLocation, AcsError> {
        let services = self.assertion_consumer_services();
        let by = |binding: ResponseBinding| {
            services.iter().filter(move |service| service.response_binding() == Some(binding))
        };
        let preferred = match asked {
            Some(binding) => vec![binding],
            None => vec![ResponseBinding::Post, ResponseBinding::Artifact],
        };
        let endpoint = match selection {
            AcsSelection::Default => preferred.into_iter().find_map(|binding| default_of(by(binding))),
            AcsSelection::Index(index) => {
                let named = services.iter().find(|s| s.index == *index).ok_or(AcsError::UnknownIndex(*index))?;
                Some(named).filter(|service| service.response_binding().is_some_and(|its| preferred.contains(&its)))
            }
            AcsSelection::Url(location) => {
                if !services.iter().any(|service| service.location.as_str() == location) {
                    return Err(AcsError::UnknownUrl);
                }
                // One location may be registered for several bindings.
                preferred
                    .into_iter()
                    .find_map(|binding| by(binding).find(|service| service.location.as_str() == location))
            }
        };
        let endpoint = endpoint.ok_or(AcsError::Binding)?;
        let binding = endpoint.response_binding().ok_or(AcsError::Binding)?;
        if !is_secure(&endpoint.location, allow_loopback_http) {
            return Err(AcsError::NotHttps);
        }
        Ok(AcsLocation { location: endpoint.location.clone(), index: endpoint.index, binding })
    }
}

impl IndexedEndpoint {
    /// By which binding responses can be sent to it, if by any.
    #[must_use]
    pub fn response_binding(&self) -> Option<ResponseBinding> {
        ResponseBinding::from_uri(&self.binding)
    }
}

/// Whether a message may go there: on https, or on http within this machine where that is allowed.
pub(super) fn is_secure(location: &Location, allow_loopback_http: bool) -> bool {
    match location.url().scheme() {
        "https" => true,
        "http" => allow_loopback_http && is_loopback(location.url()),
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
