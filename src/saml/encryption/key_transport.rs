//! How the content's key travels: RSA-OAEP in both spellings of XML Encryption, with each digest and mask that we know.
//!
//! RSA PKCS#1 v1.5 has no name here, so no metadata can ask for it: whoever may ask a receiver twice can open it.

use openssl::{
    encrypt::{Decrypter, Encrypter},
    error::ErrorStack,
    hash::MessageDigest,
    pkey::{PKey, Private, Public},
    rsa::Padding,
};

use crate::saml::xml::{Builder, Element, XmlError, ns};

/// XML Encryption 1.0 §5.4.2: RSA-OAEP with MGF1 over SHA-1.
const RSA_OAEP_MGF1P: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
/// XML Encryption 1.1 §5.5.2: RSA-OAEP with the mask generation function named.
const RSA_OAEP: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";

/// A hash inside OAEP. That SHA-1 has collisions does not matter there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OaepHash {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl OaepHash {
    pub(in crate::saml) const ALL: [Self; 2] = [Self::Sha1, Self::Sha256];

    pub(in crate::saml) const fn digest_uri(self) -> &'static str {
        match self {
            Self::Sha1 => "http://www.w3.org/2000/09/xmldsig#sha1",
            Self::Sha256 => "http://www.w3.org/2001/04/xmlenc#sha256",
        }
    }

    pub(in crate::saml) const fn mask_uri(self) -> &'static str {
        match self {
            Self::Sha1 => "http://www.w3.org/2009/xmlenc11#mgf1sha1",
            Self::Sha256 => "http://www.w3.org/2009/xmlenc11#mgf1sha256",
        }
    }

    fn message_digest(self) -> MessageDigest {
        match self {
            Self::Sha1 => MessageDigest::sha1(),
            Self::Sha256 => MessageDigest::sha256(),
        }
    }
}

/// How the content's key is encrypted to the receiver's RSA key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyTransport {
    /// `xmlenc#rsa-oaep-mgf1p`: the mask is always MGF1 over SHA-1.
    Mgf1p {
        /// The digest.
        digest: OaepHash,
    },
    /// `xmlenc11#rsa-oaep`: digest and mask are named apart.
    Oaep {
        /// The digest.
        digest: OaepHash,
        /// The hash under MGF1.
        mask: OaepHash,
    },
}

impl KeyTransport {
    /// rsa-oaep-mgf1p with SHA-1, the one form that every receiver in the field reads (deployment profile SDP-ALG01).
    pub const DEFAULT: Self = Self::Mgf1p { digest: OaepHash::Sha1 };

    /// All of them (implementation profile IIP-ALG06), the preferred first.
    pub const ALL: [Self; 6] = [
        Self::DEFAULT,
        Self::Mgf1p { digest: OaepHash::Sha256 },
        Self::Oaep { digest: OaepHash::Sha256, mask: OaepHash::Sha256 },
        Self::Oaep { digest: OaepHash::Sha256, mask: OaepHash::Sha1 },
        Self::Oaep { digest: OaepHash::Sha1, mask: OaepHash::Sha1 },
        Self::Oaep { digest: OaepHash::Sha1, mask: OaepHash::Sha256 },
    ];

    /// The identifier in `EncryptionMethod`, without digest and mask.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Mgf1p { .. } => RSA_OAEP_MGF1P,
            Self::Oaep { .. } => RSA_OAEP,
        }
    }

    /// The identifiers of all that it uses: its own, its digest's and its mask's, written or implied.
    pub(in crate::saml) const fn all_uris(self) -> [&'static str; 3] {
        [self.uri(), self.digest().digest_uri(), self.mask().mask_uri()]
    }

    const fn digest(self) -> OaepHash {
        match self {
            Self::Mgf1p { digest } | Self::Oaep { digest, .. } => digest,
        }
    }

    const fn mask(self) -> OaepHash {
        match self {
            Self::Mgf1p { .. } => OaepHash::Sha1,
            Self::Oaep { mask, .. } => mask,
        }
    }

    /// What an `EncryptionMethod` with these identifiers means, of metadata or of a message.
    ///
    /// The digest is SHA-1 where none is named (XML Encryption 1.0 §5.4.2), and so is the mask's (1.1 §5.5.2). The older
    /// algorithm has no mask to name; one that is named is passed over.
    #[must_use]
    pub fn from_uris(algorithm: &str, digest: Option<&str>, mask: Option<&str>) -> Option<Self> {
        let named = |uri: Option<&str>, of: fn(OaepHash) -> &'static str| match uri {
            None => Some(OaepHash::Sha1),
            Some(uri) => OaepHash::ALL.into_iter().find(|hash| of(*hash) == uri),
        };
        let digest = named(digest, OaepHash::digest_uri)?;
        match algorithm {
            RSA_OAEP_MGF1P => Some(Self::Mgf1p { digest }),
            RSA_OAEP => Some(Self::Oaep { digest, mask: named(mask, OaepHash::mask_uri)? }),
            _ => None,
        }
    }

    /// The `xenc:EncryptionMethod` of an `xenc:EncryptedKey`.
    pub(super) fn write(self) -> Builder {
        self.describe(Builder::element("xenc", ns::XMLENC, "EncryptionMethod"))
    }

    /// The `md:EncryptionMethod` with which a receiver says that it opens this.
    pub(in crate::saml) fn declare(self) -> Builder {
        self.describe(Builder::element("md", ns::METADATA, "EncryptionMethod"))
    }

    /// The same without the element of the mask, which readers with older schemas do not know; `None` where the mask is not the one
    /// that is meant if none is named (XML Encryption 1.1 §5.5.2: MGF1 over SHA-1).
    pub(in crate::saml) fn declare_without_mask(self) -> Option<Builder> {
        let method = Builder::element("md", ns::METADATA, "EncryptionMethod");
        (self.mask() == OaepHash::Sha1).then(|| self.describe_digest(method))
    }

    fn describe_digest(self, method: Builder) -> Builder {
        let digest =
            Builder::element("ds", ns::DSIG, "DigestMethod").attribute("Algorithm", self.digest().digest_uri());
        method.attribute("Algorithm", self.uri()).child(digest)
    }

    fn describe(self, method: Builder) -> Builder {
        let method = self.describe_digest(method);
        match self {
            Self::Mgf1p { .. } => method,
            Self::Oaep { mask, .. } => {
                let mask = Builder::element("xenc11", ns::XMLENC11, "MGF").attribute("Algorithm", mask.mask_uri());
                method.child(mask)
            }
        }
    }

    pub(super) fn wrap(self, content_key: &[u8], key: &PKey<Public>) -> Result<Vec<u8>, ErrorStack> {
        let mut encrypter = Encrypter::new(key)?;
        encrypter.set_rsa_padding(Padding::PKCS1_OAEP)?;
        encrypter.set_rsa_oaep_md(self.digest().message_digest())?;
        encrypter.set_rsa_mgf1_md(self.mask().message_digest())?;
        let mut wrapped = vec![0_u8; encrypter.encrypt_len(content_key)?];
        let length = encrypter.encrypt(content_key, &mut wrapped)?;
        wrapped.truncate(length);
        Ok(wrapped)
    }

    pub(super) fn unwrap(self, wrapped: &[u8], key: &PKey<Private>) -> Result<Vec<u8>, ErrorStack> {
        let mut decrypter = Decrypter::new(key)?;
        decrypter.set_rsa_padding(Padding::PKCS1_OAEP)?;
        decrypter.set_rsa_oaep_md(self.digest().message_digest())?;
        decrypter.set_rsa_mgf1_md(self.mask().message_digest())?;
        let mut content_key = vec![0_u8; decrypter.decrypt_len(wrapped)?];
        let length = decrypter.decrypt(wrapped, &mut content_key)?;
        content_key.truncate(length);
        Ok(content_key)
    }
}

/// The digest and the mask that a message's `EncryptionMethod` names in its children.
///
/// # Errors
/// One of them is named twice.
pub(super) fn named_in<'d>(method: Element<'d>) -> Result<(Option<&'d str>, Option<&'d str>), XmlError> {
    // A child without an algorithm names none that anybody knows.
    let algorithm = |child: Option<Element<'d>>| child.map(|child| child.attribute("Algorithm").unwrap_or(""));
    let digest = algorithm(method.only_child(ns::DSIG, "DigestMethod")?);
    let mask = algorithm(method.only_child(ns::XMLENC11, "MGF")?);
    Ok((digest, mask))
}
