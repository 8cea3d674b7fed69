//! The signing key changes while people go on signing in: steps of the terminal, seen by services over HTTP.

mod certificates;
mod decryption;
mod hostile_database;
mod sealing;
mod steps;
mod trial;
mod under_load;

use std::process::Command;

use signet::clock::Clock as _;
use signet::demo::service_provider::{Ask, Expected, IdentityProvider, ServiceProvider, SignInAnswer};
use signet::entropy::SystemEntropy;
use signet::jobs::signing::{SigningError, follow};
use signet::rollover::{SigningKeyId, metadata_address};
use signet::saml::EntityId;
use signet::storage::StoreError;
use time::UtcDateTime;

use crate::federation::front_door::{House, agreement, permits};
use crate::saml::keys;
use crate::support::app::{TestApp, Wishes};
use crate::support::browser::{Browser, Page};

/// What the program said.
struct Told {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Told {
    #[track_caller]
    fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out
    }

    /// It was refused with these words, and says what to do next.
    #[track_caller]
    fn refused(&self, words: &str) {
        assert_eq!(self.code, Some(2), "{}{}", self.out, self.err);
        assert!(self.err.contains(words), "not `{words}`: {}", self.err);
        let next = self.err.split("next: ").nth(1).unwrap_or_else(|| panic!("no next step: {}", self.err));
        assert!(next.len() > 10, "{}", self.err);
    }

    /// The same where the words end with a day so many days after the command ran, which was at or after `began`: the day may have
    /// ended meanwhile.
    #[track_caller]
    fn refused_with_a_day(&self, words: &str, days: i64, began: UtcDateTime, ended: UtcDateTime) {
        let [first, last] = [began, ended].map(|at| format!("{words}{}", (at + time::Duration::days(days)).date()));
        self.refused(if self.err.contains(&first) { &first } else { &last });
    }
}

/// Two services, `permits` and `camping`, at one identity provider with an operator.
struct Street {
    house: House,
    services: Vec<Service>,
}

/// A service, and the metadata of ours that it holds.
#[derive(Clone)]
struct Service {
    name: &'static str,
    sp: std::sync::Arc<ServiceProvider>,
    holds: std::sync::Arc<std::sync::Mutex<IdentityProvider>>,
}

impl Service {
    fn entity(&self) -> String {
        entity(self.name)
    }

    fn idp(&self) -> IdentityProvider {
        self.holds.lock().unwrap().clone()
    }

    fn take_over(&self, metadata: &str) {
        *self.holds.lock().unwrap() = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    }

    /// Signs a person in who is signed in here: the answer as it was posted, or why the service does not take it.
    async fn sign_in(&self, house: &House, browser: &Browser) -> Result<String, String> {
        let asked = self.sp.request(&self.idp(), &Ask::default(), None, house.now(), &SystemEntropy).unwrap();
        let mut page = browser.get(&asked.url).await;
        if page.forms().iter().any(|form| form.value("digest").is_some()) {
            page = browser.submit_to(&page, page.form_with(&["digest"]).action.path(), &[]).await;
        }
        let response = posted(&page)?;
        let idp = self.idp();
        let expected = Expected { idp: &idp, request_id: &asked.id, now: house.now() };
        match self.sp.read_response(&response, &expected) {
            Ok(SignInAnswer::SignedIn(_)) => Ok(response),
            other => Err(format!("{}: {other:?}", self.name)),
        }
    }
}

fn posted(page: &Page) -> Result<String, String> {
    let form = page.forms().into_iter().find(|form| form.value("SAMLResponse").is_some());
    let form = form.ok_or_else(|| format!("{} {}: {}", page.status, page.url, page.text()))?;
    Ok(form.value("SAMLResponse").unwrap().to_owned())
}

fn entity(name: &str) -> String {
    format!("https://{name}.example.gov/saml")
}

/// A service's files: agency, service, metadata, agreement.
type Files = (String, String, String, String);

/// The two services, and their files.
fn two_services() -> (Vec<Files>, Vec<(&'static str, ServiceProvider)>) {
    let mut services = Vec::new();
    let mut parties = Vec::new();
    for name in ["permits", "camping"] {
        let (private, certificate) = (&keys::RSA.private_pem, &keys::RSA.certificate_pem);
        let acs = format!("https://{name}.example.gov/acs");
        let sp = ServiceProvider::new(entity(name), acs, private, certificate).unwrap();
        let metadata = sp.metadata(name).unwrap().into_string();
        let agreement = agreement("default_attributes = [\"email\"]", &["email"])
            .replace("agency_id = \"department-of-parks\"", &format!("agency_id = {name:?}"))
            .replace("https://permits.parks.example.gov/saml", &entity(name));
        services.push((name.to_owned(), "service".to_owned(), metadata, agreement));
        parties.push((name, sp));
    }
    (services, parties)
}

impl Street {
    async fn new() -> Self {
        Self::on(false).await
    }

    async fn on(postgresql: bool) -> Self {
        let (services, parties) = two_services();
        let app = TestApp::start_with(Wishes { services, postgresql, ..Wishes::default() }).await;
        std::fs::write(app.folder().join("signet.toml"), toml::to_string_pretty(&app.settings).unwrap()).unwrap();
        let published = app.browser().get("/saml/metadata").await.body;
        let idp = IdentityProvider::from_metadata(published.as_bytes()).unwrap();
        let services = parties
            .into_iter()
            .map(|(name, sp)| Service {
                name,
                sp: std::sync::Arc::new(sp),
                holds: std::sync::Arc::new(std::sync::Mutex::new(idp.clone())),
            })
            .collect();
        Self { house: House { app, sp: permits(), idp }, services }
    }

    fn app(&self) -> &TestApp {
        &self.house.app
    }

    fn permits(&self) -> &Service {
        &self.services[0]
    }

    fn camping(&self) -> &Service {
        &self.services[1]
    }

    /// `signet keys …`, as the operator runs it.
    fn keys(&self, arguments: &[&str]) -> Told {
        self.signet(&[&["keys"], arguments].concat())
    }

    fn signet(&self, arguments: &[&str]) -> Told {
        let mut command = Command::new(env!("CARGO_BIN_EXE_signet"));
        command.arg("--settings").arg(self.app().folder().join("signet.toml")).args(arguments);
        let output = tokio::task::block_in_place(|| command.output()).expect("it runs");
        let text = |octets: Vec<u8>| String::from_utf8(octets).expect("UTF-8");
        Told { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// The node looks for a newer plan, as it does every minute.
    async fn follow(&self) -> Result<(), SigningError> {
        let app = self.app();
        let (shared, node) = (&app.identity_provider.signing, &app.settings.server.node);
        follow(&app.store, &app.key_pairs, shared, node, app.clock.now()).await
    }

    /// Makes a key of this kind.
    fn generate(&self, kind: &str) -> SigningKeyId {
        let said = self.keys(&["generate", "--next", "--kind", kind]).done();
        SigningKeyId::parse(said.split_whitespace().nth(3).unwrap()).unwrap()
    }

    /// Makes a key and publishes it.
    async fn publish(&self, kind: &str) -> SigningKeyId {
        let key = self.generate(kind);
        self.keys(&["publish", key.as_str()]).done();
        self.follow().await.unwrap();
        key
    }

    /// Makes a key to which services encrypt, and publishes it.
    async fn publish_for_decryption(&self) -> SigningKeyId {
        let said = self.keys(&["generate", "--decryption"]).done();
        let key = SigningKeyId::parse(said.split_whitespace().nth(3).unwrap()).unwrap();
        self.keys(&["publish"]).done();
        self.follow().await.unwrap();
        key
    }

    /// The path at which a service fetches our metadata.
    fn address_of(&self, service: &Service) -> String {
        let entity_id = EntityId::parse(&service.entity()).unwrap();
        format!("/saml/metadata/{}", metadata_address(&entity_id, &*self.app().site.keys).unwrap())
    }

    /// A service fetches our metadata at its own address.
    async fn fetch(&self, service: &Service) {
        let page = self.app().browser().get(&self.address_of(service)).await;
        service.take_over(&page.expect_status(200).body);
    }

    /// With which key the last sign-in at a service was signed.
    async fn last_signed_with(&self, service: &Service) -> SigningKeyId {
        let name = service.entity();
        let last = self.app().store.read::<_, StoreError, _>(move |tx| tx.last_assertion_for(&name)).await.unwrap();
        SigningKeyId::parse(&last.expect("a sign-in").1).unwrap()
    }

    fn fleet(&self) -> SigningKeyId {
        self.app().identity_provider.signing.load().plan().fleet().clone()
    }

    fn version(&self) -> i64 {
        self.app().identity_provider.signing.load().plan().version()
    }
}
