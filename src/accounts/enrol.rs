//! Setting authenticators up: the first one of an account, which completes signing up, and later ones.

use super::session::SessionTrouble;
use super::visitor::Visitor;
use super::{
    AuthenticatorSecret, Beside, Trouble, account_of, addresses_of, authenticators_of, change_account,
    make_recovery_key, name_of, new_authenticator,
};
use crate::authentication::{AuthenticationEvent, AuthenticatorId, Proof};
use crate::event::Event;
use crate::storage::Transaction;
use crate::subscriber::{SubscriberId, SubscriberStatus};

/// The most authenticators of one kind that an account may have.
const MOST_OF_A_KIND: usize = 5;

/// When an authenticator is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// Later, in an account that has one.
    Account,
    /// The first one, while signing up.
    SignUp,
}

/// Why an authenticator was not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotEnrolled {
    /// It is an account's already.
    Taken,
    /// The account has as many of this kind as it may have.
    TooMany,
}

/// An authenticator that has shown that it works.
pub struct Enrolled {
    /// What it is.
    pub secret: AuthenticatorSecret,
    /// The last accepted step, or the signature counter.
    pub counter: u64,
    /// What its person calls it; empty where they did not say.
    pub name: String,
    /// That it works.
    pub proof: Proof,
}

/// What an app or a key shows to tell accounts apart.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn first_address(tx: &mut Transaction<'_>, visitor: &Visitor, of: SubscriberId) -> Result<String, Trouble> {
    let addresses = addresses_of(tx, &visitor.site, of)?;
    Ok(addresses.first().map(|known| known.address.as_str().to_owned()).unwrap_or_default())
}

/// Adds the authenticator and tells the person. The first one of an account signs them in; a later one has been used by being
/// set up, so a service that demands just that is answered.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn enrol(
    tx: &mut Transaction<'_>,
    visitor: &mut Visitor,
    occasion: Occasion,
    of: SubscriberId,
    enrolled: &Enrolled,
) -> Result<Result<(), NotEnrolled>, Trouble> {
    let (site, now, locale) = (visitor.site.clone(), visitor.now, visitor.session.locale());
    let kind = enrolled.secret.kind();
    if occasion == Occasion::SignUp {
        // Of two browsers that stand here with one account, one finishes.
        tx.lock_subscriber(of)?;
        if account_of(tx, &site, of)?.is_none_or(|account| account.status != SubscriberStatus::SigningUp) {
            return Err(SessionTrouble::Ended.into());
        }
    }
    let existing = authenticators_of(tx, &site, of)?.iter().filter(|one| one.secret.kind() == kind).count();
    if existing >= MOST_OF_A_KIND {
        return Ok(Err(NotEnrolled::TooMany));
    }
    let name = name_of(&enrolled.name).unwrap_or_else(|| {
        let kind = format!("method-{}", kind.as_str().replace('_', "-"));
        crate::texts::text(locale, &kind, &[])
    });
    let record = new_authenticator(&site, of, &name, &enrolled.secret, enrolled.counter, now)?;
    let id: AuthenticatorId = record.id;
    if !tx.add_authenticator(&record)? {
        return Ok(Err(NotEnrolled::Taken));
    }
    tx.touch_authenticator(id, now)?;
    let pending = &mut visitor.session.state.pending;
    (pending.totp_secret, pending.webauthn, pending.new_phone) = (None, None, None);
    let beside = if occasion == Occasion::Account { Beside::Nothing } else { Beside::SigningUp };
    visitor.remember_with(tx, of, Event::MethodAdded { method: kind }, beside)?;
    if occasion == Occasion::Account {
        let event = AuthenticationEvent::of(enrolled.proof, Some(id), now);
        visitor.session.state.events.push(event);
        return Ok(Ok(()));
    }
    change_account(tx, &site, of, |account| account.status = SubscriberStatus::Active)?;
    tx.end_sessions_of(of, Some(visitor.session.id_hash()), now)?;
    let state = &mut visitor.session.state;
    state.events.push(AuthenticationEvent::of(enrolled.proof, Some(id), now));
    state.sign_in();
    let vault_key = state.vault_key().cloned();
    visitor.session.begin_anew(&site);
    visitor.remember_browser(tx, of)?;
    if let Some(vault_key) = vault_key {
        make_recovery_key(tx, visitor, of, &vault_key)?;
    }
    Ok(Ok(()))
}
