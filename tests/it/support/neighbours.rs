//! Signet's neighbours, played on loopback: a mail server and a gateway for text messages. Each keeps what it is given.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A mail server that speaks SMTP in clear text.
#[derive(Clone, Default)]
pub struct MailServer {
    mails: Arc<Mutex<Vec<String>>>,
    /// How many connections it was opened.
    pub connections: Arc<Mutex<usize>>,
    /// What it answers to the recipient, in order; then it takes everything.
    pub answers: Arc<Mutex<VecDeque<&'static str>>>,
}

impl MailServer {
    /// Starts it; the port.
    pub async fn start(self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *self.connections.lock().unwrap() += 1;
                tokio::spawn(self.clone().talk(stream));
            }
        });
        port
    }

    async fn talk(self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 sink.example\r\n").await?;
        let mut line = String::new();
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let verb = line.split([' ', ':', '\r']).next().unwrap_or_default().to_ascii_uppercase();
            let answer = match verb.as_str() {
                "EHLO" => "250-sink.example\r\n250 8BITMIME",
                "RCPT" => self.answers.lock().unwrap().pop_front().unwrap_or("250 good"),
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await?;
                    let mut mail = String::new();
                    while !mail.ends_with("\r\n.\r\n") {
                        if stream.read_line(&mut mail).await? == 0 {
                            return Ok(());
                        }
                    }
                    self.mails.lock().unwrap().push(mail);
                    "250 taken"
                }
                "QUIT" => "221 bye",
                _ => "250 good",
            };
            stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
    }

    /// Every mail, as it came.
    pub fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().clone()
    }
}

/// A gateway for text messages that speaks Kannel's HTTP interface.
#[derive(Clone, Default)]
pub struct Gateway {
    asked: Arc<Mutex<Vec<url::Url>>>,
    /// Whether it takes a request and never answers.
    pub hangs: Arc<AtomicBool>,
}

impl Gateway {
    /// Starts it; it gives this answer to everything. The port.
    pub async fn start(self, status: &'static str, body: &'static str) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(self.clone().talk(stream, status, body));
            }
        });
        port
    }

    async fn talk(self, stream: TcpStream, status: &str, body: &str) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let target = line.split(' ').nth(1).unwrap_or_default();
        self.asked.lock().unwrap().push(format!("http://gateway{target}").parse().unwrap());
        let mut rest = String::new();
        while stream.read_line(&mut rest).await? > 2 {
            rest.clear();
        }
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).await
    }

    /// What it was asked, in order.
    pub fn asked(&self) -> Vec<url::Url> {
        self.asked.lock().unwrap().clone()
    }

    /// A parameter of the request of this number.
    pub fn parameter(&self, request: usize, name: &str) -> Option<String> {
        let asked = self.asked.lock().unwrap();
        asked.get(request)?.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}
