//! Who asks: the service whose request waits, as its agreement names it.

use serde::Serialize;

use crate::authentication::session::WaitingRequest;
use crate::saml::EntityId;
use crate::web::site::Site;

/// A service that waits for somebody to sign in. Its names come from the agreement: what a service says of itself in its
/// metadata is shown to nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asking {
    /// What people call the service.
    pub service: String,
    /// The agency.
    pub agency: String,
    /// Where the request goes on.
    pub path: String,
}

impl Asking {
    /// The service that asks; nothing when it is not registered any more, or was switched off.
    #[must_use]
    pub fn by(site: &Site, waiting: &WaitingRequest) -> Option<Self> {
        let entity_id = EntityId::parse(&waiting.service).ok()?;
        let services = site.services.load();
        let agreement = services.find(&entity_id)?.agreement();
        agreement.is_enabled().then(|| Self {
            service: agreement.friendly_name().in_language("en").to_owned(),
            agency: agreement.agency_name().in_language("en").to_owned(),
            path: path_of(waiting),
        })
    }
}

/// Where a request that waits goes on.
#[must_use]
pub fn path_of(waiting: &WaitingRequest) -> String {
    format!("/saml/continue/{}", hex::encode(waiting.id))
}
