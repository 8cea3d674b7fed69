//! A forgotten password: never past the second factor, and the profile opens by the recovery key alone.

use crate::signet::Signet;
use crate::visitor::{NEW_PASSWORD, SUBMIT, Visitor};

/// From the sign-in page to the sign-in with a new password and the second factor; the vault is sealed then.
async fn password_forgotten(signet: &Signet, visitor: &Visitor) {
    let (browser, person) = (&visitor.browser, signet.person());
    browser.expect_path("/sign-in").await;
    browser.press("Forgot your password?").await;
    browser.expect_path("/forgot-password").await;
    visitor.look("forgot").await;
    let known = signet.count_messages_to(&person.email).await;
    browser.fill("#email", &person.email).await;
    browser.click(SUBMIT).await;
    browser.expect("Check your e-mail").await;
    visitor.look("check-mail").await;
    let link = signet.message_to(&person.email, "/forgot-password/", known).await.link("/forgot-password/");
    browser.open(&link).await;
    browser.expect("Choose a new password").await;
    visitor.look("new-password").await;
    browser.fill("#password", NEW_PASSWORD).await;
    browser.fill("#again", NEW_PASSWORD).await;
    browser.click(SUBMIT).await;
    browser.expect_path("/sign-in").await;
    visitor.look("password-changed").await;
    visitor.give_password(&person.email, NEW_PASSWORD).await;
    visitor.give_text_code(signet, &person.phone.replace(' ', "")).await;
}

#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn with_the_recovery_key_the_profile_opens_again() {
    let (signet, visitor) = (Signet::start().await, Visitor::new("recovery-with-key").await);
    let (browser, person) = (&visitor.browser, signet.person());
    visitor.ask(&signet, "proofed").await;
    password_forgotten(&signet, &visitor).await;
    browser.expect_path("/forgot-password/unlock").await;
    visitor.look("unlock").await;
    browser.fill("#recovery_key", &person.recovery_key).await;
    browser.click(SUBMIT).await;
    browser.expect("recovery key").await;
    browser.find("#recovery-key code").await;
    visitor.look("new-recovery-key").await;
    let new = browser.text("#recovery-key code").await;
    assert_ne!(new, person.recovery_key, "it works once");
    browser.click("label[for=kept]").await;
    browser.click(SUBMIT).await;
    visitor.agree().await;
    let received = visitor.received().await;
    assert_eq!(received.value("first_name"), Some("Pat"));
}

#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn without_the_recovery_key_the_profile_stays_sealed_and_nothing_of_it_is_sent() {
    let (signet, visitor) = (Signet::start().await, Visitor::new("recovery-without-key").await);
    let browser = &visitor.browser;
    visitor.ask(&signet, "proofed").await;
    password_forgotten(&signet, &visitor).await;
    browser.expect_path("/forgot-password/unlock").await;
    browser.press("Go on without it").await;
    browser.find("form[action^='/saml/decline/'] button").await;
    browser.expect("sealed").await;
    visitor.look("level-sealed").await;
    browser.click("form[action^='/saml/decline/'] button").await;
    let (_, nested) = visitor.refused().await;
    assert_eq!(nested, "urn:oasis:names:tc:SAML:2.0:status:NoAuthnContext");
    // What needs no profile still works, and the account says what is the matter.
    visitor.ask(&signet, "plain").await;
    visitor.agree().await;
    let received = visitor.received().await;
    assert_eq!(received.value("first_name"), None);
    assert_eq!(received.value("ial"), Some("http://idmanagement.gov/ns/assurance/ial/1"));
    browser.open(&format!("{}/account", signet.origin())).await;
    browser.expect("sealed").await;
    visitor.look("account").await;
}

#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn the_old_password_opens_nothing_any_more() {
    let (signet, visitor) = (Signet::start().await, Visitor::new("recovery-old-password").await);
    let person = signet.person();
    visitor.browser.open(&format!("{}/sign-in", signet.origin())).await;
    password_forgotten(&signet, &visitor).await;
    visitor.browser.expect_path("/forgot-password/unlock").await;
    visitor.browser.forget_cookies().await;
    visitor.browser.open(&format!("{}/sign-in", signet.origin())).await;
    visitor.give_password(&person.email, &person.password).await;
    visitor.browser.expect("or the password is wrong").await;
    visitor.look("wrong-password").await;
}
