//! Signing up.

use signet::clock::Clock as _;
use time::Duration;

use crate::support::app::TestApp;
use crate::support::people::{PASSWORD, With, secret_of, set_up, sign_up, up_to_methods};

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_up_with_each_kind_of_second_factor() {
    let app = TestApp::start().await;
    for (email, with) in
        [("app@example.gov", With::App), ("key@example.gov", With::Passkey), ("phone@example.gov", With::Phone)]
    {
        app.clock.advance(Duration::minutes(5));
        let browser = app.browser();
        let person = sign_up(&app, &browser, email, with).await;
        assert_eq!(person.recovery_key.len(), 34);
        browser.get("/account").await.expect_status(200).expect_words(email);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recovery_key_is_shown_until_it_is_kept_and_never_again() {
    let app = TestApp::start().await;
    let browser = app.browser();
    up_to_methods(&app, &browser, "ada@example.gov").await;
    set_up(&app, &browser, "/sign-up/methods", With::App).await;
    let page = browser.get("/sign-up/recovery-key").await;
    let key = page.find("#recovery-key code").expect("a key");
    let again = browser.submit_to(&page, "/sign-up/recovery-key", &[]).await;
    again.expect_status(422);
    assert_eq!(again.find("#recovery-key code").as_ref(), Some(&key));
    browser.submit_to(&again, "/sign-up/recovery-key", &[("kept", "yes")]).await.expect_status(200);
    let gone = browser.get("/sign-up/recovery-key").await;
    assert_eq!(gone.url.path(), "/account");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_works_once_and_for_a_day() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let page = browser.get("/sign-up").await;
    browser.submit_to(&page, "/sign-up", &[("email", "ada@example.gov"), ("rules", "yes")]).await;
    let link = app.link_to("ada@example.gov", 0).await;
    // Programs that look at mails follow links too: that uses nothing up.
    app.browser().get(&link).await.expect_status(200);
    let page = browser.get(&link).await;
    browser.submit(&page, &[("password", PASSWORD), ("again", PASSWORD)]).await.expect_status(200);
    app.browser().get(&link).await.expect_status(422);

    let page = app.browser().get("/sign-up").await;
    assert_eq!(page.url.path(), "/sign-up");
    let late = app.browser();
    let page = late.get("/sign-up").await;
    late.submit_to(&page, "/sign-up", &[("email", "ben@example.gov"), ("rules", "yes")]).await;
    let link = app.link_to("ben@example.gov", 0).await;
    app.clock.advance(Duration::hours(24));
    late.get(&link).await.expect_status(422);
    late.get("/sign-up/confirm/not-a-token").await.expect_status(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn weak_passwords_are_refused_with_the_reason() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let page = browser.get("/sign-up").await;
    browser.submit_to(&page, "/sign-up", &[("email", "ada@example.gov"), ("rules", "yes")]).await;
    let page = browser.get(&app.link_to("ada@example.gov", 0).await).await;
    for (password, again) in [
        ("short", "short"),
        ("password1234", "password1234"),
        ("ada@example.gov", "ada@example.gov"),
        (PASSWORD, "something else entirely"),
    ] {
        let refused = browser.submit(&page, &[("password", password), ("again", again)]).await;
        refused.expect_status(422);
        assert!(refused.find("#problem").is_some(), "no reason for {password}: {}", refused.text());
        // The address stands there for password managers.
        let typed = format!("value=\"{password}\"");
        assert!(!refused.body.contains(&typed) || password == "ada@example.gov", "the password is on the page");
    }
    browser.submit(&page, &[("password", PASSWORD), ("again", PASSWORD)]).await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_must_be_accepted_and_the_address_must_be_one() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let page = browser.get("/sign-up").await;
    let form = page.form_with(&["email"]);
    browser.submit_form(&form.with(&[("email", "ada@example.gov"), ("rules", "")])).await.expect_status(422);
    let form = page.form_with(&["email"]);
    browser.submit_form(&form.with(&[("email", "not an address"), ("rules", "yes")])).await.expect_status(422);
    assert!(app.inbox.messages().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_up_goes_on_after_a_restart_and_by_the_password() {
    let app = TestApp::start().await;
    let browser = app.browser();
    up_to_methods(&app, &browser, "ada@example.gov").await;
    let app = app.restart().await;
    browser.get("/sign-up/methods").await.expect_status(200);
    // In another browser the password leads to where it stopped, and to nothing more.
    let other = app.browser();
    let page = other.get("/sign-in").await;
    let page = other.submit(&page, &[("email", "ada@example.gov"), ("password", PASSWORD)]).await;
    assert_eq!(page.url.path(), "/sign-up/methods");
    assert_eq!(other.get("/account").await.url.path(), "/sign-in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_opened_in_another_browser_goes_on_there() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let page = browser.get("/sign-up").await;
    browser.submit_to(&page, "/sign-up", &[("email", "ada@example.gov"), ("rules", "yes")]).await;
    let other = app.browser();
    let page = other.get(&app.link_to("ada@example.gov", 0).await).await;
    let page = other.submit(&page, &[("password", PASSWORD), ("again", PASSWORD)]).await;
    assert_eq!(page.url.path(), "/sign-up/methods");
    assert_ne!(browser.get("/sign-up/methods").await.url.path(), "/sign-up/methods");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_left_behind_while_signing_up_adds_nothing_to_the_finished_account() {
    let app = TestApp::start().await;
    let (left_behind, browser) = (app.browser(), app.browser());
    up_to_methods(&app, &left_behind, "ada@example.gov").await;
    let form = left_behind.get("/sign-up/methods/totp").await;
    form.expect_status(200);
    let page = browser.get("/sign-in").await;
    let page = browser.submit(&page, &[("email", "ada@example.gov"), ("password", PASSWORD)]).await;
    assert_eq!(page.url.path(), "/sign-up/methods");
    set_up(&app, &browser, "/sign-up/methods", With::App).await;
    // Its page is gone, and so is the form that it still shows.
    assert_ne!(left_behind.get("/sign-up/methods/totp").await.url.path(), "/sign-up/methods/totp");
    let secret = secret_of(&form);
    let code = secret.code_at(app.clock.now()).expect("a code");
    let refused = left_behind.submit(&form, &[("code", &code), ("name", "not mine")]).await;
    assert_eq!(refused.url.path(), "/sign-in", "{}", refused.text());
    assert!(!browser.get("/account/methods").await.text().contains("not mine"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_confirm_one_address_at_once_one_gets_it_and_the_others_are_told() {
    let app = TestApp::start().await;
    let mut forms = Vec::new();
    for _ in 0..6 {
        let browser = app.browser();
        let sent = app.inbox.messages().len();
        let page = browser.get("/sign-up").await;
        browser
            .submit_to(&page, "/sign-up", &[("email", "ada@example.gov"), ("rules", "yes")])
            .await
            .expect_status(200);
        let page = browser.get(&app.link_to("ada@example.gov", sent).await).await;
        let form = page.form_with(&["password", "again"]).with(&[("password", PASSWORD), ("again", PASSWORD)]);
        forms.push((browser, form));
    }
    let sent = forms.iter().map(|(browser, form)| browser.submit_form(form));
    let pages = futures_util::future::join_all(sent).await;
    let made = pages.iter().filter(|page| page.url.path() == "/sign-up/methods").count();
    assert_eq!(made, 1);
    for page in pages.iter().filter(|page| page.url.path() != "/sign-up/methods") {
        // The link is used up, or the address was taken since it was looked at.
        assert!(matches!(page.status.as_u16(), 409 | 422), "{} {}: {}", page.status, page.url, page.text());
    }
    assert_eq!(app.count("subscriber", "1 = 1"), 1);
}
