//! Responses that wait to be fetched by their service (HTTP-Artifact): given out once, forgotten soon.

use diesel::prelude::*;
use time::UtcDateTime;

use super::schema::artifact;
use super::{StoreError, Transaction, instant, milliseconds, on_each};

/// A response that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingResponse {
    /// SHA-256 of the artifact: the store does not know the artifact itself.
    pub digest: [u8; 32],
    /// Who may fetch it.
    pub entity_id: String,
    /// The response, sealed with the service's keys.
    pub response_sealed: Vec<u8>,
    /// It is gone from this moment on.
    pub expires_at: UtcDateTime,
}

impl Transaction<'_> {
    /// Keeps a response until its service fetches it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn add_waiting_response(&mut self, waiting: &WaitingResponse) -> Result<(), StoreError> {
        diesel::insert_into(artifact::table)
            .values((
                artifact::digest.eq(waiting.digest.to_vec()),
                artifact::entity_id.eq(&waiting.entity_id),
                artifact::response_sealed.eq(&waiting.response_sealed),
                artifact::expires_at.eq(milliseconds(waiting.expires_at)),
            ))
            .execute(self.connection)?;
        Ok(())
    }

    /// Takes a response away for its service, and for nobody else. Of two that ask at once, one gets it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn take_waiting_response(
        &mut self,
        digest: [u8; 32],
        entity_id: &str,
        now: UtcDateTime,
    ) -> Result<Option<WaitingResponse>, StoreError> {
        let mine = artifact::table
            .filter(artifact::digest.eq(digest.to_vec()))
            .filter(artifact::entity_id.eq(entity_id.to_owned()))
            .filter(artifact::expires_at.gt(milliseconds(now)));
        let taken = diesel::delete(mine).returning((artifact::response_sealed, artifact::expires_at));
        let row: Option<(Vec<u8>, i64)> = on_each!(self.connection, inner => taken.get_result(inner)).optional()?;
        row.map(|(response_sealed, expires_at)| {
            let expires_at = instant(expires_at, "artifact", "expires_at")?;
            Ok(WaitingResponse { digest, entity_id: entity_id.to_owned(), response_sealed, expires_at })
        })
        .transpose()
    }
}
