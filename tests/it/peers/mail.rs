//! A mail server over TLS (aiosmtpd), with a certificate of its own making: the authority is named by the settings, and
//! whoever else answers in the server's name is not believed.

use std::path::{Path, PathBuf};
use std::process::Command;

use signet::services::mail::SmtpSecurity;
use signet::settings::MailSettings;
use time::Duration;

use super::{Running, free_port, listens, run};
use crate::support::app::{TestApp, Wishes, wait_for};
use crate::support::browser::Browser;
use crate::support::people::PASSWORD as PERSONS_PASSWORD;

const PASSWORD: &str = "mail & password";

struct Server {
    folder: tempfile::TempDir,
    port: u16,
    _running: Running,
}

/// A key and a certificate for a host name that nobody but itself vouches for.
fn certify(folder: &Path, name: &str, host: &str) {
    let at = |end: &str| folder.join(format!("{name}.{end}"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-sha256", "-nodes", "-days", "30", "-subj"])
        .arg(format!("/CN={name}"))
        .args(["-addext", &format!("subjectAltName=DNS:{host}"), "-keyout"])
        .arg(at("key"))
        .arg("-out")
        .arg(at("crt"))
        .output()
        .expect("openssl");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

impl Server {
    async fn start(kind: &str, host: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        certify(folder.path(), "server", host);
        certify(folder.path(), "other", "localhost");
        std::fs::write(at("password"), PASSWORD).unwrap();
        std::fs::create_dir(at("mails")).unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/mail/server.py");
        let (port, log) = (free_port(), at("server.log"));
        let mut command = Command::new("/usr/bin/python3");
        command
            .arg(script)
            .arg(port.to_string())
            .arg(at("mails"))
            .arg(at("server.crt"))
            .arg(at("server.key"))
            .arg(kind);
        let running = run(&mut command, &log);
        listens(port, &log).await;
        Self { folder, port, _running: running }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn app(&self, security: SmtpSecurity, authority: Option<&str>) -> TestApp {
        let mail = MailSettings::Smtp {
            host: "localhost".to_owned(),
            port: self.port,
            security,
            username: Some("signet".to_owned()),
            password_file: Some(self.file("password")),
            from: "Signet <no-reply@login.example.gov>".to_owned(),
            ca_file: authority.map(|name| self.file(name)),
        };
        TestApp::start_with(Wishes { mail: Some(mail), ..Wishes::default() }).await
    }

    fn mails(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.file("mails")).unwrap().map(|entry| entry.unwrap().path());
        let whole = files.filter(|path| path.extension().is_some_and(|extension| extension == "txt"));
        whole.map(|path| std::fs::read_to_string(path).unwrap()).collect()
    }

    /// Signs up with what the mail says.
    async fn go_on(&self, app: &TestApp, browser: &Browser) {
        let mail = wait_for(|| self.mails().into_iter().next(), "a mail").await;
        assert!(mail.starts_with("ada@example.gov\n"), "{mail}");
        let link = mail.split_whitespace().find(|word| word.starts_with(&app.url)).expect("a link");
        let page = browser.get(link.trim_end_matches('.')).await;
        let page = browser.submit(&page, &[("password", PERSONS_PASSWORD), ("again", PERSONS_PASSWORD)]).await;
        assert_eq!(page.url.path(), "/sign-up/methods", "{}", page.text());
        assert_eq!(self.mails().len(), 1);
    }

    /// The mail was tried, did not arrive, and waits for the next try.
    async fn waits(&self, app: &TestApp) {
        let waiting = || app.count("outbox", "kind = 'mail' AND finished_at IS NULL AND attempts > 0");
        wait_for(|| (waiting() == 1).then_some(()), "a try that failed").await;
        assert_eq!(self.mails(), Vec::<String>::new());
    }
}

async fn ask_for_link(browser: &Browser) {
    let page = browser.get("/sign-up").await;
    let page = browser.submit_to(&page, "/sign-up", &[("email", "ada@example.gov"), ("rules", "yes")]).await;
    page.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs python3-aiosmtpd: make test STAGES=peers"]
async fn a_link_arrives_over_tls_and_over_starttls_from_the_authority_that_the_settings_name() {
    for (kind, security) in [("tls", SmtpSecurity::Tls), ("starttls", SmtpSecurity::Starttls)] {
        let server = Server::start(kind, "localhost").await;
        let app = server.app(security, Some("server.crt")).await;
        let browser = app.browser();
        ask_for_link(&browser).await;
        server.go_on(&app, &browser).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs python3-aiosmtpd: make test STAGES=peers"]
async fn a_server_that_another_authority_vouches_for_is_told_nothing() {
    for (kind, security) in [("tls", SmtpSecurity::Tls), ("starttls", SmtpSecurity::Starttls)] {
        for authority in [Some("other.crt"), None] {
            let server = Server::start(kind, "localhost").await;
            let app = server.app(security, authority).await;
            ask_for_link(&app.browser()).await;
            server.waits(&app).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs python3-aiosmtpd: make test STAGES=peers"]
async fn a_certificate_of_another_host_is_told_nothing() {
    let server = Server::start("tls", "mail.example.gov").await;
    let app = server.app(SmtpSecurity::Tls, Some("server.crt")).await;
    ask_for_link(&app.browser()).await;
    server.waits(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs python3-aiosmtpd: make test STAGES=peers"]
async fn a_wrong_password_loses_no_mail_until_it_is_mended() {
    let server = Server::start("tls", "localhost").await;
    std::fs::write(server.file("password"), "not the password").unwrap();
    let app = server.app(SmtpSecurity::Tls, Some("server.crt")).await;
    let browser = app.browser();
    ask_for_link(&browser).await;
    server.waits(&app).await;
    std::fs::write(server.file("password"), PASSWORD).unwrap();
    let app = app.restart().await;
    app.clock.advance(Duration::minutes(2));
    server.go_on(&app, &app.browser()).await;
}
