//! The limits that a site keeps to. An operator sets how many; names and windows are ours.

use super::RateLimit;

/// The limits whose numbers an operator can set (`[limits]`). What NIST SP 800-63B-4 fixes (a hundred wrong tries in a row,
/// ten wrong codes) is not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// [`RateLimit::WRONG_PASSWORD_BY_ACCOUNT_AND_NETWORK`].
    pub wrong_password_by_account_and_network: RateLimit,
    /// [`RateLimit::WRONG_PASSWORD_BY_NETWORK`].
    pub wrong_password_by_network: RateLimit,
    /// [`RateLimit::WRONG_PASSWORD_IN_HALF_A_DAY`].
    pub wrong_password_in_half_a_day: RateLimit,
    /// [`RateLimit::UNLOCK`].
    pub unlock: RateLimit,
    /// [`RateLimit::RECOVERY_KEY`].
    pub recovery_key: RateLimit,
    /// [`RateLimit::SIGN_UP_MAIL_BY_ADDRESS`].
    pub sign_up_mail_by_address: RateLimit,
    /// [`RateLimit::PASSWORD_MAIL_BY_ADDRESS`].
    pub password_mail_by_address: RateLimit,
    /// [`RateLimit::PASSWORD_MAIL_BY_OWNER`].
    pub password_mail_by_owner: RateLimit,
    /// [`RateLimit::ADDED_ADDRESS_MAIL_BY_ADDRESS`].
    pub added_address_mail_by_address: RateLimit,
    /// [`RateLimit::MAIL_BY_NETWORK`].
    pub mail_by_network: RateLimit,
    /// [`RateLimit::TEXT_BY_PHONE`].
    pub text_by_phone: RateLimit,
    /// [`RateLimit::TEXT_BY_SUBSCRIBER`].
    pub text_by_subscriber: RateLimit,
    /// [`RateLimit::TEXT_BY_NETWORK`].
    pub text_by_network: RateLimit,
    /// [`RateLimit::TEXT_NEW_PHONE`].
    pub text_new_phone: RateLimit,
}

impl RateLimits {
    /// The numbers where nothing is set.
    pub const DEFAULT: Self = Self {
        wrong_password_by_account_and_network: RateLimit::WRONG_PASSWORD_BY_ACCOUNT_AND_NETWORK,
        wrong_password_by_network: RateLimit::WRONG_PASSWORD_BY_NETWORK,
        wrong_password_in_half_a_day: RateLimit::WRONG_PASSWORD_IN_HALF_A_DAY,
        unlock: RateLimit::UNLOCK,
        recovery_key: RateLimit::RECOVERY_KEY,
        sign_up_mail_by_address: RateLimit::SIGN_UP_MAIL_BY_ADDRESS,
        password_mail_by_address: RateLimit::PASSWORD_MAIL_BY_ADDRESS,
        password_mail_by_owner: RateLimit::PASSWORD_MAIL_BY_OWNER,
        added_address_mail_by_address: RateLimit::ADDED_ADDRESS_MAIL_BY_ADDRESS,
        mail_by_network: RateLimit::MAIL_BY_NETWORK,
        text_by_phone: RateLimit::TEXT_BY_PHONE,
        text_by_subscriber: RateLimit::TEXT_BY_SUBSCRIBER,
        text_by_network: RateLimit::TEXT_BY_NETWORK,
        text_new_phone: RateLimit::TEXT_NEW_PHONE,
    };
}
