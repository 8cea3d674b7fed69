//! What the log says of a request: method, the *pattern* of the path, status and a request id. Never the path or the query
//! itself, which carry the tokens of links and whole SAML messages, and never an address or a browser's name.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use tracing::Span;
use tracing_actix_web::RootSpanBuilder;

/// Makes the span that a request's log lines belong to.
#[derive(Debug, Clone, Copy)]
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let route = request.match_pattern().unwrap_or_else(|| "unmatched".to_owned());
        let id = request.extensions_request_id();
        tracing::info_span!(
            "request",
            request.id = %id,
            http.method = %request.method(),
            http.route = %route,
            http.status = tracing::field::Empty,
        )
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, actix_web::Error>) {
        let status = match outcome {
            Ok(answer) => answer.response().status(),
            Err(error) => error.as_response_error().status_code(),
        };
        span.record("http.status", status.as_u16());
        span.in_scope(|| {
            if status.is_server_error() {
                tracing::error!("answered");
            } else {
                tracing::info!("answered");
            }
        });
    }
}

/// The id that `tracing-actix-web` gave the request.
trait RequestIdOf {
    fn extensions_request_id(&self) -> String;
}

impl RequestIdOf for ServiceRequest {
    fn extensions_request_id(&self) -> String {
        use actix_web::HttpMessage as _;
        self.extensions().get::<tracing_actix_web::RequestId>().map(ToString::to_string).unwrap_or_default()
    }
}
