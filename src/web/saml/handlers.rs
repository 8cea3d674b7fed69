//! The handlers of `/saml/…`. Each loads, lets the core decide, saves and answers.

use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use time::UtcDateTime;

use super::IdentityProvider;
use super::answer;
use super::arrival::{Arrived, RequestCookie, arrive};
use super::journey::{ConsentQuestion, Journey, Onward};
use super::line::Settled;
use super::metadata;
use super::pages::LevelPage;
use super::waiting::{keep, waiting};
use crate::federation::assurance::NoAuthnContext;
use crate::federation::consent::{ConsentId, ConsentRecord};
use crate::federation::identifier::PairwiseId;
use crate::federation::registry::ServiceProvider;
use crate::federation::single_sign_on::{AnswerAddress, AnswerableFault, MatchedAuthnRequest, NextStep};
use crate::saml::binding::{MAX_CARRIED_BYTES, Received};
use crate::web::csrf;
use crate::web::page::respond;
use crate::web::people::Trouble;
use crate::web::refusal::{Refusal, RefusalKind};
use crate::web::session::BrowserSession;
use crate::web::site::Site;

/// Adds the routes of single sign-on.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/saml", web::get().to(metadata::publish))
        .route("/saml/metadata", web::get().to(metadata::publish))
        .service(
            web::resource("/saml/sso")
                .app_data(web::PayloadConfig::new(MAX_CARRIED_BYTES))
                .route(web::get().to(sso_by_redirect))
                .route(web::post().to(sso_by_post)),
        )
        .route("/saml/continue/{id}", web::get().to(go_on))
        .route("/saml/consent/{id}", web::get().to(go_on))
        .route("/saml/consent/{id}", web::post().to(consent))
        .route("/saml/decline/{id}", web::post().to(decline));
}

type Answer = Result<HttpResponse, Refusal>;

async fn sso_by_redirect(request: HttpRequest, site: web::Data<Site>, idp: web::Data<IdentityProvider>) -> Answer {
    let mut session = BrowserSession::find(&request, &site).await?;
    take_in(&site, &idp, Received::redirect(request.query_string()), false, &mut session).await
}

async fn sso_by_post(
    request: HttpRequest,
    body: web::Bytes,
    site: web::Data<Site>,
    idp: web::Data<IdentityProvider>,
) -> Answer {
    let mut session = BrowserSession::find(&request, &site).await?;
    take_in(&site, &idp, Received::from_form(&body)?, true, &mut session).await
}

/// Takes a request in and sends the browser on.
async fn take_in(
    site: &Site,
    idp: &IdentityProvider,
    received: Received,
    by_post: bool,
    session: &mut BrowserSession,
) -> Answer {
    // A browser that is posted here by another site keeps its session cookie back; a new one would push it out.
    let own_cookie = (by_post && session.needs_cookie()).then(|| RequestCookie::random(site));
    let bound_to = own_cookie.as_ref().map_or_else(|| session.id_hash(), RequestCookie::id_hash);
    let Arrived { id, settled } = arrive(site, idp, received, bound_to).await?;
    tracing::info!(service = %settled.service().name(), "a request was taken in");
    let mut cookies = Vec::new();
    match own_cookie {
        Some(cookie) => cookies.push(cookie.cookie(&id)),
        None if session.needs_cookie() => {
            cookies.push(session.cookie());
            keep(site, session).await?;
        }
        None => {}
    }
    Ok(see_other(&format!("/saml/continue/{}", hex::encode(id)), cookies))
}

/// 303, so that the browser comes with GET, whatever it sent.
fn see_other(path: &str, cookies: impl IntoIterator<Item = Cookie<'static>>) -> HttpResponse {
    let mut answer = HttpResponse::SeeOther();
    answer.insert_header((LOCATION, path)).insert_header((CACHE_CONTROL, "no-store"));
    for cookie in cookies {
        answer.cookie(cookie);
    }
    answer.finish()
}

/// Answers with a SAML error; the request waits no longer.
async fn fail(
    site: &Site,
    idp: &IdentityProvider,
    session: &mut BrowserSession,
    id: [u8; 16],
    settled: (&AnswerAddress, &ServiceProvider),
    fault: &AnswerableFault,
) -> Answer {
    let answer = answer::fail(site, idp, session, id, settled.0, settled.1, fault).await?;
    waits_no_longer(site, session, id).await?;
    Ok(answer)
}

/// So that the next sign-in in this browser does not come back to a request that was answered.
async fn waits_no_longer(site: &Site, session: &mut BrowserSession, id: [u8; 16]) -> Result<(), Refusal> {
    if session.state.waiting_request == Some(id) {
        session.state.waiting_request = None;
        keep(site, session).await?;
    }
    Ok(())
}

/// What the links of our own pages add to an address.
#[derive(Debug, Default, Deserialize)]
struct Choices {
    /// `profile`: the person goes on although the vault stays sealed.
    #[serde(default)]
    without: String,
}

impl Choices {
    fn without_profile(&self) -> bool {
        self.without == "profile"
    }

    /// The end of an address that keeps the choice.
    fn suffix(&self) -> &'static str {
        if self.without_profile() { "?without=profile" } else { "" }
    }
}

async fn go_on(
    request: HttpRequest,
    path: web::Path<String>,
    choices: web::Query<Choices>,
    site: web::Data<Site>,
    idp: web::Data<IdentityProvider>,
) -> Answer {
    let mut session = BrowserSession::find(&request, &site).await?;
    next(&request, &path, &choices, &site, &idp, &mut session).await
}

async fn next(
    request: &HttpRequest,
    id: &str,
    choices: &Choices,
    site: &Site,
    idp: &IdentityProvider,
    session: &mut BrowserSession,
) -> Answer {
    let waiting = waiting(request, site, idp, id, session).await?;
    let mut response = match waiting.settled {
        Settled::Fault { address, service, fault } => {
            fail(site, idp, session, waiting.id, (&address, &service), &fault).await?
        }
        Settled::Matched(matched) => step(site, idp, session, waiting.id, matched, choices).await?,
    };
    if waiting.claimed {
        response.add_cookie(&RequestCookie::removal(&waiting.id)).ok();
    }
    Ok(response)
}

/// Looks at where the journey stands and answers with what comes next.
async fn step(
    site: &Site,
    idp: &IdentityProvider,
    session: &mut BrowserSession,
    id: [u8; 16],
    matched: Box<MatchedAuthnRequest>,
    choices: &Choices,
) -> Answer {
    let now = site.now();
    let new_pairwise = PairwiseId::random(&*site.entropy);
    let without_profile = choices.without_profile();
    let (matched, came_to) = {
        let (store, site, idp, state) = (site.store.clone(), site.clone(), idp.clone(), session.state.clone());
        store
            .read::<_, Trouble, _>(move |tx| {
                let journey = Journey { site: &site, idp: &idp, matched: &matched, state: &state, without_profile };
                let came_to = journey.onward(tx, new_pairwise, now)?;
                Ok((matched, came_to))
            })
            .await?
    };
    let service = matched.service();
    match came_to {
        Onward::Answer(fault) => fail(site, idp, session, id, (matched.address(), service), &fault).await,
        Onward::Consent(question) => {
            // The identifier that the page shows must be the one that is sent: it is the person's from now on.
            let question = if question.person.known_pairwise.is_none() {
                settle_identifier(site, idp, session, &matched, without_profile, now).await?
            } else {
                question
            };
            Ok(respond(
                site,
                session,
                StatusCode::OK,
                &question.page(service, &hex::encode(id), choices.suffix(), "en"),
            ))
        }
        Onward::Issue(ready) => {
            let answer = answer::issue(site, idp, session, id, &matched, &ready).await?;
            waits_no_longer(site, session, id).await?;
            Ok(answer)
        }

        Onward::Level(page) => {
            let decline_path = format!("/saml/decline/{}{}", hex::encode(id), choices.suffix());
            Ok(respond(site, session, StatusCode::OK, &LevelPage { decline_path, ..page }))
        }
        Onward::NoAccount => Err(RefusalKind::AccountStopped.into()),
        Onward::Step(next) => send_to(site, session, id, next).await,
        Onward::Unlock => {
            session.state.waiting_request = Some(id);
            go(site, session, "/unlock").await
        }
    }
}

/// Sends the browser to the page where the person does what is missing; it comes back to the request that waits.
async fn send_to(site: &Site, session: &mut BrowserSession, id: [u8; 16], next: NextStep) -> Answer {
    session.state.waiting_request = Some(id);
    let path = match next {
        NextStep::SignIn => "/sign-in",
        NextStep::SecondFactor { phishing_resistant: false } => "/sign-in/second-factor",
        NextStep::SecondFactor { phishing_resistant: true } => "/sign-in/second-factor/webauthn",
        NextStep::Reauthenticate => {
            // What was proved before does not count for this request, so the session begins anew.
            session.reset(site);
            "/sign-in"
        }
    };
    go(site, session, path).await
}

async fn go(site: &Site, session: &mut BrowserSession, path: &str) -> Answer {
    let cookie = session.needs_cookie().then(|| session.cookie());
    keep(site, session).await?;
    Ok(see_other(path, cookie))
}

async fn settle_identifier(
    site: &Site,
    idp: &IdentityProvider,
    session: &BrowserSession,
    matched: &MatchedAuthnRequest,
    without_profile: bool,
    now: UtcDateTime,
) -> Result<Box<ConsentQuestion>, Refusal> {
    let (store, site, idp, state, matched) =
        (site.store.clone(), site.clone(), idp.clone(), session.state.clone(), matched.clone());
    let came_to = store
        .transaction::<_, Trouble, _>(move |tx| {
            let journey = Journey { site: &site, idp: &idp, matched: &matched, state: &state, without_profile };
            journey.onward_with_identifier(tx, now)
        })
        .await?;
    match came_to {
        Onward::Consent(question) => Ok(question),
        _ => Err(RefusalKind::RequestGone.into()),
    }
}

/// The fields of the consent form.
#[derive(Debug, Deserialize)]
struct ConsentForm {
    csrf: String,
    digest: String,
}

async fn consent(
    request: HttpRequest,
    path: web::Path<String>,
    choices: web::Query<Choices>,
    form: web::Form<ConsentForm>,
    site: web::Data<Site>,
    idp: web::Data<IdentityProvider>,
) -> Answer {
    let mut session = BrowserSession::find(&request, &site).await?;
    agree(&request, &path, &choices, &form, &site, &idp, &mut session).await
}

/// The person agrees to what the page showed; if it would not be sent so any more, the page is shown anew.
async fn agree(
    request: &HttpRequest,
    id: &str,
    choices: &Choices,
    form: &ConsentForm,
    site: &Site,
    idp: &IdentityProvider,
    session: &mut BrowserSession,
) -> Answer {
    if !csrf::is_ours(request, site, &session.state, &form.csrf) {
        return Err(RefusalKind::FormExpired.into());
    }
    let waiting = waiting(request, site, idp, id, session).await?;
    let Settled::Matched(matched) = waiting.settled else {
        return next(request, id, choices, site, idp, session).await;
    };
    let now = site.now();
    let agreed_to = form.digest.clone();
    let without_profile = choices.without_profile();
    let matched = {
        let (store, site, idp, state) = (site.store.clone(), site.clone(), idp.clone(), session.state.clone());
        store
            .transaction::<_, Trouble, _>(move |tx| {
                let journey = Journey { site: &site, idp: &idp, matched: &matched, state: &state, without_profile };
                if let Onward::Consent(question) = journey.onward_with_identifier(tx, now)?
                    && openssl_eq(question.digest.to_string().as_bytes(), agreed_to.as_bytes())
                {
                    tx.record_consent(&ConsentRecord {
                        id: ConsentId::random(&*site.entropy),
                        subscriber: question.subject.subscriber(),
                        scope: question.scope,
                        given_at: now,
                        revoked_at: None,
                    })?;
                }
                Ok(matched)
            })
            .await?
    };
    step(site, idp, session, waiting.id, matched, choices).await
}

fn openssl_eq(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && openssl::memcmp::eq(one, other)
}

/// The field of a form that only confirms.
#[derive(Debug, Deserialize)]
struct PlainForm {
    csrf: String,
}

async fn decline(
    request: HttpRequest,
    path: web::Path<String>,
    choices: web::Query<Choices>,
    form: web::Form<PlainForm>,
    site: web::Data<Site>,
    idp: web::Data<IdentityProvider>,
) -> Answer {
    let mut session = BrowserSession::find(&request, &site).await?;
    turn_back(&request, &path, &choices, &form, &site, &idp, &mut session).await
}

/// The person turns back: the service is told, and learns `NoAuthnContext` where the level was the reason.
async fn turn_back(
    request: &HttpRequest,
    id: &str,
    choices: &Choices,
    form: &PlainForm,
    site: &Site,
    idp: &IdentityProvider,
    session: &mut BrowserSession,
) -> Answer {
    if !csrf::is_ours(request, site, &session.state, &form.csrf) {
        return Err(RefusalKind::FormExpired.into());
    }
    let waiting = waiting(request, site, idp, id, session).await?;
    let (now, without_profile) = (site.now(), choices.without_profile());
    let (settled, fault) = match waiting.settled {
        Settled::Fault { address, service, fault } => {
            return fail(site, idp, session, waiting.id, (&address, &service), &fault).await;
        }
        Settled::Matched(matched) => {
            let new_pairwise = PairwiseId::random(&*site.entropy);
            let (store, site, idp, state) = (site.store.clone(), site.clone(), idp.clone(), session.state.clone());
            store
                .read::<_, Trouble, _>(move |tx| {
                    let journey = Journey { site: &site, idp: &idp, matched: &matched, state: &state, without_profile };
                    let fault = match journey.onward(tx, new_pairwise, now)? {
                        Onward::Level(_) => AnswerableFault::from(NoAuthnContext::NotReached),
                        Onward::Answer(fault) => fault,
                        _ => AnswerableFault::Declined,
                    };
                    Ok((matched, fault))
                })
                .await?
        }
    };
    fail(site, idp, session, waiting.id, (settled.address(), settled.service()), &fault).await
}
