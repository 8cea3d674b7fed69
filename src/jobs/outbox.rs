//! The outbox: messages written in the transaction that caused them, sent by workers, tried again with growing pauses, and
//! dropped when they come too late.
//!
//! What waits is sealed; when it is sent, refused or dropped, its contents are gone and only the outcome is kept.

use std::{fmt, sync::Arc, time::Duration as StdDuration};

use futures_util::future::join_all;
use time::{Duration, UtcDateTime};
use tokio::sync::Notify;

use crate::{
    event::{Event, Explanation},
    services::{
        Clock, ServiceOutcome,
        keys::{KeysError, ServiceKeys},
        mail::{Mail, OutgoingMail},
        message::Message,
        sms::{OutgoingSms, Sms},
    },
    storage::{OutboxEntry, OutboxId, OutboxOutcome, Store, StoreError},
    subscriber::{EmailAddress, PhoneNumber},
};

/// How many messages a worker takes at once.
const BATCH: i64 = 16;
/// How long a worker may take over them before another one does.
const LEASE: Duration = Duration::minutes(2);
/// The first pause after an outage; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::seconds(2);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::minutes(10);
/// How often the outbox is looked at when nobody calls.
const LOOK_EVERY: StdDuration = StdDuration::from_secs(1);

/// The worker. A clone shares everything.
#[derive(Clone)]
pub struct Outbox {
    store: Store,
    keys: Arc<dyn ServiceKeys>,
    mail: Arc<dyn Mail>,
    sms: Arc<dyn Sms>,
    clock: Arc<dyn Clock>,
    called: Arc<Notify>,
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").finish_non_exhaustive()
    }
}

impl Outbox {
    /// A worker over these ports.
    #[must_use]
    pub fn new(
        store: Store,
        keys: Arc<dyn ServiceKeys>,
        mail: Arc<dyn Mail>,
        sms: Arc<dyn Sms>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { store, keys, mail, sms, clock, called: Arc::default() }
    }

    /// Says that something was put into the outbox, so that it goes at once. Forgetting to call costs a second.
    pub fn call(&self) {
        self.called.notify_one();
    }

    /// Works until it is dropped.
    pub async fn run(self) {
        loop {
            match self.work_once().await {
                // There may be more.
                Ok(taken) if taken > 0 => {}
                Ok(_) => drop(tokio::time::timeout(LOOK_EVERY, self.called.notified()).await),
                Err(error) => {
                    tracing::warn!(%error, "the outbox cannot be read; it is tried again");
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            }
        }
    }

    /// Takes what is due and sends it; says how many messages were taken.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn work_once(&self) -> Result<usize, StoreError> {
        let now = self.clock.now();
        // A look without the writer's lock comes first: mostly there is nothing to do.
        if !self.store.read(|tx| Ok::<_, StoreError>(tx.outbox_length()? > 0)).await? {
            return Ok(0);
        }
        let entries = self.store.transaction(move |tx| tx.claim_outbox(BATCH, now, now + LEASE)).await?;
        let ends = join_all(entries.iter().map(|entry| self.deliver(entry))).await;
        let taken = entries.len();
        let done: Vec<(OutboxId, End)> = entries.iter().map(|entry| entry.id).zip(ends).collect();
        let now = self.clock.now();
        self.store
            .transaction(move |tx| {
                for (id, end) in done {
                    match end {
                        End::Finished(outcome) => tx.finish_outbox(id, outcome, now)?,
                        End::TryAgain(at) => tx.retry_outbox(id, at)?,
                    }
                }
                Ok::<_, StoreError>(())
            })
            .await?;
        Ok(taken)
    }

    async fn deliver(&self, entry: &OutboxEntry) -> End {
        let now = self.clock.now();
        let (channel, attempts) = (channel_of(entry), entry.attempts);
        if now >= entry.expires_at {
            Event::MessageDropped { channel, attempts, why: Explanation::of(&TooLate) }.log(None);
            return End::Finished(OutboxOutcome::Dropped);
        }
        match self.hand_over(entry, now).await {
            Ok(ServiceOutcome::Answered(())) => {
                Event::MessageSent { channel, attempts }.log(None);
                End::Finished(OutboxOutcome::Sent)
            }
            Ok(ServiceOutcome::Refused(reason)) => {
                Event::MessageRefused { channel, attempts, why: Explanation::of(&reason) }.log(None);
                End::Finished(OutboxOutcome::Refused)
            }
            Ok(ServiceOutcome::Unavailable(reason)) => {
                Event::MessageDelayed { channel, attempts, why: Explanation::of(&reason) }.log(None);
                try_again(entry, now)
            }
            Err(fault @ KeysError::Unavailable) => {
                Event::MessageDelayed { channel, attempts, why: Explanation::of(&fault) }.log(None);
                try_again(entry, now)
            }
            Err(fault) => {
                Event::MessageDropped { channel, attempts, why: Explanation::of(&fault) }.log(None);
                End::Finished(OutboxOutcome::Dropped)
            }
        }
    }

    async fn hand_over(&self, entry: &OutboxEntry, now: UtcDateTime) -> Result<ServiceOutcome<()>, KeysError> {
        Ok(match Message::open(&entry.sealed, entry.id, &*self.keys)? {
            Message::Mail { to, subject, text, html } => {
                let to = EmailAddress::parse(&to).map_err(|_| KeysError::Malformed)?;
                let reference = entry.id.to_string();
                self.mail.send(&OutgoingMail { to, subject, text, html, reference, at: now }).await
            }
            Message::Sms { to, text } => {
                let to = PhoneNumber::parse(&to, "US").map_err(|_| KeysError::Malformed)?;
                self.sms.send(&OutgoingSms { to, text }).await
            }
        })
    }
}

/// The message waited longer than it is of use.
#[derive(Debug, thiserror::Error)]
#[error("it came too late")]
struct TooLate;

/// The stored word, as one of ours.
fn channel_of(entry: &OutboxEntry) -> &'static str {
    match entry.kind.as_str() {
        "mail" => "mail",
        "sms" => "sms",
        _ => "unknown",
    }
}

/// How the work on one message ended.
enum End {
    Finished(OutboxOutcome),
    TryAgain(UtcDateTime),
}

/// After a pause, but no later than when it comes too late: then it is dropped.
fn try_again(entry: &OutboxEntry, now: UtcDateTime) -> End {
    End::TryAgain((now + pause_after(entry.attempts)).min(entry.expires_at))
}

/// The pause after the attempt of this number.
fn pause_after(attempts: u32) -> Duration {
    let doublings = attempts.min(16);
    FIRST_PAUSE.saturating_mul(1_i32.checked_shl(doublings).unwrap_or(i32::MAX)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stay_within_ten_minutes() {
        assert_eq!(pause_after(0), Duration::seconds(2));
        assert_eq!(pause_after(3), Duration::seconds(16));
        assert_eq!(pause_after(1_000), LONGEST_PAUSE);
    }
}
