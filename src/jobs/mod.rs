//! Background work: the outbox that sends mails and text messages, forgetting what is over, and taking over what other nodes
//! and the terminal have changed.
//!
//! Nodes share the work through the database: a message is leased, so that one node sends it and another takes over when
//! that one dies.
//!
//! | what | kept for |
//! |---|---|
//! | finished messages (their contents are gone at once), used links and codes, throttle windows | [`WORK_KEPT_FOR`] |
//! | ended sessions | [`SESSIONS_KEPT_FOR`]; those of nobody not at all |
//! | waiting and seen requests | until they would be refused as stale |
//!
//! The ledger, consents and each person's history are never forgotten here.

pub mod metadata;
mod outbox;
pub mod signing;

pub use outbox::Outbox;

use std::{sync::Arc, time::Duration as StdDuration};

use time::Duration;

use crate::{
    services::Clock,
    storage::{Store, StoreError},
};

/// Retention of finished work.
pub const WORK_KEPT_FOR: Duration = Duration::days(7);
/// Retention of ended sessions: as long as somebody may ask what happened in them.
pub const SESSIONS_KEPT_FOR: Duration = Duration::days(30);
/// How often what is over is forgotten.
const FORGET_EVERY: StdDuration = StdDuration::from_secs(60);

/// Forgets what is over; says how many rows.
///
/// # Errors
/// When the database fails.
pub async fn forget(store: &Store, clock: &dyn Clock) -> Result<usize, StoreError> {
    let now = clock.now();
    let mut rows = store
        .transaction::<_, StoreError, _>(move |tx| {
            Ok(tx.forget_finished_work(now - WORK_KEPT_FOR)?
                + tx.forget_expired_requests(now)?
                + tx.forget_waiting_responses(now)?
                + tx.forget_expired_logouts(now)?)
        })
        .await?;
    // In small transactions, so that nobody who signs in waits long for the one writer.
    loop {
        let gone = store
            .transaction::<_, StoreError, _>(move |tx| tx.forget_ended_sessions(now - SESSIONS_KEPT_FOR, now))
            .await?;
        rows += gone;
        if gone == 0 {
            return Ok(rows);
        }
    }
}

/// Runs [`forget`] again and again. It ends when it is dropped.
pub async fn keep_forgetting(store: Store, clock: Arc<dyn Clock>) {
    let mut ticks = tokio::time::interval(FORGET_EVERY);
    loop {
        ticks.tick().await;
        match forget(&store, &*clock).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "forgot what is over"),
            Err(error) => tracing::warn!(%error, "could not forget what is over; it is tried again"),
        }
    }
}
