//! Starts the service providers of `tests/interop`, each a process of its own, and tells Signet about them.

use std::ffi::OsStr;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::webdriver::Chromium;

/// A service provider that we did not write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toolkit {
    NodeSaml,
    Python3Saml,
    Samael,
    Shibboleth,
    /// The same, whose logout messages go and come by HTTP-POST.
    ShibbolethByForm,
}

/// What a service provider is told about a logout that it asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Everywhere,
    /// At the identity provider, but not at every other service.
    NotEverywhere,
    /// The session at the identity provider goes on.
    NotThere,
}

/// A running service provider, ended when this is dropped.
pub struct ServiceProvider {
    process: Child,
    origin: String,
    state: tempfile::TempDir,
    toolkit: Toolkit,
}

impl Toolkit {
    /// Its folder under `tests/interop`, and the first label of its host name.
    pub fn name(self) -> &'static str {
        match self {
            Self::NodeSaml => "node-saml",
            Self::Python3Saml => "python3-saml",
            Self::Samael => "samael-sp",
            Self::Shibboleth | Self::ShibbolethByForm => "shibboleth",
        }
    }

    fn program(self) -> PathBuf {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        match self {
            // Built by `make test` into the folder that Signet's own programs are in.
            Self::Samael => Path::new(env!("CARGO_BIN_EXE_signet")).with_file_name("samael-sp"),
            Self::NodeSaml | Self::Python3Saml | Self::Shibboleth | Self::ShibbolethByForm => {
                root.join("tests/interop").join(self.name()).join("run.sh")
            }
        }
    }

    /// What the agreement says beside the attributes.
    fn exceptions(self) -> &'static str {
        match self {
            Self::Samael => {
                "[encryption]\nexception = \"aes-128-gcm\"\nreason = \"The toolkit decrypts no other GCM\"\n"
            }
            Self::NodeSaml | Self::Python3Saml | Self::Shibboleth | Self::ShibbolethByForm => "",
        }
    }
}

impl ServiceProvider {
    /// Starts one that trusts the identity provider with these metadata; waits until it serves.
    pub async fn start(toolkit: Toolkit, idp_metadata: &str) -> Self {
        let state = tempfile::Builder::new().prefix("signet-sp").tempdir_in("/tmp").expect("a folder");
        let metadata = state.path().join("idp-metadata.xml");
        std::fs::write(&metadata, idp_metadata).expect("the metadata are written");
        let (host, port) = (format!("{}.localhost", toolkit.name()), free_port());
        let process = Command::new(toolkit.program())
            .args([OsStr::new("--idp-metadata"), metadata.as_os_str(), OsStr::new("--host"), OsStr::new(&host)])
            .args([
                OsStr::new("--port"),
                OsStr::new(&port.to_string()),
                OsStr::new("--state"),
                state.path().as_os_str(),
            ])
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|fault| panic!("{}: {fault}; `make test` builds it", toolkit.program().display()));
        let mut started = Self { process, origin: format!("http://{host}:{port}"), state, toolkit };
        let until = Instant::now() + Duration::from_secs(60);
        while !started.state.path().join("sp-metadata.xml").exists() {
            let ended = started.process.try_wait().expect("its state");
            assert!(
                ended.is_none() && Instant::now() < until,
                "{toolkit:?} did not start: {ended:?}\n{}",
                started.log()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        started
    }

    /// The page that only a signed-in person sees.
    pub fn protected(&self) -> String {
        format!("{}/secure", self.origin)
    }

    /// The name of its toolkit.
    pub fn name(&self) -> &str {
        self.toolkit.name()
    }

    /// Where a signed-in person begins a single logout.
    pub fn logout(&self) -> String {
        let path = match self.toolkit {
            Toolkit::Shibboleth => "/Shibboleth.sso/Logout",
            Toolkit::ShibbolethByForm => "/Shibboleth.sso/LogoutByForm",
            Toolkit::NodeSaml | Toolkit::Python3Saml | Toolkit::Samael => "/logout",
        };
        format!("{}{path}", self.origin)
    }

    /// Waits until it says what it believes of the identity provider's answer to its own request.
    pub async fn says(&self, browser: &Chromium, ended: Ended) {
        let (end, words) = match (self.toolkit, ended) {
            (Toolkit::Shibboleth, Ended::Everywhere) => {
                ("/SLO/Redirect", "Status of Global Logout: Logout completed successfully.")
            }
            (Toolkit::ShibbolethByForm, Ended::Everywhere) => {
                ("/SLO/POST", "Status of Global Logout: Logout completed successfully.")
            }
            (Toolkit::Shibboleth | Toolkit::ShibbolethByForm, Ended::NotEverywhere) => {
                ("/SLO/", "You remain logged into one or more")
            }
            (Toolkit::Shibboleth | Toolkit::ShibbolethByForm, Ended::NotThere) => {
                ("/SLO/", "SAML response reported an IdP error")
            }
            // The others look at the top-level code alone.
            (_, Ended::Everywhere | Ended::NotEverywhere) => ("/signed-out?answer=success", "\"session\": false"),
            (Toolkit::NodeSaml, Ended::NotThere) => {
                ("/slo", "Bad status code: urn:oasis:names:tc:SAML:2.0:status:Responder")
            }
            (_, Ended::NotThere) => ("/slo", "logout_not_success"),
        };
        self.wait_for(browser, async || {
            let address = browser.address().await;
            address.starts_with(&self.origin) && address.contains(end) && browser.words().await.contains(words)
        })
        .await;
    }

    /// Writes its metadata and an agreement about these attributes to `FOLDER/sp/<agency>/<service>`, which it gives.
    pub fn register(&self, folder: &Path, attributes: &[&str]) -> String {
        let agency = format!("{}-agency", self.toolkit.name());
        let record = folder.join("sp").join(&agency).join("desk");
        let metadata = std::fs::read_to_string(self.state.path().join("sp-metadata.xml")).expect("its metadata");
        let metadata = match self.toolkit {
            Toolkit::ShibbolethByForm => without_logout_by(&metadata, &["HTTP-Redirect", "HTTP-Artifact", "SOAP"]),
            _ => metadata,
        };
        let (_, after) = metadata.split_once("entityID=\"").expect("an entityID");
        let (entity_id, _) = after.split_once('"').expect("an entityID");
        let names: Vec<String> = attributes.iter().map(|name| format!("{name:?}")).collect();
        let mut agreement = format!(
            "agency_id = {agency:?}\nagency_name = {{ en = \"Agency of {0}\" }}\nentity_id = {entity_id:?}\n\
             friendly_name = {{ en = \"Desk of {0}\" }}\ndescription = {{ en = \"Judges Signet from outside.\" }}\n\
             default_attributes = [{1}]\nreview_date = 2099-12-31\nreturn_to_url = \"{2}/\"\n\
             contacts = [{{ kind = \"technical\", name = \"The desk\", email = \"desk@agency.example\" }}]\n\n\
             [levels]\nhighest_ial = 2\n\n{3}",
            self.toolkit.name(),
            names.join(", "),
            self.origin,
            self.toolkit.exceptions(),
        );
        for name in attributes {
            agreement += &format!("\n[attributes.{name}]\npurpose = {{ en = \"To test {name}.\" }}\n");
        }
        std::fs::create_dir_all(&record).expect("a folder");
        std::fs::write(record.join("agreement.toml"), agreement).expect("the agreement is written");
        std::fs::write(record.join("metadata.xml"), metadata).expect("the metadata are written");
        format!("{agency}/desk")
    }

    /// What its protected page says about the person who is signed in.
    pub async fn page_shown(&self, browser: &Chromium) -> Value {
        let there = format!("{}/secure", self.origin);
        let shown = async || browser.address().await == there && browser.words().await.starts_with('{');
        self.wait_for(browser, shown).await;
        serde_json::from_str(&browser.words().await).expect("JSON")
    }

    /// Ends it, as an outage does.
    pub fn stop(&mut self) {
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }

    async fn wait_for(&self, browser: &Chromium, holds: impl AsyncFn() -> bool) {
        let waited = async {
            while !holds().await {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        if tokio::time::timeout(Duration::from_secs(30), waited).await.is_err() {
            panic!("at {}: {}\n{}", browser.address().await, browser.words().await, self.log());
        }
    }

    /// The ends of its logs, for the message of a test that fails.
    fn log(&self) -> String {
        let logs = std::fs::read_dir(self.state.path().join("log")).into_iter().flatten().flatten();
        logs.filter_map(|entry| {
            let text = String::from_utf8_lossy(&std::fs::read(entry.path()).ok()?).into_owned();
            let lines: Vec<&str> = text.lines().collect();
            Some(format!("--- {}\n{}", entry.path().display(), lines[lines.len().saturating_sub(30)..].join("\n")))
        })
        .collect::<Vec<_>>()
        .join("\n")
    }
}

impl Drop for ServiceProvider {
    /// SIGTERM, so that its daemons end with it.
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            self.stop();
        }
    }
}

/// Metadata without the SingleLogoutService of these bindings.
fn without_logout_by(metadata: &str, bindings: &[&str]) -> String {
    let mut parts = metadata.split("<md:SingleLogoutService ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |kept, part| {
        let (element, after) = part.split_once("/>").expect("an empty element");
        let unwanted = bindings.iter().any(|binding| element.contains(&format!(":bindings:{binding}\"")));
        if unwanted { kept + after } else { format!("{kept}<md:SingleLogoutService {element}/>{after}") }
    })
}

/// A port of loopback that nobody listens on now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}
