//! `signet audit`: the record of what was disclosed.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use time::UtcDateTime;

use super::{CommandError, CommandOutcome, SettingsFile, now, open_keys, open_store};
use crate::federation::disclosure::ChainPosition;
use crate::federation::disclosure::checkpoint::Checkpoint;
use crate::jobs::ledger::{self, Adoption, LedgerError};
use crate::sealing::ServiceKeys;
use crate::storage::Store;

/// `signet audit …`
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: AuditCommand,
}

/// What can be done with the record.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Let the records that a version without keys wrote count as they stand now; once, after every node was replaced
    Adopt,
    /// Print for each chain how far it is, one line that `verify --expect-file` compares with later; keep it elsewhere
    Checkpoint,
    /// Check every chain of disclosure records from its first to its last; exit code 1 when one does not hold
    Verify(VerifyArgs),
}

/// `signet audit verify`
#[derive(Debug, Default, Args)]
pub struct VerifyArgs {
    /// A record that must be there: `recorded` in the log line of a disclosure. May be given several times
    #[arg(long, value_name = "CHAIN:SEQ:HASH")]
    pub expect: Vec<ChainPosition>,
    /// A file of records that must be there: lines of `signet audit checkpoint`, or CHAIN:SEQ:HASH alone. May be given several times
    #[arg(long, value_name = "FILE")]
    pub expect_file: Vec<PathBuf>,
}

/// Looks at the record.
///
/// # Errors
/// When the database or a file cannot be read, or the keys cannot be used.
pub fn run(args: &AuditArgs, settings: &SettingsFile, out: &mut dyn Write) -> Result<CommandOutcome, CommandError> {
    let settings = settings.read()?;
    let (store, keys) = (open_store(&settings)?, open_keys(&settings)?);
    match &args.command {
        AuditCommand::Adopt => adopt(&store, &keys, out),
        AuditCommand::Checkpoint => checkpoint(&store, &keys, now(), out),
        AuditCommand::Verify(args) => verify(&store, &keys, args, out),
    }
}

/// Checks every chain of a database, and whether what must be there is there.
///
/// # Errors
/// When the database or a file cannot be read.
pub fn verify(
    store: &Store,
    keys: &dyn ServiceKeys,
    args: &VerifyArgs,
    out: &mut dyn Write,
) -> Result<CommandOutcome, CommandError> {
    let mut outcome = CommandOutcome::Done;
    let mut expected: BTreeSet<ChainPosition> = args.expect.iter().copied().collect();
    for file in &args.expect_file {
        let text = std::fs::read_to_string(file).map_err(|error| {
            CommandError::usage(format!("{}: {error}", file.display()), "name a file that can be read")
        })?;
        for (line, number) in text.lines().map(str::trim).zip(1..) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Ok(checkpoint) = line.parse::<Checkpoint>() {
                if checkpoint.is_ours(keys) == Ok(true) {
                    expected.insert(checkpoint.end());
                } else {
                    outcome = CommandOutcome::Findings;
                    writeln!(out, "{}, line {number}: this service did not write this line", file.display())?;
                }
                continue;
            }
            expected.insert(line.parse().map_err(|error| {
                let what = format!("{}, line {number}: {error}", file.display());
                CommandError::usage(what, "one record a line: CHAIN:SEQ:HASH, or a line of `signet audit checkpoint`")
            })?);
        }
    }
    let chains = ledger::follow_blocking(store, keys, &expected)?;
    for chain in &chains {
        if let Some(fault) = &chain.fault {
            outcome = CommandOutcome::Findings;
            writeln!(out, "chain {}: BROKEN: {fault}", chain.chain)?;
            continue;
        }
        let (last, hash) = (chain.end.seq, hex::encode(chain.end.hash));
        let adopted = chain.unkeyed_end.map(|end| format!(" (1 to {} without a key, adopted)", end.seq));
        writeln!(out, "chain {}: holds, {last} records{}, ends with {hash}", chain.chain, adopted.unwrap_or_default())?;
    }
    let met: BTreeSet<ChainPosition> = chains.iter().flat_map(|chain| &chain.met).copied().collect();
    for gone in expected.difference(&met).filter(|one| one.seq > 0) {
        outcome = CommandOutcome::Findings;
        writeln!(
            out,
            "chain {}: MISSING: record {} is not the one that was expected, or is gone",
            gone.chain, gone.seq
        )?;
    }
    if !expected.is_empty() {
        writeln!(out, "{} of {} expected records are there", met.len(), expected.len())?;
    }
    writeln!(out, "{} chains", chains.len())?;
    Ok(outcome)
}

/// Prints where each chain ends. A chain that does not hold is said to be broken, and has no checkpoint.
///
/// # Errors
/// When the database cannot be read, or the keys cannot be used.
pub fn checkpoint(
    store: &Store,
    keys: &dyn ServiceKeys,
    at: UtcDateTime,
    out: &mut dyn Write,
) -> Result<CommandOutcome, CommandError> {
    let mut outcome = CommandOutcome::Done;
    for chain in ledger::follow_blocking(store, keys, &BTreeSet::new())? {
        match chain.fault {
            None => writeln!(out, "{}", Checkpoint::new(chain.end, at, keys).map_err(LedgerError::from)?)?,
            Some(fault) => {
                outcome = CommandOutcome::Findings;
                writeln!(out, "# chain {}: BROKEN: {fault}", chain.chain)?;
            }
        }
    }
    Ok(outcome)
}

/// Takes over what versions without keys have written.
///
/// # Errors
/// When the database cannot be read or written, or the keys cannot be used.
pub fn adopt(store: &Store, keys: &dyn ServiceKeys, out: &mut dyn Write) -> Result<CommandOutcome, CommandError> {
    let mut outcome = CommandOutcome::Done;
    let adoptions = ledger::adopt_blocking(store, keys)?;
    for adoption in &adoptions {
        match adoption {
            Adoption::Adopted(end) => writeln!(out, "adopted {end}: compare it with what the old version said last")?,
            Adoption::NotHolding(fault) => {
                outcome = CommandOutcome::Findings;
                writeln!(out, "not adopted: {fault}")?;
            }
        }
    }
    if adoptions.is_empty() {
        writeln!(out, "every record has a key, or was adopted before")?;
    }
    Ok(outcome)
}
