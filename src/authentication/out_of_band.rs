//! Codes by text message (NIST SP 800-63B-4, 3.1.3): six digits, ten minutes, once.
//!
//! Stored is only a keyed hash, bound to the person, the phone, the session and what the code is for; so a code for adding a phone
//! signs nobody in. Text messages are a *restricted* authenticator: pages always offer another kind beside them.
//! Sending again makes a new code, and the one before counts no more, as page and message say; it resets nothing: wrong tries are counted by [`super::throttle`].

use std::fmt;

use time::{Duration, UtcDateTime};
use zeroize::Zeroizing;

use super::session::SessionIdHash;
use super::throttle::RateLimit;
use super::{AuthenticatorKind, Proof};
use crate::entropy::{Entropy, random_bytes};
use crate::sealing::{KeysError, Mac, Purpose, ServiceKeys, context};
use crate::subscriber::{Country, PhoneNumber, SubscriberId, six_digits};

/// How long a code is valid (3.1.3.2: at most ten minutes).
pub const LIFETIME: Duration = Duration::minutes(10);

/// To whose phones codes go, and how many in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextMessageTerms {
    /// Countries whose phones can be set up.
    pub countries: Vec<Country>,
    /// To the ten thousand numbers of one block, for phones that are being set up.
    pub by_block: RateLimit,
    /// Altogether, for phones that are being set up.
    pub to_new_phones: RateLimit,
    /// Altogether, to phones with which people sign in.
    pub to_known_phones: RateLimit,
}

/// To nobody, until the settings say to whom.
impl Default for TextMessageTerms {
    fn default() -> Self {
        Self {
            countries: Vec::new(),
            by_block: RateLimit::TEXT_BY_BLOCK,
            to_new_phones: RateLimit::TEXT_TO_NEW_PHONES,
            to_known_phones: RateLimit::TEXT_TO_KNOWN_PHONES,
        }
    }
}

/// What a code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CodePurpose {
    /// Shows that a phone is the person's, before it becomes an authenticator.
    ConfirmPhone,
    /// Second factor.
    SignIn,
}

impl CodePurpose {
    /// The word that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConfirmPhone => "confirm_phone",
            Self::SignIn => "sign_in",
        }
    }

    /// Reads the stored word.
    #[must_use]
    pub fn from_stored(word: &str) -> Option<Self> {
        [Self::ConfirmPhone, Self::SignIn].into_iter().find(|purpose| purpose.as_str() == word)
    }
}

/// A code, as it goes into the text message and nowhere else.
#[derive(Clone)]
pub struct OutOfBandCode(Zeroizing<String>);

impl OutOfBandCode {
    /// A new code: each of the million is equally likely.
    #[must_use]
    pub fn random(entropy: &dyn Entropy) -> Self {
        // Numbers at the end of the range that would make small codes likelier are thrown again.
        const FAIR: u32 = u32::MAX - u32::MAX % 1_000_000;
        loop {
            let number = u32::from_be_bytes(random_bytes(entropy));
            if number < FAIR {
                return Self(Zeroizing::new(format!("{:06}", number % 1_000_000)));
            }
        }
    }

    /// Takes what a person typed, in digits of any script; spaces and dashes are dropped.
    ///
    /// # Errors
    /// [`CodeRefused::Malformed`] when it is not six digits.
    pub fn given(text: &str) -> Result<Self, CodeRefused> {
        six_digits(text).map(Self).ok_or(CodeRefused::Malformed)
    }

    /// The digits, for the message.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for OutOfBandCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OutOfBandCode(…)")
    }
}

/// Whom and what a code is bound to.
#[derive(Debug, Clone, Copy)]
pub struct CodeBinding<'a> {
    /// Whose code.
    pub subscriber: SubscriberId,
    /// The phone that it is sent to.
    pub phone: &'a PhoneNumber,
    /// What it is for.
    pub purpose: CodePurpose,
    /// The session in which it was asked for.
    pub session: SessionIdHash,
}

impl CodeBinding<'_> {
    fn octets(&self, code: &OutOfBandCode, expires_at: UtcDateTime) -> Vec<u8> {
        let expires_at = expires_at.unix_timestamp_nanos() / 1_000_000;
        context(&[
            b"signet/out-of-band/v1",
            self.purpose.as_str().as_bytes(),
            self.subscriber.as_bytes(),
            self.phone.e164().as_bytes(),
            self.session.as_bytes(),
            &expires_at.to_be_bytes(),
            code.0.as_bytes(),
        ])
    }
}

/// What is stored of a code that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssuedCode {
    /// The keyed hash.
    pub mac: Mac,
    /// The code is refused from this moment on.
    pub expires_at: UtcDateTime,
}

impl IssuedCode {
    /// What to store of a code that is about to be sent.
    ///
    /// # Errors
    /// When the service's keys are unavailable.
    pub fn new(
        code: &OutOfBandCode,
        bound: &CodeBinding<'_>,
        now: UtcDateTime,
        keys: &dyn ServiceKeys,
    ) -> Result<Self, KeysError> {
        let expires_at = now + LIFETIME;
        let mac = keys.mac(Purpose::OutOfBandCode, &bound.octets(code, expires_at))?;
        Ok(Self { mac, expires_at })
    }

    /// Judges a code that came back. Whoever accepts one uses it up in storage, atomically, before anything else.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn accept(
        &self,
        code: &OutOfBandCode,
        bound: &CodeBinding<'_>,
        now: UtcDateTime,
        keys: &dyn ServiceKeys,
    ) -> Result<Proof, CodeRefused> {
        if now >= self.expires_at {
            return Err(CodeRefused::Expired);
        }
        match keys.verify_mac(Purpose::OutOfBandCode, &bound.octets(code, self.expires_at), &self.mac) {
            Ok(true) => Ok(Proof::typed(AuthenticatorKind::OutOfBand)),
            Ok(false) => Err(CodeRefused::Wrong),
            Err(error) => Err(CodeRefused::Keys(error)),
        }
    }
}

/// Why a code is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodeRefused {
    /// Ten minutes have passed.
    #[error("the code has expired")]
    Expired,
    /// The service's keys are unavailable.
    #[error(transparent)]
    Keys(KeysError),
    /// Not six digits.
    #[error("not six digits")]
    Malformed,
    /// Another code, or one for another person, phone or purpose.
    #[error("not the code that was sent")]
    Wrong,
}

#[cfg(test)]
mod tests {
    use time::macros::utc_datetime;

    use super::*;
    use crate::entropy::SystemEntropy;
    use crate::services::keys::keys_for_tests;

    const ADA: SubscriberId = SubscriberId::from_bytes([1; 16]);
    const HERE: SessionIdHash = SessionIdHash::from_bytes([7; 32]);
    const NOW: UtcDateTime = utc_datetime!(2026-11-24 12:00);

    fn phone(text: &str) -> PhoneNumber {
        PhoneNumber::parse(text, "US").unwrap()
    }

    #[test]
    fn the_code_that_was_sent_is_taken_until_ten_minutes_have_passed() {
        let (keys, phone) = (keys_for_tests(), phone("+1 202 456 1111"));
        let bound = CodeBinding { subscriber: ADA, phone: &phone, purpose: CodePurpose::SignIn, session: HERE };
        let code = OutOfBandCode::random(&SystemEntropy);
        let issued = IssuedCode::new(&code, &bound, NOW, &keys).unwrap();
        let accept = |at| issued.accept(&code, &bound, at, &keys);
        assert!(accept(NOW).is_ok());
        assert!(accept(NOW + LIFETIME - Duration::milliseconds(1)).is_ok());
        assert_eq!(accept(NOW + LIFETIME), Err(CodeRefused::Expired));
    }

    #[test]
    fn a_code_for_another_person_phone_purpose_or_session_is_refused() {
        let (keys, home, away) = (keys_for_tests(), phone("+1 202 456 1111"), phone("+1 202 456 1414"));
        let bound = CodeBinding { subscriber: ADA, phone: &home, purpose: CodePurpose::ConfirmPhone, session: HERE };
        let code = OutOfBandCode::given("012 345").unwrap();
        let issued = IssuedCode::new(&code, &bound, NOW, &keys).unwrap();
        for other in [
            CodeBinding { subscriber: SubscriberId::from_bytes([2; 16]), ..bound },
            CodeBinding { phone: &away, ..bound },
            CodeBinding { purpose: CodePurpose::SignIn, ..bound },
            CodeBinding { session: SessionIdHash::from_bytes([8; 32]), ..bound },
        ] {
            assert_eq!(issued.accept(&code, &other, NOW, &keys), Err(CodeRefused::Wrong));
        }
        let wrong = OutOfBandCode::given("012346").unwrap();
        assert_eq!(issued.accept(&wrong, &bound, NOW, &keys), Err(CodeRefused::Wrong));
    }

    #[test]
    fn a_code_lives_no_longer_because_its_row_says_so() {
        let (keys, phone) = (keys_for_tests(), phone("+1 202 456 1111"));
        let bound = CodeBinding { subscriber: ADA, phone: &phone, purpose: CodePurpose::SignIn, session: HERE };
        let code = OutOfBandCode::random(&SystemEntropy);
        let issued = IssuedCode::new(&code, &bound, NOW, &keys).unwrap();
        let prolonged = IssuedCode { expires_at: issued.expires_at + Duration::HOUR, ..issued };
        assert_eq!(prolonged.accept(&code, &bound, NOW + LIFETIME, &keys), Err(CodeRefused::Wrong));
    }

    #[test]
    fn codes_have_six_digits() {
        for _ in 0..1000 {
            let code = OutOfBandCode::random(&SystemEntropy);
            assert!(OutOfBandCode::given(code.digits()).is_ok());
        }
        for malformed in ["", "12345", "1234567", "12345x"] {
            assert_eq!(OutOfBandCode::given(malformed).err(), Some(CodeRefused::Malformed));
        }
    }

    #[test]
    fn a_code_at_the_unfair_end_of_the_range_is_thrown_again() {
        struct Dice(std::sync::Mutex<Vec<u32>>);
        impl Entropy for Dice {
            fn fill(&self, bytes: &mut [u8]) {
                bytes.copy_from_slice(&self.0.lock().unwrap().remove(0).to_be_bytes());
            }
        }
        let dice = Dice(std::sync::Mutex::new(vec![u32::MAX, 4_294_000_000, 7]));
        assert_eq!(OutOfBandCode::random(&dice).digits(), "000007");
    }
}
