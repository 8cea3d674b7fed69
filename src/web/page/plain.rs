//! Pages outside any journey: the front page, help, privacy, and what is shown when something is refused.

use serde::Serialize;

use crate::accounts::site::Contact;
use crate::federation::agreement::LocalizedText;

use super::Page;

/// `/`.
#[derive(Debug, Clone, Serialize)]
pub struct LandingPage {}

impl Page for LandingPage {
    const TEMPLATE: &'static str = "pages/plain/landing.html";
}

/// `/help`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct HelpPage {
    /// Whom to ask, where the operator says so.
    pub contact: Option<Contact>,
}

impl Page for HelpPage {
    const TEMPLATE: &'static str = "pages/plain/help.html";
}

/// `/privacy`: its numbers are those of the running settings.
#[derive(Debug, Clone, Serialize)]
pub struct PrivacyPage {
    /// How long a session lives without use, in minutes.
    pub idle_minutes: i64,
    /// How long it lives in all, in hours.
    pub session_hours: i64,
}

impl Page for PrivacyPage {
    const TEMPLATE: &'static str = "pages/plain/privacy.html";
}

/// What is known of the person's session here where a logout was refused: it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptSession {
    /// The person is signed in here.
    SignedIn,
    /// The browser did not say: a form from another site leaves its cookie behind.
    Unknown,
}

/// A refusal: the locale files have `refusal-{name}` (its heading) and `refusal-{name}-person`, and `refusal-{name}-engineer`
/// when `engineer` is set.
#[derive(Debug, Clone, Serialize)]
pub struct RefusalPage {
    /// The short code, which stands in the log too.
    pub code: &'static str,
    /// Its name in the locale files.
    pub name: &'static str,
    /// Whether there is a section for the agency's engineer: what a service sent was at fault.
    pub engineer: bool,
    /// What exactly was wrong, for the engineer; nothing personal.
    pub detail: Option<String>,
    /// The service's name, where it is known.
    pub service_name: Option<LocalizedText>,
    /// Where the person can go back to, where the service is known.
    pub return_to: Option<String>,
    /// Where a logout was refused: what is known of the session that goes on here.
    pub kept: Option<KeptSession>,
    /// When, for finding it in the log: `2026-11-24 12:00:01 UTC`.
    pub at: String,
}

impl Page for RefusalPage {
    const TEMPLATE: &'static str = "pages/plain/refusal.html";
}
