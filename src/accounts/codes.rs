//! Codes: sending them by text message, judging them, counting wrong ones, and what those lead to.

use time::UtcDateTime;

use super::text_messages::code_sent;
use super::visitor::Visitor;
use super::{Authenticator, TextLetter, TooMany, Trouble, Try, allow, language_of, send_text};
use crate::authentication::Proof;
use crate::authentication::out_of_band::{CodeBinding, CodePurpose, CodeRefused, IssuedCode, OutOfBandCode};
use crate::authentication::throttle::{FailureCount, FailureRule, FailureStop, RateLimit};
use crate::event::Event;
use crate::storage::{FailuresOf, Transaction};
use crate::subscriber::{PhoneNumber, SubscriberId};

const RULE: FailureRule = FailureRule::CODES;

/// No code is judged now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locked {
    /// Minutes until the next try; nothing when the authenticator has ended.
    pub minutes: Option<i64>,
}

/// What a wrong code led to.
pub struct Failed {
    /// The account's count now.
    pub count: FailureCount,
    /// The account is locked from now on.
    pub locked: Option<Locked>,
}

/// Whether a code may be judged now.
///
/// # Errors
/// When the database is unavailable; inside, for how long not.
pub fn may_try(tx: &mut Transaction<'_>, visitor: &Visitor, of: SubscriberId) -> Result<Result<(), Locked>, Trouble> {
    let count = tx.failures(FailuresOf::Subscriber(of))?;
    // The account's own count locks for a while and never ends the account; only authenticators end.
    Ok(match RULE.may_try(FailureCount { in_a_row: 0, ..count }, visitor.now) {
        Ok(()) => Ok(()),
        Err(stop) => Err(locked(stop, visitor.now)),
    })
}

fn locked(stop: FailureStop, now: UtcDateTime) -> Locked {
    match stop {
        FailureStop::Ended => Locked { minutes: None },
        FailureStop::Locked { until } => Locked { minutes: Some(((until - now).whole_seconds().max(1) + 59) / 60) },
    }
}

/// Counts a wrong code, for the account and for each authenticator that it could have been of. Ten in a row lock the
/// account for ten minutes; a hundred in a row end an authenticator.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn count_wrong_code(
    tx: &mut Transaction<'_>,
    visitor: &mut Visitor,
    of: SubscriberId,
    tried: &[Authenticator],
) -> Result<Failed, Trouble> {
    let now = visitor.now;
    let count = tx.count_failure(FailuresOf::Subscriber(of), &RULE, now)?;
    visitor.remember(tx, of, Event::WrongSecondFactor { in_a_row: count.in_a_row })?;
    for authenticator in tried {
        let own = tx.count_failure(FailuresOf::Authenticator(authenticator.id), &RULE, now)?;
        if own.in_a_row >= RULE.end_after && !authenticator.disabled {
            tx.disable_authenticator(authenticator.id, now)?;
            let kind = authenticator.secret.kind();
            visitor.remember(tx, of, Event::MethodEnded { method: kind })?;
        }
    }
    let stop = RULE.may_try(FailureCount { in_a_row: 0, ..count }, now).err();
    if stop.is_some() {
        visitor.remember(tx, of, Event::Locked)?;
    }
    Ok(Failed { count, locked: stop.map(|stop| locked(stop, visitor.now)) })
}

/// The tries that are left, when a page should warn: three or fewer.
#[must_use]
pub fn tries_left(count: FailureCount) -> Option<u32> {
    Some(RULE.tries_left(count)).filter(|left| *left <= 3)
}

/// Sends a code, if the throttles allow it. Nothing is reset by it.
///
/// # Errors
/// When the database or the keys are unavailable; inside, [`TooMany`].
pub fn send_code(
    tx: &mut Transaction<'_>,
    visitor: &mut Visitor,
    of: SubscriberId,
    phone: &PhoneNumber,
    purpose: CodePurpose,
) -> Result<Result<(), TooMany>, Trouble> {
    let terms = visitor.site.text_messages.terms();
    let (number, account) = (phone.e164().as_bytes(), of.as_bytes());
    let limits = &visitor.site.limits;
    let mut tries = vec![Try::new(RateLimit::TEXT_AGAIN, &[account]), Try::new(limits.text_by_subscriber, &[account])];
    tries.extend(Try::from_network(limits.text_by_network, &[], &visitor.client));
    // What is shared comes last, and what strangers can use up is not what people sign in by.
    match purpose {
        CodePurpose::ConfirmPhone => {
            tries.push(Try::new(limits.text_new_phone, &[account]));
            tries.push(Try::new(RateLimit::TEXT_BY_NEW_PHONE, &[number]));
            tries.push(Try::new(terms.by_block, &[phone.block().as_bytes()]));
            tries.push(Try::new(terms.to_new_phones, &[]));
        }
        CodePurpose::SignIn => {
            tries.push(Try::new(limits.text_by_phone, &[number]));
            tries.push(Try::new(terms.to_known_phones, &[]));
        }
    }
    let shared = [terms.by_block.name, terms.to_new_phones.name, terms.to_known_phones.name];
    if let Err(too_many) = allow(tx, &visitor.site, &tries, visitor.now)? {
        if shared.contains(&too_many.limit) {
            visitor.remember(tx, of, Event::TextMessageHeldBack { limit: too_many.limit })?;
        }
        return Ok(Err(too_many));
    }
    let code = OutOfBandCode::random(&*visitor.site.entropy);
    let bound = CodeBinding { subscriber: of, phone, purpose, session: visitor.session.id_hash() };
    tx.put_code(of, purpose, &IssuedCode::new(&code, &bound, visitor.now, &*visitor.site.keys)?)?;
    let locale = language_of(tx, Some(of))?.unwrap_or(visitor.session.locale());
    send_text(tx, &visitor.site, locale, phone, &TextLetter::Code(&code), visitor.now)?;
    if purpose == CodePurpose::ConfirmPhone
        && let Some(alarm) = code_sent(tx, &visitor.site, phone)?
    {
        visitor.remember(tx, of, alarm)?;
    }
    Ok(Ok(()))
}

/// Judges a code by text message and uses it up.
///
/// # Errors
/// When the database or the keys are unavailable; inside, why the code is not taken.
pub fn judge_code(
    tx: &mut Transaction<'_>,
    visitor: &Visitor,
    of: SubscriberId,
    phone: &PhoneNumber,
    purpose: CodePurpose,
    given: &str,
) -> Result<Result<Proof, CodeRefused>, Trouble> {
    let code = match OutOfBandCode::given(given) {
        Ok(code) => code,
        Err(refused) => return Ok(Err(refused)),
    };
    let Some(issued) = tx.code_of(of, purpose)? else {
        return Ok(Err(CodeRefused::Expired));
    };
    let bound = CodeBinding { subscriber: of, phone, purpose, session: visitor.session.id_hash() };
    match issued.accept(&code, &bound, visitor.now, &*visitor.site.keys) {
        // Of two that bring the right code at once, one has it.
        Ok(proof) if tx.consume_code(of, purpose, &issued, visitor.now)? => Ok(Ok(proof)),
        Ok(_) => Ok(Err(CodeRefused::Expired)),
        Err(CodeRefused::Keys(error)) => Err(Trouble::Keys(error)),
        Err(refused) => Ok(Err(refused)),
    }
}
