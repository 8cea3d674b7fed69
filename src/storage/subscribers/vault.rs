//! What a person's vault holds, and what opens it.

use diesel::prelude::*;
use time::UtcDateTime;

use crate::authentication::AuthenticatorId;
use crate::proofing::StoredProofing;
use crate::storage::schema::{proofed_profile, vault_attribute, vault_slot};
use crate::storage::{StoreError, Transaction, maybe_instant, milliseconds, on_each, typed};
use crate::subscriber::SubscriberId;
use crate::subscriber::vault::{ProfileRow, SealedAttribute, SealedSlot, SlotId, SlotKind};

impl Transaction<'_> {
    /// Adds a way to open the vault, in place of the one of its kind (of its passkey, for a passkey).
    ///
    /// # Errors
    /// When the database fails.
    pub fn put_slot(
        &mut self,
        of: SubscriberId,
        slot: &SealedSlot,
        passkey: Option<AuthenticatorId>,
        now: UtcDateTime,
    ) -> Result<(), StoreError> {
        let passkey = passkey.map(|id| id.as_bytes().to_vec());
        self.lock_subscriber(of)?;
        self.drop_slots(of, slot.kind, passkey.clone())?;
        diesel::insert_into(vault_slot::table)
            .values((
                vault_slot::id.eq(slot.id.as_bytes().to_vec()),
                vault_slot::subscriber.eq(of.as_bytes().to_vec()),
                vault_slot::kind.eq(slot.kind.as_str()),
                vault_slot::authenticator.eq(passkey),
                vault_slot::sealed.eq(slot.as_bytes().to_vec()),
                vault_slot::created_at.eq(milliseconds(now)),
            ))
            .execute(self.connection)?;
        Ok(())
    }

    /// The ways to open a vault. Holds the account's row to the end of the transaction, so that nobody exchanges one while
    /// somebody opens the vault with it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn slots_of(&mut self, of: SubscriberId) -> Result<Vec<SealedSlot>, StoreError> {
        self.lock_subscriber(of)?;
        vault_slot::table
            .filter(vault_slot::subscriber.eq(of.as_bytes().to_vec()))
            .select((vault_slot::id, vault_slot::kind, vault_slot::sealed))
            .load::<(Vec<u8>, String, Vec<u8>)>(self.connection)?
            .into_iter()
            .map(|(id, kind, sealed)| {
                let kind = SlotKind::from_stored(&kind)
                    .ok_or(StoreError::InconsistentRow { table: "vault_slot", column: "kind" })?;
                Ok(SealedSlot::from_stored(typed::<SlotId, _>(id.as_slice(), "vault_slot", "id")?, kind, sealed))
            })
            .collect()
    }

    /// When a way to open the vault was made; nothing when there is none of this kind.
    ///
    /// # Errors
    /// When the database fails.
    pub fn slot_made_at(&mut self, of: SubscriberId, kind: SlotKind) -> Result<Option<UtcDateTime>, StoreError> {
        let at: Option<i64> = vault_slot::table
            .filter(vault_slot::subscriber.eq(of.as_bytes().to_vec()))
            .filter(vault_slot::kind.eq(kind.as_str()))
            .select(vault_slot::created_at)
            .order(vault_slot::created_at.desc())
            .first(self.connection)
            .optional()?;
        maybe_instant(at, "vault_slot", "created_at")
    }

    /// Drops a way to open the vault.
    ///
    /// # Errors
    /// When the database fails.
    pub fn drop_slot(&mut self, of: SubscriberId, kind: SlotKind) -> Result<(), StoreError> {
        self.lock_subscriber(of)?;
        self.drop_slots(of, kind, None)
    }

    fn drop_slots(&mut self, of: SubscriberId, kind: SlotKind, passkey: Option<Vec<u8>>) -> Result<(), StoreError> {
        let mine = vault_slot::subscriber.eq(of.as_bytes().to_vec()).and(vault_slot::kind.eq(kind.as_str()));
        match passkey {
            Some(passkey) => {
                diesel::delete(vault_slot::table.filter(mine).filter(vault_slot::authenticator.eq(Some(passkey))))
                    .execute(self.connection)?
            }
            None => diesel::delete(vault_slot::table.filter(mine)).execute(self.connection)?,
        };
        Ok(())
    }

    /// Puts the rows of a profile, and what is known of its proofing, in place of all that were there: a profile is sealed as
    /// a whole, and proofed as a whole.
    ///
    /// # Errors
    /// When the database fails.
    pub fn replace_profile(
        &mut self,
        of: SubscriberId,
        rows: &[ProfileRow],
        proofing: Option<&StoredProofing>,
        now: UtcDateTime,
    ) -> Result<(), StoreError> {
        let key = of.as_bytes().to_vec();
        diesel::delete(vault_attribute::table.filter(vault_attribute::subscriber.eq(key.clone())))
            .execute(self.connection)?;
        for row in rows {
            diesel::insert_into(vault_attribute::table)
                .values((
                    vault_attribute::subscriber.eq(key.clone()),
                    vault_attribute::attribute.eq(row.attribute.clone()),
                    vault_attribute::version.eq(i32::try_from(row.version).unwrap_or(i32::MAX)),
                    vault_attribute::sealed.eq(row.sealed.as_bytes().to_vec()),
                    vault_attribute::created_at.eq(milliseconds(now)),
                ))
                .execute(self.connection)?;
        }
        diesel::delete(proofed_profile::table.find(key.clone())).execute(self.connection)?;
        if let Some(proofing) = proofing {
            diesel::insert_into(proofed_profile::table)
                .values((
                    proofed_profile::subscriber.eq(key),
                    proofed_profile::ial.eq(proofing.ial),
                    proofed_profile::verified_at.eq(proofing.verified_at),
                    proofed_profile::expires_at.eq(proofing.expires_at),
                    proofed_profile::mac.eq(proofing.mac.clone()),
                    proofed_profile::face_was_matched.eq(proofing.face_was_matched),
                ))
                .execute(self.connection)?;
        }
        Ok(())
    }

    /// The rows of a profile, for [`Profile::open`](crate::subscriber::vault::Profile::open).
    ///
    /// # Errors
    /// When the database fails.
    pub fn profile_of(&mut self, of: SubscriberId) -> Result<Vec<ProfileRow>, StoreError> {
        vault_attribute::table
            .filter(vault_attribute::subscriber.eq(of.as_bytes().to_vec()))
            .order(vault_attribute::attribute)
            .select((vault_attribute::attribute, vault_attribute::version, vault_attribute::sealed))
            .load::<(String, i32, Vec<u8>)>(self.connection)?
            .into_iter()
            .map(|(attribute, version, sealed)| {
                let version = typed(version, "vault_attribute", "version")?;
                Ok(ProfileRow { attribute, version, sealed: SealedAttribute::from_stored(sealed) })
            })
            .collect()
    }

    /// What the database says of a person's proofing, with the list of the profile that stands beside it: for
    /// [`StoredProofing::authenticate`](crate::sealing::VouchedRow::authenticate), before which nothing of it counts.
    ///
    /// # Errors
    /// When the database fails.
    pub fn stored_proofing_of(
        &mut self,
        of: SubscriberId,
    ) -> Result<Option<(StoredProofing, Option<SealedAttribute>)>, StoreError> {
        type Row = (i32, i64, Option<i64>, i32, Vec<u8>, Option<Vec<u8>>);
        let list = vault_attribute::subscriber
            .eq(proofed_profile::subscriber)
            .and(vault_attribute::attribute.eq(ProfileRow::LIST));
        let row_and_list = proofed_profile::table
            .left_join(vault_attribute::table.on(list))
            .filter(proofed_profile::subscriber.eq(of.as_bytes().to_vec()))
            .select((
                proofed_profile::ial,
                proofed_profile::verified_at,
                proofed_profile::expires_at,
                proofed_profile::face_was_matched,
                proofed_profile::mac,
                vault_attribute::sealed.nullable(),
            ));
        let rows: Vec<Row> = on_each!(self.connection, inner => row_and_list.load(inner))?;
        // We write one list; of two, neither is the profile's.
        let only = rows.len() == 1;
        Ok(rows.into_iter().next().map(|(ial, verified_at, expires_at, face_was_matched, mac, list)| {
            let list = list.filter(|_| only).map(SealedAttribute::from_stored);
            (StoredProofing { ial, verified_at, expires_at, face_was_matched, mac }, list)
        }))
    }
}
