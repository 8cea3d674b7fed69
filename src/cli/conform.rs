//! `signet conform idp`: tries the identity provider against every label of the profiles, and says how each came out.

use std::{fs, io::Write, path::PathBuf};

use clap::{Args, Subcommand};

use super::{CommandError, CommandOutcome};
use crate::conform;

/// `signet conform …`
#[derive(Debug, Args)]
pub struct ConformArgs {
    /// What to try.
    #[command(subcommand)]
    pub command: ConformCommand,
}

/// What can be tried.
#[derive(Debug, Subcommand)]
pub enum ConformCommand {
    /// Try an identity provider of its own on loopback against every label of the profiles
    ///
    /// It starts one over a temporary folder, with services of its own registered and invented people in it, goes through every
    /// journey over HTTP, and prints for each label what it asks, how it came out and what was seen. Nothing of this machine's
    /// settings, keys or database is touched. Exit code 1: a rule is broken.
    Idp(IdpArgs),
}

/// `signet conform idp`
#[derive(Debug, Args)]
pub struct IdpArgs {
    /// Write the report as a page to this file as well
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Only labels that begin so, for instance SDP-IDP or IIP-ALG04
    #[arg(long, value_name = "PREFIX")]
    pub label: Option<String>,
    /// Only how many came out how, and what is broken
    #[arg(long)]
    pub summary: bool,
}

/// Runs the command.
///
/// # Errors
/// The suite cannot be run, the output cannot be written, or no label begins as asked.
pub fn run(args: &ConformArgs, out: &mut dyn Write) -> Result<CommandOutcome, CommandError> {
    let ConformCommand::Idp(args) = &args.command;
    // actix-web wants its own kind of runtime; tokio's multi-threaded one serves it.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let played = runtime.block_on(conform::play());
    let report =
        played.and_then(|played| played.report(&conform::Nothing)).map_err(|error| CommandError::Unreachable {
            what: format!("the suite could not be run: {error}"),
            next: "it needs a port on loopback and a folder for temporary files",
        })?;
    let report = args.label.as_deref().map_or(report.clone(), |prefix| report.only(prefix));
    if report.rows().is_empty() {
        return Err(CommandError::usage("no label begins so", "without --label, all are listed"));
    }
    if let Some(file) = &args.html {
        let page = report.html(env!("CARGO_PKG_VERSION")).map_err(std::io::Error::other)?;
        fs::write(file, page)?;
    }
    if args.summary {
        for row in report.broken() {
            writeln!(out, "{}: {}", row.label.name, row.verdict.reason())?;
        }
        report.write_summary(out)?;
    } else {
        report.write_table(out)?;
    }
    Ok(if report.broken().next().is_some() { CommandOutcome::Findings } else { CommandOutcome::Done })
}
