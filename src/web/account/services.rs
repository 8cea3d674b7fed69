//! `/account/services`: which services are connected, what each received, and when.

use std::collections::BTreeMap;

use actix_web::web::{Data, Form};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::lines::moment;
use super::pages::{DisclosureLine, ServiceLine, ServicesPage};
use crate::accounts::site::Site;
use crate::accounts::standing_consents_of;
use crate::address;
use crate::authentication::session::Notice;
use crate::event::Event;
use crate::federation::agreement::LocalizedText;
use crate::saml::EntityId;
use crate::web::saml::IdentityProvider;
use crate::web::visit::{Fault, Visit};

/// How many disclosures are shown.
const DISCLOSURES: i64 = 200;

/// `GET /account/services`.
pub(super) async fn services(
    request: HttpRequest,
    site: Data<Site>,
    provider: Data<IdentityProvider>,
) -> Result<HttpResponse, Fault> {
    let visit = Visit::begin(&request, &site).await?;
    let subscriber = visit.signed_in()?;
    let (visit, (consents, disclosures)) = visit
        .read(move |tx, visit| {
            let consents = standing_consents_of(tx, &visit.site, subscriber)?;
            Ok((consents, tx.disclosures_about(subscriber, DISCLOSURES)?))
        })
        .await?;
    let registry = provider.registry.load();
    let name = |entity_id: &EntityId| match registry.find(entity_id) {
        Some(service) => service.agreement().friendly_name().clone(),
        None => LocalizedText::in_english(entity_id.as_str()),
    };
    let mut lines: BTreeMap<String, ServiceLine> = BTreeMap::new();
    let mut line_of = |entity_id: &EntityId, change: &mut dyn FnMut(&mut ServiceLine)| {
        let line = lines.entry(entity_id.as_str().to_owned()).or_insert_with(|| ServiceLine {
            entity_id: entity_id.as_str().to_owned(),
            name: name(entity_id),
            connected: false,
            disclosures: Vec::new(),
        });
        change(line);
    };
    for consent in &consents {
        line_of(consent.record().scope.entity_id(), &mut |line| line.connected = true);
    }
    for record in &disclosures {
        let disclosure = &record.disclosure;
        line_of(&disclosure.entity_id, &mut |line| {
            line.disclosures.push(DisclosureLine {
                at: moment(disclosure.at),
                attributes: disclosure.names.iter().map(|name| name.as_str().to_owned()).collect(),
            });
        });
    }
    Ok(visit.page(&ServicesPage { services: lines.into_values().collect() }))
}

/// The form that disconnects a service.
#[derive(Deserialize)]
pub(super) struct DisconnectForm {
    csrf: String,
    #[serde(default)]
    entity_id: String,
}

/// `POST /account/services/disconnect`: takes the consent back. The next visit asks again; what was received stays
/// recorded.
pub(super) async fn disconnect(
    request: HttpRequest,
    site: Data<Site>,
    form: Form<DisconnectForm>,
) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let visit = Visit::begin_form(&request, &site, &form.csrf).await?;
    let subscriber = visit.signed_in()?;
    let (visit, revoked) = visit
        .transact(move |tx, visit| {
            let revoked = tx.revoke_consents(subscriber, &form.entity_id, visit.now)?;
            if revoked {
                visit.remember(tx, subscriber, Event::ServiceDisconnected)?;
                visit.session.state.notice = Some(Notice::ServiceDisconnected);
            }
            Ok(revoked)
        })
        .await?;
    if revoked { Ok(visit.see(address::ACCOUNT_SERVICES)) } else { Err(Fault::NotFound) }
}
