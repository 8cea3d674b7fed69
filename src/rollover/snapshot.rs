//! The plan with the keys that it names: what requests sign with, and what opens what is encrypted to us.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::federation::negotiation::{NothingInCommon, made_by, signature};
use crate::federation::registry::ServiceProvider;
use crate::rollover::{KeyState, SigningKeyId, SigningPlan, Trial};
use crate::saml::DeniedAlgorithms;
use crate::saml::encryption::Opener;
use crate::saml::signature::{Signer, SignerBy};
use crate::services::keys::KeyPairs;

/// A plan cannot be followed here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyUnusable {
    /// A key that is to sign makes no signature that the settings leave.
    #[error("the signing key {0} cannot sign: every signature that it makes is denied by federation.denied_algorithms")]
    Denied(SigningKeyId),
    /// A key that the plan puts into our metadata is not where this node keeps its keys.
    #[error(
        "the signing key {0} is in use, and its file is not in this node's key folder: copy signing/{0}.key and .crt there"
    )]
    Missing(SigningKeyId),
    /// A key to which services encrypt is not where this node keeps its keys.
    #[error(
        "the decryption key {0} is in use, and its file is not in this node's key folder: copy decryption/{0}.key and .crt there"
    )]
    MissingOpener(SigningKeyId),
}

/// The snapshot that requests sign with. A request keeps the one it began with.
pub type SharedSigningKeys = Arc<ArcSwap<SigningKeys>>;

/// The plan with the keys that it names, at one moment. A request keeps the one that it began with.
#[derive(Clone)]
pub struct SigningKeys {
    plan: SigningPlan,
    fleet: Arc<dyn Signer>,
    /// Every key in our metadata, the one of all included.
    signers: BTreeMap<SigningKeyId, Arc<dyn Signer>>,
    /// Every key that opens, the newest first.
    openers: Vec<Arc<dyn Opener>>,
    denied: DeniedAlgorithms,
}

impl SigningKeys {
    /// Joins a plan with the keys that are here. Those that stand in no metadata are left out: nothing is signed with them. No key
    /// signs by an algorithm that is `denied`.
    ///
    /// # Errors
    /// A key of the plan is not here, or the one that signs for all has no algorithm left. That another has none is no error
    /// here: its services' sign-ins are refused, and all others go on.
    pub fn new(plan: SigningPlan, pairs: KeyPairs, denied: DeniedAlgorithms) -> Result<Self, KeyUnusable> {
        let signers = pairs.signers.into_iter();
        let mut here: BTreeMap<SigningKeyId, Arc<dyn Signer>> =
            signers.filter_map(|signer| Some((SigningKeyId::parse(signer.key_id()).ok()?, signer))).collect();
        let mut signers = BTreeMap::new();
        for id in plan.in_metadata() {
            let signer = here.remove(id).ok_or_else(|| KeyUnusable::Missing(id.clone()))?;
            signers.insert(id.clone(), signer);
        }
        let opener = |id: &SigningKeyId| {
            let found = pairs.openers.iter().find(|opener| opener.key_id() == id.as_str()).cloned();
            found.ok_or_else(|| KeyUnusable::MissingOpener(id.clone()))
        };
        let openers = plan.opening().map(opener).collect::<Result<_, _>>()?;
        let fleet = signers.get(plan.fleet()).ok_or_else(|| KeyUnusable::Missing(plan.fleet().clone()))?;
        let usual = made_by(&**fleet, denied).first().copied();
        let fleet = SignerBy::with(fleet, usual.ok_or_else(|| KeyUnusable::Denied(plan.fleet().clone()))?);
        Ok(Self { plan, fleet, signers, openers, denied })
    }

    /// Whether the plan may go from one to the next: every key that it names is here, and none begins to sign, or to sign for all,
    /// that has no algorithm left. That one has signed until now and has none left stops nothing: the next steps lead out of it.
    ///
    /// # Errors
    /// [`KeyUnusable`].
    pub fn check_step(
        before: &SigningPlan,
        next: &SigningPlan,
        pairs: KeyPairs,
        denied: DeniedAlgorithms,
    ) -> Result<(), KeyUnusable> {
        let begins = |id: &SigningKeyId| {
            let signs = |plan: &SigningPlan| plan.state(id) == KeyState::Signing;
            (signs(next) && !signs(before)) || (next.fleet() == id && before.fleet() != id)
        };
        for signer in &pairs.signers {
            let id = SigningKeyId::parse(signer.key_id()).ok().filter(begins);
            if let Some(id) = id.filter(|_| made_by(&**signer, denied).is_empty()) {
                return Err(KeyUnusable::Denied(id));
            }
        }
        match Self::new(next.clone(), pairs, denied) {
            Ok(_) | Err(KeyUnusable::Denied(_)) => Ok(()),
            Err(missing @ (KeyUnusable::Missing(_) | KeyUnusable::MissingOpener(_))) => Err(missing),
        }
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
        let algorithm = signature(service.metadata(), &**signer, self.denied)?;
        Ok(SignerBy::with(signer, algorithm))
    }

    /// The keys to which services may have encrypted, the newest first.
    #[must_use]
    pub fn openers(&self) -> &[Arc<dyn Opener>] {
        &self.openers
    }

    /// The one that our metadata offers.
    #[must_use]
    pub fn offered(&self) -> Option<&Arc<dyn Opener>> {
        let offered = self.plan.offered()?;
        self.openers.iter().find(|opener| opener.key_id() == offered.as_str())
    }

    /// The algorithms that the operator denies.
    #[must_use]
    pub const fn denied(&self) -> DeniedAlgorithms {
        self.denied
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
