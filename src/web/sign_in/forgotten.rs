//! A forgotten password, and opening the vault again. The rules stand in [`crate::authentication::recovery`].

use actix_web::web::{Data, Form, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::link::{AloneQuery, MailedLink, PasswordForm, RequestForm};
use super::pages::{CheckMailPage, ForgottenPasswordPage, UnlockPage};
use super::problems::{AddressProblem, UnlockProblem};
use crate::accounts::site::Site;
use crate::accounts::{Door, PasswordTry};
use crate::accounts::{Opened, open_by_recovery_key, replace_password, send_password_link};
use crate::accounts::{account_of, known_to};
use crate::address;
use crate::authentication::look_up_secret::RecoveryKey;
use crate::authentication::password::Password;
use crate::authentication::recovery::LinkPurpose;
use crate::authentication::session::SessionVault;
use crate::services::argon2_gate::Standing;
use crate::subscriber::{EmailAddress, SubscriberId, VaultState};
use crate::web::visit::unbroken;
use crate::web::visit::{Fault, Visit};

/// `GET /forgot-password`.
pub async fn start(request: HttpRequest, site: Data<Site>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?.while_it_waits()?.keep().await?;
    Ok(visit.page(&ForgottenPasswordPage::default()))
}

/// The form of `/forgot-password`.
#[derive(Deserialize)]
pub struct StartForm {
    csrf: String,
    #[serde(default)]
    email: String,
}

/// `POST /forgot-password`: a mail goes out, and the answer is the same whoever's address it is.
pub async fn send_link(request: HttpRequest, site: Data<Site>, form: Form<StartForm>) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let Ok(address) = EmailAddress::parse(&form.email) else {
        return Ok(
            visit.page_again(&ForgottenPasswordPage { email: form.email, problem: Some(AddressProblem::Address) })
        );
    };
    let page = CheckMailPage { email: address.as_str().to_owned(), purpose: "forgot_password" };
    let (visit, sent) =
        visit.transact(move |tx, visit| send_password_link(tx, visit, &address, visit.taken_along())).await?;
    sent.map_err(Fault::TooMany)?;
    Ok(visit.page(&page))
}

/// `GET /forgot-password/{token}`: the link. It is used up when the new password is chosen.
pub async fn follow(
    request: HttpRequest,
    site: Data<Site>,
    token: Path<String>,
    query: Query<AloneQuery>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    MailedLink::new(LinkPurpose::ForgottenPassword, token.into_inner()).open(&request, visit, &query).await
}

/// `POST /forgot-password/{token}/request`: whether the request that came with the link is gone on with.
pub async fn decide(
    request: HttpRequest,
    site: Data<Site>,
    token: Path<String>,
    form: Form<RequestForm>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    MailedLink::new(LinkPurpose::ForgottenPassword, token.into_inner()).decide(&request, visit, &form).await
}

/// `POST /forgot-password/{token}`: the new password.
pub async fn choose_password(
    request: HttpRequest,
    site: Data<Site>,
    token: Path<String>,
    form: Form<PasswordForm>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let link = MailedLink::new(LinkPurpose::ForgottenPassword, token.into_inner());
    let (visit, link, chosen) = link.chosen(visit, &form).await?;
    let chosen = match chosen {
        Ok(chosen) => chosen,
        Err(page) => return Ok(page),
    };
    let (visit, done) = visit.transact(move |tx, visit| replace_password(tx, visit, &chosen)).await?;
    Ok(match done {
        true => visit.see(address::SIGN_IN),
        false => link.unusable(&visit),
    })
}

fn unlock_page(visit: &Visit, by_password: bool, problem: Option<UnlockProblem>) -> UnlockPage {
    let action = if by_password { address::UNLOCK } else { address::FORGOT_PASSWORD_UNLOCK };
    // The request that waits would send the person here again, unless it is told that they go on without it.
    let skip_path = match visit.request.address() {
        Some(_) => visit.home().with("without", "profile"),
        None => visit.home(),
    };
    UnlockPage { by_password, action: action.into(), skip_path: Some(skip_path), problem }
}

/// `GET /forgot-password/unlock`: asks for the recovery key.
pub async fn unlock_by_recovery_key(request: HttpRequest, site: Data<Site>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    let subscriber = visit.signed_in()?;
    let (visit, account) = visit.read(move |tx, visit| account_of(tx, &visit.site, subscriber)).await?;
    let sealed = account.is_some_and(|account| account.vault == VaultState::Sealed);
    Ok(match sealed {
        true => visit.page(&unlock_page(&visit, false, None)),
        false => visit.see_home(),
    })
}

/// The form of both unlocking pages.
#[derive(Deserialize)]
pub struct UnlockForm {
    csrf: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    recovery_key: String,
}

/// `POST /forgot-password/unlock`: the recovery key opens the vault, the password opens it from now on, and a new
/// recovery key takes the place of the used one.
pub async fn use_recovery_key(
    request: HttpRequest,
    site: Data<Site>,
    form: Form<UnlockForm>,
) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let subscriber = visit.freshly_signed_in()?;
    let key = match RecoveryKey::parse(&form.recovery_key) {
        Ok(key) => key,
        Err(error) => return Ok(visit.page_again(&unlock_page(&visit, false, Some(error.into())))),
    };
    let (visit, opened) = visit.transact(move |tx, visit| open_by_recovery_key(tx, visit, subscriber, &key)).await?;
    Ok(match opened.map_err(Fault::TooMany)? {
        Opened::Yes => visit.see(address::SIGN_UP_RECOVERY_KEY),
        Opened::No => visit.page_again(&unlock_page(&visit, false, Some(UnlockProblem::Wrong))),
        // The password's key is gone with the session in which it was typed.
        Opened::SignInAgain => return Err(Fault::Stale(visit.request.address())),
    })
}

/// `GET /unlock`: asks for the password when somebody is signed in and the vault is not open in this session.
pub async fn unlock_by_password(request: HttpRequest, site: Data<Site>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    let subscriber = visit.signed_in()?;
    if visit.session.state.vault_key().is_some() {
        return Ok(visit.see_home());
    }
    let (visit, account) = visit.read(move |tx, visit| account_of(tx, &visit.site, subscriber)).await?;
    let sealed = account.is_some_and(|account| account.vault == VaultState::Sealed);
    Ok(match sealed {
        true => visit.see(address::FORGOT_PASSWORD_UNLOCK),
        false => visit.page(&unlock_page(&visit, true, None)),
    })
}

/// `POST /unlock`.
pub async fn use_password(
    request: HttpRequest,
    site: Data<Site>,
    form: Form<UnlockForm>,
) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let subscriber = visit.signed_in()?;
    let (visit, problem) = unbroken(unlock(visit, subscriber, Password::given(&form.password))).await?;
    Ok(match problem {
        None => visit.see_home(),
        Some(problem) => visit.page_again(&unlock_page(&visit, true, Some(problem))),
    })
}

/// Opens the vault with the password; otherwise gives the problem that the page explains.
async fn unlock(visit: Visit, of: SubscriberId, password: Password) -> Result<(Visit, Option<UnlockProblem>), Fault> {
    let place = visit.enter(Standing::Known(of))?;
    let (visit, begun) = visit
        .transact(move |tx, visit| {
            let known = known_to(tx, &visit.site, &visit.known_here, of, visit.now)?;
            PasswordTry::begin(tx, visit, &Door::Unlock(of), known)
        })
        .await?;
    let tried = begun.map_err(Fault::TooMany)?;
    let wrong = if tried.has_ended() { UnlockProblem::Ended } else { UnlockProblem::Wrong };
    let mut judged = tried.judge(place, &visit.site, password).await?;
    let (visit, (judged, right, opened)) = visit
        .transact(move |tx, visit| {
            let right = judged.settle(tx, visit)?;
            let was_right = right.is_some();
            let vault_key = right.and_then(|right| right.vault_key);
            let opened = match (vault_key, visit.session.state.signed_in_mut()) {
                (Some(vault_key), Some(signed_in)) => {
                    signed_in.vault = SessionVault::Open(vault_key);
                    let site = visit.site.clone();
                    visit.session.renew(&site);
                    true
                }
                _ => false,
            };
            Ok((judged, was_right, opened))
        })
        .await?;
    if !right {
        judged.was_wrong(&visit.site, visit.now);
    }
    Ok((visit, (!opened).then_some(wrong)))
}
