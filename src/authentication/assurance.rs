//! From events to a level: what several uses of authenticators prove together.

use time::UtcDateTime;

use super::{Aal, AuthenticationEvent};
use crate::subscriber::SubscriberId;

/// What a service, or a page of ours, demands of the person at the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequiredAssurance {
    /// The least level.
    pub aal: Aal,
    /// Whether one of the authenticators must be bound to our origin.
    pub phishing_resistant: bool,
    /// Only what happened at or after this moment counts: the arrival of a request with `ForceAuthn`, or the age that
    /// a sensitive change allows.
    pub not_before: Option<UtcDateTime>,
}

impl RequiredAssurance {
    /// A level, without more.
    #[must_use]
    pub const fn level(aal: Aal) -> Self {
        Self { aal, phishing_resistant: false, not_before: None }
    }

    /// The same, but everything must have happened at `moment` or after it.
    #[must_use]
    pub const fn not_before(self, moment: UtcDateTime) -> Self {
        Self { not_before: Some(moment), ..self }
    }
}

/// A subscriber whose events met what was required, at the moment it was asked.
///
/// It can be made by [`AuthenticatedSubject::meeting`] only.
///
/// ```compile_fail,E0451
/// // fails: AuthenticatedSubject` are private
/// # use signet::authentication::AuthenticatedSubject;
/// # fn forged(subscriber: signet::subscriber::SubscriberId) -> AuthenticatedSubject {
/// AuthenticatedSubject { subscriber, ..todo!() }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticatedSubject {
    subscriber: SubscriberId,
    aal: Aal,
    phishing_resistant: bool,
    authenticated_at: UtcDateTime,
    events: Vec<AuthenticationEvent>,
}

impl AuthenticatedSubject {
    /// Folds events into evidence and compares it with what is required.
    ///
    /// Password and something the person has make two factors; so does a passkey whose answer says that it verified
    /// its person. Nothing reaches the third level.
    ///
    /// # Errors
    /// What is missing, so that the next page can ask for just that.
    pub fn meeting(
        subscriber: SubscriberId,
        required: &RequiredAssurance,
        events: &[AuthenticationEvent],
        now: UtcDateTime,
    ) -> Result<Self, UnmetAssurance> {
        let counts = |event: &&AuthenticationEvent| {
            event.at <= now && required.not_before.is_none_or(|moment| event.at >= moment)
        };
        let counted: Vec<AuthenticationEvent> = events.iter().filter(counts).copied().collect();
        let Some(evidence) = Evidence::of(&counted, required.phishing_resistant) else {
            return Err(match events.iter().any(|event| event.at <= now) {
                true => UnmetAssurance::TooLongAgo,
                false => UnmetAssurance::NotSignedIn,
            });
        };
        if evidence.aal < required.aal {
            return Err(match required.aal {
                Aal::Aal3 => UnmetAssurance::BeyondReach,
                // The password was shown again already: what is missing is the other factor.
                Aal::Aal1 | Aal::Aal2 if counted.iter().any(|event| !event.kind.is_second_factor()) => {
                    UnmetAssurance::SecondFactorMissing
                }
                Aal::Aal1 | Aal::Aal2 => match Evidence::of(events, false) {
                    Some(ever) if ever.aal >= required.aal => UnmetAssurance::TooLongAgo,
                    _ => UnmetAssurance::SecondFactorMissing,
                },
            });
        }
        if required.phishing_resistant && !evidence.phishing_resistant {
            return Err(UnmetAssurance::PhishingResistanceMissing);
        }
        Ok(Self {
            subscriber,
            aal: evidence.aal,
            phishing_resistant: evidence.phishing_resistant,
            authenticated_at: evidence.at,
            events: counted,
        })
    }

    /// Who it is.
    #[must_use]
    pub fn subscriber(&self) -> SubscriberId {
        self.subscriber
    }

    /// What was reached; it may be more than what was required.
    #[must_use]
    pub fn aal(&self) -> Aal {
        self.aal
    }

    /// Whether one of the authenticators was bound to our origin.
    #[must_use]
    pub fn phishing_resistant(&self) -> bool {
        self.phishing_resistant
    }

    /// When the level was reached: the older of the two newest factors that it rests on, so that no assertion ever
    /// claims to be fresher than it is.
    #[must_use]
    pub fn authenticated_at(&self) -> UtcDateTime {
        self.authenticated_at
    }

    /// The events that count.
    #[must_use]
    pub fn events(&self) -> &[AuthenticationEvent] {
        &self.events
    }
}

/// What events prove together.
struct Evidence {
    aal: Aal,
    phishing_resistant: bool,
    at: UtcDateTime,
}

impl Evidence {
    fn of(events: &[AuthenticationEvent], prefer_phishing_resistant: bool) -> Option<Self> {
        let newest = |wanted: &dyn Fn(&AuthenticationEvent) -> bool| {
            events.iter().filter(|event| wanted(event)).max_by_key(|event| event.at)
        };
        let known = newest(&|event| !event.kind.is_second_factor());
        let resistant = newest(&|event| event.proved.phishing_resistant);
        let had = match resistant {
            Some(event) if prefer_phishing_resistant => Some(event),
            _ => newest(&|event| event.kind.is_second_factor()),
        };
        let alone = newest(&|event| event.kind.is_second_factor() && event.proved.user_verified);
        let two = known.zip(had).map(|(known, had)| (known.at.min(had.at), had.proved.phishing_resistant));
        let one = alone.map(|event| (event.at, event.proved.phishing_resistant));
        match two.into_iter().chain(one).max_by_key(|(at, resistant)| (prefer_phishing_resistant && *resistant, *at)) {
            Some((at, phishing_resistant)) => Some(Self { aal: Aal::Aal2, phishing_resistant, at }),
            None => known.or(had).map(|event| Self {
                aal: Aal::Aal1,
                phishing_resistant: event.proved.phishing_resistant,
                at: event.at,
            }),
        }
    }
}

/// What is missing before a requirement is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnmetAssurance {
    /// No account with us can reach it.
    #[error("the level is beyond what any authenticator here proves")]
    BeyondReach,
    /// Nothing was proved at all.
    #[error("not signed in")]
    NotSignedIn,
    /// The level is there, but a passkey or a security key is demanded.
    #[error("a passkey or a security key is demanded")]
    PhishingResistanceMissing,
    /// One factor only.
    #[error("a second factor is demanded")]
    SecondFactorMissing,
    /// It was proved, but before the moment that counts.
    #[error("it was proved too long ago")]
    TooLongAgo,
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use time::macros::utc_datetime;

    use super::super::{AuthenticatorId, AuthenticatorKind, Proved};
    use super::*;

    const ADA: SubscriberId = SubscriberId::from_bytes([1; 16]);
    const NINE: UtcDateTime = utc_datetime!(2026-11-24 09:00);

    fn minutes(count: i64) -> UtcDateTime {
        NINE + Duration::minutes(count)
    }

    fn password(at: i64) -> AuthenticationEvent {
        AuthenticationEvent::supposed(AuthenticatorKind::Password, None, minutes(at), Proved::default())
    }

    fn totp(at: i64) -> AuthenticationEvent {
        AuthenticationEvent::supposed(
            AuthenticatorKind::Totp,
            Some(AuthenticatorId::from_bytes([2; 16])),
            minutes(at),
            Proved::default(),
        )
    }

    fn key(at: i64, user_verified: bool) -> AuthenticationEvent {
        AuthenticationEvent::supposed(
            AuthenticatorKind::SecurityKey,
            Some(AuthenticatorId::from_bytes([3; 16])),
            minutes(at),
            Proved { user_verified, phishing_resistant: true, syncable: false },
        )
    }

    fn meeting(
        required: RequiredAssurance,
        events: &[AuthenticationEvent],
    ) -> Result<AuthenticatedSubject, UnmetAssurance> {
        AuthenticatedSubject::meeting(ADA, &required, events, minutes(60))
    }

    const AAL1: RequiredAssurance = RequiredAssurance::level(Aal::Aal1);
    const AAL2: RequiredAssurance = RequiredAssurance::level(Aal::Aal2);

    #[test]
    fn nothing_proves_nothing() {
        assert_eq!(meeting(AAL1, &[]), Err(UnmetAssurance::NotSignedIn));
    }

    #[test]
    fn one_factor_is_level_one_whichever_it_is() {
        for event in [password(0), totp(0), key(0, false)] {
            assert_eq!(meeting(AAL1, &[event]).unwrap().aal(), Aal::Aal1);
            assert_eq!(meeting(AAL2, &[event]), Err(UnmetAssurance::SecondFactorMissing));
        }
    }

    #[test]
    fn two_codes_are_not_two_factors() {
        assert_eq!(meeting(AAL2, &[totp(0), totp(1)]), Err(UnmetAssurance::SecondFactorMissing));
        assert_eq!(meeting(AAL2, &[password(0), password(1)]), Err(UnmetAssurance::SecondFactorMissing));
    }

    #[test]
    fn password_and_a_code_are_level_two_since_the_older_of_them() {
        let subject = meeting(AAL2, &[password(0), totp(5)]).unwrap();
        assert_eq!(subject.aal(), Aal::Aal2);
        assert_eq!(subject.authenticated_at(), minutes(0));
        assert!(!subject.phishing_resistant());
    }

    #[test]
    fn a_key_that_verified_its_person_is_level_two_alone() {
        let subject = meeting(AAL2, &[key(3, true)]).unwrap();
        assert_eq!((subject.aal(), subject.authenticated_at()), (Aal::Aal2, minutes(3)));
    }

    #[test]
    fn a_newer_code_does_not_make_an_old_password_fresh() {
        let subject = meeting(AAL2, &[password(0), totp(1), totp(50)]).unwrap();
        assert_eq!(subject.authenticated_at(), minutes(0));
    }

    #[test]
    fn what_happened_before_the_moment_does_not_count() {
        let fresh = AAL2.not_before(minutes(10));
        assert_eq!(meeting(fresh, &[password(0), totp(1)]), Err(UnmetAssurance::TooLongAgo));
        assert_eq!(meeting(fresh, &[password(0), totp(11)]), Err(UnmetAssurance::TooLongAgo));
        assert!(meeting(fresh, &[password(10), totp(11)]).is_ok());
    }

    #[test]
    fn what_has_not_happened_yet_does_not_count() {
        assert_eq!(meeting(AAL1, &[password(61)]), Err(UnmetAssurance::NotSignedIn));
    }

    #[test]
    fn typed_codes_are_never_phishing_resistant() {
        let resistant = RequiredAssurance { phishing_resistant: true, ..AAL2 };
        assert_eq!(meeting(resistant, &[password(0), totp(1)]), Err(UnmetAssurance::PhishingResistanceMissing));
        let subject = meeting(resistant, &[password(0), key(1, false), totp(2)]).unwrap();
        assert!(subject.phishing_resistant());
    }

    #[test]
    fn the_third_level_is_beyond_reach() {
        let required = RequiredAssurance::level(Aal::Aal3);
        assert_eq!(meeting(required, &[password(0), key(1, true)]), Err(UnmetAssurance::BeyondReach));
    }
}
