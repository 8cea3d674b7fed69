//! What surrounds every handler: a refusal becomes its page, and so does an error that came without one.

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, LOCATION, SET_COOKIE};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, web};

use super::head::{only_looks, without_cookies};
use super::language;
use super::page::{Layout, respond_with};
use super::refusal::Refusal;
use super::waiting::RequestAddress;
use crate::accounts::site::Site;
use crate::locale::Locale;
use crate::refusal::RefusalKind;

/// The middleware.
///
/// # Errors
/// Those of a middleware below, of which there is none.
pub async fn shell<B: MessageBody + 'static>(
    site: web::Data<Site>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    // The error of a handler or an extractor is an answer already; keeping the request here would stop the routing.
    let mut answer = next.call(request).await?.map_into_boxed_body();
    language::keep_asked(&mut answer);
    if only_looks(answer.request()) {
        without_cookies(answer.response_mut());
    }
    let Some(refusal) = refusal_of(&answer) else {
        return Ok(for_scripts(answer));
    };
    refusal.event().log(None);
    // Where the page is about a request, its person is led back to the service that asks.
    let refusal = match RequestAddress::of(answer.request()).and_then(|address| address.refused_service(&site)) {
        Some(service) if !refusal.names_a_service() => refusal.about(service),
        _ => refusal,
    };
    let mut page = page_of(&refusal, &site, language::of(answer.request()));
    if refusal.kind().ends_the_connection() {
        page.head_mut().set_connection_type(ConnectionType::Close);
    }
    // Such as Retry-After and Allow.
    for (name, value) in answer.headers() {
        if name == SET_COOKIE || !page.headers().contains_key(name) {
            page.headers_mut().append(name.clone(), value.clone());
        }
    }
    Ok(answer.into_response(page))
}

/// Our scripts send forms and are sent on like a browser; a script would follow the way by itself and learn nothing of it, so it
/// is told where to send its browser.
fn for_scripts(answer: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let is_script = answer.request().headers().get(ACCEPT).is_some_and(|wanted| wanted == "application/json");
    let onward = answer.headers().get(LOCATION).and_then(|onward| onward.to_str().ok()).map(str::to_owned);
    match onward {
        Some(onward) if is_script && answer.status() == StatusCode::SEE_OTHER => {
            let told = serde_json::json!({ "next": onward });
            answer.into_response(HttpResponse::UnprocessableEntity().json(told).map_into_boxed_body())
        }
        _ => answer,
    }
}

/// The refusal that an answer stands for: one that a handler gave, or one for an error that came without a page.
fn refusal_of(answer: &ServiceResponse<BoxBody>) -> Option<Refusal> {
    let given = answer.response().extensions().get::<Refusal>().cloned();
    given.or_else(|| {
        let status = answer.status();
        let is_error = status.is_client_error() || status.is_server_error();
        let has_page = matches!(answer.response().body().size(), BodySize::Sized(1..) | BodySize::Stream)
            && answer.response().error().is_none();
        (is_error && !has_page).then(|| RefusalKind::of_status(status).into())
    })
}

/// The page of a refusal, with the status of its kind.
fn page_of(refusal: &Refusal, site: &Site, locale: Locale) -> HttpResponse {
    let layout = Layout::for_anybody(&site.service_name, locale);
    respond_with(&layout, refusal.kind().status(), &refusal.page(site.now()))
}
