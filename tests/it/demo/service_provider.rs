//! The demonstration's service provider believes a response only if everything about it is right.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use signet::{
    demo::service_provider::{Ask, Expected, IdentityProvider, ServiceProvider, SignInAnswer, SignInFailed},
    entropy::SystemEntropy,
    saml::{
        MessageError, ResponseError,
        encryption::{BlockEncryption, EncryptionKey, EncryptionSeed, encrypt},
        response::incoming::{Mismatch, ResponsePart},
        signature::{SignatureError, SignaturePosition, sign_enveloped, verify_redirect},
        xml::{Builder, Document, Limits, ns},
    },
};
use time::{Duration, UtcDateTime, macros::utc_datetime};

use crate::saml::keys::{KeyPair, OTHER_RSA, RSA};

const ACS: &str = "http://demo-agency.localhost:9/acs";
const SP: &str = "http://demo-agency.localhost:9/metadata";
const IDP: &str = "http://localhost:8/saml/metadata";
const SSO: &str = "http://localhost:8/saml/sso";
const NOW: UtcDateTime = utc_datetime!(2026-11-24 12:00:00);
const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";

fn service_provider() -> ServiceProvider {
    ServiceProvider::new(SP, ACS, &RSA.private_pem, &RSA.certificate_pem).unwrap()
}

fn identity_provider() -> IdentityProvider {
    IdentityProvider::from_metadata(idp_metadata().as_bytes()).unwrap()
}

pub fn idp_metadata() -> String {
    let ds = |local| Builder::element("ds", ns::DSIG, local);
    let md = |local| Builder::element("md", ns::METADATA, local);
    let certificate = ds("X509Certificate").text(BASE64.encode(&OTHER_RSA.certificate_der));
    let key =
        md("KeyDescriptor").attribute("use", "signing").child(ds("KeyInfo").child(ds("X509Data").child(certificate)));
    let sso = md("SingleSignOnService")
        .attribute("Binding", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect")
        .attribute("Location", SSO);
    let role = md("IDPSSODescriptor").attribute("protocolSupportEnumeration", ns::PROTOCOL).child(key).child(sso);
    md("EntityDescriptor").attribute("entityID", IDP).child(role).canonical().unwrap().into_string()
}

/// Everything that a response says, right to begin with.
pub struct Answer {
    pub destination: &'static str,
    pub recipient: &'static str,
    pub in_response_to: &'static str,
    pub confirmed_request: &'static str,
    pub issuer: &'static str,
    pub audience: &'static str,
    pub status: &'static str,
    pub issued_at: UtcDateTime,
    pub valid_for: Duration,
    pub encrypted: bool,
    pub sign_response: Option<&'static KeyPair>,
    pub sign_assertion: Option<&'static KeyPair>,
}

impl Answer {
    pub fn right() -> Self {
        Self {
            destination: ACS,
            recipient: ACS,
            in_response_to: "_request",
            confirmed_request: "_request",
            issuer: IDP,
            audience: SP,
            status: SUCCESS,
            issued_at: NOW,
            valid_for: Duration::minutes(5),
            encrypted: true,
            sign_response: Some(&OTHER_RSA),
            sign_assertion: Some(&OTHER_RSA),
        }
    }

    fn assertion(&self) -> Builder {
        let saml = |local| Builder::element("saml", ns::ASSERTION, local);
        let until = at(self.issued_at + self.valid_for);
        let confirmation = saml("SubjectConfirmationData")
            .attribute("InResponseTo", self.confirmed_request)
            .attribute("NotOnOrAfter", &*until)
            .attribute("Recipient", self.recipient);
        saml("Assertion")
            .attribute("ID", "_assertion")
            .attribute("Version", "2.0")
            .attribute("IssueInstant", at(self.issued_at))
            .child(saml("Issuer").text(self.issuer))
            .child(
                saml("Subject").child(saml("NameID").text("pairwise")).child(
                    saml("SubjectConfirmation")
                        .attribute("Method", "urn:oasis:names:tc:SAML:2.0:cm:bearer")
                        .child(confirmation),
                ),
            )
            .child(
                saml("Conditions")
                    .attribute("NotBefore", at(self.issued_at))
                    .attribute("NotOnOrAfter", &*until)
                    .child(saml("AudienceRestriction").child(saml("Audience").text(self.audience))),
            )
            .child(
                saml("AuthnStatement").attribute("AuthnInstant", at(self.issued_at)).child(
                    saml("AuthnContext")
                        .child(saml("AuthnContextClassRef").text("http://idmanagement.gov/ns/assurance/aal/2")),
                ),
            )
            .child(
                saml("AttributeStatement").child(
                    saml("Attribute").attribute("Name", "email").child(saml("AttributeValue").text("a@b.example")),
                ),
            )
    }

    pub fn send(&self) -> String {
        let signed = |builder: &Builder, by: Option<&KeyPair>| match by {
            Some(pair) => sign_enveloped(builder, SignaturePosition::AfterIssuer, &pair.signer()).unwrap(),
            None => builder.canonical().unwrap(),
        };
        let samlp = |local| Builder::element("samlp", ns::PROTOCOL, local);
        let mut response = samlp("Response")
            .attribute("ID", "_response")
            .attribute("Version", "2.0")
            .attribute("IssueInstant", at(self.issued_at))
            .attribute("Destination", self.destination)
            .attribute("InResponseTo", self.in_response_to)
            .child(Builder::element("saml", ns::ASSERTION, "Issuer").text(self.issuer))
            .child(samlp("Status").child(samlp("StatusCode").attribute("Value", self.status)));
        if self.status == SUCCESS {
            let assertion = signed(&self.assertion(), self.sign_assertion);
            response = if self.encrypted {
                let key = EncryptionKey::from_certificate_der(&RSA.certificate_der).unwrap();
                let seed = EncryptionSeed { content_key: [1; 32], iv: [2; 16] };
                let data = encrypt(&assertion, &key, BlockEncryption::Aes256Gcm, seed).unwrap();
                response.child(Builder::element("saml", ns::ASSERTION, "EncryptedAssertion").fragment(&data))
            } else {
                response.fragment(&assertion)
            };
        }
        BASE64.encode(signed(&response, self.sign_response).as_bytes())
    }

    fn judged(&self) -> Result<SignInAnswer, SignInFailed> {
        let idp = identity_provider();
        service_provider().read_response(&self.send(), &Expected { idp: &idp, request_id: "_request", now: NOW })
    }
}

fn at(time: UtcDateTime) -> String {
    time.format(&time::format_description::well_known::Rfc3339).unwrap()
}

/// The XML of the request in a query string.
pub fn authn_request(query: &str) -> Vec<u8> {
    let parameter = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "SAMLRequest").unwrap().1;
    let deflated = BASE64.decode(parameter.as_bytes()).unwrap();
    let mut xml = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::DeflateDecoder::new(&*deflated), &mut xml).unwrap();
    xml
}

#[test]
fn a_right_response_tells_exactly_what_was_sent() {
    let Ok(SignInAnswer::SignedIn(signed_in)) = Answer::right().judged() else { panic!("a sign-in is expected") };
    assert_eq!(signed_in.name_id, "pairwise");
    assert_eq!(signed_in.authn_context, "http://idmanagement.gov/ns/assurance/aal/2");
    assert_eq!(signed_in.attributes.len(), 1);
    assert_eq!((&*signed_in.attributes[0].name, &*signed_in.attributes[0].values[0]), ("email", "a@b.example"));
}

#[test]
fn an_error_status_is_told() {
    let status = "urn:oasis:names:tc:SAML:2.0:status:Responder";
    let refused = Answer { status, ..Answer::right() }.judged().unwrap();
    assert_eq!(refused, SignInAnswer::Refused { status: status.into(), nested: None, message: None });
}

#[test]
fn everything_that_is_wrong_is_refused() {
    let elsewhere = "http://evil.example/acs";
    let unverified = |error| Err(SignInFailed::Response(error));
    let signature = |part, error| unverified(ResponseError::Signature { part, error });
    let mismatch = |why| Err(SignInFailed::Mismatch(why));
    let (of_response, of_assertion) = (ResponsePart::Response, ResponsePart::Assertion);
    let unknown = || SignatureError::NoKeyVerifies { tried: 1 };
    let cases = [
        (
            Answer { destination: elsewhere, ..Answer::right() },
            unverified(MessageError::for_another(elsewhere, &[ACS]).into()),
        ),
        (Answer { recipient: elsewhere, ..Answer::right() }, mismatch(Mismatch::Recipient)),
        (Answer { in_response_to: "_other", ..Answer::right() }, mismatch(Mismatch::InResponseTo)),
        (Answer { confirmed_request: "_other", ..Answer::right() }, mismatch(Mismatch::InResponseTo)),
        (Answer { issuer: elsewhere, ..Answer::right() }, unverified(MessageError::ForeignRecord.into())),
        (Answer { audience: elsewhere, ..Answer::right() }, mismatch(Mismatch::Audience)),
        (Answer { encrypted: false, ..Answer::right() }, unverified(ResponseError::NotEncrypted)),
        (Answer { sign_response: None, ..Answer::right() }, signature(of_response, SignatureError::Absent)),
        (Answer { sign_assertion: None, ..Answer::right() }, signature(of_assertion, SignatureError::Absent)),
        (Answer { sign_response: Some(&RSA), ..Answer::right() }, signature(of_response, unknown())),
        (Answer { sign_assertion: Some(&RSA), ..Answer::right() }, signature(of_assertion, unknown())),
        (
            Answer { issued_at: NOW - Duration::minutes(7), valid_for: Duration::hours(1), ..Answer::right() },
            mismatch(Mismatch::Time("the response")),
        ),
        (Answer { issued_at: NOW + Duration::minutes(2), ..Answer::right() }, mismatch(Mismatch::Time("the response"))),
        (
            Answer { issued_at: NOW - Duration::minutes(3), valid_for: Duration::minutes(1), ..Answer::right() },
            mismatch(Mismatch::Time("the confirmation")),
        ),
    ];
    for (answer, verdict) in cases {
        assert_eq!(answer.judged(), verdict);
    }
}

#[test]
fn a_request_is_signed_over_its_octets_and_asks_for_what_was_wished() {
    let ask = Ask {
        contexts: vec!["http://idmanagement.gov/ns/assurance/ial/2".into()],
        attributes: vec!["first_name".into(), "ssn".into()],
        force_authn: true,
        is_passive: false,
        name_id_format: None,
    };
    let sp = service_provider();
    let request = sp.request(&identity_provider(), &ask, Some("a b&c"), NOW, &SystemEntropy).unwrap();
    let query = request.url.strip_prefix("http://localhost:8/saml/sso?").unwrap();
    let (octets, signature) = query.split_once("&Signature=").unwrap();
    let decoded = |name: &str| {
        url::form_urlencoded::parse(query.as_bytes()).find(|(n, _)| n == name).map(|(_, v)| v.into_owned()).unwrap()
    };
    assert!(!signature.is_empty());
    assert_eq!(decoded("RelayState"), "a b&c");
    let signature = BASE64.decode(decoded("Signature")).unwrap();
    verify_redirect(octets.as_bytes(), &decoded("SigAlg"), &signature, &[RSA.verification_key()]).unwrap();

    let xml = authn_request(query);
    let document = Document::parse(&xml, &Limits::PROTOCOL).unwrap();
    let root = document.root();
    assert_eq!(root.attribute("ID"), Some(&*request.id));
    assert_eq!((root.attribute("ForceAuthn"), root.attribute("IsPassive")), (Some("true"), None));
    let contexts = root.child(ns::PROTOCOL, "RequestedAuthnContext").unwrap();
    let contexts: Vec<_> = contexts.children().map(|c| c.text().unwrap().into_owned()).collect();
    assert_eq!(
        contexts,
        [
            "http://idmanagement.gov/ns/assurance/ial/2",
            "http://idmanagement.gov/ns/requested_attributes?ReqAttr=first_name,ssn"
        ]
    );
}
