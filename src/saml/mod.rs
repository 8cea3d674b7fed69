//! The wire: SAML core, bindings, metadata. No clock, no database, no HTTP; knows no other room.

pub mod xml;
