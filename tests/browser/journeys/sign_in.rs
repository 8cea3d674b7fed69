//! Signing in with an account that is there already, agreeing to what is sent, and refusing it.

use crate::signet::Signet;
use crate::visitor::{Method, Visitor};

const SUCCESSLESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Responder";

#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn a_proofed_person_is_asked_once_and_the_second_visit_goes_straight_through() {
    let (signet, visitor) = (Signet::start().await, Visitor::new("proofed").await);
    let browser = &visitor.browser;
    visitor.ask(&signet, "proofed").await;
    visitor.sign_in_as_the_person(&signet).await;
    visitor.agree().await;
    let received = visitor.received().await;
    let mut names = received.names();
    names.sort_unstable();
    // The person has no second address line, so none is sent.
    let proofed = ["address1", "city", "first_name", "last_name", "state", "zipcode"];
    let mut expected: Vec<&str> = ["aal", "email", "ial", "uuid"].into_iter().chain(proofed).collect();
    expected.sort_unstable();
    assert_eq!(names, expected);
    assert_eq!(received.value("first_name"), Some("Pat"));
    assert_eq!(received.value("ial"), Some("http://idmanagement.gov/ns/assurance/ial/2"));

    // Signed in and agreed: no page of ours waits for anything.
    visitor.ask(&signet, "proofed").await;
    assert_eq!(visitor.received().await, received);
    // Not even one that may be shown.
    visitor.ask(&signet, "passive").await;
    let passive = visitor.received().await;
    assert_eq!((passive.name_id, passive.attributes.len()), (received.name_id.clone(), 4));

    // Signed out at the agency alone, and in again.
    browser.press("Sign out of this office").await;
    browser.press("Only Benefits Office").await;
    browser.expect_path("/signed-out").await;
    browser.expect("not signed out everywhere").await;
    visitor.look("signed-out").await;
    visitor.ask(&signet, "proofed").await;
    assert_eq!(visitor.received().await.name_id, received.name_id);
    assert!(signet.tells(&["audit", "verify"]).contains("holds, 4 records"));

    // The person's own pages tell the same.
    browser.open(&format!("{}/account/services", signet.origin())).await;
    browser.expect("Benefits Office").await;
    browser.expect("Street address").await;
    visitor.look("services").await;
}

#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn refused_consent_tells_the_service_nothing_but_that() {
    let (signet, visitor) = (Signet::start().await, Visitor::new("declined").await);
    visitor.ask(&signet, "plain").await;
    visitor.sign_in_as_the_person(&signet).await;
    visitor.browser.find("form[action^='/saml/decline/'] button").await;
    visitor.browser.press("Do not share").await;
    let (status, nested) = visitor.refused().await;
    assert_eq!(status, SUCCESSLESS);
    assert_eq!(nested, "urn:oasis:names:tc:SAML:2.0:status:RequestDenied");
    assert!(!signet.tells(&["audit", "verify"]).contains("1 records"), "nothing was disclosed");
    // Nothing was remembered either: the next visit asks.
    visitor.ask(&signet, "plain").await;
    visitor.agree().await;
    visitor.received().await;
}

#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn what_the_agreement_lacks_is_not_sent_and_the_person_and_the_operator_can_tell() {
    let (signet, visitor) = (Signet::start().await, Visitor::new("too-much").await);
    visitor.ask(&signet, "too-much").await;
    visitor.sign_in_as_the_person(&signet).await;
    visitor.browser.expect("Also asked for, but not sent").await;
    visitor.browser.expect("Social Security number: the agency’s agreement does not allow it").await;
    visitor.agree().await;
    let received = visitor.received().await;
    let mut names = received.names();
    names.sort_unstable();
    assert_eq!(names, ["aal", "email", "first_name", "ial", "last_name", "uuid"]);
    assert!(!visitor.browser.source().await.contains("900-12-3456"));
    let explained = signet.tells(&[
        "release",
        "explain",
        "--sp",
        "http://demo-agency.localhost/metadata",
        "--ask",
        "email,first_name,last_name,ssn",
    ]);
    let line = explained.lines().find(|line| line.contains(" ssn ")).unwrap_or_default();
    assert!(line.starts_with("withheld") && line.contains("agreement does not allow"), "{explained}");
    assert!(signet.said().contains("ssn:not_in_agreement"), "the log can tell: {}", signet.said());
}

#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn whether_somebody_is_of_age_is_told_without_the_date_of_birth() {
    let (signet, visitor) = (Signet::start().await, Visitor::new("age").await);
    visitor.ask(&signet, "age").await;
    visitor.sign_in_as_the_person(&signet).await;
    visitor.browser.expect("Whether you are 18 or older").await;
    visitor.browser.expect("Yes").await;
    visitor.browser.expect("To see whether you may apply by yourself").await;
    assert!(!visitor.browser.source().await.contains("1980-02-29"));
    visitor.agree().await;
    let received = visitor.received().await;
    assert_eq!(received.value("age_over_18"), Some("true"));
    assert!(!visitor.browser.source().await.contains("1980-02-29"));
}

#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn an_edited_agreement_counts_from_the_next_sign_in() {
    let (signet, visitor) = (Signet::start().await, Visitor::new("edited").await);
    visitor.ask(&signet, "plain").await;
    visitor.sign_in_as_the_person(&signet).await;
    visitor.agree().await;
    assert!(visitor.received().await.value("email").is_some());
    let file = signet.metadata_folder().join("sp/demo-agency/benefits/agreement.toml");
    let before = std::fs::read_to_string(&file).expect("the agreement");
    let after = before
        .replace("default_attributes = [\"email\"]", "default_attributes = []")
        .replace("[attributes.email]\npurpose.en = \"To tell you how your application is going\"\n", "");
    assert_ne!(before, after);
    std::fs::write(&file, after).expect("the agreement is written");
    let explained = async || signet.tells(&["release", "explain", "--sp", "demo-agency/benefits", "--ask", "email"]);
    visitor
        .browser
        .wait("the edited agreement", async || {
            explained().await.lines().any(|line| {
                line.starts_with("withheld") && line.contains("email") && line.contains("agreement does not allow")
            })
        })
        .await;
    visitor.ask(&signet, "plain").await;
    visitor.browser.wait("an answer, or a question", async || !visitor.browser.source().await.is_empty()).await;
    if visitor.browser.address().await.contains("/saml/") {
        visitor.agree().await;
    }
    let received = visitor.received().await;
    assert_eq!(received.value("email"), None, "{received:?}");
}

#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn a_fresh_sign_in_is_demanded_and_done() {
    let (signet, visitor) = (Signet::start().await, Visitor::new("again").await);
    visitor.ask(&signet, "plain").await;
    visitor.sign_in_as_the_person(&signet).await;
    visitor.agree().await;
    let first = visitor.received().await;
    visitor.ask(&signet, "again").await;
    visitor.browser.expect_path("/sign-in").await;
    visitor.look("again").await;
    visitor.sign_in_as_the_person(&signet).await;
    assert_eq!(visitor.received().await.name_id, first.name_id);
}

#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn without_a_sign_in_a_passive_request_is_answered_with_no_page_and_no_person() {
    let (signet, visitor) = (Signet::start().await, Visitor::new("passive").await);
    visitor.ask(&signet, "passive").await;
    let (status, nested) = visitor.refused().await;
    assert_eq!(status, SUCCESSLESS);
    assert_eq!(nested, "urn:oasis:names:tc:SAML:2.0:status:NoPassive");
}

#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn a_level_that_is_not_reached_is_explained_and_the_service_learns_of_it() {
    let (signet, visitor) = (Signet::start().await, Visitor::new("level").await);
    visitor.ask(&signet, "proofed").await;
    visitor.sign_up(&signet, "grace@example.org", Method::Totp).await;
    visitor.browser.expect("identity was verified").await;
    visitor.look("level").await;
    visitor.browser.click("form[action^='/saml/decline/'] button").await;
    let (status, nested) = visitor.refused().await;
    assert_eq!(status, SUCCESSLESS);
    assert_eq!(nested, "urn:oasis:names:tc:SAML:2.0:status:NoAuthnContext");
}
