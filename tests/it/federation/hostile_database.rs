//! Somebody who can write to the database, and has none of the keys, wants a level that a person was not proofed to, or to be
//! somebody else at an agency, or to have agreed for them.

use signet::demo::service_provider::Ask;
use signet::entropy::SystemEntropy;
use signet::federation::disclosure::ChainPosition;
use signet::storage::Store;
use signet::subscriber::SubscriberId;
use signet::subscriber::vault::VaultKey;

use super::front_door::{House, IAL2, ask, value};
use crate::support::browser::{Browser, Page};
use crate::support::log::KeptLog;
use crate::support::sql;

const IAL1: &str = "http://idmanagement.gov/ns/assurance/ial/1";
/// The highest level that there is: lower ones will do.
const HIGHEST: &str = "http://idmanagement.gov/ns/assurance/ial/0";

/// What an attempt leads to: that the level is demanded is refused with a page of its own; where a lower one will do, the
/// person signs in as not proofed, and nothing out of the profile goes along.
async fn counts_as_not_proofed(house: &House, of: SubscriberId, key: Option<VaultKey>, attempt: &str) {
    let browser = house.app.browser();
    house.sign_in(&browser, of, key).await;
    let demanding = house.request(&ask(&[IAL2], &["email", "first_name"]));
    let page = browser.get(&demanding.url).await;
    assert_eq!(page.status, 503, "{attempt}: {}", page.text());
    assert!(page.text().contains("U03"), "{attempt}: {}", page.text());
    assert_eq!(house.ledger_length().await, 0, "{attempt}");

    let content = house.request(&ask(&[HIGHEST], &["email", "first_name"]));
    let page = browser.get(&content.url).await;
    page.expect_status(200);
    let answer = browser.submit_to(&page, page.form_with(&["digest"]).action.path(), &[]).await;
    let signed_in = house.signed_in(&answer, &content);
    assert_eq!(value(&signed_in, "ial"), IAL1, "{attempt}");
    assert!(!signed_in.attributes.iter().any(|attribute| attribute.name == "first_name"), "{attempt}");
}

fn at(store: &Store, of: SubscriberId) -> String {
    format!("subscriber = {}", sql::bytes(store, of.as_bytes()))
}

#[tokio::test]
async fn a_level_that_was_written_by_hand_counts_for_nothing() {
    let house = House::new().await;
    let (store, of) = (house.app.store.clone(), house.person("fiona@example.com", None).await);
    sql::run(
        &store,
        &format!(
            "INSERT INTO proofed_profile (subscriber, ial, verified_at, expires_at, mac) VALUES ({}, 2, 0, NULL, {})",
            sql::bytes(&store, of.as_bytes()),
            sql::bytes(&store, &[0, 0, 0, 1].into_iter().chain([7; 32]).collect::<Vec<u8>>())
        ),
    );
    counts_as_not_proofed(&house, of, None, "a row made up").await;
}

#[tokio::test]
async fn an_altered_field_makes_the_level_count_for_nothing() {
    for edit in [
        "expires_at = 4102444800000",
        "ial = 70000",
        "verified_at = verified_at + 1",
        "verified_at = 9223372036854775807",
    ] {
        let house = House::new().await;
        let key = VaultKey::random(&SystemEntropy);
        let of = house.person("fiona@example.com", Some(&key)).await;
        sql::run(&house.app.store, &format!("UPDATE proofed_profile SET {edit}"));
        counts_as_not_proofed(&house, of, Some(key), edit).await;
    }
}

#[tokio::test]
async fn the_level_of_another_person_counts_for_nothing() {
    for vault_moves_along in [false, true] {
        let house = House::new().await;
        let store = house.app.store.clone();
        let key = VaultKey::random(&SystemEntropy);
        let proofed = house.person("proofed@example.com", Some(&key)).await;
        let of = house.person("fiona@example.com", None).await;
        let to = sql::bytes(&store, of.as_bytes());
        let mut moves = format!("UPDATE proofed_profile SET subscriber = {to} WHERE {};", at(&store, proofed));
        if vault_moves_along {
            moves += &format!("UPDATE vault_attribute SET subscriber = {to} WHERE {};", at(&store, proofed));
        }
        sql::run(&store, &moves);
        counts_as_not_proofed(&house, of, None, &format!("moved, the vault too: {vault_moves_along}")).await;
    }
}

#[tokio::test]
async fn a_level_that_was_put_back_counts_for_nothing_once_the_profile_is_another() {
    for vault_is_open in [false, true] {
        let house = House::new().await;
        let store = house.app.store.clone();
        let key = VaultKey::random(&SystemEntropy);
        let of = house.person("fiona@example.com", Some(&key)).await;
        // What was proofed is kept aside; then the person's profile is replaced by one that nobody proofed.
        sql::run(&store, "CREATE TABLE aside AS SELECT * FROM proofed_profile;");
        house.replace_profile(of, &key).await;
        assert_eq!(sql::count(&store, "proofed_profile", "1 = 1"), 0);
        sql::run(&store, "INSERT INTO proofed_profile SELECT * FROM aside");
        let key = vault_is_open.then(|| key.clone());
        counts_as_not_proofed(&house, of, key, &format!("put back, vault open: {vault_is_open}")).await;
    }
}

#[tokio::test]
async fn an_old_list_beside_the_profile_does_not_bring_its_level_back() {
    let house = House::new().await;
    let store = house.app.store.clone();
    let key = VaultKey::random(&SystemEntropy);
    let of = house.person("fiona@example.com", Some(&key)).await;
    sql::run(
        &store,
        "CREATE TABLE aside AS SELECT * FROM proofed_profile;
         CREATE TABLE lists AS SELECT * FROM vault_attribute WHERE attribute = '*list';",
    );
    house.replace_profile(of, &key).await;
    sql::run(
        &store,
        "INSERT INTO proofed_profile SELECT * FROM aside;
         UPDATE lists SET version = 99;
         INSERT INTO vault_attribute SELECT * FROM lists;",
    );
    counts_as_not_proofed(&house, of, None, "two lists").await;
}

#[tokio::test]
async fn a_row_of_the_profile_that_was_exchanged_stops_the_sign_in_and_nothing_is_sent() {
    let log = KeptLog::begin();
    let house = House::new().await;
    let store = house.app.store.clone();
    let key = VaultKey::random(&SystemEntropy);
    let of = house.person("fiona@example.com", Some(&key)).await;
    sql::run(
        &store,
        "UPDATE vault_attribute SET sealed = (SELECT sealed FROM vault_attribute WHERE attribute = 'last_name')
         WHERE attribute = 'first_name'",
    );
    let browser = house.app.browser();
    house.sign_in(&browser, of, Some(key)).await;
    let page = browser.get(&house.request(&ask(&[IAL2], &["first_name"])).url).await;
    assert_eq!(page.status, 503, "{}", page.text());
    assert!(page.text().contains("U03"), "{}", page.text());
    assert_eq!(house.ledger_length().await, 0);
    if let Some(log) = log {
        let log = log.text();
        assert!(log.lines().any(|line| line.contains("integrity_fault") && line.contains("profile")));
        assert!(!log.contains("Fiona") && !log.contains("fiona@example.com") && !log.contains("900123456"));
    }
}

/// Somebody who has agreed at the service, so that its agency knows them; and by which name.
async fn known_person(house: &House, email: &str) -> (Browser, SubscriberId, String) {
    let (browser, of) = (house.app.browser(), house.person(email, None).await);
    house.sign_in(&browser, of, None).await;
    let request = house.request(&Ask::default());
    let page = browser.get(&request.url).await;
    let answer = browser.submit_to(&page, page.form_with(&["digest"]).action.path(), &[]).await;
    let name = house.signed_in(&answer, &request).name_id;
    (browser, of, name)
}

/// The page that says that nothing is sent, and the log that says why.
#[track_caller]
fn nobody_is_named(page: &Page, log: Option<&KeptLog>, attempt: &str) {
    assert_eq!(page.status, 503, "{attempt}: {}", page.text());
    assert!(page.text().contains("U04"), "{attempt}: {}", page.text());
    assert!(!page.body.contains("SAMLResponse"), "{attempt}");
    if let Some(log) = log {
        let log = log.text();
        assert!(log.lines().any(|line| line.contains("integrity_fault") && line.contains("identifier")), "{attempt}");
        assert!(!log.contains("example.com"), "{attempt}: an address is in the log");
    }
}

#[tokio::test]
async fn whoever_takes_the_name_of_another_person_is_nobody_at_the_agency() {
    for mallory_has_a_name in [false, true] {
        let attempt = format!("a name of her own: {mallory_has_a_name}");
        let log = KeptLog::begin();
        let house = House::new().await;
        let store = house.app.store.clone();
        let (fionas, fiona, _) = known_person(&house, "fiona@example.com").await;
        let (browser, mallory) = if mallory_has_a_name {
            let (browser, mallory, _) = known_person(&house, "mallory@example.com").await;
            (browser, mallory)
        } else {
            let (browser, mallory) = (house.app.browser(), house.person("mallory@example.com", None).await);
            house.sign_in(&browser, mallory, None).await;
            (browser, mallory)
        };
        let (ledger, to) = (house.ledger_length().await, sql::bytes(&store, mallory.as_bytes()));
        sql::run(
            &store,
            &format!(
                "CREATE TABLE kept AS SELECT * FROM pairwise_identifier WHERE {0};
                 DELETE FROM pairwise_identifier;
                 UPDATE kept SET subscriber = {to};
                 INSERT INTO pairwise_identifier SELECT * FROM kept;",
                at(&store, fiona)
            ),
        );
        nobody_is_named(&browser.get(&house.request(&Ask::default()).url).await, log.as_ref(), &attempt);
        assert_eq!(house.ledger_length().await, ledger, "{attempt}");
        // What Fiona lost is destroyed: the agency takes her for somebody new, and nobody for her.
        fionas.get(&house.request(&Ask::default()).url).await.expect_status(200);
    }
}

#[tokio::test]
async fn every_field_of_an_identifier_belongs_to_it() {
    for edit in ["created_at = created_at + 1", "value = subscriber", "value = mac", "mac = subscriber"] {
        let log = KeptLog::begin();
        let house = House::new().await;
        let (browser, ..) = known_person(&house, "fiona@example.com").await;
        sql::run(&house.app.store, &format!("UPDATE pairwise_identifier SET {edit}"));
        nobody_is_named(&browser.get(&house.request(&Ask::default()).url).await, log.as_ref(), edit);
        assert_eq!(house.ledger_length().await, 1, "{edit}");
    }
}

#[tokio::test]
async fn an_identifier_that_is_altered_while_its_person_is_asked_is_not_sent() {
    for agrees in [true, false] {
        let log = KeptLog::begin();
        let house = House::new().await;
        let (browser, _) = house.fiona().await;
        let request = house.request(&Ask::default());
        let asked = browser.get(&request.url).await;
        sql::run(&house.app.store, "UPDATE pairwise_identifier SET value = subscriber");
        if agrees {
            let answer = browser.submit_to(&asked, asked.form_with(&["digest"]).action.path(), &[]).await;
            nobody_is_named(&answer, log.as_ref(), "agreed");
            assert_eq!(sql::count(&house.app.store, "consent", "1 = 1"), 0);
        } else {
            let forms = asked.forms();
            let decline = forms.iter().find(|form| form.action.path().starts_with("/saml/decline/")).unwrap();
            assert_eq!(house.refused(&browser.submit_form(decline).await, &request), "RequestDenied");
        }
        assert_eq!(house.ledger_length().await, 0);
    }
}

/// The person is asked before anything is sent.
#[track_caller]
fn is_asked(page: &Page, attempt: &str) {
    assert_eq!(page.status, 200, "{attempt}: {}", page.text());
    assert!(page.url.path().starts_with("/saml/continue/"), "{attempt}: {}", page.url);
    page.form_with(&["digest"]);
}

#[tokio::test]
async fn a_consent_that_is_not_as_it_was_given_counts_for_nothing() {
    for edit in [
        "given_at = given_at + 1",
        "given_at = 4102444800000",
        "mac = id",
        "scope = (SELECT scope FROM wider)",
        "id = (SELECT subscriber FROM wider)",
    ] {
        let log = KeptLog::begin();
        let house = House::new().await;
        let store = house.app.store.clone();
        let (browser, ..) = known_person(&house, "fiona@example.com").await;
        // What she agreed to when more was asked for, at another time.
        let wider = house.request(&ask(&[], &["email", "all_emails"]));
        let page = browser.get(&wider.url).await;
        house.app.clock.advance(time::Duration::SECOND);
        browser.submit_to(&page, page.form_with(&["digest"]).action.path(), &[]).await.expect_status(200);
        let newest = "given_at = (SELECT max(given_at) FROM consent)";
        sql::run(
            &store,
            &format!(
                "CREATE TABLE wider AS SELECT * FROM consent WHERE {newest};
                 DELETE FROM consent WHERE {newest};
                 UPDATE consent SET {edit};"
            ),
        );
        let ledger = house.ledger_length().await;
        is_asked(&browser.get(&house.request(&Ask::default()).url).await, edit);
        assert_eq!(house.ledger_length().await, ledger, "{edit}");
        let services = browser.get("/account/services").await;
        assert!(!services.text().contains("Disconnect Park permits"), "{edit}: {}", services.text());
        if let Some(log) = log {
            let log = log.text();
            assert!(log.lines().any(|line| line.contains("integrity_fault") && line.contains("consent")), "{edit}");
        }
    }
}

#[tokio::test]
async fn the_consent_of_another_person_or_for_another_service_is_not_theirs() {
    let house = House::new().await;
    let store = house.app.store.clone();
    let (_, fiona, _) = known_person(&house, "fiona@example.com").await;
    let browser = house.app.browser();
    let ben = house.person("ben@example.com", None).await;
    house.sign_in(&browser, ben, None).await;
    let to = sql::bytes(&store, ben.as_bytes());
    sql::run(&store, &format!("UPDATE consent SET subscriber = {to} WHERE {}", at(&store, fiona)));
    is_asked(&browser.get(&house.request(&Ask::default()).url).await, "moved");
    assert_eq!(house.ledger_length().await, 1);
}

#[tokio::test]
async fn what_a_person_took_back_is_not_given_again_by_hand() {
    for newest_is_deleted in [false, true] {
        let attempt = format!("the newest row is deleted: {newest_is_deleted}");
        let log = KeptLog::begin();
        let house = House::new().await;
        let store = house.app.store.clone();
        let (browser, ..) = known_person(&house, "fiona@example.com").await;
        house.app.clock.advance(time::Duration::SECOND);
        let page = browser.get(&house.request(&ask(&[], &["email", "all_emails"])).url).await;
        browser.submit_to(&page, page.form_with(&["digest"]).action.path(), &[]).await.expect_status(200);
        assert_eq!(sql::count(&store, "consent", "1 = 1"), 2);
        let page = browser.get("/account/services").await;
        browser.submit_to(&page, "/account/services/disconnect", &[]).await.expect_status(200);
        is_asked(&browser.get(&house.request(&Ask::default()).url).await, &attempt);
        if newest_is_deleted {
            sql::run(&store, "DELETE FROM consent WHERE given_at = (SELECT max(given_at) FROM consent)");
            is_asked(&browser.get(&house.request(&Ask::default()).url).await, &attempt);
        }
        sql::run(&store, "UPDATE consent SET revoked_at = NULL");
        is_asked(&browser.get(&house.request(&Ask::default()).url).await, &attempt);
        assert_eq!(house.ledger_length().await, 2, "{attempt}");
        if let Some(log) = log {
            let log = log.text();
            assert!(log.lines().any(|line| line.contains("integrity_fault") && line.contains("consent")), "{attempt}");
        }
    }
}

/// A node without the folder, as after its next look at the database.
async fn looked_at(house: &House) {
    let (site, registry) = (&house.app.site, &house.app.site.services);
    signet::jobs::metadata::refresh(&site.store, &site.keys, registry).await.unwrap();
}

#[tokio::test]
async fn a_service_whose_stored_record_was_altered_is_served_no_more() {
    let log = KeptLog::begin();
    let house = House::new().await;
    let (browser, ..) = known_person(&house, "fiona@example.com").await;
    sql::run(&house.app.store, "UPDATE sp_revision SET agreement = metadata, metadata = agreement");
    looked_at(&house).await;
    let page = browser.get(&house.request(&Ask::default()).url).await;
    assert_eq!(page.status, 503, "{}", page.text());
    assert!(page.text().contains("U05") && !page.body.contains("SAMLResponse"), "{}", page.text());
    assert_eq!(house.ledger_length().await, 1);
    if let Some(log) = log {
        let said = |line: &str| line.contains("integrity_fault") && line.contains("service record");
        assert!(log.text().lines().any(said));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_ledger_was_cut_no_assertion_leaves_and_the_node_is_not_ready() {
    let Some(log) = KeptLog::begin() else { return };
    let house = House::new().await;
    let (browser, _) = house.fiona().await;
    let request = house.request(&ask(&[], &["email"]));
    let page = browser.get(&request.url).await;
    let answer = browser.submit_to(&page, page.form_with(&["digest"]).action.path(), &[]).await;
    house.signed_in(&answer, &request);
    browser.get("/readyz").await.expect_status(200);
    // The place of the record stands in the log, so that it can be expected later.
    let line = log.text().lines().find(|line| line.contains("assertion_issued")).expect("a line").to_owned();
    let recorded = line.split("recorded=").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("a place");
    let recorded: ChainPosition = recorded.trim_matches('"').parse().expect("CHAIN:SEQ:HASH");
    assert_eq!(recorded.seq, 1);

    sql::run(&house.app.store, "CREATE TABLE aside AS SELECT * FROM disclosure; DELETE FROM disclosure");
    let page = browser.get(&house.request(&ask(&[], &["email"])).url).await;
    assert_eq!(page.status, 503, "{}", page.text());
    assert_eq!(house.ledger_length().await, 0);
    browser.get("/readyz").await.expect_status(503);
    assert!(log.text().contains("ledger_altered"), "the log names it");

    // The operator puts the records back.
    sql::run(&house.app.store, "INSERT INTO disclosure SELECT * FROM aside");
    browser.get("/readyz").await.expect_status(200);
    let request = house.request(&ask(&[], &["email"]));
    let answer = browser.get(&request.url).await;
    house.signed_in(&answer, &request);
    assert_eq!(house.ledger_length().await, 2);
}
