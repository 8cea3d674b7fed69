//! By which name a service knows a person in one session: sealed with the session's participant, opened for logging out.

use zeroize::Zeroizing;

use crate::saml::assertion::NameId;
use crate::sealing::{KeysError, Purpose, ServiceKeys, context};
use crate::storage::Participant;
use crate::subscriber::SubscriberId;

/// Where a name belongs. A session changes its own name at each rise in privilege and may become another person's, so it is
/// no part of this.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Whose name.
    pub subscriber: SubscriberId,
    /// At which service.
    pub entity_id: &'a str,
    /// In which assertion.
    pub assertion_id: &'a str,
    /// In which session of that service.
    pub session_index: &'a str,
}

impl<'a> Place<'a> {
    /// The place of a participant's name.
    pub fn of(participant: &'a Participant) -> Self {
        let Participant { subscriber, entity_id, assertion_id, session_index, .. } = participant;
        Self { subscriber: *subscriber, entity_id, assertion_id, session_index }
    }

    fn octets(self) -> Vec<u8> {
        let Self { subscriber, entity_id, assertion_id, session_index } = self;
        context(&[
            b"signet/participant/v1",
            subscriber.as_bytes(),
            entity_id.as_bytes(),
            assertion_id.as_bytes(),
            session_index.as_bytes(),
        ])
    }
}

/// Seals a name.
///
/// # Errors
/// When the keys are unavailable.
pub fn seal(keys: &dyn ServiceKeys, place: Place<'_>, name: &NameId) -> Result<Vec<u8>, KeysError> {
    // A format is a URI and has no spaces.
    let text = Zeroizing::new(format!("{} {}", name.format(), name.value()));
    keys.seal(Purpose::NameId, &place.octets(), text.as_bytes())
}

/// Opens it.
///
/// # Errors
/// When the keys are unavailable, or it was altered or belongs elsewhere.
pub fn open(keys: &dyn ServiceKeys, place: Place<'_>, sealed: &[u8]) -> Result<NameId, KeysError> {
    let opened = keys.open(Purpose::NameId, &place.octets(), sealed)?;
    let text = std::str::from_utf8(&opened).map_err(|_| KeysError::Malformed)?;
    text.split_once(' ').and_then(|(format, value)| NameId::of_format(format, value)).ok_or(KeysError::Malformed)
}
