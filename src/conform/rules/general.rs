//! Rules of both profiles about messages in general.

use super::{Answer, Finding, Scenes, check, each_answered, each_stopped, hold, seen};
use crate::saml::EntityId;
use Answer::ProvenBy;

pub(super) const ANSWERS: &[(&str, Answer)] = &[
    ("IIP-G01", check(clocks)),
    ("IIP-G02", check(long_strings)),
    ("IIP-G03", check(document_types)),
    ("IIP-EXT01", check(unknown_content)),
    ("SDP-G01", check(clocks)),
    ("SDP-G02", check(short_strings)),
    ("SDP-G03", check(document_types)),
    ("SDP-G04", check(entity_id)),
    ("SDP-IDP03", ProvenBy(&["the_pages_are_served_over_tls_with_what_the_settings_name"])),
    ("IIP-ALG07", ProvenBy(&["the_pages_are_served_over_tls_with_what_the_settings_name"])),
];

fn clocks(scenes: &Scenes) -> Finding {
    each_answered(scenes, &["clock-behind", "clock-ahead"])?;
    let codes = each_stopped(scenes, &["stale", "from-the-future"])?;
    let early = scenes.assertion("first")?;
    let (Some(from), Some(made)) = (early.not_before, early.issue_instant) else {
        return Err("Conditions has no NotBefore".to_owned());
    };
    hold(from < made, || "an assertion is valid only from the second in which it was made".to_owned())?;
    let logout = scenes.logout_refused("stale")?;
    seen(format!(
        "requests four minutes old and two minutes ahead are taken; ten minutes either way are refused ({codes}); an old \
         LogoutRequest likewise ({logout}); NotBefore lies before the issue instant"
    ))
}

fn long_strings(scenes: &Scenes) -> Finding {
    let answered = scenes.answered("long-id")?;
    hold(answered.response.in_response_to.as_deref() == Some(&*answered.came.sent.id), || {
        "an ID of 256 characters did not come back whole".to_owned()
    })?;
    let answered = scenes.answered("long-relay-state")?;
    hold(answered.came.relay_state == answered.came.sent.relay_state, || {
        "RelayState did not come back whole".to_owned()
    })?;
    seen("an ID of 256 characters comes back in InResponseTo, 80 octets of RelayState come back as they went")
}

fn document_types(scenes: &Scenes) -> Finding {
    let codes = each_stopped(scenes, &["document-type", "document-type-post"])?;
    let mut messages = 0;
    for (scene, answered) in scenes.answers()? {
        let inside = answered.response.assertion.as_ref().is_some_and(|assertion| assertion.xml.contains("<!"));
        hold(!answered.response.xml.contains("<!") && !inside, || format!("{scene}: a document type was sent"))?;
        messages += 1;
    }
    hold(!scenes.published.xml.contains("<!"), || "the metadata has a document type".to_owned())?;
    seen(format!(
        "requests with a document type are refused ({codes}); none of {messages} answers and not the metadata has one"
    ))
}

fn unknown_content(scenes: &Scenes) -> Finding {
    each_answered(scenes, &["unknown-extension", "unknown-inside", "consent-named"])?;
    seen(
        "extensions in the request, in the service's metadata and in its role, and Consent in the request, are passed over",
    )
}

fn short_strings(scenes: &Scenes) -> Finding {
    let mut strings = 0;
    for (scene, answered, assertion) in scenes.assertions()? {
        let names = assertion.name_id.iter().map(|name| &name.value);
        let values = assertion.attributes.iter().flat_map(|attribute| attribute.values.iter().chain([&attribute.name]));
        let ids = [&answered.response.id, &answered.response.issuer, &assertion.id, &assertion.issuer];
        for text in names.chain(values).chain(ids) {
            hold(text.chars().count() <= 256, || format!("{scene}: a string has more than 256 characters"))?;
            strings += 1;
        }
    }
    hold(strings > 0, || "nothing was sent".to_owned())?;
    seen(format!("{strings} names, identifiers and values looked at: none is longer than 256 characters"))
}

fn entity_id(scenes: &Scenes) -> Finding {
    let entity_id = &scenes.published.entity_id;
    let is_uri = EntityId::parse(entity_id).is_ok_and(|name| name.is_uri());
    hold(is_uri && entity_id.chars().count() <= 256, || format!("{entity_id:?} is no URI of at most 256 characters"))?;
    seen(format!("{} characters, a URI", entity_id.len()))
}
