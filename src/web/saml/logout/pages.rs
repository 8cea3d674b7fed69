//! What the pages of logging out show.

use serde::Serialize;

use crate::address::Address;
use crate::federation::agreement::LocalizedText;
use crate::federation::registry::ServiceProvider;
use crate::web::page::Page;
use crate::web::sign_in::pages::page;

/// A service ended its session and asks us to end ours: how far shall it go?
#[derive(Debug, Serialize)]
pub struct LogoutQuestionPage {
    /// The service that asks.
    pub service_name: LocalizedText,
    /// The other services that this session is signed in to.
    pub others: Vec<LocalizedText>,
    /// Whether the service is told that the session goes on, if the person wants that: many show an error then.
    pub may_show_an_error: bool,
    /// Where the forms go.
    pub decide_path: Address,
}
page!(LogoutQuestionPage, "pages/logout/question.html");

/// One service's part.
#[derive(Debug, Clone, Serialize)]
pub struct LogoutLine {
    /// The service's name.
    pub service_name: LocalizedText,
    /// What became of it: the end of a key `logout-outcome-…`.
    pub outcome: &'static str,
}

/// What has ended.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// The session here.
    Here,
    /// What the service that asked had; the session here goes on.
    There,
    /// What the service that asked had; of a session here nothing is said, since the browser is not known.
    ThereAtLeast,
}

/// The service that asked.
#[derive(Debug, Clone, Serialize)]
pub struct BackTo {
    /// Its name.
    pub service_name: LocalizedText,
    /// Where the person goes on, as the agreement says.
    pub address: String,
}

impl BackTo {
    /// The way back to this service.
    #[must_use]
    pub fn the(service: &ServiceProvider) -> Self {
        let agreement = service.agreement();
        Self { service_name: agreement.friendly_name().clone(), address: agreement.return_to_url().to_string() }
    }
}

/// How a logout went, service by service.
#[derive(Debug, Serialize)]
pub struct LogoutPage {
    /// What has ended.
    pub ended: Ended,
    /// The services.
    pub lines: Vec<LogoutLine>,
    /// Where it goes on, while services wait for their turn.
    pub next_path: Option<Address>,
    /// The service that asked, if one did.
    pub back_to: Option<BackTo>,
}
page!(LogoutPage, "pages/logout/progress.html");

/// Between services: leads on by itself, with or without script, or by its link.
#[derive(Debug, Serialize)]
pub struct LogoutOnwardPage {
    /// How many services have had their turn.
    pub done: usize,
    /// How many there are.
    pub of: usize,
    /// Where it goes on.
    pub next_path: Address,
}
page!(LogoutOnwardPage, "pages/logout/onward.html");

/// Posts a logout message to a service: a form with a visible button, sent by a script of ours where scripts run.
#[derive(Debug, Serialize)]
pub struct LogoutPostPage {
    /// The service's name.
    pub service_name: LocalizedText,
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
