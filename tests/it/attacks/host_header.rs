//! The request that says where we are.
//!
//! Whoever sends a request writes its `Host`, and a careless proxy passes on `X-Forwarded-Host`. A program that makes its links
//! from them mails the person a link to the attacker's machine, with the token that sets a new password in it; or publishes
//! metadata with his addresses. Our own address is a setting; nothing that a request says changes it.

use reqwest::Method;
use reqwest::header::LOCATION;

use super::door::{House, ORIGIN};

const LIES: &[&[(&str, &str)]] = &[
    &[("host", "evil.example")],
    &[("host", "idp.example@evil.example")],
    &[("host", "evil.example:80")],
    &[("x-forwarded-host", "evil.example"), ("x-forwarded-proto", "http")],
    &[("forwarded", "host=evil.example;proto=http")],
    &[("x-original-url", "http://evil.example/"), ("x-rewrite-url", "/evil.example")],
    &[("x-host", "evil.example"), ("x-forwarded-server", "evil.example"), ("x-forwarded-port", "81")],
    &[("origin", "https://idp.example"), ("referer", "https://evil.example/")],
];

#[tokio::test(flavor = "multi_thread")]
async fn mails_lead_to_us_whatever_the_request_says() {
    let house = House::open().await;
    for (number, lie) in LIES.iter().enumerate() {
        house.app.clock.advance(time::Duration::minutes(2));
        for (path, email) in
            [("/forgot-password", "victim@example.gov".to_owned()), ("/sign-up", format!("new{number}@example.gov"))]
        {
            let browser = house.app.browser();
            let sent = house.app.inbox.messages().len();
            let page = browser.get(path).await;
            let form = page.form_with(&["email"]).with(&[("email", &email), ("rules", "yes")]);
            let fields: Vec<(&str, &str)> =
                form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let page = browser.once_with(Method::POST, path, Some(&fields), lie).await;
            page.expect_status(200);
            assert!(!page.body.contains("evil.example"), "{lie:?}: {}", page.body);
            let mail = house.app.message_to(&email, sent).await;
            assert!(mail.body.contains(&format!("{ORIGIN}/")), "{lie:?}: {}", mail.body);
            assert!(
                !format!("{mail:?}").contains("evil.example") && !mail.body.contains("evil"),
                "{lie:?}: {}",
                mail.body
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_and_redirects_do_not_repeat_it() {
    let house = House::open().await;
    let genuine = house.app.browser().get("/saml/metadata").await.body;
    for lie in LIES {
        let page = house.app.browser().once_with(Method::GET, "/saml/metadata", None, lie).await;
        assert!(page.expect_status(200).body == genuine, "{lie:?}");
        for path in ["/account", "/saml/continue/0123456789abcdef0123456789abcdef", "/sign-in", "/no-such-page"] {
            let page = house.app.browser().once_with(Method::GET, path, None, lie).await;
            let location = page.headers.get(LOCATION).map(|value| value.to_str().unwrap().to_owned());
            assert!(location.as_ref().is_none_or(|to| to.starts_with('/') && !to.starts_with("//")), "{location:?}");
            assert!(!page.body.contains("evil.example"), "{path} {lie:?}");
        }
        let arrived = house.victim.once_with(Method::GET, &house.request(), None, lie).await;
        arrived.expect_status(303);
        assert!(arrived.headers[LOCATION].to_str().unwrap().starts_with("/saml/continue/"));
    }
}
