//! How an assertion leaves: which signatures it gets, and to whom it is encrypted.
//!
//! By default the Assertion is signed, then encrypted with AES-256-GCM, and the Response is signed too. Whatever is less is an
//! exception that the agreement names. A service without a usable key gets a refusal, never clear text.

use time::UtcDateTime;

use super::agreement::{EncryptionException, SigningException};
use super::registry::ServiceProvider;
use crate::saml::MessageId;
use crate::saml::assertion::{Assertion, OutboundError};
use crate::saml::encryption::{BlockEncryption, EncryptionKey, EncryptionSeed};
use crate::saml::response::{Response, SignedResponse};
use crate::saml::signature::Signer;
use crate::services::{Entropy, random_bytes};

/// How an assertion for one service leaves.
#[derive(Debug, Clone, Copy)]
pub struct DeliveryPlan<'a> {
    encrypt_to: Option<(&'a EncryptionKey, BlockEncryption)>,
    signing: Option<SigningException>,
}

/// The metadata has no key that takes the cipher that was agreed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the metadata has no key to which content can be encrypted with {cipher}")]
pub struct NoUsableKey {
    /// The URI of the cipher.
    pub cipher: &'static str,
}

impl<'a> DeliveryPlan<'a> {
    /// The plan for a service.
    ///
    /// # Errors
    /// Its metadata has no key that takes the agreed cipher.
    pub fn of(service: &'a ServiceProvider) -> Result<Self, NoUsableKey> {
        let agreement = service.agreement();
        let cipher = match agreement.encryption_exception() {
            None => Some(BlockEncryption::Aes256Gcm),
            Some(EncryptionException::Aes128Gcm) => Some(BlockEncryption::Aes128Gcm),
            Some(EncryptionException::Aes256Cbc) => Some(BlockEncryption::Aes256Cbc),
            Some(EncryptionException::ClearText) => None,
        };
        let encrypt_to = match cipher {
            None => None,
            Some(cipher) => {
                let mut keys = service.metadata().encryption_keys().iter();
                // SAML Metadata §2.4.1.1: a key whose descriptor lists no ciphers takes any.
                let takes = |mut listed: Box<dyn Iterator<Item = BlockEncryption> + '_>| match listed.next() {
                    None => true,
                    Some(first) => first == cipher || listed.any(|other| other == cipher),
                };
                let key =
                    keys.find(|key| takes(Box::new(key.ciphers()))).ok_or(NoUsableKey { cipher: cipher.uri() })?;
                Some((key.key(), cipher))
            }
        };
        Ok(Self { encrypt_to, signing: agreement.signing_exception() })
    }

    /// Signs and encrypts.
    ///
    /// # Errors
    /// Nothing may be sent then.
    pub fn deliver(
        &self,
        assertion: Assertion,
        signer: &dyn Signer,
        entropy: &dyn Entropy,
        now: UtcDateTime,
    ) -> Result<SignedResponse, OutboundError> {
        let id = MessageId::from_entropy(random_bytes(entropy));
        let seed = || EncryptionSeed { content_key: random_bytes(entropy), iv: random_bytes(entropy) };
        let response = if self.signing == Some(SigningException::ResponseOnly) {
            let assertion = assertion.leave_unsigned()?;
            match self.encrypt_to {
                Some((key, cipher)) => Response::success(id, now, assertion.encrypt(key, cipher, seed())?),
                None => Response::success(id, now, assertion),
            }
        } else {
            let assertion = assertion.sign(signer)?;
            match self.encrypt_to {
                Some((key, cipher)) => Response::success(id, now, assertion.encrypt(key, cipher, seed())?),
                None => Response::success(id, now, assertion),
            }
        };
        if self.signing == Some(SigningException::AssertionOnly) {
            response.rely_on_assertion()
        } else {
            response.sign(signer)
        }
    }
}
