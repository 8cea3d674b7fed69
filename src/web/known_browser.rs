//! The cookie by which a browser is known to accounts: [`KnownHere`] on its way from and to the browser.

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite, time::Duration as MaxAge};

use crate::accounts::KnownHere;
use crate::authentication::known_browser::{COOKIE, KnownBrowserCookie, LIFETIME};

/// What the browser brought.
#[must_use]
pub(super) fn brought(request: &HttpRequest) -> KnownHere {
    let cookie = request.cookie(COOKIE).map(|cookie| KnownBrowserCookie::from_value(cookie.value()));
    KnownHere::of(cookie.unwrap_or_default())
}

/// The cookie, for the answer; nothing when it is the one that the browser brought.
#[must_use]
pub(super) fn cookie(here: &KnownHere) -> Option<Cookie<'static>> {
    here.changed().map(|cookie| {
        Cookie::build(COOKIE, cookie.to_value())
            .path("/")
            .secure(true)
            .http_only(true)
            // Only forms of our own pages need it.
            .same_site(SameSite::Strict)
            .max_age(MaxAge::seconds(LIFETIME.whole_seconds()))
            .finish()
    })
}
