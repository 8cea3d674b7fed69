//! Responses from, or around, an identity provider that we asked, brought by an attacker who may sign in there as himself.
//!
//! He hopes to be taken for somebody else: by moving what the identity provider signed, by leaving its signature away, or by
//! handing in what was said of another service, another request, another time. Most products that read responses had one of
//! these holes; the files name them. What stands in the way is one line of types: what is signed is what is read, and all that
//! it says is compared before any of it is told ([`signet::saml::response::incoming`]).

mod meaning;
mod parts;
pub(crate) mod scene;
mod wrapping;
