//! What a person agreed to: kept with a keyed digest, and believed only with it.

use crate::accounts::site::Site;
use crate::accounts::{Trouble, believed};
use crate::event::AlteredRecord;
use crate::federation::consent::{ConsentRecord, StoredConsent, VouchedConsent};
use crate::saml::EntityId;
use crate::storage::Transaction;
use crate::subscriber::SubscriberId;

/// Keeps a consent.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn record_consent(tx: &mut Transaction<'_>, site: &Site, record: &ConsentRecord) -> Result<(), Trouble> {
    let stored = StoredConsent::new(record, &*site.keys)?;
    Ok(tx.add_consent(record.subscriber, &stored)?)
}

/// The last consent of a person for a service, taken back or not. A row that we did not write is none, and is reported: then
/// the person is asked, whatever older ones say.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn last_consent(
    tx: &mut Transaction<'_>,
    site: &Site,
    of: SubscriberId,
    service: &EntityId,
) -> Result<Option<VouchedConsent>, Trouble> {
    tx.last_consent(of, service.as_str())?.map_or(Ok(None), |stored| known(site, of, &stored))
}

/// The consents of a person that stand, the newest first. Rows that we did not write are none, and are reported.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn standing_consents_of(
    tx: &mut Transaction<'_>,
    site: &Site,
    of: SubscriberId,
) -> Result<Vec<VouchedConsent>, Trouble> {
    tx.unrevoked_consents_of(of)?.iter().filter_map(|stored| known(site, of, stored).transpose()).collect()
}

fn known(site: &Site, of: SubscriberId, stored: &StoredConsent) -> Result<Option<VouchedConsent>, Trouble> {
    believed(site, of, stored, of, AlteredRecord::Consent(stored.id))
}
