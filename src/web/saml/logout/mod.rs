//! `/saml/logout`: a service ends a session, or the person does, and the services that take part in it are told.
//!
//! The messages are [`crate::saml::logout`]'s; what may be said about how it went is [`crate::federation::single_logout`]'s.
//! A logout stands in the database, since it outlives the session that it ends; its pages are for the browser that has, or had,
//! that session.

mod arrival;
pub mod pages;
mod round;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use actix_web::{HttpRequest, web};
use serde::Deserialize;
use time::{Duration, UtcDateTime};

pub use round::{begin_here, path_of};

use super::IdentityProvider;
use super::stop::{Answer, see_other};
use crate::event::Event;
use crate::federation::single_logout::{Extent, Outcome, by_service};
use crate::saml::EntityId;
use crate::saml::binding::MAX_CARRIED_BYTES;
use crate::saml::logout::LogoutMessage;
use crate::services::keys::context;
use crate::storage::{LogoutRecord, LogoutSession, StoreError, Transaction};
use crate::web::csrf;
use crate::web::headers::CSP_OF_RESPONSE_PAGE;
use crate::web::page::respond;
use crate::web::people::{Trouble, write_down};
use crate::web::refusal::{Refusal, RefusalKind};
use crate::web::session::BrowserSession;
use crate::web::site::Site;
use pages::{LogoutLine, LogoutPage, LogoutQuestionPage};

/// How long a logout can go on.
const LOGOUT_WAITS: Duration = Duration::minutes(15);
/// How long a LogoutRequest of ours is good for.
const MESSAGE_LIVES: Duration = Duration::minutes(5);

/// The name of a logout.
pub type LogoutId = [u8; 16];

/// Adds the routes of logging out.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/saml/logout")
                .app_data(web::PayloadConfig::new(MAX_CARRIED_BYTES))
                .route(web::get().to(by_redirect))
                .route(web::post().to(by_post)),
        )
        .service(web::resource("/saml/logout/{id}").route(web::get().to(show)).route(web::post().to(decide)))
        .service(web::resource("/saml/logout/{id}/next").route(web::get().to(next)));
}

async fn by_redirect(request: HttpRequest, site: web::Data<Site>, idp: web::Data<IdentityProvider>) -> Answer {
    arrived(&request, &site, &idp, LogoutMessage::from_query(request.query_string())?).await
}

async fn by_post(
    request: HttpRequest,
    body: web::Bytes,
    site: web::Data<Site>,
    idp: web::Data<IdentityProvider>,
) -> Answer {
    arrived(&request, &site, &idp, LogoutMessage::from_form(&body)?).await
}

async fn arrived(request: &HttpRequest, site: &Site, idp: &IdentityProvider, message: LogoutMessage) -> Answer {
    match message {
        LogoutMessage::Request(decoded) => {
            let session = BrowserSession::find(request, site).await?;
            arrival::take_in(site, idp, decoded, &session).await
        }
        LogoutMessage::Response(decoded) => arrival::settle(site, idp, decoded).await,
    }
}

/// A logout, and what this browser has to do with it.
struct Found {
    record: LogoutRecord,
    /// The sessions that it is about, each with the assertion by which the asking service knows it.
    sessions: Vec<(LogoutSession, String)>,
    /// Whether the person at this browser is the one whose session it is, or was until it ended. Whoever brought the message
    /// may be the service itself, and learns nothing of the others.
    is_theirs: bool,
}

async fn find(site: &Site, session: &BrowserSession, id: LogoutId) -> Result<Found, Refusal> {
    let now = site.now();
    let (record, sessions) =
        site.store.read::<_, StoreError, _>(move |tx| Ok((tx.logout(&id, now)?, tx.sessions_of_logout(&id)?))).await?;
    let record = record.ok_or(RefusalKind::RequestGone)?;
    let is_theirs = match record.extent {
        Extent::Undecided | Extent::ThereOnly => sessions
            .iter()
            .any(|(one, _)| one.session == session.id_hash() && session.state.signed_in() == Some(one.subscriber)),
        Extent::Everywhere => session.state.logout == Some(id),
    };
    Ok(Found { record, sessions, is_theirs })
}

/// The page of a logout: the question while it is undecided, how it goes afterwards.
async fn show(
    request: HttpRequest,
    id: web::Path<String>,
    site: web::Data<Site>,
    idp: web::Data<IdentityProvider>,
) -> Answer {
    let session = BrowserSession::find(&request, &site).await?;
    let Found { mut record, sessions, is_theirs } = find(&site, &session, read(&id)?).await?;
    let undecided = record.extent == Extent::Undecided;
    if !is_theirs && undecided {
        // The session that the service names is not this browser's, so nobody here can be asked: the service has left it, and
        // it goes on.
        let (left, now) = (record.clone(), site.now());
        site.store.transaction::<_, StoreError, _>(move |tx| leave(tx, &left.id, &sessions, now)).await?;
        record.extent = Extent::ThereOnly;
        let answer = round::answer(&site, &idp, &session, &record).await?;
        return Ok(answer.unwrap_or_else(|| see_other("/", [])));
    }
    if !is_theirs {
        return Err(RefusalKind::RequestGone.into());
    }
    let (id, asker) = (record.id, record.asked_by.clone());
    let parts = site
        .store
        .read::<_, StoreError, _>(move |tx| {
            if !undecided {
                let steps = tx.logout_steps(&id)?;
                return Ok(steps.into_iter().map(|step| (step.entity_id, step.outcome)).collect::<Vec<_>>());
            }
            let mut parts = Vec::new();
            for (one, _) in sessions {
                let others = tx.participants_of(one.session, one.subscriber)?.into_iter();
                let others = others.filter(|part| asker.as_ref() != Some(&part.entity_id));
                parts.extend(others.map(|part| (part.entity_id, Outcome::Waiting)));
            }
            Ok(parts)
        })
        .await?;
    let mut answer = if undecided {
        let page = LogoutQuestionPage {
            service_name: name_of(&idp, record.asked_by.as_deref().unwrap_or_default()),
            others: names(&idp, &parts),
            decide_path: path_of(&id),
        };
        respond(&site, &session, StatusCode::OK, &page)
    } else {
        respond(&site, &session, StatusCode::OK, &progress(&idp, &record, &parts))
    };
    // Its forms lead on to services, and browsers apply form-action to where a form is redirected.
    answer.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP_OF_RESPONSE_PAGE));
    Ok(answer)
}

/// The service that asked has left these sessions; they go on.
fn leave(
    tx: &mut Transaction<'_>,
    id: &LogoutId,
    sessions: &[(LogoutSession, String)],
    now: UtcDateTime,
) -> Result<(), StoreError> {
    if tx.decide_logout(id, Extent::ThereOnly, now)? {
        for (one, assertion_id) in sessions {
            tx.remove_participant(one.session, assertion_id)?;
        }
    }
    Ok(())
}

fn progress(idp: &IdentityProvider, record: &LogoutRecord, parts: &[(String, Outcome)]) -> LogoutPage {
    let unfinished = parts.iter().any(|(_, outcome)| matches!(outcome, Outcome::Waiting | Outcome::Asked))
        || (record.request_id.is_some() && record.answered_at.is_none());
    let line = |(service, outcome): &(String, Outcome)| LogoutLine {
        service_name: name_of(idp, service),
        outcome: outcome.as_str(),
    };
    LogoutPage {
        still_signed_in: record.extent == Extent::ThereOnly,
        lines: by_service(parts.iter().cloned()).iter().map(line).collect(),
        next_path: unfinished.then(|| format!("{}/next", path_of(&record.id))),
    }
}

/// The names of services, each once.
fn names(idp: &IdentityProvider, parts: &[(String, Outcome)]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (service, _) in parts {
        let name = name_of(idp, service);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The agreement's name of a service; the entityID of one that is not registered any more.
fn name_of(idp: &IdentityProvider, entity_id: &str) -> String {
    let registry = idp.registry.load();
    EntityId::parse(entity_id)
        .ok()
        .and_then(|id| Some(registry.find(&id)?.agreement().friendly_name().in_language("en").to_owned()))
        .unwrap_or_else(|| entity_id.to_owned())
}

/// The answer to the question.
#[derive(Debug, Deserialize)]
struct Decision {
    csrf: String,
    extent: String,
}

async fn decide(
    request: HttpRequest,
    id: web::Path<String>,
    form: web::Form<Decision>,
    site: web::Data<Site>,
    idp: web::Data<IdentityProvider>,
) -> Answer {
    let mut session = BrowserSession::find(&request, &site).await?;
    if !csrf::is_ours(&request, &site, &session.state, &form.csrf) {
        return Err(RefusalKind::FormExpired.into());
    }
    let extent = match form.extent.as_str() {
        "everywhere" => Extent::Everywhere,
        "there_only" => Extent::ThereOnly,
        _ => return Err(RefusalKind::FormMalformed.into()),
    };
    let Found { record, sessions, is_theirs } = find(&site, &session, read(&id)?).await?;
    if !is_theirs {
        return Err(RefusalKind::RequestGone.into());
    }
    let (id, now) = (record.id, site.now());
    let (ender, provider) = (site.clone(), idp.clone());
    let whose;
    (session, whose) = site
        .store
        .transaction::<_, Trouble, _>(move |tx| {
            if extent == Extent::ThereOnly {
                leave(tx, &id, &sessions, now)?;
                return Ok((session, Vec::new()));
            }
            if !tx.decide_logout(&id, extent, now)? {
                return Ok((session, Vec::new()));
            }
            let mut ending: Vec<LogoutSession> = sessions.into_iter().map(|(one, _)| one).collect();
            ending.dedup();
            let whose = round::end_here(tx, &provider, &record, &ending, now)?;
            for of in &whose {
                write_down(tx, &*ender.entropy, *of, &Event::SignedOut, now)?;
            }
            session.forget(&ender);
            session.state.logout = Some(id);
            session.keep(tx, &ender)?;
            Ok((session, whose))
        })
        .await?;
    for of in whose {
        Event::SignedOut.log(Some(of));
    }
    let cookies = session.needs_cookie().then(|| session.cookie());
    Ok(see_other(&format!("{}/next", path_of(&id)), cookies))
}

async fn next(
    request: HttpRequest,
    id: web::Path<String>,
    site: web::Data<Site>,
    idp: web::Data<IdentityProvider>,
) -> Answer {
    let session = BrowserSession::find(&request, &site).await?;
    let found = find(&site, &session, read(&id)?).await?;
    if !found.is_theirs {
        return Err(RefusalKind::RequestGone.into());
    }
    round::go_on(&site, &idp, &session, found.record.id).await
}

fn read(id: &str) -> Result<LogoutId, RefusalKind> {
    let mut bytes = [0; 16];
    hex::decode_to_slice(id, &mut bytes).map_err(|_| RefusalKind::RequestGone)?;
    Ok(bytes)
}

/// Where a stored RelayState belongs.
fn relay_state_place(id: &LogoutId) -> Vec<u8> {
    context(&[b"signet/logout/v1", id])
}
