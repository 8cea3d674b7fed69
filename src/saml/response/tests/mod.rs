//! The answer's line, from the plan to the form. Here and not in `tests/`, since nobody outside can make an assertion.

mod other_side;

use std::{path::Path, process::Command, sync::Arc};

use openssl::{
    asn1::Asn1Time,
    bn::BigNum,
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    rsa::Rsa,
    x509::{X509, X509NameBuilder},
};
use proptest::prelude::*;
use time::macros::utc_datetime;
use zeroize::Zeroizing;

use super::*;
use crate::saml::{
    AcsSelection, DeniedAlgorithms, SpMetadata,
    assertion::{Assertion, AssertionAttribute, AssertionParts, NameId},
    encryption::{AcceptedCiphers, BlockEncryption, EncryptionKey, EncryptionSeed, Opener, PemOpener, decrypt},
    signature::{PemSigner, SignatureAlgorithm, SignatureError, SigningFailed, VerificationKey, verify_enveloped},
    xml::{Document, Limits},
};

const FORMAT: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic";

struct Pair {
    private_pem: Vec<u8>,
    certificate_pem: Vec<u8>,
    certificate_der: Vec<u8>,
}

impl Pair {
    fn of(key: &PKey<Private>) -> Self {
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_text("CN", "signet test").unwrap();
        let mut builder = X509::builder().unwrap();
        builder.set_subject_name(&name.build()).unwrap();
        builder.set_serial_number(&BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap()).unwrap();
        builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
        builder.set_pubkey(key).unwrap();
        builder.sign(key, MessageDigest::sha256()).unwrap();
        let certificate = builder.build();
        Self {
            private_pem: key.private_key_to_pem_pkcs8().unwrap(),
            certificate_pem: certificate.to_pem().unwrap(),
            certificate_der: certificate.to_der().unwrap(),
        }
    }

    fn rsa() -> Self {
        Self::of(&PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap())
    }

    fn ec() -> Self {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        Self::of(&PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap())
    }

    fn signer(&self) -> PemSigner {
        PemSigner::from_pem(&self.private_pem, &self.certificate_pem).unwrap()
    }

    fn key(&self) -> VerificationKey {
        VerificationKey::from_certificate_der(&self.certificate_der).unwrap()
    }
}

fn acs() -> AcsLocation {
    let metadata =
        br#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://sp.example/">
      <md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
      <md:AssertionConsumerService index="0" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
        Location="https://sp.example/acs?a=1&amp;b=2"/></md:SPSSODescriptor></md:EntityDescriptor>"#;
    SpMetadata::parse(metadata).unwrap().acs_location(&AcsSelection::Default, None, false).unwrap()
}

fn plan() -> AssertionParts {
    AssertionParts {
        id: MessageId::from_entropy([1; 20]),
        issuer: EntityId::parse("https://idp.example/saml").unwrap(),
        issue_instant: utc_datetime!(2026-11-24 12:00:00.25),
        name_id: NameId::persistent("b5c0…"),
        audience: EntityId::parse("https://sp.example/").unwrap(),
        recipient: acs(),
        in_response_to: MessageId::parse("_request").unwrap(),
        not_before: utc_datetime!(2026-11-24 11:59:55),
        not_on_or_after: utc_datetime!(2026-11-24 12:05),
        authn_instant: utc_datetime!(2026-11-24 11:58),
        session_index: "_session".into(),
        session_not_on_or_after: Some(utc_datetime!(2026-11-24 20:00)),
        authn_context_class_ref: "http://idmanagement.gov/ns/assurance/aal/2?phishing_resistant=true".into(),
        attributes: vec![
            attribute("email", &["a@agency.example"]),
            attribute("all_emails", &["a@b.example", "c@d.example"]),
        ],
    }
}

fn attribute(name: &str, values: &[&str]) -> AssertionAttribute {
    AssertionAttribute {
        name: name.into(),
        name_format: FORMAT.into(),
        friendly_name: Some(name.into()),
        values: values.iter().map(|value| Zeroizing::new((*value).to_owned())).collect(),
    }
}

fn seed() -> EncryptionSeed {
    EncryptionSeed { content_key: [3; 32], iv: [4; 16] }
}

fn response(assertion: impl Into<SentAssertion>) -> Response {
    let consent = ConsentObtained::CurrentExplicit;
    Response::success(MessageId::from_entropy([2; 20]), utc_datetime!(2026-11-24 12:00:01), consent, assertion)
}

fn failure(status: Status) -> Response {
    let address =
        FailureAddress { issuer: plan().issuer, acs: acs(), in_response_to: MessageId::parse("_request").unwrap() };
    Response::failure(MessageId::from_entropy([2; 20]), utc_datetime!(2026-11-24 12:00:01), address, status)
}

/// The OASIS schemas, as Debian packages them.
fn assert_schema_valid(document: &str) {
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/saml/schemas");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), document).unwrap();
    let judged = Command::new("xmllint")
        .env("XML_CATALOG_FILES", schemas.join("catalog.xml"))
        .args(["--nonet", "--noout", "--schema"])
        .arg(schemas.join("saml-all.xsd"))
        .arg(file.path())
        .output()
        .expect("the program xmllint is missing: apt-get install libxml2-utils");
    assert!(judged.status.success(), "{}\n{document}", String::from_utf8_lossy(&judged.stderr));
}

fn xmlsec1(document: &str, pair: &Pair, signature: &str) -> bool {
    let desk = tempfile::tempdir().unwrap();
    let (key, file) = (desk.path().join("certificate.pem"), desk.path().join("document.xml"));
    std::fs::write(&key, &pair.certificate_pem).unwrap();
    std::fs::write(&file, document).unwrap();
    Command::new("xmlsec1")
        .args(["--verify", "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:Response"])
        .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion", "--node-xpath", signature])
        .arg("--pubkey-cert-pem")
        .args([&key, &file])
        .output()
        .expect("the program xmlsec1 is missing: apt-get install xmlsec1")
        .status
        .success()
}

const OF_RESPONSE: &str = "/*/*[local-name()='Signature']";
const OF_ASSERTION: &str = "/*/*[local-name()='Assertion']/*[local-name()='Signature']";

#[test]
fn a_signed_answer_is_schema_valid_and_xmlsec1_verifies_both_signatures() {
    for pair in [Pair::rsa(), Pair::ec()] {
        let assertion = Assertion::new(plan()).unwrap().sign(&pair.signer()).unwrap();
        let signed = response(assertion).sign(&pair.signer()).unwrap();
        assert_schema_valid(signed.as_str());
        assert!(xmlsec1(signed.as_str(), &pair, OF_RESPONSE));
        assert!(xmlsec1(signed.as_str(), &pair, OF_ASSERTION));
        let changed = signed.as_str().replace("a@agency", "b@agency");
        assert!(!xmlsec1(&changed, &pair, OF_RESPONSE));
        assert!(!xmlsec1(&changed, &pair, OF_ASSERTION));
    }
}

#[test]
fn every_kind_of_assertion_is_schema_valid() {
    let signer = Pair::rsa().signer();
    for name_id in [NameId::persistent("p"), NameId::transient("t"), NameId::email_address("a@agency.example")] {
        let plain = AssertionParts {
            name_id,
            session_not_on_or_after: None,
            attributes: vec![AssertionAttribute { friendly_name: None, ..attribute("uuid", &[""]) }],
            ..plan()
        };
        let bare = AssertionParts { attributes: Vec::new(), ..plain.clone() };
        for parts in [plain, bare] {
            let signed = response(Assertion::new(parts).unwrap().sign(&signer).unwrap()).sign(&signer).unwrap();
            assert_schema_valid(signed.as_str());
        }
    }
}

#[test]
fn without_attributes_there_is_no_attribute_statement() {
    let parts = AssertionParts { attributes: Vec::new(), ..plan() };
    let signed = Assertion::new(parts).unwrap().sign(&Pair::ec().signer()).unwrap();
    assert!(!String::from_utf8_lossy(signed.as_bytes()).contains("AttributeStatement"));
}

#[test]
fn an_email_address_is_not_qualified_and_a_persistent_name_is() {
    let signer = Pair::ec().signer();
    let written = |name_id| {
        let signed = Assertion::new(AssertionParts { name_id, ..plan() }).unwrap().sign(&signer).unwrap();
        String::from_utf8(signed.as_bytes().to_vec()).unwrap()
    };
    assert!(!written(NameId::email_address("a@agency.example")).contains("NameQualifier"));
    let persistent = written(NameId::persistent("p"));
    assert!(persistent.contains(r#"NameQualifier="https://idp.example/saml" SPNameQualifier="https://sp.example/""#));
}

#[test]
fn an_encrypted_answer_hides_the_person_and_opens_to_the_very_assertion() {
    let (idp, sp) = (Pair::rsa(), Pair::rsa());
    let key = EncryptionKey::from_certificate_der(&sp.certificate_der).unwrap();
    let assertion = Assertion::new(plan()).unwrap().sign(&idp.signer()).unwrap();
    let clear = assertion.as_bytes().to_vec();
    let encrypted = assertion.encrypt(&key, BlockEncryption::Aes256Gcm, seed()).unwrap();
    let signed = response(encrypted).sign(&idp.signer()).unwrap();
    assert_schema_valid(signed.as_str());
    assert!(xmlsec1(signed.as_str(), &idp, OF_RESPONSE));
    assert!(!signed.as_str().contains("a@agency.example") && !signed.as_str().contains("_session"));

    let document = Document::parse(signed.as_str().as_bytes(), &Limits::PROTOCOL).unwrap();
    let encrypted = document.root().child(ns::ASSERTION, "EncryptedAssertion").unwrap();
    let opener: Arc<dyn Opener> = Arc::new(PemOpener::from_pem(&sp.private_pem, &sp.certificate_pem).unwrap());
    let opened = decrypt(encrypted, &[opener], AcceptedCiphers::Authenticated, DeniedAlgorithms::NONE).unwrap();
    assert_eq!(*opened, clear);
    let opened = Document::parse(&opened, &Limits::PROTOCOL).unwrap();
    verify_enveloped(opened.root(), SignaturePosition::AfterIssuer, &[idp.key()]).unwrap();
}

#[test]
fn the_address_of_an_answer_is_that_of_its_assertion() {
    let signer = Pair::ec().signer();
    let signed = response(Assertion::new(plan()).unwrap().sign(&signer).unwrap()).sign(&signer).unwrap();
    assert!(signed.as_str().contains(r#"Destination="https://sp.example/acs?a=1&amp;b=2""#));
    assert_eq!(signed.as_str().matches(r#"InResponseTo="_request""#).count(), 2);
    assert_eq!(signed.as_str().matches("https://sp.example/acs?a=1&amp;b=2").count(), 2);
    assert_eq!(signed.into_form(None).acs(), &acs());
}

#[test]
fn nothing_leaves_without_any_signature() {
    let (signer, key) =
        (Pair::ec().signer(), EncryptionKey::from_certificate_der(&Pair::rsa().certificate_der).unwrap());
    let unsigned = || Assertion::new(plan()).unwrap().leave_unsigned();
    let encrypted = unsigned().encrypt(&key, BlockEncryption::Aes128Gcm, seed()).unwrap();
    let status = Status { code: TopStatus::Responder, nested: None, message: None };
    for answer in [response(unsigned()), response(encrypted), failure(status)] {
        assert!(matches!(answer.rely_on_assertion(), Err(OutboundError::NothingSigned)));
    }
    assert!(response(unsigned()).sign(&signer).is_ok());
    let relied = response(Assertion::new(plan()).unwrap().sign(&signer).unwrap()).rely_on_assertion().unwrap();
    assert_schema_valid(relied.as_str());
    assert_eq!(relied.as_str().matches("<ds:Signature ").count(), 1);
}

#[test]
fn an_assertion_signed_alone_verifies_in_its_place() {
    let pair = Pair::ec();
    let signed = response(Assertion::new(plan()).unwrap().sign(&pair.signer()).unwrap()).rely_on_assertion().unwrap();
    let document = Document::parse(signed.as_str().as_bytes(), &Limits::PROTOCOL).unwrap();
    let assertion = document.root().child(ns::ASSERTION, "Assertion").unwrap();
    verify_enveloped(assertion, SignaturePosition::AfterIssuer, &[pair.key()]).unwrap();
}

#[test]
fn a_failure_says_why_and_carries_no_assertion() {
    let pair = Pair::rsa();
    for (nested, message) in [
        (None, None),
        (Some(NestedStatus::NoAuthnContext), None),
        (Some(NestedStatus::InvalidNameIdPolicy), Some("the format <x> is not agreed")),
    ] {
        let status = Status { code: TopStatus::Requester, nested, message: message.map(str::to_owned) };
        let signed = failure(status).sign(&pair.signer()).unwrap();
        assert_schema_valid(signed.as_str());
        assert!(xmlsec1(signed.as_str(), &pair, OF_RESPONSE));
        assert!(!signed.as_str().contains("saml:Assertion"));
        assert_eq!(signed.as_str().contains("<samlp:StatusMessage>"), message.is_some());
        assert!(nested.is_none_or(|nested| signed.as_str().contains(nested.uri())));
    }
}

#[test]
fn the_form_carries_the_answer_and_echoes_relay_state() {
    let signer = Pair::ec().signer();
    let signed = failure(Status { code: TopStatus::Responder, nested: Some(NestedStatus::NoPassive), message: None })
        .sign(&signer)
        .unwrap();
    let xml = signed.as_str().to_owned();
    let form = signed.into_form(Some(RelayState::parse("a\"<b>&\u{e9} ").unwrap()));
    assert_eq!(BASE64.decode(form.saml_response()).unwrap(), xml.as_bytes());
    assert_eq!(form.relay_state().unwrap().as_str(), "a\"<b>&\u{e9} ");
    assert!(!format!("{form:?}").contains(form.saml_response()));
}

#[test]
fn debug_shows_no_personal_data() {
    let parts = plan();
    let shown = format!("{parts:?} {:?}", Assertion::new(parts.clone()).unwrap().sign(&Pair::ec().signer()).unwrap());
    assert!(!shown.contains("b5c0") && !shown.contains("a@agency.example"), "{shown}");
}

/// A key that signs something else, or whose certificate is another's.
struct BrokenSigner {
    inner: PemSigner,
    certificate_der: Vec<u8>,
    fails: bool,
}

impl Signer for BrokenSigner {
    fn algorithm(&self) -> SignatureAlgorithm {
        self.inner.algorithm()
    }

    fn algorithms(&self) -> &[SignatureAlgorithm] {
        self.inner.algorithms()
    }

    fn key_bits(&self) -> u32 {
        self.inner.key_bits()
    }

    fn key_id(&self) -> &str {
        self.inner.key_id()
    }

    fn certificate_der(&self) -> &[u8] {
        &self.certificate_der
    }

    fn sign_by(&self, algorithm: SignatureAlgorithm, octets: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        if self.fails { Err(SigningFailed("out of reach".into())) } else { self.inner.sign_by(algorithm, octets) }
    }
}

#[test]
fn what_our_own_certificate_does_not_verify_does_not_leave() {
    let signer = BrokenSigner { inner: Pair::ec().signer(), certificate_der: Pair::ec().certificate_der, fails: false };
    let to = EncryptionKey::from_certificate_der(&Pair::rsa().certificate_der).unwrap();
    let signed = || Assertion::new(plan()).unwrap().sign(&signer).unwrap();
    for refused in [
        response(signed()).rely_on_assertion().unwrap_err(),
        response(signed()).sign(&Pair::ec().signer()).unwrap_err(),
        signed().encrypt(&to, BlockEncryption::Aes256Gcm, seed()).unwrap_err(),
        response(Assertion::new(plan()).unwrap().leave_unsigned()).sign(&signer).unwrap_err(),
    ] {
        let OutboundError::ReadBack(ReadBackError::Signature(SignatureError::NoKeyVerifies { tried: 1 })) = refused
        else {
            panic!("{refused}")
        };
    }
}

#[test]
fn a_key_out_of_reach_is_an_error_and_no_unsigned_answer() {
    let pair = Pair::ec();
    let signer = BrokenSigner { inner: pair.signer(), certificate_der: pair.certificate_der, fails: true };
    assert!(matches!(Assertion::new(plan()).unwrap().sign(&signer), Err(OutboundError::Signing(_))));
}

#[test]
fn a_value_that_xml_cannot_carry_is_refused() {
    for value in ["\0", "\u{1}", "\u{fffe}"] {
        let parts = AssertionParts { attributes: vec![attribute("x", &[value])], ..plan() };
        assert!(matches!(Assertion::new(parts), Err(OutboundError::Write(_))));
    }
}

#[test]
fn reading_back_finds_every_difference_from_the_plan() {
    let plan = plan();
    let response = response(Assertion::new(plan.clone()).unwrap().leave_unsigned());
    let written = response.write().canonical().unwrap().into_string();
    let differs = |text: &str| {
        let document = Document::parse(text.as_bytes(), &Limits::PROTOCOL).unwrap();
        response.compare(document.root(), false).is_err()
    };
    assert!(!differs(&written));
    for (from, to) in [
        ("Destination=\"https://sp.example", "Destination=\"https://sp.evil"),
        ("InResponseTo=\"_request\"", "InResponseTo=\"_other\""),
        ("consent:current-explicit", "consent:prior"),
        (" Version=\"2.0\"", " Version=\"2.0\" Other=\"urn:x\""),
        ("https://idp.example/saml</saml:Issuer>", "https://idp.evil/saml</saml:Issuer>"),
        ("status:Success", "status:Requester"),
        ("a@agency.example", "b@agency.example"),
        ("assurance/aal/2", "assurance/aal/3"),
        ("<samlp:Status>", "x<samlp:Status>"),
        ("</samlp:Response>", "<samlp:Extensions></samlp:Extensions></samlp:Response>"),
    ] {
        let changed = written.replacen(from, to, 1);
        assert_ne!(changed, written, "{from}");
        assert!(differs(&changed), "{from}");
    }
}

/// Every text that differs from this one in one place: an attribute's value, an attribute less or more, some text more, an
/// element less, more, twice, or of another name.
fn damaged(canonical: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut open = Vec::new();
    let mut change = |from: usize, to: usize, text: &str| {
        all.push(format!("{}{text}{}", &canonical[..from], &canonical[to..]));
    };
    for (begins, _) in canonical.match_indices('<') {
        let ends = begins + canonical[begins..].find('>').unwrap() + 1;
        let tag = &canonical[begins..ends];
        if let Some(name) = tag.strip_prefix("</") {
            let name = &name[..name.len() - 1];
            let start: usize = open.pop().unwrap();
            let element = &canonical[start..ends];
            change(start, ends, "");
            change(ends, ends, element);
            change(start, ends, &format!("<{name}x{}</{name}x>", &element[1 + name.len()..element.len() - tag.len()]));
            change(begins, begins, "<more></more>");
            change(begins, begins, "more");
            continue;
        }
        open.push(begins);
        change(ends - 1, ends - 1, " more=\"\"");
        for (at, _) in tag.match_indices("=\"") {
            let name = tag[..at].rfind(' ').unwrap();
            let value_ends = at + 2 + tag[at + 2..].find('"').unwrap();
            if !tag[name..].starts_with(" xmlns") {
                change(begins + value_ends, begins + value_ends, "x");
                change(begins + name, begins + value_ends + 1, "");
            }
        }
    }
    all
}

#[test]
fn reading_back_finds_whatever_is_changed_at_any_place() {
    let status = |nested, message: Option<&str>| Status {
        code: TopStatus::Responder,
        nested,
        message: message.map(str::to_owned),
    };
    let transient = AssertionParts {
        name_id: NameId::email_address("a@agency.example"),
        session_not_on_or_after: None,
        attributes: vec![AssertionAttribute { friendly_name: None, ..attribute("email", &["a@agency.example"]) }],
        ..plan()
    };
    let to = EncryptionKey::from_certificate_der(&Pair::rsa().certificate_der).unwrap();
    let unsigned = |parts| Assertion::new(parts).unwrap().leave_unsigned();
    for response in [
        response(unsigned(plan())),
        response(unsigned(transient)),
        response(unsigned(AssertionParts { attributes: Vec::new(), ..plan() })),
        response(unsigned(plan()).encrypt(&to, BlockEncryption::Aes256Gcm, seed()).unwrap()),
        failure(status(Some(NestedStatus::NoPassive), Some("No page may be shown."))),
        failure(status(None, None)),
    ] {
        let written = response.write().canonical().unwrap().into_string();
        let compared = |text: &str| {
            let document = Document::parse(text.as_bytes(), &Limits::PROTOCOL).ok()?;
            Some(response.compare(document.root(), false))
        };
        assert_eq!(compared(&written), Some(Ok(())));
        let damaged = damaged(&written);
        let mut read = 0;
        for text in &damaged {
            let Some(compared) = compared(text) else { continue };
            assert!(compared.is_err(), "{text}");
            read += 1;
        }
        assert!(read > damaged.len() / 2, "{read} of {} are read at all", damaged.len());
    }
}

#[test]
fn what_was_written_for_another_plan_does_not_leave() {
    let signer = Pair::ec().signer();
    let plain = || response(Assertion::new(plan()).unwrap().leave_unsigned());
    let other = || {
        response(Assertion::new(AssertionParts { session_index: "_other".into(), ..plan() }).unwrap().leave_unsigned())
    };
    let differs = |written: Canonical, signer: Option<&dyn Signer>| plain().once_written(written, signer).unwrap_err();
    let signed =
        |response: &Response| sign_enveloped(&response.write(), SignaturePosition::AfterIssuer, &signer).unwrap();
    assert_eq!(differs(other().write().canonical().unwrap(), None), ReadBackError::Differs("SessionIndex"));
    assert_eq!(differs(signed(&other()), Some(&signer)), ReadBackError::Differs("SessionIndex"));
    assert_eq!(differs(signed(&plain()), None), ReadBackError::Differs("Status"));
    let absent = differs(plain().write().canonical().unwrap(), Some(&signer));
    assert_eq!(absent, ReadBackError::Signature(SignatureError::Absent));
    assert!(plain().once_written(signed(&plain()), Some(&signer)).is_ok());
}

#[test]
fn what_waited_is_taken_only_as_this_program_writes_it() {
    let signer = Pair::ec().signer();
    let signed = response(Assertion::new(plan()).unwrap().sign(&signer).unwrap()).sign(&signer).unwrap();
    let text = signed.as_str();
    assert_eq!(KeptResponse::read(text.as_bytes()).unwrap().canonical().as_str(), text);
    let other = ReadBackError::Differs("Response");
    for refused in [
        text.replacen(" Version=\"2.0\"", "  Version=\"2.0\"", 1),
        text.replacen("<samlp:Status>", "<samlp:Status xmlns:other=\"urn:x\">", 1),
        text.replace("samlp:", "other:").replacen("xmlns:samlp", "xmlns:other", 1),
        text.replacen("<samlp:Status>", "<samlp:Status><x:x xmlns:x=\"urn:x\"></x:x>", 1),
        text.replacen("urn:oasis:names:tc:SAML:2.0:assertion", "urn:x", 1),
        String::from_utf8(Assertion::new(plan()).unwrap().as_bytes().to_vec()).unwrap(),
        failure(Status { code: TopStatus::Responder, nested: None, message: None })
            .write()
            .canonical()
            .unwrap()
            .into_string()
            .replace("samlp:Response", "samlp:LogoutResponse"),
    ] {
        assert_eq!(KeptResponse::read(refused.as_bytes()).err(), Some(other.clone()), "{refused}");
    }
}

#[test]
fn octets_of_an_assertion_are_those_that_are_sent() {
    let signer = Pair::ec().signer();
    let assertion = || Assertion::new(plan()).unwrap();
    let bare = assertion().as_bytes().to_vec();
    assert!(bare.starts_with(b"<saml:Assertion ") && assertion().leave_unsigned().as_bytes() == bare);
    let sent = |octets: &[u8], response: &Response| {
        response.write().canonical().unwrap().as_str().contains(std::str::from_utf8(octets).unwrap())
    };
    assert!(sent(&bare, &response(assertion().leave_unsigned())));
    let signed = assertion().sign(&signer).unwrap();
    let octets = signed.as_bytes().to_vec();
    assert!(octets != bare && sent(&octets, &response(signed)));
}

#[test]
fn names_are_of_the_formats_that_we_give_and_of_no_other() {
    for name in [NameId::persistent("p"), NameId::transient("t"), NameId::email_address("a@agency.example")] {
        let again = NameId::of_format(name.format(), name.value()).unwrap();
        assert_eq!((again.format(), again.value()), (name.format(), name.value()));
    }
    assert!(NameId::of_format("urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified", "p").is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a person is called, it arrives as it was, or nothing leaves.
    #[test]
    fn every_value_arrives_octet_for_octet(name in ".{0,40}", values in proptest::collection::vec(".{0,60}", 0..4), id in ".{1,40}") {
        let texts: Vec<&str> = values.iter().map(String::as_str).collect();
        let parts = AssertionParts {
            attributes: vec![attribute(&name, &texts)],
            name_id: NameId::persistent(id.clone()),
            ..plan()
        };
        if let Ok(unsigned) = Assertion::new(parts).map(Assertion::leave_unsigned) {
            let document = Document::parse(unsigned.as_bytes(), &Limits::PROTOCOL).unwrap();
            let name_id = document.root().child(ns::ASSERTION, "Subject").unwrap().child(ns::ASSERTION, "NameID").unwrap();
            prop_assert_eq!(name_id.text().unwrap(), id);
            let statement = document.root().child(ns::ASSERTION, "AttributeStatement").unwrap();
            let read = statement.children().next().unwrap();
            let read: Vec<String> = read.children().map(|value| value.text().unwrap().into_owned()).collect();
            prop_assert_eq!(read, values);
        }
    }
}
