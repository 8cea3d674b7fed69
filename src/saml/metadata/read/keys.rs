//! The keys that a role registers, whichever role it is, and the algorithms that go with them.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};

use super::super::error::Found;
use super::super::fields::{Read, of_name, required_attribute, text};
use super::super::{
    DeclaredEncryptionMethod, DeclaredSigningMethod, MetadataError, MetadataFault, RegisteredEncryptionKey,
};
use super::namesake;
use crate::saml::{
    encryption::EncryptionKey,
    peer::{KeyPurpose, PassedOverKey, PeerKeys},
    signature::{CertificatePeriod, KeyError, VerificationKey},
    xml::{Element, is_space, ns},
};

/// The keys of a role, and the algorithms that it or its entity lists.
pub(super) fn read<'d>(entity: Element<'d>, role: Element<'d>, found: &mut Found) -> PeerKeys {
    let mut keys = PeerKeys::default();
    for descriptor in of_name(role, ns::METADATA, "KeyDescriptor") {
        found.keep(key(descriptor, &mut keys));
    }
    // Without a key that signs, the one that we do not use is the fault, not an extra.
    if keys.signing.is_empty()
        && let Some(only) = keys.passed_over.iter().find(|key| key.purpose == KeyPurpose::Signing)
    {
        found.add(MetadataError { line: only.line, reason: only.reason.clone().into() });
    }
    keys.signing_methods = algorithm_support(entity, role, "SigningMethod", found)
        .into_iter()
        .filter_map(|element| found.keep(signing_method(element)))
        .collect();
    keys.digest_methods = algorithm_support(entity, role, "DigestMethod", found)
        .into_iter()
        .filter_map(|element| found.keep(required_attribute(element, "alg:DigestMethod", "Algorithm")))
        .map(str::to_owned)
        .collect();
    keys
}

/// Adds the key of a descriptor to the others. One of a kind that we do not use is passed over: another may serve.
fn key(descriptor: Element<'_>, keys: &mut PeerKeys) -> Read<()> {
    // SAML Metadata §2.4.1.1: without `use` the key serves for both.
    let (for_signing, for_encryption) = match descriptor.attribute("use") {
        None => (true, true),
        Some("signing") => (true, false),
        Some("encryption") => (false, true),
        Some(_) => return Err(MetadataError::at(descriptor, MetadataFault::KeyUse)),
    };
    let (certificate, at) = certificate_of(descriptor)?;
    let fault = |error: KeyError| MetadataError::at(at, error.into());
    let passed_over = |purpose, reason| PassedOverKey { line: at.line(), purpose, reason };
    let verifying = match VerificationKey::from_certificate_der(&certificate) {
        Ok(key) => key,
        Err(reason @ (KeyError::Curve | KeyError::Kind)) => {
            keys.passed_over.push(if for_signing {
                passed_over(KeyPurpose::Signing, reason)
            } else {
                passed_over(KeyPurpose::Encryption, KeyError::NotForEncryption)
            });
            return Ok(());
        }
        Err(error) => return Err(fault(error)),
    };
    let fingerprint = verifying.fingerprint();
    let end = (fingerprint, CertificatePeriod::of(&certificate).map_err(fault)?.ends_at);
    if !keys.certificate_ends.contains(&end) {
        keys.certificate_ends.push(end);
    }
    if for_encryption && !keys.encryption.iter().any(|known| known.fingerprint == fingerprint) {
        match EncryptionKey::from_certificate_der(&certificate) {
            Ok(key) => {
                let methods = of_name(descriptor, ns::METADATA, "EncryptionMethod")
                    .map(encryption_method)
                    .collect::<Read<_>>()?;
                keys.encryption.push(RegisteredEncryptionKey { key, fingerprint, methods });
            }
            // An elliptic key that may be used for both still signs, and that is what it is there for.
            Err(KeyError::NotForEncryption) if for_signing => {}
            Err(reason @ KeyError::NotForEncryption) => {
                keys.passed_over.push(passed_over(KeyPurpose::Encryption, reason));
            }
            Err(error) => return Err(fault(error)),
        }
    }
    if for_signing && !keys.signing.contains(&verifying) {
        keys.signing.push(verifying);
    }
    Ok(())
}

fn encryption_method(element: Element<'_>) -> Read<DeclaredEncryptionMethod> {
    // A child without an algorithm names none that anybody knows.
    let of_child = |namespace: &str, local: &str| {
        element.child(namespace, local).map(|child| child.attribute("Algorithm").unwrap_or("").to_owned())
    };
    Ok(DeclaredEncryptionMethod {
        algorithm: required_attribute(element, "EncryptionMethod", "Algorithm")?.to_owned(),
        digest: of_child(ns::DSIG, "DigestMethod"),
        mask: of_child(ns::XMLENC11, "MGF"),
        key_bits: element.only_child(ns::XMLENC, "KeySize")?.map(key_size).transpose()?,
    })
}

/// A number of bits, which is neither signed nor nothing.
fn key_size(element: Element<'_>) -> Read<u32> {
    let written = text(element)?;
    let digits = written.bytes().all(|octet| octet.is_ascii_digit());
    let bits = written.parse().ok().filter(|bits| digits && *bits > 0);
    bits.ok_or_else(|| MetadataError::at(element, MetadataFault::KeySize("xenc:KeySize")))
}

/// What `md:Extensions` lists of this kind: what the role says goes before what the entity says (SAML Metadata Profile for
/// Algorithm Support §2.3).
fn algorithm_support<'d>(entity: Element<'d>, role: Element<'d>, local: &str, found: &mut Found) -> Vec<Element<'d>> {
    for place in [role, entity] {
        let extensions = found.keep(place.only_child(ns::METADATA, "Extensions").map_err(Into::into)).flatten();
        let listed: Vec<_> = extensions.into_iter().flat_map(|all| of_name(all, ns::ALG, local)).collect();
        if !listed.is_empty() {
            return listed;
        }
    }
    Vec::new()
}

fn signing_method(element: Element<'_>) -> Read<DeclaredSigningMethod> {
    let bits = |attribute: &'static str| {
        let read = |text: &str| {
            text.trim_matches(is_space)
                .parse()
                .map_err(|_| MetadataError::at(element, MetadataFault::KeySize(attribute)))
        };
        element.attribute(attribute).map(read).transpose()
    };
    Ok(DeclaredSigningMethod {
        algorithm: required_attribute(element, "alg:SigningMethod", "Algorithm")?.to_owned(),
        min_key_bits: bits("MinKeySize")?,
        max_key_bits: bits("MaxKeySize")?,
    })
}

/// The certificate of a key descriptor, DER, and where it stands.
fn certificate_of(descriptor: Element<'_>) -> Read<(Vec<u8>, Element<'_>)> {
    let key_info = descriptor.only_child(ns::DSIG, "KeyInfo")?.ok_or_else(|| {
        namesake(descriptor, "KeyDescriptor", ns::DSIG, "KeyInfo", "ds:KeyInfo").unwrap_or_else(|| {
            let fault = MetadataFault::MissingElement { element: "ds:KeyInfo", parent: "KeyDescriptor" };
            MetadataError::at(descriptor, fault)
        })
    })?;
    let mut certificates =
        of_name(key_info, ns::DSIG, "X509Data").flat_map(|data| of_name(data, ns::DSIG, "X509Certificate"));
    // SAML Metadata Interoperability Profile §2.5.1: several would have to carry the same key.
    let (Some(certificate), 0) = (certificates.next(), certificates.clone().count()) else {
        let data = || of_name(key_info, ns::DSIG, "X509Data");
        let misnamed = namesake(key_info, "ds:KeyInfo", ns::DSIG, "X509Data", "ds:X509Data").or_else(|| {
            data().find_map(|data| namesake(data, "ds:X509Data", ns::DSIG, "X509Certificate", "ds:X509Certificate"))
        });
        let count = data().flat_map(|data| of_name(data, ns::DSIG, "X509Certificate")).count();
        let counted = || MetadataError::at(key_info, MetadataFault::Certificates(count));
        return Err(misnamed.filter(|_| count == 0).unwrap_or_else(counted));
    };
    let text: String = certificate.text()?.chars().filter(|c| !is_space(*c)).collect();
    let der = BASE64.decode(text).map_err(|_| MetadataError::at(certificate, MetadataFault::Certificate))?;
    Ok((der, certificate))
}
