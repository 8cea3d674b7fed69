//! `/saml/sso`: a request arrives.
//!
//! It is verified and settled at once, so that nothing unverified is stored; its ID is remembered, so that it is taken
//! once; then it is kept as it came, bound to a cookie of its own in this browser, and the browser goes on to
//! `/saml/continue/{address}`.
//!
//! A browser that is sent here by a form from another site leaves its `SameSite=Lax` cookies behind. So nothing here depends
//! on the session, and no session cookie is set: it would push out the one that the browser kept back.

use time::Duration;

use super::line::{Settled, Stopped};
use crate::accounts::site::Site;
use crate::saml::binding::Received;
use crate::sealing::{Purpose, context};
use crate::storage::{PendingRequest, PendingRequestId, StoreError};
use crate::web::refusal::Refusal;
use crate::web::waiting::{REQUEST_WAITS, RequestAddress, RequestCookie};

/// How long a request is remembered: longer than any clock could let the same message pass for fresh.
pub(super) const SEEN_FOR: Duration = REQUEST_WAITS;

/// A request that was taken in and waits.
pub struct Kept {
    /// As addresses name it.
    pub address: RequestAddress,
    /// By which the browser shows that it waits for it.
    pub cookie: RequestCookie,
}

/// Keeps a request that settled, and binds it to a new cookie.
///
/// # Errors
/// When it was seen before, or the database or the keys are unavailable.
pub async fn keep(site: &Site, received: &Received, settled: &Settled) -> Result<Kept, Refusal> {
    let now = site.now();
    let (id, cookie) = (PendingRequestId::random(&*site.entropy), RequestCookie::random(site));
    let request = settled.address().request();
    let pending = PendingRequest {
        id,
        session: cookie.id_hash(),
        entity_id: request.issuer().to_string(),
        request_id: request.id().to_string(),
        received_sealed: site.keys.seal(Purpose::PendingRequest, &place(&id), &received.to_bytes())?,
        received_at: now,
        expires_at: now + REQUEST_WAITS,
        finished_at: None,
    };
    let forget_at = now + SEEN_FOR;
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
    let address = RequestAddress::new(id, settled.service().entity_id().as_str());
    Ok(Kept { address, cookie })
}

/// Where a stored request belongs.
pub(super) fn place(id: &PendingRequestId) -> Vec<u8> {
    context(&[b"signet/pending-request/v1", id.as_bytes()])
}
