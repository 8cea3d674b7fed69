//! The demonstration: an agency's service provider, and a page with the sandbox's mails and text messages.
//!
//! It is behind the cargo feature `demo`, listens on loopback alone, and release packages leave it out. The service
//! provider knows the identity provider only by its metadata and speaks to it only through the browser, as a real one
//! would; nothing in the rest of the house knows that it is there.

pub mod agency;
mod choices;
mod inbox;
mod open_requests;
mod page;
pub mod person;
pub mod service_provider;
pub mod setup;
pub mod site;

pub use open_requests::OpenRequestsFile;
pub use page::DemoPerson;
