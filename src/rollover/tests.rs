use std::collections::BTreeMap;
use std::sync::Arc;

use time::UtcDateTime;
use time::macros::utc_datetime;

use super::*;
use crate::federation::agreement::AgencyId;
use crate::federation::registry::{ServiceFiles, ServiceName, ServiceProvider};
use crate::saml::DeniedAlgorithms;
use crate::saml::EntityId;
use crate::sealing::VouchedRow;
use crate::services::keys::KeyPairStore;
use crate::services::keys::{GenerateKeys, LocalKeys, SigningKeyKind, keys_for_tests};

const NOW: UtcDateTime = utc_datetime!(2026-11-28 12:00);

fn key(digit: char) -> SigningKeyId {
    SigningKeyId::parse(&digit.to_string().repeat(16)).unwrap()
}

fn service(name: &str) -> EntityId {
    EntityId::parse(&format!("https://{name}.example.gov/saml")).unwrap()
}

fn services() -> Vec<EntityId> {
    (0..200).map(|number| service(&format!("service-{number}"))).collect()
}

fn at(version: i64, hours: i64) -> At {
    At { version, now: NOW + Duration::hours(hours) }
}

/// The key `1` signs for all, `2` is published in plan 2, at the same hour.
fn two_keys() -> SigningPlan {
    SigningPlan::begin(key('1'), None, at(1, 0)).publish(&key('2'), at(2, 0)).unwrap()
}

fn nobody_fetched() -> BTreeMap<EntityId, MetadataFetch> {
    BTreeMap::new()
}

fn fetched(service: &EntityId, plan_version: i64) -> BTreeMap<EntityId, MetadataFetch> {
    BTreeMap::from([(service.clone(), MetadataFetch { at: NOW, plan_version })])
}

#[test]
fn the_first_key_signs_for_all_and_the_next_is_published_beside_it() {
    let plan = two_keys();
    assert_eq!(plan.key_for(&service("any")), &key('1'));
    assert_eq!(plan.in_metadata().collect::<Vec<_>>(), [&key('1'), &key('2')]);
    assert_eq!((plan.state(&key('1')), plan.state(&key('2'))), (KeyState::Signing, KeyState::Published));
    assert_eq!(plan.state(&key('3')), KeyState::Generated);
}

#[test]
fn a_key_is_named_by_sixteen_hex_digits_in_lower_case() {
    assert_eq!(SigningKeyId::parse("0123456789abcdef").unwrap().as_str(), "0123456789abcdef");
    for text in ["", "0123456789abcde", "0123456789abcdef0", "0123456789abcdeF", "0123456789abcdeg", "0123456789abcd-f"]
    {
        assert_eq!(SigningKeyId::parse(text), Err(MalformedKeyId), "{text}");
    }
}

#[test]
fn a_plan_tells_its_number_its_keys_and_its_wave_and_the_newest_keys_first() {
    let plan = two_keys().publish(&key('3'), at(3, 1)).unwrap().publish(&key('0'), at(4, 2)).unwrap();
    assert_eq!(plan.in_metadata().collect::<Vec<_>>(), [&key('1'), &key('0'), &key('3'), &key('2')]);
    assert_eq!(plan.keys().keys().collect::<Vec<_>>(), [&key('0'), &key('1'), &key('2'), &key('3')]);
    assert_eq!((plan.version(), plan.wave()), (4, None));
    let percent = WavePercent::new(25).unwrap();
    let next = plan.sign_with(&key('2'), &Whom::Wave(percent), &[], &nobody_fetched(), false, at(5, 3)).unwrap();
    assert_eq!((next.version(), next.wave()), (5, Some(&Wave { key: key('2'), percent })));
}

#[test]
fn a_node_is_behind_while_it_is_heard_and_follows_an_earlier_plan() {
    let seen = NodeSeen { node: "one".into(), plan_version: 3, at: NOW };
    let gone = NOW + Duration::minutes(5);
    assert!(seen.is_behind(4, NOW) && seen.is_behind(4, gone - Duration::MILLISECOND));
    assert!(!seen.is_behind(4, gone));
    assert!(!seen.is_behind(3, NOW) && !seen.is_behind(2, NOW));
}

#[test]
fn the_latest_key_to_encrypt_to_is_offered_and_those_before_open_until_they_are_retired() {
    let plan = SigningPlan::begin(key('1'), Some(key('a')), at(1, 0)).publish_opener(&key('b'), at(2, 1)).unwrap();
    assert_eq!(plan.offered(), Some(&key('b')));
    assert_eq!(plan.opening().collect::<Vec<_>>(), [&key('b'), &key('a')]);
    assert_eq!(plan.publish_opener(&key('a'), at(3, 2)), Err(PlanRefused::OfferedBefore { key: key('a') }));
    assert_eq!(plan.retire_opener(&key('c'), true, at(3, 2)), Err(PlanRefused::NotPublished { key: key('c') }));
    assert_eq!(plan.retire_opener(&key('b'), false, at(3, 2)), Err(PlanRefused::StillOffered { key: key('b') }));
    // Fourteen days after the next one took its place, and what the nodes need to follow.
    let until = NOW + Duration::hours(1) + METADATA_VALID_FOR + LAST_MESSAGES_ARRIVE;
    assert_eq!(
        plan.retire_opener(&key('a'), false, at(3, 14 * 24 + 1)),
        Err(PlanRefused::JustReplaced { key: key('a'), until })
    );
    let retired = plan.retire_opener(&key('a'), false, at(3, 14 * 24 + 2)).unwrap();
    assert_eq!(retired.opening().collect::<Vec<_>>(), [&key('b')]);
    assert_eq!(retired.opener_state(&key('a')), OpenerState::Retired);
    assert_eq!(retired.publish_opener(&key('a'), at(4, 400)), Err(PlanRefused::Retired { key: key('a') }));
    assert_eq!(retired.retire_opener(&key('a'), true, at(4, 400)), Err(PlanRefused::Retired { key: key('a') }));
    let none = retired.retire_opener(&key('b'), true, at(4, 400)).unwrap();
    assert_eq!((none.offered(), none.version()), (None, 4));
    let three = plan.publish_opener(&key('c'), at(3, 2)).unwrap();
    assert_eq!(three.publish_opener(&key('d'), at(4, 2)), Err(PlanRefused::TooManyOpen));
}

#[test]
fn a_key_that_is_not_published_signs_nothing() {
    let refused = two_keys().sign_with(&key('3'), &Whom::All, &services(), &nobody_fetched(), true, at(3, 0));
    assert_eq!(refused, Err(PlanRefused::NotPublished { key: key('3') }));
}

#[test]
fn a_service_gets_a_key_when_it_fetched_it_when_it_tried_it_or_when_every_older_copy_has_expired() {
    let plan = two_keys();
    let permits = service("permits");
    let whom = Whom::Services(vec![permits.clone()]);
    let all = [permits.clone()];
    let sign = |plan: &SigningPlan, fetches: &BTreeMap<EntityId, MetadataFetch>, hours| {
        plan.sign_with(&key('2'), &whom, &all, fetches, false, at(9, hours))
    };
    let known_from = NOW + METADATA_VALID_FOR;
    let lacks = Err(PlanRefused::MayLackTheKey { key: key('2'), services: vec![permits.clone()], known_from });
    assert_eq!(sign(&plan, &nobody_fetched(), 0), lacks);
    // A copy that was made before the key was published says nothing, however late it was fetched.
    assert_eq!(sign(&plan, &fetched(&permits, 1), 0), lacks);
    assert_eq!(sign(&plan, &fetched(&service("another"), 2), 0), lacks);
    assert!(sign(&plan, &fetched(&permits, 2), 0).is_ok());
    assert_eq!(sign(&plan, &nobody_fetched(), 14 * 24 - 1), lacks);
    assert!(sign(&plan, &nobody_fetched(), 14 * 24).is_ok());
    assert!(sign(&plan.tried(&permits, &key('2'), true, at(3, 0)).unwrap(), &nobody_fetched(), 0).is_ok());

    // That a try failed counts for more than that the key was fetched.
    let failed = plan.tried(&permits, &key('2'), false, at(3, 0)).unwrap();
    let told = Err(PlanRefused::TrialFailed { key: key('2'), service: permits.clone() });
    assert_eq!(sign(&failed, &fetched(&permits, 2), 14 * 24), told);
    let at_once = failed.sign_with(&key('2'), &whom, &all, &nobody_fetched(), true, at(4, 0)).unwrap();
    assert_eq!(at_once.key_for(&permits), &key('2'));
    assert_eq!(at_once.key_for(&service("another")), &key('1'));
}

#[test]
fn a_wave_takes_about_its_share_always_the_same_and_a_greater_one_holds_the_smaller() {
    let plan = two_keys();
    let all = services();
    let mut before: Vec<EntityId> = Vec::new();
    for percent in [1, 10, 50, 99, 100] {
        let whom = Whom::Wave(WavePercent::new(percent).unwrap());
        let next = plan.sign_with(&key('2'), &whom, &all, &nobody_fetched(), true, at(3, 0)).unwrap();
        let taken: Vec<EntityId> = all.iter().filter(|service| *next.key_for(service) == key('2')).cloned().collect();
        let share = taken.len() * 100 / all.len();
        assert!(share.abs_diff(percent.into()) <= 8, "{percent} percent took {share}");
        assert!(before.iter().all(|service| taken.contains(service)));
        assert_eq!(*next.fleet(), key('1'));
        before = taken;
    }
    assert_eq!(before.len(), all.len());
    // A quarter of all places is taken up to the quarter, which is the place of this one.
    let quarter = service("service-1600");
    let takes = |percent| Wave { key: key('2'), percent: WavePercent::new(percent).unwrap() }.takes(&quarter);
    assert!(!takes(25) && takes(26));
    assert_eq!((WavePercent::new(0), WavePercent::new(101)), (None, None));
}

#[test]
fn a_wave_is_called_off_by_the_key_of_all() {
    let whom = Whom::Wave(WavePercent::new(50).unwrap());
    let plan = two_keys().sign_with(&key('2'), &whom, &services(), &nobody_fetched(), true, at(3, 0)).unwrap();
    // Going back needs no proof: whoever has the newer key has the older one.
    let back = plan.sign_with(&key('1'), &whom, &services(), &nobody_fetched(), false, at(4, 0)).unwrap();
    assert!(services().iter().all(|service| *back.key_for(service) == key('1')));
    assert_eq!(back.state(&key('2')), KeyState::Published);
}

#[test]
fn a_service_that_was_put_back_stays_when_all_go_on_until_it_is_named() {
    let (permits, all) = (service("permits"), [service("permits"), service("camping")]);
    let plan = two_keys().sign_with(&key('2'), &Whom::All, &all, &nobody_fetched(), true, at(3, 1)).unwrap();
    let plan = plan.fall_back(&permits, at(4, 2)).unwrap();
    assert_eq!((plan.key_for(&permits), plan.key_for(&all[1])), (&key('1'), &key('2')));
    let plan = plan.publish(&key('3'), at(5, 3)).unwrap();
    let plan = plan.sign_with(&key('3'), &Whom::All, &all, &nobody_fetched(), true, at(6, 4)).unwrap();
    assert_eq!((plan.key_for(&permits), plan.key_for(&all[1])), (&key('1'), &key('3')));
    let named = Whom::Services(vec![permits.clone()]);
    let plan = plan.sign_with(&key('3'), &named, &all, &nobody_fetched(), true, at(7, 5)).unwrap();
    assert_eq!(plan.key_for(&permits), &key('3'));
    // It goes on with the rest the next time.
    assert!(plan.chosen().is_empty());
    let again = plan.sign_with(&key('3'), &Whom::All, &all, &nobody_fetched(), true, at(8, 5));
    assert_eq!(again, Err(PlanRefused::NothingChanges { key: key('3') }));
}

#[test]
fn a_key_is_named_that_is_known_for_services_that_are_known() {
    let (permits, all) = (service("permits"), [service("permits"), service("camping")]);
    let stranger = service("stranger");
    let named = Whom::Services(vec![permits.clone(), stranger.clone()]);
    let refused = two_keys().sign_with(&key('2'), &named, &all, &nobody_fetched(), true, at(3, 0));
    assert_eq!(refused, Err(PlanRefused::UnknownService { service: stranger }));
    let tried = two_keys().tried(&permits, &key('3'), true, at(3, 0));
    assert_eq!(tried, Err(PlanRefused::NotPublished { key: key('3') }));
    // What was tried with one key says nothing of another.
    let plan = two_keys().publish(&key('3'), at(3, 0)).unwrap().tried(&permits, &key('2'), true, at(4, 0)).unwrap();
    assert_eq!(plan.readiness(&key('2'), &permits, None, NOW), Readiness::Tried);
    assert!(matches!(plan.readiness(&key('3'), &permits, None, NOW), Readiness::Unknown { .. }));
    let retired = plan.retire(&key('3'), false, at(5, 0)).unwrap();
    assert_eq!(retired.readiness(&key('3'), &permits, None, NOW), Readiness::NotPublished);
}

#[test]
fn what_comes_next_for_a_service_is_newer_than_what_signs_for_it() {
    let (permits, all) = (service("permits"), [service("permits")]);
    let none = || Err(PlanRefused::NoNextKey { service: permits.clone() });
    assert_eq!(SigningPlan::begin(key('1'), None, at(1, 0)).next_for(&permits).cloned(), none());
    let plan = two_keys().publish(&key('3'), at(3, 0)).unwrap();
    assert_eq!(plan.next_for(&permits), Ok(&key('3')));
    let plan = plan.sign_with(&key('3'), &Whom::All, &all, &nobody_fetched(), true, at(4, 1)).unwrap();
    assert_eq!(plan.next_for(&permits).cloned(), none());
}

#[test]
fn who_chose_the_key_that_all_get_goes_on_with_the_rest() {
    let (permits, all) = (service("permits"), [service("permits"), service("camping")]);
    let named = Whom::Services(vec![permits.clone()]);
    let plan = two_keys().sign_with(&key('2'), &named, &all, &nobody_fetched(), true, at(3, 1)).unwrap();
    assert_eq!(plan.chosen().get(&permits), Some(&key('2')));
    let plan = plan.sign_with(&key('2'), &Whom::All, &all, &nobody_fetched(), true, at(4, 2)).unwrap();
    assert!(plan.chosen().is_empty());
}

#[test]
fn nobody_falls_back_to_a_key_that_never_signed_or_is_retired() {
    let (permits, all) = (service("permits"), [service("permits")]);
    let none = Err(PlanRefused::NoEarlierKey { service: permits.clone() });
    assert_eq!(two_keys().fall_back(&permits, at(3, 0)), none);
    let plan = two_keys().sign_with(&key('2'), &Whom::All, &all, &nobody_fetched(), true, at(3, 1)).unwrap();
    assert!(plan.fall_back(&permits, at(4, 1)).is_ok());
    // Nor to one that began at the same moment, or later.
    let at_once = two_keys().sign_with(&key('2'), &Whom::All, &all, &nobody_fetched(), true, at(3, 0)).unwrap();
    assert_eq!(at_once.fall_back(&permits, at(4, 1)), none);
    assert_eq!(plan.fall_back(&permits, at(4, 1)).unwrap().fall_back(&permits, at(5, 2)), none);
    let plan = plan.retire(&key('1'), true, at(4, 1)).unwrap();
    assert_eq!(plan.fall_back(&permits, at(5, 2)), none);
}

#[test]
fn a_key_is_retired_when_it_signs_for_nobody_and_its_last_messages_have_ended() {
    let (permits, all) = (service("permits"), [service("permits"), service("camping")]);
    let retire = |plan: &SigningPlan, hours| plan.retire(&key('1'), false, at(9, hours));
    let only = SigningPlan::begin(key('1'), None, at(1, 0));
    assert_eq!(retire(&only, 0), Err(PlanRefused::LastKey { key: key('1') }));

    let still =
        |for_all, for_wave, services| Err(PlanRefused::StillSigns { key: key('1'), for_all, for_wave, services });
    assert_eq!(retire(&two_keys(), 0), still(true, false, vec![]));
    let held = Whom::Services(vec![permits.clone()]);
    let plan = two_keys().sign_with(&key('2'), &Whom::All, &all, &nobody_fetched(), true, at(3, 1)).unwrap();
    let plan = plan.fall_back(&permits, at(4, 1)).unwrap();
    assert_eq!(retire(&plan, 9), still(false, false, vec![permits.clone()]));
    let plan = plan.sign_with(&key('2'), &held, &all, &nobody_fetched(), true, at(5, 2)).unwrap();
    let until = NOW + Duration::hours(2) + LAST_MESSAGES_ARRIVE;
    assert_eq!(retire(&plan, 2), Err(PlanRefused::JustStopped { key: key('1'), until }));
    assert_eq!(
        plan.retire(&key('1'), false, At { version: 9, now: until - Duration::MILLISECOND }),
        Err(PlanRefused::JustStopped { key: key('1'), until })
    );
    let retired = plan.retire(&key('1'), false, At { version: 9, now: until }).unwrap();
    assert_eq!(retired.state(&key('1')), KeyState::Retired);
    assert_eq!(retired.in_metadata().collect::<Vec<_>>(), [&key('2')]);
    let over = Err(PlanRefused::Retired { key: key('1') });
    assert_eq!(retired.publish(&key('1'), at(10, 4)), over);
    assert_eq!(retired.sign_with(&key('1'), &Whom::All, &all, &nobody_fetched(), true, at(10, 4)), over);
    assert_eq!(retire(&retired, 4), over);
}

#[test]
fn a_wave_of_another_key_and_a_choice_of_another_key_keep_none_from_being_retired() {
    let (permits, all) = (service("permits"), [service("permits"), service("camping")]);
    let plan = two_keys().publish(&key('3'), at(3, 0)).unwrap().publish(&key('4'), at(4, 0)).unwrap();
    let wave = Whom::Wave(WavePercent::new(10).unwrap());
    let plan = plan.sign_with(&key('2'), &wave, &all, &nobody_fetched(), true, at(5, 1)).unwrap();
    let named = Whom::Services(vec![permits.clone()]);
    let plan = plan.sign_with(&key('3'), &named, &all, &nobody_fetched(), true, at(6, 2)).unwrap();
    assert_eq!(plan.state(&key('4')), KeyState::Published);
    let retired = plan.retire(&key('4'), false, at(7, 3)).unwrap();
    assert_eq!(retired.state(&key('4')), KeyState::Retired);
    let still =
        |id, for_all, for_wave, services| Err(PlanRefused::StillSigns { key: key(id), for_all, for_wave, services });
    assert_eq!(plan.retire(&key('1'), false, at(7, 3)), still('1', true, false, vec![]));
    assert_eq!(plan.retire(&key('2'), false, at(7, 3)), still('2', false, true, vec![]));
    assert_eq!(plan.retire(&key('3'), false, at(7, 3)), still('3', false, false, vec![permits]));
}

#[test]
fn what_was_tried_with_a_key_goes_with_it_and_no_other() {
    let (permits, camping) = (service("permits"), service("camping"));
    let plan = two_keys().publish(&key('3'), at(3, 0)).unwrap();
    let plan = plan.tried(&permits, &key('2'), true, at(4, 0)).unwrap();
    let plan = plan.tried(&camping, &key('3'), true, at(5, 0)).unwrap();
    let retired = plan.retire(&key('3'), false, at(6, 0)).unwrap();
    assert!(retired.trial_of(&permits).is_some() && retired.trial_of(&camping).is_none());
}

#[test]
fn the_key_of_a_wave_is_not_retired() {
    let whom = Whom::Wave(WavePercent::new(10).unwrap());
    let plan = two_keys().sign_with(&key('2'), &whom, &[], &nobody_fetched(), false, at(3, 0)).unwrap();
    let refused = plan.retire(&key('2'), false, at(4, 0));
    assert_eq!(
        refused,
        Err(PlanRefused::StillSigns { key: key('2'), for_all: false, for_wave: true, services: vec![] })
    );
}

#[test]
fn every_refusal_says_what_to_do() {
    let service = service("permits");
    for refused in [
        PlanRefused::JustStopped { key: key('1'), until: NOW },
        PlanRefused::LastKey { key: key('1') },
        PlanRefused::MayLackTheKey { key: key('1'), services: services(), known_from: NOW },
        PlanRefused::StillSigns { key: key('1'), for_all: true, for_wave: true, services: services() },
        PlanRefused::UnknownService { service },
    ] {
        assert!(refused.to_string().len() < 400, "{refused}");
        assert!(!refused.next_step().is_empty());
    }
    let told = |count| {
        let services = services().into_iter().take(count).collect();
        PlanRefused::MayLackTheKey { key: key('1'), services, known_from: NOW }.to_string()
    };
    assert!(!told(5).contains(" more"), "{}", told(5));
    assert!(told(6).contains("service-4.example.gov/saml and 1 more"), "{}", told(6));
}

#[test]
fn a_stored_plan_is_believed_under_its_number_and_as_it_was_written() {
    let keys = keys_for_tests();
    let (permits, all) = (service("permits"), [service("permits"), service("camping")]);
    let wave = Whom::Wave(WavePercent::new(10).unwrap());
    let plan = two_keys().tried(&permits, &key('2'), true, at(3, 0)).unwrap();
    let plan = plan.sign_with(&key('2'), &Whom::All, &all, &nobody_fetched(), true, at(4, 1)).unwrap();
    let plan = plan.fall_back(&permits, at(5, 2)).unwrap().publish(&key('3'), at(6, 2)).unwrap();
    let plan = plan.sign_with(&key('3'), &wave, &all, &nobody_fetched(), true, at(7, 2)).unwrap();
    let stored = StoredSigningPlan::new(&plan, NOW, "somebody", &keys).unwrap();
    assert_eq!(stored.authenticate((), &keys), Ok(plan));

    let altered = |change: &dyn Fn(&mut StoredSigningPlan)| {
        let mut row = stored.clone();
        change(&mut row);
        assert!(row.authenticate((), &keys).is_err(), "{row:?}");
    };
    altered(&|row| row.version += 1);
    altered(&|row| row.document = row.document.replace(&key('3').to_string(), &key('1').to_string()));
    altered(&|row| row.document.push(' '));
    altered(&|row| row.mac[10] ^= 1);
    altered(&|row| row.mac.clear());
    assert!(stored.authenticate((), &keys_for_tests()).is_err(), "written with other keys");
}

#[test]
fn a_stored_plan_whose_key_signs_though_it_is_retired_or_unknown_is_none() {
    let keys = keys_for_tests();
    let percent = WavePercent::new(10).unwrap();
    let chosen = |id| BTreeMap::from([(service("permits"), key(id))]);
    let read = |change: &dyn Fn(&mut SigningPlan)| {
        let mut plan = two_keys();
        change(&mut plan);
        StoredSigningPlan::new(&plan, NOW, "somebody", &keys).unwrap().authenticate((), &keys).is_ok()
    };
    let retire = |plan: &mut SigningPlan, id| plan.keys.get_mut(&key(id)).unwrap().retired_at = Some(NOW);
    assert!(read(&|plan| retire(plan, '2')), "it signs for nobody");
    assert!(!read(&|plan| retire(plan, '1')));
    for id in ['2', '3'] {
        let of_wave = |plan: &mut SigningPlan| plan.wave = Some(Wave { key: key(id), percent });
        let of_one = |plan: &mut SigningPlan| plan.chosen = chosen(id);
        for of in [&of_wave as &dyn Fn(&mut SigningPlan), &of_one] {
            assert_eq!(read(of), id == '2');
            assert!(!read(&|plan| {
                of(plan);
                retire(plan, '2');
            }));
        }
    }
    assert!(!read(&|plan| plan.fleet = key('3')));
}

#[test]
fn a_snapshot_has_every_key_of_the_plan_or_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let secret = crate::services::keys::SealingSecret::new("a passphrase of some length").unwrap();
    let wanted = GenerateKeys { common_name: "signet.test", signing: SigningKeyKind::EcP256, now: NOW };
    let entropy = Arc::new(crate::entropy::SystemEntropy);
    let keys = LocalKeys::generate(dir.path(), &secret, &wanted, entropy).unwrap();
    let first = SigningKeyId::parse(keys.pairs().unwrap().signers[0].key_id()).unwrap();
    let second = SigningKeyId::parse(&keys.add_signing_key(&wanted).unwrap()).unwrap();
    let plan = SigningPlan::begin(first.clone(), None, at(1, 0)).publish(&second, at(2, 0)).unwrap();
    let snapshot = SigningKeys::new(plan.clone(), keys.pairs().unwrap(), DeniedAlgorithms::NONE).unwrap();
    assert_eq!((snapshot.published().count(), snapshot.denied()), (2, DeniedAlgorithms::NONE));
    // A try with a key that is in our metadata no more is signed as all else for that service.
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/metadata/sp/department-of-parks/permits");
    let read = |file: &str| std::fs::read(format!("{folder}/{file}")).unwrap();
    let id = |text| AgencyId::parse(text).unwrap();
    let permits = ServiceProvider::read(&ServiceFiles {
        name: ServiceName { agency: id("department-of-parks"), service: id("permits") },
        metadata: read("metadata.xml"),
        agreement: read("agreement.toml"),
    })
    .unwrap();
    let whom = Whom::Services(vec![permits.entity_id().clone()]);
    let all = [permits.entity_id().clone()];
    let chosen = plan.sign_with(&second, &whom, &all, &nobody_fetched(), true, at(3, 0)).unwrap();
    let denied = DeniedAlgorithms::parse(["http://www.w3.org/2001/04/xmlenc#sha512"]).unwrap();
    let snapshot = SigningKeys::new(chosen, keys.pairs().unwrap(), denied).unwrap();
    assert_eq!(snapshot.denied(), denied);
    let tries = |id: &SigningKeyId| {
        let ticket = TrialTicket::new(permits.entity_id(), id, NOW + TRIAL_LASTS, &keys).unwrap();
        let trial = ticket.redeem(permits.entity_id(), NOW, &keys).unwrap();
        snapshot.signer(&permits, Some(&trial)).unwrap().key_id().to_owned()
    };
    assert_eq!(snapshot.signer(&permits, None).unwrap().key_id(), second.as_str());
    assert_eq!((tries(&first).as_str(), tries(&key('3')).as_str()), (first.as_str(), second.as_str()));
    keys.erase_signing_key(second.as_str()).unwrap();
    let missing = SigningKeys::new(plan, keys.pairs().unwrap(), DeniedAlgorithms::NONE);
    assert_eq!(missing.err(), Some(KeyUnusable::Missing(second)));
}

#[test]
fn a_ticket_is_good_for_its_service_and_its_time_and_from_us() {
    let keys = keys_for_tests();
    let (permits, ends_at) = (service("permits"), NOW + TRIAL_LASTS);
    let text = TrialTicket::new(&permits, &key('2'), ends_at, &keys).unwrap().to_string();
    let ticket = TrialTicket::parse(&text).unwrap();
    assert_eq!(ticket.redeem(&permits, NOW, &keys).map(|trial| trial.key().clone()), Some(key('2')));
    assert_eq!(ticket.redeem(&permits, ends_at, &keys), None);
    assert_eq!(ticket.redeem(&service("camping"), NOW, &keys), None);
    assert_eq!(ticket.redeem(&permits, NOW, &keys_for_tests()), None);
    for at in 0..text.len() {
        let other = if text.as_bytes()[at] == b'0' { "1" } else { "0" };
        let mut altered = text.clone();
        altered.replace_range(at..=at, other);
        let redeemed = TrialTicket::parse(&altered).and_then(|ticket| ticket.redeem(&permits, NOW, &keys));
        assert_eq!(redeemed, None, "digit {at}");
    }
    for garbled in ["", "é", &text[1..], &format!("{text}00"), &"é".repeat(52)] {
        assert!(TrialTicket::parse(garbled).is_none(), "{garbled}");
    }
}

#[test]
fn each_service_has_an_address_of_its_own_that_stays() {
    let keys = keys_for_tests();
    let address = metadata_address(&service("permits"), &keys).unwrap();
    assert_eq!(address.len(), 20);
    assert_eq!(is_metadata_address(&address, &service("permits"), &keys), Ok(true));
    assert_eq!(is_metadata_address(&address, &service("camping"), &keys), Ok(false));
    for garbled in ["", "00", &address[..18], &address.to_uppercase().replace(|c: char| c.is_ascii_digit(), "G")] {
        assert_eq!(is_metadata_address(garbled, &service("permits"), &keys), Ok(false), "{garbled}");
    }
}
