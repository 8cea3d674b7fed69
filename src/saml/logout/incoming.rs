//! Logout messages that come in: decoded, then verified.

use std::fmt;
use std::sync::Arc;

use time::UtcDateTime;
use url::Url;

use crate::saml::{
    DeniedAlgorithms, EntityId, MessageError, MessageId, NamedPrincipal, RelayState,
    binding::{BindingError, Carried},
    encryption::{AcceptedCiphers, Opener, Sealed},
    instant,
    message::{Decoded, check_version},
    peer::Peer,
    read::{collapse, only_attributes, only_elements, required, unexpected},
    signature::SignatureVerified,
    xml::{Document, Element, Limits, ns},
};

/// Most sessions that one request may name.
const MOST_SESSIONS: usize = 64;

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";

/// A LogoutRequest that was read, and that nobody has vouched for yet.
pub struct DecodedLogoutRequest(Decoded);

/// A LogoutResponse that was read, and that nobody has vouched for yet.
pub struct DecodedLogoutResponse(Decoded);

/// A LogoutRequest that its issuer signed. Only [`DecodedLogoutRequest::verify`] makes one.
#[derive(Debug, Clone)]
pub struct VerifiedLogoutRequest {
    issuer: EntityId,
    id: MessageId,
    issue_instant: UtcDateTime,
    not_on_or_after: Option<UtcDateTime>,
    principal: Principal,
    session_indexes: Vec<String>,
    wants_no_answer: bool,
    relay_state: Option<RelayState>,
    signature: SignatureVerified,
}

/// Whose session shall end, as the request names them.
#[derive(Debug, Clone)]
enum Principal {
    Named(NamedPrincipal),
    Hidden(Sealed),
}

/// What a service says about its part of a logout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoutStatus {
    /// The session ended there.
    Ended,
    /// The session ended there, but not everywhere that it told.
    Partly,
    /// It did not end.
    Failed,
}

/// A LogoutResponse that its issuer signed. Only [`DecodedLogoutResponse::verify`] makes one.
#[derive(Debug, Clone)]
pub struct VerifiedLogoutResponse {
    issuer: EntityId,
    in_response_to: MessageId,
    issue_instant: UtcDateTime,
    status: LogoutStatus,
    signature: SignatureVerified,
}

impl DecodedLogoutRequest {
    pub(in crate::saml) fn read(carried: Carried) -> Result<Self, BindingError> {
        Decoded::read(carried, &["LogoutRequest"], BindingError::NotALogoutMessage).map(Self)
    }

    /// Whose request it claims to be: good for looking up the record with the keys, and for nothing else.
    #[must_use]
    pub fn claimed_issuer(&self) -> &EntityId {
        &self.0.claimed_issuer
    }

    /// Verifies the request against the record of the claimed issuer, and reads it. `our_slo` are the addresses of our
    /// single logout service, `denied` the algorithms by which no signature and no encryption is accepted.
    ///
    /// # Errors
    /// [`MessageError`]; [`MessageError::Unsigned`] whatever the agreement says (SAML Profiles §4.4.3.1).
    pub fn verify(
        self,
        peer: &Peer,
        our_slo: &[Url],
        denied: DeniedAlgorithms,
    ) -> Result<VerifiedLogoutRequest, MessageError> {
        let signature = self.0.proof(peer, denied)?;
        let root = self.0.root();
        check_version(root)?;
        only_attributes(root, &["ID", "Version", "IssueInstant", "Destination", "Consent", "Reason", "NotOnOrAfter"])?;
        let session_indexes = session_indexes(root)?;
        self.0.check_destination(our_slo, true)?;
        Ok(VerifiedLogoutRequest {
            issuer: self.0.claimed_issuer.clone(),
            id: MessageId::parse(required(root, "ID")?)?,
            issue_instant: instant::parse(required(root, "IssueInstant")?)?,
            not_on_or_after: root.attribute("NotOnOrAfter").map(instant::parse).transpose()?,
            principal: principal(root, denied)?,
            session_indexes,
            wants_no_answer: root
                .child(ns::PROTOCOL, "Extensions")
                .is_some_and(|extensions| extensions.child(ns::ASLO, "Asynchronous").is_some()),
            relay_state: self.0.relay_state.clone(),
            signature,
        })
    }
}

/// Issuer, Signature, Extensions, the principal, then any number of SessionIndex (SAML Core §3.7.1).
fn session_indexes(root: Element<'_>) -> Result<Vec<String>, MessageError> {
    let mut indexes = Vec::new();
    for child in root.children() {
        if child.is(ns::PROTOCOL, "SessionIndex") {
            if indexes.len() >= MOST_SESSIONS {
                return Err(unexpected(child));
            }
            indexes.push(collapse(&child.text()?).to_owned());
        } else if !indexes.is_empty() {
            return Err(unexpected(child));
        }
    }
    let before = [
        (ns::ASSERTION, "Issuer"),
        (ns::DSIG, "Signature"),
        (ns::PROTOCOL, "Extensions"),
        (ns::ASSERTION, "NameID"),
        (ns::ASSERTION, "EncryptedID"),
    ];
    only_elements(root, &before, &[(ns::PROTOCOL, "SessionIndex")])?;
    Ok(indexes)
}

/// The person: in clear, or encrypted to a key of ours (SAML Core §3.7.1).
fn principal(root: Element<'_>, denied: DeniedAlgorithms) -> Result<Principal, MessageError> {
    let name = root.only_child(ns::ASSERTION, "NameID")?;
    match (name, root.only_child(ns::ASSERTION, "EncryptedID")?) {
        (Some(name), None) => NamedPrincipal::read(name).map(Principal::Named),
        (None, Some(encrypted)) => {
            // Nothing by CBC: a service that copied another's EncryptedID could learn from our answers what is in it.
            let sealed = Sealed::read(encrypted, AcceptedCiphers::Authenticated, denied);
            sealed.map(Principal::Hidden).map_err(|_| MessageError::EncryptedPrincipal)
        }
        (Some(_), Some(encrypted)) => Err(unexpected(encrypted)),
        (None, None) => Err(MessageError::NoPrincipal),
    }
}

fn open(sealed: &Sealed, openers: &[Arc<dyn Opener>]) -> Option<NamedPrincipal> {
    let opened = sealed.open(openers).ok()?;
    let document = Document::parse(&opened, &Limits::PROTOCOL).ok()?;
    let name = document.root();
    if name.is(ns::ASSERTION, "NameID") { NamedPrincipal::read(name).ok() } else { None }
}

impl DecodedLogoutResponse {
    pub(in crate::saml) fn read(carried: Carried) -> Result<Self, BindingError> {
        Decoded::read(carried, &["LogoutResponse"], BindingError::NotALogoutMessage).map(Self)
    }

    /// Whose response it claims to be: good for looking up the record with the keys, and for nothing else.
    #[must_use]
    pub fn claimed_issuer(&self) -> &EntityId {
        &self.0.claimed_issuer
    }

    /// Verifies the response against the record of the claimed issuer, and reads it.
    ///
    /// # Errors
    /// [`MessageError`]; [`MessageError::Unsigned`] whatever the agreement says (SAML Profiles §4.4.3.4).
    pub fn verify(
        self,
        peer: &Peer,
        our_slo: &[Url],
        denied: DeniedAlgorithms,
    ) -> Result<VerifiedLogoutResponse, MessageError> {
        let signature = self.0.proof(peer, denied)?;
        let root = self.0.root();
        check_version(root)?;
        only_attributes(root, &["ID", "Version", "IssueInstant", "Destination", "Consent", "InResponseTo"])?;
        let elements = [
            (ns::ASSERTION, "Issuer"),
            (ns::DSIG, "Signature"),
            (ns::PROTOCOL, "Extensions"),
            (ns::PROTOCOL, "Status"),
        ];
        only_elements(root, &elements, &[])?;
        MessageId::parse(required(root, "ID")?)?;
        let response = VerifiedLogoutResponse {
            issuer: self.0.claimed_issuer.clone(),
            in_response_to: MessageId::parse(required(root, "InResponseTo")?)?,
            issue_instant: instant::parse(required(root, "IssueInstant")?)?,
            status: status(root)?,
            signature,
        };
        self.0.check_destination(our_slo, true)?;
        Ok(response)
    }
}

/// SAML Core §3.2.2: what a service does not say to be a success is none.
fn status(root: Element<'_>) -> Result<LogoutStatus, MessageError> {
    let status = root.child(ns::PROTOCOL, "Status").ok_or(MessageError::NoStatus)?;
    let code = status.only_child(ns::PROTOCOL, "StatusCode")?.ok_or(MessageError::NoStatus)?;
    let value = |code: Element<'_>| code.attribute("Value").map(|value| collapse(value).to_owned());
    let nested = code.only_child(ns::PROTOCOL, "StatusCode")?.and_then(value);
    Ok(match (value(code).as_deref(), nested.as_deref()) {
        (_, Some("urn:oasis:names:tc:SAML:2.0:status:PartialLogout")) => LogoutStatus::Partly,
        (Some(SUCCESS), _) => LogoutStatus::Ended,
        _ => LogoutStatus::Failed,
    })
}

impl VerifiedLogoutRequest {
    /// The service.
    #[must_use]
    pub fn issuer(&self) -> &EntityId {
        &self.issuer
    }

    /// The identifier that the response refers to, and that must not have been seen before.
    #[must_use]
    pub fn id(&self) -> &MessageId {
        &self.id
    }

    /// When the service says that it made the request, by its own clock.
    #[must_use]
    pub fn issue_instant(&self) -> UtcDateTime {
        self.issue_instant
    }

    /// The first instant at which the request is too old, where it says so. Not yet compared with any clock.
    #[must_use]
    pub fn not_on_or_after(&self) -> Option<UtcDateTime> {
        self.not_on_or_after
    }

    /// Whose session shall end. A name that is hidden is opened with our keys, which costs a private-key operation or several: ask
    /// when the request is known to be fresh, and not where others wait.
    ///
    /// # Errors
    /// [`MessageError::EncryptedPrincipal`]: it does not open to a NameID; why not is told to nobody.
    pub fn principal(&self, openers: &[Arc<dyn Opener>]) -> Result<NamedPrincipal, MessageError> {
        match &self.principal {
            Principal::Named(name) => Ok(name.clone()),
            Principal::Hidden(sealed) => open(sealed, openers).ok_or(MessageError::EncryptedPrincipal),
        }
    }

    /// Which sessions shall end; all of that person at that service where none is named (SAML Core §3.7.1).
    #[must_use]
    pub fn session_indexes(&self) -> &[String] {
        &self.session_indexes
    }

    /// Whether the service wants no answer (SAML V2.0 Asynchronous Single Logout Profile Extension §2.1).
    #[must_use]
    pub fn wants_no_answer(&self) -> bool {
        self.wants_no_answer
    }

    /// What must be sent back with the answer.
    #[must_use]
    pub fn relay_state(&self) -> Option<&RelayState> {
        self.relay_state.as_ref()
    }

    /// The proof of the signature.
    #[must_use]
    pub fn signature(&self) -> &SignatureVerified {
        &self.signature
    }
}

impl VerifiedLogoutResponse {
    /// The service.
    #[must_use]
    pub fn issuer(&self) -> &EntityId {
        &self.issuer
    }

    /// Our request.
    #[must_use]
    pub fn in_response_to(&self) -> &MessageId {
        &self.in_response_to
    }

    /// When the service says that it made the response, by its own clock.
    #[must_use]
    pub fn issue_instant(&self) -> UtcDateTime {
        self.issue_instant
    }

    /// What became of it.
    #[must_use]
    pub fn status(&self) -> LogoutStatus {
        self.status
    }

    /// The proof of the signature.
    #[must_use]
    pub fn signature(&self) -> &SignatureVerified {
        &self.signature
    }
}

/// Says whose it claims to be, never what is in it.
impl fmt::Debug for DecodedLogoutRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecodedLogoutRequest({:?})", self.0)
    }
}

/// Says whose it claims to be, never what is in it.
impl fmt::Debug for DecodedLogoutResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecodedLogoutResponse({:?})", self.0)
    }
}
