//! Which record was found altered.

use std::fmt;

use crate::authentication::AuthenticatorId;
use crate::federation::consent::ConsentId;
use crate::federation::registry::ServiceName;
use crate::subscriber::ContactId;
use crate::subscriber::vault::SlotId;

/// A record that is not as we wrote it, by its kind and, where it has one, its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlteredRecord {
    /// The account: whether it can be used.
    Account,
    /// An e-mail address.
    Address(ContactId),
    /// An authenticator beside the password.
    Authenticator(AuthenticatorId),
    /// What the person agreed to.
    Consent(ConsentId),
    /// By which name an agency knows the person. Which agency is not told: logs do not join accounts and agencies.
    Identifier,
    /// A browser that is known to the account.
    KnownBrowser,
    /// The record behind the link of a mail.
    Link,
    /// By which name a service knows the person in a session.
    NameId,
    /// The password.
    Password,
    /// The sealed profile.
    Profile,
    /// To which level the person was proofed.
    Proofing,
    /// The stored record of a service, by the folder that it says to come from.
    ServiceRecord(Option<ServiceName>),
    /// Which address a service gets. Which service is not told.
    ServiceAddress,
    /// A browser's session.
    Session,
    /// Which signing key is published, and which signs for whom.
    SigningPlan,
    /// A way to open the vault.
    Slot(SlotId),
}

impl fmt::Display for AlteredRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account => f.write_str("account"),
            Self::Address(id) => write!(f, "address {id}"),
            Self::Authenticator(id) => write!(f, "authenticator {id}"),
            Self::Consent(id) => write!(f, "consent {id}"),
            Self::Identifier => f.write_str("identifier at an agency"),
            Self::KnownBrowser => f.write_str("known browser"),
            Self::Link => f.write_str("mailed link"),
            Self::NameId => f.write_str("name at a service"),
            Self::Password => f.write_str("password"),
            Self::Profile => f.write_str("profile"),
            Self::Proofing => f.write_str("proofing"),
            Self::ServiceRecord(Some(name)) => write!(f, "service record {name}"),
            Self::ServiceRecord(None) => f.write_str("service record"),
            Self::ServiceAddress => f.write_str("address for a service"),
            Self::Session => f.write_str("session"),
            Self::SigningPlan => f.write_str("plan of signing keys"),
            Self::Slot(id) => write!(f, "slot {id}"),
        }
    }
}
