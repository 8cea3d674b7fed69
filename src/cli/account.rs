//! `signet account`: what an administrator does to one account. Its profile stays closed to them.

use std::io::{BufRead as _, Read as _, Write};

use clap::{Args, Subcommand};
use time::UtcDateTime;

use super::{CommandError, CommandOutcome, SettingsFile, now, open_keys, open_store};
use crate::accounts::{Trouble, find_address, write_down};
use crate::entropy::{Entropy, SystemEntropy};
use crate::event::Event;
use crate::sealing::ServiceKeys;
use crate::storage::Store;
use crate::subscriber::EmailAddress;

/// The longest address that is read (RFC 5321 §4.5.3.1.3 allows 254 octets), with a line end.
const LONGEST_BYTES: u64 = 256;

/// `signet account …`
#[derive(Debug, Args)]
pub struct AccountArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: AccountCommand,
}

/// What can be done to an account.
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Sign a person out of every browser; reads one of their e-mail addresses from standard input
    ///
    /// The person finds it in their history. Services are not told: they are reached through the person's browser alone, and their
    /// own sessions go on until they end by themselves. Exit code 1 when nobody has the address.
    EndSessions,
}

/// Runs the command.
///
/// # Errors
/// When settings, keys or database cannot be used, or what was read is no address.
pub fn run(args: &AccountArgs, settings: &SettingsFile, out: &mut dyn Write) -> Result<CommandOutcome, CommandError> {
    match args.command {
        AccountCommand::EndSessions => {
            let settings = settings.read()?;
            let (store, keys) = (open_store(&settings)?, open_keys(&settings)?);
            let mut typed = String::new();
            // Not an argument: those are seen by everybody on the machine, and kept by the shell.
            std::io::stdin().lock().take(LONGEST_BYTES).read_line(&mut typed)?;
            end_sessions(&store, &keys, &SystemEntropy, &typed, now(), out)
        }
    }
}

/// Ends all sessions of the person with this address, and tells how many there were.
///
/// # Errors
/// When the database or the keys fail, or it is no address.
pub fn end_sessions(
    store: &Store,
    keys: &dyn ServiceKeys,
    entropy: &dyn Entropy,
    typed: &str,
    now: UtcDateTime,
    out: &mut dyn Write,
) -> Result<CommandOutcome, CommandError> {
    let address = EmailAddress::parse(typed).map_err(|fault| {
        CommandError::usage(
            fault,
            "give one e-mail address on standard input, such as `signet account end-sessions < file`",
        )
    })?;
    let ended = store.transaction_blocking::<_, Trouble, _>(|tx| {
        let Some(record) = find_address(tx, keys, &address)? else { return Ok(None) };
        let ended = tx.end_sessions_of(record.subscriber, None, now)?;
        tx.drop_known_browsers_of(record.subscriber)?;
        write_down(tx, entropy, record.subscriber, &Event::SessionsEndedByUs, now)?;
        Ok(Some(ended))
    });
    let Some(ended) = ended.map_err(out_of_reach)? else {
        writeln!(out, "nobody has this address")?;
        return Ok(CommandOutcome::Findings);
    };
    writeln!(out, "sessions ended: {ended}; services are not told, and their own sessions go on")?;
    Ok(CommandOutcome::Done)
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
