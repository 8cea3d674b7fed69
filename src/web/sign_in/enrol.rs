//! Setting up a second factor, at sign-up (`/sign-up/methods/…`) and later (`/account/methods/add/…`): the same pages and
//! the same rules; only what follows differs.

use actix_web::web::{Data, Form, Json, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::factors::{Failed, count_wrong_code, may_try, tries_left};
use super::pages::{
    ChooseMethodPage, LockedPage, MethodChoice, PhoneCodePage, PhoneSetUpPage, TotpSetUpPage, WebauthnSetUpPage,
};
use super::sign_up::make_recovery_key;
use crate::authentication::out_of_band::{CodeBinding, CodePurpose, CodeRefused, IssuedCode, OutOfBandCode};
use crate::authentication::session::{PendingPhone, SessionStage};
use crate::authentication::throttle::RateLimit;
use crate::authentication::totp::TotpSecret;
use crate::authentication::webauthn::{StoredCredential, WebauthnKind, WebauthnUser};
use crate::authentication::{AuthenticationEvent, AuthenticatorId, AuthenticatorKind, Proved};
use crate::services::keys::KeysError;
use crate::storage::Transaction;
use crate::subscriber::{PhoneNumber, PhoneNumberError, SubscriberId, SubscriberStatus};
use crate::web::people::{
    AuthenticatorSecret, Fault, Letter, TextLetter, TooMany, Trouble, Visit, addresses_of, allow, authenticators_of,
    name_of, new_authenticator, notify_everywhere, send_text,
};
use crate::web::site::Site;

/// The most authenticators of one kind that an account may have.
const MOST_OF_A_KIND: usize = 5;

/// Where a method is being set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Account,
    SignUp,
}

impl Place {
    /// From the address of the page, and only if the session stands there.
    fn of(request: &HttpRequest, visit: &Visit) -> Result<(Self, SubscriberId), Fault> {
        if request.path().starts_with("/sign-up/") {
            Ok((Self::SignUp, visit.at_stage(&[SessionStage::ChoosingMethods])?))
        } else {
            // 4.1.2.1: a new authenticator is bound at the account's own level, and freshly so.
            Ok((Self::Account, visit.freshly_signed_in()?))
        }
    }

    fn path(self, end: &str) -> String {
        match self {
            Self::Account => format!("/account/methods/add{end}"),
            Self::SignUp => format!("/sign-up/methods{end}"),
        }
    }
}

/// `GET …`: what there is to choose from, the strongest first.
pub async fn choose(request: HttpRequest, site: Data<Site>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    let (place, _) = Place::of(&request, &visit)?;
    let choice = |kind: AuthenticatorKind, end: &str| MethodChoice {
        kind: kind.as_str(),
        path: place.path(end),
        name: None,
        restricted: kind == AuthenticatorKind::OutOfBand,
    };
    Ok(visit.page(&ChooseMethodPage {
        choices: vec![
            choice(AuthenticatorKind::Passkey, "/webauthn?kind=passkey"),
            choice(AuthenticatorKind::SecurityKey, "/webauthn?kind=security_key"),
            choice(AuthenticatorKind::Totp, "/totp"),
            choice(AuthenticatorKind::OutOfBand, "/sms"),
        ],
        first: place == Place::SignUp,
    }))
}

/// `GET …/totp`: shows the picture. The secret stays the same until a code of it is right.
pub async fn totp(request: HttpRequest, site: Data<Site>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    let (place, subscriber) = Place::of(&request, &visit)?;
    let (visit, page) = visit
        .transact(move |tx, visit| {
            let pending = &mut visit.session.state.pending.totp_secret;
            let secret = pending.unwrap_or_else(|| *TotpSecret::random(&*visit.site.entropy).as_bytes());
            *pending = Some(secret);
            totp_page(tx, visit, place, subscriber, None)
        })
        .await?;
    Ok(visit.page(&page))
}

fn totp_page(
    tx: &mut Transaction<'_>,
    visit: &Visit,
    place: Place,
    subscriber: SubscriberId,
    problem: Option<&'static str>,
) -> Result<TotpSetUpPage, Trouble> {
    let secret = TotpSecret::from_bytes(visit.session.state.pending.totp_secret.unwrap_or_default());
    let account = first_address(tx, visit, subscriber)?;
    Ok(TotpSetUpPage {
        picture: secret.qr_svg(&visit.site.service_name, &account)?,
        secret: secret.for_typing(),
        action: place.path("/totp"),
        problem,
    })
}

/// What an app or a key shows to tell accounts apart.
fn first_address(tx: &mut Transaction<'_>, visit: &Visit, of: SubscriberId) -> Result<String, Trouble> {
    let addresses = addresses_of(tx, &visit.site, of)?;
    Ok(addresses.first().map(|known| known.address.as_str().to_owned()).unwrap_or_default())
}

/// The form of `…/totp`.
#[derive(Deserialize)]
pub struct TotpForm {
    csrf: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    name: String,
}

/// `POST …/totp`: the first code shows that the app has the secret.
pub async fn add_totp(request: HttpRequest, site: Data<Site>, form: Form<TotpForm>) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let (place, subscriber) = Place::of(&request, &visit)?;
    let Some(secret) = visit.session.state.pending.totp_secret.map(TotpSecret::from_bytes) else {
        return Ok(visit.see(&place.path("/totp")));
    };
    let (visit, outcome) = visit
        .transact(move |tx, visit| {
            let Ok(step) = secret.accept(&form.code, visit.now, None) else {
                return Ok(Err(totp_page(tx, visit, place, subscriber, Some("wrong"))?));
            };
            let enrolled = Enrolled {
                secret: AuthenticatorSecret::Totp(secret),
                counter: step.number(),
                name: form.name,
                proved: Proved::default(),
            };
            finish(tx, visit, place, subscriber, &enrolled).map(Ok)
        })
        .await?;
    Ok(match outcome {
        Ok(Ok(next)) => visit.see(next),
        Ok(Err(_)) => visit.see(&place.path("")),
        Err(page) => visit.page_again(&page),
    })
}

/// Which kind `…/webauthn` is about.
#[derive(Deserialize)]
pub struct KindQuery {
    #[serde(default = "passkey")]
    pub(super) kind: WebauthnKind,
}

fn passkey() -> WebauthnKind {
    WebauthnKind::Passkey
}

/// `GET …/webauthn?kind=…`: a page whose script does the rest.
pub async fn webauthn(request: HttpRequest, site: Data<Site>, query: Query<KindQuery>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    let (place, _) = Place::of(&request, &visit)?;
    let kind = AuthenticatorKind::from(query.kind).as_str();
    Ok(visit.page(&WebauthnSetUpPage {
        kind,
        options_path: place.path(&format!("/webauthn/options?kind={kind}")),
        result_path: place.path("/webauthn"),
    }))
}

/// `POST …/webauthn/options?kind=…`: begins the ceremony.
pub async fn webauthn_options(
    request: HttpRequest,
    site: Data<Site>,
    query: Query<KindQuery>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin_script(&request, &site).await?;
    let (_, subscriber) = Place::of(&request, &visit)?;
    let kind = query.kind;
    let (visit, options) = visit
        .transact(move |tx, visit| {
            let address = first_address(tx, visit, subscriber)?;
            let user = WebauthnUser { subscriber, name: &address, display_name: &address };
            let enrolled = credentials(tx, visit, subscriber)?;
            let ceremony = visit.site.relying_party.begin_registration(kind, &user, &enrolled, visit.now)?;
            visit.session.state.pending.webauthn = Some(ceremony.pending);
            Ok(ceremony.options)
        })
        .await?;
    Ok(visit.json(actix_web::http::StatusCode::OK, &serde_json::from_str(&options).unwrap_or_default()))
}

/// The account's passkeys and security keys.
fn credentials(tx: &mut Transaction<'_>, visit: &Visit, of: SubscriberId) -> Result<Vec<StoredCredential>, Trouble> {
    let all = authenticators_of(tx, &visit.site, of)?;
    Ok(all
        .into_iter()
        .filter_map(|authenticator| match authenticator.secret {
            AuthenticatorSecret::Webauthn(credential) => Some(*credential),
            AuthenticatorSecret::Phone(_) | AuthenticatorSecret::Totp(_) => None,
        })
        .collect())
}

/// What the script sends back.
#[derive(Deserialize)]
pub struct WebauthnResult {
    pub(super) answer: serde_json::Value,
    #[serde(default)]
    pub(super) name: String,
}

/// `POST …/webauthn`: judges the answer.
pub async fn add_webauthn(
    request: HttpRequest,
    site: Data<Site>,
    result: Json<WebauthnResult>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin_script(&request, &site).await?;
    let (place, subscriber) = Place::of(&request, &visit)?;
    let result = result.into_inner();
    let (visit, outcome) = visit
        .transact(move |tx, visit| {
            // Valid once, whatever the answer is.
            let Some(pending) = visit.session.state.pending.webauthn.take() else {
                return Ok(Err("expired"));
            };
            let answer = result.answer.to_string();
            let finished =
                visit.site.relying_party.finish_registration(&pending, &answer, visit.now, &*visit.site.entropy);
            let credential = match finished {
                Ok(credential) => credential,
                Err(refused) => {
                    tracing::info!(%refused, "an authenticator was not enrolled");
                    return Ok(Err("refused"));
                }
            };
            let proved = Proved {
                user_verified: credential.was_user_verified(),
                phishing_resistant: true,
                syncable: credential.is_syncable(),
            };
            let enrolled = Enrolled {
                counter: u64::from(credential.counter()),
                secret: AuthenticatorSecret::Webauthn(Box::new(credential)),
                name: result.name,
                proved,
            };
            finish(tx, visit, place, subscriber, &enrolled)
        })
        .await?;
    Ok(match outcome {
        Ok(next) => visit.tell_next(next),
        Err(problem) => visit.tell_problem(problem),
    })
}

/// `GET …/sms`: asks for a number.
pub async fn phone(request: HttpRequest, site: Data<Site>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    let (place, _) = Place::of(&request, &visit)?;
    Ok(visit.page(&PhoneSetUpPage { region: "US".into(), action: place.path("/sms"), ..PhoneSetUpPage::default() }))
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
pub async fn send_to_phone(
    request: HttpRequest,
    site: Data<Site>,
    form: Form<PhoneForm>,
) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let (place, subscriber) = Place::of(&request, &visit)?;
    let page = |problem| PhoneSetUpPage {
        phone: form.phone.clone(),
        region: form.region.clone(),
        action: place.path("/sms"),
        problem: Some(problem),
    };
    let region = if form.region.is_empty() { "US" } else { form.region.as_str() };
    let phone = match PhoneNumber::parse(&form.phone, region).and_then(PhoneNumber::for_text_messages) {
        Ok(phone) => phone,
        Err(PhoneNumberError::NotForTextMessages) => return Ok(visit.page_again(&page("not_for_text"))),
        Err(PhoneNumberError::NotANumber | PhoneNumberError::UnknownRegion) => {
            return Ok(visit.page_again(&page("number")));
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
        Err(_) => visit.page_again(&page("too_many")),
    })
}

/// Sends a code, if the throttles allow it. Nothing is reset by it.
pub(super) fn send_code(
    tx: &mut Transaction<'_>,
    visit: &Visit,
    of: SubscriberId,
    phone: &PhoneNumber,
    purpose: CodePurpose,
) -> Result<Result<(), TooMany>, Trouble> {
    let (number, account) = (phone.e164().as_bytes(), of.as_bytes());
    let mut tries: Vec<(RateLimit, &[&[u8]])> = Vec::new();
    let (by_phone, by_account, by_client) = ([number], [&account[..]], [&visit.client[..]]);
    tries.push((RateLimit::TEXT_BY_PHONE, &by_phone));
    tries.push((RateLimit::TEXT_BY_SUBSCRIBER, &by_account));
    tries.push((RateLimit::TEXT_AGAIN, &by_account));
    tries.push((RateLimit::TEXT_BY_IP, &by_client));
    if purpose == CodePurpose::ConfirmPhone {
        tries.push((RateLimit::TEXT_NEW_PHONE, &by_account));
    }
    tries.push((RateLimit::TEXT_ALTOGETHER, &[]));
    if let Err(too_many) = allow(tx, &visit.site, &tries, visit.now)? {
        return Ok(Err(too_many));
    }
    let code = OutOfBandCode::random(&*visit.site.entropy);
    let bound = CodeBinding { subscriber: of, phone, purpose, session: visit.session.id_hash() };
    tx.put_code(of, purpose, &IssuedCode::new(&code, &bound, visit.now, &*visit.site.keys)?)?;
    send_text(tx, &visit.site, phone, &TextLetter::Code(&code), visit.now)?;
    Ok(Ok(()))
}

fn pending_phone(visit: &Visit) -> Option<PhoneNumber> {
    visit.session.state.pending.phone.as_ref().and_then(|pending| PhoneNumber::parse(&pending.e164, "US").ok())
}

fn code_page(place: Place, phone: &PhoneNumber, problem: Option<&'static str>, left: Option<u32>) -> PhoneCodePage {
    PhoneCodePage {
        phone: phone.international().to_owned(),
        action: place.path("/sms/code"),
        again_path: place.path("/sms/again"),
        problem,
        tries_left: left,
    }
}

/// `GET …/sms/code`: asks for the code.
pub async fn phone_code(request: HttpRequest, site: Data<Site>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    let (place, _) = Place::of(&request, &visit)?;
    Ok(match pending_phone(&visit) {
        Some(phone) => visit.page(&code_page(place, &phone, None, None)),
        None => visit.see(&place.path("/sms")),
    })
}

/// A form with a code.
#[derive(Deserialize)]
pub struct CodeForm {
    pub(super) csrf: String,
    #[serde(default)]
    pub(super) code: String,
}

/// `POST …/sms/again`: sends another code, which replaces the first.
pub async fn send_again(request: HttpRequest, site: Data<Site>, form: Form<CodeForm>) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let (place, subscriber) = Place::of(&request, &visit)?;
    let Some(phone) = pending_phone(&visit) else {
        return Ok(visit.see(&place.path("/sms")));
    };
    let (visit, sent) =
        visit.transact(move |tx, visit| send_code(tx, visit, subscriber, &phone, CodePurpose::ConfirmPhone)).await?;
    sent.map_err(Fault::TooMany)?;
    Ok(visit.see(&place.path("/sms/code")))
}

/// `POST …/sms/code`: the right code shows that the phone is the person's.
pub async fn add_phone(request: HttpRequest, site: Data<Site>, form: Form<CodeForm>) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let (place, subscriber) = Place::of(&request, &visit)?;
    let Some(phone) = pending_phone(&visit) else {
        return Ok(visit.see(&place.path("/sms")));
    };
    let shown = phone.clone();
    let (visit, outcome) = visit
        .transact(move |tx, visit| {
            if let Err(stop) = may_try(tx, visit, subscriber)? {
                return Ok(Err(PhoneProblem::Stopped(stop)));
            }
            if let Err(refused) = judge_code(tx, visit, subscriber, &phone, CodePurpose::ConfirmPhone, &form.code)? {
                let failed = count_wrong_code(tx, visit, subscriber, &[])?;
                return Ok(Err(PhoneProblem::Wrong(code_problem(&refused), failed)));
            }
            let name = visit.session.state.pending.phone.take().map(|pending| pending.name).unwrap_or_default();
            let secret = AuthenticatorSecret::Phone(phone);
            let enrolled = Enrolled { secret, counter: 0, name, proved: Proved::default() };
            finish(tx, visit, place, subscriber, &enrolled).map(|next| next.map_err(|_| PhoneProblem::TooManyPhones))
        })
        .await?;
    Ok(match outcome {
        Ok(next) => visit.see(next),
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
    Wrong(&'static str, Failed),
}

/// Judges a code by text message and uses it up.
pub(super) fn judge_code(
    tx: &mut Transaction<'_>,
    visit: &Visit,
    of: SubscriberId,
    phone: &PhoneNumber,
    purpose: CodePurpose,
    given: &str,
) -> Result<Result<(), CodeRefused>, Trouble> {
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
        Ok(()) if tx.consume_code(of, purpose, &issued, visit.now)? => Ok(Ok(())),
        Ok(()) => Ok(Err(CodeRefused::Expired)),
        Err(CodeRefused::Keys(error)) => Err(Trouble::Keys(error)),
        Err(refused) => Ok(Err(refused)),
    }
}

/// The end of a key in the locale files.
pub(super) fn code_problem(refused: &CodeRefused) -> &'static str {
    match refused {
        CodeRefused::Expired => "expired",
        CodeRefused::Malformed => "malformed",
        CodeRefused::Keys(_) | CodeRefused::Wrong => "wrong",
    }
}

/// An authenticator that has shown that it works.
struct Enrolled {
    secret: AuthenticatorSecret,
    counter: u64,
    name: String,
    proved: Proved,
}

/// Adds the authenticator, tells the person, and says where they go next. The first one of an account signs them in.
fn finish(
    tx: &mut Transaction<'_>,
    visit: &mut Visit,
    place: Place,
    of: SubscriberId,
    enrolled: &Enrolled,
) -> Result<Result<&'static str, &'static str>, Trouble> {
    let (site, now) = (visit.site.clone(), visit.now);
    let kind = enrolled.secret.kind();
    let existing = authenticators_of(tx, &site, of)?.iter().filter(|one| one.secret.kind() == kind).count();
    if existing >= MOST_OF_A_KIND {
        return Ok(Err("too_many"));
    }
    let name = name_of(&enrolled.name).unwrap_or_else(|| {
        let kind = format!("method-{}", kind.as_str().replace('_', "-"));
        crate::web::texts::text(&kind, &[])
    });
    let record = new_authenticator(&site, of, &name, &enrolled.secret, enrolled.counter, now)?;
    let id: AuthenticatorId = record.id;
    if !tx.add_authenticator(&record)? {
        return Ok(Err("taken"));
    }
    tx.touch_authenticator(id, now)?;
    let pending = &mut visit.session.state.pending;
    (pending.totp_secret, pending.webauthn, pending.phone) = (None, None, None);
    visit.remember_method(tx, of, "method_added", kind)?;
    if place == Place::Account {
        notify_everywhere(tx, &site, of, &Letter::MethodAdded(kind), None, now)?;
        visit.session.state.notice = Some("method_added".to_owned());
        return Ok(Ok("/account/methods"));
    }
    tx.set_subscriber_status(of, SubscriberStatus::Active)?;
    let state = &mut visit.session.state;
    state.events.push(AuthenticationEvent { kind, authenticator: Some(id), at: now, proved: enrolled.proved });
    state.stage = SessionStage::SignedIn;
    let vault_key = state.vault_key.clone();
    visit.session.renew(&site);
    if let Some(vault_key) = vault_key {
        make_recovery_key(tx, visit, of, &vault_key)?;
    }
    Ok(Ok("/sign-up/recovery-key"))
}

impl From<KeysError> for CodeRefused {
    fn from(error: KeysError) -> Self {
        Self::Keys(error)
    }
}
