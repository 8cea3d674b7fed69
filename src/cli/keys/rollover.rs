//! The steps of a rollover, from the terminal.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use clap::Args;

use crate::cli::{CommandError, now, open_keys, open_store, operator};
use crate::federation::registry::{Registry, ServiceProvider};
use crate::jobs::metadata;
use crate::jobs::signing::{self, SigningError};
use crate::one_line::OneLine;
use crate::rollover::{
    At, KeyState, KindHistory, KindRisk, MetadataFetch, OpenerState, PlanRefused, SigningKeyId, SigningPlan,
    TRIAL_LASTS, TrialTicket, WavePercent, Whom,
};
use crate::saml::{DeniedAlgorithms, EntityId};
use crate::services::keys::KeyPairStore as _;
use crate::services::keys::LocalKeys;
use crate::settings::Settings;
use crate::storage::{StoreError, Transaction};

/// `signet keys publish`
#[derive(Debug, Args)]
pub struct KeyArgs {
    /// The key's name, or its beginning; may be left out where one key alone is not published yet
    pub key: Option<String>,
}

/// `signet keys sign-with`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("whom").required(true).args(["sp", "wave", "all"]))]
pub struct SignWithArgs {
    /// The key's name, or its beginning
    pub key: String,
    /// For this service, by its entityID or its folder; may be repeated
    #[arg(long, value_name = "SERVICE")]
    pub sp: Vec<String>,
    /// For so many percent of the services; each has its place, so that a greater share holds those of a smaller one
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub wave: Option<u8>,
    /// For all services but those that were put to another key by name; our metadata is signed with it too
    #[arg(long)]
    pub all: bool,
    /// Although a service or a node may not have the key yet: the sign-ins of such a service fail. Implies --untried
    #[arg(long)]
    pub now: bool,
    /// Although nothing shows that a service verifies what this kind of key signs: if it does not, its sign-ins fail
    #[arg(long)]
    pub untried: bool,
}

/// `signet keys fall-back`
#[derive(Debug, Args)]
pub struct FallBackArgs {
    /// The service, by its entityID or its folder
    #[arg(long, value_name = "SERVICE")]
    pub sp: String,
}

/// `signet keys retire`
#[derive(Debug, Args)]
pub struct RetireArgs {
    /// The key's name, or its beginning
    pub key: String,
    /// Although the last messages that it signed may still be on their way, a node may sign with it still, or a service encrypt to it
    #[arg(long)]
    pub now: bool,
}

/// `signet keys trial`
#[derive(Debug, Args)]
pub struct TrialArgs {
    /// The service, by its entityID or its folder
    #[arg(long, value_name = "SERVICE")]
    pub sp: String,
    /// The service let the person in
    #[arg(long, conflicts_with = "failed")]
    pub succeeded: bool,
    /// The service did not let the person in
    #[arg(long)]
    pub failed: bool,
}

pub(super) fn publish(args: &KeyArgs, settings: &Settings, out: &mut dyn Write) -> Result<(), CommandError> {
    let mut published = None;
    let keys = open_keys(settings)?;
    let here = keys_here(&keys)?;
    let next = change(settings, &keys, |_, plan, at| {
        let key = match &args.key {
            Some(name) => named(name, here.all().chain(known(plan)))?,
            None => only_unpublished(plan, &here)?,
        };
        let opens = here.opening.contains(&key) || plan.opener_state(&key) != OpenerState::Generated;
        let next = if opens { plan.publish_opener(&key, at)? } else { plan.publish(&key, at)? };
        published = Some((key, opens));
        Ok(next)
    })?;
    let Some((key, opens)) = published else { return Ok(()) };
    if opens {
        writeln!(out, "Our metadata offers {key} within a minute, for encrypting to us.")?;
        writeln!(
            out,
            "One that was offered before goes on opening; `signet keys retire` ends that when no copy of our metadata has it."
        )?;
        return Ok(());
    }
    writeln!(out, "{key} is in our metadata within a minute, beside the key that signs.")?;
    writeln!(
        out,
        "`signet keys status` shows which services have fetched it; `signet keys sign-with {key}` comes then."
    )?;
    if next.in_metadata().count() > 1 {
        writeln!(
            out,
            "Several signing keys stand in our metadata now. Software that reads one alone may refuse what another signs:"
        )?;
        writeln!(
            out,
            "samlify's logout fails until the others are retired. Where that matters, `signet keys trial` shows it."
        )?;
    }
    let store = open_store(settings)?;
    let denied = settings.denied_algorithms()?;
    let warnings = store.read_blocking(|tx| kind_warnings(tx, &next, &keys, denied))?;
    write_warnings(&warnings, out)
}

/// What the next key of each service may break there.
pub(super) fn kind_warnings(
    tx: &mut Transaction<'_>,
    plan: &SigningPlan,
    keys: &LocalKeys,
    denied: DeniedAlgorithms,
) -> Result<Vec<String>, CommandError> {
    let registry = metadata::load(tx, keys)?.registry;
    let mut warnings = Vec::new();
    for service in registry.services() {
        if let Ok(key) = plan.next_for(service.entity_id()) {
            warnings.extend(kind_warning(tx, plan, keys, denied, service, key)?);
        }
    }
    Ok(warnings)
}

/// What a key may break at a service. Nothing where the key is not here, so that nothing is known of it.
fn kind_warning(
    tx: &mut Transaction<'_>,
    plan: &SigningPlan,
    keys: &LocalKeys,
    denied: DeniedAlgorithms,
    service: &ServiceProvider,
    key: &SigningKeyId,
) -> Result<Option<String>, CommandError> {
    let signers = keys.pairs().map_err(SigningError::from)?.signers;
    let found = |id: &str| signers.iter().find(|signer| signer.key_id() == id);
    let Some(signer) = found(key.as_str()) else { return Ok(None) };
    let name = service.entity_id();
    let last = tx.last_assertion_for(name.as_str())?.filter(|(_, last)| *last != key.as_str());
    let history = KindHistory {
        tried: plan.trial_of(name).is_some_and(|told| told.key == *key && told.succeeded),
        gets_ecdsa: last.and_then(|(_, last)| found(&last)).is_some_and(|last| !last.algorithm().is_rsa()),
    };
    let risk = KindRisk::of(service, &**signer, history, denied);
    Ok(risk.map(|risk| risk.told(service, key)))
}

/// Writes the warnings, and what to do about them.
pub(super) fn write_warnings(warnings: &[String], out: &mut dyn Write) -> Result<(), CommandError> {
    for warning in warnings {
        writeln!(out, "WARNING: {}", OneLine(warning))?;
    }
    if !warnings.is_empty() {
        writeln!(
            out,
            "Try each first: `signet keys trial --sp …`, then --succeeded or --failed. metadata/products.md says which"
        )?;
        writeln!(out, "products verify what.")?;
    }
    Ok(())
}

pub(super) fn sign_with(args: &SignWithArgs, settings: &Settings, out: &mut dyn Write) -> Result<(), CommandError> {
    let keys = open_keys(settings)?;
    let here = keys_here(&keys)?.signing;
    let denied = settings.denied_algorithms()?;
    let mut seen = None;
    let next = change(settings, &keys, |tx, plan, at| {
        let key = named(&args.key, here.iter().chain(plan.keys().keys()))?;
        let registry = metadata::load(tx, &keys)?.registry;
        let whom = match args.wave {
            _ if args.all => Whom::All,
            Some(percent) => Whom::Wave(
                WavePercent::new(percent).ok_or_else(|| CommandError::usage("no such share", "from 1 to 100"))?,
            ),
            None => {
                let find = |name: &String| Ok(find(&registry, name)?.entity_id().clone());
                Whom::Services(args.sp.iter().map(find).collect::<Result<_, CommandError>>()?)
            }
        };
        if let Some(planned) = plan.keys().get(&key).filter(|_| !args.now) {
            signing::must_be_followed(tx, planned.published_in, at.now)?;
        }
        let next = plan.sign_with(&key, &whom, &names(&registry), &fetches(tx)?, args.now, at)?;
        if !args.now && !args.untried {
            let begins = |service: &&Arc<ServiceProvider>| {
                let name = service.entity_id();
                *next.key_for(name) == key && *plan.key_for(name) != key
            };
            let mut warnings = Vec::new();
            for service in registry.services().filter(begins) {
                warnings.extend(kind_warning(tx, plan, &keys, denied, service, &key)?);
            }
            if !warnings.is_empty() {
                return Err(CommandError::usage(
                    warnings.join("; "),
                    "try it with each: `signet keys trial --sp …`, then --succeeded; or say --untried if you know better",
                ));
            }
        }
        seen = Some((key, names(&registry)));
        Ok(next)
    })?;
    let Some((key, services)) = seen else { return Ok(()) };
    let of = services.iter().filter(|service| *next.key_for(service) == key).count();
    writeln!(out, "{key} signs for {of} of {} services within a minute.", services.len())?;
    let mut stay = services.iter().filter(|service| *next.key_for(service) != key).peekable();
    if args.all && stay.peek().is_some() {
        writeln!(
            out,
            "These stay with the key that they were put to; `signet keys sign-with {key} --sp …` takes them along:"
        )?;
        for service in stay {
            writeln!(out, "  {service}  {}", next.key_for(service))?;
        }
    }
    writeln!(out, "`signet keys fall-back --sp …` puts one back, if it does not take it.")?;
    Ok(())
}

pub(super) fn fall_back(args: &FallBackArgs, settings: &Settings, out: &mut dyn Write) -> Result<(), CommandError> {
    let keys = open_keys(settings)?;
    let mut service = None;
    let next = change(settings, &keys, |tx, plan, at| {
        let found = find(&metadata::load(tx, &keys)?.registry, &args.sp)?.entity_id().clone();
        let next = plan.fall_back(&found, at)?;
        service = Some(found);
        Ok(next)
    })?;
    if let Some(service) = service {
        writeln!(out, "{} signs for {service} within a minute, whatever the rest does.", next.key_for(&service))?;
    }
    Ok(())
}

pub(super) fn retire(args: &RetireArgs, settings: &Settings, out: &mut dyn Write) -> Result<(), CommandError> {
    let keys = open_keys(settings)?;
    let mut retired = None;
    change(settings, &keys, |tx, plan, at| {
        let key = named(&args.key, known(plan))?;
        if !args.now {
            // Whoever follows an older plan may sign with it still, or offer it.
            signing::must_be_followed(tx, plan.version(), at.now)?;
        }
        let opens = plan.opener_state(&key) != OpenerState::Generated;
        let next = if opens { plan.retire_opener(&key, args.now, at)? } else { plan.retire(&key, args.now, at)? };
        retired = Some((key, opens));
        Ok(next)
    })?;
    let Some((key, opens)) = retired else { return Ok(()) };
    let folder = if opens {
        keys.erase_decryption_key(key.as_str())?;
        writeln!(
            out,
            "{key} opens nothing any more within a minute. Its private half is erased here; its certificate stays."
        )?;
        "decryption"
    } else {
        keys.erase_signing_key(key.as_str())?;
        writeln!(
            out,
            "{key} leaves our metadata within a minute. Its private half is erased here; its certificate stays."
        )?;
        "signing"
    };
    writeln!(out, "Erase {folder}/{key}.key in the key folder of every other node, and in its backups.")?;
    Ok(())
}

pub(super) fn trial(args: &TrialArgs, settings: &Settings, out: &mut dyn Write) -> Result<(), CommandError> {
    let keys = open_keys(settings)?;
    let store = open_store(settings)?;
    if !args.succeeded && !args.failed {
        let plan = signing::plan_blocking(&store, &keys, now())?;
        let registry = store.read_blocking(|tx| metadata::load(tx, &keys))?.registry;
        let service = find(&registry, &args.sp)?;
        let key = plan.next_for(service.entity_id()).map_err(SigningError::from)?;
        let ticket = TrialTicket::new(service.entity_id(), key, now().saturating_add(TRIAL_LASTS), &keys)
            .map_err(SigningError::from)?;
        let mut address = settings.server.public_url.clone();
        address.set_path(&format!("/saml/trial/{ticket}"));
        writeln!(out, "{address}")?;
        writeln!(out, "Whoever opens this address within a day signs in at {} with {key}", service.entity_id())?;
        writeln!(out, "for half an hour, in that browser alone. Then say how it went: --succeeded or --failed.")?;
        return Ok(());
    }
    let mut tried = None;
    change(settings, &keys, |tx, plan, at| {
        let service = find(&metadata::load(tx, &keys)?.registry, &args.sp)?.entity_id().clone();
        let key = plan.next_for(&service)?.clone();
        if tx.last_assertion_signed_with(service.as_str(), key.as_str())?.is_none() {
            return Err(SigningError::from(PlanRefused::NothingTried { key, service }).into());
        }
        let next = plan.tried(&service, &key, args.succeeded, at)?;
        tried = Some((service, key));
        Ok(next)
    })?;
    if let Some((service, key)) = tried {
        let how = if args.succeeded { "succeeded" } else { "did not succeed" };
        writeln!(out, "Written down: a sign-in at {service} that was signed with {key} {how}.")?;
    }
    Ok(())
}

/// Takes a step with the store and the keys that the settings name.
fn change(
    settings: &Settings,
    keys: &LocalKeys,
    step: impl FnOnce(&mut Transaction<'_>, &SigningPlan, At) -> Result<SigningPlan, CommandError>,
) -> Result<SigningPlan, CommandError> {
    let store = open_store(settings)?;
    signing::change_blocking(&store, keys, &operator(), now(), settings.denied_algorithms()?, step)
}

/// The keys in the key folder, by their names.
struct KeysHere {
    signing: Vec<SigningKeyId>,
    opening: Vec<SigningKeyId>,
}

impl KeysHere {
    fn all(&self) -> impl Iterator<Item = &SigningKeyId> {
        self.signing.iter().chain(&self.opening)
    }
}

fn keys_here(keys: &LocalKeys) -> Result<KeysHere, CommandError> {
    let pairs = keys.pairs().map_err(SigningError::from)?;
    Ok(KeysHere {
        signing: pairs.signers.iter().filter_map(|one| SigningKeyId::parse(one.key_id()).ok()).collect(),
        opening: pairs.openers.iter().filter_map(|one| SigningKeyId::parse(one.key_id()).ok()).collect(),
    })
}

/// Every key that was ever published.
fn known(plan: &SigningPlan) -> impl Iterator<Item = &SigningKeyId> {
    plan.keys().keys().chain(plan.openers().map(|(id, _)| id))
}

/// The one key whose name begins like this.
fn named<'k>(name: &str, known: impl Iterator<Item = &'k SigningKeyId>) -> Result<SigningKeyId, CommandError> {
    let mut found: Vec<&SigningKeyId> = known.filter(|id| !name.is_empty() && id.as_str().starts_with(name)).collect();
    found.sort();
    found.dedup();
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(CommandError::usage(
            format!("no key is called `{name}`"),
            "`signet keys status` lists them; `signet keys generate --next` makes another",
        )),
        several => Err(CommandError::usage(
            format!("{} keys begin with `{name}`", several.len()),
            "give more of the name; `signet keys status` lists them",
        )),
    }
}

fn only_unpublished(plan: &SigningPlan, here: &KeysHere) -> Result<SigningKeyId, CommandError> {
    let signing = here.signing.iter().filter(|id| plan.state(id) == KeyState::Generated);
    let opening = here.opening.iter().filter(|id| plan.opener_state(id) == OpenerState::Generated);
    let mut waiting = signing.chain(opening);
    match (waiting.next(), waiting.next()) {
        (Some(one), None) => Ok(one.clone()),
        (None, _) => Err(CommandError::usage(
            "every key here is published already",
            "`signet keys generate --next` makes the next signing key, and --decryption the next decryption key",
        )),
        (Some(_), Some(_)) => Err(CommandError::usage(
            "several keys are not published yet",
            "name one of them; `signet keys status` lists them",
        )),
    }
}

fn find<'r>(registry: &'r Registry, name: &str) -> Result<&'r Arc<ServiceProvider>, CommandError> {
    let is_meant =
        |service: &&Arc<ServiceProvider>| service.entity_id().as_str() == name || service.name().to_string() == name;
    registry.services().find(is_meant).ok_or_else(|| {
        CommandError::usage(
            format!("no service is called `{name}`"),
            "name it by its entityID or its folder, as `signet keys status` lists it",
        )
    })
}

fn names(registry: &Registry) -> Vec<EntityId> {
    registry.services().map(|service| service.entity_id().clone()).collect()
}

pub(super) fn fetches(tx: &mut Transaction<'_>) -> Result<BTreeMap<EntityId, MetadataFetch>, StoreError> {
    let rows = tx.metadata_fetches()?.into_iter();
    Ok(rows.filter_map(|(name, fetch)| Some((EntityId::parse(&name).ok()?, fetch))).collect())
}
