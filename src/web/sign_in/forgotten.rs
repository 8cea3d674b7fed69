//! A forgotten password, and opening the vault again. The rules stand in [`crate::authentication::recovery`].

use actix_web::web::{Data, Form, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::link::{AloneQuery, Chosen, MailedLink, PasswordForm, RequestForm};
use super::pages::{CheckMailPage, ForgottenPasswordPage, UnlockPage};
use super::password_try::{Door, PasswordTry, unbroken};
use super::problems::{AddressProblem, UnlockProblem};
use super::sign_up::make_recovery_key;
use crate::accounts::site::Site;
use crate::accounts::{
    Letter, LinkContent, TooMany, Trouble, Try, account_of, allow, change_account, find_address, give_back, known_to,
    make_link, notify_everywhere, password_of, report_altered, send_letter, set_password,
};
use crate::authentication::look_up_secret::RecoveryKey;
use crate::authentication::password::{Password, PasswordVerifier};
use crate::authentication::recovery::LinkPurpose;
use crate::event::{AlteredRecord, Event};
use crate::services::argon2_gate::Standing;
use crate::storage::Transaction;
use crate::subscriber::vault::{SealedSlot, SlotId, SlotKey, SlotKind, VaultError, VaultKey};
use crate::subscriber::{EmailAddress, SubscriberId, SubscriberStatus, VaultState};
use crate::web::visit::{Fault, Visit};
use crate::web::waiting::Waiting;

/// `GET /forgot-password`.
pub async fn start(request: HttpRequest, site: Data<Site>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?.while_it_waits()?.keep().await?;
    Ok(visit.page(&ForgottenPasswordPage::default()))
}

/// The form of `/forgot-password`.
#[derive(Deserialize)]
pub struct StartForm {
    csrf: String,
    #[serde(default)]
    email: String,
}

/// `POST /forgot-password`: a mail goes out, and the answer is the same whoever's address it is.
pub async fn send_link(request: HttpRequest, site: Data<Site>, form: Form<StartForm>) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let Ok(address) = EmailAddress::parse(&form.email) else {
        return Ok(
            visit.page_again(&ForgottenPasswordPage { email: form.email, problem: Some(AddressProblem::Address) })
        );
    };
    let page = CheckMailPage { email: address.as_str().to_owned(), purpose: "forgot_password" };
    let (visit, sent) = visit.transact(move |tx, visit| write_to(tx, visit, &address)).await?;
    sent.map_err(Fault::TooMany)?;
    Ok(visit.page(&page))
}

fn write_to(tx: &mut Transaction<'_>, visit: &Visit, address: &EmailAddress) -> Result<Result<(), TooMany>, Trouble> {
    let (site, now) = (&visit.site, visit.now);
    let canonical = address.canonical();
    let known = find_address(tx, &*site.keys, address)?;
    let tries = match &known {
        // What strangers use up is not the owner's.
        Some(record) if is_owner(tx, visit, record.subscriber)? => {
            vec![Try::new(site.limits.password_mail_by_owner, &[record.subscriber.as_bytes()])]
        }
        _ => {
            let mut tries = Try::from_network(site.limits.mail_by_network, &[], &visit.client);
            tries.push(Try::new(site.limits.password_mail_by_address, &[canonical.as_bytes()]));
            tries
        }
    };
    if let Err(too_many) = allow(tx, site, &tries, now)? {
        return Ok(Err(too_many));
    }
    let content = LinkContent {
        email_address: address.as_str().to_owned(),
        subscriber: known.as_ref().map(|record| *record.subscriber.as_bytes()),
        waiting_request: visit.waiting.as_ref().map(Waiting::to_take_along),
    };
    // The same work is done for an address without an account; only its link goes to nobody.
    let token = make_link(tx, site, LinkPurpose::ForgottenPassword, &content, now)?;
    let letter = if known.is_some() { Letter::ForgottenPassword(token) } else { Letter::NoAccount };
    send_letter(tx, site, address, &letter, now)?;
    Ok(Ok(()))
}

/// Whether this browser is the account's own: its person is signed in, or it is known to the account.
fn is_owner(tx: &mut Transaction<'_>, visit: &Visit, of: SubscriberId) -> Result<bool, Trouble> {
    let signed_in = visit.session.state.signed_in() == Some(of);
    Ok(signed_in || known_to(tx, &visit.site, &visit.known_here, of, visit.now)?.is_some())
}

/// `GET /forgot-password/{token}`: the link. It is used up when the new password is chosen.
pub async fn follow(
    request: HttpRequest,
    site: Data<Site>,
    token: Path<String>,
    query: Query<AloneQuery>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    MailedLink::new(LinkPurpose::ForgottenPassword, token.into_inner()).open(&request, visit, &query).await
}

/// `POST /forgot-password/{token}/request`: whether the request that came with the link is gone on with.
pub async fn decide(
    request: HttpRequest,
    site: Data<Site>,
    token: Path<String>,
    form: Form<RequestForm>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    MailedLink::new(LinkPurpose::ForgottenPassword, token.into_inner()).decide(&request, visit, &form).await
}

/// `POST /forgot-password/{token}`: the new password.
pub async fn choose_password(
    request: HttpRequest,
    site: Data<Site>,
    token: Path<String>,
    form: Form<PasswordForm>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let link = MailedLink::new(LinkPurpose::ForgottenPassword, token.into_inner());
    let (visit, link, chosen) = link.chosen(visit, &form).await?;
    let chosen = match chosen {
        Ok(chosen) => chosen,
        Err(page) => return Ok(page),
    };
    let (visit, done) = visit.transact(move |tx, visit| replace_password(tx, visit, &chosen)).await?;
    Ok(match done {
        true => visit.see("/sign-in"),
        false => link.unusable(&visit),
    })
}

/// Puts the new password in place of the old one, seals the vault, ends every session, and tells every address.
fn replace_password(tx: &mut Transaction<'_>, visit: &mut Visit, chosen: &Chosen) -> Result<bool, Trouble> {
    let (site, now) = (visit.site.clone(), visit.now);
    let Chosen { link, made_at, content, address, stretched } = chosen;
    let Some(of) = content.subscriber.map(SubscriberId::from_bytes) else {
        return Ok(false);
    };
    // Of a reset and another change of the password at once, one comes after the other.
    tx.lock_subscriber(of)?;
    // A link goes with its address: not when that was taken from the account, nor after another link did its work.
    let still_theirs = find_address(tx, &*site.keys, address)?.is_some_and(|record| record.subscriber == of);
    let overtaken = password_of(tx, &site, of)?.is_some_and(|known| *made_at <= known.set_at);
    if !still_theirs || overtaken {
        return Ok(false);
    }
    if !tx.use_link(link, now)? {
        return Ok(false);
    }
    let Some(account) = account_of(tx, &site, of)?.filter(|account| account.status != SubscriberStatus::Ended) else {
        return Ok(false);
    };
    let verifier = PasswordVerifier::new(stretched, of, &*site.keys)?;
    set_password(tx, &site, of, &verifier, now)?;
    if account.status == SubscriberStatus::SigningUp {
        // Nothing is in the vault yet, and there is no recovery key: it begins anew.
        put_password_slot(tx, &site, of, &stretched.slot_key(), &VaultKey::random(&*site.entropy), visit)?;
    } else {
        tx.drop_slot(of, SlotKind::Password)?;
        change_account(tx, &site, of, |account| account.vault = VaultState::Sealed)?;
    }
    // This browser's own ends with the reset below: one that was ended here could not be kept any more.
    tx.end_sessions_of(of, Some(visit.session.id_hash()), now)?;
    visit.remember(tx, of, Event::PasswordReset)?;
    notify_everywhere(tx, &site, of, &Letter::PasswordChanged, None, now)?;
    visit.session.reset(&site);
    visit.session.state.notice = Some("password_changed".to_owned());
    Ok(true)
}

/// Makes the password open the vault.
pub(crate) fn put_password_slot(
    tx: &mut Transaction<'_>,
    site: &Site,
    of: SubscriberId,
    slot_key: &SlotKey,
    vault_key: &VaultKey,
    visit: &Visit,
) -> Result<(), Trouble> {
    let id = SlotId::random(&*site.entropy);
    let slot = SealedSlot::seal(id, of, slot_key, vault_key, &*site.keys, &*site.entropy)?;
    Ok(tx.put_slot(of, &slot, None, visit.now)?)
}

fn unlock_page(visit: &Visit, by_password: bool, problem: Option<UnlockProblem>) -> UnlockPage {
    let action = if by_password { "/unlock" } else { "/forgot-password/unlock" };
    // The request that waits would send the person here again, unless it is told that they go on without it.
    let skip_path = match visit.request {
        Some(_) => format!("{}?without=profile", visit.home()),
        None => visit.home(),
    };
    UnlockPage { by_password, action: action.to_owned(), skip_path: Some(skip_path), problem }
}

/// `GET /forgot-password/unlock`: asks for the recovery key.
pub async fn unlock_by_recovery_key(request: HttpRequest, site: Data<Site>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    let subscriber = visit.signed_in()?;
    let (visit, account) = visit.read(move |tx, visit| account_of(tx, &visit.site, subscriber)).await?;
    let sealed = account.is_some_and(|account| account.vault == VaultState::Sealed);
    Ok(match sealed {
        true => visit.page(&unlock_page(&visit, false, None)),
        false => visit.see_home(),
    })
}

/// The form of both unlocking pages.
#[derive(Deserialize)]
pub struct UnlockForm {
    csrf: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    recovery_key: String,
}

/// `POST /forgot-password/unlock`: the recovery key opens the vault, the password opens it from now on, and a new
/// recovery key takes the place of the used one.
pub async fn use_recovery_key(
    request: HttpRequest,
    site: Data<Site>,
    form: Form<UnlockForm>,
) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let subscriber = visit.freshly_signed_in()?;
    let key = match RecoveryKey::parse(&form.recovery_key) {
        Ok(key) => key,
        Err(error) => return Ok(visit.page_again(&unlock_page(&visit, false, Some(error.into())))),
    };
    let (visit, opened) = visit.transact(move |tx, visit| open_by_recovery_key(tx, visit, subscriber, &key)).await?;
    Ok(match opened.map_err(Fault::TooMany)? {
        Opened::Yes => visit.see("/sign-up/recovery-key"),
        Opened::No => visit.page_again(&unlock_page(&visit, false, Some(UnlockProblem::Wrong))),
        // The password's key is gone with the session in which it was typed.
        Opened::SignInAgain => return Err(Fault::Stale(visit.request)),
    })
}

enum Opened {
    No,
    SignInAgain,
    Yes,
}

fn open_by_recovery_key(
    tx: &mut Transaction<'_>,
    visit: &mut Visit,
    of: SubscriberId,
    key: &RecoveryKey,
) -> Result<Result<Opened, TooMany>, Trouble> {
    let (site, now) = (visit.site.clone(), visit.now);
    let counted = match allow(tx, &site, &[Try::new(site.limits.recovery_key, &[of.as_bytes()])], now)? {
        Ok(counted) => counted,
        Err(too_many) => return Ok(Err(too_many)),
    };
    let slots = tx.slots_of(of)?;
    let Some(slot) = slots.iter().find(|slot| slot.kind == SlotKind::RecoveryKey) else {
        return Ok(Ok(Opened::No));
    };
    let vault_key = match slot.open(of, &key.slot_key(), &*site.keys) {
        Ok(vault_key) => vault_key,
        Err(VaultError::DoesNotOpen) => return Ok(Ok(Opened::No)),
        Err(VaultError::Altered) => {
            report_altered(of, AlteredRecord::Slot(slot.id));
            return Ok(Ok(Opened::No));
        }
        Err(error) => return Err(error.into()),
    };
    let Some(password_key) = visit.session.state.pending.password_slot_key.take() else {
        return Ok(Ok(Opened::SignInAgain));
    };
    give_back(tx, &counted)?;
    put_password_slot(tx, &site, of, &SlotKey::password_from_session(password_key), &vault_key, visit)?;
    change_account(tx, &site, of, |account| account.vault = VaultState::Open)?;
    visit.remember(tx, of, Event::RecoveryKeyUsed)?;
    notify_everywhere(tx, &site, of, &Letter::RecoveryKeyUsed, None, now)?;
    visit.session.renew(&site);
    make_recovery_key(tx, visit, of, &vault_key)?;
    visit.session.state.vault_key = Some(vault_key);
    Ok(Ok(Opened::Yes))
}

/// `GET /unlock`: asks for the password when somebody is signed in and the vault is not open in this session.
pub async fn unlock_by_password(request: HttpRequest, site: Data<Site>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    let subscriber = visit.signed_in()?;
    if visit.session.state.vault_key.is_some() {
        return Ok(visit.see_home());
    }
    let (visit, account) = visit.read(move |tx, visit| account_of(tx, &visit.site, subscriber)).await?;
    let sealed = account.is_some_and(|account| account.vault == VaultState::Sealed);
    Ok(match sealed {
        true => visit.see("/forgot-password/unlock"),
        false => visit.page(&unlock_page(&visit, true, None)),
    })
}

/// `POST /unlock`.
pub async fn use_password(
    request: HttpRequest,
    site: Data<Site>,
    form: Form<UnlockForm>,
) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let subscriber = visit.signed_in()?;
    let (visit, problem) = unbroken(unlock(visit, subscriber, Password::given(&form.password))).await?;
    Ok(match problem {
        None => visit.see_home(),
        Some(problem) => visit.page_again(&unlock_page(&visit, true, Some(problem))),
    })
}

/// Opens the vault with the password; otherwise gives the problem that the page explains.
async fn unlock(visit: Visit, of: SubscriberId, password: Password) -> Result<(Visit, Option<UnlockProblem>), Fault> {
    let place = visit.enter(Standing::Known(of))?;
    let (visit, begun) = visit
        .transact(move |tx, visit| {
            let known = known_to(tx, &visit.site, &visit.known_here, of, visit.now)?;
            PasswordTry::begin(tx, visit, &Door::Unlock(of), known)
        })
        .await?;
    let tried = begun.map_err(Fault::TooMany)?;
    let wrong = if tried.has_ended() { UnlockProblem::Ended } else { UnlockProblem::Wrong };
    let mut judged = tried.judge(place, &visit.site, password).await?;
    let (visit, (judged, right, opened)) = visit
        .transact(move |tx, visit| {
            let right = judged.settle(tx, visit)?;
            let was_right = right.is_some();
            let vault_key = right.and_then(|right| right.vault_key);
            let opened = vault_key.is_some();
            if opened {
                let site = visit.site.clone();
                visit.session.renew(&site);
                visit.session.state.vault_key = vault_key;
            }
            Ok((judged, was_right, opened))
        })
        .await?;
    if !right {
        judged.was_wrong(&visit.site, visit.now);
    }
    Ok((visit, (!opened).then_some(wrong)))
}
