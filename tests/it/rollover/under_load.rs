//! The signing key changes under continuous sign-ins of two services, one of which keeps an old copy of our metadata for long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::{Service, Street};
use crate::federation::front_door::House;
use crate::support::app::wait_for;
use crate::support::browser::Browser;

/// People at one service, one sign-in after another until they are told to stop.
struct Crowd {
    name: &'static str,
    signed_in: Arc<AtomicUsize>,
}

/// How many people sign in at each service at the same time.
const PEOPLE: usize = 3;
/// How many sign-ins each service must have seen between two steps.
const BETWEEN_STEPS: usize = 2 * PEOPLE;

async fn keep_signing_in(
    house: Arc<Street>,
    service: Service,
    browser: Browser,
    stop: Arc<AtomicBool>,
    signed_in: Arc<AtomicUsize>,
) -> Vec<String> {
    let mut failed = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        if let Err(why) = service.sign_in(&house.house, &browser).await {
            failed.push(why);
        }
        signed_in.fetch_add(1, Ordering::SeqCst);
    }
    failed
}

async fn some_more(crowds: &[Crowd]) {
    for crowd in crowds {
        let goal = crowd.signed_in.load(Ordering::SeqCst) + BETWEEN_STEPS;
        let reached = || (crowd.signed_in.load(Ordering::SeqCst) >= goal).then_some(());
        wait_for(reached, &format!("sign-ins at {}", crowd.name)).await;
    }
}

async fn signed_in_browser(house: &House, service: &Service, of: signet::subscriber::SubscriberId) -> Browser {
    let browser = house.app.browser();
    house.sign_in(&browser, of, None).await;
    // The consent of the first time; from here on each sign-in goes straight through.
    service.sign_in(house, &browser).await.unwrap();
    browser
}

async fn no_sign_in_fails(street: Street) {
    let street = Arc::new(street);
    let first = street.fleet();
    let (fresh, stale) = (street.permits().clone(), street.camping().clone());
    let (_, of) = street.house.fiona().await;
    let stop = Arc::new(AtomicBool::new(false));
    let (mut crowds, mut running) = (Vec::new(), Vec::new());
    for service in [&fresh, &stale] {
        let signed_in = Arc::new(AtomicUsize::new(0));
        for _ in 0..PEOPLE {
            let browser = signed_in_browser(&street.house, service, of).await;
            let (service, stop, count) = (service.clone(), stop.clone(), signed_in.clone());
            running.push(tokio::spawn(keep_signing_in(street.clone(), service, browser, stop, count)));
        }
        crowds.push(Crowd { name: service.name, signed_in });
    }
    some_more(&crowds).await;

    let next = street.generate("rsa-3072");
    some_more(&crowds).await;
    street.keys(&["publish"]).done();
    street.follow().await.unwrap();
    some_more(&crowds).await;
    street.fetch(&fresh).await;
    // The stale one is known to lack the key, so nothing that would break it is done.
    street.keys(&["sign-with", next.as_str(), "--all"]).refused(&stale.entity());
    street.keys(&["sign-with", next.as_str(), "--sp", &fresh.entity()]).done();
    street.follow().await.unwrap();
    some_more(&crowds).await;
    assert_eq!(street.last_signed_with(&fresh).await, next);
    assert_eq!(street.last_signed_with(&stale).await, first);

    street.fetch(&stale).await;
    street.keys(&["sign-with", next.as_str(), "--all"]).done();
    street.follow().await.unwrap();
    some_more(&crowds).await;
    assert_eq!(street.last_signed_with(&stale).await, next);

    // One goes back and forth once more, then the old key goes for good.
    street.keys(&["fall-back", "--sp", &stale.entity()]).done();
    street.follow().await.unwrap();
    some_more(&crowds).await;
    assert_eq!(street.last_signed_with(&stale).await, first);
    street.keys(&["sign-with", next.as_str(), "--sp", &stale.entity()]).done();
    street.follow().await.unwrap();
    some_more(&crowds).await;
    street.keys(&["retire", first.as_str()]).refused("signed until a moment ago");
    street.keys(&["retire", first.as_str(), "--now"]).done();
    street.follow().await.unwrap();
    some_more(&crowds).await;
    for service in [&fresh, &stale] {
        street.fetch(service).await;
    }
    some_more(&crowds).await;

    stop.store(true, Ordering::SeqCst);
    let mut failed = Vec::new();
    for one in running {
        failed.extend(one.await.unwrap());
    }
    let total: usize = crowds.iter().map(|crowd| crowd.signed_in.load(Ordering::SeqCst)).sum();
    assert_eq!(failed, [""; 0], "of {total} sign-ins");
    let recorded = street.house.ledger_length().await;
    assert_eq!(usize::try_from(recorded).unwrap(), total + 2 * PEOPLE);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_sign_in_fails_while_the_signing_key_changes() {
    no_sign_in_fails(Street::new().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_sign_in_fails_while_the_signing_key_changes_on_postgresql() {
    no_sign_in_fails(Street::on(true).await).await;
}
