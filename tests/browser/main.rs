//! A real Chromium at Signet's front door: what a person sees, with script and without, wide and narrow, with an authenticator
//! that answers. Real service providers take part in `peers`.
//!
//! The tests are ignored by a plain `cargo test`, because they need Debian's packages `chromium` and `chromium-driver`;
//! `make test` installs those and runs them. By hand: `cargo test --test browser -- --ignored`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::allow_attributes,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "a test fails by panicking and may say what it counted; one binary does not use every part of its support"
)]

mod accessibility;
mod crash;
mod journeys;
mod peers;
#[path = "../it/support/browser.rs"]
mod plain_browser;
mod service_provider;
mod signet;
mod tools;
mod visitor;
mod webdriver;
