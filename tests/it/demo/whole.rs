//! The whole demonstration, as a newcomer meets it: one URL, and everything from there by links and forms.

use std::sync::Arc;

use signet::{
    app::Surroundings,
    authentication::password::Argon2Parameters,
    demo::setup::{DemoPlaces, Demonstration},
    services::{SystemClock, SystemEntropy, sandbox::SandboxInbox},
};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::support::{
    app::wait_for,
    browser::{Browser, Page},
};

struct Started {
    places: DemoPlaces,
    inbox: SandboxInbox,
    stop: oneshot::Sender<()>,
    running: tokio::task::JoinHandle<()>,
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn surroundings() -> Surroundings {
    Surroundings {
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        password_cost: Argon2Parameters { memory_kib: 64, iterations: 1, lanes: 1 },
        demonstration: true,
    }
}

fn start_in(folder: &TempDir) -> Started {
    let places = DemoPlaces {
        folder: folder.path().to_owned(),
        samples: "metadata".into(),
        port: free_port(),
        agency_port: free_port(),
    };
    let demonstration = Demonstration::set_up(&places, &surroundings()).unwrap();
    let inbox = demonstration.application().inbox().unwrap().clone();
    let (stop, stopped) = oneshot::channel();
    let running = tokio::spawn(async move { demonstration.run_until(async { drop(stopped.await) }).await.unwrap() });
    Started { places, inbox, stop, running }
}

impl Started {
    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.running.await.unwrap();
    }

    /// The newest code that was sent, once it is there.
    async fn code(&self) -> String {
        let digits =
            |text: &str| text.split(|c: char| !c.is_ascii_digit()).find(|run| run.len() == 6).map(str::to_owned);
        let newest = || self.inbox.messages().iter().rev().find_map(|message| digits(&message.body));
        wait_for(newest, "a code").await
    }
}

#[tokio::test]
async fn the_demonstration_starts_again_with_what_it_made() {
    let folder = tempfile::tempdir().unwrap();
    let first = start_in(&folder);
    let page = Browser::new(&first.places.start_url()).get("/").await;
    page.expect_status(200).expect_words("pat.sample@demo.example");
    let recovery_key = |page: &Page| page.text().rsplit("Recovery key ").next().unwrap()[..34].to_owned();
    let shown = recovery_key(&page);
    first.stop().await;

    let second = start_in(&folder);
    let page = Browser::new(&second.places.start_url()).get("/").await;
    assert_eq!(recovery_key(&page), shown);
    second.stop().await;
}
