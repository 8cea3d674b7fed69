//! All that a person reads stands in the locale files: `templates/locales/<language>/*.ftl`, in Fluent.

use std::borrow::Cow;
use std::collections::HashMap;

use fluent_templates::fluent_bundle::FluentValue;
use fluent_templates::{LanguageIdentifier, Loader as _, langid, static_loader};

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
