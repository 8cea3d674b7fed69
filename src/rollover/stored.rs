//! How a plan is stored, and how it is told from what somebody wrote into the database.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::UtcDateTime;

use crate::rollover::{PlannedKey, PlannedOpener, SigningKeyId, SigningPlan, TrialOutcome, Wave, WavePercent};
use crate::saml::EntityId;
use crate::sealing::{
    KeysError, Purpose, ServiceKeys, Vouched, VouchedRow, context, instant, mac_column, milliseconds,
};

/// A plan as the database has it: nobody vouches for it before [`StoredSigningPlan::authenticate`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSigningPlan {
    /// Its number.
    pub version: i64,
    /// The plan, as JSON.
    pub document: String,
    /// The keyed digest, as [`Mac::to_bytes`](crate::sealing::Mac::to_bytes) writes it.
    pub mac: Vec<u8>,
    /// When it was made.
    pub made_at: UtcDateTime,
    /// By whom: a user of the terminal, or a node that started first.
    pub made_by: String,
}

impl StoredSigningPlan {
    /// What to store.
    ///
    /// # Errors
    /// When the service's keys are unavailable.
    pub fn new(
        plan: &SigningPlan,
        made_at: UtcDateTime,
        made_by: &str,
        keys: &dyn ServiceKeys,
    ) -> Result<Self, KeysError> {
        let document = serde_json::to_string(&Document::of(plan)).map_err(|_| KeysError::Malformed)?;
        let stored = Self { version: plan.version, document, mac: Vec::new(), made_at, made_by: made_by.to_owned() };
        stored.vouched((), keys)
    }
}

impl VouchedRow for StoredSigningPlan {
    type Context<'c> = ();
    type Meaning = SigningPlan;
    const PURPOSE: Purpose = Purpose::SigningPlan;
    mac_column!();

    /// {label, number, plan}. When and by whom is for people to read, and decides nothing.
    fn octets(&self, (): ()) -> Vec<u8> {
        context(&[b"signet/signing-plan/v1", &self.version.to_be_bytes(), self.document.as_bytes()])
    }

    fn meaning(row: Vouched<'_, Self>, (): ()) -> Option<SigningPlan> {
        serde_json::from_str::<Document>(&row.document).ok()?.plan(row.version)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    fleet: String,
    keys: BTreeMap<String, StoredKey>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wave: Option<StoredWave>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    chosen: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    trials: BTreeMap<String, StoredTrial>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    openers: BTreeMap<String, StoredOpener>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredKey {
    published_in: i64,
    published_at: Milliseconds,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signed_from: Option<Milliseconds>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signed_until: Option<Milliseconds>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retired_at: Option<Milliseconds>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredWave {
    key: String,
    percent: u8,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredTrial {
    key: String,
    succeeded: bool,
    told_at: Milliseconds,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredOpener {
    published_in: i64,
    published_at: Milliseconds,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaced_at: Option<Milliseconds>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retired_at: Option<Milliseconds>,
}

/// Milliseconds since 1970.
#[derive(Serialize, Deserialize, Clone, Copy)]
struct Milliseconds(i64);

impl Milliseconds {
    fn of(at: UtcDateTime) -> Self {
        Self(milliseconds(at))
    }

    fn instant(self) -> Option<UtcDateTime> {
        instant(self.0)
    }
}

impl Document {
    fn of(plan: &SigningPlan) -> Self {
        let key = |key: &PlannedKey| StoredKey {
            published_in: key.published_in,
            published_at: Milliseconds::of(key.published_at),
            signed_from: key.signed_from.map(Milliseconds::of),
            signed_until: key.signed_until.map(Milliseconds::of),
            retired_at: key.retired_at.map(Milliseconds::of),
        };
        let trial = |trial: &TrialOutcome| StoredTrial {
            key: trial.key.to_string(),
            succeeded: trial.succeeded,
            told_at: Milliseconds::of(trial.told_at),
        };
        let opener = |opener: &PlannedOpener| StoredOpener {
            published_in: opener.published_in,
            published_at: Milliseconds::of(opener.published_at),
            replaced_at: opener.replaced_at.map(Milliseconds::of),
            retired_at: opener.retired_at.map(Milliseconds::of),
        };
        Self {
            fleet: plan.fleet.to_string(),
            keys: plan.keys.iter().map(|(id, planned)| (id.to_string(), key(planned))).collect(),
            wave: plan.wave.as_ref().map(|wave| StoredWave { key: wave.key.to_string(), percent: wave.percent.get() }),
            chosen: plan.chosen.iter().map(|(service, id)| (service.to_string(), id.to_string())).collect(),
            trials: plan.trials.iter().map(|(service, one)| (service.to_string(), trial(one))).collect(),
            openers: plan.openers.iter().map(|(id, planned)| (id.to_string(), opener(planned))).collect(),
        }
    }

    /// Nothing where it is no plan: a key that signs and is not in our metadata, a name that is none.
    fn plan(self, version: i64) -> Option<SigningPlan> {
        let id = |text: &str| SigningKeyId::parse(text).ok();
        let service = |text: &str| EntityId::parse(text).ok();
        let maybe = |at: Option<Milliseconds>| match at {
            None => Some(None),
            Some(at) => at.instant().map(Some),
        };
        let key = |stored: StoredKey| {
            Some(PlannedKey {
                published_in: stored.published_in,
                published_at: stored.published_at.instant()?,
                signed_from: maybe(stored.signed_from)?,
                signed_until: maybe(stored.signed_until)?,
                retired_at: maybe(stored.retired_at)?,
            })
        };
        let keys: BTreeMap<SigningKeyId, PlannedKey> =
            self.keys.into_iter().map(|(name, stored)| Some((id(&name)?, key(stored)?))).collect::<Option<_>>()?;
        let signing =
            |text: &str| id(text).filter(|id| keys.get(id).is_some_and(|key: &PlannedKey| key.retired_at.is_none()));
        let fleet = signing(&self.fleet)?;
        let wave = match self.wave {
            None => None,
            Some(wave) => Some(Wave { key: signing(&wave.key)?, percent: WavePercent::new(wave.percent)? }),
        };
        let chosen =
            self.chosen.iter().map(|(name, key)| Some((service(name)?, signing(key)?))).collect::<Option<_>>()?;
        let trial = |stored: StoredTrial| {
            Some(TrialOutcome {
                key: id(&stored.key)?,
                succeeded: stored.succeeded,
                told_at: stored.told_at.instant()?,
            })
        };
        let trials =
            self.trials.into_iter().map(|(name, one)| Some((service(&name)?, trial(one)?))).collect::<Option<_>>()?;
        let opener = |stored: StoredOpener| {
            Some(PlannedOpener {
                published_in: stored.published_in,
                published_at: stored.published_at.instant()?,
                replaced_at: maybe(stored.replaced_at)?,
                retired_at: maybe(stored.retired_at)?,
            })
        };
        let openers =
            self.openers.into_iter().map(|(name, one)| Some((id(&name)?, opener(one)?))).collect::<Option<_>>()?;
        Some(SigningPlan { version, keys, fleet, wave, chosen, trials, openers })
    }
}
