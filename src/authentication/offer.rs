//! Which second factor a page offers: only what can reach what is demanded, so that every journey has an end.
//!
//! What was demanded is decided in [`federation::assurance`](crate::federation::assurance), what was reached by
//! [`AuthenticatedSubject`].

use time::UtcDateTime;

use super::{Aal, AuthenticatedSubject, AuthenticationEvent, AuthenticatorKind, RequiredAssurance, UnmetAssurance};
use crate::subscriber::SubscriberId;

/// The kinds of second factors, the strongest first.
const STRONGEST_FIRST: [AuthenticatorKind; 4] =
    [AuthenticatorKind::Passkey, AuthenticatorKind::SecurityKey, AuthenticatorKind::Totp, AuthenticatorKind::OutOfBand];

/// How much of the sign-in is fresh enough to bind a new authenticator (SP 800-63B-4, 4.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Both factors.
    BothFactors,
    /// The password alone.
    Password,
    /// Nothing.
    Stale,
}

impl Freshness {
    /// What these events prove since `not_before`.
    #[must_use]
    pub fn of(
        subscriber: SubscriberId,
        events: &[AuthenticationEvent],
        not_before: UtcDateTime,
        now: UtcDateTime,
    ) -> Self {
        let required = RequiredAssurance::level(Aal::Aal2).not_before(not_before);
        match AuthenticatedSubject::meeting(subscriber, &required, events, now) {
            Ok(_) => Self::BothFactors,
            Err(UnmetAssurance::SecondFactorMissing) => Self::Password,
            Err(_) => Self::Stale,
        }
    }
}

/// What the page of the second factor offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecondFactorOffer {
    /// Set up a passkey or a security key: the service demands one, the account has none, and its person has just signed in
    /// as well as the account allows.
    Enrol,
    /// Every authenticator of the account has ended.
    NothingWorks,
    /// Sign in again, from the password on: one is to be set up, and the sign-in is too old for that.
    SignInAgain,
    /// Use one of these, the strongest first. Each reaches what is demanded.
    Use(Vec<AuthenticatorKind>),
    /// Use one of these, so that a passkey or a security key may be set up: the service demands one, and the account has none.
    UseThenEnrol(Vec<AuthenticatorKind>),
}

impl SecondFactorOffer {
    /// Decides it. `required` is what the request demands, `None` without a request; `usable` are the kinds of the account's
    /// authenticators that work.
    #[must_use]
    pub fn of(required: Option<&RequiredAssurance>, usable: &[AuthenticatorKind], fresh: Freshness) -> Self {
        let kinds: Vec<AuthenticatorKind> = STRONGEST_FIRST.into_iter().filter(|kind| usable.contains(kind)).collect();
        if kinds.is_empty() {
            return Self::NothingWorks;
        }
        if !required.is_some_and(|required| required.phishing_resistant) {
            return Self::Use(kinds);
        }
        let resistant: Vec<AuthenticatorKind> =
            kinds.iter().copied().filter(|kind| kind.is_phishing_resistant()).collect();
        match fresh {
            _ if !resistant.is_empty() => Self::Use(resistant),
            Freshness::BothFactors => Self::Enrol,
            Freshness::Password => Self::UseThenEnrol(kinds),
            Freshness::Stale => Self::SignInAgain,
        }
    }

    /// The kinds that can be used now, the strongest first.
    #[must_use]
    pub fn kinds(&self) -> &[AuthenticatorKind] {
        match self {
            Self::Use(kinds) | Self::UseThenEnrol(kinds) => kinds,
            Self::Enrol | Self::NothingWorks | Self::SignInAgain => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use time::macros::utc_datetime;

    use super::*;
    use crate::authentication::{AuthenticatorId, Proved};

    const SOMEBODY: SubscriberId = SubscriberId::from_bytes([1; 16]);

    /// How a journey ended.
    #[derive(Debug, PartialEq, Eq)]
    enum End {
        NoAuthnContext,
        NothingWorks,
        SignedIn,
    }

    fn password(at: UtcDateTime) -> AuthenticationEvent {
        AuthenticationEvent::supposed(AuthenticatorKind::Password, None, at, Proved::default())
    }

    fn used(kind: AuthenticatorKind, at: UtcDateTime) -> AuthenticationEvent {
        let resistant = kind.is_phishing_resistant();
        AuthenticationEvent::supposed(
            kind,
            Some(AuthenticatorId::from_bytes([9; 16])),
            at,
            Proved { user_verified: false, phishing_resistant: resistant, ..Proved::default() },
        )
    }

    /// Walks from the first page to the end as the pages do; at each choice the person takes `pick`, and sets up what is asked
    /// for when `enrols`.
    fn walk(
        required: &RequiredAssurance,
        mut has: Vec<AuthenticatorKind>,
        before: bool,
        pick: usize,
        enrols: bool,
    ) -> End {
        let mut now = utc_datetime!(2026-12-01 12:00);
        let mut events = Vec::new();
        if before && let Some(kind) = has.first() {
            events = vec![password(now - Duration::hours(1)), used(*kind, now - Duration::hours(1))];
        }
        for _ in 0..8 {
            now += Duration::SECOND;
            match AuthenticatedSubject::meeting(SOMEBODY, required, &events, now) {
                Ok(_) => return End::SignedIn,
                Err(UnmetAssurance::BeyondReach) => return End::NoAuthnContext,
                Err(UnmetAssurance::NotSignedIn | UnmetAssurance::TooLongAgo) => {
                    events.push(password(now));
                }
                Err(UnmetAssurance::SecondFactorMissing | UnmetAssurance::PhishingResistanceMissing) => {}
            }
            let fresh = Freshness::of(SOMEBODY, &events, now - Duration::minutes(20), now);
            match SecondFactorOffer::of(Some(required), &has, fresh) {
                SecondFactorOffer::SignInAgain => events.push(password(now)),
                SecondFactorOffer::NothingWorks => return End::NothingWorks,
                SecondFactorOffer::Enrol if !enrols => return End::NoAuthnContext,
                SecondFactorOffer::Enrol => {
                    has.push(AuthenticatorKind::Passkey);
                    events.push(used(AuthenticatorKind::Passkey, now));
                }
                SecondFactorOffer::Use(kinds) | SecondFactorOffer::UseThenEnrol(kinds) => {
                    events.push(used(kinds[pick % kinds.len()], now));
                }
            }
        }
        panic!("no end: {required:?}, {has:?}, {before}, {pick}, {enrols}");
    }

    #[test]
    fn every_demand_with_every_set_of_methods_has_an_end() {
        let mut walked = 0;
        for aal in [Aal::Aal1, Aal::Aal2, Aal::Aal3] {
            for phishing_resistant in [false, true] {
                for not_before in [None, Some(utc_datetime!(2026-12-01 12:00))] {
                    let required = RequiredAssurance { aal, phishing_resistant, not_before };
                    for set in 0_u32..16 {
                        let has: Vec<_> = STRONGEST_FIRST
                            .into_iter()
                            .enumerate()
                            .filter_map(|(at, kind)| (set & (1 << at) != 0).then_some(kind))
                            .collect();
                        for before in [false, true] {
                            for pick in 0..4 {
                                for enrols in [false, true] {
                                    let end = walk(&required, has.clone(), before, pick, enrols);
                                    let has_resistant = has.iter().any(|kind| kind.is_phishing_resistant());
                                    let expected = match () {
                                        () if aal == Aal::Aal3 && end == End::NoAuthnContext => End::NoAuthnContext,
                                        () if has.is_empty() && end == End::SignedIn => End::SignedIn,
                                        () if has.is_empty() => End::NothingWorks,
                                        () if aal == Aal::Aal3 => End::NoAuthnContext,
                                        () if phishing_resistant && !has_resistant && !enrols => End::NoAuthnContext,
                                        () => End::SignedIn,
                                    };
                                    assert_eq!(end, expected, "{required:?} {has:?} {before} {pick} {enrols}");
                                    walked += 1;
                                }
                            }
                        }
                    }
                }
            }
        }
        assert_eq!(walked, 3 * 2 * 2 * 16 * 2 * 4 * 2);
    }

    #[test]
    fn what_cannot_reach_the_demand_is_not_offered() {
        let demand = RequiredAssurance { phishing_resistant: true, ..RequiredAssurance::level(Aal::Aal2) };
        let all = STRONGEST_FIRST;
        let resistant = vec![AuthenticatorKind::Passkey, AuthenticatorKind::SecurityKey];
        assert_eq!(SecondFactorOffer::of(Some(&demand), &all, Freshness::Stale), SecondFactorOffer::Use(resistant));
        assert_eq!(SecondFactorOffer::of(None, &all, Freshness::Stale), SecondFactorOffer::Use(all.to_vec()));
        let phone = [AuthenticatorKind::OutOfBand];
        let first = SecondFactorOffer::UseThenEnrol(phone.to_vec());
        assert_eq!(SecondFactorOffer::of(Some(&demand), &phone, Freshness::Password), first);
        assert_eq!(SecondFactorOffer::of(Some(&demand), &phone, Freshness::BothFactors), SecondFactorOffer::Enrol);
        assert_eq!(SecondFactorOffer::of(Some(&demand), &phone, Freshness::Stale), SecondFactorOffer::SignInAgain);
    }
}
