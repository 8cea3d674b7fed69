//! From XML to [`SpMetadata`].

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use time::UtcDateTime;

use super::error::Found;
use super::fields::{
    Read, boolean, duration, localized, localized_urls, location, of_name, page_url, required_attribute, text, texts,
    time_of,
};
use super::{
    AttributeConsumingService, Contact, DeclaredEncryptionMethod, DeclaredSigningMethod, Endpoint, IndexedEndpoint,
    KeyPurpose, Logo, MetadataError, MetadataFault, MetadataFaults, Organization, PassedOverKey, PlacedEndpoint,
    RegisteredEncryptionKey, RequestedAttribute, ResponseBinding, SpMetadata, SubjectIdRequirement, Terms,
    UserInterface,
};
use crate::saml::{
    EntityId,
    encryption::EncryptionKey,
    signature::{CertificatePeriod, KeyError, KeyFingerprint, VerificationKey},
    xml::{Document, Element, Limits, is_space, ns},
};

pub(super) fn parse(octets: &[u8]) -> Result<SpMetadata, MetadataFaults> {
    let mut found = Found::default();
    let mut terms = Terms::default();
    let metadata = match Document::parse(octets, &Limits::METADATA) {
        Ok(document) => {
            found.keep(no_private_key(octets));
            let entity = found.keep(only_entity(document.root()));
            entity.and_then(|(entity, around)| read_entity(entity, &around, &mut terms, &mut found))
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

fn read_entity<'d>(
    entity: Element<'d>,
    around: &[Element<'d>],
    terms: &mut Terms,
    found: &mut Found,
) -> Option<SpMetadata> {
    let entity_id =
        found
            .keep(required_attribute(entity, "EntityDescriptor", "entityID").and_then(|name| {
                EntityId::parse(name).map_err(|_| MetadataError::at(entity, MetadataFault::EntityId))
            }));
    for element in around.iter().copied().chain([entity]) {
        read_validity(element, terms, found);
    }
    let role = found.keep(only_role(entity))?;
    read_validity(role, terms, found);
    if let Some(location) = role.attribute("errorURL") {
        found.keep(page_url(role, "errorURL", location.trim_matches(is_space)));
    }
    terms.endpoints = endpoints(role, found);
    let keys = keys(role, found);
    let contacts = of_name(entity, ns::METADATA, "ContactPerson").chain(of_name(role, ns::METADATA, "ContactPerson"));
    let of_entity = found.keep(entity.only_child(ns::METADATA, "Organization").map_err(Into::into)).flatten();
    let of_role = found.keep(role.only_child(ns::METADATA, "Organization").map_err(Into::into)).flatten();
    let metadata = SpMetadata {
        role_line: role.line(),
        terms: terms.clone(),
        passed_over_keys: keys.passed_over,
        signing_keys: keys.signing,
        encryption_keys: keys.encryption,
        certificate_ends: keys.certificate_ends,
        signing_methods: algorithm_support(entity, role, "SigningMethod", found)
            .into_iter()
            .filter_map(|element| found.keep(signing_method(element)))
            .collect(),
        digest_methods: algorithm_support(entity, role, "DigestMethod", found)
            .into_iter()
            .filter_map(|element| found.keep(required_attribute(element, "alg:DigestMethod", "Algorithm")))
            .map(str::to_owned)
            .collect(),
        assertion_consumer_services: assertion_consumer_services(role, found),
        single_logout_services: found.each(
            of_name(role, ns::METADATA, "SingleLogoutService").map(|element| endpoint(element, "SingleLogoutService")),
        ),
        name_id_formats: found.each(of_name(role, ns::METADATA, "NameIDFormat").map(text)),
        attribute_consuming_services: attribute_consuming_services(role, found),
        subject_id_requirement: found.keep(subject_id_requirement(entity)).flatten(),
        authn_requests_signed: found.keep(boolean(role, "AuthnRequestsSigned")).flatten().unwrap_or(false),
        want_assertions_signed: found.keep(boolean(role, "WantAssertionsSigned")).flatten().unwrap_or(false),
        user_interface: user_interface(role, found),
        organization: of_entity.or(of_role).and_then(|organization| found.keep(read_organization(organization))),
        contacts: found.each(contacts.map(contact)),
        // Last, so that a name that is none hides no other fault.
        entity_id: entity_id?,
    };
    Some(metadata)
}

/// The one role of a service provider of SAML 2.0.
fn only_role(entity: Element<'_>) -> Read<Element<'_>> {
    let mut roles = of_name(entity, ns::METADATA, "SPSSODescriptor").filter(|role| {
        // SAML Metadata §2.4.1: the protocols are separated by white space.
        let protocols = role.attribute("protocolSupportEnumeration").unwrap_or("");
        protocols.split(is_space).any(|protocol| protocol == ns::PROTOCOL)
    });
    match (roles.next(), roles.next()) {
        (Some(role), None) => Ok(role),
        (Some(_), Some(second)) => Err(MetadataError::at(second, MetadataFault::SeveralRoles)),
        (None, _) => Err(namesake(entity, "EntityDescriptor", ns::METADATA, "SPSSODescriptor", "md:SPSSODescriptor")
            .unwrap_or_else(|| MetadataError::at(entity, MetadataFault::NotAServiceProvider))),
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

#[derive(Default)]
struct Keys {
    signing: Vec<VerificationKey>,
    encryption: Vec<RegisteredEncryptionKey>,
    certificate_ends: Vec<(KeyFingerprint, UtcDateTime)>,
    passed_over: Vec<PassedOverKey>,
}

fn keys(role: Element<'_>, found: &mut Found) -> Keys {
    let mut keys = Keys::default();
    for descriptor in of_name(role, ns::METADATA, "KeyDescriptor") {
        found.keep(key(descriptor, &mut keys));
    }
    // Without a key that signs, the one that we do not use is the fault, not an extra.
    if keys.signing.is_empty()
        && let Some(only) = keys.passed_over.iter().find(|key| key.purpose == KeyPurpose::Signing)
    {
        found.add(MetadataError { line: only.line, reason: only.reason.clone().into() });
    }
    keys
}

/// Adds the key of a descriptor to the others. One of a kind that we do not use is passed over: another may serve.
fn key(descriptor: Element<'_>, keys: &mut Keys) -> Read<()> {
    // SAML Metadata §2.4.1.1: without `use` the key serves for both.
    let (for_signing, for_encryption) = match descriptor.attribute("use") {
        None => (true, true),
        Some("signing") => (true, false),
        Some("encryption") => (false, true),
        Some(_) => return Err(MetadataError::at(descriptor, MetadataFault::KeyUse)),
    };
    let (certificate, at) = certificate_of(descriptor)?;
    let fault = |error: KeyError| MetadataError::at(at, error.into());
    let passed_over = |purpose, reason| PassedOverKey { line: at.line(), purpose, reason };
    let verifying = match VerificationKey::from_certificate_der(&certificate) {
        Ok(key) => key,
        Err(reason @ (KeyError::Curve | KeyError::Kind)) => {
            keys.passed_over.push(if for_signing {
                passed_over(KeyPurpose::Signing, reason)
            } else {
                passed_over(KeyPurpose::Encryption, KeyError::NotForEncryption)
            });
            return Ok(());
        }
        Err(error) => return Err(fault(error)),
    };
    let fingerprint = verifying.fingerprint();
    let end = (fingerprint, CertificatePeriod::of(&certificate).map_err(fault)?.ends_at);
    if !keys.certificate_ends.contains(&end) {
        keys.certificate_ends.push(end);
    }
    if for_encryption && !keys.encryption.iter().any(|known| known.fingerprint == fingerprint) {
        match EncryptionKey::from_certificate_der(&certificate) {
            Ok(key) => {
                let methods = of_name(descriptor, ns::METADATA, "EncryptionMethod")
                    .map(encryption_method)
                    .collect::<Read<_>>()?;
                keys.encryption.push(RegisteredEncryptionKey { key, fingerprint, methods });
            }
            // An elliptic key that may be used for both still signs, and that is what it is there for.
            Err(KeyError::NotForEncryption) if for_signing => {}
            Err(reason @ KeyError::NotForEncryption) => {
                keys.passed_over.push(passed_over(KeyPurpose::Encryption, reason));
            }
            Err(error) => return Err(fault(error)),
        }
    }
    if for_signing && !keys.signing.contains(&verifying) {
        keys.signing.push(verifying);
    }
    Ok(())
}

fn encryption_method(element: Element<'_>) -> Read<DeclaredEncryptionMethod> {
    // A child without an algorithm names none that anybody knows.
    let of_child = |namespace: &str, local: &str| {
        element.child(namespace, local).map(|child| child.attribute("Algorithm").unwrap_or("").to_owned())
    };
    Ok(DeclaredEncryptionMethod {
        algorithm: required_attribute(element, "EncryptionMethod", "Algorithm")?.to_owned(),
        digest: of_child(ns::DSIG, "DigestMethod"),
        mask: of_child(ns::XMLENC11, "MGF"),
        key_bits: element.only_child(ns::XMLENC, "KeySize")?.map(key_size).transpose()?,
    })
}

/// A number of bits, which is neither signed nor nothing.
fn key_size(element: Element<'_>) -> Read<u32> {
    let written = text(element)?;
    let digits = written.bytes().all(|octet| octet.is_ascii_digit());
    let bits = written.parse().ok().filter(|bits| digits && *bits > 0);
    bits.ok_or_else(|| MetadataError::at(element, MetadataFault::KeySize("xenc:KeySize")))
}

/// What `md:Extensions` lists of this kind: what the role says goes before what the entity says (SAML Metadata Profile for
/// Algorithm Support §2.3).
fn algorithm_support<'d>(entity: Element<'d>, role: Element<'d>, local: &str, found: &mut Found) -> Vec<Element<'d>> {
    for place in [role, entity] {
        let extensions = found.keep(place.only_child(ns::METADATA, "Extensions").map_err(Into::into)).flatten();
        let listed: Vec<_> = extensions.into_iter().flat_map(|all| of_name(all, ns::ALG, local)).collect();
        if !listed.is_empty() {
            return listed;
        }
    }
    Vec::new()
}

fn signing_method(element: Element<'_>) -> Read<DeclaredSigningMethod> {
    let bits = |attribute: &'static str| {
        let read = |text: &str| {
            text.trim_matches(is_space)
                .parse()
                .map_err(|_| MetadataError::at(element, MetadataFault::KeySize(attribute)))
        };
        element.attribute(attribute).map(read).transpose()
    };
    Ok(DeclaredSigningMethod {
        algorithm: required_attribute(element, "alg:SigningMethod", "Algorithm")?.to_owned(),
        min_key_bits: bits("MinKeySize")?,
        max_key_bits: bits("MaxKeySize")?,
    })
}

/// The certificate of a key descriptor, DER, and where it stands.
fn certificate_of(descriptor: Element<'_>) -> Read<(Vec<u8>, Element<'_>)> {
    let key_info = descriptor.only_child(ns::DSIG, "KeyInfo")?.ok_or_else(|| {
        namesake(descriptor, "KeyDescriptor", ns::DSIG, "KeyInfo", "ds:KeyInfo").unwrap_or_else(|| {
            let fault = MetadataFault::MissingElement { element: "ds:KeyInfo", parent: "KeyDescriptor" };
            MetadataError::at(descriptor, fault)
        })
    })?;
    let mut certificates =
        of_name(key_info, ns::DSIG, "X509Data").flat_map(|data| of_name(data, ns::DSIG, "X509Certificate"));
    // SAML Metadata Interoperability Profile §2.5.1: several would have to carry the same key.
    let (Some(certificate), 0) = (certificates.next(), certificates.clone().count()) else {
        let data = || of_name(key_info, ns::DSIG, "X509Data");
        let misnamed = namesake(key_info, "ds:KeyInfo", ns::DSIG, "X509Data", "ds:X509Data").or_else(|| {
            data().find_map(|data| namesake(data, "ds:X509Data", ns::DSIG, "X509Certificate", "ds:X509Certificate"))
        });
        let count = data().flat_map(|data| of_name(data, ns::DSIG, "X509Certificate")).count();
        let counted = || MetadataError::at(key_info, MetadataFault::Certificates(count));
        return Err(misnamed.filter(|_| count == 0).unwrap_or_else(counted));
    };
    let text: String = certificate.text()?.chars().filter(|c| !is_space(*c)).collect();
    let der = BASE64.decode(text).map_err(|_| MetadataError::at(certificate, MetadataFault::Certificate))?;
    Ok((der, certificate))
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

fn user_interface(role: Element<'_>, found: &mut Found) -> UserInterface {
    let extensions = found.keep(role.only_child(ns::METADATA, "Extensions").map_err(Into::into)).flatten();
    // SAML Metadata UI §2.1: at most one.
    let info = extensions.and_then(|all| found.keep(all.only_child(ns::MDUI, "UIInfo").map_err(Into::into)).flatten());
    let Some(info) = info else { return UserInterface::default() };
    UserInterface {
        display_names: found.each(localized(info, ns::MDUI, "DisplayName")),
        descriptions: found.each(localized(info, ns::MDUI, "Description")),
        information_urls: found.each(localized_urls(info, ns::MDUI, "InformationURL")),
        privacy_statement_urls: found.each(localized_urls(info, ns::MDUI, "PrivacyStatementURL")),
        logos: found.each(of_name(info, ns::MDUI, "Logo").filter_map(|element| logo(element).transpose())),
    }
}

fn logo(element: Element<'_>) -> Read<Option<Logo>> {
    let address = text(element)?;
    if address.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:")) {
        return Ok(None);
    }
    let side = |attribute: &'static str| {
        required_attribute(element, "mdui:Logo", attribute)?.parse::<u32>().ok().filter(|side| *side > 0).ok_or_else(
            || MetadataError::at(element, MetadataFault::MissingAttribute { element: "mdui:Logo", attribute }),
        )
    };
    Ok(Some(Logo {
        url: location(element, "mdui:Logo", &address)?.url().clone(),
        width: side("width")?,
        height: side("height")?,
        lang: element.attribute_ns(ns::XML, "lang").map(str::to_owned),
    }))
}

fn read_organization(element: Element<'_>) -> Read<Organization> {
    Ok(Organization {
        names: localized(element, ns::METADATA, "OrganizationName").collect::<Read<_>>()?,
        display_names: localized(element, ns::METADATA, "OrganizationDisplayName").collect::<Read<_>>()?,
        urls: localized_urls(element, ns::METADATA, "OrganizationURL").collect::<Read<_>>()?,
    })
}

fn contact(element: Element<'_>) -> Read<Contact> {
    let only = |local: &'static str| -> Read<Option<String>> {
        element.only_child(ns::METADATA, local)?.map(text).transpose()
    };
    let email_addresses = texts(element, ns::METADATA, "EmailAddress")?;
    Ok(Contact {
        kind: required_attribute(element, "ContactPerson", "contactType")?.to_owned(),
        company: only("Company")?,
        given_name: only("GivenName")?,
        surname: only("SurName")?,
        email_addresses: email_addresses
            .into_iter()
            .map(|address| address.strip_prefix("mailto:").map(str::to_owned).unwrap_or(address))
            .collect(),
        telephone_numbers: texts(element, ns::METADATA, "TelephoneNumber")?,
    })
}

/// Every place of the role to which messages go, those included to which we send none (SAML Metadata §2.4.2, §2.4.4).
fn endpoints(role: Element<'_>, found: &mut Found) -> Vec<PlacedEndpoint> {
    const KINDS: [&str; 4] =
        ["ArtifactResolutionService", "AssertionConsumerService", "ManageNameIDService", "SingleLogoutService"];
    let mut placed = Vec::new();
    for kind in KINDS {
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
