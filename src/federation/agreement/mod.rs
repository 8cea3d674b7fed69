//! The trust agreement (SP 800-63C §4.3): what one service of an agency may ask for and receive, as `agreement.toml` says it.
//!
//! This file reads and checks that text and tells what a new version lowers. The service's own keys and addresses stand
//! in its metadata; the two meet in [`registry`](super::registry).

mod file;
mod protection;
mod terms;

use std::collections::{BTreeMap, BTreeSet};

use time::Date;
use url::Url;

use super::assurance::{Aal, aal_number};
use super::attribute::{AttributeName, AttributeProfile};
use super::identifier::NameIdFormat;
use crate::proofing::Ial;
use crate::saml::EntityId;

pub use file::AgreementError;
pub use protection::{LoweredProtection, lowers_protection};
pub use terms::{
    AgencyId, Contact, ContactKind, EncryptionException, LocalizedText, LogoutChoice, LogoutException,
    MalformedAgencyId, RequestedAttributes, SignedRequests, SigningException,
};

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
    lowest_ial: Ial,
    highest_aal: Aal,
    default_aal: Aal,
    lowest_aal: Aal,
    phishing_resistant: bool,
    requested_attributes: RequestedAttributes,
    name_id_formats: Vec<NameIdFormat>,
    signed_requests: SignedRequests,
    encryption: Option<EncryptionException>,
    signing: Option<SigningException>,
    logout_choice: LogoutChoice,
    logout_exception: Option<LogoutException>,
    contacts: Vec<Contact>,
    review_date: Date,
    return_to_url: Url,
}

impl Agreement {
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

    /// The service provider that the agreement is about: its name, which is a URI unless the agreement makes an exception.
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

    /// The identity level below which no request is answered, whatever it asks.
    #[must_use]
    pub const fn lowest_ial(&self) -> Ial {
        self.lowest_ial
    }

    /// Whether every sign-in is phishing-resistant, whatever the request asks.
    #[must_use]
    pub const fn demands_phishing_resistance(&self) -> bool {
        self.phishing_resistant
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

    /// The authentication level below which no request is answered, whatever it asks: AAL2, or a lower default, unless the
    /// agreement says otherwise.
    #[must_use]
    pub const fn lowest_aal(&self) -> Aal {
        self.lowest_aal
    }

    /// The NameID formats that the service may ask for; the first is that of a request that names none. Never empty.
    #[must_use]
    pub fn name_id_formats(&self) -> &[NameIdFormat] {
        &self.name_id_formats
    }

    /// Whether the service may ask for names of this format.
    #[must_use]
    pub fn allows_format(&self, format: NameIdFormat) -> bool {
        self.name_id_formats.contains(&format)
    }

    /// Which attributes of an `AttributeConsumingService` count as asked for.
    #[must_use]
    pub const fn requested_attributes(&self) -> RequestedAttributes {
        self.requested_attributes
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

    /// Whether a person whom the service signs out is asked how far that goes.
    #[must_use]
    pub const fn logout_choice(&self) -> LogoutChoice {
        self.logout_choice
    }

    /// The exception from the truth about a logout, if one was agreed.
    #[must_use]
    pub const fn logout_exception(&self) -> Option<LogoutException> {
        self.logout_exception
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
        if !self.entity_id.is_uri() {
            lines.push("entity id form plain words".to_owned());
        }
        lines.extend(self.agency_name.all().map(|(language, text)| format!("agency name [{language}] {text}")));
        lines.extend(self.friendly_name.all().map(|(language, text)| format!("friendly name [{language}] {text}")));
        lines.extend(self.description.all().map(|(language, text)| format!("description [{language}] {text}")));
        for (name, purpose) in &self.attributes {
            let default = if self.default_attributes.contains(name) { " (default)" } else { "" };
            lines.push(format!("attribute {name}{default}"));
            lines.extend(purpose.all().map(|(language, text)| format!("attribute {name} purpose [{language}] {text}")));
        }
        lines.push(format!("attribute profile {}", self.profile));
        lines.push(format!(
            "identity level default {} highest {} lowest {}",
            self.default_ial, self.highest_ial, self.lowest_ial
        ));
        lines.push(format!(
            "authentication level default AAL{} highest AAL{} lowest AAL{} phishing resistant {}",
            aal_number(self.default_aal),
            aal_number(self.highest_aal),
            aal_number(self.lowest_aal),
            self.phishing_resistant
        ));
        lines.push(format!("requested attributes {}", self.requested_attributes));
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
        let answer = self.logout_exception.map_or("default".to_owned(), |e| e.to_string());
        lines.push(format!("logout choice {} answer {answer}", self.logout_choice));
        lines.extend(self.contacts.iter().map(|c| format!("contact {} {} <{}>", c.kind, c.name, c.email)));
        lines.push(format!("review date {}", self.review_date));
        lines.push(format!("return to {}", self.return_to_url));
        lines.join("\n") + "\n"
    }
}
