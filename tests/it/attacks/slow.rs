//! Strangers who begin and do not go on: a body that never ends, an answer that nobody reads, more connections than a network's
//! share. Each is given up or refused, and the others are served.

use std::net::SocketAddr;
use std::time::Duration;

use signet::settings::ConnectionSettings;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::app::{TestApp, Wishes};
use crate::support::browser::Browser;

async fn app(connections: ConnectionSettings, proxies: u8) -> TestApp {
    TestApp::start_with(Wishes { connections, proxies, ..Wishes::default() }).await
}

fn address(app: &TestApp) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], app.settings.server.listen.port()))
}

/// A connection from one of the many addresses of loopback.
async fn connect(app: &TestApp, from: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, from], 0))).unwrap();
    socket.connect(address(app)).await.unwrap()
}

/// Headers of a form with more octets than will come.
fn begun(path: &str, more: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n{more}\
         Content-Length: 1000\r\n\r\ncsrf="
    )
}

/// Everything that comes until the other side closes the connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    // What was not read by the other side may make its end a reset.
    drop(stream.read_to_end(&mut text).await);
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_given_up_wherever_it_goes() {
    let app = app(ConnectionSettings { body_seconds: 1, ..ConnectionSettings::default() }, 0).await;
    for path in ["/sign-in", "/saml/sso", "/saml/artifact", "/sign-in/second-factor/webauthn", "/no-such-page", "/help"]
    {
        let mut stream = connect(&app, 1).await;
        stream.write_all(begun(path, "").as_bytes()).await.unwrap();
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{path}: {answer}");
        assert!(answer.contains("Code: W20") && answer.contains("connection: close"), "{path}: {answer}");
    }
    app.browser().get("/sign-in").await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_comes_octet_by_octet_has_no_longer() {
    let app = app(ConnectionSettings { body_seconds: 1, ..ConnectionSettings::default() }, 0).await;
    let (mut reader, mut writer) = connect(&app, 1).await.into_split();
    writer.write_all(begun("/sign-in", "").as_bytes()).await.unwrap();
    let trickling = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        loop {
            ticks.tick().await;
            if writer.write_all(b"a").await.is_err() {
                return;
            }
        }
    });
    let mut answer = vec![0; 12];
    reader.read_exact(&mut answer).await.unwrap();
    trickling.abort();
    assert_eq!(answer, b"HTTP/1.1 408");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_with_its_share_of_connections_gets_a_page_and_then_nothing_and_others_are_served() {
    let app = app(ConnectionSettings { per_network: 3, ..ConnectionSettings::default() }, 0).await;
    let get = b"GET /help HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut held = Vec::new();
    for _ in 0..3 {
        // Answered, so that the service has seen each before the next comes.
        let mut stream = connect(&app, 2).await;
        stream.write_all(get).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        held.push(stream);
    }
    let mut beyond = connect(&app, 2).await;
    beyond.write_all(get).await.unwrap();
    let answer = rest(&mut beyond).await;
    assert!(answer.starts_with("HTTP/1.1 429 ") && answer.contains("Code: W21"), "{answer}");
    assert!(answer.contains("retry-after: 5") && answer.contains("connection: close"), "{answer}");

    // Twice the share: closed without a word, however many come.
    for _ in 0..12 {
        held.push(connect(&app, 2).await);
    }
    let mut last = connect(&app, 2).await;
    drop(last.write_all(get).await);
    assert_eq!(rest(&mut last).await, "");

    let other = Browser::coming_from(&app.at, Some([127, 0, 0, 3].into()));
    other.get("/sign-in").await.expect_status(200);
    // What is given back is free again.
    drop(held);
    let same = Browser::coming_from(&app.at, Some([127, 0, 0, 2].into()));
    for _ in 0..100 {
        let url = format!("{}/help", app.at).parse().unwrap();
        match same.try_once(reqwest::Method::GET, url, None).await {
            Ok(page) if page.status == 200 => return,
            // The ends of those connections are still on their way.
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    panic!("the network's connections are not free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_requests_under_way_are_counted_by_the_client_that_it_names() {
    let app =
        app(ConnectionSettings { requests_per_network: 2, per_network: 1, ..ConnectionSettings::default() }, 1).await;
    let of = |client: &str| format!("X-Forwarded-For: {client}\r\n");
    let ask = async |client: &str| {
        let mut stream = connect(&app, 1).await;
        let close = "Connection: close\r\n";
        let get = format!("GET /help HTTP/1.1\r\nHost: localhost\r\n{}{close}\r\n", of(client));
        stream.write_all(get.as_bytes()).await.unwrap();
        rest(&mut stream).await
    };
    // One more is held each time, so that two are after a while, whichever of them came first.
    let (mut held, mut answer) = (Vec::new(), String::new());
    for _ in 0..100 {
        let mut stream = connect(&app, 1).await;
        stream.write_all(begun("/sign-in", &of("198.51.100.7")).as_bytes()).await.unwrap();
        held.push(stream);
        answer = ask("198.51.100.7").await;
        if !answer.starts_with("HTTP/1.1 200 ") {
            break;
        }
    }
    assert!(answer.starts_with("HTTP/1.1 429 ") && answer.contains("Code: W21"), "{answer}");
    assert!(ask("198.51.100.8").await.starts_with("HTTP/1.1 200 "), "another client of the same proxy");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_takes_is_given_up() {
    let one = ConnectionSettings { answer_seconds: 1, per_network: 1, ..ConnectionSettings::default() };
    let app = app(one, 0).await;
    let page = Browser::coming_from(&app.at, Some([127, 0, 0, 3].into())).get("/").await;
    let styles = page.attribute("link[rel=stylesheet]", "href").expect("a stylesheet");
    // A window of a few octets, more answers than the system keeps for us, and nobody who reads.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(2048).unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 2], 0))).unwrap();
    let mut stream = socket.connect(address(&app)).await.unwrap();
    let get = format!("GET {styles} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(get.repeat(60).as_bytes()).await.unwrap();
    // Its network has one connection, which is free again when that one is given up.
    let same = Browser::coming_from(&app.at, Some([127, 0, 0, 2].into()));
    let url: url::Url = format!("{}/help", app.at).parse().unwrap();
    let mut refused = 0;
    for _ in 0..200 {
        match same.try_once(reqwest::Method::GET, url.clone(), None).await {
            Ok(page) if page.status == 200 => {
                assert!(refused > 0, "it was never held");
                return;
            }
            _ => refused += 1,
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("an answer that nobody takes holds its connection");
}
