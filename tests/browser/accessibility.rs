//! What every page is held to, whatever it says: no violation that axe-core finds, and no sideways scrolling on a phone.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::webdriver::Chromium;

/// Rules of axe-core: WCAG 2.0 to 2.2, levels A and AA.
const RULES: [&str; 5] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/// Fails with each violation's rule, element and reason.
pub async fn assert_accessible(browser: &Chromium) {
    let found = violations(browser).await;
    assert!(found.is_empty(), "axe-core on {}:\n{}", browser.address().await, found.join("\n"));
}

/// The narrowest width that a page must fit (WCAG 2.2, 1.4.10), in CSS pixels.
const PHONE: u32 = 320;

/// Fails where the page is wider than a phone's view; the browser is as wide as before afterwards.
pub async fn assert_fits_a_phone(browser: &Chromium) {
    browser.narrow(PHONE).await;
    let width = browser.script("return document.documentElement.scrollWidth", &[]).await;
    browser.widen().await;
    assert!(width.as_u64() <= Some(PHONE.into()), "{} scrolls sideways: {width}", browser.address().await);
}

/// What axe-core says against the page that is shown, one line a rule.
pub async fn violations(browser: &Chromium) -> Vec<String> {
    // The source is compiled by the DevTools protocol, so the page's Content-Security-Policy stays as strict as it is.
    browser.script(&format!("{}; return true", axe_source()), &[]).await;
    let run =
        "return axe.run(document, { runOnly: arguments[0], resultTypes: ['violations'] }).then(r => r.violations)";
    let said = browser.script(run, &[json!(RULES)]).await;
    said.as_array().expect("a list").iter().map(described).collect()
}

fn described(violation: &Value) -> String {
    let nodes = violation["nodes"].as_array().cloned().unwrap_or_default();
    let nodes: Vec<String> =
        nodes.iter().map(|node| format!("  {} {}", node["target"], node["failureSummary"])).collect();
    format!("{} ({}):\n{}", violation["id"], violation["help"], nodes.join("\n"))
}

/// axe-core's minified source, as the wheel `axe-playwright-python` of tests/requirements.txt brings it.
fn axe_source() -> String {
    let venv = std::env::var_os("SIGNET_TEST_VENV").map_or_else(|| PathBuf::from("target/test-venv"), PathBuf::from);
    let libraries = std::fs::read_dir(venv.join("lib")).expect("target/test-venv: `make test` makes it");
    libraries
        .filter_map(|entry| {
            let path = entry.ok()?.path().join("site-packages/axe_playwright_python/axe.min.js");
            std::fs::read_to_string(path).ok()
        })
        .next()
        .expect("axe.min.js in target/test-venv")
}
