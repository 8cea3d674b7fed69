//! The session that was there before its person.
//!
//! The attacker plants a cookie of his in the person's browser (a neighbouring host name, a script, an hour at her desk) and
//! waits until she signs in with it; or he tosses a second cookie of the same name beside hers. The name `__Host-signet` keeps
//! neighbours from setting it at all; and at each rise of what a session may do it gets a new secret, so that the planted one
//! opens nothing, whatever waited under it.

use reqwest::Method;
use reqwest::header::{LOCATION, SET_COOKIE};

use super::door::{House, is_response};
use crate::support::people::{give_password, give_second_factor};

const COOKIE: &str = "__Host-signet";

#[tokio::test(flavor = "multi_thread")]
async fn a_planted_session_with_a_waiting_request_gives_the_attacker_nothing() {
    let mut house = House::open().await;
    let attacker = house.app.browser();
    let page = attacker.get(&house.request()).await;
    assert_eq!(page.url.path(), "/sign-in");
    let onward = page.visited.iter().find(|url| url.path().starts_with("/saml/continue/")).unwrap().path().to_owned();
    let planted = attacker.cookie(COOKIE).unwrap();

    let desk = house.app.browser();
    desk.plant_cookie(COOKIE, &planted);
    give_password(&desk, &house.person.email, &house.person.password).await;
    let halfway = desk.cookie(COOKIE).unwrap();
    assert_ne!(halfway, planted);
    attacker.get("/sign-in/second-factor").await;
    let page = give_second_factor(&house.app, &desk, &mut house.person.device).await;
    assert_eq!(page.url.path(), "/account", "no request of his is hers");
    assert_eq!(attacker.get(&onward).await.url.path(), "/sign-in", "his request waits for somebody to sign in");
    let before = house.disclosures();
    for stolen in [&planted, &halfway] {
        let thief = house.app.browser();
        thief.plant_cookie(COOKIE, stolen);
        thief.get(&onward).await.expect_status(400);
        assert_eq!(thief.get("/account").await.url.path(), "/sign-in");
        assert!(!is_response(&thief.get(&house.request()).await));
    }
    assert_eq!(house.disclosures(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cookie_is_the_hosts_alone() {
    let house = House::open().await;
    let (app, browser) = (&house.app, house.app.browser());
    let mut lines = Vec::new();
    let mut keep = |page: &crate::support::browser::Page| {
        lines.extend(page.headers.get_all(SET_COOKIE).iter().map(|line| line.to_str().unwrap().to_owned()));
    };
    keep(&browser.once_with(Method::GET, "/sign-in", None, &[]).await);
    keep(&browser.once_with(Method::GET, &house.request(), None, &[]).await);
    let page = browser.get("/sign-in").await;
    let form = page.form_with(&["email", "password"]);
    let values = form.with(&[("email", &house.person.email), ("password", &house.person.password)]);
    let fields: Vec<(&str, &str)> = values.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    keep(&browser.once_with(Method::POST, "/sign-in", Some(&fields), &[]).await);
    // A posted request has a cookie of its own.
    let posted = app.browser();
    let request = super::scene::signed();
    use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
    let field = BASE64.encode(request);
    keep(&posted.once_with(Method::POST, "/saml/sso", Some(&[("SAMLRequest", &field)]), &[]).await);
    assert_eq!(lines.len(), 4, "{lines:?}");
    for line in lines {
        let attributes: Vec<String> = line.split(';').map(|part| part.trim().to_ascii_lowercase()).collect();
        assert!(line.starts_with("__Host-signet"), "{line}");
        for wanted in ["secure", "httponly", "samesite=lax", "path=/"] {
            assert!(attributes.iter().any(|attribute| attribute == wanted), "{line} lacks {wanted}");
        }
        assert!(attributes.iter().all(|attribute| !attribute.starts_with("domain")), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_without_the_prefix_or_of_another_case_is_not_ours() {
    let house = House::open().await;
    let value = house.victim.cookie(COOKIE).unwrap();
    let thief = house.app.browser();
    for name in [
        "signet",
        "__host-signet",
        "__HOST-SIGNET",
        "__Secure-signet",
        "__Host-Signet",
        "Host-signet",
        "$__Host-signet",
    ] {
        let cookie = format!("{name}={value}");
        let page = thief.once_with(Method::GET, "/account", None, &[("cookie", &cookie)]).await;
        assert!(!page.text().contains("victim@example.gov") && page.status.as_u16() != 200, "{name}: {}", page.status);
    }
    let cookie = format!("{COOKIE}={value}");
    thief.once_with(Method::GET, "/account", None, &[("cookie", &cookie)]).await.expect_words("victim@example.gov");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_cookies_of_one_name_one_counts_and_no_form_of_the_other_is_taken() {
    let house = House::open().await;
    let ben = house.newcomer("ben@example.gov").await;
    let (hers, his) = (house.victim.cookie(COOKIE).unwrap(), ben.cookie(COOKIE).unwrap());
    let (her_token, his_token) = (super::door::token_of(&house.victim).await, super::door::token_of(&ben).await);
    for cookies in [format!("{COOKIE}={hers}; {COOKIE}={his}"), format!("{COOKIE}={his}; {COOKIE}={hers}")] {
        let both = [("cookie", cookies.as_str())];
        let page = house.app.browser().once_with(Method::GET, "/account", None, &both).await;
        let (is_hers, is_his) = (page.text().contains("victim@example.gov"), page.text().contains("ben@example.gov"));
        assert!(is_hers != is_his, "one of the two: {}", page.text());
        // The token of the one whose session it is not.
        let other = if is_hers { &his_token } else { &her_token };
        let fields = [("csrf", other.as_str())];
        let page = house.app.browser().once_with(Method::POST, "/account/sign-out", Some(&fields), &both).await;
        page.expect_status(303);
        assert_eq!(page.headers[LOCATION], "/account?late=yes");
    }
    house.victim.get("/account").await.expect_words("victim@example.gov");
    ben.get("/account").await.expect_words("ben@example.gov");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_that_says_anything_is_a_visitors() {
    let house = House::open().await;
    for value in [
        "",
        "A",
        "null",
        "../../etc/passwd",
        "%00%00",
        "\"quoted\"",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        &"A".repeat(8000),
        &format!("{}'", house.victim.cookie(COOKIE).unwrap()),
    ] {
        let cookie = format!("{COOKIE}={value}");
        let page = house.app.browser().once_with(Method::GET, "/sign-in", None, &[("cookie", &cookie)]).await;
        page.expect_status(200);
        assert!(page.forms().iter().any(|form| form.value("password").is_some()), "{value}");
    }
}
