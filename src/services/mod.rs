//! Ports to the outside world: a trait each, its real adapters, and a sandbox that can fail on purpose.
//!
//! Time and chance are ports too, so that the core takes them as arguments and a test can move the clock by saying so.

pub mod keys;
pub mod mail;
pub mod message;
pub mod sandbox;
pub mod sms;

use time::UtcDateTime;

/// Where the shell reads the time from. The core never holds one: it is given the time.
pub trait Clock: Send + Sync {
    /// The time now, in whole milliseconds.
    fn now(&self) -> UtcDateTime;
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UtcDateTime {
        let now = UtcDateTime::now();
        now.replace_millisecond(now.millisecond()).unwrap_or(now)
    }
}

/// A source of unpredictable bytes.
pub trait Entropy: Send + Sync {
    /// Fills the whole of `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// OpenSSL's random generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // Nothing that Signet does is safe without randomness, and no caller could do anything better than stop.
        if openssl::rand::rand_bytes(bytes).is_err() {
            std::process::abort();
        }
    }
}

/// An array of unpredictable bytes.
#[must_use]
pub fn random_bytes<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0_u8; N];
    entropy.fill(&mut bytes);
    bytes
}

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
