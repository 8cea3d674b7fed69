//! Where unpredictable bytes come from. Randomness is an argument: a test gives its own.

/// A source of unpredictable bytes.
pub trait Entropy: Send + Sync {
    /// Fills the whole of `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// OpenSSL's random generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // Nothing that Signet does is safe without randomness, and no caller could do anything better than stop.
        if openssl::rand::rand_bytes(bytes).is_err() {
            std::process::abort();
        }
    }
}

/// An array of unpredictable bytes.
#[must_use]
pub fn random_bytes<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0_u8; N];
    entropy.fill(&mut bytes);
    bytes
}
