//! What is not done is refused with a page: a heading, words, and a code that is in the log.

use reqwest::Method;
use url::Url;

use crate::support::app::TestApp;
use crate::support::browser::Page;

#[track_caller]
fn refused(page: &Page, status: u16, code: &str) {
    page.expect_status(status);
    page.expect_words(&format!("Code: {code}"));
    assert!(page.find("h1").is_some_and(|heading| !heading.is_empty()), "{}", page.body);
    let kind = page.headers.get("content-type").and_then(|value| value.to_str().ok());
    assert_eq!(kind, Some("text/html; charset=utf-8"));
    assert!(page.headers.contains_key("content-security-policy"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_has_a_page_that_says_so() {
    let app = TestApp::start().await;
    for path in ["/no-such-page", "/sign-in/no-such-page", "/saml/no-such-page", "/%00", "/account/../etc/passwd"] {
        refused(&app.browser().get(path).await, 404, "W01");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_a_page_does_not_know_is_refused() {
    let app = TestApp::start().await;
    let browser = app.browser();
    for path in ["/", "/help", "/privacy", "/sign-in", "/sign-up", "/saml/sso"] {
        let url: Url = format!("{}{path}", app.url).parse().unwrap();
        refused(&browser.once(Method::DELETE, url, None).await, 405, "W02");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_larger_than_any_of_ours_is_refused() {
    let app = TestApp::start().await;
    let large = "a".repeat(300 * 1024);
    refused(&app.browser().post("/sign-in", &[("csrf", ""), ("email", &large), ("password", "")]).await, 413, "W03");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_lacks_a_field_is_refused() {
    let app = TestApp::start().await;
    refused(&app.browser().post("/sign-in", &[("other", "1")]).await, 400, "W04");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_the_token_of_the_session_does_nothing() {
    let app = TestApp::start().await;
    let browser = app.browser();
    browser.get("/sign-in").await.expect_status(200);
    let fields = [("csrf", "guessed"), ("email", "person@example.com"), ("password", "correct horse battery")];
    browser.post("/sign-in", &fields).await.expect_status(422).expect_words("What you sent last was not used");
    let url = browser.get("/sign-in").await.url;
    let foreign = [("origin", "https://evil.example")];
    refused(&browser.once_with(reqwest::Method::POST, url.path(), Some(&fields), &foreign).await, 403, "W05");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_a_message_tells_person_and_engineer() {
    let app = TestApp::start().await;
    let page = app.browser().get("/saml/sso").await;
    refused(&page, 400, "S01");
    page.expect_words("For the engineer of that website");
    page.expect_words("SAMLRequest");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_for_everybody_are_there_and_give_no_cookie() {
    let app = TestApp::start().await;
    for path in ["/", "/help", "/privacy"] {
        let page = app.browser().get(path).await;
        page.expect_status(200);
        assert!(page.find("h1").is_some());
        assert!(page.headers.get("set-cookie").is_none(), "{path}");
    }
}

#[test]
fn the_log_line_of_a_refusal_names_the_service_that_it_is_about() {
    use signet::federation::agreement::LocalizedText;
    use signet::federation::registry::ServiceName;
    use signet::refusal::RefusalKind;
    use signet::web::refusal::{Refusal, RefusedService};
    let folder = ServiceName::parse("department-of-parks/permits");
    let name = LocalizedText::in_english("Park permits");
    assert!(folder.is_some());
    let service = RefusedService { folder, name, return_to: None };
    let of = |refusal: &Refusal| {
        let fields = refusal.event().fields();
        fields.into_iter().find(|(name, _)| *name == "service").map(|(_, told)| told)
    };
    let refusal = Refusal::from(RefusalKind::SignatureMissing);
    assert_eq!(of(&refusal).as_deref(), Some(""));
    assert_eq!(of(&refusal.about(service)).as_deref(), Some("department-of-parks/permits"));
}
