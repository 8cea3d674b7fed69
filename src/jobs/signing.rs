//! The plan of signing and decryption keys: begun at the first start, changed by the terminal, taken over by every node within a minute.
//!
//! A node keeps the plan that it has when the next one names a key that is not in its key folder, or when the database shows an
//! older one, or none that this service wrote: then it signs as before, and the log says so each minute.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration as StdDuration;

use time::UtcDateTime;

use crate::clock::Clock;
use crate::event::{AlteredRecord, Event, Explanation};
use crate::federation::registry::ServiceName;
use crate::federation::registry::SharedRegistry;
use crate::rollover::certificate_ends::{EndingCertificate, Notice, ending_certificates};
use crate::rollover::{
    At, KeyUnusable, NodeSeen, PlanRefused, SharedSigningKeys, SigningKeyId, SigningKeys, SigningPlan,
    StoredSigningPlan,
};
use crate::saml::DeniedAlgorithms;
use crate::saml::signature::{CertificatePeriod, KeyFingerprint};
use crate::sealing::{KeysError, NotVouched, ServiceKeys, VouchedRow};
use crate::services::keys::{KeyPairStore, KeyPairs, PairsUnreadable};
use crate::storage::{Store, StoreError, Transaction};

/// How often the database is asked for a newer plan.
const LOOK: StdDuration = StdDuration::from_secs(60);
/// How many plans are looked at for one that this service wrote.
const LOOK_BACK: u32 = 64;

/// Why there is no plan, or no next one. Everything stands as it was.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// None of the stored plans was written by this service with these keys.
    #[error("the database has plans of signing keys, and none that was written with this node's service keys")]
    Altered,
    /// Somebody else took a step at the same moment.
    #[error("somebody else changed the plan of signing keys at the same moment")]
    ChangedMeanwhile,
    /// The service's keys failed.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// There is no key to begin with.
    #[error("there is no signing key to begin with")]
    NoKey,
    /// The step is not taken.
    #[error(transparent)]
    Refused(#[from] PlanRefused),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys cannot be read.
    #[error(transparent)]
    Unreadable(#[from] PairsUnreadable),
    /// A key of the plan is not here, or may not sign.
    #[error(transparent)]
    Unusable(#[from] KeyUnusable),
}

/// What the database has.
struct Stored {
    /// The newest plan that this service wrote.
    plan: Option<SigningPlan>,
    /// The greatest number there is, whoever wrote it.
    greatest: i64,
    /// Whether rows are there that this service did not write.
    altered: bool,
}

fn stored(tx: &mut Transaction<'_>, keys: &dyn ServiceKeys) -> Result<Stored, SigningError> {
    let rows = tx.signing_plans(LOOK_BACK)?;
    let mut found = Stored { plan: None, greatest: rows.first().map_or(0, |row| row.version), altered: false };
    for row in &rows {
        match row.authenticate((), keys) {
            Ok(plan) => {
                found.plan = Some(plan);
                break;
            }
            Err(NotVouched::Altered) => found.altered = true,
            Err(NotVouched::Keys(fault)) => return Err(fault.into()),
        }
    }
    Ok(found)
}

/// The oldest key comes first: where a newer one is there too, it was made to follow.
fn first_key<'k>(here: impl Iterator<Item = (&'k str, &'k [u8])>) -> Option<SigningKeyId> {
    let oldest = here.filter_map(|(key_id, certificate_der)| {
        let begins = CertificatePeriod::of(certificate_der).ok()?.begins_at;
        Some((begins, SigningKeyId::parse(key_id).ok()?))
    });
    oldest.min().map(|(_, id)| id)
}

/// The plan where none was ever made.
fn first_plan(here: &KeyPairs, now: UtcDateTime) -> Result<SigningPlan, SigningError> {
    let signs = first_key(here.signers.iter().map(|signer| (signer.key_id(), signer.certificate_der())));
    let opens = first_key(here.openers.iter().map(|opener| (opener.key_id(), opener.certificate_der())));
    Ok(SigningPlan::begin(signs.ok_or(SigningError::NoKey)?, opens, At { version: 1, now }))
}

/// The plan that counts; the first one where none was ever made. Nothing is stored.
fn current(
    tx: &mut Transaction<'_>,
    keys: &dyn KeyPairStore,
    here: &KeyPairs,
    now: UtcDateTime,
) -> Result<(SigningPlan, Stored), SigningError> {
    let found = stored(tx, keys)?;
    let plan = match &found.plan {
        Some(plan) => plan.clone(),
        None if found.altered => return Err(SigningError::Altered),
        None => first_plan(here, now)?,
    };
    Ok((plan, found))
}

/// The plan that counts; where none was ever made, the one that would be. For looking only.
///
/// # Errors
/// [`SigningError`].
pub fn plan_blocking(store: &Store, keys: &dyn KeyPairStore, now: UtcDateTime) -> Result<SigningPlan, SigningError> {
    look_at(store, keys, &keys.pairs()?, now)
}

fn look_at(
    store: &Store,
    keys: &dyn KeyPairStore,
    here: &KeyPairs,
    now: UtcDateTime,
) -> Result<SigningPlan, SigningError> {
    store.read_blocking(|tx| current(tx, keys, here, now).map(|(plan, _)| plan))
}

/// The same with its keys, as a node would follow it.
///
/// # Errors
/// [`SigningError`].
pub fn look_blocking(
    store: &Store,
    keys: &dyn KeyPairStore,
    now: UtcDateTime,
    denied: DeniedAlgorithms,
) -> Result<SigningKeys, SigningError> {
    let here = keys.pairs()?;
    Ok(SigningKeys::new(look_at(store, keys, &here, now)?, here, denied)?)
}

/// The plan that counts, with its keys. The first node that starts makes the first plan: its oldest key signs for all.
///
/// # Errors
/// [`SigningError`].
pub fn begin_blocking(
    store: &Store,
    keys: &dyn KeyPairStore,
    by: &str,
    now: UtcDateTime,
    denied: DeniedAlgorithms,
) -> Result<SigningKeys, SigningError> {
    let here = keys.pairs()?;
    let plan = store.transaction_blocking(|tx| {
        let (plan, found) = current(tx, keys, &here, now)?;
        if found.altered {
            Event::IntegrityFault { record: AlteredRecord::SigningPlan }.log(None);
        }
        if found.plan.is_none() && !tx.add_signing_plan(&StoredSigningPlan::new(&plan, now, by, keys)?)? {
            // Another node made it at the same moment.
            return stored(tx, keys)?.plan.ok_or(SigningError::Altered);
        }
        Ok(plan)
    })?;
    Ok(SigningKeys::new(plan, here, denied)?)
}

/// Takes one step, for the terminal: the next plan is made out of the one that counts, and stored.
///
/// # Errors
/// [`SigningError`]. Everything stands as it was.
pub fn change_blocking<E: From<SigningError> + From<StoreError>>(
    store: &Store,
    keys: &dyn KeyPairStore,
    by: &str,
    now: UtcDateTime,
    denied: DeniedAlgorithms,
    step: impl FnOnce(&mut Transaction<'_>, &SigningPlan, At) -> Result<SigningPlan, E>,
) -> Result<SigningPlan, E> {
    let here = keys.pairs().map_err(SigningError::from)?;
    store.transaction_blocking(|tx| {
        let (before, found) = current(tx, keys, &here, now)?;
        let add = |tx: &mut Transaction<'_>, plan: &SigningPlan| {
            let stored = StoredSigningPlan::new(plan, now, by, keys)?;
            if tx.add_signing_plan(&stored)? { Ok(()) } else { Err(SigningError::ChangedMeanwhile) }
        };
        if found.plan.is_none() {
            add(tx, &before)?;
        }
        let version = found.greatest.max(before.version()).checked_add(1).ok_or(SigningError::Altered)?;
        let next = step(tx, &before, At { version, now })?;
        // What this node cannot sign with, it does not put into the metadata.
        SigningKeys::check_step(&before, &next, here, denied).map_err(SigningError::from)?;
        add(tx, &next)?;
        Ok(next)
    })
}

/// Says that every node that serves follows this plan or a later one.
///
/// # Errors
/// [`PlanRefused::NodesBehind`], or the database fails.
pub fn must_be_followed(tx: &mut Transaction<'_>, plan_version: i64, now: UtcDateTime) -> Result<(), SigningError> {
    let behind = tx.signing_nodes()?.into_iter().filter(|node| node.is_behind(plan_version, now));
    let nodes: Vec<String> = behind.map(|node| node.node).collect();
    if nodes.is_empty() { Ok(()) } else { Err(PlanRefused::NodesBehind { plan_version, nodes }.into()) }
}

/// A node looks for a newer plan, takes it over where there is one, and says which one it follows.
///
/// # Errors
/// [`SigningError`]. The snapshot stays as it was when there is no newer one that it could follow.
pub async fn follow(
    store: &Store,
    keys: &Arc<dyn KeyPairStore>,
    shared: &SharedSigningKeys,
    node: &str,
    now: UtcDateTime,
) -> Result<(), SigningError> {
    let looked = refresh(store, keys, shared).await;
    let seen = NodeSeen { node: node.to_owned(), plan_version: shared.load().plan().version(), at: now };
    store.transaction::<_, StoreError, _>(move |tx| tx.record_signing_node(&seen)).await?;
    looked
}

/// Takes over a newer plan, where there is one.
async fn refresh(store: &Store, keys: &Arc<dyn KeyPairStore>, shared: &SharedSigningKeys) -> Result<(), SigningError> {
    let reader = keys.clone();
    let found = store.read(move |tx| stored(tx, &*reader)).await?;
    let (held, denied) = (shared.load().plan().version(), shared.load().denied());
    let newest = found.plan.as_ref().map(SigningPlan::version);
    // A plan that was here is not there any more: rows were taken away, or put in its place.
    if found.altered || newest.is_none_or(|newest| newest < held) {
        Event::IntegrityFault { record: AlteredRecord::SigningPlan }.log(None);
    }
    let Some(plan) = found.plan.filter(|plan| plan.version() > held) else { return Ok(()) };
    let reader = keys.clone();
    let here = tokio::task::spawn_blocking(move || reader.pairs()).await.map_err(|_| StoreError::Stopped)??;
    shared.store(Arc::new(SigningKeys::new(plan, here, denied)?));
    Event::SigningPlanApplied.log(None);
    Ok(())
}

/// Follows the plan, minute by minute, and tells of certificates that end soon, until it is dropped.
pub async fn watch(
    store: Store,
    keys: Arc<dyn KeyPairStore>,
    shared: SharedSigningKeys,
    registry: SharedRegistry,
    node: String,
    clock: Arc<dyn Clock>,
) {
    let mut ticks = tokio::time::interval(LOOK);
    let mut alarm = Alarm::default();
    loop {
        ticks.tick().await;
        if let Err(fault) = follow(&store, &keys, &shared, &node, clock.now()).await {
            Event::SigningPlanApplyFailed { why: Explanation::of(&fault) }.log(None);
        }
        for event in alarm.due(&ending_certificates(&shared.load(), &registry.load(), clock.now())) {
            event.log(None);
        }
    }
}

/// Tells of each certificate once at each notice: 60, 30 and 7 days before its end, and when that has come.
#[derive(Debug, Default)]
pub struct Alarm {
    told: HashMap<(Option<ServiceName>, KeyFingerprint, UtcDateTime), Notice>,
}

impl Alarm {
    /// What is to be told now, of these that end soon.
    pub fn due(&mut self, ending: &[EndingCertificate]) -> Vec<Event> {
        let mut told = HashMap::with_capacity(ending.len());
        let mut events = Vec::new();
        for one in ending {
            let name = (one.service.clone(), one.key, one.ends_at);
            if self.told.get(&name) != Some(&one.notice) {
                let (key, notice) = (one.key, one.notice.as_str());
                events.push(match &one.service {
                    Some(service) => Event::ServiceCertificateEnds { service: service.clone(), key, notice },
                    None => Event::OurCertificateEnds { key, notice },
                });
            }
            told.insert(name, one.notice);
        }
        self.told = told;
        events
    }
}
