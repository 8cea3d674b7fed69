//! In front of every handler: a request of a network that has its share is refused, and the whole body is read within its
//! deadline, so that no handler waits for a stranger.

use std::sync::{Arc, Once};

use actix_web::body::BoxBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::Uri;
use actix_web::http::header::{CONTENT_LENGTH, FORWARDED, HeaderValue, RETRY_AFTER, X_FORWARDED_FOR};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, BytesMut, Data};
use actix_web::{Error, HttpMessage as _, ResponseError as _};
use futures_util::StreamExt as _;
use tokio::time::timeout;

use super::share::Shares;
use super::{ConnectionLimits, Share};
use crate::accounts::site::Site;
use crate::event::Event;
use crate::refusal::RefusalKind;
use crate::web::LARGEST_FORM_BYTES;
use crate::web::client::client_network;
use crate::web::refusal::Refusal;

/// Seconds after which somebody whose network had its share may try again.
const TRY_AGAIN_SECONDS: u16 = 5;

/// Stands with a connection whose network had its share of connections before.
#[derive(Debug, Clone, Copy)]
pub(super) struct BeyondShare;

/// Who is let in. A clone counts the same.
#[derive(Debug, Clone)]
pub struct Admission {
    limits: ConnectionLimits,
    under_way: Shares,
    unknown_proxy: Arc<Once>,
}

impl Admission {
    /// Nothing is under way yet.
    #[must_use]
    pub fn new(limits: ConnectionLimits) -> Self {
        Self { limits, under_way: Shares::default(), unknown_proxy: Arc::new(Once::new()) }
    }

    /// Tells the operator, once, of a proxy that the settings do not know. A browser can write these headers too, so nothing follows.
    fn notice_proxy(&self, request: &ServiceRequest, proxies: u8) {
        let headers = request.headers();
        if proxies == 0 && (headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(FORWARDED)) {
            self.unknown_proxy.call_once(|| Event::UnknownProxyNoticed.log(None));
        }
    }

    /// Takes a place for a request. `None` when its network has its share.
    fn place(&self, request: &ServiceRequest, proxies: u8) -> Option<Share> {
        if request.request().conn_data::<BeyondShare>().is_some() {
            return None;
        }
        self.under_way.take(client_network(request.request(), proxies).narrowest(), self.limits.requests_per_network)
    }
}

/// The middleware. It stands inside the shell, which draws the page of a refusal.
///
/// # Errors
/// Those of the handler.
pub async fn admit(
    admission: Data<Admission>,
    site: Data<Site>,
    mut request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    admission.notice_proxy(&request, site.proxies);
    // Held until the answer is there.
    let Some(_place) = admission.place(&request, site.proxies) else {
        return Ok(refuse(request, RefusalKind::TooManyAtOnce));
    };
    keep_head_apart(&mut request);
    let body = request.take_payload();
    if matches!(body, Payload::None) {
        return next.call(request).await;
    }
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > LARGEST_FORM_BYTES) {
        return Ok(refuse(request, RefusalKind::BodyTooLarge));
    }
    match timeout(admission.limits.body_within, read(body)).await {
        Ok(Ok(body)) => {
            request.set_payload(Payload::from(body));
            next.call(request).await
        }
        Ok(Err(PayloadError::Overflow)) => Ok(refuse(request, RefusalKind::BodyTooLarge)),
        Ok(Err(_)) => Ok(refuse(request, RefusalKind::FormMalformed)),
        Err(_) => Ok(refuse(request, RefusalKind::BodyTooSlow)),
    }
}

/// Copies address and headers out of the connection's buffer. The server keeps the heads of requests that were answered, until the
/// next ones come; with them it would keep the buffer, in which the form with the password stands too.
fn keep_head_apart(request: &mut ServiceRequest) {
    let head = request.head_mut();
    head.headers.retain(|_, value| {
        if let Ok(copy) = HeaderValue::from_bytes(value.as_bytes()) {
            *value = copy;
        }
        true
    });
    if let Ok(copy) = head.uri.to_string().parse::<Uri>() {
        head.uri = copy.clone();
        request.match_info_mut().get_mut().update(&copy);
    }
}

/// Reads a body to its end.
async fn read(mut body: Payload) -> Result<Bytes, PayloadError> {
    let mut whole = BytesMut::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk?;
        if whole.len() + chunk.len() > LARGEST_FORM_BYTES {
            return Err(PayloadError::Overflow);
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}

fn refuse(request: ServiceRequest, kind: RefusalKind) -> ServiceResponse<BoxBody> {
    let mut answer = Refusal::from(kind).error_response();
    if kind == RefusalKind::TooManyAtOnce {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(TRY_AGAIN_SECONDS));
    }
    request.into_response(answer)
}
