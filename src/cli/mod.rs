//! The terminal: one file a command.

#[cfg(feature = "demo")]
pub mod demo;
pub mod release;
pub mod sp;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A SAML 2.0 identity provider and federation broker that releases what was agreed, and nothing else.
#[derive(Debug, Parser)]
#[command(name = "signet", version)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the demonstration on loopback: identity provider, an agency, an inbox
    #[cfg(feature = "demo")]
    Demo(demo::DemoArgs),
}

/// Runs the command that the process was started with.
#[must_use]
pub fn run() -> ExitCode {
    match CommandLine::parse().command {
        #[cfg(feature = "demo")]
        Command::Demo(args) => match demo::run(&args, &mut std::io::stdout()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                use std::io::Write as _;
                drop(writeln!(std::io::stderr(), "signet: {error}"));
                ExitCode::from(3)
            }
        },
    }
}
