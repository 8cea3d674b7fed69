//! Whether an account may be used: what an administrator decides about it. What it holds stays, and stays closed to them.

use time::UtcDateTime;

use super::{Beside, Happened, Trouble, account_of, change_account};
use crate::accounts::site::Site;
use crate::event::Event;
use crate::storage::Transaction;
use crate::subscriber::{StandingReason, SubscriberId, SubscriberStatus};

/// What is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandingChange {
    /// It cannot be used until it is reinstated.
    Suspend,
    /// It can be used again.
    Reinstate,
    /// It can never be used again. Its identifiers are given to nobody else.
    End,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It was so already.
    AlreadySo,
    /// It stands, and as many sessions ended.
    Done {
        /// How many.
        sessions: usize,
    },
    /// It does not go with what the account is now.
    Impossible(SubscriberStatus),
    /// There is no account, or its row was altered: that is reported.
    NoAccount,
}

/// Changes whether an account may be used. Its sessions end, no browser is known to it any more, and its person finds it in their
/// history and hears of it at every address.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn change_standing(
    tx: &mut Transaction<'_>,
    site: &Site,
    happened: &mut Happened,
    of: SubscriberId,
    change: StandingChange,
    reason: StandingReason,
    now: UtcDateTime,
) -> Result<Changed, Trouble> {
    use SubscriberStatus::{Active, Ended, SigningUp, Suspended};
    tx.lock_subscriber(of)?;
    let Some(account) = account_of(tx, site, of)? else {
        return Ok(Changed::NoAccount);
    };
    let (becomes, event) = match (change, account.status) {
        (StandingChange::Suspend, Suspended) | (StandingChange::Reinstate, Active) | (StandingChange::End, Ended) => {
            return Ok(Changed::AlreadySo);
        }
        (StandingChange::Suspend, Active) => (Suspended, Event::AccountSuspended { reason }),
        (StandingChange::Reinstate, Suspended) => (Active, Event::AccountReinstated { reason }),
        (StandingChange::End, Active | SigningUp | Suspended) => (Ended, Event::AccountEnded { reason }),
        // What has ended does not begin again, and somebody who is signing up can do nothing yet.
        (StandingChange::Suspend | StandingChange::Reinstate, status) => return Ok(Changed::Impossible(status)),
    };
    change_account(tx, site, of, |account| account.status = becomes)?;
    let sessions = tx.end_sessions_of(of, None, now)?;
    tx.drop_known_browsers_of(of)?;
    happened.record(tx, site, of, event, Beside::Nothing, now)?;
    Ok(Changed::Done { sessions })
}
