//! How an answer leaves: what is signed, to which key and by which algorithms it is encrypted, as the service's metadata and
//! agreement say; and what happens where they have nothing in common with us.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use signet::demo::service_provider::Ask;
use signet::entropy::SystemEntropy;
use signet::federation::agreement::{EncryptionException, LoweredProtection};
use signet::federation::delivery::DeliveryPlan;
use signet::federation::issue::Issued;
use signet::federation::negotiation::{NothingInCommon, sealing, signature};
use signet::federation::registry::{LintWarning, ServiceFiles, ServiceProvider};
use signet::saml::DeniedAlgorithms;
use signet::saml::signature::SignatureAlgorithm;
use time::macros::date;

use super::front_door::{House, agreement};
use super::gate::ready_with;
use super::given::{NOW, held};
use super::single_sign_on::files;
use crate::saml::keys;

const AES_128: &str = "http://www.w3.org/2009/xmlenc11#aes128-gcm";
const AES_256: &str = "http://www.w3.org/2009/xmlenc11#aes256-gcm";
const CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes256-cbc";
const TRIPLE_DES: &str = "http://www.w3.org/2001/04/xmlenc#tripledes-cbc";
const OAEP: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
const OAEP_MGF1P: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
const RSA_1_5: &str = "http://www.w3.org/2001/04/xmlenc#rsa-1_5";

/// The methods that a key lists.
fn methods(algorithms: &[&str]) -> String {
    algorithms.iter().map(|algorithm| format!(r#"<md:EncryptionMethod Algorithm="{algorithm}"/>"#)).collect()
}

fn key_descriptor(usage: &str, methods: &str) -> String {
    let certificate = BASE64.encode(&keys::RSA.certificate_der);
    format!(
        r#"<md:KeyDescriptor {usage}><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>{methods}</md:KeyDescriptor>"#
    )
}

/// With another key than [`key_descriptor`]'s.
fn other_key_descriptor(methods: &str) -> String {
    key_descriptor("", methods)
        .replace(&BASE64.encode(&keys::RSA.certificate_der), &BASE64.encode(&keys::OTHER_RSA.certificate_der))
}

/// What leaves for a service with this agreement and this metadata.
fn delivered(more: &str, md: &str) -> Result<String, NothingInCommon> {
    delivered_for(files("", "", md), more)
}

fn delivered_for(mut files: ServiceFiles, more: &str) -> Result<String, NothingInCommon> {
    files.agreement.extend_from_slice(more.as_bytes());
    let ready = ready_with(files, held(), "");
    let service = Arc::clone(ready.matched.service());
    let plan = DeliveryPlan::of(&service, DeniedAlgorithms::NONE)?;
    let Issued { assertion, consent, .. } = ready.issue().unwrap();
    let signer = keys::OTHER_RSA.signer();
    Ok(plan.deliver(assertion, consent, &signer, &SystemEntropy, NOW).unwrap().as_str().to_owned())
}

const CLEAR: &str = "\n[encryption]\nexception = \"clear-text\"\nreason = \"test\"\n";

#[test]
fn default_is_encrypted_with_aes_256_gcm_and_the_response_signed() {
    let sent = delivered("", &key_descriptor("", "")).unwrap();
    assert!(sent.contains("xmlenc11#aes256-gcm") && sent.contains("EncryptedAssertion"));
    assert!(!sent.contains("<saml:Assertion"));
    assert_eq!(sent.matches("<ds:Signature ").count(), 1, "the other one is inside");
}

#[test]
fn service_without_a_usable_key_gets_no_clear_text() {
    assert_eq!(delivered("", "").unwrap_err(), NothingInCommon::NoKey);
    assert_eq!(delivered("", &key_descriptor(r#"use="signing""#, "")).unwrap_err(), NothingInCommon::NoKey);
}

#[test]
fn cipher_that_the_agreement_does_not_name_is_not_used_though_it_is_all_that_the_service_takes() {
    let only_cbc = key_descriptor("", &methods(&[CBC, OAEP_MGF1P]));
    let both_lists = delivered("", &only_cbc).unwrap_err().to_string();
    for uri in [AES_256, AES_128, CBC, OAEP, OAEP_MGF1P] {
        assert!(both_lists.contains(uri), "{both_lists}");
    }
    let cbc = "\n[encryption]\nexception = \"aes-256-cbc\"\nreason = \"test\"\n";
    assert!(delivered(cbc, &only_cbc).unwrap().contains(CBC));
}

#[test]
fn key_that_lists_only_what_we_do_not_know_does_not_count_as_listing_nothing() {
    for listed in
        [&[TRIPLE_DES][..], &["urn:example:cipher"], &[RSA_1_5], &[AES_256, RSA_1_5], &[TRIPLE_DES, OAEP_MGF1P]]
    {
        let refused = delivered("", &key_descriptor("", &methods(listed))).unwrap_err();
        assert!(matches!(refused, NothingInCommon::Encryption { .. }), "{listed:?}: {refused}");
    }
}

#[test]
fn service_gets_the_first_of_ours_that_it_lists() {
    let sent = |listed: &str| delivered("", &key_descriptor("", listed)).unwrap();
    let smaller = sent(&methods(&[TRIPLE_DES, AES_128]));
    assert!(smaller.contains(AES_128) && smaller.contains(OAEP_MGF1P));
    assert!(sent(&methods(&[AES_128, AES_256])).contains(AES_256), "its order is no order for us");
    let only_transport = sent(&methods(&[RSA_1_5, OAEP_MGF1P]));
    assert!(only_transport.contains(AES_256) && only_transport.contains(OAEP_MGF1P));

    let sha256 = "http://www.w3.org/2001/04/xmlenc#sha256";
    let newer = sent(&format!(
        r#"<md:EncryptionMethod Algorithm="{OAEP}"><ds:DigestMethod xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Algorithm="{sha256}"/></md:EncryptionMethod>"#
    ));
    assert!(
        newer.contains(&format!(r#"Algorithm="{OAEP}"><ds:DigestMethod"#)) && newer.contains("mgf1sha1"),
        "{newer}"
    );
}

#[test]
fn method_whose_key_size_contradicts_its_algorithm_is_passed_over() {
    let sized = |algorithm: &str, bits: &str| {
        format!(
            r#"<md:EncryptionMethod Algorithm="{algorithm}"><xenc:KeySize xmlns:xenc="http://www.w3.org/2001/04/xmlenc#">{bits}</xenc:KeySize></md:EncryptionMethod>"#
        )
    };
    let sent = |listed: &str| delivered("", &key_descriptor("", listed));
    assert!(sent(&sized(AES_256, " 256\n")).unwrap().contains(AES_256));
    let both = sized(AES_256, "128") + &sized(AES_128, "128") + &sized(OAEP_MGF1P, "2048");
    assert!(sent(&both).unwrap().contains(AES_128), "the first says that it is not what it is called");
    let lists = sent(&sized(AES_256, "192")).unwrap_err().to_string();
    assert!(lists.contains("xmlenc11#aes256-gcm (with a key of 192 bits)"), "{lists}");
    // Of a key transport it is the length of the RSA key, which has 2048 bits here.
    let other = sent(&(sized(OAEP_MGF1P, "4096") + &sized(OAEP, "2048"))).unwrap();
    assert!(other.contains(OAEP) && !other.contains(OAEP_MGF1P));
    assert!(matches!(sent(&sized(OAEP_MGF1P, "4096")), Err(NothingInCommon::Encryption { .. })));

    for malformed in ["", "0", "-128", "+128", "128 bits", "1e2", "99999999999", "0x80"] {
        let broken =
            ServiceProvider::read(&files("", "", &key_descriptor("", &sized(AES_128, malformed)))).unwrap_err();
        assert!(
            broken[0].line > 0 && broken[0].reason.contains("xenc:KeySize must be a number of bits"),
            "{malformed}: {broken:?}"
        );
    }
    let twice = sized(AES_128, "128").replace(
        "</xenc:KeySize>",
        "</xenc:KeySize><KeySize xmlns=\"http://www.w3.org/2001/04/xmlenc#\">256</KeySize>",
    );
    ServiceProvider::read(&files("", "", &key_descriptor("", &twice))).unwrap_err();
}

#[test]
fn first_key_that_can_be_used_is_used() {
    let (unusable, usable) = (key_descriptor("", &methods(&[TRIPLE_DES])), other_key_descriptor(&methods(&[AES_128])));
    assert!(delivered("", &format!("{unusable}{usable}")).unwrap().contains(AES_128));
}

#[test]
fn exceptions_are_what_they_are_called() {
    let both = delivered(CLEAR, "").unwrap();
    assert_eq!((both.matches("<ds:Signature ").count(), both.contains("<saml:Assertion")), (2, true));
    let one = |name: &str| {
        let signing = format!("{CLEAR}\n[signing]\nexception = \"{name}\"\nreason = \"test\"\n");
        delivered(&signing, "").unwrap()
    };
    for name in ["assertion-only", "response-only"] {
        let sent = one(name);
        assert_eq!(sent.matches("<ds:Signature ").count(), 1, "{name}");
        let (before, _) = sent.split_once("<saml:Assertion").unwrap();
        assert_eq!(before.contains("<ds:Signature "), name == "response-only", "{name}");
    }
    let smaller = "\n[encryption]\nexception = \"aes-128-gcm\"\nreason = \"test\"\n";
    assert!(delivered(smaller, &key_descriptor("", "")).unwrap().contains("xmlenc11#aes128-gcm"));
}

#[test]
fn service_that_wants_its_assertions_signed_gets_them_signed() {
    let mut files = files("", "", "");
    let metadata = String::from_utf8(files.metadata).unwrap();
    files.metadata =
        metadata.replace("<md:SPSSODescriptor ", r#"<md:SPSSODescriptor WantAssertionsSigned="true" "#).into();
    let signing = format!("{CLEAR}\n[signing]\nexception = \"response-only\"\nreason = \"test\"\n");
    assert_eq!(delivered_for(files.clone(), &signing).unwrap().matches("<ds:Signature ").count(), 2);
    files.agreement.extend_from_slice(signing.as_bytes());
    let warnings = ServiceProvider::read(&files).unwrap().lint(date!(2026 - 01 - 01), DeniedAlgorithms::NONE);
    assert!(warnings.contains(&LintWarning::ResponseOnlyWithoutEffect), "{warnings:?}");
}

#[test]
fn linter_says_beforehand_that_nothing_can_be_sent() {
    let lint = |md: &str| {
        ServiceProvider::read(&files("", "", md)).unwrap().lint(date!(2026 - 01 - 01), DeniedAlgorithms::NONE)
    };
    assert!(lint("").contains(&LintWarning::NoEncryptionKey));
    let warnings = lint(&key_descriptor("", &methods(&[TRIPLE_DES])));
    assert!(warnings.iter().any(|warning| warning.to_string().contains(TRIPLE_DES)), "{warnings:?}");
}

#[test]
fn metadata_that_chooses_the_shorter_key_lowers_protection() {
    let read = |listed: &[&str]| ServiceProvider::read(&files("", "", &key_descriptor("", &methods(listed)))).unwrap();
    let lowered = read(&[AES_128]).lowers_protection_of(&read(&[]));
    assert!(matches!(lowered[..], [LoweredProtection::EncryptionWeaker(_)]), "{lowered:?}");
    assert_eq!(read(&[AES_256]).lowers_protection_of(&read(&[AES_128])), []);
}

#[test]
fn new_host_by_artifact_lowers_protection_as_one_by_post_does() {
    let endpoint = |binding: &str| {
        let acs = format!(
            r#"<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:{binding}" Location="https://elsewhere.example.gov/acs" index="9"/>"#
        );
        ServiceProvider::read(&files("", "", &acs)).unwrap()
    };
    let before = ServiceProvider::read(&files("", "", "")).unwrap();
    for binding in ["HTTP-POST", "HTTP-Artifact"] {
        let lowered = endpoint(binding).lowers_protection_of(&before);
        assert!(matches!(lowered[..], [LoweredProtection::AssertionConsumerHostAdded(_)]), "{binding}: {lowered:?}");
    }
}

#[test]
fn signature_is_one_that_the_service_lists_whole() {
    let listing = |listed: &str| {
        let extensions = format!(
            r#"<md:Extensions xmlns:alg="urn:oasis:names:tc:SAML:metadata:algsupport">{listed}</md:Extensions>"#
        );
        let mut files = files("", "", "");
        let metadata = String::from_utf8(files.metadata).unwrap();
        files.metadata =
            metadata.replacen("<md:AssertionConsumer", &format!("{extensions}<md:AssertionConsumer"), 1).into();
        ServiceProvider::read(&files).unwrap()
    };
    let chosen = |listed: &str| {
        let signer = keys::RSA.signer();
        signature(listing(listed).metadata(), &signer, DeniedAlgorithms::NONE).map(SignatureAlgorithm::uri)
    };
    let [sha256, sha384, sha512] =
        ["256", "384", "512"].map(|bits| format!("http://www.w3.org/2001/04/xmldsig-more#rsa-sha{bits}"));
    let method = |uri: &str, more: &str| format!(r#"<alg:SigningMethod Algorithm="{uri}" {more}/>"#);
    let digest = |bits: u32| format!(r#"<alg:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha{bits}"/>"#);
    let other = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
    assert_eq!(chosen(""), Ok(&*sha256), "it lists nothing");
    assert_eq!(chosen(&(method(other, "") + &method(&sha512, ""))), Ok(&*sha512));
    // One that it lists for longer keys alone, beside one that it lists for any.
    assert_eq!(chosen(&(method(&sha256, r#"MinKeySize="4096""#) + &method(&sha384, ""))), Ok(&*sha384));
    assert_eq!(chosen(&(method(&sha256, "") + &method(&sha512, "") + &digest(512))), Ok(&*sha512));
    let told = |listed: &str| chosen(listed).unwrap_err().to_string();
    assert!(told(&method(other, "")).contains(&format!("lists the signatures {other} and the digests (any);")));
    assert!(
        told(&(method(&sha256, "") + &digest(512) + &digest(512)))
            .contains("the digests http://www.w3.org/2001/04/xmlenc#sha512;")
    );
    // Each once, in one order.
    let many = told(&[&sha512, other, &sha512].map(|uri| method(uri, r#"MaxKeySize="512""#)).concat());
    assert_eq!((many.matches(other).count(), many.find(other) < many.find(&sha512)), (1, true), "{many}");
}

#[test]
fn key_transport_that_is_denied_is_not_used() {
    let service = ServiceProvider::read(&files("", "", &key_descriptor("", ""))).unwrap();
    let travels = |denied: &[&str]| {
        let denied = DeniedAlgorithms::parse(denied.iter().copied()).unwrap();
        let chosen = sealing(service.metadata().encryption_keys(), None, denied);
        chosen.map(|sealing| (sealing.method.cipher.uri(), sealing.method.key_transport.uri()))
    };
    assert_eq!(travels(&[]).unwrap(), (AES_256, OAEP_MGF1P));
    assert_eq!(travels(&[OAEP_MGF1P]).unwrap(), (AES_256, OAEP));
    assert_eq!(travels(&[AES_256]).unwrap(), (AES_128, OAEP_MGF1P));
    let denied = DeniedAlgorithms::parse([AES_128]).unwrap();
    let shorter = Some(EncryptionException::Aes128Gcm);
    let nothing = sealing(service.metadata().encryption_keys(), shorter, denied).unwrap_err().to_string();
    let transports = format!("{OAEP_MGF1P} or {OAEP}");
    assert!(nothing.ends_with(&format!("allow (none that is not denied) with {transports}")), "{nothing}");
}

#[tokio::test]
async fn nobody_is_asked_to_sign_in_for_an_answer_that_cannot_be_sent() {
    let only_triple_des = format!("{}</md:KeyDescriptor>", methods(&[TRIPLE_DES]));
    let agreement = agreement("default_attributes = [\"email\"]", &["email"]);
    let house =
        House::with_metadata(agreement, |metadata| metadata.replace("</md:KeyDescriptor>", &only_triple_des)).await;
    let request = house.request(&Ask::default());
    let page = house.app.browser().get(&request.url).await;
    page.expect_status(400).expect_words("S23").expect_words("cannot send anything").expect_words(TRIPLE_DES);
}

/// A house whose service lists these signatures, and nothing else, in its metadata.
async fn house_listing(listed: &str) -> House {
    let agreement = agreement("default_attributes = [\"email\"]", &["email"]);
    let extensions = format!(r#"<md:Extensions xmlns:alg="urn:oasis:names:tc:SAML:metadata:algsupport">{listed}"#);
    House::with_metadata(agreement, |metadata| metadata.replacen("<md:Extensions>", &extensions, 1)).await
}

#[tokio::test]
async fn signature_is_the_first_of_our_keys_that_the_service_lists() {
    let house = house_listing(
        r#"<alg:DigestMethod Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"/>
        <alg:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha512"/>
        <alg:SigningMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/>
        <alg:SigningMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha384"/>
        <alg:SigningMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha512" MinKeySize="2048"/>"#,
    )
    .await;
    let (browser, _) = house.fiona().await;
    let request = house.request(&Ask::default());
    let page = browser.get(&request.url).await;
    let answer = browser.submit_form(&page.form_with(&["digest"])).await;
    house.signed_in(&answer, &request);
    let form = answer.form_with(&["SAMLResponse"]);
    let response = String::from_utf8(BASE64.decode(form.value("SAMLResponse").unwrap()).unwrap()).unwrap();
    assert!(response.contains("xmldsig-more#rsa-sha512") && response.contains("xmlenc#sha512"), "{response}");
}

#[tokio::test]
async fn service_that_verifies_nothing_of_ours_is_told_both_lists_before_anybody_signs_in() {
    let ecdsa = r#"<alg:SigningMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/>"#;
    let longer =
        r#"<alg:SigningMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256" MinKeySize="4096"/>"#;
    let sha1 = r#"<alg:DigestMethod Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"/>"#;
    for (listed, theirs) in [(ecdsa, "ecdsa-sha256"), (longer, "4096 bits and more"), (sha1, "xmldsig#sha1")] {
        let house = house_listing(listed).await;
        let page = house.app.browser().get(&house.request(&Ask::default()).url).await;
        page.expect_status(400).expect_words("S24").expect_words(theirs).expect_words("rsa-sha512");
        page.expect_words("only kinds of signature that we do not make");
    }
}
