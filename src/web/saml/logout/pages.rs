//! What the pages of logging out show.

use serde::Serialize;

use crate::web::page::Page;
use crate::web::sign_in::pages::page;

/// A service ended its session and asks us to end ours: how far shall it go?
#[derive(Debug, Serialize)]
pub struct LogoutQuestionPage {
    /// The service that asks.
    pub service_name: String,
    /// The other services that this session is signed in to.
    pub others: Vec<String>,
    /// Where the forms go.
    pub decide_path: String,
}
page!(LogoutQuestionPage, "pages/logout/question.html");

/// One service's part.
#[derive(Debug, Clone, Serialize)]
pub struct LogoutLine {
    /// The service's name.
    pub service_name: String,
    /// What became of it: the end of a key `logout-outcome-…`.
    pub outcome: &'static str,
}

/// How a logout went, service by service.
#[derive(Debug, Serialize)]
pub struct LogoutPage {
    /// Whether the session here goes on.
    pub still_signed_in: bool,
    /// The services.
    pub lines: Vec<LogoutLine>,
    /// Where it goes on, while services wait for their turn.
    pub next_path: Option<String>,
}
page!(LogoutPage, "pages/logout/progress.html");

/// Posts a logout message to a service: a form with a visible button, sent by a script of ours where scripts run.
#[derive(Debug, Serialize)]
pub struct LogoutPostPage {
    /// The service's name.
    pub service_name: String,
    /// Where the form goes.
    pub action: String,
    /// The name of the message's field.
    pub field: &'static str,
    /// The message.
    pub message: String,
    /// The field `RelayState`, where there is one.
    pub relay_state: Option<String>,
}
page!(LogoutPostPage, "saml/logout_post.html");
