//! The links that mails carry: made, read, used up once. What a link is for is sealed with the service's keys, and bound to
//! when it was made and how long it lives; using it up erases it. So a record whose times were altered, or that is to be used
//! again, is no link.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::UtcDateTime;

use crate::accounts::site::Site;
use crate::accounts::{Trouble, is_altered};
use crate::authentication::password::StretchedPassword;
use crate::authentication::recovery::{LINK_LIFETIME, LinkHash, LinkPurpose, LinkToken};
use crate::event::{AlteredRecord, Event};
use crate::id;
use crate::sealing::{KeysError, Purpose, context};
use crate::storage::{LinkRecord, PendingRequestId, Transaction};
use crate::subscriber::{EmailAddress, SubscriberId};

/// Whom and what a link is for.
#[derive(Clone, Serialize, Deserialize)]
pub struct LinkContent {
    /// The address that it was sent to.
    pub email_address: String,
    /// The account, when there is one already.
    #[serde(with = "id::maybe_octets")]
    pub subscriber: Option<SubscriberId>,
    /// The request that waited when the link was asked for, so that its person comes back to it even in another window.
    pub waiting_request: Option<WaitingRequest>,
}

/// A service's request that waits, as a mailed link takes it along into another browser.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingRequest {
    /// By which it is stored.
    #[serde(with = "id::octets")]
    pub id: PendingRequestId,
    /// The entityID of the service that asks. The request was verified before it was stored, so it is no mere claim.
    pub service: String,
    /// The value of the cookie by which a browser shows that the request waits for it. Links of versions before have none;
    /// their request stays with the browser that asked for the link.
    #[serde(default)]
    pub cookie: Option<String>,
}

impl fmt::Debug for WaitingRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitingRequest").field("id", &self.id).field("service", &self.service).finish_non_exhaustive()
    }
}

/// A link that may be used: it is known, of the right purpose, not used and not expired.
pub struct UsableLink {
    /// By which it is used up: [`Transaction::use_link`].
    pub token_hash: LinkHash,
    /// Whom and what it is for.
    pub content: LinkContent,
    /// When it was made.
    pub made_at: UtcDateTime,
}

/// A password that was chosen by a link, and what the link was for.
pub struct ChosenPassword {
    /// By which the link is used up.
    pub link: LinkHash,
    /// When the link was made.
    pub made_at: UtcDateTime,
    /// What the link is for.
    pub content: LinkContent,
    /// The address that it was sent to.
    pub address: EmailAddress,
    /// The password.
    pub stretched: StretchedPassword,
}

/// Makes a link, and gives its token.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn make_link(
    tx: &mut Transaction<'_>,
    site: &Site,
    purpose: LinkPurpose,
    content: &LinkContent,
    now: UtcDateTime,
) -> Result<LinkToken, Trouble> {
    let token = LinkToken::random(&*site.entropy);
    let text = serde_json::to_vec(content).map_err(|_| KeysError::Malformed)?;
    let mut record = LinkRecord {
        token_hash: token.hash(purpose),
        purpose,
        sealed: Vec::new(),
        made_at: now,
        expires_at: now + LINK_LIFETIME,
        used_at: None,
    };
    record.sealed = site.keys.seal(Purpose::EmailLink, &place(&record), &text)?;
    tx.add_link(&record)?;
    Ok(token)
}

/// Reads a link by the hash of its token; nothing when it may not be used (any more). A record that we did not write so is no
/// link, and is reported.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn read_link(
    tx: &mut Transaction<'_>,
    site: &Site,
    purpose: LinkPurpose,
    token_hash: &LinkHash,
    now: UtcDateTime,
) -> Result<Option<UsableLink>, Trouble> {
    let Some(record) = tx.link(token_hash)? else {
        return Ok(None);
    };
    if record.purpose != purpose || record.used_at.is_some() || now >= record.expires_at {
        return Ok(None);
    }
    let text = match site.keys.open(Purpose::EmailLink, &place(&record), &record.sealed) {
        Ok(text) => text,
        Err(fault) if is_altered(&fault) => {
            // Whose it was to be is not known: that is sealed.
            Event::IntegrityFault { record: AlteredRecord::Link }.log(None);
            return Ok(None);
        }
        Err(fault) => return Err(fault.into()),
    };
    let content = serde_json::from_slice(&text).map_err(|_| KeysError::Malformed)?;
    Ok(Some(UsableLink { token_hash: *token_hash, content, made_at: record.made_at }))
}

/// {label, purpose, token's hash, made, expires}.
fn place(record: &LinkRecord) -> Vec<u8> {
    let milliseconds = |at: UtcDateTime| (at.unix_timestamp_nanos() / 1_000_000).to_be_bytes();
    context(&[
        b"signet/link/v2",
        record.purpose.as_str().as_bytes(),
        record.token_hash.as_bytes(),
        &milliseconds(record.made_at),
        &milliseconds(record.expires_at),
    ])
}
