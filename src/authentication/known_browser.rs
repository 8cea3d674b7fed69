//! Browsers that are known to an account: somebody signed in there with both factors before.
//!
//! A stranger who guesses passwords fills the account's count of wrong ones, and at a hundred the password ends for everybody
//! ([`RateLimit::PASSWORD_IN_A_ROW`](super::throttle::RateLimit::PASSWORD_IN_A_ROW)). So that a stranger cannot lock its
//! person out, a browser that is known to the account has a count of its own, also of a hundred at most
//! (NIST SP 800-63B-4, 3.2.2, lets a verifier tell such browsers apart).
//!
//! The browser holds a cookie with one secret for each account that it is known to. The secret proves nothing but that: it
//! signs nobody in and takes the place of no factor. Stored is a keyed hash of it, with a keyed digest that binds it to its
//! account and its end. A new password, signing out everywhere and an administrator's end of all sessions revoke it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use time::{Duration, UtcDateTime};
use zeroize::Zeroizing;

use crate::entropy::{Entropy, random_bytes};
use crate::sealing::{KeysError, Purpose, ServiceKeys, Vouched, VouchedRow, context, mac_column, milliseconds};
use crate::subscriber::SubscriberId;

/// The cookie's name.
pub const COOKIE: &str = "__Host-signet-known";
/// How long a browser stays known after the last full sign-in in it.
pub const LIFETIME: Duration = Duration::days(180);
/// The most accounts that one browser is known to; the one that was longest not signed in to is dropped.
pub const MOST_ACCOUNTS: usize = 5;
/// The most browsers that are known to one account; the oldest is dropped.
pub const MOST_BROWSERS: usize = 10;
/// The most wrong passwords in a row from one known browser: after that it is not known any more (3.2.2).
pub const MOST_WRONG_IN_A_ROW: u32 = 100;

/// What the cookie holds for one account: 256 random bits.
#[derive(Clone, PartialEq, Eq)]
pub struct KnownBrowserSecret(Zeroizing<[u8; 32]>);

impl KnownBrowserSecret {
    /// A new secret.
    #[must_use]
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(Zeroizing::new(random_bytes(entropy)))
    }

    /// The names under which the row can stand: one for each of the service's keys, the newest first.
    ///
    /// # Errors
    /// When the service's keys are unavailable.
    pub fn ids(&self, keys: &dyn ServiceKeys) -> Result<Vec<KnownBrowserId>, KeysError> {
        let octets = Zeroizing::new(context(&[b"signet/known-browser/v1/id", &*self.0]));
        Ok(keys.fingerprints(Purpose::KnownBrowser, &octets)?.into_iter().map(KnownBrowserId).collect())
    }
}

impl fmt::Debug for KnownBrowserSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KnownBrowserSecret(…)")
    }
}

/// The name of a row: a keyed hash of the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KnownBrowserId([u8; 32]);

impl KnownBrowserId {
    /// As it was stored.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// As it is stored.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// What the cookie holds: a secret for each account, the one that was signed in to last at the end.
#[derive(Debug, Clone, Default)]
pub struct KnownBrowserCookie(Vec<KnownBrowserSecret>);

impl KnownBrowserCookie {
    /// Reads a cookie's value. What is not exactly a secret of ours is left out.
    #[must_use]
    pub fn from_value(value: &str) -> Self {
        let secret = |text: &str| {
            let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
            <[u8; 32]>::try_from(bytes.as_slice()).ok().map(|bytes| KnownBrowserSecret(Zeroizing::new(bytes)))
        };
        Self(value.split('.').take(MOST_ACCOUNTS).filter_map(secret).collect())
    }

    /// The cookie's value: 43 characters of base64url for each secret, with dots between.
    #[must_use]
    pub fn to_value(&self) -> String {
        self.0.iter().map(|secret| URL_SAFE_NO_PAD.encode(*secret.0)).collect::<Vec<_>>().join(".")
    }

    /// The secrets.
    #[must_use]
    pub fn secrets(&self) -> &[KnownBrowserSecret] {
        &self.0
    }

    /// Adds the secret of an account in place of `before`, and drops the ones that are too many: they are returned.
    pub fn put(&mut self, before: &[KnownBrowserSecret], secret: KnownBrowserSecret) -> Vec<KnownBrowserSecret> {
        self.0.retain(|one| !before.contains(one));
        self.0.push(secret);
        let too_many = self.0.len().saturating_sub(MOST_ACCOUNTS);
        self.0.drain(..too_many).collect()
    }
}

/// What a row says, as plain octets and numbers: nobody vouches for it before [`StoredKnownBrowser::authenticate`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKnownBrowser {
    /// Its name.
    pub id: KnownBrowserId,
    /// To whose account the browser is known.
    pub subscriber: SubscriberId,
    /// When both factors were shown there, in milliseconds since 1970.
    pub made_at: i64,
    /// Until when it is known, in milliseconds since 1970.
    pub expires_at: i64,
    /// The keyed digest, as [`Mac::to_bytes`](crate::sealing::Mac::to_bytes) writes it.
    pub mac: Vec<u8>,
}

/// A browser that this service wrote down as known to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownBrowser {
    /// The name of its row.
    pub id: KnownBrowserId,
    /// To whose account it is known.
    pub subscriber: SubscriberId,
}

impl StoredKnownBrowser {
    /// What to store of a browser in which somebody has just shown both factors.
    ///
    /// # Errors
    /// When the service's keys are unavailable.
    pub fn new(
        secret: &KnownBrowserSecret,
        of: SubscriberId,
        now: UtcDateTime,
        keys: &dyn ServiceKeys,
    ) -> Result<Self, KeysError> {
        let id = secret.ids(keys)?.into_iter().next().ok_or(KeysError::Unavailable)?;
        let (made_at, expires_at) = (milliseconds(now), milliseconds(now + LIFETIME));
        let stored = Self { id, subscriber: of, made_at, expires_at, mac: Vec::new() };
        stored.vouched(now, keys)
    }
}

/// One that was altered makes no browser known, and neither does one that has expired by now.
impl VouchedRow for StoredKnownBrowser {
    type Context<'c> = UtcDateTime;
    type Meaning = Option<KnownBrowser>;
    const PURPOSE: Purpose = Purpose::KnownBrowser;
    mac_column!();

    /// {label, name, subscriber, made, expires}.
    fn octets(&self, _: UtcDateTime) -> Vec<u8> {
        context(&[
            b"signet/known-browser/v1/row",
            self.id.as_bytes(),
            self.subscriber.as_bytes(),
            &self.made_at.to_be_bytes(),
            &self.expires_at.to_be_bytes(),
        ])
    }

    fn meaning(row: Vouched<'_, Self>, now: UtcDateTime) -> Option<Self::Meaning> {
        let known = KnownBrowser { id: row.id, subscriber: row.subscriber };
        Some((milliseconds(now) < row.expires_at).then_some(known))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::utc_datetime;

    use super::*;
    use crate::entropy::SystemEntropy;
    use crate::sealing::NotVouched;
    use crate::services::keys::keys_for_tests;

    const ADA: SubscriberId = SubscriberId::from_bytes([1; 16]);
    const NOW: UtcDateTime = utc_datetime!(2026-11-24 12:00);

    #[test]
    fn a_cookie_holds_the_secrets_of_the_last_five_accounts() {
        let secrets: Vec<_> = (0..7).map(|_| KnownBrowserSecret::random(&SystemEntropy)).collect();
        let mut cookie = KnownBrowserCookie::default();
        for secret in &secrets[..5] {
            assert_eq!(cookie.put(&[], secret.clone()), []);
        }
        assert_eq!(cookie.put(&[], secrets[5].clone()), [secrets[0].clone()]);
        assert_eq!(cookie.put(&[secrets[3].clone()], secrets[6].clone()), []);
        let again = KnownBrowserCookie::from_value(&cookie.to_value());
        let expected = [&secrets[1], &secrets[2], &secrets[4], &secrets[5], &secrets[6]];
        assert_eq!(again.secrets().iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_is_no_secret_is_left_out_of_a_cookie() {
        let mut cookie = KnownBrowserCookie::default();
        cookie.put(&[], KnownBrowserSecret::random(&SystemEntropy));
        let value = format!("x.{}.{}.", "A".repeat(44), cookie.to_value());
        assert_eq!(KnownBrowserCookie::from_value(&value).to_value(), cookie.to_value());
        assert_eq!(KnownBrowserCookie::from_value("").secrets(), []);
    }

    #[test]
    fn a_row_of_another_account_or_time_makes_no_browser_known() {
        let keys = keys_for_tests();
        let secret = KnownBrowserSecret::random(&SystemEntropy);
        let stored = StoredKnownBrowser::new(&secret, ADA, NOW, &keys).unwrap();
        let known = KnownBrowser { id: secret.ids(&keys).unwrap()[0], subscriber: ADA };
        assert_eq!(stored.authenticate(NOW, &keys), Ok(Some(known)));
        assert_eq!(stored.authenticate(NOW + LIFETIME, &keys), Ok(None));
        let other = SubscriberId::from_bytes([2; 16]);
        for altered in [
            StoredKnownBrowser { subscriber: other, ..stored.clone() },
            StoredKnownBrowser { expires_at: stored.expires_at + 1, ..stored.clone() },
            StoredKnownBrowser { id: KnownBrowserId::from_bytes([3; 32]), ..stored.clone() },
            StoredKnownBrowser { mac: vec![], ..stored.clone() },
        ] {
            assert_eq!(altered.authenticate(NOW, &keys), Err(NotVouched::Altered), "{altered:?}");
        }
    }
}
