//! The class references that mean something to Signet, each on its ladder.

use super::{Identity, Strength};

pub(super) const AAL1: &str = "http://idmanagement.gov/ns/assurance/aal/1";
pub(super) const AAL2: &str = "http://idmanagement.gov/ns/assurance/aal/2";
pub(super) const AAL2_PHISHING_RESISTANT: &str = "http://idmanagement.gov/ns/assurance/aal/2?phishing_resistant=true";
pub(super) const AAL3: &str = "http://idmanagement.gov/ns/assurance/aal/3";
pub(super) const REFEDS_MFA: &str = "https://refeds.org/profile/mfa";
pub(super) const PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password";
pub(super) const PASSWORD_PROTECTED_TRANSPORT: &str =
    "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

/// A class that says something about identity.
pub(super) struct IdentityClass {
    pub(super) uri: &'static str,
    pub(super) steps: &'static [Identity],
}

pub(super) const IDENTITY_CLASSES: &[IdentityClass] = {
    use Identity::{FaceMatched, Proofed, Unproofed};
    const fn class(uri: &'static str, steps: &'static [Identity]) -> IdentityClass {
        IdentityClass { uri, steps }
    }
    &[
        class("http://idmanagement.gov/ns/assurance/ial/1", &[Unproofed]),
        class("http://idmanagement.gov/ns/assurance/loa/1", &[Unproofed]),
        class("urn:acr.login.gov:auth-only", &[Unproofed]),
        class("http://idmanagement.gov/ns/assurance/ial/2", &[Proofed]),
        class("http://idmanagement.gov/ns/assurance/ial/2?strict=true", &[Proofed]),
        class("http://idmanagement.gov/ns/assurance/loa/3", &[Proofed]),
        class("urn:acr.login.gov:verified", &[Proofed]),
        // "Preferred" asks for a face match of those who are not proofed yet; a profile that exists is accepted.
        class("http://idmanagement.gov/ns/assurance/ial/2?bio=preferred", &[Proofed]),
        class("urn:acr.login.gov:verified-facial-match-preferred", &[Proofed]),
        class("http://idmanagement.gov/ns/assurance/ial/2?bio=required", &[FaceMatched]),
        class("urn:acr.login.gov:verified-facial-match-required", &[FaceMatched]),
        // The best that the person has, without sending anybody to proofing.
        class("http://idmanagement.gov/ns/assurance/ial/0", &[Unproofed, Proofed, FaceMatched]),
    ]
};

/// A class that says something about authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AuthenticationClass {
    pub(super) uri: &'static str,
    pub(super) strength: Strength,
    pub(super) by_password: bool,
}

pub(super) const AUTHENTICATION_CLASSES: &[AuthenticationClass] = {
    const fn class(uri: &'static str, strength: Strength) -> AuthenticationClass {
        AuthenticationClass { uri, strength, by_password: false }
    }
    &[
        class("urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified", Strength::Unspecified),
        AuthenticationClass { uri: PASSWORD, strength: Strength::SingleFactor, by_password: true },
        AuthenticationClass { uri: PASSWORD_PROTECTED_TRANSPORT, strength: Strength::SingleFactor, by_password: true },
        class(AAL1, Strength::SingleFactor),
        class("https://refeds.org/profile/sfa", Strength::SingleFactor),
        // Login.gov lets a remembered device stand in for the second factor here. Signet remembers no devices.
        class("urn:gov:gsa:ac:classes:sp:PasswordProtectedTransport:duo", Strength::MultiFactor),
        class(AAL2, Strength::MultiFactor),
        class(REFEDS_MFA, Strength::MultiFactor),
        class(AAL2_PHISHING_RESISTANT, Strength::PhishingResistant),
        class(AAL3, Strength::Aal3),
        class("http://idmanagement.gov/ns/assurance/aal/2?hspd12=true", Strength::Card),
        class("http://idmanagement.gov/ns/assurance/aal/3?hspd12=true", Strength::Card),
    ]
};
