//! From the octets of a request to a settled one. The line is walked at arrival, and again from its beginning at every
//! visit of `/saml/continue`, against the services as they stand then.

use std::sync::Arc;

use time::UtcDateTime;

use super::IdentityProvider;
use crate::federation::agreement::SignedRequests;
use crate::federation::delivery::DeliveryPlan;
use crate::federation::negotiation::NothingInCommon;
use crate::federation::registry::ServiceProvider;
use crate::federation::single_sign_on::{
    AnswerAddress, AnswerableFault, MatchedAuthnRequest, SettleFault, Unanswerable,
};
use crate::saml::EntityId;
use crate::saml::authn_request::{RequestError, RequestSignature};
use crate::saml::binding::{BindingError, Received};
use crate::web::refusal::{Refusal, RefusalKind, RefusedService};

/// A request that the person alone can be told about.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// What is stored of the service is not as we wrote it.
    #[error("the stored record of {0} is not as it was written")]
    AlteredService(EntityId),
    /// The octets are no request.
    #[error(transparent)]
    Binding(#[from] BindingError),
    /// The request is not believed, or not understood.
    #[error("{fault}")]
    Request {
        /// The service that it says to come from.
        service: Arc<ServiceProvider>,
        /// Why.
        fault: RequestError,
    },
    /// Nothing can be sent to the service: it and we have no algorithms in common.
    #[error("{fault}")]
    NothingInCommon {
        /// The service.
        service: Arc<ServiceProvider>,
        /// Why.
        fault: NothingInCommon,
    },
    /// The request was seen before.
    #[error("a request with this ID was seen before")]
    Replayed {
        /// The service.
        service: Arc<ServiceProvider>,
    },
    /// The request cannot be answered.
    #[error("{fault}")]
    Unanswerable {
        /// The service.
        service: Arc<ServiceProvider>,
        /// Why.
        fault: Unanswerable,
    },
    /// No service of this name is registered.
    #[error("no service with the entityID {0} is registered")]
    UnknownService(EntityId),
}

impl From<Stopped> for Refusal {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::AlteredService(_) => Self::because(RefusalKind::ServiceAltered, &stopped),
            Stopped::Binding(fault) => fault.into(),
            Stopped::NothingInCommon { service, fault } => Self::from(fault).about(named(&service)),
            Stopped::Replayed { ref service } => {
                Self::because(RefusalKind::RequestReplayed, &stopped).about(named(service))
            }
            Stopped::Request { service, fault } => Self::from(fault).about(named(&service)),
            Stopped::Unanswerable { service, fault } => Self::from(fault).about(named(&service)),
            Stopped::UnknownService(_) => Self::because(RefusalKind::ServiceUnknown, &stopped),
        }
    }
}

/// The service, as a refusal's page names it.
pub(super) fn named(service: &ServiceProvider) -> RefusedService {
    RefusedService::of(service)
}

/// Where the line ends.
#[derive(Debug)]
pub enum Settled {
    /// The service provider is told at once.
    Fault {
        /// Where the answer goes.
        address: Box<AnswerAddress>,
        /// The service.
        service: Arc<ServiceProvider>,
        /// What the answer says.
        fault: AnswerableFault,
    },
    /// The journey begins, or goes on.
    Matched(Box<MatchedAuthnRequest>),
}

impl Settled {
    /// Where the answer goes.
    #[must_use]
    pub fn address(&self) -> &AnswerAddress {
        match self {
            Self::Fault { address, .. } => address,
            Self::Matched(matched) => matched.address(),
        }
    }

    /// The service.
    #[must_use]
    pub fn service(&self) -> &Arc<ServiceProvider> {
        match self {
            Self::Fault { service, .. } => service,
            Self::Matched(matched) => matched.service(),
        }
    }
}

/// Walks the line for a request that arrived at this time.
///
/// # Errors
/// Where it stopped.
pub fn walk(idp: &IdentityProvider, received: &Received, arrived: UtcDateTime) -> Result<Settled, Stopped> {
    let decoded = received.decode()?;
    let registry = idp.registry.load();
    let service = registry.find(decoded.claimed_issuer()).cloned().ok_or_else(|| {
        let claimed = decoded.claimed_issuer().clone();
        if registry.is_altered(&claimed) { Stopped::AlteredService(claimed) } else { Stopped::UnknownService(claimed) }
    })?;
    let demand = match service.agreement().signed_requests() {
        SignedRequests::Demanded => RequestSignature::Demanded,
        SignedRequests::Waived => RequestSignature::Waived,
    };
    let request = decoded
        .verify(service.metadata(), demand, &idp.sso, idp.denied)
        .map_err(|fault| Stopped::Request { service: Arc::clone(&service), fault })?;
    match MatchedAuthnRequest::settle(request, Arc::clone(&service), arrived, idp.rules()) {
        // Before anybody is asked to sign in for nothing.
        Ok(matched) => {
            match DeliveryPlan::of(&service, idp.denied).and_then(|_| idp.signing.load().signer(&service, None)) {
                Ok(_) => Ok(Settled::Matched(Box::new(matched))),
                Err(fault) => Err(Stopped::NothingInCommon { service, fault }),
            }
        }
        Err(SettleFault::Answerable { address, fault }) => Ok(Settled::Fault { address, service, fault }),
        Err(SettleFault::Unanswerable(fault)) => Err(Stopped::Unanswerable { service, fault }),
    }
}
