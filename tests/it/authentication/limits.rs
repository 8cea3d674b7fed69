//! How often things may be tried and sent, from where, and who pays for it.

use reqwest::Method;
use signet::authentication::network::Network;
use signet::services::argon2_gate::Standing;
use signet::settings::LimitSettings;
use time::Duration;

use crate::support::app::{TestApp, Wishes, wait_for};
use crate::support::browser::{Browser, Page};
use crate::support::people::{PASSWORD, With, give_password, sign_up};

const EMAIL: &str = "ada@example.gov";

async fn start() -> TestApp {
    TestApp::start_with(Wishes { proxies: 1, ..Wishes::default() }).await
}

/// Posts a form of ours from an address, as the proxy in front tells it. No redirect is followed.
async fn post_from(browser: &Browser, address: &str, path: &str, fields: &[(&str, &str)]) -> Page {
    let page = browser.once_with(Method::GET, path, None, &[]).await;
    let csrf = page.attribute("meta[name=csrf]", "content").unwrap_or_default();
    let fields: Vec<(&str, &str)> = fields.iter().copied().chain([("csrf", csrf.as_str())]).collect();
    browser.once_with(Method::POST, path, Some(&fields), &[("X-Forwarded-For", address)]).await
}

/// Tries a password from an address.
pub(super) async fn guess(browser: &Browser, email: &str, password: &str, address: &str) -> Page {
    post_from(browser, address, "/sign-in", &[("email", email), ("password", password)]).await
}

/// A stranger tries a hundred wrong passwords, from so many networks that no other limit is in the way.
pub(super) async fn hundred_wrong(app: &TestApp, email: &str) {
    let stranger = app.browser();
    for n in 0..100 {
        guess(&stranger, email, "wrong wrong wrong", &format!("203.0.{}.9", n / 5)).await.expect_status(422);
    }
    // What is counted by the minute is over for whoever comes next.
    app.clock.advance(Duration::minutes(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn right_passwords_from_one_network_use_nothing_up() {
    let app = start().await;
    for email in [EMAIL, "ben@example.gov", "cem@example.gov"] {
        sign_up(&app, &app.browser(), email, With::App).await;
    }
    app.clock.advance(Duration::hours(1));
    for round in 0..8 {
        for email in [EMAIL, "ben@example.gov", "cem@example.gov"] {
            let page = guess(&app.browser(), email, PASSWORD, "198.51.100.1").await;
            page.expect_status(303);
            assert_eq!(page.headers["location"], "/sign-in/second-factor", "round {round}");
        }
    }
    // What is wrong counts, at once and at the limit.
    for n in 0..20 {
        guess(&app.browser(), &format!("x{n}@example.gov"), PASSWORD, "198.51.100.1").await.expect_status(422);
    }
    guess(&app.browser(), EMAIL, PASSWORD, "198.51.100.1").await.expect_status(429);
    guess(&app.browser(), EMAIL, PASSWORD, "198.51.100.2").await.expect_status(303);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_tries_at_once_no_more_are_judged_than_the_limit_says() {
    let app = start().await;
    sign_up(&app, &app.browser(), EMAIL, With::App).await;
    app.clock.advance(Duration::hours(1));
    let tries = (0..12).map(|_| {
        let browser = app.browser();
        tokio::spawn(async move { guess(&browser, EMAIL, "wrong", "198.51.100.1").await.status.as_u16() })
    });
    let mut statuses = Vec::new();
    for one in tries.collect::<Vec<_>>() {
        statuses.push(one.await.expect("it ends"));
    }
    let judged = statuses.iter().filter(|status| **status == 422).count();
    // Some may have found no place in the queue, and count nowhere.
    assert!(judged <= 5, "{statuses:?}");
    assert!(statuses.iter().all(|status| [422, 429, 503].contains(status)), "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hundredth_wrong_password_is_the_last_that_is_judged_however_many_come_at_once() {
    let app = start().await;
    sign_up(&app, &app.browser(), EMAIL, With::App).await;
    app.clock.advance(Duration::hours(1));
    let sent = app.inbox.messages().len();
    let stranger = app.browser();
    for n in 0..95_u32 {
        guess(&stranger, EMAIL, "wrong", &format!("203.0.{}.9", n / 5)).await.expect_status(422);
    }
    let tries: Vec<_> = (0..10)
        .map(|n| {
            let browser = app.browser();
            tokio::spawn(async move { guess(&browser, EMAIL, "wrong", &format!("198.51.{n}.1")).await })
        })
        .collect();
    for one in tries {
        one.await.expect("it ends").expect_status(422);
    }
    assert!(app.message_to(EMAIL, sent).await.body.contains("hundred wrong passwords"));
    assert_eq!(app.count("throttle", "tries = 100"), 1);
    assert_eq!(app.count("throttle", "tries > 100"), 0, "none was counted after the hundredth");
    guess(&stranger, EMAIL, PASSWORD, "198.51.77.1").await.expect_status(422);
    assert_eq!(app.count("history", "kind = 'password_ended'"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_with_many_ipv6_networks_is_one_with_four_times_as_much() {
    let app = start().await;
    let mut statuses = Vec::new();
    for n in 0..82 {
        // A fresh /64 and a fresh /56 each time, all of one /48.
        let (email, from) = (format!("x{n}@example.gov"), format!("2001:db8:7:{n:x}00::1"));
        statuses.push(guess(&app.browser(), &email, "wrong", &from).await.status.as_u16());
    }
    assert_eq!(statuses.iter().position(|status| *status == 429), Some(80), "{statuses:?}");
    guess(&app.browser(), "y@example.gov", "wrong", "2001:db8:8::1").await.expect_status(422);
    // Forty for a /56.
    let mut statuses = Vec::new();
    for n in 0..42 {
        let (email, from) = (format!("z{n}@example.gov"), format!("2001:db8:9:{n:x}::1"));
        statuses.push(guess(&app.browser(), &email, "wrong", &from).await.status.as_u16());
    }
    assert_eq!(statuses.iter().position(|status| *status == 429), Some(40), "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sets_how_many() {
    let limits = LimitSettings {
        wrong_passwords_per_network_per_minute: 3,
        sign_up_mails_per_address_per_hour: 2,
        ..LimitSettings::default()
    };
    let app = TestApp::start_with(Wishes { proxies: 1, limits, ..Wishes::default() }).await;
    for n in 0..3 {
        guess(&app.browser(), &format!("x{n}@example.gov"), "wrong", "198.51.100.1").await.expect_status(422);
    }
    let refused = guess(&app.browser(), "y@example.gov", "wrong", "198.51.100.1").await;
    refused.expect_status(429);
    assert!(refused.headers.contains_key("retry-after"));
    let fields = [("email", EMAIL), ("rules", "yes")];
    for _ in 0..2 {
        post_from(&app.browser(), "198.51.100.1", "/sign-up", &fields).await.expect_status(200);
    }
    post_from(&app.browser(), "198.51.100.1", "/sign-up", &fields).await.expect_status(429);
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_for_signing_up_use_up_none_for_a_forgotten_password_and_the_owner_has_some_of_their_own() {
    let app = start().await;
    let own = app.browser();
    sign_up(&app, &own, EMAIL, With::App).await;
    app.clock.advance(Duration::hours(1));
    for n in 0..20 {
        let from = format!("203.0.113.{n}");
        post_from(&app.browser(), &from, "/sign-up", &[("email", EMAIL), ("rules", "yes")]).await;
    }
    let elsewhere = || app.browser();
    post_from(&elsewhere(), "198.51.100.1", "/forgot-password", &[("email", EMAIL)]).await.expect_status(200);
    for n in 0..20 {
        post_from(&app.browser(), &format!("203.0.113.{n}"), "/forgot-password", &[("email", EMAIL)]).await;
    }
    post_from(&elsewhere(), "198.51.100.1", "/forgot-password", &[("email", EMAIL)]).await.expect_status(429);
    // Nor can a stranger in the same network use up what its own browser has.
    for n in 0..20 {
        let email = format!("x{n}@example.gov");
        post_from(&app.browser(), "198.51.100.1", "/forgot-password", &[("email", &email)]).await;
    }
    let sent = app.inbox.messages().len();
    post_from(&own, "198.51.100.1", "/forgot-password", &[("email", EMAIL)]).await.expect_status(200);
    app.link_to(EMAIL, sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_place_in_the_queue_nothing_is_counted_and_known_browsers_have_places_of_their_own() {
    let app = start().await;
    let own = app.browser();
    sign_up(&app, &own, EMAIL, With::App).await;
    app.clock.advance(Duration::hours(1));
    let network = |n: usize| Network::of(format!("10.{}.{}.1", n / 200, n % 200).parse().expect("an address"));
    let taken: Vec<_> = (0..1000).filter_map(|n| app.site.gate.enter(&network(n), Standing::Stranger).ok()).collect();
    let before = app.count("throttle", "1 = 1");
    let busy = guess(&app.browser(), EMAIL, PASSWORD, "198.51.100.1").await;
    busy.expect_status(503).expect_words("Many people are signing in");
    assert!(busy.headers.contains_key("retry-after"));
    assert_eq!(app.count("throttle", "1 = 1"), before);
    guess(&own, EMAIL, PASSWORD, "198.51.100.1").await.expect_status(303);
    drop(taken);
    guess(&app.browser(), EMAIL, PASSWORD, "198.51.100.1").await.expect_status(303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_changed_while_signed_in_begins_with_no_wrong_tries() {
    const NEW: &str = "umber quartz heron lagoon";
    let app = start().await;
    let own = app.browser();
    sign_up(&app, &own, EMAIL, With::App).await;
    hundred_wrong(&app, EMAIL).await;
    let page = own.get("/account/password").await;
    let page = own.submit(&page, &[("password", NEW), ("again", NEW)]).await;
    assert_eq!(page.url.path(), "/account", "{}", page.text());
    assert_eq!(give_password(&app.browser(), EMAIL, NEW).await.url.path(), "/sign-in/second-factor/totp");
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_at_the_vault_are_counted_with_those_at_the_sign_in_and_an_ended_one_is_refused_there_too() {
    let app = start().await;
    let own = app.browser();
    sign_up(&app, &own, EMAIL, With::App).await;
    // As a browser that keeps its session and is not known.
    let session = own.cookie(signet::authentication::session::COOKIE).expect("a session");
    own.forget();
    own.plant_cookie(signet::authentication::session::COOKIE, &session);
    let stranger = app.browser();
    for n in 0..95_u32 {
        guess(&stranger, EMAIL, "wrong", &format!("203.0.{}.9", n / 5)).await.expect_status(422);
    }
    let csrf = own.get("/account").await.attribute("meta[name=csrf]", "content").expect("a token");
    let unlock = async |password: &str| own.post("/unlock", &[("csrf", &csrf), ("password", password)]).await;
    for _ in 0..5 {
        unlock("wrong wrong wrong").await.expect_status(422).expect_words("That does not open it");
    }
    unlock(PASSWORD).await.expect_status(429);
    app.clock.advance(Duration::minutes(14));
    own.get("/account").await.expect_status(200);
    app.clock.advance(Duration::minutes(2));
    unlock(PASSWORD).await.expect_status(422).expect_words("no password is accepted any more");
    give_password(&app.browser(), EMAIL, PASSWORD).await.expect_status(422);
    wait_for(|| (app.count("history", "kind = 'password_ended'") == 1).then_some(()), "the notice").await;
}
