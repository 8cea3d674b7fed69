//! The trust agreement (SP 800-63C §4.3): what one service of an agency may ask for and receive, as `agreement.toml` says it.
//!
//! This file reads and checks that text and tells what a new version lowers. The service's own keys and addresses stand
//! in its metadata; the two meet in [`registry`](super::registry).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use time::Date;
use toml::Spanned;
use url::Url;

use super::assurance::{Aal, Ial, aal_from_number, aal_number};
use super::attribute::{AttributeName, AttributeProfile};
use super::identifier::NameIdFormat;
use crate::saml::EntityId;

/// The name of an agency: lower-case letters, digits and dashes, 1 to 64 characters; equal to its folder's name. Pairwise
/// identifiers are kept under it, so it never changes for a known service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct AgencyId(String);

/// The text is no agency id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is 1 to 64 lower-case letters, digits and dashes, and begins with a letter")]
pub struct MalformedAgencyId;

impl AgencyId {
    /// Reads the name of an agency.
    ///
    /// # Errors
    /// The text has other characters, or is too long.
    pub fn parse(text: &str) -> Result<Self, MalformedAgencyId> {
        let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let begins_well = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if plain && begins_well && text.len() <= 64 { Ok(Self(text.to_owned())) } else { Err(MalformedAgencyId) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AgencyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text in one or more languages, English always among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalizedText(BTreeMap<String, String>);

impl LocalizedText {
    /// The text in the language of a page (`es`, `en-US`), in English when there is none.
    #[must_use]
    pub fn in_language(&self, locale: &str) -> &str {
        let primary = locale.split('-').next().unwrap_or(locale);
        self.0.get(locale).or_else(|| self.0.get(primary)).or_else(|| self.0.get("en")).map_or("", String::as_str)
    }

    /// The English text.
    #[must_use]
    pub fn english(&self) -> &str {
        self.in_language("en")
    }

    /// Every language and its text, in order of the language tags.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(language, text)| (language.as_str(), text.as_str()))
    }
}

impl<'de> Deserialize<'de> for LocalizedText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = BTreeMap::<String, String>::deserialize(deserializer)?;
        if !texts.contains_key("en") {
            return Err(serde::de::Error::custom("the English text (`en`) is missing"));
        }
        for (language, text) in &texts {
            let tag_is_plain = language.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            if language.len() > 35 || !tag_is_plain {
                return Err(serde::de::Error::custom(format!("`{language}` is not a language tag")));
            }
            if text.trim().is_empty() || text.chars().count() > 500 || text.chars().any(char::is_control) {
                return Err(serde::de::Error::custom(format!(
                    "the text for `{language}` must be one line of 1 to 500 characters"
                )));
            }
        }
        Ok(Self(texts))
    }
}

/// Whether `AuthnRequest`s must be signed. A signature that is present must verify in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignedRequests {
    /// An unsigned request is refused.
    #[default]
    Demanded,
    /// An unsigned request is accepted.
    Waived,
}

/// A named exception from "the Assertion is encrypted with AES-256-GCM".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EncryptionException {
    /// AES-128-GCM, for service providers that know no other.
    #[serde(rename = "aes-128-gcm")]
    Aes128Gcm,
    /// AES-256-CBC, whose padding can be attacked; for service providers that know no GCM.
    #[serde(rename = "aes-256-cbc")]
    Aes256Cbc,
    /// No encryption: whoever can read the browser's traffic can read the attributes.
    ClearText,
}

impl fmt::Display for EncryptionException {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aes128Gcm => "aes-128-gcm",
            Self::Aes256Cbc => "aes-256-cbc",
            Self::ClearText => "clear-text",
        })
    }
}

/// A named exception from "the Assertion and the Response are signed".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SigningException {
    /// Only the Assertion is signed.
    AssertionOnly,
    /// Only the Response is signed.
    ResponseOnly,
}

impl fmt::Display for SigningException {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AssertionOnly => "assertion-only",
            Self::ResponseOnly => "response-only",
        })
    }
}

/// What a contact is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContactKind {
    /// Who owns the agreement.
    Administrative,
    /// Who answers for privacy.
    Privacy,
    /// Who is told of incidents.
    Security,
    /// Who helps people with the service.
    Support,
    /// Who runs the service provider.
    Technical,
}

impl fmt::Display for ContactKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Administrative => "administrative",
            Self::Privacy => "privacy",
            Self::Security => "security",
            Self::Support => "support",
            Self::Technical => "technical",
        })
    }
}

/// Whom to ask about the service: an office, reached by e-mail.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// What the contact is there for.
    pub kind: ContactKind,
    /// The office.
    pub name: String,
    /// Its e-mail address.
    pub email: String,
}

/// An agreement that has been read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    agency_id: AgencyId,
    agency_name: LocalizedText,
    entity_id: EntityId,
    revision: u32,
    enabled: bool,
    friendly_name: LocalizedText,
    description: LocalizedText,
    attributes: BTreeMap<AttributeName, LocalizedText>,
    default_attributes: BTreeSet<AttributeName>,
    profile: AttributeProfile,
    highest_ial: Ial,
    default_ial: Ial,
    highest_aal: Aal,
    default_aal: Aal,
    name_id_formats: Vec<NameIdFormat>,
    signed_requests: SignedRequests,
    encryption: Option<EncryptionException>,
    signing: Option<SigningException>,
    contacts: Vec<Contact>,
    review_date: Date,
    return_to_url: Url,
}

impl Agreement {
    /// Reads and checks the text of an `agreement.toml`.
    ///
    /// # Errors
    /// Where the text is no agreement: the line, counted from 1, and the reason.
    pub fn parse(text: &str) -> Result<Self, AgreementError> {
        let written: Written = toml::from_str(text).map_err(|fault| AgreementError {
            line: fault.span().map_or(0, |span| line_of(text, span.start)),
            reason: fault.message().to_owned(),
        })?;
        written
            .check()
            .map_err(|(offset, reason)| AgreementError { line: offset.map_or(0, |o| line_of(text, o)), reason })
    }

    /// The agency, as the folder is named.
    #[must_use]
    pub const fn agency_id(&self) -> &AgencyId {
        &self.agency_id
    }

    /// The agency's name for people.
    #[must_use]
    pub const fn agency_name(&self) -> &LocalizedText {
        &self.agency_name
    }

    /// The service provider that the agreement is about.
    #[must_use]
    pub const fn entity_id(&self) -> &EntityId {
        &self.entity_id
    }

    /// The number that the agency raises when people shall be asked for their consent again.
    #[must_use]
    pub const fn revision(&self) -> u32 {
        self.revision
    }

    /// Whether sign-ins for the service are answered.
    #[must_use]
    pub const fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// The service's name for people.
    #[must_use]
    pub const fn friendly_name(&self) -> &LocalizedText {
        &self.friendly_name
    }

    /// What the service does, in a sentence for people.
    #[must_use]
    pub const fn description(&self) -> &LocalizedText {
        &self.description
    }

    /// The attributes that the service may receive, each with the purpose it is used for.
    #[must_use]
    pub const fn attributes(&self) -> &BTreeMap<AttributeName, LocalizedText> {
        &self.attributes
    }

    /// Whether the service may receive this attribute. Nothing outside is ever released.
    #[must_use]
    pub fn allows(&self, name: AttributeName) -> bool {
        name.is_always_sent() || self.attributes.contains_key(&name)
    }

    /// The attributes of a request that names none.
    #[must_use]
    pub const fn default_attributes(&self) -> &BTreeSet<AttributeName> {
        &self.default_attributes
    }

    /// Which names the attributes are sent under.
    #[must_use]
    pub const fn profile(&self) -> AttributeProfile {
        self.profile
    }

    /// The highest identity level that the service may ask for.
    #[must_use]
    pub const fn highest_ial(&self) -> Ial {
        self.highest_ial
    }

    /// The identity level of a request that names none.
    #[must_use]
    pub const fn default_ial(&self) -> Ial {
        self.default_ial
    }

    /// The highest authentication level that the service may ask for.
    #[must_use]
    pub const fn highest_aal(&self) -> Aal {
        self.highest_aal
    }

    /// The authentication level of a request that names none.
    #[must_use]
    pub const fn default_aal(&self) -> Aal {
        self.default_aal
    }

    /// The NameID formats that the service may ask for; the first is that of a request that names none. Never empty.
    #[must_use]
    pub fn name_id_formats(&self) -> &[NameIdFormat] {
        &self.name_id_formats
    }

    /// Whether requests must be signed.
    #[must_use]
    pub const fn signed_requests(&self) -> SignedRequests {
        self.signed_requests
    }

    /// The exception from the default encryption, if one was agreed.
    #[must_use]
    pub const fn encryption_exception(&self) -> Option<EncryptionException> {
        self.encryption
    }

    /// The exception from the default signing, if one was agreed.
    #[must_use]
    pub const fn signing_exception(&self) -> Option<SigningException> {
        self.signing
    }

    /// Whom to ask about the service.
    #[must_use]
    pub fn contacts(&self) -> &[Contact] {
        &self.contacts
    }

    /// The day by which both sides look at the agreement again.
    #[must_use]
    pub const fn review_date(&self) -> Date {
        self.review_date
    }

    /// Where a person who turns back is sent.
    #[must_use]
    pub const fn return_to_url(&self) -> &Url {
        &self.return_to_url
    }

    /// The agreement as text in one fixed order, for the diff that an administrator reads.
    #[must_use]
    pub fn canonical_text(&self) -> String {
        let mut lines = vec![
            format!("agency {}", self.agency_id),
            format!("revision {}", self.revision),
            format!("enabled {}", self.enabled),
        ];
        lines.extend(self.agency_name.all().map(|(language, text)| format!("agency name [{language}] {text}")));
        lines.extend(self.friendly_name.all().map(|(language, text)| format!("friendly name [{language}] {text}")));
        lines.extend(self.description.all().map(|(language, text)| format!("description [{language}] {text}")));
        for (name, purpose) in &self.attributes {
            let default = if self.default_attributes.contains(name) { " (default)" } else { "" };
            lines.push(format!("attribute {name}{default}"));
            lines.extend(purpose.all().map(|(language, text)| format!("attribute {name} purpose [{language}] {text}")));
        }
        lines.push(format!("attribute profile {}", self.profile));
        lines.push(format!("identity level default {} highest {}", self.default_ial, self.highest_ial));
        lines.push(format!(
            "authentication level default AAL{} highest AAL{}",
            aal_number(self.default_aal),
            aal_number(self.highest_aal)
        ));
        lines.extend(self.name_id_formats.iter().map(|format| format!("name id format {format}")));
        lines.push(format!(
            "signed requests {}",
            match self.signed_requests {
                SignedRequests::Demanded => "demanded",
                SignedRequests::Waived => "waived",
            }
        ));
        lines.push(format!("encryption {}", self.encryption.map_or("default".to_owned(), |e| e.to_string())));
        lines.push(format!("signing {}", self.signing.map_or("default".to_owned(), |e| e.to_string())));
        lines.extend(self.contacts.iter().map(|c| format!("contact {} {} <{}>", c.kind, c.name, c.email)));
        lines.push(format!("review date {}", self.review_date));
        lines.push(format!("return to {}", self.return_to_url));
        lines.join("\n") + "\n"
    }
}

/// The text is no agreement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct AgreementError {
    /// The line, counted from 1; 0 when the fault is in no single line.
    pub line: usize,
    /// What is wrong, in words for the administrator.
    pub reason: String,
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|b| *b == b'\n').count() + 1
}

/// The file as it is written, before it is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    agency_id: Spanned<String>,
    agency_name: LocalizedText,
    entity_id: Spanned<String>,
    #[serde(default = "one")]
    revision: u32,
    #[serde(default = "yes")]
    enabled: bool,
    friendly_name: LocalizedText,
    description: LocalizedText,
    #[serde(default)]
    attributes: BTreeMap<Spanned<String>, WrittenAttribute>,
    #[serde(default)]
    default_attributes: Vec<Spanned<String>>,
    #[serde(default)]
    attribute_profile: AttributeProfile,
    #[serde(default)]
    levels: WrittenLevels,
    #[serde(default)]
    name_id_formats: Option<Spanned<Vec<NameIdFormat>>>,
    #[serde(default)]
    signed_requests: SignedRequests,
    encryption: Option<Spanned<WrittenException<EncryptionException>>>,
    signing: Option<Spanned<WrittenException<SigningException>>>,
    contacts: Spanned<Vec<Contact>>,
    review_date: Spanned<toml::value::Datetime>,
    return_to_url: Spanned<String>,
}

const fn one() -> u32 {
    1
}

const fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAttribute {
    purpose: LocalizedText,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenException<T> {
    exception: T,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenLevels {
    highest_ial: Spanned<Ial>,
    default_ial: Spanned<Ial>,
    highest_aal: Spanned<u8>,
    default_aal: Spanned<u8>,
}

impl Default for WrittenLevels {
    fn default() -> Self {
        Self {
            highest_ial: Spanned::new(0..0, Ial::One),
            default_ial: Spanned::new(0..0, Ial::One),
            highest_aal: Spanned::new(0..0, 2),
            default_aal: Spanned::new(0..0, 2),
        }
    }
}

/// Where in the text, if anywhere, and what is wrong.
type Fault = (Option<usize>, String);

fn fault<T>(at: &Spanned<T>, reason: impl Into<String>) -> Fault {
    (Some(at.span().start), reason.into())
}

impl Written {
    fn check(self) -> Result<Agreement, Fault> {
        let agency_id = AgencyId::parse(self.agency_id.get_ref())
            .map_err(|wrong| fault(&self.agency_id, format!("agency_id: {wrong}")))?;
        let entity_id = EntityId::parse(self.entity_id.get_ref())
            .map_err(|wrong| fault(&self.entity_id, format!("entity_id: {wrong}")))?;
        let return_to_url = https_url(&self.return_to_url)?;
        let review_date = calendar_date(&self.review_date)?;
        let attributes = checked_attributes(self.attributes)?;
        let default_attributes = self
            .default_attributes
            .iter()
            .map(|written| match written.get_ref().parse::<AttributeName>() {
                Ok(name) if attributes.contains_key(&name) => Ok(name),
                Ok(name) => {
                    Err(fault(written, format!("default attribute `{name}` is not among the allowed attributes")))
                }
                Err(unknown) => Err(fault(written, unknown.to_string())),
            })
            .collect::<Result<BTreeSet<_>, _>>()?;

        let levels = &self.levels;
        let (highest_aal, default_aal) = (aal(&levels.highest_aal)?, aal(&levels.default_aal)?);
        let (highest_ial, default_ial) = (*levels.highest_ial.get_ref(), *levels.default_ial.get_ref());
        if default_ial > highest_ial {
            return Err(fault(&levels.default_ial, "default_ial is above highest_ial"));
        }
        if default_aal > highest_aal {
            return Err(fault(&levels.default_aal, "default_aal is above highest_aal"));
        }
        if let Some(name) = attributes.keys().find(|name| name.level_needed() > highest_ial) {
            return Err((None, format!("attribute `{name}` needs highest_ial = {}", name.level_needed().number())));
        }

        let name_id_formats = match self.name_id_formats {
            None => vec![NameIdFormat::Persistent],
            Some(written) => {
                let distinct: BTreeSet<_> = written.get_ref().iter().collect();
                if written.get_ref().is_empty() || distinct.len() != written.get_ref().len() {
                    return Err(fault(&written, "name_id_formats lists at least one format, and none twice"));
                }
                // An e-mail address as NameID discloses it as surely as the attribute does.
                if distinct.contains(&NameIdFormat::EmailAddress) && !attributes.contains_key(&AttributeName::Email) {
                    return Err(fault(
                        &written,
                        "name id format `email-address` needs `email` among the allowed attributes",
                    ));
                }
                written.into_inner()
            }
        };
        if !self.contacts.get_ref().iter().any(|contact| contact.kind == ContactKind::Technical) {
            return Err(fault(&self.contacts, "at least one contact of kind `technical` is needed"));
        }
        for contact in self.contacts.get_ref() {
            if !contact.email.contains('@') || contact.email.chars().any(|c| c.is_whitespace() || c.is_control()) {
                return Err(fault(
                    &self.contacts,
                    format!("`{}` is not an e-mail address", contact.email.escape_debug()),
                ));
            }
        }
        Ok(Agreement {
            agency_id,
            agency_name: self.agency_name,
            entity_id,
            revision: self.revision,
            enabled: self.enabled,
            friendly_name: self.friendly_name,
            description: self.description,
            attributes,
            default_attributes,
            profile: self.attribute_profile,
            highest_ial,
            default_ial,
            highest_aal,
            default_aal,
            name_id_formats,
            signed_requests: self.signed_requests,
            encryption: self.encryption.map(reasoned).transpose()?,
            signing: self.signing.map(reasoned).transpose()?,
            contacts: self.contacts.into_inner(),
            review_date,
            return_to_url,
        })
    }
}

fn checked_attributes(
    written: BTreeMap<Spanned<String>, WrittenAttribute>,
) -> Result<BTreeMap<AttributeName, LocalizedText>, Fault> {
    written
        .into_iter()
        .map(|(key, attribute)| {
            let name: AttributeName = key
                .get_ref()
                .parse()
                .map_err(|unknown: super::attribute::UnknownAttribute| fault(&key, unknown.to_string()))?;
            if !name.can_be_agreed() {
                return Err(fault(&key, format!("`{name}` is in every assertion and is not listed")));
            }
            Ok((name, attribute.purpose))
        })
        .collect()
}

/// An exception without a reason is no agreement.
fn reasoned<T>(written: Spanned<WrittenException<T>>) -> Result<T, Fault> {
    if written.get_ref().reason.trim().is_empty() {
        return Err(fault(&written, "an exception states its reason"));
    }
    Ok(written.into_inner().exception)
}

fn aal(written: &Spanned<u8>) -> Result<Aal, Fault> {
    aal_from_number(*written.get_ref()).ok_or_else(|| fault(written, "an authentication assurance level is 1, 2 or 3"))
}

fn https_url(written: &Spanned<String>) -> Result<Url, Fault> {
    let url = Url::parse(written.get_ref()).map_err(|wrong| fault(written, format!("return_to_url: {wrong}")))?;
    let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
        || url.host_str().is_some_and(|host| host.ends_with(".localhost"));
    if url.scheme() == "https" || (url.scheme() == "http" && loopback) {
        Ok(url)
    } else {
        Err(fault(written, "return_to_url begins with https://"))
    }
}

fn calendar_date(written: &Spanned<toml::value::Datetime>) -> Result<Date, Fault> {
    let wrong = || fault(written, "review_date is a date such as 2027-06-30");
    let datetime = written.get_ref();
    if datetime.time.is_some() {
        return Err(wrong());
    }
    let date = datetime.date.ok_or_else(wrong)?;
    let month = time::Month::try_from(date.month).map_err(|_| wrong())?;
    Date::from_calendar_date(i32::from(date.year), month, date.day).map_err(|_| wrong())
}

/// A way in which a new version of a service's record protects people or the service less than the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoweredProtection {
    /// The service's answers go to a host that was not known before.
    AssertionConsumerHostAdded(String),
    /// The service may receive one more attribute.
    AttributeAdded(AttributeName),
    /// A request that names no authentication level gets a lower one.
    DefaultAalLowered(Aal),
    /// The service was switched off and is on again.
    EnabledAgain,
    /// Encryption became weaker, or ended.
    EncryptionWeaker(EncryptionException),
    /// The service may ask for a higher identity level, and so for more.
    HighestIalRaised(Ial),
    /// One more NameID format, one that tells more than a pairwise identifier.
    NameIdFormatAdded(NameIdFormat),
    /// Requests need no longer be signed.
    RequestsUnsigned,
    /// A key that was not known before may sign requests or read assertions.
    KeyAdded(String),
    /// Only one of the two signatures is made from now on.
    SigningWeaker(SigningException),
}

impl fmt::Display for LoweredProtection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AssertionConsumerHostAdded(host) => write!(f, "assertions may go to a new host, {host}"),
            Self::AttributeAdded(name) => write!(f, "one more attribute may be released: {name}"),
            Self::DefaultAalLowered(aal) => {
                write!(f, "the default authentication level falls to AAL{}", aal_number(*aal))
            }
            Self::EnabledAgain => f.write_str("the service is enabled again"),
            Self::EncryptionWeaker(exception) => write!(f, "encryption falls to {exception}"),
            Self::HighestIalRaised(ial) => write!(f, "the service may ask for {ial}"),
            Self::NameIdFormatAdded(format) => write!(f, "one more NameID format: {format}"),
            Self::RequestsUnsigned => f.write_str("requests need no longer be signed"),
            Self::KeyAdded(fingerprint) => write!(f, "a new key is trusted, SHA-256 {fingerprint}"),
            Self::SigningWeaker(exception) => write!(f, "signing falls to {exception}"),
        }
    }
}

/// What of the protection a new agreement gives up.
#[must_use]
pub fn lowers_protection(old: &Agreement, new: &Agreement) -> Vec<LoweredProtection> {
    let mut lowered = Vec::new();
    if new.enabled && !old.enabled {
        lowered.push(LoweredProtection::EnabledAgain);
    }
    lowered.extend(
        new.attributes
            .keys()
            .filter(|name| !old.attributes.contains_key(name))
            .map(|name| LoweredProtection::AttributeAdded(*name)),
    );
    if new.highest_ial > old.highest_ial {
        lowered.push(LoweredProtection::HighestIalRaised(new.highest_ial));
    }
    if new.default_aal < old.default_aal {
        lowered.push(LoweredProtection::DefaultAalLowered(new.default_aal));
    }
    lowered.extend(
        new.name_id_formats
            .iter()
            .filter(|format| **format == NameIdFormat::EmailAddress && !old.name_id_formats.contains(format))
            .map(|format| LoweredProtection::NameIdFormatAdded(*format)),
    );
    if new.signed_requests == SignedRequests::Waived && old.signed_requests == SignedRequests::Demanded {
        lowered.push(LoweredProtection::RequestsUnsigned);
    }
    if let Some(exception) = new.encryption.filter(|_| new.encryption > old.encryption) {
        lowered.push(LoweredProtection::EncryptionWeaker(exception));
    }
    if let Some(exception) = new.signing.filter(|_| old.signing.is_none()) {
        lowered.push(LoweredProtection::SigningWeaker(exception));
    }
    lowered
}
