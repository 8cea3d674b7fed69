//! The honest service's request, made by another one.
//!
//! Every registered service has a key that we believe. If it counted for more than its owner, one agency's stolen key would
//! sign requests of all; and if one service could name another's address, it could send people and their data there. A key
//! speaks for the one Issuer in whose metadata it stands, addresses are looked up under that Issuer alone, and an assertion
//! names the service that it is for and is encrypted to it.

use signet::clock::Clock as _;
use signet::demo::service_provider::{Ask, Expected, ServiceProvider, SignInFailed};
use signet::entropy::SystemEntropy;
use signet::saml::{MessageError, ResponseError, response::incoming::Mismatch};

use super::door::{House, ORIGIN, OTHER_ACS, OTHER_SP};
use super::scene::{ACS, SP};
use crate::saml::keys::{KeyPair, OTHER_RSA, RSA};
use crate::support::browser::Page;

/// What a service with this name, address and key asks the person's browser to bring.
async fn brought(house: &House, entity_id: &str, acs: &str, key: &KeyPair) -> Page {
    let service = ServiceProvider::new(entity_id, acs, &key.private_pem, &key.certificate_pem).unwrap();
    let request = service.request(&house.idp, &Ask::default(), None, house.app.clock.now(), &SystemEntropy).unwrap();
    house.victim.get(request.url.trim_start_matches(ORIGIN)).await
}

#[track_caller]
fn no_answer(page: &Page, code: &str) {
    page.expect_status(403).expect_words(&format!("Code: {code}"));
    assert!(page.forms().iter().all(|form| form.value("SAMLResponse").is_none()), "{}", page.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_one_service_signs_for_no_other() {
    let house = House::open().await;
    let before = house.disclosures();
    no_answer(&brought(&house, SP, ACS, &OTHER_RSA).await, "S31");
    no_answer(&brought(&house, OTHER_SP, OTHER_ACS, &RSA).await, "S31");
    no_answer(&brought(&house, "https://unknown.example/metadata", ACS, &OTHER_RSA).await, "S20");
    assert_eq!(house.disclosures(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_service_names_no_address_of_another() {
    let house = House::open().await;
    let before = house.disclosures();
    no_answer(&brought(&house, OTHER_SP, ACS, &OTHER_RSA).await, "S22");
    no_answer(&brought(&house, SP, OTHER_ACS, &RSA).await, "S22");
    assert_eq!(house.disclosures(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_another_service_passes_on_is_not_for_this_one() {
    let house = House::open().await;
    let other = ServiceProvider::new(OTHER_SP, OTHER_ACS, &OTHER_RSA.private_pem, &OTHER_RSA.certificate_pem).unwrap();
    let now = house.app.clock.now();
    let request = other.request(&house.idp, &Ask::default(), None, now, &SystemEntropy).unwrap();
    // The person never agreed to anything there: one consent is not another's.
    let page = house.victim.get(request.url.trim_start_matches(ORIGIN)).await;
    let page = house.victim.submit_form(&page.form_with(&["digest"])).await;
    let form = page.form_with(&["SAMLResponse"]);
    assert_eq!(form.action.as_str(), OTHER_ACS);
    let response = form.value("SAMLResponse").unwrap();
    let expected = Expected { idp: &house.idp, request_id: &request.id, now: house.app.clock.now() };
    assert!(other.read_response(response, &expected).is_ok());

    assert!(matches!(
        house.sp.read_response(response, &expected),
        Err(SignInFailed::Response(ResponseError::Message(MessageError::ForeignDestination { .. })))
    ));
    // Even where it is delivered under the honest service's address, and would be opened by its key.
    let pretender = |entity_id: &str, acs: &str, key: &KeyPair| {
        ServiceProvider::new(entity_id, acs, &key.private_pem, &key.certificate_pem).unwrap()
    };
    let by_audience = pretender(SP, OTHER_ACS, &OTHER_RSA).read_response(response, &expected);
    assert!(matches!(by_audience, Err(SignInFailed::Mismatch(Mismatch::Audience))), "{by_audience:?}");
    let by_key = pretender(OTHER_SP, OTHER_ACS, &RSA).read_response(response, &expected);
    assert!(matches!(by_key, Err(SignInFailed::Response(ResponseError::Decryption(_)))), "{by_key:?}");
}
