//! The plans of signing keys, which nodes follow which, which services fetched our metadata at their own address, and with which key they were
//! answered last.

use diesel::prelude::*;
use time::UtcDateTime;

use super::schema::{disclosure, metadata_fetch, signing_node, signing_plan};
use super::{StoreError, Transaction, instant, milliseconds, on_each};
use crate::rollover::{MetadataFetch, NodeSeen, StoredSigningPlan};

impl Transaction<'_> {
    /// The plans that are stored, the newest first, at most `limit`. Whoever asks looks for the first that this service
    /// wrote.
    ///
    /// # Errors
    /// When the database fails.
    pub fn signing_plans(&mut self, limit: u32) -> Result<Vec<StoredSigningPlan>, StoreError> {
        type Row = (i64, String, Vec<u8>, i64, String);
        let rows: Vec<Row> = signing_plan::table
            .order(signing_plan::version.desc())
            .limit(i64::from(limit))
            .select((
                signing_plan::version,
                signing_plan::document,
                signing_plan::mac,
                signing_plan::made_at,
                signing_plan::made_by,
            ))
            .load(self.connection)?;
        rows.into_iter()
            .map(|(version, document, mac, made_at, made_by)| {
                let made_at = instant(made_at, "signing_plan", "made_at")?;
                Ok(StoredSigningPlan { version, document, mac, made_at, made_by })
            })
            .collect()
    }

    /// Stores a plan under its number; `false` when another one has it. Of two that are made at once, one is stored.
    ///
    /// # Errors
    /// When the database fails.
    pub fn add_signing_plan(&mut self, plan: &StoredSigningPlan) -> Result<bool, StoreError> {
        let insertion = diesel::insert_into(signing_plan::table)
            .values((
                signing_plan::version.eq(plan.version),
                signing_plan::document.eq(plan.document.clone()),
                signing_plan::mac.eq(plan.mac.clone()),
                signing_plan::made_at.eq(milliseconds(plan.made_at)),
                signing_plan::made_by.eq(plan.made_by.clone()),
            ))
            .on_conflict_do_nothing();
        let added = on_each!(self.connection, inner => insertion.execute(inner))?;
        Ok(added == 1)
    }

    /// Which plan each node followed when it last said so.
    ///
    /// # Errors
    /// When the database fails.
    pub fn signing_nodes(&mut self) -> Result<Vec<NodeSeen>, StoreError> {
        let rows: Vec<(String, i64, i64)> = signing_node::table
            .order(signing_node::node)
            .select((signing_node::node, signing_node::plan_version, signing_node::seen_at))
            .load(self.connection)?;
        rows.into_iter()
            .map(|(node, plan_version, at)| {
                Ok(NodeSeen { node, plan_version, at: instant(at, "signing_node", "seen_at")? })
            })
            .collect()
    }

    /// A node says which plan it follows.
    ///
    /// # Errors
    /// When the database fails.
    pub fn record_signing_node(&mut self, seen: &NodeSeen) -> Result<(), StoreError> {
        let values =
            (signing_node::plan_version.eq(seen.plan_version), signing_node::seen_at.eq(milliseconds(seen.at)));
        let insertion = diesel::insert_into(signing_node::table)
            .values((signing_node::node.eq(seen.node.clone()), values))
            .on_conflict(signing_node::node)
            .do_update()
            .set(values);
        on_each!(self.connection, inner => insertion.execute(inner))?;
        Ok(())
    }

    /// When each service last fetched our metadata at its own address, and made by which plan.
    ///
    /// # Errors
    /// When the database fails.
    pub fn metadata_fetches(&mut self) -> Result<Vec<(String, MetadataFetch)>, StoreError> {
        let rows: Vec<(String, i64, i64)> = metadata_fetch::table
            .select((metadata_fetch::entity_id, metadata_fetch::fetched_at, metadata_fetch::plan_version))
            .load(self.connection)?;
        rows.into_iter()
            .map(|(entity_id, at, plan_version)| {
                Ok((entity_id, MetadataFetch { at: instant(at, "metadata_fetch", "fetched_at")?, plan_version }))
            })
            .collect()
    }

    /// Remembers that a service fetched our metadata.
    ///
    /// # Errors
    /// When the database fails.
    pub fn record_metadata_fetch(&mut self, entity_id: &str, fetch: MetadataFetch) -> Result<(), StoreError> {
        let values = (
            metadata_fetch::fetched_at.eq(milliseconds(fetch.at)),
            metadata_fetch::plan_version.eq(fetch.plan_version),
        );
        let insertion = diesel::insert_into(metadata_fetch::table)
            .values((metadata_fetch::entity_id.eq(entity_id.to_owned()), values))
            .on_conflict(metadata_fetch::entity_id)
            .do_update()
            .set(values);
        on_each!(self.connection, inner => insertion.execute(inner))?;
        Ok(())
    }

    /// When a service last received an assertion, and with which key that was signed: out of the ledger.
    ///
    /// # Errors
    /// When the database fails.
    pub fn last_assertion_for(&mut self, entity_id: &str) -> Result<Option<(UtcDateTime, String)>, StoreError> {
        let row: Option<(i64, String)> = disclosure::table
            .filter(disclosure::entity_id.eq(entity_id))
            .order(disclosure::at.desc())
            .select((disclosure::at, disclosure::signing_key_id))
            .first(self.connection)
            .optional()?;
        row.map(|(at, key)| Ok((instant(at, "disclosure", "at")?, key))).transpose()
    }

    /// When a service last received an assertion that was signed with this key.
    ///
    /// # Errors
    /// When the database fails.
    pub fn last_assertion_signed_with(
        &mut self,
        entity_id: &str,
        key: &str,
    ) -> Result<Option<UtcDateTime>, StoreError> {
        let at: Option<i64> = disclosure::table
            .filter(disclosure::entity_id.eq(entity_id))
            .filter(disclosure::signing_key_id.eq(key))
            .order(disclosure::at.desc())
            .select(disclosure::at)
            .first(self.connection)
            .optional()?;
        at.map(|at| instant(at, "disclosure", "at")).transpose()
    }
}
