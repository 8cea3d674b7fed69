//! Settings: one struct a section, each validates itself. The only reader of the environment.
//!
//! They come from `signet.toml` and, above it, from the environment: `SIGNET__SERVER__LISTEN=0.0.0.0:8443` sets
//! `server.listen`. Secrets are never settings: a setting ending in `_file` names the file that holds one (systemd's
//! `LoadCredential=`, a mounted secret). An unknown key is an error that names it.

mod connections;
mod contact;
mod limits;
mod messages;
mod passwords;
mod retention;
mod text_messages;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format as _, Serialized, Toml};
use serde::{Deserialize, Serialize};
use time::Duration;
use url::Url;

use crate::authentication::session::SessionLimits;
use crate::saml::metadata::EncryptionMethodsForm;
use crate::saml::{DeniedAlgorithms, EntityId};
use crate::services::keys::SealingSecret;
use crate::storage::DatabaseUrl;
use crate::subscriber::EmailAddress;

pub use connections::ConnectionSettings;
pub use contact::ContactSettings;
pub use limits::LimitSettings;
pub use messages::{MailSettings, SmsSettings};
pub use passwords::PasswordSettings;
pub use retention::RetentionSettings;
pub use text_messages::TextMessageSettings;

/// For ten years; nobody plans longer.
const MOST_HTTPS_ONLY_DAYS: u16 = 3650;

/// Everything that an operator sets.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Whom people ask when they cannot go on by themselves.
    #[serde(default)]
    pub contact: ContactSettings,
    /// What a stranger may hold at once, and for how long.
    #[serde(default)]
    pub connections: ConnectionSettings,
    /// Where the database is.
    pub database: DatabaseSettings,
    /// Who we are to service providers, and where their records lie.
    pub federation: FederationSettings,
    /// Where the keys are.
    pub keys: KeySettings,
    /// How often things may be tried and sent.
    #[serde(default)]
    pub limits: LimitSettings,
    /// Where mail goes.
    pub mail: MailSettings,
    /// What one check of a password costs.
    #[serde(default)]
    pub passwords: PasswordSettings,
    /// How long it is kept that something was.
    #[serde(default)]
    pub retention: RetentionSettings,
    /// Where browsers find us.
    pub server: ServerSettings,
    /// How long sessions live.
    #[serde(default)]
    pub sessions: SessionSettings,
    /// Where text messages go.
    pub sms: SmsSettings,
    /// To whose phones codes go, and how many in all.
    #[serde(default)]
    pub text_messages: TextMessageSettings,
}

/// `[database]`
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    /// `sqlite:PATH` or `postgres://USER@HOST/NAME`.
    pub url: String,
    /// Connections of this node.
    #[serde(default = "eight")]
    pub connections: u32,
}

/// Without the address, which may hold a password.
impl std::fmt::Debug for DatabaseSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DatabaseSettings").field("connections", &self.connections).finish_non_exhaustive()
    }
}

/// The words by which settings name an [`EncryptionMethodsForm`].
#[derive(Serialize, Deserialize)]
#[serde(remote = "EncryptionMethodsForm", rename_all = "kebab-case")]
enum EncryptionMethodsWords {
    Common,
    Full,
}

/// `[federation]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FederationSettings {
    /// Our entityID; by default the public URL with `/saml`, which is where our metadata lies too. It never changes.
    pub entity_id: Option<String>,
    /// The folder with `sp/<agency>/<service>/`.
    pub metadata_folder: PathBuf,
    /// Whether changes of the folder are applied as they appear.
    #[serde(default = "yes")]
    pub watch: bool,
    /// Who runs this, for metadata and pages.
    #[serde(default = "signet")]
    pub organization: String,
    /// Where agencies' engineers get help; for metadata.
    pub support_email: Option<String>,
    /// Where agencies' engineers report an incident; for metadata.
    pub security_email: Option<String>,
    /// How our metadata writes the methods by which services may encrypt for us: `common`, which strict tools take, or `full`.
    #[serde(default, with = "EncryptionMethodsWords")]
    pub encryption_methods: EncryptionMethodsForm,
    /// Algorithms, by their identifiers, that are neither accepted nor used nor advertised.
    #[serde(default)]
    pub denied_algorithms: Vec<String>,
}

/// `[keys]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySettings {
    /// The folder that `signet keys generate` makes.
    pub folder: PathBuf,
    /// The file that holds the passphrase which seals it.
    pub passphrase_file: PathBuf,
}

/// `[server]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSettings {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// Where browsers find us: `https://login.example.gov`.
    pub public_url: Url,
    /// What people call the service.
    #[serde(default = "signet")]
    pub service_name: String,
    /// The certificate chain to serve, PEM; without it a proxy in front does TLS.
    pub tls_certificate: Option<PathBuf>,
    /// Its private key, PEM.
    pub tls_key_file: Option<PathBuf>,
    /// How many proxies stand in front and add to `X-Forwarded-For`. With 0 the header is not believed.
    #[serde(default)]
    pub proxies: u8,
    /// Where `/metrics` is served, by plain HTTP: an address that only the monitoring system reaches. Nowhere without it.
    pub metrics_listen: Option<SocketAddr>,
    /// Days for which a browser that has seen us comes by https alone (`Strict-Transport-Security`); with 0 it is not told so.
    #[serde(default = "two_years")]
    pub https_only_days: u16,
    /// Whether that holds for all hosts below ours too.
    #[serde(default = "yes")]
    pub https_only_subdomains: bool,
    /// The name of this node: its disclosure chain is its own, so no two nodes may share one.
    #[serde(default = "main_node")]
    pub node: String,
}

/// `[sessions]`
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SessionSettings {
    /// Without a request; at most 15.
    pub idle_minutes: u16,
    /// In all; at most 12.
    pub absolute_hours: u16,
}

impl Settings {
    /// Reads and checks the settings: the file, then the environment above it.
    ///
    /// # Errors
    /// [`SettingsError`], naming the key and where its value came from.
    pub fn read(file: &Path) -> Result<Self, SettingsError> {
        if !file.is_file() {
            return Err(SettingsError::NoFile(file.to_owned()));
        }
        Self::from_figment(&Figment::new().merge(Toml::file_exact(file)).merge(environment()))
    }

    /// The settings of a program's own making, with the environment above them.
    ///
    /// # Errors
    /// [`SettingsError`], naming the key and where its value came from.
    pub fn with_environment(self) -> Result<Self, SettingsError> {
        Self::from_figment(&Figment::from(Serialized::defaults(self)).merge(environment()))
    }

    fn from_figment(figment: &Figment) -> Result<Self, SettingsError> {
        // figment writes its profile, of which there is one, before each key.
        let written = |error: figment::Error| error.to_string().replace("for key \"default.", "for key \"");
        let settings: Self = figment.extract().map_err(|error| SettingsError::Malformed(written(error)))?;
        settings.validate()?;
        Ok(settings)
    }

    /// Checks what the types cannot.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn validate(&self) -> Result<(), SettingsError> {
        self.contact.validate()?;
        self.database_url()?;
        self.entity_id()?;
        self.denied_algorithms()?;
        self.federation.validate()?;
        self.server.validate()?;
        self.connections.validate()?;
        self.text_messages.terms()?;
        self.sessions.limits()?;
        self.limits.rates()?;
        self.limits.password_places(1)?;
        self.passwords.cost()?;
        self.retention.terms()?;
        Ok(())
    }

    /// Whether anything that only the demonstration may have is set: such settings are refused in production.
    #[must_use]
    pub fn sandboxed(&self) -> Option<&'static str> {
        match (&self.mail, &self.sms) {
            (MailSettings::Sandbox, _) => Some("mail.kind"),
            (_, SmsSettings::Sandbox) => Some("sms.kind"),
            _ => None,
        }
    }

    /// Where the database is.
    ///
    /// # Errors
    /// When `database.url` is none.
    pub fn database_url(&self) -> Result<DatabaseUrl, SettingsError> {
        self.database.url.parse().map_err(|error| SettingsError::unusable("database.url", &error))
    }

    /// Our entityID.
    ///
    /// # Errors
    /// When `federation.entity_id` is none.
    pub fn entity_id(&self) -> Result<EntityId, SettingsError> {
        let text = self.federation.entity_id.clone().unwrap_or_else(|| self.server.address("/saml"));
        let unusable = |error: &dyn fmt::Display| SettingsError::unusable("federation.entity_id", error);
        let name = EntityId::parse(&text).map_err(|error| unusable(&error))?;
        if name.is_uri() { Ok(name) } else { Err(unusable(&"a name is a URI, as `https://…` or `urn:…`")) }
    }

    /// The algorithms that are neither accepted nor used nor advertised.
    ///
    /// # Errors
    /// When `federation.denied_algorithms` names what is no algorithm of ours, or leaves nothing to sign or encrypt with.
    pub fn denied_algorithms(&self) -> Result<DeniedAlgorithms, SettingsError> {
        DeniedAlgorithms::parse(self.federation.denied_algorithms.iter().map(String::as_str))
            .map_err(|error| SettingsError::unusable("federation.denied_algorithms", &error))
    }

    /// The passphrase that seals the key folder.
    ///
    /// # Errors
    /// When the file cannot be read or is too short.
    pub fn sealing_secret(&self) -> Result<SealingSecret, SettingsError> {
        let text = read_secret("keys.passphrase_file", &self.keys.passphrase_file)?;
        SealingSecret::new(&text).map_err(|error| SettingsError::unusable("keys.passphrase_file", &error))
    }
}

impl FederationSettings {
    fn validate(&self) -> Result<(), SettingsError> {
        let addresses =
            [("federation.support_email", &self.support_email), ("federation.security_email", &self.security_email)];
        for (key, address) in addresses {
            if let Some(address) = address {
                EmailAddress::parse(address).map_err(|error| SettingsError::unusable(key, &error))?;
            }
        }
        Ok(())
    }
}

impl ServerSettings {
    /// The address of one of our pages.
    #[must_use]
    pub fn address(&self, path: &str) -> String {
        format!("{}{path}", self.public_url.as_str().trim_end_matches('/'))
    }

    fn validate(&self) -> Result<(), SettingsError> {
        let url = &self.public_url;
        let refused = |reason: &'static str| Err(SettingsError::unusable("server.public_url", &reason));
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
            return refused("only scheme, host and port: https://login.example.gov");
        }
        match (url.scheme(), url.host_str()) {
            ("https", Some(_)) => {}
            // Browsers take our cookies and passkeys from localhost without TLS, and from nowhere else.
            ("http", Some("localhost")) => {}
            _ => return refused("https is needed everywhere but on http://localhost"),
        }
        if self.https_only_days > MOST_HTTPS_ONLY_DAYS {
            return Err(SettingsError::unusable("server.https_only_days", &"a number of days from 0 to 3650"));
        }
        if self.tls_certificate.is_some() != self.tls_key_file.is_some() {
            return Err(SettingsError::unusable("server.tls_certificate", &"goes together with server.tls_key_file"));
        }
        Ok(())
    }
}

impl SessionSettings {
    /// The limits, which may be shorter than the defaults but not longer.
    ///
    /// # Errors
    /// When they are longer, or nothing.
    pub fn limits(self) -> Result<SessionLimits, SettingsError> {
        let limits = SessionLimits {
            idle: Duration::minutes(i64::from(self.idle_minutes)),
            absolute: Duration::hours(i64::from(self.absolute_hours)),
        };
        let default = SessionLimits::DEFAULT;
        if limits.idle > default.idle || limits.absolute > default.absolute {
            return Err(SettingsError::unusable("sessions", &"at most 15 idle minutes and 12 hours in all"));
        }
        if limits.idle.is_zero() || limits.absolute.is_zero() {
            return Err(SettingsError::unusable("sessions", &"a session must live a little"));
        }
        Ok(limits)
    }
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self { idle_minutes: 15, absolute_hours: 12 }
    }
}

/// Why the settings cannot be used. Never carries a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A key is missing, unknown or of another type.
    #[error("{0}")]
    Malformed(String),
    /// No file.
    #[error("no settings at {}: write them, or name another file with --settings", .0.display())]
    NoFile(PathBuf),
    /// A value cannot be used.
    #[error("{key}: {reason}")]
    Unusable {
        /// The setting.
        key: &'static str,
        /// Why.
        reason: String,
    },
}

impl SettingsError {
    fn unusable(key: &'static str, reason: &dyn std::fmt::Display) -> Self {
        Self::Unusable { key, reason: reason.to_string() }
    }
}

/// A variable of the environment that is no setting, such as the name of whoever sits at the terminal.
pub(crate) fn environment_variable(name: &str) -> Option<String> {
    std::env::var_os(name).and_then(|value| value.into_string().ok()).filter(|value| !value.is_empty())
}

fn environment() -> Env {
    Env::prefixed("SIGNET__").split("__")
}

fn read_secret(key: &'static str, file: &Path) -> Result<String, SettingsError> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| SettingsError::unusable(key, &format!("{}: {error}", file.display())))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

const fn two_years() -> u16 {
    730
}

const fn eight() -> u32 {
    8
}

const fn yes() -> bool {
    true
}

fn signet() -> String {
    "Signet".to_owned()
}

fn main_node() -> String {
    "main".to_owned()
}

#[cfg(test)]
mod tests;
