//! The HTTP-Redirect binding outwards: DEFLATE, base64, percent-encoding, and the signature over the query (SAML Bindings §3.4.4.1).

use std::io::Write as _;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use flate2::{Compression, write::DeflateEncoder};
use url::{Url, form_urlencoded::byte_serialize};

use super::Carrier;
use crate::saml::{
    RelayState,
    signature::{Signer, SigningFailed},
    xml::Canonical,
};

/// The address that carries a message, signed. What `location` has in its query stays in front and is not signed.
///
/// # Errors
/// The key could not be used.
pub(crate) fn redirect_url(
    location: &Url,
    carrier: Carrier,
    message: &Canonical,
    relay_state: Option<&RelayState>,
    signer: &dyn Signer,
) -> Result<Url, SigningFailed> {
    let escaped = |octets: &[u8]| byte_serialize(octets).collect::<String>();
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
    let deflated = deflate.write_all(message.as_bytes()).and_then(|()| deflate.finish());
    let deflated = deflated.map_err(|error| SigningFailed(error.to_string()))?;

    let mut query = format!("{}={}", carrier.name(), escaped(BASE64.encode(deflated).as_bytes()));
    if let Some(relay_state) = relay_state {
        query.push_str("&RelayState=");
        query.push_str(&escaped(relay_state.as_str().as_bytes()));
    }
    query.push_str("&SigAlg=");
    query.push_str(&escaped(signer.algorithm().uri().as_bytes()));
    let signature = signer.sign(query.as_bytes())?;
    query.push_str("&Signature=");
    query.push_str(&escaped(BASE64.encode(signature).as_bytes()));

    let mut url = location.clone();
    url.set_fragment(None);
    let whole = match url.query() {
        Some(before) if !before.is_empty() => format!("{before}&{query}"),
        _ => query,
    };
    url.set_query(Some(&whole));
    Ok(url)
}
