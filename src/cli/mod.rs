//! The terminal: one file a command. What a command does is the other rooms' work; here it is read and printed.
//!
//! Exit codes: 0 nothing is wrong, 1 something was found, 2 wrong use, 3 something does not answer. Results go to
//! standard output, errors to standard error, each with a next step.

pub mod account;
pub mod audit;
pub mod check;
#[cfg(feature = "demo")]
pub mod conform;
#[cfg(feature = "demo")]
pub mod demo;
pub mod keys;
pub mod migrate;
pub mod outcome;
pub mod release;
pub mod serve;
pub mod sp;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use time::UtcDateTime;

pub use outcome::{CommandError, CommandOutcome};

use crate::clock::{Clock as _, SystemClock};
use crate::entropy::SystemEntropy;
use crate::services::keys::LocalKeys;
use crate::settings::{Settings, SettingsError};
use crate::storage::Store;

/// Where the settings are when nothing else is said.
const SETTINGS: &str = "signet.toml";
/// Where the demonstration keeps its own.
const DEMONSTRATION_SETTINGS: &str = "var/signet.toml";

const AFTER_HELP: &str =
    "Exit codes: 0 nothing is wrong, 1 something was found, 2 wrong use, 3 something does not answer.";

/// A SAML 2.0 identity provider and federation broker that releases what was agreed, and nothing else.
#[derive(Debug, Parser)]
#[command(name = "signet", version, after_help = AFTER_HELP)]
struct CommandLine {
    /// The settings; above them, `SIGNET__SECTION__KEY` in the environment. [default: signet.toml, or the
    /// demonstration's var/signet.toml]
    #[arg(long, global = true, value_name = "FILE")]
    settings: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// End what an account has open
    Account(account::AccountArgs),
    /// Look at the record of what was disclosed
    Audit(audit::AuditArgs),
    /// Check settings, keys, database and the metadata folder, and say what is wrong
    Check,
    /// Prove that the identity provider keeps the rules of the profiles, label by label
    #[cfg(feature = "demo")]
    Conform(conform::ConformArgs),
    /// Start the demonstration on loopback: identity provider, an agency, an inbox
    #[cfg(feature = "demo")]
    Demo(demo::DemoArgs),
    /// Make the service's keys, and change the one that signs
    Keys(keys::KeysArgs),
    /// Bring the database's schema up to date
    Migrate(migrate::MigrateArgs),
    /// Explain what a service receives, and why not more
    Release(release::ReleaseArgs),
    /// Run the identity provider until it is told to stop
    Serve(serve::ServeArgs),
    /// Check and apply service providers' metadata and agreements
    Sp(sp::SpArgs),
}

/// Runs the command that the process was started with.
#[must_use]
pub fn run() -> ExitCode {
    let line = match CommandLine::try_parse() {
        Ok(line) => line,
        Err(error) => {
            // Help and version are no faults; clap says which.
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            return if error.print().is_ok() { ExitCode::from(code) } else { ExitCode::from(3) };
        }
    };
    let mut out = io::stdout().lock();
    let result = dispatch(line, &mut out).and_then(|outcome| Ok(out.flush().map(|()| outcome)?));
    if let Err(error) = &result {
        let mut err = io::stderr().lock();
        // Where even this cannot be written, the exit code still says it.
        drop(writeln!(err, "signet: {error}\n  next: {}", error.next_step()));
    }
    outcome::exit(&result)
}

fn dispatch(line: CommandLine, out: &mut dyn Write) -> Result<CommandOutcome, CommandError> {
    let settings = SettingsFile(line.settings);
    match line.command {
        Command::Account(args) => account::run(&args, &settings, out),
        Command::Audit(args) => audit::run(&args, &settings, out),
        Command::Check => check::run(&settings, out),
        #[cfg(feature = "demo")]
        Command::Conform(args) => conform::run(&args, out),
        #[cfg(feature = "demo")]
        Command::Demo(args) => demo::run(&args, out).map(|()| CommandOutcome::Done).map_err(CommandError::from),
        Command::Keys(args) => keys::run(&args, &settings, out),
        Command::Migrate(args) => migrate::run(&args, &settings, out),
        Command::Release(args) => release::run(&args, &settings, out),
        Command::Serve(args) => serve::run(&args, &settings, out),
        Command::Sp(args) => sp::run(&args, &settings, out),
    }
}

/// The settings that a command was told to use, read when it needs them.
#[derive(Debug, Clone)]
pub struct SettingsFile(Option<PathBuf>);

impl SettingsFile {
    /// These settings; none means where they are by default.
    #[must_use]
    pub const fn new(file: Option<PathBuf>) -> Self {
        Self(file)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        match &self.0 {
            Some(path) => path,
            None if !Path::new(SETTINGS).is_file() && Path::new(DEMONSTRATION_SETTINGS).is_file() => {
                Path::new(DEMONSTRATION_SETTINGS)
            }
            None => Path::new(SETTINGS),
        }
    }

    /// Reads them.
    ///
    /// # Errors
    /// When there are none, or they cannot be used.
    pub fn read(&self) -> Result<Settings, SettingsError> {
        Settings::read(self.path())
    }
}

/// Opens the database that the settings name.
fn open_store(settings: &Settings) -> Result<Store, CommandError> {
    Ok(Store::open(&settings.database_url()?, 2)?)
}

/// Opens the keys that the settings name.
fn open_keys(settings: &Settings) -> Result<LocalKeys, CommandError> {
    let secret = settings.sealing_secret()?;
    Ok(LocalKeys::open(&settings.keys.folder, &secret, Arc::new(SystemEntropy))?)
}

fn now() -> UtcDateTime {
    SystemClock.now()
}

/// Whoever sits at the terminal, for the record of what they apply.
fn operator() -> String {
    let name =
        crate::settings::environment_variable("SUDO_USER").or_else(|| crate::settings::environment_variable("USER"));
    name.unwrap_or_else(|| "terminal".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn every_command_and_option_says_what_it_is_for() {
        fn look(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{} has no help", command.get_name());
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {} has no help", command.get_name(), argument.get_id());
            }
            command.get_subcommands().for_each(look);
        }
        look(&CommandLine::command());
    }
}
