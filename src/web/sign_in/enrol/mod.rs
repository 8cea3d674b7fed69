//! Setting up a second factor, at sign-up (`/sign-up/methods/…`) and later (`/account/methods/add/…`): the same pages and
//! the same rules; only what follows differs. Each kind has a file; what they have in common stands here.

pub mod phone;
pub mod totp;
pub mod webauthn;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::pages::{ChooseMethodPage, MethodChoice};
use crate::accounts::enrol::{Enrolled, NotEnrolled, Occasion, enrol};
use crate::accounts::site::Site;
use crate::accounts::{Trouble, account_of};
use crate::address::{self, Address, Path};
use crate::authentication::AuthenticatorKind;
use crate::authentication::session::{Notice, SessionState};
use crate::storage::Transaction;
use crate::subscriber::{SubscriberId, SubscriberStatus};
use crate::web::visit::{Fault, Visit};

/// The paths at one of the two places.
pub(super) struct Pages {
    pub(super) choose: Path,
    pub(super) totp: Path,
    pub(super) webauthn: Path,
    pub(super) webauthn_options: Path,
    pub(super) sms: Path,
    pub(super) sms_code: Path,
    pub(super) sms_again: Path,
}

/// At sign-up.
pub(super) const AT_SIGN_UP: Pages = Pages {
    choose: address::SIGN_UP_METHODS,
    totp: address::SIGN_UP_METHODS_TOTP,
    webauthn: address::SIGN_UP_METHODS_WEBAUTHN,
    webauthn_options: address::SIGN_UP_METHODS_WEBAUTHN_OPTIONS,
    sms: address::SIGN_UP_METHODS_SMS,
    sms_code: address::SIGN_UP_METHODS_SMS_CODE,
    sms_again: address::SIGN_UP_METHODS_SMS_AGAIN,
};

/// Later, on the person's own pages.
pub(super) const IN_ACCOUNT: Pages = Pages {
    choose: address::ACCOUNT_METHODS_ADD,
    totp: address::ACCOUNT_METHODS_ADD_TOTP,
    webauthn: address::ACCOUNT_METHODS_ADD_WEBAUTHN,
    webauthn_options: address::ACCOUNT_METHODS_ADD_WEBAUTHN_OPTIONS,
    sms: address::ACCOUNT_METHODS_ADD_SMS,
    sms_code: address::ACCOUNT_METHODS_ADD_SMS_CODE,
    sms_again: address::ACCOUNT_METHODS_ADD_SMS_AGAIN,
};

/// Where a method is being set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place(Occasion);

impl Place {
    /// From the address of the page, and only if the session and the account stand there: a session that was left behind
    /// while signing up is good for nothing once the account has its first authenticator.
    async fn of(request: &HttpRequest, visit: &Visit) -> Result<(Self, SubscriberId), Fault> {
        if !request.path().starts_with("/sign-up/") {
            // 4.1.2.1: a new authenticator is bound at the account's own level, and freshly so.
            return Ok((Self(Occasion::Account), visit.freshly_signed_in()?));
        }
        let of = visit.at_stage(SessionState::choosing_methods)?;
        let site = visit.site.clone();
        let account = visit.site.store.read::<_, Trouble, _>(move |tx| account_of(tx, &site, of)).await?;
        match account.map(|account| account.status) {
            Some(SubscriberStatus::SigningUp) => Ok((Self(Occasion::SignUp), of)),
            _ => Err(Fault::SignedOut(visit.request.address())),
        }
    }

    const fn pages(self) -> &'static Pages {
        match self.0 {
            Occasion::Account => &IN_ACCOUNT,
            Occasion::SignUp => &AT_SIGN_UP,
        }
    }
}

/// `GET …`: what there is to choose from, the strongest first.
pub async fn choose(request: HttpRequest, site: Data<Site>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    let (place, _) = Place::of(&request, &visit).await?;
    let pages = place.pages();
    let choice = |kind: AuthenticatorKind, path: Address| MethodChoice {
        kind: kind.as_str(),
        path,
        name: None,
        restricted: kind == AuthenticatorKind::OutOfBand,
    };
    Ok(visit.page(&ChooseMethodPage {
        choices: vec![
            choice(AuthenticatorKind::Passkey, pages.webauthn.with("kind", "passkey")),
            choice(AuthenticatorKind::SecurityKey, pages.webauthn.with("kind", "security_key")),
            choice(AuthenticatorKind::Totp, pages.totp.into()),
            choice(AuthenticatorKind::OutOfBand, pages.sms.into()),
        ],
        first: place.0 == Occasion::SignUp,
    }))
}

/// Adds the authenticator, and gives the whole address at which its person goes on.
fn finish(
    tx: &mut Transaction<'_>,
    visit: &mut Visit,
    place: Place,
    of: SubscriberId,
    enrolled: &Enrolled,
) -> Result<Result<Address, NotEnrolled>, Trouble> {
    if let Err(not) = enrol(tx, visit, place.0, of, enrolled)? {
        return Ok(Err(not));
    }
    Ok(Ok(match place.0 {
        Occasion::SignUp => visit.to(address::SIGN_UP_RECOVERY_KEY),
        Occasion::Account if visit.request.waiting().is_some() => visit.home(),
        Occasion::Account => {
            visit.session.state.notice = Some(Notice::MethodAdded);
            visit.to(address::ACCOUNT_METHODS)
        }
    }))
}
