//! HTTP-Artifact: a response is kept instead of posted, and `/saml/artifact` gives it to its service over SOAP (SAML Bindings
//! §3.2 and §3.6).
//!
//! The browser carries a reference alone, so nothing that the response says passes through it. Whoever asks must sign; only the
//! service to which the response is addressed gets it, once, within a minute. All others learn that there is nothing.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, PRAGMA};
use actix_web::web;
use time::{Duration, UtcDateTime};

use super::IdentityProvider;
use super::apart::apart;
use crate::accounts::site::Site;
use crate::address;
use crate::entropy::random_bytes;
use crate::event::{Event, Explanation};
use crate::federation::timeliness::judge_instant;
use crate::refusal::RefusalKind;
use crate::saml::MessageId;
use crate::saml::artifact::{Artifact, ArtifactResponse, DecodedArtifactResolve};
use crate::saml::binding::MAX_MESSAGE_BYTES;
use crate::saml::response::{KeptResponse, SignedResponse};
use crate::saml::xml::{Builder, Canonical, ns};
use crate::sealing::{KeysError, Purpose, context, milliseconds};
use crate::storage::{StoreError, WaitingResponse};
use crate::web::refusal::{Refusal, RefusedService};

/// How long a response waits. The browser goes straight to the service, which asks at once.
const WAITS: Duration = Duration::seconds(60);
/// How long the ID of a request is remembered: longer than any clock could let it pass for fresh.
const REMEMBERED: Duration = Duration::hours(1);
/// The media type of SOAP 1.1.
const SOAP_TYPE: &str = "text/xml; charset=utf-8";

/// Adds the route.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.service(
        web::resource(address::SAML_ARTIFACT.as_str())
            .app_data(web::PayloadConfig::new(MAX_MESSAGE_BYTES))
            .route(web::post().to(resolve)),
    );
}

/// Keeps a response for its service; the reference to it.
///
/// # Errors
/// When it cannot be kept.
pub(super) async fn keep(
    site: &Site,
    idp: &IdentityProvider,
    response: &SignedResponse,
    receiver: &str,
) -> Result<Artifact, Refusal> {
    let artifact = Artifact::new(&idp.entity_id, random_bytes(&*site.entropy));
    let (digest, expires_at) = (artifact.digest(), site.now() + WAITS);
    let response_sealed =
        site.keys.seal(Purpose::WaitingResponse, &place(&digest, receiver, expires_at), response.as_bytes())?;
    let waiting = WaitingResponse { digest, entity_id: receiver.to_owned(), response_sealed, expires_at };
    site.store.transaction::<_, StoreError, _>(move |tx| tx.add_waiting_response(&waiting)).await?;
    Ok(artifact)
}

/// Where a kept response belongs: nobody moves it to another service or lets it wait longer.
fn place(digest: &[u8; 32], receiver: &str, expires_at: UtcDateTime) -> Vec<u8> {
    let until = milliseconds(expires_at).to_be_bytes();
    context(&[b"signet/waiting-response/v1", digest, receiver.as_bytes(), &until])
}

async fn resolve(body: web::Bytes, site: web::Data<Site>, idp: web::Data<IdentityProvider>) -> HttpResponse {
    match resolved(&site, &idp, &body).await {
        Ok(envelope) => soap(StatusCode::OK, envelope),
        Err(refusal) => {
            refusal.event().log(None);
            fault(&refusal)
        }
    }
}

async fn resolved(site: &Site, idp: &IdentityProvider, body: &[u8]) -> Result<String, Refusal> {
    let now = site.now();
    let decoded = DecodedArtifactResolve::from_soap(body.to_vec())?;
    let service = Arc::clone(idp.registry.load().admit(decoded.claimed_issuer())?);
    let request = decoded
        .verify(service.metadata().peer(), &idp.artifact, idp.denied)
        .map_err(|fault| Refusal::from(fault).about(RefusedService::of(&service)))?;
    judge_instant(request.issue_instant(), now)
        .map_err(|fault| Refusal::from(fault).about(RefusedService::of(&service)))?;

    let (asked, digest) = (request.clone(), request.artifact().digest());
    let taken = site
        .store
        .transaction::<_, StoreError, _>(move |tx| {
            let receiver = asked.issuer().as_str();
            if !tx.see_request(receiver, asked.id().as_str(), now + REMEMBERED)? {
                return Ok(None);
            }
            Ok(Some(tx.take_waiting_response(digest, receiver, now)?))
        })
        .await?;
    let waiting =
        taken.ok_or_else(|| Refusal::from(RefusalKind::RequestReplayed).about(RefusedService::of(&service)))?;
    let message = waiting.as_ref().map(|waiting| open(site, waiting)).transpose()?;
    let outcome = if message.is_some() { "given" } else { "nothing_there" };
    Event::ArtifactResolved { service: service.name().clone(), outcome }.log(None);
    let response = ArtifactResponse {
        id: MessageId::from_entropy(random_bytes(&*site.entropy)),
        issuer: idp.entity_id.clone(),
        issue_instant: now,
        in_response_to: request.id().clone(),
        message,
    };
    let signer = idp
        .signing
        .load()
        .signer(&service, None)
        .map_err(|fault| Refusal::from(fault).about(RefusedService::of(&service)))?;
    apart(move || response.into_soap(&*signer)).await?.map_err(|fault| {
        Event::AnswerSelfCheckFailed { service: service.name().clone(), why: Explanation::of(&fault) }.log(None);
        Refusal::because(RefusalKind::Outage, &fault)
    })
}

fn open(site: &Site, waiting: &WaitingResponse) -> Result<KeptResponse, Refusal> {
    let place = place(&waiting.digest, &waiting.entity_id, waiting.expires_at);
    let octets = site.keys.open(Purpose::WaitingResponse, &place, &waiting.response_sealed)?;
    KeptResponse::read(&octets).map_err(|_| KeysError::Malformed.into())
}

/// What a service's engineer reads: the short code, which is in our log, and what was wrong.
///
/// SOAP 1.1 §6.2 would have every fault be a 500. The statuses of our pages tell more, and a gateway does not take a service's
/// mistake for our outage.
fn fault(refusal: &Refusal) -> HttpResponse {
    let status = refusal.kind().status();
    let blame = if status.is_client_error() { "soap:Client" } else { "soap:Server" };
    // What is wrong on our side is for the log alone.
    let words = if status.is_client_error() { refusal.to_string() } else { refusal.kind().code().to_owned() };
    let plain = |local, text: String| Builder::element("", "", local).text(text);
    let element = |local| Builder::element("soap", ns::SOAP, local);
    let fault = element("Fault").child(plain("faultcode", blame.to_owned())).child(plain("faultstring", words));
    let envelope = element("Envelope").child(element("Body").child(fault)).canonical();
    soap(status, envelope.map_or_else(|_| String::new(), Canonical::into_string))
}

fn soap(status: StatusCode, envelope: String) -> HttpResponse {
    HttpResponse::build(status)
        .content_type(SOAP_TYPE)
        .insert_header((CACHE_CONTROL, "no-cache, no-store"))
        .insert_header((PRAGMA, "no-cache"))
        .body(envelope)
}
