//! `signet conform idp`: the identity provider proves by itself that it keeps the rules of the profiles, label by label.
//!
//! An identity provider of its own is started on loopback, with services of the suite's own registered (`provider`) and
//! invented people in it. A browser without script (`browser`) goes through everything over HTTP; what the services receive
//! is read twice, by Signet's strict reader and by plain means (`plain`, `answer`). Each journey is a scene (`scenes`).
//!
//! Every label of the profiles stands once in `labels`, with its strength and what it asks in our words. Every label is
//! answered once in `rules`: by a check of the scenes, by tests that are named, or by the reason why it does not apply, why
//! Signet does otherwise, or what is still missing. A check is a pure function of the scenes.
//!
//! It needs the sandbox's inbox and the invented person, so that it belongs to the cargo feature `demo`, which release
//! packages leave out.

mod answer;
mod asks;
mod browser;
mod drive;
mod html;
mod instance;
mod keys;
mod labels;
mod logout;
mod plain;
mod provider;
mod published;
pub mod report;
mod request;
mod rules;
mod scenes;

use std::io;

use crate::accounts::Trouble;
use crate::app::BuildError;
use crate::demo::person::PersonError;
use crate::demo::setup::DemoError;
use crate::jobs::signing::SigningError;
use crate::saml::signature::Signer;
use crate::saml::xml::WriteError;
use crate::services::keys::LocalKeysError;
use crate::settings::SettingsError;
use crate::storage::StoreError;

pub use keys::KeysFailed;
pub use labels::{LABELS, Label, Profile, Strength};
pub use report::{Report, Row, Verdict};
pub use rules::{Answer, answers};

/// Why the suite could not be run.
#[derive(Debug, thiserror::Error)]
pub enum ConformError {
    /// The identity provider cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The keys of the identity provider.
    #[error(transparent)]
    Demo(#[from] DemoError),
    /// A browser.
    #[error("a browser of the suite did not get through: {0}")]
    Http(#[from] reqwest::Error),
    /// A file, a port, or the server itself.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The suite's own keys.
    #[error(transparent)]
    Keys(#[from] KeysFailed),
    /// There is nowhere to read text messages.
    #[error("the identity provider has no sandbox inbox")]
    NoInbox,
    /// The keys of the identity provider.
    #[error(transparent)]
    LocalKeys(#[from] LocalKeysError),
    /// The people.
    #[error(transparent)]
    Person(#[from] PersonError),
    /// What the identity provider publishes cannot be read at all.
    #[error("the identity provider's metadata cannot be used: {0}")]
    Published(String),
    /// The plan of the identity provider's keys.
    #[error(transparent)]
    Plan(#[from] SigningError),
    /// Records of the suite's services.
    #[error("the identity provider refuses the records of these services: {0}")]
    ServicesRefused(String),
    /// Settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// While storing the people.
    #[error(transparent)]
    Trouble(#[from] Trouble),
    /// Our own address.
    #[error(transparent)]
    Url(#[from] url::ParseError),
    /// The suite's own metadata.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Stands between the identity provider and the suite's services and may change what passes: how tests see that the checks
/// can fail. Nothing stands there when the command runs.
pub trait Between {
    /// What a service receives in place of this response (XML) of this scene.
    fn response(&self, _scene: &str, response: String) -> String {
        response
    }

    /// What a service finds in place of this assertion (XML), after decryption.
    fn assertion(&self, _scene: &str, assertion: String) -> String {
        assertion
    }

    /// What comes back in place of this RelayState.
    fn relay_state(&self, _scene: &str, relay_state: Option<String>) -> Option<String> {
        relay_state
    }

    /// What a service receives in place of this logout message (XML).
    fn logout_message(&self, _scene: &str, message: String) -> String {
        message
    }

    /// What is read in place of the metadata (XML).
    fn metadata(&self, metadata: String) -> String {
        metadata
    }
}

/// Nothing.
#[derive(Debug, Clone, Copy)]
pub struct Nothing;

impl Between for Nothing {}

/// What came of all journeys, to be judged.
pub struct Played(scenes::Raw);

impl Played {
    /// Judges every label.
    ///
    /// # Errors
    /// What the identity provider publishes cannot be read at all.
    pub fn report(&self, between: &dyn Between) -> Result<Report, ConformError> {
        Ok(Report::of(&self.0.read(between)?))
    }

    /// The identity provider's own key, with which a test can sign what a broken one would say.
    #[must_use]
    pub fn signer(&self) -> &dyn Signer {
        &*self.0.signer
    }
}

impl std::fmt::Debug for Played {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Played")
    }
}

/// Goes through everything. To be called on a tokio runtime.
///
/// # Errors
/// [`ConformError`]: the suite could not be run. A rule that is not kept is no error.
pub async fn play() -> Result<Played, ConformError> {
    scenes::play().await.map(Played)
}
