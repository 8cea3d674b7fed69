//! Signing up: an address, its link, a password; then a second factor ([`super::enrol`]) and the recovery key.

use actix_web::web::{Data, Form, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::link::{AloneQuery, MailedLink, PasswordForm, RequestForm};
use super::pages::{CheckMailPage, RecoveryKeyPage, SignUpPage};
use super::problems::{RecoveryKeyProblem, SignUpProblem};
use crate::accounts::site::Site;
use crate::accounts::{make_account, send_sign_up_link};
use crate::address;
use crate::authentication::look_up_secret::RecoveryKey;
use crate::authentication::recovery::LinkPurpose;
use crate::subscriber::EmailAddress;
use crate::web::visit::{Fault, Visit};

/// `GET /sign-up`.
pub async fn start(request: HttpRequest, site: Data<Site>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?.while_it_waits()?;
    if visit.session.state.signed_in().is_some() {
        return Ok(visit.see_home());
    }
    let visit = visit.keep().await?;
    Ok(visit.page(&SignUpPage::default()))
}

/// The form of `/sign-up`.
#[derive(Deserialize)]
pub struct StartForm {
    csrf: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    rules: String,
}

/// `POST /sign-up`: a mail goes out, and the answer is the same whoever's address it is.
pub async fn send_link(request: HttpRequest, site: Data<Site>, form: Form<StartForm>) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let again = |problem| SignUpPage { email: form.email.clone(), problem: Some(problem) };
    let Ok(address) = EmailAddress::parse(&form.email) else {
        return Ok(visit.page_again(&again(SignUpProblem::Address)));
    };
    if form.rules != "yes" {
        return Ok(visit.page_again(&again(SignUpProblem::Rules)));
    }
    let page = CheckMailPage { email: address.as_str().to_owned(), purpose: "sign_up" };
    let (visit, sent) =
        visit.transact(move |tx, visit| send_sign_up_link(tx, visit, &address, visit.taken_along())).await?;
    sent.map_err(Fault::TooMany)?;
    Ok(visit.page(&page))
}

/// `GET /sign-up/confirm/{token}`: the link. It is used up when the password is chosen.
pub async fn confirm(
    request: HttpRequest,
    site: Data<Site>,
    token: Path<String>,
    query: Query<AloneQuery>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    MailedLink::new(LinkPurpose::SignUp, token.into_inner()).open(&request, visit, &query).await
}

/// `POST /sign-up/confirm/{token}/request`: whether the request that came with the link is gone on with.
pub async fn decide(
    request: HttpRequest,
    site: Data<Site>,
    token: Path<String>,
    form: Form<RequestForm>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    MailedLink::new(LinkPurpose::SignUp, token.into_inner()).decide(&request, visit, &form).await
}

/// `POST /sign-up/confirm/{token}`: the password is chosen, and the account begins.
pub async fn choose_password(
    request: HttpRequest,
    site: Data<Site>,
    token: Path<String>,
    form: Form<PasswordForm>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let link = MailedLink::new(LinkPurpose::SignUp, token.into_inner());
    let (visit, link, chosen) = link.chosen(visit, &form).await?;
    let chosen = match chosen {
        Ok(chosen) => chosen,
        Err(page) => return Ok(page),
    };
    let (visit, made) = visit.transact(move |tx, visit| make_account(tx, visit, &chosen)).await?;
    Ok(match made {
        true => visit.see(address::SIGN_UP_METHODS),
        false => link.unusable(&visit),
    })
}

/// `GET /sign-up/recovery-key`: shows the recovery key until its person says that it is kept.
pub async fn recovery_key(request: HttpRequest, site: Data<Site>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    visit.signed_in()?;
    Ok(match visit.session.state.new_recovery_key() {
        Some(key) => visit.page(&recovery_key_page(key, None)),
        None => visit.see_home(),
    })
}

fn recovery_key_page(key: &RecoveryKey, problem: Option<RecoveryKeyProblem>) -> RecoveryKeyPage {
    RecoveryKeyPage { key: key.for_display().to_string(), problem }
}

/// The form of `/sign-up/recovery-key`.
#[derive(Deserialize)]
pub struct KeptForm {
    csrf: String,
    #[serde(default)]
    kept: String,
}

/// `POST /sign-up/recovery-key`: it is kept, and is never shown again.
pub async fn keep_recovery_key(
    request: HttpRequest,
    site: Data<Site>,
    form: Form<KeptForm>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    visit.signed_in()?;
    if let (Some(key), true) = (visit.session.state.new_recovery_key(), form.kept != "yes") {
        return Ok(visit.page_again(&recovery_key_page(key, Some(RecoveryKeyProblem::NotKept))));
    }
    let (visit, ()) = visit
        .transact(|_, visit| {
            if let Some(signed_in) = visit.session.state.signed_in_mut() {
                signed_in.new_recovery_key = None;
            }
            Ok(())
        })
        .await?;
    Ok(visit.see_home())
}
