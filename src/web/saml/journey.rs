//! `/saml/continue/{id}`: what comes next for a request that waits.
//!
//! Nothing is remembered between visits but the request as it came and what the session proved. The line is walked from
//! its beginning against the services as they stand now, the person's facts are read in one transaction, and the core
//! says which step comes next.

use time::UtcDateTime;

use super::IdentityProvider;
use super::arrival::place;
use super::line::{Settled, walk};
use super::pages::{ConsentLine, ConsentPage, LevelPage, OtherAddress, WithheldLine};
use crate::accounts::Trouble;
use crate::accounts::identifier::{KnownIdentifier, settle_identifier};
use crate::accounts::person::{Gathered, Person, gather, vault_is_sealed};
use crate::accounts::service_address::{call, keep_address, may_be_called};
use crate::accounts::site::Site;
use crate::address::Address;
use crate::authentication::session::{SessionStage, SessionState, SignedIn};
use crate::authentication::{AuthenticatedSubject, RequiredAssurance};
use crate::federation::assurance::Identity;
use crate::federation::attribute::{AttributeName, AttributeValue, Sensitivity};
use crate::federation::consent::{
    ConsentReason, ConsentScope, ConsentedRelease, FrozenRelease, QuestionDigest, REMEMBERED_FOR,
};
use crate::federation::identifier::{NameIdFormat, PairwiseId};
use crate::federation::registry::ServiceProvider;
use crate::federation::release::{ReleaseDecision, Withheld};
use crate::federation::single_sign_on::{
    AnswerableFault, AuthenticationState, MatchedAuthnRequest, NextStep, NotAuthenticated, PersonFacts, ReleaseFailed,
    ReleaseStep,
};
use crate::locale::Locale;
use crate::proofing::Ial;
use crate::saml::binding::Received;
use crate::saml::metadata::Localized;
use crate::sealing::{KeysError, Purpose};
use crate::storage::{PendingRequest, Transaction};
use crate::subscriber::ContactId;
use crate::web::refusal::Refusal;

/// Reads a stored request and walks its line.
///
/// # Errors
/// When the line stops now, for instance because the service was switched off meanwhile; when what is stored cannot be
/// opened.
pub fn resume(site: &Site, idp: &IdentityProvider, pending: &PendingRequest) -> Result<Settled, Refusal> {
    let opened = site.keys.open(Purpose::PendingRequest, &place(&pending.id), &pending.received_sealed)?;
    let received = Received::from_bytes(&opened).map_err(|_| KeysError::Malformed)?;
    Ok(walk(idp, &received, pending.received_at)?)
}

/// What a request that waits demands of the sign-in; `None` when it will be answered with an error whoever signs in.
///
/// # Errors
/// As [`resume`].
pub fn required_sign_in(
    site: &Site,
    idp: &IdentityProvider,
    pending: &PendingRequest,
) -> Result<Option<RequiredAssurance>, Refusal> {
    Ok(match resume(site, idp, pending)? {
        Settled::Matched(matched) => Some(matched.required_sign_in()),
        Settled::Fault { .. } => None,
    })
}

/// What a service asked for and does not receive. What nobody asked for needs no mention.
fn asked_and_withheld(decision: &ReleaseDecision) -> Vec<(AttributeName, Withheld)> {
    decision.withheld().filter(|(_, why)| !matches!(why, Withheld::NotAsked | Withheld::NotWanted)).collect()
}

/// What the session has proved, as the journey reads it. A session that is signing up has proved nothing yet.
#[must_use]
pub fn authentication_state(state: &SessionState) -> AuthenticationState {
    match &state.stage {
        SessionStage::PasswordProved { subscriber, .. } | SessionStage::SignedIn(SignedIn { subscriber, .. }) => {
            AuthenticationState::Known { subscriber: *subscriber, events: state.events.clone() }
        }
        SessionStage::Visitor | SessionStage::ChoosingMethods { .. } | SessionStage::TakingUp(_) => {
            AuthenticationState::Stranger
        }
    }
}

/// What comes next.
#[derive(Debug)]
pub enum Onward {
    /// The answer is an error.
    Answer(AnswerableFault),
    /// The service knows somebody else by each address that the person has.
    AddressOfAnother,
    /// Ask the person.
    Consent(Box<ConsentQuestion>),
    /// The name by which the agency knows the person is not as we wrote it: nothing may be sent.
    IdentifierAltered,
    /// Everything is there.
    Issue(Box<ReadyToIssue>),
    /// The level is not reached.
    Level(LevelPage),
    /// The level is not reached, and would be if what is stored of it could be believed.
    LevelAltered,
    /// The account cannot be used.
    NoAccount,
    /// Sign in, or more.
    Step(NextStep),
    /// Open the vault.
    Unlock,
}

/// What the person is asked.
#[derive(Debug)]
pub struct ConsentQuestion {
    /// Who is asked.
    pub person: Person,
    /// Who signed in.
    pub subject: AuthenticatedSubject,
    /// Why.
    pub reason: ConsentReason,
    /// What is asked for and would not be sent, and why.
    pub withheld: Vec<(AttributeName, Withheld)>,
    /// What is agreed to.
    pub scope: ConsentScope,
    /// What would be sent.
    pub frozen: FrozenRelease,
    /// The digest of the page that asks.
    pub digest: QuestionDigest,
}

/// What is issued.
#[derive(Debug)]
pub struct ReadyToIssue {
    /// Whose.
    pub person: Person,
    /// Who signed in.
    pub subject: AuthenticatedSubject,
    /// What is asked for and is not sent, and why.
    pub withheld: Vec<(AttributeName, Withheld)>,
    /// What is released.
    pub release: ConsentedRelease,
}

/// What the journey of one request is decided from.
pub struct Journey {
    /// The house.
    pub site: Site,
    /// Who we are on the wire.
    pub idp: IdentityProvider,
    /// The request, settled against the services as they stand now.
    pub matched: Box<MatchedAuthnRequest>,
    /// What the session has proved.
    pub state: SessionState,
    /// The person goes on although the vault stays sealed: as somebody without a profile.
    pub without_profile: bool,
    /// The address that the person picked on the page.
    pub picked: Option<ContactId>,
    /// In which language the person reads.
    pub locale: Locale,
}

impl Journey {
    /// Looks at where the journey stands, changing nothing.
    ///
    /// # Errors
    /// When the database or the keys are unavailable.
    pub async fn look(self) -> Result<(Box<MatchedAuthnRequest>, Onward), Trouble> {
        let (store, now) = (self.site.store.clone(), self.site.now());
        let new_pairwise = PairwiseId::random(&*self.site.entropy);
        let looked = store.read::<_, Trouble, _>(move |tx| {
            let came_to = self.onward(tx, new_pairwise, now)?;
            Ok((self.matched, came_to))
        });
        looked.await
    }

    /// Says what comes next, with an identifier that is the person's from now on.
    ///
    /// # Errors
    /// When the database or the keys are unavailable.
    pub fn onward_with_identifier(&self, tx: &mut Transaction<'_>, now: UtcDateTime) -> Result<Onward, Trouble> {
        let proposed = PairwiseId::random(&*self.site.entropy);
        let of = match authentication_state(&self.state) {
            AuthenticationState::Known { subscriber, .. } if self.matched.may_create_identifier() => subscriber,
            _ => return self.onward(tx, proposed, now),
        };
        let agency = self.matched.service().agreement().agency_id();
        match settle_identifier(tx, &self.site, of, agency, proposed, now)? {
            KnownIdentifier::Altered => Ok(Onward::IdentifierAltered),
            KnownIdentifier::Known(identifier) => self.onward(tx, identifier, now),
            KnownIdentifier::None => self.onward(tx, proposed, now),
        }
    }

    /// Says what comes next. `new_pairwise` is the identifier for a person who has none at the agency yet.
    ///
    /// # Errors
    /// When the database or the keys are unavailable.
    pub fn onward(
        &self,
        tx: &mut Transaction<'_>,
        new_pairwise: PairwiseId,
        now: UtcDateTime,
    ) -> Result<Onward, Trouble> {
        let Self { site, idp, matched, state, without_profile, picked, locale } = self;
        let subject = match matched.authenticate(&authentication_state(state), now) {
            Ok(subject) => subject,
            Err(NotAuthenticated::Yet(step)) => return Ok(Onward::Step(step)),
            Err(NotAuthenticated::Never(fault)) => return Ok(Onward::Answer(fault)),
        };
        let of = subject.subscriber();
        let mut person = match gather(tx, site, of, state.vault_key(), matched.service(), *picked, *locale)? {
            Gathered::IdentifierAltered => return Ok(Onward::IdentifierAltered),
            Gathered::NoAccount => return Ok(Onward::NoAccount),
            Gathered::Person(person) => *person,
        };
        if *without_profile && person.held.vault_is_closed() {
            person.held = person.held.without_profile();
        }
        if matched.name_id_format() == NameIdFormat::EmailAddress && !self.choose_name(tx, &mut person)? {
            return Ok(Onward::AddressOfAnother);
        }
        let facts = PersonFacts {
            held: &person.held,
            address_must_be_asked: person.address.is_some_and(|chosen| chosen.must_be_asked),
            known_pairwise: person.known_pairwise,
            new_pairwise,
            consent: person.consent.as_ref(),
            content_key: &person.content_key,
            page_language: locale.tag(),
            scope: idp.scope(),
        };
        match matched.release(&subject, &facts, &*site.entropy, now) {
            Ok(ReleaseStep::Consent { reason, decision, scope, frozen, digest }) => {
                let withheld = asked_and_withheld(&decision);
                Ok(Onward::Consent(Box::new(ConsentQuestion {
                    person,
                    subject,
                    reason,
                    withheld,
                    scope,
                    frozen,
                    digest,
                })))
            }
            Ok(ReleaseStep::Issue { release, decision, .. }) => {
                let withheld = asked_and_withheld(&decision);
                Ok(Onward::Issue(Box::new(ReadyToIssue { person, subject, withheld, release })))
            }
            Ok(ReleaseStep::LevelUnreachable) if person.proofing_was_altered => Ok(Onward::LevelAltered),
            Ok(ReleaseStep::LevelUnreachable) => Ok(Onward::Level(level_page(matched, &person, now))),
            Ok(ReleaseStep::Unlock) => Ok(Onward::Unlock),
            Err(ReleaseFailed::Answerable(fault)) => Ok(Onward::Answer(fault)),
            Err(ReleaseFailed::Broken(_)) => {
                Err(Trouble::Broken("a consent does not cover the release it was compared with"))
            }
        }
    }
}

impl Journey {
    /// Where the service calls people by their address: takes another of the person's addresses when the service calls somebody
    /// else by the chosen one. `false` when none is left.
    fn choose_name(&self, tx: &mut Transaction<'_>, person: &mut Person) -> Result<bool, Trouble> {
        let (of, service) = (person.account.id, self.matched.service());
        let Some(chosen) = person.known_address() else {
            return Ok(true);
        };
        if may_be_called(tx, &self.site, of, service, &chosen.address)? {
            return Ok(true);
        }
        for other in person.addresses.clone() {
            if may_be_called(tx, &self.site, of, service, &other.address)? {
                person.choose_address(other.id);
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Keeps what the person chose with their consent: the address that the service gets, and that it calls them by it. `false`
    /// when the service calls somebody else by it since.
    ///
    /// # Errors
    /// When the database or the keys are unavailable.
    pub(super) fn keep_address(
        &self,
        tx: &mut Transaction<'_>,
        person: &Person,
        frozen: &FrozenRelease,
        now: UtcDateTime,
    ) -> Result<bool, Trouble> {
        let (of, service) = (person.account.id, self.matched.service());
        let Some(known) = person.known_address().filter(|_| frozen.tells_an_address()) else {
            return Ok(true);
        };
        if frozen.name_id().format() == NameIdFormat::EmailAddress
            && !call(tx, &self.site, of, service, &known.address, now)?
        {
            return Ok(false);
        }
        keep_address(tx, &self.site, of, service, known.id, now)?;
        Ok(true)
    }
}

fn level_page(matched: &MatchedAuthnRequest, person: &Person, now: UtcDateTime) -> LevelPage {
    let agreement = matched.service().agreement();
    LevelPage {
        service_name: agreement.friendly_name().clone(),
        agency_name: agreement.agency_name().clone(),
        missing: match (matched.demanded().identity(), person.held.proofed_profile()) {
            (_, Some(profile)) if !profile.is_current(now) => "renewal",
            (Identity::FaceMatched, Some(profile)) if profile.ial() >= Ial::Two => "face_match",
            _ => "proofing",
        },
        vault_is_sealed: vault_is_sealed(&person.account),
        decline_path: Address::default(),
    }
}

/// Where the consent page leads.
pub struct ConsentPaths {
    /// Where the form goes that agrees.
    pub agree: Address,
    /// Where the form goes that declines.
    pub decline: Address,
    /// The page itself, to which the choice of another address is added.
    pub with_another_address: Address,
}

impl ConsentQuestion {
    /// The person's other addresses, where the service would get one.
    fn other_addresses(&self, with_another: &Address) -> Vec<OtherAddress> {
        if !self.frozen.tells_an_address() {
            return Vec::new();
        }
        let chosen = self.person.address.map(|chosen| chosen.contact);
        let others = self.person.addresses.iter().filter(|one| Some(one.id) != chosen);
        others
            .map(|one| OtherAddress {
                address: one.address.as_str().to_owned(),
                path: with_another.clone().with("address", one.id),
            })
            .collect()
    }

    /// The page that asks, drawn from the decision and the frozen release: it shows what is sent,
    /// octet for octet, but that it says yes and no for `true` and `false`.
    #[must_use]
    pub fn page(&self, service: &ServiceProvider, paths: ConsentPaths, locale: Locale) -> ConsentPage {
        let agreement = service.agreement();
        let line = |(name, values): &(AttributeName, Vec<AttributeValue>)| ConsentLine {
            name: name.as_str(),
            purpose: agreement.attributes().get(name).cloned(),
            values: values.iter().map(|value| value.reveal().to_owned()).collect(),
            is_answer: name.is_answer(),
            masked: name.sensitivity() == Sensitivity::High,
            is_new: matches!(&self.reason, ConsentReason::SetGrew(new) if new.contains(name)),
        };
        let (always, attributes): (Vec<_>, Vec<_>) =
            self.frozen.attributes().iter().partition(|(name, _)| name.is_always_sent());
        let name_id = self.frozen.name_id();
        ConsentPage {
            service_name: agreement.friendly_name().clone(),
            description: agreement.description().clone(),
            privacy_url: Localized::choose(&service.metadata().user_interface().privacy_statement_urls, locale.tag())
                .map(str::to_owned),
            agency_name: agreement.agency_name().clone(),
            reason: self.reason.code(),
            attributes: attributes.into_iter().map(line).collect(),
            always: always.into_iter().map(line).collect(),
            other_addresses: self.other_addresses(&paths.with_another_address),
            withheld: self
                .withheld
                .iter()
                .map(|(name, why)| WithheldLine { name: name.as_str(), reason: why.code() })
                .collect(),
            known_by: (name_id.format() == NameIdFormat::EmailAddress).then(|| name_id.value().reveal().to_owned()),
            remembered_days: REMEMBERED_FOR.whole_days(),
            agree_path: paths.agree,
            decline_path: paths.decline,
            digest: self.digest.to_string(),
        }
    }
}
