//! Tests through the front door and over the whole house, in one binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::redundant_closure,
    clippy::redundant_closure_for_method_calls,
    clippy::allow_attributes,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "a test fails by panicking, and one binary does not use every part of its support"
)]

mod account;
mod app;
mod attacks;
mod authentication;
mod cli;
#[cfg(feature = "demo")]
mod conform;
#[cfg(feature = "demo")]
mod demo;
mod federation;
mod house;
mod jobs;
#[cfg(all(feature = "demo", target_os = "linux"))]
mod memory;
mod pages;
mod peers;
#[cfg(feature = "demo")]
mod production;
mod proofs;
#[cfg(feature = "demo")]
mod rollover;
mod saml;
mod services;
mod storage;
mod support;
