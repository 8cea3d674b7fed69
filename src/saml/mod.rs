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
//! Both sides are here. Where we ask an identity provider ourselves, the line goes out with `authn_request::AuthnRequest`, to a
//! place of `metadata::IdpMetadata`, and comes back through `response::incoming`. What parties of both roles have is a
//! `peer::Peer`.
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
//! A private key is used by what holds it, and seen by nobody else:
//!
//! ```compile_fail,E0616
//! // fails: field `key` of struct `PemOpener` is private
//! use signet::saml::encryption::PemOpener;
//! fn taken_out(opener: &PemOpener) {
//!     let _ = &opener.key;
//! }
//! ```
//! ```compile_fail,E0616
//! // fails: field `key` of struct `PemSigner` is private
//! use signet::saml::signature::PemSigner;
//! fn taken_out(signer: &PemSigner) {
//!     let _ = &signer.key;
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
//! A person is sent to an identity provider where its metadata says; what it answers is read when it was matched with what was
//! asked, and not before:
//!
//! ```
//! use signet::saml::{IdpMetadata, SsoLocation, VerifiedResponse, response::incoming::*};
//! fn place(metadata: &IdpMetadata) -> Option<SsoLocation> {
//!     metadata.sso_location(false)
//! }
//! fn matched(response: VerifiedResponse, expected: &Expectation<'_>) -> Result<Answer, Mismatch> {
//!     response.matched(expected).map(MatchedResponse::into_answer)
//! }
//! ```
//! ```compile_fail,E0451
//! // fails: SsoLocation` are private
//! use signet::saml::{SsoLocation, metadata::Location};
//! fn sent_anywhere(registered: SsoLocation, location: Location) -> SsoLocation {
//!     SsoLocation { location, ..registered }
//! }
//! ```
//! ```compile_fail,E0451
//! // fails: Peer` are private
//! use signet::saml::{EntityId, Peer};
//! fn renamed(peer: Peer, entity_id: EntityId) -> Peer {
//!     Peer { entity_id, ..peer }
//! }
//! ```
//! ```compile_fail,E0599
//! // fails: no method named `matched` found for struct `DecodedResponse`
//! use signet::saml::{DecodedResponse, response::incoming::{Expectation, MatchedResponse, Mismatch}};
//! fn matched_unverified(response: DecodedResponse, expected: &Expectation<'_>) -> Result<MatchedResponse, Mismatch> {
//!     response.matched(expected)
//! }
//! ```
//! ```compile_fail,E0599
//! // fails: no method named `into_answer` found for struct `VerifiedResponse`
//! use signet::saml::{VerifiedResponse, response::incoming::Answer};
//! fn read_unmatched(response: VerifiedResponse) -> Answer {
//!     response.into_answer()
//! }
//! ```
//! ```compile_fail,E0451
//! // fails: MatchedResponse` are private
//! use signet::saml::{MatchedResponse, response::incoming::Answer};
//! fn answered_otherwise(response: MatchedResponse, answer: Answer) -> MatchedResponse {
//!     MatchedResponse { answer, ..response }
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
mod message_error;
mod message_id;
pub mod metadata;
pub mod peer;
mod principal;
mod read;
mod read_back;
mod relay_state;
pub mod response;
pub mod signature;
pub mod xml;

pub use assertion::OutboundError;
pub use authn_request::{DecodedAuthnRequest, RequestSignature, VerifiedAuthnRequest};
pub use binding::{BindingError, Received};
pub use denied::{DenialError, DeniedAlgorithms};
pub use entity_id::{EntityId, MalformedEntityId};
pub use message_error::MessageError;
pub use message_id::{MalformedMessageId, MessageId};
pub use metadata::{AcsError, AcsLocation, AcsSelection, IdpMetadata, ResponseBinding, SpMetadata, SsoLocation};
pub use peer::{KeyPurpose, Peer};
pub use principal::NamedPrincipal;
pub use read_back::ReadBackError;
pub use relay_state::{RelayState, RelayStateRefused};
pub use response::incoming::{DecodedResponse, MatchedResponse, ResponseError, VerifiedResponse};
