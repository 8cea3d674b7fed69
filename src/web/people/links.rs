//! The links that mails carry: made, read, used up once.

use serde::{Deserialize, Serialize};
use time::UtcDateTime;

use super::Trouble;
use crate::authentication::recovery::{LINK_LIFETIME, LinkPurpose, LinkToken};
use crate::authentication::session::WaitingRequest;
use crate::services::keys::{KeysError, Purpose, context};
use crate::storage::{LinkRecord, Transaction};
use crate::web::site::Site;

/// Whom and what a link is for.
#[derive(Clone, Serialize, Deserialize)]
pub struct LinkContent {
    /// The address that it was sent to.
    pub email_address: String,
    /// The account, when there is one already.
    pub subscriber: Option<[u8; 16]>,
    /// The request that waited when the link was asked for, so that its person comes back to it even in another window.
    pub waiting_request: Option<WaitingRequest>,
}

/// A link that may be used: it is known, of the right purpose, not used and not expired.
pub struct UsableLink {
    /// By which it is used up: [`Transaction::use_link`].
    pub token_hash: [u8; 32],
    /// Whom and what it is for.
    pub content: LinkContent,
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
    let token_hash = token.hash(purpose);
    let text = serde_json::to_vec(content).map_err(|_| KeysError::Malformed)?;
    let sealed = site.keys.seal(Purpose::EmailLink, &place(purpose, &token_hash), &text)?;
    tx.add_link(&LinkRecord {
        token_hash,
        purpose,
        sealed,
        made_at: now,
        expires_at: now + LINK_LIFETIME,
        used_at: None,
    })?;
    Ok(token)
}

/// Reads a link by the hash of its token; nothing when it may not be used (any more).
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn read_link(
    tx: &mut Transaction<'_>,
    site: &Site,
    purpose: LinkPurpose,
    token_hash: &[u8; 32],
    now: UtcDateTime,
) -> Result<Option<UsableLink>, Trouble> {
    let Some(record) = tx.link(token_hash)? else {
        return Ok(None);
    };
    if record.purpose != purpose || record.used_at.is_some() || now >= record.expires_at {
        return Ok(None);
    }
    let text = site.keys.open(Purpose::EmailLink, &place(purpose, token_hash), &record.sealed)?;
    let content = serde_json::from_slice(&text).map_err(|_| KeysError::Malformed)?;
    Ok(Some(UsableLink { token_hash: *token_hash, content }))
}

fn place(purpose: LinkPurpose, token_hash: &[u8; 32]) -> Vec<u8> {
    context(&[b"signet/link/v1", purpose.as_str().as_bytes(), token_hash])
}
