//! What we publish about ourselves, judged by the OASIS schemas and by xmlsec1.

use std::time::Duration;

use signet::saml::{
    DeniedAlgorithms, EntityId, MessageId, OutboundError, ReadBackError,
    metadata::{
        Contact, ERROR_URL_QUERY, EncryptionMethodsForm, IdpDescription, Localized, Logo, Organization, UserInterface,
        idp_metadata,
    },
    signature::SignatureError,
    xml::Canonical,
};
use time::macros::utc_datetime;

use super::judge::{assert_schema_valid, assert_xmlsec1_verifies};
use super::keys::{KeyPair, OTHER_RSA, P256, RSA, miscertified};

fn texts(text: &str) -> Vec<Localized> {
    ["en", "es"].map(|lang| Localized { lang: lang.into(), text: text.into() }).to_vec()
}

fn description() -> IdpDescription {
    IdpDescription {
        id: MessageId::from_entropy([1; 20]),
        entity_id: EntityId::parse("https://idp.example/saml").unwrap(),
        valid_until: utc_datetime!(2026-12-08 12:00),
        cache_duration: Duration::from_secs(6 * 3600),
        sso_redirect: "https://idp.example/saml/sso".parse().unwrap(),
        sso_post: "https://idp.example/saml/sso?a=1&b=2".parse().unwrap(),
        slo: "https://idp.example/saml/logout".parse().unwrap(),
        artifact: "https://idp.example/saml/artifact".parse().unwrap(),
        further_certificates: Vec::new(),
        encryption_certificate: None,
        encryption_methods: EncryptionMethodsForm::Common,
        denied: signet::saml::DeniedAlgorithms::NONE,
        error_url: format!("https://idp.example/saml/error?{ERROR_URL_QUERY}"),
        scopes: vec!["idp.example".into()],
        user_interface: UserInterface::default(),
        organization: None,
        contacts: Vec::new(),
        security_contact: None,
    }
}

fn whole() -> IdpDescription {
    IdpDescription {
        further_certificates: vec![
            RSA.certificate_der.clone(),
            OTHER_RSA.certificate_der.clone(),
            P256.certificate_der.clone(),
        ],
        encryption_certificate: Some(OTHER_RSA.certificate_der.clone()),
        user_interface: UserInterface {
            display_names: texts("Signet <&> \"co\""),
            descriptions: texts("Signs people in"),
            information_urls: texts("https://idp.example/help"),
            privacy_statement_urls: texts("https://idp.example/privacy"),
            logos: vec![
                Logo { url: "https://idp.example/logo.png".parse().unwrap(), width: 80, height: 60, lang: None },
                Logo {
                    url: "https://idp.example/es.png".parse().unwrap(),
                    width: 80,
                    height: 60,
                    lang: Some("es".into()),
                },
            ],
        },
        organization: Some(Organization {
            names: texts("agency"),
            display_names: texts("The Agency"),
            urls: texts("https://agency.example/"),
        }),
        contacts: vec![Contact {
            kind: "technical".into(),
            company: Some("The Agency".into()),
            given_name: Some("Ada".into()),
            surname: Some("Example".into()),
            email_addresses: vec!["help@agency.example".into()],
            telephone_numbers: vec!["+1 202 555 0100".into()],
        }],
        security_contact: Some(Contact {
            kind: "other".into(),
            company: None,
            given_name: Some("The Agency".into()),
            surname: None,
            email_addresses: vec!["security@agency.example".into()],
            telephone_numbers: Vec::new(),
        }),
        ..description()
    }
}

fn published(description: &IdpDescription, pair: &KeyPair) -> Canonical {
    idp_metadata(description, &pair.signer()).unwrap()
}

#[test]
fn our_metadata_is_schema_valid_and_xmlsec1_verifies_it() {
    let desk = tempfile::tempdir().unwrap();
    for (description, pair) in [(description(), &*RSA), (whole(), &*RSA), (whole(), &*P256)] {
        let document = desk.path().join("metadata.xml");
        std::fs::write(&document, published(&description, pair).as_bytes()).unwrap();
        assert_schema_valid(&document);
        let key = desk.path().join("certificate.pem");
        std::fs::write(&key, &pair.certificate_pem).unwrap();
        assert_xmlsec1_verifies(&key, &document);
    }
}

/// pyFF 3.0.0 (PyPI) drops an entity whose `EncryptionMethod` holds an element that its schemas do not declare, as `xenc11:MGF`.
#[test]
fn methods_of_encryption_hold_nothing_that_older_schemas_do_not_declare_unless_the_settings_say_so() {
    use signet::saml::{
        encryption::KeyTransport,
        xml::{Document, Element, Limits, ns},
    };
    fn methods<'d>(element: Element<'d>, found: &mut Vec<Element<'d>>) {
        for child in element.children() {
            if child.is(ns::METADATA, "EncryptionMethod") {
                found.push(child);
            }
            methods(child, found);
        }
    }
    let common = published(&whole(), &RSA).into_string();
    let full = IdpDescription { encryption_methods: EncryptionMethodsForm::Full, ..whole() };
    let full = published(&full, &RSA).into_string();
    let transports = |text: &str| {
        let document = Document::parse(text.as_bytes(), &Limits::METADATA).unwrap();
        let mut found = Vec::new();
        methods(document.root(), &mut found);
        let child = |method: Element<'_>, namespace, local| {
            method.child(namespace, local).and_then(|child| child.attribute("Algorithm")).map(str::to_owned)
        };
        let others = found
            .iter()
            .flat_map(|method| method.children())
            .filter(|child| ![ns::METADATA, ns::DSIG, ns::XMLENC].contains(&child.namespace()));
        let others = others.count();
        let meant: Vec<KeyTransport> = found
            .iter()
            .filter_map(|method| {
                let (digest, mask) = (child(*method, ns::DSIG, "DigestMethod"), child(*method, ns::XMLENC11, "MGF"));
                KeyTransport::from_uris(method.attribute("Algorithm").unwrap(), digest.as_deref(), mask.as_deref())
            })
            .collect();
        (others, meant)
    };
    let (others, meant) = transports(&full);
    assert_eq!((others, meant), (4, KeyTransport::ALL.to_vec()));
    let (others, meant) = transports(&common);
    assert_eq!(others, 0);
    // What is said means what is opened.
    assert_eq!(meant, [KeyTransport::ALL[0], KeyTransport::ALL[1], KeyTransport::ALL[3], KeyTransport::ALL[4]]);
}

#[test]
fn every_certificate_is_published_once_and_the_signers_first() {
    let text = published(&whole(), &RSA).into_string();
    let (signature, role) = text.split_once("</ds:Signature>").unwrap();
    assert!(signature.starts_with("<md:EntityDescriptor"));
    assert_eq!(role.matches("use=\"signing\"").count(), 3);
    let first = role.split_once("<ds:X509Certificate>").unwrap().1.split_once('<').unwrap().0;
    assert_eq!(openssl::base64::decode_block(first).unwrap(), RSA.certificate_der);
}

#[test]
fn people_are_shown_what_is_known_of_us_and_nothing_where_nothing_is() {
    let text = published(&whole(), &RSA).into_string();
    for local in ["DisplayName", "Description", "InformationURL", "PrivacyStatementURL"] {
        for lang in ["en", "es"] {
            assert!(text.contains(&format!("<mdui:{local} xml:lang=\"{lang}\">")), "{local} {lang}");
        }
    }
    for text in ["80\">https://idp.example/logo.png</mdui:Logo>", "<md:GivenName>Ada</md:GivenName>"].map(String::from)
    {
        assert!(published(&whole(), &RSA).as_str().contains(&text), "{text}");
    }
    assert!(text.contains("<md:OrganizationName xml:lang=\"es\">agency</md:OrganizationName>"));
    let bare = published(&description(), &RSA).into_string();
    assert!(!bare.contains("mdui:") && !bare.contains("Organization") && !bare.contains("ContactPerson"));
}

#[test]
fn what_is_denied_is_not_advertised() {
    let advertised = |denied: &[&str]| {
        let denied = DeniedAlgorithms::parse(denied.iter().copied()).unwrap();
        let text = published(&IdpDescription { denied, ..description() }, &P256).into_string();
        let (_, extensions) = text.split_once("<md:Extensions>").unwrap();
        extensions.split_once("</md:Extensions>").unwrap().0.to_owned()
    };
    let (sha512, rsa) =
        ("http://www.w3.org/2001/04/xmlenc#sha512", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384");
    let (all, fewer) = (advertised(&[]), advertised(&[sha512, rsa]));
    for uri in [sha512, rsa] {
        let written = format!("\"{uri}\"");
        assert!(all.contains(&written) && !fewer.contains(&written), "{uri}");
    }

    // Nor does anybody encrypt to us by it, or by what we do not open.
    let methods = |denied: &[&str]| {
        let denied = DeniedAlgorithms::parse(denied.iter().copied()).unwrap();
        let text = published(&IdpDescription { denied, ..whole() }, &P256).into_string();
        let (_, key) = text.split_once("<md:KeyDescriptor use=\"encryption\">").unwrap();
        key.split_once("</md:KeyDescriptor>").unwrap().0.to_owned()
    };
    let (aes128, oaep) = ("http://www.w3.org/2009/xmlenc11#aes128-gcm", "http://www.w3.org/2009/xmlenc11#rsa-oaep");
    let (all, fewer) = (methods(&[]), methods(&[aes128, oaep]));
    for uri in [aes128, oaep] {
        let written = format!("Algorithm=\"{uri}\"");
        assert!(all.contains(&written) && !fewer.contains(&written), "{uri}");
    }
    assert!(fewer.contains("xmlenc11#aes256-gcm") && fewer.contains("xmlenc#rsa-oaep-mgf1p"));
    assert!(!all.contains("-cbc"), "{all}");
}

#[test]
fn nothing_leaves_that_our_own_certificate_does_not_verify() {
    let refused = idp_metadata(&description(), &miscertified()).unwrap_err();
    let expected = ReadBackError::Signature(SignatureError::NoKeyVerifies { tried: 1 });
    assert!(matches!(&refused, OutboundError::ReadBack(found) if *found == expected), "{refused}");
}

#[test]
fn security_contact_is_another_contact_that_says_by_the_extension_what_it_is() {
    let text = published(&whole(), &RSA).into_string();
    let contacts: Vec<&str> = text.split("<md:ContactPerson ").skip(1).collect();
    assert_eq!(contacts.len(), 2);
    assert!(contacts[0].starts_with("contactType=\"technical\">"), "{}", contacts[0]);
    assert_eq!(
        contacts[1],
        "xmlns:remd=\"http://refeds.org/metadata\" contactType=\"other\" \
         remd:contactType=\"http://refeds.org/metadata/contactType/security\">\
         <md:GivenName>The Agency</md:GivenName><md:EmailAddress>mailto:security@agency.example</md:EmailAddress>\
         </md:ContactPerson></md:EntityDescriptor>"
    );
}

#[test]
fn signed_requests_are_wanted_and_persistent_comes_first() {
    let text = published(&description(), &RSA).into_string();
    assert!(text.contains(" WantAuthnRequestsSigned=\"true\""));
    assert!(text.contains(" cacheDuration=\"PT21600S\""));
    assert!(text.contains(" validUntil=\"2026-12-08T12:00:00.000Z\""));
    let formats: Vec<&str> =
        text.split("<md:NameIDFormat>").skip(1).map(|rest| rest.split('<').next().unwrap()).collect();
    assert_eq!(
        formats,
        [
            "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
            "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
            "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
        ]
    );
}

#[cfg(feature = "demo")]
#[test]
fn the_demonstration_service_reads_it() {
    signet::demo::service_provider::IdentityProvider::from_metadata(published(&whole(), &RSA).as_bytes()).unwrap();
}

#[test]
fn a_service_learns_where_to_send_people_which_scopes_are_ours_and_what_we_can_verify() {
    let text = published(&description(), &RSA).into_string();
    assert!(text.contains(" errorURL=\"https://idp.example/saml/error?code=ERRORURL_CODE&amp;ts=ERRORURL_TS&amp;"));
    assert!(text.contains(" regexp=\"false\">idp.example</shibmd:Scope>"));
    for algorithm in [
        "http://www.w3.org/2001/04/xmlenc#sha256",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
    ] {
        assert!(text.contains(&format!(" Algorithm=\"{algorithm}\"></alg:")), "{algorithm}");
    }
    assert!(!text.contains("sha1"), "nothing is advertised that is refused");
}
