//! The demonstration agency's site: a start page with ways to sign in, the assertion consumer service, what was
//! received, and the inbox. Sessions are in memory; a restart forgets them, but not the requests that are open.

use std::{
    collections::HashMap,
    fmt, io,
    net::TcpListener,
    sync::{Arc, Mutex, PoisonError},
    time::Duration as StdDuration,
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    cookie::{Cookie, SameSite},
    dev::Server,
    http::{StatusCode, header},
    web,
};
use serde::Deserialize;
use time::{Duration, UtcDateTime};

use super::{
    choices::{CHOICES, ask_for},
    inbox,
    open_requests::{OpenRequest, OpenRequests, OpenRequestsFile},
    page::{DemoPerson, Page, Pages, STYLES, ShownRefusal, ShownSignIn, secured},
    service_provider::{
        Expected, IdentityProvider, LogoutArrived, LogoutFailed, ServiceProvider, SignInAnswer, SignOutRequest,
        SignedIn,
    },
};
use crate::clock::Clock;
use crate::entropy::{Entropy, random_bytes};
use crate::saml::logout::{LogoutStatus, VerifiedLogoutRequest};
use crate::services::sandbox::SandboxInbox;

/// `SameSite=None`, since the answer comes as a form from another site; browsers take `Secure` on `*.localhost`.
const COOKIE: &str = "__Host-demo-agency";
/// How long a browser may stay away with a request.
const PENDING_FOR: Duration = Duration::hours(1);
/// How many browsers are remembered.
const MOST_SESSIONS: usize = 1_000;
/// How many requests of one browser may be open, in as many tabs.
const MOST_PENDING: usize = 16;

/// What the site needs.
pub struct DemoSite {
    /// The service provider.
    pub service_provider: ServiceProvider,
    /// The identity provider's public address, for people.
    pub idp_url: String,
    /// Where its metadata is; read anew for every request, so that a new key is known at once.
    pub idp_metadata_url: String,
    /// The sandbox's messages.
    pub inbox: SandboxInbox,
    /// The seeded person.
    pub person: Option<DemoPerson>,
    /// Where open requests are kept.
    pub open_requests: OpenRequestsFile,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
}

impl fmt::Debug for DemoSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DemoSite").field("service_provider", &self.service_provider).finish_non_exhaustive()
    }
}

/// The site could not be started.
#[derive(Debug, thiserror::Error)]
pub enum DemoSiteError {
    /// The HTTP client could not be made.
    #[error("the demonstration's HTTP client could not be made: {0}")]
    Client(#[from] reqwest::Error),
    /// The listener could not be used.
    #[error("the demonstration's listener failed: {0}")]
    Io(#[from] io::Error),
    /// A template is broken.
    #[error("a template of the demonstration is broken: {0}")]
    Template(#[from] tera::Error),
}

/// Starts the site on a listener. The server runs when it is awaited, and stops by its handle.
///
/// # Errors
/// [`DemoSiteError`].
pub fn serve(site: DemoSite, listener: TcpListener) -> Result<Server, DemoSiteError> {
    let client = reqwest::Client::builder().timeout(StdDuration::from_secs(10)).no_proxy().build()?;
    let now = site.clock.now();
    let sessions = site.open_requests.read().into_iter().map(|(id, pending)| {
        let token = hex::encode(random_bytes::<20>(&*site.entropy));
        (id, Session { pending, ..Session::new(token, now) })
    });
    let sessions = Mutex::new(sessions.collect());
    let state = web::Data::new(State { site, pages: Pages::load()?, client, sessions });
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .app_data(web::FormConfig::default().limit(512 * 1024))
            .route("/", web::get().to(start))
            .route("/demo.css", web::get().to(styles))
            .route("/sign-in/{choice}", web::get().to(sign_in))
            .route("/acs", web::post().to(consume))
            .route("/received", web::get().to(received))
            .route("/sign-out", web::post().to(sign_out))
            .route("/slo", web::get().to(single_logout))
            .route("/signed-out", web::get().to(signed_out))
            .route("/inbox", web::get().to(show_inbox))
            .route("/inbox/{number}/html", web::get().to(show_html_part))
            .route("/metadata", web::get().to(metadata))
    })
    .workers(1)
    .disable_signals()
    .listen(listener)?
    .run();
    Ok(server)
}

struct State {
    site: DemoSite,
    pages: Pages,
    client: reqwest::Client,
    sessions: Mutex<HashMap<String, Session>>,
}

/// What is remembered of one browser.
struct Session {
    token: String,
    seen: UtcDateTime,
    pending: HashMap<String, OpenRequest>,
    outcome: Option<SignInAnswer>,
    /// The ID of the request to sign out that the browser was sent away with.
    signing_out: Option<String>,
    /// What came of the last one.
    signed_out: Option<LogoutStatus>,
}

impl Session {
    fn new(token: String, seen: UtcDateTime) -> Self {
        Self { token, seen, pending: HashMap::new(), outcome: None, signing_out: None, signed_out: None }
    }

    /// Takes the open request of this RelayState, if it is not too old.
    fn take(&mut self, relay_state: &str, now: UtcDateTime) -> Option<OpenRequest> {
        self.pending.remove(relay_state).filter(|open| is_open(open, now))
    }
}

fn is_open(open: &OpenRequest, now: UtcDateTime) -> bool {
    now.unix_timestamp() - open.since_seconds < PENDING_FOR.whole_seconds()
}

impl State {
    fn random(&self) -> String {
        hex::encode(random_bytes::<20>(&*self.site.entropy))
    }

    /// Looks into the session of the cookie, if there is one.
    fn with_session<T>(&self, request: &HttpRequest, then: impl FnOnce(&mut Session) -> T) -> Option<T> {
        let cookie = request.cookie(COOKIE)?;
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.get_mut(cookie.value()).map(then)
    }

    /// The same, with a new session if there is none; the cookie to set then.
    fn with_new_session(&self, request: &HttpRequest, then: impl FnOnce(&mut Session)) -> Option<Cookie<'static>> {
        let now = self.site.clock.now();
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = request.cookie(COOKIE).and_then(|cookie| sessions.get_mut(cookie.value())) {
            session.seen = now;
            then(session);
            return None;
        }
        if sessions.len() >= MOST_SESSIONS
            && let Some(oldest) = sessions.iter().min_by_key(|(_, session)| session.seen).map(|(id, _)| id.clone())
        {
            sessions.remove(&oldest);
        }
        let (id, token) = (self.random(), self.random());
        let mut session = Session::new(token, now);
        then(&mut session);
        sessions.insert(id.clone(), session);
        Some(Cookie::build(COOKIE, id).path("/").secure(true).http_only(true).same_site(SameSite::None).finish())
    }

    /// Keeps the open requests of all browsers.
    fn keep_open_requests(&self) {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let open = sessions.iter().filter(|(_, session)| !session.pending.is_empty());
        let open: OpenRequests = open.map(|(id, session)| (id.clone(), session.pending.clone())).collect();
        self.site.open_requests.write(&open);
    }

    async fn identity_provider(&self) -> Result<IdentityProvider, String> {
        let unreachable = |error: reqwest::Error| format!("Signet's metadata cannot be had: {}", error.without_url());
        let answer = self.client.get(&self.site.idp_metadata_url).send().await.map_err(unreachable)?;
        let octets = answer.error_for_status().map_err(unreachable)?.bytes().await.map_err(unreachable)?;
        IdentityProvider::from_metadata(&octets).map_err(|error| error.to_string())
    }

    /// For the page with the sign-out form, which leads on to Signet: browsers apply form-action to that as well.
    fn policy_of_signing_out(&self) -> Option<header::HeaderValue> {
        let signet = url::Url::parse(&self.site.idp_url).ok()?.origin().ascii_serialization();
        let policy =
            super::page::CONTENT_SECURITY_POLICY.replace("form-action 'self'", &format!("form-action 'self' {signet}"));
        header::HeaderValue::from_str(&policy).ok()
    }

    async fn ask_for_logout(&self, signed_in: &SignedIn) -> Result<SignOutRequest, String> {
        let idp = self.identity_provider().await?;
        let (now, entropy) = (self.site.clock.now(), &*self.site.entropy);
        let peer = idp.logout().ok_or(LogoutFailed::NoPlace);
        let asked = peer.and_then(|peer| self.site.service_provider.logout_request(peer, signed_in, now, entropy));
        asked.map_err(|error| error.to_string())
    }

    /// Ends the sessions that a request of Signet means, in whichever browser they are.
    fn end_sessions(&self, asked: &VerifiedLogoutRequest) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        for session in sessions.values_mut() {
            let meant = |signed_in: &SignedIn| {
                let index = signed_in.session_index.as_ref();
                asked.principal(&[]).is_ok_and(|named| *named.value == signed_in.name_id)
                    && (asked.session_indexes().is_empty()
                        || index.is_some_and(|one| asked.session_indexes().contains(one)))
            };
            if matches!(&session.outcome, Some(SignInAnswer::SignedIn(signed_in)) if meant(signed_in)) {
                session.outcome = None;
            }
        }
    }

    fn failed(&self, reason: &str) -> HttpResponse {
        self.pages.answer(&Page::Failed { reason, signing_out: false })
    }
}

async fn start(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    let signed_in = state
        .with_session(&request, |session| matches!(session.outcome, Some(SignInAnswer::SignedIn(_))))
        .unwrap_or(false);
    state.pages.answer(&Page::Start {
        idp_url: &state.site.idp_url,
        signed_in,
        choices: &CHOICES,
        person: state.site.person.as_ref(),
    })
}

async fn styles() -> HttpResponse {
    secured(StatusCode::OK).content_type("text/css; charset=utf-8").body(STYLES)
}

async fn sign_in(state: web::Data<State>, request: HttpRequest, choice: web::Path<String>) -> HttpResponse {
    let Some(ask) = ask_for(&choice) else { return secured(StatusCode::NOT_FOUND).finish() };
    let idp = match state.identity_provider().await {
        Ok(idp) => idp,
        Err(reason) => return state.failed(&reason),
    };
    let relay_state = state.random();
    let now = state.site.clock.now();
    let made = state.site.service_provider.request(&idp, &ask, Some(&relay_state), now, &*state.site.entropy);
    let made = match made {
        Ok(made) => made,
        Err(error) => return state.failed(&error.to_string()),
    };
    let cookie = state.with_new_session(&request, |session| {
        session.pending.retain(|_, open| is_open(open, now));
        if session.pending.len() >= MOST_PENDING {
            session.pending.clear();
        }
        let open = OpenRequest { request_id: made.id, since_seconds: now.unix_timestamp() };
        session.pending.insert(relay_state, open);
    });
    state.keep_open_requests();
    let mut answer = secured(StatusCode::SEE_OTHER);
    answer.insert_header((header::LOCATION, made.url));
    if let Some(cookie) = cookie {
        answer.cookie(cookie);
    }
    answer.finish()
}

/// The form of the HTTP-POST binding.
#[derive(Deserialize)]
struct PostedResponse {
    #[serde(rename = "SAMLResponse")]
    saml_response: String,
    #[serde(rename = "RelayState", default)]
    relay_state: String,
}

async fn consume(state: web::Data<State>, request: HttpRequest, form: web::Form<PostedResponse>) -> HttpResponse {
    let now = state.site.clock.now();
    // A request is answered once, in the browser that made it: whatever comes of it, it is no longer open.
    let open = state.with_session(&request, |session| session.take(&form.relay_state, now)).flatten();
    state.keep_open_requests();
    let Some(open) = open else {
        return state.failed("This browser has no open request that this would answer. Perhaps it refuses cookies.");
    };
    let idp = match state.identity_provider().await {
        Ok(idp) => idp,
        Err(reason) => return state.failed(&reason),
    };
    let expected = Expected { idp: &idp, request_id: &open.request_id, now };
    match state.site.service_provider.read_response(&form.saml_response, &expected) {
        Ok(outcome) => {
            state.with_session(&request, |session| session.outcome = Some(outcome));
            see_other("/received")
        }
        Err(error) => state.failed(&error.to_string()),
    }
}

async fn received(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    let session = state.with_session(&request, |session| (session.outcome.clone(), session.token.clone()));
    let (outcome, token) = session.unwrap_or_default();
    let (signed_in, refused) = match &outcome {
        Some(SignInAnswer::SignedIn(signed_in)) => (Some(ShownSignIn::from(signed_in)), None),
        Some(SignInAnswer::Refused { status, nested, message }) => {
            (None, Some(ShownRefusal { status, nested: nested.as_deref(), message: message.as_deref() }))
        }
        None => (None, None),
    };
    let mut answer = state.pages.answer(&Page::Received { signed_in, refused, token: &token });
    if let Some(policy) = state.policy_of_signing_out() {
        answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    answer
}

/// The sign-out form.
#[derive(Deserialize)]
struct SignOut {
    token: String,
}

/// The session here ends first, whatever becomes of the others (deployment profile SDP-SP34); then Signet is asked.
async fn sign_out(state: web::Data<State>, request: HttpRequest, form: web::Form<SignOut>) -> HttpResponse {
    let ended = state.with_session(&request, |session| match same_token(&session.token, &form.token) {
        true => session.outcome.take(),
        false => None,
    });
    let Some(Some(SignInAnswer::SignedIn(signed_in))) = ended else { return see_other("/") };
    match state.ask_for_logout(&signed_in).await {
        Ok(asked) => {
            state.with_session(&request, |session| {
                session.signing_out = Some(asked.id);
                session.signed_out = None;
            });
            see_other(&asked.url)
        }
        Err(reason) => {
            tracing::warn!(reason, "the demonstration agency could not ask for a single logout");
            see_other("/")
        }
    }
}

/// The single logout service: Signet answers a request of ours, or wants a session to end.
async fn single_logout(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    let failed = |reason: &str| state.pages.answer(&Page::Failed { reason, signing_out: true });
    let now = state.site.clock.now();
    let idp = match state.identity_provider().await {
        Ok(idp) => idp,
        Err(reason) => return failed(&reason),
    };
    let provider = &state.site.service_provider;
    let peer = idp.logout().ok_or(LogoutFailed::NoPlace);
    let arrived = peer.and_then(|peer| Ok((peer, provider.read_logout(peer, request.query_string(), now)?)));
    match arrived {
        Ok((peer, LogoutArrived::Request(asked))) => {
            state.end_sessions(&asked);
            match provider.logout_answer(peer, &asked, now, &*state.site.entropy) {
                Ok(url) => see_other(&url),
                Err(error) => failed(&error.to_string()),
            }
        }
        Ok((_, LogoutArrived::Answer { in_response_to, status })) => {
            let ours = state.with_session(&request, |session| {
                let ours = session.signing_out.take_if(|id| *id == in_response_to).is_some();
                if ours {
                    session.signed_out = Some(status);
                }
                ours
            });
            match ours {
                Some(true) => see_other("/signed-out"),
                _ => failed("This browser has no open request to sign out that this would answer."),
            }
        }
        Err(error) => failed(&error.to_string()),
    }
}

async fn signed_out(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    match state.with_session(&request, |session| session.signed_out).flatten() {
        Some(status) => state
            .pages
            .answer(&Page::SignedOut { idp_url: &state.site.idp_url, everywhere: status == LogoutStatus::Ended }),
        None => see_other("/"),
    }
}

fn see_other(to: &str) -> HttpResponse {
    secured(StatusCode::SEE_OTHER).insert_header((header::LOCATION, to)).finish()
}

fn same_token(a: &str, b: &str) -> bool {
    a.len() == b.len() && openssl::memcmp::eq(a.as_bytes(), b.as_bytes())
}

async fn show_inbox(state: web::Data<State>) -> HttpResponse {
    state.pages.answer(&Page::Inbox { messages: inbox::shown(state.site.inbox.messages()) })
}

/// The HTML part of a mail as it is, in a document that may do nothing but be looked at and lead to its links.
async fn show_html_part(state: web::Data<State>, number: web::Path<usize>) -> HttpResponse {
    let message = number.checked_sub(1).and_then(|place| state.site.inbox.messages().into_iter().nth(place));
    match message.and_then(|message| message.html) {
        Some(html) => secured(StatusCode::OK)
            .insert_header((header::CONTENT_SECURITY_POLICY, super::page::POLICY_OF_A_MAIL))
            .content_type("text/html; charset=utf-8")
            .body(html),
        None => secured(StatusCode::NOT_FOUND).finish(),
    }
}

async fn metadata(state: web::Data<State>) -> HttpResponse {
    match state.site.service_provider.metadata(super::page::SITE) {
        Ok(metadata) => {
            secured(StatusCode::OK).content_type("application/samlmetadata+xml").body(metadata.into_string())
        }
        Err(error) => state.failed(&error.to_string()),
    }
}
