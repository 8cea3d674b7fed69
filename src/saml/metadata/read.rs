//! From XML to [`SpMetadata`].

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use time::UtcDateTime;

use super::fields::{
    Read, boolean, duration, localized, localized_urls, of_name, page_url, required_attribute, text, texts, time_of,
    web_url,
};
use super::{
    AttributeConsumingService, Contact, DeclaredEncryptionMethod, DeclaredSigningMethod, Endpoint, IndexedEndpoint,
    Logo, MetadataError, MetadataFault, Organization, PlacedEndpoint, RegisteredEncryptionKey, RequestedAttribute,
    SpMetadata, SubjectIdRequirement, UserInterface,
};
use crate::saml::{
    EntityId,
    encryption::EncryptionKey,
    signature::{CertificatePeriod, KeyError, KeyFingerprint, VerificationKey},
    xml::{Document, Element, Limits, is_space, ns},
};

pub(super) fn parse(octets: &[u8]) -> Read<SpMetadata> {
    let document = Document::parse(octets, &Limits::METADATA)?;
    no_private_key(octets)?;
    let entity = document.root();
    if entity.is(ns::METADATA, "EntitiesDescriptor") {
        return Err(MetadataError::at(entity, MetadataFault::SeveralEntities));
    }
    if !entity.is(ns::METADATA, "EntityDescriptor") {
        return Err(MetadataError::at(entity, MetadataFault::NotAnEntity));
    }
    let entity_id = required_attribute(entity, "EntityDescriptor", "entityID")?;
    let entity_id = EntityId::parse(entity_id).map_err(|_| MetadataError::at(entity, MetadataFault::EntityId))?;

    let mut roles = of_name(entity, ns::METADATA, "SPSSODescriptor").filter(|role| {
        // SAML Metadata §2.4.1: the protocols are separated by white space.
        let protocols = role.attribute("protocolSupportEnumeration").unwrap_or("");
        protocols.split(is_space).any(|protocol| protocol == ns::PROTOCOL)
    });
    let role = roles.next().ok_or_else(|| MetadataError::at(entity, MetadataFault::NotAServiceProvider))?;
    if let Some(second) = roles.next() {
        return Err(MetadataError::at(second, MetadataFault::SeveralRoles));
    }

    let valid_until = |element: Element<'_>| Read::Ok(time_of(element, "validUntil")?.map(|at| (at, element.line())));
    let valid_until = [valid_until(entity)?, valid_until(role)?].into_iter().flatten().min();
    duration(entity, "cacheDuration")?;
    duration(role, "cacheDuration")?;
    if let Some(location) = role.attribute("errorURL") {
        page_url(role, "errorURL", location.trim_matches(is_space))?;
    }
    let Keys { signing: signing_keys, encryption: encryption_keys, certificate_ends } = keys(role)?;
    let contacts = of_name(entity, ns::METADATA, "ContactPerson").chain(of_name(role, ns::METADATA, "ContactPerson"));
    let organization = match entity.only_child(ns::METADATA, "Organization")? {
        Some(organization) => Some(organization),
        None => role.only_child(ns::METADATA, "Organization")?,
    };
    Ok(SpMetadata {
        entity_id,
        role_line: role.line(),
        valid_until,
        endpoints: endpoints(role)?,
        signing_keys,
        encryption_keys,
        certificate_ends,
        signing_methods: algorithm_support(entity, role, "SigningMethod")?
            .into_iter()
            .map(signing_method)
            .collect::<Read<_>>()?,
        digest_methods: algorithm_support(entity, role, "DigestMethod")?
            .into_iter()
            .map(|element| required_attribute(element, "alg:DigestMethod", "Algorithm").map(str::to_owned))
            .collect::<Read<_>>()?,
        assertion_consumer_services: assertion_consumer_services(role)?,
        single_logout_services: of_name(role, ns::METADATA, "SingleLogoutService")
            .map(|element| endpoint(element, "SingleLogoutService"))
            .collect::<Read<_>>()?,
        name_id_formats: texts(role, ns::METADATA, "NameIDFormat")?,
        attribute_consuming_services: attribute_consuming_services(role)?,
        subject_id_requirement: subject_id_requirement(entity)?,
        authn_requests_signed: boolean(role, "AuthnRequestsSigned")?.unwrap_or(false),
        want_assertions_signed: boolean(role, "WantAssertionsSigned")?.unwrap_or(false),
        user_interface: user_interface(role)?,
        organization: organization.map(read_organization).transpose()?,
        contacts: contacts.map(contact).collect::<Read<_>>()?,
    })
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
}

fn keys(role: Element<'_>) -> Read<Keys> {
    let Keys { mut signing, mut encryption, mut certificate_ends } = Keys::default();
    for descriptor in of_name(role, ns::METADATA, "KeyDescriptor") {
        // SAML Metadata §2.4.1.1: without `use` the key serves for both.
        let (for_signing, for_encryption) = match descriptor.attribute("use") {
            None => (true, true),
            Some("signing") => (true, false),
            Some("encryption") => (false, true),
            Some(_) => return Err(MetadataError::at(descriptor, MetadataFault::KeyUse)),
        };
        let (certificate, at) = certificate_of(descriptor)?;
        let fault = |error: KeyError| MetadataError::at(at, error.into());
        let key = VerificationKey::from_certificate_der(&certificate).map_err(fault)?;
        let fingerprint = key.fingerprint();
        let end = (fingerprint, CertificatePeriod::of(&certificate).map_err(fault)?.ends_at);
        if !certificate_ends.contains(&end) {
            certificate_ends.push(end);
        }
        if for_encryption && !encryption.iter().any(|known| known.fingerprint == fingerprint) {
            match EncryptionKey::from_certificate_der(&certificate) {
                Ok(key) => {
                    let methods = of_name(descriptor, ns::METADATA, "EncryptionMethod")
                        .map(encryption_method)
                        .collect::<Read<_>>()?;
                    encryption.push(RegisteredEncryptionKey { key, fingerprint, methods });
                }
                // An elliptic key that may be used for both still signs.
                Err(KeyError::Kind) if for_signing => {}
                Err(error) => return Err(fault(error)),
            }
        }
        if for_signing && !signing.contains(&key) {
            signing.push(key);
        }
    }
    Ok(Keys { signing, encryption, certificate_ends })
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
fn algorithm_support<'d>(entity: Element<'d>, role: Element<'d>, local: &str) -> Read<Vec<Element<'d>>> {
    for place in [role, entity] {
        let Some(extensions) = place.only_child(ns::METADATA, "Extensions")? else { continue };
        let listed: Vec<_> = of_name(extensions, ns::ALG, local).collect();
        if !listed.is_empty() {
            return Ok(listed);
        }
    }
    Ok(Vec::new())
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
        MetadataError::at(descriptor, MetadataFault::MissingElement { element: "ds:KeyInfo", parent: "KeyDescriptor" })
    })?;
    let mut certificates =
        of_name(key_info, ns::DSIG, "X509Data").flat_map(|data| of_name(data, ns::DSIG, "X509Certificate"));
    // SAML Metadata Interoperability Profile §2.5.1: several would have to carry the same key.
    let (Some(certificate), 0) = (certificates.next(), certificates.clone().count()) else {
        let count = key_info.children().filter(|c| c.is(ns::DSIG, "X509Data")).flat_map(Element::children).count();
        return Err(MetadataError::at(key_info, MetadataFault::Certificates(count)));
    };
    let text: String = certificate.text()?.chars().filter(|c| !is_space(*c)).collect();
    let der = BASE64.decode(text).map_err(|_| MetadataError::at(certificate, MetadataFault::Certificate))?;
    Ok((der, certificate))
}

fn assertion_consumer_services(role: Element<'_>) -> Read<Vec<IndexedEndpoint>> {
    const NAME: &str = "AssertionConsumerService";
    let mut services: Vec<IndexedEndpoint> = Vec::new();
    for element in of_name(role, ns::METADATA, NAME) {
        let Endpoint { binding, location, url, .. } = endpoint(element, NAME)?;
        let (index, is_default) = indexed(element, NAME, services.iter().map(|service| service.index))?;
        services.push(IndexedEndpoint { binding, location, url, index, is_default });
    }
    if services.is_empty() {
        let fault = MetadataFault::MissingElement { element: NAME, parent: "SPSSODescriptor" };
        return Err(MetadataError::at(role, fault));
    }
    if !services.iter().any(|service| service.response_binding().is_some()) {
        return Err(MetadataError::at(role, MetadataFault::NoUsableConsumer));
    }
    Ok(services)
}

fn attribute_consuming_services(role: Element<'_>) -> Read<Vec<AttributeConsumingService>> {
    const NAME: &str = "AttributeConsumingService";
    let mut services: Vec<AttributeConsumingService> = Vec::new();
    for element in of_name(role, ns::METADATA, NAME) {
        let (index, is_default) = indexed(element, NAME, services.iter().map(|service| service.index))?;
        services.push(AttributeConsumingService {
            index,
            is_default,
            names: localized(element, ns::METADATA, "ServiceName")?,
            descriptions: localized(element, ns::METADATA, "ServiceDescription")?,
            requested_attributes: of_name(element, ns::METADATA, "RequestedAttribute")
                .map(requested_attribute)
                .collect::<Read<_>>()?,
        });
    }
    Ok(services)
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

fn user_interface(role: Element<'_>) -> Read<UserInterface> {
    let Some(extensions) = role.only_child(ns::METADATA, "Extensions")? else { return Ok(UserInterface::default()) };
    // SAML Metadata UI §2.1: at most one.
    let Some(info) = extensions.only_child(ns::MDUI, "UIInfo")? else { return Ok(UserInterface::default()) };
    Ok(UserInterface {
        display_names: localized(info, ns::MDUI, "DisplayName")?,
        descriptions: localized(info, ns::MDUI, "Description")?,
        information_urls: localized_urls(info, ns::MDUI, "InformationURL")?,
        privacy_statement_urls: localized_urls(info, ns::MDUI, "PrivacyStatementURL")?,
        logos: of_name(info, ns::MDUI, "Logo").filter_map(|element| logo(element).transpose()).collect::<Read<_>>()?,
    })
}

fn logo(element: Element<'_>) -> Read<Option<Logo>> {
    let location = text(element)?;
    if location.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:")) {
        return Ok(None);
    }
    let side = |attribute: &'static str| {
        required_attribute(element, "mdui:Logo", attribute)?.parse::<u32>().ok().filter(|side| *side > 0).ok_or_else(
            || MetadataError::at(element, MetadataFault::MissingAttribute { element: "mdui:Logo", attribute }),
        )
    };
    Ok(Some(Logo {
        url: web_url(element, "mdui:Logo", &location)?,
        width: side("width")?,
        height: side("height")?,
        lang: element.attribute_ns(ns::XML, "lang").map(str::to_owned),
    }))
}

fn read_organization(element: Element<'_>) -> Read<Organization> {
    Ok(Organization {
        names: localized(element, ns::METADATA, "OrganizationName")?,
        display_names: localized(element, ns::METADATA, "OrganizationDisplayName")?,
        urls: localized_urls(element, ns::METADATA, "OrganizationURL")?,
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
fn endpoints(role: Element<'_>) -> Read<Vec<PlacedEndpoint>> {
    const KINDS: [&str; 4] =
        ["ArtifactResolutionService", "AssertionConsumerService", "ManageNameIDService", "SingleLogoutService"];
    let mut placed = Vec::new();
    for kind in KINDS {
        for element in of_name(role, ns::METADATA, kind) {
            let Endpoint { url, response_url, .. } = endpoint(element, kind)?;
            let line = element.line();
            placed.extend([Some(url), response_url].into_iter().flatten().map(|url| PlacedEndpoint {
                kind,
                url,
                line,
            }));
        }
    }
    placed.sort_by_key(|endpoint| endpoint.line);
    Ok(placed)
}

fn endpoint(element: Element<'_>, name: &'static str) -> Read<Endpoint> {
    let binding = required_attribute(element, name, "Binding")?.to_owned();
    let location = required_attribute(element, name, "Location")?.trim_matches(is_space).to_owned();
    let url = web_url(element, "Location", &location)?;
    let response_url = element
        .attribute("ResponseLocation")
        .map(|location| web_url(element, "ResponseLocation", location.trim_matches(is_space)))
        .transpose()?;
    Ok(Endpoint { binding, location, url, response_url })
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
