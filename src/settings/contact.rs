//! `[contact]`: whom people ask when they cannot go on by themselves. The help page says it.

use serde::{Deserialize, Serialize};

use super::SettingsError;
use crate::subscriber::EmailAddress;

/// The most characters of a line that pages show.
const LONGEST_LINE: usize = 120;

/// `[contact]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContactSettings {
    /// An address to write to.
    pub email: Option<String>,
    /// A number to call, as people read it: `+1 202 555 0100`.
    pub phone: Option<String>,
    /// When somebody answers: `Monday to Friday, 8 am to 8 pm Eastern Time`.
    pub hours: Option<String>,
}

impl ContactSettings {
    /// Whether there is anybody to ask.
    #[must_use]
    pub const fn is_there(&self) -> bool {
        self.email.is_some() || self.phone.is_some()
    }

    /// Checks it, so that no page shows what is none.
    ///
    /// # Errors
    /// Which line is no address, no number, or too long.
    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        if let Some(email) = &self.email {
            EmailAddress::parse(email).map_err(|error| SettingsError::unusable("contact.email", &error))?;
        }
        let has_digits = |line: &str| line.chars().any(|one| one.is_ascii_digit());
        for (key, line) in [("contact.phone", &self.phone), ("contact.hours", &self.hours)] {
            let Some(line) = line else { continue };
            let is_line = (1..=LONGEST_LINE).contains(&line.chars().count()) && !line.chars().any(char::is_control);
            if !is_line || (key == "contact.phone" && !has_digits(line)) {
                return Err(SettingsError::unusable(key, &"a line of at most 120 characters, a number with digits"));
            }
        }
        Ok(())
    }
}
