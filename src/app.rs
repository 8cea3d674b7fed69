//! The application: built from settings, run until it is told to stop.
//!
//! [`Application::build`] opens what the settings name (keys, database, ports) and binds the listener, so that every mistake is
//! told before the first browser comes. [`Application::run_until`] serves and does the background work; when it is told to
//! stop, requests under way are finished first.

use std::{fmt, io, net::TcpListener, path::PathBuf, sync::Arc, time::Duration};

use actix_web::{
    App, HttpServer,
    body::MessageBody as _,
    dev::{Server, Service as _},
    http::Method,
    middleware::from_fn,
    web,
};
use arc_swap::ArcSwap;
use openssl::ssl::{SslAcceptor, SslAcceptorBuilder, SslFiletype, SslMethod};
use tracing_actix_web::TracingLogger;
use url::Url;

use crate::accounts::site::Contact;
use crate::accounts::site::Site;
use crate::accounts::text_messages::TextMessages;
use crate::address;
use crate::authentication::password::Argon2Parameters;
use crate::authentication::webauthn::{RelyingParty, WebauthnRefused};
use crate::clock::{Clock, SystemClock};
use crate::entropy::{Entropy, SystemEntropy};
use crate::event::{Event, Explanation};
use crate::federation::disclosure::ChainId;
use crate::federation::registry::Admission;
use crate::federation::registry::SharedRegistry;
use crate::jobs::signing::{self, SigningError};
use crate::jobs::{self, Outbox, metadata};
use crate::sealing::ServiceKeys;
use crate::services::argon2_gate::Argon2Gate;
use crate::services::keys::{KeyPairStore, LocalKeys, LocalKeysError};
use crate::services::mail::{Mail, SmtpMail, SmtpServer, SmtpSettingsError};
use crate::services::sandbox::SandboxInbox;
use crate::services::sms::{KannelSms, Sms};
use crate::settings::{ContactSettings, Settings, SettingsError};
use crate::storage::retention::RetentionTerms;
use crate::storage::{DisclosureWriter, NodeLock, Store, StoreError};
use crate::web::connections::{self, ConnectionLimits, TooFewDescriptors, WantedLimits, admission, descriptor_limit};
use crate::web::head::get;
use crate::web::headers::HttpsOnly;
use crate::web::log::RequestSpan;
use crate::web::saml::{IdentityProvider, Published};
use crate::web::shell::shell;
use crate::web::{headers, metrics, routes};

/// Connections of the monitoring system.
const MOST_METRICS_CONNECTIONS: usize = 16;
/// How long requests under way may take when the process is told to stop.
const STOP_WITHIN_SECONDS: u64 = 20;

/// What surrounds the application, and is no setting.
#[derive(Clone)]
pub struct Surroundings {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// What a password costs, where it is not what the settings say: for the demonstration and tests.
    pub password_cost: Option<Argon2Parameters>,
    /// Whether this is the demonstration or a test: then sandbox adapters and services on loopback http are accepted.
    pub demonstration: bool,
}

impl Surroundings {
    /// The operating system's clock and chance; nothing that is only for show.
    #[must_use]
    pub fn production() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            password_cost: None,
            demonstration: false,
        }
    }

    /// The same, with sandboxes.
    #[must_use]
    pub fn demonstration() -> Self {
        Self { demonstration: true, ..Self::production() }
    }
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").field("demonstration", &self.demonstration).finish_non_exhaustive()
    }
}

/// Why the application cannot be built. Each names what to do next.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The keys cannot be opened.
    #[error("the keys cannot be opened: {0}")]
    Keys(#[from] LocalKeysError),
    /// The address to listen on is taken, or not ours.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// The stored services cannot be read.
    #[error("the stored services cannot be read: {0}")]
    Load(#[from] metadata::LoadError),
    /// The schema is older than the program.
    #[error("the database lacks {0} migrations: run `signet migrate`")]
    Migrations(usize),
    /// A sandbox where people's real messages should go.
    #[error("{0} = \"sandbox\" is for the demonstration and tests only: name a real one")]
    Sandbox(&'static str),
    /// A setting.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The gateway for text messages.
    #[error("the gateway for text messages cannot be set up: {0}")]
    Sms(#[from] reqwest::Error),
    /// The mail server.
    #[error(transparent)]
    Smtp(#[from] SmtpSettingsError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There are too few file descriptors for the connections that are wanted.
    #[error(transparent)]
    TooFewDescriptors(#[from] TooFewDescriptors),
    /// The signing keys.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// TLS.
    #[error("TLS cannot be set up with {path}: {error}")]
    Tls {
        /// The file.
        path: PathBuf,
        /// Why.
        error: openssl::error::ErrorStack,
    },
    /// Authenticators cannot know us by the public URL.
    #[error("server.public_url cannot be used for passkeys: {0}")]
    Webauthn(#[from] WebauthnRefused),
}

/// An application that listens and does not answer yet.
pub struct Application {
    site: Site,
    /// What signs and opens, for following the plan of the signing keys.
    key_pairs: Arc<dyn KeyPairStore>,
    identity_provider: IdentityProvider,
    /// The metadata folder, if changes in it are to be applied as they appear.
    watched: Option<PathBuf>,
    outbox: Outbox,
    inbox: Option<SandboxInbox>,
    listener: TcpListener,
    tls: Option<SslAcceptorBuilder>,
    /// Where the monitoring system reads.
    metrics: Option<TcpListener>,
    public_url: Url,
    /// Its name among the nodes.
    node: String,
    /// Held until requests under way are finished.
    node_lock: Option<NodeLock>,
    /// What a stranger may hold.
    limits: ConnectionLimits,
    /// How long it is kept that something was.
    retention: RetentionTerms,
    /// What browsers are told of coming by https alone.
    https_only: HttpsOnly,
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Application").field("public_url", &self.public_url.as_str()).finish_non_exhaustive()
    }
}

impl Application {
    /// Opens everything and binds the listener. To be called on a tokio runtime, where the ledger's writer lives.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn build(settings: &Settings, surroundings: &Surroundings) -> Result<Self, BuildError> {
        if let Some(setting) = settings.sandboxed().filter(|_| !surroundings.demonstration) {
            return Err(BuildError::Sandbox(setting));
        }
        let limits = connection_limits(settings, descriptor_limit())?;
        let Surroundings { clock, entropy, .. } = surroundings.clone();
        let keys = LocalKeys::open(&settings.keys.folder, &settings.sealing_secret()?, entropy.clone())?;
        let keys: Arc<dyn KeyPairStore> = Arc::new(keys);
        let store = Store::open(&settings.database_url()?, settings.database.connections)?;
        let pending = store.pending_migrations()?;
        if !pending.is_empty() {
            return Err(BuildError::Migrations(pending.len()));
        }

        let node_lock = Some(store.node_lock()?);

        let inbox = settings.sandboxed().map(|_| SandboxInbox::new(clock.clone()));
        let sandbox = || inbox.clone().unwrap_or_else(|| SandboxInbox::new(clock.clone()));
        let mail: Arc<dyn Mail> = match settings.mail.smtp()? {
            Some(smtp) => Arc::new(SmtpMail::new(SmtpServer::check(&smtp)?)),
            None => Arc::new(sandbox()),
        };
        let sms: Arc<dyn Sms> = match settings.sms.kannel()? {
            Some(kannel) => Arc::new(KannelSms::new(kannel)?),
            None => Arc::new(sandbox()),
        };
        let outbox = Outbox::new(store.clone(), keys.clone(), mail, sms, clock.clone());
        let identity_provider = identity_provider(settings, surroundings, &store, &keys)?;

        let server = &settings.server;
        let site = site(settings, surroundings, store, keys.clone(), identity_provider.registry.clone())?;

        let bind = |address| TcpListener::bind(address).map_err(|error| BuildError::Listen { address, error });
        let listener = bind(server.listen)?;
        let metrics = server.metrics_listen.map(bind).transpose()?;
        let tls = match (&server.tls_certificate, &server.tls_key_file) {
            (Some(certificate), Some(key)) => Some(acceptor(certificate, key)?),
            _ => None,
        };
        let watched = settings.federation.watch.then(|| settings.federation.metadata_folder.clone());
        let public_url = server.public_url.clone();
        let node = server.node.clone();
        Ok(Self {
            site,
            key_pairs: keys,
            identity_provider,
            watched,
            outbox,
            inbox,
            listener,
            tls,
            metrics,
            public_url,
            node,
            node_lock,
            limits,
            retention: settings.retention.terms()?,
            https_only: HttpsOnly::of(server),
        })
    }

    /// What the pages work with.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// What signs, and what opens what is encrypted to us.
    #[must_use]
    pub fn key_pairs(&self) -> &Arc<dyn KeyPairStore> {
        &self.key_pairs
    }

    /// What single sign-on works with.
    #[must_use]
    pub fn identity_provider(&self) -> &IdentityProvider {
        &self.identity_provider
    }

    /// The sandbox's inbox, where there is one.
    #[must_use]
    pub fn inbox(&self) -> Option<&SandboxInbox> {
        self.inbox.as_ref()
    }

    /// What a stranger may hold.
    #[must_use]
    pub const fn connection_limits(&self) -> &ConnectionLimits {
        &self.limits
    }

    /// Where browsers find it.
    #[must_use]
    pub fn public_url(&self) -> &Url {
        &self.public_url
    }

    /// Serves, and does the background work, until `stop` is done; then finishes what is under way.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn run_until(mut self, stop: impl Future<Output = ()>) -> io::Result<()> {
        let _held_until_the_end = self.node_lock.take();
        let background = [
            tokio::spawn(self.outbox.clone().run()),
            tokio::spawn(jobs::keep_forgetting(self.site.store.clone(), self.retention, self.site.clock.clone())),
            // Without a folder the database is watched, since another node or the terminal may apply a change.
            tokio::spawn(metadata::watch(
                self.site.store.clone(),
                self.site.keys.clone(),
                self.identity_provider.registry.clone(),
                self.watched.clone(),
                self.identity_provider.loopback_http,
                self.identity_provider.denied,
                self.site.clock.clone(),
            )),
            tokio::spawn(signing::watch(
                self.site.store.clone(),
                self.key_pairs.clone(),
                self.identity_provider.signing.clone(),
                self.identity_provider.registry.clone(),
                self.node.clone(),
                self.site.clock.clone(),
            )),
        ];
        let metrics = self.metrics.take().map(|listener| self.metrics_server(listener)).transpose()?;
        let metrics = metrics.map(|server| (server.handle(), tokio::spawn(server)));
        let server = self.server()?;
        let handle = server.handle();
        let serving = tokio::spawn(server);
        tokio::pin!(serving);
        let outcome = tokio::select! {
            ended = &mut serving => ended,
            () = stop => {
                handle.stop(true).await;
                serving.await
            }
        };
        for task in background {
            task.abort();
        }
        if let Some((handle, serving)) = metrics {
            handle.stop(false).await;
            drop(serving.await);
        }
        outcome.unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    fn metrics_server(&self, listener: TcpListener) -> io::Result<Server> {
        let site = web::Data::new(self.site.clone());
        let identity_provider = web::Data::new(self.identity_provider.clone());
        let server = HttpServer::new(move || {
            App::new()
                .app_data(site.clone())
                .app_data(identity_provider.clone())
                .service(web::resource("/metrics").route(get().to(metrics::metrics)))
        });
        Ok(server.workers(1).max_connections(MOST_METRICS_CONNECTIONS).disable_signals().listen(listener)?.run())
    }

    fn server(self) -> io::Result<Server> {
        let outbox = self.outbox;
        let site = web::Data::new(self.site);
        let identity_provider = web::Data::new(self.identity_provider);
        let admission = web::Data::new(admission::Admission::new(self.limits));
        let https_only = web::Data::new(self.https_only);
        connections::serve(self.listener, self.tls, self.limits, STOP_WITHIN_SECONDS, move || {
            let outbox = outbox.clone();
            App::new()
                // What a form put into the outbox goes as soon as the answer does.
                .wrap_fn(move |request, service| {
                    let called = (request.method() == Method::POST).then(|| outbox.clone());
                    let answer = service.call(request);
                    async move {
                        let answer = answer.await;
                        if let Some(outbox) = called {
                            outbox.call();
                        }
                        answer.map(|answer| answer.map_body(|_, body| body.boxed()))
                    }
                })
                .wrap(from_fn(admission::admit))
                .wrap(from_fn(shell))
                .wrap(from_fn(headers::protect))
                .wrap(TracingLogger::<RequestSpan>::new())
                .app_data(site.clone())
                .app_data(identity_provider.clone())
                .app_data(admission.clone())
                .app_data(https_only.clone())
                .configure(routes)
        })
    }
}

/// What a stranger may hold of a process with so many file descriptors.
///
/// # Errors
/// When they are too few for `connections.most`.
pub fn connection_limits(settings: &Settings, descriptors: u64) -> Result<ConnectionLimits, TooFewDescriptors> {
    let set = &settings.connections;
    let seconds = |seconds: u16| Duration::from_secs(seconds.into());
    let wanted = WantedLimits {
        most: set.most,
        // Behind proxies every connection is one of theirs.
        per_network: (settings.server.proxies == 0).then_some(set.per_network),
        requests_per_network: set.requests_per_network,
        headers_within: seconds(set.headers_seconds),
        body_within: seconds(set.body_seconds),
        answer_taken_within: seconds(set.answer_seconds),
        database_connections: settings.database.connections,
    };
    ConnectionLimits::new(&wanted, descriptors)
}

/// Who we are on the wire. The services come from the database, after the folder has been applied where that is wanted: a file
/// that is broken, or a folder that cannot be read, leaves the last good records.
fn identity_provider(
    settings: &Settings,
    surroundings: &Surroundings,
    store: &Store,
    shared_keys: &Arc<dyn KeyPairStore>,
) -> Result<IdentityProvider, BuildError> {
    let keys = &**shared_keys;
    let (federation, denied) = (&settings.federation, settings.denied_algorithms()?);
    if federation.watch {
        let admission = Admission { now: surroundings.clock.now(), loopback_http: surroundings.demonstration, denied };
        match metadata::apply_blocking(store, keys, &federation.metadata_folder, "start", admission) {
            Ok(applied) => {
                metadata::report_altered(&applied.altered);
                for fault in &applied.broken {
                    Event::ServiceFileBroken { why: Explanation::of(fault) }.log(None);
                }
            }
            Err(fault) => Event::MetadataApplyFailed { why: Explanation::of(&fault) }.log(None),
        }
    }
    let loaded = store.read_blocking(|tx| metadata::load(tx, keys))?;
    loaded.tell();
    let signing = signing::begin_blocking(store, keys, &settings.server.node, surroundings.clock.now(), denied)?;
    Ok(IdentityProvider {
        entity_id: settings.entity_id()?,
        sso: Arc::from([address(settings, address::SAML_SSO)]),
        slo: Arc::from([address(settings, address::SAML_LOGOUT)]),
        artifact: Arc::from([address(settings, address::SAML_ARTIFACT)]),
        registry: Arc::new(ArcSwap::from_pointee(loaded.registry)),
        disclosures: DisclosureWriter::start(store.clone(), shared_keys.clone(), chain_of(&settings.server.node)),
        signing: Arc::new(ArcSwap::from_pointee(signing)),
        published: Published {
            organization: federation.organization.clone(),
            service_name: settings.server.service_name.clone(),
            support_email: federation.support_email.clone(),
            security_email: federation.security_email.clone(),
            encryption_methods: federation.encryption_methods,
        },
        copy: Default::default(),
        fetches: Default::default(),
        loopback_http: surroundings.demonstration,
        denied,
    })
}

/// What everything about people needs, from the settings.
///
/// # Errors
/// Which setting is wrong.
pub fn site(
    settings: &Settings,
    surroundings: &Surroundings,
    store: Store,
    keys: Arc<dyn ServiceKeys>,
    services: SharedRegistry,
) -> Result<Site, BuildError> {
    let server = &settings.server;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Ok(Site {
        relying_party: RelyingParty::new(&server.public_url, &server.service_name)?,
        service_name: server.service_name.clone(),
        origin: server.public_url.clone(),
        session_limits: settings.sessions.limits()?,
        limits: settings.limits.rates()?,
        gate: Argon2Gate::new(
            settings.limits.password_places(cores)?,
            match surroundings.password_cost {
                Some(cost) => cost,
                None => settings.passwords.cost()?,
            },
        ),
        services,
        contact: contact_of(&settings.contact),
        proxies: server.proxies,
        text_messages: TextMessages::new(settings.text_messages.terms()?),
        store,
        keys,
        clock: surroundings.clock.clone(),
        entropy: surroundings.entropy.clone(),
    })
}

/// An address of ours.
fn address(settings: &Settings, page: address::Path) -> Url {
    let mut url = settings.server.public_url.clone();
    url.set_path(page.as_str());
    url
}

/// A node's chain of the ledger, named after the node.
fn chain_of(node: &str) -> ChainId {
    let hash = openssl::sha::sha256(format!("signet/ledger-chain/v1/{node}").as_bytes());
    let mut id = [0; 16];
    id.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    ChainId::from_bytes(id)
}

/// TLS 1.2 and 1.3 as Mozilla's intermediate profile has it.
fn acceptor(certificate: &std::path::Path, key: &std::path::Path) -> Result<SslAcceptorBuilder, BuildError> {
    let failed = |path: &std::path::Path| {
        let path = path.to_owned();
        move |error| BuildError::Tls { path, error }
    };
    let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).map_err(failed(certificate))?;
    builder.set_certificate_chain_file(certificate).map_err(failed(certificate))?;
    builder.set_private_key_file(key, SslFiletype::PEM).map_err(failed(key))?;
    builder.check_private_key().map_err(failed(key))?;
    Ok(builder)
}

/// Whom people ask, for the pages; `None` when the settings name nobody.
fn contact_of(settings: &ContactSettings) -> Option<Contact> {
    let ContactSettings { email, phone, hours } = settings.clone();
    settings.is_there().then_some(Contact { email, phone, hours })
}
