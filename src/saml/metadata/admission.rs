//! What metadata must also meet to be taken in.

use time::UtcDateTime;

use super::{MetadataError, MetadataFault, SpMetadata, acs::is_secure};

impl SpMetadata {
    /// Whether it may be taken in at this time. What was taken in earlier is not held to it again: a date must not end
    /// sign-ins by itself.
    ///
    /// `allow_loopback_http` as for [`Self::acs_location`].
    ///
    /// # Errors
    /// It has ended, or one of its addresses is not on https.
    pub fn admit(&self, now: UtcDateTime, allow_loopback_http: bool) -> Result<(), MetadataError> {
        // SAML Metadata §2.3.2: validUntil is the "expiration time of the metadata contained in the element".
        if let Some((at, line)) = self.valid_until.filter(|(at, _)| *at <= now) {
            return Err(MetadataError { line, reason: MetadataFault::Ended { at } });
        }
        match self.endpoints.iter().find(|endpoint| !is_secure(&endpoint.url, allow_loopback_http)) {
            None => Ok(()),
            Some(at) => Err(MetadataError { line: at.line, reason: MetadataFault::NotHttps(at.kind) }),
        }
    }
}
