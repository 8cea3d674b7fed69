//! The proofed profile: to which level a person was proofed and until when that holds; and how that is told from what
//! somebody wrote into the database.
//!
//! The row stands in clear, since the level must be judged while the vault is closed. It carries a keyed digest over all of
//! its fields, the person, and the sealed list of the profile that was proofed. A [`StoredProofing`] is what the database
//! says; only [`StoredProofing::authenticate`] makes it the [`ProofedProfile`] that assurance, release and gate take.

use time::UtcDateTime;

use crate::proofing::Ial;
use crate::sealing::{
    KeysError, Purpose, ServiceKeys, Vouched, VouchedRow, context, instant, mac_column, milliseconds,
};
use crate::subscriber::SubscriberId;
use crate::subscriber::vault::{ProfileRow, SealedAttribute};

/// What identity proofing found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proofing {
    /// The level at which the profile was proofed.
    pub ial: Ial,
    /// When the identity was verified.
    pub verified_at: UtcDateTime,
    /// When the evidence must be looked at again; proofed attributes are withheld from then on.
    pub current_until: Option<UtcDateTime>,
    /// Whether the face was compared with the document's portrait.
    pub face_was_matched: bool,
}

/// What identity proofing has established about the person: a [`Proofing`] that this service wrote down itself.
///
/// ```compile_fail,E0423
/// // fails: cannot initialize a tuple struct which contains private fields
/// # use signet::proofing::{ProofedProfile, Proofing};
/// fn claimed(proofing: Proofing) -> ProofedProfile {
///     ProofedProfile(proofing)
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProofedProfile(Proofing);

impl ProofedProfile {
    /// Of nobody: for explaining what would be released about an invented person, and for tests. A test holds that nothing
    /// that serves people says this.
    #[must_use]
    pub const fn supposed(proofing: Proofing) -> Self {
        Self(proofing)
    }

    /// The level at which the profile was proofed.
    #[must_use]
    pub const fn ial(&self) -> Ial {
        self.0.ial
    }

    /// When the identity was verified.
    #[must_use]
    pub const fn verified_at(&self) -> UtcDateTime {
        self.0.verified_at
    }

    /// Whether the evidence still counts. Afterwards the level is not held, and proofed attributes are withheld.
    #[must_use]
    pub fn is_current(&self, now: UtcDateTime) -> bool {
        self.0.current_until.is_none_or(|until| now < until)
    }

    /// Whether the face was compared with the document's portrait.
    #[must_use]
    pub const fn face_was_matched(&self) -> bool {
        self.0.face_was_matched
    }
}

/// What a row says of a person's proofing, as plain numbers: nobody vouches for it before
/// [`StoredProofing::authenticate`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredProofing {
    /// The number of the level.
    pub ial: i32,
    /// Milliseconds since 1970.
    pub verified_at: i64,
    /// Milliseconds since 1970.
    pub expires_at: Option<i64>,
    /// 1 where the face was compared with the document's portrait, else 0.
    pub face_was_matched: i32,
    /// The keyed digest, as [`Mac::to_bytes`](crate::sealing::Mac::to_bytes) writes it.
    pub mac: Vec<u8>,
}

impl StoredProofing {
    /// What to store about the proofing of the profile that these rows hold.
    ///
    /// # Errors
    /// When the service's keys are unavailable.
    pub fn new(
        of: SubscriberId,
        proofing: &Proofing,
        profile: &[ProfileRow],
        keys: &dyn ServiceKeys,
    ) -> Result<Self, KeysError> {
        let stored = Self {
            ial: i32::from(proofing.ial.number()),
            verified_at: milliseconds(proofing.verified_at),
            expires_at: proofing.current_until.map(milliseconds),
            face_was_matched: i32::from(proofing.face_was_matched),
            mac: Vec::new(),
        };
        let list = profile.iter().find(|row| row.is_list()).map(|row| &row.sealed);
        stored.vouched((of, list), keys)
    }
}

/// Of one that was altered, the person counts as not proofed. It is about this person, and about the profile that has this list.
impl VouchedRow for StoredProofing {
    type Context<'c> = (SubscriberId, Option<&'c SealedAttribute>);
    type Meaning = ProofedProfile;
    const PURPOSE: Purpose = Purpose::ProofedProfile;
    mac_column!();

    /// {label, subscriber, level, verified, expires, sealed list}. A profile without a list, and a proofing without an end,
    /// are told apart from any value by their length; rows that say that a face was compared, by their label.
    fn octets(&self, (of, list): Self::Context<'_>) -> Vec<u8> {
        context(&[
            if self.face_was_matched == 0 { b"signet/proofed-profile/v1" } else { b"signet/proofed-profile/f1" },
            of.as_bytes(),
            &self.ial.to_be_bytes(),
            &self.verified_at.to_be_bytes(),
            self.expires_at.map(i64::to_be_bytes).as_ref().map_or(&[], |at| at.as_slice()),
            list.map_or(&[], SealedAttribute::as_bytes),
        ])
    }

    fn meaning(row: Vouched<'_, Self>, _: Self::Context<'_>) -> Option<ProofedProfile> {
        Some(ProofedProfile(Proofing {
            ial: u8::try_from(row.ial).ok().and_then(Ial::from_number)?,
            verified_at: instant(row.verified_at)?,
            current_until: match row.expires_at {
                None => None,
                Some(at) => Some(instant(at)?),
            },
            face_was_matched: row.face_was_matched == 1,
        }))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::utc_datetime;

    use super::*;
    use crate::entropy::SystemEntropy;
    use crate::sealing::NotVouched;
    use crate::services::keys::keys_for_tests;
    use crate::subscriber::vault::{Profile, VaultKey};

    const ADA: SubscriberId = SubscriberId::from_bytes([1; 16]);
    const BEA: SubscriberId = SubscriberId::from_bytes([2; 16]);
    const PROOFING: Proofing = Proofing {
        ial: Ial::Two,
        verified_at: utc_datetime!(2026-03-01 09:30:15.123),
        current_until: Some(utc_datetime!(2027-03-01 09:30)),
        face_was_matched: false,
    };

    fn rows(of: SubscriberId) -> Vec<ProfileRow> {
        Profile::default().seal(of, &VaultKey::random(&SystemEntropy), &SystemEntropy).unwrap()
    }

    #[test]
    fn what_was_stored_is_believed_as_it_was_stored() {
        let (keys, rows) = (keys_for_tests(), rows(ADA));
        for (current_until, face_was_matched) in [(None, false), (None, true), (PROOFING.current_until, false)] {
            let proofing = Proofing { current_until, face_was_matched, ..PROOFING };
            let stored = StoredProofing::new(ADA, &proofing, &rows, &keys).unwrap();
            assert_eq!(stored.authenticate((ADA, Some(&rows[0].sealed)), &keys), Ok(ProofedProfile(proofing)));
        }
    }

    #[test]
    fn any_other_field_person_list_or_key_is_not_believed() {
        let (keys, mine, others) = (keys_for_tests(), rows(ADA), rows(ADA));
        let list = Some(&mine[0].sealed);
        let stored = StoredProofing::new(ADA, &PROOFING, &mine, &keys).unwrap();
        let low = StoredProofing::new(ADA, &Proofing { ial: Ial::One, ..PROOFING }, &mine, &keys).unwrap();
        let refused = |stored: &StoredProofing, of, list, keys: &dyn ServiceKeys| {
            assert_eq!(stored.authenticate((of, list), keys), Err(NotVouched::Altered), "{stored:?}");
        };
        refused(&StoredProofing { ial: 2, ..low }, ADA, list, &keys);
        refused(&StoredProofing { verified_at: stored.verified_at + 1, ..stored.clone() }, ADA, list, &keys);
        refused(&StoredProofing { expires_at: stored.expires_at.map(|at| at + 1), ..stored.clone() }, ADA, list, &keys);
        refused(&StoredProofing { expires_at: None, ..stored.clone() }, ADA, list, &keys);
        refused(&StoredProofing { face_was_matched: 1, ..stored.clone() }, ADA, list, &keys);
        refused(&StoredProofing { mac: Vec::new(), ..stored.clone() }, ADA, list, &keys);
        refused(&StoredProofing { mac: vec![0; 36], ..stored.clone() }, ADA, list, &keys);
        refused(&stored, BEA, list, &keys);
        refused(&stored, ADA, Some(&others[0].sealed), &keys);
        refused(&stored, ADA, None, &keys);
        refused(&stored, ADA, list, &keys_for_tests());
    }
}
