//! The two questions of the journey: does the sign-in suffice, and has the person agreed to what would be released.

use time::UtcDateTime;

use super::{AnswerableFault, MatchedAuthnRequest};
use crate::authentication::{AuthenticatedSubject, AuthenticationEvent, RequiredAssurance, UnmetAssurance};
use crate::entropy::Entropy;
use crate::federation::assurance::{AssertedAssurance, AuthenticationEvidence};
use crate::federation::attribute::HeldAttributes;
use crate::federation::consent::{
    ConsentReason, ConsentScope, ConsentedRelease, ContentKey, FrozenRelease, NotConsented, QuestionDigest,
    VouchedConsent, covered_by,
};
use crate::federation::identifier::{ChosenNameId, InvalidNameIdPolicy, NameIdFormat, PairwiseId};
use crate::federation::release::{ReleaseDecision, ReleaseQuestion};
use crate::subscriber::SubscriberId;

/// What is known about the browser when it comes to `/saml/continue`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthenticationState {
    /// Nobody is signed in, or has begun to.
    Stranger,
    /// Somebody has used authenticators in this browser.
    Known {
        /// Who.
        subscriber: SubscriberId,
        /// What happened, and what it proved.
        events: Vec<AuthenticationEvent>,
    },
}

/// What the person does next before anything can be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// Sign in again, though already signed in: the request says `ForceAuthn`, or it was too long ago.
    Reauthenticate,
    /// Use a second factor.
    SecondFactor {
        /// Only a passkey or a security key will do.
        phishing_resistant: bool,
    },
    /// Sign in.
    SignIn,
}

/// What the shell has found out about the person, once it is known who it is.
#[derive(Debug)]
pub struct PersonFacts<'a> {
    /// What is held, as far as it can be read now.
    pub held: &'a HeldAttributes,
    /// The identifier at this agency, if there is one already.
    pub known_pairwise: Option<PairwiseId>,
    /// The identifier that becomes the person's when there is none.
    pub new_pairwise: PairwiseId,
    /// Whether the person must be asked before their e-mail address is sent: it is not the one that this service gets.
    pub address_must_be_asked: bool,
    /// The last consent at this service.
    pub consent: Option<&'a VouchedConsent>,
    /// The key of the content digest.
    pub content_key: &'a ContentKey,
    /// The tag of the language in which a page would ask.
    pub page_language: &'a str,
    /// The scope of `pairwise-id`: the identity provider's domain.
    pub scope: &'a str,
}

/// What comes after the sign-in suffices.
#[derive(Debug)]
pub enum ReleaseStep {
    /// Show the consent page. What it shows is `decision`; what it returns is `digest`.
    Consent {
        /// Why the person is asked.
        reason: ConsentReason,
        /// What would be released, and what not.
        decision: ReleaseDecision,
        /// What the person agrees to.
        scope: ConsentScope,
        /// What would be sent.
        frozen: FrozenRelease,
        /// The digest of what the page shows, which it carries and returns.
        digest: QuestionDigest,
    },
    /// Everything is there: issue.
    Issue {
        /// What is released.
        release: ConsentedRelease,
        /// The decision it comes from.
        decision: ReleaseDecision,
        /// What is stated about levels.
        asserted: AssertedAssurance,
    },
    /// The person's level does not reach what is demanded: show the page that explains, then answer `NoAuthnContext`.
    LevelUnreachable,
    /// Open the vault.
    Unlock,
}

/// Why a sign-in does not suffice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAuthenticated {
    /// No page will help, or none may be shown: the service provider is told.
    #[error(transparent)]
    Never(AnswerableFault),
    /// The person can do what is missing.
    #[error("the person has to do more")]
    Yet(NextStep),
}

/// The journey ends here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseFailed {
    /// The service provider is told.
    #[error(transparent)]
    Answerable(#[from] AnswerableFault),
    /// The consent does not cover the decision that it was compared with a moment before: a fault of ours. Nothing is sent, and
    /// nobody is told that the person declined.
    #[error("the consent does not cover what it was compared with: {0}")]
    Broken(NotConsented),
}

impl MatchedAuthnRequest {
    /// What the request demands of the sign-in.
    #[must_use]
    pub fn required_sign_in(&self) -> RequiredAssurance {
        // SAML Core §3.4.1, ForceAuthn: only what happens after the request counts.
        self.demanded().for_sign_in(self.request().force_authn().then_some(self.received_at()))
    }

    /// Whether the sign-in suffices; if not, what is missing.
    ///
    /// # Errors
    /// What is missing.
    pub fn authenticate(
        &self,
        state: &AuthenticationState,
        now: UtcDateTime,
    ) -> Result<AuthenticatedSubject, NotAuthenticated> {
        let step = match state {
            AuthenticationState::Stranger => NextStep::SignIn,
            AuthenticationState::Known { subscriber, events } => {
                let required = self.required_sign_in();
                match AuthenticatedSubject::meeting(*subscriber, &required, events, now) {
                    Ok(subject) => return Ok(subject),
                    Err(UnmetAssurance::NotSignedIn) => NextStep::SignIn,
                    Err(UnmetAssurance::TooLongAgo) => NextStep::Reauthenticate,
                    Err(UnmetAssurance::SecondFactorMissing) => {
                        NextStep::SecondFactor { phishing_resistant: required.phishing_resistant }
                    }
                    Err(UnmetAssurance::PhishingResistanceMissing) => {
                        NextStep::SecondFactor { phishing_resistant: true }
                    }
                    Err(UnmetAssurance::BeyondReach) => {
                        let fault = self.demanded().sign_in_not_reached();
                        return Err(NotAuthenticated::Never(fault.into()));
                    }
                }
            }
        };
        // SAML Core §3.4.1, IsPassive: the person must not see a page.
        Err(match self.request().is_passive() {
            true => NotAuthenticated::Never(AnswerableFault::NoPassive),
            false => NotAuthenticated::Yet(step),
        })
    }

    /// What would be released to whom, and whether the person has agreed to it.
    ///
    /// # Errors
    /// The journey ends.
    pub fn release(
        &self,
        subject: &AuthenticatedSubject,
        person: &PersonFacts<'_>,
        entropy: &dyn Entropy,
        now: UtcDateTime,
    ) -> Result<ReleaseStep, ReleaseFailed> {
        let passive = self.request().is_passive();
        let page = |step: ReleaseStep| if passive { Err(AnswerableFault::NoPassive.into()) } else { Ok(step) };
        let proofed = person.held.proofed_profile();
        let agreement = self.service().agreement();

        let Some(identity) = self.demanded().reached_identity(proofed, now) else {
            return if passive {
                Err(AnswerableFault::from(self.demanded().identity_not_reached()).into())
            } else {
                Ok(ReleaseStep::LevelUnreachable)
            };
        };
        // SAML Core §3.4.1: about the person of that name, or not at all.
        let known = person.known_pairwise.map(|pairwise| pairwise.to_string());
        if self.subject().is_some_and(|asked| known.as_deref() != Some(asked)) {
            return Err(AnswerableFault::UnknownPrincipal.into());
        }
        if person.known_pairwise.is_none() && !self.may_create_identifier() {
            return Err(AnswerableFault::from(InvalidNameIdPolicy::NothingToReuse).into());
        }
        if person.held.vault_is_closed() && self.asked().reaches_vault(agreement, identity.ial()) {
            return page(ReleaseStep::Unlock);
        }
        let asserted =
            self.demanded().assert(AuthenticationEvidence::of(subject), proofed, now).map_err(AnswerableFault::from)?;
        let pairwise = person.known_pairwise.unwrap_or(person.new_pairwise);
        let decision = ReleaseDecision::decide(&ReleaseQuestion {
            agreement,
            asked: self.asked(),
            asserted: &asserted,
            held: person.held,
            pairwise: &pairwise,
            wanted: self.service().metadata().subject_id_requirement(),
            scope: person.scope,
            now,
        });
        let name_id = match self.name_id_format() {
            NameIdFormat::Persistent => ChosenNameId::persistent(&pairwise),
            NameIdFormat::Transient => ChosenNameId::transient(entropy),
            NameIdFormat::EmailAddress => person
                .held
                .get(crate::federation::attribute::AttributeName::Email)
                .first()
                .cloned()
                .map(ChosenNameId::email_address)
                .ok_or(AnswerableFault::from(InvalidNameIdPolicy::NothingToSend(NameIdFormat::EmailAddress)))?,
        };
        let frozen = FrozenRelease::new(&decision, name_id);
        let binding = self.binding();
        let ask = |reason: ConsentReason, frozen: FrozenRelease, decision: ReleaseDecision| {
            let scope = ConsentScope::of(&frozen, agreement, person.page_language);
            let digest = frozen.question_digest(person.content_key, &binding, &scope);
            page(ReleaseStep::Consent { reason, decision, scope, frozen, digest })
        };
        let Some(record) = person.consent else {
            return ask(ConsentReason::First, frozen, decision);
        };
        let scope = ConsentScope::in_words_of(&record.record().scope, &frozen, agreement);
        if let Err(reason) = covered_by(&scope, Some(record.record()), proofed, now) {
            return ask(reason, frozen, decision);
        }
        if person.address_must_be_asked && frozen.tells_an_address() {
            return ask(ConsentReason::AddressChanged, frozen, decision);
        }
        match ConsentedRelease::new(frozen, &scope, record, proofed, person.content_key.clone(), &binding, now) {
            Ok(release) => Ok(ReleaseStep::Issue { release, decision, asserted }),
            // Cannot be: the scope and the content come from one decision, and the record covers the scope.
            Err(fault) => Err(ReleaseFailed::Broken(fault)),
        }
    }

    /// What the content digest is bound to: this request to this service.
    #[must_use]
    pub fn binding(&self) -> Vec<u8> {
        crate::sealing::Encoder::new("signet request binding 1")
            .text(self.service().entity_id().as_str())
            .text(self.request().id().as_str())
            .finish()
    }
}
