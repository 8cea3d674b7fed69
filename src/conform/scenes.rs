//! All journeys, played once, one after the other. The rules are judged from what came of them.

use std::{collections::BTreeMap, sync::Arc};

use time::Duration;
use url::Url;

use super::{
    Between, ConformError, Nothing,
    answer::Assertion,
    asks::{EMAIL, PERSISTENT, encryption_scenes, first_scenes, later_scenes, more, policy},
    browser::{Browser, Landed, Page},
    drive::{Answered, Came, Manner, Run, Stage, Stopped},
    instance::Instance,
    keys::Pairs,
    logout::{CameMessage, Logout, Message, Went, Wish, write_name},
    provider::{self, Provider},
    published::Published,
    request::{Ask, Sending, saml},
};
use crate::saml::{signature::Signer, xml::Builder};

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const RESPONDER: &str = "urn:oasis:names:tc:SAML:2.0:status:Responder";

/// What came of all journeys, as it came.
pub(super) struct Raw {
    runs: BTreeMap<&'static str, Run<Came>>,
    logouts: BTreeMap<&'static str, Logout<CameMessage>>,
    pairs: Pairs,
    metadata: Page,
    around: Arc<Around>,
    pub(super) signer: Arc<dyn Signer>,
}

/// What was seen beside the journeys.
#[derive(Debug)]
pub(super) struct Around {
    /// The metadata at the entityID.
    pub(super) at_entity_id: Option<Page>,
    /// What comes back when the copy that is there already is named.
    pub(super) unchanged_status: u16,
    /// The page of `errorURL`.
    pub(super) error_page: Option<Stopped>,
    /// The page of a person's connected services, after all of it.
    pub(super) services_page: Option<String>,
    /// What `signet sp check` warns of, by service.
    pub(super) linted: Vec<(&'static str, Vec<String>)>,
}

/// What came of all journeys, read: what the rules are judged from.
pub(super) struct Scenes {
    pub(super) published: Published,
    pub(super) around: Arc<Around>,
    runs: BTreeMap<&'static str, Run<Answered>>,
    logouts: BTreeMap<&'static str, Logout<Message>>,
}

impl Raw {
    /// Reads everything as the services would.
    ///
    /// # Errors
    /// What the identity provider publishes cannot be read at all.
    pub(super) fn read(&self, between: &dyn Between) -> Result<Scenes, ConformError> {
        let alter = |metadata| between.metadata(metadata);
        let published = Published::read(self.metadata.clone(), &alter).map_err(ConformError::Published)?;
        let read = |scene: &str, run: &Run<Came>| match run {
            Run::Answered(came) => match came.read(scene, &published, &self.pairs, between) {
                Ok(answered) => Run::Answered(Box::new(answered)),
                Err(why) => Run::Unreadable(why),
            },
            Run::Stopped(stopped) => Run::Stopped(stopped.clone()),
            Run::Unreadable(why) => Run::Unreadable(why.clone()),
        };
        let runs = self.runs.iter().map(|(scene, run)| (*scene, read(scene, run))).collect();
        let read = |scene: &str, logout: &Logout<CameMessage>| logout.read(scene, &published, between);
        let logouts = self.logouts.iter().map(|(scene, logout)| (*scene, read(scene, logout))).collect();
        Ok(Scenes { published, around: Arc::clone(&self.around), runs, logouts })
    }
}

impl Scenes {
    /// What the service got in this scene.
    ///
    /// # Errors
    /// It got nothing, or nothing that can be read.
    pub(super) fn answered(&self, scene: &str) -> Result<&Answered, String> {
        match self.runs.get(scene) {
            Some(Run::Answered(answered)) => Ok(answered),
            Some(Run::Stopped(stopped)) => {
                let Stopped { code, status, path, .. } = stopped;
                let code = code.as_deref().unwrap_or("no code");
                Err(format!("{scene}: no answer, but a page ({path}, {code}, HTTP {status})"))
            }
            Some(Run::Unreadable(why)) => Err(format!("{scene}: {why}")),
            None => Err(format!("{scene} was not played")),
        }
    }

    /// The assertion of this scene.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn assertion(&self, scene: &str) -> Result<&Assertion, String> {
        let answered = self.answered(scene)?;
        let response = &answered.response;
        response.assertion.as_ref().ok_or_else(|| {
            format!("{scene}: no assertion, but {} {}", response.status, response.nested.as_deref().unwrap_or(""))
        })
    }

    /// The page at which this scene ended, the service being told nothing.
    ///
    /// # Errors
    /// The service was told something.
    pub(super) fn stopped(&self, scene: &str) -> Result<&Stopped, String> {
        match self.runs.get(scene) {
            Some(Run::Stopped(stopped)) => Ok(stopped),
            Some(Run::Answered(answered)) => {
                Err(format!("{scene}: the service was answered {}", answered.response.status))
            }
            Some(Run::Unreadable(why)) => Err(format!("{scene}: {why}")),
            None => Err(format!("{scene} was not played")),
        }
    }

    /// The second-level status with which this scene was answered.
    ///
    /// # Errors
    /// It succeeded, or was not answered.
    pub(super) fn refused(&self, scene: &str) -> Result<&str, String> {
        let response = &self.answered(scene)?.response;
        if response.is_success() || response.assertions > 0 {
            return Err(format!("{scene}: an assertion came"));
        }
        Ok(response.nested.as_deref().and_then(|uri| uri.rsplit(':').next()).unwrap_or(""))
    }

    /// The logout of this scene.
    ///
    /// # Errors
    /// It did not go its way.
    pub(super) fn logout(&self, scene: &str) -> Result<&Went<Message>, String> {
        match self.logouts.get(scene) {
            Some(Logout::Went(went)) => Ok(went),
            Some(Logout::Stopped(stopped)) => {
                Err(format!("{scene}: refused with {}", stopped.code.as_deref().unwrap_or("no code")))
            }
            Some(Logout::Unreadable(why)) => Err(format!("{scene}: {why}")),
            None => Err(format!("{scene} was not played")),
        }
    }

    /// The code with which a logout was refused.
    ///
    /// # Errors
    /// It was not.
    pub(super) fn logout_refused(&self, scene: &str) -> Result<&str, String> {
        match self.logouts.get(scene) {
            Some(Logout::Stopped(stopped)) => Ok(stopped.code.as_deref().unwrap_or("")),
            Some(Logout::Went(_)) => Err(format!("{scene}: it was not refused")),
            Some(Logout::Unreadable(why)) => Err(format!("{scene}: {why}")),
            None => Err(format!("{scene} was not played")),
        }
    }

    /// Every answer, with the name of its scene.
    ///
    /// # Errors
    /// One of them cannot be read, so that nothing can be said of all.
    pub(super) fn answers(&self) -> Result<impl Iterator<Item = (&'static str, &Answered)>, String> {
        for (scene, run) in &self.runs {
            if let Run::Unreadable(why) = run {
                return Err(format!("{scene}: {why}"));
            }
        }
        Ok(self.runs.iter().filter_map(|(scene, run)| match run {
            Run::Answered(answered) => Some((*scene, &**answered)),
            Run::Stopped(_) | Run::Unreadable(_) => None,
        }))
    }

    /// Every assertion, with the name of its scene.
    ///
    /// # Errors
    /// As for [`Self::answers`].
    pub(super) fn assertions(&self) -> Result<impl Iterator<Item = (&'static str, &Answered, &Assertion)>, String> {
        Ok(self
            .answers()?
            .filter_map(|(scene, answered)| Some((scene, answered, answered.response.assertion.as_ref()?))))
    }
}

/// Plays everything.
///
/// # Errors
/// [`ConformError`].
pub(super) async fn play() -> Result<Raw, ConformError> {
    let pairs = Pairs::make()?;
    let providers = provider::all();
    let linted = lint(&providers, &pairs)?;
    let instance = Instance::start(&providers, &pairs)?;
    let signer = Arc::clone(&instance.signer);

    let mut stranger = Browser::new(&instance.url)?;
    let metadata = page_of(stranger.visit("/saml/metadata").await?);
    let metadata = metadata.ok_or_else(|| ConformError::Published("it lies elsewhere".to_owned()))?;
    let published = Published::read(metadata.clone(), &|xml| xml).map_err(ConformError::Published)?;
    let unchanged_status = stranger.status_if_unchanged("/saml/metadata", published.header("etag")).await?;
    let at_entity_id = match published.entity_id.parse() {
        Ok(url) => page_of(stranger.get(url).await?),
        Err(_) => None,
    };
    let error_page = match error_url(&published) {
        Some(url) => page_of(stranger.get(url).await?).map(|page| Stopped::at(&page)),
        None => None,
    };
    let stage = Stage { instance, pairs, providers, published };
    let (runs, logouts, services_page) = Play::default().all(&stage).await?;
    let Stage { instance, pairs, .. } = stage;
    instance.stop().await?;
    let around = Arc::new(Around { at_entity_id, unchanged_status, error_page, services_page, linted });
    Ok(Raw { runs, logouts, pairs, metadata, around, signer })
}

/// `errorURL` with what a service fills in.
fn error_url(published: &Published) -> Option<Url> {
    let written = published.role()?.attribute("errorURL")?;
    let service: String = url::form_urlencoded::byte_serialize(b"https://plain.conform.example/saml").collect();
    written.replace("ERRORURL_CODE", "AUTHENTICATION_FAILURE").replace("ERRORURL_RP", &service).parse().ok()
}

fn page_of(landed: Landed) -> Option<Page> {
    match landed {
        Landed::Page(page) => Some(page),
        Landed::Elsewhere(_) => None,
    }
}

/// What `signet sp check` would say about the suite's services.
fn lint(providers: &[Provider], pairs: &Pairs) -> Result<Vec<(&'static str, Vec<String>)>, ConformError> {
    use crate::federation::{
        agreement::AgencyId,
        registry::{Admission, ServiceFiles, ServiceName},
    };
    use crate::saml::DeniedAlgorithms;
    let mut linted = Vec::new();
    for provider in providers {
        let name = |text: &str| AgencyId::parse(text).map_err(|error| ConformError::ServicesRefused(error.to_string()));
        let files = ServiceFiles {
            name: ServiceName { agency: name(provider.agency)?, service: name(provider.service)? },
            metadata: provider.metadata(pairs)?.into_bytes(),
            agreement: provider.agreement().into_bytes(),
        };
        let admission =
            Admission { now: time::UtcDateTime::now(), loopback_http: false, denied: DeniedAlgorithms::NONE };
        let read = admission.admit(&files).map_err(|faults| {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            ConformError::ServicesRefused(faults.join("; "))
        })?;
        linted.push((
            provider.service,
            read.lint(admission.now.date(), admission.denied).iter().map(ToString::to_string).collect(),
        ));
    }
    Ok(linted)
}

#[derive(Default)]
struct Play {
    runs: BTreeMap<&'static str, Run<Came>>,
    logouts: BTreeMap<&'static str, Logout<CameMessage>>,
}

type Played = (BTreeMap<&'static str, Run<Came>>, BTreeMap<&'static str, Logout<CameMessage>>, Option<String>);

impl Play {
    async fn all(mut self, stage: &Stage) -> Result<Played, ConformError> {
        let mut main = stage.visitor(0)?;
        for (scene, service, ask) in first_scenes() {
            let run = stage.sign_on(&mut main, service, &ask, Manner::Agrees).await?;
            self.runs.insert(scene, run);
        }
        // A request that was answered, once more.
        let repeated = Ask { id: self.request_id("first"), ..Ask::default() };
        self.runs.insert("replayed", stage.sign_on(&mut main, "plain", &repeated, Manner::Agrees).await?);
        for (scene, ask) in self.about_the_person(stage) {
            self.runs.insert(scene, stage.sign_on(&mut main, "plain", &ask, Manner::Agrees).await?);
        }
        for (scene, service, ask) in encryption_scenes() {
            self.runs.insert(scene, stage.sign_on(&mut main, service, &ask, Manner::Agrees).await?);
        }
        for (scene, service, ask) in later_scenes(&stage.published.entity_id, stage.now()) {
            self.runs.insert(scene, stage.sign_on(&mut main, service, &ask, Manner::Agrees).await?);
        }
        self.runs.insert("declined", stage.sign_on(&mut main, "sibling", &more(), Manner::Declines).await?);
        // The last, since whoever must sign in again begins a new session.
        let again = Ask { force_authn: true, ..Ask::default() };
        self.runs.insert("forced", stage.sign_on(&mut main, "plain", &again, Manner::Agrees).await?);
        let services_page = page_of(main.browser.visit("/account/services").await?).map(|page| page.text());

        let mut stranger = stage.visitor(1)?;
        let passive = Ask { is_passive: true, ..Ask::default() };
        self.runs.insert("passive-stranger", stage.sign_on(&mut stranger, "plain", &passive, Manner::Agrees).await?);
        let walks = Manner::WalksAway;
        self.runs.insert("stranger", stage.sign_on(&mut stranger, "plain", &Ask::default(), walks).await?);
        let never_new = Ask { policy: policy(None, Some("false")), ..Ask::default() };
        self.runs.insert("nothing-to-reuse", stage.sign_on(&mut stranger, "other", &never_new, Manner::Agrees).await?);
        self.runs
            .insert("another-person", stage.sign_on(&mut stranger, "plain", &Ask::default(), Manner::Agrees).await?);
        let forced_passive = Ask { is_passive: true, force_authn: true, ..Ask::default() };
        self.runs
            .insert("forced-passive", stage.sign_on(&mut stranger, "plain", &forced_passive, Manner::Agrees).await?);

        let everywhere = Wish { extent: "everywhere", services_answer: SUCCESS };
        let fails = Wish { services_answer: RESPONDER, ..everywhere };
        let there = Wish { extent: "there_only", ..everywhere };
        let three = ["plain", "other", "posts"];
        self.logouts.insert("everywhere", stage.log_out(2, &three, everywhere, |_| {}).await?);
        self.logouts.insert("partly", stage.log_out(3, &three, fails, |_| {}).await?);
        self.logouts.insert("untold", stage.log_out(4, &["plain", "no-logout"], everywhere, |_| {}).await?);
        self.logouts.insert("there-only", stage.log_out(5, &["plain", "other"], there, |_| {}).await?);
        self.logouts.insert("told-success", stage.log_out(5, &["told-success", "other"], there, |_| {}).await?);
        self.logouts
            .insert("always-everywhere", stage.log_out(4, &["always-everywhere", "other"], everywhere, |_| {}).await?);
        self.logouts
            .insert("no-answer", stage.log_out(2, &["plain"], everywhere, |ask| ask.asynchronous = true).await?);
        let by_post = |ask: &mut super::request::AskLogout| ask.sending = Sending::POST;
        self.logouts.insert("by-post", stage.log_out(3, &["posts"], everywhere, by_post).await?);
        let old = |ask: &mut super::request::AskLogout| ask.made = -Duration::minutes(10);
        self.logouts.insert("stale", stage.log_out(4, &["plain"], everywhere, old).await?);
        let bare = |ask: &mut super::request::AskLogout| ask.sending = Sending::UNSIGNED;
        self.logouts.insert("unsigned", stage.log_out(4, &["plain"], everywhere, bare).await?);
        let other = |ask: &mut super::request::AskLogout| {
            ask.name = saml("NameID").attribute("Format", PERSISTENT).text("somebody-else");
        };
        self.logouts.insert("another-name", stage.log_out(5, &["plain"], everywhere, other).await?);
        let offered = stage.published.encryption_certificate.as_deref().unwrap_or_default();
        let before = &*stage.instance.encryption_certificate_before;
        let foreign = &*stage.pairs.foreign.certificate_der;
        for (scene, person, key) in [
            ("encrypted-name", 0, offered),
            ("encrypted-to-the-key-before", 1, before),
            ("encrypted-to-another", 5, foreign),
        ] {
            let hidden = |ask: &mut super::request::AskLogout| ask.encrypt_name_to = Some(key.to_vec());
            self.logouts.insert(scene, stage.log_out(person, &["plain"], everywhere, hidden).await?);
        }
        let no_index = |ask: &mut super::request::AskLogout| ask.session_index = None;
        self.logouts.insert("all-sessions", stage.log_out(1, &["plain"], everywhere, no_index).await?);
        Ok((self.runs, self.logouts, services_page))
    }

    fn request_id(&self, scene: &str) -> Option<String> {
        match self.runs.get(scene) {
            Some(Run::Answered(came)) => Some(came.sent.id.clone()),
            _ => None,
        }
    }

    /// Requests that name a person: the one who is signed in, another, and one whom a key confirms.
    fn about_the_person(&self, stage: &Stage) -> Vec<(&'static str, Ask)> {
        let first = match self.runs.get("first") {
            Some(Run::Answered(came)) => came.read("first", &stage.published, &stage.pairs, &Nothing).ok(),
            _ => None,
        };
        let known = first.and_then(|first| first.response.assertion).and_then(|assertion| assertion.name_id);
        let of = |name: Builder| Ask { subject: Some(saml("Subject").child(name)), ..Ask::default() };
        let persistent = |value: &str| saml("NameID").attribute("Format", PERSISTENT).text(value);
        let confirmed = |name: Builder| {
            let method = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key";
            let confirmation = saml("SubjectConfirmation").attribute("Method", method);
            Ask { subject: Some(saml("Subject").child(name).child(confirmation)), ..Ask::default() }
        };
        let mut asks = vec![("subject-unknown", of(persistent("nobody-is-called-so")))];
        if let Some(name) = known {
            asks.push(("subject-known", of(write_name(&name))));
            asks.push(("subject-known-unspecified", of(saml("NameID").text(name.value.as_str()))));
            asks.push((
                "subject-by-address",
                of(saml("NameID").attribute("Format", EMAIL).text("person-0@conform.example")),
            ));
            asks.push(("subject-confirmed-by-key", confirmed(write_name(&name))));
        }
        asks
    }
}
