//! Somebody who can write to the database, and has none of the keys, wants a level that a person was not proofed to.

use signet::services::SystemEntropy;
use signet::storage::Store;
use signet::subscriber::SubscriberId;
use signet::subscriber::vault::VaultKey;

use super::front_door::{House, IAL2, ask, value};
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
