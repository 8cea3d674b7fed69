//! Rules about attributes and subject identifiers.

use super::{Answer, Finding, Scenes, check, each_answered, each_refused, hold, same, seen};
use crate::conform::asks::{PERSISTENT, TRANSIENT};
use Answer::{Deviation, ProvenBy};

pub(super) const PAIRWISE_ID: &str = "urn:oasis:names:tc:SAML:attribute:pairwise-id";
const SUBJECT_ID: &str = "urn:oasis:names:tc:SAML:attribute:subject-id";
const URI: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri";
const MAIL: &str = "urn:oid:0.9.2342.19200300.100.1.3";

pub(super) const ANSWERS: &[(&str, Answer)] = &[
    (
        "IIP-IDP01",
        Deviation(
            "Names come from a closed catalogue, in two profiles (Login.gov's short names; URIs of X.500/LDAP and OASIS), so that \
             each attribute has a form, a level and a purpose that people can read",
        ),
    ),
    ("IIP-IDP02", check(by_entity)),
    (
        "IIP-IDP03",
        Deviation(
            "Each service has an agreement with purposes that people read (SP 800-63C §4.3); a tag in metadata is no agreement. \
             The one entity attribute that is obeyed is the subject identifier's",
        ),
    ),
    ("IIP-IDP04", check(requested)),
    ("SDP-IDP13", check(pairwise_id)),
    ("SDP-IDP15", check(signal)),
    ("SDP-IDP16", check(cannot_satisfy)),
    ("SDP-IDP17", check(no_signal)),
    ("SDP-IDP18", check(uri_names)),
    ("SDP-IDP19", check(plain_text)),
    ("SDP-IDP20", check(one_element_each)),
    ("SUBJ-SYNTAX", check(syntax)),
    ("SUBJ-REQ", check(signal)),
    ("SUBJ-NONE", check(none)),
    ("SUBJ-ANY", check(any)),
    ("SUBJ-SCOPE", check(scope)),
    ("SUBJ-DIFFERS", check(differs)),
    ("SUBJ-STABLE", check(stable)),
    ("SUBJ-IRREVERSIBLE", ProvenBy(&["pairwise_identifiers_are_lower_case_version_4_uuids_and_differ"])),
    ("SUBJ-NEVER-REASSIGNED", ProvenBy(&["an_identifier_belongs_to_one_person_one_agency_and_one_time"])),
];

fn by_entity(scenes: &Scenes) -> Finding {
    let assertion = scenes.assertion("beyond-agreement")?;
    hold(assertion.values("ssn").is_none(), || {
        "the social security number was sent, and no agreement allows it".to_owned()
    })?;
    hold(assertion.values("email").is_some(), || "the e-mail address was not sent".to_owned())?;
    let more = scenes.assertion("proofed")?;
    for name in ["first_name", "last_name", "dob"] {
        hold(more.values(name).is_some(), || format!("{name} was asked for and agreed, and not sent"))?;
    }
    seen(
        "the agreement under the entityID is the ceiling: what it lacks is not sent, whatever is asked; one value or all \
         (email, all_emails) are two attributes",
    )
}

fn requested(scenes: &Scenes) -> Finding {
    let sent = |scene: &str| {
        let assertion = scenes.assertion(scene)?;
        Ok::<_, String>((assertion.values("email").is_some(), assertion.values("all_emails").is_some()))
    };
    hold(sent("set-default")? == (true, false), || "the default set asks for the e-mail address alone".to_owned())?;
    each_answered(scenes, &["set-named"])?;
    each_refused(scenes, &["set-unknown"], "RequestUnsupported")?;
    hold(sent("set-named")? == (true, true), || "set 7 asks for both, and other than both was sent".to_owned())?;
    hold(sent("set-required-only")? == (false, true), || {
        "the agreement releases only what is required, and the e-mail address is not".to_owned()
    })?;
    seen(
        "the default set, the set of an index, an index that is not there (RequestUnsupported), and an agreement that releases \
         only what isRequired says",
    )
}

fn value<'s>(scenes: &'s Scenes, scene: &str) -> Result<&'s str, String> {
    let values = scenes.assertion(scene)?.values(PAIRWISE_ID);
    match values {
        Some([value]) => Ok(value),
        Some(several) => Err(format!("{scene}: pairwise-id has {} values", several.len())),
        None => Err(format!("{scene}: there is no pairwise-id")),
    }
}

fn has_none(scenes: &Scenes, scene: &str) -> Result<(), String> {
    let assertion = scenes.assertion(scene)?;
    for name in [PAIRWISE_ID, SUBJECT_ID] {
        hold(assertion.values(name).is_none(), || format!("{scene}: {name} was sent"))?;
    }
    Ok(())
}

fn pairwise_id(scenes: &Scenes) -> Finding {
    value(scenes, "wants-pairwise")?;
    seen(
        "pairwise-id. subject-id is not offered on purpose: one name for a person at every agency would let agencies join what they know",
    )
}

fn signal(scenes: &Scenes) -> Finding {
    value(scenes, "wants-pairwise")?;
    value(scenes, "wants-any")?;
    has_none(scenes, "wants-none")?;
    has_none(scenes, "wants-subject-id")?;
    seen("pairwise-id and any get pairwise-id; none gets neither; subject-id, which is not offered, gets neither")
}

fn cannot_satisfy(scenes: &Scenes) -> Finding {
    has_none(scenes, "wants-subject-id")?;
    seen("a service that needs subject-id gets an answer without any subject identifier attribute")
}

fn no_signal(scenes: &Scenes) -> Finding {
    value(scenes, "uri-names")?;
    seen("pairwise-id, as with any")
}

fn none(scenes: &Scenes) -> Finding {
    has_none(scenes, "wants-none")?;
    let name = scenes.assertion("wants-none")?.name_id.as_ref().ok_or("there is no NameID")?;
    same("the NameID's format", name.format.as_deref().unwrap_or("absent"), TRANSIENT)?;
    seen("neither attribute, and a NameID that is good for one session and service")
}

fn any(scenes: &Scenes) -> Finding {
    let value = value(scenes, "wants-any")?;
    seen(format!("pairwise-id ({} characters)", value.len()))
}

fn syntax(scenes: &Scenes) -> Finding {
    for scene in ["uri-names", "wants-pairwise", "wants-any"] {
        let value = value(scenes, scene)?;
        let (unique, scope) = value.split_once('@').ok_or_else(|| format!("{scene}: there is no scope"))?;
        let begins = |text: &str| text.starts_with(|c: char| c.is_ascii_alphanumeric());
        let unique_is = (1..=127).contains(&unique.len())
            && begins(unique)
            && unique.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '=' | '-'));
        let scope_is = (1..=127).contains(&scope.len())
            && begins(scope)
            && scope.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'));
        hold(unique_is && scope_is, || format!("{scene}: the identifier has another form"))?;
    }
    seen("36 characters of digits, letters a to f and dashes, @, the scope")
}

fn scope(scenes: &Scenes) -> Finding {
    let value = value(scenes, "uri-names")?;
    let scope = value.split_once('@').map(|(_, scope)| scope.to_owned()).unwrap_or_default();
    hold(scenes.published.scopes.contains(&scope), || format!("{scope:?} is not published"))?;
    seen(format!("{scope:?}, as published"))
}

fn differs(scenes: &Scenes) -> Finding {
    let (one, other) = (value(scenes, "uri-names")?, value(scenes, "uri-names-other")?);
    hold(one != other, || "two agencies got the same identifier".to_owned())?;
    let name = |scene: &str| Ok::<_, String>(scenes.assertion(scene)?.name_id.as_ref().map(|name| name.value.clone()));
    hold(name("first")? != name("other")?, || "two agencies got the same NameID".to_owned())?;
    seen("pairwise-id and persistent NameID of one person at two agencies differ")
}

fn stable(scenes: &Scenes) -> Finding {
    let (one, again) = (value(scenes, "uri-names")?, value(scenes, "uri-names-again")?);
    hold(one == again, || "the identifier changed".to_owned())?;
    seen("the same at every sign-in")
}

fn uri_names(scenes: &Scenes) -> Finding {
    let assertion = scenes.assertion("uri-names")?;
    hold(assertion.values(MAIL).is_some(), || "the e-mail address has no URI".to_owned())?;
    for attribute in &assertion.attributes {
        let format = attribute.name_format.as_deref().unwrap_or("absent");
        same(&format!("the NameFormat of {}", attribute.name), format, URI)?;
    }
    seen(
        "with attribute_profile = \"oasis\"; Login.gov's short names by default, of which three have the basic NameFormat",
    )
}

fn plain_text(scenes: &Scenes) -> Finding {
    let mut values = 0;
    for (scene, _, assertion) in scenes.assertions()? {
        for attribute in &assertion.attributes {
            hold(attribute.is_plain, || format!("{scene}: {} has a value that is no plain text", attribute.name))?;
            values += attribute.values.len();
        }
    }
    hold(values > 0, || "no attribute came".to_owned())?;
    seen(format!("{values} values, all plain text without a type"))
}

fn one_element_each(scenes: &Scenes) -> Finding {
    for (scene, _, assertion) in scenes.assertions()? {
        for attribute in &assertion.attributes {
            let joined =
                attribute.values.iter().any(|value| value.contains([',', ';']) && value.matches('@').count() > 1);
            hold(!joined && !attribute.values.is_empty(), || format!("{scene}: {} has values in one", attribute.name))?;
            let same_name = assertion.attributes.iter().filter(|other| other.name == attribute.name).count();
            hold(same_name == 1, || format!("{scene}: {} stands there twice", attribute.name))?;
        }
    }
    let persistent = scenes.assertion("first")?.name_id.as_ref().and_then(|name| name.format.as_deref());
    hold(persistent == Some(PERSISTENT), || "the first answer lacks its NameID".to_owned())?;
    seen("each Attribute once, each value in an AttributeValue of its own")
}
