//! A try of the next key in one browser: nobody else's sign-in changes, and what is said of it counts.

use super::Street;

#[tokio::test(flavor = "multi_thread")]
async fn a_try_signs_with_the_next_key_in_its_browser_at_its_service_and_nowhere_else() {
    let street = Street::new().await;
    let first = street.fleet();
    street.keys(&["trial", "--sp", "permits/service"]).refused("no key that is newer");
    let next = street.publish("p-256").await;
    street.keys(&["trial", "--sp", "permits/service", "--succeeded"]).refused("no sign-in at");
    let said = street.keys(&["trial", "--sp", "permits/service"]).done();
    let url: url::Url = said.lines().next().unwrap().parse().unwrap();
    let (engineer, of) = street.house.fiona().await;
    let somebody = street.app().browser();
    street.house.sign_in(&somebody, of, None).await;

    let page = engineer.get(url.path()).await;
    page.expect_status(200).expect_words("Trying the next signing key with Park permits").expect_words(next.as_str());
    // The service has no newer metadata yet, so it does not take it: that is what a try is for.
    let refused = street.permits().sign_in(&street.house, &engineer).await.unwrap_err();
    assert!(refused.contains("Signature"), "{refused}");
    assert_eq!(street.last_signed_with(street.permits()).await, next);
    street.permits().sign_in(&street.house, &somebody).await.unwrap();
    assert_eq!(street.last_signed_with(street.permits()).await, first);
    street.camping().sign_in(&street.house, &engineer).await.unwrap();
    assert_eq!(street.last_signed_with(street.camping()).await, first);

    street.keys(&["trial", "--sp", "permits/service", "--failed"]).done();
    assert!(street.keys(&["status"]).done().contains("failed, as told"));
    let failed = format!("a sign-in at {} that was signed with {next} did not succeed", street.permits().entity());
    street.keys(&["sign-with", next.as_str(), "--sp", "permits/service"]).refused(&failed);
    street.fetch(street.permits()).await;
    street.permits().sign_in(&street.house, &engineer).await.unwrap();
    assert_eq!(street.last_signed_with(street.permits()).await, next);
    street.keys(&["trial", "--sp", "permits/service", "--succeeded"]).done();
    street.keys(&["sign-with", next.as_str(), "--sp", "permits/service"]).done();
}

#[tokio::test(flavor = "multi_thread")]
async fn that_a_try_succeeded_shows_that_the_service_has_the_key() {
    let street = Street::new().await;
    let next = street.publish("p-256").await;
    let said = street.keys(&["trial", "--sp", "permits/service"]).done();
    let url: url::Url = said.lines().next().unwrap().parse().unwrap();
    let (engineer, _) = street.house.fiona().await;
    engineer.get(url.path()).await.expect_status(200);
    // It fetched at the common address, of which we know nothing.
    street.permits().take_over(&engineer.get("/saml/metadata").await.body);
    street.permits().sign_in(&street.house, &engineer).await.unwrap();
    street.keys(&["sign-with", next.as_str(), "--sp", "permits/service"]).refused("may not have");
    street.keys(&["trial", "--sp", "permits/service", "--succeeded"]).done();
    assert!(street.keys(&["status"]).done().contains("has it: trial succeeded"));
    street.keys(&["sign-with", next.as_str(), "--sp", "permits/service"]).done();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_we_did_not_make_or_that_has_ended_is_nothing() {
    let street = Street::new().await;
    let next = street.publish("p-256").await;
    let said = street.keys(&["trial", "--sp", "permits/service"]).done();
    let url: url::Url = said.lines().next().unwrap().parse().unwrap();
    let (engineer, _) = street.house.fiona().await;
    let ticket = url.path().rsplit('/').next().unwrap();
    let last = if ticket.ends_with('0') { "1" } else { "0" };
    let forged = format!("{}{last}", &ticket[..ticket.len() - 1]);
    for nothing in ["nonsense", &forged] {
        engineer.get(&format!("/saml/trial/{nothing}")).await.expect_status(404);
    }
    // Nor does a browser that plants it.
    engineer.plant_cookie("__Host-signet-trial", &forged);
    street.permits().sign_in(&street.house, &engineer).await.unwrap();
    assert_ne!(street.last_signed_with(street.permits()).await, next);
    street.app().clock.advance(time::Duration::hours(25));
    engineer.get(url.path()).await.expect_status(404);
}
