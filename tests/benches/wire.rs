//! The wire alone, on one thread: requests that come in, and Responses that leave unrecorded.

use std::time::Duration;

use signet::clock::{Clock, SystemClock};
use signet::federation::registry::{ServiceFiles, ServiceName, ServiceProvider};
use signet::saml::DeniedAlgorithms;
use signet::saml::authn_request::RequestSignature;
use signet::saml::binding::Received;

use super::logout::{PARTICIPANTS, single_logout};
use super::measure::{Yardstick, in_turns};
use super::service::{KeyKind, Shape, key_pair, redirect_query};
use super::{gate, raw};

const SSO: &str = "https://idp.example/saml/sso";

const LONG_ENOUGH: Duration = Duration::from_millis(1500);

/// Measures and tells; each in turns with its yardstick.
pub fn run() {
    println!("the wire, on one thread, recorded nowhere");
    told("AuthnRequest by HTTP-Redirect, verified", Box::new(redirect_request()), KeyKind::Rsa2048, 0, 1.3);
    for (shape, aim) in Shape::ALL.into_iter().zip([3.0, 6.0]) {
        let response = Box::new(gate::unrecorded(shape, KeyKind::Rsa2048));
        told(shape.words(), response, KeyKind::Rsa2048, shape.private_key_operations(), aim);
    }
    let response = Box::new(gate::unrecorded(Shape::AssertionSigned, KeyKind::P256));
    told("Assertion signed by P-256", response, KeyKind::P256, 1, 3.0);
    logout();
}

fn told(words: &str, work: Box<dyn FnMut()>, kind: KeyKind, operations: u32, aim: f64) {
    let works = [work, raw::one_signature(kind), raw::one_verification(KeyKind::Rsa2048)];
    let [cost, signature, verification] = in_turns(LONG_ENOUGH, works);
    Yardstick { signature, verification }.told(words, &cost, operations, aim);
}

/// A single logout beside as many Responses as it tells services. It takes one signature more than there are services, and the
/// Responses take one each or two.
fn logout() {
    println!("  single logout, {PARTICIPANTS} services told, beside {PARTICIPANTS} Responses");
    for (shape, aim) in [(Shape::Everything, ", aim below 1"), (Shape::AssertionSigned, "")] {
        let one = Box::new(gate::unrecorded(shape, KeyKind::Rsa2048));
        let [whole, one] = in_turns(LONG_ENOUGH, [Box::new(single_logout()), one]);
        let responses = f64::from(PARTICIPANTS) * one.micros();
        println!(
            "    {:35} {:6.0} µs CPU, Responses {responses:.0} µs: ratio {:.2}{aim}",
            shape.words(),
            whole.micros(),
            whole.micros() / responses
        );
    }
}

/// From the query to a request whose signature holds.
pub fn redirect_request() -> impl FnMut() {
    let shape = Shape::AssertionSigned;
    let (key, certificate) = key_pair();
    let id = signet::federation::agreement::AgencyId::parse("bench-signed").unwrap();
    let service = ServiceProvider::read(&ServiceFiles {
        name: ServiceName { agency: id.clone(), service: id },
        metadata: shape.metadata(&certificate).into_bytes(),
        agreement: shape.agreement().into_bytes(),
    })
    .unwrap();
    let query = redirect_query(shape, &key, "_bench", SSO, &signet::saml::instant::format(SystemClock.now()));
    let sso = [url::Url::parse(SSO).unwrap()];
    move || {
        Received::redirect(query.clone())
            .decode()
            .unwrap()
            .verify(service.metadata(), RequestSignature::Demanded, &sso, DeniedAlgorithms::NONE)
            .unwrap();
    }
}
