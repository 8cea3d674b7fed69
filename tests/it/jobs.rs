//! The outbox: what waits is sent once, tried again after an outage, and dropped when it comes too late.

use std::sync::{Arc, Mutex};

use futures_util::future::{BoxFuture, pending};
use signet::{
    clock::Clock,
    entropy::SystemEntropy,
    jobs::{self, Outbox},
    sealing::ServiceKeys,
    services::{
        ServiceOutcome,
        keys::{GenerateKeys, LocalKeys, SealingSecret, SigningKeyKind},
        message::{Message, OutboxId},
        sandbox::{SandboxInbox, UNREACHABLE_NUMBER},
        sms::{OutgoingSms, Sms},
    },
    storage::{
        OutboxEntry, Store, StoreError,
        retention::{BATCH, RetentionTerms},
    },
};
use time::{Duration, UtcDateTime, macros::utc_datetime};

use crate::support::app::{TestApp, wait_for};
use crate::support::database::TestDatabase;
use crate::support::people::{With, sign_up};
use crate::support::sql;

/// A clock that a test moves.
struct Hands(Mutex<UtcDateTime>);

impl Hands {
    fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(utc_datetime!(2026-11-24 12:00:00))))
    }

    fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for Hands {
    fn now(&self) -> UtcDateTime {
        *self.0.lock().unwrap()
    }
}

/// A gateway that never answers for this one number.
struct HangsFor(&'static str, SandboxInbox);

impl Sms for HangsFor {
    fn send<'a>(&'a self, sms: &'a OutgoingSms) -> BoxFuture<'a, ServiceOutcome<()>> {
        if sms.to.e164() == self.0 { Box::pin(pending()) } else { self.1.send(sms) }
    }
}

struct Post {
    outbox: Outbox,
    inbox: SandboxInbox,
    clock: Arc<Hands>,
    keys: Arc<dyn ServiceKeys>,
    store: Store,
    _folder: tempfile::TempDir,
}

impl Post {
    fn over(store: &Store) -> Self {
        Self::with_gateway(store, |inbox| Arc::new(inbox))
    }

    fn with_gateway(store: &Store, gateway: impl FnOnce(SandboxInbox) -> Arc<dyn Sms>) -> Self {
        let clock = Hands::new();
        let folder = tempfile::tempdir().unwrap();
        let wanted = GenerateKeys { common_name: "localhost", signing: SigningKeyKind::EcP256, now: clock.now() };
        let secret = SealingSecret::new("a passphrase of the tests").unwrap();
        let keys = LocalKeys::generate(&folder.path().join("keys"), &secret, &wanted, Arc::new(SystemEntropy));
        let keys: Arc<dyn ServiceKeys> = Arc::new(keys.unwrap());
        let inbox = SandboxInbox::new(clock.clone());
        let (mail, sms) = (Arc::new(inbox.clone()), gateway(inbox.clone()));
        let outbox = Outbox::new(store.clone(), keys.clone(), mail, sms, clock.clone());
        Self { outbox, inbox, clock, keys, store: store.clone(), _folder: folder }
    }

    /// Puts a text into the outbox that is worth sending for ten minutes.
    async fn put(&self, to: &str) {
        self.put_message(Message::Sms { to: to.to_owned(), text: "Your code is 123456".to_owned() }).await;
    }

    /// The same for a mail.
    async fn put_mail(&self, to: &str) {
        let (subject, text) = ("Confirm".to_owned(), "Open this".to_owned());
        self.put_message(Message::Mail { to: to.to_owned(), subject, text, html: None }).await;
    }

    async fn put_message(&self, message: Message) {
        let id = OutboxId::random(&SystemEntropy);
        let now = self.clock.now();
        let entry = OutboxEntry {
            id,
            kind: message.kind().to_owned(),
            sealed: message.seal(id, &*self.keys).unwrap(),
            run_at: now,
            attempts: 0,
            expires_at: now + Duration::minutes(10),
        };
        self.store.transaction(move |tx| tx.enqueue(&entry)).await.unwrap();
    }

    async fn nothing_waits(&self) -> bool {
        self.store.read(|tx| Ok::<_, StoreError>(tx.outbox_length()? == 0)).await.unwrap()
    }
}

#[tokio::test]
async fn what_waits_is_sent_once() {
    for database in TestDatabase::each() {
        let post = Post::over(&database.store);
        for _ in 0..20 {
            post.put("+12025550142").await;
        }
        let (first, second) = tokio::join!(post.outbox.work_once(), post.outbox.work_once());
        assert_eq!(first.unwrap() + second.unwrap(), 20, "{}", database.name);
        assert_eq!(post.outbox.work_once().await.unwrap(), 0);
        assert_eq!(post.inbox.messages().len(), 20, "{}", database.name);
        assert!(post.nothing_waits().await);
    }
}

#[tokio::test]
async fn after_an_outage_it_is_tried_again_with_pauses_until_it_comes_too_late() {
    for database in TestDatabase::each() {
        let post = Post::over(&database.store);
        post.put(UNREACHABLE_NUMBER).await;
        assert_eq!(post.outbox.work_once().await.unwrap(), 1);
        assert_eq!(post.outbox.work_once().await.unwrap(), 0, "it is not tried again at once");
        let mut tries = 1;
        for _ in 0..700 {
            post.clock.advance(Duration::seconds(1));
            tries += post.outbox.work_once().await.unwrap();
        }
        assert!((7..=12).contains(&tries), "{tries} tries on {}", database.name);
        assert!(post.nothing_waits().await, "it was dropped on {}", database.name);
        assert!(post.inbox.messages().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_message_that_hangs_delays_no_mail_and_no_other_text_message() {
    const HANGING: &str = "+12025550142";
    for database in TestDatabase::each() {
        let post = Post::with_gateway(&database.store, |inbox| Arc::new(HangsFor(HANGING, inbox)));
        let working = tokio::spawn(post.outbox.clone().run());
        post.put(HANGING).await;
        post.outbox.call();
        let taken = || sql::count(&post.store, "outbox", "kind = 'sms' AND attempts = 1");
        wait_for(|| (taken() == 1).then_some(()), "the gateway's first message").await;

        post.put_mail("ada@example.gov").await;
        post.put("+12025550143").await;
        post.outbox.call();
        wait_for(|| (post.inbox.messages().len() == 2).then_some(()), "a mail and a text message").await;
        // What was sent is written down although the first is still under way.
        let sent = || sql::count(&post.store, "outbox", "outcome = 'sent'");
        wait_for(|| (sent() == 2).then_some(()), "their outcomes").await;
        assert_eq!(sql::count(&post.store, "outbox", "finished_at IS NULL"), 1, "{}", database.name);
        working.abort();
    }
}

#[tokio::test]
async fn a_worker_that_died_loses_nothing() {
    let database = TestDatabase::sqlite();
    let post = Post::over(&database.store);
    post.put("+12025550142").await;
    let now = post.clock.now();
    // Another worker takes it and is never heard of again.
    let taken =
        post.store.transaction(move |tx| tx.claim_outbox("sms", 16, now, now + Duration::minutes(2))).await.unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!(post.outbox.work_once().await.unwrap(), 0);
    post.clock.advance(Duration::minutes(2));
    assert_eq!(post.outbox.work_once().await.unwrap(), 1);
    assert_eq!(post.inbox.messages().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_of_a_visitor_goes_when_it_ends_and_that_of_a_person_after_a_month() {
    let app = TestApp::start().await;
    sign_up(&app, &app.browser(), "ada@example.gov", With::App).await;
    for _ in 0..3 {
        app.browser().get("/sign-in").await.expect_status(200);
    }
    let visitors = || app.count("session", "subscriber IS NULL");
    let theirs = || app.count("session", "subscriber IS NOT NULL");
    assert_eq!((visitors(), theirs()), (3, 1));

    jobs::forget(&app.store, RetentionTerms::DEFAULT, &*app.clock).await.unwrap();
    assert_eq!((visitors(), theirs()), (3, 1), "what lives stays");
    app.clock.advance(Duration::minutes(16));
    jobs::forget(&app.store, RetentionTerms::DEFAULT, &*app.clock).await.unwrap();
    assert_eq!((visitors(), theirs()), (0, 1), "a stranger's leaves nothing behind");
    app.clock.advance(Duration::days(31));
    jobs::forget(&app.store, RetentionTerms::DEFAULT, &*app.clock).await.unwrap();
    assert_eq!((visitors(), theirs()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn that_a_session_was_is_kept_as_long_as_the_settings_say() {
    let app = TestApp::start().await;
    sign_up(&app, &app.browser(), "ada@example.gov", With::App).await;
    let terms = RetentionTerms { sessions: Duration::days(3), ..RetentionTerms::DEFAULT };
    let theirs = || app.count("session", "subscriber IS NOT NULL");
    for (days, left) in [(2, 1), (2, 0)] {
        app.clock.advance(Duration::days(days));
        jobs::forget(&app.store, terms, &*app.clock).await.unwrap();
        assert_eq!(theirs(), left);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_session_knew_goes_at_its_idle_limit() {
    let app = TestApp::start().await;
    sign_up(&app, &app.browser(), "ada@example.gov", With::App).await;
    let knowing = || app.count("session", "length(sealed) > 0 AND subscriber IS NOT NULL");
    jobs::forget(&app.store, RetentionTerms::DEFAULT, &*app.clock).await.unwrap();
    assert_eq!(knowing(), 1, "what lives stays");
    app.clock.advance(Duration::minutes(16));
    jobs::forget(&app.store, RetentionTerms::DEFAULT, &*app.clock).await.unwrap();
    assert_eq!((knowing(), app.count("session", "subscriber IS NOT NULL")), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rows_are_forgotten_a_few_at_a_time_and_others_write_between() {
    const ROWS: usize = 200_000;
    for database in TestDatabase::each() {
        let store = &database.store;
        let now = utc_datetime!(2026-11-24 12:00:00);
        let (numbers, key) = if store.url().is_sqlite() {
            let numbers = format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})");
            (numbers, "CAST(printf('%032d', i) AS BLOB)")
        } else {
            (
                format!("WITH n AS (SELECT generate_series(1, {ROWS}) AS i)"),
                "convert_to(lpad(i::text, 32, '0'), 'UTF8')",
            )
        };
        sql::run(
            store,
            &format!("{numbers} INSERT INTO throttle (key_hash, tries, ends_at) SELECT {key}, 1, i FROM n"),
        );
        let mut batches = Vec::new();
        let mut written = 0;
        let forgotten = jobs::forget_in_batches(store, RetentionTerms::DEFAULT, now, |rows| {
            batches.push(rows);
            // Somebody signs in meanwhile: nothing is held between two batches.
            if batches.len() % 100 == 1 {
                let seen = store.transaction_blocking::<_, StoreError, _>(|tx| {
                    tx.see_request("https://sp.example.gov", &format!("_{written}"), now + Duration::hours(1))
                });
                assert_eq!(seen, Ok(true), "{}", database.name);
                written += 1;
            }
        })
        .await
        .unwrap();
        assert_eq!(forgotten, ROWS, "{}", database.name);
        assert!(batches.iter().all(|rows| *rows <= BATCH), "{}", database.name);
        assert!(batches.len() >= ROWS / BATCH && written > 3, "{}: {} batches", database.name, batches.len());
        assert_eq!(sql::count(store, "throttle", "1 = 1"), 0, "{}", database.name);
    }
}
