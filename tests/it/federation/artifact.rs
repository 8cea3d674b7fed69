//! HTTP-Artifact through the front door: the browser carries a reference, and the service that is meant fetches the response,
//! once, within a minute, by a request that it signed. Nobody else learns anything.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use signet::demo::service_provider::{Expected, SignInAnswer, SignedIn};
use signet::saml::artifact::{Artifact, ArtifactResponse, DecodedArtifactResolve};
use signet::saml::signature::{SignaturePosition, Signer, sign_enveloped, verify_enveloped};
use signet::saml::xml::{Builder, Document, Limits, ns};
use signet::saml::{DeniedAlgorithms, EntityId, MessageError, MessageId, SpMetadata};
use time::Duration;
use time::format_description::well_known::Rfc3339;
use url::Url;

use super::front_door::{EVERYTHING, House, agreement};
use super::given::NOW;
use crate::saml::judge::assert_schema_valid;
use crate::saml::keys;
use crate::support::app::{TestApp, Wishes};
use crate::support::browser::Browser;
use crate::support::sql;

const ENTITY: &str = "https://permits.parks.example.gov/saml";
const ACS: &str = "https://permits.parks.example.gov/saml/acs";
const ARTIFACT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact";

/// The service takes responses by artifact, too, at the same address.
async fn house() -> House {
    let endpoint = format!(
        r#"<md:AssertionConsumerService Binding="{ARTIFACT}" Location="{ACS}" index="7"/></md:SPSSODescriptor>"#
    );
    let agreement = agreement("default_attributes = [\"email\"]", EVERYTHING);
    House::with_metadata(agreement, |metadata| metadata.replace("</md:SPSSODescriptor>", &endpoint)).await
}

fn protocol(local: &'static str, id: &str, house: &House) -> Builder {
    Builder::element("samlp", ns::PROTOCOL, local)
        .attribute("ID", id)
        .attribute("IssueInstant", house.now().format(&Rfc3339).unwrap())
        .attribute("Version", "2.0")
}

fn issuer(of: &str) -> Builder {
    Builder::element("saml", ns::ASSERTION, "Issuer").text(of)
}

fn sign(message: &Builder, signer: &dyn Signer) -> String {
    sign_enveloped(message, SignaturePosition::AfterIssuer, signer).unwrap().into_string()
}

/// Sends a request that wants its answer by artifact, and agrees where that is asked; the artifact that the browser carries.
async fn sent_on(house: &House, browser: &Browser, id: &str, more: &[(&'static str, &str)]) -> String {
    let mut request = protocol("AuthnRequest", id, house)
        .attribute("Destination", format!("{}/saml/sso", house.app.url))
        .attribute("ProtocolBinding", ARTIFACT)
        .child(issuer(ENTITY));
    for (name, value) in more {
        request = request.attribute(name, *value);
    }
    let request = BASE64.encode(sign(&request, &keys::RSA.signer()));
    let mut page = browser.post("/saml/sso", &[("SAMLRequest", &request), ("RelayState", "to the=permits&")]).await;
    if page.forms().iter().any(|form| form.value("digest").is_some()) {
        page = browser.submit_form(&page.form_with(&["digest"])).await;
    }
    let form = page.expect_status(200).form_with(&["SAMLart"]);
    assert!(!page.body.contains("SAMLResponse"), "{}", page.body);
    assert_eq!((form.action.as_str(), form.value("RelayState")), (ACS, Some("to the=permits&")));
    form.value("SAMLart").unwrap().to_owned()
}

fn resolve(house: &House, id: &str, artifact: &str) -> Builder {
    protocol("ArtifactResolve", id, house)
        .attribute("Destination", format!("{}/saml/artifact", house.app.url))
        .child(issuer(ENTITY))
        .child(Builder::element("samlp", ns::PROTOCOL, "Artifact").text(artifact))
}

fn envelope(message: &str) -> String {
    soap_message("Envelope", "", message)
}

fn soap_message(root: &str, before: &str, message: &str) -> String {
    let soap = "http://schemas.xmlsoap.org/soap/envelope/";
    format!(r#"<S:{root} xmlns:S="{soap}">{before}<S:Body>{message}</S:Body></S:{root}>"#)
}

/// Asks over SOAP: status and body.
async fn ask(house: &House, body: String) -> (u16, String) {
    let answer = house.app.browser().post_body("/saml/artifact", "text/xml; charset=utf-8", body).await;
    assert!(answer.headers["content-type"].to_str().unwrap().starts_with("text/xml"));
    assert!(answer.headers["cache-control"].to_str().unwrap().contains("no-store"));
    let desk = tempfile::tempdir().unwrap();
    let document = desk.path().join("answer.xml");
    std::fs::write(&document, &answer.body).unwrap();
    assert_schema_valid(&document);
    (answer.status.as_u16(), answer.body)
}

/// Asks as the service does.
async fn fetch(house: &House, id: &str, artifact: &str) -> (u16, String) {
    ask(house, envelope(&sign(&resolve(house, id, artifact), &keys::RSA.signer()))).await
}

/// The Response in an answer, cut out as text, after the answer's own signature was verified.
fn response_in(house: &House, answer: &str, in_response_to: &str) -> Option<String> {
    let document = Document::parse(answer.as_bytes(), &Limits::PROTOCOL).unwrap();
    let body = document.root().child(ns::SOAP, "Body").unwrap();
    let response = body.only_child(ns::PROTOCOL, "ArtifactResponse").unwrap().unwrap();
    verify_enveloped(response, SignaturePosition::AfterIssuer, house.idp.keys()).unwrap();
    assert_eq!(response.attribute("InResponseTo"), Some(in_response_to));
    response.child(ns::PROTOCOL, "Response")?;
    let (start, end) = (answer.find("<samlp:Response").unwrap(), answer.find("</samlp:Response>").unwrap());
    Some(answer[start..end + "</samlp:Response>".len()].to_owned())
}

fn read(house: &House, response: &str, request_id: &str) -> SignInAnswer {
    let expected = Expected { idp: &house.idp, request_id, now: house.now() };
    house.sp.read_response(&BASE64.encode(response), &expected).unwrap()
}

fn signed_in(outcome: SignInAnswer) -> SignedIn {
    match outcome {
        SignInAnswer::SignedIn(signed_in) => signed_in,
        refused @ SignInAnswer::Refused { .. } => panic!("{refused:?}"),
    }
}

#[tokio::test]
async fn service_fetches_the_response_that_the_browser_never_saw() {
    let house = house().await;
    let (browser, _) = house.fiona().await;
    let artifact = sent_on(&house, &browser, "_by_artifact", &[]).await;
    assert_eq!(house.ledger_length().await, 1, "recorded before the reference leaves");
    let (status, answer) = fetch(&house, "_first", &artifact).await;
    assert_eq!(status, 200, "{answer}");
    let response = response_in(&house, &answer, "_first").unwrap();
    assert!(response.contains("EncryptedAssertion"));
    let person = signed_in(read(&house, &response, "_by_artifact"));
    assert_eq!(person.attributes.iter().find(|one| one.name == "email").unwrap().values, ["fiona@example.com"]);

    let (status, again) = fetch(&house, "_second", &artifact).await;
    assert_eq!((status, response_in(&house, &again, "_second")), (200, None), "it is given once");
    assert_eq!(house.app.count("artifact", "1 = 1"), 0);
}

#[tokio::test]
async fn artifacts_that_wait_at_once_lead_each_to_its_own_response() {
    let house = house().await;
    let (browser, _) = house.fiona().await;
    let first = sent_on(&house, &browser, "_first", &[]).await;
    let second = sent_on(&house, &browser, "_second", &[]).await;
    for (artifact, request) in [(second, "_second"), (first, "_first")] {
        let resolve = format!("_resolve{request}");
        let (status, answer) = fetch(&house, &resolve, &artifact).await;
        assert_eq!(status, 200, "{answer}");
        signed_in(read(&house, &response_in(&house, &answer, &resolve).unwrap(), request));
    }
}

#[tokio::test]
async fn endpoint_chooses_the_binding_where_the_request_does_not() {
    let house = house().await;
    let (browser, _) = house.fiona().await;
    let request = |more: &str| {
        let request = protocol("AuthnRequest", &format!("_i{more}"), &house)
            .attribute("Destination", format!("{}/saml/sso", house.app.url))
            .attribute("AssertionConsumerServiceIndex", more)
            .child(issuer(ENTITY));
        BASE64.encode(sign(&request, &keys::RSA.signer()))
    };
    let page = browser.post("/saml/sso", &[("SAMLRequest", &request("0"))]).await;
    let posted = browser.submit_form(&page.form_with(&["digest"])).await;
    assert!(posted.form_with(&["SAMLResponse"]).value("SAMLResponse").is_some());
    let page = browser.post("/saml/sso", &[("SAMLRequest", &request("7"))]).await;
    assert!(page.form_with(&["SAMLart"]).value("SAMLart").is_some());
}

#[tokio::test]
async fn failure_goes_by_artifact_too() {
    let house = house().await;
    let browser = house.app.browser();
    let artifact = sent_on(&house, &browser, "_passive", &[("IsPassive", "true")]).await;
    let (_, answer) = fetch(&house, "_first", &artifact).await;
    match read(&house, &response_in(&house, &answer, "_first").unwrap(), "_passive") {
        SignInAnswer::Refused { nested, .. } => assert!(nested.unwrap().ends_with(":NoPassive")),
        SignInAnswer::SignedIn(_) => panic!("nobody was signed in"),
    }
}

#[tokio::test]
async fn artifact_is_good_for_a_minute() {
    let house = house().await;
    let (browser, _) = house.fiona().await;
    let artifact = sent_on(&house, &browser, "_slow", &[]).await;
    house.app.clock.advance(Duration::seconds(60));
    let (status, answer) = fetch(&house, "_late", &artifact).await;
    assert_eq!((status, response_in(&house, &answer, "_late")), (200, None));
}

#[tokio::test]
async fn other_service_learns_that_there_is_nothing_and_takes_nothing_away() {
    let endpoint = format!(
        r#"<md:AssertionConsumerService Binding="{ARTIFACT}" Location="{ACS}" index="7"/></md:SPSSODescriptor>"#
    );
    let ours =
        super::front_door::permits().metadata("Permits").unwrap().as_str().replace("</md:SPSSODescriptor>", &endpoint);
    let theirs = signet::demo::service_provider::ServiceProvider::new(
        "https://other.example.gov/saml",
        "https://other.example.gov/acs",
        &keys::OTHER_RSA.private_pem,
        &keys::OTHER_RSA.certificate_pem,
    );
    let theirs = theirs.unwrap().metadata("Other").unwrap().as_str().to_owned();
    let agreement = agreement("default_attributes = [\"email\"]", EVERYTHING);
    let other =
        agreement.replace(ENTITY, "https://other.example.gov/saml").replace("department-of-parks", "other-agency");
    let services = vec![
        ("department-of-parks".to_owned(), "permits".to_owned(), ours, agreement),
        ("other-agency".to_owned(), "other".to_owned(), theirs, other),
    ];
    let house =
        House::of(TestApp::start_with(Wishes { services, ..Wishes::default() }).await, super::front_door::permits())
            .await;
    let (browser, _) = house.fiona().await;
    let artifact = sent_on(&house, &browser, "_ours", &[]).await;

    let stolen = protocol("ArtifactResolve", "_thief", &house)
        .child(issuer("https://other.example.gov/saml"))
        .child(Builder::element("samlp", ns::PROTOCOL, "Artifact").text(artifact.as_str()));
    let (status, answer) = ask(&house, envelope(&sign(&stolen, &keys::OTHER_RSA.signer()))).await;
    assert_eq!((status, response_in(&house, &answer, "_thief")), (200, None));
    let (_, answer) = fetch(&house, "_owner", &artifact).await;
    assert!(response_in(&house, &answer, "_owner").is_some());
}

#[test]
fn answer_that_our_own_certificate_does_not_verify_does_not_leave() {
    let answer = ArtifactResponse {
        id: MessageId::from_entropy([1; 20]),
        issuer: EntityId::parse("https://idp.example/saml").unwrap(),
        issue_instant: NOW,
        in_response_to: MessageId::parse("_resolve").unwrap(),
        message: None,
    };
    let refused = answer.into_soap(&keys::miscertified()).unwrap_err();
    assert!(refused.to_string().contains("our own signature does not verify"), "{refused}");
}

#[tokio::test]
async fn request_is_verified_against_the_record_of_its_own_issuer_alone() {
    let house = house().await;
    let record = house.sp.metadata("permits").unwrap().into_string();
    let ours = [Url::parse(&format!("{}/saml/artifact", house.app.url)).unwrap()];
    let artifact = Artifact::new(&EntityId::parse(ENTITY).unwrap(), [7; 20]).to_text();
    let verified = |record: &str| {
        let message = envelope(&sign(&resolve(&house, "_resolve", &artifact), &keys::RSA.signer()));
        let decoded = DecodedArtifactResolve::from_soap(message.into_bytes()).unwrap();
        decoded.verify(SpMetadata::parse(record.as_bytes()).unwrap().peer(), &ours, DeniedAlgorithms::NONE).err()
    };
    assert_eq!(verified(&record), None);
    // The same keys, another name.
    let other = record.replace(ENTITY, "https://camping.parks.example.gov/saml");
    assert_eq!(verified(&other), Some(MessageError::ForeignRecord));
}

#[tokio::test]
async fn request_that_proves_nothing_gets_nothing_and_takes_nothing_away() {
    let house = house().await;
    let (browser, _) = house.fiona().await;
    let artifact = sent_on(&house, &browser, "_kept", &[]).await;
    let good = |id: &str| resolve(&house, id, &artifact);
    let signed = sign(&good("_good"), &keys::RSA.signer());
    let elsewhere = protocol("ArtifactResolve", "_elsewhere", &house)
        .attribute("Destination", "https://idp.example/saml/artifact")
        .child(issuer(ENTITY))
        .child(Builder::element("samlp", ns::PROTOCOL, "Artifact").text(artifact.as_str()));
    let stranger = protocol("ArtifactResolve", "_stranger", &house)
        .child(issuer("https://nobody.example/saml"))
        .child(Builder::element("samlp", ns::PROTOCOL, "Artifact").text(artifact.as_str()));
    let other_message = protocol("AuthnRequest", "_other", &house).child(issuer(ENTITY));
    let signed_by_us = |message: Builder| envelope(&sign(&message, &keys::RSA.signer()));
    let other_version = Builder::element("samlp", ns::PROTOCOL, "ArtifactResolve")
        .attribute("ID", "_version")
        .attribute("IssueInstant", house.now().format(&Rfc3339).unwrap())
        .attribute("Version", "1.1")
        .child(issuer(ENTITY))
        .child(Builder::element("samlp", ns::PROTOCOL, "Artifact").text(artifact.as_str()));
    let more = || Builder::element("samlp", ns::PROTOCOL, "Status");
    for (body, status, code) in [
        (signed_by_us(other_version), 400, ""),
        (signed_by_us(good("_more").attribute("ForceAuthn", "true")), 400, ""),
        (signed_by_us(good("_further").child(more())), 400, ""),
        (envelope(good("_unsigned").canonical().unwrap().as_str()), 403, "S30"),
        (envelope(&sign(&good("_forged"), &keys::OTHER_RSA.signer())), 403, "S31"),
        (envelope(&signed.replace("_good", "_changed")), 403, "S31"),
        (envelope(&sign(&elsewhere, &keys::RSA.signer())), 400, ""),
        (envelope(&sign(&stranger, &keys::RSA.signer())), 403, ""),
        (envelope(&sign(&resolve(&house, "_garbage", "garbage"), &keys::RSA.signer())), 400, ""),
        (envelope(&sign(&other_message, &keys::RSA.signer())), 400, ""),
        (envelope(&format!("{signed}{signed}")), 400, "S05"),
        (soap_message("Envelope", r#"<S:Header><a/><a S:mustUnderstand="1"/></S:Header>"#, &signed), 400, "S05"),
        (soap_message("Letter", "<S:Header/>", &signed), 400, "S05"),
        (soap_message("Envelope", "text", &signed), 400, "S05"),
        (soap_message("Envelope", "<S:Header/><S:Header/>", &signed), 400, "S05"),
        (soap_message("Envelope", "<S:Other/>", &signed), 400, "S05"),
        (soap_message("Envelope", "<S:Header/><S:Other/>", &signed), 400, "S05"),
        (soap_message("Envelope", "", &format!("text{signed}")), 400, "S05"),
        (format!("<!DOCTYPE a>{}", envelope(&signed)), 400, "S05"),
        (signed.clone(), 400, "S05"),
        (String::new(), 400, "S05"),
    ] {
        let (answered, text) = ask(&house, body).await;
        assert_eq!(answered, status, "{text}");
        assert!(text.contains("soap:Client") && text.contains(code) && !text.contains("samlp:Response"), "{text}");
        Document::parse(text.as_bytes(), &Limits::PROTOCOL).unwrap();
    }
    // SOAP 1.1 §4.2.3: what need not be understood is passed over.
    let header = r#"<S:Header><a/><b S:mustUnderstand="0"/></S:Header>"#;
    let (status, answer) = ask(&house, soap_message("Envelope", header, &signed)).await;
    assert!(status == 200 && response_in(&house, &answer, "_good").is_some(), "{answer}");
    let (status, _) = ask(&house, envelope(&signed)).await;
    assert_eq!(status, 409, "the same request again");
}

#[tokio::test]
async fn old_request_is_refused() {
    let house = house().await;
    let body = envelope(&sign(&resolve(&house, "_old", "AAQAAA=="), &keys::RSA.signer()));
    let valid = signet::saml::artifact::Artifact::new(&signet::saml::EntityId::parse("urn:x").unwrap(), [1; 20]);
    let old = envelope(&sign(&resolve(&house, "_old", &valid.to_text()), &keys::RSA.signer()));
    assert_eq!(ask(&house, body).await.0, 400, "no artifact");
    house.app.clock.advance(Duration::minutes(6));
    let (status, text) = ask(&house, old).await;
    assert!(status == 400 && text.contains("too old"), "{text}");
}

#[tokio::test]
async fn response_that_somebody_moved_in_the_database_is_not_given() {
    let house = house().await;
    let (browser, _) = house.fiona().await;
    let artifact = sent_on(&house, &browser, "_lasting", &[]).await;
    sql::run(&house.app.store, "UPDATE artifact SET expires_at = expires_at + 1");
    let (status, text) = fetch(&house, "_moved", &artifact).await;
    assert!(status >= 500 && text.contains("soap:Server") && !text.contains("samlp:Response"), "{status} {text}");
}

#[tokio::test]
async fn service_whose_record_was_altered_or_switched_off_fetches_nothing_and_learns_which() {
    let house = house().await;
    let (browser, _) = house.fiona().await;
    let artifact = sent_on(&house, &browser, "_by_artifact", &[]).await;
    sql::run(&house.app.store, "UPDATE sp_revision SET agreement = metadata, metadata = agreement");
    let (site, registry) = (&house.app.site, &house.app.site.services);
    signet::jobs::metadata::refresh(&site.store, &site.keys, registry).await.unwrap();
    let (status, answer) = fetch(&house, "_of_an_altered_record", &artifact).await;
    assert_eq!(status, 503, "{answer}");
    assert!(answer.contains("U05") && !answer.contains("S20"), "{answer}");
    assert_eq!(house.app.count("artifact", "1 = 1"), 1, "it still waits");
}
