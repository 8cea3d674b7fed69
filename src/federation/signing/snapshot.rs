//! The plan with the keys that it names: what requests sign with.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::{SigningKeyId, SigningPlan, Trial};
use crate::federation::negotiation::{NothingInCommon, signature};
use crate::federation::registry::ServiceProvider;
use crate::saml::signature::{Signer, SignerBy};

/// A key that the plan puts into our metadata is not where this node keeps its keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the signing key {key} is in use, and its file is not in this node's key folder: copy signing/{key}.key and .crt there"
)]
pub struct KeyMissing {
    /// Which.
    pub key: SigningKeyId,
}

/// The plan with the keys that it names, at one moment. A request keeps the one that it began with.
#[derive(Clone)]
pub struct SigningKeys {
    plan: SigningPlan,
    fleet: Arc<dyn Signer>,
    /// Every key in our metadata, the one of all included.
    signers: BTreeMap<SigningKeyId, Arc<dyn Signer>>,
}

impl SigningKeys {
    /// Joins a plan with the keys that are here. Those that stand in no metadata are left out: nothing is signed with them.
    ///
    /// # Errors
    /// A key of the plan is not here.
    pub fn new(plan: SigningPlan, here: Vec<Arc<dyn Signer>>) -> Result<Self, KeyMissing> {
        let mut here: BTreeMap<SigningKeyId, Arc<dyn Signer>> =
            here.into_iter().filter_map(|signer| Some((SigningKeyId::parse(signer.key_id()).ok()?, signer))).collect();
        let mut signers = BTreeMap::new();
        for id in plan.in_metadata() {
            let signer = here.remove(id).ok_or_else(|| KeyMissing { key: id.clone() })?;
            signers.insert(id.clone(), signer);
        }
        let fleet = signers.get(plan.fleet()).cloned().ok_or_else(|| KeyMissing { key: plan.fleet().clone() })?;
        Ok(Self { plan, fleet, signers })
    }

    /// The plan.
    #[must_use]
    pub const fn plan(&self) -> &SigningPlan {
        &self.plan
    }

    /// The key that signs what goes to a service: Responses, whether they carry an assertion or an error, and logout
    /// messages. Nobody else picks a key for a service; a test holds that.
    ///
    /// `trial` is a sign-in whose browser asked to be a try: it is signed with the key of the try, while that is in our
    /// metadata. The algorithm is the first of that key's that the service says it verifies.
    ///
    /// # Errors
    /// The service says that it verifies others only.
    pub fn signer(&self, service: &ServiceProvider, trial: Option<&Trial>) -> Result<Arc<dyn Signer>, NothingInCommon> {
        let id = trial.map(Trial::key).filter(|id| self.signers.contains_key(id));
        let id = id.unwrap_or_else(|| self.plan.key_for(service.entity_id()));
        // A plan puts services to keys in our metadata alone.
        let signer = self.signers.get(id).unwrap_or(&self.fleet);
        let algorithm = signature(service.metadata(), &**signer)?;
        Ok(SignerBy::with(signer, algorithm))
    }

    /// The key that signs our metadata: that of all services without a choice of their own. It changes with `--all` alone, so
    /// whoever checks this signature by the keys of the copy before has had both for as long as anybody.
    #[must_use]
    pub fn metadata_signer(&self) -> Arc<dyn Signer> {
        self.fleet.clone()
    }

    /// The keys in our metadata: first the one that signs it, then the newest first.
    pub fn published(&self) -> impl Iterator<Item = &Arc<dyn Signer>> {
        self.plan.in_metadata().filter_map(|id| self.signers.get(id))
    }
}

/// Names the plan, shows no key.
impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKeys").field("plan", &self.plan).finish_non_exhaustive()
    }
}
