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

use time::{Duration, UtcDateTime};

use super::agreement::Agreement;
use super::assurance::{Comparison, DemandedAssurance, LevelTerms, NoAuthnContext, RequestedContext};
use super::identifier::{InvalidNameIdPolicy, NameIdFormat, choose_format};
use super::registry::ServiceProvider;
use super::release::{AskedAttributes, AskedBy, PERSONAL_DATA_NEEDS};
use crate::saml::EntityId;
use crate::saml::authn_request::VerifiedAuthnRequest;
use crate::saml::metadata::AcsLocation;
use crate::saml::response::{NestedStatus, Status, TopStatus};

pub use journey::{AuthenticationState, NextStep, PersonFacts, ReleaseFailed, ReleaseStep};

/// How old a request may be when it arrives.
pub const OLDEST_REQUEST: Duration = Duration::minutes(5);
/// How far the service provider's clock may be ahead of ours.
pub const CLOCK_SKEW: Duration = Duration::minutes(3);

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
    /// The service is switched off.
    #[error("the service is switched off")]
    Disabled,
    /// The request says that it was made in the future.
    #[error("the request says that it was made in the future")]
    FromTheFuture,
    /// The request is too old.
    #[error("the request is older than five minutes")]
    Stale,
}

impl Unanswerable {
    /// A short, stable code for the page, the log and the agency's engineer.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Acs(_) => "acs_refused",
            Self::Disabled => "service_disabled",
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
    /// The request uses something that Signet does not do.
    #[error("the request asks for something that is not supported: {0}")]
    Unsupported(&'static str),
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
            Self::Unsupported(_) => "unsupported",
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
            Self::Unsupported(_) => (TopStatus::Requester, NestedStatus::RequestUnsupported),
        };
        Status { code, nested: Some(nested), message: Some(self.to_string()) }
    }
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
    asked: AskedAttributes,
    context: RequestedContext,
    demanded: DemandedAssurance,
}

impl MatchedAuthnRequest {
    /// Settles a request that arrived at `received_at`.
    ///
    /// # Errors
    /// What cannot be met, and whether the service provider is told.
    pub fn settle(
        request: VerifiedAuthnRequest,
        service: Arc<ServiceProvider>,
        received_at: UtcDateTime,
        rules: SettlementRules<'_>,
    ) -> Result<Self, SettleFault> {
        let agreement = service.agreement();
        if !agreement.is_enabled() {
            return Err(Unanswerable::Disabled.into());
        }
        // SAML Core §3.2.1 leaves freshness to us. It is judged once, at arrival; the person may take their time.
        let issued = request.issue_instant();
        if issued > received_at.saturating_add(CLOCK_SKEW) {
            return Err(Unanswerable::FromTheFuture.into());
        }
        if issued < received_at.saturating_sub(OLDEST_REQUEST) {
            return Err(Unanswerable::Stale.into());
        }
        // SAML Core §3.4.1, Conditions: the period in which the service provider wants its answer.
        let over = |until: UtcDateTime| until <= received_at;
        if request.validity_period().and_then(|period| period.not_on_or_after).is_some_and(over) {
            return Err(Unanswerable::Stale.into());
        }
        let acs = service
            .metadata()
            .acs_location(request.acs(), rules.loopback_http)
            .map_err(|fault| Unanswerable::Acs(fault.to_string()))?;
        let address = AnswerAddress { acs, request: Arc::new(request) };
        match Self::terms(address.request(), &service, rules.issuer) {
            Ok((name_id_format, asked, context, demanded)) => {
                let policy = address.request().name_id_policy();
                let may_create_identifier = policy.is_none_or(|policy| policy.allow_create != Some(false));
                Ok(Self {
                    address,
                    service,
                    received_at,
                    name_id_format,
                    may_create_identifier,
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
        service: &ServiceProvider,
        issuer: &EntityId,
    ) -> Result<(NameIdFormat, AskedAttributes, RequestedContext, DemandedAssurance), AnswerableFault> {
        let agreement = service.agreement();
        // SAML Core §3.4.1: a Subject asks about one person, and Signet answers about whoever signs in.
        if request.names_a_subject() {
            return Err(AnswerableFault::Unsupported("Subject"));
        }
        // SAML Core §3.4.1.2, IDPList: the identity providers that may answer. Signet passes no request on.
        let may_answer = |list: &[String]| list.is_empty() || list.iter().any(|entry| entry == issuer.as_str());
        if request.scoping().is_some_and(|scoping| !may_answer(&scoping.idp_list)) {
            return Err(AnswerableFault::NoSupportedIdp);
        }
        let policy = request.name_id_policy();
        let qualifier = policy.and_then(|policy| policy.sp_name_qualifier.as_deref());
        if qualifier.is_some_and(|qualifier| qualifier != agreement.entity_id().as_str()) {
            return Err(InvalidNameIdPolicy::ForeignQualifier.into());
        }
        let asked_format = policy.and_then(|policy| policy.format.as_deref());
        let name_id_format = choose_format(asked_format, agreement.name_id_formats())?;

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
        Ok((name_id_format, asked, context, demanded))
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

/// What an agreement says about levels, with the floor that the request's attributes set.
#[must_use]
pub fn level_terms(agreement: &Agreement, floor_aal: super::assurance::Aal) -> LevelTerms {
    LevelTerms {
        highest_ial: agreement.highest_ial(),
        default_ial: agreement.default_ial(),
        highest_aal: agreement.highest_aal(),
        default_aal: agreement.default_aal(),
        floor_aal,
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
