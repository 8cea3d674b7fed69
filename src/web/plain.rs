//! The front page, help and privacy.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::page::Layout;
use super::page::{HelpPage, LandingPage, Page, PrivacyPage, respond_with};
use super::refusal::Refusal;
use super::waiting::{RequestAddress, Waiting};
use crate::accounts::site::Site;
use crate::web::session;

pub(super) async fn landing(request: HttpRequest, site: web::Data<Site>) -> Result<HttpResponse, Refusal> {
    show(&request, &site, &LandingPage {}).await
}

pub(super) async fn help(request: HttpRequest, site: web::Data<Site>) -> Result<HttpResponse, Refusal> {
    show(&request, &site, &HelpPage { contact: site.contact.clone() }).await
}

pub(super) async fn privacy(request: HttpRequest, site: web::Data<Site>) -> Result<HttpResponse, Refusal> {
    let limits = site.session_limits;
    let page = PrivacyPage { idle_minutes: limits.idle.whole_minutes(), session_hours: limits.absolute.whole_hours() };
    show(&request, &site, &page).await
}

/// These pages have no forms, so a browser that comes by gets no cookie.
pub(super) async fn show<P: Page>(request: &HttpRequest, site: &Site, page: &P) -> Result<HttpResponse, Refusal> {
    let session = session::find(request, site).await?;
    let layout =
        if session.needs_cookie() { Layout::for_anybody(&site.service_name) } else { Layout::of(site, &session) };
    let waiting = match RequestAddress::of(request) {
        Some(address) => Waiting::find(request, site, address).await?.ok(),
        None => None,
    };
    let layout = layout.about(site, waiting.as_ref().map(Waiting::address).as_ref(), waiting.as_ref());
    Ok(respond_with(&layout, StatusCode::OK, page))
}
