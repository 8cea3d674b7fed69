//! `/saml/logout`: a service ends a session, or the person does, and the services that take part in it are told.
//!
//! The messages are [`crate::saml::logout`]'s; what may be said about how it went is [`crate::federation::single_logout`]'s.
//! A logout stands in the database, since it outlives the session that it ends; its pages are for the browser that has, or had,
//! that session. Who takes part in a session is kept for a day beyond its end: a service that asks when our session has long ended
//! by itself is answered `Success` only where the others were told.

mod arrival;
pub mod pages;
mod round;

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use time::{Duration, UtcDateTime};

pub use round::{begin_here, path_of};

use super::IdentityProvider;
use super::{Answer, see_other};
use crate::accounts::session::BrowserSession;
use crate::accounts::site::Site;
use crate::accounts::{Beside, Happened, Trouble};
use crate::address;
use crate::authentication::session::{COOKIE, LogoutId, SessionIdHash, SessionSecret};
use crate::event::Event;
use crate::federation::agreement::LocalizedText;
use crate::federation::agreement::LogoutChoice;
use crate::federation::registry::ServiceProvider;
use crate::federation::single_logout::{Extent, PartOutcome, by_service};
use crate::refusal::RefusalKind;
use crate::saml::EntityId;
use crate::saml::binding::{BindingError, MAX_CARRIED_BYTES};
use crate::saml::logout::LogoutMessage;
use crate::sealing::context;
use crate::storage::{LogoutRecord, LogoutSession, StoreError, Transaction};
use crate::web::csrf::{self, FormOrigin};
use crate::web::head::{get, untouched};
use crate::web::headers::CSP_OF_RESPONSE_PAGE;
use crate::web::late;
use crate::web::page::{KeptSession, Layout, respond, respond_in};
use crate::web::refusal::Refusal;
use crate::web::session;
use pages::{BackTo, Ended, LogoutLine, LogoutPage, LogoutQuestionPage};
use round::Reach;

/// How long a logout can go on.
const LOGOUT_WAITS: Duration = Duration::minutes(15);
/// How long a LogoutRequest of ours is good for.
const MESSAGE_LIVES: Duration = Duration::minutes(5);

/// How many redirects the answer to the question costs.
const REDIRECTS_AFTER_THE_QUESTION: i32 = 1;

/// Adds the routes of logging out.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource(address::SAML_LOGOUT.as_str())
                .app_data(web::PayloadConfig::new(MAX_CARRIED_BYTES))
                .route(untouched())
                .route(get().to(by_redirect))
                .route(web::post().to(by_post)),
        )
        .service(
            web::resource(address::SAML_LOGOUT_OF.pattern())
                .route(untouched())
                .route(get().to(show))
                .route(web::post().to(decide)),
        )
        .service(web::resource(address::SAML_LOGOUT_NEXT.pattern()).route(untouched()).route(get().to(next)));
}

async fn by_redirect(request: HttpRequest, site: web::Data<Site>, idp: web::Data<IdentityProvider>) -> Answer {
    arrived(&request, &site, &idp, LogoutMessage::from_query(request.query_string())).await
}

async fn by_post(
    request: HttpRequest,
    body: web::Bytes,
    site: web::Data<Site>,
    idp: web::Data<IdentityProvider>,
) -> Answer {
    arrived(&request, &site, &idp, LogoutMessage::from_form(&body)).await
}

async fn arrived(
    request: &HttpRequest,
    site: &Site,
    idp: &IdentityProvider,
    message: Result<LogoutMessage, BindingError>,
) -> Answer {
    let asked = match message {
        Ok(LogoutMessage::Response(decoded)) => return arrival::settle(site, idp, decoded).await,
        Ok(LogoutMessage::Request(decoded)) => Ok(decoded),
        Err(fault) => Err(Refusal::from(fault)),
    };
    let session = session::find(request, site).await?;
    let answer = match asked {
        Ok(decoded) => arrival::take_in(site, idp, decoded, &session, named_by_cookie(request)).await,
        Err(refusal) => Err(refusal),
    };
    // A request that is refused has ended nothing, and its person wanted to sign out.
    answer.map_err(|refusal| match (session.state.signed_in(), named_by_cookie(request)) {
        (Some(_), _) => refusal.keeping(KeptSession::SignedIn),
        (None, None) => refusal.keeping(KeptSession::Unknown),
        (None, Some(_)) => refusal,
    })
}

/// The session that the browser's cookie names, whether or not it lives: the cookie outlives a session that ended by itself.
fn named_by_cookie(request: &HttpRequest) -> Option<SessionIdHash> {
    let cookie = request.cookie(COOKIE)?;
    SessionSecret::from_cookie(cookie.value()).map(|secret| secret.id_hash())
}

/// A logout, and what this browser has to do with it.
struct Found {
    record: LogoutRecord,
    /// The sessions that it is about.
    sessions: Vec<LogoutSession>,
    browser: Place,
}

/// Who sits at the browser. Whoever brought the message may be the service itself, and learns nothing of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The person whom it is about, who is signed in; or who is in the middle of this logout.
    Theirs,
    /// The browser that had one of its sessions, which have all ended: it can tell the services, and there is nobody to ask.
    Had,
    /// Another one, while a session goes on.
    Elsewhere,
    /// Another one, and the sessions have all ended.
    ElsewhereAfterTheEnd,
}

async fn find(site: &Site, request: &HttpRequest, session: &BrowserSession, id: LogoutId) -> Result<Found, Refusal> {
    let now = site.now();
    let (by_cookie, here) = (named_by_cookie(request), session.clone());
    let found = site
        .store
        .read::<_, StoreError, _>(move |tx| {
            let Some(record) = tx.logout(&id, now)? else { return Ok(None) };
            let mut sessions: Vec<LogoutSession> = Vec::new();
            for (one, _) in tx.sessions_of_logout(&id)? {
                if !sessions.contains(&one) {
                    sessions.push(one);
                }
            }
            let browser = match record.extent {
                Extent::Everywhere if here.state.logout == Some(id) => Place::Theirs,
                Extent::Everywhere => Place::ElsewhereAfterTheEnd,
                Extent::Undecided | Extent::ThereOnly => place_of(tx, &here, by_cookie, &mut sessions, now)?,
            };
            Ok(Some(Found { record, sessions, browser }))
        })
        .await?;
    Ok(found.ok_or(RefusalKind::RequestGone)?)
}

/// Whose browser it is. Where its person was in one of the sessions that have ended, and is signed in again, the session of today
/// is one of those that the logout is about.
fn place_of(
    tx: &mut Transaction<'_>,
    here: &BrowserSession,
    by_cookie: Option<SessionIdHash>,
    sessions: &mut Vec<LogoutSession>,
    now: UtcDateTime,
) -> Result<Place, StoreError> {
    let (mut ended, mut one_lives) = (Vec::new(), false);
    for one in sessions.iter() {
        // One that another person has taken over in the same browser is not the one that the service means.
        match tx.session(one.session, now)?.is_some_and(|record| record.subscriber == Some(one.subscriber)) {
            true => one_lives = true,
            false => ended.push(*one),
        }
    }
    let person = here.state.signed_in();
    if let Some(subscriber) = person {
        let today = LogoutSession { session: here.id_hash(), subscriber };
        if sessions.contains(&today) {
            return Ok(Place::Theirs);
        }
        if ended.iter().any(|one| one.subscriber == subscriber) {
            sessions.push(today);
            return Ok(Place::Theirs);
        }
    }
    if one_lives {
        return Ok(Place::Elsewhere);
    }
    // Its cookie names the session, or it is still in the middle of the logout by which the session ended.
    let mut had: Vec<SessionIdHash> = by_cookie.into_iter().collect();
    if let Some(before) = here.state.logout {
        had.extend(tx.sessions_of_logout(&before)?.into_iter().map(|(one, _)| one.session));
    }
    Ok(match person.is_none() && ended.iter().any(|one| had.contains(&one.session)) {
        true => Place::Had,
        false => Place::ElsewhereAfterTheEnd,
    })
}

/// The page of a logout: the question while it is undecided, how it goes afterwards.
async fn show(
    request: HttpRequest,
    id: web::Path<String>,
    site: web::Data<Site>,
    idp: web::Data<IdentityProvider>,
) -> Answer {
    let session = session::find(&request, &site).await?;
    let found = find(&site, &request, &session, read(&id)?).await?;
    if found.record.extent != Extent::Undecided {
        return match found.browser {
            Place::Theirs => progress(&site, &idp, &session, found.record).await,
            _ => Err(RefusalKind::RequestGone.into()),
        };
    }
    let is_asked = asker(&idp, &found.record).is_none_or(|one| one.agreement().logout_choice() == LogoutChoice::Asked);
    match found.browser {
        Place::Theirs if is_asked => question(&site, &idp, &session, found, late::is_in(&request)).await,
        // There is no session that the person could keep, so that there is nothing to ask.
        Place::Theirs | Place::Had => {
            let redirects = found.record.redirects + 1;
            everywhere(&site, &idp, session, found, redirects).await
        }
        Place::Elsewhere => {
            // The session that the service names is not this browser's, so nobody here can be asked: it goes on.
            let (id, now) = (found.record.id, site.now());
            let kept = move |tx: &mut Transaction<'_>| tx.decide_logout(&id, Extent::ThereOnly, now).map(drop);
            site.store.transaction::<_, StoreError, _>(kept).await?;
            let record = LogoutRecord { extent: Extent::ThereOnly, ..found.record };
            round::answer_or_leave(&site, &idp, &session, &record).await
        }
        Place::ElsewhereAfterTheEnd => {
            // No browser is here that could tell the others.
            let (ender, provider, record) = (site.clone(), idp.clone(), found.record.clone());
            site.store
                .transaction::<_, Trouble, _>(move |tx| {
                    let now = ender.now();
                    if tx.decide_logout(&record.id, Extent::Everywhere, now)? {
                        round::end_here(tx, &provider, &record, &found.sessions, Reach::Nobody, now)?;
                    }
                    Ok(())
                })
                .await?;
            let record = LogoutRecord { extent: Extent::Everywhere, ..found.record };
            round::answer_or_leave(&site, &idp, &session, &record).await
        }
    }
}

/// Asks how far it shall go. `late`: an answer came before, too late to be used.
async fn question(site: &Site, idp: &IdentityProvider, session: &BrowserSession, found: Found, late: bool) -> Answer {
    let Found { record, sessions, .. } = found;
    let asked_by = record.asked_by.clone();
    let parts = site
        .store
        .read::<_, StoreError, _>(move |tx| {
            let mut parts = Vec::new();
            for one in sessions {
                parts.extend(tx.participants_of(one.session, one.subscriber)?.into_iter().map(|part| part.entity_id));
            }
            parts.retain(|part| asked_by.as_ref() != Some(part));
            Ok(parts)
        })
        .await?;
    let is_told_so = asker(idp, &record).is_none_or(|one| one.agreement().logout_exception().is_none());
    let page = LogoutQuestionPage {
        service_name: name_of(idp, record.asked_by.as_deref().unwrap_or_default()),
        others: names(idp, &parts),
        may_show_an_error: is_told_so && record.request_id.is_some(),
        decide_path: path_of(&record.id),
    };
    let layout = Layout { late, ..Layout::of(site, session) };
    Ok(leading_on(respond_in(&layout, session, StatusCode::OK, &page)))
}

/// How it goes.
async fn progress(site: &Site, idp: &IdentityProvider, session: &BrowserSession, record: LogoutRecord) -> Answer {
    let id = record.id;
    let steps = site.store.read::<_, StoreError, _>(move |tx| tx.logout_steps(&id)).await?;
    let parts: Vec<_> = steps.into_iter().map(|step| (step.entity_id, step.outcome)).collect();
    Ok(leading_on(respond(site, session, StatusCode::OK, &progress_page(idp, &record, parts))))
}

/// Its forms lead on to services, and browsers apply form-action to where a form is redirected.
fn leading_on(mut page: HttpResponse) -> HttpResponse {
    page.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP_OF_RESPONSE_PAGE));
    page
}

/// The service that asked, if it is registered still.
fn asker(idp: &IdentityProvider, record: &LogoutRecord) -> Option<Arc<ServiceProvider>> {
    let registry = idp.registry.load();
    registry.find(&EntityId::parse(record.asked_by.as_deref()?).ok()?).cloned()
}

fn progress_page(idp: &IdentityProvider, record: &LogoutRecord, parts: Vec<(String, PartOutcome)>) -> LogoutPage {
    let unfinished = parts.iter().any(|(_, outcome)| matches!(outcome, PartOutcome::Waiting | PartOutcome::Asked))
        || (record.request_id.is_some() && record.answered_at.is_none());
    let line = |(service, outcome): &(String, PartOutcome)| LogoutLine {
        service_name: name_of(idp, service),
        outcome: outcome.as_str(),
    };
    LogoutPage {
        ended: match record.extent {
            Extent::ThereOnly => Ended::There,
            Extent::Undecided | Extent::Everywhere => Ended::Here,
        },
        lines: by_service(parts).iter().map(line).collect(),
        next_path: unfinished.then(|| address::SAML_LOGOUT_NEXT.of(record.id)),
        back_to: asker(idp, record).map(|service| BackTo::the(&service)),
    }
}

/// The names of services, each once.
fn names(idp: &IdentityProvider, services: &[String]) -> Vec<LocalizedText> {
    let mut names: Vec<LocalizedText> = Vec::new();
    for service in services {
        let name = name_of(idp, service);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The agreement's name of a service; the entityID of one that is not registered any more.
fn name_of(idp: &IdentityProvider, entity_id: &str) -> LocalizedText {
    let registry = idp.registry.load();
    EntityId::parse(entity_id)
        .ok()
        .and_then(|id| Some(registry.find(&id)?.agreement().friendly_name().clone()))
        .unwrap_or_else(|| LocalizedText::in_english(entity_id))
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
    let session = session::find(&request, &site).await?;
    match csrf::origin_of(&request, &site, &session.state, &form.csrf) {
        FormOrigin::Ours => {}
        FormOrigin::Foreign => return Err(RefusalKind::FormExpired.into()),
        // What the logout comes to now, its page says.
        FormOrigin::Late => return Ok(see_other(&late::mark(path_of(&read(&id)?)), [])),
    }
    let extent = match form.extent.as_str() {
        "everywhere" => Extent::Everywhere,
        "there_only" => Extent::ThereOnly,
        _ => return Err(RefusalKind::FormMalformed.into()),
    };
    let found = find(&site, &request, &session, read(&id)?).await?;
    if found.browser != Place::Theirs {
        return Err(RefusalKind::RequestGone.into());
    }
    if extent == Extent::Everywhere {
        return everywhere(&site, &idp, session, found, REDIRECTS_AFTER_THE_QUESTION).await;
    }
    // The session goes on, and the service that asked stays in it: whether it ended its part is not known, and many keep theirs
    // when they are told so.
    let (id, now) = (found.record.id, site.now());
    let kept = move |tx: &mut Transaction<'_>| {
        tx.count_logout_redirects(&id, REDIRECTS_AFTER_THE_QUESTION)?;
        tx.decide_logout(&id, Extent::ThereOnly, now).map(drop)
    };
    site.store.transaction::<_, StoreError, _>(kept).await?;
    Ok(see_other(&address::SAML_LOGOUT_NEXT.of(id), []))
}

/// The sessions end here, and this browser goes round the services. `redirects`: how many it will have followed by then since it
/// last showed a page of ours.
async fn everywhere(
    site: &Site,
    idp: &IdentityProvider,
    session: BrowserSession,
    found: Found,
    redirects: i32,
) -> Answer {
    let Found { record, sessions, .. } = found;
    let (id, now) = (record.id, site.now());
    let (ender, provider, mut session) = (site.clone(), idp.clone(), session);
    let (session, mut happened) = site
        .store
        .transaction::<_, Trouble, _>(move |tx| {
            let mut happened = Happened::default();
            if !tx.decide_logout(&id, Extent::Everywhere, now)? {
                return Ok((session, happened));
            }
            tx.count_logout_redirects(&id, redirects)?;
            let whose = round::end_here(tx, &provider, &record, &sessions, Reach::Services, now)?;
            for of in &whose {
                happened.record(tx, &ender, *of, Event::SignedOut, Beside::Nothing, now)?;
            }
            if sessions.iter().any(|one| one.session == session.id_hash() && whose.contains(&one.subscriber)) {
                session.forget(&ender);
            }
            session.state.logout = Some(id);
            session.keep(tx, &ender)?;
            Ok((session, happened))
        })
        .await?;
    happened.tell();
    let cookies = session.needs_cookie().then(|| session::cookie(&session));
    Ok(see_other(&address::SAML_LOGOUT_NEXT.of(id), cookies))
}

async fn next(
    request: HttpRequest,
    id: web::Path<String>,
    site: web::Data<Site>,
    idp: web::Data<IdentityProvider>,
) -> Answer {
    let session = session::find(&request, &site).await?;
    let found = find(&site, &request, &session, read(&id)?).await?;
    if found.browser != Place::Theirs {
        return Err(RefusalKind::RequestGone.into());
    }
    round::go_on(&site, &idp, &session, found.record.id).await
}

fn read(id: &str) -> Result<LogoutId, RefusalKind> {
    id.parse().map_err(|_| RefusalKind::RequestGone)
}

/// Where a stored RelayState belongs.
fn relay_state_place(id: &LogoutId) -> Vec<u8> {
    context(&[b"signet/logout/v1", id.as_bytes()])
}
