//! What assertions rest on, looked at where their records are written: consents, accounts and sessions as they stand then.
//!
//! "Sign out everywhere", a stopped account and a consent taken back hold from the moment that they are answered. SQLite has
//! one writer, so nothing moves between the look and the commit. PostgreSQL would let such an end commit in between; so the
//! rows are held (FOR SHARE) until the records are durable, and an end waits for them or they for it.
//!
//! Whoever holds several rows takes consents first, then accounts, then sessions, each in the order of their keys and in one
//! statement: two that want the same rows wait for one another, and never in a ring.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::disclosures::Issuance;
use super::schema::{consent, session, subscriber};
use super::{AnyConnection, StoreError, Transaction, milliseconds};
use crate::authentication::session::SessionIdHash;
use crate::subscriber::{SubscriberId, SubscriberStatus};

/// Rows by their keys, held to the end of the transaction where there are other writers. On SQLite one after the other, since
/// its statement for a single row is prepared once.
macro_rules! held {
    ($connection:expr, $keys:expr, $table:ident . $key:ident => $columns:expr) => {{
        let keys: BTreeSet<Vec<u8>> = $keys;
        match $connection {
            AnyConnection::Postgresql(_) if keys.is_empty() => Vec::new(),
            AnyConnection::Postgresql(inner) => $table::table
                .filter($table::$key.eq_any(keys.into_iter().collect::<Vec<_>>()))
                .order($table::$key)
                .select($columns)
                .for_share()
                .load(inner)?,
            AnyConnection::Sqlite(inner) => {
                let mut found = Vec::with_capacity(keys.len());
                for key in keys {
                    found.extend($table::table.find(key).select($columns).first(inner).optional()?);
                }
                found
            }
        }
    }};
}

/// Key, when it was ended, the ends, idle and in any case, and what is sealed.
type SessionRow = (Vec<u8>, Option<i64>, i64, i64, Vec<u8>);

/// What a group of issuances rests on, as far as it stands.
pub(super) struct Standing {
    /// The keyed digests of consents that were not taken back.
    consents: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Accounts that may not sign in.
    stopped: BTreeSet<Vec<u8>>,
    /// The ends, idle and in any case, of sessions that were not ended.
    sessions: BTreeMap<Vec<u8>, (i64, i64)>,
}

impl Standing {
    /// Whether all that the gate looked at for this one stands still.
    pub(super) fn bears(&self, issuance: &Issuance) -> bool {
        let Issuance { disclosure, consent_mac, joins, .. } = issuance;
        // Taking a consent back erases its digest: the row must be the very one that the gate looked at.
        let consented = consent_mac
            .as_ref()
            .is_none_or(|mac| self.consents.get(disclosure.consent.as_bytes().as_slice()) == Some(mac));
        let at = milliseconds(disclosure.at);
        let signed_in = joins.as_ref().is_none_or(|(session, _)| {
            let ends = self.sessions.get(session.as_bytes().as_slice());
            ends.is_some_and(|(idle_until, absolute_until)| at < *idle_until && at < *absolute_until)
        });
        consented && signed_in && !self.stopped.contains(disclosure.subscriber.as_bytes().as_slice())
    }
}

impl Transaction<'_> {
    /// Looks at what these issuances rest on, and holds it until the transaction ends.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) fn standing(&mut self, issuances: &[Issuance]) -> Result<Standing, StoreError> {
        let relied_on = issuances.iter().filter(|one| one.consent_mac.is_some());
        let consents = relied_on.map(|one| one.disclosure.consent.as_bytes().to_vec()).collect();
        let consents: Vec<(Vec<u8>, Vec<u8>, Option<i64>)> =
            held!(self.connection, consents, consent.id => (consent::id, consent::mac, consent::revoked_at));

        let accounts = issuances.iter().map(|one| one.disclosure.subscriber.as_bytes().to_vec()).collect();
        let accounts: Vec<(Vec<u8>, String)> =
            held!(self.connection, accounts, subscriber.id => (subscriber::id, subscriber::status));

        let joined = issuances.iter().filter_map(|one| one.joins.as_ref());
        let sessions = joined.map(|(session, _)| session.as_bytes().to_vec()).collect();
        let sessions: Vec<SessionRow> = held!(self.connection, sessions, session.id_hash =>
            (session::id_hash, session::revoked_at, session::idle_until, session::absolute_until, session::sealed));

        // The gate looked at accounts that were vouched for; here it is asked only whether they say something else now.
        let stopped = |word: &str| SubscriberStatus::from_stored(word).is_none_or(|status| !status.may_sign_in());
        Ok(Standing {
            consents: consents
                .into_iter()
                .filter(|(_, _, revoked_at)| revoked_at.is_none())
                .map(|(id, mac, _)| (id, mac))
                .collect(),
            stopped: accounts.into_iter().filter(|(_, status)| stopped(status)).map(|(id, _)| id).collect(),
            sessions: sessions
                .into_iter()
                // Ending a session erases what it knew.
                .filter(|(_, revoked_at, .., sealed)| revoked_at.is_none() && !sealed.is_empty())
                .map(|(id_hash, _, idle_until, absolute_until, _)| (id_hash, (idle_until, absolute_until)))
                .collect(),
        })
    }

    /// Holds these sessions to the end of the transaction, for whoever ends several.
    ///
    /// # Errors
    /// When the database fails.
    pub fn hold_sessions(&mut self, sessions: &[SessionIdHash]) -> Result<(), StoreError> {
        if let AnyConnection::Postgresql(inner) = self.connection {
            session::table
                .filter(session::id_hash.eq_any(sessions.iter().map(|id| id.as_bytes().to_vec()).collect::<Vec<_>>()))
                .order(session::id_hash)
                .select(session::id_hash)
                .for_update()
                .load::<Vec<u8>>(inner)?;
        }
        Ok(())
    }

    /// The same for all sessions of an account that were not ended, the one that is kept too: it is written to afterwards.
    pub(super) fn hold_sessions_of(&mut self, of: SubscriberId) -> Result<(), StoreError> {
        if let AnyConnection::Postgresql(inner) = self.connection {
            session::table
                .filter(session::subscriber.eq(Some(of.as_bytes().to_vec())))
                .filter(session::revoked_at.is_null())
                .order(session::id_hash)
                .select(session::id_hash)
                .for_update()
                .load::<Vec<u8>>(inner)?;
        }
        Ok(())
    }

    /// Holds a person's consents for a service.
    pub(super) fn hold_consents(&mut self, of: SubscriberId, entity_id: &str) -> Result<(), StoreError> {
        if let AnyConnection::Postgresql(inner) = self.connection {
            consent::table
                .filter(consent::subscriber.eq(of.as_bytes().to_vec()))
                .filter(consent::entity_id.eq(entity_id))
                .order(consent::id)
                .select(consent::id)
                .for_update()
                .load::<Vec<u8>>(inner)?;
        }
        Ok(())
    }
}
