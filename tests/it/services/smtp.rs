//! Mail by SMTP.

use std::sync::Arc;

use signet::clock::{Clock as _, SystemClock};
use signet::entropy::SystemEntropy;
use signet::jobs::Outbox;
use signet::sealing::ServiceKeys;
use signet::services::ServiceOutcome;
use signet::services::keys::{GenerateKeys, LocalKeys, SealingSecret, SigningKeyKind};
use signet::services::mail::{Mail, OutgoingMail, SmtpMail, SmtpSecurity, SmtpServer, SmtpSettings, SmtpSettingsError};
use signet::services::message::{Message, OutboxId};
use signet::services::sandbox::SandboxInbox;
use signet::storage::{OutboxEntry, StoreError};
use signet::subscriber::EmailAddress;
use time::Duration;
use tokio::net::TcpListener;

use crate::support::app::MovableClock;
use crate::support::database::TestDatabase;
use crate::support::neighbours::MailServer;

fn settings(port: u16, security: SmtpSecurity) -> SmtpSettings {
    let from = "Signet <no-reply@login.example.gov>".to_owned();
    SmtpSettings { host: "127.0.0.1".to_owned(), port, security, credentials: None, from, authority_pem: None }
}

fn mail(number: u8) -> OutgoingMail {
    OutgoingMail {
        to: EmailAddress::parse("ada@example.org").unwrap(),
        subject: "Confirm your e-mail address".to_owned(),
        text: "Open this: https://login.example.gov/x\n.\nA line with one full stop does not end it. Größe".to_owned(),
        html: None,
        reference: format!("reference-{number}"),
        at: SystemClock.now(),
    }
}

#[tokio::test]
async fn a_mail_arrives_whole_with_its_reference_and_connections_are_used_again() {
    let sink = MailServer::default();
    let port = sink.clone().start().await;
    let smtp = SmtpMail::new(SmtpServer::check(&settings(port, SmtpSecurity::None)).unwrap());
    for number in 0..6 {
        assert_eq!(smtp.send(&mail(number)).await, ServiceOutcome::Answered(()));
    }
    let mails = sink.mails();
    assert_eq!(mails.len(), 6);
    let first = &mails[0];
    assert!(first.contains("Message-ID: <reference-0@login.example.gov>"), "{first}");
    assert!(first.contains("To: ada@example.org") && first.contains("Subject: Confirm your e-mail address"), "{first}");
    assert!(first.contains("Signet <no-reply@login.example.gov>"), "{first}");
    assert!(first.contains("A line with one full stop does not end it."), "{first}");
    // A connection goes back to the pool a moment after its mail, so a second one may be there.
    assert!(*sink.connections.lock().unwrap() <= 3);
}

#[tokio::test]
async fn a_mail_with_an_html_part_offers_the_text_first_and_asks_for_no_automatic_answer() {
    let sink = MailServer::default();
    let port = sink.clone().start().await;
    let smtp = SmtpMail::new(SmtpServer::check(&settings(port, SmtpSecurity::None)).unwrap());
    let both = OutgoingMail { html: Some("<!doctype html><p>Open this</p>".to_owned()), ..mail(0) };
    assert_eq!(smtp.send(&both).await, ServiceOutcome::Answered(()));
    let mail = &sink.mails()[0];
    assert!(mail.contains("Content-Type: multipart/alternative"), "{mail}");
    // RFC 2046, 5.1.4: the part that is preferred comes last.
    let (text, html) = (mail.find("Content-Type: text/plain"), mail.find("Content-Type: text/html"));
    assert!(text.is_some() && text < html, "{mail}");
    assert!(mail.contains("Auto-Submitted: auto-generated"), "{mail}");
}

#[tokio::test]
async fn a_refusal_is_final_and_an_outage_is_not_and_neither_repeats_the_address() {
    let sink = MailServer::default();
    sink.answers.lock().unwrap().extend(["550 no such mailbox ada@example.org", "451 try again, ada@example.org"]);
    let port = sink.clone().start().await;
    let smtp = SmtpMail::new(SmtpServer::check(&settings(port, SmtpSecurity::None)).unwrap());
    let (refused, later) = (smtp.send(&mail(0)).await, smtp.send(&mail(1)).await);
    assert!(matches!(&refused, ServiceOutcome::Refused(reason) if reason.to_string().contains("550")), "{refused:?}");
    assert!(matches!(&later, ServiceOutcome::Unavailable(reason) if reason.to_string().contains("451")), "{later:?}");
    assert!(!format!("{refused:?}{later:?}").contains("ada@"));
    assert_eq!(smtp.send(&mail(2)).await, ServiceOutcome::Answered(()));
    // Nobody listens there.
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let nobody = SmtpMail::new(SmtpServer::check(&settings(closed, SmtpSecurity::None)).unwrap());
    assert!(matches!(nobody.send(&mail(3)).await, ServiceOutcome::Unavailable(_)));
}

#[tokio::test]
async fn without_tls_nothing_is_sent_unless_the_server_is_this_machine() {
    let sink = MailServer::default();
    let port = sink.clone().start().await;
    // STARTTLS is demanded and the server has none.
    let smtp = SmtpMail::new(SmtpServer::check(&settings(port, SmtpSecurity::Starttls)).unwrap());
    assert!(!matches!(smtp.send(&mail(0)).await, ServiceOutcome::Answered(())));
    assert_eq!(sink.mails(), Vec::<String>::new());
    let elsewhere = SmtpSettings { host: "mail.example.gov".to_owned(), ..settings(25, SmtpSecurity::None) };
    assert!(matches!(SmtpServer::check(&elsewhere), Err(SmtpSettingsError::ClearText)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_met_an_outage_and_a_dead_worker_is_sent_once_after_them() {
    for database in TestDatabase::each() {
        let store = &database.store;
        let clock = Arc::new(MovableClock::default());
        let folder = tempfile::tempdir().unwrap();
        let wanted = GenerateKeys { common_name: "localhost", signing: SigningKeyKind::EcP256, now: clock.now() };
        let secret = SealingSecret::new("a passphrase of the tests").unwrap();
        let keys: Arc<dyn ServiceKeys> = Arc::new(
            LocalKeys::generate(&folder.path().join("keys"), &secret, &wanted, Arc::new(SystemEntropy)).unwrap(),
        );
        let sink = MailServer::default();
        sink.answers.lock().unwrap().push_back("421 busy");
        let port = sink.clone().start().await;
        let smtp = Arc::new(SmtpMail::new(SmtpServer::check(&settings(port, SmtpSecurity::None)).unwrap()));
        let texts = Arc::new(SandboxInbox::new(clock.clone()));
        let outbox = Outbox::new(store.clone(), keys.clone(), smtp, texts, clock.clone());

        let (id, now) = (OutboxId::random(&SystemEntropy), clock.now());
        let message = Message::Mail {
            to: "ada@example.org".into(),
            subject: "Confirm".into(),
            text: "Open this".into(),
            html: None,
        };
        let entry = OutboxEntry {
            id,
            kind: message.kind().to_owned(),
            sealed: message.seal(id, &*keys).unwrap(),
            run_at: now,
            attempts: 0,
            expires_at: now + Duration::hours(24),
        };
        store.transaction_blocking::<_, StoreError, _>(|tx| tx.enqueue(&entry)).unwrap();

        // A worker takes it and dies.
        let lease = now + Duration::minutes(2);
        let taken =
            store.transaction_blocking::<_, StoreError, _>(|tx| tx.claim_outbox("mail", 10, now, lease)).unwrap();
        assert_eq!(taken.len(), 1, "{}", database.name);
        assert_eq!(outbox.work_once().await, Ok(0), "{}: it is leased", database.name);
        clock.advance(Duration::minutes(3));
        // The next one meets an outage, the one after it does not.
        assert_eq!(outbox.work_once().await, Ok(1), "{}", database.name);
        assert_eq!(sink.mails().len(), 0, "{}", database.name);
        clock.advance(Duration::minutes(11));
        assert_eq!(outbox.work_once().await, Ok(1), "{}", database.name);
        assert_eq!(outbox.work_once().await, Ok(0), "{}", database.name);
        let mails = sink.mails();
        assert_eq!(mails.len(), 1, "{}", database.name);
        assert!(mails[0].contains(&format!("Message-ID: <{id}@login.example.gov>")), "{}", mails[0]);
    }
}
