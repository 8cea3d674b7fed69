//! Rules of the older profile of governments that the newer ones leave out.

use super::{Answer, Finding, Scenes, check, each_answered, hold, same, seen};
use crate::conform::drive::Saw;
use Answer::{Deviation, NotApplicable, ProvenBy};

/// Why there is nothing upstream.
const NO_PROXY: &str = "Signet authenticates people itself and passes no request on to another identity provider; ProxyCount and \
                        RequesterID are read and change nothing";

const CONSENT: &str = "urn:oasis:names:tc:SAML:2.0:consent:";

pub(super) const ANSWERS: &[(&str, Answer)] = &[
    ("eGov-011", check(well_known)),
    ("eGov-013", check(not_modified)),
    (
        "eGov-014",
        Deviation("One folder of files, each put in place by an administrator, and nothing fetched: see IIP-MD01"),
    ),
    ("eGov-016", ProvenBy(&["an_edited_agreement_counts_at_the_next_sign_in_without_a_restart"])),
    ("eGov-018", check(direct_trust)),
    ("eGov-042", check(every_element)),
    ("eGov-043", check(any_context)),
    ("eGov-045", check(case)),
    (
        "eGov-052",
        Deviation(
            "SP 800-63C-4 forbids it at FAL2: an answer that nobody asked for can be slipped to a person by anybody",
        ),
    ),
    ("eGov-063", check(consent)),
    ("eGov-066", NotApplicable(NO_PROXY)),
    ("eGov-067", NotApplicable(NO_PROXY)),
    ("eGov-068", NotApplicable(NO_PROXY)),
    ("eGov-081", NotApplicable(NO_PROXY)),
    ("eGov-082", NotApplicable(NO_PROXY)),
    ("eGov-083", NotApplicable(NO_PROXY)),
    ("eGov-084", NotApplicable(NO_PROXY)),
    ("eGov-085", NotApplicable(NO_PROXY)),
];

fn well_known(scenes: &Scenes) -> Finding {
    let page = scenes.around.at_entity_id.as_ref().ok_or("the entityID leads nowhere")?;
    hold(page.status == 200 && page.body.contains("<md:EntityDescriptor"), || {
        format!("the entityID leads to HTTP {}", page.status)
    })?;
    same("the media type", scenes.published.header("content-type"), "application/samlmetadata+xml")?;
    seen("the entityID is the address of the metadata, with its media type")
}

fn not_modified(scenes: &Scenes) -> Finding {
    hold(!scenes.published.header("etag").is_empty(), || "there is no ETag".to_owned())?;
    hold(scenes.around.unchanged_status == 304, || {
        format!("the same copy is HTTP {}", scenes.around.unchanged_status)
    })?;
    seen("ETag and If-None-Match: 304 for who has the copy. Last-Modified would say the same, less exactly")
}

fn direct_trust(scenes: &Scenes) -> Finding {
    each_answered(scenes, &["first", "expired"])?;
    scenes.stopped("foreign-key")?;
    seen("a key counts because it stands in the service's metadata; who signed its certificate does not matter")
}

fn every_element(scenes: &Scenes) -> Finding {
    each_answered(
        scenes,
        &["valid-until", "proxy-count", "for-others", "unknown-inside", "subject-known", "set-named"],
    )?;
    for (scene, status) in [
        ("subject-unknown", "UnknownPrincipal"),
        ("not-listed", "NoSupportedIDP"),
        ("declaration", "NoAuthnContext"),
        ("binding-paos", "UnsupportedBinding"),
        ("set-unknown", "RequestUnsupported"),
        ("policy-foreign-qualifier", "InvalidNameIDPolicy"),
    ] {
        same(scene, scenes.refused(scene)?, status)?;
    }
    seen(
        "Subject, NameIDPolicy, Conditions, RequestedAuthnContext, Scoping, Extensions and every attribute: obeyed or answered",
    )
}

fn any_context(scenes: &Scenes) -> Finding {
    for scene in ["exact-unknown", "declaration"] {
        same(scene, scenes.refused(scene)?, "NoAuthnContext")?;
    }
    each_answered(scenes, &["exact", "minimum", "maximum", "better"])?;
    seen("any class or declaration is taken; all four comparisons; what is not known alone is NoAuthnContext")
}

fn case(scenes: &Scenes) -> Finding {
    let code = scenes.stopped("acs-other-case")?.code.clone().unwrap_or_default();
    seen(format!("an address in another case is refused ({code})"))
}

/// SAML Core §8.4.
fn consent(scenes: &Scenes) -> Finding {
    let of = |scene: &str| Ok::<_, String>(scenes.answered(scene)?.response.consent.clone().unwrap_or_default());
    let first = scenes.answered("first")?;
    hold(first.came.saw.contains(&Saw::Consent), || "nobody was asked".to_owned())?;
    same("the first time", &of("first")?, &format!("{CONSENT}current-explicit"))?;
    same("the second time", &of("second")?, &format!("{CONSENT}prior"))?;
    same("declined", &of("declined")?, &format!("{CONSENT}unavailable"))?;
    same("an error before the question", &of("exact-unknown")?, &format!("{CONSENT}unavailable"))?;
    seen("current-explicit when the person agreed just now, prior when earlier, unavailable in errors")
}
