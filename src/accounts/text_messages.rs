//! To whose phones codes go, how many in all, and whether they come back.
//!
//! An account costs nothing before its first phone, and a text message costs money, most of it in some countries and at numbers
//! that somebody rents to be paid for what they receive. So phones that are not yet anybody's authenticator have budgets apart
//! from those of people who sign in: by country, by block of numbers, in all. A code that is asked for is counted by its
//! country as sent, and as confirmed when it comes back: [`Event::TextCodesUnconfirmed`] tells when few do.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::accounts::site::Site;
use crate::accounts::{Trouble, count, count_of};
use crate::authentication::out_of_band::TextMessageTerms;
use crate::authentication::throttle::RateLimit;
use crate::event::Event;
use crate::storage::Transaction;
use crate::subscriber::{Country, PhoneNumber};

/// The terms, and what this node has seen. A clone counts the same.
#[derive(Clone, Default)]
pub struct TextMessages {
    terms: Arc<TextMessageTerms>,
    seen: Arc<Mutex<BTreeMap<Country, Seen>>>,
}

/// What this node has seen of codes for new phones since it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// Codes that were put into the outbox.
    pub sent: u64,
    /// Codes that came back.
    pub confirmed: u64,
}

impl TextMessages {
    /// Nothing was seen yet.
    #[must_use]
    pub fn new(terms: TextMessageTerms) -> Self {
        Self { terms: Arc::new(terms), seen: Arc::default() }
    }

    /// The terms.
    #[must_use]
    pub fn terms(&self) -> &TextMessageTerms {
        &self.terms
    }

    /// Whether a phone of this country can be set up.
    #[must_use]
    pub fn may_be_set_up(&self, phone: &PhoneNumber) -> bool {
        phone.country().is_some_and(|country| self.terms.countries.contains(&country))
    }

    /// What was seen, by country.
    #[must_use]
    pub fn seen(&self) -> BTreeMap<Country, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn see(&self, country: Country, add: impl FnOnce(&mut Seen)) {
        add(self.seen.lock().unwrap_or_else(PoisonError::into_inner).entry(country).or_default());
    }
}

impl fmt::Debug for TextMessages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextMessages").field("terms", &self.terms).finish_non_exhaustive()
    }
}

/// A code goes to a phone that is being set up; what is to be told of it, if anything.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn code_sent(tx: &mut Transaction<'_>, site: &Site, phone: &PhoneNumber) -> Result<Option<Event>, Trouble> {
    let Some(country) = phone.country() else { return Ok(None) };
    site.text_messages.see(country, |seen| seen.sent += 1);
    let (key, now) = ([country.as_str().as_bytes()], site.now());
    let sent = count(tx, site, &RateLimit::TEXTS_SENT, &key, now)?;
    let confirmed = count_of(tx, site, &RateLimit::TEXTS_CONFIRMED, &key, now)?;
    Ok(few_come_back(sent, confirmed).then_some(Event::TextCodesUnconfirmed { country, sent, confirmed }))
}

/// A code came back from a phone that was being set up.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn code_confirmed(tx: &mut Transaction<'_>, site: &Site, phone: &PhoneNumber) -> Result<(), Trouble> {
    let Some(country) = phone.country() else { return Ok(()) };
    site.text_messages.see(country, |seen| seen.confirmed += 1);
    count(tx, site, &RateLimit::TEXTS_CONFIRMED, &[country.as_str().as_bytes()], site.now()).map(drop)
}

/// Whether this code, the one of number `sent` of an hour, is worth an alarm: every tenth is, from the twentieth on, while fewer
/// than three of ten came back. Of people who set a phone up nearly all give the code back.
fn few_come_back(sent: u32, confirmed: u32) -> bool {
    sent >= 20 && sent.is_multiple_of(10) && confirmed.saturating_mul(10) < sent.saturating_mul(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_comes_when_few_codes_come_back_and_not_with_each_of_them() {
        assert!(!few_come_back(19, 0), "too few to tell");
        assert!(few_come_back(20, 0) && few_come_back(20, 5) && few_come_back(1_000, 299));
        assert!(!few_come_back(20, 6) && !few_come_back(1_000, 300));
        assert!(!few_come_back(21, 0), "every tenth");
    }
}
