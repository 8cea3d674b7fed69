//! `/account/password`: another password, by somebody who is freshly signed in. The vault goes along: its key is sealed anew
//! for the new password.

use actix_web::web::{Data, Form};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use crate::accounts::site::Site;
use crate::accounts::{Letter, Trouble, account_of, addresses_of, notify_everywhere, set_password};
use crate::authentication::password::{Password, PasswordContext, PasswordVerifier, StretchedPassword};
use crate::event::Event;
use crate::services::argon2_gate::Standing;
use crate::storage::Transaction;
use crate::subscriber::{SubscriberId, VaultState};
use crate::web::sign_in::pages::ChoosePasswordPage;
use crate::web::sign_in::problems::ChoosePasswordProblem;
use crate::web::sign_in::put_password_slot;
use crate::web::visit::{Fault, Visit};

fn page(email: &str, problem: Option<ChoosePasswordProblem>) -> ChoosePasswordPage {
    ChoosePasswordPage {
        email: email.to_owned(),
        action: "/account/password".to_owned(),
        forgotten: false,
        old_path: None,
        over: None,
        problem,
    }
}

/// `GET /account/password`.
pub(super) async fn form(request: HttpRequest, site: Data<Site>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    let subscriber = visit.freshly_signed_in()?;
    let (visit, known) = visit.read(move |tx, visit| addresses_of(tx, &visit.site, subscriber)).await?;
    Ok(visit.page(&page(known.first().map_or("", |known| known.address.as_str()), None)))
}

/// The form.
#[derive(Deserialize)]
pub(super) struct PasswordForm {
    csrf: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    again: String,
}

/// `POST /account/password`.
pub(super) async fn change(
    request: HttpRequest,
    site: Data<Site>,
    form: Form<PasswordForm>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let subscriber = visit.freshly_signed_in()?;
    let (visit, (known, account)) = visit
        .read(move |tx, visit| {
            Ok((addresses_of(tx, &visit.site, subscriber)?, account_of(tx, &visit.site, subscriber)?))
        })
        .await?;
    let open = account.is_some_and(|account| account.vault == VaultState::Open);
    if open && visit.session.state.vault_key.is_none() {
        // Without its key at hand, the vault would be left behind.
        return Ok(visit.see("/unlock"));
    }
    let address = known.first().map(|known| &known.address);
    let email = address.map_or("", |address| address.as_str());
    let about = PasswordContext { email_address: address, service_name: &site.service_name };
    let password = match Password::chosen(&form.password, &about) {
        Ok(_) if form.password != form.again => {
            return Ok(visit.page_again(&page(email, Some(ChoosePasswordProblem::Different))));
        }
        Ok(password) => password,
        Err(weak) => return Ok(visit.page_again(&page(email, Some(weak.into())))),
    };
    let (entropy, parameters) = (site.entropy.clone(), site.gate.parameters());
    let stretched = visit
        .enter(Standing::Known(subscriber))?
        .run(move |memory| StretchedPassword::new(&password, parameters, memory, &*entropy))
        .await
        .map_err(Trouble::Busy)?
        .map_err(Trouble::Password)?;
    let (visit, ()) = visit.transact(move |tx, visit| replace(tx, visit, subscriber, &stretched)).await?;
    Ok(visit.see("/account"))
}

fn replace(
    tx: &mut Transaction<'_>,
    visit: &mut Visit,
    of: SubscriberId,
    stretched: &StretchedPassword,
) -> Result<(), Trouble> {
    let (site, now) = (visit.site.clone(), visit.now);
    let verifier = PasswordVerifier::new(stretched, of, &*site.keys)?;
    set_password(tx, &site, of, &verifier, now)?;
    let slot_key = stretched.slot_key();
    match visit.session.state.vault_key.clone() {
        Some(vault_key) => put_password_slot(tx, &site, of, &slot_key, &vault_key, visit)?,
        // Still sealed until the recovery key comes; then it is this password that opens it.
        None => visit.session.state.pending.password_slot_key = Some(slot_key.to_session()),
    }
    tx.end_sessions_of(of, Some(visit.session.id_hash()), now)?;
    visit.remember_browser(tx, of)?;
    visit.remember(tx, of, Event::PasswordChanged)?;
    notify_everywhere(tx, &site, of, &Letter::PasswordChanged, None, now)?;
    visit.session.renew(&site);
    visit.session.state.notice = Some("password_changed".to_owned());
    Ok(())
}
