//! `[text_messages]`: to whose phones codes go, and how many in all.

use serde::{Deserialize, Serialize};

use super::SettingsError;
use crate::authentication::out_of_band::TextMessageTerms;
use crate::authentication::throttle::RateLimit;
use crate::subscriber::Country;

/// `[text_messages]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TextMessageSettings {
    /// Countries and territories whose phones can be set up, two letters each (ISO 3166-1).
    pub countries: Vec<String>,
    /// Codes in an hour to the ten thousand numbers of one block, for phones that are being set up.
    pub per_block_an_hour: u32,
    /// Codes in a minute altogether, for phones that are being set up.
    pub new_phones_a_minute: u32,
    /// Codes in a minute altogether, to phones with which people sign in.
    pub known_phones_a_minute: u32,
}

impl Default for TextMessageSettings {
    fn default() -> Self {
        Self {
            countries: ["US", "PR", "VI", "GU", "AS", "MP", "CA"].map(str::to_owned).into(),
            per_block_an_hour: RateLimit::TEXT_BY_BLOCK.at_most,
            new_phones_a_minute: RateLimit::TEXT_TO_NEW_PHONES.at_most,
            known_phones_a_minute: RateLimit::TEXT_TO_KNOWN_PHONES.at_most,
        }
    }
}

impl TextMessageSettings {
    /// What the pages go by.
    ///
    /// # Errors
    /// When a country is none.
    pub fn terms(&self) -> Result<TextMessageTerms, SettingsError> {
        let countries = self.countries.iter().map(|code| {
            let unusable = |error| SettingsError::unusable("text_messages.countries", &format!("{code}: {error}"));
            Country::parse(code).map_err(unusable)
        });
        Ok(TextMessageTerms {
            countries: countries.collect::<Result<_, _>>()?,
            by_block: RateLimit { at_most: self.per_block_an_hour, ..RateLimit::TEXT_BY_BLOCK },
            to_new_phones: RateLimit { at_most: self.new_phones_a_minute, ..RateLimit::TEXT_TO_NEW_PHONES },
            to_known_phones: RateLimit { at_most: self.known_phones_a_minute, ..RateLimit::TEXT_TO_KNOWN_PHONES },
        })
    }
}
