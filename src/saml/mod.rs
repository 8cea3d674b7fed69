//! The wire: SAML core, bindings, metadata. No clock, no database, no HTTP; knows no other room.
//!
//! # The line of types
//!
//! Each arrow is one function, and no type on the line can be made by any other:
//!
//! ```text
//!  octets ─▶ xml::Document            one strict reader, one tree, within limits                    xml
//!         ─▶ xml::Element             a handle into that tree; says nothing about who wrote it
//!         ─▶ VerifiedElement          the same node, its signature verified with a registered key   signature
//!             └▶ SignatureVerified    the proof, which says whose key it was
//!
//!  xml::Builder ─▶ xml::Canonical     written once, in exclusive canonical form                     xml
//!               ─▶ signed Canonical   one hash, one private-key operation                           signature
//!               ─▶ encrypted          xenc:EncryptedData                                            encryption
//! ```
//!
//! A request's line begins with `binding::Received` and ends with `authn_request::VerifiedAuthnRequest`; an answer's
//! line begins with `assertion::Assertion` and ends with `response::PostForm`. The rooms of those names draw them. Logout
//! messages walk lines of the same kind: `logout`; so does what a service fetches by itself: `artifact`.
//!
//! # What cannot be written
//!
//! A verified signature comes from verifying one. This compiles:
//!
//! ```
//! use signet::saml::{signature::*, xml::{Document, Limits}};
//! fn verified<'d>(document: &'d Document, keys: &[VerificationKey]) -> Result<VerifiedElement<'d>, SignatureError> {
//!     verify_enveloped(document.root(), SignaturePosition::AfterIssuer, keys)
//! }
//! ```
//!
//! and none of these does, since nobody else can fill the fields:
//!
//! ```compile_fail,E0451
//! // fails: SignatureVerified` are private
//! use signet::saml::signature::*;
//! fn forged(key: KeyFingerprint, algorithm: SignatureAlgorithm) -> SignatureVerified {
//!     SignatureVerified { key, algorithm }
//! }
//! ```
//! ```compile_fail,E0451
//! // fails: VerifiedElement` are private
//! use signet::saml::{signature::*, xml::Element};
//! fn moved_to_another_element<'d>(element: Element<'d>, proof: SignatureVerified) -> VerifiedElement<'d> {
//!     VerifiedElement { element, proof }
//! }
//! ```
//! ```compile_fail,E0423
//! // fails: cannot initialize a tuple struct which contains private fields
//! use signet::saml::signature::KeyFingerprint;
//! fn made_up() -> KeyFingerprint {
//!     KeyFingerprint([0; 32])
//! }
//! ```
//!
//! A place to which answers go comes from registered metadata; what we state about a person comes through the
//! federation's gate; a request that can be read has been verified:
//!
//! ```
//! use signet::saml::{AcsError, AcsLocation, AcsSelection, SpMetadata};
//! fn registered(metadata: &SpMetadata, asked: &AcsSelection) -> Result<AcsLocation, AcsError> {
//!     metadata.acs_location(asked, None, false)
//! }
//! ```
//! ```compile_fail,E0451
//! // fails: AcsLocation` are private
//! use signet::saml::AcsLocation;
//! fn wherever(registered: AcsLocation, location: signet::saml::metadata::Location) -> AcsLocation {
//!     AcsLocation { location, ..registered }
//! }
//! ```
//! ```compile_fail,E0624
//! // fails: associated function `new` is private
//! use signet::saml::{OutboundError, assertion::{Assertion, AssertionParts}};
//! fn past_the_gate(parts: AssertionParts) -> Result<Assertion, OutboundError> {
//!     Assertion::new(parts)
//! }
//! ```
//! ```compile_fail,E0451
//! // fails: Assertion` are private
//! use signet::saml::assertion::{Assertion, AssertionParts};
//! fn changed_behind_the_gate(assertion: Assertion, parts: AssertionParts) -> Assertion {
//!     Assertion { parts, ..assertion }
//! }
//! ```
//! ```compile_fail,E0599
//! // fails: no method named `force_authn` found for reference `&DecodedAuthnRequest`
//! use signet::saml::{DecodedAuthnRequest, EntityId};
//! fn read_unverified(request: &DecodedAuthnRequest) -> bool {
//!     request.force_authn()
//! }
//! ```
//!
//! Text that was not escaped by the writer cannot pass for canonical XML:
//!
//! ```compile_fail,E0451
//! // fails: Canonical` are private
//! use signet::saml::xml::Canonical;
//! fn pasted(text: String) -> Canonical {
//!     Canonical { text, declared: Vec::new() }
//! }
//! ```

pub mod artifact;
pub mod assertion;
pub mod authn_request;
pub mod binding;
pub mod c14n;
mod denied;
pub mod encryption;
mod entity_id;
pub mod instant;
pub mod logout;
mod message;
mod message_id;
pub mod metadata;
mod principal;
mod read;
mod read_back;
mod relay_state;
pub mod response;
pub mod signature;
pub mod xml;

pub use assertion::OutboundError;
pub use authn_request::{DecodedAuthnRequest, RequestError, RequestSignature, VerifiedAuthnRequest};
pub use binding::{BindingError, Received};
pub use denied::{DenialError, DeniedAlgorithms};
pub use entity_id::{EntityId, MalformedEntityId};
pub use message_id::{MalformedMessageId, MessageId};
pub use metadata::{AcsError, AcsLocation, AcsSelection, ResponseBinding, SpMetadata};
pub use principal::NamedPrincipal;
pub use read_back::ReadBackError;
pub use relay_state::{RelayState, RelayStateRefused};
