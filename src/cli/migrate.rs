//! `signet migrate`: the database's schema.

use std::io::Write;

use clap::Args;

use super::{CommandError, CommandOutcome, SettingsFile, open_store};

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
    let store = open_store(&settings.read()?)?;
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
    Ok(CommandOutcome::Done)
}
