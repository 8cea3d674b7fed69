//! What the memory of the process holds after everybody signed out: nothing that opens an account or a vault, and nothing of it.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::Mutex;

use futures_util::future::join_all;
use signet::app::{Application, Surroundings};
use signet::authentication::password::Argon2Parameters;
use signet::cli::SettingsFile;
use signet::clock::{Clock as _, SystemClock};
use signet::demo::person;
use signet::demo::service_provider::IdentityProvider;
use signet::entropy::{Entropy, SystemEntropy};

use crate::federation::front_door::{IAL2, agreement, ask, permits};
use crate::support::browser::Browser;
use crate::support::people::{give_password, secret_of};
use crate::support::production::Production;

const EMAIL: &str = "vera.memory@example.gov";
const SECOND_PASSWORD: &str = "thimble orchard vanadium reef";
const WRONG_PASSWORD: &str = "saffron gantry mulberry oxbow";

/// What is searched for, by what it is.
type Marks = BTreeMap<String, Vec<u8>>;

fn mark(marks: &mut Marks, what: &str, value: impl AsRef<[u8]>) {
    assert!(value.as_ref().len() >= 6, "{what} is too short to search for");
    marks.insert(what.to_owned(), value.as_ref().to_vec());
}

/// Which marks stand in the memory that the process may write to, with how often.
fn found_in_memory_of(process: u32, marks: &Marks) -> Vec<String> {
    const CHUNK: usize = 1 << 20;
    let longest = marks.values().map(Vec::len).max().unwrap_or(0);
    let mut begins: [Vec<(&str, &[u8])>; 256] = std::array::from_fn(|_| Vec::new());
    for (what, mark) in marks {
        begins[usize::from(mark[0])].push((what, mark));
    }
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).expect("its memory map");
    let memory = File::open(format!("/proc/{process}/mem")).expect("its memory");
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    let mut octets = vec![0; CHUNK + longest];
    let mut seen = 0;
    for line in maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|may| may.starts_with("rw"))) {
        let (from, to) = line.split(' ').next().and_then(|range| range.split_once('-')).expect("a range");
        let [mut at, end] = [from, to].map(|hex| u64::from_str_radix(hex, 16).expect("hexadecimal"));
        while at < end {
            let wanted = octets.len().min(usize::try_from(end - at).expect("a region"));
            let Ok(read) = memory.read_at(&mut octets[..wanted], at) else { break };
            // A mark that begins in this chunk may end in the next.
            for begin in 0..read.min(CHUNK) {
                for (what, mark) in &begins[usize::from(octets[begin])] {
                    if octets[begin..read].starts_with(mark) {
                        *found.entry(what).or_default() += 1;
                    }
                }
            }
            seen += read;
            at += u64::try_from(CHUNK).expect("a chunk");
        }
    }
    assert!(seen > 1 << 20, "only {seen} octets of its memory could be read");
    found.into_iter().map(|(what, times)| format!("{what} ({times} times)")).collect()
}

/// Remembers the randomness that it gives.
#[derive(Default)]
struct Remembering(Mutex<Vec<Vec<u8>>>);

impl Entropy for Remembering {
    fn fill(&self, bytes: &mut [u8]) {
        SystemEntropy.fill(bytes);
        self.0.lock().unwrap().push(bytes.to_vec());
    }
}

/// Stores the demonstration's person, whose profile is known.
fn store_person(place: &Production, marks: &mut Marks) {
    let settings = SettingsFile::new(Some(place.path("signet.toml"))).read().expect("settings");
    let application = Application::build(&settings, &Surroundings::production()).expect("it builds");
    let (site, now, entropy) = (application.site(), SystemClock.now(), Remembering::default());
    let cheap = Argon2Parameters { memory_kib: 64, iterations: 1, lanes: 1 };
    let invented = person::invent_as(EMAIL, "+12024561111", &*site.keys, cheap, now, &entropy).expect("a person");
    let keys = entropy.0.into_inner().unwrap();
    let [key] = keys.iter().filter(|key| key.len() == 32).collect::<Vec<_>>()[..] else { panic!("which is it?") };
    mark(marks, "vault's key", key);
    mark(marks, "first recovery key", &invented.shown.recovery_key);
    let stored = site
        .store
        .transaction_blocking::<_, signet::accounts::Trouble, _>(|tx| person::store(tx, site, &invented, now));
    assert!(stored.expect("it is stored"));
}

/// Signs in by a text message, adds an app, makes a new recovery key, signs in at a service, signs out; forgets the password, opens the
/// vault with the recovery key, signs out.
async fn whole_journey(place: &Production, marks: &mut Marks) {
    mark(marks, "address", EMAIL);
    mark(marks, "address, percent-encoded", EMAIL.replace('@', "%40"));
    for (what, password) in
        [("password", person::PASSWORD), ("second password", SECOND_PASSWORD), ("wrong password", WRONG_PASSWORD)]
    {
        mark(marks, what, password);
        mark(marks, &format!("{what}, percent-encoded"), password.replace(' ', "+"));
    }
    mark(marks, "Social Security number", "900-12-3456");

    // Many at once: the server keeps the heads of as many requests for the next ones.
    let crowd = Browser::new(&place.url());
    let page = crowd.get("/sign-in").await;
    let (crowd, page) = (&crowd, &page);
    let wrong = |number: usize| async move {
        let email = format!("nobody{number}@example.gov");
        crowd.submit(page, &[("email", &email), ("password", WRONG_PASSWORD)]).await
    };
    for answer in join_all((0..8).map(wrong)).await {
        assert!(!answer.status.is_success(), "{}", answer.text());
    }

    let browser = Browser::new(&place.url());
    let page = give_password(&browser, EMAIL, person::PASSWORD).await;
    assert!(page.url.path().starts_with("/sign-in/second-factor"), "{}", page.text());
    text_code(place, &browser, 0, marks).await;
    mark(marks, "cookie", browser.cookie("__Host-signet").expect("a cookie"));

    let page = browser.get("/account/methods/add/totp").await;
    let secret = secret_of(&page);
    let shown = page.find("#secret code").expect("the secret");
    mark(marks, "app's secret, as shown", &shown);
    mark(marks, "app's secret, in Base32", shown.replace(' ', ""));
    mark(marks, "app's secret", secret.as_bytes());
    let code = secret.code_at(SystemClock.now()).expect("a code");
    mark(marks, "app's code", format!("code={code}"));
    browser.submit(&page, &[("code", &code), ("name", "my app")]).await.expect_status(200);

    let page = browser.get("/account").await;
    let page = browser.submit_to(&page, "/account/recovery-key", &[]).await;
    let recovery_key = page.find("#recovery-key code").unwrap_or_else(|| panic!("{}", page.text()));
    mark(marks, "recovery key", &recovery_key);
    mark(marks, "recovery key, without dashes", recovery_key.replace('-', ""));
    browser.submit_to(&page, "/sign-up/recovery-key", &[("kept", "yes")]).await.expect_status(200);

    // At a service, which is sent the profile.
    let published = browser.get("/saml/metadata").await;
    let idp = IdentityProvider::from_metadata(published.body.as_bytes()).unwrap();
    let request =
        permits().request(&idp, &ask(&[IAL2], &["email", "ssn"]), None, SystemClock.now(), &SystemEntropy).unwrap();
    let page = browser.get(&request.url).await;
    assert!(page.body.contains("900-12-3456"), "{}", page.text());
    let agree = page.forms().into_iter().find(|form| form.action.path().starts_with("/saml/consent/"));
    browser.submit_form(&agree.unwrap_or_else(|| panic!("{}", page.text()))).await.expect_status(200);
    sign_out(&browser).await;

    // In another browser.
    let elsewhere = Browser::new(&place.url());
    let page = elsewhere.get("/forgot-password").await;
    let mails = place.mail.mails().len();
    elsewhere.submit_to(&page, "/forgot-password", &[("email", EMAIL)]).await.expect_status(200);
    let page = elsewhere.get(&place.link_to(EMAIL, mails).await).await;
    elsewhere.submit(&page, &[("password", SECOND_PASSWORD), ("again", SECOND_PASSWORD)]).await.expect_status(200);
    give_password(&elsewhere, EMAIL, SECOND_PASSWORD).await;
    text_code(place, &elsewhere, 1, marks).await;
    let page = elsewhere.get("/forgot-password/unlock").await;
    let page = elsewhere.submit(&page, &[("recovery_key", &recovery_key)]).await;
    mark(marks, "newest recovery key", page.find("#recovery-key code").unwrap_or_else(|| panic!("{}", page.text())));
    sign_out(&elsewhere).await;
}

/// Gives the code of the text message of this number.
async fn text_code(place: &Production, browser: &Browser, message: usize, marks: &mut Marks) {
    let page = browser.get("/sign-in/second-factor/sms").await;
    let page = browser.submit_to(&page, "/sms/send", &[]).await;
    let code = place.code(message).await;
    mark(marks, &format!("code {message}"), format!("code={code}"));
    browser.submit(&page, &[("code", &code)]).await.expect_status(200);
}

async fn sign_out(browser: &Browser) {
    let page = browser.get("/account").await;
    browser.submit_to(&page, "/account/sign-out", &[]).await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_memory_of_the_service_holds_no_secret_of_a_person_after_everybody_signed_out() {
    let metadata = permits().metadata("Permits").unwrap().as_str().to_owned();
    let agreed = agreement("default_attributes = [\"email\"]", &["email", "ssn"]);
    let mut place = Production::set_up("", Some(("department-of-parks", "permits", metadata, agreed))).await;
    let mut marks = Marks::new();
    store_person(&place, &mut marks);
    place.serve("info").await;
    whole_journey(&place, &mut marks).await;
    let process = place.process();
    let found = || found_in_memory_of(process, &marks);
    let mut held = found();
    // A connection is given up a few seconds after its last answer.
    for _ in 0..20 {
        if held.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        held = found();
    }
    assert!(held.is_empty(), "in the memory of the service: {}", held.join(", "));
}
