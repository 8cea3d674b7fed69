//! The canonical writer: a tree of elements whose serialization *is* its exclusive canonical form.

use std::fmt;

use super::lexical::{all_legal, clean_octets, is_nc_name, is_one_of};
use super::{Element, ns};
use crate::saml::c14n::canonicalize;

/// Why a tree cannot be written. All but the first are mistakes of the program, not of its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// A value holds a character that XML 1.0 cannot carry. It is refused: dropping it would change what was meant.
    #[error("a value holds a character that XML cannot carry")]
    IllegalCharacter,
    /// One attribute twice.
    #[error("attribute {0} is set twice")]
    DuplicateAttribute(&'static str),
    /// A fragment stands inside an element that already declares one of its namespaces, so that the outer text would
    /// not be canonical.
    #[error("a fragment repeats a namespace declaration of the element around it")]
    FragmentRepeatsNamespace,
    /// Not a name.
    #[error("{0:?} is not an XML name")]
    MalformedName(&'static str),
    /// No text, fragments or children where the shape asks for one.
    #[error("the element lacks what is needed to sign it: {0}")]
    NotSignable(&'static str),
}

/// The prefixes of a Response.
const OWN_PREFIXES: [(&str, &str); 5] = [
    ("ds", ns::DSIG),
    ("saml", ns::ASSERTION),
    ("samlp", ns::PROTOCOL),
    ("xenc", ns::XMLENC),
    ("xenc11", ns::XMLENC11),
];

/// XML text in exclusive canonical form (without comments), its namespaces declared in itself. Only this crate's writers
/// make one, so it holds nothing that was not escaped.
#[derive(Clone, PartialEq, Eq)]
pub struct Canonical {
    text: String,
    /// Every prefix and namespace that is declared somewhere inside.
    declared: Vec<(&'static str, &'static str)>,
}

impl Canonical {
    /// An element that was read, as the apex of its own document. Nothing where it declares a prefix that this program's
    /// writers do not use, so that it is none of their work.
    pub(crate) fn of(element: Element<'_>) -> Option<Self> {
        let mut declared = Vec::new();
        let mut waiting = vec![element];
        while let Some(element) = waiting.pop() {
            for (prefix, namespace) in element.declarations() {
                declared.push(*OWN_PREFIXES.iter().find(|own| **own == (prefix, namespace))?);
            }
            waiting.extend(element.children());
        }
        Some(Self { text: canonicalize(element, None, &[]), declared })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The octets, which is what digests and cipher texts are made of.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// Gives the text away.
    #[must_use]
    pub fn into_string(self) -> String {
        self.text
    }
}

/// Says how long it is, never what is in it.
impl fmt::Debug for Canonical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canonical").field("bytes", &self.text.len()).finish_non_exhaustive()
    }
}

/// An element to be written. All names are the program's own; only values come from outside, and they are escaped.
///
/// ```
/// use signet::saml::xml::{Builder, ns};
/// let issuer = Builder::element("saml", ns::ASSERTION, "Issuer").text("https://idp.example/a&b");
/// assert_eq!(
///     issuer.canonical().unwrap().as_str(),
///     r#"<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">https://idp.example/a&amp;b</saml:Issuer>"#
/// );
/// ```
#[must_use]
#[derive(Clone)]
pub struct Builder {
    name: Name,
    attributes: Vec<(Name, String)>,
    content: Vec<Content>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Name {
    prefix: &'static str,
    namespace: &'static str,
    local: &'static str,
}

#[derive(Clone)]
enum Content {
    Element(Builder),
    Fragment(Canonical),
    Text(String),
}

impl Builder {
    /// An element `prefix:local` in `namespace`. An empty prefix writes a default namespace declaration.
    pub fn element(prefix: &'static str, namespace: &'static str, local: &'static str) -> Self {
        Self { name: Name { prefix, namespace, local }, attributes: Vec::new(), content: Vec::new() }
    }

    /// Adds an attribute in no namespace.
    pub fn attribute(mut self, local: &'static str, value: impl Into<String>) -> Self {
        self.attributes.push((Name { prefix: "", namespace: "", local }, value.into()));
        self
    }

    /// Adds an attribute in no namespace if there is a value.
    pub fn optional_attribute(self, local: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.attribute(local, value),
            None => self,
        }
    }

    /// Adds an attribute in a namespace: `prefix` is declared where needed (`xml` never is).
    pub fn attribute_ns(
        mut self,
        prefix: &'static str,
        namespace: &'static str,
        local: &'static str,
        value: impl Into<String>,
    ) -> Self {
        self.attributes.push((Name { prefix, namespace, local }, value.into()));
        self
    }

    /// Appends text.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.content.push(Content::Text(text.into()));
        self
    }

    /// Appends a child element.
    pub fn child(mut self, child: Builder) -> Self {
        self.content.push(Content::Element(child));
        self
    }

    /// Appends a child element if there is one.
    pub fn optional_child(self, child: Option<Builder>) -> Self {
        match child {
            Some(child) => self.child(child),
            None => self,
        }
    }

    /// Appends child elements.
    pub fn children(mut self, children: impl IntoIterator<Item = Builder>) -> Self {
        self.content.extend(children.into_iter().map(Content::Element));
        self
    }

    /// Appends an element that is already written (and perhaps signed), octet for octet.
    pub fn fragment(mut self, fragment: &Canonical) -> Self {
        self.content.push(Content::Fragment(fragment.clone()));
        self
    }

    /// The value set for the attribute in no namespace.
    pub(crate) fn get_attribute(&self, local: &str) -> Option<&str> {
        self.attributes.iter().find(|(name, _)| name.local == local && name.namespace.is_empty()).map(|(_, v)| &**v)
    }

    /// Writes the element as the apex of its own document.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn canonical(&self) -> Result<Canonical, WriteError> {
        self.write().map(|written| written.canonical)
    }

    /// Writes the element, and remembers where a signature could be put.
    pub(crate) fn write(&self) -> Result<Written, WriteError> {
        let mut writer = Writer { out: String::with_capacity(4096), declared: Vec::new(), in_scope: Vec::new() };
        let around = writer.start(self)?;
        let after_start_tag = writer.out.len();
        let mut after_first_child = None;
        for content in &self.content {
            writer.content(content)?;
            if after_first_child.is_none() && !matches!(content, Content::Text(_)) {
                after_first_child = Some(writer.out.len());
            }
        }
        writer.end(self, around);
        let canonical = Canonical { text: writer.out, declared: writer.declared };
        Ok(Written { canonical, after_start_tag, after_first_child })
    }

    fn is_first_child_named(&self, namespace: &str, local: &str) -> bool {
        match self.content.first() {
            Some(Content::Element(child)) => child.name.namespace == namespace && child.name.local == local,
            _ => false,
        }
    }
}

/// Says which element, never what is in it.
impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Builder(<{}>)", self.name.local)
    }
}

/// What [`Builder::write`] made, and the octet positions at which a child may be inserted.
#[derive(Debug)]
pub(crate) struct Written {
    /// The element without the signature: the octets whose digest is signed.
    pub(crate) canonical: Canonical,
    after_start_tag: usize,
    after_first_child: Option<usize>,
}

impl Written {
    /// The element with `child` put in as its first child, or (`after_first`) as its second, which must follow an element
    /// of the expanded name given.
    pub(crate) fn insert(
        mut self,
        built: &Builder,
        after_first: Option<(&str, &str)>,
        child: &Canonical,
    ) -> Result<Canonical, WriteError> {
        let at = match after_first {
            None => self.after_start_tag,
            Some((namespace, local)) if built.is_first_child_named(namespace, local) => {
                self.after_first_child.ok_or(WriteError::NotSignable("an Issuer first"))?
            }
            Some(_) => return Err(WriteError::NotSignable("an Issuer first")),
        };
        // The child declares its own prefixes. That is canonical only while the element around it has not.
        let prefixes = built.attributes.iter().map(|(name, _)| name.prefix).chain([built.name.prefix]);
        if prefixes.into_iter().any(|prefix| child.declared.iter().any(|(declared, _)| *declared == prefix)) {
            return Err(WriteError::FragmentRepeatsNamespace);
        }
        self.canonical.text.insert_str(at, &child.text);
        self.canonical.declared.extend_from_slice(&child.declared);
        Ok(self.canonical)
    }
}

struct Writer {
    out: String,
    declared: Vec<(&'static str, &'static str)>,
    /// What the elements around the present place have declared, the innermost last.
    in_scope: Vec<(&'static str, &'static str)>,
}

impl Writer {
    /// Writes the start tag; tells how many declarations were in scope around the element.
    fn start(&mut self, element: &Builder) -> Result<usize, WriteError> {
        let around = self.in_scope.len();
        check_name(element.name)?;
        self.out.push('<');
        push_qname(&mut self.out, element.name);
        self.declare(element)?;

        // Exclusive C14N orders attributes by namespace name, then by local name (Canonical XML 1.0 §2.3).
        let key = |(name, _): &(Name, String)| (name.namespace, name.local);
        if element.attributes.is_sorted_by(|first, second| key(first) < key(second)) {
            for (name, value) in &element.attributes {
                self.attribute(*name, value)?;
            }
        } else {
            let mut attributes: Vec<_> = element.attributes.iter().collect();
            attributes.sort_by_key(|attribute| key(attribute));
            for pair in attributes.windows(2) {
                if let [first, second] = pair
                    && key(first) == key(second)
                {
                    return Err(WriteError::DuplicateAttribute(second.0.local));
                }
            }
            for (name, value) in attributes {
                self.attribute(*name, value)?;
            }
        }
        self.out.push('>');
        Ok(around)
    }

    fn attribute(&mut self, name: Name, value: &str) -> Result<(), WriteError> {
        check_name(name)?;
        self.out.push(' ');
        push_qname(&mut self.out, name);
        self.out.push_str("=\"");
        if !all_legal(value) {
            return Err(WriteError::IllegalCharacter);
        }
        escape_attribute(&mut self.out, value);
        self.out.push('"');
        Ok(())
    }

    /// Declares the prefixes that are visibly used here and not yet declared with this value around it.
    fn declare(&mut self, element: &Builder) -> Result<(), WriteError> {
        let own = (element.name.prefix, element.name.namespace);
        let prefixed = element.attributes.iter().map(|(name, _)| *name).filter(|name| !name.prefix.is_empty());
        if prefixed.clone().next().is_none() {
            self.declare_prefix(own);
            return Ok(());
        }
        let mut used = vec![own];
        used.extend(prefixed.map(|name| (name.prefix, name.namespace)));
        used.sort_unstable();
        used.dedup();
        // One prefix cannot mean two namespaces in one tag.
        for pair in used.windows(2) {
            if let [(first, _), (second, _)] = pair
                && first == second
            {
                return Err(WriteError::MalformedName(second));
            }
        }
        for prefix in used {
            self.declare_prefix(prefix);
        }
        Ok(())
    }

    fn declare_prefix(&mut self, (prefix, namespace): (&'static str, &'static str)) {
        let around = self.in_scope.iter().rev().find(|(p, _)| *p == prefix).map_or("", |(_, n)| *n);
        if prefix == "xml" || around == namespace {
            return;
        }
        declare(&mut self.out, prefix, namespace);
        self.in_scope.push((prefix, namespace));
        self.declared.push((prefix, namespace));
    }

    fn content(&mut self, content: &Content) -> Result<(), WriteError> {
        match content {
            Content::Text(text) => {
                if !all_legal(text) {
                    return Err(WriteError::IllegalCharacter);
                }
                escape_text(&mut self.out, text);
                Ok(())
            }
            Content::Element(element) => {
                let around = self.start(element)?;
                for content in &element.content {
                    self.content(content)?;
                }
                self.end(element, around);
                Ok(())
            }
            Content::Fragment(fragment) => {
                let repeats =
                    |(prefix, _): &(&'static str, &'static str)| self.in_scope.iter().any(|(p, _)| p == prefix);
                if fragment.declared.iter().any(repeats) {
                    return Err(WriteError::FragmentRepeatsNamespace);
                }
                self.out.push_str(&fragment.text);
                self.declared.extend_from_slice(&fragment.declared);
                Ok(())
            }
        }
    }

    fn end(&mut self, element: &Builder, around: usize) {
        self.out.push_str("</");
        push_qname(&mut self.out, element.name);
        self.out.push('>');
        self.in_scope.truncate(around);
    }
}

fn check_name(name: Name) -> Result<(), WriteError> {
    let bad_prefix = !name.prefix.is_empty() && (!is_nc_name(name.prefix) || name.namespace.is_empty());
    if bad_prefix {
        return Err(WriteError::MalformedName(name.prefix));
    }
    if is_nc_name(name.local) { Ok(()) } else { Err(WriteError::MalformedName(name.local)) }
}

fn push_qname(out: &mut String, name: Name) {
    if !name.prefix.is_empty() {
        out.push_str(name.prefix);
        out.push(':');
    }
    out.push_str(name.local);
}

/// Canonical XML 1.0 §2.3, text nodes.
pub(crate) fn escape_text(out: &mut String, text: &str) {
    escape(out, text, *b"&<>\r");
}

/// A namespace node as Canonical XML 1.0 §2.3 writes it.
pub(crate) fn declare(out: &mut String, prefix: &str, namespace: &str) {
    out.push_str(if prefix.is_empty() { " xmlns" } else { " xmlns:" });
    out.push_str(prefix);
    out.push_str("=\"");
    escape_attribute(out, namespace);
    out.push('"');
}

/// Canonical XML 1.0 §2.3, attribute and namespace nodes.
pub(crate) fn escape_attribute(out: &mut String, value: &str) {
    escape(out, value, *b"&<\"\t\n\r");
}

/// Copies whole stretches between the octets that are escaped, all of which are ASCII.
fn escape<const N: usize>(out: &mut String, text: &str, escaped: [u8; N]) {
    let mut rest = text;
    loop {
        let (clean, special) = rest.split_at(clean_octets(rest.as_bytes(), |octet| is_one_of(octet, escaped)));
        out.push_str(clean);
        let mut characters = special.chars();
        out.push_str(match characters.next() {
            Some('&') => "&amp;",
            Some('<') => "&lt;",
            Some('>') => "&gt;",
            Some('"') => "&quot;",
            Some('\t') => "&#x9;",
            Some('\n') => "&#xA;",
            Some('\r') => "&#xD;",
            _ => return,
        });
        rest = characters.as_str();
    }
}
