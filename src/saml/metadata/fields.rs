//! The smallest parts of metadata: attributes, texts and addresses, each with the fault of its own place.

use time::UtcDateTime;

use super::{Localized, Location, MetadataError, MetadataFault};
use crate::saml::{
    instant,
    xml::{Element, is_space, ns},
};

pub(super) type Read<T> = Result<T, MetadataError>;

/// An address that a browser may be sent to, or shown as a link. Everything else, `javascript:` foremost, is refused.
pub(super) fn location(element: Element<'_>, what: &'static str, text: &str) -> Read<Location> {
    Location::parse(text).map_err(|_| MetadataError::at(element, MetadataFault::Url(what)))
}

pub(super) fn localized(
    parent: Element<'_>,
    namespace: &str,
    local: &'static str,
) -> impl Iterator<Item = Read<Localized>> {
    of_name(parent, namespace, local).map(move |element| {
        let lang = element.attribute_ns(ns::XML, "lang").filter(|lang| !lang.is_empty()).ok_or_else(|| {
            let fault = MetadataFault::MissingAttribute { element: local, attribute: "xml:lang" };
            MetadataError::at(element, fault)
        })?;
        Ok(Localized { lang: lang.to_owned(), text: text(element)? })
    })
}

pub(super) fn localized_urls(
    parent: Element<'_>,
    namespace: &str,
    local: &'static str,
) -> impl Iterator<Item = Read<Localized>> {
    let addresses = of_name(parent, namespace, local).map(move |element| page_url(element, local, &text(element)?));
    localized(parent, namespace, local).zip(addresses).map(|(text, address)| address.and(text))
}

/// The same of a page that people may be led to, where a link to a place in it is of use.
pub(super) fn page_url(element: Element<'_>, what: &'static str, text: &str) -> Read<()> {
    location(element, what, text.split('#').next().unwrap_or(text)).map(|_| ())
}

pub(super) fn texts(parent: Element<'_>, namespace: &str, local: &str) -> Read<Vec<String>> {
    of_name(parent, namespace, local).map(text).collect()
}

pub(super) fn text(element: Element<'_>) -> Read<String> {
    Ok(element.text()?.trim_matches(is_space).to_owned())
}

pub(super) fn of_name<'d>(
    parent: Element<'d>,
    namespace: &str,
    local: &str,
) -> impl Iterator<Item = Element<'d>> + Clone {
    parent.children().filter(move |child| child.is(namespace, local))
}

pub(super) fn required_attribute<'d>(
    element: Element<'d>,
    name: &'static str,
    attribute: &'static str,
) -> Read<&'d str> {
    element
        .attribute(attribute)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| MetadataError::at(element, MetadataFault::MissingAttribute { element: name, attribute }))
}

pub(super) fn boolean(element: Element<'_>, attribute: &'static str) -> Read<Option<bool>> {
    let read = |value: &str| match value.trim_matches(is_space) {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(MetadataError::at(element, MetadataFault::Boolean(attribute))),
    };
    element.attribute(attribute).map(read).transpose()
}

pub(super) fn time_of(element: Element<'_>, attribute: &'static str) -> Read<Option<UtcDateTime>> {
    let read = |value: &str| {
        instant::parse(value.trim_matches(is_space))
            .map_err(|_| MetadataError::at(element, MetadataFault::Instant(attribute)))
    };
    element.attribute(attribute).map(read).transpose()
}

/// An `xs:duration` that is not negative, where the attribute is there. Nothing here is cached, so that its length does not matter.
pub(super) fn duration(element: Element<'_>, attribute: &'static str) -> Read<()> {
    match element.attribute(attribute) {
        Some(value) if !is_duration(value.trim_matches(is_space)) => {
            Err(MetadataError::at(element, MetadataFault::Duration(attribute)))
        }
        _ => Ok(()),
    }
}

/// XML Schema part 2, 3.2.6: `PnYnMnDTnHnMnS`; each part may be left out, but not all, nor all after a `T`. Seconds alone have
/// a fraction.
fn is_duration(text: &str) -> bool {
    /// Takes numbers with these signs in their order; how many, or nothing for other text.
    fn parts(mut text: &str, signs: &str) -> Option<usize> {
        let mut taken = 0;
        for sign in signs.chars() {
            let Some((number, rest)) = text.split_once(sign) else { continue };
            let (whole, fraction) = number.split_once('.').filter(|_| sign == 'S').unwrap_or((number, "0"));
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
            if !digits(whole) || !digits(fraction) {
                return None;
            }
            (text, taken) = (rest, taken + 1);
        }
        text.is_empty().then_some(taken)
    }
    let Some(text) = text.strip_prefix('P') else { return false };
    match text.split_once('T') {
        None => parts(text, "YMD").is_some_and(|taken| taken > 0),
        Some((date, clock)) => parts(date, "YMD").is_some() && parts(clock, "HMS").is_some_and(|taken| taken > 0),
    }
}
