//! Somebody at one browser, at one moment: what accounts need to know of them. Pages, and what they are asked for, are the
//! shell's.

use time::{Duration, UtcDateTime};

use super::session::BrowserSession;
use super::site::Site;
use super::{Beside, Happened, KnownHere, Trouble, remember_browser};
use crate::authentication::network::Network;
use crate::authentication::offer::Freshness;
use crate::event::Event;
use crate::services::argon2_gate::{PlaceInQueue, Standing};
use crate::storage::Transaction;
use crate::subscriber::SubscriberId;

/// How fresh a sign-in must be for a change to the account (ASVS 7.5.1).
const FRESH: Duration = Duration::minutes(20);

/// Somebody at one browser, at one moment.
pub struct Visitor {
    /// The installation that they visit.
    pub site: Site,
    /// The browser's session.
    pub session: BrowserSession,
    /// When the browser asked.
    pub now: UtcDateTime,
    /// Where it came from, as throttles count it.
    pub client: Network,
    /// To which accounts the browser is known.
    pub known_here: KnownHere,
    /// What happened in the transaction that runs: the log hears of it when it stands.
    pub happened: Happened,
}

impl Visitor {
    /// Somebody who has just come.
    #[must_use]
    pub fn new(site: &Site, session: BrowserSession, client: Network, known_here: KnownHere) -> Self {
        Self { site: site.clone(), session, now: site.now(), client, known_here, happened: Happened::default() }
    }

    /// How much of this person's sign-in is fresh enough for a change to the account.
    #[must_use]
    pub fn freshness(&self, of: SubscriberId) -> Freshness {
        Freshness::of(of, &self.session.state.events, self.now - FRESH, self.now)
    }

    /// Takes a place in the queue of passwords, before anything is written.
    ///
    /// # Errors
    /// [`Trouble::Busy`] when there is none.
    pub fn enter(&self, standing: Standing) -> Result<PlaceInQueue, Trouble> {
        Ok(self.site.gate.enter(&self.client, standing)?)
    }

    /// Says what happened to a person: to their history and their addresses in this transaction, and to the log once it stands.
    ///
    /// # Errors
    /// When the database or the keys are unavailable.
    pub fn remember(&mut self, tx: &mut Transaction<'_>, of: SubscriberId, event: Event) -> Result<(), Trouble> {
        self.remember_with(tx, of, event, Beside::Nothing)
    }

    /// The same of an event beside which there is something.
    ///
    /// # Errors
    /// When the database or the keys are unavailable.
    pub fn remember_with(
        &mut self,
        tx: &mut Transaction<'_>,
        of: SubscriberId,
        event: Event,
        beside: Beside<'_>,
    ) -> Result<(), Trouble> {
        self.happened.record(tx, &self.site, of, event, beside, self.now)
    }

    /// Makes this browser known to an account to which somebody has just signed in with both factors. The answer brings the
    /// cookie.
    ///
    /// # Errors
    /// When the database or the keys are unavailable.
    pub fn remember_browser(&mut self, tx: &mut Transaction<'_>, of: SubscriberId) -> Result<(), Trouble> {
        remember_browser(tx, &self.site, &mut self.known_here, of, self.now)
    }
}
