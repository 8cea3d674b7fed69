//! What is known about the person at the browser, gathered for one decision: the account, what is held and can be read
//! now, the identifier and the last consent at this service.

use crate::accounts::identifier::{KnownIdentifier, identifier_of};
use crate::accounts::service_address::address_for;
use crate::accounts::site::Site;
use crate::accounts::{KnownAddress, Trouble, account_of, addresses_of, believed, last_consent, report_altered};
use crate::event::AlteredRecord;
use crate::federation::attribute::{AttributeName, AttributeValue, HeldAttributes};
use crate::federation::consent::{ContentKey, VouchedConsent};
use crate::federation::identifier::PairwiseId;
use crate::federation::registry::ServiceProvider;
use crate::federation::service_address::ChosenAddress;
use crate::locale::Locale;
use crate::proofing::ProofedProfile;
use crate::sealing::{KeysError, Purpose};
use crate::storage::Transaction;
use crate::subscriber::vault::{Profile, VaultKey};
use crate::subscriber::{ContactId, SubscriberAccount, SubscriberId, VaultState};

/// What gathering came to.
#[derive(Debug)]
pub enum Gathered {
    /// The name by which the agency knows the person is not as we wrote it.
    IdentifierAltered,
    /// There is no account, or it may not sign in.
    NoAccount,
    /// This is known.
    Person(Box<Person>),
}

/// What a decision needs to know.
#[derive(Debug)]
pub struct Person {
    /// The account as it stands.
    pub account: SubscriberAccount,
    /// What is held, as far as it can be read.
    pub held: HeldAttributes,
    /// Whether what is stored of their proofing is not what we stored: then they count as not proofed.
    pub proofing_was_altered: bool,
    /// The identifier at the agency, if there is one.
    pub known_pairwise: Option<PairwiseId>,
    /// Their addresses.
    pub addresses: Vec<KnownAddress>,
    /// The one that the service gets.
    pub address: Option<ChosenAddress>,
    /// The last consent at the service.
    pub consent: Option<VouchedConsent>,
    /// The key of content digests.
    pub content_key: ContentKey,
}

/// Gathers it.
///
/// # Errors
/// When the database or the keys are unavailable, or something stored was altered.
pub fn gather(
    tx: &mut Transaction<'_>,
    site: &Site,
    of: SubscriberId,
    vault_key: Option<&VaultKey>,
    service: &ServiceProvider,
    picked: Option<ContactId>,
    locale: Locale,
) -> Result<Gathered, Trouble> {
    let Some(account) = account_of(tx, site, of)?.filter(|account| account.status.may_sign_in()) else {
        return Ok(Gathered::NoAccount);
    };
    let known_pairwise = match identifier_of(tx, site, of, service.agreement().agency_id())? {
        KnownIdentifier::Altered => return Ok(Gathered::IdentifierAltered),
        KnownIdentifier::Known(identifier) => Some(identifier),
        KnownIdentifier::None => None,
    };
    let known = addresses_of(tx, site, of)?;
    let address = address_for(tx, site, of, service, &known, picked)?;
    let mut held = addresses(HeldAttributes::new(), &known, address.map(|chosen| chosen.contact))
        .with(AttributeName::Locale, [AttributeValue::new(locale.tag())]);
    let mut holds_vault_values = false;
    let (proofed, proofing_was_altered) = proofed_profile(tx, site, of)?;
    if let Some(proofed) = proofed {
        held = held.proofed(proofed);
        match vault_key {
            None => held = held.vault_closed(),
            Some(key) => {
                // Opened whole: a row that was taken away, or put back to an older version, is noticed.
                let profile = Profile::open(of, key, &tx.profile_of(of)?)
                    .inspect_err(|_| report_altered(of, AlteredRecord::Profile))?;
                for (name, value) in profile.iter() {
                    // A name that this version does not know is left alone.
                    let Ok(name) = name.parse::<AttributeName>() else { continue };
                    let text = std::str::from_utf8(value.expose()).map_err(|_| KeysError::Malformed)?;
                    held = held.with(name, [AttributeValue::new(text)]);
                    holds_vault_values = true;
                }
            }
        }
    }
    let content_key = match vault_key.filter(|_| holds_vault_values) {
        Some(key) => ContentKey::new(key.digest("content-key/v1", b""), "vault"),
        None => {
            let mac = site.keys.mac(Purpose::ContentDigest, b"signet/content-key/v1")?;
            ContentKey::new(mac.tag, format!("service-{}", mac.key_id))
        }
    };
    Ok(Gathered::Person(Box::new(Person {
        known_pairwise,
        addresses: known,
        address,
        consent: last_consent(tx, site, of, service.entity_id())?,
        account,
        held,
        proofing_was_altered,
        content_key,
    })))
}

/// The level to which the person was proofed, if the row that says so is one that we wrote about this profile; and whether
/// there is a row that is not.
fn proofed_profile(
    tx: &mut Transaction<'_>,
    site: &Site,
    of: SubscriberId,
) -> Result<(Option<ProofedProfile>, bool), Trouble> {
    let Some((stored, list)) = tx.stored_proofing_of(of)? else {
        return Ok((None, false));
    };
    let proofed = believed(site, of, &stored, (of, list.as_ref()), AlteredRecord::Proofing)?;
    Ok((proofed, proofed.is_none()))
}

/// Whether the vault can be opened by the password at all. After a reset without the old one, only the recovery key
/// opens it, and a person who has lost that signs in without what lies in it.
#[must_use]
pub fn vault_is_sealed(account: &SubscriberAccount) -> bool {
    account.vault == VaultState::Sealed
}

/// The address that the service gets comes first and is the one that `email` means; the others follow, the oldest first.
fn addresses(held: HeldAttributes, known: &[KnownAddress], chosen: Option<ContactId>) -> HeldAttributes {
    let value = |address: &KnownAddress| AttributeValue::new(address.address.as_str());
    let mut sorted: Vec<&KnownAddress> = known.iter().collect();
    sorted.sort_by_key(|address| (Some(address.id) != chosen, address.confirmed_at));
    held.with(AttributeName::Email, sorted.first().copied().map(value))
        .with(AttributeName::AllEmails, sorted.into_iter().map(value))
}

impl Person {
    /// The address that the service gets.
    pub fn known_address(&self) -> Option<&KnownAddress> {
        let chosen = self.address?.contact;
        self.addresses.iter().find(|one| one.id == chosen)
    }

    /// Chooses another of their addresses, which must be asked about.
    pub fn choose_address(&mut self, contact: ContactId) {
        self.address = Some(ChosenAddress { contact, must_be_asked: true });
        self.held = addresses(std::mem::take(&mut self.held), &self.addresses, Some(contact));
    }
}
