//! The sandbox's inbox: what was sent, the newest first, with links that can be followed.

use time::format_description::well_known::Rfc3339;

use super::page::ShownMessage;
use crate::services::sandbox::{Channel, SandboxMessage};
use crate::texts::linked;

/// What the page shows. The messages come in the order in which they were sent.
pub(super) fn shown(mut messages: Vec<SandboxMessage>) -> Vec<ShownMessage> {
    messages.reverse();
    let count = messages.len();
    let show = |(place, message): (usize, SandboxMessage)| ShownMessage {
        number: count - place,
        kind: match message.channel {
            Channel::Mail => "Mail",
            Channel::Text => "Text message",
        },
        to: message.to,
        subject: message.subject,
        at: message.at.format(&Rfc3339).unwrap_or_default(),
        has_html: message.html.is_some(),
        body: linked(&message.body, &["http://", "https://"]),
    };
    messages.into_iter().enumerate().map(show).collect()
}
