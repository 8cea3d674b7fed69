//! Makes a signing or decryption key and the self-signed certificate that carries its public half in metadata.
//!
//! In SAML metadata a certificate is a container for a key: nobody checks who issued it or when it ends. Ours still
//! says when it was made and names the service, since people read it.

use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, KeyUsage, SubjectKeyIdentifier};
use openssl::x509::{X509, X509NameBuilder};
use time::UtcDateTime;

/// Which kind of signing key to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SigningKeyKind {
    /// ECDSA on P-256: the quickest to make and to sign with; some older services do not take it.
    EcP256,
    /// RSA with 2048 bits: every service takes it.
    #[default]
    Rsa2048,
    /// RSA with 3072 bits: 128-bit strength, at about a third of the speed.
    Rsa3072,
}

/// What a key is for, as its certificate says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyUse {
    /// It opens the keys of encrypted content.
    Decryption,
    /// It signs.
    Signing,
}

/// A private key and its certificate.
pub(super) struct KeyWithCertificate {
    pub(super) key: PKey<Private>,
    pub(super) certificate: X509,
}

/// Makes a key and a certificate for it, valid from `now` for `years`.
pub(super) fn generate(
    kind: SigningKeyKind,
    use_: KeyUse,
    common_name: &str,
    now: UtcDateTime,
    years: i64,
    serial: [u8; 16],
) -> Result<KeyWithCertificate, ErrorStack> {
    let key = match kind {
        SigningKeyKind::EcP256 => {
            let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
            PKey::from_ec_key(EcKey::generate(&group)?)?
        }
        SigningKeyKind::Rsa2048 => PKey::from_rsa(Rsa::generate(2048)?)?,
        SigningKeyKind::Rsa3072 => PKey::from_rsa(Rsa::generate(3072)?)?,
    };
    let certificate = self_signed(&key, use_, common_name, now, years, serial)?;
    Ok(KeyWithCertificate { key, certificate })
}

fn self_signed(
    key: &PKey<Private>,
    use_: KeyUse,
    common_name: &str,
    now: UtcDateTime,
    years: i64,
    mut serial: [u8; 16],
) -> Result<X509, ErrorStack> {
    // RFC 5280, 4.1.2.2: a positive integer of at most 20 octets.
    if let Some(first) = serial.first_mut() {
        *first = (*first & 0x7f) | 0x40;
    }
    let mut name = X509NameBuilder::new()?;
    // An X.520 common name has at most 64 characters.
    let common_name: String = common_name.chars().take(64).collect();
    name.append_entry_by_nid(Nid::COMMONNAME, &common_name)?;
    let name = name.build();
    let begins = now.unix_timestamp();
    let ends = begins.saturating_add(years.saturating_mul(31_557_600));

    let mut certificate = X509::builder()?;
    certificate.set_version(2)?;
    let serial = Asn1Integer::from_bn(BigNum::from_slice(&serial)?.as_ref())?;
    certificate.set_serial_number(&serial)?;
    certificate.set_subject_name(&name)?;
    certificate.set_issuer_name(&name)?;
    certificate.set_not_before(Asn1Time::from_unix(begins)?.as_ref())?;
    certificate.set_not_after(Asn1Time::from_unix(ends)?.as_ref())?;
    certificate.set_pubkey(key)?;
    certificate.append_extension(BasicConstraints::new().critical().build()?)?;
    let mut usage = KeyUsage::new();
    match use_ {
        KeyUse::Decryption => usage.critical().key_encipherment(),
        KeyUse::Signing => usage.critical().digital_signature(),
    };
    certificate.append_extension(usage.build()?)?;
    let identifier = SubjectKeyIdentifier::new().build(&certificate.x509v3_context(None, None))?;
    certificate.append_extension(identifier)?;
    certificate.sign(key, MessageDigest::sha256())?;
    Ok(certificate.build())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::utc_datetime;

    #[test]
    fn a_certificate_verifies_with_its_own_key_and_begins_now() {
        for kind in [SigningKeyKind::EcP256, SigningKeyKind::Rsa2048] {
            let now = utc_datetime!(2026-11-24 12:00);
            let made = generate(kind, KeyUse::Signing, "signet.example.gov", now, 3, [0xff; 16]).unwrap();
            let public = made.certificate.public_key().unwrap();
            assert!(made.certificate.verify(&public).unwrap());
            assert!(made.key.public_eq(&public));
            let begins = Asn1Time::from_unix(now.unix_timestamp()).unwrap();
            assert!(made.certificate.not_before() == begins);
        }
    }
}
