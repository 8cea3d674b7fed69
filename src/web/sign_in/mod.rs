//! Signing up, signing in, the second factor, a forgotten password.

mod argon2_gate;
pub mod pages;

pub use argon2_gate::{Argon2Busy, Argon2Gate};
pub(crate) use pages::page;
