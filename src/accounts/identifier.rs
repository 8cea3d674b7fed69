//! By which name an agency knows a person: read, or drawn the first time, and believed only when this service wrote it.

use time::UtcDateTime;

use crate::accounts::site::Site;
use crate::accounts::{Trouble, believed};
use crate::event::AlteredRecord;
use crate::federation::agreement::AgencyId;
use crate::federation::identifier::{PairwiseId, StoredPairwiseId};
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
    tx.pairwise_id(of, agency)?.map_or(Ok(KnownIdentifier::None), |stored| known(site, of, agency, &stored))
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
    known(site, of, agency, &stored)
}

fn known(
    site: &Site,
    of: SubscriberId,
    agency: &AgencyId,
    stored: &StoredPairwiseId,
) -> Result<KnownIdentifier, Trouble> {
    let identifier = believed(site, of, stored, (of, agency), AlteredRecord::Identifier)?;
    Ok(identifier.map_or(KnownIdentifier::Altered, KnownIdentifier::Known))
}
