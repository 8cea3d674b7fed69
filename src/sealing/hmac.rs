//! HMAC-SHA256 and HKDF-SHA256, put together from OpenSSL's SHA-256.
//!
//! OpenSSL has both, behind interfaces that look their algorithm up by name and allocate for each call: a derivation costs
//! twenty times what its hashing costs, and one sign-on makes more than thirty. The hash is OpenSSL's; what stands here are
//! the two pads of RFC 2104 and the two steps of RFC 5869, judged by the vectors of RFC 4231 and RFC 5869 and by OpenSSL's
//! own HMAC.

use openssl::sha::{Sha256, sha256};
use zeroize::{Zeroize, Zeroizing};

/// The block of SHA-256, in octets.
const BLOCK: usize = 64;

/// HMAC-SHA256 (RFC 2104) of the octets of all parts, one after the other.
#[must_use]
pub(crate) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut pad = Zeroizing::new([0_u8; BLOCK]);
    // RFC 2104 §2: "Applications that use keys longer than B bytes will first hash the key".
    let mut hashed = if key.len() > BLOCK { sha256(key) } else { [0; 32] };
    let key = if key.len() > BLOCK { &hashed } else { key };
    for (octet, key) in pad.iter_mut().zip(key) {
        *octet = *key;
    }
    hashed.zeroize();
    pad.iter_mut().for_each(|octet| *octet ^= 0x36);
    let mut inner = Sha256::new();
    inner.update(&*pad);
    for part in parts {
        inner.update(part);
    }
    // From the inner pad to the outer one.
    pad.iter_mut().for_each(|octet| *octet ^= 0x36 ^ 0x5c);
    let mut outer = Sha256::new();
    outer.update(&*pad);
    outer.update(&inner.finish());
    outer.finish()
}

/// HKDF-SHA256 (RFC 5869), extract then expand, 32 octets: one block.
#[must_use]
pub(crate) fn hkdf_sha256(key: &[u8], salt: &[u8], info: &[u8]) -> Zeroizing<[u8; 32]> {
    let extracted = Zeroizing::new(hmac_sha256(salt, &[key]));
    Zeroizing::new(hmac_sha256(&*extracted, &[info, &[1]]))
}

#[cfg(test)]
mod tests {
    use openssl::{hash::MessageDigest, pkey::PKey, sign::Signer};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hmac_agrees_with_rfc_4231() {
        let of = |key: &[u8], octets: &[u8]| hex::encode(hmac_sha256(key, &[octets]));
        assert_eq!(of(&[0x0b; 20], b"Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
        assert_eq!(
            of(b"Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            of(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn hkdf_agrees_with_rfc_5869() {
        let salt: Vec<u8> = (0x00..=0x0c).collect();
        let info: Vec<u8> = (0xf0..=0xf9).collect();
        let of = |key: &[u8], salt: &[u8], info: &[u8]| hex::encode(*hkdf_sha256(key, salt, info));
        assert_eq!(of(&[0x0b; 22], &salt, &info), "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
        assert_eq!(of(&[0x0b; 22], b"", b""), "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
    }

    proptest! {
        #[test]
        fn hmac_agrees_with_openssl(key in prop::collection::vec(any::<u8>(), 1..200), parts: Vec<Vec<u8>>) {
            let slices: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            let openssl = Signer::new(MessageDigest::sha256(), &PKey::hmac(&key).unwrap())
                .and_then(|mut signer| signer.sign_oneshot_to_vec(&parts.concat()))
                .unwrap();
            prop_assert_eq!(hmac_sha256(&key, &slices).to_vec(), openssl);
        }
    }
}
