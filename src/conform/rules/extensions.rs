//! Rules about metadata's extensions and about several factors.

use super::{Answer, Finding, Scenes, check, hold, same, seen};
use crate::conform::{
    asks::{REFEDS_MFA, REFEDS_SFA},
    drive::Saw,
    published::of_name,
};
use crate::saml::xml::ns;
use Answer::{Deviation, NotApplicable, NotYet, ProvenBy};

/// What the extension of REFEDS calls a security contact.
const SECURITY: &str = "http://refeds.org/metadata/contactType/security";
/// Why there are no categories.
const NO_CATEGORIES: &str = "Release is settled by an agreement with each service, which lists attributes and purposes; categories \
                             of research federations are neither published nor obeyed";

pub(super) const ANSWERS: &[(&str, Answer)] = &[
    (
        "MDUI-LANGUAGE",
        Deviation(
            "Pages show the name that was agreed with the agency, by language, so that nobody is asked under a name that a service \
             gave itself; the metadata's names are read and not shown",
        ),
    ),
    ("MDUI-LOGO", ProvenBy(&["the_published_logo_and_pages_are_there"])),
    ("MDUI-PRIVACY", check(privacy)),
    ("MDUI-ESCAPED", ProvenBy(&["words_that_would_like_to_be_markup_are_text"])),
    ("MDUI-DISCO", NotApplicable("there is one identity provider and nothing to choose; no hints are published")),
    ("ENTATTR-CATEGORY", Deviation(NO_CATEGORIES)),
    (
        "ENTATTR-REGISTRAR",
        NotApplicable(
            "a service's file is vouched for by the administrator who puts it in place; no registrar's word is taken",
        ),
    ),
    ("ENTATTR-RANDS", Deviation(NO_CATEGORIES)),
    ("ENTATTR-COCO", check(required_only)),
    ("ENTATTR-SIRTFI", check(security_contact)),
    ("ENTATTR-HIDE", NotApplicable("whether it is listed is for the federation that lists it")),
    ("ALG-READ", ProvenBy(&["signature_is_the_first_of_our_keys_that_the_service_lists"])),
    (
        "ALG-KEYSIZE",
        ProvenBy(&[
            "method_whose_key_size_contradicts_its_algorithm_is_passed_over",
            "service_that_verifies_nothing_of_ours_is_told_both_lists_before_anybody_signs_in",
            "signature_is_the_first_of_our_keys_that_the_service_lists",
        ]),
    ),
    ("ALG-ROLE", ProvenBy(&["algorithms_of_the_role_go_before_those_of_the_entity"])),
    (
        "ALG-OVERLAP",
        ProvenBy(&[
            "linter_says_beforehand_that_nothing_can_be_sent",
            "nobody_is_asked_to_sign_in_for_an_answer_that_cannot_be_sent",
            "service_that_verifies_nothing_of_ours_is_told_both_lists_before_anybody_signs_in",
        ]),
    ),
    ("REFEDS-GENERAL", check(general)),
    (
        "REFEDS-RESISTANT",
        NotYet(
            "a phishing-resistant sign-in is stated in the URI of the U.S. government; the second identifier of version 2 is not \
             answered until it can be read in the published text",
        ),
    ),
    (
        "REFEDS-TRUE",
        ProvenBy(&[
            "password_class_is_never_said_of_a_sign_in_without_password",
            "exact_answers_with_a_class_that_was_asked_for_and_is_true",
        ]),
    ),
    ("REFEDS-REQUESTED", check(requested)),
    ("REFEDS-FORCE", check(all_factors)),
    ("REFEDS-INSTANT", check(instant)),
    ("REFEDS-REMEMBERED", Answer::ProvenBy(&["sign_in_goes_on_until_it_suffices"])),
];

fn security_contact(scenes: &Scenes) -> Finding {
    let mut contacts = of_name(scenes.published.entity(), "ContactPerson");
    let contact = contacts.find(|one| one.attribute_ns(ns::REMD, "contactType") == Some(SECURITY));
    let contact = contact.ok_or("no security contact is published")?;
    same("its contactType", contact.attribute("contactType").unwrap_or("absent"), "other")?;
    for child in ["GivenName", "EmailAddress"] {
        hold(contact.child(ns::METADATA, child).is_some(), || format!("the security contact has no {child}"))?;
    }
    seen("a security contact with a name and an e-mail address; that Sirtfi is kept is for its operator to claim")
}

fn privacy(scenes: &Scenes) -> Finding {
    let page = scenes.answered("first")?.came.consent_page.clone().unwrap_or_default();
    hold(page.contains("How Service plain treats your data"), || {
        "the service's privacy statement cannot be reached from where consent is asked".to_owned()
    })?;
    seen("the page for agreeing leads to the service's PrivacyStatementURL, and every page to ours")
}

fn required_only(scenes: &Scenes) -> Finding {
    let assertion = scenes.assertion("set-required-only")?;
    hold(assertion.values("email").is_none(), || "what is not required was released".to_owned())?;
    seen("an agreement can limit release to what isRequired says; the category itself is not read")
}

fn general(scenes: &Scenes) -> Finding {
    let answered = scenes.answered("first")?;
    let both = [Saw::SignIn, Saw::SecondFactor];
    hold(both.iter().all(|page| answered.came.saw.contains(page)), || {
        format!("the person saw {:?}", answered.came.saw)
    })?;
    same("the class", scenes.assertion("mfa")?.class().unwrap_or("absent"), REFEDS_MFA)?;
    seen("asserted of a sign-in by password and a code, two kinds of factor")
}

fn requested(scenes: &Scenes) -> Finding {
    same("the class", scenes.assertion("mfa")?.class().unwrap_or("absent"), REFEDS_MFA)?;
    same("the class", scenes.assertion("sfa")?.class().unwrap_or("absent"), REFEDS_SFA)?;
    seen("asked for by exact comparison, returned as it was asked for")
}

fn all_factors(scenes: &Scenes) -> Finding {
    let answered = scenes.answered("forced")?;
    let both = [Saw::SignIn, Saw::SecondFactor];
    hold(both.iter().all(|page| answered.came.saw.contains(page)), || {
        format!("the person saw {:?}", answered.came.saw)
    })?;
    seen("password and second factor, though signed in with both before")
}

fn instant(scenes: &Scenes) -> Finding {
    let instant = |scene: &str| {
        let assertion = scenes.assertion(scene)?;
        assertion.authentications.first().and_then(|one| one.instant).ok_or_else(|| format!("{scene}: no AuthnInstant"))
    };
    hold(instant("first")? == instant("second")?, || "the time changed though nobody signed in again".to_owned())?;
    hold(instant("forced")? > instant("second")?, || {
        "the time did not change though the person signed in again".to_owned()
    })?;
    seen("the time of the older of the factors that the sign-in needed, as the README tells agencies")
}
