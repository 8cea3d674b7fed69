//! Slots: the ways to open a vault, each holding the vault's key sealed twice.

use std::fmt;

use super::attribute::does_not_open;
use super::{VaultError, VaultKey};
use crate::entropy::Entropy;
use crate::id::define_id;
use crate::sealing::{Envelope, KeysError, Purpose, SecretOctets, ServiceKeys, context, hkdf_sha256};
use crate::subscriber::SubscriberId;

define_id! {
    /// One slot of one person's vault.
    SlotId
}

/// A way to open the vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SlotKind {
    /// The output of a passkey's PRF extension; one slot a passkey.
    PasskeyPrf,
    /// The password, stretched by Argon2id; one slot.
    Password,
    /// The recovery key, 128 bit, shown once; one slot.
    RecoveryKey,
}

impl SlotKind {
    /// The word that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PasskeyPrf => "passkey_prf",
            Self::Password => "password",
            Self::RecoveryKey => "recovery_key",
        }
    }

    /// Reads the stored word.
    #[must_use]
    pub fn from_stored(word: &str) -> Option<Self> {
        [Self::PasskeyPrf, Self::Password, Self::RecoveryKey].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// The key that a person's secret gives for its slot.
#[derive(Clone)]
pub struct SlotKey {
    kind: SlotKind,
    key: SecretOctets<32>,
}

impl SlotKey {
    /// From a secret of full strength: the Argon2id output of a password, a recovery key, a PRF output.
    pub(crate) fn derive(kind: SlotKind, secret: &[u8]) -> Self {
        let info = context(&[b"signet/vault/slot/v1/kek", kind.as_str().as_bytes()]);
        Self { kind, key: SecretOctets::of(&hkdf_sha256(secret, b"", &info)) }
    }

    /// From the 32 bytes that a passkey's PRF extension gives for the salt kept with it.
    #[must_use]
    pub fn from_prf(output: &[u8; 32]) -> Self {
        Self::derive(SlotKind::PasskeyPrf, output)
    }

    /// As it stands in the sealed session, while a vault waits for its recovery key.
    pub(crate) fn as_session(&self) -> &[u8; 32] {
        &self.key
    }

    /// Out of the sealed session.
    pub(crate) fn from_session(kind: SlotKind, key: &[u8; 32]) -> Self {
        Self { kind, key: SecretOctets::of(key) }
    }

    /// Which way of opening it belongs to.
    #[must_use]
    pub fn kind(&self) -> SlotKind {
        self.kind
    }
}

impl fmt::Debug for SlotKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SlotKey({:?})", self.kind)
    }
}

/// The vault's key, sealed with a slot's key and again with the service's keys; what a row holds.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSlot {
    /// Which slot.
    pub id: SlotId,
    /// How it is opened.
    pub kind: SlotKind,
    sealed: Vec<u8>,
}

impl SealedSlot {
    /// Makes a slot for a vault's key.
    ///
    /// # Errors
    /// When the service's keys are unavailable.
    pub fn seal(
        id: SlotId,
        subscriber: SubscriberId,
        slot_key: &SlotKey,
        vault_key: &VaultKey,
        keys: &dyn ServiceKeys,
        entropy: &dyn Entropy,
    ) -> Result<Self, VaultError> {
        let place = place(id, slot_key.kind, subscriber);
        let inner =
            Envelope::seal(&slot_key.key, 0, &place, vault_key.as_bytes(), entropy).map_err(VaultError::Keys)?;
        let sealed = keys.seal(Purpose::VaultSlot, &place, &inner).map_err(VaultError::Keys)?;
        Ok(Self { id, kind: slot_key.kind, sealed })
    }

    /// As it was stored.
    #[must_use]
    pub fn from_stored(id: SlotId, kind: SlotKind, sealed: Vec<u8>) -> Self {
        Self { id, kind, sealed }
    }

    /// As it is stored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.sealed
    }

    /// The same under the newest of the service's keys: the outer wrapping is made anew, and what lies in it stays.
    ///
    /// # Errors
    /// When the row was altered, or the service's keys are unavailable.
    pub fn resealed(&self, subscriber: SubscriberId, keys: &dyn ServiceKeys) -> Result<Self, KeysError> {
        let sealed = keys.reseal(Purpose::VaultSlot, &place(self.id, self.kind, subscriber), &self.sealed)?;
        Ok(Self { sealed, ..self.clone() })
    }

    /// Opens the vault's key with the key of the person's secret.
    ///
    /// # Errors
    /// [`VaultError::DoesNotOpen`] when the secret is another one; [`VaultError::Altered`] when the row was altered or moved;
    /// [`VaultError::Keys`] when the service's keys are unavailable.
    pub fn open(
        &self,
        subscriber: SubscriberId,
        slot_key: &SlotKey,
        keys: &dyn ServiceKeys,
    ) -> Result<VaultKey, VaultError> {
        let place = place(self.id, self.kind, subscriber);
        // The service's own wrapping opens for whoever is at the door; when it does not, the row is to blame.
        let inner =
            keys.open(Purpose::VaultSlot, &place, &self.sealed).map_err(|fault| match does_not_open(fault) {
                VaultError::DoesNotOpen => VaultError::Altered,
                fault => fault,
            })?;
        let envelope = Envelope::parse(&inner).map_err(does_not_open)?;
        let opened = envelope.open(&slot_key.key, &place).map_err(does_not_open)?;
        VaultKey::from_slice(&opened).ok_or(VaultError::UnknownForm)
    }
}

impl fmt::Debug for SealedSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedSlot({:?}, {} bytes)", self.kind, self.sealed.len())
    }
}

/// Where a slot belongs: {purpose, subscriber, slot, kind}.
fn place(id: SlotId, kind: SlotKind, subscriber: SubscriberId) -> Vec<u8> {
    context(&[b"signet/vault/slot/v1", subscriber.as_bytes(), id.as_bytes(), kind.as_str().as_bytes()])
}
