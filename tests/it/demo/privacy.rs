//! The log of whole journeys, at its most talkative, says nothing personal and nothing secret.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use signet::cli::serve::log_filter;
use signet::demo::person;

use super::whole::{start_in, walk};
use crate::support::browser::Browser;

/// What was logged, kept in memory.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_of_whole_journeys_holds_nothing_personal_and_nothing_secret() {
    let kept = Kept::default();
    let writer = kept.clone();
    // Everything that the server's own code and its libraries say; not what this test's client and its HTML reader say,
    // which are in the same process here.
    let filter = log_filter("trace,hyper=off,hyper_util=off,reqwest=off,html5ever=off,selectors=off").unwrap();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(move || writer.clone());
    if log.try_init().is_err() {
        // Another test of this process keeps the log already (cargo-nextest gives each test a process of its own).
        return;
    }
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

    let log = String::from_utf8_lossy(&kept.0.lock().unwrap()).into_owned();
    assert!(log.contains("answered"), "nothing was logged: {}", log.len());
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
