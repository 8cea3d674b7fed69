//! The browser: forms in, pages out. Thin.

pub mod account;
pub mod assets;
pub mod csrf;
pub mod headers;
pub mod health;
pub mod log;
pub mod page;
pub mod people;
pub mod saml;
pub mod session;
pub mod sign_in;
pub mod site;
pub mod texts;

use actix_web::web::{self, ServiceConfig};

/// The whole URL table. Each part of the site adds its own.
pub fn routes(config: &mut ServiceConfig) {
    assets::configure(config);
    account::routes(config);
    sign_in::routes(config);
    config.route("/healthz", web::get().to(health::healthz)).route("/readyz", web::get().to(health::readyz));
}
