//! From the octets of a request to a settled one. The line is walked at arrival, and again from its beginning at every
//! visit of `/saml/continue`, against the services as they stand then.

use std::sync::Arc;

use time::UtcDateTime;

use super::IdentityProvider;
use crate::federation::agreement::SignedRequests;
use crate::federation::delivery::DeliveryPlan;
use crate::federation::negotiation::NothingInCommon;
use crate::federation::registry::{NotAdmitted, ServiceProvider};
use crate::federation::single_sign_on::{
    AnswerAddress, AnswerableFault, MatchedAuthnRequest, SettleFault, Unanswerable,
};
use crate::refusal::RefusalKind;
use crate::saml::binding::{BindingError, Received};
use crate::saml::{MessageError, authn_request::RequestSignature};
use crate::web::refusal::{Refusal, RefusedService};

/// A request that the person alone can be told about.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// The octets are no request.
    #[error(transparent)]
    Binding(#[from] BindingError),
    /// The service does not take part.
    #[error(transparent)]
    NotAdmitted(#[from] NotAdmitted),
    /// The request is not believed, or not understood.
    #[error("{fault}")]
    Request {
        /// The service that it says to come from.
        service: Arc<ServiceProvider>,
        /// Why.
        fault: MessageError,
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
}

impl From<Stopped> for Refusal {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Binding(fault) => fault.into(),
            Stopped::NotAdmitted(fault) => fault.into(),
            Stopped::NothingInCommon { service, fault } => Self::from(fault).about(RefusedService::of(&service)),
            Stopped::Replayed { ref service } => {
                Self::because(RefusalKind::RequestReplayed, &stopped).about(RefusedService::of(service))
            }
            Stopped::Request { service, fault } => Self::from(fault).about(RefusedService::of(&service)),
            Stopped::Unanswerable { service, fault } => Self::from(fault).about(RefusedService::of(&service)),
        }
    }
}

impl From<NotAdmitted> for Refusal {
    fn from(fault: NotAdmitted) -> Self {
        match &fault {
            NotAdmitted::Altered(_) => Self::because(RefusalKind::ServiceAltered, &fault),
            NotAdmitted::Disabled(service) => {
                Self::because(RefusalKind::ServiceDisabled, &fault).about(RefusedService::of(service))
            }
            NotAdmitted::Unknown(_) => Self::because(RefusalKind::ServiceUnknown, &fault),
        }
    }
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
    let service = Arc::clone(idp.registry.load().admit(decoded.claimed_issuer())?);
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
