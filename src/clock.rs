//! Where the shell reads the time from. The core never holds a clock: it is given the time, and a test moves it by saying so.

use time::UtcDateTime;

/// A source of the time.
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
