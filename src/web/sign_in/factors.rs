//! Counting wrong codes, and what they lead to.

use super::pages::LockedPage;
use super::take_up;
use crate::accounts::{
    Authenticator, Letter, Trouble, account_of, forget_wrong_passwords_unless_ended, notify_everywhere,
};
use crate::authentication::AuthenticationEvent;
use crate::authentication::session::SessionStage;
use crate::authentication::throttle::{FailureCount, FailureRule, FailureStop};
use crate::event::Event;
use crate::storage::{FailuresOf, Transaction};
use crate::subscriber::{SubscriberId, VaultState};
use crate::web::visit::Visit;

const RULE: FailureRule = FailureRule::CODES;

/// What a wrong code led to.
pub(super) struct Failed {
    /// The account's count now.
    pub(super) count: FailureCount,
    /// The page, when the account is locked from now on.
    pub(super) locked: Option<LockedPage>,
}

/// Whether a code may be judged now.
pub(super) fn may_try(
    tx: &mut Transaction<'_>,
    visit: &Visit,
    of: SubscriberId,
) -> Result<Result<(), LockedPage>, Trouble> {
    let count = tx.failures(FailuresOf::Subscriber(of))?;
    // The account's own count locks for a while and never ends the account; only authenticators end.
    Ok(match RULE.may_try(FailureCount { in_a_row: 0, ..count }, visit.now) {
        Ok(()) => Ok(()),
        Err(stop) => Err(locked_page(stop, visit)),
    })
}

fn locked_page(stop: FailureStop, visit: &Visit) -> LockedPage {
    match stop {
        FailureStop::Ended => LockedPage { minutes: None },
        FailureStop::Locked { until } => {
            LockedPage { minutes: Some(((until - visit.now).whole_seconds().max(1) + 59) / 60) }
        }
    }
}

/// Counts a wrong code, for the account and for each authenticator that it could have been of. Ten in a row lock the
/// account for ten minutes; a hundred in a row end an authenticator.
pub(super) fn count_wrong_code(
    tx: &mut Transaction<'_>,
    visit: &mut Visit,
    of: SubscriberId,
    tried: &[Authenticator],
) -> Result<Failed, Trouble> {
    let (site, now) = (visit.site.clone(), visit.now);
    let count = tx.count_failure(FailuresOf::Subscriber(of), &RULE, now)?;
    visit.remember(tx, of, Event::WrongSecondFactor { in_a_row: count.in_a_row })?;
    for authenticator in tried {
        let own = tx.count_failure(FailuresOf::Authenticator(authenticator.id), &RULE, now)?;
        if own.in_a_row >= RULE.end_after && !authenticator.disabled {
            tx.disable_authenticator(authenticator.id, now)?;
            let kind = authenticator.secret.kind();
            visit.remember(tx, of, Event::MethodEnded { method: kind })?;
            notify_everywhere(tx, &site, of, &Letter::AuthenticatorEnded(kind), None, now)?;
        }
    }
    let stop = RULE.may_try(FailureCount { in_a_row: 0, ..count }, now).err();
    if stop.is_some() {
        visit.remember(tx, of, Event::Locked)?;
        notify_everywhere(tx, &site, of, &Letter::TooManyCodes, None, now)?;
    }
    Ok(Failed { count, locked: stop.map(|stop| locked_page(stop, visit)) })
}

/// The tries that are left, when a page should warn: three or fewer.
pub(super) fn tries_left(count: FailureCount) -> Option<u32> {
    Some(RULE.tries_left(count)).filter(|left| *left <= 3)
}

/// The second factor was right: the person is signed in, with a new secret for the session. Gives the whole address that
/// they go on to.
pub(super) fn complete(
    tx: &mut Transaction<'_>,
    visit: &mut Visit,
    of: SubscriberId,
    event: AuthenticationEvent,
) -> Result<String, Trouble> {
    tx.forget_failures(FailuresOf::Subscriber(of))?;
    if let Some(id) = event.authenticator() {
        tx.forget_failures(FailuresOf::Authenticator(id))?;
    }
    let pending = &mut visit.session.state.pending;
    (pending.phone, pending.webauthn) = (None, None);
    if visit.session.state.stage == SessionStage::TakingUp {
        return Ok(take_up::after_second_factor(visit, event));
    }
    forget_wrong_passwords_unless_ended(tx, &visit.site, of)?;
    visit.remember_browser(tx, of)?;
    visit.remember(tx, of, Event::SignedIn { method: event.kind() })?;
    let sealed = account_of(tx, &visit.site, of)?.is_some_and(|account| account.vault == VaultState::Sealed);
    let site = visit.site.clone();
    let state = &mut visit.session.state;
    state.events.push(event);
    state.stage = SessionStage::SignedIn;
    visit.session.begin_anew(&site);
    Ok(if sealed { visit.to("/forgot-password/unlock") } else { visit.home() })
}
