//! `/account`: the person's own page, and what ends sessions.

use std::collections::BTreeSet;

use actix_web::web::{Data, Form};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::lines::{address_lines, history_lines, method_lines, moment};
use super::pages::AccountPage;
use crate::accounts::make_recovery_key;
use crate::accounts::site::Site;
use crate::accounts::{account_of, addresses_of, authenticators_of, standing_consents_of};
use crate::address;
use crate::authentication::session::Notice;
use crate::event::Event;
use crate::subscriber::VaultState;
use crate::subscriber::vault::SlotKind;
use crate::web::saml::{IdentityProvider, logout};
use crate::web::visit::{Fault, Visit};

/// How many lines of the history are shown.
const HISTORY: i64 = 20;

/// `GET /account`.
pub(super) async fn overview(request: HttpRequest, site: Data<Site>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    let subscriber = visit.signed_in()?;
    let (visit, page) = visit
        .read(move |tx, visit| {
            let consents = standing_consents_of(tx, &visit.site, subscriber)?;
            let services: BTreeSet<&str> =
                consents.iter().map(|consent| consent.record().scope.entity_id().as_str()).collect();
            let here = visit.session.id_hash();
            let sessions = tx.sessions_of(subscriber, visit.now)?;
            Ok(AccountPage {
                addresses: address_lines(&addresses_of(tx, &visit.site, subscriber)?),
                methods: method_lines(&authenticators_of(tx, &visit.site, subscriber)?),
                vault_sealed: account_of(tx, &visit.site, subscriber)?
                    .is_some_and(|account| account.vault == VaultState::Sealed),
                recovery_key_made_at: tx.slot_made_at(subscriber, SlotKind::RecoveryKey)?.map(moment),
                services: services.len(),
                other_sessions: sessions.iter().filter(|session| session.id_hash != here).count(),
                history: history_lines(tx.history_of(subscriber, HISTORY)?),
            })
        })
        .await?;
    Ok(visit.page(&page))
}

/// A form that is a button.
#[derive(Deserialize)]
pub(super) struct ButtonForm {
    csrf: String,
}

/// `POST /account/sign-out`: this browser's session ends, on the server too.
pub(super) async fn sign_out(
    request: HttpRequest,
    site: Data<Site>,
    idp: Data<IdentityProvider>,
    form: Form<ButtonForm>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let (visit, logout) = visit
        .transact(move |tx, visit| {
            let site = visit.site.clone();
            if let Some(subscriber) = visit.session.state.signed_in() {
                visit.remember(tx, subscriber, Event::SignedOut)?;
                let session = visit.session.id_hash();
                if let Some(id) = logout::begin_here(tx, &site, &idp, session, subscriber, visit.now)? {
                    // It was ended there.
                    visit.session.forget(&site);
                    visit.session.state.logout = Some(id);
                    return Ok(Some(id));
                }
            }
            visit.session.reset(&site);
            visit.session.state.notice = Some(Notice::SignedOut);
            Ok(None)
        })
        .await?;
    Ok(match logout {
        Some(id) => visit.see_exactly(&logout::path_of(&id)),
        None => visit.see(address::SIGN_IN),
    })
}

/// `POST /account/sessions/end`: all other browsers are signed out.
pub(super) async fn end_sessions(
    request: HttpRequest,
    site: Data<Site>,
    form: Form<ButtonForm>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let subscriber = visit.signed_in()?;
    let (visit, ()) = visit
        .transact(move |tx, visit| {
            tx.end_sessions_of(subscriber, Some(visit.session.id_hash()), visit.now)?;
            // The other browsers are known no more; this one is, as its person is signed in here.
            tx.drop_known_browsers_of(subscriber)?;
            visit.remember_browser(tx, subscriber)?;
            visit.remember(tx, subscriber, Event::SessionsEnded)?;
            visit.session.state.notice = Some(Notice::SessionsEnded);
            Ok(())
        })
        .await?;
    Ok(visit.see(address::ACCOUNT))
}

/// `POST /account/recovery-key`: a new recovery key in place of the one before. The vault must be open for it.
pub(super) async fn new_recovery_key(
    request: HttpRequest,
    site: Data<Site>,
    form: Form<ButtonForm>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let subscriber = visit.freshly_signed_in()?;
    let Some(vault_key) = visit.session.state.vault_key().cloned() else {
        return Ok(visit.see(address::UNLOCK));
    };
    let (visit, ()) = visit
        .transact(move |tx, visit| {
            make_recovery_key(tx, visit, subscriber, &vault_key)?;
            visit.remember(tx, subscriber, Event::RecoveryKeyMade)
        })
        .await?;
    Ok(visit.see(address::SIGN_UP_RECOVERY_KEY))
}
