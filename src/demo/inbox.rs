//! The sandbox's inbox: what was sent, the newest first, with links that can be followed.

use time::format_description::well_known::Rfc3339;

use super::page::{ShownMessage, TextPart};
use crate::services::sandbox::{Channel, SandboxMessage};

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
        body: text_parts(&message.body),
    };
    messages.into_iter().enumerate().map(show).collect()
}

/// Cuts a text into plain stretches and addresses. Only web addresses become links.
fn text_parts(text: &str) -> Vec<TextPart> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("http://").into_iter().chain(rest.find("https://")).min() {
        let (before, from_address) = rest.split_at(at);
        let end = from_address
            .find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"'))
            .unwrap_or(from_address.len());
        let (address, after) = from_address.split_at(end);
        // A full stop or bracket after an address belongs to the sentence.
        let trimmed = address.trim_end_matches(['.', ',', ';', ')', '!']);
        plain.push_str(before);
        if !plain.is_empty() {
            parts.push(TextPart { text: std::mem::take(&mut plain), href: None });
        }
        parts.push(TextPart { text: trimmed.to_owned(), href: Some(trimmed.to_owned()) });
        plain.push_str(address.get(trimmed.len()..).unwrap_or(""));
        rest = after;
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        parts.push(TextPart { text: plain, href: None });
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_links_and_nothing_else_does() {
        let parts = text_parts("Hello,\nopen http://localhost:8/sign-up/x?y=1.\nOr javascript:alert(1)");
        let expected = [
            ("Hello,\nopen ", None),
            ("http://localhost:8/sign-up/x?y=1", Some("http://localhost:8/sign-up/x?y=1")),
            (".\nOr javascript:alert(1)", None),
        ];
        let parts: Vec<_> = parts.iter().map(|p| (&*p.text, p.href.as_deref())).collect();
        assert_eq!(parts, expected);
    }
}
