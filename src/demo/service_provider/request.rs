//! Signed `AuthnRequest`s for the HTTP-Redirect binding.

use time::UtcDateTime;

use super::{IdentityProvider, PERSISTENT, ServiceProvider};
use crate::{
    entropy::{Entropy, random_bytes},
    saml::{
        MessageId, OutboundError, RelayState, RelayStateRefused,
        authn_request::{AuthnRequest, Comparison, NameIdPolicy, RequestedAuthnContext},
        binding::Delivery,
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

/// Why a request was not made.
#[derive(Debug, thiserror::Error)]
pub enum RequestFailed {
    /// It could not be written or signed.
    #[error("the request could not be made: {0}")]
    Outbound(#[from] OutboundError),
    /// What was to come back with the answer is not carried.
    #[error(transparent)]
    RelayState(#[from] RelayStateRefused),
    /// It would not go by HTTP-Redirect.
    #[error("the identity provider takes no requests by HTTP-Redirect")]
    NotByRedirect,
}

impl ServiceProvider {
    /// Makes a signed request.
    ///
    /// # Errors
    /// [`RequestFailed`].
    pub fn request(
        &self,
        idp: &IdentityProvider,
        ask: &Ask,
        relay_state: Option<&str>,
        now: UtcDateTime,
        entropy: &dyn Entropy,
    ) -> Result<SignInRequest, RequestFailed> {
        let id = MessageId::from_entropy(random_bytes(entropy));
        let relay_state = relay_state.map(RelayState::parse).transpose()?;
        let request = self.authn_request(ask, id.clone(), now);
        match request.deliver(&idp.sso, relay_state.as_ref(), &self.signer)? {
            Delivery::Redirect(url) => Ok(SignInRequest { id: id.to_string(), url: url.into() }),
            Delivery::Post { .. } => Err(RequestFailed::NotByRedirect),
        }
    }

    fn authn_request(&self, ask: &Ask, id: MessageId, now: UtcDateTime) -> AuthnRequest {
        let mut class_refs = ask.contexts.clone();
        if !ask.attributes.is_empty() {
            class_refs.push(format!("{REQUESTED_ATTRIBUTES}{}", ask.attributes.join(",")));
        }
        let requested = RequestedAuthnContext { comparison: Comparison::Exact, class_refs };
        let format = ask.name_id_format.as_deref().unwrap_or(PERSISTENT).to_owned();
        AuthnRequest {
            id,
            issuer: self.entity_id.clone(),
            issue_instant: now,
            acs: self.acs.clone(),
            force_authn: ask.force_authn,
            is_passive: ask.is_passive,
            name_id_policy: Some(NameIdPolicy {
                format: Some(format),
                sp_name_qualifier: None,
                allow_create: Some(true),
            }),
            requested_authn_context: Some(requested).filter(|requested| !requested.class_refs.is_empty()),
            scoping: None,
        }
    }
}
