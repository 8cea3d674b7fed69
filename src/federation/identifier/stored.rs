//! The row of a pairwise identifier. Whoever could give it to another account would be that person at every service of the
//! agency, so it carries a keyed digest over itself, the person and the agency.

use time::UtcDateTime;

use super::PairwiseId;
use crate::federation::agreement::AgencyId;
use crate::sealing::{KeysError, Purpose, ServiceKeys, Vouched, VouchedRow, context, mac_column, milliseconds};
use crate::subscriber::SubscriberId;

/// What a row says of the name by which an agency knows a person, as plain octets and numbers: nobody vouches for it before
/// [`StoredPairwiseId::authenticate`].
#[derive(Clone, PartialEq, Eq)]
pub struct StoredPairwiseId {
    /// The identifier, 16 octets.
    pub value: Vec<u8>,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// The keyed digest, as [`Mac::to_bytes`](crate::sealing::Mac::to_bytes) writes it.
    pub mac: Vec<u8>,
}

impl StoredPairwiseId {
    /// What to store of the name by which `agency` knows a person from now on.
    ///
    /// # Errors
    /// When the service's keys are unavailable.
    pub fn new(
        of: SubscriberId,
        agency: &AgencyId,
        identifier: PairwiseId,
        now: UtcDateTime,
        keys: &dyn ServiceKeys,
    ) -> Result<Self, KeysError> {
        let stored = Self { value: identifier.as_bytes().to_vec(), created_at: milliseconds(now), mac: Vec::new() };
        stored.vouched((of, agency), keys)
    }
}

/// One that was altered names nobody, and the agency is told nothing about the person.
impl VouchedRow for StoredPairwiseId {
    type Context<'c> = (SubscriberId, &'c AgencyId);
    type Meaning = PairwiseId;
    const PURPOSE: Purpose = Purpose::PairwiseId;
    mac_column!();

    /// {label, subscriber, agency, identifier, created}.
    fn octets(&self, (of, agency): Self::Context<'_>) -> Vec<u8> {
        context(&[
            b"signet/pairwise-id/v1",
            of.as_bytes(),
            agency.as_str().as_bytes(),
            &self.value,
            &self.created_at.to_be_bytes(),
        ])
    }

    fn meaning(row: Vouched<'_, Self>, _: Self::Context<'_>) -> Option<PairwiseId> {
        row.value.as_slice().try_into().map(PairwiseId).ok()
    }
}

impl std::fmt::Debug for StoredPairwiseId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoredPairwiseId(…)")
    }
}

#[cfg(test)]
mod tests {
    use time::macros::utc_datetime;

    use super::*;
    use crate::sealing::NotVouched;
    use crate::services::keys::keys_for_tests;

    const ADA: SubscriberId = SubscriberId::from_bytes([1; 16]);
    const BEA: SubscriberId = SubscriberId::from_bytes([2; 16]);
    const NOW: UtcDateTime = utc_datetime!(2026-11-24 12:00);

    #[test]
    fn an_identifier_belongs_to_one_person_one_agency_and_one_time() {
        let (keys, identifier) = (keys_for_tests(), PairwiseId([3; 16]));
        let [parks, library] = ["parks", "library"].map(|id| AgencyId::parse(id).unwrap());
        let stored = StoredPairwiseId::new(ADA, &parks, identifier, NOW, &keys).unwrap();
        assert_eq!(stored.authenticate((ADA, &parks), &keys), Ok(identifier));
        let refused = |what: &str, stored: &StoredPairwiseId, of, agency, keys: &dyn ServiceKeys| {
            assert_eq!(stored.authenticate((of, agency), keys), Err(NotVouched::Altered), "{what}");
        };
        refused("another person", &stored, BEA, &parks, &keys);
        refused("another agency", &stored, ADA, &library, &keys);
        refused("another key", &stored, ADA, &parks, &keys_for_tests());
        let other = StoredPairwiseId { value: vec![4; 16], ..stored.clone() };
        refused("another identifier", &other, ADA, &parks, &keys);
        let other = StoredPairwiseId { created_at: stored.created_at + 1, ..stored.clone() };
        refused("another time", &other, ADA, &parks, &keys);
        refused("no digest", &StoredPairwiseId { mac: Vec::new(), ..stored }, ADA, &parks, &keys);
    }

    #[test]
    fn debug_shows_no_identifier() {
        let stored = StoredPairwiseId { value: vec![7; 16], created_at: 7, mac: vec![7] };
        assert!(!format!("{stored:?}").contains('7'));
    }
}
