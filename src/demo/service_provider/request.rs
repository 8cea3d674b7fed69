//! Signed `AuthnRequest`s for the HTTP-Redirect binding (SAML bindings §3.4).

use std::io::Write as _;

use flate2::{Compression, write::DeflateEncoder};
use time::{UtcDateTime, macros::format_description};

use super::{IdentityProvider, PERSISTENT, POST, RequestError, ServiceProvider, base64};
use crate::{
    entropy::{Entropy, random_bytes},
    saml::{
        signature::{Signer, SigningError},
        xml::{Builder, ns},
    },
};

/// Login.gov's pseudo-context that lists attributes.
const REQUESTED_ATTRIBUTES: &str = "http://idmanagement.gov/ns/requested_attributes?ReqAttr=";

/// What a request asks for beyond a plain sign-in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// Authentication contexts, for instance `http://idmanagement.gov/ns/assurance/ial/2`.
    pub contexts: Vec<String>,
    /// Attributes by their short names, sent as `ReqAttr`. Empty: whatever the agreement says.
    pub attributes: Vec<String>,
    /// The person must authenticate anew.
    pub force_authn: bool,
    /// No page may be shown.
    pub is_passive: bool,
    /// The URI of the NameID format; persistent where it is `None`.
    pub name_id_format: Option<String>,
}

/// A request on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInRequest {
    /// The ID, which the response must name.
    pub id: String,
    /// Where to send the browser.
    pub url: String,
}

impl ServiceProvider {
    /// Makes a signed request.
    ///
    /// # Errors
    /// [`RequestError`]: it could not be written or signed.
    pub fn request(
        &self,
        idp: &IdentityProvider,
        ask: &Ask,
        relay_state: Option<&str>,
        now: UtcDateTime,
        entropy: &dyn Entropy,
    ) -> Result<SignInRequest, RequestError> {
        let id = format!("_{}", hex::encode(random_bytes::<20>(entropy)));
        let xml = self.authn_request(idp, ask, &id, now).canonical().map_err(SigningError::from)?;
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
        deflate.write_all(xml.as_bytes())?;

        let mut query = format!("SAMLRequest={}", percent_encode(&base64(&deflate.finish()?)));
        if let Some(relay_state) = relay_state {
            query.push_str("&RelayState=");
            query.push_str(&percent_encode(relay_state));
        }
        query.push_str("&SigAlg=");
        query.push_str(&percent_encode(self.signer.algorithm().uri()));
        let signature = self.signer.sign(query.as_bytes()).map_err(SigningError::from)?;
        query.push_str("&Signature=");
        query.push_str(&percent_encode(&base64(&signature)));

        let separator = if idp.sso_redirect_url.contains('?') { '&' } else { '?' };
        Ok(SignInRequest { id, url: format!("{}{separator}{query}", idp.sso_redirect_url) })
    }

    fn authn_request(&self, idp: &IdentityProvider, ask: &Ask, id: &str, now: UtcDateTime) -> Builder {
        let samlp = |local| Builder::element("samlp", ns::PROTOCOL, local);
        let saml = |local| Builder::element("saml", ns::ASSERTION, local);
        let mut contexts = ask.contexts.clone();
        if !ask.attributes.is_empty() {
            contexts.push(format!("{REQUESTED_ATTRIBUTES}{}", ask.attributes.join(",")));
        }
        let requested = (!contexts.is_empty()).then(|| {
            let class_refs = contexts.into_iter().map(|context| saml("AuthnContextClassRef").text(context));
            samlp("RequestedAuthnContext").attribute("Comparison", "exact").children(class_refs)
        });
        let format = ask.name_id_format.as_deref().unwrap_or(PERSISTENT);
        samlp("AuthnRequest")
            .attribute("ID", id)
            .attribute("Version", "2.0")
            .attribute("IssueInstant", date_time(now))
            .attribute("Destination", &*idp.sso_redirect_url)
            .attribute("AssertionConsumerServiceURL", &*self.acs_url)
            .attribute("ProtocolBinding", POST)
            .optional_attribute("ForceAuthn", ask.force_authn.then_some("true"))
            .optional_attribute("IsPassive", ask.is_passive.then_some("true"))
            .child(saml("Issuer").text(&*self.entity_id))
            .child(samlp("NameIDPolicy").attribute("AllowCreate", "true").attribute("Format", format))
            .optional_child(requested)
    }
}

/// `xs:dateTime` in UTC (SAML core §1.3.3).
fn date_time(at: UtcDateTime) -> String {
    at.format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z")).unwrap_or_default()
}

/// RFC 3986 §2.1: everything but the unreserved characters.
fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
