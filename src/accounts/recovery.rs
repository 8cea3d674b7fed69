//! A forgotten password, and opening the vault again. The rules stand in [`crate::authentication::recovery`].

use super::session::SessionTrouble;
use super::site::Site;
use super::visitor::Visitor;
use super::{
    ChosenPassword, Letter, LinkContent, TooMany, Trouble, Try, WaitingRequest, account_of, allow, change_account,
    find_address, give_back, known_to, language_of, make_link, password_of, report_altered, send_letter, set_password,
};
use crate::authentication::look_up_secret::RecoveryKey;
use crate::authentication::password::{PasswordVerifier, StretchedPassword};
use crate::authentication::recovery::LinkPurpose;
use crate::authentication::session::{Notice, SessionVault};
use crate::event::{AlteredRecord, Event};
use crate::storage::Transaction;
use crate::subscriber::vault::{SealedSlot, SlotId, SlotKey, SlotKind, VaultError, VaultKey};
use crate::subscriber::{EmailAddress, SubscriberId, SubscriberStatus, VaultState};
use time::UtcDateTime;

/// Sends the link that chooses a new password; to an address without an account, a mail that says so. The same work is done for
/// both.
///
/// # Errors
/// When the database or the keys are unavailable; inside, [`TooMany`], and then no mail goes out.
pub fn send_password_link(
    tx: &mut Transaction<'_>,
    visitor: &Visitor,
    address: &EmailAddress,
    waiting_request: Option<WaitingRequest>,
) -> Result<Result<(), TooMany>, Trouble> {
    let (site, now) = (&visitor.site, visitor.now);
    let canonical = address.canonical();
    let known = find_address(tx, &*site.keys, address)?;
    let tries = match &known {
        // What strangers use up is not the owner's.
        Some(record) if is_owner(tx, visitor, record.subscriber)? => {
            vec![Try::new(site.limits.password_mail_by_owner, &[record.subscriber.as_bytes()])]
        }
        _ => {
            let mut tries = Try::from_network(site.limits.mail_by_network, &[], &visitor.client);
            tries.push(Try::new(site.limits.password_mail_by_address, &[canonical.as_bytes()]));
            tries
        }
    };
    if let Err(too_many) = allow(tx, site, &tries, now)? {
        return Ok(Err(too_many));
    }
    let content = LinkContent {
        email_address: address.as_str().to_owned(),
        subscriber: known.as_ref().map(|record| record.subscriber),
        waiting_request,
    };
    // The same work is done for an address without an account; only its link goes to nobody.
    let token = make_link(tx, site, LinkPurpose::ForgottenPassword, &content, now)?;
    let letter = if known.is_some() { Letter::ForgottenPassword(token) } else { Letter::NoAccount };
    let of = known.as_ref().map(|record| record.subscriber);
    let locale = language_of(tx, of)?.unwrap_or(visitor.session.locale());
    send_letter(tx, site, locale, address, &letter, now)?;
    Ok(Ok(()))
}

/// Whether this browser is the account's own: its person is signed in, or it is known to the account.
fn is_owner(tx: &mut Transaction<'_>, visitor: &Visitor, of: SubscriberId) -> Result<bool, Trouble> {
    let signed_in = visitor.session.state.signed_in() == Some(of);
    Ok(signed_in || known_to(tx, &visitor.site, &visitor.known_here, of, visitor.now)?.is_some())
}

/// Puts the new password in place of the old one, seals the vault, ends every session, and tells every address; `false` when the
/// link may not be used (any more).
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn replace_password(
    tx: &mut Transaction<'_>,
    visitor: &mut Visitor,
    chosen: &ChosenPassword,
) -> Result<bool, Trouble> {
    let (site, now) = (visitor.site.clone(), visitor.now);
    let ChosenPassword { link, made_at, content, address, stretched } = chosen;
    let Some(of) = content.subscriber else {
        return Ok(false);
    };
    // Of a reset and another change of the password at once, one comes after the other.
    tx.lock_subscriber(of)?;
    // A link goes with its address: not when that was taken from the account, nor after another link did its work.
    let still_theirs = find_address(tx, &*site.keys, address)?.is_some_and(|record| record.subscriber == of);
    let overtaken = password_of(tx, &site, of)?.is_some_and(|known| *made_at <= known.set_at);
    if !still_theirs || overtaken {
        return Ok(false);
    }
    if !tx.use_link(link, now)? {
        return Ok(false);
    }
    let Some(account) = account_of(tx, &site, of)?.filter(|account| account.status != SubscriberStatus::Ended) else {
        return Ok(false);
    };
    let verifier = PasswordVerifier::new(stretched, of, &*site.keys)?;
    set_password(tx, &site, of, &verifier, now)?;
    if account.status == SubscriberStatus::SigningUp {
        // Nothing is in the vault yet, and there is no recovery key: it begins anew.
        put_password_slot(tx, &site, of, &stretched.slot_key(), &VaultKey::random(&*site.entropy), now)?;
    } else {
        tx.drop_slot(of, SlotKind::Password)?;
        change_account(tx, &site, of, |account| account.vault = VaultState::Sealed)?;
    }
    // This browser's own ends with the reset below: one that was ended here could not be kept any more.
    tx.end_sessions_of(of, Some(visitor.session.id_hash()), now)?;
    visitor.remember(tx, of, Event::PasswordReset)?;
    visitor.session.reset(&site);
    visitor.session.state.notice = Some(Notice::PasswordChanged);
    Ok(true)
}

/// Makes the password open the vault.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn put_password_slot(
    tx: &mut Transaction<'_>,
    site: &Site,
    of: SubscriberId,
    slot_key: &SlotKey,
    vault_key: &VaultKey,
    now: UtcDateTime,
) -> Result<(), Trouble> {
    let id = SlotId::random(&*site.entropy);
    let slot = SealedSlot::seal(id, of, slot_key, vault_key, &*site.keys, &*site.entropy)?;
    Ok(tx.put_slot(of, &slot, None, now)?)
}

/// Makes a new recovery key and its slot, in place of the one before, and leaves the key in the session of the signed-in person to
/// be shown.
///
/// # Errors
/// When the database or the keys are unavailable, or nobody is signed in.
pub fn make_recovery_key(
    tx: &mut Transaction<'_>,
    visitor: &mut Visitor,
    of: SubscriberId,
    vault_key: &VaultKey,
) -> Result<(), Trouble> {
    let site = visitor.site.clone();
    let key = RecoveryKey::random(&*site.entropy);
    let id = SlotId::random(&*site.entropy);
    let slot = SealedSlot::seal(id, of, &key.slot_key(), vault_key, &*site.keys, &*site.entropy)?;
    tx.put_slot(of, &slot, None, visitor.now)?;
    let signed_in = visitor.session.state.signed_in_mut().ok_or(SessionTrouble::Ended)?;
    signed_in.new_recovery_key = Some(key);
    Ok(())
}

/// What came of opening the vault by the recovery key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// The key opens nothing.
    No,
    /// It opens, and the password that is to open the vault from now on must be typed again.
    SignInAgain,
    /// It is open.
    Yes,
}

/// Opens the vault with the recovery key; the password of this session opens it from now on, and a new recovery key takes the
/// place of the used one.
///
/// # Errors
/// When the database or the keys are unavailable; inside, [`TooMany`].
pub fn open_by_recovery_key(
    tx: &mut Transaction<'_>,
    visitor: &mut Visitor,
    of: SubscriberId,
    key: &RecoveryKey,
) -> Result<Result<Opened, TooMany>, Trouble> {
    let (site, now) = (visitor.site.clone(), visitor.now);
    let counted = match allow(tx, &site, &[Try::new(site.limits.recovery_key, &[of.as_bytes()])], now)? {
        Ok(counted) => counted,
        Err(too_many) => return Ok(Err(too_many)),
    };
    let slots = tx.slots_of(of)?;
    let Some(slot) = slots.iter().find(|slot| slot.kind == SlotKind::RecoveryKey) else {
        return Ok(Ok(Opened::No));
    };
    let vault_key = match slot.open(of, &key.slot_key(), &*site.keys) {
        Ok(vault_key) => vault_key,
        Err(VaultError::DoesNotOpen) => return Ok(Ok(Opened::No)),
        Err(VaultError::Altered) => {
            report_altered(of, AlteredRecord::Slot(slot.id));
            return Ok(Ok(Opened::No));
        }
        Err(error) => return Err(error.into()),
    };
    let waiting = visitor.session.state.vault().and_then(|vault| vault.waiting(SlotKind::Password)).cloned();
    let Some(password_key) = waiting else {
        return Ok(Ok(Opened::SignInAgain));
    };
    give_back(tx, &counted)?;
    put_password_slot(tx, &site, of, &password_key, &vault_key, now)?;
    change_account(tx, &site, of, |account| account.vault = VaultState::Open)?;
    visitor.remember(tx, of, Event::RecoveryKeyUsed)?;
    visitor.session.renew(&site);
    make_recovery_key(tx, visitor, of, &vault_key)?;
    visitor.session.state.signed_in_mut().ok_or(SessionTrouble::Ended)?.vault = SessionVault::Open(vault_key);
    Ok(Ok(Opened::Yes))
}

/// Another password, by somebody who is freshly signed in. The vault goes along: its key is sealed anew for the new password.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn change_password(
    tx: &mut Transaction<'_>,
    visitor: &mut Visitor,
    of: SubscriberId,
    stretched: &StretchedPassword,
) -> Result<(), Trouble> {
    let (site, now) = (visitor.site.clone(), visitor.now);
    let verifier = PasswordVerifier::new(stretched, of, &*site.keys)?;
    set_password(tx, &site, of, &verifier, now)?;
    let slot_key = stretched.slot_key();
    let vault = &mut visitor.session.state.signed_in_mut().ok_or(SessionTrouble::Ended)?.vault;
    match vault.key() {
        Some(vault_key) => put_password_slot(tx, &site, of, &slot_key, vault_key, now)?,
        // Still sealed until the recovery key comes; then it is this password that opens it.
        None => *vault = SessionVault::Closed(vec![slot_key]),
    }
    tx.end_sessions_of(of, Some(visitor.session.id_hash()), now)?;
    visitor.remember_browser(tx, of)?;
    visitor.remember(tx, of, Event::PasswordChanged)?;
    visitor.session.renew(&site);
    visitor.session.state.notice = Some(Notice::PasswordChanged);
    Ok(())
}
