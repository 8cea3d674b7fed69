//! Rules about answers: what is in a Response and an Assertion, how it is signed, encrypted and carried.

use std::collections::{BTreeMap, BTreeSet};

use time::Duration;

use super::{Answer, Finding, Scenes, check, hold, same, seen};
use crate::conform::asks::{PERSISTENT, TRANSIENT};
use Answer::{Deviation, ProvenBy};

const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";

pub(super) const ANSWERS: &[(&str, Answer)] = &[
    ("IIP-SSO01", check(profile)),
    ("IIP-SSO03", check(by_post)),
    ("IIP-SSO04", check(signed_either_way)),
    ("IIP-SSO05", check(name_ids)),
    ("IIP-IDP09", check(encrypted)),
    (
        "IIP-IDP11",
        Deviation(
            "Every assertion has a NameID, transient where the agreement says so: SP 800-63C-4 demands a subject identifier in \
             each, and single logout needs one. A transient one is good for one session and service, and tells nothing else",
        ),
    ),
    ("IIP-IDP21", check(case)),
    ("SDP-IDP08", check(by_post)),
    ("SDP-IDP09", check(responses_signed)),
    ("SDP-IDP10", check(one_of_each)),
    ("SDP-IDP11", check(encrypted_by_default)),
    ("SDP-IDP12", check(transient)),
    ("eGov-061", check(one_of_each)),
    ("eGov-064", check(session_index)),
    ("eGov-050", ProvenBy(&["service_fetches_the_response_that_the_browser_never_saw"])),
    ("eGov-053", check(errors_by_post)),
];

/// SAML Profiles §4.1.4.2, as its errata leave it.
fn profile(scenes: &Scenes) -> Finding {
    let mut looked_at = 0;
    for (scene, answered, assertion) in scenes.assertions()? {
        let (sent, response) = (&answered.came.sent, &answered.response);
        let us = &scenes.published.entity_id;
        let of = |what: &str| format!("{scene}: {what}");
        same(&of("the Response's Version"), &response.version, "2.0")?;
        same(&of("the Assertion's Version"), &assertion.version, "2.0")?;
        same(&of("the Response's Issuer"), &response.issuer, us)?;
        same(&of("the Assertion's Issuer"), &assertion.issuer, us)?;
        same(&of("Destination"), &response.destination, &sent.acs)?;
        same(&of("the form's action"), answered.came.action.as_str(), &sent.acs)?;
        same(&of("InResponseTo"), response.in_response_to.as_deref().unwrap_or("absent"), &sent.id)?;
        hold(answered.came.relay_state == sent.relay_state, || of("RelayState came back otherwise than it went"))?;
        hold(answered.came.cache_control.contains("no-store"), || of("the page of the form may be stored"))?;
        for at in [response.issue_instant, assertion.issue_instant] {
            let at = at.ok_or_else(|| of("an IssueInstant is missing"))?;
            let near = at <= answered.came.at && at >= sent.at - Duration::seconds(1);
            hold(near, || of("an IssueInstant is not between the request and the answer"))?;
        }
        let [confirmation] = assertion.confirmations.as_slice() else {
            return Err(of("there is other than one SubjectConfirmation"));
        };
        same(&of("the confirmation"), &confirmation.method, BEARER)?;
        same(&of("Recipient"), confirmation.recipient.as_deref().unwrap_or("absent"), &sent.acs)?;
        same(&of("its InResponseTo"), confirmation.in_response_to.as_deref().unwrap_or("absent"), &sent.id)?;
        hold(!confirmation.has_not_before, || of("the bearer confirmation has a NotBefore"))?;
        for until in [confirmation.not_on_or_after, assertion.not_on_or_after] {
            let until = until.ok_or_else(|| of("NotOnOrAfter is missing"))?;
            let lives = until > answered.came.at && until <= answered.came.at + Duration::minutes(10);
            hold(lives, || of("it is valid for other than a few minutes"))?;
        }
        let audiences = [answered.came.provider.entity_id()];
        hold(assertion.audiences == audiences, || of(&format!("the audience is {:?}", assertion.audiences)))?;
        hold(assertion.authentications.len() == 1, || of("there is other than one AuthnStatement"))?;
        looked_at += 1;
    }
    hold(looked_at > 20, || format!("only {looked_at} assertions came"))?;
    unique(scenes)?;
    seen(format!(
        "{looked_at} assertions: version, issuers, Destination, Recipient, InResponseTo, bearer confirmation without NotBefore, \
         NotOnOrAfter, one audience, fresh identifiers, RelayState as it went, no-store"
    ))
}

fn unique(scenes: &Scenes) -> Result<(), String> {
    let mut ids = BTreeSet::new();
    for (scene, answered) in scenes.answers()? {
        hold(ids.insert(&answered.response.id), || format!("{scene}: the Response's ID was used before"))?;
        if let Some(assertion) = &answered.response.assertion {
            hold(ids.insert(&assertion.id), || format!("{scene}: the Assertion's ID was used before"))?;
        }
    }
    Ok(())
}

fn by_post(scenes: &Scenes) -> Finding {
    let (mut answers, mut errors) = (0, 0);
    for (scene, answered) in scenes.answers()? {
        same(scene, answered.came.action.as_str(), &answered.came.sent.acs)?;
        answers += 1;
        errors += usize::from(!answered.response.is_success());
    }
    hold(errors > 5, || format!("only {errors} errors were answered"))?;
    seen(format!("{answers} answers by a form to the registered address, {errors} of them errors"))
}

fn errors_by_post(scenes: &Scenes) -> Finding {
    let answered = scenes.answered("declined")?;
    same("the form's action", answered.came.action.as_str(), &answered.came.sent.acs)?;
    by_post(scenes)
}

fn signed_either_way(scenes: &Scenes) -> Finding {
    for (scene, response, assertion) in [
        ("first", true, true),
        ("assertion-only", false, true),
        ("response-only", true, false),
        ("clear-text", true, true),
    ] {
        let is_signed = scenes.answered(scene)?.response.signed.is_some();
        hold(is_signed == response, || format!("{scene}: the Response is signed: {is_signed}"))?;
        let is_signed = scenes.assertion(scene)?.signed.is_some();
        hold(is_signed == assertion, || format!("{scene}: the Assertion is signed: {is_signed}"))?;
    }
    seen("both by default; only the Assertion, or only the Response, by agreement; each verified twice")
}

fn responses_signed(scenes: &Scenes) -> Finding {
    let mut signed = 0;
    for (scene, answered) in scenes.answers()?.filter(|(scene, _)| *scene != "assertion-only") {
        hold(answered.response.signed.is_some(), || format!("{scene}: the Response is not signed"))?;
        signed += 1;
    }
    hold(signed > 0, || "no answer came".to_owned())?;
    seen(format!("{signed} Responses, errors among them, each verified by two readings"))
}

fn one_of_each(scenes: &Scenes) -> Finding {
    for (scene, answered) in scenes.answers()? {
        let wanted = usize::from(answered.response.is_success());
        let there = answered.response.assertions;
        hold(there == wanted, || format!("{scene}: {there} assertions came"))?;
    }
    for (scene, _, assertion) in scenes.assertions()? {
        let statements = assertion.authentications.len();
        hold(statements == 1, || format!("{scene}: {statements} AuthnStatements"))?;
        let statements = assertion.xml.matches("<saml:AttributeStatement").count();
        hold(statements <= 1, || format!("{scene}: {statements} AttributeStatements"))?;
    }
    scenes.assertion("first")?;
    seen("one Assertion in each success and none in each error; one AuthnStatement, one AttributeStatement")
}

fn encrypted(scenes: &Scenes) -> Finding {
    let how = scenes.answered("first")?.response.encrypted.as_ref().ok_or("the Assertion came in clear")?;
    let code = scenes.stopped("no-key")?.code.clone().unwrap_or_default();
    seen(format!(
        "{} with {}, opened with OpenSSL alone; a service without a key gets a refusal ({code}), never clear text",
        how.cipher.rsplit('#').next().unwrap_or_default(),
        how.transport.rsplit('#').next().unwrap_or_default()
    ))
}

fn encrypted_by_default(scenes: &Scenes) -> Finding {
    let mut hidden = 0;
    for (scene, answered, assertion) in scenes.assertions()?.filter(|(scene, ..)| *scene != "clear-text") {
        hold(answered.response.encrypted.is_some(), || format!("{scene}: the Assertion came in clear"))?;
        hold(assertion.encrypted_inside == 0, || format!("{scene}: something is encrypted twice"))?;
        hidden += 1;
    }
    hold(hidden > 0, || "no assertion came".to_owned())?;
    seen(format!(
        "{hidden} Assertions, nothing inside encrypted once more; in clear only where an agreement names the exception"
    ))
}

fn name_ids(scenes: &Scenes) -> Finding {
    let name = |scene: &str| {
        let assertion = scenes.assertion(scene)?;
        assertion.name_id.clone().ok_or_else(|| format!("{scene}: there is no NameID"))
    };
    let (first, second) = (name("first")?, name("second")?);
    hold(first == second, || "the persistent NameID is another the second time".to_owned())?;
    same("its format", first.format.as_deref().unwrap_or("absent"), PERSISTENT)?;
    same("NameQualifier", first.name_qualifier.as_deref().unwrap_or("absent"), &scenes.published.entity_id)?;
    same(
        "SPNameQualifier",
        first.sp_name_qualifier.as_deref().unwrap_or("absent"),
        "https://plain.conform.example/saml",
    )?;
    hold(first.value.chars().count() <= 256, || "the persistent NameID has more than 256 characters".to_owned())?;
    for other in ["other", "another-person"] {
        hold(name(other)?.value != first.value, || format!("{other}: the same persistent NameID"))?;
    }
    let (one, two) = (name("policy-transient")?, name("policy-transient-again")?);
    same("the transient format", one.format.as_deref().unwrap_or("absent"), TRANSIENT)?;
    hold(one.value == two.value, || "a transient NameID changed within one session".to_owned())?;
    hold(name("transient")?.value != one.value && one.value.len() >= 32, || {
        "two services got one transient NameID, or it is short".to_owned()
    })?;
    seen(
        "persistent: the same every time, another for another person or agency, qualified; transient: one for each session and service",
    )
}

fn case(scenes: &Scenes) -> Finding {
    let mut names = 0;
    for (scene, _, assertion) in scenes.assertions()? {
        let persistent = assertion.name_id.iter().filter(|name| name.format.as_deref() == Some(PERSISTENT));
        for name in persistent {
            hold(name.value == name.value.to_lowercase(), || format!("{scene}: the NameID has upper-case letters"))?;
            names += 1;
        }
    }
    hold(names > 0, || "no persistent NameID came".to_owned())?;
    seen(format!("{names} persistent NameIDs, all in lower case"))
}

fn transient(scenes: &Scenes) -> Finding {
    let name = scenes.assertion("transient")?.name_id.as_ref().ok_or("there is no NameID")?;
    same("the format", name.format.as_deref().unwrap_or("absent"), TRANSIENT)?;
    seen("where the agreement says so; otherwise persistent by default, as Login.gov's partners have it")
}

fn session_index(scenes: &Scenes) -> Finding {
    let mut services = BTreeMap::new();
    for (scene, answered, assertion) in scenes.assertions()? {
        let index = assertion.authentications.first().and_then(|one| one.session_index.as_ref());
        let index = index.ok_or_else(|| format!("{scene}: there is no SessionIndex"))?;
        let service = answered.came.provider.service;
        let first = *services.entry(index).or_insert(service);
        hold(first == service, || format!("{scene}: the SessionIndex is the one of {first}"))?;
    }
    hold(!services.is_empty(), || "no assertion came".to_owned())?;
    let of = |scene| {
        Ok::<_, String>(scenes.assertion(scene)?.authentications.first().and_then(|one| one.session_index.as_ref()))
    };
    hold(of("first")? == of("second")?, || "one service got two SessionIndexes in one session".to_owned())?;
    hold(of("first")? != of("another-person")?, || "two persons got one SessionIndex".to_owned())?;
    scenes.logout("everywhere")?;
    seen(format!(
        "{} of them: one for each session and service, so that services cannot compare them, and the same for further sign-ins; a \
         logout finds its session by it",
        services.len()
    ))
}
