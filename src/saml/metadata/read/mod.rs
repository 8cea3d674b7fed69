//! From XML to what a party of one role publishes: [`SpMetadata`] and [`IdpMetadata`]. Here is what both have; what only one
//! has stands in a file of its own.

mod idp;
mod keys;
mod shown;
mod sp;

use super::error::Found;
use super::fields::{Read, duration, location, of_name, page_url, required_attribute, text, time_of};
use super::{
    Contact, Endpoint, IdpMetadata, MetadataError, MetadataFault, MetadataFaults, Organization, PlacedEndpoint,
    SpMetadata, Terms, UserInterface,
};
use crate::saml::{
    EntityId,
    peer::Peer,
    xml::{Document, Element, Limits, is_space, ns},
};

/// Reads the metadata of a service provider.
pub(super) fn service_provider(octets: &[u8]) -> Result<SpMetadata, MetadataFaults> {
    parse(octets, &sp::ROLE, sp::read)
}

/// Reads the metadata of an identity provider.
pub(super) fn identity_provider(octets: &[u8]) -> Result<IdpMetadata, MetadataFaults> {
    parse(octets, &idp::ROLE, idp::read)
}

/// What distinguishes one kind of role from another before it is read.
struct RoleKind {
    /// Its element.
    name: &'static str,
    /// The same with the usual prefix.
    qualified: &'static str,
    /// What is wrong where an entity has none.
    missing: MetadataFault,
    /// Its places to which messages go.
    endpoints: &'static [&'static str],
}

/// What parties of every role have.
struct Party<'d> {
    entity: Element<'d>,
    role: Element<'d>,
    terms: Terms,
    /// Nothing where the entity has no name, which is among the faults then.
    peer: Option<Peer>,
    name_id_formats: Vec<String>,
    user_interface: UserInterface,
    organization: Option<Organization>,
    contacts: Vec<Contact>,
}

fn parse<T>(
    octets: &[u8],
    kind: &RoleKind,
    read: impl FnOnce(Party<'_>, &mut Found) -> Option<T>,
) -> Result<T, MetadataFaults> {
    let mut found = Found::default();
    let mut terms = Terms::default();
    let metadata = match Document::parse(octets, &Limits::METADATA) {
        Ok(document) => {
            found.keep(no_private_key(octets));
            let entity = found.keep(only_entity(document.root()));
            let party = entity.and_then(|(entity, around)| read_party(entity, &around, kind, &mut terms, &mut found));
            party.and_then(|party| read(party, &mut found))
        }
        Err(fault) => {
            found.add(fault.into());
            None
        }
    };
    match (found.into_faults(terms), metadata) {
        (Some(faults), _) => Err(faults),
        (None, Some(metadata)) => Ok(metadata),
        // Nothing is left out without a fault, so this does not come.
        (None, None) => Err(MetadataFaults::nothing_read()),
    }
}

/// The one entity of a document, and the aggregates that stand around it, if any do.
fn only_entity(root: Element<'_>) -> Read<(Element<'_>, Vec<Element<'_>>)> {
    if root.is(ns::METADATA, "EntityDescriptor") {
        return Ok((root, Vec::new()));
    }
    if !root.is(ns::METADATA, "EntitiesDescriptor") {
        let (name, namespace) = (written_name(root), root.namespace().to_owned());
        return Err(MetadataError::at(root, MetadataFault::NotAnEntity(name, namespace)));
    }
    // SAML Metadata §2.3.1: aggregates may hold aggregates.
    let (mut entities, mut aggregates, mut next) = (Vec::new(), Vec::new(), vec![root]);
    while let Some(aggregate) = next.pop() {
        entities.extend(of_name(aggregate, ns::METADATA, "EntityDescriptor"));
        next.extend(of_name(aggregate, ns::METADATA, "EntitiesDescriptor"));
        aggregates.push(aggregate);
    }
    match entities[..] {
        [entity] => {
            let mut around = Vec::new();
            let mut at = entity.parent();
            while let Some(aggregate) = at {
                around.push(aggregate);
                at = aggregate.parent();
            }
            Ok((entity, around))
        }
        _ => Err(MetadataError::at(root, MetadataFault::Entities(entities.len()))),
    }
}

fn read_party<'d>(
    entity: Element<'d>,
    around: &[Element<'d>],
    kind: &RoleKind,
    terms: &mut Terms,
    found: &mut Found,
) -> Option<Party<'d>> {
    let entity_id =
        found
            .keep(required_attribute(entity, "EntityDescriptor", "entityID").and_then(|name| {
                EntityId::parse(name).map_err(|_| MetadataError::at(entity, MetadataFault::EntityId))
            }));
    for element in around.iter().copied().chain([entity]) {
        read_validity(element, terms, found);
    }
    let role = found.keep(only_role(entity, kind))?;
    read_validity(role, terms, found);
    if let Some(location) = role.attribute("errorURL") {
        found.keep(page_url(role, "errorURL", location.trim_matches(is_space)));
    }
    terms.endpoints = endpoints(role, kind.endpoints, found);
    let keys = keys::read(entity, role, found);
    let single_logout_services = found.each(
        of_name(role, ns::METADATA, "SingleLogoutService").map(|element| endpoint(element, "SingleLogoutService")),
    );
    Some(Party {
        entity,
        role,
        terms: terms.clone(),
        // A name that is none hides no other fault.
        peer: entity_id.map(|entity_id| Peer { entity_id, keys, single_logout_services }),
        name_id_formats: found.each(of_name(role, ns::METADATA, "NameIDFormat").map(text)),
        user_interface: shown::user_interface(role, found),
        organization: shown::organization(entity, role, found),
        contacts: shown::contacts(entity, role, found),
    })
}

/// The one role of this kind for SAML 2.0.
fn only_role<'d>(entity: Element<'d>, kind: &RoleKind) -> Read<Element<'d>> {
    let mut roles = of_name(entity, ns::METADATA, kind.name).filter(|role| {
        // SAML Metadata §2.4.1: the protocols are separated by white space.
        let protocols = role.attribute("protocolSupportEnumeration").unwrap_or("");
        protocols.split(is_space).any(|protocol| protocol == ns::PROTOCOL)
    });
    match (roles.next(), roles.next()) {
        (Some(role), None) => Ok(role),
        (Some(_), Some(second)) => Err(MetadataError::at(second, MetadataFault::SeveralRoles(kind.name))),
        (None, _) => Err(namesake(entity, "EntityDescriptor", ns::METADATA, kind.name, kind.qualified)
            .unwrap_or_else(|| MetadataError::at(entity, kind.missing.clone()))),
    }
}

/// `validUntil`, of which the earliest counts, and `cacheDuration`.
fn read_validity(element: Element<'_>, terms: &mut Terms, found: &mut Found) {
    let until = found.keep(time_of(element, "validUntil")).flatten().map(|at| (at, element.line()));
    terms.valid_until = [terms.valid_until, until].into_iter().flatten().min();
    found.keep(duration(element, "cacheDuration"));
}

/// An element's name as the document writes it.
fn written_name(element: Element<'_>) -> String {
    let name = if element.prefix().is_empty() {
        element.local_name().to_owned()
    } else {
        format!("{}:{}", element.prefix(), element.local_name())
    };
    name.chars().take(64).collect()
}

/// What stands in the place of a missing element: one of the same name in another namespace, or written in other letters.
fn namesake(
    parent: Element<'_>,
    parent_name: &'static str,
    wanted: &'static str,
    local: &str,
    element: &'static str,
) -> Option<MetadataError> {
    let other =
        parent.children().find(|child| child.local_name().eq_ignore_ascii_case(local) && !child.is(wanted, local))?;
    Some(MetadataError::at(
        other,
        MetadataFault::Misnamed {
            element,
            parent: parent_name,
            found: written_name(other),
            namespace: other.namespace().chars().take(256).collect(),
            wanted,
        },
    ))
}

/// Nobody needs to see one here, and whoever has seen it can sign for the service.
fn no_private_key(octets: &[u8]) -> Read<()> {
    const MARK: &[u8] = b"PRIVATE KEY-----";
    match octets.windows(MARK.len()).position(|part| part == MARK) {
        None => Ok(()),
        Some(at) => {
            let line_ends = octets.iter().take(at).filter(|octet| **octet == b'\n').count();
            let line = u32::try_from(line_ends + 1).unwrap_or(u32::MAX);
            Err(MetadataError { line, reason: MetadataFault::PrivateKey })
        }
    }
}

/// Every place of the role to which messages go, those included to which we send none (SAML Metadata §2.4.2 to §2.4.4).
fn endpoints(role: Element<'_>, kinds: &[&'static str], found: &mut Found) -> Vec<PlacedEndpoint> {
    let mut placed = Vec::new();
    for kind in kinds.iter().copied() {
        for element in of_name(role, ns::METADATA, kind) {
            let Some(Endpoint { location, response_location, .. }) = found.keep(endpoint(element, kind)) else {
                continue;
            };
            let line = element.line();
            let places = [Some(location), response_location].into_iter().flatten();
            placed.extend(places.map(|location| PlacedEndpoint { kind, location, line }));
        }
    }
    placed.sort_by_key(|endpoint| endpoint.line);
    placed
}

fn endpoint(element: Element<'_>, name: &'static str) -> Read<Endpoint> {
    let binding = required_attribute(element, name, "Binding")?.to_owned();
    let written = required_attribute(element, name, "Location")?.trim_matches(is_space);
    let response_location = element
        .attribute("ResponseLocation")
        .map(|written| location(element, "ResponseLocation", written.trim_matches(is_space)))
        .transpose()?;
    Ok(Endpoint { binding, location: location(element, "Location", written)?, response_location })
}
