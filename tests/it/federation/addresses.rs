//! A person with several e-mail addresses: each service gets one of them, which the person chose, until they choose another;
//! and a service that knows people by their address never takes two for one.

use signet::accounts::{AddedAddress, Trouble, add_address, find_address};
use signet::demo::service_provider::Ask;
use signet::subscriber::{EmailAddress, SubscriberId};
use time::Duration;

use super::front_door::{House, agreement, value};
use crate::support::browser::{Browser, Page};
use crate::support::people::{With, give_password, give_second_factor, sign_up};
use crate::support::sql;

const FIRST: &str = "fiona@example.com";
const SECOND: &str = "fiona@example.org";
const EMAIL_ADDRESS: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";

fn by_address() -> String {
    agreement("default_attributes = [\"email\"]\nname_id_formats = [\"email-address\"]", &["email"])
}

async fn add(house: &House, of: SubscriberId, address: &str) -> bool {
    let (site, now) = (house.app.site.clone(), house.now());
    let address = EmailAddress::parse(address).unwrap();
    let added = house.app.store.transaction::<_, Trouble, _>(move |tx| add_address(tx, &site, of, &address, now));
    added.await.unwrap() == AddedAddress::Added
}

async fn agree(browser: &Browser, page: &Page) -> Page {
    browser.submit_form(&page.form_with(&["digest"])).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_goes_on_getting_the_address_that_was_agreed_to_whichever_is_typed() {
    for (terms, by_email) in [(agreement("default_attributes = [\"email\"]", &["email"]), false), (by_address(), true)]
    {
        let house = House::with(terms).await;
        let name_id_format = by_email.then(|| EMAIL_ADDRESS.to_owned());
        let ask = Ask { name_id_format, ..Ask::default() };
        let browser = house.app.browser();
        let mut person = sign_up(&house.app, &browser, FIRST, With::App).await;
        let request = house.request(&ask);
        let page = browser.get(&request.url).await;
        let before = house.signed_in(&agree(&browser, &page).await, &request);
        assert_eq!(value(&before, "email"), FIRST);

        let of = owner(&house, FIRST).await;
        house.app.clock.advance(Duration::minutes(5));
        assert!(add(&house, of, SECOND).await);
        let browser = house.app.browser();
        let request = house.request(&ask);
        browser.get(&request.url).await;
        give_password(&browser, SECOND, &person.password).await;
        let page = give_second_factor(&house.app, &browser, &mut person.device).await;
        let after = house.signed_in(&page, &request);
        assert_eq!(
            (value(&after, "email"), &after.name_id),
            (FIRST, &before.name_id),
            "nothing was asked, nothing changed"
        );
    }
}

async fn owner(house: &House, address: &str) -> SubscriberId {
    let (site, address) = (house.app.site.clone(), EmailAddress::parse(address).unwrap());
    let found = house.app.store.read::<_, Trouble, _>(move |tx| find_address(tx, &*site.keys, &address));
    found.await.unwrap().unwrap().subscriber
}

#[tokio::test(flavor = "multi_thread")]
async fn the_person_chooses_the_address_on_the_page_and_it_is_kept() {
    let house = House::new().await;
    let (browser, of) = house.fiona().await;
    house.app.clock.advance(Duration::minutes(1));
    assert!(add(&house, of, SECOND).await);
    let request = house.request(&Ask::default());
    let page = browser.get(&request.url).await;
    page.expect_words("Send another of your addresses");
    let page = browser.get(&page.link(SECOND).expect("the other address")).await;
    let answer = agree(&browser, &page).await;
    assert_eq!(value(&house.signed_in(&answer, &request), "email"), SECOND);
    let request = house.request(&Ask::default());
    let again = house.signed_in(&browser.get(&request.url).await, &request);
    assert_eq!(value(&again, "email"), SECOND, "the next time nothing is asked");
    // A link with another address asks; it changes nothing by itself.
    let request = house.request(&Ask { force_authn: false, ..Ask::default() });
    let arrived = browser.get(&request.url).await;
    assert_eq!(value(&house.signed_in(&arrived, &request), "email"), SECOND);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_no_longer_theirs_is_replaced_by_a_question() {
    let house = House::new().await;
    let (browser, of) = house.fiona().await;
    let request = house.request(&Ask::default());
    let page = browser.get(&request.url).await;
    house.signed_in(&agree(&browser, &page).await, &request);
    house.app.clock.advance(Duration::minutes(1));
    assert!(add(&house, of, SECOND).await);
    sql::run(
        &house.app.store,
        "DELETE FROM email_address WHERE confirmed_at = (SELECT MIN(confirmed_at) FROM email_address)",
    );
    let request = house.request(&Ask::default());
    let page = browser.get(&request.url).await;
    page.expect_words("Please choose which one it gets from now on.").expect_words(SECOND);
    assert_eq!(value(&house.signed_in(&agree(&browser, &page).await, &request), "email"), SECOND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_choice_that_was_altered_in_the_database_is_asked_again() {
    let house = House::new().await;
    let (browser, of) = house.fiona().await;
    house.app.clock.advance(Duration::minutes(1));
    assert!(add(&house, of, SECOND).await);
    let request = house.request(&Ask::default());
    let page = browser.get(&request.url).await;
    house.signed_in(&agree(&browser, &page).await, &request);
    sql::run(
        &house.app.store,
        "UPDATE service_address SET contact = (SELECT id FROM email_address ORDER BY confirmed_at DESC LIMIT 1)",
    );
    let request = house.request(&Ask::default());
    browser.get(&request.url).await.expect_words("Please choose which one it gets from now on.");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_service_is_told_one_address_of_two_accounts() {
    let house = House::with(by_address()).await;
    let ask = Ask { name_id_format: Some(EMAIL_ADDRESS.to_owned()), ..Ask::default() };
    let (browser, _) = house.fiona().await;
    let request = house.request(&ask);
    let page = browser.get(&request.url).await;
    let first = house.signed_in(&agree(&browser, &page).await, &request);
    assert_eq!(first.name_id, FIRST);
    // The address leaves the account, and is confirmed by another.
    sql::run(&house.app.store, "DELETE FROM email_address");
    let other = house.person(FIRST, None).await;
    let browser = house.app.browser();
    house.sign_in(&browser, other, None).await;
    let request = house.request(&ask);
    let page = browser.get(&request.url).await;
    page.expect_status(409).expect_words("Code: W11");
    assert_eq!(page.link("Park permits").as_deref(), Some("https://permits.parks.example.gov/"));
    // With another address of their own they are somebody of their own there.
    assert!(add(&house, other, SECOND).await);
    let request = house.request(&ask);
    let page = browser.get(&request.url).await;
    let second = house.signed_in(&agree(&browser, &page).await, &request);
    assert_eq!(second.name_id, SECOND);
}
