//! What every answer carries beside its body: the headers by which a browser protects the person.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::{Error, web};

use crate::settings::ServerSettings;

/// No inline script or style anywhere, nothing from elsewhere, no frames, and forms go to us alone.
pub const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The same for the one page that posts a Response to a service. Browsers apply `form-action` to the redirects that
/// follow the POST too, and where a service sends its people afterwards is not ours to list; so it is left out there. The
/// form's target is an `AcsLocation`, which no text from outside can be.
pub const CSP_OF_RESPONSE_PAGE: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     font-src 'self'; connect-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/// What browsers are told of coming by https alone (RFC 6797): nothing where we are not served by https.
#[derive(Debug, Clone)]
pub struct HttpsOnly(Option<HeaderValue>);

impl HttpsOnly {
    /// As the settings say.
    #[must_use]
    pub fn of(server: &ServerSettings) -> Self {
        let days = u64::from(server.https_only_days);
        if server.public_url.scheme() != "https" || days == 0 {
            return Self(None);
        }
        let below = if server.https_only_subdomains { "; includeSubDomains" } else { "" };
        Self(HeaderValue::from_str(&format!("max-age={}{below}", days * 24 * 60 * 60)).ok())
    }
}

/// Adds the headers that are not there yet: a handler may have set its own.
///
/// # Errors
/// Those of the handler.
pub async fn protect(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let https_only = request.app_data::<web::Data<HttpsOnly>>().and_then(|https_only| https_only.0.clone());
    let mut answer = next.call(request).await?;
    add_headers(answer.headers_mut(), https_only);
    Ok(answer)
}

fn add_headers(headers: &mut HeaderMap, https_only: Option<HeaderValue>) {
    let mut add = |name: HeaderName, value: &'static str| {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    };
    add(CONTENT_SECURITY_POLICY, CSP);
    add(X_CONTENT_TYPE_OPTIONS, "nosniff");
    add(X_FRAME_OPTIONS, "DENY");
    // Not `no-referrer`: with it, browsers send `Origin: null` with our own forms too.
    add(REFERRER_POLICY, "same-origin");
    add(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    add(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    add(
        HeaderName::from_static("permissions-policy"),
        "publickey-credentials-get=(self), publickey-credentials-create=(self), otp-credentials=(self), camera=(), \
         microphone=(), geolocation=(), payment=(), usb=()",
    );
    // Pages are about a person; a shared computer's "back" must not show them.
    add(CACHE_CONTROL, "no-store");
    if let Some(https_only) = https_only {
        headers.insert(STRICT_TRANSPORT_SECURITY, https_only);
    }
}
