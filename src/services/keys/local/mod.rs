//! Keys in files of one folder: the default for a small site and for `make run`.
//!
//! ```text
//! service-keys.json   the root keys, wrapped: sealed under a passphrase (Argon2id); mode 0600
//! signing/<id>.key    a private key that can sign, sealed under the root keys; mode 0600
//! signing/<id>.crt    its certificate, as metadata publishes it; it stays when the private key is erased
//! decryption/<id>.*   the same of keys to which services encrypt for us
//! ```
//!
//! Nothing in the folder is of use without the passphrase, and the passphrase is kept elsewhere: it comes from the
//! settings (a file or the environment). Another [`KeyWrapper`] may take its place. The folder and the passphrase together read everything that the *service*
//! sealed; they read nothing out of a person's vault.

mod files;
mod passphrase;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use time::UtcDateTime;
use zeroize::Zeroizing;

use super::certificate::{self, KeyUse, KeyWithCertificate};
use super::{KeyPairStore, KeyPairs, KeyWrapError, KeyWrapper, PairsUnreadable, SigningKeyKind};
use crate::entropy::{Entropy, random_bytes};
use crate::sealing::{Envelope, KeyId, KeysError, Mac, Purpose, ServiceKeys, context, hkdf_sha256, hmac_sha256};

use files::{DECRYPTION, KeptPair, Pairs, RootFile, SIGNING, make_dir, read_roots, write_roots};
pub use passphrase::SealingSecret;

const SERVICE_KEYS: &str = "service-keys.json";
const FORMAT: &str = "signet-service-keys";
const FORMAT_VERSION: u32 = 1;
/// The version of a file from which a root key was retired: older programs must not write it.
const FORMAT_VERSION_WITH_KEPT_KEYS: u32 = 2;

/// The root keys by their ids.
type Roots = BTreeMap<KeyId, Zeroizing<[u8; 32]>>;

/// What is kept of root keys that were retired: by the root's id, the derived key of each use and purpose that outlives it.
type KeptKeys = BTreeMap<KeyId, Vec<KeptKey>>;

/// One derived key of a root that was retired.
#[derive(Clone)]
struct KeptKey {
    use_: &'static str,
    purpose: Purpose,
    key: Zeroizing<[u8; 32]>,
}

/// Uses and purposes whose derived keys outlive their root: [`AfterRotation::Kept`](crate::sealing::AfterRotation::Kept). A place in
/// this list is how the file names them, so that it only grows at its end.
const KEPT: [(&str, Purpose); 4] = [
    ("mac", Purpose::Ledger),
    ("mac", Purpose::ContentDigest),
    ("fingerprint", Purpose::MetadataAddress),
    ("fingerprint", Purpose::AddressName),
];

/// What new keys should be like.
#[derive(Debug, Clone)]
pub struct GenerateKeys<'a> {
    /// The common name of the certificates: the service's host name.
    pub common_name: &'a str,
    /// Which kind of signing key.
    pub signing: SigningKeyKind,
    /// When they are made.
    pub now: UtcDateTime,
}

/// The service's keys, read from a folder.
pub struct LocalKeys {
    roots: Roots,
    kept: KeptKeys,
    newest: KeyId,
    dir: PathBuf,
    entropy: Arc<dyn Entropy>,
}

impl LocalKeys {
    /// How long a generated certificate says it is valid. Services treat certificates as containers of keys; the year
    /// is for people.
    pub const CERTIFICATE_YEARS: i64 = 3;

    /// Whether `dir` holds keys already.
    #[must_use]
    pub fn exist(dir: &Path) -> bool {
        dir.join(SERVICE_KEYS).exists()
    }

    /// Makes a folder of new keys (mode 0700, files 0600) and opens it.
    ///
    /// # Errors
    /// [`LocalKeysError::AlreadyThere`] when the folder holds keys: losing them would lose everything sealed with
    /// them, so they are never written over.
    pub fn generate(
        dir: &Path,
        wrapper: &dyn KeyWrapper,
        wanted: &GenerateKeys<'_>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, LocalKeysError> {
        if Self::exist(dir) {
            return Err(LocalKeysError::AlreadyThere(dir.to_owned()));
        }
        make_dir(dir)?;
        let roots = BTreeMap::from([(1, Zeroizing::new(random_bytes::<32>(&*entropy)))]);
        // The root keys are written last: until they are there, the folder holds no keys and `generate` may run again.
        SIGNING.write(dir, &roots, 1, &new_signing_key(wanted, &*entropy)?, &*entropy)?;
        write_roots(dir, wrapper, &RootFile { roots, newest: 1, kept: KeptKeys::new() }, &*entropy)?;
        Self::open(dir, wrapper, entropy)
    }

    /// Opens the keys of a folder.
    ///
    /// # Errors
    /// Each [`LocalKeysError`] names what is wrong and with which file.
    pub fn open(dir: &Path, wrapper: &dyn KeyWrapper, entropy: Arc<dyn Entropy>) -> Result<Self, LocalKeysError> {
        let RootFile { roots, newest, kept } = read_roots(dir, wrapper)?;
        if read_pairs(dir, &roots)?.signers.is_empty() {
            return Err(LocalKeysError::Missing(SIGNING.place(dir)));
        }
        Ok(Self { roots, kept, newest, dir: dir.to_owned(), entropy })
    }

    /// Adds a root key, which seals from now on; the older ones stay and open what they sealed.
    ///
    /// # Errors
    /// As [`LocalKeys::open`].
    pub fn rotate_roots(dir: &Path, wrapper: &dyn KeyWrapper, entropy: &dyn Entropy) -> Result<KeyId, LocalKeysError> {
        let mut file = read_roots(dir, wrapper)?;
        let id = file.newest.checked_add(1).ok_or(LocalKeysError::NotAKeyFile)?;
        file.roots.insert(id, Zeroizing::new(random_bytes::<32>(entropy)));
        file.newest = id;
        write_roots(dir, wrapper, &file, entropy)?;
        Ok(id)
    }

    /// Takes an older root key away for good. What it sealed never opens again; of the keys derived from it, only those stay
    /// by which the ledger is verified and services find our metadata. `false` when it is not here, or is the newest.
    ///
    /// The caller sees to it that nothing needs the key any more.
    ///
    /// # Errors
    /// As [`LocalKeys::open`].
    pub fn retire_root(
        dir: &Path,
        wrapper: &dyn KeyWrapper,
        id: KeyId,
        entropy: &dyn Entropy,
    ) -> Result<bool, LocalKeysError> {
        let mut file = read_roots(dir, wrapper)?;
        if id == file.newest {
            return Ok(false);
        }
        let Some(root) = file.roots.remove(&id) else { return Ok(false) };
        let kept = KEPT.map(|(use_, purpose)| KeptKey { use_, purpose, key: derive(&root, use_, purpose) });
        file.kept.insert(id, kept.to_vec());
        write_roots(dir, wrapper, &file, entropy)?;
        Ok(true)
    }

    /// Seals the private keys of the folder anew with the newest root key; says how many another one had sealed.
    ///
    /// # Errors
    /// As [`LocalKeys::open`].
    pub fn reseal_pairs(&self) -> Result<usize, LocalKeysError> {
        let reseal = |pairs: Pairs| pairs.reseal(&self.dir, &self.roots, self.newest, &*self.entropy);
        Ok(reseal(SIGNING)? + reseal(DECRYPTION)?)
    }

    /// How many private keys of the folder each root key has sealed.
    ///
    /// # Errors
    /// As [`LocalKeys::open`].
    pub fn pairs_by_root(&self) -> Result<BTreeMap<KeyId, u64>, LocalKeysError> {
        let mut count = BTreeMap::new();
        for root in SIGNING.roots(&self.dir)?.into_iter().chain(DECRYPTION.roots(&self.dir)?) {
            *count.entry(root).or_default() += 1;
        }
        Ok(count)
    }

    /// The root keys that were retired.
    #[must_use]
    pub fn retired_roots(&self) -> Vec<KeyId> {
        self.kept.keys().copied().collect()
    }

    /// Makes another signing key beside those that are there, and says how it is called. It signs nothing and stands in no
    /// metadata before that is decided: see [`crate::rollover`].
    ///
    /// # Errors
    /// As [`LocalKeys::open`].
    pub fn add_signing_key(&self, wanted: &GenerateKeys<'_>) -> Result<String, LocalKeysError> {
        let pair = new_signing_key(wanted, &*self.entropy)?;
        SIGNING.write(&self.dir, &self.roots, self.newest, &pair, &*self.entropy)
    }

    /// Makes a key to which services can encrypt for us (RSA with 3072 bits), and says how it is called. It opens
    /// nothing and stands in no metadata before that is decided: see [`crate::rollover`].
    ///
    /// # Errors
    /// As [`LocalKeys::open`].
    pub fn add_decryption_key(&self, common_name: &str, now: UtcDateTime) -> Result<String, LocalKeysError> {
        let (years, serial) = (Self::CERTIFICATE_YEARS, random_bytes::<16>(&*self.entropy));
        let kind = SigningKeyKind::Rsa3072;
        let pair = certificate::generate(kind, KeyUse::Decryption, common_name, now, years, serial);
        let pair = pair.map_err(KeysError::from)?;
        DECRYPTION.write(&self.dir, &self.roots, self.newest, &pair, &*self.entropy)
    }

    /// Erases the private half of a signing key; its certificate stays, by which what it signed can still be verified. Says
    /// whether it was here.
    ///
    /// # Errors
    /// When a key cannot be read, or the file cannot be removed.
    pub fn erase_signing_key(&self, key_id: &str) -> Result<bool, LocalKeysError> {
        SIGNING.erase(&self.dir, &self.roots, |pair| Ok(pair.as_signer()?.key_id() == key_id))
    }

    /// Erases the private half of a key to which services encrypted for us: nothing opens what was encrypted to it any more. Says
    /// whether it was here.
    ///
    /// # Errors
    /// As [`LocalKeys::erase_signing_key`].
    pub fn erase_decryption_key(&self, key_id: &str) -> Result<bool, LocalKeysError> {
        DECRYPTION.erase(&self.dir, &self.roots, |pair| Ok(pair.as_opener()?.key_id() == key_id))
    }

    fn derived(&self, key_id: KeyId, use_: &str, purpose: Purpose) -> Result<Zeroizing<[u8; 32]>, KeysError> {
        if let Some(root) = self.roots.get(&key_id) {
            return Ok(derive(root, use_, purpose));
        }
        let kept = self.kept.get(&key_id).ok_or(KeysError::UnknownKey(key_id))?;
        let kept = kept.iter().find(|kept| kept.use_ == use_ && kept.purpose == purpose);
        kept.map(|kept| kept.key.clone()).ok_or(KeysError::RetiredKey(key_id))
    }
}

fn new_signing_key(wanted: &GenerateKeys<'_>, entropy: &dyn Entropy) -> Result<KeyWithCertificate, LocalKeysError> {
    let (years, serial) = (LocalKeys::CERTIFICATE_YEARS, random_bytes::<16>(entropy));
    let pair = certificate::generate(wanted.signing, KeyUse::Signing, wanted.common_name, wanted.now, years, serial);
    Ok(pair.map_err(KeysError::from)?)
}

/// Every pair of the folder, each with the certificate that belongs to it.
fn read_pairs(dir: &Path, roots: &Roots) -> Result<KeyPairs, LocalKeysError> {
    Ok(KeyPairs {
        signers: SIGNING.read(dir, roots)?.iter().map(KeptPair::as_signer).collect::<Result<_, _>>()?,
        openers: DECRYPTION.read(dir, roots)?.iter().map(KeptPair::as_opener).collect::<Result<_, _>>()?,
    })
}

/// The key of one use and purpose: HKDF of the root, so that no two uses share a key.
fn derive(root: &[u8; 32], use_: &str, purpose: Purpose) -> Zeroizing<[u8; 32]> {
    hkdf_sha256(root, b"", &context(&[b"signet/root/v1", use_.as_bytes(), purpose.label().as_bytes()]))
}

impl ServiceKeys for LocalKeys {
    fn seal(&self, purpose: Purpose, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, KeysError> {
        let key = self.derived(self.newest, "seal", purpose)?;
        Envelope::seal(&key, self.newest, &context(&[purpose.label().as_bytes(), aad]), plaintext, &*self.entropy)
    }

    fn open(&self, purpose: Purpose, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeysError> {
        let envelope = Envelope::parse(sealed)?;
        let key = self.derived(envelope.key_id(), "seal", purpose)?;
        envelope.open(&key, &context(&[purpose.label().as_bytes(), aad]))
    }

    fn fingerprint(&self, purpose: Purpose, value: &[u8]) -> Result<[u8; 32], KeysError> {
        let key = self.derived(self.newest, "fingerprint", purpose)?;
        Ok(hmac_sha256(&*key, &[value]))
    }

    fn fingerprints(&self, purpose: Purpose, value: &[u8]) -> Result<Vec<[u8; 32]>, KeysError> {
        let of = |key: &[u8; 32]| hmac_sha256(key, &[value]);
        let roots = self.roots.values().rev().map(|root| of(&derive(root, "fingerprint", purpose)));
        let kept = self.kept.values().rev().flatten();
        let kept = kept.filter(|kept| kept.use_ == "fingerprint" && kept.purpose == purpose).map(|kept| of(&kept.key));
        Ok(roots.chain(kept).collect())
    }

    fn mac(&self, purpose: Purpose, octets: &[u8]) -> Result<Mac, KeysError> {
        self.mac_with(self.newest, purpose, octets)
    }

    fn mac_with(&self, key_id: KeyId, purpose: Purpose, octets: &[u8]) -> Result<Mac, KeysError> {
        let key = self.derived(key_id, "mac", purpose)?;
        Ok(Mac { key_id, tag: hmac_sha256(&*key, &[octets]) })
    }

    fn root_keys(&self) -> Vec<KeyId> {
        self.roots.keys().rev().copied().collect()
    }
}

impl KeyPairStore for LocalKeys {
    fn pairs(&self) -> Result<KeyPairs, PairsUnreadable> {
        read_pairs(&self.dir, &self.roots).map_err(|error| PairsUnreadable(error.to_string()))
    }
}

/// Why the keys of a folder cannot be made or opened, with what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum LocalKeysError {
    /// Keys are never written over.
    #[error("{0} holds keys already; they are never written over. Name another folder, or keep these")]
    AlreadyThere(PathBuf),
    /// A file of the folder is not what was written there.
    #[error("{0} is damaged or was exchanged; restore it from its backup")]
    Damaged(PathBuf),
    /// The folder or a file cannot be read or written.
    #[error("{file}: {source}")]
    Io {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A key failed in use.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// A file is not there.
    #[error("{0} is not there")]
    Missing(PathBuf),
    /// `service-keys.json` is not a file that `signet keys generate` made.
    #[error("service-keys.json is not a key file of this version")]
    NotAKeyFile,
    /// The certificate belongs to another key.
    #[error("{0} is the certificate of another key than the one beside it")]
    NotAPair(PathBuf),
    /// What wraps the root keys does not answer.
    #[error("service-keys.json cannot be opened now: {0}")]
    OutOfReach(String),
    /// The passphrase is too short to protect anything.
    #[error("the keys' passphrase has fewer than {} characters", SealingSecret::SHORTEST)]
    PassphraseTooShort,
    /// The root keys were wrapped in another way.
    #[error("service-keys.json was wrapped by `{by}`, and is to be opened by `{with}`")]
    WrappedOtherwise {
        /// How.
        by: String,
        /// By what it was to be opened.
        with: &'static str,
    },
    /// The passphrase does not open the file (or the file was altered).
    #[error("the passphrase does not open service-keys.json, or the file was altered")]
    WrongPassphrase,
}

impl From<KeyWrapError> for LocalKeysError {
    fn from(error: KeyWrapError) -> Self {
        match error {
            KeyWrapError::Malformed => Self::NotAKeyFile,
            KeyWrapError::OutOfReach(why) => Self::OutOfReach(why),
            KeyWrapError::Refused => Self::WrongPassphrase,
        }
    }
}

#[cfg(test)]
mod tests;
