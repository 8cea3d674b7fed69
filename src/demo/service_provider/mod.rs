//! A small SAML service provider: makes signed requests, reads and checks responses, signs out and is told to. Pure: octets and times in, values
//! out; `site` serves it.

mod logout;
mod request;
mod response;

use std::fmt;

use url::Url;

pub use logout::{LogoutArrived, LogoutFailed, LogoutPeer, SignOutRequest};
pub use request::{Ask, SignInRequest};
pub use response::{Expected, Outcome, ReceivedAttribute, SignInFailed, SignedIn};

use crate::saml::{
    encryption::DecryptionKey,
    signature::{KeyError, PemSigner, Signer, SigningError, VerificationKey},
    xml::{Builder, Canonical, Document, Element, Limits, WriteError, XmlError, ns},
};

/// `HTTP-POST` binding.
const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
/// `HTTP-Redirect` binding.
const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
/// The NameID format of pairwise identifiers.
const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";

/// Who the service provider is: its name, its one assertion consumer service, its key pair for signing and decrypting.
pub struct ServiceProvider {
    entity_id: String,
    acs_url: String,
    slo_url: Option<Url>,
    signer: PemSigner,
    decryption_key: DecryptionKey,
}

impl ServiceProvider {
    /// A service provider with an RSA key pair, both parts PEM.
    ///
    /// # Errors
    /// [`KeyError`]: the key cannot sign or cannot decrypt.
    pub fn new(
        entity_id: impl Into<String>,
        acs_url: impl Into<String>,
        private_key_pem: &[u8],
        certificate_pem: &[u8],
    ) -> Result<Self, KeyError> {
        Ok(Self {
            entity_id: entity_id.into(),
            acs_url: acs_url.into(),
            slo_url: None,
            signer: PemSigner::from_pem(private_key_pem, certificate_pem)?,
            decryption_key: DecryptionKey::from_pem(private_key_pem)?,
        })
    }

    /// The same, with a single logout service at this address.
    #[must_use]
    pub fn with_logout(mut self, slo_url: Url) -> Self {
        self.slo_url = Some(slo_url);
        self
    }

    /// Its entityID.
    #[must_use]
    pub fn entity_id(&self) -> &str {
        &self.entity_id
    }

    /// Its metadata, as an agency would hand it in.
    ///
    /// # Errors
    /// [`WriteError`] if a name or address holds a character that XML cannot carry.
    pub fn metadata(&self, display_name: &str) -> Result<Canonical, WriteError> {
        let md = |local| Builder::element("md", ns::METADATA, local);
        let ds = |local| Builder::element("ds", ns::DSIG, local);
        let certificate = base64(self.signer.certificate_der());
        let key_info = ds("KeyInfo").child(ds("X509Data").child(ds("X509Certificate").text(certificate)));
        let display_name = Builder::element("mdui", ns::MDUI, "DisplayName")
            .attribute_ns("xml", ns::XML, "lang", "en")
            .text(display_name);
        let role = md("SPSSODescriptor")
            .attribute("protocolSupportEnumeration", ns::PROTOCOL)
            .attribute("AuthnRequestsSigned", "true")
            .attribute("WantAssertionsSigned", "true")
            .child(md("Extensions").child(Builder::element("mdui", ns::MDUI, "UIInfo").child(display_name)))
            // Without `use`, the one key serves for signing and for encryption.
            .child(md("KeyDescriptor").child(key_info))
            .optional_child(self.slo_url.as_ref().map(|url| {
                md("SingleLogoutService").attribute("Binding", REDIRECT).attribute("Location", url.as_str())
            }))
            .child(md("NameIDFormat").text(PERSISTENT))
            .child(
                md("AssertionConsumerService")
                    .attribute("Binding", POST)
                    .attribute("Location", &*self.acs_url)
                    .attribute("index", "0")
                    .attribute("isDefault", "true"),
            );
        md("EntityDescriptor").attribute("entityID", &*self.entity_id).child(role).canonical()
    }
}

impl fmt::Debug for ServiceProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceProvider").field("entity_id", &self.entity_id).finish_non_exhaustive()
    }
}

/// What the service provider knows of the identity provider: what its metadata says.
#[derive(Debug, Clone)]
pub struct IdentityProvider {
    entity_id: String,
    sso_redirect_url: String,
    keys: Vec<VerificationKey>,
    logout: Option<LogoutPeer>,
}

impl IdentityProvider {
    /// Reads the identity provider's metadata. How the octets were come by is the caller's affair: they are trusted.
    ///
    /// # Errors
    /// [`IdpMetadataError`].
    pub fn from_metadata(octets: &[u8]) -> Result<Self, IdpMetadataError> {
        let document = Document::parse(octets, &Limits::METADATA)?;
        let entity = document.root();
        if !entity.is(ns::METADATA, "EntityDescriptor") {
            return Err(IdpMetadataError::Missing("EntityDescriptor"));
        }
        let entity_id = entity.attribute("entityID").ok_or(IdpMetadataError::Missing("entityID"))?;
        let role = entity
            .only_child(ns::METADATA, "IDPSSODescriptor")?
            .ok_or(IdpMetadataError::Missing("IDPSSODescriptor"))?;
        let location = |name: &str| {
            role.children()
                .find(|c| c.is(ns::METADATA, name) && c.attribute("Binding") == Some(REDIRECT))
                .and_then(|service| service.attribute("Location"))
        };
        let sso = location("SingleSignOnService")
            .ok_or(IdpMetadataError::Missing("SingleSignOnService for HTTP-Redirect"))?;
        let mut certificates = Vec::new();
        for descriptor in role.children().filter(|c| c.is(ns::METADATA, "KeyDescriptor")) {
            if descriptor.attribute("use").is_none_or(|usage| usage == "signing") {
                certificates.extend(certificates_of(descriptor)?);
            }
        }
        let keys: Vec<VerificationKey> =
            certificates.iter().map(|der| VerificationKey::from_certificate_der(der)).collect::<Result<_, _>>()?;
        if keys.is_empty() {
            return Err(IdpMetadataError::Missing("signing key"));
        }
        let logout = location("SingleLogoutService")
            .map(|location| LogoutPeer::new(entity_id, location, &certificates))
            .transpose()?;
        Ok(Self { entity_id: entity_id.to_owned(), sso_redirect_url: sso.to_owned(), keys, logout })
    }

    /// The keys that may sign what it sends.
    #[must_use]
    pub fn keys(&self) -> &[VerificationKey] {
        &self.keys
    }

    /// Its single logout service, where it has one by HTTP-Redirect.
    #[must_use]
    pub fn logout(&self) -> Option<&LogoutPeer> {
        self.logout.as_ref()
    }
}

fn certificates_of(descriptor: Element<'_>) -> Result<Vec<Vec<u8>>, IdpMetadataError> {
    let mut certificates = Vec::new();
    let key_infos = descriptor.children().filter(|c| c.is(ns::DSIG, "KeyInfo"));
    let data = key_infos.flat_map(Element::children).filter(|c| c.is(ns::DSIG, "X509Data"));
    for certificate in data.flat_map(Element::children).filter(|c| c.is(ns::DSIG, "X509Certificate")) {
        certificates.push(from_base64(&certificate.text()?).ok_or(IdpMetadataError::Key(KeyError::Malformed))?);
    }
    Ok(certificates)
}

/// Why the identity provider's metadata cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdpMetadataError {
    /// A certificate is none, or its key is not acceptable.
    #[error("a key of the identity provider is unusable: {0}")]
    Key(#[from] KeyError),
    /// Something that must be there is not.
    #[error("the identity provider's metadata has no {0}")]
    Missing(&'static str),
    /// The document was refused.
    #[error("the identity provider's metadata is unreadable: {0}")]
    Xml(#[from] XmlError),
}

/// Why a request was not made.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// It could not be compressed.
    #[error("the request could not be compressed: {0}")]
    Deflate(#[from] std::io::Error),
    /// It could not be signed.
    #[error(transparent)]
    Signing(#[from] SigningError),
}

fn base64(octets: &[u8]) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, octets)
}

/// Base64 as it comes in forms and in XML: with line ends.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    base64::Engine::decode(&base64::engine::general_purpose::STANDARD, compact).ok()
}
