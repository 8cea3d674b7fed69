//! The strict reader: what it reads, and every refusal by name.

use proptest::prelude::*;
use signet::saml::xml::{Comments, Document, Limits, XmlFault};

fn read(xml: impl AsRef<[u8]>) -> Result<Document, XmlFault> {
    Document::parse(xml.as_ref(), &Limits::PROTOCOL).map_err(|error| error.fault)
}

/// The fault for which a document is refused.
fn fault(xml: impl AsRef<[u8]>) -> XmlFault {
    read(xml).expect_err("a refusal")
}

fn root_text(xml: impl AsRef<[u8]>) -> String {
    read(xml).expect("a document").root().text().expect("text").into_owned()
}

#[test]
fn names_attributes_and_text_are_read() {
    let xml = r#"<?xml version="1.0" encoding="UTF-8"?>
<p:a xmlns:p="urn:p" xmlns="urn:d" b="1" p:b="2"> <c>x&amp;y<![CDATA[<z>]]>&#x1F511;</c><p:c/></p:a>
"#;
    let document = read(xml).unwrap();
    let root = document.root();
    assert!(root.is("urn:p", "a"));
    assert_eq!(
        (root.attribute("b"), root.attribute_ns("urn:p", "b"), root.attribute("d")),
        (Some("1"), Some("2"), None)
    );
    let children: Vec<_> = root.children().collect();
    assert_eq!(children.len(), 2);
    assert!(children[0].is("urn:d", "c"));
    assert_eq!(children[0].text().unwrap(), "x&y<z>🔑");
    assert!(root.child("urn:p", "c").unwrap().same_node(children[1]));
    assert!(children[1].parent().unwrap().same_node(root));
    assert_eq!(children[1].line(), 2);
}

#[test]
fn text_around_a_dropped_comment_is_one_text() {
    let document = Document::parse(b"<a>admin<!-- x -->.evil</a>", &Limits::METADATA).unwrap();
    assert_eq!(document.root().text().unwrap(), "admin.evil");
}

#[test]
fn text_is_never_read_around_an_element() {
    let document = read("<a>x<b/>y</a>").unwrap();
    assert_eq!(document.root().text().unwrap_err().fault, XmlFault::UnexpectedElement("b".into()));
}

#[test]
fn a_second_child_of_one_name_is_a_fault() {
    let document = read("<a>\n<b/>\n<b/></a>").unwrap();
    let error = document.root().only_child("", "b").unwrap_err();
    assert_eq!((error.line, error.fault), (3, XmlFault::DuplicateElement("b".into())));
    assert!(document.root().only_child("", "c").unwrap().is_none());
}

#[test]
fn a_child_of_the_same_name_in_another_namespace_is_another() {
    let document = read(r#"<a><x:b xmlns:x="urn:x"/><b/></a>"#).unwrap();
    assert!(document.root().only_child("", "b").unwrap().is_some());
}

#[test]
fn line_ends_and_attribute_white_space_are_normalised() {
    assert_eq!(root_text("<a>1\r\n2\r3&#13;</a>"), "1\n2\n3\r");
    assert_eq!(read("<a b='1\r\n2\t3&#10;'/>").unwrap().root().attribute("b"), Some("1 2 3\n"));
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_document() {
    assert!(read("\u{FEFF}<a/>").is_ok());
    assert!(read("\u{FEFF}<?xml version='1.0'?><a/>").is_ok());
    assert_eq!(fault("\u{FEFF}\u{FEFF}<a/>"), XmlFault::TextOutsideRoot);
}

#[test]
fn the_fault_tells_its_line() {
    let error = Document::parse(b"<a>\n<b>\n  <c x='1' x='2'/></b></a>", &Limits::PROTOCOL).unwrap_err();
    assert_eq!(error.line, 3);
    assert_eq!(error.to_string(), "line 3: attribute x appears twice in one element");
    assert_eq!(Document::parse(b"<a>\n\n\xFF</a>", &Limits::PROTOCOL).unwrap_err().line, 3);
}

#[test]
fn a_document_type_is_refused() {
    assert_eq!(fault("<!DOCTYPE a><a/>"), XmlFault::DoctypeDeclaration);
    assert_eq!(fault("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"), XmlFault::DoctypeDeclaration);
    assert_eq!(fault("<a/><!DOCTYPE a>"), XmlFault::DoctypeDeclaration);
    assert!(read("<!doctype a><a/>").is_err());
}

#[test]
fn a_processing_instruction_is_refused() {
    assert_eq!(fault("<?xml-stylesheet href='x'?><a/>"), XmlFault::ProcessingInstruction);
    assert_eq!(fault("<a><?x y?></a>"), XmlFault::ProcessingInstruction);
    assert_eq!(fault("<a/><?x?>"), XmlFault::ProcessingInstruction);
}

#[test]
fn a_comment_in_a_protocol_message_is_refused() {
    assert_eq!(fault("<a>x<!-- y -->z</a>"), XmlFault::Comment);
    assert_eq!(fault("<!-- y --><a/>"), XmlFault::Comment);
}

#[test]
fn entities_beyond_the_five_are_refused() {
    assert_eq!(fault("<a>&nbsp;</a>"), XmlFault::UnknownEntity("nbsp".into()));
    assert_eq!(fault("<a b='&nbsp;'/>"), XmlFault::UnknownEntity("nbsp".into()));
    for digits in ["#", "#x", "#+65", "#-65", "#x+41", "#xG", "#6 5", "#X41"] {
        assert_eq!(fault(format!("<a>&{digits};</a>")), XmlFault::UnknownEntity(digits.into()));
    }
    assert_eq!(root_text("<a>&lt;&gt;&amp;&apos;&quot;&#65;&#x42;</a>"), "<>&'\"AB");
}

#[test]
fn characters_that_xml_does_not_allow_are_refused() {
    for xml in [
        "<a>\u{0}</a>",
        "<a>\u{8}</a>",
        "<a b='\u{1F}'/>",
        "<a>\u{FFFE}</a>",
        "<a>&#0;</a>",
        "<a>&#xFFFF;</a>",
        "<a b='&#1;'/>",
    ] {
        assert_eq!(fault(xml), XmlFault::IllegalCharacter, "{xml:?}");
    }
}

#[test]
fn other_encodings_are_refused() {
    assert_eq!(fault(b"<a>\xE4</a>"), XmlFault::NotUtf8);
    assert_eq!(fault(b"\xFF\xFE<\0a\0/\0>\0"), XmlFault::NotUtf8);
    // Overlong forms and surrogates are no UTF-8 either.
    assert_eq!(fault(b"<a>\xC0\xBC</a>"), XmlFault::NotUtf8);
    assert_eq!(fault(b"<a>\xED\xA0\x80</a>"), XmlFault::NotUtf8);
    assert_eq!(fault("<?xml version='1.0' encoding='ISO-8859-1'?><a/>"), XmlFault::Encoding);
    assert_eq!(fault("<?xml version='1.0' encoding='UTF-16'?><a/>"), XmlFault::Encoding);
}

#[test]
fn a_malformed_declaration_is_refused() {
    for xml in [
        "<?xml version='1.1'?><a/>",
        "<?xml encoding='UTF-8'?><a/>",
        "<?xml version='1.0' standalone='maybe'?><a/>",
        "<?xml version='1.0' standalone='yes' encoding='UTF-8'?><a/>",
        "<?xml version='1.0' x='y'?><a/>",
        "<?xml?><a/>",
        " <?xml version='1.0'?><a/>",
        "<a><?xml version='1.0'?></a>",
    ] {
        assert_eq!(fault(xml), XmlFault::MalformedDeclaration, "{xml}");
    }
    assert!(read("<?xml version=\"1.0\" encoding='utf-8' standalone='no' ?><a/>").is_ok());
}

#[test]
fn one_root_and_nothing_beside_it() {
    assert_eq!(fault(""), XmlFault::NoRoot);
    assert_eq!(fault(" \n"), XmlFault::NoRoot);
    assert_eq!(fault("<a/><b/>"), XmlFault::SeveralRoots);
    assert_eq!(fault("<a></a><a></a>"), XmlFault::SeveralRoots);
    for xml in ["<a/>x", "x<a/>", "<a/>&amp;", "<a/>&#32;", "<a/><![CDATA[ ]]>", "<![CDATA[]]><a/>"] {
        assert_eq!(fault(xml), XmlFault::TextOutsideRoot, "{xml}");
    }
    assert!(read("\n<a/>\n ").is_ok());
}

#[test]
fn ill_formed_documents_are_refused() {
    for xml in [
        "<a>",
        "<a><b></a></b>",
        "</a>",
        "<a></a></a>",
        "<a",
        "<a b='1'",
        "<a>&amp</a>",
        "<a>&",
        "<a>x & y</a>",
        "<a><![CDATA[x</a>",
        "<a>x]]>y</a>",
        "<a b='<'/>",
        "<a b='1'c='2'/>",
        "<a b/>",
        "<a b=1/>",
        "<a b='1/>",
        "<a b=xcx/>",
        "<a b='&amp'/>",
        "<>",
        "</>",
        "<a/ >",
        "< a/>",
        "<a></ a>",
        "<a></a b='1'>",
        "<!-->",
        "<a><!></a>",
        "<a =''/>",
    ] {
        let fault = fault(xml);
        assert!(
            matches!(fault, XmlFault::NotWellFormed(_) | XmlFault::AttributeSyntax | XmlFault::MalformedName(_)),
            "{xml}: {fault}"
        );
    }
    let comments = Limits { comments: Comments::Dropped, ..Limits::PROTOCOL };
    for xml in ["<a><!-- -- --></a>", "<a><!-- x ---></a>", "<a><!-- </a>", "<a><!--></a>", "<a><!---></a>"] {
        assert!(Document::parse(xml.as_bytes(), &comments).is_err(), "{xml}");
    }
}

#[test]
fn bad_names_are_refused() {
    for xml in [
        "<1a/>",
        "<a:b:c xmlns:a='urn:a'/>",
        "<:a/>",
        "<a:/>",
        "<a 1b='x'/>",
        "<a xmlns:1='urn:a'/>",
        "<a xmlns:='urn:a'/>",
        "<a\u{d7}/>",
    ] {
        assert!(matches!(fault(xml), XmlFault::MalformedName(_)), "{xml}");
    }
}

#[test]
fn unbound_prefixes_are_refused() {
    assert_eq!(fault("<p:a/>"), XmlFault::UnboundPrefix("p".into()));
    assert_eq!(fault("<a p:b='1'/>"), XmlFault::UnboundPrefix("p".into()));
    // What an element declared ends with it.
    assert_eq!(fault("<a><b xmlns:p='urn:p'/><p:c/></a>"), XmlFault::UnboundPrefix("p".into()));
    assert_eq!(fault("<a><b xmlns:p='urn:p'></b><p:c/></a>"), XmlFault::UnboundPrefix("p".into()));
}

#[test]
fn reserved_prefixes_keep_their_meaning() {
    for xml in [
        "<a xmlns:xml='urn:a'/>",
        "<a xmlns:xmlns='urn:a'/>",
        "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>",
        "<a xmlns='http://www.w3.org/XML/1998/namespace'/>",
        "<a xmlns:p='http://www.w3.org/2000/xmlns/'/>",
        "<a xmlns:p=''/>",
    ] {
        assert!(matches!(fault(xml), XmlFault::ReservedNamespace(_)), "{xml}");
    }
    assert!(read("<a xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:lang='en'/>").is_ok());
}

#[test]
fn relative_namespaces_are_refused() {
    for uri in
        ["x", "../x", "#x", "1:x", "urn:", "urn: x", "urn:\"x", "urn:é", "urn:%", "urn:%1g", "urn:[x]", "urn:a#b#c"]
    {
        assert_eq!(fault(format!("<a xmlns='{uri}'/>")), XmlFault::RelativeNamespace, "{uri}");
    }
}

#[test]
fn duplicate_attributes_are_refused_by_expanded_name() {
    assert_eq!(fault("<a b='1' b='2'/>"), XmlFault::DuplicateAttribute("b".into()));
    assert_eq!(fault("<a xmlns:p='urn:x' xmlns:q='urn:x' p:b='1' q:b='2'/>"), XmlFault::DuplicateAttribute("b".into()));
    assert_eq!(fault("<a xmlns='urn:a' xmlns='urn:b'/>"), XmlFault::DuplicateNamespaceDeclaration(String::new()));
    assert_eq!(fault("<a xmlns:p='urn:a' xmlns:p='urn:b'/>"), XmlFault::DuplicateNamespaceDeclaration("p".into()));
    assert!(read("<a xmlns='urn:x' xmlns:p='urn:x' b='1' p:b='2'/>").is_ok());
}

#[test]
fn duplicate_identifiers_are_refused_whatever_they_are_called() {
    for (first, second) in
        [("ID", "ID"), ("ID", "Id"), ("Id", "id"), ("AssertionID", "ID"), ("ID", "xml:id"), ("p:ID", "ID")]
    {
        let xml = format!("<a xmlns:p='urn:p' {first}='x'>\n<b {second}='x'/></a>");
        assert_eq!(fault(&xml), XmlFault::DuplicateId("x".into()), "{xml}");
    }
    let apart = "<a ID='x'><b ID='y'/><b ID='a'/><b ID='x'/></a>";
    assert_eq!(fault(apart), XmlFault::DuplicateId("x".into()));
    assert!(read("<a ID='x'><b ID='y' InResponseTo='x'/></a>").is_ok());
}

#[test]
fn every_limit_holds_at_its_edge() {
    let limits = Limits {
        bytes: 1_000,
        depth: 3,
        nodes: 6,
        attributes: 2,
        namespaces: 2,
        namespaces_in_scope: 3,
        text_bytes: 10,
        comments: Comments::Dropped,
    };
    let check = |xml: String| Document::parse(xml.as_bytes(), &limits).map(drop).map_err(|error| error.fault);

    assert_eq!(check(format!("<a>{}</a>", " ".repeat(1_000 - 7))), Err(XmlFault::TooMuchText(10)));
    assert_eq!(check(format!("<a/>{}", " ".repeat(996))), Ok(()));
    assert_eq!(check(format!("<a/>{}", " ".repeat(997))), Err(XmlFault::TooManyBytes(1_000)));

    assert_eq!(check("<a><b><c/></b></a>".into()), Ok(()));
    assert_eq!(check("<a><b><c><d/></c></b></a>".into()), Err(XmlFault::TooDeep(3)));

    assert_eq!(check("<a><b/><b/><b/><b/><b/></a>".into()), Ok(()));
    assert_eq!(check("<a><b/><b/><b/><b/><b/>x</a>".into()), Err(XmlFault::TooManyNodes(6)));
    assert_eq!(check("<a><!----><!----><!----><!----><!----><!----></a>".into()), Err(XmlFault::TooManyNodes(6)));

    assert_eq!(check("<a b='' c='' xmlns='u:x' xmlns:p='u:p'/>".into()), Ok(()));
    assert_eq!(check("<a b='' c='' d=''/>".into()), Err(XmlFault::TooManyAttributes(2)));
    assert_eq!(check("<a xmlns='u:x' xmlns:p='u:p' xmlns:q='u:q'/>".into()), Err(XmlFault::TooManyNamespaces(2)));
    assert_eq!(
        check("<a xmlns='u:x' xmlns:p='u:p'><b xmlns:q='u:q' xmlns:r='u:r'/></a>".into()),
        Err(XmlFault::TooManyNamespaces(3))
    );
    assert_eq!(check("<a xmlns='u:x' xmlns:p='u:p'><b xmlns:q='u:q'/><b xmlns:r='u:r'/></a>".into()), Ok(()));
    assert_eq!(
        check("<a xmlns='u:x' xmlns:p='u:p'><b xmlns:q='u:q'><c xmlns:r='u:r'/></b></a>".into()),
        Err(XmlFault::TooManyNamespaces(3))
    );

    assert_eq!(check("<a>1234567890</a>".into()), Ok(()));
    assert_eq!(check("<a>12345<!-- -->67890</a>".into()), Ok(()));
    assert_eq!(check("<a>12345<!-- -->678901</a>".into()), Err(XmlFault::TooMuchText(10)));
    assert_eq!(check("<a b='1234567890'>12345<!-- -->67890</a>".into()), Ok(()), "each counts for itself");
    assert_eq!(check("<a>1234567890&lt;</a>".into()), Err(XmlFault::TooMuchText(10)));
    assert_eq!(check("<a><![CDATA[12345678901]]></a>".into()), Err(XmlFault::TooMuchText(10)));
    assert_eq!(check("<a b='1234567890'/>".into()), Ok(()));
    assert_eq!(check("<a b='12345678901'/>".into()), Err(XmlFault::TooMuchText(10)));
}

#[test]
fn eighty_thousand_attributes_are_refused_before_any_is_kept() {
    let attributes: String = (0..80_000).map(|n| format!(" a{n}=''")).collect();
    let limits = Limits { bytes: 2_000_000, ..Limits::PROTOCOL };
    let error = Document::parse(format!("<a{attributes}/>").as_bytes(), &limits).unwrap_err();
    assert_eq!(error.fault, XmlFault::TooManyAttributes(24));
}

proptest! {
    /// Whatever comes in, the reader answers and does not stop the program.
    #[test]
    fn no_octets_stop_the_reader(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Document::parse(&octets, &Limits::METADATA);
    }

    /// The same with text that is nearly XML.
    #[test]
    fn no_markup_stops_the_reader(
        parts in proptest::collection::vec(
            prop::sample::select(vec![
                "<", ">", "/", "<!", "<!-", "<!--", "-->", "--", "-", "<![CDATA[", "]]>", "]", "<?", "?>", "?", "<?xml ",
                "<!DOCTYPE", "[", "&", ";", "#", "#x", "amp", "a", "b:", "xmlns", "xmlns:b", "=", "'", "\"", " ", "\r", "\n",
                "urn:x", "<a>", "</a>", "<a/>", "\u{FEFF}", "é", "🔑",
            ]),
            0..40,
        )
    ) {
        let _ = Document::parse(parts.concat().as_bytes(), &Limits::METADATA);
    }
}
