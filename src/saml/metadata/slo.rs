//! Where logout messages go: the only maker of [`SloLocation`].

use std::fmt;

use url::Url;

use super::{Endpoint, SpMetadata, acs::is_secure};
use crate::saml::{
    binding::{HTTP_POST, HTTP_REDIRECT},
    peer::Peer,
};

/// Which kind of logout message is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoutKind {
    /// A LogoutRequest.
    Request,
    /// A LogoutResponse, for which the metadata may name another place (`ResponseLocation`).
    Response,
}

/// A place of a party's metadata to which a browser may carry a logout message, on https.
///
/// Only [`Peer::slo_location`] makes one, so no message goes where a message alone says.
#[derive(Clone, PartialEq, Eq)]
pub struct SloLocation {
    url: Url,
    by_redirect: bool,
}

impl SloLocation {
    /// Where.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Whether by HTTP-Redirect; by HTTP-POST otherwise.
    #[must_use]
    pub fn is_by_redirect(&self) -> bool {
        self.by_redirect
    }
}

impl fmt::Debug for SloLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SloLocation({})", self.url)
    }
}

impl SpMetadata {
    /// Where a logout message for this service goes: see [`Peer::slo_location`].
    #[must_use]
    pub fn slo_location(&self, kind: LogoutKind, allow_loopback_http: bool) -> Option<SloLocation> {
        self.peer.slo_location(kind, allow_loopback_http)
    }
}

impl Peer {
    /// Where a logout message for this party goes: by HTTP-Redirect if it takes that (deployment profile SDP-IDP24,
    /// SDP-IDP28), else by HTTP-POST. Nothing when the party takes no logout messages through a browser, or none on
    /// https; `allow_loopback_http` as for [`SpMetadata::acs_location`].
    #[must_use]
    pub fn slo_location(&self, kind: LogoutKind, allow_loopback_http: bool) -> Option<SloLocation> {
        let place = |endpoint: &Endpoint| {
            let location = match (kind, &endpoint.response_location) {
                (LogoutKind::Response, Some(location)) => location,
                _ => &endpoint.location,
            };
            is_secure(location, allow_loopback_http)
                .then(|| SloLocation { url: location.url().clone(), by_redirect: endpoint.binding == HTTP_REDIRECT })
        };
        [HTTP_REDIRECT, HTTP_POST].into_iter().find_map(|binding| {
            self.single_logout_services().iter().filter(|endpoint| endpoint.binding == binding).find_map(place)
        })
    }
}
