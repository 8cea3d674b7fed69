//! Canonical form: it is read again, says the same, and is its own canonical form; the writer writes it from the start.
#![no_main]

use libfuzzer_sys::fuzz_target;
use signet_fuzz::saml::{
    c14n::canonicalize,
    xml::{Builder, Document, Element, Limits, ns},
};
use signet_fuzz::{WIDE, values};

fn fixed_point(element: Element<'_>, prefixes: &[&str]) {
    let canonical = canonicalize(element, None, prefixes);
    let again = Document::parse(canonical.as_bytes(), &WIDE).expect("canonical form is well-formed");
    assert_eq!(values(again.root(), None), values(element, None));
    assert_eq!(canonicalize(again.root(), None, prefixes), canonical);
}

fuzz_target!(|octets: &[u8]| {
    if let Ok(document) = Document::parse(octets, &Limits::METADATA) {
        fixed_point(document.root(), &[]);
        fixed_point(document.root(), &["saml", "xs", "#default"]);
        if let Some(child) = document.root().children().last() {
            fixed_point(child, &[]);
        }
    }
    // The same octets as a value.
    let Ok(text) = std::str::from_utf8(octets) else { return };
    let element = Builder::element("saml", ns::ASSERTION, "AttributeValue").attribute("x", text).text(text);
    let Ok(written) = element.canonical() else { return };
    let document = Document::parse(written.as_bytes(), &WIDE).expect("what is written is read");
    assert_eq!(document.root().attribute("x"), Some(text));
    assert_eq!(document.root().text().as_deref(), Ok(text));
    assert_eq!(canonicalize(document.root(), None, &[]), written.as_str());
});
