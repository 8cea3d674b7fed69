//! `/account/methods`: the person's authenticators. Adding them is [`crate::web::sign_in::enrol`]'s.

use actix_web::web::{Data, Form};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::lines::method_lines;
use super::pages::{MethodsPage, MethodsProblem};
use crate::accounts::site::Site;
use crate::accounts::{
    AuthenticatorSecret, TextLetter, Trouble, authenticators_of, language_of, name_of, seal_name, send_text,
};
use crate::address;
use crate::authentication::AuthenticatorId;
use crate::authentication::session::Notice;
use crate::event::Event;
use crate::storage::Transaction;
use crate::subscriber::SubscriberId;
use crate::web::visit::{Fault, Visit};

fn page(
    tx: &mut Transaction<'_>,
    visit: &Visit,
    of: SubscriberId,
    problem: Option<MethodsProblem>,
) -> Result<MethodsPage, Trouble> {
    Ok(MethodsPage { methods: method_lines(&authenticators_of(tx, &visit.site, of)?), problem })
}

/// `GET /account/methods`.
pub(super) async fn methods(request: HttpRequest, site: Data<Site>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    let subscriber = visit.signed_in()?;
    let (visit, page) = visit.read(move |tx, visit| page(tx, visit, subscriber, None)).await?;
    Ok(visit.page(&page))
}

/// The forms that rename and remove a method.
#[derive(Deserialize)]
pub(super) struct MethodForm {
    csrf: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
}

/// What came of a form.
enum Changed {
    /// The end of a key in the locale files: why not.
    No(MethodsProblem),
    /// The method is not one of the person's.
    NotTheirs,
    Yes,
}

/// Back to the list, or the list with what was wrong.
async fn answer(visit: Visit, of: SubscriberId, changed: Changed) -> Result<HttpResponse, Fault> {
    match changed {
        Changed::NotTheirs => Err(Fault::NotFound),
        Changed::Yes => Ok(visit.see(address::ACCOUNT_METHODS)),
        Changed::No(problem) => {
            let (visit, page) = visit.read(move |tx, visit| page(tx, visit, of, Some(problem))).await?;
            Ok(visit.page_again(&page))
        }
    }
}

/// `POST /account/methods/rename`.
pub(super) async fn rename(
    request: HttpRequest,
    site: Data<Site>,
    form: Form<MethodForm>,
) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let subscriber = visit.signed_in()?;
    let id: AuthenticatorId = form.id.parse().map_err(|_| Fault::NotFound)?;
    let (visit, changed) = visit
        .transact(move |tx, visit| {
            let Some(name) = name_of(&form.name) else {
                return Ok(Changed::No(MethodsProblem::Name));
            };
            let sealed = seal_name(&visit.site, subscriber, id, &name)?;
            if !tx.rename_authenticator(subscriber, id, &sealed)? {
                return Ok(Changed::NotTheirs);
            }
            visit.remember(tx, subscriber, Event::MethodRenamed)?;
            visit.session.state.notice = Some(Notice::MethodRenamed);
            Ok(Changed::Yes)
        })
        .await?;
    answer(visit, subscriber, changed).await
}

/// `POST /account/methods/remove`: never the last one that works.
pub(super) async fn remove(
    request: HttpRequest,
    site: Data<Site>,
    form: Form<MethodForm>,
) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let subscriber = visit.freshly_signed_in()?;
    let id: AuthenticatorId = form.id.parse().map_err(|_| Fault::NotFound)?;
    let (visit, changed) = visit
        .transact(move |tx, visit| {
            let (site, now) = (visit.site.clone(), visit.now);
            tx.lock_subscriber(subscriber)?;
            let all = authenticators_of(tx, &site, subscriber)?;
            // Only those that are really the person's count.
            let last = !all.iter().any(|one| one.id != id && !one.disabled);
            let Some(gone) = all.into_iter().find(|one| one.id == id) else {
                return Ok(Changed::NotTheirs);
            };
            if last || !tx.remove_authenticator(subscriber, id)? {
                return Ok(Changed::No(MethodsProblem::Last));
            }
            let kind = gone.secret.kind();
            visit.remember(tx, subscriber, Event::MethodRemoved { method: kind })?;
            if let AuthenticatorSecret::Phone(phone) = &gone.secret {
                let locale = language_of(tx, Some(subscriber))?.unwrap_or(visit.session.locale());
                send_text(tx, &site, locale, phone, &TextLetter::PhoneRemoved, now)?;
            }
            visit.session.state.notice = Some(Notice::MethodRemoved);
            Ok(Changed::Yes)
        })
        .await?;
    answer(visit, subscriber, changed).await
}
