//! The person's own pages.

mod standing;

use signet::clock::Clock as _;
use time::Duration;

use crate::support::app::TestApp;
use crate::support::people::{With, give_password, secret_of, set_up, sign_up};

#[tokio::test(flavor = "multi_thread")]
async fn methods_are_added_renamed_and_removed_and_each_change_is_told() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let person = sign_up(&app, &browser, "ada@example.gov", With::App).await;
    let sent = app.inbox.messages().len();
    set_up(&app, &browser, "/account/methods/add", With::Passkey).await;
    assert!(app.message_to(&person.email, sent).await.body.contains("was added"));
    let page = browser.get("/account/methods").await;
    page.expect_words("my laptop").expect_words("my app");

    let form = page.forms().into_iter().find(|form| form.value("name") == Some("my laptop")).expect("a form");
    let page = browser.submit_form(&form.with(&[("name", "  the  old\nlaptop ")])).await;
    page.expect_words("the old laptop");

    let sent = app.inbox.messages().len();
    let page = browser.get("/account/methods").await;
    browser.submit_to(&page, "/account/methods/remove", &[]).await.expect_status(200);
    assert!(app.message_to(&person.email, sent).await.body.contains("was removed"));
    let page = browser.get("/account/methods").await;
    assert!(!page.text().contains("my app"), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_method_cannot_be_removed() {
    let app = TestApp::start().await;
    let browser = app.browser();
    sign_up(&app, &browser, "ada@example.gov", With::App).await;
    let page = browser.get("/account/methods").await;
    let rename = page.forms().into_iter().find(|form| form.action.path().ends_with("/rename")).expect("a form");
    let (id, csrf) = (rename.value("id").unwrap(), rename.value("csrf").unwrap());
    let refused = browser.post("/account/methods/remove", &[("id", id), ("csrf", csrf)]).await;
    refused.expect_status(422);
    browser.get("/account/methods").await.expect_words("my app");
}

#[tokio::test(flavor = "multi_thread")]
async fn anothers_methods_and_addresses_cannot_be_touched() {
    let app = TestApp::start().await;
    let (ada, ben) = (app.browser(), app.browser());
    sign_up(&app, &ada, "ada@example.gov", With::App).await;
    app.clock.advance(Duration::minutes(1));
    sign_up(&app, &ben, "ben@example.gov", With::App).await;
    let id = |page: &crate::support::browser::Page| {
        page.forms().iter().find_map(|form| form.value("id").map(str::to_owned)).expect("an id")
    };
    let theirs = id(&ada.get("/account/methods").await);
    let csrf = ben.get("/account/methods").await.attribute("meta[name=csrf]", "content").unwrap();
    for path in ["/account/methods/rename", "/account/methods/remove"] {
        let refused = ben.post(path, &[("id", &theirs), ("csrf", &csrf), ("name", "mine")]).await;
        refused.expect_status(404);
    }
    ada.get("/account/methods").await.expect_words("my app");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_added_by_its_link_and_every_address_is_told() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let person = sign_up(&app, &browser, "ada@example.gov", With::App).await;
    let sent = app.inbox.messages().len();
    let page = browser.get("/account/email").await;
    browser.submit_to(&page, "/account/email/add", &[("email", "ada@home.example")]).await.expect_status(200);
    let link = app.link_to("ada@home.example", sent).await;
    // Only where its person is signed in.
    assert_eq!(app.browser().get(&link).await.url.path(), "/sign-in");
    let sent = app.inbox.messages().len();
    // Opening it asks, and adds nothing: programs that look at mails may open it as well.
    for _ in 0..2 {
        browser.get(&link).await.expect_status(200).expect_words("Add this e-mail address?");
    }
    assert!(!browser.get("/account").await.text().contains("ada@home.example"));
    let page = browser.get(&link).await;
    browser.submit_to(&page, &link, &[]).await.expect_words("ada@home.example");
    app.message_to(&person.email, sent).await;
    app.message_to("ada@home.example", sent).await;
    browser.get(&link).await.expect_status(422);

    // Removing one tells both, the removed one too; and the last one stays.
    let sent = app.inbox.messages().len();
    let page = browser.get("/account/email").await;
    browser.submit_to(&page, "/account/email/remove", &[]).await.expect_status(200);
    app.message_to(&person.email, sent).await;
    app.message_to("ada@home.example", sent).await;
    let page = browser.get("/account/email").await;
    assert!(page.forms().iter().all(|form| !form.action.path().ends_with("/remove")), "{}", page.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_twelve_addresses_at_most_however_many_are_confirmed_at_once() {
    let app = TestApp::start().await;
    let browser = app.browser();
    sign_up(&app, &browser, "ada@example.gov", With::App).await;
    let mut links = Vec::new();
    for number in 0..16 {
        let sent = app.inbox.messages().len();
        let page = browser.get("/account/email").await;
        let email = format!("ada{number}@home.example");
        browser.submit_to(&page, "/account/email/add", &[("email", &email)]).await.expect_status(200);
        links.push(app.link_to(&email, sent).await);
    }
    let csrf = browser.get("/account/email").await.attribute("meta[name=csrf]", "content").expect("a token");
    let confirmed: Vec<_> = links
        .into_iter()
        .map(|link| {
            let (browser, csrf) = (browser.clone(), csrf.clone());
            tokio::spawn(async move {
                let page = browser.post(&link, &[("csrf", &csrf)]).await;
                let full = page.text().contains("at most twelve e-mail addresses");
                (page.status.as_u16(), full)
            })
        })
        .collect();
    let mut full = 0;
    for one in confirmed {
        let (status, is_full) = one.await.expect("it ends");
        assert_eq!(status, if is_full { 422 } else { 200 });
        full += usize::from(is_full);
    }
    assert_eq!((full, app.count("email_address", "1 = 1")), (5, 12));
    // Nor is a link sent for a thirteenth.
    let page = browser.get("/account/email").await;
    let page = browser.submit_to(&page, "/account/email/add", &[("email", "more@home.example")]).await;
    page.expect_status(422).expect_words("at most twelve");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_another_account_is_not_added_and_the_asker_learns_nothing() {
    let app = TestApp::start().await;
    sign_up(&app, &app.browser(), "ada@example.gov", With::App).await;
    app.clock.advance(Duration::minutes(1));
    let browser = app.browser();
    sign_up(&app, &browser, "ben@example.gov", With::App).await;
    let sent = app.inbox.messages().len();
    let page = browser.get("/account/email").await;
    let known = browser.submit_to(&page, "/account/email/add", &[("email", "ada@example.gov")]).await;
    let told = app.message_to("ada@example.gov", sent).await;
    assert!(!told.body.contains("/account/email/confirm/"), "{}", told.body);
    let unknown = browser.submit_to(&page, "/account/email/add", &[("email", "new@example.gov")]).await;
    assert_eq!(known.text().replace("ada@", "new@"), unknown.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_asks_again_who_it_is_after_twenty_minutes() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let mut person = sign_up(&app, &browser, "ada@example.gov", With::App).await;
    for _ in 0..3 {
        app.clock.advance(Duration::minutes(10));
        browser.get("/account").await.expect_status(200);
    }
    let page = browser.get("/account/methods/add").await;
    assert_eq!(page.url.path(), "/sign-in", "{}", page.text());
    assert_eq!(page.url.query(), Some("again=yes"));
    browser.submit(&page, &[("password", &person.password)]).await;
    crate::support::people::give_second_factor(&app, &browser, &mut person.device).await;
    browser.get("/account/methods/add").await.expect_status(200);
    assert_eq!(browser.get("/account/methods/add").await.url.path(), "/account/methods/add");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_password_opens_the_vault_and_ends_the_other_sessions() {
    const NEW: &str = "umber quartz heron lagoon";
    let app = TestApp::start().await;
    let browser = app.browser();
    let mut person = sign_up(&app, &browser, "ada@example.gov", With::App).await;
    let elsewhere = app.browser();
    person.sign_in(&app, &elsewhere).await;
    let sent = app.inbox.messages().len();
    let page = browser.get("/account/password").await;
    browser.submit(&page, &[("password", "password1234"), ("again", "password1234")]).await.expect_status(422);
    let page = browser.submit(&page, &[("password", NEW), ("again", NEW)]).await;
    assert_eq!(page.url.path(), "/account", "{}", page.text());
    assert!(app.message_to(&person.email, sent).await.body.contains("was changed"));
    browser.get("/account/password").await.expect_status(200);
    assert_eq!(elsewhere.get("/account").await.url.path(), "/sign-in");

    app.clock.advance(Duration::minutes(10));
    let browser = app.browser();
    give_password(&browser, &person.email, &person.password).await.expect_status(422);
    person.password = NEW.to_owned();
    let page = person.sign_in(&app, &browser).await;
    assert_eq!(page.url.path(), "/account");
    assert_eq!(browser.get("/unlock").await.url.path(), "/account", "the vault is open already");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_recovery_key_replaces_the_old_one() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let person = sign_up(&app, &browser, "ada@example.gov", With::App).await;
    let page = browser.get("/account").await;
    let page = browser.submit_to(&page, "/account/recovery-key", &[]).await;
    let new_key = page.find("#recovery-key code").expect("a key");
    assert_ne!(new_key, person.recovery_key);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_or_personal_is_in_the_database_file() {
    let app = TestApp::start().await;
    let browser = app.browser();
    up_to_the_secret(&app, &browser).await;
    drop(browser);
    for file in ["signet.db", "signet.db-wal"] {
        let Ok(octets) = std::fs::read(app.folder().join(file)) else { continue };
        for marker in ["ada.marker", "pelican fjord", "2024561111", "example.gov"] {
            let found = octets.windows(marker.len()).any(|window| window.eq_ignore_ascii_case(marker.as_bytes()));
            assert!(!found, "{marker} stands in {file}");
        }
    }
}

async fn up_to_the_secret(app: &TestApp, browser: &crate::support::browser::Browser) {
    sign_up(app, browser, "ada.marker@example.gov", With::Phone).await;
    let page = browser.get("/account/methods/add/totp").await;
    let secret = secret_of(&page);
    let code = secret.code_at(app.clock.now()).unwrap();
    browser.submit(&page, &[("code", &code)]).await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_account_says_when_the_recovery_key_was_made_and_the_reset_says_what_it_is_for() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let mut person = sign_up(&app, &browser, "ada@example.gov", With::App).await;
    let made = |page: &crate::support::browser::Page| {
        let text = page.text();
        let begin = text.find("Your recovery key was made on ").unwrap_or_else(|| panic!("{text}"));
        text[begin..begin + 46].to_owned()
    };
    let first = made(&browser.get("/account").await);
    app.clock.advance(Duration::minutes(10));
    assert_eq!(made(&browser.get("/account").await), first);
    let page = browser.get("/account").await;
    browser.submit_to(&page, "/account/recovery-key", &[]).await.expect_status(200);
    assert_ne!(made(&browser.get("/account").await), first, "a new key, a new date");

    // Before a password is reset, the page says what that does to the profile.
    let forgot = app.browser().get("/forgot-password").await;
    forgot.expect_words("First find your recovery key").expect_words("stays sealed until you type your recovery key");
    app.browser().get("/help").await.expect_words("After a hundred wrong passwords in a row no password is accepted");
    app.clock.advance(Duration::minutes(20));
    let again = app.browser();
    person.sign_in(&app, &again).await.expect_words("Your recovery key was made on");
}
