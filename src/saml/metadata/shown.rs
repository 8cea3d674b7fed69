//! What people are shown about an entity, and whom they can ask.

use url::Url;

/// A text in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Localized {
    /// The language (`xml:lang`), as written.
    pub lang: String,
    /// The text.
    pub text: String,
}

impl Localized {
    /// The text of the language wanted, compared by its primary subtag; else the English one; else the first.
    #[must_use]
    pub fn choose<'t>(texts: &'t [Self], lang: &str) -> Option<&'t str> {
        let primary = |tag: &str| tag.split('-').next().unwrap_or(tag).to_ascii_lowercase();
        let of = |wanted: &str| texts.iter().find(|text| primary(&text.lang) == wanted);
        of(&primary(lang)).or_else(|| of("en")).or_else(|| texts.first()).map(|text| &*text.text)
    }
}

/// What people are shown about the service (SAML Metadata UI §2.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserInterface {
    /// Its names by language.
    pub display_names: Vec<Localized>,
    /// What it does, by language.
    pub descriptions: Vec<Localized>,
    /// Pages that tell more; every text is an http(s) URL.
    pub information_urls: Vec<Localized>,
    /// Its privacy statements; every text is an http(s) URL.
    pub privacy_statement_urls: Vec<Localized>,
    /// Its pictures; those inside the document (`data:`) are left out, since our pages show none.
    pub logos: Vec<Logo>,
}

/// A picture (SAML Metadata UI §2.1.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo {
    /// Where it is.
    pub url: Url,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// Its language; nothing for all.
    pub lang: Option<String>,
}

/// Who runs the service (SAML Metadata §2.3.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its names by language.
    pub names: Vec<Localized>,
    /// Its names for people, by language.
    pub display_names: Vec<Localized>,
    /// Its sites; every text is an http(s) URL.
    pub urls: Vec<Localized>,
}

/// Whom to ask (SAML Metadata §2.3.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// `technical`, `support`, `administrative`, `billing` or `other`, as written.
    pub kind: String,
    /// The company.
    pub company: Option<String>,
    /// The given name.
    pub given_name: Option<String>,
    /// The surname.
    pub surname: Option<String>,
    /// E-mail addresses, without `mailto:`.
    pub email_addresses: Vec<String>,
    /// Telephone numbers.
    pub telephone_numbers: Vec<String>,
}
