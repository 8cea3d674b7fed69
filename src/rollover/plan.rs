//! The plan: which keys stand in our metadata, and which of them signs for whom.
//!
//! Every step makes the next plan out of the one before, or is refused by name. Nothing here knows what is stored.

use std::collections::BTreeMap;
use std::fmt;

use openssl::sha::sha256;
use time::UtcDateTime;

use crate::rollover::{
    LAST_MESSAGES_ARRIVE, METADATA_VALID_FOR, MetadataFetch, PlanRefused, PlannedOpener, Readiness, SigningKeyId,
};
use crate::saml::EntityId;

/// When a step is taken, and which number the plan gets by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// The number of the new plan: greater than that of any plan before.
    pub version: i64,
    /// Now.
    pub now: UtcDateTime,
}

/// Where a key stands on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// It is in the key folder, and nobody knows it yet.
    Generated,
    /// It stands in our metadata and signs nothing: not yet, or not any more.
    Published,
    /// It stands in our metadata and signs for at least one service.
    Signing,
    /// It stands in no metadata any more, and signs never again.
    Retired,
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Generated => "generated",
            Self::Published => "published",
            Self::Signing => "signing",
            Self::Retired => "retired",
        })
    }
}

/// What the plan says of a key that was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedKey {
    /// The first plan in which it stands: whoever fetched metadata made by this one or a later one has it.
    pub published_in: i64,
    /// When.
    pub published_at: UtcDateTime,
    /// When it first signed for somebody.
    pub signed_from: Option<UtcDateTime>,
    /// When it stopped; nothing while it signs.
    pub signed_until: Option<UtcDateTime>,
    /// When it left our metadata for good.
    pub retired_at: Option<UtcDateTime>,
}

/// A share of all services, in whole percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WavePercent(u8);

impl WavePercent {
    /// From 1 to 100.
    #[must_use]
    pub fn new(percent: u8) -> Option<Self> {
        (1..=100).contains(&percent).then_some(Self(percent))
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// The services that go ahead with another key than the rest. Each service has its place by its name, so a greater share
/// holds every service of a smaller one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wave {
    /// The key.
    pub key: SigningKeyId,
    /// How many of a hundred.
    pub percent: WavePercent,
}

impl Wave {
    /// Whether this service goes ahead.
    #[must_use]
    pub fn takes(&self, service: &EntityId) -> bool {
        let [a, b, ..] = sha256(format!("signet/signing-wave/v1/{service}").as_bytes());
        // 0 ≤ place < 65536; a hundred percent is above every place.
        u32::from(u16::from_be_bytes([a, b])) * 100 < u32::from(self.percent.0) * 65_536
    }
}

/// How a sign-in that was signed with the next key for a try went, as the administrator says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialOutcome {
    /// The key.
    pub key: SigningKeyId,
    /// Whether the service took it.
    pub succeeded: bool,
    /// When that was said.
    pub told_at: UtcDateTime,
}

/// For whom a key is to sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// For every service but those that were put back to another key.
    All,
    /// For these.
    Services(Vec<EntityId>),
    /// For the first so many of a hundred.
    Wave(WavePercent),
}

/// Which keys stand in our metadata, and which of them signs for whom.
///
/// Whoever signs stands in the metadata and is not retired: the fields are private, and every step and every reader of a
/// stored plan holds that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningPlan {
    pub(super) version: i64,
    pub(super) keys: BTreeMap<SigningKeyId, PlannedKey>,
    /// Signs our metadata, and for every service of which nothing else is said.
    pub(super) fleet: SigningKeyId,
    pub(super) wave: Option<Wave>,
    pub(super) chosen: BTreeMap<EntityId, SigningKeyId>,
    pub(super) trials: BTreeMap<EntityId, TrialOutcome>,
    /// To which services encrypt for us.
    pub(super) openers: BTreeMap<SigningKeyId, PlannedOpener>,
}

impl SigningPlan {
    /// The first plan: one key, published, that signs for all, and one to which services encrypt, where there is one.
    #[must_use]
    pub fn begin(key: SigningKeyId, opener: Option<SigningKeyId>, at: At) -> Self {
        let first = PlannedKey {
            published_in: at.version,
            published_at: at.now,
            signed_from: Some(at.now),
            signed_until: None,
            retired_at: None,
        };
        Self {
            version: at.version,
            keys: BTreeMap::from([(key.clone(), first)]),
            fleet: key,
            wave: None,
            chosen: BTreeMap::new(),
            trials: BTreeMap::new(),
            openers: opener.map(|id| (id, PlannedOpener::new(at))).into_iter().collect(),
        }
    }

    /// Its number. A later plan has a greater one.
    #[must_use]
    pub const fn version(&self) -> i64 {
        self.version
    }

    /// The key that signs our metadata, and for every service of which nothing else is said.
    #[must_use]
    pub const fn fleet(&self) -> &SigningKeyId {
        &self.fleet
    }

    /// The services that go ahead with another key.
    #[must_use]
    pub const fn wave(&self) -> Option<&Wave> {
        self.wave.as_ref()
    }

    /// The services that have a key of their own choice, whatever the rest does.
    #[must_use]
    pub const fn chosen(&self) -> &BTreeMap<EntityId, SigningKeyId> {
        &self.chosen
    }

    /// Every key that was ever published.
    #[must_use]
    pub const fn keys(&self) -> &BTreeMap<SigningKeyId, PlannedKey> {
        &self.keys
    }

    /// How the last try of a service went.
    #[must_use]
    pub fn trial_of(&self, service: &EntityId) -> Option<&TrialOutcome> {
        self.trials.get(service)
    }

    /// The keys in our metadata: first the one that signs it, then the newest first.
    pub fn in_metadata(&self) -> impl Iterator<Item = &SigningKeyId> {
        let mut others: Vec<_> =
            self.keys.iter().filter(|(id, key)| key.retired_at.is_none() && **id != self.fleet).collect();
        others.sort_by_key(|(_, key)| std::cmp::Reverse(key.published_in));
        std::iter::once(&self.fleet).chain(others.into_iter().map(|(id, _)| id))
    }

    /// Where a key stands.
    #[must_use]
    pub fn state(&self, key: &SigningKeyId) -> KeyState {
        match self.keys.get(key) {
            None => KeyState::Generated,
            Some(known) if known.retired_at.is_some() => KeyState::Retired,
            Some(_) if self.signs(key) => KeyState::Signing,
            Some(_) => KeyState::Published,
        }
    }

    /// The key that signs for a service: its own choice, else that of the wave that it is in, else that of all.
    #[must_use]
    pub fn key_for(&self, service: &EntityId) -> &SigningKeyId {
        self.chosen.get(service).unwrap_or_else(|| self.rule_for(service))
    }

    /// What holds for a service without a choice of its own.
    fn rule_for(&self, service: &EntityId) -> &SigningKeyId {
        self.wave.as_ref().filter(|wave| wave.takes(service)).map_or(&self.fleet, |wave| &wave.key)
    }

    fn signs(&self, key: &SigningKeyId) -> bool {
        self.fleet == *key
            || self.wave.as_ref().is_some_and(|wave| wave.key == *key)
            || self.chosen.values().any(|chosen| chosen == key)
    }

    /// Whether it is known that a service has a key: it fetched metadata with it, or took a sign-in that was signed with it,
    /// or every copy of our metadata without it has expired.
    #[must_use]
    pub fn readiness(
        &self,
        key: &SigningKeyId,
        service: &EntityId,
        fetch: Option<&MetadataFetch>,
        now: UtcDateTime,
    ) -> Readiness {
        let Some(planned) = self.keys.get(key).filter(|planned| planned.retired_at.is_none()) else {
            return Readiness::NotPublished;
        };
        match self.trials.get(service).filter(|trial| trial.key == *key) {
            Some(trial) if trial.succeeded => return Readiness::Tried,
            Some(_) => return Readiness::TrialFailed,
            None => {}
        }
        if fetch.is_some_and(|fetch| fetch.plan_version >= planned.published_in) {
            return Readiness::Fetched;
        }
        let known_from = planned.published_at.saturating_add(METADATA_VALID_FOR);
        if now >= known_from { Readiness::CopiesExpired } else { Readiness::Unknown { known_from } }
    }

    /// Publishes a key that is in the key folder.
    ///
    /// # Errors
    /// It was published before.
    pub fn publish(&self, key: &SigningKeyId, at: At) -> Result<Self, PlanRefused> {
        match self.state(key) {
            KeyState::Generated => {}
            KeyState::Retired => return Err(PlanRefused::Retired { key: key.clone() }),
            state @ (KeyState::Published | KeyState::Signing) => {
                return Err(PlanRefused::PublishedBefore { key: key.clone(), state });
            }
        }
        let published = PlannedKey {
            published_in: at.version,
            published_at: at.now,
            signed_from: None,
            signed_until: None,
            retired_at: None,
        };
        Ok(self.after(at, |plan| {
            plan.keys.insert(key.clone(), published);
        }))
    }

    /// Lets a key sign for some services or for all. Each of `services` that gets it by this must be known to have it,
    /// unless `at_once`.
    ///
    /// # Errors
    /// The key is not published, or somebody may not have it yet, or nothing would change.
    pub fn sign_with(
        &self,
        key: &SigningKeyId,
        whom: &Whom,
        services: &[EntityId],
        fetches: &BTreeMap<EntityId, MetadataFetch>,
        at_once: bool,
        at: At,
    ) -> Result<Self, PlanRefused> {
        self.must_be_in_metadata(key)?;
        if let Whom::Services(named) = whom
            && let Some(unknown) = named.iter().find(|named| !services.contains(named))
        {
            return Err(PlanRefused::UnknownService { service: unknown.clone() });
        }
        let next = self.after(at, |plan| match whom {
            Whom::All => {
                plan.fleet = key.clone();
                plan.wave = None;
                plan.chosen.retain(|_, chosen| chosen != key);
            }
            Whom::Services(named) => {
                for service in named {
                    // What holds for it anyway is no choice of its own: it goes on with the rest the next time.
                    if plan.rule_for(service) == key {
                        plan.chosen.remove(service);
                    } else {
                        plan.chosen.insert(service.clone(), key.clone());
                    }
                }
            }
            Whom::Wave(percent) => {
                plan.wave = (*key != plan.fleet).then(|| Wave { key: key.clone(), percent: *percent });
            }
        });
        let unchanged = next.fleet == self.fleet && next.wave == self.wave && next.chosen == self.chosen;
        if unchanged {
            return Err(PlanRefused::NothingChanges { key: key.clone() });
        }
        // Whoever has a newer key fetched it beside the older one, so going back needs no proof.
        let published = |id: &SigningKeyId| self.keys.get(id).map(|key| key.published_in);
        let moved = services
            .iter()
            .filter(|service| next.key_for(service) == key && published(self.key_for(service)) < published(key));
        let mut known_from = at.now;
        let mut unready = Vec::new();
        for service in moved {
            match self.readiness(key, service, fetches.get(service), at.now) {
                Readiness::Fetched | Readiness::Tried | Readiness::CopiesExpired => {}
                Readiness::TrialFailed | Readiness::NotPublished => unready.push((service.clone(), None)),
                Readiness::Unknown { known_from: from } => {
                    known_from = known_from.max(from);
                    unready.push((service.clone(), Some(from)));
                }
            }
        }
        if unready.is_empty() || at_once {
            return Ok(next);
        }
        match unready.iter().find(|(_, from)| from.is_none()) {
            Some((service, _)) => Err(PlanRefused::TrialFailed { key: key.clone(), service: service.clone() }),
            None => {
                let services = unready.into_iter().map(|(service, _)| service).collect();
                Err(PlanRefused::MayLackTheKey { key: key.clone(), services, known_from })
            }
        }
    }

    /// Puts one service back to the key that signed before its present one, and is still in our metadata.
    ///
    /// # Errors
    /// There is none.
    pub fn fall_back(&self, service: &EntityId, at: At) -> Result<Self, PlanRefused> {
        let present = self.key_for(service);
        let began = self.keys.get(present).and_then(|key| key.signed_from);
        let earlier = self
            .keys
            .iter()
            .filter(|(id, key)| *id != present && key.retired_at.is_none())
            .filter_map(|(id, key)| Some((key.signed_from.filter(|from| Some(*from) < began)?, id)))
            .max();
        let (_, earlier) = earlier.ok_or_else(|| PlanRefused::NoEarlierKey { service: service.clone() })?;
        let earlier = earlier.clone();
        Ok(self.after(at, |plan| {
            plan.chosen.insert(service.clone(), earlier);
        }))
    }

    /// Takes a key out of our metadata for good.
    ///
    /// # Errors
    /// It still signs for somebody, stopped only now, or was never published.
    pub fn retire(&self, key: &SigningKeyId, at_once: bool, at: At) -> Result<Self, PlanRefused> {
        self.must_be_in_metadata(key)?;
        if self.in_metadata().count() == 1 {
            return Err(PlanRefused::LastKey { key: key.clone() });
        }
        if self.signs(key) {
            let services = self.chosen.iter().filter(|(_, chosen)| *chosen == key).map(|(service, _)| service.clone());
            let for_all = self.fleet == *key;
            let for_wave = self.wave.as_ref().is_some_and(|wave| wave.key == *key);
            return Err(PlanRefused::StillSigns { key: key.clone(), for_all, for_wave, services: services.collect() });
        }
        let stopped = self.keys.get(key).and_then(|planned| planned.signed_until);
        if let Some(until) = stopped.map(|at| at.saturating_add(LAST_MESSAGES_ARRIVE)).filter(|until| at.now < *until)
            && !at_once
        {
            return Err(PlanRefused::JustStopped { key: key.clone(), until });
        }
        Ok(self.after(at, |plan| {
            if let Some(planned) = plan.keys.get_mut(key) {
                planned.retired_at = Some(at.now);
            }
            plan.trials.retain(|_, trial| trial.key != *key);
        }))
    }

    /// Writes down how a try went.
    ///
    /// # Errors
    /// The key is not in our metadata.
    pub fn tried(&self, service: &EntityId, key: &SigningKeyId, succeeded: bool, at: At) -> Result<Self, PlanRefused> {
        self.must_be_in_metadata(key)?;
        let outcome = TrialOutcome { key: key.clone(), succeeded, told_at: at.now };
        Ok(self.after(at, |plan| {
            plan.trials.insert(service.clone(), outcome);
        }))
    }

    /// The key that a try is about: the newest one in our metadata that does not sign for the service.
    ///
    /// # Errors
    /// There is none.
    pub fn next_for(&self, service: &EntityId) -> Result<&SigningKeyId, PlanRefused> {
        let present = self.key_for(service);
        let published = |id: &SigningKeyId| self.keys.get(id).map(|key| key.published_in);
        let newer = self.in_metadata().filter(|id| published(id) > published(present));
        newer.max_by_key(|id| published(id)).ok_or_else(|| PlanRefused::NoNextKey { service: service.clone() })
    }

    fn must_be_in_metadata(&self, key: &SigningKeyId) -> Result<(), PlanRefused> {
        match self.state(key) {
            KeyState::Published | KeyState::Signing => Ok(()),
            KeyState::Generated => Err(PlanRefused::NotPublished { key: key.clone() }),
            KeyState::Retired => Err(PlanRefused::Retired { key: key.clone() }),
        }
    }

    /// The plan after a change, with the times at which keys began and stopped to sign.
    fn after(&self, at: At, change: impl FnOnce(&mut Self)) -> Self {
        let mut next = self.clone();
        next.version = at.version;
        change(&mut next);
        let signing: Vec<(SigningKeyId, bool)> = next.keys.keys().map(|id| (id.clone(), next.signs(id))).collect();
        for (id, signs) in signing {
            let Some(key) = next.keys.get_mut(&id) else { continue };
            if signs {
                key.signed_from.get_or_insert(at.now);
                key.signed_until = None;
            } else if self.signs(&id) {
                key.signed_until = Some(at.now);
            }
        }
        next
    }
}
