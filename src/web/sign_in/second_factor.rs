//! `/sign-in/second-factor`: what the person has, beside the password.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Json, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::enrol::phone::CodeForm;
use super::enrol::webauthn::{KindQuery, WebauthnResult};
use super::pages::{
    EnrolPage, LockedPage, MethodChoice, PhoneChoice, SecondFactorPage, SmsPage, TotpPage, WebauthnPage,
};
use super::problems::{SmsProblem, TotpProblem};
use crate::accounts::codes::{may_try, tries_left};
use crate::accounts::second_factor::{
    Completed, Judged, TextSent, WebauthnFailed, begin_webauthn, has_others, judge_sms, judge_totp, judge_webauthn,
    pending_phone, text_code, usable_authenticators,
};
use crate::accounts::site::Site;
use crate::accounts::{Authenticator, AuthenticatorSecret};
use crate::address::{self, Address};
use crate::authentication::offer::SecondFactorOffer;
use crate::authentication::session::SessionState;
use crate::authentication::webauthn::WebauthnKind;
use crate::authentication::{AuthenticatorKind, RequiredAssurance};
use crate::subscriber::SubscriberId;
use crate::web::saml::IdentityProvider;
use crate::web::saml::journey::required_sign_in;
use crate::web::visit::{Fault, Visit};

/// The person whose second factor is asked for.
fn person(visit: &Visit) -> Result<SubscriberId, Fault> {
    visit.at_stage(SessionState::before_second_factor)
}

fn path_of(kind: AuthenticatorKind) -> Address {
    match kind {
        AuthenticatorKind::Passkey | AuthenticatorKind::SecurityKey => {
            address::SECOND_FACTOR_WEBAUTHN.with("kind", kind.as_str())
        }
        AuthenticatorKind::OutOfBand => address::SECOND_FACTOR_SMS.into(),
        AuthenticatorKind::Password | AuthenticatorKind::Totp => address::SECOND_FACTOR_TOTP.into(),
    }
}

/// The whole address at which somebody goes on whose second factor was right.
fn onward(visit: &Visit, completed: Completed) -> Address {
    match completed {
        Completed::OldPassword => visit.to(address::FORGOT_PASSWORD_OLD),
        Completed::SignedIn => visit.home(),
        Completed::SignedInSealed => visit.to(address::FORGOT_PASSWORD_UNLOCK),
    }
}

/// What the request demands of the sign-in, where the visit is about one.
fn demanded(visit: &Visit, idp: &IdentityProvider) -> Result<Option<RequiredAssurance>, Fault> {
    match visit.request.waiting() {
        // First the ended password is taken up; what the request demands follows once its person is signed in.
        _ if visit.session.state.taking_up().is_some() => Ok(None),
        Some(waiting) => Ok(required_sign_in(&visit.site, idp, waiting.pending())?),
        None => Ok(None),
    }
}

/// What is offered to somebody with these authenticators.
fn offer(
    visit: &Visit,
    of: SubscriberId,
    required: Option<&RequiredAssurance>,
    usable: &[Authenticator],
) -> SecondFactorOffer {
    let kinds: Vec<AuthenticatorKind> = usable.iter().map(|one| one.secret.kind()).collect();
    SecondFactorOffer::of(required, &kinds, visit.freshness(of))
}

/// `GET /sign-in/second-factor`: the only kind, or a choice.
pub async fn choose(
    request: HttpRequest,
    site: Data<Site>,
    idp: Data<IdentityProvider>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?.while_it_waits()?;
    let subscriber = person(&visit)?;
    let required = demanded(&visit, &idp)?;
    let (visit, (locked, all)) = visit
        .read(move |tx, visit| {
            Ok((may_try(tx, visit, subscriber)?.err(), usable_authenticators(tx, visit, subscriber)?))
        })
        .await?;
    if let Some(locked) = locked {
        return Ok(visit.page_again(&LockedPage::from(locked)));
    }
    let (kinds, then_enrol) = match offer(&visit, subscriber, required.as_ref(), &all) {
        SecondFactorOffer::NothingWorks => return Ok(visit.page_again(&LockedPage { minutes: None })),
        SecondFactorOffer::Enrol => return Ok(visit.page(&EnrolPage {})),
        SecondFactorOffer::SignInAgain => return Ok(visit.see(address::SIGN_IN.with("again", "yes"))),
        SecondFactorOffer::UseThenEnrol(kinds) => (kinds, true),
        SecondFactorOffer::Use(kinds) => (kinds, false),
    };
    if let ([only], false) = (kinds.as_slice(), then_enrol) {
        return Ok(visit.see(path_of(*only)));
    }
    let choice = |kind: AuthenticatorKind| {
        let mut names = all.iter().filter(|one| one.secret.kind() == kind).map(|one| one.name.clone());
        let (first, more) = (names.next(), names.next());
        MethodChoice {
            kind: kind.as_str(),
            path: path_of(kind),
            name: first.filter(|_| more.is_none()),
            restricted: kind == AuthenticatorKind::OutOfBand,
        }
    };
    Ok(visit.page(&SecondFactorPage { choices: kinds.into_iter().map(choice).collect(), then_enrol }))
}

/// `GET /sign-in/second-factor/totp`.
pub async fn totp(request: HttpRequest, site: Data<Site>, idp: Data<IdentityProvider>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?.while_it_waits()?;
    let subscriber = person(&visit)?;
    let (visit, offered) = offered(visit, &idp, subscriber).await?;
    if !offered.contains(&AuthenticatorKind::Totp) {
        return Ok(visit.see(address::SECOND_FACTOR));
    }
    Ok(visit.page(&TotpPage { problem: None, tries_left: None, others: offered.len() > 1 }))
}

/// The kinds that can be used now.
async fn offered(
    visit: Visit,
    idp: &IdentityProvider,
    of: SubscriberId,
) -> Result<(Visit, Vec<AuthenticatorKind>), Fault> {
    let required = demanded(&visit, idp)?;
    let (visit, all) = visit.read(move |tx, visit| usable_authenticators(tx, visit, of)).await?;
    let kinds = offer(&visit, of, required.as_ref(), &all).kinds().to_vec();
    Ok((visit, kinds))
}

/// `POST /sign-in/second-factor/totp`.
pub async fn check_totp(request: HttpRequest, site: Data<Site>, form: Form<CodeForm>) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?.while_it_waits()?;
    let subscriber = person(&visit)?;
    let (visit, judged) = visit.transact(move |tx, visit| judge_totp(tx, visit, subscriber, &form.code)).await?;
    Ok(match judged {
        Judged::Right(completed) => visit.see_exactly(&onward(&visit, completed)),
        Judged::Stopped(locked) => visit.page_again(&LockedPage::from(locked)),
        Judged::Wrong { why, failed, others } => match failed.locked {
            Some(locked) => visit.page_again(&LockedPage::from(locked)),
            None => {
                let (problem, tries_left) = (Some(TotpProblem::from(&why)), tries_left(failed.count));
                visit.page_again(&TotpPage { problem, tries_left, others })
            }
        },
    })
}

/// `GET /sign-in/second-factor/webauthn?kind=…`.
pub async fn webauthn(
    request: HttpRequest,
    site: Data<Site>,
    idp: Data<IdentityProvider>,
    query: Query<KindQuery>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?.while_it_waits()?;
    let subscriber = person(&visit)?;
    let (visit, offered) = offered(visit, &idp, subscriber).await?;
    let kind = AuthenticatorKind::from(query.kind);
    if !offered.contains(&kind) {
        return Ok(visit.see(address::SECOND_FACTOR));
    }
    Ok(visit.page(&WebauthnPage {
        kind: kind.as_str(),
        options_path: address::SECOND_FACTOR_WEBAUTHN_OPTIONS.with("kind", kind.as_str()),
        result_path: address::SECOND_FACTOR_WEBAUTHN.into(),
        others: offered.len() > 1,
    }))
}

/// `POST /sign-in/second-factor/webauthn/options?kind=…`: begins the ceremony.
pub async fn webauthn_options(
    request: HttpRequest,
    site: Data<Site>,
    query: Query<KindQuery>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin_script(&request, &site).await?.while_it_waits()?;
    let subscriber = person(&visit)?;
    let kind: WebauthnKind = query.kind;
    let (visit, options) = visit.transact(move |tx, visit| begin_webauthn(tx, visit, subscriber, kind)).await?;
    let Some(options) = options else {
        return Err(Fault::NotFound);
    };
    Ok(visit.json(StatusCode::OK, &serde_json::from_str(&options).unwrap_or_default()))
}

/// `POST /sign-in/second-factor/webauthn`: judges the answer.
pub async fn check_webauthn(
    request: HttpRequest,
    site: Data<Site>,
    result: Json<WebauthnResult>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin_script(&request, &site).await?.while_it_waits()?;
    let subscriber = person(&visit)?;
    let answer = result.into_inner().answer.to_string();
    let (visit, outcome) = visit.transact(move |tx, visit| judge_webauthn(tx, visit, subscriber, &answer)).await?;
    Ok(match outcome {
        Ok(completed) => visit.tell_next(&onward(&visit, completed)),
        // The page there says how long the account is locked.
        Err(WebauthnFailed::Locked) => visit.json(
            StatusCode::UNPROCESSABLE_ENTITY,
            &serde_json::json!({ "problem": "locked", "next": visit.to(address::SECOND_FACTOR) }),
        ),
        Err(WebauthnFailed::Expired) => visit.tell_problem("expired"),
        Err(WebauthnFailed::Refused) => visit.tell_problem("refused"),
    })
}

/// What the page about text messages shows.
fn sms_page(visit: &Visit, all: &[Authenticator], problem: Option<SmsProblem>, left: Option<u32>) -> SmsPage {
    let phones = all.iter().filter_map(|one| match &one.secret {
        AuthenticatorSecret::Phone(phone) => {
            Some(PhoneChoice { id: one.id.to_string(), name: one.name.clone(), masked: phone.masked() })
        }
        AuthenticatorSecret::Totp(_) | AuthenticatorSecret::Webauthn(_) => None,
    });
    SmsPage {
        phones: phones.collect(),
        sent_to: pending_phone(visit, all).map(|(_, phone)| phone.masked()),
        problem,
        tries_left: left,
        others: has_others(all),
    }
}

/// `GET /sign-in/second-factor/sms`.
pub async fn sms(request: HttpRequest, site: Data<Site>, idp: Data<IdentityProvider>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?.while_it_waits()?;
    let subscriber = person(&visit)?;
    let required = demanded(&visit, &idp)?;
    let (visit, all) = visit.read(move |tx, visit| usable_authenticators(tx, visit, subscriber)).await?;
    if !offer(&visit, subscriber, required.as_ref(), &all).kinds().contains(&AuthenticatorKind::OutOfBand) {
        return Ok(visit.see(address::SECOND_FACTOR));
    }
    let page = sms_page(&visit, &all, None, None);
    Ok(visit.page(&page))
}

/// Which phone.
#[derive(Deserialize)]
pub struct SendForm {
    csrf: String,
    #[serde(default)]
    id: String,
}

/// `POST /sign-in/second-factor/sms/send`: sends a code to one of the account's phones.
pub async fn send_sms(request: HttpRequest, site: Data<Site>, form: Form<SendForm>) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?.while_it_waits()?;
    let subscriber = person(&visit)?;
    let (visit, (all, sent)) = visit
        .transact(move |tx, visit| {
            let all = usable_authenticators(tx, visit, subscriber)?;
            let sent = text_code(tx, visit, subscriber, &all, form.id.parse().ok())?;
            Ok((all, sent))
        })
        .await?;
    let problem = match sent {
        TextSent::Yes => None,
        TextSent::PhoneGone => Some(SmsProblem::PhoneGone),
        TextSent::TooMany => Some(SmsProblem::TooMany),
    };
    Ok(match problem {
        // Without a phone there is nothing to send to: the page of the second factor says what there is.
        Some(SmsProblem::PhoneGone) if !all.iter().any(|one| one.secret.kind() == AuthenticatorKind::OutOfBand) => {
            visit.see(address::SECOND_FACTOR)
        }
        Some(_) => {
            let page = sms_page(&visit, &all, problem, None);
            visit.page_again(&page)
        }
        None => visit.see(address::SECOND_FACTOR_SMS),
    })
}

/// `POST /sign-in/second-factor/sms`: judges the code.
pub async fn check_sms(request: HttpRequest, site: Data<Site>, form: Form<CodeForm>) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?.while_it_waits()?;
    let subscriber = person(&visit)?;
    let (visit, (all, judged)) = visit
        .transact(move |tx, visit| {
            let all = usable_authenticators(tx, visit, subscriber)?;
            let judged = judge_sms(tx, visit, subscriber, &all, &form.code)?;
            Ok((all, judged))
        })
        .await?;
    Ok(match judged {
        Judged::Right(completed) => visit.see_exactly(&onward(&visit, completed)),
        Judged::Stopped(locked) => visit.page_again(&LockedPage::from(locked)),
        Judged::Wrong { why, failed, .. } => match failed.locked {
            Some(locked) => visit.page_again(&LockedPage::from(locked)),
            None => {
                let page = sms_page(&visit, &all, Some(SmsProblem::from(&why)), tries_left(failed.count));
                visit.page_again(&page)
            }
        },
    })
}
