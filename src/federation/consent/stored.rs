//! The row of a consent. What it says decides that a person is not asked, so it carries a keyed digest over itself, the person
//! and the service.
//!
//! Taking a consent back erases the digest: a row from which `revoked_at` is taken away again is not one that this service
//! wrote. A row that says that it was taken back is believed without a digest, since it allows nothing.

use time::UtcDateTime;

use super::{ConsentId, ConsentRecord, ConsentScope};
use crate::sealing::{KeysError, NotVouched, Purpose, ServiceKeys, context};
use crate::subscriber::SubscriberId;

/// A consent that this service wrote down itself, or one that was taken back and allows nothing.
///
/// ```compile_fail,E0451
/// // fails: VouchedConsent` are private
/// # use signet::federation::consent::{ConsentRecord, VouchedConsent};
/// fn claimed(record: ConsentRecord) -> VouchedConsent {
///     VouchedConsent { record, mac: Vec::new() }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VouchedConsent {
    record: ConsentRecord,
    mac: Vec<u8>,
}

impl VouchedConsent {
    /// Of nobody: for tests. A test holds that nothing that serves people says this.
    #[must_use]
    pub const fn supposed(record: ConsentRecord) -> Self {
        Self { record, mac: Vec::new() }
    }

    /// What the person agreed to, and when.
    #[must_use]
    pub const fn record(&self) -> &ConsentRecord {
        &self.record
    }

    /// The keyed digest of its row: whoever relies on the consent later sees by it that the row is still the same.
    #[must_use]
    pub fn mac(&self) -> &[u8] {
        &self.mac
    }
}

/// What a row says of a consent, as plain octets and numbers: nobody vouches for it before [`StoredConsent::authenticate`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredConsent {
    /// Which.
    pub id: ConsentId,
    /// The service that it is found by.
    pub entity_id: String,
    /// The scope, as [`ConsentScope::to_bytes`] writes it.
    pub scope: Vec<u8>,
    /// Milliseconds since 1970.
    pub given_at: i64,
    /// Milliseconds since 1970.
    pub revoked_at: Option<i64>,
    /// The keyed digest, as [`Mac::to_bytes`](crate::sealing::Mac::to_bytes) writes it; empty once it was taken back.
    pub mac: Vec<u8>,
}

impl StoredConsent {
    /// What to store of a consent that a person gives.
    ///
    /// # Errors
    /// When the service's keys are unavailable.
    pub fn new(record: &ConsentRecord, keys: &dyn ServiceKeys) -> Result<Self, KeysError> {
        let milliseconds = |at: UtcDateTime| i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX);
        let mut stored = Self {
            id: record.id,
            entity_id: record.scope.entity_id().to_string(),
            scope: record.scope.to_bytes(),
            given_at: milliseconds(record.given_at),
            revoked_at: record.revoked_at.map(milliseconds),
            mac: Vec::new(),
        };
        if stored.revoked_at.is_none() {
            stored.mac = keys.mac(Purpose::Consent, &stored.octets(record.subscriber))?.to_bytes().to_vec();
        }
        Ok(stored)
    }

    /// The consent, if this service wrote the row about this person, or it was taken back.
    ///
    /// # Errors
    /// [`NotVouched::Altered`]: then the person has agreed to nothing.
    pub fn authenticate(&self, of: SubscriberId, keys: &dyn ServiceKeys) -> Result<VouchedConsent, NotVouched> {
        if self.revoked_at.is_none() {
            keys.vouch(Purpose::Consent, &self.octets(of), &self.mac)?;
        }
        let instant = |at: i64| UtcDateTime::from_unix_timestamp_nanos(i128::from(at) * 1_000_000);
        let record = ConsentRecord {
            id: self.id,
            subscriber: of,
            scope: ConsentScope::from_bytes(&self.scope).ok_or(NotVouched::Altered)?,
            given_at: instant(self.given_at).map_err(|_| NotVouched::Altered)?,
            revoked_at: self.revoked_at.map(instant).transpose().map_err(|_| NotVouched::Altered)?,
        };
        Ok(VouchedConsent { record, mac: self.mac.clone() })
    }

    /// The keyed digest made anew with the newest key.
    ///
    /// # Errors
    /// [`NotVouched`]: then the row stays as it is.
    pub fn revouched(&self, of: SubscriberId, keys: &dyn ServiceKeys) -> Result<Vec<u8>, NotVouched> {
        keys.revouch(Purpose::Consent, &self.octets(of), &self.mac)
    }

    /// {label, consent, subscriber, service, scope, given}.
    fn octets(&self, of: SubscriberId) -> Vec<u8> {
        context(&[
            b"signet/consent/v1",
            self.id.as_bytes(),
            of.as_bytes(),
            self.entity_id.as_bytes(),
            &self.scope,
            &self.given_at.to_be_bytes(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use time::macros::utc_datetime;

    use super::*;
    use crate::federation::agreement::AgencyId;
    use crate::federation::attribute::AttributeName;
    use crate::federation::identifier::NameIdFormat;
    use crate::saml::EntityId;
    use crate::services::keys::keys_for_tests;

    const ADA: SubscriberId = SubscriberId::from_bytes([1; 16]);
    const BEA: SubscriberId = SubscriberId::from_bytes([2; 16]);
    const NOW: UtcDateTime = utc_datetime!(2026-11-24 12:00);

    fn given() -> ConsentRecord {
        let scope = ConsentScope {
            entity_id: EntityId::parse("https://permits.example.gov").unwrap(),
            agency_id: AgencyId::parse("parks").unwrap(),
            agreement_revision: 1,
            name_id_format: NameIdFormat::Persistent,
            purposes: BTreeMap::from([(AttributeName::Email, "to write to you".to_owned())]),
        };
        ConsentRecord { id: ConsentId::from_bytes([3; 16]), subscriber: ADA, scope, given_at: NOW, revoked_at: None }
    }

    #[test]
    fn no_field_of_a_consent_can_be_exchanged() {
        let keys = keys_for_tests();
        let stored = StoredConsent::new(&given(), &keys).unwrap();
        assert_eq!(stored.authenticate(ADA, &keys).unwrap().record(), &given());
        let wider = ConsentScope {
            purposes: BTreeMap::from([(AttributeName::Ssn, "to write to you".to_owned())]),
            ..given().scope
        };
        for altered in [
            StoredConsent { id: ConsentId::from_bytes([4; 16]), ..stored.clone() },
            StoredConsent { entity_id: "https://other.example.gov".to_owned(), ..stored.clone() },
            StoredConsent { scope: wider.to_bytes(), ..stored.clone() },
            StoredConsent { given_at: stored.given_at + 1, ..stored.clone() },
            StoredConsent { mac: Vec::new(), ..stored.clone() },
        ] {
            assert_eq!(altered.authenticate(ADA, &keys), Err(NotVouched::Altered), "{altered:?}");
        }
        assert_eq!(stored.authenticate(BEA, &keys), Err(NotVouched::Altered));
        assert_eq!(stored.authenticate(ADA, &keys_for_tests()), Err(NotVouched::Altered));
    }

    #[test]
    fn what_was_taken_back_stays_taken_back() {
        let keys = keys_for_tests();
        let record = ConsentRecord { revoked_at: Some(NOW), ..given() };
        let stored = StoredConsent::new(&record, &keys).unwrap();
        assert_eq!(stored.authenticate(ADA, &keys).unwrap().record(), &record);
        let given_again = StoredConsent { revoked_at: None, ..stored };
        assert_eq!(given_again.authenticate(ADA, &keys), Err(NotVouched::Altered));
    }
}
