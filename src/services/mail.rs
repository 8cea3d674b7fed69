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
    transport::smtp::{
        PoolConfig,
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
    },
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
    /// The certificate (PEM) of the one authority that counts for the server; without it, those count that the system trusts.
    pub authority_pem: Option<Vec<u8>>,
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

/// A mail server whose settings can be used; nothing is connected yet. It needs no runtime, so that `signet check` can look at
/// the settings that `signet serve` starts with.
pub struct SmtpServer {
    host: String,
    port: u16,
    tls: Tls,
    credentials: Option<Credentials>,
    from: Mailbox,
}

impl SmtpServer {
    /// Looks at the settings.
    ///
    /// # Errors
    /// [`SmtpSettingsError`].
    pub fn check(settings: &SmtpSettings) -> Result<Self, SmtpSettingsError> {
        let from = settings.from.parse().map_err(|_| SmtpSettingsError::From)?;
        let tls = match settings.security {
            SmtpSecurity::Tls => Tls::Wrapper(tls(settings)?),
            SmtpSecurity::Starttls => Tls::Required(tls(settings)?),
            SmtpSecurity::None if matches!(&*settings.host, "localhost" | "127.0.0.1" | "::1") => Tls::None,
            SmtpSecurity::None => return Err(SmtpSettingsError::ClearText),
        };
        let credentials = settings.credentials.as_ref();
        let credentials =
            credentials.map(|(name, password)| Credentials::new(name.clone(), password.expose_secret().to_owned()));
        Ok(Self { host: settings.host.clone(), port: settings.port, tls, credentials, from })
    }
}

/// Without the password.
impl fmt::Debug for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpServer").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

/// A mail server, spoken to by SMTP over pooled connections.
pub struct SmtpMail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl SmtpMail {
    /// Sets the pool of connections up; nothing is sent yet. To be called on a tokio runtime, where the pool lives.
    #[must_use]
    pub fn new(server: SmtpServer) -> Self {
        // "Dangerous" is its default of no TLS, which the next line replaces.
        let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host)
            .tls(server.tls)
            .port(server.port)
            .timeout(Some(TIMEOUT))
            .pool_config(PoolConfig::new().max_size(MOST_CONNECTIONS));
        let transport = match server.credentials {
            Some(credentials) => builder.credentials(credentials).build(),
            None => builder.build(),
        };
        Self { transport, from: server.from }
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

/// The certificate must bear the host's name and come from an authority that counts.
fn tls(settings: &SmtpSettings) -> Result<TlsParameters, SmtpSettingsError> {
    let parameters = TlsParameters::builder(settings.host.clone());
    let parameters = match &settings.authority_pem {
        Some(pem) => {
            parameters.certificate_store(CertificateStore::None).add_root_certificate(Certificate::from_pem(pem)?)
        }
        None => parameters,
    };
    Ok(parameters.build()?)
}

/// Whether a code says that we may not send at all, which is no fault of the mail (RFC 4954, 6).
fn is_about_us(code: u16) -> bool {
    matches!(code, 530 | 534 | 535 | 538)
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
                    if code.is_some_and(is_about_us) {
                        ServiceOutcome::Unavailable(reason("the mail server does not take our name and password"))
                    } else if error.is_tls() {
                        ServiceOutcome::Unavailable(reason("no trusted TLS connection to the mail server"))
                    } else if error.is_permanent() {
                        ServiceOutcome::Refused(reason("the mail server refused"))
                    } else {
                        ServiceOutcome::Unavailable(reason("the mail server is not available"))
                    }
                }
            }
        })
    }
}
