//! `/sign-in`: address and password, the first factor. A stranger learns nothing: an unknown address and a wrong password
//! are one answer, after the same work.

use actix_web::web::{Data, Form, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::pages::{SignInPage, SuspendedPage};
use super::problems::SignInProblem;
use crate::accounts::site::Site;
use crate::accounts::{Door, PasswordTry, RightPassword};
use crate::accounts::{Trouble, addresses_of, find_address, known_to};
use crate::address;
use crate::authentication::AuthenticationEvent;
use crate::authentication::known_browser::KnownBrowser;
use crate::authentication::password::Password;
use crate::authentication::session::{SessionStage, SessionVault};
use crate::services::argon2_gate::Standing;
use crate::storage::Transaction;
use crate::subscriber::{ContactId, EmailAddress, SubscriberStatus, VaultState};
use crate::web::visit::unbroken;
use crate::web::visit::{Fault, Visit};

/// Whether the person must show again that it is them.
#[derive(Deserialize)]
pub struct AgainQuery {
    #[serde(default)]
    again: String,
}

/// `GET /sign-in`.
pub async fn form(request: HttpRequest, site: Data<Site>, query: Query<AgainQuery>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?.while_it_waits()?;
    let again = !query.again.is_empty();
    let Some(subscriber) = visit.session.state.signed_in() else {
        let visit = visit.keep().await?;
        return Ok(visit.page(&SignInPage::default()));
    };
    if !again {
        return Ok(visit.see_home());
    }
    let (visit, email) = visit
        .read(move |tx, visit| {
            let addresses = addresses_of(tx, &visit.site, subscriber)?;
            let newest = addresses.into_iter().max_by_key(|known| known.last_sign_in_at);
            Ok(newest.map(|known| known.address.as_str().to_owned()).unwrap_or_default())
        })
        .await?;
    Ok(visit.page(&SignInPage { email, problem: None, again }))
}

/// The form of `/sign-in`.
#[derive(Deserialize)]
pub struct SignInForm {
    csrf: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
}

/// `POST /sign-in`.
pub async fn sign_in(request: HttpRequest, site: Data<Site>, form: Form<SignInForm>) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let (visit, in_time) = Visit::begin_form_or_again(&request, &site, &form.csrf).await?;
    let visit = visit.while_it_waits()?;
    let again = visit.session.state.signed_in().is_some();
    if !in_time {
        if again {
            // Signed in by another tab meanwhile: this one goes on with its own request.
            return Ok(visit.see_home());
        }
        let visit = visit.keep().await?;
        return Ok(visit.page_again(&SignInPage { email: form.email.trim().to_owned(), problem: None, again }));
    }
    let wrong = SignInPage { email: form.email.trim().to_owned(), problem: Some(SignInProblem::Wrong), again };
    let (visit, outcome) = unbroken(judge(visit, form)).await?;
    Ok(match outcome {
        CameTo::Wrong => visit.page_again(&wrong),
        CameTo::Suspended => visit.page_again(&SuspendedPage {}),
        CameTo::Next(path) => visit.see(path),
    })
}

enum CameTo {
    Next(address::Path),
    Suspended,
    Wrong,
}

async fn judge(visit: Visit, form: SignInForm) -> Result<(Visit, CameTo), Fault> {
    // What is no address is nobody's; it is counted and worked on like any other.
    let address = EmailAddress::parse(&form.email).ok();
    let typed = address.as_ref().map_or_else(|| form.email.trim().to_lowercase(), EmailAddress::canonical);
    let (visit, known) = known_browser(visit, address.clone()).await?;
    // Before anything is written.
    let place = visit.enter(known.map_or(Standing::Stranger, |known| Standing::Known(known.subscriber)))?;
    let (visit, begun) = visit
        .transact(move |tx, visit| {
            let email = address.map(|address| find_address(tx, &*visit.site.keys, &address)).transpose()?.flatten();
            let door = Door::SignIn { typed: &typed, account: email.as_ref().map(|email| email.subscriber) };
            Ok((PasswordTry::begin(tx, visit, &door, known)?, email))
        })
        .await?;
    let (begun, email) = begun;
    let tried = begun.map_err(Fault::TooMany)?;
    let mut judged = tried.judge(place, &visit.site, Password::given(&form.password)).await?;
    let (visit, (judged, outcome)) = visit
        .transact(move |tx, visit| {
            let right = judged.settle(tx, visit)?;
            let outcome = match right.zip(email) {
                Some((right, email)) => go_on(tx, visit, right, email.id)?,
                None => CameTo::Wrong,
            };
            Ok((judged, outcome))
        })
        .await?;
    if matches!(outcome, CameTo::Wrong) {
        judged.was_wrong(&visit.site, visit.now);
    }
    Ok((visit, outcome))
}

/// The browser, if it is known to the account that the address belongs to. A browser that is known to nobody is not looked up.
async fn known_browser(visit: Visit, address: Option<EmailAddress>) -> Result<(Visit, Option<KnownBrowser>), Fault> {
    let Some(address) = address.filter(|_| !visit.known_here.is_empty()) else {
        return Ok((visit, None));
    };
    visit
        .read(move |tx, visit| match find_address(tx, &*visit.site.keys, &address)? {
            Some(email) => known_to(tx, &visit.site, &visit.known_here, email.subscriber, visit.now),
            None => Ok(None),
        })
        .await
}

/// The password was right: the second factor follows, or what is still missing of signing up.
fn go_on(
    tx: &mut Transaction<'_>,
    visit: &mut Visit,
    right: RightPassword,
    email: ContactId,
) -> Result<CameTo, Trouble> {
    let (site, now) = (visit.site.clone(), visit.now);
    let RightPassword { account, proof, vault_key, slot_key } = right;
    if account.status == SubscriberStatus::Suspended {
        return Ok(CameTo::Suspended);
    }
    let again = visit.session.state.signed_in() == Some(account.id);
    if again {
        // The same person again: what was proved and opened before still stands, in every tab, whether or not the second
        // factor follows.
        visit.session.renew(&site);
    } else {
        visit.session.reset(&site);
    }
    tx.touch_email(email, now)?;
    let signing_up = account.status == SubscriberStatus::SigningUp;
    let (subscriber, state) = (account.id, &mut visit.session.state);
    let before = state.vault().cloned().unwrap_or(SessionVault::closed());
    let sealed = account.vault == VaultState::Sealed;
    let vault = SessionVault::after(vault_key, slot_key, sealed).or_as_before(before);
    state.events.push(AuthenticationEvent::of(proof, None, now));
    match state.signed_in_mut() {
        Some(signed_in) => signed_in.vault = vault,
        None if signing_up => state.stage = SessionStage::ChoosingMethods { subscriber, vault },
        None => state.stage = SessionStage::PasswordProved { subscriber, vault },
    }
    Ok(CameTo::Next(if signing_up { address::SIGN_UP_METHODS } else { address::SECOND_FACTOR }))
}
