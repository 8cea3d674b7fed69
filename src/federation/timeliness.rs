//! When a message may have been made: one rule for requests, logouts and artifacts.

use time::{Duration, UtcDateTime};

/// How old a request may be when it arrives.
pub const OLDEST_REQUEST: Duration = Duration::minutes(5);
/// How far the service provider's clock may be ahead of ours.
pub const CLOCK_SKEW: Duration = Duration::minutes(3);

/// A message that was made at a time which we do not accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Untimely {
    /// It was made later than now, by more than clocks may differ.
    #[error("the message was issued in the future")]
    FromTheFuture,
    /// It is too old, or past its `NotOnOrAfter`.
    #[error("the message is too old")]
    Stale,
}

/// Judges when a message was made, once, at arrival (SAML Core §3.2.1 leaves that to us).
///
/// # Errors
/// [`Untimely`].
pub fn judge_instant(issued: UtcDateTime, now: UtcDateTime) -> Result<(), Untimely> {
    if issued > now.saturating_add(CLOCK_SKEW) {
        Err(Untimely::FromTheFuture)
    } else if issued < now.saturating_sub(OLDEST_REQUEST) {
        Err(Untimely::Stale)
    } else {
        Ok(())
    }
}
