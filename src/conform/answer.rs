//! What an answer says, read twice: by Signet's strict reader, and by plain means ([`super::plain`]). Both must agree.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use openssl::pkey::{PKey, Private};
use time::UtcDateTime;

use super::plain::{self, Encrypted, Signed};
use crate::saml::{
    instant,
    signature::{SignatureError, SignaturePosition, VerificationKey, verify_enveloped},
    xml::{Document, Element, Limits, XmlError, ns},
};

/// The identity provider's signing certificates (DER), as its metadata publishes them.
pub(super) type Certificates = [Vec<u8>];

/// A `samlp:Response`.
#[derive(Debug, Clone)]
pub(super) struct Response {
    pub(super) xml: String,
    pub(super) id: String,
    pub(super) version: String,
    pub(super) issuer: String,
    pub(super) issue_instant: Option<UtcDateTime>,
    pub(super) destination: String,
    pub(super) in_response_to: Option<String>,
    pub(super) consent: Option<String>,
    pub(super) status: String,
    pub(super) nested: Option<String>,
    pub(super) signed: Option<Signed>,
    pub(super) encrypted: Option<Encrypted>,
    /// How many assertions there are, encrypted or not.
    pub(super) assertions: usize,
    pub(super) assertion: Option<Assertion>,
}

/// A `saml:Assertion`.
#[derive(Debug, Clone)]
pub(super) struct Assertion {
    pub(super) xml: String,
    pub(super) id: String,
    pub(super) version: String,
    pub(super) issuer: String,
    pub(super) issue_instant: Option<UtcDateTime>,
    pub(super) signed: Option<Signed>,
    pub(super) name_id: Option<NameId>,
    /// Names, or parts of them, that are encrypted once more inside.
    pub(super) encrypted_inside: usize,
    pub(super) confirmations: Vec<Confirmation>,
    pub(super) not_before: Option<UtcDateTime>,
    pub(super) not_on_or_after: Option<UtcDateTime>,
    pub(super) audiences: Vec<String>,
    pub(super) authentications: Vec<Authentication>,
    pub(super) attributes: Vec<Attribute>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NameId {
    pub(super) format: Option<String>,
    pub(super) name_qualifier: Option<String>,
    pub(super) sp_name_qualifier: Option<String>,
    pub(super) value: String,
}

#[derive(Debug, Clone)]
pub(super) struct Confirmation {
    pub(super) method: String,
    pub(super) recipient: Option<String>,
    pub(super) in_response_to: Option<String>,
    pub(super) has_not_before: bool,
    pub(super) not_on_or_after: Option<UtcDateTime>,
}

#[derive(Debug, Clone)]
pub(super) struct Authentication {
    pub(super) instant: Option<UtcDateTime>,
    pub(super) session_index: Option<String>,
    pub(super) class: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Attribute {
    pub(super) name: String,
    pub(super) name_format: Option<String>,
    pub(super) values: Vec<String>,
    /// Whether each value is plain text.
    pub(super) is_plain: bool,
}

impl Response {
    pub(super) fn is_success(&self) -> bool {
        self.status == "urn:oasis:names:tc:SAML:2.0:status:Success"
    }

    /// Reads a response. `alter` is put between the opened assertion and its reading.
    ///
    /// # Errors
    /// What is wrong with it, so that nothing of it may be believed.
    pub(super) fn read(
        xml: String,
        certificates: &Certificates,
        keys: &[PKey<Private>],
        alter: &dyn Fn(String) -> String,
    ) -> Result<Self, String> {
        let document = parse(&xml)?;
        let root = document.root();
        if !root.is(ns::PROTOCOL, "Response") {
            return Err("the answer is no samlp:Response".to_owned());
        }
        let signed = verified(root, &xml, certificates, "the Response")?;
        let status = required(root, ns::PROTOCOL, "Status")?;
        let code = required(status, ns::PROTOCOL, "StatusCode")?;
        let nested = only(code, ns::PROTOCOL, "StatusCode")?;
        let (mut assertion, mut encrypted) = (None, None);
        let clear = root.children().filter(|child| child.is(ns::ASSERTION, "Assertion")).count();
        let closed = root.children().filter(|child| child.is(ns::ASSERTION, "EncryptedAssertion")).count();
        if closed == 1 {
            let data = plain::cut(&xml, "<xenc:EncryptedData ", "</xenc:EncryptedData>").ok_or("no EncryptedData")?.1;
            let (how, opened) = plain::open(&data, keys)?;
            encrypted = Some(how);
            assertion = Some(Assertion::read(alter(opened), certificates)?);
        } else if clear == 1 {
            let inside = plain::cut(&xml, "<saml:Assertion ", "</saml:Assertion>").ok_or("no Assertion")?.1;
            assertion = Some(Assertion::read(alter(inside), certificates)?);
        }
        Ok(Self {
            id: attribute(root, "ID").unwrap_or_default(),
            version: attribute(root, "Version").unwrap_or_default(),
            issuer: text(required(root, ns::ASSERTION, "Issuer")?)?,
            issue_instant: time(root, "IssueInstant"),
            destination: attribute(root, "Destination").unwrap_or_default(),
            in_response_to: attribute(root, "InResponseTo"),
            consent: attribute(root, "Consent"),
            status: attribute(code, "Value").unwrap_or_default(),
            nested: nested.and_then(|code| attribute(code, "Value")),
            signed,
            encrypted,
            assertions: clear + closed,
            assertion,
            xml,
        })
    }

    /// Reads the value of a form's field.
    ///
    /// # Errors
    /// It is no base64 of a text.
    pub(super) fn decode(field: &str) -> Result<String, String> {
        let octets = BASE64.decode(field).map_err(|_| "SAMLResponse is not base64".to_owned())?;
        String::from_utf8(octets).map_err(|_| "SAMLResponse is not UTF-8".to_owned())
    }
}

impl Assertion {
    fn read(xml: String, certificates: &Certificates) -> Result<Self, String> {
        let document = parse(&xml)?;
        let root = document.root();
        if !root.is(ns::ASSERTION, "Assertion") {
            return Err("what stands in place of the assertion is none".to_owned());
        }
        let signed = verified(root, &xml, certificates, "the Assertion")?;
        let subject = required(root, ns::ASSERTION, "Subject")?;
        let name_id = only(subject, ns::ASSERTION, "NameID")?.map(read_name_id).transpose()?;
        let confirmations = children(subject, "SubjectConfirmation").map(confirmation).collect();
        let conditions = required(root, ns::ASSERTION, "Conditions")?;
        let mut audiences = Vec::new();
        for audience in children(conditions, "AudienceRestriction").flat_map(Element::children) {
            audiences.push(text(audience)?);
        }
        let authentications =
            children(root, "AuthnStatement").map(authentication).collect::<Result<Vec<_>, String>>()?;
        let attributes = children(root, "AttributeStatement")
            .flat_map(|statement| children(statement, "Attribute"))
            .map(read_attribute)
            .collect::<Result<Vec<_>, String>>()?;
        Ok(Self {
            id: attribute(root, "ID").unwrap_or_default(),
            version: attribute(root, "Version").unwrap_or_default(),
            issuer: text(required(root, ns::ASSERTION, "Issuer")?)?,
            issue_instant: time(root, "IssueInstant"),
            signed,
            name_id,
            encrypted_inside: xml.matches("<xenc:EncryptedData").count(),
            confirmations,
            not_before: time(conditions, "NotBefore"),
            not_on_or_after: time(conditions, "NotOnOrAfter"),
            audiences,
            authentications,
            attributes,
            xml,
        })
    }

    /// The values of an attribute; nothing if it was not sent.
    pub(super) fn values(&self, name: &str) -> Option<&[String]> {
        self.attributes.iter().find(|attribute| attribute.name == name).map(|attribute| &*attribute.values)
    }

    pub(super) fn class(&self) -> Option<&str> {
        self.authentications.first()?.class.as_deref()
    }
}

/// The signature, verified twice.
fn verified(root: Element<'_>, xml: &str, certificates: &Certificates, what: &str) -> Result<Option<Signed>, String> {
    let keys: Vec<VerificationKey> =
        certificates.iter().filter_map(|der| VerificationKey::from_certificate_der(der).ok()).collect();
    let strictly = match verify_enveloped(root, SignaturePosition::AfterIssuer, &keys) {
        Ok(_) => true,
        Err(SignatureError::Absent) => false,
        Err(error) => return Err(format!("the signature of {what} is refused: {error}")),
    };
    let plainly = plain::verify(xml, certificates).map_err(|why| format!("the signature of {what}: {why}"))?;
    if plainly.is_some() != strictly {
        return Err(format!("the two readings of {what} disagree about its signature"));
    }
    Ok(plainly)
}

fn read_name_id(element: Element<'_>) -> Result<NameId, String> {
    Ok(NameId {
        format: attribute(element, "Format"),
        name_qualifier: attribute(element, "NameQualifier"),
        sp_name_qualifier: attribute(element, "SPNameQualifier"),
        value: text(element)?,
    })
}

fn confirmation(element: Element<'_>) -> Confirmation {
    let data = element.child(ns::ASSERTION, "SubjectConfirmationData");
    let of = |name: &str| data.and_then(|data| attribute(data, name));
    Confirmation {
        method: attribute(element, "Method").unwrap_or_default(),
        recipient: of("Recipient"),
        in_response_to: of("InResponseTo"),
        has_not_before: of("NotBefore").is_some(),
        not_on_or_after: data.and_then(|data| time(data, "NotOnOrAfter")),
    }
}

fn authentication(element: Element<'_>) -> Result<Authentication, String> {
    let context = required(element, ns::ASSERTION, "AuthnContext")?;
    Ok(Authentication {
        instant: time(element, "AuthnInstant"),
        session_index: attribute(element, "SessionIndex"),
        class: only(context, ns::ASSERTION, "AuthnContextClassRef")?.map(text).transpose()?,
    })
}

fn read_attribute(element: Element<'_>) -> Result<Attribute, String> {
    let values: Vec<Element<'_>> = children(element, "AttributeValue").collect();
    let is_plain = values.iter().all(|value| value.children().next().is_none() && value.attributes().next().is_none());
    Ok(Attribute {
        name: attribute(element, "Name").ok_or("an Attribute has no Name")?,
        name_format: attribute(element, "NameFormat"),
        values: values
            .into_iter()
            .map(|value| value.text().map(String::from).map_err(said))
            .collect::<Result<_, _>>()?,
        is_plain,
    })
}

pub(super) fn parse(xml: &str) -> Result<Document, String> {
    Document::parse(xml.as_bytes(), &Limits::METADATA).map_err(said)
}

#[expect(clippy::needless_pass_by_value, reason = "it stands where a function of the error is wanted")]
fn said(error: XmlError) -> String {
    error.to_string()
}

fn children<'d>(element: Element<'d>, name: &'static str) -> impl Iterator<Item = Element<'d>> {
    element.children().filter(move |child| child.is(ns::ASSERTION, name))
}

fn only<'d>(element: Element<'d>, namespace: &str, name: &str) -> Result<Option<Element<'d>>, String> {
    element.only_child(namespace, name).map_err(said)
}

fn required<'d>(element: Element<'d>, namespace: &str, name: &str) -> Result<Element<'d>, String> {
    only(element, namespace, name)?.ok_or_else(|| format!("{name} is missing"))
}

fn text(element: Element<'_>) -> Result<String, String> {
    element.text().map(String::from).map_err(said)
}

fn attribute(element: Element<'_>, name: &str) -> Option<String> {
    element.attribute(name).map(str::to_owned)
}

fn time(element: Element<'_>, name: &str) -> Option<UtcDateTime> {
    element.attribute(name).and_then(|text| instant::parse(text).ok())
}
