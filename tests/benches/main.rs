//! `make bench`: how fast Signet is, as a share of what this machine can do, from one run.
//!
//! * `raw`: what OpenSSL does with a key and what Argon2id costs here, on one thread, by that thread's CPU time.
//! * `wire`: requests verified, Responses made and a session ended at all its services, on one thread and recorded nowhere.
//! * `gate`: Responses made through the gate and recorded on SQLite, 64 in flight, without HTTP.
//! * `front_door`: the started server: the whole round trip of a person who is signed in, and passwords.
//! * `enumeration`: whether the server's work tells if an address has an account.
//!
//! `cargo bench --bench speed -- wire gate` runs only those.
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
mod logout;
mod measure;
mod raw;
mod service;
mod wire;

/// As `signet` itself has it.
#[global_allocator]
static MEMORY: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

/// The threads of a run.
pub const THREADS: usize = 2;
/// So many at once.
pub const IN_FLIGHT: usize = 64;

fn main() {
    // `cargo test --all-targets` builds and runs benches too, with this argument missing.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let parts: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let is_asked = |part: &str| parts.is_empty() || parts.iter().any(|asked| asked == part);
    if is_asked("wire") {
        wire::run();
    }
    if is_asked("gate") {
        gate::run();
    }
    #[cfg(feature = "demo")]
    if is_asked("front_door") {
        front_door::run();
    }
    #[cfg(feature = "demo")]
    if parts.iter().any(|asked| asked == "enumeration") {
        front_door::only_enumeration();
    }
}
