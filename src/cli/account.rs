//! `signet account`: what an administrator does to one account. Its profile stays closed to them.

use std::io::{BufRead as _, Read as _, Write};
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};

use super::{CommandError, CommandOutcome, SettingsFile, open_keys, open_store};
use crate::accounts::site::Site;
use crate::accounts::standing::{Changed, StandingChange, change_standing};
use crate::accounts::{Beside, Happened, Trouble, find_address};
use crate::app::{self, Surroundings};
use crate::event::Event;
use crate::federation::registry::SharedRegistry;
use crate::subscriber::{EmailAddress, StandingReason, SubscriberId, SubscriberStatus};

/// The longest address that is read (RFC 5321 §4.5.3.1.3 allows 254 octets), with a line end.
const LONGEST_BYTES: u64 = 256;

/// `signet account …`
#[derive(Debug, Args)]
pub struct AccountArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: AccountCommand,
}

/// What can be done to an account. Which one, an e-mail address on standard input says: an argument is seen by everybody on the
/// machine, and kept by the shell.
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// End an account for good; reads one of its e-mail addresses from standard input
    ///
    /// Its sessions end, nobody can sign in to it any more, and it never begins again. What it holds is kept as long as the law wants,
    /// and stays closed. The person hears of it at every address. Exit code 1 when nobody has the address.
    End(ReasonArgs),
    /// Sign a person out of every browser; reads one of their e-mail addresses from standard input
    ///
    /// The person finds it in their history. Services are not told: they are reached through the person's browser alone, and their
    /// own sessions go on until they end by themselves. Exit code 1 when nobody has the address.
    EndSessions,
    /// Let a suspended account be used again; reads one of its e-mail addresses from standard input
    ///
    /// The person hears of it at every address. Exit code 1 when nobody has the address, or the account has ended.
    Reinstate(ReasonArgs),
    /// Stop an account until it is reinstated; reads one of its e-mail addresses from standard input
    ///
    /// Its sessions end at once, and who gives the right password is told that the account is stopped. The person hears of it at every
    /// address. Services are not told. Exit code 1 when nobody has the address, or the account has ended.
    Suspend(ReasonArgs),
}

/// Why it is done.
#[derive(Debug, Args)]
pub struct ReasonArgs {
    /// Why, for the log; the person is not told
    #[arg(long, value_enum)]
    pub reason: StandingReason,
}

impl ValueEnum for StandingReason {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::AtTheirRequest, Self::SuspectedFraud, Self::Order, Self::Mistake]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.as_str()))
    }
}

/// Runs the command.
///
/// # Errors
/// When settings, keys or database cannot be used, or what was read is no address.
pub fn run(args: &AccountArgs, settings: &SettingsFile, out: &mut dyn Write) -> Result<CommandOutcome, CommandError> {
    let settings = settings.read()?;
    let (store, keys) = (open_store(&settings)?, Arc::new(open_keys(&settings)?));
    // No service is named: a mail about an account names none.
    let site = app::site(&settings, &Surroundings::production(), store, keys, SharedRegistry::default())?;
    let mut typed = String::new();
    std::io::stdin().lock().take(LONGEST_BYTES).read_line(&mut typed)?;
    match &args.command {
        AccountCommand::End(why) => change(&site, StandingChange::End, why.reason, &typed, out),
        AccountCommand::EndSessions => end_sessions(&site, &typed, out),
        AccountCommand::Reinstate(why) => change(&site, StandingChange::Reinstate, why.reason, &typed, out),
        AccountCommand::Suspend(why) => change(&site, StandingChange::Suspend, why.reason, &typed, out),
    }
}

/// Ends all sessions of the person with this address, and tells how many there were.
///
/// # Errors
/// When the database or the keys fail, or it is no address.
pub fn end_sessions(site: &Site, typed: &str, out: &mut dyn Write) -> Result<CommandOutcome, CommandError> {
    let (address, now) = (address_in(typed)?, site.now());
    let mut happened = Happened::default();
    let ended = site.store.transaction_blocking::<_, Trouble, _>(|tx| {
        let Some(record) = find_address(tx, &*site.keys, &address)? else { return Ok(None) };
        let ended = tx.end_sessions_of(record.subscriber, None, now)?;
        tx.drop_known_browsers_of(record.subscriber)?;
        happened.record(tx, site, record.subscriber, Event::SessionsEndedByUs, Beside::Nothing, now)?;
        Ok(Some(ended))
    });
    let Some(ended) = ended.map_err(out_of_reach)? else { return nobody(out) };
    happened.tell();
    writeln!(out, "sessions ended: {ended}; services are not told, and their own sessions go on")?;
    Ok(CommandOutcome::Done)
}

/// Changes whether the account with this address may be used, and tells what became of it.
///
/// # Errors
/// When the database or the keys fail, or it is no address.
pub fn change(
    site: &Site,
    change: StandingChange,
    reason: StandingReason,
    typed: &str,
    out: &mut dyn Write,
) -> Result<CommandOutcome, CommandError> {
    let (address, now) = (address_in(typed)?, site.now());
    let mut happened = Happened::default();
    let changed = site.store.transaction_blocking::<_, Trouble, _>(|tx| {
        let Some(record) = find_address(tx, &*site.keys, &address)? else { return Ok(None) };
        let of: SubscriberId = record.subscriber;
        change_standing(tx, site, &mut happened, of, change, reason, now).map(Some)
    });
    let Some(changed) = changed.map_err(out_of_reach)? else { return nobody(out) };
    happened.tell();
    let state = match change {
        StandingChange::End => "ended",
        StandingChange::Reinstate => "in use",
        StandingChange::Suspend => "suspended",
    };
    match changed {
        Changed::AlreadySo => writeln!(out, "nothing was changed: the account is {state} already")?,
        Changed::Done { sessions } => {
            writeln!(out, "the account is {state}; its person is told by mail; sessions ended: {sessions}")?;
        }
        Changed::Impossible(SubscriberStatus::Ended) => {
            writeln!(out, "nothing was changed: the account has ended, for good")?;
            return Ok(CommandOutcome::Findings);
        }
        Changed::Impossible(_) => {
            writeln!(
                out,
                "nothing was changed: the account is still being made and cannot be signed in to; `end` ends it"
            )?;
            return Ok(CommandOutcome::Findings);
        }
        Changed::NoAccount => {
            writeln!(out, "nothing was changed: the account's row is missing or was altered")?;
            return Ok(CommandOutcome::Findings);
        }
    }
    Ok(CommandOutcome::Done)
}

fn address_in(typed: &str) -> Result<EmailAddress, CommandError> {
    EmailAddress::parse(typed).map_err(|fault| {
        CommandError::usage(
            fault,
            "give one e-mail address on standard input, such as `signet account end-sessions < file`",
        )
    })
}

fn nobody(out: &mut dyn Write) -> Result<CommandOutcome, CommandError> {
    writeln!(out, "nobody has this address")?;
    Ok(CommandOutcome::Findings)
}

fn out_of_reach(trouble: Trouble) -> CommandError {
    match trouble {
        Trouble::Store(error) => error.into(),
        other => CommandError::Unreachable {
            what: other.to_string(),
            next: "see `keys.folder` and `keys.passphrase_file` in the settings",
        },
    }
}
