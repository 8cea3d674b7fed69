//! What an identity provider that we ask publishes about itself.

use time::UtcDateTime;

use super::{Contact, Endpoint, MetadataError, MetadataFaults, Organization, Terms, UserInterface, read};
use crate::saml::{EntityId, peer::Peer};

/// The metadata of one identity provider.
#[derive(Debug, Clone)]
pub struct IdpMetadata {
    pub(super) peer: Peer,
    pub(super) role_line: u32,
    pub(super) terms: Terms,
    pub(super) single_sign_on_services: Vec<Endpoint>,
    pub(super) name_id_formats: Vec<String>,
    pub(super) want_authn_requests_signed: bool,
    pub(super) user_interface: UserInterface,
    pub(super) organization: Option<Organization>,
    pub(super) contacts: Vec<Contact>,
}

impl IdpMetadata {
    /// Reads the metadata of one identity provider, within [`Limits::METADATA`](crate::saml::xml::Limits::METADATA).
    ///
    /// # Errors
    /// Every fault, with its line. An identity provider has a key with which it signs, and takes requests by HTTP-Redirect or
    /// HTTP-POST.
    pub fn parse(octets: &[u8]) -> Result<Self, MetadataFaults> {
        read::identity_provider(octets)
    }

    /// What keeps it from being taken in at this time: it has ended, or some of its addresses are not on https. Empty, if it may
    /// be. `allow_loopback_http` as for [`SpMetadata::acs_location`](super::SpMetadata::acs_location).
    #[must_use]
    pub fn admit(&self, now: UtcDateTime, allow_loopback_http: bool) -> Vec<MetadataError> {
        self.terms.unmet(now, allow_loopback_http)
    }

    /// What it has in common with parties of other roles: its name, its keys, where it takes part in single logout.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Its name.
    #[must_use]
    pub fn entity_id(&self) -> &EntityId {
        self.peer.entity_id()
    }

    /// Until when it says that it is valid: the earlier of the entity's and the role's `validUntil`. Whether anything
    /// follows from that is the caller's to decide.
    #[must_use]
    pub fn valid_until(&self) -> Option<UtcDateTime> {
        self.terms.valid_until.map(|(at, _)| at)
    }

    /// The line of its `IDPSSODescriptor`, for people who look for something in it.
    #[must_use]
    pub fn role_line(&self) -> u32 {
        self.role_line
    }

    /// Where it takes AuthnRequests, whatever the binding. Where a request goes is told by [`Self::sso_location`] alone.
    #[must_use]
    pub fn single_sign_on_services(&self) -> &[Endpoint] {
        &self.single_sign_on_services
    }

    /// The NameID formats that it lists, in its order of preference.
    #[must_use]
    pub fn name_id_formats(&self) -> &[String] {
        &self.name_id_formats
    }

    /// Whether it refuses requests that are not signed. False where it says nothing; ours are signed all the same.
    #[must_use]
    pub fn want_authn_requests_signed(&self) -> bool {
        self.want_authn_requests_signed
    }

    /// What people are shown about it where they choose among several.
    #[must_use]
    pub fn user_interface(&self) -> &UserInterface {
        &self.user_interface
    }

    /// Who runs it.
    #[must_use]
    pub fn organization(&self) -> Option<&Organization> {
        self.organization.as_ref()
    }

    /// Whom to ask.
    #[must_use]
    pub fn contacts(&self) -> &[Contact] {
        &self.contacts
    }
}
