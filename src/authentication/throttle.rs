//! How many tries, and what then (NIST SP 800-63B-4, 3.2.2): the rules. Counting durably and atomically is `storage`'s.
//!
//! Two kinds of rule. A [`RateLimit`] says how often something may be tried within a window by whoever shares a key
//! (an address, an e-mail address, a phone). [`FailureRule`] counts wrong tries in a row at one authenticator: ten lock
//! it for ten minutes, a hundred end it; only a right try resets the count, sending a new code does not.
//!
//! Passwords are counted before they are judged, and what was right is given back: so of any number that arrive at once no
//! more are judged than the limit says, and right passwords use nothing up.

mod limits;
mod places;

pub use limits::RateLimits;
pub use places::PasswordPlaces;

use time::{Duration, UtcDateTime};

/// So many within a window, for everybody who shares a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Part of the key, so that limits never share a counter; also its name in the log.
    pub name: &'static str,
    /// How many are allowed within a window.
    pub at_most: u32,
    /// The window: it begins with the first and ends for all of them together.
    pub window: Duration,
}

impl RateLimit {
    /// Wrong passwords for one account or typed address from one network.
    pub const WRONG_PASSWORD_BY_ACCOUNT_AND_NETWORK: Self =
        Self { name: "sign_in_email_ip", at_most: 5, window: Duration::minutes(1) };
    /// Wrong passwords from one network.
    pub const WRONG_PASSWORD_BY_NETWORK: Self = Self { name: "sign_in_ip", at_most: 20, window: Duration::minutes(1) };
    /// Wrong passwords for one account or typed address from one network, over half a day. Not for the account alone, or
    /// anybody could keep its person out from anywhere; against many networks together stands
    /// [`RateLimit::PASSWORD_IN_A_ROW`].
    pub const WRONG_PASSWORD_IN_HALF_A_DAY: Self =
        Self { name: "sign_in_half_day", at_most: 50, window: Duration::hours(12) };
    /// Wrong passwords in a row for one account, however slowly, from browsers that are not known to it (3.2.2): then the
    /// password has ended. A right password sets the count to nothing. A browser that is known to the account has a count
    /// of its own: [`known_browser::MOST_WRONG_IN_A_ROW`](super::known_browser::MOST_WRONG_IN_A_ROW).
    pub const PASSWORD_IN_A_ROW: Self = Self { name: "password_in_a_row", at_most: 100, window: Duration::days(3650) };
    /// What stands in for [`RateLimit::PASSWORD_IN_A_ROW`] where a typed address is nobody's. Nothing ends by it, so it is
    /// kept for a day only.
    pub const PASSWORD_OF_NOBODY: Self = Self { window: Duration::days(1), ..Self::PASSWORD_IN_A_ROW };
    /// The notice that a password has ended: once.
    pub const PASSWORD_ENDED_NOTICE: Self =
        Self { name: "password_ended_notice", at_most: 1, window: Duration::days(3650) };
    /// Tries at a password that has ended, by its person who came by a mailed link and showed the second factor.
    pub const ENDED_PASSWORD: Self = Self { name: "ended_password", at_most: 5, window: Duration::days(3650) };
    /// Wrong passwords of somebody who is signed in and opens the vault.
    pub const UNLOCK: Self = Self { name: "unlock", at_most: 5, window: Duration::minutes(15) };
    /// Mails to one address because somebody wants to sign up with it.
    pub const SIGN_UP_MAIL_BY_ADDRESS: Self = Self { name: "sign_up_mail", at_most: 10, window: Duration::hours(1) };
    /// Mails to one address because somebody has forgotten its password.
    pub const PASSWORD_MAIL_BY_ADDRESS: Self = Self { name: "password_mail", at_most: 10, window: Duration::hours(1) };
    /// The same on the wish of the account's own person: signed in, or in a browser that is known to the account.
    /// Strangers cannot use it up.
    pub const PASSWORD_MAIL_BY_OWNER: Self =
        Self { name: "password_mail_owner", at_most: 10, window: Duration::hours(1) };
    /// Mails to one address because somebody wants to add it to an account.
    pub const ADDED_ADDRESS_MAIL_BY_ADDRESS: Self =
        Self { name: "added_address_mail", at_most: 10, window: Duration::hours(1) };
    /// Mails on the wish of one network.
    pub const MAIL_BY_NETWORK: Self = Self { name: "mail_ip", at_most: 20, window: Duration::minutes(1) };
    /// Text messages to one phone with which somebody signs in. Strangers who want to set it up have [`RateLimit::TEXT_BY_NEW_PHONE`],
    /// so that they take nothing from its person.
    pub const TEXT_BY_PHONE: Self = Self { name: "text_phone", at_most: 10, window: Duration::minutes(5) };
    /// Text messages to one phone that is being set up, whoever asks.
    pub const TEXT_BY_NEW_PHONE: Self = Self { name: "text_new_by_phone", at_most: 10, window: Duration::minutes(5) };
    /// Text messages to the ten thousand numbers of one block, for phones that are being set up.
    pub const TEXT_BY_BLOCK: Self = Self { name: "text_new_by_block", at_most: 20, window: Duration::hours(1) };
    /// Text messages on the wish of one account.
    pub const TEXT_BY_SUBSCRIBER: Self = Self { name: "text_subscriber", at_most: 10, window: Duration::minutes(5) };
    /// Text messages of one account within a few seconds: the button pressed twice.
    pub const TEXT_AGAIN: Self = Self { name: "text_again", at_most: 2, window: Duration::seconds(10) };
    /// Text messages to phones that are not yet anybody's, on the wish of one account.
    pub const TEXT_NEW_PHONE: Self = Self { name: "text_new_phone", at_most: 12, window: Duration::hours(24) };
    /// Text messages on the wish of one network.
    pub const TEXT_BY_NETWORK: Self = Self { name: "text_ip", at_most: 25, window: Duration::minutes(5) };
    /// Text messages altogether to phones that are being set up: when it is reached, no phone is set up, and everything else goes on.
    pub const TEXT_TO_NEW_PHONES: Self = Self { name: "text_new_all", at_most: 60, window: Duration::minutes(1) };
    /// Text messages altogether to phones with which people sign in: when it is reached, the other authenticators go on.
    pub const TEXT_TO_KNOWN_PHONES: Self = Self { name: "text_known_all", at_most: 300, window: Duration::minutes(1) };
    /// Codes that were sent to phones being set up, by country: a count, not a limit.
    pub const TEXTS_SENT: Self = Self { name: "texts_sent", at_most: u32::MAX, window: Duration::hours(1) };
    /// Those of them that came back.
    pub const TEXTS_CONFIRMED: Self = Self { name: "texts_confirmed", at_most: u32::MAX, window: Duration::hours(1) };
    /// Tries at a recovery key for one account.
    pub const RECOVERY_KEY: Self = Self { name: "recovery_key", at_most: 5, window: Duration::minutes(15) };

    /// The same limit for a wider network, which holds `times` as many.
    #[must_use]
    pub const fn times(self, times: u32) -> Self {
        Self { at_most: self.at_most.saturating_mul(times), ..self }
    }

    /// Counts one more try at `now`.
    #[must_use]
    pub fn count(&self, before: Option<WindowCount>, now: UtcDateTime) -> (WindowCount, RateVerdict) {
        match before {
            // What is refused is not judged, and so not counted.
            Some(window) if now < window.ends_at && window.tries >= self.at_most => {
                (window, RateVerdict::Refused { until: window.ends_at })
            }
            Some(window) if now < window.ends_at => {
                (WindowCount { tries: window.tries.saturating_add(1), ..window }, RateVerdict::Allowed)
            }
            _ => (WindowCount { tries: 1, ends_at: now + self.window }, RateVerdict::Allowed),
        }
    }
}

/// What is stored for one key of a [`RateLimit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowCount {
    /// Tries within the window.
    pub tries: u32,
    /// When the window ends.
    pub ends_at: UtcDateTime,
}

/// Whether a try may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateVerdict {
    /// It may.
    Allowed,
    /// It may not, until the window ends.
    Refused {
        /// When the window ends.
        until: UtcDateTime,
    },
}

/// Wrong tries in a row at one authenticator, or at all second factors of one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FailureCount {
    /// In a row: a right try sets it to nothing.
    pub in_a_row: u32,
    /// No try is judged before this moment.
    pub locked_until: Option<UtcDateTime>,
}

/// What wrong tries lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailureRule {
    /// Every so many wrong tries in a row, the account's authenticators are locked for a while.
    pub lock_after: u32,
    /// For how long.
    pub lock_for: Duration,
    /// After so many in a row, the authenticator is ended and must be bound anew.
    pub end_after: u32,
}

impl FailureRule {
    /// Ten lock for ten minutes; a hundred end it (3.2.2).
    pub const CODES: Self = Self { lock_after: 10, lock_for: Duration::minutes(10), end_after: 100 };

    /// Whether a try may be judged at `now`.
    ///
    /// # Errors
    /// Until when it is locked, or that it has ended.
    pub fn may_try(&self, count: FailureCount, now: UtcDateTime) -> Result<(), FailureStop> {
        if count.in_a_row >= self.end_after {
            return Err(FailureStop::Ended);
        }
        match count.locked_until {
            Some(until) if now < until => Err(FailureStop::Locked { until }),
            _ => Ok(()),
        }
    }

    /// Counts a wrong try.
    #[must_use]
    pub fn wrong(&self, before: FailureCount, now: UtcDateTime) -> FailureCount {
        let in_a_row = before.in_a_row.saturating_add(1);
        let locks = in_a_row.is_multiple_of(self.lock_after);
        FailureCount { in_a_row, locked_until: if locks { Some(now + self.lock_for) } else { before.locked_until } }
    }

    /// How many wrong tries are left before the next lock; a page warns when there are three or fewer.
    #[must_use]
    pub fn tries_left(&self, count: FailureCount) -> u32 {
        self.lock_after.saturating_sub(count.in_a_row % self.lock_after)
    }
}

/// Why a try is not judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FailureStop {
    /// Too many wrong tries in all: the authenticator must be bound anew.
    #[error("too many wrong tries: this authenticator has ended")]
    Ended,
    /// Too many wrong tries at once.
    #[error("too many wrong tries: locked for a while")]
    Locked {
        /// Until then.
        until: UtcDateTime,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::utc_datetime;

    use super::*;

    const NOW: UtcDateTime = utc_datetime!(2026-11-24 12:00);
    const RULE: FailureRule = FailureRule::CODES;

    #[test]
    fn five_tries_a_minute_are_allowed_and_the_sixth_waits() {
        let limit = RateLimit::WRONG_PASSWORD_BY_ACCOUNT_AND_NETWORK;
        let mut count = None;
        for second in 0..5 {
            let (after, verdict) = limit.count(count, NOW + Duration::seconds(second));
            assert_eq!(verdict, RateVerdict::Allowed);
            count = Some(after);
        }
        let until = NOW + limit.window;
        assert_eq!(limit.count(count, NOW + Duration::seconds(59)).1, RateVerdict::Refused { until });
        assert_eq!(limit.count(count, until).1, RateVerdict::Allowed);
    }

    #[test]
    fn ten_wrong_codes_lock_for_ten_minutes_and_the_count_goes_on() {
        let nine = (0..9).fold(FailureCount::default(), |count, _| RULE.wrong(count, NOW));
        assert_eq!(RULE.may_try(nine, NOW), Ok(()));
        assert_eq!(RULE.tries_left(nine), 1);
        let ten = RULE.wrong(nine, NOW);
        let until = NOW + Duration::minutes(10);
        assert_eq!(RULE.may_try(ten, until - Duration::milliseconds(1)), Err(FailureStop::Locked { until }));
        assert_eq!(RULE.may_try(ten, until), Ok(()));
        assert_eq!(RULE.wrong(ten, until).in_a_row, 11);
    }

    #[test]
    fn a_hundred_wrong_codes_end_the_authenticator() {
        let ended = (0..100).fold(FailureCount::default(), |count, _| RULE.wrong(count, NOW));
        assert_eq!(RULE.may_try(ended, NOW + Duration::days(365)), Err(FailureStop::Ended));
    }

    proptest! {
        #[test]
        fn however_tries_are_spaced_no_more_than_ten_are_judged_in_ten_minutes(
            gaps in prop::collection::vec(0..120_i64, 1..200),
        ) {
            let (mut count, mut now, mut judged) = (FailureCount::default(), NOW, Vec::new());
            for gap in gaps {
                now += Duration::seconds(gap);
                if RULE.may_try(count, now).is_ok() {
                    count = RULE.wrong(count, now);
                    judged.push(now);
                }
            }
            prop_assert!(judged.len() <= 100);
            for window in judged.chunks(10) {
                // Each ten in a row are followed by a lock.
                if let (10, Some(last)) = (window.len(), window.last()) {
                    let next = judged.iter().find(|at| *at > last);
                    prop_assert!(next.is_none_or(|at| *at >= *last + Duration::minutes(10)));
                }
            }
        }
    }
}
