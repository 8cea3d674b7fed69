//! Single logout: whether a request to end a session holds, and what may truthfully be said about how it went.
//!
//! The wire is [`crate::saml::logout`]'s; finding the session and sending the browser round is the shell's.

use time::{Duration, UtcDateTime};

use super::agreement::LogoutException;
use crate::federation::timeliness::{CLOCK_SKEW, Untimely, judge_instant};
use crate::saml::assertion::NameId;
use crate::saml::logout::{LogoutResult, LogoutStatus, VerifiedLogoutRequest};
use crate::saml::{EntityId, NamedPrincipal};

/// What a name means whose format is not told (SAML Core §8.3.1).
const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";

/// How long it is kept which services take part in a session, from the last sign-in there: beyond the end of the session, since a
/// service's own session mostly lives on, and what it is told about the others must be the truth.
pub const PARTICIPANTS_KEPT_FOR: Duration = Duration::hours(24);

/// How far a logout reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Nobody has said yet.
    Undecided,
    /// The session here, and at every service that takes part in it.
    Everywhere,
    /// At the service that asked, and nowhere else: the person stays signed in here.
    ThereOnly,
}

impl Extent {
    /// Its stored form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Undecided => "undecided",
            Self::Everywhere => "everywhere",
            Self::ThereOnly => "there_only",
        }
    }

    /// Reads the stored form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Undecided, Self::Everywhere, Self::ThereOnly].into_iter().find(|extent| extent.as_str() == text)
    }
}

/// What became of one service's part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartOutcome {
    /// Its turn has not come.
    Waiting,
    /// The browser was sent there, and has not come back yet.
    Asked,
    /// It says that the session ended.
    Ended,
    /// It says that the session ended there, but not at all whom it told.
    Partly,
    /// It says that the session did not end.
    Failed,
    /// The browser never came back from it.
    Unreachable,
    /// It takes no logout messages.
    Unsupported,
}

impl PartOutcome {
    const ALL: [Self; 7] =
        [Self::Waiting, Self::Asked, Self::Ended, Self::Partly, Self::Failed, Self::Unreachable, Self::Unsupported];

    /// Its stored form, and the end of a key of the locale files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Asked => "asked",
            Self::Ended => "ended",
            Self::Partly => "partly",
            Self::Failed => "failed",
            Self::Unreachable => "unreachable",
            Self::Unsupported => "unsupported",
        }
    }

    /// How much of it is left to do, or went wrong: the worst of a service's outcomes stands for the service.
    const fn weight(self) -> u8 {
        match self {
            Self::Ended => 0,
            Self::Partly => 1,
            Self::Waiting => 2,
            Self::Asked => 3,
            Self::Unsupported => 4,
            Self::Unreachable => 5,
            Self::Failed => 6,
        }
    }

    /// Reads the stored form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

impl From<LogoutStatus> for PartOutcome {
    fn from(status: LogoutStatus) -> Self {
        match status {
            LogoutStatus::Ended => Self::Ended,
            LogoutStatus::Partly => Self::Partly,
            LogoutStatus::Failed => Self::Failed,
        }
    }
}

/// Judges a request's time, once, at arrival (SAML Core §3.7.1: after `NotOnOrAfter` it may be discarded).
///
/// # Errors
/// [`Untimely`].
pub fn judge(request: &VerifiedLogoutRequest, now: UtcDateTime) -> Result<(), Untimely> {
    judge_instant(request.issue_instant(), now)?;
    let over = request.not_on_or_after().is_some_and(|until| until.saturating_add(CLOCK_SKEW) <= now);
    if over { Err(Untimely::Stale) } else { Ok(()) }
}

/// Whether a request means the person whom an assertion called `known`: the same value, and nothing that contradicts it
/// (SAML Core §3.7.3: the principal is matched by the name that the assertion had).
#[must_use]
pub fn means(principal: &NamedPrincipal, known: &NameId, us: &EntityId, service: &EntityId) -> bool {
    let agrees = |said: &Option<String>, is: &str| said.as_deref().is_none_or(|said| said == is);
    let format = principal.format.as_deref().is_none_or(|said| said == UNSPECIFIED || said == known.format());
    let qualifiers = !known.is_qualified()
        || (agrees(&principal.name_qualifier, us.as_str()) && agrees(&principal.sp_name_qualifier, service.as_str()));
    principal.value.as_str() == known.value() && format && qualifiers
}

/// The services of a logout, each once, in the order in which they first come, with the worst of what became of their parts.
#[must_use]
pub fn by_service(parts: impl IntoIterator<Item = (String, PartOutcome)>) -> Vec<(String, PartOutcome)> {
    let mut services: Vec<(String, PartOutcome)> = Vec::new();
    for (service, outcome) in parts {
        match services.iter_mut().find(|(known, _)| *known == service) {
            Some((_, worst)) if outcome.weight() > worst.weight() => *worst = outcome,
            Some(_) => {}
            None => services.push((service, outcome)),
        }
    }
    services
}

/// What may be said to the service that asked: that everything ended only if it did (deployment profile SDP-IDP31), unless its
/// agreement has the exception.
#[must_use]
pub fn result(
    extent: Extent,
    outcomes: impl IntoIterator<Item = PartOutcome>,
    exception: Option<LogoutException>,
) -> LogoutResult {
    match (extent, exception) {
        (Extent::Everywhere, _) if outcomes.into_iter().all(|outcome| outcome == PartOutcome::Ended) => {
            LogoutResult::Ended
        }
        (Extent::Everywhere, _) => LogoutResult::Partly,
        (Extent::ThereOnly, Some(LogoutException::SuccessWhereKept)) => LogoutResult::Ended,
        (Extent::ThereOnly | Extent::Undecided, _) => LogoutResult::GoesOn,
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    #[test]
    fn stored_forms_are_read_again() {
        for outcome in PartOutcome::ALL {
            assert_eq!(PartOutcome::parse(outcome.as_str()), Some(outcome));
        }
        for extent in [Extent::Undecided, Extent::Everywhere, Extent::ThereOnly] {
            assert_eq!(Extent::parse(extent.as_str()), Some(extent));
        }
        assert_eq!((PartOutcome::parse(""), Extent::parse("all")), (None, None));
    }

    #[test]
    fn only_what_ended_everywhere_is_called_ended() {
        use PartOutcome::{Asked, Ended, Failed, Partly, Unreachable, Unsupported, Waiting};
        let result = |extent, outcomes: &[PartOutcome]| super::result(extent, outcomes.iter().copied(), None);
        assert_eq!(result(Extent::Everywhere, &[]), LogoutResult::Ended);
        assert_eq!(result(Extent::Everywhere, &[Ended, Ended]), LogoutResult::Ended);
        for other in [Asked, Failed, Partly, Unreachable, Unsupported, Waiting] {
            assert_eq!(result(Extent::Everywhere, &[Ended, other]), LogoutResult::Partly, "{other:?}");
        }
        assert_eq!(result(Extent::ThereOnly, &[]), LogoutResult::GoesOn, "the session here goes on");
    }

    #[test]
    fn the_exception_changes_what_is_said_where_the_person_stays_and_nothing_else() {
        let exception = Some(LogoutException::SuccessWhereKept);
        assert_eq!(result(Extent::ThereOnly, [], exception), LogoutResult::Ended);
        assert_eq!(result(Extent::Everywhere, [PartOutcome::Failed], exception), LogoutResult::Partly);
        assert_eq!(result(Extent::Undecided, [], exception), LogoutResult::GoesOn);
    }

    #[test]
    fn a_service_is_named_once_with_the_worst_of_its_parts() {
        let part = |service: &str, outcome| (service.to_owned(), outcome);
        let parts = [
            part("permits", PartOutcome::Ended),
            part("camping", PartOutcome::Waiting),
            part("permits", PartOutcome::Failed),
            part("permits", PartOutcome::Ended),
        ];
        assert_eq!(by_service(parts), [part("permits", PartOutcome::Failed), part("camping", PartOutcome::Waiting)]);
    }

    #[test]
    fn a_name_must_be_the_one_that_the_assertion_had() {
        let us = EntityId::parse("https://idp.example/saml").unwrap();
        let service = EntityId::parse("https://sp.example/").unwrap();
        let known = NameId::persistent("a1b2");
        let said = |value: &str| NamedPrincipal {
            value: Zeroizing::new(value.to_owned()),
            format: None,
            name_qualifier: None,
            sp_name_qualifier: None,
        };
        let is_meant = |principal: NamedPrincipal| means(&principal, &known, &us, &service);
        assert!(is_meant(said("a1b2")));
        assert!(!is_meant(said("A1B2")) && !is_meant(said("")) && !is_meant(said("a1b2 ")));
        let of = |format: &str| NamedPrincipal { format: Some(format.to_owned()), ..said("a1b2") };
        assert!(is_meant(of(known.format())) && is_meant(of(UNSPECIFIED)));
        assert!(!is_meant(of("urn:oasis:names:tc:SAML:2.0:nameid-format:transient")));
        let exact = NamedPrincipal {
            name_qualifier: Some(us.to_string()),
            sp_name_qualifier: Some(service.to_string()),
            ..of(known.format())
        };
        assert!(is_meant(exact.clone()));
        assert!(!is_meant(NamedPrincipal { name_qualifier: Some("https://other/".to_owned()), ..exact.clone() }));
        assert!(!is_meant(NamedPrincipal { sp_name_qualifier: Some("https://other/".to_owned()), ..exact }));
    }
}
