//! Logout messages: `samlp:LogoutRequest` and `samlp:LogoutResponse`, in and out (SAML Core §3.7, SAML Profiles §4.4).
//!
//! What comes in walks the same line as an AuthnRequest: decoded, which tells whose it claims to be and nothing else, then
//! verified with the keys of that party's metadata. There is no waiver here: an unsigned logout message is refused. What goes
//! out is written in canonical form, signed, read back and compared, and addressed to a place of the receiver's metadata.
//!
//! Which session ends, who is told and what really happened is left to the federation.

mod incoming;
mod outgoing;

pub use incoming::{
    DecodedLogoutRequest, DecodedLogoutResponse, LogoutStatus, VerifiedLogoutRequest, VerifiedLogoutResponse,
};
pub use outgoing::{LogoutRequest, LogoutResponse, LogoutResult};

/// A logout message that a browser brought. Made by [`LogoutMessage::from_query`] and [`LogoutMessage::from_form`].
#[derive(Debug)]
pub enum LogoutMessage {
    /// A service wants a session to end.
    Request(DecodedLogoutRequest),
    /// A service says what became of our request.
    Response(DecodedLogoutResponse),
}
