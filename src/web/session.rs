//! The cookie of the browser's session: [`BrowserSession`] on its way from and to the browser.

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::Method;

use super::head::only_looks;
use crate::accounts::session::{BrowserSession, Reads, SessionTrouble};
use crate::accounts::site::Site;
use crate::authentication::session::{COOKIE, SessionSecret};

/// The session of this browser; a new one, not yet stored, when it has none that lives.
///
/// # Errors
/// When the database or the service's keys are unavailable. A cookie that opens nothing is no error.
pub async fn find(request: &HttpRequest, site: &Site) -> Result<BrowserSession, SessionTrouble> {
    let secret = request.cookie(COOKIE).and_then(|cookie| SessionSecret::from_cookie(cookie.value()));
    let reads = match request.method() {
        _ if only_looks(request) => Reads::Nothing,
        &Method::GET => Reads::Page,
        _ => Reads::Form,
    };
    BrowserSession::find(secret, site, reads).await
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
