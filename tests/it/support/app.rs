//! The started application: its own database, keys, inbox and clock, on a port of its own. Everything but the outside
//! world is as in production.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration as StdDuration;

use signet::accounts::site::Site;
use signet::app::{Application, Surroundings};
use signet::authentication::password::Argon2Parameters;
use signet::clock::{Clock, SystemClock};
use signet::entropy::SystemEntropy;
use signet::jobs::signing::{self, SigningError};
use signet::rollover::SigningKeyId;
use signet::services::keys::{GenerateKeys, KeyPairStore, LocalKeys, SealingSecret, SigningKeyKind};
use signet::services::sandbox::{Channel, SandboxInbox, SandboxMessage};
use signet::settings::{
    ConnectionSettings, DatabaseSettings, FederationSettings, KeySettings, LimitSettings, MailSettings, ServerSettings,
    SessionSettings, Settings, SmsSettings, TextMessageSettings,
};
use signet::storage::Store;
use signet::web::saml::IdentityProvider;
use tempfile::TempDir;
use time::{Duration, UtcDateTime};
use tokio::sync::oneshot;

use super::browser::Browser;
use super::database;
use super::sql;

/// A clock that a test moves. It stands still between moves only as far as the test is concerned: it runs with the
/// machine's, so that what is ordered by time stays ordered.
#[derive(Default)]
pub struct MovableClock {
    ahead_milliseconds: AtomicI64,
}

impl MovableClock {
    /// Moves it.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.whole_milliseconds()).expect("a reasonable step");
        self.ahead_milliseconds.fetch_add(by, Ordering::SeqCst);
    }
}

impl Clock for MovableClock {
    fn now(&self) -> UtcDateTime {
        SystemClock.now() + Duration::milliseconds(self.ahead_milliseconds.load(Ordering::SeqCst))
    }
}

/// What a test wants to be different.
#[derive(Default)]
pub struct Wishes {
    /// `sp/<agency>/<service>/` to begin with: `(agency, service, metadata.xml, agreement.toml)`.
    pub services: Vec<(String, String, String, String)>,
    /// Whether on PostgreSQL, where there is a server.
    pub postgresql: bool,
    /// Where mail goes, when not into the inbox.
    pub mail: Option<MailSettings>,
    /// Where text messages go, when not into the inbox.
    pub sms: Option<SmsSettings>,
    /// Which algorithms are denied.
    pub denied_algorithms: Vec<String>,
    /// How many proxies stand in front, so that `X-Forwarded-For` plays clients.
    pub proxies: u8,
    /// How often things may be tried and sent.
    pub limits: LimitSettings,
    /// Whether it serves metrics.
    pub metrics: bool,
    /// What a stranger may hold of it.
    pub connections: ConnectionSettings,
    /// To whose phones codes go.
    pub text_messages: TextMessageSettings,
    /// Where browsers find it, when that is not where it listens: as behind a proxy.
    pub public_url: Option<String>,
}

/// The application, running. It stops when this is dropped.
pub struct TestApp {
    /// `http://localhost:PORT`, or what was wished.
    pub url: String,
    /// `http://localhost:PORT`, where it listens.
    pub at: String,
    /// Its clock.
    pub clock: Arc<MovableClock>,
    /// What it sent.
    pub inbox: SandboxInbox,
    /// What its pages work with.
    pub site: Site,
    /// What signs and opens.
    pub key_pairs: Arc<dyn KeyPairStore>,
    /// What single sign-on works with.
    pub identity_provider: IdentityProvider,
    /// Its database.
    pub store: Store,
    /// Its settings.
    pub settings: Settings,
    folder: Arc<TempDir>,
    surroundings: Surroundings,
    stop: Option<oneshot::Sender<()>>,
    ended: Option<tokio::task::JoinHandle<()>>,
}

impl TestApp {
    /// Starts it with nothing in it.
    pub async fn start() -> Self {
        Self::start_with(Wishes::default()).await
    }

    /// Starts it as a test wishes.
    pub async fn start_with(wishes: Wishes) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        let at = |name: &str| folder.path().join(name);
        let clock = Arc::new(MovableClock::default());
        std::fs::write(at("passphrase"), "correct horse battery staple, and more").expect("a passphrase");
        std::fs::create_dir_all(at("metadata/sp")).expect("a metadata folder");
        for (agency, service, metadata, agreement) in &wishes.services {
            let place = at("metadata/sp").join(agency).join(service);
            std::fs::create_dir_all(&place).expect("a service's folder");
            std::fs::write(place.join("metadata.xml"), metadata).expect("metadata.xml");
            std::fs::write(place.join("agreement.toml"), agreement).expect("agreement.toml");
        }
        let secret = SealingSecret::new("correct horse battery staple, and more").expect("long enough");
        let wanted = GenerateKeys { common_name: "localhost", signing: SigningKeyKind::Rsa2048, now: clock.now() };
        LocalKeys::generate(&at("keys"), &secret, &wanted, Arc::new(SystemEntropy)).expect("keys");

        let on_postgresql = wishes.postgresql || database::everything_on_postgresql();
        let database = match on_postgresql.then(database::new_postgresql_url).flatten() {
            Some(url) => url,
            None => format!("sqlite:{}", at("signet.db").display()),
        };
        let port = free_port();
        let settings = Settings {
            contact: Default::default(),
            connections: wishes.connections,
            database: DatabaseSettings { url: database, connections: 4 },
            federation: FederationSettings {
                entity_id: None,
                metadata_folder: at("metadata"),
                watch: true,
                organization: "Signet".to_owned(),
                support_email: None,
                security_email: None,
                encryption_methods: Default::default(),
                denied_algorithms: wishes.denied_algorithms,
            },
            keys: KeySettings { folder: at("keys"), passphrase_file: at("passphrase") },
            mail: wishes.mail.unwrap_or(MailSettings::Sandbox),
            passwords: Default::default(),
            retention: Default::default(),
            server: ServerSettings {
                listen: format!("127.0.0.1:{port}").parse().expect("an address"),
                public_url: wishes
                    .public_url
                    .unwrap_or_else(|| format!("http://localhost:{port}"))
                    .parse()
                    .expect("a URL"),
                service_name: "Signet".to_owned(),
                tls_certificate: None,
                tls_key_file: None,
                metrics_listen: wishes
                    .metrics
                    .then(|| format!("127.0.0.1:{}", free_port()).parse().expect("an address")),
                proxies: wishes.proxies,
                https_only_days: 730,
                https_only_subdomains: true,
                node: "test".to_owned(),
            },
            limits: wishes.limits,
            sessions: SessionSettings::default(),
            sms: wishes.sms.unwrap_or(SmsSettings::Sandbox),
            text_messages: wishes.text_messages,
        };
        let surroundings = Surroundings {
            clock: clock.clone(),
            entropy: Arc::new(SystemEntropy),
            // A password costs a test little; what it costs in production is measured by the benches.
            password_cost: Some(Argon2Parameters { memory_kib: 64, iterations: 1, lanes: 1 }),
            demonstration: true,
        };
        let store = Store::open(&settings.database_url().expect("a database"), 2).expect("it opens");
        store.migrate().expect("it migrates");
        Self::run(settings, surroundings, clock, folder).await
    }

    async fn run(
        settings: Settings,
        surroundings: Surroundings,
        clock: Arc<MovableClock>,
        folder: Arc<TempDir>,
    ) -> Self {
        let application = Application::build(&settings, &surroundings).expect("it builds");
        let (inbox, site) = (application.inbox().expect("a sandbox").clone(), application.site().clone());
        let identity_provider = application.identity_provider().clone();
        let key_pairs = application.key_pairs().clone();
        let url = application.public_url().as_str().trim_end_matches('/').to_owned();
        let at = format!("http://localhost:{}", settings.server.listen.port());
        let (stop, stopped) = oneshot::channel();
        let ended = tokio::spawn(async move {
            application.run_until(async { drop(stopped.await) }).await.expect("it serves");
        });
        let store = site.store.clone();
        Self {
            url,
            at,
            clock,
            inbox,
            site,
            key_pairs,
            identity_provider,
            store,
            settings,
            folder,
            surroundings,
            stop: Some(stop),
            ended: Some(ended),
        }
    }

    /// Stops it and starts it again over the same database, keys and folder: whatever was only in memory is gone.
    pub async fn restart(mut self) -> Self {
        drop(self.stop.take());
        if let Some(ended) = self.ended.take() {
            ended.await.expect("it stops");
        }
        let (settings, surroundings) = (self.settings.clone(), self.surroundings.clone());
        Self::run(settings, surroundings, self.clock.clone(), self.folder.clone()).await
    }

    /// Offers a key to which services encrypt for it: the certificate (DER) of the key.
    pub async fn offer_decryption_key(&self) -> Vec<u8> {
        let secret = self.settings.sealing_secret().expect("a passphrase");
        let keys = LocalKeys::open(&self.settings.keys.folder, &secret, Arc::new(SystemEntropy)).expect("keys");
        let key = keys.add_decryption_key("localhost", self.clock.now()).expect("it is made");
        let id = SigningKeyId::parse(&key).expect("a name");
        signing::change_blocking::<SigningError>(
            &self.store,
            &keys,
            "a test",
            self.clock.now(),
            signet::saml::DeniedAlgorithms::NONE,
            |_, plan, at| Ok(plan.publish_opener(&id, at)?),
        )
        .expect("it is published");
        let (shared, node) = (&self.identity_provider.signing, &self.settings.server.node);
        signing::follow(&self.store, &self.key_pairs, shared, node, self.clock.now()).await.expect("it follows");
        shared.load().offered().expect("it is offered").certificate_der().to_vec()
    }

    /// A new browser, as of somebody who was never here.
    pub fn browser(&self) -> Browser {
        Browser::new(&self.at)
    }

    /// The metadata folder: `sp/<agency>/<service>/`.
    pub fn metadata_folder(&self) -> PathBuf {
        self.folder.path().join("metadata")
    }

    /// Everything under which it keeps things.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// How many rows of a table meet a condition.
    pub fn count(&self, table: &str, condition: &str) -> i64 {
        sql::count(&self.store, table, condition)
    }

    /// The newest message to somebody that is not among the first `after` of the inbox, when it has come.
    pub async fn message_to(&self, to: &str, after: usize) -> SandboxMessage {
        let found = || self.inbox.messages().into_iter().skip(after).rfind(|message| message.to == to);
        wait_for(found, &format!("a message to {to}")).await
    }

    /// The link in the newest mail to an address: path and query.
    pub async fn link_to(&self, email: &str, after: usize) -> String {
        let message = self.message_to(email, after).await;
        assert_eq!(message.channel, Channel::Mail);
        let begin = message.body.find(&self.url).unwrap_or_else(|| panic!("no link in: {}", message.body));
        let link = message.body[begin..].split_whitespace().next().expect("a link");
        link.trim_start_matches(&self.url).trim_end_matches(['.', ')']).to_owned()
    }

    /// The six digits in the newest text message to a number.
    pub async fn code_to(&self, e164: &str, after: usize) -> String {
        let message = self.message_to(e164, after).await;
        assert_eq!(message.channel, Channel::Text);
        let digits = message.body.split(|c: char| !c.is_ascii_digit()).find(|run| run.len() == 6);
        digits.unwrap_or_else(|| panic!("no code in: {}", message.body)).to_owned()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        drop(self.stop.take());
    }
}

/// Waits for what a background task does; gives up after ten seconds.
pub async fn wait_for<T>(mut found: impl FnMut() -> Option<T>, what: &str) -> T {
    for _ in 0..1000 {
        if let Some(it) = found() {
            return it;
        }
        tokio::time::sleep(StdDuration::from_millis(10)).await;
    }
    panic!("{what} did not come");
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}
