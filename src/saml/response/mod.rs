//! The answer: a `samlp:Response`, and the form that carries it home (SAML Core §3.3.3, SAML Bindings §3.5).
//!
//! A success takes its address from the assertion inside, so the two cannot differ. A failure has a status and no
//! assertion. Either leaves signed; the one exception, an assertion whose own signature suffices, is asked for by name.
//! All that leaves is read back and compared before it becomes a [`PostForm`], an assertion in clear text with it.
//!
//! [`incoming`] is the other direction: what an identity provider answers that we asked ourselves.

pub mod incoming;
mod status;

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use time::UtcDateTime;

pub use status::{ConsentObtained, NestedStatus, Status, TopStatus};

use super::{
    AcsLocation, EntityId, MessageId, RelayState,
    assertion::{EncryptedAssertion, OutboundError, SignedAssertion, UnsignedAssertion},
    c14n::canonicalize,
    instant,
    read_back::{self, ReadBackError},
    signature::{SignaturePosition, Signer, sign_enveloped},
    xml::{Builder, Canonical, Element, ns},
};

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";

/// An assertion in the form in which it is sent.
#[derive(Debug)]
pub enum SentAssertion {
    /// In clear text, with a signature of its own.
    Signed(SignedAssertion),
    /// In clear text, without one.
    Unsigned(UnsignedAssertion),
    /// For its receiver alone.
    Encrypted(EncryptedAssertion),
}

impl From<SignedAssertion> for SentAssertion {
    fn from(assertion: SignedAssertion) -> Self {
        Self::Signed(assertion)
    }
}

impl From<UnsignedAssertion> for SentAssertion {
    fn from(assertion: UnsignedAssertion) -> Self {
        Self::Unsigned(assertion)
    }
}

impl From<EncryptedAssertion> for SentAssertion {
    fn from(assertion: EncryptedAssertion) -> Self {
        Self::Encrypted(assertion)
    }
}

impl SentAssertion {
    fn canonical(&self) -> &Canonical {
        match self {
            Self::Signed(SignedAssertion(clear)) | Self::Unsigned(UnsignedAssertion(clear)) => &clear.content,
            Self::Encrypted(encrypted) => &encrypted.content,
        }
    }

    fn is_signed(&self) -> bool {
        match self {
            Self::Signed(_) => true,
            Self::Unsigned(_) => false,
            Self::Encrypted(encrypted) => encrypted.is_signed,
        }
    }

    fn address(&self) -> FailureAddress {
        let (issuer, acs, in_response_to) = match self {
            Self::Signed(SignedAssertion(clear)) | Self::Unsigned(UnsignedAssertion(clear)) => {
                (&clear.parts.issuer, &clear.parts.recipient, &clear.parts.in_response_to)
            }
            Self::Encrypted(encrypted) => (&encrypted.issuer, &encrypted.recipient, &encrypted.in_response_to),
        };
        FailureAddress { issuer: issuer.clone(), acs: acs.clone(), in_response_to: in_response_to.clone() }
    }

    /// Compares what was read, which must be of this kind.
    fn compare(&self, element: Element<'_>) -> Result<(), ReadBackError> {
        match self {
            Self::Signed(SignedAssertion(clear)) | Self::Unsigned(UnsignedAssertion(clear)) => clear.compare(element),
            // The assertion was read back before it was encrypted. Here it must be the same, octet for octet.
            Self::Encrypted(encrypted)
                if element.is(ns::ASSERTION, "EncryptedAssertion")
                    && canonicalize(element, None, &[]) == encrypted.content.as_str() =>
            {
                Ok(())
            }
            Self::Encrypted(_) => Err(ReadBackError::Differs("EncryptedAssertion")),
        }
    }
}

/// Where a failure goes. A success takes this from its assertion.
#[derive(Debug, Clone)]
pub struct FailureAddress {
    /// Who answers: we.
    pub issuer: EntityId,
    /// Where the answer goes.
    pub acs: AcsLocation,
    /// The request that it answers.
    pub in_response_to: MessageId,
}

/// An answer that is not signed yet.
#[derive(Debug)]
pub struct Response {
    id: MessageId,
    issue_instant: UtcDateTime,
    address: FailureAddress,
    consent: ConsentObtained,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Failure(Status),
    Success(Box<SentAssertion>),
}

impl Response {
    /// The answer that hands over an assertion, and how the person agreed to that. `id` was never used before.
    #[must_use]
    pub fn success(
        id: MessageId,
        issue_instant: UtcDateTime,
        consent: ConsentObtained,
        assertion: impl Into<SentAssertion>,
    ) -> Self {
        let assertion = assertion.into();
        Self {
            id,
            issue_instant,
            address: assertion.address(),
            consent,
            content: Content::Success(Box::new(assertion)),
        }
    }

    /// The answer that says why there is no assertion. `id` was never used before.
    #[must_use]
    pub fn failure(id: MessageId, issue_instant: UtcDateTime, address: FailureAddress, status: Status) -> Self {
        Self { id, issue_instant, address, consent: ConsentObtained::Unavailable, content: Content::Failure(status) }
    }

    /// Signs it, reads it back, and compares it with the plan.
    ///
    /// # Errors
    /// [`OutboundError`]: nothing may be sent then.
    pub fn sign(self, signer: &dyn Signer) -> Result<SignedResponse, OutboundError> {
        let canonical = sign_enveloped(&self.write(), SignaturePosition::AfterIssuer, signer)?;
        Ok(self.once_written(canonical, Some(signer))?)
    }

    /// Leaves the response itself unsigned, for services whose agreement says by name that only the assertion is signed.
    ///
    /// # Errors
    /// [`OutboundError::NothingSigned`] unless there is an assertion with its own signature; else as for
    /// [`Self::sign`].
    pub fn rely_on_assertion(self) -> Result<SignedResponse, OutboundError> {
        if !matches!(&self.content, Content::Success(assertion) if assertion.is_signed()) {
            return Err(OutboundError::NothingSigned);
        }
        let canonical = self.write().canonical()?;
        Ok(self.once_written(canonical, None)?)
    }

    /// What was written, read back: with the signature of `signer`, if one was made, and what the plan says.
    fn once_written(self, canonical: Canonical, signer: Option<&dyn Signer>) -> Result<SignedResponse, ReadBackError> {
        let document = read_back::document(canonical.as_bytes())?;
        if let Some(signer) = signer {
            read_back::verify(document.root(), SignaturePosition::AfterIssuer, signer)?;
        }
        self.compare(document.root(), signer.is_some())?;
        Ok(SignedResponse { acs: self.address.acs, canonical })
    }

    // Only the prefix samlp is declared here: Issuer and assertion bring their own declarations, so that the assertion is
    // canonical both in its place and by itself.
    fn write(&self) -> Builder {
        let response = samlp("Response")
            .attribute("Consent", self.consent.uri())
            .attribute("Destination", self.address.acs.as_str())
            .attribute("ID", self.id.as_str())
            .attribute("InResponseTo", self.address.in_response_to.as_str())
            .attribute("IssueInstant", instant::format(self.issue_instant))
            .attribute("Version", "2.0")
            .child(Builder::element("saml", ns::ASSERTION, "Issuer").text(self.address.issuer.as_str()));
        match &self.content {
            Content::Failure(status) => response.child(status.write()),
            Content::Success(assertion) => {
                let code = samlp("StatusCode").attribute("Value", SUCCESS);
                response.child(samlp("Status").child(code)).fragment(assertion.canonical())
            }
        }
    }

    fn compare(&self, root: Element<'_>, signed: bool) -> Result<(), ReadBackError> {
        if !root.is(ns::PROTOCOL, "Response") {
            return Err(ReadBackError::Differs("Response"));
        }
        let issued = instant::format(self.issue_instant);
        read_back::attributes(
            root,
            &[
                ("Consent", Some(self.consent.uri())),
                ("Destination", Some(self.address.acs.as_str())),
                ("ID", Some(self.id.as_str())),
                ("InResponseTo", Some(self.address.in_response_to.as_str())),
                ("IssueInstant", Some(&issued)),
                ("Version", Some("2.0")),
            ],
        )?;
        let mut parts = read_back::children(root)?;
        parts.next_text(ns::ASSERTION, "Issuer", self.address.issuer.as_str())?;
        if signed {
            parts.next(ns::DSIG, "Signature")?;
        }
        let status = parts.next(ns::PROTOCOL, "Status")?;
        match &self.content {
            Content::Failure(plan) => plan.compare(status)?,
            Content::Success(assertion) => {
                let mut inner = read_back::children_alone(status)?;
                let code = inner.next(ns::PROTOCOL, "StatusCode")?;
                inner.end()?;
                read_back::attributes(code, &[("Value", Some(SUCCESS))])?;
                read_back::text(code, "StatusCode", "")?;
                assertion.compare(parts.next_of_any_name()?)?;
            }
        }
        parts.end()
    }
}

fn samlp(local: &'static str) -> Builder {
    Builder::element("samlp", ns::PROTOCOL, local)
}

/// An answer that may leave: signed itself, or by agreement relying on its assertion's signature; read back and found to
/// be what was meant.
#[derive(Debug)]
pub struct SignedResponse {
    acs: AcsLocation,
    canonical: Canonical,
}

impl SignedResponse {
    /// The XML.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.canonical.as_str()
    }

    /// The octets, to be kept until the service fetches them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.canonical.as_bytes()
    }

    /// Where it goes.
    #[must_use]
    pub fn acs(&self) -> &AcsLocation {
        &self.acs
    }

    /// The form that carries it, with what the service provider wants back.
    #[must_use]
    pub fn into_form(self, relay_state: Option<RelayState>) -> PostForm {
        PostForm { acs: self.acs, saml_response: BASE64.encode(self.canonical.as_bytes()), relay_state }
    }
}

/// A response of ours that waited to be fetched.
pub struct KeptResponse(Canonical);

impl KeptResponse {
    /// Reads back what [`SignedResponse::as_bytes`] gave. Whoever kept the octets vouches that they are the same.
    ///
    /// # Errors
    /// They are not what this program writes.
    pub fn read(octets: &[u8]) -> Result<Self, ReadBackError> {
        let document = read_back::document(octets)?;
        let canonical = Canonical::of(document.root()).ok_or(ReadBackError::Differs("Response"))?;
        let is_response = document.root().is(ns::PROTOCOL, "Response");
        if is_response && canonical.as_bytes() == octets {
            Ok(Self(canonical))
        } else {
            Err(ReadBackError::Differs("Response"))
        }
    }

    pub(super) fn canonical(&self) -> &Canonical {
        &self.0
    }
}

/// Says that there is one, never what is in it.
impl fmt::Debug for KeptResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeptResponse")
    }
}

/// The form of the HTTP-POST binding: where the browser posts what (SAML Bindings §3.5.4). Carries personal data; its
/// page must not be stored.
pub struct PostForm {
    acs: AcsLocation,
    saml_response: String,
    relay_state: Option<RelayState>,
}

impl PostForm {
    /// The form's action.
    #[must_use]
    pub fn acs(&self) -> &AcsLocation {
        &self.acs
    }

    /// The field `SAMLResponse`: base64, to be escaped like every value of a form.
    #[must_use]
    pub fn saml_response(&self) -> &str {
        &self.saml_response
    }

    /// The field `RelayState`: octet for octet what came with the request; no such field if none came.
    #[must_use]
    pub fn relay_state(&self) -> Option<&RelayState> {
        self.relay_state.as_ref()
    }
}

/// Says where it goes, never what it carries.
impl fmt::Debug for PostForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostForm").field("acs", &self.acs).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
