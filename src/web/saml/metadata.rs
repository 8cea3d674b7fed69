//! `/saml` and `/saml/metadata`: our own metadata, signed, at addresses that never change.

use std::time::Duration as StdDuration;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use actix_web::{HttpResponse, web};
use time::Duration;

use super::IdentityProvider;
use crate::saml::MessageId;
use crate::saml::metadata::{Contact, IdpDescription, Localized, Organization, UserInterface, idp_metadata};
use crate::services::random_bytes;
use crate::web::refusal::{Refusal, RefusalKind};
use crate::web::site::Site;

/// For how long a copy may be relied on (SAML V2.0 Metadata Interoperability Profile §2.4).
const VALID_FOR: Duration = Duration::days(14);
/// After how long a service provider looks again; a key that comes next is published much earlier than it signs.
const LOOK_AGAIN: StdDuration = StdDuration::from_secs(6 * 60 * 60);

/// Answers with our metadata.
///
/// # Errors
/// When it cannot be signed.
pub async fn publish(site: web::Data<Site>, idp: web::Data<IdentityProvider>) -> Result<HttpResponse, Refusal> {
    let sso = idp.sso.first().ok_or(RefusalKind::PageNotFound)?;
    let keys = site.keys.signing_keys();
    let english = |text: &str| vec![Localized { lang: "en".into(), text: text.to_owned() }];
    let published = &idp.published;
    let description = IdpDescription {
        id: MessageId::from_entropy(random_bytes(&*site.entropy)),
        entity_id: idp.entity_id.clone(),
        valid_until: site.now().saturating_add(VALID_FOR),
        cache_duration: LOOK_AGAIN,
        sso_redirect: sso.clone(),
        sso_post: sso.clone(),
        further_certificates: keys.next.iter().map(|next| next.certificate_der().to_vec()).collect(),
        user_interface: UserInterface { display_names: english(&published.service_name), ..UserInterface::default() },
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
    Ok(HttpResponse::Ok()
        // SAML Metadata §5.1: the registered media type.
        .content_type("application/samlmetadata+xml")
        .insert_header((CONTENT_DISPOSITION, "inline; filename=\"metadata.xml\""))
        .insert_header((CACHE_CONTROL, "public, max-age=300"))
        .body(metadata.as_str().to_owned()))
}
