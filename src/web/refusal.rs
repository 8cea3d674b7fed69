//! Refusals: everything that is not done, in one table. Each has a short code that stands in the log, a status, a page with
//! words for the person and, where a service's message was at fault, a section for that service's engineer.
//!
//! A handler returns `Err(error.into())`; the [shell](super::shell) draws the page. What a service can be told by a SAML
//! status is answered by [`federation`](crate::federation::single_sign_on::AnswerableFault) and does not come here.

use std::error::Error;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use time::UtcDateTime;

use super::page::{KeptSession, RefusalPage};
use super::people::Trouble;
use super::session::SessionTrouble;
use crate::event::{Event, Explanation};
use crate::federation::negotiation::NothingInCommon;
use crate::federation::registry::{ServiceName, ServiceProvider};
use crate::federation::single_sign_on::{Unanswerable, Untimely};
use crate::saml::authn_request::RequestError;
use crate::saml::binding::BindingError;
use crate::services::keys::KeysError;
use crate::storage::StoreError;

/// What kind of refusal it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// The account may not sign in: it was stopped, or ended.
    AccountStopped,
    /// No registered assertion consumer service is meant.
    AcsUnregistered,
    /// The service knows somebody else by the person's e-mail address.
    AddressOfAnother,
    /// Another account was made with the address while this one was being made.
    AddressTaken,
    /// The request was answered before, in another window perhaps.
    AnsweredBefore,
    /// More octets than a form or message may have.
    BodyTooLarge,
    /// The body did not come in time.
    BodyTooSlow,
    /// Too much at once: come back in a moment.
    Busy,
    /// The browser did not bring the cookie of the page that it came from.
    CookieMissing,
    /// Destination is missing or not ours.
    DestinationWrong,
    /// The form was not sent from one of our pages in this session, or too long ago.
    FormExpired,
    /// What was sent is not a form of ours.
    FormMalformed,
    /// The request says that it was made in the future.
    FromTheFuture,
    /// The name by which an agency knows the person is not as we stored it.
    IdentifierAltered,
    /// The address does not know this method.
    MethodNotAllowed,
    /// The database or the keys are unavailable.
    Outage,
    /// There is nothing at this address.
    PageNotFound,
    /// The request contradicts the schema or itself.
    RequestContent,
    /// Something that we stored about the person is not as we stored it.
    RecordAltered,
    /// A parameter does not decode.
    RequestEncoding,
    /// The sign-in that a page belongs to is over or was never here.
    RequestGone,
    /// Issuer is missing or malformed.
    RequestIssuer,
    /// There is no SAMLRequest.
    RequestMissing,
    /// The message is no AuthnRequest.
    RequestNotAuthn,
    /// The message is not acceptable XML.
    RequestNotXml,
    /// A parameter is given twice, disguised, or without the one it belongs to.
    RequestParameters,
    /// RelayState cannot be carried.
    RequestRelayState,
    /// The same request came before.
    RequestReplayed,
    /// A message signed inside, in a binding that signs the query string.
    RequestSignedInside,
    /// The request is too old.
    RequestStale,
    /// More octets than a request may have.
    RequestTooLarge,
    /// What is stored of the service is not as we stored it.
    ServiceAltered,
    /// The service is switched off.
    ServiceDisabled,
    /// The issuer is not registered.
    ServiceUnknown,
    /// The service's metadata has no key to which an answer can be encrypted, or none that takes what we encrypt with.
    ServiceUnusable,
    /// The service's metadata lists the signatures that it verifies, and our key makes none of them.
    ServiceVerifiesNothing,
    /// The request is not signed, and must be.
    SignatureMissing,
    /// The signature is not accepted.
    SignatureWrong,
    /// Too many requests from one place.
    TooMany,
    /// One network has too many connections open, or requests under way.
    TooManyAtOnce,
}

impl RefusalKind {
    /// Every kind.
    pub const ALL: [Self; 40] = [
        Self::AccountStopped,
        Self::AcsUnregistered,
        Self::AddressOfAnother,
        Self::AddressTaken,
        Self::AnsweredBefore,
        Self::BodyTooLarge,
        Self::BodyTooSlow,
        Self::Busy,
        Self::CookieMissing,
        Self::DestinationWrong,
        Self::FormExpired,
        Self::FormMalformed,
        Self::FromTheFuture,
        Self::IdentifierAltered,
        Self::MethodNotAllowed,
        Self::Outage,
        Self::PageNotFound,
        Self::RecordAltered,
        Self::RequestContent,
        Self::RequestEncoding,
        Self::RequestGone,
        Self::RequestIssuer,
        Self::RequestMissing,
        Self::RequestNotAuthn,
        Self::RequestNotXml,
        Self::RequestParameters,
        Self::RequestRelayState,
        Self::RequestReplayed,
        Self::RequestSignedInside,
        Self::RequestStale,
        Self::RequestTooLarge,
        Self::ServiceAltered,
        Self::ServiceDisabled,
        Self::ServiceUnknown,
        Self::ServiceUnusable,
        Self::ServiceVerifiesNothing,
        Self::SignatureMissing,
        Self::SignatureWrong,
        Self::TooMany,
        Self::TooManyAtOnce,
    ];

    /// Code, name in the locale files and status: the table.
    const fn row(self) -> (&'static str, &'static str, StatusCode) {
        match self {
            // What a service sent: S.
            Self::RequestMissing => ("S01", "request-missing", StatusCode::BAD_REQUEST),
            Self::RequestParameters => ("S02", "request-parameters", StatusCode::BAD_REQUEST),
            Self::RequestEncoding => ("S03", "request-encoding", StatusCode::BAD_REQUEST),
            Self::RequestTooLarge => ("S04", "request-too-large", StatusCode::PAYLOAD_TOO_LARGE),
            Self::RequestNotXml => ("S05", "request-not-xml", StatusCode::BAD_REQUEST),
            Self::RequestNotAuthn => ("S06", "request-not-authn", StatusCode::BAD_REQUEST),
            Self::RequestIssuer => ("S07", "request-issuer", StatusCode::BAD_REQUEST),
            Self::RequestRelayState => ("S08", "request-relay-state", StatusCode::BAD_REQUEST),
            Self::RequestContent => ("S09", "request-content", StatusCode::BAD_REQUEST),
            Self::ServiceUnknown => ("S20", "service-unknown", StatusCode::FORBIDDEN),
            Self::ServiceDisabled => ("S21", "service-disabled", StatusCode::FORBIDDEN),
            Self::AcsUnregistered => ("S22", "acs-unregistered", StatusCode::FORBIDDEN),
            Self::ServiceUnusable => ("S23", "service-unusable", StatusCode::BAD_REQUEST),
            Self::ServiceVerifiesNothing => ("S24", "service-verifies-nothing", StatusCode::BAD_REQUEST),
            Self::SignatureMissing => ("S30", "signature-missing", StatusCode::FORBIDDEN),
            Self::SignatureWrong => ("S31", "signature-wrong", StatusCode::FORBIDDEN),
            Self::RequestSignedInside => ("S32", "request-signed-inside", StatusCode::BAD_REQUEST),
            Self::DestinationWrong => ("S33", "destination-wrong", StatusCode::BAD_REQUEST),
            Self::RequestStale => ("S40", "request-stale", StatusCode::BAD_REQUEST),
            Self::FromTheFuture => ("S41", "from-the-future", StatusCode::BAD_REQUEST),
            Self::RequestReplayed => ("S42", "request-replayed", StatusCode::CONFLICT),
            // What a browser did: W.
            Self::PageNotFound => ("W01", "page-not-found", StatusCode::NOT_FOUND),
            Self::MethodNotAllowed => ("W02", "method-not-allowed", StatusCode::METHOD_NOT_ALLOWED),
            Self::BodyTooLarge => ("W03", "body-too-large", StatusCode::PAYLOAD_TOO_LARGE),
            Self::FormMalformed => ("W04", "form-malformed", StatusCode::BAD_REQUEST),
            Self::FormExpired => ("W05", "form-expired", StatusCode::FORBIDDEN),
            Self::RequestGone => ("W06", "request-gone", StatusCode::GONE),
            Self::CookieMissing => ("W07", "cookie-missing", StatusCode::BAD_REQUEST),
            Self::TooMany => ("W08", "too-many", StatusCode::TOO_MANY_REQUESTS),
            Self::AnsweredBefore => ("W09", "answered-before", StatusCode::CONFLICT),
            Self::AddressTaken => ("W12", "address-taken", StatusCode::CONFLICT),
            Self::AddressOfAnother => ("W11", "address-of-another", StatusCode::CONFLICT),
            Self::AccountStopped => ("W10", "account-stopped", StatusCode::FORBIDDEN),
            Self::BodyTooSlow => ("W20", "body-too-slow", StatusCode::REQUEST_TIMEOUT),
            Self::TooManyAtOnce => ("W21", "too-many-at-once", StatusCode::TOO_MANY_REQUESTS),
            // What we cannot do now: U.
            Self::Busy => ("U01", "busy", StatusCode::SERVICE_UNAVAILABLE),
            Self::Outage => ("U02", "outage", StatusCode::SERVICE_UNAVAILABLE),
            Self::RecordAltered => ("U03", "record-altered", StatusCode::SERVICE_UNAVAILABLE),
            Self::ServiceAltered => ("U05", "service-altered", StatusCode::SERVICE_UNAVAILABLE),
            Self::IdentifierAltered => ("U04", "identifier-altered", StatusCode::SERVICE_UNAVAILABLE),
        }
    }

    /// The short code, stable for good.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.row().0
    }

    /// Its name in the locale files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().1
    }

    /// The status of the answer.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        self.row().2
    }

    /// Whether the connection ends with the answer, since the other side holds more than its share or has not sent what it
    /// announced.
    #[must_use]
    pub const fn ends_the_connection(self) -> bool {
        matches!(self, Self::BodyTooSlow | Self::TooManyAtOnce)
    }

    /// Whether a service's message was at fault, so that the page has a section for its engineer.
    #[must_use]
    pub fn is_about_a_service(self) -> bool {
        self.code().starts_with('S')
    }

    /// For a status that something answered without a page.
    #[must_use]
    pub fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::PageNotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::PAYLOAD_TOO_LARGE => Self::BodyTooLarge,
            StatusCode::REQUEST_TIMEOUT => Self::BodyTooSlow,
            StatusCode::TOO_MANY_REQUESTS => Self::TooMany,
            status if status.is_client_error() => Self::FormMalformed,
            _ => Self::Outage,
        }
    }
}

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
    pub name: String,
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
            name: agreement.friendly_name().in_language("en").to_owned(),
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
            | BindingError::ResponseParameter
            | BindingError::SignatureIncomplete => RefusalKind::RequestParameters,
            BindingError::EmbeddedSignature => RefusalKind::RequestSignedInside,
            BindingError::Issuer | BindingError::MalformedIssuer => RefusalKind::RequestIssuer,
            BindingError::NoRequest => RefusalKind::RequestMissing,
            BindingError::NotAnArtifactResolve | BindingError::NotAnAuthnRequest | BindingError::NotALogoutMessage => {
                RefusalKind::RequestNotAuthn
            }
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

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Self {
        let kind = match &error {
            RequestError::ForeignDestination | RequestError::NoDestination => RefusalKind::DestinationWrong,
            RequestError::Signature(_) => RefusalKind::SignatureWrong,
            RequestError::Unsigned => RefusalKind::SignatureMissing,
            RequestError::Xml(_) => RefusalKind::RequestNotXml,
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
