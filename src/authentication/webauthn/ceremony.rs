//! A ceremony that has begun: what the browser gets, and what the session keeps.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::UtcDateTime;
use webauthn_rs::prelude::{
    PasskeyAuthentication, PasskeyRegistration, SecurityKeyAuthentication, SecurityKeyRegistration,
};

use super::{CEREMONY_LIFETIME, WebauthnRefused};
use crate::authentication::session::PendingCeremony;

/// A ceremony that has begun: what the browser gets, and what the session keeps.
#[derive(Clone)]
pub struct Ceremony {
    /// `{"publicKey": …}`, for `PublicKeyCredential.parse…OptionsFromJSON`.
    pub options: String,
    /// For the session.
    pub pending: PendingCeremony,
}

impl Ceremony {
    pub(super) fn new(options: &Value, state: &PendingState, now: UtcDateTime) -> Result<Self, WebauthnRefused> {
        let state = serde_json::to_string(state)?;
        Ok(Self {
            options: options.to_string(),
            pending: PendingCeremony { state, expires_at: now + CEREMONY_LIFETIME },
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) enum PendingState {
    AskPasskey(PasskeyAuthentication),
    AskSecurityKey(SecurityKeyAuthentication),
    EnrolPasskey(PasskeyRegistration),
    EnrolSecurityKey(SecurityKeyRegistration),
}

impl PendingState {
    pub(super) fn open(pending: &PendingCeremony, now: UtcDateTime) -> Result<Self, WebauthnRefused> {
        if now >= pending.expires_at {
            return Err(WebauthnRefused::Expired);
        }
        serde_json::from_str(&pending.state).map_err(|_| WebauthnRefused::AnotherCeremony)
    }
}
