//! Signing up: an address, its link, a password; then a second factor ([`super::enrol`]) and the recovery key.

use actix_web::web::{Data, Form, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::link::{AloneQuery, Chosen, MailedLink, PasswordForm, RequestForm};
use super::pages::{CheckMailPage, RecoveryKeyPage, SignUpPage};
use super::problems::{RecoveryKeyProblem, SignUpProblem};
use crate::accounts::site::Site;
use crate::accounts::{
    AddedAddress, Letter, LinkContent, Trouble, Try, add_account, add_address, allow, find_address, make_link,
    send_letter, set_password,
};
use crate::authentication::AuthenticationEvent;
use crate::authentication::look_up_secret::RecoveryKey;
use crate::authentication::password::PasswordVerifier;
use crate::authentication::recovery::LinkPurpose;
use crate::authentication::session::SessionStage;
use crate::event::Event;
use crate::storage::Transaction;
use crate::subscriber::vault::{SealedSlot, SlotId, VaultKey};
use crate::subscriber::{EmailAddress, SubscriberAccount, SubscriberId, SubscriberStatus, VaultState};
use crate::web::visit::{Fault, Visit};
use crate::web::waiting::Waiting;

/// `GET /sign-up`.
pub async fn start(request: HttpRequest, site: Data<Site>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?.while_it_waits()?;
    if visit.session.state.signed_in().is_some() {
        return Ok(visit.see_home());
    }
    let visit = visit.keep().await?;
    Ok(visit.page(&SignUpPage::default()))
}

/// The form of `/sign-up`.
#[derive(Deserialize)]
pub struct StartForm {
    csrf: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    rules: String,
}

/// `POST /sign-up`: a mail goes out, and the answer is the same whoever's address it is.
pub async fn send_link(request: HttpRequest, site: Data<Site>, form: Form<StartForm>) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let again = |problem| SignUpPage { email: form.email.clone(), problem: Some(problem) };
    let Ok(address) = EmailAddress::parse(&form.email) else {
        return Ok(visit.page_again(&again(SignUpProblem::Address)));
    };
    if form.rules != "yes" {
        return Ok(visit.page_again(&again(SignUpProblem::Rules)));
    }
    let page = CheckMailPage { email: address.as_str().to_owned(), purpose: "sign_up" };
    let (visit, sent) = visit.transact(move |tx, visit| begin_account(tx, visit, &address)).await?;
    sent.map_err(Fault::TooMany)?;
    Ok(visit.page(&page))
}

fn begin_account(
    tx: &mut Transaction<'_>,
    visit: &Visit,
    address: &EmailAddress,
) -> Result<Result<(), crate::accounts::TooMany>, Trouble> {
    let (site, now) = (&visit.site, visit.now);
    let canonical = address.canonical();
    let mut tries = Try::from_network(site.limits.mail_by_network, &[], &visit.client);
    tries.push(Try::new(site.limits.sign_up_mail_by_address, &[canonical.as_bytes()]));
    if let Err(too_many) = allow(tx, site, &tries, now)? {
        return Ok(Err(too_many));
    }
    let content = LinkContent {
        email_address: address.as_str().to_owned(),
        subscriber: None,
        waiting_request: visit.waiting.as_ref().map(Waiting::to_take_along),
    };
    // The same work is done for an address that has an account; only its link goes to nobody.
    let known = find_address(tx, &*site.keys, address)?.is_some();
    let token = make_link(tx, site, LinkPurpose::SignUp, &content, now)?;
    let letter = if known { Letter::AlreadyAccount } else { Letter::SignUp(token) };
    send_letter(tx, site, address, &letter, now)?;
    Ok(Ok(()))
}

/// `GET /sign-up/confirm/{token}`: the link. It is used up when the password is chosen.
pub async fn confirm(
    request: HttpRequest,
    site: Data<Site>,
    token: Path<String>,
    query: Query<AloneQuery>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    MailedLink::new(LinkPurpose::SignUp, token.into_inner()).open(&request, visit, &query).await
}

/// `POST /sign-up/confirm/{token}/request`: whether the request that came with the link is gone on with.
pub async fn decide(
    request: HttpRequest,
    site: Data<Site>,
    token: Path<String>,
    form: Form<RequestForm>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    MailedLink::new(LinkPurpose::SignUp, token.into_inner()).decide(&request, visit, &form).await
}

/// `POST /sign-up/confirm/{token}`: the password is chosen, and the account begins.
pub async fn choose_password(
    request: HttpRequest,
    site: Data<Site>,
    token: Path<String>,
    form: Form<PasswordForm>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let link = MailedLink::new(LinkPurpose::SignUp, token.into_inner());
    let (visit, link, chosen) = link.chosen(visit, &form).await?;
    let chosen = match chosen {
        Ok(chosen) => chosen,
        Err(page) => return Ok(page),
    };
    let (visit, made) = visit.transact(move |tx, visit| make_account(tx, visit, &chosen)).await?;
    Ok(match made {
        true => visit.see("/sign-up/methods"),
        false => link.unusable(&visit),
    })
}

/// Makes the account, its password and its vault; `false` when the link was used or the address taken meanwhile.
fn make_account(tx: &mut Transaction<'_>, visit: &mut Visit, chosen: &Chosen) -> Result<bool, Trouble> {
    let (site, now) = (visit.site.clone(), visit.now);
    let Chosen { link, address, stretched, .. } = chosen;
    if !tx.use_link(link, now)? || find_address(tx, &*site.keys, address)?.is_some() {
        return Ok(false);
    }
    let subscriber = SubscriberId::random(&*site.entropy);
    let account = SubscriberAccount {
        id: subscriber,
        status: SubscriberStatus::SigningUp,
        created_at: now,
        rules_accepted_at: now,
        vault: VaultState::Open,
    };
    add_account(tx, &site, &account)?;
    if add_address(tx, &site, subscriber, address, now)? != AddedAddress::Added {
        // Somebody was faster since we looked: nothing of this transaction may stand.
        return Err(Trouble::AddressTaken);
    }
    let verifier = PasswordVerifier::new(stretched, subscriber, &*site.keys)?;
    set_password(tx, &site, subscriber, &verifier, now)?;
    let vault_key = VaultKey::random(&*site.entropy);
    let slot = SealedSlot::seal(
        SlotId::random(&*site.entropy),
        subscriber,
        &stretched.slot_key(),
        &vault_key,
        &*site.keys,
        &*site.entropy,
    )?;
    tx.put_slot(subscriber, &slot, None, now)?;
    visit.remember(tx, subscriber, Event::AccountCreated)?;
    visit.session.reset(&site);
    let state = &mut visit.session.state;
    state.stage = SessionStage::ChoosingMethods;
    state.subscriber = Some(subscriber);
    state.vault_key = Some(vault_key);
    state.events.push(AuthenticationEvent::of(verifier.chosen(), None, now));
    Ok(true)
}

/// Makes a new recovery key and its slot, in place of the one before, and leaves the key in the session to be shown.
pub(crate) fn make_recovery_key(
    tx: &mut Transaction<'_>,
    visit: &mut Visit,
    of: SubscriberId,
    vault_key: &VaultKey,
) -> Result<(), Trouble> {
    let site = visit.site.clone();
    let key = RecoveryKey::random(&*site.entropy);
    let id = SlotId::random(&*site.entropy);
    let slot = SealedSlot::seal(id, of, &key.slot_key(), vault_key, &*site.keys, &*site.entropy)?;
    tx.put_slot(of, &slot, None, visit.now)?;
    visit.session.state.pending.recovery_key = Some(key.to_session());
    Ok(())
}

/// `GET /sign-up/recovery-key`: shows the recovery key until its person says that it is kept.
pub async fn recovery_key(request: HttpRequest, site: Data<Site>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    visit.signed_in()?;
    Ok(match visit.session.state.pending.recovery_key {
        Some(key) => visit.page(&recovery_key_page(key, None)),
        None => visit.see_home(),
    })
}

fn recovery_key_page(key: [u8; 16], problem: Option<RecoveryKeyProblem>) -> RecoveryKeyPage {
    RecoveryKeyPage { key: RecoveryKey::from_session(key).for_display().to_string(), problem }
}

/// The form of `/sign-up/recovery-key`.
#[derive(Deserialize)]
pub struct KeptForm {
    csrf: String,
    #[serde(default)]
    kept: String,
}

/// `POST /sign-up/recovery-key`: it is kept, and is never shown again.
pub async fn keep_recovery_key(
    request: HttpRequest,
    site: Data<Site>,
    form: Form<KeptForm>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    visit.signed_in()?;
    if let (Some(key), true) = (visit.session.state.pending.recovery_key, form.kept != "yes") {
        return Ok(visit.page_again(&recovery_key_page(key, Some(RecoveryKeyProblem::NotKept))));
    }
    let (visit, ()) = visit
        .transact(|_, visit| {
            visit.session.state.pending.recovery_key = None;
            Ok(())
        })
        .await?;
    Ok(visit.see_home())
}
