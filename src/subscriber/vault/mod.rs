//! The vault: what is known about a person, sealed so that only they open it.
//!
//! ```text
//!  password ──Argon2id──▶ ┐
//!  recovery key ─────────▶├─ SlotKey ──opens──▶ slot (wrapped again by the service's keys) ──▶ VaultKey
//!  passkey's PRF ────────▶┘                                                                     │ HKDF, one key
//!                                                                                               ▼ an attribute version
//!                                                                          attribute rows: SealedAttribute
//! ```
//!
//! One random [`VaultKey`] per person seals the profile, attribute by attribute. It is kept once for each way to open
//! it: a [`SealedSlot`]. A slot is sealed with the key that the person's secret gives, and what comes out is sealed
//! again with the service's keys. So a stolen database reads nothing; a stolen database together with the service's
//! keys reads nothing without the person's secret; and the service's keys are of no use without the database.
//!
//! Everything sealed is bound to its place (see [`context`]): moved to another person, attribute, version or slot, it
//! does not open.

mod attribute;
mod pii;
mod profile;
mod slot;

pub use attribute::{SealedAttribute, VaultKey};
pub use pii::Pii;
pub use profile::{Profile, ProfileRow};
pub use slot::{SealedSlot, SlotId, SlotKey, SlotKind};

use crate::sealing::KeysError;
#[cfg(doc)]
use crate::sealing::context;

/// Why the vault does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// What is stored is not as we wrote it, whatever the secret is.
    #[error("it was altered or moved")]
    Altered,
    /// The secret is not the one that the slot was sealed with, or what is stored was altered or moved. The two
    /// cannot be told apart.
    #[error("the secret does not open this, or it was altered")]
    DoesNotOpen,
    /// The service's keys refuse or are not there.
    #[error("the service's keys: {0}")]
    Keys(#[source] KeysError),
    /// What opened is not of the form that was sealed.
    #[error("what is sealed has an unknown form")]
    UnknownForm,
}

#[cfg(test)]
mod tests;
