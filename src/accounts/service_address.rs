//! The e-mail address that a service gets: the choice that was kept, read and written with the service's keys; and that no
//! service is told one address of two accounts.

use time::UtcDateTime;

use crate::accounts::site::Site;
use crate::accounts::{KnownAddress, Trouble, believed};
use crate::entropy::random_bytes;
use crate::event::AlteredRecord;
use crate::federation::registry::ServiceProvider;
use crate::federation::service_address::{ChosenAddress, StoredServiceAddress};
use crate::sealing::Purpose;
use crate::storage::Transaction;
use crate::subscriber::{ContactId, EmailAddress, SubscriberId};

/// The address that the service gets, among the person's `known` ones; `picked` on the page. `None` without any address.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn address_for(
    tx: &mut Transaction<'_>,
    site: &Site,
    of: SubscriberId,
    service: &ServiceProvider,
    known: &[KnownAddress],
    picked: Option<ContactId>,
) -> Result<Option<ChosenAddress>, Trouble> {
    let entity_id = service.entity_id();
    let kept = match tx.service_address(of, entity_id.as_str())? {
        None => None,
        Some(stored) => {
            let kept = believed(site, of, &stored, (of, entity_id), AlteredRecord::ServiceAddress)?;
            // As if an altered one had been another: the person is asked.
            Some(kept.unwrap_or(ContactId::from_bytes([0; 16])))
        }
    };
    let mut oldest_first: Vec<&KnownAddress> = known.iter().collect();
    oldest_first.sort_by_key(|address| address.confirmed_at);
    let ids: Vec<ContactId> = oldest_first.iter().map(|address| address.id).collect();
    Ok(ChosenAddress::of(&ids, kept, picked))
}

/// Keeps the address that the service gets from now on.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn keep_address(
    tx: &mut Transaction<'_>,
    site: &Site,
    of: SubscriberId,
    service: &ServiceProvider,
    contact: ContactId,
    now: UtcDateTime,
) -> Result<(), Trouble> {
    let stored = StoredServiceAddress::new(of, service.entity_id(), contact, now, &*site.keys)?;
    Ok(tx.put_service_address(of, service.entity_id().as_str(), &random_bytes(&*site.entropy), &stored)?)
}

/// Whether the service may call this person by this address: it calls nobody else by it.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn may_be_called(
    tx: &mut Transaction<'_>,
    site: &Site,
    of: SubscriberId,
    service: &ServiceProvider,
    address: &EmailAddress,
) -> Result<bool, Trouble> {
    let fingerprints = site.keys.fingerprints(Purpose::AddressName, address.canonical().as_bytes())?;
    let called = tx.called_by_address(service.entity_id().as_str(), &fingerprints)?;
    Ok(called.is_none_or(|other| other == of))
}

/// The service calls this person by this address from now on; `false` when it calls somebody else by it.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn call(
    tx: &mut Transaction<'_>,
    site: &Site,
    of: SubscriberId,
    service: &ServiceProvider,
    address: &EmailAddress,
    now: UtcDateTime,
) -> Result<bool, Trouble> {
    let fingerprint = site.keys.fingerprint(Purpose::AddressName, address.canonical().as_bytes())?;
    tx.call_by_address(service.entity_id().as_str(), &fingerprint, of, now)?;
    may_be_called(tx, site, of, service, address)
}
