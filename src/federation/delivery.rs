//! How an assertion leaves: which signatures it gets, and to whom it is encrypted.
//!
//! By default the Assertion is signed, then encrypted with AES-GCM, and the Response is signed too. Whatever is less is an
//! exception that the agreement names. A service without a usable key gets a refusal, never clear text. Which algorithms are
//! used is [`negotiation`](super::negotiation)'s to say.

use time::UtcDateTime;

use super::agreement::{EncryptionException, SigningException};
use super::negotiation::{NothingInCommon, Sealing, sealing};
use super::registry::ServiceProvider;
use crate::entropy::{Entropy, random_bytes};
use crate::saml::assertion::{Assertion, OutboundError};
use crate::saml::encryption::EncryptionSeed;
use crate::saml::response::{ConsentObtained, Response, SignedResponse};
use crate::saml::signature::Signer;
use crate::saml::{DeniedAlgorithms, MessageId};

/// How an assertion for one service leaves.
#[derive(Debug, Clone)]
pub struct DeliveryPlan {
    sealing: Option<Sealing>,
    signed: Signed,
}

/// Which of the two carry a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signed {
    Assertion,
    Both,
    Response,
}

impl DeliveryPlan {
    /// The plan for a service, where these algorithms are denied.
    ///
    /// # Errors
    /// Its metadata has no key that takes what the agreement allows.
    pub fn of(service: &ServiceProvider, denied: DeniedAlgorithms) -> Result<Self, NothingInCommon> {
        let (agreement, metadata) = (service.agreement(), service.metadata());
        let sealing = match agreement.encryption_exception() {
            Some(EncryptionException::ClearText) => None,
            exception => Some(sealing(metadata.encryption_keys(), exception, denied)?),
        };
        let signed = match agreement.signing_exception() {
            None => Signed::Both,
            Some(SigningException::AssertionOnly) => Signed::Assertion,
            // SAML Metadata §2.4.4: who wants its assertions signed gets them signed, whatever else was agreed.
            Some(SigningException::ResponseOnly) if metadata.want_assertions_signed() => Signed::Both,
            Some(SigningException::ResponseOnly) => Signed::Response,
        };
        Ok(Self { sealing, signed })
    }

    /// Signs and encrypts.
    ///
    /// # Errors
    /// Nothing may be sent then.
    pub fn deliver(
        &self,
        assertion: Assertion,
        consent: ConsentObtained,
        signer: &dyn Signer,
        entropy: &dyn Entropy,
        now: UtcDateTime,
    ) -> Result<SignedResponse, OutboundError> {
        let id = MessageId::from_entropy(random_bytes(entropy));
        let seed = || EncryptionSeed { content_key: random_bytes(entropy), iv: random_bytes(entropy) };
        let response = if self.signed == Signed::Response {
            let assertion = assertion.leave_unsigned();
            match &self.sealing {
                Some(to) => Response::success(id, now, consent, assertion.encrypt(&to.key, to.method, seed())?),
                None => Response::success(id, now, consent, assertion),
            }
        } else {
            let assertion = assertion.sign(signer)?;
            match &self.sealing {
                Some(to) => Response::success(id, now, consent, assertion.encrypt(&to.key, to.method, seed())?),
                None => Response::success(id, now, consent, assertion),
            }
        };
        if self.signed == Signed::Assertion { response.rely_on_assertion() } else { response.sign(signer) }
    }
}
