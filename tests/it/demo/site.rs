//! The demonstration agency's site, through its front door, with an identity provider that the test plays.

use std::{net::TcpListener, sync::Arc};

use actix_web::{App, HttpServer, web};
use reqwest::{Method, Url};
use signet::{
    clock::{Clock as _, SystemClock},
    demo::{
        DemoPerson, OpenRequestsFile,
        service_provider::ServiceProvider,
        site::{DemoSite, serve},
    },
    entropy::SystemEntropy,
    saml::xml::{Document, Limits},
    services::{
        mail::{Mail as _, OutgoingMail},
        sandbox::SandboxInbox,
    },
    subscriber::EmailAddress,
};

use super::service_provider::{Answer, authn_request, idp_metadata};
use crate::{saml::keys::RSA, support::browser::Browser};

/// Starts the site and the metadata of an identity provider; gives the site's address.
fn started() -> String {
    started_with(SandboxInbox::new(Arc::new(SystemClock)))
}

fn started_with(inbox: SandboxInbox) -> String {
    let idp = TcpListener::bind("127.0.0.1:0").unwrap();
    let idp_url = format!("http://{}", idp.local_addr().unwrap());
    let serve_idp = || App::new().route("/metadata", web::get().to(|| async { idp_metadata() }));
    let server = HttpServer::new(serve_idp).workers(1).disable_signals().listen(idp).unwrap();
    actix_web::rt::spawn(server.run());

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let service_provider = ServiceProvider::new(
        "http://demo-agency.localhost:9/metadata",
        format!("{base}/acs"),
        &RSA.private_pem,
        &RSA.certificate_pem,
    );
    let site = DemoSite {
        service_provider: service_provider.unwrap(),
        idp_metadata_url: format!("{idp_url}/metadata"),
        idp_url,
        inbox,
        person: Some(DemoPerson {
            email: "pat@demo.example".into(),
            password: "a password".into(),
            phone: "+1 202 555 0100".into(),
            recovery_key: "KEY".into(),
        }),
        open_requests: OpenRequestsFile::default(),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
    };
    actix_web::rt::spawn(serve(site, listener).unwrap());
    base
}

/// Follows a way to sign in as far as the identity provider's door: the request's ID and its RelayState.
async fn send_away(browser: &Browser, base: &str, choice: &str) -> (String, String) {
    let url = Url::parse(&format!("{base}/sign-in/{choice}")).unwrap();
    let answer = browser.once(Method::GET, url, None).await;
    answer.expect_status(303);
    let location = Url::parse(answer.headers["location"].to_str().unwrap()).unwrap();
    let document = Document::parse(&authn_request(location.query().unwrap()), &Limits::PROTOCOL).unwrap();
    let relay_state = location.query_pairs().find(|(name, _)| name == "RelayState").unwrap().1.into_owned();
    (document.root().attribute("ID").unwrap().to_owned(), relay_state)
}

fn answer(base: &str, request_id: &str) -> Answer {
    let acs: &'static str = format!("{base}/acs").leak();
    let request_id: &'static str = request_id.to_owned().leak();
    Answer {
        destination: acs,
        recipient: acs,
        in_response_to: request_id,
        confirmed_request: request_id,
        issued_at: SystemClock.now(),
        ..Answer::right()
    }
}

#[actix_web::test]
async fn a_sign_in_shows_exactly_what_was_received_until_the_sign_out() {
    let base = started();
    let browser = Browser::new(&base);
    browser.get("/").await.expect_status(200).expect_words("pat@demo.example");
    browser.get("/received").await.expect_status(200).expect_words("Nothing received yet");

    let (id, relay_state) = send_away(&browser, &base, "plain").await;
    let response = answer(&base, &id).send();
    let page = browser.post("/acs", &[("SAMLResponse", &response), ("RelayState", &relay_state)]).await;
    page.expect_status(200).expect_words("You are signed in");
    assert_eq!(page.find("#name-id").as_deref(), Some("pairwise"));
    assert_eq!(page.find("#attributes tbody tr th").as_deref(), Some("email"));
    assert_eq!(page.find("#attributes tbody tr td").as_deref(), Some("a@b.example"));

    let page = browser.submit_to(&page, "/sign-out", &[]).await;
    page.expect_status(200);
    browser.get("/received").await.expect_words("Nothing received yet");
}

#[actix_web::test]
async fn an_answer_is_taken_once_and_only_in_the_browser_that_asked() {
    let base = started();
    let browser = Browser::new(&base);
    let (id, relay_state) = send_away(&browser, &base, "plain").await;
    let response = answer(&base, &id).send();
    let form = [("SAMLResponse", &*response), ("RelayState", &*relay_state)];
    Browser::new(&base).post("/acs", &form).await.expect_status(400).expect_words("no open request");
    browser.post("/acs", &form).await.expect_status(200);
    browser.post("/acs", &form).await.expect_status(400).expect_words("no open request");
}

#[actix_web::test]
async fn an_error_status_is_shown() {
    let base = started();
    let browser = Browser::new(&base);
    let (id, relay_state) = send_away(&browser, &base, "passive").await;
    let status = "urn:oasis:names:tc:SAML:2.0:status:Responder";
    let response = Answer { status, ..answer(&base, &id) }.send();
    let page = browser.post("/acs", &[("SAMLResponse", &response), ("RelayState", &relay_state)]).await;
    page.expect_status(200).expect_words("You are not signed in");
    assert_eq!(page.find("#status").as_deref(), Some(status));
}

#[actix_web::test]
async fn an_answer_to_another_request_is_not_believed() {
    let base = started();
    let browser = Browser::new(&base);
    let (_, relay_state) = send_away(&browser, &base, "proofed").await;
    let response = answer(&base, "_another").send();
    let page = browser.post("/acs", &[("SAMLResponse", &response), ("RelayState", &relay_state)]).await;
    page.expect_status(400).expect_words("answers another request");
}

#[actix_web::test]
async fn the_inbox_shows_the_newest_first_with_links_that_work() {
    let inbox = SandboxInbox::new(Arc::new(SystemClock));
    for text in ["older", "Open http://localhost:8/sign-up/confirm/abc."] {
        let mail = OutgoingMail {
            to: EmailAddress::parse("a@b.example").unwrap(),
            subject: "<Confirm>".into(),
            text: text.into(),
            html: None,
            reference: "1".into(),
            at: SystemClock.now(),
        };
        inbox.send(&mail).await;
    }
    let base = started_with(inbox);
    let page = Browser::new(&base).get("/inbox").await;
    page.expect_status(200);
    assert_eq!(page.find("h2").as_deref(), Some("Mail to a@b.example: <Confirm>"));
    assert_eq!(page.attribute(".body a", "href").as_deref(), Some("http://localhost:8/sign-up/confirm/abc"));
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
}

#[actix_web::test]
async fn the_html_part_of_a_mail_is_shown_where_it_can_do_nothing() {
    let inbox = SandboxInbox::new(Arc::new(SystemClock));
    let html = "<!doctype html><p>Open <a href=\"http://localhost:8/x\">this</a></p><script>alert(1)</script>";
    for html in [None, Some(html.to_owned())] {
        let mail = OutgoingMail {
            to: EmailAddress::parse("a@b.example").unwrap(),
            subject: "Confirm".into(),
            text: "Open http://localhost:8/x".into(),
            html,
            reference: "1".into(),
            at: SystemClock.now(),
        };
        inbox.send(&mail).await;
    }
    let browser = Browser::new(&started_with(inbox));
    let page = browser.get("/inbox").await;
    assert_eq!(page.link("As HTML").as_deref(), Some("/inbox/2/html"));
    assert_eq!(page.body.matches("As HTML").count(), 1, "the other has none");
    assert!(!page.body.contains("alert(1)"), "the page itself shows the text");
    let shown = browser.get("/inbox/2/html").await;
    assert_eq!(shown.expect_status(200).body, html);
    let policy = shown.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'unsafe-inline';") && policy.contains("; sandbox"),
        "{policy}"
    );
    for nothing in ["/inbox/0/html", "/inbox/1/html", "/inbox/3/html", "/inbox/x/html"] {
        browser.get(nothing).await.expect_status(404);
    }
}
