//! Requests of the suite's services, with everything that a request can say, and some things that none should.

use std::io::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use flate2::{Compression, write::DeflateEncoder};
use time::{Duration, UtcDateTime};
use url::Url;

use super::{
    html::Form,
    keys::Pairs,
    provider::{Provider, Which},
};
use crate::{
    entropy::{Entropy, random_bytes},
    saml::{
        encryption::{BlockEncryption, EncryptionKey, EncryptionSeed, encrypt},
        instant,
        signature::{SignaturePosition, Signer as _, sign_enveloped},
        xml::{Builder, ns},
    },
};

/// An AuthnRequest. The default is what most services send.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) contexts: Vec<String>,
    pub(super) comparison: Option<&'static str>,
    pub(super) declaration: Option<&'static str>,
    pub(super) force_authn: bool,
    pub(super) is_passive: bool,
    pub(super) policy: Option<Policy>,
    pub(super) acs: Acs,
    pub(super) protocol_binding: Option<&'static str>,
    pub(super) attribute_set: Option<&'static str>,
    pub(super) subject: Option<Builder>,
    pub(super) conditions: Option<Builder>,
    pub(super) scoping: Option<Builder>,
    pub(super) unknown_extension: bool,
    pub(super) consent: Option<&'static str>,
    pub(super) made: Duration,
    pub(super) version: &'static str,
    pub(super) id: Option<String>,
    pub(super) destination: Option<String>,
    pub(super) relay_state: Option<String>,
    pub(super) sending: Sending,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Policy {
    pub(super) format: Option<&'static str>,
    pub(super) sp_name_qualifier: Option<String>,
    pub(super) allow_create: Option<&'static str>,
}

/// Which assertion consumer service is asked for.
#[derive(Debug, Clone)]
pub(super) enum Acs {
    Default,
    Index(&'static str),
    /// A path of the service.
    Path(&'static str),
    /// Any URL.
    Url(String),
}

/// How a message travels, and who signs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sending {
    pub(super) by_post: bool,
    /// Nothing: unsigned.
    pub(super) signer: Option<Which>,
    /// Whether it is changed after it was signed.
    pub(super) tampered: bool,
    /// The algorithm that is named in place of the true one.
    pub(super) named_algorithm: Option<&'static str>,
    /// Whether a document type is put before it.
    pub(super) document_type: bool,
}

impl Sending {
    pub(super) const REDIRECT: Self = Self {
        by_post: false,
        signer: Some(Which::First),
        tampered: false,
        named_algorithm: None,
        document_type: false,
    };
    pub(super) const POST: Self = Self { by_post: true, ..Self::REDIRECT };
    pub(super) const UNSIGNED: Self = Self { signer: None, ..Self::REDIRECT };
}

impl Default for Ask {
    fn default() -> Self {
        Self {
            contexts: Vec::new(),
            comparison: None,
            declaration: None,
            force_authn: false,
            is_passive: false,
            policy: None,
            acs: Acs::Path("acs"),
            protocol_binding: None,
            attribute_set: None,
            subject: None,
            conditions: None,
            scoping: None,
            unknown_extension: false,
            consent: None,
            made: Duration::ZERO,
            version: "2.0",
            id: None,
            destination: None,
            relay_state: Some(RELAY_STATE.to_owned()),
            sending: Sending::REDIRECT,
        }
    }
}

/// Comes back as it went, markup and all.
pub(super) const RELAY_STATE: &str = "back-to: <a href=\"x\">&'tea' + 100% ü";

/// What a service sent, and what it expects of the answer.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) id: String,
    pub(super) at: UtcDateTime,
    pub(super) relay_state: Option<String>,
    /// Where the answer must go.
    pub(super) acs: String,
}

/// A message on its way.
#[derive(Debug, Clone)]
pub(super) enum Delivery {
    Redirect(Url),
    Post(Form),
}

impl Ask {
    /// Writes the request for one service.
    ///
    /// # Errors
    /// It cannot be written or signed.
    pub(super) fn deliver(
        &self,
        provider: &Provider,
        pairs: &Pairs,
        to: &Url,
        now: UtcDateTime,
        entropy: &dyn Entropy,
    ) -> Result<(Sent, Delivery), String> {
        let id = self.id.clone().unwrap_or_else(|| new_id(entropy));
        let (url, index) = match &self.acs {
            Acs::Default => (None, None),
            Acs::Index(index) => (None, Some(*index)),
            Acs::Path(path) => (Some(provider.acs(path)), None),
            Acs::Url(url) => (Some(url.clone()), None),
        };
        let acs = match (&url, index) {
            (Some(url), _) => url.clone(),
            (None, Some("3")) => provider.acs("acs/second"),
            (None, _) => provider.acs("acs"),
        };
        let request = samlp("AuthnRequest")
            .attribute("ID", id.as_str())
            .attribute("Version", self.version)
            .attribute("IssueInstant", instant::format(now + self.made))
            .attribute("Destination", self.destination.clone().unwrap_or_else(|| to.to_string()))
            .optional_attribute("AssertionConsumerServiceURL", url)
            .optional_attribute("AssertionConsumerServiceIndex", index)
            .optional_attribute("AttributeConsumingServiceIndex", self.attribute_set)
            .optional_attribute("ProtocolBinding", self.protocol_binding)
            .optional_attribute("ForceAuthn", self.force_authn.then_some("true"))
            .optional_attribute("IsPassive", self.is_passive.then_some("true"))
            .optional_attribute("Consent", self.consent)
            .child(saml("Issuer").text(provider.entity_id()))
            .optional_child(self.unknown_extension.then(unknown_extension))
            .optional_child(self.subject.clone())
            .optional_child(self.policy.as_ref().map(Policy::write))
            .optional_child(self.conditions.clone())
            .optional_child(self.requested_context())
            .optional_child(self.scoping.clone());
        let relay_state = self.relay_state.clone();
        let delivery = deliver(&request, "SAMLRequest", relay_state.as_deref(), to, self.sending, pairs)?;
        Ok((Sent { id, at: now, relay_state, acs }, delivery))
    }

    fn requested_context(&self) -> Option<Builder> {
        let classes = self.contexts.iter().map(|uri| saml("AuthnContextClassRef").text(uri.as_str()));
        let declarations = self.declaration.map(|uri| saml("AuthnContextDeclRef").text(uri));
        let asked = samlp("RequestedAuthnContext").optional_attribute("Comparison", self.comparison);
        (!self.contexts.is_empty() || self.declaration.is_some())
            .then(|| asked.children(classes).optional_child(declarations))
    }
}

impl Policy {
    fn write(&self) -> Builder {
        samlp("NameIDPolicy")
            .optional_attribute("Format", self.format)
            .optional_attribute("SPNameQualifier", self.sp_name_qualifier.clone())
            .optional_attribute("AllowCreate", self.allow_create)
    }
}

/// Signs a message and gives it to a browser.
///
/// # Errors
/// It cannot be written or signed.
pub(super) fn deliver(
    message: &Builder,
    field: &'static str,
    relay_state: Option<&str>,
    to: &Url,
    sending: Sending,
    pairs: &Pairs,
) -> Result<Delivery, String> {
    let before = if sending.document_type { "<!DOCTYPE a [<!ENTITY b \"c\">]>" } else { "" };
    let signer = sending.signer.map(|which| &which.of(pairs).signer);
    if sending.by_post {
        let written = match signer {
            Some(signer) => {
                sign_enveloped(message, SignaturePosition::AfterIssuer, signer).map_err(|error| error.to_string())?
            }
            None => message.canonical().map_err(|error| error.to_string())?,
        };
        let text = written.into_string();
        let text =
            if sending.tampered { text.replacen("Version=\"2.0\"", "Version=\"2.0\" Consent=\"x\"", 1) } else { text };
        let mut fields = vec![(field.to_owned(), BASE64.encode(format!("{before}{text}")))];
        fields.extend(relay_state.map(|state| ("RelayState".to_owned(), state.to_owned())));
        return Ok(Delivery::Post(Form { action: to.clone(), by_post: true, fields }));
    }
    let written = message.canonical().map_err(|error| error.to_string())?;
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
    let packed = deflate
        .write_all(format!("{before}{}", written.as_str()).as_bytes())
        .and_then(|()| deflate.finish())
        .map_err(|error| error.to_string())?;
    let mut query = format!("{field}={}", percent_encode(&BASE64.encode(packed)));
    if let Some(state) = relay_state {
        query.push_str(&format!("&RelayState={}", percent_encode(state)));
    }
    if let Some(signer) = signer {
        let named = sending.named_algorithm.unwrap_or(signer.algorithm().uri());
        query.push_str(&format!("&SigAlg={}", percent_encode(named)));
        let signature = signer.sign(query.as_bytes()).map_err(|error| error.to_string())?;
        if sending.tampered {
            query = query.replacen("&RelayState=", "&RelayState=x", 1);
        }
        query.push_str(&format!("&Signature={}", percent_encode(&BASE64.encode(signature))));
    }
    let mut url = to.clone();
    url.set_query(Some(&query));
    Ok(Delivery::Redirect(url))
}

/// A LogoutRequest for a name that an assertion had.
#[derive(Debug, Clone)]
pub(super) struct AskLogout {
    pub(super) name: Builder,
    /// To the key of this certificate (DER).
    pub(super) encrypt_name_to: Option<Vec<u8>>,
    pub(super) session_index: Option<String>,
    pub(super) asynchronous: bool,
    pub(super) made: Duration,
    pub(super) sending: Sending,
}

impl AskLogout {
    /// Writes it.
    ///
    /// # Errors
    /// It cannot be written or signed.
    pub(super) fn deliver(
        &self,
        provider: &Provider,
        pairs: &Pairs,
        to: &Url,
        now: UtcDateTime,
        entropy: &dyn Entropy,
    ) -> Result<(String, Delivery), String> {
        let id = new_id(entropy);
        let asynchronous = || samlp("Extensions").child(Builder::element("aslo", ns::ASLO, "Asynchronous"));
        let request = samlp("LogoutRequest")
            .attribute("ID", id.as_str())
            .attribute("Version", "2.0")
            .attribute("IssueInstant", instant::format(now + self.made))
            .attribute("Destination", to.as_str())
            .child(saml("Issuer").text(provider.entity_id()))
            .optional_child(self.asynchronous.then(asynchronous))
            .child(self.written_name(entropy)?)
            .optional_child(self.session_index.as_deref().map(|index| samlp("SessionIndex").text(index)));
        let delivery = deliver(&request, "SAMLRequest", Some(RELAY_STATE), to, self.sending, pairs)?;
        Ok((id, delivery))
    }

    fn written_name(&self, entropy: &dyn Entropy) -> Result<Builder, String> {
        let Some(certificate) = &self.encrypt_name_to else { return Ok(self.name.clone()) };
        let key = EncryptionKey::from_certificate_der(certificate).map_err(|fault| fault.to_string())?;
        let seed = EncryptionSeed { content_key: random_bytes(entropy), iv: random_bytes(entropy) };
        let name = self.name.canonical().map_err(|fault| fault.to_string())?;
        let hidden = encrypt(&name, &key, BlockEncryption::Aes256Gcm, seed).map_err(|fault| fault.to_string())?;
        Ok(saml("EncryptedID").fragment(&hidden))
    }
}

/// A LogoutResponse with this top-level status.
///
/// # Errors
/// It cannot be written or signed.
pub(super) fn answer_logout(
    provider: &Provider,
    pairs: &Pairs,
    to: &Url,
    in_response_to: &str,
    status: &str,
    now: UtcDateTime,
    entropy: &dyn Entropy,
) -> Result<Delivery, String> {
    let response = samlp("LogoutResponse")
        .attribute("ID", new_id(entropy))
        .attribute("Version", "2.0")
        .attribute("IssueInstant", instant::format(now))
        .attribute("Destination", to.as_str())
        .attribute("InResponseTo", in_response_to)
        .child(saml("Issuer").text(provider.entity_id()))
        .child(samlp("Status").child(samlp("StatusCode").attribute("Value", status)));
    deliver(&response, "SAMLResponse", None, to, Sending::REDIRECT, pairs)
}

fn new_id(entropy: &dyn Entropy) -> String {
    format!("_{}", hex::encode(random_bytes::<20>(entropy)))
}

pub(super) fn unknown_extension() -> Builder {
    samlp("Extensions").child(Builder::element("un", "urn:example:unknown", "Unknown").attribute("A", "b").text("c"))
}

pub(super) fn samlp(local: &'static str) -> Builder {
    Builder::element("samlp", ns::PROTOCOL, local)
}

pub(super) fn saml(local: &'static str) -> Builder {
    Builder::element("saml", ns::ASSERTION, local)
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
