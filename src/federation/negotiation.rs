//! Which algorithms an answer to one service uses: of those that we make and the agreement allows, the first that the service
//! says it takes (implementation profile IIP-MD10). Where the two lists have nothing in common, nothing is sent, and both are told.
//!
//! The lists are ours, closed and in our order of preference; what a service lists chooses within them, never beyond. Making the
//! cipher text is `saml::encryption`'s.

use std::fmt;

use super::agreement::EncryptionException;
use crate::saml::encryption::{BlockEncryption, EncryptionKey, EncryptionMethod, KeyTransport};
use crate::saml::metadata::RegisteredEncryptionKey;

/// To which key content is encrypted, and how.
#[derive(Debug, Clone, Copy)]
pub struct Sealing<'a> {
    /// The key.
    pub key: &'a EncryptionKey,
    /// The cipher, and how its key travels.
    pub method: EncryptionMethod,
}

/// What we would use, and what the service takes, do not meet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NothingInCommon {
    /// The service registered keys, and none with methods that we may use.
    #[error(
        "the metadata's keys for encryption take {theirs}; the agreement and this provider allow {} with {}",
        Uris(ours.iter().map(|cipher| cipher.uri())),
        KeyTransports
    )]
    Encryption {
        /// The ciphers that the agreement allows.
        ours: Vec<BlockEncryption>,
        /// What the keys list, key by key.
        theirs: DeclaredMethods,
    },
    /// The service registered no key to which content can be encrypted.
    #[error("the metadata has no RSA key to which content can be encrypted")]
    NoKey,
}

/// What a service's keys say that they take, for whoever compares the lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredMethods(Vec<String>);

impl fmt::Display for DeclaredMethods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

/// Chooses key, cipher and key transport for content that is encrypted.
///
/// # Errors
/// No key, or none that takes what the agreement allows.
pub fn sealing(
    keys: &[RegisteredEncryptionKey],
    exception: Option<EncryptionException>,
) -> Result<Sealing<'_>, NothingInCommon> {
    if keys.is_empty() {
        return Err(NothingInCommon::NoKey);
    }
    let allowed = ciphers(exception);
    // SAML Metadata §2.4.1.1: any of the keys may be used; we take the first that we can.
    keys.iter()
        .find_map(|key| Some(Sealing { key: key.key(), method: method_for(key, allowed)? }))
        .ok_or_else(|| NothingInCommon::Encryption { ours: allowed.to_vec(), theirs: declared(keys) })
}

/// The ciphers that an agreement allows, the preferred first. [`EncryptionException::ClearText`] is the caller's to see first;
/// content that is encrypted in spite of it is encrypted well.
const fn ciphers(exception: Option<EncryptionException>) -> &'static [BlockEncryption] {
    match exception {
        None | Some(EncryptionException::ClearText) => &[BlockEncryption::Aes256Gcm, BlockEncryption::Aes128Gcm],
        Some(EncryptionException::Aes128Gcm) => &[BlockEncryption::Aes128Gcm],
        Some(EncryptionException::Aes256Cbc) => &[BlockEncryption::Aes256Cbc],
    }
}

/// What one key and we have in common. A key that lists no method of a kind takes any (SAML Metadata §2.4.1.1); one that lists
/// methods which we do not know still lists them.
fn method_for(key: &RegisteredEncryptionKey, allowed: &[BlockEncryption]) -> Option<EncryptionMethod> {
    let (listed_transports, listed_ciphers): (Vec<&str>, Vec<&str>) =
        key.methods().iter().map(|method| method.algorithm.as_str()).partition(|algorithm| moves_keys(algorithm));
    let cipher = if listed_ciphers.is_empty() {
        allowed.first().copied()
    } else {
        allowed.iter().copied().find(|cipher| listed_ciphers.contains(&cipher.uri()))
    }?;
    let key_transport = if listed_transports.is_empty() {
        Some(KeyTransport::DEFAULT)
    } else {
        let takes: Vec<KeyTransport> = key.key_transports().collect();
        KeyTransport::ALL.into_iter().find(|ours| takes.contains(ours))
    }?;
    Some(EncryptionMethod { cipher, key_transport })
}

/// Whether an algorithm encrypts keys (XML Encryption 1.1 §5.1.1: key transport, key agreement, key wrapping). All others are
/// taken for ciphers of content.
fn moves_keys(algorithm: &str) -> bool {
    let name = algorithm.rsplit('#').next().unwrap_or(algorithm);
    ["rsa-", "kw-", "dh", "ECDH"].iter().any(|family| name.starts_with(family))
}

fn declared(keys: &[RegisteredEncryptionKey]) -> DeclaredMethods {
    let mut methods: Vec<String> = keys.iter().flat_map(|key| key.methods().iter().map(ToString::to_string)).collect();
    methods.sort();
    methods.dedup();
    DeclaredMethods(methods)
}

/// Identifiers, separated by commas.
struct Uris<I>(I);

impl<I: Iterator<Item = &'static str> + Clone> fmt::Display for Uris<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.clone().collect::<Vec<_>>().join(", "))
    }
}

/// The key transports that we have.
struct KeyTransports;

impl fmt::Display for KeyTransports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut uris: Vec<&str> = KeyTransport::ALL.iter().map(|transport| transport.uri()).collect();
        uris.dedup();
        f.write_str(&uris.join(" or "))
    }
}
