//! Service providers that we did not write sign the demonstration's person in, each on a site of its own.

mod logout;

use serde_json::Value;

use crate::service_provider::{ServiceProvider, Toolkit};
use crate::signet::Signet;
use crate::visitor::Visitor;

/// Starts a service provider and registers it with the running demonstration.
async fn registered(signet: &Signet, toolkit: Toolkit, attributes: &[&str]) -> ServiceProvider {
    let provider = ServiceProvider::start(toolkit, &signet.metadata().await).await;
    let folder = provider.register(&signet.metadata_folder(), attributes);
    let known = || signet.command(&["release", "explain", "--sp", &folder]).status.success();
    signet.wait_for("the registration", known).await;
    provider
}

/// Signs the person in at a service provider, and gives what it believed.
async fn signed_in(toolkit: Toolkit, journey: &'static str, attributes: &[&str]) -> (Signet, Value) {
    let signet = Signet::start().await;
    let provider = registered(&signet, toolkit, attributes).await;
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
#[ignore = "needs node-saml and Chromium; make test runs it"]
async fn node_saml_signs_the_person_in() {
    let (signet, shown) = signed_in(Toolkit::NodeSaml, "peer-node-saml", &["email"]).await;
    assert_the_person(&signet, &shown, &[("email", "pat.sample@demo.example")]);
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

#[tokio::test]
#[ignore = "needs Shibboleth and Chromium; make test runs it"]
async fn shibboleth_fetches_the_response_of_an_artifact() {
    let signet = Signet::start().await;
    let provider = registered(&signet, Toolkit::Shibboleth, &["email"]).await;
    let visitor = Visitor::new("peer-shibboleth-artifact").await;
    // The third address in its metadata is the one for artifacts.
    let start = provider.protected().replace("/secure", "/Shibboleth.sso/Login?acsIndex=3");
    visitor.browser.open(&format!("{start}&target={}", provider.protected())).await;
    visitor.sign_in_as_the_person(&signet).await;
    visitor.agree().await;
    let shown = provider.page_shown(&visitor.browser).await;
    assert_the_person(&signet, &shown, &[("email", "pat.sample@demo.example")]);
    let said = signet.said();
    assert!(said.contains("artifact_resolved") && said.contains("given"), "{said}");
}

#[tokio::test]
#[ignore = "needs Shibboleth and Chromium; make test runs it"]
async fn shibboleth_asks_for_a_proofed_person_and_gets_one() {
    let signet = Signet::start().await;
    let agreed = ["email", "first_name", "last_name", "dob", "ssn"];
    let provider = registered(&signet, Toolkit::Shibboleth, &agreed).await;
    let visitor = Visitor::new("peer-shibboleth-proofed").await;
    let level = "http://idmanagement.gov/ns/assurance/ial/2";
    let start = provider.protected().replace("/secure", "/Shibboleth.sso/Login");
    visitor.browser.open(&format!("{start}?authnContextClassRef={level}&target={}", provider.protected())).await;
    visitor.sign_in_as_the_person(&signet).await;
    visitor.agree().await;
    let shown = provider.page_shown(&visitor.browser).await;
    assert_eq!(shown["authn_context"], level, "the context that was demanded, for it was reached: {shown}");
    let received = &shown["attributes"];
    assert_eq!(received["ial"][0], level);
    for (name, value) in [("first_name", "Pat"), ("last_name", "Sample"), ("dob", "1980-02-29"), ("ssn", "900-12-3456")]
    {
        assert_eq!(received[name][0], value, "{name}");
    }
}

#[tokio::test]
#[ignore = "needs python3-saml and Chromium; make test runs it"]
async fn a_restart_amid_a_sign_in_with_broken_files_finishes_on_the_last_good_revision() {
    let mut signet = Signet::start().await;
    let provider = registered(&signet, Toolkit::Python3Saml, &["email"]).await;
    let visitor = Visitor::new("restart").await;
    visitor.browser.open(&provider.protected()).await;
    let person = signet.person();
    visitor.give_password(&person.email, &person.password).await;
    visitor.browser.expect_path("/sign-in/second-factor/sms").await;

    signet.kill();
    let record = signet.metadata_folder().join("sp/python3-saml-agency/desk");
    std::fs::write(record.join("agreement.toml"), "agency_id = \n").expect("the agreement is written");
    std::fs::write(record.join("metadata.xml"), "<EntityDescriptor").expect("the metadata are written");
    signet.start_again().await;

    visitor.give_text_code(&signet, &person.phone.replace(' ', "")).await;
    visitor.agree().await;
    let shown = provider.page_shown(&visitor.browser).await;
    assert_the_person(&signet, &shown, &[("email", "pat.sample@demo.example")]);
    let checked = signet.command(&["check"]);
    let said = String::from_utf8_lossy(&checked.stdout).into_owned() + &String::from_utf8_lossy(&checked.stderr);
    assert_eq!(checked.status.code(), Some(1), "{said}");
    assert!(said.contains("sp/python3-saml-agency/desk/agreement.toml"), "{said}");
}
