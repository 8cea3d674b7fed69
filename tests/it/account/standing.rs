//! What an administrator decides about an account at the terminal, and what its person meets.

use signet::accounts::standing::StandingChange;
use signet::cli::CommandOutcome;
use signet::cli::account;
use signet::subscriber::StandingReason;

use crate::support::app::TestApp;
use crate::support::people::{With, give_password, sign_up};

const EMAIL: &str = "ada@example.gov";

/// What the terminal says, and how the command ends.
fn change(app: &TestApp, change: StandingChange, typed: &str) -> (CommandOutcome, String) {
    let mut said = Vec::new();
    let ended = tokio::task::block_in_place(|| {
        account::change(&app.site, change, StandingReason::SuspectedFraud, typed, &mut said).expect("it runs")
    });
    (ended, String::from_utf8(said).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_account_is_out_at_once_and_stays_out_until_it_is_reinstated() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let mut person = sign_up(&app, &browser, EMAIL, With::App).await;
    let before = app.inbox.messages().len();
    let (ended, said) = change(&app, StandingChange::Suspend, "Ada@Example.gov\n");
    assert_eq!(
        (ended, &*said),
        (CommandOutcome::Done, "the account is suspended; its person is told by mail; sessions ended: 1\n")
    );
    assert_eq!(browser.get("/account").await.url.path(), "/sign-in");
    let mail = app.message_to(EMAIL, before).await;
    assert!(mail.body.contains("We stopped your Signet account"), "{}", mail.body);
    assert!(!mail.body.contains("fraud"), "{}", mail.body);

    let page = give_password(&browser, EMAIL, &person.password).await;
    page.expect_words("This account is stopped");
    assert_eq!(browser.get("/account").await.url.path(), "/sign-in");
    let (ended, said) = change(&app, StandingChange::Suspend, EMAIL);
    assert_eq!((ended, &*said), (CommandOutcome::Done, "nothing was changed: the account is suspended already\n"));

    let before = app.inbox.messages().len();
    assert_eq!(change(&app, StandingChange::Reinstate, EMAIL).0, CommandOutcome::Done);
    assert!(app.message_to(EMAIL, before).await.body.contains("you can sign in again"));
    app.clock.advance(time::Duration::minutes(1));
    person.sign_in(&app, &browser).await;
    browser
        .get("/account")
        .await
        .expect_words("We stopped your account")
        .expect_words("We let you use your account again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_account_is_one_nobody_signs_in_to_and_never_begins_again() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let person = sign_up(&app, &browser, EMAIL, With::App).await;
    let (ended, said) = change(&app, StandingChange::End, EMAIL);
    assert_eq!(ended, CommandOutcome::Done, "{said}");
    assert_eq!(browser.get("/account").await.url.path(), "/sign-in");
    // As for an address that has no account.
    give_password(&browser, EMAIL, &person.password).await.expect_status(422).expect_words("password is wrong");
    for again in [StandingChange::Reinstate, StandingChange::Suspend] {
        let (ended, said) = change(&app, again, EMAIL);
        assert_eq!(
            (ended, &*said),
            (CommandOutcome::Findings, "nothing was changed: the account has ended, for good\n")
        );
    }
    assert_eq!(app.count("subscriber", "status = 'ended'"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_suspended_by_an_address_that_nobody_has() {
    let app = TestApp::start().await;
    let (ended, said) = change(&app, StandingChange::Suspend, "nobody@example.gov");
    assert_eq!((ended, &*said), (CommandOutcome::Findings, "nobody has this address\n"));
}
