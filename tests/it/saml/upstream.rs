//! The other side: the metadata of an identity provider that we ask, the requests that it gets, and what it answers.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use proptest::prelude::*;
use signet::saml::authn_request::{AuthnRequest, Comparison, NameIdPolicy, RequestedAuthnContext, Scoping};
use signet::saml::binding::{Delivery, Received};
use signet::saml::metadata::{Location, LogoutKind, MetadataFault};
use signet::saml::signature::KeyError;
use signet::saml::{
    DecodedResponse, DeniedAlgorithms, EntityId, IdpMetadata, MessageId, OutboundError, ReadBackError, RelayState,
    RequestSignature, SpMetadata, SsoLocation, VerifiedAuthnRequest,
};
use time::UtcDateTime;
use time::macros::utc_datetime;

use super::judge::{assert_schema_valid, assert_xmlsec1_verifies};
use super::keys::{KeyPair, OTHER_RSA, P256, RSA, miscertified};
use crate::attacks::upstream::scene;

const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
const SOAP: &str = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP";
const SSO: &str = "https://idp.example/sso?tenant=a%20b";
const NOW: UtcDateTime = utc_datetime!(2026-11-28 12:00);

fn entity(attributes: &str, content: &str) -> String {
    format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" \
         entityID=\"https://idp.example/\">\n<md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
         {attributes}>\n{content}\n</md:IDPSSODescriptor></md:EntityDescriptor>"
    )
}

fn key(pair: &KeyPair, attributes: &str) -> String {
    let certificate = BASE64.encode(&pair.certificate_der);
    format!(
        "<md:KeyDescriptor {attributes}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate>\
         </ds:X509Data></ds:KeyInfo></md:KeyDescriptor>\n"
    )
}

fn service(name: &str, binding: &str, location: &str) -> String {
    format!("<md:{name} Binding=\"{binding}\" Location=\"{location}\"/>\n")
}

fn sso(binding: &str, location: &str) -> String {
    service("SingleSignOnService", binding, location)
}

fn read(content: &str) -> IdpMetadata {
    IdpMetadata::parse(entity("", content).as_bytes()).unwrap()
}

fn faults(text: &str) -> Vec<(u32, MetadataFault)> {
    let faults = IdpMetadata::parse(text.as_bytes()).unwrap_err();
    faults.all().map(|fault| (fault.line, fault.reason.clone())).collect()
}

#[test]
fn everything_that_an_identity_provider_publishes_is_read() {
    let content = key(&RSA, "use=\"signing\"")
        + &key(&OTHER_RSA, "use=\"encryption\"")
        + &service("SingleLogoutService", REDIRECT, "https://idp.example/slo")
        + "<md:NameIDFormat>urn:a</md:NameIDFormat>"
        + &sso(SOAP, "https://idp.example/soap")
        + &sso(POST, "https://idp.example/post")
        + &sso(REDIRECT, SSO);
    let text = entity("WantAuthnRequestsSigned=\"1\" validUntil=\"2026-12-01T00:00:00Z\"", &content);
    let metadata = IdpMetadata::parse(text.as_bytes()).unwrap();
    assert_eq!(metadata.entity_id().as_str(), "https://idp.example/");
    assert!(metadata.want_authn_requests_signed());
    assert_eq!(metadata.name_id_formats(), ["urn:a"]);
    assert_eq!(metadata.valid_until(), Some(utc_datetime!(2026-12-01 0:00)));
    assert_eq!(metadata.single_sign_on_services().len(), 3);
    let keys = metadata.peer().keys();
    assert_eq!(keys.signing(), [RSA.verification_key()]);
    assert_eq!(keys.encryption()[0].fingerprint(), OTHER_RSA.verification_key().fingerprint());
    assert_eq!(metadata.peer().slo_location(LogoutKind::Request, false).unwrap().url().path(), "/slo");
    assert!(metadata.admit(NOW, false).is_empty());
    assert_eq!(metadata.admit(utc_datetime!(2026-12-01 0:00), false).len(), 1, "it has ended");

    // The same document may describe a service provider, and is none of one.
    assert!(SpMetadata::parse(text.as_bytes()).is_err());
}

#[test]
fn requests_go_by_redirect_where_they_can_and_only_to_https() {
    let at = |content: &str, loopback| {
        let metadata = IdpMetadata::parse(entity("", &(key(&RSA, "") + content)).as_bytes()).unwrap();
        metadata.sso_location(loopback).map(|place| (place.as_str().to_owned(), place.is_by_redirect()))
    };
    let both = sso(POST, "https://idp.example/post") + &sso(REDIRECT, SSO);
    assert_eq!(at(&both, false), Some((SSO.to_owned(), true)));
    let in_clear = sso(REDIRECT, "http://idp.example/sso") + &sso(POST, "https://idp.example/post");
    assert_eq!(at(&in_clear, true), Some(("https://idp.example/post".to_owned(), false)));
    let here = sso(REDIRECT, "http://localhost:8/sso");
    assert_eq!((at(&here, false), at(&here, true).is_some()), (None, true));
    let unmet = read(&(key(&RSA, "") + &in_clear)).admit(NOW, true);
    assert!(matches!(unmet[..], [ref one] if one.reason == MetadataFault::NotHttps("SingleSignOnService")));
}

#[test]
fn every_fault_is_told_with_its_line() {
    let one = sso(REDIRECT, SSO);
    assert_eq!(faults(&entity("", &one)), [(2, MetadataFault::NoSigningKey)]);
    assert_eq!(faults(&entity("", &(key(&RSA, "use=\"encryption\"") + &one))), [(2, MetadataFault::NoSigningKey)]);
    let curve = KeyPair::p521();
    let unusable = [(3, MetadataFault::Key(KeyError::Curve))];
    assert_eq!(faults(&entity("", &(key(&curve, "use=\"signing\"") + &one))), unusable);
    let missing = MetadataFault::MissingElement { element: "SingleSignOnService", parent: "IDPSSODescriptor" };
    assert_eq!(faults(&entity("", &key(&RSA, ""))), [(2, missing)]);
    let soap = key(&RSA, "") + &sso(SOAP, "https://idp.example/soap");
    assert_eq!(faults(&entity("", &soap)), [(2, MetadataFault::NoUsableSignOn)]);
    let many = key(&RSA, "") + &sso(REDIRECT, "javascript:alert(1)") + &sso("", SSO);
    let without_binding = MetadataFault::MissingAttribute { element: "SingleSignOnService", attribute: "Binding" };
    assert_eq!(
        faults(&entity("WantAuthnRequestsSigned=\"yes\"", &many)),
        [
            (2, MetadataFault::Boolean("WantAuthnRequestsSigned")),
            (4, MetadataFault::Url("Location")),
            (5, without_binding)
        ]
    );
    let whole = entity("", &(key(&RSA, "") + &one));
    let other = whole.replace("IDPSSODescriptor", "AttributeAuthorityDescriptor");
    assert_eq!(faults(&other), [(1, MetadataFault::NotAnIdentityProvider)]);
    let role = &whole[whole.find("<md:IDP").unwrap()..whole.find("</md:Entity").unwrap()];
    let twice = whole.replace("</md:EntityDescriptor>", &format!("{role}</md:EntityDescriptor>"));
    assert_eq!(faults(&twice)[0].1, MetadataFault::SeveralRoles("IDPSSODescriptor"));
    let nameless = whole.replace("https://idp.example/\">", "\">").replace(SSO, "/sso");
    assert_eq!(faults(&nameless).len(), 2);
    assert!(matches!(faults("<!DOCTYPE a>")[..], [(1, MetadataFault::Xml(_))]));
    let misnamed = whole.replace("md:IDPSSODescriptor", "md:IdpSsoDescriptor");
    assert!(matches!(faults(&misnamed)[0].1, MetadataFault::Misnamed { .. }));
}

fn place(binding: &str) -> SsoLocation {
    read(&(key(&RSA, "") + &sso(binding, &SSO.replace('&', "&amp;")))).sso_location(false).unwrap()
}

fn request() -> AuthnRequest {
    AuthnRequest {
        id: MessageId::from_entropy([7; 20]),
        issuer: EntityId::parse(scene::SP).unwrap(),
        issue_instant: utc_datetime!(2026-11-28 12:00:00.123456789),
        acs: Location::parse(scene::ACS).unwrap(),
        force_authn: true,
        is_passive: false,
        name_id_policy: Some(NameIdPolicy {
            format: Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent".into()),
            sp_name_qualifier: Some("urn:a <&> \"b\"".into()),
            allow_create: Some(true),
        }),
        requested_authn_context: Some(RequestedAuthnContext {
            comparison: Comparison::Minimum,
            class_refs: vec!["urn:strong".into(), "urn:stronger?a=1&b=2".into()],
        }),
        scoping: Some(Scoping {
            proxy_count: Some(0),
            idp_list: vec!["https://idp.example/".into()],
            requester_ids: vec!["https://agency.example/metadata".into()],
        }),
    }
}

/// Our own record, as the identity provider has it.
fn us(pair: &KeyPair) -> SpMetadata {
    let text = entity("", &key(pair, "")).replace("https://idp.example/", scene::SP);
    let text = text.replace("IDPSSODescriptor", "SPSSODescriptor").replace(
        "</md:SPSSODescriptor>",
        &format!(
            "<md:AssertionConsumerService Binding=\"{POST}\" Location=\"{}\" index=\"0\"/></md:SPSSODescriptor>",
            scene::ACS
        ),
    );
    SpMetadata::parse(text.as_bytes()).unwrap()
}

fn received(delivery: &Delivery) -> Received {
    match delivery {
        Delivery::Redirect(url) => {
            // What the place has in its own query stays in front.
            Received::redirect(url.query().unwrap().strip_prefix("tenant=a%20b&").unwrap())
        }
        Delivery::Post { action, field, message, relay_state } => {
            assert_eq!((action.as_str(), *field), (SSO, "SAMLRequest"));
            let state = relay_state.as_ref().map(|state| state.as_str().to_owned());
            Received::Post { saml_request: message.clone(), relay_state: state }
        }
    }
}

fn arrives(sent: &AuthnRequest, binding: &str, state: Option<&RelayState>, pair: &KeyPair) -> VerifiedAuthnRequest {
    let delivery = sent.deliver(&place(binding), state, &pair.signer()).unwrap();
    let decoded = received(&delivery).decode().unwrap();
    let here = [SSO.parse().unwrap()];
    decoded.verify(&us(pair), RequestSignature::Demanded, &here, DeniedAlgorithms::NONE).unwrap()
}

#[test]
fn request_arrives_as_it_was_meant_by_either_binding_and_kind_of_key() {
    let state = RelayState::parse("a b&c=ü %").unwrap();
    for (binding, pair) in [(REDIRECT, &*RSA), (POST, &*RSA), (REDIRECT, &*P256), (POST, &*P256)] {
        let sent = request();
        let read = arrives(&sent, binding, Some(&state), pair);
        assert_eq!((read.id(), read.issuer()), (&sent.id, &sent.issuer));
        assert_eq!(read.issue_instant(), utc_datetime!(2026-11-28 12:00:00.123));
        assert_eq!((read.force_authn(), read.is_passive()), (true, false));
        assert_eq!(read.name_id_policy(), sent.name_id_policy.as_ref());
        assert_eq!(read.requested_authn_context(), sent.requested_authn_context.as_ref());
        assert_eq!(read.scoping(), sent.scoping.as_ref());
        assert_eq!(read.protocol_binding(), Some(POST));
        assert_eq!(read.relay_state(), Some(&state));
        assert_eq!(read.signature().unwrap().key(), pair.verification_key().fingerprint());
    }
}

#[test]
fn request_is_what_the_schema_and_xmlsec1_expect() {
    let bare = AuthnRequest {
        force_authn: false,
        is_passive: true,
        name_id_policy: None,
        requested_authn_context: None,
        scoping: None,
        ..request()
    };
    let desk = tempfile::tempdir().unwrap();
    let (key, document) = (desk.path().join("certificate.pem"), desk.path().join("message.xml"));
    std::fs::write(&key, &RSA.certificate_pem).unwrap();
    for sent in [request(), bare] {
        let Delivery::Post { message, .. } = sent.deliver(&place(POST), None, &RSA.signer()).unwrap() else {
            panic!("by POST")
        };
        std::fs::write(&document, BASE64.decode(message).unwrap()).unwrap();
        assert_schema_valid(&document);
        assert_xmlsec1_verifies(&key, &document);
    }
}

#[test]
fn request_that_our_own_reader_would_refuse_does_not_leave() {
    let differs = |sent: AuthnRequest| match sent.deliver(&place(REDIRECT), None, &RSA.signer()) {
        Err(OutboundError::ReadBack(error)) => error,
        other => panic!("{other:?}"),
    };
    let none = RequestedAuthnContext { comparison: Comparison::Exact, class_refs: Vec::new() };
    let nothing_asked = AuthnRequest { requested_authn_context: Some(none), ..request() };
    assert_eq!(differs(nothing_asked), ReadBackError::Differs("AuthnRequest"));
    // White space around an identifier would be lost on the way.
    let scoping = Scoping { proxy_count: None, idp_list: Vec::new(), requester_ids: vec![" urn:a".into()] };
    let spaced = AuthnRequest { scoping: Some(scoping), ..request() };
    assert_eq!(differs(spaced), ReadBackError::Differs("AuthnRequest"));
    assert!(matches!(
        request().deliver(&place(POST), None, &miscertified()),
        Err(OutboundError::ReadBack(ReadBackError::Signature(_)))
    ));
}

#[test]
fn what_an_identity_provider_says_is_told_whole() {
    let state = RelayState::parse("state").unwrap();
    let said = scene::Said {
        name: "<saml:NameID Format=\"urn:a\" NameQualifier=\"urn:b\" SPNameQualifier=\"urn:c\">sam</saml:NameID>".into(),
        attributes: "<saml:Attribute Name=\"urn:mail\" NameFormat=\"urn:f\" FriendlyName=\"mail\"><saml:AttributeValue>a &amp; b\
                     </saml:AttributeValue><saml:AttributeValue/></saml:Attribute>"
            .into(),
        ..scene::Said::about("sam")
    };
    let matched = scene::judged(&scene::Around::right().signed(&scene::encrypted(&said.signed()))).unwrap();
    assert_eq!(matched.issuer().as_str(), scene::IDP);
    let key = scene::idp_key().verification_key().fingerprint();
    assert_eq!(matched.signatures().response.as_ref().map(|proof| proof.key()), Some(key));
    assert_eq!(matched.signatures().assertion.as_ref().map(|proof| proof.key()), Some(key));
    let assertion = scene::assertion(Ok(matched));
    assert_eq!(assertion.id().as_str(), "_assertion");
    let name = assertion.name_id().unwrap();
    assert_eq!(
        (&**name.value, name.format.as_deref(), name.sp_name_qualifier.as_deref()),
        ("sam", Some("urn:a"), Some("urn:c"))
    );
    assert_eq!(assertion.authn_statement().session_index.as_deref(), Some("_session"));
    let [mail] = assertion.attributes() else { panic!("one attribute") };
    assert_eq!(
        (&*mail.name, mail.name_format.as_deref(), mail.friendly_name.as_deref()),
        ("urn:mail", Some("urn:f"), Some("mail"))
    );
    assert_eq!(mail.values.iter().map(|value| value.as_str()).collect::<Vec<_>>(), ["a & b", ""]);
    // Nothing personal in what is logged.
    assert!(!format!("{assertion:?}").contains("sam") && !format!("{assertion:?}").contains("a & b"));

    let decoded = DecodedResponse::from_fields(&BASE64.encode(scene::saying(|_| ())), Some("state")).unwrap();
    assert_eq!((decoded.claimed_issuer().as_str(), decoded.relay_state()), (scene::IDP, Some(&state)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_asked_for_arrives_or_does_not_leave(
        context in "[^\\p{C}]{0,40}", qualifier in proptest::option::of("[^\\p{C}]{0,40}"), state in "[^\\p{C}]{0,80}",
        force_authn: bool, is_passive: bool, count in proptest::option::of(any::<u32>()),
    ) {
        let sent = AuthnRequest {
            force_authn,
            is_passive,
            name_id_policy: Some(NameIdPolicy { format: None, sp_name_qualifier: qualifier, allow_create: None }),
            requested_authn_context: Some(RequestedAuthnContext {
                comparison: Comparison::Better,
                class_refs: vec![context],
            }),
            scoping: Some(Scoping { proxy_count: count, idp_list: Vec::new(), requester_ids: Vec::new() }),
            ..request()
        };
        let state = RelayState::parse(&state).unwrap();
        if let Ok(delivery) = sent.deliver(&place(REDIRECT), Some(&state), &P256.signer()) {
            let decoded = received(&delivery).decode().unwrap();
            let here = [SSO.parse().unwrap()];
            let read = decoded.verify(&us(&P256), RequestSignature::Demanded, &here, DeniedAlgorithms::NONE).unwrap();
            prop_assert_eq!(read.name_id_policy(), sent.name_id_policy.as_ref());
            prop_assert_eq!(read.requested_authn_context(), sent.requested_authn_context.as_ref());
            prop_assert_eq!(read.scoping(), sent.scoping.as_ref());
            prop_assert_eq!((read.force_authn(), read.is_passive()), (force_authn, is_passive));
            prop_assert_eq!(read.relay_state(), Some(&state));
        }
    }

    #[test]
    fn no_octets_make_the_readers_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = DecodedResponse::from_form(&octets);
        let _ = IdpMetadata::parse(&octets);
    }
}
