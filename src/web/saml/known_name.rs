//! By which name a service knows a person in one session: sealed with the session's participant, opened for logging out.

use crate::saml::assertion::NameId;
use crate::services::keys::{KeysError, Purpose, ServiceKeys, context};
use zeroize::Zeroizing;

/// Seals a name: it belongs to its assertion, since a session changes its own name at each rise in privilege.
///
/// # Errors
/// When the keys are unavailable.
pub(super) fn seal(keys: &dyn ServiceKeys, assertion_id: &str, name: &NameId) -> Result<Vec<u8>, KeysError> {
    // A format is a URI and has no spaces.
    let text = Zeroizing::new(format!("{} {}", name.format(), name.value()));
    keys.seal(Purpose::NameId, &place(assertion_id), text.as_bytes())
}

/// Opens it.
///
/// # Errors
/// When the keys are unavailable, or it was altered or belongs to another assertion.
pub(super) fn open(keys: &dyn ServiceKeys, assertion_id: &str, sealed: &[u8]) -> Result<NameId, KeysError> {
    let opened = keys.open(Purpose::NameId, &place(assertion_id), sealed)?;
    let text = std::str::from_utf8(&opened).map_err(|_| KeysError::Malformed)?;
    text.split_once(' ').and_then(|(format, value)| NameId::of_format(format, value)).ok_or(KeysError::Malformed)
}

fn place(assertion_id: &str) -> Vec<u8> {
    context(&[b"signet/participant/v1", assertion_id.as_bytes()])
}
