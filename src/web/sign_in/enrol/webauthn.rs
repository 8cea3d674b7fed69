//! Setting a passkey or a security key up, by script.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::super::pages::WebauthnSetUpPage;
use super::{Place, finish};
use crate::accounts::enrol::{Enrolled, NotEnrolled, first_address};
use crate::accounts::site::Site;
use crate::accounts::{AuthenticatorSecret, Trouble, authenticators_of};
use crate::authentication::AuthenticatorKind;
use crate::authentication::webauthn::{EnrolledCredential, StoredCredential, WebauthnKind, WebauthnUser};
use crate::event::{Event, Explanation};
use crate::storage::Transaction;
use crate::subscriber::SubscriberId;
use crate::web::visit::{Fault, Visit};

/// Which kind `…/webauthn` is about.
#[derive(Deserialize)]
pub struct KindQuery {
    #[serde(default = "passkey")]
    pub(in crate::web::sign_in) kind: WebauthnKind,
}

fn passkey() -> WebauthnKind {
    WebauthnKind::Passkey
}

/// `GET …/webauthn?kind=…`: a page whose script does the rest.
pub async fn form(request: HttpRequest, site: Data<Site>, query: Query<KindQuery>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    let (place, _) = Place::of(&request, &visit).await?;
    let kind = AuthenticatorKind::from(query.kind).as_str();
    Ok(visit.page(&WebauthnSetUpPage {
        kind,
        options_path: place.pages().webauthn_options.with("kind", kind),
        result_path: place.pages().webauthn.into(),
    }))
}

/// `POST …/webauthn/options?kind=…`: begins the ceremony.
pub async fn options(request: HttpRequest, site: Data<Site>, query: Query<KindQuery>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin_script(&request, &site).await?;
    let (_, subscriber) = Place::of(&request, &visit).await?;
    let kind = query.kind;
    let (visit, options) = visit
        .transact(move |tx, visit| {
            let address = first_address(tx, visit, subscriber)?;
            let user = WebauthnUser { subscriber, name: &address, display_name: &address };
            let enrolled = credentials(tx, visit, subscriber)?;
            let ceremony = visit.site.relying_party.begin_registration(kind, &user, &enrolled, visit.now)?;
            visit.session.state.pending.webauthn = Some(ceremony.pending);
            Ok(ceremony.options)
        })
        .await?;
    Ok(visit.json(StatusCode::OK, &serde_json::from_str(&options).unwrap_or_default()))
}

/// The account's passkeys and security keys.
fn credentials(tx: &mut Transaction<'_>, visit: &Visit, of: SubscriberId) -> Result<Vec<StoredCredential>, Trouble> {
    let all = authenticators_of(tx, &visit.site, of)?;
    Ok(all
        .into_iter()
        .filter_map(|authenticator| match authenticator.secret {
            AuthenticatorSecret::Webauthn(credential) => Some(*credential),
            AuthenticatorSecret::Phone(_) | AuthenticatorSecret::Totp(_) => None,
        })
        .collect())
}

/// What the script sends back.
#[derive(Deserialize)]
pub struct WebauthnResult {
    pub(in crate::web::sign_in) answer: serde_json::Value,
    #[serde(default)]
    pub(in crate::web::sign_in) name: String,
}

/// `POST …/webauthn`: judges the answer.
pub async fn add(request: HttpRequest, site: Data<Site>, result: Json<WebauthnResult>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin_script(&request, &site).await?;
    let (place, subscriber) = Place::of(&request, &visit).await?;
    let result = result.into_inner();
    let (visit, outcome) = visit
        .transact(move |tx, visit| {
            // Valid once, whatever the answer is.
            let Some(pending) = visit.session.state.pending.webauthn.take() else {
                return Ok(Err(WebauthnNotAdded::Expired));
            };
            let answer = result.answer.to_string();
            let finished =
                visit.site.relying_party.finish_registration(&pending, &answer, visit.now, &*visit.site.entropy);
            let EnrolledCredential { credential, proof } = match finished {
                Ok(enrolled) => enrolled,
                Err(refused) => {
                    Event::EnrolmentRefused { why: Explanation::of(&refused) }.log(Some(subscriber));
                    return Ok(Err(WebauthnNotAdded::Refused));
                }
            };
            let enrolled = Enrolled {
                counter: u64::from(credential.counter()),
                secret: AuthenticatorSecret::Webauthn(Box::new(credential)),
                name: result.name,
                proof,
            };
            finish(tx, visit, place, subscriber, &enrolled).map(|next| next.map_err(WebauthnNotAdded::Not))
        })
        .await?;
    Ok(match outcome {
        Ok(next) => visit.tell_next(&next),
        Err(WebauthnNotAdded::Expired) => visit.tell_problem("expired"),
        Err(WebauthnNotAdded::Refused) => visit.tell_problem("refused"),
        Err(WebauthnNotAdded::Not(NotEnrolled::Taken)) => visit.tell_problem("taken"),
        Err(WebauthnNotAdded::Not(NotEnrolled::TooMany)) => visit.tell_problem("too_many"),
    })
}

/// Why no passkey or security key was added.
enum WebauthnNotAdded {
    /// It was not asked for, or answered before.
    Expired,
    /// It works, and may not be added.
    Not(NotEnrolled),
    /// The answer is not right.
    Refused,
}
