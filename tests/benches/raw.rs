//! What the machine can do: the yardsticks.

use std::time::Duration;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use openssl::{hash::MessageDigest, pkey::PKey, rsa::Rsa, sign::Signer};

use super::measure::{Cost, on_this_thread};

/// RSA-2048 signatures with SHA-256 over 256 octets, by OpenSSL alone.
pub fn rsa_2048_signing() -> Cost {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let octets = [7_u8; 256];
    on_this_thread(Duration::from_millis(1500), || {
        Signer::new(MessageDigest::sha256(), &key).unwrap().sign_oneshot_to_vec(&octets).unwrap();
    })
}

/// Argon2id with the parameters of production, by the crate alone, in memory that is there already.
pub fn argon2id() -> Cost {
    let parameters = signet::authentication::password::Argon2Parameters::DEFAULT;
    let parameters = Params::new(parameters.memory_kib, parameters.iterations, parameters.lanes, Some(32)).unwrap();
    let mut memory = vec![Block::default(); parameters.block_count()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
    let mut out = [0_u8; 32];
    on_this_thread(Duration::from_millis(1500), || {
        argon2.hash_password_into_with_memory(b"a long password", b"salt of sixteen!", &mut out, &mut memory).unwrap();
    })
}
