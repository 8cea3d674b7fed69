//! `signet keys`: making the service's keys, and changing the one that signs while people go on signing in. The keys
//! themselves are `services::keys`', the steps `rollover`'s.

mod rollover;
mod roots;
mod status;

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};

use super::{CommandError, CommandOutcome, SettingsFile, now, open_keys};
use crate::entropy::{SystemEntropy, random_bytes};
use crate::services::keys::{GenerateKeys, LocalKeys, SigningKeyKind};
use crate::settings::Settings;

pub use rollover::{FallBackArgs, KeyArgs, RetireArgs, SignWithArgs, TrialArgs};
pub use roots::RotateArgs;
pub use status::StatusArgs;

const AFTER_HELP: &str = "To change the signing key, in this order: generate --next, publish, trial, sign-with, retire; status shows \
     how far it is. The decryption key changes by generate --decryption, publish and, when copies of the metadata before have expired, retire. \
     Nodes follow within a minute. README.md, \"Rolling the signing key\", has the whole of it.";

const RESEAL_HELP: &str = "To replace the sealing key: rotate; copy service-keys.json to every node, then restart each; reseal; \
     status, until the old key has nothing left; rotate --retire. Passwords are sealed anew when their persons sign in. After a leak, \
     compare the rows of the database with a backup from before the leak first: resealing blesses what stands there.";

/// `signet keys …`
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct KeysArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: KeysCommand,
}

/// What can be done with keys. The steps of a rollover, in their order: `generate --next`, `publish`, `trial`, `sign-with`,
/// `retire`.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Put one service back to the signing key that it had before
    FallBack(FallBackArgs),
    /// Make the folder of keys that the settings name, or another signing or decryption key; keys are never written over
    Generate(GenerateArgs),
    /// Put a key into our metadata: a signing key before anything is signed with it, a decryption key instead of the one before
    Publish(KeyArgs),
    /// Seal what is stored anew with the newest sealing key; beside nodes that serve, and as often as it is stopped
    #[command(after_help = RESEAL_HELP)]
    Reseal,
    /// Take a key that nobody needs any more out of our metadata for good, and erase its private half here
    Retire(RetireArgs),
    /// Add a key for sealing stored data, or retire one that nothing needs any more
    #[command(after_help = RESEAL_HELP)]
    Rotate(RotateArgs),
    /// Sign with a published key: for one service, for a wave of them, or for all
    SignWith(SignWithArgs),
    /// Show the keys, what older sealing keys are still needed for, and for each service which one signs and whether it has the next one
    Status(StatusArgs),
    /// Try the next signing key with one service, in one browser; then say how that went
    Trial(TrialArgs),
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
    /// Make another key (RSA, 3072 bits) to which services encrypt for us, and nothing else
    #[arg(long, conflicts_with_all = ["next", "kind"])]
    pub decryption: bool,
    /// Make the passphrase file too, with 32 random bytes, when it is not there
    #[arg(long)]
    pub passphrase: bool,
}

/// Kinds of signing keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// ECDSA on P-256: quick; mod_auth_mellon, lasso, SimpleSAMLphp, samlify and ruby-saml do not verify it
    #[value(name = "p-256")]
    P256,
    /// RSA, 2048 bits: every service takes it
    #[value(name = "rsa-2048")]
    Rsa2048,
    /// RSA, 3072 bits: stronger, at about a third of the speed
    #[value(name = "rsa-3072")]
    Rsa3072,
}

impl From<Kind> for SigningKeyKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::P256 => Self::EcP256,
            Kind::Rsa2048 => Self::Rsa2048,
            Kind::Rsa3072 => Self::Rsa3072,
        }
    }
}

/// Does what the command line says with the keys that the settings name.
///
/// # Errors
/// When the settings or the keys cannot be used, or a step is refused.
pub fn run(args: &KeysArgs, settings: &SettingsFile, out: &mut dyn Write) -> Result<CommandOutcome, CommandError> {
    let settings = settings.read()?;
    match &args.command {
        KeysCommand::FallBack(args) => rollover::fall_back(args, &settings, out)?,
        KeysCommand::Generate(args) => generate(args, &settings, out)?,
        KeysCommand::Publish(args) => rollover::publish(args, &settings, out)?,
        KeysCommand::Retire(args) => rollover::retire(args, &settings, out)?,
        KeysCommand::Reseal => return roots::reseal(&settings, out),
        KeysCommand::Rotate(args) => return roots::rotate(args, &settings, out),
        KeysCommand::SignWith(args) => rollover::sign_with(args, &settings, out)?,
        KeysCommand::Status(args) => status::show(args, &settings, out)?,
        KeysCommand::Trial(args) => rollover::trial(args, &settings, out)?,
    }
    Ok(CommandOutcome::Done)
}

fn generate(args: &GenerateArgs, settings: &Settings, out: &mut dyn Write) -> Result<(), CommandError> {
    if args.passphrase {
        make_passphrase(&settings.keys.passphrase_file, out)?;
    }
    let host = settings.server.public_url.host_str().unwrap_or("localhost");
    let wanted = GenerateKeys { common_name: host, signing: args.kind.into(), now: now() };
    let folder = &settings.keys.folder;
    if args.decryption {
        let id = open_keys(settings)?.add_decryption_key(host, wanted.now)?;
        writeln!(out, "The decryption key {id} is in {}.", folder.display())?;
        writeln!(out, "Copy decryption/{id}.key and decryption/{id}.crt to the key folder of every other node.")?;
        writeln!(out, "Then `signet keys publish {id}` offers it in our metadata.")?;
    } else if args.next {
        let id = open_keys(settings)?.add_signing_key(&wanted)?;
        writeln!(out, "The signing key {id} is in {}.", folder.display())?;
        writeln!(out, "Copy signing/{id}.key and signing/{id}.crt to the key folder of every other node.")?;
        writeln!(out, "Then `signet keys publish {id}` puts it into our metadata; nothing is signed with it yet.")?;
        if args.kind == Kind::P256 {
            writeln!(
                out,
                "WARNING: many services do not verify ECDSA, which this key makes; metadata/products.md names products."
            )?;
            writeln!(
                out,
                "`publish` says what is known of each service. Try it with each first: `signet keys trial`."
            )?;
        }
    } else {
        let keys = LocalKeys::generate(folder, &settings.sealing_secret()?, &wanted, Arc::new(SystemEntropy))?;
        keys.add_decryption_key(host, wanted.now)?;
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
