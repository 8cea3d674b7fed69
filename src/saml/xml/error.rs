//! What can be wrong with a document, and where.

/// A document that was refused, with the line on which the fault was noticed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct XmlError {
    /// The line, counted from 1, as an editor shows it.
    pub line: u32,
    /// What is wrong.
    pub fault: XmlFault,
}

/// Why a document was refused. Names are quoted (cut to 64 characters), contents never are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XmlFault {
    /// The attributes of a tag do not follow the grammar.
    #[error("a tag's attributes are malformed")]
    AttributeSyntax,
    /// A comment, where comments are refused.
    #[error("comments are not allowed here")]
    Comment,
    /// A DOCTYPE. SAML never has one, and it is the door to entities.
    #[error("a document type declaration is not allowed")]
    DoctypeDeclaration,
    /// Two attributes of one element with the same expanded name.
    #[error("attribute {0} appears twice in one element")]
    DuplicateAttribute(String),
    /// Two elements with the same identifier.
    #[error("two elements have the identifier {0}")]
    DuplicateId(String),
    /// The same prefix declared twice in one element.
    #[error("namespace prefix {0:?} is declared twice in one element")]
    DuplicateNamespaceDeclaration(String),
    /// An element that may stand once stands twice.
    #[error("element {0} appears more than once")]
    DuplicateElement(String),
    /// The encoding declared is not UTF-8.
    #[error("only the encoding UTF-8 is read")]
    Encoding,
    /// A character that XML 1.0 does not allow, written as itself or as a reference.
    #[error("a character that XML 1.0 does not allow")]
    IllegalCharacter,
    /// The XML declaration is malformed, not XML 1.0, or not at the very start.
    #[error("the XML declaration is malformed, or not at the start of the document, or not of version 1.0")]
    MalformedDeclaration,
    /// A name that XML does not allow.
    #[error("{0:?} is not a qualified XML name")]
    MalformedName(String),
    /// Tags do not match, a construct is not closed, or the like.
    #[error("not well-formed: {0}")]
    NotWellFormed(String),
    /// The octets are not UTF-8.
    #[error("the document is not UTF-8")]
    NotUtf8,
    /// No element at all.
    #[error("the document has no root element")]
    NoRoot,
    /// A processing instruction.
    #[error("processing instructions are not allowed")]
    ProcessingInstruction,
    /// A relative reference or other text that is no absolute URI, as a namespace name.
    #[error("a namespace name must be an absolute URI")]
    RelativeNamespace,
    /// A prefix bound against the rules of Namespaces in XML 1.0 §3.
    #[error("namespace prefix {0:?} must not be bound like this")]
    ReservedNamespace(String),
    /// More than one root element.
    #[error("the document has more than one root element")]
    SeveralRoots,
    /// Text before, after or instead of the root element.
    #[error("text outside the root element")]
    TextOutsideRoot,
    /// More attributes in an element than allowed.
    #[error("an element has more than {0} attributes")]
    TooManyAttributes(usize),
    /// More octets than allowed.
    #[error("the document has more than {0} octets")]
    TooManyBytes(usize),
    /// More namespace declarations in an element, or in scope, than allowed.
    #[error("more than {0} namespace declarations at one place")]
    TooManyNamespaces(usize),
    /// More nodes than allowed.
    #[error("the document has more than {0} nodes")]
    TooManyNodes(usize),
    /// Deeper than allowed.
    #[error("elements are nested more than {0} deep")]
    TooDeep(usize),
    /// A text or an attribute value longer than allowed.
    #[error("a text or an attribute is longer than {0} octets")]
    TooMuchText(usize),
    /// A prefix that no declaration in scope binds.
    #[error("namespace prefix {0:?} is not declared")]
    UnboundPrefix(String),
    /// An element where only text is expected.
    #[error("element {0} where only text may stand")]
    UnexpectedElement(String),
    /// An entity other than the five that XML predefines.
    #[error("entity {0:?} is not one of the five that XML predefines")]
    UnknownEntity(String),
}

/// A name from the document, cut to what a log line can bear.
pub(super) fn quoted(name: &str) -> String {
    const MOST: usize = 64;
    let mut quoted: String = name.chars().take(MOST).collect();
    if name.chars().nth(MOST).is_some() {
        quoted.push('…');
    }
    quoted
}
