//! A request travels with a mailed link into whichever browser opens it, but only if its person says so there: somebody
//! else may have begun it and had the link sent.

use signet::authentication::session::COOKIE;
use signet::demo::service_provider::{Ask, SignInRequest};
use signet::storage::StoreError;
use signet::web::waiting::{RequestAddress, RequestCookie};
use time::Duration;

use super::front_door::House;
use crate::support::browser::{Browser, Page};
use crate::support::people::{PASSWORD, Person, With, give_second_factor, set_up, sign_up};

const EMAIL: &str = "fiona@example.com";
const QUESTION: &str = "Go on to Park permits?";
const NEW: &str = "umber quartz heron lagoon";

/// The service asks, and its person asks for an account: gives the request, where it waits, and the link of the mail.
async fn signing_up(house: &House, browser: &Browser) -> (SignInRequest, String, String) {
    let request = house.request(&Ask::default());
    let arrived = browser.get(&request.url).await;
    let waits_at = arrived.visited.iter().find(|url| url.path().starts_with("/saml/continue/")).unwrap().path();
    let page = browser.go("/sign-up").await;
    let sent = house.app.inbox.messages().len();
    browser.submit_to(&page, "/sign-up", &[("email", EMAIL), ("rules", "yes")]).await.expect_status(200);
    (request, waits_at.to_owned(), house.app.link_to(EMAIL, sent).await)
}

/// The same for somebody who forgot the password of an account.
async fn forgetting(house: &House, browser: &Browser) -> (SignInRequest, String) {
    let request = house.request(&Ask::default());
    browser.get(&request.url).await.expect_status(200);
    let page = browser.go("/forgot-password").await;
    let sent = house.app.inbox.messages().len();
    browser.submit(&page, &[("email", EMAIL)]).await.expect_status(200);
    (request, house.app.link_to(EMAIL, sent).await)
}

/// From the page of the new password to the end of signing up.
async fn finish(house: &House, browser: &Browser, page: &Page) -> Page {
    let page = browser.submit(page, &[("password", PASSWORD), ("again", PASSWORD)]).await;
    assert_eq!(page.url.path(), "/sign-up/methods", "{}", page.text());
    set_up(&house.app, browser, "/sign-up/methods", With::App).await;
    let page = browser.go("/sign-up/recovery-key").await;
    browser.submit_to(&page, "/sign-up/recovery-key", &[("kept", "yes")]).await
}

async fn answer(browser: &Browser, question: &Page, go_on: &str) -> Page {
    let form = question.forms().into_iter().find(|form| form.value("go_on") == Some(go_on)).expect("an answer");
    browser.submit_form(&form).await
}

/// Whether a request waits for this browser: it has the cookie that the request is bound to.
async fn waits_for(house: &House, browser: &Browser, waits_at: &str) -> bool {
    let address = RequestAddress::parse(waits_at.rsplit('/').next().unwrap()).unwrap();
    let (id, now) = (*address.id(), house.app.site.now());
    let pending = house.app.store.read::<_, StoreError, _>(move |tx| tx.pending_request(&id, now)).await.unwrap();
    let cookie = browser.cookie(&RequestCookie::name(&id)).and_then(|value| RequestCookie::from_value(&value));
    cookie.is_some_and(|cookie| cookie.id_hash() == pending.unwrap().session)
}

#[tokio::test]
async fn same_browser_goes_on_without_a_question() {
    let house = House::new().await;
    let browser = house.app.browser();
    let (request, _, link) = signing_up(&house, &browser).await;
    let page = browser.get(&link).await;
    page.expect_status(200).expect_words("Choose a password").expect_words("Park permits of Department of Parks asks");
    let consent = finish(&house, &browser, &page).await;
    consent.expect_words("Share with Park permits?");
    let signed_in = house
        .signed_in(&browser.submit_to(&consent, consent.form_with(&["digest"]).action.path(), &[]).await, &request);
    assert_eq!(signed_in.attributes[1].values, [EMAIL]);
}

#[tokio::test]
async fn other_browser_is_asked_and_goes_on_when_its_person_says_so() {
    let house = House::new().await;
    let (desk, phone) = (house.app.browser(), house.app.browser());
    let (request, waits_at, link) = signing_up(&house, &desk).await;
    let question = phone.get(&link).await;
    question.expect_status(200).expect_words(QUESTION).expect_words("Park permits of Department of Parks asked");
    let page = answer(&phone, &question, "yes").await;
    page.expect_status(200).expect_words("Choose a password").expect_words("Park permits of Department of Parks asks");
    assert!(waits_for(&house, &phone, &waits_at).await);
    let consent = finish(&house, &phone, &page).await;
    consent.expect_words("Share with Park permits?");
    house.signed_in(&phone.submit_to(&consent, consent.form_with(&["digest"]).action.path(), &[]).await, &request);
    // Answered there, so it is over here.
    desk.get(&waits_at).await.expect_status(409);
}

#[tokio::test]
async fn other_browser_confirms_the_address_alone_when_its_person_wants_no_more() {
    let house = House::new().await;
    let (desk, phone) = (house.app.browser(), house.app.browser());
    let (_, waits_at, link) = signing_up(&house, &desk).await;
    let question = phone.get(&link).await;
    let page = answer(&phone, &question, "no").await;
    page.expect_status(200).expect_words("Choose a password");
    assert!(!page.text().contains("Park permits"), "{}", page.text());
    let end = finish(&house, &phone, &page).await;
    assert_eq!(end.url.path(), "/account");
    assert!(!end.text().contains("still waiting"), "{}", end.text());
    phone.get(&waits_at).await.expect_status(400);
    // Where it began it still waits.
    assert!(waits_for(&house, &desk, &waits_at).await && !waits_for(&house, &phone, &waits_at).await);
    assert_eq!(desk.get(&waits_at).await.url.path(), "/sign-in");
}

#[tokio::test]
async fn program_that_opens_links_changes_nothing() {
    let house = House::new().await;
    let (browser, scanner, somebody) = (house.app.browser(), house.app.browser(), house.app.browser());
    sign_up(&house.app, &somebody, "somebody@example.com", With::App).await;
    let (_, waits_at, link) = signing_up(&house, &browser).await;
    let cookie = somebody.cookie(COOKIE);
    for _ in 0..2 {
        scanner.get(&link).await.expect_status(200);
        // In a browser in which somebody is signed in, they stay signed in, with the same session.
        somebody.get(&link).await.expect_status(200).expect_words(QUESTION);
    }
    assert!(waits_for(&house, &browser, &waits_at).await);
    assert!(!waits_for(&house, &scanner, &waits_at).await && !waits_for(&house, &somebody, &waits_at).await);
    assert_eq!(somebody.cookie(COOKIE), cookie);
    somebody.get("/account").await.expect_words("somebody@example.com");
    scanner.get(&waits_at).await.expect_status(400);
    browser.get(&link).await.expect_status(200).expect_words("Choose a password");

    // The same for a forgotten password.
    let sent = house.app.inbox.messages().len();
    let page = browser.go("/forgot-password").await;
    browser.submit(&page, &[("email", "somebody@example.com")]).await;
    let link = house.app.link_to("somebody@example.com", sent).await;
    for _ in 0..2 {
        scanner.get(&link).await.expect_status(200);
        somebody.get(&link).await.expect_status(200);
    }
    assert!(waits_for(&house, &browser, &waits_at).await);
    assert!(!waits_for(&house, &scanner, &waits_at).await && !waits_for(&house, &somebody, &waits_at).await);
    assert_eq!(somebody.cookie(COOKIE), cookie);
    browser.get(&link).await.expect_status(200).expect_words("Choose a new password");
}

/// An attacker begins at a service, and has the link sent to somebody who did not ask for it.
#[tokio::test]
async fn request_that_somebody_else_began_is_bound_by_nothing_but_an_answer() {
    let house = House::new().await;
    let (attacker, victim) = (house.app.browser(), house.app.browser());
    let (_, waits_at, link) = signing_up(&house, &attacker).await;
    let question = victim.get(&link).await;
    // A page of the attacker's cannot answer for the victim.
    let form = question.forms().into_iter().find(|form| form.value("go_on") == Some("yes")).unwrap();
    let forged = form.clone().with(&[("csrf", "AAAA")]);
    victim.submit_form(&forged).await.expect_words(QUESTION);
    let theirs = attacker.get("/sign-up").await.attribute("meta[name=csrf]", "content").unwrap();
    victim.submit_form(&form.with(&[("csrf", theirs.as_str())])).await.expect_words(QUESTION);
    assert!(waits_for(&house, &attacker, &waits_at).await && !waits_for(&house, &victim, &waits_at).await);
    for path in ["/sign-in", "/sign-up"] {
        assert!(!victim.get(path).await.text().contains("Park permits"), "{path}");
    }
    // Nor does the form of the password bind it, even where the question was passed over.
    let page = victim.get(&format!("{link}?alone=yes")).await;
    let end = finish(&house, &victim, &page).await;
    assert_eq!(end.url.path(), "/account");
    assert!(waits_for(&house, &attacker, &waits_at).await && !waits_for(&house, &victim, &waits_at).await);
    victim.get(&waits_at).await.expect_status(400);
}

#[tokio::test]
async fn request_that_is_over_is_said_to_be_and_the_address_is_confirmed_all_the_same() {
    let house = House::new().await;
    let (desk, phone) = (house.app.browser(), house.app.browser());
    let (_, _, link) = signing_up(&house, &desk).await;
    house.app.clock.advance(Duration::minutes(61));
    for browser in [&desk, &phone] {
        let page = browser.get(&link).await;
        page.expect_status(200)
            .expect_words("Choose a password")
            .expect_words("Park permits does not wait for you any more");
    }
    let page = desk.get(&link).await;
    assert_eq!(finish(&house, &desk, &page).await.url.path(), "/account");
}

#[tokio::test]
async fn request_that_was_answered_meanwhile_is_not_gone_back_to() {
    let house = House::new().await;
    let somebody = sign_up(&house.app, &house.app.browser(), "somebody@example.com", With::App).await;
    house.app.clock.advance(Duration::MINUTE);
    let (desk, phone) = (house.app.browser(), house.app.browser());
    let (_, _, link) = signing_up(&house, &desk).await;
    // At the desk somebody else signs in, and declines.
    let mut somebody: Person = somebody;
    let consent = somebody.sign_in(&house.app, &desk).await;
    let decline = consent.forms().into_iter().find(|form| form.action.path().starts_with("/saml/decline/")).unwrap();
    desk.submit_form(&decline).await.expect_status(200);
    let page = phone.get(&link).await;
    page.expect_status(200).expect_words("Park permits does not wait for you any more");
    assert_eq!(finish(&house, &phone, &page).await.url.path(), "/account");
}

#[tokio::test]
async fn forgotten_password_asks_the_same_and_leads_to_the_service_or_not() {
    let house = House::new().await;
    let mut person = sign_up(&house.app, &house.app.browser(), EMAIL, With::App).await;
    house.app.clock.advance(Duration::minutes(20));
    let desk = house.app.browser();
    for (go_on, password) in [("no", NEW), ("yes", "walrus copper meadow thistle")] {
        house.app.clock.advance(Duration::minutes(20));
        let phone = house.app.browser();
        let (_, link) = forgetting(&house, &desk).await;
        let question = phone.get(&link).await;
        question.expect_status(200).expect_words(QUESTION).expect_words("Only choose a new password");
        let page = answer(&phone, &question, go_on).await;
        let page = phone.submit(&page, &[("password", password), ("again", password)]).await;
        assert_eq!(page.url.path(), "/sign-in", "{}", page.text());
        assert_eq!(page.text().contains("Park permits"), go_on == "yes", "{}", page.text());
        person.password = password.to_owned();
        let page = phone.submit(&page, &[("email", EMAIL), ("password", password)]).await;
        page.expect_status(200);
        give_second_factor(&house.app, &phone, &mut person.device).await;
        let skip = phone.go("/forgot-password/unlock").await.link("Go on without it").expect("a way on");
        assert_eq!(skip.starts_with("/saml/continue/"), go_on == "yes", "{skip}");
    }
}
