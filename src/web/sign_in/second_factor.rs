//! `/sign-in/second-factor`: what the person has, beside the password.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Json, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::enrol::phone::{CodeForm, judge_code, send_code};
use super::enrol::webauthn::{KindQuery, WebauthnResult};
use super::factors::{Failed, complete, count_wrong_code, may_try, tries_left};
use super::pages::{
    EnrolPage, LockedPage, MethodChoice, PhoneChoice, SecondFactorPage, SmsPage, TotpPage, WebauthnPage,
};
use super::problems::{SmsProblem, TotpProblem};
use crate::accounts::site::Site;
use crate::accounts::{
    Authenticator, AuthenticatorPlace, AuthenticatorSecret, Trouble, authenticators_of, seal_secret,
};
use crate::authentication::offer::SecondFactorOffer;
use crate::authentication::out_of_band::{CodePurpose, CodeRefused};
use crate::authentication::session::{PendingPhone, SessionStage};
use crate::authentication::totp::{AcceptedStep, TotpError};
use crate::authentication::webauthn::{StoredCredential, WebauthnKind};
use crate::authentication::{AuthenticationEvent, AuthenticatorId, AuthenticatorKind, RequiredAssurance};
use crate::event::{Event, Explanation};
use crate::storage::Transaction;
use crate::subscriber::{PhoneNumber, SubscriberId};
use crate::web::saml::IdentityProvider;
use crate::web::saml::journey::required_sign_in;
use crate::web::visit::{Fault, Visit};

/// The person whose second factor is asked for: the password was right, more is asked of somebody who is signed in, or an ended
/// password is taken up again.
fn person(visit: &Visit) -> Result<SubscriberId, Fault> {
    visit.at_stage(&[SessionStage::PasswordProved, SessionStage::SignedIn, SessionStage::TakingUp])
}

/// The authenticators that work.
fn usable(tx: &mut Transaction<'_>, visit: &Visit, of: SubscriberId) -> Result<Vec<Authenticator>, Trouble> {
    let all = authenticators_of(tx, &visit.site, of)?;
    Ok(all.into_iter().filter(|authenticator| !authenticator.disabled).collect())
}

fn path_of(kind: AuthenticatorKind) -> String {
    let end = match kind {
        AuthenticatorKind::Passkey => "webauthn?kind=passkey",
        AuthenticatorKind::SecurityKey => "webauthn?kind=security_key",
        AuthenticatorKind::OutOfBand => "sms",
        AuthenticatorKind::Password | AuthenticatorKind::Totp => "totp",
    };
    format!("/sign-in/second-factor/{end}")
}

/// What the request demands of the sign-in, where the visit is about one.
fn demanded(visit: &Visit, idp: &IdentityProvider) -> Result<Option<RequiredAssurance>, Fault> {
    match &visit.waiting {
        // First the ended password is taken up; what the request demands follows once its person is signed in.
        _ if visit.session.state.stage == SessionStage::TakingUp => Ok(None),
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
        .read(move |tx, visit| Ok((may_try(tx, visit, subscriber)?.err(), usable(tx, visit, subscriber)?)))
        .await?;
    if let Some(page) = locked {
        return Ok(visit.page_again(&page));
    }
    let (kinds, then_enrol) = match offer(&visit, subscriber, required.as_ref(), &all) {
        SecondFactorOffer::NothingWorks => return Ok(visit.page_again(&LockedPage { minutes: None })),
        SecondFactorOffer::Enrol => return Ok(visit.page(&EnrolPage {})),
        SecondFactorOffer::SignInAgain => return Ok(visit.see("/sign-in?again=yes")),
        SecondFactorOffer::UseThenEnrol(kinds) => (kinds, true),
        SecondFactorOffer::Use(kinds) => (kinds, false),
    };
    if let ([only], false) = (kinds.as_slice(), then_enrol) {
        return Ok(visit.see(&path_of(*only)));
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
        return Ok(visit.see("/sign-in/second-factor"));
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
    let (visit, all) = visit.read(move |tx, visit| usable(tx, visit, of)).await?;
    let kinds = offer(&visit, of, required.as_ref(), &all).kinds().to_vec();
    Ok((visit, kinds))
}

/// Whether the account has several kinds, so that there is another to choose.
fn has_others(all: &[Authenticator]) -> bool {
    let mut kinds = all.iter().map(|one| one.secret.kind());
    kinds.next().is_some_and(|first| kinds.any(|other| other != first))
}

/// How a code ended.
enum Judged<P> {
    Next(String),
    Stopped(LockedPage),
    Wrong { problem: P, failed: Failed, others: bool },
}

/// `POST /sign-in/second-factor/totp`.
pub async fn check_totp(request: HttpRequest, site: Data<Site>, form: Form<CodeForm>) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?.while_it_waits()?;
    let subscriber = person(&visit)?;
    let (visit, judged) = visit.transact(move |tx, visit| judge_totp(tx, visit, subscriber, &form.code)).await?;
    Ok(match judged {
        Judged::Next(address) => visit.see_exactly(&address),
        Judged::Stopped(page) => visit.page_again(&page),
        Judged::Wrong { problem, failed, others } => match failed.locked {
            Some(page) => visit.page_again(&page),
            None => {
                let tries_left = tries_left(failed.count);
                visit.page_again(&TotpPage { problem: Some(problem), tries_left, others })
            }
        },
    })
}

fn judge_totp(
    tx: &mut Transaction<'_>,
    visit: &mut Visit,
    of: SubscriberId,
    code: &str,
) -> Result<Judged<TotpProblem>, Trouble> {
    if let Err(page) = may_try(tx, visit, of)? {
        return Ok(Judged::Stopped(page));
    }
    let all = usable(tx, visit, of)?;
    let others = has_others(&all);
    let apps: Vec<Authenticator> = all.into_iter().filter(|one| one.secret.kind() == AuthenticatorKind::Totp).collect();
    let mut problem = TotpProblem::Wrong;
    for app in &apps {
        match accept_totp(app, code, visit)? {
            // Of two that bring the same code at once, one is first.
            Ok(step) if tx.accept_totp_step(app.id, step.number(), visit.now)? => {
                let event = AuthenticationEvent::of(step.proof(), Some(app.id), visit.now);
                return complete(tx, visit, of, event).map(Judged::Next);
            }
            Ok(_) | Err(TotpError::Used) => problem = TotpProblem::Used,
            Err(TotpError::Malformed) => problem = TotpProblem::Malformed,
            Err(TotpError::TooLong | TotpError::Wrong) => {}
        }
    }
    let failed = count_wrong_code(tx, visit, of, &apps)?;
    Ok(Judged::Wrong { problem, failed, others })
}

fn accept_totp(app: &Authenticator, code: &str, visit: &Visit) -> Result<Result<AcceptedStep, TotpError>, Trouble> {
    let AuthenticatorSecret::Totp(secret) = &app.secret else {
        return Ok(Err(TotpError::Wrong));
    };
    Ok(secret.accept(code, visit.now, Some(app.counter)))
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
        return Ok(visit.see("/sign-in/second-factor"));
    }
    Ok(visit.page(&WebauthnPage {
        kind: kind.as_str(),
        options_path: format!("/sign-in/second-factor/webauthn/options?kind={}", kind.as_str()),
        result_path: "/sign-in/second-factor/webauthn".to_owned(),
        others: offered.len() > 1,
    }))
}

/// The passkeys and security keys among authenticators, each with its record.
fn keys_of(all: Vec<Authenticator>) -> (Vec<AuthenticatorPlace>, Vec<u64>, Vec<StoredCredential>) {
    let mut keys = (Vec::new(), Vec::new(), Vec::new());
    for one in all {
        if let AuthenticatorSecret::Webauthn(credential) = one.secret {
            keys.0.push(one.place);
            keys.1.push(one.counter);
            keys.2.push(*credential);
        }
    }
    keys
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
    let (visit, options) = visit
        .transact(move |tx, visit| {
            let (_, _, credentials) = keys_of(usable(tx, visit, subscriber)?);
            if !credentials.iter().any(|credential| credential.kind() == kind) {
                return Ok(None);
            }
            let ceremony = visit.site.relying_party.begin_authentication(kind, &credentials, visit.now)?;
            visit.session.state.pending.webauthn = Some(ceremony.pending);
            Ok(Some(ceremony.options))
        })
        .await?;
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
        Ok(next) => visit.tell_next(&next),
        // The page there says how long the account is locked.
        Err("locked") => visit.json(
            StatusCode::UNPROCESSABLE_ENTITY,
            &serde_json::json!({ "problem": "locked", "next": visit.to("/sign-in/second-factor") }),
        ),
        Err(problem) => visit.tell_problem(problem),
    })
}

fn judge_webauthn(
    tx: &mut Transaction<'_>,
    visit: &mut Visit,
    of: SubscriberId,
    answer: &str,
) -> Result<Result<String, &'static str>, Trouble> {
    // Valid once, whatever the answer is.
    let Some(pending) = visit.session.state.pending.webauthn.take() else {
        return Ok(Err("expired"));
    };
    if may_try(tx, visit, of)?.is_err() {
        return Ok(Err("locked"));
    }
    let all = usable(tx, visit, of)?;
    let (places, counters, credentials) = keys_of(all);
    let now = visit.now;
    let proof = match visit.site.relying_party.finish_authentication(&pending, answer, of, &credentials, now) {
        Ok(proof) => proof,
        Err(refused) => {
            Event::WebauthnRefused { why: Explanation::of(&refused) }.log(Some(of));
            let failed = count_wrong_code(tx, visit, of, &[])?;
            return Ok(Err(if failed.locked.is_some() { "locked" } else { "refused" }));
        }
    };
    let (Some(place), Some(judged_by)) = (places.get(proof.at).copied(), counters.get(proof.at).copied()) else {
        return Ok(Err("refused"));
    };
    let event = AuthenticationEvent::of(proof.proof, Some(place.id), now);
    let counter = u64::from(proof.updated.counter());
    let secret = AuthenticatorSecret::Webauthn(Box::new(proof.updated));
    let sealed = seal_secret(&visit.site, &place, &secret)?;
    // Of two answers judged by one counter, one stands.
    if !tx.record_webauthn_use(place.id, judged_by, &sealed, counter, now)? {
        return Ok(Err("refused"));
    }
    complete(tx, visit, of, event).map(Ok)
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

/// The phone that a code was sent to in this session, while it is still one of the account's.
fn pending_phone(visit: &Visit, all: &[Authenticator]) -> Option<(AuthenticatorId, PhoneNumber)> {
    let pending = visit.session.state.pending.phone.as_ref()?;
    let id = AuthenticatorId::from_bytes(pending.authenticator?);
    all.iter().find(|one| one.id == id).and_then(|one| match &one.secret {
        AuthenticatorSecret::Phone(phone) => Some((id, phone.clone())),
        AuthenticatorSecret::Totp(_) | AuthenticatorSecret::Webauthn(_) => None,
    })
}

/// `GET /sign-in/second-factor/sms`.
pub async fn sms(request: HttpRequest, site: Data<Site>, idp: Data<IdentityProvider>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?.while_it_waits()?;
    let subscriber = person(&visit)?;
    let required = demanded(&visit, &idp)?;
    let (visit, all) = visit.read(move |tx, visit| usable(tx, visit, subscriber)).await?;
    if !offer(&visit, subscriber, required.as_ref(), &all).kinds().contains(&AuthenticatorKind::OutOfBand) {
        return Ok(visit.see("/sign-in/second-factor"));
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
    let (visit, (all, problem)) = visit
        .transact(move |tx, visit| {
            let all = usable(tx, visit, subscriber)?;
            let wanted = form.id.parse::<AuthenticatorId>().ok();
            let phone = all.iter().find_map(|one| match &one.secret {
                AuthenticatorSecret::Phone(phone) if wanted.is_none_or(|id| id == one.id) => {
                    Some((one.id, phone.clone()))
                }
                _ => None,
            });
            let Some((id, phone)) = phone else {
                return Ok((all, Some(SmsProblem::PhoneGone)));
            };
            if send_code(tx, visit, subscriber, &phone, CodePurpose::SignIn)?.is_err() {
                return Ok((all, Some(SmsProblem::TooMany)));
            }
            visit.session.state.pending.phone = Some(PendingPhone {
                e164: phone.e164().to_owned(),
                authenticator: Some(*id.as_bytes()),
                name: String::new(),
            });
            Ok((all, None))
        })
        .await?;
    Ok(match problem {
        // Without a phone there is nothing to send to: the page of the second factor says what there is.
        Some(SmsProblem::PhoneGone) if !all.iter().any(|one| one.secret.kind() == AuthenticatorKind::OutOfBand) => {
            visit.see("/sign-in/second-factor")
        }
        Some(_) => {
            let page = sms_page(&visit, &all, problem, None);
            visit.page_again(&page)
        }
        None => visit.see("/sign-in/second-factor/sms"),
    })
}

/// `POST /sign-in/second-factor/sms`: judges the code.
pub async fn check_sms(request: HttpRequest, site: Data<Site>, form: Form<CodeForm>) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?.while_it_waits()?;
    let subscriber = person(&visit)?;
    let (visit, (all, judged)) = visit
        .transact(move |tx, visit| {
            let all = usable(tx, visit, subscriber)?;
            let judged = judge_sms(tx, visit, subscriber, &all, &form.code)?;
            Ok((all, judged))
        })
        .await?;
    Ok(match judged {
        Judged::Next(address) => visit.see_exactly(&address),
        Judged::Stopped(page) => visit.page_again(&page),
        Judged::Wrong { problem, failed, .. } => match failed.locked {
            Some(page) => visit.page_again(&page),
            None => {
                let page = sms_page(&visit, &all, Some(problem), tries_left(failed.count));
                visit.page_again(&page)
            }
        },
    })
}

fn judge_sms(
    tx: &mut Transaction<'_>,
    visit: &mut Visit,
    of: SubscriberId,
    all: &[Authenticator],
    code: &str,
) -> Result<Judged<SmsProblem>, Trouble> {
    if let Err(page) = may_try(tx, visit, of)? {
        return Ok(Judged::Stopped(page));
    }
    let judged = match pending_phone(visit, all) {
        Some((id, phone)) => judge_code(tx, visit, of, &phone, CodePurpose::SignIn, code)?.map(|proof| (id, proof)),
        None => Err(CodeRefused::Expired),
    };
    match judged {
        Ok((id, proof)) => {
            tx.touch_authenticator(id, visit.now)?;
            let event = AuthenticationEvent::of(proof, Some(id), visit.now);
            complete(tx, visit, of, event).map(Judged::Next)
        }
        Err(refused) => {
            let pending = pending_phone(visit, all).map(|(id, _)| id);
            let tried: Vec<Authenticator> = all.iter().filter(|one| Some(one.id) == pending).cloned().collect();
            let failed = count_wrong_code(tx, visit, of, &tried)?;
            Ok(Judged::Wrong { problem: SmsProblem::from(&refused), failed, others: false })
        }
    }
}
