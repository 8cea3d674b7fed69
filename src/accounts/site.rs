//! What everything about people needs: the database, the keys, the time, the limits, and who we are.

use std::sync::Arc;

use serde::Serialize;
use time::UtcDateTime;
use url::Url;

use crate::accounts::text_messages::TextMessages;
use crate::address::Address;
use crate::authentication::session::SessionLimits;
use crate::authentication::throttle::RateLimits;
use crate::authentication::webauthn::RelyingParty;
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::federation::registry::SharedRegistry;
use crate::sealing::ServiceKeys;
use crate::services::argon2_gate::Argon2Gate;
use crate::storage::Store;

/// Whom people ask when they cannot go on by themselves: at least an address or a number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Contact {
    /// An address to write to.
    pub email: Option<String>,
    /// A number to call.
    pub phone: Option<String>,
    /// When somebody answers.
    pub hours: Option<String>,
}

/// What everything about people needs. A clone is the same.
#[derive(Clone)]
pub struct Site {
    /// The database.
    pub store: Store,
    /// The service's keys.
    pub keys: Arc<dyn ServiceKeys>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// The gate before Argon2id.
    pub gate: Argon2Gate,
    /// Us, as authenticators know us.
    pub relying_party: RelyingParty,
    /// Where browsers find us: `https://host[:port]`, without a path.
    pub origin: Url,
    /// What people call us.
    pub service_name: String,
    /// How long sessions live.
    pub session_limits: SessionLimits,
    /// How often things may be tried and sent.
    pub limits: RateLimits,
    /// The services, so that a page can name the one that asks.
    pub services: SharedRegistry,
    /// Whom people ask, for the help page.
    pub contact: Option<Contact>,
    /// How many proxies stand in front of us and say where a request came from.
    pub proxies: u8,
    /// To whose phones codes go, and what became of them.
    pub text_messages: TextMessages,
}

impl Site {
    /// The time now.
    #[must_use]
    pub fn now(&self) -> UtcDateTime {
        self.clock.now()
    }

    /// The address of one of our pages, for a mail.
    #[must_use]
    pub fn address(&self, page: impl Into<Address>) -> String {
        format!("{}{}", self.origin.as_str().trim_end_matches('/'), page.into())
    }
}
