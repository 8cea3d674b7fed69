//! Pages: a context type for each template, rendered into one layout.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use rust_embed::RustEmbed;
use serde::Serialize;
use tera::{Context, Tera};

use super::csrf;
use super::session::BrowserSession;
use super::site::Site;

/// A page: what its template is given.
pub trait Page: Serialize {
    /// Its template, below `templates/`.
    const TEMPLATE: &'static str;
}

#[derive(RustEmbed)]
#[folder = "templates/"]
#[include = "*.html"]
struct Templates;

static TERA: LazyLock<Option<Tera>> = LazyLock::new(|| {
    let mut tera = Tera::default();
    let files = Templates::iter().filter_map(|name| {
        let file = Templates::get(&name)?;
        Some((name.to_string(), String::from_utf8(file.data.into_owned()).ok()?))
    });
    tera.add_raw_templates(files.collect::<Vec<_>>()).ok()?;
    Some(tera)
});

/// What the layout needs beside the page.
#[derive(Serialize)]
struct Layout<'a> {
    service: &'a str,
    csrf: String,
    signed_in: bool,
    waiting: bool,
    notice: Option<&'a str>,
}

/// Answers with a page. A session that the browser does not have yet goes with it as a cookie.
#[must_use]
pub fn respond<P: Page>(site: &Site, session: &BrowserSession, status: StatusCode, page: &P) -> HttpResponse {
    let layout = Layout {
        service: &site.service_name,
        csrf: csrf::token(&session.state),
        signed_in: session.state.signed_in().is_some(),
        waiting: session.state.waiting_request.is_some(),
        notice: session.notice(),
    };
    let rendered = Context::from_serialize(page).ok().and_then(|mut context| {
        context.insert("layout", &layout);
        TERA.as_ref()?.render(P::TEMPLATE, &context).ok()
    });
    let mut answer = match rendered {
        Some(html) => HttpResponse::build(status).content_type("text/html; charset=utf-8").body(html),
        None => HttpResponse::InternalServerError().finish(),
    };
    if session.needs_cookie() && answer.add_cookie(&session.cookie()).is_err() {
        return HttpResponse::InternalServerError().finish();
    }
    answer
}
