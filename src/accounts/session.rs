//! The browser's session on its way through a request: found by its secret, opened, changed, kept.
//!
//! A handler begins with [`BrowserSession::of`], changes [`BrowserSession::state`], and keeps it with
//! [`BrowserSession::keep`] in the same transaction as everything else that it does. Before the browser may
//! do more than before, [`BrowserSession::renew`] gives the session a new secret: the old one opens nothing.

use time::{Duration, UtcDateTime};
use zeroize::Zeroizing;

use crate::accounts::is_altered;
use crate::accounts::site::Site;
use crate::authentication::session::{
    Notice, SessionError, SessionFrame, SessionIdHash, SessionSecret, SessionState, SessionTimes,
};
use crate::event::{AlteredRecord, Event};
use crate::locale::Locale;
use crate::sealing::KeysError;
use crate::storage::{SessionRecord, StoreError, Transaction};

/// How much longer a session must live by a request for that to be written down.
const KEEP_ALIVE: Duration = Duration::minutes(1);

/// What a request does with the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// HEAD: nothing is written.
    Nothing,
    /// It changes something: a notice waits for the next page.
    Form,
    /// It shows a page, which says the notice that waits.
    Page,
}

/// A browser's session.
#[derive(Clone)]
pub struct BrowserSession {
    secret: SessionSecret,
    /// Under which the record stands; nothing yet for a browser that was never here.
    stored: Option<SessionIdHash>,
    /// Which session the browser's cookie names.
    in_browser: Option<SessionIdHash>,
    /// Whether the request is HEAD: then nothing is written.
    only_looked_at: bool,
    /// In which language the browser reads. It comes with each request, and is kept nowhere.
    locale: Locale,
    /// What an earlier answer left to be said once.
    notice: Option<Notice>,
    times: SessionTimes,
    created_at: UtcDateTime,
    /// What the session knows.
    pub state: SessionState,
}

impl BrowserSession {
    /// The session of a secret that the browser brought, and of its record; a new one, not yet stored, when there is none or it does
    /// not open. `reads` is how the request uses it, `locale` in which language it is answered.
    ///
    /// # Errors
    /// When the database or the service's keys are unavailable. A secret that opens nothing is no error.
    pub async fn of(
        found: Option<(SessionSecret, SessionRecord)>,
        site: &Site,
        reads: Reads,
        locale: Locale,
    ) -> Result<Self, SessionTrouble> {
        let only_looks = reads == Reads::Nothing;
        let Some((secret, record)) = found else {
            return Ok(Self::new(site, only_looks, locale));
        };
        let mut session = Self::open(secret, record, site, only_looks, locale).await?;
        if reads == Reads::Page && session.state.notice.is_some() {
            session = session.take_notice(site).await?;
        }
        Ok(session)
    }

    /// The session of a record, or a new one.
    async fn open(
        secret: SessionSecret,
        record: SessionRecord,
        site: &Site,
        only_looked_at: bool,
        locale: Locale,
    ) -> Result<Self, SessionTrouble> {
        let SessionRecord { subscriber, created_at, times, .. } = record;
        let frame = SessionFrame { subscriber, created_at, times };
        match SessionState::open(&record.sealed, &secret, &frame, &*site.keys) {
            Ok(state) => {
                let times = record.times.used(site.session_limits, site.now());
                // A page that changes nothing still keeps its session alive; once a minute is often enough to write.
                if !only_looked_at && times.idle_until - record.times.idle_until > KEEP_ALIVE {
                    let frame = SessionFrame { times, ..frame };
                    let sealed = state.seal(&secret, &frame, &*site.keys, &*site.entropy)?;
                    let used = SessionRecord { times, sealed, ..record };
                    site.store.transaction::<_, SessionTrouble, _>(move |tx| Ok(tx.save_session(&used)?)).await?;
                }
                let id = Some(secret.id_hash());
                let (stored, in_browser) = (id, id);
                Ok(Self { secret, stored, in_browser, only_looked_at, locale, notice: None, times, created_at, state })
            }
            Err(SessionError::Keys(KeysError::Unavailable)) => Err(SessionTrouble::Keys(KeysError::Unavailable)),
            Err(fault) => {
                if matches!(&fault, SessionError::Keys(fault) if is_altered(fault)) {
                    Event::IntegrityFault { record: AlteredRecord::Session }.log(record.subscriber);
                }
                Ok(Self::new(site, only_looked_at, locale))
            }
        }
    }

    /// What is said once is forgotten as soon as a page is about to say it.
    async fn take_notice(mut self, site: &Site) -> Result<Self, SessionTrouble> {
        self.notice = self.state.notice.take();
        let keeper = site.clone();
        site.store
            .transaction::<_, SessionTrouble, _>(move |tx| {
                self.keep(tx, &keeper)?;
                Ok(self)
            })
            .await
    }

    /// In which language the browser reads.
    #[must_use]
    pub const fn locale(&self) -> Locale {
        self.locale
    }

    /// What the page has to say once.
    #[must_use]
    pub const fn notice(&self) -> Option<Notice> {
        self.notice
    }

    fn new(site: &Site, only_looked_at: bool, locale: Locale) -> Self {
        let now = site.now();
        Self {
            secret: SessionSecret::random(&*site.entropy),
            stored: None,
            in_browser: None,
            only_looked_at,
            locale,
            notice: None,
            times: SessionTimes::begin(site.session_limits, now),
            created_at: now,
            state: SessionState::visitor(&*site.entropy),
        }
    }

    /// By which the record is found, after the next [`BrowserSession::keep`].
    #[must_use]
    pub fn id_hash(&self) -> SessionIdHash {
        self.secret.id_hash()
    }

    /// Whether the browser must be given the cookie: it has none, or an old one.
    #[must_use]
    pub fn needs_cookie(&self) -> bool {
        self.in_browser != Some(self.secret.id_hash())
    }

    /// Gives the session a new secret and new tokens for its forms, as its holder may do more from now on. When it ends in
    /// any case does not move.
    pub fn renew(&mut self, site: &Site) {
        self.secret = SessionSecret::random(&*site.entropy);
        self.state.csrf = Zeroizing::new(crate::entropy::random_bytes(&*site.entropy));
    }

    /// The same after both factors were shown: the time that it lives in all begins anew.
    pub fn begin_anew(&mut self, site: &Site) {
        self.renew(site);
        self.created_at = site.now();
        self.times = SessionTimes::begin(site.session_limits, self.created_at);
    }

    /// Forgets everything, and gives the session a new secret: for signing out, and when somebody else signs in.
    pub fn reset(&mut self, site: &Site) {
        self.state = SessionState::visitor(&*site.entropy);
        self.begin_anew(site);
    }

    /// The session was ended in this very transaction: the browser gets one that knows nothing, under a name of its own.
    pub fn forget(&mut self, site: &Site) {
        self.reset(site);
        self.stored = None;
    }

    /// Whether the request is HEAD, of which nothing stands.
    #[must_use]
    pub const fn is_only_looked_at(&self) -> bool {
        self.only_looked_at
    }

    /// Keeps the session as it is now; not for HEAD, which changes nothing.
    ///
    /// # Errors
    /// [`SessionTrouble::Ended`] when it was ended from elsewhere meanwhile: then nothing of the transaction may stand.
    pub fn keep(&mut self, tx: &mut Transaction<'_>, site: &Site) -> Result<(), SessionTrouble> {
        if self.only_looked_at {
            return Ok(());
        }
        let (subscriber, created_at, times) = (self.state.subscriber(), self.created_at, self.times);
        let frame = SessionFrame { subscriber, created_at, times };
        let sealed = self.state.seal(&self.secret, &frame, &*site.keys, &*site.entropy)?;
        let record = SessionRecord { id_hash: self.secret.id_hash(), subscriber, created_at, times, sealed };
        let kept = match self.stored {
            None => tx.add_session(&record).map(|()| true)?,
            Some(id) if id == record.id_hash => tx.save_session(&record)?,
            Some(old) => tx.renew_session(old, &record)?,
        };
        self.stored = Some(record.id_hash);
        if kept { Ok(()) } else { Err(SessionTrouble::Ended) }
    }

    /// What the browser's cookie is to hold.
    #[must_use]
    pub fn secret(&self) -> &SessionSecret {
        &self.secret
    }
}

/// Why a session cannot be used now.
#[derive(Debug, thiserror::Error)]
pub enum SessionTrouble {
    /// It was ended from elsewhere while the request ran.
    #[error("the session was ended meanwhile")]
    Ended,
    /// The service's keys are unavailable.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The database is unavailable.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the session knows cannot be written.
    #[error("a session record of unknown form")]
    UnknownForm,
}

impl From<SessionError> for SessionTrouble {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Keys(error) => Self::Keys(error),
            SessionError::UnknownForm => Self::UnknownForm,
        }
    }
}
