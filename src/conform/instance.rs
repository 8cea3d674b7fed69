//! The identity provider that is tried: the whole application on a port of its own, over a folder that is made for it and
//! taken away with it. Everything but mail and text messages is as in production.

use std::{
    fmt, fs, io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration as StdDuration,
};

use time::{Duration, UtcDateTime};
use tokio::{sync::oneshot, task::JoinHandle};
use url::Url;

use super::{ConformError, keys::Pairs, provider::Provider};
use crate::accounts::Trouble;
use crate::app::{Application, Surroundings};
use crate::authentication::password::Argon2Parameters;
use crate::clock::{Clock, SystemClock};
use crate::demo::{DemoPerson, person, setup};
use crate::entropy::{SystemEntropy, random_bytes};
use crate::jobs::signing::{self, SigningError};
use crate::rollover::SigningKeyId;
use crate::saml::signature::Signer;
use crate::services::keys::LocalKeys;
use crate::services::sandbox::{Channel, SandboxInbox};
use crate::settings::{
    ConnectionSettings, ContactSettings, DatabaseSettings, FederationSettings, KeySettings, LimitSettings,
    MailSettings, PasswordSettings, RetentionSettings, ServerSettings, SessionSettings, Settings, SmsSettings,
    TextMessageSettings,
};
use crate::storage::Store;

/// How many people there are.
const PEOPLE: usize = 6;
/// How long a text message may take to arrive.
const TEXT_WAIT: StdDuration = StdDuration::from_secs(20);

/// The machine's clock, set ahead as the suite goes on: limits on how often somebody may try are not what is tried here.
#[derive(Debug, Default)]
pub(super) struct SuiteClock {
    ahead_seconds: AtomicI64,
}

impl SuiteClock {
    pub(super) fn set_ahead(&self, by: Duration) {
        self.ahead_seconds.fetch_add(by.whole_seconds(), Ordering::SeqCst);
    }
}

impl Clock for SuiteClock {
    fn now(&self) -> UtcDateTime {
        SystemClock.now() + Duration::seconds(self.ahead_seconds.load(Ordering::SeqCst))
    }
}

/// A running identity provider.
pub(super) struct Instance {
    pub(super) url: Url,
    pub(super) clock: Arc<SuiteClock>,
    pub(super) people: Vec<DemoPerson>,
    /// Its own signing key.
    pub(super) signer: Arc<dyn Signer>,
    /// The certificate (DER) of the key that its metadata offered for encrypting before the one of today.
    pub(super) encryption_certificate_before: Vec<u8>,
    inbox: SandboxInbox,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<io::Result<()>>,
    // Taken away last.
    _folder: Folder,
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

impl Instance {
    /// Starts one that knows these services, with people in it. To be called on a tokio runtime.
    ///
    /// # Errors
    /// [`ConformError`].
    pub(super) fn start(providers: &[Provider], pairs: &Pairs) -> Result<Self, ConformError> {
        let folder = Folder::new()?;
        let clock = Arc::new(SuiteClock::default());
        let surroundings = Surroundings {
            clock: clock.clone(),
            entropy: Arc::new(SystemEntropy),
            // What a password costs is not what is tried.
            password_cost: Some(Argon2Parameters { memory_kib: 64, iterations: 1, lanes: 1 }),
            demonstration: true,
        };
        for provider in providers {
            let place = folder.0.join("metadata/sp").join(provider.agency).join(provider.service);
            fs::create_dir_all(&place)?;
            fs::write(place.join("metadata.xml"), provider.metadata(pairs)?)?;
            fs::write(place.join("agreement.toml"), provider.agreement())?;
        }
        let settings = settings(&folder)?;
        setup::make_keys(&settings, &surroundings)?;
        let store = Store::open(&settings.database_url()?, 1)?;
        store.migrate()?;
        let encryption_certificate_before = replace_decryption_key(&settings, &store, clock.now())?;
        let application = Application::build(&settings, &surroundings)?;
        let registry = application.identity_provider().registry.load();
        if registry.len() != providers.len() {
            let known = |of: &&Provider| registry.services().any(|one| one.entity_id().as_str() == of.entity_id());
            let missing: Vec<&str> =
                providers.iter().filter(|one| !known(one)).map(|provider| provider.service).collect();
            return Err(ConformError::ServicesRefused(missing.join(", ")));
        }
        let people =
            (0..PEOPLE).map(|number| settle_in(&application, &surroundings, number)).collect::<Result<_, _>>()?;
        let inbox = application.inbox().cloned().ok_or(ConformError::NoInbox)?;
        let url = application.public_url().clone();
        let signer = application.identity_provider().signing.load().metadata_signer();
        let (stop, stopped) = oneshot::channel();
        let ended = tokio::spawn(application.run_until(async { drop(stopped.await) }));
        Ok(Self { url, clock, people, signer, encryption_certificate_before, inbox, stop, ended, _folder: folder })
    }

    /// How many messages were sent so far.
    pub(super) fn messages(&self) -> usize {
        self.inbox.messages().len()
    }

    /// The six digits of the text message to a person that came after the first `after` messages.
    pub(super) async fn code(&self, person: &DemoPerson, after: usize) -> Option<String> {
        let digits =
            |text: &str| text.split(|c: char| !c.is_ascii_digit()).find(|run| run.len() == 6).map(str::to_owned);
        let number: String = person.phone.chars().filter(|c| *c == '+' || c.is_ascii_digit()).collect();
        let arrived = || {
            let messages = self.inbox.messages();
            let theirs = messages.iter().skip(after).filter(|one| one.channel == Channel::Text && one.to == number);
            theirs.rev().find_map(|one| digits(&one.body))
        };
        let waiting = async {
            loop {
                if let Some(code) = arrived() {
                    return code;
                }
                tokio::time::sleep(StdDuration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(TEXT_WAIT, waiting).await.ok()
    }

    /// Stops it and takes its folder away.
    ///
    /// # Errors
    /// It did not end well.
    pub(super) async fn stop(self) -> io::Result<()> {
        drop(self.stop);
        self.ended.await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

fn settings(folder: &Folder) -> Result<Settings, ConformError> {
    let at = |name: &str| folder.0.join(name);
    // Free a moment ago; whoever takes it in between is noticed when the application listens.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    Ok(Settings {
        contact: ContactSettings::default(),
        connections: ConnectionSettings::default(),
        database: DatabaseSettings { url: format!("sqlite:{}", at("signet.db").display()), connections: 4 },
        federation: FederationSettings {
            entity_id: None,
            metadata_folder: at("metadata"),
            watch: true,
            organization: "Signet, tried by itself".to_owned(),
            support_email: Some("help@conform.example".to_owned()),
            security_email: Some("security@conform.example".to_owned()),
            encryption_methods: Default::default(),
            denied_algorithms: Vec::new(),
        },
        keys: KeySettings { folder: at("keys"), passphrase_file: at("passphrase") },
        mail: MailSettings::Sandbox,
        passwords: PasswordSettings::default(),
        retention: RetentionSettings::default(),
        server: ServerSettings {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            public_url: format!("http://localhost:{port}/").parse()?,
            service_name: "Signet".to_owned(),
            tls_certificate: None,
            tls_key_file: None,
            metrics_listen: None,
            proxies: 0,
            https_only_days: 0,
            https_only_subdomains: false,
            node: "conform".to_owned(),
        },
        limits: LimitSettings::default(),
        sessions: SessionSettings::default(),
        sms: SmsSettings::Sandbox,
        text_messages: TextMessageSettings::default(),
    })
}

/// Offers another key for encrypting than the first, and says by which certificate (DER) the first was known.
fn replace_decryption_key(settings: &Settings, store: &Store, now: UtcDateTime) -> Result<Vec<u8>, ConformError> {
    let (secret, denied) = (settings.sealing_secret()?, settings.denied_algorithms()?);
    let keys = LocalKeys::open(&settings.keys.folder, &secret, Arc::new(SystemEntropy))?;
    let begun = signing::begin_blocking(store, &keys, "conform", now, denied)?;
    let before = begun.offered().map(|opener| opener.certificate_der().to_vec()).unwrap_or_default();
    let next = SigningKeyId::parse(&keys.add_decryption_key("localhost", now)?).map_err(|_| SigningError::NoKey)?;
    signing::change_blocking::<SigningError>(store, &keys, "conform", now, denied, |_, plan, at| {
        Ok(plan.publish_opener(&next, at)?)
    })?;
    Ok(before)
}

/// Somebody invented, proofed at level 2, with a password and a phone.
fn settle_in(
    application: &Application,
    surroundings: &Surroundings,
    number: usize,
) -> Result<DemoPerson, ConformError> {
    let (site, now) = (application.site(), surroundings.clock.now());
    let (email, phone) = (format!("person-{number}@conform.example"), format!("+1 202 555 01{}", 60 + number));
    let invented = person::invent_as(
        &email,
        &phone,
        &*site.keys,
        surroundings.password_cost.unwrap_or_default(),
        now,
        &*surroundings.entropy,
    )?;
    site.store.transaction_blocking::<_, Trouble, _>(|tx| person::store(tx, site, &invented, now))?;
    Ok(invented.shown)
}

/// A folder that is taken away when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        let name = format!("signet-conform-{}", hex::encode(random_bytes::<8>(&SystemEntropy)));
        let path = std::env::temp_dir().join(name);
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be taken away is left to the system, which clears this place.
        drop(fs::remove_dir_all(&self.0));
    }
}
