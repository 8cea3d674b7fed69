//! Rows that carry a keyed digest over what they say, so that nobody who can write to the database makes, changes, moves or
//! puts back one. What such a row is about, it need not say itself: whose it is comes from where it stands.

use std::ops::Deref;

use super::{KeysError, NotVouched, Purpose, ServiceKeys};

/// A row as the database has it: it says nothing before [`VouchedRow::authenticate`].
pub trait VouchedRow: Sized {
    /// What its octets cover beside itself: whose it is, or at which service. `()` where it says all of it.
    type Context<'c>: Copy;
    /// What it means.
    type Meaning;
    /// What its keys are for.
    const PURPOSE: Purpose;

    /// What its digest covers. Databases hold digests over just these octets: they never change.
    fn octets(&self, context: Self::Context<'_>) -> Vec<u8>;

    /// The digest, as [`Mac::to_bytes`](super::Mac::to_bytes) writes it.
    fn mac(&self) -> &[u8];

    /// Where the digest stands.
    fn mac_mut(&mut self) -> &mut Vec<u8>;

    /// What the row means, now that this service is known to have written it; `None` if this version cannot read it.
    fn meaning(row: Vouched<'_, Self>, context: Self::Context<'_>) -> Option<Self::Meaning>;

    /// Whether it allows nothing, so that it has no digest and is believed without one.
    fn allows_nothing(&self) -> bool {
        false
    }

    /// The row with its digest: what to store.
    ///
    /// # Errors
    /// When the service's keys are unavailable.
    fn vouched(mut self, context: Self::Context<'_>, keys: &dyn ServiceKeys) -> Result<Self, KeysError> {
        *self.mac_mut() = if self.allows_nothing() {
            Vec::new()
        } else {
            keys.mac(Self::PURPOSE, &self.octets(context))?.to_bytes().to_vec()
        };
        Ok(self)
    }

    /// What the row means, if this service wrote it with this context.
    ///
    /// # Errors
    /// [`NotVouched::Altered`]: then it says nothing, and the caller goes on as if it were not there.
    fn authenticate(&self, context: Self::Context<'_>, keys: &dyn ServiceKeys) -> Result<Self::Meaning, NotVouched> {
        if !self.allows_nothing() {
            keys.vouch(Self::PURPOSE, &self.octets(context), self.mac())?;
        }
        Self::meaning(Vouched(self), context).ok_or(NotVouched::Altered)
    }

    /// The digest made anew with the newest key, if the one that it has is ours.
    ///
    /// # Errors
    /// [`NotVouched`]: then the row stays as it is.
    fn revouched(&self, context: Self::Context<'_>, keys: &dyn ServiceKeys) -> Result<Vec<u8>, NotVouched> {
        let octets = self.octets(context);
        keys.vouch(Self::PURPOSE, &octets, self.mac())?;
        Ok(keys.mac(Self::PURPOSE, &octets).map_err(NotVouched::Keys)?.to_bytes().to_vec())
    }
}

/// Says that the digest of a row is its field `mac`.
macro_rules! mac_column {
    () => {
        fn mac(&self) -> &[u8] {
            &self.mac
        }

        fn mac_mut(&mut self) -> &mut Vec<u8> {
            &mut self.mac
        }
    };
}
pub(crate) use mac_column;

/// A row that this service wrote: only [`VouchedRow::authenticate`] says so.
///
/// ```compile_fail,E0423
/// // fails: cannot initialize a tuple struct which contains private fields
/// # use signet::sealing::Vouched;
/// # use signet::subscriber::StoredAccount;
/// fn claimed(row: &StoredAccount) -> Vouched<'_, StoredAccount> {
///     Vouched(row)
/// }
/// ```
#[derive(Debug)]
pub struct Vouched<'r, R>(&'r R);

impl<R> Deref for Vouched<'_, R> {
    type Target = R;

    fn deref(&self) -> &R {
        self.0
    }
}
