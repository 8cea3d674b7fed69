//! Signatures of the HTTP-Redirect binding (SAML bindings §3.4.4.1): over the octets of the query, not over XML.

use super::{SignatureAlgorithm, SignatureError, SignatureVerified, VerificationKey};
use crate::saml::DeniedAlgorithms;

/// Verifies the signature of a redirect, by whichever algorithm of the closed list.
///
/// * `octets`: `SAMLRequest=…[&RelayState=…]&SigAlg=…` exactly as received, still percent-encoded as the sender did it.
/// * `sig_alg`: the value of `SigAlg`, decoded.
/// * `signature`: the value of `Signature`, decoded from base64.
///
/// # Errors
/// [`SignatureError::Algorithm`] or [`SignatureError::NoKeyVerifies`].
pub fn verify_redirect(
    octets: &[u8],
    sig_alg: &str,
    signature: &[u8],
    keys: &[VerificationKey],
) -> Result<SignatureVerified, SignatureError> {
    verify_redirect_except(octets, sig_alg, signature, keys, DeniedAlgorithms::NONE)
}

/// The same of a message that came to us, where the operator denies algorithms.
///
/// # Errors
/// As [`verify_redirect`].
pub(in crate::saml) fn verify_redirect_except(
    octets: &[u8],
    sig_alg: &str,
    signature: &[u8],
    keys: &[VerificationKey],
    denied: DeniedAlgorithms,
) -> Result<SignatureVerified, SignatureError> {
    verify_with_any(octets, denied.signature(sig_alg)?, signature, keys)
}

/// The one place where a signature value meets the keys, and the only maker of the proof.
pub(super) fn verify_with_any(
    octets: &[u8],
    algorithm: SignatureAlgorithm,
    signature: &[u8],
    keys: &[VerificationKey],
) -> Result<SignatureVerified, SignatureError> {
    let mut tried = 0;
    for key in keys.iter().filter(|key| key.suits(algorithm)) {
        tried += 1;
        if key.verifies(algorithm, octets, signature) {
            return Ok(SignatureVerified { key: key.fingerprint(), algorithm });
        }
    }
    Err(SignatureError::NoKeyVerifies { tried })
}
