//! Signing up, signing in, the second factor, a forgotten password.
//!
//! Each handler loads, lets the core decide, saves and tells in one transaction ([`crate::web::visit::Visit::transact`]),
//! and answers. What a stranger may not learn (whether an address has an account) no answer tells, neither by its words
//! nor by the work that was done for it.

pub mod enrol;
pub mod forgotten;
pub mod link;
pub mod pages;
pub mod password;
pub mod problems;
pub mod second_factor;
pub mod sign_up;
mod take_up;

use actix_web::web::{ServiceConfig, post, resource};

use crate::web::head::{get, untouched};

pub(crate) use pages::page;

/// Adds the pages of this folder.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/sign-up").route(get().to(sign_up::start)).route(post().to(sign_up::send_link)))
        .service(
            resource("/sign-up/confirm/{token}")
                .route(untouched())
                .route(get().to(sign_up::confirm))
                .route(post().to(sign_up::choose_password)),
        )
        .service(resource("/sign-up/confirm/{token}/request").route(post().to(sign_up::decide)))
        .service(
            resource("/sign-up/recovery-key")
                .route(get().to(sign_up::recovery_key))
                .route(post().to(sign_up::keep_recovery_key)),
        )
        .service(resource("/sign-in").route(get().to(password::form)).route(post().to(password::sign_in)))
        .service(resource("/sign-in/second-factor").route(get().to(second_factor::choose)))
        .service(
            resource("/sign-in/second-factor/totp")
                .route(get().to(second_factor::totp))
                .route(post().to(second_factor::check_totp)),
        )
        .service(
            resource("/sign-in/second-factor/webauthn")
                .route(get().to(second_factor::webauthn))
                .route(post().to(second_factor::check_webauthn)),
        )
        .service(resource("/sign-in/second-factor/webauthn/options").route(post().to(second_factor::webauthn_options)))
        .service(
            resource("/sign-in/second-factor/sms")
                .route(get().to(second_factor::sms))
                .route(post().to(second_factor::check_sms)),
        )
        .service(resource("/sign-in/second-factor/sms/send").route(post().to(second_factor::send_sms)))
        .service(resource("/forgot-password").route(get().to(forgotten::start)).route(post().to(forgotten::send_link)))
        .service(
            resource("/forgot-password/unlock")
                .route(get().to(forgotten::unlock_by_recovery_key))
                .route(post().to(forgotten::use_recovery_key)),
        )
        .service(
            resource("/forgot-password/old")
                .route(get().to(take_up::form))
                .route(post().to(take_up::give_old_password)),
        )
        .service(
            resource("/forgot-password/{token}")
                .route(untouched())
                .route(get().to(forgotten::follow))
                .route(post().to(forgotten::choose_password)),
        )
        .service(resource("/forgot-password/{token}/old").route(post().to(take_up::begin)))
        .service(resource("/forgot-password/{token}/request").route(post().to(forgotten::decide)))
        .service(
            resource("/unlock")
                .route(get().to(forgotten::unlock_by_password))
                .route(post().to(forgotten::use_password)),
        );
    for prefix in ["/sign-up/methods", "/account/methods/add"] {
        let at = |end: &str| resource(format!("{prefix}{end}"));
        config
            .service(at("").route(get().to(enrol::choose)))
            .service(at("/totp").route(get().to(enrol::totp::form)).route(post().to(enrol::totp::add)))
            .service(at("/webauthn").route(get().to(enrol::webauthn::form)).route(post().to(enrol::webauthn::add)))
            .service(at("/webauthn/options").route(post().to(enrol::webauthn::options)))
            .service(at("/sms").route(get().to(enrol::phone::form)).route(post().to(enrol::phone::send)))
            .service(at("/sms/code").route(get().to(enrol::phone::code_form)).route(post().to(enrol::phone::add)))
            .service(at("/sms/again").route(post().to(enrol::phone::send_again)));
    }
}
