//! What a service's record must also meet to be taken in from its files.

use time::UtcDateTime;

use super::{BrokenFile, ServiceFiles, ServiceProvider};
use crate::federation::agreement::SignedRequests;
use crate::federation::single_sign_on::CLOCK_SKEW;
use crate::saml::DeniedAlgorithms;
use crate::saml::metadata::{MetadataError, SpMetadata};

/// When and where a record is taken in. One that the database holds was held to this when it came and is not again: sign-ins do
/// not end by themselves because a date passed. What is not safe to use is refused where it is used.
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
    /// Reads a service's files, to be taken in anew.
    ///
    /// # Errors
    /// The file, line and reason of the first fault.
    pub fn admit(&self, files: &ServiceFiles) -> Result<ServiceProvider, BrokenFile> {
        match self.admit_beside(files, None)? {
            (service, None) => Ok(service),
            (_, Some(fault)) => Err(fault),
        }
    }

    /// The same for a service that has a record: what it agreed on can be changed while its metadata stay as they are, whatever
    /// is wrong with those by now. A service whose metadata ended can so be switched off, or be allowed less. The fault is told
    /// beside it.
    ///
    /// # Errors
    /// The file, line and reason of the first fault that stands in the way.
    pub fn admit_beside(
        &self,
        files: &ServiceFiles,
        standing: Option<&ServiceProvider>,
    ) -> Result<(ServiceProvider, Option<BrokenFile>), BrokenFile> {
        let service = ServiceProvider::read(files)?;
        let standing = standing.filter(|standing| service.has_metadata_of(standing));
        let broken = |line: u32, reason: String| BrokenFile {
            path: format!("{}/metadata.xml", files.name),
            line: usize::try_from(line).unwrap_or(0),
            reason,
        };
        let metadata = service.metadata();
        let mut known = None;
        if let Err(fault) = self.admit_metadata(metadata) {
            let fault = broken(fault.line, fault.reason.to_string());
            if standing.is_none() {
                return Err(fault);
            }
            known = Some(fault);
        }
        let demands = |service: &ServiceProvider| service.agreement().signed_requests() == SignedRequests::Demanded;
        if demands(&service) && metadata.signing_keys().is_empty() {
            let reason = "there is no key that signs, and the agreement demands signed requests: add a KeyDescriptor for signing, \
                          or agree on signed_requests = \"waived\"";
            let fault = broken(metadata.role_line(), reason.to_owned());
            // Whoever is switched off needs no key; to be switched on, one does.
            let stood_so = standing.is_some_and(|standing| standing.agreement().is_enabled() && demands(standing));
            if service.agreement().is_enabled() && !stood_so {
                return Err(fault);
            }
            known = known.or(Some(fault));
        }
        Ok((service, known))
    }

    /// Whether metadata alone may be taken in.
    ///
    /// # Errors
    /// The first fault, with its line.
    pub fn admit_metadata(&self, metadata: &SpMetadata) -> Result<(), MetadataError> {
        metadata.admit(self.now.saturating_sub(CLOCK_SKEW), self.loopback_http)
    }
}
