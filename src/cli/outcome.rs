//! How a command ends: exit code, and an error that says what to do next.

use std::io;
use std::process::ExitCode;

use crate::accounts::Trouble;
use crate::app::BuildError;
use crate::jobs::ledger::LedgerError;
use crate::jobs::metadata::LoadError;
use crate::jobs::signing::SigningError;
use crate::rollover::KeyUnusable;
use crate::rollover::PlanRefused;
use crate::services::keys::LocalKeysError;
use crate::settings::SettingsError;
use crate::storage::StoreError;

/// How a command that did its work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandOutcome {
    /// Nothing is wrong.
    Done,
    /// Something was found that somebody should look at.
    Findings,
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The application cannot be built.
    #[error("{0}")]
    Build(#[from] BuildError),
    /// The demonstration did not start, or ended early.
    #[cfg(feature = "demo")]
    #[error(transparent)]
    Demo(#[from] super::demo::DemoCommandError),
    /// The keys cannot be made or opened.
    #[error(transparent)]
    Keys(#[from] LocalKeysError),
    /// The settings cannot be used.
    #[error("{0}")]
    Settings(#[from] SettingsError),
    /// A step with the signing keys is not taken.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// The database does not do its part.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// Something outside does not answer or cannot be opened.
    #[error("{what}")]
    Unreachable {
        /// What.
        what: String,
        /// What to do about it.
        next: &'static str,
    },
    /// The command was given what it cannot use.
    #[error("{what}")]
    Usage {
        /// What.
        what: String,
        /// What to do about it.
        next: &'static str,
    },
    /// The terminal or the file that the output goes to is gone.
    #[error("the output cannot be written: {0}")]
    Write(#[from] io::Error),
}

impl From<Trouble> for CommandError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Store(error) => Self::Store(error),
            trouble => Self::Unreachable {
                what: trouble.to_string(),
                next: "see `keys.folder` and `keys.passphrase_file` in the settings",
            },
        }
    }
}

impl From<LedgerError> for CommandError {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Store(error) => Self::Store(error),
            LedgerError::Keys(_) => Self::Unreachable {
                what: error.to_string(),
                next: "see `keys.folder` and `keys.passphrase_file` in the settings",
            },
        }
    }
}

impl From<LoadError> for CommandError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Store(error) => Self::Store(error),
            LoadError::Keys(_) => Self::Unreachable {
                what: error.to_string(),
                next: "see `keys.folder` and `keys.passphrase_file` in the settings",
            },
        }
    }
}

impl From<PlanRefused> for CommandError {
    fn from(refused: PlanRefused) -> Self {
        Self::Signing(SigningError::Refused(refused))
    }
}

impl CommandError {
    /// The command was given what it cannot use.
    #[must_use]
    pub fn usage(what: impl std::fmt::Display, next: &'static str) -> Self {
        Self::Usage { what: what.to_string(), next }
    }

    /// What to do about it.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::Build(BuildError::Listen { .. }) => "another process may have this address: see `server.listen`",
            Self::Build(BuildError::Migrations(_)) => "`signet migrate` runs them",
            Self::Build(BuildError::Signing(error)) | Self::Signing(error) => signing(error),
            Self::Build(_) => "`signet check` looks at everything and says what is wrong",
            #[cfg(feature = "demo")]
            Self::Demo(_) => "another process may have the ports: see `signet demo --help`",
            Self::Keys(LocalKeysError::Missing(_)) => "`signet keys generate` makes them",
            Self::Keys(LocalKeysError::AlreadyThere(_)) => "`signet keys generate --next` makes the next signing key",
            Self::Keys(_) => "see `keys.folder` and `keys.passphrase_file` in the settings",
            Self::Settings(SettingsError::NoFile(_)) => "the README has an example, under \"Running it\"",
            Self::Settings(_) => "the README has an example of each section, under \"Running it\"",
            Self::Store(StoreError::InUse) => "stop the other process, or use PostgreSQL for several nodes",
            Self::Store(StoreError::Migration(_)) => {
                "nothing was changed by the migration that failed; see its message"
            }
            Self::Store(_) => {
                "see `database.url` in the settings, and whether the database runs; `signet migrate` \
                               brings its schema up to date"
            }
            Self::Unreachable { next, .. } | Self::Usage { next, .. } => next,
            Self::Write(_) => "see whether the disk is full or the pipe was closed",
        }
    }

    fn code(&self) -> u8 {
        match self {
            Self::Build(
                BuildError::Listen { .. } | BuildError::Signing(SigningError::Store(_)) | BuildError::Store(_),
            ) => 3,
            Self::Signing(SigningError::Store(_)) => 3,
            Self::Build(_) | Self::Keys(_) | Self::Settings(_) | Self::Signing(_) | Self::Usage { .. } => 2,
            #[cfg(feature = "demo")]
            Self::Demo(_) => 3,
            Self::Store(_) | Self::Unreachable { .. } | Self::Write(_) => 3,
        }
    }
}

/// What to do about a plan of signing keys that cannot be had.
const fn signing(error: &SigningError) -> &'static str {
    match error {
        SigningError::Altered => {
            "see that `keys.folder` belongs to this database; if it does, somebody altered the table signing_plan: restore \
             it from its backup"
        }
        SigningError::ChangedMeanwhile => "`signet keys status` shows how things stand; try again",
        SigningError::Unusable(KeyUnusable::Denied(_)) => {
            "let a key of another kind sign (`signet keys generate --next --kind …`, `publish`, `sign-with`), or deny less in \
             `federation.denied_algorithms`"
        }
        SigningError::Unusable(KeyUnusable::Missing(_)) => "copy the key's two files from a node that has them",
        SigningError::Unusable(KeyUnusable::MissingOpener(_)) => {
            "copy the key's two files from a node that has them; if none has, `signet keys retire` with --now gives it up"
        }
        SigningError::Refused(refused) => refused.next_step(),
        SigningError::Store(_) => "see `database.url` in the settings, and whether the database runs",
        SigningError::Keys(_) | SigningError::NoKey | SigningError::Unreadable(_) => {
            "see `keys.folder` in the settings"
        }
    }
}

/// 0 nothing is wrong · 1 findings · 2 wrong use · 3 something does not answer.
pub(super) fn exit(result: &Result<CommandOutcome, CommandError>) -> ExitCode {
    match result {
        Ok(CommandOutcome::Done) => ExitCode::SUCCESS,
        Ok(CommandOutcome::Findings) => ExitCode::from(1),
        Err(error) => ExitCode::from(error.code()),
    }
}
