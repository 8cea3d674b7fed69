//! What the account pages show, drawn from what is stored.

use time::UtcDateTime;

use super::pages::{AddressLine, HistoryLine, MethodLine};
use crate::accounts::{Authenticator, AuthenticatorSecret, KnownAddress};
use crate::storage::HistoryEntry;

/// A moment as pages tell it: to the minute, in UTC.
pub(super) fn moment(at: UtcDateTime) -> String {
    let (hour, minute, _) = at.time().as_hms();
    format!("{} {hour:02}:{minute:02}", at.date())
}

pub(super) fn address_lines(known: &[KnownAddress]) -> Vec<AddressLine> {
    let line = |one: &KnownAddress| AddressLine {
        id: one.id.to_string(),
        address: one.address.as_str().to_owned(),
        confirmed_at: moment(one.confirmed_at),
        removable: known.len() > 1,
    };
    known.iter().map(line).collect()
}

pub(super) fn method_lines(all: &[Authenticator]) -> Vec<MethodLine> {
    let working = |but: &Authenticator| all.iter().filter(|one| one.id != but.id && !one.disabled).count();
    let line = |one: &Authenticator| MethodLine {
        id: one.id.to_string(),
        kind: one.secret.kind().as_str(),
        name: one.name.clone(),
        masked: match &one.secret {
            AuthenticatorSecret::Phone(phone) => Some(phone.masked()),
            AuthenticatorSecret::Totp(_) | AuthenticatorSecret::Webauthn(_) => None,
        },
        created_at: moment(one.created_at),
        last_used_at: one.last_used_at.map(moment),
        ended: one.disabled,
        removable: working(one) > 0,
    };
    all.iter().map(line).collect()
}

pub(super) fn history_lines(entries: Vec<HistoryEntry>) -> Vec<HistoryLine> {
    entries.into_iter().map(|entry| HistoryLine { at: moment(entry.at), kind: entry.kind }).collect()
}
