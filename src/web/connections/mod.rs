//! What a stranger may hold of this node at once, and for how long: connections, requests under way, an unfinished body, an
//! answer that nobody takes.
//!
//! - Connections in all: fewer than the process has file descriptors ([`ConnectionLimits::new`]).
//! - Connections of one network: counted before TLS and before anything is read (`stream`). A network that has its share
//!   gets a page that says so, on up to as many connections again; those beyond are closed unanswered. Behind proxies all
//!   connections come from the proxies, so they are not counted by network there.
//! - Requests under way of one network, and the deadline for a whole body: in front of every handler ([`admission`]).
//! - Answers that are not taken, and connections on which nothing was answered for a long time: `stream`.
//!
//! Requests by guessers (passwords, codes, mails) are counted elsewhere: [`accounts`](crate::accounts).

pub mod admission;
mod listen;
mod share;
mod stream;

use std::time::Duration;

pub use listen::serve;
pub use share::{Share, Shares};

/// What `signet` keeps for itself of its file descriptors: the log, listeners, the runtime, the metadata folder, mail server and
/// gateway.
const KEPT_DESCRIPTORS: u64 = 64;
/// What one connection to the database takes at most: SQLite has three files open for it.
const DESCRIPTORS_PER_DATABASE_CONNECTION: u64 = 3;
/// What is supposed where the system does not tell its limit.
const SUPPOSED_DESCRIPTORS: u64 = 1024;
/// A node that can hold fewer connections than this is of no use.
const FEWEST_CONNECTIONS: u64 = 16;

/// What a stranger may hold, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Connections of this node in all.
    pub most: usize,
    /// Connections of one network. `None` behind proxies.
    pub per_network: Option<u32>,
    /// Requests of one network that are under way.
    pub requests_per_network: u32,
    /// From the beginning of a connection to the end of its first request's headers.
    pub headers_within: Duration,
    /// From the end of a request's headers to the end of its body.
    pub body_within: Duration,
    /// How long an answer may stand without being taken.
    pub answer_taken_within: Duration,
    /// How many file descriptors the process has.
    pub descriptors: u64,
}

impl ConnectionLimits {
    /// Limits that leave descriptors enough for everything else: `most` connections, or as many as that leaves.
    ///
    /// # Errors
    /// [`TooFewDescriptors`] when `most` cannot be had, or next to nothing is left.
    pub fn new(wanted: &WantedLimits, descriptors: u64) -> Result<Self, TooFewDescriptors> {
        let kept = KEPT_DESCRIPTORS + DESCRIPTORS_PER_DATABASE_CONNECTION * u64::from(wanted.database_connections);
        let left = descriptors.saturating_sub(kept);
        let most = wanted.most.map_or(left, u64::from);
        if most > left || most < FEWEST_CONNECTIONS {
            return Err(TooFewDescriptors { wanted: wanted.most, descriptors, kept });
        }
        Ok(Self {
            most: usize::try_from(most).unwrap_or(usize::MAX),
            per_network: wanted.per_network,
            requests_per_network: wanted.requests_per_network,
            headers_within: wanted.headers_within,
            body_within: wanted.body_within,
            answer_taken_within: wanted.answer_taken_within,
            descriptors,
        })
    }
}

/// What the settings say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WantedLimits {
    /// Connections in all, where the settings say how many.
    pub most: Option<u32>,
    /// See [`ConnectionLimits`].
    pub per_network: Option<u32>,
    /// See [`ConnectionLimits`].
    pub requests_per_network: u32,
    /// See [`ConnectionLimits`].
    pub headers_within: Duration,
    /// See [`ConnectionLimits`].
    pub body_within: Duration,
    /// See [`ConnectionLimits`].
    pub answer_taken_within: Duration,
    /// Connections to the database.
    pub database_connections: u32,
}

/// There are not enough file descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "connections.most = {}: this process may have {descriptors} file descriptors, of which {kept} are needed for other things; \
     raise the limit (`LimitNOFILE=` of systemd, `ulimit -n`) or set fewer",
    .wanted.map_or_else(|| "as many as possible".to_owned(), |most| most.to_string())
)]
pub struct TooFewDescriptors {
    wanted: Option<u32>,
    descriptors: u64,
    kept: u64,
}

/// How many file descriptors this process may have.
#[must_use]
pub fn descriptor_limit() -> u64 {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(SUPPOSED_DESCRIPTORS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(most: Option<u32>) -> WantedLimits {
        let second = Duration::from_secs(1);
        WantedLimits {
            most,
            per_network: Some(8),
            requests_per_network: 8,
            headers_within: second,
            body_within: second,
            answer_taken_within: second,
            database_connections: 8,
        }
    }

    #[test]
    fn connections_stay_below_the_descriptors_and_leave_some_for_everything_else() {
        assert_eq!(ConnectionLimits::new(&wanted(None), 1024).unwrap().most, 1024 - 64 - 3 * 8);
        assert_eq!(ConnectionLimits::new(&wanted(Some(500)), 1024).unwrap().most, 500);
        let refused = ConnectionLimits::new(&wanted(Some(1_000)), 1024).unwrap_err();
        assert!(refused.to_string().contains("connections.most = 1000: this process may have 1024"), "{refused}");
        assert!(ConnectionLimits::new(&wanted(None), 100).is_err());
        assert!(ConnectionLimits::new(&wanted(None), 0).is_err());
    }
}
