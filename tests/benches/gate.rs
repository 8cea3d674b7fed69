//! Responses through the gate: issued, recorded on SQLite with their requests and sessions (or not at all), signed, encrypted.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use signet::authentication::session::{SessionIdHash, SessionLimits, SessionTimes};
use signet::authentication::{AuthenticatedSubject, AuthenticationEvent, AuthenticatorId, AuthenticatorKind, Proved};
use signet::clock::{Clock, SystemClock};
use signet::entropy::SystemEntropy;
use signet::federation::agreement::AgencyId;
use signet::federation::attribute::{AttributeName, AttributeValue, HeldAttributes};
use signet::federation::consent::{
    ConsentId, ConsentRecord, ConsentedRelease, ContentKey, StoredConsent, VouchedConsent,
};
use signet::federation::delivery::DeliveryPlan;
use signet::federation::disclosure::ChainId;
use signet::federation::identifier::PairwiseId;
use signet::federation::issue::{IssueQuestion, Issued, issue};
use signet::federation::registry::{Registry, ServiceFiles, ServiceName, ServiceProvider};
use signet::federation::single_sign_on::{
    AuthenticationState, MatchedAuthnRequest, PersonFacts, ReleaseStep, SettlementRules,
};
use signet::saml::assertion::Assertion;
use signet::saml::authn_request::RequestSignature;
use signet::saml::binding::Received;
use signet::saml::response::ConsentObtained;
use signet::saml::signature::{PemSigner, Signer};
use signet::saml::{DeniedAlgorithms, EntityId};
use signet::services::keys::{GenerateKeys, LocalKeys, SealingSecret, SigningKeyKind};
use signet::storage::{
    AnsweredRequest, DisclosureWriter, Issuance, Participant, PendingRequest, PendingRequestId, RecordedDisclosure,
    SessionRecord, Store, StoreError,
};
use signet::subscriber::{StoredAccount, SubscriberAccount, SubscriberId, SubscriberStatus, VaultState};
use time::UtcDateTime;

use super::measure::{Run, Stopwatch};
use super::service::{KeyKind, Shape, certificate_of, key_pair, redirect_query};
use super::{IN_FLIGHT, THREADS, raw};

const RESPONSES: u32 = 4_000;
const IDP: &str = "https://idp.example/saml";
const SSO: &str = "https://idp.example/saml/sso";
const PERSON: SubscriberId = SubscriberId::from_bytes([1; 16]);
const SESSION: SessionIdHash = SessionIdHash::from_bytes([2; 32]);

/// Everything that the gate looks at, settled once.
struct Scene {
    registry: Registry,
    request: MatchedAuthnRequest,
    account: SubscriberAccount,
    subject: AuthenticatedSubject,
    release: ConsentedRelease,
    consent: VouchedConsent,
    issuer: EntityId,
    signer: PemSigner,
    now: UtcDateTime,
}

/// The database that they are recorded in.
struct Ledger {
    store: Store,
    writer: DisclosureWriter,
}

/// Measures and tells.
pub fn run() {
    println!("\nthrough the gate, recorded on SQLite, {IN_FLIGHT} in flight");
    for (shape, aim) in Shape::ALL.into_iter().zip([6.0, 11.0]) {
        // Before and after, since a core's speed changes with what its neighbours do.
        let mut yardstick = raw::yardstick(KeyKind::Rsa2048);
        let made = responses(shape);
        yardstick += raw::yardstick(KeyKind::Rsa2048);
        yardstick.told(shape.words(), &made.cost(), shape.private_key_operations(), aim);
        println!("    {:.0} a second by the clock", made.a_second());
    }
}

/// Makes many, so many at once, and says what they cost.
fn responses(shape: Shape) -> Run {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let scene = Arc::new(Scene::set(shape, KeyKind::Rsa2048));
        let ledger = Arc::new(Ledger::open(folder.path()));
        ledger.open_requests(&scene);
        let next = Arc::new(AtomicU32::new(0));
        let watch = Stopwatch::of("self");
        let tasks: Vec<_> = (0..IN_FLIGHT)
            .map(|_| {
                let (scene, ledger, next) = (Arc::clone(&scene), Arc::clone(&ledger), Arc::clone(&next));
                tokio::spawn(async move {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= RESPONSES {
                            break;
                        }
                        scene.answer(&ledger, number).await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        watch.stop(RESPONSES)
    })
}

/// Makes one at each call, and records nothing: what the wire itself costs.
pub fn unrecorded(shape: Shape, key: KeyKind) -> impl FnMut() {
    let scene = Scene::set(shape, key);
    move || {
        let (plan, Issued { assertion, consent, .. }) = scene.issue();
        scene.deliver(&plan, assertion, consent);
    }
}

fn request_id(number: u32) -> PendingRequestId {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    PendingRequestId::from_bytes(id)
}

impl Scene {
    fn set(shape: Shape, kind: KeyKind) -> Self {
        let now = SystemClock.now();
        let (key, certificate) = key_pair();
        let id = AgencyId::parse(&format!("bench-{}", shape.word())).unwrap();
        let files = ServiceFiles {
            name: ServiceName { agency: id.clone(), service: id },
            metadata: shape.metadata(&certificate).into_bytes(),
            agreement: shape.agreement().into_bytes(),
        };
        let service = ServiceProvider::read(&files).unwrap();
        let entity_id = service.entity_id().clone();
        let registry = Registry::new([service], []);
        let service = registry.find(&entity_id).unwrap();

        let issuer = EntityId::parse(IDP).unwrap();
        let rules = SettlementRules { issuer: &issuer, loopback_http: false };
        let query = redirect_query(shape, &key, "_bench", SSO, &signet::saml::instant::format(now));
        let verified = Received::redirect(query)
            .decode()
            .unwrap()
            .verify(
                service.metadata(),
                RequestSignature::Demanded,
                &[url::Url::parse(SSO).unwrap()],
                DeniedAlgorithms::NONE,
            )
            .unwrap();
        let request = MatchedAuthnRequest::settle(verified, Arc::clone(service), now, rules).unwrap();

        let events = vec![
            AuthenticationEvent::supposed(AuthenticatorKind::Password, None, now, Proved::default()),
            AuthenticationEvent::supposed(
                AuthenticatorKind::Totp,
                Some(AuthenticatorId::from_bytes([3; 16])),
                now,
                Proved::default(),
            ),
        ];
        let state = AuthenticationState::Known { subscriber: PERSON, events };
        let subject = request.authenticate(&state, now).unwrap();
        let held = HeldAttributes::new()
            .with(AttributeName::Email, [AttributeValue::new("pat.sample@demo.example")])
            .with(AttributeName::Locale, [AttributeValue::new("en")]);
        let content_key = ContentKey::new([7; 32], "bench");
        let pairwise = PairwiseId::supposed([4; 16]);
        let facts = |consent| PersonFacts {
            page_language: "en",
            held: &held,
            known_pairwise: Some(pairwise),
            new_pairwise: pairwise,
            consent,
            content_key: &content_key,
            scope: "idp.example",
            address_must_be_asked: false,
        };
        let Ok(ReleaseStep::Consent { scope, .. }) = request.release(&subject, &facts(None), &SystemEntropy, now)
        else {
            panic!("consent is due")
        };
        let consent = ConsentRecord {
            id: ConsentId::from_bytes([5; 16]),
            subscriber: PERSON,
            scope,
            given_at: now,
            revoked_at: None,
        };
        let consent = VouchedConsent::supposed(consent);
        let Ok(ReleaseStep::Issue { release, .. }) =
            request.release(&subject, &facts(Some(&consent)), &SystemEntropy, now)
        else {
            panic!("consent was given")
        };

        let idp_key = kind.generate();
        let idp_certificate = certificate_of(&idp_key);
        let signer =
            PemSigner::from_pem(&idp_key.private_key_to_pem_pkcs8().unwrap(), &idp_certificate.to_pem().unwrap())
                .unwrap();
        let account = SubscriberAccount {
            id: PERSON,
            status: SubscriberStatus::Active,
            created_at: now,
            rules_accepted_at: now,
            vault: VaultState::Open,
        };
        Self { registry, request, account, subject, release, consent, issuer, signer, now }
    }

    /// One answer, as `web::saml::answer` makes it.
    async fn answer(&self, ledger: &Ledger, number: u32) {
        let (plan, Issued { assertion, disclosure, consent }) = self.issue();
        let parts = assertion.parts();
        let participant = Participant {
            subscriber: PERSON,
            entity_id: parts.audience.to_string(),
            assertion_id: parts.id.to_string(),
            session_index: parts.session_index.clone(),
            name_id_sealed: vec![0; 64],
            joined_at: self.now,
        };
        let issuance = Issuance {
            disclosure,
            consent_mac: Some(self.consent.mac().to_vec()),
            answers: Some(AnsweredRequest::Waiting(request_id(number))),
            joins: Some((SESSION, participant)),
        };
        let recorded = ledger.writer.record(issuance).await.unwrap();
        assert!(matches!(recorded, RecordedDisclosure::Durable(_)));
        self.deliver(&plan, assertion, consent);
    }

    fn deliver(&self, plan: &DeliveryPlan, assertion: Assertion, consent: ConsentObtained) {
        let response = plan.deliver(assertion, consent, &self.signer, &SystemEntropy, self.now).unwrap();
        assert!(!response.into_form(None).saml_response().is_empty());
    }

    fn issue(&self) -> (DeliveryPlan, Issued) {
        let service = self.request.service();
        let plan = DeliveryPlan::of(service, DeniedAlgorithms::NONE).unwrap();
        let question = IssueQuestion {
            request: &self.request,
            registry: &self.registry,
            account: &self.account,
            subject: &self.subject,
            proofed: None,
            release: &self.release,
            consent: &self.consent,
            earlier: None,
            rules: SettlementRules { issuer: &self.issuer, loopback_http: false },
            signing_key_id: self.signer.key_id(),
            now: self.now,
        };
        (plan, issue(&question, &SystemEntropy).unwrap())
    }
}

impl Ledger {
    fn open(folder: &std::path::Path) -> Self {
        let url = format!("sqlite:{}", folder.join("bench.db").display()).parse().unwrap();
        let store = Store::open(&url, 4).unwrap();
        store.migrate().unwrap();
        let secret = SealingSecret::new("the passphrase of a bench").unwrap();
        let wanted =
            GenerateKeys { common_name: "bench.example", signing: SigningKeyKind::EcP256, now: SystemClock.now() };
        let keys = LocalKeys::generate(&folder.join("keys"), &secret, &wanted, Arc::new(SystemEntropy)).unwrap();
        let writer = DisclosureWriter::start(store.clone(), Arc::new(keys), ChainId::from_bytes([6; 16]));
        Self { store, writer }
    }

    /// The session, and the requests that wait in it: what arrival leaves behind.
    fn open_requests(&self, scene: &Scene) {
        let now = scene.now;
        let account = scene.account.clone();
        let consent = scene.consent.record().clone();
        self.store
            .transaction_blocking::<_, StoreError, _>(move |tx| {
                // Nobody reads it back: what is measured begins with an account that was vouched for.
                tx.add_subscriber(&StoredAccount {
                    id: account.id,
                    status: account.status.as_str().to_owned(),
                    vault: account.vault.as_str().to_owned(),
                    created_at: 0,
                    rules_accepted_at: 0,
                    mac: vec![0; 36],
                })?;
                tx.add_session(&SessionRecord {
                    id_hash: SESSION,
                    subscriber: Some(PERSON),
                    created_at: now,
                    times: SessionTimes::begin(SessionLimits::default(), now),
                    sealed: vec![0; 400],
                })?;
                tx.add_consent(
                    PERSON,
                    &StoredConsent {
                        id: consent.id,
                        entity_id: consent.scope.entity_id().to_string(),
                        scope: consent.scope.to_bytes(),
                        given_at: 0,
                        revoked_at: None,
                        mac: Vec::new(),
                    },
                )?;
                for number in 0..RESPONSES {
                    tx.add_pending_request(&PendingRequest {
                        id: request_id(number),
                        session: SESSION,
                        entity_id: "https://bench.example/".to_owned(),
                        request_id: format!("_{number}"),
                        received_sealed: vec![0; 700],
                        received_at: now,
                        expires_at: now + time::Duration::hours(1),
                        finished_at: None,
                    })?;
                }
                Ok(())
            })
            .unwrap();
    }
}
