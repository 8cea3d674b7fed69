//! `/account/email`: the person's addresses.

use actix_web::web::{Data, Form, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::lines::address_lines;
use super::pages::{ConfirmEmailPage, EmailPage, EmailProblem};
use crate::accounts::site::Site;
use crate::accounts::{
    AddedAddress, Letter, LinkContent, MOST_ADDRESSES, Trouble, Try, add_address, addresses_of, allow, find_address,
    make_link, notify_everywhere, read_link, send_letter,
};
use crate::authentication::recovery::{LinkPurpose, LinkToken};
use crate::event::Event;
use crate::storage::{StoreError, Transaction};
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
            let outcome = send_link(tx, visit, subscriber, &address)?;
            let typed = if outcome.is_ok() { address.as_str() } else { form.email.as_str() };
            page(tx, visit, subscriber, typed, outcome.map(|()| true))
        })
        .await?;
    Ok(match page.problem {
        None => visit.page(&page),
        Some(_) => visit.page_again(&page),
    })
}

fn send_link(
    tx: &mut Transaction<'_>,
    visit: &Visit,
    of: SubscriberId,
    address: &EmailAddress,
) -> Result<Result<(), EmailProblem>, Trouble> {
    let (site, now) = (&visit.site, visit.now);
    let canonical = address.canonical();
    if addresses_of(tx, site, of)?.len() >= MOST_ADDRESSES {
        return Ok(Err(EmailProblem::TooMany));
    }
    let mut tries = Try::from_network(site.limits.mail_by_network, &[], &visit.client);
    tries.push(Try::new(site.limits.added_address_mail_by_address, &[canonical.as_bytes()]));
    if allow(tx, site, &tries, now)?.is_err() {
        return Ok(Err(EmailProblem::Mails));
    }
    let content = LinkContent {
        email_address: address.as_str().to_owned(),
        subscriber: Some(*of.as_bytes()),
        waiting_request: None,
    };
    let token = make_link(tx, site, LinkPurpose::AddAddress, &content, now)?;
    let taken = find_address(tx, &*site.keys, address)?.is_some();
    let letter = if taken { Letter::AddressTaken } else { Letter::AddAddress(token) };
    send_letter(tx, site, address, &letter, now)?;
    Ok(Ok(()))
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
            Some(hash) => address_of(tx, visit, subscriber, &hash),
            None => Ok(None),
        })
        .await?;
    Ok(match address {
        Some(address) => visit.page(&ConfirmEmailPage {
            email: address.as_str().to_owned(),
            action: format!("/account/email/confirm/{token}"),
        }),
        None => visit.page_again(&LinkUnusablePage { again_path: "/account/email" }),
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
            Some(hash) => use_link(tx, visit, subscriber, &hash),
            None => Ok(Confirmed::Unusable),
        })
        .await?;
    Ok(match came_to {
        Confirmed::Added => visit.see("/account/email"),
        Confirmed::Full(page) => visit.page_again(&page),
        Confirmed::Unusable => visit.page_again(&LinkUnusablePage { again_path: "/account/email" }),
    })
}

/// The address that a link adds to this account.
fn address_of(
    tx: &mut Transaction<'_>,
    visit: &Visit,
    of: SubscriberId,
    hash: &[u8; 32],
) -> Result<Option<EmailAddress>, Trouble> {
    let link = read_link(tx, &visit.site, LinkPurpose::AddAddress, hash, visit.now)?;
    let theirs = link.filter(|link| link.content.subscriber == Some(*of.as_bytes()));
    Ok(theirs.and_then(|link| EmailAddress::parse(&link.content.email_address).ok()))
}

/// What came of confirming an address.
enum Confirmed {
    Added,
    /// The account has as many addresses as it may have; the link stays usable.
    Full(EmailPage),
    Unusable,
}

fn use_link(
    tx: &mut Transaction<'_>,
    visit: &mut Visit,
    of: SubscriberId,
    hash: &[u8; 32],
) -> Result<Confirmed, Trouble> {
    let (site, now) = (visit.site.clone(), visit.now);
    let Some(address) = address_of(tx, visit, of, hash)? else {
        return Ok(Confirmed::Unusable);
    };
    match add_address(tx, &site, of, &address, now)? {
        AddedAddress::Added => {}
        AddedAddress::Full => return Ok(Confirmed::Full(page(tx, visit, of, "", Err(EmailProblem::TooMany))?)),
        AddedAddress::Taken => return Ok(Confirmed::Unusable),
    }
    if !tx.use_link(hash, now)? {
        // It was used elsewhere since it was read: nothing of this transaction may stand.
        return Err(Trouble::Store(StoreError::Database("a link was used meanwhile")));
    }
    visit.remember(tx, of, Event::AddressAdded)?;
    notify_everywhere(tx, &site, of, &Letter::AddressAdded(address), None, now)?;
    visit.session.state.notice = Some("address_added".to_owned());
    Ok(Confirmed::Added)
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
            let (site, now) = (visit.site.clone(), visit.now);
            let before = addresses_of(tx, &site, subscriber)?;
            let Some(gone) = before.into_iter().find(|known| known.id == id) else {
                return Ok(None);
            };
            if !tx.remove_email(subscriber, id)? {
                return page(tx, visit, subscriber, "", Err(EmailProblem::Last)).map(Some);
            }
            visit.remember(tx, subscriber, Event::AddressRemoved)?;
            let letter = Letter::AddressRemoved(gone.address.clone());
            notify_everywhere(tx, &site, subscriber, &letter, Some(&gone.address), now)?;
            visit.session.state.notice = Some("address_removed".to_owned());
            page(tx, visit, subscriber, "", Ok(false)).map(Some)
        })
        .await?;
    let page = page.ok_or(Fault::NotFound)?;
    Ok(match page.problem {
        None => visit.see("/account/email"),
        Some(_) => visit.page_again(&page),
    })
}
