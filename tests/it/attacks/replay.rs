//! The genuine request, sent again.
//!
//! A signed request lies in browser histories, proxies' logs and Referer headers. Whoever finds one sends it again: to begin a
//! sign-in that the service did not ask for, or many at once in the hope that two are taken before one is remembered. An ID
//! is remembered in the same transaction that lets it in, and longer than the request stays fresh; a restart forgets nothing.

use signet::clock::Clock;
use signet::saml::{
    instant,
    xml::{Builder, ns},
};
use time::Duration;

use super::door::services;
use super::scene::{RSA_SHA256, SP, signed_query_of};
use crate::saml::keys::RSA;
use crate::support::app::{TestApp, Wishes};

async fn start() -> TestApp {
    TestApp::start_with(Wishes { services: services(), ..Wishes::default() }).await
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
