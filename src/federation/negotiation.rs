//! Which algorithms an answer to one service uses: of those that we make and the agreement allows, the first that the service
//! says it takes (implementation profile IIP-MD10). Where the two lists have nothing in common, nothing is sent, and both are told.
//!
//! The lists are ours, closed and in our order of preference; what a service lists chooses within them, never beyond. Making the
//! cipher text is `saml::encryption`'s, making the signature `saml::signature`'s.

use std::collections::BTreeSet;
use std::fmt;

use super::agreement::EncryptionException;
use crate::saml::DeniedAlgorithms;
use crate::saml::encryption::{BlockEncryption, EncryptionKey, EncryptionMethod, KeyTransport};
use crate::saml::metadata::{DeclaredSigningMethod, RegisteredEncryptionKey, SpMetadata};
use crate::saml::signature::{SignatureAlgorithm, Signer};

/// To which key content is encrypted, and how.
#[derive(Debug, Clone)]
pub struct Sealing {
    /// The key.
    pub key: EncryptionKey,
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
        Transports(transports)
    )]
    Encryption {
        /// The ciphers that the agreement allows.
        ours: Vec<BlockEncryption>,
        /// How we let their keys travel.
        transports: Vec<KeyTransport>,
        /// What the keys list, key by key.
        theirs: Declared,
    },
    /// The service lists the signatures that it verifies, and our key makes none of them.
    #[error(
        "the metadata lists the signatures {theirs} and the digests {digests}; our key of {bits} bits makes {}",
        Signatures(ours)
    )]
    Signature {
        /// What our key can make.
        ours: Vec<SignatureAlgorithm>,
        /// The length of our key.
        bits: u32,
        /// The signatures that the service lists.
        theirs: Declared,
        /// The digests that the service lists.
        digests: Declared,
    },
    /// The service lists the signatures that it verifies, and no key of ours could make one of them.
    #[error(
        "the metadata lists the signatures {theirs} and the digests {digests}; this provider makes {}",
        Signatures(ours)
    )]
    SignatureOfAnyKey {
        /// What keys of ours can make.
        ours: Vec<SignatureAlgorithm>,
        /// The signatures that the service lists.
        theirs: Declared,
        /// The digests that the service lists.
        digests: Declared,
    },
    /// The service registered no key to which content can be encrypted.
    #[error("the metadata has no RSA key to which content can be encrypted")]
    NoKey,
}

/// What a service says that it takes, for whoever compares the lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared(Vec<String>);

impl Declared {
    fn of(methods: impl Iterator<Item = impl fmt::Display>) -> Self {
        let mut methods: Vec<String> = methods.map(|method| method.to_string()).collect();
        methods.sort();
        methods.dedup();
        Self(methods)
    }
}

impl fmt::Display for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str("(any)") } else { f.write_str(&self.0.join(", ")) }
    }
}

/// Chooses key, cipher and key transport for content that is encrypted, among what is not denied.
///
/// # Errors
/// No key, or none that takes what the agreement allows.
pub fn sealing(
    keys: &[RegisteredEncryptionKey],
    exception: Option<EncryptionException>,
    denied: DeniedAlgorithms,
) -> Result<Sealing, NothingInCommon> {
    if keys.is_empty() {
        return Err(NothingInCommon::NoKey);
    }
    let ours: Vec<_> = ciphers(exception).iter().copied().filter(|cipher| denied.encrypts(*cipher)).collect();
    let transports: Vec<_> = KeyTransport::ALL.into_iter().filter(|transport| denied.transports(*transport)).collect();
    // SAML Metadata §2.4.1.1: any of the keys may be used; we take the first that we can.
    let usable = |key| Some((key, method_for(key, &ours, &transports)?));
    let found = keys.iter().find_map(usable).map(|(key, method)| Sealing { key: key.key().clone(), method });
    found.ok_or_else(|| NothingInCommon::Encryption {
        ours,
        transports,
        theirs: Declared::of(keys.iter().flat_map(RegisteredEncryptionKey::methods)),
    })
}

/// Chooses the algorithm of our signatures: of those that our key makes and that are not denied, in our order of preference, the
/// first that the service lists, with a digest that it lists.
///
/// # Errors
/// It lists some, and none of ours.
pub fn signature(
    metadata: &SpMetadata,
    signer: &dyn Signer,
    denied: DeniedAlgorithms,
) -> Result<SignatureAlgorithm, NothingInCommon> {
    let bits = signer.key_bits();
    let ours = made_by(signer, denied);
    ours.iter().copied().find(|algorithm| takes(metadata, *algorithm, bits)).ok_or_else(|| NothingInCommon::Signature {
        ours: ours.clone(),
        bits,
        theirs: Declared::of(metadata.signing_methods().iter()),
        digests: Declared::of(metadata.digest_methods().iter()),
    })
}

/// Whether a key of some kind and length could sign for the service, among what is not denied: the kinds are those of
/// `signet keys generate`.
///
/// # Errors
/// The service lists signatures, and none of ours.
pub fn signature_of_any_key(metadata: &SpMetadata, denied: DeniedAlgorithms) -> Result<(), NothingInCommon> {
    const RSA_BITS: [u32; 2] = [2048, 3072];
    const ELLIPTIC_BITS: [u32; 1] = [256];
    let ours: Vec<_> = SignatureAlgorithm::ALL.into_iter().filter(|algorithm| denied.makes(*algorithm)).collect();
    let fits = |algorithm: &SignatureAlgorithm| {
        let lengths = if algorithm.is_rsa() { &RSA_BITS[..] } else { &ELLIPTIC_BITS[..] };
        lengths.iter().any(|bits| takes(metadata, *algorithm, *bits))
    };
    if ours.iter().any(fits) {
        return Ok(());
    }
    Err(NothingInCommon::SignatureOfAnyKey {
        ours,
        theirs: Declared::of(metadata.signing_methods().iter()),
        digests: Declared::of(metadata.digest_methods().iter()),
    })
}

/// Whether the service verifies signatures of this algorithm by a key of this length: it lists no signatures, or this one among
/// them, and likewise for digests.
fn takes(metadata: &SpMetadata, algorithm: SignatureAlgorithm, bits: u32) -> bool {
    let (signatures, digests) = (metadata.signing_methods(), metadata.digest_methods());
    let verifies = |method: &DeclaredSigningMethod| method.algorithm == algorithm.uri() && method.takes_key_of(bits);
    (signatures.is_empty() || signatures.iter().any(verifies))
        && (digests.is_empty() || digests.iter().any(|uri| uri == algorithm.digest().uri()))
}

/// The signatures that a key makes and that are not denied, the preferred first.
#[must_use]
pub fn made_by(signer: &dyn Signer, denied: DeniedAlgorithms) -> Vec<SignatureAlgorithm> {
    signer.algorithms().iter().copied().filter(|algorithm| denied.makes(*algorithm)).collect()
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
/// methods which we do not know, or that contradict themselves, still lists them.
fn method_for(
    key: &RegisteredEncryptionKey,
    allowed: &[BlockEncryption],
    transports: &[KeyTransport],
) -> Option<EncryptionMethod> {
    let lists_transports = key.methods().iter().any(|method| moves_keys(&method.algorithm));
    let lists_ciphers = key.methods().iter().any(|method| !moves_keys(&method.algorithm));
    let cipher = if lists_ciphers {
        let takes: Vec<BlockEncryption> = key.ciphers().collect();
        allowed.iter().copied().find(|ours| takes.contains(ours))
    } else {
        allowed.first().copied()
    }?;
    let key_transport = if lists_transports {
        let takes: Vec<KeyTransport> = key.key_transports().collect();
        transports.iter().copied().find(|ours| takes.contains(ours))
    } else {
        transports.first().copied()
    }?;
    Some(EncryptionMethod { cipher, key_transport })
}

/// Whether an algorithm encrypts keys (XML Encryption 1.1 §5.1.1: key transport, key agreement, key wrapping). All others are
/// taken for ciphers of content.
fn moves_keys(algorithm: &str) -> bool {
    let name = algorithm.rsplit('#').next().unwrap_or(algorithm);
    ["rsa-", "kw-", "dh", "ECDH"].iter().any(|family| name.starts_with(family))
}

/// Identifiers, separated by commas.
struct Uris<I>(I);

impl<I: Iterator<Item = &'static str> + Clone> fmt::Display for Uris<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uris: Vec<_> = self.0.clone().collect();
        if uris.is_empty() { f.write_str("(none that is not denied)") } else { f.write_str(&uris.join(", ")) }
    }
}

/// Signatures that we make, and the digests that they go with.
struct Signatures<'s>(&'s [SignatureAlgorithm]);

impl fmt::Display for Signatures<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digests: BTreeSet<&'static str> = self.0.iter().map(|algorithm| algorithm.digest().uri()).collect();
        let signatures = Uris(self.0.iter().map(|algorithm| algorithm.uri()));
        write!(f, "the signatures {signatures} and the digests {}", Uris(digests.iter().copied()))
    }
}

/// The key transports that we have.
struct Transports<'t>(&'t [KeyTransport]);

impl fmt::Display for Transports<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut uris: Vec<&str> = self.0.iter().map(|transport| transport.uri()).collect();
        uris.dedup();
        f.write_str(&uris.join(" or "))
    }
}
