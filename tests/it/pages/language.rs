//! In which language a browser is answered.

use reqwest::Method;

use crate::support::app::TestApp;
use crate::support::browser::{Browser, Page};

const COOKIE: &str = "__Host-signet-language";

fn header<'a>(page: &'a Page, name: &str) -> &'a str {
    page.headers.get(name).map(|value| value.to_str().expect("text")).unwrap_or_default()
}

/// The page says one language in its header and in its text, and that its text depends on who asks.
fn expect_language(page: &Page, tag: &str) {
    assert_eq!(header(page, "content-language"), tag, "{}", page.url);
    assert_eq!(page.attribute("html", "lang").as_deref(), Some(tag), "{}", page.url);
    assert_eq!(page.attribute("html", "dir").as_deref(), Some("ltr"), "{}", page.url);
    assert_eq!(header(page, "vary"), "Cookie, Accept-Language", "{}", page.url);
    assert_eq!(page.text().contains('⟦'), tag == "en-XA", "{}", page.url);
}

/// One call with this header, which follows no redirect.
async fn wanting(browser: &Browser, path: &str, accepted: &str) -> Page {
    browser.once_with(Method::GET, path, None, &[("accept-language", accepted)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_wish_pages_are_in_english() {
    let app = TestApp::start().await;
    for path in ["/", "/help", "/sign-in", "/no-such-page"] {
        let page = app.browser().get(path).await;
        expect_language(&page, "en");
        assert!(!header(&page, "set-cookie").contains(COOKIE), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_address_asks_for_is_kept_in_a_cookie() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let page = browser.get("/sign-in?locale=en-xa").await;
    expect_language(&page, "en-XA");
    assert_eq!(browser.cookie(COOKIE).as_deref(), Some("en-XA"));
    for path in ["/", "/help", "/sign-up", "/no-such-page"] {
        expect_language(&browser.get(path).await, "en-XA");
    }
    // A refusal, too, hears what its own address asks for.
    expect_language(&browser.get("/no-such-page?locale=en").await, "en");
    assert_eq!(browser.cookie(COOKIE).as_deref(), Some("en"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_holds_a_tag_and_lives_a_year() {
    let app = TestApp::start().await;
    let page = app.browser().get("/?locale=en-XA").await;
    let expected = "__Host-signet-language=en-XA; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=31536000";
    assert_eq!(header(&page, "set-cookie"), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_language_that_is_not_there_is_passed_over() {
    let app = TestApp::start().await;
    for tag in ["xx", "", "../en", "%00", "%ff", "en%0d%0aset-cookie:x=y"] {
        let browser = app.browser();
        let page = browser.get(&format!("/sign-in?locale={tag}")).await;
        expect_language(&page, "en");
        assert_eq!(browser.cookie(COOKIE), None, "{tag}");
    }
    let browser = app.browser();
    browser.plant_cookie(COOKIE, "no-language");
    expect_language(&browser.get("/sign-in").await, "en");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_browsers_wish_brings_the_pseudo_language() {
    let app = TestApp::start().await;
    expect_language(&wanting(&app.browser(), "/help", "en-XA, xx;q=0.5").await, "en");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_caches_keep_sets_no_cookie() {
    let app = TestApp::start().await;
    let page = app.browser().get("/sign-in").await;
    let style = page.attribute("link[rel=stylesheet]", "href").expect("a style sheet");
    let browser = app.browser();
    browser.get(&format!("{style}?locale=en-XA")).await.expect_status(200);
    assert_eq!(browser.cookie(COOKIE), None);
}
