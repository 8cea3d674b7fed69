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
