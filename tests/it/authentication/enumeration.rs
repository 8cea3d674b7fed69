//! A stranger learns from no answer whether an address has an account.

use signet::storage::StoreError;

use crate::support::app::{TestApp, wait_for};
use crate::support::browser::Page;
use crate::support::people::{With, sign_up};

const KNOWN: &str = "known@example.gov";
const OTHER: &str = "other@example.gov";

/// What a stranger can compare: everything but what is random in any answer.
fn shape(page: &Page) -> (u16, Vec<String>, String) {
    let mut headers: Vec<String> = page.headers.keys().map(ToString::to_string).collect();
    headers.sort();
    (page.status.as_u16(), headers, page.text().replace(KNOWN, "…").replace(OTHER, "…"))
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_up_sign_in_and_forgotten_password_answer_alike_for_known_and_unknown_addresses() {
    let app = TestApp::start().await;
    sign_up(&app, &app.browser(), KNOWN, With::App).await;
    for (path, fields) in [
        ("/sign-up", vec![("rules", "yes")]),
        ("/sign-in", vec![("password", "not the password")]),
        ("/forgot-password", vec![]),
    ] {
        let mut shapes = Vec::new();
        for email in [KNOWN, OTHER] {
            let browser = app.browser();
            let page = browser.get(path).await;
            let values: Vec<(&str, &str)> = fields.iter().copied().chain([("email", email)]).collect();
            shapes.push(shape(&browser.submit_to(&page, path, &values).await));
        }
        assert_eq!(shapes[0], shapes[1], "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_answer_sends_one_mail_whoever_it_is_about() {
    let app = TestApp::start().await;
    sign_up(&app, &app.browser(), KNOWN, With::App).await;
    for path in ["/sign-up", "/forgot-password"] {
        for email in [KNOWN, OTHER] {
            let sent = app.inbox.messages().len();
            let browser = app.browser();
            let page = browser.get(path).await;
            let mut values = vec![("email", email)];
            if path == "/sign-up" {
                values.push(("rules", "yes"));
            }
            browser.submit_to(&page, path, &values).await.expect_status(200);
            app.message_to(email, sent).await;
            let waiting = || app.store.read_blocking::<_, StoreError, _>(|tx| tx.outbox_length()).unwrap();
            wait_for(|| (waiting() == 0).then_some(()), "an empty outbox").await;
            assert_eq!(app.inbox.messages().len(), sent + 1, "{path} for {email}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn throttles_count_unknown_addresses_like_known_ones() {
    let app = TestApp::start().await;
    sign_up(&app, &app.browser(), KNOWN, With::App).await;
    app.clock.advance(time::Duration::minutes(5));
    for email in [KNOWN, OTHER] {
        app.clock.advance(time::Duration::minutes(2));
        let browser = app.browser();
        let mut statuses = Vec::new();
        for _ in 0..7 {
            let page = browser.get("/sign-in").await;
            let page = browser.submit(&page, &[("email", email), ("password", "not the password")]).await;
            statuses.push(page.status.as_u16());
        }
        assert_eq!(statuses, [422, 422, 422, 422, 422, 429, 429], "{email}");
    }
}
