//! Ports to the outside world: a trait each, its real adapters, and a sandbox that can fail on purpose.

pub mod argon2_gate;
pub mod keys;
pub mod mail;
pub mod message;
pub mod sandbox;
pub mod sms;

/// What came of asking somebody outside. An outage is a value, so that each caller decides what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceOutcome<T> {
    /// It was done, or this is the answer.
    Answered(T),
    /// They will not do it, however often they are asked.
    Refused(Reason),
    /// They could not be reached or could not do it now.
    Unavailable(Reason),
}

/// Why somebody outside did not do it, for the log. Written by the adapter: what they said themselves, which may repeat whom it
/// was about, is never in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Reason(String);

impl Reason {
    /// In the adapter's own words.
    #[must_use]
    pub fn new(words: &'static str) -> Self {
        Self(words.to_owned())
    }

    /// With the code of the answer.
    #[must_use]
    pub fn with_code(words: &'static str, code: u16) -> Self {
        Self(format!("{words} ({code})"))
    }
}
