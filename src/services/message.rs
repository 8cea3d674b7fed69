//! Messages to people, as they wait in the outbox: sealed with the service's keys and bound to their entry.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::define_id;
use crate::sealing::{KeysError, Purpose, ServiceKeys, context};

define_id! {
    /// An entry of the outbox.
    OutboxId
}

/// A message that is to be sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Message {
    /// By e-mail.
    Mail {
        /// One address.
        to: String,
        /// The subject line.
        subject: String,
        /// The body, plain text.
        text: String,
        /// The body as HTML, where there is one.
        html: Option<String>,
    },
    /// By text message.
    Sms {
        /// E.164.
        to: String,
        /// The text.
        text: String,
    },
}

impl Message {
    /// The word that the outbox keeps in clear.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Mail { .. } => "mail",
            Self::Sms { .. } => "sms",
        }
    }

    /// Seals the message for its entry.
    ///
    /// # Errors
    /// When the service's keys are unavailable.
    pub fn seal(&self, id: OutboxId, keys: &dyn ServiceKeys) -> Result<Vec<u8>, KeysError> {
        let text = serde_json::to_vec(self).map_err(|_| KeysError::Malformed)?;
        keys.seal(Purpose::Outbox, &context(&[id.as_bytes()]), &text)
    }

    /// Opens the message of an entry.
    ///
    /// # Errors
    /// When it was altered or moved, or the service's keys are unavailable.
    pub fn open(sealed: &[u8], id: OutboxId, keys: &dyn ServiceKeys) -> Result<Self, KeysError> {
        let text = keys.open(Purpose::Outbox, &context(&[id.as_bytes()]), sealed)?;
        serde_json::from_slice(&text).map_err(|_| KeysError::Malformed)
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({})", self.kind())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::keys::keys_for_tests;

    #[test]
    fn a_message_opens_for_its_own_entry_only() {
        let keys = keys_for_tests();
        let message = Message::Sms { to: "+12024561111".into(), text: "123456".into() };
        let (id, other) = (OutboxId::from_bytes([1; 16]), OutboxId::from_bytes([2; 16]));
        let sealed = message.seal(id, &keys).unwrap();
        assert_eq!(Message::open(&sealed, id, &keys), Ok(message.clone()));
        assert_eq!(Message::open(&sealed, other, &keys), Err(KeysError::CannotOpen));
        assert_eq!(format!("{message:?}"), "Message(sms)");
    }
}
