//! What surrounds every handler: a refusal becomes its page, and so does an error that came without one.

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, web};

use super::page::{Layout, respond_with};
use super::refusal::{Refusal, RefusalKind};
use super::site::Site;

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
    let answer = next.call(request).await?.map_into_boxed_body();
    let Some(refusal) = refusal_of(&answer) else {
        return Ok(answer);
    };
    refusal.event().log(None);
    let mut page = page_of(&refusal, &site);
    // Such as Retry-After and Allow.
    for (name, value) in answer.headers() {
        if !page.headers().contains_key(name) {
            page.headers_mut().append(name.clone(), value.clone());
        }
    }
    Ok(answer.into_response(page))
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
fn page_of(refusal: &Refusal, site: &Site) -> HttpResponse {
    let layout = Layout::for_anybody(&site.service_name);
    respond_with(&layout, refusal.kind().status(), &refusal.page(site.now()))
}
