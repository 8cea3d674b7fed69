//! Single sign-on in the browser: a request arrives, its person visits pages, an answer leaves.

pub mod answer;
mod apart;
pub mod arrival;
mod artifact;
mod direct;
pub mod handlers;
pub mod journey;
pub mod line;
pub mod logout;
pub mod metadata;
pub mod pages;
mod participation;
mod pending_sign_in;
pub mod trial;
pub mod turned_away;

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::cookie::Cookie;
use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use url::Url;

use crate::address::Address;
use crate::federation::registry::SharedRegistry;
use crate::federation::single_sign_on::SettlementRules;
use crate::rollover::SharedSigningKeys;
use crate::saml::metadata::EncryptionMethodsForm;
use crate::saml::{DeniedAlgorithms, EntityId};
use crate::storage::DisclosureWriter;
use crate::web::refusal::Refusal;

/// What single sign-on needs beside the [`Site`](crate::accounts::site::Site): who we are on the wire, who may ask, and the ledger.
#[derive(Clone)]
pub struct IdentityProvider {
    /// Our own name: the stable URL of our metadata.
    pub entity_id: EntityId,
    /// The addresses of our single sign-on service, as our metadata lists them.
    pub sso: Arc<[Url]>,
    /// The addresses of our single logout service, as our metadata lists them.
    pub slo: Arc<[Url]>,
    /// Where artifacts are resolved, as our metadata lists it.
    pub artifact: Arc<[Url]>,
    /// The services.
    pub registry: SharedRegistry,
    /// This node's chain of the ledger.
    pub disclosures: DisclosureWriter,
    /// Which key signs for which service.
    pub signing: SharedSigningKeys,
    /// Who runs this and whom to ask, for our metadata.
    pub published: Published,
    /// Our metadata as it was signed last.
    pub copy: metadata::SignedCopy,
    /// Which services fetched it at their own address.
    pub fetches: metadata::Fetches,
    /// Whether an ACS on http is accepted for loopback hosts: in the demonstration and in tests only.
    pub loopback_http: bool,
    /// The algorithms that are neither accepted nor used nor advertised.
    pub denied: DeniedAlgorithms,
}

/// What our metadata says about us beside addresses and keys.
#[derive(Debug, Clone, Default)]
pub struct Published {
    /// Who runs this.
    pub organization: String,
    /// What people call it.
    pub service_name: String,
    /// Where agencies' engineers get help.
    pub support_email: Option<String>,
    /// Where incidents are reported.
    pub security_email: Option<String>,
    /// How the methods are written by which services may encrypt for us.
    pub encryption_methods: EncryptionMethodsForm,
}

impl IdentityProvider {
    /// What the settings add to the settlement of a request.
    #[must_use]
    pub fn rules(&self) -> SettlementRules<'_> {
        SettlementRules { issuer: &self.entity_id, loopback_http: self.loopback_http }
    }

    /// The scope of `pairwise-id`: our host.
    #[must_use]
    pub fn scope(&self) -> &str {
        self.sso.first().and_then(Url::host_str).unwrap_or("localhost")
    }
}

type Answer = Result<HttpResponse, Refusal>;

/// 303, so that the browser comes with GET, whatever it sent.
fn see_other(to: &Address, cookies: impl IntoIterator<Item = Cookie<'static>>) -> HttpResponse {
    let mut answer = HttpResponse::SeeOther();
    answer.insert_header((LOCATION, to.as_str())).insert_header((CACHE_CONTROL, "no-store"));
    for cookie in cookies {
        answer.cookie(cookie);
    }
    answer.finish()
}
