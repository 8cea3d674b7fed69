//! Undoing the carriage: percent-encoding, base64, DEFLATE, each within its limit before the work is done.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use flate2::{Decompress, FlushDecompress, Status};

use super::{
    BindingError, DecodedAuthnRequest, MAX_CARRIED_BYTES, MAX_MESSAGE_BYTES, Received,
    parameters::{Carrier, Parameters, text},
};
use crate::saml::{
    RelayState,
    logout::{DecodedLogoutRequest, DecodedLogoutResponse, LogoutMessage},
    response::incoming::DecodedResponse,
    xml::is_space,
};

/// The one encoding of the HTTP-Redirect binding (SAML Bindings §3.4.4.1).
const DEFLATE: &str = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE";

/// Room for nearly every message, before it is parsed and after it is inflated.
const ORDINARY_MESSAGE_BYTES: usize = 8 * 1024;

/// The signature of a query string, with the very octets that it is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QuerySignature {
    /// `SAMLRequest=…[&RelayState=…]&SigAlg=…`, values as received.
    pub(crate) octets: Vec<u8>,
    pub(crate) sig_alg: String,
    pub(crate) signature: Vec<u8>,
}

/// How the message came, as far as verifying it depends on that.
#[derive(Debug)]
pub(crate) enum Carriage {
    Post,
    Soap,
    Redirect(Option<QuerySignature>),
}

/// A message's octets, and what came with it.
#[derive(Debug)]
pub(crate) struct Carried {
    pub(crate) message: Vec<u8>,
    pub(crate) relay_state: Option<RelayState>,
    pub(crate) carriage: Carriage,
}

impl Received {
    /// Undoes the carriage and reads the XML. Nothing of the result can be believed yet.
    ///
    /// # Errors
    /// [`BindingError`].
    pub fn decode(&self) -> Result<DecodedAuthnRequest, BindingError> {
        DecodedAuthnRequest::read(self.unpack()?)
    }

    fn unpack(&self) -> Result<Carried, BindingError> {
        match self {
            Self::Redirect { raw_query } => {
                let parameters = Parameters::split(raw_query.as_bytes())?;
                unpack_redirect(&parameters, Carrier::Request, parameters.request()?)
            }
            Self::Post { saml_request, relay_state } => {
                unpack_post(Carrier::Request, saml_request, relay_state.as_deref())
            }
        }
    }
}

impl LogoutMessage {
    /// Undoes the carriage of a query string and reads the XML. Nothing of the result can be believed yet.
    ///
    /// # Errors
    /// [`BindingError`].
    pub fn from_query(raw_query: &str) -> Result<Self, BindingError> {
        let parameters = Parameters::split(raw_query.as_bytes())?;
        let (carrier, value) = parameters.message()?;
        Self::read(carrier, unpack_redirect(&parameters, carrier, value)?)
    }

    /// The same for the body of a form (`application/x-www-form-urlencoded`).
    ///
    /// # Errors
    /// [`BindingError`].
    pub fn from_form(body: &[u8]) -> Result<Self, BindingError> {
        let parameters = Parameters::split(body)?;
        let (carrier, value) = parameters.message()?;
        let relay_state = parameters.relay_state.map(|value| text(value, "RelayState")).transpose()?;
        Self::read(carrier, unpack_post(carrier, &text(value, carrier.name())?, relay_state.as_deref())?)
    }

    fn read(carrier: Carrier, carried: Carried) -> Result<Self, BindingError> {
        match carrier {
            Carrier::Request => DecodedLogoutRequest::read(carried).map(Self::Request),
            Carrier::Response => DecodedLogoutResponse::read(carried).map(Self::Response),
        }
    }
}

impl DecodedResponse {
    /// Undoes the carriage of a form's body (`application/x-www-form-urlencoded`) and reads the XML. Nothing of the result can be
    /// believed yet. There is no such reader for query strings: SAML Profiles §4.1.2 lets no Response come by HTTP-Redirect.
    ///
    /// # Errors
    /// [`BindingError`].
    pub fn from_form(body: &[u8]) -> Result<Self, BindingError> {
        let parameters = Parameters::split(body)?;
        let value = parameters.response()?;
        let relay_state = parameters.relay_state.map(|value| text(value, "RelayState")).transpose()?;
        Self::from_fields(&text(value, Carrier::Response.name())?, relay_state.as_deref())
    }

    /// The same of the values of the fields `SAMLResponse` and `RelayState`, each of which must have come once.
    ///
    /// # Errors
    /// [`BindingError`].
    pub fn from_fields(saml_response: &str, relay_state: Option<&str>) -> Result<Self, BindingError> {
        Self::read(unpack_post(Carrier::Response, saml_response, relay_state)?)
    }
}

fn unpack_post(carrier: Carrier, message: &str, relay_state: Option<&str>) -> Result<Carried, BindingError> {
    if message.len() > MAX_CARRIED_BYTES {
        return Err(BindingError::TooLarge);
    }
    // RFC 2045 base64 has line breaks, and toolkits make them (SAML Bindings §3.5.4).
    let compact: String = message.chars().filter(|c| !is_space(*c)).collect();
    let message = BASE64.decode(compact).map_err(|_| BindingError::Base64(carrier.name()))?;
    if message.len() > MAX_MESSAGE_BYTES {
        return Err(BindingError::TooLarge);
    }
    let relay_state = relay_state.map(RelayState::parse).transpose()?;
    Ok(Carried { message, relay_state, carriage: Carriage::Post })
}

fn unpack_redirect(parameters: &Parameters<'_>, carrier: Carrier, value: &[u8]) -> Result<Carried, BindingError> {
    if let Some(encoding) = parameters.saml_encoding
        && text(encoding, "SAMLEncoding")? != DEFLATE
    {
        return Err(BindingError::Encoding);
    }
    let signature = query_signature(carrier, value, parameters)?;
    let relay_state = match parameters.relay_state {
        Some(value) => Some(RelayState::parse(&text(value, "RelayState")?)?),
        None => None,
    };
    let message = inflate(&base64(value, carrier.name())?)?;
    Ok(Carried { message, relay_state, carriage: Carriage::Redirect(signature) })
}

/// SAML Bindings §3.4.4.1: the signature is over the octets of the query as they were sent, in this order whatever the
/// order in the URL. Encoding them again would not give the same octets.
fn query_signature(
    carrier: Carrier,
    value: &[u8],
    parameters: &Parameters<'_>,
) -> Result<Option<QuerySignature>, BindingError> {
    let (sig_alg, signature) = match (parameters.sig_alg, parameters.signature) {
        (None, None) => return Ok(None),
        (Some(sig_alg), Some(signature)) => (sig_alg, signature),
        _ => return Err(BindingError::SignatureIncomplete),
    };
    let mut octets = format!("{}=", carrier.name()).into_bytes();
    octets.extend_from_slice(value);
    if let Some(relay_state) = parameters.relay_state {
        octets.extend_from_slice(b"&RelayState=");
        octets.extend_from_slice(relay_state);
    }
    octets.extend_from_slice(b"&SigAlg=");
    octets.extend_from_slice(sig_alg);
    Ok(Some(QuerySignature { octets, sig_alg: text(sig_alg, "SigAlg")?, signature: base64(signature, "Signature")? }))
}

/// Base64 in a query string: without line breaks (SAML Bindings §3.4.4.1).
fn base64(value: &[u8], name: &'static str) -> Result<Vec<u8>, BindingError> {
    BASE64.decode(text(value, name)?).map_err(|_| BindingError::Base64(name))
}

/// Inflates one raw DEFLATE stream, all of the input and nothing behind it, into at most [`MAX_MESSAGE_BYTES`].
fn inflate(compressed: &[u8]) -> Result<Vec<u8>, BindingError> {
    // The whole room is taken only for those that need it: that much memory comes from the operating system each time.
    if let Some(message) = inflate_into(ORDINARY_MESSAGE_BYTES, compressed)? {
        return Ok(message);
    }
    // One octet more than allowed, so that a message of exactly the limit can be told from a longer one.
    match inflate_into(MAX_MESSAGE_BYTES + 1, compressed)? {
        Some(message) if message.len() <= MAX_MESSAGE_BYTES => Ok(message),
        _ => Err(BindingError::TooLarge),
    }
}

/// The stream inflated, or nothing where it fills all this room.
fn inflate_into(room: usize, compressed: &[u8]) -> Result<Option<Vec<u8>>, BindingError> {
    let mut inflater = Decompress::new(false);
    let mut message = Vec::with_capacity(room);
    let status = inflater
        .decompress_vec(compressed, &mut message, FlushDecompress::Finish)
        .map_err(|_| BindingError::Deflate)?;
    if message.len() >= room {
        return Ok(None);
    }
    let whole = usize::try_from(inflater.total_in()).is_ok_and(|read| read == compressed.len());
    if status == Status::StreamEnd && whole { Ok(Some(message)) } else { Err(BindingError::Deflate) }
}
