//! XML for SAML: one strict reader, one canonical writer.
//!
//! [`Document::parse`] yields the one tree from which a signature is verified *and* from which a message is read, so a
//! verifier and a consumer can never look at different things. It refuses every construct on which XML processors are
//! known to differ, instead of repairing it. [`Builder`] writes exclusive canonical form from the start, so what we sign
//! needs no second pass.
//!
//! What the elements mean is left to the rooms around this one; canonical octets of a *received* element are made by
//! [`super::c14n`].

mod error;
mod lexical;
pub mod ns;
mod reader;
mod tree;
mod writer;

pub use error::{XmlError, XmlFault};
pub use tree::{Attribute, Document, Element};
pub use writer::{Builder, Canonical, WriteError};

pub(crate) use lexical::{clean_octets, is_nc_name, is_one_of, is_space};
pub(crate) use tree::Child;
pub(crate) use writer::{Written, declare, escape_attribute, escape_text};

/// How much a document may ask of the reader. Every limit is checked before the work that it bounds is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Octets of the whole document.
    pub bytes: usize,
    /// Elements inside one another; the root is at depth 1.
    pub depth: usize,
    /// Elements, runs of text and comments in the whole document.
    pub nodes: usize,
    /// Attributes of one element, namespace declarations not counted.
    pub attributes: usize,
    /// Namespace declarations of one element.
    pub namespaces: usize,
    /// Namespace declarations in scope at one place, so that looking one up stays cheap.
    pub namespaces_in_scope: usize,
    /// Octets of one run of text, or of one attribute's value.
    pub text_bytes: usize,
    /// What happens to comments.
    pub comments: Comments,
}

/// What the reader does with a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comments {
    /// A comment is a fault. Nobody writes comments into protocol messages, but attackers do.
    Refused,
    /// A comment is dropped and the text on its two sides becomes one run, just as canonicalization sees it.
    Dropped,
}

impl Limits {
    /// For protocol messages: requests and responses that a browser carries.
    pub const PROTOCOL: Limits = Limits {
        bytes: 128 * 1024,
        depth: 40,
        nodes: 3_000,
        attributes: 24,
        namespaces: 24,
        namespaces_in_scope: 96,
        text_bytes: 64 * 1024,
        comments: Comments::Refused,
    };

    /// For the metadata of one entity, written by people and tools, with logos and comments in it.
    pub const METADATA: Limits = Limits {
        bytes: 2 * 1024 * 1024,
        depth: 64,
        nodes: 50_000,
        attributes: 64,
        namespaces: 64,
        namespaces_in_scope: 256,
        text_bytes: 512 * 1024,
        comments: Comments::Dropped,
    };
}
