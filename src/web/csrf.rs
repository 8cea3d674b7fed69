//! Forms that only our own pages can send (NIST SP 800-63B-4, 5.1; ASVS 3.5): a token bound to the session, and the
//! browser's own word about where the form stood.

use actix_web::HttpRequest;
use actix_web::http::header::ORIGIN;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::accounts::site::Site;
use crate::authentication::session::SessionState;

/// The name of the field in every form, and of the header that our script sends.
pub const FIELD: &str = "csrf";

/// The token for the forms of a session.
#[must_use]
pub fn token(state: &SessionState) -> String {
    URL_SAFE_NO_PAD.encode(*state.csrf)
}

/// Where a form came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormOrigin {
    /// From a page of another site, by the browser's own word.
    Foreign,
    /// Not from a page of this session: the session ended, or changed hands in another tab, since the page was shown. A form of
    /// another site looks the same in a browser that does not say where forms come from, so nothing of it may be done.
    Late,
    /// From one of our pages in this session.
    Ours,
}

/// Says where a form came from; `given` is its token.
#[must_use]
pub fn origin_of(request: &HttpRequest, site: &Site, state: &SessionState, given: &str) -> FormOrigin {
    let from_elsewhere = |name: &str, allowed: &[&str]| {
        request
            .headers()
            .get(name)
            .is_some_and(|value| !allowed.iter().any(|one| value.as_bytes().eq_ignore_ascii_case(one.as_bytes())))
    };
    let origin = site.origin.origin().ascii_serialization();
    if from_elsewhere(ORIGIN.as_str(), &[&origin]) || from_elsewhere("sec-fetch-site", &["same-origin", "none"]) {
        return FormOrigin::Foreign;
    }
    if is_same(&token(state), given) { FormOrigin::Ours } else { FormOrigin::Late }
}

/// Whether a form brings back what its page was given, compared in constant time.
#[must_use]
pub fn is_same(expected: &str, given: &str) -> bool {
    expected.len() == given.len() && openssl::memcmp::eq(expected.as_bytes(), given.as_bytes())
}
