//! The genuine request, sent again.
//!
//! A signed request lies in browser histories, proxies' logs and Referer headers. Whoever finds one sends it again: to begin a
//! sign-in that the service did not ask for, or many at once in the hope that two are taken before one is remembered. An ID
//! is remembered in the same transaction that lets it in, and longer than the request stays fresh; a restart forgets nothing.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use signet::saml::{
    instant,
    xml::{Builder, ns},
};
use signet::services::Clock;
use time::Duration;

use super::scene::{RSA_SHA256, SP, metadata_text, signed_query_of};
use crate::saml::keys::RSA;
use crate::support::app::{TestApp, Wishes};

const AGREEMENT: &str = r#"
agency_id = "agency"
entity_id = "https://sp.example/metadata"
default_attributes = ["email"]
review_date = 2030-12-31
return_to_url = "https://sp.example/"
agency_name.en = "Agency"
friendly_name.en = "Service"
description.en = "A service"
attributes.email.purpose.en = "To write to you"

[[contacts]]
kind = "technical"
name = "Nobody"
email = "nobody@sp.example"
"#;

async fn start() -> TestApp {
    let metadata =
        metadata_text(&BASE64.encode(&RSA.certificate_der)).replace("KeyDescriptor use=\"signing\"", "KeyDescriptor");
    let service = ("agency".to_owned(), "service".to_owned(), metadata, AGREEMENT.to_owned());
    TestApp::start_with(Wishes { services: vec![service], ..Wishes::default() }).await
}

/// The path and query of a fresh request.
fn request(app: &TestApp, id: &str) -> String {
    let xml = Builder::element("samlp", ns::PROTOCOL, "AuthnRequest")
        .attribute("ID", id)
        .attribute("Version", "2.0")
        .attribute("IssueInstant", instant::format(app.clock.now()))
        .attribute("Destination", format!("{}/saml/sso", app.url))
        .child(Builder::element("saml", ns::ASSERTION, "Issuer").text(SP));
    let xml = xml.canonical().unwrap().into_string();
    format!("/saml/sso?{}", signed_query_of(&xml, None, RSA_SHA256, &RSA.signer()))
}

#[tokio::test]
async fn a_request_is_taken_once_from_any_browser() {
    let app = start().await;
    let request = request(&app, "_once");
    app.browser().get(&request).await.expect_status(200);
    app.browser().get(&request).await.expect_status(409);
    let app = app.restart().await;
    app.browser().get(&request.clone()).await.expect_status(409);
}

#[tokio::test]
async fn of_many_at_once_one_is_taken() {
    let app = start().await;
    let request = request(&app, "_race");
    let tries: Vec<_> = (0..8)
        .map(|_| {
            let (browser, request) = (app.browser(), request.clone());
            tokio::spawn(async move { browser.get(&request).await.status.as_u16() })
        })
        .collect();
    let mut statuses = Vec::new();
    for one in tries {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409, 409, 409, 409]);
}

#[tokio::test]
async fn what_was_forgotten_is_too_old_to_be_taken() {
    let app = start().await;
    let request = request(&app, "_old");
    app.browser().get(&request).await.expect_status(200);
    for minutes in [4, 60, 60, 24 * 60] {
        app.clock.advance(Duration::minutes(minutes));
        let status = app.browser().get(&request).await.status.as_u16();
        assert!(status == 409 || status == 400, "{status} after {minutes} more minutes");
    }
}
