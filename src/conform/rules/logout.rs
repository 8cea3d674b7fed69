//! Rules about single logout.

use super::{Answer, Finding, Scenes, check, hold, same, seen};
use crate::conform::logout::{Message, Went};
use Answer::Deviation;

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const RESPONDER: &str = "urn:oasis:names:tc:SAML:2.0:status:Responder";
const PARTIAL: &str = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout";

pub(super) const ANSWERS: &[(&str, Answer)] = &[
    ("IIP-IDP17", check(both_forms)),
    ("IIP-IDP18", check(by_redirect)),
    ("IIP-IDP19", check(opened)),
    ("IIP-IDP20", check(from_metadata)),
    ("SDP-IDP21", check(both_forms)),
    ("SDP-IDP22", check(kept)),
    ("SDP-IDP23", check(told)),
    ("SDP-IDP24", check(requests_out)),
    ("SDP-IDP25", check(by_redirect)),
    ("SDP-IDP26", check(requests_signed)),
    ("SDP-IDP27", check(in_clear)),
    ("SDP-IDP28", check(responses_out)),
    ("SDP-IDP29", check(told)),
    ("SDP-IDP30", check(responses_signed)),
    ("SDP-IDP31", check(true_status)),
    (
        "eGov-092",
        Deviation(
            "By HTTP-Redirect and HTTP-POST; not by SOAP: a service in the back channel could end a session without its person, and \
         could not be told apart from one whose key was stolen",
        ),
    ),
    ("eGov-094", check(responses_signed)),
    ("eGov-095", check(opened)),
    ("eGov-096", check(kept)),
    ("eGov-097", check(kept)),
    ("eGov-098", check(true_status)),
    (
        "eGov-100",
        Deviation(
            "An administrator can end all sessions of a person here. Services are not told: logout goes by the person's browser alone, \
         for the reason that eGov-092 gives, and that browser is not there when an administrator acts",
        ),
    ),
    ("ASLO-SILENT", check(silent)),
    ("ASLO-FRONT", check(silent)),
    ("ASLO-STAYS", check(silent)),
    (
        "63C-TERMINATION",
        Deviation(
            "A service that was disconnected gets nothing more; the name by which the agency knows the person stays, so that it knows \
         them again, and so does the record of what was shared, without values, which is chained and would break",
        ),
    ),
];

fn answer<'s>(scene: &str, went: &'s Went<Message>) -> Result<&'s Message, String> {
    went.answer.as_ref().ok_or_else(|| format!("{scene}: the service got no answer"))
}

fn status(scenes: &Scenes, scene: &str, top: &str, nested: Option<&str>) -> Result<(), String> {
    let message = answer(scene, scenes.logout(scene)?)?;
    same(scene, message.status.as_deref().unwrap_or("absent"), top)?;
    same(scene, message.nested.as_deref().unwrap_or("no second code"), nested.unwrap_or("no second code"))
}

fn both_forms(scenes: &Scenes) -> Finding {
    for scene in ["everywhere", "by-post", "all-sessions"] {
        let went = scenes.logout(scene)?;
        hold(went.was_asked, || format!("{scene}: the person was not asked"))?;
        hold(!went.still_signed_in, || format!("{scene}: the session here did not end"))?;
        let message = answer(scene, went)?;
        same(scene, message.in_response_to.as_deref().unwrap_or("absent"), &went.id)?;
        same(scene, &message.issuer, &scenes.published.entity_id)?;
    }
    silent(scenes)?;
    seen(
        "the session ends after the person was asked, and the service is answered; the asynchronous form ends it silently",
    )
}

fn by_redirect(scenes: &Scenes) -> Finding {
    let went = scenes.logout("everywhere")?;
    let message = answer("everywhere", went)?;
    hold(message.by_redirect && message.relay_state.is_some(), || "the answer came otherwise".to_owned())?;
    same("RelayState", message.relay_state.as_deref().unwrap_or("absent"), crate::conform::request::RELAY_STATE)?;
    seen("request, answer and RelayState by HTTP-Redirect; HTTP-POST is taken as well")
}

fn from_metadata(scenes: &Scenes) -> Finding {
    let went = scenes.logout("everywhere")?;
    let mut places: Vec<(&str, bool)> = went.told.iter().map(|one| (one.service.as_str(), one.by_redirect)).collect();
    places.sort_unstable();
    hold(places == [("other", true), ("posts", false)], || format!("the others were told so: {places:?}"))?;
    let untold = scenes.logout("untold")?;
    hold(untold.told.is_empty(), || "a service without a place for logout was told".to_owned())?;
    status(scenes, "untold", SUCCESS, Some(PARTIAL))?;
    seen(
        "each service is told at the place and by the binding of its metadata; one that lists none is not told, and that is said",
    )
}

fn kept(scenes: &Scenes) -> Finding {
    let went = scenes.logout("there-only")?;
    hold(went.was_asked && went.still_signed_in, || "the person wanted to stay signed in, and is not".to_owned())?;
    hold(went.told.is_empty(), || "other services were told".to_owned())?;
    let all = scenes.logout("everywhere")?;
    hold(!all.told.is_empty() && !all.still_signed_in, || "everywhere did not end everything".to_owned())?;
    let always = scenes.logout("always-everywhere")?;
    hold(!always.was_asked && always.told.len() == 1 && !always.still_signed_in, || {
        "what the agreement lets go everywhere did not".to_owned()
    })?;
    seen(
        "the person chooses: only at the service that asked, and nobody else is told; or everywhere. An agreement may say that \
         it is always everywhere",
    )
}

fn told(scenes: &Scenes) -> Finding {
    let went = scenes.logout("everywhere")?;
    hold(went.told.len() == 2, || format!("{} services were told, and 2 take part", went.told.len()))?;
    status(scenes, "everywhere", SUCCESS, None)?;
    seen("both other services were told, one after the other, and their answers by HTTP-Redirect were taken")
}

fn requests_out(scenes: &Scenes) -> Finding {
    let went = scenes.logout("everywhere")?;
    let other =
        went.told.iter().find(|one| one.service == "other").ok_or("the service with HTTP-Redirect was not told")?;
    hold(other.by_redirect, || "it was told by HTTP-POST".to_owned())?;
    seen("HTTP-Redirect where the service lists it; HTTP-POST only where it lists nothing else")
}

fn requests_signed(scenes: &Scenes) -> Finding {
    let code = scenes.logout_refused("unsigned")?;
    let went = scenes.logout("everywhere")?;
    for message in &went.told {
        hold(message.is_signed, || format!("the request to {} is not signed", message.service))?;
    }
    hold(!went.told.is_empty(), || "nobody was told".to_owned())?;
    seen(format!("ours are, in the query or in the XML; an unsigned one of a service is refused ({code})"))
}

fn opened(scenes: &Scenes) -> Finding {
    for scene in ["encrypted-name", "encrypted-to-the-key-before"] {
        let went = scenes.logout(scene)?;
        hold(went.was_asked && !went.still_signed_in, || format!("{scene}: the session here did not end"))?;
        status(scenes, scene, SUCCESS, None)?;
    }
    let code = scenes.logout_refused("encrypted-to-another")?;
    seen(format!(
        "a name that is encrypted to the key of the metadata, or to the one before, is taken by HTTP-Redirect; to another, it is \
         refused ({code})"
    ))
}

fn in_clear(scenes: &Scenes) -> Finding {
    let went = scenes.logout("everywhere")?;
    for message in &went.told {
        let there = message.name.is_some() && message.session_index.is_some();
        hold(there, || format!("the request to {} lacks NameID or SessionIndex", message.service))?;
    }
    hold(!went.told.is_empty(), || "nobody was told".to_owned())?;
    seen("ours carry NameID and SessionIndex in clear")
}

fn responses_out(scenes: &Scenes) -> Finding {
    for scene in ["everywhere", "partly", "there-only", "untold"] {
        let message = answer(scene, scenes.logout(scene)?)?;
        hold(message.by_redirect, || format!("{scene}: the answer came by HTTP-POST"))?;
        same(scene, &message.destination, "https://plain.conform.example/slo")?;
    }
    seen("to the place of the metadata")
}

fn responses_signed(scenes: &Scenes) -> Finding {
    for scene in ["everywhere", "partly", "there-only", "untold", "by-post", "another-name"] {
        let message = answer(scene, scenes.logout(scene)?)?;
        hold(message.is_signed, || format!("{scene}: the LogoutResponse is not signed"))?;
    }
    requests_signed(scenes)?;
    seen("every LogoutResponse, by either binding, verified with OpenSSL alone")
}

fn true_status(scenes: &Scenes) -> Finding {
    status(scenes, "everywhere", SUCCESS, None)?;
    status(scenes, "partly", SUCCESS, Some(PARTIAL))?;
    status(scenes, "untold", SUCCESS, Some(PARTIAL))?;
    status(scenes, "there-only", RESPONDER, Some(PARTIAL))?;
    status(
        scenes,
        "another-name",
        "urn:oasis:names:tc:SAML:2.0:status:Requester",
        Some("urn:oasis:names:tc:SAML:2.0:status:UnknownPrincipal"),
    )?;
    let kept = scenes.logout("another-name")?.still_signed_in;
    hold(kept, || "somebody else's name ended the session".to_owned())?;
    status(scenes, "told-success", SUCCESS, None)?;
    let kept = scenes.logout("told-success")?.still_signed_in;
    hold(kept, || "told-success: the session ended, and the exception was not tried".to_owned())?;
    seen(
        "Success when all ended; PartialLogout under Success when a service failed or could not be told; PartialLogout under \
         Responder when the person stays; UnknownPrincipal for another name. DEVIATION where an agreement names the exception \
         success-where-kept, with its reason: Success although the person stays; signet sp check warns of it",
    )
}

fn silent(scenes: &Scenes) -> Finding {
    let went = scenes.logout("no-answer")?;
    hold(went.answer.is_none(), || "the service was answered".to_owned())?;
    hold(went.was_asked && !went.still_signed_in, || "the session did not end".to_owned())?;
    seen("the session ends, no response is sent, and the person stays on a page here")
}
