//! The service's keys: what is sealed so that a stolen database reads nothing, and what we sign with.
//!
//! [`ServiceKeys`] is the port. [`LocalKeys`] keeps the keys in files of one folder, sealed under a passphrase; an
//! adapter for a hardware module or a key service stands behind the same trait.
//!
//! Every use names its [`Purpose`], and each purpose has keys of its own: what was sealed for one never opens for
//! another. What opens a person's vault is not here: see [`crate::subscriber::vault`].

mod certificate;
mod envelope;
mod hmac;
mod local;

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::saml::encryption::Opener;
use crate::saml::signature::Signer;

pub use certificate::SigningKeyKind;
pub(crate) use envelope::Envelope;
pub(crate) use hmac::{hkdf_sha256, hmac_sha256};
pub use local::{GenerateKeys, LocalKeys, LocalKeysError, SealingSecret};

/// The number of a root key. The newest one seals; all that are present open.
pub type KeyId = u32;

/// What a key is used for. A purpose is part of how its keys are derived, so labels never change once in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// By which addresses a service knows people: fingerprints only.
    AddressName,
    /// Whether an account can be used: a keyed digest, so that nobody changes it in the database.
    Account,
    /// What a person calls an authenticator.
    AuthenticatorName,
    /// What a person agreed to: a keyed digest, so that nobody makes a consent in the database.
    Consent,
    /// Digests over what a consent page showed, where no value of the vault is in it.
    ContentDigest,
    /// A private key that opens what services encrypt for us.
    DecryptionKey,
    /// An address of a person, sealed so that we can write to it while the person is away.
    EmailAddress,
    /// The link of a mail: the record behind it.
    EmailLink,
    /// Which browsers are known to an account: keyed hashes and digests only.
    KnownBrowser,
    /// The record of what was disclosed: keyed hashes, so that nobody makes or rewrites a record in the database.
    Ledger,
    /// The address at which one service fetches our metadata, so that nobody guesses another's.
    MetadataAddress,
    /// A mail or a text message that waits in the outbox.
    Outbox,
    /// By which name a service knows a person in one session, for telling it that the session has ended.
    NameId,
    /// One-time codes sent by text message: kept as a keyed hash only.
    OutOfBandCode,
    /// By which name an agency knows a person: a keyed digest, so that nobody gives it to somebody else in the database.
    PairwiseId,
    /// Verifiers of passwords: the keyed step that makes a stolen database useless for guessing.
    Password,
    /// A request that waits while its person visits pages.
    PendingRequest,
    /// A person's phone number.
    PhoneNumber,
    /// To which level a person was proofed: a keyed digest, so that nobody raises it in the database.
    ProofedProfile,
    /// Which address a service gets: a keyed digest, so that nobody chooses it in the database.
    ServiceAddress,
    /// The stored record of a service: a keyed digest, so that nobody changes its keys, addresses and ceiling in the database.
    ServiceRecord,
    /// The browser's session record.
    Session,
    /// A private key that signs assertions.
    SigningKey,
    /// Which signing key is published, and which signs for whom: a keyed digest, so that nobody chooses it in the database.
    SigningPlan,
    /// Who is being throttled: addresses and contact points, as fingerprints only.
    Throttle,
    /// The secret that an authenticator app shares with us.
    TotpSecret,
    /// The outer wrapping around each opener of a vault.
    VaultSlot,
    /// A response that waits to be fetched by its service.
    WaitingResponse,
    /// A registered WebAuthn credential.
    WebauthnCredential,
}

/// What becomes of what a purpose's keys made, once a newer root key has come and the older one is to go. Each purpose has to
/// say it, so that no table can be sealed or vouched for without an end for its old key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterRotation {
    /// The person's next sign-in makes it anew; what is not made anew by a deadline ends with the old key.
    AtSignIn,
    /// It ends by itself, within a day or so; until then the old key stays.
    Ends,
    /// What it made stays as it is: the derived key of this purpose, and no other, is kept when its root is retired.
    Kept,
    /// `signet keys reseal` makes it anew.
    Resealed,
}

impl Purpose {
    /// What becomes of what its keys made when the root key is replaced.
    #[must_use]
    pub const fn after_rotation(self) -> AfterRotation {
        match self {
            Self::Account
            | Self::AuthenticatorName
            | Self::Consent
            | Self::DecryptionKey
            | Self::EmailAddress
            | Self::PairwiseId
            | Self::PhoneNumber
            | Self::ProofedProfile
            | Self::ServiceAddress
            | Self::ServiceRecord
            | Self::SigningKey
            | Self::SigningPlan
            | Self::TotpSecret
            | Self::VaultSlot
            | Self::WebauthnCredential => AfterRotation::Resealed,
            // The row is vouched for anew; the verifier in it needs the password.
            // A known browser gets a new secret at each sign-in.
            Self::Password => AfterRotation::AtSignIn,
            Self::EmailLink
            | Self::KnownBrowser
            | Self::NameId
            | Self::OutOfBandCode
            | Self::Outbox
            | Self::PendingRequest
            | Self::Session
            | Self::Throttle
            | Self::WaitingResponse => AfterRotation::Ends,
            // Records are never changed; digests of contents prove what was sent; services keep the address that they
            // were given; an address that named somebody at a service names nobody else there, even when it left its account.
            Self::AddressName | Self::ContentDigest | Self::Ledger | Self::MetadataAddress => AfterRotation::Kept,
        }
    }

    /// The label that enters key derivation and every sealed value's context.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::AddressName => "address-name",
            Self::Account => "account",
            Self::AuthenticatorName => "authenticator-name",
            Self::Consent => "consent",
            Self::ContentDigest => "content-digest",
            Self::DecryptionKey => "decryption-key",
            Self::EmailAddress => "email-address",
            Self::EmailLink => "email-link",
            Self::KnownBrowser => "known-browser",
            Self::Ledger => "ledger",
            Self::MetadataAddress => "metadata-address",
            Self::NameId => "name-id",
            Self::Outbox => "outbox",
            Self::OutOfBandCode => "out-of-band-code",
            Self::PairwiseId => "pairwise-id",
            Self::Password => "password",
            Self::PendingRequest => "pending-request",
            Self::PhoneNumber => "phone-number",
            Self::ProofedProfile => "proofed-profile",
            Self::ServiceAddress => "service-address",
            Self::ServiceRecord => "service-record",
            Self::Session => "session",
            Self::SigningKey => "signing-key",
            Self::SigningPlan => "signing-plan",
            Self::Throttle => "throttle",
            Self::TotpSecret => "totp-secret",
            Self::VaultSlot => "vault-slot",
            Self::WaitingResponse => "waiting-response",
            Self::WebauthnCredential => "webauthn-credential",
        }
    }
}

/// A keyed digest that says which root key made it, so that it can still be checked after a newer key has come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Mac {
    /// The root key that made it.
    pub key_id: KeyId,
    /// HMAC-SHA256.
    pub tag: [u8; 32],
}

impl Mac {
    /// As it is stored: key id (4 bytes, big endian), then the tag.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 36] {
        let mut bytes = [0_u8; 36];
        let (id, tag) = bytes.split_at_mut(4);
        id.copy_from_slice(&self.key_id.to_be_bytes());
        tag.copy_from_slice(&self.tag);
        bytes
    }

    /// Reads what [`Mac::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`KeysError::Malformed`] when it is not 36 bytes long.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeysError> {
        let (id, tag) = bytes.split_first_chunk::<4>().ok_or(KeysError::Malformed)?;
        let tag = <[u8; 32]>::try_from(tag).map_err(|_| KeysError::Malformed)?;
        Ok(Self { key_id: KeyId::from_be_bytes(*id), tag })
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mac(key {})", self.key_id)
    }
}

/// Key pairs cannot be read where they are kept; what was read before still signs and opens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the signing and decryption keys cannot be read: {0}")]
pub struct PairsUnreadable(pub String);

/// The key pairs whose public halves other services know.
#[derive(Clone, Default)]
pub struct KeyPairs {
    /// What can sign.
    pub signers: Vec<Arc<dyn Signer>>,
    /// What can open what is encrypted to us.
    pub openers: Vec<Arc<Opener>>,
}

/// Names the keys, shows none.
impl fmt::Debug for KeyPairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signers: Vec<&str> = self.signers.iter().map(|signer| signer.key_id()).collect();
        f.debug_struct("KeyPairs").field("signers", &signers).field("openers", &self.openers).finish()
    }
}

/// What the service can do with its keys, wherever they are kept.
///
/// `context` is the additional data that a sealed value is bound to: whose it is and what it is. Make it with
/// [`context`]; a value opens only with the purpose and the context that it was sealed with.
pub trait ServiceKeys: Send + Sync {
    /// Seals with the newest key.
    ///
    /// # Errors
    /// [`KeysError::Unavailable`] when the keys cannot be used now.
    fn seal(&self, purpose: Purpose, context: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, KeysError>;

    /// Opens what [`ServiceKeys::seal`] sealed, with whichever key its header names.
    ///
    /// # Errors
    /// [`KeysError::CannotOpen`] for anything that was altered, moved or sealed for another purpose; there is no way
    /// to tell these apart.
    fn open(&self, purpose: Purpose, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeysError>;

    /// A keyed fingerprint for finding a record by a value: HMAC-SHA256 with the newest key, 32 bytes.
    ///
    /// # Errors
    /// [`KeysError::Unavailable`] when the keys cannot be used now.
    fn fingerprint(&self, purpose: Purpose, value: &[u8]) -> Result<[u8; 32], KeysError>;

    /// The fingerprints of a value under every key that is present, newest first: look up by all, store the first.
    ///
    /// # Errors
    /// [`KeysError::Unavailable`] when the keys cannot be used now.
    fn fingerprints(&self, purpose: Purpose, value: &[u8]) -> Result<Vec<[u8; 32]>, KeysError>;

    /// A keyed digest with the newest key.
    ///
    /// # Errors
    /// [`KeysError::Unavailable`] when the keys cannot be used now.
    fn mac(&self, purpose: Purpose, octets: &[u8]) -> Result<Mac, KeysError>;

    /// The keyed digest of `octets` under the key that `key_id` names, for comparing with a stored one.
    ///
    /// # Errors
    /// [`KeysError::UnknownKey`] when that key is gone.
    fn mac_with(&self, key_id: KeyId, purpose: Purpose, octets: &[u8]) -> Result<Mac, KeysError>;

    /// The root keys that are here, the newest first.
    fn root_keys(&self) -> Vec<KeyId>;

    /// Every key pair that is here, read anew each time, so that one that was added meanwhile is found. Which of them signs what,
    /// and which stands in our metadata, is not decided here: see [`crate::federation::signing`].
    ///
    /// # Errors
    /// [`PairsUnreadable`] when one of them cannot be read: none is left out silently.
    fn pairs(&self) -> Result<KeyPairs, PairsUnreadable>;
}

impl dyn ServiceKeys + '_ {
    /// Whether `mac` is the keyed digest of `octets`; compared in constant time.
    ///
    /// # Errors
    /// As [`ServiceKeys::mac_with`].
    pub fn verify_mac(&self, purpose: Purpose, octets: &[u8], mac: &Mac) -> Result<bool, KeysError> {
        let expected = self.mac_with(mac.key_id, purpose, octets)?;
        Ok(openssl::memcmp::eq(&expected.tag, &mac.tag))
    }

    /// Makes the keyed digest of a row anew with the newest key, if the one that it has is ours.
    ///
    /// # Errors
    /// [`NotVouched`]: then the row stays as it is.
    pub fn revouch(&self, purpose: Purpose, octets: &[u8], mac: &[u8]) -> Result<Vec<u8>, NotVouched> {
        self.vouch(purpose, octets, mac)?;
        Ok(self.mac(purpose, octets).map_err(NotVouched::Keys)?.to_bytes().to_vec())
    }

    /// Seals anew with the newest key what another one sealed.
    ///
    /// # Errors
    /// As [`ServiceKeys::open`] and [`ServiceKeys::seal`].
    pub fn reseal(&self, purpose: Purpose, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, KeysError> {
        self.seal(purpose, context, &self.open(purpose, context, sealed)?)
    }

    /// Says that `octets` are what this service wrote down: `mac`, as [`Mac::to_bytes`] writes it, was stored with them.
    ///
    /// # Errors
    /// [`NotVouched`]. A digest of a key that is gone vouches for nothing.
    pub fn vouch(&self, purpose: Purpose, octets: &[u8], mac: &[u8]) -> Result<(), NotVouched> {
        let mac = Mac::from_bytes(mac).map_err(|_| NotVouched::Altered)?;
        match self.verify_mac(purpose, octets, &mac) {
            Ok(true) => Ok(()),
            Err(fault @ KeysError::Unavailable) => Err(NotVouched::Keys(fault)),
            Ok(false) | Err(_) => Err(NotVouched::Altered),
        }
    }
}

/// The one encoding of contexts (additional data), so that no two lists of parts give the same octets: each part is
/// preceded by its length in bytes, 4 bytes big endian.
#[must_use]
pub fn context(parts: &[&[u8]]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(parts.iter().map(|part| part.len() + 4).sum());
    for part in parts {
        octets.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        octets.extend_from_slice(part);
    }
    octets
}

/// Why a key could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// Altered, moved from another place, or sealed for another purpose.
    #[error("the sealed value does not open: it was altered, moved, or sealed for something else")]
    CannotOpen,
    /// Too short, or without the mark that every sealed value begins with.
    #[error("not a sealed value")]
    Malformed,
    /// Made with a root key that was retired: it counts for nothing any more.
    #[error("made with key {0}, which was retired")]
    RetiredKey(KeyId),
    /// The cryptographic library, or the device behind it, failed.
    #[error("the keys cannot be used now")]
    Unavailable,
    /// The header names a key that is not here.
    #[error("sealed with key {0}, which is not among the service's keys")]
    UnknownKey(KeyId),
    /// The header names a scheme that this version does not know.
    #[error("sealed with scheme {0}, which is unknown")]
    UnknownScheme(u8),
}

/// Why a row is not taken for one that this service wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotVouched {
    /// It was altered, or belongs to another place.
    #[error("the record was altered, moved or put back")]
    Altered,
    /// The service's keys are unavailable: nothing is known about it.
    #[error(transparent)]
    Keys(KeysError),
}

impl From<openssl::error::ErrorStack> for KeysError {
    fn from(_: openssl::error::ErrorStack) -> Self {
        // What OpenSSL says may name what it worked on; the fact that it failed is all that anyone can act on.
        Self::Unavailable
    }
}

/// Keys for unit tests: new ones each time, in a folder that is gone when they are open.
#[cfg(test)]
pub(crate) fn keys_for_tests() -> LocalKeys {
    let dir = tempfile::tempdir().unwrap();
    let secret = SealingSecret::new("a passphrase of some length").unwrap();
    let wanted = GenerateKeys {
        common_name: "signet.test",
        signing: SigningKeyKind::EcP256,
        now: time::macros::utc_datetime!(2026-11-24 12:00),
    };
    LocalKeys::generate(dir.path(), &secret, &wanted, Arc::new(super::SystemEntropy)).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_of_differently_cut_parts_differ() {
        assert_ne!(context(&[b"ab", b"c"]), context(&[b"a", b"bc"]));
        assert_ne!(context(&[b"ab"]), context(&[b"ab", b""]));
    }

    #[test]
    fn mac_survives_storage() {
        let mac = Mac { key_id: 7, tag: [9; 32] };
        assert_eq!(Mac::from_bytes(&mac.to_bytes()), Ok(mac));
        assert_eq!(Mac::from_bytes(&[0; 35]), Err(KeysError::Malformed));
    }
}
