//! Taking up a password that has ended: its account by a mailed link, then the second factor, then the password.

use super::visitor::Visitor;
use super::{
    RightPassword, Trouble, UsableLink, account_of, find_address, forget_wrong_passwords, password_has_ended,
    password_of, tries_at_ended_password,
};
use crate::authentication::AuthenticationEvent;
use crate::authentication::recovery::LinkHash;
use crate::authentication::session::{SessionStage, SessionVault, SignedIn, TakingUp};
use crate::event::Event;
use crate::storage::Transaction;
use crate::subscriber::{EmailAddress, SubscriberId, SubscriberStatus, VaultState};

/// The account of a link whose password has ended, may still be tried, and is the one that the link was made for.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn account_to_take_up(
    tx: &mut Transaction<'_>,
    visitor: &Visitor,
    link: &UsableLink,
) -> Result<Option<SubscriberId>, Trouble> {
    let (site, now) = (&visitor.site, visitor.now);
    let address = EmailAddress::parse(&link.content.email_address).ok();
    let (Some(of), Some(address)) = (link.content.subscriber, address) else {
        return Ok(None);
    };
    let still_theirs = find_address(tx, &*site.keys, &address)?.is_some_and(|record| record.subscriber == of);
    let same_password = password_of(tx, site, of)?.is_some_and(|known| known.set_at < link.made_at);
    let active = account_of(tx, site, of)?.is_some_and(|account| account.status == SubscriberStatus::Active);
    let ended = password_has_ended(tx, site, of, now)? && tries_at_ended_password(tx, site, of, now)? > 0;
    Ok((still_theirs && same_password && active && ended).then_some(of))
}

/// The person says that they know the ended password: the second factor follows, then the password.
pub fn begin_taking_up(visitor: &mut Visitor, of: SubscriberId, link: &UsableLink) {
    let site = visitor.site.clone();
    visitor.session.reset(&site);
    visitor.session.state.stage =
        SessionStage::TakingUp(TakingUp { subscriber: of, link: link.token_hash, second_factor: None });
}

/// The link is used up, the password counts again, and its person is signed in. Gives whether the vault still waits for the recovery
/// key; nothing when the link or the account cannot be used any more.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn take_up(
    tx: &mut Transaction<'_>,
    visitor: &mut Visitor,
    right: RightPassword,
    second_factor: AuthenticationEvent,
    link: &LinkHash,
) -> Result<Option<VaultState>, Trouble> {
    let (site, now) = (visitor.site.clone(), visitor.now);
    let RightPassword { account, proof, vault_key, slot_key } = right;
    if account.status != SubscriberStatus::Active || !tx.use_link(link, now)? {
        return Ok(None);
    }
    let of = account.id;
    forget_wrong_passwords(tx, &site, of)?;
    visitor.remember(tx, of, Event::PasswordTakenUp)?;
    visitor.remember(tx, of, Event::SignedIn { method: second_factor.kind() })?;
    let vault = SessionVault::after(vault_key, slot_key, account.vault == VaultState::Sealed);
    let state = &mut visitor.session.state;
    state.stage = SessionStage::SignedIn(SignedIn::new(of, vault));
    state.events = vec![second_factor, AuthenticationEvent::of(proof, None, now)];
    visitor.remember_browser(tx, of)?;
    visitor.session.begin_anew(&site);
    Ok(Some(account.vault))
}
