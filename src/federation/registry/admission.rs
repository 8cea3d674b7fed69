//! What a service's record must also meet to be taken in from its files.

use time::UtcDateTime;

use super::record::{UnreadableRecord, read_agreement, read_metadata, told};
use super::{BrokenFile, ServiceFiles, ServiceName, ServiceProvider, UnreadFiles};
use crate::federation::agreement::SignedRequests;
use crate::federation::timeliness::CLOCK_SKEW;
use crate::saml::DeniedAlgorithms;
use crate::saml::metadata::{MetadataError, MetadataFaults, SpMetadata};

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
    /// Every fault of both files, with line and reason.
    pub fn admit(&self, files: &ServiceFiles) -> Result<ServiceProvider, Vec<BrokenFile>> {
        match self.admit_beside(files, None).map_err(|record| record.faults)? {
            (service, known) if known.is_empty() => Ok(service),
            (_, known) => Err(known),
        }
    }

    /// The same for a service that has a record: what it agreed on can be changed while its metadata stay as they are, whatever
    /// is wrong with those by now. A service whose metadata ended can so be switched off, or be allowed less. Those faults are
    /// told beside it.
    ///
    /// # Errors
    /// Every fault, where one of them stands in the way.
    pub(super) fn admit_beside(
        &self,
        files: &ServiceFiles,
        standing: Option<&ServiceProvider>,
    ) -> Result<(ServiceProvider, Vec<BrokenFile>), UnreadableRecord> {
        let unmet = |metadata: &SpMetadata| self.unmet_by(metadata);
        let service = ServiceProvider::read_with(files, &unmet, &|faults| self.faults_of(faults))?;
        let standing = standing.filter(|standing| service.has_metadata_of(standing));
        let metadata = service.metadata();
        let mut faults = told(&files.name, self.unmet_by(metadata));
        let mut stand_in_the_way = standing.is_none() && !faults.is_empty();
        let demands = |service: &ServiceProvider| service.agreement().signed_requests() == SignedRequests::Demanded;
        if demands(&service) && metadata.signing_keys().is_empty() {
            let reason = "there is no key that signs, and the agreement demands signed requests: add a KeyDescriptor for signing, \
                          or agree on signed_requests = \"waived\"";
            let line = usize::try_from(metadata.role_line()).unwrap_or(0);
            faults.push(BrokenFile::of(&files.name, "metadata.xml", line, reason.to_owned()));
            // A service that is switched off needs no key; to be switched on, it does.
            let stood_so = standing.is_some_and(|standing| standing.agreement().is_enabled() && demands(standing));
            stand_in_the_way |= service.agreement().is_enabled() && !stood_so;
        }
        if stand_in_the_way {
            return Err(UnreadableRecord { faults, entity_id: Some(service.entity_id().clone()) });
        }
        Ok((service, faults))
    }

    /// What is wrong with the files of a service of which one cannot be read at all.
    #[must_use]
    pub fn faults_of_rest(&self, name: &ServiceName, unread: UnreadFiles) -> Vec<BrokenFile> {
        let mut faults = unread.faults;
        if let Some(agreement) = unread.agreement {
            faults.extend(read_agreement(name, &agreement).err().into_iter().flatten());
        }
        if let Some(metadata) = unread.metadata {
            let read = read_metadata(name, &metadata, &|faults| self.faults_of(faults));
            faults.extend(read.map_or_else(|faults| faults, |metadata| told(name, self.unmet_by(&metadata))));
        }
        faults
    }

    /// Reads metadata alone, to be taken in.
    ///
    /// # Errors
    /// Every fault, with its line.
    pub fn admit_metadata(&self, octets: &[u8]) -> Result<SpMetadata, Vec<MetadataError>> {
        let metadata = SpMetadata::parse(octets).map_err(|faults| self.faults_of(&faults))?;
        let unmet = self.unmet_by(&metadata);
        if unmet.is_empty() { Ok(metadata) } else { Err(unmet) }
    }

    fn unmet_by(&self, metadata: &SpMetadata) -> Vec<MetadataError> {
        metadata.admit(self.now.saturating_sub(CLOCK_SKEW), self.loopback_http)
    }

    fn faults_of(&self, faults: &MetadataFaults) -> Vec<MetadataError> {
        faults.with_unmet(self.now.saturating_sub(CLOCK_SKEW), self.loopback_http)
    }
}
