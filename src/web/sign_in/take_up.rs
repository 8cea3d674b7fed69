//! `/forgot-password/…/old`: taking up a password that has ended.
//!
//! After a hundred wrong tries in a row no password is right any more
//! ([`RateLimit::PASSWORD_IN_A_ROW`](crate::authentication::throttle::RateLimit::PASSWORD_IN_A_ROW)). Choosing another one seals
//! the vault, for which its person needs the recovery key. Somebody who still knows the ended password can take it up again,
//! and keeps what opens the vault: by the mailed link, then the second factor, then that password, in this order. It may be tried
//! five times in all ([`RateLimit::ENDED_PASSWORD`](crate::authentication::throttle::RateLimit::ENDED_PASSWORD)). The link is used
//! up when the password was right; until then it still chooses a new one.

use actix_web::web::{Data, Form, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::link::MailedLink;
use super::pages::{LinkUnusablePage, OldPasswordPage};
use super::problems::OldPasswordProblem;
use crate::accounts::site::Site;
use crate::accounts::take_up::{account_to_take_up, begin_taking_up, take_up};
use crate::accounts::{Door, PasswordTry, tries_at_ended_password};
use crate::address;
use crate::authentication::AuthenticationEvent;
use crate::authentication::password::Password;
use crate::authentication::recovery::{LinkHash, LinkPurpose};
use crate::services::argon2_gate::Standing;
use crate::subscriber::{SubscriberId, VaultState};
use crate::web::visit::{Fault, Visit, unbroken};

/// A form that is a button.
#[derive(Deserialize)]
pub(super) struct BeginForm {
    csrf: String,
}

/// `POST /forgot-password/{token}/old`: the person says that they know the ended password. The second factor follows.
pub(super) async fn begin(
    request: HttpRequest,
    site: Data<Site>,
    token: Path<String>,
    form: Form<BeginForm>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let link = MailedLink::new(LinkPurpose::ForgottenPassword, token.into_inner());
    let (visit, (link, begun)) = visit
        .transact(move |tx, visit| {
            let Some(found) = link.read(tx, visit)? else { return Ok((link, false)) };
            let Some(of) = account_to_take_up(tx, visit, &found)? else { return Ok((link, false)) };
            begin_taking_up(visit, of, &found);
            Ok((link, true))
        })
        .await?;
    Ok(match begun {
        true => visit.see(address::SECOND_FACTOR),
        false => link.unusable(&visit),
    })
}

/// The person who came by a link and showed the second factor, that factor, and the link.
fn proved(visit: &Visit) -> Result<(SubscriberId, AuthenticationEvent, LinkHash), Fault> {
    visit.at_stage(|state| {
        let taking_up = state.taking_up()?;
        Some((taking_up.subscriber, taking_up.second_factor?, taking_up.link))
    })
}

/// `GET /forgot-password/old`: asks for the ended password.
pub(super) async fn form(request: HttpRequest, site: Data<Site>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    let (of, ..) = proved(&visit)?;
    let (visit, tries_left) =
        visit.read(move |tx, visit| tries_at_ended_password(tx, &visit.site, of, visit.now)).await?;
    Ok(visit.page(&OldPasswordPage { tries_left, problem: None }))
}

/// The form of `/forgot-password/old`.
#[derive(Deserialize)]
pub(super) struct OldPasswordForm {
    csrf: String,
    #[serde(default)]
    password: String,
}

/// `POST /forgot-password/old`: the ended password. If it is right, it is one again, and its person is signed in.
pub(super) async fn give_old_password(
    request: HttpRequest,
    site: Data<Site>,
    form: Form<OldPasswordForm>,
) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let (visit, came_to) = unbroken(judge(visit, Password::given(&form.password))).await?;
    Ok(match came_to {
        CameTo::LinkOver => visit.page_again(&LinkUnusablePage { again_path: address::FORGOT_PASSWORD.into() }),
        CameTo::TakenUp(path) => visit.see_exactly(&path),
        CameTo::Wrong { tries_left } => {
            visit.page_again(&OldPasswordPage { tries_left, problem: Some(OldPasswordProblem::Wrong) })
        }
    })
}

enum CameTo {
    LinkOver,
    TakenUp(address::Address),
    Wrong { tries_left: u32 },
}

async fn judge(visit: Visit, password: Password) -> Result<(Visit, CameTo), Fault> {
    let (of, second, link) = proved(&visit)?;
    let place = visit.enter(Standing::Known(of))?;
    let (visit, begun) =
        visit.transact(move |tx, visit| PasswordTry::begin(tx, visit, &Door::EndedPassword(of), None)).await?;
    let Ok(tried) = begun else {
        return Ok((visit, CameTo::Wrong { tries_left: 0 }));
    };
    let mut judged = tried.judge(place, &visit.site, password).await?;
    let (visit, (judged, came_to)) = visit
        .transact(move |tx, visit| {
            let came_to = match judged.settle(tx, visit)? {
                Some(right) => match take_up(tx, visit, right, second, &link)? {
                    Some(VaultState::Sealed) => CameTo::TakenUp(visit.to(address::FORGOT_PASSWORD_UNLOCK)),
                    Some(VaultState::Open) => CameTo::TakenUp(visit.home()),
                    None => CameTo::LinkOver,
                },
                None => CameTo::Wrong { tries_left: tries_at_ended_password(tx, &visit.site, of, visit.now)? },
            };
            Ok((judged, came_to))
        })
        .await?;
    if matches!(came_to, CameTo::Wrong { .. }) {
        judged.was_wrong(&visit.site, visit.now);
    }
    Ok((visit, came_to))
}
