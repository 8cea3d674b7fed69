//! The scene of every attack: the service provider, its genuine requests, and the verdict.

use std::io::Write;
use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use flate2::{Compression, write::DeflateEncoder};
use signet::clock::{Clock as _, SystemClock};
use signet::saml::{
    MessageError, RequestSignature, VerifiedAuthnRequest,
    binding::{BindingError, HTTP_POST, Received},
    instant,
    metadata::SpMetadata,
    signature::{SignaturePosition, Signer, sign_enveloped},
    xml::{Builder, ns},
};
use signet::web::refusal;
use url::Url;

use super::door;
use crate::saml::keys::RSA;

pub const SP: &str = "https://sp.example/metadata";
pub const ACS: &str = "https://sp.example/acs";
pub const SSO: &str = "https://idp.example/saml/sso";
/// When the genuine requests were made: when the tests began.
pub static ISSUED: LazyLock<String> = LazyLock::new(|| instant::format(SystemClock.now()));
pub const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

/// What the service provider registered.
pub fn metadata() -> SpMetadata {
    SpMetadata::parse(metadata_text(&BASE64.encode(&RSA.certificate_der)).as_bytes()).expect("good metadata")
}

pub fn metadata_text(certificate: &str) -> String {
    format!(
        r#"<md:EntityDescriptor xmlns:md="{}" xmlns:ds="{}" entityID="{SP}"><md:SPSSODescriptor AuthnRequestsSigned="true" protocolSupportEnumeration="{}"><md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:AssertionConsumerService Binding="{HTTP_POST}" Location="{ACS}" index="0" isDefault="true"/></md:SPSSODescriptor></md:EntityDescriptor>"#,
        ns::METADATA,
        ns::DSIG,
        ns::PROTOCOL,
    )
}

/// A genuine request, not signed yet.
pub fn request() -> Builder {
    request_with(|request| request)
}

/// A genuine request with attributes of one's own.
pub fn request_with(change: impl FnOnce(Builder) -> Builder) -> Builder {
    change(
        Builder::element("samlp", ns::PROTOCOL, "AuthnRequest")
            .attribute("ID", "_genuine")
            .attribute("Version", "2.0")
            .attribute("IssueInstant", ISSUED.as_str())
            .attribute("Destination", SSO),
    )
    .child(Builder::element("saml", ns::ASSERTION, "Issuer").text(SP))
}

/// The same, written.
pub fn unsigned() -> String {
    request().canonical().expect("it can be written").into_string()
}

/// The genuine request, signed by the service provider.
pub fn signed() -> String {
    sign(&request(), &RSA.signer())
}

pub fn sign(request: &Builder, signer: &dyn Signer) -> String {
    sign_enveloped(request, SignaturePosition::AfterIssuer, signer).expect("it can be signed").into_string()
}

/// The signature element out of a signed request.
pub fn signature_of(signed: &str) -> &str {
    let start = signed.find("<ds:Signature ").expect("a signature");
    let end = signed.find("</ds:Signature>").expect("its end") + "</ds:Signature>".len();
    &signed[start..end]
}

pub fn post(xml: impl AsRef<[u8]>) -> Received {
    Received::Post { saml_request: BASE64.encode(xml), relay_state: None }
}

pub fn percent(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

pub fn deflate(octets: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(octets).expect("memory");
    encoder.finish().expect("memory")
}

/// The value of SAMLRequest in a redirect, percent-encoded.
pub fn redirect_value(xml: &str) -> String {
    percent(&BASE64.encode(deflate(xml.as_bytes())))
}

/// The query of a genuine redirect, signed by the service provider.
pub fn signed_query(relay_state: Option<&str>) -> String {
    signed_query_of(&unsigned(), relay_state, RSA_SHA256, &RSA.signer())
}

pub fn signed_query_of(xml: &str, relay_state: Option<&str>, sig_alg: &str, signer: &dyn Signer) -> String {
    let relay_state = relay_state.map_or(String::new(), |value| format!("&RelayState={}", percent(value)));
    let octets = format!("SAMLRequest={}{relay_state}&SigAlg={}", redirect_value(xml), percent(sig_alg));
    let signature = signer.sign(octets.as_bytes()).expect("it can be signed");
    format!("{octets}&Signature={}", percent(&BASE64.encode(signature)))
}

/// Where the line stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    Undecodable(BindingError),
    Unbelieved(MessageError),
}

impl From<BindingError> for Refusal {
    fn from(error: BindingError) -> Self {
        Self::Undecodable(error)
    }
}

impl From<MessageError> for Refusal {
    fn from(error: MessageError) -> Self {
        Self::Unbelieved(error)
    }
}

/// The whole line, against the record of the service provider.
pub fn judge(received: &Received) -> Result<VerifiedAuthnRequest, Refusal> {
    judge_with(received, RequestSignature::Demanded)
}

pub fn judge_with(received: &Received, demand: RequestSignature) -> Result<VerifiedAuthnRequest, Refusal> {
    let our_sso = [Url::parse(SSO).expect("a URL")];
    Ok(received.decode()?.verify(&metadata(), demand, &our_sso, signet::saml::DeniedAlgorithms::NONE)?)
}

/// Why the attack failed: on the line, and for the same reason at the front door.
#[track_caller]
pub fn refusal(received: &Received) -> Refusal {
    let why = judge(received).map(|request| request.id().to_string()).expect_err("the attack succeeded");
    door::refuses(received, &why);
    why
}

impl From<Refusal> for refusal::Refusal {
    fn from(why: Refusal) -> Self {
        match why {
            Refusal::Undecodable(error) => error.into(),
            Refusal::Unbelieved(error) => error.into(),
        }
    }
}

#[track_caller]
pub fn refusal_of_redirect(query: impl Into<String>) -> Refusal {
    refusal(&Received::redirect(query))
}

/// The request that all attacks start from is accepted: otherwise their failure would prove nothing.
#[test]
fn the_genuine_requests_are_accepted() {
    assert_eq!(judge(&post(signed())).unwrap().id().as_str(), "_genuine");
    let redirected = judge(&Received::redirect(signed_query(Some("here & there")))).unwrap();
    assert_eq!(redirected.relay_state().unwrap().as_str(), "here & there");
}
