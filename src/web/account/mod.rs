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

use crate::web::head::{get, untouched};

/// Adds the pages of this folder.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/account").route(get().to(overview::overview)))
        .service(resource("/account/sign-out").route(post().to(overview::sign_out)))
        .service(resource("/account/sessions/end").route(post().to(overview::end_sessions)))
        .service(resource("/account/recovery-key").route(post().to(overview::new_recovery_key)))
        .service(resource("/account/email").route(get().to(email::addresses)))
        .service(resource("/account/email/add").route(post().to(email::add)))
        .service(
            resource("/account/email/confirm/{token}")
                .route(untouched())
                .route(get().to(email::confirm))
                .route(post().to(email::add_confirmed)),
        )
        .service(resource("/account/email/remove").route(post().to(email::remove)))
        .service(resource("/account/methods").route(get().to(methods::methods)))
        .service(resource("/account/methods/rename").route(post().to(methods::rename)))
        .service(resource("/account/methods/remove").route(post().to(methods::remove)))
        .service(resource("/account/password").route(get().to(password::form)).route(post().to(password::change)))
        .service(resource("/account/services").route(get().to(services::services)))
        .service(resource("/account/services/disconnect").route(post().to(services::disconnect)));
}
