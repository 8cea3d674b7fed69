//! The smallest parts of metadata: attributes, texts and addresses, each with the fault of its own place.

use time::UtcDateTime;
use url::Url;

use super::{Localized, MetadataError, MetadataFault};
use crate::saml::{
    instant,
    xml::{Element, is_space, ns},
};

pub(super) type Read<T> = Result<T, MetadataError>;

/// A URL that a browser may be sent to, or shown as a link. Everything else, `javascript:` foremost, is refused.
pub(super) fn web_url(element: Element<'_>, what: &'static str, text: &str) -> Read<Url> {
    let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    Url::parse(text)
        .ok()
        .filter(|url| plain && names_host(text) && matches!(url.scheme(), "http" | "https") && url.has_host())
        .filter(|url| url.username().is_empty() && url.password().is_none() && url.fragment().is_none())
        .ok_or_else(|| MetadataError::at(element, MetadataFault::Url(what)))
}

/// Whether the text says scheme and host as RFC 3986 §3 writes them. The URL standard reads a host into `https:host`,
/// `https:///host` and `https:\\host` too, and a browser reads a path into some of them, on a page of the same scheme.
fn names_host(text: &str) -> bool {
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    let web = ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web));
    web && rest.starts_with(|first| !matches!(first, '/' | '\\'))
}

pub(super) fn localized(parent: Element<'_>, namespace: &str, local: &'static str) -> Read<Vec<Localized>> {
    of_name(parent, namespace, local)
        .map(|element| {
            let lang = element.attribute_ns(ns::XML, "lang").filter(|lang| !lang.is_empty()).ok_or_else(|| {
                let fault = MetadataFault::MissingAttribute { element: local, attribute: "xml:lang" };
                MetadataError::at(element, fault)
            })?;
            Ok(Localized { lang: lang.to_owned(), text: text(element)? })
        })
        .collect()
}

pub(super) fn localized_urls(parent: Element<'_>, namespace: &str, local: &'static str) -> Read<Vec<Localized>> {
    for element in of_name(parent, namespace, local) {
        page_url(element, local, &text(element)?)?;
    }
    localized(parent, namespace, local)
}

/// The same of a page that people may be led to, where a link to a place in it is of use.
pub(super) fn page_url(element: Element<'_>, what: &'static str, text: &str) -> Read<Url> {
    web_url(element, what, text.split('#').next().unwrap_or(text))
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
