//! A try: one person's browser asks that its sign-ins at one service be signed with the next key, so that it is known whether
//! the service takes it before anybody else's sign-in depends on that.
//!
//! The address that the administrator hands to the agency's engineer carries a [`TrialTicket`]: the key, until when, and a
//! keyed digest over these and the service. Nothing is stored.

use std::fmt;

use time::{Duration, UtcDateTime};

use crate::rollover::SigningKeyId;
use crate::saml::EntityId;
use crate::sealing::{KeysError, Mac, Purpose, ServiceKeys, context};

/// How long a ticket can be used.
pub const TRIAL_LASTS: Duration = Duration::hours(24);

/// A sign-in that is a try. Only a ticket that this service made leads here.
///
/// ```compile_fail,E0451
/// // fails: Trial` is private
/// # use signet::rollover::{SigningKeyId, Trial};
/// fn made_up(key: SigningKeyId) -> Trial {
///     Trial { key }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    key: SigningKeyId,
}

impl Trial {
    /// The key to sign with.
    #[must_use]
    pub const fn key(&self) -> &SigningKeyId {
        &self.key
    }
}

/// What the address of a try carries: 16 hex digits for the key, 16 for the time, 72 for the digest.
#[derive(Clone, PartialEq, Eq)]
pub struct TrialTicket {
    key: SigningKeyId,
    ends_at: u64,
    mac: Mac,
}

impl TrialTicket {
    /// Makes one.
    ///
    /// # Errors
    /// When the service's keys are unavailable.
    pub fn new(
        service: &EntityId,
        key: &SigningKeyId,
        ends_at: UtcDateTime,
        keys: &dyn ServiceKeys,
    ) -> Result<Self, KeysError> {
        let ends_at = u64::try_from(ends_at.unix_timestamp()).unwrap_or_default();
        let mac = keys.mac(Purpose::SigningPlan, &octets(service, key, ends_at))?;
        Ok(Self { key: key.clone(), ends_at, mac })
    }

    /// Reads one; nobody vouches for it before [`TrialTicket::redeem`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (key, rest) = text.split_at_checked(16)?;
        let (ends_at, mac) = rest.split_at_checked(16)?;
        let mut number = [0; 8];
        hex::decode_to_slice(ends_at, &mut number).ok()?;
        let mac = Mac::from_bytes(&hex::decode(mac).ok()?).ok()?;
        Some(Self { key: SigningKeyId::parse(key).ok()?, ends_at: u64::from_be_bytes(number), mac })
    }

    /// The try at this service, if this service made the ticket for it and it has not ended.
    #[must_use]
    pub fn redeem(&self, service: &EntityId, now: UtcDateTime, keys: &dyn ServiceKeys) -> Option<Trial> {
        let ends_at = UtcDateTime::from_unix_timestamp(i64::try_from(self.ends_at).ok()?).ok()?;
        let made_here = keys.verify_mac(Purpose::SigningPlan, &octets(service, &self.key, self.ends_at), &self.mac);
        (now < ends_at && made_here == Ok(true)).then(|| Trial { key: self.key.clone() })
    }
}

/// As it stands in an address and in a cookie.
impl fmt::Display for TrialTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:016x}{}", self.key, self.ends_at, hex::encode(self.mac.to_bytes()))
    }
}

impl fmt::Debug for TrialTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrialTicket({})", self.key)
    }
}

/// {label, service, key, end}
fn octets(service: &EntityId, key: &SigningKeyId, ends_at: u64) -> Vec<u8> {
    context(&[b"signet/signing-trial/v1", service.as_str().as_bytes(), key.as_str().as_bytes(), &ends_at.to_be_bytes()])
}
