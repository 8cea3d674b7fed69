//! Signing in without script, and the pages that no other journey comes by.

use serde_json::json;

use crate::accessibility::{assert_accessible, assert_fits_a_phone};
use crate::signet::Signet;
use crate::visitor::Visitor;
use crate::webdriver::Looks;

#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn without_script_a_button_leads_back_to_the_agency() {
    let signet = Signet::start().await;
    let visitor = Visitor::looking("no-script", Looks { without_script: true, width: None }).await;
    visitor.ask(&signet, "plain").await;
    visitor.sign_in_as_the_person(&signet).await;
    visitor.agree().await;
    visitor.browser.find("main form[data-post] button").await;
    visitor.look("response").await;
    visitor.browser.click("main form[data-post] button").await;
    let received = visitor.received().await;
    assert_eq!(received.value("email"), Some(signet.person().email.as_str()));
}

/// Where its script runs, the page that posts the response is gone at once; here the script does not arrive.
#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn the_page_that_posts_the_response_is_as_accessible_as_the_others() {
    let (signet, visitor) = (Signet::start().await, Visitor::new("response").await);
    visitor.browser.devtools("Network.enable", json!({})).await;
    visitor.browser.devtools("Network.setBlockedURLs", json!({ "urls": ["*/js/post*"] })).await;
    visitor.ask(&signet, "plain").await;
    visitor.sign_in_as_the_person(&signet).await;
    visitor.agree().await;
    visitor.browser.find("main form[data-post] button").await;
    assert_accessible(&visitor.browser).await;
    assert_fits_a_phone(&visitor.browser).await;
}

#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn plain_pages_and_refusals_are_for_everybody() {
    let (signet, visitor) = (Signet::start().await, Visitor::new("pages").await);
    let browser = &visitor.browser;
    let pages = [
        ("/", "landing"),
        ("/help", "help"),
        ("/privacy", "privacy"),
        ("/sign-up/confirm/nothing", "link-unusable"),
        ("/no/such/page", "not-found"),
        ("/saml/sso", "sso-without-request"),
        ("/saml/continue/00000000000000000000000000000000", "request-gone"),
    ];
    for (path, page) in pages {
        browser.open(&format!("{}{path}", signet.origin())).await;
        visitor.look(page).await;
    }
}

#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn an_account_is_looked_after_on_its_own_pages() {
    let (signet, visitor) = (Signet::start().await, Visitor::new("account").await);
    let browser = &visitor.browser;
    browser.open(&format!("{}/sign-in", signet.origin())).await;
    visitor.sign_in_as_the_person(&signet).await;
    browser.expect_path("/account").await;
    visitor.look("overview").await;
    let adding = ["", "/totp", "/webauthn?kind=passkey", "/webauthn?kind=security_key", "/sms"];
    let adding = adding.map(|end| format!("/account/methods/add{end}"));
    let pages = ["/account/email", "/account/methods", "/account/services"].map(str::to_owned);
    for path in pages.into_iter().chain(adding) {
        browser.open(&format!("{}{path}", signet.origin())).await;
        browser.expect_path(path.split('?').next().unwrap_or_default()).await;
        visitor.look(&path.trim_start_matches("/account/").replace(['/', '?', '='], "-")).await;
    }
    browser.press("Sign out").await;
    browser.wait("a page for strangers", async || !browser.source().await.contains("/account/sign-out")).await;
    visitor.look("signed-out").await;
    browser.open(&format!("{}/account", signet.origin())).await;
    browser.expect_path("/sign-in").await;
}
