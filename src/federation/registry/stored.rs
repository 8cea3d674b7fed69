//! The rows of services' records: whose keys, addresses and ceilings count. Each carries a keyed digest over its revision,
//! its names, when and by whom it was applied, its place among the revisions of its service, and whether another took its
//! place. What lies in the two files is bound by the revision, which is their hash.

use std::collections::BTreeMap;
use std::fmt;

use time::UtcDateTime;

use super::{BrokenFile, ServiceFiles, ServiceName, ServiceProvider};
use crate::federation::agreement::AgencyId;
use crate::saml::EntityId;
use crate::sealing::{
    KeysError, NotVouched, Purpose, ServiceKeys, Vouched, VouchedRow, context, mac_column, milliseconds,
};

/// What a row says of one revision of a service's record, without the two files: nobody vouches for it before
/// [`StandingRevisions::tell_apart`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRevision {
    /// The hash over both files, and the revision's name; 32 octets.
    pub sha256: Vec<u8>,
    /// Which service.
    pub entity_id: String,
    /// Of which agency.
    pub agency_id: String,
    /// The folder it came from, below the metadata folder: `agency/service`.
    pub folder: String,
    /// When it was applied, in milliseconds since 1970.
    pub applied_at: i64,
    /// By whom: a user of the terminal, or the watcher.
    pub applied_by: String,
    /// Its place among the revisions of its service, from 1.
    pub sequence: i64,
    /// When another took its place or the service went, in milliseconds since 1970.
    pub superseded_at: Option<i64>,
    /// The keyed digest, as [`Mac::to_bytes`](crate::sealing::Mac::to_bytes) writes it; empty in a row that was found
    /// altered and counts for nothing any more.
    pub mac: Vec<u8>,
}

impl StoredRevision {
    /// What to store of a service's record as it stands from now on.
    ///
    /// # Errors
    /// When the service's keys are unavailable.
    pub fn new(
        service: &ServiceProvider,
        sequence: i64,
        by: &str,
        now: UtcDateTime,
        keys: &dyn ServiceKeys,
    ) -> Result<Self, KeysError> {
        let stored = Self {
            sha256: service.revision().0.to_vec(),
            entity_id: service.entity_id().to_string(),
            agency_id: service.name().agency.to_string(),
            folder: service.name().to_string(),
            applied_at: milliseconds(now),
            applied_by: by.to_owned(),
            sequence,
            superseded_at: None,
            mac: Vec::new(),
        };
        stored.vouched((), keys)
    }

    /// The same once nothing of it counts but which agency the service belongs to.
    ///
    /// # Errors
    /// When the service's keys are unavailable.
    pub fn superseded(&self, now: UtcDateTime, keys: &dyn ServiceKeys) -> Result<Self, KeysError> {
        Self { superseded_at: Some(milliseconds(now)), ..self.clone() }.vouched((), keys)
    }

    /// The same once it was found altered: it is kept to be looked at, and counts for nothing, whatever is done to it.
    #[must_use]
    pub fn condemned(&self, now: UtcDateTime) -> Self {
        Self { superseded_at: self.superseded_at.or(Some(milliseconds(now))), mac: Vec::new(), ..self.clone() }
    }

    fn is_condemned(&self) -> bool {
        self.superseded_at.is_some() && self.mac.is_empty()
    }
}

impl VouchedRow for StoredRevision {
    type Context<'c> = ();
    /// Which of a service's revisions counts is told of all of them: [`StandingRevisions::tell_apart`].
    type Meaning = ();
    const PURPOSE: Purpose = Purpose::ServiceRecord;
    mac_column!();

    /// {label, revision, entityID, agency, folder, applied, by, sequence, superseded}. What still counts is told from what
    /// does not by the length of its last part.
    fn octets(&self, (): ()) -> Vec<u8> {
        context(&[
            b"signet/service-record/v1",
            &self.sha256,
            self.entity_id.as_bytes(),
            self.agency_id.as_bytes(),
            self.folder.as_bytes(),
            &self.applied_at.to_be_bytes(),
            self.applied_by.as_bytes(),
            &self.sequence.to_be_bytes(),
            self.superseded_at.map(i64::to_be_bytes).as_ref().map_or(&[], |at| at.as_slice()),
        ])
    }

    fn meaning(_: Vouched<'_, Self>, (): ()) -> Option<()> {
        Some(())
    }
}

/// A row that this service did not write so: by what names it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlteredRevision {
    /// The service that it says to be of, if that is an entityID.
    pub entity_id: Option<EntityId>,
    /// The folder that it says to come from, if that is one.
    pub name: Option<ServiceName>,
}

impl From<&StoredRevision> for AlteredRevision {
    fn from(stored: &StoredRevision) -> Self {
        Self { entity_id: EntityId::parse(&stored.entity_id).ok(), name: ServiceName::parse(&stored.folder) }
    }
}

impl fmt::Display for AlteredRevision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => name.fmt(f),
            None => f.write_str("a record of no name"),
        }
    }
}

/// The one revision of a service that counts, as this service wrote it down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentRevision(StoredRevision);

/// Why there is no service in a revision that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnusableRevision {
    /// Its files are not those that were applied.
    Altered,
    /// This version cannot read it: every fault.
    Broken(Vec<BrokenFile>),
}

impl CurrentRevision {
    /// What the row says.
    #[must_use]
    pub const fn stored(&self) -> &StoredRevision {
        &self.0
    }

    /// The service, if these are the files that were applied.
    ///
    /// # Errors
    /// [`UnusableRevision`].
    pub fn read(&self, metadata: Vec<u8>, agreement: Vec<u8>) -> Result<ServiceProvider, UnusableRevision> {
        let name = ServiceName::parse(&self.0.folder).ok_or_else(|| {
            let reason = "the stored folder is no name".into();
            UnusableRevision::Broken(vec![BrokenFile { path: self.0.folder.clone(), line: 0, reason }])
        })?;
        let files = ServiceFiles { name, metadata, agreement };
        if files.revision().0 != *self.0.sha256 {
            return Err(UnusableRevision::Altered);
        }
        ServiceProvider::read(&files).map_err(UnusableRevision::Broken)
    }
}

/// What the rows come to.
#[derive(Debug, Default)]
pub struct StandingRevisions {
    /// The one that counts, of each service that has one.
    pub current: Vec<CurrentRevision>,
    /// The agency of every service that ever had a revision.
    pub known_agencies: Vec<(EntityId, AgencyId)>,
    /// Those that this service did not write so, or that newer ones contradict.
    pub altered: Vec<StoredRevision>,
    last: BTreeMap<String, i64>,
}

impl StandingRevisions {
    /// Tells the rows that this service wrote from those that it did not. Of one service the newest alone can count: an
    /// older one that says so was put back.
    ///
    /// # Errors
    /// When the service's keys are unavailable.
    pub fn tell_apart(rows: Vec<StoredRevision>, keys: &dyn ServiceKeys) -> Result<Self, KeysError> {
        let mut standing = Self::default();
        let mut current = Vec::new();
        for row in rows.into_iter().filter(|row| !row.is_condemned()) {
            match row.authenticate((), keys) {
                Ok(()) => {
                    let last = standing.last.entry(row.entity_id.clone()).or_insert(row.sequence);
                    *last = row.sequence.max(*last);
                    if let (Ok(entity_id), Ok(agency)) =
                        (EntityId::parse(&row.entity_id), AgencyId::parse(&row.agency_id))
                    {
                        standing.known_agencies.push((entity_id, agency));
                    }
                    if row.superseded_at.is_none() {
                        current.push(row);
                    }
                }
                Err(NotVouched::Keys(fault)) => return Err(fault),
                Err(NotVouched::Altered) => standing.altered.push(row),
            }
        }
        for row in current {
            if standing.last.get(&row.entity_id) == Some(&row.sequence) {
                standing.current.push(CurrentRevision(row));
            } else {
                standing.altered.push(row);
            }
        }
        Ok(standing)
    }

    /// The one that counts of a service.
    #[must_use]
    pub fn current_of(&self, entity_id: &EntityId) -> Option<&StoredRevision> {
        self.current.iter().map(CurrentRevision::stored).find(|row| row.entity_id == entity_id.as_str())
    }

    /// The place of a service's next revision.
    #[must_use]
    pub fn next_sequence(&self, entity_id: &EntityId) -> i64 {
        self.last.get(entity_id.as_str()).map_or(1, |last| last.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::utc_datetime;

    use super::*;
    use crate::services::keys::{LocalKeys, keys_for_tests};

    const NOW: UtcDateTime = utc_datetime!(2026-11-24 12:00);

    fn revision(number: u8, sequence: i64, keys: &LocalKeys) -> StoredRevision {
        let stored = StoredRevision {
            sha256: vec![number; 32],
            entity_id: "https://permits.example.gov/saml".to_owned(),
            agency_id: "parks".to_owned(),
            folder: "parks/permits".to_owned(),
            applied_at: i64::from(number),
            applied_by: "test".to_owned(),
            sequence,
            superseded_at: None,
            mac: Vec::new(),
        };
        stored.vouched((), keys).unwrap()
    }

    fn told_apart(rows: &[StoredRevision], keys: &LocalKeys) -> (Vec<u8>, Vec<u8>) {
        let standing = StandingRevisions::tell_apart(rows.to_vec(), keys).unwrap();
        let number = |row: &StoredRevision| row.sha256[0];
        let current = standing.current.iter().map(|current| number(current.stored())).collect();
        (current, standing.altered.iter().map(number).collect())
    }

    #[test]
    fn no_field_of_a_revision_can_be_exchanged() {
        let keys = keys_for_tests();
        let row = revision(1, 1, &keys);
        assert_eq!(told_apart(std::slice::from_ref(&row), &keys), (vec![1], vec![]));
        for altered in [
            StoredRevision { sha256: vec![9; 32], ..row.clone() },
            StoredRevision { sha256: Vec::new(), ..row.clone() },
            StoredRevision { entity_id: "https://other.example.gov".to_owned(), ..row.clone() },
            StoredRevision { agency_id: "library".to_owned(), ..row.clone() },
            StoredRevision { folder: "parks/other".to_owned(), ..row.clone() },
            StoredRevision { applied_at: 2, ..row.clone() },
            StoredRevision { applied_by: "somebody".to_owned(), ..row.clone() },
            StoredRevision { sequence: 2, ..row.clone() },
            StoredRevision { superseded_at: Some(2), ..row.clone() },
            StoredRevision { mac: Vec::new(), ..row.clone() },
        ] {
            let standing = StandingRevisions::tell_apart(vec![altered.clone()], &keys).unwrap();
            assert_eq!((standing.current.len(), standing.known_agencies.len()), (0, 0), "{altered:?}");
            assert_eq!(standing.altered, [altered]);
        }
        assert_eq!(told_apart(&[row], &keys_for_tests()), (vec![], vec![1]));
    }

    #[test]
    fn a_revision_that_was_put_back_does_not_count_beside_newer_ones() {
        let keys = keys_for_tests();
        let (one, two) = (revision(1, 1, &keys), revision(2, 2, &keys));
        let one_superseded = one.superseded(NOW, &keys).unwrap();
        let two_superseded = two.superseded(NOW, &keys).unwrap();
        assert_eq!(told_apart(&[one_superseded.clone(), two.clone()], &keys), (vec![2], vec![]));
        // Beside the newer one, and where the service is gone.
        assert_eq!(told_apart(&[one.clone(), two.clone()], &keys), (vec![2], vec![1]));
        assert_eq!(told_apart(&[one, two_superseded], &keys), (vec![], vec![1]));
        let undone = StoredRevision { superseded_at: None, ..one_superseded };
        assert_eq!(told_apart(&[undone, two], &keys), (vec![2], vec![1]));
    }

    #[test]
    fn what_was_found_altered_is_told_once_and_never_counts_again() {
        let keys = keys_for_tests();
        let row = revision(1, 1, &keys);
        let condemned = StoredRevision { applied_by: "somebody".to_owned(), ..row.clone() }.condemned(NOW);
        assert_eq!(told_apart(std::slice::from_ref(&condemned), &keys), (vec![], vec![]));
        let undone = StoredRevision { applied_by: row.applied_by, superseded_at: None, ..condemned };
        assert_eq!(told_apart(&[undone], &keys), (vec![], vec![1]));
    }
}
