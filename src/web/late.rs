//! Forms that come too late: a page stood open until its session was over, or until its person signed in or out in another
//! tab. Nothing of such a form is done. The browser is sent to the page where its person goes on, and that page says why.

use actix_web::HttpRequest;

use crate::address::{self, Address, Path};

/// Marks the address of a page that is shown in place of what a late form asked for.
pub(super) fn mark(page: Address) -> Address {
    page.with("late", "yes")
}

/// Whether an address is marked. The mark only adds a sentence to the page, so a link that somebody else made does no harm.
pub(super) fn is_in(request: &HttpRequest) -> bool {
    url::form_urlencoded::parse(request.query_string().as_bytes()).any(|(name, value)| name == "late" && value == "yes")
}

/// Forms that stand on another page than the one that they are sent to.
const ELSEWHERE: &[(Path, Path)] = &[
    (address::ACCOUNT_EMAIL_ADD, address::ACCOUNT_EMAIL),
    (address::ACCOUNT_EMAIL_REMOVE, address::ACCOUNT_EMAIL),
    (address::ACCOUNT_METHODS_ADD_SMS_AGAIN, address::ACCOUNT_METHODS_ADD_SMS),
    (address::ACCOUNT_METHODS_ADD_WEBAUTHN_OPTIONS, address::ACCOUNT_METHODS_ADD_WEBAUTHN),
    (address::ACCOUNT_METHODS_REMOVE, address::ACCOUNT_METHODS),
    (address::ACCOUNT_METHODS_RENAME, address::ACCOUNT_METHODS),
    (address::ACCOUNT_RECOVERY_KEY, address::ACCOUNT),
    (address::ACCOUNT_SERVICES_DISCONNECT, address::ACCOUNT_SERVICES),
    (address::ACCOUNT_SESSIONS_END, address::ACCOUNT),
    (address::ACCOUNT_SIGN_OUT, address::ACCOUNT),
    (address::SECOND_FACTOR_SMS_SEND, address::SECOND_FACTOR_SMS),
    (address::SECOND_FACTOR_WEBAUTHN_OPTIONS, address::SECOND_FACTOR_WEBAUTHN),
    (address::SIGN_UP_METHODS_SMS_AGAIN, address::SIGN_UP_METHODS_SMS),
    (address::SIGN_UP_METHODS_WEBAUTHN_OPTIONS, address::SIGN_UP_METHODS_WEBAUTHN),
];

/// Pages that nobody has to be signed in for.
const FOR_STRANGERS: &[Path] = &[address::FORGOT_PASSWORD, address::SIGN_IN, address::SIGN_UP];

/// Where a person goes on whose form for `form` came too late: the page that has the form, or the sign-in page where that page needs
/// somebody who is signed in and nobody is.
pub(super) fn page_of(form: &str, signed_in: bool) -> Address {
    let fixed = address::named(form);
    let mailed = match fixed {
        Some(_) => None,
        None => page_of_mailed_link(form),
    };
    if let Some(page) = mailed {
        return page;
    }
    if !signed_in && !fixed.is_some_and(|path| FOR_STRANGERS.contains(&path)) {
        return address::SIGN_IN.into();
    }
    let elsewhere = ELSEWHERE.iter().find(|(sent_to, _)| Some(*sent_to) == fixed);
    elsewhere.map_or_else(|| Address::of_request(form), |(_, page)| (*page).into())
}

/// The page of a mailed link that has this form, for somebody who need not be signed in.
fn page_of_mailed_link(form: &str) -> Option<Address> {
    let forms = [
        (address::SIGN_UP_CONFIRM, address::SIGN_UP_CONFIRM),
        (address::SIGN_UP_CONFIRM_REQUEST, address::SIGN_UP_CONFIRM),
        (address::FORGOT_PASSWORD_LINK, address::FORGOT_PASSWORD_LINK),
        (address::FORGOT_PASSWORD_LINK_OLD, address::FORGOT_PASSWORD_LINK),
        (address::FORGOT_PASSWORD_LINK_REQUEST, address::FORGOT_PASSWORD_LINK),
    ];
    forms.into_iter().find_map(|(sent_to, page)| Some(page.of(sent_to.name_in(form)?)))
}
