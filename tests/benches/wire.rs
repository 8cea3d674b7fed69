//! The wire alone, on one thread: requests that come in, and Responses that leave unrecorded.

use std::time::Duration;

use signet::clock::{Clock, SystemClock};
use signet::federation::registry::{ServiceFiles, ServiceName, ServiceProvider};
use signet::saml::DeniedAlgorithms;
use signet::saml::authn_request::RequestSignature;
use signet::saml::binding::Received;

use super::logout::{PARTICIPANTS, single_logout};
use super::measure::{Cost, in_turns};
use super::service::{KeyKind, Shape, key_pair, redirect_query};
use super::{gate, raw};

const SSO: &str = "https://idp.example/saml/sso";

const LONG_ENOUGH: Duration = Duration::from_millis(1500);

/// Measures and tells; each in turns with its yardstick.
pub fn run() {
    println!("the wire, on one thread, recorded nowhere");
    let costs = in_turns(LONG_ENOUGH, redirect_request(), raw::one_verification(KeyKind::Rsa2048));
    told("AuthnRequest by HTTP-Redirect", costs, 1, 0.60);
    let response = |shape: Shape, kind| in_turns(LONG_ENOUGH, gate::unrecorded(shape, kind), raw::one_signature(kind));
    for shape in Shape::ALL {
        told(shape.words(), response(shape, KeyKind::Rsa2048), shape.private_key_operations(), 0.95);
    }
    told("Assertion signed by P-256", response(Shape::AssertionSigned, KeyKind::P256), 1, 0.30);
    logout();
}

/// So much of what it costs is spent on its operations with a key.
fn told(words: &str, (cost, raw): (Cost, Cost), operations: u32, aim: f64) {
    let of_openssl = f64::from(operations) * raw.micros();
    println!(
        "  {words:37} {:6.0} µs CPU, {operations} × {:.0} µs of it by OpenSSL, our own {:.0} µs: share {:.2}, aim {aim:.2}",
        cost.micros(),
        raw.micros(),
        cost.micros() - of_openssl,
        of_openssl / cost.micros()
    );
}

/// A single logout beside as many Responses as it tells services. It takes one signature more than there are services, and the
/// Responses take one each or two.
fn logout() {
    println!("  single logout, {PARTICIPANTS} services told, beside {PARTICIPANTS} Responses");
    for (shape, aim) in [(Shape::Everything, ", aim below 1"), (Shape::AssertionSigned, "")] {
        let (whole, one) = in_turns(LONG_ENOUGH, single_logout(), gate::unrecorded(shape, KeyKind::Rsa2048));
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
