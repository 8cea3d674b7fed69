//! The key to which services encrypt for us changes, and what was encrypted to the one before still opens.

use signet::rollover::SigningKeyId;

use super::Street;

/// The certificates that our metadata offers for encrypting to us, and how many keys there are in all.
async fn offered(street: &Street) -> (Vec<String>, usize) {
    let metadata = street.app().browser().get("/saml/metadata").await.body;
    let keys: Vec<&str> = metadata.split("<md:KeyDescriptor ").skip(1).collect();
    let encrypting = keys.iter().filter(|key| key.starts_with("use=\"encryption\""));
    let certificate = |key: &&str| key.split("X509Certificate>").nth(1).unwrap().trim_end_matches("</ds:").to_owned();
    (encrypting.map(certificate).collect(), keys.len())
}

fn opening(street: &Street) -> Vec<String> {
    let signing = street.app().identity_provider.signing.load_full();
    signing.openers().iter().map(|opener| opener.key_id().to_owned()).collect()
}

fn names(keys: &[&SigningKeyId]) -> Vec<String> {
    keys.iter().map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_to_encrypt_to_is_offered_when_it_is_published_and_the_one_before_goes_on_opening() {
    let street = Street::new().await;
    assert_eq!(offered(&street).await, (Vec::new(), 1));
    let first = street.publish_for_decryption().await;
    let (certificates, keys) = offered(&street).await;
    assert_eq!((certificates.len(), keys), (1, 2));
    // It signs nothing, and cannot be made to.
    street.keys(&["sign-with", first.as_str(), "--all", "--now"]).refused("no key is called");
    street.keys(&["publish", first.as_str()]).refused("was published before, for encrypting to us");

    let second = street.publish_for_decryption().await;
    let (after, keys) = offered(&street).await;
    assert_eq!((after.len(), keys), (1, 2));
    assert_ne!(after, certificates);
    assert_eq!(opening(&street), names(&[&second, &first]));
    let said = street.keys(&["status"]).done();
    let line = |key: &SigningKeyId| said.lines().find(|line| line.starts_with(key.as_str())).unwrap().to_owned();
    assert!(line(&first).contains("replaced") && line(&second).contains("offered"), "{said}");
    assert!(said.contains(&format!("Our metadata offers {second} for encrypting to us.")), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_to_encrypt_to_is_retired_when_no_copy_of_our_metadata_offers_it() {
    let street = Street::new().await;
    let first = street.publish_for_decryption().await;
    street.keys(&["retire", first.as_str()]).refused("our metadata offers");
    let began = street.house.now();
    let second = street.publish_for_decryption().await;
    // As long as a copy of our metadata is valid.
    let told = street.keys(&["retire", first.as_str()]);
    told.refused_with_a_day("may be in use until ", 14, began, street.house.now());
    street.keys(&["retire", first.as_str(), "--now"]).done();
    street.follow().await.unwrap();
    assert_eq!(opening(&street), names(&[&second]));
    let file = |ending: &str| street.app().folder().join("keys/decryption").join(format!("{first}.{ending}"));
    assert!(!file("key").exists() && file("crt").exists());
    street.keys(&["retire", first.as_str(), "--now"]).refused("is retired");
    // None at all, if that is wanted.
    street.keys(&["retire", second.as_str(), "--now"]).done();
    street.follow().await.unwrap();
    assert_eq!(offered(&street).await, (Vec::new(), 1));
    assert!(opening(&street).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_the_key_keeps_the_plan_before_and_says_what_to_copy() {
    let street = Street::new().await;
    let said = street.keys(&["generate", "--decryption"]).done();
    let key = said.split_whitespace().nth(3).unwrap().to_owned();
    street.keys(&["publish"]).done();
    let file = street.app().folder().join("keys/decryption").join(format!("{key}.key"));
    let kept = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let fault = street.follow().await.unwrap_err().to_string();
    assert!(fault.contains(&format!("copy decryption/{key}.key and .crt there")), "{fault}");
    assert_eq!(offered(&street).await.0.len(), 0);
    std::fs::write(&file, kept).unwrap();
    street.follow().await.unwrap();
    assert_eq!(offered(&street).await.0.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_whose_key_others_encrypt_to_is_told_of_before_it_ends() {
    use signet::rollover::certificate_ends::{Notice, ending_certificates};

    let street = Street::new().await;
    let key = street.publish_for_decryption().await;
    let (signing, registry) =
        (street.app().identity_provider.signing.load_full(), street.app().identity_provider.registry.load_full());
    let soon = street.house.now() + time::Duration::days(3 * 365 - 20);
    let ending = ending_certificates(&signing, &registry, soon);
    let ours = ending.iter().filter(|one| one.service.is_none() && one.notice == Notice::ThirtyDays);
    assert!(ours.into_iter().any(|one| one.key.short() == key.as_str()), "{ending:?}");
}
