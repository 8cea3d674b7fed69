//! The browser's session (NIST SP 800-63B-4, 5): one cookie, one sealed record.
//!
//! The cookie holds a random [`SessionSecret`] and nothing else. The record is found by a hash of it, and sealed under
//! a key that the secret gives, and that again under the service's keys: so the record is read only while the browser
//! asks, and only by this service. The vault's key, once opened, is kept nowhere else.
//!
//! Before signing in the browser has a session of the same kind; the secret is renewed each time that its holder may
//! do more than before, so one that was planted or seen earlier is of no use.
//!
//! | file | what |
//! |---|---|
//! | `secret` | the cookie's value, and by which the record is found |
//! | `state` | what a session knows: the stages, and what belongs to each |
//! | `record` | how that is written and sealed, in this version and the one before |
//! | `times` | when it ends |

mod record;
mod secret;
mod state;
mod times;

pub use record::{SessionError, SessionFrame};
pub use secret::{SessionIdHash, SessionSecret};
pub use state::{
    LogoutId, Notice, Pending, PendingCeremony, PendingPhone, SessionStage, SessionState, SessionVault, SignedIn,
    TakingUp,
};
pub use times::{SessionLimits, SessionTimes};

/// The cookie's name. `__Host-` makes the browser insist on `Secure`, `Path=/` and no `Domain`.
pub const COOKIE: &str = "__Host-signet";
