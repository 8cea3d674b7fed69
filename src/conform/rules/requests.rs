//! Rules about what requests ask for.

use super::{Answer, Finding, Scenes, check, each_answered, each_refused, each_stopped, hold, same, seen};
use crate::conform::{
    asks::{AAL1, AAL2, EMAIL, PERSISTENT, REFEDS_MFA, TRANSIENT},
    drive::Saw,
};
use Answer::{Deviation, NotApplicable};

/// Why there is no Enhanced Client or Proxy.
const NO_ECP: &str = "Enhanced Client or Proxy is out of scope: the program in the middle would hold the person's password, and \
                      neither a passkey nor the page that asks for consent can be shown in it";

pub(super) const ANSWERS: &[(&str, Answer)] = &[
    ("IIP-SSO02", check(bindings)),
    ("IIP-SSO07", check(optional_content)),
    ("IIP-IDP05", check(error_responses)),
    ("IIP-IDP06", check(force_authn)),
    ("IIP-IDP07", check(is_passive)),
    ("IIP-IDP08", check(contexts)),
    ("IIP-IDP10", check(name_id_policy)),
    ("IIP-IDP12", check(consumer_services)),
    ("IIP-IDP13", NotApplicable(NO_ECP)),
    ("IIP-IDP14", NotApplicable(NO_ECP)),
    ("IIP-IDP15", NotApplicable(NO_ECP)),
    ("IIP-IDP16", NotApplicable(NO_ECP)),
    ("SDP-IDP01", check(sso)),
    ("SDP-IDP02", check(by_redirect)),
    (
        "SDP-IDP04",
        Deviation(
            "Requests must be signed: an unsigned one could have been made by anybody, to lead a person into agreeing to \
             something at another service. An agreement may waive it by name; a service whose metadata says that it signs is \
             held to it even then",
        ),
    ),
    ("SDP-IDP05", check(bad_signatures)),
    ("SDP-IDP06", check(registered_addresses)),
    ("SDP-IDP07", check(force_authn)),
];

fn bindings(scenes: &Scenes) -> Finding {
    each_answered(scenes, &["first", "by-post"])?;
    seen("the same request by HTTP-Redirect and by HTTP-POST, signed, leads to the same answer")
}

fn by_redirect(scenes: &Scenes) -> Finding {
    each_answered(scenes, &["first", "no-relay-state"])?;
    seen("with RelayState and without")
}

fn sso(scenes: &Scenes) -> Finding {
    let first = scenes.answered("first")?;
    let way = [Saw::SignIn, Saw::SecondFactor, Saw::Consent];
    hold(way.iter().all(|page| first.came.saw.contains(page)), || {
        format!("the first time, the person saw {:?}", first.came.saw)
    })?;
    let second = scenes.answered("second")?;
    hold(second.came.saw.is_empty(), || format!("the second time, the person saw {:?}", second.came.saw))?;
    each_answered(scenes, &["first", "second"])?;
    seen("signed in and agreed once; the second time the answer comes without a page")
}

fn optional_content(scenes: &Scenes) -> Finding {
    each_answered(scenes, &["valid-until", "proxy-count", "listed", "for-others", "consent-named"])?;
    each_refused(scenes, &["not-listed"], "NoSupportedIDP")?;
    each_refused(scenes, &["subject-confirmed-by-key"], "RequestUnsupported")?;
    each_refused(scenes, &["subject-unknown", "subject-by-address"], "UnknownPrincipal")?;
    each_answered(scenes, &["subject-known", "subject-known-unspecified"])?;
    seen(
        "Conditions, ProxyCount, RequesterID and Consent are passed over; an IDPList without us is NoSupportedIDP; a Subject is \
         answered about that person or with UnknownPrincipal, and one to be confirmed by a key with RequestUnsupported",
    )
}

fn error_responses(scenes: &Scenes) -> Finding {
    let mut told = Vec::new();
    for (scene, status) in [
        ("exact-unknown", "NoAuthnContext"),
        ("policy-unknown", "InvalidNameIDPolicy"),
        ("passive-stranger", "NoPassive"),
        ("declined", "RequestDenied"),
        ("set-unknown", "RequestUnsupported"),
        ("not-listed", "NoSupportedIDP"),
        ("subject-unknown", "UnknownPrincipal"),
        ("binding-paos", "UnsupportedBinding"),
    ] {
        each_refused(scenes, &[scene], status)?;
        let answered = scenes.answered(scene)?;
        same(scene, answered.came.action.as_str(), &answered.came.sent.acs)?;
        hold(answered.response.signed.is_some(), || format!("{scene}: the error is not signed"))?;
        told.push(status);
    }
    let codes = each_stopped(scenes, &["acs-unknown-url", "stale", "tampered", "disabled"])?;
    seen(format!(
        "{}; signed, to the registered address. What nobody vouches for, or what is out of date, is told to the person alone \
         ({codes})",
        told.join(", ")
    ))
}

fn force_authn(scenes: &Scenes) -> Finding {
    let answered = scenes.answered("forced")?;
    let way = [Saw::SignIn, Saw::SecondFactor];
    hold(way.iter().all(|page| answered.came.saw.contains(page)), || {
        format!("the person was signed in already and saw {:?}", answered.came.saw)
    })?;
    let assertion = scenes.assertion("forced")?;
    let instant = assertion.authentications.first().and_then(|one| one.instant).ok_or("there is no AuthnInstant")?;
    hold(instant >= answered.came.sent.at, || {
        format!("AuthnInstant {instant} is before the request of {}", answered.came.sent.at)
    })?;
    each_refused(scenes, &["forced-passive"], "NoPassive")?;
    seen(
        "password and second factor were asked for again; AuthnInstant is after the request; with IsPassive it is NoPassive",
    )
}

fn is_passive(scenes: &Scenes) -> Finding {
    let known = scenes.answered("passive-known")?;
    hold(known.came.saw.is_empty(), || format!("the person saw {:?}", known.came.saw))?;
    scenes.assertion("passive-known")?;
    let stranger = scenes.answered("passive-stranger")?;
    hold(stranger.came.saw.is_empty(), || format!("the stranger saw {:?}", stranger.came.saw))?;
    each_refused(scenes, &["passive-stranger", "forced-passive"], "NoPassive")?;
    seen(
        "somebody signed in who agreed before is answered without a page; a stranger's answer is NoPassive, without a page",
    )
}

fn contexts(scenes: &Scenes) -> Finding {
    for (scene, class) in [
        ("exact", AAL2),
        ("exact-preference", AAL2),
        ("exact-weaker", AAL1),
        ("minimum", AAL2),
        ("maximum", AAL2),
        ("better", AAL2),
        ("mfa", REFEDS_MFA),
    ] {
        same(scene, scenes.assertion(scene)?.class().unwrap_or("no class"), class)?;
    }
    each_refused(scenes, &["exact-unknown", "exact-too-high", "better-too-high", "declaration"], "NoAuthnContext")?;
    seen(
        "exact, minimum, maximum and better are answered with what happened, in the order of preference; what is not known or \
         not reached, and declarations, are NoAuthnContext",
    )
}

fn name_id_policy(scenes: &Scenes) -> Finding {
    for (scene, format) in [
        ("policy-persistent", PERSISTENT),
        ("policy-transient", TRANSIENT),
        ("policy-email", EMAIL),
        ("policy-unspecified", PERSISTENT),
        ("policy-create-absent", PERSISTENT),
        ("policy-create-false", PERSISTENT),
        ("policy-own-qualifier", PERSISTENT),
    ] {
        let name = scenes.assertion(scene)?.name_id.as_ref().ok_or_else(|| format!("{scene}: there is no NameID"))?;
        same(scene, name.format.as_deref().unwrap_or("no format"), format)?;
    }
    let invalid = ["policy-unknown", "policy-not-agreed", "policy-foreign-qualifier", "nothing-to-reuse"];
    each_refused(scenes, &invalid, "InvalidNameIDPolicy")?;
    seen(
        "each agreed format is given as asked; another format, another service's SPNameQualifier, and AllowCreate=false for a \
         person without an identifier there are InvalidNameIDPolicy",
    )
}

fn consumer_services(scenes: &Scenes) -> Finding {
    for scene in ["acs-default", "acs-index", "acs-second", "binding-post"] {
        scenes.assertion(scene)?;
        let answered = scenes.answered(scene)?;
        same(scene, answered.came.action.as_str(), &answered.came.sent.acs)?;
    }
    each_refused(scenes, &["binding-paos"], "UnsupportedBinding")?;
    let codes = each_stopped(scenes, &["acs-unknown-index", "acs-unknown-url", "acs-paos"])?;
    seen(format!(
        "by URL, by index, by default and by binding; PAOS is UnsupportedBinding; addresses that are not registered, \
         or for a binding that we do not send by, are refused ({codes})"
    ))
}

fn bad_signatures(scenes: &Scenes) -> Finding {
    let codes = each_stopped(scenes, &["tampered", "tampered-post", "tampered-though-waived", "foreign-key", "sha1"])?;
    each_answered(scenes, &["signed-though-waived"])?;
    seen(format!("changed after signing, signed by others or with SHA-1: {codes}; also where signatures are waived"))
}

fn registered_addresses(scenes: &Scenes) -> Finding {
    let codes = each_stopped(scenes, &["acs-unknown-url", "acs-other-case"])?;
    for scene in ["acs-default", "acs-second"] {
        let answered = scenes.answered(scene)?;
        same(scene, answered.came.action.as_str(), &answered.came.sent.acs)?;
    }
    seen(format!("an address that is not registered, and one in another case, are refused ({codes})"))
}
