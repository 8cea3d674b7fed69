//! The front page, help and privacy.

use actix_web::{HttpRequest, HttpResponse, web};

use super::page::{HelpPage, LandingPage, Page, PrivacyPage};
use super::visit::{Fault, Visit};
use crate::accounts::site::Site;

pub(super) async fn landing(request: HttpRequest, site: web::Data<Site>) -> Result<HttpResponse, Fault> {
    show(&request, &site, &LandingPage {}).await
}

pub(super) async fn help(request: HttpRequest, site: web::Data<Site>) -> Result<HttpResponse, Fault> {
    show(&request, &site, &HelpPage { contact: site.contact.clone() }).await
}

pub(super) async fn privacy(request: HttpRequest, site: web::Data<Site>) -> Result<HttpResponse, Fault> {
    let limits = site.session_limits;
    let page = PrivacyPage { idle_minutes: limits.idle.whole_minutes(), session_hours: limits.absolute.whole_hours() };
    show(&request, &site, &page).await
}

/// These pages have no forms, so a browser that comes by gets no cookie.
pub(super) async fn show<P: Page>(request: &HttpRequest, site: &Site, page: &P) -> Result<HttpResponse, Fault> {
    Ok(Visit::begin(request, site).await?.page_for_anybody(page))
}
