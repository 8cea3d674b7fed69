//! Somebody who can write to the database, and has none of the keys, wants a say in which key signs.

use signet::app::{Application, Surroundings};

use super::Street;
use crate::support::log::KeptLog;
use crate::support::sql;

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_was_written_by_hand_counts_for_nothing() {
    let log = KeptLog::begin();
    let street = Street::new().await;
    let first = street.fleet();
    let next = street.publish("p-256").await;
    let store = &street.app().store;
    let fakes = [
        // The same keys, another choice.
        format!(
            "INSERT INTO signing_plan (version, document, mac, made_at, made_by) SELECT 3, \
             replace(document, '\"fleet\":\"{first}\"', '\"fleet\":\"{next}\"'), mac, made_at, made_by \
             FROM signing_plan WHERE version = 2"
        ),
        // An old plan under a new number.
        "INSERT INTO signing_plan (version, document, mac, made_at, made_by) SELECT 4, document, mac, made_at, made_by \
         FROM signing_plan WHERE version = 1"
            .to_owned(),
    ];
    for fake in fakes {
        sql::run(store, &fake);
        street.follow().await.unwrap();
        assert_eq!((street.version(), street.fleet()), (2, first.clone()));
    }
    if let Some(log) = log {
        let log = log.text();
        assert!(log.lines().any(|line| line.contains("integrity_fault") && line.contains("plan of signing keys")));
    }
    // A step of the operator goes on from the last plan that is ours, past the numbers of the others.
    street.keys(&["sign-with", next.as_str(), "--all", "--now"]).done();
    street.follow().await.unwrap();
    assert_eq!((street.version(), street.fleet()), (5, next));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_runs_does_not_go_back_to_an_older_plan() {
    let street = Street::new().await;
    let next = street.publish("p-256").await;
    street.keys(&["sign-with", next.as_str(), "--all", "--now"]).done();
    street.follow().await.unwrap();
    for gone in ["DELETE FROM signing_plan WHERE version = 3", "DELETE FROM signing_plan"] {
        sql::run(&street.app().store, gone);
        street.follow().await.unwrap();
        assert_eq!((street.version(), street.fleet()), (3, next.clone()), "{gone}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_does_not_start_where_no_plan_is_ours() {
    let street = Street::new().await;
    // The same plan, with a space more.
    sql::run(&street.app().store, "UPDATE signing_plan SET document = document || ' '");
    let mut settings = street.app().settings.clone();
    settings.server.listen = "127.0.0.1:0".parse().unwrap();
    // SQLite serves one node: a copy of the file will do.
    if street.app().store.url().is_sqlite() {
        let copy = street.app().folder().join("copy.db");
        sql::run(&street.app().store, &format!("VACUUM INTO '{}'", copy.display()));
        settings.database.url = format!("sqlite:{}", copy.display());
    }
    let refused = Application::build(&settings, &Surroundings::demonstration()).unwrap_err();
    assert!(refused.to_string().contains("none that was written with this node's service keys"), "{refused}");
    street.keys(&["status"]).refused("none that was written with this node's service keys");
    let checked = street.signet(&["check"]);
    assert!(checked.out.contains("FAULTY   signing"), "{}", checked.out);
}
