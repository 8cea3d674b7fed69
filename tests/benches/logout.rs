//! A single logout by HTTP-Redirect, as far as it is ours: one service asks, the others are told one after another and answer,
//! and the one that asked is answered.

use openssl::pkey::{PKey, Private};
use signet::clock::{Clock, SystemClock};
use signet::entropy::{SystemEntropy, random_bytes};
use signet::federation::single_logout::{Extent, PartOutcome, judge, means, result};
use signet::saml::assertion::NameId;
use signet::saml::binding::Delivery;
use signet::saml::logout::{LogoutMessage, LogoutRequest, LogoutResponse};
use signet::saml::metadata::{LogoutKind, SpMetadata};
use signet::saml::signature::PemSigner;
use signet::saml::{DeniedAlgorithms, EntityId, MessageId, instant};
use time::{Duration, UtcDateTime};
use url::Url;

use super::service::{KeyKind, certificate_of, key_pair, metadata_of, signed_query};

/// So many services are told.
pub const PARTICIPANTS: u32 = 10;

const IDP: &str = "https://idp.example/saml";
const SLO: &str = "https://idp.example/saml/logout";
const OUR_REQUEST: &str = "_our-request";
const NAME: &str = "3f7b1c52e1d94a0f8a6b2f60c4d1e8a7";

/// We.
struct Provider {
    entity_id: EntityId,
    slo: [Url; 1],
    signer: PemSigner,
    now: UtcDateTime,
}

/// A service that takes part in the session, and what it sends: made beforehand, since that is its work.
struct Party {
    metadata: SpMetadata,
    request: String,
    response: String,
}

/// One logout at each call.
pub fn single_logout() -> impl FnMut() {
    let us = Provider::new();
    let asking = Party::new(0, us.now);
    let told: Vec<Party> = (1..=PARTICIPANTS).map(|number| Party::new(number, us.now)).collect();
    move || {
        let in_response_to = us.is_asked(&asking);
        let outcomes: Vec<PartOutcome> = told.iter().map(|party| us.tell(party)).collect();
        us.answer(&asking, in_response_to, outcomes);
    }
}

impl Provider {
    fn new() -> Self {
        let key = KeyKind::Rsa2048.generate();
        let certificate = certificate_of(&key).to_pem().unwrap();
        Self {
            entity_id: EntityId::parse(IDP).unwrap(),
            slo: [Url::parse(SLO).unwrap()],
            signer: PemSigner::from_pem(&key.private_key_to_pem_pkcs8().unwrap(), &certificate).unwrap(),
            now: SystemClock.now(),
        }
    }

    /// A service's request comes in, and holds.
    fn is_asked(&self, by: &Party) -> MessageId {
        let LogoutMessage::Request(request) = LogoutMessage::from_query(&by.request).unwrap() else {
            panic!("a request is expected")
        };
        let request = request.verify(by.metadata.peer(), &self.slo, DeniedAlgorithms::NONE).unwrap();
        judge(&request, self.now).unwrap();
        let known = NameId::persistent(NAME);
        assert!(means(&request.principal(&[]).unwrap(), &known, &self.entity_id, by.metadata.entity_id()));
        request.id().clone()
    }

    /// A service gets a request of ours, and its response comes in.
    fn tell(&self, party: &Party) -> PartOutcome {
        let request = LogoutRequest {
            id: fresh_id(),
            issuer: self.entity_id.clone(),
            qualifiers: (self.entity_id.clone(), party.metadata.entity_id().clone()),
            issue_instant: self.now,
            not_on_or_after: self.now + Duration::minutes(5),
            name_id: NameId::persistent(NAME),
            session_indexes: vec!["_session".to_owned()],
        };
        let to = party.metadata.slo_location(LogoutKind::Request, false).unwrap();
        assert!(matches!(request.deliver(&to, &self.signer).unwrap(), Delivery::Redirect(_)));

        let LogoutMessage::Response(response) = LogoutMessage::from_query(&party.response).unwrap() else {
            panic!("a response is expected")
        };
        let response = response.verify(party.metadata.peer(), &self.slo, DeniedAlgorithms::NONE).unwrap();
        assert_eq!(response.in_response_to().as_str(), OUR_REQUEST);
        response.status().into()
    }

    /// Whoever asked is answered.
    fn answer(&self, asking: &Party, in_response_to: MessageId, outcomes: Vec<PartOutcome>) {
        let response = LogoutResponse {
            id: fresh_id(),
            issuer: self.entity_id.clone(),
            issue_instant: self.now,
            in_response_to,
            result: result(Extent::Everywhere, outcomes, None),
        };
        let to = asking.metadata.slo_location(LogoutKind::Response, false).unwrap();
        assert!(matches!(response.deliver(&to, None, &self.signer).unwrap(), Delivery::Redirect(_)));
    }
}

impl Party {
    fn new(number: u32, now: UtcDateTime) -> Self {
        let (key, certificate) = key_pair();
        let site = format!("https://service-{number}.bench.example");
        let entity_id = format!("{site}/metadata");
        let slo = format!(
            r#"<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{site}/slo"/>"#
        );
        let metadata = metadata_of(&entity_id, &certificate, &slo, &format!("{site}/acs"));
        let issued = instant::format(now);
        Self {
            metadata: SpMetadata::parse(metadata.as_bytes()).unwrap(),
            request: request_query(&entity_id, &key, &issued),
            response: response_query(&entity_id, &key, &issued),
        }
    }
}

fn fresh_id() -> MessageId {
    MessageId::from_entropy(random_bytes(&SystemEntropy))
}

fn request_query(entity_id: &str, key: &PKey<Private>, issued: &str) -> String {
    let xml = format!(
        r#"<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_their-request" Version="2.0" IssueInstant="{issued}" Destination="{SLO}"><saml:Issuer>{entity_id}</saml:Issuer><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent" NameQualifier="{IDP}" SPNameQualifier="{entity_id}">{NAME}</saml:NameID><samlp:SessionIndex>_session</samlp:SessionIndex></samlp:LogoutRequest>"#
    );
    signed_query("SAMLRequest", &xml, key)
}

fn response_query(entity_id: &str, key: &PKey<Private>, issued: &str) -> String {
    let xml = format!(
        r#"<samlp:LogoutResponse xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_their-response" InResponseTo="{OUR_REQUEST}" Version="2.0" IssueInstant="{issued}" Destination="{SLO}"><saml:Issuer>{entity_id}</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status></samlp:LogoutResponse>"#
    );
    signed_query("SAMLResponse", &xml, key)
}
