//! A person's e-mail addresses: sealed with the service's keys, found by keyed fingerprint.

use time::UtcDateTime;

use crate::accounts::site::Site;
use crate::accounts::{Trouble, is_altered, report_altered};
use crate::event::AlteredRecord;
use crate::sealing::{KeysError, Purpose, ServiceKeys, context};
use crate::storage::{EmailRecord, Transaction};
use crate::subscriber::{ContactId, EmailAddress, SubscriberId};

/// A confirmed address of a person, opened.
#[derive(Debug, Clone)]
pub struct KnownAddress {
    /// Its record's name.
    pub id: ContactId,
    /// The address.
    pub address: EmailAddress,
    /// When it was confirmed.
    pub confirmed_at: UtcDateTime,
    /// When it was last signed in with.
    pub last_sign_in_at: Option<UtcDateTime>,
}

/// The record of an address, whoever's it is. A record that is found by this address and holds another one, or was moved to
/// another account, is nobody's, and is reported.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn find_address(
    tx: &mut Transaction<'_>,
    keys: &dyn ServiceKeys,
    address: &EmailAddress,
) -> Result<Option<EmailRecord>, Trouble> {
    let fingerprints = keys.fingerprints(Purpose::EmailAddress, address.canonical().as_bytes())?;
    let Some(record) = tx.email_by_fingerprint(&fingerprints)? else {
        return Ok(None);
    };
    match open(keys, &record)? {
        Some(known) if known.address.canonical() == address.canonical() => Ok(Some(record)),
        Some(_) => {
            report_altered(record.subscriber, AlteredRecord::Address(record.id));
            Ok(None)
        }
        None => Ok(None),
    }
}

/// The most addresses that an account may have.
pub const MOST_ADDRESSES: usize = 12;

/// What came of adding an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum AddedAddress {
    /// It is the account's.
    Added,
    /// The account has [`MOST_ADDRESSES`] already.
    Full,
    /// It is somebody's already.
    Taken,
}

/// Adds a confirmed address to an account. Of many that are confirmed at once, no more are added than an account may have.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn add_address(
    tx: &mut Transaction<'_>,
    site: &Site,
    of: SubscriberId,
    address: &EmailAddress,
    now: UtcDateTime,
) -> Result<AddedAddress, Trouble> {
    tx.lock_subscriber(of)?;
    // Under an older key it may be somebody's too.
    if find_address(tx, &*site.keys, address)?.is_some() {
        return Ok(AddedAddress::Taken);
    }
    if tx.emails_of(of)?.len() >= MOST_ADDRESSES {
        return Ok(AddedAddress::Full);
    }
    let id = ContactId::random(&*site.entropy);
    let sealed = site.keys.seal(Purpose::EmailAddress, &place(id, of), address.as_str().as_bytes())?;
    let fingerprint = site.keys.fingerprint(Purpose::EmailAddress, address.canonical().as_bytes())?;
    let record = EmailRecord { id, subscriber: of, fingerprint, sealed, confirmed_at: now, last_sign_in_at: None };
    Ok(if tx.add_email(&record)? { AddedAddress::Added } else { AddedAddress::Taken })
}

/// All addresses of a person, the oldest first. A row that we did not write about this person is none of them, and is reported.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn addresses_of(tx: &mut Transaction<'_>, site: &Site, of: SubscriberId) -> Result<Vec<KnownAddress>, Trouble> {
    tx.emails_of(of)?.iter().filter_map(|record| open(&*site.keys, record).transpose()).collect()
}

/// The address of a record; nothing, and a report, when we did not write it about this person.
fn open(keys: &dyn ServiceKeys, record: &EmailRecord) -> Result<Option<KnownAddress>, Trouble> {
    let place = place(record.id, record.subscriber);
    let opened = match keys.open(Purpose::EmailAddress, &place, &record.sealed) {
        Ok(opened) => opened,
        Err(fault) if is_altered(&fault) => {
            report_altered(record.subscriber, AlteredRecord::Address(record.id));
            return Ok(None);
        }
        Err(fault) => return Err(fault.into()),
    };
    let address = std::str::from_utf8(&opened)
        .ok()
        .and_then(|text| EmailAddress::parse(text).ok())
        .ok_or(KeysError::Malformed)?;
    Ok(Some(KnownAddress {
        id: record.id,
        address,
        confirmed_at: record.confirmed_at,
        last_sign_in_at: record.last_sign_in_at,
    }))
}

/// The record with its address sealed anew, and found anew, by the newest key.
///
/// # Errors
/// When the row is not ours, or the keys are unavailable.
pub(super) fn resealed(keys: &dyn ServiceKeys, record: &EmailRecord) -> Result<EmailRecord, KeysError> {
    let place = place(record.id, record.subscriber);
    let opened = keys.open(Purpose::EmailAddress, &place, &record.sealed)?;
    let text = std::str::from_utf8(&opened).map_err(|_| KeysError::Malformed)?;
    let address = EmailAddress::parse(text).map_err(|_| KeysError::Malformed)?;
    let fingerprint = keys.fingerprint(Purpose::EmailAddress, address.canonical().as_bytes())?;
    Ok(EmailRecord { fingerprint, sealed: keys.seal(Purpose::EmailAddress, &place, &opened)?, ..record.clone() })
}

/// Where a sealed address belongs.
fn place(id: ContactId, of: SubscriberId) -> Vec<u8> {
    context(&[b"signet/email-address/v1", of.as_bytes(), id.as_bytes()])
}
