//! What we publish about ourselves: one signed `md:EntityDescriptor` with one `md:IDPSSODescriptor`.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use time::UtcDateTime;
use url::Url;

use super::{Contact, Localized, Logo, Organization, UserInterface};
use crate::saml::{
    DeniedAlgorithms, EntityId, MessageId, OutboundError, ReadBackError,
    assertion::NameId,
    binding::{HTTP_POST, HTTP_REDIRECT, SOAP},
    encryption::{BlockEncryption, KeyTransport},
    instant, read_back,
    signature::{DigestAlgorithm, SignatureAlgorithm, SignaturePosition, Signer, sign_enveloped},
    xml::{Builder, Canonical, Element, ns},
};

/// What is to be published.
#[derive(Debug, Clone)]
pub struct IdpDescription {
    /// The identifier of this document, which its signature refers to.
    pub id: MessageId,
    /// Our name.
    pub entity_id: EntityId,
    /// Until when the document may be relied on.
    pub valid_until: UtcDateTime,
    /// How long a service provider may keep it before it looks again, in whole seconds.
    pub cache_duration: Duration,
    /// Where requests come by HTTP-Redirect.
    pub sso_redirect: Url,
    /// Where requests come by HTTP-POST.
    pub sso_post: Url,
    /// Where logout messages come, by HTTP-Redirect and by HTTP-POST.
    pub slo: Url,
    /// Where artifacts are resolved, by SOAP.
    pub artifact: Url,
    /// Certificates (DER) of keys that sign for some services, will sign, or did. The signer's own is always published,
    /// first, whether it is among them or not.
    pub further_certificates: Vec<Vec<u8>>,
    /// The certificate (DER) of the key to which services encrypt for us, where one is offered.
    pub encryption_certificate: Option<Vec<u8>>,
    /// How the methods are written by which services may encrypt for us.
    pub encryption_methods: EncryptionMethodsForm,
    /// The algorithms that are not advertised.
    pub denied: DeniedAlgorithms,
    /// Where a service sends a person whom it cannot help after the sign-in (SAML Metadata §2.4.1, `errorURL`), with the
    /// placeholders of [`ERROR_URL_QUERY`].
    pub error_url: String,
    /// The domains after the `@` of the scoped identifiers that we assert. A service refuses others from us.
    pub scopes: Vec<String>,
    /// What people are shown about us.
    pub user_interface: UserInterface,
    /// Who runs us.
    pub organization: Option<Organization>,
    /// Whom to ask.
    pub contacts: Vec<Contact>,
    /// Whom to tell of an incident. Published as of the type `other`, whatever [`Contact::kind`] says, and by the extension as
    /// what it is.
    pub security_contact: Option<Contact>,
}

/// How our metadata says what may be encrypted to us.
///
/// An `md:EncryptionMethod` may hold elements of other namespaces (XML Encryption 1.0 §3.2), and a schema that does not declare
/// them makes the whole document invalid: pyFF 3.0.0 drops an entity whose method holds an `xenc11:MGF`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EncryptionMethodsForm {
    /// Without `xenc11:MGF`: what can be said so. The rest is opened all the same.
    #[default]
    Common,
    /// Everything that we open.
    Full,
}

/// What a service fills in (SAML V2.0 Metadata Deployment Profile for errorURL §2.3).
pub const ERROR_URL_QUERY: &str = "code=ERRORURL_CODE&ts=ERRORURL_TS&rp=ERRORURL_RP&tid=ERRORURL_TID&ctx=ERRORURL_CTX";

/// The type of a contact that is told of incidents (REFEDS Security Contact Metadata Extension).
pub const SECURITY_CONTACT: &str = "http://refeds.org/metadata/contactType/security";

/// Writes and signs our metadata, and reads it back.
///
/// `WantAuthnRequestsSigned` is true, and `persistent` is the first of the NameID formats, since a toolkit takes over
/// the first.
///
/// # Errors
/// [`OutboundError`].
pub fn idp_metadata(description: &IdpDescription, signer: &dyn Signer) -> Result<Canonical, OutboundError> {
    let canonical = sign_enveloped(&write(description, signer), SignaturePosition::First, signer)?;
    let document = read_back::octet_for_octet(canonical.as_bytes(), "EntityDescriptor")?;
    read_back::verify(document.root(), SignaturePosition::First, signer)?;
    compare(document.root(), &description.entity_id)?;
    Ok(canonical)
}

/// It is about the entity that is meant.
fn compare(root: Element<'_>, entity: &EntityId) -> Result<(), ReadBackError> {
    let is_meant = root.is(ns::METADATA, "EntityDescriptor") && root.attribute("entityID") == Some(entity.as_str());
    if is_meant { Ok(()) } else { Err(ReadBackError::Differs("entityID")) }
}

fn write(description: &IdpDescription, signer: &dyn Signer) -> Builder {
    let further = description.further_certificates.iter().map(Vec::as_slice);
    let certificates = std::iter::once(signer.certificate_der())
        .chain(further.filter(|certificate| *certificate != signer.certificate_der()));
    let formats = [NameId::persistent(""), NameId::transient(""), NameId::email_address("")];
    let service = |name: &'static str, binding: &'static str, url: &Url| {
        md(name).attribute("Binding", binding).attribute("Location", url.as_str())
    };
    let scopes = description.scopes.iter().map(|scope| {
        // Deployment profile SDP-IDP14: no regular expressions.
        Builder::element("shibmd", ns::SHIBMD, "Scope").attribute("regexp", "false").text(scope.as_str())
    });
    let extensions: Vec<_> = scopes.chain(user_interface(&description.user_interface)).collect();
    let role = md("IDPSSODescriptor")
        .attribute("WantAuthnRequestsSigned", "true")
        .attribute("errorURL", description.error_url.as_str())
        .attribute("protocolSupportEnumeration", ns::PROTOCOL)
        .optional_child((!extensions.is_empty()).then(|| md("Extensions").children(extensions)))
        .children(certificates.map(|certificate| key_descriptor("signing", certificate)))
        .optional_child(
            description
                .encryption_certificate
                .as_deref()
                .map(|certificate| key_descriptor("encryption", certificate).children(encryption_methods(description))),
        )
        .child(
            service("ArtifactResolutionService", SOAP, &description.artifact)
                .attribute("index", "0")
                .attribute("isDefault", "true"),
        )
        .child(service("SingleLogoutService", HTTP_REDIRECT, &description.slo))
        .child(service("SingleLogoutService", HTTP_POST, &description.slo))
        .children(formats.iter().map(|format| md("NameIDFormat").text(format.format())))
        .child(service("SingleSignOnService", HTTP_REDIRECT, &description.sso_redirect))
        .child(service("SingleSignOnService", HTTP_POST, &description.sso_post));
    md("EntityDescriptor")
        .attribute("ID", description.id.as_str())
        .attribute("cacheDuration", format!("PT{}S", description.cache_duration.as_secs()))
        .attribute("entityID", description.entity_id.as_str())
        .attribute("validUntil", instant::format(description.valid_until))
        .child(md("Extensions").children(algorithms(description.denied)))
        .child(role)
        .optional_child(description.organization.as_ref().map(organization))
        .children(description.contacts.iter().map(|one| contact(one, &one.kind)))
        .optional_child(
            description
                .security_contact
                .as_ref()
                .map(|one| contact(one, "other").attribute_ns("remd", ns::REMD, "contactType", SECURITY_CONTACT)),
        )
}

/// The algorithms that we verify and sign with, and that are not denied (SAML Metadata Profile for Algorithm Support §2.3, §2.4).
fn algorithms(denied: DeniedAlgorithms) -> impl Iterator<Item = Builder> {
    let alg = |local, uri: &'static str| Builder::element("alg", ns::ALG, local).attribute("Algorithm", uri);
    let digests = DigestAlgorithm::ALL.into_iter().filter(move |digest| denied.digests(*digest));
    let digests = digests.map(move |digest| alg("DigestMethod", digest.uri()));
    let signatures = SignatureAlgorithm::ALL.into_iter().filter(move |signature| denied.accepts(*signature));
    digests.chain(signatures.map(move |signature| alg("SigningMethod", signature.uri())))
}

/// What we open, each named: a service that reads none of them may encrypt by CBC, which we do not open (SAML Metadata §2.4.1.1).
fn encryption_methods(description: &IdpDescription) -> impl Iterator<Item = Builder> {
    let (denied, form) = (description.denied, description.encryption_methods);
    let method = |uri: &'static str| md("EncryptionMethod").attribute("Algorithm", uri);
    let ciphers = BlockEncryption::ALL.into_iter().filter(move |one| one.is_authenticated() && denied.encrypts(*one));
    let transports = KeyTransport::ALL.into_iter().filter(move |one| denied.transports(*one));
    let transports = transports.filter_map(move |transport| match form {
        EncryptionMethodsForm::Common => transport.declare_without_mask(),
        EncryptionMethodsForm::Full => Some(transport.declare()),
    });
    ciphers.map(move |cipher| method(cipher.uri())).chain(transports)
}

fn key_descriptor(use_: &'static str, certificate: &[u8]) -> Builder {
    let ds = |local| Builder::element("ds", ns::DSIG, local);
    let certificate = ds("X509Certificate").text(BASE64.encode(certificate));
    md("KeyDescriptor").attribute("use", use_).child(ds("KeyInfo").child(ds("X509Data").child(certificate)))
}

/// `mdui:UIInfo`, which must not be empty.
fn user_interface(shown: &UserInterface) -> Option<Builder> {
    if *shown == UserInterface::default() {
        return None;
    }
    let texts = |local: &'static str, texts: &[Localized]| localized(&Builder::element("mdui", ns::MDUI, local), texts);
    let info = Builder::element("mdui", ns::MDUI, "UIInfo")
        .children(texts("DisplayName", &shown.display_names))
        .children(texts("Description", &shown.descriptions))
        .children(texts("InformationURL", &shown.information_urls))
        .children(texts("PrivacyStatementURL", &shown.privacy_statement_urls))
        .children(shown.logos.iter().map(logo));
    Some(info)
}

fn logo(logo: &Logo) -> Builder {
    let element = Builder::element("mdui", ns::MDUI, "Logo")
        .attribute("height", logo.height.to_string())
        .attribute("width", logo.width.to_string())
        .text(logo.url.as_str());
    match &logo.lang {
        Some(lang) => element.attribute_ns("xml", ns::XML, "lang", lang.as_str()),
        None => element,
    }
}

fn organization(organization: &Organization) -> Builder {
    md("Organization")
        .children(localized(&md("OrganizationName"), &organization.names))
        .children(localized(&md("OrganizationDisplayName"), &organization.display_names))
        .children(localized(&md("OrganizationURL"), &organization.urls))
}

fn contact(contact: &Contact, kind: &str) -> Builder {
    let text = |local: &'static str, text: &Option<String>| text.as_deref().map(|text| md(local).text(text));
    md("ContactPerson")
        .attribute("contactType", kind)
        .optional_child(text("Company", &contact.company))
        .optional_child(text("GivenName", &contact.given_name))
        .optional_child(text("SurName", &contact.surname))
        .children(contact.email_addresses.iter().map(|address| md("EmailAddress").text(format!("mailto:{address}"))))
        .children(contact.telephone_numbers.iter().map(|number| md("TelephoneNumber").text(&**number)))
}

fn localized(element: &Builder, texts: &[Localized]) -> Vec<Builder> {
    let one = |text: &Localized| {
        element.clone().attribute_ns("xml", ns::XML, "lang", text.lang.as_str()).text(text.text.as_str())
    };
    texts.iter().map(one).collect()
}

fn md(local: &'static str) -> Builder {
    Builder::element("md", ns::METADATA, local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_about_another_entity_does_not_leave() {
        let meant = EntityId::parse("https://idp.example/saml").unwrap();
        let written = |name, entity| md(name).attribute("entityID", entity).canonical().unwrap();
        for (name, entity, is_meant) in [
            ("EntityDescriptor", "https://idp.example/saml", true),
            ("EntityDescriptor", "https://idp.example/saml2", false),
            ("EntitiesDescriptor", "https://idp.example/saml", false),
        ] {
            let written = written(name, entity);
            let document = read_back::document(written.as_bytes()).unwrap();
            assert_eq!(compare(document.root(), &meant).is_ok(), is_meant, "{name} {entity}");
        }
    }
}
