//! Signing out at the agency and at Signet: each takes the other along, if the person says so.

use crate::signet::Signet;
use crate::visitor::Visitor;

async fn signed_in(journey: &'static str) -> (Signet, Visitor) {
    let (signet, visitor) = (Signet::start().await, Visitor::new(journey).await);
    visitor.ask(&signet, "plain").await;
    visitor.sign_in_as_the_person(&signet).await;
    visitor.agree().await;
    visitor.received().await;
    (signet, visitor)
}

async fn assert_signed_out_everywhere(signet: &Signet, visitor: &Visitor) {
    visitor.browser.open(&format!("{}/received", signet.agency())).await;
    visitor.browser.expect("Nothing received yet").await;
    visitor.ask(signet, "plain").await;
    visitor.browser.expect_path("/sign-in").await;
}

#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn signing_out_at_the_agency_can_end_the_session_here_too() {
    let (signet, visitor) = signed_in("sign-out-at-the-agency").await;
    let browser = &visitor.browser;
    browser.press("Sign out of this office").await;
    browser.expect("Sign out everywhere?").await;
    visitor.look("question").await;
    browser.press("Sign out everywhere").await;
    browser.expect_path("/signed-out").await;
    browser.expect("signed out there too").await;
    visitor.look("signed-out").await;
    assert_signed_out_everywhere(&signet, &visitor).await;
}

#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn signing_out_here_takes_the_agency_along() {
    let (signet, visitor) = signed_in("sign-out-here").await;
    let browser = &visitor.browser;
    browser.open(&format!("{}/account", signet.origin())).await;
    browser.press("Sign out").await;
    browser.expect("still signed in there").await;
    visitor.look("signed-out").await;
    browser.press("Sign out of these services too").await;
    browser.expect("Benefits Office: signed out").await;
    visitor.look("summary").await;
    assert_signed_out_everywhere(&signet, &visitor).await;
}
