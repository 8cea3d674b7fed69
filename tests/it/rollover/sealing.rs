//! The key under which stored data is sealed is replaced, and the old one retired, while people go on signing in.

use signet::accounts::resealing::{Remaining, remaining};
use signet::entropy::SystemEntropy;
use signet::storage::StoreError;
use signet::subscriber::vault::VaultKey;

use super::{Street, posted};
use crate::federation::front_door::House;
use crate::support::people::{PASSWORD, Person, With, give_password, sign_up};
use crate::support::sql;

impl Street {
    /// The node stops and starts, as after `keys rotate`.
    async fn restarted(self) -> Self {
        let Self { house: House { app, sp, idp }, services } = self;
        Self { house: House { app: app.restart().await, sp, idp }, services }
    }

    /// What the first sealing key still stands behind.
    fn left_of_first(&self) -> Remaining {
        let all = self.app().store.read_blocking::<_, StoreError, _>(remaining).expect("it counts");
        all.get(&1).cloned().unwrap_or_default()
    }
}

/// `signet …` did its work and found something.
#[track_caller]
fn found(told: &super::Told, words: &str) {
    assert_eq!(told.code, Some(1), "{}{}", told.out, told.err);
    assert!(told.out.contains(words), "not `{words}`: {}", told.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealing_key_is_replaced_row_by_row_and_retired() {
    let street = Street::new().await;
    let vault_key = VaultKey::random(&SystemEntropy);
    street.house.person("fiona@example.com", Some(&vault_key)).await;
    let mut people: Vec<Person> = Vec::new();
    for (email, with) in
        [("app@example.gov", With::App), ("key@example.gov", With::Passkey), ("phone@example.gov", With::Phone)]
    {
        people.push(sign_up(street.app(), &street.app().browser(), email, with).await);
    }
    let browser = street.app().browser();
    people[0].sign_in(street.app(), &browser).await;
    street.permits().sign_in(&street.house, &browser).await.expect("it agrees");
    let address = street.address_of(street.permits());
    // What the old key vouched for, kept aside by somebody.
    sql::run(&street.app().store, "CREATE TABLE aside AS SELECT * FROM subscriber");

    // The newest key may not go, nor one that is not there.
    street.keys(&["rotate", "--retire", "1"]).refused("no older sealing key");
    street.keys(&["rotate"]).done();
    let street = street.restarted().await;
    let told = street.keys(&["rotate", "--retire", "1", "--end-remaining"]);
    found(&told, "signet keys reseal");
    assert!(street.keys(&["status"]).done().contains("Sealing key 1 is needed"));

    // A row that was altered is not vouched for anew.
    let edit = |by: &str| {
        let of_one = "id = (SELECT min(id) FROM email_address)";
        sql::run(&street.app().store, &format!("UPDATE email_address SET subscriber = ({by}) WHERE {of_one}"));
    };
    sql::run(&street.app().store, "CREATE TABLE owner AS SELECT subscriber FROM email_address ORDER BY id LIMIT 1");
    edit("SELECT min(id) FROM subscriber WHERE id NOT IN (SELECT subscriber FROM owner)");
    found(&street.keys(&["reseal"]), "1 rows are not as they were written");
    assert_eq!(street.left_of_first().to_reseal, 1);
    edit("SELECT subscriber FROM owner");
    // Again, as after it was stopped: what is left is done.
    assert!(street.keys(&["reseal"]).done().contains("1 rows and 0 private keys"));
    let left = street.left_of_first();
    assert_eq!((left.to_reseal, left.passwords), (0, 3), "{left:?}");
    assert!(left.ending > 0, "{left:?}");

    // Everybody signs in as before; a password is made anew when it is used.
    for person in &mut people {
        let page = person.sign_in(street.app(), &street.app().browser()).await;
        assert_eq!(page.url.path(), "/account", "{}", page.text());
    }
    assert_eq!(street.left_of_first().passwords, 0);
    found(&street.keys(&["rotate", "--retire", "1"]), "that end");
    street.keys(&["rotate", "--retire", "1", "--end-remaining"]).done();
    let street = street.restarted().await;
    assert!(street.keys(&["status"]).done().contains("Sealing key 1 was retired"));

    // Sessions of the old key are over; passwords, second factors, consents, names and the address of our metadata stand.
    let browser = street.app().browser();
    people[0].sign_in(street.app(), &browser).await;
    let asked = street.permits().sp.request(
        &street.permits().idp(),
        &signet::demo::service_provider::Ask::default(),
        None,
        street.house.now(),
        &SystemEntropy,
    );
    let page = browser.get(&asked.expect("a request").url).await;
    posted(&page).expect("it is not asked again");
    assert_eq!(street.app().count("pairwise_identifier", "1 = 1"), 1);
    street.app().browser().get(&address).await.expect_status(200);
    // The ledger of the old key's time still verifies, and goes on under the new one.
    let verified = street.signet(&["audit", "verify"]).done();
    assert!(verified.contains("holds, 2 records"), "{verified}");
    assert_eq!(street.app().count("disclosure", "hash_key = 2"), 1);

    // What the old key vouched for counts for nothing when it is put back.
    sql::run(&street.app().store, "UPDATE subscriber SET mac = (SELECT mac FROM aside WHERE aside.id = subscriber.id)");
    let page = give_password(&street.app().browser(), &people[0].email, PASSWORD).await;
    assert_eq!((page.status.as_u16(), page.url.path()), (422, "/sign-in"), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_not_used_before_its_key_was_retired_ends() {
    let street = Street::new().await;
    let person = sign_up(street.app(), &street.app().browser(), "late@example.gov", With::App).await;
    street.keys(&["rotate"]).done();
    street.keys(&["reseal"]).done();
    street.keys(&["rotate", "--retire", "1", "--end-remaining"]).done();
    let street = street.restarted().await;
    let browser = street.app().browser();
    let page = give_password(&browser, &person.email, PASSWORD).await;
    assert_eq!((page.status.as_u16(), page.url.path()), (422, "/sign-in"), "{}", page.text());
    // A mailed link chooses a new one.
    let sent = street.app().inbox.messages().len();
    let page = browser.get("/forgot-password").await;
    browser.submit(&page, &[("email", &person.email)]).await;
    street.app().link_to(&person.email, sent).await;
}
