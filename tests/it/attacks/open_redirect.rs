//! The trusted page that leads astray.
//!
//! A link to a known address that ends somewhere else is what a phisher wants: by a parameter that says where to go next, by
//! a RelayState that some program takes for an address, by an error that is "returned" to wherever the request said. Here no
//! page takes an address from outside; RelayState is an octet string that goes back to the registered service and nowhere
//! else, with errors as with assertions; and a fault that cannot be answered is told to the person alone.

use reqwest::Method;
use reqwest::header::LOCATION;

use super::door::{House, is_response};
use super::scene::ACS;
use crate::support::browser::Page;

const ELSEWHERE: &[&str] = &[
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "\"><script src=https://evil.example/x.js></script>",
    "' onmouseover='alert(1)",
    "</form><form action=https://evil.example/>",
    "%0d%0aLocation:%20https://evil.example/",
    "\r\nSet-Cookie: a=b",
    "{{ csrf }}{% include 'x' %}",
];

/// The page goes to the registered service, and what it carries back is text.
#[track_caller]
fn goes_back(page: &Page, relay_state: &str) {
    page.expect_status(200);
    assert!(is_response(page), "{}", page.text());
    let form = page.form_with(&["SAMLResponse"]);
    // Browsers send a line break in a field as CRLF, so it comes back so.
    let expected = relay_state.replace("\r\n", "\n");
    assert_eq!(form.value("RelayState").map(|value| value.replace("\r\n", "\n")).as_deref(), Some(expected.as_str()));
    assert!(!page.body.contains("<script src=https://evil"), "{}", page.body);
    let others = page.forms().into_iter().filter(|form| form.value("SAMLResponse").is_none());
    others.for_each(|form| assert_eq!(form.action.path(), "/account/sign-out", "{}", page.body));
    assert_eq!(form.action.as_str(), ACS);
    assert!(page.visited.iter().all(|url| url.host_str() == Some("localhost")), "{:?}", page.visited);
    assert!(page.headers.get("set-cookie").is_none_or(|line| !line.to_str().unwrap().starts_with("a=")));
}

#[tokio::test(flavor = "multi_thread")]
async fn relay_state_is_carried_back_as_text_with_an_assertion_and_with_an_error() {
    let house = House::open().await;
    for relay_state in ELSEWHERE {
        goes_back(&house.victim.get(&house.request_with(|request| request, Some(relay_state))).await, relay_state);
        let passive = house.request_with(|request| request.attribute("IsPassive", "true"), Some(relay_state));
        goes_back(&house.app.browser().get(&passive).await, relay_state);
    }
    let ben = house.newcomer("ben@example.gov").await;
    let page = ben.get(&house.request_with(|request| request, Some(ELSEWHERE[5]))).await;
    let decline = page.forms().into_iter().find(|form| form.action.path().starts_with("/saml/decline/")).unwrap();
    goes_back(&ben.submit_form(&decline).await, ELSEWHERE[5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_goes_to_no_address_that_is_not_registered() {
    let house = House::open().await;
    for url in ["https://evil.example/acs", "javascript:alert(1)", "https://sp.example.evil.example/acs"] {
        for passive in ["true", "false"] {
            let address = house.request_with(
                |request| request.attribute("AssertionConsumerServiceURL", url).attribute("IsPassive", passive),
                Some("https://evil.example/"),
            );
            for browser in [&house.victim, &house.app.browser()] {
                let page = browser.get(&address).await;
                page.expect_status(403).expect_words("Code: S22");
                assert!(page.forms().is_empty(), "{}", page.body);
                assert!(page.link("").is_none_or(|to| !to.contains("evil.example")), "{}", page.body);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_takes_an_address_to_go_to() {
    let house = House::open().await;
    let names = [
        "next",
        "return",
        "return_to",
        "returnUrl",
        "redirect",
        "redirect_uri",
        "url",
        "goto",
        "continue",
        "RelayState",
    ];
    for path in ["/", "/sign-in", "/sign-up", "/account", "/unlock", "/forgot-password", "/sign-in/second-factor"] {
        for browser in [&house.victim, &house.app.browser()] {
            for name in names {
                let address = format!("{path}?{name}=https%3A%2F%2Fevil.example%2F");
                let page = browser.once_with(Method::GET, &address, None, &[]).await;
                let location = page.headers.get(LOCATION).map(|value| value.to_str().unwrap().to_owned());
                assert!(location.as_ref().is_none_or(|to| to.starts_with('/') && !to.contains("evil")), "{location:?}");
                assert!(!page.body.contains("evil.example"), "{address}: {}", page.body);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_with_the_name_of_a_host_leads_nowhere() {
    let house = House::open().await;
    for path in [
        "//evil.example/%2e%2e",
        "/%5cevil.example",
        "/%2f%2fevil.example/",
        "/sign-in//evil.example",
        "/account/%0d%0aLocation:evil",
    ] {
        let address = format!("{}{path}", house.app.at);
        let page = house.app.browser().once_with(Method::GET, &address, None, &[]).await;
        page.expect_status(404);
        assert!(page.headers.get(LOCATION).is_none(), "{path}");
    }
}
