use super::*;
use crate::authentication::password::Argon2Parameters;
use crate::storage::retention::RetentionTerms;

const GOOD: &str = r#"
    [database]
    url = "sqlite:/var/lib/signet/signet.db"
    [federation]
    metadata_folder = "/etc/signet/metadata"
    [keys]
    folder = "/var/lib/signet/keys"
    passphrase_file = "/run/credentials/passphrase"
    [mail]
    kind = "smtp"
    host = "mail.example.gov"
    port = 465
    security = "tls"
    from = "Signet <no-reply@example.gov>"
    [server]
    listen = "127.0.0.1:8080"
    public_url = "https://login.example.gov"
    [sms]
    kind = "sandbox"
"#;

fn read(text: &str) -> Result<Settings, SettingsError> {
    Settings::from_figment(&Figment::new().merge(Toml::string(text)))
}

#[test]
fn the_entity_id_is_where_the_metadata_lies() {
    let settings = read(GOOD).unwrap();
    assert_eq!(settings.entity_id().unwrap().as_str(), "https://login.example.gov/saml");
    assert_eq!(settings.sandboxed(), Some("sms.kind"));
}

#[test]
fn the_example_of_the_readme_can_be_read() {
    let readme = include_str!("../../README.md");
    let example = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let settings = read(example).unwrap();
    assert_eq!(settings.sandboxed(), None);
    assert_eq!(settings.server.proxies, 1);
}

#[test]
fn an_unknown_key_is_named() {
    let text = GOOD.replace("[sms]", "[sessions]\nidle_minuts = 5\n[sms]");
    let Err(SettingsError::Malformed(message)) = read(&text) else { panic!("it was read") };
    assert!(message.contains("idle_minuts") && message.contains("\"sessions.idle_minuts\""), "{message}");
}

#[test]
fn addresses_that_are_published_are_e_mail_addresses() {
    let with = |line: &str| read(&GOOD.replace("[keys]", &format!("{line}\n[keys]")));
    assert!(with("support_email = \"help@example.gov\"\nsecurity_email = \"incidents@example.gov\"").is_ok());
    let support = with("support_email = \"https://example.gov/help\"");
    assert!(matches!(support, Err(SettingsError::Unusable { key: "federation.support_email", .. })), "{support:?}");
    let security = with("security_email = \"mailto:incidents@example.gov\"");
    assert!(matches!(security, Err(SettingsError::Unusable { key: "federation.security_email", .. })), "{security:?}");
}

#[test]
fn sessions_may_be_shorter_and_not_longer() {
    let with = |minutes: u16| read(&GOOD.replace("[sms]", &format!("[sessions]\nidle_minutes = {minutes}\n[sms]")));
    assert!(with(5).is_ok());
    assert!(matches!(with(16), Err(SettingsError::Unusable { key: "sessions", .. })));
    assert!(matches!(with(0), Err(SettingsError::Unusable { key: "sessions", .. })));
}

#[test]
fn countries_for_text_messages_are_countries_and_connections_are_some() {
    let with = |section: &str| read(&GOOD.replace("[sms]", &format!("{section}\n[sms]")));
    assert!(with("[text_messages]\ncountries = [\"US\", \"MX\"]").is_ok());
    let unusable = |section: &str| match with(section) {
        Err(SettingsError::Unusable { key, .. }) => key,
        other => panic!("{other:?}"),
    };
    assert_eq!(unusable("[text_messages]\ncountries = [\"US\", \"Mexico\"]"), "text_messages.countries");
    assert_eq!(unusable("[connections]\nbody_seconds = 0"), "connections.body_seconds");
}

#[test]
fn clear_text_is_for_localhost_only() {
    let with = |url: &str| read(&GOOD.replace("https://login.example.gov", url));
    assert!(with("http://localhost:8080").is_ok());
    for refused in ["http://login.example.gov", "https://login.example.gov/path", "ftp://localhost"] {
        assert!(matches!(with(refused), Err(SettingsError::Unusable { key: "server.public_url", .. })), "{refused}");
    }
}

#[test]
fn codes_leave_this_machine_by_https_only() {
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("password");
    std::fs::write(&password, "a gateway's password").unwrap();
    let kannel = |url: &str| {
        let gateway = format!(
            "kind = \"kannel\"\nurl = \"{url}\"\nusername = \"signet\"\npassword_file = \"{}\"\nfrom = \"12345\"",
            password.display()
        );
        read(&GOOD.replace("kind = \"sandbox\"", &gateway)).unwrap().sms.kannel()
    };
    for taken in [
        "https://sms.example.gov/cgi-bin/sendsms",
        "http://localhost:13013/cgi-bin/sendsms",
        "http://127.0.0.1:13013/cgi-bin/sendsms",
        "http://[::1]:13013/cgi-bin/sendsms",
    ] {
        assert!(matches!(kannel(taken), Ok(Some(_))), "{taken}");
    }
    for refused in [
        "http://sms.example.gov/cgi-bin/sendsms",
        "http://localhost.example.gov/",
        "http://127.0.0.1.example.gov/",
        "http://127.0.0.1@sms.example.gov/",
        "http://192.0.2.1/",
        "ftp://localhost/",
    ] {
        let refusal = kannel(refused).map(|_| ());
        assert!(matches!(refusal, Err(SettingsError::Unusable { key: "sms.url", .. })), "{refused}: {refusal:?}");
    }
}

#[test]
fn no_password_of_a_database_is_shown() {
    for url in [
        "postgres://signet:s3cr3t@db.example.gov/signet",
        "postgresql://signet:s3cr3t@db.example.gov:5432/signet?sslmode=verify-full",
        "postgres://db.example.gov/signet?user=signet&password=s3cr3t",
        "postgres://signet:p@s3cr3t@db.example.gov/signet",
    ] {
        let settings = read(&GOOD.replace("sqlite:/var/lib/signet/signet.db", url)).unwrap();
        let address = settings.database_url().unwrap();
        for shown in [format!("{settings:?}"), format!("{settings:#?}"), format!("{address:?}"), address.to_string()] {
            assert!(!shown.contains("s3cr3t"), "{shown}");
        }
        assert!(address.to_string().contains("db.example.gov"), "an operator still sees which one it is");
    }
}

#[test]
fn whom_to_ask_is_an_address_or_a_number() {
    let with = |contact: &str| read(&format!("{GOOD}\n[contact]\n{contact}"));
    assert!(!read(GOOD).unwrap().contact.is_there());
    assert!(with("email = \"help@example.gov\"\nhours = \"8 to 5\"").unwrap().contact.is_there());
    let key_of = |outcome: Result<Settings, SettingsError>| match outcome {
        Err(SettingsError::Unusable { key, .. }) => key,
        other => panic!("{other:?}"),
    };
    assert_eq!(key_of(with("email = \"help\"")), "contact.email");
    assert_eq!(key_of(with("phone = \"call us\"")), "contact.phone");
    assert_eq!(key_of(with("phone = \"1\\n2\"")), "contact.phone");
    assert_eq!(key_of(with(&format!("hours = \"{}\"", "x".repeat(121)))), "contact.hours");
}

#[test]
fn a_password_is_made_no_cheaper_than_owasp_says() {
    let with =
        |lines: &str| read(&format!("{GOOD}\n[passwords]\n{lines}")).map(|settings| settings.passwords.cost().unwrap());
    let cost = |memory_kib, iterations, lanes| Argon2Parameters { memory_kib, iterations, lanes };
    assert_eq!(with("").unwrap(), Argon2Parameters::DEFAULT);
    assert_eq!(with("argon2id_memory_kib = 19456\nargon2id_passes = 2").unwrap(), cost(19_456, 2, 1));
    assert_eq!(
        with("argon2id_memory_kib = 7168\nargon2id_passes = 10\nargon2id_lanes = 8").unwrap(),
        cost(7_168, 10, 8)
    );
    for (lines, key) in [
        ("argon2id_memory_kib = 47103", "passwords.argon2id_memory_kib"),
        ("argon2id_memory_kib = 19455\nargon2id_passes = 2", "passwords.argon2id_memory_kib"),
        ("argon2id_memory_kib = 7167\nargon2id_passes = 9", "passwords.argon2id_memory_kib"),
        ("argon2id_memory_kib = 1048577", "passwords.argon2id_memory_kib"),
        ("argon2id_passes = 0", "passwords.argon2id_passes"),
        ("argon2id_passes = 11", "passwords.argon2id_passes"),
        ("argon2id_lanes = 0", "passwords.argon2id_lanes"),
        ("argon2id_lanes = 9", "passwords.argon2id_lanes"),
    ] {
        let refused = with(lines).unwrap_err();
        assert!(matches!(refused, SettingsError::Unusable { key: named, .. } if named == key), "{lines}: {refused:?}");
    }
}

#[test]
fn what_is_kept_is_kept_for_days_within_bounds() {
    let with = |lines: &str| {
        read(&format!("{GOOD}\n[retention]\n{lines}")).map(|settings| settings.retention.terms().unwrap())
    };
    assert_eq!(with("").unwrap(), RetentionTerms::DEFAULT);
    let terms = with("sessions_days = 365\nfinished_work_days = 1").unwrap();
    assert_eq!((terms.sessions, terms.work), (Duration::days(365), Duration::DAY));
    for (line, key) in [
        ("sessions_days = 0", "retention.sessions_days"),
        ("sessions_days = 366", "retention.sessions_days"),
        ("finished_work_days = 0", "retention.finished_work_days"),
        ("finished_work_days = 91", "retention.finished_work_days"),
    ] {
        let refused = with(line).unwrap_err();
        assert!(matches!(refused, SettingsError::Unusable { key: named, .. } if named == key), "{line}: {refused:?}");
    }
}

#[test]
fn browsers_are_told_to_come_by_https_for_ten_years_at_most() {
    let with = |line: &str| read(&GOOD.replace("[sms]", &format!("{line}\n[sms]")));
    assert!(with("https_only_days = 3650").is_ok());
    let refused = with("https_only_days = 3651");
    assert!(matches!(refused, Err(SettingsError::Unusable { key: "server.https_only_days", .. })), "{refused:?}");
}
