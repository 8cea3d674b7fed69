//! Algorithms of the closed lists that the operator denies, for the day on which one breaks (implementation profile IIP-ALG08).
//!
//! What is denied is not accepted in a message, not used for what we send, and not advertised in our metadata. Nothing can be
//! added this way: the lists are [`SignatureAlgorithm`]'s, [`DigestAlgorithm`]'s, [`BlockEncryption`]'s and [`KeyTransport`]'s.

use std::fmt;

use super::encryption::{BlockEncryption, KeyTransport, OaepHash};
use super::signature::{AlgorithmError, DigestAlgorithm, SignatureAlgorithm};

/// Which algorithms are denied: one bit for each of `deniable`.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct DeniedAlgorithms(u32);

/// Why algorithms cannot be denied so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DenialError {
    /// So much is denied that nothing could be served.
    #[error("no {0} is left: at least one must not be denied")]
    NothingLeft(&'static str),
    /// Not an identifier of an algorithm that is used here: more likely misspelt than meant.
    #[error("`{}` is no algorithm that is ever used here, so there is nothing to deny; used are {}", .0.escape_debug(), deniable().join(", "))]
    Unknown(String),
}

impl DeniedAlgorithms {
    /// Nothing beyond what the closed lists leave out.
    pub const NONE: Self = Self(0);

    /// Denies the algorithms of these identifiers, compared octet for octet.
    ///
    /// # Errors
    /// An identifier is not one of ours, or nothing would be left to sign or encrypt with.
    pub fn parse<'u>(uris: impl IntoIterator<Item = &'u str>) -> Result<Self, DenialError> {
        let mut denied = Self::NONE;
        for uri in uris {
            let at = deniable().iter().position(|known| *known == uri);
            denied.0 |= 1 << at.ok_or_else(|| DenialError::Unknown(uri.chars().take(128).collect()))?;
        }
        if !SignatureAlgorithm::ALL.into_iter().any(|algorithm| denied.makes(algorithm)) {
            return Err(DenialError::NothingLeft("signature algorithm with a digest"));
        }
        // CBC needs an agreement's exception.
        if !BlockEncryption::ALL.into_iter().any(|cipher| cipher.is_authenticated() && denied.encrypts(cipher)) {
            return Err(DenialError::NothingLeft("authenticated cipher"));
        }
        if !KeyTransport::ALL.into_iter().any(|transport| denied.transports(transport)) {
            return Err(DenialError::NothingLeft("key transport with a digest and a mask"));
        }
        Ok(denied)
    }

    fn denies(self, uri: &str) -> bool {
        // Nearly always nothing is.
        self != Self::NONE && self.uris().any(|denied| denied == uri)
    }

    /// The identifiers of what is denied.
    pub fn uris(self) -> impl Iterator<Item = &'static str> {
        let denied = move |(at, _): &(usize, &str)| self.0 & (1 << at) != 0;
        deniable().into_iter().enumerate().filter(denied).map(|(_, uri)| uri)
    }

    /// The signature algorithm of this identifier, if it is accepted.
    ///
    /// # Errors
    /// It is in no list, or denied.
    pub(super) fn signature(self, uri: &str) -> Result<SignatureAlgorithm, AlgorithmError> {
        let algorithm = SignatureAlgorithm::from_uri(uri)?;
        if self.accepts(algorithm) { Ok(algorithm) } else { Err(AlgorithmError::Denied(algorithm.uri())) }
    }

    /// The digest algorithm of this identifier, if it is accepted.
    ///
    /// # Errors
    /// It is in no list, or denied.
    pub(super) fn digest(self, uri: &str) -> Result<DigestAlgorithm, AlgorithmError> {
        let algorithm = DigestAlgorithm::from_uri(uri)?;
        if self.digests(algorithm) { Ok(algorithm) } else { Err(AlgorithmError::Denied(algorithm.uri())) }
    }

    /// Whether signatures of this algorithm are accepted.
    #[must_use]
    pub fn accepts(self, algorithm: SignatureAlgorithm) -> bool {
        !self.denies(algorithm.uri())
    }

    /// Whether digests of this algorithm are accepted.
    #[must_use]
    pub fn digests(self, algorithm: DigestAlgorithm) -> bool {
        !self.denies(algorithm.uri())
    }

    /// Whether we sign so: neither the algorithm nor the digest that our references use with it is denied.
    #[must_use]
    pub fn makes(self, algorithm: SignatureAlgorithm) -> bool {
        self.accepts(algorithm) && self.digests(algorithm.digest())
    }

    /// Whether we encrypt content so.
    #[must_use]
    pub fn encrypts(self, cipher: BlockEncryption) -> bool {
        !self.denies(cipher.uri())
    }

    /// Whether we encrypt the content's key so: neither the algorithm nor its digest nor its mask is denied, whether they are
    /// written or implied.
    #[must_use]
    pub fn transports(self, transport: KeyTransport) -> bool {
        !transport.all_uris().into_iter().any(|uri| self.denies(uri))
    }
}

impl fmt::Debug for DeniedAlgorithms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.uris()).finish()
    }
}

/// Every identifier that can be denied, each once.
fn deniable() -> Vec<&'static str> {
    let hashes = OaepHash::ALL.into_iter().flat_map(|hash| [hash.digest_uri(), hash.mask_uri()]);
    let all = SignatureAlgorithm::ALL
        .into_iter()
        .map(SignatureAlgorithm::uri)
        .chain(DigestAlgorithm::ALL.into_iter().map(DigestAlgorithm::uri))
        .chain(BlockEncryption::ALL.into_iter().map(BlockEncryption::uri))
        .chain(KeyTransport::ALL.into_iter().map(KeyTransport::uri))
        .chain(hashes);
    let mut uris: Vec<&'static str> = Vec::new();
    for uri in all {
        if !uris.contains(&uri) {
            uris.push(uri);
        }
    }
    uris
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_algorithm_can_be_denied_and_none_denies_another() {
        let all = deniable();
        assert!(all.len() < 32, "one bit each");
        for uri in &all {
            let denied = DeniedAlgorithms::parse([*uri]).unwrap();
            assert_eq!(denied.uris().collect::<Vec<_>>(), [*uri]);
            let others = all.iter().filter(|other| *other != uri);
            assert!(denied.denies(uri) && !others.into_iter().any(|other| denied.denies(other)), "{uri}");
        }
        assert!(!all.iter().any(|uri| DeniedAlgorithms::NONE.denies(uri)));
    }

    #[test]
    fn no_sha_1_is_said_with_three_identifiers() {
        let sha_1 = ["http://www.w3.org/2000/09/xmldsig#sha1", "http://www.w3.org/2009/xmlenc11#mgf1sha1"];
        let denied = [sha_1[0], sha_1[1], "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"];
        let denied = DeniedAlgorithms::parse(denied).unwrap();
        for transport in KeyTransport::ALL {
            let of_sha_1 = transport.all_uris().into_iter().any(|uri| sha_1.contains(&uri));
            assert_eq!(denied.transports(transport), !of_sha_1, "{transport:?}");
        }
    }

    #[test]
    fn misspelt_algorithm_is_named_with_those_that_there_are() {
        for uri in [
            "",
            "rsa-sha512",
            "http://www.w3.org/2001/04/xmldsig-more#RSA-SHA512",
            "http://www.w3.org/2001/04/xmlenc#rsa-1_5",
        ] {
            let fault = DeniedAlgorithms::parse([uri]).unwrap_err();
            assert_eq!(fault, DenialError::Unknown(uri.to_owned()));
            assert!(fault.to_string().contains("xmldsig-more#rsa-sha512, "), "{fault}");
        }
    }

    #[test]
    fn something_must_be_left_of_each_kind() {
        let all_but = |left: &[&str], kind: &dyn Fn(&str) -> bool| {
            DeniedAlgorithms::parse(
                deniable().into_iter().filter(|uri| kind(uri) && !left.iter().any(|end| uri.ends_with(end))),
            )
        };
        let signs = |uri: &str| uri.contains("#rsa-sha") || uri.contains("#ecdsa");
        let digests = |uri: &str| DigestAlgorithm::from_uri(uri).is_ok();
        let ciphers = |uri: &str| BlockEncryption::from_uri(uri).is_some();
        let transports = |uri: &str| uri.contains("#rsa-oaep");
        for (kind, left) in [
            (&signs as &dyn Fn(&str) -> bool, "#ecdsa-sha384"),
            (&digests, "#sha512"),
            (&ciphers, "#aes128-gcm"),
            (&transports, "#rsa-oaep"),
        ] {
            assert!(matches!(all_but(&[], kind), Err(DenialError::NothingLeft(_))), "{left}");
            assert!(all_but(&[left], kind).is_ok(), "{left}");
        }
        assert!(matches!(all_but(&["aes256-cbc"], &ciphers), Err(DenialError::NothingLeft(_))), "CBC is an exception");
        // A signature without a digest that goes with it is none.
        let both = |uri: &str| signs(uri) || digests(uri);
        assert!(matches!(all_but(&["#rsa-sha256", "#sha512"], &both), Err(DenialError::NothingLeft(_))));
        assert!(all_but(&["#rsa-sha512", "#sha512"], &both).is_ok());
    }

    #[test]
    fn what_an_algorithm_uses_inside_denies_it() {
        let denied = DeniedAlgorithms::parse(["http://www.w3.org/2009/xmlenc11#mgf1sha1"]).unwrap();
        assert!(!denied.transports(KeyTransport::DEFAULT), "the older spelling implies the mask");
        let left: Vec<_> = KeyTransport::ALL.into_iter().filter(|transport| denied.transports(*transport)).collect();
        let mask = OaepHash::Sha256;
        let of = |digest| KeyTransport::Oaep { digest, mask };
        assert_eq!(left, [of(OaepHash::Sha256), of(OaepHash::Sha1)]);
        let denied = DeniedAlgorithms::parse([DigestAlgorithm::Sha512.uri()]).unwrap();
        assert!(denied.accepts(SignatureAlgorithm::RsaSha512) && !denied.makes(SignatureAlgorithm::RsaSha512));
    }
}
