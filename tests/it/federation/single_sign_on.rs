//! What a request settles to, and which step comes next.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use signet::authentication::{AuthenticationEvent, AuthenticatorId, AuthenticatorKind, Proved};
use signet::entropy::SystemEntropy;
use signet::federation::agreement::AgencyId;
use signet::federation::assurance::{Strength, Unanswered};
use signet::federation::attribute::{AttributeName, HeldAttributes};
use signet::federation::consent::{ConsentId, ConsentReason, ConsentRecord, ContentKey, VouchedConsent};
use signet::federation::identifier::{InvalidNameIdPolicy, NameIdFormat};
use signet::federation::registry::{NotAdmitted, Registry, ServiceFiles, ServiceName, ServiceProvider};
use signet::federation::release::AskedBy;
use signet::federation::single_sign_on::{
    AnswerableFault, AuthenticationState, MatchedAuthnRequest, NextStep, NotAuthenticated, PersonFacts, ReleaseFailed,
    ReleaseStep, SettleFault, SettlementRules, Unanswerable,
};
use signet::saml::EntityId;
use signet::saml::binding::Received;
use signet::saml::response::NestedStatus;
use signet::saml::{
    MessageError,
    authn_request::{RequestSignature, VerifiedAuthnRequest},
};
use time::format_description::well_known::Rfc3339;
use time::{Duration, UtcDateTime};

use super::given::{NOW, PAIRWISE, PERSON, agreement_text, attributes, held, profile};

const ENTITY: &str = "https://permits.parks.example.gov/saml";
const ACS: &str = "https://permits.parks.example.gov/saml/acs";
const SSO: &str = "https://idp.example.gov/saml/sso";
pub(super) const IDP: &str = "https://idp.example.gov/saml";

/// A service whose requests need no signature; `md` goes into its role.
pub(super) fn files(top: &str, more: &str, md: &str) -> ServiceFiles {
    let metadata = format!(
        r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{ENTITY}">
<md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{ACS}" index="0" isDefault="true"/>
<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{ACS}/second" index="1"/>
{md}</md:SPSSODescriptor></md:EntityDescriptor>"#
    );
    let id = |text| AgencyId::parse(text).unwrap();
    ServiceFiles {
        name: ServiceName { agency: id("department-of-parks"), service: id("permits") },
        metadata: metadata.into_bytes(),
        agreement: agreement_text(&format!("signed_requests = \"waived\"\n{top}"), more).into_bytes(),
    }
}

pub(super) fn service(top: &str, more: &str, md: &str) -> Arc<ServiceProvider> {
    Arc::new(ServiceProvider::read(&files(top, more, md)).unwrap())
}

fn service_with_extensions(top: &str, extensions: &str) -> Arc<ServiceProvider> {
    let mut files = files(top, "", "");
    let metadata = String::from_utf8(files.metadata).unwrap();
    files.metadata = metadata.replace("<md:SPSSODescriptor", &format!("{extensions}<md:SPSSODescriptor")).into_bytes();
    Arc::new(ServiceProvider::read(&files).unwrap())
}

fn plain() -> Arc<ServiceProvider> {
    let attributes = attributes(&["email", "first_name", "ssn"]);
    service("default_attributes = [\"email\"]", &format!("[levels]\nhighest_ial = 2\n{attributes}"), "")
}

/// A request with these attributes and children, issued at this time.
fn request(service: &ServiceProvider, at: UtcDateTime, attributes: &str, children: &str) -> VerifiedAuthnRequest {
    request_as("_r1", service, at, attributes, children)
}

fn request_as(
    id: &str,
    service: &ServiceProvider,
    at: UtcDateTime,
    attributes: &str,
    children: &str,
) -> VerifiedAuthnRequest {
    verified(service, xml(id, at, attributes, children)).unwrap()
}

fn xml(id: &str, at: UtcDateTime, attributes: &str, children: &str) -> String {
    let issued = at.format(&Rfc3339).unwrap();
    format!(
        r#"<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{id}" Version="2.0" IssueInstant="{issued}" Destination="{SSO}" {attributes}><saml:Issuer>{ENTITY}</saml:Issuer>{children}</samlp:AuthnRequest>"#
    )
}

fn verified(service: &ServiceProvider, xml: String) -> Result<VerifiedAuthnRequest, MessageError> {
    let encoded = BASE64.encode(xml);
    let body = url::form_urlencoded::Serializer::new(String::new()).append_pair("SAMLRequest", &encoded).finish();
    let received = Received::from_form(body.as_bytes()).unwrap();
    let sso = [url::Url::parse(SSO).unwrap()];
    received.decode().unwrap().verify(
        service.metadata(),
        RequestSignature::Waived,
        &sso,
        signet::saml::DeniedAlgorithms::NONE,
    )
}

pub(super) fn settle_at(
    service: &Arc<ServiceProvider>,
    issued: UtcDateTime,
    attributes: &str,
    children: &str,
) -> Result<MatchedAuthnRequest, SettleFault> {
    let issuer = EntityId::parse(IDP).unwrap();
    let rules = SettlementRules { issuer: &issuer, loopback_http: false };
    MatchedAuthnRequest::settle(request(service, issued, attributes, children), Arc::clone(service), NOW, rules)
}

/// A request of this ID.
pub(super) fn settle_as(service: &Arc<ServiceProvider>, id: &str) -> MatchedAuthnRequest {
    let issuer = EntityId::parse(IDP).unwrap();
    let rules = SettlementRules { issuer: &issuer, loopback_http: false };
    MatchedAuthnRequest::settle(request_as(id, service, NOW, "", ""), Arc::clone(service), NOW, rules).unwrap()
}

/// A request where an ACS on http is accepted for loopback hosts.
pub(super) fn settle_on_loopback(service: &Arc<ServiceProvider>) -> MatchedAuthnRequest {
    let issuer = EntityId::parse(IDP).unwrap();
    let rules = SettlementRules { issuer: &issuer, loopback_http: true };
    MatchedAuthnRequest::settle(request(service, NOW, "", ""), Arc::clone(service), NOW, rules).unwrap()
}

pub(super) fn settle(service: &Arc<ServiceProvider>, attributes: &str, children: &str) -> MatchedAuthnRequest {
    settle_at(service, NOW, attributes, children).unwrap()
}

fn fault(service: &Arc<ServiceProvider>, attributes: &str, children: &str) -> AnswerableFault {
    match settle_at(service, NOW, attributes, children) {
        Err(SettleFault::Answerable { fault, address }) => {
            assert_eq!(address.acs().as_str(), ACS);
            fault
        }
        other => panic!("{other:?}"),
    }
}

fn unanswerable(result: Result<MatchedAuthnRequest, SettleFault>) -> Unanswerable {
    match result {
        Err(SettleFault::Unanswerable(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

fn context(classes: &[&str]) -> String {
    let classes: String =
        classes.iter().map(|class| format!("<saml:AuthnContextClassRef>{class}</saml:AuthnContextClassRef>")).collect();
    format!("<samlp:RequestedAuthnContext>{classes}</samlp:RequestedAuthnContext>")
}

#[test]
fn a_request_for_a_password_alone_lowers_nothing_unless_the_agreement_says_so() {
    let asked = |levels: &str, class: &str, comparison: &str| {
        let service = service("", levels, "");
        let context = context(&[class])
            .replace("<samlp:RequestedAuthnContext>", &format!("<samlp:RequestedAuthnContext {comparison}>"));
        settle(&service, "", &context).demanded().authentication()
    };
    // Nothing personal is asked for; this is what many products send by default.
    let password = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
    for class in
        [password, "urn:oasis:names:tc:SAML:2.0:ac:classes:Password", "http://idmanagement.gov/ns/assurance/aal/1"]
    {
        for comparison in ["", r#"Comparison="minimum""#, r#"Comparison="maximum""#] {
            assert_eq!(asked("", class, comparison), Strength::MultiFactor, "{class} {comparison}");
            assert_eq!(
                asked("[levels]\nlowest_aal = 1\n", class, comparison),
                Strength::SingleFactor,
                "{class} {comparison}"
            );
        }
    }
    assert_eq!(asked("[levels]\ndefault_aal = 1\n", password, ""), Strength::SingleFactor);
}

#[test]
fn personal_data_needs_two_factors_whatever_the_agreement_lets_a_request_ask_for() {
    let password = context(&["urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"]);
    let strength = |top: &str| {
        let levels = format!("[levels]\nlowest_aal = 1\n{}", attributes(&["email"]));
        settle(&service(top, &levels, ""), "", &password).demanded().authentication()
    };
    assert_eq!(strength(""), Strength::SingleFactor, "nothing personal is asked for");
    assert_eq!(strength("default_attributes = [\"email\"]"), Strength::MultiFactor);
    assert_eq!(strength("name_id_formats = [\"email-address\"]"), Strength::MultiFactor, "the name is an address");
}

#[test]
fn attribute_beyond_the_agreement_asks_for_no_second_factor() {
    let with = |name: &str| {
        let asked = format!("http://idmanagement.gov/ns/requested_attributes?ReqAttr={name}");
        let context = context(&["urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport", &asked]);
        let service = service("", &format!("[levels]\nlowest_aal = 1\n{}", attributes(&["email"])), "");
        settle(&service, "", &context).demanded().authentication()
    };
    assert_eq!((with("email"), with("phone")), (Strength::MultiFactor, Strength::SingleFactor));
}

#[test]
fn request_that_says_more_than_we_understand_is_refused() {
    let service = plain();
    let fault = |attributes: &str, children: &str| verified(&service, xml("_r1", NOW, attributes, children)).err();
    let is_unexpected = |fault: Option<MessageError>| {
        matches!(fault, Some(MessageError::UnexpectedElement { .. } | MessageError::UnexpectedAttribute { .. }))
    };
    let good = xml("_r1", NOW, "", "");
    assert!(verified(&service, good.clone()).is_ok());
    for version in ["Version=\"1.1\"", "Version=\"2.1\"", ""] {
        let other = good.replace("Version=\"2.0\"", version);
        assert_eq!(verified(&service, other).err(), Some(MessageError::Version), "{version}");
    }
    // A request that nobody signed need not say for whom it is.
    assert!(verified(&service, good.replace(&format!("Destination=\"{SSO}\""), "")).is_ok());

    let scoping = |attributes: &str, content: &str| format!("<samlp:Scoping {attributes}>{content}</samlp:Scoping>");
    let list = format!(
        r#"<samlp:IDPList><samlp:IDPEntry ProviderID="{IDP}"/><samlp:GetComplete>https://x</samlp:GetComplete></samlp:IDPList>"#
    );
    let requester = "<samlp:RequesterID> https://a.example </samlp:RequesterID>";
    let read = verified(&service, xml("_r1", NOW, "", &scoping("ProxyCount=\"2\"", &format!("{list}{requester}"))));
    let read = read.unwrap();
    let read = read.scoping().unwrap();
    assert_eq!((read.proxy_count, read.idp_list.len()), (Some(2), 1));
    assert_eq!(read.requester_ids, ["https://a.example"]);
    for count in ["+2", "-1", "two", ""] {
        assert!(fault("", &scoping(&format!("ProxyCount=\"{count}\""), "")).is_some(), "{count}");
    }
    assert!(is_unexpected(fault("", &scoping("", "<samlp:Other/>"))));
    assert!(is_unexpected(fault("", &scoping("Other=\"1\"", ""))));
    assert!(is_unexpected(fault("", "<saml:Subject Other=\"1\"><saml:NameID>x</saml:NameID></saml:Subject>")));

    let class = "<saml:AuthnContextClassRef>urn:x</saml:AuthnContextClassRef>";
    let classes = |content: &str| format!("<samlp:RequestedAuthnContext>{content}</samlp:RequestedAuthnContext>");
    assert_eq!(fault("", &classes(&class.repeat(64))), None);
    assert!(is_unexpected(fault("", &classes(&class.repeat(65)))));
    assert!(is_unexpected(fault("", &classes(&format!("{class}<saml:Other/>")))));
    assert!(is_unexpected(fault("", &classes(class).replacen("Context>", "Context Other=\"1\">", 1))));
    assert!(is_unexpected(fault("Other=\"1\"", "")));
    assert!(is_unexpected(fault("", "<samlp:NameIDPolicy Other=\"1\"/>")));
    assert!(is_unexpected(fault("", "<samlp:NameIDPolicy><samlp:Other/></samlp:NameIDPolicy>")));
    assert!(fault("", "text").is_some());

    let post = "ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\"";
    let index = "AssertionConsumerServiceIndex=\"0\"";
    assert_eq!(fault(&format!("{post} {index}"), ""), Some(MessageError::AcsTwice));
    assert_eq!((fault(post, ""), fault(index, "")), (None, None));
}

#[test]
fn subject_is_answered_by_the_persistent_name_alone() {
    let service = service("name_id_formats = [\"transient\", \"persistent\"]", "", "");
    let subject = format!("<saml:Subject><saml:NameID>{PAIRWISE}</saml:NameID></saml:Subject>");
    let policy = |format: &str| format!(r#"{subject}<samlp:NameIDPolicy Format="urn:oasis:names:tc:SAML:{format}"/>"#);
    let persistent = policy("2.0:nameid-format:persistent");
    for children in [&subject, &policy("1.1:nameid-format:unspecified"), &persistent] {
        assert_eq!(settle(&service, "", children).name_id_format(), NameIdFormat::Persistent);
    }
    let refused = fault(&service, "", &policy("2.0:nameid-format:transient"));
    assert!(
        matches!(refused, AnswerableFault::InvalidNameIdPolicy(InvalidNameIdPolicy::NotTheSubjects { .. })),
        "{refused:?}"
    );
    let encrypted = "<saml:Subject><saml:EncryptedID/></saml:Subject>";
    assert_eq!(fault(&service, "", encrypted), AnswerableFault::Unsupported("Subject"));
}

const IAL2: &str = "http://idmanagement.gov/ns/assurance/ial/2";

#[test]
fn silent_request_takes_the_agreements_defaults() {
    let matched = settle(&plain(), "", "");
    assert_eq!(matched.address().acs().as_str(), ACS);
    assert_eq!(matched.name_id_format(), NameIdFormat::Persistent);
    assert_eq!(matched.asked().source(), AskedBy::AgreementDefault);
    assert_eq!(matched.demanded().authentication(), Strength::MultiFactor);
}

#[test]
fn request_is_taken_for_five_minutes_and_three_ahead() {
    let service = plain();
    assert!(settle_at(&service, NOW - Duration::minutes(5), "", "").is_ok());
    let old = NOW - Duration::minutes(5) - Duration::SECOND;
    assert_eq!(unanswerable(settle_at(&service, old, "", "")), Unanswerable::Stale);
    assert!(settle_at(&service, NOW + Duration::minutes(3), "", "").is_ok());
    let ahead = NOW + Duration::minutes(3) + Duration::SECOND;
    assert_eq!(unanswerable(settle_at(&service, ahead, "", "")), Unanswerable::FromTheFuture);
    let over = r#"<saml:Conditions NotOnOrAfter="2026-11-24T12:00:00Z"/>"#;
    assert_eq!(unanswerable(settle_at(&service, NOW, "", over)), Unanswerable::Stale);
}

#[test]
fn answer_goes_to_registered_addresses_only() {
    let service = plain();
    let by_index = settle(&service, r#"AssertionConsumerServiceIndex="1""#, "");
    assert_eq!(by_index.address().acs().as_str(), format!("{ACS}/second"));
    for (attributes, asked) in [
        (r#"AssertionConsumerServiceURL="https://evil.example/acs""#.to_owned(), "https://evil.example/acs".to_owned()),
        (format!(r#"AssertionConsumerServiceURL="{ACS}/extra""#), format!("{ACS}/extra")),
        (r#"AssertionConsumerServiceIndex="7""#.to_owned(), "index 7".to_owned()),
    ] {
        let refused = unanswerable(settle_at(&service, NOW, &attributes, ""));
        assert!(matches!(refused, Unanswerable::Acs(_)), "{attributes}");
        let said = refused.to_string();
        assert!(said.contains(&format!("Asked for: {asked}. Registered: [0] {ACS}, [1] {ACS}/second")), "{said}");
    }
}

#[test]
fn service_that_is_switched_off_gets_no_answer() {
    let off = service("enabled = false", "", "");
    let registry = |top| Registry::new([ServiceProvider::read(&files(top, "", "")).unwrap()], []);
    let admitted = |registry: &Registry| registry.admit(off.entity_id()).cloned();
    assert!(matches!(admitted(&registry("enabled = false")), Err(NotAdmitted::Disabled(_))));
    assert!(admitted(&registry("")).is_ok());
    assert!(matches!(admitted(&Registry::default()), Err(NotAdmitted::Unknown(_))));
    let altered = Registry::default().with_altered([off.entity_id().clone()]);
    assert!(matches!(admitted(&altered), Err(NotAdmitted::Altered(_))));
}

#[test]
fn name_id_policy_is_kept_to_the_agreement() {
    let service = plain();
    let policy = |attributes: &str| format!("<samlp:NameIDPolicy {attributes}/>");
    for attributes in
        [r#"Format="urn:example:unknown""#, r#"Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress""#]
    {
        let refused = fault(&service, "", &policy(attributes));
        assert!(
            matches!(refused, AnswerableFault::InvalidNameIdPolicy(InvalidNameIdPolicy::FormatNotAgreed { .. })),
            "{refused:?}"
        );
        // What the service is told: what it asked for, and what is agreed.
        let told = refused.status().message.unwrap();
        let asked = attributes.split('"').nth(1).unwrap();
        assert!(told.contains(&format!("asks for the NameID format `{asked}`")), "{told}");
        assert!(told.contains(&format!("agreed is `{}`", NameIdFormat::Persistent.uri())), "{told}");
    }
    let told = fault(&service, "", &policy(r#"SPNameQualifier="https://other.example""#)).status().message.unwrap();
    assert_eq!(told, format!("the SPNameQualifier is `https://other.example`, and the service is {ENTITY}"));
    assert!(!settle(&service, "", &policy(r#"AllowCreate="false""#)).may_create_identifier());
    assert!(settle(&service, "", &policy("")).may_create_identifier());
}

/// SAML Core §3.4.1: a Subject is about one person. What is looked at is the name that this agency was given, and no other.
#[test]
fn subject_is_read_as_the_persistent_name_or_answered_with_a_status() {
    let service = service("name_id_formats = [\"persistent\", \"transient\"]", "", "");
    let subject = |content: &str| format!("<saml:Subject>{content}</saml:Subject>");
    let named = |attributes: &str| subject(&format!("<saml:NameID {attributes}>somebody</saml:NameID>"));
    let ours = format!(r#"NameQualifier="{IDP}" SPNameQualifier="{ENTITY}""#);
    let persistent = format!(r#"Format="{}" {ours}"#, NameIdFormat::Persistent.uri());
    for attributes in ["", &ours, &persistent] {
        let matched = settle(&service, "", &named(attributes));
        assert_eq!(matched.subject(), Some("somebody"), "{attributes}");
        assert_eq!(matched.name_id_format(), NameIdFormat::Persistent);
    }
    for attributes in [
        r#"SPNameQualifier="https://other.example""#.to_owned(),
        r#"NameQualifier="https://other.example""#.to_owned(),
        format!(r#"Format="{}""#, NameIdFormat::EmailAddress.uri()),
        format!(r#"Format="{}""#, NameIdFormat::Transient.uri()),
    ] {
        let refused = fault(&service, "", &named(&attributes));
        assert_eq!(refused, AnswerableFault::UnknownPrincipal, "{attributes}");
        assert_eq!(refused.status().nested, Some(NestedStatus::UnknownPrincipal));
    }
    let confirmed = named("").replace("</saml:Subject>", "<saml:SubjectConfirmation Method=\"m\"/></saml:Subject>");
    for content in [confirmed, subject("<saml:EncryptedID/>"), subject("")] {
        assert_eq!(fault(&service, "", &content), AnswerableFault::Unsupported("Subject"), "{content}");
    }
    let transient = format!(r#"{}<samlp:NameIDPolicy Format="{}"/>"#, named(""), NameIdFormat::Transient.uri());
    let told = fault(&service, "", &transient).status().message.unwrap();
    assert!(told.contains("names a Subject") && told.contains(NameIdFormat::Transient.uri()), "{told}");
}

#[test]
fn answer_by_a_binding_that_we_do_not_have_is_refused_with_its_status() {
    let service = plain();
    for binding in ["urn:oasis:names:tc:SAML:2.0:bindings:PAOS", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact"] {
        let refused = fault(&service, &format!(r#"ProtocolBinding="{binding}""#), "");
        assert_eq!(refused, AnswerableFault::UnsupportedBinding(binding.to_owned()));
        assert_eq!(refused.status().nested, Some(NestedStatus::UnsupportedBinding));
    }
    assert!(
        settle_at(&service, NOW, r#"ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST""#, "").is_ok()
    );
}

#[test]
fn service_that_wants_no_identifier_gets_a_transient_name_where_that_is_agreed() {
    let wanting = |top: &str, need: &str| {
        let extensions = format!(
            r#"<md:Extensions><mdattr:EntityAttributes xmlns:mdattr="urn:oasis:names:tc:SAML:metadata:attribute"><saml:Attribute xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" Name="urn:oasis:names:tc:SAML:profiles:subject-id:req"><saml:AttributeValue>{need}</saml:AttributeValue></saml:Attribute></mdattr:EntityAttributes></md:Extensions>"#
        );
        service_with_extensions(top, &extensions)
    };
    let both = "name_id_formats = [\"persistent\", \"transient\"]";
    assert_eq!(settle(&wanting(both, "none"), "", "").name_id_format(), NameIdFormat::Transient);
    assert_eq!(settle(&wanting(both, "any"), "", "").name_id_format(), NameIdFormat::Persistent);
    assert_eq!(settle(&wanting("", "none"), "", "").name_id_format(), NameIdFormat::Persistent);
    let policy = format!(r#"<samlp:NameIDPolicy Format="{}"/>"#, NameIdFormat::Persistent.uri());
    assert_eq!(settle(&wanting(both, "none"), "", &policy).name_id_format(), NameIdFormat::Persistent);
}

#[test]
fn agreement_may_count_only_what_is_required_as_asked_for() {
    let sets = r#"<md:AttributeConsumingService index="3"><md:ServiceName xml:lang="en">x</md:ServiceName><md:RequestedAttribute Name="first_name" isRequired="true"/><md:RequestedAttribute Name="email"/><md:RequestedAttribute Name="all_emails" isRequired="false"/></md:AttributeConsumingService>"#;
    let more = format!("[levels]\nhighest_ial = 2\n{}", attributes(&["email", "all_emails", "first_name"]));
    let names = |top: &str| settle(&service(top, &more, sets), "", "").asked().names().len();
    assert_eq!(names(""), 3);
    assert_eq!(names("requested_attributes = \"all\""), 3);
    assert_eq!(names("requested_attributes = \"required-only\""), 1);
}

#[test]
fn attributes_are_asked_for_in_three_ways() {
    let sets = r#"<md:AttributeConsumingService index="3" isDefault="true"><md:ServiceName xml:lang="en">x</md:ServiceName><md:RequestedAttribute Name="first_name"/></md:AttributeConsumingService>
<md:AttributeConsumingService index="4"><md:ServiceName xml:lang="en">x</md:ServiceName><md:RequestedAttribute Name="urn:oid:0.9.2342.19200300.100.1.3"/></md:AttributeConsumingService>"#;
    let more = format!("[levels]\nhighest_ial = 2\n{}", attributes(&["email", "first_name", "ssn"]));
    let with_sets = service("default_attributes = [\"ssn\"]", &more, sets);
    let names = |matched: &MatchedAuthnRequest| matched.asked().names().iter().copied().collect::<Vec<_>>();

    let default = settle(&with_sets, "", "");
    assert_eq!(
        (default.asked().source(), names(&default)),
        (AskedBy::ConsumingService, vec![AttributeName::FirstName])
    );
    let by_index = settle(&with_sets, r#"AttributeConsumingServiceIndex="4""#, "");
    assert_eq!(names(&by_index), [AttributeName::Email]);
    let listed =
        settle(&with_sets, "", &context(&["http://idmanagement.gov/ns/requested_attributes?ReqAttr=ssn,email", IAL2]));
    assert_eq!(
        (listed.asked().source(), names(&listed)),
        (AskedBy::RequestedContext, vec![AttributeName::Email, AttributeName::Ssn])
    );
    let unknown = r#"AttributeConsumingServiceIndex="4242""#;
    assert_eq!(fault(&with_sets, unknown, ""), AnswerableFault::Unsupported("AttributeConsumingServiceIndex"));
}

#[test]
fn what_cannot_be_met_is_answered_with_its_status() {
    let service = plain();
    let aal3 = context(&["http://idmanagement.gov/ns/assurance/aal/3"]);
    let refused = fault(&service, "", &aal3);
    let told = "the request asks for `http://idmanagement.gov/ns/assurance/aal/3`; the agreement allows no more than IAL2 and AAL2";
    assert_eq!(refused.status().message.as_deref(), Some(told));
    assert_eq!(refused.status().nested, Some(NestedStatus::NoAuthnContext));
    let unknown = fault(&service, "", &context(&["urn:example:loa9"]));
    assert!(matches!(unknown, AnswerableFault::NoAuthnContext(fault) if fault.why() == Unanswered::UnknownClasses));
    let scoping = |idp: &str| {
        format!(r#"<samlp:Scoping><samlp:IDPList><samlp:IDPEntry ProviderID="{idp}"/></samlp:IDPList></samlp:Scoping>"#)
    };
    assert_eq!(fault(&service, "", &scoping("https://other.example")), AnswerableFault::NoSupportedIdp);
    assert!(settle_at(&service, NOW, "", &scoping(IDP)).is_ok());
}

pub(super) fn password(at: UtcDateTime) -> AuthenticationEvent {
    AuthenticationEvent::supposed(AuthenticatorKind::Password, None, at, Proved::default())
}

pub(super) fn app_code(at: UtcDateTime) -> AuthenticationEvent {
    AuthenticationEvent::supposed(
        AuthenticatorKind::Totp,
        Some(AuthenticatorId::from_bytes([2; 16])),
        at,
        Proved::default(),
    )
}

pub(super) fn passkey(at: UtcDateTime) -> AuthenticationEvent {
    AuthenticationEvent::supposed(
        AuthenticatorKind::Passkey,
        Some(AuthenticatorId::from_bytes([3; 16])),
        at,
        Proved { user_verified: true, phishing_resistant: true, syncable: true },
    )
}

pub(super) fn known(events: &[AuthenticationEvent]) -> AuthenticationState {
    AuthenticationState::Known { subscriber: PERSON, events: events.to_vec() }
}

#[test]
fn sign_in_goes_on_until_it_suffices() {
    let matched = settle(&plain(), "", "");
    let step = |state: &AuthenticationState| matched.authenticate(state, NOW).map(|subject| subject.subscriber());
    assert_eq!(step(&AuthenticationState::Stranger), Err(NotAuthenticated::Yet(NextStep::SignIn)));
    assert_eq!(
        step(&known(&[password(NOW)])),
        Err(NotAuthenticated::Yet(NextStep::SecondFactor { phishing_resistant: false }))
    );
    assert_eq!(step(&known(&[password(NOW), app_code(NOW)])), Ok(PERSON));
}

#[test]
fn phishing_resistance_is_demanded_when_asked_for() {
    let matched =
        settle(&plain(), "", &context(&["http://idmanagement.gov/ns/assurance/aal/2?phishing_resistant=true"]));
    let weak = known(&[password(NOW), app_code(NOW)]);
    assert_eq!(
        matched.authenticate(&weak, NOW).unwrap_err(),
        NotAuthenticated::Yet(NextStep::SecondFactor { phishing_resistant: true })
    );
    assert!(matched.authenticate(&known(&[passkey(NOW)]), NOW).is_ok());
}

#[test]
fn force_authn_counts_only_what_happens_after_the_request() {
    let matched = settle(&plain(), r#"ForceAuthn="true""#, "");
    let before = NOW - Duration::MINUTE;
    assert_eq!(
        matched.authenticate(&known(&[password(before), app_code(before)]), NOW).unwrap_err(),
        NotAuthenticated::Yet(NextStep::Reauthenticate)
    );
    let after = NOW + Duration::MINUTE;
    assert!(matched.authenticate(&known(&[password(after), app_code(after)]), after).is_ok());
}

#[test]
fn passive_request_sees_no_page() {
    let matched = settle(&plain(), r#"IsPassive="true""#, "");
    assert_eq!(
        matched.authenticate(&AuthenticationState::Stranger, NOW).unwrap_err(),
        NotAuthenticated::Never(AnswerableFault::NoPassive)
    );
    assert_eq!(
        matched.authenticate(&known(&[password(NOW)]), NOW).unwrap_err(),
        NotAuthenticated::Never(AnswerableFault::NoPassive)
    );
    assert_eq!(release(&matched, &held(), None).unwrap_err(), ReleaseFailed::Answerable(AnswerableFault::NoPassive));
}

fn release(
    matched: &MatchedAuthnRequest,
    held: &HeldAttributes,
    consent: Option<&VouchedConsent>,
) -> Result<ReleaseStep, ReleaseFailed> {
    release_as(matched, held, consent, Some(PAIRWISE))
}

fn release_as(
    matched: &MatchedAuthnRequest,
    held: &HeldAttributes,
    consent: Option<&VouchedConsent>,
    known_pairwise: Option<signet::federation::identifier::PairwiseId>,
) -> Result<ReleaseStep, ReleaseFailed> {
    let subject = matched.authenticate(&known(&[password(NOW), app_code(NOW)]), NOW).unwrap();
    let key = ContentKey::new([7; 32], "test");
    let person = PersonFacts {
        page_language: "en",
        address_must_be_asked: false,
        held,
        known_pairwise,
        new_pairwise: PAIRWISE,
        consent,
        content_key: &key,
        scope: "idp.example.gov",
    };
    matched.release(&subject, &person, &SystemEntropy, NOW)
}

#[test]
fn consent_comes_before_issuing_and_shows_what_is_issued() {
    let matched = settle(&plain(), "", "");
    let Ok(ReleaseStep::Consent { reason, decision, scope, frozen, digest }) = release(&matched, &held(), None) else {
        panic!("consent is due")
    };
    assert_eq!(reason, ConsentReason::First);
    let shown: Vec<_> = decision.released().map(|(name, values, _)| (name, values.to_vec())).collect();
    assert_eq!(shown, frozen.attributes());

    let record = ConsentRecord {
        id: ConsentId::from_bytes([5; 16]),
        subscriber: PERSON,
        scope: scope.clone(),
        given_at: NOW,
        revoked_at: None,
    };
    let record = VouchedConsent::supposed(record);
    let Ok(ReleaseStep::Issue { release, .. }) = release(&matched, &held(), Some(&record)) else {
        panic!("consent was given")
    };
    assert_eq!(release.frozen(), &frozen);
    assert_eq!(release.scope_digest(), scope.digest());
    let asked = frozen.question_digest(&ContentKey::new([7; 32], "test"), &matched.binding(), &scope);
    assert_eq!(asked, digest);
}

#[test]
fn request_that_is_for_another_address_is_refused() {
    let asked = |from: &str, to: &str| verified(&plain(), xml("_r1", NOW, "", "").replace(from, to)).err();
    assert_eq!(asked("", ""), None);
    for elsewhere in ["https://idp.example.gov/saml/logout", &SSO.to_uppercase()] {
        assert_eq!(asked(SSO, elsewhere), Some(MessageError::for_another(elsewhere, &[SSO])));
    }
    // Only a signed one must say for whom it is.
    assert_eq!(asked(&format!("Destination=\"{SSO}\""), ""), None);
}

#[test]
fn classes_that_mean_nothing_here_are_told_as_they_were_written() {
    let matched = settle(&plain(), "", &context(&["urn:example:loa9", IAL2]));
    assert_eq!(matched.context().unknown(), ["urn:example:loa9"]);
}

#[test]
fn each_fault_has_a_word_of_its_own() {
    let answerable = [
        AnswerableFault::Declined,
        InvalidNameIdPolicy::NothingToReuse.into(),
        settle(&plain(), "", "").demanded().identity_not_reached().into(),
        AnswerableFault::NoPassive,
        AnswerableFault::NoSupportedIdp,
        AnswerableFault::UnknownPrincipal,
        AnswerableFault::Unsupported("x"),
        AnswerableFault::UnsupportedBinding("x".into()),
    ];
    let alone = [Unanswerable::Acs("x".into()), Unanswerable::FromTheFuture, Unanswerable::Stale];
    let words: Vec<&str> =
        answerable.iter().map(AnswerableFault::code).chain(alone.iter().map(Unanswerable::code)).collect();
    for (at, word) in words.iter().enumerate() {
        assert!(!word.is_empty() && word.bytes().all(|octet| octet == b'_' || octet.is_ascii_lowercase()), "{word:?}");
        assert!(!words[..at].contains(word), "{word}");
    }
}

#[test]
fn person_is_asked_again_with_the_reason_when_the_consent_does_not_cover_it() {
    let Ok(ReleaseStep::Consent { scope, .. }) = release(&settle(&plain(), "", ""), &held(), None) else {
        panic!("consent is due")
    };
    let record = ConsentRecord {
        id: ConsentId::from_bytes([5; 16]),
        subscriber: PERSON,
        scope,
        given_at: NOW,
        revoked_at: None,
    };
    let record = VouchedConsent::supposed(record);
    let more = context(&["http://idmanagement.gov/ns/requested_attributes?ReqAttr=email,first_name", IAL2]);
    let again = release(&settle(&plain(), "", &more), &held(), Some(&record));
    let Ok(ReleaseStep::Consent { reason, .. }) = again else { panic!("{again:?}") };
    assert_eq!(reason, ConsentReason::SetGrew(vec![AttributeName::FirstName]));
    let passive = release(&settle(&plain(), r#"IsPassive="true""#, &more), &held(), Some(&record));
    assert_eq!(passive.unwrap_err(), ReleaseFailed::Answerable(AnswerableFault::NoPassive));
}

#[test]
fn level_that_is_not_reached_gets_its_page() {
    let matched = settle(&plain(), "", &context(&[IAL2]));
    assert!(matches!(release(&matched, &HeldAttributes::new(), None), Ok(ReleaseStep::LevelUnreachable)));
    // SAML Core §3.4.1, IsPassive: no page may be shown.
    let passive = settle(&plain(), r#"IsPassive="true""#, &context(&[IAL2]));
    assert!(release(&passive, &HeldAttributes::new(), None).is_err());
    assert!(matches!(release(&matched, &held(), None), Ok(ReleaseStep::Consent { .. })));
}

#[test]
fn vault_is_opened_only_when_something_in_it_is_asked_for() {
    let closed = HeldAttributes::new()
        .with(AttributeName::Email, held().get(AttributeName::Email).to_vec())
        .proofed(profile())
        .vault_closed();
    let ssn = context(&["http://idmanagement.gov/ns/requested_attributes?ReqAttr=ssn", IAL2]);
    assert!(matches!(release(&settle(&plain(), "", &ssn), &closed, None), Ok(ReleaseStep::Unlock)));
    assert!(matches!(release(&settle(&plain(), "", ""), &closed, None), Ok(ReleaseStep::Consent { .. })));
    let not_agreed = context(&["http://idmanagement.gov/ns/requested_attributes?ReqAttr=dob", IAL2]);
    assert!(matches!(release(&settle(&plain(), "", &not_agreed), &closed, None), Ok(ReleaseStep::Consent { .. })));
}

#[test]
fn request_about_somebody_else_is_answered_about_nobody() {
    let about = |name: &str, more: &str| {
        settle(&plain(), more, &format!("<saml:Subject><saml:NameID>{name}</saml:NameID></saml:Subject>"))
    };
    let unknown = ReleaseFailed::Answerable(AnswerableFault::UnknownPrincipal);
    assert!(release(&about(&PAIRWISE.to_string(), ""), &held(), None).is_ok());
    assert_eq!(release(&about("somebody-else", ""), &held(), None).unwrap_err(), unknown);
    assert_eq!(release(&about("somebody-else", r#"IsPassive="true""#), &held(), None).unwrap_err(), unknown);
    // The name that would be given is not one that the service can know.
    assert_eq!(release_as(&about(&PAIRWISE.to_string(), ""), &held(), None, None).unwrap_err(), unknown);
}

#[test]
fn request_that_forbids_a_new_identifier_makes_none() {
    let matched = settle(&plain(), "", r#"<samlp:NameIDPolicy AllowCreate="false"/>"#);
    let forbidden = AnswerableFault::InvalidNameIdPolicy(InvalidNameIdPolicy::NothingToReuse);
    assert_eq!(release_as(&matched, &held(), None, None).unwrap_err(), ReleaseFailed::Answerable(forbidden));
    assert!(release_as(&matched, &held(), None, Some(PAIRWISE)).is_ok());
}
