//! The sandbox: an inbox in memory that takes the place of mail server and gateway, and fails when it is told to by the
//! address. Production settings refuse it.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::future::{BoxFuture, ready};
use time::UtcDateTime;

use super::{
    Reason, ServiceOutcome,
    mail::{Mail, OutgoingMail},
    sms::{OutgoingSms, Sms},
};
use crate::clock::Clock;

/// Mail to this domain is refused.
pub const REFUSED_DOMAIN: &str = "refused.example";
/// Mail to this domain finds no server.
pub const UNAVAILABLE_DOMAIN: &str = "unavailable.example";
/// This number has opted out: texts to it are refused.
pub const REFUSED_NUMBER: &str = "+12025550110";
/// Texts to this number find no gateway.
pub const UNREACHABLE_NUMBER: &str = "+12025550120";
/// Texts to this number are taken only after [`SLOW_SECONDS`].
pub const SLOW_NUMBER: &str = "+12025550130";
/// How long a slow gateway takes: less than a text message adapter waits, and long enough to be seen.
pub const SLOW_SECONDS: u64 = 10;

/// How many messages are kept; the oldest go first.
const MOST_MESSAGES: usize = 500;

/// How a message was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// By e-mail.
    Mail,
    /// As a text message.
    Text,
}

/// A message that was kept instead of being sent.
#[derive(Clone)]
pub struct SandboxMessage {
    /// How it was sent.
    pub channel: Channel,
    /// The address, or the number in E.164.
    pub to: String,
    /// The subject of a mail.
    pub subject: Option<String>,
    /// The plain text.
    pub body: String,
    /// The HTML part of a mail, where there is one.
    pub html: Option<String>,
    /// When it was handed over.
    pub at: UtcDateTime,
}

/// Says how it was sent, never to whom or what.
impl fmt::Debug for SandboxMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxMessage").field("channel", &self.channel).field("at", &self.at).finish_non_exhaustive()
    }
}

/// The inbox. A clone is the same inbox.
#[derive(Clone)]
pub struct SandboxInbox {
    messages: Arc<Mutex<VecDeque<SandboxMessage>>>,
    clock: Arc<dyn Clock>,
}

impl SandboxInbox {
    /// An empty inbox.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { messages: Arc::default(), clock }
    }

    /// All that is kept, the oldest first.
    #[must_use]
    pub fn messages(&self) -> Vec<SandboxMessage> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn keep_mail(&self, mail: &OutgoingMail) -> ServiceOutcome<()> {
        self.keep(SandboxMessage {
            channel: Channel::Mail,
            to: mail.to.as_str().to_owned(),
            subject: Some(mail.subject.clone()),
            body: mail.text.clone(),
            html: mail.html.clone(),
            at: self.clock.now(),
        })
    }

    fn keep_text(&self, number: &str, text: &str) -> ServiceOutcome<()> {
        self.keep(SandboxMessage {
            channel: Channel::Text,
            to: number.to_owned(),
            subject: None,
            body: text.to_owned(),
            html: None,
            at: self.clock.now(),
        })
    }

    fn keep(&self, message: SandboxMessage) -> ServiceOutcome<()> {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        if messages.len() >= MOST_MESSAGES {
            messages.pop_front();
        }
        messages.push_back(message);
        ServiceOutcome::Answered(())
    }
}

impl fmt::Debug for SandboxInbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxInbox").finish_non_exhaustive()
    }
}

impl Mail for SandboxInbox {
    fn send<'a>(&'a self, mail: &'a OutgoingMail) -> BoxFuture<'a, ServiceOutcome<()>> {
        let outcome = match mail.to.domain() {
            REFUSED_DOMAIN => ServiceOutcome::Refused(Reason::new("the sandbox refuses this domain")),
            UNAVAILABLE_DOMAIN => ServiceOutcome::Unavailable(Reason::new("the sandbox has no server for this domain")),
            _ => self.keep_mail(mail),
        };
        Box::pin(ready(outcome))
    }
}

impl Sms for SandboxInbox {
    fn send<'a>(&'a self, sms: &'a OutgoingSms) -> BoxFuture<'a, ServiceOutcome<()>> {
        if sms.to.e164() == SLOW_NUMBER {
            return Box::pin(async move {
                tokio::time::sleep(std::time::Duration::from_secs(SLOW_SECONDS)).await;
                self.keep_text(SLOW_NUMBER, &sms.text)
            });
        }
        let outcome = match sms.to.e164() {
            REFUSED_NUMBER => ServiceOutcome::Refused(Reason::new("the sandbox's number has opted out")),
            UNREACHABLE_NUMBER => {
                ServiceOutcome::Unavailable(Reason::new("the sandbox has no gateway for this number"))
            }
            number => self.keep_text(number, &sms.text),
        };
        Box::pin(ready(outcome))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::{
        clock::SystemClock,
        subscriber::{EmailAddress, PhoneNumber},
    };

    fn mail(to: &str) -> OutgoingMail {
        OutgoingMail {
            to: EmailAddress::parse(to).unwrap(),
            subject: "Confirm".to_owned(),
            text: "Open this".to_owned(),
            html: None,
            reference: "1".to_owned(),
            at: SystemClock.now(),
        }
    }

    #[actix_web::test]
    async fn the_sandbox_keeps_what_it_takes_and_fails_as_told() {
        let inbox = SandboxInbox::new(Arc::new(SystemClock));
        assert_eq!(Mail::send(&inbox, &mail("a@b.example")).await, ServiceOutcome::Answered(()));
        assert!(matches!(Mail::send(&inbox, &mail("a@refused.example")).await, ServiceOutcome::Refused(_)));
        assert!(matches!(Mail::send(&inbox, &mail("a@unavailable.example")).await, ServiceOutcome::Unavailable(_)));
        let text = |to| OutgoingSms { to: PhoneNumber::parse(to, "US").unwrap(), text: "123456".to_owned() };
        assert_eq!(Sms::send(&inbox, &text("+12025550142")).await, ServiceOutcome::Answered(()));
        assert!(matches!(Sms::send(&inbox, &text(REFUSED_NUMBER)).await, ServiceOutcome::Refused(_)));
        assert!(matches!(Sms::send(&inbox, &text(UNREACHABLE_NUMBER)).await, ServiceOutcome::Unavailable(_)));
        // A slow gateway has not answered at once, and nothing is there yet.
        assert_eq!(Sms::send(&inbox, &text(SLOW_NUMBER)).now_or_never(), None);
        let kept: Vec<_> = inbox.messages().into_iter().map(|message| (message.channel, message.to)).collect();
        assert_eq!(kept, [(Channel::Mail, "a@b.example".to_owned()), (Channel::Text, "+12025550142".to_owned())]);
    }
}
