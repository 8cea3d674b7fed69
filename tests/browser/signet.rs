//! Starts the real binary with its demonstration, in a folder and on ports of its own; ends it by its process id.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use scraper::{Html, Selector};
use serde::Deserialize;

use crate::service_provider::free_port;

/// How long it may take to make keys, database and person on a busy machine, and how long a message may be on its way.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running demonstration, ended when this is dropped.
pub struct Signet {
    process: Option<Child>,
    folder: tempfile::TempDir,
    port: u16,
    agency_port: u16,
    client: reqwest::Client,
}

/// The invented person of the demonstration, as `person.json` tells.
#[derive(Debug, Clone, Deserialize)]
pub struct Person {
    pub email: String,
    pub password: String,
    pub phone: String,
    pub recovery_key: String,
}

/// One message of the inbox page.
#[derive(Debug, Clone)]
pub struct Message {
    pub heading: String,
    pub body: String,
}

impl Signet {
    /// Starts one in a new folder and waits until it is ready.
    pub async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("signet-demo").tempdir_in("/tmp").expect("a folder");
        let client = reqwest::Client::builder().timeout(Duration::from_secs(30)).no_proxy().build().expect("a client");
        let mut signet = Self { process: None, folder, port: free_port(), agency_port: free_port(), client };
        signet.start_again().await;
        signet
    }

    /// Starts it with what its folder has, and waits until it is ready.
    pub async fn start_again(&mut self) {
        let output = std::fs::File::create(self.folder.path().join("output")).expect("a file");
        let errors = output.try_clone().expect("the same file");
        let process = Command::new(program())
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args([
                "demo",
                "--port",
                &self.port.to_string(),
                "--agency-port",
                &self.agency_port.to_string(),
                "--folder",
            ])
            .arg(self.folder.path().join("var"))
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|fault| panic!("{}: {fault}", program().display()));
        let process = self.process.insert(process);
        let until = Instant::now() + PATIENCE;
        let ready = format!("http://127.0.0.1:{}/readyz", self.port);
        loop {
            let ended = process.try_wait().expect("its state");
            if ended.is_some() || Instant::now() > until {
                panic!("the demonstration did not start: {ended:?}\n{}", self.said());
            }
            if self.client.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("SIGKILL");
            process.wait().expect("its end");
        }
    }

    /// The identity provider's origin.
    pub fn origin(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// The demonstration agency's origin.
    pub fn agency(&self) -> String {
        format!("http://demo-agency.localhost:{}", self.agency_port)
    }

    /// The metadata folder that it watches.
    pub fn metadata_folder(&self) -> PathBuf {
        self.folder.path().join("var/metadata")
    }

    /// How to sign in as the invented person.
    pub fn person(&self) -> Person {
        let text = std::fs::read(self.folder.path().join("var/person.json")).expect("person.json");
        serde_json::from_slice(&text).expect("the person")
    }

    /// The identity provider's metadata, as it publishes them.
    pub async fn metadata(&self) -> String {
        self.get(&format!("http://127.0.0.1:{}/saml/metadata", self.port)).await
    }

    /// What `signet ARGUMENTS` does with this demonstration's settings.
    pub fn command(&self, arguments: &[&str]) -> Output {
        let settings = self.folder.path().join("var/signet.toml");
        let mut command = Command::new(program());
        command.current_dir(env!("CARGO_MANIFEST_DIR")).arg("--settings").arg(settings).args(arguments);
        command.stdin(Stdio::null()).output().expect("signet runs")
    }

    /// The same, for a command that finds nothing wrong: what it prints.
    #[track_caller]
    pub fn tells(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
        text
    }

    /// Every message that was sent, the newest first.
    pub async fn inbox(&self) -> Vec<Message> {
        let page = self.get(&format!("http://127.0.0.1:{}/inbox", self.agency_port)).await;
        let page = Html::parse_document(&page);
        let select = |css: &str| Selector::parse(css).expect("a selector");
        let (articles, heading, body) = (select("article"), select("h2"), select(".body"));
        let text = |of: scraper::ElementRef<'_>, part: &Selector| of.select(part).flat_map(|e| e.text()).collect();
        page.select(&articles).map(|of| Message { heading: text(of, &heading), body: text(of, &body) }).collect()
    }

    /// Waits until something holds about it.
    pub async fn wait_for(&self, wanted: &str, mut holds: impl FnMut() -> bool) {
        let until = Instant::now() + PATIENCE;
        while !holds() {
            assert!(Instant::now() < until, "waited for {wanted}\n{}", self.said());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// How many messages there are to somebody.
    pub async fn count_messages_to(&self, whom: &str) -> usize {
        self.inbox().await.iter().filter(|message| message.heading.contains(whom)).count()
    }

    /// The newest message to somebody that has these words, once there are more than `known` messages to them.
    pub async fn message_to(&self, whom: &str, words: &str, known: usize) -> Message {
        let until = Instant::now() + PATIENCE;
        loop {
            let all: Vec<_> = self.inbox().await.into_iter().filter(|m| m.heading.contains(whom)).collect();
            if let Some(new) = all.len().checked_sub(known)
                && let Some(message) = all.iter().take(new).find(|message| message.body.contains(words))
            {
                return message.clone();
            }
            assert!(Instant::now() < until, "no message to {whom} with {words:?}: {all:?}\n{}", self.said());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The ends of its output and of its log, for the message of a test that fails.
    pub fn said(&self) -> String {
        let tail = |path: PathBuf| {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap_or_default()).into_owned();
            let lines: Vec<&str> = text.lines().collect();
            format!("--- {}\n{}", path.display(), lines[lines.len().saturating_sub(25)..].join("\n"))
        };
        [self.folder.path().join("output"), self.folder.path().join("var/signet.log")].map(tail).join("\n")
    }

    async fn get(&self, address: &str) -> String {
        let answer = self.client.get(address).send().await.and_then(reqwest::Response::error_for_status);
        match answer {
            Ok(answer) => answer.text().await.expect("text"),
            Err(fault) => panic!("{fault}\n{}", self.said()),
        }
    }
}

impl Drop for Signet {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = Command::new("kill").arg(process.id().to_string()).status();
            let _ = process.wait();
        }
    }
}

/// `SIGNET_BIN`, or what this test was built with.
fn program() -> PathBuf {
    std::env::var_os("SIGNET_BIN").map_or_else(|| Path::new(env!("CARGO_BIN_EXE_signet")).to_owned(), PathBuf::from)
}

impl Message {
    /// The six digits of a text message.
    pub fn code(&self) -> String {
        let words = self.body.split(|c: char| !c.is_ascii_digit());
        words
            .into_iter()
            .find(|word| word.len() == 6)
            .unwrap_or_else(|| panic!("no code in {:?}", self.body))
            .to_owned()
    }

    /// The first link with this in it.
    pub fn link(&self, part: &str) -> String {
        let mut words = self.body.split_whitespace();
        words.find(|word| word.contains(part)).unwrap_or_else(|| panic!("no {part:?} in {:?}", self.body)).to_owned()
    }
}
