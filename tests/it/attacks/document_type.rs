//! The document that reaches out.
//!
//! A document type declaration defines entities, and entities read files (`file:///etc/passwd`), call addresses inside
//! the network, and grow a kilobyte into gigabytes ("billion laughs"; CVE-2024-52596, CVE-2016-10149). SAML has no use for
//! one. The reader refuses the declaration itself, before anything in it is looked at, and knows XML's five entities alone.

use signet::saml::{
    binding::BindingError,
    xml::{XmlError, XmlFault},
};

use super::scene::{Refusal, SP, post, refusal, signed};

fn fault(xml: String) -> XmlFault {
    match refusal(&post(xml)) {
        Refusal::Undecodable(BindingError::Xml(XmlError { fault, .. })) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_document_type_declaration_is_refused() {
    let laughs: String =
        (1..10).map(|n| format!("<!ENTITY a{n} \"{}\">", format!("&a{};", n - 1).repeat(10))).collect();
    for declaration in [
        "<!DOCTYPE x>".to_owned(),
        "<!DOCTYPE x [<!ELEMENT a ANY>]>".to_owned(),
        "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>".to_owned(),
        "<!DOCTYPE x [<!ENTITY e SYSTEM \"http://127.0.0.1:9/\">]>".to_owned(),
        "<!DOCTYPE x [<!ENTITY % p SYSTEM \"http://127.0.0.1:9/p.dtd\"> %p;]>".to_owned(),
        "<!DOCTYPE x SYSTEM \"http://127.0.0.1:9/e.dtd\">".to_owned(),
        "<!DOCTYPE x PUBLIC \"a\" \"http://127.0.0.1:9/e.dtd\">".to_owned(),
        format!("<!DOCTYPE x [<!ENTITY a0 \"lol\">{laughs}]>"),
        // An attribute default would add what was never signed.
        "<!DOCTYPE x [<!ATTLIST samlp:AuthnRequest ForceAuthn CDATA \"true\">]>".to_owned(),
    ] {
        assert_eq!(fault(declaration.clone() + &signed()), XmlFault::DoctypeDeclaration, "{declaration}");
    }
}

#[test]
fn an_entity_without_a_declaration_is_refused() {
    let xml = signed().replacen(SP, "&secret;", 1);
    assert_eq!(fault(xml), XmlFault::UnknownEntity("secret".to_owned()));
}

#[test]
fn a_stylesheet_instruction_is_refused() {
    let xml = format!("<?xml-stylesheet href='http://127.0.0.1:9/s.xsl'?>{}", signed());
    assert_eq!(fault(xml), XmlFault::ProcessingInstruction);
}

#[test]
fn inclusions_are_ordinary_elements_and_fetch_nothing() {
    let include = r#"<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" parse="text" href="file:///etc/passwd"/>"#;
    assert!(matches!(fault(signed().replacen(SP, include, 1)), XmlFault::UnexpectedElement(_)));
}
