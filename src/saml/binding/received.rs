//! A request as it came.

use std::fmt;

use super::{
    BindingError,
    parameters::{Parameters, text},
};

/// A request as a browser brought it, not looked into yet. This is what is stored while the person visits pages: on
/// return the line from here to the verified request is walked again.
#[derive(Clone, PartialEq, Eq)]
pub enum Received {
    /// HTTP-Redirect.
    Redirect {
        /// The whole query string, without `?`, octet for octet: its signature is over these octets.
        raw_query: String,
    },
    /// HTTP-POST.
    Post {
        /// The form field of that name, in base64.
        saml_request: String,
        /// The form field of that name, if there is one.
        relay_state: Option<String>,
    },
}

impl Received {
    /// A request by HTTP-Redirect.
    #[must_use]
    pub fn redirect(raw_query: impl Into<String>) -> Self {
        Self::Redirect { raw_query: raw_query.into() }
    }

    /// A request by HTTP-POST, from the body of the form (`application/x-www-form-urlencoded`).
    ///
    /// # Errors
    /// A parameter twice, a broken encoding, no SAMLRequest, or more octets than allowed.
    pub fn from_form(body: &[u8]) -> Result<Self, BindingError> {
        let parameters = Parameters::split(body)?;
        let saml_request = parameters.request()?;
        Ok(Self::Post {
            saml_request: text(saml_request, "SAMLRequest")?,
            relay_state: parameters.relay_state.map(|value| text(value, "RelayState")).transpose()?,
        })
    }

    /// One form of octets for storing.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let parts: [&str; 2];
        let tag = match self {
            Self::Redirect { raw_query } => {
                parts = [raw_query, ""];
                b'R'
            }
            Self::Post { saml_request, relay_state: None } => {
                parts = [saml_request, ""];
                b'P'
            }
            Self::Post { saml_request, relay_state: Some(relay_state) } => {
                parts = [saml_request, relay_state];
                b'S'
            }
        };
        let [first, second] = parts;
        let mut octets = Vec::with_capacity(9 + first.len() + second.len());
        octets.push(tag);
        octets.extend_from_slice(&u64::try_from(first.len()).unwrap_or(u64::MAX).to_be_bytes());
        octets.extend_from_slice(first.as_bytes());
        octets.extend_from_slice(second.as_bytes());
        octets
    }

    /// Reads what [`Received::to_bytes`] wrote.
    ///
    /// # Errors
    /// The octets are not of that form.
    pub fn from_bytes(octets: &[u8]) -> Result<Self, MalformedReceived> {
        let (tag, rest) = octets.split_first().ok_or(MalformedReceived)?;
        let (length, rest) = rest.split_first_chunk::<8>().ok_or(MalformedReceived)?;
        let length = usize::try_from(u64::from_be_bytes(*length)).map_err(|_| MalformedReceived)?;
        let (first, second) = rest.split_at_checked(length).ok_or(MalformedReceived)?;
        let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).map_err(|_| MalformedReceived);
        match (tag, second.is_empty()) {
            (b'R', true) => Ok(Self::Redirect { raw_query: text(first)? }),
            (b'P', true) => Ok(Self::Post { saml_request: text(first)?, relay_state: None }),
            (b'S', _) => Ok(Self::Post { saml_request: text(first)?, relay_state: Some(text(second)?) }),
            _ => Err(MalformedReceived),
        }
    }
}

/// Says by which binding, never what: requests may name people.
impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Redirect { .. } => "Received::Redirect",
            Self::Post { .. } => "Received::Post",
        })
    }
}

/// The stored octets are no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored octets are no request")]
pub struct MalformedReceived;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Received;

    proptest! {
        #[test]
        fn what_is_stored_comes_back(first in ".*", second in proptest::option::of(".*")) {
            let received = [
                Received::redirect(first.clone()),
                Received::Post { saml_request: first, relay_state: second },
            ];
            for received in received {
                prop_assert_eq!(Received::from_bytes(&received.to_bytes()), Ok(received));
            }
        }

        #[test]
        fn no_octets_make_it_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Received::from_bytes(&octets);
            let _ = Received::from_form(&octets);
            if let Ok(text) = String::from_utf8(octets) {
                let _ = Received::redirect(text).decode();
            }
        }
    }
}
