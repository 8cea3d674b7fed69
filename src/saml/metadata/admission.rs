//! What metadata must also meet to be taken in.

use time::UtcDateTime;

use super::{MetadataError, MetadataFault, SpMetadata, Terms, acs::is_secure};

impl SpMetadata {
    /// What keeps it from being taken in at this time: it has ended, or some of its addresses are not on https. Nothing, if it
    /// may be. What was taken in earlier is not held to it again: a date must not end sign-ins by itself.
    ///
    /// `allow_loopback_http` as for [`Self::acs_location`].
    #[must_use]
    pub fn admit(&self, now: UtcDateTime, allow_loopback_http: bool) -> Vec<MetadataError> {
        self.terms.unmet(now, allow_loopback_http)
    }
}

impl Terms {
    /// What is not met, in the order of the lines.
    pub(super) fn unmet(&self, now: UtcDateTime, allow_loopback_http: bool) -> Vec<MetadataError> {
        // SAML Metadata §2.3.2: validUntil is the "expiration time of the metadata contained in the element".
        let ended = self.valid_until.filter(|(at, _)| *at <= now);
        let ended = ended.map(|(at, line)| MetadataError { line, reason: MetadataFault::Ended { at } });
        let in_clear = self.endpoints.iter().filter(|endpoint| !is_secure(&endpoint.location, allow_loopback_http));
        let in_clear = in_clear.map(|at| MetadataError { line: at.line, reason: MetadataFault::NotHttps(at.kind) });
        let mut unmet: Vec<_> = ended.into_iter().chain(in_clear).collect();
        unmet.dedup();
        unmet
    }
}
