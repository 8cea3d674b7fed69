//! Passkeys and security keys (NIST SP 800-63B-4, 3.1.6 and 3.1.7; WebAuthn Level 3, 7.1 and 7.2).
//!
//! The ceremonies are `webauthn-rs`'s: its passkey API enrols platform authenticators, its security-key API roaming ones;
//! sign-in asks for one kind or the other. Here stands what surrounds it: what we add to the options, the
//! state that is kept on the server and valid once for five minutes, and checks that are ours: the counter against what is
//! stored *now*, the user handle against the account, no cross-origin use.
//!
//! The challenge is drawn by the library from the operating system; everything else that is random is an argument.
//! Whether a credential belongs to somebody already is `storage`'s to say, atomically.

mod ceremony;
mod credential;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::{Duration, UtcDateTime};
use webauthn_rs::prelude::{
    Credential, Passkey, PublicKeyCredential, RegisterPublicKeyCredential, SecurityKey, Url, Uuid, Webauthn,
    WebauthnBuilder, WebauthnError,
};

use super::session::PendingCeremony;
use super::{AuthenticatorKind, Proof, Proved};
use crate::entropy::{Entropy, random_bytes};
use crate::subscriber::SubscriberId;

pub use ceremony::Ceremony;
use ceremony::PendingState;
pub use credential::{EnrolledCredential, StoredCredential, WebauthnProof};

/// How long the browser may take to answer.
pub const CEREMONY_LIFETIME: Duration = Duration::minutes(5);

/// The longest identifier of a credential (WebAuthn, 7.1, step 25).
const LONGEST_CREDENTIAL_ID: usize = 1023;

/// Us, as authenticators know us: the origin that browsers are at, and its host name as identifier.
#[derive(Clone)]
pub struct RelyingParty {
    webauthn: Webauthn,
}

impl RelyingParty {
    /// For the origin that browsers visit, `https://host[:port]` (or `http://localhost[:port]` in the demonstration),
    /// under the name that people read.
    ///
    /// # Errors
    /// [`WebauthnRefused::Origin`] when the origin has no host name that authenticators take.
    pub fn new(origin: &Url, name: &str) -> Result<Self, WebauthnRefused> {
        let id = origin.domain().ok_or(WebauthnRefused::Origin)?;
        let lifetime = std::time::Duration::from_secs(CEREMONY_LIFETIME.whole_seconds().unsigned_abs());
        let webauthn = WebauthnBuilder::new(id, origin)
            .and_then(|builder| builder.rp_name(name).timeout(lifetime).build())
            .map_err(|_| WebauthnRefused::Origin)?;
        Ok(Self { webauthn })
    }

    /// Begins to enrol an authenticator.
    ///
    /// # Errors
    /// When the library refuses its own options.
    pub fn begin_registration(
        &self,
        kind: WebauthnKind,
        user: &WebauthnUser<'_>,
        enrolled: &[StoredCredential],
        now: UtcDateTime,
    ) -> Result<Ceremony, WebauthnRefused> {
        let handle = Uuid::from_bytes(*user.subscriber.as_bytes());
        let exclude = Some(enrolled.iter().map(|stored| stored.credential.cred_id.clone()).collect());
        let (options, state) = match kind {
            WebauthnKind::Passkey => {
                let (options, state) =
                    self.webauthn.start_passkey_registration(handle, user.name, user.display_name, exclude)?;
                (serde_json::to_value(options)?, PendingState::EnrolPasskey(state))
            }
            WebauthnKind::SecurityKey => {
                let attachment = webauthn_rs::prelude::AuthenticatorAttachment::CrossPlatform;
                let (options, state) = self.webauthn.start_securitykey_registration(
                    handle,
                    user.name,
                    user.display_name,
                    exclude,
                    None,
                    Some(attachment),
                )?;
                (serde_json::to_value(options)?, PendingState::EnrolSecurityKey(state))
            }
        };
        Ceremony::new(&with_our_options(options), &state, now)
    }

    /// Judges the browser's answer to [`RelyingParty::begin_registration`].
    ///
    /// # Errors
    /// Why the authenticator is not enrolled.
    pub fn finish_registration(
        &self,
        pending: &PendingCeremony,
        answer: &str,
        now: UtcDateTime,
        entropy: &dyn Entropy,
    ) -> Result<EnrolledCredential, WebauthnRefused> {
        let state = PendingState::open(pending, now)?;
        let parsed: RegisterPublicKeyCredential = serde_json::from_str(answer)?;
        let raw: Value = serde_json::from_str(answer)?;
        refuse_cross_origin(&parsed.response.client_data_json)?;
        let (kind, credential) = match state {
            PendingState::EnrolPasskey(state) => {
                let enrolled = self.webauthn.finish_passkey_registration(&parsed, &state)?;
                (WebauthnKind::Passkey, Credential::from(enrolled))
            }
            PendingState::EnrolSecurityKey(state) => {
                let enrolled = self.webauthn.finish_securitykey_registration(&parsed, &state)?;
                (WebauthnKind::SecurityKey, Credential::from(enrolled))
            }
            PendingState::AskPasskey(_) | PendingState::AskSecurityKey(_) => {
                return Err(WebauthnRefused::AnotherCeremony);
            }
        };
        if credential.cred_id.len() > LONGEST_CREDENTIAL_ID {
            return Err(WebauthnRefused::Malformed);
        }
        let results = raw.get("clientExtensionResults");
        let flag = |path: &str| results.and_then(|results| results.pointer(path)).and_then(Value::as_bool);
        let transports = raw.pointer("/response/transports").and_then(Value::as_array);
        let known = ["ble", "hybrid", "internal", "nfc", "smart-card", "usb"];
        let credential = StoredCredential {
            kind,
            transports: transports
                .map(|list| list.iter().filter_map(Value::as_str).filter(|t| known.contains(t)).map(str::to_owned))
                .map(Iterator::collect)
                .unwrap_or_default(),
            discoverable: flag("/credProps/rk"),
            prf_enabled: flag("/prf/enabled").unwrap_or(false),
            prf_salt: random_bytes(entropy),
            credential,
        };
        let proved = Proved {
            user_verified: credential.was_user_verified(),
            phishing_resistant: true,
            syncable: credential.is_syncable(),
        };
        Ok(EnrolledCredential { credential, proof: Proof::new(kind.into(), proved) })
    }

    /// Begins to ask for one of the person's authenticators of one kind; `enrolled` holds all kinds.
    ///
    /// A passkey must verify its person again; a security key does so where it can, since not every key has a PIN.
    ///
    /// # Errors
    /// [`WebauthnRefused::UnknownCredential`] when there is none of the kind.
    pub fn begin_authentication(
        &self,
        kind: WebauthnKind,
        enrolled: &[StoredCredential],
        now: UtcDateTime,
    ) -> Result<Ceremony, WebauthnRefused> {
        let enrolled: Vec<&StoredCredential> = enrolled.iter().filter(|stored| stored.kind == kind).collect();
        if enrolled.is_empty() {
            return Err(WebauthnRefused::UnknownCredential);
        }
        let credentials = enrolled.iter().map(|stored| stored.credential.clone());
        let (options, state) = match kind {
            WebauthnKind::Passkey => {
                let keys: Vec<Passkey> = credentials.map(Passkey::from).collect();
                let (options, state) = self.webauthn.start_passkey_authentication(&keys)?;
                (options, PendingState::AskPasskey(state))
            }
            WebauthnKind::SecurityKey => {
                let keys: Vec<SecurityKey> = credentials.map(SecurityKey::from).collect();
                let (options, state) = self.webauthn.start_securitykey_authentication(&keys)?;
                (options, PendingState::AskSecurityKey(state))
            }
        };
        let mut options = serde_json::to_value(options)?;
        if let Some(allowed) = options.pointer_mut("/publicKey/allowCredentials").and_then(Value::as_array_mut) {
            for (entry, stored) in allowed.iter_mut().zip(enrolled) {
                if let (Some(entry), false) = (entry.as_object_mut(), stored.transports.is_empty()) {
                    entry.insert("transports".into(), json!(stored.transports));
                }
            }
        }
        Ceremony::new(&options, &state, now)
    }

    /// Judges the browser's answer to [`RelyingParty::begin_authentication`]. `enrolled` is what is stored now.
    ///
    /// # Errors
    /// Why the answer proves nothing. [`WebauthnRefused::CounterWentBack`] is worth an alarm: the key may be copied.
    pub fn finish_authentication(
        &self,
        pending: &PendingCeremony,
        answer: &str,
        subscriber: SubscriberId,
        enrolled: &[StoredCredential],
        now: UtcDateTime,
    ) -> Result<WebauthnProof, WebauthnRefused> {
        let state = PendingState::open(pending, now)?;
        let parsed: PublicKeyCredential = serde_json::from_str(answer)?;
        refuse_cross_origin(&parsed.response.client_data_json)?;
        let (at, stored) = enrolled
            .iter()
            .enumerate()
            .find(|(_, stored)| stored.credential_id() == parsed.raw_id.as_slice())
            .ok_or(WebauthnRefused::UnknownCredential)?;
        // 7.2, step 6: where a user handle comes along, it is the account's.
        if parsed.response.user_handle.as_deref().is_some_and(|handle| handle != subscriber.as_bytes()) {
            return Err(WebauthnRefused::UnknownCredential);
        }
        let result = match state {
            PendingState::AskPasskey(state) => self.webauthn.finish_passkey_authentication(&parsed, &state)?,
            PendingState::AskSecurityKey(state) => self.webauthn.finish_securitykey_authentication(&parsed, &state)?,
            PendingState::EnrolPasskey(_) | PendingState::EnrolSecurityKey(_) => {
                return Err(WebauthnRefused::AnotherCeremony);
            }
        };
        // 7.2, step 22, against what is stored now and not what it was when the ceremony began.
        let (before, after) = (stored.credential.counter, result.counter());
        if (before > 0 || after > 0) && after <= before {
            return Err(WebauthnRefused::CounterWentBack);
        }
        let mut updated = stored.clone();
        updated.credential.counter = after;
        updated.credential.backup_state = result.backup_state();
        updated.credential.backup_eligible |= result.backup_eligible();
        Ok(WebauthnProof {
            at,
            updated,
            proof: Proof::new(
                stored.kind.into(),
                Proved {
                    user_verified: result.user_verified(),
                    phishing_resistant: true,
                    syncable: result.backup_eligible(),
                },
            ),
        })
    }
}

impl fmt::Debug for RelyingParty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RelyingParty({:?})", self.webauthn.get_allowed_origins())
    }
}

/// What we add to the library's options: a discoverable credential where there is room for one, and the PRF
/// extension, so that a passkey enrolled today can open a vault later.
///
/// What we take away: the library protects a credential by user verification even where it only prefers that. Chromium
/// refuses the two together (`NotSupportedError`), so no security key could be set up there.
fn with_our_options(mut options: Value) -> Value {
    let selected = options.pointer("/publicKey/authenticatorSelection/userVerification");
    let verifies_user = selected.and_then(Value::as_str) == Some("required");
    if let Some(selection) = options.pointer_mut("/publicKey/authenticatorSelection").and_then(Value::as_object_mut) {
        selection.insert("residentKey".into(), json!("preferred"));
        selection.insert("requireResidentKey".into(), json!(false));
    }
    if let Some(extensions) = options.pointer_mut("/publicKey/extensions").and_then(Value::as_object_mut) {
        extensions.insert("prf".into(), json!({}));
        if !verifies_user {
            extensions.remove("credentialProtectionPolicy");
            extensions.remove("enforceCredentialProtectionPolicy");
        }
    }
    options
}

/// Nobody embeds our pages, so a ceremony in another page's frame is not ours (7.1 step 10, 7.2 step 13).
fn refuse_cross_origin(client_data: &[u8]) -> Result<(), WebauthnRefused> {
    #[derive(Deserialize)]
    struct Said {
        #[serde(rename = "crossOrigin")]
        cross_origin: Option<bool>,
        #[serde(rename = "topOrigin")]
        top_origin: Option<Value>,
    }
    // Two members of one name are refused by serde here, whichever of them the library would have read.
    let said: Said = serde_json::from_slice(client_data)?;
    match said.cross_origin.unwrap_or(false) || said.top_origin.is_some() {
        true => Err(WebauthnRefused::CrossOrigin),
        false => Ok(()),
    }
}

/// The two kinds that pages speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebauthnKind {
    /// Face, finger or screen lock.
    Passkey,
    /// A key that is plugged in or held to the device.
    SecurityKey,
}

impl From<WebauthnKind> for AuthenticatorKind {
    fn from(kind: WebauthnKind) -> Self {
        match kind {
            WebauthnKind::Passkey => Self::Passkey,
            WebauthnKind::SecurityKey => Self::SecurityKey,
        }
    }
}

/// Whom an authenticator is enrolled for.
#[derive(Debug, Clone, Copy)]
pub struct WebauthnUser<'a> {
    /// The account; its identifier, random and meaningless, is the user handle.
    pub subscriber: SubscriberId,
    /// What the authenticator shows to tell accounts apart: the e-mail address.
    pub name: &'a str,
    /// The same, for reading.
    pub display_name: &'a str,
}

/// Why an answer is refused. For the log: a page says the same for all of them.
#[derive(Debug, thiserror::Error)]
pub enum WebauthnRefused {
    /// The answer belongs to another ceremony than the one that waits.
    #[error("no such ceremony was begun in this session")]
    AnotherCeremony,
    /// The signature counter did not grow: the key may have been copied.
    #[error("the signature counter did not grow")]
    CounterWentBack,
    /// Made in another page's frame.
    #[error("made in a frame of another page")]
    CrossOrigin,
    /// More than five minutes have passed.
    #[error("the ceremony has expired")]
    Expired,
    /// Not an answer at all.
    #[error("the answer is malformed")]
    Malformed,
    /// Our origin has no host name.
    #[error("the origin has no host name that authenticators take")]
    Origin,
    /// Not one of the account's authenticators.
    #[error("not an authenticator of this account")]
    UnknownCredential,
    /// One of the standard's checks failed.
    #[error("the check failed: {0}")]
    Wrong(#[source] WebauthnError),
}

impl From<WebauthnError> for WebauthnRefused {
    fn from(error: WebauthnError) -> Self {
        match error {
            WebauthnError::CredentialPossibleCompromise => Self::CounterWentBack,
            WebauthnError::CredentialCrossOrigin => Self::CrossOrigin,
            WebauthnError::CredentialNotFound => Self::UnknownCredential,
            other => Self::Wrong(other),
        }
    }
}

impl From<serde_json::Error> for WebauthnRefused {
    fn from(_: serde_json::Error) -> Self {
        Self::Malformed
    }
}

#[cfg(test)]
mod tests;
