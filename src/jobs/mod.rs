//! Background work: the outbox that sends mails and text messages, forgetting what is over, and taking over what other nodes
//! and the terminal have changed.
//!
//! Nodes share the work through the database: a message is leased, so that one node sends it and another takes over when
//! that one dies.
//!
//! How long what is kept: [`crate::storage::retention`].

pub mod ledger;
pub mod metadata;
pub mod metadata_folder;
mod outbox;
pub mod signing;

pub use outbox::Outbox;

use std::{sync::Arc, time::Duration as StdDuration};

use time::UtcDateTime;

use crate::{
    clock::Clock,
    storage::retention::{self, RetentionTerms},
    storage::{Store, StoreError},
};

/// How often what is over is forgotten.
const FORGET_EVERY: StdDuration = StdDuration::from_secs(60);

/// Forgets what is over; says how many rows.
///
/// # Errors
/// When the database fails.
pub async fn forget(store: &Store, terms: RetentionTerms, clock: &dyn Clock) -> Result<usize, StoreError> {
    forget_in_batches(store, terms, clock.now(), |_| {}).await
}

/// The same, and says after each transaction how many rows it was about: between two of them others write.
///
/// # Errors
/// When the database fails.
pub async fn forget_in_batches(
    store: &Store,
    terms: RetentionTerms,
    now: UtcDateTime,
    mut after_each: impl FnMut(usize) + Send,
) -> Result<usize, StoreError> {
    let mut rows = 0;
    for erasure in retention::erasures() {
        loop {
            let gone = store.transaction::<_, StoreError, _>(move |tx| tx.erase_batch(erasure, terms, now)).await?;
            after_each(gone);
            rows += gone;
            if gone < retention::BATCH {
                break;
            }
        }
    }
    Ok(rows)
}

/// Runs [`forget`] again and again. It ends when it is dropped.
pub async fn keep_forgetting(store: Store, terms: RetentionTerms, clock: Arc<dyn Clock>) {
    let mut ticks = tokio::time::interval(FORGET_EVERY);
    loop {
        ticks.tick().await;
        match forget(&store, terms, &*clock).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "forgot what is over"),
            Err(error) => tracing::warn!(%error, "could not forget what is over; it is tried again"),
        }
    }
}
