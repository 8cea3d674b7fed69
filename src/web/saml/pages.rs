//! What the pages of single sign-on show.

use serde::Serialize;

use crate::address::Address;
use crate::federation::agreement::LocalizedText;
use crate::web::page::Page;
use crate::web::sign_in::pages::page;

/// One attribute on the consent page.
#[derive(Debug, Clone, Serialize)]
pub struct ConsentLine {
    /// Its short name: the end of the key `attribute-…` in the locale files.
    pub name: &'static str,
    /// What it is used for; nothing for what every assertion carries.
    pub purpose: Option<LocalizedText>,
    /// The values, exactly as they are sent.
    pub values: Vec<String>,
    /// Whether the values are `true` and `false`, which the page shows as yes and no.
    pub is_answer: bool,
    /// Whether the values are masked until the person asks to see them.
    pub masked: bool,
    /// Whether the person has not agreed to it before, although they have agreed to others.
    pub is_new: bool,
}

/// Another address of the person.
#[derive(Debug, Clone, Serialize)]
pub struct OtherAddress {
    /// The address.
    pub address: String,
    /// Where the page is shown anew with it.
    pub path: Address,
}

/// One attribute that was asked for and is not sent.
#[derive(Debug, Clone, Serialize)]
pub struct WithheldLine {
    /// Its short name: the end of the key `attribute-…` in the locale files.
    pub name: &'static str,
    /// Why, as the end of the key `withheld-…`: the codes of [`Withheld`](crate::federation::release::Withheld).
    pub reason: &'static str,
}

/// `/saml/consent/{id}`: what a service would receive, for the person to agree to.
#[derive(Debug, Serialize)]
pub struct ConsentPage {
    /// The service's name.
    pub service_name: LocalizedText,
    /// What the service does.
    pub description: LocalizedText,
    /// Where the service says how it treats personal data, where its metadata says so.
    pub privacy_url: Option<String>,
    /// The agency's name.
    pub agency_name: LocalizedText,
    /// Why the person is asked, as the end of the key `consent-reason-…`: `first`, `address_changed`, `set_grew`, `purpose_changed`,
    /// `agreement_revised`, `identifier_changed`, `reproofed`, `expired`, `revoked`.
    pub reason: &'static str,
    /// What is asked for and agreed: everything but the three that every assertion carries.
    pub attributes: Vec<ConsentLine>,
    /// The three that every assertion carries: `uuid`, `ial`, `aal`.
    pub always: Vec<ConsentLine>,
    /// The person's other addresses, any of which the service may get instead.
    pub other_addresses: Vec<OtherAddress>,
    /// What is asked for and not sent.
    pub withheld: Vec<WithheldLine>,
    /// The e-mail address, where the agency would know the person by it.
    pub known_by: Option<String>,
    /// How many days the consent is remembered.
    pub remembered_days: i64,
    /// Where the form goes that agrees.
    pub agree_path: Address,
    /// Where the form goes that declines.
    pub decline_path: Address,
    /// The digest of what is shown; the form returns it as `digest`.
    pub digest: String,
}
page!(ConsentPage, "pages/consent/consent.html");

/// The level that the service demands is one that the person has not reached: explains, and offers the way back.
#[derive(Debug, Serialize)]
pub struct LevelPage {
    /// The service's name.
    pub service_name: LocalizedText,
    /// The agency's name.
    pub agency_name: LocalizedText,
    /// What is missing, as the end of the key `level-missing-…`: `proofing`, `renewal` or `face_match`.
    pub missing: &'static str,
    /// Whether the profile is there but its vault stays sealed without the recovery key.
    pub vault_is_sealed: bool,
    /// Where the form goes that declines, so that the service learns of it.
    pub decline_path: Address,
}
page!(LevelPage, "pages/consent/level.html");

/// Posts an answer to the service: a form with a visible button, sent by a script of ours where scripts run.
#[derive(Debug, Serialize)]
pub struct PostFormPage {
    /// The service's name.
    pub service_name: LocalizedText,
    /// Where the form goes: the assertion consumer service.
    pub action: String,
    /// The name of the field: `SAMLResponse`, or `SAMLart` for a reference to it.
    pub field: &'static str,
    /// Its value.
    pub message: String,
    /// The field `RelayState`, where there is one.
    pub relay_state: Option<String>,
    /// Whether the answer says that the sign-in succeeded.
    pub success: bool,
}
page!(PostFormPage, "saml/post_binding.html");
