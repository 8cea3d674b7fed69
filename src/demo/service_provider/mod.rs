//! A small SAML service provider: makes signed requests, reads and checks responses, signs out and is told to. Pure: octets and
//! times in, values out; `site` serves it.
//!
//! The messages are the wire's ([`crate::saml`]): [`AuthnRequest`](crate::saml::authn_request::AuthnRequest) out,
//! [`DecodedResponse`](crate::saml::DecodedResponse) and what follows it in. Here is what this one service provider demands.

mod logout;
mod request;
mod response;

use std::fmt;
use std::sync::Arc;

use url::Url;

pub use logout::{LogoutArrived, LogoutFailed, SignOutRequest};
pub use request::{Ask, RequestFailed, SignInRequest};
pub use response::{Expected, ReceivedAttribute, SignInAnswer, SignInFailed, SignedIn};

use crate::saml::{
    EntityId, IdpMetadata, MalformedEntityId, Peer, SsoLocation,
    binding::{HTTP_POST, HTTP_REDIRECT},
    encryption::{Opener, PemOpener},
    metadata::{Location, LogoutKind, MalformedLocation, MetadataFaults, SloLocation},
    signature::{KeyError, PemSigner, Signer, VerificationKey},
    xml::{Builder, Canonical, WriteError, ns},
};

/// The NameID format of pairwise identifiers.
const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";

/// Who the service provider is: its name, its one assertion consumer service, its key pair for signing and decrypting.
pub struct ServiceProvider {
    entity_id: EntityId,
    acs: Location,
    slo_url: Option<Url>,
    signer: PemSigner,
    openers: Vec<Arc<dyn Opener>>,
}

impl ServiceProvider {
    /// A service provider with an RSA key pair, both parts PEM.
    ///
    /// # Errors
    /// [`ServiceProviderError`].
    pub fn new(
        entity_id: impl AsRef<str>,
        acs_url: impl AsRef<str>,
        private_key_pem: &[u8],
        certificate_pem: &[u8],
    ) -> Result<Self, ServiceProviderError> {
        Ok(Self {
            entity_id: EntityId::parse(entity_id.as_ref())?,
            acs: Location::parse(acs_url.as_ref())?,
            slo_url: None,
            signer: PemSigner::from_pem(private_key_pem, certificate_pem)?,
            openers: vec![Arc::new(PemOpener::from_pem(private_key_pem, certificate_pem)?)],
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
        self.entity_id.as_str()
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
                md("SingleLogoutService").attribute("Binding", HTTP_REDIRECT).attribute("Location", url.as_str())
            }))
            .child(md("NameIDFormat").text(PERSISTENT))
            .child(
                md("AssertionConsumerService")
                    .attribute("Binding", HTTP_POST)
                    .attribute("Location", self.acs.as_str())
                    .attribute("index", "0")
                    .attribute("isDefault", "true"),
            );
        md("EntityDescriptor").attribute("entityID", self.entity_id.as_str()).child(role).canonical()
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
    metadata: IdpMetadata,
    sso: SsoLocation,
}

impl IdentityProvider {
    /// Reads the identity provider's metadata. How the octets were come by is the caller's affair: they are trusted.
    ///
    /// # Errors
    /// [`IdpMetadataError`].
    pub fn from_metadata(octets: &[u8]) -> Result<Self, IdpMetadataError> {
        let metadata = IdpMetadata::parse(octets)?;
        // Everything of the demonstration is on this machine, and nothing on https.
        let sso = metadata.sso_location(true).filter(SsoLocation::is_by_redirect).ok_or(IdpMetadataError::NoSignOn)?;
        Ok(Self { metadata, sso })
    }

    /// The keys that may sign what it sends.
    #[must_use]
    pub fn keys(&self) -> &[VerificationKey] {
        self.metadata.peer().keys().signing()
    }

    /// The party that takes part in single logout, where it does by HTTP-Redirect.
    #[must_use]
    pub fn logout(&self) -> Option<&Peer> {
        let place = self.metadata.peer().slo_location(LogoutKind::Request, true);
        place.filter(SloLocation::is_by_redirect).map(|_| self.metadata.peer())
    }
}

/// Why the identity provider's metadata cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdpMetadataError {
    /// The metadata was refused.
    #[error("the identity provider's metadata is unusable: {0}")]
    Faulty(#[from] MetadataFaults),
    /// It takes no requests by HTTP-Redirect, or none on https or on this machine.
    #[error("the identity provider's metadata has no SingleSignOnService for HTTP-Redirect that could be used")]
    NoSignOn,
}

/// Why there is no such service provider.
#[derive(Debug, thiserror::Error)]
pub enum ServiceProviderError {
    /// The assertion consumer service is nowhere.
    #[error(transparent)]
    Address(#[from] MalformedLocation),
    /// The key can neither sign nor decrypt.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// It has no name.
    #[error(transparent)]
    Name(#[from] MalformedEntityId),
}

fn base64(octets: &[u8]) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, octets)
}
