//! The application starts from settings, answers, and stops when it is told to.

use std::path::Path;

use openssl::{
    asn1::Asn1Time,
    bn::BigNum,
    hash::MessageDigest,
    pkey::PKey,
    rsa::Rsa,
    x509::{X509, X509NameBuilder, extension::SubjectAlternativeName},
};
use signet::{
    app::{Application, BuildError, Surroundings},
    entropy::SystemEntropy,
    services::keys::{GenerateKeys, LocalKeys, SealingSecret, SigningKeyKind},
    settings::{
        ConnectionSettings, DatabaseSettings, FederationSettings, KeySettings, LimitSettings, MailSettings,
        ServerSettings, SessionSettings, Settings, SmsSettings, TextMessageSettings,
    },
    storage::Store,
};
use time::macros::utc_datetime;

use crate::support::app::TestApp;
use crate::support::log::KeptLog;

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
        contact: Default::default(),
        connections: ConnectionSettings::default(),
        database: DatabaseSettings { url: format!("sqlite:{}", folder.join("signet.db").display()), connections: 4 },
        federation: FederationSettings {
            entity_id: None,
            metadata_folder: folder.join("metadata"),
            watch: false,
            organization: "Signet".into(),
            support_email: None,
            security_email: None,
            encryption_methods: Default::default(),
            denied_algorithms: Vec::new(),
        },
        keys: KeySettings { folder: keys, passphrase_file },
        mail: MailSettings::Sandbox,
        passwords: Default::default(),
        retention: Default::default(),
        server: ServerSettings {
            listen: format!("127.0.0.1:{port}").parse().unwrap(),
            public_url: format!("http://localhost:{port}").parse().unwrap(),
            service_name: "Signet".into(),
            tls_certificate: None,
            tls_key_file: None,
            metrics_listen: None,
            proxies: 0,
            https_only_days: 30,
            https_only_subdomains: false,
            node: "main".into(),
        },
        limits: LimitSettings::default(),
        sessions: SessionSettings::default(),
        sms: SmsSettings::Sandbox,
        text_messages: TextMessageSettings::default(),
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

/// A key and a certificate for localhost, both PEM, that nobody but itself vouches for.
fn certify_localhost() -> (Vec<u8>, Vec<u8>) {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "localhost").unwrap();
    let name = name.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(2).unwrap()).unwrap();
    builder.set_pubkey(&key).unwrap();
    let host = SubjectAlternativeName::new().dns("localhost").build(&builder.x509v3_context(None, None)).unwrap();
    builder.append_extension(host).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    (key.private_key_to_pem_pkcs8().unwrap(), builder.build().to_pem().unwrap())
}

#[tokio::test]
async fn the_pages_are_served_over_tls_with_what_the_settings_name() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (key, certificate) = certify_localhost();
    std::fs::write(at("tls.crt"), &certificate).unwrap();
    std::fs::write(at("tls.key"), key).unwrap();
    let mut settings = settings(folder.path());
    settings.server.public_url = settings.server.public_url.as_str().replace("http:", "https:").parse().unwrap();
    settings.server.tls_certificate = Some(at("tls.crt"));
    settings.server.tls_key_file = Some(at("tls.key"));
    migrate(&settings);
    let application = Application::build(&settings, &Surroundings::demonstration()).unwrap();
    let url = application.public_url().join("/readyz").unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(application.run_until(async { drop(stopped.await) }));

    let authority = reqwest::Certificate::from_pem(&certificate).unwrap();
    let here = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let client =
        || reqwest::Client::builder().no_proxy().resolve("localhost", here).add_root_certificate(authority.clone());
    let answer = client().build().unwrap().get(url.clone()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=2592000");
    let old = client().max_tls_version(reqwest::tls::Version::TLS_1_1).build();
    if let Ok(old) = old {
        assert!(old.get(url.clone()).send().await.is_err(), "TLS 1.1 is spoken");
    }
    let clear = url.as_str().replace("https:", "http:");
    assert!(client().build().unwrap().get(clear).send().await.is_err(), "clear text is answered");
    let strangers = reqwest::Client::builder().no_proxy().resolve("localhost", here).build().unwrap();
    assert!(strangers.get(url).send().await.is_err(), "a certificate that nobody vouches for is believed");
    stop.send(()).unwrap();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_proxy_that_the_settings_do_not_know_is_told_of_once() {
    let Some(kept) = KeptLog::begin() else { return };
    let app = TestApp::start().await;
    let this_machine = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let client = reqwest::Client::builder().no_proxy().resolve("localhost", this_machine).build().unwrap();
    let told = || kept.text().matches("unknown_proxy_noticed").count();
    client.get(format!("{}/", app.at)).send().await.unwrap();
    assert_eq!(told(), 0);
    for header in ["x-forwarded-for", "forwarded", "x-forwarded-for"] {
        client.get(format!("{}/", app.at)).header(header, "for=198.51.100.7").send().await.unwrap();
    }
    assert_eq!(told(), 1);
    assert!(!kept.text().contains("198.51.100.7"));
}
