//! The independent judge: the program xmlsec1 verifies and decrypts what we emit, and signs what we must verify.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use signet::saml::{
    encryption::{BlockEncryption, EncryptionMethod, KeyTransport},
    signature::{SignaturePosition, sign_enveloped, verify_enveloped},
    xml::{Builder, Document, Limits, ns},
};
use tempfile::TempDir;

use super::{
    encryption::{CONTENT_KEY, sealed},
    keys::{P256, P384, RSA},
};

struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Runs xmlsec1; what it wrote, or what it complained about.
    fn xmlsec1(&self, arguments: &[&str], document: &Path) -> Result<String, String> {
        let output = self.folder.path().join("output.xml");
        let run = Command::new("xmlsec1")
            .args(arguments)
            .arg("--output")
            .arg(&output)
            .arg(document)
            .output()
            .expect("the program xmlsec1 is missing: apt-get install xmlsec1");
        if run.status.success() {
            Ok(std::fs::read_to_string(output).unwrap_or_default())
        } else {
            Err(String::from_utf8_lossy(&run.stderr).into_owned())
        }
    }

    fn verify(&self, certificate_der: &[u8], document: &Path, signature: &str) -> Result<String, String> {
        let certificate = openssl::x509::X509::from_der(certificate_der).unwrap();
        let key = self.put("public.pem", certificate.public_key().unwrap().public_key_to_pem().unwrap());
        let mut arguments = vec!["--verify", "--pubkey-pem", key.to_str().unwrap()];
        for element in
            ["urn:oasis:names:tc:SAML:2.0:protocol:Response", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion"]
        {
            arguments.extend(["--id-attr:ID", element]);
        }
        arguments.extend(["--node-xpath", signature]);
        self.xmlsec1(&arguments, document)
    }
}

/// The OASIS schemas, as Debian packages them.
pub fn assert_schema_valid(document: &Path) {
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/saml/schemas");
    let judged = Command::new("xmllint")
        .env("XML_CATALOG_FILES", schemas.join("catalog.xml"))
        .args(["--nonet", "--noout", "--schema"])
        .arg(schemas.join("saml-all.xsd"))
        .arg(document)
        .output()
        .expect("the program xmllint is missing: apt-get install libxml2-utils");
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stderr));
}

/// Its first signature, which is its own where it has one, is made by the key of this certificate (PEM), as xmlsec1 sees it.
pub fn assert_xmlsec1_verifies(certificate: &Path, document: &Path) {
    let elements = [
        "protocol:AuthnRequest",
        "protocol:LogoutRequest",
        "protocol:LogoutResponse",
        "protocol:Response",
        "assertion:Assertion",
        "metadata:EntityDescriptor",
    ];
    let judged = Command::new("xmlsec1")
        .arg("--verify")
        .args(
            elements.iter().flat_map(|name| ["--id-attr:ID".to_owned(), format!("urn:oasis:names:tc:SAML:2.0:{name}")]),
        )
        .arg("--pubkey-cert-pem")
        .args([certificate, document])
        .output()
        .expect("the program xmlsec1 is missing: apt-get install xmlsec1");
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stderr));
}

const OF_RESPONSE: &str = "/*/*[local-name()='Signature']";
const OF_ASSERTION: &str = "/*/*[local-name()='Assertion']/*[local-name()='Signature']";

/// Whether xmlsec1 verifies a Response's own signature by the key in this certificate.
pub fn xmlsec1_verifies(certificate_der: &[u8], response: &str) -> Result<(), String> {
    let desk = Desk::new();
    let document = desk.put("response.xml", response);
    desk.verify(certificate_der, &document, OF_RESPONSE).map(drop)
}

fn issuer() -> Builder {
    Builder::element("saml", ns::ASSERTION, "Issuer").text("https://idp.example/saml?a=1&b=2")
}

#[test]
fn xmlsec1_verifies_what_we_sign_and_notices_a_change() {
    let desk = Desk::new();
    for (signer, pair) in super::signature::every_signer() {
        let assertion = Builder::element("saml", ns::ASSERTION, "Assertion")
            .attribute("ID", "_a")
            .child(issuer())
            .child(Builder::element("saml", ns::ASSERTION, "AttributeValue").text("O'Public & <Sons>\r\n\t\"é🔑\""));
        let assertion = sign_enveloped(&assertion, SignaturePosition::AfterIssuer, &*signer).unwrap();
        let response = Builder::element("samlp", ns::PROTOCOL, "Response")
            .attribute("ID", "_r")
            .attribute("Destination", "https://sp.example/acs?x=\"1\"\n")
            .child(issuer())
            .fragment(&assertion);
        let response = sign_enveloped(&response, SignaturePosition::AfterIssuer, &*signer).unwrap();
        let path = desk.put("response.xml", response.as_bytes());
        desk.verify(&pair.certificate_der, &path, OF_RESPONSE).unwrap();
        desk.verify(&pair.certificate_der, &path, OF_ASSERTION).unwrap();
        let changed = desk.put("changed.xml", response.as_str().replace("Sons", "Suns"));
        assert!(desk.verify(&pair.certificate_der, &changed, OF_RESPONSE).is_err());
        assert!(desk.verify(&pair.certificate_der, &changed, OF_ASSERTION).is_err());
    }
}

#[test]
fn xmlsec1_decrypts_what_we_encrypt() {
    let desk = Desk::new();
    let key = desk.put("private.pem", &RSA.private_pem);
    for cipher in BlockEncryption::ALL {
        let encrypted = Builder::element("saml", ns::ASSERTION, "EncryptedAssertion").fragment(&sealed(cipher));
        let path = desk.put("encrypted.xml", encrypted.canonical().unwrap().as_bytes());
        let opened = desk.xmlsec1(&["--decrypt", "--privkey-pem", key.to_str().unwrap()], &path).unwrap();
        assert!(opened.contains("a name &amp; a number"), "{cipher:?}: {opened}");
        assert!(!opened.contains("CipherValue"), "{cipher:?}");
    }
}

// Inside OAEP xmlsec1 1.2 knows SHA-1 alone; the program openssl knows every pair of digest and mask.
#[test]
fn openssl_opens_every_key_transport_by_the_names_in_the_message() {
    use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
    let desk = Desk::new();
    let key = desk.put("private.pem", &RSA.private_pem);
    let mut seen = std::collections::BTreeSet::new();
    for key_transport in KeyTransport::ALL {
        let sealed = sealed(EncryptionMethod { cipher: BlockEncryption::Aes256Gcm, key_transport });
        let (_, encrypted_key) = sealed.as_str().split_once("<xenc:EncryptedKey").unwrap();
        let (encrypted_key, _) = encrypted_key.split_once("</xenc:EncryptedKey>").unwrap();
        let digest =
            if encrypted_key.contains("\"http://www.w3.org/2001/04/xmlenc#sha256\"") { "sha256" } else { "sha1" };
        let mask =
            if encrypted_key.contains("\"http://www.w3.org/2009/xmlenc11#mgf1sha256\"") { "sha256" } else { "sha1" };
        let newer = encrypted_key.contains("\"http://www.w3.org/2009/xmlenc11#rsa-oaep\"");
        assert_eq!(encrypted_key.contains("<xenc11:MGF "), newer);
        assert!(seen.insert((newer, digest, mask)), "each is written differently");

        let (_, value) = encrypted_key.split_once("<xenc:CipherValue>").unwrap();
        let wrapped = desk.put("key.bin", BASE64.decode(value.split('<').next().unwrap()).unwrap());
        let opened = Command::new("openssl")
            .args(["pkeyutl", "-decrypt", "-pkeyopt", "rsa_padding_mode:oaep", "-inkey"])
            .arg(&key)
            .arg("-in")
            .arg(wrapped)
            .args(["-pkeyopt", &format!("rsa_oaep_md:{digest}"), "-pkeyopt", &format!("rsa_mgf1_md:{mask}")])
            .output()
            .expect("the program openssl is missing: apt-get install openssl");
        assert_eq!(opened.stdout, CONTENT_KEY, "{key_transport:?}: {}", String::from_utf8_lossy(&opened.stderr));
    }
}

#[test]
fn we_verify_what_xmlsec1_signs() {
    let desk = Desk::new();
    let cases = [
        (&*RSA, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha256"),
        (&*RSA, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", "http://www.w3.org/2001/04/xmldsig-more#sha384"),
        (&*RSA, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", "http://www.w3.org/2001/04/xmlenc#sha512"),
        (&*P256, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha256"),
        (&*P384, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", "http://www.w3.org/2001/04/xmlenc#sha512"),
    ];
    let lists = ["", "xs", "xs saml", "#default xs ds"];
    for (pair, method, digest) in cases {
        for list in lists {
            let key = desk.put("private.pem", &pair.private_pem);
            let prefixes = if list.is_empty() {
                String::new()
            } else {
                format!(
                    "<ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"{list}\"/>"
                )
            };
            // Pretty-printed, with prefixes in scope that are used in values only, and defaults undone.
            let template = format!(
                "<?xml version=\"1.0\"?>\n<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
                 xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns=\"urn:default\"\n   ID=\"_1\" Version='2.0'>\n \
                 <saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">https://sp.example/&amp;</saml:Issuer>\
                 <ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\n<ds:SignedInfo>\
                 <ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">{prefixes}</ds:CanonicalizationMethod>\n\
                 <ds:SignatureMethod Algorithm=\"{method}\"/><ds:Reference URI=\"#_1\"><ds:Transforms>\
                 <ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>\
                 <ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">{prefixes}</ds:Transform></ds:Transforms>\
                 <ds:DigestMethod Algorithm=\"{digest}\"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/>\
                 </ds:Signature>\r\n<samlp:Extensions><x y=\"a\tb&#10;c\">&#13;<![CDATA[<&>]]></x><z xmlns=\"\"/></samlp:Extensions>\
                 </samlp:AuthnRequest>\n"
            );
            let path = desk.put("template.xml", template);
            let arguments = [
                "--sign",
                "--privkey-pem",
                key.to_str().unwrap(),
                "--id-attr:ID",
                "urn:oasis:names:tc:SAML:2.0:protocol:AuthnRequest",
            ];
            let signed = desk.xmlsec1(&arguments, &path).unwrap();
            let document = Document::parse(signed.as_bytes(), &Limits::PROTOCOL).unwrap();
            verify_enveloped(document.root(), SignaturePosition::AfterIssuer, &[pair.verification_key()])
                .unwrap_or_else(|error| panic!("{error}: {method} with {list:?}\n{signed}"));
            let changed = signed.replace("sp.example", "sp.evil.example");
            let document = Document::parse(changed.as_bytes(), &Limits::PROTOCOL).unwrap();
            verify_enveloped(document.root(), SignaturePosition::AfterIssuer, &[pair.verification_key()]).unwrap_err();
        }
    }
}
