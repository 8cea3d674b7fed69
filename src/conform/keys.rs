//! Key pairs of the suite's own services, made on the spot.

use openssl::{
    asn1::Asn1Time,
    bn::{BigNum, MsbOption},
    ec::{EcGroup, EcKey},
    error::ErrorStack,
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    rsa::Rsa,
    x509::{X509, X509NameBuilder},
};

use crate::saml::signature::{KeyError, PemSigner};

/// A key pair with a certificate.
pub(super) struct Pair {
    pub(super) private: PKey<Private>,
    pub(super) certificate_der: Vec<u8>,
    pub(super) signer: PemSigner,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysFailed {
    /// A key was made that nobody takes.
    #[error("a key of the suite's own is unusable: {0}")]
    Key(#[from] KeyError),
    /// OpenSSL makes none.
    #[error("no key could be made: {0}")]
    Openssl(#[from] ErrorStack),
}

/// All pairs that the suite's services use.
pub(super) struct Pairs {
    /// RSA, 2048 bits: signs and is encrypted to.
    pub(super) first: Pair,
    /// Another of the kind.
    pub(super) second: Pair,
    /// RSA, its certificate out of date since 2001 and signed with SHA-1.
    pub(super) expired: Pair,
    /// Elliptic, P-256.
    pub(super) elliptic: Pair,
    /// RSA, in nobody's metadata.
    pub(super) foreign: Pair,
}

impl Pairs {
    pub(super) fn make() -> Result<Self, KeysFailed> {
        let rsa = || PKey::from_rsa(Rsa::generate(2048)?);
        let curve = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
        Ok(Self {
            first: Pair::of(rsa()?, false)?,
            second: Pair::of(rsa()?, false)?,
            expired: Pair::of(rsa()?, true)?,
            elliptic: Pair::of(PKey::from_ec_key(EcKey::generate(&curve)?)?, false)?,
            foreign: Pair::of(rsa()?, false)?,
        })
    }
}

impl Pair {
    fn of(private: PKey<Private>, expired: bool) -> Result<Self, KeysFailed> {
        let mut name = X509NameBuilder::new()?;
        name.append_entry_by_text("CN", "conform.example")?;
        let name = name.build();
        let mut serial = BigNum::new()?;
        serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
        let (from, until, digest) = if expired {
            (Asn1Time::from_str("20000101000000Z")?, Asn1Time::from_str("20010101000000Z")?, MessageDigest::sha1())
        } else {
            (Asn1Time::days_from_now(0)?, Asn1Time::days_from_now(7)?, MessageDigest::sha256())
        };
        let mut certificate = X509::builder()?;
        certificate.set_version(2)?;
        certificate.set_serial_number(&*serial.to_asn1_integer()?)?;
        certificate.set_subject_name(&name)?;
        certificate.set_issuer_name(&name)?;
        certificate.set_not_before(&from)?;
        certificate.set_not_after(&until)?;
        certificate.set_pubkey(&private)?;
        certificate.sign(&private, digest)?;
        let certificate = certificate.build();
        let signer = PemSigner::from_pem(&private.private_key_to_pem_pkcs8()?, &certificate.to_pem()?)?;
        Ok(Self { private, certificate_der: certificate.to_der()?, signer })
    }
}
