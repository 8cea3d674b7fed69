//! The same attacks at the front door: the identity provider runs, and the browser that carries each message belongs to a
//! person who is signed in and agreed long ago. Whatever is believed would be answered with an assertion at once.

use std::cell::OnceCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use reqwest::{Method, StatusCode, Url};
use signet::clock::Clock;
use signet::demo::service_provider::{
    Ask, Expected, IdentityProvider, ServiceProvider, SignInAnswer, SignInRequest, SignedIn,
};
use signet::entropy::{SystemEntropy, random_bytes};
use signet::saml::binding::{MAX_CARRIED_BYTES, Received};
use signet::saml::instant;
use signet::saml::xml::{Builder, ns};
use signet::web::refusal::Refusal as Page;
use tokio::runtime::Runtime;

use super::scene::{ACS, RSA_SHA256, Refusal, SP, SSO, metadata_text, signed_query_of};
use crate::saml::keys::{OTHER_RSA, RSA};
use crate::support::app::{TestApp, Wishes};
use crate::support::browser::{self, Browser};
use crate::support::people::{Person, With, sign_up};
use crate::support::sql;

/// Another registered service, with keys of its own: the attacker may be a service too.
pub const OTHER_SP: &str = "https://other.example/metadata";
pub const OTHER_ACS: &str = "https://other.example/acs";

/// What was agreed with a service.
pub fn agreement(entity_id: &str) -> String {
    format!(
        r#"
agency_id = "agency"
entity_id = "{entity_id}"
default_attributes = ["email"]
review_date = 2030-12-31
return_to_url = "https://sp.example/"
agency_name.en = "Agency"
friendly_name.en = "Service"
description.en = "A service"
attributes.email.purpose.en = "To write to you"
attributes.all_emails.purpose.en = "To know you by each address"

[[contacts]]
kind = "technical"
name = "Nobody"
email = "nobody@sp.example"
"#
    )
}

/// Both services, as the registry reads them.
pub fn services() -> Vec<(String, String, String, String)> {
    let metadata = |certificate: &[u8]| {
        metadata_text(&BASE64.encode(certificate)).replace("KeyDescriptor use=\"signing\"", "KeyDescriptor")
    };
    let other = metadata(&OTHER_RSA.certificate_der).replace(SP, OTHER_SP).replace(ACS, OTHER_ACS);
    let record = |service: &str, metadata: String, entity_id: &str| {
        ("agency".to_owned(), service.to_owned(), metadata, agreement(entity_id))
    };
    vec![record("service", metadata(&RSA.certificate_der), SP), record("other", other, OTHER_SP)]
}

/// The address under which browsers know the identity provider, wherever it listens.
pub const ORIGIN: &str = "https://idp.example";

/// The identity provider that is attacked, with somebody signed in.
pub struct House {
    pub app: TestApp,
    pub victim: Browser,
    pub person: Person,
    pub sp: ServiceProvider,
    pub idp: IdentityProvider,
}

impl House {
    /// Starts it; the person has agreed to what the service receives.
    pub async fn open() -> Self {
        let wishes = Wishes { services: services(), public_url: Some(ORIGIN.to_owned()), ..Wishes::default() };
        let app = TestApp::start_with(wishes).await;
        let victim = app.browser();
        let person = sign_up(&app, &victim, "victim@example.gov", With::App).await;
        let sp = ServiceProvider::new(SP, ACS, &RSA.private_pem, &RSA.certificate_pem).expect("a service");
        let published = app.browser().get("/saml/metadata").await.body;
        let idp = IdentityProvider::from_metadata(published.as_bytes()).expect("our metadata");
        let house = Self { app, victim, person, sp, idp };
        let page = house.victim.get(&house.request()).await;
        let answer = house.victim.submit_form(&page.form_with(&["digest"])).await;
        assert!(is_response(&answer), "{}", answer.text());
        // Otherwise the failure of the attacks would prove nothing.
        assert!(is_response(&house.victim.get(&house.request()).await), "the person goes straight through");
        house
    }

    /// The path and query of a genuine request that was never sent before.
    pub fn request(&self) -> String {
        self.request_with(|request| request, None)
    }

    /// The same with attributes of one's own and a RelayState, signed by the service.
    pub fn request_with(&self, change: impl FnOnce(Builder) -> Builder, relay_state: Option<&str>) -> String {
        let id = format!("_{}", hex::encode(random_bytes::<20>(&SystemEntropy)));
        let request = Builder::element("samlp", ns::PROTOCOL, "AuthnRequest")
            .attribute("ID", id)
            .attribute("Version", "2.0")
            .attribute("IssueInstant", instant::format(self.app.clock.now()))
            .attribute("Destination", SSO);
        let request = change(request).child(Builder::element("saml", ns::ASSERTION, "Issuer").text(SP));
        let xml = request.canonical().expect("it can be written").into_string();
        format!("/saml/sso?{}", signed_query_of(&xml, relay_state, RSA_SHA256, &RSA.signer()))
    }

    /// A genuine request that asks for these attributes.
    pub fn ask(&self, attributes: &[&str], relay_state: Option<&str>) -> SignInRequest {
        let attributes = attributes.iter().map(|name| (*name).to_owned()).collect();
        let ask = Ask { attributes, ..Ask::default() };
        let now = self.app.clock.now();
        let mut request = self.sp.request(&self.idp, &ask, relay_state, now, &SystemEntropy).expect("a request");
        request.url = request.url.trim_start_matches(ORIGIN).to_owned();
        request
    }

    /// Somebody else with an account, signed in, who has agreed to nothing yet.
    pub async fn newcomer(&self, email: &str) -> Browser {
        self.app.clock.advance(time::Duration::minutes(1));
        let browser = self.app.browser();
        sign_up(&self.app, &browser, email, With::App).await;
        browser
    }

    /// What the service learns from a page that posts a Response to it.
    #[track_caller]
    pub fn learned(&self, page: &browser::Page, request: &SignInRequest) -> SignedIn {
        let form = page.expect_status(200).form_with(&["SAMLResponse"]);
        assert_eq!(form.action.as_str(), ACS);
        let expected = Expected { idp: &self.idp, request_id: &request.id, now: self.app.clock.now() };
        match self.sp.read_response(form.value("SAMLResponse").expect("a response"), &expected).expect("a good one") {
            SignInAnswer::SignedIn(signed_in) => signed_in,
            refused @ SignInAnswer::Refused { .. } => panic!("{refused:?}"),
        }
    }

    /// How many disclosures were recorded.
    pub fn disclosures(&self) -> i64 {
        sql::count(&self.app.store, "disclosure", "1 = 1")
    }

    /// How many requests wait.
    pub fn waiting(&self) -> i64 {
        sql::count(&self.app.store, "pending_request", "finished_at IS NULL")
    }
}

/// The identifier of the request that a consent page is about.
#[track_caller]
pub fn id_on(page: &browser::Page) -> String {
    let form = page.form_with(&["digest"]);
    form.action.path().rsplit('/').next().expect("an identifier").to_owned()
}

/// The token that the forms of a browser's pages carry.
pub async fn token_of(browser: &Browser) -> String {
    let page = browser.get("/account/methods").await;
    page.attribute("meta[name=csrf]", "content").expect("a token")
}

/// Whether a page posts a Response to the service.
pub fn is_response(page: &browser::Page) -> bool {
    let form = page.forms().into_iter().find(|form| form.value("SAMLResponse").is_some());
    form.is_some_and(|form| {
        assert_eq!(form.action.as_str(), ACS, "an answer goes to the registered address and nowhere else");
        true
    })
}

/// What a test has done in the house.
type Errand = Box<dyn FnOnce(&Runtime, &House) + Send>;

/// A house for the tests that are not asynchronous, on a thread of its own. It is torn down with the thread of its test.
struct Door {
    errands: Option<Sender<Errand>>,
    thread: Option<JoinHandle<()>>,
}

impl Door {
    fn build() -> Self {
        let (errands, list) = channel::<Errand>();
        let thread = std::thread::spawn(move || {
            let runtime = Runtime::new().expect("a runtime");
            let house = runtime.block_on(House::open());
            list.into_iter().for_each(|errand| errand(&runtime, &house));
            runtime.block_on(async { drop(house) });
        });
        Self { errands: Some(errands), thread: Some(thread) }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        drop(self.errands.take());
        drop(self.thread.take().map(JoinHandle::join));
    }
}

thread_local! {
    static DOOR: OnceCell<Door> = const { OnceCell::new() };
}

fn at_the_door<T: Send + 'static>(errand: impl AsyncFnOnce(&House) -> T + Send + 'static) -> T {
    let (done, outcome) = channel();
    let errand: Errand = Box::new(move |runtime, house| {
        // What fails there fails the test here.
        let _ = done.send(catch_unwind(AssertUnwindSafe(|| runtime.block_on(errand(house)))));
    });
    DOOR.with(|door| {
        let door = door.get_or_init(Door::build);
        door.errands.as_ref().expect("it is open").send(errand).expect("the house stands");
    });
    outcome.recv().expect("the house stands").unwrap_or_else(|failed| resume_unwind(failed))
}

/// Opens the door, so that what is timed afterwards is the attack alone.
pub fn open() {
    at_the_door(async |_| {});
}

/// Brings a message to the front door, where it must be refused for the same reason as on the line: with the page, the code
/// and the status of that refusal, without an assertion, without a redirect, and leaving nothing behind.
#[track_caller]
pub fn refuses(received: &Received, why: &Refusal) {
    let expected = Page::from(why.clone()).kind();
    let page = match received {
        Received::Redirect { raw_query } => bring(Method::GET, Some(raw_query.clone()), None),
        Received::Post { saml_request, relay_state } => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.append_pair("SAMLRequest", saml_request);
            if let Some(relay_state) = relay_state {
                form.append_pair("RelayState", relay_state);
            }
            bring(Method::POST, None, Some(form.finish()))
        }
    };
    match page {
        Brought::Page(page) => {
            page.expect_status(expected.status().as_u16());
            // What is larger than a form may be is refused before anybody knows what it is.
            let unread = page.status == StatusCode::PAYLOAD_TOO_LARGE && page.text().contains("Code: W03");
            assert!(unread || page.text().contains(&format!("Code: {}", expected.code())), "{}", page.text());
        }
        Brought::TooLarge => {
            assert_eq!(expected.status().as_u16(), 413, "only what is too large is not read to its end");
        }
    }
}

/// The same for the octets of a form that nothing on the line would have written.
#[track_caller]
pub fn refuses_form(body: &str, why: impl Into<Page>) {
    let expected = why.into().kind();
    match bring(Method::POST, None, Some(body.to_owned())) {
        Brought::Page(page) => {
            page.expect_status(expected.status().as_u16()).expect_words(&format!("Code: {}", expected.code()));
        }
        Brought::TooLarge => panic!("it was not read"),
    }
}

/// Brings a message that changes nothing of what is believed: it is answered like any genuine one.
#[track_caller]
pub fn takes(query: &str) {
    let address = format!("/saml/sso?{query}");
    at_the_door(async move |house| {
        let page = house.victim.get(&address).await;
        assert!(is_response(&page), "{}: {}", page.url, page.text());
    });
}

/// Hands a genuine request with an attribute of the attacker's to the person's browser.
#[track_caller]
pub fn genuine_with(attribute: &'static str, value: &str) -> browser::Page {
    let value = value.to_owned();
    at_the_door(async move |house| {
        house.victim.get(&house.request_with(|request| request.attribute(attribute, value), None)).await
    })
}

enum Brought {
    Page(Box<browser::Page>),
    TooLarge,
}

/// One request of the victim's browser, which must leave nothing behind.
fn bring(method: Method, query: Option<String>, body: Option<String>) -> Brought {
    at_the_door(async move |house| {
        let before = (house.disclosures(), house.waiting(), house.victim.cookie("__Host-signet"));
        let mut url: Url = format!("{}/saml/sso", house.app.at).parse().expect("a URL");
        url.set_query(query.as_deref());
        let length = query.as_ref().map_or(0, String::len).max(body.as_ref().map_or(0, String::len));
        let page = if length > MAX_CARRIED_BYTES {
            // It is refused by its length, before it is read: the sender sees the answer, or a connection that is closed.
            match house.victim.try_once(method, url, body).await {
                Ok(page) if page.status == StatusCode::PAYLOAD_TOO_LARGE => Brought::Page(Box::new(page)),
                Ok(page) => {
                    assert!(page.status.is_client_error(), "{}", page.status);
                    Brought::TooLarge
                }
                Err(_) => Brought::TooLarge,
            }
        } else {
            Brought::Page(Box::new(house.victim.once(method, url, body).await))
        };
        if let Brought::Page(page) = &page {
            assert!(page.status.is_client_error(), "{}: {}", page.status, page.text());
            let answers = page.forms().iter().any(|form| form.value("SAMLResponse").is_some());
            assert!(!answers, "{}", page.body);
            assert!(page.headers.get("location").is_none());
        }
        let after = (house.disclosures(), house.waiting(), house.victim.cookie("__Host-signet"));
        assert_eq!(after, before, "something was left behind");
        page
    })
}
