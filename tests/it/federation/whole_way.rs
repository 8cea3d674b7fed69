//! From a service's request over signing up or in, and back with an assertion: nothing is planted, everything is done at the
//! pages.

use signet::demo::service_provider::Ask;
use time::Duration;

use super::front_door::House;
use crate::support::browser::{Browser, Page};
use crate::support::people::{PASSWORD, With, give_password, give_second_factor, set_up, sign_up, up_to_methods};

/// Agrees on the consent page.
async fn agree(browser: &Browser, page: &Page) -> Page {
    assert!(page.url.path().starts_with("/saml/continue/"), "{}: {}", page.url, page.text());
    browser.submit_to(page, page.form_with(&["digest"]).action.path(), &[]).await
}

/// Says that the recovery key is kept, and is wherever that leads.
async fn keep_recovery_key(browser: &Browser) -> Page {
    let page = browser.go("/sign-up/recovery-key").await;
    browser.submit_to(&page, "/sign-up/recovery-key", &[("kept", "yes")]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_signs_up_on_the_way_and_arrives_at_the_service() {
    let house = House::new().await;
    for (email, with) in
        [("app@example.gov", With::App), ("key@example.gov", With::Passkey), ("phone@example.gov", With::Phone)]
    {
        house.app.clock.advance(Duration::minutes(5));
        let browser = house.app.browser();
        let request = house.request(&Ask::default());
        let page = browser.get(&request.url).await;
        assert_eq!(page.url.path(), "/sign-in");
        up_to_methods(&house.app, &browser, email).await;
        set_up(&house.app, &browser, "/sign-up/methods", with).await;
        let page = keep_recovery_key(&browser).await;
        let answer = agree(&browser, &page).await;
        let signed_in = house.signed_in(&answer, &request);
        // What is said is what happened: only the passkey resists phishing.
        let said = match with {
            With::App | With::Phone => "http://idmanagement.gov/ns/assurance/aal/2",
            With::Passkey => "http://idmanagement.gov/ns/assurance/aal/2?phishing_resistant=true",
        };
        assert_eq!(signed_in.authn_context, said);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_on_the_way_leads_back_to_the_service() {
    const NEW: &str = "umber quartz heron lagoon";
    let house = House::new().await;
    let mut person = sign_up(&house.app, &house.app.browser(), "ada@example.gov", With::App).await;
    house.app.clock.advance(Duration::minutes(5));
    let browser = house.app.browser();
    let request = house.request(&Ask::default());
    browser.get(&request.url).await;
    let sent = house.app.inbox.messages().len();
    let page = browser.go("/forgot-password").await;
    browser.submit(&page, &[("email", &person.email)]).await;
    let page = browser.get(&house.app.link_to(&person.email, sent).await).await;
    browser.submit(&page, &[("password", NEW), ("again", NEW)]).await;
    give_password(&browser, &person.email, NEW).await;
    let page = give_second_factor(&house.app, &browser, &mut person.device).await;
    assert_eq!(page.url.path(), "/forgot-password/unlock");
    // Without the recovery key: on to the service, which needs nothing out of the vault.
    let onward = page.body.match_indices("/saml/continue/").next().map(|(at, _)| &page.body[at..at + 63]);
    let page = browser.get(onward.expect("a way on")).await;
    house.signed_in(&agree(&browser, &page).await, &request);
}

#[tokio::test(flavor = "multi_thread")]
async fn forced_authentication_takes_both_factors_again_and_then_answers() {
    let house = House::new().await;
    let browser = house.app.browser();
    let mut person = sign_up(&house.app, &browser, "ada@example.gov", With::App).await;
    house.app.clock.advance(Duration::minutes(5));
    let request = house.request(&Ask { force_authn: true, ..Ask::default() });
    let page = browser.get(&request.url).await;
    assert_eq!(page.url.path(), "/sign-in", "{}", page.text());
    give_password(&browser, &person.email, PASSWORD).await;
    let page = give_second_factor(&house.app, &browser, &mut person.device).await;
    house.signed_in(&agree(&browser, &page).await, &request);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_tries_on_the_way_lead_back_to_the_service() {
    let house = House::new().await;
    let browser = house.app.browser();
    let request = house.request(&Ask::default());
    browser.get(&request.url).await.expect_status(200);
    for _ in 0..5 {
        give_password(&browser, "ada@example.gov", "wrong wrong wrong").await.expect_status(422);
    }
    let page = give_password(&browser, "ada@example.gov", "wrong wrong wrong").await;
    page.expect_status(429).expect_words("Too many tries").expect_words("Back to Park permits");
    assert!(page.headers.contains_key("retry-after"));
    // The request waits on.
    house.app.clock.advance(Duration::minutes(2));
    assert!(browser.go("/sign-in").await.text().contains("Park permits"));
}
