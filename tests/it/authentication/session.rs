//! Sessions.

use signet::cli::{CommandOutcome, account};
use time::Duration;

use crate::support::app::TestApp;
use crate::support::people::{With, give_password, give_second_factor, sign_up};

const COOKIE: &str = "__Host-signet";

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_is_renewed_at_each_rise_and_the_old_one_opens_nothing() {
    let app = TestApp::start().await;
    let mut person = sign_up(&app, &app.browser(), "ada@example.gov", With::App).await;
    let browser = app.browser();
    browser.get("/sign-in").await;
    let visitor = browser.cookie(COOKIE).unwrap();
    give_password(&browser, &person.email, &person.password).await;
    let proved = browser.cookie(COOKIE).unwrap();
    give_second_factor(&app, &browser, &mut person.device).await;
    let signed_in = browser.cookie(COOKIE).unwrap();
    assert!(visitor != proved && proved != signed_in);
    for old in [visitor, proved] {
        let thief = app.browser();
        thief.plant_cookie(COOKIE, &old);
        assert_eq!(thief.get("/account").await.url.path(), "/sign-in");
        assert_ne!(thief.get("/sign-in/second-factor/totp").await.url.path(), "/sign-in/second-factor/totp");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planted_cookie_is_of_no_use_after_signing_in() {
    let app = TestApp::start().await;
    let mut person = sign_up(&app, &app.browser(), "ada@example.gov", With::App).await;
    let attacker = app.browser();
    attacker.get("/sign-in").await;
    let planted = attacker.cookie(COOKIE).unwrap();
    let victim = app.browser();
    victim.plant_cookie(COOKIE, &planted);
    person.sign_in(&app, &victim).await;
    victim.get("/account").await.expect_status(200);
    assert_eq!(attacker.get("/account").await.url.path(), "/sign-in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_when_idle_and_after_twelve_hours() {
    let app = TestApp::start().await;
    let browser = app.browser();
    sign_up(&app, &browser, "ada@example.gov", With::App).await;
    app.clock.advance(Duration::minutes(14));
    browser.get("/account").await.expect_status(200);
    app.clock.advance(Duration::minutes(14));
    let page = browser.get("/account").await;
    assert_eq!(page.url.path(), "/account", "a page that changes nothing keeps the session alive");
    app.clock.advance(Duration::minutes(15));
    assert_eq!(browser.get("/account").await.url.path(), "/sign-in");

    let browser = app.browser();
    sign_up(&app, &browser, "ben@example.gov", With::App).await;
    let mut hours = Duration::ZERO;
    while hours < Duration::hours(12) {
        assert_eq!(browser.get("/account").await.url.path(), "/account");
        app.clock.advance(Duration::minutes(10));
        hours += Duration::minutes(10);
    }
    assert_eq!(browser.get("/account").await.url.path(), "/sign-in");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_the_session_on_the_server() {
    let app = TestApp::start().await;
    let browser = app.browser();
    sign_up(&app, &browser, "ada@example.gov", With::App).await;
    let cookie = browser.cookie(COOKIE).unwrap();
    let page = browser.get("/account").await;
    browser.submit_to(&page, "/account/sign-out", &[]).await.expect_status(200);
    assert_ne!(browser.cookie(COOKIE).unwrap(), cookie);
    let thief = app.browser();
    thief.plant_cookie(COOKIE, &cookie);
    assert_eq!(thief.get("/account").await.url.path(), "/sign-in");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_other_sessions_can_be_ended() {
    let app = TestApp::start().await;
    let here = app.browser();
    let mut person = sign_up(&app, &here, "ada@example.gov", With::App).await;
    let elsewhere = app.browser();
    person.sign_in(&app, &elsewhere).await;
    let page = here.get("/account").await;
    here.submit_to(&page, "/account/sessions/end", &[]).await.expect_status(200);
    here.get("/account").await.expect_status(200);
    assert_eq!(here.get("/account").await.url.path(), "/account");
    assert_eq!(elsewhere.get("/account").await.url.path(), "/sign-in");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_ends_all_sessions_of_an_address_and_the_person_reads_of_it() {
    let app = TestApp::start().await;
    let (here, there, others) = (app.browser(), app.browser(), app.browser());
    let mut person = sign_up(&app, &here, "ada@example.gov", With::App).await;
    person.sign_in(&app, &there).await;
    sign_up(&app, &others, "ben@example.gov", With::App).await;
    let end = |typed: &str| {
        let mut said = Vec::new();
        let ended = account::end_sessions(&app.site, typed, &mut said);
        (ended.map_err(|fault| fault.to_string()), String::from_utf8(said).unwrap())
    };
    let (ended, said) = tokio::task::block_in_place(|| end("Ada@Example.GOV\n"));
    assert_eq!(ended, Ok(CommandOutcome::Done));
    assert!(said.starts_with("sessions ended: 2;"), "{said}");
    for browser in [&here, &there] {
        assert_eq!(browser.get("/account").await.url.path(), "/sign-in");
    }
    assert_eq!(others.get("/account").await.url.path(), "/account");
    app.clock.advance(Duration::minutes(1));
    person.sign_in(&app, &here).await;
    here.get("/account").await.expect_words("We signed you out everywhere");

    let (ended, said) = tokio::task::block_in_place(|| end("nobody@example.gov"));
    assert_eq!((ended, &*said), (Ok(CommandOutcome::Findings), "nobody has this address\n"));
    let (ended, _) = tokio::task::block_in_place(|| end("ada"));
    assert!(ended.is_err_and(|fault| !fault.contains("ada")), "an error repeats nothing personal");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_outlives_a_restart() {
    let app = TestApp::start().await;
    let browser = app.browser();
    sign_up(&app, &browser, "ada@example.gov", With::App).await;
    let app = app.restart().await;
    assert_eq!(browser.get("/account").await.url.path(), "/account");
    drop(app);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_alone_moves_no_end_of_a_session() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let mut person = sign_up(&app, &browser, "ada@example.gov", With::App).await;
    let mut hours = 0;
    while hours < 11 {
        for _ in 0..6 {
            app.clock.advance(Duration::minutes(10));
            browser.get("/account").await;
        }
        hours += 1;
    }
    // The same person shows the password again; what was proved before still stands, and so does when it ends.
    let page = browser.get("/sign-in?again=yes").await;
    let values = [("email", person.email.as_str()), ("password", person.password.as_str())];
    let page = browser.submit(&page, &values).await;
    assert!(page.url.path().starts_with("/sign-in/second-factor"), "{}", page.url);
    for _ in 0..6 {
        app.clock.advance(Duration::minutes(10));
        browser.get("/sign-in/second-factor").await;
    }
    let page = browser.get("/sign-in/second-factor").await;
    assert_eq!(page.url.path(), "/sign-in", "twelve hours after both factors it is over");

    // Both factors together begin a session anew.
    person.sign_in(&app, &browser).await;
    for _ in 0..6 {
        app.clock.advance(Duration::minutes(10));
        assert_eq!(browser.get("/account").await.url.path(), "/account");
    }
}
