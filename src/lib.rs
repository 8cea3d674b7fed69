//! Signet: a SAML 2.0 identity provider and federation broker.
//!
//! One account with which people sign in to many agencies' services, where each agency receives only the personal
//! attributes that its agreement allows, the person has agreed to, and the person's proven level supports.
//!
//! # The house
//!
//! | room | what it is | volume of NIST SP 800-63 |
//! |---|---|---|
//! | [`saml`] | the wire: bytes in, bytes out; knows no other room | |
//! | [`federation`] | who may ask for what, and what is released | C |
//! | [`proofing`] | from applicant to a proven identity | A |
//! | [`authentication`] | authenticators and sessions | B |
//! | [`subscriber`] | the person's account and the vault | |
//! | [`rollover`] | which key signs for whom, and how the next one takes over | |
//! | [`sealing`] | how values are sealed and rows vouched for; below the core | |
//! | [`services`] | ports to the outside world: trait, real adapters, sandbox | |
//! | [`accounts`] | load, decide, save, tell, in one transaction; no HTTP | |
//! | [`texts`] | what people read: the locale files | |
//! | [`locale`] | in which language they read it | |
//! | [`storage`] | the only room that says `diesel` | |
//! | [`web`] | forms in, pages out | |
//! | [`address`] | where our pages are: each path once | |
//! | [`cli`] | one file a command | |
//! | `conform` | the identity provider tried against the profiles, label by label (feature `demo`) | |
//! | [`event`] | what happened, for the log and the person's history | |
//! | [`clock`], [`entropy`] | time and randomness, which are arguments | |
//! | [`refusal`] | what is not done: kinds, codes, statuses | |
//! | [`telemetry`] | the log of the process: who may speak in it | |
//!
//! Arrows run one way: `web`, `cli` and `demo` answer; `accounts` and `jobs` load, let the core decide, save and tell in one
//! transaction.
//! The core (`federation`, `rollover`, `authentication`, `proofing`, `subscriber`, `sealing`) takes values and returns values: no
//! input or output, no clock. No arrows go round in a circle; a test holds the list of who may know whom.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        reason = "a test fails by panicking"
    )
)]

pub mod accounts;
pub mod address;
pub mod app;
pub mod authentication;
pub mod cli;
pub mod clock;
#[cfg(feature = "demo")]
pub mod conform;
#[cfg(feature = "demo")]
pub mod demo;
pub mod entropy;
pub mod event;
pub mod federation;
pub mod id;
pub mod jobs;
pub mod locale;
mod one_line;
pub mod proofing;
pub mod refusal;
pub mod rollover;
pub mod saml;
pub mod sealing;
pub mod services;
pub mod settings;
pub mod storage;
pub mod subscriber;
pub mod telemetry;
pub mod texts;
pub mod web;
