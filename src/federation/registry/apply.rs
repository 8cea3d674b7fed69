//! From one snapshot and the folder's files to the next snapshot.

use std::collections::BTreeSet;
use std::sync::Arc;

use similar::TextDiff;

use super::{Admission, AlteredRevision, BrokenFile, Registry, ServiceFiles, ServiceName, ServiceProvider};
use crate::federation::agreement::{AgencyId, LoweredProtection};
use crate::saml::EntityId;

/// What became of one service.
#[derive(Debug, Clone)]
pub enum Change {
    /// It is new.
    Added {
        /// The record.
        service: Arc<ServiceProvider>,
        /// The files, for the revision that is stored.
        files: ServiceFiles,
    },
    /// Its folder is gone: sign-ins for it end.
    Removed {
        /// The record that was.
        service: Arc<ServiceProvider>,
    },
    /// Its record changed.
    Revised {
        /// The record as it was.
        old: Arc<ServiceProvider>,
        /// The record as it is.
        service: Arc<ServiceProvider>,
        /// The files, for the revision that is stored.
        files: ServiceFiles,
    },
}

impl Change {
    /// The service that it is about.
    #[must_use]
    pub fn service(&self) -> &Arc<ServiceProvider> {
        match self {
            Self::Added { service, .. } | Self::Removed { service } | Self::Revised { service, .. } => service,
        }
    }

    /// What of the protection it gives up.
    #[must_use]
    pub fn lowered(&self) -> Vec<LoweredProtection> {
        match self {
            Self::Added { .. } | Self::Removed { .. } => Vec::new(),
            Self::Revised { old, service, .. } => service.lowers_protection_of(old),
        }
    }

    /// The change as a unified diff of the two canonical texts.
    #[must_use]
    pub fn diff(&self) -> String {
        let (before, after) = match self {
            Self::Added { service, .. } => (String::new(), service.canonical_text()),
            Self::Removed { service } => (service.canonical_text(), String::new()),
            Self::Revised { old, service, .. } => (old.canonical_text(), service.canonical_text()),
        };
        let name = self.service().name().to_string();
        TextDiff::from_lines(&before, &after).unified_diff().context_radius(1).header(&name, &name).to_string()
    }
}

/// What applying the folder comes to.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The next snapshot.
    pub registry: Registry,
    /// What changed, in order of agency and service.
    pub changes: Vec<Change>,
    /// What could not be read; the last good record of each stands.
    pub broken: Vec<BrokenFile>,
    /// Stored records that are not as this service wrote them: they count for nothing, and what the folder has stands in
    /// their place.
    pub altered: Vec<AlteredRevision>,
    /// Services whose last good record stands, or its metadata, because their files are broken.
    pub kept: Vec<ServiceName>,
}

/// The folder as it was read: for each service its files, or why they could not be read.
pub type FolderEntry = (ServiceName, Result<ServiceFiles, UnreadFiles>);

/// The files of a service of which one at least could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadFiles {
    /// Which, and why; never empty.
    pub faults: Vec<BrokenFile>,
    /// `metadata.xml`, if that could be read.
    pub metadata: Option<Vec<u8>>,
    /// `agreement.toml`, if that could be read.
    pub agreement: Option<Vec<u8>>,
}

impl Registry {
    /// The next snapshot. Each folder in `entries` replaces, adds or keeps its service; a service without a folder is
    /// gone. Metadata that may not be taken in any more, as that which has ended, is a broken file, also where it is the very
    /// metadata of the record that stands; the agreement beside it counts nevertheless.
    #[must_use]
    pub fn apply(&self, entries: Vec<FolderEntry>, admission: Admission) -> Applied {
        let mut applied = Applied {
            registry: Self {
                known_agencies: self.known_agencies.clone(),
                altered: self.altered.clone(),
                ..Self::default()
            },
            altered: Vec::new(),
            changes: Vec::new(),
            broken: Vec::new(),
            kept: Vec::new(),
        };
        let present: BTreeSet<ServiceName> = entries.iter().map(|(name, _)| name.clone()).collect();
        for (name, entry) in entries {
            let old = self.services.get(&name);
            let read = entry.map_err(|unread| admission.faults_of_rest(&name, unread)).and_then(|files| {
                let (service, faults) = self.acceptable(&files, &present, &applied.registry, admission)?;
                Ok((files, service, faults))
            });
            if let Ok((_, _, faults)) = &read
                && !faults.is_empty()
            {
                applied.broken.extend(faults.iter().cloned());
                applied.kept.push(name.clone());
            }
            match read {
                Err(broken) => {
                    applied.broken.extend(broken);
                    if let Some(old) = old {
                        applied.registry.insert(Arc::clone(old));
                        applied.kept.push(name);
                    }
                }
                Ok((_, service, _)) if old.is_some_and(|old| old.revision() == service.revision()) => {
                    // The old handle, so that a sign-in that began with it sees the very same record.
                    applied.registry.insert(old.map_or_else(|| Arc::new(service), Arc::clone));
                }
                Ok((files, service, _)) => {
                    let service = Arc::new(service);
                    applied.registry.insert(Arc::clone(&service));
                    applied.changes.push(match old {
                        None => Change::Added { service, files },
                        Some(old) => Change::Revised { old: Arc::clone(old), service, files },
                    });
                }
            }
        }
        for (_, service) in self.services.iter().filter(|(name, _)| !present.contains(name)) {
            // A service that only moved to another folder of its agency is not gone.
            if applied.registry.find(service.entity_id()).is_none() {
                applied.changes.push(Change::Removed { service: Arc::clone(service) });
            }
        }
        applied
    }

    /// Reads a service's files and holds them against what is known.
    fn acceptable(
        &self,
        files: &ServiceFiles,
        present: &BTreeSet<ServiceName>,
        beside: &Self,
        admission: Admission,
    ) -> Result<(ServiceProvider, Vec<BrokenFile>), Vec<BrokenFile>> {
        let standing = self.services.get(&files.name).map(|standing| &**standing);
        let (read, mut faults, entity_id) = match admission.admit_beside(files, standing) {
            Ok((service, faults)) => {
                let entity_id = service.entity_id().clone();
                (Some(service), faults, Some(entity_id))
            }
            Err(unreadable) => (None, unreadable.faults, unreadable.entity_id),
        };
        let contradictions = entity_id
            .map(|entity_id| self.contradictions(&entity_id, &files.name, present, beside))
            .unwrap_or_default();
        match read {
            Some(service) if contradictions.is_empty() => Ok((service, faults)),
            _ => {
                faults.extend(contradictions);
                Err(faults)
            }
        }
    }

    /// What of a service's name contradicts what is known: another folder has it, or another agency had it.
    fn contradictions(
        &self,
        entity_id: &EntityId,
        name: &ServiceName,
        present: &BTreeSet<ServiceName>,
        beside: &Self,
    ) -> Vec<BrokenFile> {
        let contradiction = |reason: String| BrokenFile::of(name, "agreement.toml", 0, reason);
        // The entityID belongs to the folder that has it, while that folder is there: a newcomer whose name comes earlier
        // in the order must not take it over.
        let holder = self.find(entity_id).filter(|other| present.contains(other.name()) && other.name() != name);
        if let Some(other) = holder.or_else(|| beside.find(entity_id)) {
            return vec![contradiction(format!("{} has the same entityID, `{entity_id}`", other.name()))];
        }
        let known = self.known_agencies.get(entity_id).filter(|known| **known != name.agency);
        let another = |known: &AgencyId| {
            let never = "the agency of a known service never changes";
            contradiction(format!("`{entity_id}` belongs to agency `{known}`, and {never}"))
        };
        known.map(another).into_iter().collect()
    }
}
