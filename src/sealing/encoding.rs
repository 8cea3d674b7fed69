//! The one encoding under every digest and every context: each field with its length before it, so that no two different lists
//! of fields have the same octets. What is digested begins with a label.
//!
//! An octet string is its length as 4 bytes, big-endian, and the octets; a number is an octet string of 8; a list is its
//! count as a number and then its members. Fields that may be missing are a list of none or one.

use openssl::sha::sha256;
use time::UtcDateTime;

/// The octets of a context (additional data) of these parts.
#[must_use]
pub fn context(parts: &[&[u8]]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(parts.iter().map(|part| part.len() + 4).sum());
    for part in parts {
        put(&mut octets, part);
    }
    octets
}

/// A time as rows hold it and as their octets say it: whole milliseconds since 1970.
#[must_use]
pub fn milliseconds(at: UtcDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

/// The time that [`milliseconds`] wrote; `None` for a number that is none.
#[must_use]
pub fn instant(milliseconds: i64) -> Option<UtcDateTime> {
    UtcDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000).ok()
}

fn put(octets: &mut Vec<u8>, field: &[u8]) {
    // No field comes near 4 GiB; one that did would still change the digest.
    octets.extend_from_slice(&u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
    octets.extend_from_slice(field);
}

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
        put(&mut self.0, bytes);
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
