//! The first factor.

use time::Duration;

use crate::support::app::TestApp;
use crate::support::people::{With, give_password, sign_up};

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_again_with_each_kind_of_second_factor() {
    let app = TestApp::start().await;
    for (email, with) in
        [("app@example.gov", With::App), ("key@example.gov", With::Passkey), ("phone@example.gov", With::Phone)]
    {
        let mut person = sign_up(&app, &app.browser(), email, with).await;
        app.clock.advance(Duration::minutes(10));
        let browser = app.browser();
        let page = person.sign_in(&app, &browser).await;
        assert_eq!(page.url.path(), "/account");
        page.expect_words(email);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_alone_opens_no_page_of_the_account() {
    let app = TestApp::start().await;
    let person = sign_up(&app, &app.browser(), "ada@example.gov", With::App).await;
    let browser = app.browser();
    give_password(&browser, &person.email, &person.password).await;
    for path in
        ["/account", "/account/email", "/account/methods", "/account/services", "/account/methods/add", "/unlock"]
    {
        let page = browser.get(path).await;
        assert_eq!(page.url.path(), "/sign-in", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_refused() {
    let app = TestApp::start().await;
    let person = sign_up(&app, &app.browser(), "ada@example.gov", With::App).await;
    let browser = app.browser();
    give_password(&browser, &person.email, "pelican fjord umber quart").await.expect_status(422);
    let page = give_password(&browser, &person.email.to_uppercase(), &person.password).await;
    assert!(page.url.path().starts_with("/sign-in/second-factor"), "case of the address does not matter");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sixth_try_in_a_minute_is_refused_even_after_a_restart() {
    let app = TestApp::start().await;
    let person = sign_up(&app, &app.browser(), "ada@example.gov", With::App).await;
    app.clock.advance(Duration::minutes(2));
    let browser = app.browser();
    for _ in 0..5 {
        give_password(&browser, &person.email, "wrong wrong wrong").await.expect_status(422);
    }
    let app = app.restart().await;
    give_password(&browser, &person.email, &person.password).await.expect_status(429);
    app.clock.advance(Duration::minutes(1));
    let page = give_password(&browser, &person.email, &person.password).await;
    assert!(page.url.path().starts_with("/sign-in/second-factor"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_wrong_passwords_in_a_row_end_the_password_until_a_link_chooses_another() {
    let app = TestApp::start().await;
    let person = sign_up(&app, &app.browser(), "ada@example.gov", With::App).await;
    let browser = app.browser();
    for _ in 0..100 {
        // Slowly enough for every throttle.
        app.clock.advance(Duration::minutes(15));
        let page = browser.get("/sign-in").await;
        browser.submit(&page, &[("email", &person.email), ("password", "wrong wrong wrong")]).await.expect_status(422);
    }
    app.clock.advance(Duration::hours(1));
    give_password(&browser, &person.email, &person.password).await.expect_status(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_session_or_site_is_refused_and_changes_nothing() {
    let app = TestApp::start().await;
    let person = sign_up(&app, &app.browser(), "ada@example.gov", With::App).await;
    let (mine, other) = (app.browser(), app.browser());
    mine.get("/sign-in").await;
    let foreign = other.get("/sign-in").await.form_with(&["email"]);
    let values = [("email", person.email.as_str()), ("password", person.password.as_str())];
    let refused = mine.submit_form(&foreign.with(&values)).await;
    refused.expect_status(422).expect_words("What you sent last was not used").expect_words("Sign in");
    assert_eq!(refused.form_with(&["email"]).value("email"), Some(person.email.as_str()), "what was typed stays");
    assert!(mine.get("/account").await.url.path() == "/sign-in");
    mine.post("/sign-in", &[("email", &person.email), ("password", &person.password)]).await;
    assert_ne!(mine.get("/sign-in/second-factor").await.url.path(), "/sign-in/second-factor/totp");
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_tries_do_not_keep_the_person_out_for_longer() {
    let app = TestApp::start().await;
    let person = sign_up(&app, &app.browser(), "ada@example.gov", With::App).await;
    let stranger = app.browser();
    let page = stranger.get("/sign-in").await;
    for _ in 0..60 {
        stranger.submit(&page, &[("email", &person.email), ("password", "wrong wrong wrong")]).await;
    }
    app.clock.advance(Duration::minutes(2));
    give_password(&app.browser(), &person.email, &person.password).await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_are_counted_by_account_whichever_of_its_addresses_they_are_for() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let person = sign_up(&app, &browser, "ada@example.gov", With::App).await;
    let sent = app.inbox.messages().len();
    let page = browser.get("/account/email").await;
    browser.submit_to(&page, "/account/email/add", &[("email", "ada@home.example")]).await.expect_status(200);
    let link = app.link_to("ada@home.example", sent).await;
    let page = browser.get(&link).await;
    browser.submit_to(&page, &link, &[]).await.expect_words("ada@home.example");

    let stranger = app.browser();
    for tried in 0..100 {
        // Slowly enough for every throttle, and never a hundred at one of them.
        app.clock.advance(Duration::minutes(15));
        let email = if tried % 2 == 0 { "ada@home.example" } else { person.email.as_str() };
        give_password(&stranger, email, "wrong wrong wrong").await.expect_status(422);
    }
    app.clock.advance(Duration::hours(1));
    for email in ["ada@home.example", person.email.as_str()] {
        give_password(&app.browser(), email, &person.password).await.expect_status(422);
    }
}
