//! The form that another site fills in.
//!
//! A page of the attacker's posts to us from the person's browser, which adds her cookie: to agree, to add his address to
//! her account, to sign her out, or to sign her in as him (login CSRF). Every form of ours carries a token of its session,
//! compared in constant time; and what the browser says of where a form stood (`Origin`, `Sec-Fetch-Site`) must not
//! contradict it. A form without the right token may also be one of ours that came too late, so its person is led on; nothing
//! of it is done. The table below is held against the site, so that no form is left out.

use std::collections::BTreeSet;

use reqwest::Method;
use reqwest::header::LOCATION;
use serde_json::json;

use super::door::{House, id_on, is_response, token_of};

/// Every address that takes a form, with a form that would do something.
const FORMS: &[(&str, &[(&str, &str)])] = &[
    ("/account/email/add", &[("email", "mallory@example.org")]),
    ("/account/email/confirm/{token}", &[]),
    ("/account/email/remove", &[("id", "ID")]),
    ("/account/methods/add/sms", &[("phone", "(202) 456-1414")]),
    ("/account/methods/add/sms/again", &[]),
    ("/account/methods/add/sms/code", &[("code", "123456")]),
    ("/account/methods/add/totp", &[("code", "123456"), ("name", "mine")]),
    ("/account/methods/remove", &[("id", "ID")]),
    ("/account/methods/rename", &[("id", "ID"), ("name", "mine")]),
    ("/account/password", &[("password", "umber quartz heron lagoon"), ("again", "umber quartz heron lagoon")]),
    ("/account/recovery-key", &[]),
    ("/account/services/disconnect", &[("service", "ID")]),
    ("/account/sessions/end", &[]),
    ("/account/sign-out", &[]),
    ("/forgot-password", &[("email", "victim@example.gov")]),
    ("/forgot-password/old", &[("password", "pelican fjord umber quartz")]),
    ("/forgot-password/unlock", &[("recovery_key", "0000-0000-0000-0000-0000-0000-0000")]),
    ("/forgot-password/{token}", &[("password", "umber quartz heron lagoon"), ("again", "umber quartz heron lagoon")]),
    ("/forgot-password/{token}/old", &[]),
    ("/forgot-password/{token}/request", &[("go_on", "yes")]),
    ("/saml/consent/{id}", &[("digest", "0")]),
    ("/saml/decline/{id}", &[]),
    ("/saml/logout/{id}", &[("extent", "everywhere")]),
    ("/sign-in", &[("email", "mallory@example.org"), ("password", "pelican fjord umber quartz")]),
    ("/sign-in/second-factor/sms", &[("code", "123456")]),
    ("/sign-in/second-factor/sms/send", &[("id", "ID")]),
    ("/sign-in/second-factor/totp", &[("code", "123456")]),
    ("/sign-up", &[("email", "mallory@example.org"), ("rules", "yes")]),
    ("/sign-up/confirm/{token}", &[("password", "umber quartz heron lagoon"), ("again", "umber quartz heron lagoon")]),
    ("/sign-up/confirm/{token}/request", &[("go_on", "yes")]),
    ("/sign-up/methods/sms", &[("phone", "(202) 456-1414")]),
    ("/sign-up/methods/sms/again", &[]),
    ("/sign-up/methods/sms/code", &[("code", "123456")]),
    ("/sign-up/methods/totp", &[("code", "123456"), ("name", "mine")]),
    ("/sign-up/recovery-key", &[("kept", "yes")]),
    ("/unlock", &[("password", "pelican fjord umber quartz")]),
];

/// Every address that our script calls.
const SCRIPTS: &[&str] = &[
    "/account/methods/add/webauthn",
    "/account/methods/add/webauthn/options",
    "/sign-in/second-factor/webauthn",
    "/sign-in/second-factor/webauthn/options",
    "/sign-up/methods/webauthn",
    "/sign-up/methods/webauthn/options",
];

fn concrete(path: &str, id: &str) -> String {
    // A logout's id is the shorter one.
    let id = if path.starts_with("/saml/logout/") { &id[..32] } else { id };
    path.replace("{id}", id).replace("{token}", &"A".repeat(43))
}

/// What a stranger could see change.
fn state(house: &House) -> [i64; 8] {
    ["outbox", "disclosure", "consent", "authenticator", "email_address", "email_link", "history", "subscriber"]
        .map(|table| house.app.count(table, "1 = 1"))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_form_of_ours_is_left_out_of_the_table() {
    let house = House::open().await;
    let ben = house.newcomer("ben@example.gov").await;
    let mut found = BTreeSet::new();
    for pattern in signet::address::patterns() {
        let answer = ben.post(&concrete(pattern, &"0".repeat(48)), &[]).await;
        // A page that knows no POST says so.
        if answer.status.as_u16() != 405 {
            found.insert(pattern);
        }
    }
    // A file.
    assert!(found.remove("/logo.svg"));
    // What other sites and services' servers are to post to.
    for theirs in ["/saml/artifact", "/saml/logout", "/saml/sso"] {
        assert!(found.remove(theirs), "{theirs}");
    }
    let listed: BTreeSet<&str> = FORMS.iter().map(|(path, _)| *path).chain(SCRIPTS.iter().copied()).collect();
    assert_eq!(found, listed);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_form_is_taken_without_its_token_or_from_another_site() {
    let house = House::open().await;
    let ben = house.newcomer("ben@example.gov").await;
    let id = id_on(&ben.get(&house.ask(&[], None).url).await);
    let own = token_of(&ben).await;
    let foreign = token_of(&house.victim).await;
    let cookie = ben.cookie("__Host-signet");
    let before = state(&house);
    let longer = format!("{own}A");
    for (path, fields) in FORMS {
        let path = concrete(path, &id);
        let with = |token: &str| {
            let mut all: Vec<(String, String)> =
                fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            all.push(("csrf".to_owned(), token.to_owned()));
            all
        };
        let send = async |fields: &[(String, String)], headers: &[(&str, &str)]| {
            let fields: Vec<(&str, &str)> =
                fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            ben.once_with(Method::POST, &path, Some(&fields), headers).await
        };
        for token in ["", "A", &foreign, &longer, &own[1..], &own.to_lowercase()] {
            // As from a page of a session that is over: the browser is sent to where its person goes on.
            let page = send(&with(token), &[]).await;
            assert_eq!(page.status, 303, "{path}: {}", page.text());
            assert!(page.headers[LOCATION].to_str().unwrap().starts_with('/'), "{path}");
        }
        for headers in [
            [("origin", "https://evil.example")],
            [("origin", "null")],
            [("origin", "http://idp.example")],
            [("origin", "https://idp.example.evil.example")],
            [("origin", "https://idp.example:8443")],
            [("sec-fetch-site", "cross-site")],
            [("sec-fetch-site", "same-site")],
        ] {
            send(&with(&own), &headers).await.expect_status(403).expect_words("Code: W05");
        }
        // Without the field there is no form of ours.
        let bare = with("");
        send(&bare[..bare.len() - 1], &[]).await.expect_status(400);
        assert_eq!(state(&house), before, "{path} did something");
    }
    assert_eq!(ben.cookie("__Host-signet"), cookie, "the session is the same");
    ben.get("/account").await.expect_words("ben@example.gov");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_of_a_script_is_taken_without_its_token_or_from_another_site() {
    let house = House::open().await;
    let ben = house.newcomer("ben@example.gov").await;
    let own = token_of(&ben).await;
    let foreign = token_of(&house.victim).await;
    let before = state(&house);
    for path in SCRIPTS {
        let path = format!("{path}?kind=passkey");
        for token in ["", &foreign, &own[1..]] {
            let answer = ben.post_json(&path, token, &json!({ "answer": {}, "name": "mine" })).await;
            assert_eq!(answer.status, 422, "{path}: {}", answer.body);
            assert!(answer.body.starts_with("{\"next\":\"/"), "{path}: {}", answer.body);
        }
        // A form of another site cannot send JSON; what it can send is not taken.
        let sent = [("x", "{}")];
        let page = ben.once_with(Method::POST, &path, Some(&sent), &[("origin", "https://evil.example")]).await;
        assert!(page.status.is_client_error(), "{path}: {}", page.status);
        assert_eq!(state(&house), before, "{path} did something");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_itself_does_what_it_says() {
    // Otherwise the refusals above would prove nothing.
    let house = House::open().await;
    let ben = house.newcomer("ben@example.gov").await;
    let page = ben.get(&house.ask(&[], None).url).await;
    let form = page.form_with(&["digest"]);
    let fields: Vec<(&str, &str)> = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let headers = [("origin", "https://idp.example"), ("sec-fetch-site", "same-origin")];
    assert!(is_response(&ben.once_with(Method::POST, form.action.path(), Some(&fields), &headers).await));
}
