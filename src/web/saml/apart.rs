//! Work with private keys, on a thread on which nobody waits.
//!
//! A signature takes a millisecond of this processor, or a round trip to a security module or a key service; a worker that made it
//! itself would keep everybody else of that worker waiting. So whatever signs or opens is handed over here, and an adapter behind
//! [`Signer`](crate::saml::signature::Signer) or [`Opener`](crate::saml::encryption::Opener) may block.

use crate::refusal::RefusalKind;
use crate::web::refusal::Refusal;

/// What the work gives, once it is done elsewhere.
///
/// # Errors
/// An outage: the process is stopping, or the work panicked.
pub(super) async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|fault| Refusal::because(RefusalKind::Outage, &fault))
}
