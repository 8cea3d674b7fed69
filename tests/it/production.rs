//! The built program with settings as in production: what the sandbox and a test's own runtime could hide is tried here.

use signet::clock::{Clock as _, SystemClock};
use signet::demo::service_provider::{Ask, IdentityProvider};
use signet::entropy::SystemEntropy;

use crate::federation::front_door::{agreement, permits};
use crate::support::browser::{Browser, Page};
use crate::support::log::MOST_TALKATIVE;
use crate::support::people::{PASSWORD, give_password};
use crate::support::production::{GATEWAY_PASSWORD, Production, said};

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_terminal_runs_with_the_settings_of_production() {
    let place = Production::set_up("", None).await;
    let metadata = place.path("metadata").display().to_string();
    let library = place.path("metadata/sp/city-of-example/library").display().to_string();
    let commands: [&[&str]; 11] = [
        &["check"],
        &["migrate", "--pending"],
        &["sp", "check", &library],
        &["sp", "apply", &metadata],
        &["keys", "status"],
        &["keys", "status", "--addresses"],
        &["keys", "generate", "--decryption"],
        &["audit", "verify"],
        &["release", "explain", "--sp", "https://library.city.example.us/shibboleth"],
        &["account", "end-sessions"],
        &["--version"],
    ];
    for command in commands {
        let ended = place.command(command);
        let said = said(&ended);
        // A panic ends with 101 and an abort by a signal; both say so.
        assert!(ended.status.code().is_some_and(|code| code <= 3), "{command:?}: {:?}: {said}", ended.status);
        assert!(!said.contains("panicked"), "{command:?}: {said}");
    }
    let checked = place.command(&["check"]);
    let said = said(&checked);
    assert!(checked.status.success(), "{said}");
    for good in ["good     mail: 127.0.0.1:", "good     sms: 127.0.0.1", "good     database", "good     services"] {
        assert!(said.contains(good), "{good}: {said}");
    }
    assert!(!said.contains("server.proxies"), "{said}");

    // Nobody but a proxy in front can speak https for it.
    let file = place.path("signet.toml");
    let text = std::fs::read_to_string(&file).expect("settings");
    let url = text.lines().find(|line| line.starts_with("public_url")).expect("an address");
    std::fs::write(&file, text.replace(url, "public_url = \"https://login.example.gov\""))
        .expect("settings are written");
    let said = self::said(&place.command(&["check"]));
    assert!(said.contains("warning  settings: server.proxies is 0"), "{said}");
}

/// Somebody who signs up with a phone, signs in at a service, forgets the password, and types much that is wrong.
async fn whole_journeys(place: &Production) -> Vec<String> {
    const EMAIL: &str = "ada.marker@example.gov";
    let browser = Browser::new(&place.url());
    let submit = |page: Page, fields: Vec<(&'static str, String)>| {
        let browser = browser.clone();
        async move {
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            browser.submit(&page, &fields).await
        }
    };
    let page = browser.get("/sign-up").await;
    browser.submit_to(&page, "/sign-up", &[("email", EMAIL), ("rules", "yes")]).await.expect_status(200);
    let link = place.link_to(EMAIL, 0).await;
    let page = browser.get(&link).await;
    let page = submit(page, vec![("password", PASSWORD.to_owned()), ("again", PASSWORD.to_owned())]).await;
    assert_eq!(page.url.path(), "/sign-up/methods", "{}", page.text());
    let page = browser.get("/sign-up/methods/sms").await;
    let wrong = submit(page.clone(), vec![("phone", "555 0199 marker".to_owned())]).await;
    wrong.expect_status(422);
    let page = submit(page, vec![("phone", "(202) 456-1111".to_owned())]).await;
    let code = place.code(0).await;
    let page = submit(page, vec![("code", code.clone())]).await;
    let recovery_key = page.find("#recovery-key code").expect("the recovery key");
    browser.submit_to(&page, "/sign-up/recovery-key", &[("kept", "yes")]).await.expect_status(200);

    // At a service, which is sent something.
    let published = browser.get("/saml/metadata").await;
    let idp = IdentityProvider::from_metadata(published.body.as_bytes()).unwrap();
    let ask = Ask { attributes: vec!["email".to_owned()], ..Ask::default() };
    let request =
        permits().request(&idp, &ask, Some("a-marker-of-a-state"), SystemClock.now(), &SystemEntropy).unwrap();
    let page = browser.get(&request.url).await;
    let agree = page.forms().into_iter().find(|form| form.action.path().starts_with("/saml/consent/"));
    let page = browser.submit_form(&agree.unwrap_or_else(|| panic!("{}", page.text()))).await;
    page.expect_status(200).form_with(&["SAMLResponse"]);
    let response = page.form_with(&["SAMLResponse"]).value("SAMLResponse").expect("a response").to_owned();

    // Wrong and forgotten passwords, in another browser.
    let elsewhere = Browser::new(&place.url());
    give_password(&elsewhere, EMAIL, "a wrong marker of a password").await;
    let page = give_password(&elsewhere, EMAIL, PASSWORD).await;
    assert!(page.url.path().starts_with("/sign-in/second-factor"), "{}", page.text());
    let page = elsewhere.get("/sign-in/second-factor/sms").await;
    let page = elsewhere.submit_to(&page, "/sms/send", &[]).await;
    let second = place.code(1).await;
    elsewhere.submit(&page, &[("code", &second)]).await.expect_status(200);
    let page = elsewhere.get("/forgot-password").await;
    let mails = place.mail.mails().len();
    elsewhere.submit_to(&page, "/forgot-password", &[("email", EMAIL)]).await;
    let reset = place.link_to(EMAIL, mails).await;
    elsewhere.get(&reset).await.expect_status(200);
    elsewhere.get("/saml/sso?SAMLRequest=marker-of-a-request&RelayState=marker-of-a-state").await;

    let token = |link: &str| link.rsplit('/').next().expect("a token").to_owned();
    let cookies = [&browser, &elsewhere].map(|browser| browser.cookie("__Host-signet").expect("a cookie"));
    let said = [
        "marker".to_owned(),
        PASSWORD.to_owned(),
        "2024561111".to_owned(),
        "202) 456".to_owned(),
        "+12024561111".to_owned(),
        "202-456-1111".to_owned(),
        GATEWAY_PASSWORD.to_owned(),
        recovery_key,
        code,
        second,
        token(&link),
        token(&reset),
        response[..60].to_owned(),
        "PHNhbWxwOl".to_owned(),
        "<saml".to_owned(),
    ];
    said.into_iter().chain(cookies).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_the_service_at_its_most_talkative_holds_nothing_personal_and_nothing_secret() {
    let sp = permits();
    let metadata = sp.metadata("Permits").unwrap().as_str().to_owned();
    let agreed = agreement("default_attributes = [\"email\"]", &["email"]);
    let mut place = Production::set_up("", Some(("department-of-parks", "permits", metadata, agreed))).await;
    place.serve(MOST_TALKATIVE).await;
    let secrets = whole_journeys(&place).await;
    let log = place.stop();
    for event in ["answered", "assertion_issued", "account_created", "message_sent", "signed_in", "wrong_password"] {
        assert!(log.contains(event), "{event} is not in the log");
    }
    let found: Vec<String> = secrets
        .iter()
        .filter_map(|secret| log.lines().find(|line| line.contains(secret)).map(|line| format!("{secret:?}: {line}")))
        .collect();
    assert!(found.is_empty(), "in the log: {}", found.join("\n"));
}
