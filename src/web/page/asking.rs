//! Who asks: the service whose request waits, as its agreement names it.

use serde::Serialize;

use crate::accounts::site::Site;
use crate::address::{self, Address};
use crate::federation::agreement::LocalizedText;
use crate::web::waiting::{RequestAddress, service_named};

/// A service that waits for somebody to sign in. Its names come from the agreement: what a service says of itself in its
/// metadata is shown to nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asking {
    /// What people call the service.
    pub service: LocalizedText,
    /// The agency.
    pub agency: LocalizedText,
    /// Where the request goes on.
    pub path: Address,
    /// Where the form goes that gives up, so that the service is told.
    pub decline_path: Address,
}

impl Asking {
    /// The service that asks; `None` when it is not registered any more, or was switched off.
    #[must_use]
    pub fn by(site: &Site, entity_id: &str, address: &RequestAddress) -> Option<Self> {
        let service = service_named(site, entity_id)?;
        let agreement = service.agreement();
        Some(Self {
            service: agreement.friendly_name().clone(),
            agency: agreement.agency_name().clone(),
            path: address.path(),
            decline_path: address::SAML_DECLINE.of(address),
        })
    }
}
