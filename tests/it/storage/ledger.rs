//! The ledger: committed in groups, one chain a node, and whoever changes it is found out.

use std::collections::BTreeSet;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use signet::authentication::session::{SessionIdHash, SessionLimits, SessionTimes};
use signet::cli::{CommandOutcome, audit};
use signet::federation::agreement::AgencyId;
use signet::federation::assurance::{Aal, Ial, Level};
use signet::federation::attribute::AttributeName;
use signet::federation::consent::{ConsentId, ContentDigest, ScopeDigest, StoredConsent};
use signet::federation::disclosure::{ChainId, DisclosureDraft, DisclosureId, RevisionId};
use signet::federation::identifier::NameIdFormat;
use signet::saml::EntityId;
use signet::storage::{
    DatabaseUrl, DisclosureWriter, Issuance, Participant, PendingRequest, RecordedDisclosure, SessionRecord, Store,
    StoreError,
};
use signet::subscriber::SubscriberId;
use time::Duration;

use super::{NOW, add_account, entropy};
use crate::support::database::TestDatabase;
use crate::support::sql;

pub(super) fn draft() -> DisclosureDraft {
    let id = DisclosureId::random(entropy());
    DisclosureDraft {
        id,
        at: NOW,
        subscriber: SubscriberId::from_bytes([5; 16]),
        entity_id: EntityId::parse("https://permits.parks.example.gov/saml").unwrap(),
        agency_id: AgencyId::parse("department-of-parks").unwrap(),
        sp_revision: RevisionId([1; 32]),
        consent: ConsentId::from_bytes([2; 16]),
        scope_digest: ScopeDigest([3; 32]),
        content_digest: ContentDigest([4; 32]),
        content_key_id: "vault".into(),
        names: BTreeSet::from([AttributeName::Email, AttributeName::Uuid]),
        level: Level { ial: Ial::One, aal: Aal::Aal2 },
        class_ref: "http://idmanagement.gov/ns/assurance/aal/2".into(),
        name_id_format: NameIdFormat::Persistent,
        assertion_id: format!("_{id}"),
        session_index: "_s".into(),
        in_response_to: "_r".into(),
        assertion_digest: [6; 32],
        signing_key_id: "2026".into(),
    }
}

pub(super) fn alone() -> Issuance {
    Issuance { disclosure: draft(), consent_mac: None, answers: None, joins: None }
}

pub(super) fn request(id: [u8; 16], session: SessionIdHash) -> PendingRequest {
    PendingRequest {
        id,
        session,
        entity_id: "https://permits.parks.example.gov/saml".into(),
        request_id: "_r".into(),
        received_sealed: vec![1],
        received_at: NOW,
        expires_at: NOW + Duration::hours(1),
        finished_at: None,
    }
}

fn begin_session(store: &Store, id_hash: SessionIdHash) {
    let record = SessionRecord {
        id_hash,
        subscriber: Some(SubscriberId::from_bytes([5; 16])),
        created_at: NOW,
        times: SessionTimes::begin(SessionLimits::DEFAULT, NOW),
        sealed: vec![1],
    };
    store.transaction_blocking::<_, StoreError, _>(|tx| tx.add_session(&record)).unwrap();
}

fn verify(store: &Store) -> (CommandOutcome, String) {
    let mut text = Vec::new();
    let outcome = audit::verify(store, &mut text).expect("it reads");
    (outcome, String::from_utf8(text).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn many_records_at_once_make_one_chain_without_a_gap() {
    for database in TestDatabase::each() {
        let store = &database.store;
        let writer = DisclosureWriter::start(store.clone(), ChainId::from_bytes([1; 16]));
        let other = DisclosureWriter::start(store.clone(), ChainId::from_bytes([2; 16]));
        let waiting: Vec<_> = (0..300)
            .map(|number| {
                let writer = if number % 3 == 0 { other.clone() } else { writer.clone() };
                tokio::spawn(async move { writer.record(alone()).await.expect("it is recorded") })
            })
            .collect();
        let mut numbers = Vec::new();
        for one in waiting {
            let RecordedDisclosure::Durable { seq } = one.await.unwrap() else { panic!("nothing was answered before") };
            numbers.push(seq);
        }
        numbers.sort_unstable();
        let expected: Vec<i64> = (1..=100).flat_map(|n| [n, n]).chain(101..=200).collect();
        assert_eq!(numbers, expected, "{}", database.name);
        let (outcome, text) = verify(store);
        assert_eq!(outcome, CommandOutcome::Done, "{}: {text}", database.name);
        assert!(text.contains("holds, 200 records") && text.contains("holds, 100 records"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_tabs_that_answer_one_request_one_is_recorded() {
    for database in TestDatabase::each() {
        let store = &database.store;
        let (id, session) = ([7; 16], SessionIdHash::from_bytes([8; 32]));
        begin_session(store, session);
        store.transaction_blocking::<_, StoreError, _>(|tx| tx.add_pending_request(&request(id, session))).unwrap();
        let writer = DisclosureWriter::start(store.clone(), ChainId::from_bytes([1; 16]));
        let answer = || Issuance {
            disclosure: draft(),
            consent_mac: None,
            answers: Some(id),
            joins: Some((
                session,
                Participant {
                    subscriber: SubscriberId::from_bytes([5; 16]),
                    entity_id: "https://permits.parks.example.gov/saml".into(),
                    assertion_id: "_a".into(),
                    session_index: "_s".into(),
                    name_id_sealed: vec![9],
                    joined_at: NOW,
                },
            )),
        };
        let (first, second) = tokio::join!(writer.record(answer()), writer.record(answer()));
        let outcomes = [first.unwrap(), second.unwrap()];
        assert!(outcomes.contains(&RecordedDisclosure::Durable { seq: 1 }), "{}: {outcomes:?}", database.name);
        assert!(outcomes.contains(&RecordedDisclosure::AnsweredBefore), "{}: {outcomes:?}", database.name);
        let participants = store
            .read_blocking::<_, StoreError, _>(|tx| tx.participants_of(session, SubscriberId::from_bytes([5; 16])))
            .expect("it reads");
        assert_eq!(participants.len(), 1, "{}", database.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_ended_meanwhile_is_not_recorded() {
    for database in TestDatabase::each() {
        let store = &database.store;
        let session = SessionIdHash::from_bytes([8; 32]);
        begin_session(store, session);
        let writer = DisclosureWriter::start(store.clone(), ChainId::from_bytes([1; 16]));
        let joining = || {
            let participant = Participant {
                subscriber: SubscriberId::from_bytes([5; 16]),
                entity_id: "https://permits.parks.example.gov/saml".into(),
                assertion_id: "_a".into(),
                session_index: "_s".into(),
                name_id_sealed: vec![9],
                joined_at: NOW,
            };
            Issuance { joins: Some((session, participant)), ..alone() }
        };
        assert_eq!(writer.record(joining()).await, Ok(RecordedDisclosure::Durable { seq: 1 }), "{}", database.name);
        store.transaction_blocking::<_, StoreError, _>(|tx| tx.end_session(session, NOW)).unwrap();
        assert_eq!(writer.record(joining()).await, Ok(RecordedDisclosure::EndedMeanwhile), "{}", database.name);
        sql::run(store, "UPDATE session SET revoked_at = NULL");
        assert_eq!(writer.record(joining()).await, Ok(RecordedDisclosure::EndedMeanwhile), "{}", database.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_consent_that_the_gate_saw_nothing_is_recorded() {
    for undone in ["UPDATE consent SET revoked_at = NULL", "UPDATE consent SET mac = id", "DELETE FROM consent"] {
        for database in TestDatabase::each() {
            let store = &database.store;
            let of = store.transaction_blocking::<_, StoreError, _>(add_account).unwrap();
            let given = StoredConsent {
                id: ConsentId::from_bytes([2; 16]),
                entity_id: "https://permits.parks.example.gov/saml".into(),
                scope: vec![1],
                given_at: 0,
                revoked_at: None,
                mac: vec![9; 36],
            };
            store.transaction_blocking::<_, StoreError, _>(|tx| tx.add_consent(of, &given)).unwrap();
            let writer = DisclosureWriter::start(store.clone(), ChainId::from_bytes([1; 16]));
            let relying = || Issuance { consent_mac: Some(given.mac.clone()), ..alone() };
            let what = format!("{} {undone}", database.name);
            assert_eq!(writer.record(relying()).await, Ok(RecordedDisclosure::Durable { seq: 1 }), "{what}");
            let revoked =
                store.transaction_blocking::<_, StoreError, _>(|tx| tx.revoke_consents(of, &given.entity_id, NOW));
            assert_eq!(revoked, Ok(true), "{what}");
            assert_eq!(writer.record(relying()).await, Ok(RecordedDisclosure::EndedMeanwhile), "{what}");
            sql::run(store, undone);
            assert_eq!(writer.record(relying()).await, Ok(RecordedDisclosure::EndedMeanwhile), "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_the_database_refuses_does_not_hold_up_its_neighbours() {
    for database in TestDatabase::each() {
        let writer = DisclosureWriter::start(database.store.clone(), ChainId::from_bytes([1; 16]));
        let again = alone();
        writer.record(again.clone()).await.expect("it is recorded");
        let mut waiting: Vec<_> = (0..20).map(|_| alone()).collect();
        waiting.insert(10, again);
        let waiting = waiting.into_iter().map(|one| {
            let writer = writer.clone();
            tokio::spawn(async move { writer.record(one).await })
        });
        let mut refused = 0;
        for one in waiting.collect::<Vec<_>>() {
            refused += usize::from(one.await.unwrap().is_err());
        }
        assert_eq!(refused, 1, "{}", database.name);
        let (outcome, text) = verify(&database.store);
        assert_eq!(outcome, CommandOutcome::Done, "{text}");
        assert!(text.contains("holds, 21 records"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_changes_removes_or_exchanges_a_record_is_found_out() {
    for (tampering, sign) in [
        ("UPDATE disclosure SET names = 'email' WHERE seq = 2", "record 2"),
        ("UPDATE disclosure SET at = at + 1 WHERE seq = 3", "record 3"),
        ("DELETE FROM disclosure WHERE seq = 2", "record 2 was expected and 3 was found"),
        ("UPDATE disclosure SET entity_id = 'not an entity id' WHERE seq = 2", "BROKEN"),
        ("UPDATE disclosure SET seq = seq - 1 WHERE seq > 1; DELETE FROM disclosure WHERE seq = 1", "BROKEN"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signet.db");
        let store = Store::open(&DatabaseUrl::sqlite(&path), 2).unwrap();
        store.migrate().unwrap();
        let writer = DisclosureWriter::start(store.clone(), ChainId::from_bytes([1; 16]));
        for _ in 0..4 {
            writer.record(alone()).await.unwrap();
        }
        assert_eq!(verify(&store).0, CommandOutcome::Done);
        let mut raw = SqliteConnection::establish(&path.to_string_lossy()).unwrap();
        // The key of the table holds the numbers apart, so the hostile hand goes around it.
        let tampering = tampering.replace("seq = seq - 1 WHERE seq > 1;", "seq = -seq WHERE seq > 1;");
        raw.batch_execute(&tampering).unwrap();
        let (outcome, text) = verify(&store);
        assert_eq!(outcome, CommandOutcome::Findings, "{tampering}: {text}");
        assert!(text.contains(sign), "{tampering}: {text}");
    }
}
