//! `make bench`: how fast Signet is, as a share of what this machine can do, from one run.
//!
//! * `raw`: what OpenSSL does with an RSA-2048 key and what Argon2id costs here, on one thread, by that thread's CPU time.
//! * `gate`: Responses made through the gate and recorded on SQLite, 64 in flight, without HTTP.
//! * `front_door`: the started server: the whole round trip of a person who is signed in, and passwords.
//! * `enumeration`: whether the server's work tells if an address has an account. `--bench enumeration` runs that alone.
//!
//! Shares are of CPU time, so that a busy machine lowers rates but not shares. A share of 0.80 means that of all the CPU time that a
//! Response takes, reading, deciding, recording and writing included, 80 % goes into its private-key operations.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::allow_attributes,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "a bench fails by panicking and tells its results on the terminal"
)]

#[cfg(feature = "demo")]
mod enumeration;
#[cfg(feature = "demo")]
mod front_door;
mod gate;
mod measure;
mod raw;
mod service;

/// So many at once.
pub const IN_FLIGHT: usize = 64;

fn main() {
    // `cargo test --all-targets` builds and runs benches too, with this argument missing.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    #[cfg(feature = "demo")]
    if std::env::args().any(|argument| argument == "enumeration") {
        return front_door::only_enumeration();
    }
    let signing = raw::rsa_2048_signing();
    println!(
        "raw RSA-2048 with SHA-256          {:9.0} signatures a second and core ({:.0} µs)",
        signing.rate(),
        signing.micros()
    );
    let argon2 = raw::argon2id();
    println!(
        "raw Argon2id, 46 MiB, t=1, p=1      {:9.1} a second and core ({:.1} ms)",
        argon2.rate(),
        argon2.micros() / 1e3
    );
    println!();
    println!("through the gate, recorded on SQLite, {IN_FLIGHT} in flight");
    for shape in service::Shape::ALL {
        let made = gate::responses(shape);
        // Beside every measurement, since a core's speed changes with what its neighbours do.
        let signing = raw::rsa_2048_signing();
        println!("  {:34} {}", shape.words(), made.told(shape.private_key_operations(), &signing));
    }
    #[cfg(feature = "demo")]
    front_door::run();
}
