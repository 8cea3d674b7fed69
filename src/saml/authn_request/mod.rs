//! `samlp:AuthnRequest`: from decoded, which is believed in nothing, to verified (SAML Core §3.4.1).
//!
//! A [`DecodedAuthnRequest`] tells whose request it claims to be, since the key that proves it stands in that party's
//! record, and can be read in no other way. [`DecodedAuthnRequest::verify`] makes the [`VerifiedAuthnRequest`] from the
//! very tree whose signature was verified, so nobody can look at another message than the one that was signed.
//!
//! Whether the request is fresh, where the answer goes and what may be released is left to the federation.
//!
//! [`AuthnRequest`] is the other direction: what we ask of an identity provider ourselves.

mod contents;
mod outgoing;

use std::fmt;

use time::UtcDateTime;
use url::Url;

use super::{
    AcsSelection, DeniedAlgorithms, EntityId, MessageError, MessageId, RelayState, ResponseBinding,
    binding::{BindingError, Carried},
    message::Decoded,
    metadata::SpMetadata,
    signature::SignatureVerified,
};
use contents::Contents;
pub use contents::{Comparison, NameIdPolicy, RequestedAuthnContext, RequestedSubject, Scoping, ValidityPeriod};
pub use outgoing::AuthnRequest;

/// An AuthnRequest that was read, and that nobody has vouched for yet.
pub struct DecodedAuthnRequest(Decoded);

/// Whether a request must be signed. It is a property of the party in the registry, never of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestSignature {
    /// An unsigned request is refused.
    Demanded,
    /// An agreement waives the demand. A signature that is present must verify all the same, and the service provider's
    /// own metadata may still say that it signs (`AuthnRequestsSigned`), which binds.
    Waived,
}

impl DecodedAuthnRequest {
    /// Reads the XML and the claimed issuer.
    pub(crate) fn read(carried: Carried) -> Result<Self, BindingError> {
        Decoded::read(carried, &["AuthnRequest"], BindingError::NotAnAuthnRequest).map(Self)
    }

    /// Whose request it claims to be: good for looking up the record with the keys, and for nothing else.
    #[must_use]
    pub fn claimed_issuer(&self) -> &EntityId {
        &self.0.claimed_issuer
    }

    /// Verifies the request against the record of the claimed issuer, and reads it.
    ///
    /// `our_sso` are the addresses of our single sign-on service: a `Destination` must be one of them, character for
    /// character. `denied` are the algorithms by which no signature is accepted.
    ///
    /// # Errors
    /// [`MessageError`]. The signature is judged first: what a stranger wrote is not looked into.
    pub fn verify(
        self,
        metadata: &SpMetadata,
        demand: RequestSignature,
        our_sso: &[Url],
        denied: DeniedAlgorithms,
    ) -> Result<VerifiedAuthnRequest, MessageError> {
        let message = self.0;
        let signature = message.signature(metadata.peer(), denied)?;
        if signature.is_none() && (demand == RequestSignature::Demanded || metadata.authn_requests_signed()) {
            return Err(MessageError::Unsigned);
        }

        let root = message.root();
        let contents = Contents::read(root)?;
        message.check_destination(our_sso, signature.is_some())?;
        Ok(VerifiedAuthnRequest {
            issuer: message.claimed_issuer,
            relay_state: message.relay_state,
            signature,
            contents,
        })
    }
}

/// Says that there is one, never what is in it.
impl fmt::Debug for DecodedAuthnRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecodedAuthnRequest").field("claimed_issuer", &self.0.claimed_issuer).finish_non_exhaustive()
    }
}

/// An AuthnRequest that its issuer made: it was signed with a key of that issuer's metadata, or the agreement waives
/// signatures by name. Only [`DecodedAuthnRequest::verify`] makes one.
#[derive(Debug, Clone)]
pub struct VerifiedAuthnRequest {
    issuer: EntityId,
    relay_state: Option<RelayState>,
    signature: Option<SignatureVerified>,
    contents: Contents,
}

impl VerifiedAuthnRequest {
    /// The identifier that the response refers to, and that must not have been seen before.
    #[must_use]
    pub fn id(&self) -> &MessageId {
        &self.contents.id
    }

    /// The service provider.
    #[must_use]
    pub fn issuer(&self) -> &EntityId {
        &self.issuer
    }

    /// When the service provider says that it made the request, by its own clock.
    #[must_use]
    pub fn issue_instant(&self) -> UtcDateTime {
        self.contents.issue_instant
    }

    /// Whether the person must authenticate again.
    #[must_use]
    pub fn force_authn(&self) -> bool {
        self.contents.force_authn
    }

    /// Whether no page may be shown.
    #[must_use]
    pub fn is_passive(&self) -> bool {
        self.contents.is_passive
    }

    /// How the person shall be named.
    #[must_use]
    pub fn name_id_policy(&self) -> Option<&NameIdPolicy> {
        self.contents.name_id_policy.as_ref()
    }

    /// The contexts asked for, and how they compare.
    #[must_use]
    pub fn requested_authn_context(&self) -> Option<&RequestedAuthnContext> {
        self.contents.requested_authn_context.as_ref()
    }

    /// Where the answer shall go, as the request says it. Only [`SpMetadata::acs_location`] makes a place of it.
    #[must_use]
    pub fn acs(&self) -> &AcsSelection {
        &self.contents.acs
    }

    /// The binding by which the answer is wanted, where the request says so, as written.
    #[must_use]
    pub fn protocol_binding(&self) -> Option<&str> {
        self.contents.protocol_binding.as_deref()
    }

    /// That binding, if responses can be sent by it.
    #[must_use]
    pub fn response_binding(&self) -> Option<ResponseBinding> {
        self.protocol_binding().and_then(ResponseBinding::from_uri)
    }

    /// Which set of attributes of its metadata the service provider asks for.
    #[must_use]
    pub fn attribute_consuming_service_index(&self) -> Option<u16> {
        self.contents.attribute_consuming_service_index
    }

    /// About whom the request asks (`saml:Subject`), if it asks about one person. It must then be answered for that person or
    /// not at all.
    #[must_use]
    pub fn subject(&self) -> Option<&RequestedSubject> {
        self.contents.subject.as_ref()
    }

    /// The period in which the requested assertion shall be valid, if the request has `saml:Conditions` with times.
    #[must_use]
    pub fn validity_period(&self) -> Option<&ValidityPeriod> {
        self.contents.validity_period.as_ref()
    }

    /// Limits to proxying, and the list of identity providers that may answer.
    #[must_use]
    pub fn scoping(&self) -> Option<&Scoping> {
        self.contents.scoping.as_ref()
    }

    /// What must be sent back with the answer.
    #[must_use]
    pub fn relay_state(&self) -> Option<&RelayState> {
        self.relay_state.as_ref()
    }

    /// The proof of the signature; nothing for an unsigned request whose agreement waives signatures.
    #[must_use]
    pub fn signature(&self) -> Option<&SignatureVerified> {
        self.signature.as_ref()
    }
}
