//! Keys that verify and keys that sign.

use std::fmt;
use std::sync::Arc;

use openssl::{
    bn::BigNum,
    ecdsa::EcdsaSig,
    error::ErrorStack,
    hash::hash,
    nid::Nid,
    pkey::{HasPublic, Id, PKey, PKeyRef, Private, Public},
    sha::sha256,
    x509::X509,
};

use super::{KeyFingerprint, SignatureAlgorithm, prepared::PreparedKey};

/// The least length of an RSA key (NIST SP 800-131A).
const LEAST_RSA_BITS: u32 = 2048;
/// The greatest length of an RSA key: longer ones are slow to verify and nobody needs them.
const GREATEST_RSA_BITS: u32 = 8192;
/// The greatest length of an RSA key with which OpenSSL uses a public exponent of more than 64 bits
/// (`OPENSSL_RSA_SMALL_MODULUS_BITS`, `OPENSSL_RSA_MAX_PUBEXP_BITS`).
const GREATEST_RSA_BITS_OF_LONG_EXPONENTS: u32 = 3072;

/// Why a key is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// An elliptic curve other than P-256 and P-384.
    #[error("only the elliptic curves P-256 and P-384 are accepted")]
    Curve,
    /// Private key and certificate do not belong together.
    #[error("the private key does not belong to the certificate")]
    KeyAndCertificateDiffer,
    /// Neither RSA nor ECDSA.
    #[error("only RSA and ECDSA keys are accepted")]
    Kind,
    /// A key of another kind than RSA, where content is to be encrypted to it.
    #[error("content is encrypted to RSA keys alone (RSA-OAEP): there is no key agreement with elliptic keys")]
    NotForEncryption,
    /// The octets are no certificate or key, or no usable one.
    #[error("not a readable certificate or key")]
    Malformed,
    /// An RSA key with an unacceptable public exponent.
    #[error(
        "the public exponent of an RSA key must be odd, at least 65537, and less than 2^256, or than 2^64 in a key of more \
         than 3072 bits"
    )]
    RsaExponent,
    /// An RSA key of an unacceptable length.
    #[error("an RSA key must have 2048 to 8192 bits, this one has {bits}")]
    RsaLength {
        /// The length of the modulus.
        bits: u32,
    },
    /// An RSA key with an even modulus, which two large primes never make.
    #[error("the modulus of an RSA key must be odd")]
    RsaModulus,
}

impl From<ErrorStack> for KeyError {
    fn from(_: ErrorStack) -> Self {
        Self::Malformed
    }
}

/// Whether an RSA key is one that we use, for signatures and for encryption alike.
///
/// # Errors
/// Its length, or its public exponent, which is odd and between 2^16 and 2^256 (FIPS 186-5 A.1.1; SP 800-56B says the same of
/// keys for encryption); of keys of more than 3072 bits OpenSSL uses none whose exponent has more than 64. Or its modulus.
pub(in crate::saml) fn acceptable_rsa<T: HasPublic>(key: &PKeyRef<T>) -> Result<(), KeyError> {
    let bits = key.bits();
    if !(LEAST_RSA_BITS..=GREATEST_RSA_BITS).contains(&bits) {
        return Err(KeyError::RsaLength { bits });
    }
    let key = key.rsa()?;
    if !key.n().is_bit_set(0) {
        return Err(KeyError::RsaModulus);
    }
    let longest = if bits > GREATEST_RSA_BITS_OF_LONG_EXPONENTS { 64 } else { 256 };
    // An odd number of 17 bits is 65537 or more.
    if key.e().is_bit_set(0) && (17..=longest).contains(&key.e().num_bits()) {
        Ok(())
    } else {
        Err(KeyError::RsaExponent)
    }
}

/// What kind a key is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rsa,
    /// With the length of a coordinate in octets: half of a signature.
    Ec(usize),
}

impl Kind {
    fn of<T: HasPublic>(key: &PKeyRef<T>) -> Result<Self, KeyError> {
        match key.id() {
            Id::RSA => acceptable_rsa(key).map(|()| Self::Rsa),
            Id::EC => {
                let key = key.ec_key()?;
                key.check_key()?;
                match key.group().curve_name() {
                    Some(Nid::X9_62_PRIME256V1) => Ok(Self::Ec(32)),
                    Some(Nid::SECP384R1) => Ok(Self::Ec(48)),
                    _ => Err(KeyError::Curve),
                }
            }
            _ => Err(KeyError::Kind),
        }
    }

    fn suits(self, algorithm: SignatureAlgorithm) -> bool {
        matches!(self, Self::Rsa) == algorithm.is_rsa()
    }

    /// The algorithms of such keys, the usual one first: an elliptic curve goes with the hash of its own length.
    const fn algorithms(self) -> &'static [SignatureAlgorithm] {
        match self {
            Self::Rsa => &[SignatureAlgorithm::RsaSha256, SignatureAlgorithm::RsaSha384, SignatureAlgorithm::RsaSha512],
            Self::Ec(32) => &[SignatureAlgorithm::EcdsaSha256, SignatureAlgorithm::EcdsaSha384],
            Self::Ec(_) => &[SignatureAlgorithm::EcdsaSha384, SignatureAlgorithm::EcdsaSha256],
        }
    }
}

/// A public key, registered by metadata, that may verify signatures.
#[derive(Clone)]
pub struct VerificationKey {
    key: Arc<PreparedKey<Public>>,
    kind: Kind,
    fingerprint: KeyFingerprint,
}

impl VerificationKey {
    /// The key in a certificate. The certificate is a container: its dates, names and issuer do not matter
    /// (SAML V2.0 Metadata Interoperability Profile §2.5).
    ///
    /// # Errors
    /// [`KeyError`] for octets that are no certificate, and for keys that are too short or of another kind.
    pub fn from_certificate_der(der: &[u8]) -> Result<Self, KeyError> {
        Self::new(X509::from_der(der)?.public_key()?)
    }

    /// The key in a DER `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_public_key_der(der: &[u8]) -> Result<Self, KeyError> {
        Self::new(PKey::public_key_from_der(der)?)
    }

    fn new(key: PKey<Public>) -> Result<Self, KeyError> {
        let kind = Kind::of(&key)?;
        let fingerprint = KeyFingerprint(sha256(&key.public_key_to_der()?));
        Ok(Self { key: Arc::new(PreparedKey::new(key)), kind, fingerprint })
    }

    /// Names the key.
    #[must_use]
    pub fn fingerprint(&self) -> KeyFingerprint {
        self.fingerprint
    }

    /// Whether the key can make signatures of this algorithm at all.
    #[must_use]
    pub fn suits(&self, algorithm: SignatureAlgorithm) -> bool {
        self.kind.suits(algorithm)
    }

    /// Whether this key made `signature` (XML Signature form) over `octets`. Every failure on the way is a no.
    pub(super) fn verifies(&self, algorithm: SignatureAlgorithm, octets: &[u8], signature: &[u8]) -> bool {
        if !self.suits(algorithm) {
            return false;
        }
        let verified = hash(algorithm.digest().message_digest(), octets).and_then(|digest| match self.kind {
            Kind::Rsa => self.key.verify(algorithm, &digest, signature),
            Kind::Ec(length) => match ecdsa_from_xml(signature, length)? {
                Some(signature) => self.key.verify(algorithm, &digest, &signature.to_der()?),
                None => Ok(false),
            },
        });
        verified.unwrap_or(false)
    }
}

impl PartialEq for VerificationKey {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl Eq for VerificationKey {}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerificationKey({}, {:?})", self.fingerprint, self.kind)
    }
}

/// XML Signature §6.4.3: r and s, each as long as the curve's order, one after the other.
fn ecdsa_from_xml(signature: &[u8], length: usize) -> Result<Option<EcdsaSig>, ErrorStack> {
    if signature.len() != 2 * length {
        return Ok(None);
    }
    let (r, s) = signature.split_at(length);
    EcdsaSig::from_private_components(BigNum::from_slice(r)?, BigNum::from_slice(s)?).map(Some)
}

/// The same outwards.
fn ecdsa_to_xml(signature: &EcdsaSig, length: usize) -> Result<Vec<u8>, ErrorStack> {
    let pad_to = i32::try_from(length).unwrap_or(0);
    let mut xml_form = signature.r().to_vec_padded(pad_to)?;
    xml_form.extend_from_slice(&signature.s().to_vec_padded(pad_to)?);
    Ok(xml_form)
}

/// The signing key could not be used: it is out of reach, or it failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the signing key could not be used: {0}")]
pub struct SigningFailed(pub String);

/// Makes signatures. Whether the private key is in memory, in a security module or behind a network is its own affair: nobody else
/// sees it. A signature may take long, so callers make it where nobody else waits; an adapter may block until its answer is there.
pub trait Signer: Send + Sync {
    /// The algorithm of every signature that it makes, unless another is asked for.
    fn algorithm(&self) -> SignatureAlgorithm;

    /// All algorithms that its key can make, the preferred first.
    fn algorithms(&self) -> &[SignatureAlgorithm];

    /// The length of its key in bits: of an RSA key its modulus, of an elliptic one its order.
    fn key_bits(&self) -> u32;

    /// A name for the key, stable over restarts, for logs and the disclosure ledger.
    fn key_id(&self) -> &str;

    /// The certificate (DER) that carries the public key, as published in metadata.
    fn certificate_der(&self) -> &[u8];

    /// The public key in that certificate, by which what was signed is read back. A signer that signs much keeps it: OpenSSL
    /// takes as long to read a key as to sign with it.
    ///
    /// # Errors
    /// The certificate holds no usable key.
    fn verification_key(&self) -> Result<VerificationKey, KeyError> {
        VerificationKey::from_certificate_der(self.certificate_der())
    }

    /// Hashes and signs `octets` by one of [`Self::algorithms`]. The signature is in XML Signature form: for ECDSA, r and s at
    /// full length.
    ///
    /// # Errors
    /// [`SigningFailed`], and nothing may leave unsigned then; also for an algorithm that is not one of its own.
    fn sign_by(&self, algorithm: SignatureAlgorithm, octets: &[u8]) -> Result<Vec<u8>, SigningFailed>;

    /// The same by [`Self::algorithm`].
    ///
    /// # Errors
    /// As [`Self::sign_by`].
    fn sign(&self, octets: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        self.sign_by(self.algorithm(), octets)
    }
}

/// A signer whose signatures are of another algorithm than its usual one, for those who take no other.
pub struct SignerBy {
    signer: Arc<dyn Signer>,
    algorithm: SignatureAlgorithm,
}

impl SignerBy {
    /// The same key with this algorithm, which must be one of its own: signing fails otherwise.
    #[must_use]
    pub fn with(signer: &Arc<dyn Signer>, algorithm: SignatureAlgorithm) -> Arc<dyn Signer> {
        if signer.algorithm() == algorithm {
            Arc::clone(signer)
        } else {
            Arc::new(Self { signer: Arc::clone(signer), algorithm })
        }
    }
}

impl Signer for SignerBy {
    fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    fn algorithms(&self) -> &[SignatureAlgorithm] {
        self.signer.algorithms()
    }

    fn key_bits(&self) -> u32 {
        self.signer.key_bits()
    }

    fn key_id(&self) -> &str {
        self.signer.key_id()
    }

    fn certificate_der(&self) -> &[u8] {
        self.signer.certificate_der()
    }

    fn verification_key(&self) -> Result<VerificationKey, KeyError> {
        self.signer.verification_key()
    }

    fn sign_by(&self, algorithm: SignatureAlgorithm, octets: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        self.signer.sign_by(algorithm, octets)
    }
}

/// A signing key in memory, parsed once.
pub struct PemSigner {
    key: PreparedKey<Private>,
    kind: Kind,
    algorithm: SignatureAlgorithm,
    key_id: String,
    certificate_der: Vec<u8>,
    verification_key: VerificationKey,
}

impl PemSigner {
    /// A key and its certificate, both PEM. RSA keys sign with RSA-SHA256, P-256 with ECDSA-SHA256, P-384 with
    /// ECDSA-SHA384. The key's name is the first 16 hex digits of its fingerprint.
    ///
    /// # Errors
    /// [`KeyError`], also when the two do not belong together.
    pub fn from_pem(private_key: &[u8], certificate: &[u8]) -> Result<Self, KeyError> {
        // Without a callback OpenSSL would ask the terminal for the passphrase of a sealed key.
        let key = PKey::private_key_from_pem_callback(private_key, |_| Ok(0))?;
        let certificate = X509::from_pem(certificate)?;
        let public_key = certificate.public_key()?;
        if !public_key.public_eq(&key) {
            return Err(KeyError::KeyAndCertificateDiffer);
        }
        let kind = Kind::of(&key)?;
        let algorithm = kind.algorithms().first().copied().ok_or(KeyError::Kind)?;
        let verification_key = VerificationKey::new(public_key)?;
        let key_id = verification_key.fingerprint().short();
        let key = PreparedKey::new(key);
        Ok(Self { key, kind, algorithm, key_id, certificate_der: certificate.to_der()?, verification_key })
    }
}

impl Signer for PemSigner {
    fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    fn algorithms(&self) -> &[SignatureAlgorithm] {
        self.kind.algorithms()
    }

    fn key_bits(&self) -> u32 {
        self.key.key().bits()
    }

    fn key_id(&self) -> &str {
        &self.key_id
    }

    fn certificate_der(&self) -> &[u8] {
        &self.certificate_der
    }

    fn verification_key(&self) -> Result<VerificationKey, KeyError> {
        Ok(self.verification_key.clone())
    }

    fn sign_by(&self, algorithm: SignatureAlgorithm, octets: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        if !self.kind.suits(algorithm) {
            return Err(SigningFailed(KeyError::Kind.to_string()));
        }
        let signed = hash(algorithm.digest().message_digest(), octets).and_then(|digest| {
            let signature = self.key.sign(algorithm, &digest)?;
            match self.kind {
                Kind::Rsa => Ok(signature),
                Kind::Ec(length) => ecdsa_to_xml(&EcdsaSig::from_der(&signature)?, length),
            }
        });
        signed.map_err(|error| SigningFailed(error.to_string()))
    }
}

/// Names the key, shows nothing of it.
impl fmt::Debug for PemSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PemSigner")
            .field("key_id", &self.key_id)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}
