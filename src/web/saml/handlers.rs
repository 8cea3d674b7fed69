//! The handlers of `/saml/…`: a request comes in, its journey goes on, its person agrees or turns back.

use actix_web::{HttpRequest, web};
use serde::Deserialize;

use super::IdentityProvider;
use super::arrival::{Arrived, RequestCookie, arrive};
use super::stop::{Answer, Choices, Stop, see_other};
use super::turned_away::turned_away;
use super::waiting::keep;
use super::{artifact, logout, metadata, trial};
use crate::event::Event;
use crate::saml::binding::{MAX_CARRIED_BYTES, Received};
use crate::web::session::BrowserSession;
use crate::web::site::Site;

/// Adds the routes of single sign-on.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        .configure(artifact::configure)
        .configure(logout::configure)
        .service(web::resource(["/saml", "/saml/metadata"]).route(web::get().to(metadata::publish)))
        .service(web::resource("/saml/metadata/{address}").route(web::get().to(metadata::publish_to_one)))
        .service(web::resource("/saml/trial/{ticket}").route(web::get().to(trial::begin)))
        .service(
            web::resource("/saml/sso")
                .app_data(web::PayloadConfig::new(MAX_CARRIED_BYTES))
                .route(web::get().to(sso_by_redirect))
                .route(web::post().to(sso_by_post)),
        )
        .service(web::resource("/saml/error").route(web::get().to(turned_away)))
        .service(web::resource("/saml/continue/{id}").route(web::get().to(go_on)))
        .service(web::resource("/saml/consent/{id}").route(web::get().to(go_on)).route(web::post().to(consent)))
        .service(web::resource("/saml/decline/{id}").route(web::post().to(decline)));
}

async fn sso_by_redirect(request: HttpRequest, site: web::Data<Site>, idp: web::Data<IdentityProvider>) -> Answer {
    let mut session = BrowserSession::find(&request, &site).await?;
    take_in(&site, &idp, Received::redirect(request.query_string()), false, &mut session).await
}

async fn sso_by_post(
    request: HttpRequest,
    body: web::Bytes,
    site: web::Data<Site>,
    idp: web::Data<IdentityProvider>,
) -> Answer {
    let mut session = BrowserSession::find(&request, &site).await?;
    take_in(&site, &idp, Received::from_form(&body)?, true, &mut session).await
}

/// Takes a request in and sends the browser on.
async fn take_in(
    site: &Site,
    idp: &IdentityProvider,
    received: Received,
    by_post: bool,
    session: &mut BrowserSession,
) -> Answer {
    // A browser that is posted here by another site keeps its session cookie back; a new one would push it out.
    let own_cookie = (by_post && session.needs_cookie()).then(|| RequestCookie::random(site));
    let bound_to = own_cookie.as_ref().map_or_else(|| session.id_hash(), RequestCookie::id_hash);
    let Arrived { id, settled } = arrive(site, idp, received, bound_to).await?;
    Event::RequestTakenIn { service: settled.service().name().clone() }.log(None);
    let mut cookies = Vec::new();
    match own_cookie {
        Some(cookie) => cookies.push(cookie.cookie(&id)),
        None if session.needs_cookie() => {
            cookies.push(session.cookie());
            keep(site, session).await?;
        }
        None => {}
    }
    Ok(see_other(&format!("/saml/continue/{}", hex::encode(id)), cookies))
}

async fn go_on(
    request: HttpRequest,
    id: web::Path<String>,
    choices: web::Query<Choices>,
    site: web::Data<Site>,
    idp: web::Data<IdentityProvider>,
) -> Answer {
    let (stop, settled) = Stop::find(&request, &id, choices.into_inner(), &site, &idp, None).await?;
    stop.next(settled).await
}

/// The fields of the consent form.
#[derive(Debug, Deserialize)]
struct ConsentForm {
    csrf: String,
    digest: String,
}

async fn consent(
    request: HttpRequest,
    id: web::Path<String>,
    choices: web::Query<Choices>,
    form: web::Form<ConsentForm>,
    site: web::Data<Site>,
    idp: web::Data<IdentityProvider>,
) -> Answer {
    let form = form.into_inner();
    let (stop, settled) = Stop::find(&request, &id, choices.into_inner(), &site, &idp, Some(&form.csrf)).await?;
    stop.agree(settled, form.digest).await
}

/// The field of a form that only confirms.
#[derive(Debug, Deserialize)]
struct PlainForm {
    csrf: String,
}

async fn decline(
    request: HttpRequest,
    id: web::Path<String>,
    choices: web::Query<Choices>,
    form: web::Form<PlainForm>,
    site: web::Data<Site>,
    idp: web::Data<IdentityProvider>,
) -> Answer {
    let (stop, settled) = Stop::find(&request, &id, choices.into_inner(), &site, &idp, Some(&form.csrf)).await?;
    stop.turn_back(settled).await
}
