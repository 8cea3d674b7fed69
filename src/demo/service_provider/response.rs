//! Reading a `Response` (SAML profiles §4.1.4.3): decrypt, verify, check everything, and only then tell.

use time::{Duration, OffsetDateTime, UtcDateTime, format_description::well_known::Rfc3339};

use super::{IdentityProvider, ServiceProvider, from_base64};
use crate::saml::{
    DeniedAlgorithms,
    encryption::{AcceptedCiphers, DecryptionFailed, decrypt},
    signature::{SignatureError, SignaturePosition, verify_enveloped},
    xml::{Document, Element, Limits, XmlError, ns},
};

/// How far the clocks of the two sides may be apart.
const CLOCK_SKEW: Duration = Duration::seconds(60);
/// How old an issue instant may be.
const FRESH_FOR: Duration = Duration::minutes(5);
const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";

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
pub enum Outcome {
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
    /// The assertion is not meant for this service provider.
    #[error("the assertion is not for this service: its audience is another")]
    Audience,
    /// There is other than one assertion, or it is not encrypted.
    #[error("exactly one encrypted assertion is expected")]
    Assertions,
    /// The base64 is broken.
    #[error("the response is not base64")]
    Base64,
    /// The assertion could not be decrypted.
    #[error(transparent)]
    Decryption(#[from] DecryptionFailed),
    /// The response was sent to another place.
    #[error("the response names another destination or recipient")]
    Destination,
    /// The response answers another request, or one that this browser did not make.
    #[error("the response answers another request")]
    InResponseTo,
    /// Another identity provider than the one asked.
    #[error("the response comes from another identity provider")]
    Issuer,
    /// Something that must be there is not, or is not what it should be.
    #[error("the response lacks or garbles {0}")]
    Malformed(&'static str),
    /// The response or the assertion is signed by nobody we know.
    #[error("the signature of the {part} was not accepted: {error}")]
    Signature {
        /// `Response` or `Assertion`.
        part: &'static str,
        /// Why.
        error: SignatureError,
    },
    /// Too old, or not yet valid.
    #[error("{0} is out of date, or in the future")]
    Time(&'static str),
    /// The document was refused.
    #[error("the response is unreadable: {0}")]
    Xml(#[from] XmlError),
}

impl ServiceProvider {
    /// Reads and checks the form field `SAMLResponse`.
    ///
    /// # Errors
    /// [`SignInFailed`], and nothing of the response may be believed then.
    pub fn read_response(&self, saml_response: &str, expected: &Expected<'_>) -> Result<Outcome, SignInFailed> {
        let octets = from_base64(saml_response).ok_or(SignInFailed::Base64)?;
        let document = Document::parse(&octets, &Limits::PROTOCOL)?;
        let response = verified(document.root(), "Response", expected)?;
        if !response.is(ns::PROTOCOL, "Response") || response.attribute("Version") != Some("2.0") {
            return Err(SignInFailed::Malformed("a Response of version 2.0"));
        }
        check_issuer(response, expected)?;
        if response.attribute("Destination") != Some(&self.acs_url) {
            return Err(SignInFailed::Destination);
        }
        if response.attribute("InResponseTo") != Some(expected.request_id) {
            return Err(SignInFailed::InResponseTo);
        }
        check_issue_instant(response, "the response", expected.now)?;

        let status = required(response, ns::PROTOCOL, "Status", "a Status")?;
        let code = required(status, ns::PROTOCOL, "StatusCode", "a StatusCode")?;
        let value = code.attribute("Value").ok_or(SignInFailed::Malformed("a StatusCode"))?;
        if value != SUCCESS {
            let nested = code.only_child(ns::PROTOCOL, "StatusCode")?.and_then(|c| c.attribute("Value"));
            let message = status.only_child(ns::PROTOCOL, "StatusMessage")?.map(Element::text).transpose()?;
            return Ok(Outcome::Refused {
                status: value.to_owned(),
                nested: nested.map(str::to_owned),
                message: message.map(std::borrow::Cow::into_owned),
            });
        }

        let mut encrypted =
            response.children().filter(|c| c.namespace() == ns::ASSERTION && c.local_name() != "Issuer");
        let (Some(encrypted), None) = (encrypted.next(), encrypted.next()) else {
            return Err(SignInFailed::Assertions);
        };
        if encrypted.local_name() != "EncryptedAssertion" {
            return Err(SignInFailed::Assertions);
        }
        let nothing = DeniedAlgorithms::NONE;
        let opened = decrypt(encrypted, [&self.decryption_key], AcceptedCiphers::Authenticated, nothing)?;
        let document = Document::parse(&opened, &Limits::PROTOCOL)?;
        let assertion = verified(document.root(), "Assertion", expected)?;
        self.read_assertion(assertion, expected).map(Outcome::SignedIn)
    }

    fn read_assertion(&self, assertion: Element<'_>, expected: &Expected<'_>) -> Result<SignedIn, SignInFailed> {
        if !assertion.is(ns::ASSERTION, "Assertion") || assertion.attribute("Version") != Some("2.0") {
            return Err(SignInFailed::Malformed("an Assertion of version 2.0"));
        }
        check_issuer(assertion, expected)?;
        check_issue_instant(assertion, "the assertion", expected.now)?;

        let subject = required(assertion, ns::ASSERTION, "Subject", "a Subject")?;
        let name_id = required(subject, ns::ASSERTION, "NameID", "a NameID")?;
        self.check_bearer(subject, expected)?;
        self.check_conditions(assertion, expected.now)?;

        let statement = required(assertion, ns::ASSERTION, "AuthnStatement", "an AuthnStatement")?;
        let context = required(statement, ns::ASSERTION, "AuthnContext", "an AuthnContext")?;
        let class = required(context, ns::ASSERTION, "AuthnContextClassRef", "an AuthnContextClassRef")?;
        let mut attributes = Vec::new();
        let statements = assertion.children().filter(|c| c.is(ns::ASSERTION, "AttributeStatement"));
        for attribute in statements.flat_map(Element::children).filter(|c| c.is(ns::ASSERTION, "Attribute")) {
            let name = attribute.attribute("Name").ok_or(SignInFailed::Malformed("an attribute's name"))?.to_owned();
            let values = attribute.children().filter(|c| c.is(ns::ASSERTION, "AttributeValue"));
            let values = values.map(|v| v.text().map(std::borrow::Cow::into_owned)).collect::<Result<_, _>>()?;
            attributes.push(ReceivedAttribute { name, values });
        }
        Ok(SignedIn {
            name_id: name_id.text()?.into_owned(),
            name_id_format: name_id.attribute("Format").unwrap_or_default().to_owned(),
            authn_context: class.text()?.into_owned(),
            authn_instant: statement.attribute("AuthnInstant").unwrap_or_default().to_owned(),
            session_index: statement.attribute("SessionIndex").map(str::to_owned),
            attributes,
        })
    }

    /// A bearer confirmation that names this place, this request, and a time not yet over.
    fn check_bearer(&self, subject: Element<'_>, expected: &Expected<'_>) -> Result<(), SignInFailed> {
        let confirmation = required(subject, ns::ASSERTION, "SubjectConfirmation", "a SubjectConfirmation")?;
        if confirmation.attribute("Method") != Some(BEARER) {
            return Err(SignInFailed::Malformed("a bearer confirmation"));
        }
        let data = required(confirmation, ns::ASSERTION, "SubjectConfirmationData", "SubjectConfirmationData")?;
        if data.attribute("Recipient") != Some(&self.acs_url) {
            return Err(SignInFailed::Destination);
        }
        if data.attribute("InResponseTo") != Some(expected.request_id) {
            return Err(SignInFailed::InResponseTo);
        }
        // SAML profiles §4.1.4.2: the confirmation must end and must not have a beginning.
        let until = data.attribute("NotOnOrAfter").and_then(instant).ok_or(SignInFailed::Malformed("NotOnOrAfter"))?;
        if expected.now - CLOCK_SKEW >= until || data.attribute("NotBefore").is_some() {
            return Err(SignInFailed::Time("the confirmation"));
        }
        Ok(())
    }

    fn check_conditions(&self, assertion: Element<'_>, now: UtcDateTime) -> Result<(), SignInFailed> {
        let conditions = required(assertion, ns::ASSERTION, "Conditions", "Conditions")?;
        let from = conditions.attribute("NotBefore").and_then(instant).ok_or(SignInFailed::Malformed("NotBefore"))?;
        let until =
            conditions.attribute("NotOnOrAfter").and_then(instant).ok_or(SignInFailed::Malformed("NotOnOrAfter"))?;
        if now + CLOCK_SKEW < from || now - CLOCK_SKEW >= until {
            return Err(SignInFailed::Time("the assertion"));
        }
        let mut restrictions = conditions.children().filter(|c| c.is(ns::ASSERTION, "AudienceRestriction")).peekable();
        if restrictions.peek().is_none() {
            return Err(SignInFailed::Audience);
        }
        for restriction in restrictions {
            // SAML core §2.5.1.4: one audience of every restriction must be met.
            let audiences = restriction.children().filter(|c| c.is(ns::ASSERTION, "Audience"));
            let texts = audiences.map(Element::text).collect::<Result<Vec<_>, _>>()?;
            if !texts.iter().any(|text| *text == self.entity_id) {
                return Err(SignInFailed::Audience);
            }
        }
        Ok(())
    }
}

/// The element, once its signature is verified with a key of the identity provider that was asked.
fn verified<'d>(
    element: Element<'d>,
    part: &'static str,
    expected: &Expected<'_>,
) -> Result<Element<'d>, SignInFailed> {
    verify_enveloped(element, SignaturePosition::AfterIssuer, &expected.idp.keys)
        .map(|verified| verified.element())
        .map_err(|error| SignInFailed::Signature { part, error })
}

fn required<'d>(
    parent: Element<'d>,
    namespace: &str,
    local: &str,
    what: &'static str,
) -> Result<Element<'d>, SignInFailed> {
    parent.only_child(namespace, local)?.ok_or(SignInFailed::Malformed(what))
}

fn check_issuer(element: Element<'_>, expected: &Expected<'_>) -> Result<(), SignInFailed> {
    let issuer = required(element, ns::ASSERTION, "Issuer", "an Issuer")?.text()?;
    if issuer == expected.idp.entity_id { Ok(()) } else { Err(SignInFailed::Issuer) }
}

fn check_issue_instant(element: Element<'_>, what: &'static str, now: UtcDateTime) -> Result<(), SignInFailed> {
    let at = element.attribute("IssueInstant").and_then(instant).ok_or(SignInFailed::Malformed("an IssueInstant"))?;
    if at > now + CLOCK_SKEW || at < now - FRESH_FOR - CLOCK_SKEW { Err(SignInFailed::Time(what)) } else { Ok(()) }
}

/// `xs:dateTime` in UTC.
fn instant(text: &str) -> Option<UtcDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok().map(OffsetDateTime::to_utc)
}
