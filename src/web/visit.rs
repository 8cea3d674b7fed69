//! One request of one browser: its session, the time, and what every handler about people does with them.

use std::convert::Infallible;
use std::future::Future;
use std::ops::{Deref, DerefMut};

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, LOCATION, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse, ResponseError};

use crate::accounts::session::SessionTrouble;
use crate::accounts::site::Site;
use crate::accounts::visitor::Visitor;
use crate::accounts::{TooMany, Trouble, WaitingRequest};
use crate::address::{self, Address};
use crate::authentication::offer::Freshness;
use crate::authentication::session::SessionState;
use crate::refusal::RefusalKind;
use crate::storage::{StoreError, Transaction};
use crate::subscriber::SubscriberId;
use crate::web::client::client_network;
use crate::web::csrf::{self, FormOrigin};
use crate::web::known_browser;
use crate::web::late;
use crate::web::page::{Layout, Page, respond_in, respond_with};
use crate::web::refusal::Refusal;
use crate::web::session::{self, SessionCookie};
use crate::web::waiting::{NamedRequest, RequestAddress, Waiting};

/// One request of one browser: the [`Visitor`], and what the request is about.
pub struct Visit {
    visitor: Visitor,
    /// The request that the page's address names.
    pub request: NamedRequest,
    /// Whether the page comes in place of a form that came too late.
    late: bool,
}

impl Deref for Visit {
    type Target = Visitor;

    fn deref(&self) -> &Visitor {
        &self.visitor
    }
}

impl DerefMut for Visit {
    fn deref_mut(&mut self) -> &mut Visitor {
        &mut self.visitor
    }
}

impl Visit {
    /// Begins with the browser's session, and the request that the page's address names.
    ///
    /// # Errors
    /// When the database or the keys are unavailable. That the request does not wait for this browser is no error:
    /// [`Visit::while_it_waits`].
    pub async fn begin(request: &HttpRequest, site: &Site) -> Result<Self, Fault> {
        let (cookie, address) = (SessionCookie::of(request), RequestAddress::of(request));
        let (sought, id, now) = (cookie.id_hash(), address.map(|address| *address.id()), site.now());
        let (record, found) = match (sought, id) {
            (None, None) => (None, None),
            _ => {
                let look = move |tx: &mut Transaction<'_>| {
                    let record = sought.map(|sought| tx.session(sought, now)).transpose()?.flatten();
                    let found = id.map(|id| tx.pending_request(&id, now)).transpose()?.flatten();
                    Ok::<_, StoreError>((record, found))
                };
                site.store.read(look).await.map_err(Trouble::Store)?
            }
        };
        let session = cookie.session(record, site).await.map_err(Trouble::Session)?;
        let visitor =
            Visitor::new(site, session, client_network(request, site.proxies), known_browser::brought(request));
        Ok(Self { visitor, request: NamedRequest::of(request, address, found), late: late::is_in(request) })
    }

    /// Begins with a form of ours: the token must be the session's.
    ///
    /// # Errors
    /// [`Fault::Foreign`] for a form that another site sent; [`Fault::Late`] for one of a session that is over.
    pub async fn begin_form(request: &HttpRequest, site: &Site, token: &str) -> Result<Self, Fault> {
        let visit = Self::begin(request, site).await?;
        match csrf::origin_of(request, site, &visit.session.state, token) {
            FormOrigin::Ours => Ok(visit),
            FormOrigin::Foreign => Err(Fault::Foreign),
            FormOrigin::Late => Err(Fault::Late { onward: visit.after_late(request.path()) }),
        }
    }

    /// Begins with a form that is shown anew when it came too late, with what was typed: says whether it came in time.
    ///
    /// # Errors
    /// [`Fault::Foreign`] for a form that another site sent.
    pub async fn begin_form_or_again(request: &HttpRequest, site: &Site, token: &str) -> Result<(Self, bool), Fault> {
        let mut visit = Self::begin(request, site).await?;
        match csrf::origin_of(request, site, &visit.session.state, token) {
            FormOrigin::Ours => Ok((visit, true)),
            FormOrigin::Foreign => Err(Fault::Foreign),
            FormOrigin::Late => {
                visit.late = true;
                Ok((visit, false))
            }
        }
    }

    /// Goes on only while the request that the page's address names, if it names one, waits for this browser.
    ///
    /// # Errors
    /// [`Fault::RequestOver`] when it does not; the page of the request says why, and leads back to the service.
    pub fn while_it_waits(self) -> Result<Self, Fault> {
        match self.request {
            NamedRequest::Over(address, _) => Err(Fault::RequestOver(address)),
            NamedRequest::Nothing | NamedRequest::Waits(_) => Ok(self),
        }
    }

    /// What a mailed link takes along of the request that the visit is about.
    #[must_use]
    pub fn taken_along(&self) -> Option<WaitingRequest> {
        self.request.waiting().map(Waiting::to_take_along)
    }

    /// Where a person goes whose form came too late: to what the request comes to now, or to the form's page.
    fn after_late(&self, form: &str) -> Address {
        let signed_in = self.session.state.signed_in().is_some();
        late::mark(self.request.address().map_or_else(|| late::page_of(form, signed_in), |address| address.path()))
    }

    /// Begins with a call of our script: the token stands in a header.
    ///
    /// # Errors
    /// As [`Visit::begin_form`].
    pub async fn begin_script(request: &HttpRequest, site: &Site) -> Result<Self, Fault> {
        let token = request.headers().get("x-csrf").and_then(|value| value.to_str().ok()).unwrap_or_default();
        Self::begin_form(request, site, token).await
    }

    /// Does work in one transaction and keeps the session in it. For HEAD the same work is done and undone, so that the answer is
    /// that of GET and nothing stands.
    ///
    /// # Errors
    /// What the work says; then nothing of it stands, and the session is as it was before.
    pub async fn transact<T: Send + 'static>(
        mut self,
        work: impl FnOnce(&mut Transaction<'_>, &mut Self) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<(Self, T), Fault> {
        let (store, request) = (self.site.store.clone(), self.request.address());
        if self.session.is_only_looked_at() {
            return match store
                .transaction::<Infallible, _, _>(move |tx| Err(Undone::of(work(tx, &mut self), self)))
                .await
            {
                Err(Undone::Work(both)) => Ok(*both),
                Err(Undone::Trouble(trouble)) => Err(trouble.into()),
                Ok(never) => match never {},
            };
        }
        let done = store.transaction::<_, Trouble, _>(move |tx| {
            let done = work(tx, &mut self)?;
            let Visitor { session, site, .. } = &mut self.visitor;
            session.keep(tx, site)?;
            Ok((self, done))
        });
        let (mut visit, done) = done.await.map_err(|trouble| match trouble {
            Trouble::Session(SessionTrouble::Ended) => Fault::SignedOut(request),
            trouble => trouble.into(),
        })?;
        visit.happened.tell();
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
        self.with_known_browser(respond_in(&self.layout(), &self.session, StatusCode::OK, page))
    }

    /// Answers with the page again, since something about the form was wrong.
    #[must_use]
    pub fn page_again<P: Page>(&self, page: &P) -> HttpResponse {
        self.with_known_browser(respond_in(&self.layout(), &self.session, StatusCode::UNPROCESSABLE_ENTITY, page))
    }

    /// Answers with a page without forms. A browser that has no session gets none for it.
    #[must_use]
    pub fn page_for_anybody<P: Page>(&self, page: &P) -> HttpResponse {
        let layout = match self.session.needs_cookie() {
            true => self.complete(Layout::for_anybody(&self.site.service_name, self.session.locale())),
            false => self.layout(),
        };
        respond_with(&layout, StatusCode::OK, page)
    }

    fn layout(&self) -> Layout {
        self.complete(Layout::of(&self.site, &self.session))
    }

    fn complete(&self, layout: Layout) -> Layout {
        Layout { late: self.late, ..layout.about(&self.site, self.request.address().as_ref(), self.request.waiting()) }
    }

    /// The address of a page of ours, for the request that this visit is about.
    #[must_use]
    pub fn to(&self, page: impl Into<Address>) -> Address {
        let page = page.into();
        match self.request.address() {
            Some(address) => address.on(page),
            None => page,
        }
    }

    /// The same, where that page is to say that a form of its came too late, if this one did.
    #[must_use]
    pub fn to_with_mark(&self, page: impl Into<Address>) -> Address {
        let page = self.to(page);
        if self.late { late::mark(page) } else { page }
    }

    /// Sends the browser on to a page of ours, for the request that this visit is about.
    #[must_use]
    pub fn see(&self, page: impl Into<Address>) -> HttpResponse {
        self.see_exactly(&self.to(page))
    }

    /// Sends the browser to where the person goes when all is done: [`Visit::home`].
    #[must_use]
    pub fn see_home(&self) -> HttpResponse {
        self.see_exactly(&self.home())
    }

    /// Sends the browser on to an address that says itself which request it is about.
    #[must_use]
    pub fn see_exactly(&self, address: &Address) -> HttpResponse {
        let mut answer = HttpResponse::SeeOther().insert_header((LOCATION, address.as_str())).finish();
        if self.session.needs_cookie() && answer.add_cookie(&session::cookie(&self.session)).is_err() {
            return HttpResponse::InternalServerError().finish();
        }
        self.with_known_browser(answer)
    }

    /// Tells our script the whole address to send the browser to.
    #[must_use]
    pub fn tell_next(&self, address: &Address) -> HttpResponse {
        self.json(StatusCode::OK, &serde_json::json!({ "next": address }))
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
        if self.session.needs_cookie() && answer.add_cookie(&session::cookie(&self.session)).is_err() {
            return HttpResponse::InternalServerError().finish();
        }
        self.with_known_browser(answer)
    }

    /// Gives the browser the cookie by which it is known to an account from now on. Without it a person is only less well
    /// protected from strangers, so an answer that does not take it goes as it is.
    fn with_known_browser(&self, mut answer: HttpResponse) -> HttpResponse {
        if let Some(cookie) = known_browser::cookie(&self.known_here) {
            answer.add_cookie(&cookie).ok();
        }
        answer
    }

    /// Where the person goes when all is done: back to the request that the visit is about, or to their own page. A request
    /// that is over has a page, too: it says so, and leads back to the service.
    #[must_use]
    pub fn home(&self) -> Address {
        self.request.address().map_or_else(|| address::ACCOUNT.into(), |address| address.path())
    }

    /// The signed-in person.
    ///
    /// # Errors
    /// [`Fault::SignedOut`] when nobody is.
    pub fn signed_in(&self) -> Result<SubscriberId, Fault> {
        self.session.state.signed_in().ok_or(Fault::SignedOut(self.request.address()))
    }

    /// The signed-in person, who has shown with two factors within 20 minutes that it is them.
    ///
    /// # Errors
    /// [`Fault::SignedOut`] when nobody is signed in, [`Fault::Stale`] when it was longer ago.
    pub fn freshly_signed_in(&self) -> Result<SubscriberId, Fault> {
        let subscriber = self.signed_in()?;
        match self.freshness(subscriber) {
            Freshness::BothFactors => Ok(subscriber),
            Freshness::Password | Freshness::Stale => Err(Fault::Stale(self.request.address())),
        }
    }

    /// What the session's stage has for this page.
    ///
    /// # Errors
    /// [`Fault::SignedOut`] when it stands at another stage: the person begins again.
    pub fn at_stage<'a, T>(&'a self, of: impl FnOnce(&'a SessionState) -> Option<T>) -> Result<T, Fault> {
        of(&self.session.state).ok_or(Fault::SignedOut(self.request.address()))
    }
}

/// Does work to its end although the browser hangs up, so that what was counted is settled.
///
/// # Errors
/// What the work says, or that the process is stopping.
pub async fn unbroken<T: 'static>(work: impl Future<Output = Result<T, Fault>> + 'static) -> Result<T, Fault> {
    match actix_web::rt::spawn(work).await {
        Ok(done) => done,
        Err(_) => Err(Trouble::Store(StoreError::Stopped).into()),
    }
}

/// How a transaction ends of which nothing may stand: the database takes an error for that.
enum Undone<T> {
    Trouble(Trouble),
    Work(Box<(Visit, T)>),
}

impl<T> Undone<T> {
    fn of(done: Result<T, Trouble>, visit: Visit) -> Self {
        match done {
            Ok(done) => Self::Work(Box::new((visit, done))),
            Err(trouble) => Self::Trouble(trouble),
        }
    }
}

impl<T> From<StoreError> for Undone<T> {
    fn from(error: StoreError) -> Self {
        Self::Trouble(error.into())
    }
}

/// Why a handler about people answers with no page of its own.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The form came from another site.
    #[error("the form came from another site")]
    Foreign,
    /// The form came from a page of ours, and its session ended or changed hands since the page was shown. Nothing was done.
    #[error("the form belongs to a session that is over")]
    Late {
        /// Where the person goes on.
        onward: Address,
    },
    /// There is no such thing here.
    #[error("not found")]
    NotFound,
    /// The request that the page is about is refused now, as when its service was switched off.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The request that the page's address names does not wait for this browser.
    #[error("the request does not wait for this browser")]
    RequestOver(RequestAddress),
    /// Nobody is signed in, or the session stands at another stage. Holds the request that the page was about.
    #[error("not signed in")]
    SignedOut(Option<RequestAddress>),
    /// Signed in, but too long ago for this. Holds the request that the page was about.
    #[error("signed in too long ago for this")]
    Stale(Option<RequestAddress>),
    /// Too many tries.
    #[error("too many tries: {}", .0.limit)]
    TooMany(TooMany),
    /// Something that nobody at the browser can do anything about.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

impl Fault {
    /// Where the person goes on, when it is no refusal.
    fn onward(&self) -> Address {
        match self {
            Self::Late { onward } => onward.clone(),
            Self::RequestOver(address) | Self::SignedOut(Some(address)) => address.path(),
            Self::Stale(Some(address)) => address.on(address::SIGN_IN.with("again", "yes")),
            Self::Stale(None) => address::SIGN_IN.with("again", "yes"),
            _ => address::SIGN_IN.into(),
        }
    }

    /// What the shell draws a page of; nothing where the person goes on to another page.
    fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Foreign => Some(RefusalKind::FormExpired.into()),
            Self::NotFound => Some(RefusalKind::PageNotFound.into()),
            Self::Refused(refusal) => Some(refusal.clone()),
            Self::Late { .. }
            | Self::RequestOver(_)
            | Self::SignedOut(_)
            | Self::Stale(_)
            | Self::Trouble(Trouble::Session(SessionTrouble::Ended)) => None,
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
            return HttpResponse::SeeOther().insert_header((LOCATION, self.onward().as_str())).finish();
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
