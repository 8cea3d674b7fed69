//! The services that are known: each one's metadata and agreement, as one record with a revision.
//!
//! A [`Registry`] is a snapshot that never changes. [`Registry::apply`] makes the next one from the folder's files: what
//! cannot be read, or contradicts itself or its neighbours, is reported and never replaces the good record that it stands
//! for. Reading the folder and swapping snapshots is `jobs`', keeping revisions is `storage`'s.

mod admission;
mod apply;
mod lint;
mod record;
mod stored;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::agreement::AgencyId;
use crate::saml::EntityId;

pub use super::disclosure::RevisionId;
pub use admission::Admission;
pub use apply::{Applied, Change, FolderEntry, UnreadFiles};
pub use lint::LintWarning;
pub(crate) use record::AtLine;
pub use record::{BrokenFile, MalformedRevision, ServiceFiles, ServiceName, ServiceProvider};
pub use stored::{AlteredRevision, CurrentRevision, StandingRevisions, StoredRevision, UnusableRevision};

/// The snapshot that requests look services up in. A request keeps the one it began with.
pub type SharedRegistry = Arc<ArcSwap<Registry>>;

/// The services as they stand at one moment.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    services: BTreeMap<ServiceName, Arc<ServiceProvider>>,
    by_entity: HashMap<EntityId, Arc<ServiceProvider>>,
    known_agencies: HashMap<EntityId, AgencyId>,
    altered: BTreeSet<EntityId>,
}

/// Why a service does not take part.
#[derive(Debug, thiserror::Error)]
pub enum NotAdmitted {
    /// What is stored of it is not as we wrote it.
    #[error("the stored record of {0} is not as it was written")]
    Altered(EntityId),
    /// Its agreement switches it off.
    #[error("the service {} is switched off", .0.entity_id())]
    Disabled(Arc<ServiceProvider>),
    /// Nobody has this entityID.
    #[error("no service with the entityID {0} is registered")]
    Unknown(EntityId),
}

impl Registry {
    /// The snapshot of these records, and the agency of every entityID that ever had one: an agency may not change even
    /// when its service's folder went away in between.
    #[must_use]
    pub fn new(
        services: impl IntoIterator<Item = ServiceProvider>,
        known_agencies: impl IntoIterator<Item = (EntityId, AgencyId)>,
    ) -> Self {
        let mut registry = Self { known_agencies: known_agencies.into_iter().collect(), ..Self::default() };
        for service in services {
            registry.insert(Arc::new(service));
        }
        registry
    }

    /// The same with services whose stored records are not as we wrote them: they are not served, and it is said why.
    #[must_use]
    pub fn with_altered(mut self, altered: impl IntoIterator<Item = EntityId>) -> Self {
        self.altered.extend(altered);
        self
    }

    /// Whether there would be a service of this name if what is stored of it were as we wrote it.
    #[must_use]
    pub fn is_altered(&self, entity_id: &EntityId) -> bool {
        self.altered.contains(entity_id) && self.find(entity_id).is_none()
    }

    /// The service that a message names as its sender, if it takes part: the one decision of single sign-on, single logout,
    /// the artifact endpoint and the gate.
    ///
    /// # Errors
    /// [`NotAdmitted`]: nothing of the message is looked at then.
    pub fn admit(&self, entity_id: &EntityId) -> Result<&Arc<ServiceProvider>, NotAdmitted> {
        match self.find(entity_id) {
            Some(service) if service.agreement().is_enabled() => Ok(service),
            Some(service) => Err(NotAdmitted::Disabled(Arc::clone(service))),
            None if self.is_altered(entity_id) => Err(NotAdmitted::Altered(entity_id.clone())),
            None => Err(NotAdmitted::Unknown(entity_id.clone())),
        }
    }

    /// Whether both have the same services in the same revisions, and miss the same.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let revisions = |registry: &'_ Self| registry.services().map(|service| service.revision()).collect::<Vec<_>>();
        revisions(self) == revisions(other) && self.altered == other.altered
    }

    fn insert(&mut self, service: Arc<ServiceProvider>) {
        let entity_id = service.entity_id().clone();
        self.known_agencies.entry(entity_id.clone()).or_insert_with(|| service.name().agency.clone());
        self.services.insert(service.name().clone(), Arc::clone(&service));
        self.by_entity.insert(entity_id, service);
    }

    /// The service of this name. An unknown one and one that was taken away are the same: nothing.
    #[must_use]
    pub fn find(&self, entity_id: &EntityId) -> Option<&Arc<ServiceProvider>> {
        self.by_entity.get(entity_id)
    }

    /// Every service, in order of agency and name.
    pub fn services(&self) -> impl Iterator<Item = &Arc<ServiceProvider>> {
        self.services.values()
    }

    /// How many services there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.services.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.services.is_empty()
    }
}
