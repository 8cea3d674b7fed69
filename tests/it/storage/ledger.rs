//! The ledger: committed in groups, one chain a node, and whoever changes it is found out.

use std::collections::BTreeSet;
use std::sync::Arc;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use signet::authentication::session::{SessionIdHash, SessionLimits, SessionTimes};
use signet::cli::audit::VerifyArgs;
use signet::cli::{CommandOutcome, audit};
use signet::federation::agreement::AgencyId;
use signet::federation::assurance::{Aal, Level};
use signet::federation::attribute::AttributeName;
use signet::federation::consent::{ConsentId, ContentDigest, ScopeDigest, StoredConsent};
use signet::federation::disclosure::{
    BEFORE_THE_FIRST, ChainId, ChainPosition, DisclosureDraft, DisclosureId, DisclosureRecord, RevisionId,
};
use signet::federation::identifier::NameIdFormat;
use signet::proofing::Ial;
use signet::saml::EntityId;
use signet::services::keys::LocalKeys;
use signet::storage::{
    AnsweredRequest, DatabaseUrl, DisclosureWriter, Issuance, Participant, PendingRequest, PendingRequestId,
    RecordedDisclosure, SessionRecord, Store, StoreError,
};
use signet::subscriber::SubscriberId;
use time::Duration;

use super::{NOW, add_account, entropy};
use crate::support::database::TestDatabase;
use crate::support::keys::keys;
use crate::support::sql;

pub(crate) const CHAIN: ChainId = ChainId::from_bytes([1; 16]);

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

pub(crate) fn alone() -> Issuance {
    Issuance { disclosure: draft(), consent_mac: None, answers: None, joins: None }
}

pub(super) fn request(id: PendingRequestId, session: SessionIdHash) -> PendingRequest {
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

fn verify(store: &Store, keys: &LocalKeys) -> (CommandOutcome, String) {
    verify_expecting(store, keys, &VerifyArgs::default())
}

fn verify_expecting(store: &Store, keys: &LocalKeys, args: &VerifyArgs) -> (CommandOutcome, String) {
    let mut text = Vec::new();
    let outcome = audit::verify(store, keys, args, &mut text).expect("it reads");
    (outcome, String::from_utf8(text).unwrap())
}

/// A writer of the chain that most tests write to.
fn writer(store: &Store, keys: &Arc<LocalKeys>) -> DisclosureWriter {
    DisclosureWriter::start(store.clone(), keys.clone(), CHAIN)
}

/// The number under which something was recorded.
pub(super) fn number(outcome: &Result<RecordedDisclosure, StoreError>) -> Option<i64> {
    match outcome {
        Ok(RecordedDisclosure::Durable(place)) => Some(place.seq),
        _ => None,
    }
}

/// The hash that versions without keys gave a record, written out by itself.
fn plain_hash(record: &DisclosureRecord) -> [u8; 32] {
    fn field(to: &mut Vec<u8>, octets: &[u8]) {
        to.extend_from_slice(&u32::try_from(octets.len()).unwrap().to_be_bytes());
        to.extend_from_slice(octets);
    }
    let it = &record.disclosure;
    let at = i64::try_from(it.at.unix_timestamp_nanos() / 1_000_000).unwrap();
    let names: Vec<&[u8]> = it.names.iter().map(|name| name.as_str().as_bytes()).collect();
    let mut octets = Vec::new();
    for part in
        [b"signet disclosure 1".as_slice(), record.chain.as_bytes(), &record.seq.to_be_bytes(), &record.prev_hash]
            .into_iter()
            .chain([it.id.as_bytes().as_slice(), &at.to_be_bytes(), it.subscriber.as_bytes()])
            .chain([it.entity_id.as_str().as_bytes(), it.agency_id.as_str().as_bytes(), &it.sp_revision.0])
            .chain([it.consent.as_bytes().as_slice(), &it.scope_digest.0, &it.content_digest.0])
            .chain([it.content_key_id.as_bytes(), &i64::try_from(names.len()).unwrap().to_be_bytes()])
            .chain(names)
            .chain([1_i64.to_be_bytes().as_slice(), &2_i64.to_be_bytes(), it.class_ref.as_bytes()])
            .chain([it.name_id_format.uri().as_bytes(), it.assertion_id.as_bytes(), it.session_index.as_bytes()])
            .chain([it.in_response_to.as_bytes(), it.assertion_digest.as_slice(), it.signing_key_id.as_bytes()])
    {
        field(&mut octets, part);
    }
    openssl::sha::sha256(&octets)
}

/// Makes all records of the chain what a version without keys would have written, or somebody else who can hash. They say
/// that their key is `claimed`.
pub(crate) fn hash_without_keys(store: &Store, claimed: &str) {
    let records = store.read_blocking::<_, StoreError, _>(|tx| tx.disclosures_after(CHAIN, 0)).unwrap();
    let mut before = BEFORE_THE_FIRST;
    for mut record in records {
        record.prev_hash = before;
        before = plain_hash(&record);
        let (prev, hash) = (sql::bytes(store, &record.prev_hash), sql::bytes(store, &before));
        let seq = record.seq;
        sql::run(
            store,
            &format!("UPDATE disclosure SET prev_hash = {prev}, hash = {hash}, hash_key = {claimed} WHERE seq = {seq}"),
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_records_at_once_make_one_chain_without_a_gap() {
    for database in TestDatabase::each() {
        let store = &database.store;
        let keys = Arc::new(keys());
        let writer = writer(store, &keys);
        let other = DisclosureWriter::start(store.clone(), keys.clone(), ChainId::from_bytes([2; 16]));
        let waiting: Vec<_> = (0..300)
            .map(|number| {
                let writer = if number % 3 == 0 { other.clone() } else { writer.clone() };
                tokio::spawn(async move { writer.record(alone()).await.expect("it is recorded") })
            })
            .collect();
        let mut numbers = Vec::new();
        for one in waiting {
            let RecordedDisclosure::Durable(place) = one.await.unwrap() else { panic!("nothing was answered before") };
            numbers.push(place.seq);
        }
        numbers.sort_unstable();
        let expected: Vec<i64> = (1..=100).flat_map(|n| [n, n]).chain(101..=200).collect();
        assert_eq!(numbers, expected, "{}", database.name);
        let (outcome, text) = verify(store, &keys);
        assert_eq!(outcome, CommandOutcome::Done, "{}: {text}", database.name);
        assert!(text.contains("holds, 200 records") && text.contains("holds, 100 records"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_tabs_that_answer_one_request_one_is_recorded() {
    for database in TestDatabase::each() {
        let store = &database.store;
        let (id, session) = (PendingRequestId::from_bytes([7; 16]), SessionIdHash::from_bytes([8; 32]));
        begin_session(store, session);
        store.transaction_blocking::<_, StoreError, _>(|tx| tx.add_pending_request(&request(id, session))).unwrap();
        let keys = Arc::new(keys());
        let writer = writer(store, &keys);
        let answer = || Issuance {
            disclosure: draft(),
            consent_mac: None,
            answers: Some(AnsweredRequest::Waiting(id)),
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
        let outcomes = [first, second];
        assert!(outcomes.iter().any(|one| number(one) == Some(1)), "{}: {outcomes:?}", database.name);
        assert!(outcomes.contains(&Ok(RecordedDisclosure::AnsweredBefore)), "{}: {outcomes:?}", database.name);
        let participants = store
            .read_blocking::<_, StoreError, _>(|tx| tx.participants_of(session, SubscriberId::from_bytes([5; 16])))
            .expect("it reads");
        assert_eq!(participants.len(), 1, "{}", database.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_group_the_request_that_was_seen_before_fails_alone() {
    for database in TestDatabase::each() {
        let store = &database.store;
        let keys = Arc::new(keys());
        let writer = writer(store, &keys);
        let arriving = |id: &str| Issuance {
            answers: Some(AnsweredRequest::Arriving {
                entity_id: "https://permits.parks.example.gov/saml".into(),
                request_id: id.into(),
                forget_at: NOW + time::Duration::hours(1),
            }),
            ..alone()
        };
        assert_eq!(number(&writer.record(arriving("_one")).await), Some(1), "{}", database.name);
        let group = ["_one", "_two", "_two", "_three"].map(|id| writer.record(arriving(id)));
        let outcomes = futures_util::future::join_all(group).await;
        let durable = outcomes.iter().filter(|one| number(one).is_some()).count();
        let seen = outcomes.iter().filter(|one| **one == Ok(RecordedDisclosure::SeenBefore)).count();
        assert_eq!((durable, seen), (2, 2), "{}: {outcomes:?}", database.name);
        assert_eq!(outcomes[0], Ok(RecordedDisclosure::SeenBefore), "{}", database.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_ended_meanwhile_is_not_recorded() {
    for database in TestDatabase::each() {
        let store = &database.store;
        let session = SessionIdHash::from_bytes([8; 32]);
        begin_session(store, session);
        let keys = Arc::new(keys());
        let writer = writer(store, &keys);
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
        assert_eq!(number(&writer.record(joining()).await), Some(1), "{}", database.name);
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
            let keys = Arc::new(keys());
            let writer = writer(store, &keys);
            let relying = || Issuance { consent_mac: Some(given.mac.clone()), ..alone() };
            let what = format!("{} {undone}", database.name);
            assert_eq!(number(&writer.record(relying()).await), Some(1), "{what}");
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
        let keys = Arc::new(keys());
        let writer = writer(&database.store, &keys);
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
        let (outcome, text) = verify(&database.store, &keys);
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
        let keys = Arc::new(keys());
        let writer = writer(&store, &keys);
        for _ in 0..4 {
            writer.record(alone()).await.unwrap();
        }
        assert_eq!(verify(&store, &keys).0, CommandOutcome::Done);
        let mut raw = SqliteConnection::establish(&path.to_string_lossy()).unwrap();
        // The key of the table holds the numbers apart, so the hostile hand goes around it.
        let tampering = tampering.replace("seq = seq - 1 WHERE seq > 1;", "seq = -seq WHERE seq > 1;");
        raw.batch_execute(&tampering).unwrap();
        let (outcome, text) = verify(&store, &keys);
        assert_eq!(outcome, CommandOutcome::Findings, "{tampering}: {text}");
        assert!(text.contains(sign), "{tampering}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_ledger_that_is_hashed_anew_is_found_out() {
    for claimed in ["NULL", "1", "9"] {
        for database in TestDatabase::each() {
            let (store, keys) = (&database.store, Arc::new(keys()));
            let writer = writer(store, &keys);
            for _ in 0..4 {
                writer.record(alone()).await.unwrap();
            }
            sql::run(
                store,
                "UPDATE disclosure SET names = 'email' WHERE seq = 2; DELETE FROM disclosure WHERE seq = 3; \
                 UPDATE disclosure SET seq = 3 WHERE seq = 4",
            );
            hash_without_keys(store, claimed);
            let (outcome, text) = verify(store, &keys);
            assert_eq!(outcome, CommandOutcome::Findings, "{} {claimed}: {text}", database.name);
            assert!(text.contains("BROKEN"), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_without_a_key_count_once_they_were_adopted_and_only_before_keyed_ones() {
    for database in TestDatabase::each() {
        let (store, keys) = (&database.store, Arc::new(keys()));
        let adopt = || {
            let mut text = Vec::new();
            let outcome = audit::adopt(store, &*keys, &mut text).expect("it writes");
            (outcome, String::from_utf8(text).unwrap())
        };
        let old = writer(store, &keys);
        for _ in 0..3 {
            old.record(alone()).await.unwrap();
        }
        drop(old);
        hash_without_keys(store, "NULL");
        let (outcome, text) = verify(store, &keys);
        assert_eq!(outcome, CommandOutcome::Findings, "{}: {text}", database.name);
        assert!(text.contains("signet audit adopt"), "{text}");
        let (outcome, text) = adopt();
        assert_eq!(outcome, CommandOutcome::Done, "{text}");
        assert!(text.contains(":3:"), "{text}");
        assert_eq!(verify(store, &keys).0, CommandOutcome::Done);

        // The first keyed record cites the last one without a key.
        let writer = writer(store, &keys);
        assert_eq!(number(&writer.record(alone()).await), Some(4), "{}", database.name);
        let records = store.read_blocking::<_, StoreError, _>(|tx| tx.disclosures_after(CHAIN, 2)).unwrap();
        assert_eq!((records[0].hash_key, records[1].hash_key), (None, Some(1)));
        assert_eq!(records[1].prev_hash, records[0].hash);
        let (outcome, text) = verify(store, &keys);
        assert_eq!(outcome, CommandOutcome::Done, "{text}");
        assert!(text.contains("holds, 4 records (1 to 3 without a key, adopted)"), "{text}");

        // Without the keyed record, one without a key takes its place: nobody adopted it.
        hash_without_keys(store, "NULL");
        let (outcome, text) = verify(store, &keys);
        assert_eq!(outcome, CommandOutcome::Findings, "{}: {text}", database.name);
        // What was adopted was rewritten: it is not adopted again.
        sql::run(store, "UPDATE disclosure SET names = 'email' WHERE seq = 1");
        hash_without_keys(store, "NULL");
        assert_eq!(verify(store, &keys).0, CommandOutcome::Findings);
        assert_eq!(adopt().0, CommandOutcome::Findings);
        sql::run(store, "DELETE FROM disclosure");
        let (outcome, text) = verify(store, &keys);
        assert_eq!(outcome, CommandOutcome::Findings, "{}: {text}", database.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_cut_nothing_is_appended_until_the_records_are_back() {
    for cut in ["seq = 3", "seq > 1", "seq > 0"] {
        for database in TestDatabase::each() {
            let (store, keys) = (&database.store, Arc::new(keys()));
            let what = format!("{} {cut}", database.name);
            let writer = writer(store, &keys);
            let mut last = None;
            for _ in 0..3 {
                last = Some(writer.record(alone()).await.unwrap());
            }
            assert_eq!(writer.look().await, Ok(()), "{what}");
            sql::run(
                store,
                &format!("CREATE TABLE aside AS SELECT * FROM disclosure; DELETE FROM disclosure WHERE {cut};"),
            );
            let refused = writer.record(alone()).await;
            let Err(StoreError::LedgerAltered { remembered: Some(remembered), .. }) = refused else {
                panic!("{what}: {refused:?}")
            };
            assert_eq!(last, Some(RecordedDisclosure::Durable(*remembered)), "{what}");
            assert!(matches!(writer.look().await, Err(StoreError::LedgerAltered { .. })), "{what}");
            // Several at once are refused as well, each with the reason.
            let (first, second) = tokio::join!(writer.record(alone()), writer.record(alone()));
            assert!(matches!(
                (first, second),
                (Err(StoreError::LedgerAltered { .. }), Err(StoreError::LedgerAltered { .. }))
            ));
            sql::run(store, &format!("INSERT INTO disclosure SELECT * FROM aside WHERE {cut}"));
            assert_eq!(writer.look().await, Ok(()), "{what}");
            assert_eq!(number(&writer.record(alone()).await), Some(4), "{what}");
            assert_eq!(verify(store, &keys).0, CommandOutcome::Done, "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchanged_last_record_is_not_built_upon() {
    for database in TestDatabase::each() {
        let (store, keys) = (&database.store, Arc::new(keys()));
        let running = writer(store, &keys);
        for _ in 0..2 {
            running.record(alone()).await.unwrap();
        }
        hash_without_keys(store, "1");
        // Neither by the node that runs, nor by one that starts.
        for writer in [running, writer(store, &keys)] {
            let refused = writer.record(alone()).await;
            assert!(matches!(refused, Err(StoreError::LedgerAltered { .. })), "{}: {refused:?}", database.name);
        }
        // One that was put in behind the last is not ours either.
        let put_in = "INSERT INTO disclosure SELECT * FROM aside";
        let database = TestDatabase::sqlite();
        let store = &database.store;
        let running = writer(store, &keys);
        running.record(alone()).await.unwrap();
        sql::run(
            store,
            &format!(
                "CREATE TABLE aside AS SELECT * FROM disclosure; \
                 UPDATE aside SET seq = 2, prev_hash = hash, hash_key = NULL, id = {}; {put_in}",
                sql::bytes(store, &[9; 16])
            ),
        );
        let refused = running.record(alone()).await;
        assert!(matches!(refused, Err(StoreError::LedgerAltered { .. })), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_was_lost_is_no_cut() {
    for database in TestDatabase::each() {
        let (store, keys) = (&database.store, Arc::new(keys()));
        let writer = writer(store, &keys);
        writer.record(alone()).await.unwrap();
        // To this writer it looks the same when another one of its chain commits: there is more than it remembers.
        let other = DisclosureWriter::start(store.clone(), keys.clone(), CHAIN);
        for _ in 0..3 {
            other.record(alone()).await.unwrap();
        }
        assert_eq!(number(&writer.record(alone()).await), Some(5), "{}", database.name);
        assert_eq!(verify(store, &keys).0, CommandOutcome::Done);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expected_record_that_is_gone_is_told() {
    for database in TestDatabase::each() {
        let (store, keys) = (&database.store, Arc::new(keys()));
        let writer = writer(store, &keys);
        let mut places: Vec<ChainPosition> = Vec::new();
        for _ in 0..4 {
            let RecordedDisclosure::Durable(place) = writer.record(alone()).await.unwrap() else { panic!("recorded") };
            places.push(place);
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("checkpoints");
        let mut lines = Vec::new();
        audit::checkpoint(store, &*keys, NOW, &mut lines).unwrap();
        std::fs::write(&file, [b"# kept elsewhere\n\n".as_slice(), &lines].concat()).unwrap();
        let by_place = VerifyArgs { expect: vec![places[0], places[3]], expect_file: Vec::new() };
        let by_file = VerifyArgs { expect: Vec::new(), expect_file: vec![file.clone()] };
        for args in [&by_place, &by_file] {
            let (outcome, text) = verify_expecting(store, &keys, args);
            assert_eq!(outcome, CommandOutcome::Done, "{}: {text}", database.name);
        }
        // A chain that is cut holds; what is kept elsewhere tells.
        sql::run(store, "DELETE FROM disclosure WHERE seq > 1");
        assert_eq!(verify(store, &keys).0, CommandOutcome::Done);
        for args in [&by_place, &by_file] {
            let (outcome, text) = verify_expecting(store, &keys, args);
            assert_eq!(outcome, CommandOutcome::Findings, "{}: {text}", database.name);
            assert!(text.contains("MISSING: record 4"), "{text}");
        }
        sql::run(store, "DELETE FROM disclosure");
        assert!(verify_expecting(store, &keys, &by_file).1.contains("MISSING: record 4"));
        // A line that somebody changed is not believed.
        let changed = String::from_utf8(lines).unwrap().replace(":4:", ":1:");
        std::fs::write(&file, changed).unwrap();
        let (outcome, text) = verify_expecting(store, &keys, &by_file);
        assert_eq!(outcome, CommandOutcome::Findings, "{text}");
        assert!(text.contains("line 1: this service did not write this line"), "{text}");
    }
}
