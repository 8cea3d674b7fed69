//! Logging out through the front door: three services, of which one takes redirects, one forms, and one nothing at all.

use std::io::Write as _;

use flate2::{Compression, write::DeflateEncoder};
use reqwest::Method;
use reqwest::header::LOCATION;
use signet::demo::service_provider::{Ask, Expected, IdentityProvider, ServiceProvider, SignInAnswer, SignedIn};
use signet::entropy::{SystemEntropy, random_bytes};
use signet::saml::binding::Delivery;
use signet::saml::encryption::{BlockEncryption, EncryptionKey, EncryptionSeed, encrypt};
use signet::saml::logout::{
    LogoutMessage, LogoutRequest, LogoutResponse, LogoutResult, LogoutStatus, VerifiedLogoutRequest,
    VerifiedLogoutResponse,
};
use signet::saml::metadata::{LogoutKind, SloLocation};
use signet::saml::response::{Status, TopStatus};
use signet::saml::signature::{SignaturePosition, Signer as _, sign_enveloped};
use signet::saml::xml::{Builder, ns};
use signet::saml::{EntityId, IdpMetadata, MessageId, RelayState, SpMetadata, assertion::NameId};
use signet::storage::retention::RetentionTerms;
use signet::subscriber::SubscriberId;
use time::Duration;
use url::Url;

use super::front_door::{House, agreement};
use crate::saml::keys;
use crate::support::app::{TestApp, Wishes};
use crate::support::browser::{Browser, Page};
use crate::support::sql;

const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

/// A service, and what its session knows.
struct Party {
    name: &'static str,
    sp: ServiceProvider,
    signed_in: Option<SignedIn>,
}

impl Party {
    fn entity(&self) -> EntityId {
        EntityId::parse(&format!("https://{}.example.gov/saml", self.name)).unwrap()
    }
}

struct Street {
    house: House,
    browser: Browser,
    person: SubscriberId,
    ask: Ask,
    parties: Vec<Party>,
    /// Our record, as a service reads it: where its messages go, and our keys.
    us: IdpMetadata,
}

const PARTIES: [(&str, Option<&str>); 3] = [("permits", Some(REDIRECT)), ("camping", Some(POST)), ("returns", None)];

impl Street {
    /// Three services, and a person who is signed in at the first `signed_in` of them.
    async fn with(signed_in: usize) -> Self {
        Self::agreed(signed_in, "").await
    }

    /// The services get transient names.
    async fn with_transient_names(signed_in: usize) -> Self {
        let mut street = Self::agreed(0, "name_id_formats = [\"transient\"]").await;
        street.ask.name_id_format = Some("urn:oasis:names:tc:SAML:2.0:nameid-format:transient".to_owned());
        for index in 0..signed_in {
            street.sign_in(index).await;
        }
        street
    }

    /// With these lines at the top of each agreement.
    async fn agreed(signed_in: usize, top: &str) -> Self {
        Self::of(&PARTIES, signed_in, top).await
    }

    async fn of(named: &[(&'static str, Option<&str>)], signed_in: usize, top: &str) -> Self {
        let mut services = Vec::new();
        let mut parties = Vec::new();
        for &(name, binding) in named {
            let entity = format!("https://{name}.example.gov/saml");
            let sp = ServiceProvider::new(
                entity.as_str(),
                format!("https://{name}.example.gov/acs"),
                &keys::RSA.private_pem,
                &keys::RSA.certificate_pem,
            )
            .unwrap();
            let slo = binding.map_or_else(String::new, |binding| {
                format!(
                    "<md:SingleLogoutService Binding=\"{binding}\" Location=\"https://{name}.example.gov/slo\">\
                     </md:SingleLogoutService>"
                )
            });
            let metadata = sp.metadata(name).unwrap().into_string();
            let metadata = metadata.replacen("<md:NameIDFormat>", &format!("{slo}<md:NameIDFormat>"), 1);
            let agreement = agreement(top, &[])
                .replace("agency_id = \"department-of-parks\"", &format!("agency_id = {name:?}"))
                .replace("https://permits.parks.example.gov/saml", &entity)
                .replace("Park permits", name);
            services.push((name.to_owned(), "service".to_owned(), metadata, agreement));
            parties.push(Party { name, sp, signed_in: None });
        }
        let app = TestApp::start_with(Wishes { services, ..Wishes::default() }).await;
        let published = app.browser().get("/saml/metadata").await.body;
        let idp = IdentityProvider::from_metadata(published.as_bytes()).unwrap();
        let us = IdpMetadata::parse(published.as_bytes()).unwrap();
        let advertised = format!("{REDIRECT}\" Location=\"{}/saml/logout\"", app.url);
        assert!(published.contains(&advertised), "it is advertised");
        let house = House { app, sp: super::front_door::permits(), idp };
        let (browser, person) = house.fiona().await;
        let mut street = Self { house, browser, person, ask: Ask::default(), parties, us };
        for index in 0..signed_in {
            street.sign_in(index).await;
        }
        street
    }

    /// The same person signs in at a service in another browser.
    async fn sign_in_elsewhere(&mut self, index: usize) {
        let browser = self.house.app.browser();
        self.house.sign_in(&browser, self.person, None).await;
        let here = std::mem::replace(&mut self.browser, browser);
        self.sign_in(index).await;
        self.browser = here;
    }

    async fn sign_in(&mut self, index: usize) {
        let (house, sp) = (&self.house, &self.parties[index].sp);
        let request = sp.request(&house.idp, &self.ask, None, house.now(), &SystemEntropy).unwrap();
        let page = self.browser.get(&request.url).await;
        let page = match page.forms().iter().any(|form| form.value("digest").is_some()) {
            true => self.browser.submit_to(&page, page.form_with(&["digest"]).action.path(), &[]).await,
            false => page,
        };
        let form = page.form_with(&["SAMLResponse"]);
        let expected = Expected { idp: &house.idp, request_id: &request.id, now: house.now() };
        let SignInAnswer::SignedIn(signed_in) =
            sp.read_response(form.value("SAMLResponse").unwrap(), &expected).unwrap()
        else {
            panic!("an assertion is due")
        };
        self.parties[index].signed_in = Some(signed_in);
    }

    fn here(&self) -> SloLocation {
        self.us.peer().slo_location(LogoutKind::Request, true).unwrap()
    }

    fn ours(&self) -> Vec<Url> {
        vec![self.here().url().clone()]
    }

    /// The request that a service makes about its own session, changed as wanted.
    fn request(&self, index: usize, change: impl FnOnce(&mut LogoutRequest)) -> LogoutRequest {
        let party = &self.parties[index];
        let signed_in = party.signed_in.as_ref().unwrap();
        let now = self.house.now();
        let mut request = LogoutRequest {
            id: MessageId::from_entropy(random_bytes(&SystemEntropy)),
            issuer: party.entity(),
            qualifiers: (EntityId::parse(&format!("{}/saml", self.house.app.url)).unwrap(), party.entity()),
            issue_instant: now,
            not_on_or_after: now + Duration::minutes(5),
            name_id: NameId::of_format(&signed_in.name_id_format, &signed_in.name_id).unwrap(),
            session_indexes: vec![signed_in.session_index.clone().unwrap()],
        };
        change(&mut request);
        request
    }

    fn url(&self, request: &LogoutRequest) -> String {
        match request.deliver(&self.here(), &keys::RSA.signer()).unwrap() {
            Delivery::Redirect(url) => url.to_string(),
            Delivery::Post { .. } => panic!("our metadata offers redirects"),
        }
    }

    /// Goes to an address and on, as far as it leads within Signet.
    async fn go(&self, address: &str) -> Went {
        self.follow(self.browser.once_with(Method::GET, address, None, &[]).await).await
    }

    async fn follow(&self, mut page: Page) -> Went {
        for _ in 0..8 {
            let Some(to) = page.headers.get(LOCATION) else { return Went::Page(Box::new(page)) };
            let to = to.to_str().unwrap().to_owned();
            if !to.starts_with('/') && !to.starts_with(&self.house.app.url) {
                return Went::Out(to.parse().unwrap());
            }
            page = self.browser.once_with(Method::GET, &to, None, &[]).await;
        }
        panic!("it goes round and round")
    }

    /// Answers the question of how far the logout shall go.
    async fn decide(&self, page: &Page, extent: &str) -> Went {
        let form = page.forms().into_iter().find(|form| form.value("extent") == Some(extent)).unwrap();
        let fields: Vec<(&str, &str)> =
            form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let page = self.browser.once_with(Method::POST, form.action.as_str(), Some(&fields), &[]).await;
        self.follow(page).await
    }

    async fn is_signed_in(&self) -> bool {
        matches!(self.go("/account").await, Went::Page(page) if page.text().contains("fiona@example.com"))
    }

    /// The answer that a service gives to a request of ours.
    fn answer(&self, index: usize, request: &VerifiedLogoutRequest, result: LogoutResult) -> String {
        let response = LogoutResponse {
            id: MessageId::from_entropy(random_bytes(&SystemEntropy)),
            issuer: self.parties[index].entity(),
            issue_instant: self.house.now(),
            in_response_to: request.id().clone(),
            result,
        };
        match response.deliver(&self.here(), None, &keys::RSA.signer()).unwrap() {
            Delivery::Redirect(url) => url.to_string(),
            Delivery::Post { .. } => panic!("our metadata offers redirects"),
        }
    }

    /// Our answer, as the first service reads it.
    fn read_answer(&self, went: &Went) -> VerifiedLogoutResponse {
        let Went::Out(url) = went else { panic!("an answer is due: {went:?}") };
        assert!(url.as_str().starts_with("https://permits.example.gov/slo?SAMLResponse="), "{url}");
        let LogoutMessage::Response(decoded) = LogoutMessage::from_query(url.query().unwrap()).unwrap() else {
            panic!("a response")
        };
        decoded
            .verify(
                self.us.peer(),
                &[Url::parse("https://permits.example.gov/slo").unwrap()],
                signet::saml::DeniedAlgorithms::NONE,
            )
            .unwrap()
    }

    /// Our request, as a service reads it.
    fn read_request(&self, message: LogoutMessage, at: &str) -> VerifiedLogoutRequest {
        let LogoutMessage::Request(decoded) = message else { panic!("a request") };
        decoded.verify(self.us.peer(), &[Url::parse(at).unwrap()], signet::saml::DeniedAlgorithms::NONE).unwrap()
    }
}

/// Where the browser came to.
#[derive(Debug)]
enum Went {
    Out(Url),
    Page(Box<Page>),
}

impl Went {
    fn page(self) -> Page {
        match self {
            Self::Page(page) => *page,
            Self::Out(url) => panic!("a page is due, not {url}"),
        }
    }
}

#[tokio::test]
async fn everywhere_goes_round_all_services_and_tells_the_truth_to_the_one_that_asked() {
    let street = Street::with(3).await;
    let asked = street.url(&street.request(0, |_| ()));
    let question = street.go(&asked).await.page();
    question.expect_words("Sign out everywhere?").expect_words("camping").expect_words("returns");
    assert!(street.is_signed_in().await, "nothing ends before the person says so");

    // The second service takes forms; the third nothing.
    let page = street.decide(&question, "everywhere").await.page();
    let form = page.form_with(&["SAMLRequest"]);
    assert_eq!(form.action.as_str(), "https://camping.example.gov/slo");
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("SAMLRequest", form.value("SAMLRequest").unwrap())
        .finish();
    let told =
        street.read_request(LogoutMessage::from_form(body.as_bytes()).unwrap(), "https://camping.example.gov/slo");
    let camping = street.parties[1].signed_in.as_ref().unwrap();
    let named = told.principal(&[]).unwrap();
    assert_eq!(*named.value, camping.name_id);
    assert_eq!(named.format.as_deref(), Some(camping.name_id_format.as_str()));
    assert_eq!(told.session_indexes(), [camping.session_index.clone().unwrap()]);
    assert!(!street.is_signed_in().await, "the session here ended first");

    let went = street.go(&street.answer(1, &told, LogoutResult::Ended)).await;
    assert_eq!(street.read_answer(&went).status(), LogoutStatus::Partly, "one service could not be told");
}

#[tokio::test]
async fn all_that_ended_is_called_ended_and_relay_state_comes_back() {
    let street = Street::with(1).await;
    let request = street.request(0, |_| ());
    let state = RelayState::parse("back/to?x=1&y=ü").unwrap();
    let Delivery::Redirect(_) = request.deliver(&street.here(), &keys::RSA.signer()).unwrap() else { panic!() };
    // A service that wants something back signs it along.
    let plain = street.url(&request);
    let (before, _) = plain.split_once("&SigAlg=").unwrap();
    let (base, message) = before.split_once('?').unwrap();
    let signer = keys::RSA.signer();
    let escaped = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let octets =
        format!("{message}&RelayState={}&SigAlg={}", escaped(state.as_str()), escaped(signer.algorithm().uri()));
    let signature = openssl::base64::encode_block(&signer.sign(octets.as_bytes()).unwrap());
    let question = street.go(&format!("{base}?{octets}&Signature={}", escaped(&signature))).await.page();
    let went = street.decide(&question, "everywhere").await;
    let answer = street.read_answer(&went);
    assert_eq!((answer.status(), answer.in_response_to()), (LogoutStatus::Ended, &request.id));
    let Went::Out(url) = went else { unreachable!() };
    assert_eq!(url.query_pairs().find(|(name, _)| name == "RelayState").unwrap().1, state.as_str());
    assert!(!street.is_signed_in().await);
}

#[tokio::test]
async fn only_there_keeps_the_session_and_says_so() {
    let mut street = Street::with(2).await;
    let question = street.go(&street.url(&street.request(0, |_| ()))).await.page();
    let went = street.decide(&question, "there_only").await;
    assert_eq!(street.read_answer(&went).status(), LogoutStatus::Partly);
    assert!(street.is_signed_in().await);
    street.sign_in(0).await;
}

/// Most service providers keep their own session when they read that the one here goes on.
#[tokio::test]
async fn a_service_that_asked_for_itself_alone_is_told_when_everything_ends() {
    let street = Street::with(2).await;
    let question = street.go(&street.url(&street.request(0, |_| ()))).await.page();
    question.expect_words("it may show an error message").expect_words("it is told that you are still signed in here");
    street.decide(&question, "there_only").await;
    // It may ask once more: its session here is known still.
    let again = street.go(&street.url(&street.request(0, |_| ()))).await.page();
    street.decide(&again, "there_only").await;

    let question = street.go(&street.url(&street.request(1, |_| ()))).await.page();
    question.expect_words("permits");
    let Went::Out(url) = street.decide(&question, "everywhere").await else { panic!("permits is due") };
    let told = LogoutMessage::from_query(url.query().unwrap()).unwrap();
    let told = street.read_request(told, "https://permits.example.gov/slo");
    assert_eq!(told.session_indexes(), [street.parties[0].signed_in.clone().unwrap().session_index.unwrap()]);
}

#[tokio::test]
async fn an_answer_of_a_session_that_is_over_is_not_used_and_the_question_comes_again() {
    let street = Street::with(2).await;
    let question = street.go(&street.url(&street.request(0, |_| ()))).await.page();
    let form = question.forms().into_iter().find(|form| form.value("extent") == Some("everywhere")).unwrap();
    let late: Vec<(&str, &str)> = form
        .fields
        .iter()
        .map(|(name, value)| (name.as_str(), if name == "csrf" { "of-the-session-before" } else { value.as_str() }))
        .collect();
    let send = async |headers| street.browser.once_with(Method::POST, form.action.as_str(), Some(&late), headers).await;
    let again = street.follow(send(&[]).await).await.page();
    again.expect_words("What you sent last was not used");
    assert!(street.is_signed_in().await);
    send(&[("origin", "https://evil.example")]).await.expect_status(403).expect_words("W05");
    drop(street.decide(&again, "everywhere").await);
    assert!(!street.is_signed_in().await);
}

#[tokio::test]
async fn an_agreement_may_say_that_logouts_always_go_everywhere() {
    let street = Street::agreed(2, "logout = { choice = \"everywhere\" }").await;
    let page = street.go(&street.url(&street.request(0, |_| ()))).await.page();
    let told = told_by_form(&street, &page);
    assert!(!street.is_signed_in().await);
    let went = street.go(&street.answer(1, &told, LogoutResult::Ended)).await;
    assert_eq!(street.read_answer(&went).status(), LogoutStatus::Ended);
    // A message that the service fetches by itself ends nothing all the same.
    let street = Street::agreed(1, "logout = { choice = \"everywhere\" }").await;
    let went = by_itself(&street, &street.url(&street.request(0, |_| ()))).await;
    assert_eq!(street.read_answer(&went).status(), LogoutStatus::Partly);
    assert!(street.is_signed_in().await);
}

#[tokio::test]
async fn an_agreement_may_name_the_exception_that_a_kept_session_is_called_ended() {
    let street =
        Street::agreed(2, "logout = { exception = \"success-where-kept\", reason = \"It keeps its session.\" }").await;
    let question = street.go(&street.url(&street.request(0, |_| ()))).await.page();
    assert!(!question.text().contains("error message"), "{}", question.text());
    let went = street.decide(&question, "there_only").await;
    assert_eq!(street.read_answer(&went).status(), LogoutStatus::Ended);
    assert!(street.is_signed_in().await);
    // It changes nothing else: what failed has failed.
    let question = street.go(&street.url(&street.request(0, |_| ()))).await.page();
    let page = street.decide(&question, "everywhere").await.page();
    let failed = Status { code: TopStatus::Responder, nested: None, message: None };
    let went = street.go(&street.answer(1, &told_by_form(&street, &page), LogoutResult::Failed(failed))).await;
    assert_eq!(street.read_answer(&went).status(), LogoutStatus::Partly);
}

/// Where our answer comes when the service fetches its message itself, instead of sending the person's browser.
async fn by_itself(street: &Street, url: &str) -> Went {
    let service = street.house.app.browser();
    let mut page = service.once_with(Method::GET, url, None, &[]).await;
    for _ in 0..4 {
        assert!(!page.text().contains("camping"), "it learns nothing of the others: {}", page.text());
        let to = page.headers.get(LOCATION).unwrap_or_else(|| panic!("{}", page.text())).to_str().unwrap().to_owned();
        if to.starts_with("https:") {
            return Went::Out(to.parse().unwrap());
        }
        page = service.once_with(Method::GET, &to, None, &[]).await;
    }
    panic!("it goes round and round")
}

#[tokio::test]
async fn after_the_idle_limit_the_others_are_told_before_success_is_said() {
    let street = Street::with(2).await;
    street.house.app.clock.advance(Duration::minutes(16));
    let page = street.go(&street.url(&street.request(0, |_| ()))).await.page();
    let told = told_by_form(&street, &page);
    assert_eq!(*told.principal(&[]).unwrap().value, street.parties[1].signed_in.as_ref().unwrap().name_id);
    let went = street.go(&street.answer(1, &told, LogoutResult::Ended)).await;
    assert_eq!(street.read_answer(&went).status(), LogoutStatus::Ended);
    // What was said stays so: nobody is told twice.
    let went = street.go(&street.url(&street.request(0, |_| ()))).await;
    assert_eq!(street.read_answer(&went).status(), LogoutStatus::Ended);
}

#[tokio::test]
async fn after_the_idle_limit_a_service_that_is_alone_is_answered_at_once() {
    let street = Street::with(1).await;
    street.house.app.clock.advance(Duration::hours(13));
    let went = street.go(&street.url(&street.request(0, |_| ()))).await;
    assert_eq!(street.read_answer(&went).status(), LogoutStatus::Ended);
    let street = Street::with(1).await;
    street.house.app.clock.advance(Duration::minutes(16));
    let went = street.go(&without_index(&street)).await;
    assert_eq!(street.read_answer(&went).status(), LogoutStatus::Ended, "the cookie names the session");
}

#[tokio::test]
async fn after_the_idle_limit_no_success_is_said_where_nobody_can_be_told() {
    // The browser is another, or the service fetches its message itself.
    let street = Street::with(2).await;
    street.house.app.clock.advance(Duration::minutes(16));
    let went = by_itself(&street, &street.url(&street.request(0, |_| ()))).await;
    assert_eq!(street.read_answer(&went).status(), LogoutStatus::Partly);
    // The person comes with the browser later: now they are told.
    let page = street.go(&street.url(&street.request(0, |_| ()))).await.page();
    let failed = Status { code: TopStatus::Responder, nested: None, message: None };
    let went = street.go(&street.answer(1, &told_by_form(&street, &page), LogoutResult::Failed(failed))).await;
    assert_eq!(street.read_answer(&went).status(), LogoutStatus::Partly, "it was told and did not end");
}

#[tokio::test]
async fn after_a_day_nothing_is_known_and_nothing_is_claimed() {
    let street = Street::with(2).await;
    let (app, kept) = (&street.house.app, "session_participant");
    app.clock.advance(Duration::hours(24) - Duration::minutes(1));
    signet::jobs::forget(&app.store, RetentionTerms::DEFAULT, &*app.clock).await.unwrap();
    assert_eq!(sql::count(&app.store, kept, "true"), 2, "they outlive the session");
    app.clock.advance(Duration::minutes(2));
    signet::jobs::forget(&app.store, RetentionTerms::DEFAULT, &*app.clock).await.unwrap();
    assert_eq!(sql::count(&app.store, kept, "true"), 0);
    let went = street.go(&street.url(&street.request(0, |_| ()))).await;
    assert_eq!(street.read_answer(&went).status(), LogoutStatus::Partly);
}

#[tokio::test]
async fn a_person_who_has_signed_in_again_is_asked_about_the_session_before_as_well() {
    let mut street = Street::with(2).await;
    street.house.app.clock.advance(Duration::minutes(16));
    let old = street.url(&street.request(0, |_| ()));
    street.house.sign_in(&street.browser, street.person, None).await;
    let camping = street.parties[1].signed_in.take();
    let question = street.go(&old).await.page();
    question.expect_words("Sign out everywhere?").expect_words("camping");
    let page = street.decide(&question, "everywhere").await.page();
    assert!(!street.is_signed_in().await, "the session of today ends");
    let told = told_by_form(&street, &page);
    assert_eq!(told.session_indexes(), [camping.unwrap().session_index.unwrap()]);
    let went = street.go(&street.answer(1, &told, LogoutResult::Ended)).await;
    assert_eq!(street.read_answer(&went).status(), LogoutStatus::Ended);
}

/// The person signed out here and did not go round the services; one of them asks now.
#[tokio::test]
async fn what_was_not_told_when_the_person_signed_out_here_is_told_when_a_service_asks() {
    let street = Street::with(2).await;
    sign_out_here(&street).await.expect_words("camping : still signed in there");
    let page = street.go(&street.url(&street.request(0, |_| ()))).await.page();
    let went = street.go(&street.answer(1, &told_by_form(&street, &page), LogoutResult::Ended)).await;
    assert_eq!(street.read_answer(&went).status(), LogoutStatus::Ended);
}

/// The page that comes when the person signs out on the account page.
async fn sign_out_here(street: &Street) -> Page {
    let account = street.browser.get("/account").await;
    let form = account.forms().into_iter().find(|form| form.action.path() == "/account/sign-out").unwrap();
    let fields: Vec<(&str, &str)> = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let page = street.browser.once_with(Method::POST, form.action.as_str(), Some(&fields), &[]).await;
    street.follow(page).await.page()
}

/// The LogoutRequest that stands in a form, as camping reads it.
fn told_by_form(street: &Street, page: &Page) -> VerifiedLogoutRequest {
    let form = page.form_with(&["SAMLRequest"]);
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("SAMLRequest", form.value("SAMLRequest").unwrap())
        .finish();
    street.read_request(LogoutMessage::from_form(body.as_bytes()).unwrap(), "https://camping.example.gov/slo")
}

#[tokio::test]
async fn a_service_that_signed_the_person_in_twice_is_told_once() {
    for mut street in [Street::with(2).await, Street::with_transient_names(2).await] {
        let first = street.parties[1].signed_in.clone().unwrap();
        street.sign_in(1).await;
        let second = street.parties[1].signed_in.clone().unwrap();
        assert_eq!((&second.session_index, &second.name_id), (&first.session_index, &first.name_id));
        assert_ne!(street.parties[0].signed_in.as_ref().unwrap().session_index, first.session_index, "its own");

        let question = street.go(&street.url(&street.request(0, |_| ()))).await.page();
        let page = street.decide(&question, "everywhere").await.page();
        let told = told_by_form(&street, &page);
        assert_eq!(told.session_indexes(), [first.session_index.unwrap()]);
        assert_eq!(*told.principal(&[]).unwrap().value, first.name_id);
        let went = street.go(&street.answer(1, &told, LogoutResult::Ended)).await;
        assert_eq!(street.read_answer(&went).status(), LogoutStatus::Ended);
        let page = street.go(question.url.path()).await.page();
        assert_eq!(page.text().matches("camping").count(), 1, "{}", page.text());
    }
}

#[tokio::test]
async fn another_session_of_the_same_person_has_a_session_index_and_a_transient_name_of_its_own() {
    let mut street = Street::with_transient_names(1).await;
    let first = street.parties[0].signed_in.clone().unwrap();
    street.sign_in_elsewhere(0).await;
    let second = street.parties[0].signed_in.clone().unwrap();
    assert_ne!((&second.session_index, &second.name_id), (&first.session_index, &first.name_id));
}

/// As two sign-ins leave it that ran at the same moment, and those from before SessionIndexes were kept.
#[tokio::test]
async fn two_session_indexes_of_one_name_are_told_by_one_request() {
    let mut street = Street::with(2).await;
    let first = street.parties[1].signed_in.clone().unwrap();
    street.sign_in_elsewhere(1).await;
    let second = street.parties[1].signed_in.clone().unwrap();
    assert_eq!(first.name_id, second.name_id);
    assert_ne!(first.session_index, second.session_index);
    sql::run(
        &street.house.app.store,
        "UPDATE session_participant SET session = (
             SELECT session FROM session_participant WHERE entity_id = 'https://permits.example.gov/saml'
         )",
    );
    let question = street.go(&street.url(&street.request(0, |_| ()))).await.page();
    let page = street.decide(&question, "everywhere").await.page();
    let told = told_by_form(&street, &page);
    assert_eq!(told.session_indexes(), [first.session_index.unwrap(), second.session_index.unwrap()]);
    let went = street.go(&street.answer(1, &told, LogoutResult::Ended)).await;
    assert_eq!(street.read_answer(&went).status(), LogoutStatus::Ended, "it was told once, and both ended");
}

/// Chromium, Firefox and Safari follow twenty redirects from one page to the next, and services have some of their own.
#[tokio::test]
async fn a_logout_of_fifteen_services_shows_a_page_of_ours_long_before_a_browser_gives_up() {
    const DESKS: [&str; 15] = [
        "permits", "desk-2", "desk-3", "desk-4", "desk-5", "desk-6", "desk-7", "desk-8", "desk-9", "desk-10",
        "desk-11", "desk-12", "desk-13", "desk-14", "desk-15",
    ];
    for top in ["", "logout = { choice = \"everywhere\" }"] {
        let street = Street::of(&DESKS.map(|name| (name, Some(REDIRECT))), DESKS.len(), top).await;
        // The service's own redirect, by which its request comes.
        let (mut redirects, mut longest, mut pages, mut told) = (1, 0, 0, Vec::new());
        let mut page = street.browser.once_with(Method::GET, &street.url(&street.request(0, |_| ())), None, &[]).await;
        let answer = loop {
            longest = longest.max(redirects);
            let Some(to) = page.headers.get(LOCATION) else {
                redirects = 0;
                pages += 1;
                if let Some(form) = page.forms().into_iter().find(|form| form.value("extent") == Some("everywhere")) {
                    let fields: Vec<_> =
                        form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                    page = street.browser.once_with(Method::POST, form.action.as_str(), Some(&fields), &[]).await;
                    continue;
                }
                page.expect_status(200).expect_words(&format!("{} of 14 services were asked", told.len()));
                let onward = page.link("Go on").unwrap();
                assert!(page.body.contains(&format!("<meta http-equiv=\"refresh\" content=\"0;url={onward}\">")));
                // Reloaded, it goes on as well.
                let reloaded = page.url.path().to_owned();
                let next = if pages % 2 == 0 { onward } else { reloaded };
                page = street.browser.once_with(Method::GET, &next, None, &[]).await;
                continue;
            };
            redirects += 1;
            let to: Url = page.url.join(to.to_str().unwrap()).unwrap();
            if to.as_str().starts_with(&street.house.app.url) {
                page = street.browser.once_with(Method::GET, to.as_str(), None, &[]).await;
                continue;
            }
            if to.query_pairs().any(|(name, _)| name == "SAMLResponse") {
                break to;
            }
            let desk = DESKS.iter().position(|name| to.host_str() == Some(&format!("{name}.example.gov"))).unwrap();
            let message = LogoutMessage::from_query(to.query().unwrap()).unwrap();
            let request = street.read_request(message, &format!("https://{}.example.gov/slo", DESKS[desk]));
            told.push(desk);
            redirects += 1;
            let answered = street.answer(desk, &request, LogoutResult::Ended);
            page = street.browser.once_with(Method::GET, &answered, None, &[]).await;
        };
        told.sort_unstable();
        assert_eq!(told, (1..15).collect::<Vec<_>>(), "each once");
        assert_eq!(street.read_answer(&Went::Out(answer)).status(), LogoutStatus::Ended);
        assert!(longest <= 11, "{longest} redirects from page to page");
        assert!((4..=6).contains(&pages), "{pages} pages");
    }
}

#[tokio::test]
async fn a_service_that_never_sends_the_browser_back_holds_up_nothing() {
    let street = Street::with(2).await;
    let question = street.go(&street.url(&street.request(0, |_| ()))).await.page();
    let page = street.decide(&question, "everywhere").await.page();
    assert_eq!(page.form_with(&["SAMLRequest"]).action.as_str(), "https://camping.example.gov/slo");
    assert!(!street.is_signed_in().await);
    // The person comes back by themselves and goes on.
    let summary = street.go(question.url.path()).await.page();
    summary.expect_words("You are signed out").expect_words("was asked, and has not answered yet");
    let went = street.go(&format!("{}/next", question.url.path())).await;
    assert_eq!(street.read_answer(&went).status(), LogoutStatus::Partly);
    street.go(question.url.path()).await.page().expect_words("did not answer. Sign out there.");
}

#[tokio::test]
async fn a_person_who_signs_out_here_may_take_the_services_along() {
    let street = Street::with(3).await;
    let account = street.browser.get("/account").await;
    let form = account.forms().into_iter().find(|form| form.action.path() == "/account/sign-out").unwrap();
    let fields: Vec<(&str, &str)> = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let page = street.browser.once_with(Method::POST, form.action.as_str(), Some(&fields), &[]).await;
    let page = street.follow(page).await.page();
    page.expect_words("You are signed out").expect_words("permits : still signed in there");
    page.expect_words("returns : cannot be told");
    assert!(!street.is_signed_in().await);

    let Went::Out(url) = street.go(&format!("{}/next", page.url.path())).await else { panic!("to permits") };
    let told = LogoutMessage::from_query(url.query().unwrap()).unwrap();
    let told = street.read_request(told, "https://permits.example.gov/slo");
    let failed = Status { code: TopStatus::Responder, nested: None, message: None };
    let form = street.go(&street.answer(0, &told, LogoutResult::Failed(failed))).await.page();
    let form = form.form_with(&["SAMLRequest"]);
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("SAMLRequest", form.value("SAMLRequest").unwrap())
        .finish();
    let told =
        street.read_request(LogoutMessage::from_form(body.as_bytes()).unwrap(), "https://camping.example.gov/slo");
    let summary = street.go(&street.answer(1, &told, LogoutResult::Ended)).await.page();
    summary.expect_words("permits : says that it could not sign you out").expect_words("camping : signed out");
    assert!(summary.link("Sign out of these services too").is_none(), "there is nothing left to do");
}

#[tokio::test]
async fn requests_that_do_not_hold_end_nothing() {
    let street = Street::with(1).await;
    let now = street.house.now();
    let refused = async |request: &LogoutRequest, code: &str| {
        street.go(&street.url(request)).await.page().expect_words(code);
    };
    refused(&street.request(0, |r| r.issue_instant = now - Duration::minutes(6)), "S40").await;
    refused(&street.request(0, |r| r.not_on_or_after = now - Duration::minutes(4)), "S40").await;
    refused(&street.request(0, |r| r.issue_instant = now + Duration::minutes(4)), "S41").await;
    refused(&street.request(0, |r| r.issuer = EntityId::parse("https://unknown.example/").unwrap()), "S20").await;
    let url = street.url(&street.request(0, |_| ()));
    street.go(url.split("&SigAlg=").next().unwrap()).await.page().expect_words("S30");
    street.go(&url.replace("&SigAlg=", "&RelayState=x&SigAlg=")).await.page().expect_words("S31");
    street.go("/saml/logout").await.page().expect_words("S01");
    street.go("/saml/logout/0123456789abcdef0123456789abcdef").await.page().expect_words("W06");
    street.go("/saml/logout/nonsense/next").await.page().expect_words("W06");
    assert!(street.is_signed_in().await);

    let request = street.request(0, |_| ());
    street.go(&street.url(&request)).await.page().expect_words("Sign out everywhere?");
    refused(&request, "S42").await;
    assert!(street.is_signed_in().await);
}

#[tokio::test]
async fn another_persons_name_and_a_session_that_is_gone_are_told_apart() {
    let street = Street::with(1).await;
    let other = street.request(0, |r| r.name_id = NameId::persistent("somebody-else"));
    let went = street.go(&street.url(&other)).await;
    assert_eq!(street.read_answer(&went).status(), LogoutStatus::Failed);
    assert!(street.is_signed_in().await);
    let gone = street.request(0, |r| r.session_indexes = vec!["_gone".to_owned()]);
    let went = street.go(&street.url(&gone)).await;
    assert_eq!(
        street.read_answer(&went).status(),
        LogoutStatus::Partly,
        "no such session is there, and nobody was told"
    );
    assert!(street.is_signed_in().await);
}

#[tokio::test]
async fn a_service_ends_no_session_by_the_index_of_another_services() {
    let street = Street::with(2).await;
    let index = street.parties[1].signed_in.as_ref().unwrap().session_index.clone().unwrap();
    let went = street.go(&street.url(&street.request(0, |r| r.session_indexes = vec![index]))).await;
    assert_eq!(street.read_answer(&went).status(), LogoutStatus::Partly);
    assert!(street.is_signed_in().await);
}

#[tokio::test]
async fn a_form_of_somebody_elses_browser_decides_nothing() {
    let street = Street::with(1).await;
    let question = street.go(&street.url(&street.request(0, |_| ()))).await.page();
    let stranger = street.house.app.browser();
    let fields = [("csrf", "AAAA"), ("extent", "everywhere")];
    // It is taken for one of a session that is over.
    stranger.once_with(Method::POST, question.url.path(), Some(&fields), &[]).await.expect_status(303);
    // One who has a session, and a token, of their own.
    let token = stranger.get("/sign-in").await.form_with(&["csrf"]).value("csrf").unwrap().to_owned();
    let fields = [("csrf", token.as_str()), ("extent", "everywhere")];
    stranger.once_with(Method::POST, question.url.path(), Some(&fields), &[]).await.expect_status(410);
    let next = format!("{}/next", question.url.path());
    stranger.once_with(Method::GET, &next, None, &[]).await.expect_status(410);
    let fields = [("csrf", question.form_with(&["extent"]).value("csrf").unwrap().to_owned())];
    let fields = [("csrf", fields[0].1.as_str()), ("extent", "nowhere")];
    street.browser.once_with(Method::POST, question.url.path(), Some(&fields), &[]).await.expect_status(400);
    assert!(street.is_signed_in().await);
}

#[tokio::test]
async fn an_answer_that_nobody_waits_for_changes_nothing() {
    let street = Street::with(1).await;
    let question = street.go(&street.url(&street.request(0, |_| ()))).await.page();
    let LogoutMessage::Request(decoded) =
        LogoutMessage::from_query(Url::parse(&street.url(&street.request(0, |_| ()))).unwrap().query().unwrap())
            .unwrap()
    else {
        panic!("a request")
    };
    let permits = ServiceRecord::of(&street);
    let unasked = decoded.verify(permits.0.peer(), &street.ours(), signet::saml::DeniedAlgorithms::NONE).unwrap();
    street.go(&street.answer(0, &unasked, LogoutResult::Ended)).await.page().expect_words("W06");
    street.go(question.url.path()).await.page().expect_words("Sign out everywhere?");
    assert!(street.is_signed_in().await);
}

/// The record of the first service, for making a message that looks like one of ours.
struct ServiceRecord(SpMetadata);

impl ServiceRecord {
    fn of(street: &Street) -> Self {
        let metadata = street.parties[0].sp.metadata("permits").unwrap().into_string();
        Self(SpMetadata::parse(metadata.as_bytes()).unwrap())
    }
}

/// A LogoutRequest by HTTP-POST, as a form from the service's site brings it, perhaps without our cookie.
async fn posted(street: &Street, request: &LogoutRequest, asynchronous: bool, with_cookie: bool) -> Page {
    let name = Builder::element("saml", ns::ASSERTION, "NameID").text(request.name_id.value());
    posted_about(street, request, name, asynchronous, with_cookie).await
}

async fn posted_about(
    street: &Street,
    request: &LogoutRequest,
    name: Builder,
    asynchronous: bool,
    with_cookie: bool,
) -> Page {
    post(street, &signed_about(street, request, name, asynchronous), with_cookie).await
}

fn signed_about(street: &Street, request: &LogoutRequest, name: Builder, asynchronous: bool) -> String {
    let samlp = |name| Builder::element("samlp", ns::PROTOCOL, name);
    let wish = samlp("Extensions").child(Builder::element("aslo", ns::ASLO, "Asynchronous"));
    let message = samlp("LogoutRequest")
        .attribute("ID", request.id.as_str())
        .attribute("Version", "2.0")
        .attribute("IssueInstant", signet::saml::instant::format(request.issue_instant))
        .attribute("Destination", street.here().url().as_str())
        .child(Builder::element("saml", ns::ASSERTION, "Issuer").text(request.issuer.as_str()))
        .optional_child(asynchronous.then_some(wish))
        .child(name)
        .children(request.session_indexes.iter().map(|index| samlp("SessionIndex").text(index.as_str())));
    sign_enveloped(&message, SignaturePosition::AfterIssuer, &keys::RSA.signer()).unwrap().into_string()
}

async fn post(street: &Street, signed: &str, with_cookie: bool) -> Page {
    let message = openssl::base64::encode_block(signed.as_bytes());
    let headers: &[(&str, &str)] = if with_cookie { &[] } else { &[("cookie", "")] };
    street.browser.once_with(Method::POST, "/saml/logout", Some(&[("SAMLRequest", &message)]), headers).await
}

/// A name, encrypted to a key.
fn hidden(name: &str, certificate_der: &[u8], cipher: BlockEncryption) -> Builder {
    let content = Builder::element("saml", ns::ASSERTION, "NameID").text(name).canonical().unwrap();
    let key = EncryptionKey::from_certificate_der(certificate_der).unwrap();
    let seed = EncryptionSeed { content_key: random_bytes(&SystemEntropy), iv: random_bytes(&SystemEntropy) };
    Builder::element("saml", ns::ASSERTION, "EncryptedID").fragment(&encrypt(&content, &key, cipher, seed).unwrap())
}

#[tokio::test]
async fn a_name_that_is_encrypted_to_the_key_of_our_metadata_means_that_person() {
    let street = Street::with(1).await;
    let first = street.house.app.offer_decryption_key().await;
    let second = street.house.app.offer_decryption_key().await;
    let gcm = BlockEncryption::Aes256Gcm;
    let name = street.parties[0].signed_in.as_ref().unwrap().name_id.clone();
    let about = async |name: &str, key: &[u8], cipher| {
        posted_about(&street, &street.request(0, |_| ()), hidden(name, key, cipher), false, false).await
    };
    // Somebody else's name ends nothing, and neither does one that does not open.
    let went = street.follow(about("somebody-else", &second, gcm).await).await;
    assert_eq!(street.read_answer(&went).status(), LogoutStatus::Failed);
    for page in [
        about(&name, &keys::OTHER_RSA.certificate_der, gcm).await,
        about(&name, &second, BlockEncryption::Aes256Cbc).await,
    ] {
        page.expect_status(400).expect_words("no key of ours opens the EncryptedID to a NameID");
        assert!(!page.body.contains(&name));
    }
    assert!(street.is_signed_in().await);
    // By a copy of our metadata from before: the key of that day still opens.
    street.follow(about(&name, &first, gcm).await).await.page().expect_words("Sign out everywhere?");
    let question = street.follow(about(&name, &second, gcm).await).await.page();
    let went = street.decide(&question, "everywhere").await;
    assert_eq!(street.read_answer(&went).status(), LogoutStatus::Ended);
    assert!(!street.is_signed_in().await);
}

#[tokio::test]
async fn a_refused_logout_is_not_called_a_sign_in() {
    let street = Street::with(1).await;
    let unsigned = street.url(&street.request(0, |_| ())).split("&SigAlg=").next().unwrap().to_owned();
    let stale = street.url(&street.request(0, |request| request.issue_instant -= Duration::minutes(10)));
    for (path, code) in [("/saml/logout", "S01"), (&unsigned, "S30"), (&stale, "S40")] {
        let page = street.go(path).await.page();
        page.expect_words(code).expect_words("Nothing has ended here: you are still signed in.");
        assert_eq!(page.link("Sign out on your account page").unwrap(), "/account");
        let words = page.body.to_lowercase();
        assert!(!words.contains("sign-in request") && !words.contains("authnrequest by"), "{words}");
    }
}

#[tokio::test]
async fn an_encrypted_name_is_opened_only_when_the_request_is_the_services_and_fresh() {
    let street = Street::with(1).await;
    // Nobody can open it: whoever gets as far as trying says S09.
    // A form from another site brings no cookie, so that nobody can tell.
    posted_about(
        &street,
        &street.request(0, |r| r.issue_instant -= Duration::minutes(10)),
        hidden("pat", &keys::OTHER_RSA.certificate_der, BlockEncryption::Aes256Gcm),
        false,
        false,
    )
    .await
    .expect_words("if you were signed in, you still are");
    let unopened = || hidden("pat", &keys::OTHER_RSA.certificate_der, BlockEncryption::Aes256Gcm);
    let refused = async |request: &LogoutRequest| posted_about(&street, request, unopened(), false, false).await;
    refused(&street.request(0, |_| ())).await.expect_status(400).expect_words("S09");
    let stale = street.request(0, |r| r.issue_instant -= Duration::minutes(10));
    refused(&stale).await.expect_words("S40");
    // Changed under way: what is hidden is under the signature.
    let signed = signed_about(&street, &street.request(0, |_| ()), unopened(), false);
    let octet = signed.rfind("</xenc:CipherValue>").unwrap() - 8;
    let other = if signed.as_bytes()[octet] == b'A' { "B" } else { "A" };
    let changed = format!("{}{other}{}", &signed[..octet], &signed[octet + 1..]);
    post(&street, &changed, false).await.expect_status(403).expect_words("S31");
}

#[tokio::test]
async fn an_asynchronous_request_is_carried_out_and_not_answered() {
    let street = Street::with(1).await;
    let page = posted(&street, &street.request(0, |_| ()), true, false).await;
    let question = street.follow(page).await.page();
    question.expect_words("You signed out of permits");
    let end = street.decide(&question, "everywhere").await.page();
    end.expect_words("You are signed out");
    assert_eq!(end.link("Go back to permits").unwrap(), "https://permits.parks.example.gov/");
    assert!(!street.is_signed_in().await);

    let street = Street::with(1).await;
    let question = street.follow(posted(&street, &street.request(0, |_| ()), true, false).await).await.page();
    assert!(!question.text().contains("error message"), "it is told nothing: {}", question.text());
    let end = street.decide(&question, "there_only").await.page();
    end.expect_words("You are still signed in").link("Go back to permits").unwrap();
    assert!(street.is_signed_in().await);
}

#[tokio::test]
async fn an_asynchronous_request_about_nothing_that_is_known_ends_on_a_page_with_a_way_back() {
    let street = Street::with(1).await;
    let page = posted(&street, &street.request(0, |r| r.session_indexes = vec!["_gone".to_owned()]), true, false).await;
    page.expect_status(200).expect_words("You signed out of one service").link("Go back to permits").unwrap();
    assert!(page.headers.get("set-cookie").is_none(), "{:?}", page.headers);
    assert!(street.is_signed_in().await);
}

#[tokio::test]
async fn a_form_from_another_site_pushes_out_no_session() {
    let street = Street::with(2).await;
    let page = posted(&street, &street.request(0, |_| ()), false, false).await;
    assert!(page.headers.get("set-cookie").is_none(), "{:?}", page.headers);
    street.follow(page).await.page().expect_words("Sign out everywhere?");
    // The second service takes its answer by a form of ours: that page sets no cookie either.
    let page =
        posted(&street, &street.request(1, |r| r.session_indexes = vec!["_gone".to_owned()]), false, false).await;
    assert_eq!(page.form_with(&["SAMLResponse"]).action.as_str(), "https://camping.example.gov/slo");
    assert!(page.headers.get("set-cookie").is_none(), "{:?}", page.headers);
    assert!(street.is_signed_in().await);
}

/// What a service does that fetches its own message instead of sending the person's browser.
#[tokio::test]
async fn a_service_learns_nothing_of_the_others_and_ends_nothing_without_the_person() {
    let street = Street::with(3).await;
    let url = street.url(&street.request(0, |_| ()));
    let service = street.house.app.browser();
    let arrived = service.once_with(Method::GET, &url, None, &[]).await;
    let page = arrived.headers[LOCATION].to_str().unwrap().to_owned();
    let answered = service.once_with(Method::GET, &page, None, &[]).await;
    let to: Url = answered.headers[LOCATION].to_str().unwrap().parse().unwrap();
    assert_eq!(street.read_answer(&Went::Out(to)).status(), LogoutStatus::Partly, "the session goes on");
    for path in [page.clone(), format!("{page}/next")] {
        let page = service.once_with(Method::GET, &path, None, &[]).await;
        assert_eq!(page.expect_status(410).text().matches("camping").count(), 0);
    }
    assert!(street.is_signed_in().await);
    // It is in the session still, as the others are.
    let question = street.go(&street.url(&street.request(1, |_| ()))).await.page();
    question.expect_words("returns").expect_words("permits");
}

#[tokio::test]
async fn a_service_that_answers_by_itself_learns_nothing_of_the_rest_of_the_round() {
    let street = Street::with(2).await;
    let account = street.browser.get("/account").await;
    let form = account.forms().into_iter().find(|form| form.action.path() == "/account/sign-out").unwrap();
    let fields: Vec<(&str, &str)> = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let page = street.browser.once_with(Method::POST, form.action.as_str(), Some(&fields), &[]).await;
    let page = street.follow(page).await.page();
    let Went::Out(url) = street.go(&format!("{}/next", page.url.path())).await else { panic!("to permits") };
    let told = LogoutMessage::from_query(url.query().unwrap()).unwrap();
    let told = street.read_request(told, "https://permits.example.gov/slo");

    let service = street.house.app.browser();
    let answered = service.once_with(Method::GET, &street.answer(0, &told, LogoutResult::Ended), None, &[]).await;
    let next = answered.headers[LOCATION].to_str().unwrap().to_owned();
    service.once_with(Method::GET, &next, None, &[]).await.expect_status(410);
    // What it said counts, and the person goes on.
    let summary = street.go(page.url.path()).await.page();
    summary.expect_words("permits : signed out").expect_words("camping : still signed in there");
}

#[tokio::test]
async fn the_next_person_in_the_same_browser_inherits_no_services() {
    let street = Street::with(2).await;
    let first = street.url(&street.request(0, |_| ()));
    let second = street.url(&street.request(1, |_| ()));
    street.go(&first).await.page().expect_words("Sign out everywhere?");
    // Somebody else signs in where the first one was: the session is taken over, under another name.
    let bea = street.house.person("bea@example.com", None).await;
    street.house.take_over(&street.browser, bea).await;
    let account = street.browser.get("/account").await;
    account.expect_words("bea@example.com");
    let went = street.go(&second).await;
    assert!(matches!(&went, Went::Page(page) if page.forms().iter().any(|form| form.value("SAMLResponse").is_some())));
    let form = account.forms().into_iter().find(|form| form.action.path() == "/account/sign-out").unwrap();
    let fields: Vec<(&str, &str)> = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let page = street.browser.once_with(Method::POST, form.action.as_str(), Some(&fields), &[]).await;
    assert_eq!(page.headers[LOCATION], "/sign-in", "there is nobody to tell");
}

#[tokio::test]
async fn without_a_session_index_all_of_the_persons_sessions_there_are_meant() {
    let street = Street::with(1).await;
    let url = without_index(&street);
    let question = street.go(&url).await.page();
    question.expect_words("Sign out everywhere?");
    let went = street.decide(&question, "everywhere").await;
    assert_eq!(street.read_answer(&went).status(), LogoutStatus::Ended);
    assert!(!street.is_signed_in().await);
}

/// A request that names the person alone.
fn without_index(street: &Street) -> String {
    let request = street.request(0, |_| ());
    let message = Builder::element("samlp", ns::PROTOCOL, "LogoutRequest")
        .attribute("ID", request.id.as_str())
        .attribute("Version", "2.0")
        .attribute("IssueInstant", signet::saml::instant::format(request.issue_instant))
        .attribute("Destination", street.here().url().as_str())
        .child(Builder::element("saml", ns::ASSERTION, "Issuer").text(request.issuer.as_str()))
        .child(Builder::element("saml", ns::ASSERTION, "NameID").text(request.name_id.value()));
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
    deflate.write_all(message.canonical().unwrap().as_bytes()).unwrap();
    let deflated = deflate.finish().unwrap();
    let escaped = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let signer = keys::RSA.signer();
    let octets = format!(
        "SAMLRequest={}&SigAlg={}",
        escaped(&openssl::base64::encode_block(&deflated)),
        escaped(signer.algorithm().uri())
    );
    let signature = openssl::base64::encode_block(&signer.sign(octets.as_bytes()).unwrap());
    format!("{}?{octets}&Signature={}", street.here().url(), escaped(&signature))
}
