//! The wire: SAML core, bindings, metadata. No clock, no database, no HTTP; knows no other room.

pub mod c14n;
pub mod encryption;
mod entity_id;
pub mod signature;
pub mod xml;

pub use entity_id::{EntityId, MalformedEntityId};
