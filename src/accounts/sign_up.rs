//! Signing up: the link to an address, and the account that its password begins.

use super::visitor::Visitor;
use super::{
    AddedAddress, ChosenPassword, Letter, LinkContent, TooMany, Trouble, Try, WaitingRequest, add_account, add_address,
    allow, find_address, language_of, make_link, put_password_slot, send_letter, set_password,
};
use crate::authentication::AuthenticationEvent;
use crate::authentication::password::PasswordVerifier;
use crate::authentication::recovery::LinkPurpose;
use crate::authentication::session::{SessionStage, SessionVault};
use crate::event::Event;
use crate::storage::Transaction;
use crate::subscriber::vault::VaultKey;
use crate::subscriber::{EmailAddress, SubscriberAccount, SubscriberId, SubscriberStatus, VaultState};

/// Sends the link that begins an account; to an address that has one, a mail that says so. The same work is done for both.
///
/// # Errors
/// When the database or the keys are unavailable; inside, [`TooMany`], and then no mail goes out.
pub fn send_sign_up_link(
    tx: &mut Transaction<'_>,
    visitor: &Visitor,
    address: &EmailAddress,
    waiting_request: Option<WaitingRequest>,
) -> Result<Result<(), TooMany>, Trouble> {
    let (site, now) = (&visitor.site, visitor.now);
    let canonical = address.canonical();
    let mut tries = Try::from_network(site.limits.mail_by_network, &[], &visitor.client);
    tries.push(Try::new(site.limits.sign_up_mail_by_address, &[canonical.as_bytes()]));
    if let Err(too_many) = allow(tx, site, &tries, now)? {
        return Ok(Err(too_many));
    }
    let content = LinkContent { email_address: address.as_str().to_owned(), subscriber: None, waiting_request };
    // The same work is done for an address that has an account; only its link goes to nobody.
    let known = find_address(tx, &*site.keys, address)?.map(|record| record.subscriber);
    let token = make_link(tx, site, LinkPurpose::SignUp, &content, now)?;
    let letter = if known.is_some() { Letter::AlreadyAccount } else { Letter::SignUp(token) };
    let locale = language_of(tx, known)?.unwrap_or(visitor.session.locale());
    send_letter(tx, site, locale, address, &letter, now)?;
    Ok(Ok(()))
}

/// Makes the account, its password and its vault; `false` when the link was used or the address taken meanwhile.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn make_account(tx: &mut Transaction<'_>, visitor: &mut Visitor, chosen: &ChosenPassword) -> Result<bool, Trouble> {
    let (site, now) = (visitor.site.clone(), visitor.now);
    let ChosenPassword { link, address, stretched, .. } = chosen;
    if !tx.use_link(link, now)? || find_address(tx, &*site.keys, address)?.is_some() {
        return Ok(false);
    }
    let subscriber = SubscriberId::random(&*site.entropy);
    let account = SubscriberAccount {
        id: subscriber,
        status: SubscriberStatus::SigningUp,
        created_at: now,
        rules_accepted_at: now,
        vault: VaultState::Open,
    };
    add_account(tx, &site, &account)?;
    tx.keep_language(subscriber, visitor.session.locale().tag())?;
    if add_address(tx, &site, subscriber, address, now)? != AddedAddress::Added {
        // Somebody was faster since we looked: nothing of this transaction may stand.
        return Err(Trouble::AddressTaken);
    }
    let verifier = PasswordVerifier::new(stretched, subscriber, &*site.keys)?;
    set_password(tx, &site, subscriber, &verifier, now)?;
    let vault_key = VaultKey::random(&*site.entropy);
    put_password_slot(tx, &site, subscriber, &stretched.slot_key(), &vault_key, now)?;
    visitor.remember(tx, subscriber, Event::AccountCreated)?;
    visitor.session.reset(&site);
    let state = &mut visitor.session.state;
    state.stage = SessionStage::ChoosingMethods { subscriber, vault: SessionVault::Open(vault_key) };
    state.events.push(AuthenticationEvent::of(verifier.chosen(), None, now));
    Ok(true)
}
