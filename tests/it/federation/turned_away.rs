//! Our metadata as services fetch it, and the page that its `errorURL` leads to.

use reqwest::Method;
use reqwest::header::{ETAG, LOCATION};

use super::front_door::House;
use crate::support::app::{TestApp, Wishes};

const ENTITY: &str = "https://permits.parks.example.gov/saml";

/// The address with its placeholders filled in, as the profile tells services to.
fn filled(values: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(values).finish();
    format!("/saml/error?{query}")
}

#[tokio::test]
async fn a_person_who_was_turned_away_learns_by_whom_and_what_to_do() {
    let house = House::new().await;
    let browser = house.app.browser();
    let page = browser
        .get(&filled(&[
            ("code", "IDENTIFICATION_FAILURE"),
            ("ts", "1795521601"),
            ("rp", ENTITY),
            ("tid", "case-12.b_3"),
            ("ctx", "email urn:oid:1.2.3 ssn"),
        ]))
        .await;
    page.expect_status(200)
        .expect_words("did not receive all that it needs")
        .expect_words("Social Security number")
        .expect_words("case-12.b_3")
        .expect_words("2026-11-24 12:00:01 UTC");
    assert!(page.link("Back to").is_some() || page.find("a.usa-button").is_some());
    browser.get(&filled(&[("code", "AUTHENTICATION_FAILURE"), ("rp", ENTITY)])).await.expect_words("passkey");
    browser.get(&filled(&[("code", "AUTHORIZATION_FAILURE"), ("rp", ENTITY)])).await.expect_words("does not let");
}

#[tokio::test]
async fn whoever_made_the_link_puts_no_words_on_our_page() {
    let house = House::new().await;
    let lie = "Call 1-800-EVIL now";
    for page in [
        house.app.browser().get(&filled(&[("code", lie), ("ts", lie), ("rp", lie), ("tid", lie), ("ctx", lie)])).await,
        house
            .app
            .browser()
            .get(&filled(&[("code", "IDENTIFICATION_FAILURE"), ("ctx", lie), ("tid", &"a".repeat(81))]))
            .await,
        house.app.browser().get(&filled(&[("rp", "https://evil.example/saml"), ("ts", "99999999999999999999")])).await,
    ] {
        page.expect_status(200);
        for word in ["1-800", "EVIL", "evil", "aaaaaaaa", "9999"] {
            assert!(!page.body.contains(word), "{word}: {}", page.text());
        }
    }
}

#[tokio::test]
async fn placeholders_that_nobody_filled_in_count_as_nothing() {
    let house = House::new().await;
    let metadata = house.app.browser().get("/saml/metadata").await.body;
    let address = metadata.split(" errorURL=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
    assert!(
        address.starts_with(&format!("{}/saml/error?code=ERRORURL_CODE&ts=ERRORURL_TS", house.app.url)),
        "{address}"
    );
    for address in [address.as_str(), "/saml/error", "/saml/error?code=a&code=b"] {
        let page = house.app.browser().get(address).await;
        page.expect_status(200).expect_words("could not finish your sign-in");
        assert!(!page.body.contains("ERRORURL"));
    }
}

#[tokio::test]
async fn a_service_that_has_the_copy_already_is_told_so() {
    let app = TestApp::start().await;
    let first = app.browser().get("/saml/metadata").await;
    let tag = first.expect_status(200).headers[ETAG].to_str().unwrap().to_owned();
    let ask = async |header: &str| {
        app.browser().once_with(Method::GET, "/saml/metadata", None, &[("if-none-match", header)]).await
    };
    for header in [tag.as_str(), "*", &format!("\"other\", W/{tag}")] {
        let page = ask(header).await;
        assert!(page.expect_status(304).body.is_empty(), "{header}");
        assert_eq!(page.headers[ETAG], tag.as_str());
        assert_eq!(page.headers["cache-control"], "public, max-age=300");
    }
    for header in ["\"other\"", "nonsense", ""] {
        assert!(ask(header).await.expect_status(200).body == first.body, "{header}");
    }
}

#[tokio::test]
async fn the_published_logo_and_pages_are_there() {
    let wishes = Wishes { public_url: Some("https://signet.example".to_owned()), ..Wishes::default() };
    let app = TestApp::start_with(wishes).await;
    let get = async |path: &str| app.browser().once_with(Method::GET, &format!("{}{path}", app.at), None, &[]).await;
    let metadata = get("/saml/metadata").await.body;
    let mut seen = 0;
    for part in metadata.split("https://signet.example").skip(1) {
        let path = part.split(['<', '"', '?']).next().unwrap();
        if ["/help", "/privacy", "/logo.svg"].contains(&path) {
            let mut page = get(path).await;
            if let Some(to) = page.headers.get(LOCATION) {
                page = get(to.to_str().unwrap()).await;
            }
            page.expect_status(200);
            seen += 1;
        }
    }
    assert_eq!(seen, 3, "{metadata}");
}
