//! What the pages of this folder show.

use serde::Serialize;

use crate::accounts::addresses::NoAddressLink;
use crate::address::Address;
use crate::federation::agreement::LocalizedText;
use crate::web::page::{Page, problems};
use crate::web::sign_in::page;

/// `/account`: the person's own page.
#[derive(Debug, Serialize)]
pub struct AccountPage {
    /// The addresses.
    pub addresses: Vec<AddressLine>,
    /// The methods.
    pub methods: Vec<MethodLine>,
    /// Whether the vault was left sealed by a new password.
    pub vault_sealed: bool,
    /// When the recovery key was made: `2026-11-24 12:00`, UTC. Nothing when there is none.
    pub recovery_key_made_at: Option<String>,
    /// How many services are connected.
    pub services: usize,
    /// How many other browsers are signed in.
    pub other_sessions: usize,
    /// What happened lately.
    pub history: Vec<HistoryLine>,
}
page!(AccountPage, "pages/account/overview.html");

/// One address.
#[derive(Debug, Clone, Serialize)]
pub struct AddressLine {
    /// Its id, for the form that removes it.
    pub id: String,
    /// The address.
    pub address: String,
    /// When it was confirmed: `2026-11-24 12:00`, UTC.
    pub confirmed_at: String,
    /// Whether it can be removed: it is not the last.
    pub removable: bool,
}

/// One method.
#[derive(Debug, Clone, Serialize)]
pub struct MethodLine {
    /// Its id, for the forms.
    pub id: String,
    /// `passkey`, `security_key`, `totp`, `out_of_band`.
    pub kind: &'static str,
    /// What its person calls it.
    pub name: String,
    /// The end of the number, for a phone.
    pub masked: Option<String>,
    /// When it was added: `2026-11-24 12:00`, UTC.
    pub created_at: String,
    /// When it was last used.
    pub last_used_at: Option<String>,
    /// Whether it ended, after too many wrong tries.
    pub ended: bool,
    /// Whether it can be removed: it is not the last that works.
    pub removable: bool,
}

/// One line of the history.
#[derive(Debug, Clone, Serialize)]
pub struct HistoryLine {
    /// When: `2026-11-24 12:00`, UTC.
    pub at: String,
    /// What: the end of a key in the locale files.
    pub kind: String,
}

/// `/account/email`.
#[derive(Debug, Serialize)]
pub struct EmailPage {
    /// The addresses.
    pub addresses: Vec<AddressLine>,
    /// What was typed before.
    pub email: String,
    /// Whether a mail is on its way to an address that was asked to be added.
    pub sent: bool,
    /// What was wrong with the form.
    pub problem: Option<EmailProblem>,
}
page!(EmailPage, "pages/account/email.html");

problems! {
    /// Of [`EmailPage`].
    EmailProblem {
        /// It is no address that we can write to.
        Address => "address",
        /// The last address cannot be removed.
        Last => "last",
        /// Too many mails were sent.
        Mails => "mails",
        /// The account has as many addresses as it may have.
        TooMany => "too_many",
    }
}

impl From<NoAddressLink> for EmailProblem {
    fn from(why: NoAddressLink) -> Self {
        match why {
            NoAddressLink::Full => Self::TooMany,
            NoAddressLink::TooManyMails => Self::Mails,
        }
    }
}

/// `/account/email/confirm/{token}`: whether the address is added.
#[derive(Debug, Serialize)]
pub struct ConfirmEmailPage {
    /// The address that the link was sent to.
    pub email: String,
    /// Where the form goes.
    pub action: Address,
}
page!(ConfirmEmailPage, "pages/account/confirm_email.html");

/// `/account/methods`.
#[derive(Debug, Serialize)]
pub struct MethodsPage {
    /// The methods.
    pub methods: Vec<MethodLine>,
    /// What was wrong with the form.
    pub problem: Option<MethodsProblem>,
}
page!(MethodsPage, "pages/account/methods.html");

problems! {
    /// Of [`MethodsPage`].
    MethodsProblem {
        /// The last method that works cannot be removed.
        Last => "last",
        /// It is no name that we keep.
        Name => "name",
    }
}

/// `/account/services`: who received what, and when.
#[derive(Debug, Serialize)]
pub struct ServicesPage {
    /// The connected services.
    pub services: Vec<ServiceLine>,
}
page!(ServicesPage, "pages/account/services.html");

/// One connected service.
#[derive(Debug, Clone, Serialize)]
pub struct ServiceLine {
    /// Its entity id, for the form that disconnects it.
    pub entity_id: String,
    /// Its name, where it is still registered.
    pub name: LocalizedText,
    /// Whether the consent stands; otherwise the next visit asks again.
    pub connected: bool,
    /// What was shared, the newest first.
    pub disclosures: Vec<DisclosureLine>,
}

/// One time that something was shared.
#[derive(Debug, Clone, Serialize)]
pub struct DisclosureLine {
    /// When: `2026-11-24 12:00`, UTC.
    pub at: String,
    /// The names of the attributes.
    pub attributes: Vec<String>,
}
