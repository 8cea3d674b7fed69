//! Deliberately broken identity providers: what ours said is changed on the way, and signed anew with its own key where a broken
//! one would sign it. The rules that it breaks are seen to fail, and those that it keeps are not.

use openssl::hash::{MessageDigest, hash};
use signet::conform::{self, Between, Nothing, Played, Report, Verdict};
use signet::saml::signature::Signer;

/// Changes a message of some scenes.
struct Broken<'a> {
    signer: &'a dyn Signer,
    scenes: &'a [&'a str],
    response: fn(String) -> String,
    assertion: fn(String) -> String,
    logout: fn(String) -> String,
    metadata: fn(String) -> String,
}

impl<'a> Broken<'a> {
    fn at(signer: &'a dyn Signer, scenes: &'a [&'a str]) -> Self {
        let same = |text: String| text;
        Self { signer, scenes, response: same, assertion: same, logout: same, metadata: same }
    }

    fn change(&self, scene: &str, text: String, how: fn(String) -> String) -> String {
        if !self.scenes.contains(&scene) {
            return text;
        }
        let changed = how(text.clone());
        if changed == text { text } else { sign_anew(&changed, self.signer) }
    }
}

impl Between for Broken<'_> {
    fn response(&self, scene: &str, response: String) -> String {
        self.change(scene, response, self.response)
    }

    fn assertion(&self, scene: &str, assertion: String) -> String {
        self.change(scene, assertion, self.assertion)
    }

    fn logout_message(&self, scene: &str, message: String) -> String {
        if self.scenes.contains(&scene) { (self.logout)(message) } else { message }
    }

    fn metadata(&self, metadata: String) -> String {
        (self.metadata)(metadata)
    }
}

/// Signs the element that is this whole text anew, if it has a signature of its own.
fn sign_anew(xml: &str, signer: &dyn Signer) -> String {
    let Some((before, rest)) = xml.split_once("<ds:Signature ") else { return xml.to_owned() };
    let (inside, after) = rest.split_once("</ds:Signature>").unwrap();
    let put = |text: &str, element: &str, octets: &[u8]| {
        let (head, tail) = text.split_once(&format!("<{element}>")).unwrap();
        let (_, tail) = tail.split_once('<').unwrap();
        format!("{head}<{element}>{}<{tail}", openssl::base64::encode_block(octets))
    };
    let digest = hash(MessageDigest::sha256(), format!("{before}{after}").as_bytes()).unwrap();
    let inside = put(inside, "ds:DigestValue", &digest);
    let info = inside.split_once("<ds:SignedInfo>").unwrap().1.split_once("</ds:SignedInfo>").unwrap().0;
    let info = format!("<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{info}</ds:SignedInfo>");
    let inside = put(&inside, "ds:SignatureValue", &signer.sign(info.as_bytes()).unwrap());
    format!("{before}<ds:Signature {inside}</ds:Signature>{after}")
}

/// What stands between two texts is another.
fn between(text: &str, from: &str, to: &str, other: &str) -> String {
    let (head, tail) = text.split_once(from).unwrap_or_else(|| panic!("no {from}"));
    let (_, tail) = tail.split_once(to).unwrap();
    format!("{head}{from}{other}{to}{tail}")
}

#[track_caller]
fn breaks(report: &Report, labels: &[&str]) {
    for label in labels {
        let verdict = report.verdict(label).unwrap();
        assert!(matches!(verdict, Verdict::Broken(_)), "{label}: {verdict:?}");
    }
}

#[track_caller]
fn keeps(report: &Report, labels: &[&str]) {
    for label in labels {
        let verdict = report.verdict(label).unwrap();
        assert!(!matches!(verdict, Verdict::Broken(_)), "{label}: {verdict:?}");
    }
}

fn judge(played: &Played, broken: &Broken<'_>) -> Report {
    played.report(broken).unwrap()
}

/// One test, since playing everything takes seconds.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_identity_provider_fails_the_rules_that_it_breaks() {
    let played = conform::play().await.unwrap();
    signing_anew_alone_breaks_nothing(&played);
    a_response_without_its_signature_is_noticed(&played);
    a_changed_octet_is_noticed(&played);
    an_answer_to_another_request_is_noticed(&played);
    another_audience_recipient_or_validity_is_noticed(&played);
    a_stale_sign_in_after_force_authn_is_noticed(&played);
    a_level_that_was_not_reached_is_noticed(&played);
    an_attribute_beyond_the_agreement_is_noticed(&played);
    a_date_of_birth_in_place_of_an_age_is_noticed(&played);
    names_that_agencies_could_compare_are_noticed(&played);
    a_lost_relay_state_is_noticed(&played);
    a_logout_that_claims_more_than_happened_is_noticed(&played);
    metadata_that_was_changed_or_lacks_something_is_noticed(&played);
}

fn signing_anew_alone_breaks_nothing(played: &Played) {
    struct SignedAnew<'a>(&'a dyn Signer);
    impl Between for SignedAnew<'_> {
        fn assertion(&self, _: &str, assertion: String) -> String {
            sign_anew(&assertion, self.0)
        }
    }
    let broken = |report: &Report| report.broken().map(|row| row.label.name).collect::<Vec<_>>();
    let as_it_came = played.report(&Nothing).unwrap();
    assert_eq!(broken(&played.report(&SignedAnew(played.signer())).unwrap()), broken(&as_it_came));
}

fn a_response_without_its_signature_is_noticed(played: &Played) {
    let strip = |xml: String| {
        let (before, rest) = xml.split_once("<ds:Signature ").unwrap();
        format!("{before}{}", rest.split_once("</ds:Signature>").unwrap().1)
    };
    let broken = Broken { response: strip, ..Broken::at(played.signer(), &["second"]) };
    let report = judge(played, &broken);
    breaks(&report, &["SDP-IDP09"]);
    keeps(&report, &["SDP-IDP08", "IIP-IDP09", "63C-AUDIENCE"]);
    let broken = Broken { assertion: strip, ..Broken::at(played.signer(), &["second"]) };
    breaks(&judge(played, &broken), &["63C-SIGNED-WHOLE"]);
}

fn a_changed_octet_is_noticed(played: &Played) {
    struct Changed;
    impl Between for Changed {
        fn response(&self, scene: &str, response: String) -> String {
            if scene == "first" { response.replacen("status:Success", "status:success", 1) } else { response }
        }
    }
    let report = played.report(&Changed).unwrap();
    breaks(&report, &["SDP-IDP01", "IIP-SSO02", "63C-LEVELS"]);
    keeps(&report, &["SDP-IDP05"]);
}

fn an_answer_to_another_request_is_noticed(played: &Played) {
    let other = |xml: String| between(&xml, "InResponseTo=\"", "\"", "_another");
    let broken = Broken { response: other, ..Broken::at(played.signer(), &["acs-index"]) };
    let report = judge(played, &broken);
    breaks(&report, &["IIP-SSO01", "63C-SP-INITIATED", "63C-INJECTION"]);
    keeps(&report, &["63C-AUDIENCE", "SDP-IDP09"]);
    let broken = Broken { assertion: other, ..Broken::at(played.signer(), &["acs-index"]) };
    breaks(&judge(played, &broken), &["IIP-SSO01", "63C-INJECTION"]);
}

fn another_audience_recipient_or_validity_is_noticed(played: &Played) {
    let at = Broken::at(played.signer(), &["sibling"]);
    let audience = |xml: String| between(&xml, "<saml:Audience>", "<", "https://other.example/");
    let report = judge(played, &Broken { assertion: audience, ..at });
    breaks(&report, &["IIP-SSO01", "63C-AUDIENCE"]);
    let at = || Broken::at(played.signer(), &["sibling"]);
    let two = |xml: String| {
        xml.replacen("</saml:Audience>", "</saml:Audience><saml:Audience>https://other.example/</saml:Audience>", 1)
    };
    breaks(&judge(played, &Broken { assertion: two, ..at() }), &["63C-AUDIENCE"]);
    let recipient = |xml: String| between(&xml, "Recipient=\"", "\"", "https://other.example/acs");
    breaks(&judge(played, &Broken { assertion: recipient, ..at() }), &["IIP-SSO01"]);
    let for_years = |xml: String| between(&xml, "NotOnOrAfter=\"", "\"", "2099-01-01T00:00:00Z");
    breaks(&judge(played, &Broken { assertion: for_years, ..at() }), &["IIP-SSO01"]);
    let early = |xml: String| xml.replacen(" NotOnOrAfter=", " NotBefore=\"2020-01-01T00:00:00Z\" NotOnOrAfter=", 1);
    breaks(&judge(played, &Broken { assertion: early, ..at() }), &["IIP-SSO01"]);
}

fn a_stale_sign_in_after_force_authn_is_noticed(played: &Played) {
    let stale = |xml: String| between(&xml, "AuthnInstant=\"", "\"", "2020-01-01T00:00:00Z");
    let broken = Broken { assertion: stale, ..Broken::at(played.signer(), &["forced"]) };
    let report = judge(played, &broken);
    breaks(&report, &["IIP-IDP06", "SDP-IDP07", "63C-AUTHN-TIME", "REFEDS-INSTANT"]);
    keeps(&report, &["IIP-IDP07", "IIP-IDP08"]);
}

fn a_level_that_was_not_reached_is_noticed(played: &Played) {
    let raise = |xml: String| xml.replace("assurance/aal/2", "assurance/aal/3");
    let broken = Broken { assertion: raise, ..Broken::at(played.signer(), &["exact"]) };
    breaks(&judge(played, &broken), &["IIP-IDP08", "63C-LEVELS"]);
}

fn an_attribute_beyond_the_agreement_is_noticed(played: &Played) {
    let more = |xml: String| {
        let ssn =
            "<saml:Attribute Name=\"ssn\"><saml:AttributeValue>900-12-3456</saml:AttributeValue></saml:Attribute>";
        xml.replacen("</saml:AttributeStatement>", &format!("{ssn}</saml:AttributeStatement>"), 1)
    };
    let broken = Broken { assertion: more, ..Broken::at(played.signer(), &["beyond-agreement"]) };
    breaks(&judge(played, &broken), &["IIP-IDP02", "63C-ALLOWED", "63C-EXTRA"]);
}

fn a_date_of_birth_in_place_of_an_age_is_noticed(played: &Played) {
    let whole = |xml: String| xml.replace("\"age_over_18\"", "\"dob\"");
    breaks(&judge(played, &Broken { assertion: whole, ..Broken::at(played.signer(), &["older"]) }), &["63C-DERIVED"]);
}

fn names_that_agencies_could_compare_are_noticed(played: &Played) {
    struct OneName;
    impl Between for OneName {
        fn assertion(&self, _: &str, assertion: String) -> String {
            let Some((head, rest)) = assertion.split_once("<saml:NameID ") else { return assertion };
            let (tag, rest) = rest.split_once('>').unwrap();
            format!("{head}<saml:NameID {tag}>one-name-for-all{}", &rest[rest.find('<').unwrap()..])
        }
    }
    struct Signed<'a>(&'a dyn Signer);
    impl Between for Signed<'_> {
        fn assertion(&self, scene: &str, assertion: String) -> String {
            sign_anew(&OneName.assertion(scene, assertion), self.0)
        }
    }
    let report = played.report(&Signed(played.signer())).unwrap();
    breaks(&report, &["IIP-SSO05", "63C-PAIRWISE-ONE-RP", "SUBJ-DIFFERS"]);
}

fn a_lost_relay_state_is_noticed(played: &Played) {
    struct Lost;
    impl Between for Lost {
        fn relay_state(&self, scene: &str, relay_state: Option<String>) -> Option<String> {
            relay_state.filter(|_| scene != "by-post")
        }
    }
    breaks(&played.report(&Lost).unwrap(), &["IIP-SSO01"]);
}

fn a_logout_that_claims_more_than_happened_is_noticed(played: &Played) {
    let claims = |xml: String| match xml
        .split_once("<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:PartialLogout\">")
    {
        Some((head, rest)) => format!("{head}{}", rest.split_once("</samlp:StatusCode>").unwrap().1),
        None => xml,
    };
    let broken = Broken { logout: claims, ..Broken::at(played.signer(), &["partly"]) };
    let report = judge(played, &broken);
    breaks(&report, &["SDP-IDP31", "eGov-098"]);
    keeps(&report, &["SDP-IDP28", "SDP-IDP30"]);
    let names = |xml: String| xml.replace("Destination=\"https://plain", "Destination=\"https://other");
    let broken = Broken { logout: names, ..Broken::at(played.signer(), &["partly"]) };
    breaks(&judge(played, &broken), &["SDP-IDP28"]);
}

fn metadata_that_was_changed_or_lacks_something_is_noticed(played: &Played) {
    let changed = |xml: String| xml.replace("contactType=\"technical\"", "contactType=\"other\"");
    let report = judge(played, &Broken { metadata: changed, ..Broken::at(played.signer(), &[]) });
    breaks(&report, &["SDP-MD11", "SDP-IDP33"]);
    let unnamed =
        |xml: String| xml.replace("refeds.org/metadata/contactType/security", "refeds.org/metadata/contactType/any");
    let report = judge(played, &Broken { metadata: unnamed, ..Broken::at(played.signer(), &[]) });
    breaks(&report, &["ENTATTR-SIRTFI"]);
    keeps(&report, &["SDP-MD11"]);
    let regexp = |xml: String| xml.replace("regexp=\"false\"", "regexp=\"true\"");
    let report = judge(played, &Broken { metadata: regexp, ..Broken::at(played.signer(), &[]) });
    breaks(&report, &["SDP-IDP14"]);
    let undated = |xml: String| xml.replacen(" validUntil=", " validUnti1=", 1);
    breaks(&judge(played, &Broken { metadata: undated, ..Broken::at(played.signer(), &[]) }), &["SDP-IDP33"]);
}
