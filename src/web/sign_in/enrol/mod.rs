//! Setting up a second factor, at sign-up (`/sign-up/methods/…`) and later (`/account/methods/add/…`): the same pages and
//! the same rules; only what follows differs. Each kind has a file; what they have in common stands here.

pub mod phone;
pub mod totp;
pub mod webauthn;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::pages::{ChooseMethodPage, MethodChoice};
use super::sign_up::make_recovery_key;
use crate::accounts::session::SessionTrouble;
use crate::accounts::site::Site;
use crate::accounts::{
    AuthenticatorSecret, Letter, Trouble, account_of, addresses_of, authenticators_of, change_account, name_of,
    new_authenticator, notify_everywhere,
};
use crate::authentication::session::SessionStage;
use crate::authentication::{AuthenticationEvent, AuthenticatorId, AuthenticatorKind, Proof};
use crate::event::Event;
use crate::storage::Transaction;
use crate::subscriber::{SubscriberId, SubscriberStatus};
use crate::web::visit::{Fault, Visit};

/// The most authenticators of one kind that an account may have.
const MOST_OF_A_KIND: usize = 5;

/// Where a method is being set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Account,
    SignUp,
}

impl Place {
    /// From the address of the page, and only if the session and the account stand there: a session that was left behind
    /// while signing up is good for nothing once the account has its first authenticator.
    async fn of(request: &HttpRequest, visit: &Visit) -> Result<(Self, SubscriberId), Fault> {
        if !request.path().starts_with("/sign-up/") {
            // 4.1.2.1: a new authenticator is bound at the account's own level, and freshly so.
            return Ok((Self::Account, visit.freshly_signed_in()?));
        }
        let of = visit.at_stage(&[SessionStage::ChoosingMethods])?;
        let site = visit.site.clone();
        let account = visit.site.store.read::<_, Trouble, _>(move |tx| account_of(tx, &site, of)).await?;
        match account.map(|account| account.status) {
            Some(SubscriberStatus::SigningUp) => Ok((Self::SignUp, of)),
            _ => Err(Fault::SignedOut(visit.request)),
        }
    }

    fn path(self, end: &str) -> String {
        match self {
            Self::Account => format!("/account/methods/add{end}"),
            Self::SignUp => format!("/sign-up/methods{end}"),
        }
    }
}

/// `GET …`: what there is to choose from, the strongest first.
pub async fn choose(request: HttpRequest, site: Data<Site>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    let (place, _) = Place::of(&request, &visit).await?;
    let choice = |kind: AuthenticatorKind, end: &str| MethodChoice {
        kind: kind.as_str(),
        path: place.path(end),
        name: None,
        restricted: kind == AuthenticatorKind::OutOfBand,
    };
    Ok(visit.page(&ChooseMethodPage {
        choices: vec![
            choice(AuthenticatorKind::Passkey, "/webauthn?kind=passkey"),
            choice(AuthenticatorKind::SecurityKey, "/webauthn?kind=security_key"),
            choice(AuthenticatorKind::Totp, "/totp"),
            choice(AuthenticatorKind::OutOfBand, "/sms"),
        ],
        first: place == Place::SignUp,
    }))
}

/// What an app or a key shows to tell accounts apart.
fn first_address(tx: &mut Transaction<'_>, visit: &Visit, of: SubscriberId) -> Result<String, Trouble> {
    let addresses = addresses_of(tx, &visit.site, of)?;
    Ok(addresses.first().map(|known| known.address.as_str().to_owned()).unwrap_or_default())
}

/// An authenticator that has shown that it works.
struct Enrolled {
    secret: AuthenticatorSecret,
    counter: u64,
    name: String,
    proof: Proof,
}

/// Adds the authenticator, tells the person, and gives the whole address that they go on to. The first one of an account signs
/// them in; a later one has been used by being set up, so a service that demands just that is answered.
fn finish(
    tx: &mut Transaction<'_>,
    visit: &mut Visit,
    place: Place,
    of: SubscriberId,
    enrolled: &Enrolled,
) -> Result<Result<String, &'static str>, Trouble> {
    let (site, now) = (visit.site.clone(), visit.now);
    let kind = enrolled.secret.kind();
    if place == Place::SignUp {
        // Of two browsers that stand here with one account, one finishes.
        tx.lock_subscriber(of)?;
        if account_of(tx, &site, of)?.is_none_or(|account| account.status != SubscriberStatus::SigningUp) {
            return Err(SessionTrouble::Ended.into());
        }
    }
    let existing = authenticators_of(tx, &site, of)?.iter().filter(|one| one.secret.kind() == kind).count();
    if existing >= MOST_OF_A_KIND {
        return Ok(Err("too_many"));
    }
    let name = name_of(&enrolled.name).unwrap_or_else(|| {
        let kind = format!("method-{}", kind.as_str().replace('_', "-"));
        crate::texts::text(&kind, &[])
    });
    let record = new_authenticator(&site, of, &name, &enrolled.secret, enrolled.counter, now)?;
    let id: AuthenticatorId = record.id;
    if !tx.add_authenticator(&record)? {
        return Ok(Err("taken"));
    }
    tx.touch_authenticator(id, now)?;
    let pending = &mut visit.session.state.pending;
    (pending.totp_secret, pending.webauthn, pending.phone) = (None, None, None);
    visit.remember(tx, of, Event::MethodAdded { method: kind })?;
    if place == Place::Account {
        notify_everywhere(tx, &site, of, &Letter::MethodAdded(kind), None, now)?;
        let event = AuthenticationEvent::of(enrolled.proof, Some(id), now);
        visit.session.state.events.push(event);
        if visit.waiting.is_some() {
            return Ok(Ok(visit.home()));
        }
        visit.session.state.notice = Some("method_added".to_owned());
        return Ok(Ok(visit.to("/account/methods")));
    }
    change_account(tx, &site, of, |account| account.status = SubscriberStatus::Active)?;
    tx.end_sessions_of(of, Some(visit.session.id_hash()), now)?;
    let state = &mut visit.session.state;
    state.events.push(AuthenticationEvent::of(enrolled.proof, Some(id), now));
    state.stage = SessionStage::SignedIn;
    let vault_key = state.vault_key.clone();
    visit.session.begin_anew(&site);
    visit.remember_browser(tx, of)?;
    if let Some(vault_key) = vault_key {
        make_recovery_key(tx, visit, of, &vault_key)?;
    }
    Ok(Ok(visit.to("/sign-up/recovery-key")))
}
