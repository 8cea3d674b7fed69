//! Secrets that leave nothing behind when they are moved.

use std::fmt;
use std::ops::Deref;

use zeroize::Zeroizing;

use crate::entropy::Entropy;

/// Octets on the heap, wiped when they are dropped. A value of its own would be copied from stack to stack as it is handed on, and
/// only its last copy is wiped.
#[derive(Clone)]
pub struct SecretOctets<const N: usize>(Box<Zeroizing<[u8; N]>>);

impl<const N: usize> SecretOctets<N> {
    /// New ones.
    #[must_use]
    pub fn random(entropy: &dyn Entropy) -> Self {
        let mut secret = Self::zero();
        entropy.fill(secret.0.as_mut_slice());
        secret
    }

    /// A copy of these.
    #[must_use]
    pub fn of(octets: &[u8; N]) -> Self {
        let mut secret = Self::zero();
        secret.0.copy_from_slice(octets);
        secret
    }

    /// A copy of these, when they are as many.
    #[must_use]
    pub fn from_slice(octets: &[u8]) -> Option<Self> {
        octets.try_into().ok().map(Self::of)
    }

    fn zero() -> Self {
        Self(Box::new(Zeroizing::new([0; N])))
    }
}

impl<const N: usize> Deref for SecretOctets<N> {
    type Target = [u8; N];

    fn deref(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> fmt::Debug for SecretOctets<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretOctets(…)")
    }
}
