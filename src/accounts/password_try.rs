//! A try at a password: counted, judged, settled. The one place where all doors meet that take a password: `/sign-in`,
//! `/unlock`, and an ended password that its person takes up again.
//!
//! A try is counted before it is judged, so that of any number that arrive at once no more are judged than the limits say;
//! one that was right is given back. A browser that hangs up does not change that: what was begun is settled
//! ([`unbroken`]).
//!
//! Whoever has no account, an ended password or none is worked for like anybody else, so that neither answer nor time tells
//! them apart. That a password has ended is told to its person alone, by mail, after the answer has gone.

use time::UtcDateTime;

use super::put_password_slot;
use super::visitor::Visitor;
use crate::accounts::site::Site;
use crate::accounts::{
    Beside, Counted, Happened, TooMany, Trouble, Try, account_of, allow, give_back, keep_password, password_has_ended,
    password_of, report_altered, throttle_fingerprint,
};
use crate::authentication::Proof;
use crate::authentication::known_browser::{KnownBrowser, MOST_WRONG_IN_A_ROW};
use crate::authentication::password::{KnownPassword, Password, PasswordVerifier, StretchedPassword};
use crate::authentication::throttle::{RateLimit, RateVerdict};
use crate::event::{AlteredRecord, Event, Explanation};
use crate::services::argon2_gate::PlaceInQueue;
use crate::storage::Transaction;
use crate::subscriber::vault::{SlotKey, SlotKind, VaultError, VaultKey};
use crate::subscriber::{SubscriberAccount, SubscriberId, SubscriberStatus};

/// Who stands in where an address is nobody's: identifiers of accounts are random, so it is no account's.
const NOBODY: SubscriberId = SubscriberId::from_bytes([0; 16]);

/// Which door the password is tried at.
pub enum Door<'a> {
    /// An ended password, by its person who came by a mailed link and showed the second factor.
    EndedPassword(SubscriberId),
    /// Signing in: what was typed, in its canonical form, and whose it is.
    SignIn {
        /// What was typed.
        typed: &'a str,
        /// Whose it is.
        account: Option<SubscriberId>,
    },
    /// Opening the vault, by somebody who is signed in.
    Unlock(SubscriberId),
}

/// Where a try is counted in a row.
#[derive(Clone)]
enum Row {
    /// Nowhere: the password has ended, and its few last tries have a count of their own.
    Apart,
    Account(SubscriberId),
    Known(KnownBrowser),
    Nobody(Vec<u8>),
}

/// A try that was counted and is to be judged.
pub struct PasswordTry {
    counted: Counted,
    row: Row,
    end: End,
    found: Option<(SubscriberId, KnownPassword)>,
}

/// How near a password is to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// More wrong tries are allowed after this one.
    NotYet,
    /// It ends if this try is wrong.
    Next,
    /// It has ended: no password is right.
    Reached,
}

/// A try that was judged and is to be settled.
pub struct JudgedTry {
    tried: PasswordTry,
    right: Option<JudgedRight>,
}

/// What was found right.
struct JudgedRight {
    stretched: StretchedPassword,
    proof: Proof,
    /// The same password at today's cost, when the stored verifier was made at a lower one.
    dearer: Option<StretchedPassword>,
}

/// A right password.
pub struct RightPassword {
    /// Whose.
    pub account: SubscriberAccount,
    /// That it was right.
    pub proof: Proof,
    /// The key of the vault, where the password opens it.
    pub vault_key: Option<VaultKey>,
    /// What the password gives for its slot.
    pub slot_key: SlotKey,
}

impl PasswordTry {
    /// Counts a try, and looks up what it is judged by.
    ///
    /// # Errors
    /// When the database or the keys are unavailable; inside, [`TooMany`], and then nothing was counted.
    pub fn begin(
        tx: &mut Transaction<'_>,
        visitor: &Visitor,
        door: &Door<'_>,
        known: Option<KnownBrowser>,
    ) -> Result<Result<Self, TooMany>, Trouble> {
        let (site, now) = (&visitor.site, visitor.now);
        let counted = match allow(tx, site, &tries(visitor, door, known), now)? {
            Ok(counted) => counted,
            Err(too_many) => return Ok(Err(too_many)),
        };
        let (row, end) = count_in_a_row(tx, site, door, known, now)?;
        let of = match door {
            Door::EndedPassword(of) | Door::Unlock(of) => Some(*of),
            Door::SignIn { account, .. } => *account,
        };
        // Nobody's password is looked for too, so that the database does the same for everybody.
        let password = password_of(tx, site, of.unwrap_or(NOBODY))?;
        // 3.2.2: after a hundred in a row not even the right password is taken.
        let found = of.zip(password).filter(|_| end != End::Reached);
        Ok(Ok(Self { counted, row, end, found }))
    }

    /// Whether no password is taken any more, where that may be told: to somebody who is signed in.
    pub fn has_ended(&self) -> bool {
        self.end == End::Reached
    }

    /// Judges the password, when its turn has come.
    ///
    /// # Errors
    /// When the keys are unavailable, or the work was lost.
    pub async fn judge(self, place: PlaceInQueue, site: &Site, password: Password) -> Result<JudgedTry, Trouble> {
        let (keys, entropy, parameters) = (site.keys.clone(), site.entropy.clone(), site.gate.parameters());
        place
            .run(move |memory| {
                let (stretched, right) = match &self.found {
                    Some((of, known)) => {
                        let stretched = StretchedPassword::for_verifier(&password, &known.verifier, memory)?;
                        let right = known.verifier.prove(&stretched, *of, &*keys)?;
                        (stretched, right)
                    }
                    None => {
                        let nobody = PasswordVerifier::nobodys(parameters, &*keys)?;
                        let stretched = StretchedPassword::for_nobody(&password, parameters, memory)?;
                        let right = nobody.prove(&stretched, NOBODY, &*keys)?;
                        (stretched, right)
                    }
                };
                let (Some((_, known)), Some(proof)) = (self.found, right) else {
                    return Ok(JudgedTry { tried: self, right: None });
                };
                let cheap = known.verifier.is_cheaper_than(parameters);
                let dearer =
                    cheap.then(|| StretchedPassword::new(&password, parameters, memory, &*entropy)).transpose()?;
                Ok(JudgedTry { tried: self, right: Some(JudgedRight { stretched, proof, dearer }) })
            })
            .await
            .map_err(Trouble::Busy)?
    }
}

impl JudgedTry {
    /// Settles the try. Nothing when the password was wrong, or when it was replaced while it was judged: then
    /// [`JudgedTry::was_wrong`] follows once the transaction stands.
    ///
    /// # Errors
    /// When the database or the keys are unavailable.
    pub fn settle(&mut self, tx: &mut Transaction<'_>, visitor: &Visitor) -> Result<Option<RightPassword>, Trouble> {
        let site = &visitor.site;
        let (Some((of, judged)), Some(JudgedRight { stretched, proof, dearer })) =
            (self.tried.found, self.right.take())
        else {
            return Ok(None);
        };
        // Limits before the account, the account before its counts: the order in which every door holds them.
        let counted = std::mem::take(&mut self.tried.counted);
        give_back(tx, &counted)?;
        tx.lock_subscriber(of)?;
        let still = password_of(tx, site, of)?.is_some_and(|known| known.set_at == judged.set_at);
        let account = account_of(tx, site, of)?;
        let Some(account) = account.filter(|account| still && account.status != SubscriberStatus::Ended) else {
            return Ok(None);
        };
        match &self.tried.row {
            Row::Account(of) => {
                tx.forget_tries(&throttle_fingerprint(site, &RateLimit::PASSWORD_IN_A_ROW, &[of.as_bytes()])?)?;
            }
            Row::Known(known) => tx.forget_known_browser_tries(known.id)?,
            Row::Apart | Row::Nobody(_) => {}
        }
        let vault_key = open_by_password(tx, site, of, &stretched)?;
        // What opens the vault from now on is what the stored verifier was made with.
        let slot_key = dearer.as_ref().unwrap_or(&stretched).slot_key();
        if dearer.is_some() || judged.verifier.is_of_an_older_key(&*site.keys) {
            let verifier = PasswordVerifier::new(dearer.as_ref().unwrap_or(&stretched), of, &*site.keys)?;
            keep_password(tx, site, of, &verifier, judged.set_at)?;
        }
        if let (Some(_), Some(vault_key)) = (&dearer, &vault_key) {
            put_password_slot(tx, site, of, &slot_key, vault_key, visitor.now)?;
        }
        Ok(Some(RightPassword { account, proof, vault_key, slot_key }))
    }

    /// Says to the log that a password was wrong; if the password has ended by now, its person is told, once, after the answer.
    pub fn was_wrong(&self, site: &Site, now: UtcDateTime) {
        Event::WrongPassword.log(None);
        if self.tried.end != End::NotYet {
            let (site, row) = (site.clone(), self.tried.row.clone());
            // Not before the answer: a mail that is written only for accounts would be seen in the time.
            tokio::spawn(async move {
                if let Err(error) = tell_of_the_end(&site, row, now).await {
                    Event::PasswordEndedMailFailed { why: Explanation::of(&error) }.log(None);
                }
            });
        }
    }
}

/// The limits of a door, the caller's own first.
fn tries(visitor: &Visitor, door: &Door<'_>, known: Option<KnownBrowser>) -> Vec<Try> {
    let (limits, network) = (&visitor.site.limits, &visitor.client);
    match (door, known) {
        (Door::EndedPassword(of), _) => vec![Try::new(RateLimit::ENDED_PASSWORD, &[of.as_bytes()])],
        (Door::Unlock(of), _) => vec![Try::new(limits.unlock, &[of.as_bytes()])],
        // Nothing that strangers share with this browser is counted for it, so that they cannot use it up.
        (Door::SignIn { .. }, Some(known)) => {
            let key: &[&[u8]] = &[known.id.as_bytes()];
            [limits.wrong_password_by_account_and_network, limits.wrong_password_in_half_a_day]
                .map(|limit| Try::new(limit, key))
                .into()
        }
        (Door::SignIn { typed, .. }, None) => {
            let key: &[&[u8]] = &[typed.as_bytes()];
            [
                Try::from_network(limits.wrong_password_by_account_and_network, key, network),
                Try::from_network(limits.wrong_password_in_half_a_day, key, network),
                Try::from_network(limits.wrong_password_by_network, &[], network),
            ]
            .concat()
        }
    }
}

/// Counts the try in a row, and says where, and how near the password is to its end.
fn count_in_a_row(
    tx: &mut Transaction<'_>,
    site: &Site,
    door: &Door<'_>,
    known: Option<KnownBrowser>,
    now: UtcDateTime,
) -> Result<(Row, End), Trouble> {
    let row = match door {
        Door::EndedPassword(_) => return Ok((Row::Apart, End::NotYet)),
        Door::Unlock(of) | Door::SignIn { account: Some(of), .. } => Row::Account(*of),
        // An account has one count, however many addresses it has; what is nobody's has one by what was typed.
        Door::SignIn { typed, account: None } => Row::Nobody(typed.as_bytes().to_vec()),
    };
    // After too many wrong ones a browser is known no more, and counts like any other.
    if let Some(known) = known
        && tx.count_known_browser_try(known.id, MOST_WRONG_IN_A_ROW)?
    {
        return Ok((Row::Known(known), End::NotYet));
    }
    let (limit, key) = row.in_a_row();
    let end = match tx.count_try(&limit, &throttle_fingerprint(site, &limit, &[&key])?, now)? {
        (_, RateVerdict::Refused { .. }) => End::Reached,
        (window, RateVerdict::Allowed) if window.tries >= limit.at_most => End::Next,
        (_, RateVerdict::Allowed) => End::NotYet,
    };
    Ok((row, end))
}

impl Row {
    /// The limit and the key of its count.
    fn in_a_row(&self) -> (RateLimit, Vec<u8>) {
        match self {
            Self::Account(of) => (RateLimit::PASSWORD_IN_A_ROW, of.as_bytes().to_vec()),
            Self::Nobody(typed) => (RateLimit::PASSWORD_OF_NOBODY, typed.clone()),
            Self::Apart | Self::Known(_) => (RateLimit::PASSWORD_OF_NOBODY, Vec::new()),
        }
    }
}

/// Tells every address of an account that its password has ended, once until another one is set. The same is counted for what
/// is nobody's.
async fn tell_of_the_end(site: &Site, row: Row, now: UtcDateTime) -> Result<(), Trouble> {
    let teller = site.clone();
    let tell = move |tx: &mut Transaction<'_>| {
        let mut happened = Happened::default();
        let (limit, key) = row.in_a_row();
        let notice = RateLimit { window: limit.window, ..RateLimit::PASSWORD_ENDED_NOTICE };
        if allow(tx, &teller, &[Try::new(notice, &[&key])], now)?.is_err() {
            return Ok(happened);
        }
        let Row::Account(of) = row else { return Ok(happened) };
        // Another one may have been set meanwhile.
        if !password_has_ended(tx, &teller, of, now)? {
            tx.forget_tries(&throttle_fingerprint(&teller, &notice, &[&key])?)?;
            return Ok(happened);
        }
        happened.record(tx, &teller, of, Event::PasswordEnded, Beside::Nothing, now)?;
        Ok(happened)
    };
    site.store.transaction::<_, Trouble, _>(tell).await?.tell();
    Ok(())
}

/// Opens the vault with the password, when it has a slot for it.
fn open_by_password(
    tx: &mut Transaction<'_>,
    site: &Site,
    of: SubscriberId,
    stretched: &StretchedPassword,
) -> Result<Option<VaultKey>, Trouble> {
    let slots = tx.slots_of(of)?;
    let Some(slot) = slots.iter().find(|slot| slot.kind == SlotKind::Password) else {
        return Ok(None);
    };
    match slot.open(of, &stretched.slot_key(), &*site.keys) {
        Ok(key) => Ok(Some(key)),
        Err(VaultError::Altered | VaultError::DoesNotOpen) => {
            // The password is right and its slot does not open: the row was altered.
            report_altered(of, AlteredRecord::Slot(slot.id));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
