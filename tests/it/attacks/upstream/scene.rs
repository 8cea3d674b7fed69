//! Where these attacks happen: a service of ours that asked an identity provider, and what a browser brings back.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use openssl::{
    rsa::Padding,
    symm::{Cipher, encrypt, encrypt_aead},
    x509::X509,
};
use signet::saml::{
    BindingError, DecodedResponse, DeniedAlgorithms, EntityId, IdpMetadata, MatchedResponse, MessageId, ResponseError,
    encryption::{Opener, PemOpener},
    metadata::Location,
    response::incoming::{Answer, DemandedSignatures, Expectation, Mismatch, ReceivedAssertion, ResponseDemands},
    signature::SignatureAlgorithm,
    xml::ns,
};
use time::{Duration, UtcDateTime, macros::utc_datetime};

use crate::saml::keys::{KeyPair, OTHER_RSA, RSA};
use crate::saml::mutants::shapes;

pub const IDP: &str = "https://idp.upstream.example/metadata";
pub const OTHER_IDP: &str = "https://idp.other.example/metadata";
pub const SP: &str = "https://broker.example/metadata";
pub const ACS: &str = "https://broker.example/acs";
pub const ELSEWHERE: &str = "https://elsewhere.example/acs";
pub const REQUEST: &str = "_request";
pub const NOW: UtcDateTime = utc_datetime!(2026-11-28 12:00:00);
pub const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
pub const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
/// Who the signed part is about: a person whom the attacker may sign in as.
pub const ATTACKER: &str = "attacker";
/// Who the attacker wants to be.
pub const VICTIM: &str = "victim";

const XMLNS: &str =
    "xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"";

/// The identity provider signs with this key; everybody who has no key of its own has [`OTHER_RSA`].
pub fn idp_key() -> &'static KeyPair {
    &RSA
}

/// What an assertion says, in parts, each right to begin with and each as XML where it is more than a value.
#[derive(Clone)]
pub struct Said {
    pub id: &'static str,
    pub version: &'static str,
    pub issuer: &'static str,
    pub issued_at: UtcDateTime,
    pub name: String,
    pub confirmations: String,
    pub conditions: String,
    pub statements: String,
    pub attributes: String,
}

impl Said {
    /// About this person.
    pub fn about(person: &str) -> Self {
        Self {
            id: "_assertion",
            version: "2.0",
            issuer: IDP,
            issued_at: NOW,
            name: format!("<saml:NameID>{person}</saml:NameID>"),
            confirmations: confirmation(BEARER, &data(ACS, REQUEST, minutes(5))),
            conditions: conditions(minutes(-1), minutes(5), &for_audience(SP)),
            statements: authenticated(NOW, "", "urn:example:strong"),
            attributes: attribute("mail", person),
        }
    }

    /// With the signature of this key.
    pub fn signed_by(&self, key: &KeyPair) -> String {
        shapes::sign(&self.write(&signature(self.id)), &key.signer()).expect("it is signed")
    }

    pub fn signed(&self) -> String {
        self.signed_by(idp_key())
    }

    pub fn unsigned(&self) -> String {
        self.write("")
    }

    pub fn write(&self, signature: &str) -> String {
        let Self { id, version, issuer, name, confirmations, conditions, statements, attributes, .. } = self;
        let issued = at(self.issued_at);
        format!(
            "<saml:Assertion {XMLNS} ID=\"{id}\" Version=\"{version}\" IssueInstant=\"{issued}\"><saml:Issuer>{issuer}</saml:Issuer>\
             {signature}<saml:Subject>{name}{confirmations}</saml:Subject>{conditions}{statements}<saml:AttributeStatement>\
             {attributes}</saml:AttributeStatement></saml:Assertion>"
        )
    }
}

/// What stands around the assertion.
#[derive(Clone)]
pub struct Around {
    pub issuer: &'static str,
    pub issued_at: UtcDateTime,
    /// Attributes of the response.
    pub addresses: String,
    pub before_status: String,
    pub status: String,
}

impl Around {
    pub fn right() -> Self {
        Self {
            issuer: IDP,
            issued_at: NOW,
            addresses: format!("Destination=\"{ACS}\" InResponseTo=\"{REQUEST}\""),
            before_status: String::new(),
            status: status(SUCCESS, ""),
        }
    }

    /// Around this, without a signature of its own.
    pub fn unsigned(&self, content: &str) -> String {
        self.write("", content)
    }

    pub fn signed(&self, content: &str) -> String {
        self.signed_by(idp_key(), content)
    }

    pub fn signed_by(&self, key: &KeyPair, content: &str) -> String {
        shapes::sign(&self.write(&signature("_response"), content), &key.signer()).expect("it is signed")
    }

    pub fn write(&self, signature: &str, content: &str) -> String {
        let Self { issuer, addresses, before_status, status, .. } = self;
        let issued = at(self.issued_at);
        format!(
            "<samlp:Response {XMLNS} ID=\"_response\" Version=\"2.0\" IssueInstant=\"{issued}\" {addresses}><saml:Issuer>{issuer}\
             </saml:Issuer>{signature}{before_status}{status}{content}</samlp:Response>"
        )
    }
}

/// A response that is right but for what its signed assertion says.
pub fn saying(change: impl FnOnce(&mut Said)) -> String {
    let mut said = Said::about(ATTACKER);
    change(&mut said);
    Around::right().unsigned(&said.signed())
}

/// A signed response that is right but for what stands around its signed assertion.
pub fn around(change: impl FnOnce(&mut Around)) -> String {
    let mut around = Around::right();
    change(&mut around);
    around.signed(&Said::about(ATTACKER).signed())
}

/// A signature whose values [`shapes::sign`] fills in.
pub fn signature(id: &str) -> String {
    shapes::signature(SignatureAlgorithm::RsaSha256, id, "")
}

/// The one signature that stands in a text, and the text without it.
pub fn without_signature(text: &str) -> (String, String) {
    let (before, rest) = text.split_once("<ds:Signature ").expect("a signature");
    let (inside, after) = rest.split_once("</ds:Signature>").expect("its end");
    (format!("<ds:Signature {inside}</ds:Signature>"), format!("{before}{after}"))
}

pub fn status(code: &str, detail: &str) -> String {
    format!("<samlp:Status><samlp:StatusCode Value=\"{code}\"/>{detail}</samlp:Status>")
}

pub fn confirmation(method: &str, data: &str) -> String {
    format!("<saml:SubjectConfirmation Method=\"{method}\">{data}</saml:SubjectConfirmation>")
}

pub fn data(recipient: &str, request: &str, until: UtcDateTime) -> String {
    let until = at(until);
    format!(
        "<saml:SubjectConfirmationData Recipient=\"{recipient}\" InResponseTo=\"{request}\" NotOnOrAfter=\"{until}\"/>"
    )
}

pub fn conditions(from: UtcDateTime, until: UtcDateTime, content: &str) -> String {
    let (from, until) = (at(from), at(until));
    format!("<saml:Conditions NotBefore=\"{from}\" NotOnOrAfter=\"{until}\">{content}</saml:Conditions>")
}

pub fn for_audience(audience: &str) -> String {
    format!("<saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction>")
}

pub fn authenticated(when: UtcDateTime, more: &str, class: &str) -> String {
    let when = at(when);
    format!(
        "<saml:AuthnStatement AuthnInstant=\"{when}\" SessionIndex=\"_session\" {more}><saml:AuthnContext>\
         <saml:AuthnContextClassRef>{class}</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>"
    )
}

pub fn attribute(name: &str, value: &str) -> String {
    format!("<saml:Attribute Name=\"{name}\"><saml:AttributeValue>{value}</saml:AttributeValue></saml:Attribute>")
}

pub fn at(time: UtcDateTime) -> String {
    signet::saml::instant::format(time)
}

pub fn minutes(count: i64) -> UtcDateTime {
    NOW + Duration::minutes(count)
}

/// How the key of the content travels.
#[derive(Clone, Copy)]
pub enum Transport {
    /// RSA-OAEP with SHA-1.
    Oaep,
    /// RSA PKCS#1 v1.5.
    Pkcs1,
}

/// Encrypted to our key as we would have it.
pub fn encrypted(xml: &str) -> String {
    encrypted_by(xml, Transport::Oaep, true)
}

/// By AES-256, in GCM or in CBC.
pub fn encrypted_by(xml: &str, transport: Transport, by_gcm: bool) -> String {
    let (content_key, iv) = ([1; 32], [2; 16]);
    let (octets, cipher) = if by_gcm {
        let mut tag = [0; 16];
        let sealed =
            encrypt_aead(Cipher::aes_256_gcm(), &content_key, Some(&iv[..12]), &[], xml.as_bytes(), &mut tag).unwrap();
        ([&iv[..12], &sealed, &tag].concat(), "http://www.w3.org/2009/xmlenc11#aes256-gcm")
    } else {
        let sealed = encrypt(Cipher::aes_256_cbc(), &content_key, Some(&iv), xml.as_bytes()).unwrap();
        ([&iv[..], &sealed].concat(), "http://www.w3.org/2001/04/xmlenc#aes256-cbc")
    };
    let (padding, algorithm) = match transport {
        Transport::Oaep => (Padding::PKCS1_OAEP, "rsa-oaep-mgf1p"),
        Transport::Pkcs1 => (Padding::PKCS1, "rsa-1_5"),
    };
    let key = X509::from_der(&our_key().certificate_der).unwrap().public_key().unwrap().rsa().unwrap();
    let mut wrapped = vec![0; 256];
    key.public_encrypt(&content_key, &mut wrapped, padding).unwrap();
    let value = |octets: &[u8]| {
        let octets = BASE64.encode(octets);
        format!("<xenc:CipherData><xenc:CipherValue>{octets}</xenc:CipherValue></xenc:CipherData>")
    };
    format!(
        "<saml:EncryptedAssertion xmlns:saml=\"{}\"><xenc:EncryptedData xmlns:xenc=\"{}\" Type=\"{}Element\"><xenc:EncryptionMethod \
         Algorithm=\"{cipher}\"/><ds:KeyInfo xmlns:ds=\"{}\"><xenc:EncryptedKey><xenc:EncryptionMethod \
         Algorithm=\"{}{algorithm}\"/>{}</xenc:EncryptedKey></ds:KeyInfo>{}</xenc:EncryptedData></saml:EncryptedAssertion>",
        ns::ASSERTION,
        ns::XMLENC,
        ns::XMLENC,
        ns::DSIG,
        ns::XMLENC,
        value(&wrapped),
        value(&octets),
    )
}

/// The key to which the identity provider encrypts for us.
pub fn our_key() -> &'static KeyPair {
    static OURS: std::sync::LazyLock<KeyPair> = std::sync::LazyLock::new(|| KeyPair::rsa(2048));
    &OURS
}

/// The record of an identity provider that signs with this key.
pub fn record(entity_id: &str, key: &KeyPair) -> IdpMetadata {
    let certificate = BASE64.encode(&key.certificate_der);
    let text = format!(
        "<md:EntityDescriptor xmlns:md=\"{}\" xmlns:ds=\"{}\" entityID=\"{entity_id}\"><md:IDPSSODescriptor \
         protocolSupportEnumeration=\"{}\"><md:KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}\
         </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"https://idp.example/sso\"/>\
         </md:IDPSSODescriptor></md:EntityDescriptor>",
        ns::METADATA,
        ns::DSIG,
        ns::PROTOCOL,
    );
    IdpMetadata::parse(text.as_bytes()).unwrap()
}

/// What was made of a response that was not let in.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    Undecodable(BindingError),
    Unverified(ResponseError),
    Unmatched(Mismatch),
}

/// What our service demands of everybody.
pub const LEAST: ResponseDemands = ResponseDemands { signatures: DemandedSignatures::Either, encryption: false };

/// What our service makes of a response that comes for its request to [`IDP`].
pub fn judged(xml: &str) -> Result<MatchedResponse, Refused> {
    judged_as(xml, LEAST, &|_| ())
}

/// The same with other demands, or another expectation.
pub fn judged_as(
    xml: &str,
    demands: ResponseDemands,
    change: &dyn Fn(&mut Expectation<'_>),
) -> Result<MatchedResponse, Refused> {
    let decoded = DecodedResponse::from_fields(&BASE64.encode(xml), None).map_err(Refused::Undecodable)?;
    let ours: Arc<dyn Opener> =
        Arc::new(PemOpener::from_pem(&our_key().private_pem, &our_key().certificate_pem).unwrap());
    let verified = decoded
        .verify(&record(IDP, idp_key()), &Location::parse(ACS).unwrap(), demands, &[ours], DeniedAlgorithms::NONE)
        .map_err(Refused::Unverified)?;
    let names = [SP, IDP].map(|name| EntityId::parse(name).unwrap());
    let request = MessageId::parse(REQUEST).unwrap();
    let mut expected = Expectation {
        audience: &names[0],
        asked: &names[1],
        request: &request,
        contexts: &[],
        authenticated_since: None,
        now: NOW,
        clock_skew: Duration::minutes(1),
        fresh_for: Duration::minutes(5),
    };
    change(&mut expected);
    verified.matched(&expected).map_err(Refused::Unmatched)
}

/// The assertion of a response that was let in.
#[track_caller]
pub fn assertion(matched: Result<MatchedResponse, Refused>) -> ReceivedAssertion {
    match matched.expect("it is right").into_answer() {
        Answer::Success(assertion) => *assertion,
        Answer::Failure(status) => panic!("a failure: {status:?}"),
    }
}

#[track_caller]
pub fn refused(xml: &str) -> Refused {
    judged(xml).expect_err("it must not be let in")
}

/// A key that the identity provider does not have.
pub fn stranger() -> &'static KeyPair {
    &OTHER_RSA
}
