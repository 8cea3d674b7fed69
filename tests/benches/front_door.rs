//! The started server (`signet demo`, a process of its own, so that its CPU time is its own): the whole round trip of a person who
//! is signed in, from the signed request by HTTP-Redirect to the page that posts the Response; and passwords.

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use openssl::pkey::{PKey, Private};
use reqwest::{Client, header};
use signet::clock::{Clock, SystemClock};

#[path = "../it/support/browser.rs"]
mod browser;

use super::measure::{Run, Stopwatch, memory_mib};
use super::raw;
use super::service::{KeyKind, Shape, key_pair, redirect_query};
use super::{IN_FLIGHT, THREADS};
use browser::{Browser, Page};

const ROUND_TRIPS: u32 = 1_500;
/// From addresses of their own, a few each: a single one is throttled, as it should be.
const PASSWORDS: u32 = 256;
/// The queue before Argon2id holds eight for each core, of which strangers get three quarters; who comes then is told to come again.
const PASSWORDS_IN_FLIGHT: usize = 10;
const COOKIE: &str = "__Host-signet";

/// The server, ended with this value.
pub struct Server {
    child: Child,
    folder: PathBuf,
    url: String,
    agency: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub fn run() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build().unwrap();
    runtime.block_on(measure());
}

/// Measures whether work tells if an address has an account, and nothing else.
pub fn only_enumeration() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        super::enumeration::measure(&Server::start(folder.path()).await).await;
    });
}

async fn measure() {
    let folder = tempfile::tempdir().unwrap();
    let (key, certificate) = key_pair();
    for shape in Shape::ALL {
        let record = folder.path().join("metadata/sp").join(format!("bench-{}", shape.word())).join("service");
        std::fs::create_dir_all(&record).unwrap();
        std::fs::write(record.join("metadata.xml"), shape.metadata(&certificate)).unwrap();
        std::fs::write(record.join("agreement.toml"), shape.agreement()).unwrap();
    }
    let server = Server::start(folder.path()).await;
    let process = server.child.id().to_string();
    println!("\nthe started server, {IN_FLIGHT} in flight, by its own CPU time");
    println!("  resident memory, started           {:6.0} MiB", memory_mib(&process, "VmRSS:"));

    let person = server.sign_in().await;
    for (shape, aim) in Shape::ALL.into_iter().zip([15.0, 20.0]) {
        server.agree(&person, shape, &key).await;
        let cookie = person.cookie(COOKIE).expect("a session");
        let mut yardstick = raw::yardstick(KeyKind::Rsa2048);
        let run = server.round_trips(shape, &key, &cookie).await;
        yardstick += raw::yardstick(KeyKind::Rsa2048);
        yardstick.told(&format!("round trip: {}", shape.words()), &run.cost(), shape.private_key_operations(), aim);
        println!("    {:.0} a second by the clock", run.a_second());
    }

    let run = server.passwords().await;
    let each = run.cpu.as_secs_f64() * 1e3 / f64::from(run.times);
    let argon2 = raw::argon2id().micros() / 1e3;
    println!(
        "  {:34} {:6.1} a second by the clock; {each:5.1} ms CPU each, raw Argon2id {argon2:.1} ms, share {:.2}, aim 0.90",
        "passwords of nobody, 10 in flight",
        f64::from(run.times) / run.clock.as_secs_f64(),
        argon2 / each
    );
    super::enumeration::measure(&server).await;
    println!(
        "  resident memory, afterwards        {:6.0} MiB, at most {:.0} MiB",
        memory_mib(&process, "VmRSS:"),
        memory_mib(&process, "VmHWM:")
    );
}

impl Server {
    async fn start(folder: &Path) -> Self {
        let port = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (port, agency_port) = (port(), port());
        let child = Command::new(env!("CARGO_BIN_EXE_signet"))
            .args(["demo", "--folder"])
            .arg(folder)
            .args(["--port", &port.to_string(), "--agency-port", &agency_port.to_string()])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self {
            child,
            folder: folder.to_owned(),
            url: format!("http://localhost:{port}"),
            agency: format!("http://demo-agency.localhost:{agency_port}"),
        };
        let client = client(Ipv4Addr::LOCALHOST);
        for _ in 0..300 {
            if client
                .get(format!("{}/readyz", server.url))
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success())
            {
                return server;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the server did not start");
    }

    /// The demonstration's person signs in, with password and text message.
    async fn sign_in(&self) -> Browser {
        let shown = std::fs::read(self.folder.join("person.json")).expect("how to sign in");
        let shown: serde_json::Value = serde_json::from_slice(&shown).expect("JSON");
        let browser = Browser::new(&self.url);
        let page = browser.get("/sign-in").await;
        let text = |name: &str| shown[name].as_str().expect("a text").to_owned();
        let mut page = browser.submit(&page, &[("email", &text("email")), ("password", &text("password"))]).await;
        // The phone is the only second factor; if there is a page to choose on, choose it.
        if let Some(link) = page.link("text").filter(|_| page.forms().iter().all(|form| form.value("code").is_none())) {
            page = browser.get(&link).await;
        }
        if page.forms().iter().any(|form| form.action.path().ends_with("/send")) {
            page = browser.submit_to(&page, "/send", &[]).await;
        }
        let code = self.code().await;
        browser.submit(&page, &[("code", &code)]).await;
        browser
    }

    /// The newest code in the inbox.
    async fn code(&self) -> String {
        for _ in 0..100 {
            let page = Browser::new(&self.agency).get("/inbox").await;
            let text = page.text();
            let digits = text.split(|c: char| !c.is_ascii_digit()).find(|run| run.len() == 6);
            if let Some(code) = digits {
                return code.to_owned();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("no code came");
    }

    /// The address of one of its pages.
    pub fn address(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Its process.
    pub fn process(&self) -> String {
        self.child.id().to_string()
    }

    /// A browser at this address of the machine.
    pub fn browser_from(&self, address: Ipv4Addr) -> Browser {
        Browser::coming_from(&self.url, Some(address))
    }

    /// The path of the link in the newest mail to somebody.
    pub async fn link_of(&self, email: &str) -> String {
        for _ in 0..100 {
            let page = Browser::new(&self.agency).get("/inbox").await;
            let after = page.body.split(email).nth(1).and_then(|rest| rest.split("href=\"").nth(1));
            if let Some(link) = after.and_then(|rest| rest.split('"').next()).filter(|link| link.starts_with(&self.url))
            {
                return link.trim_start_matches(&self.url).to_owned();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no mail came to {email}");
    }

    fn sso(&self) -> String {
        format!("{}/saml/sso", self.url)
    }

    fn request(&self, shape: Shape, key: &PKey<Private>, id: &str) -> String {
        let now = signet::saml::instant::format(SystemClock.now());
        format!("{}?{}", self.sso(), redirect_query(shape, key, id, &self.sso(), &now))
    }

    /// The first visit of the service: the person agrees.
    async fn agree(&self, person: &Browser, shape: Shape, key: &PKey<Private>) {
        let page = person.get(&self.request(shape, key, &format!("_first_{}", shape.word()))).await;
        let page = person.submit(&page, &[("digest", &digest(&page))]).await;
        assert!(page.body.contains("SAMLResponse"), "{}", page.text());
    }

    async fn round_trips(&self, shape: Shape, key: &PKey<Private>, cookie: &str) -> Run {
        // Signed beforehand: that is the service provider's work.
        let requests: Arc<Vec<String>> =
            Arc::new((0..ROUND_TRIPS).map(|n| self.request(shape, key, &format!("_{}_{n}", shape.word()))).collect());
        let (next, client) = (Arc::new(AtomicU32::new(0)), client(Ipv4Addr::LOCALHOST));
        let watch = Stopwatch::of(&self.child.id().to_string());
        let tasks: Vec<_> = (0..IN_FLIGHT)
            .map(|_| {
                let (requests, next, client) = (Arc::clone(&requests), Arc::clone(&next), client.clone());
                let cookie = format!("{COOKIE}={cookie}");
                tokio::spawn(async move {
                    while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
                        let answer = fetch(&client, request, &cookie).await;
                        assert_eq!(answer.status(), 200, "answered in the very reply");
                        let body = answer.text().await.unwrap();
                        assert!(body.contains("name=\"SAMLResponse\""), "{body}");
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        watch.stop(ROUND_TRIPS)
    }

    /// Passwords of addresses that nobody has. A stranger must not learn that, so the work is that of a real sign-in.
    async fn passwords(&self) -> Run {
        let mut forms = Vec::new();
        for number in 0..PASSWORDS {
            let client = client(Ipv4Addr::new(127, 0, 1, u8::try_from(1 + number % 64).unwrap()));
            let (cookie, csrf) = form_of(&client, &self.address("/sign-in")).await;
            forms.push((client, cookie, csrf));
        }
        let address = format!("{}/sign-in", self.url);
        let (forms, next) = (Arc::new(forms), Arc::new(AtomicU32::new(0)));
        let watch = Stopwatch::of(&self.child.id().to_string());
        let tasks: Vec<_> = (0..PASSWORDS_IN_FLIGHT)
            .map(|_| {
                let (forms, next, address) = (Arc::clone(&forms), Arc::clone(&next), address.clone());
                tokio::spawn(async move {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let Some((client, cookie, csrf)) = forms.get(number as usize) else { break };
                        let email = format!("nobody-{number}@bench.example");
                        let form = [("csrf", csrf.as_str()), ("email", &email), ("password", "a wrong password")];
                        let body = encode(&form);
                        let answer = client
                            .post(&address)
                            .header(header::COOKIE, cookie)
                            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                            .body(body)
                            .send()
                            .await
                            .unwrap();
                        assert!(answer.status().is_success() || answer.status() == 422, "{}", answer.status());
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        watch.stop(PASSWORDS)
    }
}

/// A GET, once more if the connection was closed before an answer, as browsers do.
async fn fetch(client: &Client, url: &str, cookie: &str) -> reqwest::Response {
    let get = || client.get(url).header(header::COOKIE, cookie).header("sec-fetch-dest", "document").send();
    match get().await {
        Ok(answer) => answer,
        Err(_) => get().await.expect("an answer at the second try"),
    }
}

fn digest(page: &Page) -> String {
    page.form_with(&["digest"]).value("digest").expect("a digest").to_owned()
}

/// The cookie and the token of the form at an address.
pub async fn form_of(client: &Client, address: &str) -> (String, String) {
    let answer = client.get(address).send().await.unwrap();
    let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let body = answer.text().await.unwrap();
    let csrf = body.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    (cookie, csrf)
}

/// A form's fields, as a browser sends them.
pub fn encode(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// A client that keeps no cookies and follows nothing, from this address of the machine.
pub fn client(from: Ipv4Addr) -> Client {
    Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .local_address(IpAddr::V4(from))
        .resolve("localhost", std::net::SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
        // The server closes connections that are idle for five seconds; a client that is slow to notice would lose a request.
        .pool_idle_timeout(Duration::from_secs(1))
        .timeout(Duration::from_secs(60))
        .build()
        .unwrap()
}
