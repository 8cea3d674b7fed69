//! The demonstration's pages: plain HTML of its own, since an agency's site looks like the agency and not like Signet.

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};
use serde::{Deserialize, Serialize};
use tera::{Context, Tera};

use super::service_provider::SignedIn;
use crate::texts::TextPart;

/// The agency's name for people.
pub(super) const SITE: &str = "Benefits Office";
pub(super) const STYLES: &str = include_str!("../../templates/demo/demo.css");

/// Nothing but the page itself and its one stylesheet; no scripts, no frames.
pub(super) const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// For a mail's HTML part: its own inline styles and nothing else, in an origin that is nobody's.
pub(super) const POLICY_OF_A_MAIL: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; \
     frame-ancestors 'none'; sandbox allow-top-navigation-by-user-activation";

/// A page with what it shows.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Page<'a> {
    Failed { reason: &'a str, signing_out: bool },
    Inbox { messages: Vec<ShownMessage> },
    Received { signed_in: Option<ShownSignIn<'a>>, refused: Option<ShownRefusal<'a>>, token: &'a str },
    SignedOut { idp_url: &'a str, everywhere: bool },
    Start { idp_url: &'a str, signed_in: bool, choices: &'a [Choice], person: Option<&'a DemoPerson> },
}

/// A way to sign in, on the start page.
#[derive(Debug, Serialize)]
pub(super) struct Choice {
    pub(super) slug: &'static str,
    pub(super) label: &'static str,
    pub(super) explanation: &'static str,
}

/// The seeded person's way in. It is shown to whoever opens the demonstration; that is what the person is for.
#[derive(Clone, Serialize, Deserialize)]
pub struct DemoPerson {
    /// E-mail address.
    pub email: String,
    /// Password.
    pub password: String,
    /// Phone number that receives codes.
    pub phone: String,
    /// Recovery key.
    pub recovery_key: String,
}

impl std::fmt::Debug for DemoPerson {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DemoPerson")
    }
}

/// An assertion's content.
#[derive(Debug, Serialize)]
pub(super) struct ShownSignIn<'a> {
    name_id: &'a str,
    name_id_format: &'a str,
    authn_context: &'a str,
    authn_instant: &'a str,
    attributes: Vec<ShownAttribute<'a>>,
}

#[derive(Debug, Serialize)]
struct ShownAttribute<'a> {
    name: &'a str,
    values: &'a [String],
}

impl<'a> From<&'a SignedIn> for ShownSignIn<'a> {
    fn from(signed_in: &'a SignedIn) -> Self {
        let shown =
            |a: &'a super::service_provider::ReceivedAttribute| ShownAttribute { name: &a.name, values: &a.values };
        Self {
            name_id: &signed_in.name_id,
            name_id_format: &signed_in.name_id_format,
            authn_context: &signed_in.authn_context,
            authn_instant: &signed_in.authn_instant,
            attributes: signed_in.attributes.iter().map(shown).collect(),
        }
    }
}

/// An error status.
#[derive(Debug, Serialize)]
pub(super) struct ShownRefusal<'a> {
    pub(super) status: &'a str,
    pub(super) nested: Option<&'a str>,
    pub(super) message: Option<&'a str>,
}

/// A message of the inbox.
#[derive(Debug, Serialize)]
pub(super) struct ShownMessage {
    pub(super) number: usize,
    pub(super) kind: &'static str,
    pub(super) to: String,
    pub(super) subject: Option<String>,
    pub(super) at: String,
    pub(super) body: Vec<TextPart>,
    /// Whether it has an HTML part, which has a page of its own.
    pub(super) has_html: bool,
}

/// The templates, read once.
pub(super) struct Pages(Tera);

impl Pages {
    pub(super) fn load() -> Result<Self, tera::Error> {
        let mut tera = Tera::default();
        tera.add_raw_templates([
            ("demo/layout.html", include_str!("../../templates/demo/layout.html")),
            ("demo/failed.html", include_str!("../../templates/demo/failed.html")),
            ("demo/inbox.html", include_str!("../../templates/demo/inbox.html")),
            ("demo/received.html", include_str!("../../templates/demo/received.html")),
            ("demo/signed_out.html", include_str!("../../templates/demo/signed_out.html")),
            ("demo/start.html", include_str!("../../templates/demo/start.html")),
        ])?;
        Ok(Self(tera))
    }

    /// Draws a page.
    pub(super) fn answer(&self, page: &Page<'_>) -> HttpResponse {
        let (name, here, status) = match page {
            Page::Failed { .. } => ("failed", "failed", StatusCode::BAD_REQUEST),
            Page::Inbox { .. } => ("inbox", "inbox", StatusCode::OK),
            Page::Received { .. } => ("received", "received", StatusCode::OK),
            Page::SignedOut { .. } => ("signed_out", "signed-out", StatusCode::OK),
            Page::Start { .. } => ("start", "start", StatusCode::OK),
        };
        let drawn = Context::from_serialize(page).and_then(|mut context| {
            context.insert("site", SITE);
            context.insert("here", here);
            self.0.render(&format!("demo/{name}.html"), &context)
        });
        match drawn {
            Ok(html) => secured(status).content_type("text/html; charset=utf-8").body(html),
            Err(error) => {
                tracing::error!(%error, page = name, "a page of the demonstration could not be drawn");
                secured(StatusCode::INTERNAL_SERVER_ERROR)
                    .content_type("text/plain")
                    .body("This page could not be drawn.")
            }
        }
    }
}

/// An answer with the headers that all of them have.
pub(super) fn secured(status: StatusCode) -> actix_web::HttpResponseBuilder {
    let mut answer = HttpResponse::build(status);
    answer
        .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::CACHE_CONTROL, "no-store"));
    answer
}
