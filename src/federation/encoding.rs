//! The one encoding under every digest of this room: a label, then each field with its length before it, so that no two
//! different values have the same octets.
//!
//! An octet string is its length as 4 bytes, big-endian, and the octets; a number is an octet string of 8; a list is its
//! count as a number and then its members. Fields that may be missing are a list of none or one.

use openssl::sha::sha256;

/// Builds the octets.
#[derive(Debug, Clone)]
pub(crate) struct Encoder(Vec<u8>);

impl Encoder {
    /// Begins with a label that names what is encoded and in which version.
    pub(crate) fn new(label: &str) -> Self {
        Self(Vec::with_capacity(512)).bytes(label.as_bytes())
    }

    /// One octet string.
    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        // No field of this room comes near 4 GiB; one that did would still change the digest.
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    /// One text.
    pub(crate) fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// One number.
    pub(crate) fn number(self, number: i64) -> Self {
        self.bytes(&number.to_be_bytes())
    }

    /// How many members follow.
    pub(crate) fn count(self, count: usize) -> Self {
        self.number(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// The octets.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }

    /// SHA-256 over the octets.
    pub(crate) fn sha256(&self) -> [u8; 32] {
        sha256(&self.0)
    }
}

/// Reads what [`Encoder`] wrote. `None` when the octets end early or a text is not UTF-8.
#[derive(Debug, Clone)]
pub(crate) struct Decoder<'a>(&'a [u8]);

impl<'a> Decoder<'a> {
    /// Begins by expecting the label.
    pub(crate) fn new(label: &str, octets: &'a [u8]) -> Option<Self> {
        let mut decoder = Self(octets);
        (decoder.bytes()? == label.as_bytes()).then_some(decoder)
    }

    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk::<4>()?;
        let (field, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        self.0 = rest;
        Some(field)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    pub(crate) fn number(&mut self) -> Option<i64> {
        Some(i64::from_be_bytes(self.bytes()?.try_into().ok()?))
    }

    /// A count, bounded by what the rest of the octets could hold.
    pub(crate) fn count(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok().filter(|count| *count <= self.0.len())
    }

    /// Whether everything has been read.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
