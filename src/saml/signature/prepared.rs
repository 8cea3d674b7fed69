//! A key with OpenSSL's contexts for it, set up once and used again.
//!
//! Setting one up looks algorithms up by name, and costs a quarter of what verifying by RSA-2048 does. A context is used by one
//! thread at a time; there are as many as have ever been needed at once.

use std::sync::Mutex;

use openssl::{
    error::ErrorStack,
    md::{Md, MdRef},
    pkey::{HasPrivate, HasPublic, PKey, PKeyRef},
    pkey_ctx::PkeyCtx,
};

use super::{DigestAlgorithm, SignatureAlgorithm};

/// A key with its contexts: for verifying where it is public, for signing where it is private.
pub(super) struct PreparedKey<T> {
    key: PKey<T>,
    idle: Mutex<Vec<(SignatureAlgorithm, PkeyCtx<T>)>>,
}

impl<T> PreparedKey<T> {
    pub(super) const fn new(key: PKey<T>) -> Self {
        Self { key, idle: Mutex::new(Vec::new()) }
    }

    pub(super) fn key(&self) -> &PKeyRef<T> {
        &self.key
    }

    /// Works with a context that is set up for the algorithm. One in which something failed is not used again.
    fn with<R>(
        &self,
        algorithm: SignatureAlgorithm,
        set_up: impl FnOnce(&mut PkeyCtx<T>) -> Result<(), ErrorStack>,
        work: impl FnOnce(&mut PkeyCtx<T>) -> Result<R, ErrorStack>,
    ) -> Result<R, ErrorStack> {
        let mut context = match self.take(algorithm) {
            Some(context) => context,
            None => {
                let mut context = PkeyCtx::new(&self.key)?;
                set_up(&mut context)?;
                context.set_signature_md(message_digest(algorithm.digest()))?;
                context
            }
        };
        let done = work(&mut context)?;
        if let Ok(mut idle) = self.idle.lock() {
            idle.push((algorithm, context));
        }
        Ok(done)
    }

    fn take(&self, algorithm: SignatureAlgorithm) -> Option<PkeyCtx<T>> {
        let mut idle = self.idle.lock().ok()?;
        let at = idle.iter().rposition(|(of, _)| *of == algorithm)?;
        Some(idle.swap_remove(at).1)
    }
}

impl<T: HasPublic> PreparedKey<T> {
    /// Whether the key made this signature of this digest.
    pub(super) fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        digest: &[u8],
        signature: &[u8],
    ) -> Result<bool, ErrorStack> {
        self.with(algorithm, |context| context.verify_init(), |context| context.verify(digest, signature))
    }
}

impl<T: HasPrivate> PreparedKey<T> {
    /// The signature of this digest.
    pub(super) fn sign(&self, algorithm: SignatureAlgorithm, digest: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        let sign = |context: &mut PkeyCtx<T>| {
            let mut signature = Vec::new();
            context.sign_to_vec(digest, &mut signature).map(|_| signature)
        };
        self.with(algorithm, |context| context.sign_init(), sign)
    }
}

fn message_digest(digest: DigestAlgorithm) -> &'static MdRef {
    match digest {
        DigestAlgorithm::Sha256 => Md::sha256(),
        DigestAlgorithm::Sha384 => Md::sha384(),
        DigestAlgorithm::Sha512 => Md::sha512(),
    }
}
