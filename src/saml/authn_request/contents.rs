//! What an AuthnRequest says, read strictly: the schema's attributes and elements, in the schema's order.

use time::UtcDateTime;

use crate::saml::{
    AcsSelection, MessageError, MessageId, NamedPrincipal, instant,
    message::check_version,
    read::{boolean, collapse, cut, only_attributes, only_elements, optional, required, unexpected, unsigned_short},
    xml::{Element, ns},
};

/// The attributes that SAML Core §3.2.1 and §3.4.1 name.
const ATTRIBUTES: [&str; 12] = [
    "ID",
    "Version",
    "IssueInstant",
    "Destination",
    "Consent",
    "ForceAuthn",
    "IsPassive",
    "ProtocolBinding",
    "AssertionConsumerServiceIndex",
    "AssertionConsumerServiceURL",
    "AttributeConsumingServiceIndex",
    "ProviderName",
];

/// The elements that SAML Core §3.2.1 and §3.4.1 name, in their order; each may stand once.
const ELEMENTS: [(&str, &str); 8] = [
    (ns::ASSERTION, "Issuer"),
    (ns::DSIG, "Signature"),
    (ns::PROTOCOL, "Extensions"),
    (ns::ASSERTION, "Subject"),
    (ns::PROTOCOL, "NameIDPolicy"),
    (ns::ASSERTION, "Conditions"),
    (ns::PROTOCOL, "RequestedAuthnContext"),
    (ns::PROTOCOL, "Scoping"),
];

/// Most class references, or identity providers of a list, that a request may name.
const MOST_LISTED: usize = 64;

/// `samlp:NameIDPolicy` (SAML Core §3.4.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameIdPolicy {
    /// The format wanted.
    pub format: Option<String>,
    /// The affiliation for which the name shall be good.
    pub sp_name_qualifier: Option<String>,
    /// Whether a new name may be made for the person, where the request says so. The standard's default is no.
    pub allow_create: Option<bool>,
}

/// How the context of the answer must compare to those asked for (SAML Core §3.3.2.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Comparison {
    /// Stronger than each.
    Better,
    /// One of them: what it means if the request does not say.
    #[default]
    Exact,
    /// As strong as possible, no stronger than one of them.
    Maximum,
    /// At least as strong as one of them.
    Minimum,
}

/// `samlp:RequestedAuthnContext` (SAML Core §3.3.2.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedAuthnContext {
    /// How the answer's context must compare.
    pub comparison: Comparison,
    /// The references asked for, the preferred first; never empty. References to declarations stand here as well: they
    /// name a context just so, and whoever knows none of them must answer `NoAuthnContext`.
    pub class_refs: Vec<String>,
}

/// `samlp:Scoping` (SAML Core §3.4.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scoping {
    /// How many more identity providers the request may pass through.
    pub proxy_count: Option<u32>,
    /// The identity providers that may answer; empty where anyone may.
    pub idp_list: Vec<String>,
    /// For whom the request is made.
    pub requester_ids: Vec<String>,
}

/// `saml:Subject` of a request: about whom it asks (SAML Core §3.4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestedSubject {
    /// The person of this name.
    Named(NamedPrincipal),
    /// A person who is named otherwise than by a NameID in clear, or who must be confirmed in a way that the request names.
    Otherwise,
}

/// Times of `saml:Conditions` in a request. Not yet compared with any clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValidityPeriod {
    /// The first instant.
    pub not_before: Option<UtcDateTime>,
    /// The first instant that is too late.
    pub not_on_or_after: Option<UtcDateTime>,
}

/// Everything that a request says, but its issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contents {
    pub(super) id: MessageId,
    pub(super) issue_instant: UtcDateTime,
    pub(super) force_authn: bool,
    pub(super) is_passive: bool,
    pub(super) acs: AcsSelection,
    pub(super) protocol_binding: Option<String>,
    pub(super) attribute_consuming_service_index: Option<u16>,
    pub(super) subject: Option<RequestedSubject>,
    pub(super) name_id_policy: Option<NameIdPolicy>,
    pub(super) validity_period: Option<ValidityPeriod>,
    pub(super) requested_authn_context: Option<RequestedAuthnContext>,
    pub(super) scoping: Option<Scoping>,
}

impl Contents {
    pub(super) fn read(root: Element<'_>) -> Result<Self, MessageError> {
        // Whatever it would say otherwise, it says it in a language that we do not know (SAML Core §4.1.3).
        check_version(root)?;
        only_attributes(root, &ATTRIBUTES)?;
        only_elements(root, &ELEMENTS, &[])?;

        let acs = match (
            root.attribute("AssertionConsumerServiceURL"),
            optional(root, "AssertionConsumerServiceIndex", unsigned_short)?,
        ) {
            (None, None) => AcsSelection::Default,
            (Some(url), None) => AcsSelection::Url(url.to_owned()),
            (None, Some(index)) if root.attribute("ProtocolBinding").is_none() => AcsSelection::Index(index),
            (_, Some(_)) => return Err(MessageError::AcsTwice),
        };
        Ok(Self {
            id: MessageId::parse(required(root, "ID")?)?,
            issue_instant: instant::parse(required(root, "IssueInstant")?)?,
            force_authn: optional(root, "ForceAuthn", boolean)?.unwrap_or(false),
            is_passive: optional(root, "IsPassive", boolean)?.unwrap_or(false),
            acs,
            protocol_binding: root.attribute("ProtocolBinding").map(|binding| collapse(binding).to_owned()),
            attribute_consuming_service_index: optional(root, "AttributeConsumingServiceIndex", unsigned_short)?,
            subject: root.child(ns::ASSERTION, "Subject").map(subject).transpose()?,
            name_id_policy: root.child(ns::PROTOCOL, "NameIDPolicy").map(name_id_policy).transpose()?,
            validity_period: root.child(ns::ASSERTION, "Conditions").map(validity_period).transpose()?.flatten(),
            requested_authn_context: root
                .child(ns::PROTOCOL, "RequestedAuthnContext")
                .map(requested_authn_context)
                .transpose()?,
            scoping: root.child(ns::PROTOCOL, "Scoping").map(scoping).transpose()?,
        })
    }
}

fn subject(element: Element<'_>) -> Result<RequestedSubject, MessageError> {
    only_attributes(element, &[])?;
    let mut children = element.children();
    match (children.next(), children.next()) {
        (Some(name), None) if name.is(ns::ASSERTION, "NameID") => {
            NamedPrincipal::read(name).map(RequestedSubject::Named)
        }
        _ => Ok(RequestedSubject::Otherwise),
    }
}

fn name_id_policy(element: Element<'_>) -> Result<NameIdPolicy, MessageError> {
    only_attributes(element, &["Format", "SPNameQualifier", "AllowCreate"])?;
    only_elements(element, &[], &[])?;
    Ok(NameIdPolicy {
        format: element.attribute("Format").map(|format| collapse(format).to_owned()),
        sp_name_qualifier: element.attribute("SPNameQualifier").map(str::to_owned),
        allow_create: optional(element, "AllowCreate", boolean)?,
    })
}

fn requested_authn_context(element: Element<'_>) -> Result<RequestedAuthnContext, MessageError> {
    only_attributes(element, &["Comparison"])?;
    let comparison = optional(element, "Comparison", |text| match text {
        "better" => Some(Comparison::Better),
        "exact" => Some(Comparison::Exact),
        "maximum" => Some(Comparison::Maximum),
        "minimum" => Some(Comparison::Minimum),
        _ => None,
    })?
    .unwrap_or_default();
    // Classes or declarations, never both: the schema has a choice.
    let name = match element.children().next() {
        Some(first) if first.is(ns::ASSERTION, "AuthnContextDeclRef") => "AuthnContextDeclRef",
        _ => "AuthnContextClassRef",
    };
    let class_refs = uris(element, ns::ASSERTION, name)?;
    match element.children().next() {
        None => Err(MessageError::UnexpectedElement { line: element.line(), name: cut(element.local_name()) }),
        Some(_) => Ok(RequestedAuthnContext { comparison, class_refs }),
    }
}

fn validity_period(element: Element<'_>) -> Result<Option<ValidityPeriod>, MessageError> {
    let time = |name| element.attribute(name).map(instant::parse).transpose();
    let period = ValidityPeriod { not_before: time("NotBefore")?, not_on_or_after: time("NotOnOrAfter")? };
    Ok((period.not_before.is_some() || period.not_on_or_after.is_some()).then_some(period))
}

fn scoping(element: Element<'_>) -> Result<Scoping, MessageError> {
    only_attributes(element, &["ProxyCount"])?;
    let children = [(ns::PROTOCOL, "IDPList"), (ns::PROTOCOL, "RequesterID")];
    if let Some(stranger) = element.children().find(|child| !children.iter().any(|(n, l)| child.is(n, l))) {
        return Err(unexpected(stranger));
    }
    let digits = |text: &str| if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None };
    let mut idp_list = Vec::new();
    if let Some(list) = element.only_child(ns::PROTOCOL, "IDPList")? {
        for entry in list.children().filter(|child| child.is(ns::PROTOCOL, "IDPEntry")).take(MOST_LISTED) {
            idp_list.push(required(entry, "ProviderID")?.to_owned());
        }
    }
    let mut requester_ids = Vec::new();
    for requester in element.children().filter(|child| child.is(ns::PROTOCOL, "RequesterID")).take(MOST_LISTED) {
        requester_ids.push(collapse(&requester.text()?).to_owned());
    }
    Ok(Scoping { proxy_count: optional(element, "ProxyCount", digits)?, idp_list, requester_ids })
}

/// The texts of all children, which must have this name.
fn uris(element: Element<'_>, namespace: &str, local: &str) -> Result<Vec<String>, MessageError> {
    let mut texts = Vec::new();
    for child in element.children() {
        if !child.is(namespace, local) || texts.len() >= MOST_LISTED {
            return Err(unexpected(child));
        }
        texts.push(collapse(&child.text()?).to_owned());
    }
    Ok(texts)
}
