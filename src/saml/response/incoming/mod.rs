//! Responses that come back to us from an identity provider that we asked: decoded, verified, matched (SAML Profiles §4.1.4.3).
//!
//! ```text
//!  octets ─▶ DecodedResponse    base64 and strict XML within limits; tells claimed_issuer() and nothing else
//!         ─▶ VerifiedResponse   sent to this address of ours; its one assertion, decrypted if it was encrypted, under a
//!                               signature of the party that was asked; nothing of it can be acted upon yet
//!         ─▶ MatchedResponse    for us, for this request, at this time: what the assertion says can be read
//! ```
//!
//! What is read of the person stands under a verified signature: that of the assertion, or that of the response around it.
//! What stands in a response that is not signed itself is compared and may refuse it, and never lets it in.
//!
//! Left to callers, since it needs memory: that the browser is the one that was sent away with the request, that the request is
//! answered once, and that no assertion comes twice ([`MatchedResponse::replayable_until`]).

mod assertion;
mod matching;
mod status;

use std::fmt;
use std::sync::Arc;

use time::UtcDateTime;

pub use assertion::{AuthnStatement, ProxyRestriction, ReceivedAssertion, ReceivedAttribute};
pub use matching::{Answer, Expectation, MatchedResponse, Mismatch};
pub use status::ReceivedStatus;

use super::SUCCESS;
use crate::saml::{
    DeniedAlgorithms, EntityId, IdpMetadata, MessageError, MessageId, RelayState,
    binding::{BindingError, Carried},
    encryption::{AcceptedCiphers, DecryptionFailed, Opener, decrypt},
    instant,
    message::{Decoded, check_version, signature_of},
    metadata::Location,
    read::{only_attributes, only_elements, required},
    signature::{SignatureError, SignatureVerified, VerificationKey},
    xml::{Document, Element, Limits, ns},
};

/// A Response that was read, and that nobody has vouched for yet.
pub struct DecodedResponse(Decoded);

/// What a party's responses must carry beyond the least, which is a signature over the assertion. A property of what was agreed
/// with the party, never of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseDemands {
    /// Which signatures.
    pub signatures: DemandedSignatures,
    /// Whether an assertion in clear text is refused.
    pub encryption: bool,
}

/// Which signatures a response must carry. One that is there must verify, demanded or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DemandedSignatures {
    /// The assertion's.
    Assertion,
    /// The response's and the assertion's.
    Both,
    /// One of the two.
    Either,
    /// The response's.
    Response,
}

/// What of a response is signed, or said by someone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponsePart {
    /// `saml:Assertion`.
    Assertion,
    /// `samlp:Response`.
    Response,
}

impl fmt::Display for ResponsePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Assertion => "assertion",
            Self::Response => "response",
        })
    }
}

/// A Response that the party made which was asked. What it says can be read once it is matched with what was asked:
/// [`VerifiedResponse::matched`]. Only [`DecodedResponse::verify`] makes one.
#[derive(Debug, Clone)]
pub struct VerifiedResponse {
    issuer: EntityId,
    relay_state: Option<RelayState>,
    id: MessageId,
    issue_instant: UtcDateTime,
    acs: Location,
    in_response_to: Option<MessageId>,
    answer: Answer,
    signatures: ResponseSignatures,
}

/// The proofs of a response's signatures. At least one is there, and it is over the assertion if there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseSignatures {
    /// The response's own.
    pub response: Option<SignatureVerified>,
    /// The assertion's own.
    pub assertion: Option<SignatureVerified>,
}

impl DecodedResponse {
    pub(in crate::saml) fn read(carried: Carried) -> Result<Self, BindingError> {
        Decoded::read(carried, &["Response"], BindingError::NotAResponse).map(Self)
    }

    /// Whose response it claims to be. The keys are those of the party that was asked, which stands in what was remembered of
    /// the request: a claim that differs is refused.
    #[must_use]
    pub fn claimed_issuer(&self) -> &EntityId {
        &self.0.claimed_issuer
    }

    /// What came back with it. It proves nothing: it finds what was remembered of the request.
    #[must_use]
    pub fn relay_state(&self) -> Option<&RelayState> {
        self.0.relay_state.as_ref()
    }

    /// Verifies the response against the record of the party that was asked, opens its assertion, and reads it.
    ///
    /// `acs` is where the response arrived, as our metadata says it: it must be the `Destination`, character for character, and one
    /// must be named. `ours` are the keys to which the party may have encrypted, `denied` the algorithms by which no signature and no
    /// encryption is accepted. AES-CBC and RSA PKCS#1 v1.5 open nothing. Opening costs private-key operations: call this where
    /// nobody else waits, and for a browser that was sent away with a request.
    ///
    /// # Errors
    /// [`ResponseError`]. What is signed is judged before it is looked into.
    pub fn verify(
        self,
        asked: &IdpMetadata,
        acs: &Location,
        demands: ResponseDemands,
        ours: &[Arc<dyn Opener>],
        denied: DeniedAlgorithms,
    ) -> Result<VerifiedResponse, ResponseError> {
        let message = self.0;
        let of_response = message.signature(asked.peer(), denied).map_err(|error| match error {
            MessageError::Signature(error) => unverified(ResponsePart::Response, error),
            other => other.into(),
        })?;
        if of_response.is_none()
            && matches!(demands.signatures, DemandedSignatures::Both | DemandedSignatures::Response)
        {
            return Err(unverified(ResponsePart::Response, SignatureError::Absent));
        }

        let root = message.root();
        // SAML Bindings §3.5.5.2. Before anything is opened: what is for another place is encrypted to another's key.
        match root.attribute("Destination") {
            None => return Err(MessageError::NoDestination.into()),
            Some(destination) if destination != acs.as_str() => {
                return Err(MessageError::for_another(destination, &[acs.as_str()]).into());
            }
            Some(_) => {}
        }
        let envelope = Envelope::read(root)?;
        let (answer, of_assertion) = match envelope.content {
            Content::Failure(status) => {
                // There is nothing else in it that could be signed.
                if of_response.is_none() {
                    return Err(unverified(ResponsePart::Response, SignatureError::Absent));
                }
                (Answer::Failure(status), None)
            }
            Content::Clear(_) if demands.encryption => return Err(ResponseError::NotEncrypted),
            Content::Clear(element) => {
                let covered = Cover { asked, demands, denied, by_response: of_response.is_some() };
                let (assertion, signature) = covered.read(element)?;
                (Answer::Success(Box::new(assertion)), signature)
            }
            Content::Encrypted(element) => {
                let opened = decrypt(element, ours, AcceptedCiphers::Authenticated, denied)?;
                let document = Document::parse(&opened, &Limits::PROTOCOL).map_err(|_| DecryptionFailed)?;
                if !document.root().is(ns::ASSERTION, "Assertion") || count_assertions(document.root()) != 1 {
                    return Err(DecryptionFailed.into());
                }
                let covered = Cover { asked, demands, denied, by_response: of_response.is_some() };
                let (assertion, signature) = covered.read(document.root())?;
                (Answer::Success(Box::new(assertion)), signature)
            }
        };
        Ok(VerifiedResponse {
            id: envelope.id,
            issue_instant: envelope.issue_instant,
            acs: acs.clone(),
            in_response_to: envelope.in_response_to,
            answer,
            signatures: ResponseSignatures { response: of_response, assertion: of_assertion },
            relay_state: message.relay_state,
            issuer: message.claimed_issuer,
        })
    }
}

/// How an assertion is covered by a signature.
struct Cover<'a> {
    asked: &'a IdpMetadata,
    demands: ResponseDemands,
    denied: DeniedAlgorithms,
    by_response: bool,
}

impl Cover<'_> {
    /// Verifies the assertion's own signature, if it has one or must have one, and reads it.
    fn read(&self, element: Element<'_>) -> Result<(ReceivedAssertion, Option<SignatureVerified>), ResponseError> {
        let keys: &[VerificationKey] = self.asked.peer().keys().signing();
        let signature =
            signature_of(element, keys, self.denied).map_err(|error| unverified(ResponsePart::Assertion, error))?;
        let is_demanded = matches!(self.demands.signatures, DemandedSignatures::Assertion | DemandedSignatures::Both);
        if signature.is_none() && (is_demanded || !self.by_response) {
            return Err(unverified(ResponsePart::Assertion, SignatureError::Absent));
        }
        let assertion = ReceivedAssertion::read(element)?;
        if assertion.issuer() == self.asked.entity_id() {
            Ok((assertion, signature))
        } else {
            Err(ResponseError::AssertionIssuer)
        }
    }
}

/// What stands around the assertion.
struct Envelope<'d> {
    id: MessageId,
    issue_instant: UtcDateTime,
    in_response_to: Option<MessageId>,
    content: Content<'d>,
}

enum Content<'d> {
    Clear(Element<'d>),
    Encrypted(Element<'d>),
    Failure(ReceivedStatus),
}

impl<'d> Envelope<'d> {
    /// SAML Core §3.2.2, §3.3.3.
    fn read(root: Element<'d>) -> Result<Self, ResponseError> {
        check_version(root)?;
        only_attributes(root, &["ID", "Version", "IssueInstant", "Destination", "Consent", "InResponseTo"])?;
        let before = [
            (ns::ASSERTION, "Issuer"),
            (ns::DSIG, "Signature"),
            (ns::PROTOCOL, "Extensions"),
            (ns::PROTOCOL, "Status"),
        ];
        only_elements(root, &before, &[(ns::ASSERTION, "Assertion"), (ns::ASSERTION, "EncryptedAssertion")])?;
        let status = ReceivedStatus::read(root)?;
        // Also where none has to stand: an assertion that is hidden in Extensions, in StatusDetail or in another one's Advice
        // is there to be taken for the signed one.
        let assertions = count_assertions(root);
        let expected = usize::from(status.code() == SUCCESS);
        let clear = root.child(ns::ASSERTION, "Assertion");
        let encrypted = root.child(ns::ASSERTION, "EncryptedAssertion");
        let content = match (clear, encrypted) {
            _ if assertions != expected => return Err(ResponseError::Assertions(assertions)),
            (Some(assertion), _) => Content::Clear(assertion),
            (None, Some(encrypted)) => Content::Encrypted(encrypted),
            (None, None) if expected == 0 => Content::Failure(status),
            // It stands elsewhere.
            (None, None) => return Err(ResponseError::Assertions(0)),
        };
        Ok(Self {
            id: MessageId::parse(required(root, "ID")?).map_err(MessageError::from)?,
            issue_instant: instant::parse(required(root, "IssueInstant")?).map_err(MessageError::from)?,
            in_response_to: root
                .attribute("InResponseTo")
                .map(MessageId::parse)
                .transpose()
                .map_err(MessageError::from)?,
            content,
        })
    }
}

/// How many assertions, encrypted or not, there are in all of the element.
fn count_assertions(element: Element<'_>) -> usize {
    let (mut count, mut waiting) = (0, vec![element]);
    while let Some(element) = waiting.pop() {
        count += usize::from(element.is(ns::ASSERTION, "Assertion") || element.is(ns::ASSERTION, "EncryptedAssertion"));
        waiting.extend(element.children());
    }
    count
}

fn unverified(part: ResponsePart, error: SignatureError) -> ResponseError {
    ResponseError::Signature { part, error }
}

impl VerifiedResponse {
    /// The party.
    #[must_use]
    pub fn issuer(&self) -> &EntityId {
        &self.issuer
    }

    /// The identifier of the response.
    #[must_use]
    pub fn id(&self) -> &MessageId {
        &self.id
    }

    /// The proofs of its signatures.
    #[must_use]
    pub fn signatures(&self) -> &ResponseSignatures {
        &self.signatures
    }
}

/// Says whose it claims to be, never what is in it.
impl fmt::Debug for DecodedResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecodedResponse({:?})", self.0)
    }
}

/// Why a response is not believed, or not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// The assertion is another party's.
    #[error("the issuer of the assertion is not that of the response")]
    AssertionIssuer,
    /// Other than one assertion in a success, or any in a failure.
    #[error("a success has exactly one assertion, directly in the response, and a failure has none; there are {0}")]
    Assertions(usize),
    /// A condition that is not known, so that nobody can say that it is met (SAML Core §2.5.1).
    #[error("line {line}: the condition {name} is not known, so that it cannot be met")]
    Condition {
        /// The line of the condition.
        line: u32,
        /// Its name, cut to 64 characters.
        name: String,
    },
    /// The assertion does not open, or what is in it is none. Which of them is told to nobody.
    #[error(transparent)]
    Decryption(#[from] DecryptionFailed),
    /// The person is named by nothing.
    #[error("the NameID is empty")]
    EmptyName,
    /// What is wrong with messages of every kind.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// A part that the profile demands is missing.
    #[error("the assertion has no {0}")]
    Missing(&'static str),
    /// An assertion in clear text, and encryption is demanded.
    #[error("the assertion is not encrypted, but those of this party must be")]
    NotEncrypted,
    /// A signature is missing where one is demanded, or is not accepted.
    #[error("the signature of the {part} is not accepted: {error}")]
    Signature {
        /// Whose.
        part: ResponsePart,
        /// Why.
        error: SignatureError,
    },
}

impl From<crate::saml::xml::XmlError> for ResponseError {
    fn from(error: crate::saml::xml::XmlError) -> Self {
        Self::Message(error.into())
    }
}
