//! Requests that are answered in the very reply to them, since nothing has to be asked.

use reqwest::Method;
use reqwest::header::LOCATION;
use signet::demo::service_provider::{Ask, SignInRequest};
use time::Duration;

use super::front_door::{House, agreement};
use crate::support::browser::{Browser, Page};

/// Fiona, signed in, who has agreed.
async fn after_consent(house: &House) -> Browser {
    after_consent_to(house, &Ask::default()).await
}

async fn after_consent_to(house: &House, ask: &Ask) -> Browser {
    let (browser, _) = house.fiona().await;
    let page = browser.get(&house.request(ask).url).await;
    let digest = page.form_with(&["digest"]).value("digest").unwrap().to_owned();
    browser.submit(&page, &[("digest", &digest)]).await;
    browser
}

fn answered(page: &Page) -> bool {
    page.forms().iter().any(|form| form.value("SAMLResponse").is_some())
}

async fn asked_with(browser: &Browser, request: &SignInRequest, headers: &[(&str, &str)]) -> Page {
    browser.once_with(Method::GET, &request.url, None, headers).await
}

#[tokio::test]
async fn a_person_who_agreed_before_is_answered_in_the_reply_to_the_request() {
    let house = House::new().await;
    let browser = after_consent(&house).await;
    let request = house.request(&Ask::default());
    let page = browser.get(&request.url).await;
    house.signed_in(&page, &request);
    assert_eq!(page.visited.len(), 1, "{:?}", page.visited);
    assert_eq!(house.ledger_length().await, 2);
}

#[tokio::test]
async fn a_browser_that_does_not_say_that_a_person_looks_is_sent_on() {
    let house = House::new().await;
    let browser = after_consent(&house).await;
    let cases: &[&[(&str, &str)]] = &[
        &[],
        &[("sec-fetch-dest", "iframe")],
        &[("sec-fetch-dest", "empty")],
        &[("sec-fetch-dest", "document"), ("sec-purpose", "prefetch")],
        &[("sec-fetch-dest", "document"), ("sec-purpose", "prefetch;prerender")],
    ];
    for headers in cases {
        let request = house.request(&Ask::default());
        let page = asked_with(&browser, &request, headers).await;
        let onward = page.expect_status(303).headers[LOCATION].to_str().unwrap().to_owned();
        assert!(onward.starts_with("/saml/continue/"), "{headers:?}: {onward}");
        let page = browser.get(&onward).await;
        house.signed_in(&page, &request);
    }
}

#[tokio::test]
async fn whatever_has_to_be_asked_is_asked_on_a_page_of_its_own() {
    let house = House::new().await;
    let browser = after_consent(&house).await;
    let more = Ask { attributes: vec!["all_emails".to_owned()], ..Ask::default() };
    let again = Ask { force_authn: true, ..Ask::default() };
    house.app.clock.advance(Duration::minutes(1));
    for ask in [more, again] {
        let page = browser.get(&house.request(&ask).url).await;
        assert!(!answered(&page) && page.visited.len() > 1, "{:?}", page.visited);
    }
    let stranger = house.app.browser();
    let page = stranger.get(&house.request(&Ask::default()).url).await;
    assert_eq!(page.url.path(), "/sign-in");
}

#[tokio::test]
async fn a_request_that_was_answered_at_once_leads_back_to_the_service_when_it_is_loaded_again() {
    let house = House::new().await;
    let browser = after_consent(&house).await;
    let request = house.request(&Ask::default());
    house.signed_in(&browser.get(&request.url).await, &request);
    for _ in 0..2 {
        let page = browser.get(&request.url).await;
        page.expect_status(409).expect_words("S42");
        assert!(page.body.contains("https://permits.parks.example.gov/"), "{}", page.body);
    }
    // A browser that says nothing about itself learns the same.
    asked_with(&browser, &request, &[]).await.expect_status(409);
    assert_eq!(house.ledger_length().await, 2);
}

#[tokio::test]
async fn a_request_that_waits_is_not_answered_at_once_as_well() {
    let house = House::new().await;
    let browser = after_consent(&house).await;
    let request = house.request(&Ask::default());
    let page = asked_with(&browser, &request, &[]).await;
    let onward = page.expect_status(303).headers[LOCATION].to_str().unwrap().to_owned();
    browser.get(&request.url).await.expect_status(409);
    house.signed_in(&browser.get(&onward).await, &request);
    assert_eq!(house.ledger_length().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_ten_at_once_with_one_request_one_is_answered() {
    let house = House::new().await;
    let browser = after_consent(&house).await;
    let request = house.request(&Ask::default());
    let tabs: Vec<_> = (0..10)
        .map(|_| {
            let (browser, url) = (browser.clone(), request.url.clone());
            tokio::spawn(async move { answered(&browser.get(&url).await) })
        })
        .collect();
    let mut answers = 0;
    for tab in tabs {
        answers += usize::from(tab.await.unwrap());
    }
    assert_eq!(answers, 1);
    assert_eq!(house.ledger_length().await, 2);
}

#[tokio::test]
async fn a_service_that_calls_people_by_their_address_is_answered_at_once_too() {
    let by_address = "default_attributes = [\"email\"]\nname_id_formats = [\"email-address\"]";
    let house = House::with(agreement(by_address, &["email"])).await;
    let name_id_format = Some("urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress".to_owned());
    let ask = Ask { name_id_format, ..Ask::default() };
    let browser = after_consent_to(&house, &ask).await;
    let request = house.request(&ask);
    let page = browser.get(&request.url).await;
    assert_eq!(house.signed_in(&page, &request).name_id, "fiona@example.com");
    assert_eq!(page.visited.len(), 1);
}
