//! Every page as a browser gets it: headers, cookies, methods.

#[cfg(feature = "demo")]
mod head;
#[cfg(feature = "demo")]
mod language;
mod refusals;

use crate::support::app::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn a_started_application_says_that_it_lives_and_is_ready() {
    let app = TestApp::start().await;
    let browser = app.browser();
    browser.get("/healthz").await.expect_status(200);
    browser.get("/readyz").await.expect_status(200);
    let app = app.restart().await;
    app.browser().get("/readyz").await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_headers_that_protect() {
    let app = TestApp::start().await;
    for path in ["/healthz", "/no-such-page", "/"] {
        let answer = app.browser().get(path).await;
        let header = |name: &str| answer.headers.get(name).map(|value| value.to_str().expect("text").to_owned());
        let csp = header("content-security-policy").unwrap_or_else(|| panic!("no CSP on {path}"));
        assert!(csp.contains("default-src 'none'") && !csp.contains("unsafe"), "{path}: {csp}");
        assert_eq!(header("x-content-type-options").as_deref(), Some("nosniff"), "{path}");
        assert_eq!(header("referrer-policy").as_deref(), Some("same-origin"), "{path}");
        assert!(header("server").is_none() && header("x-powered-by").is_none(), "{path}");
    }
}
