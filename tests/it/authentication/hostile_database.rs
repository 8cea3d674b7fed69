//! Somebody who can write to the database, and has none of the keys, wants into another person's account: with their own
//! authenticator, their own password, their own address, an old link or an old session. What they write is not the person's, and
//! the log says so.

use signet::accounts::{Trouble, change_account, find_address};
use signet::storage::Transaction;
use signet::subscriber::{EmailAddress, SubscriberStatus};

use time::Duration;

use crate::support::app::TestApp;
use crate::support::browser::Page;
use crate::support::log::KeptLog;
use crate::support::people::{Device, PASSWORD, Person, With, give_password, give_second_factor, sign_up};
use crate::support::sql;

/// Ada, and Mallory, who has an account of her own and learned Ada's password.
struct Scene {
    app: TestApp,
    log: Option<KeptLog>,
    ada: Person,
    mallory: Person,
}

impl Scene {
    async fn with(ada: With, mallory: With) -> Self {
        let log = KeptLog::begin();
        let app = TestApp::start().await;
        let ada = sign_up(&app, &app.browser(), "ada@example.gov", ada).await;
        let mut mallory = sign_up(&app, &app.browser(), "mallory@example.org", mallory).await;
        mallory.email.clone_from(&ada.email);
        Self { app, log, ada, mallory }
    }

    fn run(&self, statements: &str) {
        let account = |order| format!("(SELECT id FROM subscriber ORDER BY created_at {order} LIMIT 1)");
        let statements = statements.replace("ADA", &account("ASC")).replace("MALLORY", &account("DESC"));
        sql::run(&self.app.store, &statements);
    }

    /// The log tells of the fault, and of nobody's address.
    #[track_caller]
    fn is_reported(&self, record: &str) {
        let Some(log) = &self.log else { return };
        let log = log.text();
        let line = log.lines().find(|line| line.contains("integrity_fault") && line.contains(record));
        let line = line.unwrap_or_else(|| panic!("no integrity fault about {record}"));
        assert!(line.contains("ERROR"), "{line}");
        assert!(!log.contains("example.gov") && !log.contains("example.org"), "an address is in the log");
    }
}

#[track_caller]
fn wrong(page: &Page) {
    page.expect_status(422);
}

#[tokio::test]
async fn an_app_moved_into_an_account_is_not_one_of_its_methods() {
    let mut scene = Scene::with(With::App, With::App).await;
    scene.run("UPDATE authenticator SET subscriber = ADA WHERE subscriber = MALLORY");
    let browser = scene.app.browser();
    give_password(&browser, &scene.ada.email, PASSWORD).await;
    wrong(&give_second_factor(&scene.app, &browser, &mut scene.mallory.device).await);
    scene.is_reported("authenticator");
    let page = scene.ada.sign_in(&scene.app, &scene.app.browser()).await;
    assert_eq!(page.url.path(), "/account", "{}", page.text());
    assert!(!page.text().contains("my app my app"), "{}", page.text());
}

#[tokio::test]
async fn a_passkey_moved_into_an_account_is_not_one_of_its_methods() {
    let scene = Scene::with(With::App, With::Passkey).await;
    scene.run("UPDATE authenticator SET subscriber = ADA WHERE subscriber = MALLORY");
    let browser = scene.app.browser();
    give_password(&browser, &scene.ada.email, PASSWORD).await;
    let page = browser.get("/sign-in/second-factor/webauthn?kind=passkey").await;
    assert_eq!(page.url.path(), "/sign-in/second-factor/totp", "{}", page.text());
    scene.is_reported("authenticator");
}

#[tokio::test]
async fn a_secret_copied_into_the_row_of_another_is_not_taken() {
    let mut scene = Scene::with(With::App, With::App).await;
    scene.run(
        "UPDATE authenticator SET sealed = (SELECT sealed FROM authenticator WHERE subscriber = MALLORY)
         WHERE subscriber = ADA",
    );
    let browser = scene.app.browser();
    give_password(&browser, &scene.ada.email, PASSWORD).await;
    let page = browser.get("/sign-in/second-factor/totp").await;
    // Nothing of the account is left that works.
    wrong(&page);
    scene.is_reported("authenticator");
    let Device::App(_) = &mut scene.mallory.device else { panic!("an app") };
}

#[tokio::test]
async fn every_lasting_field_of_an_authenticator_belongs_to_it() {
    let scene = Scene::with(With::App, With::Phone).await;
    let browser = scene.app.browser();
    give_password(&browser, &scene.ada.email, PASSWORD).await;
    browser.get("/sign-in/second-factor").await.expect_status(200);
    for (edit, back) in [
        ("created_at = created_at - 1", "created_at = created_at + 1"),
        ("fingerprint = NULL", "fingerprint = (SELECT fingerprint FROM kept)"),
        ("kind = 'out_of_band'", "kind = 'totp'"),
        ("id = (SELECT subscriber FROM kept)", "id = (SELECT id FROM kept)"),
        ("name_sealed = sealed", "name_sealed = (SELECT name_sealed FROM kept)"),
    ] {
        scene.run(&format!(
            "CREATE TABLE kept AS SELECT * FROM authenticator WHERE subscriber = ADA;
             UPDATE authenticator SET {edit} WHERE subscriber = ADA"
        ));
        let page = browser.get("/sign-in/second-factor").await;
        assert_eq!(page.status, 422, "{edit}: {}", page.text());
        scene.run(&format!("UPDATE authenticator SET {back} WHERE subscriber = ADA; DROP TABLE kept"));
        let page = browser.get("/sign-in/second-factor").await;
        assert_eq!(page.status, 200, "{back}: {}", page.text());
    }
    scene.is_reported("authenticator");
}

#[tokio::test]
async fn a_password_row_of_somebody_else_or_of_another_time_lets_nobody_in() {
    for edit in [
        "DELETE FROM password_credential WHERE subscriber = ADA;
         UPDATE password_credential SET subscriber = ADA WHERE subscriber = MALLORY",
        "UPDATE password_credential SET set_at = set_at - 1 WHERE subscriber = ADA",
        "UPDATE password_credential SET verifier = (SELECT verifier FROM password_credential WHERE subscriber = MALLORY)
         WHERE subscriber = ADA",
    ] {
        let scene = Scene::with(With::App, With::App).await;
        scene.run(edit);
        // Both have the same password, so it is the row alone that says no.
        wrong(&give_password(&scene.app.browser(), &scene.ada.email, PASSWORD).await);
        scene.is_reported("password");
    }
}

#[tokio::test]
async fn a_way_to_open_the_vault_that_was_exchanged_opens_nothing() {
    let mut scene = Scene::with(With::App, With::App).await;
    scene.run(
        "UPDATE vault_slot SET sealed = (SELECT sealed FROM vault_slot WHERE subscriber = MALLORY AND kind = 'password')
         WHERE subscriber = ADA AND kind = 'password'",
    );
    // The sign-in goes on; the vault stays closed.
    let browser = scene.app.browser();
    let page = scene.ada.sign_in(&scene.app, &browser).await;
    assert_eq!(page.url.path(), "/account", "{}", page.text());
    let page = browser.get("/unlock").await;
    assert_eq!(page.url.path(), "/unlock", "{}", page.text());
    scene.is_reported("slot");
}

#[tokio::test]
async fn an_account_sent_back_to_sign_up_skips_no_second_factor() {
    for authenticators_are_deleted in [false, true] {
        let scene = Scene::with(With::App, With::App).await;
        if authenticators_are_deleted {
            scene.run("DELETE FROM authenticator WHERE subscriber = ADA");
        }
        scene.run("UPDATE subscriber SET status = 'signing_up' WHERE id = ADA");
        let browser = scene.app.browser();
        wrong(&give_password(&browser, &scene.ada.email, PASSWORD).await);
        browser.get("/sign-up/methods").await;
        scene.is_reported("account");
    }
}

#[tokio::test]
async fn a_stopped_account_is_not_set_going_by_hand() {
    let scene = Scene::with(With::App, With::App).await;
    let (site, address) = (scene.app.site.clone(), EmailAddress::parse(&scene.ada.email).unwrap());
    let stop = move |tx: &mut Transaction<'_>| {
        let of = find_address(tx, &*site.keys, &address)?.unwrap().subscriber;
        change_account(tx, &site, of, |account| account.status = SubscriberStatus::Suspended)
    };
    scene.app.store.transaction::<_, Trouble, _>(stop).await.unwrap();
    let page = give_password(&scene.app.browser(), &scene.ada.email, PASSWORD).await;
    wrong(&page);
    assert!(page.text().contains("stopped") || page.text().contains("suspended"), "{}", page.text());
    scene.run("UPDATE subscriber SET status = 'active' WHERE id = ADA");
    wrong(&give_password(&scene.app.browser(), &scene.ada.email, PASSWORD).await);
    scene.is_reported("account");
}

#[tokio::test]
async fn an_address_that_was_pointed_at_another_account_finds_nobody() {
    let scene = Scene::with(With::App, With::App).await;
    scene.run(
        "CREATE TABLE kept AS SELECT * FROM email_address WHERE subscriber = MALLORY;
         DELETE FROM email_address WHERE subscriber = MALLORY;
         UPDATE email_address SET fingerprint = (SELECT fingerprint FROM kept) WHERE subscriber = ADA",
    );
    let browser = scene.app.browser();
    wrong(&give_password(&browser, "mallory@example.org", PASSWORD).await);
    scene.is_reported("address");
    let sent = scene.app.inbox.messages().len();
    let page = browser.get("/forgot-password").await;
    browser.submit(&page, &[("email", "mallory@example.org")]).await.expect_status(200);
    let mail = scene.app.message_to("mallory@example.org", sent).await;
    assert!(!mail.body.contains("/forgot-password/"), "a link was sent: {}", mail.body);
}

#[tokio::test]
async fn an_address_moved_to_another_account_finds_nobody() {
    let scene = Scene::with(With::App, With::App).await;
    scene.run("UPDATE email_address SET subscriber = ADA WHERE subscriber = MALLORY");
    wrong(&give_password(&scene.app.browser(), "mallory@example.org", PASSWORD).await);
    scene.is_reported("address");
}

/// Asks for a link to a new password.
async fn mailed_link(scene: &Scene) -> String {
    let (browser, sent) = (scene.app.browser(), scene.app.inbox.messages().len());
    let page = browser.get("/forgot-password").await;
    browser.submit(&page, &[("email", &scene.ada.email)]).await.expect_status(200);
    scene.app.link_to(&scene.ada.email, sent).await
}

#[tokio::test]
async fn a_mailed_link_that_was_prolonged_is_not_there() {
    for edit in ["expires_at = expires_at + 86400000", "made_at = made_at + 1", "expires_at = 4102444800000"] {
        let scene = Scene::with(With::App, With::App).await;
        let link = mailed_link(&scene).await;
        scene.app.browser().get(&link).await.expect_status(200);
        scene.run(&format!("UPDATE email_link SET {edit} WHERE used_at IS NULL"));
        scene.app.clock.advance(Duration::hours(23));
        wrong(&scene.app.browser().get(&link).await);
        scene.is_reported("mailed link");
        // Whoever asks for a new one gets it.
        let link = mailed_link(&scene).await;
        scene.app.browser().get(&link).await.expect_status(200);
    }
}

#[tokio::test]
async fn a_link_to_sign_up_that_was_prolonged_is_not_there() {
    let scene = Scene::with(With::App, With::App).await;
    let (browser, sent) = (scene.app.browser(), scene.app.inbox.messages().len());
    let page = browser.get("/sign-up").await;
    let fields = [("email", "carol@example.gov"), ("rules", "yes")];
    browser.submit_to(&page, "/sign-up", &fields).await.expect_status(200);
    let link = scene.app.link_to("carol@example.gov", sent).await;
    browser.get(&link).await.expect_status(200);
    scene.run("UPDATE email_link SET expires_at = expires_at + 86400000 WHERE used_at IS NULL");
    scene.app.clock.advance(Duration::hours(25));
    wrong(&browser.get(&link).await);
    scene.is_reported("mailed link");
}

#[tokio::test]
async fn a_mailed_link_that_did_its_work_does_not_do_it_again() {
    let scene = Scene::with(With::App, With::App).await;
    let link = mailed_link(&scene).await;
    let browser = scene.app.browser();
    let page = browser.get(&link).await;
    let new = "umber quartz heron lagoon";
    assert_eq!(browser.submit(&page, &[("password", new), ("again", new)]).await.url.path(), "/sign-in");
    scene.run("UPDATE email_link SET used_at = NULL");
    wrong(&scene.app.browser().get(&link).await);
    scene.is_reported("mailed link");
}

#[tokio::test]
async fn a_session_that_was_prolonged_or_given_to_another_person_is_none() {
    for edit in [
        "idle_until = absolute_until",
        "absolute_until = 4102444800000",
        "created_at = created_at + 1",
        "subscriber = MALLORY",
        "subscriber = NULL",
    ] {
        let mut scene = Scene::with(With::App, With::App).await;
        let browser = scene.app.browser();
        assert_eq!(scene.ada.sign_in(&scene.app, &browser).await.url.path(), "/account");
        scene.run(&format!("UPDATE session SET {edit} WHERE subscriber = ADA"));
        assert_eq!(browser.get("/account").await.url.path(), "/sign-in", "{edit}");
        scene.is_reported("session");
    }
}

#[tokio::test]
async fn a_session_that_was_ended_is_not_brought_back_by_hand() {
    let mut scene = Scene::with(With::App, With::App).await;
    let (here, there) = (scene.app.browser(), scene.app.browser());
    for browser in [&here, &there] {
        assert_eq!(scene.ada.sign_in(&scene.app, browser).await.url.path(), "/account");
        scene.app.clock.advance(Duration::minutes(1));
    }
    let page = here.get("/account").await;
    here.submit_to(&page, "/account/sessions/end", &[]).await.expect_status(200);
    assert_eq!(there.get("/account").await.url.path(), "/sign-in");
    // The cookie that the page above gave is another session's.
    let (again, cookie) = (scene.app.browser(), "__Host-signet");
    assert_eq!(scene.ada.sign_in(&scene.app, &again).await.url.path(), "/account");
    let ended = again.cookie(cookie).unwrap();
    let page = here.get("/account").await;
    here.submit_to(&page, "/account/sessions/end", &[]).await.expect_status(200);
    scene.run("UPDATE session SET revoked_at = NULL WHERE subscriber = ADA");
    let thief = scene.app.browser();
    thief.plant_cookie(cookie, &ended);
    assert_eq!(thief.get("/account").await.url.path(), "/sign-in");
    scene.is_reported("session");
    assert_eq!(here.get("/account").await.url.path(), "/account");
}
