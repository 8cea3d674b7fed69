//! The attacks, one file a class. Each file tells the story: what the attacker hopes for, where it has worked, and what
//! stands in the way. The scene is always the same: a service provider whose requests must be signed, and an attacker who
//! holds genuine requests of it, keys of his own, and whatever octets he likes. What [`scene::refusal`] judges is judged
//! twice: on the line from octets to a believed request, and at the front door of a running identity provider.
//!
//! [`upstream`] is another scene: there we are the service that asked, and the attacker brings responses of an identity provider.

mod acs_tampering;
mod algorithm_downgrade;
mod another_service;
mod comment_in_issuer;
mod consent_tampering;
mod document_type;
mod door;
mod duplicate_ids;
mod exhaustion;
mod fixation;
mod foreign_key;
mod forged_form;
mod host_header;
mod inflate_bomb;
mod misdirection;
mod open_redirect;
mod parameter_pollution;
mod replay;
mod scene;
mod signature_exclusion;
mod signature_wrapping;
mod slow;
mod stolen_request;
mod tampering;
pub(crate) mod upstream;
