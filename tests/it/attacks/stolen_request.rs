//! The sign-in that waits, taken over by its address.
//!
//! While a person reads the consent page, her request waits at an address with an identifier in it: `/saml/continue/…`. Who
//! learns the identifier (a shared screen, a proxy's log, a Referer) tries it from a session of his own, to see what she sees,
//! to agree in her name, or to have the answer delivered for himself; or he hands her a request that he began, so that she
//! signs in to his. An identifier opens nothing: the request waits for one browser, which shows its session or the cookie
//! that was made for this very request.

use reqwest::Method;

use super::door::{House, id_on, is_response, token_of};
use crate::support::browser::{Browser, Page};

/// Nobody but the browser that it waits for gets anything out of it.
#[track_caller]
fn not_theirs(page: &Page) {
    page.expect_status(400).expect_words("Code: W07");
    assert!(!page.body.contains("ben@example.gov"), "{}", page.text());
    assert!(page.forms().iter().all(|form| form.value("SAMLResponse").is_none() && form.value("digest").is_none()));
}

/// Every door that knows the identifier, from a browser whose form token is this.
async fn try_everything(browser: &Browser, id: &str, digest: &str, token: &str) {
    not_theirs(&browser.get(&format!("/saml/continue/{id}")).await);
    not_theirs(&browser.get(&format!("/saml/continue/{id}?without=profile")).await);
    not_theirs(&browser.get(&format!("/saml/consent/{id}")).await);
    not_theirs(&browser.post(&format!("/saml/consent/{id}"), &[("csrf", token), ("digest", digest)]).await);
    not_theirs(&browser.post(&format!("/saml/decline/{id}"), &[("csrf", token)]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn anothers_request_is_neither_seen_nor_answered_nor_declined() {
    let house = House::open().await;
    let ben = house.newcomer("ben@example.gov").await;
    let request = house.ask(&[], None);
    let page = ben.get(&request.url).await;
    let (id, digest) = (id_on(&page), page.form_with(&["digest"]).value("digest").unwrap().to_owned());
    let before = house.disclosures();

    // Somebody who is signed in, with the token of his own forms; and somebody who is nobody.
    try_everything(&house.victim, &id, &digest, &token_of(&house.victim).await).await;
    let nobody = house.app.browser();
    let page_of_nobody = nobody.get("/sign-in").await;
    try_everything(&nobody, &id, &digest, page_of_nobody.form_with(&["csrf"]).value("csrf").unwrap()).await;
    assert_eq!(house.disclosures(), before);

    // And it still waits for its own.
    let answer = ben.submit_form(&page.form_with(&["digest"])).await;
    assert_eq!(house.learned(&answer, &request).attributes[1].values, ["ben@example.gov"]);
    assert_eq!(house.disclosures(), before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guessed_cookie_of_the_request_opens_nothing() {
    let house = House::open().await;
    let ben = house.newcomer("ben@example.gov").await;
    let id = id_on(&ben.get(&house.ask(&[], None).url).await);
    let mallory = house.app.browser();
    mallory.get("/sign-in").await;
    let own = mallory.cookie("__Host-signet").unwrap();
    for value in [own.as_str(), "", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "0", "%00", &"A".repeat(4000)] {
        let cookies = format!("__Host-signet={own}; __Host-signet-request-{id}={value}");
        let address = format!("/saml/continue/{id}");
        not_theirs(&mallory.once_with(Method::GET, &address, None, &[("cookie", &cookies)]).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_another_began_is_not_finished_by_whoever_is_given_its_address() {
    let house = House::open().await;
    let mallory = house.app.browser();
    let page = mallory.get(&house.request()).await;
    assert_eq!(page.url.path(), "/sign-in");
    let onward = page.visited.iter().find(|url| url.path().starts_with("/saml/continue/")).unwrap();
    let before = house.disclosures();
    not_theirs(&house.victim.get(onward.path()).await);
    assert_eq!(house.disclosures(), before);
    assert!(is_response(&house.victim.get(&house.request()).await), "her own sign-ins are not disturbed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_identifier_is_gone() {
    let house = House::open().await;
    let id = "0123456789abcdef0123456789abcdef";
    for one in [id, &id[1..], &format!("{id}00"), "..", "%2e%2e%2faccount", "'%20OR%201=1--", "%00", "zz", "-1"] {
        for way in ["continue", "consent"] {
            let page = house.victim.get(&format!("/saml/{way}/{one}")).await;
            assert!(matches!(page.status.as_u16(), 404 | 410), "{way} {one}: {} {}", page.status, page.text());
        }
    }
}
