//! What a certificate says about time. Nothing is refused for it: a certificate is a container of a key.

use openssl::{asn1::Asn1Time, x509::X509};
use time::{Duration, UtcDateTime};

use super::KeyError;

/// From when until when a certificate says that it is valid (RFC 5280 §4.1.2.5). People are told of the end; no signature
/// is refused for it (SAML V2.0 Metadata Interoperability Profile §2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CertificatePeriod {
    /// `notBefore`.
    pub begins_at: UtcDateTime,
    /// `notAfter`.
    pub ends_at: UtcDateTime,
}

impl CertificatePeriod {
    /// Reads it out of a certificate (DER).
    ///
    /// # Errors
    /// [`KeyError::Malformed`]: no certificate, or times that are none.
    pub fn of(certificate_der: &[u8]) -> Result<Self, KeyError> {
        let certificate = X509::from_der(certificate_der)?;
        let epoch = Asn1Time::from_unix(0)?;
        let instant = |at: &openssl::asn1::Asn1TimeRef| {
            let since = epoch.diff(at)?;
            let since = Duration::days(since.days.into()).saturating_add(Duration::seconds(since.secs.into()));
            Ok::<_, KeyError>(UtcDateTime::UNIX_EPOCH.saturating_add(since))
        };
        Ok(Self { begins_at: instant(certificate.not_before())?, ends_at: instant(certificate.not_after())? })
    }
}
