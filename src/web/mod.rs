//! The browser: forms in, pages out. Thin.

pub mod account;
pub mod assets;
mod client;
pub mod connections;
pub mod csrf;
pub mod head;
pub mod headers;
pub mod health;
mod known_browser;
mod language;
mod late;
pub mod log;
pub mod metrics;
pub mod page;
mod plain;
pub mod refusal;
pub mod saml;
pub mod session;
pub mod shell;
pub mod sign_in;
pub mod visit;
pub mod waiting;

use actix_web::HttpResponse;
use actix_web::error::UrlencodedError;
use actix_web::web::{self, ServiceConfig};

use self::head::get;
use self::refusal::Refusal;
use crate::address;
use crate::refusal::RefusalKind;

/// More octets than any form has: one with a WebAuthn answer, or with a SAML message in base64 (messages have a stricter
/// limit of their own).
const LARGEST_FORM_BYTES: usize = 256 * 1024;

/// The whole URL table. Each part of the site adds its own.
pub fn routes(config: &mut ServiceConfig) {
    limits(config);
    assets::configure(config);
    config
        .service(web::resource(address::LANDING.as_str()).route(get().to(plain::landing)))
        .service(web::resource(address::HELP.as_str()).route(get().to(plain::help)))
        .service(web::resource(address::PRIVACY.as_str()).route(get().to(plain::privacy)))
        .service(web::resource(address::HEALTHZ.as_str()).route(get().to(health::healthz)))
        .service(web::resource(address::READYZ.as_str()).route(get().to(health::readyz)));
    account::routes(config);
    sign_in::routes(config);
    saml::handlers::configure(config);
    config.default_service(web::to(nothing_here));
}

/// How much a body may have, and what is answered when it is more or not what it should be.
fn limits(config: &mut ServiceConfig) {
    let malformed = || Refusal::from(RefusalKind::FormMalformed).into();
    config
        .app_data(web::PayloadConfig::new(LARGEST_FORM_BYTES))
        .app_data(web::JsonConfig::default().limit(LARGEST_FORM_BYTES).error_handler(move |_, _| malformed()))
        .app_data(web::FormConfig::default().limit(LARGEST_FORM_BYTES).error_handler(move |error, _| match error {
            UrlencodedError::Overflow { .. } => Refusal::from(RefusalKind::BodyTooLarge).into(),
            _ => malformed(),
        }));
}

/// Where there is nothing.
async fn nothing_here() -> Result<HttpResponse, Refusal> {
    Err(RefusalKind::PageNotFound.into())
}
