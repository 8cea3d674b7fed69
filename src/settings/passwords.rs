//! `[passwords]`: what one check of a password costs, us and whom steals the database.

use serde::{Deserialize, Serialize};

use super::SettingsError;
use crate::authentication::password::Argon2Parameters;

/// The least memory for so many passes, the first for one: OWASP's choices for Argon2id, each as strong as the others.
const LEAST_MEMORY_KIB: [u32; 5] = [47_104, 19_456, 12_288, 9_216, 7_168];
/// A check that needs more memory than this stops a node rather than a thief.
const MOST_MEMORY_KIB: u32 = 1024 * 1024;
const MOST_PASSES: u32 = 10;
const MOST_LANES: u32 = 8;

/// `[passwords]`. A verifier says what it cost; where that is less than what is set, the password's next right use makes a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PasswordSettings {
    /// Memory of one check. One pass needs 47104 (46 MiB), two 19456, three 12288, four 9216, five or more 7168.
    pub argon2id_memory_kib: u32,
    /// Passes over the memory, 1 to 10.
    pub argon2id_passes: u32,
    /// Lanes, 1 to 8.
    pub argon2id_lanes: u32,
}

impl Default for PasswordSettings {
    fn default() -> Self {
        let Argon2Parameters { memory_kib, iterations, lanes } = Argon2Parameters::DEFAULT;
        Self { argon2id_memory_kib: memory_kib, argon2id_passes: iterations, argon2id_lanes: lanes }
    }
}

impl PasswordSettings {
    /// The cost of one check.
    ///
    /// # Errors
    /// [`SettingsError::Unusable`], naming the setting that makes it too cheap or too dear.
    pub fn cost(&self) -> Result<Argon2Parameters, SettingsError> {
        let Self { argon2id_memory_kib, argon2id_passes, argon2id_lanes } = *self;
        if !(1..=MOST_PASSES).contains(&argon2id_passes) {
            return Err(SettingsError::unusable("passwords.argon2id_passes", &"a number from 1 to 10"));
        }
        if !(1..=MOST_LANES).contains(&argon2id_lanes) {
            return Err(SettingsError::unusable("passwords.argon2id_lanes", &"a number from 1 to 8"));
        }
        let fewer = usize::try_from(argon2id_passes - 1).unwrap_or(usize::MAX);
        let least = LEAST_MEMORY_KIB.get(fewer).or(LEAST_MEMORY_KIB.last()).copied().unwrap_or(MOST_MEMORY_KIB);
        if !(least..=MOST_MEMORY_KIB).contains(&argon2id_memory_kib) {
            let wanted = format!("with {argon2id_passes} passes, a number from {least} to {MOST_MEMORY_KIB}");
            return Err(SettingsError::unusable("passwords.argon2id_memory_kib", &wanted));
        }
        Ok(Argon2Parameters { memory_kib: argon2id_memory_kib, iterations: argon2id_passes, lanes: argon2id_lanes })
    }
}
