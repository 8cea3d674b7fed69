//! Reading a `Response`: both signatures and encryption are demanded, and everything is checked before anything is told.

use time::{Duration, UtcDateTime};

use super::{IdentityProvider, ServiceProvider};
use crate::saml::{
    BindingError, DecodedResponse, DeniedAlgorithms, MessageId, ResponseError, instant,
    response::{
        self,
        incoming::{Answer, DemandedSignatures, Expectation, Mismatch, ReceivedAssertion, ResponseDemands},
    },
};

/// How far the clocks of the two sides may be apart.
const CLOCK_SKEW: Duration = Duration::seconds(60);
/// How old an issue instant may be.
const FRESH_FOR: Duration = Duration::minutes(5);
/// What Signet does unless an agreement says otherwise.
const DEMANDS: ResponseDemands = ResponseDemands { signatures: DemandedSignatures::Both, encryption: true };

/// What a response is compared with.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The identity provider that the request was sent to.
    pub idp: &'a IdentityProvider,
    /// The ID of the request that this browser was sent away with.
    pub request_id: &'a str,
    /// The time.
    pub now: UtcDateTime,
}

/// What the identity provider answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInAnswer {
    /// An error status.
    Refused {
        /// The top-level status code.
        status: String,
        /// The nested status code.
        nested: Option<String>,
        /// The status message.
        message: Option<String>,
    },
    /// An assertion.
    SignedIn(SignedIn),
}

/// What an assertion says about the person.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The NameID.
    pub name_id: String,
    /// Its format.
    pub name_id_format: String,
    /// The AuthnContextClassRef: what really happened.
    pub authn_context: String,
    /// When the person authenticated.
    pub authn_instant: String,
    /// The session at the identity provider.
    pub session_index: Option<String>,
    /// Every attribute, in the order received.
    pub attributes: Vec<ReceivedAttribute>,
}

impl std::fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedIn").field("attributes", &self.attributes).finish_non_exhaustive()
    }
}

/// One attribute as it was received.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceivedAttribute {
    /// Its name.
    pub name: String,
    /// Its values.
    pub values: Vec<String>,
}

/// Says which attribute, never its values.
impl std::fmt::Debug for ReceivedAttribute {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// Why a response was not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignInFailed {
    /// The carriage or the XML was refused.
    #[error("the response is unreadable: {0}")]
    Binding(#[from] BindingError),
    /// It is not for this service, not for this request, or not for now.
    #[error("the response was refused: {0}")]
    Mismatch(#[from] Mismatch),
    /// The person is named by nothing.
    #[error("the response has no NameID")]
    NoName,
    /// It is not what it should be, or not signed by whom it should be.
    #[error("the response was refused: {0}")]
    Response(#[from] ResponseError),
}

impl ServiceProvider {
    /// Reads and checks the form field `SAMLResponse`.
    ///
    /// # Errors
    /// [`SignInFailed`], and nothing of the response may be believed then.
    pub fn read_response(&self, saml_response: &str, expected: &Expected<'_>) -> Result<SignInAnswer, SignInFailed> {
        let asked = &expected.idp.metadata;
        let decoded = DecodedResponse::from_fields(saml_response, None)?;
        let verified = decoded.verify(asked, &self.acs, DEMANDS, &self.openers, DeniedAlgorithms::NONE)?;
        let matched = verified.matched(&Expectation {
            audience: &self.entity_id,
            asked: asked.entity_id(),
            request: &MessageId::parse(expected.request_id).map_err(|_| Mismatch::InResponseTo)?,
            // What really happened is shown, whatever was asked for.
            contexts: &[],
            authenticated_since: None,
            now: expected.now,
            clock_skew: CLOCK_SKEW,
            fresh_for: FRESH_FOR,
        })?;
        match matched.into_answer() {
            Answer::Success(assertion) => SignedIn::of(&assertion).map(SignInAnswer::SignedIn),
            Answer::Failure(status) => Ok(SignInAnswer::Refused {
                status: status.code().to_owned(),
                nested: status.nested().map(str::to_owned),
                message: status.message().map(str::to_owned),
            }),
        }
    }
}

impl SignedIn {
    fn of(assertion: &ReceivedAssertion) -> Result<Self, SignInFailed> {
        let name = assertion.name_id().ok_or(SignInFailed::NoName)?;
        let statement = assertion.authn_statement();
        Ok(Self {
            name_id: name.value.to_string(),
            name_id_format: name.format.clone().unwrap_or_default(),
            authn_context: statement.authn_context_class_ref.clone(),
            authn_instant: instant::format(statement.authn_instant),
            session_index: statement.session_index.clone(),
            attributes: assertion.attributes().iter().map(ReceivedAttribute::of).collect(),
        })
    }
}

impl ReceivedAttribute {
    fn of(attribute: &response::incoming::ReceivedAttribute) -> Self {
        let values = attribute.values.iter().map(|value| value.to_string());
        Self { name: attribute.name.clone(), values: values.collect() }
    }
}
