//! `[mail]` and `[sms]`: how messages leave for people.

use std::path::PathBuf;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{SettingsError, read_secret};
use crate::services::mail::{SmtpSecurity, SmtpSettings};
use crate::services::sms::KannelSettings;

/// `[mail]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum MailSettings {
    /// A mail server.
    Smtp {
        /// Its host name.
        host: String,
        /// Its port.
        port: u16,
        /// `tls`, `starttls`, or `none` on this machine.
        security: SmtpSecurity,
        /// The name to sign in with, where it wants one.
        username: Option<String>,
        /// The file that holds the password.
        password_file: Option<PathBuf>,
        /// The sender: `Name <address>`.
        from: String,
        /// The certificate (PEM) of the authority that the server's certificate comes from, where the system does not trust
        /// it; then no other counts.
        ca_file: Option<PathBuf>,
    },
    /// An inbox in memory: only the demonstration and tests may have it.
    Sandbox,
}

/// `[sms]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SmsSettings {
    /// A gateway that speaks Kannel's HTTP interface.
    Kannel {
        /// Its `sendsms` address.
        url: Url,
        /// Its user.
        username: String,
        /// The file that holds the password.
        password_file: PathBuf,
        /// The sender that people see.
        from: String,
    },
    /// An inbox in memory: only the demonstration and tests may have it.
    Sandbox,
}

impl MailSettings {
    /// What the mail adapter takes; nothing for the sandbox.
    ///
    /// # Errors
    /// When the password cannot be read.
    pub fn smtp(&self) -> Result<Option<SmtpSettings>, SettingsError> {
        let Self::Smtp { host, port, security, username, password_file, from, ca_file } = self else {
            return Ok(None);
        };
        let credentials = match (username, password_file) {
            (Some(name), Some(file)) => {
                Some((name.clone(), SecretString::from(read_secret("mail.password_file", file)?)))
            }
            (None, None) => None,
            _ => {
                return Err(SettingsError::unusable("mail.username", &"goes together with mail.password_file"));
            }
        };
        let authority = ca_file.as_ref().map(|file| read_secret("mail.ca_file", file)).transpose()?;
        Ok(Some(SmtpSettings {
            host: host.clone(),
            port: *port,
            security: *security,
            credentials,
            from: from.clone(),
            authority_pem: authority.map(String::into_bytes),
        }))
    }
}

impl SmsSettings {
    /// What the text message adapter takes; nothing for the sandbox.
    ///
    /// # Errors
    /// When the password cannot be read.
    pub fn kannel(&self) -> Result<Option<KannelSettings>, SettingsError> {
        let Self::Kannel { url, username, password_file, from } = self else {
            return Ok(None);
        };
        let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if url.scheme() != "https" && !(url.scheme() == "http" && here) {
            return Err(SettingsError::unusable(
                "sms.url",
                &"https is needed to another machine: the codes go through it",
            ));
        }
        Ok(Some(KannelSettings {
            url: url.clone(),
            username: username.clone(),
            password: SecretString::from(read_secret("sms.password_file", password_file)?),
            from: from.clone(),
        }))
    }
}
