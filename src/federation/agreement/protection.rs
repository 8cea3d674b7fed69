//! What a new version of an agreement gives up of the protection that the one before gave.

use std::fmt;

use super::{Agreement, EncryptionException, LogoutException, SignedRequests, SigningException};
use crate::federation::assurance::{Aal, aal_number};
use crate::federation::attribute::AttributeName;
use crate::federation::identifier::NameIdFormat;
use crate::proofing::Ial;

/// A way in which a new version of a service's record protects people or the service less than the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoweredProtection {
    /// The service's answers go to a host that was not known before.
    AssertionConsumerHostAdded(String),
    /// The service may receive one more attribute.
    AttributeAdded(AttributeName),
    /// A request that names no authentication level gets a lower one.
    DefaultAalLowered(Aal),
    /// A request that names no identity level is answered at a lower one.
    DefaultIalLowered(Ial),
    /// The service was switched off and is on again.
    EnabledAgain,
    /// Encryption became weaker, or ended.
    EncryptionWeaker(EncryptionException),
    /// The service may ask for a higher identity level, and so for more.
    HighestIalRaised(Ial),
    /// The service may be answered below the default authentication level, at this one.
    LowestAalLowered(Aal),
    /// The service is told something else than the truth about logouts.
    LogoutAnswerUntrue(LogoutException),
    /// The service may be answered at this identity level, below the one that it was never answered below.
    LowestIalLowered(Ial),
    /// One more NameID format, one that tells more than a pairwise identifier.
    NameIdFormatAdded(NameIdFormat),
    /// Sign-ins need no longer be phishing-resistant.
    PhishingResistanceWaived,
    /// Requests need no longer be signed.
    RequestsUnsigned,
    /// A key that was not known before may sign requests or read assertions.
    KeyAdded(String),
    /// Only one of the two signatures is made from now on.
    SigningWeaker(SigningException),
}

impl fmt::Display for LoweredProtection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AssertionConsumerHostAdded(host) => write!(f, "assertions may go to a new host, {host}"),
            Self::AttributeAdded(name) => write!(f, "one more attribute may be released: {name}"),
            Self::DefaultAalLowered(aal) => {
                write!(f, "the default authentication level falls to AAL{}", aal_number(*aal))
            }
            Self::DefaultIalLowered(ial) => write!(f, "the default identity level falls to {ial}"),
            Self::EnabledAgain => f.write_str("the service is enabled again"),
            Self::EncryptionWeaker(exception) => write!(f, "encryption falls to {exception}"),
            Self::HighestIalRaised(ial) => write!(f, "the service may ask for {ial}"),
            Self::LowestAalLowered(aal) => {
                write!(f, "a request that asks for AAL{} is answered so, below the default", aal_number(*aal))
            }
            Self::LogoutAnswerUntrue(exception) => write!(f, "answers to logouts say {exception}"),
            Self::LowestIalLowered(ial) => write!(f, "a request may ask for {ial}, which was below the lowest"),
            Self::NameIdFormatAdded(format) => write!(f, "one more NameID format: {format}"),
            Self::PhishingResistanceWaived => f.write_str("sign-ins need no longer be phishing-resistant"),
            Self::RequestsUnsigned => f.write_str("requests need no longer be signed"),
            Self::KeyAdded(fingerprint) => write!(f, "a new key is trusted, SHA-256 {fingerprint}"),
            Self::SigningWeaker(exception) => write!(f, "signing falls to {exception}"),
        }
    }
}

/// What of the protection a new agreement gives up.
#[must_use]
pub fn lowers_protection(old: &Agreement, new: &Agreement) -> Vec<LoweredProtection> {
    let mut lowered = Vec::new();
    if new.enabled && !old.enabled {
        lowered.push(LoweredProtection::EnabledAgain);
    }
    lowered.extend(
        new.attributes
            .keys()
            .filter(|name| !old.attributes.contains_key(name))
            .map(|name| LoweredProtection::AttributeAdded(*name)),
    );
    if new.highest_ial > old.highest_ial {
        lowered.push(LoweredProtection::HighestIalRaised(new.highest_ial));
    }
    if new.default_aal < old.default_aal {
        lowered.push(LoweredProtection::DefaultAalLowered(new.default_aal));
    }
    if new.default_ial < old.default_ial {
        lowered.push(LoweredProtection::DefaultIalLowered(new.default_ial));
    }
    // Where it falls with the default, that says it.
    if new.lowest_aal < old.lowest_aal && new.lowest_aal < new.default_aal {
        lowered.push(LoweredProtection::LowestAalLowered(new.lowest_aal));
    }
    if new.lowest_ial < old.lowest_ial {
        lowered.push(LoweredProtection::LowestIalLowered(new.lowest_ial));
    }
    if old.phishing_resistant && !new.phishing_resistant {
        lowered.push(LoweredProtection::PhishingResistanceWaived);
    }
    lowered.extend(
        new.name_id_formats
            .iter()
            .filter(|format| **format == NameIdFormat::EmailAddress && !old.name_id_formats.contains(format))
            .map(|format| LoweredProtection::NameIdFormatAdded(*format)),
    );
    if new.signed_requests == SignedRequests::Waived && old.signed_requests == SignedRequests::Demanded {
        lowered.push(LoweredProtection::RequestsUnsigned);
    }
    if let Some(exception) = new.encryption.filter(|_| new.encryption > old.encryption) {
        lowered.push(LoweredProtection::EncryptionWeaker(exception));
    }
    if let Some(exception) = new.logout_exception.filter(|_| old.logout_exception.is_none()) {
        lowered.push(LoweredProtection::LogoutAnswerUntrue(exception));
    }
    if let Some(exception) = new.signing.filter(|_| old.signing.is_none()) {
        lowered.push(LoweredProtection::SigningWeaker(exception));
    }
    lowered
}
