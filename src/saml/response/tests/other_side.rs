//! Both sides of the wire agree: what is answered here is what a service that reads it with our reader is told.

use std::sync::LazyLock;

use super::*;
use crate::saml::{
    DecodedResponse, IdpMetadata,
    metadata::Location,
    response::incoming::{Answer, DemandedSignatures, Expectation, ReceivedAssertion, ResponseDemands},
};

/// An identity provider's record, as a service has it, and how the service opens what is encrypted to it.
struct OtherSide {
    record: IdpMetadata,
    idp: Pair,
    sp: Pair,
    opener: Arc<dyn Opener>,
}

static OTHER_SIDE: LazyLock<OtherSide> = LazyLock::new(|| {
    let (idp, sp) = (Pair::ec(), Pair::rsa());
    let certificate = BASE64.encode(&idp.certificate_der);
    let record = format!(
        "<md:EntityDescriptor xmlns:md=\"{}\" xmlns:ds=\"{}\" entityID=\"https://idp.example/saml\"><md:IDPSSODescriptor \
         protocolSupportEnumeration=\"{}\"><md:KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}\
         </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"https://idp.example/sso\"/></md:IDPSSODescriptor>\
         </md:EntityDescriptor>",
        ns::METADATA,
        ns::DSIG,
        ns::PROTOCOL,
    );
    let opener = Arc::new(PemOpener::from_pem(&sp.private_pem, &sp.certificate_pem).unwrap());
    OtherSide { record: IdpMetadata::parse(record.as_bytes()).unwrap(), idp, sp, opener }
});

/// What the other side makes of an answer.
fn believed(answer: SignedResponse) -> ReceivedAssertion {
    let (side, here) = (&*OTHER_SIDE, Location::parse(acs().as_str()).unwrap());
    let least = ResponseDemands { signatures: DemandedSignatures::Either, encryption: false };
    let decoded = DecodedResponse::from_fields(answer.into_form(None).saml_response(), None).unwrap();
    let openers = [Arc::clone(&side.opener)];
    let verified = decoded.verify(&side.record, &here, least, &openers, DeniedAlgorithms::NONE).unwrap();
    let matched = verified.matched(&Expectation {
        audience: &plan().audience,
        asked: side.record.entity_id(),
        request: &plan().in_response_to,
        contexts: &[plan().authn_context_class_ref],
        authenticated_since: Some(plan().authn_instant),
        now: utc_datetime!(2026-11-24 12:00:02),
        clock_skew: time::Duration::ZERO,
        fresh_for: time::Duration::minutes(5),
    });
    match matched.unwrap().into_answer() {
        Answer::Success(assertion) => *assertion,
        Answer::Failure(status) => panic!("{status:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// In each form in which an answer leaves.
    #[test]
    fn what_is_answered_the_other_side_tells_whole(
        name in "[^\\p{C}\\s]{1,40}", values in proptest::collection::vec("[^\\p{C}]{0,60}", 1..4), form in 0..6_u8,
    ) {
        let (signer, texts) = (OTHER_SIDE.idp.signer(), values.iter().map(String::as_str).collect::<Vec<_>>());
        let parts = AssertionParts {
            attributes: vec![attribute("mail", &texts)],
            name_id: NameId::persistent(name.clone()),
            ..plan()
        };
        let assertion = Assertion::new(parts).unwrap();
        let key = EncryptionKey::from_certificate_der(&OTHER_SIDE.sp.certificate_der).unwrap();
        let cipher = BlockEncryption::Aes256Gcm;
        let answer = match form {
            0 => response(assertion.sign(&signer).unwrap()).sign(&signer),
            1 => response(assertion.leave_unsigned()).sign(&signer),
            2 => response(assertion.sign(&signer).unwrap()).rely_on_assertion(),
            3 => response(assertion.sign(&signer).unwrap().encrypt(&key, cipher, seed()).unwrap()).sign(&signer),
            4 => response(assertion.leave_unsigned().encrypt(&key, cipher, seed()).unwrap()).sign(&signer),
            _ => response(assertion.sign(&signer).unwrap().encrypt(&key, cipher, seed()).unwrap()).rely_on_assertion(),
        };
        let read = believed(answer.unwrap());
        prop_assert_eq!(read.id(), &plan().id);
        prop_assert_eq!(read.name_id().unwrap().value.as_str(), name.as_str());
        prop_assert_eq!(read.authn_statement().authn_instant, plan().authn_instant);
        prop_assert_eq!(read.authn_statement().session_not_on_or_after, plan().session_not_on_or_after);
        let told: Vec<&str> = read.attributes()[0].values.iter().map(|value| value.as_str()).collect();
        prop_assert_eq!(told, texts);
    }
}
