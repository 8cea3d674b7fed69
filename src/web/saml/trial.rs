//! `/saml/trial/{ticket}`: an agency's engineer lets their own browser's next sign-ins be signed with the next key.
//!
//! The administrator hands out the address; what it carries is signed, and for one service. Nobody else's sign-in is touched.

use actix_web::cookie::{Cookie, SameSite, time::Duration as CookieAge};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::IdentityProvider;
use crate::accounts::site::Site;
use crate::federation::agreement::LocalizedText;
use crate::rollover::TrialTicket;
use crate::web::page::Page;
use crate::web::plain::show;
use crate::web::visit::Fault;

/// The cookie that carries the ticket.
const COOKIE: &str = "__Host-signet-trial";
/// For how long a browser goes on trying.
const BROWSER_TRIES: CookieAge = CookieAge::minutes(30);

/// Says what the browser's next sign-ins at the service are signed with.
#[derive(Debug, Serialize)]
pub struct TrialPage {
    /// The service's name.
    pub service_name: LocalizedText,
    /// The name of the key.
    pub key: String,
    /// Where the service is.
    pub return_to: String,
}

impl Page for TrialPage {
    const TEMPLATE: &'static str = "pages/plain/trial.html";
}

/// Takes a ticket in and tells what it does.
///
/// # Errors
/// When we made no such ticket, or it has ended.
pub(super) async fn begin(
    request: HttpRequest,
    ticket: web::Path<String>,
    site: web::Data<Site>,
    idp: web::Data<IdentityProvider>,
) -> Result<HttpResponse, Fault> {
    let ticket = TrialTicket::parse(&ticket).ok_or(Fault::NotFound)?;
    let (registry, now) = (idp.registry.load(), site.now());
    let (service, trial) = registry
        .services()
        .find_map(|service| Some((service, ticket.redeem(service.entity_id(), now, &*site.keys)?)))
        .ok_or(Fault::NotFound)?;
    let page = TrialPage {
        service_name: service.agreement().friendly_name().clone(),
        key: trial.key().to_string(),
        return_to: service.agreement().return_to_url().to_string(),
    };
    let mut answer = show(&request, &site, &page).await?;
    let cookie = Cookie::build(COOKIE, ticket.to_string())
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(BROWSER_TRIES)
        .finish();
    answer.add_cookie(&cookie).ok();
    Ok(answer)
}

/// The ticket that a browser brings. Whether it is good for the service is looked at where the answer leaves.
pub(super) fn ticket_of(request: &HttpRequest) -> Option<TrialTicket> {
    TrialTicket::parse(request.cookie(COOKIE)?.value())
}
