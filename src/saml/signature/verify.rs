//! Verifying enveloped signatures: shape first, then the signature, then the digest.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use openssl::hash::hash;

use super::{
    DigestAlgorithm, SignatureAlgorithm, SignatureError, SignaturePosition, VerificationKey, VerifiedElement,
    redirect::verify_with_any, uri,
};
use crate::saml::{
    DeniedAlgorithms,
    c14n::canonicalize,
    xml::{Element, is_nc_name, is_space, ns},
};

/// Prefixes in a `PrefixList`; real ones have one or two.
const MOST_PREFIXES: usize = 24;

/// Verifies the enveloped signature of `element` with one of `keys`, by whichever algorithms of the closed lists.
///
/// # Errors
/// [`SignatureError::Absent`] if there is none; else whatever is wrong with it. Nothing of the element may be believed then.
pub fn verify_enveloped<'d>(
    element: Element<'d>,
    position: SignaturePosition,
    keys: &[VerificationKey],
) -> Result<VerifiedElement<'d>, SignatureError> {
    verify_enveloped_except(element, position, keys, DeniedAlgorithms::NONE)
}

/// The same of a message that came to us, where the operator denies algorithms.
///
/// # Errors
/// As [`verify_enveloped`].
pub(in crate::saml) fn verify_enveloped_except<'d>(
    element: Element<'d>,
    position: SignaturePosition,
    keys: &[VerificationKey],
    denied: DeniedAlgorithms,
) -> Result<VerifiedElement<'d>, SignatureError> {
    let signature = find_signature(element, position)?;
    let parts = SignatureParts::read(signature, denied)?;
    let reference = Reference::read(parts.signed_info, denied)?;

    // The reference must be to the element that will be read. The reader has made sure that no other has the same ID.
    let id = element.attribute("ID").ok_or(SignatureError::ForeignReference)?;
    if !is_nc_name(id) || reference.uri.strip_prefix('#') != Some(id) {
        return Err(SignatureError::ForeignReference);
    }

    // The signature before the digest: without a trusted key nobody makes us hash the document.
    let signed_info = canonicalize(parts.signed_info, None, &parts.prefixes);
    let proof = verify_with_any(signed_info.as_bytes(), parts.algorithm, &parts.value, keys)?;

    let octets = canonicalize(element, Some(signature), &reference.prefixes);
    let digest =
        hash(reference.digest.message_digest(), octets.as_bytes()).map_err(|_| SignatureError::DigestMismatch)?;
    if digest.len() != reference.value.len() || !openssl::memcmp::eq(&digest, &reference.value) {
        return Err(SignatureError::DigestMismatch);
    }
    Ok(VerifiedElement { element, proof })
}

/// The one signature that is a child of the element, at its place.
fn find_signature<'d>(element: Element<'d>, position: SignaturePosition) -> Result<Element<'d>, SignatureError> {
    let mut signatures = element.children().filter(|child| child.is(ns::DSIG, "Signature"));
    let signature = signatures.next().ok_or(SignatureError::Absent)?;
    if signatures.next().is_some() {
        return Err(SignatureError::Several);
    }
    let mut children = element.children();
    if position == SignaturePosition::AfterIssuer && !children.next().is_some_and(|c| c.is(ns::ASSERTION, "Issuer")) {
        return Err(SignatureError::Misplaced);
    }
    if children.next().is_some_and(|child| child.same_node(signature)) {
        Ok(signature)
    } else {
        Err(SignatureError::Misplaced)
    }
}

/// `ds:Signature` and the first half of `ds:SignedInfo`.
struct SignatureParts<'d> {
    signed_info: Element<'d>,
    prefixes: Vec<&'d str>,
    algorithm: SignatureAlgorithm,
    value: Vec<u8>,
}

impl<'d> SignatureParts<'d> {
    fn read(signature: Element<'d>, denied: DeniedAlgorithms) -> Result<Self, SignatureError> {
        if signature.children().any(|child| child.is(ns::DSIG, "Object")) {
            return Err(SignatureError::ObjectRefused);
        }
        let mut parts = Parts::of(signature, &["Id"])?;
        let signed_info = parts.take("SignedInfo", "ds:SignedInfo must come first in ds:Signature")?;
        let value = parts.take("SignatureValue", "ds:SignatureValue must follow ds:SignedInfo")?;
        // A hint that is never looked at.
        parts.take_optional("KeyInfo");
        parts.end("only SignedInfo, SignatureValue and KeyInfo may stand in ds:Signature")?;

        let mut parts = Parts::of(signed_info, &["Id"])?;
        let canonicalization =
            parts.take("CanonicalizationMethod", "ds:CanonicalizationMethod must come first in ds:SignedInfo")?;
        let method = parts.take("SignatureMethod", "ds:SignatureMethod must follow ds:CanonicalizationMethod")?;

        let canonicalization_uri = algorithm_of(canonicalization)?;
        if canonicalization_uri != uri::EXC_C14N {
            return Err(SignatureError::Canonicalization(short(canonicalization_uri)));
        }
        let algorithm = denied.signature(algorithm_of(method)?)?;
        Parts::of(method, &["Algorithm"])?.end("parameters in ds:SignatureMethod are not accepted")?;
        Ok(Self {
            signed_info,
            prefixes: inclusive_prefixes(canonicalization)?,
            algorithm,
            value: base64_of(value, &["Id"])?,
        })
    }
}

/// The one `ds:Reference`.
struct Reference<'d> {
    uri: &'d str,
    prefixes: Vec<&'d str>,
    digest: DigestAlgorithm,
    value: Vec<u8>,
}

impl<'d> Reference<'d> {
    fn read(signed_info: Element<'d>, denied: DeniedAlgorithms) -> Result<Self, SignatureError> {
        let mut references = signed_info.children().skip(2);
        let reference = match (references.next(), references.next()) {
            (Some(reference), None) if reference.is(ns::DSIG, "Reference") => reference,
            _ => return Err(SignatureError::SeveralReferences),
        };
        let mut parts = Parts::of(reference, &["Id", "URI"])?;
        let transforms = parts.take("Transforms", "ds:Transforms must come first in ds:Reference")?;
        let method = parts.take("DigestMethod", "ds:DigestMethod must follow ds:Transforms")?;
        let value = parts.take("DigestValue", "ds:DigestValue must follow ds:DigestMethod")?;
        parts.end("only Transforms, DigestMethod and DigestValue may stand in ds:Reference")?;

        let prefixes = read_transforms(transforms)?;
        let digest = denied.digest(algorithm_of(method)?)?;
        Parts::of(method, &["Algorithm"])?.end("parameters in ds:DigestMethod are not accepted")?;
        Ok(Self {
            uri: reference.attribute("URI").ok_or(SignatureError::ForeignReference)?,
            prefixes,
            digest,
            value: base64_of(value, &[])?,
        })
    }
}

/// Exactly enveloped-signature, then exclusive C14N (SAML core §5.4.4); the prefixes of the latter.
fn read_transforms(transforms: Element<'_>) -> Result<Vec<&str>, SignatureError> {
    let mut parts = Parts::of(transforms, &[])?;
    let enveloped = parts.take("Transform", "ds:Transforms must hold ds:Transform")?;
    if algorithm_of(enveloped)? != uri::ENVELOPED {
        return Err(SignatureError::Transform(short(algorithm_of(enveloped)?)));
    }
    Parts::of(enveloped, &["Algorithm"])?.end("parameters of enveloped-signature are not accepted")?;
    let c14n = parts.take("Transform", "two transforms are expected, enveloped-signature and exclusive C14N")?;
    if algorithm_of(c14n)? != uri::EXC_C14N {
        return Err(SignatureError::Transform(short(algorithm_of(c14n)?)));
    }
    if let Some(more) = parts.take_optional("Transform") {
        return Err(SignatureError::Transform(short(algorithm_of(more)?)));
    }
    parts.end("only ds:Transform may stand in ds:Transforms")?;
    inclusive_prefixes(c14n)
}

/// The `PrefixList` of `ec:InclusiveNamespaces`, the only parameter of exclusive C14N.
fn inclusive_prefixes(method: Element<'_>) -> Result<Vec<&str>, SignatureError> {
    let mut parts = Parts::of(method, &["Algorithm"])?;
    let Some(list) = parts.take_any() else { return Ok(Vec::new()) };
    if !list.is(ns::EXC_C14N, "InclusiveNamespaces") {
        return Err(malformed(list, "only ec:InclusiveNamespaces may be a parameter of exclusive C14N"));
    }
    parts.end("only one ec:InclusiveNamespaces is expected")?;
    Parts::of(list, &["PrefixList"])?.end("ec:InclusiveNamespaces must be empty")?;
    // By the schema it may be absent, and any white space parts it. libxmlsec1 refuses the one, and of the other it reads
    // each second space as the default namespace: what verifiers digest differently is not accepted.
    let prefixes: Vec<&str> = match list.attribute("PrefixList") {
        Some("") => Vec::new(),
        // One more than may be tells that there are too many.
        Some(prefixes) => prefixes.split(' ').take(MOST_PREFIXES + 1).collect(),
        None => return Err(malformed(list, "the PrefixList is missing")),
    };
    if prefixes.len() > MOST_PREFIXES || prefixes.iter().any(|prefix| *prefix != "#default" && !is_nc_name(prefix)) {
        return Err(malformed(list, "the PrefixList is malformed or too long"));
    }
    Ok(prefixes)
}

fn algorithm_of(method: Element<'_>) -> Result<&str, SignatureError> {
    method.attribute("Algorithm").ok_or_else(|| malformed(method, "an Algorithm is missing"))
}

/// Base64 with white space (XML Schema `base64Binary`), nothing else in the element.
fn base64_of(element: Element<'_>, attributes: &[&str]) -> Result<Vec<u8>, SignatureError> {
    check_attributes(element, attributes)?;
    let text: String = element.text()?.chars().filter(|character| !is_space(*character)).collect();
    BASE64.decode(text).ok().filter(|value| !value.is_empty()).ok_or_else(|| malformed(element, "base64 is expected"))
}

fn check_attributes(element: Element<'_>, allowed: &[&str]) -> Result<(), SignatureError> {
    if element.attributes().all(|a| a.namespace().is_empty() && allowed.contains(&a.local_name())) {
        Ok(())
    } else {
        Err(malformed(element, "an attribute that does not belong into a signature"))
    }
}

fn malformed(element: Element<'_>, reason: &'static str) -> SignatureError {
    SignatureError::Malformed { line: element.line(), reason }
}

fn short(uri: &str) -> String {
    uri.chars().take(128).collect()
}

/// The child elements of a part of a signature, taken one by one in the schema's order, so that nothing is skipped over.
struct Parts<'d> {
    element: Element<'d>,
    rest: Vec<Element<'d>>,
}

impl<'d> Parts<'d> {
    /// Checks that there are no attributes but these, and, beside child elements, only white space.
    fn of(element: Element<'d>, attributes: &[&str]) -> Result<Self, SignatureError> {
        check_attributes(element, attributes)?;
        if !element.has_only_elements() {
            return Err(malformed(element, "text between the parts of a signature"));
        }
        let mut rest: Vec<_> = element.children().collect();
        rest.reverse();
        Ok(Self { element, rest })
    }

    fn take(&mut self, local: &str, expected: &'static str) -> Result<Element<'d>, SignatureError> {
        self.take_optional(local).ok_or_else(|| malformed(self.element, expected))
    }

    fn take_optional(&mut self, local: &str) -> Option<Element<'d>> {
        self.rest.pop_if(|next| next.is(ns::DSIG, local))
    }

    fn take_any(&mut self) -> Option<Element<'d>> {
        self.rest.pop()
    }

    fn end(self, expected: &'static str) -> Result<(), SignatureError> {
        self.rest.last().map_or(Ok(()), |extra| Err(malformed(*extra, expected)))
    }
}
