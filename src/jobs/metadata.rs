//! The metadata folder: applied on command and by watching, one function for both.
//!
//! What counts is what the database holds: a revision of each service's record. [`apply`] reads the folder, lays it
//! beside those revisions, stores what changed and swaps the snapshot that requests look services up in. [`watch`] calls
//! it when a file changes, and every minute in case an event was lost, as happens on network mounts and with symbolic
//! links that are swapped.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration as StdDuration;

use notify::{RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::event::{AlteredRecord, Event, Explanation};
use crate::federation::registry::{
    Admission, AlteredRevision, Applied, BrokenFile, Change, Registry, ServiceFiles, ServiceProvider, SharedRegistry,
    StandingRevisions, StoredRevision, UnusableRevision,
};
use crate::jobs::metadata_folder;
use crate::saml::{DeniedAlgorithms, EntityId};
use crate::sealing::{KeysError, ServiceKeys};
use crate::storage::{Store, StoreError, Transaction};

/// How long the folder must be quiet before a change is looked at: an editor writes more than once.
const QUIET: StdDuration = StdDuration::from_millis(300);
/// How often the folder is looked at although nothing was heard of it.
const LOOK: StdDuration = StdDuration::from_secs(60);

/// Why the folder was not applied. Everything stands as it was.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The folder cannot be listed.
    #[error("{folder} cannot be read: {fault}")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        fault: io::Error,
    },
    /// The folder has no service at all, and the database has: more likely a mistake than a wish.
    #[error("{0} has no service in it, and the database has: nothing is removed")]
    WouldRemoveEverything(PathBuf),
    /// What is stored cannot be read.
    #[error(transparent)]
    Stored(#[from] LoadError),
}

impl From<StoreError> for ApplyError {
    fn from(fault: StoreError) -> Self {
        Self::Stored(fault.into())
    }
}

impl From<KeysError> for ApplyError {
    fn from(fault: KeysError) -> Self {
        Self::Stored(fault.into())
    }
}

/// Why the stored services cannot be read. Everything stands as it was.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The service's keys, by which it is known which records we wrote.
    #[error("the service's keys: {0}")]
    Keys(#[from] KeysError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The services as the database has them.
#[derive(Debug)]
pub struct Loaded {
    /// The services whose records count.
    pub registry: Registry,
    /// Revisions that this version cannot read any more.
    pub broken: Vec<BrokenFile>,
    /// Records that are not as we wrote them: none of these services is served, unless another record of it counts.
    pub altered: Vec<AlteredRevision>,
}

impl Loaded {
    /// Says to the log what could not be taken over.
    pub fn tell(&self) {
        for fault in &self.broken {
            Event::ServiceRecordUnreadable { why: Explanation::of(fault) }.log(None);
        }
        report_altered(&self.altered);
    }
}

/// Says to the log which stored records are not as we wrote them.
pub fn report_altered(altered: &[AlteredRevision]) {
    for one in altered {
        Event::IntegrityFault { record: AlteredRecord::ServiceRecord(one.name.clone()) }.log(None);
    }
}

/// Reads the services as the database has them.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn load(tx: &mut Transaction<'_>, keys: &dyn ServiceKeys) -> Result<Loaded, LoadError> {
    Ok(read(tx, keys)?.0)
}

/// The services, and the rows that they come from.
fn read(tx: &mut Transaction<'_>, keys: &dyn ServiceKeys) -> Result<(Loaded, StandingRevisions), LoadError> {
    let mut standing = StandingRevisions::tell_apart(tx.sp_revisions()?, keys)?;
    let mut files: HashMap<_, _> = tx
        .current_sp_files()?
        .into_iter()
        .map(|files| ((files.entity_id, files.sha256, files.applied_at), (files.metadata, files.agreement)))
        .collect();
    let mut broken = Vec::new();
    let mut services = Vec::new();
    for current in std::mem::take(&mut standing.current) {
        let row = current.stored();
        let key = (row.entity_id.clone(), row.sha256.clone(), row.applied_at);
        let (metadata, agreement) = files.remove(&key).unwrap_or_default();
        match current.read(metadata, agreement) {
            Ok(service) => services.push(service),
            Err(UnusableRevision::Altered) => {
                standing.altered.push(current.stored().clone());
                continue;
            }
            Err(UnusableRevision::Broken(faults)) => broken.extend(faults),
        }
        standing.current.push(current);
    }
    let altered: Vec<AlteredRevision> = standing.altered.iter().map(AlteredRevision::from).collect();
    let registry = Registry::new(services, standing.known_agencies.iter().cloned())
        .with_altered(altered.iter().filter_map(|one| one.entity_id.clone()));
    Ok((Loaded { registry, broken, altered }, standing))
}

/// Applies the folder, for the terminal: reads it, stores a revision of each record that changed. Stored records that are
/// not as we wrote them count for nothing from then on.
///
/// # Errors
/// [`ApplyError`].
pub fn apply_blocking(
    store: &Store,
    keys: &dyn ServiceKeys,
    path: &Path,
    by: &str,
    admission: Admission,
) -> Result<Applied, ApplyError> {
    let now = admission.now;
    let read_folder =
        metadata_folder::read(path).map_err(|fault| ApplyError::Folder { folder: path.to_owned(), fault })?;
    store.transaction_blocking(|tx| {
        // Two nodes may watch one folder: each decides on what the other has finished.
        tx.lock_sp_revisions()?;
        let (before, standing) = read(tx, keys)?;
        if read_folder.entries.is_empty() && !before.registry.is_empty() {
            return Err(ApplyError::WouldRemoveEverything(path.to_owned()));
        }
        let mut applied = before.registry.apply(read_folder.entries, admission);
        applied.broken.extend(read_folder.misplaced);
        for row in &standing.altered {
            tx.supersede_sp_revision(&row.condemned(now))?;
        }
        applied.altered = before.altered;
        let retire = |tx: &mut Transaction<'_>, entity_id: &EntityId| match standing.current_of(entity_id) {
            Some(row) => Ok(tx.supersede_sp_revision(&row.superseded(now, keys)?)?),
            None => Ok::<_, ApplyError>(()),
        };
        let add = |tx: &mut Transaction<'_>, service: &ServiceProvider, files: &ServiceFiles| {
            let sequence = standing.next_sequence(service.entity_id());
            let row = StoredRevision::new(service, sequence, by, now, keys)?;
            Ok::<_, ApplyError>(tx.add_sp_revision(&row, &files.metadata, &files.agreement)?)
        };
        // Whoever leaves goes first: a service may have moved to another folder and kept its name.
        for change in &applied.changes {
            if let Change::Removed { service } = change {
                retire(tx, service.entity_id())?;
            }
        }
        for change in &applied.changes {
            match change {
                Change::Removed { .. } => {}
                Change::Added { service, files } => {
                    retire(tx, service.entity_id())?;
                    add(tx, service, files)?;
                }
                Change::Revised { old, service, files } => {
                    if old.entity_id() != service.entity_id() {
                        retire(tx, old.entity_id())?;
                    }
                    retire(tx, service.entity_id())?;
                    add(tx, service, files)?;
                }
            }
        }
        Ok(applied)
    })
}

/// Applies the folder and swaps the snapshot.
///
/// # Errors
/// [`ApplyError`]. The snapshot stays as it was.
pub async fn apply(
    store: &Store,
    keys: &Arc<dyn ServiceKeys>,
    registry: &SharedRegistry,
    path: &Path,
    by: &str,
    admission: Admission,
) -> Result<Applied, ApplyError> {
    let (store, keys, path, by) = (store.clone(), keys.clone(), path.to_owned(), by.to_owned());
    let applied = tokio::task::spawn_blocking(move || apply_blocking(&store, &*keys, &path, &by, admission))
        .await
        .unwrap_or(Err(StoreError::Stopped.into()))?;
    registry.store(Arc::new(applied.registry.clone()));
    Ok(applied)
}

/// Takes over what another node, or the terminal, has applied.
///
/// # Errors
/// When the database or the keys are unavailable. The snapshot stays as it was.
pub async fn refresh(store: &Store, keys: &Arc<dyn ServiceKeys>, registry: &SharedRegistry) -> Result<(), LoadError> {
    let keys = keys.clone();
    let loaded = store.read::<_, LoadError, _>(move |tx| load(tx, &*keys)).await?;
    loaded.tell();
    if !registry.load().is_same(&loaded.registry) {
        registry.store(Arc::new(loaded.registry));
        Event::ServiceRecordsReloaded.log(None);
    }
    Ok(())
}

/// Watches the folder, or without one the database, until it is dropped. `loopback_http` and `denied` as in
/// [`Admission`].
pub async fn watch(
    store: Store,
    keys: Arc<dyn ServiceKeys>,
    registry: SharedRegistry,
    folder: Option<PathBuf>,
    loopback_http: bool,
    denied: DeniedAlgorithms,
    clock: Arc<dyn Clock>,
) {
    let (changed, mut changes) = mpsc::channel::<()>(1);
    let watcher = folder.as_deref().and_then(|path| match watcher(path, changed.clone()) {
        Ok(watcher) => Some(watcher),
        Err(fault) => {
            tracing::warn!(%fault, "the metadata folder cannot be watched; it is looked at every minute");
            None
        }
    });
    let mut reported: Vec<BrokenFile> = Vec::new();
    loop {
        if let Ok(Some(())) = tokio::time::timeout(LOOK, changes.recv()).await {
            // Let the editor finish; what it writes meanwhile is one change.
            while let Ok(Some(())) = tokio::time::timeout(QUIET, changes.recv()).await {}
        }
        match &folder {
            None => {
                if let Err(fault) = refresh(&store, &keys, &registry).await {
                    tracing::warn!(%fault, "the service records cannot be read");
                }
            }
            Some(path) => {
                let admission = Admission { now: clock.now(), loopback_http, denied };
                match apply(&store, &keys, &registry, path, "watcher", admission).await {
                    Ok(applied) => tell(&applied, &mut reported),
                    Err(fault) => Event::MetadataApplyFailed { why: Explanation::of(&fault) }.log(None),
                }
            }
        }
        // Keeps the watcher alive as long as the loop.
        let _ = &watcher;
    }
}

fn watcher(path: &Path, changed: mpsc::Sender<()>) -> notify::Result<notify::RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let matters = event.is_ok_and(|event| !matches!(event.kind, notify::EventKind::Access(_)));
        if matters {
            // A full channel holds a change already.
            changed.try_send(()).ok();
        }
    })?;
    watcher.watch(path, RecursiveMode::Recursive)?;
    Ok(watcher)
}

/// Writes to the log what changed; what is broken, once.
fn tell(applied: &Applied, reported: &mut Vec<BrokenFile>) {
    report_altered(&applied.altered);
    for change in &applied.changes {
        let service = change.service();
        let change_word = match change {
            Change::Added { .. } => "added",
            Change::Removed { .. } => "removed",
            Change::Revised { .. } => "revised",
        };
        let name = service.name().clone();
        let applied =
            Event::ServiceRecordApplied { service: name.clone(), revision: service.revision(), change: change_word };
        applied.log(None);
        for lowered in change.lowered() {
            Event::ProtectionLowered { service: name.clone(), lowered }.log(None);
        }
    }
    for fault in applied.broken.iter().filter(|fault| !reported.contains(fault)) {
        Event::ServiceFileBroken { why: Explanation::of(fault) }.log(None);
    }
    reported.clone_from(&applied.broken);
}
