//! What happened to people: into their history and, by mail, to their addresses in the same transaction, and to the log once it
//! stands. What of these an event gets stands in its table, [`crate::event`].

use time::UtcDateTime;

use super::Trouble;
use super::letters::{Letter, notify_everywhere};
use super::site::Site;
use crate::entropy::{Entropy, random_bytes};
use crate::event::Event;
use crate::storage::{HistoryEntry, Transaction};
use crate::subscriber::{EmailAddress, SubscriberId};

/// What is beside an event: for the mail about it.
#[derive(Debug, Clone, Copy)]
pub enum Beside<'a> {
    /// The address that it is about. It gets the mail too if it is none of the account's any more.
    Address(&'a EmailAddress),
    /// Nothing that the event does not say.
    Nothing,
    /// There is no mail: the account is being made, and has nobody else who could have done it.
    SigningUp,
}

/// What happened in one transaction.
#[derive(Debug, Default)]
#[must_use]
pub struct Happened(Vec<(SubscriberId, Event)>);

impl Happened {
    /// Says what happened to a person: to their history and their addresses now, and to the log once the transaction stands.
    ///
    /// # Errors
    /// When the database or the keys are unavailable.
    pub fn record(
        &mut self,
        tx: &mut Transaction<'_>,
        site: &Site,
        of: SubscriberId,
        event: Event,
        beside: Beside<'_>,
        now: UtcDateTime,
    ) -> Result<(), Trouble> {
        write_down(tx, &*site.entropy, of, &event, now)?;
        let address = match beside {
            Beside::Address(address) => Some(address),
            Beside::Nothing | Beside::SigningUp => None,
        };
        let letter = Letter::about(&event, address).filter(|_| !matches!(beside, Beside::SigningUp));
        if let Some(letter) = letter {
            notify_everywhere(tx, site, of, &letter, address, now)?;
        }
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

/// Writes what happened into the person's history alone, where it belongs there. The caller tells the log once the transaction
/// stands. Mails go by [`Happened::record`].
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
