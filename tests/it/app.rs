//! The application starts from settings, answers, and stops when it is told to.

use std::path::Path;

use signet::{
    app::{Application, BuildError, Surroundings},
    services::{
        SystemEntropy,
        keys::{GenerateKeys, LocalKeys, SealingSecret, SigningKeyKind},
    },
    settings::{
        DatabaseSettings, FederationSettings, KeySettings, MailSettings, ServerSettings, SessionSettings, Settings,
        SmsSettings,
    },
    storage::Store,
};
use time::macros::utc_datetime;

const PASSPHRASE: &str = "a passphrase of the tests";

/// Settings with everything in one folder, keys made.
fn settings(folder: &Path) -> Settings {
    let passphrase_file = folder.join("passphrase");
    std::fs::write(&passphrase_file, PASSPHRASE).unwrap();
    let keys = folder.join("keys");
    let now = utc_datetime!(2026-11-24 12:00:00);
    let wanted = GenerateKeys { common_name: "localhost", signing: SigningKeyKind::EcP256, now };
    let secret = SealingSecret::new(PASSPHRASE).unwrap();
    LocalKeys::generate(&keys, &secret, &wanted, std::sync::Arc::new(SystemEntropy)).unwrap();
    // A free port, taken again a moment later.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    Settings {
        database: DatabaseSettings { url: format!("sqlite:{}", folder.join("signet.db").display()), connections: 4 },
        federation: FederationSettings {
            entity_id: None,
            metadata_folder: folder.join("metadata"),
            watch: false,
            organization: "Signet".into(),
            support_email: None,
        },
        keys: KeySettings { folder: keys, passphrase_file },
        mail: MailSettings::Sandbox,
        server: ServerSettings {
            listen: format!("127.0.0.1:{port}").parse().unwrap(),
            public_url: format!("http://localhost:{port}").parse().unwrap(),
            service_name: "Signet".into(),
            tls_certificate: None,
            tls_key_file: None,
            proxies: 0,
            node: "main".into(),
        },
        sessions: SessionSettings::default(),
        sms: SmsSettings::Sandbox,
    }
}

fn migrate(settings: &Settings) {
    Store::open(&settings.database_url().unwrap(), 1).unwrap().migrate().unwrap();
}

#[test]
fn a_sandbox_is_refused_in_production() {
    let folder = tempfile::tempdir().unwrap();
    let refused = Application::build(&settings(folder.path()), &Surroundings::production());
    assert!(matches!(refused, Err(BuildError::Sandbox("mail.kind"))), "{refused:?}");
}

#[test]
fn an_old_schema_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let error = Application::build(&settings(folder.path()), &Surroundings::demonstration()).unwrap_err();
    assert!(error.to_string().contains("signet migrate"), "{error}");
}

#[tokio::test]
async fn it_answers_until_it_is_told_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    migrate(&settings);
    let application = Application::build(&settings, &Surroundings::demonstration()).unwrap();
    let url = application.public_url().join("/readyz").unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(application.run_until(async { drop(stopped.await) }));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(url.clone()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    stop.send(()).unwrap();
    running.await.unwrap().unwrap();
    assert!(client.get(url).send().await.is_err(), "it still answers");
}
