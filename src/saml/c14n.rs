//! Exclusive XML Canonicalization 1.0, without comments, of an element of a received document.
//!
//! <https://www.w3.org/TR/xml-exc-c14n/>. Only whole elements are canonicalized, perhaps without the one signature that
//! they envelop; no XPath node sets. Depth is bounded by the reader, so walking by recursion is safe.

use super::xml::{Attribute, Child, Element, declare, escape_attribute, escape_text};

/// The exclusive canonical form of `apex` and all that is in it.
///
/// * `without`: the enveloped signature, which is left out together with everything in it.
/// * `inclusive_prefixes`: the `PrefixList` of `InclusiveNamespaces`: prefixes (`#default` for the default namespace)
///   that are declared wherever they are in scope and not only where they are visibly used.
#[must_use]
pub fn canonicalize(apex: Element<'_>, without: Option<Element<'_>>, inclusive_prefixes: &[&str]) -> String {
    let mut walk = Walk { out: String::with_capacity(4096), rendered: Vec::new(), without, inclusive_prefixes };
    walk.element(apex);
    walk.out
}

struct Walk<'d, 'a> {
    out: String,
    /// The namespace declarations written by the elements around the present one, the innermost last.
    rendered: Vec<(&'d str, &'d str)>,
    without: Option<Element<'a>>,
    inclusive_prefixes: &'a [&'a str],
}

impl<'d> Walk<'d, '_> {
    fn element(&mut self, element: Element<'d>) {
        let around = self.rendered.len();
        self.out.push('<');
        push_qname(&mut self.out, element.prefix(), element.local_name());
        self.namespaces(element);
        self.attributes(element);
        self.out.push('>');
        for child in element.child_nodes() {
            match child {
                Child::Text(text) => escape_text(&mut self.out, text),
                Child::Element(child) if self.without.is_some_and(|without| without.same_node(child)) => {}
                Child::Element(child) => self.element(child),
            }
        }
        self.out.push_str("</");
        push_qname(&mut self.out, element.prefix(), element.local_name());
        self.out.push('>');
        self.rendered.truncate(around);
    }

    /// §3 of the recommendation: a declaration is written if its prefix is visibly used by the element or one of its
    /// attributes (or is in the list and in scope) and the nearest written one around it says something else.
    fn namespaces(&mut self, element: Element<'d>) {
        let own = (element.prefix(), element.namespace());
        let prefixed =
            element.attributes().map(|a| (a.prefix(), a.namespace())).filter(|(prefix, _)| !prefix.is_empty());
        if self.inclusive_prefixes.is_empty() && prefixed.clone().next().is_none() {
            self.declare(own);
            return;
        }
        let mut needed: Vec<(&'d str, &'d str)> = vec![own];
        needed.extend(prefixed);
        for listed in self.inclusive_prefixes {
            let prefix = if *listed == "#default" { "" } else { listed };
            if let Some((prefix, namespace)) = element.binding(prefix) {
                needed.push((prefix, namespace));
            }
        }
        // Namespace nodes are ordered by prefix, the default namespace first (Canonical XML 1.0 §2.2).
        needed.sort_unstable();
        needed.dedup();
        for prefix in needed {
            self.declare(prefix);
        }
    }

    fn declare(&mut self, (prefix, namespace): (&'d str, &'d str)) {
        let around = self.rendered.iter().rev().find(|(p, _)| *p == prefix).map_or("", |(_, n)| *n);
        // The prefix xml is never declared. An undeclared default is written only to undo a written one.
        if prefix == "xml" || around == namespace {
            return;
        }
        declare(&mut self.out, prefix, namespace);
        self.rendered.push((prefix, namespace));
    }

    /// Ordered by namespace name, then by local name (Canonical XML 1.0 §2.3).
    fn attributes(&mut self, element: Element<'d>) {
        let key = |attribute: &Attribute<'d>| (attribute.namespace(), attribute.local_name());
        if element.attributes().is_sorted_by_key(|attribute| key(&attribute)) {
            element.attributes().for_each(|attribute| self.attribute(attribute));
        } else {
            let mut attributes: Vec<_> = element.attributes().collect();
            attributes.sort_by_key(key);
            attributes.into_iter().for_each(|attribute| self.attribute(attribute));
        }
    }

    fn attribute(&mut self, attribute: Attribute<'d>) {
        self.out.push(' ');
        push_qname(&mut self.out, attribute.prefix(), attribute.local_name());
        self.out.push_str("=\"");
        escape_attribute(&mut self.out, attribute.value());
        self.out.push('"');
    }
}

fn push_qname(out: &mut String, prefix: &str, local: &str) {
    if !prefix.is_empty() {
        out.push_str(prefix);
        out.push(':');
    }
    out.push_str(local);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saml::xml::{Document, Limits};

    fn c14n(xml: &str, prefixes: &[&str]) -> String {
        let document = Document::parse(xml.as_bytes(), &Limits::METADATA).unwrap();
        canonicalize(document.root(), None, prefixes)
    }

    #[test]
    fn declarations_stand_where_they_are_visibly_used() {
        assert_eq!(
            c14n(r#"<a xmlns:x="u:x" xmlns:y="u:y"><x:b y:c="1"/><x:d><x:e/></x:d></a>"#, &[]),
            r#"<a><x:b xmlns:x="u:x" xmlns:y="u:y" y:c="1"></x:b><x:d xmlns:x="u:x"><x:e></x:e></x:d></a>"#
        );
    }

    #[test]
    fn listed_prefixes_are_declared_where_they_are_in_scope() {
        assert_eq!(
            c14n(r#"<a xmlns:x="u:x" xmlns:y="u:y"><b xmlns:x="u:z"/></a>"#, &["x", "missing"]),
            r#"<a xmlns:x="u:x"><b xmlns:x="u:z"></b></a>"#
        );
        assert_eq!(
            c14n(r#"<p:a xmlns="u:d" xmlns:p="u:p"><p:b xmlns=""/></p:a>"#, &["#default"]),
            r#"<p:a xmlns="u:d" xmlns:p="u:p"><p:b xmlns=""></p:b></p:a>"#
        );
    }

    #[test]
    fn an_undeclared_default_undoes_a_written_one_only() {
        assert_eq!(c14n(r#"<a xmlns="u:d"><b xmlns=""/></a>"#, &[]), r#"<a xmlns="u:d"><b xmlns=""></b></a>"#);
        assert_eq!(
            c14n(r#"<p:a xmlns="u:d" xmlns:p="u:p"><b xmlns=""/></p:a>"#, &[]),
            r#"<p:a xmlns:p="u:p"><b></b></p:a>"#
        );
    }

    #[test]
    fn attributes_are_ordered_by_namespace_then_name() {
        assert_eq!(
            c14n(r#"<a xmlns:z="u:1" xmlns:y="u:2" y:b="1" z:c="2" d="3" c="4" xml:lang="en"/>"#, &[]),
            r#"<a xmlns:y="u:2" xmlns:z="u:1" c="4" d="3" xml:lang="en" z:c="2" y:b="1"></a>"#
        );
    }

    #[test]
    fn the_enveloped_signature_is_left_out_and_nothing_else() {
        let document = Document::parse(b"<a>1<s><t/></s>2<s/></a>", &Limits::PROTOCOL).unwrap();
        let signature = document.root().children().next();
        assert_eq!(canonicalize(document.root(), signature, &[]), "<a>12<s></s></a>");
    }
}
