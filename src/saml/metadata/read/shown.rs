//! What a role says to people: its names, its pictures, who runs it, whom to ask.

use super::super::error::Found;
use super::super::fields::{Read, localized, localized_urls, location, of_name, required_attribute, text, texts};
use super::super::{Contact, Logo, MetadataError, MetadataFault, Organization, UserInterface};
use crate::saml::xml::{Element, ns};

pub(super) fn user_interface(role: Element<'_>, found: &mut Found) -> UserInterface {
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

/// Who runs the entity, or else the role.
pub(super) fn organization(entity: Element<'_>, role: Element<'_>, found: &mut Found) -> Option<Organization> {
    let of_entity = found.keep(entity.only_child(ns::METADATA, "Organization").map_err(Into::into)).flatten();
    let of_role = found.keep(role.only_child(ns::METADATA, "Organization").map_err(Into::into)).flatten();
    of_entity.or(of_role).and_then(|organization| found.keep(read_organization(organization)))
}

/// Whom to ask: of the entity, then of the role.
pub(super) fn contacts(entity: Element<'_>, role: Element<'_>, found: &mut Found) -> Vec<Contact> {
    let contacts = of_name(entity, ns::METADATA, "ContactPerson").chain(of_name(role, ns::METADATA, "ContactPerson"));
    found.each(contacts.map(contact))
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
