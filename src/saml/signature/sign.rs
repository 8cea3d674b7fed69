//! Making enveloped signatures: one hash, one private-key operation, no parsing.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use openssl::hash::hash;

use super::{SignaturePosition, Signer, SigningFailed, uri};
use crate::saml::xml::{Builder, Canonical, WriteError, Written, is_nc_name, ns};

/// Why an element was not signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    /// The key could not be used.
    #[error(transparent)]
    Signer(#[from] SigningFailed),
    /// The element cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Writes `element`, which has an `ID`, with an enveloped signature at its place. The certificate goes along in
/// `ds:KeyInfo` as a hint for the receiver.
///
/// The writer's output is canonical, so the octets without the signature are what its digest is over, and inserting
/// the signature keeps the rest as it is.
///
/// # Errors
/// [`SigningError`]: the element has no usable `ID`, no Issuer where one is expected first, or the signer failed.
pub fn sign_enveloped(
    element: &Builder,
    position: SignaturePosition,
    signer: &dyn Signer,
) -> Result<Canonical, SigningError> {
    sign_written(element, element.write()?, position, signer)
}

/// [`sign_enveloped`] for an element that is written already.
pub(in crate::saml) fn sign_written(
    element: &Builder,
    unsigned: Written,
    position: SignaturePosition,
    signer: &dyn Signer,
) -> Result<Canonical, SigningError> {
    let id = element.get_attribute("ID").filter(|id| is_nc_name(id)).ok_or(WriteError::NotSignable("an ID"))?;

    let algorithm = signer.algorithm();
    let digest = hash(algorithm.digest().message_digest(), unsigned.canonical.as_bytes())
        .map_err(|error| SigningFailed(error.to_string()))?;
    let signed_info = signed_info(id, signer, &BASE64.encode(digest));
    let signature_value = signer.sign(signed_info.canonical()?.as_bytes())?;

    let certificate = Builder::element("ds", ns::DSIG, "X509Certificate").text(BASE64.encode(signer.certificate_der()));
    let signature = Builder::element("ds", ns::DSIG, "Signature")
        .child(signed_info)
        .child(Builder::element("ds", ns::DSIG, "SignatureValue").text(BASE64.encode(signature_value)))
        .child(
            Builder::element("ds", ns::DSIG, "KeyInfo")
                .child(Builder::element("ds", ns::DSIG, "X509Data").child(certificate)),
        )
        .canonical()?;

    let after = match position {
        SignaturePosition::AfterIssuer => Some((ns::ASSERTION, "Issuer")),
        SignaturePosition::First => None,
    };
    Ok(unsigned.insert(element, after, &signature)?)
}

fn signed_info(id: &str, signer: &dyn Signer, digest: &str) -> Builder {
    let method = |name, uri| Builder::element("ds", ns::DSIG, name).attribute("Algorithm", uri);
    let algorithm = signer.algorithm();
    Builder::element("ds", ns::DSIG, "SignedInfo")
        .child(method("CanonicalizationMethod", uri::EXC_C14N))
        .child(method("SignatureMethod", algorithm.uri()))
        .child(
            Builder::element("ds", ns::DSIG, "Reference")
                .attribute("URI", format!("#{id}"))
                .child(
                    Builder::element("ds", ns::DSIG, "Transforms")
                        .child(method("Transform", uri::ENVELOPED))
                        .child(method("Transform", uri::EXC_C14N)),
                )
                .child(method("DigestMethod", algorithm.digest().uri()))
                .child(Builder::element("ds", ns::DSIG, "DigestValue").text(digest)),
        )
}
