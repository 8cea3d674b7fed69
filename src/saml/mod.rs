//! The wire: SAML core, bindings, metadata. No clock, no database, no HTTP; knows no other room.

pub mod c14n;
pub mod encryption;
pub mod signature;
pub mod xml;
