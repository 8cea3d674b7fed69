//! A service's sign-in in another language than English: its agreement's words, and what the person agrees to.
//!
//! The pseudo-language stands for one that has files of its own.

use signet::demo::service_provider::Ask;

use super::front_door::{House, value};
use super::given::agreement_text;
use crate::support::browser::Page;

const COOKIE: &str = "__Host-signet-language";

/// Permits, whose purpose of the e-mail address is said in both languages and that of the locale in one.
async fn house() -> House {
    let more = "[levels]\nhighest_ial = 2\n\
        [attributes.email]\npurpose.en = \"To write to you\"\npurpose.en-XA = \"Para escribirle\"\n\
        [attributes.locale]\npurpose.en = \"To answer in your language\"\n";
    let text = agreement_text("default_attributes = [\"email\", \"locale\"]", more);
    let named = text.replace("es = \"Permisos de parques\"", "en-XA = \"Permisos de parques\"");
    House::with(named).await
}

fn lang_of(page: &Page, words: &str) -> Option<String> {
    let html = scraper::Html::parse_document(&page.body);
    let marked = scraper::Selector::parse("[lang]").unwrap();
    let mut found = html.select(&marked).filter(|one| one.text().collect::<String>() == words);
    found.next().and_then(|one| one.attr("lang")).map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_say_an_agreements_words_in_their_language_and_mark_those_that_are_in_another() {
    let house = house().await;
    let stranger = house.app.browser();
    stranger.get("/?locale=en-XA").await;
    let page = stranger.get(&house.request(&Ask::default()).url).await;
    page.expect_words("Permisos de parques");

    let (browser, _) = house.fiona().await;
    browser.get("/?locale=en-XA").await;
    let page = browser.get(&house.request(&Ask::default()).url).await;
    page.expect_words("Permisos de parques").expect_words("Department of Parks");
    assert!(!page.text().contains("Park permits"), "{}", page.text());
    assert_eq!(lang_of(&page, "Para escribirle").as_deref(), Some("en-XA"));
    assert_eq!(lang_of(&page, "To answer in your language").as_deref(), Some("en"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_is_told_the_language_that_the_person_reads() {
    let house = house().await;
    let (browser, _) = house.fiona().await;
    browser.get("/?locale=en-XA").await;
    let request = house.request(&Ask::default());
    let page = browser.get(&request.url).await;
    let digest = page.form_with(&["digest"]).value("digest").unwrap().to_owned();
    let page = browser.submit(&page, &[("digest", &digest)]).await;
    assert_eq!(value(&house.signed_in(&page, &request), "locale"), "en-XA");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_another_language_later_is_not_asked_again() {
    let house = house().await;
    let (browser, _) = house.fiona().await;
    browser.get("/?locale=en-XA").await;
    let request = house.request(&Ask::default());
    let page = browser.get(&request.url).await;
    let digest = page.form_with(&["digest"]).value("digest").unwrap().to_owned();
    house.signed_in(&browser.submit(&page, &[("digest", &digest)]).await, &request);

    browser.plant_cookie(COOKIE, "en");
    let request = house.request(&Ask::default());
    let told = house.signed_in(&browser.get(&request.url).await, &request);
    assert_eq!(value(&told, "locale"), "en");
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_to_a_page_that_was_read_in_another_language_is_asked_for_anew() {
    let house = house().await;
    let (browser, _) = house.fiona().await;
    let request = house.request(&Ask { attributes: vec!["email".to_owned()], ..Ask::default() });
    let english = browser.get(&request.url).await;
    let digest = english.form_with(&["digest"]).value("digest").unwrap().to_owned();

    // In another tab the language is changed before this one is sent.
    browser.plant_cookie(COOKIE, "en-XA");
    let page = browser.submit(&english, &[("digest", &digest)]).await;
    assert_ne!(page.form_with(&["digest"]).value("digest").unwrap(), digest);
    page.expect_words("Para escribirle");
    assert_eq!(house.ledger_length().await, 0);
}
