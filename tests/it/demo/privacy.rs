//! The log of whole journeys, at its most talkative, says nothing personal and nothing secret.

use signet::demo::person;

use super::whole::{start_in, walk};
use crate::support::browser::Browser;
use crate::support::log::KeptLog;

#[tokio::test]
async fn the_log_of_whole_journeys_holds_nothing_personal_and_nothing_secret() {
    let Some(kept) = KeptLog::begin() else { return };
    let folder = tempfile::tempdir().unwrap();
    let started = start_in(&folder);
    let browser = Browser::new(&started.places.start_url());
    for kind in ["/sign-in/plain", "/sign-in/proofed", "/sign-in/too-much"] {
        let page = walk(&started, &browser, browser.get(kind).await).await;
        page.expect_words("You are signed in");
    }
    // Somebody who does everything wrong, whose words are not repeated either.
    let stranger = Browser::new(&started.idp_url());
    let page = stranger.get("/sign-in").await;
    let wrong = [("email", "nobody.marker@example.org"), ("password", "a wrong marker of a password")];
    stranger.submit(&page, &wrong).await;
    stranger.get("/sign-up/confirm/marker-of-a-token").await;
    stranger.get("/saml/sso?SAMLRequest=marker-of-a-request&RelayState=marker-of-a-state").await;
    let page = stranger.get("/sign-up").await;
    stranger.submit_to(&page, "/sign-up", &[("email", "newcomer.marker@example.org"), ("rules", "yes")]).await;

    let codes: Vec<String> = started
        .inbox
        .messages()
        .iter()
        .flat_map(|message| {
            message
                .body
                .split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .filter(|word| (word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit())) || word.len() > 30)
        .collect();
    assert!(!codes.is_empty(), "no code was sent");
    let cookie = browser.cookie("__Host-demo-agency").into_iter();
    started.stop().await;

    let log = kept.text();
    let events = [
        "answered",
        "assertion_issued",
        "consent_given",
        "message_sent",
        "refused",
        "request_accepted",
        "signed_in",
        "wrong_password",
    ];
    for event in events {
        assert!(log.contains(event), "{event} is not in the log");
    }
    let personal = [
        person::EMAIL,
        person::PASSWORD,
        "pat.sample",
        "2025550142",
        "202 555 0142",
        "900-12-3456",
        "900123456",
        "12 Example Street",
        "1980-02-29",
        "marker",
        "PHNhbWxwOl",
        "<saml",
    ];
    let mut found = Vec::new();
    for secret in personal.into_iter().map(str::to_owned).chain(codes).chain(cookie) {
        let line = log.lines().find(|line| line.contains(&secret));
        found.extend(line.map(|line| format!("{secret:?} is in the log: {line}")));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
