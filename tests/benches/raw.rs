//! What the machine can do: the yardsticks.

use std::time::Duration;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use openssl::{
    hash::MessageDigest,
    sign::{Signer, Verifier},
};

use super::THREADS;
use super::measure::{Cost, Yardstick, on_this_thread};
use super::service::KeyKind;

const OCTETS: [u8; 256] = [7; 256];
const LONG_ENOUGH: Duration = Duration::from_millis(1500);

/// Signatures and verifications with SHA-256 over 256 octets, by OpenSSL alone, on as many threads at once as the runs have: what
/// looks like two cores may be two halves of one, and each is then slower while the other works.
pub fn yardstick(kind: KeyKind) -> Yardstick {
    let on_threads = |work: fn(KeyKind) -> Box<dyn FnMut()>, kind: KeyKind| {
        let threads: Vec<_> =
            (0..THREADS).map(|_| std::thread::spawn(move || on_this_thread(LONG_ENOUGH, work(kind)))).collect();
        threads.into_iter().fold(Cost::NOTHING, |mut sum, thread| {
            sum += thread.join().unwrap();
            sum
        })
    };
    Yardstick {
        signature: on_threads(one_signature, kind),
        verification: on_threads(one_verification, KeyKind::Rsa2048),
    }
}

/// One such signature at each call.
pub fn one_signature(kind: KeyKind) -> Box<dyn FnMut()> {
    let key = kind.generate();
    Box::new(move || {
        Signer::new(MessageDigest::sha256(), &key).unwrap().sign_oneshot_to_vec(&OCTETS).unwrap();
    })
}

/// The same for verifying one.
pub fn one_verification(kind: KeyKind) -> Box<dyn FnMut()> {
    let key = kind.generate();
    let signature = Signer::new(MessageDigest::sha256(), &key).unwrap().sign_oneshot_to_vec(&OCTETS).unwrap();
    Box::new(move || {
        assert!(Verifier::new(MessageDigest::sha256(), &key).unwrap().verify_oneshot(&signature, &OCTETS).unwrap());
    })
}

/// Argon2id with the parameters of production, by the crate alone, in memory that is there already.
pub fn argon2id() -> Cost {
    let parameters = signet::authentication::password::Argon2Parameters::DEFAULT;
    let parameters = Params::new(parameters.memory_kib, parameters.iterations, parameters.lanes, Some(32)).unwrap();
    let mut memory = vec![Block::default(); parameters.block_count()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
    let mut out = [0_u8; 32];
    on_this_thread(LONG_ENOUGH, || {
        argon2.hash_password_into_with_memory(b"a long password", b"salt of sixteen!", &mut out, &mut memory).unwrap();
    })
}
