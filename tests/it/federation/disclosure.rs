//! The chain of disclosure records: every way in which it can be tampered with shows.

use std::collections::BTreeSet;
use std::sync::Arc;

use signet::entropy::SystemEntropy;
use signet::federation::agreement::AgencyId;
use signet::federation::assurance::{Aal, Level};
use signet::federation::attribute::AttributeName;
use signet::federation::consent::{ConsentId, ContentDigest, ScopeDigest};
use signet::federation::disclosure::{
    BEFORE_THE_FIRST, BrokenChain, ChainId, ChainVerifier, DisclosureDraft, DisclosureId, DisclosureRecord, RevisionId,
};
use signet::federation::identifier::NameIdFormat;
use signet::proofing::Ial;
use signet::saml::EntityId;
use signet::sealing::ServiceKeys;
use signet::services::keys::LocalKeys;
use time::Duration;

use super::given::{NOW, PERSON};
use crate::support::keys::{keys, keys_in, secret};

const CHAIN: ChainId = ChainId::from_bytes([3; 16]);

fn draft(number: u8) -> DisclosureDraft {
    DisclosureDraft {
        id: DisclosureId::from_bytes([number; 16]),
        at: NOW + Duration::seconds(i64::from(number)),
        subscriber: PERSON,
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
        assertion_id: format!("_a{number}"),
        session_index: format!("_s{number}"),
        in_response_to: format!("_r{number}"),
        assertion_digest: [number; 32],
        signing_key_id: "2026".into(),
    }
}

fn chain(count: u8, keys: &dyn ServiceKeys) -> Vec<DisclosureRecord> {
    let mut previous = BEFORE_THE_FIRST;
    (1..=count)
        .map(|number| {
            let record = draft(number).chained(CHAIN, i64::from(number), previous, keys).unwrap();
            previous = record.hash;
            record
        })
        .collect()
}

fn verify(records: &[DisclosureRecord], keys: &dyn ServiceKeys) -> Result<i64, BrokenChain> {
    let mut verifier = ChainVerifier::new(CHAIN);
    records.iter().try_for_each(|record| verifier.follow(record, keys))?;
    verifier.finish(None)?;
    Ok(verifier.length())
}

#[test]
fn untouched_chain_holds() {
    let keys = keys();
    assert_eq!(verify(&chain(4, &keys), &keys), Ok(4));
    assert_eq!(verify(&[], &keys), Ok(0));
}

#[test]
fn changed_record_shows() {
    let keys = keys();
    let mut records = chain(3, &keys);
    records[1].disclosure.names.remove(&AttributeName::Email);
    assert_eq!(verify(&records, &keys), Err(BrokenChain::Changed { chain: CHAIN, seq: 2 }));
}

#[test]
fn record_of_somebody_without_our_keys_shows() {
    let (ours, theirs) = (keys(), keys());
    let mut records = chain(3, &ours);
    records[2] = draft(3).chained(CHAIN, 3, records[1].hash, &theirs).unwrap();
    assert_eq!(verify(&records, &ours), Err(BrokenChain::Changed { chain: CHAIN, seq: 3 }));
    // Nor does it help to say that the record is of a version without keys, or of a key that is gone.
    records[2].hash_key = None;
    assert_eq!(verify(&records, &ours), Err(BrokenChain::Unkeyed { chain: CHAIN, seq: 3 }));
    records[2].hash_key = Some(7);
    assert_eq!(verify(&records, &ours), Err(BrokenChain::UnknownKey { chain: CHAIN, seq: 3, key: 7 }));
}

#[test]
fn record_that_was_changed_and_hashed_anew_shows_in_the_next() {
    let keys = keys();
    let mut records = chain(3, &keys);
    let mut forged = draft(2);
    forged.subscriber = signet::subscriber::SubscriberId::from_bytes([9; 16]);
    records[1] = forged.chained(CHAIN, 2, records[0].hash, &keys).unwrap();
    assert_eq!(verify(&records, &keys), Err(BrokenChain::Unlinked { chain: CHAIN, seq: 3 }));
}

#[test]
fn missing_record_shows() {
    let keys = keys();
    let mut records = chain(3, &keys);
    records.remove(1);
    assert_eq!(verify(&records, &keys), Err(BrokenChain::Gap { chain: CHAIN, expected: 2, found: 3 }));
}

#[test]
fn record_of_another_chain_shows() {
    let keys = keys();
    let mut records = chain(2, &keys);
    let other = ChainId::from_bytes([4; 16]);
    records[1] = draft(2).chained(other, 2, records[0].hash, &keys).unwrap();
    assert_eq!(verify(&records, &keys), Err(BrokenChain::WrongChain { chain: CHAIN, found: other }));
}

#[test]
fn keys_only_grow_along_a_chain() {
    let folder = tempfile::tempdir().unwrap();
    let old = keys_in(folder.path());
    LocalKeys::rotate_roots(folder.path(), &secret(), &SystemEntropy).unwrap();
    let new = LocalKeys::open(folder.path(), &secret(), Arc::new(SystemEntropy)).unwrap();
    let first = draft(1).chained(CHAIN, 1, BEFORE_THE_FIRST, &old).unwrap();
    let second = draft(2).chained(CHAIN, 2, first.hash, &new).unwrap();
    // Who has only the key that was replaced adds nothing.
    let third = draft(3).chained(CHAIN, 3, second.hash, &old).unwrap();
    assert_eq!(verify(&[first.clone(), second.clone()], &new), Ok(2));
    let older = BrokenChain::OlderKey { chain: CHAIN, seq: 3, key: 1 };
    assert_eq!(verify(&[first, second, third], &new), Err(older));
}

#[test]
fn every_field_is_under_the_hash() {
    let keys = keys();
    let original = draft(1).chained(CHAIN, 1, BEFORE_THE_FIRST, &keys).unwrap().hash;
    let changes: [fn(&mut DisclosureDraft); 18] = [
        |d| d.id = DisclosureId::from_bytes([8; 16]),
        |d| d.at += Duration::MILLISECOND,
        |d| d.entity_id = EntityId::parse("https://x.example.gov").unwrap(),
        |d| d.agency_id = AgencyId::parse("other").unwrap(),
        |d| d.sp_revision = RevisionId([8; 32]),
        |d| d.consent = ConsentId::from_bytes([8; 16]),
        |d| d.scope_digest = ScopeDigest([8; 32]),
        |d| d.content_digest = ContentDigest([8; 32]),
        |d| d.content_key_id = "x".into(),
        |d| d.level.ial = Ial::Two,
        |d| d.level.aal = Aal::Aal3,
        |d| d.class_ref = "x".into(),
        |d| d.name_id_format = NameIdFormat::Transient,
        |d| d.assertion_id = "x".into(),
        |d| d.session_index = "x".into(),
        |d| d.in_response_to = "x".into(),
        |d| d.assertion_digest = [8; 32],
        |d| d.signing_key_id = "x".into(),
    ];
    for (index, change) in changes.iter().enumerate() {
        let mut changed = draft(1);
        change(&mut changed);
        let changed = changed.chained(CHAIN, 1, BEFORE_THE_FIRST, &keys).unwrap();
        assert_ne!(changed.hash, original, "change {index}");
    }
}
