//! All that a person reads stands in the locale files: `templates/locales/<language>/*.ftl`, in Fluent.

mod mail;
#[cfg(any(test, feature = "demo"))]
mod pseudo;

use std::borrow::Cow;
use std::collections::HashMap;

use fluent_templates::fluent_bundle::FluentValue;
use fluent_templates::{LanguageIdentifier, Loader as _, langid, static_loader};
use serde::Serialize;
use tera::{Kwargs, State, TeraResult, Value};

pub use mail::mail_html;
#[cfg(test)]
pub(crate) use pseudo::outside_of_marks;

use crate::locale::{self, Locale};

static_loader! {
    static LOCALES = {
        locales: "./templates/locales",
        fallback_language: "en",
        // Marks around inserted text help where left and right meet; in mails and text messages they show.
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

const ENGLISH: LanguageIdentifier = langid!("en");

/// The text of a key in a language, with what is to be inserted; the key itself when the files lack it.
#[must_use]
pub fn text(locale: Locale, key: &str, arguments: &[(&'static str, String)]) -> String {
    let inserted = arguments.iter().map(|(name, value)| ((*name).to_owned(), FluentValue::from(value.clone())));
    lookup(locale, key, inserted).unwrap_or_else(|| key.to_owned())
}

/// The text of a key in a language; in English where that language lacks it, and nothing when the English files lack it too.
#[must_use]
pub fn lookup(
    locale: Locale,
    key: &str,
    inserted: impl IntoIterator<Item = (String, FluentValue<'static>)>,
) -> Option<String> {
    let arguments: HashMap<Cow<'static, str>, FluentValue<'_>> =
        inserted.into_iter().map(|(name, value)| (Cow::Owned(name), value)).collect();
    #[cfg(any(test, feature = "demo"))]
    if locale == Locale::PSEUDO {
        return pseudo::lookup(key, &arguments);
    }
    let language = locale.tag().parse().unwrap_or(ENGLISH);
    LOCALES.try_lookup_with_args(&language, key, &arguments)
}

/// Under which name a template is told the tag of its language.
pub(crate) const LANGUAGE: &str = "language";

/// `t(key="…", name=value, …)`: the text of a key in the page's language, with what is to be inserted. It is escaped like any
/// other value.
#[expect(clippy::needless_pass_by_value, reason = "as Tera calls it")]
pub fn for_templates(arguments: Kwargs, state: &State<'_>) -> TeraResult<String> {
    let locale = language_of(state)?;
    let key: &str = arguments.must_get("key")?;
    let inserted = arguments
        .iter()
        .filter_map(|(name, value)| Some((name.as_str()?, value)))
        .filter(|(name, _)| *name != "key")
        .map(|(name, value)| match value.as_i64() {
            Some(number) => (name.to_owned(), FluentValue::from(number)),
            None => (name.to_owned(), FluentValue::from(words(value, locale).1)),
        });
    lookup(locale, key, inserted).ok_or_else(|| tera::Error::message(format!("the locale files lack the key `{key}`")))
}

/// `said(text=…)`: a text that is not ours, in the page's language where it is there in that, else in English.
#[expect(clippy::needless_pass_by_value, reason = "as Tera calls it")]
pub fn said(arguments: Kwargs, state: &State<'_>) -> TeraResult<String> {
    Ok(words(arguments.must_get("text")?, language_of(state)?).1)
}

/// `language_said(text=…)`: in which language `said` says it, for the attribute `lang`.
#[expect(clippy::needless_pass_by_value, reason = "as Tera calls it")]
pub fn language_said(arguments: Kwargs, state: &State<'_>) -> TeraResult<String> {
    Ok(words(arguments.must_get("text")?, language_of(state)?).0)
}

fn language_of(state: &State<'_>) -> TeraResult<Locale> {
    let language: Option<String> = state.get(LANGUAGE)?;
    let locale = language.as_deref().and_then(Locale::of_tag);
    locale.ok_or_else(|| tera::Error::message("the template is not told its language"))
}

/// A value as a page says it, and in which language: of an object of texts by language, the one for the page.
fn words(value: &Value, locale: Locale) -> (String, String) {
    let texts = value.as_map();
    let found = locale::in_order(locale.tag()).find_map(|tag| {
        let (key, text) = texts?.iter().find(|(key, _)| key.as_str() == Some(tag))?;
        Some((key.as_str()?.to_owned(), text.as_str()?.to_owned()))
    });
    found.unwrap_or_else(|| (locale.tag().to_owned(), value.to_string()))
}

/// A page or a mail could not be drawn: a template, a text or a static file is missing or wrong. The tests draw every page, so this is
/// a fault of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the template {template} cannot be drawn: {reason}")]
pub struct Unrenderable {
    pub(crate) template: &'static str,
    pub(crate) reason: String,
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

/// The English files.
#[cfg(any(test, feature = "demo"))]
const ENGLISH_FILES: [&str; 7] = [
    include_str!("../../templates/locales/en/account.ftl"),
    include_str!("../../templates/locales/en/common.ftl"),
    include_str!("../../templates/locales/en/mail.ftl"),
    include_str!("../../templates/locales/en/plain.ftl"),
    include_str!("../../templates/locales/en/refusal.ftl"),
    include_str!("../../templates/locales/en/saml.ftl"),
    include_str!("../../templates/locales/en/sign_in.ftl"),
];

/// The keys of the English files, for the tests that compare them with what is used.
#[cfg(test)]
pub(crate) fn keys() -> impl Iterator<Item = &'static str> {
    ENGLISH_FILES.into_iter().flat_map(str::lines).filter_map(|line| {
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
