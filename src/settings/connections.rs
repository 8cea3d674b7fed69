//! `[connections]`: what a stranger may hold at once, and for how long.

use serde::{Deserialize, Serialize};

use super::SettingsError;

/// `[connections]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConnectionSettings {
    /// Connections of this node in all; by default as many as its file descriptors leave.
    pub most: Option<u32>,
    /// Connections of one network: an IPv4 address, or the first 64 bits of an IPv6 address. Not counted behind proxies.
    pub per_network: u32,
    /// Requests of one network that are under way.
    pub requests_per_network: u32,
    /// Until the headers of a connection's first request are there.
    pub headers_seconds: u16,
    /// From there until its body is.
    pub body_seconds: u16,
    /// How long an answer may stand without being taken.
    pub answer_seconds: u16,
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        Self {
            most: None,
            per_network: 256,
            requests_per_network: 100,
            headers_seconds: 10,
            body_seconds: 20,
            answer_seconds: 20,
        }
    }
}

impl ConnectionSettings {
    /// Checks what the types cannot.
    ///
    /// # Errors
    /// When nobody could connect, or nobody could be waited for.
    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        let named = [
            ("connections.most", self.most.unwrap_or(1)),
            ("connections.per_network", self.per_network),
            ("connections.requests_per_network", self.requests_per_network),
            ("connections.headers_seconds", self.headers_seconds.into()),
            ("connections.body_seconds", self.body_seconds.into()),
            ("connections.answer_seconds", self.answer_seconds.into()),
        ];
        match named.into_iter().find(|(_, value)| *value == 0) {
            Some((key, _)) => Err(SettingsError::unusable(key, &"at least 1")),
            None => Ok(()),
        }
    }
}
