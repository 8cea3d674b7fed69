//! Pages: a context type for each template, rendered into one layout.
//!
//! A page is a struct that lists what its template needs and nothing else; [`Page::TEMPLATE`] names the file below
//! `templates/`. Every text stands in the locale files, so a struct holds data and the ends of their keys, never sentences.

mod asking;
mod plain;
mod problem;
#[cfg(test)]
mod samples;
mod templates;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LANGUAGE, VARY};
use serde::Serialize;

use super::csrf;
use super::waiting::{RequestAddress, Waiting};
use crate::accounts::session::BrowserSession;
use crate::accounts::site::Site;
use crate::authentication::session::Notice;
use crate::locale::Locale;
use crate::web::session;

pub use asking::Asking;
pub(crate) use problem::problems;

pub use plain::{HelpPage, KeptSession, LandingPage, PrivacyPage, RefusalPage};
pub use templates::render;

/// A page: what its template is given.
pub trait Page: Serialize {
    /// Its template, below `templates/`.
    const TEMPLATE: &'static str;
}

/// What the layout needs beside the page.
#[derive(Debug, Clone, Serialize)]
pub struct Layout {
    /// In which language the page is.
    #[serde(skip)]
    pub locale: Locale,
    /// What people call us.
    pub service: String,
    /// The token of this session's forms.
    pub csrf: String,
    /// Whether somebody is signed in: then the header has the account and the way out.
    pub signed_in: bool,
    /// The service whose request the page is about.
    pub asking: Option<Asking>,
    /// The request that the page's address names; links and forms of the page go on with it.
    pub request: Option<String>,
    /// The page comes in place of what was asked for, since that came too late.
    pub late: bool,
    /// Shown once above the page: the end of a key in the locale files.
    pub notice: Option<&'static str>,
}

impl Layout {
    /// Around a page for this session.
    #[must_use]
    pub fn of(site: &Site, session: &BrowserSession) -> Self {
        Self {
            csrf: csrf::token(&session.state),
            signed_in: session.state.signed_in().is_some(),
            notice: session.notice().map(Notice::code),
            ..Self::for_anybody(&site.service_name, session.locale())
        }
    }

    /// The same for a page about a request: `named` by the page's address, `waiting` when it waits for this browser.
    #[must_use]
    pub fn about(self, site: &Site, named: Option<&RequestAddress>, waiting: Option<&Waiting>) -> Self {
        Self {
            asking: waiting.and_then(|waiting| waiting.asking(site)),
            request: named.map(ToString::to_string),
            ..self
        }
    }

    /// Around a page without forms, for whoever it is.
    #[must_use]
    pub fn for_anybody(service: &str, locale: Locale) -> Self {
        Self {
            locale,
            service: service.to_owned(),
            csrf: String::new(),
            signed_in: false,
            asking: None,
            request: None,
            late: false,
            notice: None,
        }
    }
}

/// Answers with a page. A session that the browser does not have yet goes with it as a cookie.
#[must_use]
pub fn respond<P: Page>(site: &Site, session: &BrowserSession, status: StatusCode, page: &P) -> HttpResponse {
    respond_in(&Layout::of(site, session), session, status, page)
}

/// The same in a layout that was put together for this session.
#[must_use]
pub fn respond_in<P: Page>(layout: &Layout, session: &BrowserSession, status: StatusCode, page: &P) -> HttpResponse {
    let mut answer = respond_with(layout, status, page);
    if session.needs_cookie() && answer.add_cookie(&session::cookie(session)).is_err() {
        return HttpResponse::InternalServerError().finish();
    }
    answer
}

/// Answers with a page in a layout that was put together before.
#[must_use]
pub fn respond_with<P: Page>(layout: &Layout, status: StatusCode, page: &P) -> HttpResponse {
    match render(page, layout) {
        Ok(html) => HttpResponse::build(status)
            .content_type("text/html; charset=utf-8")
            .insert_header((CONTENT_LANGUAGE, layout.locale.tag()))
            .insert_header((VARY, "Cookie, Accept-Language"))
            .body(html),
        Err(error) => {
            tracing::error!(%error, "a page could not be drawn");
            HttpResponse::InternalServerError().content_type("text/html; charset=utf-8").body(LAST_RESORT)
        }
    }
}

/// What is shown when a template of ours is broken: the one text that stands outside the locale files.
const LAST_RESORT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Something is wrong</title>\
     <h1>Something is wrong on our side</h1><p>This page cannot be shown. Please try again later.</p></html>";
