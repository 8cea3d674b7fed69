//! `signet audit`: the record of what was disclosed.

use std::io::Write;

use clap::{Args, Subcommand};

use super::{CommandError, CommandOutcome, SettingsFile, open_store};
use crate::federation::disclosure::{ChainId, ChainVerifier};
use crate::storage::{Store, StoreError, Transaction};

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
    /// Check every chain of disclosure records from its first to its last; exit code 1 when one does not hold
    Verify,
}

/// Checks every chain.
///
/// # Errors
/// When the database cannot be read.
pub fn run(args: &AuditArgs, settings: &SettingsFile, out: &mut dyn Write) -> Result<CommandOutcome, CommandError> {
    match args.command {
        AuditCommand::Verify => verify(&open_store(&settings.read()?)?, out),
    }
}

/// Checks every chain of a database.
///
/// # Errors
/// When the database cannot be read.
pub fn verify(store: &Store, out: &mut dyn Write) -> Result<CommandOutcome, CommandError> {
    let mut outcome = CommandOutcome::Done;
    let chains = store.read_blocking(chains_of)?;
    for chain in &chains {
        match follow(store, *chain)? {
            Ok((last, hash)) => {
                // A chain that was cut at its end still holds by itself: whoever keeps this line elsewhere can tell.
                writeln!(out, "chain {chain}: holds, {last} records, ends with {}", hex::encode(hash))?;
            }
            Err(fault) => {
                outcome = CommandOutcome::Findings;
                writeln!(out, "chain {chain}: BROKEN: {fault}")?;
            }
        }
    }
    writeln!(out, "{} chains", chains.len())?;
    Ok(outcome)
}

fn chains_of(tx: &mut Transaction<'_>) -> Result<Vec<ChainId>, StoreError> {
    tx.disclosure_chains()
}

type Followed = Result<(i64, [u8; 32]), String>;

fn follow(store: &Store, chain: ChainId) -> Result<Followed, CommandError> {
    let mut verifier = ChainVerifier::new(chain);
    let mut last = (0, [0; 32]);
    // From the very beginning: a record that was given a number below the first must not be passed over.
    let mut after = i64::MIN;
    loop {
        let read = store.read_blocking::<_, StoreError, _>(move |tx| tx.disclosures_after(chain, after));
        let records = match read {
            Ok(records) => records,
            // A row that is no record any more was tampered with: that is a finding, and no outage.
            Err(fault @ StoreError::InconsistentRow { .. }) => {
                return Ok(Err(format!("after record {after}: {fault}")));
            }
            Err(fault) => return Err(fault.into()),
        };
        if records.is_empty() {
            return Ok(Ok(last));
        }
        for record in &records {
            if let Err(broken) = verifier.follow(record) {
                return Ok(Err(broken.to_string()));
            }
            last = (record.seq, record.hash);
            after = record.seq;
        }
    }
}
