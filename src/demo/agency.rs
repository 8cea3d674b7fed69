//! The demonstration agency's own belongings: its key pair, and the two files by which the identity provider knows it.
//!
//! They are made at the first start. The agreement is never touched again, so that it can be edited to see what happens;
//! the metadata is written anew when the address has changed.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use openssl::{
    asn1::Asn1Time,
    bn::{BigNum, MsbOption},
    error::ErrorStack,
    hash::MessageDigest,
    pkey::PKey,
    rsa::Rsa,
    x509::{X509, X509NameBuilder},
};
use url::Url;

use super::{
    page::SITE,
    service_provider::{ServiceProvider, ServiceProviderError},
};
use crate::saml::xml::WriteError;

/// The entityID. It is a name, not an address, so the port does not show in it.
pub const ENTITY_ID: &str = "http://demo-agency.localhost/metadata";
/// The host under which the site is reached: another site than `localhost`, as an agency's is in reality.
pub const HOST: &str = "demo-agency.localhost";
/// Where the files stand in the metadata folder.
pub(super) const SERVICE: &str = "sp/demo-agency/benefits";

/// Why the agency could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum AgencyError {
    /// A file could not be read or written.
    #[error("{path}: {error}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
    /// No key could be made.
    #[error("no key could be made: {0}")]
    Openssl(#[from] ErrorStack),
    /// Its key pair is unusable; remove the folder to have another one made. Its name and its address are the program's own.
    #[error("the demonstration agency's key pair is unusable: {0}")]
    ServiceProvider(#[from] ServiceProviderError),
    /// The agency's address is none.
    #[error("the demonstration agency's address is unusable: {0}")]
    Url(#[from] url::ParseError),
    /// The metadata cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Opens the agency kept in `folder`, or makes it, and puts its files where the identity provider reads them.
///
/// * `folder`: for the key pair.
/// * `metadata`: the metadata folder, the one with `sp/` in it.
/// * `port`: the port of the agency's site.
///
/// # Errors
/// [`AgencyError`].
pub fn open_or_create(folder: &Path, metadata: &Path, port: u16) -> Result<ServiceProvider, AgencyError> {
    let (key_path, certificate_path) = (folder.join("key.pem"), folder.join("certificate.pem"));
    if !key_path.exists() {
        make_folder(folder)?;
        let (key, certificate) = key_pair()?;
        write(&certificate_path, &certificate)?;
        write_private(&key_path, &key)?;
    }
    let acs = format!("http://{HOST}:{port}/acs");
    let slo = Url::parse(&format!("http://{HOST}:{port}/slo"))?;
    let provider = ServiceProvider::new(ENTITY_ID, acs, &read(&key_path)?, &read(&certificate_path)?)?.with_logout(slo);

    let service = metadata.join(SERVICE);
    make_folder(&service)?;
    let published = provider.metadata(SITE)?;
    let metadata_path = service.join("metadata.xml");
    if fs::read(&metadata_path).ok().as_deref() != Some(published.as_bytes()) {
        write(&metadata_path, published.as_bytes())?;
    }
    let agreement_path = service.join("agreement.toml");
    if !agreement_path.exists() {
        write(&agreement_path, AGREEMENT.replace("@RETURN@", &format!("http://{HOST}:{port}/")).as_bytes())?;
    }
    Ok(provider)
}

/// The agreement: name, address and whether they are of age for people who are proofed, e-mail for all; the social security number is not in it.
const AGREEMENT: &str = include_str!("agreement.toml");

fn key_pair() -> Result<(Vec<u8>, Vec<u8>), ErrorStack> {
    let key = PKey::from_rsa(Rsa::generate(2048)?)?;
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_text("CN", HOST)?;
    let name = name.build();
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(&*serial.to_asn1_integer()?)?;
    builder.set_subject_name(&name)?;
    builder.set_issuer_name(&name)?;
    builder.set_not_before(&*Asn1Time::days_from_now(0)?)?;
    builder.set_not_after(&*Asn1Time::days_from_now(3650)?)?;
    builder.set_pubkey(&key)?;
    builder.sign(&key, MessageDigest::sha256())?;
    Ok((key.private_key_to_pem_pkcs8()?, builder.build().to_pem()?))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> AgencyError + '_ {
    move |error| AgencyError::Io { path: path.to_owned(), error }
}

fn make_folder(path: &Path) -> Result<(), AgencyError> {
    fs::create_dir_all(path).map_err(at(path))
}

fn read(path: &Path) -> Result<Vec<u8>, AgencyError> {
    fs::read(path).map_err(at(path))
}

/// Writes beside and moves into place, so that a reader of the folder never sees half a file.
fn write(path: &Path, content: &[u8]) -> Result<(), AgencyError> {
    let beside = path.with_extension("new");
    fs::write(&beside, content).and_then(|()| fs::rename(&beside, path)).map_err(at(path))
}

fn write_private(path: &Path, content: &[u8]) -> Result<(), AgencyError> {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    let beside = path.with_extension("new");
    let open = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside);
    open.and_then(|mut file| file.write_all(content)).and_then(|()| fs::rename(&beside, path)).map_err(at(path))
}
