//! Which keys and algorithms an entity says that it takes: identifiers as written, and those among them that we have.

use std::fmt;

use crate::saml::{
    encryption::{BlockEncryption, EncryptionKey, KeyTransport},
    signature::KeyFingerprint,
};

/// A key to which content may be encrypted, as the metadata registers it.
#[derive(Debug, Clone)]
pub struct RegisteredEncryptionKey {
    pub(in crate::saml::metadata) key: EncryptionKey,
    pub(in crate::saml::metadata) fingerprint: KeyFingerprint,
    pub(in crate::saml::metadata) methods: Vec<DeclaredEncryptionMethod>,
}

impl RegisteredEncryptionKey {
    /// The key.
    #[must_use]
    pub fn key(&self) -> &EncryptionKey {
        &self.key
    }

    /// Names the key.
    #[must_use]
    pub fn fingerprint(&self) -> KeyFingerprint {
        self.fingerprint
    }

    /// The algorithms that the receiver lists (`md:EncryptionMethod`), in its order of preference: of content and of key
    /// transport, known to us or not. Empty where it says nothing.
    #[must_use]
    pub fn methods(&self) -> &[DeclaredEncryptionMethod] {
        &self.methods
    }

    /// The ciphers among them that we have, in the receiver's order of preference. One whose `xenc:KeySize` is not the cipher's
    /// contradicts itself and names none.
    pub fn ciphers(&self) -> impl Iterator<Item = BlockEncryption> {
        self.methods.iter().filter_map(|method| {
            BlockEncryption::from_uri(&method.algorithm).filter(|cipher| method.takes_key_of(cipher.key_bits()))
        })
    }

    /// The key transports among them that we have, in the receiver's order of preference. One whose `xenc:KeySize` is not that of
    /// this key contradicts itself and names none.
    pub fn key_transports(&self) -> impl Iterator<Item = KeyTransport> {
        self.methods.iter().filter(|method| method.takes_key_of(self.key.bits())).filter_map(|method| {
            KeyTransport::from_uris(&method.algorithm, method.digest.as_deref(), method.mask.as_deref())
        })
    }
}

/// An `md:EncryptionMethod` as the metadata lists it (SAML Metadata §2.4.1.1): identifiers as written, known to us or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredEncryptionMethod {
    /// The algorithm.
    pub algorithm: String,
    /// `ds:DigestMethod`, of a key transport.
    pub digest: Option<String>,
    /// `xenc11:MGF`, of a key transport.
    pub mask: Option<String>,
    /// `xenc:KeySize`: the length of the algorithm's key in bits, where one is named.
    pub key_bits: Option<u32>,
}

impl DeclaredEncryptionMethod {
    /// Whether it goes with a key of this length. XML Encryption 1.1 §3.2: "the presence of a KeySize child inconsistent with the
    /// algorithm MUST be treated as an error".
    fn takes_key_of(&self, bits: u32) -> bool {
        self.key_bits.is_none_or(|named| named == bits)
    }
}

/// The identifiers, for those who compare two lists.
impl fmt::Display for DeclaredEncryptionMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.algorithm)?;
        let children = [&self.digest, &self.mask].into_iter().flatten();
        children
            .enumerate()
            .try_for_each(|(at, uri)| write!(f, "{}{uri}", if at == 0 { " with " } else { " and " }))?;
        self.key_bits.map_or(Ok(()), |bits| write!(f, " (with a key of {bits} bits)"))
    }
}

/// An `alg:SigningMethod` as the metadata lists it (SAML Metadata Profile for Algorithm Support §2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredSigningMethod {
    /// The algorithm.
    pub algorithm: String,
    /// The least length of a key in bits, where one is named.
    pub min_key_bits: Option<u32>,
    /// The greatest length of a key in bits, where one is named.
    pub max_key_bits: Option<u32>,
}

impl DeclaredSigningMethod {
    /// Whether a key of this length may be used with it.
    #[must_use]
    pub fn takes_key_of(&self, bits: u32) -> bool {
        self.min_key_bits.is_none_or(|least| bits >= least) && self.max_key_bits.is_none_or(|most| bits <= most)
    }
}

/// The identifier and its bounds, for those who compare two lists.
impl fmt::Display for DeclaredSigningMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.algorithm)?;
        match (self.min_key_bits, self.max_key_bits) {
            (None, None) => Ok(()),
            (Some(least), None) => write!(f, " (keys of {least} bits and more)"),
            (None, Some(most)) => write!(f, " (keys of up to {most} bits)"),
            (Some(least), Some(most)) => write!(f, " (keys of {least} to {most} bits)"),
        }
    }
}
