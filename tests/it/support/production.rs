//! Signet as operators run it: the built program, settings in a file, a mail server and a gateway on loopback, no sandbox.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use super::app::wait_for;
use super::neighbours::{Gateway, MailServer};

/// The password of the gateway.
pub const GATEWAY_PASSWORD: &str = "the-password-of-the-gateway";

/// A place that was set up by its own commands, and the service when it runs.
pub struct Production {
    folder: TempDir,
    port: u16,
    /// Where its mails arrive.
    pub mail: MailServer,
    /// Where its text messages arrive.
    pub gateway: Gateway,
    serving: Option<Child>,
}

impl Production {
    /// Makes settings with these lines more, keys, schema, and the sample services with one more: agency, service, metadata.xml and
    /// agreement.toml.
    pub async fn set_up(more: &str, service: Option<(&str, &str, String, String)>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (mail, gateway) = (MailServer::default(), Gateway::default());
        let smtp = mail.clone().start().await;
        let kannel = gateway.clone().start("202 Accepted", "0: Accepted for delivery").await;
        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        let place = Self { folder, port, mail, gateway, serving: None };
        place.copy_services();
        if let Some((agency, service, metadata, agreement)) = service {
            let at = place.path("metadata/sp").join(agency).join(service);
            std::fs::create_dir_all(&at).expect("a service's folder");
            std::fs::write(at.join("metadata.xml"), metadata).expect("metadata.xml");
            std::fs::write(at.join("agreement.toml"), agreement).expect("agreement.toml");
        }
        std::fs::write(place.path("passphrase"), "correct horse battery staple, and more").expect("a passphrase");
        std::fs::write(place.path("sms-password"), GATEWAY_PASSWORD).expect("a password");
        let at = |name: &str| place.path(name).display().to_string();
        let settings = format!(
            r#"[database]
url = "sqlite:{database}"
[federation]
metadata_folder = "{metadata}"
[keys]
folder = "{keys}"
passphrase_file = "{passphrase}"
[mail]
kind = "smtp"
host = "127.0.0.1"
port = {smtp}
security = "none"
from = "Signet <no-reply@login.example.gov>"
[server]
listen = "127.0.0.1:{port}"
public_url = "http://localhost:{port}"
[sms]
kind = "kannel"
url = "http://127.0.0.1:{kannel}/cgi-bin/sendsms"
username = "signet"
password_file = "{password}"
from = "Signet"
{more}
"#,
            database = at("signet.db"),
            metadata = at("metadata"),
            keys = at("keys"),
            passphrase = at("passphrase"),
            password = at("sms-password"),
        );
        std::fs::write(place.path("signet.toml"), settings).expect("settings are written");
        for command in [&["keys", "generate"][..], &["migrate"], &["sp", "apply", &at("metadata")]] {
            let ended = place.command(command);
            assert!(ended.status.success(), "{command:?}: {}", said(&ended));
        }
        place
    }

    fn copy_services(&self) {
        let copied = Command::new("cp").args(["-r", "metadata"]).arg(self.path("metadata")).status().expect("cp runs");
        assert!(copied.success());
    }

    /// A file of it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `http://localhost:PORT`
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Runs a command of the terminal to its end.
    pub fn command(&self, arguments: &[&str]) -> Output {
        self.program().args(arguments).output().expect("it runs")
    }

    fn program(&self) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_signet"));
        program.current_dir(self.folder.path()).arg("--settings").arg(self.path("signet.toml"));
        program
    }

    /// Runs `signet serve` with this log, until it is ready.
    pub async fn serve(&mut self, log: &str) {
        let out = File::create(self.path("serve.log")).expect("a file");
        let mut program = self.program();
        program.args(["serve", "--log", log]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(out);
        self.serving = Some(program.spawn().expect("it starts"));
        let ready = || std::net::TcpStream::connect(("127.0.0.1", self.port)).ok();
        wait_for(ready, "the service").await;
    }

    /// The id of the process that serves.
    pub fn process(&self) -> u32 {
        self.serving.as_ref().expect("it serves").id()
    }

    /// Tells it to stop, and waits for it: everything that it logged.
    pub fn stop(mut self) -> String {
        if let Some(mut serving) = self.serving.take() {
            let told = Command::new("kill").args(["-TERM", &serving.id().to_string()]).status().expect("kill runs");
            assert!(told.success());
            assert!(serving.wait().expect("it ends").success());
        }
        std::fs::read_to_string(self.path("serve.log")).expect("a log")
    }

    /// The newest mail to an address that is not among the first `after`, without the soft line ends of quoted-printable.
    pub async fn mail_to(&self, email: &str, after: usize) -> String {
        let to = format!("To: {email}");
        let found = || self.mail.mails().into_iter().skip(after).rfind(|mail| mail.contains(&to));
        wait_for(found, &format!("a mail to {email}")).await.replace("=\r\n", "").replace("=3D", "=")
    }

    /// The link in the newest mail to an address: path and query.
    pub async fn link_to(&self, email: &str, after: usize) -> String {
        let mail = self.mail_to(email, after).await;
        let begin = mail.find(&self.url()).unwrap_or_else(|| panic!("no link in: {mail}"));
        let link = mail[begin..].split_whitespace().next().expect("a link");
        link.trim_start_matches(&self.url()).trim_end_matches(['.', ')']).to_owned()
    }

    /// The six digits in the text message of this number.
    pub async fn code(&self, message: usize) -> String {
        let text = wait_for(|| self.gateway.parameter(message, "text"), "a text message").await;
        let digits = text.split(|c: char| !c.is_ascii_digit()).find(|run| run.len() == 6);
        digits.unwrap_or_else(|| panic!("no code in: {text}")).to_owned()
    }
}

impl Drop for Production {
    fn drop(&mut self) {
        if let Some(mut serving) = self.serving.take() {
            drop(serving.kill());
            drop(serving.wait());
        }
    }
}

/// What a command said, on both channels.
pub fn said(ended: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr))
}
