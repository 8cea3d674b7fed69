//! By which name an agency knows a person: read, or drawn the first time, and believed only when this service wrote it.

use time::UtcDateTime;

use crate::accounts::site::Site;
use crate::accounts::{Trouble, report_altered};
use crate::event::AlteredRecord;
use crate::federation::agreement::AgencyId;
use crate::federation::identifier::{PairwiseId, StoredPairwiseId};
use crate::sealing::NotVouched;
use crate::storage::Transaction;
use crate::subscriber::SubscriberId;

/// What is known of the name by which an agency knows a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownIdentifier {
    /// The row is not as we wrote it. Nothing may be sent to the agency: whatever name it got, it might take the person for
    /// somebody else.
    Altered,
    /// This.
    Known(PairwiseId),
    /// The agency does not know the person yet.
    None,
}

/// The name by which an agency knows a person. A row that we did not write is reported.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn identifier_of(
    tx: &mut Transaction<'_>,
    site: &Site,
    of: SubscriberId,
    agency: &AgencyId,
) -> Result<KnownIdentifier, Trouble> {
    tx.pairwise_id(of, agency)?.map_or(Ok(KnownIdentifier::None), |stored| believed(site, of, agency, &stored))
}

/// The same where an agency that does not know the person yet shall know them by `proposed` from now on.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn settle_identifier(
    tx: &mut Transaction<'_>,
    site: &Site,
    of: SubscriberId,
    agency: &AgencyId,
    proposed: PairwiseId,
    now: UtcDateTime,
) -> Result<KnownIdentifier, Trouble> {
    let proposed = StoredPairwiseId::new(of, agency, proposed, now, &*site.keys)?;
    let stored = tx.settle_pairwise_id(of, agency, &proposed)?;
    believed(site, of, agency, &stored)
}

fn believed(
    site: &Site,
    of: SubscriberId,
    agency: &AgencyId,
    stored: &StoredPairwiseId,
) -> Result<KnownIdentifier, Trouble> {
    match stored.authenticate(of, agency, &*site.keys) {
        Ok(identifier) => Ok(KnownIdentifier::Known(identifier)),
        Err(NotVouched::Keys(fault)) => Err(fault.into()),
        Err(NotVouched::Altered) => {
            report_altered(of, AlteredRecord::Identifier);
            Ok(KnownIdentifier::Altered)
        }
    }
}
