//! The addresses of our own pages. Each path stands here once: for the URL table, for the links, forms and redirects that lead to
//! it, for mails and for our metadata.
//!
//! What answers at an address belongs to [`web`](crate::web). A browser is sent only to an [`Address`], which no text of a
//! stranger becomes; the way back to a service is its agreement's, and has its own type.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

/// The path of one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path(&'static str);

impl Path {
    /// The path, for the URL table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// The page's address with a parameter: plain characters.
    #[must_use]
    pub fn with(self, name: &str, value: impl fmt::Display) -> Address {
        Address::from(self).with(name, value)
    }
}

/// The paths of pages of which there is one for each link, request or logout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathOf {
    pattern: &'static str,
    before: &'static str,
    after: &'static str,
}

impl PathOf {
    /// `before` what names it, and `after`; the pattern is the three.
    const fn new(pattern: &'static str, before: &'static str, after: &'static str) -> Self {
        Self { pattern, before, after }
    }

    /// The pattern, for the URL table.
    #[must_use]
    pub const fn pattern(self) -> &'static str {
        self.pattern
    }

    /// The address of the page that is named so. The name is plain characters.
    #[must_use]
    pub fn of(self, name: impl fmt::Display) -> Address {
        Address(Cow::Owned(format!("{}{name}{}", self.before, self.after)))
    }

    /// What a path names, when it is one of these.
    #[must_use]
    pub fn name_in(self, path: &str) -> Option<&str> {
        path.strip_prefix(self.before)?.strip_suffix(self.after).filter(|name| !name.contains('/'))
    }
}

/// Where on our site a browser is sent: a path, perhaps with parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Address(Cow<'static, str>);

impl Address {
    /// The path of a request that one of our pages answers.
    #[must_use]
    pub(crate) fn of_request(path: &str) -> Self {
        Self(Cow::Owned(path.to_owned()))
    }

    /// The same with one parameter more. Name and value are plain characters.
    #[must_use]
    pub fn with(self, name: &str, value: impl fmt::Display) -> Self {
        let before = if self.0.contains('?') { '&' } else { '?' };
        Self(Cow::Owned(format!("{}{before}{name}={value}", self.0)))
    }

    /// As a link or a `Location` says it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The landing page.
impl Default for Address {
    fn default() -> Self {
        LANDING.into()
    }
}

impl From<Path> for Address {
    fn from(path: Path) -> Self {
        Self(Cow::Borrowed(path.0))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Declares the paths, and the list of them all.
macro_rules! paths {
    (
        fixed { $($fixed:ident = $path:literal;)* }
        named { $($named:ident = $before:literal $name:literal $after:literal;)* }
    ) => {
        $(#[doc = concat!("`", $path, "`")] pub const $fixed: Path = Path($path);)*
        $(
            #[doc = concat!("`", $before, $name, $after, "`")]
            pub const $named: PathOf = PathOf::new(concat!($before, $name, $after), $before, $after);
        )*

        /// Every path that never changes: what a template may name.
        const FIXED: &[Path] = &[$($fixed),*];

        /// Every path of which there are many.
        const NAMED: &[PathOf] = &[$($named),*];
    };
}

paths! {
    fixed {
        LANDING = "/";
        HELP = "/help";
        PRIVACY = "/privacy";
        HEALTHZ = "/healthz";
        READYZ = "/readyz";
        LOGO = "/logo.svg";

        ACCOUNT = "/account";
        ACCOUNT_SIGN_OUT = "/account/sign-out";
        ACCOUNT_SESSIONS_END = "/account/sessions/end";
        ACCOUNT_RECOVERY_KEY = "/account/recovery-key";
        ACCOUNT_EMAIL = "/account/email";
        ACCOUNT_EMAIL_ADD = "/account/email/add";
        ACCOUNT_EMAIL_REMOVE = "/account/email/remove";
        ACCOUNT_METHODS = "/account/methods";
        ACCOUNT_METHODS_ADD = "/account/methods/add";
        ACCOUNT_METHODS_ADD_TOTP = "/account/methods/add/totp";
        ACCOUNT_METHODS_ADD_WEBAUTHN = "/account/methods/add/webauthn";
        ACCOUNT_METHODS_ADD_WEBAUTHN_OPTIONS = "/account/methods/add/webauthn/options";
        ACCOUNT_METHODS_ADD_SMS = "/account/methods/add/sms";
        ACCOUNT_METHODS_ADD_SMS_CODE = "/account/methods/add/sms/code";
        ACCOUNT_METHODS_ADD_SMS_AGAIN = "/account/methods/add/sms/again";
        ACCOUNT_METHODS_RENAME = "/account/methods/rename";
        ACCOUNT_METHODS_REMOVE = "/account/methods/remove";
        ACCOUNT_PASSWORD = "/account/password";
        ACCOUNT_SERVICES = "/account/services";
        ACCOUNT_SERVICES_DISCONNECT = "/account/services/disconnect";

        SIGN_UP = "/sign-up";
        SIGN_UP_METHODS = "/sign-up/methods";
        SIGN_UP_METHODS_TOTP = "/sign-up/methods/totp";
        SIGN_UP_METHODS_WEBAUTHN = "/sign-up/methods/webauthn";
        SIGN_UP_METHODS_WEBAUTHN_OPTIONS = "/sign-up/methods/webauthn/options";
        SIGN_UP_METHODS_SMS = "/sign-up/methods/sms";
        SIGN_UP_METHODS_SMS_CODE = "/sign-up/methods/sms/code";
        SIGN_UP_METHODS_SMS_AGAIN = "/sign-up/methods/sms/again";
        SIGN_UP_RECOVERY_KEY = "/sign-up/recovery-key";

        SIGN_IN = "/sign-in";
        SECOND_FACTOR = "/sign-in/second-factor";
        SECOND_FACTOR_TOTP = "/sign-in/second-factor/totp";
        SECOND_FACTOR_WEBAUTHN = "/sign-in/second-factor/webauthn";
        SECOND_FACTOR_WEBAUTHN_OPTIONS = "/sign-in/second-factor/webauthn/options";
        SECOND_FACTOR_SMS = "/sign-in/second-factor/sms";
        SECOND_FACTOR_SMS_SEND = "/sign-in/second-factor/sms/send";

        FORGOT_PASSWORD = "/forgot-password";
        FORGOT_PASSWORD_UNLOCK = "/forgot-password/unlock";
        FORGOT_PASSWORD_OLD = "/forgot-password/old";
        UNLOCK = "/unlock";

        SAML = "/saml";
        SAML_METADATA = "/saml/metadata";
        SAML_SSO = "/saml/sso";
        SAML_ARTIFACT = "/saml/artifact";
        SAML_LOGOUT = "/saml/logout";
        SAML_ERROR = "/saml/error";
    }
    named {
        ACCOUNT_EMAIL_CONFIRM = "/account/email/confirm/" "{token}" "";
        SIGN_UP_CONFIRM = "/sign-up/confirm/" "{token}" "";
        SIGN_UP_CONFIRM_REQUEST = "/sign-up/confirm/" "{token}" "/request";
        FORGOT_PASSWORD_LINK = "/forgot-password/" "{token}" "";
        FORGOT_PASSWORD_LINK_OLD = "/forgot-password/" "{token}" "/old";
        FORGOT_PASSWORD_LINK_REQUEST = "/forgot-password/" "{token}" "/request";
        SAML_METADATA_OF = "/saml/metadata/" "{address}" "";
        SAML_TRIAL = "/saml/trial/" "{ticket}" "";
        SAML_CONTINUE = "/saml/continue/" "{id}" "";
        SAML_CONSENT = "/saml/consent/" "{id}" "";
        SAML_DECLINE = "/saml/decline/" "{id}" "";
        SAML_LOGOUT_OF = "/saml/logout/" "{id}" "";
        SAML_LOGOUT_NEXT = "/saml/logout/" "{id}" "/next";
    }
}

/// Every line of the table, for tests that walk the whole site.
pub fn patterns() -> impl Iterator<Item = &'static str> {
    FIXED.iter().map(|path| path.0).chain(NAMED.iter().map(|path| path.pattern))
}

/// The page that a template names, when there is one.
#[must_use]
pub fn named(path: &str) -> Option<Path> {
    FIXED.iter().copied().find(|one| one.0 == path)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_path_stands_in_the_table_once() {
        let paths: BTreeSet<_> = FIXED.iter().map(|path| path.0).collect();
        assert_eq!(paths.len(), FIXED.len());
        assert_eq!(named("/sign-in"), Some(SIGN_IN));
        assert_eq!(named("/sign-in/"), None);
    }

    #[test]
    fn an_address_takes_parameters_one_after_the_other() {
        assert_eq!(Address::from(SIGN_IN).as_str(), "/sign-in");
        assert_eq!(SIGN_IN.with("again", "yes").with("request", "07").as_str(), "/sign-in?again=yes&request=07");
    }

    #[test]
    fn a_name_is_read_where_it_was_written() {
        assert_eq!(SAML_LOGOUT_NEXT.pattern(), "/saml/logout/{id}/next");
        let next = SAML_LOGOUT_NEXT.of("07");
        assert_eq!(next.as_str(), "/saml/logout/07/next");
        assert_eq!(SAML_LOGOUT_NEXT.name_in(next.as_str()), Some("07"));
        assert_eq!(SAML_LOGOUT_OF.name_in(next.as_str()), None, "another page");
        assert_eq!(SAML_LOGOUT_OF.name_in("/saml/sso"), None);
    }
}
