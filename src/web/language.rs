//! In which language a browser is answered: asked for by the address (`?locale=es`), else kept in a cookie, else wanted by its
//! header `Accept-Language`.

use actix_web::HttpRequest;
use actix_web::body::MessageBody;
use actix_web::cookie::{Cookie, SameSite, time::Duration as MaxAge};
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE};

use crate::locale::Locale;

/// The cookie that keeps the language: its tag, for nobody to be known by.
pub(super) const COOKIE: &str = "__Host-signet-language";

/// The parameter of an address that asks for a language.
const PARAMETER: &str = "locale";

/// In which language a request is answered. What names no language that there is, is passed over.
#[must_use]
pub(super) fn of(request: &HttpRequest) -> Locale {
    let kept = || Locale::of_tag(request.cookie(COOKIE)?.value());
    let wanted = || Locale::accepted(request.headers().get(ACCEPT_LANGUAGE)?.to_str().ok()?);
    asked(request).or_else(kept).or_else(wanted).unwrap_or_default()
}

/// Which language the address asks for.
fn asked(request: &HttpRequest) -> Option<Locale> {
    url::form_urlencoded::parse(request.query_string().as_bytes())
        .filter(|(name, _)| name == PARAMETER)
        .find_map(|(_, tag)| Locale::of_tag(&tag))
}

/// What the address asks for is kept, so that the next page is in that language too. Files that anybody may keep in a cache set no
/// cookie.
pub(super) fn keep_asked(answer: &mut ServiceResponse<impl MessageBody>) {
    let Some(locale) = asked(answer.request()) else { return };
    let is_page = answer.headers().get(CONTENT_TYPE).is_some_and(|of| of.as_bytes().starts_with(b"text/html"));
    if is_page || !answer.status().is_success() {
        // A browser that does not get it is answered by its header next time.
        answer.response_mut().add_cookie(&cookie(locale)).ok();
    }
}

/// The cookie, for an answer.
#[must_use]
pub(super) fn cookie(locale: Locale) -> Cookie<'static> {
    Cookie::build(COOKIE, locale.tag())
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(MaxAge::days(365))
        .finish()
}
