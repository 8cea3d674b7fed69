//! The browser: forms in, pages out. Thin.

pub mod sign_in;
