//! HEAD: what GET would answer, without its body (RFC 9110, 9.3.2), for monitors, link checkers and loaders of metadata.
//!
//! Every GET route answers HEAD: `tests/it/pages/head.rs` walks the table. HEAD changes nothing: what its handler does in the
//! database is undone ([`Visit::transact`](super::visit::Visit::transact)), a session is neither kept alive nor written, and
//! no cookie is set. Where GET itself uses something up (a request for single sign-on, a logout message, a mailed link), HEAD
//! does not even read it: [`untouched`].

use actix_web::http::Method;
use actix_web::http::header::SET_COOKIE;
use actix_web::{HttpRequest, HttpResponse, Route, body, guard, web};

/// A route for GET and HEAD.
pub fn get() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// A route for HEAD that says that there is something, and looks at nothing of the request. It stands before the route for GET.
pub fn untouched() -> Route {
    // No length is told, since that of the page is not known.
    web::head().to(|| async { HttpResponse::Ok().content_type("text/html; charset=utf-8").body(body::None::new()) })
}

/// Whether this request only wants to see what GET would answer.
#[must_use]
pub fn only_looks(request: &HttpRequest) -> bool {
    request.method() == Method::HEAD
}

/// An answer to HEAD sets no cookie: the session that it would name was not stored.
pub(super) fn without_cookies(answer: &mut HttpResponse<impl body::MessageBody>) {
    answer.headers_mut().remove(SET_COOKIE);
}
