//! The person's own pages: addresses, methods, connected services, sessions.

pub mod pages;
