//! The person's own pages: addresses, methods, connected services, sessions.
//!
//! Everything that changes the account asks for a sign-in with two factors within the last 20 minutes, is told to every
//! address of the account, and stands in its history; all in the transaction that makes the change.

mod email;
mod lines;
mod methods;
mod overview;
pub mod pages;
mod password;
mod services;

use actix_web::web::{ServiceConfig, post, resource};

use crate::address;
use crate::web::head::{get, untouched};

/// Adds the pages of this folder.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource(address::ACCOUNT.as_str()).route(get().to(overview::overview)))
        .service(resource(address::ACCOUNT_SIGN_OUT.as_str()).route(post().to(overview::sign_out)))
        .service(resource(address::ACCOUNT_SESSIONS_END.as_str()).route(post().to(overview::end_sessions)))
        .service(resource(address::ACCOUNT_RECOVERY_KEY.as_str()).route(post().to(overview::new_recovery_key)))
        .service(resource(address::ACCOUNT_EMAIL.as_str()).route(get().to(email::addresses)))
        .service(resource(address::ACCOUNT_EMAIL_ADD.as_str()).route(post().to(email::add)))
        .service(
            resource(address::ACCOUNT_EMAIL_CONFIRM.pattern())
                .route(untouched())
                .route(get().to(email::confirm))
                .route(post().to(email::add_confirmed)),
        )
        .service(resource(address::ACCOUNT_EMAIL_REMOVE.as_str()).route(post().to(email::remove)))
        .service(resource(address::ACCOUNT_METHODS.as_str()).route(get().to(methods::methods)))
        .service(resource(address::ACCOUNT_METHODS_RENAME.as_str()).route(post().to(methods::rename)))
        .service(resource(address::ACCOUNT_METHODS_REMOVE.as_str()).route(post().to(methods::remove)))
        .service(
            resource(address::ACCOUNT_PASSWORD.as_str())
                .route(get().to(password::form))
                .route(post().to(password::change)),
        )
        .service(resource(address::ACCOUNT_SERVICES.as_str()).route(get().to(services::services)))
        .service(resource(address::ACCOUNT_SERVICES_DISCONNECT.as_str()).route(post().to(services::disconnect)));
}
