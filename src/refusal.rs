//! The table of refusals: everything that is not done has a kind, with a short code that stands in the log, a name in the locale
//! files and a status. The page of each belongs to [`web::refusal`](crate::web::refusal).

use actix_web::http::StatusCode;

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
