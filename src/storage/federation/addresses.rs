//! Which of a person's addresses a service gets, and by which addresses a service knows people.

use diesel::prelude::*;
use time::UtcDateTime;

use crate::federation::service_address::StoredServiceAddress;
use crate::saml::EntityId;
use crate::storage::schema::{address_name, service_address};
use crate::storage::{StoreError, Transaction, milliseconds, on_each, typed};
use crate::subscriber::SubscriberId;

impl Transaction<'_> {
    /// The row of the address that a service gets; `None` when nothing was chosen.
    ///
    /// # Errors
    /// When the database fails.
    pub fn service_address(
        &mut self,
        of: SubscriberId,
        entity_id: &str,
    ) -> Result<Option<StoredServiceAddress>, StoreError> {
        let row = service_address::table
            .find((of.as_bytes().to_vec(), entity_id))
            .select((service_address::contact, service_address::chosen_at, service_address::mac))
            .first::<(Vec<u8>, i64, Vec<u8>)>(self.connection)
            .optional()?;
        Ok(row.map(|(contact, chosen_at, mac)| StoredServiceAddress { contact, chosen_at, mac }))
    }

    /// Keeps the address that a service gets from now on, in place of the one before; a row that is new gets `new_id`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn put_service_address(
        &mut self,
        of: SubscriberId,
        entity_id: &str,
        new_id: &[u8; 16],
        chosen: &StoredServiceAddress,
    ) -> Result<(), StoreError> {
        let values = (
            service_address::contact.eq(chosen.contact.clone()),
            service_address::chosen_at.eq(chosen.chosen_at),
            service_address::mac.eq(chosen.mac.clone()),
        );
        let key = (
            service_address::id.eq(new_id.to_vec()),
            service_address::subscriber.eq(of.as_bytes().to_vec()),
            service_address::entity_id.eq(entity_id),
        );
        on_each!(self.connection, inner => diesel::insert_into(service_address::table)
            .values((key, values.clone()))
            .on_conflict((service_address::subscriber, service_address::entity_id))
            .do_update()
            .set(values)
            .execute(inner))?;
        Ok(())
    }

    /// A row by its id, with the person and the service that it is about.
    ///
    /// # Errors
    /// When the database fails.
    pub fn service_address_by_id(
        &mut self,
        id: &[u8],
    ) -> Result<Option<(SubscriberId, EntityId, StoredServiceAddress)>, StoreError> {
        const TABLE: &str = "service_address";
        let row = service_address::table
            .filter(service_address::id.eq(id.to_vec()))
            .select((
                service_address::subscriber,
                service_address::entity_id,
                service_address::contact,
                service_address::chosen_at,
                service_address::mac,
            ))
            .first::<(Vec<u8>, String, Vec<u8>, i64, Vec<u8>)>(self.connection)
            .optional()?;
        row.map(|(of, entity_id, contact, chosen_at, mac)| {
            let service = EntityId::parse(&entity_id)
                .map_err(|_| StoreError::InconsistentRow { table: TABLE, column: "entity_id" })?;
            let stored = StoredServiceAddress { contact, chosen_at, mac };
            Ok((typed(of.as_slice(), TABLE, "subscriber")?, service, stored))
        })
        .transpose()
    }

    /// Whom a service knows by an address, looked up by its fingerprints under every key; `None` when it knows nobody by it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn called_by_address(
        &mut self,
        entity_id: &str,
        fingerprints: &[[u8; 32]],
    ) -> Result<Option<SubscriberId>, StoreError> {
        let wanted: Vec<Vec<u8>> = fingerprints.iter().map(|one| one.to_vec()).collect();
        let row: Option<Vec<u8>> = address_name::table
            .filter(address_name::entity_id.eq(entity_id))
            .filter(address_name::fingerprint.eq_any(wanted))
            .select(address_name::subscriber)
            .first(self.connection)
            .optional()?;
        row.map(|id| typed(id.as_slice(), "address_name", "subscriber")).transpose()
    }

    /// A service knows a person by an address from now on, for good. Nothing changes where it knew somebody by it before: of two
    /// that come at once, one is first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn call_by_address(
        &mut self,
        entity_id: &str,
        fingerprint: &[u8; 32],
        of: SubscriberId,
        now: UtcDateTime,
    ) -> Result<(), StoreError> {
        let values = (
            address_name::entity_id.eq(entity_id.to_owned()),
            address_name::fingerprint.eq(fingerprint.to_vec()),
            address_name::subscriber.eq(of.as_bytes().to_vec()),
            address_name::first_sent_at.eq(milliseconds(now)),
        );
        on_each!(self.connection, inner => diesel::insert_into(address_name::table)
            .values(values)
            .on_conflict_do_nothing()
            .execute(inner))?;
        Ok(())
    }
}
