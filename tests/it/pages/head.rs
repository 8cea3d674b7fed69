//! HEAD is answered as GET is, without a body, at every address; it writes nothing and uses nothing up.

use reqwest::Method;
use signet::demo::service_provider::Ask;
use url::Url;

use crate::federation::front_door::House;
use crate::support::app::{TestApp, Wishes};
use crate::support::browser::{Browser, Page};
use crate::support::people::{With, secret_of, sign_up, up_to_methods};
use crate::support::sql;

/// Where GET uses something up, so that HEAD looks at nothing: sign-on, logout, trials of keys, mailed links.
const UNTOUCHED: [&str; 10] = [
    "/account/email/confirm/{token}",
    "/forgot-password/{token}",
    "/saml/consent/{id}",
    "/saml/continue/{id}",
    "/saml/logout",
    "/saml/logout/{id}",
    "/saml/logout/{id}/next",
    "/saml/sso",
    "/saml/trial/{ticket}",
    "/sign-up/confirm/{token}",
];

/// Every path of the site, and those of its files.
fn paths() -> Vec<String> {
    let files = ["/assets/{hash}/{name:.*}", "/favicon.ico"];
    signet::address::patterns().chain(files).map(str::to_owned).collect()
}

/// An address at which something could be, or could have been.
fn address(path: &str) -> String {
    path.replace("{name:.*}", "css/signet.css")
        .replace("{id}", "00112233445566778899aabbccddeeff")
        .replace("{token}", "no-such-token")
        .replace("{ticket}", "no-such-ticket")
        .replace("{hash}", "0")
        .replace("{address}", "no-such-address")
}

async fn ask(app: &TestApp, browser: &Browser, method: Method, path: &str) -> Page {
    let url: Url = format!("{}{}", app.url, address(path)).parse().unwrap();
    browser.once(method, url, None).await
}

/// How many rows each table has.
fn rows(app: &TestApp) -> Vec<(String, i64)> {
    let schema = std::fs::read_to_string("src/storage/schema.rs").expect("the schema");
    let tables = schema.split("diesel::table! {").skip(1).filter_map(|table| table.split_whitespace().next());
    tables.map(|table| (table.to_owned(), sql::count(&app.store, table, "1 = 1"))).collect()
}

/// Walks the whole table as this browser: HEAD at every address first, so that what it wrote would be seen.
async fn walk(app: &TestApp, browser: &Browser) {
    let before = rows(app);
    let paths = paths();
    let mut heads = Vec::new();
    for path in &paths {
        let head = ask(app, browser, Method::HEAD, path).await;
        assert_eq!(head.body, "", "{path}");
        assert!(!head.headers.contains_key("set-cookie"), "{path}");
        heads.push(head);
    }
    assert_eq!(rows(app), before, "HEAD wrote something");
    for (path, head) in paths.iter().zip(heads) {
        if UNTOUCHED.contains(&path.as_str()) {
            assert_eq!(head.status, 200, "{path}");
            continue;
        }
        let get = ask(app, &browser.clone(), Method::GET, path).await;
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.headers.get("content-type"), get.headers.get("content-type"), "{path}");
        assert_eq!(head.headers.get("location"), get.headers.get("location"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_answered_as_get_is_at_every_address_and_writes_nothing() {
    let app = TestApp::start().await;
    walk(&app, &app.browser()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_path_of_the_table_has_its_page() {
    let app = TestApp::start().await;
    for path in signet::address::patterns().chain(["/no-such-page"]) {
        let browser = app.browser();
        let get = ask(&app, &browser, Method::GET, path).await.status;
        let post = ask(&app, &browser, Method::POST, path).await.status;
        // Where there is a page, it is another answer to the method that the page does not know.
        let nothing = get.as_u16() == 404 && post.as_u16() == 404;
        assert_eq!(nothing, path == "/no-such-page", "{path}: {get} {post}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_answered_as_get_is_for_somebody_who_is_signed_in() {
    let app = TestApp::start().await;
    let browser = app.browser();
    sign_up(&app, &browser, "ada@example.gov", With::App).await;
    walk(&app, &browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_monitors_ask_is_there_for_head() {
    let app = TestApp::start_with(Wishes { metrics: true, ..Wishes::default() }).await;
    for path in ["/", "/healthz", "/readyz", "/saml", "/saml/metadata", "/sign-in", "/favicon.ico"] {
        let (head, get) =
            (ask(&app, &app.browser(), Method::HEAD, path).await, ask(&app, &app.browser(), Method::GET, path).await);
        assert_eq!((head.status, head.body.as_str()), (get.status, ""), "{path}");
        assert!(head.status.is_success() || head.status.is_redirection(), "{path}");
    }
    let metrics = app.settings.server.metrics_listen.expect("it was wished");
    let url: Url = format!("http://localhost:{}/metrics", metrics.port()).parse().unwrap();
    assert_eq!(app.browser().once(Method::HEAD, url, None).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn head_uses_no_mailed_link_up_and_no_page_of_a_session() {
    let app = TestApp::start().await;
    let browser = app.browser();
    // The link of the mail is looked at by a scanner that has no cookie, and by one with the person's.
    let page = browser.get("/sign-up").await;
    browser.submit_to(&page, "/sign-up", &[("email", "eve@example.gov"), ("rules", "yes")]).await.expect_status(200);
    let link = app.link_to("eve@example.gov", 0).await;
    for scanner in [app.browser(), browser.clone()] {
        assert_eq!(ask(&app, &scanner, Method::HEAD, &link).await.status, 200);
    }
    browser.get(&link).await.expect_status(200).form_with(&["password", "again"]);

    // A page whose secret stands in the session: HEAD makes none of its own.
    let browser = app.browser();
    up_to_methods(&app, &browser, "ada@example.gov").await;
    let page = browser.get("/sign-up/methods/totp").await;
    ask(&app, &browser, Method::HEAD, "/sign-up/methods/totp").await;
    let code = secret_of(&page).code_at(signet::clock::Clock::now(&*app.clock)).expect("a code");
    let page = browser.submit(&page, &[("code", &code), ("name", "my app")]).await;
    assert_eq!(page.expect_status(200).url.path(), "/sign-up/recovery-key", "{}", page.text());
    ask(&app, &browser, Method::HEAD, "/sign-up/recovery-key").await;
    let key = browser.get("/sign-up/recovery-key").await.find("#recovery-key code");
    assert!(key.is_some(), "the recovery key is shown to GET");
}

#[tokio::test(flavor = "multi_thread")]
async fn head_takes_no_request_for_single_sign_on_in_and_ends_no_session() {
    let house = House::new().await;
    let (browser, _) = house.fiona().await;
    let request = house.request(&Ask::default());
    let url: Url = request.url.parse().unwrap();
    let before = rows(&house.app);
    for _ in 0..2 {
        let looked = browser.once(Method::HEAD, url.clone(), None).await;
        assert_eq!((looked.status.as_u16(), looked.body.as_str()), (200, ""));
    }
    ask(&house.app, &browser, Method::HEAD, "/saml/logout").await;
    assert_eq!(rows(&house.app), before);
    // The request was not seen: it is no replay. The person is still signed in.
    browser.get(&request.url).await.expect_status(200).expect_words("Park permits").form_with(&["digest"]);
}
