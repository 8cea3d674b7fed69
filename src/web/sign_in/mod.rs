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

use crate::address;
use crate::web::head::{get, untouched};

pub(crate) use pages::page;

/// Adds the pages of this folder.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(
            resource(address::SIGN_UP.as_str()).route(get().to(sign_up::start)).route(post().to(sign_up::send_link)),
        )
        .service(
            resource(address::SIGN_UP_CONFIRM.pattern())
                .route(untouched())
                .route(get().to(sign_up::confirm))
                .route(post().to(sign_up::choose_password)),
        )
        .service(resource(address::SIGN_UP_CONFIRM_REQUEST.pattern()).route(post().to(sign_up::decide)))
        .service(
            resource(address::SIGN_UP_RECOVERY_KEY.as_str())
                .route(get().to(sign_up::recovery_key))
                .route(post().to(sign_up::keep_recovery_key)),
        )
        .service(
            resource(address::SIGN_IN.as_str()).route(get().to(password::form)).route(post().to(password::sign_in)),
        )
        .service(resource(address::SECOND_FACTOR.as_str()).route(get().to(second_factor::choose)))
        .service(
            resource(address::SECOND_FACTOR_TOTP.as_str())
                .route(get().to(second_factor::totp))
                .route(post().to(second_factor::check_totp)),
        )
        .service(
            resource(address::SECOND_FACTOR_WEBAUTHN.as_str())
                .route(get().to(second_factor::webauthn))
                .route(post().to(second_factor::check_webauthn)),
        )
        .service(
            resource(address::SECOND_FACTOR_WEBAUTHN_OPTIONS.as_str())
                .route(post().to(second_factor::webauthn_options)),
        )
        .service(
            resource(address::SECOND_FACTOR_SMS.as_str())
                .route(get().to(second_factor::sms))
                .route(post().to(second_factor::check_sms)),
        )
        .service(resource(address::SECOND_FACTOR_SMS_SEND.as_str()).route(post().to(second_factor::send_sms)))
        .service(
            resource(address::FORGOT_PASSWORD.as_str())
                .route(get().to(forgotten::start))
                .route(post().to(forgotten::send_link)),
        )
        .service(
            resource(address::FORGOT_PASSWORD_UNLOCK.as_str())
                .route(get().to(forgotten::unlock_by_recovery_key))
                .route(post().to(forgotten::use_recovery_key)),
        )
        .service(
            resource(address::FORGOT_PASSWORD_OLD.as_str())
                .route(get().to(take_up::form))
                .route(post().to(take_up::give_old_password)),
        )
        .service(
            resource(address::FORGOT_PASSWORD_LINK.pattern())
                .route(untouched())
                .route(get().to(forgotten::follow))
                .route(post().to(forgotten::choose_password)),
        )
        .service(resource(address::FORGOT_PASSWORD_LINK_OLD.pattern()).route(post().to(take_up::begin)))
        .service(resource(address::FORGOT_PASSWORD_LINK_REQUEST.pattern()).route(post().to(forgotten::decide)))
        .service(
            resource(address::UNLOCK.as_str())
                .route(get().to(forgotten::unlock_by_password))
                .route(post().to(forgotten::use_password)),
        );
    for pages in [&enrol::AT_SIGN_UP, &enrol::IN_ACCOUNT] {
        let at = |page: address::Path| resource(page.as_str());
        config
            .service(at(pages.choose).route(get().to(enrol::choose)))
            .service(at(pages.totp).route(get().to(enrol::totp::form)).route(post().to(enrol::totp::add)))
            .service(at(pages.webauthn).route(get().to(enrol::webauthn::form)).route(post().to(enrol::webauthn::add)))
            .service(at(pages.webauthn_options).route(post().to(enrol::webauthn::options)))
            .service(at(pages.sms).route(get().to(enrol::phone::form)).route(post().to(enrol::phone::send)))
            .service(at(pages.sms_code).route(get().to(enrol::phone::code_form)).route(post().to(enrol::phone::add)))
            .service(at(pages.sms_again).route(post().to(enrol::phone::send_again)));
    }
}
