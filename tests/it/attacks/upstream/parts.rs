//! Signatures that are not there, not the identity provider's, or of a kind that proves nothing; content that parsers read
//! differently; encryption that can be asked for what it hides.
//!
//! Each has worked: exclusion in many products, CVE-2025-29774 and CVE-2025-29775 in xml-crypto, CVE-2017-11427 and its kin by
//! comments, void canonicalization in CVE-2025-66568. What is in the way is the strict reader, the closed lists of algorithms, and
//! keys that come from the record alone.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use signet::saml::encryption::DecryptionFailed;
use signet::saml::response::incoming::{DemandedSignatures, ResponseDemands, ResponsePart};
use signet::saml::signature::{AlgorithmError, SignatureError};
use signet::saml::xml::{XmlError, XmlFault};
use signet::saml::{BindingError, DecodedResponse, MessageError, ResponseError};

use super::scene::{
    ACS, ATTACKER, Around, LEAST, OTHER_IDP, Refused, SUCCESS, Said, Transport, VICTIM, around, assertion, encrypted,
    encrypted_by, idp_key, judged, judged_as, refused, saying, signature, status, stranger, without_signature,
};
use crate::saml::mutants::shapes;

fn unsigned_by(part: ResponsePart, error: SignatureError) -> Refused {
    Refused::Unverified(ResponseError::Signature { part, error })
}

#[track_caller]
fn xml_fault(xml: &str) -> XmlFault {
    match refused(xml) {
        Refused::Undecodable(BindingError::Xml(XmlError { fault, .. })) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn response_without_any_signature_is_refused() {
    let absent = unsigned_by(ResponsePart::Assertion, SignatureError::Absent);
    assert_eq!(refused(&Around::right().unsigned(&Said::about(VICTIM).unsigned())), absent);
    assert_eq!(refused(&Around::right().unsigned(&encrypted(&Said::about(VICTIM).unsigned()))), absent);
    // Taken away from what was signed.
    assert_eq!(refused(&without_signature(&saying(|_| ())).1), absent);
}

#[test]
fn signature_of_an_unknown_key_is_refused_though_its_certificate_comes_along() {
    let evil = Said::about(VICTIM).signed_by(stranger());
    let certificate = BASE64.encode(&stranger().certificate_der);
    let data = format!("<ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data>");
    let with_certificate = evil.replace("<ds:KeyName>signing</ds:KeyName>", &data);
    assert_ne!(evil, with_certificate);
    let unknown = || SignatureError::NoKeyVerifies { tried: 1 };
    for evil in [&evil, &with_certificate] {
        let refusal = unsigned_by(ResponsePart::Assertion, unknown());
        assert_eq!(refused(&Around::right().unsigned(evil)), refusal);
        // Not even where the response is signed well: a signature that is there must hold.
        assert_eq!(refused(&Around::right().signed(evil)), refusal);
    }
    let by_stranger = Around::right().signed_by(stranger(), &Said::about(VICTIM).unsigned());
    assert_eq!(refused(&by_stranger), unsigned_by(ResponsePart::Response, unknown()));
    // A stranger's signature around what was signed well.
    let by_stranger = Around::right().signed_by(stranger(), &Said::about(ATTACKER).signed());
    assert_eq!(refused(&by_stranger), unsigned_by(ResponsePart::Response, unknown()));
}

#[test]
fn key_of_another_identity_provider_signs_for_no_other() {
    // Both are registered; the keys of the one that was asked count.
    let refusal = unsigned_by(ResponsePart::Assertion, SignatureError::NoKeyVerifies { tried: 1 });
    assert_eq!(refused(&Around::right().unsigned(&Said::about(VICTIM).signed_by(stranger()))), refusal);
    let theirs = Said { issuer: OTHER_IDP, ..Said::about(VICTIM) }.signed_by(stranger());
    let around = Around { issuer: OTHER_IDP, ..Around::right() };
    assert_eq!(refused(&around.unsigned(&theirs)), Refused::Unverified(MessageError::ForeignRecord.into()));
}

#[test]
fn anything_changed_after_signing_is_refused() {
    let changed = |xml: String| xml.replace(ATTACKER, VICTIM);
    let assertion = unsigned_by(ResponsePart::Assertion, SignatureError::DigestMismatch);
    assert_eq!(refused(&changed(saying(|_| ()))), assertion);
    let response = Around::right().signed(&Said::about(ATTACKER).unsigned());
    assert_eq!(refused(&changed(response)), unsigned_by(ResponsePart::Response, SignatureError::DigestMismatch));
}

#[test]
fn what_is_demanded_of_a_party_binds_it() {
    let both = |response: bool, assertion: bool| {
        let said = Said::about(ATTACKER);
        let said = if assertion { said.signed() } else { said.unsigned() };
        if response { Around::right().signed(&said) } else { Around::right().unsigned(&said) }
    };
    for (signatures, holds) in [
        (DemandedSignatures::Either, [true, true, true]),
        (DemandedSignatures::Response, [true, false, true]),
        (DemandedSignatures::Assertion, [false, true, true]),
        (DemandedSignatures::Both, [false, false, true]),
    ] {
        let demands = ResponseDemands { signatures, encryption: false };
        let given = [both(true, false), both(false, true), both(true, true)];
        assert_eq!(given.map(|xml| judged_as(&xml, demands, &|_| ()).is_ok()), holds, "{signatures:?}");
    }
    let sealed = ResponseDemands { encryption: true, ..LEAST };
    let in_clear = judged_as(&both(true, true), sealed, &|_| ()).unwrap_err();
    assert_eq!(in_clear, Refused::Unverified(ResponseError::NotEncrypted));
    assert!(judged_as(&Around::right().unsigned(&encrypted(&Said::about(ATTACKER).signed())), sealed, &|_| ()).is_ok());
}

#[test]
fn sha_1_and_hmac_prove_nothing() {
    let by = |from: &str, to: &str| {
        let template = Said::about(ATTACKER).write(&signature("_assertion")).replace(from, to);
        let signed = shapes::sign(&template, &idp_key().signer()).unwrap();
        refused(&Around::right().unsigned(&signed))
    };
    let sha_1 = unsigned_by(ResponsePart::Assertion, AlgorithmError::Sha1.into());
    let rsa_sha256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    assert_eq!(by(rsa_sha256, "http://www.w3.org/2000/09/xmldsig#rsa-sha1"), sha_1);
    assert_eq!(by("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1"), sha_1);
    let hmac = by(rsa_sha256, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256");
    assert_eq!(hmac, unsigned_by(ResponsePart::Assertion, AlgorithmError::Hmac.into()));
}

#[test]
fn second_signed_info_is_refused() {
    let (genuine, _) = without_signature(&Said::about(ATTACKER).signed());
    let (start, rest) = genuine.split_once("<ds:SignedInfo>").unwrap();
    let (info, end) = rest.split_once("</ds:SignedInfo>").unwrap();
    let other = info.replace("#_assertion", "#_evil");
    let twice = format!("{start}<ds:SignedInfo>{other}</ds:SignedInfo><ds:SignedInfo>{info}</ds:SignedInfo>{end}");
    let evil = Said { id: "_evil", ..Said::about(VICTIM) }.write(&twice);
    assert!(matches!(
        refused(&Around::right().unsigned(&evil)),
        Refused::Unverified(ResponseError::Signature { error: SignatureError::Malformed { .. }, .. })
    ));
}

#[test]
fn comments_are_refused_wherever_they_stand() {
    let good = Around::right().unsigned(&Said::about("victim.attacker.test").signed());
    for (at, with) in [
        ("victim.attacker", "victim<!-- -->.attacker"),
        ("</ds:DigestValue>", "<!--x--></ds:DigestValue>"),
        ("<samlp:Status>", "<!-- --><samlp:Status>"),
    ] {
        let xml = good.replace(at, with);
        assert_ne!(xml, good);
        assert_eq!(xml_fault(&xml), XmlFault::Comment, "{with}");
    }
}

#[test]
fn document_type_is_refused() {
    let good = saying(|_| ());
    assert_eq!(xml_fault(&format!("<!DOCTYPE a>{good}")), XmlFault::DoctypeDeclaration);
    let entity = format!("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>{}", good.replace(ATTACKER, "&x;"));
    assert_eq!(xml_fault(&entity), XmlFault::DoctypeDeclaration);
}

#[test]
fn relative_namespace_is_refused() {
    // Of what cannot be canonicalized some verifiers made the empty string, which anybody can have had signed.
    let xml = saying(|_| ()).replacen("ID=\"_response\"", "xmlns:v=\"1\" ID=\"_response\"", 1);
    assert_eq!(xml_fault(&xml), XmlFault::RelativeNamespace);
}

#[test]
fn transform_that_takes_something_away_is_refused() {
    for uri in ["http://www.w3.org/TR/1999/REC-xpath-19991116", "http://www.w3.org/TR/1999/REC-xslt-19991116"] {
        let transforms = format!("<ds:Transform Algorithm=\"{uri}\"/></ds:Transforms>");
        let template = Said::about(ATTACKER).write(&signature("_assertion")).replace("</ds:Transforms>", &transforms);
        let signed = shapes::sign(&template, &idp_key().signer()).unwrap();
        assert!(matches!(
            refused(&Around::right().unsigned(&signed)),
            Refused::Unverified(ResponseError::Signature { error: SignatureError::Transform(_), .. })
        ));
    }
}

#[test]
fn another_message_that_the_identity_provider_signed_is_no_response() {
    for name in ["AuthnRequest", "LogoutResponse", "ArtifactResponse"] {
        let template =
            Around::right().write(&signature("_response"), "").replace("samlp:Response", &format!("samlp:{name}"));
        let signed = shapes::sign(&template, &idp_key().signer()).unwrap();
        assert_eq!(refused(&signed), Refused::Undecodable(BindingError::NotAResponse), "{name}");
    }
    // Nor is an assertion without a response around it.
    assert_eq!(refused(&Said::about(ATTACKER).signed()), Refused::Undecodable(BindingError::NotAResponse));
}

#[test]
fn what_is_encrypted_and_no_assertion_is_refused() {
    let request = Around::right().write(&signature("_request"), "").replace("samlp:Response", "samlp:AuthnRequest");
    let request = request.replace("\"_response\"", "\"_request\"");
    let signed = shapes::sign(&request, &idp_key().signer()).unwrap();
    for hidden in [&*signed, "no XML", "<!DOCTYPE a><a/>", ""] {
        let refusal = refused(&Around::right().signed(&encrypted(hidden)));
        assert_eq!(refusal, Refused::Unverified(DecryptionFailed.into()), "{hidden:.20}");
    }
}

#[test]
fn encryption_that_answers_questions_is_refused() {
    let signed = Said::about(ATTACKER).signed();
    let refusal = || Refused::Unverified(DecryptionFailed.into());
    // RSA PKCS#1 v1.5, which Bleichenbacher's questions open, and CBC, which padding questions open.
    assert_eq!(refused(&Around::right().unsigned(&encrypted_by(&signed, Transport::Pkcs1, true))), refusal());
    assert_eq!(refused(&Around::right().unsigned(&encrypted_by(&signed, Transport::Oaep, false))), refusal());
    assert!(judged(&Around::right().unsigned(&encrypted_by(&signed, Transport::Oaep, true))).is_ok());
    // Whatever is wrong with it, the answer is the same.
    let good = encrypted(&signed);
    let (before, value) = good.rsplit_once("<xenc:CipherValue>").unwrap();
    let changed = format!("{before}<xenc:CipherValue>AAAA{}", &value[4..]);
    assert_eq!(refused(&Around::right().unsigned(&changed)), refusal());
}

#[test]
fn element_inside_a_name_is_not_read_around() {
    let xml = saying(|said| said.name = "<saml:NameID>victim<x xmlns=\"urn:x\"/>.attacker</saml:NameID>".into());
    assert!(matches!(
        refused(&xml),
        Refused::Unverified(ResponseError::Message(MessageError::Xml(XmlError {
            fault: XmlFault::UnexpectedElement(_),
            ..
        })))
    ));
}

#[test]
fn element_inside_a_value_is_not_read_around() {
    let values = "<saml:Attribute Name=\"mail\"><saml:AttributeValue><x xmlns=\"urn:x\">victim</x></saml:AttributeValue>\
                  <saml:AttributeValue>vic<x xmlns=\"urn:x\"/>tim</saml:AttributeValue><saml:AttributeValue \
                  xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"/>\
                  <saml:AttributeValue>attacker</saml:AttributeValue></saml:Attribute>";
    let assertion = assertion(judged(&saying(|said| said.attributes = values.into())));
    let [mail] = assertion.attributes() else { panic!("one attribute") };
    let texts: Vec<&str> = mail.values.iter().map(|value| value.as_str()).collect();
    assert_eq!((texts, mail.passed_over), (vec![ATTACKER], 3));
}

#[test]
fn attribute_that_comes_twice_is_told_twice() {
    let twice = super::scene::attribute("mail", ATTACKER) + &super::scene::attribute("mail", VICTIM);
    let assertion = assertion(judged(&saying(|said| said.attributes = twice)));
    assert_eq!(assertion.attributes().len(), 2, "which of them counts is for the reader to say");
}

#[test]
fn assertion_beside_a_failure_is_refused() {
    for code in ["Responder", "Requester", "success", ""] {
        let code = format!("urn:oasis:names:tc:SAML:2.0:status:{code}");
        let xml = around(|around| around.status = status(&code, ""));
        assert_eq!(refused(&xml), Refused::Unverified(ResponseError::Assertions(1)), "{code}");
    }
    let nothing = Around::right().signed("");
    assert_eq!(refused(&nothing), Refused::Unverified(ResponseError::Assertions(0)));
}

#[test]
fn response_without_status_is_refused() {
    let no_value = status(SUCCESS, "").replace(" Value=", " Other=");
    for status in [String::new(), "<samlp:Status/>".into(), no_value] {
        let xml = around(|around| around.status = status.clone());
        assert_eq!(refused(&xml), Refused::Unverified(MessageError::NoStatus.into()), "{status}");
    }
    let nested = "<samlp:Status><samlp:StatusCode Value=\"urn:x\"><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:\
                  Success\"/></samlp:StatusCode></samlp:Status>";
    let xml = around(|around| around.status = nested.into());
    assert_eq!(refused(&xml), Refused::Unverified(ResponseError::Assertions(1)), "the first level counts");
}

#[test]
fn failure_is_told_if_it_is_signed() {
    let failure =
        Around { status: status("urn:x", "<samlp:StatusMessage>why</samlp:StatusMessage>"), ..Around::right() };
    let answer = judged(&failure.signed("")).unwrap().into_answer();
    let signet::saml::response::incoming::Answer::Failure(status) = answer else { panic!("a failure") };
    assert_eq!((status.code(), status.nested(), status.message()), ("urn:x", None, Some("why")));
    let absent = unsigned_by(ResponsePart::Response, SignatureError::Absent);
    assert_eq!(refused(&failure.unsigned("")), absent);
}

#[test]
fn other_versions_are_refused() {
    let version = Refused::Unverified(MessageError::Version.into());
    assert_eq!(refused(&saying(|said| said.version = "1.1")), version);
    let other = Around::right().write(&signature("_response"), &Said::about(ATTACKER).signed());
    let other = other.replacen("Version=\"2.0\"", "Version=\"2.1\"", 1);
    assert_eq!(refused(&shapes::sign(&other, &idp_key().signer()).unwrap()), version);
}

#[test]
fn form_with_two_messages_is_refused() {
    let value = |xml: &str| url::form_urlencoded::byte_serialize(BASE64.encode(xml).as_bytes()).collect::<String>();
    let (good, evil) = (value(&saying(|_| ())), value(&Around::right().unsigned(&Said::about(VICTIM).unsigned())));
    let error = |form: String| DecodedResponse::from_form(form.as_bytes()).err();
    assert_eq!(error(format!("SAMLResponse={good}")), None);
    let twice = Some(BindingError::DuplicateParameter("SAMLResponse"));
    assert_eq!(error(format!("SAMLResponse={good}&SAMLResponse={evil}")), twice);
    assert_eq!(error(format!("SAMLResponse={good}&SAMLRequest={evil}")), Some(BindingError::RequestParameter));
    assert_eq!(error(format!("SAMLRequest={good}")), Some(BindingError::RequestParameter));
    assert_eq!(error("RelayState=a".into()), Some(BindingError::NoResponse));
    let disguised = Some(BindingError::EncodedParameterName("SAMLResponse"));
    assert_eq!(error(format!("SAMLRespons%65={evil}&SAMLResponse={good}")), disguised);
}

#[test]
fn too_much_is_refused_before_it_is_read() {
    let long = "A".repeat(5_000_000);
    let xml = saying(|_| ()).replace(ATTACKER, &long);
    assert_eq!(refused(&xml), Refused::Undecodable(BindingError::TooLarge));
    // Nothing is inflated here.
    use std::io::Write as _;
    let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    deflate.write_all(&vec![b' '; 30_000_000]).unwrap();
    let bomb = BASE64.encode(deflate.finish().unwrap());
    assert!(matches!(DecodedResponse::from_fields(&bomb, None).err(), Some(BindingError::Xml(_))));
}

#[test]
fn what_the_schema_does_not_know_is_refused() {
    let unexpected = |refusal| {
        matches!(
            refusal,
            Refused::Unverified(ResponseError::Message(
                MessageError::UnexpectedAttribute { .. }
                    | MessageError::UnexpectedElement { .. }
                    | MessageError::UnexpectedText
            ))
        )
    };
    let signed = |xml: String| shapes::sign(&xml, &idp_key().signer()).unwrap();
    let good = Around::right().write(&signature("_response"), &Said::about(ATTACKER).unsigned());
    for (at, with) in [
        ("ID=\"_response\"", "ID=\"_response\" Recipient=\"a\""),
        ("ID=\"_assertion\"", "ID=\"_assertion\" Destination=\"a\""),
        ("<samlp:Status>", "<samlp:Artifact/><samlp:Status>"),
        ("<samlp:Status>", "text<samlp:Status>"),
        ("<saml:Conditions ", "<saml:Other/><saml:Conditions "),
        ("<saml:Subject>", "<saml:Subject>text"),
        ("<saml:NameID>", "<saml:BaseID/><saml:NameID>"),
    ] {
        let other = good.replacen(at, with, 1);
        assert_ne!(other, good, "{at}");
        assert!(unexpected(refused(&signed(other))), "{with}");
    }
    assert!(judged(&signed(good)).is_ok());
    assert!(ACS.starts_with("https"));
}
