//! What may be told: the one list of types that can be a field of an event.

use super::{AlteredRecord, Explanation};
use crate::authentication::{AuthenticatorId, AuthenticatorKind};
use crate::federation::agreement::LoweredProtection;
use crate::federation::assurance::Level;
use crate::federation::attribute::AttributeName;
use crate::federation::disclosure::{ChainPosition, RevisionId};
use crate::federation::registry::ServiceName;
use crate::federation::release::Withheld;
use crate::refusal::RefusalKind;
use crate::saml::signature::KeyFingerprint;
use crate::saml::{EntityId, MessageId};
use crate::subscriber::{Country, StandingReason, SubscriberId};

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
    AuthenticatorId, ChainPosition, EntityId, KeyFingerprint, MessageId, RevisionId, ServiceName, SubscriberId,
    // What stands in our own files and tables: names of attributes, levels, terms of agreements, kinds of records.
    AlteredRecord, AttributeName, Level, LoweredProtection, StandingReason,
    // Where a phone number belongs, without the number.
    Country,
    // What an error says of itself.
    Explanation,
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

impl sealed::Listed for RefusalKind {}
impl Tellable for RefusalKind {
    fn told(&self) -> String {
        format!("{} {}", self.code(), self.name())
    }
}

impl sealed::Listed for (AttributeName, Withheld) {}
impl Tellable for (AttributeName, Withheld) {
    fn told(&self) -> String {
        format!("{}:{}", self.0.as_str(), self.1.code())
    }
}

impl<T: Tellable> sealed::Listed for Vec<T> {}
impl<T: Tellable> Tellable for Vec<T> {
    fn told(&self) -> String {
        self.iter().map(Tellable::told).collect::<Vec<_>>().join(" ")
    }
}

impl<T: Tellable> sealed::Listed for Option<T> {}
impl<T: Tellable> Tellable for Option<T> {
    fn told(&self) -> String {
        self.as_ref().map(Tellable::told).unwrap_or_default()
    }
}
