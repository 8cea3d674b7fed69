//! Logout messages: both ends of the wire, what is refused, and what the schemas and xmlsec1 say.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use proptest::prelude::*;
use signet::saml::binding::Delivery;
use signet::saml::encryption::{BlockEncryption, EncryptionKey, EncryptionSeed, Opener, PemOpener, encrypt};
use signet::saml::logout::{
    LogoutMessage, LogoutRequest, LogoutResponse, LogoutResult, LogoutStatus, VerifiedLogoutRequest,
};
use signet::saml::metadata::{LogoutKind, SloLocation};
use signet::saml::response::{NestedStatus, Status, TopStatus};
use signet::saml::signature::{SignaturePosition, sign_enveloped};
use signet::saml::xml::{Builder, ns};
use signet::saml::{
    BindingError, EntityId, MessageError, MessageId, NamedPrincipal, RelayState, SpMetadata, assertion::NameId,
};
use time::macros::utc_datetime;
use url::Url;

use super::judge::{assert_schema_valid, assert_xmlsec1_verifies};
use super::keys::{KeyPair, OTHER_RSA, P256, RSA, miscertified};

const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
const SOAP: &str = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP";
const HERE: &str = "https://idp.example/saml/logout";
const SENDER: &str = "https://sp.example/";

/// The record of a party: its key and its logout services.
fn record(pair: &KeyPair, services: &str) -> SpMetadata {
    let certificate = openssl::base64::encode_block(&pair.certificate_der);
    let text = format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
         xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" entityID=\"{SENDER}\"><md:SPSSODescriptor \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><md:KeyDescriptor><ds:KeyInfo><ds:X509Data>\
         <ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>{services}\
         <md:AssertionConsumerService Binding=\"{POST}\" Location=\"https://sp.example/acs\" index=\"0\"/>\
         </md:SPSSODescriptor></md:EntityDescriptor>"
    );
    SpMetadata::parse(text.as_bytes()).unwrap()
}

fn service(binding: &str, location: &str, more: &str) -> String {
    format!("<md:SingleLogoutService Binding=\"{binding}\" Location=\"{location}\" {more}/>")
}

/// Our own address, as a party would find it in metadata.
fn here(binding: &str) -> SloLocation {
    record(&RSA, &service(binding, HERE, "")).slo_location(LogoutKind::Request, false).unwrap()
}

fn request(name_id: NameId) -> LogoutRequest {
    LogoutRequest {
        id: MessageId::from_entropy([7; 20]),
        issuer: EntityId::parse(SENDER).unwrap(),
        qualifiers: (EntityId::parse(SENDER).unwrap(), EntityId::parse("https://idp.example/saml").unwrap()),
        issue_instant: utc_datetime!(2026-11-24 12:00),
        not_on_or_after: utc_datetime!(2026-11-24 12:05),
        name_id,
        session_indexes: vec!["_session-1".to_owned()],
    }
}

fn arrive(delivery: &Delivery) -> LogoutMessage {
    match delivery {
        Delivery::Redirect(url) => LogoutMessage::from_query(url.query().unwrap()).unwrap(),
        Delivery::Post { field, message, relay_state, .. } => {
            LogoutMessage::from_form(form(field, message, relay_state.as_ref()).as_bytes()).unwrap()
        }
    }
}

fn form(field: &str, message: &str, relay_state: Option<&RelayState>) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .append_pair(field, message)
        .extend_pairs(relay_state.map(|state| ("RelayState", state.as_str())))
        .finish()
}

fn ours() -> Vec<Url> {
    vec![HERE.parse().unwrap()]
}

fn verified(message: LogoutMessage, pair: &KeyPair) -> Result<VerifiedLogoutRequest, MessageError> {
    match message {
        LogoutMessage::Request(request) => {
            request.verify(record(pair, "").peer(), &ours(), signet::saml::DeniedAlgorithms::NONE)
        }
        LogoutMessage::Response(_) => panic!("a request was sent"),
    }
}

#[test]
fn a_request_arrives_as_it_was_meant_by_either_binding_and_kind_of_key() {
    for (binding, pair) in [(REDIRECT, &*RSA), (POST, &*RSA), (REDIRECT, &*P256), (POST, &*P256)] {
        let sent = request(NameId::persistent("pat <&> \"sample\""));
        let delivery = sent.deliver(&here(binding), &pair.signer()).unwrap();
        let message = arrive(&delivery);
        let LogoutMessage::Request(decoded) = &message else { panic!("a request") };
        assert_eq!(decoded.claimed_issuer().as_str(), SENDER);
        let read = verified(message, pair).unwrap();
        assert_eq!((read.id(), read.issuer()), (&sent.id, &sent.issuer));
        assert_eq!(read.issue_instant(), sent.issue_instant);
        assert_eq!(read.not_on_or_after(), Some(sent.not_on_or_after));
        assert_eq!(read.session_indexes(), ["_session-1"]);
        assert_eq!(*read.principal(&[]).unwrap().value, "pat <&> \"sample\"");
        assert_eq!(
            read.principal(&[]).unwrap().format.as_deref(),
            Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent")
        );
        assert_eq!(read.principal(&[]).unwrap().name_qualifier.as_deref(), Some(SENDER));
        assert_eq!(read.principal(&[]).unwrap().sp_name_qualifier.as_deref(), Some("https://idp.example/saml"));
        assert!(!read.wants_no_answer());
        assert_eq!(read.signature().key(), pair.verification_key().fingerprint());
    }
}

#[test]
fn an_answer_says_the_truth_and_brings_the_relay_state_back() {
    let failed = Status { code: TopStatus::Requester, nested: Some(NestedStatus::RequestDenied), message: None };
    let relay_state = RelayState::parse("https://sp.example/?a=1&b=ü %").unwrap();
    for binding in [REDIRECT, POST] {
        for (result, status) in [
            (LogoutResult::Ended, LogoutStatus::Ended),
            (LogoutResult::Partly, LogoutStatus::Partly),
            (LogoutResult::GoesOn, LogoutStatus::Partly),
            (LogoutResult::Failed(failed.clone()), LogoutStatus::Failed),
        ] {
            let sent = LogoutResponse {
                id: MessageId::from_entropy([8; 20]),
                issuer: EntityId::parse(SENDER).unwrap(),
                issue_instant: utc_datetime!(2026-11-24 12:00),
                in_response_to: MessageId::from_entropy([7; 20]),
                result,
            };
            let delivery = sent.deliver(&here(binding), Some(&relay_state), &RSA.signer()).unwrap();
            if let Delivery::Redirect(url) = &delivery {
                let echoed = url.query_pairs().find(|(name, _)| name == "RelayState").unwrap().1.into_owned();
                assert_eq!(echoed, relay_state.as_str());
            }
            let LogoutMessage::Response(decoded) = arrive(&delivery) else { panic!("a response") };
            let read = decoded.verify(record(&RSA, "").peer(), &ours(), signet::saml::DeniedAlgorithms::NONE).unwrap();
            assert_eq!((read.status(), read.in_response_to()), (status, &sent.in_response_to));
        }
    }
}

/// SAML Core §3.7.3.2: what the top-level code says is whether our own session ended.
#[test]
fn the_top_level_code_of_a_partial_logout_says_whether_our_session_ended() {
    for (result, top) in [(LogoutResult::Partly, "Success"), (LogoutResult::GoesOn, "Responder")] {
        let sent = LogoutResponse {
            id: MessageId::from_entropy([8; 20]),
            issuer: EntityId::parse(SENDER).unwrap(),
            issue_instant: utc_datetime!(2026-11-24 12:00),
            in_response_to: MessageId::from_entropy([7; 20]),
            result,
        };
        let delivery = sent.deliver(&here(POST), None, &RSA.signer()).unwrap();
        let Delivery::Post { message, .. } = delivery else { panic!("by form") };
        let xml = String::from_utf8(BASE64.decode(message).unwrap()).unwrap();
        let status = "urn:oasis:names:tc:SAML:2.0:status:";
        let codes: Vec<&str> = xml.match_indices(status).map(|(at, _)| &xml[at + status.len()..]).collect();
        assert_eq!(codes.len(), 2, "{xml}");
        assert!(codes[0].starts_with(top) && codes[1].starts_with("PartialLogout"), "{xml}");
    }
}

#[test]
fn a_foreign_key_a_changed_octet_and_no_signature_are_refused() {
    let delivery = request(NameId::transient("t")).deliver(&here(REDIRECT), &RSA.signer()).unwrap();
    assert!(matches!(verified(arrive(&delivery), &OTHER_RSA), Err(MessageError::Signature(_))));
    let Delivery::Redirect(url) = delivery else { panic!("by redirect") };
    let query = url.query().unwrap();
    let with_state = query.replace("&SigAlg=", "&RelayState=x&SigAlg=");
    assert!(matches!(verified(LogoutMessage::from_query(&with_state).unwrap(), &RSA), Err(MessageError::Signature(_))));
    let unsigned = query.split("&SigAlg=").next().unwrap();
    assert_eq!(verified(LogoutMessage::from_query(unsigned).unwrap(), &RSA).err(), Some(MessageError::Unsigned));
    let as_response = query.replacen("SAMLRequest=", "SAMLResponse=", 1);
    assert_eq!(LogoutMessage::from_query(&as_response).err(), Some(BindingError::NotALogoutMessage));
    let twice = format!("{query}&SAMLResponse=x");
    assert_eq!(LogoutMessage::from_query(&twice).err(), Some(BindingError::ResponseParameter));
    assert_eq!(LogoutMessage::from_query("RelayState=x").err(), Some(BindingError::NoRequest));
}

#[test]
fn a_message_for_somebody_else_is_refused() {
    let elsewhere = record(&RSA, &service(REDIRECT, "https://other.example/saml/logout", ""));
    let elsewhere = elsewhere.slo_location(LogoutKind::Request, false).unwrap();
    let delivery = request(NameId::transient("t")).deliver(&elsewhere, &RSA.signer()).unwrap();
    assert_eq!(
        verified(arrive(&delivery), &RSA).err(),
        Some(MessageError::for_another("https://other.example/saml/logout", &[HERE]))
    );
}

/// A request made by hand, signed, by HTTP-POST.
fn by_hand(change: impl FnOnce(Builder) -> Builder) -> Result<VerifiedLogoutRequest, MessageError> {
    by_hand_to(&[], change).map(|(request, _)| request)
}

/// With these keys to which the name may be encrypted.
fn by_hand_to(
    openers: &[&KeyPair],
    change: impl FnOnce(Builder) -> Builder,
) -> Result<(VerifiedLogoutRequest, NamedPrincipal), MessageError> {
    let opener = |pair: &&KeyPair| -> Arc<dyn Opener> {
        Arc::new(PemOpener::from_pem(&pair.private_pem, &pair.certificate_pem).unwrap())
    };
    let openers: Vec<_> = openers.iter().map(opener).collect();
    match written_by_hand("2.0", issuer(), change).unwrap() {
        LogoutMessage::Request(request) => {
            let request = request.verify(record(&RSA, "").peer(), &ours(), signet::saml::DeniedAlgorithms::NONE)?;
            request.principal(&openers).map(|named| (request, named))
        }
        LogoutMessage::Response(_) => panic!("a request was sent"),
    }
}

fn written_by_hand(
    version: &str,
    issuer: Builder,
    change: impl FnOnce(Builder) -> Builder,
) -> Result<LogoutMessage, BindingError> {
    let root = Builder::element("samlp", ns::PROTOCOL, "LogoutRequest")
        .attribute("ID", "_r")
        .attribute("Version", version)
        .attribute("IssueInstant", "2026-11-24T12:00:00Z")
        .attribute("Destination", HERE)
        .child(issuer);
    let signed = sign_enveloped(&change(root), SignaturePosition::AfterIssuer, &RSA.signer()).unwrap();
    let message = openssl::base64::encode_block(signed.as_bytes());
    LogoutMessage::from_form(form("SAMLRequest", &message, None).as_bytes())
}

/// Something inside an EncryptedID, encrypted to a key.
fn hidden(content: &Builder, to: &KeyPair, cipher: BlockEncryption) -> Builder {
    let key = EncryptionKey::from_certificate_der(&to.certificate_der).unwrap();
    let seed = EncryptionSeed { content_key: [5; 32], iv: [7; 16] };
    let data = encrypt(&content.canonical().unwrap(), &key, cipher, seed).unwrap();
    Builder::element("saml", ns::ASSERTION, "EncryptedID").fragment(&data)
}

fn issuer() -> Builder {
    Builder::element("saml", ns::ASSERTION, "Issuer").text(SENDER)
}

#[test]
fn issuer_names_an_entity_and_says_nothing_else() {
    let with = |issuer: Builder| written_by_hand("2.0", issuer, |root| root.child(name_id())).err();
    assert_eq!(with(issuer()), None);
    assert_eq!(with(issuer().attribute("Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:entity")), None);
    let persistent = issuer().attribute("Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent");
    assert_eq!(with(persistent), Some(BindingError::MalformedIssuer));
    for name in ["NameQualifier", "SPNameQualifier", "SPProvidedID"] {
        assert_eq!(with(issuer().attribute(name, SENDER)), Some(BindingError::MalformedIssuer), "{name}");
    }
    let twice = written_by_hand("2.0", issuer(), |root| root.child(issuer()).child(name_id()));
    assert_eq!(twice.err(), Some(BindingError::Issuer));
    // SAML Core §3.2.1: Issuer is the first of a request's children.
    let root = samlp("LogoutRequest").attribute("ID", "_r").child(issuer()).child(name_id());
    let signed = sign_enveloped(&root, SignaturePosition::First, &RSA.signer()).unwrap();
    let message = openssl::base64::encode_block(signed.as_bytes());
    let later = LogoutMessage::from_form(form("SAMLRequest", &message, None).as_bytes());
    assert_eq!(later.err(), Some(BindingError::Issuer));
}

#[test]
fn another_version_is_refused() {
    for version in ["1.1", "2.1", ""] {
        let message = written_by_hand(version, issuer(), |root| root.child(name_id())).unwrap();
        assert_eq!(verified(message, &RSA).err(), Some(MessageError::Version), "{version}");
    }
}

#[test]
fn an_answer_is_read_as_strictly_as_a_request() {
    let code = |value: &str| samlp("StatusCode").attribute("Value", value.to_owned());
    let success = || samlp("Status").child(code("urn:oasis:names:tc:SAML:2.0:status:Success"));
    let by_hand = |version: &str, destination: &str, change: &dyn Fn(Builder) -> Builder| {
        let root = samlp("LogoutResponse")
            .attribute("ID", "_a")
            .attribute("Version", version)
            .attribute("IssueInstant", "2026-11-24T12:00:00Z")
            .attribute("InResponseTo", "_q")
            .attribute("Destination", destination)
            .child(issuer());
        let signed = sign_enveloped(&change(root), SignaturePosition::AfterIssuer, &RSA.signer()).unwrap();
        let message = openssl::base64::encode_block(signed.as_bytes());
        let message = LogoutMessage::from_form(form("SAMLResponse", &message, None).as_bytes()).unwrap();
        let LogoutMessage::Response(response) = message else { panic!("a response was sent") };
        response
            .verify(record(&RSA, "").peer(), &ours(), signet::saml::DeniedAlgorithms::NONE)
            .map(|read| read.status())
    };
    let plain = |root: Builder| root.child(success());
    assert_eq!(by_hand("2.0", HERE, &plain), Ok(LogoutStatus::Ended));
    assert_eq!(by_hand("1.1", HERE, &plain), Err(MessageError::Version));
    let elsewhere = by_hand("2.0", "https://idp.example/other", &plain);
    assert_eq!(elsewhere, Err(MessageError::for_another("https://idp.example/other", &[HERE])));
    assert_eq!(by_hand("2.0", HERE, &|root| root), Err(MessageError::NoStatus));
    let attribute = by_hand("2.0", HERE, &|root| plain(root.attribute("ForceAuthn", "true")));
    assert!(matches!(attribute, Err(MessageError::UnexpectedAttribute { .. })));
    let element = by_hand("2.0", HERE, &|root| plain(root).child(samlp("SessionIndex")));
    assert!(matches!(element, Err(MessageError::UnexpectedElement { .. })));
}

#[test]
fn a_message_is_not_judged_by_the_record_of_another_service() {
    let message = written_by_hand("2.0", issuer().text("/other"), |root| root.child(name_id())).unwrap();
    assert_eq!(verified(message, &RSA).err(), Some(MessageError::ForeignRecord));
}

fn name_id() -> Builder {
    Builder::element("saml", ns::ASSERTION, "NameID").text("pat")
}

fn samlp(name: &'static str) -> Builder {
    Builder::element("samlp", ns::PROTOCOL, name)
}

#[test]
fn a_name_that_is_encrypted_to_any_key_of_ours_is_read() {
    for to in [&*RSA, &*OTHER_RSA] {
        for cipher in [BlockEncryption::Aes256Gcm, BlockEncryption::Aes128Gcm] {
            let (_, named) =
                by_hand_to(&[&OTHER_RSA, &RSA], |root| root.child(hidden(&name_id(), to, cipher))).unwrap();
            assert_eq!(named.value.as_str(), "pat");
        }
    }
}

#[test]
fn an_encrypted_name_that_does_not_open_to_a_name_is_refused_whatever_the_cause() {
    let gcm = BlockEncryption::Aes256Gcm;
    let other = Builder::element("saml", ns::ASSERTION, "Issuer").text("pat");
    for refused in [
        // To another key; not authenticated; something else inside; nothing inside.
        by_hand_to(&[&OTHER_RSA], |root| root.child(hidden(&name_id(), &RSA, gcm))),
        by_hand_to(&[&RSA], |root| root.child(hidden(&name_id(), &RSA, BlockEncryption::Aes256Cbc))),
        by_hand_to(&[&RSA], |root| root.child(hidden(&other, &RSA, gcm))),
        by_hand_to(&[&RSA], |root| root.child(hidden(&name_id().attribute("Unknown", "x"), &RSA, gcm))),
        by_hand_to(&[&RSA], |root| root.child(Builder::element("saml", ns::ASSERTION, "EncryptedID"))),
    ] {
        assert_eq!(refused.err(), Some(MessageError::EncryptedPrincipal));
    }
}

#[test]
fn an_asynchronous_request_wants_no_answer_and_other_extensions_are_ignored() {
    let aslo = || Builder::element("aslo", ns::ASLO, "Asynchronous");
    let other = || Builder::element("x", "urn:example:x", "Note");
    let with = |inner: Builder| by_hand(|root| root.child(samlp("Extensions").child(inner)).child(name_id())).unwrap();
    assert!(with(aslo()).wants_no_answer());
    assert!(!with(other()).wants_no_answer());
}

#[test]
fn several_sessions_or_none_may_be_named() {
    let index = |text: &str| samlp("SessionIndex").text(text);
    let read = by_hand(|root| root.child(name_id()).child(index("a")).child(index(" b "))).unwrap();
    assert_eq!(read.session_indexes(), ["a", "b"]);
    assert!(by_hand(|root| root.child(name_id())).unwrap().session_indexes().is_empty());
    let many = by_hand(|root| root.child(name_id()).children((0..65).map(|_| index("a"))));
    assert!(matches!(many, Err(MessageError::UnexpectedElement { .. })));
}

#[test]
fn what_the_schema_does_not_know_is_refused() {
    let encrypted = || Builder::element("saml", ns::ASSERTION, "EncryptedID");
    assert_eq!(by_hand(|root| root.child(encrypted())).err(), Some(MessageError::EncryptedPrincipal));
    assert!(matches!(
        by_hand(|root| root.child(hidden(&name_id(), &RSA, BlockEncryption::Aes256Gcm)).child(name_id())),
        Err(MessageError::UnexpectedElement { .. })
    ));
    assert_eq!(by_hand(|root| root).err(), Some(MessageError::NoPrincipal));
    for refused in [
        by_hand(|root| root.child(samlp("SessionIndex").text("a")).child(name_id())),
        by_hand(|root| root.child(name_id()).child(samlp("Status"))),
        by_hand(|root| root.child(name_id()).child(name_id())),
        by_hand(|root| root.child(name_id()).child(encrypted())),
        by_hand(|root| root.child(name_id().attribute("Unknown", "x"))),
    ] {
        assert!(refused.is_err(), "{refused:?}");
    }
    assert!(matches!(
        by_hand(|root| root.attribute("ForceAuthn", "true").child(name_id())),
        Err(MessageError::UnexpectedAttribute { .. })
    ));
    assert!(by_hand(|root| root.attribute("NotOnOrAfter", "soon").child(name_id())).is_err());
}

#[test]
fn messages_go_where_the_metadata_says_by_redirect_if_that_is_offered() {
    let both = service(SOAP, "https://sp.example/soap", "")
        + &service(POST, "https://sp.example/post", "")
        + &service(REDIRECT, "https://sp.example/redirect?a=1", "ResponseLocation=\"https://sp.example/answer\"");
    let metadata = record(&RSA, &both);
    let to = metadata.slo_location(LogoutKind::Request, false).unwrap();
    assert!(to.is_by_redirect());
    let Delivery::Redirect(url) = request(NameId::transient("t")).deliver(&to, &RSA.signer()).unwrap() else {
        panic!("by redirect")
    };
    assert!(url.as_str().starts_with("https://sp.example/redirect?a=1&SAMLRequest="));
    let bare = record(&RSA, &service(REDIRECT, "https://sp.example/redirect?", ""));
    let bare = bare.slo_location(LogoutKind::Request, false).unwrap();
    let Delivery::Redirect(url) = request(NameId::transient("t")).deliver(&bare, &RSA.signer()).unwrap() else {
        panic!("by redirect")
    };
    assert!(url.as_str().starts_with("https://sp.example/redirect?SAMLRequest="));
    let answers = metadata.slo_location(LogoutKind::Response, false).unwrap();
    assert_eq!(answers.url().as_str(), "https://sp.example/answer");

    let at = |services: &str, loopback| record(&RSA, services).slo_location(LogoutKind::Request, loopback);
    assert!(!at(&service(POST, "https://sp.example/post", ""), false).unwrap().is_by_redirect());
    assert!(at(&service(SOAP, "https://sp.example/soap", ""), false).is_none());
    assert!(at("", false).is_none());
    let loopback = service(REDIRECT, "http://localhost:8/slo", "");
    assert!(at(&loopback, false).is_none() && at(&loopback, true).is_some());
    assert!(at(&service(REDIRECT, "http://sp.example/slo", ""), true).is_none());
}

#[test]
fn the_schemas_and_xmlsec1_accept_what_goes_out() {
    let desk = tempfile::tempdir().unwrap();
    let key = desk.path().join("certificate.pem");
    std::fs::write(&key, &RSA.certificate_pem).unwrap();
    let response = LogoutResponse {
        id: MessageId::from_entropy([8; 20]),
        issuer: EntityId::parse(SENDER).unwrap(),
        issue_instant: utc_datetime!(2026-11-24 12:00),
        in_response_to: MessageId::from_entropy([7; 20]),
        result: LogoutResult::Partly,
    };
    for (name, delivery) in [
        ("LogoutRequest", request(NameId::persistent("p")).deliver(&here(POST), &RSA.signer()).unwrap()),
        ("LogoutResponse", response.deliver(&here(POST), None, &RSA.signer()).unwrap()),
    ] {
        let Delivery::Post { message, .. } = delivery else { panic!("by POST") };
        let document = desk.path().join("message.xml");
        let message = openssl::base64::decode_block(&message).unwrap();
        assert!(message.starts_with(format!("<samlp:{name} ").as_bytes()));
        std::fs::write(&document, message).unwrap();
        assert_schema_valid(&document);
        assert_xmlsec1_verifies(&key, &document);
    }
}

#[test]
fn relay_state_of_a_request_is_kept_for_its_answer() {
    let Delivery::Post { field, message, .. } =
        request(NameId::persistent("p")).deliver(&here(POST), &RSA.signer()).unwrap()
    else {
        panic!("by form")
    };
    let state = RelayState::parse("to the=service&").unwrap();
    for sent in [Some(&state), None] {
        let arrived = LogoutMessage::from_form(form(field, &message, sent).as_bytes()).unwrap();
        assert_eq!(verified(arrived, &RSA).unwrap().relay_state(), sent);
    }
}

#[test]
fn what_our_own_certificate_does_not_verify_does_not_leave() {
    let refused = request(NameId::persistent("p")).deliver(&here(POST), &miscertified()).unwrap_err();
    assert!(refused.to_string().contains("our own signature does not verify"), "{refused}");
}

#[test]
fn nothing_about_the_person_is_in_debug_output() {
    let sent = request(NameId::persistent("pat-sample"));
    let delivery = sent.deliver(&here(REDIRECT), &RSA.signer()).unwrap();
    let told = format!("{sent:?} {delivery:?} {:?} {:?}", arrive(&delivery), verified(arrive(&delivery), &RSA));
    assert!(!told.contains("pat-sample"), "{told}");
}

proptest! {
    #[test]
    fn any_relay_state_and_name_survive_the_query(name in "[^\u{0}-\u{1f}\u{fffe}\u{ffff}]{1,60}", state in "[^\u{0}]{0,80}") {
        let delivery = request(NameId::persistent(name.clone())).deliver(&here(REDIRECT), &P256.signer()).unwrap();
        let read = verified(arrive(&delivery), &P256).unwrap();
        let named = read.principal(&[]).unwrap();
        prop_assert_eq!(named.value.as_str(), name.as_str());
        let state = RelayState::parse(&state).unwrap();
        let response = LogoutResponse {
            id: MessageId::from_entropy([8; 20]),
            issuer: EntityId::parse(SENDER).unwrap(),
            issue_instant: utc_datetime!(2026-11-24 12:00),
            in_response_to: MessageId::from_entropy([7; 20]),
            result: LogoutResult::Ended,
        };
        let Delivery::Redirect(url) = response.deliver(&here(REDIRECT), Some(&state), &P256.signer()).unwrap() else {
            panic!("by redirect")
        };
        let echoed = url.query_pairs().find(|(name, _)| name == "RelayState").unwrap().1.into_owned();
        prop_assert_eq!(echoed, state.as_str());
    }

    #[test]
    fn no_octets_make_it_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = LogoutMessage::from_form(&octets);
        if let Ok(text) = String::from_utf8(octets) {
            let _ = LogoutMessage::from_query(&text);
        }
    }
}
