//! A forgotten password (NIST SP 800-63B-4, 4.2), and the links that mails carry.
//!
//! The rules, in words:
//!
//! - A link goes to a confirmed address only, is valid for 24 hours, and works once. To a stranger the answer is the
//!   same whether or not the address is anybody's.
//! - Following it allows a new password and nothing more: signing in then asks for the second factor as ever.
//! - The new password cannot open what the old one sealed. The vault's password slot is dropped, and the vault stays
//!   sealed until the recovery key opens it; then a new recovery key is made, and shown once.
//! - Without the recovery key the vault stays sealed for good, and the page says what that means: what agencies get is
//!   what needs no vault, until the person proves who they are anew.
//! - Every session of the account ends, and every address of it is told.
//! - Where the password has ended after a hundred wrong tries in a row, the link also leads to taking it up again: by the
//!   second factor, then that password, five tries in all. The vault keeps its password slot.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use time::{Duration, UtcDateTime};
use zeroize::Zeroizing;

use crate::entropy::{Entropy, random_bytes};

/// How long the link of a mail is valid (4.2: 24 hours for mail).
pub const LINK_LIFETIME: Duration = Duration::hours(24);

/// What the link of a mail allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkPurpose {
    /// Adds an address to an account.
    AddAddress,
    /// Chooses a new password.
    ForgottenPassword,
    /// Begins an account.
    SignUp,
}

impl LinkPurpose {
    /// The word that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AddAddress => "add_address",
            Self::ForgottenPassword => "forgotten_password",
            Self::SignUp => "sign_up",
        }
    }

    /// Reads the stored word.
    #[must_use]
    pub fn from_stored(word: &str) -> Option<Self> {
        [Self::AddAddress, Self::ForgottenPassword, Self::SignUp].into_iter().find(|purpose| purpose.as_str() == word)
    }
}

/// The secret in a link: 256 random bits. Stored only as a hash, which at this strength needs no key.
#[derive(Clone)]
pub struct LinkToken(Zeroizing<[u8; 32]>);

impl LinkToken {
    /// A new token.
    #[must_use]
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(Zeroizing::new(random_bytes(entropy)))
    }

    /// Reads the last part of a link's path.
    #[must_use]
    pub fn from_path(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        <[u8; 32]>::try_from(bytes.as_slice()).ok().map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// The last part of the link's path: 43 characters of base64url.
    #[must_use]
    pub fn to_path(&self) -> String {
        URL_SAFE_NO_PAD.encode(*self.0)
    }

    /// By which the link's record is found; a token of one purpose is none of another.
    #[must_use]
    pub fn hash(&self, purpose: LinkPurpose) -> LinkHash {
        let mut hash = openssl::sha::Sha256::new();
        hash.update(b"signet/link/v1/");
        hash.update(purpose.as_str().as_bytes());
        hash.update(b"/");
        hash.update(&*self.0);
        LinkHash(hash.finish())
    }
}

/// The hash of a link's token: by it the link's record is found, and nobody who reads it can follow the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkHash([u8; 32]);

impl LinkHash {
    /// From its octets, as they are stored.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The octets.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for LinkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkToken(…)")
    }
}

/// Whether a link that was made at `made_at` may still be used.
#[must_use]
pub fn link_is_valid(made_at: UtcDateTime, now: UtcDateTime) -> bool {
    now >= made_at && now - made_at < LINK_LIFETIME
}

#[cfg(test)]
mod tests {
    use time::macros::utc_datetime;

    use super::*;
    use crate::entropy::SystemEntropy;

    #[test]
    fn a_link_is_valid_for_a_day_and_no_longer() {
        let made = utc_datetime!(2026-11-24 12:00);
        assert!(link_is_valid(made, made));
        assert!(link_is_valid(made, made + LINK_LIFETIME - Duration::milliseconds(1)));
        assert!(!link_is_valid(made, made + LINK_LIFETIME));
        assert!(!link_is_valid(made, made - Duration::milliseconds(1)));
    }

    #[test]
    fn a_link_of_one_purpose_is_none_of_another() {
        let token = LinkToken::random(&SystemEntropy);
        let again = LinkToken::from_path(&token.to_path()).unwrap();
        assert_eq!(token.hash(LinkPurpose::SignUp), again.hash(LinkPurpose::SignUp));
        assert_ne!(token.hash(LinkPurpose::SignUp), token.hash(LinkPurpose::ForgottenPassword));
        assert!(LinkToken::from_path("../../etc").is_none());
    }
}
