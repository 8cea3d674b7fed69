//! What the keyed digest of each row covers, octet by octet. A database that is there already was written so: whoever changes
//! these octets makes every row in it count as altered.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use signet::authentication::known_browser::{KnownBrowserCookie, StoredKnownBrowser};
use signet::authentication::password::{PasswordVerifier, StoredPassword};
use signet::federation::agreement::AgencyId;
use signet::federation::consent::{ConsentId, ConsentRecord, ConsentScope, StoredConsent};
use signet::federation::disclosure::adopted::StoredAdoptedEnd;
use signet::federation::disclosure::{ChainId, ChainPosition};
use signet::federation::identifier::{PairwiseId, StoredPairwiseId};
use signet::federation::registry::{StandingRevisions, StoredRevision};
use signet::federation::service_address::StoredServiceAddress;
use signet::proofing::{Ial, Proofing, StoredProofing};
use signet::rollover::{At, SigningKeyId, SigningPlan, StoredSigningPlan};
use signet::saml::EntityId;
use signet::sealing::{KeyId, KeysError, Mac, Purpose, ServiceKeys, VouchedRow as _};
use signet::subscriber::vault::{ProfileRow, SealedAttribute};
use signet::subscriber::{ContactId, StoredAccount, SubscriberAccount, SubscriberId, SubscriberStatus, VaultState};
use time::UtcDateTime;
use time::macros::utc_datetime;
use zeroize::Zeroizing;

const ADA: SubscriberId = SubscriberId::from_bytes([1; 16]);
/// 1 764 590 400 123 milliseconds, and some that are dropped.
const NOW: UtcDateTime = utc_datetime!(2025-12-01 12:00:00.123_456);
const NOW_MILLISECONDS: [u8; 8] = 1_764_590_400_123_i64.to_be_bytes();
const LATER: UtcDateTime = utc_datetime!(2025-12-01 12:00:01);
const LATER_MILLISECONDS: [u8; 8] = 1_764_590_401_000_i64.to_be_bytes();
const BROWSER_KNOWN_UNTIL: [u8; 8] = (1_764_590_400_123_i64 + 180 * 86_400_000).to_be_bytes();

/// A digest that is no secret: SHA-256 over the purpose and the octets.
struct PlainKeys;

impl PlainKeys {
    fn tag(purpose: Purpose, octets: &[u8]) -> [u8; 32] {
        openssl::sha::sha256(&[format!("{purpose:?}\n").as_bytes(), octets].concat())
    }
}

impl ServiceKeys for PlainKeys {
    fn seal(&self, _: Purpose, _: &[u8], _: &[u8]) -> Result<Vec<u8>, KeysError> {
        Err(KeysError::Unavailable)
    }

    fn open(&self, _: Purpose, _: &[u8], _: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeysError> {
        Err(KeysError::Unavailable)
    }

    fn fingerprint(&self, purpose: Purpose, value: &[u8]) -> Result<[u8; 32], KeysError> {
        Ok(Self::tag(purpose, value))
    }

    fn fingerprints(&self, purpose: Purpose, value: &[u8]) -> Result<Vec<[u8; 32]>, KeysError> {
        Ok(vec![Self::tag(purpose, value)])
    }

    fn mac(&self, purpose: Purpose, octets: &[u8]) -> Result<Mac, KeysError> {
        self.mac_with(7, purpose, octets)
    }

    fn mac_with(&self, key_id: KeyId, purpose: Purpose, octets: &[u8]) -> Result<Mac, KeysError> {
        Ok(Mac { key_id, tag: Self::tag(purpose, octets) })
    }

    fn root_keys(&self) -> Vec<KeyId> {
        vec![7]
    }
}

/// These parts, each with its length in four octets before it.
fn octets(parts: &[&[u8]]) -> Vec<u8> {
    parts.iter().flat_map(|part| [&u32::try_from(part.len()).unwrap().to_be_bytes(), *part].concat()).collect()
}

/// Key 7's digest over them.
fn digest(purpose: Purpose, parts: &[&[u8]]) -> Vec<u8> {
    [&[0, 0, 0, 7], PlainKeys::tag(purpose, &octets(parts)).as_slice()].concat()
}

fn service() -> EntityId {
    EntityId::parse("https://permits.example.gov").unwrap()
}

fn parks() -> AgencyId {
    AgencyId::parse("parks").unwrap()
}

#[test]
fn account_is_vouched_for_with_its_states_and_times() {
    let account = SubscriberAccount {
        id: ADA,
        status: SubscriberStatus::Active,
        created_at: NOW,
        rules_accepted_at: LATER,
        vault: VaultState::Sealed,
    };
    let parts: &[&[u8]] =
        &[b"signet/account/v1", &[1; 16], b"active", b"sealed", &NOW_MILLISECONDS, &LATER_MILLISECONDS];
    assert_eq!(StoredAccount::new(&account, &PlainKeys).unwrap().mac, digest(Purpose::Account, parts));
}

#[test]
fn password_is_vouched_for_with_its_person_and_time() {
    let bytes = [&[1][..], &[0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 1], &[5; 16], &[0, 0, 0, 7], &[6; 32]].concat();
    let verifier = PasswordVerifier::from_bytes(&bytes).unwrap();
    let parts: &[&[u8]] = &[b"signet/password-row/v1", &[1; 16], &bytes, &NOW_MILLISECONDS];
    assert_eq!(StoredPassword::new(ADA, &verifier, NOW, &PlainKeys).unwrap().mac, digest(Purpose::Password, parts));
}

#[test]
fn known_browser_is_vouched_for_with_its_account_and_end() {
    let secret = KnownBrowserCookie::from_value(&URL_SAFE_NO_PAD.encode([9; 32])).secrets()[0].clone();
    let stored = StoredKnownBrowser::new(&secret, ADA, NOW, &PlainKeys).unwrap();
    let id: &[u8] = stored.id.as_bytes();
    let parts: &[&[u8]] = &[b"signet/known-browser/v1/row", id, &[1; 16], &NOW_MILLISECONDS, &BROWSER_KNOWN_UNTIL];
    assert_eq!(stored.mac, digest(Purpose::KnownBrowser, parts));
}

#[test]
fn proofing_is_vouched_for_with_its_person_and_the_list_of_the_profile() {
    let list = SealedAttribute::from_stored(vec![7; 40]);
    let row = ProfileRow { attribute: ProfileRow::LIST.to_owned(), version: 1, sealed: list };
    let lasting = Proofing { ial: Ial::Two, verified_at: NOW, current_until: None, face_was_matched: false };
    let ending = Proofing { current_until: Some(LATER), ..lasting };
    let label = b"signet/proofed-profile/v1";
    let parts: &[&[u8]] = &[label, &[1; 16], &[0, 0, 0, 2], &NOW_MILLISECONDS, &LATER_MILLISECONDS, &[7; 40]];
    let of =
        |proofing: &Proofing, rows: &[ProfileRow]| StoredProofing::new(ADA, proofing, rows, &PlainKeys).unwrap().mac;
    assert_eq!(of(&ending, &[row]), digest(Purpose::ProofedProfile, parts));
    let parts: &[&[u8]] = &[label, &[1; 16], &[0, 0, 0, 2], &NOW_MILLISECONDS, &[], &[]];
    assert_eq!(of(&lasting, &[]), digest(Purpose::ProofedProfile, parts));
    let parts: &[&[u8]] = &[b"signet/proofed-profile/f1", &[1; 16], &[0, 0, 0, 2], &NOW_MILLISECONDS, &[], &[]];
    let compared = Proofing { face_was_matched: true, ..lasting };
    assert_eq!(of(&compared, &[]), digest(Purpose::ProofedProfile, parts));
}

#[test]
fn identifier_is_vouched_for_with_its_person_agency_and_time() {
    let stored = StoredPairwiseId::new(ADA, &parks(), PairwiseId::supposed([4; 16]), NOW, &PlainKeys).unwrap();
    let parts: &[&[u8]] = &[b"signet/pairwise-id/v1", &[1; 16], b"parks", &[4; 16], &NOW_MILLISECONDS];
    assert_eq!(stored.mac, digest(Purpose::PairwiseId, parts));
}

#[test]
fn consent_is_vouched_for_with_its_person_service_scope_and_time() {
    let format = b"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    let (one, none) = (1_i64.to_be_bytes(), [0; 8]);
    let of = |label: &[u8], language: &[&[u8]]| {
        let before: &[&[u8]] = &[label, b"https://permits.example.gov", b"parks", &one, format];
        octets(&[before, language, &[&none]].concat())
    };
    let bytes = of(b"signet consent scope 2", &[b"en"]);
    let scope = ConsentScope::from_bytes(&bytes).unwrap();
    let record = ConsentRecord {
        id: ConsentId::from_bytes([3; 16]),
        subscriber: ADA,
        scope: scope.clone(),
        given_at: NOW,
        revoked_at: None,
    };
    let parts: &[&[u8]] =
        &[b"signet/consent/v1", &[3; 16], &[1; 16], b"https://permits.example.gov", &bytes, &NOW_MILLISECONDS];
    let stored = StoredConsent::new(&record, &PlainKeys).unwrap();
    assert_eq!(stored.mac, digest(Purpose::Consent, parts));
    let taken_back = ConsentRecord { revoked_at: Some(LATER), ..record };
    assert_eq!(StoredConsent::new(&taken_back, &PlainKeys).unwrap().mac, [0_u8; 0]);

    // A row of the version before keeps the octets that it has.
    let bytes = of(b"signet consent scope 1", &[]);
    let parts: &[&[u8]] =
        &[b"signet/consent/v1", &[3; 16], &[1; 16], b"https://permits.example.gov", &bytes, &NOW_MILLISECONDS];
    let first = StoredConsent { scope: bytes.clone(), mac: digest(Purpose::Consent, parts), ..stored };
    assert_eq!(first.authenticate(ADA, &PlainKeys).unwrap().record().scope, scope);
}

#[test]
fn chosen_address_is_vouched_for_with_its_person_service_and_time() {
    let contact = ContactId::from_bytes([3; 16]);
    let stored = StoredServiceAddress::new(ADA, &service(), contact, NOW, &PlainKeys).unwrap();
    let parts: &[&[u8]] =
        &[b"signet/service-address/v1", &[1; 16], b"https://permits.example.gov", &[3; 16], &NOW_MILLISECONDS];
    assert_eq!(stored.mac, digest(Purpose::ServiceAddress, parts));
}

#[test]
fn service_record_is_vouched_for_with_its_names_place_and_end() {
    let label = b"signet/service-record/v1";
    let one = 1_i64.to_be_bytes();
    let parts: &[&[u8]] = &[
        label,
        &[2; 32],
        b"https://permits.example.gov",
        b"parks",
        b"parks/permits",
        &NOW_MILLISECONDS,
        b"test",
        &one,
        &[],
    ];
    let row = StoredRevision {
        sha256: vec![2; 32],
        entity_id: service().to_string(),
        agency_id: "parks".to_owned(),
        folder: "parks/permits".to_owned(),
        applied_at: i64::from_be_bytes(NOW_MILLISECONDS),
        applied_by: "test".to_owned(),
        sequence: 1,
        superseded_at: None,
        mac: digest(Purpose::ServiceRecord, parts),
    };
    let standing = StandingRevisions::tell_apart(vec![row.clone()], &PlainKeys).unwrap();
    assert_eq!((standing.current.len(), standing.altered.len()), (1, 0));
    let mut parts = parts.to_vec();
    parts[8] = &LATER_MILLISECONDS;
    assert_eq!(row.superseded(LATER, &PlainKeys).unwrap().mac, digest(Purpose::ServiceRecord, &parts));
}

#[test]
fn signing_plan_is_vouched_for_with_its_number() {
    let key = SigningKeyId::parse(&"ab".repeat(8)).unwrap();
    let plan = SigningPlan::begin(key, None, At { version: 1, now: NOW });
    let stored = StoredSigningPlan::new(&plan, NOW, "test", &PlainKeys).unwrap();
    let key = "ab".repeat(8);
    let published = r#"{"published_in":1,"published_at":1764590400123,"signed_from":1764590400123}"#;
    let document = format!(r#"{{"fleet":"{key}","keys":{{"{key}":{published}}}}}"#);
    assert_eq!(stored.document, document);
    let parts: &[&[u8]] = &[b"signet/signing-plan/v1", &1_i64.to_be_bytes(), document.as_bytes()];
    assert_eq!(stored.mac, digest(Purpose::SigningPlan, parts));
}

#[test]
fn adopted_end_is_vouched_for_with_its_chain_number_and_hash() {
    let end = ChainPosition { chain: ChainId::from_bytes([3; 16]), seq: 9, hash: [7; 32] };
    let parts: &[&[u8]] = &[b"signet adopted chain 1", &[3; 16], &9_i64.to_be_bytes(), &[7; 32]];
    assert_eq!(StoredAdoptedEnd::new(end, &PlainKeys).unwrap().mac, digest(Purpose::Ledger, parts));
}
