//! When a session ends (SP 800-63B-4, 5.2; 2.2.3).

use time::{Duration, UtcDateTime};

/// How long a session lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// Without a request.
    pub idle: Duration,
    /// In all, whatever happens.
    pub absolute: Duration,
}

impl SessionLimits {
    /// 15 minutes and 12 hours (5.2; 2.2.3). Settings may shorten them.
    pub const DEFAULT: Self = Self { idle: Duration::minutes(15), absolute: Duration::hours(12) };
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// When a session ends. Stored in clear beside the sealed record, so that the server ends it without the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTimes {
    /// When it ends unless it is used.
    pub idle_until: UtcDateTime,
    /// When it ends in any case.
    pub absolute_until: UtcDateTime,
}

impl SessionTimes {
    /// The times of a session that begins now.
    #[must_use]
    pub fn begin(limits: SessionLimits, now: UtcDateTime) -> Self {
        let absolute_until = now + limits.absolute;
        Self { idle_until: (now + limits.idle).min(absolute_until), absolute_until }
    }

    /// The times after a request. The end in any case does not move.
    #[must_use]
    pub fn used(self, limits: SessionLimits, now: UtcDateTime) -> Self {
        Self { idle_until: (now + limits.idle).min(self.absolute_until), ..self }
    }

    /// Whether the session still lives.
    #[must_use]
    pub fn alive(self, now: UtcDateTime) -> bool {
        now < self.idle_until && now < self.absolute_until
    }
}
