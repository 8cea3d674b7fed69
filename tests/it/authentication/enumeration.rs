//! A stranger learns from no answer whether an address has an account.

use std::collections::BTreeMap;

use signet::accounts::{Trouble, change_account, find_address};
use signet::storage::StoreError;
use signet::subscriber::{EmailAddress, SubscriberStatus};
use time::Duration;

use crate::support::app::{TestApp, wait_for};
use crate::support::browser::Page;
use crate::support::people::{PASSWORD, With, give_password, sign_up, up_to_methods};
use crate::support::statements;

const KNOWN: &str = "known@example.gov";
const OTHER: &str = "other@example.gov";

/// One address for each thing that an account can be; all are of one length, as is what stands for them in a page.
const EVERYBODY: [&str; 6] = [OTHER, KNOWN, LOCKED, ENDED, STOPPED, HALFWAY];
const LOCKED: &str = "lockd@example.gov";
const ENDED: &str = "ended@example.gov";
const STOPPED: &str = "stopd@example.gov";
const HALFWAY: &str = "halfw@example.gov";

/// What a stranger can compare, octet for octet, but for what is random in any answer; and what was done for it.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    status: u16,
    headers: Vec<String>,
    body: String,
    statements: BTreeMap<String, usize>,
    mails: i64,
}

fn seen(app: &TestApp, page: &Page, email: &str, mails_before: i64) -> Seen {
    let token = page.attribute("meta[name=csrf]", "content").unwrap_or_default();
    assert!(!token.is_empty(), "every page has the token of its session");
    let headers = page.headers.iter().filter(|(name, _)| *name != "date").map(|(name, value)| {
        let value = value.to_str().expect("text");
        // The secret of a cookie is random; its length and everything behind it are not.
        match value.split_once('=').filter(|_| name == "set-cookie") {
            Some((cookie, rest)) => {
                let (secret, attributes) = rest.split_once(';').expect("attributes");
                format!("{name}: {cookie}={};{attributes}", secret.len())
            }
            None => format!("{name}: {value}"),
        }
    });
    let mut headers: Vec<String> = headers.collect();
    headers.sort();
    Seen {
        status: page.status.as_u16(),
        headers,
        body: page.body.replace(&token, &"t".repeat(token.len())).replace(email, &"e".repeat(email.len())),
        statements: statements::taken(&app.store),
        mails: app.count("outbox", "kind = 'mail'") - mails_before,
    }
}

/// Somebody of each kind; nobody has the address of [`OTHER`].
async fn everybody() -> TestApp {
    statements::listen();
    let app = TestApp::start().await;
    for email in [KNOWN, LOCKED, ENDED, STOPPED] {
        sign_up(&app, &app.browser(), email, With::App).await;
        app.clock.advance(Duration::minutes(2));
    }
    up_to_methods(&app, &app.browser(), HALFWAY).await;
    let browser = app.browser();
    give_password(&browser, LOCKED, PASSWORD).await;
    for _ in 0..10 {
        let page = browser.get("/sign-in/second-factor/totp").await;
        browser.submit(&page, &[("code", "000000")]).await.expect_status(422);
    }
    let site = app.site.clone();
    app.store
        .transaction::<_, Trouble, _>(move |tx| {
            for (email, status) in [(ENDED, SubscriberStatus::Ended), (STOPPED, SubscriberStatus::Suspended)] {
                let address = EmailAddress::parse(email).expect("an address");
                let of = find_address(tx, &*site.keys, &address)?.expect("somebody's").subscriber;
                change_account(tx, &site, of, |account| account.status = status)?;
            }
            Ok(())
        })
        .await
        .expect("it is written");
    wait_for(|| (app.count("outbox", "finished_at IS NULL") == 0).then_some(()), "an empty outbox").await;
    app
}

/// Sends the form of a page for an address, as a stranger who was never here.
async fn ask(app: &TestApp, path: &str, fields: &[(&str, &str)], email: &str) -> Seen {
    // Past every throttle: what those answer has a test of its own.
    app.clock.advance(Duration::minutes(2));
    let browser = app.browser();
    let page = browser.get(path).await;
    let values: Vec<(&str, &str)> = fields.iter().copied().chain([("email", email)]).collect();
    let before = app.count("outbox", "kind = 'mail'");
    statements::taken(&app.store);
    let page = browser.submit_to(&page, path, &values).await;
    seen(app, &page, email, before)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_the_same_octets_and_the_same_work_whatever_the_account_is() {
    let app = everybody().await;
    for (path, fields) in [
        ("/sign-up", vec![("rules", "yes")]),
        ("/sign-in", vec![("password", "not the password")]),
        ("/forgot-password", vec![]),
    ] {
        let of_nobody = ask(&app, path, &fields, EVERYBODY[0]).await;
        assert!(of_nobody.statements.len() > 5, "it was listened to: {:?}", of_nobody.statements);
        for email in &EVERYBODY[1..] {
            assert_eq!(ask(&app, path, &fields, email).await, of_nobody, "{path} for {email}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_account_is_nobodys_even_with_its_right_password() {
    let app = everybody().await;
    let wrong = ask(&app, "/sign-in", &[("password", "not the password")], OTHER).await;
    let ended = ask(&app, "/sign-in", &[("password", PASSWORD)], ENDED).await;
    assert_eq!((ended.status, ended.headers, ended.body), (wrong.status, wrong.headers, wrong.body));
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
    app.clock.advance(Duration::minutes(5));
    for email in [KNOWN, OTHER] {
        app.clock.advance(Duration::minutes(2));
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
