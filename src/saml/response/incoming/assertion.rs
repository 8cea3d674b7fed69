//! What an assertion says that came back to us, read strictly. Nothing here is compared with a request, an address or a clock:
//! that is [`super::matching`]'s.

use std::fmt;

use time::UtcDateTime;
use zeroize::Zeroizing;

use super::ResponseError;
use crate::saml::{
    EntityId, MessageError, MessageId, NamedPrincipal, instant,
    message::{check_version, issuer_of},
    read::{boolean, collapse, cut, only_attributes, only_elements, required},
    xml::{Element, ns},
};

/// The method of a confirmation by which whoever brings the assertion is its subject (SAML Profiles §3.3).
const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";

/// An assertion as it was received (SAML Core §2.3.3).
#[derive(Debug, Clone)]
pub struct ReceivedAssertion {
    id: MessageId,
    issuer: EntityId,
    pub(super) issue_instant: UtcDateTime,
    name_id: Option<NamedPrincipal>,
    pub(super) bearers: Vec<Bearer>,
    pub(super) conditions: Conditions,
    pub(super) authn_statement: AuthnStatement,
    attributes: Vec<ReceivedAttribute>,
}

/// A confirmation by bearing (SAML Core §2.4.1).
#[derive(Debug, Clone)]
pub(super) struct Bearer {
    pub(super) recipient: Option<String>,
    pub(super) in_response_to: Option<String>,
    pub(super) not_before: Option<UtcDateTime>,
    pub(super) not_on_or_after: Option<UtcDateTime>,
}

/// `saml:Conditions` (SAML Core §2.5).
#[derive(Debug, Clone)]
pub(super) struct Conditions {
    pub(super) not_before: Option<UtcDateTime>,
    pub(super) not_on_or_after: Option<UtcDateTime>,
    /// The audiences of each restriction, all of which must be met.
    pub(super) audiences: Vec<Vec<String>>,
    proxy_restriction: Option<ProxyRestriction>,
}

/// How far the party lets its statement be passed on (SAML Core §2.5.1.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyRestriction {
    /// Through how many more parties, where it says so. Nought: we may not state to others what we learnt.
    pub count: Option<u32>,
    /// To whom; empty where to anybody.
    pub audiences: Vec<String>,
}

/// How and when the person authenticated (SAML Core §2.7.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthnStatement {
    /// When.
    pub authn_instant: UtcDateTime,
    /// Names the session at the party, for single logout.
    pub session_index: Option<String>,
    /// When our session must end at the latest, where the party says so.
    pub session_not_on_or_after: Option<UtcDateTime>,
    /// How: what the party says, which may be less than what was asked for.
    pub authn_context_class_ref: String,
    /// Parties further on that took part.
    pub authenticating_authorities: Vec<String>,
}

/// One attribute with its values (SAML Core §2.7.3.1).
#[derive(Clone)]
pub struct ReceivedAttribute {
    /// `Name`.
    pub name: String,
    /// `NameFormat`.
    pub name_format: Option<String>,
    /// `FriendlyName`, which means nothing to a machine.
    pub friendly_name: Option<String>,
    /// The values that are text. Personal data.
    pub values: Vec<Zeroizing<String>>,
    /// How many values were passed over, since they hold elements or are nil: text is never read around an element.
    pub passed_over: usize,
}

/// Says which attribute, never its values.
impl fmt::Debug for ReceivedAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReceivedAttribute({}, {} values)", self.name, self.values.len())
    }
}

impl ReceivedAssertion {
    /// Its identifier, which must not have been seen before.
    #[must_use]
    pub fn id(&self) -> &MessageId {
        &self.id
    }

    /// Who states it.
    #[must_use]
    pub fn issuer(&self) -> &EntityId {
        &self.issuer
    }

    /// By which name the party means the person, where it names one: some name people by attributes alone.
    #[must_use]
    pub fn name_id(&self) -> Option<&NamedPrincipal> {
        self.name_id.as_ref()
    }

    /// How and when the person authenticated.
    #[must_use]
    pub fn authn_statement(&self) -> &AuthnStatement {
        &self.authn_statement
    }

    /// How far the party lets its statement be passed on, where it says so.
    #[must_use]
    pub fn proxy_restriction(&self) -> Option<&ProxyRestriction> {
        self.conditions.proxy_restriction.as_ref()
    }

    /// Every attribute, in the order received. A name may come twice: which of them counts is for the reader to say.
    #[must_use]
    pub fn attributes(&self) -> &[ReceivedAttribute] {
        &self.attributes
    }

    /// Reads an assertion whose signature, or that of the response around it, was verified.
    pub(super) fn read(root: Element<'_>) -> Result<Self, ResponseError> {
        check_version(root)?;
        only_attributes(root, &["ID", "Version", "IssueInstant"])?;
        let before = [
            (ns::ASSERTION, "Issuer"),
            (ns::DSIG, "Signature"),
            (ns::ASSERTION, "Subject"),
            (ns::ASSERTION, "Conditions"),
            (ns::ASSERTION, "Advice"),
        ];
        let statements = ["AuthnStatement", "AttributeStatement", "AuthzDecisionStatement", "Statement"]
            .map(|statement| (ns::ASSERTION, statement));
        only_elements(root, &before, &statements)?;
        let part = |name: &'static str| root.child(ns::ASSERTION, name).ok_or(ResponseError::Missing(name));
        let subject = part("Subject")?;
        Ok(Self {
            id: MessageId::parse(required(root, "ID")?).map_err(MessageError::from)?,
            issuer: issuer_of(root).map_err(|_| ResponseError::AssertionIssuer)?,
            issue_instant: time(root, "IssueInstant")?.ok_or(MessageError::AttributeMissing("IssueInstant"))?,
            name_id: name_id(subject)?,
            bearers: bearers(subject)?,
            conditions: conditions(part("Conditions")?)?,
            authn_statement: authn_statement(root)?,
            attributes: attributes(root)?,
        })
    }
}

fn time(element: Element<'_>, name: &str) -> Result<Option<UtcDateTime>, MessageError> {
    Ok(element.attribute(name).map(instant::parse).transpose()?)
}

/// The person's name. One that is encrypted is not read.
fn name_id(subject: Element<'_>) -> Result<Option<NamedPrincipal>, ResponseError> {
    only_attributes(subject, &[])?;
    only_elements(subject, &[(ns::ASSERTION, "NameID")], &[(ns::ASSERTION, "SubjectConfirmation")])?;
    let Some(name) = subject.only_child(ns::ASSERTION, "NameID")? else { return Ok(None) };
    let name = NamedPrincipal::read(name)?;
    if collapse(&name.value).is_empty() { Err(ResponseError::EmptyName) } else { Ok(Some(name)) }
}

/// The confirmations by bearing. Others are for other profiles, and one that names a person means another one than the subject:
/// none of them lets anybody in.
fn bearers(subject: Element<'_>) -> Result<Vec<Bearer>, ResponseError> {
    let mut bearers = Vec::new();
    for confirmation in subject.children().filter(|child| child.is(ns::ASSERTION, "SubjectConfirmation")) {
        only_attributes(confirmation, &["Method"])?;
        let mut children = confirmation.children();
        let (Some(data), None) = (children.next(), children.next()) else { continue };
        if confirmation.attribute("Method") != Some(BEARER) || !data.is(ns::ASSERTION, "SubjectConfirmationData") {
            continue;
        }
        only_attributes(data, &["NotBefore", "NotOnOrAfter", "Recipient", "InResponseTo", "Address"])?;
        bearers.push(Bearer {
            recipient: data.attribute("Recipient").map(str::to_owned),
            in_response_to: data.attribute("InResponseTo").map(str::to_owned),
            not_before: time(data, "NotBefore")?,
            not_on_or_after: time(data, "NotOnOrAfter")?,
        });
    }
    Ok(bearers)
}

/// SAML Core §2.5.1: a condition that is not understood leaves it open whether the assertion is valid.
fn conditions(element: Element<'_>) -> Result<Conditions, ResponseError> {
    only_attributes(element, &["NotBefore", "NotOnOrAfter"])?;
    if !element.has_only_elements() {
        return Err(MessageError::UnexpectedText.into());
    }
    let mut audiences = Vec::new();
    for condition in element.children() {
        let is = |name: &str| condition.is(ns::ASSERTION, name);
        if is("AudienceRestriction") {
            audiences.push(all_audiences(condition)?);
        } else if !is("OneTimeUse") && !is("ProxyRestriction") {
            // OneTimeUse asks for what is done with every assertion: none is taken twice, and none is kept.
            let (line, name) = (condition.line(), cut(condition.local_name()));
            return Err(ResponseError::Condition { line, name });
        }
    }
    let proxy = element.only_child(ns::ASSERTION, "ProxyRestriction")?.map(proxy_restriction).transpose()?;
    Ok(Conditions {
        not_before: time(element, "NotBefore")?,
        not_on_or_after: time(element, "NotOnOrAfter")?,
        audiences,
        proxy_restriction: proxy,
    })
}

fn all_audiences(restriction: Element<'_>) -> Result<Vec<String>, MessageError> {
    only_elements(restriction, &[], &[(ns::ASSERTION, "Audience")])?;
    restriction.children().map(|audience| Ok(collapse(&audience.text()?).to_owned())).collect()
}

fn proxy_restriction(element: Element<'_>) -> Result<ProxyRestriction, MessageError> {
    only_attributes(element, &["Count"])?;
    let digits = |text: &str| if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None };
    let count = element.attribute("Count").map(|text| digits(text).ok_or(MessageError::MalformedAttribute("Count")));
    Ok(ProxyRestriction { count: count.transpose()?, audiences: all_audiences(element)? })
}

/// The one statement of how the person authenticated: of two, which would count?
fn authn_statement(root: Element<'_>) -> Result<AuthnStatement, ResponseError> {
    let missing = |what| move || ResponseError::Missing(what);
    let statement = root.only_child(ns::ASSERTION, "AuthnStatement")?.ok_or_else(missing("AuthnStatement"))?;
    only_attributes(statement, &["AuthnInstant", "SessionIndex", "SessionNotOnOrAfter"])?;
    let context = statement.only_child(ns::ASSERTION, "AuthnContext")?.ok_or_else(missing("AuthnContext"))?;
    let class = context.only_child(ns::ASSERTION, "AuthnContextClassRef")?;
    let class = class.ok_or_else(missing("AuthnContextClassRef"))?.text()?;
    let authorities = context.children().filter(|child| child.is(ns::ASSERTION, "AuthenticatingAuthority"));
    let authorities = authorities.map(|authority| Ok(collapse(&authority.text()?).to_owned()));
    Ok(AuthnStatement {
        authn_instant: time(statement, "AuthnInstant")?.ok_or(MessageError::AttributeMissing("AuthnInstant"))?,
        session_index: statement.attribute("SessionIndex").map(str::to_owned),
        session_not_on_or_after: time(statement, "SessionNotOnOrAfter")?,
        authn_context_class_ref: collapse(&class).to_owned(),
        authenticating_authorities: authorities.collect::<Result<_, ResponseError>>()?,
    })
}

fn attributes(root: Element<'_>) -> Result<Vec<ReceivedAttribute>, ResponseError> {
    let mut attributes = Vec::new();
    for statement in root.children().filter(|child| child.is(ns::ASSERTION, "AttributeStatement")) {
        only_elements(statement, &[], &[(ns::ASSERTION, "Attribute")])?;
        for attribute in statement.children() {
            attributes.push(read_attribute(attribute)?);
        }
    }
    Ok(attributes)
}

/// An attribute may carry attributes of other namespaces, which are passed over.
fn read_attribute(element: Element<'_>) -> Result<ReceivedAttribute, MessageError> {
    only_elements(element, &[], &[(ns::ASSERTION, "AttributeValue")])?;
    let text = |name: &str| element.attribute(name).map(str::to_owned);
    let (mut values, mut passed_over) = (Vec::new(), 0);
    for value in element.children() {
        let is_nil = value.attribute_ns(ns::XSI, "nil").and_then(boolean) == Some(true);
        match value.text() {
            Ok(text) if !is_nil => values.push(Zeroizing::new(text.into_owned())),
            _ => passed_over += 1,
        }
    }
    Ok(ReceivedAttribute {
        name: required(element, "Name")?.to_owned(),
        name_format: text("NameFormat"),
        friendly_name: text("FriendlyName"),
        values,
        passed_over,
    })
}
