//! The assertion: what we state about a person, to one service, in answer to one request (SAML Core §2.3.3, SAML
//! Profiles §4.1.4.2).
//!
//! An [`Assertion`] is a plan that nobody outside this crate can make, and within it `federation`'s gate alone does.
//! It is written down once and signed ([`Assertion::sign`]). Before it leaves it is read back and compared with the plan, once:
//! by [`SignedAssertion::encrypt`], which then hides it from all but its receiver, or within the answer around it, which is
//! [`super::response`]'s. What may be in it was decided before.

use std::fmt;

use time::UtcDateTime;
use zeroize::Zeroizing;

use super::{
    AcsLocation, EntityId, MessageId,
    encryption::{EncryptionError, EncryptionKey, EncryptionMethod, EncryptionSeed, encrypt},
    instant,
    read_back::{self, ReadBackError},
    signature::{SignaturePosition, Signer, SigningError, VerificationKey, sign_written},
    xml::{Builder, Canonical, Element, WriteError, Written, ns},
};

/// SAML Profiles §3.3: whoever brings the assertion is its subject.
const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";

/// Everything that an assertion says.
#[derive(Debug, Clone)]
pub struct AssertionParts {
    /// Its identifier, never used before.
    pub id: MessageId,
    /// Who states it: we.
    pub issuer: EntityId,
    /// When.
    pub issue_instant: UtcDateTime,
    /// Of whom.
    pub name_id: NameId,
    /// To whom: the one `Audience`.
    pub audience: EntityId,
    /// Where it may be handed in: `Recipient`, and the response's `Destination`.
    pub recipient: AcsLocation,
    /// The request that it answers.
    pub in_response_to: MessageId,
    /// From when it is valid: a little back, for the receiver's clock.
    pub not_before: UtcDateTime,
    /// From when it is no longer valid, nor its subject confirmed.
    pub not_on_or_after: UtcDateTime,
    /// When the person authenticated.
    pub authn_instant: UtcDateTime,
    /// Names the session towards this service, for single logout.
    pub session_index: String,
    /// When the service's session must end, if it must.
    pub session_not_on_or_after: Option<UtcDateTime>,
    /// How the person authenticated.
    pub authn_context_class_ref: String,
    /// What is released. Empty: the assertion has no attribute statement, since the schema knows no empty one.
    pub attributes: Vec<AssertionAttribute>,
}

/// How the person is named (SAML Core §2.2.3, §8.3).
#[derive(Clone, PartialEq, Eq)]
pub struct NameId {
    kind: NameIdKind,
    value: Zeroizing<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NameIdKind {
    EmailAddress,
    Persistent,
    Transient,
}

impl NameId {
    /// An e-mail address (SAML Core §8.3.2).
    #[must_use]
    pub fn email_address(value: impl Into<String>) -> Self {
        Self { kind: NameIdKind::EmailAddress, value: Zeroizing::new(value.into()) }
    }

    /// A name that lasts, for this service's agency alone (SAML Core §8.3.7). It is qualified by who gave it and for
    /// whom.
    #[must_use]
    pub fn persistent(value: impl Into<String>) -> Self {
        Self { kind: NameIdKind::Persistent, value: Zeroizing::new(value.into()) }
    }

    /// A name of one session's life (SAML Core §8.3.8).
    #[must_use]
    pub fn transient(value: impl Into<String>) -> Self {
        Self { kind: NameIdKind::Transient, value: Zeroizing::new(value.into()) }
    }

    /// A name of the format with this URI, if it is one that we give.
    #[must_use]
    pub fn of_format(format: &str, value: &str) -> Option<Self> {
        [Self::email_address(value), Self::persistent(value), Self::transient(value)]
            .into_iter()
            .find(|name| name.format() == format)
    }

    /// The URI of the format.
    #[must_use]
    pub fn format(&self) -> &'static str {
        match self.kind {
            NameIdKind::EmailAddress => "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
            NameIdKind::Persistent => "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
            NameIdKind::Transient => "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
        }
    }

    /// The name. Personal data.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether the name is good for one session only.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.kind == NameIdKind::Transient
    }

    /// Whether the name is good between us and one service only. An e-mail address means the same everywhere.
    #[must_use]
    pub fn is_qualified(&self) -> bool {
        match self.kind {
            NameIdKind::EmailAddress => false,
            NameIdKind::Persistent | NameIdKind::Transient => true,
        }
    }

    /// `NameQualifier` and `SPNameQualifier`.
    fn qualifiers<'p>(&self, parts: &'p AssertionParts) -> (Option<&'p str>, Option<&'p str>) {
        if self.is_qualified() { (Some(parts.issuer.as_str()), Some(parts.audience.as_str())) } else { (None, None) }
    }
}

/// Says the kind, never the name.
impl fmt::Debug for NameId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NameId({:?})", self.kind)
    }
}

/// One attribute with its values (SAML Core §2.7.3.1).
#[derive(Clone)]
pub struct AssertionAttribute {
    /// `Name`.
    pub name: String,
    /// `NameFormat`.
    pub name_format: String,
    /// `FriendlyName`, which means nothing to a machine.
    pub friendly_name: Option<String>,
    /// The values. Personal data.
    pub values: Vec<Zeroizing<String>>,
}

/// Says which attribute, never its values.
impl fmt::Debug for AssertionAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AssertionAttribute({}, {} values)", self.name, self.values.len())
    }
}

/// A statement that we are about to make. `federation`'s gate alone makes one.
#[derive(Debug)]
pub struct Assertion {
    parts: AssertionParts,
    element: Builder,
    unsigned: Written,
}

impl Assertion {
    /// Writes the plan down, once: what is recorded and what is signed are the same octets. Whoever calls this has checked
    /// that every part of it may be said.
    ///
    /// # Errors
    /// A value holds a character that XML cannot carry.
    pub(crate) fn new(parts: AssertionParts) -> Result<Self, OutboundError> {
        let element = parts.write();
        let unsigned = element.write()?;
        Ok(Self { parts, element, unsigned })
    }

    /// What it says.
    #[must_use]
    pub fn parts(&self) -> &AssertionParts {
        &self.parts
    }

    /// The octets without a signature: what the ledger's keyed digest is made of.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.unsigned.canonical.as_bytes()
    }

    /// Signs it.
    ///
    /// # Errors
    /// [`OutboundError`]: nothing may be sent then.
    pub fn sign(self, signer: &dyn Signer) -> Result<SignedAssertion, OutboundError> {
        let Self { parts, element, unsigned } = self;
        let content = sign_written(&element, unsigned, SignaturePosition::AfterIssuer, signer)?;
        Ok(SignedAssertion(ClearAssertion { parts, content, signed_with: Some(read_back::own_key(signer)?) }))
    }

    /// Leaves it without a signature of its own, for services whose agreement says by name that only the response is
    /// signed. [`super::response::Response`] sees to it that the response then is.
    #[must_use]
    pub fn leave_unsigned(self) -> UnsignedAssertion {
        let Self { parts, unsigned, .. } = self;
        UnsignedAssertion(ClearAssertion { parts, content: unsigned.canonical, signed_with: None })
    }
}

impl AssertionParts {
    fn write(&self) -> Builder {
        let (name_qualifier, sp_name_qualifier) = self.name_id.qualifiers(self);
        let name_id = saml("NameID")
            .attribute("Format", self.name_id.format())
            .optional_attribute("NameQualifier", name_qualifier)
            .optional_attribute("SPNameQualifier", sp_name_qualifier)
            .text(self.name_id.value());
        let confirmation_data = saml("SubjectConfirmationData")
            .attribute("InResponseTo", self.in_response_to.as_str())
            .attribute("NotOnOrAfter", instant::format(self.not_on_or_after))
            .attribute("Recipient", self.recipient.as_str());
        let confirmation = saml("SubjectConfirmation").attribute("Method", BEARER).child(confirmation_data);
        let conditions = saml("Conditions")
            .attribute("NotBefore", instant::format(self.not_before))
            .attribute("NotOnOrAfter", instant::format(self.not_on_or_after))
            .child(saml("AudienceRestriction").child(saml("Audience").text(self.audience.as_str())));
        let authentication = saml("AuthnStatement")
            .attribute("AuthnInstant", instant::format(self.authn_instant))
            .attribute("SessionIndex", &*self.session_index)
            .optional_attribute("SessionNotOnOrAfter", self.session_not_on_or_after.map(instant::format))
            .child(saml("AuthnContext").child(saml("AuthnContextClassRef").text(&*self.authn_context_class_ref)));
        let attributes = (!self.attributes.is_empty())
            .then(|| saml("AttributeStatement").children(self.attributes.iter().map(AssertionAttribute::write)));
        saml("Assertion")
            .attribute("ID", self.id.as_str())
            .attribute("IssueInstant", instant::format(self.issue_instant))
            .attribute("Version", "2.0")
            .child(saml("Issuer").text(self.issuer.as_str()))
            .child(saml("Subject").child(name_id).child(confirmation))
            .child(conditions)
            .child(authentication)
            .optional_child(attributes)
    }
}

impl AssertionAttribute {
    // Without xsi:type: values are texts, and a type would only bring a namespace along.
    fn write(&self) -> Builder {
        saml("Attribute")
            .attribute("Name", &*self.name)
            .attribute("NameFormat", &*self.name_format)
            .optional_attribute("FriendlyName", self.friendly_name.as_deref())
            .children(self.values.iter().map(|value| saml("AttributeValue").text(value.as_str())))
    }

    fn compare(&self, element: Element<'_>) -> Result<(), ReadBackError> {
        read_back::attributes(
            element,
            &[
                ("Name", Some(&self.name)),
                ("NameFormat", Some(&self.name_format)),
                ("FriendlyName", self.friendly_name.as_deref()),
            ],
        )?;
        let mut values = read_back::children(element)?;
        for value in &self.values {
            values.next_text(ns::ASSERTION, "AttributeValue", value)?;
        }
        values.end()
    }
}

impl AssertionParts {
    /// Compares what was read with this plan.
    fn compare(&self, root: Element<'_>, signed: bool) -> Result<(), ReadBackError> {
        let time = |at: UtcDateTime| instant::format(at);
        if !root.is(ns::ASSERTION, "Assertion") {
            return Err(ReadBackError::Differs("Assertion"));
        }
        let issued = time(self.issue_instant);
        read_back::attributes(
            root,
            &[("ID", Some(self.id.as_str())), ("IssueInstant", Some(&issued)), ("Version", Some("2.0"))],
        )?;
        let mut parts = read_back::children(root)?;
        parts.next_text(ns::ASSERTION, "Issuer", self.issuer.as_str())?;
        if signed {
            parts.next(ns::DSIG, "Signature")?;
        }
        self.compare_subject(parts.next(ns::ASSERTION, "Subject")?)?;

        let conditions = parts.next(ns::ASSERTION, "Conditions")?;
        let (from, until) = (time(self.not_before), time(self.not_on_or_after));
        read_back::attributes(conditions, &[("NotBefore", Some(&from)), ("NotOnOrAfter", Some(&until))])?;
        let mut inner = read_back::children(conditions)?;
        let restriction = inner.next(ns::ASSERTION, "AudienceRestriction")?;
        inner.end()?;
        let mut audiences = read_back::children_alone(restriction)?;
        audiences.next_text(ns::ASSERTION, "Audience", self.audience.as_str())?;
        audiences.end()?;

        let statement = parts.next(ns::ASSERTION, "AuthnStatement")?;
        let (at, end) = (time(self.authn_instant), self.session_not_on_or_after.map(time));
        read_back::attributes(
            statement,
            &[
                ("AuthnInstant", Some(&at)),
                ("SessionIndex", Some(&self.session_index)),
                ("SessionNotOnOrAfter", end.as_deref()),
            ],
        )?;
        let mut inner = read_back::children(statement)?;
        let context = inner.next(ns::ASSERTION, "AuthnContext")?;
        inner.end()?;
        let mut classes = read_back::children_alone(context)?;
        classes.next_text(ns::ASSERTION, "AuthnContextClassRef", &self.authn_context_class_ref)?;
        classes.end()?;

        if !self.attributes.is_empty() {
            let statement = parts.next(ns::ASSERTION, "AttributeStatement")?;
            let mut inner = read_back::children_alone(statement)?;
            for attribute in &self.attributes {
                attribute.compare(inner.next(ns::ASSERTION, "Attribute")?)?;
            }
            inner.end()?;
        }
        parts.end()
    }

    fn compare_subject(&self, subject: Element<'_>) -> Result<(), ReadBackError> {
        let mut parts = read_back::children_alone(subject)?;
        let name_id = parts.next(ns::ASSERTION, "NameID")?;
        let (name_qualifier, sp_name_qualifier) = self.name_id.qualifiers(self);
        read_back::attributes(
            name_id,
            &[
                ("Format", Some(self.name_id.format())),
                ("NameQualifier", name_qualifier),
                ("SPNameQualifier", sp_name_qualifier),
            ],
        )?;
        read_back::text(name_id, "NameID", self.name_id.value())?;
        let confirmation = parts.next(ns::ASSERTION, "SubjectConfirmation")?;
        parts.end()?;
        read_back::attributes(confirmation, &[("Method", Some(BEARER))])?;
        let mut inner = read_back::children(confirmation)?;
        let data = inner.next(ns::ASSERTION, "SubjectConfirmationData")?;
        inner.end()?;
        let until = instant::format(self.not_on_or_after);
        read_back::attributes(
            data,
            &[
                ("InResponseTo", Some(self.in_response_to.as_str())),
                ("NotOnOrAfter", Some(&until)),
                ("Recipient", Some(self.recipient.as_str())),
            ],
        )?;
        read_back::text(data, "SubjectConfirmationData", "")
    }
}

fn saml(local: &'static str) -> Builder {
    Builder::element("saml", ns::ASSERTION, local)
}

/// A written assertion with its plan, not read back yet.
#[derive(Debug)]
pub(super) struct ClearAssertion {
    pub(super) parts: AssertionParts,
    pub(super) content: Canonical,
    /// The public key of its signature, if it carries one.
    pub(super) signed_with: Option<VerificationKey>,
}

impl ClearAssertion {
    /// Verifies the signature of what was read, and compares it with the plan.
    pub(super) fn compare(&self, root: Element<'_>) -> Result<(), ReadBackError> {
        if let Some(key) = &self.signed_with {
            read_back::verify_by(root, SignaturePosition::AfterIssuer, key)?;
        }
        self.parts.compare(root, self.signed_with.is_some())
    }

    fn encrypt(
        self,
        key: &EncryptionKey,
        method: impl Into<EncryptionMethod>,
        seed: EncryptionSeed,
    ) -> Result<EncryptedAssertion, OutboundError> {
        // Nobody but its receiver can read it afterwards.
        self.compare(read_back::document(self.content.as_bytes())?.root())?;
        let data = encrypt(&self.content, key, method, seed)?;
        let content = saml("EncryptedAssertion").fragment(&data).canonical()?;
        let AssertionParts { issuer, recipient, in_response_to, .. } = self.parts;
        Ok(EncryptedAssertion { content, issuer, recipient, in_response_to, is_signed: self.signed_with.is_some() })
    }
}

/// An assertion that carries its own signature.
#[derive(Debug)]
pub struct SignedAssertion(pub(super) ClearAssertion);

impl SignedAssertion {
    /// The octets: what digests in records are over.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.content.as_bytes()
    }

    /// Reads it back, compares it with the plan, and encrypts it to its receiver.
    ///
    /// # Errors
    /// [`OutboundError`]: nothing may be sent then, least of all in clear text.
    pub fn encrypt(
        self,
        key: &EncryptionKey,
        method: impl Into<EncryptionMethod>,
        seed: EncryptionSeed,
    ) -> Result<EncryptedAssertion, OutboundError> {
        self.0.encrypt(key, method, seed)
    }
}

/// An assertion that relies on the signature of the response around it.
#[derive(Debug)]
pub struct UnsignedAssertion(pub(super) ClearAssertion);

impl UnsignedAssertion {
    /// The octets: what digests in records are over.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.content.as_bytes()
    }

    /// Reads it back, compares it with the plan, and encrypts it to its receiver.
    ///
    /// # Errors
    /// [`OutboundError`]: nothing may be sent then, least of all in clear text.
    pub fn encrypt(
        self,
        key: &EncryptionKey,
        method: impl Into<EncryptionMethod>,
        seed: EncryptionSeed,
    ) -> Result<EncryptedAssertion, OutboundError> {
        self.0.encrypt(key, method, seed)
    }
}

/// An assertion that only its receiver can read, and the address that it was written for: the response around it takes it from
/// here, so the two cannot differ. It was read back and found to be what was meant.
#[derive(Debug)]
pub struct EncryptedAssertion {
    pub(super) content: Canonical,
    pub(super) issuer: EntityId,
    pub(super) recipient: AcsLocation,
    pub(super) in_response_to: MessageId,
    pub(super) is_signed: bool,
}

/// Why a message of ours was not made. It does not leave.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OutboundError {
    /// It could not be encrypted.
    #[error(transparent)]
    Encryption(#[from] EncryptionError),
    /// Neither the response nor the assertion in it would be signed.
    #[error("neither the response nor its assertion would be signed")]
    NothingSigned,
    /// Read back, it was not what was meant.
    #[error(transparent)]
    ReadBack(#[from] ReadBackError),
    /// It could not be signed.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}
