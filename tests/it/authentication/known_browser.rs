//! A stranger's wrong passwords end the password for strangers, and never lock its person out of their own browser.

use signet::authentication::known_browser::COOKIE;
use time::Duration;

use super::limits::{guess, hundred_wrong};
use crate::support::app::{TestApp, Wishes, wait_for};
use crate::support::browser::{Browser, Page};
use crate::support::people::{PASSWORD, Person, With, give_password, give_second_factor, sign_up};

const EMAIL: &str = "ada@example.gov";
const ENDED: &str = "hundred wrong passwords in a row";

async fn start() -> TestApp {
    TestApp::start_with(Wishes { proxies: 1, ..Wishes::default() }).await
}

/// Somebody signs up; half an hour later their browser's session is over.
async fn somebody(app: &TestApp, browser: &Browser) -> Person {
    let person = sign_up(app, browser, EMAIL, With::App).await;
    app.clock.advance(Duration::minutes(30));
    person
}

/// The link of a mail for a forgotten password, followed.
fn link_in(app: &TestApp, word: &str) -> Option<String> {
    let path = word.strip_prefix(&app.url)?.trim_end_matches(['.', ')']);
    path.starts_with("/forgot-password/").then(|| path.to_owned())
}

async fn follow_link(app: &TestApp, browser: &Browser) -> Page {
    let sent = app.inbox.messages().len();
    let page = browser.get("/forgot-password").await;
    browser.submit(&page, &[("email", EMAIL)]).await.expect_status(200);
    // The notice that the password has ended may come at the same moment; its link leads to the form, not to a new password.
    let found = || {
        let mails = app.inbox.messages().into_iter().skip(sent).filter(|mail| mail.to == EMAIL);
        mails.filter_map(|mail| mail.body.split_whitespace().find_map(|word| link_in(app, word))).next_back()
    };
    browser.get(&wait_for(found, "a link that chooses a password").await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_hundred_wrong_passwords_end_the_password_and_its_person_is_told_once() {
    let app = start().await;
    let own = app.browser();
    let mut person = somebody(&app, &own).await;
    let sent = app.inbox.messages().len();
    hundred_wrong(&app, EMAIL).await;
    let told = app.message_to(EMAIL, sent).await;
    assert!(told.body.contains(ENDED) && told.body.contains("/forgot-password"), "{}", told.body);
    // Not even the right password is taken from a browser that is not known, and nobody is told why.
    let stranger = app.browser();
    let page = give_password(&stranger, EMAIL, PASSWORD).await;
    page.expect_status(422).expect_words("The e-mail address or the password is wrong");
    // In their own browser the person signs in as ever, and finds it in their history.
    let page = person.sign_in(&app, &own).await;
    page.expect_words("your password has ended");
    wait_for(|| (app.count("outbox", "finished_at IS NULL") == 0).then_some(()), "an empty outbox").await;
    let notices = app.inbox.messages().into_iter().skip(sent).filter(|message| message.body.contains(ENDED));
    assert_eq!(notices.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_browser_has_a_count_of_its_own_of_a_hundred_at_most() {
    let app = start().await;
    let own = app.browser();
    somebody(&app, &own).await;
    for _ in 0..100 {
        // Slowly enough for every limit.
        app.clock.advance(Duration::minutes(15));
        give_password(&own, EMAIL, "wrong wrong wrong").await.expect_status(422);
    }
    assert_eq!(app.count("known_browser", "failures_in_a_row = 100"), 1);
    // The account's own count is untouched: the browser is one like any other from now on.
    app.clock.advance(Duration::minutes(15));
    assert_eq!(give_password(&app.browser(), EMAIL, PASSWORD).await.url.path(), "/sign-in/second-factor/totp");
    app.clock.advance(Duration::minutes(15));
    assert_eq!(give_password(&own, EMAIL, PASSWORD).await.url.path(), "/sign-in/second-factor/totp");
    assert_eq!(app.count("known_browser", "failures_in_a_row = 100"), 1, "it was not taken for the known one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_known_by_both_factors_only_and_each_sign_in_renews_its_secret() {
    let app = start().await;
    let mut person = somebody(&app, &app.browser()).await;
    let browser = app.browser();
    give_password(&browser, EMAIL, PASSWORD).await;
    assert_eq!(browser.cookie(COOKIE), None, "after the password alone");
    let page = give_second_factor(&app, &browser, &mut person.device).await;
    let first = browser.cookie(COOKIE).expect("known from now on");
    assert_eq!(page.url.path(), "/account");
    app.clock.advance(Duration::minutes(30));
    person.sign_in(&app, &browser).await;
    let second = browser.cookie(COOKIE).expect("still known");
    assert_ne!(first, second);
    assert_eq!(second.len(), 43, "one account, one secret");
    // The one that was renewed is worth nothing.
    hundred_wrong(&app, EMAIL).await;
    let thief = app.browser();
    thief.plant_cookie(COOKIE, &first);
    give_password(&thief, EMAIL, PASSWORD).await.expect_status(422);
    app.clock.advance(Duration::minutes(30));
    assert_eq!(give_password(&browser, EMAIL, PASSWORD).await.url.path(), "/sign-in/second-factor/totp");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_known_to_its_own_accounts_only() {
    let app = start().await;
    let shared = app.browser();
    somebody(&app, &shared).await;
    sign_up(&app, &shared, "ben@example.gov", With::App).await;
    assert_eq!(shared.cookie(COOKIE).expect("known").len(), 87, "two accounts");
    let ben = app.browser();
    sign_up(&app, &ben, "cem@example.gov", With::App).await;
    app.clock.advance(Duration::minutes(30));
    hundred_wrong(&app, EMAIL).await;
    // Being known to another account does not help.
    give_password(&ben, EMAIL, PASSWORD).await.expect_status(422);
    assert_eq!(give_password(&shared, EMAIL, PASSWORD).await.url.path(), "/sign-in/second-factor/totp");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_by_a_new_password_by_signing_out_everywhere_and_after_half_a_year() {
    let app = start().await;
    let (own, other) = (app.browser(), app.browser());
    let mut person = somebody(&app, &own).await;
    person.sign_in(&app, &other).await;
    person.sign_in(&app, &own).await;
    assert_eq!(app.count("known_browser", "1 = 1"), 2);
    // Everywhere else.
    let page = own.get("/account").await;
    own.submit_to(&page, "/account/sessions/end", &[]).await.expect_status(200);
    assert_eq!(app.count("known_browser", "1 = 1"), 1);
    app.clock.advance(Duration::minutes(30));
    hundred_wrong(&app, EMAIL).await;
    give_password(&other, EMAIL, PASSWORD).await.expect_status(422);
    let page = give_password(&own, EMAIL, PASSWORD).await;
    assert_eq!(page.url.path(), "/sign-in/second-factor/totp", "the one that it was done in stays known");
    // A new password by a link.
    let new = "umber quartz heron lagoon";
    let page = follow_link(&app, &other).await;
    let page = other.submit(&page, &[("password", new), ("again", new)]).await;
    assert_eq!((page.url.path(), app.count("known_browser", "1 = 1")), ("/sign-in", 0));
    // Time.
    let page = give_password(&other, EMAIL, new).await;
    assert_eq!(page.url.path(), "/sign-in/second-factor/totp");
    give_second_factor(&app, &other, &mut person.device).await;
    app.clock.advance(Duration::days(181));
    hundred_wrong(&app, EMAIL).await;
    give_password(&other, EMAIL, new).await.expect_status(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_row_makes_no_browser_known() {
    let app = start().await;
    let own = app.browser();
    somebody(&app, &own).await;
    sign_up(&app, &app.browser(), "ben@example.gov", With::App).await;
    app.clock.advance(Duration::minutes(30));
    hundred_wrong(&app, "ben@example.gov").await;
    // Ada's browser is said to be known to Ben's account.
    crate::support::sql::run(
        &app.store,
        "DELETE FROM known_browser WHERE subscriber IN (SELECT subscriber FROM known_browser ORDER BY made_at DESC LIMIT 1);
         UPDATE known_browser SET subscriber = (SELECT id FROM subscriber ORDER BY created_at DESC LIMIT 1)",
    );
    give_password(&own, "ben@example.gov", PASSWORD).await.expect_status(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_sign_in_in_a_known_browser_sets_the_strangers_count_to_nothing_before_the_end() {
    let app = start().await;
    let own = app.browser();
    let mut person = somebody(&app, &own).await;
    for round in 0..2 {
        let stranger = app.browser();
        for n in 0..99_u32 {
            guess(&stranger, EMAIL, "wrong", &format!("203.{round}.{}.1", n / 5)).await.expect_status(422);
        }
        person.sign_in(&app, &own).await;
        app.clock.advance(Duration::minutes(30));
    }
    assert_eq!(give_password(&app.browser(), EMAIL, PASSWORD).await.url.path(), "/sign-in/second-factor/totp");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_password_is_taken_up_again_by_link_second_factor_and_itself_and_the_vault_stays_open() {
    let app = start().await;
    let mut person = somebody(&app, &app.browser()).await;
    hundred_wrong(&app, EMAIL).await;
    let browser = app.browser();
    let page = follow_link(&app, &browser).await;
    let page = browser.submit_to(&page, "/old", &[]).await;
    assert_eq!(page.url.path(), "/sign-in/second-factor/totp", "{}", page.text());
    // Neither the link alone nor the link with the second factor opens anything.
    assert_eq!(browser.get("/account").await.url.path(), "/sign-in");
    assert_eq!(browser.get("/forgot-password/old").await.url.path(), "/sign-in", "the second factor comes first");
    let page = give_second_factor(&app, &browser, &mut person.device).await;
    assert_eq!(page.url.path(), "/forgot-password/old", "{}", page.text());
    page.expect_words("You can try 5 times");
    for path in ["/account", "/account/methods/add", "/sign-up/methods"] {
        assert_eq!(browser.get(path).await.url.path(), "/sign-in", "{path}");
    }
    browser.submit(&page, &[("password", "wrong wrong wrong")]).await.expect_status(422).expect_words("try 4 times");
    let sent = app.inbox.messages().len();
    let page = browser.submit(&page, &[("password", PASSWORD)]).await;
    assert_eq!(page.url.path(), "/account", "{}", page.text());
    page.expect_words("You took your password up again");
    assert!(app.message_to(EMAIL, sent).await.body.contains("taken up again"));
    assert_eq!(browser.get("/unlock").await.url.path(), "/account", "the vault is open");
    // It is a password again, everywhere.
    app.clock.advance(Duration::minutes(30));
    let page = person.sign_in(&app, &app.browser()).await;
    assert_eq!(page.url.path(), "/account");
    // And a second hundred ends it, and is told, once more.
    let sent = app.inbox.messages().len();
    hundred_wrong(&app, EMAIL).await;
    assert!(app.message_to(EMAIL, sent).await.body.contains(ENDED));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_password_may_be_tried_five_times_in_all_and_the_link_still_chooses_a_new_one() {
    let app = start().await;
    let mut person = somebody(&app, &app.browser()).await;
    hundred_wrong(&app, EMAIL).await;
    let browser = app.browser();
    let form = follow_link(&app, &browser).await;
    browser.submit_to(&form, "/old", &[]).await;
    let mut page = give_second_factor(&app, &browser, &mut person.device).await;
    for _ in 0..3 {
        page = browser.submit(&page, &[("password", "wrong wrong wrong")]).await;
    }
    // Another link does not bring more tries.
    app.clock.advance(Duration::minutes(1));
    let other = app.browser();
    let again = follow_link(&app, &other).await;
    other.submit_to(&again, "/old", &[]).await;
    let mut page = give_second_factor(&app, &other, &mut person.device).await;
    page.expect_words("You can try 2 times");
    for _ in 0..2 {
        page = other.submit(&page, &[("password", "wrong wrong wrong")]).await;
    }
    page.expect_words("It was tried five times");
    let csrf = page.attribute("meta[name=csrf]", "content").expect("a token");
    let refused = other.post("/forgot-password/old", &[("csrf", &csrf), ("password", PASSWORD)]).await;
    refused.expect_status(422).expect_words("It was tried five times");
    let third = app.browser();
    let page = follow_link(&app, &third).await;
    assert!(page.forms().iter().all(|form| !form.action.path().ends_with("/old")), "it is offered no more");
    let new = "umber quartz heron lagoon";
    let page = third.submit(&page, &[("password", new), ("again", new)]).await;
    assert_eq!(page.url.path(), "/sign-in", "{}", page.text());
    assert_eq!(give_password(&third, EMAIL, new).await.url.path(), "/sign-in/second-factor/totp");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_has_not_ended_is_not_taken_up() {
    let app = start().await;
    somebody(&app, &app.browser()).await;
    let browser = app.browser();
    let page = follow_link(&app, &browser).await;
    assert!(page.forms().iter().all(|form| !form.action.path().ends_with("/old")), "{}", page.body);
    let csrf = page.attribute("meta[name=csrf]", "content").expect("a token");
    let path = format!("{}/old", page.url.path());
    browser.post(&path, &[("csrf", &csrf)]).await.expect_status(422).expect_words("This link does not work");
    assert_eq!(browser.get("/forgot-password/old").await.url.path(), "/sign-in");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_who_ends_all_sessions_makes_every_browser_unknown() {
    let app = start().await;
    somebody(&app, &app.browser()).await;
    assert_eq!(app.count("known_browser", "1 = 1"), 1);
    signet::cli::account::end_sessions(&app.site, EMAIL, &mut Vec::new()).expect("it ends them");
    assert_eq!(app.count("known_browser", "1 = 1"), 0);
}
