//! Single sign-on through the front door: a request in, pages, an answer out, read by a service provider that believes
//! nothing unchecked.

use signet::accounts::{AddedAddress, Trouble, add_account, add_address, change_account};
use signet::authentication::session;
use signet::authentication::session::{
    COOKIE, SessionFrame, SessionSecret, SessionStage, SessionState, SessionTimes, SessionVault,
};
use signet::authentication::{AuthenticationEvent, AuthenticatorId, AuthenticatorKind, Proved};
use signet::clock::Clock;
use signet::demo::service_provider::{
    Ask, Expected, IdentityProvider, ServiceProvider, SignInAnswer, SignInRequest, SignedIn,
};
use signet::entropy::SystemEntropy;
use signet::federation::disclosure::ChainVerifier;
use signet::proofing::{Proofing, StoredProofing};
use signet::storage::{SessionRecord, StoreError, Transaction};
use signet::subscriber::vault::{Pii, Profile, VaultKey};
use signet::subscriber::{EmailAddress, SubscriberAccount, SubscriberId, SubscriberStatus, VaultState};
use time::{Duration, UtcDateTime};

use crate::saml::keys;
use crate::support::app::{TestApp, Wishes, wait_for};
use crate::support::browser::{Browser, Page};
use crate::support::sql;

const ENTITY: &str = "https://permits.parks.example.gov/saml";
const ACS: &str = "https://permits.parks.example.gov/saml/acs";
const SERVICE: &str = "sp/department-of-parks/permits";

/// An identity provider with one service, and that service.
pub(crate) struct House {
    pub(crate) app: TestApp,
    pub(crate) sp: ServiceProvider,
    pub(crate) idp: IdentityProvider,
}

pub(crate) fn permits() -> ServiceProvider {
    ServiceProvider::new(ENTITY, ACS, &keys::RSA.private_pem, &keys::RSA.certificate_pem).unwrap()
}

pub(crate) fn agreement(top: &str, attributes: &[&str]) -> String {
    let more = format!("[levels]\nhighest_ial = 2\n{}", super::given::attributes(attributes));
    super::given::agreement_text(top, &more)
}

pub(crate) const EVERYTHING: &[&str] = &["email", "all_emails", "first_name", "last_name", "dob", "ssn", "verified_at"];

impl House {
    pub(crate) async fn with(agreement: String) -> Self {
        Self::with_metadata(agreement, |metadata| metadata).await
    }

    /// With the service's metadata as `edit` leaves it.
    pub(crate) async fn with_metadata(agreement: String, edit: impl FnOnce(String) -> String) -> Self {
        let sp = permits();
        let metadata = edit(sp.metadata("The name in the metadata").unwrap().as_str().to_owned());
        let services = vec![("department-of-parks".to_owned(), "permits".to_owned(), metadata, agreement)];
        Self::of(TestApp::start_with(Wishes { services, ..Wishes::default() }).await, sp).await
    }

    /// An identity provider that has started, and one of its services.
    pub(super) async fn of(app: TestApp, sp: ServiceProvider) -> Self {
        let published = app.browser().get("/saml/metadata").await;
        let idp = IdentityProvider::from_metadata(published.expect_status(200).body.as_bytes()).unwrap();
        Self { app, sp, idp }
    }

    pub(crate) async fn new() -> Self {
        Self::with(agreement("default_attributes = [\"email\"]", EVERYTHING)).await
    }

    pub(crate) fn now(&self) -> UtcDateTime {
        self.app.clock.now()
    }

    pub(crate) fn request(&self, ask: &Ask) -> SignInRequest {
        self.sp.request(&self.idp, ask, Some("to-the-permits"), self.now(), &SystemEntropy).unwrap()
    }

    /// The fields of a signed request for the HTTP-POST binding.
    pub(super) fn posted_request(&self) -> String {
        self.request_posted_to(&format!("{}/saml/sso", self.app.url))
    }

    fn request_posted_to(&self, destination: &str) -> String {
        use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
        use signet::saml::signature::{SignaturePosition, sign_enveloped};
        use signet::saml::xml::{Builder, ns};
        let issued = self.now().format(&time::format_description::well_known::Rfc3339).unwrap();
        let request = Builder::element("samlp", ns::PROTOCOL, "AuthnRequest")
            .attribute("ID", "_posted")
            .attribute("Version", "2.0")
            .attribute("IssueInstant", issued)
            .attribute("Destination", destination)
            .child(Builder::element("saml", ns::ASSERTION, "Issuer").text(ENTITY));
        let signed = sign_enveloped(&request, SignaturePosition::AfterIssuer, &keys::RSA.signer()).unwrap();
        let field = BASE64.encode(signed.as_str());
        url::form_urlencoded::Serializer::new(String::new()).append_pair("SAMLRequest", &field).finish()
    }

    /// What the service makes of the form that a page posts to it.
    #[track_caller]
    fn received(&self, page: &Page, request: &SignInRequest) -> SignInAnswer {
        page.expect_status(200);
        let form = page.form_with(&["SAMLResponse"]);
        assert_eq!(form.action.as_str(), ACS);
        assert_eq!(form.value("RelayState"), Some("to-the-permits"));
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(!policy.contains("form-action"), "{policy}");
        let expected = Expected { idp: &self.idp, request_id: &request.id, now: self.now() };
        self.sp.read_response(form.value("SAMLResponse").unwrap(), &expected).unwrap()
    }

    #[track_caller]
    pub(crate) fn signed_in(&self, page: &Page, request: &SignInRequest) -> SignedIn {
        match self.received(page, request) {
            SignInAnswer::SignedIn(signed_in) => signed_in,
            refused @ SignInAnswer::Refused { .. } => panic!("{refused:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn refused(&self, page: &Page, request: &SignInRequest) -> String {
        match self.received(page, request) {
            SignInAnswer::Refused { nested, .. } => nested.unwrap().rsplit(':').next().unwrap().to_owned(),
            SignInAnswer::SignedIn(_) => panic!("an assertion came"),
        }
    }

    /// Somebody signs in where somebody else was signed in: the session goes over to them, under a new name.
    pub(crate) async fn take_over(&self, browser: &Browser, of: SubscriberId) {
        let before = SessionSecret::from_cookie(&browser.cookie(COOKIE).unwrap()).unwrap().id_hash();
        let (secret, record) = self.session_of(of, None);
        let renewed =
            self.app.store.transaction::<_, StoreError, _>(move |tx| tx.renew_session(before, &record)).await.unwrap();
        assert!(renewed);
        browser.plant_cookie(COOKIE, &secret.to_cookie());
    }

    /// A person with an account, signed in in this browser at this moment with two factors.
    pub(crate) async fn sign_in(&self, browser: &Browser, of: SubscriberId, vault_key: Option<VaultKey>) {
        let (secret, record) = self.session_of(of, vault_key);
        self.app.store.transaction::<_, StoreError, _>(move |tx| tx.add_session(&record)).await.unwrap();
        browser.plant_cookie(COOKIE, &secret.to_cookie());
    }

    fn session_of(&self, of: SubscriberId, vault_key: Option<VaultKey>) -> (SessionSecret, SessionRecord) {
        let (site, now) = (self.app.site.clone(), self.now());
        let secret = SessionSecret::random(&SystemEntropy);
        let mut state = SessionState::visitor(&SystemEntropy);
        let vault = vault_key.map_or(SessionVault::closed(), SessionVault::Open);
        state.stage = SessionStage::SignedIn(session::SignedIn::new(of, vault));
        let app_code = AuthenticationEvent::supposed(
            AuthenticatorKind::Totp,
            Some(AuthenticatorId::from_bytes([2; 16])),
            now,
            Proved::default(),
        );
        state.events =
            vec![AuthenticationEvent::supposed(AuthenticatorKind::Password, None, now, Proved::default()), app_code];
        let times = SessionTimes::begin(site.session_limits, now);
        let frame = SessionFrame { subscriber: Some(of), created_at: now, times };
        let sealed = state.seal(&secret, &frame, &*site.keys, &SystemEntropy).unwrap();
        let record = SessionRecord { id_hash: secret.id_hash(), subscriber: Some(of), created_at: now, times, sealed };
        (secret, record)
    }

    /// Puts another profile in place of the person's, which nobody proofed.
    pub(crate) async fn replace_profile(&self, of: SubscriberId, key: &VaultKey) {
        let profile = Profile::new([("first_name".to_owned(), Pii::new(b"Mallory".to_vec()))]);
        let (rows, now) = (profile.seal(of, key, &SystemEntropy).unwrap(), self.now());
        let replaced =
            self.app.store.transaction::<_, StoreError, _>(move |tx| tx.replace_profile(of, &rows, None, now));
        replaced.await.unwrap();
    }

    /// An account with an address; with a proofed profile when there is a vault key.
    pub(crate) async fn person(&self, email: &str, vault_key: Option<&VaultKey>) -> SubscriberId {
        self.person_proofed(email, vault_key, super::given::proofing()).await
    }

    async fn person_proofed(&self, email: &str, vault_key: Option<&VaultKey>, proofing: Proofing) -> SubscriberId {
        let (site, now, of) = (self.app.site.clone(), self.now(), SubscriberId::random(&SystemEntropy));
        let email = EmailAddress::parse(email).unwrap();
        let profile =
            [("first_name", "Fiona"), ("last_name", "O'Brien <&>"), ("dob", "1938-10-06"), ("ssn", "900123456")];
        let profile = Profile::new(profile.map(|(name, value)| (name.to_owned(), Pii::new(value.as_bytes().to_vec()))));
        let rows = vault_key.map_or_else(Vec::new, |key| profile.seal(of, key, &SystemEntropy).unwrap());
        self.app
            .store
            .transaction::<_, Trouble, _>(move |tx| {
                let account = SubscriberAccount {
                    id: of,
                    status: SubscriberStatus::Active,
                    created_at: now,
                    rules_accepted_at: now,
                    vault: VaultState::Open,
                };
                add_account(tx, &site, &account)?;
                assert_eq!(add_address(tx, &site, of, &email, now)?, AddedAddress::Added);
                let proofing = Proofing { verified_at: now - Duration::days(30), ..proofing };
                let proofing = StoredProofing::new(of, &proofing, &rows, &*site.keys)?;
                tx.replace_profile(of, &rows, (!rows.is_empty()).then_some(&proofing), now)?;
                Ok(())
            })
            .await
            .unwrap();
        of
    }

    /// A browser with somebody signed in who has an address and nothing else.
    pub(crate) async fn fiona(&self) -> (Browser, SubscriberId) {
        let browser = self.app.browser();
        let of = self.person("fiona@example.com", None).await;
        self.sign_in(&browser, of, None).await;
        (browser, of)
    }

    fn agreement_file(&self) -> std::path::PathBuf {
        self.app.metadata_folder().join(SERVICE).join("agreement.toml")
    }

    /// Every chain of the ledger holds; says how many records there are.
    pub(crate) async fn ledger_length(&self) -> i64 {
        let keys = self.app.site.keys.clone();
        self.app
            .store
            .read::<_, StoreError, _>(move |tx| {
                let mut length = 0;
                for chain in tx.disclosure_chains()? {
                    let mut verifier = ChainVerifier::new(chain);
                    for record in tx.disclosures_after(chain, 0)? {
                        verifier.follow(&record, &*keys).unwrap();
                    }
                    length += verifier.length();
                }
                Ok(length)
            })
            .await
            .unwrap()
    }
}

pub(crate) fn ask(contexts: &[&str], attributes: &[&str]) -> Ask {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Ask { contexts: owned(contexts), attributes: owned(attributes), ..Ask::default() }
}

pub(crate) fn names(signed_in: &SignedIn) -> Vec<&str> {
    signed_in.attributes.iter().map(|attribute| attribute.name.as_str()).collect()
}

pub(crate) fn value<'a>(signed_in: &'a SignedIn, name: &str) -> &'a str {
    let found = signed_in.attributes.iter().find(|attribute| attribute.name == name);
    found.unwrap_or_else(|| panic!("{name} was not sent")).values[0].as_str()
}

pub(crate) const IAL2: &str = "http://idmanagement.gov/ns/assurance/ial/2";

#[tokio::test]
async fn person_consents_once_and_goes_straight_through_afterwards() {
    let house = House::new().await;
    let (browser, _) = house.fiona().await;

    let request = house.request(&Ask::default());
    let page = browser.get(&request.url).await;
    page.expect_status(200)
        .expect_words("Park permits")
        .expect_words("fiona@example.com")
        .expect_words("To know your email");
    assert_eq!(house.ledger_length().await, 0, "nothing is disclosed before the person agrees");
    let answer = browser.submit(&page, &[("digest", page.form_with(&["digest"]).value("digest").unwrap())]).await;
    let first = house.signed_in(&answer, &request);
    assert_eq!(names(&first), ["uuid", "email", "ial", "aal"]);
    assert_eq!(value(&first, "email"), "fiona@example.com");
    assert_eq!(value(&first, "uuid"), first.name_id);
    assert_eq!(first.authn_context, "http://idmanagement.gov/ns/assurance/aal/2");

    let request = house.request(&Ask::default());
    let second = house.signed_in(&browser.get(&request.url).await, &request);
    assert_eq!(second.name_id, first.name_id, "the identifier stays");
    assert_eq!(second.session_index, first.session_index, "one session of ours is one session of theirs");
    assert_eq!(house.ledger_length().await, 2);
}

/// A request that need not be signed can be written by anybody at the browser.
#[tokio::test]
async fn no_request_lowers_a_level_that_the_agreement_demands() {
    const IAL_1: &str = "http://idmanagement.gov/ns/assurance/ial/1";
    const WAIVED: &str = "signed_requests = \"waived\"\ndefault_attributes = [\"email\"]";
    const IAL_2: &str = "http://idmanagement.gov/ns/assurance/ial/2";
    let levels = "highest_ial = 2\ndefault_ial = 2\n";
    let waived = |levels: &str| agreement(WAIVED, &["email"]).replace("highest_ial = 2\n", levels);
    let came_to = async |levels: &str, contexts: &[&str]| {
        let house = House::with(waived(levels)).await;
        let (browser, _) = house.fiona().await;
        let request = house.request(&ask(contexts, &[]));
        let page = browser.get(&request.url).await;
        match page.forms().iter().any(|form| form.value("SAMLResponse").is_some()) {
            true => house.refused(&page, &request),
            false => page.url.path().split('/').nth(2).unwrap_or_default().to_owned() + &page.text(),
        }
    };
    // Without a floor, Fiona, who was never proofed, is asked to agree; with one, nobody is.
    let asked = came_to(levels, &[IAL_1]).await;
    assert!(asked.contains("fiona@example.com"), "{asked}");
    let floor = format!("{levels}lowest_ial = 2\n");
    assert_eq!(came_to(&floor, &[IAL_1]).await, "NoAuthnContext");
    for contexts in [&[][..], &[IAL_2], &[IAL_1, IAL_2]] {
        let page = came_to(&floor, contexts).await;
        assert!(!page.contains("fiona@example.com") && page != "NoAuthnContext", "{contexts:?}: {page}");
    }
    // Two factors, and none of them phishing-resistant.
    let resistant = "highest_ial = 2\nphishing_resistant = true\n";
    for contexts in [&[][..], &[IAL_1], &["urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"]] {
        let page = came_to(resistant, contexts).await;
        assert!(!page.contains("fiona@example.com"), "{contexts:?}: {page}");
    }
}

#[tokio::test]
async fn stranger_is_sent_to_sign_in() {
    let house = House::new().await;
    let page = house.app.browser().get(&house.request(&Ask::default()).url).await;
    assert_eq!(page.expect_status(200).url.path(), "/sign-in");
}

#[tokio::test]
async fn attribute_outside_the_agreement_is_neither_shown_nor_sent() {
    let house = House::with(agreement("", &["email", "first_name"])).await;
    let key = VaultKey::random(&SystemEntropy);
    let of = house.person("fiona@example.com", Some(&key)).await;
    let browser = house.app.browser();
    house.sign_in(&browser, of, Some(key)).await;

    let request = house.request(&ask(&[IAL2], &["email", "first_name", "ssn"]));
    let page = browser.get(&request.url).await;
    page.expect_words("Fiona");
    assert!(!page.body.contains("900-12-3456") && !page.body.contains("900123456"));
    let answer = browser.submit_to(&page, page.form_with(&["digest"]).action.path(), &[]).await;
    let signed_in = house.signed_in(&answer, &request);
    assert_eq!(names(&signed_in), ["uuid", "email", "first_name", "ial", "aal"]);
    assert_eq!(value(&signed_in, "ial"), IAL2);
}

#[tokio::test]
async fn proofed_attributes_come_out_of_the_vault_in_their_form() {
    let house = House::new().await;
    let key = VaultKey::random(&SystemEntropy);
    let of = house.person("fiona@example.com", Some(&key)).await;
    let browser = house.app.browser();
    house.sign_in(&browser, of, Some(key)).await;

    let request = house.request(&ask(&[IAL2], &["last_name", "dob", "ssn"]));
    let page = browser.get(&request.url).await;
    let answer = browser.submit_to(&page, page.form_with(&["digest"]).action.path(), &[]).await;
    let signed_in = house.signed_in(&answer, &request);
    assert_eq!(names(&signed_in), ["uuid", "last_name", "dob", "ssn", "verified_at", "ial", "aal"]);
    assert_eq!(value(&signed_in, "last_name"), "O'Brien <&>");
    assert_eq!(value(&signed_in, "ssn"), "900-12-3456");
}

#[tokio::test]
async fn a_face_that_was_compared_is_told_and_one_that_was_not_is_not() {
    const FACE: &str = "http://idmanagement.gov/ns/assurance/ial/2?bio=required";
    for face_was_matched in [true, false] {
        let house = House::new().await;
        let key = VaultKey::random(&SystemEntropy);
        let proofing = Proofing { face_was_matched, ..super::given::proofing() };
        let of = house.person_proofed("fiona@example.com", Some(&key), proofing).await;
        let browser = house.app.browser();
        house.sign_in(&browser, of, Some(key)).await;
        let request = house.request(&ask(&[FACE], &["email"]));
        let page = browser.get(&request.url).await;
        if !face_was_matched {
            page.expect_words("people whose face was compared");
            continue;
        }
        let answer = browser.submit_to(&page, page.form_with(&["digest"]).action.path(), &[]).await;
        assert_eq!(house.signed_in(&answer, &request).authn_context, FACE);
    }
}

#[tokio::test]
async fn closed_vault_is_opened_first() {
    let house = House::new().await;
    let key = VaultKey::random(&SystemEntropy);
    let of = house.person("fiona@example.com", Some(&key)).await;
    let browser = house.app.browser();
    house.sign_in(&browser, of, None).await;
    let request = house.request(&ask(&[IAL2], &["ssn"]));
    let page = browser.get(&request.url).await;
    assert_eq!(page.visited.last().unwrap().path(), "/unlock");

    // A person who cannot open it goes on without what lies in it; here that level was demanded, and the page says so.
    let without = page.link("Go on without it").unwrap();
    let page = browser.get(&without).await;
    assert!(page.expect_status(200).url.path().starts_with("/saml/continue/"), "{}", page.url);
    let decline = page.forms().into_iter().find(|form| form.action.path().starts_with("/saml/decline/")).unwrap();
    assert_eq!(house.refused(&browser.submit_form(&decline).await, &request), "NoAuthnContext");
}

#[tokio::test]
async fn person_who_cannot_open_the_vault_signs_in_without_it_where_that_is_enough() {
    let house = House::new().await;
    let key = VaultKey::random(&SystemEntropy);
    let of = house.person("fiona@example.com", Some(&key)).await;
    let browser = house.app.browser();
    house.sign_in(&browser, of, None).await;
    let best = "http://idmanagement.gov/ns/assurance/ial/0";
    let request = house.request(&ask(&[best], &["email", "ssn"]));
    let unlock = browser.get(&request.url).await;
    let page = browser.get(&unlock.link("Go on without it").unwrap()).await;
    let answer = browser.submit_to(&page, page.form_with(&["digest"]).action.path(), &[]).await;
    let signed_in = house.signed_in(&answer, &request);
    assert_eq!(names(&signed_in), ["uuid", "email", "ial", "aal"]);
    assert_eq!(value(&signed_in, "ial"), "http://idmanagement.gov/ns/assurance/ial/1");
}

#[tokio::test]
async fn level_that_is_not_reached_is_explained_and_then_answered() {
    let house = House::new().await;
    let (browser, _) = house.fiona().await;
    let request = house.request(&ask(&[IAL2], &["first_name"]));
    let page = browser.get(&request.url).await;
    let decline = page.forms().into_iter().find(|form| form.action.path().starts_with("/saml/decline/")).unwrap();
    assert_eq!(house.refused(&browser.submit_form(&decline).await, &request), "NoAuthnContext");
    assert_eq!(house.ledger_length().await, 0);
}

#[tokio::test]
async fn declining_tells_the_service_and_ends_the_request() {
    let house = House::new().await;
    let (browser, _) = house.fiona().await;
    let request = house.request(&Ask::default());
    let page = browser.get(&request.url).await;
    let decline = page.forms().into_iter().find(|form| form.action.path().starts_with("/saml/decline/")).unwrap();
    assert_eq!(house.refused(&browser.submit_form(&decline).await, &request), "RequestDenied");
    assert_eq!(house.ledger_length().await, 0);
    browser.get(page.url.path()).await.expect_status(409);
}

#[tokio::test]
async fn passive_request_is_answered_without_a_page() {
    let house = House::new().await;
    let request = house.request(&Ask { is_passive: true, ..Ask::default() });
    assert_eq!(house.refused(&house.app.browser().get(&request.url).await, &request), "NoPassive");
}

#[tokio::test]
async fn forced_authentication_asks_again() {
    let house = House::new().await;
    let (browser, _) = house.fiona().await;
    house.app.clock.advance(Duration::MINUTE);
    let request = house.request(&Ask { force_authn: true, ..Ask::default() });
    let page = browser.get(&request.url).await;
    assert_eq!(page.visited.last().unwrap().path(), "/sign-in");
}

#[tokio::test]
async fn request_is_taken_once_even_across_a_restart() {
    let mut house = House::new().await;
    let (browser, _) = house.fiona().await;
    let request = house.request(&Ask::default());
    browser.get(&request.url).await.expect_status(200);
    browser.get(&request.url).await.expect_status(409);
    house.app = house.app.restart().await;
    browser.get(&request.url).await.expect_status(409);
}

#[tokio::test]
async fn old_request_is_refused() {
    let house = House::new().await;
    let request = house.request(&Ask::default());
    house.app.clock.advance(Duration::minutes(6));
    house.app.browser().get(&request.url).await.expect_status(400);
}

#[tokio::test]
async fn request_waits_for_one_browser_and_one_hour() {
    let house = House::new().await;
    let (browser, _) = house.fiona().await;
    let request = house.request(&Ask::default());
    let page = browser.get(&request.url).await;
    house.app.browser().get(page.url.path()).await.expect_status(400);
    house.app.clock.advance(Duration::minutes(61));
    browser.get(page.url.path()).await.expect_status(410);
}

#[tokio::test]
async fn posted_request_from_another_site_keeps_the_session() {
    let house = House::new().await;
    let (browser, _) = house.fiona().await;
    let session = browser.cookie(COOKIE).unwrap();
    let request = house.posted_request();

    // The other site's form brings no `SameSite=Lax` cookie; the answer must not push the session out.
    browser.forget();
    let target: reqwest::Url = format!("{}/saml/sso", house.app.url).parse().unwrap();
    let arrived = browser.once(reqwest::Method::POST, target.clone(), Some(request.clone())).await;
    arrived.expect_status(303);
    assert_eq!(browser.cookie(COOKIE), None, "no session cookie is set");
    let onward = arrived.headers["location"].to_str().unwrap().to_owned();

    // The page that follows brings all cookies along.
    browser.plant_cookie(COOKIE, &session);
    browser.get(&onward).await.expect_status(200).expect_words("fiona@example.com");
    assert_eq!(browser.cookie(COOKIE), Some(session));
    // Another browser that learns the address has neither cookie.
    house.app.browser().get(&onward).await.expect_status(400);
}

#[tokio::test]
async fn consent_form_of_another_session_is_refused() {
    let house = House::new().await;
    let (browser, _) = house.fiona().await;
    let page = browser.get(&house.request(&Ask::default()).url).await;
    let form = page.form_with(&["digest"]).with(&[("csrf", "AAAA")]);
    browser.submit_form(&form).await.expect_status(200).expect_words("Share with Park permits?");
    assert_eq!(house.ledger_length().await, 0);
}

#[tokio::test]
async fn consent_to_what_is_no_longer_sent_is_asked_for_again() {
    let house = House::new().await;
    let (browser, _) = house.fiona().await;
    let request = house.request(&Ask::default());
    let page = browser.get(&request.url).await;
    let zeros = "0".repeat(64);
    let again = browser.submit_form(&page.form_with(&["digest"]).with(&[("digest", zeros.as_str())])).await;
    again.expect_status(200).expect_words("fiona@example.com");
    assert!(again.forms().iter().any(|form| form.value("digest").is_some()), "the page is shown anew");
    assert_eq!(house.ledger_length().await, 0);
}

#[tokio::test]
async fn agreement_that_drops_an_attribute_counts_at_the_next_sign_in() {
    let house = House::new().await;
    let (browser, _) = house.fiona().await;
    let request = house.request(&Ask::default());
    let page = browser.get(&request.url).await;
    let answer = browser.submit_to(&page, page.form_with(&["digest"]).action.path(), &[]).await;
    assert!(names(&house.signed_in(&answer, &request)).contains(&"email"));

    std::fs::write(house.agreement_file(), agreement("", &["first_name"])).unwrap();
    wait_for(
        || (sql::count(&house.app.store, "sp_revision", "superseded_at IS NOT NULL") == 1).then_some(()),
        "the new revision",
    )
    .await;
    // Less is sent than was agreed to, so the person is not asked again.
    let request = house.request(&ask(&[], &["email"]));
    let page = browser.get(&request.url).await;
    assert_eq!(names(&house.signed_in(&page, &request)), ["uuid", "ial", "aal"]);
}

#[tokio::test]
async fn sign_in_finishes_on_the_last_good_revision_after_a_restart() {
    let mut house = House::new().await;
    let (browser, _) = house.fiona().await;
    let request = house.request(&Ask::default());
    let page = browser.get(&request.url).await;
    std::fs::write(house.agreement_file(), "agency_id =").unwrap();
    std::fs::write(house.agreement_file().with_file_name("metadata.xml"), "<broken").unwrap();
    house.app = house.app.restart().await;
    let answer = browser.submit_to(&page, page.form_with(&["digest"]).action.path(), &[]).await;
    assert!(names(&house.signed_in(&answer, &request)).contains(&"email"));
}

#[tokio::test]
async fn service_that_is_switched_off_meanwhile_receives_nothing() {
    let mut house = House::new().await;
    let (browser, _) = house.fiona().await;
    let page = browser.get(&house.request(&Ask::default()).url).await;
    std::fs::write(house.agreement_file(), agreement("enabled = false\ndefault_attributes = [\"email\"]", EVERYTHING))
        .unwrap();
    house.app = house.app.restart().await;
    let refused = browser.submit_to(&page, page.form_with(&["digest"]).action.path(), &[]).await;
    refused.expect_status(403);
    assert_eq!(house.ledger_length().await, 0);
}

#[tokio::test]
async fn account_that_is_stopped_meanwhile_signs_in_nowhere() {
    let house = House::new().await;
    let (browser, of) = house.fiona().await;
    let page = browser.get(&house.request(&Ask::default()).url).await;
    let site = house.app.site.clone();
    let stop = move |tx: &mut Transaction<'_>| {
        change_account(tx, &site, of, |account| account.status = SubscriberStatus::Suspended)
    };
    house.app.store.transaction::<_, Trouble, _>(stop).await.unwrap();
    let refused = browser.submit_to(&page, page.form_with(&["digest"]).action.path(), &[]).await;
    refused.expect_status(403);
    assert_eq!(house.ledger_length().await, 0);
}

#[tokio::test]
async fn request_is_answered_once_although_two_tabs_agree() {
    let house = House::new().await;
    let (browser, _) = house.fiona().await;
    let request = house.request(&Ask::default());
    let page = browser.get(&request.url).await;
    let form = page.form_with(&["digest"]);
    let (one, other) = tokio::join!(browser.submit_form(&form), browser.submit_form(&form));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    assert_eq!(house.ledger_length().await, 1);
}

#[tokio::test]
async fn two_persons_and_their_identifiers_differ() {
    let house = House::new().await;
    let mut seen = Vec::new();
    for email in ["a@example.com", "b@example.com"] {
        let browser = house.app.browser();
        let of = house.person(email, None).await;
        house.sign_in(&browser, of, None).await;
        let request = house.request(&Ask::default());
        let page = browser.get(&request.url).await;
        let answer = browser.submit_to(&page, page.form_with(&["digest"]).action.path(), &[]).await;
        let signed_in = house.signed_in(&answer, &request);
        assert!(!signed_in.name_id.contains('@'));
        seen.push(signed_in.name_id);
    }
    assert_ne!(seen[0], seen[1]);
}

#[tokio::test]
async fn unknown_service_and_unsigned_request_get_their_pages() {
    let house = House::new().await;
    let other = ServiceProvider::new(
        "https://unknown.example/saml",
        ACS,
        &keys::OTHER_RSA.private_pem,
        &keys::OTHER_RSA.certificate_pem,
    )
    .unwrap();
    let request = other.request(&house.idp, &Ask::default(), None, house.now(), &SystemEntropy).unwrap();
    house.app.browser().get(&request.url).await.expect_status(403).expect_words("S20");
    let forged =
        ServiceProvider::new(ENTITY, ACS, &keys::OTHER_RSA.private_pem, &keys::OTHER_RSA.certificate_pem).unwrap();
    let request = forged.request(&house.idp, &Ask::default(), None, house.now(), &SystemEntropy).unwrap();
    house.app.browser().get(&request.url).await.expect_status(403).expect_words("S31");
    let signed = house.request(&Ask::default()).url;
    let unsigned = signed.split("&SigAlg=").next().unwrap();
    house.app.browser().get(unsigned).await.expect_status(403).expect_words("S30");
}

#[tokio::test]
async fn a_request_for_another_address_says_where_it_went_and_where_we_are() {
    let house = House::new().await;
    let other = house.request_posted_to("https://other.example.gov/saml/sso");
    let page = house.app.browser().post_body("/saml/sso", "application/x-www-form-urlencoded", other).await;
    page.expect_status(400).expect_words("S33").expect_words("https://other.example.gov/saml/sso");
    page.expect_words(&format!("this service of ours is at {}/saml/sso", house.app.url));
}

#[tokio::test]
async fn services_of_one_agency_share_the_identifier_and_agencies_do_not() {
    let service = |agency: &str, name: &str| {
        let (entity, acs) =
            (format!("https://{name}.{agency}.example.gov/saml"), format!("https://{name}.{agency}.example.gov/acs"));
        let sp =
            ServiceProvider::new(entity.as_str(), acs, &keys::RSA.private_pem, &keys::RSA.certificate_pem).unwrap();
        let agreement = agreement("", &[])
            .replace("agency_id = \"department-of-parks\"", &format!("agency_id = {agency:?}"))
            .replace(ENTITY, &entity);
        let metadata = sp.metadata(name).unwrap().as_str().to_owned();
        (sp, (agency.to_owned(), name.to_owned(), metadata, agreement))
    };
    let all = [service("parks", "permits"), service("parks", "camping"), service("revenue", "returns")];
    let services = all.iter().map(|(_, files)| files.clone()).collect();
    let app = TestApp::start_with(Wishes { services, ..Wishes::default() }).await;
    let published = app.browser().get("/saml/metadata").await.body;
    let idp = IdentityProvider::from_metadata(published.as_bytes()).unwrap();
    let mut house = House { app, sp: permits(), idp };
    let (browser, _) = house.fiona().await;
    let mut identifiers = Vec::new();
    for (sp, _) in all {
        house.sp = sp;
        let request = house.request(&Ask::default());
        let page = browser.get(&request.url).await;
        let answer = browser.submit_to(&page, page.form_with(&["digest"]).action.path(), &[]).await;
        let form = answer.form_with(&["SAMLResponse"]);
        let expected = Expected { idp: &house.idp, request_id: &request.id, now: house.now() };
        match house.sp.read_response(form.value("SAMLResponse").unwrap(), &expected).unwrap() {
            SignInAnswer::SignedIn(signed_in) => identifiers.push(signed_in.name_id),
            refused @ SignInAnswer::Refused { .. } => panic!("{refused:?}"),
        }
    }
    assert_eq!(identifiers[0], identifiers[1]);
    assert_ne!(identifiers[0], identifiers[2]);
}

#[tokio::test]
async fn strangers_who_ask_for_our_metadata_again_and_again_get_one_signed_copy() {
    let app = TestApp::start().await;
    let get = async |path: &str| app.browser().get(path).await.expect_status(200).body.clone();
    // Each signing has an ID of its own, so the same octets are the same signing.
    let first = get("/saml/metadata").await;
    app.clock.advance(Duration::minutes(4));
    assert!(get("/saml/metadata").await == first);
    assert!(get("/saml").await == first, "one copy for both addresses");
    app.clock.advance(Duration::minutes(2));
    let second = get("/saml/metadata").await;
    assert!(second != first, "a copy serves five minutes");
    assert!(get("/saml").await == second);
}
