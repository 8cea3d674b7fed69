//! The keys to which services encrypt for us: which one our metadata offers, and which open what was encrypted to an earlier copy.
//!
//! ```text
//! Generated ──publish──▶ Offered ──the next is published──▶ Replaced ──retire──▶ Retired
//!   in the key folder      in metadata                        opens still           the private key is erased
//! ```

use std::fmt;

use time::UtcDateTime;

use crate::rollover::{At, LAST_MESSAGES_ARRIVE, METADATA_VALID_FOR, PlanRefused, SigningKeyId, SigningPlan};

/// So many keys open at once: each is tried with what a service sends, and each try is a private-key operation.
pub(super) const MOST_OPENING: usize = 3;

/// Where a key to which services encrypt stands on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenerState {
    /// It is in the key folder, and nobody knows it yet.
    Generated,
    /// Our metadata offers it.
    Offered,
    /// Our metadata offers a later one; it opens what is still encrypted to it.
    Replaced,
    /// It opens nothing any more.
    Retired,
}

impl fmt::Display for OpenerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Generated => "generated",
            Self::Offered => "offered",
            Self::Replaced => "replaced",
            Self::Retired => "retired",
        })
    }
}

/// What the plan says of a key to which services encrypt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedOpener {
    /// The first plan in which it stands.
    pub published_in: i64,
    /// When.
    pub published_at: UtcDateTime,
    /// When the next one took its place in our metadata.
    pub replaced_at: Option<UtcDateTime>,
    /// When it opened nothing any more.
    pub retired_at: Option<UtcDateTime>,
}

impl SigningPlan {
    /// Every key to which services could ever encrypt.
    pub fn openers(&self) -> impl Iterator<Item = (&SigningKeyId, &PlannedOpener)> {
        self.openers.iter()
    }

    /// The keys that open, the newest first.
    pub fn opening(&self) -> impl Iterator<Item = &SigningKeyId> {
        let mut open: Vec<_> = self.openers.iter().filter(|(_, planned)| planned.retired_at.is_none()).collect();
        open.sort_by_key(|(_, planned)| std::cmp::Reverse(planned.published_in));
        open.into_iter().map(|(id, _)| id)
    }

    /// The one that our metadata offers, if it offers any.
    #[must_use]
    pub fn offered(&self) -> Option<&SigningKeyId> {
        let offered = |planned: &PlannedOpener| planned.replaced_at.is_none() && planned.retired_at.is_none();
        self.openers.iter().find(|(_, planned)| offered(planned)).map(|(id, _)| id)
    }

    /// Where a key stands.
    #[must_use]
    pub fn opener_state(&self, key: &SigningKeyId) -> OpenerState {
        match self.openers.get(key) {
            None => OpenerState::Generated,
            Some(known) if known.retired_at.is_some() => OpenerState::Retired,
            Some(known) if known.replaced_at.is_some() => OpenerState::Replaced,
            Some(_) => OpenerState::Offered,
        }
    }

    /// Offers a key in our metadata instead of the one before, which goes on opening.
    ///
    /// # Errors
    /// It was published before, or as many open as may.
    pub fn publish_opener(&self, key: &SigningKeyId, at: At) -> Result<Self, PlanRefused> {
        match self.opener_state(key) {
            OpenerState::Generated => {}
            OpenerState::Retired => return Err(PlanRefused::Retired { key: key.clone() }),
            OpenerState::Offered | OpenerState::Replaced => {
                return Err(PlanRefused::OfferedBefore { key: key.clone() });
            }
        }
        if self.opening().count() >= MOST_OPENING {
            return Err(PlanRefused::TooManyOpen);
        }
        let mut next = self.clone();
        next.version = at.version;
        for planned in next.openers.values_mut().filter(|planned| planned.retired_at.is_none()) {
            planned.replaced_at.get_or_insert(at.now);
        }
        next.openers.insert(key.clone(), PlannedOpener::new(at));
        Ok(next)
    }

    /// Opens nothing with a key any more.
    ///
    /// # Errors
    /// Unless `at_once`: our metadata offers it, or a copy of our metadata that offers it may be in use. Or it was never published.
    pub fn retire_opener(&self, key: &SigningKeyId, at_once: bool, at: At) -> Result<Self, PlanRefused> {
        let planned = match self.openers.get(key) {
            None => return Err(PlanRefused::NotPublished { key: key.clone() }),
            Some(planned) if planned.retired_at.is_some() => return Err(PlanRefused::Retired { key: key.clone() }),
            Some(planned) => planned,
        };
        match planned
            .replaced_at
            .map(|replaced| replaced.saturating_add(METADATA_VALID_FOR).saturating_add(LAST_MESSAGES_ARRIVE))
        {
            _ if at_once => {}
            None => return Err(PlanRefused::StillOffered { key: key.clone() }),
            Some(until) if at.now < until => return Err(PlanRefused::JustReplaced { key: key.clone(), until }),
            Some(_) => {}
        }
        let mut next = self.clone();
        next.version = at.version;
        if let Some(planned) = next.openers.get_mut(key) {
            planned.retired_at = Some(at.now);
        }
        Ok(next)
    }
}

impl PlannedOpener {
    pub(super) const fn new(at: At) -> Self {
        Self { published_in: at.version, published_at: at.now, replaced_at: None, retired_at: None }
    }
}
