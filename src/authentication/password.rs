//! Passwords (NIST SP 800-63B-4, 3.1.1): what a new one must be, and how one is checked.
//!
//! A password here is always used together with something the person has, so 12 characters are more than the 8 that
//! the standard asks for. There are no rules of composition and no expiry. What is refused is what can be guessed:
//! the blocklist, and everything that zxcvbn rates below 3 of 4 with the person's address and the service's name
//! among its words.
//!
//! One run of Argon2id serves twice: what comes out gives the verifier, which is stored only as a keyed digest under
//! the service's keys, and the key of the vault's password slot, which is stored nowhere. The parameters and the salt
//! stand beside the verifier, so they can be raised at any time.

mod stored;

use std::fmt;
use std::sync::LazyLock;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

pub use stored::{KnownPassword, StoredPassword};

use super::{AuthenticatorKind, Proof};
use crate::entropy::{Entropy, random_bytes};
use crate::sealing::{KeysError, Mac, Purpose, ServiceKeys, context, hkdf_sha256};
use crate::subscriber::vault::{SlotKey, SlotKind};
use crate::subscriber::{EmailAddress, SubscriberId};

/// The shortest password, in code points after NFC.
pub const SHORTEST: usize = 12;
/// The longest password, in code points after NFC.
pub const LONGEST: usize = 128;

/// Passwords that are refused as a whole, one a line, in lower case.
static BLOCKLIST: LazyLock<std::collections::HashSet<&'static str>> = LazyLock::new(|| {
    include_str!("password/blocklist.txt").lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect()
});

/// A password as somebody typed it, in NFC, so that one word typed on two keyboards is one word.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes a password to be checked against a stored one.
    #[must_use]
    pub fn given(text: &str) -> Self {
        Self(Zeroizing::new(text.nfc().collect()))
    }

    /// Takes a new password, if it is good enough.
    ///
    /// # Errors
    /// The first reason against it, in words that the page can explain.
    pub fn chosen(text: &str, about: &PasswordContext<'_>) -> Result<Self, WeakPassword> {
        let password = Self::given(text);
        let length = password.0.chars().count();
        if length < SHORTEST {
            return Err(WeakPassword::TooShort);
        }
        if length > LONGEST {
            return Err(WeakPassword::TooLong);
        }
        let lower = Zeroizing::new(password.0.to_lowercase());
        // 3.1.1.2: the whole password is compared, so a password may contain a listed one.
        if BLOCKLIST.contains(lower.as_str()) {
            return Err(WeakPassword::Common);
        }
        let address = about.email_address.map(EmailAddress::canonical);
        let service = about.service_name.to_lowercase();
        let own = [address.as_deref(), Some(service.as_str())];
        if own.into_iter().flatten().any(|word| repeats(&lower, word)) {
            return Err(WeakPassword::Yours);
        }
        let mut words: Vec<&str> = vec![service.as_str()];
        words.extend(service.split_whitespace());
        if let Some(address) = address.as_deref() {
            words.push(address);
            words.extend(address.split(['@', '.', '+', '-', '_']).filter(|part| part.len() > 2));
        }
        if zxcvbn::zxcvbn(&password.0, &words).score() < zxcvbn::Score::Three {
            return Err(WeakPassword::Guessable);
        }
        Ok(password)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Whether `text` is `word` alone, or several times over.
fn repeats(text: &str, word: &str) -> bool {
    !word.is_empty() && text.len().is_multiple_of(word.len()) && text == word.repeat(text.len() / word.len())
}

/// What a new password must not be made of.
#[derive(Debug, Clone, Copy)]
pub struct PasswordContext<'a> {
    /// The person's address, where it is known.
    pub email_address: Option<&'a EmailAddress>,
    /// The name that the service goes by.
    pub service_name: &'a str,
}

/// Why a new password is refused (3.1.1.2: the reason is told).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// On the list of common passwords.
    #[error("a common password")]
    Common,
    /// zxcvbn rates it below 3.
    #[error("easy to guess")]
    Guessable,
    /// More than 128 code points.
    #[error("more than {LONGEST} characters")]
    TooLong,
    /// Fewer than 12 code points.
    #[error("fewer than {SHORTEST} characters")]
    TooShort,
    /// The person's own address, or the service's name.
    #[error("your own address or the name of this service")]
    Yours,
}

/// The cost of one check. Stored with each verifier, so that raising it needs nobody's presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argon2Parameters {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Argon2Parameters {
    /// 46 MiB, one pass, one lane: OWASP's first choice for Argon2id.
    pub const DEFAULT: Self = Self { memory_kib: 47_104, iterations: 1, lanes: 1 };

    fn argon2(self) -> Result<Argon2<'static>, PasswordError> {
        let params = Params::new(self.memory_kib, self.iterations, self.lanes, Some(32))
            .map_err(|_| PasswordError::Parameters)?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }
}

impl Default for Argon2Parameters {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The memory that Argon2id works in. It grows to what is asked for and can be used again; asking the operating system for
/// 46 MiB of empty pages costs as much as the work itself.
#[derive(Default)]
pub struct Argon2Memory(Vec<Block>);

impl Argon2Memory {
    /// Whether nothing was worked on in it yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Argon2Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Argon2Memory(…)")
    }
}

/// What Argon2id made of a password: the costly step, done. Nothing of it is stored.
pub struct StretchedPassword {
    parameters: Argon2Parameters,
    salt: [u8; 16],
    output: Zeroizing<[u8; 32]>,
}

impl StretchedPassword {
    /// Stretches a new password with a new salt. Costly: the shell runs it behind its gate.
    ///
    /// # Errors
    /// When the parameters are out of range.
    pub fn new(
        password: &Password,
        parameters: Argon2Parameters,
        memory: &mut Argon2Memory,
        entropy: &dyn Entropy,
    ) -> Result<Self, PasswordError> {
        Self::with_salt(password, parameters, random_bytes(entropy), memory)
    }

    /// Stretches a password for comparing it with a stored verifier. Costly: the shell runs it behind its gate.
    ///
    /// # Errors
    /// When the stored parameters are out of range.
    pub fn for_verifier(
        password: &Password,
        verifier: &PasswordVerifier,
        memory: &mut Argon2Memory,
    ) -> Result<Self, PasswordError> {
        Self::with_salt(password, verifier.parameters, verifier.salt, memory)
    }

    /// Does the same work for an account that does not exist, so that the time tells nothing. Give what comes out to
    /// [`PasswordVerifier::matches`] of [`PasswordVerifier::nobodys`].
    ///
    /// # Errors
    /// When the parameters are out of range.
    pub fn for_nobody(
        password: &Password,
        parameters: Argon2Parameters,
        memory: &mut Argon2Memory,
    ) -> Result<Self, PasswordError> {
        Self::with_salt(password, parameters, [0; 16], memory)
    }

    fn with_salt(
        password: &Password,
        parameters: Argon2Parameters,
        salt: [u8; 16],
        memory: &mut Argon2Memory,
    ) -> Result<Self, PasswordError> {
        let argon2 = parameters.argon2()?;
        let blocks = argon2.params().block_count();
        if memory.0.len() < blocks {
            memory.0.resize(blocks, Block::default());
        }
        let mut output = Zeroizing::new([0_u8; 32]);
        argon2
            .hash_password_into_with_memory(password.0.as_bytes(), &salt, &mut *output, &mut memory.0)
            .map_err(|_| PasswordError::Parameters)?;
        Ok(Self { parameters, salt, output })
    }

    /// The key of the vault's password slot.
    #[must_use]
    pub fn slot_key(&self) -> SlotKey {
        SlotKey::derive(SlotKind::Password, &*self.output)
    }

    /// What the keyed digest is made over: bound to the person, and of no use for the vault.
    fn verifier_input(&self, subscriber: SubscriberId) -> Vec<u8> {
        let derived = hkdf_sha256(&*self.output, b"", &context(&[b"signet/password/v1/verifier"]));
        context(&[b"signet/password/v1", subscriber.as_bytes(), &*derived])
    }
}

impl fmt::Debug for StretchedPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StretchedPassword(…)")
    }
}

/// What is stored of a password: cost, salt, and a digest that only the service's keys can make.
///
/// Without those keys, not even a known password can be recognised in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordVerifier {
    parameters: Argon2Parameters,
    salt: [u8; 16],
    mac: Mac,
}

impl PasswordVerifier {
    const FORMAT: u8 = 1;

    /// The verifier of a new password.
    ///
    /// # Errors
    /// When the service's keys are unavailable.
    pub fn new(
        stretched: &StretchedPassword,
        subscriber: SubscriberId,
        keys: &dyn ServiceKeys,
    ) -> Result<Self, KeysError> {
        let mac = keys.mac(Purpose::Password, &stretched.verifier_input(subscriber))?;
        Ok(Self { parameters: stretched.parameters, salt: stretched.salt, mac })
    }

    /// Nobody's: matches no password, at the same cost.
    ///
    /// # Errors
    /// When the service's keys are unavailable.
    pub fn nobodys(parameters: Argon2Parameters, keys: &dyn ServiceKeys) -> Result<Self, KeysError> {
        let mac = keys.mac(Purpose::Password, b"nobody")?;
        Ok(Self { parameters, salt: [0; 16], mac })
    }

    /// Judges a password. Compared in constant time.
    ///
    /// # Errors
    /// When the service's keys are unavailable.
    pub fn prove(
        &self,
        stretched: &StretchedPassword,
        subscriber: SubscriberId,
        keys: &dyn ServiceKeys,
    ) -> Result<Option<Proof>, KeysError> {
        match keys.verify_mac(Purpose::Password, &stretched.verifier_input(subscriber), &self.mac) {
            Ok(right) => Ok(right.then(|| Proof::typed(AuthenticatorKind::Password))),
            // The key was retired, and with it every password that was not used before.
            Err(KeysError::RetiredKey(_)) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Whether it is the person's password.
    ///
    /// # Errors
    /// As [`PasswordVerifier::prove`].
    pub fn matches(
        &self,
        stretched: &StretchedPassword,
        subscriber: SubscriberId,
        keys: &dyn ServiceKeys,
    ) -> Result<bool, KeysError> {
        self.prove(stretched, subscriber, keys).map(|proof| proof.is_some())
    }

    /// Who has just chosen a password has proved it.
    pub fn chosen(&self) -> Proof {
        Proof::typed(AuthenticatorKind::Password)
    }

    /// Whether an older key than the newest made it, so that the next sign-in should replace it.
    #[must_use]
    pub fn is_of_an_older_key(&self, keys: &dyn ServiceKeys) -> bool {
        keys.root_keys().first().is_some_and(|newest| self.mac.key_id != *newest)
    }

    /// Whether it was made at a lower cost than `wanted`, so that the next sign-in should replace it.
    #[must_use]
    pub fn is_cheaper_than(&self, wanted: Argon2Parameters) -> bool {
        let cost = |p: Argon2Parameters| u64::from(p.memory_kib) * u64::from(p.iterations);
        cost(self.parameters) < cost(wanted)
    }

    /// As it is stored: format (1), memory, passes, lanes (4 each, big endian), salt (16), keyed digest (36).
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(65);
        bytes.push(Self::FORMAT);
        for number in [self.parameters.memory_kib, self.parameters.iterations, self.parameters.lanes] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(&self.salt);
        bytes.extend_from_slice(&self.mac.to_bytes());
        bytes
    }

    /// Reads what [`PasswordVerifier::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`PasswordError::UnknownFormat`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PasswordError> {
        let unknown = || PasswordError::UnknownFormat;
        let (format, rest) = bytes.split_first().ok_or_else(unknown)?;
        if *format != Self::FORMAT {
            return Err(unknown());
        }
        let (memory_kib, rest) = rest.split_first_chunk::<4>().ok_or_else(unknown)?;
        let (iterations, rest) = rest.split_first_chunk::<4>().ok_or_else(unknown)?;
        let (lanes, rest) = rest.split_first_chunk::<4>().ok_or_else(unknown)?;
        let (salt, rest) = rest.split_first_chunk::<16>().ok_or_else(unknown)?;
        let mac = Mac::from_bytes(rest).map_err(|_| unknown())?;
        let parameters = Argon2Parameters {
            memory_kib: u32::from_be_bytes(*memory_kib),
            iterations: u32::from_be_bytes(*iterations),
            lanes: u32::from_be_bytes(*lanes),
        };
        Ok(Self { parameters, salt: *salt, mac })
    }
}

/// Why a password cannot be worked on. None of these is the person's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Argon2id does not take these parameters.
    #[error("Argon2id parameters out of range")]
    Parameters,
    /// The stored verifier is not of a form that we wrote.
    #[error("a password verifier of unknown form")]
    UnknownFormat,
}

#[cfg(test)]
mod tests;
