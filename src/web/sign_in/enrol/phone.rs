//! Setting a phone up: a code by text message shows that it is the person's.

use actix_web::web::{Data, Form};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::super::pages::{LockedPage, PhoneCodePage, PhoneRegion, PhoneSetUpPage};
use super::super::problems::{PhoneCodeProblem, PhoneSetUpProblem};
use super::{Place, finish};
use crate::accounts::AuthenticatorSecret;
use crate::accounts::codes::{Failed, Locked, count_wrong_code, judge_code, may_try, send_code, tries_left};
use crate::accounts::enrol::Enrolled;
use crate::accounts::site::Site;
use crate::accounts::text_messages::code_confirmed;
use crate::authentication::out_of_band::CodePurpose;
use crate::authentication::session::PendingPhone;
use crate::subscriber::{PhoneNumber, PhoneNumberError};
use crate::web::visit::{Fault, Visit};

/// `GET …/sms`: asks for a number.
pub async fn form(request: HttpRequest, site: Data<Site>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    let (place, _) = Place::of(&request, &visit).await?;
    let regions = PhoneRegion::all(&visit.site);
    let region = regions.first().map(|region| region.code.clone()).unwrap_or_default();
    Ok(visit.page(&PhoneSetUpPage { region, regions, action: place.pages().sms.into(), ..PhoneSetUpPage::default() }))
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
        action: place.pages().sms.into(),
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
            visit.session.state.pending.new_phone = Some(PendingPhone { e164: phone.e164().to_owned(), name });
            send_code(tx, visit, subscriber, &phone, CodePurpose::ConfirmPhone)
        })
        .await?;
    Ok(match sent {
        Ok(()) => visit.see(place.pages().sms_code),
        Err(_) => visit.page_again(&page(PhoneSetUpProblem::TooMany)),
    })
}

fn pending_phone(visit: &Visit) -> Option<PhoneNumber> {
    visit.session.state.pending.new_phone.as_ref().and_then(|pending| PhoneNumber::parse(&pending.e164, "US").ok())
}

fn code_page(place: Place, phone: &PhoneNumber, problem: Option<PhoneCodeProblem>, left: Option<u32>) -> PhoneCodePage {
    PhoneCodePage {
        phone: phone.international().to_owned(),
        action: place.pages().sms_code.into(),
        again_path: place.pages().sms_again.into(),
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
        None => visit.see(place.pages().sms),
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
        return Ok(visit.see(place.pages().sms));
    };
    let (visit, sent) =
        visit.transact(move |tx, visit| send_code(tx, visit, subscriber, &phone, CodePurpose::ConfirmPhone)).await?;
    sent.map_err(Fault::TooMany)?;
    Ok(visit.see(place.pages().sms_code))
}

/// `POST …/sms/code`: the right code shows that the phone is the person's.
pub async fn add(request: HttpRequest, site: Data<Site>, form: Form<CodeForm>) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let (place, subscriber) = Place::of(&request, &visit).await?;
    let Some(phone) = pending_phone(&visit) else {
        return Ok(visit.see(place.pages().sms));
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
            let name = visit.session.state.pending.new_phone.take().map(|pending| pending.name).unwrap_or_default();
            let secret = AuthenticatorSecret::Phone(phone);
            let enrolled = Enrolled { secret, counter: 0, name, proof };
            finish(tx, visit, place, subscriber, &enrolled).map(|next| next.map_err(|_| PhoneProblem::TooManyPhones))
        })
        .await?;
    Ok(match outcome {
        Ok(next) => visit.see_exactly(&next),
        Err(PhoneProblem::TooManyPhones) => visit.see(place.pages().choose),
        Err(PhoneProblem::Stopped(locked)) => visit.page_again(&LockedPage::from(locked)),
        Err(PhoneProblem::Wrong(problem, failed)) => match failed.locked {
            Some(locked) => visit.page_again(&LockedPage::from(locked)),
            None => visit.page_again(&code_page(place, &shown, Some(problem), tries_left(failed.count))),
        },
    })
}

enum PhoneProblem {
    Stopped(Locked),
    TooManyPhones,
    Wrong(PhoneCodeProblem, Failed),
}
