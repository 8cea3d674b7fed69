//! All that a person reads stands in the locale files: `templates/locales/<language>/*.ftl`, in Fluent.

use std::borrow::Cow;
use std::collections::HashMap;

use fluent_templates::fluent_bundle::FluentValue;
use fluent_templates::{LanguageIdentifier, Loader as _, langid, static_loader};
use serde::Serialize;

static_loader! {
    static LOCALES = {
        locales: "./templates/locales",
        fallback_language: "en",
        // Marks around inserted text help where left and right meet; in mails and text messages they show.
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

const ENGLISH: LanguageIdentifier = langid!("en");

/// The text of a key, with what is to be inserted.
#[must_use]
pub fn text(key: &str, arguments: &[(&'static str, String)]) -> String {
    let arguments: HashMap<Cow<'static, str>, FluentValue<'_>> = arguments
        .iter()
        .map(|(name, value)| (Cow::Borrowed(*name), FluentValue::String(Cow::Borrowed(value.as_str()))))
        .collect();
    LOCALES.lookup_with_args(&ENGLISH, key, &arguments)
}

/// The text of a key, or nothing when the files lack it.
#[must_use]
pub fn lookup(key: &str, inserted: impl IntoIterator<Item = (String, FluentValue<'static>)>) -> Option<String> {
    let arguments: HashMap<Cow<'static, str>, FluentValue<'_>> =
        inserted.into_iter().map(|(name, value)| (Cow::Owned(name), value)).collect();
    LOCALES.try_lookup_with_args(&ENGLISH, key, &arguments)
}

/// A stretch of a text, perhaps a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TextPart {
    /// What is read.
    pub text: String,
    /// Where it leads.
    pub href: Option<String>,
}

/// Cuts a text into plain stretches and addresses. Only what begins with one of `beginnings` is an address.
#[must_use]
pub fn linked(text: &str, beginnings: &[&str]) -> Vec<TextPart> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = beginnings.iter().filter_map(|beginning| rest.find(beginning)).min() {
        let (before, from_address) = rest.split_at(at);
        let end = from_address
            .find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"'))
            .unwrap_or(from_address.len());
        let (address, after) = from_address.split_at(end);
        // A full stop or bracket after an address belongs to the sentence.
        let trimmed = address.trim_end_matches(['.', ',', ';', ')', '!']);
        plain.push_str(before);
        if !plain.is_empty() {
            parts.push(TextPart { text: std::mem::take(&mut plain), href: None });
        }
        parts.push(TextPart { text: trimmed.to_owned(), href: Some(trimmed.to_owned()) });
        plain.push_str(address.get(trimmed.len()..).unwrap_or(""));
        rest = after;
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        parts.push(TextPart { text: plain, href: None });
    }
    parts
}

/// The keys of the English files, for the tests that compare them with what is used.
#[cfg(test)]
pub(crate) fn keys() -> impl Iterator<Item = &'static str> {
    const FILES: [&str; 7] = [
        include_str!("../../templates/locales/en/account.ftl"),
        include_str!("../../templates/locales/en/common.ftl"),
        include_str!("../../templates/locales/en/mail.ftl"),
        include_str!("../../templates/locales/en/plain.ftl"),
        include_str!("../../templates/locales/en/refusal.ftl"),
        include_str!("../../templates/locales/en/saml.ftl"),
        include_str!("../../templates/locales/en/sign_in.ftl"),
    ];
    FILES.into_iter().flat_map(str::lines).filter_map(|line| {
        let key = line.split_once(" =")?.0;
        key.starts_with(|first: char| first.is_ascii_lowercase()).then_some(key)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_links_and_nothing_else_does() {
        let text = "Hello,\nopen http://localhost:8/sign-up/x?y=1.\nOr javascript:alert(1)";
        let expected = [
            ("Hello,\nopen ", None),
            ("http://localhost:8/sign-up/x?y=1", Some("http://localhost:8/sign-up/x?y=1")),
            (".\nOr javascript:alert(1)", None),
        ];
        let parts = linked(text, &["http://", "https://"]);
        let parts: Vec<_> = parts.iter().map(|part| (&*part.text, part.href.as_deref())).collect();
        assert_eq!(parts, expected);
    }
}
