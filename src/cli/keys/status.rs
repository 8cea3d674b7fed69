//! `signet keys status`: how far a rollover is.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use clap::Args;
use time::UtcDateTime;

use super::rollover::{fetches, kind_warnings, write_warnings};
use crate::cli::{CommandError, now, open_keys, open_store};
use crate::jobs::metadata;
use crate::jobs::signing::{self, SigningError};
use crate::rollover::{PlannedOpener, SigningKeyId, SigningPlan, metadata_address};
use crate::saml::EntityId;
use crate::saml::encryption::Opener;
use crate::saml::signature::{CertificatePeriod, Signer};
use crate::services::keys::KeyPairStore as _;
use crate::services::keys::LocalKeys;
use crate::settings::Settings;
use crate::storage::{StoreError, Transaction};

/// `signet keys status`
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// For each service, the address at which it can fetch our metadata so that we know that it did
    #[arg(long)]
    pub addresses: bool,
}

pub(super) fn show(args: &StatusArgs, settings: &Settings, out: &mut dyn Write) -> Result<(), CommandError> {
    let (keys, store, now) = (open_keys(settings)?, open_store(settings)?, now());
    let plan = &signing::plan_blocking(&store, &keys, now)?;
    let pairs = keys.pairs().map_err(SigningError::from)?;
    let here: BTreeMap<SigningKeyId, _> = pairs
        .signers
        .into_iter()
        .filter_map(|signer| Some((SigningKeyId::parse(signer.key_id()).ok()?, signer)))
        .collect();
    if args.addresses {
        let registry = store.read_blocking(|tx| metadata::load(tx, &keys))?.registry;
        for service in registry.services() {
            let mut url = settings.server.public_url.clone();
            let address = metadata_address(service.entity_id(), &keys).map_err(SigningError::from)?;
            url.set_path(&format!("/saml/metadata/{address}"));
            writeln!(out, "{}  {url}", service.entity_id())?;
        }
        return Ok(());
    }

    let mut ids: Vec<&SigningKeyId> = here.keys().chain(plan.keys().keys()).collect();
    ids.sort_by_key(|id| (plan.keys().get(*id).map_or(i64::MAX, |key| key.published_in), *id));
    ids.dedup();
    let mut rows = vec![
        ["KEY", "STATE", "ALGORITHM", "PUBLISHED", "SIGNS SINCE", "UNTIL", "CERTIFICATE ENDS"]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows.extend(ids.iter().map(|id| key_row(plan, id, here.get(*id).map(|signer| &**signer))));
    write_table(&rows, out)?;
    writeln!(out, "{} signs our metadata and for all services of which nothing else is said.", plan.fleet())?;
    if let Some(wave) = plan.wave() {
        writeln!(out, "{} signs for a wave of {} percent.", wave.key, wave.percent.get())?;
    }
    writeln!(out)?;

    let here: BTreeMap<SigningKeyId, _> =
        pairs.openers.iter().filter_map(|opener| Some((SigningKeyId::parse(opener.key_id()).ok()?, opener))).collect();
    write_table(&opener_rows(plan, &here), out)?;
    match plan.offered() {
        Some(offered) => writeln!(out, "Our metadata offers {offered} for encrypting to us.")?,
        None => writeln!(out, "Our metadata offers no key for encrypting to us.")?,
    }
    writeln!(out)?;

    let rows = store.read_blocking::<_, StoreError, _>(|tx| nodes(tx, plan, now))?;
    write_table(&rows, out)?;
    writeln!(out, "The plan has the number {}.", plan.version())?;
    writeln!(out)?;
    super::roots::show(settings, out)?;
    writeln!(out)?;

    let rows = store.read_blocking(|tx| services(tx, plan, &keys, now))?;
    write_table(&rows, out)?;
    let denied = settings.denied_algorithms()?;
    let warnings = store.read_blocking(|tx| kind_warnings(tx, plan, &keys, denied))?;
    write_warnings(&warnings, out)
}

fn key_row(plan: &SigningPlan, id: &SigningKeyId, signer: Option<&dyn Signer>) -> Vec<String> {
    let planned = plan.keys().get(id);
    let algorithm = signer.and_then(|signer| signer.algorithm().uri().rsplit('#').next());
    vec![
        id.to_string(),
        plan.state(id).to_string(),
        algorithm.unwrap_or("-").to_owned(),
        minute(planned.map(|key| key.published_at)),
        minute(planned.and_then(|key| key.signed_from)),
        minute(planned.and_then(|key| key.signed_until)),
        end_of(signer.map(Signer::certificate_der)),
    ]
}

fn opener_rows(plan: &SigningPlan, here: &BTreeMap<SigningKeyId, &Arc<dyn Opener>>) -> Vec<Vec<String>> {
    let planned: BTreeMap<&SigningKeyId, &PlannedOpener> = plan.openers().collect();
    let mut ids: Vec<&SigningKeyId> = here.keys().chain(planned.keys().copied()).collect();
    ids.sort_by_key(|id| (planned.get(*id).map_or(i64::MAX, |key| key.published_in), *id));
    ids.dedup();
    let mut rows = vec![
        ["DECRYPTION KEY", "STATE", "PUBLISHED", "REPLACED", "RETIRED", "CERTIFICATE ENDS"].map(str::to_owned).to_vec(),
    ];
    rows.extend(ids.into_iter().map(|id| {
        let (known, opener) = (planned.get(id), here.get(id));
        vec![
            id.to_string(),
            plan.opener_state(id).to_string(),
            minute(known.map(|key| key.published_at)),
            minute(known.and_then(|key| key.replaced_at)),
            minute(known.and_then(|key| key.retired_at)),
            end_of(opener.map(|opener| opener.certificate_der())),
        ]
    }));
    rows
}

/// `2029-11-28`, of a certificate that is here.
fn end_of(certificate_der: Option<&[u8]>) -> String {
    let period = certificate_der.and_then(|der| CertificatePeriod::of(der).ok());
    period.map_or_else(|| "-".to_owned(), |period| period.ends_at.date().to_string())
}

fn nodes(tx: &mut Transaction<'_>, plan: &SigningPlan, now: UtcDateTime) -> Result<Vec<Vec<String>>, StoreError> {
    let mut rows = vec![["NODE", "PLAN", "SEEN"].map(str::to_owned).to_vec()];
    for node in tx.signing_nodes()? {
        let follows = if node.is_behind(plan.version(), now) { " (behind)" } else { "" };
        rows.push(vec![node.node, format!("{}{follows}", node.plan_version), minute(Some(node.at))]);
    }
    Ok(rows)
}

fn services(
    tx: &mut Transaction<'_>,
    plan: &SigningPlan,
    keys: &LocalKeys,
    now: UtcDateTime,
) -> Result<Vec<Vec<String>>, CommandError> {
    let registry = metadata::load(tx, keys)?.registry;
    let fetches = fetches(tx)?;
    let mut rows = vec![
        ["SERVICE", "SIGNED WITH", "LAST SIGN-IN", "WITH", "LAST FETCH", "NEXT KEY", "TRIAL"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for service in registry.services() {
        let name = service.entity_id();
        let last = tx.last_assertion_for(name.as_str())?;
        let next = plan.next_for(name).ok();
        let readiness = next.map(|next| plan.readiness(next, name, fetches.get(name), now).to_string());
        rows.push(vec![
            name.to_string(),
            plan.key_for(name).to_string(),
            minute(last.as_ref().map(|(at, _)| *at)),
            last.map_or_else(|| "-".to_owned(), |(_, key)| key),
            minute(fetches.get(name).map(|fetch| fetch.at)),
            readiness.unwrap_or_else(|| "-".to_owned()),
            trial(tx, plan, name, next)?,
        ]);
    }
    Ok(rows)
}

fn trial(
    tx: &mut Transaction<'_>,
    plan: &SigningPlan,
    service: &EntityId,
    next: Option<&SigningKeyId>,
) -> Result<String, StoreError> {
    if let Some(told) = plan.trial_of(service).filter(|told| next.is_none_or(|next| told.key == *next)) {
        let how = if told.succeeded { "succeeded" } else { "failed" };
        return Ok(format!("{how}, as told {}", minute(Some(told.told_at))));
    }
    let Some(next) = next else { return Ok("-".to_owned()) };
    let sent = tx.last_assertion_signed_with(service.as_str(), next.as_str())?;
    Ok(sent.map_or_else(|| "-".to_owned(), |at| format!("sent {}, outcome not told", minute(Some(at)))))
}

/// `2026-11-28 14:30`, UTC.
fn minute(at: Option<UtcDateTime>) -> String {
    at.map_or_else(|| "-".to_owned(), |at| format!("{} {:02}:{:02}", at.date(), at.hour(), at.minute()))
}

/// Columns as wide as their widest cell.
fn write_table(rows: &[Vec<String>], out: &mut dyn Write) -> std::io::Result<()> {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    for row in rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}
