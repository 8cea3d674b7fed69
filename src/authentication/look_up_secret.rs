//! The recovery key (NIST SP 800-63B-4, 3.1.2 and 4.2): 128 random bits, shown once, that open the vault again.
//!
//! It is written in Crockford's Base32 in seven groups of four: 26 letters of secret and two of check, so that a slip
//! of the pen is told at once and costs no try.

use std::fmt;

use zeroize::Zeroizing;

use crate::entropy::Entropy;
use crate::sealing::SecretOctets;
use crate::subscriber::vault::{SlotKey, SlotKind};

/// Crockford's alphabet: no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Letters in all: 28 × 5 bits are 128 of secret and 12 of check.
const LETTERS: usize = 28;

/// A recovery key.
#[derive(Clone)]
pub struct RecoveryKey(SecretOctets<16>);

impl RecoveryKey {
    /// A new key.
    #[must_use]
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(SecretOctets::random(entropy))
    }

    /// As it is shown, once: seven groups of four letters.
    #[must_use]
    pub fn for_display(&self) -> Zeroizing<String> {
        let mut bits = (u128::from_be_bytes(*self.0), u32::from(check(&self.0)));
        let mut letters = [0_u8; LETTERS];
        for letter in letters.iter_mut().rev() {
            let five = usize::try_from(bits.1 & 31).unwrap_or_default();
            *letter = ALPHABET.get(five).copied().unwrap_or(b'0');
            // 140 bits in two numbers, shifted down by five.
            let carry = u32::try_from(bits.0 & 31).unwrap_or_default();
            bits = (bits.0 >> 5, (bits.1 >> 5) | (carry << 7));
        }
        let groups = letters.chunks(4).map(|group| String::from_utf8_lossy(group).into_owned());
        Zeroizing::new(groups.collect::<Vec<_>>().join("-"))
    }

    /// Reads what a person typed: any case, any spaces and dashes, I and L for 1, O for 0.
    ///
    /// # Errors
    /// [`RecoveryKeyError`] when it cannot be a key of ours, which says nothing about any account.
    pub fn parse(text: &str) -> Result<Self, RecoveryKeyError> {
        let mut bits: (u128, u32) = (0, 0);
        let mut letters = 0_usize;
        for c in text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '–' | '—' | '_' | '.')) {
            let five = value(c).ok_or(RecoveryKeyError::Malformed)?;
            letters += 1;
            if letters > LETTERS {
                return Err(RecoveryKeyError::Malformed);
            }
            let carry = (bits.1 >> 7) & 31;
            bits = ((bits.0 << 5) | u128::from(carry), ((bits.1 << 5) | five) & 0xfff);
        }
        if letters != LETTERS {
            return Err(RecoveryKeyError::Malformed);
        }
        let key = Self(SecretOctets::of(&bits.0.to_be_bytes()));
        if u32::from(check(&key.0)) != bits.1 {
            return Err(RecoveryKeyError::Mistyped);
        }
        Ok(key)
    }

    /// As it stands in the sealed session until it was shown.
    pub(crate) fn as_session(&self) -> &[u8; 16] {
        &self.0
    }

    /// Out of the sealed session.
    pub(crate) fn from_session(bytes: &[u8; 16]) -> Self {
        Self(SecretOctets::of(bytes))
    }

    /// The key of the vault's recovery slot. Opening that slot is the check of the key: nothing else is stored.
    #[must_use]
    pub fn slot_key(&self) -> SlotKey {
        SlotKey::derive(SlotKind::RecoveryKey, &*self.0)
    }
}

impl fmt::Debug for RecoveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryKey(…)")
    }
}

/// Twelve bits that tell a slip of the pen. They give nothing away: they follow from the letters before them.
fn check(key: &[u8; 16]) -> u16 {
    let mut hash = openssl::sha::Sha256::new();
    hash.update(b"signet/recovery-key/v1/check");
    hash.update(key);
    let [first, second, ..] = hash.finish();
    (u16::from(first) << 4) | (u16::from(second) >> 4)
}

/// What a letter stands for.
fn value(letter: char) -> Option<u32> {
    let letter = match letter.to_ascii_uppercase() {
        'I' | 'L' => '1',
        'O' => '0',
        other => other,
    };
    let letter = u8::try_from(letter).ok()?;
    ALPHABET.iter().position(|known| *known == letter).and_then(|at| u32::try_from(at).ok())
}

/// Why a text is not a recovery key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryKeyError {
    /// Too few or too many letters, or one that is never used.
    #[error("a recovery key has {LETTERS} letters and digits in seven groups")]
    Malformed,
    /// The check letters do not fit: a letter is wrong.
    #[error("a letter of the recovery key is mistyped")]
    Mistyped,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(bytes: [u8; 16]) -> RecoveryKey {
        RecoveryKey(SecretOctets::of(&bytes))
    }

    #[test]
    fn it_is_shown_in_seven_groups_of_four() {
        let shown = key([0xa5; 16]).for_display();
        assert_eq!(shown.len(), 34);
        assert!(shown.split('-').count() == 7 && shown.split('-').all(|group| group.len() == 4));
    }

    proptest! {
        #[test]
        fn what_was_shown_can_be_typed_in_any_manner(bytes: [u8; 16]) {
            let shown = key(bytes).for_display();
            let sloppy = shown.to_lowercase().replace('-', "  ").replace('1', "l").replace('0', "o");
            for text in [shown.as_str(), sloppy.as_str(), shown.replace('-', "").as_str()] {
                prop_assert_eq!(*RecoveryKey::parse(text).unwrap().0, bytes);
            }
        }

        #[test]
        fn one_wrong_letter_is_told_almost_always(bytes: [u8; 16], at in 0..28_usize, by in 1..32_usize) {
            let mut letters: Vec<u8> = key(bytes).for_display().replace('-', "").into_bytes();
            let was = ALPHABET.iter().position(|known| *known == letters[at]).unwrap();
            letters[at] = ALPHABET[(was + by) % 32];
            let typed = String::from_utf8(letters).unwrap();
            // Twelve bits of check: one slip in 4,096 may pass, and then opens nothing.
            if let Ok(parsed) = RecoveryKey::parse(&typed) {
                prop_assert_ne!(*parsed.0, bytes);
            }
        }
    }

    #[test]
    fn what_is_no_key_is_told() {
        let shown = key([1; 16]).for_display();
        let mut other = shown.replace('-', "");
        other.pop();
        for text in ["", "hello", other.as_str(), &format!("{}0", *shown), &shown.replace('-', "u")] {
            assert_eq!(RecoveryKey::parse(text).err(), Some(RecoveryKeyError::Malformed), "{text}");
        }
        let first = if shown.starts_with('0') { "1" } else { "0" };
        let mistyped = format!("{first}{}", &shown[1..]);
        assert_eq!(RecoveryKey::parse(&mistyped).err(), Some(RecoveryKeyError::Mistyped));
    }
}
