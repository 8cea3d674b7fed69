//! Sessions: a renewed secret takes everything along and leaves nothing behind.

use signet::authentication::session::{LogoutId, SessionIdHash, SessionTimes};
use signet::entropy::random_bytes;
use signet::federation::single_logout::Extent;
use signet::storage::{
    LogoutRecord, LogoutSession, Participant, PendingRequest, PendingRequestId, SessionRecord, Store, StoreError,
};
use signet::subscriber::SubscriberId;
use time::Duration;

use super::{NOW, add_account, entropy};
use crate::support::database::TestDatabase;

const ADA: SubscriberId = SubscriberId::from_bytes([6; 16]);

fn session() -> SessionRecord {
    SessionRecord {
        id_hash: SessionIdHash::from_bytes(random_bytes(entropy())),
        subscriber: None,
        created_at: NOW,
        times: SessionTimes { idle_until: NOW + Duration::minutes(15), absolute_until: NOW + Duration::hours(12) },
        sealed: vec![1, 2, 3],
    }
}

fn find(store: &Store, id: SessionIdHash) -> Option<SessionRecord> {
    store.read_blocking::<_, StoreError, _>(|tx| tx.session(id, NOW)).expect("it reads")
}

#[test]
fn a_renewed_session_opens_by_its_new_secret_only_and_takes_its_services_and_logouts_along() {
    for database in TestDatabase::each() {
        let (store, old, new) = (&database.store, session(), session());
        let request = PendingRequest {
            id: PendingRequestId::random(entropy()),
            session: old.id_hash,
            entity_id: "https://sp.example.gov".into(),
            request_id: "_r".into(),
            received_sealed: vec![1],
            received_at: NOW,
            expires_at: NOW + Duration::hours(1),
            finished_at: None,
        };
        let participant = Participant {
            subscriber: ADA,
            entity_id: "https://sp.example.gov".into(),
            assertion_id: "_a".into(),
            session_index: "_s".into(),
            name_id_sealed: vec![9],
            joined_at: NOW,
        };
        let logout = LogoutRecord {
            id: LogoutId::random(entropy()),
            asked_by: Some("https://sp.example.gov".into()),
            request_id: None,
            relay_state_sealed: None,
            started_at: NOW,
            expires_at: NOW + Duration::hours(1),
            extent: Extent::Undecided,
            answered_at: None,
            redirects: 0,
        };
        let renewed = store
            .transaction_blocking::<_, StoreError, _>(|tx| {
                tx.add_session(&old)?;
                tx.add_pending_request(&request)?;
                tx.add_participant(old.id_hash, &participant)?;
                tx.add_logout(&logout, &[(LogoutSession { session: old.id_hash, subscriber: ADA }, "_a".into())])?;
                tx.renew_session(old.id_hash, &new)
            })
            .expect("it writes");
        assert!(renewed, "{}", database.name);
        assert_eq!(find(store, old.id_hash), None, "{}", database.name);
        assert_eq!(find(store, new.id_hash), Some(new.clone()), "{}", database.name);
        let (waiting, services) = store
            .read_blocking::<_, StoreError, _>(|tx| {
                Ok((tx.pending_request(&request.id, NOW)?, tx.participants_of(new.id_hash, ADA)?))
            })
            .expect("it reads");
        assert_eq!(waiting.map(|one| one.session), Some(request.session), "it is bound to its own cookie");
        assert_eq!(services, [participant], "{}", database.name);
        let another = SubscriberId::from_bytes([7; 16]);
        let theirs = store.read_blocking::<_, StoreError, _>(|tx| tx.participants_of(new.id_hash, another));
        assert_eq!(theirs, Ok(Vec::new()), "what one person signed in to is not the next one's");
        let ending = store.read_blocking::<_, StoreError, _>(|tx| tx.sessions_of_logout(&logout.id));
        let ends = LogoutSession { session: new.id_hash, subscriber: ADA };
        assert_eq!(ending, Ok(vec![(ends, "_a".to_owned())]), "a logout that is undecided still means this session");
        // Whoever still holds the old secret renews nothing with it.
        let again = store.transaction_blocking::<_, StoreError, _>(|tx| tx.renew_session(old.id_hash, &session()));
        assert_eq!(again, Ok(false), "{}", database.name);
    }
}

#[test]
fn an_ended_session_cannot_be_saved_back_to_life_and_holds_nothing() {
    for database in TestDatabase::each() {
        let (store, record) = (&database.store, session());
        store
            .transaction_blocking::<_, StoreError, _>(|tx| {
                tx.add_session(&record)?;
                tx.end_session(record.id_hash, NOW)
            })
            .expect("it writes");
        assert_eq!(find(store, record.id_hash), None, "{}", database.name);
        let saved = store.transaction_blocking::<_, StoreError, _>(|tx| tx.save_session(&record));
        assert_eq!(saved, Ok(false), "{}", database.name);
        assert_eq!(find(store, record.id_hash), None, "{}", database.name);
    }
}

#[test]
fn a_session_ends_at_its_idle_limit_and_at_its_absolute_limit() {
    for database in TestDatabase::each() {
        let record = session();
        database.store.transaction_blocking::<_, StoreError, _>(|tx| tx.add_session(&record)).expect("it writes");
        let at = |after: Duration| {
            database.store.read_blocking::<_, StoreError, _>(|tx| tx.session(record.id_hash, NOW + after)).unwrap()
        };
        assert!(at(Duration::minutes(14)).is_some(), "{}", database.name);
        assert!(at(Duration::minutes(15)).is_none(), "{}", database.name);
        assert!(at(Duration::hours(13)).is_none(), "{}", database.name);
    }
}

#[test]
fn ending_all_sessions_of_a_person_but_one_leaves_that_one() {
    for database in TestDatabase::each() {
        let (kept, others) = (session(), [session(), session()]);
        let (ended, left) = database
            .store
            .transaction_blocking::<_, StoreError, _>(|tx| {
                let of = add_account(tx)?;
                for one in others.iter().chain([&kept]) {
                    tx.add_session(&SessionRecord { subscriber: Some(of), ..one.clone() })?;
                }
                let ended = tx.end_sessions_of(of, Some(kept.id_hash), NOW)?;
                Ok((ended, tx.sessions_of(of, NOW)?))
            })
            .expect("it writes");
        let left: Vec<SessionIdHash> = left.into_iter().map(|one| one.id_hash).collect();
        assert_eq!((ended, left), (2, vec![kept.id_hash]), "{}", database.name);
    }
}
