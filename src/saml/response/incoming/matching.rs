//! Whether a verified response is for us, answers what was asked, and is valid now (SAML Profiles §4.1.4.3).

use time::{Duration, UtcDateTime};

use super::{
    ReceivedAssertion, ReceivedStatus, ResponseSignatures, VerifiedResponse,
    assertion::{Bearer, Conditions},
};
use crate::saml::{EntityId, MessageId, RelayState, metadata::Location};

/// What a response is compared with: what was remembered of the request, who we are, and the time.
#[derive(Debug, Clone, Copy)]
pub struct Expectation<'a> {
    /// Our name, for which the assertion must be.
    pub audience: &'a EntityId,
    /// The party that this browser was sent to.
    pub asked: &'a EntityId,
    /// The request that this browser was sent away with.
    pub request: &'a MessageId,
    /// The contexts that suffice; empty where each does. Which they are for another comparison than `exact` is for the caller to
    /// say.
    pub contexts: &'a [String],
    /// From when on the person must have authenticated, where that matters: the time of the request, if it had `ForceAuthn`.
    pub authenticated_since: Option<UtcDateTime>,
    /// The time.
    pub now: UtcDateTime,
    /// How far the clocks of the two sides may be apart.
    pub clock_skew: Duration,
    /// How old a response and its assertion may be, however long they say that they are valid.
    pub fresh_for: Duration,
}

/// What a party answers.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Why it does not say who the person is.
    Failure(ReceivedStatus),
    /// Who the person is.
    Success(Box<ReceivedAssertion>),
}

/// A Response that is for us, answers our request, and is valid now. Only [`VerifiedResponse::matched`] makes one.
#[derive(Debug, Clone)]
pub struct MatchedResponse {
    issuer: EntityId,
    relay_state: Option<RelayState>,
    answer: Answer,
    signatures: ResponseSignatures,
    replayable_until: UtcDateTime,
}

/// Why a response is not for us, not for this request, or not for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The assertion is not for us, or not for us alone by each of its restrictions.
    #[error("the assertion is not for this service: its audience is another, or none is named")]
    Audience,
    /// The person authenticated otherwise than asked.
    #[error("the person authenticated in another way than was asked for")]
    AuthnContext,
    /// The person authenticated before the request, and should have done so again.
    #[error("the person has not authenticated again, as was asked for")]
    AuthnInstant,
    /// No confirmation by bearing.
    #[error("the assertion has no bearer confirmation, by which the person who brings it is the one that it is about")]
    Confirmation,
    /// The response or the assertion answers another request, or none.
    #[error("the response answers another request, or none")]
    InResponseTo,
    /// Another party than the one that was asked.
    #[error("the response comes from another identity provider than the one that was asked")]
    Issuer,
    /// The assertion may be handed in at another place, or does not say where.
    #[error("the assertion is for another recipient, or names none")]
    Recipient,
    /// A period is over, has not begun, or has no end.
    #[error("{0} is out of date, in the future, or has no end")]
    Time(&'static str),
}

impl VerifiedResponse {
    /// Matches the response with what was asked.
    ///
    /// # Errors
    /// [`Mismatch`], and nothing of the response may be believed then.
    pub fn matched(self, expected: &Expectation<'_>) -> Result<MatchedResponse, Mismatch> {
        if self.issuer != *expected.asked {
            return Err(Mismatch::Issuer);
        }
        if self.in_response_to.as_ref() != Some(expected.request) {
            return Err(Mismatch::InResponseTo);
        }
        expected.is_fresh(self.issue_instant, "the response")?;
        let issued = match &self.answer {
            Answer::Failure(_) => self.issue_instant,
            Answer::Success(assertion) => {
                expected.check_assertion(assertion, &self.acs)?;
                assertion.issue_instant
            }
        };
        Ok(MatchedResponse {
            issuer: self.issuer,
            relay_state: self.relay_state,
            answer: self.answer,
            signatures: self.signatures,
            replayable_until: issued.saturating_add(expected.fresh_for).saturating_add(expected.clock_skew),
        })
    }
}

impl Expectation<'_> {
    fn check_assertion(&self, assertion: &ReceivedAssertion, acs: &Location) -> Result<(), Mismatch> {
        self.is_fresh(assertion.issue_instant, "the assertion")?;
        self.check_bearers(&assertion.bearers, acs)?;
        self.check_conditions(&assertion.conditions)?;
        let statement = &assertion.authn_statement;
        if statement.authn_instant > self.latest() {
            return Err(Mismatch::Time("the authentication"));
        }
        if self.authenticated_since.is_some_and(|since| statement.authn_instant.saturating_add(self.clock_skew) < since)
        {
            return Err(Mismatch::AuthnInstant);
        }
        if statement.session_not_on_or_after.is_some_and(|until| self.is_over(until)) {
            return Err(Mismatch::Time("the session"));
        }
        // SAML Core §3.3.2.2.1: an identity provider that cannot meet what was asked must say so; not every one does.
        let suffices = self.contexts.is_empty() || self.contexts.contains(&statement.authn_context_class_ref);
        if suffices { Ok(()) } else { Err(Mismatch::AuthnContext) }
    }

    /// SAML Profiles §4.1.4.3: one confirmation by bearing must hold in all that it says; the first one's fault is told.
    fn check_bearers(&self, bearers: &[Bearer], acs: &Location) -> Result<(), Mismatch> {
        let mut verdicts = bearers.iter().map(|bearer| self.check_bearer(bearer, acs));
        let first = verdicts.next().unwrap_or(Err(Mismatch::Confirmation));
        if first.is_ok() || verdicts.any(|verdict| verdict.is_ok()) { Ok(()) } else { first }
    }

    fn check_bearer(&self, bearer: &Bearer, acs: &Location) -> Result<(), Mismatch> {
        if bearer.recipient.as_deref() != Some(acs.as_str()) {
            return Err(Mismatch::Recipient);
        }
        // Within the assertion: that of the response around it may stand under no signature.
        if bearer.in_response_to.as_deref() != Some(self.request.as_str()) {
            return Err(Mismatch::InResponseTo);
        }
        // SAML Profiles §4.1.4.2: it has an end and no beginning.
        let lasts = bearer.not_on_or_after.is_some_and(|until| !self.is_over(until)) && bearer.not_before.is_none();
        if lasts { Ok(()) } else { Err(Mismatch::Time("the confirmation")) }
    }

    fn check_conditions(&self, conditions: &Conditions) -> Result<(), Mismatch> {
        let has_begun = conditions.not_before.is_none_or(|from| from <= self.latest());
        let lasts = conditions.not_on_or_after.is_some_and(|until| !self.is_over(until));
        if !has_begun || !lasts {
            return Err(Mismatch::Time("the assertion"));
        }
        // SAML Core §2.5.1.4: of every restriction one audience must be met.
        let us = |audiences: &Vec<String>| audiences.iter().any(|audience| audience == self.audience.as_str());
        let for_us = !conditions.audiences.is_empty() && conditions.audiences.iter().all(us);
        if for_us { Ok(()) } else { Err(Mismatch::Audience) }
    }

    /// Neither too old nor from the future.
    fn is_fresh(&self, issued: UtcDateTime, what: &'static str) -> Result<(), Mismatch> {
        let ends = issued.saturating_add(self.fresh_for);
        if issued <= self.latest() && !self.is_over(ends) { Ok(()) } else { Err(Mismatch::Time(what)) }
    }

    /// What their clock shows at most, by ours.
    fn latest(&self) -> UtcDateTime {
        self.now.saturating_add(self.clock_skew)
    }

    /// Whether this time is reached by either clock.
    fn is_over(&self, until: UtcDateTime) -> bool {
        until.saturating_add(self.clock_skew) <= self.now
    }
}

impl MatchedResponse {
    /// The party that was asked.
    #[must_use]
    pub fn issuer(&self) -> &EntityId {
        &self.issuer
    }

    /// What came back with it.
    #[must_use]
    pub fn relay_state(&self) -> Option<&RelayState> {
        self.relay_state.as_ref()
    }

    /// What the party answers.
    #[must_use]
    pub fn answer(&self) -> &Answer {
        &self.answer
    }

    /// The answer, given away.
    #[must_use]
    pub fn into_answer(self) -> Answer {
        self.answer
    }

    /// The proofs of its signatures.
    #[must_use]
    pub fn signatures(&self) -> &ResponseSignatures {
        &self.signatures
    }

    /// Until when the same assertion would be taken again by all that is checked here: so long its identifier must be remembered.
    #[must_use]
    pub fn replayable_until(&self) -> UtcDateTime {
        self.replayable_until
    }
}
