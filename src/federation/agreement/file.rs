//! Reading `agreement.toml`: the form in which it is written, and the checks that make an [`Agreement`] of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use time::Date;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};
use url::Url;

use super::{
    AgencyId, Agreement, Contact, ContactKind, EncryptionException, LocalizedText, LogoutChoice, LogoutException,
    SigningException,
};
use crate::federation::assurance::{Aal, aal_from_number};
use crate::federation::attribute::{AttributeName, UnknownAttribute};
use crate::federation::identifier::NameIdFormat;
use crate::one_line::OneLine;
use crate::proofing::Ial;
use crate::saml::EntityId;

/// Why the text is no agreement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct AgreementError {
    /// The line, counted from 1; 0 when the fault is in no single line.
    pub line: usize,
    /// What is wrong, in words for the administrator.
    pub reason: String,
}

impl Agreement {
    /// Reads and checks the text of an `agreement.toml`.
    ///
    /// # Errors
    /// Where the text is no agreement: every fault, with its line, counted from 1, and the reason, in the order of the lines.
    pub fn parse(text: &str) -> Result<Self, Vec<AgreementError>> {
        let mut faults = Faults::default();
        let (table, syntax) = DeTable::parse_recoverable(text);
        let agreement = if syntax.is_empty() {
            check(Table::new(table.into_inner()), &mut faults)
        } else {
            faults.extend(syntax.iter().map(|fault| (fault.span().map(|span| span.start), fault.message().to_owned())));
            None
        };
        agreement.filter(|_| faults.0.is_empty()).ok_or_else(|| faults.told(text))
    }
}

/// Where in the text, if anywhere, and what is wrong.
type Fault = (Option<usize>, String);

fn fault<T>(at: &Spanned<T>, reason: impl Into<String>) -> Fault {
    (Some(at.span().start), reason.into())
}

/// What was found wrong so far. The reading goes on to the next.
#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    /// The value, or nothing and the fault is noted.
    fn keep<T>(&mut self, checked: Result<T, Fault>) -> Option<T> {
        checked.map_err(|fault| self.0.push(fault)).ok()
    }

    fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    fn extend(&mut self, faults: impl IntoIterator<Item = Fault>) {
        self.0.extend(faults);
    }

    /// All of them by line; what is in no single line comes last.
    fn told(self, text: &str) -> Vec<AgreementError> {
        let line_of = |offset: usize| text.bytes().take(offset).filter(|b| *b == b'\n').count() + 1;
        let told = self.0.into_iter().map(|(at, reason)| AgreementError { line: at.map_or(0, line_of), reason });
        let mut told: Vec<AgreementError> = told.collect();
        told.sort_by_key(|fault| if fault.line == 0 { usize::MAX } else { fault.line });
        told.dedup();
        if told.is_empty() {
            told.push(AgreementError { line: 0, reason: "it is no agreement".to_owned() });
        }
        told
    }
}

/// A table as it is written, from which each key is taken by itself: what is wrong with one hides nothing of the others.
struct Table<'t> {
    left: DeTable<'t>,
}

impl<'t> Table<'t> {
    const fn new(table: DeTable<'t>) -> Self {
        Self { left: table }
    }

    /// The value of a key; nothing where it is absent, or is of another form, which is noted.
    fn take<T: DeserializeOwned>(&mut self, key: &str, faults: &mut Faults) -> Option<Spanned<T>> {
        self.value(key).and_then(|value| faults.keep(read(key, value)))
    }

    /// The same of a key that must be there.
    fn demand<T: DeserializeOwned>(&mut self, key: &str, faults: &mut Faults) -> Option<Spanned<T>> {
        let value = self.value(key);
        if value.is_none() {
            faults.add((None, format!("the key `{key}` is missing")));
        }
        value.and_then(|value| faults.keep(read(key, value)))
    }

    /// The table under a key; an empty one where it is absent, or no table, which is noted.
    fn table(&mut self, key: &str, faults: &mut Faults) -> Self {
        let inner = self.value(key).and_then(|value| {
            let at = value.span().start;
            match value.into_inner() {
                DeValue::Table(table) => Some(table),
                _ => {
                    faults.add((Some(at), format!("{key}: it must be a table")));
                    None
                }
            }
        });
        Self { left: inner.unwrap_or_default() }
    }

    fn value(&mut self, key: &str) -> Option<Spanned<DeValue<'t>>> {
        let written = self.left.keys().find(|written| written.get_ref() == key).cloned()?;
        self.left.remove(&written)
    }

    /// What nobody took is misspelt, and must not weaken an agreement unseen.
    fn finish(self, faults: &mut Faults) {
        faults.extend(
            self.left.into_iter().map(|(key, _)| fault(&key, format!("the key `{}` is unknown", key.get_ref()))),
        );
    }
}

fn read<T: DeserializeOwned>(key: &str, value: Spanned<DeValue<'_>>) -> Result<Spanned<T>, Fault> {
    let span = value.span();
    let start = span.start;
    T::deserialize(ValueDeserializer::from(value)).map(|read| Spanned::new(span, read)).map_err(|wrong| {
        let at = wrong.span().filter(|inner| inner.start > 0).map_or(start, |inner| inner.start);
        (Some(at), format!("{key}: {}", wrong.message()))
    })
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
#[serde(deny_unknown_fields)]
struct WrittenLogout {
    #[serde(default)]
    choice: LogoutChoice,
    exception: Option<LogoutException>,
    #[serde(default)]
    reason: String,
}

/// The named exception from "an entityID is a URI".
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum NameException {
    PlainWords,
}

/// The agreement that the table makes; nothing where it makes none, and the faults say why.
fn check(mut table: Table<'_>, faults: &mut Faults) -> Option<Agreement> {
    let agency_id = table.demand::<String>("agency_id", faults);
    let agency_name = table.demand("agency_name", faults);
    let entity_id = table.demand::<String>("entity_id", faults);
    let name_exception = table.take::<WrittenException<NameException>>("entity_id_form", faults);
    let revision = table.take("revision", faults);
    let enabled = table.take("enabled", faults);
    let friendly_name = table.demand("friendly_name", faults);
    let description = table.demand("description", faults);
    let attributes = checked_attributes(table.table("attributes", faults), faults);
    let default_attributes = table.take::<Vec<Spanned<String>>>("default_attributes", faults);
    let profile = table.take("attribute_profile", faults);
    let levels = checked_levels(table.table("levels", faults), faults);
    let requested_attributes = table.take("requested_attributes", faults);
    let name_id_formats = table.take::<Vec<NameIdFormat>>("name_id_formats", faults);
    let signed_requests = table.take("signed_requests", faults);
    let encryption = table.take::<WrittenException<EncryptionException>>("encryption", faults);
    let signing = table.take::<WrittenException<SigningException>>("signing", faults);
    let logout = table.take::<WrittenLogout>("logout", faults);
    let contacts = table.demand::<Vec<Contact>>("contacts", faults);
    let review_date = table.demand("review_date", faults);
    let return_to_url = table.demand("return_to_url", faults);
    table.finish(faults);

    let agency_id = agency_id.and_then(|written| {
        faults.keep(AgencyId::parse(written.get_ref()).map_err(|wrong| fault(&written, format!("agency_id: {wrong}"))))
    });
    let entity_id = entity_id.and_then(|written| faults.keep(checked_name(&written, name_exception.as_ref())));
    name_exception.and_then(|written| faults.keep(reasoned(written)));
    let return_to_url = return_to_url.and_then(|written| faults.keep(https_url(&written)));
    let review_date = review_date.and_then(|written| faults.keep(calendar_date(&written)));
    let default_attributes = default_attributes.map(Spanned::into_inner).unwrap_or_default();
    let default_attributes = default_attributes
        .iter()
        .filter_map(|written| {
            faults.keep(match written.get_ref().parse::<AttributeName>() {
                Ok(name) if attributes.contains_key(&name) => Ok(name),
                Ok(name) => {
                    Err(fault(written, format!("default attribute `{name}` is not among the allowed attributes")))
                }
                Err(unknown) => Err(fault(written, unknown.to_string())),
            })
        })
        .collect();
    if let Some(levels) = &levels
        && let Some(name) = attributes.keys().find(|name| name.level_needed() > levels.highest_ial)
    {
        faults.add((None, format!("attribute `{name}` needs highest_ial = {}", name.level_needed().number())));
    }
    let name_id_formats = checked_formats(name_id_formats, &attributes, faults);
    let contacts = contacts.map(|written| checked_contacts(written, faults));
    let encryption = encryption.and_then(|written| faults.keep(reasoned(written)));
    let signing = signing.and_then(|written| faults.keep(reasoned(written)));
    let logout = logout.and_then(|written| faults.keep(checked_logout(&written)));
    let (logout_choice, logout_exception) = logout.unwrap_or_default();
    let levels = levels?;
    Some(Agreement {
        agency_id: agency_id?,
        agency_name: agency_name.map(Spanned::into_inner)?,
        entity_id: entity_id?,
        revision: revision.map_or(1, Spanned::into_inner),
        enabled: enabled.is_none_or(Spanned::into_inner),
        friendly_name: friendly_name.map(Spanned::into_inner)?,
        description: description.map(Spanned::into_inner)?,
        attributes,
        default_attributes,
        profile: profile.map(Spanned::into_inner).unwrap_or_default(),
        highest_ial: levels.highest_ial,
        default_ial: levels.default_ial,
        lowest_ial: levels.lowest_ial,
        highest_aal: levels.highest_aal,
        default_aal: levels.default_aal,
        lowest_aal: levels.lowest_aal,
        phishing_resistant: levels.phishing_resistant,
        requested_attributes: requested_attributes.map(Spanned::into_inner).unwrap_or_default(),
        name_id_formats,
        signed_requests: signed_requests.map(Spanned::into_inner).unwrap_or_default(),
        encryption,
        signing,
        logout_choice,
        logout_exception,
        contacts: contacts?,
        review_date: review_date?,
        return_to_url: return_to_url?,
    })
}

/// The service's name: a URI, or, where the agreement says so, plain words.
fn checked_name(
    written: &Spanned<String>,
    exception: Option<&Spanned<WrittenException<NameException>>>,
) -> Result<EntityId, Fault> {
    let name = EntityId::parse(written.get_ref()).map_err(|wrong| fault(written, format!("entity_id: {wrong}")))?;
    match (name.is_uri(), exception) {
        (true, None) | (false, Some(_)) => Ok(name),
        (false, None) => Err(fault(
            written,
            "entity_id: a name is a URI, as `https://…` or `urn:…`. If the service cannot be renamed, agree on an exception: \
             [entity_id_form] with exception = \"plain-words\" and a reason",
        )),
        (true, Some(at)) => {
            Err(fault(at, "entity_id_form: entity_id is a URI, so that there is no exception: take it out"))
        }
    }
}

struct Levels {
    highest_ial: Ial,
    default_ial: Ial,
    lowest_ial: Ial,
    highest_aal: Aal,
    default_aal: Aal,
    lowest_aal: Aal,
    phishing_resistant: bool,
}

fn checked_levels(mut written: Table<'_>, faults: &mut Faults) -> Option<Levels> {
    let highest_ial = written.take::<Ial>("highest_ial", faults);
    let default_ial = written.take::<Ial>("default_ial", faults);
    let lowest_ial = written.take::<Ial>("lowest_ial", faults);
    let highest_aal = written.take::<u8>("highest_aal", faults);
    let default_aal = written.take::<u8>("default_aal", faults);
    let lowest_aal = written.take::<u8>("lowest_aal", faults);
    let phishing_resistant = written.take::<bool>("phishing_resistant", faults);
    written.finish(faults);
    let number = |level: &Option<Spanned<Ial>>| level.as_ref().map_or(Ial::One, |level| *level.get_ref());
    let (highest, default) = (number(&highest_ial), number(&default_ial));
    if let Some(at) = default_ial.as_ref().filter(|_| default > highest) {
        faults.add(fault(at, "default_ial is above highest_ial"));
    }
    let lowest = number(&lowest_ial);
    if let Some(at) = lowest_ial.as_ref().filter(|_| lowest > default) {
        faults.add(fault(at, "lowest_ial is above default_ial"));
    }
    let mut level = |level: &Option<Spanned<u8>>| match level {
        Some(level) => faults.keep(aal(level)),
        None => Some(Aal::Aal2),
    };
    let (highest_aal, default_level) = (level(&highest_aal)?, level(&default_aal)?);
    // Many products ask for a password by their own default, and nobody there meant less by it than the default.
    let lowest_level = if lowest_aal.is_some() { level(&lowest_aal)? } else { default_level.min(Aal::Aal2) };
    let resists = phishing_resistant.as_ref().is_some_and(|written| *written.get_ref());
    if let Some(at) = phishing_resistant.as_ref().filter(|_| resists && highest_aal < Aal::Aal2) {
        faults.add(fault(at, "phishing_resistant needs highest_aal = 2"));
    }
    if let Some(at) = default_aal.as_ref().filter(|_| default_level > highest_aal) {
        faults.add(fault(at, "default_aal is above highest_aal"));
    } else if default_level > highest_aal {
        faults.add((None, "default_aal is above highest_aal".to_owned()));
    }
    if let Some(at) = lowest_aal.as_ref().filter(|_| lowest_level > default_level) {
        faults.add(fault(at, "lowest_aal is above default_aal"));
    }
    Some(Levels {
        highest_ial: highest,
        default_ial: default,
        lowest_ial: lowest,
        highest_aal,
        default_aal: default_level,
        lowest_aal: lowest_level,
        phishing_resistant: resists,
    })
}

fn checked_formats(
    written: Option<Spanned<Vec<NameIdFormat>>>,
    attributes: &BTreeMap<AttributeName, LocalizedText>,
    faults: &mut Faults,
) -> Vec<NameIdFormat> {
    let Some(written) = written else { return vec![NameIdFormat::Persistent] };
    let distinct: BTreeSet<_> = written.get_ref().iter().collect();
    if written.get_ref().is_empty() || distinct.len() != written.get_ref().len() {
        faults.add(fault(&written, "name_id_formats lists at least one format, and none twice"));
    }
    // An e-mail address as NameID discloses it as surely as the attribute does.
    if distinct.contains(&NameIdFormat::EmailAddress) && !attributes.contains_key(&AttributeName::Email) {
        faults.add(fault(&written, "name id format `email-address` needs `email` among the allowed attributes"));
    }
    written.into_inner()
}

fn checked_contacts(written: Spanned<Vec<Contact>>, faults: &mut Faults) -> Vec<Contact> {
    if !written.get_ref().iter().any(|contact| contact.kind == ContactKind::Technical) {
        faults.add(fault(&written, "at least one contact of kind `technical` is needed"));
    }
    for contact in written.get_ref() {
        if !contact.email.contains('@') || contact.email.chars().any(|c| c.is_whitespace() || c.is_control()) {
            faults.add(fault(&written, format!("`{}` is not an e-mail address", OneLine(&contact.email))));
        }
    }
    written.into_inner()
}

fn checked_attributes(written: Table<'_>, faults: &mut Faults) -> BTreeMap<AttributeName, LocalizedText> {
    let mut attributes = BTreeMap::new();
    for (key, value) in written.left {
        let attribute = faults.keep(read::<WrittenAttribute>(key.get_ref(), value));
        let name: Result<AttributeName, Fault> =
            key.get_ref().parse().map_err(|unknown: UnknownAttribute| fault(&key, unknown.to_string()));
        let name = faults.keep(name.and_then(|name| {
            if name.can_be_agreed() {
                Ok(name)
            } else {
                Err(fault(&key, format!("`{name}` is in every assertion and is not listed")))
            }
        }));
        if let (Some(name), Some(attribute)) = (name, attribute) {
            attributes.insert(name, attribute.into_inner().purpose);
        }
    }
    attributes
}

/// An exception without a reason is no agreement.
fn reasoned<T>(written: Spanned<WrittenException<T>>) -> Result<T, Fault> {
    if written.get_ref().reason.trim().is_empty() {
        return Err(fault(&written, "an exception states its reason"));
    }
    Ok(written.into_inner().exception)
}

fn checked_logout(written: &Spanned<WrittenLogout>) -> Result<(LogoutChoice, Option<LogoutException>), Fault> {
    let WrittenLogout { choice, exception, reason } = written.get_ref();
    if exception.is_some() && reason.trim().is_empty() {
        return Err(fault(written, "an exception states its reason"));
    }
    if let (LogoutChoice::Everywhere, Some(exception)) = (choice, exception) {
        let without = format!("with choice = \"everywhere\" nobody stays signed in: {exception} has no effect");
        return Err(fault(written, without));
    }
    Ok((*choice, *exception))
}

fn aal(written: &Spanned<u8>) -> Result<Aal, Fault> {
    aal_from_number(*written.get_ref()).ok_or_else(|| fault(written, "an authentication assurance level is 1, 2 or 3"))
}

fn https_url(written: &Spanned<String>) -> Result<Url, Fault> {
    let url = Url::parse(written.get_ref())
        .map_err(|wrong| fault(written, format!("return_to_url is an address, and this is none: {wrong}")))?;
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
