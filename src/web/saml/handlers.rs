//! The handlers of `/saml/…`: a request comes in, its journey goes on, its person agrees or turns back.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::IdentityProvider;
use super::arrival::{Kept, keep};
use super::direct::{AtOnce, answer_at_once};
use super::line::{Settled, walk};
use super::pending_sign_in::{Choices, PendingSignIn};
use super::turned_away::turned_away;
use super::{Answer, artifact, logout, metadata, see_other, trial};
use crate::accounts::site::Site;
use crate::address;
use crate::event::Event;
use crate::saml::binding::{MAX_CARRIED_BYTES, Received};
use crate::web::head::{get, untouched};
use crate::web::refusal::Refusal;
use crate::web::visit::{Fault, Visit};
use crate::web::waiting::RequestCookie;

/// Adds the routes of single sign-on.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        .configure(artifact::configure)
        .configure(logout::configure)
        .service(
            web::resource([address::SAML.as_str(), address::SAML_METADATA.as_str()]).route(get().to(metadata::publish)),
        )
        .service(web::resource(address::SAML_METADATA_OF.pattern()).route(get().to(metadata::publish_to_one)))
        .service(web::resource(address::SAML_TRIAL.pattern()).route(untouched()).route(get().to(trial::begin)))
        .service(
            web::resource(address::SAML_SSO.as_str())
                .app_data(web::PayloadConfig::new(MAX_CARRIED_BYTES))
                .route(untouched())
                .route(get().to(sso_by_redirect))
                .route(web::post().to(sso_by_post)),
        )
        .service(web::resource(address::SAML_ERROR.as_str()).route(get().to(turned_away)))
        .service(web::resource(address::SAML_CONTINUE.pattern()).route(untouched()).route(get().to(go_on)))
        .service(
            web::resource(address::SAML_CONSENT.pattern())
                .route(untouched())
                .route(get().to(go_on))
                .route(web::post().to(consent)),
        )
        .service(web::resource(address::SAML_DECLINE.pattern()).route(web::post().to(decline)));
}

/// Answers at once where nothing has to be asked, and else as a request by HTTP-POST.
async fn sso_by_redirect(
    request: HttpRequest,
    site: web::Data<Site>,
    idp: web::Data<IdentityProvider>,
) -> Result<HttpResponse, Fault> {
    let received = Received::redirect(request.query_string());
    let settled = settle(&site, &idp, &received)?;
    let settled = match answer_at_once(&request, &site, &idp, settled).await? {
        AtOnce::Answered(answer) => return Ok(answer),
        AtOnce::Not(settled) => settled,
    };
    Ok(send_on(&site, &received, &settled).await?)
}

async fn sso_by_post(body: web::Bytes, site: web::Data<Site>, idp: web::Data<IdentityProvider>) -> Answer {
    let received = Received::from_form(&body)?;
    let settled = settle(&site, &idp, &received)?;
    send_on(&site, &received, &settled).await
}

/// Walks the line for a request that arrives.
fn settle(site: &Site, idp: &IdentityProvider, received: &Received) -> Result<Settled, Refusal> {
    Ok(walk(idp, received, site.now())?)
}

/// Keeps the request and sends the browser on.
async fn send_on(site: &Site, received: &Received, settled: &Settled) -> Answer {
    let Kept { address, cookie } = keep(site, received, settled).await?;
    Event::RequestAccepted { service: settled.service().name().clone() }.log(None);
    Ok(see_other(&address.path(), [cookie.cookie(address.id())]))
}

async fn go_on(
    request: HttpRequest,
    choices: web::Query<Choices>,
    site: web::Data<Site>,
    idp: web::Data<IdentityProvider>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    let (pending, settled) = PendingSignIn::of(visit, &request, choices.into_inner(), &idp)?;
    let superfluous = RequestCookie::removal_of_too_many(&request, pending.address().id());
    let mut answer = pending.next(settled).await?;
    for cookie in &superfluous {
        answer.add_cookie(cookie).ok();
    }
    Ok(answer)
}

/// The fields of the consent form.
#[derive(Debug, Deserialize)]
struct ConsentForm {
    csrf: String,
    digest: String,
}

async fn consent(
    request: HttpRequest,
    choices: web::Query<Choices>,
    form: web::Form<ConsentForm>,
    site: web::Data<Site>,
    idp: web::Data<IdentityProvider>,
) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let (pending, settled) = PendingSignIn::of(visit, &request, choices.into_inner(), &idp)?;
    pending.agree(settled, form.digest).await
}

/// The field of a form that only confirms.
#[derive(Debug, Deserialize)]
struct PlainForm {
    csrf: String,
}

async fn decline(
    request: HttpRequest,
    choices: web::Query<Choices>,
    form: web::Form<PlainForm>,
    site: web::Data<Site>,
    idp: web::Data<IdentityProvider>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let (pending, settled) = PendingSignIn::of(visit, &request, choices.into_inner(), &idp)?;
    pending.turn_back(settled).await
}
