//! The status of a response that came back to us.

use crate::saml::{
    MessageError,
    read::{collapse, only_attributes, only_elements},
    xml::{Element, ns},
};

/// What a party says of a request of ours (SAML Core §3.2.2): identifiers as written, known to us or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedStatus {
    code: String,
    nested: Option<String>,
    message: Option<String>,
}

impl ReceivedStatus {
    /// Reads the status of a response. What a party does not say to be a success is none.
    pub(super) fn read(response: Element<'_>) -> Result<Self, MessageError> {
        let status = response.only_child(ns::PROTOCOL, "Status")?.ok_or(MessageError::NoStatus)?;
        let parts = [(ns::PROTOCOL, "StatusCode"), (ns::PROTOCOL, "StatusMessage"), (ns::PROTOCOL, "StatusDetail")];
        only_attributes(status, &[])?;
        only_elements(status, &parts, &[])?;
        let code = status.only_child(ns::PROTOCOL, "StatusCode")?.ok_or(MessageError::NoStatus)?;
        let nested = code.only_child(ns::PROTOCOL, "StatusCode")?;
        let message = status.only_child(ns::PROTOCOL, "StatusMessage")?;
        Ok(Self {
            code: value(code)?,
            nested: nested.map(value).transpose()?,
            message: message.map(|message| message.text().map(std::borrow::Cow::into_owned)).transpose()?,
        })
    }

    /// The top-level code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The second-level code, which says more.
    #[must_use]
    pub fn nested(&self) -> Option<&str> {
        self.nested.as_deref()
    }

    /// What the party says in words. Anything may stand in it: it is text for people, never markup.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }
}

fn value(code: Element<'_>) -> Result<String, MessageError> {
    code.attribute("Value").map(|value| collapse(value).to_owned()).ok_or(MessageError::NoStatus)
}
