//! A service's part in a browser's session: what it got there before, and what is written down when it signs somebody in.
//!
//! A service that signs a person in again in the same session keeps its SessionIndex and a transient name, and stays one
//! participant: it is told once when the session ends.

use crate::accounts::known_name;
use crate::accounts::known_name::Place;
use crate::accounts::session::BrowserSession;
use crate::accounts::site::Site;
use crate::accounts::{Trouble, report_altered};
use crate::event::AlteredRecord;
use crate::federation::issue::EarlierSignIn;
use crate::saml::assertion::{AssertionParts, NameId};
use crate::sealing::KeysError;
use crate::storage::{Participant, StoreError};
use crate::subscriber::SubscriberId;

/// What a service has in a session, oldest first, each part with the name by which it knows the person.
pub(super) struct Participation(Vec<(Participant, NameId)>);

impl Participation {
    /// What this service has in this browser's session. A part whose name does not open is reported and left out.
    ///
    /// # Errors
    /// When the database or the keys are unavailable.
    pub(super) async fn of(
        site: &Site,
        session: &BrowserSession,
        subscriber: SubscriberId,
        entity_id: &str,
    ) -> Result<Self, Trouble> {
        let (id, service) = (session.id_hash(), entity_id.to_owned());
        let parts = site.store.read::<_, StoreError, _>(move |tx| tx.parts_of_service(id, &service)).await?;
        let mut opened = Vec::with_capacity(parts.len());
        for part in parts.into_iter().filter(|part| part.subscriber == subscriber) {
            match known_name::open(&*site.keys, Place::of(&part), &part.name_id_sealed) {
                Ok(name) => opened.push((part, name)),
                Err(KeysError::Unavailable) => return Err(KeysError::Unavailable.into()),
                Err(_) => report_altered(subscriber, AlteredRecord::NameId),
            }
        }
        Ok(Self(opened))
    }

    /// What the next assertion repeats.
    pub(super) fn earlier(&self) -> Option<EarlierSignIn> {
        let (last, _) = self.0.last()?;
        let transient = self.0.iter().rev().find(|(_, name)| name.is_transient()).map(|(_, name)| name.clone());
        Some(EarlierSignIn { session_index: last.session_index.clone(), transient })
    }

    /// What is written down with this assertion: the part that the service has already where it got the same SessionIndex and
    /// name, otherwise a new one.
    ///
    /// # Errors
    /// When the keys are unavailable.
    pub(super) fn joining(
        self,
        site: &Site,
        subscriber: SubscriberId,
        assertion: &AssertionParts,
    ) -> Result<Participant, KeysError> {
        let joined_at = assertion.issue_instant;
        let is_same = |(part, name): &(Participant, NameId)| {
            part.session_index == assertion.session_index && *name == assertion.name_id
        };
        if let Some((part, _)) = self.0.into_iter().find(is_same) {
            return Ok(Participant { joined_at, ..part });
        }
        let place = Place {
            subscriber,
            entity_id: assertion.audience.as_str(),
            assertion_id: assertion.id.as_str(),
            session_index: &assertion.session_index,
        };
        Ok(Participant {
            name_id_sealed: known_name::seal(&*site.keys, place, &assertion.name_id)?,
            subscriber,
            entity_id: assertion.audience.to_string(),
            assertion_id: assertion.id.to_string(),
            session_index: assertion.session_index.clone(),
            joined_at,
        })
    }
}
