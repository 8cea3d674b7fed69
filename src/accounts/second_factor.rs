//! The second factor: what a person has beside the password, judged; the right one completes the sign-in.

use super::codes::{Failed, Locked, count_wrong_code, judge_code, may_try, send_code};
use super::visitor::Visitor;
use super::{
    Authenticator, AuthenticatorPlace, AuthenticatorSecret, Trouble, account_of, authenticators_of,
    forget_wrong_passwords_unless_ended, seal_secret,
};
use crate::authentication::out_of_band::{CodePurpose, CodeRefused};
use crate::authentication::session::SessionStage;
use crate::authentication::totp::{AcceptedStep, TotpError};
use crate::authentication::webauthn::{StoredCredential, WebauthnKind};
use crate::authentication::{AuthenticationEvent, AuthenticatorId, AuthenticatorKind};
use crate::event::{Event, Explanation};
use crate::storage::{FailuresOf, Transaction};
use crate::subscriber::{PhoneNumber, SubscriberId, VaultState};

/// How a code ended.
pub enum Judged<W> {
    /// It was right.
    Right(Completed),
    /// No code is judged now.
    Stopped(Locked),
    /// It was wrong.
    Wrong {
        /// Why.
        why: W,
        /// What that led to.
        failed: Failed,
        /// Whether the account has authenticators of another kind.
        others: bool,
    },
}

/// Where the journey stands after the second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completed {
    /// The person came to take up an ended password: it follows.
    OldPassword,
    /// The person is signed in.
    SignedIn,
    /// The person is signed in, and the vault waits for the recovery key.
    SignedInSealed,
}

/// Why the answer of a passkey or security key is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebauthnFailed {
    /// It was not asked for, or answered before.
    Expired,
    /// Too many wrong ones: nothing is judged now.
    Locked,
    /// It is not right.
    Refused,
}

/// The authenticators of a person that work.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn usable_authenticators(
    tx: &mut Transaction<'_>,
    visitor: &Visitor,
    of: SubscriberId,
) -> Result<Vec<Authenticator>, Trouble> {
    let all = authenticators_of(tx, &visitor.site, of)?;
    Ok(all.into_iter().filter(|authenticator| !authenticator.disabled).collect())
}

/// Whether the account has several kinds, so that there is another to choose.
#[must_use]
pub fn has_others(all: &[Authenticator]) -> bool {
    let mut kinds = all.iter().map(|one| one.secret.kind());
    kinds.next().is_some_and(|first| kinds.any(|other| other != first))
}

/// Judges a code of an authenticator app; the right one completes the sign-in.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn judge_totp(
    tx: &mut Transaction<'_>,
    visitor: &mut Visitor,
    of: SubscriberId,
    code: &str,
) -> Result<Judged<TotpError>, Trouble> {
    if let Err(locked) = may_try(tx, visitor, of)? {
        return Ok(Judged::Stopped(locked));
    }
    let all = usable_authenticators(tx, visitor, of)?;
    let others = has_others(&all);
    let apps: Vec<Authenticator> = all.into_iter().filter(|one| one.secret.kind() == AuthenticatorKind::Totp).collect();
    let mut why = TotpError::Wrong;
    for app in &apps {
        match accept_totp(app, code, visitor) {
            // Of two that bring the same code at once, one is first.
            Ok(step) if tx.accept_totp_step(app.id, step.number(), visitor.now)? => {
                let event = AuthenticationEvent::of(step.proof(), Some(app.id), visitor.now);
                return complete(tx, visitor, of, event).map(Judged::Right);
            }
            Ok(_) | Err(TotpError::Used) => why = TotpError::Used,
            Err(TotpError::Malformed) => why = TotpError::Malformed,
            Err(TotpError::TooLong | TotpError::Wrong) => {}
        }
    }
    let failed = count_wrong_code(tx, visitor, of, &apps)?;
    Ok(Judged::Wrong { why, failed, others })
}

fn accept_totp(app: &Authenticator, code: &str, visitor: &Visitor) -> Result<AcceptedStep, TotpError> {
    let AuthenticatorSecret::Totp(secret) = &app.secret else {
        return Err(TotpError::Wrong);
    };
    secret.accept(code, visitor.now, Some(app.counter))
}

/// The passkeys and security keys among authenticators, each with its record.
fn keys_of(all: Vec<Authenticator>) -> (Vec<AuthenticatorPlace>, Vec<u64>, Vec<StoredCredential>) {
    let mut keys = (Vec::new(), Vec::new(), Vec::new());
    for one in all {
        if let AuthenticatorSecret::Webauthn(credential) = one.secret {
            keys.0.push(one.place);
            keys.1.push(one.counter);
            keys.2.push(*credential);
        }
    }
    keys
}

/// Begins the ceremony with the person's passkeys or security keys, and gives the options for the browser; nothing when they have
/// none of this kind.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn begin_webauthn(
    tx: &mut Transaction<'_>,
    visitor: &mut Visitor,
    of: SubscriberId,
    kind: WebauthnKind,
) -> Result<Option<String>, Trouble> {
    let (_, _, credentials) = keys_of(usable_authenticators(tx, visitor, of)?);
    if !credentials.iter().any(|credential| credential.kind() == kind) {
        return Ok(None);
    }
    let ceremony = visitor.site.relying_party.begin_authentication(kind, &credentials, visitor.now)?;
    visitor.session.state.pending.webauthn = Some(ceremony.pending);
    Ok(Some(ceremony.options))
}

/// Judges the answer of a passkey or security key; the right one completes the sign-in.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn judge_webauthn(
    tx: &mut Transaction<'_>,
    visitor: &mut Visitor,
    of: SubscriberId,
    answer: &str,
) -> Result<Result<Completed, WebauthnFailed>, Trouble> {
    // Valid once, whatever the answer is.
    let Some(pending) = visitor.session.state.pending.webauthn.take() else {
        return Ok(Err(WebauthnFailed::Expired));
    };
    if may_try(tx, visitor, of)?.is_err() {
        return Ok(Err(WebauthnFailed::Locked));
    }
    let all = usable_authenticators(tx, visitor, of)?;
    let (places, counters, credentials) = keys_of(all);
    let now = visitor.now;
    let proof = match visitor.site.relying_party.finish_authentication(&pending, answer, of, &credentials, now) {
        Ok(proof) => proof,
        Err(refused) => {
            Event::WebauthnRefused { why: Explanation::of(&refused) }.log(Some(of));
            let failed = count_wrong_code(tx, visitor, of, &[])?;
            return Ok(Err(if failed.locked.is_some() { WebauthnFailed::Locked } else { WebauthnFailed::Refused }));
        }
    };
    let (Some(place), Some(judged_by)) = (places.get(proof.at).copied(), counters.get(proof.at).copied()) else {
        return Ok(Err(WebauthnFailed::Refused));
    };
    let event = AuthenticationEvent::of(proof.proof, Some(place.id), now);
    let counter = u64::from(proof.updated.counter());
    let secret = AuthenticatorSecret::Webauthn(Box::new(proof.updated));
    let sealed = seal_secret(&visitor.site, &place, &secret)?;
    // Of two answers judged by one counter, one stands.
    if !tx.record_webauthn_use(place.id, judged_by, &sealed, counter, now)? {
        return Ok(Err(WebauthnFailed::Refused));
    }
    complete(tx, visitor, of, event).map(Ok)
}

/// The phone that a code was sent to in this session, while it is still one of the account's.
#[must_use]
pub fn pending_phone(visitor: &Visitor, all: &[Authenticator]) -> Option<(AuthenticatorId, PhoneNumber)> {
    let id = visitor.session.state.pending.texted?;
    all.iter().find(|one| one.id == id).and_then(|one| match &one.secret {
        AuthenticatorSecret::Phone(phone) => Some((id, phone.clone())),
        AuthenticatorSecret::Totp(_) | AuthenticatorSecret::Webauthn(_) => None,
    })
}

/// What came of asking for a code by text message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextSent {
    /// The phone is none of the account's.
    PhoneGone,
    /// Too many were sent.
    TooMany,
    /// It is on its way.
    Yes,
}

/// Sends a code to one of the person's phones: to `wanted`, or to the first.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn text_code(
    tx: &mut Transaction<'_>,
    visitor: &mut Visitor,
    of: SubscriberId,
    all: &[Authenticator],
    wanted: Option<AuthenticatorId>,
) -> Result<TextSent, Trouble> {
    let phone = all.iter().find_map(|one| match &one.secret {
        AuthenticatorSecret::Phone(phone) if wanted.is_none_or(|id| id == one.id) => Some((one.id, phone)),
        _ => None,
    });
    let Some((id, phone)) = phone else {
        return Ok(TextSent::PhoneGone);
    };
    if send_code(tx, visitor, of, phone, CodePurpose::SignIn)?.is_err() {
        return Ok(TextSent::TooMany);
    }
    visitor.session.state.pending.texted = Some(id);
    Ok(TextSent::Yes)
}

/// Judges a code by text message; the right one completes the sign-in.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn judge_sms(
    tx: &mut Transaction<'_>,
    visitor: &mut Visitor,
    of: SubscriberId,
    all: &[Authenticator],
    code: &str,
) -> Result<Judged<CodeRefused>, Trouble> {
    if let Err(locked) = may_try(tx, visitor, of)? {
        return Ok(Judged::Stopped(locked));
    }
    let judged = match pending_phone(visitor, all) {
        Some((id, phone)) => judge_code(tx, visitor, of, &phone, CodePurpose::SignIn, code)?.map(|proof| (id, proof)),
        None => Err(CodeRefused::Expired),
    };
    match judged {
        Ok((id, proof)) => {
            tx.touch_authenticator(id, visitor.now)?;
            let event = AuthenticationEvent::of(proof, Some(id), visitor.now);
            complete(tx, visitor, of, event).map(Judged::Right)
        }
        Err(refused) => {
            let pending = pending_phone(visitor, all).map(|(id, _)| id);
            let tried: Vec<Authenticator> = all.iter().filter(|one| Some(one.id) == pending).cloned().collect();
            let failed = count_wrong_code(tx, visitor, of, &tried)?;
            Ok(Judged::Wrong { why: refused, failed, others: false })
        }
    }
}

/// The second factor was right: the person is signed in, with a new secret for the session.
///
/// # Errors
/// When the database or the keys are unavailable.
fn complete(
    tx: &mut Transaction<'_>,
    visitor: &mut Visitor,
    of: SubscriberId,
    event: AuthenticationEvent,
) -> Result<Completed, Trouble> {
    tx.forget_failures(FailuresOf::Subscriber(of))?;
    if let Some(id) = event.authenticator() {
        tx.forget_failures(FailuresOf::Authenticator(id))?;
    }
    let pending = &mut visitor.session.state.pending;
    (pending.texted, pending.webauthn) = (None, None);
    if let SessionStage::TakingUp(taking_up) = &mut visitor.session.state.stage {
        taking_up.second_factor = Some(event);
        let site = visitor.site.clone();
        visitor.session.renew(&site);
        return Ok(Completed::OldPassword);
    }
    forget_wrong_passwords_unless_ended(tx, &visitor.site, of)?;
    visitor.remember_browser(tx, of)?;
    visitor.remember(tx, of, Event::SignedIn { method: event.kind() })?;
    let sealed = account_of(tx, &visitor.site, of)?.is_some_and(|account| account.vault == VaultState::Sealed);
    let site = visitor.site.clone();
    let state = &mut visitor.session.state;
    state.events.push(event);
    state.sign_in();
    visitor.session.begin_anew(&site);
    Ok(if sealed { Completed::SignedInSealed } else { Completed::SignedIn })
}
