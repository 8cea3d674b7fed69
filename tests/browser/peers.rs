//! Service providers that we did not write sign the demonstration's person in, each on a site of its own.

use serde_json::Value;

use crate::service_provider::{ServiceProvider, Toolkit};
use crate::signet::Signet;
use crate::visitor::Visitor;

/// Registers a service provider with the running demonstration, signs the person in there, and gives what it believed.
async fn signed_in(toolkit: Toolkit, journey: &'static str, attributes: &[&str]) -> (Signet, Value) {
    let signet = Signet::start().await;
    let provider = ServiceProvider::start(toolkit, &signet.metadata().await).await;
    let folder = provider.register(&signet.metadata_folder(), attributes);
    signet
        .wait_for("the registration", || signet.command(&["release", "explain", "--sp", &folder]).status.success())
        .await;

    let visitor = Visitor::new(journey).await;
    visitor.browser.open(&provider.protected()).await;
    visitor.sign_in_as_the_person(&signet).await;
    visitor.agree().await;
    let first = provider.page_shown(&visitor.browser).await;

    // A second sign-in, straight through: the provider's session is gone, ours is there, and the person agreed.
    visitor.browser.forget_cookies_of(&provider.protected()).await;
    visitor.browser.open(&provider.protected()).await;
    let again = provider.page_shown(&visitor.browser).await;
    assert_eq!(again["nameid"], first["nameid"]);
    assert_eq!(again["attributes"], first["attributes"]);
    assert_ne!(again["session_index"], Value::Null);
    assert!(signet.tells(&["audit", "verify"]).contains("holds, 2 records"), "{}", signet.tells(&["audit", "verify"]));
    (signet, first)
}

/// What each of them must have come to believe, whatever its toolkit.
fn assert_the_person(signet: &Signet, shown: &Value, attributes: &[(&str, &str)]) {
    assert_eq!(shown["idp"], format!("{}/saml", signet.origin()), "{shown}");
    assert_eq!(shown["nameid_format"], "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent");
    assert_eq!(shown["authn_context"], "http://idmanagement.gov/ns/assurance/aal/2");
    let received = shown["attributes"].as_object().expect("attributes");
    let mut names: Vec<&str> = received.keys().map(String::as_str).collect();
    let always = ["aal", "ial", "uuid"];
    let mut expected: Vec<&str> = attributes.iter().map(|(name, _)| *name).chain(always).collect();
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected);
    for (name, value) in attributes {
        assert_eq!(received[*name][0], *value, "{name}");
    }
    assert_eq!(received["uuid"][0], shown["nameid"]);
}

#[tokio::test]
#[ignore = "needs python3-saml and Chromium; make test runs it"]
async fn python3_saml_in_strict_mode_signs_the_person_in() {
    let (signet, shown) = signed_in(Toolkit::Python3Saml, "peer-python3-saml", &["email"]).await;
    assert_the_person(&signet, &shown, &[("email", "pat.sample@demo.example")]);
}

#[tokio::test]
#[ignore = "needs samael-sp and Chromium; make test runs it"]
async fn samael_signs_the_person_in() {
    let (signet, shown) = signed_in(Toolkit::Samael, "peer-samael", &["email"]).await;
    assert_the_person(&signet, &shown, &[("email", "pat.sample@demo.example")]);
}

#[tokio::test]
#[ignore = "needs Shibboleth and Chromium; make test runs it"]
async fn shibboleth_signs_the_person_in() {
    let (signet, shown) = signed_in(Toolkit::Shibboleth, "peer-shibboleth", &["email"]).await;
    assert_the_person(&signet, &shown, &[("email", "pat.sample@demo.example")]);
}
