//! Mails and text messages: which there are, and how they get into the outbox. What they say stands in the locale files
//! (`templates/locales/*/mail.ftl`).

use time::{Duration, UtcDateTime};

use crate::accounts::site::Site;
use crate::accounts::{Trouble, addresses_of};
use crate::address;
use crate::authentication::AuthenticatorKind;
use crate::authentication::out_of_band::{self, OutOfBandCode};
use crate::authentication::recovery::{LINK_LIFETIME, LinkToken};
use crate::event::Event;
use crate::locale::Locale;
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
    /// The link that adds an address.
    AddAddress(LinkToken),
    /// Somebody wants to sign up with this address; it has an account.
    AlreadyAccount,
    /// The link that chooses a new password.
    ForgottenPassword(LinkToken),
    /// Somebody asked for a new password with this address; it has no account.
    NoAccount,
    /// Something happened to the account: what the table of events has a mail for. [`Letter::about`] makes it.
    Notice {
        /// Its name in the locale files.
        name: &'static str,
        /// The kind of authenticator that it is about.
        method: Option<AuthenticatorKind>,
        /// The address that it is about.
        address: Option<EmailAddress>,
    },
    /// The link that begins an account.
    SignUp(LinkToken),
}

impl Letter {
    /// The mail about an event, where it has one, and the address that the event is about.
    #[must_use]
    pub fn about(event: &Event, address: Option<&EmailAddress>) -> Option<Self> {
        let method = match event {
            Event::MethodAdded { method } | Event::MethodEnded { method } | Event::MethodRemoved { method } => {
                Some(*method)
            }
            _ => None,
        };
        Some(Self::Notice { name: event.notice()?, method, address: address.cloned() })
    }

    /// Its name in the locale files.
    fn name(&self) -> &'static str {
        match self {
            Self::AddressTaken => "mail-address-taken",
            Self::AddAddress(_) => "mail-add-address",
            Self::AlreadyAccount => "mail-already-account",
            Self::ForgottenPassword(_) => "mail-forgotten-password",
            Self::NoAccount => "mail-no-account",
            Self::Notice { name, .. } => name,
            Self::SignUp(_) => "mail-sign-up",
        }
    }

    /// What the locale files need to know.
    fn arguments(&self, site: &Site, locale: Locale, now: UtcDateTime) -> Vec<(&'static str, String)> {
        let mut arguments = vec![
            ("service", site.service_name.clone()),
            ("time", moment(now)),
            ("sign_in", site.address(address::SIGN_IN)),
            ("forgotten", site.address(address::FORGOT_PASSWORD)),
            ("sign_up", site.address(address::SIGN_UP)),
            ("help", site.address(address::HELP)),
        ];
        match self {
            Self::AddAddress(token) => {
                arguments.push(("link", site.address(address::ACCOUNT_EMAIL_CONFIRM.of(token.to_path()))));
            }
            Self::ForgottenPassword(token) => {
                arguments.push(("link", site.address(address::FORGOT_PASSWORD_LINK.of(token.to_path()))));
            }
            Self::SignUp(token) => {
                arguments.push(("link", site.address(address::SIGN_UP_CONFIRM.of(token.to_path()))));
            }
            Self::Notice { name: _, method, address } => {
                arguments.extend(address.as_ref().map(|address| ("address", address.masked())));
                let called = |kind: &AuthenticatorKind| format!("method-{}", kind.as_str().replace('_', "-"));
                arguments.extend(method.as_ref().map(|kind| ("method", text(locale, &called(kind), &[]))));
            }
            Self::AddressTaken | Self::AlreadyAccount | Self::NoAccount => {}
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

/// In which language an account reads, where that is known and there still is. The same is looked for where there is no account, so
/// that a stranger learns nothing from the work.
///
/// # Errors
/// When the database is unavailable.
pub fn language_of(tx: &mut Transaction<'_>, of: Option<SubscriberId>) -> Result<Option<Locale>, Trouble> {
    let kept = tx.language_of(of.unwrap_or(SubscriberId::from_bytes([0; 16])))?;
    Ok(kept.as_deref().and_then(Locale::of_tag))
}

/// Writes a mail.
fn write(site: &Site, locale: Locale, to: &EmailAddress, letter: &Letter, now: UtcDateTime) -> Message {
    let arguments = letter.arguments(site, locale, now);
    let subject = text(locale, &format!("{}-subject", letter.name()), &arguments);
    let body = text(locale, letter.name(), &arguments);
    let action = lookup(locale, &format!("{}-action", letter.name()), []);
    let html = match mail_html(
        locale,
        &site.service_name,
        &subject,
        &body,
        action.as_deref(),
        &site.address(address::LANDING),
    ) {
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
    locale: Locale,
    to: &EmailAddress,
    letter: &Letter,
    now: UtcDateTime,
) -> Result<(), Trouble> {
    let message = write(site, locale, to, letter, now);
    // A notice is worth sending late; a link is not, once it has expired.
    enqueue(tx, site, &message, now, LINK_LIFETIME)
}

/// Tells every address of an account, with `also` among them: one that was just removed must hear of it too. What happened goes
/// by [`Happened::record`](super::Happened::record), which asks this.
///
/// # Errors
/// When the database or the keys are unavailable.
pub(super) fn notify_everywhere(
    tx: &mut Transaction<'_>,
    site: &Site,
    of: SubscriberId,
    letter: &Letter,
    also: Option<&EmailAddress>,
    now: UtcDateTime,
) -> Result<(), Trouble> {
    let (locale, known) = (language_of(tx, Some(of))?.unwrap_or_default(), addresses_of(tx, site, of)?);
    let also = also.filter(|also| known.iter().all(|known| known.address != **also));
    for address in known.iter().map(|known| &known.address).chain(also) {
        send_letter(tx, site, locale, address, letter, now)?;
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
    locale: Locale,
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
    let message = Message::Sms { to: to.e164().to_owned(), text: text(locale, name, &arguments) };
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
