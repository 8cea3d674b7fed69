//! A logout message arrives: a service's request, or its answer to ours.

use std::sync::Arc;

use time::UtcDateTime;

use super::round::{Reply, left, send_answer};
use super::{LOGOUT_WAITS, relay_state_place};
use crate::accounts::known_name;
use crate::accounts::known_name::Place;
use crate::accounts::session::BrowserSession;
use crate::accounts::site::Site;
use crate::accounts::{Trouble, report_altered};
use crate::address;
use crate::authentication::session::{LogoutId, SessionIdHash};
use crate::event::AlteredRecord;
use crate::federation::single_logout::{Extent, PartOutcome, judge, means};
use crate::refusal::RefusalKind;
use crate::saml::logout::{DecodedLogoutRequest, DecodedLogoutResponse, LogoutResult, VerifiedLogoutRequest};
use crate::saml::response::{NestedStatus, Status, TopStatus};
use crate::saml::{EntityId, MessageError, NamedPrincipal};
use crate::sealing::{KeysError, Purpose};
use crate::storage::{LogoutRecord, LogoutSession, Participant, StoreError, Transaction};
use crate::subscriber::SubscriberId;
use crate::web::refusal::{Refusal, RefusedService};
use crate::web::saml::IdentityProvider;
use crate::web::saml::apart::apart;
use crate::web::saml::{Answer, see_other};

/// What a request came to.
enum Came {
    /// It was seen before.
    Replayed,
    /// Nothing is known of a session that it means: it names none that the service got in the last day, or none at all, and the
    /// browser's could not be seen.
    NothingKnown,
    /// It names a session, and another person than that session's.
    UnknownPrincipal,
    /// A logout was begun.
    Begun(LogoutId),
}

/// Takes in a request that a service made. The session is found by its SessionIndex, wherever the browser is, and whether or not
/// it has ended; a request that names none means the session of this browser.
///
/// # Errors
/// Why it is not believed.
pub(super) async fn take_in(
    site: &Site,
    idp: &IdentityProvider,
    decoded: DecodedLogoutRequest,
    session: &BrowserSession,
    by_cookie: Option<SessionIdHash>,
) -> Answer {
    let now = site.now();
    let service = Arc::clone(idp.registry.load().admit(decoded.claimed_issuer())?);
    let request = decoded
        .verify(service.metadata().peer(), &idp.slo, idp.denied)
        .map_err(|fault| Refusal::from(fault).about(RefusedService::of(&service)))?;
    judge(&request, now).map_err(|fault| Refusal::from(fault).about(RefusedService::of(&service)))?;

    let principal =
        principal(&request, idp).await?.map_err(|fault| Refusal::from(fault).about(RefusedService::of(&service)))?;

    let relay_state = request.relay_state().map(|state| state.as_str().as_bytes().to_vec());
    let (taker, us, asked) = (site.clone(), idp.entity_id.clone(), request.clone());
    let browser = Browser { signed_in: session.state.signed_in(), by_cookie };
    let came = site
        .store
        .transaction::<_, Trouble, _>(move |tx| {
            begin(tx, &taker, &us, (&asked, &principal), relay_state.as_deref(), browser, now)
        })
        .await?;
    let unknown = Status { code: TopStatus::Requester, nested: Some(NestedStatus::UnknownPrincipal), message: None };
    let result = match came {
        Came::Replayed => {
            return Err(Refusal::from(RefusalKind::RequestReplayed).about(RefusedService::of(&service)));
        }
        Came::Begun(id) => return Ok(see_other(&address::SAML_LOGOUT_OF.of(id), [])),
        // No session of ours is left that it means; whether others were told of its end cannot be said.
        Came::NothingKnown => LogoutResult::Partly,
        Came::UnknownPrincipal => LogoutResult::Failed(unknown),
    };
    if request.wants_no_answer() {
        return Ok(left(site, session, &service));
    }
    let reply = Reply { in_response_to: request.id().clone(), relay_state: request.relay_state().cloned(), result };
    Ok(send_answer(site, idp, session, &service, reply).await?.unwrap_or_else(|| left(site, session, &service)))
}

/// Whom it means. Opening a hidden name is work for a thread on which nobody waits, and only now that the request is fresh.
async fn principal(
    request: &VerifiedLogoutRequest,
    idp: &IdentityProvider,
) -> Result<Result<NamedPrincipal, MessageError>, Refusal> {
    let (request, signing) = (request.clone(), idp.signing.load_full());
    apart(move || request.principal(signing.openers())).await
}

/// What the browser that brought a request tells of itself.
#[derive(Clone, Copy)]
struct Browser {
    /// Who is signed in there.
    signed_in: Option<SubscriberId>,
    /// The session that its cookie names, ended or not.
    by_cookie: Option<SessionIdHash>,
}

fn begin(
    tx: &mut Transaction<'_>,
    site: &Site,
    us: &EntityId,
    (request, principal): (&VerifiedLogoutRequest, &NamedPrincipal),
    relay_state: Option<&[u8]>,
    browser: Browser,
    now: UtcDateTime,
) -> Result<Came, Trouble> {
    let service = request.issuer();
    if !tx.see_request(service.as_str(), request.id().as_str(), now + LOGOUT_WAITS)? {
        return Ok(Came::Replayed);
    }
    let (mut sessions, mut somebody_else) = (Vec::new(), false);
    for (session, participant) in candidates(tx, request, browser, now)? {
        let place = Place::of(&participant);
        match known_name::open(&*site.keys, place, &participant.name_id_sealed) {
            Ok(name) if means(principal, &name, us, service) => {
                let subscriber = participant.subscriber;
                sessions.push((LogoutSession { session, subscriber }, participant.assertion_id));
            }
            Ok(_) => somebody_else = true,
            Err(KeysError::Unavailable) => return Err(KeysError::Unavailable.into()),
            Err(_) => {
                somebody_else = true;
                report_altered(participant.subscriber, AlteredRecord::NameId);
            }
        }
    }
    if sessions.is_empty() {
        return Ok(if somebody_else { Came::UnknownPrincipal } else { Came::NothingKnown });
    }
    let id = LogoutId::random(&*site.entropy);
    let seal = |state: &[u8]| site.keys.seal(Purpose::PendingRequest, &relay_state_place(&id), state);
    let record = LogoutRecord {
        id,
        asked_by: Some(service.to_string()),
        request_id: (!request.wants_no_answer()).then(|| request.id().to_string()),
        relay_state_sealed: relay_state.map(seal).transpose()?,
        started_at: now,
        expires_at: now + LOGOUT_WAITS,
        extent: Extent::Undecided,
        answered_at: None,
        // From the service to here, and from here to the page of the logout.
        redirects: 2,
    };
    tx.add_logout(&record, &sessions)?;
    Ok(Came::Begun(id))
}

/// The sessions that a request may mean, and what the service has in them: by SessionIndex wherever they are; without one,
/// those of the person who is signed in at this browser (SAML Core §3.7.1: all of that person at that service), and the one that
/// this browser had.
fn candidates(
    tx: &mut Transaction<'_>,
    request: &VerifiedLogoutRequest,
    browser: Browser,
    now: UtcDateTime,
) -> Result<Vec<(SessionIdHash, Participant)>, StoreError> {
    let service = request.issuer().as_str();
    let mut found = Vec::new();
    for index in request.session_indexes() {
        found.extend(tx.sessions_by_index(service, index)?);
    }
    if request.session_indexes().is_empty() {
        let mut sessions: Vec<SessionIdHash> = browser.by_cookie.into_iter().collect();
        if let Some(subscriber) = browser.signed_in {
            let others = tx.sessions_of(subscriber, now)?.into_iter().map(|one| one.id_hash);
            sessions.extend(others.filter(|one| browser.by_cookie != Some(*one)));
        }
        for session in sessions {
            found.extend(tx.parts_of_service(session, service)?.into_iter().map(|one| (session, one)));
        }
    }
    Ok(found)
}

/// Takes in a service's answer to a request of ours, and sends the browser on to the next service.
///
/// # Errors
/// Why it is not believed.
pub(super) async fn settle(site: &Site, idp: &IdentityProvider, decoded: DecodedLogoutResponse) -> Answer {
    let now = site.now();
    let service = Arc::clone(idp.registry.load().admit(decoded.claimed_issuer())?);
    let response = decoded
        .verify(service.metadata().peer(), &idp.slo, idp.denied)
        .map_err(|fault| Refusal::from(fault).about(RefusedService::of(&service)))?;
    let settled = site
        .store
        .transaction::<_, StoreError, _>(move |tx| {
            let outcome = PartOutcome::from(response.status());
            tx.settle_logout_step(response.issuer().as_str(), response.in_response_to().as_str(), outcome, now)
        })
        .await?;
    // An answer that nobody waits for (any more) changes nothing.
    let id = settled.ok_or_else(|| Refusal::from(RefusalKind::RequestGone).about(RefusedService::of(&service)))?;
    Ok(see_other(&address::SAML_LOGOUT_NEXT.of(id), []))
}

/// Opens what the service wants back.
pub(super) fn open_relay_state(site: &Site, record: &LogoutRecord) -> Result<Option<String>, KeysError> {
    let Some(sealed) = &record.relay_state_sealed else { return Ok(None) };
    let opened = site.keys.open(Purpose::PendingRequest, &relay_state_place(&record.id), sealed)?;
    String::from_utf8(opened.to_vec()).map(Some).map_err(|_| KeysError::Malformed)
}
