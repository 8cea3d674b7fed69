//! The closed lists of algorithms. There is no default: what is not listed is refused.

use openssl::hash::MessageDigest;

/// A signature algorithm (RFC 6931) that is accepted and made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// ECDSA with SHA-256.
    EcdsaSha256,
    /// ECDSA with SHA-384.
    EcdsaSha384,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RsaSha256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RsaSha384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RsaSha512,
}

/// A digest algorithm of a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DigestAlgorithm {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// An algorithm that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AlgorithmError {
    /// One of the lists, which the operator denies.
    #[error("algorithm {0} is denied by this provider's operator")]
    Denied(&'static str),
    /// An HMAC: a public key would be taken for the shared secret.
    #[error("HMAC is not accepted as a signature")]
    Hmac,
    /// SHA-1, on which signatures can be forged.
    #[error("SHA-1 is not accepted; use SHA-256 or stronger")]
    Sha1,
    /// Anything else.
    #[error("algorithm {0:?} is not accepted")]
    Unknown(String),
}

impl SignatureAlgorithm {
    /// All algorithms, the recommended one first: what metadata and agreements may list.
    pub const ALL: [Self; 5] =
        [Self::RsaSha256, Self::EcdsaSha256, Self::RsaSha384, Self::EcdsaSha384, Self::RsaSha512];

    /// The identifier in `SignatureMethod` and in `SigAlg`.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::EcdsaSha256 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
            Self::EcdsaSha384 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
            Self::RsaSha256 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            Self::RsaSha384 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
            Self::RsaSha512 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
        }
    }

    /// The algorithm of this identifier, compared octet for octet.
    ///
    /// # Errors
    /// Every identifier that is not listed, SHA-1 and HMAC by name.
    pub fn from_uri(uri: &str) -> Result<Self, AlgorithmError> {
        Self::ALL.into_iter().find(|algorithm| algorithm.uri() == uri).ok_or_else(|| refusal(uri))
    }

    /// The hash of the signature, which our own references use too.
    #[must_use]
    pub const fn digest(self) -> DigestAlgorithm {
        match self {
            Self::EcdsaSha256 | Self::RsaSha256 => DigestAlgorithm::Sha256,
            Self::EcdsaSha384 | Self::RsaSha384 => DigestAlgorithm::Sha384,
            Self::RsaSha512 => DigestAlgorithm::Sha512,
        }
    }

    /// Whether keys for it are RSA keys.
    #[must_use]
    pub const fn is_rsa(self) -> bool {
        matches!(self, Self::RsaSha256 | Self::RsaSha384 | Self::RsaSha512)
    }
}

impl DigestAlgorithm {
    /// All of them, the usual one first.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    /// The identifier in `DigestMethod`.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Sha256 => "http://www.w3.org/2001/04/xmlenc#sha256",
            Self::Sha384 => "http://www.w3.org/2001/04/xmldsig-more#sha384",
            Self::Sha512 => "http://www.w3.org/2001/04/xmlenc#sha512",
        }
    }

    /// The algorithm of this identifier, compared octet for octet.
    ///
    /// # Errors
    /// Every identifier that is not listed, SHA-1 by name.
    pub fn from_uri(uri: &str) -> Result<Self, AlgorithmError> {
        Self::ALL.into_iter().find(|algorithm| algorithm.uri() == uri).ok_or_else(|| refusal(uri))
    }

    pub(super) fn message_digest(self) -> MessageDigest {
        match self {
            Self::Sha256 => MessageDigest::sha256(),
            Self::Sha384 => MessageDigest::sha384(),
            Self::Sha512 => MessageDigest::sha512(),
        }
    }
}

/// Names what is wrong with an identifier that is in no list.
fn refusal(uri: &str) -> AlgorithmError {
    let name = uri.rsplit('#').next().unwrap_or(uri);
    if name.starts_with("hmac-") {
        AlgorithmError::Hmac
    } else if name == "sha1" || name.ends_with("-sha1") {
        AlgorithmError::Sha1
    } else {
        AlgorithmError::Unknown(uri.chars().take(128).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha1_and_hmac_are_refused_by_name() {
        for uri in ["http://www.w3.org/2000/09/xmldsig#rsa-sha1", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1"] {
            assert_eq!(SignatureAlgorithm::from_uri(uri), Err(AlgorithmError::Sha1), "{uri}");
        }
        assert_eq!(DigestAlgorithm::from_uri("http://www.w3.org/2000/09/xmldsig#sha1"), Err(AlgorithmError::Sha1));
        for uri in ["http://www.w3.org/2000/09/xmldsig#hmac-sha1", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"]
        {
            assert_eq!(SignatureAlgorithm::from_uri(uri), Err(AlgorithmError::Hmac), "{uri}");
        }
    }

    #[test]
    fn unlisted_algorithms_are_refused() {
        for uri in [
            "",
            "rsa-sha256",
            "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
            "http://www.w3.org/2001/04/xmldsig-more#RSA-SHA256",
        ] {
            assert!(matches!(SignatureAlgorithm::from_uri(uri), Err(AlgorithmError::Unknown(_))), "{uri}");
        }
        for algorithm in SignatureAlgorithm::ALL {
            assert_eq!(SignatureAlgorithm::from_uri(algorithm.uri()), Ok(algorithm));
        }
    }
}
