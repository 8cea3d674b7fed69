//! The strict reader: no octets make it panic, and what the narrow limits let in the wide ones read alike.
#![no_main]

use libfuzzer_sys::fuzz_target;
use signet_fuzz::saml::xml::{Document, Element, Limits};
use signet_fuzz::values;

fn walk(element: Element<'_>, parent: Option<Element<'_>>) {
    assert_eq!(element.parent().map(|p| p.same_node(parent.unwrap_or(p))), parent.map(|_| true));
    assert!(!element.local_name().is_empty() && element.line() > 0);
    let _ = (element.prefix(), element.has_only_elements(), format!("{element:?}"));
    for attribute in element.attributes() {
        assert_eq!(element.attribute_ns(attribute.namespace(), attribute.local_name()), Some(attribute.value()));
    }
    element.children().for_each(|child| walk(child, Some(element)));
}

fuzz_target!(|octets: &[u8]| {
    let wide = Document::parse(octets, &Limits::METADATA);
    if let Err(fault) = &wide {
        assert!(fault.line > 0 && !fault.to_string().is_empty());
    }
    let Ok(narrow) = Document::parse(octets, &Limits::PROTOCOL) else { return };
    let wide = wide.expect("what fits into the narrow limits fits into the wide ones");
    walk(narrow.root(), None);
    assert_eq!(values(narrow.root(), None), values(wide.root(), None));
});
