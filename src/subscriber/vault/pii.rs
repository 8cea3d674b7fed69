//! A personal value in memory: shown to nobody by accident, wiped when it goes.

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

/// A personal value. `Debug` and logs show nothing of it; it is wiped when dropped.
///
/// There is no `Display` and no `Serialize`: whoever shows or sends it says so with [`Pii::expose`].
#[derive(Clone, PartialEq, Eq)]
pub struct Pii<T: Zeroize>(Zeroizing<T>);

impl<T: Zeroize> Pii<T> {
    /// Takes a value in.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value, for the one place that shows it to its person or sends it where they agreed.
    #[must_use]
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> fmt::Debug for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pii(…)")
    }
}

impl From<String> for Pii<String> {
    fn from(value: String) -> Self {
        Self::new(value)
    }
}
