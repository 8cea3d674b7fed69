//! The mail port: hands finished mails to a mail server. What they say is the templates' affair, when they are sent and
//! tried again the outbox's.

use std::{fmt, time::Duration};

use futures_util::future::BoxFuture;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{PoolConfig, authentication::Credentials},
};
use secrecy::{ExposeSecret, SecretString};
use time::UtcDateTime;

use super::{Reason, ServiceOutcome};
use crate::subscriber::EmailAddress;

/// How long a mail server may take over one step.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Connections kept open to the mail server.
const MOST_CONNECTIONS: u32 = 4;

/// A mail, ready to go.
#[derive(Clone)]
pub struct OutgoingMail {
    /// Whom it is for.
    pub to: EmailAddress,
    /// The subject, one line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as HTML, where there is one.
    pub html: Option<String>,
    /// Names the mail across attempts, so that a mail sent twice is one mail: letters, digits and dashes.
    pub reference: String,
    /// When it was written.
    pub at: UtcDateTime,
}

/// Says which mail, never whom it is for or what is in it.
impl fmt::Debug for OutgoingMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OutgoingMail({})", self.reference)
    }
}

/// Sends mail.
pub trait Mail: Send + Sync {
    /// Hands one mail over. [`ServiceOutcome::Answered`] means that it was taken, not that it was read.
    fn send<'a>(&'a self, mail: &'a OutgoingMail) -> BoxFuture<'a, ServiceOutcome<()>>;
}

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SmtpSecurity {
    /// Not at all: for a mail server on this very machine.
    None,
    /// By STARTTLS, demanded (RFC 3207).
    Starttls,
    /// By TLS from the first octet (RFC 8314).
    Tls,
}

/// Where mail goes.
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    /// The server's host name, which its certificate must bear.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: SmtpSecurity,
    /// Name and password, where the server wants them.
    pub credentials: Option<(String, SecretString)>,
    /// The sender: `Name <address>`.
    pub from: String,
}

/// The settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SmtpSettingsError {
    /// An unprotected connection to another machine.
    #[error("mail without TLS is only for a mail server on this machine (localhost)")]
    ClearText,
    /// The sender is no mailbox.
    #[error("the sender of mail must be written as `Name <address>`")]
    From,
    /// TLS cannot be set up for that host.
    #[error("TLS to the mail server cannot be set up: {0}")]
    Tls(#[from] lettre::transport::smtp::Error),
}

/// A mail server, spoken to by SMTP over pooled connections.
pub struct SmtpMail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl SmtpMail {
    /// Sets the connection up; nothing is sent yet.
    ///
    /// # Errors
    /// [`SmtpSettingsError`].
    pub fn new(settings: &SmtpSettings) -> Result<Self, SmtpSettingsError> {
        let from = settings.from.parse().map_err(|_| SmtpSettingsError::From)?;
        let builder = match settings.security {
            SmtpSecurity::Tls => AsyncSmtpTransport::<Tokio1Executor>::relay(&settings.host)?,
            SmtpSecurity::Starttls => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(&settings.host)?,
            SmtpSecurity::None if matches!(&*settings.host, "localhost" | "127.0.0.1" | "::1") => {
                AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
            }
            SmtpSecurity::None => return Err(SmtpSettingsError::ClearText),
        };
        let builder = builder
            .port(settings.port)
            .timeout(Some(TIMEOUT))
            .pool_config(PoolConfig::new().max_size(MOST_CONNECTIONS));
        let transport = match &settings.credentials {
            Some((name, password)) => {
                builder.credentials(Credentials::new(name.clone(), password.expose_secret().to_owned())).build()
            }
            None => builder.build(),
        };
        Ok(Self { transport, from })
    }

    fn message(&self, mail: &OutgoingMail) -> Option<Message> {
        let domain = self.from.email.domain();
        let builder = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, mail.to.as_str().parse().ok()?))
            .subject(mail.subject.clone())
            .date(mail.at.into())
            .message_id(Some(format!("<{}@{domain}>", mail.reference)))
            // RFC 3834, 5: so that no holiday notice answers it; the second is what Exchange knows.
            .raw_header(header("Auto-Submitted", "auto-generated"))
            .raw_header(header("X-Auto-Response-Suppress", "All"));
        match &mail.html {
            Some(html) => builder.multipart(MultiPart::alternative_plain_html(mail.text.clone(), html.clone())),
            None => builder.singlepart(SinglePart::builder().header(ContentType::TEXT_PLAIN).body(mail.text.clone())),
        }
        .ok()
    }
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

impl fmt::Debug for SmtpMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpMail").finish_non_exhaustive()
    }
}

impl Mail for SmtpMail {
    fn send<'a>(&'a self, mail: &'a OutgoingMail) -> BoxFuture<'a, ServiceOutcome<()>> {
        Box::pin(async move {
            let Some(message) = self.message(mail) else {
                return ServiceOutcome::Refused(Reason::new("the mail cannot be put into MIME"));
            };
            match self.transport.send(message).await {
                Ok(_) => ServiceOutcome::Answered(()),
                // The server's words may repeat the address, so only its code is kept.
                Err(error) => {
                    let code = error.status().map(u16::from);
                    let reason = |words| code.map_or_else(|| Reason::new(words), |code| Reason::with_code(words, code));
                    if error.is_permanent() {
                        ServiceOutcome::Refused(reason("the mail server refused"))
                    } else {
                        ServiceOutcome::Unavailable(reason("the mail server is not available"))
                    }
                }
            }
        })
    }
}
