//! What is allowed and will surprise somebody later: the warnings of `signet sp check` and `signet sp apply`.

use std::fmt;

use time::{Date, Duration, UtcDateTime};

use super::ServiceProvider;
use crate::federation::agreement::{SignedRequests, SigningException};
use crate::federation::attribute::AttributeName;
use crate::federation::delivery::DeliveryPlan;
use crate::federation::identifier::NameIdFormat;
use crate::federation::negotiation::{NothingInCommon, signature_of_any_key};
use crate::one_line::OneLine;
use crate::proofing::Ial;
use crate::saml::DeniedAlgorithms;

/// How long before the review date, and before the metadata ends, the linter begins to say so.
const REVIEW_NOTICE: Duration = Duration::days(60);

/// A warning about a record that is valid.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum LintWarning {
    /// The agreement has an attribute that can never be sent.
    AttributeNeverSent(AttributeName, &'static str),
    /// An exception from the defaults is in force.
    ExceptionInForce(String),
    /// A key of the metadata is of a kind that we do not use.
    KeyPassedOver(String),
    /// Requests need not be signed, and an unsigned one may ask for less than the default.
    LevelsWithoutFloor,
    /// The metadata ends, or has ended: then its file is not taken any more.
    MetadataEnds(Date),
    /// The metadata lists NameID formats, and none of them is agreed.
    NameIdFormatsDisagree,
    /// A request that names no attributes will get none.
    NoDefaultAttributes,
    /// There is no key to encrypt to: every sign-in will be refused.
    NoEncryptionKey,
    /// The keys to encrypt to take nothing that we may use: every sign-in will be refused.
    NoEncryptionInCommon(String),
    /// The metadata lists the signatures that the service verifies, and none of them can be made here, whatever the key: every
    /// sign-in will be refused.
    NoSignatureInCommon(String),
    /// The metadata asks for an attribute that the agreement does not allow.
    RequestedAttributeNotAgreed(AttributeName),
    /// The metadata asks for an attribute that the catalogue does not have.
    RequestedAttributeUnknown(String),
    /// The metadata says that requests are not signed, and the agreement demands it: every request will be refused.
    RequestsSaidToBeUnsigned,
    /// The metadata wants its assertions signed, so that the exception has no effect.
    ResponseOnlyWithoutEffect,
    /// The review date has come, or comes soon.
    ReviewDue(Date),
    /// The metadata says that requests are signed, which binds although the agreement waives it.
    WaiverWithoutEffect,
}

impl fmt::Display for LintWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AttributeNeverSent(name, why) => write!(f, "`{name}` is agreed and will never be sent: {why}"),
            Self::ExceptionInForce(exception) => write!(f, "an exception is in force: {exception}"),
            Self::KeyPassedOver(what) => write!(f, "passed over: {what}"),
            Self::LevelsWithoutFloor => f.write_str(
                "requests need not be signed, so that anybody at the browser can ask for less than default_ial and default_aal: \
                 lowest_ial and lowest_aal, at the same levels, do not let them",
            ),
            Self::MetadataEnds(date) => write!(
                f,
                "the metadata is valid until {date}: from then on its file is refused, and the record that was applied stands"
            ),
            Self::NameIdFormatsDisagree => f.write_str("none of the metadata's NameID formats is in name_id_formats"),
            Self::NoDefaultAttributes => {
                f.write_str("neither default_attributes nor the metadata names attributes: a silent request gets none")
            }
            Self::NoEncryptionKey => {
                f.write_str("the metadata has no key to encrypt to: every sign-in will be refused")
            }
            Self::NoEncryptionInCommon(why) | Self::NoSignatureInCommon(why) => {
                write!(f, "every sign-in will be refused: {}", OneLine(why))
            }
            Self::RequestedAttributeNotAgreed(name) => {
                write!(f, "the metadata asks for `{name}`, which the agreement does not allow: it will be withheld")
            }
            Self::RequestedAttributeUnknown(name) => {
                write!(f, "the metadata asks for `{}`, which the catalogue does not have", OneLine(name))
            }
            Self::RequestsSaidToBeUnsigned => f.write_str(
                "the metadata says AuthnRequestsSigned=\"false\", and signatures are demanded: unsigned requests will be refused",
            ),
            Self::ResponseOnlyWithoutEffect => f.write_str(
                "the metadata says WantAssertionsSigned=\"true\": the signing exception response-only has no effect",
            ),
            Self::ReviewDue(date) => write!(f, "the agreement is due for review on {date}"),
            Self::WaiverWithoutEffect => f.write_str(
                "the metadata says AuthnRequestsSigned=\"true\": signed_requests = \"waived\" has no effect, and unsigned requests will be refused",
            ),
        }
    }
}

pub(super) fn lint(service: &ServiceProvider, today: Date, denied: DeniedAlgorithms) -> Vec<LintWarning> {
    let (agreement, metadata) = (service.agreement(), service.metadata());
    let mut warnings = Vec::new();
    let demanded = agreement.signed_requests() == SignedRequests::Demanded;
    if demanded && !metadata.authn_requests_signed() {
        warnings.push(LintWarning::RequestsSaidToBeUnsigned);
    }
    match DeliveryPlan::of(service, denied) {
        Ok(_) => {}
        Err(NothingInCommon::NoKey) => warnings.push(LintWarning::NoEncryptionKey),
        Err(fault) => warnings.push(LintWarning::NoEncryptionInCommon(fault.to_string())),
    }
    if let Err(fault) = signature_of_any_key(metadata, denied) {
        warnings.push(LintWarning::NoSignatureInCommon(fault.to_string()));
    }
    warnings.extend(metadata.passed_over_keys().iter().map(|key| {
        let (purpose, line, reason) = (key.purpose, key.line, &key.reason);
        LintWarning::KeyPassedOver(format!("the key for {purpose} on line {line} of metadata.xml: {reason}"))
    }));
    if agreement.signing_exception() == Some(SigningException::ResponseOnly) && metadata.want_assertions_signed() {
        warnings.push(LintWarning::ResponseOnlyWithoutEffect);
    }
    if !agreement.entity_id().is_uri() {
        warnings.push(LintWarning::ExceptionInForce("the entityID is plain words, and no URI".into()));
    }
    if !demanded && metadata.authn_requests_signed() {
        warnings.push(LintWarning::WaiverWithoutEffect);
    } else if !demanded {
        warnings.push(LintWarning::ExceptionInForce("requests need not be signed".into()));
        if agreement.default_ial() > agreement.lowest_ial() || agreement.default_aal() > agreement.lowest_aal() {
            warnings.push(LintWarning::LevelsWithoutFloor);
        }
    }
    warnings.extend(
        agreement
            .encryption_exception()
            .map(|exception| LintWarning::ExceptionInForce(format!("encryption {exception}"))),
    );
    warnings.extend(
        agreement.signing_exception().map(|exception| LintWarning::ExceptionInForce(format!("signing {exception}"))),
    );
    warnings.extend(agreement.logout_exception().map(|exception| {
        LintWarning::ExceptionInForce(format!(
            "logout {exception}: the service is told Success although the person stays signed in here, which SDP-IDP31 does not allow"
        ))
    }));

    warnings.extend(agreement.attributes().keys().filter_map(|name| {
        let why = match name {
            AttributeName::VerifiedAt if agreement.highest_ial() < Ial::Two => "it needs highest_ial = 2",
            AttributeName::X509Issuer | AttributeName::X509Presented | AttributeName::X509Subject => {
                "PIV and CAC cards are not read here"
            }
            _ => return None,
        };
        Some(LintWarning::AttributeNeverSent(*name, why))
    }));

    let mut asked_by_metadata = false;
    for name in service.requested_attribute_names() {
        asked_by_metadata = true;
        match AttributeName::from_wire(name) {
            Some(attribute) if agreement.allows(attribute) => {}
            Some(attribute) => warnings.push(LintWarning::RequestedAttributeNotAgreed(attribute)),
            None => warnings.push(LintWarning::RequestedAttributeUnknown(name.to_owned())),
        }
    }
    if !agreement.attributes().is_empty() && agreement.default_attributes().is_empty() && !asked_by_metadata {
        warnings.push(LintWarning::NoDefaultAttributes);
    }

    let listed: Vec<&str> = metadata.name_id_formats().iter().map(String::as_str).collect();
    let agreed =
        |format: &&str| NameIdFormat::from_uri(format).is_some_and(|f| agreement.name_id_formats().contains(&f));
    if !listed.is_empty() && !listed.iter().any(agreed) {
        warnings.push(LintWarning::NameIdFormatsDisagree);
    }
    warnings.extend(
        metadata
            .valid_until()
            .map(UtcDateTime::date)
            .filter(|ends| ends.saturating_sub(REVIEW_NOTICE) <= today)
            .map(LintWarning::MetadataEnds),
    );
    if agreement.review_date().saturating_sub(REVIEW_NOTICE) <= today {
        warnings.push(LintWarning::ReviewDue(agreement.review_date()));
    }
    warnings.sort();
    warnings.dedup();
    warnings
}
