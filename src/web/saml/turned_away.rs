//! `/saml/error`: the `errorURL` of our metadata, where a service sends a person whom it turned away after a sign-in.
//!
//! What comes in the address was written by whoever made the link, so nothing of it is shown as text: a code from the closed
//! list, a service that is registered here, attributes of our catalogue, a time, and a transaction's identifier of plain
//! characters. (SAML V2.0 Metadata Deployment Profile for errorURL.)

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use time::UtcDateTime;

use super::IdentityProvider;
use crate::accounts::site::Site;
use crate::federation::agreement::LocalizedText;
use crate::federation::attribute::AttributeName;
use crate::saml::EntityId;
use crate::web::page::Page;
use crate::web::plain::show;
use crate::web::visit::Fault;

/// The longest identifier of a transaction that is shown.
const LONGEST_TRANSACTION: usize = 80;

/// What the service filled in; a placeholder that it left alone counts as nothing.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Report {
    code: Option<String>,
    ts: Option<String>,
    rp: Option<String>,
    tid: Option<String>,
    ctx: Option<String>,
}

/// Says what the person can do now, and gives the agency's engineer what identifies the case.
#[derive(Debug, Serialize)]
pub struct TurnedAwayPage {
    /// What was wrong, as the end of the key `turned-away-…`: `identification`, `authentication`, `authorization`, `other`.
    pub reason: &'static str,
    /// The service's name, where it is one of ours.
    pub service_name: Option<LocalizedText>,
    /// Where the person can go back to.
    pub return_to: Option<String>,
    /// What the service says that it lacks: the ends of keys `attribute-…`.
    pub missing: Vec<&'static str>,
    /// The service's own identifier of the case.
    pub transaction: Option<String>,
    /// When it happened, by the service's clock: `2026-11-24 12:00:01 UTC`.
    pub at: Option<String>,
}

impl Page for TurnedAwayPage {
    const TEMPLATE: &'static str = "pages/plain/turned_away.html";
}

impl TurnedAwayPage {
    fn of(report: &Report, idp: &IdentityProvider) -> Self {
        let registry = idp.registry.load();
        let service = report.rp.as_deref().and_then(|name| EntityId::parse(name).ok());
        let service = service.and_then(|name| registry.admit(&name).ok());
        let agreement = service.map(|service| service.agreement());
        let reason = match report.code.as_deref() {
            Some("IDENTIFICATION_FAILURE") => "identification",
            Some("AUTHENTICATION_FAILURE") => "authentication",
            Some("AUTHORIZATION_FAILURE") => "authorization",
            _ => "other",
        };
        // Of an identification failure, the context lists the attributes that are missing (§2.3.5).
        let listed = report.ctx.as_deref().filter(|_| reason == "identification").unwrap_or_default();
        let mut missing: Vec<&'static str> =
            listed.split_whitespace().filter_map(AttributeName::from_wire).map(AttributeName::as_str).collect();
        missing.sort_unstable();
        missing.dedup();
        Self {
            reason,
            service_name: agreement.map(|agreement| agreement.friendly_name().clone()),
            return_to: agreement.map(|agreement| agreement.return_to_url().to_string()),
            missing,
            transaction: report.tid.as_deref().filter(|id| is_plain(id)).map(str::to_owned),
            at: report
                .ts
                .as_deref()
                .and_then(second)
                .map(|at| format!("{} {:02}:{:02}:{:02} UTC", at.date(), at.hour(), at.minute(), at.second())),
        }
    }
}

/// Answers with the page.
///
/// # Errors
/// When the session cannot be looked up.
pub(super) async fn turned_away(
    request: HttpRequest,
    report: Option<web::Query<Report>>,
    site: web::Data<Site>,
    idp: web::Data<IdentityProvider>,
) -> Result<HttpResponse, Fault> {
    let report = report.map(web::Query::into_inner).unwrap_or_default();
    show(&request, &site, &TurnedAwayPage::of(&report, &idp)).await
}

/// Characters of which no sentence can be made that would be taken for ours.
fn is_plain(id: &str) -> bool {
    (1..=LONGEST_TRANSACTION).contains(&id.len())
        && id != "ERRORURL_TID"
        && id.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.'))
}

/// Seconds since 1970 (§2.3.2).
fn second(text: &str) -> Option<UtcDateTime> {
    UtcDateTime::from_unix_timestamp(text.parse().ok()?).ok()
}
