//! The signed documents that are changed, and how we read each.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use openssl::hash::{MessageDigest, hash};
use signet::saml::{
    DecodedResponse, DeniedAlgorithms, IdpMetadata, MessageId, Received, RequestSignature, SpMetadata,
    artifact::DecodedArtifactResolve,
    c14n::canonicalize,
    logout::LogoutMessage,
    metadata::Location,
    response::incoming::{Answer, DemandedSignatures, Expectation, ReceivedAttribute, ResponseDemands},
    signature::{DigestAlgorithm, SignatureAlgorithm, SignaturePosition, Signer, VerificationKey, verify_enveloped},
    xml::{Document, Element, Limits, ns},
};
use time::{Duration, macros::utc_datetime};
use url::Url;

use crate::saml::keys::KeyPair;

/// Which document, and which signature in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shape {
    ArtifactResolve,
    ArtifactResolveInSoap,
    AssertionInResponse,
    AuthnRequest,
    LogoutRequest,
    Response,
}

const XMLNS: &str =
    "xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"";
const ISSUER: &str = "<saml:Issuer>https://sp.example/</saml:Issuer>";
const HERE: &str = "https://idp.example/saml";

impl Shape {
    pub const ALL: [Self; 6] = [
        Self::ArtifactResolve,
        Self::ArtifactResolveInSoap,
        Self::AssertionInResponse,
        Self::AuthnRequest,
        Self::LogoutRequest,
        Self::Response,
    ];

    /// Where xmlsec1 finds the signature.
    pub fn signature_xpath(self) -> String {
        let signature = format!("*[local-name()='Signature' and namespace-uri()='{}']", ns::DSIG);
        let around = match self {
            Self::ArtifactResolveInSoap => format!("/*[local-name()='Body' and namespace-uri()='{}']/*", ns::SOAP),
            Self::AssertionInResponse => {
                format!("/*[local-name()='Assertion' and namespace-uri()='{}']", ns::ASSERTION)
            }
            _ => String::new(),
        };
        format!("(/*{around}/{signature})[1]")
    }

    /// The element whose signature we verify, found as the server finds it.
    pub fn signed_element(self, document: &Document) -> Option<Element<'_>> {
        let root = document.root();
        let (found, namespace, name) = match self {
            Self::ArtifactResolve => (Some(root), ns::PROTOCOL, "ArtifactResolve"),
            Self::ArtifactResolveInSoap => {
                (root.child(ns::SOAP, "Body")?.children().next(), ns::PROTOCOL, "ArtifactResolve")
            }
            Self::AssertionInResponse => (root.child(ns::ASSERTION, "Assertion"), ns::ASSERTION, "Assertion"),
            Self::AuthnRequest => (Some(root), ns::PROTOCOL, "AuthnRequest"),
            Self::LogoutRequest => (Some(root), ns::PROTOCOL, "LogoutRequest"),
            Self::Response => (Some(root), ns::PROTOCOL, "Response"),
        };
        found.filter(|element| element.is(namespace, name))
    }

    /// The document with `@DIGEST@` and `@VALUE@` where the signature's values go. What stands in it is awkward on purpose:
    /// prefixes that are used in values only, a default namespace that is undone, attributes in namespaces, references.
    pub fn template(self, algorithm: SignatureAlgorithm, prefixes: &str) -> String {
        let signature = signature(algorithm, "_1", prefixes);
        let head = "ID=\"_1\" Version=\"2.0\" IssueInstant=\"2026-11-28T12:00:00Z\"";
        let extensions = "<samlp:Extensions xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns=\"urn:default\" \
                          xmlns:x=\"urn:x\">\n  <a b=\"1 2&#10;3\" x:b='\"' xml:lang=\"en\" type=\"xs:string\">t &lt; \
                          u &amp;&#13; v ü</a><c xmlns=\"\"/><x:d xmlns:x=\"urn:y\" x:e=\"\"/>\n</samlp:Extensions>";
        let artifact =
            format!("<samlp:Artifact>{}</samlp:Artifact>", BASE64.encode([&[0, 4, 0, 0][..], &[7; 40]].concat()));
        match self {
            Self::ArtifactResolve => format!(
                "<samlp:ArtifactResolve {XMLNS} {head} Destination=\"{HERE}\">{ISSUER}{signature}{extensions}{artifact}</samlp:ArtifactResolve>"
            ),
            Self::ArtifactResolveInSoap => format!(
                "<soap:Envelope xmlns:soap=\"{}\" xmlns:xs=\"urn:other\" xmlns=\"urn:around\"><soap:Header/><soap:Body>{}</soap:Body></soap:Envelope>",
                ns::SOAP,
                Self::ArtifactResolve.template(algorithm, prefixes)
            ),
            Self::AuthnRequest => format!(
                "<samlp:AuthnRequest {XMLNS} {head} Destination=\"{HERE}\" ForceAuthn=\"true\" AssertionConsumerServiceIndex=\"0\" \
                 ProviderName=\"A  &quot;B&quot; &amp; Sons\">{ISSUER}{signature}{extensions}<samlp:NameIDPolicy AllowCreate=\"1\" \
                 Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\"/><samlp:RequestedAuthnContext Comparison=\"minimum\">\
                 <saml:AuthnContextClassRef>urn:context</saml:AuthnContextClassRef></samlp:RequestedAuthnContext></samlp:AuthnRequest>"
            ),
            Self::LogoutRequest => format!(
                "<samlp:LogoutRequest {XMLNS} {head} Destination=\"{HERE}\" NotOnOrAfter=\"2026-11-28T12:05:00Z\">{ISSUER}{signature}\
                 {extensions}<saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\" NameQualifier=\"{HERE}\">\
                 person@sp.example</saml:NameID>\n<samlp:SessionIndex>_session</samlp:SessionIndex></samlp:LogoutRequest>"
            ),
            Self::AssertionInResponse => {
                // The Response around it is not signed: that is the other shape.
                Self::response("", &assertion(&signature, "_1"))
            }
            Self::Response => Self::response(&signature, &assertion("", "_2")).replace("ID=\"_r\"", "ID=\"_1\""),
        }
    }

    fn response(signature: &str, assertion: &str) -> String {
        format!(
            "<samlp:Response {XMLNS} ID=\"_r\" Version=\"2.0\" InResponseTo=\"_q\" Destination=\"https://sp.example/acs\" \
             IssueInstant=\"2026-11-28T12:00:00Z\">{ISSUER}{signature}<samlp:Status>\n<samlp:StatusCode \
             Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:Status>{assertion}</samlp:Response>"
        )
    }

    /// What the server's own line of types makes of the octets: everything that it would act upon, as text. Nothing where it
    /// refuses them, or has no line for the shape.
    pub fn taken_by_the_server(self, octets: &str, record: &Record) -> Option<String> {
        let here: Vec<Url> = vec![HERE.parse().unwrap()];
        let message = BASE64.encode(octets);
        match self {
            Self::AuthnRequest => {
                let received = Received::Post { saml_request: message, relay_state: None };
                let request = received
                    .decode()
                    .ok()?
                    .verify(&record.service, RequestSignature::Demanded, &here, signet::saml::DeniedAlgorithms::NONE)
                    .ok()?;
                let subject = request.subject().map(|subject| format!("{subject:?}"));
                Some(format!(
                    "{:?}",
                    (
                        (
                            request.id(),
                            request.issuer(),
                            request.issue_instant(),
                            request.force_authn(),
                            request.is_passive()
                        ),
                        (
                            request.name_id_policy(),
                            request.requested_authn_context(),
                            request.acs(),
                            request.protocol_binding()
                        ),
                        (
                            request.attribute_consuming_service_index(),
                            subject,
                            request.validity_period(),
                            request.scoping()
                        ),
                        request.signature(),
                    )
                ))
            }
            Self::LogoutRequest => {
                let form =
                    url::form_urlencoded::Serializer::new(String::new()).append_pair("SAMLRequest", &message).finish();
                let LogoutMessage::Request(request) = LogoutMessage::from_form(form.as_bytes()).ok()? else {
                    return None;
                };
                let request =
                    request.verify(record.service.peer(), &here, signet::saml::DeniedAlgorithms::NONE).ok()?;
                let named = request.principal(&[]).ok()?;
                Some(format!(
                    "{:?}",
                    (
                        (request.id(), request.issuer(), request.issue_instant(), request.not_on_or_after()),
                        (&*named.value, &named.format, &named.name_qualifier),
                        (request.session_indexes(), request.wants_no_answer(), request.signature()),
                    )
                ))
            }
            Self::ArtifactResolveInSoap => {
                let decoded = DecodedArtifactResolve::from_soap(octets.as_bytes().to_vec()).ok()?;
                let request =
                    decoded.verify(record.service.peer(), &here, signet::saml::DeniedAlgorithms::NONE).ok()?;
                Some(format!(
                    "{:?}",
                    (
                        request.id(),
                        request.issuer(),
                        request.issue_instant(),
                        request.artifact().to_text(),
                        request.signature()
                    )
                ))
            }
            Self::AssertionInResponse | Self::Response => {
                let decoded = DecodedResponse::from_fields(&message, None).ok()?;
                let least = ResponseDemands { signatures: DemandedSignatures::Either, encryption: false };
                let acs = Location::parse("https://sp.example/acs").unwrap();
                let nothing = DeniedAlgorithms::NONE;
                let verified = decoded.verify(&record.identity_provider, &acs, least, &[], nothing).ok()?;
                let matched = verified.matched(&Expectation {
                    audience: record.identity_provider.entity_id(),
                    asked: record.identity_provider.entity_id(),
                    request: &MessageId::parse("_q").unwrap(),
                    contexts: &[],
                    authenticated_since: None,
                    now: utc_datetime!(2026-11-28 12:00),
                    clock_skew: Duration::minutes(1),
                    fresh_for: Duration::minutes(5),
                });
                let matched = matched.ok()?;
                let signatures = matched.signatures().clone();
                let Answer::Success(assertion) = matched.into_answer() else { return None };
                let name = assertion.name_id().map(|name| name.value.to_string());
                let values = |attribute: &ReceivedAttribute| (attribute.name.clone(), attribute.values.clone());
                let attributes: Vec<_> = assertion.attributes().iter().map(values).collect();
                Some(format!("{:?}", (assertion.id(), name, assertion.authn_statement(), attributes, signatures)))
            }
            Self::ArtifactResolve => None,
        }
    }

    /// What our verifier accepts, as octets: the canonical form of the element that is read afterwards without its signature,
    /// that of its `SignedInfo`, and the element's values.
    pub fn accepted(self, octets: &str, key: &VerificationKey) -> Option<Accepted> {
        let document = Document::parse(octets.as_bytes(), &Limits::PROTOCOL).ok()?;
        let element = self.signed_element(&document)?;
        let verified = verify_enveloped(element, SignaturePosition::AfterIssuer, std::slice::from_ref(key)).ok()?;
        assert!(verified.element().same_node(element));
        let signature = element.child(ns::DSIG, "Signature").unwrap();
        let (signed_info, prefixes) = parts(signature)?;
        Some(Accepted {
            digested: canonicalize(element, Some(signature), &prefixes[1]),
            signed: canonicalize(signed_info, None, &prefixes[0]),
            values: values(element, Some(signature)),
        })
    }
}

pub struct Accepted {
    pub digested: String,
    pub signed: String,
    pub values: String,
}

fn assertion(signature: &str, id: &str) -> String {
    format!(
        "<saml:Assertion ID=\"{id}\" Version=\"2.0\" IssueInstant=\"2026-11-28T12:00:00Z\">{ISSUER}{signature}<saml:Subject>\
         <saml:NameID>pairwise&#x2d;1</saml:NameID><saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">\
         <saml:SubjectConfirmationData Recipient=\"https://sp.example/acs\" InResponseTo=\"_q\" \
         NotOnOrAfter=\"2026-11-28T12:05:00Z\"/></saml:SubjectConfirmation></saml:Subject>\n<saml:Conditions \
         NotOnOrAfter=\"2026-11-28T12:05:00Z\"><saml:AudienceRestriction><saml:Audience>https://sp.example/</saml:Audience>\
         </saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant=\"2026-11-28T12:00:00Z\"><saml:AuthnContext>\
         <saml:AuthnContextClassRef>urn:context</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>\
         <saml:AttributeStatement xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><saml:Attribute Name=\"urn:oid:0.9.2342.19200300.100.1.3\" \
         FriendlyName=\"mail\"><saml:AttributeValue xsi:type=\"xs:string\">sam@agency.example</saml:AttributeValue></saml:Attribute>\
         </saml:AttributeStatement></saml:Assertion>"
    )
}

pub fn signature(algorithm: SignatureAlgorithm, id: &str, prefixes: &str) -> String {
    let exclusive = ns::EXC_C14N;
    let list = if prefixes.is_empty() {
        String::new()
    } else {
        format!("<ec:InclusiveNamespaces xmlns:ec=\"{exclusive}\" PrefixList=\"{prefixes}\"/>")
    };
    format!(
        "<ds:Signature xmlns:ds=\"{}\"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"{exclusive}\">{list}</ds:CanonicalizationMethod>\
         <ds:SignatureMethod Algorithm=\"{}\"/><ds:Reference URI=\"#{id}\"><ds:Transforms>\
         <ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/><ds:Transform Algorithm=\"{exclusive}\">{list}\
         </ds:Transform></ds:Transforms><ds:DigestMethod Algorithm=\"{}\"/><ds:DigestValue>@DIGEST@</ds:DigestValue></ds:Reference>\
         </ds:SignedInfo><ds:SignatureValue>@VALUE@</ds:SignatureValue><ds:KeyInfo><ds:KeyName>signing</ds:KeyName></ds:KeyInfo>\
         </ds:Signature>",
        ns::DSIG,
        algorithm.uri(),
        algorithm.digest().uri(),
    )
}

/// Fills in digest and signature of the first signature of the document, as its owner would. Nothing where there is none.
pub fn sign(template: &str, signer: &dyn Signer) -> Option<String> {
    fn find(element: Element<'_>) -> Option<Element<'_>> {
        if element.is(ns::DSIG, "Signature") { Some(element) } else { element.children().find_map(find) }
    }
    let limits = Limits::PROTOCOL;
    let document = Document::parse(template.as_bytes(), &limits).ok()?;
    let signature = find(document.root())?;
    let (_, prefixes) = parts(signature)?;
    let octets = canonicalize(signature.parent()?, Some(signature), &prefixes[1]);
    let digest = match signer.algorithm().digest() {
        DigestAlgorithm::Sha256 => MessageDigest::sha256(),
        DigestAlgorithm::Sha384 => MessageDigest::sha384(),
        DigestAlgorithm::Sha512 => MessageDigest::sha512(),
    };
    let digest = hash(digest, octets.as_bytes()).unwrap();
    let with_digest = template.replace("@DIGEST@", &BASE64.encode(digest));

    let document = Document::parse(with_digest.as_bytes(), &limits).ok()?;
    let (signed_info, prefixes) = parts(find(document.root())?)?;
    let value = signer.sign(canonicalize(signed_info, None, &prefixes[0]).as_bytes()).unwrap();
    Some(with_digest.replace("@VALUE@", &BASE64.encode(value)))
}

/// `SignedInfo`, and the prefixes that its canonicalization and that of the reference list.
fn parts(signature: Element<'_>) -> Option<(Element<'_>, [Vec<&str>; 2])> {
    fn listed(method: Element<'_>) -> Vec<&str> {
        let list = method.child(ns::EXC_C14N, "InclusiveNamespaces").and_then(|list| list.attribute("PrefixList"));
        list.unwrap_or("").split_ascii_whitespace().collect()
    }
    let signed_info = signature.child(ns::DSIG, "SignedInfo")?;
    let transforms = signed_info.child(ns::DSIG, "Reference")?.child(ns::DSIG, "Transforms")?;
    let prefixes =
        [signed_info.child(ns::DSIG, "CanonicalizationMethod").map(listed)?, transforms.children().last().map(listed)?];
    Some((signed_info, prefixes))
}

/// What an element says, whatever the writing: expanded names, attributes in order of their names, text.
pub fn values(element: Element<'_>, without: Option<Element<'_>>) -> String {
    let mut attributes: Vec<_> =
        element.attributes().map(|one| (one.namespace(), one.local_name(), one.value())).collect();
    attributes.sort_unstable();
    let children: Vec<String> = element
        .children()
        .filter(|child| without.is_none_or(|without| !without.same_node(*child)))
        .map(|child| values(child, without))
        .collect();
    let text = element.text().map(std::borrow::Cow::into_owned).unwrap_or_default();
    format!("{:?}", ((element.namespace(), element.local_name()), attributes, text, children))
}

/// The records of the party whose messages these are, in either role.
pub struct Record {
    service: SpMetadata,
    identity_provider: IdpMetadata,
}

pub fn record(pair: &KeyPair) -> Record {
    let certificate = BASE64.encode(&pair.certificate_der);
    let of = |role: &str, service: &str| {
        format!(
            "<md:EntityDescriptor xmlns:md=\"{}\" xmlns:ds=\"{}\" entityID=\"https://sp.example/\"><md:{role} \
             protocolSupportEnumeration=\"{}\"><md:KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}\
             </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:{service} \
             Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"https://sp.example/acs\" index=\"0\"/>\
             </md:{role}></md:EntityDescriptor>",
            ns::METADATA,
            ns::DSIG,
            ns::PROTOCOL,
        )
    };
    Record {
        service: SpMetadata::parse(of("SPSSODescriptor", "AssertionConsumerService").as_bytes()).unwrap(),
        identity_provider: IdpMetadata::parse(of("IDPSSODescriptor", "SingleSignOnService").as_bytes()).unwrap(),
    }
}
