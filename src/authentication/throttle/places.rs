//! The places in the queue of passwords.

/// How many passwords are let in to be worked on: see [`crate::services::argon2_gate::Argon2Gate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordPlaces {
    /// How many are worked on at the same time.
    pub at_once: usize,
    /// How many more may wait.
    pub waiting: usize,
    /// How many places a network, or a known account, has at most once places get scarce. A wider IPv6 network has twice and
    /// four times as many.
    pub few: usize,
}

impl PasswordPlaces {
    /// As many at once as there are cores, and so many that wait for each core.
    #[must_use]
    pub const fn for_cores(cores: usize, waiting_per_core: usize, few: usize) -> Self {
        Self { at_once: cores, waiting: cores.saturating_mul(waiting_per_core), few }
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> usize {
        self.at_once.max(1).saturating_add(self.waiting)
    }

    /// All but what is kept for known people.
    #[must_use]
    pub fn for_strangers(&self) -> usize {
        self.all() - self.all() / 4
    }
}
