//! One request of one browser: its session, the time, and what every handler about people does with them.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, LOCATION, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use time::{Duration, UtcDateTime};

use super::{TooMany, Trouble, client_address};
use crate::authentication::session::SessionStage;
use crate::authentication::{Aal, AuthenticatedSubject, RequiredAssurance};
use crate::event::Event;
use crate::services::{Entropy, random_bytes};
use crate::storage::{HistoryEntry, Transaction};
use crate::subscriber::SubscriberId;
use crate::web::csrf;
use crate::web::page::{Page, path_of, respond};
use crate::web::refusal::{Refusal, RefusalKind};
use crate::web::session::{BrowserSession, SessionTrouble};
use crate::web::site::Site;

/// How fresh a sign-in must be for a change to the account (ASVS 7.5.1).
const FRESH: Duration = Duration::minutes(20);

/// One request of one browser.
pub struct Visit {
    /// What every page needs.
    pub site: Site,
    /// The browser's session.
    pub session: BrowserSession,
    /// When the request came.
    pub now: UtcDateTime,
    /// Where it came from, as throttles count it.
    pub client: Vec<u8>,
    /// What happened in the transaction that runs: the log hears of it when it stands.
    happened: Vec<(SubscriberId, Event)>,
}

impl Visit {
    /// Begins with the browser's session.
    ///
    /// # Errors
    /// When the database or the keys are unavailable.
    pub async fn begin(request: &HttpRequest, site: &Site) -> Result<Self, Fault> {
        let session = BrowserSession::find(request, site).await.map_err(Trouble::Session)?;
        Ok(Self {
            site: site.clone(),
            session,
            now: site.now(),
            client: client_address(request, site.proxies),
            happened: Vec::new(),
        })
    }

    /// Begins with a form of ours: the token must be the session's.
    ///
    /// # Errors
    /// [`Fault::Foreign`] for a form that none of our pages in this session sent.
    pub async fn begin_form(request: &HttpRequest, site: &Site, token: &str) -> Result<Self, Fault> {
        let visit = Self::begin(request, site).await?;
        if csrf::is_ours(request, site, &visit.session.state, token) { Ok(visit) } else { Err(Fault::Foreign) }
    }

    /// Begins with a call of our script: the token stands in a header.
    ///
    /// # Errors
    /// [`Fault::Foreign`] for a call that none of our pages in this session made.
    pub async fn begin_script(request: &HttpRequest, site: &Site) -> Result<Self, Fault> {
        let token = request.headers().get("x-csrf").and_then(|value| value.to_str().ok()).unwrap_or_default();
        Self::begin_form(request, site, token).await
    }

    /// Does work in one transaction and keeps the session in it.
    ///
    /// # Errors
    /// What the work says; then nothing of it stands, and the session is as it was before.
    pub async fn transact<T: Send + 'static>(
        mut self,
        work: impl FnOnce(&mut Transaction<'_>, &mut Self) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<(Self, T), Fault> {
        let store = self.site.store.clone();
        let done = store.transaction::<_, Trouble, _>(move |tx| {
            let done = work(tx, &mut self)?;
            self.session.keep(tx, &self.site)?;
            Ok((self, done))
        });
        let (mut visit, done) = done.await?;
        for (of, event) in visit.happened.drain(..) {
            event.log(Some(of));
        }
        Ok((visit, done))
    }

    /// Reads, and changes nothing.
    ///
    /// # Errors
    /// What the work says.
    pub async fn read<T: Send + 'static>(
        self,
        work: impl FnOnce(&mut Transaction<'_>, &Self) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<(Self, T), Fault> {
        let store = self.site.store.clone();
        let done = store.read::<_, Trouble, _>(move |tx| {
            let done = work(tx, &self)?;
            Ok((self, done))
        });
        Ok(done.await?)
    }

    /// Keeps the session of a browser that has none yet, so that it can send the page's form back.
    ///
    /// # Errors
    /// When the database is unavailable.
    pub async fn keep(self) -> Result<Self, Fault> {
        if !self.session.needs_cookie() {
            return Ok(self);
        }
        Ok(self.transact(|_, _| Ok(())).await?.0)
    }

    /// Answers with a page.
    #[must_use]
    pub fn page<P: Page>(&self, page: &P) -> HttpResponse {
        respond(&self.site, &self.session, StatusCode::OK, page)
    }

    /// Answers with the page again, since something about the form was wrong.
    #[must_use]
    pub fn page_again<P: Page>(&self, page: &P) -> HttpResponse {
        respond(&self.site, &self.session, StatusCode::UNPROCESSABLE_ENTITY, page)
    }

    /// Sends the browser on.
    #[must_use]
    pub fn see(&self, path: &str) -> HttpResponse {
        let mut answer = HttpResponse::SeeOther().insert_header((LOCATION, path)).finish();
        if self.session.needs_cookie() && answer.add_cookie(&self.session.cookie()).is_err() {
            return HttpResponse::InternalServerError().finish();
        }
        answer
    }

    /// Tells our script where to send the browser.
    #[must_use]
    pub fn tell_next(&self, path: &str) -> HttpResponse {
        self.json(StatusCode::OK, &serde_json::json!({ "next": path }))
    }

    /// Tells our script what was wrong.
    #[must_use]
    pub fn tell_problem(&self, problem: &str) -> HttpResponse {
        self.json(StatusCode::UNPROCESSABLE_ENTITY, &serde_json::json!({ "problem": problem }))
    }

    /// Answers our script with JSON.
    #[must_use]
    pub fn json(&self, status: StatusCode, body: &serde_json::Value) -> HttpResponse {
        let mut answer = HttpResponse::build(status).content_type("application/json").body(body.to_string());
        if self.session.needs_cookie() && answer.add_cookie(&self.session.cookie()).is_err() {
            return HttpResponse::InternalServerError().finish();
        }
        answer
    }

    /// Where the person goes when all is done: back to the request that waits, or to their own page.
    #[must_use]
    pub fn home(&self) -> String {
        self.session.state.waiting_request.as_ref().map_or_else(|| "/account".to_owned(), path_of)
    }

    /// The signed-in person.
    ///
    /// # Errors
    /// [`Fault::SignedOut`] when nobody is.
    pub fn signed_in(&self) -> Result<SubscriberId, Fault> {
        self.session.state.signed_in().ok_or(Fault::SignedOut)
    }

    /// The signed-in person, who has shown with two factors within 20 minutes that it is them.
    ///
    /// # Errors
    /// [`Fault::SignedOut`] when nobody is signed in, [`Fault::Stale`] when it was longer ago.
    pub fn freshly_signed_in(&self) -> Result<SubscriberId, Fault> {
        let subscriber = self.signed_in()?;
        let required = RequiredAssurance::level(Aal::Aal2).not_before(self.now - FRESH);
        AuthenticatedSubject::meeting(subscriber, &required, &self.session.state.events, self.now)
            .map(|subject| subject.subscriber())
            .map_err(|_| Fault::Stale)
    }

    /// The person of a session that stands at one of these stages.
    ///
    /// # Errors
    /// [`Fault::SignedOut`] when it stands elsewhere: the person begins again.
    pub fn at_stage(&self, stages: &[SessionStage]) -> Result<SubscriberId, Fault> {
        if !stages.contains(&self.session.state.stage) {
            return Err(Fault::SignedOut);
        }
        self.session.state.subscriber.ok_or(Fault::SignedOut)
    }

    /// Says what happened to a person: to their history in this transaction, and to the log once it stands.
    ///
    /// # Errors
    /// When the database fails.
    pub fn remember(&mut self, tx: &mut Transaction<'_>, of: SubscriberId, event: Event) -> Result<(), Trouble> {
        write_down(tx, &*self.site.entropy, of, &event, self.now)?;
        self.happened.push((of, event));
        Ok(())
    }
}

/// Writes what happened into the person's history, where it belongs there. Whoever calls this says it to the log once the
/// transaction stands.
///
/// # Errors
/// When the database fails.
pub fn write_down(
    tx: &mut Transaction<'_>,
    entropy: &dyn Entropy,
    of: SubscriberId,
    event: &Event,
    now: UtcDateTime,
) -> Result<(), Trouble> {
    if !event.is_remembered() {
        return Ok(());
    }
    let told: serde_json::Map<_, _> =
        event.fields().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let id = random_bytes(entropy);
    let told = serde_json::Value::Object(told).to_string();
    let entry = HistoryEntry { at: now, kind: event.name().to_owned(), told };
    Ok(tx.add_history(&id, of, &entry)?)
}

/// Why a handler about people answers with no page of its own.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The form did not come from a page of ours in this session, or the session has ended since.
    #[error("the form does not belong to this session")]
    Foreign,
    /// There is no such thing here.
    #[error("not found")]
    NotFound,
    /// Nobody is signed in, or the session stands at another stage.
    #[error("not signed in")]
    SignedOut,
    /// Signed in, but too long ago for this.
    #[error("signed in too long ago for this")]
    Stale,
    /// Too many tries.
    #[error("too many tries: {}", .0.limit)]
    TooMany(TooMany),
    /// Something that nobody at the browser can do anything about.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

impl Fault {
    /// What the shell draws a page of; nothing where the person goes on to another page.
    fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Foreign => Some(RefusalKind::FormExpired.into()),
            Self::NotFound => Some(RefusalKind::PageNotFound.into()),
            Self::SignedOut | Self::Stale | Self::Trouble(Trouble::Session(SessionTrouble::Ended)) => None,
            Self::TooMany(_) => Some(Refusal::because(RefusalKind::TooMany, self)),
            Self::Trouble(trouble) => Some(Refusal::because(trouble.refusal_kind(), trouble)),
        }
    }
}

impl ResponseError for Fault {
    fn status_code(&self) -> StatusCode {
        self.refusal().map_or(StatusCode::SEE_OTHER, |refusal| refusal.kind().status())
    }

    fn error_response(&self) -> HttpResponse {
        let Some(refusal) = self.refusal() else {
            let sign_in = if matches!(self, Self::Stale) { "/sign-in?again=1" } else { "/sign-in" };
            return HttpResponse::SeeOther().insert_header((LOCATION, sign_in)).finish();
        };
        let mut answer = refusal.error_response();
        let wait = match self {
            Self::TooMany(too_many) => Some(too_many.seconds),
            Self::Trouble(_) => Some(5),
            _ => None,
        };
        if let Some(seconds) = wait {
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        answer
    }
}
