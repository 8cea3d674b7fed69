//! The metadata folder: applied on command and by watching, one function for both.
//!
//! What counts is what the database holds: a revision of each service's record. [`apply`] reads the folder, lays it
//! beside those revisions, stores what changed and swaps the snapshot that requests look services up in. [`watch`] calls
//! it when a file changes, and every minute in case an event was lost, as happens on network mounts and with symbolic
//! links that are swapped.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration as StdDuration;

use arc_swap::ArcSwap;
use notify::{RecursiveMode, Watcher as _};
use time::UtcDateTime;
use tokio::sync::mpsc;

use crate::event::{Event, Explanation};
use crate::federation::agreement::AgencyId;
use crate::federation::registry::{
    Applied, BrokenFile, Change, Registry, ServiceFiles, ServiceName, ServiceProvider, folder,
};
use crate::saml::EntityId;
use crate::services::Clock;
use crate::storage::{SpRevision, Store, StoreError, Transaction};

/// The snapshot that requests look services up in. A request keeps the one it began with.
pub type SharedRegistry = Arc<ArcSwap<Registry>>;

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
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The services as the database has them, and revisions that this version cannot read any more.
///
/// # Errors
/// When the database fails.
pub fn load(tx: &mut Transaction<'_>) -> Result<(Registry, Vec<BrokenFile>), StoreError> {
    let mut broken = Vec::new();
    let mut services = Vec::new();
    for revision in tx.current_sp_revisions()? {
        let read = name_of(&revision.folder)
            .map(|name| ServiceFiles { name, metadata: revision.metadata, agreement: revision.agreement })
            .ok_or(BrokenFile { path: revision.folder, line: 0, reason: "the stored folder is no name".into() })
            .and_then(|files| ServiceProvider::read(&files));
        match read {
            Ok(service) => services.push(service),
            Err(fault) => broken.push(fault),
        }
    }
    let known = tx
        .sp_agencies()?
        .into_iter()
        .filter_map(|(entity_id, agency)| Some((EntityId::parse(&entity_id).ok()?, AgencyId::parse(&agency).ok()?)));
    Ok((Registry::new(services, known), broken))
}

fn name_of(folder: &str) -> Option<ServiceName> {
    let (agency, service) = folder.split_once('/')?;
    Some(ServiceName { agency: AgencyId::parse(agency).ok()?, service: AgencyId::parse(service).ok()? })
}

/// Applies the folder, for the terminal: reads it, stores a revision of each record that changed.
///
/// # Errors
/// [`ApplyError`].
pub fn apply_blocking(store: &Store, path: &Path, by: &str, now: UtcDateTime) -> Result<Applied, ApplyError> {
    let read = folder::read(path).map_err(|fault| ApplyError::Folder { folder: path.to_owned(), fault })?;
    let by = by.to_owned();
    store.transaction_blocking(move |tx| {
        // Two nodes may watch one folder: each decides on what the other has finished.
        tx.lock_sp_revisions()?;
        let (before, _) = load(tx)?;
        if read.entries.is_empty() && !before.is_empty() {
            return Err(ApplyError::WouldRemoveEverything(path.to_owned()));
        }
        let mut applied = before.apply(read.entries);
        applied.broken.extend(read.misplaced);
        // Whoever leaves goes first: a service may have moved to another folder and kept its name.
        for change in &applied.changes {
            if let Change::Removed { service } = change {
                tx.retire_sp(service.entity_id().as_str(), now)?;
            }
        }
        for change in &applied.changes {
            match change {
                Change::Removed { .. } => {}
                Change::Added { service, files } => tx.apply_sp_revision(&revision(service, files, &by, now))?,
                Change::Revised { old, service, files } => {
                    if old.entity_id() != service.entity_id() {
                        tx.retire_sp(old.entity_id().as_str(), now)?;
                    }
                    tx.apply_sp_revision(&revision(service, files, &by, now))?;
                }
            }
        }
        Ok(applied)
    })
}

fn revision(service: &ServiceProvider, files: &ServiceFiles, by: &str, now: UtcDateTime) -> SpRevision {
    SpRevision {
        sha256: service.revision().0,
        entity_id: service.entity_id().to_string(),
        agency_id: service.name().agency.to_string(),
        folder: service.name().to_string(),
        metadata: files.metadata.clone(),
        agreement: files.agreement.clone(),
        applied_at: now,
        applied_by: by.to_owned(),
    }
}

/// Applies the folder and swaps the snapshot.
///
/// # Errors
/// [`ApplyError`]. The snapshot stays as it was.
pub async fn apply(
    store: &Store,
    registry: &SharedRegistry,
    path: &Path,
    by: &str,
    now: UtcDateTime,
) -> Result<Applied, ApplyError> {
    let (store, path, by) = (store.clone(), path.to_owned(), by.to_owned());
    let applied = tokio::task::spawn_blocking(move || apply_blocking(&store, &path, &by, now))
        .await
        .unwrap_or(Err(ApplyError::Store(StoreError::Stopped)))?;
    registry.store(Arc::new(applied.registry.clone()));
    Ok(applied)
}

/// Takes over what another node, or the terminal, has applied.
///
/// # Errors
/// When the database fails. The snapshot stays as it was.
pub async fn refresh(store: &Store, registry: &SharedRegistry) -> Result<(), StoreError> {
    let (loaded, broken) = store.read::<_, StoreError, _>(load).await?;
    for fault in broken {
        Event::StoredRevisionBroken { why: Explanation::of(&fault) }.log(None);
    }
    let same = |one: &Registry, other: &Registry| {
        one.services().map(|service| service.revision()).eq(other.services().map(|service| service.revision()))
    };
    if !same(&registry.load(), &loaded) {
        registry.store(Arc::new(loaded));
        Event::RevisionsTakenOver.log(None);
    }
    Ok(())
}

/// Watches the folder, or without one the database, until it is dropped.
pub async fn watch(store: Store, registry: SharedRegistry, folder: Option<PathBuf>, clock: Arc<dyn Clock>) {
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
                if let Err(fault) = refresh(&store, &registry).await {
                    tracing::warn!(%fault, "the service records cannot be read");
                }
            }
            Some(path) => match apply(&store, &registry, path, "watcher", clock.now()).await {
                Ok(applied) => tell(&applied, &mut reported),
                Err(fault) => Event::MetadataKept { why: Explanation::of(&fault) }.log(None),
            },
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
