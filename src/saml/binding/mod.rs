//! The bindings: how a browser carries a message, octets in, octets out.
//!
//! [`Received`] is a request as it came, which is also what is stored while the person visits pages.
//! [`Received::decode`] undoes the carriage (percent-encoding, base64, DEFLATE) within limits, reads the XML strictly and
//! gives a [`DecodedAuthnRequest`], which tells whose request it *claims* to be and nothing else. Verifying is
//! [`super::authn_request`]'s; the way back, HTTP-POST alone, is [`super::response`]'s, as is reading what comes back to us.
//! Logout messages come and go by both bindings; they are [`super::logout`]'s. The HTTP-Artifact binding is
//! [`super::artifact`]'s. What goes out by a browser, signed, is a [`Delivery`].

mod decode;
mod delivery;
mod encode;
mod parameters;
mod received;

pub(crate) use decode::{Carriage, Carried};
pub use delivery::Delivery;
pub(in crate::saml) use delivery::{Place, deliver};
pub(crate) use encode::redirect_url;
pub(crate) use parameters::Carrier;
pub use received::{MalformedReceived, Received};

use super::{
    RelayStateRefused,
    authn_request::DecodedAuthnRequest,
    xml::{Limits, XmlError},
};

/// The HTTP-Redirect binding (SAML Bindings §3.4).
pub const HTTP_REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
/// The HTTP-POST binding (SAML Bindings §3.5).
pub const HTTP_POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

/// The HTTP-Artifact binding (SAML Bindings §3.6), for responses.
pub const HTTP_ARTIFACT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact";
/// The SOAP binding (SAML Bindings §3.2), by which artifacts are resolved.
pub const SOAP: &str = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP";

/// The most octets of a query string or of a form that carries a message: [`MAX_MESSAGE_BYTES`] in base64, with escapes.
pub const MAX_CARRIED_BYTES: usize = 256 * 1024;
/// The most octets of a message, before it is parsed and after it is inflated.
pub const MAX_MESSAGE_BYTES: usize = Limits::PROTOCOL.bytes;

/// Why octets could not be read as the message that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BindingError {
    /// The value is no base64.
    #[error("{0} is not base64")]
    Base64(&'static str),
    /// DEFLATE data that is malformed, ends early, or goes on behind its end (SAML Bindings §3.4.4.1).
    #[error("the message is not one raw DEFLATE stream (RFC 1951)")]
    Deflate,
    /// A parameter twice: which one was signed, and which one would be read?
    #[error("parameter {0} is given twice")]
    DuplicateParameter(&'static str),
    /// A message signed inside the XML, in a binding that signs the query string instead (SAML Bindings §3.4.4.1).
    #[error("a message in the HTTP-Redirect binding must not contain an XML signature")]
    EmbeddedSignature,
    /// Another encoding than DEFLATE.
    #[error("SAMLEncoding is not the DEFLATE encoding")]
    Encoding,
    /// The name of a SAML parameter, disguised by escapes.
    #[error("the name of parameter {0} is percent-encoded")]
    EncodedParameterName(&'static str),
    /// Issuer is missing, or there are several.
    #[error("the message has no Issuer as its first element, or more than one")]
    Issuer,
    /// Issuer is no entity id, or of another format.
    #[error("Issuer must be the sender's entityID: 1 to 1024 characters without white space, Format entity or absent")]
    MalformedIssuer,
    /// A broken percent-encoding or octets that are not UTF-8.
    #[error("{0} is not percent-encoded UTF-8")]
    MalformedParameter(&'static str),
    /// No message.
    #[error("there is no SAMLRequest parameter")]
    NoRequest,
    /// No message, where a Response is expected.
    #[error("there is no SAMLResponse parameter")]
    NoResponse,
    /// Another element than `samlp:LogoutRequest` in SAMLRequest, or than `samlp:LogoutResponse` in SAMLResponse.
    #[error("the message is no samlp:LogoutRequest or samlp:LogoutResponse of SAML 2.0")]
    NotALogoutMessage,
    /// Another element than `samlp:AuthnRequest`.
    #[error("the message is no samlp:AuthnRequest of SAML 2.0")]
    NotAnAuthnRequest,
    /// Another element than `samlp:ArtifactResolve` in the SOAP body.
    #[error("the message is no samlp:ArtifactResolve of SAML 2.0")]
    NotAnArtifactResolve,
    /// Another element than `samlp:Response`.
    #[error("the message is no samlp:Response of SAML 2.0")]
    NotAResponse,
    /// Not a SOAP envelope with one message in its body, or one with a header that must be understood.
    #[error("the body is no SOAP 1.1 envelope with one message, and without headers that must be understood")]
    NotSoap,
    /// RelayState that is not carried.
    #[error(transparent)]
    RelayState(#[from] RelayStateRefused),
    /// SAMLRequest where a response is expected.
    #[error("SAMLRequest is no parameter of a response")]
    RequestParameter,
    /// SAMLResponse where a request is expected, or beside one.
    #[error("SAMLResponse is no parameter of a request")]
    ResponseParameter,
    /// One of `SigAlg` and `Signature` without the other.
    #[error("SigAlg and Signature belong together, but one of them is missing")]
    SignatureIncomplete,
    /// More octets than [`MAX_CARRIED_BYTES`] or [`MAX_MESSAGE_BYTES`].
    #[error("the message is larger than a message may be")]
    TooLarge,
    /// The XML was refused.
    #[error("the message is not acceptable XML: {0}")]
    Xml(#[from] XmlError),
}
