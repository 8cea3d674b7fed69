//! A service provider's metadata: what is read, what is refused and where, and where answers may go.

use proptest::prelude::*;
use signet::saml::{
    AcsError, AcsSelection, KeyPurpose, ResponseBinding, SpMetadata,
    metadata::{Localized, MetadataFault, SubjectIdRequirement},
    signature::KeyError,
    xml::XmlFault,
};
use time::macros::utc_datetime;

use super::keys::{KeyPair, OTHER_RSA, P256, RSA};

const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
const ARTIFACT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact";
const PAOS: &str = "urn:oasis:names:tc:SAML:2.0:bindings:PAOS";

fn role(attributes: &str, content: &str) -> String {
    format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" \
         xmlns:mdui=\"urn:oasis:names:tc:SAML:metadata:ui\" entityID=\"https://sp.example/\">\n\
         <md:SPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\" {attributes}>\n{content}\n\
         </md:SPSSODescriptor></md:EntityDescriptor>"
    )
}

fn acs(binding: &str, location: &str, index: &str, more: &str) -> String {
    format!("<md:AssertionConsumerService Binding=\"{binding}\" Location=\"{location}\" index=\"{index}\" {more}/>")
}

fn one() -> String {
    acs(POST, "https://sp.example/acs", "0", "")
}

fn key(pair: &KeyPair, attributes: &str, more: &str) -> String {
    let certificate = openssl::base64::encode_block(&pair.certificate_der);
    format!(
        "<md:KeyDescriptor {attributes}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>\n{certificate}\n\
         </ds:X509Certificate></ds:X509Data></ds:KeyInfo>{more}</md:KeyDescriptor>"
    )
}

fn read(content: &str) -> SpMetadata {
    SpMetadata::parse(role("", content).as_bytes()).unwrap()
}

fn refused(content: &str) -> MetadataFault {
    SpMetadata::parse(role("", content).as_bytes()).unwrap_err().first().reason.clone()
}

/// What a role, and the entity around it, list of the algorithms that they verify.
fn algorithms(of_role: &str, of_entity: &str) -> SpMetadata {
    let extensions = |listed: &str| {
        format!("<md:Extensions xmlns:alg=\"urn:oasis:names:tc:SAML:metadata:algsupport\">{listed}</md:Extensions>")
    };
    let text = role("", &(extensions(of_role) + &one()));
    let (start, rest) = text.split_once("<md:SPSSODescriptor").unwrap();
    SpMetadata::parse(format!("{start}{}<md:SPSSODescriptor{rest}", extensions(of_entity)).as_bytes()).unwrap()
}

#[test]
fn algorithms_of_the_role_go_before_those_of_the_entity() {
    let signing = |uri: &str| format!("<alg:SigningMethod Algorithm=\"{uri}\" MinKeySize=\"3072\"/>");
    let digest = |uri: &str| format!("<alg:DigestMethod Algorithm=\"{uri}\"/>");
    let of_both = algorithms(&signing("urn:a"), &(signing("urn:b") + &digest("urn:c")));
    let listed: Vec<_> = of_both.signing_methods().iter().map(|method| method.algorithm.as_str()).collect();
    assert_eq!((listed, of_both.digest_methods()), (vec!["urn:a"], &["urn:c".to_owned()][..]));
    let method = &of_both.signing_methods()[0];
    assert!(!method.takes_key_of(2048) && method.takes_key_of(3072) && method.takes_key_of(4096));
    let most = "<alg:SigningMethod Algorithm=\"urn:a\" MaxKeySize=\"3072\"/>";
    let bounded = algorithms(most, "");
    let method = &bounded.signing_methods()[0];
    assert!(method.takes_key_of(2048) && method.takes_key_of(3072) && !method.takes_key_of(4096));
    assert_eq!(read(&one()).signing_methods(), []);
    let bad = "<md:Extensions><alg:SigningMethod xmlns:alg=\"urn:oasis:names:tc:SAML:metadata:algsupport\" Algorithm=\"urn:a\" MaxKeySize=\"many\"/></md:Extensions>";
    assert_eq!(refused(&(bad.to_owned() + &one())), MetadataFault::KeySize("MaxKeySize"));
}

#[test]
fn the_subject_identifier_that_is_needed_is_read_from_the_entity_alone() {
    let attribute = |name: &str, values: &[&str]| {
        let values: String =
            values.iter().map(|value| format!("<saml:AttributeValue> {value}\n</saml:AttributeValue>")).collect();
        format!(
            "<md:Extensions><mdattr:EntityAttributes xmlns:mdattr=\"urn:oasis:names:tc:SAML:metadata:attribute\" \
             xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"><saml:Attribute Name=\"{name}\">{values}</saml:Attribute>\
             </mdattr:EntityAttributes></md:Extensions>"
        )
    };
    let of_entity = |extensions: &str| {
        let document = role("", &one()).replace("<md:SPSSODescriptor", &format!("{extensions}<md:SPSSODescriptor"));
        SpMetadata::parse(document.as_bytes()).unwrap().subject_id_requirement()
    };
    let name = SubjectIdRequirement::ATTRIBUTE;
    for need in ["any", "none", "pairwise-id", "subject-id"] {
        assert_eq!(of_entity(&attribute(name, &[need])).map(|need| need.to_string()).as_deref(), Some(need));
    }
    for extensions in [
        String::new(),
        attribute(name, &[]),
        attribute(name, &["NONE"]),
        attribute(name, &["any", "none"]),
        attribute("urn:example:other", &["none"]),
    ] {
        assert_eq!(of_entity(&extensions), None, "{extensions}");
    }
    assert_eq!(read(&(attribute(name, &["none"]) + &one())).subject_id_requirement(), None, "of the role");
}

#[test]
fn a_key_without_use_serves_both_and_others_serve_one() {
    let metadata = read(&(key(&RSA, "", "") + &one()));
    assert_eq!((metadata.signing_keys().len(), metadata.encryption_keys().len()), (1, 1));
    assert_eq!(metadata.signing_keys()[0].fingerprint(), metadata.encryption_keys()[0].fingerprint());

    let metadata = read(&(key(&RSA, "use=\"signing\"", "") + &key(&OTHER_RSA, "use=\"encryption\"", "") + &one()));
    assert_eq!((metadata.signing_keys().len(), metadata.encryption_keys().len()), (1, 1));
    assert_ne!(metadata.signing_keys()[0].fingerprint(), metadata.encryption_keys()[0].fingerprint());

    let metadata = read(&(key(&RSA, "", "") + &key(&OTHER_RSA, "", "") + &key(&RSA, "use=\"signing\"", "") + &one()));
    assert_eq!((metadata.signing_keys().len(), metadata.encryption_keys().len()), (2, 2));

    // An elliptic key signs; nothing can be encrypted to it.
    let metadata = read(&(key(&P256, "", "") + &one()));
    assert_eq!((metadata.signing_keys().len(), metadata.encryption_keys().len()), (1, 0));
}

#[test]
fn encryption_methods_are_kept_in_the_receivers_order() {
    use signet::saml::encryption::BlockEncryption;
    let method = |uri: &str| format!("<md:EncryptionMethod Algorithm=\"{uri}\"/>");
    let methods = method("http://www.w3.org/2009/xmlenc11#aes128-gcm")
        + &method("http://www.w3.org/2001/04/xmlenc#tripledes-cbc")
        + &method("http://www.w3.org/2009/xmlenc11#aes256-gcm");
    let metadata = read(&(key(&RSA, "use=\"encryption\"", &methods) + &one()));
    let key = &metadata.encryption_keys()[0];
    assert_eq!(key.methods().len(), 3);
    assert_eq!(key.ciphers().collect::<Vec<_>>(), [BlockEncryption::Aes128Gcm, BlockEncryption::Aes256Gcm]);
}

#[test]
fn key_transports_are_read_with_their_digest_and_mask() {
    use signet::saml::encryption::{
        KeyTransport,
        OaepHash::{Sha1, Sha256},
    };
    let method =
        |uri: &str, inside: &str| format!("<md:EncryptionMethod Algorithm=\"{uri}\">{inside}</md:EncryptionMethod>");
    let old = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
    let new = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
    let sha256 = "<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>";
    let sha512 = "<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha512\"/>";
    let mask = |name: &str| {
        format!(
            "<xenc11:MGF xmlns:xenc11=\"http://www.w3.org/2009/xmlenc11#\" Algorithm=\"http://www.w3.org/2009/xmlenc11#{name}\"/>"
        )
    };
    let cases = [
        (method(old, ""), Some(KeyTransport::Mgf1p { digest: Sha1 })),
        (method(old, sha256), Some(KeyTransport::Mgf1p { digest: Sha256 })),
        // XML Encryption 1.1 §5.5.2: SHA-1 where digest or mask are not named.
        (method(new, ""), Some(KeyTransport::Oaep { digest: Sha1, mask: Sha1 })),
        (method(new, sha256), Some(KeyTransport::Oaep { digest: Sha256, mask: Sha1 })),
        (
            method(new, &(sha256.to_owned() + &mask("mgf1sha256"))),
            Some(KeyTransport::Oaep { digest: Sha256, mask: Sha256 }),
        ),
        (method(new, &mask("mgf1sha512")), None),
        (method(old, sha512), None),
        (method("http://www.w3.org/2001/04/xmlenc#rsa-1_5", ""), None),
    ];
    let all: String = cases.iter().map(|(xml, _)| xml.as_str()).collect();
    let metadata = read(&(key(&RSA, "use=\"encryption\"", &all) + &one()));
    let expected: Vec<_> = cases.iter().filter_map(|(_, transport)| *transport).collect();
    assert_eq!(metadata.encryption_keys()[0].key_transports().collect::<Vec<_>>(), expected);
    assert_eq!(metadata.encryption_keys()[0].methods().len(), cases.len(), "what is not known is still told");
}

#[test]
fn unusable_keys_are_refused() {
    assert_eq!(refused(&(key(&RSA, "use=\"both\"", "") + &one())), MetadataFault::KeyUse);
    let weak = KeyPair::rsa(1024);
    assert_eq!(refused(&(key(&weak, "", "") + &one())), MetadataFault::Key(KeyError::RsaLength { bits: 1024 }));
    for exponent in [3, 17, 65535] {
        let weak = KeyPair::rsa_with_exponent(exponent);
        for attributes in ["", "use=\"signing\"", "use=\"encryption\""] {
            let reason = refused(&(key(&weak, attributes, "") + &one()));
            assert_eq!(reason, MetadataFault::Key(KeyError::RsaExponent), "{exponent} {attributes}");
        }
    }
    read(&(key(&KeyPair::rsa_with_exponent(65539), "", "") + &one()));
    let broken = |text: &str| {
        format!(
            "<md:KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{text}</ds:X509Certificate>\
             </ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        ) + &one()
    };
    assert_eq!(refused(&broken("not base64!")), MetadataFault::Certificate);
    assert_eq!(refused(&broken("AAAA")), MetadataFault::Key(KeyError::Malformed));
    let named = "<md:KeyDescriptor><ds:KeyInfo><ds:KeyName>k</ds:KeyName></ds:KeyInfo></md:KeyDescriptor>";
    assert_eq!(refused(&(named.to_owned() + &one())), MetadataFault::Certificates(0));
    let two = broken("AAAA").replace("</ds:X509Data>", "<ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data>");
    assert_eq!(refused(&two), MetadataFault::Certificates(2));
    let private = key(&RSA, "", "")
        .replace("<ds:X509Data>", "<ds:KeyName>-----BEGIN RSA PRIVATE KEY-----</ds:KeyName><ds:X509Data>");
    let faults = SpMetadata::parse(role("", &format!("\n{private}{}", one())).as_bytes()).unwrap_err();
    assert_eq!((faults.first().line, &faults.first().reason), (4, &MetadataFault::PrivateKey));
    let none = "<md:KeyDescriptor/>".to_owned() + &one();
    assert_eq!(refused(&none), MetadataFault::MissingElement { element: "ds:KeyInfo", parent: "KeyDescriptor" });
}

#[test]
fn each_certificate_tells_its_end_once_and_each_key_counts_once() {
    let keys = key(&RSA, "", "") + &key(&RSA, "use=\"encryption\"", "") + &key(&OTHER_RSA, "use=\"encryption\"", "");
    let metadata = read(&(keys + &one()));
    let ends = utc_datetime!(2001-09-10 1:46:40);
    let fingerprints = [&RSA, &OTHER_RSA].map(|pair| pair.verification_key().fingerprint());
    assert_eq!(metadata.certificate_ends(), fingerprints.map(|key| (key, ends)));
    let encrypts: Vec<_> = metadata.encryption_keys().iter().map(|key| key.fingerprint()).collect();
    assert_eq!((encrypts, metadata.signing_keys().len()), (fingerprints.to_vec(), 1));
    assert_eq!(metadata.encryption_keys()[0].key().bits(), 2048);
}

#[test]
fn a_key_that_says_more_than_its_certificate_tells_how_many_there_are() {
    let more = "<ds:KeyName>k</ds:KeyName><ds:KeyValue><ds:RSAKeyValue/></ds:KeyValue></ds:KeyInfo>";
    let named = "<md:KeyDescriptor><ds:KeyInfo><ds:X509Data/>".to_owned() + more + "</md:KeyDescriptor>" + &one();
    assert_eq!(refused(&named), MetadataFault::Certificates(0));
}

#[test]
fn what_is_empty_is_missing() {
    let missing = |element, attribute| MetadataFault::MissingAttribute { element, attribute };
    let name = |lang: &str| {
        format!(
            "<md:Extensions><mdui:UIInfo><mdui:DisplayName {lang}>n</mdui:DisplayName></mdui:UIInfo></md:Extensions>"
        ) + &one()
    };
    for lang in ["", "xml:lang=\"\""] {
        assert_eq!(refused(&name(lang)), missing("DisplayName", "xml:lang"), "{lang}");
    }
    assert_eq!(refused(&acs("", "https://sp.example/acs", "0", "")), missing("AssertionConsumerService", "Binding"));
}

#[test]
fn an_organization_is_that_of_the_entity_and_else_that_of_the_role() {
    let organization = |name: &str| {
        format!(
            "<md:Organization><md:OrganizationName xml:lang=\"en\">{name}</md:OrganizationName>\
             <md:OrganizationDisplayName xml:lang=\"en\">{name}</md:OrganizationDisplayName>\
             <md:OrganizationURL xml:lang=\"en\">https://sp.example/</md:OrganizationURL></md:Organization>"
        )
    };
    let named = |text: &str| {
        let read = SpMetadata::parse(text.as_bytes()).unwrap();
        read.organization().map(|organization| organization.names[0].text.clone())
    };
    let of_role = role("", &(organization("role") + &one()));
    let of_both = of_role.replace("</md:EntityDescriptor>", &(organization("entity") + "</md:EntityDescriptor>"));
    assert_eq!((named(&of_role).as_deref(), named(&of_both).as_deref()), (Some("role"), Some("entity")));
    assert_eq!(named(&role("", &one())), None);
}

#[test]
fn methods_are_told_with_what_they_are_told_by() {
    let children = "<ds:DigestMethod Algorithm=\"urn:d\"/><m:MGF xmlns:m=\"http://www.w3.org/2009/xmlenc11#\" Algorithm=\"urn:m\"/>\
         <x:KeySize xmlns:x=\"http://www.w3.org/2001/04/xmlenc#\">2048</x:KeySize>";
    let method = |children: &str| format!("<md:EncryptionMethod Algorithm=\"urn:a\">{children}</md:EncryptionMethod>");
    let metadata = read(&(key(&RSA, "", &(method("") + &method(children))) + &one()));
    let told: Vec<_> = metadata.encryption_keys()[0].methods().iter().map(ToString::to_string).collect();
    assert_eq!(told, ["urn:a", "urn:a with urn:d and urn:m (with a key of 2048 bits)"]);
}

#[test]
fn the_default_consumer_follows_the_standards_three_rules() {
    let default_of = |services: &[(&str, &str)]| {
        let content: String = services
            .iter()
            .enumerate()
            .map(|(n, (binding, more))| acs(binding, &format!("https://sp.example/{n}"), &n.to_string(), more))
            .collect();
        read(&content).acs_location(&AcsSelection::Default, None, false).unwrap().index()
    };
    let (yes, no) = ("isDefault=\"true\"", "isDefault=\"0\"");
    assert_eq!(default_of(&[(POST, ""), (POST, no), (POST, yes), (POST, yes)]), 2);
    assert_eq!(default_of(&[(POST, no), (POST, ""), (POST, "")]), 1);
    assert_eq!(default_of(&[(POST, no), (POST, no)]), 0);
    // Without a wish of the request, HTTP-POST goes before HTTP-Artifact.
    assert_eq!(default_of(&[(ARTIFACT, yes), (POST, no), (POST, "")]), 2);
    assert_eq!(default_of(&[(PAOS, yes), (ARTIFACT, no), (ARTIFACT, "")]), 2);
}

#[test]
fn answers_go_only_where_the_metadata_says() {
    let metadata = read(
        &(acs(POST, "https://sp.example/a?x=1&amp;y=2", "3", "")
            + &acs(ARTIFACT, "https://sp.example/artifact", "4", "")
            + &acs(ARTIFACT, "https://sp.example/both", "5", "")
            + &acs(POST, "https://sp.example/both", "6", "")
            + &acs(PAOS, "https://sp.example/paos", "8", "")),
    );
    let at = |selection: AcsSelection| metadata.acs_location(&selection, None, true);
    let url = |url: &str| AcsSelection::Url(url.into());
    assert_eq!(at(AcsSelection::Index(3)).unwrap().as_str(), "https://sp.example/a?x=1&y=2");
    assert_eq!(at(url("https://sp.example/a?x=1&y=2")).unwrap().index(), 3);
    assert_eq!(at(url("https://sp.example/both")).unwrap().index(), 6);
    assert_eq!(at(AcsSelection::Index(4)).unwrap().binding(), ResponseBinding::Artifact);
    assert_eq!(at(url("https://sp.example/artifact")).unwrap().index(), 4);
    assert_eq!(at(AcsSelection::Index(8)), Err(AcsError::Binding));
    assert_eq!(at(url("https://sp.example/paos")), Err(AcsError::Binding));
    let by = |selection: AcsSelection, binding| metadata.acs_location(&selection, Some(binding), true);
    let (post, artifact) = (ResponseBinding::Post, ResponseBinding::Artifact);
    assert_eq!(by(url("https://sp.example/both"), artifact).unwrap().index(), 5);
    assert_eq!(by(url("https://sp.example/both"), post).unwrap().index(), 6);
    assert_eq!(by(AcsSelection::Default, artifact).unwrap().index(), 4);
    assert_eq!(by(url("https://sp.example/artifact"), post), Err(AcsError::Binding));
    assert_eq!(at(AcsSelection::Index(7)), Err(AcsError::UnknownIndex(7)));
    for other in [
        "",
        "https://sp.example/a",
        "https://sp.example/a?x=1&y=2#",
        "https://SP.example/a?x=1&y=2",
        "https://sp.example:443/a?x=1&y=2",
        "https://sp.example/a?x=1&amp;y=2",
        "https://sp.example/a?x=1&y=2 ",
        "https://sp.example.evil.example/a?x=1&y=2",
        "https://evil.example/",
    ] {
        assert_eq!(at(url(other)), Err(AcsError::UnknownUrl), "{other}");
    }
}

#[test]
fn an_index_whose_binding_is_not_the_one_that_was_asked_for_gets_nothing() {
    let metadata = read(
        &(one() + &acs(ARTIFACT, "https://sp.example/art", "1", "") + &acs(PAOS, "https://sp.example/paos", "2", "")),
    );
    let at = |index, asked| {
        let found = metadata.acs_location(&AcsSelection::Index(index), asked, false);
        found.map(|location| location.as_str().to_owned())
    };
    let (post, artifact) = (ResponseBinding::Post, ResponseBinding::Artifact);
    for asked in [None, Some(post)] {
        assert_eq!(at(0, asked).as_deref(), Ok("https://sp.example/acs"));
    }
    for asked in [None, Some(artifact)] {
        assert_eq!(at(1, asked).as_deref(), Ok("https://sp.example/art"));
    }
    for (index, asked) in [(0, Some(artifact)), (1, Some(post)), (2, None), (2, Some(post)), (2, Some(artifact))] {
        assert_eq!(at(index, asked), Err(AcsError::Binding), "{index} {asked:?}");
    }
}

#[test]
fn http_is_for_loopback_alone_and_only_where_allowed() {
    let at = |location: &str, allowed| {
        read(&acs(POST, location, "0", "")).acs_location(&AcsSelection::Default, None, allowed).map(|at| at.to_string())
    };
    for loopback in [
        "http://localhost:8080/acs",
        "http://demo-agency.localhost/acs",
        "http://127.0.0.1/acs",
        "http://127.9.9.9/acs",
        "http://[::1]:1/acs",
    ] {
        assert_eq!(at(loopback, true), Ok(loopback.to_owned()));
        assert_eq!(at(loopback, false), Err(AcsError::NotHttps), "{loopback}");
    }
    for remote in [
        "http://sp.example/acs",
        "http://localhost.evil.example/acs",
        "http://evillocalhost/acs",
        "http://128.0.0.1/acs",
        "http://[::2]/acs",
        "http://10.0.0.1/acs",
    ] {
        assert_eq!(at(remote, true), Err(AcsError::NotHttps), "{remote}");
    }
    assert!(at("https://sp.example/acs", false).is_ok());
}

#[test]
fn only_web_addresses_are_endpoints() {
    for location in [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://sp.example/",
        "/acs",
        "//sp.example/acs",
        "https://",
        "https://user@sp.example/acs",
        "https://user:secret@sp.example/acs",
        "https://sp.example/acs#fragment",
        "https://sp.example/a b",
        "java&#10;script:alert(1)",
        "https://sp.example/a&#10;b",
        "https:sp.example/acs",
        "https:/sp.example/acs",
        "https:///sp.example/acs",
        "https:\\\\sp.example\\acs",
        "https:/\\sp.example/acs",
        "https://\\sp.example/acs",
    ] {
        assert_eq!(refused(&acs(POST, location, "0", "")), MetadataFault::Url("Location"), "{location}");
    }
    let info = |element: &str, url: &str| {
        format!(
            "<md:Extensions><mdui:UIInfo><mdui:{element} xml:lang=\"en\" width=\"1\" height=\"1\">{url}</mdui:{element}>\
             </mdui:UIInfo></md:Extensions>"
        ) + &one()
    };
    for element in ["InformationURL", "PrivacyStatementURL", "Logo"] {
        let reason = refused(&info(element, "javascript:alert(1)"));
        assert!(matches!(reason, MetadataFault::Url(_)), "{element}: {reason}");
    }
}

#[test]
fn no_page_that_people_could_be_led_to_is_anything_but_a_web_page() {
    for url in [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "vbscript:x",
        "/page",
        "//sp.example/",
        "https:page",
        "http:/page",
        "https:///sp.example/",
        "https:\\\\sp.example",
    ] {
        let text = role(&format!("errorURL=\"{url}\""), &one());
        assert_eq!(
            SpMetadata::parse(text.as_bytes()).unwrap_err().first().reason,
            MetadataFault::Url("errorURL"),
            "{url}"
        );
        let organization = format!(
            "<md:Organization><md:OrganizationURL xml:lang=\"en\">{url}</md:OrganizationURL></md:Organization>"
        );
        assert_eq!(refused(&(organization + &one())), MetadataFault::Url("OrganizationURL"), "{url}");
    }
    for good in ["https://sp.example/error#top", "HTTPS://sp.example"] {
        SpMetadata::parse(role(&format!("errorURL=\"{good}\""), &one()).as_bytes()).unwrap();
    }
}

#[test]
fn a_cache_duration_is_a_duration_that_is_not_negative() {
    let reason = |text: &str| {
        SpMetadata::parse(role(&format!("cacheDuration=\"{text}\""), &one()).as_bytes())
            .map_err(|faults| faults.first().reason.clone())
    };
    for good in ["P1D", " PT1H ", "P1Y2M3DT4H5M6.7S", "PT0S", "P7D", "PT86400S"] {
        assert!(reason(good).is_ok(), "{good}");
    }
    for bad in [
        "", "-P1D", "P", "PT", "P1DT", "1D", "P1H", "PT1D", "P1M1Y", "PT1.5H", "PT.5S", "PT1.S", "P-1D", "P1D1D", "P1",
        "p1d",
    ] {
        assert_eq!(reason(bad).unwrap_err(), MetadataFault::Duration("cacheDuration"), "{bad}");
        let of_entity = role("", &one()).replace(" entityID=", &format!(" cacheDuration=\"{bad}\" entityID="));
        let reason = SpMetadata::parse(of_entity.as_bytes()).unwrap_err().first().reason.clone();
        assert_eq!(reason, MetadataFault::Duration("cacheDuration"), "{bad}");
    }
}

#[test]
fn metadata_that_has_ended_is_not_taken_in() {
    let now = utc_datetime!(2027-01-01 0:00);
    let admit = |of_entity: &str, of_role: &str| {
        let valid = |until: &str| if until.is_empty() { String::new() } else { format!(" validUntil=\"{until}\"") };
        let text = role(&valid(of_role), &one()).replace(" entityID", &(valid(of_entity) + " entityID"));
        SpMetadata::parse(text.as_bytes()).unwrap().admit(now, false)
    };
    let (ended, stands) = ("2027-01-01T00:00:00Z", "2027-01-01T00:00:01Z");
    for (of_entity, of_role, line) in [(ended, "", 1), ("", ended, 2), (ended, stands, 1), (stands, ended, 2)] {
        let fault = &admit(of_entity, of_role)[0];
        assert_eq!((fault.line, &fault.reason), (line, &MetadataFault::Ended { at: now }), "{of_entity} {of_role}");
    }
    for (of_entity, of_role) in [("", ""), (stands, ""), ("", stands), (stands, stands)] {
        assert_eq!(admit(of_entity, of_role), []);
    }
}

#[test]
fn addresses_in_clear_are_not_taken_in_whatever_goes_there() {
    let admit = |content: &str, loopback: bool| read(content).admit(utc_datetime!(2027-01-01 0:00), loopback);
    let place = |element: &str, location: &str, more: &str| {
        format!("{}\n<md:{element} Binding=\"{PAOS}\" Location=\"{location}\" index=\"7\" {more}/>", one())
    };
    for element in
        ["ArtifactResolutionService", "AssertionConsumerService", "ManageNameIDService", "SingleLogoutService"]
    {
        assert_eq!(admit(&place(element, "https://sp.example/", ""), false), []);
        let answers = place(element, "https://sp.example/", "ResponseLocation=\"http://sp.example/\"");
        for content in [place(element, "http://sp.example/", ""), answers] {
            let faults = admit(&content, true);
            assert_eq!((faults.len(), faults[0].line), (1, 4));
            assert_eq!(faults[0].reason, MetadataFault::NotHttps(element));
        }
        let local = place(element, "http://sp.localhost:8080/", "");
        assert!(!admit(&local, false).is_empty() && admit(&local, true).is_empty(), "{element}");
    }
    // Of several each is told, in their order.
    let several = ["SingleLogoutService", "AssertionConsumerService", "ArtifactResolutionService"]
        .map(|element| place(element, "http://sp.example/", "").replace(&one(), ""))
        .concat()
        + &one();
    let told: Vec<_> = admit(&several, false).into_iter().map(|fault| (fault.line, fault.reason)).collect();
    let in_clear = |line, element| (line, MetadataFault::NotHttps(element));
    let three = [(4, "SingleLogoutService"), (5, "AssertionConsumerService"), (6, "ArtifactResolutionService")];
    assert_eq!(told, three.map(|(line, element)| in_clear(line, element)));
}

#[test]
fn indices_are_numbers_and_unique() {
    for index in ["", "-1", "+1", "65536", "a"] {
        assert!(
            matches!(
                refused(&acs(POST, "https://sp.example/", index, "")),
                MetadataFault::Index | MetadataFault::MissingAttribute { attribute: "index", .. }
            ),
            "{index}"
        );
    }
    assert_eq!(
        refused(&(one() + &one())),
        MetadataFault::DuplicateIndex { element: "AssertionConsumerService", index: 0 }
    );
    let maybe = acs(POST, "https://sp.example/", "0", "isDefault=\"maybe\"");
    assert_eq!(refused(&maybe), MetadataFault::Boolean("isDefault"));
}

#[test]
fn a_service_that_cannot_be_answered_is_refused() {
    assert!(matches!(refused(""), MetadataFault::MissingElement { element: "AssertionConsumerService", .. }));
    assert_eq!(refused(&acs(PAOS, "https://sp.example/", "0", "")), MetadataFault::NoUsableConsumer);
}

#[test]
fn one_entity_with_one_role_for_saml_2_0() {
    let reason = |text: &str| SpMetadata::parse(text.as_bytes()).unwrap_err().first().reason.clone();
    let whole = role("", &one());
    assert_eq!(reason("<EntityDescriptor/>"), MetadataFault::NotAnEntity("EntityDescriptor".into(), String::new()));
    assert_eq!(reason(&whole.replace("SAML:2.0:protocol", "SAML:1.1:protocol")), MetadataFault::NotAServiceProvider);
    assert_eq!(reason(&whole.replace("https://sp.example/\"", "no name\"")), MetadataFault::EntityId);
    let start = whole.find("<md:SPSSO").unwrap();
    let end = whole.find("</md:EntityDescriptor>").unwrap();
    let twice = format!("{}{}", &whole[..end], &whole[start..]);
    assert_eq!(reason(&twice), MetadataFault::SeveralRoles("SPSSODescriptor"));
    let doctype = format!("<!DOCTYPE x>{whole}");
    assert!(matches!(reason(&doctype), MetadataFault::Xml(XmlFault::DoctypeDeclaration)));
}

#[test]
fn an_aggregate_of_one_entity_is_that_entity_and_one_of_several_is_none() {
    let around = |attributes: &str, content: &str| {
        format!(
            "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" {attributes}>{content}\
             </md:EntitiesDescriptor>"
        )
    };
    let (one, now) = (role("", &one()), utc_datetime!(2027-01-01 0:00));
    let read = |text: &str| SpMetadata::parse(text.as_bytes());
    for text in [around("", &one), around("Name=\"urn:x\"", &format!("\n{}\n{}", around("", ""), around("", &one)))] {
        let metadata = read(&text).unwrap();
        assert_eq!((metadata.entity_id().as_str(), metadata.admit(now, false)), ("https://sp.example/", vec![]));
    }
    let ended = read(&around("validUntil=\"2026-12-31T00:00:00Z\"", &one)).unwrap().admit(now, false);
    assert_eq!(ended[0].reason, MetadataFault::Ended { at: utc_datetime!(2026-12-31 0:00) });
    for (content, count) in [(String::new(), 0), (one.repeat(2), 2), (one.clone() + &around("", &one.repeat(2)), 3)] {
        let faults = read(&around("", &content)).unwrap_err();
        assert_eq!(faults.first().reason, MetadataFault::Entities(count));
        assert!(faults.to_string().contains(&format!("holds {count} entities")), "{faults}");
    }
}

#[test]
fn every_fault_is_told_by_one_reading() {
    let content = [
        key(&RSA, "use=\"both\"", "").replace('\n', ""),
        key(&KeyPair::rsa(1024), "", "").replace('\n', ""),
        acs(POST, "javascript:1", "0", ""),
        acs(POST, "http://sp.example/acs", "1", "isDefault=\"maybe\""),
        acs(POST, "https://sp.example/acs", "1", ""),
        acs(POST, "https://sp.example/acs", "many", ""),
        "<md:SingleLogoutService Binding=\"x\" Location=\"http://sp.example/slo\"/>".to_owned(),
        "<md:AttributeConsumingService index=\"0\"><md:ServiceName>n</md:ServiceName><md:RequestedAttribute/></md:AttributeConsumingService>"
            .to_owned(),
        "<md:Organization><md:OrganizationURL xml:lang=\"en\">file:///</md:OrganizationURL></md:Organization>".to_owned(),
        "<md:ContactPerson/>".to_owned(),
    ]
    .join("\n");
    let text = role("errorURL=\"x:y\" AuthnRequestsSigned=\"perhaps\" validUntil=\"2026-01-01T00:00:00Z\"", &content)
        .replace("https://sp.example/\"", "a name\" cacheDuration=\"day\"");
    let faults = SpMetadata::parse(text.as_bytes()).unwrap_err();
    let missing = |element, attribute| MetadataFault::MissingAttribute { element, attribute };
    let told: Vec<_> = faults.all().map(|fault| (fault.line, fault.reason.clone())).collect();
    assert_eq!(
        told,
        [
            (1, MetadataFault::EntityId),
            (1, MetadataFault::Duration("cacheDuration")),
            (2, MetadataFault::Url("errorURL")),
            (2, MetadataFault::Boolean("AuthnRequestsSigned")),
            (3, MetadataFault::KeyUse),
            (4, MetadataFault::Key(KeyError::RsaLength { bits: 1024 })),
            (5, MetadataFault::Url("Location")),
            (6, MetadataFault::Boolean("isDefault")),
            (8, MetadataFault::Index),
            (10, missing("ServiceName", "xml:lang")),
            (10, missing("RequestedAttribute", "Name")),
            (11, MetadataFault::Url("OrganizationURL")),
            (12, missing("ContactPerson", "contactType")),
        ]
    );
    let unmet: Vec<_> = faults
        .with_unmet(utc_datetime!(2027-01-01 0:00), false)
        .into_iter()
        .filter(|fault| !faults.all().any(|known| known == fault))
        .map(|fault| (fault.line, fault.reason))
        .collect();
    assert_eq!(
        unmet,
        [
            (2, MetadataFault::Ended { at: utc_datetime!(2026-01-01 0:00) }),
            (6, MetadataFault::NotHttps("AssertionConsumerService")),
            (9, MetadataFault::NotHttps("SingleLogoutService")),
        ]
    );
}

#[test]
fn a_key_that_is_not_needed_is_passed_over_and_told() {
    let (p521, ed25519) = (KeyPair::p521(), KeyPair::ed25519());
    let told = |metadata: &SpMetadata| -> Vec<_> {
        let keys = metadata.passed_over_keys().iter();
        keys.map(|key| (key.line, key.purpose, key.reason.clone())).collect()
    };
    let flat = |pair: &KeyPair, attributes: &str| key(pair, attributes, "").replace('\n', "") + "\n";
    let read = |keys: &str| read(&(keys.to_owned() + &one()));
    let (signing, encryption) = ("use=\"signing\"", "use=\"encryption\"");
    let not_for_encryption = |line| (line, KeyPurpose::Encryption, KeyError::NotForEncryption);
    for beside in [&*P256, &p521, &ed25519] {
        let metadata = read(&(flat(&RSA, "") + &flat(beside, encryption)));
        assert_eq!((metadata.signing_keys().len(), metadata.encryption_keys().len()), (1, 1));
        assert_eq!(told(&metadata), [not_for_encryption(4)]);
    }
    // Where none serves, the warning says why; whether an answer is encrypted is for the agreement to say.
    let metadata = read(&(flat(&RSA, signing) + &flat(&P256, encryption)));
    assert_eq!((metadata.encryption_keys().len(), told(&metadata)), (0, vec![not_for_encryption(4)]));
    // One that may be used for both is there to sign.
    assert_eq!(told(&read(&flat(&P256, ""))), []);

    for (beside, reason) in [(&p521, KeyError::Curve), (&ed25519, KeyError::Kind)] {
        for attributes in ["", signing] {
            let metadata = read(&(flat(&RSA, "") + &flat(beside, attributes)));
            assert_eq!(told(&metadata), [(4, KeyPurpose::Signing, reason.clone())]);
            // The only one that signs is needed.
            assert_eq!(refused(&(flat(beside, attributes) + &one())), MetadataFault::Key(reason.clone()));
        }
    }
}

#[test]
fn an_element_in_another_namespace_is_named_with_the_one_that_is_looked_for() {
    let whole = role("", &(key(&RSA, "", "") + &one()));
    let dsig = "http://www.w3.org/2000/09/xmldsig#";
    for (from, to, element) in [
        ("<ds:KeyInfo>", "<ds:KeyInfo xmlns:ds=\"https://www.w3.org/2000/09/xmldsig#\">", "ds:KeyInfo"),
        ("<ds:X509Data>", "<ds:X509Data xmlns:ds=\"https://www.w3.org/2000/09/xmldsig#\">", "ds:X509Data"),
        (
            "<ds:X509Certificate>",
            "<ds:X509Certificate xmlns:ds=\"https://www.w3.org/2000/09/xmldsig#\">",
            "ds:X509Certificate",
        ),
    ] {
        let faults = SpMetadata::parse(whole.replace(from, to).as_bytes()).unwrap_err();
        let said = faults.to_string();
        assert!(
            said.contains(&format!("`{element}` in the namespace `https://www.w3.org/2000/09/xmldsig#`")),
            "{said}"
        );
        assert!(said.contains(&format!("{element} in `{dsig}` is looked for")), "{said}");
    }
    let md = "urn:oasis:names:tc:SAML:2.0:metadata";
    for element in ["AssertionConsumerService", "SPSSODescriptor"] {
        let text = whole.replace(&format!("<md:{element} "), &format!("<x:{element} xmlns:x=\"urn:x\" "));
        let text = text.replace(&format!("</md:{element}>"), &format!("</x:{element}>"));
        let said = SpMetadata::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(said.contains(&format!("`x:{element}` in the namespace `urn:x`")) && said.contains(md), "{said}");
    }
    let said = SpMetadata::parse(whole.replace(md, "urn:oasis:names:tc:SAML:2.0:metadat").as_bytes()).unwrap_err();
    assert!(said.to_string().contains("`md:EntityDescriptor` in the namespace `urn:oasis:names:tc:SAML:2.0:metadat`"));
}

#[test]
fn a_fault_tells_its_line() {
    let text = role("", &format!("<!-- a comment -->\n\n{}", acs(POST, "javascript:1", "0", "")));
    assert_eq!(SpMetadata::parse(text.as_bytes()).unwrap_err().first().line, 5);
}

#[test]
fn what_people_see_and_whom_to_ask_is_read() {
    let content = format!(
        "<md:Extensions><mdui:UIInfo><mdui:DisplayName xml:lang=\"es\"> Servicio </mdui:DisplayName>\
         <mdui:DisplayName xml:lang=\"en-US\">Service</mdui:DisplayName>\
         <mdui:Logo width=\"80\" height=\"60\">https://sp.example/l.png</mdui:Logo>\
         <mdui:Logo width=\"80\" height=\"60\">data:image/png;base64,AAAA</mdui:Logo>\
         <mdui:InformationURL xml:lang=\"en\">https://sp.example/help#top</mdui:InformationURL></mdui:UIInfo></md:Extensions>\
         <md:SingleLogoutService Binding=\"{POST}\" Location=\"https://sp.example/slo\" ResponseLocation=\"https://sp.example/r\"/>\
         <md:NameIDFormat> urn:a </md:NameIDFormat><md:NameIDFormat>urn:b</md:NameIDFormat>{}\
         <md:AttributeConsumingService index=\"1\"><md:ServiceName xml:lang=\"en\">n</md:ServiceName>\
         <md:RequestedAttribute Name=\"email\" isRequired=\"1\"/></md:AttributeConsumingService>\
         <md:AttributeConsumingService index=\"2\" isDefault=\"true\"><md:RequestedAttribute Name=\"ssn\" FriendlyName=\"f\"/>\
         </md:AttributeConsumingService>\
         <md:ContactPerson contactType=\"technical\"><md:EmailAddress>mailto:a@sp.example</md:EmailAddress></md:ContactPerson>",
        one()
    );
    let text =
        role("AuthnRequestsSigned=\"1\" WantAssertionsSigned=\"false\" validUntil=\"2027-01-01T00:00:00Z\"", &content)
            .replace("entityID", "validUntil=\"2028-01-01T00:00:00Z\" entityID");
    let metadata = SpMetadata::parse(text.as_bytes()).unwrap();
    assert!(metadata.authn_requests_signed() && !metadata.want_assertions_signed());
    assert_eq!(metadata.valid_until(), Some(utc_datetime!(2027-01-01 0:00)));
    let ui = metadata.user_interface();
    assert_eq!(Localized::choose(&ui.display_names, "es-MX"), Some("Servicio"));
    assert_eq!(Localized::choose(&ui.display_names, "zh"), Some("Service"));
    assert_eq!((ui.logos.len(), ui.information_urls.len()), (1, 1));
    assert_eq!(metadata.single_logout_services()[0].response_location.as_ref().unwrap().url().path(), "/r");
    assert_eq!(metadata.name_id_formats(), ["urn:a", "urn:b"]);
    let names = |index| metadata.attribute_consuming_service(index).map(|s| s.requested_attributes[0].name.clone());
    assert_eq!(names(None).as_deref(), Some("ssn"));
    assert_eq!(names(Some(1)).as_deref(), Some("email"));
    assert_eq!(names(Some(3)), None);
    assert_eq!(metadata.contacts()[0].email_addresses, ["a@sp.example"]);
}

#[test]
fn a_logo_without_an_extent_is_refused() {
    let logo = |width: &str| {
        format!(
            "<md:Extensions><mdui:UIInfo><mdui:Logo {width} height=\"60\">https://sp.example/l.png</mdui:Logo></mdui:UIInfo>\
             </md:Extensions>{}",
            one()
        )
    };
    read(&logo("width=\"1\""));
    for width in ["", "width=\"0\"", "width=\"-1\"", "width=\"wide\""] {
        let fault = MetadataFault::MissingAttribute { element: "mdui:Logo", attribute: "width" };
        assert_eq!(refused(&logo(width)), fault, "{width}");
    }
}

proptest! {
    #[test]
    fn no_octets_make_the_reader_panic(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = SpMetadata::parse(&octets);
    }

    /// Whatever a request names, the answer goes to a registered place or nowhere.
    #[test]
    fn no_request_moves_the_answer(location in "(https?://)?[a-z.:/@#?&%]{0,30}", index in any::<u16>()) {
        let metadata = read(&one());
        for selection in [AcsSelection::Url(location), AcsSelection::Index(index)] {
            if let Ok(at) = metadata.acs_location(&selection, None, true) {
                prop_assert_eq!(at.as_str(), "https://sp.example/acs");
            }
        }
    }
}
