//! The browser: forms in, pages out. Thin.

pub mod account;
pub mod csrf;
pub mod page;
pub mod people;
pub mod saml;
pub mod session;
pub mod sign_in;
pub mod site;
pub mod texts;
