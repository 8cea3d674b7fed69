//! A forgotten password: never past the second factor, and never into the vault without its key.

use time::Duration;

use crate::support::app::TestApp;
use crate::support::browser::{Browser, Page};
use crate::support::people::{Person, With, give_password, give_second_factor, sign_up};

const NEW: &str = "umber quartz heron lagoon";

/// Asks for the link and follows it to the form of the new password.
async fn follow_link(app: &TestApp, browser: &Browser, email: &str) -> Page {
    let sent = app.inbox.messages().len();
    let page = browser.get("/forgot-password").await;
    browser.submit(&page, &[("email", email)]).await.expect_status(200);
    browser.get(&app.link_to(email, sent).await).await
}

async fn reset(app: &TestApp, browser: &Browser, person: &mut Person) {
    let page = follow_link(app, browser, &person.email).await;
    let page = browser.submit(&page, &[("password", NEW), ("again", NEW)]).await;
    assert_eq!(page.url.path(), "/sign-in", "{}", page.text());
    person.password = NEW.to_owned();
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_recovery_key_the_vault_opens_again_and_the_key_is_replaced() {
    let app = TestApp::start().await;
    let mut person = sign_up(&app, &app.browser(), "ada@example.gov", With::App).await;
    app.clock.advance(Duration::minutes(20));
    let browser = app.browser();
    reset(&app, &browser, &mut person).await;
    let page = person.sign_in(&app, &browser).await;
    assert_eq!(page.url.path(), "/forgot-password/unlock", "{}", page.text());
    let sloppy = person.recovery_key.to_lowercase().replace('-', " ");
    let page = browser.submit(&page, &[("recovery_key", &sloppy)]).await;
    assert_eq!(page.url.path(), "/sign-up/recovery-key", "{}", page.text());
    let new_key = page.find("#recovery-key code").expect("a new key");
    assert_ne!(new_key, person.recovery_key);
    browser.submit_to(&page, "/sign-up/recovery-key", &[("kept", "yes")]).await.expect_status(200);

    // From now on the new password opens it by itself.
    app.clock.advance(Duration::minutes(20));
    let browser = app.browser();
    let page = person.sign_in(&app, &browser).await;
    assert_eq!(page.url.path(), "/account");
    assert_eq!(browser.get("/unlock").await.url.path(), "/account", "the vault is open already");

    // And the used recovery key opens nothing any more.
    app.clock.advance(Duration::minutes(20));
    let browser = app.browser();
    let page = follow_link(&app, &browser, &person.email).await;
    browser.submit(&page, &[("password", "heron lagoon tundra kelp"), ("again", "heron lagoon tundra kelp")]).await;
    person.password = "heron lagoon tundra kelp".to_owned();
    let page = person.sign_in(&app, &browser).await;
    browser.submit(&page, &[("recovery_key", &person.recovery_key)]).await.expect_status(422);
    let page = browser.submit(&page, &[("recovery_key", &new_key)]).await;
    assert_eq!(page.url.path(), "/sign-up/recovery-key");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_recovery_key_the_person_signs_in_and_the_vault_stays_sealed() {
    let app = TestApp::start().await;
    let mut person = sign_up(&app, &app.browser(), "ada@example.gov", With::App).await;
    app.clock.advance(Duration::minutes(20));
    let browser = app.browser();
    reset(&app, &browser, &mut person).await;
    let page = person.sign_in(&app, &browser).await;
    assert_eq!(page.url.path(), "/forgot-password/unlock");
    let other = "0000-0000-0000-0000-0000-0000-0000";
    browser.submit(&page, &[("recovery_key", other)]).await.expect_status(422);
    browser.submit(&page, &[("recovery_key", "hello")]).await.expect_status(422);
    browser.get("/account").await.expect_status(200);
    assert_eq!(browser.get("/unlock").await.url.path(), "/forgot-password/unlock");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_never_leads_past_the_second_factor() {
    let app = TestApp::start().await;
    let mut person = sign_up(&app, &app.browser(), "ada@example.gov", With::App).await;
    let browser = app.browser();
    let page = follow_link(&app, &browser, &person.email).await;
    for path in ["/account", "/sign-in/second-factor", "/forgot-password/unlock", "/sign-up/methods"] {
        assert_ne!(browser.get(path).await.url.path(), path, "{path} before the new password");
    }
    browser.submit(&page, &[("password", NEW), ("again", NEW)]).await;
    person.password = NEW.to_owned();
    assert_eq!(browser.get("/account").await.url.path(), "/sign-in");
    let page = give_password(&browser, &person.email, &person.password).await;
    assert!(page.url.path().starts_with("/sign-in/second-factor"));
    assert_eq!(browser.get("/account").await.url.path(), "/sign-in");
    give_second_factor(&app, &browser, &mut person.device).await;
    browser.get("/account").await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_ends_every_session_uses_the_link_up_and_tells_the_person() {
    let app = TestApp::start().await;
    let elsewhere = app.browser();
    let mut person = sign_up(&app, &elsewhere, "ada@example.gov", With::App).await;
    elsewhere.get("/account").await.expect_status(200);
    let browser = app.browser();
    let sent = app.inbox.messages().len();
    let page = browser.get("/forgot-password").await;
    browser.submit(&page, &[("email", &person.email)]).await;
    let link = app.link_to(&person.email, sent).await;
    let sent = app.inbox.messages().len();
    let page = browser.get(&link).await;
    let old = person.password.clone();
    browser.submit(&page, &[("password", NEW), ("again", NEW)]).await;
    person.password = NEW.to_owned();
    assert_eq!(elsewhere.get("/account").await.url.path(), "/sign-in");
    browser.get(&link).await.expect_status(422);
    let told = app.message_to(&person.email, sent).await;
    assert!(told.body.contains("was changed"), "{}", told.body);
    give_password(&browser, &person.email, &old).await.expect_status(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_of_one_purpose_serves_no_other() {
    let app = TestApp::start().await;
    let person = sign_up(&app, &app.browser(), "ada@example.gov", With::App).await;
    let browser = app.browser();
    let sent = app.inbox.messages().len();
    let page = browser.get("/forgot-password").await;
    browser.submit(&page, &[("email", &person.email)]).await;
    let link = app.link_to(&person.email, sent).await;
    let token = link.trim_start_matches("/forgot-password/");
    browser.get(&format!("/sign-up/confirm/{token}")).await.expect_status(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_link_does_nothing_after_another_did_its_work() {
    let app = TestApp::start().await;
    let person = sign_up(&app, &app.browser(), "ada@example.gov", With::App).await;
    app.clock.advance(Duration::minutes(1));
    let (first, second) = (app.browser(), app.browser());
    let older = follow_link(&app, &first, &person.email).await;
    let newer = follow_link(&app, &second, &person.email).await;
    let page = second.submit(&newer, &[("password", NEW), ("again", NEW)]).await;
    assert_eq!(page.url.path(), "/sign-in");
    let other = "walrus copper meadow thistle";
    first.submit(&older, &[("password", other), ("again", other)]).await.expect_status(422);
    give_password(&app.browser(), &person.email, NEW).await.expect_status(200);
}

/// In whichever state the browser's own session of this account is, it ends with all the others.
#[tokio::test(flavor = "multi_thread")]
async fn a_reset_works_in_a_browser_that_is_signed_in_or_halfway() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let mut person = sign_up(&app, &browser, "ada@example.gov", With::App).await;
    browser.get("/account").await.expect_words("ada@example.gov");
    reset(&app, &browser, &mut person).await;
    assert_eq!(browser.get("/account").await.url.path(), "/sign-in", "that session has ended");
    assert_eq!(give_password(&browser, &person.email, NEW).await.url.path(), "/sign-in/second-factor/totp");

    // With the password given and the second factor still to come.
    let page = follow_link(&app, &browser, &person.email).await;
    let again = "heron lagoon tundra kelp";
    let page = browser.submit(&page, &[("password", again), ("again", again)]).await;
    assert_eq!(page.url.path(), "/sign-in", "{}", page.text());
    browser.get("/account").await;
    give_password(&app.browser(), &person.email, NEW).await.expect_status(422);
}
