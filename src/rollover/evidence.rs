//! What is known of whether a service has a key.

use std::fmt;

use time::{Duration, UtcDateTime};

/// A service fetched our metadata at the address that is its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetadataFetch {
    /// When; at most an hour less than the last time.
    pub at: UtcDateTime,
    /// The number of the plan whose keys stood in it.
    pub plan_version: i64,
}

/// A node said which plan it follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSeen {
    /// Its name in the settings.
    pub node: String,
    /// The number of the plan.
    pub plan_version: i64,
    /// When it said so.
    pub at: UtcDateTime,
}

impl NodeSeen {
    /// Whether it serves people, as far as is known, and does not follow this plan or a later one yet.
    #[must_use]
    pub fn is_behind(&self, plan_version: i64, now: UtcDateTime) -> bool {
        now.saturating_sub(NODE_IS_GONE_AFTER) < self.at && self.plan_version < plan_version
    }
}

/// Each node says every minute which plan it follows; one that has been silent for so long does not serve any more.
const NODE_IS_GONE_AFTER: Duration = Duration::minutes(5);

/// Whether it is known that a service has a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// Every copy of our metadata that lacks the key has expired.
    CopiesExpired,
    /// It fetched metadata with the key in it.
    Fetched,
    /// The key is in no metadata.
    NotPublished,
    /// A sign-in that was signed with the key did not succeed there.
    TrialFailed,
    /// A sign-in that was signed with the key succeeded there.
    Tried,
    /// Nothing is known.
    Unknown {
        /// When every copy of our metadata that lacks the key will have expired.
        known_from: UtcDateTime,
    },
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CopiesExpired => f.write_str("has it: every copy without it has expired"),
            Self::Fetched => f.write_str("has it: fetched"),
            Self::NotPublished => f.write_str("not published"),
            Self::TrialFailed => f.write_str("trial failed"),
            Self::Tried => f.write_str("has it: trial succeeded"),
            Self::Unknown { known_from } => write!(f, "unknown until {}", known_from.date()),
        }
    }
}
