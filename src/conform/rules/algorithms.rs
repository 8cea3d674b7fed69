//! Rules about algorithms.

use super::{Answer, Finding, Scenes, check, each_stopped, hold, same, seen};
use crate::conform::provider::{AES128_GCM, AES256_GCM, MGF1P, OAEP, SHA1, SHA256, TRANSPORTS};
use Answer::ProvenBy;

const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const ECDSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";

pub(super) const ANSWERS: &[(&str, Answer)] = &[
    ("IIP-ALG01", check(sha256)),
    ("IIP-ALG02", check(rsa_sha256)),
    ("IIP-ALG03", check(ecdsa)),
    ("IIP-ALG04", check(gcm)),
    ("IIP-ALG05", check(cbc)),
    ("IIP-ALG06", check(transports)),
    ("IIP-ALG08", check(refused)),
    ("IIP-MD09", check(published)),
    (
        "IIP-MD10",
        ProvenBy(&[
            "service_gets_the_first_of_ours_that_it_lists",
            "signature_is_the_first_of_our_keys_that_the_service_lists",
        ]),
    ),
    ("SDP-ALG01", check(set)),
];

fn sha256(scenes: &Scenes) -> Finding {
    let signed = scenes.answered("first")?.response.signed.as_ref().ok_or("the Response is not signed")?;
    same("the digest", &signed.digest, SHA256)?;
    seen("digests are made with SHA-256, and requests that use it are taken")
}

fn rsa_sha256(scenes: &Scenes) -> Finding {
    let signed = scenes.answered("first")?.response.signed.as_ref().ok_or("the Response is not signed")?;
    same("the signature", &signed.method, RSA_SHA256)?;
    seen("the Response is signed so, and so is the request that it answers")
}

fn ecdsa(scenes: &Scenes) -> Finding {
    scenes.assertion("many-keys-elliptic")?;
    let listed = scenes.published.algorithms("SigningMethod").contains(&ECDSA_SHA256);
    hold(listed, || "it is not among the published methods".to_owned())?;
    seen("a request signed with ECDSA over P-256 is taken; the method is published")
}

fn gcm(scenes: &Scenes) -> Finding {
    for (scene, cipher) in [("first", AES256_GCM), ("aes128", AES128_GCM)] {
        let encrypted = scenes.answered(scene)?.response.encrypted.as_ref();
        same(scene, encrypted.map_or("in clear", |one| &one.cipher), cipher)?;
    }
    seen("AES-256-GCM by default, AES-128-GCM by agreement; both opened with OpenSSL alone")
}

fn cbc(scenes: &Scenes) -> Finding {
    let encrypted = scenes.answered("aes256-cbc")?.response.encrypted.as_ref();
    let cipher = encrypted.map_or("in clear", |one| &one.cipher);
    hold(cipher.ends_with("#aes256-cbc"), || format!("the agreement asks for AES-256-CBC and {cipher} came"))?;
    for (scene, answered) in scenes.answers()?.filter(|(scene, _)| *scene != "aes256-cbc") {
        let used = answered.response.encrypted.as_ref().is_some_and(|one| one.cipher.contains("cbc"));
        hold(!used, || format!("{scene}: CBC came unasked"))?;
    }
    let warnings =
        scenes.around.linted.iter().find(|(service, _)| *service == "aes256-cbc").map(|(_, warnings)| warnings);
    let warned = warnings.is_some_and(|all| all.iter().any(|warning| warning.contains("aes-256-cbc")));
    hold(warned, || "nobody is warned of it".to_owned())?;
    seen("only where an agreement names the exception and its reason; signet sp check warns of it")
}

fn transports(scenes: &Scenes) -> Finding {
    for (service, (algorithm, digest, _)) in TRANSPORTS {
        let encrypted = scenes.answered(service)?.response.encrypted.as_ref().ok_or("in clear")?;
        same(service, &encrypted.transport, algorithm)?;
        same(service, encrypted.digest.as_deref().unwrap_or(SHA1), digest.unwrap_or(SHA1))?;
    }
    seen(format!("{} forms that metadata asks for were used: {MGF1P} and {OAEP} with both digests", TRANSPORTS.len()))
}

fn refused(scenes: &Scenes) -> Finding {
    let codes = each_stopped(scenes, &["sha1"])?;
    let weak = |uri: &&str| ["md5", "sha1", "rsa-1_5", "hmac"].iter().any(|bad| uri.contains(bad));
    let published: Vec<&str> = ["DigestMethod", "SigningMethod"]
        .iter()
        .flat_map(|name| scenes.published.algorithms(name))
        .filter(weak)
        .collect();
    hold(published.is_empty(), || format!("{published:?} are published"))?;
    seen(format!(
        "a signature that names RSA with SHA-1 is refused ({codes}); MD5, HMAC and RSA 1.5 have no name in \
         the lists, which are closed; the operator denies more by federation.denied_algorithms"
    ))
}

fn published(scenes: &Scenes) -> Finding {
    let digests = scenes.published.algorithms("DigestMethod");
    let methods = scenes.published.algorithms("SigningMethod");
    hold(digests.contains(&SHA256) && methods.contains(&RSA_SHA256), || "SHA-256 is not published".to_owned())?;
    seen(format!("{} digests and {} signature methods", digests.len(), methods.len()))
}

fn set(scenes: &Scenes) -> Finding {
    for part in [sha256, rsa_sha256, ecdsa, gcm] {
        part(scenes)?;
    }
    let encrypted = scenes.answered("first")?.response.encrypted.as_ref().ok_or("in clear")?;
    same("the key transport", &encrypted.transport, MGF1P)?;
    same("its digest", encrypted.digest.as_deref().unwrap_or(SHA1), SHA1)?;
    seen("SHA-256, RSA and ECDSA with it, both AES-GCM, and rsa-oaep-mgf1p with SHA-1 are used")
}
