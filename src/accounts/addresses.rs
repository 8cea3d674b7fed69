//! A person's addresses: adding one by its link, removing one. The rows are `contacts`'.

use super::visitor::Visitor;
use super::{
    AddedAddress, Beside, Letter, LinkContent, MOST_ADDRESSES, Trouble, Try, add_address, addresses_of, allow,
    find_address, language_of, make_link, read_link, send_letter,
};
use crate::authentication::recovery::{LinkHash, LinkPurpose};
use crate::event::Event;
use crate::storage::{StoreError, Transaction};
use crate::subscriber::{ContactId, EmailAddress, SubscriberId};

/// Why no link is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAddressLink {
    /// The account has [`MOST_ADDRESSES`] already.
    Full,
    /// Too many mails were sent.
    TooManyMails,
}

/// Sends the link that adds an address to an account. Whether it is somebody's already is told to that address only.
///
/// # Errors
/// When the database or the keys are unavailable; inside, why none is sent.
pub fn send_address_link(
    tx: &mut Transaction<'_>,
    visitor: &Visitor,
    of: SubscriberId,
    address: &EmailAddress,
) -> Result<Result<(), NoAddressLink>, Trouble> {
    let (site, now) = (&visitor.site, visitor.now);
    let canonical = address.canonical();
    if addresses_of(tx, site, of)?.len() >= MOST_ADDRESSES {
        return Ok(Err(NoAddressLink::Full));
    }
    let mut tries = Try::from_network(site.limits.mail_by_network, &[], &visitor.client);
    tries.push(Try::new(site.limits.added_address_mail_by_address, &[canonical.as_bytes()]));
    if allow(tx, site, &tries, now)?.is_err() {
        return Ok(Err(NoAddressLink::TooManyMails));
    }
    let content =
        LinkContent { email_address: address.as_str().to_owned(), subscriber: Some(of), waiting_request: None };
    let token = make_link(tx, site, LinkPurpose::AddAddress, &content, now)?;
    let taken = find_address(tx, &*site.keys, address)?.is_some();
    let letter = if taken { Letter::AddressTaken } else { Letter::AddAddress(token) };
    let locale = language_of(tx, Some(of))?.unwrap_or(visitor.session.locale());
    send_letter(tx, site, locale, address, &letter, now)?;
    Ok(Ok(()))
}

/// The address that a link adds to this account.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn address_to_add(
    tx: &mut Transaction<'_>,
    visitor: &Visitor,
    of: SubscriberId,
    hash: &LinkHash,
) -> Result<Option<EmailAddress>, Trouble> {
    let link = read_link(tx, &visitor.site, LinkPurpose::AddAddress, hash, visitor.now)?;
    let theirs = link.filter(|link| link.content.subscriber == Some(of));
    Ok(theirs.and_then(|link| EmailAddress::parse(&link.content.email_address).ok()))
}

/// What came of confirming an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmed {
    /// It is the account's.
    Added,
    /// The account has as many addresses as it may have; the link stays usable.
    Full,
    /// The link may not be used (any more), or the address is somebody's.
    Unusable,
}

/// Adds the address of a link, and tells every address.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn confirm_address(
    tx: &mut Transaction<'_>,
    visitor: &mut Visitor,
    of: SubscriberId,
    hash: &LinkHash,
) -> Result<Confirmed, Trouble> {
    let (site, now) = (visitor.site.clone(), visitor.now);
    let Some(address) = address_to_add(tx, visitor, of, hash)? else {
        return Ok(Confirmed::Unusable);
    };
    match add_address(tx, &site, of, &address, now)? {
        AddedAddress::Added => {}
        AddedAddress::Full => return Ok(Confirmed::Full),
        AddedAddress::Taken => return Ok(Confirmed::Unusable),
    }
    if !tx.use_link(hash, now)? {
        // It was used elsewhere since it was read: nothing of this transaction may stand.
        return Err(Trouble::Store(StoreError::Database("a link was used meanwhile")));
    }
    visitor.remember_with(tx, of, Event::AddressAdded, Beside::Address(&address))?;
    Ok(Confirmed::Added)
}

/// What came of removing an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// It is the only one: it stays.
    Last,
    /// It is none of the account's.
    NotTheirs,
    /// It is gone.
    Yes,
}

/// Removes an address, never the last one, and tells every address, the removed one too.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn remove_address(
    tx: &mut Transaction<'_>,
    visitor: &mut Visitor,
    of: SubscriberId,
    id: ContactId,
) -> Result<Removed, Trouble> {
    let Some(gone) = addresses_of(tx, &visitor.site, of)?.into_iter().find(|known| known.id == id) else {
        return Ok(Removed::NotTheirs);
    };
    if !tx.remove_email(of, id)? {
        return Ok(Removed::Last);
    }
    visitor.remember_with(tx, of, Event::AddressRemoved, Beside::Address(&gone.address))?;
    Ok(Removed::Yes)
}
