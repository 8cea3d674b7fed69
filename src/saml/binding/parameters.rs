//! Parameters of a query string or a form, split once, with their octets kept as they came.

use super::{BindingError, MAX_CARRIED_BYTES};
use crate::saml::xml::{clean_octets, is_one_of};

/// The parameters that mean something to SAML. All others are somebody else's and are ignored.
const NAMES: [&str; 6] = ["SAMLRequest", "SAMLResponse", "RelayState", "SigAlg", "Signature", "SAMLEncoding"];

/// The values as they came, still percent-encoded.
#[derive(Debug, Default)]
pub(super) struct Parameters<'q> {
    pub(super) saml_request: Option<&'q [u8]>,
    pub(super) saml_response: Option<&'q [u8]>,
    pub(super) relay_state: Option<&'q [u8]>,
    pub(super) sig_alg: Option<&'q [u8]>,
    pub(super) signature: Option<&'q [u8]>,
    pub(super) saml_encoding: Option<&'q [u8]>,
}

impl<'q> Parameters<'q> {
    pub(super) fn split(octets: &'q [u8]) -> Result<Self, BindingError> {
        if octets.len() > MAX_CARRIED_BYTES {
            return Err(BindingError::TooLarge);
        }
        let mut parameters = Self::default();
        for pair in octets.split(|byte| *byte == b'&') {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let (name, value) = (halves.next().unwrap_or(&[]), halves.next().unwrap_or(&[]));
            let Some(known) = NAMES.into_iter().find(|known| decodes_to(name, known)) else { continue };
            if name != known.as_bytes() {
                return Err(BindingError::EncodedParameterName(known));
            }
            let slot = match known {
                "SAMLRequest" => &mut parameters.saml_request,
                "SAMLResponse" => &mut parameters.saml_response,
                "RelayState" => &mut parameters.relay_state,
                "SigAlg" => &mut parameters.sig_alg,
                "Signature" => &mut parameters.signature,
                _ => &mut parameters.saml_encoding,
            };
            if slot.replace(value).is_some() {
                return Err(BindingError::DuplicateParameter(known));
            }
        }
        Ok(parameters)
    }
}

/// Which of the two parameters a message is in (SAML Bindings §3.4.4.1, §3.5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    Request,
    Response,
}

impl Carrier {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Request => "SAMLRequest",
            Self::Response => "SAMLResponse",
        }
    }
}

impl<'q> Parameters<'q> {
    /// The one message, where only requests are taken.
    pub(super) fn request(&self) -> Result<&'q [u8], BindingError> {
        match self.message()? {
            (Carrier::Request, value) => Ok(value),
            (Carrier::Response, _) => Err(BindingError::ResponseParameter),
        }
    }

    /// The one message, where only responses are taken.
    pub(super) fn response(&self) -> Result<&'q [u8], BindingError> {
        match (self.saml_request, self.saml_response) {
            (Some(_), _) => Err(BindingError::RequestParameter),
            (None, Some(value)) => Ok(value),
            (None, None) => Err(BindingError::NoResponse),
        }
    }

    /// The one message, where requests and responses are taken. Both at once are two messages under one signature.
    pub(super) fn message(&self) -> Result<(Carrier, &'q [u8]), BindingError> {
        match (self.saml_request, self.saml_response) {
            (Some(_), Some(_)) => Err(BindingError::ResponseParameter),
            (Some(value), None) => Ok((Carrier::Request, value)),
            (None, Some(value)) => Ok((Carrier::Response, value)),
            (None, None) => Err(BindingError::NoRequest),
        }
    }
}

fn decodes_to(name: &[u8], known: &str) -> bool {
    // Each octet is at most three long in its encoded form; more need not be looked at.
    name.len() <= 3 * known.len() && percent_decoded(name).is_some_and(|decoded| decoded == known.as_bytes())
}

/// A value as text: `%XX` in either case, `+` for a space, UTF-8.
pub(super) fn text(value: &[u8], name: &'static str) -> Result<String, BindingError> {
    percent_decoded(value)
        .and_then(|octets| String::from_utf8(octets).ok())
        .ok_or(BindingError::MalformedParameter(name))
}

fn percent_decoded(value: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(value.len());
    let mut rest = value;
    loop {
        let (plain, special) = rest.split_at(clean_octets(rest, |octet| is_one_of(octet, *b"%+")));
        decoded.extend_from_slice(plain);
        rest = match special {
            [] => return Some(decoded),
            [b'%', high, low, after @ ..] => {
                decoded.push(16 * hex_digit(*high)? + hex_digit(*low)?);
                after
            }
            [b'+', after @ ..] => {
                decoded.push(b' ');
                after
            }
            _ => return None,
        };
    }
}

fn hex_digit(octet: u8) -> Option<u8> {
    match octet {
        b'0'..=b'9' => Some(octet - b'0'),
        b'a'..=b'f' => Some(octet - b'a' + 10),
        b'A'..=b'F' => Some(octet - b'A' + 10),
        _ => None,
    }
}
