//! Rules about metadata: what services publish and we read, and what we publish.

use openssl::{pkey::Id, x509::X509};

use super::{Answer, Finding, Scenes, check, each_answered, hold, same, seen};
use crate::{conform::published::of_name, saml::xml::ns};
use Answer::{Deviation, ProvenBy};

/// Why metadata is not fetched.
const FILES: &str = "A service's metadata is a file that an administrator puts in place and vouches for, beside the agreement \
                     without which nothing is released (SP 800-63C §4.3). Nothing is fetched from the network while people \
                     sign in; a changed file is applied at once, and a broken one never replaces the last good record";

pub(super) const ANSWERS: &[(&str, Answer)] = &[
    ("IIP-MD01", Deviation(FILES)),
    ("IIP-MD02", Deviation(FILES)),
    ("IIP-MD03", Deviation(FILES)),
    ("IIP-MD04", Deviation(FILES)),
    ("IIP-MD05", check(extensions)),
    ("IIP-MD06", check(metadata_is_enough)),
    ("IIP-MD07", check(many_signing_keys)),
    ("IIP-MD08", check(many_encryption_keys)),
    ("IIP-MD11", check(no_use)),
    ("IIP-MD12", check(containers)),
    ("IIP-SSO06", check(settings)),
    ("SDP-MD01", check(settings)),
    ("SDP-MD02", Deviation(FILES)),
    ("SDP-MD03", Deviation(FILES)),
    ("SDP-MD04", check(truth)),
    ("SDP-MD05", check(certificates)),
    ("SDP-MD06", check(rsa_keys)),
    ("SDP-MD07", ProvenBy(&["unusable_keys_are_refused"])),
    ("SDP-MD08", check(certificates)),
    ("SDP-MD09", check(user_interface)),
    ("SDP-MD10", check(logo)),
    ("SDP-MD11", check(contact)),
    ("SDP-MD12", check(error_url)),
    ("SDP-IDP14", check(scopes)),
    ("SDP-IDP32", check(many_signing_keys)),
    ("SDP-IDP33", check(contents)),
];

fn extensions(scenes: &Scenes) -> Finding {
    each_answered(scenes, &["unknown-extension", "wants-pairwise"])?;
    seen(
        "user interface texts, entity attributes and EncryptionMethod are understood; extensions that nobody knows hold nothing up; \
         lists of signature algorithms choose among ours (IIP-MD10)",
    )
}

fn metadata_is_enough(scenes: &Scenes) -> Finding {
    each_answered(scenes, &["first", "expired", "many-keys-second"])?;
    let services = scenes.around.linted.len();
    seen(format!(
        "{services} services work with what their metadata says of keys and addresses; no other store of keys exists. What \
         may be released is agreed beside it"
    ))
}

fn many_signing_keys(scenes: &Scenes) -> Finding {
    each_answered(scenes, &["many-keys-first", "many-keys-second", "many-keys-elliptic"])?;
    seen("a service with three signing keys signs with each of them in turn")
}

fn many_encryption_keys(scenes: &Scenes) -> Finding {
    let encrypted = scenes.answered("many-keys-first")?.response.encrypted.is_some();
    hold(encrypted, || "the assertion was not encrypted".to_owned())?;
    seen("a service with two encryption keys opens what it receives with one of them")
}

fn no_use(scenes: &Scenes) -> Finding {
    let answered = scenes.answered("first")?;
    hold(answered.response.encrypted.is_some(), || "the one key was not encrypted to".to_owned())?;
    seen("the one key of a descriptor without use verifies the request and is encrypted to")
}

fn containers(scenes: &Scenes) -> Finding {
    let answered = scenes.answered("expired")?;
    hold(answered.response.encrypted.is_some(), || {
        "the key of an expired certificate was not encrypted to".to_owned()
    })?;
    seen(
        "a self-signed certificate, signed with SHA-1 and out of date since 2001, verifies requests and is encrypted to",
    )
}

fn settings(scenes: &Scenes) -> Finding {
    each_answered(scenes, &["acs-default", "acs-index", "expired", "set-named"])?;
    scenes.stopped("unsigned-declared")?;
    let signed = scenes.assertion("wants-signed")?.signed.is_some();
    hold(signed, || "WantAssertionsSigned did not get the Assertion signed".to_owned())?;
    let told = scenes.logout("everywhere")?.told.len();
    hold(told == 2, || format!("{told} services were told of the logout, and 2 take part"))?;
    seen(
        "addresses, bindings, keys, AuthnRequestsSigned, WantAssertionsSigned, attribute sets and logout places are those of the metadata",
    )
}

fn verified(scenes: &Scenes) -> Finding {
    match &scenes.published.signed {
        Ok(Some(signed)) => seen(format!("signed ({})", signed.method.rsplit('#').next().unwrap_or_default())),
        Ok(None) => Err("our metadata is not signed".to_owned()),
        Err(why) => Err(format!("the signature of our metadata: {why}")),
    }
}

fn valid_until(scenes: &Scenes) -> Finding {
    let text = scenes.published.entity().attribute("validUntil").ok_or("our metadata has no validUntil")?;
    let until = crate::saml::instant::parse(text).map_err(|error| error.to_string())?;
    let now = scenes.answered("first")?.came.at;
    let days = (until - now).whole_days();
    hold((1..=28).contains(&days), || format!("validUntil is {days} days ahead"))?;
    seen(format!("valid for {days} days"))
}

fn truth(scenes: &Scenes) -> Finding {
    let role = scenes.published.role().ok_or("there is no role")?;
    let formats: Vec<String> =
        of_name(role, "NameIDFormat").filter_map(|format| format.text().ok().map(String::from)).collect();
    for (scene, format) in [("policy-persistent", 0), ("policy-transient", 1), ("policy-email", 2)] {
        let name = scenes.assertion(scene)?.name_id.as_ref().and_then(|name| name.format.clone());
        hold(name.is_some() && name == formats.get(format).cloned(), || format!("{scene}: {name:?} is not published"))?;
    }
    same("WantAuthnRequestsSigned", role.attribute("WantAuthnRequestsSigned").unwrap_or("absent"), "true")?;
    scenes.stopped("unsigned-demanded")?;
    each_answered(scenes, &["first", "by-post"])?;
    scenes.logout("by-post")?;
    seen("each NameID format, binding and demand that is published was tried and is as published")
}

fn certificates(scenes: &Scenes) -> Finding {
    let certificates = &scenes.published.certificates;
    hold(!certificates.is_empty(), || "no signing certificate is published".to_owned())?;
    for der in certificates {
        X509::from_der(der).map_err(|error| format!("a published certificate is none: {error}"))?;
    }
    seen(format!("{} signing certificate(s), X.509", certificates.len()))
}

fn rsa_keys(scenes: &Scenes) -> Finding {
    for der in &scenes.published.certificates {
        let key = X509::from_der(der).and_then(|one| one.public_key()).map_err(|error| error.to_string())?;
        hold(key.id() != Id::RSA || key.bits() >= 2048, || format!("an RSA key has {} bits", key.bits()))?;
    }
    seen("every RSA key that is published has 2048 bits or more")
}

fn user_interface(scenes: &Scenes) -> Finding {
    for name in ["DisplayName", "Description", "InformationURL", "PrivacyStatementURL"] {
        hold(!scenes.published.user_interface(name).is_empty(), || format!("there is no mdui:{name}"))?;
    }
    logo(scenes).map(|logo| format!("display name, description, help and privacy statement are published; {logo}"))
}

fn logo(scenes: &Scenes) -> Finding {
    let logos = scenes.published.user_interface("Logo");
    let secure = |logo: &String| logo.starts_with("https://") || logo.starts_with("data:");
    hold(logos.iter().all(secure), || format!("a logo stands elsewhere: {logos:?}"))?;
    let here_by_https = scenes.published.sso_by_redirect.scheme() == "https";
    hold(!here_by_https || !logos.is_empty(), || "there is no logo".to_owned())?;
    seen("the logo is published where it stands at https, so not by this instance on loopback")
}

fn contact(scenes: &Scenes) -> Finding {
    let contacts = of_name(scenes.published.entity(), "ContactPerson");
    let technical = contacts.filter(|one| one.attribute("contactType") == Some("technical")).count();
    hold(technical > 0, || "no technical contact is published".to_owned())?;
    seen("a technical contact with an e-mail address")
}

fn error_url(scenes: &Scenes) -> Finding {
    let page = scenes.around.error_page.as_ref().ok_or("errorURL leads to no page")?;
    hold(page.status == 200 && page.text.contains("Service plain"), || {
        format!("errorURL leads to HTTP {} that does not say which service it was", page.status)
    })?;
    seen("errorURL leads to a page that names the service and says what to do")
}

fn scopes(scenes: &Scenes) -> Finding {
    let extensions = scenes.published.role().and_then(|role| role.child(ns::METADATA, "Extensions"));
    let scopes = extensions.into_iter().flat_map(|one| one.children().filter(|child| child.is(ns::SHIBMD, "Scope")));
    let regexps = scopes.filter(|scope| scope.attribute("regexp").is_some_and(|regexp| regexp != "false")).count();
    hold(regexps == 0, || "a scope is a regular expression".to_owned())?;
    hold(!scenes.published.scopes.is_empty(), || "no scope is published".to_owned())?;
    seen(format!("{:?}, no regular expression", scenes.published.scopes))
}

fn contents(scenes: &Scenes) -> Finding {
    for part in [certificates, error_url, user_interface, scopes, contact] {
        part(scenes)?;
    }
    let (signed, valid) = (verified(scenes)?, valid_until(scenes)?);
    seen(format!(
        "endpoints for sign-on and logout, signing key, errorURL, user interface, scope and contact are there; {signed}, {valid}"
    ))
}
