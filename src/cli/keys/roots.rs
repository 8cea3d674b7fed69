//! `signet keys rotate` and `reseal`: replacing the root key under which stored data is sealed.

use std::io::Write;

use clap::Args;

use crate::accounts::resealing;
use crate::accounts::resealing::Remaining;
use crate::cli::{CommandError, CommandOutcome, open_keys, open_store};
use crate::entropy::SystemEntropy;
use crate::sealing::{KeyId, ServiceKeys as _};
use crate::services::keys::LocalKeys;
use crate::settings::Settings;

/// `signet keys rotate`
#[derive(Debug, Args)]
pub struct RotateArgs {
    /// Retire this older key for good instead: what it sealed never opens again. Refused while rows need it
    #[arg(long, value_name = "KEY")]
    pub retire: Option<KeyId>,
    /// Retire it although something is left: passwords that were not used since end (a mailed link chooses a new one), sessions,
    /// codes, links and messages of the old key end
    #[arg(long, requires = "retire")]
    pub end_remaining: bool,
}

/// Adds a root key, or retires one.
///
/// # Errors
/// When the keys or the database cannot be used, or the key is still needed.
pub(super) fn rotate(
    args: &RotateArgs,
    settings: &Settings,
    out: &mut dyn Write,
) -> Result<CommandOutcome, CommandError> {
    let (folder, secret) = (&settings.keys.folder, settings.sealing_secret()?);
    let Some(old) = args.retire else {
        let id = LocalKeys::rotate_roots(folder, &secret, &SystemEntropy)?;
        writeln!(out, "Key {id} is in {}; it seals from a node's next start on.", folder.display())?;
        writeln!(out, "Copy service-keys.json to every other node, then restart every node. Keep the older keys.")?;
        writeln!(out, "After a leak, compare the database with a backup from before it. Then: signet keys reseal")?;
        return Ok(CommandOutcome::Done);
    };
    let (keys, store) = (open_keys(settings)?, open_store(settings)?);
    let roots = keys.root_keys();
    if !roots.contains(&old) || roots.first() == Some(&old) {
        let what = format!("{old} is no older sealing key of {}", folder.display());
        return Err(CommandError::usage(what, "`signet keys status` lists the sealing keys"));
    }
    let remaining = store.read_blocking(resealing::remaining)?.remove(&old).unwrap_or_default();
    let pairs = keys.pairs_by_root()?.remove(&old).unwrap_or_default();
    if pairs > 0 || remaining.to_reseal > 0 {
        writeln!(out, "Key {old} is needed: {}.", left(&remaining, pairs))?;
        writeln!(
            out,
            "`signet keys reseal` makes these anew; rows that it says are altered, restore or delete first."
        )?;
        return Ok(CommandOutcome::Findings);
    }
    if !remaining.is_nothing() && !args.end_remaining {
        writeln!(out, "Key {old} is needed: {}.", left(&remaining, pairs))?;
        writeln!(out, "Wait, or end them with --end-remaining.")?;
        return Ok(CommandOutcome::Findings);
    }
    LocalKeys::retire_root(folder, &secret, old, &SystemEntropy)?;
    writeln!(out, "Key {old} is retired: nothing that it sealed or vouched for counts any more.")?;
    writeln!(out, "Copy service-keys.json to every other node, restart every node, and destroy the older copies.")?;
    Ok(CommandOutcome::Done)
}

/// Makes every row, and every private key of the folder, anew with the newest root key.
///
/// # Errors
/// When the keys or the database cannot be used. What was done until then stays done.
pub(super) fn reseal(settings: &Settings, out: &mut dyn Write) -> Result<CommandOutcome, CommandError> {
    let (keys, store) = (open_keys(settings)?, open_store(settings)?);
    let pairs = keys.reseal_pairs()?;
    let done = resealing::reseal_blocking(&store, &keys)?;
    writeln!(out, "{} rows and {pairs} private keys are sealed anew.", done.renewed)?;
    if pairs > 0 {
        writeln!(out, "Copy signing/ and decryption/ of the key folder to every other node.")?;
    }
    if done.missed > 0 {
        writeln!(out, "{} rows changed at the same moment: run it again.", done.missed)?;
    }
    if done.altered > 0 {
        writeln!(
            out,
            "{} rows are not as they were written, and stay as they are: see `integrity_fault` in the log.",
            done.altered
        )?;
        return Ok(CommandOutcome::Findings);
    }
    Ok(CommandOutcome::Done)
}

/// What is left of the older sealing keys, for `signet keys status`.
///
/// # Errors
/// When the keys or the database cannot be used.
pub(super) fn show(settings: &Settings, out: &mut dyn Write) -> Result<(), CommandError> {
    let (keys, store) = (open_keys(settings)?, open_store(settings)?);
    let mut pairs = keys.pairs_by_root()?;
    let roots = keys.root_keys();
    let mut remaining = match roots.len() {
        // Nothing is counted where there is nothing to retire.
        1 => Default::default(),
        _ => store.read_blocking(resealing::remaining)?,
    };
    for (root, place) in roots.iter().zip(0..) {
        if place == 0 {
            writeln!(out, "Sealing key {root} seals.")?;
            continue;
        }
        let (remaining, pairs) = (remaining.remove(root).unwrap_or_default(), pairs.remove(root).unwrap_or_default());
        if remaining.is_nothing() && pairs == 0 {
            writeln!(out, "Sealing key {root} is not needed any more: `signet keys rotate --retire {root}`.")?;
        } else {
            writeln!(out, "Sealing key {root} is needed: {}.", left(&remaining, pairs))?;
        }
    }
    for root in keys.retired_roots() {
        writeln!(out, "Sealing key {root} was retired; what verifies the ledger of its time was kept.")?;
    }
    Ok(())
}

fn left(remaining: &Remaining, pairs: u64) -> String {
    let Remaining { to_reseal, passwords, ending } = remaining;
    format!(
        "{} to seal anew, {passwords} passwords not used since, {ending} sessions, known browsers, requests and messages that end",
        to_reseal + pairs
    )
}
