//! The wire alone, on one thread: requests that come in, and Responses that leave unrecorded.

use signet::federation::registry::{ServiceFiles, ServiceName, ServiceProvider};
use signet::saml::DeniedAlgorithms;
use signet::saml::authn_request::RequestSignature;
use signet::saml::binding::Received;
use signet::services::{Clock, SystemClock};

use super::measure::{Cost, on_this_thread};
use super::service::{KeyKind, Shape, key_pair, redirect_query};
use super::{gate, raw};

const SSO: &str = "https://idp.example/saml/sso";

/// Measures and tells; each beside its yardstick, since a core's speed changes with what its neighbours do.
pub fn run() {
    println!("the wire, on one thread, recorded nowhere");
    told("AuthnRequest by HTTP-Redirect", &redirect_request(), 1, &raw::verifying(KeyKind::Rsa2048), 0.60);
    for shape in Shape::ALL {
        let cost = gate::unrecorded(shape, KeyKind::Rsa2048);
        told(shape.words(), &cost, shape.private_key_operations(), &raw::signing(KeyKind::Rsa2048), 0.95);
    }
    let cost = gate::unrecorded(Shape::AssertionSigned, KeyKind::P256);
    told("Assertion signed by P-256", &cost, 1, &raw::signing(KeyKind::P256), 0.30);
}

/// So much of what it costs is spent on its operations with a key.
fn told(words: &str, cost: &Cost, operations: u32, raw: &Cost, aim: f64) {
    println!(
        "  {words:37} {:6.0} µs CPU, {operations} × {:.0} µs of it by OpenSSL: share {:.2}, aim {aim:.2}",
        cost.micros(),
        raw.micros(),
        f64::from(operations) * raw.micros() / cost.micros()
    );
}

/// From the query to a request whose signature holds.
fn redirect_request() -> Cost {
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
    on_this_thread(std::time::Duration::from_secs(1), || {
        Received::redirect(query.clone())
            .decode()
            .unwrap()
            .verify(service.metadata(), RequestSignature::Demanded, &sso, DeniedAlgorithms::NONE)
            .unwrap();
    })
}
