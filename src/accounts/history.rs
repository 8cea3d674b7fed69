//! What happened to people: into their history in the same transaction, and to the log once it stands.

use time::UtcDateTime;

use super::Trouble;
use super::site::Site;
use crate::entropy::{Entropy, random_bytes};
use crate::event::Event;
use crate::storage::{HistoryEntry, Transaction};
use crate::subscriber::SubscriberId;

/// What happened in one transaction.
#[derive(Debug, Default)]
#[must_use]
pub struct Happened(Vec<(SubscriberId, Event)>);

impl Happened {
    /// Says what happened to a person: to their history now, and to the log once the transaction stands.
    ///
    /// # Errors
    /// When the database fails.
    pub fn record(
        &mut self,
        tx: &mut Transaction<'_>,
        site: &Site,
        of: SubscriberId,
        event: Event,
        now: UtcDateTime,
    ) -> Result<(), Trouble> {
        write_down(tx, &*site.entropy, of, &event, now)?;
        self.0.push((of, event));
        Ok(())
    }

    /// The transaction stands: the log hears of it.
    pub fn tell(&mut self) {
        for (of, event) in self.0.drain(..) {
            event.log(Some(of));
        }
    }
}

/// Writes what happened into the person's history, where it belongs there. The caller tells the log once the transaction
/// stands.
///
/// # Errors
/// When the database fails.
pub fn write_down(
    tx: &mut Transaction<'_>,
    entropy: &dyn Entropy,
    of: SubscriberId,
    event: &Event,
    now: UtcDateTime,
) -> Result<(), Trouble> {
    if !event.is_remembered() {
        return Ok(());
    }
    let told: serde_json::Map<_, _> =
        event.fields().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let id = random_bytes(entropy);
    let told = serde_json::Value::Object(told).to_string();
    let entry = HistoryEntry { at: now, kind: event.name().to_owned(), told };
    Ok(tx.add_history(&id, of, &entry)?)
}
