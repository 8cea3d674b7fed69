//! Text messages by Kannel's HTTP interface.

use secrecy::SecretString;
use signet::services::ServiceOutcome;
use signet::services::sms::{KannelSettings, KannelSms, OutgoingSms, Sms};
use signet::subscriber::PhoneNumber;
use tokio::net::TcpListener;

use crate::support::neighbours::Gateway;

async fn gateway(status: &'static str, body: &'static str) -> (u16, Gateway) {
    let gateway = Gateway::default();
    (gateway.clone().start(status, body).await, gateway)
}

fn sender(port: u16) -> KannelSms {
    KannelSms::new(KannelSettings {
        url: format!("http://127.0.0.1:{port}/cgi-bin/sendsms").parse().unwrap(),
        username: "signet".to_owned(),
        password: SecretString::from("a secret & more"),
        from: "Signet".to_owned(),
    })
    .unwrap()
}

fn text() -> OutgoingSms {
    let to = PhoneNumber::parse("+12024561111", "US").unwrap();
    OutgoingSms { to, text: "Signet: 123456 is your code.\n@login.example.gov #123456".to_owned() }
}

#[tokio::test]
async fn a_text_is_handed_over_as_kannel_wants_it() {
    let (port, gateway) = gateway("202 Accepted", "0: Accepted for delivery").await;
    assert_eq!(sender(port).send(&text()).await, ServiceOutcome::Answered(()));
    let value = |name: &str| gateway.parameter(0, name);
    assert_eq!(gateway.asked()[0].path(), "/cgi-bin/sendsms");
    assert_eq!(value("username").as_deref(), Some("signet"));
    assert_eq!(value("password").as_deref(), Some("a secret & more"));
    assert_eq!(value("to").as_deref(), Some("+12024561111"));
    assert_eq!(value("from").as_deref(), Some("Signet"));
    assert_eq!(value("text"), Some(text().text));
}

#[tokio::test]
async fn answers_of_the_gateway_are_told_apart_and_repeat_no_number_and_no_password() {
    for (status, body, refused) in [
        ("400 Bad Request", "Invalid number +12024561111", true),
        ("406 Not Acceptable", "Not routable. Do not try again.", true),
        ("503 Service Unavailable", "3: Queued for later delivery, +12024561111", false),
        ("403 Forbidden", "Authorization failed for sendsms", false),
    ] {
        let (port, _) = gateway(status, body).await;
        let outcome = sender(port).send(&text()).await;
        let as_expected = match &outcome {
            ServiceOutcome::Refused(_) => refused,
            ServiceOutcome::Unavailable(_) => !refused,
            ServiceOutcome::Answered(()) => false,
        };
        assert!(as_expected, "{status}: {outcome:?}");
        let said = format!("{outcome:?}");
        assert!(!said.contains("12024561111") && !said.contains("secret") && !said.contains("123456"), "{said}");
    }
}

#[tokio::test]
async fn a_gateway_that_is_not_there_is_an_outage_that_names_no_secret() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let outcome = sender(closed).send(&text()).await;
    let ServiceOutcome::Unavailable(reason) = outcome else { panic!("{outcome:?}") };
    let reason = reason.to_string();
    assert!(!reason.contains("secret") && !reason.contains("2024561111"), "{reason}");
}
