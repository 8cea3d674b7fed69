//! Single logout (SAML profiles §4.4) by HTTP-Redirect: asking the identity provider to end a session, and being asked.
//!
//! The messages are [`crate::saml::logout`]'s, which are the same in both directions.

use time::{Duration, UtcDateTime};

use super::{ServiceProvider, SignedIn};
use crate::{
    entropy::{Entropy, random_bytes},
    saml::{
        BindingError, DeniedAlgorithms, MessageError, MessageId, OutboundError, Peer,
        assertion::NameId,
        binding::Delivery,
        logout::{LogoutMessage, LogoutRequest, LogoutResponse, LogoutResult, LogoutStatus, VerifiedLogoutRequest},
        metadata::{LogoutKind, SloLocation},
    },
};

/// How long a request of ours is good for, and how old a message may be.
const FRESH_FOR: Duration = Duration::minutes(5);
/// How far the clocks of the two sides may be apart.
const CLOCK_SKEW: Duration = Duration::seconds(60);

/// A request to end a session, on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignOutRequest {
    /// The ID, which the answer must name.
    pub id: String,
    /// Where to send the browser.
    pub url: String,
}

/// A logout message that came from the identity provider, verified.
#[derive(Debug)]
pub enum LogoutArrived {
    /// It says what became of a request of ours.
    Answer {
        /// The ID of our request.
        in_response_to: String,
        /// What became of it.
        status: LogoutStatus,
    },
    /// It wants a session to end.
    Request(Box<VerifiedLogoutRequest>),
}

/// Why a logout message was not made, or not believed.
#[derive(Debug, thiserror::Error)]
pub enum LogoutFailed {
    /// The carriage or the XML was refused.
    #[error("the logout message is unreadable: {0}")]
    Binding(#[from] BindingError),
    /// What the assertion said cannot be said back: no session, or a name of an unknown kind.
    #[error("the assertion named no session that could be ended")]
    NoSession,
    /// The identity provider, or this service, has no single logout service.
    #[error("there is no single logout service for this")]
    NoPlace,
    /// It could not be made.
    #[error("the logout message could not be made: {0}")]
    Outbound(#[from] OutboundError),
    /// It is not what it should be, or not signed by whom it should be.
    #[error("the logout message was refused: {0}")]
    Request(#[from] MessageError),
    /// Too old, or from the future.
    #[error("the logout message is out of date, or in the future")]
    Time,
}

impl ServiceProvider {
    /// Makes a signed request to end the session that an assertion told of, by the name that it had there.
    ///
    /// # Errors
    /// [`LogoutFailed`].
    pub fn logout_request(
        &self,
        peer: &Peer,
        signed_in: &SignedIn,
        now: UtcDateTime,
        entropy: &dyn Entropy,
    ) -> Result<SignOutRequest, LogoutFailed> {
        let us = self.entity_id.clone();
        let id = MessageId::from_entropy(random_bytes(entropy));
        let request = LogoutRequest {
            id: id.clone(),
            issuer: us.clone(),
            qualifiers: (peer.entity_id().clone(), us),
            issue_instant: now,
            not_on_or_after: now + FRESH_FOR,
            name_id: NameId::of_format(&signed_in.name_id_format, &signed_in.name_id).ok_or(LogoutFailed::NoSession)?,
            session_indexes: vec![signed_in.session_index.clone().ok_or(LogoutFailed::NoSession)?],
        };
        let delivery = request.deliver(&place(peer, LogoutKind::Request)?, &self.signer)?;
        Ok(SignOutRequest { id: id.to_string(), url: by_redirect(delivery)? })
    }

    /// Reads and checks the query with which the identity provider sent a browser to the single logout service.
    ///
    /// # Errors
    /// [`LogoutFailed`], and nothing of the message may be believed then.
    pub fn read_logout(&self, peer: &Peer, raw_query: &str, now: UtcDateTime) -> Result<LogoutArrived, LogoutFailed> {
        let ours = [self.slo_url.clone().ok_or(LogoutFailed::NoPlace)?];
        let fresh = |at: UtcDateTime| at <= now + CLOCK_SKEW && at >= now - FRESH_FOR - CLOCK_SKEW;
        match LogoutMessage::from_query(raw_query)? {
            LogoutMessage::Request(decoded) => {
                let request = decoded.verify(peer, &ours, DeniedAlgorithms::NONE)?;
                let over = request.not_on_or_after().is_some_and(|until| until.saturating_add(CLOCK_SKEW) <= now);
                if over || !fresh(request.issue_instant()) {
                    return Err(LogoutFailed::Time);
                }
                Ok(LogoutArrived::Request(Box::new(request)))
            }
            LogoutMessage::Response(decoded) => {
                let response = decoded.verify(peer, &ours, DeniedAlgorithms::NONE)?;
                if !fresh(response.issue_instant()) {
                    return Err(LogoutFailed::Time);
                }
                let in_response_to = response.in_response_to().to_string();
                Ok(LogoutArrived::Answer { in_response_to, status: response.status() })
            }
        }
    }

    /// Makes the signed answer that the session of a request has ended; where to send the browser with it.
    ///
    /// # Errors
    /// [`LogoutFailed`].
    pub fn logout_answer(
        &self,
        peer: &Peer,
        request: &VerifiedLogoutRequest,
        now: UtcDateTime,
        entropy: &dyn Entropy,
    ) -> Result<String, LogoutFailed> {
        let answer = LogoutResponse {
            id: MessageId::from_entropy(random_bytes(entropy)),
            issuer: self.entity_id.clone(),
            issue_instant: now,
            in_response_to: request.id().clone(),
            result: LogoutResult::Ended,
        };
        by_redirect(answer.deliver(&place(peer, LogoutKind::Response)?, request.relay_state(), &self.signer)?)
    }
}

fn place(peer: &Peer, kind: LogoutKind) -> Result<SloLocation, LogoutFailed> {
    peer.slo_location(kind, true).ok_or(LogoutFailed::NoPlace)
}

fn by_redirect(delivery: Delivery) -> Result<String, LogoutFailed> {
    match delivery {
        Delivery::Redirect(url) => Ok(url.into()),
        Delivery::Post { .. } => Err(LogoutFailed::NoPlace),
    }
}
