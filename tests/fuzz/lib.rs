//! What the targets share: the room under test, and how to tell what a document says.

// It knows no other room (tests/it/house.rs holds that), so it can be built without them.
#[path = "../../src/saml/mod.rs"]
#[expect(dead_code, reason = "what the federation's gate alone may call is called by nobody here")]
pub mod saml;

use saml::{
    SpMetadata,
    xml::{Comments, Element, Limits},
};

/// Wide enough for the canonical form of whatever [`Limits::METADATA`] lets in: escapes and declarations make it longer.
pub const WIDE: Limits = Limits {
    bytes: 1 << 28,
    depth: 64,
    nodes: 1 << 20,
    attributes: 64,
    namespaces: 256,
    namespaces_in_scope: 1 << 14,
    text_bytes: 1 << 24,
    comments: Comments::Refused,
};

/// What an element says, whatever the writing: expanded names, attributes in order of their names, text.
///
/// * `without`: the child that is left out.
#[must_use]
pub fn values(element: Element<'_>, without: Option<Element<'_>>) -> String {
    let mut attributes: Vec<_> =
        element.attributes().map(|one| (one.namespace(), one.local_name(), one.value())).collect();
    attributes.sort_unstable();
    let children: Vec<String> = element
        .children()
        .filter(|child| without.is_none_or(|without| !without.same_node(*child)))
        .map(|child| values(child, without))
        .collect();
    let text = element.text().map(std::borrow::Cow::into_owned).unwrap_or_default();
    format!("{:?}", ((element.namespace(), element.local_name()), attributes, text, children))
}

/// The record of the service that signed the seeds; its private key is nowhere any more.
#[must_use]
pub fn record() -> SpMetadata {
    SpMetadata::parse(include_bytes!("seeds/metadata/signer.xml")).expect("the committed record")
}
