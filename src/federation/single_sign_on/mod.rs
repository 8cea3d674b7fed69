//! One sign-in at one service: what a verified request settles to, and which step comes next.
//!
//! [`MatchedAuthnRequest::settle`] lays a request beside the record of its service: is it fresh, where does the answer
//! go, which NameID, which attributes, which levels. From then on a fault can be answered with a SAML status
//! ([`Unanswerable`] against [`AnswerableFault`]). The journey is two questions, asked anew at every visit of
//! `/saml/continue`: [`MatchedAuthnRequest::authenticate`] says whether the sign-in suffices or what is missing,
//! [`MatchedAuthnRequest::release`] says what would be released and whether the person has agreed to it. Neither
//! question remembers anything.
//!
//! Pages, cookies and the store are the shell's; making the assertion is [`issue`](super::issue)'s.

mod journey;

use std::sync::Arc;

use time::UtcDateTime;
use zeroize::Zeroizing;

use super::agreement::Agreement;
use super::assurance::{Comparison, DemandedAssurance, LevelTerms, NoAuthnContext, RequestedContext};
use super::identifier::{InvalidNameIdPolicy, NameIdFormat, choose_format, cut, is_left_open};
use super::registry::ServiceProvider;
use super::release::{AskedAttributes, AskedBy, PERSONAL_DATA_NEEDS};
use super::single_logout::means;
use super::timeliness::{Untimely, judge_instant};
use crate::one_line::OneLine;
use crate::saml::EntityId;
use crate::saml::assertion::NameId;
use crate::saml::authn_request::{RequestedSubject, VerifiedAuthnRequest};
use crate::saml::metadata::{AcsError, AcsLocation, AcsSelection, SpMetadata, SubjectIdRequirement};
use crate::saml::response::{NestedStatus, Status, TopStatus};

pub use journey::{AuthenticationState, NextStep, NotAuthenticated, PersonFacts, ReleaseFailed, ReleaseStep};

/// What the shell's settings add to the settlement.
#[derive(Debug, Clone, Copy)]
pub struct SettlementRules<'a> {
    /// Our own name.
    pub issuer: &'a EntityId,
    /// Whether an ACS on http is accepted for loopback hosts: in the demonstration and in tests only.
    pub loopback_http: bool,
}

/// A request that the person alone can be told about: before it is settled where an answer goes, or because an answer
/// would serve an attacker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unanswerable {
    /// No registered assertion consumer service is meant.
    #[error("no registered assertion consumer service is meant: {0}")]
    Acs(String),
    /// The request says that it was made in the future.
    #[error("the request says that it was made in the future")]
    FromTheFuture,
    /// The request is too old.
    #[error("the request is older than five minutes")]
    Stale,
}

impl From<Untimely> for Unanswerable {
    fn from(fault: Untimely) -> Self {
        match fault {
            Untimely::FromTheFuture => Self::FromTheFuture,
            Untimely::Stale => Self::Stale,
        }
    }
}

impl Unanswerable {
    /// A short, stable code for the page, the log and the agency's engineer.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Acs(_) => "acs_refused",
            Self::FromTheFuture => "request_from_the_future",
            Self::Stale => "request_stale",
        }
    }
}

/// A fault that the service provider is told about, with a SAML status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerableFault {
    /// The person turned back.
    #[error("the person declined")]
    Declined,
    /// The NameIDPolicy cannot be met.
    #[error(transparent)]
    InvalidNameIdPolicy(#[from] InvalidNameIdPolicy),
    /// The levels cannot be met.
    #[error(transparent)]
    NoAuthnContext(#[from] NoAuthnContext),
    /// The request is passive, and the person would have to see a page.
    #[error("the request is passive, and a page would have to be shown")]
    NoPassive,
    /// The request names the identity providers that may answer, and Signet is not among them.
    #[error("the request's IDPList does not name this identity provider")]
    NoSupportedIdp,
    /// The request asks about a person whom this service does not know, or about another than the one who signed in.
    #[error("the Subject of the request is not the person who signed in, by the name that this service knows")]
    UnknownPrincipal,
    /// The request uses something that Signet does not do.
    #[error("the request asks for something that is not supported: {0}")]
    Unsupported(&'static str),
    /// The answer is wanted by a binding by which none is sent, or for which the metadata has no place: which, cut to 200
    /// characters.
    #[error("ProtocolBinding is `{}`; answers go by HTTP-POST or HTTP-Artifact, where the metadata has an AssertionConsumerService with that binding", OneLine(.0))]
    UnsupportedBinding(String),
}

impl AnswerableFault {
    /// A short, stable code for the page, the log and the agency's engineer.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Declined => "declined",
            Self::InvalidNameIdPolicy(_) => "invalid_name_id_policy",
            Self::NoAuthnContext(_) => "no_authn_context",
            Self::NoPassive => "no_passive",
            Self::NoSupportedIdp => "no_supported_idp",
            Self::UnknownPrincipal => "unknown_principal",
            Self::Unsupported(_) => "unsupported",
            Self::UnsupportedBinding(_) => "unsupported_binding",
        }
    }

    /// The status of the answer (SAML Core §3.2.2.2).
    #[must_use]
    pub fn status(&self) -> Status {
        let (code, nested) = match self {
            Self::Declined => (TopStatus::Responder, NestedStatus::RequestDenied),
            Self::InvalidNameIdPolicy(_) => (TopStatus::Requester, NestedStatus::InvalidNameIdPolicy),
            Self::NoAuthnContext(_) => (TopStatus::Responder, NestedStatus::NoAuthnContext),
            Self::NoPassive => (TopStatus::Responder, NestedStatus::NoPassive),
            Self::NoSupportedIdp => (TopStatus::Responder, NestedStatus::NoSupportedIdp),
            Self::UnknownPrincipal => (TopStatus::Requester, NestedStatus::UnknownPrincipal),
            Self::Unsupported(_) => (TopStatus::Requester, NestedStatus::RequestUnsupported),
            Self::UnsupportedBinding(_) => (TopStatus::Requester, NestedStatus::UnsupportedBinding),
        };
        Status { code, nested: Some(nested), message: Some(self.to_string()) }
    }
}

/// What of the assertion consumer service that a request means is wrong: what is registered, and what is asked for.
fn acs_refused(fault: AcsError, asked: &AcsSelection, metadata: &SpMetadata) -> String {
    const SHOWN: usize = 3;
    let services = metadata.assertion_consumer_services();
    let shown = services.iter().take(SHOWN).map(|one| format!("[{}] {}", one.index, cut(one.location.as_str())));
    let mut registered = shown.collect::<Vec<_>>().join(", ");
    if services.len() > SHOWN {
        registered.push_str(&format!(" and {} more", services.len() - SHOWN));
    }
    let asked = match asked {
        AcsSelection::Default => "the default one".to_owned(),
        AcsSelection::Index(index) => format!("index {index}"),
        AcsSelection::Url(location) => cut(location),
    };
    format!("{fault}. Asked for: {}. Registered: {}", OneLine(asked), OneLine(registered))
}

/// Where an answer to a request goes. Made from a verified request and the service's metadata only.
#[derive(Debug, Clone)]
pub struct AnswerAddress {
    acs: AcsLocation,
    request: Arc<VerifiedAuthnRequest>,
}

impl AnswerAddress {
    /// The assertion consumer service.
    #[must_use]
    pub const fn acs(&self) -> &AcsLocation {
        &self.acs
    }

    /// The request that is answered: its ID and RelayState go into the answer.
    #[must_use]
    pub fn request(&self) -> &VerifiedAuthnRequest {
        &self.request
    }
}

/// Why a request does not settle.
#[derive(Debug, Clone)]
pub enum SettleFault {
    /// The service provider is told.
    Answerable {
        /// Where the answer goes.
        address: Box<AnswerAddress>,
        /// What it says.
        fault: AnswerableFault,
    },
    /// The person alone is told.
    Unanswerable(Unanswerable),
}

impl From<Unanswerable> for SettleFault {
    fn from(fault: Unanswerable) -> Self {
        Self::Unanswerable(fault)
    }
}

/// A verified request, settled against its service's record: what the journey works on.
#[derive(Debug, Clone)]
pub struct MatchedAuthnRequest {
    address: AnswerAddress,
    service: Arc<ServiceProvider>,
    received_at: UtcDateTime,
    name_id_format: NameIdFormat,
    may_create_identifier: bool,
    subject: Option<Zeroizing<String>>,
    asked: AskedAttributes,
    context: RequestedContext,
    demanded: DemandedAssurance,
}

impl MatchedAuthnRequest {
    /// Settles a request that arrived at `received_at`, of a service that was admitted
    /// ([`Registry::admit`](super::registry::Registry::admit)).
    ///
    /// # Errors
    /// What cannot be met, and whether the service provider is told.
    pub fn settle(
        request: VerifiedAuthnRequest,
        service: Arc<ServiceProvider>,
        received_at: UtcDateTime,
        rules: SettlementRules<'_>,
    ) -> Result<Self, SettleFault> {
        // SAML Core §3.2.1 leaves freshness to us. It is judged once, at arrival; the person may take their time.
        judge_instant(request.issue_instant(), received_at).map_err(Unanswerable::from)?;
        // SAML Core §3.4.1, Conditions: the period in which the service provider wants its answer.
        let over = |until: UtcDateTime| until <= received_at;
        if request.validity_period().and_then(|period| period.not_on_or_after).is_some_and(over) {
            return Err(Unanswerable::Stale.into());
        }
        let at = |asked| service.metadata().acs_location(request.acs(), asked, rules.loopback_http);
        let acs = match at(request.response_binding()) {
            // It is told so by the binding that it has.
            Err(AcsError::Binding) => at(None),
            found => found,
        };
        let acs = acs.map_err(|fault| Unanswerable::Acs(acs_refused(fault, request.acs(), service.metadata())))?;
        let address = AnswerAddress { acs, request: Arc::new(request) };
        match Self::terms(address.request(), address.acs(), &service, rules.issuer) {
            Ok(Terms { name_id_format, subject, asked, context, demanded }) => {
                let policy = address.request().name_id_policy();
                let may_create_identifier = policy.is_none_or(|policy| policy.allow_create != Some(false));
                Ok(Self {
                    address,
                    service,
                    received_at,
                    name_id_format,
                    may_create_identifier,
                    subject,
                    asked,
                    context,
                    demanded,
                })
            }
            Err(fault) => Err(SettleFault::Answerable { address: Box::new(address), fault }),
        }
    }

    fn terms(
        request: &VerifiedAuthnRequest,
        acs: &AcsLocation,
        service: &ServiceProvider,
        issuer: &EntityId,
    ) -> Result<Terms, AnswerableFault> {
        let agreement = service.agreement();
        // SAML Core §3.4.1, ProtocolBinding: one by which we send, and for which the metadata has a place.
        if request.protocol_binding().is_some() && request.response_binding() != Some(acs.binding()) {
            return Err(AnswerableFault::UnsupportedBinding(cut(request.protocol_binding().unwrap_or_default())));
        }
        // SAML Core §3.4.1.2, IDPList: the identity providers that may answer. Signet passes no request on.
        let may_answer = |list: &[String]| list.is_empty() || list.iter().any(|entry| entry == issuer.as_str());
        if request.scoping().is_some_and(|scoping| !may_answer(&scoping.idp_list)) {
            return Err(AnswerableFault::NoSupportedIdp);
        }
        let policy = request.name_id_policy();
        let qualifier = policy.and_then(|policy| policy.sp_name_qualifier.as_deref());
        if qualifier.is_some_and(|qualifier| qualifier != agreement.entity_id().as_str()) {
            let (asked, service) = (cut(qualifier.unwrap_or_default()), agreement.entity_id().clone());
            return Err(InvalidNameIdPolicy::ForeignQualifier { asked, service }.into());
        }
        let asked_format = policy.and_then(|policy| policy.format.as_deref());
        let mut name_id_format = choose_format(asked_format, agreement.name_id_formats())?;
        let wants_no_identifier = service.metadata().subject_id_requirement() == Some(SubjectIdRequirement::None);
        if wants_no_identifier && is_left_open(asked_format) && agreement.allows_format(NameIdFormat::Transient) {
            name_id_format = NameIdFormat::Transient;
        }
        let subject = request.subject().map(|subject| subject_asked(subject, issuer, agreement)).transpose()?;
        if subject.is_some() {
            // SAML Core §3.3.4: the answer's subject must strongly match the request's, so it has the same name.
            if !is_left_open(asked_format) && name_id_format != NameIdFormat::Persistent {
                let asked = cut(asked_format.unwrap_or_default());
                return Err(InvalidNameIdPolicy::NotTheSubjects { asked }.into());
            }
            name_id_format = NameIdFormat::Persistent;
        }

        let context = match request.requested_authn_context() {
            None => RequestedContext::default(),
            Some(asked) => {
                RequestedContext::read(comparison(asked.comparison), asked.class_refs.iter().map(String::as_str))
            }
        };
        let asked = attributes_asked(request, service, &context)?;
        let floor_aal = if asked.reaches_personal_data(agreement, name_id_format) {
            PERSONAL_DATA_NEEDS.aal()
        } else {
            super::assurance::Aal::Aal1
        };
        let demanded = context.settle(&level_terms(agreement, floor_aal))?;
        Ok(Terms { name_id_format, subject, asked, context, demanded })
    }

    /// Where the answer goes.
    #[must_use]
    pub const fn address(&self) -> &AnswerAddress {
        &self.address
    }

    /// The request.
    #[must_use]
    pub fn request(&self) -> &VerifiedAuthnRequest {
        self.address.request()
    }

    /// The service that asks, as its record stood when the request was settled.
    #[must_use]
    pub const fn service(&self) -> &Arc<ServiceProvider> {
        &self.service
    }

    /// When the request arrived.
    #[must_use]
    pub const fn received_at(&self) -> UtcDateTime {
        self.received_at
    }

    /// Which kind of NameID the answer has.
    #[must_use]
    pub const fn name_id_format(&self) -> NameIdFormat {
        self.name_id_format
    }

    /// Whether the person may become known to the agency by this request (SAML Core §3.4.1.1, `AllowCreate`). The
    /// standard's default is "no", which nearly no service provider means when it says nothing; so only a written "no"
    /// counts.
    #[must_use]
    pub const fn may_create_identifier(&self) -> bool {
        self.may_create_identifier
    }

    /// The persistent name of the person about whom alone the request asks.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_ref().map(|name| name.as_str())
    }

    /// Which attributes are asked for.
    #[must_use]
    pub const fn asked(&self) -> &AskedAttributes {
        &self.asked
    }

    /// The request's levels, as it wrote them.
    #[must_use]
    pub const fn context(&self) -> &RequestedContext {
        &self.context
    }

    /// Which levels are demanded.
    #[must_use]
    pub const fn demanded(&self) -> &DemandedAssurance {
        &self.demanded
    }
}

/// What a request settles to beside its address.
struct Terms {
    name_id_format: NameIdFormat,
    subject: Option<Zeroizing<String>>,
    asked: AskedAttributes,
    context: RequestedContext,
    demanded: DemandedAssurance,
}

/// The name by which a request asks about one person (SAML Core §3.4.1). Only the persistent name that this agency was given is
/// looked at: to say whether somebody has an address would tell the service before the person has agreed.
fn subject_asked(
    subject: &RequestedSubject,
    issuer: &EntityId,
    agreement: &Agreement,
) -> Result<Zeroizing<String>, AnswerableFault> {
    let RequestedSubject::Named(named) = subject else { return Err(AnswerableFault::Unsupported("Subject")) };
    let name = NameId::persistent(named.value.as_str());
    let is_ours = means(named, &name, issuer, agreement.entity_id());
    if is_ours && agreement.allows_format(NameIdFormat::Persistent) {
        Ok(named.value.clone())
    } else {
        Err(AnswerableFault::UnknownPrincipal)
    }
}

/// What an agreement says about levels, with the floor that the request's attributes set, if that is the higher one.
#[must_use]
pub fn level_terms(agreement: &Agreement, floor_aal: super::assurance::Aal) -> LevelTerms {
    LevelTerms {
        highest_ial: agreement.highest_ial(),
        default_ial: agreement.default_ial(),
        floor_ial: agreement.lowest_ial(),
        highest_aal: agreement.highest_aal(),
        default_aal: agreement.default_aal(),
        floor_aal: floor_aal.max(agreement.lowest_aal()),
        phishing_resistant: agreement.demands_phishing_resistance(),
        profile: agreement.profile(),
    }
}

/// The request's own list, or the metadata's by index or default, or the agreement's default: the first that there is.
fn attributes_asked(
    request: &VerifiedAuthnRequest,
    service: &ServiceProvider,
    context: &RequestedContext,
) -> Result<AskedAttributes, AnswerableFault> {
    if let Some(names) = context.requested_attributes() {
        return Ok(AskedAttributes::named(names.iter().map(String::as_str), AskedBy::RequestedContext));
    }
    let index = request.attribute_consuming_service_index();
    match (service.attribute_names_at(index), index) {
        (Some(names), _) => Ok(AskedAttributes::named(names, AskedBy::ConsumingService)),
        (None, None) => Ok(AskedAttributes::default_of(service.agreement())),
        // SAML Core §3.4.1: an index that the metadata lacks.
        (None, Some(_)) => Err(AnswerableFault::Unsupported("AttributeConsumingServiceIndex")),
    }
}

const fn comparison(asked: crate::saml::authn_request::Comparison) -> Comparison {
    match asked {
        crate::saml::authn_request::Comparison::Better => Comparison::Better,
        crate::saml::authn_request::Comparison::Exact => Comparison::Exact,
        crate::saml::authn_request::Comparison::Maximum => Comparison::Maximum,
        crate::saml::authn_request::Comparison::Minimum => Comparison::Minimum,
    }
}
