//! What is held about one person, as a decision reads it.

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

use super::AttributeName;
use crate::proofing::ProofedProfile;

/// One value of a person's attribute. Wiped when dropped; neither `Debug` nor `Display` shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct AttributeValue(Zeroizing<String>);

impl AttributeValue {
    /// The value with this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text, for the page that shows it to the person and for the assertion that carries it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AttributeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AttributeValue(…)")
    }
}

/// What is held about one person at the moment of a decision, as far as it can be read then: contact data opened with
/// the service's keys, the profile opened with the vault's key.
#[derive(Debug, Clone, Default)]
pub struct HeldAttributes {
    values: BTreeMap<AttributeName, Vec<AttributeValue>>,
    proofed: Option<ProofedProfile>,
    vault_is_closed: bool,
}

impl HeldAttributes {
    /// Nothing held yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the values of an attribute. No value at all is the same as not held.
    #[must_use]
    pub fn with(mut self, name: AttributeName, values: impl IntoIterator<Item = AttributeValue>) -> Self {
        self.values.insert(name, values.into_iter().collect());
        self
    }

    /// Says what proofing has established.
    #[must_use]
    pub const fn proofed(mut self, profile: ProofedProfile) -> Self {
        self.proofed = Some(profile);
        self
    }

    /// Says that a profile exists and could not be read because the vault is closed.
    #[must_use]
    pub const fn vault_closed(mut self) -> Self {
        self.vault_is_closed = true;
        self
    }

    /// Without the profile: as if nothing had been proofed. For a person who goes on although the vault stays closed.
    #[must_use]
    pub fn without_profile(mut self) -> Self {
        self.values.retain(|name, _| !name.is_proofed());
        Self { proofed: None, vault_is_closed: false, ..self }
    }

    /// The values of an attribute, empty when it is not held.
    #[must_use]
    pub fn get(&self, name: AttributeName) -> &[AttributeValue] {
        self.values.get(&name).map_or(&[], Vec::as_slice)
    }

    /// What proofing has established.
    #[must_use]
    pub const fn proofed_profile(&self) -> Option<&ProofedProfile> {
        self.proofed.as_ref()
    }

    /// Whether a profile exists that could not be read.
    #[must_use]
    pub const fn vault_is_closed(&self) -> bool {
        self.vault_is_closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_without_a_value_is_not_held() {
        let held = HeldAttributes::new().with(AttributeName::Email, [AttributeValue::new("fiona@example.com")]);
        assert!(!held.get(AttributeName::Email).is_empty() && held.get(AttributeName::Ssn).is_empty());
        assert!(held.with(AttributeName::Email, []).get(AttributeName::Email).is_empty());
    }

    #[test]
    fn without_the_profile_nothing_is_left_of_it() {
        let held = HeldAttributes::new()
            .with(AttributeName::Email, [AttributeValue::new("fiona@example.com")])
            .with(AttributeName::Ssn, [AttributeValue::new("900-12-3456")])
            .vault_closed();
        let without = held.without_profile();
        assert!(!without.vault_is_closed() && without.proofed_profile().is_none());
        assert!(without.get(AttributeName::Ssn).is_empty() && !without.get(AttributeName::Email).is_empty());
    }

    #[test]
    fn debug_does_not_show_a_value() {
        let held = HeldAttributes::new().with(AttributeName::Ssn, [AttributeValue::new("900-12-3456")]);
        assert!(!format!("{held:?}").contains("900"));
    }
}
