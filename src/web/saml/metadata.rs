//! `/saml` and `/saml/metadata`: our own metadata, signed, at addresses that never change.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration as StdDuration;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, ETag, EntityTag, Header as _, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse, web};
use time::{Duration, UtcDateTime};

use super::IdentityProvider;
use crate::saml::MessageId;
use crate::saml::metadata::{
    Contact, ERROR_URL_QUERY, IdpDescription, Localized, Logo, Organization, UserInterface, idp_metadata,
};
use crate::services::random_bytes;
use crate::web::refusal::{Refusal, RefusalKind};
use crate::web::site::Site;
use crate::web::texts::text;

/// For how long a copy may be relied on (SAML V2.0 Metadata Interoperability Profile §2.4).
const VALID_FOR: Duration = Duration::days(14);
/// After how long a service provider looks again; a key that comes next is published much earlier than it signs.
const LOOK_AGAIN: StdDuration = StdDuration::from_secs(6 * 60 * 60);

/// How long a signed copy serves: a stranger who asks again and again must not cost a signature each time.
const COPY_SERVES: Duration = Duration::seconds(300);

/// An address that stays; what it leads to changes its name with its content.
const LOGO: &str = "/logo.svg";
/// Its width and its height.
const LOGO_PIXELS: u32 = 48;

/// The copy that was signed last. A clone is the same copy.
#[derive(Clone, Default)]
pub struct SignedCopy(Arc<Mutex<Option<Copied>>>);

struct Copied {
    at: UtcDateTime,
    text: Arc<str>,
}

impl SignedCopy {
    fn at(&self, now: UtcDateTime) -> Option<Arc<str>> {
        let copy = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        copy.as_ref().filter(|copy| now >= copy.at && now - copy.at < COPY_SERVES).map(|copy| Arc::clone(&copy.text))
    }

    fn keep(&self, now: UtcDateTime, text: Arc<str>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Copied { at: now, text });
    }
}

impl fmt::Debug for SignedCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignedCopy")
    }
}

/// Answers with our metadata; a service that has this very copy already is told so.
///
/// # Errors
/// When it cannot be signed.
pub async fn publish(
    request: HttpRequest,
    site: web::Data<Site>,
    idp: web::Data<IdentityProvider>,
) -> Result<HttpResponse, Refusal> {
    let now = site.now();
    let metadata = match idp.copy.at(now) {
        Some(metadata) => metadata,
        None => {
            let metadata: Arc<str> = sign(&site, &idp)?.into();
            idp.copy.keep(now, Arc::clone(&metadata));
            metadata
        }
    };
    let tag = EntityTag::new_strong(hex::encode(openssl::sha::sha256(metadata.as_bytes())));
    let known = match IfNoneMatch::parse(&request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(&tag)),
        Err(_) => false,
    };
    let mut answer = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    // RFC 9110 §15.4.5: an answer without the text carries the headers that the text would have come with.
    answer.insert_header(ETag(tag)).insert_header((CACHE_CONTROL, "public, max-age=300"));
    if known {
        return Ok(answer.finish());
    }
    Ok(answer
        // SAML Metadata §5.1: the registered media type.
        .content_type("application/samlmetadata+xml")
        .insert_header((CONTENT_DISPOSITION, "inline; filename=\"metadata.xml\""))
        .body(metadata.to_string()))
}

fn sign(site: &Site, idp: &IdentityProvider) -> Result<String, Refusal> {
    let sso = idp.sso.first().ok_or(RefusalKind::PageNotFound)?;
    let slo = idp.slo.first().ok_or(RefusalKind::PageNotFound)?;
    let keys = site.keys.signing_keys();
    let english = |words: &str| vec![Localized { lang: "en".into(), text: words.to_owned() }];
    let published = &idp.published;
    let page = |path: &str| {
        let mut url = sso.clone();
        url.set_path(path);
        url
    };
    let description = IdpDescription {
        id: MessageId::from_entropy(random_bytes(&*site.entropy)),
        entity_id: idp.entity_id.clone(),
        valid_until: site.now().saturating_add(VALID_FOR),
        cache_duration: LOOK_AGAIN,
        sso_redirect: sso.clone(),
        sso_post: sso.clone(),
        slo: slo.clone(),
        further_certificates: keys.next.iter().map(|next| next.certificate_der().to_vec()).collect(),
        error_url: format!("{}?{ERROR_URL_QUERY}", page("/saml/error")),
        scopes: vec![idp.scope().to_owned()],
        user_interface: UserInterface {
            display_names: english(&published.service_name),
            descriptions: english(&text("metadata-description", &[])),
            information_urls: english(page("/help").as_str()),
            privacy_statement_urls: english(page("/privacy").as_str()),
            // Deployment profile SDP-MD10: a logo stands at an https address.
            logos: (sso.scheme() == "https")
                .then(|| Logo { url: page(LOGO), width: LOGO_PIXELS, height: LOGO_PIXELS, lang: None })
                .into_iter()
                .collect(),
        },
        organization: Some(Organization {
            names: english(&published.organization),
            display_names: english(&published.organization),
            urls: english(site.origin.as_str()),
        }),
        contacts: published
            .support_email
            .iter()
            .map(|address| Contact {
                kind: "technical".into(),
                company: None,
                given_name: None,
                surname: None,
                email_addresses: vec![address.clone()],
                telephone_numbers: Vec::new(),
            })
            .collect(),
    };
    let metadata = idp_metadata(&description, &*idp.signer).map_err(|fault| {
        tracing::error!(%fault, "our metadata cannot be made");
        Refusal::because(RefusalKind::Outage, &fault)
    })?;
    Ok(metadata.as_str().to_owned())
}
