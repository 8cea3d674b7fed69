//! The row of a password: which verifier an account has, and since when. The verifier alone could be exchanged for an older one
//! of the same person, or its cost raised until nobody can sign in; so the row carries a keyed digest over all of it.

use time::UtcDateTime;

use super::PasswordVerifier;
use crate::sealing::{
    KeysError, Purpose, ServiceKeys, Vouched, VouchedRow, context, instant, mac_column, milliseconds,
};
use crate::subscriber::SubscriberId;

/// What a row says of a person's password, as plain octets and numbers: nobody vouches for it before
/// [`StoredPassword::authenticate`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPassword {
    /// The verifier, as [`PasswordVerifier::to_bytes`] writes it.
    pub verifier: Vec<u8>,
    /// Milliseconds since 1970.
    pub set_at: i64,
    /// The keyed digest, as [`Mac::to_bytes`](crate::sealing::Mac::to_bytes) writes it.
    pub mac: Vec<u8>,
}

/// A password that this service wrote down itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownPassword {
    /// The verifier.
    pub verifier: PasswordVerifier,
    /// When it was set.
    pub set_at: UtcDateTime,
}

impl StoredPassword {
    /// What to store of a new password.
    ///
    /// # Errors
    /// When the service's keys are unavailable.
    pub fn new(
        of: SubscriberId,
        verifier: &PasswordVerifier,
        now: UtcDateTime,
        keys: &dyn ServiceKeys,
    ) -> Result<Self, KeysError> {
        let stored = Self { verifier: verifier.to_bytes(), set_at: milliseconds(now), mac: Vec::new() };
        stored.vouched(of, keys)
    }
}

/// Of one that was altered, the person counts as somebody without a password. Its digest can be made anew; the verifier in it
/// stays as it is, since only the person's password can make that anew.
impl VouchedRow for StoredPassword {
    type Context<'c> = SubscriberId;
    type Meaning = KnownPassword;
    const PURPOSE: Purpose = Purpose::Password;
    mac_column!();

    /// {label, subscriber, verifier, time}.
    fn octets(&self, of: SubscriberId) -> Vec<u8> {
        context(&[b"signet/password-row/v1", of.as_bytes(), &self.verifier, &self.set_at.to_be_bytes()])
    }

    fn meaning(row: Vouched<'_, Self>, _: SubscriberId) -> Option<KnownPassword> {
        let verifier = PasswordVerifier::from_bytes(&row.verifier).ok()?;
        Some(KnownPassword { verifier, set_at: instant(row.set_at)? })
    }
}

#[cfg(test)]
mod tests {
    use time::macros::utc_datetime;

    use super::*;
    use crate::authentication::password::{Argon2Memory, Argon2Parameters, Password, StretchedPassword};
    use crate::entropy::SystemEntropy;
    use crate::sealing::NotVouched;
    use crate::services::keys::keys_for_tests;

    const ADA: SubscriberId = SubscriberId::from_bytes([1; 16]);
    const NOW: UtcDateTime = utc_datetime!(2026-11-24 12:00);

    #[test]
    fn row_of_another_person_time_or_cost_is_not_the_persons() {
        let keys = keys_for_tests();
        let cheap = Argon2Parameters { memory_kib: 64, iterations: 1, lanes: 1 };
        let (password, mut memory) = (Password::given("a password"), Argon2Memory::default());
        let stretched = StretchedPassword::new(&password, cheap, &mut memory, &SystemEntropy).unwrap();
        let verifier = PasswordVerifier::new(&stretched, ADA, &keys).unwrap();
        let stored = StoredPassword::new(ADA, &verifier, NOW, &keys).unwrap();
        assert_eq!(stored.authenticate(ADA, &keys), Ok(KnownPassword { verifier, set_at: NOW }));
        let refused = |stored: &StoredPassword, of| {
            assert_eq!(stored.authenticate(of, &keys), Err(NotVouched::Altered), "{stored:?}");
        };
        refused(&stored, SubscriberId::from_bytes([2; 16]));
        refused(&StoredPassword { set_at: stored.set_at - 1, ..stored.clone() }, ADA);
        let mut dear = stored.clone();
        dear.verifier[1] = 0xff;
        refused(&dear, ADA);
        refused(&StoredPassword { mac: vec![], ..stored.clone() }, ADA);
    }
}
