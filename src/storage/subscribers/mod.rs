//! People: their accounts, how they are reached, how they authenticate, what their vault holds. Everything sealed comes in and
//! goes out sealed. A file a kind of row.

mod accounts;
mod addresses;
mod authenticators;
mod codes;
mod known_browsers;
mod links;
mod vault;

pub use addresses::EmailRecord;
pub use authenticators::AuthenticatorRecord;
pub use codes::FailuresOf;
pub use links::LinkRecord;
