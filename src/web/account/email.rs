//! `/account/email`: the person's addresses.

use actix_web::web::{Data, Form, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::lines::address_lines;
use super::pages::{ConfirmEmailPage, EmailPage, EmailProblem};
use crate::accounts::addresses::{
    Confirmed, Removed, address_to_add, confirm_address, remove_address, send_address_link,
};
use crate::accounts::site::Site;
use crate::accounts::{Trouble, addresses_of};
use crate::address;
use crate::authentication::recovery::{LinkPurpose, LinkToken};
use crate::authentication::session::Notice;
use crate::storage::Transaction;
use crate::subscriber::{ContactId, EmailAddress, SubscriberId};
use crate::web::sign_in::pages::LinkUnusablePage;
use crate::web::visit::{Fault, Visit};

fn page(
    tx: &mut Transaction<'_>,
    visit: &Visit,
    of: SubscriberId,
    typed: &str,
    outcome: Result<bool, EmailProblem>,
) -> Result<EmailPage, Trouble> {
    Ok(EmailPage {
        addresses: address_lines(&addresses_of(tx, &visit.site, of)?),
        email: typed.to_owned(),
        sent: outcome == Ok(true),
        problem: outcome.err(),
    })
}

/// `GET /account/email`.
pub(super) async fn addresses(request: HttpRequest, site: Data<Site>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    let subscriber = visit.signed_in()?;
    let (visit, page) = visit.read(move |tx, visit| page(tx, visit, subscriber, "", Ok(false))).await?;
    Ok(visit.page(&page))
}

/// The form that adds an address.
#[derive(Deserialize)]
pub(super) struct AddForm {
    csrf: String,
    #[serde(default)]
    email: String,
}

/// `POST /account/email/add`: sends a link to the address. Whether it is somebody's already is told to that address only.
pub(super) async fn add(request: HttpRequest, site: Data<Site>, form: Form<AddForm>) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let subscriber = visit.freshly_signed_in()?;
    let (visit, page) = visit
        .transact(move |tx, visit| {
            let Ok(address) = EmailAddress::parse(&form.email) else {
                return page(tx, visit, subscriber, &form.email, Err(EmailProblem::Address));
            };
            let outcome = send_address_link(tx, visit, subscriber, &address)?.map_err(EmailProblem::from);
            let typed = if outcome.is_ok() { address.as_str() } else { form.email.as_str() };
            page(tx, visit, subscriber, typed, outcome.map(|()| true))
        })
        .await?;
    Ok(match page.problem {
        None => visit.page(&page),
        Some(_) => visit.page_again(&page),
    })
}

/// `GET /account/email/confirm/{token}`: the link, in a browser in which its person is signed in. It asks, and changes
/// nothing: programs that look at mails open links too.
pub(super) async fn confirm(
    request: HttpRequest,
    site: Data<Site>,
    token: Path<String>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    let subscriber = visit.signed_in()?;
    let token = token.into_inner();
    let hash = LinkToken::from_path(&token).map(|token| token.hash(LinkPurpose::AddAddress));
    let (visit, address) = visit
        .read(move |tx, visit| match hash {
            Some(hash) => address_to_add(tx, visit, subscriber, &hash),
            None => Ok(None),
        })
        .await?;
    Ok(match address {
        Some(address) => visit.page(&ConfirmEmailPage {
            email: address.as_str().to_owned(),
            action: address::ACCOUNT_EMAIL_CONFIRM.of(&token),
        }),
        None => visit.page_again(&LinkUnusablePage { again_path: address::ACCOUNT_EMAIL.into() }),
    })
}

/// The form that confirms an address.
#[derive(Deserialize)]
pub(super) struct ConfirmForm {
    csrf: String,
}

/// `POST /account/email/confirm/{token}`: the address is added.
pub(super) async fn add_confirmed(
    request: HttpRequest,
    site: Data<Site>,
    token: Path<String>,
    form: Form<ConfirmForm>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let subscriber = visit.signed_in()?;
    let hash = LinkToken::from_path(&token).map(|token| token.hash(LinkPurpose::AddAddress));
    let (visit, came_to) = visit
        .transact(move |tx, visit| match hash {
            Some(hash) => Ok(match confirm_address(tx, visit, subscriber, &hash)? {
                Confirmed::Full => Err(Some(page(tx, visit, subscriber, "", Err(EmailProblem::TooMany))?)),
                Confirmed::Unusable => Err(None),
                Confirmed::Added => {
                    visit.session.state.notice = Some(Notice::AddressAdded);
                    Ok(())
                }
            }),
            None => Ok(Err(None)),
        })
        .await?;
    Ok(match came_to {
        Ok(()) => visit.see(address::ACCOUNT_EMAIL),
        Err(Some(page)) => visit.page_again(&page),
        Err(None) => visit.page_again(&LinkUnusablePage { again_path: address::ACCOUNT_EMAIL.into() }),
    })
}

/// The form that removes an address.
#[derive(Deserialize)]
pub(super) struct RemoveForm {
    csrf: String,
    #[serde(default)]
    id: String,
}

/// `POST /account/email/remove`: never the last one. The removed address hears of it too.
pub(super) async fn remove(
    request: HttpRequest,
    site: Data<Site>,
    form: Form<RemoveForm>,
) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let subscriber = visit.freshly_signed_in()?;
    let id: ContactId = form.id.parse().map_err(|_| Fault::NotFound)?;
    let (visit, page) = visit
        .transact(move |tx, visit| {
            match remove_address(tx, visit, subscriber, id)? {
                Removed::NotTheirs => return Ok(None),
                Removed::Last => return page(tx, visit, subscriber, "", Err(EmailProblem::Last)).map(Some),
                Removed::Yes => visit.session.state.notice = Some(Notice::AddressRemoved),
            }
            page(tx, visit, subscriber, "", Ok(false)).map(Some)
        })
        .await?;
    let page = page.ok_or(Fault::NotFound)?;
    Ok(match page.problem {
        None => visit.see(address::ACCOUNT_EMAIL),
        Some(_) => visit.page_again(&page),
    })
}
