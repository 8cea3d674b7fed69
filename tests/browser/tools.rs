//! The tools of these tests, proven on pages of their own before they judge Signet's.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::accessibility::{assert_accessible, assert_fits_a_phone, violations};
use crate::webdriver::{Authenticator, Chromium, Looks};

const GOOD: &str = r#"<!doctype html><html lang="en"><head><meta name="viewport" content="width=device-width"><title>Good</title></head><body><main><h1>Sign in</h1>
<form action="/sent"><label for="name">Name</label> <input id="name" name="name"><button>Go on</button></form>
<p id="script">no script</p><script>document.getElementById("script").textContent = "a script ran"</script></main></body></html>"#;

const BAD: &str = r#"<!doctype html><html lang="en"><head><meta name="viewport" content="width=device-width"><title>Bad</title></head><body><main><h1>Sign in</h1>
<form><input name="nameless"></form><img src="data:,"><div style="width: 900px">wide</div></main></body></html>"#;

/// Serves two pages on loopback until the process ends; gives the origin.
fn pages() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut request = [0; 4096];
            let read = stream.read(&mut request).unwrap_or(0);
            let page = if request[..read].starts_with(b"GET /bad") { BAD } else { GOOD };
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n";
            let _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{page}", page.len());
        }
    });
    format!("http://localhost:{port}")
}

#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn a_form_is_filled_and_sent() {
    let (browser, origin) = (Chromium::start().await, pages());
    browser.open(&format!("{origin}/")).await;
    browser.expect("a script ran").await;
    browser.fill("#name", "Ada Lovelace").await;
    browser.press("Go on").await;
    browser.expect_address("/sent?name=Ada+Lovelace").await;
    assert!(browser.screenshot().await.starts_with(b"\x89PNG"));
}

#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn a_page_can_be_shown_without_its_script() {
    let browser = Chromium::looking(Looks { without_script: true, width: None }).await;
    browser.open(&pages()).await;
    assert_eq!(browser.text("#script").await, "no script");
    browser.fill("#name", "Ada").await;
    browser.press("Go on").await;
    browser.expect_address("/sent?name=Ada").await;
}

#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn the_judges_of_a_page_find_what_is_wrong_with_it() {
    let (browser, origin) = (Chromium::looking(Looks { width: Some(320), without_script: false }).await, pages());
    browser.open(&origin).await;
    assert_accessible(&browser).await;
    assert_fits_a_phone(&browser).await;
    browser.narrow(320).await;
    browser.open(&format!("{origin}/bad")).await;
    let found = violations(&browser).await.join("\n");
    assert!(found.contains("label") && found.contains("image-alt"), "{found}");
    let wide = browser.script("return document.documentElement.scrollWidth", &[]).await;
    assert!(wide.as_u64() > Some(320), "{wide}");
}

#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn a_virtual_authenticator_makes_a_passkey() {
    let (browser, origin) = (Chromium::start().await, pages());
    browser.open(&origin).await;
    let authenticator = browser.plug_in(Authenticator::Platform).await;
    let made = browser
        .script(
            "return navigator.credentials.create({ publicKey: { rp: { id: 'localhost', name: 'test' },
               user: { id: new Uint8Array([1]), name: 'ada', displayName: 'Ada' }, challenge: new Uint8Array(32),
               pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
               authenticatorSelection: { residentKey: 'required', userVerification: 'required' } } }).then(c => c.type)",
            &[],
        )
        .await;
    assert_eq!(made, "public-key");
    assert_eq!(browser.credentials(&authenticator).await.len(), 1);
    browser.unplug(&authenticator).await;
}
