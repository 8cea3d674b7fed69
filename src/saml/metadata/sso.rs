//! Where requests to an identity provider go: the only maker of [`SsoLocation`].

use std::fmt;

use url::Url;

use super::{IdpMetadata, Location, acs::is_secure};
use crate::saml::binding::{HTTP_POST, HTTP_REDIRECT};

/// A place of an identity provider's metadata to which a browser may carry an AuthnRequest, on https.
///
/// Only [`IdpMetadata::sso_location`] makes one, so no person is sent where the metadata does not say.
#[derive(Clone, PartialEq, Eq)]
pub struct SsoLocation {
    location: Location,
    by_redirect: bool,
}

impl SsoLocation {
    /// The location as the metadata writes it, octet for octet: what `Destination` says.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.location.as_str()
    }

    /// Where the browser goes.
    #[must_use]
    pub fn url(&self) -> &Url {
        self.location.url()
    }

    /// Whether by HTTP-Redirect; by HTTP-POST otherwise.
    #[must_use]
    pub fn is_by_redirect(&self) -> bool {
        self.by_redirect
    }
}

impl fmt::Debug for SsoLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SsoLocation({})", self.location)
    }
}

impl IdpMetadata {
    /// Where an AuthnRequest goes: by HTTP-Redirect if the identity provider takes that, which leads a browser on without a page
    /// and a script (deployment profile SDP-SP02), else by HTTP-POST. `None` if it takes requests by neither, or by none on
    /// https; `allow_loopback_http` as for [`SpMetadata::acs_location`](super::SpMetadata::acs_location).
    #[must_use]
    pub fn sso_location(&self, allow_loopback_http: bool) -> Option<SsoLocation> {
        [HTTP_REDIRECT, HTTP_POST].into_iter().find_map(|binding| {
            let services = self.single_sign_on_services().iter();
            let mut usable = services.filter(|endpoint| endpoint.binding == binding);
            usable.find(|endpoint| is_secure(&endpoint.location, allow_loopback_http)).map(|endpoint| SsoLocation {
                location: endpoint.location.clone(),
                by_redirect: binding == HTTP_REDIRECT,
            })
        })
    }
}
