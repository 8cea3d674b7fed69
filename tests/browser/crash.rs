//! kill -9 at random moments, while people sign up and sign in at the demonstration's agency.
//!
//! What must hold: what was acknowledged survives; what was not is wholly there or wholly absent, and can be done again;
//! what works once does not work twice; and every answer that the agency's browser received has its disclosure record.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use signet::authentication::totp::TotpSecret;
use signet::clock::{Clock as _, SystemClock};
use signet::entropy::{Entropy as _, SystemEntropy};
use signet::storage::{DatabaseUrl, Store, StoreError};

use crate::plain_browser::{Browser, Page};

const PASSWORD: &str = "pelican fjord umber quartz";
/// People who are busy at once.
const WORKERS: usize = 4;

/// Somebody whose sign-up was acknowledged to the very end.
#[derive(Clone)]
struct Person {
    email: String,
    secret: [u8; 20],
    /// The last time step whose code was given: it is never given again.
    last_step: u64,
    /// The last time step whose code was acknowledged as right: it is not right a second time.
    accepted_step: u64,
}

/// What the clients saw, kept outside of what is killed.
#[derive(Default)]
struct Journal {
    people: BTreeMap<String, Person>,
    /// Addresses whose sign-up began and was not acknowledged to the end.
    unfinished: Vec<String>,
    /// Links that did their work.
    used_links: Vec<String>,
    /// The requests whose answers arrived in a browser.
    answered: Vec<String>,
    /// Sign-ins that the agency confirmed.
    signed_in: usize,
    /// Mails that a page said were sent.
    mails_promised: usize,
}

struct World {
    folder: PathBuf,
    port: u16,
    agency_port: u16,
    journal: Mutex<Journal>,
    /// Grows at each kill and when the process is back: it is down while this is odd.
    kills: AtomicUsize,
    next_number: AtomicU32,
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn random(below: u32) -> u32 {
    let mut bytes = [0; 4];
    SystemEntropy.fill(&mut bytes);
    u32::from_le_bytes(bytes) % below
}

impl World {
    fn agency(&self) -> String {
        format!("http://demo-agency.localhost:{}/", self.agency_port)
    }

    fn idp(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port)
    }

    /// A new browser from an address of its own.
    fn browser(&self) -> Browser {
        let number = self.next_number.fetch_add(1, Ordering::SeqCst);
        let [_, b, c, d] = (number + 2).to_be_bytes();
        Browser::coming_from(&self.agency(), Some(Ipv4Addr::new(127, b, c, d)))
    }

    fn journal<T>(&self, note: impl FnOnce(&mut Journal) -> T) -> T {
        note(&mut self.journal.lock().unwrap())
    }

    fn start(&self) -> Child {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder.join("stderr.log")).unwrap();
        Command::new(env!("CARGO_BIN_EXE_signet"))
            .args(["demo", "--folder"])
            .arg(&self.folder)
            .args(["--port", &self.port.to_string(), "--agency-port", &self.agency_port.to_string()])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("signet starts")
    }

    async fn is_up(&self) -> bool {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(20) {
            let url = format!("http://127.0.0.1:{}/readyz", self.port);
            let agency = format!("http://127.0.0.1:{}/", self.agency_port);
            let up = |answer: Result<reqwest::Response, _>| answer.is_ok_and(|answer| answer.status().is_success());
            if up(client.get(url).send().await) && up(client.get(agency).send().await) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    }

    /// The newest mail to an address, when it has come.
    async fn link_to(&self, email: &str) -> String {
        let browser = self.browser();
        for _ in 0..100 {
            let inbox = browser.get("/inbox").await;
            if let Some(link) = link_in(&inbox, email) {
                return link;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no mail to {email}");
    }

    /// Asks for the link, which a page promises to send.
    async fn ask_for_link(&self, browser: &Browser, email: &str) -> String {
        let page = browser.get(&self.idp("/sign-up")).await;
        let page = browser.submit_to(&page, "/sign-up", &[("email", email), ("rules", "yes")]).await;
        page.expect_status(200);
        self.journal(|journal| journal.mails_promised += 1);
        self.link_to(email).await
    }

    /// From the link to the end, whether the account was begun before or not.
    async fn finish_sign_up(&self, email: &str) -> Person {
        let browser = self.browser();
        let link = self.ask_for_link(&browser, email).await;
        let page = if link.contains("/sign-up/confirm/") {
            let page = browser.get(&link).await;
            let page = browser.submit(&page, &[("password", PASSWORD), ("again", PASSWORD)]).await;
            assert_eq!(page.url.path(), "/sign-up/methods", "{}", page.text());
            self.journal(|journal| journal.used_links.push(link));
            page
        } else {
            // The account is there: the mail says so, and the password leads to where it stopped.
            let page = browser.get(&self.idp("/sign-in")).await;
            browser.submit(&page, &[("email", email), ("password", PASSWORD)]).await
        };
        if page.url.path() != "/sign-up/methods" {
            // It was whole, and only the last page did not come through: the device's secret is lost with the browser.
            assert!(page.url.path().starts_with("/sign-in/second-factor"), "{}: {}", page.url, page.text());
            return Person { email: email.to_owned(), secret: [0; 20], last_step: u64::MAX, accepted_step: 0 };
        }
        let page = browser.get(&self.idp("/sign-up/methods/totp")).await;
        let secret = secret_of(&page);
        let step = current_step();
        let code = code_of(secret, step);
        let page = browser.submit(&page, &[("code", &code), ("name", "my app")]).await;
        page.expect_status(200);
        let page = browser.get(&self.idp("/sign-up/recovery-key")).await;
        let page = browser.submit_to(&page, "/sign-up/recovery-key", &[("kept", "yes")]).await;
        page.expect_status(200);
        Person { email: email.to_owned(), secret, last_step: step, accepted_step: step }
    }

    async fn sign_up(&self) {
        let email = format!("person{}@example.gov", self.next_number.fetch_add(1, Ordering::SeqCst));
        self.journal(|journal| journal.unfinished.push(email.clone()));
        let person = self.finish_sign_up(&email).await;
        self.journal(|journal| {
            journal.unfinished.retain(|one| *one != email);
            journal.people.insert(email, person);
        });
    }

    /// Somebody who has a code that was not given yet; the code counts as given from here on.
    fn somebody(&self) -> Option<(Person, String)> {
        self.journal(|journal| {
            let ready: Vec<String> = journal
                .people
                .values()
                .filter(|person| person.last_step < current_step() + 1)
                .map(|person| person.email.clone())
                .collect();
            let count = u32::try_from(ready.len()).unwrap();
            let chosen = ready.get(usize::try_from(random(count.max(1))).unwrap())?;
            let person = journal.people.get_mut(chosen)?;
            person.last_step = (person.last_step + 1).max(current_step());
            Some((person.clone(), code_of(person.secret, person.last_step)))
        })
    }

    async fn sign_in(&self) {
        let Some((person, code)) = self.somebody() else { return self.sign_up().await };
        let browser = self.browser();
        let mut page = browser.get("/sign-in/plain").await;
        for _ in 0..10 {
            let path = page.url.path().to_owned();
            page = if page.url.host_str() == Some("demo-agency.localhost") {
                page.expect_words("You are signed in").expect_words(&person.email);
                return self.journal(|journal| journal.signed_in += 1);
            } else if let Some(form) = page.forms().into_iter().find(|form| form.action.path() == "/acs") {
                // The answer is in the browser now: from here on its record must be there.
                let request = in_response_to(form.value("SAMLResponse").expect("a response"));
                self.journal(|journal| journal.answered.push(request));
                browser.submit_form(&form).await
            } else if path == "/sign-in" {
                browser.submit(&page, &[("email", &person.email), ("password", PASSWORD)]).await
            } else if path == "/sign-in/second-factor" {
                browser.go(&self.idp("/sign-in/second-factor/totp")).await
            } else if path == "/sign-in/second-factor/totp" {
                let page = browser.submit(&page, &[("code", &code)]).await;
                page.expect_status(200);
                self.journal(|journal| {
                    if let Some(known) = journal.people.get_mut(&person.email) {
                        known.accepted_step = known.accepted_step.max(person.last_step);
                    }
                });
                page
            } else if let Some(form) = page.forms().into_iter().find(|f| f.action.path().starts_with("/saml/consent/"))
            {
                browser.submit_form(&form).await
            } else {
                panic!("{} ({}): {}", page.url, page.status, page.text());
            };
        }
        panic!("it goes round in circles: {} {}", page.url, page.text());
    }

    /// Keeps doing things until it is told to stop. What fails without a kill in between is a failure of the test.
    async fn be_busy(self: Arc<Self>, stop: Arc<AtomicUsize>) {
        while stop.load(Ordering::SeqCst) == 0 {
            let kills = self.kills.load(Ordering::SeqCst);
            if kills % 2 == 1 {
                // It is down. Whoever is cut off looks whether the service is back, as people do.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
            let world = Arc::clone(&self);
            let signs_up = random(4) == 0;
            let attempt =
                tokio::spawn(async move { if signs_up { world.sign_up().await } else { world.sign_in().await } });
            if let Err(failure) = attempt.await {
                let killed = self.kills.load(Ordering::SeqCst) != kills;
                assert!(killed, "it failed although nothing was killed: {failure}");
            }
        }
    }
}

fn current_step() -> u64 {
    u64::try_from(SystemClock.now().unix_timestamp() / 30).unwrap()
}

fn code_of(secret: [u8; 20], step: u64) -> String {
    let at = time::UtcDateTime::from_unix_timestamp(i64::try_from(step).unwrap() * 30).unwrap();
    TotpSecret::from_bytes(&secret).code_at(at).expect("a code")
}

/// The link in the newest mail to somebody, if there is one on the page.
fn link_in(inbox: &Page, email: &str) -> Option<String> {
    let document = scraper::Html::parse_document(&inbox.body);
    let articles = scraper::Selector::parse("article").unwrap();
    let links = scraper::Selector::parse("a[href]").unwrap();
    let to_them = |article: &scraper::ElementRef<'_>| article.text().any(|text| text.contains(email));
    let article = document.select(&articles).find(to_them)?;
    article.select(&links).next().and_then(|link| link.value().attr("href")).map(str::to_owned)
}

fn secret_of(page: &Page) -> [u8; 20] {
    let typed = page.find("#secret code").unwrap_or_else(|| panic!("no secret on {}: {}", page.url, page.text()));
    let mut bits = typed.bytes().filter(|letter| *letter != b' ').flat_map(|letter| {
        let five = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|one| *one == letter).expect("Base32");
        (0..5).rev().map(move |bit| (five >> bit) & 1 == 1)
    });
    let mut bytes = [0; 20];
    for byte in &mut bytes {
        for _ in 0..8 {
            *byte = (*byte << 1) | u8::from(bits.next().expect("160 bits"));
        }
    }
    bytes
}

/// Which request a response answers; that much is readable by the browser.
fn in_response_to(response: &str) -> String {
    let xml = String::from_utf8(BASE64_STANDARD.decode(response).expect("base64")).expect("UTF-8");
    let value = xml.split("InResponseTo=\"").nth(1).and_then(|rest| rest.split('"').next());
    value.expect("InResponseTo").to_owned()
}

fn rounds() -> usize {
    #[expect(clippy::disallowed_methods, reason = "how long to go on is said to the test, not to Signet")]
    let wanted = std::env::var("SIGNET_CRASH_ROUNDS").ok().and_then(|text| text.parse().ok());
    wanted.unwrap_or(24)
}

/// Failures of the busy people are judged by [`World::be_busy`]; the trace of each would hide what matters.
fn quiet_about_people() {
    let loud = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let text = panic.to_string();
        let cut_off = text.contains("error sending request") || text.contains("a body");
        if !cut_off || text.contains("although nothing was killed") {
            loud(panic);
        }
    }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "takes minutes; make test runs it"]
async fn nothing_acknowledged_is_lost_and_nothing_half_made_works_after_kill_9() {
    quiet_about_people();
    let folder = tempfile::tempdir().unwrap();
    let world = Arc::new(World {
        folder: folder.path().to_owned(),
        port: free_port(),
        agency_port: free_port(),
        journal: Mutex::default(),
        kills: AtomicUsize::new(0),
        next_number: AtomicU32::new(0),
    });
    let mut signet = world.start();
    assert!(world.is_up().await, "it does not start");
    // Somebody must be there who can sign in from the first round on.
    for _ in 0..WORKERS {
        world.sign_up().await;
    }
    let stop = Arc::new(AtomicUsize::new(0));
    let busy: Vec<_> = (0..WORKERS).map(|_| tokio::spawn(Arc::clone(&world).be_busy(Arc::clone(&stop)))).collect();

    for _ in 0..rounds() {
        tokio::time::sleep(Duration::from_millis(u64::from(300 + random(4000)))).await;
        world.kills.fetch_add(1, Ordering::SeqCst);
        // SIGKILL: no destructor runs, no buffer is written.
        signet.kill().expect("it is killed");
        signet.wait().expect("it is gone");
        signet = world.start();
        assert!(world.is_up().await, "it does not come back: {}", stderr_of(&world.folder));
        world.kills.fetch_add(1, Ordering::SeqCst);
    }
    stop.store(1, Ordering::SeqCst);
    for one in busy {
        one.await.expect("a busy person failed without a kill");
    }

    every_answer_has_its_record(&world);
    everybody_acknowledged_can_sign_in(&world).await;
    used_links_stay_used(&world).await;
    what_was_begun_can_be_finished(&world).await;
    no_mail_was_lost(&world);
    signet.kill().expect("it is killed");
    signet.wait().expect("it is gone");
    let (people, answered, signed_in) =
        world.journal(|journal| (journal.people.len(), journal.answered.len(), journal.signed_in));
    println!("{} kills, {people} people, {answered} answers, {signed_in} confirmed sign-ins", rounds());
    assert!(people > 3 && answered > 3, "too little happened to prove anything");
}

fn stderr_of(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("stderr.log")).unwrap_or_default()
}

fn store(world: &World) -> Store {
    Store::open(&DatabaseUrl::sqlite(&world.folder.join("signet.db")), 1).expect("the database opens")
}

fn every_answer_has_its_record(world: &World) {
    let recorded: Vec<String> = store(world)
        .read_blocking::<_, StoreError, _>(|tx| {
            let mut recorded = Vec::new();
            for chain in tx.disclosure_chains()? {
                let mut after = i64::MIN;
                loop {
                    let records = tx.disclosures_after(chain, after)?;
                    let Some(last) = records.last() else { break };
                    after = last.seq;
                    recorded.extend(records.into_iter().map(|record| record.disclosure.in_response_to));
                }
            }
            Ok(recorded)
        })
        .expect("the ledger reads");
    for answered in world.journal(|journal| journal.answered.clone()) {
        let times = recorded.iter().filter(|one| **one == answered).count();
        assert_eq!(times, 1, "the answer to {answered} has {times} records");
    }
    let verified = Command::new(env!("CARGO_BIN_EXE_signet"))
        .arg("--settings")
        .arg(world.folder.join("signet.toml"))
        .args(["audit", "verify"])
        .output()
        .expect("signet runs");
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

async fn everybody_acknowledged_can_sign_in(world: &World) {
    let everybody: Vec<Person> = world.journal(|journal| journal.people.values().cloned().collect());
    for mut person in everybody {
        let browser = world.browser();
        let page = browser.get(&world.idp("/sign-in")).await;
        let page = browser.submit(&page, &[("email", &person.email), ("password", PASSWORD)]).await;
        assert!(page.url.path().starts_with("/sign-in/second-factor"), "{}: {}", page.url, page.text());
        if person.last_step == u64::MAX {
            continue;
        }
        if person.accepted_step + 1 >= current_step() {
            let page = browser.get(&world.idp("/sign-in/second-factor/totp")).await;
            let given_before = code_of(person.secret, person.accepted_step);
            browser.submit(&page, &[("code", &given_before)]).await.expect_status(422);
        }
        while person.last_step > current_step() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        person.last_step = (person.last_step + 1).max(current_step());
        let page = browser.get(&world.idp("/sign-in/second-factor/totp")).await;
        let code = code_of(person.secret, person.last_step);
        let page = browser.submit(&page, &[("code", &code)]).await;
        page.expect_status(200);
        browser.get(&world.idp("/account")).await.expect_status(200).expect_words(&person.email);
    }
}

async fn used_links_stay_used(world: &World) {
    for link in world.journal(|journal| journal.used_links.clone()) {
        world.browser().get(&link).await.expect_status(422);
    }
}

async fn what_was_begun_can_be_finished(world: &World) {
    for email in world.journal(|journal| journal.unfinished.clone()) {
        // Whatever is there of it opens nothing.
        let browser = world.browser();
        let page = browser.get(&world.idp("/sign-in")).await;
        browser.submit(&page, &[("email", &email), ("password", PASSWORD)]).await;
        assert_ne!(browser.get(&world.idp("/account")).await.url.path(), "/account", "{email} is signed in by half");
        world.finish_sign_up(&email).await;
    }
}

/// A page that said that a mail was sent said so after the mail was in the outbox.
fn no_mail_was_lost(world: &World) {
    use diesel::prelude::*;

    #[derive(diesel::QueryableByName)]
    struct Count {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        mails: i64,
    }
    let path = world.folder.join("signet.db");
    let mut connection = diesel::SqliteConnection::establish(&path.to_string_lossy()).expect("the database opens");
    let count: Count = diesel::sql_query("SELECT count(*) AS mails FROM outbox WHERE kind = 'mail'")
        .get_result(&mut connection)
        .expect("it counts");
    let promised = i64::try_from(world.journal(|journal| journal.mails_promised)).unwrap();
    assert!(count.mails >= promised, "{promised} mails were promised and {} are in the outbox", count.mails);
}
