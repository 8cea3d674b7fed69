//! Kannel 1.4 (bearerbox and smsbox), and behind it a message centre that speaks SMPP 3.4: the far end of the mobile
//! network, played here, since Kannel's own listens on every address of the machine.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use secrecy::SecretString;
use signet::services::sms::{KannelSettings, KannelSms, OutgoingSms, Sms as _};
use signet::services::{Reason, ServiceOutcome};
use signet::settings::SmsSettings;
use signet::subscriber::PhoneNumber;
use time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{Running, free_port, listens, run};
use crate::support::app::{TestApp, Wishes, wait_for};
use crate::support::browser::{Browser, Page};
use crate::support::people::up_to_methods;

const PASSWORD: &str = "gateway & password";
const PHONE: &str = "+12024561111";

/// The message centre: number and text of whatever arrived.
#[derive(Clone, Default)]
struct Centre {
    arrived: Arc<Mutex<Vec<(String, String)>>>,
}

impl Centre {
    async fn start(&self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let centre = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(centre.clone().talk(stream));
            }
        });
        port
    }

    /// SMPP 3.4, 3.2: length, command, status, sequence number, body.
    async fn talk(self, mut stream: TcpStream) -> std::io::Result<()> {
        loop {
            let length = stream.read_u32().await?;
            let command = stream.read_u32().await?;
            let _status = stream.read_u32().await?;
            let sequence = stream.read_u32().await?;
            let mut body = vec![0; length.saturating_sub(16) as usize];
            stream.read_exact(&mut body).await?;
            let answer: &[u8] = match command {
                // bind_receiver, bind_transmitter, bind_transceiver: who we are.
                0x1 | 0x2 | 0x9 => b"centre\0",
                // submit_sm: the name under which the message is kept.
                0x4 => {
                    self.arrived.lock().unwrap().push(submitted(&body));
                    b"1\0"
                }
                // unbind, enquire_link.
                0x6 | 0x15 => b"",
                _ => continue,
            };
            let mut all = Vec::new();
            for word in [16 + u32::try_from(answer.len()).unwrap(), command | 0x8000_0000, 0, sequence] {
                all.extend(word.to_be_bytes());
            }
            all.extend(answer);
            stream.write_all(&all).await?;
        }
    }

    fn arrived(&self) -> Vec<(String, String)> {
        self.arrived.lock().unwrap().clone()
    }

    async fn code(&self, after: usize) -> String {
        let (to, text) = wait_for(|| self.arrived().into_iter().nth(after), "a text message").await;
        assert!(to.ends_with(&PHONE[1..]), "{to}");
        let code = text.split(|c: char| !c.is_ascii_digit()).find(|run| run.len() == 6);
        code.unwrap_or_else(|| panic!("no code in {text:?}")).to_owned()
    }
}

/// Number and text of a submit_sm (4.4.1): strings that end with a zero, and octets between them.
fn submitted(body: &[u8]) -> (String, String) {
    let mut at = 0;
    let string = |at: &mut usize| {
        let end = *at + body[*at..].iter().position(|octet| *octet == 0).expect("it ends");
        let text = String::from_utf8_lossy(&body[*at..end]).into_owned();
        *at = end + 1;
        text
    };
    let _service_type = string(&mut at);
    at += 2;
    let _from = string(&mut at);
    at += 2;
    let to = string(&mut at);
    at += 3;
    let _schedule = string(&mut at);
    let _validity = string(&mut at);
    at += 4;
    let length = usize::from(body[at]);
    let text = &body[at + 1..at + 1 + length];
    // GSM 03.38, 6.2.1: the letters that we send stand where ASCII has them, but for the one that is zero.
    (to, text.iter().map(|octet| if *octet == 0 { '@' } else { char::from(*octet) }).collect())
}

/// Both of Kannel's programs.
struct Kannel {
    _boxes: [Running; 2],
}

impl Kannel {
    async fn start(folder: &Path, sendsms: u16, centre: u16) -> Self {
        let (admin, link) = (free_port(), free_port());
        let configuration = include_str!("../../interop/kannel/kannel.conf")
            .replace("{admin}", &admin.to_string())
            .replace("{link}", &link.to_string())
            .replace("{sendsms}", &sendsms.to_string())
            .replace("{centre}", &centre.to_string())
            .replace("{password}", PASSWORD);
        let file = folder.join("kannel.conf");
        std::fs::write(&file, configuration).unwrap();
        let (bearerbox, smsbox) = (folder.join("bearerbox.log"), folder.join("smsbox.log"));
        let first = run(Command::new("/usr/sbin/bearerbox").arg(&file), &bearerbox);
        listens(link, &bearerbox).await;
        let second = run(Command::new("/usr/sbin/smsbox").arg(&file), &smsbox);
        listens(sendsms, &smsbox).await;
        Self { _boxes: [first, second] }
    }
}

struct Scene {
    folder: tempfile::TempDir,
    centre: Centre,
    centre_port: u16,
    sendsms: u16,
}

impl Scene {
    async fn set(password: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("password"), password).unwrap();
        let centre = Centre::default();
        let centre_port = centre.start().await;
        Self { folder, centre, centre_port, sendsms: free_port() }
    }

    fn password_file(&self) -> PathBuf {
        self.folder.path().join("password")
    }

    async fn kannel(&self) -> Kannel {
        Kannel::start(self.folder.path(), self.sendsms, self.centre_port).await
    }

    async fn app(&self) -> TestApp {
        let sms = SmsSettings::Kannel {
            url: format!("http://127.0.0.1:{}/cgi-bin/sendsms", self.sendsms).parse().unwrap(),
            username: "signet".to_owned(),
            password_file: self.password_file(),
            from: "12345".to_owned(),
        };
        TestApp::start_with(Wishes { sms: Some(sms), ..Wishes::default() }).await
    }
}

async fn ask_for_code(app: &TestApp, browser: &Browser) -> Page {
    up_to_methods(app, browser, "ada@example.gov").await;
    let page = browser.get("/sign-up/methods/sms").await;
    let page = browser.submit(&page, &[("phone", PHONE)]).await;
    assert_eq!(page.url.path(), "/sign-up/methods/sms/code", "{}", page.text());
    page
}

/// Waits until the text message was tried and is to be tried again.
async fn is_to_be_tried_again(app: &TestApp) {
    let waiting = || app.count("outbox", "kind = 'sms' AND finished_at IS NULL AND attempts > 0");
    wait_for(|| (waiting() == 1).then_some(()), "a try that failed").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Kannel: make test STAGES=peers"]
async fn a_code_goes_through_kannel_to_the_message_centre_and_sets_the_phone_up() {
    let scene = Scene::set(PASSWORD).await;
    let _kannel = scene.kannel().await;
    let app = scene.app().await;
    let browser = app.browser();
    let page = ask_for_code(&app, &browser).await;
    let code = scene.centre.code(0).await;
    let page = browser.submit(&page, &[("code", &code)]).await;
    assert_eq!(page.url.path(), "/sign-up/recovery-key", "{}", page.text());
    assert_eq!(scene.centre.arrived().len(), 1);
    let text = &scene.centre.arrived()[0].1;
    assert!(text.contains("@localhost #"), "the browser's part of the text arrives as it was written: {text:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Kannel: make test STAGES=peers"]
async fn while_kannel_is_down_a_code_waits_and_arrives_later() {
    let scene = Scene::set(PASSWORD).await;
    let app = scene.app().await;
    let browser = app.browser();
    let page = ask_for_code(&app, &browser).await;
    is_to_be_tried_again(&app).await;
    assert_eq!(scene.centre.arrived(), []);

    let _kannel = scene.kannel().await;
    app.clock.advance(Duration::minutes(2));
    let code = scene.centre.code(0).await;
    browser.submit(&page, &[("code", &code)]).await.expect_status(200);
    wait_for(|| (app.count("outbox", "finished_at IS NULL") == 0).then_some(()), "an empty outbox").await;
    assert_eq!(scene.centre.arrived().len(), 1, "it arrives once");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Kannel: make test STAGES=peers"]
async fn a_wrong_password_is_told_and_nothing_is_lost_until_it_is_mended() {
    let scene = Scene::set("not the password").await;
    let _kannel = scene.kannel().await;
    let gateway = KannelSms::new(KannelSettings {
        url: format!("http://127.0.0.1:{}/cgi-bin/sendsms", scene.sendsms).parse().unwrap(),
        username: "signet".to_owned(),
        password: SecretString::from("not the password"),
        from: "12345".to_owned(),
    })
    .unwrap();
    let to = PhoneNumber::parse(PHONE, "US").unwrap();
    let outcome = gateway.send(&OutgoingSms { to, text: "123456".to_owned() }).await;
    assert_eq!(outcome, ServiceOutcome::Unavailable(Reason::with_code("the gateway answered", 403)));

    let app = scene.app().await;
    let browser = app.browser();
    let page = ask_for_code(&app, &browser).await;
    is_to_be_tried_again(&app).await;
    assert_eq!(scene.centre.arrived(), []);
    // The operator mends the file and starts anew.
    std::fs::write(scene.password_file(), PASSWORD).unwrap();
    let cookie = browser.cookie("__Host-signet").unwrap();
    let app = app.restart().await;
    app.clock.advance(Duration::minutes(2));
    let code = scene.centre.code(0).await;
    let browser = app.browser();
    browser.plant_cookie("__Host-signet", &cookie);
    browser.submit(&page, &[("code", &code)]).await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Kannel: make test STAGES=peers"]
async fn letters_beyond_ascii_arrive_as_they_were_written() {
    let scene = Scene::set(PASSWORD).await;
    let _kannel = scene.kannel().await;
    let gateway = KannelSms::new(KannelSettings {
        url: format!("http://127.0.0.1:{}/cgi-bin/sendsms", scene.sendsms).parse().unwrap(),
        username: "signet".to_owned(),
        password: SecretString::from(PASSWORD),
        from: "12345".to_owned(),
    })
    .unwrap();
    let to = PhoneNumber::parse(PHONE, "US").unwrap();
    let text = "Su código: 123456 — 签";
    let outcome = gateway.send(&OutgoingSms { to, text: text.to_owned() }).await;
    assert_eq!(outcome, ServiceOutcome::Answered(()));
    let (_, arrived) = wait_for(|| scene.centre.arrived().into_iter().next(), "a text message").await;
    // UCS-2, big end first; the reader above took octets for letters, and a zero for the letter that is zero.
    let octets: Vec<u8> = arrived.chars().map(|c| if c == '@' { 0 } else { u8::try_from(c).unwrap() }).collect();
    let units: Vec<u16> = octets.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    assert_eq!(String::from_utf16(&units).unwrap(), text);
}
