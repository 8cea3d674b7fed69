//! `/saml` and `/saml/metadata`: our own metadata, signed, at addresses that never change.
//!
//! A fetch says nothing of who fetches. So each service has an address of its own, `/saml/metadata/{…}`, with the same
//! document: who uses it is known to have the keys that stood in it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, ETag, EntityTag, Header as _, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse, web};
use time::{Duration, UtcDateTime};

use super::IdentityProvider;
use super::apart::apart;
use crate::accounts::site::Site;
use crate::address;
use crate::entropy::random_bytes;
use crate::locale::Locale;
use crate::refusal::RefusalKind;
use crate::rollover::{METADATA_LOOK_AGAIN, METADATA_VALID_FOR, MetadataFetch, SigningKeys, is_metadata_address};
use crate::saml::metadata::{
    Contact, ERROR_URL_QUERY, IdpDescription, Localized, Logo, Organization, UserInterface, idp_metadata,
};
use crate::saml::{EntityId, MessageId};
use crate::sealing::KeysError;
use crate::storage::StoreError;
use crate::texts::text;
use crate::web::head::only_looks;
use crate::web::refusal::Refusal;

/// How long a signed copy serves: a stranger who asks again and again must not cost a signature each time.
const COPY_SERVES: Duration = Duration::seconds(300);
/// A service that fetches often costs at most one write in this time.
const WRITTEN_AGAIN_AFTER: Duration = Duration::hours(1);

/// Its width and its height.
const LOGO_PIXELS: u32 = 48;

/// The copy that was signed last. A clone is the same copy.
#[derive(Clone, Default)]
pub struct SignedCopy(Arc<Mutex<Option<Copied>>>);

struct Copied {
    at: UtcDateTime,
    /// The number of the plan whose keys stand in it.
    plan_version: i64,
    text: Arc<str>,
}

impl SignedCopy {
    /// The copy, while it serves and holds the keys of this plan.
    fn at(&self, now: UtcDateTime, plan_version: i64) -> Option<Arc<str>> {
        let copy = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let copy = copy.as_ref().filter(|copy| copy.plan_version == plan_version);
        copy.filter(|copy| now >= copy.at && now - copy.at < COPY_SERVES).map(|copy| Arc::clone(&copy.text))
    }

    fn keep(&self, now: UtcDateTime, plan_version: i64, text: Arc<str>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Copied { at: now, plan_version, text });
    }
}

impl fmt::Debug for SignedCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignedCopy")
    }
}

/// When each service last fetched it at its own address, as far as this node knows. A clone is the same.
#[derive(Clone, Default)]
pub struct Fetches(Arc<Mutex<HashMap<EntityId, MetadataFetch>>>);

impl Fetches {
    /// Whether this fetch is worth a write: the first in an hour, or the first with the keys of another plan. It counts as
    /// written from here on.
    fn is_due(&self, service: &EntityId, fetch: MetadataFetch) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let written = known.get(service).is_some_and(|last| {
            last.plan_version == fetch.plan_version && fetch.at >= last.at && fetch.at - last.at < WRITTEN_AGAIN_AFTER
        });
        if !written {
            known.insert(service.clone(), fetch);
        }
        !written
    }

    /// The write failed: the next fetch tries again.
    fn take_back(&self, service: &EntityId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(service);
    }
}

impl fmt::Debug for Fetches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fetches")
    }
}

/// Answers with our metadata; whoever has this very copy already is told so.
///
/// # Errors
/// When it cannot be signed.
pub async fn publish(
    request: HttpRequest,
    site: web::Data<Site>,
    idp: web::Data<IdentityProvider>,
) -> Result<HttpResponse, Refusal> {
    let signing = idp.signing.load_full();
    answer(&request, &signed(&site, &idp, &signing).await?, "public, max-age=300")
}

/// Answers one service with our metadata at its own address, and remembers that it has the keys of this plan.
///
/// # Errors
/// When it is no service's address, or the metadata cannot be signed.
pub async fn publish_to_one(
    request: HttpRequest,
    address: web::Path<String>,
    site: web::Data<Site>,
    idp: web::Data<IdentityProvider>,
) -> Result<HttpResponse, Refusal> {
    let signing = idp.signing.load_full();
    let service = whose(&address, &site, &idp)?.ok_or(RefusalKind::PageNotFound)?;
    let metadata = signed(&site, &idp, &signing).await?;
    let fetch = MetadataFetch { at: site.now(), plan_version: signing.plan().version() };
    // Who only looks has not fetched the keys.
    if !only_looks(&request) && idp.fetches.is_due(&service, fetch) {
        let name = service.to_string();
        let written =
            site.store.transaction::<_, StoreError, _>(move |tx| tx.record_metadata_fetch(&name, fetch)).await;
        if let Err(fault) = written {
            // The service gets its metadata all the same.
            tracing::warn!(%fault, "that a service fetched our metadata cannot be written down");
            idp.fetches.take_back(&service);
        }
    }
    // A copy that somebody between us keeps would be handed out without our knowing.
    answer(&request, &metadata, "private, no-cache")
}

/// The service whose address this is.
fn whose(address: &str, site: &Site, idp: &IdentityProvider) -> Result<Option<EntityId>, KeysError> {
    for service in idp.registry.load().services() {
        if is_metadata_address(address, service.entity_id(), &*site.keys)? {
            return Ok(Some(service.entity_id().clone()));
        }
    }
    Ok(None)
}

/// The copy that serves now.
async fn signed(site: &Site, idp: &IdentityProvider, signing: &SigningKeys) -> Result<Arc<str>, Refusal> {
    let (now, plan_version) = (site.now(), signing.plan().version());
    if let Some(metadata) = idp.copy.at(now, plan_version) {
        return Ok(metadata);
    }
    let metadata: Arc<str> = sign(site, idp, signing).await?.into();
    idp.copy.keep(now, plan_version, Arc::clone(&metadata));
    Ok(metadata)
}

fn answer(request: &HttpRequest, metadata: &str, cache_control: &'static str) -> Result<HttpResponse, Refusal> {
    let tag = EntityTag::new_strong(hex::encode(openssl::sha::sha256(metadata.as_bytes())));
    let known = match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(&tag)),
        Err(_) => false,
    };
    let mut answer = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    // RFC 9110 §15.4.5: an answer without the text carries the headers that the text would have come with.
    answer.insert_header(ETag(tag)).insert_header((CACHE_CONTROL, cache_control));
    if known {
        return Ok(answer.finish());
    }
    Ok(answer
        // SAML Metadata §5.1: the registered media type.
        .content_type("application/samlmetadata+xml")
        .insert_header((CONTENT_DISPOSITION, "inline; filename=\"metadata.xml\""))
        .body(metadata.to_owned()))
}

async fn sign(site: &Site, idp: &IdentityProvider, signing: &SigningKeys) -> Result<String, Refusal> {
    let sso = idp.sso.first().ok_or(RefusalKind::PageNotFound)?;
    let slo = idp.slo.first().ok_or(RefusalKind::PageNotFound)?;
    let artifact = idp.artifact.first().ok_or(RefusalKind::PageNotFound)?;
    let english = |words: &str| vec![Localized { lang: "en".into(), text: words.to_owned() }];
    let published = &idp.published;
    let page = |page: address::Path| {
        let mut url = sso.clone();
        url.set_path(page.as_str());
        url
    };
    let description = IdpDescription {
        id: MessageId::from_entropy(random_bytes(&*site.entropy)),
        entity_id: idp.entity_id.clone(),
        valid_until: site.now().saturating_add(METADATA_VALID_FOR),
        cache_duration: METADATA_LOOK_AGAIN.unsigned_abs(),
        sso_redirect: sso.clone(),
        sso_post: sso.clone(),
        slo: slo.clone(),
        artifact: artifact.clone(),
        further_certificates: signing.published().map(|signer| signer.certificate_der().to_vec()).collect(),
        encryption_certificate: signing.offered().map(|opener| opener.certificate_der().to_vec()),
        encryption_methods: published.encryption_methods,
        denied: idp.denied,
        error_url: format!("{}?{ERROR_URL_QUERY}", page(address::SAML_ERROR)),
        scopes: vec![idp.scope().to_owned()],
        user_interface: UserInterface {
            display_names: english(&published.service_name),
            descriptions: english(&text(Locale::DEFAULT, "metadata-description", &[])),
            information_urls: english(page(address::HELP).as_str()),
            privacy_statement_urls: english(page(address::PRIVACY).as_str()),
            // Deployment profile SDP-MD10: a logo stands at an https address.
            logos: (sso.scheme() == "https")
                .then(|| Logo { url: page(address::LOGO), width: LOGO_PIXELS, height: LOGO_PIXELS, lang: None })
                .into_iter()
                .collect(),
        },
        organization: Some(Organization {
            names: english(&published.organization),
            display_names: english(&published.organization),
            urls: english(site.origin.as_str()),
        }),
        contacts: published.support_email.iter().map(|address| contact("technical", address)).collect(),
        security_contact: published.security_email.as_deref().map(|address| Contact {
            // The extension wants a name, and advises one that stays when people go.
            given_name: Some(published.organization.clone()),
            ..contact("other", address)
        }),
    };
    let signer = signing.metadata_signer();
    let metadata = apart(move || idp_metadata(&description, &*signer)).await?.map_err(|fault| {
        tracing::error!(%fault, "our metadata cannot be made");
        Refusal::because(RefusalKind::Outage, &fault)
    })?;
    Ok(metadata.as_str().to_owned())
}

fn contact(kind: &str, address: &str) -> Contact {
    Contact {
        kind: kind.to_owned(),
        company: None,
        given_name: None,
        surname: None,
        email_addresses: vec![address.to_owned()],
        telephone_numbers: Vec::new(),
    }
}
