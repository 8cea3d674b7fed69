//! A message of ours on its way through a browser: signed as its binding wants it, and read back before it leaves.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use url::Url;

use super::{Carrier, redirect_url};
use crate::saml::{
    OutboundError, RelayState,
    read_back::{self, ReadBackError},
    signature::{SignaturePosition, Signer, SigningError, sign_enveloped},
    xml::{Builder, Element},
};

/// What a message is called that is not read as it was written.
const MESSAGE: &str = "the message";

/// A signed message on its way through a browser. It may carry a name of the person: its page must not be stored.
pub enum Delivery {
    /// By HTTP-Redirect: where to.
    Redirect(Url),
    /// By HTTP-POST: a form.
    Post {
        /// The form's action.
        action: Url,
        /// The name of the message's field: `SAMLRequest` or `SAMLResponse`.
        field: &'static str,
        /// The message, in base64.
        message: String,
        /// The field `RelayState`.
        relay_state: Option<RelayState>,
    },
}

/// A registered place, and the binding by which it takes messages.
#[derive(Clone, Copy)]
pub(in crate::saml) struct Place<'p> {
    pub(in crate::saml) url: &'p Url,
    /// By HTTP-POST otherwise.
    pub(in crate::saml) by_redirect: bool,
}

/// Writes and signs a message for this place, and reads it back: octet for octet what was written, of which `compare` finds
/// that it is what was meant.
///
/// # Errors
/// [`OutboundError`]: nothing may be sent then.
pub(in crate::saml) fn deliver(
    message: &Builder,
    carrier: Carrier,
    to: Place<'_>,
    relay_state: Option<&RelayState>,
    signer: &dyn Signer,
    compare: impl FnOnce(Element<'_>) -> Result<(), ReadBackError>,
) -> Result<Delivery, OutboundError> {
    if to.by_redirect {
        let written = message.canonical()?;
        compare(read_back::octet_for_octet(written.as_bytes(), MESSAGE)?.root())?;
        let url = redirect_url(to.url, carrier, &written, relay_state, signer).map_err(SigningError::from)?;
        return Ok(Delivery::Redirect(url));
    }
    let signed = sign_enveloped(message, SignaturePosition::AfterIssuer, signer)?;
    let document = read_back::octet_for_octet(signed.as_bytes(), MESSAGE)?;
    read_back::verify(document.root(), SignaturePosition::AfterIssuer, signer)?;
    compare(document.root())?;
    Ok(Delivery::Post {
        action: to.url.clone(),
        field: carrier.name(),
        message: BASE64.encode(signed.as_bytes()),
        relay_state: relay_state.cloned(),
    })
}

/// Says where it goes, never what it carries.
impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redirect(url) => write!(f, "Delivery::Redirect({:?})", url.host_str()),
            Self::Post { action, .. } => write!(f, "Delivery::Post({:?})", action.host_str()),
        }
    }
}
