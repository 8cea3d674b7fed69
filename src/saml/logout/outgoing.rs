//! Logout messages that go out: written, signed, read back, addressed.

use time::UtcDateTime;

use crate::saml::{
    EntityId, MessageId, OutboundError, RelayState,
    assertion::NameId,
    binding::{self, Carrier, Delivery, Place},
    instant,
    metadata::SloLocation,
    response::{NestedStatus, Status, TopStatus},
    signature::Signer,
    xml::{Builder, ns},
};

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

impl LogoutRequest {
    /// Signs the request for this place.
    ///
    /// # Errors
    /// [`OutboundError`]: nothing may be sent then.
    pub fn deliver(&self, to: &SloLocation, signer: &dyn Signer) -> Result<Delivery, OutboundError> {
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
    ) -> Result<Delivery, OutboundError> {
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
) -> Result<Delivery, OutboundError> {
    let place = Place { url: to.url(), by_redirect: to.is_by_redirect() };
    binding::deliver(message, carrier, place, relay_state, signer, |_| Ok(()))
}

fn samlp(local: &'static str) -> Builder {
    Builder::element("samlp", ns::PROTOCOL, local)
}
