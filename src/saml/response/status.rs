//! Why there is no assertion (SAML Core §3.2.2).

use super::samlp;
use crate::saml::{
    read_back::{self, ReadBackError},
    xml::{Builder, Element, ns},
};

/// Whose fault it is (SAML Core §3.2.2.2, top-level codes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TopStatus {
    /// The service provider's.
    Requester,
    /// Ours, or the person's.
    Responder,
    /// The version of SAML.
    VersionMismatch,
}

impl TopStatus {
    /// The identifier.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Requester => "urn:oasis:names:tc:SAML:2.0:status:Requester",
            Self::Responder => "urn:oasis:names:tc:SAML:2.0:status:Responder",
            Self::VersionMismatch => "urn:oasis:names:tc:SAML:2.0:status:VersionMismatch",
        }
    }
}

/// What the fault is (SAML Core §3.2.2.2, second-level codes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NestedStatus {
    /// The person could not be authenticated.
    AuthnFailed,
    /// An attribute was named that is not acceptable.
    InvalidAttrNameOrValue,
    /// The NameIDPolicy cannot be met.
    InvalidNameIdPolicy,
    /// The authentication contexts cannot be met.
    NoAuthnContext,
    /// None of the identity providers named is available.
    NoAvailableIdp,
    /// A page would have to be shown, and the request forbids it.
    NoPassive,
    /// The identity providers named are not supported.
    NoSupportedIdp,
    /// The session ended at some service providers only.
    PartialLogout,
    /// The request would have to be passed on further than it allows.
    ProxyCountExceeded,
    /// We could answer and do not: the person declined, for instance.
    RequestDenied,
    /// The request asks for something that we do not do.
    RequestUnsupported,
    /// The person named is not known.
    UnknownPrincipal,
    /// The answer is wanted by a binding that we do not use.
    UnsupportedBinding,
}

impl NestedStatus {
    /// The identifier.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::AuthnFailed => "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed",
            Self::InvalidAttrNameOrValue => "urn:oasis:names:tc:SAML:2.0:status:InvalidAttrNameOrValue",
            Self::InvalidNameIdPolicy => "urn:oasis:names:tc:SAML:2.0:status:InvalidNameIDPolicy",
            Self::NoAuthnContext => "urn:oasis:names:tc:SAML:2.0:status:NoAuthnContext",
            Self::NoAvailableIdp => "urn:oasis:names:tc:SAML:2.0:status:NoAvailableIDP",
            Self::NoPassive => "urn:oasis:names:tc:SAML:2.0:status:NoPassive",
            Self::NoSupportedIdp => "urn:oasis:names:tc:SAML:2.0:status:NoSupportedIDP",
            Self::PartialLogout => "urn:oasis:names:tc:SAML:2.0:status:PartialLogout",
            Self::ProxyCountExceeded => "urn:oasis:names:tc:SAML:2.0:status:ProxyCountExceeded",
            Self::RequestDenied => "urn:oasis:names:tc:SAML:2.0:status:RequestDenied",
            Self::RequestUnsupported => "urn:oasis:names:tc:SAML:2.0:status:RequestUnsupported",
            Self::UnknownPrincipal => "urn:oasis:names:tc:SAML:2.0:status:UnknownPrincipal",
            Self::UnsupportedBinding => "urn:oasis:names:tc:SAML:2.0:status:UnsupportedBinding",
        }
    }
}

/// How the person agreed to the answer (SAML Core §8.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConsentObtained {
    /// By an act on the way to this answer.
    CurrentExplicit,
    /// Earlier.
    Prior,
    /// Not at all: the answer discloses nothing.
    Unavailable,
}

impl ConsentObtained {
    /// The identifier.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::CurrentExplicit => "urn:oasis:names:tc:SAML:2.0:consent:current-explicit",
            Self::Prior => "urn:oasis:names:tc:SAML:2.0:consent:prior",
            Self::Unavailable => "urn:oasis:names:tc:SAML:2.0:consent:unavailable",
        }
    }
}

/// The status of a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Whose fault it is.
    pub code: TopStatus,
    /// What it is.
    pub nested: Option<NestedStatus>,
    /// A sentence for the service's engineer, without personal data.
    pub message: Option<String>,
}

impl Status {
    pub(in crate::saml) fn write(&self) -> Builder {
        let code = |uri: &'static str| samlp("StatusCode").attribute("Value", uri);
        samlp("Status")
            .child(code(self.code.uri()).optional_child(self.nested.map(|nested| code(nested.uri()))))
            .optional_child(self.message.as_deref().map(|message| samlp("StatusMessage").text(message)))
    }

    pub(super) fn compare(&self, element: Element<'_>) -> Result<(), ReadBackError> {
        let mut parts = read_back::children_alone(element)?;
        let code = parts.next(ns::PROTOCOL, "StatusCode")?;
        read_back::attributes(code, &[("Value", Some(self.code.uri()))])?;
        let mut inner = read_back::children(code)?;
        if let Some(nested) = self.nested {
            let code = inner.next(ns::PROTOCOL, "StatusCode")?;
            read_back::attributes(code, &[("Value", Some(nested.uri()))])?;
            read_back::text(code, "StatusCode", "")?;
        }
        inner.end()?;
        if let Some(message) = &self.message {
            parts.next_text(ns::PROTOCOL, "StatusMessage", message)?;
        }
        parts.end()
    }
}
