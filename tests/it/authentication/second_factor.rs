//! The second factor.

use serde_json::json;
use signet::clock::Clock as _;
use signet::settings::TextMessageSettings;
use time::Duration;
use webauthn_authenticator_rs::WebauthnAuthenticator as _;

use crate::support::app::{TestApp, Wishes};
use crate::support::browser::Browser;
use crate::support::log::KeptLog;
use crate::support::people::{Device, With, give_password, give_second_factor, origin, script, sign_up, up_to_methods};

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_an_app_is_taken_once() {
    let app = TestApp::start().await;
    let person = sign_up(&app, &app.browser(), "ada@example.gov", With::App).await;
    let Device::App(secret) = &person.device else { panic!("an app") };
    app.clock.advance(Duration::minutes(2));
    let code = secret.code_at(app.clock.now()).unwrap();
    let (one, other) = (app.browser(), app.browser());
    for browser in [&one, &other] {
        give_password(browser, &person.email, &person.password).await;
    }
    let (first, second) =
        (one.get("/sign-in/second-factor/totp").await, other.get("/sign-in/second-factor/totp").await);
    let (first_code, second_code) = ([("code", code.as_str())], [("code", code.as_str())]);
    let (first, second) = tokio::join!(one.submit(&first, &first_code), other.submit(&second, &second_code));
    let succeeded = [&first, &second].iter().filter(|page| page.url.path() == "/account").count();
    assert_eq!(succeeded, 1, "{} / {}", first.text(), second.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_wrong_codes_lock_for_ten_minutes_and_the_person_is_told() {
    let app = TestApp::start().await;
    let mut person = sign_up(&app, &app.browser(), "ada@example.gov", With::App).await;
    app.clock.advance(Duration::minutes(2));
    let browser = app.browser();
    give_password(&browser, &person.email, &person.password).await;
    let sent = app.inbox.messages().len();
    for tried in 1..=10 {
        let page = browser.get("/sign-in/second-factor/totp").await;
        let refused = browser.submit(&page, &[("code", "000000")]).await;
        refused.expect_status(422);
        let left = [(7, "3"), (8, "2"), (9, "One more wrong code")];
        if let Some((_, words)) = left.iter().find(|(after, _)| *after == tried) {
            refused.expect_words(words);
        }
    }
    let told = app.message_to(&person.email, sent).await;
    assert!(told.body.contains("wrong codes"), "{}", told.body);
    // The right code does not help now, nor after a restart.
    let app = app.restart().await;
    let page = browser.get("/sign-in/second-factor").await;
    page.expect_status(422).expect_words("10");
    app.clock.advance(Duration::minutes(10));
    let page = give_second_factor(&app, &browser, &mut person.device).await;
    assert_eq!(page.url.path(), "/account");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_wrong_codes_end_the_app() {
    let app = TestApp::start().await;
    let mut person = sign_up(&app, &app.browser(), "ada@example.gov", With::App).await;
    let browser = app.browser();
    for _ in 0..10 {
        app.clock.advance(Duration::minutes(11));
        give_password(&browser, &person.email, &person.password).await;
        let page = browser.get("/sign-in/second-factor/totp").await;
        for _ in 0..10 {
            browser.submit(&page, &[("code", "000000")]).await.expect_status(422);
        }
    }
    app.clock.advance(Duration::minutes(11));
    let page = give_password(&browser, &person.email, &person.password).await;
    page.expect_status(422);
    let Device::App(_) = &mut person.device else { panic!("an app") };
    assert_eq!(browser.get("/account").await.url.path(), "/sign-in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_code_is_for_its_session_and_is_replaced_by_the_next() {
    let app = TestApp::start().await;
    let person = sign_up(&app, &app.browser(), "ada@example.gov", With::Phone).await;
    let Device::Phone(phone) = &person.device else { panic!("a phone") };
    app.clock.advance(Duration::minutes(10));
    let (one, other) = (app.browser(), app.browser());
    let mut codes = Vec::new();
    for browser in [&one, &other] {
        give_password(browser, &person.email, &person.password).await;
        app.clock.advance(Duration::seconds(11));
        let sent = app.inbox.messages().len();
        let page = browser.get("/sign-in/second-factor/sms").await;
        browser.submit_to(&page, "/sms/send", &[]).await.expect_status(200);
        codes.push(app.code_to(phone, sent).await);
    }
    // The newest code, in the session that did not ask for it; and the older one in its own.
    let page = one.get("/sign-in/second-factor/sms").await;
    one.submit(&page, &[("code", &codes[1])]).await.expect_status(422);
    one.submit(&page, &[("code", &codes[0])]).await.expect_status(422);
    let page = other.get("/sign-in/second-factor/sms").await;
    let page = other.submit(&page, &[("code", &codes[1])]).await;
    assert_eq!(page.url.path(), "/account");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_code_is_refused_after_ten_minutes_and_sending_again_is_throttled() {
    let app = TestApp::start().await;
    let person = sign_up(&app, &app.browser(), "ada@example.gov", With::Phone).await;
    let Device::Phone(phone) = &person.device else { panic!("a phone") };
    app.clock.advance(Duration::minutes(10));
    let browser = app.browser();
    give_password(&browser, &person.email, &person.password).await;
    let sent = app.inbox.messages().len();
    let page = browser.get("/sign-in/second-factor/sms").await;
    browser.submit_to(&page, "/sms/send", &[]).await.expect_status(200);
    let code = app.code_to(phone, sent).await;
    app.clock.advance(Duration::minutes(10));
    let page = browser.get("/sign-in/second-factor/sms").await;
    browser.submit(&page, &[("code", &code)]).await.expect_status(422);
    let mut refused = 0;
    for _ in 0..4 {
        let page = browser.get("/sign-in/second-factor/sms").await;
        refused += usize::from(browser.submit_to(&page, "/sms/send", &[]).await.status == 422);
    }
    assert_eq!(refused, 2, "two within ten seconds, and no more");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_newest_text_message_counts_as_message_and_page_say_and_its_code_is_read_in_any_script() {
    let app = TestApp::start().await;
    let person = sign_up(&app, &app.browser(), "ada@example.gov", With::Phone).await;
    let Device::Phone(phone) = &person.device else { panic!("a phone") };
    app.clock.advance(Duration::minutes(10));
    let browser = app.browser();
    give_password(&browser, &person.email, &person.password).await;
    let mut codes = Vec::new();
    for _ in 0..2 {
        let sent = app.inbox.messages().len();
        let page = browser.get("/sign-in/second-factor/sms").await;
        browser.submit_to(&page, "/sms/send", &[]).await.expect_status(200);
        codes.push(app.code_to(phone, sent).await);
        app.clock.advance(Duration::minutes(1));
    }
    assert!(app.inbox.messages().iter().any(|message| message.body.contains("or until we send a newer one")));
    let page = browser.get("/sign-in/second-factor/sms").await;
    page.expect_words("from the newest text message");
    if codes[0] != codes[1] {
        let refused = browser.submit(&page, &[("code", &codes[0])]).await;
        refused.expect_status(422).expect_words("Only the code of the newest text message works");
    }
    let arabic: String =
        codes[1].chars().filter_map(|digit| char::from_u32(digit.to_digit(10)? + u32::from('\u{660}'))).collect();
    let page = browser.get("/sign-in/second-factor/sms").await;
    let next = browser.submit(&page, &[("code", &format!("\u{200f}{arabic}"))]).await;
    next.expect_status(200);
    assert!(!next.url.path().contains("second-factor"), "{}: {}", next.url, next.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_a_passkey_is_taken_once_and_in_its_own_session() {
    let app = TestApp::start().await;
    let mut person = sign_up(&app, &app.browser(), "ada@example.gov", With::Passkey).await;
    let Device::Passkey(key) = &mut person.device else { panic!("a passkey") };
    app.clock.advance(Duration::minutes(2));
    let path = "/sign-in/second-factor/webauthn";
    let (one, other) = (app.browser(), app.browser());
    for browser in [&one, &other] {
        give_password(browser, &person.email, &person.password).await;
    }
    let page = one.get(&format!("{path}?kind=passkey")).await;
    let options = script(&one, &page, &format!("{path}/options?kind=passkey"), &json!({})).await.unwrap();
    let answer = key.do_authentication(origin(&app), serde_json::from_value(options).unwrap()).unwrap();
    let body = json!({ "answer": answer });
    // Another session, which began a ceremony of its own.
    let page_of_other = other.get(&format!("{path}?kind=passkey")).await;
    script(&other, &page_of_other, &format!("{path}/options?kind=passkey"), &json!({})).await.unwrap();
    assert!(script(&other, &page_of_other, path, &body).await.is_err());
    assert!(script(&one, &page, path, &body).await.is_ok());
    // Signed in now, and the answer is used up.
    let page = one.get(&format!("{path}?kind=passkey")).await;
    assert!(script(&one, &page, path, &body).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_the_pages_token_is_refused() {
    let app = TestApp::start().await;
    let person = sign_up(&app, &app.browser(), "ada@example.gov", With::Passkey).await;
    let browser = app.browser();
    give_password(&browser, &person.email, &person.password).await;
    let path = "/sign-in/second-factor/webauthn/options?kind=passkey";
    let answer = browser.post_json(path, "", &json!({})).await;
    assert_eq!((answer.status.as_u16(), answer.body.contains("publicKey")), (422, false), "{}", answer.body);
}

/// Asks for a code to a phone that is to be set up; whether one is sent.
async fn ask_for_code(browser: &Browser, phone: &str) -> bool {
    let page = browser.get("/sign-up/methods/sms").await;
    let page = browser.submit(&page, &[("phone", phone)]).await;
    let sent = page.url.path() == "/sign-up/methods/sms/code";
    assert!(sent || page.status == 422, "{}: {}", page.url, page.text());
    sent
}

#[tokio::test(flavor = "multi_thread")]
async fn text_messages_are_counted_by_phone_and_by_person_and_a_restart_forgets_nothing() {
    const ONE: &str = "(202) 456-1111";
    const OTHER: &str = "(202) 456-1414";
    let app = TestApp::start().await;
    let (ada, ben) = (app.browser(), app.browser());
    up_to_methods(&app, &ada, "ada@example.gov").await;
    up_to_methods(&app, &ben, "ben@example.gov").await;
    let sent = app.inbox.messages().len();
    for _ in 0..10 {
        assert!(ask_for_code(&ada, ONE).await);
        app.clock.advance(Duration::seconds(11));
    }
    let app = app.restart().await;
    assert!(!ask_for_code(&ada, ONE).await, "ten to a phone in five minutes");
    assert!(!ask_for_code(&ada, OTHER).await, "ten for a person in five minutes, whatever the phone");
    assert!(!ask_for_code(&ben, ONE).await, "ten to a phone, whoever asks");
    assert!(ask_for_code(&ben, OTHER).await, "another person and another phone are not kept waiting");
    app.clock.advance(Duration::minutes(5));
    assert!(ask_for_code(&ada, ONE).await);
    assert_eq!(app.count("outbox", "kind = 'sms'"), 12, "{}", app.inbox.messages().len() - sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_for_a_phone_that_was_removed_meanwhile_is_refused_in_words() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let person = sign_up(&app, &browser, "ada@example.gov", With::Phone).await;
    let browser = app.browser();
    give_password(&browser, &person.email, &person.password).await;
    let page = browser.get("/sign-in/second-factor/sms").await;
    let sent = app.inbox.messages().len();
    let gone = [("id", "00000000000000000000000000000000")];
    let answer = browser.submit_to(&page, "/sms/send", &gone).await;
    answer.expect_status(422).expect_words("This phone is no sign-in method of yours any more.");
    assert_eq!(app.inbox.messages().len(), sent);
}

/// What a phone's form answers: where the browser is, or the words of the problem.
async fn set_up(browser: &Browser, phone: &str) -> String {
    let page = browser.get("/sign-up/methods/sms").await;
    let page = browser.submit(&page, &[("phone", phone)]).await;
    page.find(".usa-alert--error .usa-alert__text").unwrap_or_else(|| page.url.path().to_owned())
}

const CODE_PAGE: &str = "/sign-up/methods/sms/code";

#[tokio::test(flavor = "multi_thread")]
async fn codes_go_to_phones_of_the_countries_in_the_settings_only() {
    let text_messages = TextMessageSettings { countries: vec!["US".into(), "NZ".into()], ..Default::default() };
    let app = TestApp::start_with(Wishes { text_messages, ..Wishes::default() }).await;
    let browser = app.browser();
    up_to_methods(&app, &browser, "ada@example.gov").await;
    let page = browser.get("/sign-up/methods/sms").await;
    page.expect_words("United States NZ");
    // Satellites, premium numbers without a country, dear countries, and neighbours that share a country code.
    for elsewhere in [
        "+881612345678",
        "+979123456789",
        "+88213300655",
        "+252612345678",
        "+5352345678",
        "+37060112345",
        "+447700900123",
        "+447624512345",
        "+2250123456789",
        "+1 787 456 1111",
        "+1 876 210 1234",
    ] {
        assert_ne!(set_up(&browser, elsewhere).await, CODE_PAGE, "{elsewhere}");
    }
    assert!(set_up(&browser, "+1 787 456 1111").await.contains("phones of that country or territory"));
    assert_eq!(app.count("outbox", "kind = 'sms'"), 0);
    assert_eq!(set_up(&browser, "+1 202 456 1111").await, CODE_PAGE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_of_numbers_and_all_new_phones_have_budgets_that_leave_those_who_sign_in_alone() {
    let text_messages = TextMessageSettings {
        per_block_an_hour: 2,
        new_phones_a_minute: 3,
        known_phones_a_minute: 2,
        ..Default::default()
    };
    let app = TestApp::start_with(Wishes { text_messages, ..Wishes::default() }).await;
    let ada = sign_up(&app, &app.browser(), "ada@example.gov", With::Phone).await;
    let mut stranger = app.browser();
    up_to_methods(&app, &stranger, "eve@example.gov").await;
    // Ada's own number is in this block, and was the first.
    assert_eq!(set_up(&stranger, "(202) 456-1414").await, CODE_PAGE);
    assert!(set_up(&stranger, "(202) 456-1415").await.contains("Too many messages"), "the block's budget");
    stranger = app.browser();
    up_to_methods(&app, &stranger, "mallory@example.gov").await;
    assert_eq!(set_up(&stranger, "(202) 457-1414").await, CODE_PAGE);
    assert!(set_up(&stranger, "(202) 458-1414").await.contains("Too many messages"), "that of all new phones");

    // Neither stops anybody who signs in.
    let browser = app.browser();
    give_password(&browser, &ada.email, &ada.password).await;
    let page = browser.get("/sign-in/second-factor/sms").await;
    browser.submit_to(&page, "/sms/send", &[]).await.expect_status(200);
    app.clock.advance(Duration::minutes(61));
    stranger = app.browser();
    up_to_methods(&app, &stranger, "trudy@example.gov").await;
    assert_eq!(set_up(&stranger, "(202) 456-1415").await, CODE_PAGE, "another hour");
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_that_do_not_come_back_ring_an_alarm_and_are_counted_for_the_monitoring_system() {
    let Some(log) = KeptLog::begin() else { return };
    let app = TestApp::start_with(Wishes { metrics: true, ..Wishes::default() }).await;
    sign_up(&app, &app.browser(), "ada@example.gov", With::Phone).await;
    for account in 0..2 {
        let stranger = app.browser();
        up_to_methods(&app, &stranger, &format!("eve{account}@example.gov")).await;
        for number in 0..10 {
            app.clock.advance(Duration::seconds(11));
            assert_eq!(set_up(&stranger, &format!("(202) 4{account}{number}-1414")).await, CODE_PAGE);
        }
        app.clock.advance(Duration::minutes(5));
    }
    let text = log.text();
    let alarm = text.lines().find(|line| line.contains("text_codes_unconfirmed")).expect("an alarm");
    assert!(alarm.contains("WARN") && alarm.contains("US") && alarm.contains("20"), "{alarm}");
    assert!(!alarm.contains("1414"), "{alarm}");
    let metrics = app.settings.server.metrics_listen.expect("it was wished");
    let page = app.browser().get(&format!("http://localhost:{}/metrics", metrics.port())).await;
    assert!(page.body.contains("signet_new_phone_codes_sent_total{country=\"US\"} 21"), "{}", page.body);
    assert!(page.body.contains("signet_new_phone_codes_confirmed_total{country=\"US\"} 1"), "{}", page.body);
}
