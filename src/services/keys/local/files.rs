//! The folder's files: what is in them, and how they are written so that nobody else reads them and none is left half-written.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::pkey::PKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

use super::{
    FORMAT, FORMAT_VERSION, FORMAT_VERSION_WITH_KEPT_KEYS, KEPT, KeptKey, KeptKeys, LocalKeysError, Roots,
    SERVICE_KEYS, derive,
};
use crate::entropy::Entropy;
use crate::saml::encryption::{Opener, PemOpener};
use crate::saml::signature::{KeyError, PemSigner, Signer, VerificationKey};
use crate::sealing::{Envelope, KeyId, KeysError, Purpose};
use crate::services::keys::certificate::KeyWithCertificate;
use crate::services::keys::{KeyWrapper, WrappedKeys};

/// `service-keys.json`. Only `sealed` matters to its owner; the rest is what opening it needs.
#[derive(Serialize, Deserialize)]
struct StoredRoots {
    format: String,
    version: u32,
    sealed: String,
    /// By the name of what wrapped it, what that needs to unwrap it. One.
    #[serde(flatten)]
    wrapper: BTreeMap<String, Value>,
}

/// What the file holds.
pub(super) struct RootFile {
    pub(super) roots: Roots,
    pub(super) newest: KeyId,
    pub(super) kept: KeptKeys,
}

/// The octets under `sealed`: the newest id, then each root as 4 + 32 bytes. Version 2 has the number of roots (4 bytes) before
/// them and the kept keys behind: the id of the root that was retired (4), the place in [`KEPT`] (1), the key (32).
fn encode_roots(file: &RootFile) -> Zeroizing<Vec<u8>> {
    let kept: usize = file.kept.values().map(Vec::len).sum();
    let mut octets = Zeroizing::new(Vec::with_capacity(8 + file.roots.len() * 36 + kept * 37));
    octets.extend_from_slice(&file.newest.to_be_bytes());
    if !file.kept.is_empty() {
        octets.extend_from_slice(&u32::try_from(file.roots.len()).unwrap_or(u32::MAX).to_be_bytes());
    }
    for (id, key) in &file.roots {
        octets.extend_from_slice(&id.to_be_bytes());
        octets.extend_from_slice(&**key);
    }
    for (id, keys) in &file.kept {
        for kept in keys {
            let place = KEPT.iter().zip(0_u8..).find(|(known, _)| **known == (kept.use_, kept.purpose));
            if let Some((_, place)) = place {
                octets.extend_from_slice(&id.to_be_bytes());
                octets.push(place);
                octets.extend_from_slice(&*kept.key);
            }
        }
    }
    octets
}

fn decode_roots(octets: &[u8], version: u32) -> Option<RootFile> {
    let (newest, mut rest) = octets.split_first_chunk::<4>()?;
    let newest = KeyId::from_be_bytes(*newest);
    let mut count = u32::MAX;
    if version == FORMAT_VERSION_WITH_KEPT_KEYS {
        let (stored, after) = rest.split_first_chunk::<4>()?;
        (count, rest) = (u32::from_be_bytes(*stored), after);
    }
    let mut file = RootFile { roots: BTreeMap::new(), newest, kept: BTreeMap::new() };
    while !rest.is_empty() && count > 0 {
        let (id, after) = rest.split_first_chunk::<4>()?;
        let (key, after) = after.split_first_chunk::<32>()?;
        file.roots.insert(KeyId::from_be_bytes(*id), Zeroizing::new(*key));
        (count, rest) = (count - 1, after);
    }
    while !rest.is_empty() {
        let (id, after) = rest.split_first_chunk::<4>()?;
        let (place, after) = after.split_first()?;
        let (key, after) = after.split_first_chunk::<32>()?;
        let (use_, purpose) = *KEPT.get(usize::from(*place))?;
        let kept = KeptKey { use_, purpose, key: Zeroizing::new(*key) };
        file.kept.entry(KeyId::from_be_bytes(*id)).or_default().push(kept);
        rest = after;
    }
    file.roots.contains_key(&newest).then_some(file)
}

pub(super) fn write_roots(
    dir: &Path,
    wrapper: &dyn KeyWrapper,
    file: &RootFile,
    entropy: &dyn Entropy,
) -> Result<(), LocalKeysError> {
    let WrappedKeys { parameters, octets } = wrapper.wrap(&encode_roots(file), entropy)?;
    let version = if file.kept.is_empty() { FORMAT_VERSION } else { FORMAT_VERSION_WITH_KEPT_KEYS };
    let stored = StoredRoots {
        format: FORMAT.into(),
        version,
        sealed: STANDARD.encode(octets),
        wrapper: BTreeMap::from([(wrapper.scheme().to_owned(), parameters)]),
    };
    let text = serde_json::to_string_pretty(&stored).map_err(|_| LocalKeysError::NotAKeyFile)?;
    write_private(&dir.join(SERVICE_KEYS), text.as_bytes())
}

pub(super) fn read_roots(dir: &Path, wrapper: &dyn KeyWrapper) -> Result<RootFile, LocalKeysError> {
    let text = read(&dir.join(SERVICE_KEYS))?;
    let stored: StoredRoots = serde_json::from_slice(&text).map_err(|_| LocalKeysError::NotAKeyFile)?;
    let known = [FORMAT_VERSION, FORMAT_VERSION_WITH_KEPT_KEYS].contains(&stored.version);
    if stored.format != FORMAT || !known {
        return Err(LocalKeysError::NotAKeyFile);
    }
    let mut wrappers = stored.wrapper.into_iter();
    let (Some((by, parameters)), None) = (wrappers.next(), wrappers.next()) else {
        return Err(LocalKeysError::NotAKeyFile);
    };
    let with = wrapper.scheme();
    if by != with {
        return Err(LocalKeysError::WrappedOtherwise { by, with });
    }
    let octets = STANDARD.decode(&stored.sealed).map_err(|_| LocalKeysError::NotAKeyFile)?;
    let opened = wrapper.unwrap_keys(&WrappedKeys { parameters, octets })?;
    decode_roots(&opened, stored.version).ok_or(LocalKeysError::NotAKeyFile)
}

/// Pairs of a private key and its certificate that are kept in one folder, for one use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pairs {
    folder: &'static str,
    purpose: Purpose,
}

/// What signs.
pub(super) const SIGNING: Pairs = Pairs { folder: "signing", purpose: Purpose::SigningKey };
/// What opens what is encrypted to us.
pub(super) const DECRYPTION: Pairs = Pairs { folder: "decryption", purpose: Purpose::DecryptionKey };

/// A pair as it was read, in PEM, and the file of its private half.
pub(super) struct KeptPair {
    file: PathBuf,
    private_pem: Zeroizing<Vec<u8>>,
    certificate_pem: Vec<u8>,
}

impl Pairs {
    pub(super) fn place(self, dir: &Path) -> PathBuf {
        dir.join(self.folder)
    }

    /// Writes a pair, and says how it is called.
    pub(super) fn write(
        self,
        dir: &Path,
        roots: &Roots,
        newest: KeyId,
        pair: &KeyWithCertificate,
        entropy: &dyn Entropy,
    ) -> Result<String, LocalKeysError> {
        let root = roots.get(&newest).ok_or(LocalKeysError::NotAKeyFile)?;
        let name = pair
            .certificate
            .to_der()
            .map_err(KeyError::from)
            .and_then(|der| VerificationKey::from_certificate_der(&der))
            .map(|key| key.fingerprint().short())
            .map_err(|_| KeysError::Unavailable)?;
        let certificate = pair.certificate.to_pem().map_err(KeysError::from)?;
        let mut private = pair.key.private_key_to_pkcs8().map_err(KeysError::from)?;
        let sealed = self.seal(root, newest, &private, entropy);
        private.zeroize();
        let place = self.place(dir);
        make_dir(&place)?;
        write_private(&place.join(format!("{name}.crt")), &certificate)?;
        // The private key comes last: until it is there, the folder holds no key of this name.
        write_private(&place.join(format!("{name}.key")), STANDARD.encode(sealed?).as_bytes())?;
        Ok(name)
    }

    fn seal(
        self,
        root: &[u8; 32],
        root_id: KeyId,
        private: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, KeysError> {
        Envelope::seal(&derive(root, "seal", self.purpose), root_id, self.purpose.label().as_bytes(), private, entropy)
    }

    /// Seals every private key anew that another root than `newest` sealed; says how many.
    pub(super) fn reseal(
        self,
        dir: &Path,
        roots: &Roots,
        newest: KeyId,
        entropy: &dyn Entropy,
    ) -> Result<usize, LocalKeysError> {
        let root = roots.get(&newest).ok_or(LocalKeysError::NotAKeyFile)?;
        let mut count = 0;
        for file in self.files(dir)? {
            let (sealed_by, private) = self.open(&file, roots)?;
            if sealed_by != newest {
                let sealed = self.seal(root, newest, &private, entropy)?;
                write_private(&file, STANDARD.encode(sealed).as_bytes())?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// Which root sealed each private key of the folder.
    pub(super) fn roots(self, dir: &Path) -> Result<Vec<KeyId>, LocalKeysError> {
        let root = |file: PathBuf| {
            let sealed =
                STANDARD.decode(read(&file)?.trim_ascii()).map_err(|_| LocalKeysError::Damaged(file.clone()))?;
            Envelope::parse(&sealed).map(|envelope| envelope.key_id()).map_err(|_| LocalKeysError::Damaged(file))
        };
        self.files(dir)?.into_iter().map(root).collect()
    }

    /// Every pair of the folder, in the order of the files' names; none where there is no folder.
    pub(super) fn read(self, dir: &Path, roots: &Roots) -> Result<Vec<KeptPair>, LocalKeysError> {
        self.files(dir)?.into_iter().map(|file| self.read_one(file, roots)).collect()
    }

    /// The files of the private keys, in the order of their names.
    fn files(self, dir: &Path) -> Result<Vec<PathBuf>, LocalKeysError> {
        let place = self.place(dir);
        let entries = match fs::read_dir(&place) {
            Ok(entries) => entries,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(io_error(&place, source)),
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.map_err(|source| io_error(&place, source))?.path();
            if path.extension().is_some_and(|extension| extension == "key") {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }

    /// Takes the private half of the pair that is meant away, and says whether it was here. Its certificate stays.
    pub(super) fn erase(
        self,
        dir: &Path,
        roots: &Roots,
        is_meant: impl Fn(&KeptPair) -> Result<bool, LocalKeysError>,
    ) -> Result<bool, LocalKeysError> {
        for pair in self.read(dir, roots)? {
            if is_meant(&pair)? {
                return remove(&pair.file).map(|()| true);
            }
        }
        Ok(false)
    }

    fn read_one(self, file: PathBuf, roots: &Roots) -> Result<KeptPair, LocalKeysError> {
        let damaged = || LocalKeysError::Damaged(file.clone());
        let (_, private) = self.open(&file, roots)?;
        // Those who use it take PEM; the copy of the private key that this makes is wiped again.
        let key = PKey::private_key_from_pkcs8(&private).map_err(|_| damaged())?;
        let private_pem = Zeroizing::new(key.private_key_to_pem_pkcs8().map_err(|_| damaged())?);
        let certificate_pem = read(&file.with_extension("crt"))?;
        Ok(KeptPair { file, private_pem, certificate_pem })
    }

    /// Which root sealed a private key, and the key (PKCS #8).
    fn open(self, file: &Path, roots: &Roots) -> Result<(KeyId, Zeroizing<Vec<u8>>), LocalKeysError> {
        let damaged = || LocalKeysError::Damaged(file.to_owned());
        let sealed = STANDARD.decode(read(file)?.trim_ascii()).map_err(|_| damaged())?;
        let envelope = Envelope::parse(&sealed).map_err(|_| damaged())?;
        let root = roots.get(&envelope.key_id()).ok_or(KeysError::UnknownKey(envelope.key_id()))?;
        let key = derive(root, "seal", self.purpose);
        let private = envelope.open(&key, self.purpose.label().as_bytes()).map_err(|_| damaged())?;
        Ok((envelope.key_id(), private))
    }
}

impl KeptPair {
    pub(super) fn as_signer(&self) -> Result<Arc<dyn Signer>, LocalKeysError> {
        let signer =
            PemSigner::from_pem(&self.private_pem, &self.certificate_pem).map_err(|error| self.fault(&error))?;
        Ok(Arc::new(signer))
    }

    pub(super) fn as_opener(&self) -> Result<Arc<dyn Opener>, LocalKeysError> {
        let opener =
            PemOpener::from_pem(&self.private_pem, &self.certificate_pem).map_err(|error| self.fault(&error))?;
        Ok(Arc::new(opener))
    }

    fn fault(&self, error: &KeyError) -> LocalKeysError {
        let certificate = self.file.with_extension("crt");
        match error {
            KeyError::KeyAndCertificateDiffer => LocalKeysError::NotAPair(certificate),
            _ => LocalKeysError::Damaged(certificate),
        }
    }
}

/// Takes a file away, and makes that durable.
fn remove(file: &Path) -> Result<(), LocalKeysError> {
    fs::remove_file(file).map_err(|source| io_error(file, source))?;
    let Some(folder) = file.parent() else { return Ok(()) };
    fs::File::open(folder).and_then(|open| open.sync_all()).map_err(|source| io_error(folder, source))
}

pub(super) fn make_dir(dir: &Path) -> Result<(), LocalKeysError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|source| io_error(dir, source))
}

fn read(file: &Path) -> Result<Vec<u8>, LocalKeysError> {
    fs::read(file).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => LocalKeysError::Missing(file.to_owned()),
        _ => io_error(file, source),
    })
}

/// Writes beside the file, makes it durable, then takes its place, so that a crash leaves the old file or the new one.
fn write_private(file: &Path, octets: &[u8]) -> Result<(), LocalKeysError> {
    let beside = file.with_extension("new");
    let written = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut open| open.write_all(octets).and_then(|()| open.sync_all()));
    written.map_err(|source| io_error(&beside, source))?;
    fs::rename(&beside, file).map_err(|source| io_error(&beside, source))
}

fn io_error(file: &Path, source: io::Error) -> LocalKeysError {
    LocalKeysError::Io { file: file.to_owned(), source }
}
