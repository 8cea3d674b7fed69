//! Rules of NIST SP 800-63C-4.

use super::{Answer, Finding, Scenes, attributes, check, each_answered, hold, same, seen};
use crate::conform::drive::Saw;
use Answer::{Deviation, NotApplicable, NotYet, ProvenBy};

/// Why rules for proxies do not apply.
const NO_PROXY: &str = "Signet authenticates people itself; it relies on no other identity provider";

pub(super) const ANSWERS: &[(&str, Answer)] = &[
    ("63C-AUDIENCE", check(audience)),
    ("63C-SP-INITIATED", check(service_begins)),
    ("63C-INJECTION", check(injection)),
    ("63C-AGREEMENT", check(agreement_first)),
    (
        "63C-FIPS",
        NotApplicable(
            "all cryptography is the system's OpenSSL: whether its module is validated is the operator's choice of system, and \
             is not claimed here",
        ),
    ),
    ("63C-FAL3", NotApplicable("FAL2 is offered; a service that needs FAL3 cannot be served")),
    ("63C-ENCRYPTED", check(encrypted)),
    ("63C-LEVELS", check(levels)),
    ("63C-AUTHN-TIME", check(authentication_time)),
    ("63C-CONTENTS", check(contents)),
    ("63C-SIGNED-WHOLE", check(signed_whole)),
    ("63C-PROXY-ROLES", NotApplicable(NO_PROXY)),
    ("63C-PROXY-ISSUER", NotApplicable(NO_PROXY)),
    ("63C-PROXY-FAL", NotApplicable(NO_PROXY)),
    ("63C-PROXY-MAPPING", ProvenBy(&["debug_shows_neither_pairwise_identifier_nor_name_id"])),
    ("63C-PAIRWISE-STRENGTH", ProvenBy(&["pairwise_identifiers_are_lower_case_version_4_uuids_and_differ"])),
    ("63C-PAIRWISE-ONE-RP", check(pairwise)),
    ("63C-PAIRWISE-NO-PII", check(no_pii)),
    ("63C-TERMS", ProvenBy(&["attribute_without_a_purpose_is_refused", "agency_and_entity_and_addresses_are_checked"])),
    ("63C-ALLOWED", check(ceiling)),
    ("63C-EXTRA", check(ceiling)),
    ("63C-BLOCKED", check(blocked)),
    ("63C-VISIBLE", check(visible)),
    ("63C-DECISION", check(decision)),
    ("63C-REVOCABLE", ProvenBy(&["person_is_asked_again_after_revocation"])),
    ("63C-REDRESS", ProvenBy(&["pages_for_everybody_are_there_and_give_no_cookie"])),
    ("63C-DERIVED", check(derived)),
    ("63C-TRACKING", ProvenBy(&["the_log_of_whole_journeys_holds_nothing_personal_and_nothing_secret"])),
    (
        "63C-ARTIFACT",
        ProvenBy(&[
            "artifact_is_good_for_a_minute",
            "other_service_learns_that_there_is_nothing_and_takes_nothing_away",
            "service_fetches_the_response_that_the_browser_never_saw",
        ]),
    ),
    ("63C-SIGNALS", NotYet("services are told of logouts; not when an account ends or its authenticators change")),
    (
        "63C-RP-SIGNALS",
        Deviation(
            "there is no channel by which a service could say that an account is compromised, but the support address",
        ),
    ),
];

fn audience(scenes: &Scenes) -> Finding {
    let mut assertions = 0;
    for (scene, answered, assertion) in scenes.assertions()? {
        let only = [answered.came.provider.entity_id()];
        hold(assertion.audiences == only, || format!("{scene}: {:?}", assertion.audiences))?;
        assertions += 1;
    }
    hold(assertions > 0, || "no assertion came".to_owned())?;
    seen(format!("{assertions} assertions, each for the service that asked and nobody else"))
}

fn service_begins(scenes: &Scenes) -> Finding {
    for (scene, answered) in scenes.answers()? {
        let response = &answered.response;
        same(scene, response.in_response_to.as_deref().unwrap_or("absent"), &answered.came.sent.id)?;
    }
    scenes.assertion("first")?;
    seen("every answer names a request; there is no address by which a sign-in at a service could begin here")
}

fn injection(scenes: &Scenes) -> Finding {
    let code = scenes.stopped("replayed")?.code.clone().unwrap_or_default();
    service_begins(scenes)?;
    let mut assertions = 0;
    for (scene, answered, assertion) in scenes.assertions()? {
        for confirmation in &assertion.confirmations {
            same(scene, confirmation.in_response_to.as_deref().unwrap_or("absent"), &answered.came.sent.id)?;
        }
        assertions += 1;
    }
    seen(format!(
        "{assertions} assertions name their request in the signed confirmation; a request is taken once ({code}), and is bound \
         to the browser that brought it"
    ))
}

fn agreement_first(scenes: &Scenes) -> Finding {
    let code = scenes.stopped("disabled")?.code.clone().unwrap_or_default();
    seen(format!(
        "only services with metadata and an agreement are known; one that is switched off is refused ({code})"
    ))
}

fn encrypted(scenes: &Scenes) -> Finding {
    let mut hidden = 0;
    for (scene, answered, _) in scenes.assertions()?.filter(|(scene, ..)| *scene != "clear-text") {
        hold(answered.response.encrypted.is_some(), || format!("{scene}: the assertion passed the browser in clear"))?;
        hold(!answered.response.xml.contains("conform.example\">person-"), || {
            format!("{scene}: personal data in clear")
        })?;
        hidden += 1;
    }
    hold(hidden > 0, || "no assertion came".to_owned())?;
    let code = scenes.stopped("no-key")?.code.clone().unwrap_or_default();
    seen(format!(
        "{hidden} assertions; a service without a key gets none ({code}); clear text only as an exception by name"
    ))
}

fn levels(scenes: &Scenes) -> Finding {
    let uri = |kind: &str, number: u8| format!("http://idmanagement.gov/ns/assurance/{kind}/{number}");
    for (scene, _, assertion) in scenes.assertions()? {
        let of = |name: &str| assertion.values(name).and_then(<[String]>::first).cloned().unwrap_or_default();
        let ial = of("ial");
        hold([uri("ial", 1), uri("ial", 2)].contains(&ial), || format!("{scene}: ial is {ial:?}"))?;
        same(&format!("{scene}: aal"), &of("aal"), &uri("aal", 2))?;
        hold(assertion.class().is_some(), || format!("{scene}: there is no AuthnContextClassRef"))?;
    }
    let of = |scene: &str| Ok::<_, String>(scenes.assertion(scene)?.values("ial").and_then(<[String]>::first).cloned());
    hold(of("first")? == Some(uri("ial", 1)), || "level 2 was stated though nobody asked for it".to_owned())?;
    hold(of("proofed")? == Some(uri("ial", 2)), || "level 2 was asked for and reached, and not stated".to_owned())?;
    seen("ial and aal are attributes of every assertion, as what happened; FAL2 is the agreement's")
}

fn authentication_time(scenes: &Scenes) -> Finding {
    for (scene, answered, assertion) in scenes.assertions()? {
        let instant = assertion.authentications.first().and_then(|one| one.instant);
        let instant = instant.ok_or_else(|| format!("{scene}: there is no AuthnInstant"))?;
        hold(instant <= answered.came.at, || format!("{scene}: AuthnInstant is in the future"))?;
    }
    let forced = scenes.answered("forced")?;
    let instant = scenes.assertion("forced")?.authentications.first().and_then(|one| one.instant);
    hold(instant.is_some_and(|at| at >= forced.came.sent.at), || "ForceAuthn did not make it new".to_owned())?;
    seen(
        "AuthnInstant in each; a service bounds the age by it, and by ForceAuthn; twelve hours are the most in any case",
    )
}

fn contents(scenes: &Scenes) -> Finding {
    let mut assertions = 0;
    for (scene, answered, assertion) in scenes.assertions()? {
        let there = assertion.name_id.is_some()
            && !assertion.issuer.is_empty()
            && !assertion.audiences.is_empty()
            && assertion.issue_instant.is_some()
            && assertion.not_before.is_some()
            && assertion.not_on_or_after.is_some()
            && assertion.id.len() >= 33
            && assertion.authentications.iter().all(|one| one.instant.is_some());
        hold(there, || format!("{scene}: something that must be there is not"))?;
        let signed = assertion.signed.is_some() || answered.response.signed.is_some();
        hold(signed, || format!("{scene}: nothing is signed"))?;
        assertions += 1;
    }
    hold(assertions > 0, || "no assertion came".to_owned())?;
    injection(scenes)?;
    seen(format!("{assertions} assertions have them all, and the signer's certificate in KeyInfo"))
}

fn signed_whole(scenes: &Scenes) -> Finding {
    let mut signed = 0;
    for (scene, answered, assertion) in scenes.assertions()? {
        let covered = match scene {
            "response-only" => answered.response.signed.is_some(),
            _ => assertion.signed.is_some(),
        };
        hold(covered, || format!("{scene}: the assertion is not covered by a signature"))?;
        signed += 1;
    }
    hold(signed > 0, || "no assertion came".to_owned())?;
    seen(format!("{signed} assertions: the digest is over the whole element, taken apart and compared by plain means"))
}

fn pairwise(scenes: &Scenes) -> Finding {
    let name = |scene: &str| {
        let name = scenes.assertion(scene)?.name_id.clone();
        name.map(|name| name.value).ok_or_else(|| format!("{scene}: there is no NameID"))
    };
    hold(name("first")? == name("sibling")?, || "two services of one agency know the person by two names".to_owned())?;
    hold(name("first")? != name("other")?, || "two agencies know the person by one name".to_owned())?;
    hold(name("first")? != name("another-person")?, || "two persons have one name".to_owned())?;
    let page = scenes.answered("first")?.came.consent_page.clone().unwrap_or_default();
    hold(page.contains("The harbour-office"), || "the page for agreeing does not name the agency".to_owned())?;
    seen("services of one agency share it, which the page for agreeing says; no two agencies do")
}

fn no_pii(scenes: &Scenes) -> Finding {
    for (scene, _, assertion) in scenes.assertions()?.filter(|(scene, ..)| *scene != "policy-email") {
        let name = assertion.name_id.as_ref().map(|name| name.value.as_str()).unwrap_or_default();
        hold(!name.contains('@'), || format!("{scene}: the NameID is an address"))?;
        if let Some([value]) = assertion.values(attributes::PAIRWISE_ID) {
            hold(!value.contains("person-"), || format!("{scene}: pairwise-id tells who it is"))?;
        }
    }
    scenes.assertion("first")?;
    seen("random, but where an agreement names e-mail addresses as NameID: then the person is told, and asked again")
}

fn ceiling(scenes: &Scenes) -> Finding {
    let assertion = scenes.assertion("beyond-agreement")?;
    hold(assertion.values("ssn").is_none(), || "an attribute outside the agreement was sent".to_owned())?;
    let page = scenes.answered("beyond-agreement")?.came.consent_page.clone().unwrap_or_default();
    hold(page.is_empty() || page.to_lowercase().contains("social security"), || {
        "the page for agreeing does not say what is withheld".to_owned()
    })?;
    seen("what the agreement lacks is withheld whatever is asked, and the person reads that it was asked for")
}

fn blocked(scenes: &Scenes) -> Finding {
    let code = scenes.stopped("disabled")?.code.clone().unwrap_or_default();
    seen(format!("a service that is switched off gets no answer ({code})"))
}

fn derived(scenes: &Scenes) -> Finding {
    let assertion = scenes.assertion("older")?;
    hold(assertion.values("age_over_18") == Some(&["true".to_owned()]), || {
        "that the person is 18 or older was asked for and agreed, and not sent".to_owned()
    })?;
    hold(assertion.values("dob").is_none(), || "the date of birth was sent with it".to_owned())?;
    let page = scenes.answered("older")?.came.consent_page.clone().unwrap_or_default();
    hold(page.contains("Whether you are 18 or older"), || "the page for agreeing does not say so".to_owned())?;
    seen("that the person is 18 or older was sent without the date of birth, and shown before as what it is")
}

fn visible(scenes: &Scenes) -> Finding {
    let page = scenes.around.services_page.as_deref().ok_or("there is no page of connected services")?;
    for service in ["Service plain", "Service other"] {
        hold(page.contains(service), || format!("{service} is not on the page of connected services"))?;
    }
    seen("the account page lists each connected service, what it received and when")
}

fn decision(scenes: &Scenes) -> Finding {
    let answered = scenes.answered("proofed")?;
    hold(answered.came.saw.contains(&Saw::Consent), || "nobody was asked".to_owned())?;
    let page = answered.came.consent_page.clone().unwrap_or_default();
    for words in
        ["Service plain", "The harbour-office", "To try email out", "To try dob out", "person-0@conform.example"]
    {
        hold(page.contains(words), || format!("the page for agreeing lacks {words:?}"))?;
    }
    same("declining", scenes.refused("declined")?, "RequestDenied")?;
    hold(scenes.answered("proofed-again")?.came.saw.is_empty(), || "the decision was not remembered".to_owned())?;
    each_answered(scenes, &["proofed-again"])?;
    seen(
        "service, agency, each value with its purpose; sensitive ones behind a click; declining is answered; remembered for a year",
    )
}
