//! Which of a person's e-mail addresses a service gets: one for each service, chosen on the consent page and kept. Signing in
//! with another address changes nothing; a change is asked.
//!
//! Where addresses and choices are stored is `storage`'s; how the page looks is `web`'s.

use time::UtcDateTime;

use crate::saml::EntityId;
use crate::sealing::{KeysError, Purpose, ServiceKeys, Vouched, VouchedRow, context, mac_column, milliseconds};
use crate::subscriber::{ContactId, SubscriberId};

/// What a row says of the address that a service gets, as plain octets and numbers: nobody vouches for it before
/// [`StoredServiceAddress::authenticate`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredServiceAddress {
    /// The address's record, 16 octets.
    pub contact: Vec<u8>,
    /// Milliseconds since 1970.
    pub chosen_at: i64,
    /// The keyed digest, as [`Mac::to_bytes`](crate::sealing::Mac::to_bytes) writes it.
    pub mac: Vec<u8>,
}

impl StoredServiceAddress {
    /// What to store of the address that `service` gets from now on.
    ///
    /// # Errors
    /// When the service's keys are unavailable.
    pub fn new(
        of: SubscriberId,
        service: &EntityId,
        contact: ContactId,
        now: UtcDateTime,
        keys: &dyn ServiceKeys,
    ) -> Result<Self, KeysError> {
        let stored = Self { contact: contact.as_bytes().to_vec(), chosen_at: milliseconds(now), mac: Vec::new() };
        stored.vouched((of, service), keys)
    }
}

/// One that was altered chooses nothing, and the person is asked.
impl VouchedRow for StoredServiceAddress {
    type Context<'c> = (SubscriberId, &'c EntityId);
    type Meaning = ContactId;
    const PURPOSE: Purpose = Purpose::ServiceAddress;
    mac_column!();

    /// {label, subscriber, service, contact, chosen}.
    fn octets(&self, (of, service): Self::Context<'_>) -> Vec<u8> {
        context(&[
            b"signet/service-address/v1",
            of.as_bytes(),
            service.as_str().as_bytes(),
            &self.contact,
            &self.chosen_at.to_be_bytes(),
        ])
    }

    fn meaning(row: Vouched<'_, Self>, _: Self::Context<'_>) -> Option<ContactId> {
        row.contact.as_slice().try_into().map(ContactId::from_bytes).ok()
    }
}

/// The address that a service gets, and whether its person chose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChosenAddress {
    /// Its record.
    pub contact: ContactId,
    /// Whether the person must be asked before it is sent: it is not the one that was kept, or none was kept and there are
    /// several.
    pub must_be_asked: bool,
}

impl ChosenAddress {
    /// Chooses among a person's addresses, the oldest first: the one that is `picked` on the page, else the one that was `kept`,
    /// else the oldest. `None` when there is no address.
    #[must_use]
    pub fn of(addresses: &[ContactId], kept: Option<ContactId>, picked: Option<ContactId>) -> Option<Self> {
        let theirs = |one: &ContactId| addresses.contains(one);
        let contact = picked.filter(theirs).or(kept.filter(theirs)).or(addresses.first().copied())?;
        let must_be_asked = match kept {
            Some(kept) => kept != contact,
            None => addresses.len() > 1,
        };
        Some(Self { contact, must_be_asked })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::utc_datetime;

    use super::*;
    use crate::sealing::NotVouched;
    use crate::services::keys::keys_for_tests;

    const ADA: SubscriberId = SubscriberId::from_bytes([1; 16]);
    const NOW: UtcDateTime = utc_datetime!(2026-12-01 12:00);

    fn contact(of: u8) -> ContactId {
        ContactId::from_bytes([of; 16])
    }

    #[test]
    fn a_choice_belongs_to_one_person_one_service_and_one_address() {
        let keys = keys_for_tests();
        let [parks, taxes] =
            ["https://parks.example.gov", "https://taxes.example.gov"].map(|id| EntityId::parse(id).unwrap());
        let stored = StoredServiceAddress::new(ADA, &parks, contact(3), NOW, &keys).unwrap();
        assert_eq!(stored.authenticate((ADA, &parks), &keys), Ok(contact(3)));
        let bea = SubscriberId::from_bytes([2; 16]);
        assert_eq!(stored.authenticate((bea, &parks), &keys), Err(NotVouched::Altered));
        assert_eq!(stored.authenticate((ADA, &taxes), &keys), Err(NotVouched::Altered));
        assert_eq!(stored.authenticate((ADA, &parks), &keys_for_tests()), Err(NotVouched::Altered));
        let other = StoredServiceAddress { contact: vec![4; 16], ..stored.clone() };
        assert_eq!(other.authenticate((ADA, &parks), &keys), Err(NotVouched::Altered));
        let later = StoredServiceAddress { chosen_at: stored.chosen_at + 1, ..stored };
        assert_eq!(later.authenticate((ADA, &parks), &keys), Err(NotVouched::Altered));
    }

    proptest! {
        #[test]
        fn what_is_sent_without_a_question_is_what_was_kept_or_all_there_is(
            addresses in proptest::collection::btree_set(0_u8..6, 0..5),
            kept in proptest::option::of(0_u8..6),
            picked in proptest::option::of(0_u8..6),
        ) {
            let addresses: Vec<ContactId> = addresses.into_iter().map(contact).collect();
            let (kept, picked) = (kept.map(contact), picked.map(contact));
            match ChosenAddress::of(&addresses, kept, picked) {
                None => prop_assert!(addresses.is_empty()),
                Some(chosen) => {
                    prop_assert!(addresses.contains(&chosen.contact));
                    if !chosen.must_be_asked {
                        prop_assert!(kept == Some(chosen.contact) || (kept.is_none() && addresses.len() == 1));
                    }
                    if let Some(picked) = picked.filter(|picked| addresses.contains(picked)) {
                        prop_assert_eq!(chosen.contact, picked);
                    }
                }
            }
        }
    }
}
