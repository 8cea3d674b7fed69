//! Keys and certificates for the tests, made once a run.

use std::sync::{Arc, LazyLock};

use openssl::{
    asn1::Asn1Time,
    bn::BigNum,
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::PKey,
    rsa::Rsa,
    x509::{X509, X509NameBuilder},
};
use signet::saml::signature::{PemSigner, SignatureAlgorithm, Signer, SignerBy, SigningFailed, VerificationKey};

/// A private key with its certificate.
pub struct KeyPair {
    pub private_pem: Vec<u8>,
    pub certificate_pem: Vec<u8>,
    pub certificate_der: Vec<u8>,
}

impl KeyPair {
    pub fn rsa(bits: u32) -> Self {
        Self::certify(&PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap())
    }

    pub fn rsa_with_exponent(exponent: u32) -> Self {
        let exponent = BigNum::from_u32(exponent).unwrap();
        Self::certify(&PKey::from_rsa(Rsa::generate_with_e(2048, &exponent).unwrap()).unwrap())
    }

    pub fn ec(curve: Nid) -> Self {
        let group = EcGroup::from_curve_name(curve).unwrap();
        Self::certify(&PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap())
    }

    pub fn p521() -> Self {
        Self::ec(Nid::SECP521R1)
    }

    pub fn ed25519() -> Self {
        Self::certify_with(&PKey::generate_ed25519().unwrap(), MessageDigest::null())
    }

    /// A certificate that expired long ago: it must not matter.
    fn certify(key: &PKey<openssl::pkey::Private>) -> Self {
        Self::certify_with(key, MessageDigest::sha256())
    }

    fn certify_with(key: &PKey<openssl::pkey::Private>, digest: MessageDigest) -> Self {
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_text("CN", "signet test").unwrap();
        let name = name.build();
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        builder.set_serial_number(&BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap()).unwrap();
        builder.set_subject_name(&name).unwrap();
        builder.set_issuer_name(&name).unwrap();
        builder.set_not_before(&Asn1Time::from_unix(1_000_000_000).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::from_unix(1_000_086_400).unwrap()).unwrap();
        builder.set_pubkey(key).unwrap();
        builder.sign(key, digest).unwrap();
        let certificate = builder.build();
        Self {
            private_pem: key.private_key_to_pem_pkcs8().unwrap(),
            certificate_pem: certificate.to_pem().unwrap(),
            certificate_der: certificate.to_der().unwrap(),
        }
    }

    pub fn signer(&self) -> PemSigner {
        PemSigner::from_pem(&self.private_pem, &self.certificate_pem).unwrap()
    }

    pub fn signer_by(&self, algorithm: SignatureAlgorithm) -> Arc<dyn Signer> {
        SignerBy::with(&(Arc::new(self.signer()) as Arc<dyn Signer>), algorithm)
    }

    pub fn verification_key(&self) -> VerificationKey {
        VerificationKey::from_certificate_der(&self.certificate_der).unwrap()
    }
}

/// A signer whose certificate is another key's.
pub fn miscertified() -> impl Signer {
    struct Miscertified(PemSigner);

    impl Signer for Miscertified {
        fn algorithm(&self) -> SignatureAlgorithm {
            self.0.algorithm()
        }

        fn algorithms(&self) -> &[SignatureAlgorithm] {
            self.0.algorithms()
        }

        fn key_bits(&self) -> u32 {
            self.0.key_bits()
        }

        fn key_id(&self) -> &str {
            self.0.key_id()
        }

        fn certificate_der(&self) -> &[u8] {
            &OTHER_RSA.certificate_der
        }

        fn sign_by(&self, algorithm: SignatureAlgorithm, octets: &[u8]) -> Result<Vec<u8>, SigningFailed> {
            self.0.sign_by(algorithm, octets)
        }
    }

    Miscertified(RSA.signer())
}

pub static RSA: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::rsa(2048));
pub static OTHER_RSA: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::rsa(2048));
pub static P256: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::ec(Nid::X9_62_PRIME256V1));
pub static P384: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::ec(Nid::SECP384R1));
