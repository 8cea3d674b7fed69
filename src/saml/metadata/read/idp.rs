//! What only an identity provider has.

use super::super::error::Found;
use super::super::fields::{boolean, of_name};
use super::super::{Endpoint, IdpMetadata, MetadataError, MetadataFault};
use super::{Party, RoleKind, endpoint, namesake};
use crate::saml::{
    binding::{HTTP_POST, HTTP_REDIRECT},
    xml::{Element, ns},
};

/// The role (SAML Metadata §2.4.3).
pub(super) const ROLE: RoleKind = RoleKind {
    name: "IDPSSODescriptor",
    qualified: "md:IDPSSODescriptor",
    missing: MetadataFault::NotAnIdentityProvider,
    endpoints: &[
        "ArtifactResolutionService",
        "ManageNameIDService",
        "NameIDMappingService",
        "SingleLogoutService",
        "SingleSignOnService",
    ],
};

pub(super) fn read(party: Party<'_>, found: &mut Found) -> Option<IdpMetadata> {
    let role = party.role;
    // Nothing that it says could be believed. A key that was passed over, or that has a fault, is told already.
    let has_key = of_name(role, ns::METADATA, "KeyDescriptor").any(|key| key.attribute("use") != Some("encryption"));
    if !has_key {
        found.add(MetadataError::at(role, MetadataFault::NoSigningKey));
    }
    Some(IdpMetadata {
        role_line: role.line(),
        terms: party.terms,
        single_sign_on_services: single_sign_on_services(role, found),
        name_id_formats: party.name_id_formats,
        want_authn_requests_signed: found.keep(boolean(role, "WantAuthnRequestsSigned")).flatten().unwrap_or(false),
        user_interface: party.user_interface,
        organization: party.organization,
        contacts: party.contacts,
        // Last, so that every fault of the others is found without it.
        peer: party.peer?,
    })
}

fn single_sign_on_services(role: Element<'_>, found: &mut Found) -> Vec<Endpoint> {
    const NAME: &str = "SingleSignOnService";
    let mut listed = of_name(role, ns::METADATA, NAME);
    if listed.clone().next().is_none() {
        let missing = MetadataFault::MissingElement { element: NAME, parent: "IDPSSODescriptor" };
        let misnamed = namesake(role, "IDPSSODescriptor", ns::METADATA, NAME, "md:SingleSignOnService");
        found.add(misnamed.unwrap_or_else(|| MetadataError::at(role, missing)));
    } else if !listed.any(|element| {
        // One that lacks its binding is a fault of its own.
        let binding = element.attribute("Binding").filter(|binding| !binding.is_empty());
        binding.is_none_or(|binding| [HTTP_REDIRECT, HTTP_POST].contains(&binding))
    }) {
        found.add(MetadataError::at(role, MetadataFault::NoUsableSignOn));
    }
    found.each(of_name(role, ns::METADATA, NAME).map(|element| endpoint(element, NAME)))
}
