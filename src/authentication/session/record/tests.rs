use time::Duration;
use time::macros::utc_datetime;

use super::super::SessionLimits;
use super::*;
use crate::authentication::{AuthenticatorKind, Proved};
use crate::entropy::SystemEntropy;
use crate::services::keys::keys_for_tests;

const NOW: UtcDateTime = utc_datetime!(2026-11-24 12:00);
const FIONA: SubscriberId = SubscriberId::from_bytes([1; 16]);

fn proved(kind: AuthenticatorKind) -> AuthenticationEvent {
    AuthenticationEvent::supposed(kind, None, NOW, Proved::default())
}

fn vault() -> SessionVault {
    SessionVault::Open(VaultKey::from_session(&[9; 32]))
}

fn state_at(stage: SessionStage) -> SessionState {
    let mut state = SessionState::visitor(&SystemEntropy);
    state.stage = stage;
    state.events = vec![proved(AuthenticatorKind::Password)];
    state
}

fn signed_in() -> SessionState {
    state_at(SessionStage::SignedIn(SignedIn::new(FIONA, vault())))
}

/// One state of each stage.
fn stages() -> Vec<SessionState> {
    let waiting = SessionVault::Closed(vec![SlotKey::from_session(SlotKind::Password, &[4; 32])]);
    let taking_up = |second_factor| TakingUp { subscriber: FIONA, link: LinkHash::from_bytes([7; 32]), second_factor };
    let shown = SignedIn {
        new_recovery_key: Some(RecoveryKey::from_session(&[3; 16])),
        ..SignedIn::new(FIONA, waiting.clone())
    };
    let mut stages = vec![
        state_at(SessionStage::Visitor),
        state_at(SessionStage::ChoosingMethods { subscriber: FIONA, vault: vault() }),
        state_at(SessionStage::PasswordProved { subscriber: FIONA, vault: waiting }),
        signed_in(),
        state_at(SessionStage::SignedIn(shown)),
        state_at(SessionStage::TakingUp(taking_up(None))),
        state_at(SessionStage::TakingUp(taking_up(Some(proved(AuthenticatorKind::Totp))))),
    ];
    for state in &mut stages {
        state.notice = Some(Notice::MethodAdded);
        state.logout = Some(LogoutId::from_bytes([5; 16]));
        state.pending = Pending {
            totp_secret: Some(TotpSecret::from_bytes(&[6; 20])),
            webauthn: Some(PendingCeremony { state: "{}".to_owned(), expires_at: NOW }),
            new_phone: Some(PendingPhone { e164: "+12025550123".to_owned(), name: "Mine".to_owned() }),
            texted: Some(AuthenticatorId::from_bytes([8; 16])),
        };
    }
    stages
}

fn frame() -> SessionFrame {
    let times = SessionTimes::begin(SessionLimits::DEFAULT, NOW);
    SessionFrame { subscriber: Some(FIONA), created_at: NOW, times }
}

fn text_of(state: &SessionState) -> String {
    serde_json::to_string(&Record::of(state)).unwrap()
}

/// Seals any text as a record, and opens that.
fn opened(text: &str) -> Result<SessionState, SessionError> {
    let (keys, secret) = (keys_for_tests(), SessionSecret::random(&SystemEntropy));
    let id = secret.id_hash();
    let inner = Envelope::seal(&secret.key(), 0, id.as_bytes(), text.as_bytes(), &SystemEntropy).unwrap();
    let sealed = keys.seal(Purpose::Session, &frame().octets(id), &inner).unwrap();
    SessionState::open(&sealed, &secret, &frame(), &keys)
}

#[test]
fn nothing_that_stands_in_clear_beside_a_session_can_be_exchanged() {
    let (keys, secret) = (keys_for_tests(), SessionSecret::random(&SystemEntropy));
    let sealed = signed_in().seal(&secret, &frame(), &keys, &SystemEntropy).unwrap();
    let later = |at: UtcDateTime| at + Duration::MILLISECOND;
    let SessionTimes { idle_until, absolute_until } = frame().times;
    for altered in [
        SessionFrame { subscriber: None, ..frame() },
        SessionFrame { subscriber: Some(SubscriberId::from_bytes([2; 16])), ..frame() },
        SessionFrame { created_at: later(NOW), ..frame() },
        SessionFrame { times: SessionTimes { idle_until: later(idle_until), absolute_until }, ..frame() },
        SessionFrame { times: SessionTimes { idle_until, absolute_until: later(absolute_until) }, ..frame() },
    ] {
        assert!(SessionState::open(&sealed, &secret, &altered, &keys).is_err(), "{altered:?}");
    }
    // Times are kept in whole milliseconds.
    let finer = SessionFrame { created_at: NOW + Duration::MICROSECOND, ..frame() };
    assert!(SessionState::open(&sealed, &secret, &finer, &keys).is_ok());
}

#[test]
fn the_browser_that_has_the_secret_has_the_session() {
    let (keys, secret) = (keys_for_tests(), SessionSecret::random(&SystemEntropy));
    let sealed = signed_in().seal(&secret, &frame(), &keys, &SystemEntropy).unwrap();
    let again = SessionSecret::from_cookie(&secret.to_cookie()).unwrap();
    assert_eq!(again.id_hash(), secret.id_hash());
    let opened = SessionState::open(&sealed, &again, &frame(), &keys).unwrap();
    assert_eq!(opened.signed_in(), Some(FIONA));
    assert_eq!(opened.events, vec![proved(AuthenticatorKind::Password)]);
    assert_eq!(opened.vault_key().map(VaultKey::as_session), Some(&[9; 32]));
}

#[test]
fn the_record_alone_or_with_the_service_keys_opens_nothing() {
    let (keys, secret) = (keys_for_tests(), SessionSecret::random(&SystemEntropy));
    let sealed = signed_in().seal(&secret, &frame(), &keys, &SystemEntropy).unwrap();
    assert!(SessionState::open(&sealed, &SessionSecret::random(&SystemEntropy), &frame(), &keys).is_err());
    let other = keys_for_tests();
    assert!(SessionState::open(&sealed, &secret, &frame(), &other).is_err());
    // The thief of both takes off the outer seal and finds the vault's key nowhere.
    let inner = keys.open(Purpose::Session, &frame().octets(secret.id_hash()), &sealed).unwrap();
    assert!(!inner.windows(8).any(|window| window == [9; 8]));
    let encoded = URL_SAFE_NO_PAD.encode([9; 32]);
    assert!(text_of(&signed_in()).contains(&encoded));
    assert!(!inner.windows(8).any(|window| encoded.as_bytes().starts_with(window)));
}

#[test]
fn a_record_moved_to_another_session_is_refused() {
    let (keys, one, other) =
        (keys_for_tests(), SessionSecret::random(&SystemEntropy), SessionSecret::random(&SystemEntropy));
    let sealed = signed_in().seal(&one, &frame(), &keys, &SystemEntropy).unwrap();
    assert!(SessionState::open(&sealed, &other, &frame(), &keys).is_err());
}

#[test]
fn a_session_comes_back_at_each_stage_with_all_that_belongs_to_it() {
    for state in stages() {
        let text = text_of(&state);
        let back = opened(&text).unwrap();
        assert_eq!(text_of(&back), text, "{state:?}");
        assert_eq!(format!("{back:?}"), format!("{state:?}"));
    }
}

#[test]
fn what_a_newer_version_added_is_kept_and_signs_nobody_out() {
    let text = text_of(&signed_in()).replacen('{', r#"{"device":{"kind":"phone"},"#, 1);
    let newer = text.replacen(r#""at":"signed_in""#, r#""at":"signed_in","since":5"#, 1);
    let back = opened(&newer).unwrap();
    assert_eq!(back.signed_in(), Some(FIONA));
    assert!(text_of(&back).contains(r#""device":{"kind":"phone"}"#), "{}", text_of(&back));
    // A notice and an opener that this version does not know are left out.
    let unknown = text.replacen('{', r#"{"notice":"moved_to_the_moon","#, 1);
    assert_eq!(opened(&unknown).unwrap().notice, None);
    let mut state = signed_in();
    state.signed_in_mut().unwrap().vault =
        SessionVault::Closed(vec![SlotKey::from_session(SlotKind::Password, &[4; 32])]);
    let unknown = text_of(&state).replacen(r#""kind":"password""#, r#""kind":"iris""#, 1);
    let back = opened(&unknown).unwrap();
    assert!(back.signed_in().is_some() && back.vault().unwrap().waiting(SlotKind::Password).is_none());
}

#[test]
fn a_record_of_a_version_that_could_be_misread_is_no_session() {
    let text = text_of(&signed_in());
    for wrong in [
        text.replacen(r#""version":2"#, r#""version":3"#, 1),
        text.replacen(r#""at":"signed_in""#, r#""at":"impersonating""#, 1),
        text.replacen(r#""version":2,"#, "", 1),
        "{}".to_owned(),
        String::new(),
    ] {
        assert_eq!(opened(&wrong).err(), Some(SessionError::UnknownForm), "{wrong}");
    }
}

#[test]
fn a_record_of_the_version_before_signs_nobody_out() {
    let ones = |of: u8, count: usize| format!("{:?}", vec![of; count]);
    let event = |kind: AuthenticatorKind| serde_json::to_string(&proved(kind)).unwrap();
    // `pending` is one field of what is being set up; the others are nothing.
    let text = |stage: &str, vault_key: &str, events: &str, pending: &str| {
        let names = ["totp_secret", "webauthn", "phone", "recovery_key", "password_slot_key", "taking_up"];
        let others = names.iter().filter(|name| !pending.starts_with(&format!("\"{name}\":")));
        let pending: Vec<String> = others.map(|name| format!("\"{name}\":null")).chain([pending.to_owned()]).collect();
        format!(
            r#"{{"stage":"{stage}","subscriber":{},"vault_key":{vault_key},"events":[{events}],"csrf":{},"pending":{{{}}},"notice":"method_added","logout":{}}}"#,
            ones(1, 16),
            ones(2, 32),
            pending.join(","),
            ones(5, 16)
        )
    };
    let both = format!("{},{}", event(AuthenticatorKind::Password), event(AuthenticatorKind::Totp));
    let back = opened(&text("signed_in", &ones(9, 32), &both, &format!(r#""recovery_key":{}"#, ones(3, 16)))).unwrap();
    assert_eq!(back.signed_in(), Some(FIONA));
    assert_eq!(back.events.len(), 2);
    assert_eq!(back.vault_key().map(VaultKey::as_session), Some(&[9; 32]));
    assert_eq!(back.new_recovery_key().map(RecoveryKey::as_session), Some(&[3; 16]));
    assert_eq!(
        (*back.csrf, back.notice, back.logout),
        ([2; 32], Some(Notice::MethodAdded), Some(LogoutId::from_bytes([5; 16])))
    );

    let slot = format!(r#""password_slot_key":{}"#, ones(4, 32));
    let back = opened(&text("password_proved", "null", &event(AuthenticatorKind::Password), &slot)).unwrap();
    assert_eq!(back.before_second_factor(), Some(FIONA));
    assert_eq!(back.vault().unwrap().waiting(SlotKind::Password).map(SlotKey::as_session), Some(&[4; 32]));

    let phone = format!(r#""phone":{{"e164":"+12025550123","authenticator":{},"name":""}}"#, ones(8, 16));
    let back = opened(&text("choosing_methods", &ones(9, 32), "", &phone)).unwrap();
    assert_eq!(back.choosing_methods(), Some(FIONA));
    assert_eq!(back.pending.texted, Some(AuthenticatorId::from_bytes([8; 16])));
    assert!(back.pending.new_phone.is_none());

    let link = format!(r#""taking_up":{}"#, ones(7, 32));
    let back = opened(&text("taking_up", "null", &event(AuthenticatorKind::Totp), &link)).unwrap();
    let taking_up = back.taking_up().unwrap();
    assert_eq!((taking_up.subscriber, taking_up.link), (FIONA, LinkHash::from_bytes([7; 32])));
    assert_eq!(taking_up.second_factor.map(|event| event.kind()), Some(AuthenticatorKind::Totp));
    assert!(back.events.is_empty());
}

#[test]
fn what_is_not_exactly_a_cookie_of_ours_is_none() {
    let good = SessionSecret::random(&SystemEntropy).to_cookie();
    assert_eq!(good.len(), 43);
    for bad in ["", "x", &good[1..], &format!("{good}A"), &format!("{good}="), &format!(" {good}")] {
        assert!(SessionSecret::from_cookie(bad).is_none(), "{bad}");
    }
}

#[test]
fn only_the_last_stage_is_signed_in() {
    for state in stages() {
        let is_last = matches!(state.stage, SessionStage::SignedIn(_));
        assert_eq!(state.signed_in(), is_last.then_some(FIONA), "{state:?}");
    }
}

#[test]
fn a_session_ends_when_idle_and_in_any_case() {
    let limits = SessionLimits::DEFAULT;
    let begun = SessionTimes::begin(limits, NOW);
    assert!(begun.alive(NOW + Duration::minutes(15) - Duration::milliseconds(1)));
    assert!(!begun.alive(NOW + Duration::minutes(15)));
    let mut times = begun;
    let mut now = NOW;
    while times.alive(now) {
        times = times.used(limits, now);
        now += Duration::minutes(14);
    }
    assert!(now >= NOW + limits.absolute && now < NOW + limits.absolute + Duration::minutes(14));
}
