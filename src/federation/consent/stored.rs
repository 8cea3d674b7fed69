//! The row of a consent. What it says decides that a person is not asked, so it carries a keyed digest over itself, the person
//! and the service.
//!
//! Taking a consent back erases the digest: a row from which `revoked_at` is taken away again is not one that this service
//! wrote. A row that says that it was taken back is believed without a digest, since it allows nothing.

use super::{ConsentId, ConsentRecord, ConsentScope};
use crate::sealing::{
    KeysError, Purpose, ServiceKeys, Vouched, VouchedRow, context, instant, mac_column, milliseconds,
};
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
        let stored = Self {
            id: record.id,
            entity_id: record.scope.entity_id().to_string(),
            scope: record.scope.to_bytes(),
            given_at: milliseconds(record.given_at),
            revoked_at: record.revoked_at.map(milliseconds),
            mac: Vec::new(),
        };
        stored.vouched(record.subscriber, keys)
    }
}

/// One that was altered agrees to nothing.
impl VouchedRow for StoredConsent {
    type Context<'c> = SubscriberId;
    type Meaning = VouchedConsent;
    const PURPOSE: Purpose = Purpose::Consent;
    mac_column!();

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

    fn meaning(row: Vouched<'_, Self>, of: SubscriberId) -> Option<VouchedConsent> {
        let record = ConsentRecord {
            id: row.id,
            subscriber: of,
            scope: ConsentScope::from_bytes(&row.scope)?,
            given_at: instant(row.given_at)?,
            revoked_at: match row.revoked_at {
                None => None,
                Some(at) => Some(instant(at)?),
            },
        };
        Some(VouchedConsent { record, mac: row.mac.clone() })
    }

    fn allows_nothing(&self) -> bool {
        self.revoked_at.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use time::UtcDateTime;
    use time::macros::utc_datetime;

    use super::*;
    use crate::federation::agreement::AgencyId;
    use crate::federation::attribute::AttributeName;
    use crate::federation::consent::ShownPurpose;
    use crate::federation::identifier::NameIdFormat;
    use crate::saml::EntityId;
    use crate::sealing::NotVouched;
    use crate::services::keys::keys_for_tests;

    const ADA: SubscriberId = SubscriberId::from_bytes([1; 16]);
    const BEA: SubscriberId = SubscriberId::from_bytes([2; 16]);
    const NOW: UtcDateTime = utc_datetime!(2026-11-24 12:00);

    fn purpose() -> ShownPurpose {
        ShownPurpose { language: "en".to_owned(), text: "to write to you".to_owned() }
    }

    fn given() -> ConsentRecord {
        let scope = ConsentScope {
            entity_id: EntityId::parse("https://permits.example.gov").unwrap(),
            agency_id: AgencyId::parse("parks").unwrap(),
            agreement_revision: 1,
            name_id_format: NameIdFormat::Persistent,
            page_language: "en".to_owned(),
            purposes: BTreeMap::from([(AttributeName::Email, purpose())]),
        };
        ConsentRecord { id: ConsentId::from_bytes([3; 16]), subscriber: ADA, scope, given_at: NOW, revoked_at: None }
    }

    #[test]
    fn no_field_of_a_consent_can_be_exchanged() {
        let keys = keys_for_tests();
        let stored = StoredConsent::new(&given(), &keys).unwrap();
        assert_eq!(stored.authenticate(ADA, &keys).unwrap().record(), &given());
        let wider = ConsentScope { purposes: BTreeMap::from([(AttributeName::Ssn, purpose())]), ..given().scope };
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
