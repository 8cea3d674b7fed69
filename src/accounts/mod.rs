//! People's accounts, between those who act (pages, the terminal, the demonstration) and the database: load, decide, save and
//! tell, inside the caller's transaction. Nothing here knows of HTTP.

mod account;
pub mod addresses;
mod authenticators;
pub mod codes;
mod consents;
mod contacts;
pub mod enrol;
mod history;
pub mod identifier;
mod known_browsers;
pub mod known_name;
mod letters;
mod links;
mod password_try;
mod passwords;
pub mod person;
pub mod recovery;
pub mod resealing;
pub mod second_factor;
pub mod service_address;
pub mod session;
mod sign_up;
pub mod site;
pub mod standing;
pub mod take_up;
pub mod text_messages;
mod throttles;
pub mod visitor;

use crate::authentication::password::PasswordError;
use crate::authentication::totp::TotpError;
use crate::authentication::webauthn::WebauthnRefused;
use crate::event::{AlteredRecord, Event};
use crate::refusal::RefusalKind;
use crate::sealing::{KeysError, NotVouched, VouchedRow};
use crate::services::argon2_gate::Argon2Busy;
use crate::storage::StoreError;
use crate::subscriber::SubscriberId;
use crate::subscriber::vault::VaultError;

pub use account::{account_of, add_account, change_account};
pub use authenticators::{
    Authenticator, AuthenticatorPlace, AuthenticatorSecret, authenticators_of, name_of, new_authenticator, seal_name,
    seal_secret,
};
pub use consents::{last_consent, record_consent, standing_consents_of};
pub use contacts::{AddedAddress, KnownAddress, MOST_ADDRESSES, add_address, addresses_of, find_address};
pub use history::{Beside, Happened, write_down};
pub use known_browsers::{KnownHere, known_to, remember_browser};
pub use letters::{Letter, TextLetter, language_of, send_letter, send_text};
pub use links::{ChosenPassword, LinkContent, UsableLink, WaitingRequest, make_link, read_link};
pub use password_try::{Door, JudgedTry, PasswordTry, RightPassword};
pub use passwords::{
    forget_wrong_passwords, forget_wrong_passwords_unless_ended, keep_password, password_has_ended, password_of,
    set_password, tries_at_ended_password,
};
pub use recovery::{
    Opened, make_recovery_key, open_by_recovery_key, put_password_slot, replace_password, send_password_link,
};
use session::SessionTrouble;
pub use sign_up::{make_account, send_sign_up_link};
use site::Site;
pub use throttles::{Counted, TooMany, Try, allow, count, count_of, fingerprint as throttle_fingerprint, give_back};

/// Reports a record about a person that is not as we wrote it. The caller goes on as if it were not there.
pub fn report_altered(of: SubscriberId, record: AlteredRecord) {
    Event::IntegrityFault { record }.log(Some(of));
}

/// What a row about a person means; nothing if it is not as we wrote it. That is reported, and the caller goes on as if the row
/// were not there.
///
/// # Errors
/// When the keys are unavailable.
pub(crate) fn believed<R: VouchedRow>(
    site: &Site,
    of: SubscriberId,
    row: &R,
    context: R::Context<'_>,
    record: AlteredRecord,
) -> Result<Option<R::Meaning>, Trouble> {
    match row.authenticate(context, &*site.keys) {
        Ok(meaning) => Ok(Some(meaning)),
        Err(NotVouched::Keys(fault)) => Err(fault.into()),
        Err(NotVouched::Altered) => {
            report_altered(of, record);
            Ok(None)
        }
    }
}

/// Whether what does not open was altered, moved or put back; otherwise the keys are to blame, and nothing is known.
pub(crate) fn is_altered(fault: &KeysError) -> bool {
    matches!(
        fault,
        KeysError::CannotOpen | KeysError::Malformed | KeysError::RetiredKey(_) | KeysError::UnknownScheme(_)
    )
}

/// What went wrong where nobody at the browser can do anything about it.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Of two who confirmed one address at once, the other was first: nothing of this transaction stands.
    #[error("the address has an account since a moment ago")]
    AddressTaken,
    /// An invariant of ours is broken.
    #[error("an invariant is broken: {0}")]
    Broken(&'static str),
    /// Too many passwords at once: come back in a moment.
    #[error(transparent)]
    Busy(#[from] Argon2Busy),
    /// The service's keys are unavailable, or do not open what is stored.
    #[error("the service's keys: {0}")]
    Keys(#[from] KeysError),
    /// A stored password verifier is not ours.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The session was ended meanwhile, or cannot be kept.
    #[error("the session: {0}")]
    Session(#[from] SessionTrouble),
    /// The database.
    #[error("the database: {0}")]
    Store(#[from] StoreError),
    /// An app's secret or its picture cannot be made.
    #[error("the authenticator app: {0}")]
    Totp(#[from] TotpError),
    /// The vault, beyond a wrong secret.
    #[error("the vault: {0}")]
    Vault(#[from] VaultError),
    /// A stored credential cannot be read, or a ceremony cannot begin.
    #[error("the WebAuthn ceremony: {0}")]
    Webauthn(#[from] WebauthnRefused),
}

impl Trouble {
    /// Which page the person gets.
    #[must_use]
    pub fn refusal_kind(&self) -> RefusalKind {
        match self {
            Self::AddressTaken => RefusalKind::AddressTaken,
            Self::Busy(_) => RefusalKind::Busy,
            Self::Keys(fault) if is_altered(fault) => RefusalKind::RecordAltered,
            Self::Store(StoreError::InconsistentRow { .. })
            | Self::Vault(VaultError::Altered | VaultError::DoesNotOpen | VaultError::UnknownForm) => {
                RefusalKind::RecordAltered
            }
            _ => RefusalKind::Outage,
        }
    }
}
