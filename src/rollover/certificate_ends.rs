//! Certificates that end soon: ours and those of the services. Nothing is refused for it; people are told in time.

use std::fmt;

use time::{Duration, UtcDateTime};

use crate::federation::registry::{Registry, ServiceName};
use crate::rollover::SigningKeys;
use crate::saml::signature::{CertificatePeriod, KeyFingerprint, VerificationKey};

/// How near the end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Notice {
    /// Within 60 days.
    SixtyDays,
    /// Within 30 days.
    ThirtyDays,
    /// Within 7 days.
    SevenDays,
    /// It has come.
    Ended,
}

impl Notice {
    /// How near; nothing while the end is more than 60 days away.
    #[must_use]
    pub fn of(ends_at: UtcDateTime, now: UtcDateTime) -> Option<Self> {
        let left = ends_at - now;
        if left <= Duration::ZERO {
            Some(Self::Ended)
        } else if left <= Duration::days(7) {
            Some(Self::SevenDays)
        } else if left <= Duration::days(30) {
            Some(Self::ThirtyDays)
        } else if left <= Duration::days(60) {
            Some(Self::SixtyDays)
        } else {
            None
        }
    }

    /// As the log says it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SixtyDays => "within 60 days",
            Self::ThirtyDays => "within 30 days",
            Self::SevenDays => "within 7 days",
            Self::Ended => "ended",
        }
    }
}

/// A certificate that ends soon, or has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndingCertificate {
    /// Whose; nothing for our own.
    pub service: Option<ServiceName>,
    /// Of which key.
    pub key: KeyFingerprint,
    /// When it says that it ends.
    pub ends_at: UtcDateTime,
    /// How near that is.
    pub notice: Notice,
}

impl fmt::Display for EndingCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.service {
            Some(service) => write!(f, "a certificate of {service}")?,
            None => f.write_str("our certificate")?,
        }
        let verb = if self.notice == Notice::Ended { "ended" } else { "ends" };
        write!(f, " (key {}) {verb} on {}", self.key.short(), self.ends_at.date())
    }
}

/// The certificates that end within 60 days or have ended: of the keys in our metadata, and of the services' keys.
#[must_use]
pub fn ending_certificates(ours: &SigningKeys, services: &Registry, now: UtcDateTime) -> Vec<EndingCertificate> {
    certificate_ends(ours, services)
        .filter_map(|(service, key, ends_at)| {
            Some(EndingCertificate { service, key, ends_at, notice: Notice::of(ends_at, now)? })
        })
        .collect()
}

/// Whose every certificate is (nothing for our own), of which key, and when it ends.
pub fn certificate_ends(
    ours: &SigningKeys,
    services: &Registry,
) -> impl Iterator<Item = (Option<ServiceName>, KeyFingerprint, UtcDateTime)> {
    let certificates = ours.published().map(|signer| signer.certificate_der());
    let own = certificates.chain(ours.offered().map(|opener| opener.certificate_der())).filter_map(|certificate| {
        let key = VerificationKey::from_certificate_der(certificate).ok()?.fingerprint();
        Some((None, key, CertificatePeriod::of(certificate).ok()?.ends_at))
    });
    let theirs = services.services().flat_map(|service| {
        let name = service.name();
        service.metadata().certificate_ends().iter().map(move |(key, ends_at)| (Some(name.clone()), *key, *ends_at))
    });
    own.chain(theirs)
}
