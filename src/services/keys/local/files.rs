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
use zeroize::{Zeroize, Zeroizing};

use super::{
    FORMAT, FORMAT_VERSION, GenerateKeys, LocalKeys, LocalKeysError, Roots, SERVICE_KEYS, SIGNING, SealingSecret,
    derive,
};
use crate::saml::signature::{KeyError, PemSigner, Signer, VerificationKey};
use crate::services::keys::certificate::{self, KeyWithCertificate};
use crate::services::keys::{Envelope, KeyId, KeysError, Purpose};
use crate::services::{Entropy, random_bytes};

/// `service-keys.json`. Only `sealed` matters to its owner; the rest is what opening it needs.
#[derive(Serialize, Deserialize)]
struct StoredRoots {
    format: String,
    version: u32,
    argon2id: StoredArgon2,
    sealed: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredArgon2 {
    pub(super) memory_kib: u32,
    pub(super) iterations: u32,
    pub(super) lanes: u32,
    pub(super) salt: String,
}

/// What `sealed` holds: the newest id, then each key as 4 + 32 bytes.
fn encode_roots(roots: &Roots, newest: KeyId) -> Zeroizing<Vec<u8>> {
    let mut octets = Zeroizing::new(Vec::with_capacity(4 + roots.len() * 36));
    octets.extend_from_slice(&newest.to_be_bytes());
    for (id, key) in roots {
        octets.extend_from_slice(&id.to_be_bytes());
        octets.extend_from_slice(&**key);
    }
    octets
}

fn decode_roots(octets: &[u8]) -> Option<(Roots, KeyId)> {
    let (newest, mut rest) = octets.split_first_chunk::<4>()?;
    let newest = KeyId::from_be_bytes(*newest);
    let mut roots = BTreeMap::new();
    while !rest.is_empty() {
        let (id, after) = rest.split_first_chunk::<4>()?;
        let (key, after) = after.split_first_chunk::<32>()?;
        roots.insert(KeyId::from_be_bytes(*id), Zeroizing::new(*key));
        rest = after;
    }
    roots.contains_key(&newest).then_some((roots, newest))
}

pub(super) fn write_roots(
    dir: &Path,
    secret: &SealingSecret,
    roots: &Roots,
    newest: KeyId,
    entropy: &dyn Entropy,
) -> Result<(), LocalKeysError> {
    let argon2id = StoredArgon2 {
        memory_kib: 47_104,
        iterations: 1,
        lanes: 1,
        salt: STANDARD.encode(random_bytes::<16>(entropy)),
    };
    let key = secret.key(&argon2id)?;
    let sealed = Envelope::seal(&key, 0, FORMAT.as_bytes(), &encode_roots(roots, newest), entropy)?;
    let stored =
        StoredRoots { format: FORMAT.into(), version: FORMAT_VERSION, argon2id, sealed: STANDARD.encode(sealed) };
    let text = serde_json::to_string_pretty(&stored).map_err(|_| LocalKeysError::NotAKeyFile)?;
    write_private(&dir.join(SERVICE_KEYS), text.as_bytes())
}

pub(super) fn read_roots(dir: &Path, secret: &SealingSecret) -> Result<(Roots, KeyId), LocalKeysError> {
    let text = read(&dir.join(SERVICE_KEYS))?;
    let stored: StoredRoots = serde_json::from_slice(&text).map_err(|_| LocalKeysError::NotAKeyFile)?;
    if stored.format != FORMAT || stored.version != FORMAT_VERSION {
        return Err(LocalKeysError::NotAKeyFile);
    }
    let sealed = STANDARD.decode(&stored.sealed).map_err(|_| LocalKeysError::NotAKeyFile)?;
    let key = secret.key(&stored.argon2id)?;
    let opened = Envelope::parse(&sealed)
        .and_then(|envelope| envelope.open(&key, FORMAT.as_bytes()))
        .map_err(|_| LocalKeysError::WrongPassphrase)?;
    decode_roots(&opened).ok_or(LocalKeysError::NotAKeyFile)
}

pub(super) fn write_signing(
    dir: &Path,
    roots: &Roots,
    newest: KeyId,
    wanted: &GenerateKeys<'_>,
    entropy: &dyn Entropy,
) -> Result<String, LocalKeysError> {
    let root = roots.get(&newest).ok_or(LocalKeysError::NotAKeyFile)?;
    let KeyWithCertificate { key, certificate } = certificate::generate(
        wanted.signing,
        wanted.common_name,
        wanted.now,
        LocalKeys::CERTIFICATE_YEARS,
        random_bytes::<16>(entropy),
    )
    .map_err(KeysError::from)?;
    let name = certificate
        .to_der()
        .map_err(KeyError::from)
        .and_then(|der| VerificationKey::from_certificate_der(&der))
        .map(|key| key.fingerprint().short())
        .map_err(|_| KeysError::Unavailable)?;
    let certificate = certificate.to_pem().map_err(KeysError::from)?;
    let mut private = key.private_key_to_pkcs8().map_err(KeysError::from)?;
    let sealed = Envelope::seal(
        &derive(root, "seal", Purpose::SigningKey),
        newest,
        Purpose::SigningKey.label().as_bytes(),
        &private,
        entropy,
    );
    private.zeroize();
    write_private(&dir.join(SIGNING).join(format!("{name}.crt")), &certificate)?;
    // The private key comes last: until it is there, the folder holds no key of this name.
    write_private(&dir.join(SIGNING).join(format!("{name}.key")), STANDARD.encode(sealed?).as_bytes())?;
    Ok(name)
}

/// A signing key, and the file of its private half.
pub(super) type KeptSigner = (PathBuf, Arc<dyn Signer>);

/// Every signing key of the folder, in the order of the files' names.
pub(super) fn read_signing(dir: &Path, roots: &Roots) -> Result<Vec<KeptSigner>, LocalKeysError> {
    let folder = dir.join(SIGNING);
    let entries = fs::read_dir(&folder).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => LocalKeysError::Missing(folder.clone()),
        _ => io_error(&folder, source),
    })?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|source| io_error(&folder, source))?.path();
        if path.extension().is_some_and(|extension| extension == "key") {
            files.push(path);
        }
    }
    files.sort();
    files.into_iter().map(|file| Ok((file.clone(), read_one_signing(&file, roots)?))).collect()
}

fn read_one_signing(file: &Path, roots: &Roots) -> Result<Arc<dyn Signer>, LocalKeysError> {
    let damaged = || LocalKeysError::Damaged(file.to_owned());
    let sealed = STANDARD.decode(read(file)?.trim_ascii()).map_err(|_| damaged())?;
    let envelope = Envelope::parse(&sealed).map_err(|_| damaged())?;
    let root = roots.get(&envelope.key_id()).ok_or(KeysError::UnknownKey(envelope.key_id()))?;
    let private = envelope
        .open(&derive(root, "seal", Purpose::SigningKey), Purpose::SigningKey.label().as_bytes())
        .map_err(|_| damaged())?;
    // The signer takes PEM; the copy of the private key that this makes is wiped again.
    let key = PKey::private_key_from_pkcs8(&private).map_err(|_| damaged())?;
    let pem = Zeroizing::new(key.private_key_to_pem_pkcs8().map_err(|_| damaged())?);
    let certificate_file = file.with_extension("crt");
    let signer = PemSigner::from_pem(&pem, &read(&certificate_file)?).map_err(|error| match error {
        KeyError::KeyAndCertificateDiffer => LocalKeysError::NotAPair(certificate_file),
        _ => LocalKeysError::Damaged(certificate_file),
    })?;
    Ok(Arc::new(signer))
}

/// Takes a file away, and makes that durable.
pub(super) fn erase(file: &Path) -> Result<(), LocalKeysError> {
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
