//! What a monitoring system reads, in the text format of Prometheus: keys and certificates, and counts of events and of
//! codes by country; nothing about people. It has a listener
//! of its own, so that it is not where browsers come.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use actix_web::{HttpResponse, web};
use time::UtcDateTime;

use super::saml::IdentityProvider;
use crate::accounts::site::Site;
use crate::accounts::text_messages::TextMessages;
use crate::event::Event;
use crate::federation::registry::Registry;
use crate::rollover::SigningKeys;
use crate::rollover::certificate_ends::{Notice, certificate_ends};

/// `/metrics`.
pub async fn metrics(site: web::Data<Site>, idp: web::Data<IdentityProvider>) -> HttpResponse {
    match exposition(&idp.signing.load(), &idp.registry.load(), &site.text_messages, site.now()) {
        Ok(text) => HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text),
        Err(fmt::Error) => HttpResponse::InternalServerError().finish(),
    }
}

/// Everything that is told, in the text exposition format 0.0.4. Names of services and of keys have no character that a label would
/// have to escape.
fn exposition(
    signing: &SigningKeys,
    services: &Registry,
    text_messages: &TextMessages,
    now: UtcDateTime,
) -> Result<String, fmt::Error> {
    let mut text = String::new();
    // A key may stand in several certificates, of which the last one counts.
    let mut certificates: BTreeMap<(String, String), UtcDateTime> = BTreeMap::new();
    for (service, key, ends_at) in certificate_ends(signing, services) {
        let service = service.map_or_else(String::new, |service| service.to_string());
        let last = certificates.entry((service, key.short())).or_insert(ends_at);
        *last = ends_at.max(*last);
    }

    text.push_str(
        "# HELP signet_certificate_end_timestamp_seconds When the last certificate of a key ends; service is empty for our own.\n\
         # TYPE signet_certificate_end_timestamp_seconds gauge\n",
    );
    for ((service, key), ends_at) in &certificates {
        let ends_at = ends_at.unix_timestamp();
        writeln!(text, "signet_certificate_end_timestamp_seconds{{service=\"{service}\",key=\"{key}\"}} {ends_at}")?;
    }

    text.push_str(
        "# HELP signet_certificates_ending How many of these end so soon, or sooner, or have ended.\n\
         # TYPE signet_certificates_ending gauge\n",
    );
    for notice in [Notice::SixtyDays, Notice::ThirtyDays, Notice::SevenDays, Notice::Ended] {
        let count = certificates.values().filter(|ends_at| Notice::of(**ends_at, now) >= Some(notice)).count();
        writeln!(text, "signet_certificates_ending{{notice=\"{}\"}} {count}", notice.as_str())?;
    }

    text.push_str(
        "# HELP signet_signing_plan_version Which plan of signing keys this node follows.\n\
         # TYPE signet_signing_plan_version gauge\n",
    );
    writeln!(text, "signet_signing_plan_version {}", signing.plan().version())?;

    text.push_str(
        "# HELP signet_events_total How often this node logged an event since it started, by the event's name in the log.\n\
         # TYPE signet_events_total counter\n",
    );
    for (event, count) in Event::counts() {
        writeln!(text, "signet_events_total{{event=\"{event}\"}} {count}")?;
    }

    let seen = text_messages.seen();
    text.push_str(
        "# HELP signet_new_phone_codes_sent_total Codes that this node sent to phones that are being set up, by country.\n\
         # TYPE signet_new_phone_codes_sent_total counter\n",
    );
    for (country, seen) in &seen {
        writeln!(text, "signet_new_phone_codes_sent_total{{country=\"{country}\"}} {}", seen.sent)?;
    }
    text.push_str(
        "# HELP signet_new_phone_codes_confirmed_total Those of them that came back to this node.\n\
         # TYPE signet_new_phone_codes_confirmed_total counter\n",
    );
    for (country, seen) in &seen {
        writeln!(text, "signet_new_phone_codes_confirmed_total{{country=\"{country}\"}} {}", seen.confirmed)?;
    }
    Ok(text)
}
