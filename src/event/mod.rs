//! Every event: what happened, for the log and for the person's history.
//!
//! One line of [`Event`]'s table gives an event its name, how loudly the log says it, whether the person is told of it on
//! their own page, and by which mail to every address of theirs; `/metrics` counts it by its name. The names are stable: the
//! history keeps them, operators search for them; each names the thing and what happened to it. A field can only be of a type
//! that is [`Tellable`]: identifiers, kinds, counts, codes, and errors that repeat nothing from outside. Text is none of these,
//! and neither is anything personal, so neither can get in:
//!
//! ```
//! fn told<T: signet::event::Tellable>() {}
//! told::<signet::subscriber::SubscriberId>();
//! told::<signet::saml::EntityId>();
//! told::<signet::authentication::AuthenticatorKind>();
//!
//! // These are types too, and are not told:
//! fn is_there<T>() {}
//! is_there::<signet::subscriber::EmailAddress>();
//! is_there::<signet::subscriber::PhoneNumber>();
//! is_there::<signet::subscriber::vault::Pii<Vec<u8>>>();
//! is_there::<signet::federation::attribute::AttributeValue>();
//! is_there::<signet::authentication::session::SessionSecret>();
//! ```
//!
//! ```compile_fail,E0277
//! // fails: EmailAddress: Tellable` is not satisfied
//! fn told<T: signet::event::Tellable>() {}
//! told::<signet::subscriber::EmailAddress>();
//! ```
//!
//! ```compile_fail,E0277
//! // fails: PhoneNumber: Tellable` is not satisfied
//! fn told<T: signet::event::Tellable>() {}
//! told::<signet::subscriber::PhoneNumber>();
//! ```
//!
//! ```compile_fail,E0277
//! // fails: Pii<Vec<u8>>: Tellable` is not satisfied
//! fn told<T: signet::event::Tellable>() {}
//! told::<signet::subscriber::vault::Pii<Vec<u8>>>();
//! ```
//!
//! ```compile_fail,E0277
//! // fails: AttributeValue: Tellable` is not satisfied
//! fn told<T: signet::event::Tellable>() {}
//! told::<signet::federation::attribute::AttributeValue>();
//! ```
//!
//! ```compile_fail,E0277
//! // fails: SessionSecret: Tellable` is not satisfied
//! fn told<T: signet::event::Tellable>() {}
//! told::<signet::authentication::session::SessionSecret>();
//! ```
//!
//! ```compile_fail,E0277
//! // fails: String: Tellable` is not satisfied
//! fn told<T: signet::event::Tellable>() {}
//! told::<String>();
//! ```
//!
//! And nobody else can make a type tellable:
//!
//! ```compile_fail,E0277
//! // fails: the trait bound `Anything: event::tellable::sealed::Listed` is not satisfied
//! struct Anything(String);
//! impl signet::event::Tellable for Anything {
//!     fn told(&self) -> String {
//!         self.0.clone()
//!     }
//! }
//! ```

mod altered;
mod explanation;
mod tellable;

pub use altered::AlteredRecord;
pub use explanation::Explanation;
pub use tellable::Tellable;

use std::sync::atomic::{AtomicU64, Ordering};

use crate::authentication::AuthenticatorKind;
use crate::federation::agreement::LoweredProtection;
use crate::federation::assurance::Level;
use crate::federation::attribute::AttributeName;
use crate::federation::disclosure::{ChainPosition, RevisionId};
use crate::federation::registry::ServiceName;
use crate::federation::release::Withheld;
use crate::refusal::RefusalKind;
use crate::saml::MessageId;
use crate::saml::signature::KeyFingerprint;
use crate::subscriber::{Country, StandingReason, SubscriberId};

/// How often this node logged each event of [`Event::NAMES`].
static LOGGED: [AtomicU64; Event::NAMES.len()] = [const { AtomicU64::new(0) }; Event::NAMES.len()];

/// Makes [`Event`] out of its table: the variant with its fields, its name, the level at which the log says it, `remembered`
/// where it goes into the person's history, and `mail` where each of the person's addresses gets one about it.
macro_rules! events {
    ($(
        $(#[doc = $doc:literal])*
        $variant:ident $({ $( #[doc = $about:literal] $field:ident: $kind:ty ),+ $(,)? })?
            = $name:literal, $level:ident $(, $history:ident $(, mail $mail:literal)? )?;
    )+) => {
        /// Something that happened.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Event {
            $( $(#[doc = $doc])* $variant $({ $( #[doc = $about] $field: $kind ),+ })?, )+
        }

        impl Event {
            /// The names of all events.
            pub const NAMES: &'static [&'static str] = &[ $( $name, )+ ];

            /// The names of all events that go into a person's history: the ends of the keys `history-…` of the locale files.
            pub const REMEMBERED: &'static [&'static str] = &[ $( $( events!(@$history $name), )? )+ ];

            /// The mails about events, by their names in the locale files.
            pub const NOTICES: &'static [&'static str] = &[ $( $( $( $mail, )? )? )+ ];

            /// The mail about it, by its name in the locale files, that each of the person's addresses gets.
            #[must_use]
            pub const fn notice(&self) -> Option<&'static str> {
                match self { $( Self::$variant $({ $( $field: _ ),+ })? => events!(@mail $( $( $mail )? )?), )+ }
            }

            /// Its name: stable, and unlike any other's.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $( Self::$variant $({ $( $field: _ ),+ })? => $name, )+ }
            }

            /// Whether it goes into the person's history.
            #[must_use]
            pub fn is_remembered(&self) -> bool {
                Self::REMEMBERED.contains(&self.name())
            }

            /// Its fields, as the history keeps them.
            #[must_use]
            pub fn fields(&self) -> Vec<(&'static str, String)> {
                match self {
                    $( Self::$variant $({ $( $field ),+ })? => vec![
                        $( $( (stringify!($field), Tellable::told($field)) ),+ )?
                    ], )+
                }
            }

            /// Says it to the log, and counts it; `of` is the person whom it is about, where there is one.
            pub fn log(&self, of: Option<SubscriberId>) {
                self.count();
                match self {
                    $( Self::$variant $({ $( $field ),+ })? => tracing::event!(
                        target: "signet::event",
                        tracing::Level::$level,
                        subscriber = of.map(|of| of.to_string()),
                        $( $( $field = Tellable::told($field), )+ )?
                        $name
                    ), )+
                }
            }
        }
    };
    (@remembered $name:literal) => { $name };
    (@mail) => { None };
    (@mail $mail:literal) => { Some($mail) };
}

impl Event {
    fn count(&self) {
        if let Some((_, count)) = Self::NAMES.iter().zip(&LOGGED).find(|(name, _)| **name == self.name()) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often this node logged each event since it started, by the event's name.
    pub fn counts() -> impl Iterator<Item = (&'static str, u64)> {
        Self::NAMES.iter().zip(&LOGGED).map(|(name, count)| (*name, count.load(Ordering::Relaxed)))
    }
}

events! {
    /// An account was made.
    AccountCreated = "account_created", INFO, remembered;
    /// An administrator ended an account for good.
    AccountEnded {
        /// Why.
        reason: StandingReason,
    } = "account_ended", WARN, remembered, mail "mail-account-ended";
    /// An administrator let an account be used again.
    AccountReinstated {
        /// Why.
        reason: StandingReason,
    } = "account_reinstated", WARN, remembered, mail "mail-account-reinstated";
    /// An administrator stopped an account.
    AccountSuspended {
        /// Why.
        reason: StandingReason,
    } = "account_suspended", WARN, remembered, mail "mail-account-suspended";
    /// An address was added.
    AddressAdded = "address_added", INFO, remembered, mail "mail-address-added";
    /// An address was removed.
    AddressRemoved = "address_removed", INFO, remembered, mail "mail-address-removed";
    /// An answer of ours did not pass its own check, and did not leave.
    AnswerSelfCheckFailed {
        /// For whom it was.
        service: ServiceName,
        /// Why.
        why: Explanation,
    } = "answer_self_check_failed", ERROR;
    /// A service asked for the message behind an artifact.
    ArtifactResolved {
        /// Which.
        service: ServiceName,
        /// `given`, `nothing_there`.
        outcome: &'static str,
    } = "artifact_resolved", INFO;
    /// The gate stayed shut, for a reason that neither a person nor a service can have caused.
    AssertionBlocked {
        /// For whom the answer would have been.
        service: ServiceName,
        /// Why.
        why: Explanation,
    } = "assertion_blocked", ERROR;
    /// An assertion is recorded and leaves.
    AssertionIssued {
        /// For whom.
        service: ServiceName,
        /// Its ID.
        assertion: MessageId,
        /// The names of what it carries.
        released: Vec<AttributeName>,
        /// What was asked for and is not in it, and why.
        withheld: Vec<(AttributeName, Withheld)>,
        /// What it states.
        level: Level,
        /// Its chain, number and hash in the ledger: kept elsewhere, they show what is missing (`signet audit verify --expect`).
        recorded: ChainPosition,
    } = "assertion_issued", INFO;
    /// The person agreed to what the page showed.
    ConsentGiven {
        /// To whom it may be sent.
        service: ServiceName,
    } = "consent_given", INFO;
    /// What a browser brought to enrol a passkey or a security key was not taken.
    EnrolmentRefused {
        /// Why.
        why: Explanation,
    } = "enrolment_refused", INFO;
    /// A record is not as we wrote it. It counts for nothing; somebody was at the database.
    IntegrityFault {
        /// Which.
        record: AlteredRecord,
    } = "integrity_fault", ERROR;
    /// The end of this node's chain of disclosures is not the one that it wrote: records were cut off or exchanged. This
    /// node records nothing and sends no assertion, and is not ready, until the records are back or it is started again.
    LedgerAltered {
        /// The last record that this node knows; empty when it knows none.
        remembered: Option<ChainPosition>,
        /// The last record that is there.
        found: ChainPosition,
    } = "ledger_altered", ERROR;
    /// Too many wrong codes: the account is locked for a while.
    Locked = "locked", WARN, remembered, mail "mail-too-many-codes";
    /// A mail or a text message could not be sent yet; it is tried again.
    MessageDelayed {
        /// `mail` or `sms`.
        channel: &'static str,
        /// How often it was tried.
        attempts: u32,
        /// Why.
        why: Explanation,
    } = "message_delayed", WARN;
    /// A mail or a text message was given up: too late, or unreadable.
    MessageDropped {
        /// `mail` or `sms`.
        channel: &'static str,
        /// How often it was tried.
        attempts: u32,
        /// Why.
        why: Explanation,
    } = "message_dropped", WARN;
    /// A mail or a text message was refused for good.
    MessageRefused {
        /// `mail` or `sms`.
        channel: &'static str,
        /// How often it was tried.
        attempts: u32,
        /// Why.
        why: Explanation,
    } = "message_refused", WARN;
    /// A mail or a text message was handed over.
    MessageSent {
        /// `mail` or `sms`.
        channel: &'static str,
        /// How often it was tried.
        attempts: u32,
    } = "message_sent", INFO;
    /// The metadata folder could not be applied; the last good records stand.
    MetadataApplyFailed {
        /// Why.
        why: Explanation,
    } = "metadata_apply_failed", WARN;
    /// An authenticator was added.
    MethodAdded {
        /// Which kind.
        method: AuthenticatorKind,
    } = "method_added", INFO, remembered, mail "mail-method-added";
    /// An authenticator ended after too many wrong tries.
    MethodEnded {
        /// Which kind.
        method: AuthenticatorKind,
    } = "method_ended", WARN, remembered, mail "mail-authenticator-ended";
    /// An authenticator was removed.
    MethodRemoved {
        /// Which kind.
        method: AuthenticatorKind,
    } = "method_removed", INFO, remembered, mail "mail-method-removed";
    /// An authenticator is called something else.
    MethodRenamed = "method_renamed", INFO, remembered;
    /// The certificate of a key in our metadata ends soon, or has ended.
    OurCertificateEnds {
        /// Of which key.
        key: KeyFingerprint,
        /// How near the end is.
        notice: &'static str,
    } = "our_certificate_ends", WARN;
    /// The password was changed by somebody who was signed in.
    PasswordChanged = "password_changed", INFO, remembered, mail "mail-password-changed";
    /// A password ended after a hundred wrong tries in a row.
    PasswordEnded = "password_ended", WARN, remembered, mail "mail-password-ended";
    /// That a password has ended could not be told to its person yet. The next wrong one tries again.
    PasswordEndedMailFailed {
        /// Why.
        why: Explanation,
    } = "password_ended_mail_failed", WARN;
    /// A new password was chosen by a link.
    PasswordReset = "password_reset", INFO, remembered, mail "mail-password-changed";
    /// A password that had ended was taken up again, by a link, the second factor and that password.
    PasswordTakenUp = "password_taken_up", INFO, remembered, mail "mail-password-taken-up";
    /// A change to a service's record lowers protection.
    ProtectionLowered {
        /// Whose.
        service: ServiceName,
        /// What it gives up.
        lowered: LoweredProtection,
    } = "protection_lowered", WARN;
    /// A new recovery key took the place of the one before.
    RecoveryKeyMade = "recovery_key_made", INFO, remembered, mail "mail-recovery-key-made";
    /// The recovery key opened the vault.
    RecoveryKeyUsed = "recovery_key_used", INFO, remembered, mail "mail-recovery-key-used";
    /// A request was verified, and waits for its person or was answered at once.
    RequestAccepted {
        /// Whose.
        service: ServiceName,
    } = "request_accepted", INFO;
    /// Something was not done, and the person got a page that says so.
    Refused {
        /// The code on the page.
        code: RefusalKind,
        /// The service that it is about, where one of ours is.
        service: Option<ServiceName>,
        /// More about it, where there is more.
        why: Option<Explanation>,
    } = "refused", INFO;
    /// A service is told by a SAML status that there is no assertion.
    SamlErrorAnswered {
        /// Which.
        service: ServiceName,
        /// Why, as a code.
        code: &'static str,
        /// More about it: what was asked for, and what is agreed.
        why: Explanation,
    } = "saml_error_answered", INFO;
    /// A certificate of a service ends soon, or has ended. Nothing is refused for it.
    ServiceCertificateEnds {
        /// Whose.
        service: ServiceName,
        /// Of which key.
        key: KeyFingerprint,
        /// How near the end is.
        notice: &'static str,
    } = "service_certificate_ends", WARN;
    /// The consent at a service was taken back.
    ServiceDisconnected = "service_disconnected", INFO, remembered;
    /// A service's file is broken; its last good record stands.
    ServiceFileBroken {
        /// Which file and line, and what is wrong.
        why: Explanation,
    } = "service_file_broken", WARN;
    /// A service's record came, changed or went.
    ServiceRecordApplied {
        /// Whose.
        service: ServiceName,
        /// The record.
        revision: RevisionId,
        /// `added`, `revised`, `removed`.
        change: &'static str,
    } = "service_record_applied", INFO;
    /// A stored record of a service cannot be read by this version; the service is not served.
    ServiceRecordUnreadable {
        /// What is wrong.
        why: Explanation,
    } = "service_record_unreadable", WARN;
    /// Another node, or the terminal, changed service records, and this node took them over.
    ServiceRecordsReloaded = "service_records_reloaded", INFO;
    /// All other sessions were ended.
    SessionsEnded = "sessions_ended", INFO, remembered;
    /// An administrator ended all sessions.
    SessionsEndedByUs = "sessions_ended_by_us", INFO, remembered;
    /// Both factors were right.
    SignedIn {
        /// The second one.
        method: AuthenticatorKind,
    } = "signed_in", INFO, remembered;
    /// A newer plan of signing keys cannot be taken over; this node signs as before.
    SigningPlanApplyFailed {
        /// Why.
        why: Explanation,
    } = "signing_plan_apply_failed", ERROR;
    /// The terminal changed which key signs for whom, and this node took it over.
    SigningPlanApplied = "signing_plan_applied", INFO;
    /// The person signed out.
    SignedOut = "signed_out", INFO, remembered;
    /// A request names a client in `X-Forwarded-For` or `Forwarded`, and `server.proxies` is 0: if a proxy of ours stands in front, all
    /// people share its limits. Told once.
    UnknownProxyNoticed = "unknown_proxy_noticed", WARN;
    /// What a browser brought as a second factor from a passkey or a security key was not taken.
    WebauthnRefused {
        /// Why.
        why: Explanation,
    } = "webauthn_refused", INFO;
    /// Of the codes that went to phones being set up in a country, few come back: somebody may be paid for them. Every tenth tells it.
    TextCodesUnconfirmed {
        /// Where.
        country: Country,
        /// How many went out within an hour.
        sent: u32,
        /// How many of them came back.
        confirmed: u32,
    } = "text_codes_unconfirmed", WARN;
    /// A text message was not sent, since a budget is used up that many share.
    TextMessageHeldBack {
        /// Which budget.
        limit: &'static str,
    } = "text_message_held_back", WARN;
    /// A password was wrong, or the address is nobody's: the log tells no more than the person.
    WrongPassword = "wrong_password", INFO;
    /// A second factor was wrong.
    WrongSecondFactor {
        /// How many in a row.
        in_a_row: u32,
    } = "wrong_second_factor", INFO;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::texts;

    #[test]
    fn every_event_that_a_person_is_told_of_has_its_words_and_no_words_are_left_over() {
        let words: BTreeSet<&str> = texts::keys().filter_map(|key| key.strip_prefix("history-")).collect();
        let beside = ["what", "when"];
        let told: BTreeSet<&str> = Event::REMEMBERED.iter().copied().chain(beside).collect();
        assert_eq!(words, told);
        assert_eq!(Event::REMEMBERED.len() + beside.len(), told.len(), "a name is used twice");
    }

    #[test]
    fn every_mail_about_an_event_has_its_words() {
        let words: BTreeSet<&str> = texts::keys().collect();
        for mail in Event::NOTICES {
            assert!(words.contains(mail) && words.contains(format!("{mail}-subject").as_str()), "{mail}");
        }
        assert_eq!(Event::PasswordReset.notice(), Some("mail-password-changed"));
        assert_eq!(Event::SignedOut.notice(), None);
    }

    #[test]
    fn a_mail_names_an_address_just_where_its_event_is_about_one() {
        let names = ["service", "time", "sign_in", "forgotten", "sign_up", "link", "method", "address"];
        let inserted = names.map(|name| (name, format!("<{name}>")));
        let names_one =
            |mail: &&&str| texts::text(crate::locale::Locale::DEFAULT, mail, &inserted).contains("<address>");
        let about: Vec<&str> = Event::NOTICES.iter().filter(names_one).copied().collect();
        let expected = [Event::AddressAdded, Event::AddressRemoved].map(|event| event.notice().unwrap());
        assert_eq!(about, expected, "these are recorded with their address: `Beside::Address`");
    }

    #[test]
    fn every_event_has_a_name_of_its_own_and_is_counted_by_it() {
        assert_eq!(Event::NAMES.iter().collect::<BTreeSet<_>>().len(), Event::NAMES.len());
        let counts = || Event::counts().collect::<std::collections::BTreeMap<_, _>>();
        let before = counts();
        Event::ServiceRecordsReloaded.log(None);
        assert!(counts()["service_records_reloaded"] > before["service_records_reloaded"]);
    }

    #[test]
    fn fields_are_told_by_name() {
        let event = Event::MethodAdded { method: AuthenticatorKind::Totp };
        assert_eq!(event.fields(), [("method", "totp".to_owned())]);
        assert_eq!(Event::SignedOut.fields(), []);
    }
}
