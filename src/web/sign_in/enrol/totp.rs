//! Setting an authenticator app up: the picture, and the first code.

use actix_web::web::{Data, Form};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::super::pages::TotpSetUpPage;
use super::super::problems::TotpSetUpProblem;
use super::{Place, finish};
use crate::accounts::enrol::{Enrolled, first_address};
use crate::accounts::site::Site;
use crate::accounts::{AuthenticatorSecret, Trouble};
use crate::authentication::totp::TotpSecret;
use crate::storage::Transaction;
use crate::subscriber::SubscriberId;
use crate::web::visit::{Fault, Visit};

/// `GET …/totp`: shows the picture. The secret stays the same until a code of it is right.
pub async fn form(request: HttpRequest, site: Data<Site>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    let (place, subscriber) = Place::of(&request, &visit).await?;
    let (visit, page) = visit
        .transact(move |tx, visit| {
            let secret = match pending_secret(visit) {
                Some(secret) => secret,
                None => TotpSecret::random(&*visit.site.entropy),
            };
            visit.session.state.pending.totp_secret = Some(secret.clone());
            totp_page(tx, visit, place, subscriber, &secret, None)
        })
        .await?;
    Ok(visit.page(&page))
}

/// The secret of the app that is being set up.
fn pending_secret(visit: &Visit) -> Option<TotpSecret> {
    visit.session.state.pending.totp_secret.clone()
}

fn totp_page(
    tx: &mut Transaction<'_>,
    visit: &Visit,
    place: Place,
    subscriber: SubscriberId,
    secret: &TotpSecret,
    problem: Option<TotpSetUpProblem>,
) -> Result<TotpSetUpPage, Trouble> {
    let account = first_address(tx, visit, subscriber)?;
    Ok(TotpSetUpPage {
        picture: secret.qr_svg(&visit.site.service_name, &account)?,
        secret: secret.for_typing(),
        action: place.pages().totp.into(),
        problem,
    })
}

/// The form of `…/totp`.
#[derive(Deserialize)]
pub struct TotpForm {
    csrf: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    name: String,
}

/// `POST …/totp`: the first code shows that the app has the secret.
pub async fn add(request: HttpRequest, site: Data<Site>, form: Form<TotpForm>) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let (place, subscriber) = Place::of(&request, &visit).await?;
    let Some(secret) = pending_secret(&visit) else {
        return Ok(visit.see(place.pages().totp));
    };
    let (visit, outcome) = visit
        .transact(move |tx, visit| {
            let Ok(step) = secret.accept(&form.code, visit.now, None) else {
                return Ok(Err(totp_page(tx, visit, place, subscriber, &secret, Some(TotpSetUpProblem::Wrong))?));
            };
            let enrolled = Enrolled {
                secret: AuthenticatorSecret::Totp(secret),
                counter: step.number(),
                name: form.name,
                proof: step.proof(),
            };
            finish(tx, visit, place, subscriber, &enrolled).map(Ok)
        })
        .await?;
    Ok(match outcome {
        Ok(Ok(next)) => visit.see_exactly(&next),
        Ok(Err(_)) => visit.see(place.pages().choose),
        Err(page) => visit.page_again(&page),
    })
}
