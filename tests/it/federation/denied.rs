//! Algorithms that the operator denies: not accepted, not used, not advertised.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use signet::demo::service_provider::Ask;
use signet::saml::signature::{SignaturePosition, sign_enveloped};
use signet::saml::xml::{Builder, ns};
use time::format_description::well_known::Rfc3339;

use super::front_door::{House, agreement, permits};
use crate::saml::keys;
use crate::support::app::{TestApp, Wishes};
use crate::support::browser::Page;

const AES_128_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes128-gcm";
const AES_256_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes256-gcm";
const RSA_OAEP_MGF1P: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const RSA_SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

/// A house where these are denied, whose service publishes what `edit` leaves.
async fn house(denied: &[&str], edit: impl FnOnce(String) -> String) -> House {
    let sp = permits();
    let metadata = edit(sp.metadata("The name in the metadata").unwrap().as_str().to_owned());
    let agreement = agreement("default_attributes = [\"email\"]", &["email"]);
    let services = vec![("department-of-parks".to_owned(), "permits".to_owned(), metadata, agreement)];
    let denied_algorithms = denied.iter().map(|uri| (*uri).to_owned()).collect();
    House::of(TestApp::start_with(Wishes { services, denied_algorithms, ..Wishes::default() }).await, sp).await
}

async fn posted(house: &House) -> Page {
    house.app.browser().post_body("/saml/sso", "application/x-www-form-urlencoded", house.posted_request()).await
}

#[tokio::test]
async fn request_that_is_signed_by_a_denied_algorithm_is_refused_with_its_name() {
    let house = house(&[RSA_SHA256], |metadata| metadata).await;
    let redirected = house.app.browser().get(&house.request(&Ask::default()).url).await;
    for page in [redirected, posted(&house).await] {
        page.expect_status(403).expect_words(RSA_SHA256).expect_words("denied by this provider");
    }
}

#[tokio::test]
async fn denied_digest_is_refused_where_one_is_named() {
    let house = house(&[SHA256], |metadata| metadata).await;
    posted(&house).await.expect_status(403).expect_words(SHA256).expect_words("denied by this provider");
    // HTTP-Redirect names no digest.
    house.app.browser().get(&house.request(&Ask::default()).url).await.expect_status(200);
}

#[tokio::test]
async fn what_is_denied_is_neither_used_nor_advertised() {
    let house = house(&[SHA256, AES_256_GCM, RSA_OAEP_MGF1P], |metadata| metadata).await;
    let (browser, _) = house.fiona().await;
    let request = house.request(&Ask::default());
    let page = browser.get(&request.url).await;
    let answer = browser.submit_form(&page.form_with(&["digest"])).await;
    house.signed_in(&answer, &request);
    let form = answer.form_with(&["SAMLResponse"]);
    let response = String::from_utf8(BASE64.decode(form.value("SAMLResponse").unwrap()).unwrap()).unwrap();
    for used in [RSA_SHA384, AES_128_GCM, "http://www.w3.org/2009/xmlenc11#rsa-oaep\""] {
        assert!(response.contains(used), "{used}: {response}");
    }
    let published = house.app.browser().get("/saml/metadata").await.body;
    for denied in [SHA256, AES_256_GCM, RSA_OAEP_MGF1P] {
        let quoted = format!("\"{denied}\"");
        assert!(!response.contains(&quoted) && !published.contains(&quoted), "{denied}");
    }
    assert!(published.contains(&format!("SignatureMethod Algorithm=\"{RSA_SHA384}\"")), "our metadata is signed so");
    assert!(published.contains(&format!("Algorithm=\"{RSA_SHA256}\"")), "it is accepted by HTTP-Redirect");
}

#[tokio::test]
async fn service_that_takes_only_what_is_denied_is_told_before_anybody_signs_in() {
    let only = format!("<md:EncryptionMethod Algorithm=\"{AES_128_GCM}\"/></md:KeyDescriptor>");
    let house = house(&[AES_128_GCM], |metadata| metadata.replace("</md:KeyDescriptor>", &only)).await;
    let page = house.app.browser().get(&house.request(&Ask::default()).url).await;
    page.expect_status(400)
        .expect_words("S23")
        .expect_words(AES_128_GCM)
        .expect_words(&format!("allow {AES_256_GCM} with"));
}

/// A message of the service by POST or over SOAP, signed as it signs everything.
fn signed(house: &House, name: &'static str, at: &str, more: Builder) -> String {
    let message = Builder::element("samlp", ns::PROTOCOL, name)
        .attribute("Destination", format!("{}{at}", house.app.url))
        .attribute("ID", "_message")
        .attribute("IssueInstant", house.now().format(&Rfc3339).unwrap())
        .attribute("Version", "2.0")
        .child(Builder::element("saml", ns::ASSERTION, "Issuer").text("https://permits.parks.example.gov/saml"))
        .child(more);
    sign_enveloped(&message, SignaturePosition::AfterIssuer, &keys::RSA.signer()).unwrap().into_string()
}

#[tokio::test]
async fn what_is_denied_for_requests_is_denied_for_logouts_and_artifacts() {
    for denied in [RSA_SHA256, SHA256] {
        let house = house(&[denied], |metadata| metadata).await;
        let logout = Builder::element("saml", ns::ASSERTION, "NameID").text("pat");
        let logout = BASE64.encode(signed(&house, "LogoutRequest", "/saml/logout", logout));
        let page = house.app.browser().post("/saml/logout", &[("SAMLRequest", &logout)]).await;
        page.expect_status(403).expect_words(denied).expect_words("denied by this provider");

        let resolve = Builder::element("samlp", ns::PROTOCOL, "Artifact").text("AAQAAA==");
        let resolve = signed(&house, "ArtifactResolve", "/saml/artifact", resolve);
        let envelope = format!("<S:Envelope xmlns:S=\"{}\"><S:Body>{resolve}</S:Body></S:Envelope>", ns::SOAP);
        let answer = house.app.browser().post_body("/saml/artifact", "text/xml", envelope).await;
        assert_eq!(answer.status, 403, "{}", answer.body);
        assert!(answer.body.contains("S31"), "{}", answer.body);
    }
}
