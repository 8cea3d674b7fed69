//! Why a step is not taken, and what comes first.

use time::UtcDateTime;

use crate::rollover::decryption::MOST_OPENING;
use crate::rollover::{KeyState, SigningKeyId};
use crate::saml::EntityId;

/// Why a step of the rollover is not taken. Everything stands as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanRefused {
    /// Somebody may encrypt to it still.
    #[error("copies of our metadata that offer {key} may be in use until {}", .until.date())]
    JustReplaced {
        /// The key.
        key: SigningKeyId,
        /// When they have all expired.
        until: UtcDateTime,
    },
    /// It stopped signing a moment ago.
    #[error("{key} signed until a moment ago: messages of it may arrive until {until}")]
    JustStopped {
        /// The key.
        key: SigningKeyId,
        /// When its last messages have ended.
        until: UtcDateTime,
    },
    /// Nothing would be left to sign with.
    #[error("{key} is the only key in our metadata")]
    LastKey {
        /// The key.
        key: SigningKeyId,
    },
    /// Somebody may have a copy of our metadata without the key.
    #[error("{} may not have {key} yet: {}; every copy of our metadata without it has expired on {}", counted(.services.len()),
        listed(.services), .known_from.date())]
    MayLackTheKey {
        /// The key.
        key: SigningKeyId,
        /// Who.
        services: Vec<EntityId>,
        /// When every copy without it will have expired.
        known_from: UtcDateTime,
    },
    /// No key signed for the service before, or it is retired.
    #[error("no earlier key that signed for {service} is in our metadata")]
    NoEarlierKey {
        /// Which service.
        service: EntityId,
    },
    /// No newer key is published.
    #[error("no key that is newer than the one that signs for {service} is published")]
    NoNextKey {
        /// Which service.
        service: EntityId,
    },
    /// A node that serves people does not follow the plan yet.
    #[error("{} not follow plan {plan_version} yet: {}", if .nodes.len() == 1 { "a node does" } else { "nodes do" }, .nodes.join(", "))]
    NodesBehind {
        /// Which plan.
        plan_version: i64,
        /// Their names in the settings.
        nodes: Vec<String>,
    },
    /// It is in the key folder alone.
    #[error("{key} is not published: no service has it")]
    NotPublished {
        /// The key.
        key: SigningKeyId,
    },
    /// It is so already.
    #[error("{key} signs for them already")]
    NothingChanges {
        /// The key.
        key: SigningKeyId,
    },
    /// Nothing was signed for a try, so nothing can have come of it.
    #[error("no sign-in at {service} was signed with {key} yet")]
    NothingTried {
        /// The key.
        key: SigningKeyId,
        /// Which service.
        service: EntityId,
    },
    /// It is so already.
    #[error("{key} was published before, for encrypting to us")]
    OfferedBefore {
        /// The key.
        key: SigningKeyId,
    },
    /// It is so already.
    #[error("{key} was published before: it is {state}")]
    PublishedBefore {
        /// The key.
        key: SigningKeyId,
        /// Where it stands.
        state: KeyState,
    },
    /// Its way is over.
    #[error("{key} is retired")]
    Retired {
        /// The key.
        key: SigningKeyId,
    },
    /// Services are told to encrypt to it.
    #[error("our metadata offers {key} for encrypting to us")]
    StillOffered {
        /// The key.
        key: SigningKeyId,
    },
    /// Somebody's messages would not be signed any more.
    #[error("{key} still signs{}{}{}", if *.for_all { " for all services without a choice of their own" } else { "" },
        if *.for_wave { " for a wave" } else { "" },
        if .services.is_empty() { String::new() } else { format!(" for {}", listed(.services)) })]
    StillSigns {
        /// The key.
        key: SigningKeyId,
        /// Whether it is the key of all that have no choice of their own.
        for_all: bool,
        /// Whether a wave goes ahead with it.
        for_wave: bool,
        /// The services that were put to it by name.
        services: Vec<EntityId>,
    },
    /// Each is tried with what a service sends.
    #[error("{MOST_OPENING} decryption keys open already, which is the most")]
    TooManyOpen,
    /// A service did not take a sign-in that was signed with the key.
    #[error("a sign-in at {service} that was signed with {key} did not succeed")]
    TrialFailed {
        /// The key.
        key: SigningKeyId,
        /// Which service.
        service: EntityId,
    },
    /// It is not among the services.
    #[error("{service} is none of the services")]
    UnknownService {
        /// Its name.
        service: EntityId,
    },
}

impl PlanRefused {
    /// What to do about it.
    #[must_use]
    pub const fn next_step(&self) -> &'static str {
        match self {
            Self::JustReplaced { .. } => "wait until then, or say --now if no service encrypts to us",
            Self::JustStopped { .. } => "wait until then, or say --now if nobody is signing in",
            Self::LastKey { .. } => "`signet keys generate --next` makes the next one",
            Self::MayLackTheKey { .. } => {
                "wait until they have fetched our metadata (`signet keys status`), try one with `signet keys trial`, or \
                 say --now if you know that they have the key"
            }
            Self::NoEarlierKey { .. } => {
                "`signet keys status` shows the keys; `signet keys sign-with` puts it to another"
            }
            Self::NoNextKey { .. } => "`signet keys publish` publishes the next one",
            Self::NodesBehind { .. } => {
                "wait a minute; if it stays so, the node's log says why (`signing_plan_apply_failed`): it may lack a key's files. \
                 Say --now if it does not serve"
            }
            Self::NotPublished { .. } => "`signet keys publish` puts it into our metadata",
            Self::NothingChanges { .. } | Self::OfferedBefore { .. } | Self::PublishedBefore { .. } => {
                "`signet keys status` shows how things stand"
            }
            Self::NothingTried { .. } => "`signet keys trial --sp …` prints the address with which a try begins",
            Self::Retired { .. } => "`signet keys generate --next` makes a new one",
            Self::StillOffered { .. } => {
                "`signet keys generate --decryption` and `signet keys publish` offer another first; or say --now to offer none"
            }
            Self::StillSigns { .. } => "`signet keys sign-with <another key>` puts them to another key first",
            Self::TooManyOpen => "`signet keys retire` ends the oldest",
            Self::TrialFailed { .. } => {
                "find out why with the agency and try again with `signet keys trial`, or say --now if you know better"
            }
            Self::UnknownService { .. } => "name it by its entityID, as `signet keys status` lists it",
        }
    }
}

fn counted(services: usize) -> String {
    if services == 1 { "one service".to_owned() } else { format!("{services} services") }
}

/// The first few.
fn listed(services: &[EntityId]) -> String {
    const SHOWN: usize = 5;
    let mut text = services.iter().take(SHOWN).map(EntityId::as_str).collect::<Vec<_>>().join(", ");
    if services.len() > SHOWN {
        text.push_str(&format!(" and {} more", services.len() - SHOWN));
    }
    text
}
