//! Authenticator apps (NIST SP 800-63B-4, 3.1.4): time-based one-time passwords by RFC 6238.
//!
//! SHA-1, six digits, 30 seconds: what every app takes. One step of drift each way. Each code is taken once: the step
//! that was accepted is stored, and a later code must belong to a later step. The compare-and-set is `storage`'s, so
//! that of two tries with one code exactly one succeeds.

use std::fmt;

use qrcode::QrCode;
use qrcode::render::svg;
use time::UtcDateTime;
use totp_rs::{Algorithm, Builder, Secret, Totp};

use super::{AuthenticatorKind, Proof};
use crate::entropy::Entropy;
use crate::sealing::SecretOctets;
use crate::subscriber::six_digits;

/// Seconds of one step.
pub const STEP_SECONDS: u64 = 30;

/// The secret that an app shares with us: 160 bits (RFC 4226, 4, R6). Stored only sealed.
#[derive(Clone)]
pub struct TotpSecret(SecretOctets<20>);

impl TotpSecret {
    /// A new secret.
    #[must_use]
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(SecretOctets::random(entropy))
    }

    /// Out of its sealed form.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 20]) -> Self {
        Self(SecretOctets::of(bytes))
    }

    /// To be sealed.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// As a person types it into an app that cannot read the picture: Base32 in groups of four.
    #[must_use]
    pub fn for_typing(&self) -> String {
        let text = self.base32();
        let letters: Vec<char> = text.chars().collect();
        letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
    }

    fn base32(&self) -> String {
        Secret::new_stack(*self.0).to_base32()
    }

    /// The `otpauth:` address that an app reads, for `account` (an address) at `issuer` (our name).
    #[must_use]
    pub fn provisioning_uri(&self, issuer: &str, account: &str) -> String {
        let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        // Apps read a `+` literally, so a space is written as %20.
        let (issuer, account) = (encode(issuer).replace('+', "%20"), encode(account).replace('+', "%20"));
        format!(
            "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&algorithm=SHA1&digits=6&period={STEP_SECONDS}",
            self.base32()
        )
    }

    /// The picture of [`TotpSecret::provisioning_uri`], as an SVG element without a document's head.
    ///
    /// # Errors
    /// [`TotpError::TooLong`] when issuer and account do not fit into a picture.
    pub fn qr_svg(&self, issuer: &str, account: &str) -> Result<String, TotpError> {
        let code = QrCode::new(self.provisioning_uri(issuer, account)).map_err(|_| TotpError::TooLong)?;
        let picture = code.render::<svg::Color<'_>>().min_dimensions(200, 200).build();
        Ok(picture.find("<svg").and_then(|at| picture.get(at..)).unwrap_or_default().to_owned())
    }

    fn totp(&self) -> Result<Totp, TotpError> {
        Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_skew(1)
            .with_step_duration(STEP_SECONDS)
            .with_secret(Secret::new_stack(*self.0))
            .build()
            .map_err(|_| TotpError::TooLong)
    }

    /// Judges a code. `last_step` is the step that was accepted last, if any.
    ///
    /// What is returned is to be stored if, and only if, it is still greater than what is stored then.
    ///
    /// # Errors
    /// Why the code is not taken. A page says the same for all of them.
    pub fn accept(&self, code: &str, now: UtcDateTime, last_step: Option<u64>) -> Result<AcceptedStep, TotpError> {
        let code = six_digits(code).ok_or(TotpError::Malformed)?;
        let seconds = u64::try_from(now.unix_timestamp()).map_err(|_| TotpError::Wrong)?;
        let step = self.totp()?.check(&code, seconds).ok_or(TotpError::Wrong)?;
        if last_step.is_some_and(|last| step <= last) {
            return Err(TotpError::Used);
        }
        Ok(AcceptedStep(step))
    }

    /// The code at a moment: what the person's app shows. For tests and the demonstration.
    ///
    /// # Errors
    /// Never for a secret made here.
    pub fn code_at(&self, moment: UtcDateTime) -> Result<String, TotpError> {
        let seconds = u64::try_from(moment.unix_timestamp()).map_err(|_| TotpError::Wrong)?;
        Ok(self.totp()?.generate(seconds).to_string())
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(…)")
    }
}

/// The step of an accepted code: seconds of the epoch, divided by 30.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AcceptedStep(u64);

impl AcceptedStep {
    /// The number to store.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// That a code of this step was right.
    pub fn proof(self) -> Proof {
        Proof::typed(AuthenticatorKind::Totp)
    }
}

/// Why a code is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TotpError {
    /// Not six digits.
    #[error("not six digits")]
    Malformed,
    /// The names are too long for a picture.
    #[error("the names are too long")]
    TooLong,
    /// Right, but it or a later one was used before.
    #[error("used before")]
    Used,
    /// Not the code of now, nor of one step around it.
    #[error("not the code of this moment")]
    Wrong,
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use time::macros::utc_datetime;

    use super::*;
    use crate::entropy::SystemEntropy;

    const NOW: UtcDateTime = utc_datetime!(2026-11-24 12:00:10);

    fn step(count: i64) -> UtcDateTime {
        NOW + Duration::seconds(30 * count)
    }

    #[test]
    fn codes_agree_with_rfc_6238() {
        // Appendix B, SHA-1, cut to six digits.
        let secret = TotpSecret::from_bytes(b"12345678901234567890");
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            let moment = UtcDateTime::from_unix_timestamp(seconds).unwrap();
            assert_eq!(secret.code_at(moment).unwrap(), code);
            assert_eq!(secret.accept(code, moment, None).unwrap().number(), seconds.unsigned_abs() / 30);
        }
    }

    #[test]
    fn one_step_of_drift_is_taken_and_two_are_not() {
        let secret = TotpSecret::from_bytes(&[7; 20]);
        for (drift, taken) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let code = secret.code_at(step(drift)).unwrap();
            assert_eq!(secret.accept(&code, NOW, None).is_ok(), taken, "{drift}");
        }
    }

    #[test]
    fn a_code_is_taken_once_and_none_before_it_afterwards() {
        let secret = TotpSecret::from_bytes(&[7; 20]);
        let code = secret.code_at(NOW).unwrap();
        let accepted = secret.accept(&code, NOW, None).unwrap().number();
        assert_eq!(secret.accept(&code, NOW, Some(accepted)), Err(TotpError::Used));
        let before = secret.code_at(step(-1)).unwrap();
        assert_eq!(secret.accept(&before, NOW, Some(accepted)), Err(TotpError::Used));
        let after = secret.code_at(step(1)).unwrap();
        assert_eq!(secret.accept(&after, step(1), Some(accepted)).unwrap().number(), accepted + 1);
    }

    #[test]
    fn codes_may_be_typed_in_groups_and_must_have_six_digits() {
        let secret = TotpSecret::from_bytes(&[7; 20]);
        let code = secret.code_at(NOW).unwrap();
        let grouped = format!(" {} {} ", &code[..3], &code[3..]);
        assert!(secret.accept(&grouped, NOW, None).is_ok());
        for malformed in ["", "12345", "1234567", "12345a", "一二三四五六"] {
            assert_eq!(secret.accept(malformed, NOW, None), Err(TotpError::Malformed), "{malformed}");
        }
    }

    #[test]
    fn apps_find_issuer_account_and_secret() {
        let secret = TotpSecret::from_bytes(b"12345678901234567890");
        assert_eq!(
            secret.provisioning_uri("Signet Demo", "ada+1@example.gov"),
            "otpauth://totp/Signet%20Demo:ada%2B1%40example.gov?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Signet%20Demo&algorithm=SHA1&digits=6&period=30"
        );
        assert_eq!(secret.for_typing(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        assert!(secret.qr_svg("Signet", "ada@example.gov").unwrap().starts_with("<svg"));
    }

    #[test]
    fn secrets_are_random_and_never_shown() {
        let (one, other) = (TotpSecret::random(&SystemEntropy), TotpSecret::random(&SystemEntropy));
        assert_ne!(one.as_bytes(), other.as_bytes());
        assert_eq!(format!("{one:?}"), "TotpSecret(…)");
    }
}
