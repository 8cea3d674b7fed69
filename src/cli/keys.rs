//! `signet keys`: making and rotating the service's keys. The keys themselves are `services::keys`'.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};

use super::{CommandError, CommandOutcome, SettingsFile, now, open_keys};
use crate::services::keys::{GenerateKeys, LocalKeys, ServiceKeys as _, SigningKeyKind};
use crate::services::{SystemEntropy, random_bytes};
use crate::settings::Settings;

/// `signet keys …`
#[derive(Debug, Args)]
pub struct KeysArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: KeysCommand,
}

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Sign with the next signing key from the next start on; publish it first and wait until services have fetched it
    Advance,
    /// Make the folder of keys that the settings name; keys that are there are never written over
    Generate(GenerateArgs),
    /// List the signing keys: current and next
    List,
    /// Add a key for sealing stored data; the older ones stay and open what they sealed
    Rotate,
}

/// `signet keys generate`
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// Which kind of signing key
    #[arg(long, value_enum, default_value_t = Kind::Rsa2048)]
    pub kind: Kind,
    /// Make the signing key that comes after the current one, and nothing else
    #[arg(long)]
    pub next: bool,
    /// Make the passphrase file too, with 32 random bytes, when it is not there
    #[arg(long)]
    pub passphrase: bool,
}

/// Kinds of signing keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// ECDSA on P-256: quick; some older services do not take it
    EcP256,
    /// RSA, 2048 bits: every service takes it
    Rsa2048,
    /// RSA, 3072 bits: stronger, at about a third of the speed
    Rsa3072,
}

impl From<Kind> for SigningKeyKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::EcP256 => Self::EcP256,
            Kind::Rsa2048 => Self::Rsa2048,
            Kind::Rsa3072 => Self::Rsa3072,
        }
    }
}

/// Does what the command line says with the keys that the settings name.
///
/// # Errors
/// When the settings or the keys cannot be used.
pub fn run(args: &KeysArgs, settings: &SettingsFile, out: &mut dyn Write) -> Result<CommandOutcome, CommandError> {
    let settings = settings.read()?;
    let folder = &settings.keys.folder;
    match &args.command {
        KeysCommand::Advance => {
            LocalKeys::advance_signing_key(folder)?;
            writeln!(out, "The next signing key is the current one now. Restart every node.")?;
        }
        KeysCommand::Generate(args) => generate(args, &settings, out)?,
        KeysCommand::List => list(&settings, out)?,
        KeysCommand::Rotate => {
            let id = LocalKeys::rotate_roots(folder, &settings.sealing_secret()?, &SystemEntropy)?;
            writeln!(out, "Key {id} seals from the next start on. Restart every node; keep the older keys.")?;
        }
    }
    Ok(CommandOutcome::Done)
}

fn generate(args: &GenerateArgs, settings: &Settings, out: &mut dyn Write) -> Result<(), CommandError> {
    if args.passphrase {
        make_passphrase(&settings.keys.passphrase_file, out)?;
    }
    let secret = settings.sealing_secret()?;
    let host = settings.server.public_url.host_str().unwrap_or("localhost");
    let wanted = GenerateKeys { common_name: host, signing: args.kind.into(), now: now() };
    let folder = &settings.keys.folder;
    if args.next {
        LocalKeys::prepare_next_signing_key(folder, &secret, &wanted, &SystemEntropy)?;
        writeln!(out, "The next signing key is in {}.", folder.display())?;
        writeln!(out, "Restart every node: metadata publishes it. When all services have fetched the metadata,")?;
        writeln!(out, "`signet keys advance` makes it the current one.")?;
    } else {
        LocalKeys::generate(folder, &secret, &wanted, Arc::new(SystemEntropy))?;
        writeln!(out, "New keys are in {}.", folder.display())?;
        writeln!(
            out,
            "Keep a copy of the folder and, apart from it, of the passphrase: without both, nothing that is"
        )?;
        writeln!(out, "stored about people can be read again.")?;
    }
    Ok(())
}

/// Makes the passphrase file, readable by its owner alone; one that is there stays.
fn make_passphrase(file: &Path, out: &mut dyn Write) -> Result<(), CommandError> {
    if file.exists() {
        return Ok(());
    }
    let failed = |error: std::io::Error| {
        CommandError::usage(format!("{}: {error}", file.display()), "see `keys.passphrase_file` in the settings")
    };
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(failed)?;
    writeln!(made, "{}", hex::encode(random_bytes::<32>(&SystemEntropy))).map_err(failed)?;
    made.sync_all().map_err(failed)?;
    writeln!(out, "A new passphrase is in {}.", file.display())?;
    Ok(())
}

fn list(settings: &Settings, out: &mut dyn Write) -> Result<(), CommandError> {
    let keys = open_keys(settings)?;
    let signing = keys.signing_keys();
    let line = |place: &str, signer: &dyn crate::saml::signature::Signer| {
        format!(
            "{place:<8} {:<16} {}",
            signer.algorithm().uri().rsplit("#").next().unwrap_or_default(),
            signer.key_id()
        )
    };
    writeln!(out, "{}", line("current", &*signing.current))?;
    if let Some(next) = &signing.next {
        writeln!(out, "{}", line("next", &**next))?;
    }
    Ok(())
}
