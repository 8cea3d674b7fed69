//! What may be told: the one list of types that can be a field of an event.

use super::AlteredRecord;
use crate::authentication::{AuthenticatorId, AuthenticatorKind};
use crate::saml::{EntityId, MessageId};
use crate::subscriber::SubscriberId;

/// A value that may stand in the log and in a person's history: it says nothing personal, is no secret, and repeats no text
/// that came from outside unchecked.
pub trait Tellable: sealed::Listed {
    /// As it stands there.
    fn told(&self) -> String;
}

mod sealed {
    /// Of the list below.
    pub trait Listed {}
}

/// Types whose `Display` is what is told.
macro_rules! told_as_displayed {
    ($($kind:ty),+ $(,)?) => { $(
        impl sealed::Listed for $kind {}
        impl Tellable for $kind {
            fn told(&self) -> String {
                self.to_string()
            }
        }
    )+ };
}

told_as_displayed! {
    // Identifiers: random, or checked when they came in.
    AuthenticatorId, EntityId, MessageId, SubscriberId,
    // Which record it was.
    AlteredRecord,
    // Counts.
    u32, usize,
    // Words of our own: whoever makes one writes it into the source.
    &'static str,
}

impl sealed::Listed for AuthenticatorKind {}
impl Tellable for AuthenticatorKind {
    fn told(&self) -> String {
        self.as_str().to_owned()
    }
}
