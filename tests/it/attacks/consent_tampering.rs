//! The consent that says something else than the page.
//!
//! The form of the consent page is in the person's hands, and in those of whatever runs in her browser. Names added to it
//! might widen what is sent; a digest of another page might make a small consent into a large one; the same form twice might
//! issue twice. The form carries no names at all: the digest says which page was shown, what is sent is decided anew, and
//! where the two differ she is asked again. A request is answered once.

use reqwest::Method;

use super::door::{House, id_on, is_response, token_of};

#[tokio::test(flavor = "multi_thread")]
async fn fields_added_to_the_form_widen_nothing() {
    let house = House::open().await;
    let ben = house.newcomer("ben@example.gov").await;
    let request = house.ask(&["email"], None);
    let page = ben.get(&request.url).await;
    let form = page.form_with(&["digest"]).with(&[
        ("all_emails", "on"),
        ("attribute", "all_emails"),
        ("attributes[]", "ssn"),
        ("scope", "everything"),
        ("names", "email,all_emails,ssn"),
    ]);
    let learned = house.learned(&ben.submit_form(&form).await, &request);
    let names: Vec<&str> = learned.attributes.iter().map(|attribute| attribute.name.as_str()).collect();
    assert_eq!(names, ["uuid", "email", "ial", "aal"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_digest_of_another_page_is_no_consent_to_this_one() {
    let house = House::open().await;
    let ben = house.newcomer("ben@example.gov").await;
    let small = ben.get(&house.ask(&["email"], None).url).await;
    let large = ben.get(&house.ask(&["email", "all_emails"], None).url).await;
    let small_digest = small.form_with(&["digest"]).value("digest").unwrap().to_owned();
    let large_digest = large.form_with(&["digest"]).value("digest").unwrap().to_owned();
    assert_ne!(small_digest, large_digest);
    let carol = house.newcomer("carol@example.gov").await;
    let of_carol = carol.get(&house.ask(&["email", "all_emails"], None).url).await;
    let of_carol = of_carol.form_with(&["digest"]).value("digest").unwrap().to_owned();
    let before = house.disclosures();
    let near_miss = large_digest[1..].to_owned() + &large_digest[..1];
    let upper = large_digest.to_uppercase();
    for digest in
        [small_digest.as_str(), &of_carol, &near_miss, &upper, "", "*", &large_digest[..63], &"0".repeat(9000)]
    {
        let again = ben.submit_form(&large.form_with(&["digest"]).with(&[("digest", digest)])).await;
        again.expect_status(200).expect_words("ben@example.gov");
        assert!(again.forms().iter().any(|form| form.value("digest").is_some()), "{digest}: the page is shown anew");
        assert!(!is_response(&again));
    }
    assert_eq!(house.disclosures(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_a_digest_or_with_two_and_an_address_with_one_are_no_consent() {
    let house = House::open().await;
    let ben = house.newcomer("ben@example.gov").await;
    let page = ben.get(&house.ask(&[], None).url).await;
    let (id, token) = (id_on(&page), token_of(&ben).await);
    let digest = page.form_with(&["digest"]).value("digest").unwrap().to_owned();
    let (consent, before) = (format!("/saml/consent/{id}"), house.disclosures());
    ben.post(&consent, &[("csrf", &token)]).await.expect_status(400);
    ben.post(&consent, &[("csrf", &token), ("digest", &digest), ("digest", &digest)]).await.expect_status(400);
    ben.post(&consent, &[("csrf", &token), ("csrf", &token), ("digest", &digest)]).await.expect_status(400);
    let by_address = format!("{consent}?csrf={token}&digest={digest}");
    assert!(!is_response(&ben.get(&by_address).await));
    ben.post(&by_address, &[]).await.expect_status(400);
    for method in [Method::PUT, Method::PATCH, Method::DELETE] {
        let fields = [("csrf", token.as_str()), ("digest", &digest)];
        ben.once_with(method, &consent, Some(&fields), &[]).await.expect_status(405);
    }
    assert_eq!(house.disclosures(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_consent_again_issues_nothing() {
    let house = House::open().await;
    let ben = house.newcomer("ben@example.gov").await;
    let request = house.ask(&[], None);
    let page = ben.get(&request.url).await;
    let form = page.form_with(&["digest"]);
    let before = house.disclosures();
    house.learned(&ben.submit_form(&form).await, &request);
    ben.submit_form(&form).await.expect_status(409).expect_words("Code: W09");
    ben.get(&format!("/saml/continue/{}", id_on(&page))).await.expect_status(409);
    let decline = page.forms().into_iter().find(|form| form.action.path().starts_with("/saml/decline/")).unwrap();
    ben.submit_form(&decline).await.expect_status(409);
    assert_eq!(house.disclosures(), before + 1);

    // Nor after a restart, nor when twenty come at once.
    let request = house.ask(&["email", "all_emails"], None);
    let form = ben.get(&request.url).await.form_with(&["digest"]);
    let tries: Vec<_> = (0..20)
        .map(|_| {
            let (ben, form) = (ben.clone(), form.clone());
            tokio::spawn(async move { ben.submit_form(&form).await.status.as_u16() })
        })
        .collect();
    let mut answered = 0;
    for one in tries {
        let status = one.await.unwrap();
        assert!(status == 200 || status == 409, "{status}");
        answered += usize::from(status == 200);
    }
    assert_eq!(answered, 1);
    let House { app, .. } = house;
    let app = app.restart().await;
    let ben = {
        let again = app.browser();
        again.plant_cookie("__Host-signet", &ben.cookie("__Host-signet").unwrap());
        again
    };
    let path = form.action.path().to_owned();
    let fields: Vec<(&str, &str)> = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    ben.post(&path, &fields).await.expect_status(409);
    assert_eq!(app.count("disclosure", "1 = 1"), before + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_was_open_while_somebody_signed_out_is_of_no_use_to_the_next() {
    let house = House::open().await;
    let ben = house.newcomer("ben@example.gov").await;
    let form = ben.get(&house.ask(&[], None).url).await.form_with(&["digest"]);
    let page = ben.get("/account").await;
    ben.submit_to(&page, "/account/sign-out", &[]).await.expect_status(200);
    let before = house.disclosures();
    // The request still waits for this browser: whoever signs in next is asked anew.
    let page = ben.submit_form(&form).await;
    assert_eq!(page.url.path(), "/sign-in", "{}", page.text());
    assert_eq!(house.disclosures(), before);
}
