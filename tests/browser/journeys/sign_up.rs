//! A new account, made on the way to an agency.

use crate::signet::Signet;
use crate::visitor::{Method, PASSWORD, Received, Visitor};

/// Signs up with a method on the way to the agency, agrees, and gives what the agency received; then signs in anew with it.
async fn signed_up(journey: &'static str, method: Method) -> Received {
    let (signet, visitor) = (Signet::start().await, Visitor::new(journey).await);
    visitor.ask(&signet, "plain").await;
    let secret = visitor.sign_up(&signet, "ada@example.org", method).await;
    visitor.agree().await;
    let received = visitor.received().await;
    assert!(signet.tells(&["audit", "verify"]).contains("holds, 1 records"), "{}", signet.tells(&["audit", "verify"]));

    visitor.browser.forget_cookies().await;
    visitor.ask(&signet, "plain").await;
    visitor.give_password("ada@example.org", PASSWORD).await;
    visitor.give_second_factor(&signet, method, secret.as_deref()).await;
    assert_eq!(visitor.received().await, received, "the next sign-in tells the same");
    received
}

/// What the agreement sends by default, and what every assertion carries: nothing else.
fn assert_only_the_default(received: &Received, level: &str) {
    let mut names = received.names();
    names.sort_unstable();
    assert_eq!(names, ["aal", "email", "ial", "uuid"]);
    assert_eq!(received.value("email"), Some("ada@example.org"));
    assert_eq!(received.value("ial"), Some("http://idmanagement.gov/ns/assurance/ial/1"));
    // What happened, not what was asked for.
    assert_eq!(received.authn_context, format!("http://idmanagement.gov/ns/assurance/{level}"));
    assert_eq!(received.value("aal"), Some(received.authn_context.as_str()));
    assert_eq!(received.value("uuid"), Some(received.name_id.as_str()));
}

#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn a_passkey_leads_to_the_agency() {
    assert_only_the_default(&signed_up("sign-up-passkey", Method::Passkey).await, "aal/2?phishing_resistant=true");
}

#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn a_security_key_leads_to_the_agency() {
    assert_only_the_default(
        &signed_up("sign-up-security-key", Method::SecurityKey).await,
        "aal/2?phishing_resistant=true",
    );
}

#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn a_text_message_from_the_inbox_leads_to_the_agency() {
    assert_only_the_default(&signed_up("sign-up-text", Method::Text).await, "aal/2");
}

#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn an_authentication_app_leads_to_the_agency() {
    assert_only_the_default(&signed_up("sign-up-totp", Method::Totp).await, "aal/2");
}
