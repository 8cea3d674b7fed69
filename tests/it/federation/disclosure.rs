//! The chain of disclosure records: every way in which it can be tampered with shows.

use std::collections::BTreeSet;

use signet::federation::agreement::AgencyId;
use signet::federation::assurance::{Aal, Ial, Level};
use signet::federation::attribute::AttributeName;
use signet::federation::consent::{ConsentId, ContentDigest, ScopeDigest};
use signet::federation::disclosure::{
    BEFORE_THE_FIRST, BrokenChain, ChainId, ChainVerifier, DisclosureDraft, DisclosureId, DisclosureRecord, RevisionId,
};
use signet::federation::identifier::NameIdFormat;
use signet::saml::EntityId;
use time::Duration;

use super::given::{NOW, PERSON};

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

fn chain(count: u8) -> Vec<DisclosureRecord> {
    let mut previous = BEFORE_THE_FIRST;
    (1..=count)
        .map(|number| {
            let record = draft(number).chained(CHAIN, i64::from(number), previous);
            previous = record.hash;
            record
        })
        .collect()
}

fn verify(records: &[DisclosureRecord]) -> Result<i64, BrokenChain> {
    let mut verifier = ChainVerifier::new(CHAIN);
    records.iter().try_for_each(|record| verifier.follow(record))?;
    Ok(verifier.length())
}

#[test]
fn untouched_chain_holds() {
    assert_eq!(verify(&chain(4)), Ok(4));
    assert_eq!(verify(&[]), Ok(0));
}

#[test]
fn changed_record_shows() {
    let mut records = chain(3);
    records[1].disclosure.names.remove(&AttributeName::Email);
    assert_eq!(verify(&records), Err(BrokenChain::Changed { chain: CHAIN, seq: 2 }));
}

#[test]
fn record_that_was_changed_and_hashed_anew_shows_in_the_next() {
    let mut records = chain(3);
    let mut forged = draft(2);
    forged.subscriber = signet::subscriber::SubscriberId::from_bytes([9; 16]);
    records[1] = forged.chained(CHAIN, 2, records[0].hash);
    assert_eq!(verify(&records), Err(BrokenChain::Unlinked { chain: CHAIN, seq: 3 }));
}

#[test]
fn missing_record_shows() {
    let mut records = chain(3);
    records.remove(1);
    assert_eq!(verify(&records), Err(BrokenChain::Gap { chain: CHAIN, expected: 2, found: 3 }));
}

#[test]
fn record_of_another_chain_shows() {
    let mut records = chain(2);
    let other = ChainId::from_bytes([4; 16]);
    records[1] = draft(2).chained(other, 2, records[0].hash);
    assert_eq!(verify(&records), Err(BrokenChain::WrongChain { chain: CHAIN, found: other }));
}

#[test]
fn every_field_is_under_the_hash() {
    let original = draft(1).chained(CHAIN, 1, BEFORE_THE_FIRST).hash;
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
        assert_ne!(changed.chained(CHAIN, 1, BEFORE_THE_FIRST).hash, original, "change {index}");
    }
}
