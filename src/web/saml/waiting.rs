//! The request that waits for this browser: found, bound to its session, settled anew.

use actix_web::HttpRequest;

use super::IdentityProvider;
use super::arrival::RequestCookie;
use super::journey::resume;
use super::line::Settled;
use crate::storage::{StoreError, Transaction};
use crate::web::refusal::{Refusal, RefusalKind};
use crate::web::session::{BrowserSession, SessionTrouble};
use crate::web::site::Site;

/// A request that waits, settled anew, with its name and what must be said to the browser beside.
pub(super) struct Waiting {
    pub(super) id: [u8; 16],
    pub(super) settled: Settled,
    pub(super) claimed: bool,
}

/// Finds the request that waits for this browser.
pub(super) async fn waiting(
    request: &HttpRequest,
    site: &Site,
    idp: &IdentityProvider,
    id: &str,
    session: &mut BrowserSession,
) -> Result<Waiting, Refusal> {
    let mut bytes = [0_u8; 16];
    hex::decode_to_slice(id, &mut bytes).map_err(|_| RefusalKind::RequestGone)?;
    let (id, now) = (bytes, site.now());
    let pending = site
        .store
        .read::<_, StoreError, _>(move |tx| tx.pending_request(&id, now))
        .await?
        .ok_or(RefusalKind::RequestGone)?;
    let claimed = pending.session != session.id_hash();
    if claimed {
        // The first visit after a form from another site, proved by the request's own cookie; or it waited here before its
        // person took it along to the browser in which a mail's link was opened, and now comes back.
        let by_cookie = request
            .cookie(&RequestCookie::name(&id))
            .and_then(|cookie| RequestCookie::from_cookie(cookie.value()))
            .is_some_and(|cookie| cookie.id_hash() == pending.session);
        let told = session.state.waiting_request.as_ref().is_some_and(|waiting| waiting.id == id);
        if !by_cookie && !told {
            return Err(RefusalKind::CookieMissing.into());
        }
        keep_and(site, session, move |tx, kept| tx.rebind_pending_request(&id, kept.id_hash())).await?;
    }
    if pending.finished_at.is_some() {
        return Err(RefusalKind::AnsweredBefore.into());
    }
    let settled = resume(site, idp, &pending)?;
    Ok(Waiting { id, settled, claimed })
}

/// Keeps the session, and with it whatever else `also` does in the same transaction.
pub(super) async fn keep_and(
    site: &Site,
    session: &mut BrowserSession,
    also: impl FnOnce(&mut Transaction<'_>, &BrowserSession) -> Result<(), StoreError> + Send + 'static,
) -> Result<(), Refusal> {
    let (keeper, mut kept) = (site.clone(), session.clone());
    *session = site
        .store
        .transaction::<_, SessionTrouble, _>(move |tx| {
            kept.keep(tx, &keeper)?;
            also(tx, &kept)?;
            Ok(kept)
        })
        .await?;
    Ok(())
}

pub(super) async fn keep(site: &Site, session: &mut BrowserSession) -> Result<(), Refusal> {
    keep_and(site, session, |_, _| Ok(())).await
}
