//! `signet migrate`: the database's schema.

use std::io::Write;

use clap::Args;

use super::{CommandError, CommandOutcome, SettingsFile, audit, open_keys, open_store};
use crate::federation::disclosure::ChainId;
use crate::jobs::ledger::KEYING_MIGRATION;
use crate::storage::{StoreError, Transaction};

/// `signet migrate`
#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// Only list the migrations that have not run; exit code 1 when there are any
    #[arg(long)]
    pub pending: bool,
}

/// Runs the migrations that have not run, or lists them.
///
/// # Errors
/// When the database cannot be reached or a migration fails.
pub fn run(args: &MigrateArgs, settings: &SettingsFile, out: &mut dyn Write) -> Result<CommandOutcome, CommandError> {
    let settings = settings.read()?;
    let store = open_store(&settings)?;
    if args.pending {
        let pending = store.pending_migrations()?;
        for name in &pending {
            writeln!(out, "pending  {name}")?;
        }
        writeln!(out, "{}: {} pending", store.url(), pending.len())?;
        return Ok(if pending.is_empty() { CommandOutcome::Done } else { CommandOutcome::Findings });
    }
    let ran = store.migrate()?;
    for name in &ran {
        writeln!(out, "migrated {name}")?;
    }
    writeln!(out, "{}: up to date, {} migrated now", store.url(), ran.len())?;
    let keyed_now = ran.iter().any(|version| version.starts_with(KEYING_MIGRATION));
    // A new database holds no record, and may be made before the keys are.
    if keyed_now && !store.read_blocking(chains)?.is_empty() {
        match open_keys(&settings) {
            Ok(keys) => return audit::adopt(&store, &keys, out),
            Err(error) => writeln!(
                out,
                "The records of the ledger have no key yet ({error}): run `signet audit adopt` where the keys are."
            )?,
        }
    }
    Ok(CommandOutcome::Done)
}

fn chains(tx: &mut Transaction<'_>) -> Result<Vec<ChainId>, StoreError> {
    tx.disclosure_chains()
}
