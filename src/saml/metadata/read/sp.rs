//! What only a service provider has.

use super::super::error::Found;
use super::super::fields::{Read, boolean, localized, of_name, required_attribute, text};
use super::super::{
    AttributeConsumingService, Endpoint, IndexedEndpoint, MetadataError, MetadataFault, RequestedAttribute,
    ResponseBinding, SpMetadata, SubjectIdRequirement,
};
use super::{Party, RoleKind, endpoint, namesake};
use crate::saml::xml::{Element, is_space, ns};

/// The role (SAML Metadata §2.4.4).
pub(super) const ROLE: RoleKind = RoleKind {
    name: "SPSSODescriptor",
    qualified: "md:SPSSODescriptor",
    missing: MetadataFault::NotAServiceProvider,
    endpoints: &["ArtifactResolutionService", "AssertionConsumerService", "ManageNameIDService", "SingleLogoutService"],
};

pub(super) fn read(party: Party<'_>, found: &mut Found) -> Option<SpMetadata> {
    let role = party.role;
    Some(SpMetadata {
        role_line: role.line(),
        terms: party.terms,
        assertion_consumer_services: assertion_consumer_services(role, found),
        name_id_formats: party.name_id_formats,
        attribute_consuming_services: attribute_consuming_services(role, found),
        subject_id_requirement: found.keep(subject_id_requirement(party.entity)).flatten(),
        authn_requests_signed: found.keep(boolean(role, "AuthnRequestsSigned")).flatten().unwrap_or(false),
        want_assertions_signed: found.keep(boolean(role, "WantAssertionsSigned")).flatten().unwrap_or(false),
        user_interface: party.user_interface,
        organization: party.organization,
        contacts: party.contacts,
        // Last, so that every fault of the others is found without it.
        peer: party.peer?,
    })
}

fn assertion_consumer_services(role: Element<'_>, found: &mut Found) -> Vec<IndexedEndpoint> {
    const NAME: &str = "AssertionConsumerService";
    let mut services: Vec<IndexedEndpoint> = Vec::new();
    for element in of_name(role, ns::METADATA, NAME) {
        let endpoint = found.keep(endpoint(element, NAME));
        let indexed = found.keep(indexed(element, NAME, services.iter().map(|service| service.index)));
        if let (Some(Endpoint { binding, location, .. }), Some((index, is_default))) = (endpoint, indexed) {
            services.push(IndexedEndpoint { binding, location, index, is_default });
        }
    }
    let mut listed = of_name(role, ns::METADATA, NAME);
    if listed.clone().next().is_none() {
        let missing = MetadataFault::MissingElement { element: NAME, parent: "SPSSODescriptor" };
        let misnamed = namesake(role, "SPSSODescriptor", ns::METADATA, NAME, "md:AssertionConsumerService");
        found.add(misnamed.unwrap_or_else(|| MetadataError::at(role, missing)));
    } else if !listed.any(|element| {
        let binding = element.attribute("Binding").filter(|binding| !binding.is_empty());
        binding.is_none_or(|binding| ResponseBinding::from_uri(binding).is_some())
    }) {
        found.add(MetadataError::at(role, MetadataFault::NoUsableConsumer));
    }
    services
}

fn attribute_consuming_services(role: Element<'_>, found: &mut Found) -> Vec<AttributeConsumingService> {
    const NAME: &str = "AttributeConsumingService";
    let mut services: Vec<AttributeConsumingService> = Vec::new();
    for element in of_name(role, ns::METADATA, NAME) {
        let indexed = found.keep(indexed(element, NAME, services.iter().map(|service| service.index)));
        let names = found.each(localized(element, ns::METADATA, "ServiceName"));
        let descriptions = found.each(localized(element, ns::METADATA, "ServiceDescription"));
        let requested_attributes =
            found.each(of_name(element, ns::METADATA, "RequestedAttribute").map(requested_attribute));
        if let Some((index, is_default)) = indexed {
            services.push(AttributeConsumingService { index, is_default, names, descriptions, requested_attributes });
        }
    }
    services
}

fn requested_attribute(element: Element<'_>) -> Read<RequestedAttribute> {
    Ok(RequestedAttribute {
        name: required_attribute(element, "RequestedAttribute", "Name")?.to_owned(),
        name_format: element.attribute("NameFormat").map(str::to_owned),
        friendly_name: element.attribute("FriendlyName").map(str::to_owned),
        is_required: boolean(element, "isRequired")?.unwrap_or(false),
    })
}

/// The one value of the entity attribute, of the entity itself (SAML V2.0 Subject Identifier Attributes Profile §4).
fn subject_id_requirement(entity: Element<'_>) -> Read<Option<SubjectIdRequirement>> {
    let Some(extensions) = entity.only_child(ns::METADATA, "Extensions")? else { return Ok(None) };
    let attributes = of_name(extensions, ns::MDATTR, "EntityAttributes")
        .flat_map(|attributes| of_name(attributes, ns::ASSERTION, "Attribute"))
        .filter(|attribute| attribute.attribute("Name") == Some(SubjectIdRequirement::ATTRIBUTE));
    let mut values = attributes.flat_map(|attribute| of_name(attribute, ns::ASSERTION, "AttributeValue"));
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(SubjectIdRequirement::from_value(&text(value)?)),
        _ => Ok(None),
    }
}

/// `index`, which its like must not have too, and `isDefault`.
fn indexed(element: Element<'_>, name: &'static str, mut used: impl Iterator<Item = u16>) -> Read<(u16, Option<bool>)> {
    let text = required_attribute(element, name, "index")?.trim_matches(is_space);
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let index: u16 =
        text.parse().ok().filter(|_| digits).ok_or_else(|| MetadataError::at(element, MetadataFault::Index))?;
    if used.any(|other| other == index) {
        return Err(MetadataError::at(element, MetadataFault::DuplicateIndex { element: name, index }));
    }
    Ok((index, boolean(element, "isDefault")?))
}
