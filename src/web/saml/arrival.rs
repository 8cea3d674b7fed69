//! `/saml/sso`: a request arrives.
//!
//! It is verified and settled at once, so that nothing unverified is stored; its ID is remembered, so that it is taken
//! once; then it is kept as it came, bound to this browser, and the browser goes on to `/saml/continue/{id}`.
//!
//! A browser that is sent here by a form from another site leaves its `SameSite=Lax` cookies behind. Then the request is
//! bound to a cookie of its own, made for it in the answer; the page that follows brings both, and binds the request to
//! the session. A session cookie is never set in that answer: it would push out the one that the browser kept back.

use actix_web::cookie::{Cookie, SameSite, time::Duration as CookieAge};
use time::Duration;

use super::IdentityProvider;
use super::line::{Settled, Stopped, walk};
use crate::authentication::session::{SessionIdHash, SessionSecret};
use crate::saml::binding::Received;
use crate::services::keys::{Purpose, context};
use crate::services::random_bytes;
use crate::storage::{PendingRequest, StoreError};
use crate::web::refusal::Refusal;
use crate::web::site::Site;

/// How long a request waits for its person.
pub const REQUEST_WAITS: Duration = Duration::hours(1);

/// A request that was taken in.
#[derive(Debug)]
pub struct Arrived {
    /// Its name in `/saml/continue/{id}`.
    pub id: [u8; 16],
    /// What it settled to.
    pub settled: Settled,
}

/// Takes a request in and binds it to the browser that `bound_to` names.
///
/// # Errors
/// Why it was not taken in; nothing is stored then, but that a verified request was seen.
pub async fn arrive(
    site: &Site,
    idp: &IdentityProvider,
    received: Received,
    bound_to: SessionIdHash,
) -> Result<Arrived, Refusal> {
    let now = site.now();
    let settled = walk(idp, &received, now)?;
    let id: [u8; 16] = random_bytes(&*site.entropy);
    let request = settled.address().request();
    let pending = PendingRequest {
        id,
        session: bound_to,
        entity_id: request.issuer().to_string(),
        request_id: request.id().to_string(),
        received_sealed: site.keys.seal(Purpose::PendingRequest, &place(&id), &received.to_bytes())?,
        received_at: now,
        expires_at: now + REQUEST_WAITS,
        finished_at: None,
    };
    // Remembered for longer than any clock could let the same message pass for fresh.
    let forget_at = now + REQUEST_WAITS;
    let first = site
        .store
        .transaction::<_, StoreError, _>(move |tx| {
            let first = tx.see_request(&pending.entity_id, &pending.request_id, forget_at)?;
            if first {
                tx.add_pending_request(&pending)?;
            }
            Ok(first)
        })
        .await?;
    if !first {
        return Err(Stopped::Replayed { service: settled.service().clone() }.into());
    }
    Ok(Arrived { id, settled })
}

/// Where a stored request belongs.
pub(super) fn place(id: &[u8; 16]) -> Vec<u8> {
    context(&[b"signet/pending-request/v1", id])
}

/// The cookie that binds one request to a browser whose session cookie was kept back.
pub struct RequestCookie(SessionSecret);

impl RequestCookie {
    /// A new one.
    #[must_use]
    pub fn random(site: &Site) -> Self {
        Self(SessionSecret::random(&*site.entropy))
    }

    /// The name of the cookie of this request. Each has its own, so that two tabs do not take each other's.
    #[must_use]
    pub fn name(id: &[u8; 16]) -> String {
        format!("__Host-signet-request-{}", hex::encode(id))
    }

    /// Reads a cookie's value.
    #[must_use]
    pub fn from_cookie(value: &str) -> Option<Self> {
        SessionSecret::from_cookie(value).map(Self)
    }

    /// What the stored request is bound to.
    #[must_use]
    pub fn id_hash(&self) -> SessionIdHash {
        self.0.id_hash()
    }

    /// The cookie, for the answer.
    #[must_use]
    pub fn cookie(&self, id: &[u8; 16]) -> Cookie<'static> {
        Cookie::build(Self::name(id), self.0.to_cookie())
            .path("/")
            .secure(true)
            .http_only(true)
            .same_site(SameSite::Lax)
            .max_age(CookieAge::minutes(5))
            .finish()
    }

    /// What takes the cookie away again.
    #[must_use]
    pub fn removal(id: &[u8; 16]) -> Cookie<'static> {
        let mut cookie = Cookie::build(Self::name(id), "").path("/").secure(true).http_only(true).finish();
        cookie.make_removal();
        cookie
    }
}
