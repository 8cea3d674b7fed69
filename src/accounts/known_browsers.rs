//! The rows behind the cookie by which a browser is known to accounts. The rules stand in
//! [`crate::authentication::known_browser`].

use time::UtcDateTime;

use crate::accounts::site::Site;
use crate::accounts::{Trouble, believed};
use crate::authentication::known_browser::{
    KnownBrowser, KnownBrowserCookie, KnownBrowserId, KnownBrowserSecret, MOST_BROWSERS, StoredKnownBrowser,
};
use crate::event::AlteredRecord;
use crate::storage::Transaction;
use crate::subscriber::SubscriberId;

/// To which accounts this browser says that it is known.
#[derive(Debug, Clone, Default)]
pub struct KnownHere {
    cookie: KnownBrowserCookie,
    /// Whether the browser must be given the cookie anew.
    changed: bool,
}

impl KnownHere {
    /// What the browser's cookie says.
    #[must_use]
    pub fn of(cookie: KnownBrowserCookie) -> Self {
        Self { cookie, changed: false }
    }

    /// Whether the browser is known to nobody, so that there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cookie.secrets().is_empty()
    }

    /// What its cookie is to say from now on; nothing when it is what the browser brought.
    #[must_use]
    pub fn changed(&self) -> Option<&KnownBrowserCookie> {
        self.changed.then_some(&self.cookie)
    }

    fn ids(&self, site: &Site) -> Result<Vec<(&KnownBrowserSecret, Vec<KnownBrowserId>)>, Trouble> {
        self.cookie.secrets().iter().map(|secret| Ok((secret, secret.ids(&*site.keys)?))).collect()
    }
}

/// Whether this browser is known to an account. A row that we did not write makes no browser known, and is reported.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn known_to(
    tx: &mut Transaction<'_>,
    site: &Site,
    here: &KnownHere,
    of: SubscriberId,
    now: UtcDateTime,
) -> Result<Option<KnownBrowser>, Trouble> {
    if here.is_empty() {
        return Ok(None);
    }
    let ids: Vec<KnownBrowserId> = here.ids(site)?.into_iter().flat_map(|(_, ids)| ids).collect();
    for stored in tx.known_browsers(&ids)?.into_iter().filter(|stored| stored.subscriber == of) {
        if let Some(known) = believed(site, of, &stored, now, AlteredRecord::KnownBrowser)?.flatten() {
            return Ok(Some(known));
        }
    }
    Ok(None)
}

/// Makes this browser known to an account to which somebody has just signed in with both factors: by a new secret, in place of
/// the one before. The answer brings the cookie.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn remember_browser(
    tx: &mut Transaction<'_>,
    site: &Site,
    here: &mut KnownHere,
    of: SubscriberId,
    now: UtcDateTime,
) -> Result<(), Trouble> {
    let secret = KnownBrowserSecret::random(&*site.entropy);
    let stored = StoredKnownBrowser::new(&secret, of, now, &*site.keys)?;
    let of_secrets = here.ids(site)?;
    let ids: Vec<KnownBrowserId> = of_secrets.iter().flat_map(|(_, ids)| ids.clone()).collect();
    let rows = if ids.is_empty() { Vec::new() } else { tx.known_browsers(&ids)? };
    let theirs: Vec<KnownBrowserId> = rows.iter().filter(|row| row.subscriber == of).map(|row| row.id).collect();
    let before: Vec<KnownBrowserSecret> = of_secrets
        .iter()
        .filter(|(_, ids)| ids.iter().any(|id| theirs.contains(id)))
        .map(|(secret, _)| (*secret).clone())
        .collect();
    let too_many = here.cookie.put(&before, secret);
    let mut gone = theirs;
    for secret in &too_many {
        gone.extend(secret.ids(&*site.keys)?);
    }
    if !gone.is_empty() {
        tx.drop_known_browsers(&gone)?;
    }
    tx.add_known_browser(&stored, MOST_BROWSERS)?;
    here.changed = true;
    Ok(())
}
