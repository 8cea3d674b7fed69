//! `/sign-in`: address and password, the first factor. A stranger learns nothing: an unknown address and a wrong password
//! are one answer, after the same work.

use actix_web::web::{Data, Form, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::forgotten::put_password_slot;
use super::pages::{SignInPage, SuspendedPage};
use super::problems::SignInProblem;
use crate::authentication::password::{Password, PasswordVerifier, StretchedPassword};
use crate::authentication::session::SessionStage;
use crate::authentication::throttle::RateLimit;
use crate::authentication::{AuthenticationEvent, Proof};
use crate::event::{AlteredRecord, Event};
use crate::storage::Transaction;
use crate::subscriber::vault::{SlotKind, VaultError, VaultKey};
use crate::subscriber::{ContactId, EmailAddress, SubscriberId, SubscriberStatus, VaultState};
use crate::web::people::{
    Fault, TooMany, Trouble, Visit, account_of, addresses_of, allow, find_address, forget, is_reached, password_of,
    report_altered, set_password,
};
use crate::web::site::Site;

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

/// A right password.
struct Right {
    found: Found,
    stretched: StretchedPassword,
    proof: Proof,
    /// The same password at today's cost, when the stored verifier was made at a lower one.
    dearer: Option<StretchedPassword>,
}

/// Who stands in where an address is nobody's: identifiers of accounts are random, so it is no account's.
const NOBODY: SubscriberId = SubscriberId::from_bytes([0; 16]);

/// An account that an address belongs to.
struct Found {
    subscriber: SubscriberId,
    contact: ContactId,
    verifier: PasswordVerifier,
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
    // What is no address is nobody's; it is counted and worked on like any other.
    let address = EmailAddress::parse(&form.email).ok();
    let key = address.as_ref().map_or_else(|| form.email.trim().to_lowercase(), EmailAddress::canonical);

    let counted = key.clone();
    let (visit, looked_up) = visit.transact(move |tx, visit| look_up(tx, visit, address.as_ref(), &counted)).await?;
    let found = looked_up.map_err(Fault::TooMany)?;
    // An account has one count, however many addresses it has.
    let row = found.as_ref().map_or_else(|| key.into_bytes(), |found| found.subscriber.as_bytes().to_vec());

    let password = Password::given(&form.password);
    let (keys, entropy, parameters) = (site.keys.clone(), site.entropy.clone(), site.gate.parameters());
    let judged = site
        .gate
        .run(move |memory| -> Result<Option<Right>, Trouble> {
            let (stretched, right) = match &found {
                Some(found) => {
                    let stretched = StretchedPassword::for_verifier(&password, &found.verifier, memory)?;
                    let right = found.verifier.prove(&stretched, found.subscriber, &*keys)?;
                    (stretched, right)
                }
                None => {
                    let nobody = PasswordVerifier::nobodys(parameters, &*keys)?;
                    let stretched = StretchedPassword::for_nobody(&password, parameters, memory)?;
                    let right = nobody.prove(&stretched, NOBODY, &*keys)?;
                    (stretched, right)
                }
            };
            let (Some(found), Some(proof)) = (found, right) else {
                return Ok(None);
            };
            let cheap = found.verifier.is_cheaper_than(parameters);
            let dearer = cheap.then(|| StretchedPassword::new(&password, parameters, memory, &*entropy)).transpose()?;
            Ok(Some(Right { found, stretched, proof, dearer }))
        })
        .await
        .map_err(Trouble::Busy)??;

    let (visit, outcome) = visit.transact(move |tx, visit| settle(tx, visit, &row, judged)).await?;
    Ok(match outcome {
        Outcome::Wrong => visit.page_again(&wrong),
        Outcome::Suspended => visit.page_again(&SuspendedPage {}),
        Outcome::Next(path) => visit.see(path),
    })
}

/// Counts the try, and finds the account that the address belongs to.
fn look_up(
    tx: &mut Transaction<'_>,
    visit: &Visit,
    address: Option<&EmailAddress>,
    key: &str,
) -> Result<Result<Option<Found>, TooMany>, Trouble> {
    let (site, now, key) = (&visit.site, visit.now, key.as_bytes());
    let tries: [(RateLimit, &[&[u8]]); 3] = [
        (RateLimit::SIGN_IN_BY_IP, &[&visit.client]),
        (RateLimit::SIGN_IN_BY_EMAIL_AND_IP, &[key, &visit.client]),
        (RateLimit::SIGN_IN_IN_HALF_A_DAY, &[key, &visit.client]),
    ];
    if let Err(too_many) = allow(tx, site, &tries, now)? {
        return Ok(Err(too_many));
    }
    let Some(address) = address else {
        return Ok(Ok(None));
    };
    let email = find_address(tx, &*site.keys, address)?;
    let row = email.as_ref().map_or(key, |email| email.subscriber.as_bytes());
    let ended = is_reached(tx, site, &RateLimit::PASSWORD_IN_A_ROW, &[row], now)?;
    // Nobody's password is looked for too, so that the database does the same for everybody.
    let known = password_of(tx, site, email.as_ref().map_or(NOBODY, |email| email.subscriber))?;
    let (Some(email), Some(known)) = (email, known) else {
        return Ok(Ok(None));
    };
    if ended {
        // 3.2.2: after a hundred in a row not even the right password is taken; a link chooses a new one.
        return Ok(Ok(None));
    }
    Ok(Ok(Some(Found { subscriber: email.subscriber, contact: email.id, verifier: known.verifier })))
}

enum Outcome {
    Next(&'static str),
    Suspended,
    Wrong,
}

fn settle(tx: &mut Transaction<'_>, visit: &mut Visit, row: &[u8], judged: Option<Right>) -> Result<Outcome, Trouble> {
    let (site, now) = (visit.site.clone(), visit.now);
    let wrong_tries: &[(RateLimit, &[&[u8]])] = &[(RateLimit::PASSWORD_IN_A_ROW, &[row])];
    let Some(Right { found, stretched, proof, dearer }) = judged else {
        Event::WrongPassword.log(None);
        let _ = allow(tx, &site, wrong_tries, now)?;
        return Ok(Outcome::Wrong);
    };
    let account = account_of(tx, &site, found.subscriber)?;
    let Some(account) = account.filter(|account| account.status != SubscriberStatus::Ended) else {
        let _ = allow(tx, &site, wrong_tries, now)?;
        return Ok(Outcome::Wrong);
    };
    forget(tx, &site, &RateLimit::PASSWORD_IN_A_ROW, &[row])?;
    if account.status == SubscriberStatus::Suspended {
        return Ok(Outcome::Suspended);
    }
    let vault_key = open_by_password(tx, &site, found.subscriber, &stretched)?;
    // What opens the vault from now on is what the stored verifier was made with.
    let slot_key = dearer.as_ref().unwrap_or(&stretched).slot_key();
    if dearer.is_some() || found.verifier.is_of_an_older_key(&*site.keys) {
        let verifier = PasswordVerifier::new(dearer.as_ref().unwrap_or(&stretched), found.subscriber, &*site.keys)?;
        set_password(tx, &site, found.subscriber, &verifier, now)?;
    }
    if let (Some(_), Some(vault_key)) = (&dearer, &vault_key) {
        put_password_slot(tx, &site, found.subscriber, &slot_key, vault_key, visit)?;
    }
    let again = visit.session.state.signed_in() == Some(found.subscriber);
    if again {
        // The same person again: what was proved and opened before still stands, in every tab, whether or not the second
        // factor follows.
        visit.session.renew(&site);
    } else {
        visit.session.reset(&site);
    }
    tx.touch_email(found.contact, now)?;
    let signing_up = account.status == SubscriberStatus::SigningUp;
    let state = &mut visit.session.state;
    state.subscriber = Some(found.subscriber);
    state.vault_key = vault_key.or(state.vault_key.take());
    state.events.push(AuthenticationEvent::of(proof, None, now));
    if account.vault == VaultState::Sealed {
        state.pending.password_slot_key = Some(slot_key.to_session());
    }
    state.stage = match (signing_up, again) {
        (true, _) => SessionStage::ChoosingMethods,
        (false, true) => SessionStage::SignedIn,
        (false, false) => SessionStage::PasswordProved,
    };
    Ok(Outcome::Next(if signing_up { "/sign-up/methods" } else { "/sign-in/second-factor" }))
}

/// Opens the vault with the password, when it has a slot for it.
pub(super) fn open_by_password(
    tx: &mut Transaction<'_>,
    site: &Site,
    of: SubscriberId,
    stretched: &StretchedPassword,
) -> Result<Option<VaultKey>, Trouble> {
    let slots = tx.slots_of(of)?;
    let Some(slot) = slots.iter().find(|slot| slot.kind == SlotKind::Password) else {
        return Ok(None);
    };
    match slot.open(of, &stretched.slot_key(), &*site.keys) {
        Ok(key) => Ok(Some(key)),
        Err(VaultError::Altered | VaultError::DoesNotOpen) => {
            // The password is right and its slot does not open: the row was altered.
            report_altered(of, AlteredRecord::Slot(slot.id));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
