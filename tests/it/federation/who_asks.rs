//! While a request waits, the pages of signing in and up say who asks, in the words of the agreement.

use signet::demo::service_provider::Ask;

use super::front_door::{House, agreement};
use crate::support::people::{With, give_password, sign_up, up_to_methods};

const ASKS: &str = "Park permits of Department of Parks asks you to sign in.";

#[tokio::test]
async fn pages_on_the_way_name_the_service_and_its_agency() {
    let house = House::new().await;
    let browser = house.app.browser();
    for path in ["/sign-in", "/sign-up", "/forgot-password"] {
        assert!(!browser.go(path).await.text().contains("asks you"), "{path} while nobody asks");
    }
    browser.get(&house.request(&Ask::default()).url).await.expect_status(200).expect_words(ASKS);
    for path in ["/sign-in", "/sign-up", "/forgot-password"] {
        let page = browser.go(path).await;
        page.expect_status(200).expect_words(ASKS);
        assert!(!page.body.contains("The name in the metadata"), "{path}: the agreement alone says who asks");
    }
    up_to_methods(&house.app, &browser, "fiona@example.com").await.expect_words(ASKS);
}

#[tokio::test]
async fn page_of_the_second_factor_names_the_service() {
    let house = House::new().await;
    let person = sign_up(&house.app, &house.app.browser(), "fiona@example.com", With::App).await;
    let browser = house.app.browser();
    browser.get(&house.request(&Ask::default()).url).await.expect_status(200);
    give_password(&browser, &person.email, &person.password).await.expect_words(ASKS);
}

#[tokio::test]
async fn name_that_would_like_to_be_markup_is_text() {
    let hostile = agreement("", &[]).replace("Park permits", "<b>Permits</b> & <script>alert(1)</script>");
    let house = House::with(hostile).await;
    let page = house.app.browser().get(&house.request(&Ask::default()).url).await;
    page.expect_words("<b>Permits</b> & <script>alert(1)</script> of Department of Parks asks you to sign in.");
    assert!(!page.body.contains("<script>alert(1)") && !page.body.contains("<b>Permits"), "{}", page.body);
}

#[tokio::test]
async fn account_leads_back_to_the_service_that_waits() {
    let house = House::new().await;
    let browser = house.app.browser();
    let mut person = sign_up(&house.app, &browser, "fiona@example.com", With::App).await;
    house.app.clock.advance(time::Duration::MINUTE);
    // A fresh sign-in is demanded, and done; then the person looks at the account first.
    let page = browser.get(&house.request(&Ask { force_authn: true, ..Ask::default() }).url).await;
    assert_eq!(page.url.path(), "/sign-in");
    let page = person.sign_in(&house.app, &browser).await;
    assert!(page.url.path().starts_with("/saml/continue/"), "{}", page.url);
    let account = browser.go("/account").await;
    account.expect_words("Park permits of Department of Parks is still waiting for you.");
    let onward = account.link("Go on to it").expect("a link");
    browser.get(&onward).await.expect_status(200).expect_words("Share with Park permits?");
}
