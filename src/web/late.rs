//! Forms that come too late: a page stood open until its session was over, or until its person signed in or out in another
//! tab. Nothing of such a form is done. The browser is sent to the page where its person goes on, and that page says why.

use actix_web::HttpRequest;

use super::waiting::add_to;

/// Marks the address of a page that is shown in place of what a late form asked for.
pub(super) fn mark(page: &str) -> String {
    add_to(page, "late", "yes")
}

/// Whether an address is marked. The mark only adds a sentence to the page, so a link that somebody else made does no harm.
pub(super) fn is_in(request: &HttpRequest) -> bool {
    url::form_urlencoded::parse(request.query_string().as_bytes()).any(|(name, value)| name == "late" && value == "yes")
}

/// Where a person goes on whose form for `form` came too late: the page that has the form, or `/sign-in` where that page needs
/// somebody who is signed in and nobody is.
pub(super) fn page_of(form: &str, signed_in: bool) -> &str {
    let is_for_strangers = ["/forgot-password", "/sign-in", "/sign-up"].contains(&form)
        || form.starts_with("/sign-up/confirm/")
        || (form.starts_with("/forgot-password/")
            && !["/forgot-password/old", "/forgot-password/unlock"].contains(&form));
    if !signed_in && !is_for_strangers {
        return "/sign-in";
    }
    match form {
        "/account/recovery-key" | "/account/sessions/end" | "/account/sign-out" => "/account",
        "/account/email/add" | "/account/email/remove" => "/account/email",
        "/account/methods/remove" | "/account/methods/rename" => "/account/methods",
        "/account/services/disconnect" => "/account/services",
        "/forgot-password/old" => form,
        _ => ["/again", "/old", "/options", "/request", "/send"]
            .iter()
            .find_map(|end| form.strip_suffix(end))
            .unwrap_or(form),
    }
}
