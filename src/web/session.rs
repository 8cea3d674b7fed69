//! The cookie of the browser's session: [`BrowserSession`] on its way from and to the browser.

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::Method;

use super::head::only_looks;
use super::language;
use crate::accounts::session::{BrowserSession, Reads, SessionTrouble};
use crate::accounts::site::Site;
use crate::authentication::session::{COOKIE, SessionIdHash, SessionSecret};
use crate::locale::Locale;
use crate::storage::{SessionRecord, StoreError};

/// What a request says of its browser's session.
pub struct SessionCookie {
    secret: Option<SessionSecret>,
    reads: Reads,
    locale: Locale,
}

impl SessionCookie {
    /// Reads the cookie, and how the request uses the session.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        let secret = request.cookie(COOKIE).and_then(|cookie| SessionSecret::from_cookie(cookie.value()));
        let reads = match request.method() {
            _ if only_looks(request) => Reads::Nothing,
            &Method::GET => Reads::Page,
            _ => Reads::Form,
        };
        Self { secret, reads, locale: language::of(request) }
    }

    /// By which the session is found, where the browser names one.
    #[must_use]
    pub fn id_hash(&self) -> Option<SessionIdHash> {
        self.secret.as_ref().map(SessionSecret::id_hash)
    }

    /// The session of the record that was found; a new one, not yet stored, when it does not open.
    ///
    /// # Errors
    /// When the database or the service's keys are unavailable.
    pub async fn session(self, found: Option<SessionRecord>, site: &Site) -> Result<BrowserSession, SessionTrouble> {
        BrowserSession::of(self.secret.zip(found), site, self.reads, self.locale).await
    }
}

/// The session of this browser; a new one, not yet stored, when it has none that lives.
///
/// # Errors
/// When the database or the service's keys are unavailable. A cookie that opens nothing is no error.
pub async fn find(request: &HttpRequest, site: &Site) -> Result<BrowserSession, SessionTrouble> {
    let (cookie, now) = (SessionCookie::of(request), site.now());
    let found = match cookie.id_hash() {
        Some(id) => site.store.read::<_, StoreError, _>(move |tx| tx.session(id, now)).await?,
        None => None,
    };
    cookie.session(found, site).await
}

/// The cookie, for the answer.
#[must_use]
pub fn cookie(session: &BrowserSession) -> Cookie<'static> {
    Cookie::build(COOKIE, session.secret().to_cookie())
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .finish()
}
