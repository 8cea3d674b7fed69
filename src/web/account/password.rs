//! `/account/password`: another password, by somebody who is freshly signed in. The vault goes along: its key is sealed anew
//! for the new password.

use actix_web::web::{Data, Form};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use crate::accounts::recovery::change_password;
use crate::accounts::site::Site;
use crate::accounts::{Trouble, account_of, addresses_of};
use crate::address;
use crate::authentication::password::{Password, PasswordContext, StretchedPassword};
use crate::services::argon2_gate::Standing;
use crate::subscriber::VaultState;
use crate::web::sign_in::pages::ChoosePasswordPage;
use crate::web::sign_in::problems::ChoosePasswordProblem;
use crate::web::visit::{Fault, Visit};

fn page(email: &str, problem: Option<ChoosePasswordProblem>) -> ChoosePasswordPage {
    ChoosePasswordPage {
        email: email.to_owned(),
        action: address::ACCOUNT_PASSWORD.into(),
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
    if open && visit.session.state.vault_key().is_none() {
        // Without its key at hand, the vault would be left behind.
        return Ok(visit.see(address::UNLOCK));
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
    let (visit, ()) = visit.transact(move |tx, visit| change_password(tx, visit, subscriber, &stretched)).await?;
    Ok(visit.see(address::ACCOUNT))
}
