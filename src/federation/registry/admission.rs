//! What a service's record must also meet to be taken in from its files.

use time::UtcDateTime;

use super::{BrokenFile, ServiceFiles, ServiceProvider};
use crate::federation::agreement::SignedRequests;
use crate::federation::single_sign_on::CLOCK_SKEW;
use crate::saml::DeniedAlgorithms;
use crate::saml::metadata::{MetadataError, SpMetadata};

/// When and where a record is taken in. One that the database holds was held to this when it came and is not again: sign-ins do
/// not end by themselves because a date passed, or because a newer version is stricter. What is not safe to use is refused where
/// it is used.
#[derive(Debug, Clone, Copy)]
pub struct Admission {
    /// The time.
    pub now: UtcDateTime,
    /// Whether http is accepted for loopback hosts: in the demonstration and in tests only.
    pub loopback_http: bool,
    /// The algorithms that the operator denies. No file is refused for them: warnings say what will come of it.
    pub denied: DeniedAlgorithms,
}

impl Admission {
    /// Reads a service's files, to be taken in.
    ///
    /// # Errors
    /// The file, line and reason of the first fault.
    pub fn admit(&self, files: &ServiceFiles) -> Result<ServiceProvider, BrokenFile> {
        let service = ServiceProvider::read(files)?;
        let broken = |line: u32, reason: String| BrokenFile {
            path: format!("{}/metadata.xml", files.name),
            line: usize::try_from(line).unwrap_or(0),
            reason,
        };
        let metadata = service.metadata();
        self.admit_metadata(metadata).map_err(|fault| broken(fault.line, fault.reason.to_string()))?;
        if service.agreement().signed_requests() == SignedRequests::Demanded && metadata.signing_keys().is_empty() {
            let reason = "there is no key that signs, and the agreement demands signed requests: add a KeyDescriptor for signing, \
                          or agree on signed_requests = \"waived\"";
            return Err(broken(metadata.role_line(), reason.to_owned()));
        }
        Ok(service)
    }

    /// Whether metadata alone may be taken in.
    ///
    /// # Errors
    /// The first fault, with its line.
    pub fn admit_metadata(&self, metadata: &SpMetadata) -> Result<(), MetadataError> {
        metadata.admit(self.now.saturating_sub(CLOCK_SKEW), self.loopback_http)
    }
}
