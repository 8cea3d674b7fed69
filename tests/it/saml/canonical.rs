//! The writer and the canonicalizer: what is written is read back the same, is canonical already, and libxml2 agrees.

use std::{fmt::Write as _, process::Command};

use proptest::{prelude::*, test_runner::TestRng};
use signet::saml::{
    c14n::canonicalize,
    xml::{Builder, Document, Limits, WriteError, ns},
};

/// Any text that XML 1.0 can carry, with the awkward characters often among it.
fn any_xml_text() -> impl Strategy<Value = String> {
    let awkward = prop::sample::select(vec![
        '<',
        '>',
        '&',
        '"',
        '\'',
        '\r',
        '\n',
        '\t',
        ' ',
        ']',
        '\u{85}',
        '\u{A0}',
        '\u{2028}',
        '\u{FFFD}',
        '\u{E000}',
        '\u{10FFFF}',
        '\u{7F}',
    ]);
    let legal = any::<char>()
        .prop_filter("legal in XML 1.0", |c| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{FFFD}' | '\u{10000}'..));
    proptest::collection::vec(prop_oneof![awkward, legal], 0..40).prop_map(|chars| chars.into_iter().collect())
}

fn attribute_value(value: &str) -> Builder {
    Builder::element("saml", ns::ASSERTION, "Attribute")
        .attribute("Name", value)
        .child(Builder::element("saml", ns::ASSERTION, "AttributeValue").text(value))
}

proptest! {
    #[test]
    fn what_is_written_is_read_back_the_same(value in any_xml_text()) {
        let written = attribute_value(&value).canonical().unwrap();
        let document = Document::parse(written.as_bytes(), &Limits::PROTOCOL).unwrap();
        prop_assert_eq!(document.root().attribute("Name"), Some(&*value));
        let read = document.root().child(ns::ASSERTION, "AttributeValue").unwrap().text().unwrap();
        prop_assert_eq!(&*read, &*value);
        prop_assert_eq!(document.root().children().count(), 1);
        // Written means canonical already.
        prop_assert_eq!(canonicalize(document.root(), None, &[]), written.as_str());
    }

    #[test]
    fn what_xml_cannot_carry_is_refused(before in any_xml_text(), bad in prop::sample::select(vec!['\0', '\u{1}', '\u{B}', '\u{1F}', '\u{FFFE}', '\u{FFFF}'])) {
        prop_assert_eq!(attribute_value(&format!("{before}{bad}")).canonical(), Err(WriteError::IllegalCharacter));
    }
}

#[test]
fn a_fragment_stays_canonical_in_itself_and_in_what_is_around_it() {
    let assertion = Builder::element("saml", ns::ASSERTION, "Assertion")
        .attribute("ID", "_a")
        .child(Builder::element("ds", ns::DSIG, "Signature"))
        .canonical()
        .unwrap();
    let response = Builder::element("samlp", ns::PROTOCOL, "Response")
        .child(Builder::element("saml", ns::ASSERTION, "Issuer").text("i"))
        .fragment(&assertion)
        .canonical()
        .unwrap();
    let document = Document::parse(response.as_bytes(), &Limits::PROTOCOL).unwrap();
    assert_eq!(canonicalize(document.root(), None, &[]), response.as_str());
    let inner = document.root().child(ns::ASSERTION, "Assertion").unwrap();
    assert_eq!(canonicalize(inner, None, &[]), assertion.as_str());
}

#[test]
fn a_fragment_inside_its_own_namespace_is_refused() {
    let inner = Builder::element("saml", ns::ASSERTION, "Issuer").canonical().unwrap();
    let outer = Builder::element("saml", ns::ASSERTION, "Assertion").fragment(&inner);
    assert_eq!(outer.canonical(), Err(WriteError::FragmentRepeatsNamespace));
}

#[test]
fn a_fragment_in_a_fragment_keeps_its_prefixes_to_itself_too() {
    let inner = Builder::element("saml", ns::ASSERTION, "Issuer").canonical().unwrap();
    let middle = Builder::element("samlp", ns::PROTOCOL, "Status").fragment(&inner).canonical().unwrap();
    let outer = Builder::element("saml", ns::ASSERTION, "Advice").fragment(&middle);
    assert_eq!(outer.canonical(), Err(WriteError::FragmentRepeatsNamespace));
}

#[test]
fn declarations_come_in_the_order_of_their_prefixes_each_once() {
    let element = Builder::element("m", "urn:m", "a")
        .attribute_ns("z", "urn:z", "x", "1")
        .attribute_ns("b", "urn:b", "y", "2")
        .attribute_ns("m", "urn:m", "w", "3")
        .attribute_ns("b", "urn:b", "z", "4")
        .attribute("plain", "5")
        .child(Builder::element("z", "urn:z", "c").child(Builder::element("", "urn:d", "e").attribute("f", "")))
        .child(Builder::element("m", "urn:other", "g"))
        .child(Builder::element("m", "urn:m", "h").attribute_ns("b", "urn:b", "i", ""));
    let known = concat!(
        r#"<m:a xmlns:b="urn:b" xmlns:m="urn:m" xmlns:z="urn:z" plain="5" b:y="2" b:z="4" m:w="3" z:x="1">"#,
        r#"<z:c><e xmlns="urn:d" f=""></e></z:c><m:g xmlns:m="urn:other"></m:g><m:h b:i=""></m:h></m:a>"#
    );
    let written = element.canonical().unwrap();
    assert_eq!(written.as_str(), known);
    let document = Document::parse(known.as_bytes(), &Limits::PROTOCOL).unwrap();
    assert_eq!(canonicalize(document.root(), None, &[]), known);
    let of_default = Builder::element("", "urn:d", "e").attribute("f", "1").attribute_ns("b", "urn:b", "y", "2");
    let known = r#"<e xmlns="urn:d" xmlns:b="urn:b" f="1" b:y="2"></e>"#;
    assert_eq!(of_default.canonical().unwrap().as_str(), known);
}

#[test]
fn an_attribute_that_xml_cannot_carry_is_refused() {
    for bad in ['\0', '\u{B}', '\u{FFFF}'] {
        let element = Builder::element("", "", "a").attribute("b", bad.to_string());
        assert_eq!(element.canonical(), Err(WriteError::IllegalCharacter), "{bad:?}");
    }
}

#[test]
fn names_that_are_none_are_refused() {
    for prefix in ["1", "a:b", " "] {
        assert_eq!(Builder::element(prefix, "urn:a", "a").canonical(), Err(WriteError::MalformedName(prefix)));
    }
    assert_eq!(Builder::element("p", "", "a").canonical(), Err(WriteError::MalformedName("p")));
    for local in ["", "1", "a:b", "a b"] {
        assert_eq!(Builder::element("", "", local).canonical(), Err(WriteError::MalformedName(local)));
        let attribute = Builder::element("", "", "a").attribute(local, "");
        assert_eq!(attribute.canonical(), Err(WriteError::MalformedName(local)));
    }
    let two_meanings = Builder::element("p", "urn:a", "a").attribute_ns("p", "urn:b", "b", "");
    assert_eq!(two_meanings.canonical(), Err(WriteError::MalformedName("p")));
}

#[test]
fn an_attribute_set_twice_is_refused() {
    let twice = Builder::element("", "", "a").attribute("b", "1").attribute("b", "2");
    assert_eq!(twice.canonical(), Err(WriteError::DuplicateAttribute("b")));
}

/// Makes documents with everything that canonicalization has to get right: nested and shadowed prefixes, undeclared
/// defaults, attributes in namespaces, references, CDATA, line ends, comments.
struct Generator {
    rng: TestRng,
    out: String,
}

impl Generator {
    fn below(&mut self, n: usize) -> usize {
        self.rng.next_u32() as usize % n
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    fn element(&mut self, depth: u32, scope: &[(String, String)]) {
        let mut scope = scope.to_vec();
        let mut declarations = String::new();
        for prefix in ["", "p", "q", "r"] {
            if self.below(4) == 0 {
                // No `&`: libxml2 writes it unescaped in namespace names, against the recommendation.
                let uri = self.pick(&["urn:one", "urn:two", "http://three.example/?x=1", "urn:three:%22", "urn:four"]);
                let uri = if prefix.is_empty() && self.below(3) == 0 { "" } else { uri };
                let name = if prefix.is_empty() { "xmlns".to_owned() } else { format!("xmlns:{prefix}") };
                write!(declarations, " {name}='{uri}'").unwrap();
                scope.retain(|(p, _)| p != prefix);
                scope.push((prefix.to_owned(), uri.to_owned()));
            }
        }
        let usable: Vec<String> =
            scope.iter().filter(|(p, u)| !p.is_empty() && !u.is_empty()).map(|(p, _)| p.clone()).collect();
        let element_prefix = if usable.is_empty() || self.below(2) == 0 {
            String::new()
        } else {
            format!("{}:", usable[self.below(usable.len())])
        };
        let name = format!("{element_prefix}{}", self.pick(&["a", "b", "c-d", "é"]));
        write!(self.out, "<{name}{declarations}").unwrap();
        let mut used = Vec::new();
        for local in ["z", "y", "x"] {
            if self.below(3) == 0 {
                let prefix = if usable.is_empty() || self.below(2) == 0 {
                    None
                } else {
                    Some(usable[self.below(usable.len())].clone())
                };
                let uri = prefix.as_ref().and_then(|p| scope.iter().find(|(q, _)| q == p)).map(|(_, u)| u.clone());
                if used.contains(&(uri.clone(), local)) {
                    continue;
                }
                used.push((uri, local));
                let value = self.value();
                let prefix = prefix.map_or(String::new(), |p| format!("{p}:"));
                write!(self.out, " {prefix}{local}='{value}'").unwrap();
            }
        }
        if self.below(6) == 0 {
            self.out.push_str(" xml:lang='en'");
        }
        self.out.push('>');
        for _ in 0..self.below(4) {
            match self.below(5) {
                0 | 1 if depth > 0 => self.element(depth - 1, &scope),
                2 => self.out.push_str("<!-- dropped -->"),
                3 => {
                    let text = self.pick(&["<![CDATA[ <&\r\n\"> ]]>", "<![CDATA[]]>", "<![CDATA[x]]>"]);
                    self.out.push_str(text);
                }
                _ => {
                    let text = self.value();
                    self.out.push_str(&text);
                }
            }
        }
        write!(self.out, "</{name}>").unwrap();
    }

    fn value(&mut self) -> String {
        (0..self.below(5))
            .map(|_| {
                self.pick(&[
                    "x",
                    " ",
                    "\r\n",
                    "\r",
                    "\t",
                    "\n",
                    "&amp;",
                    "&lt;",
                    "&gt;",
                    "&quot;",
                    "&#13;",
                    "&#10;",
                    "&#9;",
                    "&#x1F511;",
                    "é",
                    "\"",
                    "&apos;",
                    "]]&gt;",
                ])
            })
            .collect()
    }
}

/// What libxml2 makes of a document: its exclusive canonical form, or its complaint.
///
/// `xmllint --exc-c14n` keeps comments, so the caller takes them out first.
fn judged_by_libxml2(folder: &std::path::Path, xml: &str) -> Result<String, String> {
    let path = folder.join("document.xml");
    std::fs::write(&path, xml).unwrap();
    let judged = Command::new("xmllint")
        .args(["--exc-c14n", "--nonet"])
        .arg(&path)
        .output()
        .expect("the program xmllint is missing: apt-get install libxml2-utils");
    let complaint = String::from_utf8_lossy(&judged.stderr).into_owned();
    if judged.status.success() { Ok(String::from_utf8(judged.stdout).unwrap()) } else { Err(complaint) }
}

fn generator() -> Generator {
    Generator { rng: TestRng::deterministic_rng(prop::test_runner::RngAlgorithm::ChaCha), out: String::new() }
}

#[test]
fn libxml2_canonicalizes_four_hundred_documents_as_we_do() {
    let folder = tempfile::tempdir().unwrap();
    let mut generator = generator();
    for _ in 0..400 {
        generator.out.clear();
        generator.element(4, &[]);
        let plain = generator.out.replace("<!-- dropped -->", "");
        let theirs = judged_by_libxml2(folder.path(), &plain).unwrap_or_else(|error| panic!("{error}\n{plain}"));
        let document = Document::parse(generator.out.as_bytes(), &Limits::METADATA)
            .unwrap_or_else(|error| panic!("{error}\n{}", generator.out));
        let ours = canonicalize(document.root(), None, &[]);
        assert_eq!(ours, theirs, "{plain}");
        // Canonical form is its own canonical form.
        let again = Document::parse(ours.as_bytes(), &Limits::METADATA).unwrap();
        assert_eq!(canonicalize(again.root(), None, &[]), ours);
    }
}

/// The reader may refuse what libxml2 reads, but never read what libxml2 refuses, nor read it differently.
#[test]
fn what_we_read_of_damaged_documents_libxml2_reads_alike() {
    let folder = tempfile::tempdir().unwrap();
    let mut generator = generator();
    let mut read = 0;
    for _ in 0..4_000 {
        generator.out.clear();
        generator.element(2, &[]);
        let mut damaged: Vec<char> = generator.out.replace("<!-- dropped -->", "").chars().collect();
        for _ in 0..=generator.below(3) {
            let at = generator.below(damaged.len());
            let with = generator.pick(&[
                "<", ">", "/", "=", "'", "\"", " ", ":", "&", ";", "x", "-", "]", "[", "!", "?", "\r", "\n", "#", "1",
                "é", "xmlns",
            ]);
            match generator.below(3) {
                0 => drop(damaged.remove(at)),
                1 => drop(damaged.splice(at..=at, with.chars())),
                _ => drop(damaged.splice(at..at, with.chars())),
            }
        }
        let damaged: String = damaged.into_iter().collect();
        let Ok(document) = Document::parse(damaged.as_bytes(), &Limits::PROTOCOL) else { continue };
        let ours = canonicalize(document.root(), None, &[]);
        read += 1;
        match judged_by_libxml2(folder.path(), &damaged) {
            Ok(theirs) => assert_eq!(ours, theirs, "{damaged}"),
            // A namespace's name is compared as text, so what its authority part looks like does not matter to us.
            Err(complaint) if complaint.contains("is not a valid URI") => {}
            Err(complaint) => panic!("{complaint}\n{damaged}"),
        }
    }
    assert!(read > 300, "only {read} documents survived the damage");
}
