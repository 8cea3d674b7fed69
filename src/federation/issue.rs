//! THE GATE: the only way to an [`Assertion`].
//!
//! Whatever the journey decided before, everything is looked at again here, at the moment of issuing: the service and
//! the account still stand, the sign-in still suffices, the answer goes to an address of the metadata, the request has
//! not been answered, the person's consent covers what is about to be sent, octet for octet. What comes out is the
//! assertion and the draft of its disclosure record; the shell makes the record durable before anything leaves.

use time::{Duration, UtcDateTime};
use zeroize::Zeroizing;

use super::assurance::{AuthenticationEvidence, Level, NoAuthnContext};
use super::attribute::{AttributeName, AttributeProfile, AttributeValue};
use super::consent::{ConsentReason, ConsentScope, ConsentedRelease, VouchedConsent, covered_by};
use super::disclosure::{DisclosureDraft, DisclosureId};
use super::identifier::{ChosenNameId, NameIdFormat};
use super::registry::Registry;
use super::single_sign_on::{MatchedAuthnRequest, SettlementRules};
use crate::authentication::AuthenticatedSubject;
use crate::entropy::{Entropy, random_bytes};
use crate::proofing::ProofedProfile;
use crate::saml::MessageId;
use crate::saml::assertion::{Assertion, AssertionAttribute, AssertionParts, NameId};
use crate::saml::response::ConsentObtained;
use crate::subscriber::SubscriberAccount;

/// How long an assertion is valid.
pub const ASSERTION_LIFETIME: Duration = Duration::minutes(5);
/// How far the service provider's clock may be behind ours.
pub const NOT_BEFORE_SKEW: Duration = Duration::seconds(5);
/// How long after a sign-in an assertion may still rest on it: the longest session (SP 800-63B §2.2.3 allows 24 hours).
pub const OLDEST_SIGN_IN: Duration = Duration::hours(12);

/// What an earlier sign-in in the same session gave the same service. It is given again: a service that signs somebody in twice has
/// one session of ours (SAML Core §2.7.2, SessionIndex), knows one name in it, and is told once when it ends.
#[derive(Debug, Clone)]
pub struct EarlierSignIn {
    /// Its SessionIndex.
    pub session_index: String,
    /// The transient NameID, if the service got one.
    pub transient: Option<NameId>,
}

/// Everything that the gate looks at.
#[derive(Debug)]
pub struct IssueQuestion<'a> {
    /// The request, settled.
    pub request: &'a MatchedAuthnRequest,
    /// The services as they stand now.
    pub registry: &'a Registry,
    /// The account as it stands now.
    pub account: &'a SubscriberAccount,
    /// Who signed in, and how.
    pub subject: &'a AuthenticatedSubject,
    /// What proofing has established.
    pub proofed: Option<&'a ProofedProfile>,
    /// What the person agreed to.
    pub release: &'a ConsentedRelease,
    /// The consent that covers it, as it stands now.
    pub consent: &'a VouchedConsent,
    /// What the service got earlier in this session; `None` if this is its first sign-in there.
    pub earlier: Option<&'a EarlierSignIn>,
    /// Our own name, and whether an ACS on http is accepted for loopback hosts.
    pub rules: SettlementRules<'a>,
    /// The name of the key that will sign.
    pub signing_key_id: &'a str,
    /// The moment of issuing.
    pub now: UtcDateTime,
}

/// Why the gate stays shut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssueRefused {
    /// The account may not sign in.
    #[error("the account may not sign in")]
    AccountStopped,
    /// The address of the answer is not one of the metadata's.
    #[error("the address of the answer is not one of the metadata's")]
    AcsNotRegistered,
    /// The consent does not cover what would be sent.
    #[error("the consent does not cover what would be sent: {}", .0.code())]
    ConsentMissing(ConsentReason),
    /// What would be sent is not what was agreed to.
    #[error("what would be sent is not what was agreed to")]
    ContentChanged,
    /// The levels that would be stated are not reached.
    #[error(transparent)]
    LevelNotReached(#[from] NoAuthnContext),
    /// An attribute would be sent that the agreement does not allow.
    #[error("`{0}` would be sent, and the agreement does not allow it")]
    OutsideAgreement(AttributeName),
    /// The service is gone, switched off, or its record has changed since the request was settled.
    #[error("the service's record has changed, or the service was switched off")]
    ServiceChanged,
    /// The sign-in is too old, or does not suffice.
    #[error("the sign-in is too old, or does not suffice")]
    SignInStale,
    /// What would be sent cannot be written as XML.
    #[error("what would be sent cannot be written")]
    Unwritable,
    /// Two of the things that are joined here are about different persons or services.
    #[error("the account, the sign-in and the consent are not about the same person and service")]
    Unrelated,
}

/// What the gate lets through.
#[derive(Debug)]
pub struct Issued {
    /// The assertion, unsigned.
    pub assertion: Assertion,
    /// The record that must be durable before it leaves.
    pub disclosure: DisclosureDraft,
    /// How the person agreed, for the answer to say.
    pub consent: ConsentObtained,
}

/// Looks at everything again, and makes the assertion. That its request was not answered before is decided where the record of
/// it is written, in the same transaction (`storage`): an answer to that question from before would be out of date.
///
/// # Errors
/// The first thing that does not hold.
pub fn issue(question: &IssueQuestion<'_>, entropy: &dyn Entropy) -> Result<Issued, IssueRefused> {
    let IssueQuestion { request, subject, release, now, .. } = *question;

    // 1. The service stands, with the very record that the request was settled against.
    let service = question
        .registry
        .admit(request.service().entity_id())
        .ok()
        .filter(|service| service.revision() == request.service().revision())
        .ok_or(IssueRefused::ServiceChanged)?;
    let agreement = service.agreement();

    // 2. The account stands, and everything here is about one person and one service.
    if !question.account.status.may_sign_in() {
        return Err(IssueRefused::AccountStopped);
    }
    let consent = question.consent.record();
    let one_person = subject.subscriber() == question.account.id && consent.subscriber == question.account.id;
    if !one_person || consent.id != release.consent() || consent.scope.entity_id() != service.entity_id() {
        return Err(IssueRefused::Unrelated);
    }

    // SAML Core §3.4.1: a Subject is answered by that name or not at all.
    let chosen = release.frozen().name_id();
    let is_asked = |asked: &str| chosen.format() == NameIdFormat::Persistent && chosen.value().reveal() == asked;
    if !request.subject().is_none_or(is_asked) {
        return Err(IssueRefused::Unrelated);
    }

    // 3. The sign-in suffices now: folded again from its events.
    let not_before = request.request().force_authn().then_some(request.received_at());
    let required = request.demanded().for_sign_in(not_before);
    let subject = AuthenticatedSubject::meeting(subject.subscriber(), &required, subject.events(), now)
        .map_err(|_| IssueRefused::SignInStale)?;
    if now - subject.authenticated_at() > OLDEST_SIGN_IN {
        return Err(IssueRefused::SignInStale);
    }
    let asserted = request.demanded().assert(AuthenticationEvidence::of(&subject), question.proofed, question.now)?;

    // 4. The answer goes to an address of the metadata.
    let acs = service
        .metadata()
        .acs_location(request.request().acs(), request.request().response_binding(), question.rules.loopback_http)
        .map_err(|_| IssueRefused::AcsNotRegistered)?;
    if acs != *request.address().acs() {
        return Err(IssueRefused::AcsNotRegistered);
    }

    // 5. The ceiling, once more; and the levels inside the attributes are those that are stated.
    let frozen = release.frozen();
    for (name, values) in frozen.attributes() {
        if !agreement.allows(*name) {
            return Err(IssueRefused::OutsideAgreement(*name));
        }
        if name.level_needed() > asserted.ial() {
            return Err(question.request.demanded().identity_not_reached().into());
        }
        let stated = match name {
            AttributeName::Ial => Some(asserted.ial().uri()),
            AttributeName::Aal => Some(asserted.strength().uri()),
            _ => None,
        };
        if stated.is_some_and(|uri| !values.iter().map(AttributeValue::reveal).eq([uri])) {
            return Err(IssueRefused::ContentChanged);
        }
    }

    // 6. The consent covers it now, and the content is the one that was agreed to.
    let scope = ConsentScope::in_words_of(&consent.scope, frozen, agreement);
    covered_by(&scope, Some(consent), question.proofed, now).map_err(IssueRefused::ConsentMissing)?;
    if scope.digest() != release.scope_digest() || request.binding() != release.binding() {
        return Err(IssueRefused::ContentChanged);
    }
    if frozen.content_digest(release.key(), release.binding()) != release.content_digest() {
        return Err(IssueRefused::ContentChanged);
    }

    // 7. What was looked at is what is said.
    let session_index = match question.earlier {
        Some(earlier) => earlier.session_index.clone(),
        None => MessageId::from_entropy(random_bytes(entropy)).to_string(),
    };
    // A transient name is drawn for this answer and told to nobody yet: the one that the service knows stands in for it.
    let known = question.earlier.and_then(|earlier| earlier.transient.clone());
    let name_id = known
        .filter(|_| frozen.name_id().format() == NameIdFormat::Transient)
        .unwrap_or_else(|| name_id(frozen.name_id()));
    let assertion = Assertion::new(AssertionParts {
        id: MessageId::from_entropy(random_bytes(entropy)),
        issuer: question.rules.issuer.clone(),
        issue_instant: now,
        name_id,
        audience: service.entity_id().clone(),
        recipient: acs,
        in_response_to: request.request().id().clone(),
        not_before: now.saturating_sub(NOT_BEFORE_SKEW),
        not_on_or_after: now.saturating_add(ASSERTION_LIFETIME),
        authn_instant: subject.authenticated_at(),
        session_index,
        session_not_on_or_after: None,
        authn_context_class_ref: asserted.class_ref().to_owned(),
        attributes: frozen
            .attributes()
            .iter()
            .map(|(name, values)| attribute(*name, values, frozen.profile()))
            .collect(),
    })
    .map_err(|_| IssueRefused::Unwritable)?;
    let parts = assertion.parts();
    let disclosure = DisclosureDraft {
        id: DisclosureId::random(entropy),
        at: now,
        subscriber: subject.subscriber(),
        entity_id: parts.audience.clone(),
        agency_id: agreement.agency_id().clone(),
        sp_revision: service.revision(),
        consent: release.consent(),
        scope_digest: release.scope_digest(),
        content_digest: release.content_digest(),
        content_key_id: release.key().id().to_owned(),
        names: frozen.attributes().iter().map(|(name, _)| *name).collect(),
        level: Level { ial: asserted.ial(), aal: asserted.aal() },
        class_ref: asserted.class_ref().to_owned(),
        name_id_format: frozen.name_id().format(),
        assertion_id: parts.id.to_string(),
        session_index: parts.session_index.clone(),
        in_response_to: parts.in_response_to.to_string(),
        assertion_digest: release.key().mac(assertion.as_bytes()),
        signing_key_id: question.signing_key_id.to_owned(),
    };
    // SAML Core §8.4: on the way to this answer, or before its request came.
    let consent = match consent.given_at >= request.received_at() {
        true => ConsentObtained::CurrentExplicit,
        false => ConsentObtained::Prior,
    };
    Ok(Issued { assertion, disclosure, consent })
}

fn name_id(chosen: &ChosenNameId) -> NameId {
    let value = chosen.value().reveal();
    match chosen.format() {
        NameIdFormat::EmailAddress => NameId::email_address(value),
        NameIdFormat::Persistent => NameId::persistent(value),
        NameIdFormat::Transient => NameId::transient(value),
    }
}

fn attribute(name: AttributeName, values: &[AttributeValue], profile: AttributeProfile) -> AssertionAttribute {
    let wire = name.wire_name(profile);
    AssertionAttribute {
        name: wire.name.to_owned(),
        name_format: wire.name_format.to_owned(),
        friendly_name: Some(wire.friendly_name.to_owned()),
        values: values.iter().map(|value| Zeroizing::new(value.reveal().to_owned())).collect(),
    }
}
