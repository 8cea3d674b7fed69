//! What stands between the place where root keys are kept and the keys themselves.

use std::fmt;

use zeroize::Zeroizing;

use crate::entropy::Entropy;

/// Wraps the root keys for the place where they are kept, and unwraps them there, once, when the service starts.
///
/// A passphrase does it ([`SealingSecret`](super::SealingSecret)); a hardware module or a key service can stand behind the same
/// trait, so that the folder is of no use without it. What is unwrapped stays in memory, wiped when it goes: the roots are used
/// for every row, and no module is asked each time.
pub trait KeyWrapper: Send + Sync {
    /// How the file of wrapped keys calls it. Never changed: it says how to open files that exist.
    fn scheme(&self) -> &'static str;

    /// Wraps keys.
    ///
    /// # Errors
    /// [`KeyWrapError::OutOfReach`].
    fn wrap(&self, keys: &[u8], entropy: &dyn Entropy) -> Result<WrappedKeys, KeyWrapError>;

    /// Unwraps what [`Self::wrap`] gave.
    ///
    /// # Errors
    /// [`KeyWrapError`].
    fn unwrap_keys(&self, wrapped: &WrappedKeys) -> Result<Zeroizing<Vec<u8>>, KeyWrapError>;
}

/// Keys as a wrapper left them. Nothing of it is secret.
#[derive(Clone)]
pub struct WrappedKeys {
    /// What the wrapper needs to unwrap them: which key, which parameters.
    pub parameters: serde_json::Value,
    /// The wrapped keys.
    pub octets: Vec<u8>,
}

/// Shows what is needed, and how long the rest is.
impl fmt::Debug for WrappedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrappedKeys({}, {} octets)", self.parameters, self.octets.len())
    }
}

/// Why keys were not wrapped or unwrapped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyWrapError {
    /// They are not what this wrapper wrote.
    #[error("the wrapped keys are not of this form")]
    Malformed,
    /// The module or service does not answer: worth another try. The reason holds no secret.
    #[error("what wraps the keys cannot be reached: {0}")]
    OutOfReach(String),
    /// The secret is another one, or the keys were altered.
    #[error("the wrapped keys do not open")]
    Refused,
}
