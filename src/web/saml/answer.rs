//! The answer leaves: an assertion through the gate, or a SAML error; recorded first, then signed, then posted.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderValue};

use super::apart::apart;
use super::journey::ReadyToIssue;
use super::line::Stopped;
use super::pages::PostFormPage;
use super::participation::Participation;
use super::{IdentityProvider, artifact};
use crate::accounts::Trouble;
use crate::accounts::service_address::call;
use crate::accounts::session::BrowserSession;
use crate::accounts::site::Site;
use crate::entropy::random_bytes;
use crate::event::{Event, Explanation};
use crate::federation::delivery::DeliveryPlan;
use crate::federation::identifier::NameIdFormat;
use crate::federation::issue::{IssueQuestion, IssueRefused, Issued, issue as gate};
use crate::federation::registry::ServiceProvider;
use crate::federation::single_sign_on::{AnswerAddress, AnswerableFault, MatchedAuthnRequest};
use crate::refusal::RefusalKind;
use crate::rollover::{Trial, TrialTicket};
use crate::saml::assertion::OutboundError;
use crate::saml::response::{FailureAddress, Response, SignedResponse};
use crate::saml::{MessageId, ResponseBinding, VerifiedAuthnRequest};
use crate::storage::{AnsweredRequest, Issuance, PendingRequestId, RecordedDisclosure, StoreError, Transaction};
use crate::web::headers::CSP_OF_RESPONSE_PAGE;
use crate::web::page::respond;
use crate::web::refusal::{Refusal, RefusedService};
use crate::web::visit::{Fault, Visit};

/// The gate stayed shut. What a person or a service can have caused is said; the rest is for the log.
fn shut(refused: &IssueRefused, service: &ServiceProvider) -> Refusal {
    let kind = match refused {
        IssueRefused::AccountStopped => RefusalKind::AccountStopped,
        IssueRefused::ServiceChanged => RefusalKind::ServiceDisabled,
        _ => {
            let why = Explanation::of(refused);
            Event::AssertionBlocked { service: service.name().clone(), why }.log(None);
            RefusalKind::RequestGone
        }
    };
    Refusal::because(kind, refused).about(RefusedService::of(service))
}

/// Says in the log that somebody was at the ledger, where that is why nothing is recorded.
pub fn tell_of_ledger(fault: &StoreError) {
    if let StoreError::LedgerAltered { remembered, found } = fault {
        Event::LedgerAltered { remembered: remembered.as_deref().copied(), found: **found }.log(None);
    }
}

/// What we made did not pass its own check. It does not leave.
fn unsent(fault: &OutboundError, service: &ServiceProvider) -> Refusal {
    Event::AnswerSelfCheckFailed { service: service.name().clone(), why: Explanation::of(fault) }.log(None);
    Refusal::because(RefusalKind::Outage, fault)
}

/// Answers a request for which everything is there. Where the service calls people by their address, it calls nobody else by this one
/// from now on.
///
/// # Errors
/// Why nothing leaves.
pub async fn issue_to(
    visit: &Visit,
    idp: &IdentityProvider,
    matched: Box<MatchedAuthnRequest>,
    ready: &ReadyToIssue,
    ticket: Option<&TrialTicket>,
    answers: AnsweredRequest,
) -> Result<HttpResponse, Fault> {
    let (site, service) = (visit.site.clone(), Arc::clone(matched.service()));
    if matched.name_id_format() == NameIdFormat::EmailAddress
        && let Some(known) = ready.person.known_address().cloned()
    {
        let (of, now, caller, keeper) = (ready.person.account.id, site.now(), Arc::clone(&service), site.clone());
        let call = move |tx: &mut Transaction<'_>| call(tx, &keeper, of, &caller, &known.address, now);
        if !site.store.transaction::<_, Trouble, _>(call).await? {
            return Err(Refusal::from(RefusalKind::AddressOfAnother).about(RefusedService::of(&service)).into());
        }
    }
    let trial = ticket.and_then(|ticket| ticket.redeem(service.entity_id(), site.now(), &*site.keys));
    Ok(issue(&site, idp, &visit.session, answers, &matched, ready, trial.as_ref()).await?)
}

/// Issues: through the gate, into the ledger, signed, encrypted, and on its way.
///
/// # Errors
/// Why nothing leaves.
async fn issue(
    site: &Site,
    idp: &IdentityProvider,
    session: &BrowserSession,
    answers: AnsweredRequest,
    matched: &MatchedAuthnRequest,
    ready: &ReadyToIssue,
    trial: Option<&Trial>,
) -> Result<HttpResponse, Refusal> {
    let now = site.now();
    let registry = idp.registry.load();
    // Before anything is recorded: a service without a usable key gets no clear text. (Its record may have changed on the way.)
    let service = matched.service();
    let plan = DeliveryPlan::of(service, idp.denied)
        .map_err(|fault| Refusal::from(fault).about(RefusedService::of(service)))?;
    // One for the record and for the signature, whatever is changed meanwhile.
    let signer = idp
        .signing
        .load()
        .signer(service, trial)
        .map_err(|fault| Refusal::from(fault).about(RefusedService::of(service)))?;
    let consent = ready.person.consent.as_ref().ok_or_else(|| shut(&IssueRefused::Unrelated, service))?;
    let subscriber = ready.person.account.id;
    let participation = Participation::of(site, session, subscriber, service.entity_id().as_str()).await?;
    let earlier = participation.earlier();
    let Issued { assertion, disclosure, consent: obtained } = gate(
        &IssueQuestion {
            request: matched,
            registry: &registry,
            account: &ready.person.account,
            subject: &ready.subject,
            proofed: ready.person.held.proofed_profile(),
            release: &ready.release,
            consent,
            earlier: earlier.as_ref(),
            rules: idp.rules(),
            signing_key_id: signer.key_id(),
            now,
        },
        &*site.entropy,
    )
    .map_err(|refused| shut(&refused, service))?;
    let parts = assertion.parts();
    let participant = participation.joining(site, disclosure.subscriber, parts)?;
    let (released, level) = (disclosure.names.iter().copied().collect(), disclosure.level);
    let assertion_id = parts.id.clone();
    let issuance = Issuance {
        disclosure,
        consent_mac: Some(consent.mac().to_vec()),
        answers: Some(answers),
        joins: Some((session.id_hash(), participant)),
    };
    let recorded = match idp.disclosures.record(issuance).await.inspect_err(tell_of_ledger)? {
        RecordedDisclosure::AnsweredBefore => return Err(RefusalKind::AnsweredBefore.into()),
        RecordedDisclosure::EndedMeanwhile => return Err(RefusalKind::RequestGone.into()),
        RecordedDisclosure::Durable(recorded) => recorded,
        RecordedDisclosure::SeenBefore => return Err(Stopped::Replayed { service: Arc::clone(service) }.into()),
    };
    let service_name = service.name().clone();
    let withheld = ready.withheld.clone();
    Event::AssertionIssued { service: service_name, assertion: assertion_id, released, withheld, level, recorded }
        .log(Some(subscriber));
    // The record is durable; now it may leave.
    let entropy = Arc::clone(&site.entropy);
    let response = apart(move || plan.deliver(assertion, obtained, &*signer, &*entropy, now)).await?;
    let response = response.map_err(|fault| unsent(&fault, service))?;
    send(site, idp, session, service, response, matched.request(), true).await
}

/// Answers with a SAML error.
///
/// # Errors
/// Why nothing leaves.
pub async fn fail(
    site: &Site,
    idp: &IdentityProvider,
    session: &BrowserSession,
    id: PendingRequestId,
    address: &AnswerAddress,
    service: &ServiceProvider,
    fault: &AnswerableFault,
) -> Result<HttpResponse, Refusal> {
    let now = site.now();
    let first = site.store.transaction::<_, StoreError, _>(move |tx| tx.finish_pending_request(&id, now)).await?;
    if !first {
        return Err(RefusalKind::AnsweredBefore.into());
    }
    let why = Explanation::of(fault);
    Event::SamlErrorAnswered { service: service.name().clone(), code: fault.code(), why }.log(None);
    let failure = FailureAddress {
        issuer: idp.entity_id.clone(),
        acs: address.acs().clone(),
        in_response_to: address.request().id().clone(),
    };
    let message_id = MessageId::from_entropy(random_bytes(&*site.entropy));
    let signer = idp
        .signing
        .load()
        .signer(service, None)
        .map_err(|fault| Refusal::from(fault).about(RefusedService::of(service)))?;
    let response = Response::failure(message_id, now, failure, fault.status());
    let response = apart(move || response.sign(&*signer)).await?.map_err(|fault| unsent(&fault, service))?;
    send(site, idp, session, service, response, address.request(), false).await
}

/// The page that posts the response, or the reference to it, to its address. It leaves `form-action` out of its policy: browsers
/// would apply it to where the service sends its people afterwards.
async fn send(
    site: &Site,
    idp: &IdentityProvider,
    session: &BrowserSession,
    service: &ServiceProvider,
    response: SignedResponse,
    request: &VerifiedAuthnRequest,
    success: bool,
) -> Result<HttpResponse, Refusal> {
    let action = response.acs().to_string();
    // The reference goes in a form, too (SAML Bindings §3.6.3.2): a redirect after our own consent form would fall under that
    // page's form-action.
    let (field, message) = match response.acs().binding() {
        ResponseBinding::Artifact => {
            let receiver = service.entity_id().as_str();
            ("SAMLart", artifact::keep(site, idp, &response, receiver).await?.to_text())
        }
        ResponseBinding::Post => ("SAMLResponse", response.into_form(None).saml_response().to_owned()),
    };
    let page = PostFormPage {
        service_name: service.agreement().friendly_name().clone(),
        action,
        field,
        message,
        relay_state: request.relay_state().map(|relay_state| relay_state.as_str().to_owned()),
        success,
    };
    let mut answer = respond(site, session, StatusCode::OK, &page);
    answer.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP_OF_RESPONSE_PAGE));
    Ok(answer)
}
