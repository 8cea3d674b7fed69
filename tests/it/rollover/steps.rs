//! Each step of the terminal, each order that it refuses, and what the services see of it.

use std::collections::BTreeSet;

use super::Street;
use crate::saml::judge::xmlsec1_verifies;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_published_is_refused_for_signing() {
    let street = Street::new().await;
    let next = street.generate("p-256");
    street.keys(&["sign-with", next.as_str(), "--all", "--now"]).refused("is not published");
    // A key that nobody made.
    street.keys(&["sign-with", "0123456789abcdef", "--all"]).refused("no key is called");
    street.keys(&["publish", "0123456789abcdef"]).refused("no key is called");
    street.follow().await.unwrap();
    assert_ne!(street.fleet(), next);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_key_stands_in_the_metadata_at_once_and_signs_nothing() {
    let street = Street::new().await;
    let before = street.app().browser().get("/saml/metadata").await;
    assert_eq!(before.body.matches("<md:KeyDescriptor").count(), 1);
    let next = street.publish("p-256").await;
    let after = street.app().browser().get("/saml/metadata").await;
    assert_eq!(after.body.matches("<md:KeyDescriptor").count(), 2);
    assert_ne!(before.headers["etag"], after.headers["etag"]);
    let (browser, _) = street.house.fiona().await;
    street.permits().sign_in(&street.house, &browser).await.unwrap();
    assert_ne!(street.last_signed_with(street.permits()).await, next);
    street.keys(&["publish", next.as_str()]).refused("was published before: it is published");
    street.keys(&["publish"]).refused("every key here is published already");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_a_key_before_it_is_known_that_they_have_it() {
    let street = Street::new().await;
    let began = street.house.now();
    let next = street.publish("rsa-2048").await;
    let (permits, camping) = (street.permits(), street.camping());
    let lacks = format!("2 services may not have {next} yet");
    let told = street.keys(&["sign-with", next.as_str(), "--all"]);
    told.refused(&lacks);
    // As long as a copy of our metadata is valid.
    told.refused_with_a_day("expired on ", 14, began, street.house.now());
    street.fetch(permits).await;
    let lacks = format!("one service may not have {next} yet: {}", camping.entity());
    street.keys(&["sign-with", next.as_str(), "--all"]).refused(&lacks);
    street.keys(&["sign-with", next.as_str(), "--wave", "100"]).refused(&lacks);
    street.keys(&["sign-with", next.as_str(), "--sp", &camping.entity()]).refused(&lacks);
    // The one that fetched goes ahead, under the beginning of the key's name and the name of its folder.
    street.keys(&["sign-with", &next.as_str()[..6], "--sp", "permits/service"]).done();
    street.follow().await.unwrap();
    let (browser, _) = street.house.fiona().await;
    permits.sign_in(&street.house, &browser).await.unwrap();
    camping.sign_in(&street.house, &browser).await.unwrap();
    assert_eq!(street.last_signed_with(permits).await, next);
    assert_ne!(street.last_signed_with(camping).await, next);
    // Whoever knows better says so.
    street.keys(&["sign-with", next.as_str(), "--all", "--now"]).done();
    street.follow().await.unwrap();
    assert_eq!(street.fleet(), next);
    street.keys(&["sign-with", next.as_str(), "--all"]).refused("signs for them already");
    // Now the stale one cannot read what it gets: this is what the refusals are for.
    assert!(camping.sign_in(&street.house, &browser).await.unwrap_err().contains("Signature"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_falls_back_alone_and_stays_until_it_is_named() {
    let street = Street::new().await;
    let first = street.fleet();
    street.keys(&["fall-back", "--sp", "permits/service"]).refused("no earlier key");
    street.keys(&["fall-back", "--sp", "https://unknown.example.gov"]).refused("no service is called");
    let next = street.publish("rsa-2048").await;
    street.keys(&["sign-with", next.as_str(), "--all", "--now"]).done();
    street.keys(&["fall-back", "--sp", "permits/service"]).done();
    street.follow().await.unwrap();
    let (browser, _) = street.house.fiona().await;
    // Its metadata is old, and it takes the sign-in all the same.
    street.permits().sign_in(&street.house, &browser).await.unwrap();
    assert_eq!(street.last_signed_with(street.permits()).await, first);
    street.fetch(street.camping()).await;
    street.camping().sign_in(&street.house, &browser).await.unwrap();
    assert_eq!(street.last_signed_with(street.camping()).await, next);
    street.keys(&["retire", first.as_str()]).refused(&format!("still signs for {}", street.permits().entity()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_retired_when_nobody_needs_it_and_its_private_half_is_erased() {
    let street = Street::new().await;
    let first = street.fleet();
    street.keys(&["retire", first.as_str()]).refused("is the only key in our metadata");
    let next = street.publish("rsa-2048").await;
    street.keys(&["retire", first.as_str()]).refused("still signs for all services");
    street.keys(&["sign-with", next.as_str(), "--all", "--now"]).done();
    street.keys(&["retire", first.as_str()]).refused("a node does not follow plan 3 yet: test");
    street.follow().await.unwrap();
    street.keys(&["retire", first.as_str()]).refused("signed until a moment ago");
    street.keys(&["retire", first.as_str(), "--now"]).done();
    street.follow().await.unwrap();
    let file = |ending: &str| street.app().folder().join("keys/signing").join(format!("{first}.{ending}"));
    assert!(!file("key").exists() && file("crt").exists());
    let metadata = street.app().browser().get("/saml/metadata").await;
    assert_eq!(metadata.body.matches("<md:KeyDescriptor").count(), 1);
    street.keys(&["retire", first.as_str(), "--now"]).refused("is retired");
    street.keys(&["sign-with", first.as_str(), "--all", "--now"]).refused("is retired");
    street.keys(&["fall-back", "--sp", "permits/service"]).refused("no earlier key");
}

#[tokio::test(flavor = "multi_thread")]
async fn status_shows_keys_fetches_and_the_last_sign_in_of_each_service() {
    let street = Street::new().await;
    let began = street.house.now();
    let first = street.fleet();
    let next = street.publish("p-256").await;
    let third = street.generate("rsa-3072");
    street.fetch(street.permits()).await;
    let (browser, _) = street.house.fiona().await;
    street.permits().sign_in(&street.house, &browser).await.unwrap();
    let said = street.keys(&["status"]).done();
    let line = |start: &str| {
        said.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("no {start} in {said}"))
    };
    assert!(line(first.as_str()).contains("signing    rsa-sha256"), "{said}");
    assert!(line(next.as_str()).contains("published  ecdsa-sha256"), "{said}");
    assert!(line(third.as_str()).contains("generated  rsa-sha256"), "{said}");
    // Both happened since then; the day may have ended meanwhile.
    let days: BTreeSet<String> = [began, street.house.now()].map(|at| at.date().to_string()).into();
    let permits = line(&street.permits().entity());
    assert!(
        permits.contains("has it: fetched") && days.iter().map(|day| permits.matches(day).count()).sum::<usize>() == 2,
        "{said}"
    );
    assert_eq!(permits.matches(first.as_str()).count(), 2, "{said}");
    assert!(line(&street.camping().entity()).contains("unknown until"), "{said}");
    let checked = street.signet(&["check"]);
    assert!(checked.out.contains(&format!("{first} signs, {next} is published")), "{}", checked.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_is_written_down_once_an_hour_and_once_for_each_plan() {
    let street = Street::new().await;
    let fetched = |version: i64| street.app().count("metadata_fetch", &format!("plan_version = {version}"));
    let written_at = |at: &str| street.app().count("metadata_fetch", &format!("fetched_at {at}"));
    street.fetch(street.permits()).await;
    assert_eq!((fetched(1), street.app().count("metadata_fetch", "1 = 1")), (1, 1));
    // What the row says now is not written again before the hour is over.
    crate::support::sql::run(&street.app().store, "UPDATE metadata_fetch SET fetched_at = 5");
    street.fetch(street.permits()).await;
    assert_eq!(written_at("= 5"), 1);
    street.app().clock.advance(time::Duration::minutes(61));
    street.fetch(street.permits()).await;
    assert_eq!(written_at("> 5"), 1);
    street.publish("p-256").await;
    street.fetch(street.permits()).await;
    assert_eq!((fetched(1), fetched(2)), (0, 1));
    // The common address says nothing of anybody, and an address that is nobody's is none.
    street.app().browser().get("/saml/metadata").await.expect_status(200);
    street.app().browser().get("/saml/metadata/00112233445566778899").await.expect_status(404);
    street.app().browser().get("/saml/metadata/nonsense").await.expect_status(404);
    assert_eq!(street.app().count("metadata_fetch", "1 = 1"), 1);
    let said = street.keys(&["status", "--addresses"]).done();
    let line = said.lines().find(|line| line.starts_with(&street.permits().entity())).unwrap();
    let url: url::Url = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    let own = street.app().browser().get(url.path()).await;
    own.expect_status(200);
    assert_eq!(own.headers["cache-control"], "private, no-cache");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_key_signs_what_a_service_and_xmlsec1_accept() {
    let street = Street::new().await;
    let (browser, _) = street.house.fiona().await;
    for (kind, algorithm) in [("rsa-3072", "rsa-sha256"), ("p-256", "ecdsa-sha256")] {
        let next = street.publish(kind).await;
        street.fetch(street.permits()).await;
        let untried = if kind == "p-256" { &["--untried"][..] } else { &[] };
        street.keys(&[&["sign-with", next.as_str(), "--sp", "permits/service"], untried].concat()).done();
        street.follow().await.unwrap();
        let response = street.permits().sign_in(&street.house, &browser).await.unwrap();
        assert_eq!(street.last_signed_with(street.permits()).await, next);
        let response = openssl::base64::decode_block(&response).unwrap();
        let response = String::from_utf8(response).unwrap();
        assert!(response.contains(&format!("xmldsig-more#{algorithm}\"")), "{kind}");
        let certificate = street.app().folder().join("keys/signing").join(format!("{next}.crt"));
        let certificate = openssl::x509::X509::from_pem(&std::fs::read(certificate).unwrap()).unwrap();
        xmlsec1_verifies(&certificate.to_der().unwrap(), &response).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_kind_of_key_may_break_is_told_and_tried_first() {
    let street = Street::new().await;
    let made = street.keys(&["generate", "--next", "--kind", "p-256"]).done();
    assert!(made.contains("WARNING: many services do not verify ECDSA"), "{made}");
    let published = street.keys(&["publish"]).done();
    let next = published.split_whitespace().next().unwrap().to_owned();
    street.follow().await.unwrap();
    let warning =
        |service: &str| format!("WARNING: {service}: nothing shows that it verifies ECDSA, by which {next} signs");
    let (permits, camping) = (street.permits(), street.camping());
    for said in [&published, &street.keys(&["status"]).done()] {
        for service in [permits, camping] {
            assert!(said.contains(&warning(&service.entity())), "{said}");
        }
        assert!(said.contains("Try each first: `signet keys trial"), "{said}");
    }
    assert!(published.contains("samlify's logout fails"), "{published}");
    for service in [permits, camping] {
        street.fetch(service).await;
    }
    let refused = format!("{}: nothing shows that it verifies ECDSA", permits.entity());
    street.keys(&["sign-with", &next, "--sp", "permits/service"]).refused(&refused);

    let said = street.keys(&["trial", "--sp", "permits/service"]).done();
    let url: url::Url = said.lines().next().unwrap().parse().unwrap();
    let (engineer, _) = street.house.fiona().await;
    engineer.get(url.path()).await.expect_status(200);
    permits.sign_in(&street.house, &engineer).await.unwrap();
    street.keys(&["trial", "--sp", "permits/service", "--succeeded"]).done();
    let said = street.keys(&["status"]).done();
    assert!(!said.contains(&warning(&permits.entity())) && said.contains(&warning(&camping.entity())), "{said}");
    street.keys(&["sign-with", &next, "--sp", "permits/service"]).done();
    street.keys(&["sign-with", &next, "--all"]).refused("nothing shows that it verifies ECDSA");
    street.keys(&["sign-with", &next, "--all", "--untried"]).done();

    // An RSA key of another length is taken by everybody.
    let said = street.keys(&["generate", "--next", "--kind", "rsa-3072"]).done();
    assert!(!said.contains("WARNING"), "{said}");
    assert!(!street.keys(&["publish"]).done().contains("nothing shows"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_the_file_of_a_key_signs_as_before_until_it_has_it() {
    let street = Street::new().await;
    let next = street.generate("p-256");
    street.keys(&["publish", next.as_str()]).done();
    let file = street.app().folder().join("keys/signing").join(format!("{next}.key"));
    let kept = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let missing = street.follow().await.unwrap_err().to_string();
    assert!(missing.contains(next.as_str()) && missing.contains("copy"), "{missing}");
    assert_eq!(street.version(), 1);
    // And the terminal of such a node takes no step with it.
    street.keys(&["sign-with", next.as_str(), "--all", "--now"]).refused("copy");
    std::fs::write(&file, kept).unwrap();
    street.follow().await.unwrap();
    assert_eq!(street.version(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_step_leaves_a_node_behind_that_still_serves() {
    let street = Street::new().await;
    let first = street.fleet();
    let store = &street.app().store;
    let now = street.house.now().unix_timestamp() * 1_000;
    crate::support::sql::run(store, &format!("INSERT INTO signing_node VALUES ('second', 1, {now})"));
    let next = street.publish("p-256").await;
    for service in &street.services {
        street.fetch(service).await;
    }
    let behind = "a node does not follow plan 2 yet: second";
    street.keys(&["sign-with", next.as_str(), "--all"]).refused(behind);
    assert!(street.keys(&["status"]).done().contains("1 (behind)"));
    crate::support::sql::run(store, "UPDATE signing_node SET plan_version = 2 WHERE node = 'second'");
    street.keys(&["sign-with", next.as_str(), "--all", "--untried"]).done();
    street.follow().await.unwrap();
    // The second one signs with the first key still.
    street.keys(&["retire", first.as_str()]).refused("a node does not follow plan 3 yet: second");
    // A node that has been silent for long does not serve any more.
    crate::support::sql::run(store, "UPDATE signing_node SET seen_at = seen_at - 600000 WHERE node = 'second'");
    street.keys(&["retire", first.as_str()]).refused("signed until a moment ago");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_with_the_plan() {
    let mut street = Street::new().await;
    let next = street.publish("p-256").await;
    street.keys(&["sign-with", next.as_str(), "--all", "--now"]).done();
    let crate::federation::front_door::House { app, sp, idp } = street.house;
    street.house = crate::federation::front_door::House { app: app.restart().await, sp, idp };
    assert_eq!(street.fleet(), next);
}
