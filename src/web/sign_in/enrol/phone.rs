//! Setting a phone up: a code by text message shows that it is the person's. Sending and judging such codes is here for
//! signing in, too.

use actix_web::web::{Data, Form};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::super::factors::{Failed, count_wrong_code, may_try, tries_left};
use super::super::pages::{LockedPage, PhoneCodePage, PhoneRegion, PhoneSetUpPage};
use super::super::problems::{PhoneCodeProblem, PhoneSetUpProblem};
use super::{Enrolled, Place, finish};
use crate::accounts::site::Site;
use crate::accounts::text_messages::{code_confirmed, code_sent};
use crate::accounts::{AuthenticatorSecret, TextLetter, TooMany, Trouble, Try, allow, send_text};
use crate::authentication::Proof;
use crate::authentication::out_of_band::{CodeBinding, CodePurpose, CodeRefused, IssuedCode, OutOfBandCode};
use crate::authentication::session::PendingPhone;
use crate::authentication::throttle::RateLimit;
use crate::event::Event;
use crate::storage::Transaction;
use crate::subscriber::{PhoneNumber, PhoneNumberError, SubscriberId};
use crate::web::visit::{Fault, Visit};

/// `GET …/sms`: asks for a number.
pub async fn form(request: HttpRequest, site: Data<Site>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    let (place, _) = Place::of(&request, &visit).await?;
    let regions = PhoneRegion::all(&visit.site);
    let region = regions.first().map(|region| region.code.clone()).unwrap_or_default();
    Ok(visit.page(&PhoneSetUpPage { region, regions, action: place.path("/sms"), ..PhoneSetUpPage::default() }))
}

/// The form of `…/sms`.
#[derive(Deserialize)]
pub struct PhoneForm {
    csrf: String,
    #[serde(default)]
    phone: String,
    #[serde(default)]
    region: String,
    #[serde(default)]
    name: String,
}

/// `POST …/sms`: sends a code to the number.
pub async fn send(request: HttpRequest, site: Data<Site>, form: Form<PhoneForm>) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let (place, subscriber) = Place::of(&request, &visit).await?;
    let regions = PhoneRegion::all(&site);
    let page = |problem| PhoneSetUpPage {
        phone: form.phone.clone(),
        region: form.region.clone(),
        regions: regions.clone(),
        action: place.path("/sms"),
        problem: Some(problem),
    };
    let region = if form.region.is_empty() { "US" } else { form.region.as_str() };
    let phone = match PhoneNumber::parse(&form.phone, region).and_then(PhoneNumber::for_text_messages) {
        Ok(phone) if site.text_messages.may_be_set_up(&phone) => phone,
        Ok(_) => return Ok(visit.page_again(&page(PhoneSetUpProblem::Country))),
        Err(PhoneNumberError::NotForTextMessages) => return Ok(visit.page_again(&page(PhoneSetUpProblem::NotForText))),
        Err(PhoneNumberError::NotANumber | PhoneNumberError::UnknownRegion) => {
            return Ok(visit.page_again(&page(PhoneSetUpProblem::Number)));
        }
    };
    let name = form.name.clone();
    let (visit, sent) = visit
        .transact(move |tx, visit| {
            visit.session.state.pending.phone =
                Some(PendingPhone { e164: phone.e164().to_owned(), authenticator: None, name });
            send_code(tx, visit, subscriber, &phone, CodePurpose::ConfirmPhone)
        })
        .await?;
    Ok(match sent {
        Ok(()) => visit.see(&place.path("/sms/code")),
        Err(_) => visit.page_again(&page(PhoneSetUpProblem::TooMany)),
    })
}

/// Sends a code, if the throttles allow it. Nothing is reset by it.
pub(in crate::web::sign_in) fn send_code(
    tx: &mut Transaction<'_>,
    visit: &mut Visit,
    of: SubscriberId,
    phone: &PhoneNumber,
    purpose: CodePurpose,
) -> Result<Result<(), TooMany>, Trouble> {
    let terms = visit.site.text_messages.terms();
    let (number, account) = (phone.e164().as_bytes(), of.as_bytes());
    let limits = &visit.site.limits;
    let mut tries = vec![Try::new(RateLimit::TEXT_AGAIN, &[account]), Try::new(limits.text_by_subscriber, &[account])];
    tries.extend(Try::from_network(limits.text_by_network, &[], &visit.client));
    // What is shared comes last, and what strangers can use up is not what people sign in by.
    match purpose {
        CodePurpose::ConfirmPhone => {
            tries.push(Try::new(limits.text_new_phone, &[account]));
            tries.push(Try::new(RateLimit::TEXT_BY_NEW_PHONE, &[number]));
            tries.push(Try::new(terms.by_block, &[phone.block().as_bytes()]));
            tries.push(Try::new(terms.to_new_phones, &[]));
        }
        CodePurpose::SignIn => {
            tries.push(Try::new(limits.text_by_phone, &[number]));
            tries.push(Try::new(terms.to_known_phones, &[]));
        }
    }
    let shared = [terms.by_block.name, terms.to_new_phones.name, terms.to_known_phones.name];
    if let Err(too_many) = allow(tx, &visit.site, &tries, visit.now)? {
        if shared.contains(&too_many.limit) {
            visit.remember(tx, of, Event::TextMessageHeldBack { limit: too_many.limit })?;
        }
        return Ok(Err(too_many));
    }
    let code = OutOfBandCode::random(&*visit.site.entropy);
    let bound = CodeBinding { subscriber: of, phone, purpose, session: visit.session.id_hash() };
    tx.put_code(of, purpose, &IssuedCode::new(&code, &bound, visit.now, &*visit.site.keys)?)?;
    send_text(tx, &visit.site, phone, &TextLetter::Code(&code), visit.now)?;
    if purpose == CodePurpose::ConfirmPhone
        && let Some(alarm) = code_sent(tx, &visit.site, phone)?
    {
        visit.remember(tx, of, alarm)?;
    }
    Ok(Ok(()))
}

fn pending_phone(visit: &Visit) -> Option<PhoneNumber> {
    visit.session.state.pending.phone.as_ref().and_then(|pending| PhoneNumber::parse(&pending.e164, "US").ok())
}

fn code_page(place: Place, phone: &PhoneNumber, problem: Option<PhoneCodeProblem>, left: Option<u32>) -> PhoneCodePage {
    PhoneCodePage {
        phone: phone.international().to_owned(),
        action: place.path("/sms/code"),
        again_path: place.path("/sms/again"),
        problem,
        tries_left: left,
    }
}

/// `GET …/sms/code`: asks for the code.
pub async fn code_form(request: HttpRequest, site: Data<Site>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    let (place, _) = Place::of(&request, &visit).await?;
    Ok(match pending_phone(&visit) {
        Some(phone) => visit.page(&code_page(place, &phone, None, None)),
        None => visit.see(&place.path("/sms")),
    })
}

/// A form with a code.
#[derive(Deserialize)]
pub struct CodeForm {
    pub(in crate::web::sign_in) csrf: String,
    #[serde(default)]
    pub(in crate::web::sign_in) code: String,
}

/// `POST …/sms/again`: sends another code, which replaces the first.
pub async fn send_again(request: HttpRequest, site: Data<Site>, form: Form<CodeForm>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let (place, subscriber) = Place::of(&request, &visit).await?;
    let Some(phone) = pending_phone(&visit) else {
        return Ok(visit.see(&place.path("/sms")));
    };
    let (visit, sent) =
        visit.transact(move |tx, visit| send_code(tx, visit, subscriber, &phone, CodePurpose::ConfirmPhone)).await?;
    sent.map_err(Fault::TooMany)?;
    Ok(visit.see(&place.path("/sms/code")))
}

/// `POST …/sms/code`: the right code shows that the phone is the person's.
pub async fn add(request: HttpRequest, site: Data<Site>, form: Form<CodeForm>) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let (place, subscriber) = Place::of(&request, &visit).await?;
    let Some(phone) = pending_phone(&visit) else {
        return Ok(visit.see(&place.path("/sms")));
    };
    let shown = phone.clone();
    let (visit, outcome) = visit
        .transact(move |tx, visit| {
            if let Err(stop) = may_try(tx, visit, subscriber)? {
                return Ok(Err(PhoneProblem::Stopped(stop)));
            }
            let proof = match judge_code(tx, visit, subscriber, &phone, CodePurpose::ConfirmPhone, &form.code)? {
                Ok(proof) => proof,
                Err(refused) => {
                    let failed = count_wrong_code(tx, visit, subscriber, &[])?;
                    return Ok(Err(PhoneProblem::Wrong(PhoneCodeProblem::from(&refused), failed)));
                }
            };
            code_confirmed(tx, &visit.site, &phone)?;
            let name = visit.session.state.pending.phone.take().map(|pending| pending.name).unwrap_or_default();
            let secret = AuthenticatorSecret::Phone(phone);
            let enrolled = Enrolled { secret, counter: 0, name, proof };
            finish(tx, visit, place, subscriber, &enrolled).map(|next| next.map_err(|_| PhoneProblem::TooManyPhones))
        })
        .await?;
    Ok(match outcome {
        Ok(next) => visit.see_exactly(&next),
        Err(PhoneProblem::TooManyPhones) => visit.see(&place.path("")),
        Err(PhoneProblem::Stopped(page)) => visit.page_again(&page),
        Err(PhoneProblem::Wrong(problem, failed)) => match failed.locked {
            Some(page) => visit.page_again(&page),
            None => visit.page_again(&code_page(place, &shown, Some(problem), tries_left(failed.count))),
        },
    })
}

enum PhoneProblem {
    Stopped(LockedPage),
    TooManyPhones,
    Wrong(PhoneCodeProblem, Failed),
}

/// Judges a code by text message and uses it up.
pub(in crate::web::sign_in) fn judge_code(
    tx: &mut Transaction<'_>,
    visit: &Visit,
    of: SubscriberId,
    phone: &PhoneNumber,
    purpose: CodePurpose,
    given: &str,
) -> Result<Result<Proof, CodeRefused>, Trouble> {
    let code = match OutOfBandCode::given(given) {
        Ok(code) => code,
        Err(refused) => return Ok(Err(refused)),
    };
    let Some(issued) = tx.code_of(of, purpose)? else {
        return Ok(Err(CodeRefused::Expired));
    };
    let bound = CodeBinding { subscriber: of, phone, purpose, session: visit.session.id_hash() };
    match issued.accept(&code, &bound, visit.now, &*visit.site.keys) {
        // Of two that bring the right code at once, one has it.
        Ok(proof) if tx.consume_code(of, purpose, &issued, visit.now)? => Ok(Ok(proof)),
        Ok(_) => Ok(Err(CodeRefused::Expired)),
        Err(CodeRefused::Keys(error)) => Err(Trouble::Keys(error)),
        Err(refused) => Ok(Err(refused)),
    }
}
