//! The links that mails carry.

use diesel::prelude::*;
use time::UtcDateTime;

use crate::authentication::recovery::{LinkHash, LinkPurpose};
use crate::storage::schema::email_link;
use crate::storage::{StoreError, Transaction, instant, maybe_instant, milliseconds};

/// The record behind the link of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRecord {
    /// The hash of its token.
    pub token_hash: LinkHash,
    /// What it allows.
    pub purpose: LinkPurpose,
    /// Whom and what it is for, sealed with the service's keys.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub made_at: UtcDateTime,
    /// It is refused from this moment on.
    pub expires_at: UtcDateTime,
    /// When it was used up.
    pub used_at: Option<UtcDateTime>,
}

impl Transaction<'_> {
    /// Keeps the record behind a link.
    ///
    /// # Errors
    /// When the database fails.
    pub fn add_link(&mut self, link: &LinkRecord) -> Result<(), StoreError> {
        diesel::insert_into(email_link::table)
            .values((
                email_link::token_hash.eq(link.token_hash.as_bytes().to_vec()),
                email_link::purpose.eq(link.purpose.as_str()),
                email_link::sealed.eq(link.sealed.clone()),
                email_link::made_at.eq(milliseconds(link.made_at)),
                email_link::expires_at.eq(milliseconds(link.expires_at)),
            ))
            .execute(self.connection)?;
        Ok(())
    }

    /// The record behind a link, used up or expired ones included.
    ///
    /// # Errors
    /// When the database fails.
    pub fn link(&mut self, token_hash: &LinkHash) -> Result<Option<LinkRecord>, StoreError> {
        type Row = (String, Vec<u8>, i64, i64, Option<i64>);
        let row: Option<Row> = email_link::table
            .find(token_hash.as_bytes().to_vec())
            .select((
                email_link::purpose,
                email_link::sealed,
                email_link::made_at,
                email_link::expires_at,
                email_link::used_at,
            ))
            .first(self.connection)
            .optional()?;
        row.map(|(purpose, sealed, made_at, expires_at, used_at)| {
            Ok(LinkRecord {
                token_hash: *token_hash,
                purpose: LinkPurpose::from_stored(&purpose)
                    .ok_or(StoreError::InconsistentRow { table: "email_link", column: "purpose" })?,
                sealed,
                made_at: instant(made_at, "email_link", "made_at")?,
                expires_at: instant(expires_at, "email_link", "expires_at")?,
                used_at: maybe_instant(used_at, "email_link", "used_at")?,
            })
        })
        .transpose()
    }

    /// Uses a link up, and erases what it was for, so that it is no link whatever is done to the row; `false` when it is used,
    /// expired or unknown. Of two that try at once, one succeeds.
    ///
    /// # Errors
    /// When the database fails.
    pub fn use_link(&mut self, token_hash: &LinkHash, now: UtcDateTime) -> Result<bool, StoreError> {
        let now = milliseconds(now);
        let used = diesel::update(
            email_link::table
                .filter(email_link::token_hash.eq(token_hash.as_bytes().to_vec()))
                .filter(email_link::used_at.is_null())
                .filter(email_link::expires_at.gt(now)),
        )
        .set((email_link::used_at.eq(Some(now)), email_link::sealed.eq(Vec::<u8>::new())))
        .execute(self.connection)?;
        Ok(used == 1)
    }
}
