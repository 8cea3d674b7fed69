//! The whole demonstration, as a newcomer meets it: one URL, and everything from there by links and forms.

use std::sync::Arc;

use signet::app::Surroundings;
use signet::authentication::password::Argon2Parameters;
use signet::clock::SystemClock;
use signet::demo::person;
use signet::demo::setup::{DemoPlaces, Demonstration};
use signet::entropy::SystemEntropy;
use signet::federation::registry::SharedRegistry;
use signet::services::sandbox::SandboxInbox;
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::support::{
    app::wait_for,
    browser::{Browser, Page},
};

pub(super) struct Started {
    pub(super) places: DemoPlaces,
    pub(super) inbox: SandboxInbox,
    registry: SharedRegistry,
    stop: oneshot::Sender<()>,
    running: tokio::task::JoinHandle<()>,
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn surroundings() -> Surroundings {
    Surroundings {
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        password_cost: Some(Argon2Parameters { memory_kib: 64, iterations: 1, lanes: 1 }),
        demonstration: true,
    }
}

pub(super) fn start_in(folder: &TempDir) -> Started {
    let places = DemoPlaces {
        folder: folder.path().to_owned(),
        samples: "metadata".into(),
        port: free_port(),
        agency_port: free_port(),
    };
    let demonstration = Demonstration::set_up(&places, &surroundings()).unwrap();
    let inbox = demonstration.application().inbox().unwrap().clone();
    let registry = demonstration.application().identity_provider().registry.clone();
    let (stop, stopped) = oneshot::channel();
    let running = tokio::spawn(async move { demonstration.run_until(async { drop(stopped.await) }).await.unwrap() });
    Started { places, inbox, registry, stop, running }
}

impl Started {
    pub(super) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.running.await.unwrap();
    }

    pub(super) fn idp_url(&self) -> String {
        format!("http://localhost:{}/", self.places.port)
    }

    /// The newest code that was sent, once it is there.
    async fn code(&self) -> String {
        let digits =
            |text: &str| text.split(|c: char| !c.is_ascii_digit()).find(|run| run.len() == 6).map(str::to_owned);
        let newest = || self.inbox.messages().iter().rev().find_map(|message| digits(&message.body));
        wait_for(newest, "a code").await
    }
}

#[tokio::test]
async fn the_demonstration_starts_again_with_what_it_made() {
    let folder = tempfile::tempdir().unwrap();
    let first = start_in(&folder);
    let page = Browser::new(&first.places.start_url()).get("/").await;
    page.expect_status(200).expect_words("pat.sample@demo.example");
    let recovery_key = |page: &Page| page.text().rsplit("Recovery key ").next().unwrap()[..34].to_owned();
    let shown = recovery_key(&page);
    first.stop().await;

    let second = start_in(&folder);
    let page = Browser::new(&second.places.start_url()).get("/").await;
    assert_eq!(recovery_key(&page), shown);
    second.stop().await;
}

/// Does what a person does, page after page, as the invented person of the demonstration, until the agency has the answer
/// or a page comes that asks for something else.
pub(super) async fn walk(started: &Started, browser: &Browser, mut page: Page) -> Page {
    let mut sent = false;
    for _ in 0..12 {
        let path = page.url.path().to_owned();
        page = if page.url.host_str() == Some("demo-agency.localhost") {
            return page;
        } else if page.forms().iter().any(|form| form.action.path() == "/acs") {
            let form = page.forms().into_iter().find(|form| form.action.path() == "/acs").unwrap();
            browser.submit_form(&form).await
        } else if path == "/sign-in" {
            browser.submit(&page, &[("email", person::EMAIL), ("password", person::PASSWORD)]).await
        } else if path == "/sign-in/second-factor/sms" && !sent {
            sent = true;
            browser.submit_to(&page, "/sms/send", &[]).await
        } else if path == "/sign-in/second-factor/sms" {
            let code = started.code().await;
            browser.submit(&page, &[("code", &code)]).await
        } else if path == "/sign-in/second-factor" {
            browser.get(&format!("{}sign-in/second-factor/sms", started.idp_url())).await
        } else if let Some(agree) = page.forms().iter().find(|form| form.action.path().starts_with("/saml/consent/")) {
            browser.submit_form(agree).await
        } else {
            return page;
        };
    }
    page
}

/// The names of the attributes that the agency shows.
fn received(page: &Page) -> Vec<String> {
    let document = scraper::Html::parse_document(&page.body);
    let names = scraper::Selector::parse("#attributes tbody th").unwrap();
    document.select(&names).map(|name| name.text().collect()).collect()
}

#[tokio::test]
async fn the_invented_person_signs_in_and_the_agency_receives_what_was_agreed() {
    let folder = tempfile::tempdir().unwrap();
    let started = start_in(&folder);
    let browser = Browser::new(&started.places.start_url());

    let page = browser.get("/sign-in/plain").await;
    let page = walk(&started, &browser, page).await;
    page.expect_status(200).expect_words("You are signed in").expect_words(person::EMAIL);
    let name_id = page.find("#name-id").unwrap();
    assert!(received(&page).contains(&"email".to_owned()), "{:?}", received(&page));

    // More is asked for: a new consent, and the whole of it is received.
    let page = browser.get("/sign-in/proofed").await;
    let page = walk(&started, &browser, page).await;
    page.expect_status(200).expect_words("You are signed in").expect_words("12 Example Street");
    assert_eq!(page.find("#name-id").unwrap(), name_id, "the agency knows the person again");

    // An age in place of a date of birth: a yes to the person, `true` to the agency.
    let page = browser.get("/sign-in/age").await;
    let page = walk(&started, &browser, page).await;
    page.expect_status(200).expect_words("You are signed in");
    assert!(received(&page).contains(&"age_over_18".to_owned()), "{:?}", received(&page));
    assert!(!page.body.contains("1980-02-29"));

    // What the agreement lacks is not sent, whatever the request says.
    let page = browser.get("/sign-in/too-much").await;
    let page = walk(&started, &browser, page).await;
    page.expect_status(200).expect_words("You are signed in");
    assert!(!received(&page).contains(&"ssn".to_owned()), "{:?}", received(&page));
    assert!(!page.body.contains("900-12-3456"));
    started.stop().await;
}

#[tokio::test]
async fn a_passive_request_of_a_stranger_gets_an_error_status() {
    let folder = tempfile::tempdir().unwrap();
    let started = start_in(&folder);
    let browser = Browser::new(&started.places.start_url());
    let page = browser.get("/sign-in/passive").await;
    let page = walk(&started, &browser, page).await;
    page.expect_words("You are not signed in");
    assert_eq!(page.find("#nested-status").as_deref(), Some("urn:oasis:names:tc:SAML:2.0:status:NoPassive"));
    started.stop().await;
}

#[tokio::test]
async fn an_edited_agreement_counts_at_the_next_sign_in_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let started = start_in(&folder);
    let browser = Browser::new(&started.places.start_url());
    let page = walk(&started, &browser, browser.get("/sign-in/plain").await).await;
    assert!(received(&page).contains(&"email".to_owned()), "{}", page.text());

    let file = started.places.agreement();
    let agreement = std::fs::read_to_string(&file).unwrap();
    let edited = agreement
        .replace("default_attributes = [\"email\"]", "default_attributes = []")
        .replace("[attributes.email]\npurpose.en = \"To tell you how your application is going\"\n", "");
    assert_ne!(edited, agreement);
    let before = started.registry.load_full();
    std::fs::write(&file, edited).unwrap();
    wait_for(|| (!Arc::ptr_eq(&before, &started.registry.load_full())).then_some(()), "the new agreement").await;

    let page = walk(&started, &browser, browser.get("/sign-in/plain").await).await;
    page.expect_words("You are signed in");
    assert!(!received(&page).contains(&"email".to_owned()), "{:?}", received(&page));
    started.stop().await;
}
