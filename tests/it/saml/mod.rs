//! The wire, judged from outside: by properties, by refusals, and by programs that we did not write.

mod binding;
mod canonical;
mod encryption;
mod idp_metadata;
pub mod judge;
pub mod keys;
mod logout;
mod metadata;
pub mod mutants;
mod reader;
mod signature;
mod signature_refusals;
mod upstream;
