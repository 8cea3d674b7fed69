//! The one tree: an arena of nodes, handed out as [`Element`] handles.

use std::borrow::Cow;
use std::fmt;

use super::{
    Limits,
    error::{XmlError, XmlFault, quoted},
    reader,
};

/// A part of the document's text buffer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

/// No node.
pub(super) const NONE: u32 = u32::MAX;

/// An element or a run of text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) parent: u32,
    pub(super) next: u32,
    pub(super) line: u32,
    pub(super) kind: Kind,
}

/// What a node is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Text(Span),
    Element {
        prefix: Span,
        local: Span,
        namespace: Span,
        first_child: u32,
        last_child: u32,
        /// Range into `Document::attributes`.
        attributes: (u32, u32),
        /// Range into `Document::declarations`.
        declarations: (u32, u32),
    },
}

#[derive(Debug, Clone, Copy)]
pub(super) struct AttributeNode {
    pub(super) prefix: Span,
    pub(super) local: Span,
    pub(super) namespace: Span,
    pub(super) value: Span,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Declaration {
    /// Empty for the default namespace.
    pub(super) prefix: Span,
    /// Empty where the default namespace is undeclared.
    pub(super) namespace: Span,
}

/// A document that the strict reader accepted. It cannot be changed, and there is no other way to make one.
pub struct Document {
    pub(super) text: String,
    pub(super) nodes: Vec<Node>,
    pub(super) attributes: Vec<AttributeNode>,
    pub(super) declarations: Vec<Declaration>,
    pub(super) root: u32,
}

impl Document {
    /// Reads a document, strictly: Namespaces in XML 1.0 well-formed, UTF-8, and nothing of what [`XmlFault`] names.
    ///
    /// # Errors
    /// The first fault found, with its line.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Document, XmlError> {
        reader::parse(bytes, limits)
    }

    /// The root element.
    #[must_use]
    pub fn root(&self) -> Element<'_> {
        Element { document: self, index: self.root }
    }

    pub(super) fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or("")
    }

    fn kind(&self, index: u32) -> Option<&Kind> {
        self.nodes.get(index as usize).map(|node| &node.kind)
    }
}

/// Says how large it is, never what is in it: messages carry personal data.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("nodes", &self.nodes.len()).finish_non_exhaustive()
    }
}

/// A handle to one element of a [`Document`].
#[derive(Clone, Copy)]
pub struct Element<'d> {
    document: &'d Document,
    index: u32,
}

/// One attribute of an element; namespace declarations are none.
#[derive(Clone, Copy)]
pub struct Attribute<'d> {
    document: &'d Document,
    node: &'d AttributeNode,
}

/// A child node: what canonicalization walks over.
pub(crate) enum Child<'d> {
    /// An element.
    Element(Element<'d>),
    /// A run of text, all references resolved.
    Text(&'d str),
}

impl<'d> Element<'d> {
    /// The namespace name, empty for none.
    #[must_use]
    pub fn namespace(self) -> &'d str {
        match self.document.kind(self.index) {
            Some(Kind::Element { namespace, .. }) => self.document.slice(*namespace),
            _ => "",
        }
    }

    /// The name without prefix.
    #[must_use]
    pub fn local_name(self) -> &'d str {
        match self.document.kind(self.index) {
            Some(Kind::Element { local, .. }) => self.document.slice(*local),
            _ => "",
        }
    }

    /// The prefix as written, empty for none. It means nothing by itself; canonical octets contain it.
    #[must_use]
    pub fn prefix(self) -> &'d str {
        match self.document.kind(self.index) {
            Some(Kind::Element { prefix, .. }) => self.document.slice(*prefix),
            _ => "",
        }
    }

    /// Whether the element has this expanded name.
    #[must_use]
    pub fn is(self, namespace: &str, local: &str) -> bool {
        self.local_name() == local && self.namespace() == namespace
    }

    /// All attributes, in document order.
    pub fn attributes(self) -> impl Iterator<Item = Attribute<'d>> + Clone {
        let (start, end) = match self.document.kind(self.index) {
            Some(Kind::Element { attributes, .. }) => *attributes,
            _ => (0, 0),
        };
        let document = self.document;
        let nodes = document.attributes.get(start as usize..end as usize).unwrap_or(&[]);
        nodes.iter().map(move |node| Attribute { document, node })
    }

    /// The value of the attribute of this name in no namespace, as all of SAML's own attributes are.
    #[must_use]
    pub fn attribute(self, local: &str) -> Option<&'d str> {
        self.attribute_ns("", local)
    }

    /// The value of the attribute with this expanded name.
    #[must_use]
    pub fn attribute_ns(self, namespace: &str, local: &str) -> Option<&'d str> {
        self.attributes().find(|a| a.local_name() == local && a.namespace() == namespace).map(Attribute::value)
    }

    /// All child elements, in document order.
    pub fn children(self) -> impl Iterator<Item = Element<'d>> + Clone {
        let document = self.document;
        self.child_indices()
            .filter(move |index| matches!(document.kind(*index), Some(Kind::Element { .. })))
            .map(move |index| Element { document, index })
    }

    /// The first child element of this expanded name.
    #[must_use]
    pub fn child(self, namespace: &str, local: &str) -> Option<Element<'d>> {
        self.children().find(|child| child.is(namespace, local))
    }

    /// The child element of this expanded name, of which there may be one at most.
    ///
    /// # Errors
    /// [`XmlFault::DuplicateElement`], at the line of the second one.
    pub fn only_child(self, namespace: &str, local: &str) -> Result<Option<Element<'d>>, XmlError> {
        let mut found = self.children().filter(|child| child.is(namespace, local));
        let first = found.next();
        match found.next() {
            Some(second) => Err(second.fault(XmlFault::DuplicateElement(quoted(local)))),
            None => Ok(first),
        }
    }

    /// The whole text of the element, which has no child elements. White space is kept.
    ///
    /// # Errors
    /// [`XmlFault::UnexpectedElement`] if there is a child element: a value is never read around one.
    pub fn text(self) -> Result<Cow<'d, str>, XmlError> {
        let mut text = Cow::Borrowed("");
        for child in self.child_nodes() {
            match child {
                Child::Element(element) => {
                    return Err(element.fault(XmlFault::UnexpectedElement(quoted(element.local_name()))));
                }
                Child::Text(run) if text.is_empty() => text = Cow::Borrowed(run),
                Child::Text(run) => text.to_mut().push_str(run),
            }
        }
        Ok(text)
    }

    /// Whether there is nothing but white space between the child elements.
    #[must_use]
    pub fn has_only_elements(self) -> bool {
        self.child_nodes().all(|child| match child {
            Child::Element(_) => true,
            Child::Text(run) => run.chars().all(super::is_space),
        })
    }

    /// The element around this one; nothing for the root.
    #[must_use]
    pub fn parent(self) -> Option<Element<'d>> {
        let parent = self.document.nodes.get(self.index as usize)?.parent;
        (parent != NONE).then_some(Element { document: self.document, index: parent })
    }

    /// The line on which the start tag ends, counted from 1.
    #[must_use]
    pub fn line(self) -> u32 {
        self.document.nodes.get(self.index as usize).map_or(0, |node| node.line)
    }

    /// The document of which this is a part.
    #[must_use]
    pub fn document(self) -> &'d Document {
        self.document
    }

    /// Whether both handles mean the very same node of the very same document.
    #[must_use]
    pub fn same_node(self, other: Element<'_>) -> bool {
        self.index == other.index && std::ptr::eq(self.document, other.document)
    }

    /// A fault at this element's line.
    pub(crate) fn fault(self, fault: XmlFault) -> XmlError {
        XmlError { line: self.line(), fault }
    }

    /// Child elements and runs of text, in document order.
    pub(crate) fn child_nodes(self) -> impl Iterator<Item = Child<'d>> {
        let document = self.document;
        self.child_indices().filter_map(move |index| match document.kind(index)? {
            Kind::Text(span) => Some(Child::Text(document.slice(*span))),
            Kind::Element { .. } => Some(Child::Element(Element { document, index })),
        })
    }

    /// The namespaces that this element declares, in document order: prefix (empty: the default namespace) and namespace.
    pub(crate) fn declarations(self) -> impl Iterator<Item = (&'d str, &'d str)> {
        let (start, end) = match self.document.kind(self.index) {
            Some(Kind::Element { declarations, .. }) => *declarations,
            _ => (0, 0),
        };
        let document = self.document;
        let declarations = document.declarations.get(start as usize..end as usize).unwrap_or(&[]);
        declarations.iter().map(move |one| (document.slice(one.prefix), document.slice(one.namespace)))
    }

    /// The declaration in scope here for `prefix` (empty: the default namespace): the prefix and its namespace, which is
    /// empty where the default namespace is undeclared. Nothing if there is no declaration.
    pub(crate) fn binding(self, prefix: &str) -> Option<(&'d str, &'d str)> {
        let mut place = Some(self);
        while let Some(element) = place {
            if let Some(Kind::Element { declarations: (start, end), .. }) = self.document.kind(element.index) {
                let declarations = self.document.declarations.get(*start as usize..*end as usize).unwrap_or(&[]);
                if let Some(found) = declarations.iter().find(|d| self.document.slice(d.prefix) == prefix) {
                    return Some((self.document.slice(found.prefix), self.document.slice(found.namespace)));
                }
            }
            place = element.parent();
        }
        None
    }

    fn child_indices(self) -> impl Iterator<Item = u32> + Clone + use<'d> {
        let document = self.document;
        let first = match document.kind(self.index) {
            Some(Kind::Element { first_child, .. }) => *first_child,
            _ => NONE,
        };
        let existing = |index: u32| (index != NONE).then_some(index);
        std::iter::successors(existing(first), move |index| {
            document.nodes.get(*index as usize).and_then(|node| existing(node.next))
        })
    }
}

/// Says which element, never what is in it.
impl fmt::Debug for Element<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}> on line {}", self.local_name(), self.line())
    }
}

impl<'d> Attribute<'d> {
    /// The namespace name, empty for none.
    #[must_use]
    pub fn namespace(self) -> &'d str {
        self.document.slice(self.node.namespace)
    }

    /// The name without prefix.
    #[must_use]
    pub fn local_name(self) -> &'d str {
        self.document.slice(self.node.local)
    }

    /// The prefix as written, empty for none.
    #[must_use]
    pub fn prefix(self) -> &'d str {
        self.document.slice(self.node.prefix)
    }

    /// The value, normalised (XML 1.0 §3.3.3).
    #[must_use]
    pub fn value(self) -> &'d str {
        self.document.slice(self.node.value)
    }
}

/// Says which attribute, never its value.
impl fmt::Debug for Attribute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.local_name())
    }
}
