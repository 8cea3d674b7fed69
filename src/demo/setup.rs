//! Setting the demonstration up: everything it needs, made in one folder at the first start and found there at the next.
//!
//! ```text
//! var/signet.toml      the settings, written anew at each start, so that `signet check` and the others use them
//! var/passphrase       seals the keys
//! var/keys/            the service's keys
//! var/signet.db        the database
//! var/metadata/sp/     the service records, to be edited while it runs
//! var/agency/          the demonstration agency's key pair
//! var/person.json      how to sign in as the invented person
//! ```

use std::{
    fs,
    io::{self, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    DemoPerson, OpenRequestsFile,
    agency::{self, AgencyError},
    person::{self, PersonError},
    service_provider::ServiceProvider,
    site::{DemoSite, DemoSiteError},
};
use crate::accounts::Trouble;
use crate::app::{Application, BuildError, Surroundings};
use crate::entropy::{Entropy, random_bytes};
use crate::jobs::ledger::{self, KEYING_MIGRATION, LedgerError};
use crate::services::keys::{GenerateKeys, LocalKeys, LocalKeysError, SealingSecret, SigningKeyKind};
use crate::settings::{
    ConnectionSettings, DatabaseSettings, FederationSettings, KeySettings, LimitSettings, MailSettings,
    PasswordSettings, RetentionSettings, ServerSettings, SessionSettings, Settings, SettingsError, SmsSettings,
    TextMessageSettings,
};
use crate::storage::{Store, StoreError};

/// Where the demonstration lives.
#[derive(Debug, Clone)]
pub struct DemoPlaces {
    /// The folder for everything it keeps.
    pub folder: PathBuf,
    /// The repository's sample service records, copied at the first start; nothing if there are none.
    pub samples: PathBuf,
    /// The identity provider's port on loopback.
    pub port: u16,
    /// The demonstration agency's port on loopback.
    pub agency_port: u16,
}

impl DemoPlaces {
    /// Where to begin: the agency's start page.
    #[must_use]
    pub fn start_url(&self) -> String {
        format!("http://{}:{}/", agency::HOST, self.agency_port)
    }

    /// The agreement that can be edited.
    #[must_use]
    pub fn agreement(&self) -> PathBuf {
        self.folder.join("metadata").join(agency::SERVICE).join("agreement.toml")
    }
}

/// Why the demonstration did not start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The agency.
    #[error(transparent)]
    Agency(#[from] AgencyError),
    /// The application.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A file.
    #[error("{path}: {error}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
    /// The keys.
    #[error(transparent)]
    Keys(#[from] LocalKeysError),
    /// The ledger of the version before.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The port is taken.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// The person.
    #[error(transparent)]
    Person(#[from] PersonError),
    /// Our own address, which is made of a port.
    #[error("the public address cannot be made of this port")]
    PublicUrl,
    /// While storing the person.
    #[error(transparent)]
    Trouble(#[from] Trouble),
    /// The settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The agency's site.
    #[error(transparent)]
    Site(#[from] DemoSiteError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A demonstration that is ready to serve.
#[derive(Debug)]
pub struct Demonstration {
    application: Application,
    site: DemoSite,
    listener: TcpListener,
}

impl Demonstration {
    /// Makes or finds everything and binds both listeners. To be called on a tokio runtime.
    ///
    /// # Errors
    /// [`DemoError`].
    pub fn set_up(places: &DemoPlaces, surroundings: &Surroundings) -> Result<Self, DemoError> {
        let settings = settings(places)?;
        make_folder(&places.folder)?;
        make_keys(&settings, surroundings)?;
        write_settings(&places.folder.join("signet.toml"), &settings)?;
        let metadata = &settings.federation.metadata_folder;
        if !metadata.exists() {
            make_folder(metadata)?;
            copy_folder(&places.samples, metadata)?;
        }
        let service_provider = agency::open_or_create(&places.folder.join("agency"), metadata, places.agency_port)?;
        let store = Store::open(&settings.database_url()?, 1)?;
        let ran = store.migrate()?;
        if ran.iter().any(|version| version.starts_with(KEYING_MIGRATION)) {
            let keys =
                LocalKeys::open(&settings.keys.folder, &settings.sealing_secret()?, surroundings.entropy.clone())?;
            ledger::adopt_blocking(&store, &keys)?;
        }

        let application = Application::build(&settings, surroundings)?;
        let person = seed(&application, surroundings, &places.folder.join("person.json"))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, places.agency_port));
        let listener = TcpListener::bind(address).map_err(|error| DemoError::Listen { address, error })?;
        let site = demo_site(places, &application, service_provider, person, surroundings);
        Ok(Self { application, site, listener })
    }

    /// The identity provider.
    #[must_use]
    pub fn application(&self) -> &Application {
        &self.application
    }

    /// Serves both sites until `stop` is done.
    ///
    /// # Errors
    /// When a listener fails.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Result<(), DemoError> {
        let agency = super::site::serve(self.site, self.listener)?;
        let handle = agency.handle();
        let serving = tokio::spawn(agency);
        let ended = self.application.run_until(stop).await;
        handle.stop(true).await;
        drop(serving.await);
        ended.map_err(|error| DemoError::Site(error.into()))
    }
}

fn demo_site(
    places: &DemoPlaces,
    application: &Application,
    service_provider: ServiceProvider,
    person: Option<DemoPerson>,
    surroundings: &Surroundings,
) -> DemoSite {
    DemoSite {
        service_provider,
        idp_url: application.public_url().to_string(),
        // By number, so that no name has to be looked up.
        idp_metadata_url: format!("http://127.0.0.1:{}/saml/metadata", places.port),
        inbox: application.inbox().cloned().unwrap_or_else(|| {
            // The demonstration's settings always have one.
            crate::services::sandbox::SandboxInbox::new(surroundings.clock.clone())
        }),
        person,
        open_requests: OpenRequestsFile::at(places.folder.join("agency").join("open-requests.json")),
        clock: surroundings.clock.clone(),
        entropy: surroundings.entropy.clone(),
    }
}

fn settings(places: &DemoPlaces) -> Result<Settings, DemoError> {
    let folder = &places.folder;
    let public_url = format!("http://localhost:{}/", places.port).parse().map_err(|_| DemoError::PublicUrl)?;
    Ok(Settings {
        contact: Default::default(),
        connections: ConnectionSettings::default(),
        database: DatabaseSettings { url: format!("sqlite:{}", folder.join("signet.db").display()), connections: 4 },
        federation: FederationSettings {
            entity_id: None,
            metadata_folder: folder.join("metadata"),
            watch: true,
            organization: "Signet demonstration".to_owned(),
            support_email: None,
            security_email: None,
            encryption_methods: Default::default(),
            denied_algorithms: Vec::new(),
        },
        keys: KeySettings { folder: folder.join("keys"), passphrase_file: folder.join("passphrase") },
        mail: MailSettings::Sandbox,
        passwords: PasswordSettings::default(),
        retention: RetentionSettings::default(),
        server: ServerSettings {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, places.port)),
            public_url,
            service_name: "Signet".to_owned(),
            tls_certificate: None,
            tls_key_file: None,
            metrics_listen: None,
            proxies: 0,
            https_only_days: 0,
            https_only_subdomains: false,
            node: "demo".to_owned(),
        },
        limits: LimitSettings::default(),
        sessions: SessionSettings::default(),
        sms: SmsSettings::Sandbox,
        text_messages: TextMessageSettings::default(),
    })
}

/// Makes the service's keys where there are none yet.
///
/// # Errors
/// [`DemoError`].
pub(crate) fn make_keys(settings: &Settings, surroundings: &Surroundings) -> Result<(), DemoError> {
    let KeySettings { folder, passphrase_file } = &settings.keys;
    if LocalKeys::exist(folder) {
        return Ok(());
    }
    if !passphrase_file.exists() {
        write_private(passphrase_file, hex::encode(random_bytes::<32>(&*surroundings.entropy)).as_bytes())?;
    }
    let secret: SealingSecret = settings.sealing_secret()?;
    let entropy: Arc<dyn Entropy> = surroundings.entropy.clone();
    let wanted =
        GenerateKeys { common_name: "localhost", signing: SigningKeyKind::Rsa2048, now: surroundings.clock.now() };
    let keys = LocalKeys::generate(folder, &secret, &wanted, entropy)?;
    keys.add_decryption_key(wanted.common_name, wanted.now)?;
    Ok(())
}

/// Stores the invented person at the first start; at the next, the file tells how to sign in.
fn seed(application: &Application, surroundings: &Surroundings, file: &Path) -> Result<Option<DemoPerson>, DemoError> {
    let site = application.site();
    let now = surroundings.clock.now();
    let invented =
        person::invent(&*site.keys, surroundings.password_cost.unwrap_or_default(), now, &*surroundings.entropy)?;
    let shown = invented.shown.clone();
    let is_new = site.store.transaction_blocking::<_, Trouble, _>(|tx| person::store(tx, site, &invented, now))?;
    if is_new {
        write_private(file, &serde_json::to_vec_pretty(&shown).unwrap_or_default())?;
        return Ok(Some(shown));
    }
    Ok(fs::read(file).ok().and_then(|octets| serde_json::from_slice(&octets).ok()))
}

fn write_settings(path: &Path, settings: &Settings) -> Result<(), DemoError> {
    let written = toml::to_string_pretty(settings)
        .map_err(|error| DemoError::Io { path: path.to_owned(), error: io::Error::other(error) })?;
    let text = format!("# Written by `signet demo` at each start.\n{written}");
    fs::write(path, text).map_err(at(path))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> DemoError + '_ {
    move |error| DemoError::Io { path: path.to_owned(), error }
}

fn make_folder(path: &Path) -> Result<(), DemoError> {
    fs::create_dir_all(path).map_err(at(path))
}

fn write_private(path: &Path, content: &[u8]) -> Result<(), DemoError> {
    let open = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    open.and_then(|mut file| file.write_all(content)).map_err(at(path))
}

/// Copies a folder with all that is in it; a folder that is not there is empty.
fn copy_folder(from: &Path, to: &Path) -> Result<(), DemoError> {
    let Ok(entries) = fs::read_dir(from) else { return Ok(()) };
    for entry in entries {
        let entry = entry.map_err(at(from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            make_folder(&target)?;
            copy_folder(&source, &target)?;
        } else {
            fs::copy(&source, &target).map_err(at(&source))?;
        }
    }
    Ok(())
}
