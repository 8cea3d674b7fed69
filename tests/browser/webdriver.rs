//! A small WebDriver client: ChromeDriver started on a free port, one Chromium a session, the commands that the journeys need.
//!
//! The protocol is W3C WebDriver 2; the virtual authenticator is the extension of WebAuthn Level 3 §11.2. What has no standard
//! command (a phone's width, a page without script) goes through ChromeDriver's door to the DevTools protocol.

use std::fmt::Display;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, Method, Url};
use serde_json::{Value, json};

/// How long a page may take to show what a test waits for: a busy machine with two cores, not a person's patience.
const PATIENCE: Duration = Duration::from_secs(20);

/// The key under which WebDriver hands out element references.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// One Chromium with an empty profile, ended when this is dropped.
pub struct Chromium {
    client: Client,
    session: String,
    driver: Child,
    _profile: tempfile::TempDir,
}

/// How a session is to look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Looks {
    /// The page runs no script of its own.
    pub without_script: bool,
    /// Width of the view in CSS pixels; 1,024 where it is `None`.
    pub width: Option<u32>,
}

/// An element of the page that is shown, valid until the page changes.
#[derive(Debug, Clone)]
pub struct Element(String);

/// A virtual authenticator that answers without a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authenticator {
    /// Built into the device, holds passkeys, verifies its user.
    Platform,
    /// A USB key without a screen, that verifies its user by PIN.
    SecurityKey,
}

impl Chromium {
    /// Starts ChromeDriver and a Chromium.
    pub async fn start() -> Self {
        Self::looking(Looks::default()).await
    }

    /// Starts ChromeDriver and a Chromium with a given width, or without script.
    pub async fn looking(looks: Looks) -> Self {
        let profile = tempfile::Builder::new().prefix("signet-chromium").tempdir().expect("a profile folder");
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver: Debian's package chromium-driver");
        let port = port_announced_by(&mut driver);
        let client = Client::builder().timeout(Duration::from_secs(90)).no_proxy().build().expect("a client");
        let mut options = json!({
            "args": [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
                "--lang=en-US", "--window-size=1024,900",
                // Nothing but this machine: a page that reaches for the network fails at once.
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1",
                format!("--user-data-dir={}", profile.path().display()),
            ],
        });
        if looks.without_script {
            options["prefs"] = json!({ "profile.managed_default_content_settings.javascript": 2 });
        }
        let base = format!("http://127.0.0.1:{port}/session");
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": { "browser": "ALL" },
            "timeouts": { "implicit": 0, "pageLoad": 60_000, "script": 60_000 },
        } } });
        let answer = client.post(&base).json(&wanted).send().await.expect("ChromeDriver answers");
        let answer: Value = answer.json().await.expect("JSON");
        let id = answer["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {answer}"));
        let chromium = Self { session: format!("{base}/{id}"), client, driver, _profile: profile };
        if let Some(width) = looks.width {
            chromium.narrow(width).await;
        }
        chromium
    }

    /// Shows pages as on a phone that is so many CSS pixels wide.
    pub async fn narrow(&self, width: u32) {
        let phone = json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": true });
        self.devtools("Emulation.setDeviceMetricsOverride", phone).await;
    }

    /// Shows pages at the window's own width again.
    pub async fn widen(&self) {
        self.devtools("Emulation.clearDeviceMetricsOverride", json!({})).await;
    }

    /// Opens an address and waits until the page has loaded.
    pub async fn open(&self, address: &str) {
        self.command(Method::POST, "url", json!({ "url": address })).await;
    }

    /// The address of the page that is shown.
    pub async fn address(&self) -> String {
        text_of(&self.command(Method::GET, "url", Value::Null).await)
    }

    /// The markup of the page that is shown.
    pub async fn source(&self) -> String {
        text_of(&self.command(Method::GET, "source", Value::Null).await)
    }

    /// The element that a CSS selector finds first; waits for it.
    #[track_caller]
    pub fn find(&self, css: &str) -> impl Future<Output = Element> {
        let asked = std::panic::Location::caller();
        async move {
            let until = Instant::now() + PATIENCE;
            loop {
                if let Some(element) = self.look_for(css).await {
                    return element;
                }
                if Instant::now() > until {
                    panic!("{asked}: no {css:?} on {}:\n{}", self.address().await, self.words().await);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    /// The element that a CSS selector finds first, if it is there now.
    pub async fn look_for(&self, css: &str) -> Option<Element> {
        let found = self.command(Method::POST, "elements", json!({ "using": "css selector", "value": css })).await;
        found.get(0).map(|first| Element(text_of(&first[ELEMENT])))
    }

    /// Clicks what a CSS selector finds first.
    pub async fn click(&self, css: &str) {
        let element = self.find(css).await;
        self.click_on(&element).await;
    }

    /// Clicks an element, and waits for the page that this leads to, if it leads to one. An element that moves while the
    /// page is still being laid out (its font has just come) is clicked when it stands; nothing was clicked until then.
    pub async fn click_on(&self, element: &Element) {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.try_command(Method::POST, &format!("element/{}/click", element.0), json!({})).await {
                Ok(_) => return,
                Err(fault) if fault.contains("click intercepted") && Instant::now() < until => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(fault) => panic!("click: {fault}"),
            }
        }
    }

    /// Clicks the link or the button with these words on it.
    pub async fn press(&self, words: &str) {
        let path = format!(
            "//*[self::a or self::button or self::summary or self::label][contains(normalize-space(.), {})]",
            quoted_for_xpath(words)
        );
        let until = Instant::now() + PATIENCE;
        loop {
            let found = self.command(Method::POST, "elements", json!({ "using": "xpath", "value": path })).await;
            if let Some(first) = found.get(0) {
                return self.click_on(&Element(text_of(&first[ELEMENT]))).await;
            }
            assert!(Instant::now() < until, "no {words:?} on {}:\n{}", self.address().await, self.words().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Empties a field and types into it, key by key.
    pub async fn fill(&self, css: &str, value: &str) {
        let element = self.find(css).await;
        self.command(Method::POST, &format!("element/{}/clear", element.0), json!({})).await;
        self.command(Method::POST, &format!("element/{}/value", element.0), json!({ "text": value })).await;
    }

    /// Presses keys one after another, wherever the focus is: letters as they are, others by WebDriver's code points.
    pub async fn type_keys(&self, keys: &str) {
        let strokes: Vec<Value> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key.to_string() })))
            .collect();
        let board = json!([{ "type": "key", "id": "keyboard", "actions": strokes }]);
        self.command(Method::POST, "actions", json!({ "actions": board })).await;
    }

    /// Shows pages to somebody whose system asks for its own few colours, and for no movement.
    pub async fn force_colours(&self) {
        let wishes = json!([
            { "name": "forced-colors", "value": "active" },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": wishes })).await;
    }

    /// The visible text of what a CSS selector finds first.
    pub async fn text(&self, css: &str) -> String {
        let element = self.find(css).await;
        text_of(&self.command(Method::GET, &format!("element/{}/text", element.0), Value::Null).await)
    }

    /// All visible words of the page.
    pub async fn words(&self) -> String {
        match self.look_for("body").await {
            Some(body) => text_of(&self.command(Method::GET, &format!("element/{}/text", body.0), Value::Null).await),
            None => String::new(),
        }
    }

    /// Waits until the page shows these words.
    #[track_caller]
    pub fn expect(&self, words: &str) -> impl Future<Output = ()> {
        self.wait(format!("the words {words:?}"), async move || self.try_words().await.contains(words))
    }

    /// Waits until the address has this in it.
    #[track_caller]
    pub fn expect_address(&self, part: &str) -> impl Future<Output = ()> {
        self.wait(format!("an address with {part:?}"), async move || self.address().await.contains(part))
    }

    /// Waits until a page has loaded whose path ends so.
    #[track_caller]
    pub fn expect_path(&self, end: &str) -> impl Future<Output = ()> {
        self.wait(format!("a path that ends with {end:?}"), async move || {
            let script = "return document.readyState === 'complete' ? location.pathname : ''";
            let script = json!({ "script": script, "args": [] });
            let path = self.try_command(Method::POST, "execute/sync", script).await;
            path.is_ok_and(|path| text_of(&path).ends_with(end))
        })
    }

    /// Waits until something holds; says what it waited for and what the page shows, where it never does.
    #[track_caller]
    pub fn wait(&self, wanted: impl Display, mut holds: impl AsyncFnMut() -> bool) -> impl Future<Output = ()> {
        let asked = std::panic::Location::caller();
        async move {
            let until = Instant::now() + PATIENCE;
            while !holds().await {
                if Instant::now() > until {
                    panic!("{asked}: waited for {wanted} on {}:\n{}", self.address().await, self.words().await);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    /// Runs the body of a function in the page and gives what it returns.
    pub async fn script(&self, body: &str, arguments: &[Value]) -> Value {
        self.command(Method::POST, "execute/sync", json!({ "script": body, "args": arguments })).await
    }

    /// What went wrong since the last look, in the words of the browser's console: scripts, policies, missing files.
    pub async fn console_errors(&self) -> Vec<String> {
        let log = self.command(Method::POST, "se/log", json!({ "type": "browser" })).await;
        let severe = log.as_array().cloned().unwrap_or_default().into_iter().filter(|entry| entry["level"] == "SEVERE");
        // That the page itself is a refusal says its status; and a browser asks every site for an icon by itself.
        let page_itself = format!("{} - Failed to load resource", self.address().await);
        let known = |message: &str| message.starts_with(&page_itself) || message.contains("/favicon.ico");
        severe.map(|entry| text_of(&entry["message"])).filter(|message| !known(message)).collect()
    }

    /// A picture of the whole page, as PNG.
    pub async fn screenshot(&self) -> Vec<u8> {
        let shot = self.devtools("Page.captureScreenshot", json!({ "captureBeyondViewport": true })).await;
        STANDARD.decode(text_of(&shot["data"])).expect("base64")
    }

    /// Gives this browser a virtual authenticator; its id names it in other commands.
    pub async fn plug_in(&self, authenticator: Authenticator) -> String {
        let transport = match authenticator {
            Authenticator::Platform => "internal",
            Authenticator::SecurityKey => "usb",
        };
        let options = json!({
            "protocol": "ctap2_1", "transport": transport, "hasResidentKey": authenticator == Authenticator::Platform,
            "hasUserVerification": true, "isUserVerified": true, "isUserConsenting": true,
        });
        text_of(&self.command(Method::POST, "webauthn/authenticator", options).await)
    }

    /// Takes a virtual authenticator away, as when a key is lost.
    pub async fn unplug(&self, authenticator: &str) {
        self.command(Method::DELETE, &format!("webauthn/authenticator/{authenticator}"), Value::Null).await;
    }

    /// The credentials that a virtual authenticator holds.
    pub async fn credentials(&self, authenticator: &str) -> Vec<Value> {
        let path = format!("webauthn/authenticator/{authenticator}/credentials");
        self.command(Method::GET, &path, Value::Null).await.as_array().cloned().unwrap_or_default()
    }

    /// Ends every session that this browser has anywhere.
    pub async fn forget_cookies(&self) {
        self.devtools("Network.clearBrowserCookies", json!({})).await;
    }

    /// Ends every session that this browser has at one site.
    pub async fn forget_cookies_of(&self, address: &str) {
        let cookies = self.devtools("Network.getCookies", json!({ "urls": [address] })).await;
        for cookie in cookies["cookies"].as_array().into_iter().flatten() {
            self.devtools("Network.deleteCookies", json!({ "name": cookie["name"], "url": address })).await;
        }
    }

    /// A command of the DevTools protocol.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.command(Method::POST, "goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await
    }

    /// The visible words, or nothing while one page gives way to the next.
    async fn try_words(&self) -> String {
        let script = json!({ "script": "return document.body ? document.body.innerText : ''", "args": [] });
        self.try_command(Method::POST, "execute/sync", script).await.map(|words| text_of(&words)).unwrap_or_default()
    }

    /// `DELETE /session/ID`, by hand: a destructor cannot await.
    fn end_session(&self) -> std::io::Result<()> {
        let url = Url::parse(&self.session).expect("the session's address");
        let mut stream = TcpStream::connect(("127.0.0.1", url.port().unwrap_or_default()))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "DELETE {} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", url.path())?;
        // It answers when the browser has ended, and then keeps the connection open.
        stream.read(&mut [0; 1024]).map(|_| ())
    }

    async fn command(&self, method: Method, path: &str, body: Value) -> Value {
        let said = self.try_command(method, path, body).await;
        said.unwrap_or_else(|fault| panic!("{path}: {fault}"))
    }

    async fn try_command(&self, method: Method, path: &str, body: Value) -> Result<Value, String> {
        let mut request = self.client.request(method, format!("{}/{path}", self.session));
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.map_err(|fault| fault.to_string())?;
        let good = answer.status().is_success();
        let mut value = answer.json::<Value>().await.map_err(|fault| fault.to_string())?["value"].take();
        if good { Ok(value) } else { Err(format!("{} ({})", text_of(&value["message"].take()), value["error"])) }
    }
}

impl Drop for Chromium {
    /// Ends the session, which ends its Chromium, and then ChromeDriver, which would leave the Chromium behind.
    fn drop(&mut self) {
        let _ = self.end_session();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// ChromeDriver says on its standard output which port it took.
fn port_announced_by(driver: &mut Child) -> u16 {
    let said = driver.stdout.take().expect("its output");
    for line in BufReader::new(said).lines() {
        let line = line.expect("a line");
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            return port.trim_end_matches('.').parse().expect("a port");
        }
    }
    panic!("ChromeDriver ended without naming its port");
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// XPath has no escapes: words with both kinds of quotes are not asked for.
fn quoted_for_xpath(words: &str) -> String {
    if words.contains('"') { format!("'{words}'") } else { format!("\"{words}\"") }
}
