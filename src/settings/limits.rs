//! `[limits]`: how often things may be tried and sent, and how many passwords wait.

use serde::{Deserialize, Serialize};

use super::SettingsError;
use crate::authentication::throttle::{PasswordPlaces, RateLimit, RateLimits};

/// The greatest number that a limit can be set to.
const GREATEST: u32 = 1_000_000;

/// `[limits]`. Each is at least 1. A *network* is an IPv4 address, or an IPv6 network of 64 bits; its /56 may twice as much, its
/// /48 four times as much. Of passwords only wrong ones count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitSettings {
    /// Wrong passwords for one address, from one network.
    pub wrong_passwords_per_address_and_network_per_minute: u32,
    /// The same over half a day.
    pub wrong_passwords_per_address_and_network_per_12_hours: u32,
    /// Wrong passwords from one network. Raise it where many people come from one address.
    pub wrong_passwords_per_network_per_minute: u32,
    /// Wrong passwords of somebody who is signed in and opens their profile.
    pub wrong_unlocks_per_account_per_15_minutes: u32,
    /// Wrong recovery keys.
    pub wrong_recovery_keys_per_account_per_15_minutes: u32,
    /// Mails that somebody from one network asks for.
    pub mails_per_network_per_minute: u32,
    /// Mails to an address because somebody wants to sign up with it.
    pub sign_up_mails_per_address_per_hour: u32,
    /// Mails to an address because somebody, who may be a stranger, wants a new password.
    pub password_mails_per_address_per_hour: u32,
    /// The same, asked for by the account's person: signed in, or in a browser that is known to the account.
    pub password_mails_per_owner_per_hour: u32,
    /// Mails to an address because somebody wants to add it to their account.
    pub added_address_mails_per_address_per_hour: u32,
    /// Text messages to one phone.
    pub text_messages_per_phone_per_5_minutes: u32,
    /// Text messages that one account asks for.
    pub text_messages_per_account_per_5_minutes: u32,
    /// Text messages that are asked for from one network.
    pub text_messages_per_network_per_5_minutes: u32,
    /// Text messages to phones that are being added to one account.
    pub text_messages_to_new_phones_per_account_per_day: u32,
    /// Passwords that wait to be worked on, for each core of a node; the next one is told to come back.
    pub waiting_passwords_per_core: u32,
    /// Places in that queue that one network, or one account, has at most once half of them are taken.
    pub waiting_passwords_per_network: u32,
}

impl Default for LimitSettings {
    fn default() -> Self {
        let RateLimits {
            wrong_password_by_account_and_network,
            wrong_password_by_network,
            wrong_password_in_half_a_day,
            unlock,
            recovery_key,
            sign_up_mail_by_address,
            password_mail_by_address,
            password_mail_by_owner,
            added_address_mail_by_address,
            mail_by_network,
            text_by_phone,
            text_by_subscriber,
            text_by_network,
            text_new_phone,
        } = RateLimits::DEFAULT;
        Self {
            wrong_passwords_per_address_and_network_per_minute: wrong_password_by_account_and_network.at_most,
            wrong_passwords_per_address_and_network_per_12_hours: wrong_password_in_half_a_day.at_most,
            wrong_passwords_per_network_per_minute: wrong_password_by_network.at_most,
            wrong_unlocks_per_account_per_15_minutes: unlock.at_most,
            wrong_recovery_keys_per_account_per_15_minutes: recovery_key.at_most,
            mails_per_network_per_minute: mail_by_network.at_most,
            sign_up_mails_per_address_per_hour: sign_up_mail_by_address.at_most,
            password_mails_per_address_per_hour: password_mail_by_address.at_most,
            password_mails_per_owner_per_hour: password_mail_by_owner.at_most,
            added_address_mails_per_address_per_hour: added_address_mail_by_address.at_most,
            text_messages_per_phone_per_5_minutes: text_by_phone.at_most,
            text_messages_per_account_per_5_minutes: text_by_subscriber.at_most,
            text_messages_per_network_per_5_minutes: text_by_network.at_most,
            text_messages_to_new_phones_per_account_per_day: text_new_phone.at_most,
            waiting_passwords_per_core: 8,
            waiting_passwords_per_network: 2,
        }
    }
}

impl LimitSettings {
    /// The limits on tries, mails and text messages.
    ///
    /// # Errors
    /// [`SettingsError::Unusable`], naming the one that is 0 or above a million.
    pub fn rates(&self) -> Result<RateLimits, SettingsError> {
        let set = |limit: RateLimit, at_most: u32, key: &'static str| {
            Ok::<_, SettingsError>(RateLimit { at_most: checked(at_most, key)?, ..limit })
        };
        macro_rules! rates {
            ($($limit:ident: $setting:ident),+ $(,)?) => {
                Ok(RateLimits {
                    $($limit: set(RateLimits::DEFAULT.$limit, self.$setting, concat!("limits.", stringify!($setting)))?),+
                })
            };
        }
        rates! {
            wrong_password_by_account_and_network: wrong_passwords_per_address_and_network_per_minute,
            wrong_password_in_half_a_day: wrong_passwords_per_address_and_network_per_12_hours,
            wrong_password_by_network: wrong_passwords_per_network_per_minute,
            unlock: wrong_unlocks_per_account_per_15_minutes,
            recovery_key: wrong_recovery_keys_per_account_per_15_minutes,
            mail_by_network: mails_per_network_per_minute,
            sign_up_mail_by_address: sign_up_mails_per_address_per_hour,
            password_mail_by_address: password_mails_per_address_per_hour,
            password_mail_by_owner: password_mails_per_owner_per_hour,
            added_address_mail_by_address: added_address_mails_per_address_per_hour,
            text_by_phone: text_messages_per_phone_per_5_minutes,
            text_by_subscriber: text_messages_per_account_per_5_minutes,
            text_by_network: text_messages_per_network_per_5_minutes,
            text_new_phone: text_messages_to_new_phones_per_account_per_day,
        }
    }

    /// The places of the queue of passwords on a machine with so many cores.
    ///
    /// # Errors
    /// [`SettingsError::Unusable`], naming the one that is 0 or above a million.
    pub fn password_places(&self, cores: usize) -> Result<PasswordPlaces, SettingsError> {
        let waiting = checked(self.waiting_passwords_per_core, "limits.waiting_passwords_per_core")?;
        let few = checked(self.waiting_passwords_per_network, "limits.waiting_passwords_per_network")?;
        let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        Ok(PasswordPlaces::for_cores(cores, count(waiting), count(few)))
    }
}

fn checked(at_most: u32, key: &'static str) -> Result<u32, SettingsError> {
    match at_most {
        1..=GREATEST => Ok(at_most),
        _ => Err(SettingsError::unusable(key, &"a number from 1 to 1000000")),
    }
}
