use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use time::macros::utc_datetime;
use webauthn_authenticator_rs::WebauthnAuthenticator as _;
use webauthn_authenticator_rs::softpasskey::SoftPasskey;

use super::*;
use crate::authentication::{AuthenticationEvent, AuthenticatorId};
use crate::entropy::SystemEntropy;

const NOW: UtcDateTime = utc_datetime!(2026-11-24 12:00);
const ADA: SubscriberId = SubscriberId::from_bytes([1; 16]);
const BEN: SubscriberId = SubscriberId::from_bytes([2; 16]);

struct Browser {
    device: SoftPasskey,
    origin: Url,
}

impl Browser {
    fn at(origin: &str) -> Self {
        Self { device: SoftPasskey::new(true), origin: Url::parse(origin).unwrap() }
    }

    fn create(&mut self, ceremony: &Ceremony) -> Value {
        let options = serde_json::from_str(&ceremony.options).unwrap();
        serde_json::to_value(self.device.do_registration(self.origin.clone(), options).unwrap()).unwrap()
    }

    fn get(&mut self, ceremony: &Ceremony) -> Value {
        let options = serde_json::from_str(&ceremony.options).unwrap();
        serde_json::to_value(self.device.do_authentication(self.origin.clone(), options).unwrap()).unwrap()
    }
}

fn us() -> RelyingParty {
    RelyingParty::new(&Url::parse("https://signet.example").unwrap(), "Signet").unwrap()
}

fn user() -> WebauthnUser<'static> {
    WebauthnUser { subscriber: ADA, name: "ada@example.gov", display_name: "ada@example.gov" }
}

fn enrolled(kind: WebauthnKind) -> (Browser, StoredCredential) {
    let mut browser = Browser::at("https://signet.example");
    let ceremony = us().begin_registration(kind, &user(), &[], NOW).unwrap();
    let answer = browser.create(&ceremony).to_string();
    let enrolled = us().finish_registration(&ceremony.pending, &answer, NOW, &SystemEntropy).unwrap();
    let stored = enrolled.credential;
    (browser, stored)
}

/// Rewrites the client data, as a page that lies about itself would.
fn with_client_data(answer: &Value, change: impl Fn(&mut Value)) -> String {
    let mut answer = answer.clone();
    let place = answer.pointer_mut("/response/clientDataJSON").unwrap();
    let mut said: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(place.as_str().unwrap()).unwrap()).unwrap();
    change(&mut said);
    *place = json!(URL_SAFE_NO_PAD.encode(said.to_string()));
    answer.to_string()
}

#[test]
fn either_kind_is_enrolled_and_then_proves_its_person() {
    for kind in [WebauthnKind::Passkey, WebauthnKind::SecurityKey] {
        let (mut browser, stored) = enrolled(kind);
        assert_eq!(stored.kind(), kind);
        let stored = StoredCredential::from_bytes(&stored.to_bytes().unwrap()).unwrap();
        let ceremony = us().begin_authentication(kind, std::slice::from_ref(&stored), NOW).unwrap();
        let answer = browser.get(&ceremony).to_string();
        let proof =
            us().finish_authentication(&ceremony.pending, &answer, ADA, std::slice::from_ref(&stored), NOW).unwrap();
        assert!(proof.proof.proved().phishing_resistant);
        assert_eq!(proof.proof.proved().user_verified, kind == WebauthnKind::Passkey);
        assert!(proof.updated.counter() > stored.counter());
        let event = AuthenticationEvent::of(proof.proof, Some(AuthenticatorId::from_bytes([3; 16])), NOW);
        assert_eq!(event.kind(), AuthenticatorKind::from(kind));
    }
}

#[test]
fn options_ask_for_a_discoverable_credential_and_the_prf_extension() {
    for kind in [WebauthnKind::Passkey, WebauthnKind::SecurityKey] {
        let ceremony = us().begin_registration(kind, &user(), &[], NOW).unwrap();
        let options: Value = serde_json::from_str(&ceremony.options).unwrap();
        assert_eq!(options["publicKey"]["authenticatorSelection"]["residentKey"], "preferred");
        assert_eq!(options["publicKey"]["extensions"]["prf"], json!({}));
        assert_eq!(options["publicKey"]["attestation"], "none");
        // Chromium refuses protection by user verification where that is not required.
        let protected = options["publicKey"]["extensions"].get("credentialProtectionPolicy").is_some();
        assert_eq!(protected, kind == WebauthnKind::Passkey);
        let challenge = options["publicKey"]["challenge"].as_str().unwrap();
        assert!(URL_SAFE_NO_PAD.decode(challenge).unwrap().len() >= 16);
    }
}

#[test]
fn what_is_enrolled_already_is_excluded() {
    let (_, stored) = enrolled(WebauthnKind::Passkey);
    let ceremony = us().begin_registration(WebauthnKind::Passkey, &user(), std::slice::from_ref(&stored), NOW).unwrap();
    let options: Value = serde_json::from_str(&ceremony.options).unwrap();
    let excluded = options["publicKey"]["excludeCredentials"][0]["id"].as_str().unwrap();
    assert_eq!(URL_SAFE_NO_PAD.decode(excluded).unwrap(), stored.credential_id());
}

#[test]
fn an_answer_after_five_minutes_is_refused() {
    let (mut browser, stored) = enrolled(WebauthnKind::Passkey);
    let list = [stored];
    let ceremony = us().begin_authentication(WebauthnKind::Passkey, &list, NOW).unwrap();
    let answer = browser.get(&ceremony).to_string();
    let late = us().finish_authentication(&ceremony.pending, &answer, ADA, &list, NOW + CEREMONY_LIFETIME);
    assert!(matches!(late, Err(WebauthnRefused::Expired)));
}

#[test]
fn an_answer_to_another_challenge_is_refused() {
    let (mut browser, stored) = enrolled(WebauthnKind::Passkey);
    let list = [stored];
    let (one, other) = (
        us().begin_authentication(WebauthnKind::Passkey, &list, NOW).unwrap(),
        us().begin_authentication(WebauthnKind::Passkey, &list, NOW).unwrap(),
    );
    let answer = browser.get(&one).to_string();
    assert!(matches!(
        us().finish_authentication(&other.pending, &answer, ADA, &list, NOW),
        Err(WebauthnRefused::Wrong(WebauthnError::MismatchedChallenge))
    ));
}

#[test]
fn an_answer_from_another_origin_is_refused() {
    let (mut browser, stored) = enrolled(WebauthnKind::Passkey);
    let list = [stored];
    for origin in [
        "http://signet.example",
        "https://signet.example:8443",
        "https://evil.signet.example",
        "https://signet.examp1e",
    ] {
        let ceremony = us().begin_authentication(WebauthnKind::Passkey, &list, NOW).unwrap();
        let answer = with_client_data(&browser.get(&ceremony), |said| said["origin"] = json!(origin));
        assert!(us().finish_authentication(&ceremony.pending, &answer, ADA, &list, NOW).is_err(), "{origin}");
    }
}

#[test]
fn an_answer_of_the_wrong_type_or_made_in_a_frame_is_refused() {
    let (mut browser, stored) = enrolled(WebauthnKind::Passkey);
    let list = [stored];
    let mut refused = |change: &dyn Fn(&mut Value)| {
        let ceremony = us().begin_authentication(WebauthnKind::Passkey, &list, NOW).unwrap();
        let answer = with_client_data(&browser.get(&ceremony), change);
        us().finish_authentication(&ceremony.pending, &answer, ADA, &list, NOW).unwrap_err()
    };
    assert!(matches!(
        refused(&|said| said["type"] = json!("webauthn.create")),
        WebauthnRefused::Wrong(WebauthnError::InvalidClientDataType)
    ));
    assert!(matches!(refused(&|said| said["crossOrigin"] = json!(true)), WebauthnRefused::CrossOrigin));
    assert!(matches!(refused(&|said| said["topOrigin"] = json!("https://evil.example")), WebauthnRefused::CrossOrigin));
}

#[test]
fn a_forged_signature_or_altered_flag_is_refused() {
    let (mut browser, stored) = enrolled(WebauthnKind::Passkey);
    let list = [stored];
    for place in ["/response/signature", "/response/authenticatorData"] {
        let ceremony = us().begin_authentication(WebauthnKind::Passkey, &list, NOW).unwrap();
        let mut answer = browser.get(&ceremony);
        let text = answer.pointer_mut(place).unwrap();
        let mut octets = URL_SAFE_NO_PAD.decode(text.as_str().unwrap()).unwrap();
        let at = octets.len() - 1;
        octets[at] ^= 1;
        *text = json!(URL_SAFE_NO_PAD.encode(octets));
        assert!(
            us().finish_authentication(&ceremony.pending, &answer.to_string(), ADA, &list, NOW).is_err(),
            "{place}"
        );
    }
}

#[test]
fn a_counter_that_does_not_grow_is_refused_against_what_is_stored_now() {
    let (mut browser, stored) = enrolled(WebauthnKind::Passkey);
    let list = [stored.clone()];
    let ceremony = us().begin_authentication(WebauthnKind::Passkey, &list, NOW).unwrap();
    let answer = browser.get(&ceremony).to_string();
    // Meanwhile the copy was used: what is stored has moved on.
    let mut meanwhile = stored;
    meanwhile.credential.counter = 1000;
    let list = [meanwhile];
    assert!(matches!(
        us().finish_authentication(&ceremony.pending, &answer, ADA, &list, NOW),
        Err(WebauthnRefused::CounterWentBack)
    ));
}

#[test]
fn anothers_authenticator_or_user_handle_is_refused() {
    let (mut browser, stored) = enrolled(WebauthnKind::Passkey);
    let (_, others) = enrolled(WebauthnKind::Passkey);
    let list = [stored];
    let ceremony = us().begin_authentication(WebauthnKind::Passkey, &list, NOW).unwrap();
    let mut answer = browser.get(&ceremony);
    assert!(matches!(
        us().finish_authentication(&ceremony.pending, &answer.to_string(), ADA, &[others], NOW),
        Err(WebauthnRefused::UnknownCredential)
    ));
    answer["response"]["userHandle"] = json!(URL_SAFE_NO_PAD.encode(BEN.as_bytes()));
    assert!(matches!(
        us().finish_authentication(&ceremony.pending, &answer.to_string(), ADA, &list, NOW),
        Err(WebauthnRefused::UnknownCredential)
    ));
}

#[test]
fn the_state_of_one_ceremony_serves_no_other() {
    let (mut browser, stored) = enrolled(WebauthnKind::Passkey);
    let list = [stored];
    let enrolling = us().begin_registration(WebauthnKind::Passkey, &user(), &[], NOW).unwrap();
    let asking = us().begin_authentication(WebauthnKind::Passkey, &list, NOW).unwrap();
    let answer = browser.get(&asking).to_string();
    assert!(matches!(
        us().finish_authentication(&enrolling.pending, &answer, ADA, &list, NOW),
        Err(WebauthnRefused::AnotherCeremony)
    ));
    let answer = browser.create(&enrolling).to_string();
    assert!(matches!(
        us().finish_registration(&asking.pending, &answer, NOW, &SystemEntropy),
        Err(WebauthnRefused::AnotherCeremony)
    ));
}

#[test]
fn what_is_no_answer_is_refused() {
    let (_, stored) = enrolled(WebauthnKind::Passkey);
    let list = [stored];
    let ceremony = us().begin_authentication(WebauthnKind::Passkey, &list, NOW).unwrap();
    for text in ["", "{}", "null", "[]", "{\"id\":1}"] {
        assert!(matches!(
            us().finish_authentication(&ceremony.pending, text, ADA, &list, NOW),
            Err(WebauthnRefused::Malformed)
        ));
    }
    assert!(matches!(
        us().begin_authentication(WebauthnKind::SecurityKey, &list, NOW),
        Err(WebauthnRefused::UnknownCredential)
    ));
}

#[test]
fn an_origin_without_a_host_name_is_refused() {
    assert!(RelyingParty::new(&Url::parse("https://127.0.0.1").unwrap(), "Signet").is_err());
    assert!(RelyingParty::new(&Url::parse("http://localhost:8080").unwrap(), "Signet").is_ok());
}
