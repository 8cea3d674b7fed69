//! A person in front of a browser: looks at every page that comes, and does on it what a person does.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use totp_rs::{Builder, Secret};

use crate::accessibility::{assert_accessible, assert_fits_a_phone};
use crate::signet::Signet;
use crate::webdriver::{Authenticator, Chromium, Looks};

/// A password that is long enough and not to be guessed.
pub const PASSWORD: &str = "violet kettle beneath the northern bridge";
/// Another one.
pub const NEW_PASSWORD: &str = "eleven patient snails crossed our meadow";
/// A number of the range that is kept for fiction.
pub const PHONE: &str = "202-555-0187";

/// The button that sends the form in the middle of a page.
pub const SUBMIT: &str = "main form.usa-form button[type=submit]";

/// A second way to show that it is you.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Passkey,
    SecurityKey,
    Text,
    Totp,
}

/// A browser, and the demonstration that it visits.
pub struct Visitor {
    pub browser: Chromium,
    journey: &'static str,
    runs_scripts: bool,
}

/// What the demonstration agency shows that it received.
#[derive(Debug, PartialEq, Eq)]
pub struct Received {
    pub name_id: String,
    pub authn_context: String,
    /// Names with values, in the order in which they came.
    pub attributes: Vec<(String, String)>,
}

impl Received {
    /// The names of the attributes.
    pub fn names(&self) -> Vec<&str> {
        self.attributes.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The value of an attribute.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Visitor {
    /// Opens a browser. `journey` names the screenshots.
    pub async fn new(journey: &'static str) -> Self {
        Self::looking(journey, Looks::default()).await
    }

    /// The same, without script or with another width.
    pub async fn looking(journey: &'static str, looks: Looks) -> Self {
        Self { browser: Chromium::looking(looks).await, journey, runs_scripts: !looks.without_script }
    }

    /// Judges the page that is shown: accessible, fits on a phone, no error in its console. Takes a picture of it.
    /// axe-core needs timers, which a page without script does not have.
    pub async fn look(&self, page: &str) {
        self.picture(page).await;
        if self.runs_scripts {
            assert_accessible(&self.browser).await;
        }
        assert_fits_a_phone(&self.browser).await;
        let errors = self.browser.console_errors().await;
        assert!(errors.is_empty(), "{}: {errors:?}", self.browser.address().await);
    }

    /// Takes a picture of the page that is shown.
    pub async fn picture(&self, page: &str) {
        let shown = self.browser.screenshot().await;
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots").join(self.journey);
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(format!("{page}.png")), shown).expect("a picture");
    }

    /// Begins at the agency with one of its ways to sign in.
    pub async fn ask(&self, signet: &Signet, choice: &str) {
        self.browser.open(&signet.agency()).await;
        self.browser.click(&format!("a[href='/sign-in/{choice}']")).await;
    }

    /// From Signet's sign-in page to an account with a second method, up to where the waiting service comes next.
    /// Gives the secret of the authentication app, if that is the method.
    pub async fn sign_up(&self, signet: &Signet, email: &str, method: Method) -> Option<String> {
        let browser = &self.browser;
        browser.expect_path("/sign-in").await;
        self.look("sign-in").await;
        browser.press("Create an account").await;
        browser.expect_path("/sign-up").await;
        self.look("sign-up").await;
        browser.fill("#email", email).await;
        browser.click("label[for=rules]").await;
        browser.click(SUBMIT).await;
        browser.expect("Check your e-mail").await;
        self.look("check-mail").await;
        // The person's mail program: the same browser, another site.
        signet.message_to(email, "/sign-up/confirm/", 0).await;
        browser.open(&format!("{}/inbox", signet.agency())).await;
        self.look("inbox").await;
        browser.click("article a[href*='/sign-up/confirm/']").await;
        browser.find("#password").await;
        self.look("choose-password").await;
        browser.fill("#password", PASSWORD).await;
        browser.fill("#again", PASSWORD).await;
        browser.click(SUBMIT).await;
        browser.expect_path("/sign-up/methods").await;
        self.look("choose-method").await;
        let secret = self.set_up(signet, method).await;
        browser.expect_path("/sign-up/recovery-key").await;
        self.look("recovery-key").await;
        browser.click("label[for=kept]").await;
        browser.click(SUBMIT).await;
        secret
    }

    /// Sets a method up, from the page on which it is chosen. The authenticator stays plugged in.
    pub async fn set_up(&self, signet: &Signet, method: Method) -> Option<String> {
        let browser = &self.browser;
        match method {
            Method::Passkey | Method::SecurityKey => {
                let (authenticator, kind) = match method {
                    Method::Passkey => (Authenticator::Platform, "passkey"),
                    _ => (Authenticator::SecurityKey, "security_key"),
                };
                browser.plug_in(authenticator).await;
                browser.click(&format!("main a[href*='kind={kind}']")).await;
                browser.expect_path("/webauthn").await;
                browser.find("main form.usa-form button[type=submit]:enabled").await;
                self.look(&format!("set-up-{kind}")).await;
                browser.click(SUBMIT).await;
                None
            }
            Method::Text => {
                browser.click("main a[href*='/sms']").await;
                browser.expect_path("/sms").await;
                self.look("set-up-text").await;
                let known = signet.count_messages_to("+12025550187").await;
                browser.fill("#phone", PHONE).await;
                browser.click(SUBMIT).await;
                browser.expect_path("/sms/code").await;
                self.look("set-up-text-code").await;
                let code = signet.message_to("+12025550187", "code", known).await.code();
                browser.fill("#code", &code).await;
                browser.click(SUBMIT).await;
                None
            }
            Method::Totp => {
                browser.click("main a[href*='/totp']").await;
                browser.expect_path("/totp").await;
                self.look("set-up-totp").await;
                let secret = browser.text("#secret code").await;
                browser.fill("#code", &totp_code(&secret, 0)).await;
                browser.click(SUBMIT).await;
                Some(secret)
            }
        }
    }

    /// From Signet's sign-in page through address and password.
    pub async fn give_password(&self, email: &str, password: &str) {
        self.browser.expect_path("/sign-in").await;
        self.browser.fill("#email", email).await;
        self.browser.fill("#password", password).await;
        self.browser.click(SUBMIT).await;
    }

    /// The second factor by text message, to the one phone of the account.
    pub async fn give_text_code(&self, signet: &Signet, number: &str) {
        let browser = &self.browser;
        browser.expect_path("/sign-in/second-factor/sms").await;
        self.look("text").await;
        let known = signet.count_messages_to(number).await;
        browser.click("form[action^='/sign-in/second-factor/sms/send'] button").await;
        browser.find("#code").await;
        self.look("text-code").await;
        let code = signet.message_to(number, "code", known).await.code();
        browser.fill("#code", &code).await;
        browser.click(SUBMIT).await;
    }

    /// The second factor with what was set up: an authenticator that is plugged in, an app's secret, a phone.
    pub async fn give_second_factor(&self, signet: &Signet, method: Method, secret: Option<&str>) {
        let browser = &self.browser;
        match method {
            Method::Passkey | Method::SecurityKey => {
                browser.expect_path("/sign-in/second-factor/webauthn").await;
                browser.find("main form.usa-form button[type=submit]:enabled").await;
                self.look("webauthn").await;
                browser.click(SUBMIT).await;
            }
            Method::Text => self.give_text_code(signet, "+12025550187").await,
            Method::Totp => {
                browser.expect_path("/sign-in/second-factor/totp").await;
                self.look("totp").await;
                // The code of now was given when the app was set up, and is taken once.
                browser.fill("#code", &totp_code(secret.expect("the app's secret"), 1)).await;
                browser.click(SUBMIT).await;
            }
        }
    }

    /// Signs in as the demonstration's invented person, with text messages.
    pub async fn sign_in_as_the_person(&self, signet: &Signet) {
        let person = signet.person();
        self.give_password(&person.email, &person.password).await;
        self.give_text_code(signet, &person.phone.replace(' ', "")).await;
    }

    /// Looks at the page that asks, and agrees.
    pub async fn agree(&self) {
        self.browser.find("form[action^='/saml/consent/'] button").await;
        self.look("consent").await;
        self.browser.click("form[action^='/saml/consent/'] button").await;
    }

    /// What the agency shows that it received; looks at its page.
    pub async fn received(&self) -> Received {
        let browser = &self.browser;
        browser.expect_path("/received").await;
        browser.expect("You are signed in").await;
        self.look("received").await;
        let rows = "return Array.from(document.querySelectorAll('#attributes tbody tr'), row =>
            [row.querySelector('th').textContent, row.querySelector('td').textContent])";
        let rows = browser.script(rows, &[]).await;
        let cell = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let rows = rows.as_array().cloned().unwrap_or_default();
        Received {
            name_id: browser.text("#name-id").await,
            authn_context: browser.text("#authn-context").await,
            attributes: rows.iter().map(|row| (cell(&row[0]), cell(&row[1]))).collect(),
        }
    }

    /// The error status that the agency shows.
    pub async fn refused(&self) -> (String, String) {
        let browser = &self.browser;
        browser.expect_path("/received").await;
        browser.expect("You are not signed in").await;
        self.look("refused").await;
        let nested = match browser.look_for("#nested-status").await {
            Some(_) => browser.text("#nested-status").await,
            None => String::new(),
        };
        (browser.text("#status").await, nested)
    }
}

/// What an authentication app shows for a secret as it stands on the page, so many steps from now.
pub fn totp_code(secret: &str, steps: u64) -> String {
    let secret: String = secret.chars().filter(|c| !c.is_whitespace()).collect();
    let secret = Secret::try_from_base32(&secret).expect("Base32");
    let app = Builder::new().with_secret(secret).build().expect("a secret");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    app.generate(now + steps * 30).to_string()
}
