//! Refusals and their pages. Each is of a [kind](RefusalKind), which has its code and status, and has a page with words for the
//! person and, where a service's message was at fault, a section for that service's engineer.
//!
//! A handler returns `Err(error.into())`; the [shell](super::shell) draws the page. What a service can be told by a SAML
//! status is answered by [`federation`](crate::federation::single_sign_on::AnswerableFault) and does not come here.

use std::error::Error;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use time::UtcDateTime;

use super::page::{KeptSession, RefusalPage};
use crate::accounts::Trouble;
use crate::accounts::session::SessionTrouble;
use crate::event::{Event, Explanation};
use crate::federation::agreement::LocalizedText;
use crate::federation::negotiation::NothingInCommon;
use crate::federation::registry::{ServiceName, ServiceProvider};
use crate::federation::single_sign_on::Unanswerable;
use crate::federation::timeliness::Untimely;
use crate::refusal::RefusalKind;
use crate::saml::MessageError;
use crate::saml::binding::BindingError;
use crate::sealing::KeysError;
use crate::storage::StoreError;

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    kind: RefusalKind,
    /// For the log and the service's engineer; nothing personal.
    detail: Option<Explanation>,
    service: Option<Box<RefusedService>>,
    kept: Option<KeptSession>,
}

/// The service that a refusal is about, where it is registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedService {
    /// By which name our own records know it; for the log.
    pub folder: Option<ServiceName>,
    /// Its name.
    pub name: LocalizedText,
    /// Where the person can go back to.
    pub return_to: Option<String>,
}

impl RefusedService {
    /// By the words of its agreement.
    #[must_use]
    pub fn of(service: &ServiceProvider) -> Self {
        let agreement = service.agreement();
        Self {
            folder: Some(service.name().clone()),
            name: agreement.friendly_name().clone(),
            return_to: Some(agreement.return_to_url().to_string()),
        }
    }
}

impl Refusal {
    /// Which kind it is.
    #[must_use]
    pub const fn kind(&self) -> RefusalKind {
        self.kind
    }

    /// A refusal that says what exactly was wrong.
    #[must_use]
    pub fn because(kind: RefusalKind, fault: &dyn Error) -> Self {
        Self { kind, detail: Some(Explanation::of(fault)), service: None, kept: None }
    }

    /// Whether it names a service.
    #[must_use]
    pub const fn names_a_service(&self) -> bool {
        self.service.is_some()
    }

    /// The same about a service that is registered, so that the page can name it and lead back to it.
    #[must_use]
    pub fn about(mut self, service: RefusedService) -> Self {
        self.service = Some(Box::new(service));
        self
    }

    /// The same where a session was to end and did not, so that the page says so and leads to where it can be ended.
    #[must_use]
    pub fn keeping(mut self, session: KeptSession) -> Self {
        self.kept = Some(session);
        self
    }

    /// It happened: for the log.
    #[must_use]
    pub fn event(&self) -> Event {
        let service = self.service.as_ref().and_then(|service| service.folder.clone());
        Event::Refused { code: self.kind, service, why: self.detail.clone() }
    }

    /// What its page shows. What is wrong on our side is for the log alone.
    #[must_use]
    pub fn page(&self, now: UtcDateTime) -> RefusalPage {
        let (hour, minute, second) = now.time().as_hms();
        let engineer = self.kind.is_about_a_service();
        RefusalPage {
            code: self.kind.code(),
            name: self.kind.name(),
            engineer,
            detail: self.detail.as_ref().filter(|_| engineer).map(ToString::to_string),
            service_name: self.service.as_ref().map(|service| service.name.clone()),
            return_to: self.service.as_ref().and_then(|service| service.return_to.clone()),
            kept: self.kept,
            at: format!("{} {hour:02}:{minute:02}:{second:02} UTC", now.date()),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.code(), self.kind.name())?;
        self.detail.as_ref().map_or(Ok(()), |detail| write!(f, ": {detail}"))
    }
}

impl Error for Refusal {}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        self.kind.status()
    }

    /// An answer without a body, which carries the refusal; the shell, which knows the time and our name, draws the page.
    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponse::new(self.kind.status());
        answer.extensions_mut().insert(self.clone());
        answer
    }
}

impl From<RefusalKind> for Refusal {
    fn from(kind: RefusalKind) -> Self {
        Self { kind, detail: None, service: None, kept: None }
    }
}

impl From<BindingError> for Refusal {
    fn from(error: BindingError) -> Self {
        let kind = match &error {
            BindingError::Base64(_)
            | BindingError::Deflate
            | BindingError::Encoding
            | BindingError::MalformedParameter(_) => RefusalKind::RequestEncoding,
            BindingError::DuplicateParameter(_)
            | BindingError::EncodedParameterName(_)
            | BindingError::RequestParameter
            | BindingError::ResponseParameter
            | BindingError::SignatureIncomplete => RefusalKind::RequestParameters,
            BindingError::EmbeddedSignature => RefusalKind::RequestSignedInside,
            BindingError::Issuer | BindingError::MalformedIssuer => RefusalKind::RequestIssuer,
            BindingError::NoRequest | BindingError::NoResponse => RefusalKind::RequestMissing,
            BindingError::NotAResponse
            | BindingError::NotAnArtifactResolve
            | BindingError::NotAnAuthnRequest
            | BindingError::NotALogoutMessage => RefusalKind::RequestNotAuthn,
            BindingError::NotSoap => RefusalKind::RequestNotXml,
            BindingError::RelayState(_) => RefusalKind::RequestRelayState,
            BindingError::TooLarge => RefusalKind::RequestTooLarge,
            BindingError::Xml(_) => RefusalKind::RequestNotXml,
        };
        Self::because(kind, &error)
    }
}

impl From<NothingInCommon> for Refusal {
    fn from(error: NothingInCommon) -> Self {
        let kind = match &error {
            NothingInCommon::Encryption { .. } | NothingInCommon::NoKey => RefusalKind::ServiceUnusable,
            NothingInCommon::Signature { .. } | NothingInCommon::SignatureOfAnyKey { .. } => {
                RefusalKind::ServiceVerifiesNothing
            }
        };
        Self::because(kind, &error)
    }
}

impl From<Untimely> for Refusal {
    fn from(error: Untimely) -> Self {
        let kind = match error {
            Untimely::FromTheFuture => RefusalKind::FromTheFuture,
            Untimely::Stale => RefusalKind::RequestStale,
        };
        Self::because(kind, &error)
    }
}

impl From<MessageError> for Refusal {
    fn from(error: MessageError) -> Self {
        let kind = match &error {
            MessageError::ForeignDestination { .. } | MessageError::NoDestination => RefusalKind::DestinationWrong,
            MessageError::Signature(_) => RefusalKind::SignatureWrong,
            MessageError::Unsigned => RefusalKind::SignatureMissing,
            MessageError::Xml(_) => RefusalKind::RequestNotXml,
            _ => RefusalKind::RequestContent,
        };
        Self::because(kind, &error)
    }
}

impl From<Unanswerable> for Refusal {
    fn from(error: Unanswerable) -> Self {
        let kind = match &error {
            Unanswerable::Acs(_) => RefusalKind::AcsUnregistered,
            Unanswerable::FromTheFuture => RefusalKind::FromTheFuture,
            Unanswerable::Stale => RefusalKind::RequestStale,
        };
        Self::because(kind, &error)
    }
}

impl From<Trouble> for Refusal {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Session(error) => error.into(),
            trouble => Self::because(trouble.refusal_kind(), &trouble),
        }
    }
}

impl From<SessionTrouble> for Refusal {
    fn from(trouble: SessionTrouble) -> Self {
        match trouble {
            SessionTrouble::Ended => RefusalKind::FormExpired.into(),
            trouble => Self::because(RefusalKind::Outage, &trouble),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::because(RefusalKind::Outage, &error)
    }
}

impl From<KeysError> for Refusal {
    fn from(error: KeysError) -> Self {
        Self::because(RefusalKind::Outage, &error)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_refusal_has_a_code_and_a_name_of_its_own() {
        let codes: BTreeSet<_> = RefusalKind::ALL.map(RefusalKind::code).into();
        let names: BTreeSet<_> = RefusalKind::ALL.map(RefusalKind::name).into();
        assert_eq!((codes.len(), names.len()), (RefusalKind::ALL.len(), RefusalKind::ALL.len()));
    }

    #[test]
    fn a_refusal_is_the_senders_fault_or_an_outage() {
        for kind in RefusalKind::ALL {
            let status = kind.status();
            assert!(status.is_client_error() || status == StatusCode::SERVICE_UNAVAILABLE, "{kind:?}");
            assert_eq!(kind.code().starts_with('U'), status == StatusCode::SERVICE_UNAVAILABLE, "{kind:?}");
        }
    }

    #[test]
    fn what_is_wrong_on_our_side_is_not_shown() {
        let now = time::macros::utc_datetime!(2026-11-24 12:00:01);
        let page = Refusal::from(StoreError::Unreachable).page(now);
        assert_eq!((page.detail, page.engineer, page.at.as_str()), (None, false, "2026-11-24 12:00:01 UTC"));
        assert!(Refusal::from(BindingError::Deflate).page(now).detail.is_some());
    }
}
