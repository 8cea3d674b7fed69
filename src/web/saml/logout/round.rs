//! The browser goes round: the session ends here, then one service after another is asked, then whoever asked is answered.
//!
//! Each service is visited by a redirect of the whole page: frames would have no cookies there. The session here has ended
//! before the first one is visited. A service may keep the browser: then the person comes back to the page of the logout by
//! themselves and goes on from there, and those that come after it are told later, or not at all.
//!
//! Browsers follow about twenty redirects and then show an error. So after every few services comes a page of ours, which leads on
//! by itself, by a `meta` element: without script, and again after it is reloaded.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue, LOCATION};
use time::UtcDateTime;

use super::LOGOUT_WAITS;
use super::arrival::open_relay_state;
use super::pages::{BackTo, Ended, LogoutOnwardPage, LogoutPage, LogoutPostPage};
use crate::accounts::known_name;
use crate::accounts::known_name::Place;
use crate::accounts::session::BrowserSession;
use crate::accounts::site::Site;
use crate::accounts::{Trouble, report_altered};
use crate::address::{self, Address};
use crate::authentication::session::{LogoutId, SessionIdHash};
use crate::entropy::random_bytes;
use crate::event::{AlteredRecord, Event, Explanation};
use crate::federation::registry::{Registry, ServiceProvider};
use crate::federation::single_logout::{Extent, PartOutcome, by_service, result};
use crate::refusal::RefusalKind;
use crate::saml::assertion::NameId;
use crate::saml::binding::Delivery;
use crate::saml::logout::{LogoutRequest, LogoutResponse, LogoutResult};
use crate::saml::metadata::LogoutKind;
use crate::saml::{EntityId, MessageId, OutboundError, RelayState};
use crate::sealing::KeysError;
use crate::storage::{LogoutRecord, LogoutSession, LogoutStep, StoreError, Transaction};
use crate::subscriber::SubscriberId;
use crate::web::headers::CSP_OF_RESPONSE_PAGE;
use crate::web::page::{Layout, respond, respond_with};
use crate::web::refusal::{Refusal, RefusedService};
use crate::web::saml::IdentityProvider;
use crate::web::saml::apart::apart;
use crate::web::saml::{Answer, see_other};

/// Who can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// The services, through the browser that is here.
    Services,
    /// Nobody: the browser that had the session is not here.
    Nobody,
}

/// Ends those of the sessions of a logout that live, and lines up the other services that take part in them and have not ended
/// their part. Tells whose sessions ended. One that somebody else has taken over since is left alone; what its former person had is
/// told all the same.
///
/// # Errors
/// When the database fails.
pub(super) fn end_here(
    tx: &mut Transaction<'_>,
    idp: &IdentityProvider,
    record: &LogoutRecord,
    sessions: &[LogoutSession],
    reach: Reach,
    now: UtcDateTime,
) -> Result<Vec<SubscriberId>, Trouble> {
    let registry = idp.registry.load();
    let (mut position, mut whose) = (0, Vec::new());
    tx.hold_sessions(&sessions.iter().map(|one| one.session).collect::<Vec<_>>())?;
    for one in sessions {
        let LogoutSession { session, subscriber } = *one;
        if tx.session(session, now)?.is_some_and(|record| record.subscriber == Some(subscriber)) {
            // It ends before it is asked who takes part in it: who joins later than this finds no session.
            tx.end_session(session, now)?;
            whose.push(subscriber);
        }
        if let (Some(asker), None) = (&record.asked_by, &record.request_id) {
            // It has ended its own part (deployment profile SDP-SP34) and wants to hear nothing more.
            tx.end_parts_of_service(*one, asker, now)?;
        }
        let parts = tx.participants_of(session, subscriber)?;
        for part in parts.into_iter().filter(|part| record.asked_by.as_ref() != Some(&part.entity_id)) {
            let outcome = match reach {
                _ if !takes_messages(&registry, idp, &part.entity_id) => PartOutcome::Unsupported,
                Reach::Services => PartOutcome::Waiting,
                Reach::Nobody => PartOutcome::Unreachable,
            };
            let step = LogoutStep {
                subscriber: part.subscriber,
                position,
                entity_id: part.entity_id,
                assertion_id: part.assertion_id,
                session_index: part.session_index,
                name_id_sealed: part.name_id_sealed,
                outcome,
            };
            tx.add_logout_step(&record.id, &step)?;
            position += 1;
        }
    }
    Ok(whose)
}

/// Begins a logout that the person wants here: the session ends, and the services that take part in it can be told. Nothing
/// when there is none to tell.
///
/// # Errors
/// When the database fails.
pub fn begin_here(
    tx: &mut Transaction<'_>,
    site: &Site,
    idp: &IdentityProvider,
    session: SessionIdHash,
    subscriber: SubscriberId,
    now: UtcDateTime,
) -> Result<Option<LogoutId>, Trouble> {
    if tx.participants_of(session, subscriber)?.is_empty() {
        return Ok(None);
    }
    let record = LogoutRecord {
        id: LogoutId::random(&*site.entropy),
        asked_by: None,
        request_id: None,
        relay_state_sealed: None,
        started_at: now,
        expires_at: now + LOGOUT_WAITS,
        extent: Extent::Everywhere,
        answered_at: None,
        redirects: 0,
    };
    let ending = LogoutSession { session, subscriber };
    end_here(tx, idp, &record, &[ending], Reach::Services, now)?;
    // No assertion names it: nobody but the person asked.
    tx.add_logout(&record, &[(ending, String::new())])?;
    Ok(Some(record.id))
}

fn takes_messages(registry: &Registry, idp: &IdentityProvider, entity_id: &str) -> bool {
    find(registry, entity_id)
        .is_some_and(|service| service.metadata().slo_location(LogoutKind::Request, idp.loopback_http).is_some())
}

fn find<'r>(registry: &'r Registry, entity_id: &str) -> Option<&'r Arc<ServiceProvider>> {
    registry.find(&EntityId::parse(entity_id).ok()?)
}

/// Most redirects that we know of from one page of ours to the next. Chromium, Firefox and Safari stop after 20; services redirect
/// within themselves too, before they send the browser back and where the last one takes its answer.
const MOST_REDIRECTS: i32 = 10;
/// What one service costs: to it, back to us, and on to whose turn is next.
const REDIRECTS_OF_A_SERVICE: i32 = 3;

/// What comes next in a logout.
enum Onward {
    /// A page of ours: the browser has followed redirects enough. How many services have had their turn, and how many there are.
    Page { done: usize, of: usize },
    /// A service is told.
    Tell(Turn),
    /// Every service has had its turn.
    Finish,
}

/// Whose turn it is: the parts of one service that one LogoutRequest is about, since they have one name of the person.
struct Turn {
    steps: Vec<LogoutStep>,
    name_id: NameId,
}

impl Turn {
    /// The service; the same in each of its steps.
    fn entity_id(&self) -> &str {
        self.steps.first().map_or("", |step| &step.entity_id)
    }

    fn positions(&self) -> Vec<i32> {
        self.steps.iter().map(|step| step.position).collect()
    }
}

/// Looks whose turn it is. A service that another logout told has ended its part; one whose name does not open is given up.
fn turn(tx: &mut Transaction<'_>, site: &Site, id: &LogoutId) -> Result<Option<Turn>, Trouble> {
    let mut waiting = tx.logout_steps(id)?.into_iter().filter(|step| step.outcome == PartOutcome::Waiting);
    while let Some(step) = waiting.next() {
        if tx.has_part_ended(&step)? {
            tx.close_logout_steps(id, &[step.position], PartOutcome::Ended)?;
            continue;
        }
        let Some(name_id) = name_of(site, &step)? else {
            tx.close_logout_steps(id, &[step.position], PartOutcome::Unreachable)?;
            continue;
        };
        let mut turn = Turn { steps: vec![step], name_id };
        for other in waiting {
            let is_of = |step: &LogoutStep| (step.subscriber, &step.entity_id) == (other.subscriber, &other.entity_id);
            if turn.steps.iter().any(is_of) && name_of(site, &other)?.as_ref() == Some(&turn.name_id) {
                turn.steps.push(other);
            }
        }
        return Ok(Some(turn));
    }
    Ok(None)
}

/// The name by which a service knows the person; `None` if what is stored of it was altered, which is reported.
fn name_of(site: &Site, step: &LogoutStep) -> Result<Option<NameId>, KeysError> {
    let place = Place {
        subscriber: step.subscriber,
        entity_id: &step.entity_id,
        assertion_id: &step.assertion_id,
        session_index: &step.session_index,
    };
    match known_name::open(&*site.keys, place, &step.name_id_sealed) {
        Ok(name_id) => Ok(Some(name_id)),
        Err(KeysError::Unavailable) => Err(KeysError::Unavailable),
        Err(_) => {
            report_altered(step.subscriber, AlteredRecord::NameId);
            Ok(None)
        }
    }
}

/// Looks what comes next, and keeps that it did: `asked` is the ID of the request by which the next service is told.
fn onward(tx: &mut Transaction<'_>, site: &Site, record: &LogoutRecord, asked: &str) -> Result<Onward, Trouble> {
    let id = &record.id;
    // Whoever was asked and did not send the browser back is not waited for.
    tx.give_up_asked_steps(id)?;
    let turn = turn(tx, site, id)?;
    let is_to_be_answered = record.request_id.is_some() && record.answered_at.is_none();
    if turn.is_none() && !is_to_be_answered {
        return Ok(Onward::Finish);
    }
    if record.redirects + REDIRECTS_OF_A_SERVICE > MOST_REDIRECTS {
        tx.count_logout_redirects(id, 0)?;
        let services = by_service(tx.logout_steps(id)?.into_iter().map(|step| (step.entity_id, step.outcome)));
        let done = services.iter().filter(|(_, outcome)| *outcome != PartOutcome::Waiting).count();
        return Ok(Onward::Page { done, of: services.len() });
    }
    tx.count_logout_redirects(id, record.redirects + REDIRECTS_OF_A_SERVICE)?;
    Ok(match turn {
        Some(turn) if tx.ask_logout_steps(id, &turn.positions(), asked)? => Onward::Tell(turn),
        _ => Onward::Finish,
    })
}

/// The next service, or the end.
///
/// # Errors
/// When the database or the keys fail, or a message of ours does not pass its own check.
pub(super) async fn go_on(site: &Site, idp: &IdentityProvider, session: &BrowserSession, id: LogoutId) -> Answer {
    let now = site.now();
    loop {
        let request_id = MessageId::from_entropy(random_bytes(&*site.entropy));
        let (asked, asker) = (request_id.to_string(), site.clone());
        let (record, next) = site
            .store
            .transaction::<_, Trouble, _>(move |tx| {
                let Some(record) = tx.logout(&id, now)? else { return Ok(None) };
                let next = match record.extent {
                    Extent::Undecided => Onward::Finish,
                    Extent::Everywhere | Extent::ThereOnly => onward(tx, &asker, &record, &asked)?,
                };
                Ok(Some((record, next)))
            })
            .await?
            .ok_or(RefusalKind::RequestGone)?;
        if record.extent == Extent::Undecided {
            return Ok(see_other(&path_of(&id), []));
        }
        let turn = match next {
            Onward::Finish => return finish(site, idp, session, &record).await,
            Onward::Page { done, of } => {
                let page = LogoutOnwardPage { done, of, next_path: address::SAML_LOGOUT_NEXT.of(id) };
                return Ok(respond(site, session, StatusCode::OK, &page));
            }
            Onward::Tell(turn) => turn,
        };
        let positions = turn.positions();
        match ask(site, idp, session, turn, request_id, now).await? {
            Ok(answer) => return Ok(answer),
            Err(outcome) => {
                let given_up = move |tx: &mut Transaction<'_>| tx.close_logout_steps(&id, &positions, outcome);
                site.store.transaction::<_, StoreError, _>(given_up).await?;
            }
        }
    }
}

/// Sends the browser to one service; otherwise, what becomes of its part.
async fn ask(
    site: &Site,
    idp: &IdentityProvider,
    session: &BrowserSession,
    turn: Turn,
    request_id: MessageId,
    now: UtcDateTime,
) -> Result<Result<HttpResponse, PartOutcome>, Refusal> {
    let service = find(&idp.registry.load(), turn.entity_id()).map(Arc::clone);
    let Some(service) = service else { return Ok(Err(PartOutcome::Unsupported)) };
    let Some(to) = service.metadata().slo_location(LogoutKind::Request, idp.loopback_http) else {
        return Ok(Err(PartOutcome::Unsupported));
    };
    let mut session_indexes: Vec<String> = turn.steps.into_iter().map(|step| step.session_index).collect();
    session_indexes.dedup();
    let request = LogoutRequest {
        id: request_id,
        issuer: idp.entity_id.clone(),
        qualifiers: (idp.entity_id.clone(), service.entity_id().clone()),
        issue_instant: now,
        not_on_or_after: now + super::MESSAGE_LIVES,
        name_id: turn.name_id,
        session_indexes,
    };
    // Nothing that it would believe can be sent.
    let Ok(signer) = idp.signing.load().signer(&service, None) else { return Ok(Err(PartOutcome::Unreachable)) };
    let delivery = apart(move || request.deliver(&to, &*signer)).await?.map_err(|fault| unsent(&fault, &service))?;
    Ok(Ok(carry(site, session, &service, delivery)))
}

/// The end: whoever asked is answered once; after that, and where nobody asked, the person sees how it went.
async fn finish(site: &Site, idp: &IdentityProvider, session: &BrowserSession, record: &LogoutRecord) -> Answer {
    let answer = answer(site, idp, session, record).await?;
    Ok(answer.unwrap_or_else(|| see_other(&path_of(&record.id), [])))
}

/// Answers the service that asked; nothing when that was done before, when it wants no answer, or takes none.
async fn answer(
    site: &Site,
    idp: &IdentityProvider,
    session: &BrowserSession,
    record: &LogoutRecord,
) -> Result<Option<HttpResponse>, Refusal> {
    let (id, now) = (record.id, site.now());
    let Some((entity_id, request_id)) = record.asked_by.as_ref().zip(record.request_id.as_ref()) else {
        return Ok(None);
    };
    let registry = idp.registry.load();
    let Some(service) = find(&registry, entity_id) else { return Ok(None) };
    let (asker, is_over) = (entity_id.clone(), record.extent == Extent::Everywhere);
    let (first, steps) = site
        .store
        .transaction::<_, StoreError, _>(move |tx| {
            let first = tx.answer_logout(&id, now)?;
            // It asked, and is told that it ended: it is not told once more.
            let sessions = if first && is_over { tx.sessions_of_logout(&id)? } else { Vec::new() };
            for (one, _) in sessions {
                tx.end_parts_of_service(one, &asker, now)?;
            }
            Ok((first, tx.logout_steps(&id)?))
        })
        .await?;
    if !first {
        return Ok(None);
    }
    let reply = Reply {
        in_response_to: MessageId::parse(request_id).map_err(|_| RefusalKind::RequestGone)?,
        relay_state: open_relay_state(site, record)?.and_then(|state| RelayState::parse(&state).ok()),
        result: result(record.extent, steps.iter().map(|step| step.outcome), service.agreement().logout_exception()),
    };
    send_answer(site, idp, session, service, reply).await
}

/// Answers the service that asked, where nobody at this browser may see how it went; where it is not answered, the person reads
/// that it ended its part, and goes back to it.
///
/// # Errors
/// Those of [`answer`].
pub(super) async fn answer_or_leave(
    site: &Site,
    idp: &IdentityProvider,
    session: &BrowserSession,
    record: &LogoutRecord,
) -> Answer {
    if let Some(answer) = answer(site, idp, session, record).await? {
        return Ok(answer);
    }
    Ok(super::asker(idp, record)
        .map_or_else(|| see_other(&address::LANDING.into(), []), |service| left(site, session, &service)))
}

/// The page after a service has ended its part, in a browser that need not be its person's.
pub(super) fn left(site: &Site, session: &BrowserSession, service: &ServiceProvider) -> HttpResponse {
    let page = LogoutPage {
        ended: Ended::ThereAtLeast,
        lines: Vec::new(),
        next_path: None,
        back_to: Some(BackTo::the(service)),
    };
    respond_with(&quiet_layout(site, session), StatusCode::OK, &page)
}

/// A form from another site leaves our cookie behind; a new one would push out the session that the browser has.
fn quiet_layout(site: &Site, session: &BrowserSession) -> Layout {
    match session.needs_cookie() {
        true => Layout::for_anybody(&site.service_name, session.locale()),
        false => Layout::of(site, session),
    }
}

/// What a service that asked is told.
pub(super) struct Reply {
    pub(super) in_response_to: MessageId,
    pub(super) relay_state: Option<RelayState>,
    pub(super) result: LogoutResult,
}

/// Answers the service that asked; nothing when its metadata has no place for answers.
pub(super) async fn send_answer(
    site: &Site,
    idp: &IdentityProvider,
    session: &BrowserSession,
    service: &ServiceProvider,
    reply: Reply,
) -> Result<Option<HttpResponse>, Refusal> {
    let Some(to) = service.metadata().slo_location(LogoutKind::Response, idp.loopback_http) else { return Ok(None) };
    let response = LogoutResponse {
        id: MessageId::from_entropy(random_bytes(&*site.entropy)),
        issuer: idp.entity_id.clone(),
        issue_instant: site.now(),
        in_response_to: reply.in_response_to,
        result: reply.result,
    };
    let signer = idp
        .signing
        .load()
        .signer(service, None)
        .map_err(|fault| Refusal::from(fault).about(RefusedService::of(service)))?;
    let delivery = apart(move || response.deliver(&to, reply.relay_state.as_ref(), &*signer)).await?;
    let delivery = delivery.map_err(|fault| unsent(&fault, service))?;
    Ok(Some(carry(site, session, service, delivery)))
}

fn unsent(fault: &OutboundError, service: &ServiceProvider) -> Refusal {
    Event::AnswerSelfCheckFailed { service: service.name().clone(), why: Explanation::of(fault) }.log(None);
    Refusal::because(RefusalKind::Outage, fault)
}

fn carry(site: &Site, session: &BrowserSession, service: &ServiceProvider, delivery: Delivery) -> HttpResponse {
    match delivery {
        Delivery::Redirect(url) => HttpResponse::SeeOther()
            .insert_header((LOCATION, url.as_str()))
            .insert_header((CACHE_CONTROL, "no-store"))
            .finish(),
        Delivery::Post { action, field, message, relay_state } => {
            let page = LogoutPostPage {
                service_name: service.agreement().friendly_name().clone(),
                action: action.to_string(),
                field,
                message,
                relay_state: relay_state.map(|state| state.as_str().to_owned()),
            };
            let mut answer = respond_with(&quiet_layout(site, session), StatusCode::OK, &page);
            answer.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP_OF_RESPONSE_PAGE));
            answer
        }
    }
}

/// Where a logout's page is.
#[must_use]
pub fn path_of(id: &LogoutId) -> Address {
    address::SAML_LOGOUT_OF.of(id)
}
