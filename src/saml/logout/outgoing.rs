//! Logout messages that go out: written, signed, read back, addressed.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use time::UtcDateTime;
use url::Url;

use crate::saml::{
    EntityId, MessageId, OutboundError, RelayState,
    assertion::NameId,
    binding::{Carrier, redirect_url},
    instant,
    metadata::SloLocation,
    read_back,
    response::{NestedStatus, Status, TopStatus},
    signature::{SignaturePosition, Signer, SigningError, sign_enveloped},
    xml::{Builder, ns},
};

/// What a message is called that is not read as it was written.
const MESSAGE: &str = "logout message";
const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";

/// A request that a service end a session (SAML Core §3.7.1).
#[derive(Debug)]
pub struct LogoutRequest {
    /// Its identifier, never used before.
    pub id: MessageId,
    /// Who asks: we.
    pub issuer: EntityId,
    /// Between whom a pairwise name is good: who gave it, and for whom (`NameQualifier`, `SPNameQualifier`).
    pub qualifiers: (EntityId, EntityId),
    /// When.
    pub issue_instant: UtcDateTime,
    /// The first instant at which it is too old.
    pub not_on_or_after: UtcDateTime,
    /// By which name the service knows the person: exactly what its assertion said (deployment profile SDP-SP29).
    pub name_id: NameId,
    /// The sessions, as their assertions named them. At least one.
    pub session_indexes: Vec<String>,
}

/// What became of a logout that a service asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogoutResult {
    /// Every session ended, at every service.
    Ended,
    /// It did not end.
    Failed(Status),
    /// The person wants the session here to go on, and the others with it.
    GoesOn,
    /// Ours ended; not all services could be reached, or some could not end theirs.
    Partly,
}

/// Our answer to a service's LogoutRequest (SAML Core §3.7.2).
#[derive(Debug)]
pub struct LogoutResponse {
    /// Its identifier, never used before.
    pub id: MessageId,
    /// Who answers: we.
    pub issuer: EntityId,
    /// When.
    pub issue_instant: UtcDateTime,
    /// The request that it answers.
    pub in_response_to: MessageId,
    /// The truth (deployment profile SDP-IDP31).
    pub result: LogoutResult,
}

/// A logout message on its way through the browser. Carries a name of the person; its page must not be stored.
pub enum LogoutDelivery {
    /// By HTTP-Redirect: where to.
    Redirect(Url),
    /// By HTTP-POST: a form.
    Post {
        /// The form's action.
        action: Url,
        /// The name of the message's field: `SAMLRequest` or `SAMLResponse`.
        field: &'static str,
        /// The message, in base64.
        message: String,
        /// The field `RelayState`.
        relay_state: Option<RelayState>,
    },
}

impl LogoutRequest {
    /// Signs the request for this place.
    ///
    /// # Errors
    /// [`OutboundError`]: nothing may be sent then.
    pub fn deliver(&self, to: &SloLocation, signer: &dyn Signer) -> Result<LogoutDelivery, OutboundError> {
        let (name_qualifier, sp_name_qualifier) = match self.name_id.is_qualified() {
            true => (Some(self.qualifiers.0.as_str()), Some(self.qualifiers.1.as_str())),
            false => (None, None),
        };
        let name_id = Builder::element("saml", ns::ASSERTION, "NameID")
            .attribute("Format", self.name_id.format())
            .optional_attribute("NameQualifier", name_qualifier)
            .optional_attribute("SPNameQualifier", sp_name_qualifier)
            .text(self.name_id.value());
        let message = message("LogoutRequest", &self.id, &self.issuer, self.issue_instant, to)
            .attribute("NotOnOrAfter", instant::format(self.not_on_or_after))
            .child(name_id)
            .children(self.session_indexes.iter().map(|index| samlp("SessionIndex").text(index.as_str())));
        deliver(&message, Carrier::Request, to, None, signer)
    }
}

impl LogoutResponse {
    /// Signs the response for this place, with what the service wants back.
    ///
    /// # Errors
    /// [`OutboundError`]: nothing may be sent then.
    pub fn deliver(
        &self,
        to: &SloLocation,
        relay_state: Option<&RelayState>,
        signer: &dyn Signer,
    ) -> Result<LogoutDelivery, OutboundError> {
        let status = match &self.result {
            LogoutResult::Ended => ended(None),
            LogoutResult::Failed(status) => status.write(),
            LogoutResult::GoesOn => {
                let goes_on =
                    Status { code: TopStatus::Responder, nested: Some(NestedStatus::PartialLogout), message: None };
                goes_on.write()
            }
            // SAML Core §3.7.3.2: a session authority that ended its own session says Success at the top level, and says at
            // the second level that others did not end theirs.
            LogoutResult::Partly => ended(Some(NestedStatus::PartialLogout)),
        };
        let message = message("LogoutResponse", &self.id, &self.issuer, self.issue_instant, to)
            .attribute("InResponseTo", self.in_response_to.as_str())
            .child(status);
        deliver(&message, Carrier::Response, to, relay_state, signer)
    }
}

fn ended(but: Option<NestedStatus>) -> Builder {
    let code = |uri: &'static str| samlp("StatusCode").attribute("Value", uri);
    samlp("Status").child(code(SUCCESS).optional_child(but.map(|but| code(but.uri()))))
}

fn message(
    name: &'static str,
    id: &MessageId,
    issuer: &EntityId,
    issue_instant: UtcDateTime,
    to: &SloLocation,
) -> Builder {
    samlp(name)
        .attribute("Destination", to.url().as_str())
        .attribute("ID", id.as_str())
        .attribute("IssueInstant", instant::format(issue_instant))
        .attribute("Version", "2.0")
        .child(Builder::element("saml", ns::ASSERTION, "Issuer").text(issuer.as_str()))
}

fn deliver(
    message: &Builder,
    carrier: Carrier,
    to: &SloLocation,
    relay_state: Option<&RelayState>,
    signer: &dyn Signer,
) -> Result<LogoutDelivery, OutboundError> {
    if to.is_by_redirect() {
        let written = message.canonical()?;
        read_back::octet_for_octet(written.as_bytes(), MESSAGE)?;
        let url = redirect_url(to.url(), carrier, &written, relay_state, signer).map_err(SigningError::from)?;
        return Ok(LogoutDelivery::Redirect(url));
    }
    let signed = sign_enveloped(message, SignaturePosition::AfterIssuer, signer)?;
    let document = read_back::octet_for_octet(signed.as_bytes(), MESSAGE)?;
    read_back::verify(document.root(), SignaturePosition::AfterIssuer, signer)?;
    Ok(LogoutDelivery::Post {
        action: to.url().clone(),
        field: carrier.name(),
        message: BASE64.encode(signed.as_bytes()),
        relay_state: relay_state.cloned(),
    })
}

fn samlp(local: &'static str) -> Builder {
    Builder::element("samlp", ns::PROTOCOL, local)
}

/// Says where it goes, never what it carries.
impl fmt::Debug for LogoutDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redirect(url) => write!(f, "LogoutDelivery::Redirect({:?})", url.host_str()),
            Self::Post { action, .. } => write!(f, "LogoutDelivery::Post({:?})", action.host_str()),
        }
    }
}
