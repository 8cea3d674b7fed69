//! Reading back what we are about to send, and comparing it with the plan.
//!
//! The reader is the same strict one that reads what strangers send. Every child and every attribute must be one that
//! the plan names, in its order; so whatever the writer got wrong, by its own fault or by a hostile value, is found before
//! anybody else can see it.

use super::{
    c14n::canonicalize,
    signature::{SignatureError, SignaturePosition, Signer, VerificationKey, verify_enveloped},
    xml::{Document, Element, Limits, XmlError},
};

/// What we wrote is not what we meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadBackError {
    /// The signer's own certificate holds no usable key.
    #[error("the signing key's certificate cannot be used")]
    Certificate,
    /// A part differs from the plan. Its value is not told: it may be personal.
    #[error("what was written differs from the plan at {0}")]
    Differs(&'static str),
    /// Our own signature does not verify.
    #[error("our own signature does not verify: {0}")]
    Signature(#[from] SignatureError),
    /// The strict reader refuses it.
    #[error("the strict reader refuses what was written: {0}")]
    Xml(#[from] XmlError),
}

/// Reads a document that we wrote.
pub(super) fn document(octets: &[u8]) -> Result<Document, ReadBackError> {
    Ok(Document::parse(octets, &Limits::PROTOCOL)?)
}

/// The same of one whose parts are not looked at one by one: written as it is read, it is what was written, octet for octet.
pub(super) fn octet_for_octet(written: &[u8], what: &'static str) -> Result<Document, ReadBackError> {
    let document = document(written)?;
    let is_same = canonicalize(document.root(), None, &[]).as_bytes() == written;
    if is_same { Ok(document) } else { Err(ReadBackError::Differs(what)) }
}

/// The key in our own certificate.
pub(super) fn own_key(signer: &dyn Signer) -> Result<VerificationKey, ReadBackError> {
    signer.verification_key().map_err(|_| ReadBackError::Certificate)
}

/// Verifies our own signature with the key in our own certificate.
///
/// For keys in this process too, though OpenSSL checks what it signs by RSA: it does so with the same key in the same memory, and
/// by ECDSA it checks nothing. A signature that was made wrong by a fault of the machine can tell the private key.
pub(super) fn verify(root: Element<'_>, position: SignaturePosition, signer: &dyn Signer) -> Result<(), ReadBackError> {
    verify_by(root, position, &own_key(signer)?)
}

/// The same with that key.
pub(super) fn verify_by(
    root: Element<'_>,
    position: SignaturePosition,
    key: &VerificationKey,
) -> Result<(), ReadBackError> {
    verify_enveloped(root, position, std::slice::from_ref(key))?;
    Ok(())
}

/// The attributes are these and no others.
pub(super) fn attributes(element: Element<'_>, plan: &[(&'static str, Option<&str>)]) -> Result<(), ReadBackError> {
    for (name, value) in plan {
        if element.attribute(name) != *value {
            return Err(ReadBackError::Differs(name));
        }
    }
    let planned = plan.iter().filter(|(_, value)| value.is_some()).count();
    if element.attributes().count() == planned { Ok(()) } else { Err(ReadBackError::Differs("an attribute too many")) }
}

/// The children of an element, to be asked for in the plan's order.
pub(super) struct Children<'d, I: Iterator<Item = Element<'d>>> {
    rest: I,
}

/// The children of an element that has no text between them.
pub(super) fn children<'d>(
    element: Element<'d>,
) -> Result<Children<'d, impl Iterator<Item = Element<'d>>>, ReadBackError> {
    if element.has_only_elements() {
        Ok(Children { rest: element.children() })
    } else {
        Err(ReadBackError::Differs("text between elements"))
    }
}

/// The same of an element that has no attributes either.
pub(super) fn children_alone<'d>(
    element: Element<'d>,
) -> Result<Children<'d, impl Iterator<Item = Element<'d>>>, ReadBackError> {
    attributes(element, &[])?;
    children(element)
}

impl<'d, I: Iterator<Item = Element<'d>>> Children<'d, I> {
    /// The next child, which must have this name.
    pub(super) fn next(&mut self, namespace: &str, local: &'static str) -> Result<Element<'d>, ReadBackError> {
        self.rest.next().filter(|child| child.is(namespace, local)).ok_or(ReadBackError::Differs(local))
    }

    /// The next child, whose name is looked at elsewhere.
    pub(super) fn next_of_any_name(&mut self) -> Result<Element<'d>, ReadBackError> {
        self.rest.next().ok_or(ReadBackError::Differs("an element too few"))
    }

    /// The next child, which must have this name, this text, and no attributes.
    pub(super) fn next_text(&mut self, namespace: &str, local: &'static str, plan: &str) -> Result<(), ReadBackError> {
        let child = self.next(namespace, local)?;
        attributes(child, &[])?;
        text(child, local, plan)
    }

    /// There is no further child.
    pub(super) fn end(mut self) -> Result<(), ReadBackError> {
        if self.rest.next().is_none() { Ok(()) } else { Err(ReadBackError::Differs("an element too many")) }
    }
}

/// The text is this.
pub(super) fn text(element: Element<'_>, what: &'static str, plan: &str) -> Result<(), ReadBackError> {
    if element.text()? == plan { Ok(()) } else { Err(ReadBackError::Differs(what)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_otherwise_than_it_was_written_is_noticed() {
        assert!(octet_for_octet(b"<a b=\"1\"></a>", "a").is_ok());
        for other in ["<a  b=\"1\"></a>", "<a b='1'></a>", "<a b=\"1\"/>", "<a b=\"1\"></a>\n", "<a b=\"&#49;\"></a>"] {
            let found = octet_for_octet(other.as_bytes(), "a").err();
            assert_eq!(found, Some(ReadBackError::Differs("a")), "{other}");
        }
    }
}
