//! The service provider of the benches, in each shape in which an answer can leave.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use openssl::{
    asn1::Asn1Time,
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    rsa::Rsa,
    x509::{X509, X509NameBuilder},
};

/// How an answer leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The Assertion is signed: one private-key operation.
    AssertionSigned,
    /// The default: Assertion signed and encrypted, Response signed: two.
    Everything,
}

impl Shape {
    pub const ALL: [Self; 2] = [Self::AssertionSigned, Self::Everything];

    pub fn words(self) -> &'static str {
        match self {
            Self::AssertionSigned => "Assertion signed",
            Self::Everything => "Assertion signed, encrypted; Response",
        }
    }

    pub fn private_key_operations(self) -> u32 {
        match self {
            Self::AssertionSigned => 1,
            Self::Everything => 2,
        }
    }

    /// A word for folders and names.
    pub fn word(self) -> &'static str {
        match self {
            Self::AssertionSigned => "signed",
            Self::Everything => "everything",
        }
    }

    pub fn entity_id(self) -> String {
        format!("https://{}.bench.example/metadata", self.word())
    }

    pub fn acs(self) -> String {
        format!("https://{}.bench.example/acs", self.word())
    }

    pub fn metadata(self, certificate: &X509) -> String {
        metadata_of(&self.entity_id(), certificate, "", &self.acs())
    }

    pub fn agreement(self) -> String {
        let exceptions = match self {
            Self::Everything => "",
            Self::AssertionSigned => {
                "[encryption]\nexception = \"clear-text\"\nreason = \"to measure\"\n\n[signing]\nexception = \"assertion-only\"\nreason = \"to measure\"\n"
            }
        };
        format!(
            r#"agency_id = "bench-{word}"
entity_id = "{entity}"
default_attributes = ["email", "locale"]
review_date = 2030-12-31
return_to_url = "https://{word}.bench.example/"

[agency_name]
en = "Bench"

[friendly_name]
en = "Bench"

[description]
en = "Measured"

[attributes.email]
purpose.en = "To measure"

[attributes.locale]
purpose.en = "To measure"

{exceptions}
[[contacts]]
kind = "technical"
name = "Bench"
email = "bench@bench.example"
"#,
            word = self.word(),
            entity = self.entity_id()
        )
    }
}

/// The keys that Signet can sign with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    Rsa2048,
    P256,
}

impl KeyKind {
    pub fn generate(self) -> PKey<Private> {
        match self {
            Self::Rsa2048 => PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap(),
            Self::P256 => {
                let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
                PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
            }
        }
    }
}

/// An RSA key and a certificate that carries it.
pub fn key_pair() -> (PKey<Private>, X509) {
    let key = KeyKind::Rsa2048.generate();
    let certificate = certificate_of(&key);
    (key, certificate)
}

/// A certificate that carries a key.
pub fn certificate_of(key: &PKey<Private>) -> X509 {
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "bench").unwrap();
    let name = name.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(30).unwrap()).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.sign(key, MessageDigest::sha256()).unwrap();
    builder.build()
}

/// The metadata of a service with one key, perhaps a `SingleLogoutService`, and one ACS by HTTP-POST.
pub fn metadata_of(entity_id: &str, certificate: &X509, slo: &str, acs: &str) -> String {
    format!(
        r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="{entity_id}">
<md:SPSSODescriptor AuthnRequestsSigned="true" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<md:KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>{slo}
<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{acs}" index="0" isDefault="true"/>
</md:SPSSODescriptor></md:EntityDescriptor>"#,
        BASE64.encode(certificate.to_der().unwrap())
    )
}

/// A signed request by HTTP-Redirect: the query.
pub fn redirect_query(shape: Shape, key: &PKey<Private>, id: &str, sso: &str, issue_instant: &str) -> String {
    let xml = format!(
        r#"<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="{id}" Version="2.0" IssueInstant="{issue_instant}" Destination="{sso}" AssertionConsumerServiceURL="{}"><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">{}</saml:Issuer></samlp:AuthnRequest>"#,
        shape.acs(),
        shape.entity_id()
    );
    signed_query("SAMLRequest", &xml, key)
}

/// The query that carries a message by HTTP-Redirect, signed.
pub fn signed_query(parameter: &str, xml: &str, key: &PKey<Private>) -> String {
    use std::io::Write;
    let mut deflated = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    deflated.write_all(xml.as_bytes()).unwrap();
    let percent = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let octets = format!(
        "{parameter}={}&SigAlg={}",
        percent(&BASE64.encode(deflated.finish().unwrap())),
        percent("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256")
    );
    let mut signer = openssl::sign::Signer::new(MessageDigest::sha256(), key).unwrap();
    let signature = signer.sign_oneshot_to_vec(octets.as_bytes()).unwrap();
    format!("{octets}&Signature={}", percent(&BASE64.encode(signature)))
}
