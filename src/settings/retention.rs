//! `[retention]`: how long it is kept that something was. What has no setting here is kept as SECURITY.md says.

use serde::{Deserialize, Serialize};
use time::Duration;

use super::SettingsError;
use crate::storage::retention::RetentionTerms;

/// `[retention]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionSettings {
    /// Days for which it is kept that a session was; at least 1, at most 365. What it knew goes at its idle limit.
    pub sessions_days: u16,
    /// Days for which sent messages (without their contents), links and codes are kept; at least 1, at most 90.
    pub finished_work_days: u16,
}

impl Default for RetentionSettings {
    fn default() -> Self {
        let days = |duration: Duration| u16::try_from(duration.whole_days()).unwrap_or(u16::MAX);
        let RetentionTerms { sessions, work } = RetentionTerms::DEFAULT;
        Self { sessions_days: days(sessions), finished_work_days: days(work) }
    }
}

impl RetentionSettings {
    /// The terms.
    ///
    /// # Errors
    /// [`SettingsError::Unusable`], naming the number that is 0 or too great.
    pub fn terms(&self) -> Result<RetentionTerms, SettingsError> {
        let days = |number: u16, most: u16, key: &'static str| match number {
            number if (1..=most).contains(&number) => Ok(Duration::days(number.into())),
            _ => Err(SettingsError::unusable(key, &format!("a number of days from 1 to {most}"))),
        };
        Ok(RetentionTerms {
            sessions: days(self.sessions_days, 365, "retention.sessions_days")?,
            work: days(self.finished_work_days, 90, "retention.finished_work_days")?,
        })
    }
}
