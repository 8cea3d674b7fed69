//! One service's record: its two files, read and laid side by side.

use std::collections::BTreeSet;
use std::fmt;

use openssl::sha::sha256;
use time::Date;

use super::lint::{LintWarning, lint};
use crate::federation::agreement::{
    AgencyId, Agreement, EncryptionException, LoweredProtection, RequestedAttributes, SignedRequests, SigningException,
    lowers_protection,
};
use crate::federation::disclosure::RevisionId;
use crate::federation::negotiation::sealing;
use crate::one_line::OneLine;
use crate::saml::encryption::BlockEncryption;
use crate::saml::metadata::{MetadataError, MetadataFaults, SpMetadata};
use crate::saml::{DeniedAlgorithms, EntityId};
use crate::sealing::{Decoder, Encoder};

/// Where a service's files lie: `<agency>/<service>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceName {
    /// The agency's folder.
    pub agency: AgencyId,
    /// The service's folder in it.
    pub service: AgencyId,
}

impl ServiceName {
    /// Reads what its `Display` writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (agency, service) = text.split_once('/')?;
        Some(Self { agency: AgencyId::parse(agency).ok()?, service: AgencyId::parse(service).ok()? })
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.agency, self.service)
    }
}

/// The two files of a service, as they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceFiles {
    /// Where they lie.
    pub name: ServiceName,
    /// `metadata.xml`.
    pub metadata: Vec<u8>,
    /// `agreement.toml`.
    pub agreement: Vec<u8>,
}

const REVISION_LABEL: &str = "signet sp revision 1";

/// The stored octets are no revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored octets are no revision of a service's record")]
pub struct MalformedRevision;

impl ServiceFiles {
    /// The octets that a revision stores.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        Encoder::new(REVISION_LABEL)
            .text(self.name.agency.as_str())
            .text(self.name.service.as_str())
            .bytes(&self.metadata)
            .bytes(&self.agreement)
            .finish()
    }

    /// Reads a revision as it was stored.
    ///
    /// # Errors
    /// The octets are no revision.
    pub fn from_bytes(octets: &[u8]) -> Result<Self, MalformedRevision> {
        let read = || {
            let mut decoder = Decoder::new(REVISION_LABEL, octets)?;
            let agency = AgencyId::parse(decoder.text()?).ok()?;
            let service = AgencyId::parse(decoder.text()?).ok()?;
            let (metadata, agreement) = (decoder.bytes()?.to_vec(), decoder.bytes()?.to_vec());
            let files = Self { name: ServiceName { agency, service }, metadata, agreement };
            decoder.is_empty().then_some(files)
        };
        read().ok_or(MalformedRevision)
    }

    /// The SHA-256 of those octets.
    #[must_use]
    pub fn revision(&self) -> RevisionId {
        RevisionId(sha256(&self.to_bytes()))
    }
}

const METADATA: &str = "metadata.xml";
const AGREEMENT: &str = "agreement.toml";

/// A record that cannot be made of its files.
#[derive(Debug)]
pub(super) struct UnreadableRecord {
    /// Why not; never empty.
    pub(super) faults: Vec<BrokenFile>,
    /// The name of the service, where the agreement is readable.
    pub(super) entity_id: Option<EntityId>,
}

/// The agreement in these octets.
///
/// # Errors
/// Every fault.
pub(super) fn read_agreement(name: &ServiceName, octets: &[u8]) -> Result<Agreement, Vec<BrokenFile>> {
    let broken = |line: usize, reason: String| BrokenFile::of(name, AGREEMENT, line, reason);
    let text = std::str::from_utf8(octets).map_err(|_| vec![broken(0, "it is not UTF-8".into())])?;
    Agreement::parse(text).map_err(|faults| faults.into_iter().map(|fault| broken(fault.line, fault.reason)).collect())
}

/// The metadata in these octets; `faults` says what is wrong with them if they cannot be read.
///
/// # Errors
/// Every fault.
pub(super) fn read_metadata(
    name: &ServiceName,
    octets: &[u8],
    faults: &dyn Fn(&MetadataFaults) -> Vec<MetadataError>,
) -> Result<SpMetadata, Vec<BrokenFile>> {
    SpMetadata::parse(octets).map_err(|all| told(name, faults(&all)))
}

/// Faults of a service's metadata.
pub(super) fn told(name: &ServiceName, faults: Vec<MetadataError>) -> Vec<BrokenFile> {
    let line = |fault: &MetadataError| usize::try_from(fault.line).unwrap_or(0);
    faults.into_iter().map(|fault| BrokenFile::of(name, METADATA, line(&fault), fault.reason.to_string())).collect()
}

/// A file that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}{}: {reason}", AtLine(*line))]
pub struct BrokenFile {
    /// The file, from the folder of all services.
    pub path: String,
    /// The line, counted from 1; 0 when the fault is in no single line.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

/// `:7`, or nothing for a fault that is in no single line.
pub(crate) struct AtLine(pub(crate) usize);

impl fmt::Display for AtLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 { Ok(()) } else { write!(f, ":{}", self.0) }
    }
}

impl BrokenFile {
    /// A fault in a file of a service's folder.
    pub(super) fn of(name: &ServiceName, file: &str, line: usize, reason: String) -> Self {
        Self { path: format!("{name}/{file}"), line, reason }
    }
}

/// One service: what it publishes, and what was agreed with it.
#[derive(Debug)]
pub struct ServiceProvider {
    name: ServiceName,
    metadata: SpMetadata,
    agreement: Agreement,
    revision: RevisionId,
    metadata_digest: [u8; 32],
}

impl ServiceProvider {
    /// Reads the two files and lays them side by side.
    ///
    /// # Errors
    /// Every fault of both files, with line and reason.
    pub fn read(files: &ServiceFiles) -> Result<Self, Vec<BrokenFile>> {
        Self::read_with(files, &|_| Vec::new(), &|faults| faults.all().cloned().collect())
            .map_err(|record| record.faults)
    }

    /// The same; `unmet` says what else is wrong with metadata that can be read, `faults` what is with such that cannot.
    ///
    /// # Errors
    /// Every fault of both files, and what could be known of the service in spite of them.
    pub(super) fn read_with(
        files: &ServiceFiles,
        unmet: &dyn Fn(&SpMetadata) -> Vec<MetadataError>,
        faults: &dyn Fn(&MetadataFaults) -> Vec<MetadataError>,
    ) -> Result<Self, UnreadableRecord> {
        let name = &files.name;
        let in_agreement = |line: usize, reason: String| BrokenFile::of(name, AGREEMENT, line, reason);
        let agreement = read_agreement(name, &files.agreement);
        let metadata = read_metadata(name, &files.metadata, faults);
        let text = String::from_utf8_lossy(&files.agreement);
        let line_of = |key: &str| {
            let says =
                |line: &str| line.trim_start().strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='));
            text.lines().position(says).map_or(0, |index| index + 1)
        };
        let mut contradictions = Vec::new();
        if let Ok(agreement) = &agreement {
            if *agreement.agency_id() != name.agency {
                let reason = format!("agency_id is `{}` and the folder is `{}`", agreement.agency_id(), name.agency);
                contradictions.push(in_agreement(line_of("agency_id"), reason));
            }
            if let Ok(metadata) = &metadata
                && metadata.entity_id() != agreement.entity_id()
            {
                let (agreed, published) = (agreement.entity_id(), metadata.entity_id());
                let reason = format!("entity_id is `{agreed}` and the metadata's is `{published}`");
                contradictions.push(in_agreement(line_of("entity_id"), reason));
            }
        }
        match (agreement, metadata) {
            (Ok(agreement), Ok(metadata)) if contradictions.is_empty() => Ok(Self {
                name: name.clone(),
                metadata,
                agreement,
                revision: files.revision(),
                metadata_digest: sha256(&files.metadata),
            }),
            (agreement, metadata) => {
                let entity_id = agreement.as_ref().ok().map(|agreement| agreement.entity_id().clone());
                let of_metadata = match metadata {
                    Ok(metadata) => told(name, unmet(&metadata)),
                    Err(faults) => faults,
                };
                let faults = agreement.err().into_iter().flatten().chain(contradictions).chain(of_metadata).collect();
                Err(UnreadableRecord { faults, entity_id })
            }
        }
    }

    /// Whether the other record came with the very same `metadata.xml`, octet for octet.
    #[must_use]
    pub fn has_metadata_of(&self, other: &Self) -> bool {
        self.metadata_digest == other.metadata_digest
    }

    /// Where its files lie.
    #[must_use]
    pub const fn name(&self) -> &ServiceName {
        &self.name
    }

    /// Its name on the wire.
    #[must_use]
    pub const fn entity_id(&self) -> &EntityId {
        self.agreement.entity_id()
    }

    /// What it publishes.
    #[must_use]
    pub const fn metadata(&self) -> &SpMetadata {
        &self.metadata
    }

    /// What was agreed.
    #[must_use]
    pub const fn agreement(&self) -> &Agreement {
        &self.agreement
    }

    /// Which revision of the record this is.
    #[must_use]
    pub const fn revision(&self) -> RevisionId {
        self.revision
    }

    /// The record as text in one fixed order, for the diff that an administrator reads: keys by their fingerprint,
    /// addresses sorted, each on one line whatever the service wrote.
    #[must_use]
    pub fn canonical_text(&self) -> String {
        let mut lines: BTreeSet<String> = BTreeSet::new();
        lines.extend(self.signing_keys().map(|key| format!("signing key SHA-256 {key}")));
        lines.extend(self.encryption_keys().map(|key| format!("encryption key SHA-256 {key}")));
        lines.extend(self.metadata.encryption_keys().iter().flat_map(|key| {
            let of_key = key.fingerprint();
            key.methods().iter().map(move |method| format!("encryption key SHA-256 {of_key} takes {method}"))
        }));
        lines.extend(
            self.metadata
                .assertion_consumer_services()
                .iter()
                .map(|acs| format!("assertion consumer service {} {} {}", acs.index, acs.binding, acs.location)),
        );
        lines.extend(
            self.metadata
                .single_logout_services()
                .iter()
                .map(|slo| format!("single logout {} {}", slo.binding, slo.location)),
        );
        lines.extend(self.metadata.name_id_formats().iter().map(|format| format!("metadata NameIDFormat {format}")));
        lines.extend(self.metadata.attribute_consuming_services().iter().flat_map(|set| {
            let names = set.requested_attributes.iter().map(|attribute| attribute.name.as_str());
            names.map(move |name| format!("metadata asks [{}] {name}", set.index))
        }));
        lines.extend(self.metadata.subject_id_requirement().map(|need| format!("metadata subject identifier {need}")));
        lines.insert(format!("metadata AuthnRequestsSigned {}", self.metadata.authn_requests_signed()));
        lines.insert(format!("metadata WantAssertionsSigned {}", self.metadata.want_assertions_signed()));
        // The service writes its metadata; nobody may read a line of the agreement in it.
        let metadata: Vec<String> = lines.iter().map(|line| OneLine(line).to_string()).collect();
        let entity = OneLine(self.entity_id());
        format!("entity {entity}\n{}\n{}", metadata.join("\n"), self.agreement.canonical_text())
    }

    /// What will surprise somebody later, where these algorithms are denied.
    #[must_use]
    pub fn lint(&self, today: Date, denied: DeniedAlgorithms) -> Vec<LintWarning> {
        lint(self, today, denied)
    }

    /// What of the protection this record gives up that the one before gave.
    #[must_use]
    pub fn lowers_protection_of(&self, old: &Self) -> Vec<LoweredProtection> {
        let mut lowered = lowers_protection(&old.agreement, &self.agreement);
        let old_hosts: BTreeSet<String> = old.acs_hosts().collect();
        let new_hosts: BTreeSet<String> = self.acs_hosts().collect();
        lowered.extend(new_hosts.difference(&old_hosts).cloned().map(LoweredProtection::AssertionConsumerHostAdded));
        let old_keys: BTreeSet<String> = old.signing_keys().chain(old.encryption_keys()).collect();
        let new_keys: BTreeSet<String> = self.signing_keys().chain(self.encryption_keys()).collect();
        lowered.extend(new_keys.difference(&old_keys).cloned().map(LoweredProtection::KeyAdded));
        // Metadata may bind beyond the agreement, until it no longer does.
        let both = |agreed: &dyn Fn(&Agreement) -> bool| agreed(&old.agreement) && agreed(&self.agreement);
        if both(&|agreement| agreement.signed_requests() == SignedRequests::Waived)
            && old.metadata.authn_requests_signed()
            && !self.metadata.authn_requests_signed()
        {
            lowered.push(LoweredProtection::RequestsUnsigned);
        }
        if both(&|agreement| agreement.signing_exception() == Some(SigningException::ResponseOnly))
            && old.metadata.want_assertions_signed()
            && !self.metadata.want_assertions_signed()
        {
            lowered.push(LoweredProtection::SigningWeaker(SigningException::ResponseOnly));
        }
        // Where the agreement says nothing, the metadata chooses between the two.
        let chosen = |service: &Self| {
            let keys = service.metadata.encryption_keys();
            let undecided = service.agreement.encryption_exception().is_none();
            undecided
                .then(|| sealing(keys, None, DeniedAlgorithms::NONE).ok().map(|sealing| sealing.method.cipher))
                .flatten()
        };
        if (chosen(old), chosen(self)) == (Some(BlockEncryption::Aes256Gcm), Some(BlockEncryption::Aes128Gcm)) {
            lowered.push(LoweredProtection::EncryptionWeaker(EncryptionException::Aes128Gcm));
        }
        lowered
    }

    /// The keys that requests may be signed with, by fingerprint.
    pub fn signing_keys(&self) -> impl Iterator<Item = String> {
        self.metadata.signing_keys().iter().map(|key| key.fingerprint().to_string())
    }

    /// The keys that assertions may be encrypted to, by fingerprint.
    pub fn encryption_keys(&self) -> impl Iterator<Item = String> {
        self.metadata.encryption_keys().iter().map(|key| key.fingerprint().to_string())
    }

    /// The hosts that assertions may go to.
    pub fn acs_hosts(&self) -> impl Iterator<Item = String> {
        let taking = self.metadata.assertion_consumer_services().iter().filter(|acs| acs.response_binding().is_some());
        taking.map(|acs| acs.location.url()[..url::Position::BeforePath].to_owned())
    }

    /// The attribute names of the `AttributeConsumingService` with this index, or of the default one when the request
    /// gives none, as far as the agreement counts them as asked for; `None` when the metadata has no such service.
    #[must_use]
    pub fn attribute_names_at(&self, index: Option<u16>) -> Option<Vec<&str>> {
        let found = self.metadata.attribute_consuming_service(index)?;
        let all = self.agreement.requested_attributes() == RequestedAttributes::All;
        let counted = found.requested_attributes.iter().filter(|attribute| all || attribute.is_required);
        Some(counted.map(|attribute| attribute.name.as_str()).collect())
    }

    /// Every attribute name that the metadata asks for.
    pub fn requested_attribute_names(&self) -> impl Iterator<Item = &str> {
        let sets = self.metadata.attribute_consuming_services().iter();
        sets.flat_map(|set| set.requested_attributes.iter().map(|attribute| attribute.name.as_str()))
    }
}
