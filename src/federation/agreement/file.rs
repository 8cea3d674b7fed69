//! Reading `agreement.toml`: the form in which it is written, and the checks that make an [`Agreement`] of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use time::Date;
use toml::Spanned;
use url::Url;

use super::{
    AgencyId, Agreement, Contact, ContactKind, EncryptionException, LocalizedText, LogoutChoice, LogoutException,
    RequestedAttributes, SignedRequests, SigningException,
};
use crate::federation::assurance::{Aal, Ial, aal_from_number};
use crate::federation::attribute::{AttributeName, AttributeProfile, UnknownAttribute};
use crate::federation::identifier::NameIdFormat;
use crate::saml::EntityId;

/// The text is no agreement.
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
    requested_attributes: RequestedAttributes,
    #[serde(default)]
    name_id_formats: Option<Spanned<Vec<NameIdFormat>>>,
    #[serde(default)]
    signed_requests: SignedRequests,
    encryption: Option<Spanned<WrittenException<EncryptionException>>>,
    signing: Option<Spanned<WrittenException<SigningException>>>,
    logout: Option<Spanned<WrittenLogout>>,
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
#[serde(deny_unknown_fields)]
struct WrittenLogout {
    #[serde(default)]
    choice: LogoutChoice,
    exception: Option<LogoutException>,
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenLevels {
    highest_ial: Spanned<Ial>,
    default_ial: Spanned<Ial>,
    lowest_ial: Spanned<Ial>,
    highest_aal: Spanned<u8>,
    default_aal: Spanned<u8>,
    lowest_aal: Option<Spanned<u8>>,
    phishing_resistant: Spanned<bool>,
}

impl Default for WrittenLevels {
    fn default() -> Self {
        Self {
            highest_ial: Spanned::new(0..0, Ial::One),
            default_ial: Spanned::new(0..0, Ial::One),
            lowest_ial: Spanned::new(0..0, Ial::One),
            highest_aal: Spanned::new(0..0, 2),
            default_aal: Spanned::new(0..0, 2),
            lowest_aal: None,
            phishing_resistant: Spanned::new(0..0, false),
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
        let lowest_ial = *levels.lowest_ial.get_ref();
        if lowest_ial > default_ial {
            return Err(fault(&levels.lowest_ial, "lowest_ial is above default_ial"));
        }
        let phishing_resistant = *levels.phishing_resistant.get_ref();
        if phishing_resistant && highest_aal < Aal::Aal2 {
            return Err(fault(&levels.phishing_resistant, "phishing_resistant needs highest_aal = 2"));
        }
        if default_aal > highest_aal {
            return Err(fault(&levels.default_aal, "default_aal is above highest_aal"));
        }
        let lowest_aal = match &levels.lowest_aal {
            // Many products ask for a password by their own default, and nobody there meant less by it than the default.
            None => default_aal.min(Aal::Aal2),
            Some(written) => {
                let lowest = aal(written)?;
                if lowest > default_aal {
                    return Err(fault(written, "lowest_aal is above default_aal"));
                }
                lowest
            }
        };
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
        let (logout_choice, logout_exception) = match self.logout {
            Some(written) => checked_logout(&written)?,
            None => (LogoutChoice::default(), None),
        };
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
            lowest_ial,
            highest_aal,
            default_aal,
            lowest_aal,
            phishing_resistant,
            requested_attributes: self.requested_attributes,
            name_id_formats,
            signed_requests: self.signed_requests,
            encryption: self.encryption.map(reasoned).transpose()?,
            signing: self.signing.map(reasoned).transpose()?,
            logout_choice,
            logout_exception,
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
            let name: AttributeName =
                key.get_ref().parse().map_err(|unknown: UnknownAttribute| fault(&key, unknown.to_string()))?;
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
