//! The outbox: messages written in the transaction that caused them, sent by workers, tried again with growing pauses, and
//! dropped when they come too late.
//!
//! Each channel has a worker of its own, and how each message ended is written down by itself: a gateway that hangs delays no
//! mail, and one message that hangs delays no other. What waits is sealed; when it is sent, refused or dropped, its contents are
//! gone and only the outcome is kept.

use std::{fmt, sync::Arc, time::Duration as StdDuration};

use futures_util::future::join_all;
use time::{Duration, UtcDateTime};
use tokio::{sync::Notify, task::JoinSet, time::timeout};

use crate::{
    clock::Clock,
    event::{Event, Explanation},
    sealing::{KeysError, ServiceKeys},
    services::{
        Reason, ServiceOutcome,
        mail::{Mail, OutgoingMail},
        message::Message,
        sms::{OutgoingSms, Sms},
    },
    storage::{OutboxEntry, OutboxOutcome, Store, StoreError},
    subscriber::{EmailAddress, PhoneNumber},
};

/// How many messages are under way at once on one channel of one node.
const MOST_UNDER_WAY: usize = 16;
/// How long a worker may take over a message before another one does.
const LEASE: Duration = Duration::minutes(2);
/// How long handing one message over may take in all: less than the lease, so that no two workers send the same.
const HANDED_OVER_WITHIN: StdDuration = StdDuration::from_secs(90);
/// The first pause after an outage; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::seconds(2);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::minutes(10);
/// How often the outbox is looked at when nobody calls.
const LOOK_EVERY: StdDuration = StdDuration::from_secs(1);

/// A way by which messages leave. What a newer version may put beside these waits for a node of that version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Channel {
    Mail,
    Text,
}

impl Channel {
    /// The word in the outbox and in the log.
    const fn kind(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Text => "sms",
        }
    }
}

/// The workers. A clone shares everything.
#[derive(Clone)]
pub struct Outbox {
    store: Store,
    keys: Arc<dyn ServiceKeys>,
    mail: Arc<dyn Mail>,
    sms: Arc<dyn Sms>,
    clock: Arc<dyn Clock>,
    called: Arc<Called>,
}

/// Says to the worker of each channel that it should look.
#[derive(Default)]
struct Called {
    mail: Notify,
    text: Notify,
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").finish_non_exhaustive()
    }
}

impl Outbox {
    /// Workers over these ports.
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
        self.called.mail.notify_one();
        self.called.text.notify_one();
    }

    /// Works until it is dropped.
    pub async fn run(self) {
        tokio::join!(self.work_on(Channel::Mail), self.work_on(Channel::Text));
    }

    /// The worker of one channel. It takes as many messages as there are free places, and takes the next as soon as one of
    /// them is done, however long the others take.
    async fn work_on(&self, channel: Channel) {
        let called = match channel {
            Channel::Mail => &self.called.mail,
            Channel::Text => &self.called.text,
        };
        let mut under_way = JoinSet::new();
        loop {
            while under_way.try_join_next().is_some() {}
            match self.claim(channel, MOST_UNDER_WAY.saturating_sub(under_way.len())).await {
                Ok(entries) => {
                    for entry in entries {
                        let worker = self.clone();
                        under_way.spawn(async move {
                            if let Err(error) = worker.send(channel, &entry).await {
                                tracing::warn!(%error, "how a message ended cannot be written; it is sent again");
                            }
                        });
                    }
                    tokio::select! {
                        () = called.notified() => {}
                        Some(_) = under_way.join_next() => {}
                        () = tokio::time::sleep(LOOK_EVERY) => {}
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "the outbox cannot be read; it is tried again");
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            }
        }
    }

    /// Takes what is due on each channel, sends it and waits for all of it; says how many messages were taken.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn work_once(&self) -> Result<usize, StoreError> {
        let mut taken = 0;
        for channel in [Channel::Mail, Channel::Text] {
            let entries = self.claim(channel, MOST_UNDER_WAY).await?;
            taken += entries.len();
            for written in join_all(entries.iter().map(|entry| self.send(channel, entry))).await {
                written?;
            }
        }
        Ok(taken)
    }

    /// Takes up to `most` messages that are due.
    async fn claim(&self, channel: Channel, most: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        let (now, kind, most) = (self.clock.now(), channel.kind(), i64::try_from(most).unwrap_or(0));
        // A look without the writer's lock comes first: mostly there is nothing to do.
        if most == 0 || !self.store.read(|tx| Ok::<_, StoreError>(tx.outbox_length_of(kind)? > 0)).await? {
            return Ok(Vec::new());
        }
        self.store.transaction(move |tx| tx.claim_outbox(kind, most, now, now + LEASE)).await
    }

    /// Sends one message and writes down how that ended.
    async fn send(&self, channel: Channel, entry: &OutboxEntry) -> Result<(), StoreError> {
        let end = self.deliver(channel, entry).await;
        let (id, now) = (entry.id, self.clock.now());
        self.store
            .transaction(move |tx| match end {
                End::Finished(outcome) => tx.finish_outbox(id, outcome, now),
                End::TryAgain(at) => tx.retry_outbox(id, at),
            })
            .await
    }

    async fn deliver(&self, channel: Channel, entry: &OutboxEntry) -> End {
        let now = self.clock.now();
        let (channel, attempts) = (channel.kind(), entry.attempts);
        if now >= entry.expires_at {
            Event::MessageDropped { channel, attempts, why: Explanation::of(&TooLate) }.log(None);
            return End::Finished(OutboxOutcome::Dropped);
        }
        let handed_over = timeout(HANDED_OVER_WITHIN, self.hand_over(entry, now)).await;
        match handed_over.unwrap_or_else(|_| Ok(ServiceOutcome::Unavailable(Reason::new("it took too long")))) {
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
