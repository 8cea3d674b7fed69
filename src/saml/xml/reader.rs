//! From octets to the tree. `quick-xml` cuts the text into tags, text and the rest; everything that it leaves
//! unchecked (roots, names, characters, references, namespaces, limits) is checked here.

use quick_xml::events::Event;

use super::{
    Comments, Limits,
    error::{XmlError, XmlFault, quoted},
    lexical::{
        RawAttributes, all_legal, is_absolute_uri, is_space, push_attribute_value, push_normalised, resolve_reference,
        split_qname,
    },
    ns,
    tree::{AttributeNode, Declaration, Document, Kind, NONE, Node, Span},
};

/// The attributes whose value identifies their element: SAML 2.0, XML Encryption and Signature, SAML 1, `xml:id`.
/// Namespaces do not matter, so that an identifier cannot be planted in another one.
const ID_ATTRIBUTES: [&str; 4] = ["ID", "Id", "id", "AssertionID"];

/// See [`Document::parse`].
pub(super) fn parse(bytes: &[u8], limits: &Limits) -> Result<Document, XmlError> {
    let at_start = |fault| XmlError { line: 1, fault };
    if bytes.len() > limits.bytes.min(u32::MAX as usize / 4) {
        return Err(at_start(XmlFault::TooManyBytes(limits.bytes)));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let valid = bytes.get(..error.valid_up_to()).unwrap_or(&[]);
        XmlError { line: 1 + newlines(valid), fault: XmlFault::NotUtf8 }
    })?;
    // One byte order mark may stand before the document; it is no part of it.
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    // The tokenizer would take away a second one.
    if text.starts_with('\u{FEFF}') {
        return Err(at_start(XmlFault::TextOutsideRoot));
    }
    if !all_legal(text) {
        return Err(at_start(XmlFault::IllegalCharacter));
    }
    Reader::new(text, limits).read()
}

fn newlines(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.iter().filter(|byte| **byte == b'\n').count()).unwrap_or(u32::MAX)
}

/// A namespace binding in scope.
struct Binding {
    prefix: Span,
    namespace: Span,
}

/// An element that has been opened and not yet closed.
struct Open {
    index: u32,
    name_length: usize,
    /// How many bindings were in scope before it.
    bindings: usize,
}

struct Reader<'a> {
    source: &'a str,
    limits: &'a Limits,
    document: Document,
    open: Vec<Open>,
    bindings: Vec<Binding>,
    ids: Vec<(Span, u32)>,
    xml_namespace: Span,
    /// Nodes counted against the limit; dropped comments too.
    counted: usize,
    line: u32,
    counted_up_to: usize,
}

impl<'a> Reader<'a> {
    fn new(source: &'a str, limits: &'a Limits) -> Self {
        let mut text = String::with_capacity(source.len() + ns::XML.len());
        text.push_str(ns::XML);
        let xml_namespace = Span { start: 0, end: length(&text) };
        // Room for an ordinary message, whatever the length of this one.
        let document = Document {
            text,
            nodes: Vec::with_capacity(64),
            attributes: Vec::with_capacity(64),
            declarations: Vec::with_capacity(16),
            root: NONE,
        };
        Self {
            source,
            limits,
            document,
            open: Vec::new(),
            bindings: Vec::new(),
            ids: Vec::new(),
            xml_namespace,
            counted: 0,
            line: 1,
            counted_up_to: 0,
        }
    }

    fn read(mut self) -> Result<Document, XmlError> {
        let mut tokens = quick_xml::Reader::from_str(self.source);
        let config = tokens.config_mut();
        config.check_comments = true;
        config.check_end_names = true;
        config.allow_dangling_amp = false;
        config.allow_unmatched_ends = false;
        config.expand_empty_elements = false;
        config.trim_text(false);
        loop {
            let begins_at = tokens.buffer_position();
            let event = tokens.read_event();
            let ends_at = if event.is_ok() { tokens.buffer_position() } else { tokens.error_position() };
            self.count_lines(usize::try_from(ends_at).unwrap_or(usize::MAX));
            let step = match event {
                Ok(Event::Eof) => break,
                Ok(event) => self.event(&event, begins_at == 0),
                Err(error) => Err(XmlFault::NotWellFormed(quoted(&error.to_string()))),
            };
            step.map_err(|fault| XmlError { line: self.line, fault })?;
        }
        self.finish()
    }

    fn finish(mut self) -> Result<Document, XmlError> {
        let fault = |line, fault| XmlError { line, fault };
        if !self.open.is_empty() {
            return Err(fault(self.line, XmlFault::NotWellFormed("an element is not closed".into())));
        }
        if self.document.root == NONE {
            return Err(fault(self.line, XmlFault::NoRoot));
        }
        let document = &self.document;
        self.ids.sort_by(|(a, _), (b, _)| document.slice(*a).cmp(document.slice(*b)));
        for pair in self.ids.windows(2) {
            if let [(first, first_line), (second, second_line)] = pair
                && document.slice(*first) == document.slice(*second)
            {
                let id = quoted(document.slice(*second));
                return Err(fault((*first_line).max(*second_line), XmlFault::DuplicateId(id)));
            }
        }
        Ok(self.document)
    }

    fn event(&mut self, event: &Event<'_>, at_start: bool) -> Result<(), XmlFault> {
        match event {
            Event::Start(tag) => self.start(tag.name().as_ref(), tag.attributes_raw(), false),
            Event::Empty(tag) => self.start(tag.name().as_ref(), tag.attributes_raw(), true),
            Event::End(tag) => self.end(tag.name().as_ref()),
            // `]]>` must not stand in text (XML 1.0 §2.4).
            Event::Text(text) if text.contains("]]>") => {
                Err(XmlFault::NotWellFormed("`]]>` must be written as `]]&gt;` in text".into()))
            }
            Event::Text(text) => self.text(text),
            Event::CData(text) if self.open.is_empty() => {
                let _ = text;
                Err(XmlFault::TextOutsideRoot)
            }
            Event::CData(text) => self.text(text),
            Event::GeneralRef(name) => {
                if self.open.is_empty() {
                    return Err(XmlFault::TextOutsideRoot);
                }
                let character = resolve_reference(name)?;
                // A character written as a reference is not a line end to be normalised.
                self.append_text(character.len_utf8(), |out| out.push(character))
            }
            Event::Comment(_) => match self.limits.comments {
                Comments::Refused => Err(XmlFault::Comment),
                Comments::Dropped => self.count_node(),
            },
            Event::Decl(declaration) if at_start => check_declaration(declaration),
            Event::Decl(_) => Err(XmlFault::MalformedDeclaration),
            Event::PI(_) => Err(XmlFault::ProcessingInstruction),
            Event::DocType(_) => Err(XmlFault::DoctypeDeclaration),
            Event::Eof => Ok(()),
        }
    }

    fn start(&mut self, name: &str, raw_attributes: &str, empty: bool) -> Result<(), XmlFault> {
        if self.open.is_empty() && self.document.root != NONE {
            return Err(XmlFault::SeveralRoots);
        }
        if self.open.len() >= self.limits.depth {
            return Err(XmlFault::TooDeep(self.limits.depth));
        }
        self.count_node()?;
        let written = self.written_attributes(raw_attributes)?;
        let (prefix, local) = split_qname(name)?;

        let bindings_before = self.bindings.len();
        let declarations = self.declare_namespaces(&written)?;
        let prefix_span = self.intern(prefix);
        let local_span = self.intern(local);
        let namespace = self.resolve(prefix, prefix.is_empty())?;
        let attributes = self.read_attributes(&written)?;

        let index = length_of(&self.document.nodes);
        self.attach(
            index,
            Kind::Element {
                prefix: prefix_span,
                local: local_span,
                namespace,
                first_child: NONE,
                last_child: NONE,
                attributes,
                declarations,
            },
        );
        if self.open.is_empty() {
            self.document.root = index;
        }
        if empty {
            self.bindings.truncate(bindings_before);
        } else {
            self.open.push(Open { index, name_length: name.len(), bindings: bindings_before });
        }
        Ok(())
    }

    fn end(&mut self, name: &str) -> Result<(), XmlFault> {
        // That the names are equal has been checked by the tokenizer; the depth is checked again here.
        match self.open.pop() {
            Some(open) if open.name_length == name.len() => {
                self.bindings.truncate(open.bindings);
                Ok(())
            }
            _ => Err(XmlFault::NotWellFormed("an end tag does not match".into())),
        }
    }

    fn text(&mut self, raw: &str) -> Result<(), XmlFault> {
        if self.open.is_empty() {
            return if raw.chars().all(is_space) { Ok(()) } else { Err(XmlFault::TextOutsideRoot) };
        }
        self.append_text(raw.len(), |out| push_normalised(out, raw))
    }

    /// Appends to the run of text that ends the open element, or begins one.
    fn append_text(&mut self, at_most: usize, write: impl FnOnce(&mut String)) -> Result<(), XmlFault> {
        let limit = self.limits.text_bytes;
        if at_most == 0 {
            return Ok(());
        }
        let last = self
            .last_child()
            .filter(|index| matches!(self.document.nodes.get(*index as usize), Some(Node { kind: Kind::Text(_), .. })));
        let start = length(&self.document.text);
        match last.and_then(|index| self.document.nodes.get_mut(index as usize)) {
            Some(Node { kind: Kind::Text(span), .. }) => {
                // Nothing else has been written since, for a tag would have ended the run.
                if (span.end - span.start) as usize + at_most > limit {
                    return Err(XmlFault::TooMuchText(limit));
                }
                write(&mut self.document.text);
                span.end = length(&self.document.text);
            }
            _ => {
                if at_most > limit {
                    return Err(XmlFault::TooMuchText(limit));
                }
                self.count_node()?;
                write(&mut self.document.text);
                let span = Span { start, end: length(&self.document.text) };
                self.attach(length_of(&self.document.nodes), Kind::Text(span));
            }
        }
        Ok(())
    }

    fn last_child(&self) -> Option<u32> {
        match self.document.nodes.get(self.open.last()?.index as usize)?.kind {
            Kind::Element { last_child, .. } if last_child != NONE => Some(last_child),
            _ => None,
        }
    }

    /// Adds a node as the last child of the open element.
    fn attach(&mut self, index: u32, kind: Kind) {
        let parent = self.open.last().map_or(NONE, |open| open.index);
        self.document.nodes.push(Node { parent, next: NONE, line: self.line, kind });
        let mut previous = NONE;
        if let Some(Node { kind: Kind::Element { first_child, last_child, .. }, .. }) =
            self.document.nodes.get_mut(parent as usize)
        {
            previous = *last_child;
            *last_child = index;
            if *first_child == NONE {
                *first_child = index;
            }
        }
        if let Some(previous) = self.document.nodes.get_mut(previous as usize) {
            previous.next = index;
        }
    }

    /// The pairs of name and raw value of a tag. The first that is one too many ends the reading, so that a tag with a hundred
    /// thousand of them costs no more than one that is just allowed.
    fn written_attributes<'t>(&self, raw: &'t str) -> Result<Vec<(&'t str, &'t str)>, XmlFault> {
        let mut written = Vec::new();
        let (mut attributes, mut namespaces) = (0, 0);
        let mut rest = RawAttributes::new(raw);
        while let Some((name, value)) = rest.next()? {
            if value.len() > self.limits.text_bytes {
                return Err(XmlFault::TooMuchText(self.limits.text_bytes));
            }
            if declared_prefix(name).is_some() {
                namespaces += 1;
            } else {
                attributes += 1;
            }
            if attributes > self.limits.attributes {
                return Err(XmlFault::TooManyAttributes(self.limits.attributes));
            }
            if namespaces > self.limits.namespaces {
                return Err(XmlFault::TooManyNamespaces(self.limits.namespaces));
            }
            written.push((name, value));
        }
        if self.bindings.len() + namespaces > self.limits.namespaces_in_scope {
            return Err(XmlFault::TooManyNamespaces(self.limits.namespaces_in_scope));
        }
        Ok(written)
    }

    /// Namespaces in XML 1.0 §3 and its constraints.
    fn declare_namespaces(&mut self, written: &[(&str, &str)]) -> Result<(u32, u32), XmlFault> {
        let start = self.document.declarations.len();
        let in_scope_before = self.bindings.len();
        for (name, value) in written.iter().copied() {
            let Some(prefix) = declared_prefix(name) else { continue };
            if name != "xmlns" {
                split_qname(name)?;
            }
            let begin = length(&self.document.text);
            push_attribute_value(&mut self.document.text, value)?;
            let namespace = Span { start: begin, end: length(&self.document.text) };
            let uri = self.document.slice(namespace);
            let reserved = match (prefix, uri) {
                ("xml", uri) => uri != ns::XML,
                ("xmlns", _) | (_, ns::XML | ns::XMLNS) => true,
                // Only the default namespace can be undeclared.
                (prefix, "") => !prefix.is_empty(),
                _ => false,
            };
            if reserved {
                return Err(XmlFault::ReservedNamespace(quoted(prefix)));
            }
            if !uri.is_empty() && !is_absolute_uri(uri) {
                return Err(XmlFault::RelativeNamespace);
            }
            let own = self.bindings.get(in_scope_before..).unwrap_or(&[]);
            if own.iter().any(|binding| self.document.slice(binding.prefix) == prefix) {
                return Err(XmlFault::DuplicateNamespaceDeclaration(quoted(prefix)));
            }
            let prefix = self.intern(prefix);
            self.bindings.push(Binding { prefix, namespace });
            self.document.declarations.push(Declaration { prefix, namespace });
        }
        Ok((narrow(start), length_of(&self.document.declarations)))
    }

    fn read_attributes(&mut self, written: &[(&str, &str)]) -> Result<(u32, u32), XmlFault> {
        let start = self.document.attributes.len();
        for (name, value) in written.iter().copied() {
            if declared_prefix(name).is_some() {
                continue;
            }
            let (prefix, local) = split_qname(name)?;
            let namespace = if prefix.is_empty() { Span::default() } else { self.resolve(prefix, false)? };
            // Two prefixes may mean one namespace: the expanded names must differ (Namespaces in XML 1.0 §6.3).
            let own = self.document.attributes.get(start..).unwrap_or(&[]);
            if own.iter().any(|other| {
                self.document.slice(other.local) == local
                    && self.document.slice(other.namespace) == self.document.slice(namespace)
            }) {
                return Err(XmlFault::DuplicateAttribute(quoted(local)));
            }
            let prefix = self.intern(prefix);
            let local_span = self.intern(local);
            let begin = length(&self.document.text);
            push_attribute_value(&mut self.document.text, value)?;
            let value = Span { start: begin, end: length(&self.document.text) };
            if ID_ATTRIBUTES.contains(&local) {
                self.ids.push((value, self.line));
            }
            self.document.attributes.push(AttributeNode { prefix, local: local_span, namespace, value });
        }
        Ok((narrow(start), length_of(&self.document.attributes)))
    }

    fn resolve(&self, prefix: &str, default: bool) -> Result<Span, XmlFault> {
        if prefix == "xml" {
            return Ok(self.xml_namespace);
        }
        match self.bindings.iter().rev().find(|binding| self.document.slice(binding.prefix) == prefix) {
            Some(binding) => Ok(binding.namespace),
            None if default => Ok(Span::default()),
            None => Err(XmlFault::UnboundPrefix(quoted(prefix))),
        }
    }

    fn intern(&mut self, name: &str) -> Span {
        let start = length(&self.document.text);
        self.document.text.push_str(name);
        Span { start, end: length(&self.document.text) }
    }

    fn count_node(&mut self) -> Result<(), XmlFault> {
        self.counted += 1;
        if self.counted > self.limits.nodes { Err(XmlFault::TooManyNodes(self.limits.nodes)) } else { Ok(()) }
    }

    fn count_lines(&mut self, up_to: usize) {
        let up_to = up_to.clamp(self.counted_up_to, self.source.len());
        self.line += newlines(self.source.as_bytes().get(self.counted_up_to..up_to).unwrap_or(&[]));
        self.counted_up_to = up_to;
    }
}

/// The prefix that this attribute declares, if it is a namespace declaration; empty for the default namespace.
fn declared_prefix(name: &str) -> Option<&str> {
    if name == "xmlns" { Some("") } else { name.strip_prefix("xmlns:") }
}

/// `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`, the last two optional (XML 1.0 production 23).
fn check_declaration(content: &str) -> Result<(), XmlFault> {
    let mut rest = RawAttributes::new(content.strip_prefix("xml").unwrap_or(content));
    let mut next = || rest.next().map_err(|_| XmlFault::MalformedDeclaration);
    if next()? != Some(("version", "1.0")) {
        return Err(XmlFault::MalformedDeclaration);
    }
    let mut pair = next()?;
    if let Some(("encoding", encoding)) = pair {
        if !encoding.eq_ignore_ascii_case("utf-8") {
            return Err(XmlFault::Encoding);
        }
        pair = next()?;
    }
    if let Some(("standalone", "yes" | "no")) = pair {
        pair = next()?;
    }
    if pair.is_none() { Ok(()) } else { Err(XmlFault::MalformedDeclaration) }
}

// The buffers cannot outgrow `u32`: the document is limited to a quarter of that, and nothing expands on reading.

fn narrow(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(NONE)
}

fn length(text: &str) -> u32 {
    narrow(text.len())
}

fn length_of<T>(items: &[T]) -> u32 {
    narrow(items.len())
}
