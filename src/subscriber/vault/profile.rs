//! A whole profile: its attributes, and a list of them under the same key, so that a row that was taken away, added or put
//! back to an older version is noticed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Pii, SealedAttribute, VaultError, VaultKey};
use crate::entropy::Entropy;
use crate::subscriber::SubscriberId;

/// One row of a profile, as it is stored: which attribute, in which version, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileRow {
    /// The attribute's name, or `*list`.
    pub attribute: String,
    /// Grows by one each time that the profile is written anew.
    pub version: u32,
    /// The value.
    pub sealed: SealedAttribute,
}

impl ProfileRow {
    /// The name of the row that holds the list. No attribute has this name.
    pub const LIST: &str = "*list";

    /// Whether it is the list. Each version of a profile has another one.
    #[must_use]
    pub fn is_list(&self) -> bool {
        self.attribute == Self::LIST
    }
}

/// A profile, opened.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    version: u32,
    values: BTreeMap<String, Pii<Vec<u8>>>,
}

#[derive(Serialize, Deserialize)]
struct List {
    versions: BTreeMap<String, u32>,
}

impl Profile {
    /// A profile of these values, not yet stored.
    #[must_use]
    pub fn new(values: impl IntoIterator<Item = (String, Pii<Vec<u8>>)>) -> Self {
        Self { version: 0, values: values.into_iter().collect() }
    }

    /// The value of an attribute.
    #[must_use]
    pub fn get(&self, attribute: &str) -> Option<&Pii<Vec<u8>>> {
        self.values.get(attribute)
    }

    /// Each attribute with its value, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Pii<Vec<u8>>)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Puts a value in, or another in its place.
    pub fn set(&mut self, attribute: &str, value: Pii<Vec<u8>>) {
        self.values.insert(attribute.to_owned(), value);
    }

    /// Seals the whole profile in its next version. The rows replace those of the version before, all in one transaction.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn seal(
        &self,
        subscriber: SubscriberId,
        key: &VaultKey,
        entropy: &dyn Entropy,
    ) -> Result<Vec<ProfileRow>, VaultError> {
        let version = self.version.checked_add(1).ok_or(VaultError::UnknownForm)?;
        let row = |attribute: &str, value: &[u8]| {
            let sealed = key.seal_attribute(subscriber, attribute, version, value, entropy)?;
            Ok(ProfileRow { attribute: attribute.to_owned(), version, sealed })
        };
        let mut rows =
            self.values.iter().map(|(name, value)| row(name, value.expose())).collect::<Result<Vec<_>, _>>()?;
        let list = List { versions: self.values.keys().map(|name| (name.clone(), version)).collect() };
        let list = serde_json::to_vec(&list).map_err(|_| VaultError::UnknownForm)?;
        rows.push(row(ProfileRow::LIST, &list)?);
        Ok(rows)
    }

    /// Opens the rows of a person's profile; no rows are an empty profile.
    ///
    /// # Errors
    /// [`VaultError::DoesNotOpen`] when a row was altered, moved, added, taken away, or is of another version than the
    /// list says.
    pub fn open(subscriber: SubscriberId, key: &VaultKey, rows: &[ProfileRow]) -> Result<Self, VaultError> {
        if rows.is_empty() {
            return Ok(Self::default());
        }
        let open = |row: &ProfileRow| key.open_attribute(subscriber, &row.attribute, row.version, &row.sealed);
        let (lists, others): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.is_list());
        let [list_row] = lists.as_slice() else {
            return Err(VaultError::DoesNotOpen);
        };
        let list: List = serde_json::from_slice(open(list_row)?.expose()).map_err(|_| VaultError::UnknownForm)?;
        let mut values = BTreeMap::new();
        for row in others {
            if list.versions.get(&row.attribute) != Some(&row.version) {
                return Err(VaultError::DoesNotOpen);
            }
            values.insert(row.attribute.clone(), open(row)?);
        }
        if values.len() != list.versions.len() || values.len() + 1 != rows.len() {
            return Err(VaultError::DoesNotOpen);
        }
        Ok(Self { version: list_row.version, values })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::entropy::SystemEntropy;

    const ADA: SubscriberId = SubscriberId::from_bytes([1; 16]);

    fn profile(values: &[(&str, &str)]) -> Profile {
        Profile::new(values.iter().map(|(name, value)| ((*name).to_owned(), Pii::new(value.as_bytes().to_vec()))))
    }

    fn rows(profile: &Profile, key: &VaultKey) -> Vec<ProfileRow> {
        profile.seal(ADA, key, &SystemEntropy).unwrap()
    }

    #[test]
    fn a_profile_is_read_as_it_was_written() {
        let key = VaultKey::random(&SystemEntropy);
        let opened = Profile::open(ADA, &key, &rows(&profile(&[("ssn", "900-12-3456"), ("dob", "1990-01-02")]), &key));
        let opened = opened.unwrap();
        assert_eq!(opened.get("ssn").unwrap().expose(), b"900-12-3456");
        assert_eq!(opened.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["dob", "ssn"]);
        assert!(Profile::open(ADA, &key, &[]).unwrap().get("ssn").is_none());
    }

    #[test]
    fn a_row_put_back_taken_away_added_or_doubled_is_noticed() {
        let key = VaultKey::random(&SystemEntropy);
        let old = rows(&profile(&[("ssn", "900-12-3456"), ("dob", "1990-01-02")]), &key);
        let mut changed = Profile::open(ADA, &key, &old).unwrap();
        changed.set("ssn", Pii::new(b"900-65-4321".to_vec()));
        let new = rows(&changed, &key);
        assert!(Profile::open(ADA, &key, &new).is_ok());
        let refused = |rows: Vec<ProfileRow>| {
            assert_eq!(Profile::open(ADA, &key, &rows).err(), Some(VaultError::DoesNotOpen));
        };
        let of = |rows: &[ProfileRow], name: &str| rows.iter().find(|row| row.attribute == name).unwrap().clone();
        let without = |name: &str| new.iter().filter(|row| row.attribute != name).cloned().collect::<Vec<_>>();
        refused([without("ssn"), vec![of(&old, "ssn")]].concat());
        refused(without("ssn"));
        refused(without(ProfileRow::LIST));
        refused([without(ProfileRow::LIST), vec![of(&old, ProfileRow::LIST)]].concat());
        refused([new.clone(), vec![of(&new, "ssn")]].concat());
        let other = rows(&profile(&[("phone", "1")]), &key);
        refused([new.clone(), vec![of(&other, "phone")]].concat());
    }

    proptest! {
        #[test]
        fn any_value_survives(value: Vec<u8>, name in "[a-z_]{1,20}") {
            let key = VaultKey::random(&SystemEntropy);
            let profile = Profile::new([(name.clone(), Pii::new(value.clone()))]);
            let opened = Profile::open(ADA, &key, &rows(&profile, &key)).unwrap();
            prop_assert_eq!(opened.get(&name).unwrap().expose(), &value);
        }
    }
}
