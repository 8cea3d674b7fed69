//! A request by HTTP-Redirect for which everything is there is answered in the very reply to it.
//!
//! The person is signed in, has agreed before, and nothing has to be shown: then the request is not stored and the browser not sent
//! on to `/saml/continue`. The gate is the same, and that the request was seen is remembered in the transaction that records the
//! answer. Whatever else the journey comes to, the request waits as any other.

use actix_web::http::header::HeaderValue;
use actix_web::{HttpRequest, HttpResponse};

use super::answer::issue_to;
use super::arrival::SEEN_FOR;
use super::journey::{Journey, Onward};
use super::line::Settled;
use super::{IdentityProvider, trial};
use crate::accounts::site::Site;
use crate::event::Event;
use crate::storage::AnsweredRequest;
use crate::web::visit::{Fault, Visit};

/// What became of a request that arrives.
pub(super) enum AtOnce {
    /// It is answered.
    Answered(HttpResponse),
    /// Something has to be asked, or the browser does not say that a person looks: the request has to wait.
    Not(Settled),
}

/// Answers a request that arrives, if nothing has to be asked.
///
/// # Errors
/// When the request was seen before, or the database or the keys are unavailable.
pub(super) async fn answer_at_once(
    request: &HttpRequest,
    site: &Site,
    idp: &IdentityProvider,
    settled: Settled,
) -> Result<AtOnce, Fault> {
    let matched = match settled {
        Settled::Matched(matched) if is_looked_at(request) => matched,
        settled => return Ok(AtOnce::Not(settled)),
    };
    let visit = Visit::begin(request, site).await?;
    if visit.session.state.signed_in().is_none() {
        return Ok(AtOnce::Not(Settled::Matched(matched)));
    }
    let state = visit.session.state.clone();
    let (site_of, idp_of, locale) = (site.clone(), idp.clone(), visit.session.locale());
    let journey = Journey { site: site_of, idp: idp_of, matched, state, without_profile: false, picked: None, locale };
    let (matched, came_to) = journey.look().await?;
    let Onward::Issue(ready) = came_to else {
        return Ok(AtOnce::Not(Settled::Matched(matched)));
    };
    let service = matched.service().name().clone();
    let arrived = matched.address().request();
    let arriving = AnsweredRequest::Arriving {
        entity_id: arrived.issuer().to_string(),
        request_id: arrived.id().to_string(),
        forget_at: site.now() + SEEN_FOR,
    };
    let ticket = trial::ticket_of(request);
    let answer = issue_to(&visit, idp, matched, &ready, ticket.as_ref(), arriving).await?;
    // Only now is it known that it was not seen before.
    Event::RequestAccepted { service }.log(None);
    Ok(AtOnce::Answered(answer))
}

/// Whether the browser says that the answer is shown to a person now (Fetch Metadata: a document of its own, in no frame, and not
/// fetched beforehand). A browser that says nothing is sent on.
fn is_looked_at(request: &HttpRequest) -> bool {
    let says = |name: &str| request.headers().get(name).map(HeaderValue::as_bytes);
    says("sec-fetch-dest") == Some(b"document") && says("sec-purpose").is_none()
}
