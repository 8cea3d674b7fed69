//! Mails and text messages: which there are, and how they get into the outbox. What they say stands in the locale files
//! (`templates/locales/*/mail.ftl`).

use time::{Duration, UtcDateTime};

use crate::accounts::site::Site;
use crate::accounts::{Trouble, addresses_of};
use crate::authentication::AuthenticatorKind;
use crate::authentication::out_of_band::{self, OutOfBandCode};
use crate::authentication::recovery::{LINK_LIFETIME, LinkToken};
use crate::services::message::Message;
use crate::services::message::OutboxId;
use crate::storage::{OutboxEntry, Transaction};
use crate::subscriber::{EmailAddress, PhoneNumber, SubscriberId};
use crate::texts::mail_html;
use crate::texts::{lookup, text};

/// A mail.
#[derive(Debug, Clone)]
pub enum Letter {
    /// Somebody asked for a link to add this address; it is an account's already.
    AddressTaken,
    /// An address was added.
    AddressAdded(EmailAddress),
    /// An address was removed.
    AddressRemoved(EmailAddress),
    /// The link that adds an address.
    AddAddress(LinkToken),
    /// Somebody wants to sign up with this address; it has an account.
    AlreadyAccount,
    /// An authenticator ended after too many wrong tries.
    AuthenticatorEnded(AuthenticatorKind),
    /// The link that chooses a new password.
    ForgottenPassword(LinkToken),
    /// An authenticator was added.
    MethodAdded(AuthenticatorKind),
    /// An authenticator was removed.
    MethodRemoved(AuthenticatorKind),
    /// Somebody asked for a new password with this address; it has no account.
    NoAccount,
    /// The password was changed by somebody who knew the old one, or through a link.
    PasswordChanged,
    /// The password ended after too many wrong tries.
    PasswordEnded,
    /// The password had ended and was taken up again.
    PasswordTakenUp,
    /// A recovery key was made; the one before opens nothing any more.
    RecoveryKeyMade,
    /// The recovery key opened the vault.
    RecoveryKeyUsed,
    /// The link that begins an account.
    SignUp(LinkToken),
    /// Too many wrong codes: the account is locked for a while.
    TooManyCodes,
}

impl Letter {
    /// Its name in the locale files.
    fn name(&self) -> &'static str {
        match self {
            Self::AddressTaken => "mail-address-taken",
            Self::AddressAdded(_) => "mail-address-added",
            Self::AddressRemoved(_) => "mail-address-removed",
            Self::AddAddress(_) => "mail-add-address",
            Self::AlreadyAccount => "mail-already-account",
            Self::AuthenticatorEnded(_) => "mail-authenticator-ended",
            Self::ForgottenPassword(_) => "mail-forgotten-password",
            Self::MethodAdded(_) => "mail-method-added",
            Self::MethodRemoved(_) => "mail-method-removed",
            Self::NoAccount => "mail-no-account",
            Self::PasswordChanged => "mail-password-changed",
            Self::PasswordEnded => "mail-password-ended",
            Self::PasswordTakenUp => "mail-password-taken-up",
            Self::RecoveryKeyMade => "mail-recovery-key-made",
            Self::RecoveryKeyUsed => "mail-recovery-key-used",
            Self::SignUp(_) => "mail-sign-up",
            Self::TooManyCodes => "mail-too-many-codes",
        }
    }

    /// What the locale files need to know.
    fn arguments(&self, site: &Site, now: UtcDateTime) -> Vec<(&'static str, String)> {
        let mut arguments = vec![
            ("service", site.service_name.clone()),
            ("time", moment(now)),
            ("sign_in", site.address("/sign-in")),
            ("forgotten", site.address("/forgot-password")),
            ("sign_up", site.address("/sign-up")),
        ];
        match self {
            Self::AddAddress(token) => {
                arguments.push(("link", site.address(&format!("/account/email/confirm/{}", token.to_path()))));
            }
            Self::ForgottenPassword(token) => {
                arguments.push(("link", site.address(&format!("/forgot-password/{}", token.to_path()))));
            }
            Self::SignUp(token) => {
                arguments.push(("link", site.address(&format!("/sign-up/confirm/{}", token.to_path()))));
            }
            Self::AddressAdded(address) | Self::AddressRemoved(address) => {
                arguments.push(("address", address.masked()));
            }
            Self::AuthenticatorEnded(kind) | Self::MethodAdded(kind) | Self::MethodRemoved(kind) => {
                arguments.push(("method", text(&format!("method-{}", kind.as_str().replace('_', "-")), &[])));
            }
            Self::AddressTaken
            | Self::AlreadyAccount
            | Self::NoAccount
            | Self::PasswordChanged
            | Self::PasswordEnded
            | Self::PasswordTakenUp
            | Self::RecoveryKeyMade
            | Self::RecoveryKeyUsed
            | Self::TooManyCodes => {}
        }
        arguments
    }
}

/// A text message.
#[derive(Debug, Clone)]
pub enum TextLetter<'a> {
    /// A code.
    Code(&'a OutOfBandCode),
    /// Another number was added in place of this one, or this one was removed.
    PhoneRemoved,
}

/// The time as mails tell it: to the minute, in UTC.
fn moment(now: UtcDateTime) -> String {
    let (hour, minute, _) = now.time().as_hms();
    format!("{} {hour:02}:{minute:02} UTC", now.date())
}

/// Writes a mail.
fn write(site: &Site, to: &EmailAddress, letter: &Letter, now: UtcDateTime) -> Message {
    let arguments = letter.arguments(site, now);
    let subject = text(&format!("{}-subject", letter.name()), &arguments);
    let body = text(letter.name(), &arguments);
    let action = lookup(&format!("{}-action", letter.name()), []);
    let html = match mail_html(&site.service_name, &subject, &body, action.as_deref(), &site.address("/")) {
        Ok(html) => Some(html),
        Err(error) => {
            tracing::error!(%error, "the HTML part of a mail could not be drawn; the text goes without it");
            None
        }
    };
    Message::Mail { to: to.as_str().to_owned(), subject, text: body, html }
}

/// Puts a mail to one address into the outbox.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn send_letter(
    tx: &mut Transaction<'_>,
    site: &Site,
    to: &EmailAddress,
    letter: &Letter,
    now: UtcDateTime,
) -> Result<(), Trouble> {
    let message = write(site, to, letter, now);
    // A notice is worth sending late; a link is not, once it has expired.
    enqueue(tx, site, &message, now, LINK_LIFETIME)
}

/// Tells every address of an account, with `also` among them: one that was just removed must hear of it too.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn notify_everywhere(
    tx: &mut Transaction<'_>,
    site: &Site,
    of: SubscriberId,
    letter: &Letter,
    also: Option<&EmailAddress>,
    now: UtcDateTime,
) -> Result<(), Trouble> {
    let known = addresses_of(tx, site, of)?;
    for address in known.iter().map(|known| &known.address).chain(also) {
        send_letter(tx, site, address, letter, now)?;
    }
    Ok(())
}

/// Puts a text message into the outbox. A code that is late is dropped.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn send_text(
    tx: &mut Transaction<'_>,
    site: &Site,
    to: &PhoneNumber,
    letter: &TextLetter<'_>,
    now: UtcDateTime,
) -> Result<(), Trouble> {
    let mut arguments = vec![("service", site.service_name.clone())];
    let (name, lifetime) = match letter {
        TextLetter::Code(code) => {
            arguments.push(("code", code.digits().to_owned()));
            arguments.push(("host", site.origin.host_str().unwrap_or_default().to_owned()));
            ("sms-code", out_of_band::LIFETIME)
        }
        TextLetter::PhoneRemoved => ("sms-phone-removed", LINK_LIFETIME),
    };
    let message = Message::Sms { to: to.e164().to_owned(), text: text(name, &arguments) };
    enqueue(tx, site, &message, now, lifetime)
}

fn enqueue(
    tx: &mut Transaction<'_>,
    site: &Site,
    message: &Message,
    now: UtcDateTime,
    lifetime: Duration,
) -> Result<(), Trouble> {
    let id = OutboxId::random(&*site.entropy);
    let sealed = message.seal(id, &*site.keys)?;
    let kind = message.kind().to_owned();
    Ok(tx.enqueue(&OutboxEntry { id, kind, sealed, run_at: now, attempts: 0, expires_at: now + lifetime })?)
}
