//! Several tabs, pages that were left open, and steps that were abandoned: what a page names is what its form goes on with, a
//! page that came too late leads its person on, and nothing old is taken away before the new is there.

use signet::demo::service_provider::{Ask, ServiceProvider, SignInRequest};
use signet::entropy::SystemEntropy;
use time::format_description::well_known::Rfc3339;
use time::{Duration, UtcDateTime};

use super::front_door::{House, agreement, ask, permits};
use crate::saml::keys;
use crate::support::app::{TestApp, Wishes};
use crate::support::browser::{Browser, Page};
use crate::support::people::{Device, Person, With, give_second_factor, script, set_up, sign_up};

const TAXES: &str = "https://taxes.example.gov/saml";
const TAXES_ACS: &str = "https://taxes.example.gov/saml/acs";
const PHISHING_RESISTANT: &str = "http://idmanagement.gov/ns/assurance/aal/2?phishing_resistant=true";
const LATE: &str = "What you sent last was not used";

/// A house with a second service.
struct TwoServices {
    house: House,
    taxes: ServiceProvider,
}

impl TwoServices {
    async fn new() -> Self {
        let (first, taxes) = (permits(), taxes());
        let words = agreement("default_attributes = [\"email\"]", &["email"]);
        let other = words
            .replace("https://permits.parks.example.gov/saml", TAXES)
            .replace("https://permits.parks.example.gov/", "https://taxes.example.gov/")
            .replace("department-of-parks", "tax-office")
            .replace("Department of Parks", "Tax Office")
            .replace("Park permits", "Tax returns");
        let services = vec![
            ("department-of-parks".into(), "permits".into(), metadata(&first), words),
            ("tax-office".into(), "returns".into(), metadata(&taxes), other),
        ];
        let app = TestApp::start_with(Wishes { services, ..Wishes::default() }).await;
        Self { house: House::of(app, first).await, taxes }
    }

    fn tax_request(&self) -> SignInRequest {
        let (house, now) = (&self.house, self.house.now());
        self.taxes.request(&house.idp, &Ask::default(), Some("to-the-taxes"), now, &SystemEntropy).unwrap()
    }

    /// Somebody who has agreed at both services before.
    async fn person(&self) -> Person {
        let browser = self.house.app.browser();
        let person = sign_up(&self.house.app, &browser, "fiona@example.com", With::App).await;
        for url in [self.house.request(&Ask::default()).url, self.tax_request().url] {
            let page = browser.get(&url).await;
            browser.submit_form(&page.form_with(&["digest"])).await.form_with(&["SAMLResponse"]);
        }
        self.house.app.clock.advance(Duration::MINUTE);
        person
    }
}

fn taxes() -> ServiceProvider {
    ServiceProvider::new(TAXES, TAXES_ACS, &keys::RSA.private_pem, &keys::RSA.certificate_pem).unwrap()
}

fn metadata(of: &ServiceProvider) -> String {
    of.metadata("The name in the metadata").unwrap().as_str().to_owned()
}

fn answers(page: &Page) -> String {
    page.form_with(&["SAMLResponse"]).action.to_string()
}

async fn password(browser: &Browser, page: &Page, person: &Person) -> Page {
    browser.submit(page, &[("email", &person.email), ("password", &person.password)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_two_tabs_answers_the_service_that_its_page_names() {
    let two = TwoServices::new().await;
    let mut person = two.person().await;
    let first = two.house.app.browser();
    let asked = first.get(&two.house.request(&Ask::default()).url).await;
    asked.expect_words("Park permits of Department of Parks asks you to sign in.");
    let second = first.clone();
    let other = second.get(&two.tax_request().url).await;
    other.expect_words("Tax returns of Tax Office asks you to sign in.");

    let page = password(&first, &asked, &person).await;
    page.expect_words("Park permits of Department of Parks asks you to sign in.");
    let page = give_second_factor(&two.house.app, &first, &mut person.device).await;
    assert_eq!(answers(&page), "https://permits.parks.example.gov/saml/acs");

    // The other tab still shows its form; sent now, or reloaded, it goes on with its own service.
    let page = password(&second, &other, &person).await;
    assert_eq!(answers(&page), TAXES_ACS);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_tab_goes_on_when_it_is_reloaded() {
    let two = TwoServices::new().await;
    let mut person = two.person().await;
    let first = two.house.app.browser();
    let asked = first.get(&two.house.request(&Ask::default()).url).await;
    let second = first.clone();
    let other = second.get(&two.tax_request().url).await;
    password(&first, &asked, &person).await;
    // Halfway, the other tab asks for the second factor in the name of its own service.
    second.go("/sign-in/second-factor").await.expect_words("Tax returns of Tax Office asks you to sign in.");
    give_second_factor(&two.house.app, &first, &mut person.device).await;
    assert_eq!(answers(&second.get(other.url.as_str()).await), TAXES_ACS);
    // Once answered, it is over, and its page leads back to the service.
    let over = second.get(other.url.as_str()).await;
    over.expect_status(409).expect_words("Code: W09");
    assert_eq!(over.link("Tax returns").as_deref(), Some("https://taxes.example.gov/"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_with_one_service_are_two_requests() {
    let two = TwoServices::new().await;
    let mut person = two.person().await;
    let first = two.house.app.browser();
    let (one, another) = (two.house.request(&Ask::default()), two.house.request(&Ask::default()));
    let asked = first.get(&one.url).await;
    let second = first.clone();
    let other = second.get(&another.url).await;
    password(&first, &asked, &person).await;
    let page = give_second_factor(&two.house.app, &first, &mut person.device).await;
    two.house.signed_in(&page, &one);
    two.house.signed_in(&password(&second, &other, &person).await, &another);
}

/// What happens to a page between being shown and being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meanwhile {
    /// It lay open past the idle time, and its form is sent.
    IdleThenSent,
    /// It lay open past the idle time, and is loaded again.
    IdleThenReloaded,
    /// The browser was closed and opened again: session cookies are gone, those with an age are not. Its form is sent.
    RestoredThenSent,
    /// It lay open until its request was over, and its form is sent.
    RequestOverThenSent,
    /// It lay open until its request was over, and is loaded again.
    RequestOverThenReloaded,
}

const MEANWHILE: [Meanwhile; 5] = [
    Meanwhile::IdleThenSent,
    Meanwhile::IdleThenReloaded,
    Meanwhile::RestoredThenSent,
    Meanwhile::RequestOverThenSent,
    Meanwhile::RequestOverThenReloaded,
];

/// The pages with a form on the way to a service, by how one comes there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Station {
    SignIn,
    SignUp,
    ForgottenPassword,
    Code,
    AddMethod,
    Consent,
}

const STATIONS: [Station; 6] =
    [Station::SignIn, Station::SignUp, Station::ForgottenPassword, Station::Code, Station::AddMethod, Station::Consent];

impl Station {
    /// Goes there, and gives the page with its form filled in.
    async fn reach(self, house: &House, browser: &Browser, person: &mut Person) -> (Page, Vec<(&'static str, String)>) {
        let page = browser.get(&house.request(&Ask::default()).url).await;
        match self {
            Self::SignIn => (page, vec![("email", person.email.clone()), ("password", person.password.clone())]),
            Self::SignUp => {
                let page = browser.go("/sign-up").await;
                (page, vec![("email", "new@example.com".to_owned()), ("rules", "yes".to_owned())])
            }
            Self::ForgottenPassword => (browser.go("/forgot-password").await, vec![("email", person.email.clone())]),
            Self::Code => (password(browser, &page, person).await, vec![("code", "123456".to_owned())]),
            Self::AddMethod => {
                person.sign_in(&house.app, browser).await;
                (browser.go("/account/methods/add/totp").await, vec![("code", "123456".to_owned())])
            }
            Self::Consent => (person.sign_in(&house.app, browser).await, vec![("digest", "0".repeat(64))]),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_that_came_too_late_leads_on_with_its_request_or_back_to_its_service() {
    let house = House::new().await;
    let mut person = sign_up(&house.app, &house.app.browser(), "fiona@example.com", With::App).await;
    for station in STATIONS {
        for meanwhile in MEANWHILE {
            house.app.clock.advance(Duration::minutes(2));
            let browser = house.app.browser();
            let (page, values) = station.reach(&house, &browser, &mut person).await;
            page.expect_status(200);
            let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
            // A box that is not ticked is no field of the form.
            let names: Vec<&str> = values.iter().map(|(name, _)| *name).filter(|name| *name != "rules").collect();
            let form = page.form_with(&names).with(&values);
            let mails = house.app.inbox.messages().len();
            let (after, reloaded, over) = match meanwhile {
                Meanwhile::IdleThenSent => (Duration::minutes(16), false, false),
                Meanwhile::IdleThenReloaded => (Duration::minutes(16), true, false),
                Meanwhile::RestoredThenSent => (Duration::minutes(3), false, false),
                Meanwhile::RequestOverThenSent => (Duration::minutes(61), false, true),
                Meanwhile::RequestOverThenReloaded => (Duration::minutes(61), true, true),
            };
            house.app.clock.advance(after);
            if meanwhile == Meanwhile::RestoredThenSent {
                browser.forget_session_cookies();
            }
            let now = if reloaded { browser.get(page.url.as_str()).await } else { browser.submit_form(&form).await };
            let case = format!("{station:?}, {meanwhile:?}: {} {}\n{}", now.status, now.url, now.text());
            assert_eq!(house.app.inbox.messages().len(), mails, "nothing is done for a late form: {case}");
            if over {
                assert_eq!(now.status, 410, "{case}");
                assert_eq!(now.link("Park permits").as_deref(), Some("https://permits.parks.example.gov/"), "{case}");
                continue;
            }
            assert!(now.text().contains("Park permits of Department of Parks asks"), "{case}");
            assert_eq!(now.text().contains(LATE), !reloaded, "{case}");
            assert!(now.forms().iter().any(|form| form.value("email").is_some()), "a form to go on with: {case}");
            if station == Station::SignIn && !reloaded {
                assert_eq!(now.form_with(&["email"]).value("email"), Some(person.email.as_str()), "{case}");
            }
        }
    }
    // And from there the person comes to the service.
    let browser = house.app.browser();
    let request = house.request(&Ask::default());
    let asked = browser.get(&request.url).await;
    house.app.clock.advance(Duration::minutes(16));
    let again = password(&browser, &asked, &person).await;
    let page = password(&browser, &again, &person).await;
    assert!(page.url.path().starts_with("/sign-in/second-factor"), "{}", page.text());
    let consent = give_second_factor(&house.app, &browser, &mut person.device).await;
    house.signed_in(&browser.submit_form(&consent.form_with(&["digest"])).await, &request);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_a_request_that_came_too_late_is_shown_anew() {
    let app = TestApp::start().await;
    let mut person = sign_up(&app, &app.browser(), "fiona@example.com", With::App).await;
    for (path, lands) in [
        ("/sign-up", "/sign-up"),
        ("/forgot-password", "/forgot-password"),
        ("/account/password", "/sign-in"),
        ("/account/email", "/sign-in"),
        ("/account/methods/add/sms", "/sign-in"),
    ] {
        app.clock.advance(Duration::minutes(2));
        let browser = app.browser();
        if path.starts_with("/account") {
            person.sign_in(&app, &browser).await;
        }
        let page = browser.get(path).await;
        page.expect_status(200);
        app.clock.advance(Duration::minutes(16));
        let form = page.forms().into_iter().find(|form| !form.action.path().ends_with("sign-out")).unwrap();
        let now = browser.submit_form(&form).await;
        assert_eq!((now.status.as_u16(), now.url.path()), (200, lands), "{path}: {}", now.text());
        now.expect_words(LATE);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_stands_until_the_new_sign_in_is_there() {
    let house = House::new().await;
    let browser = house.app.browser();
    let mut person = sign_up(&house.app, &browser, "fiona@example.com", With::App).await;
    house.app.clock.advance(Duration::minutes(5));
    let request = house.request(&Ask { force_authn: true, ..Ask::default() });
    let asked = browser.get(&request.url).await;
    assert_eq!(asked.url.path(), "/sign-in", "{}", asked.text());
    // Abandoned at once, and after the password: still signed in.
    browser.clone().get("/account").await.expect_words("fiona@example.com");
    let page = browser.submit(&asked, &[("password", &person.password)]).await;
    assert!(page.url.path().starts_with("/sign-in/second-factor"), "{}", page.text());
    browser.clone().get("/account").await.expect_words("fiona@example.com");
    // Finished: the answer says that both factors are new.
    let before = house.now() - Duration::MINUTE;
    let consent = give_second_factor(&house.app, &browser, &mut person.device).await;
    let signed_in = house.signed_in(&browser.submit_form(&consent.form_with(&["digest"])).await, &request);
    let at = UtcDateTime::parse(&signed_in.authn_instant, &Rfc3339).unwrap();
    assert!(at >= before, "{at} is older than the request");
}

#[tokio::test(flavor = "multi_thread")]
async fn old_factors_do_not_stand_in_for_a_fresh_one() {
    let house = House::new().await;
    let browser = house.app.browser();
    let mut person = sign_up(&house.app, &browser, "fiona@example.com", With::App).await;
    house.app.clock.advance(Duration::minutes(5));
    let request = house.request(&Ask { force_authn: true, ..Ask::default() });
    let asked = browser.get(&request.url).await;
    // The second factor alone, then the request again: the password is still asked for.
    give_second_factor(&house.app, &browser.clone(), &mut person.device).await;
    let page =
        browser.get(&browser.onward("/sign-in/second-factor").replace("/sign-in/second-factor", "/sign-in")).await;
    assert_eq!(page.url.path(), "/sign-in", "{}", page.text());
    let page = browser.submit(&asked, &[("password", &person.password)]).await;
    assert!(!page.forms().iter().any(|form| form.value("SAMLResponse").is_some()), "{}", page.text());
}

fn resistant(house: &House) -> SignInRequest {
    house.request(&ask(&[PHISHING_RESISTANT], &[]))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_passkey_is_led_to_add_one_and_goes_on_to_the_service() {
    for with in [With::Phone, With::App] {
        let house = House::new().await;
        let mut person = sign_up(&house.app, &house.app.browser(), "fiona@example.com", with).await;
        house.app.clock.advance(Duration::MINUTE);
        let browser = house.app.browser();
        let request = resistant(&house);
        let asked = browser.get(&request.url).await;
        let page = password(&browser, &asked, &person).await;
        page.expect_words("Park permits asks for a passkey or a security key, and your account has none yet.");
        let page = give_second_factor(&house.app, &browser, &mut person.device).await;
        assert_eq!(page.url.path(), "/sign-in/second-factor", "{}", page.text());
        page.expect_words("Add one, and you go on to Park permits.");
        let add = page.link("Set up face, finger or screen lock").expect("a way to add one");
        browser.get(&add).await.expect_status(200);
        set_up(&house.app, &browser, "/account/methods/add", With::Passkey).await;
        let consent = browser.get(&browser.onward("/sign-in")).await;
        let signed_in = house.signed_in(&browser.submit_form(&consent.form_with(&["digest"])).await, &request);
        assert_eq!(signed_in.authn_context, PHISHING_RESISTANT);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_declines_to_add_a_passkey_goes_back_to_the_service() {
    let house = House::new().await;
    let mut person = sign_up(&house.app, &house.app.browser(), "fiona@example.com", With::Phone).await;
    house.app.clock.advance(Duration::MINUTE);
    let browser = house.app.browser();
    let request = resistant(&house);
    let asked = browser.get(&request.url).await;
    password(&browser, &asked, &person).await;
    let page = give_second_factor(&house.app, &browser, &mut person.device).await;
    let page = browser.submit_to(&page, decline_of(&page).path(), &[]).await;
    assert_eq!(house.refused(&page, &request), "NoAuthnContext");
}

fn decline_of(page: &Page) -> reqwest::Url {
    let decline = page.forms().into_iter().find(|form| form.action.path().starts_with("/saml/decline/"));
    decline.unwrap_or_else(|| panic!("no way back on {}:\n{}", page.url, page.text())).action
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_is_not_offered_where_a_passkey_is_demanded_and_there() {
    let house = House::new().await;
    let browser = house.app.browser();
    let mut person = sign_up(&house.app, &browser, "fiona@example.com", With::Passkey).await;
    set_up(&house.app, &browser, "/account/methods/add", With::Phone).await;
    house.app.clock.advance(Duration::minutes(5));
    let browser = house.app.browser();
    let request = resistant(&house);
    let asked = browser.get(&request.url).await;
    let page = password(&browser, &asked, &person).await;
    assert_eq!(page.url.path(), "/sign-in/second-factor/webauthn", "{}", page.text());
    assert_eq!(browser.go("/sign-in/second-factor/sms").await.url.path(), "/sign-in/second-factor/webauthn");
    let consent = give_second_factor(&house.app, &browser, &mut person.device).await;
    house.signed_in(&browser.submit_form(&consent.form_with(&["digest"])).await, &request);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_second_factor_leaves_a_way_to_help_and_to_the_service() {
    for with in [With::App, With::Phone, With::Passkey] {
        let house = House::new().await;
        let person = sign_up(&house.app, &house.app.browser(), "fiona@example.com", with).await;
        let browser = house.app.browser();
        let request = house.request(&Ask::default());
        let asked = browser.get(&request.url).await;
        let page = password(&browser, &asked, &person).await;
        assert!(page.link("Choose another method").is_none(), "there is no other: {}", page.text());
        let help = browser.get(&page.link("I cannot do this").expect("a way to help")).await;
        help.expect_status(200);
        let back = browser.get(&help.link("Go on signing in to Park permits").expect("a way on")).await;
        assert!(back.url.path().starts_with("/sign-in/second-factor"), "{}", back.url);
        let page = browser.submit_to(&back, decline_of(&back).path(), &[]).await;
        assert_eq!(house.refused(&page, &request), "RequestDenied");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_whose_session_is_over_is_told_where_its_person_goes_on() {
    let house = House::new().await;
    let person = sign_up(&house.app, &house.app.browser(), "fiona@example.com", With::Passkey).await;
    let browser = house.app.browser();
    let asked = browser.get(&house.request(&Ask::default()).url).await;
    let page = password(&browser, &asked, &person).await;
    let options = page.attribute("[data-webauthn]", "data-options").expect("an address for the script");
    house.app.clock.advance(Duration::minutes(16));
    let said = script(&browser, &page, &options, &serde_json::json!({})).await.expect_err("it is too late");
    let next = said["next"].as_str().expect("an address");
    browser.get(next).await.expect_words("Park permits of Department of Parks asks").expect_words(LATE);
    assert!(matches!(person.device, Device::Passkey(_)));
}
