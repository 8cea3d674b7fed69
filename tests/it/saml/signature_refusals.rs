//! Hostile and mistaken signatures. Each is made with the right key over octets that match, unless its name says
//! otherwise: what is refused is refused for its shape alone.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use openssl::hash::{MessageDigest, hash};
use signet::saml::{
    c14n::canonicalize,
    signature::{AlgorithmError, SignatureError, SignaturePosition, Signer, VerifiedElement, verify_enveloped},
    xml::{Document, Element, Limits, XmlFault, ns},
};

use super::keys::{KeyPair, OTHER_RSA, P256, RSA};

const SIGNATURE: &str = concat!(
    r#"<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>"#,
    r#"<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"#,
    r#"<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>"#,
    r##"<ds:Reference URI="#_1"><ds:Transforms>"##,
    r#"<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>"#,
    r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"#,
    r#"</ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>"#,
    r#"<ds:DigestValue>@DIGEST@</ds:DigestValue></ds:Reference></ds:SignedInfo>"#,
    r#"<ds:SignatureValue>@VALUE@</ds:SignatureValue></ds:Signature>"#,
);
const START: &str = concat!(
    r#"<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" "#,
    r#"xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_1">"#
);
const ISSUER: &str = "<saml:Issuer>https://sp.example</saml:Issuer>";
const END: &str = "<samlp:NameIDPolicy/></samlp:AuthnRequest>";
const C14N: &str = r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"#;
const ENVELOPED: &str = r#"<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>"#;

fn request() -> String {
    format!("{START}{ISSUER}{SIGNATURE}{END}")
}

/// The request with one thing changed before it is signed.
fn altered(from: &str, to: &str) -> String {
    let request = request();
    assert!(request.contains(from), "{from}");
    request.replacen(from, to, 1)
}

/// Fills in digest and signature of the first signature in the document, as an attacker with the key would.
fn sign(template: &str, pair: &KeyPair) -> String {
    fn find(element: Element<'_>) -> Option<Element<'_>> {
        if element.is(ns::DSIG, "Signature") { Some(element) } else { element.children().find_map(find) }
    }
    let limits = Limits::METADATA;
    let document = Document::parse(template.as_bytes(), &limits).unwrap();
    let signature = find(document.root()).unwrap();
    let octets = canonicalize(signature.parent().unwrap(), Some(signature), &[]);
    let digest = hash(MessageDigest::sha256(), octets.as_bytes()).unwrap();
    let with_digest = template.replace("@DIGEST@", &BASE64.encode(digest));

    let document = Document::parse(with_digest.as_bytes(), &limits).unwrap();
    let signed_info = find(document.root()).unwrap().child(ns::DSIG, "SignedInfo").unwrap();
    let value = pair.signer().sign(canonicalize(signed_info, None, &[]).as_bytes()).unwrap();
    with_digest.replace("@VALUE@", &BASE64.encode(value))
}

fn judge<T>(xml: &str, then: impl FnOnce(Result<VerifiedElement<'_>, SignatureError>) -> T) -> T {
    let document = Document::parse(xml.as_bytes(), &Limits::PROTOCOL).unwrap();
    then(verify_enveloped(document.root(), SignaturePosition::AfterIssuer, &[RSA.verification_key()]))
}

fn verdict(template: &str) -> SignatureError {
    judge(&sign(template, &RSA), |result| result.expect_err("a refusal"))
}

#[test]
fn the_request_as_it_should_be_verifies() {
    judge(&sign(&request(), &RSA), |result| assert_eq!(result.map(|_| ()), Ok(())));
    // White space between the parts, a KeyInfo, an Id and a PrefixList that lists nothing are within the profile.
    let spaced = altered("<ds:SignedInfo>", "\n <ds:SignedInfo>")
        .replace("</ds:SignatureValue>", "\n</ds:SignatureValue><ds:KeyInfo><ds:KeyName>x</ds:KeyName></ds:KeyInfo>")
        .replace("<ds:Signature ", "<ds:Signature Id='_s' ");
    judge(&sign(&spaced, &RSA), |result| assert_eq!(result.map(|_| ()), Ok(())));
}

#[test]
fn no_signature_is_absent() {
    judge(&format!("{START}{ISSUER}{END}"), |result| assert_eq!(result.unwrap_err(), SignatureError::Absent));
}

#[test]
fn a_signature_further_down_is_absent() {
    let inner = request().replace("_1", "_2");
    let outer = format!("{START}{ISSUER}<samlp:Extensions>{inner}</samlp:Extensions>{END}");
    judge(&sign(&outer, &RSA), |result| assert_eq!(result.unwrap_err(), SignatureError::Absent));
}

#[test]
fn two_signatures_are_refused() {
    assert_eq!(verdict(&format!("{START}{ISSUER}{SIGNATURE}{SIGNATURE}{END}")), SignatureError::Several);
}

#[test]
fn a_signature_out_of_its_place_is_refused() {
    assert_eq!(verdict(&format!("{START}{SIGNATURE}{ISSUER}{END}")), SignatureError::Misplaced);
    assert_eq!(verdict(&format!("{START}{SIGNATURE}{END}")), SignatureError::Misplaced);
    // Second, but behind something else than the Issuer.
    for other in ["<samlp:Extensions/>", "<samlp:Issuer>https://sp.example</samlp:Issuer>"] {
        assert_eq!(verdict(&format!("{START}{other}{SIGNATURE}{END}")), SignatureError::Misplaced, "{other}");
    }
    let last = format!("{START}{ISSUER}{END}").replace("</samlp:AuthnRequest>", SIGNATURE) + "</samlp:AuthnRequest>";
    assert_eq!(verdict(&last), SignatureError::Misplaced);
}

#[test]
fn a_wrapped_request_is_refused() {
    // The signed request hides in Extensions, its signature is lifted to an evil request around it.
    let signed = sign(&request(), &RSA);
    let from = signed.find("<ds:Signature").unwrap();
    let to = signed.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let signature = &signed[from..to];
    let original = signed.replace(signature, "");
    let evil = |id: &str| {
        let start = START.replace("\"_1\"", &format!("\"{id}\""));
        format!("{start}{ISSUER}{signature}<samlp:Extensions>{original}</samlp:Extensions>{END}")
    };
    judge(&evil("_evil"), |result| assert_eq!(result.unwrap_err(), SignatureError::ForeignReference));
    // With the same identifier twice, the document is not even read.
    let error = Document::parse(evil("_1").as_bytes(), &Limits::PROTOCOL).unwrap_err();
    assert_eq!(error.fault, XmlFault::DuplicateId("_1".into()));
    // The original inside the signature itself.
    let object = signature.replace("</ds:Signature>", &format!("<ds:Object>{original}</ds:Object></ds:Signature>"));
    let evil = format!("{}{ISSUER}{object}{END}", START.replace("\"_1\"", "\"_evil\""));
    judge(&evil, |result| assert_eq!(result.unwrap_err(), SignatureError::ObjectRefused));
}

#[test]
fn an_object_is_refused() {
    let template = altered("</ds:Signature>", "<ds:Object><ds:Manifest/></ds:Object></ds:Signature>");
    assert_eq!(verdict(&template), SignatureError::ObjectRefused);
}

#[test]
fn references_to_anything_but_the_element_are_refused() {
    for uri in [
        "URI=\"\"",
        "URI=\"#\"",
        "URI=\"#_2\"",
        "URI=\"#xpointer(/)\"",
        "URI=\"_1\"",
        "URI=\"http://evil.example/#_1\"",
        "URI=\"#_1 \"",
        "",
    ] {
        assert_eq!(verdict(&altered("URI=\"#_1\"", uri)), SignatureError::ForeignReference, "{uri}");
    }
}

#[test]
fn an_identifier_that_is_no_name_is_refused() {
    let template = request().replace("ID=\"_1\"", "ID=\"\"").replace("#_1", "#");
    assert_eq!(verdict(&template), SignatureError::ForeignReference);
}

#[test]
fn an_identifier_in_a_namespace_does_not_count() {
    let template = altered("ID=\"_1\"", "xmlns:x=\"urn:x\" x:ID=\"_1\" ID=\"_2\"");
    assert_eq!(verdict(&template), SignatureError::ForeignReference);
}

#[test]
fn other_transforms_are_refused() {
    let transform = |uri: &str| format!("<ds:Transform Algorithm=\"{uri}\"/>");
    let xpath = transform("http://www.w3.org/TR/1999/REC-xpath-19991116");
    let xslt = transform("http://www.w3.org/TR/1999/REC-xslt-19991116");
    let base64 = transform("http://www.w3.org/2000/09/xmldsig#base64");
    let with_comments = transform("http://www.w3.org/2001/10/xml-exc-c14n#WithComments");
    let inclusive = transform("http://www.w3.org/TR/2001/REC-xml-c14n-20010315");
    for (from, to) in [
        (C14N, format!("{C14N}{xpath}")),
        (C14N, format!("{C14N}{C14N}")),
        (C14N, with_comments),
        (C14N, inclusive),
        (C14N, base64),
        (ENVELOPED, xslt.clone()),
        (ENVELOPED, C14N.to_owned()),
        (ENVELOPED, format!("{xslt}{ENVELOPED}")),
    ] {
        assert!(matches!(verdict(&altered(from, &to)), SignatureError::Transform(_)), "{to}");
    }
    for (from, to) in [
        (C14N, String::new()),
        (C14N, format!("{C14N}<x/>")),
        (ENVELOPED, ENVELOPED.replace("/>", "><ds:XPath>1</ds:XPath></ds:Transform>")),
        (C14N, C14N.replace("/>", "><x/></ds:Transform>")),
    ] {
        assert!(matches!(verdict(&altered(from, &to)), SignatureError::Malformed { .. }), "{to}");
    }
}

#[test]
fn prefix_lists_that_verifiers_read_differently_are_refused() {
    let with = |list: &str| {
        let list = format!(
            "><ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" {list}/></ds:Transform>"
        );
        altered(C14N, &C14N.replace("/>", &list))
    };
    for list in ["PrefixList=\"\"", "PrefixList=\"missing\"", "PrefixList=\"missing #default\""] {
        judge(&sign(&with(list), &RSA), |result| assert_eq!(result.map(|_| ()), Ok(()), "{list}"));
    }
    for list in ["a:b", " a", "a ", "a  b", "a&#9;b", "a\tb ", " "].map(|list| format!("PrefixList=\"{list}\"")) {
        assert!(matches!(verdict(&with(&list)), SignatureError::Malformed { .. }), "{list}");
    }
    assert!(matches!(verdict(&with("")), SignatureError::Malformed { .. }), "none at all");
    let filled = with("PrefixList=\"missing\"").replace("\"missing\"/>", "\"missing\"><x/></ec:InclusiveNamespaces>");
    assert!(matches!(verdict(&filled), SignatureError::Malformed { .. }), "it has a child");
    let many = |count: usize| format!("PrefixList=\"{}\"", vec!["missing"; count].join(" "));
    judge(&sign(&with(&many(24)), &RSA), |result| assert_eq!(result.map(|_| ()), Ok(()), "24"));
    for count in [25, 26, 5_000] {
        assert!(matches!(verdict(&with(&many(count))), SignatureError::Malformed { .. }), "{count}");
    }
}

#[test]
fn other_canonicalizations_of_signed_info_are_refused() {
    for uri in
        ["http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments", ""]
    {
        let template = altered(
            "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>",
            &format!("<ds:CanonicalizationMethod Algorithm=\"{uri}\"/>"),
        );
        assert_eq!(verdict(&template), SignatureError::Canonicalization(uri.into()));
    }
}

#[test]
fn sha1_hmac_and_unknown_algorithms_are_refused() {
    let with = |uri: &str| verdict(&altered("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", uri));
    assert_eq!(with("http://www.w3.org/2000/09/xmldsig#rsa-sha1"), AlgorithmError::Sha1.into());
    assert_eq!(with("http://www.w3.org/2000/09/xmldsig#hmac-sha1"), AlgorithmError::Hmac.into());
    assert_eq!(with("http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"), AlgorithmError::Hmac.into());
    assert_eq!(with("urn:x"), AlgorithmError::Unknown("urn:x".into()).into());
    let digest = altered("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1");
    assert_eq!(verdict(&digest), AlgorithmError::Sha1.into());
}

#[test]
fn an_hmac_keyed_with_the_public_key_is_refused() {
    let template = altered(
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
    );
    let signed = sign(&template, &RSA);
    judge(&signed, |result| assert_eq!(result.unwrap_err(), AlgorithmError::Hmac.into()));
}

#[test]
fn other_than_one_reference_is_refused() {
    let reference = &SIGNATURE[SIGNATURE.find("<ds:Reference").unwrap()..SIGNATURE.find("</ds:SignedInfo>").unwrap()];
    assert_eq!(verdict(&altered(reference, &format!("{reference}{reference}"))), SignatureError::SeveralReferences);
    assert_eq!(verdict(&altered(reference, "")), SignatureError::SeveralReferences);
    assert_eq!(verdict(&altered(reference, "<ds:Manifest/>")), SignatureError::SeveralReferences);
}

#[test]
fn parts_that_do_not_belong_into_a_signature_are_refused() {
    for (from, to) in [
        ("</ds:SignedInfo>", "</ds:SignedInfo><ds:SignedInfo/>"),
        ("<ds:SignedInfo>", "<ds:SignedInfo/><ds:SignedInfo>"),
        ("</ds:Signature>", "<evil/></ds:Signature>"),
        ("<ds:SignatureValue>", "text<ds:SignatureValue>"),
        (
            "xmldsig-more#rsa-sha256\"/>",
            "xmldsig-more#rsa-sha256\"><ds:HMACOutputLength>1</ds:HMACOutputLength></ds:SignatureMethod>",
        ),
        ("xmlenc#sha256\"/>", "xmlenc#sha256\"><x/></ds:DigestMethod>"),
        ("@DIGEST@", "@DIGEST@<x/>"),
        ("<ds:DigestValue>", "<ds:DigestValue evil=\"1\">"),
        ("<ds:SignatureMethod Algorithm=", "<ds:SignatureMethod Alg="),
        ("<ds:Transforms>", "<ds:Transforms evil=\"1\">"),
        ("</ds:Reference>", "<x/></ds:Reference>"),
        ("<ds:Reference ", "<ds:Reference Type=\"http://www.w3.org/2000/09/xmldsig#Manifest\" "),
    ] {
        let error = verdict(&altered(from, to));
        assert!(matches!(error, SignatureError::Malformed { .. } | SignatureError::Xml(_)), "{to}: {error}");
    }
}

#[test]
fn values_that_are_no_base64_are_refused() {
    for value in ["", "=", "a", "not base64!", "AA=A"] {
        let signed = sign(&request(), &RSA);
        let from = signed.find("<ds:SignatureValue>").unwrap() + "<ds:SignatureValue>".len();
        let to = signed.find("</ds:SignatureValue>").unwrap();
        let broken = format!("{}{value}{}", &signed[..from], &signed[to..]);
        judge(&broken, |result| assert!(matches!(result.unwrap_err(), SignatureError::Malformed { .. }), "{value}"));
    }
}

#[test]
fn a_comment_in_the_digest_is_refused() {
    let signed = sign(&request(), &RSA).replace("</ds:DigestValue>", "<!-- x --></ds:DigestValue>");
    assert_eq!(Document::parse(signed.as_bytes(), &Limits::PROTOCOL).unwrap_err().fault, XmlFault::Comment);
}

#[test]
fn what_was_changed_after_signing_is_noticed() {
    let changed = sign(&request(), &RSA).replace("https://sp.example", "https://evil.example");
    judge(&changed, |result| assert_eq!(result.unwrap_err(), SignatureError::DigestMismatch));
    let added = sign(&request(), &RSA).replace(END, "<samlp:Scoping/></samlp:AuthnRequest>");
    judge(&added, |result| assert_eq!(result.unwrap_err(), SignatureError::DigestMismatch));
}

#[test]
fn a_digest_is_not_looked_at_before_the_signature() {
    let signed = sign(&request(), &RSA).replace("https://sp.example", "https://evil.example");
    let resigned = sign(&request(), &OTHER_RSA).replace("https://sp.example", "https://evil.example");
    judge(&signed, |result| assert_eq!(result.unwrap_err(), SignatureError::DigestMismatch));
    judge(&resigned, |result| assert_eq!(result.unwrap_err(), SignatureError::NoKeyVerifies { tried: 1 }));
}

#[test]
fn a_key_that_the_message_brings_along_is_not_believed() {
    let certificate = BASE64.encode(&OTHER_RSA.certificate_der);
    let key_info = format!(
        "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
    );
    let signed = sign(&altered("</ds:Signature>", &format!("{key_info}</ds:Signature>")), &OTHER_RSA);
    judge(&signed, |result| assert_eq!(result.unwrap_err(), SignatureError::NoKeyVerifies { tried: 1 }));
}

#[test]
fn a_key_of_the_wrong_kind_is_not_tried() {
    let document = Document::parse(sign(&request(), &RSA).as_bytes(), &Limits::PROTOCOL).unwrap();
    let verify = |keys: &[_]| verify_enveloped(document.root(), SignaturePosition::AfterIssuer, keys).unwrap_err();
    assert_eq!(verify(&[P256.verification_key()]), SignatureError::NoKeyVerifies { tried: 0 });
    assert_eq!(verify(&[]), SignatureError::NoKeyVerifies { tried: 0 });
    assert!(verify(&[]).to_string().starts_with("no registered key is of the kind"), "{}", verify(&[]));
}
