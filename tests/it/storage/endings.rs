//! Where several write at once, as on PostgreSQL: nothing is recorded once an end was answered, and nobody waits in a ring.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc;
use std::task::Poll;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use signet::authentication::session::{SessionIdHash, SessionLimits, SessionTimes};
use signet::federation::consent::StoredConsent;
use signet::federation::disclosure::{ChainId, DisclosureDraft};
use signet::services::keys::LocalKeys;
use signet::storage::{
    AnsweredRequest, DatabaseUrl, DisclosureWriter, Issuance, Participant, PendingRequestId, RecordedDisclosure,
    SessionRecord, Store, StoreError, Transaction,
};
use signet::subscriber::{StoredAccount, SubscriberId};

use super::ledger::{alone, draft, number, request};
use super::{NOW, add_account};
use crate::support::database::TestDatabase;
use crate::support::keys::keys;
use crate::support::sql;

const SERVICE: &str = "https://permits.parks.example.gov/saml";

/// A person with sessions 3, 2 and 1, begun in this order, and a consent.
struct Scene {
    database: TestDatabase,
    keys: Arc<LocalKeys>,
    of: SubscriberId,
}

impl Scene {
    /// Nothing where there is no server; `make test` always has one.
    fn new() -> Option<Self> {
        let database = TestDatabase::postgresql()?;
        let of = database.store.transaction_blocking::<_, StoreError, _>(|tx| {
            let of = add_account(tx)?;
            for number in [3, 2, 1] {
                tx.add_session(&SessionRecord {
                    id_hash: session(number),
                    subscriber: Some(of),
                    created_at: NOW,
                    times: SessionTimes::begin(SessionLimits::DEFAULT, NOW),
                    sealed: vec![1],
                })?;
            }
            tx.add_consent(of, &consent())?;
            Ok(of)
        });
        Some(Self { of: of.unwrap(), database, keys: Arc::new(keys()) })
    }

    fn store(&self) -> &Store {
        &self.database.store
    }

    fn writer(&self) -> DisclosureWriter {
        DisclosureWriter::start(self.store().clone(), self.keys.clone(), ChainId::from_bytes([1; 16]))
    }

    /// What relies on the account, the consent and this session.
    fn issuance(&self, number: u8) -> Issuance {
        let disclosure = DisclosureDraft { subscriber: self.of, ..draft() };
        let participant = Participant {
            subscriber: self.of,
            entity_id: SERVICE.into(),
            assertion_id: disclosure.assertion_id.clone(),
            session_index: "_s".into(),
            name_id_sealed: vec![9],
            joined_at: NOW,
        };
        Issuance {
            disclosure,
            consent_mac: Some(consent().mac),
            joins: Some((session(number), participant)),
            ..alone()
        }
    }

    /// How many wait for somebody else's rows.
    fn waiting(&self) -> i64 {
        sql::count(self.store(), "pg_stat_activity", "datname = current_database() AND wait_event_type = 'Lock'")
    }

    /// A transaction that holds a row until it is dropped.
    fn holding(&self, row: &str) -> PgConnection {
        self.try_to_hold(row, "").expect("nobody has it")
    }

    fn try_to_hold(&self, row: &str, mode: &str) -> Result<PgConnection, diesel::result::Error> {
        let DatabaseUrl::Postgresql(url) = self.store().url() else { panic!("PostgreSQL") };
        let mut connection = PgConnection::establish(url).expect("it answers");
        connection.batch_execute(&format!("BEGIN; SELECT 1 FROM {row} FOR UPDATE {mode}"))?;
        Ok(connection)
    }

    fn is_held(&self, number: u8) -> bool {
        self.try_to_hold(&self.row_of(number), "NOWAIT").is_err()
    }

    fn row_of(&self, number: u8) -> String {
        format!("session WHERE id_hash = {}", sql::bytes(self.store(), session(number).as_bytes()))
    }
}

fn session(number: u8) -> SessionIdHash {
    SessionIdHash::from_bytes([number; 32])
}

fn consent() -> StoredConsent {
    StoredConsent {
        id: draft().consent,
        entity_id: SERVICE.into(),
        scope: vec![1],
        given_at: 0,
        revoked_at: None,
        mac: vec![9; 36],
    }
}

/// Looks again and again, as long as it takes the database.
fn until(holds: impl Fn() -> bool) {
    assert!((0..2_000).any(|_| holds()), "it never came to it");
}

/// Sends a record to the writer, and no more.
async fn sent<F: Future>(recording: &mut Pin<Box<F>>) {
    poll_fn(|context| {
        assert!(recording.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
}

type End = fn(&mut Transaction<'_>, SubscriberId) -> Result<(), StoreError>;

const ENDS: [(&str, End); 4] = [
    ("everywhere", |tx, of| tx.end_sessions_of(of, None, NOW).map(drop)),
    ("signed out", |tx, _| tx.end_session(session(2), NOW)),
    ("consent", |tx, of| tx.revoke_consents(of, SERVICE, NOW).map(drop)),
    ("account", |tx, id| {
        let [status, vault] = ["suspended", "open"].map(str::to_owned);
        tx.save_subscriber(&StoredAccount { id, status, vault, created_at: 0, rules_accepted_at: 0, mac: vec![0; 36] })
    }),
];

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_is_not_committed_yet_is_waited_for_and_then_counts() {
    for (what, end) in ENDS {
        let Some(scene) = Scene::new() else { return };
        let (begun, has_begun) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let (store, of) = (scene.store().clone(), scene.of);
        let ending = std::thread::spawn(move || {
            store.transaction_blocking::<_, StoreError, _>(|tx| {
                end(tx, of)?;
                begun.send(()).unwrap();
                may_go_on.recv().unwrap();
                Ok(())
            })
        });
        has_begun.recv().unwrap();
        let (writer, issuance) = (scene.writer(), scene.issuance(2));
        let recording = tokio::spawn(async move { writer.record(issuance).await });
        until(|| scene.waiting() > 0 || recording.is_finished());
        go_on.send(()).unwrap();
        ending.join().unwrap().unwrap();
        assert_eq!(recording.await.unwrap(), Ok(RecordedDisclosure::EndedMeanwhile), "{what}");
        assert_eq!(sql::count(scene.store(), "disclosure", "1 = 1"), 0, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_waits_for_the_record_that_is_being_written_and_finds_who_joined() {
    for (what, end) in ENDS {
        let Some(scene) = Scene::new() else { return };
        let id = PendingRequestId::from_bytes([7; 16]);
        let add = |tx: &mut Transaction<'_>| tx.add_pending_request(&request(id, session(2)));
        scene.store().transaction_blocking::<_, StoreError, _>(add).unwrap();
        let held = scene.holding("pending_request");
        let (writer, issuance) =
            (scene.writer(), Issuance { answers: Some(AnsweredRequest::Waiting(id)), ..scene.issuance(2) });
        let recording = tokio::spawn(async move { writer.record(issuance).await });
        until(|| scene.waiting() == 1);
        let (store, of) = (scene.store().clone(), scene.of);
        let ending = std::thread::spawn(move || {
            store.transaction_blocking::<_, StoreError, _>(|tx| {
                end(tx, of)?;
                tx.participants_of(session(2), of)
            })
        });
        until(|| scene.waiting() == 2 || ending.is_finished());
        assert!(!ending.is_finished(), "{what}: it was answered while the record was under way");
        drop(held);
        assert_eq!(number(&recording.await.unwrap()), Some(1), "{what}");
        assert_eq!(ending.join().unwrap().unwrap().len(), 1, "{what}: whoever signs out learns who joined");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_takes_its_sessions_in_the_order_of_their_keys() {
    let Some(scene) = Scene::new() else { return };
    let (third, second) = (scene.holding(&scene.row_of(3)), scene.holding(&scene.row_of(2)));
    let writer = scene.writer();
    let record = |number| Box::pin(writer.record(scene.issuance(number)));
    let (mut of_third, mut of_second, mut of_first) = (record(3), record(2), record(1));
    sent(&mut of_third).await;
    until(|| scene.waiting() == 1);
    // While the first group waits, the next one gathers.
    sent(&mut of_second).await;
    sent(&mut of_first).await;
    drop(third);
    assert!(matches!(of_third.await, Ok(RecordedDisclosure::Durable(_))));
    until(|| scene.waiting() == 1);
    assert!(scene.is_held(1), "it waits for 2 and does not have 1");
    drop(second);
    assert!(matches!(of_second.await, Ok(RecordedDisclosure::Durable(_))));
    assert!(matches!(of_first.await, Ok(RecordedDisclosure::Durable(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_ends_several_sessions_takes_them_in_the_same_order() {
    let ends: [End; 3] = [
        |tx, of| tx.end_sessions_of(of, None, NOW).map(drop),
        |tx, of| tx.end_sessions_of(of, Some(session(1)), NOW).map(drop),
        |tx, _| tx.hold_sessions(&[session(3), session(2), session(1)]),
    ];
    for end in ends {
        let Some(scene) = Scene::new() else { return };
        let second = scene.holding(&scene.row_of(2));
        let (store, of) = (scene.store().clone(), scene.of);
        let ending = std::thread::spawn(move || store.transaction_blocking::<_, StoreError, _>(|tx| end(tx, of)));
        until(|| scene.waiting() == 1);
        assert!(scene.is_held(1) && !scene.is_held(3), "not in order");
        drop(second);
        ending.join().unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_records_and_many_ends_at_once_all_come_to_an_end() {
    let Some(scene) = Scene::new() else { return };
    for round in 0..20 {
        sql::run(scene.store(), "UPDATE session SET revoked_at = NULL, sealed = id_hash");
        let writer = scene.writer();
        let recordings: Vec<_> = (0..60)
            .map(|number| {
                let (writer, issuance) = (writer.clone(), scene.issuance(1 + (number + round) % 3));
                tokio::spawn(async move { writer.record(issuance).await })
            })
            .collect();
        let ends: Vec<_> = (1..=3)
            .map(|kept| {
                let (store, of) = (scene.store().clone(), scene.of);
                let end = move |tx: &mut Transaction<'_>| tx.end_sessions_of(of, Some(session(kept)), NOW);
                std::thread::spawn(move || store.transaction_blocking::<_, StoreError, _>(end))
            })
            .collect();
        for end in ends {
            end.join().unwrap().unwrap();
        }
        for recording in recordings {
            recording.await.unwrap().unwrap();
        }
        for number in 1..=3 {
            let late = writer.record(scene.issuance(number)).await;
            assert_eq!(late, Ok(RecordedDisclosure::EndedMeanwhile), "each was ended by two");
        }
    }
}
