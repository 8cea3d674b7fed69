//! People: they sign up and sign in through the front door, with a device of their own.

use serde_json::{Value, json};
use signet::authentication::totp::TotpSecret;
use signet::clock::Clock as _;
use url::Url;
use webauthn_authenticator_rs::WebauthnAuthenticator as _;
use webauthn_authenticator_rs::softpasskey::SoftPasskey;

use super::app::TestApp;
use super::browser::{Browser, Page};

/// The password that people choose unless a test says otherwise.
pub const PASSWORD: &str = "pelican fjord umber quartz";

/// What a person has beside the password.
pub enum Device {
    App(TotpSecret),
    Passkey(Box<SoftPasskey>),
    Phone(String),
}

/// Somebody with an account.
pub struct Person {
    pub email: String,
    pub password: String,
    pub device: Device,
    pub recovery_key: String,
}

/// Which device to sign up with.
#[derive(Clone, Copy)]
pub enum With {
    App,
    Passkey,
    Phone,
}

/// Follows the link of a new account's mail up to the choice of methods.
pub async fn up_to_methods(app: &TestApp, browser: &Browser, email: &str) -> Page {
    let sent = app.inbox.messages().len();
    let page = browser.go("/sign-up").await;
    let page = browser.submit_to(&page, "/sign-up", &[("email", email), ("rules", "yes")]).await;
    page.expect_status(200);
    let link = app.link_to(email, sent).await;
    let page = browser.get(&link).await;
    let page = browser.submit(&page, &[("password", PASSWORD), ("again", PASSWORD)]).await;
    assert_eq!(page.url.path(), "/sign-up/methods", "{}", page.text());
    page
}

/// Signs up and stands signed in at the end.
pub async fn sign_up(app: &TestApp, browser: &Browser, email: &str, with: With) -> Person {
    up_to_methods(app, browser, email).await;
    let device = set_up(app, browser, "/sign-up/methods", with).await;
    let page = browser.go("/sign-up/recovery-key").await;
    let recovery_key = page.find("#recovery-key code").expect("the recovery key");
    let page = browser.submit_to(&page, "/sign-up/recovery-key", &[("kept", "yes")]).await;
    page.expect_status(200);
    Person { email: email.to_owned(), password: PASSWORD.to_owned(), device, recovery_key }
}

/// Sets up a method, at sign-up or in the account.
pub async fn set_up(app: &TestApp, browser: &Browser, prefix: &str, with: With) -> Device {
    match with {
        With::App => {
            let page = browser.go(&format!("{prefix}/totp")).await;
            let secret = secret_of(&page);
            let code = secret.code_at(app.clock.now()).expect("a code");
            let page = browser.submit(&page, &[("code", &code), ("name", "my app")]).await;
            page.expect_status(200);
            Device::App(secret)
        }
        With::Phone => {
            let phone = "+12024561111".to_owned();
            let sent = app.inbox.messages().len();
            let page = browser.go(&format!("{prefix}/sms")).await;
            let page = browser.submit(&page, &[("phone", "(202) 456-1111")]).await;
            let code = app.code_to(&phone, sent).await;
            let page = browser.submit(&page, &[("code", &code)]).await;
            page.expect_status(200);
            Device::Phone(phone)
        }
        With::Passkey => {
            let mut key = SoftPasskey::new(true);
            let page = browser.go(&format!("{prefix}/webauthn?kind=passkey")).await;
            let options = script(browser, &page, &format!("{prefix}/webauthn/options?kind=passkey"), &json!({})).await;
            let options = serde_json::from_value(options.expect("options")).expect("creation options");
            let answer = key.do_registration(origin(app), options).expect("an answer");
            let body = json!({ "answer": answer, "name": "my laptop" });
            let next = script(browser, &page, &format!("{prefix}/webauthn"), &body).await.expect("it is taken");
            browser.get(next["next"].as_str().expect("a path")).await.expect_status(200);
            Device::Passkey(Box::new(key))
        }
    }
}

/// The secret that a page shows for typing.
pub fn secret_of(page: &Page) -> TotpSecret {
    let typed = page.find("#secret code").unwrap_or_else(|| panic!("no secret on {}:\n{}", page.url, page.text()));
    let letters: Vec<u8> = typed.bytes().filter(|b| *b != b' ').collect();
    let mut bits = letters.iter().flat_map(|letter| {
        let five = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|one| one == letter).expect("Base32");
        (0..5).rev().map(move |bit| (five >> bit) & 1 == 1)
    });
    let mut bytes = [0_u8; 20];
    for byte in &mut bytes {
        for _ in 0..8 {
            *byte = (*byte << 1) | u8::from(bits.next().expect("160 bits"));
        }
    }
    TotpSecret::from_bytes(&bytes)
}

/// Where the person's device thinks that it is.
pub fn origin(app: &TestApp) -> Url {
    app.url.parse().expect("a URL")
}

/// What our script does: posts JSON with the page's token. `Err` with the body when it is refused.
pub async fn script(browser: &Browser, page: &Page, path: &str, body: &Value) -> Result<Value, Value> {
    let token = page.attribute("meta[name=csrf]", "content").expect("a token on the page");
    let answer = browser.post_json(&browser.onward(path), &token, body).await;
    let said = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
    if answer.status.is_success() { Ok(said) } else { Err(said) }
}

/// Gives address and password, and stands before the second factor.
pub async fn give_password(browser: &Browser, email: &str, password: &str) -> Page {
    let page = browser.go("/sign-in").await;
    browser.submit(&page, &[("email", email), ("password", password)]).await
}

/// Gives the second factor, from wherever it is asked for.
pub async fn give_second_factor(app: &TestApp, browser: &Browser, device: &mut Device) -> Page {
    match device {
        Device::App(secret) => {
            // A code is taken once, so the next one is waited for.
            app.clock.advance(time::Duration::seconds(30));
            let page = browser.go("/sign-in/second-factor/totp").await;
            let code = secret.code_at(app.clock.now()).expect("a code");
            browser.submit(&page, &[("code", &code)]).await
        }
        Device::Phone(phone) => {
            let sent = app.inbox.messages().len();
            let page = browser.go("/sign-in/second-factor/sms").await;
            let page = browser.submit_to(&page, "/sms/send", &[]).await;
            let code = app.code_to(phone, sent).await;
            browser.submit(&page, &[("code", &code)]).await
        }
        Device::Passkey(key) => {
            let page = browser.go("/sign-in/second-factor/webauthn?kind=passkey").await;
            let path = "/sign-in/second-factor/webauthn";
            let options = script(browser, &page, &format!("{path}/options?kind=passkey"), &json!({})).await;
            let options = serde_json::from_value(options.expect("options")).expect("request options");
            let answer = key.do_authentication(origin(app), options).expect("an answer");
            let next = script(browser, &page, path, &json!({ "answer": answer })).await.expect("it is taken");
            browser.get(next["next"].as_str().expect("a path")).await
        }
    }
}

impl Person {
    /// Signs in, and stands wherever that leads.
    pub async fn sign_in(&mut self, app: &TestApp, browser: &Browser) -> Page {
        let page = give_password(browser, &self.email, &self.password).await;
        assert!(page.url.path().starts_with("/sign-in/second-factor"), "{}: {}", page.url, page.text());
        give_second_factor(app, browser, &mut self.device).await
    }
}
