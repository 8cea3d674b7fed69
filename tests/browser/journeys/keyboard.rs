//! People who use no mouse, who see the page in their system's own few colours, or at 400 per cent (which on a screen of
//! 1,280 pixels is a width of 320; WCAG 2.2, 1.4.10).

use serde_json::{Value, json};

use crate::accessibility::assert_accessible;
use crate::signet::Signet;
use crate::visitor::Visitor;
use crate::webdriver::Looks;

/// The code points by which WebDriver names keys.
const TAB: &str = "\u{E004}";
const ENTER: &str = "\u{E007}";
const SPACE: &str = " ";

/// What has the focus: what it is, whether it matches, whether a person sees where the focus is, and why not.
const FOCUS: &str = "
    const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
    const label = at.labels && at.labels[0] ? getComputedStyle(at.labels[0], '::before') : style;
    const drawn = [style, label].some(s =>
        (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2) || s.boxShadow !== 'none');
    const inView = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    const what = at.tagName + ' ' + (at.id || at.textContent.trim().slice(0, 40) || at.name);
    return { what, matches: at.matches(arguments[0]), drawn, inView, body: at === document.body,
             why: [style.outlineStyle, style.outlineWidth, style.boxShadow, JSON.stringify(box)].join(' ') }";

/// Presses Tab until the focus is where it is wanted; wherever it stops on the way, it is seen.
async fn tab_to(visitor: &Visitor, css: &str) {
    visitor.browser.find(css).await;
    for _ in 0..40 {
        visitor.browser.type_keys(TAB).await;
        let mut focus = Value::Null;
        // Between the last element and the first the focus is the browser's own; and what comes into view may take its time.
        let seen = async || {
            focus = visitor.browser.script(FOCUS, &[json!(css)]).await;
            focus["body"] == true || (focus["drawn"] == true && focus["inView"] == true)
        };
        visitor.browser.wait("a focus that is seen", seen).await;
        if focus["matches"] == true {
            return;
        }
    }
    panic!("Tab does not come to {css} on {}", visitor.browser.address().await);
}

/// From the agency's page to what it received, without a mouse.
async fn by_keyboard(signet: &Signet, visitor: &Visitor) {
    let (browser, person) = (&visitor.browser, signet.person());
    browser.open(&signet.agency()).await;
    tab_to(visitor, "a[href='/sign-in/plain']").await;
    browser.type_keys(ENTER).await;
    browser.expect_path("/sign-in").await;
    // The first stop leads past the header.
    browser.type_keys(TAB).await;
    assert_eq!(browser.script("return document.activeElement.className", &[]).await, "usa-skipnav");
    visitor.picture("skip").await;
    browser.type_keys(ENTER).await;
    tab_to(visitor, "#email").await;
    browser.type_keys(&person.email).await;
    tab_to(visitor, "#password").await;
    browser.type_keys(&person.password).await;
    visitor.picture("sign-in").await;
    browser.type_keys(ENTER).await;
    browser.expect_path("/sign-in/second-factor/sms").await;
    let number = person.phone.replace(' ', "");
    let known = signet.count_messages_to(&number).await;
    tab_to(visitor, "form[action^='/sign-in/second-factor/sms/send'] button").await;
    visitor.picture("send").await;
    browser.type_keys(SPACE).await;
    tab_to(visitor, "#code").await;
    browser.type_keys(&signet.message_to(&number, "code", known).await.code()).await;
    tab_to(visitor, "main form.usa-form button[type=submit]").await;
    visitor.picture("code").await;
    browser.type_keys(SPACE).await;
    // What is sent along always can be looked at, opened and closed by the same keys.
    tab_to(visitor, "details.signet-engineer summary").await;
    browser.type_keys(ENTER).await;
    assert_eq!(browser.script("return document.querySelector('details.signet-engineer').open", &[]).await, true);
    tab_to(visitor, "form[action^='/saml/consent/'] button").await;
    visitor.picture("consent").await;
    browser.type_keys(SPACE).await;
    browser.expect_path("/received").await;
    browser.expect("You are signed in").await;
}

#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn a_person_signs_in_and_agrees_without_a_mouse_and_sees_the_focus_all_the_way() {
    let (signet, visitor) = (Signet::start().await, Visitor::new("keyboard").await);
    by_keyboard(&signet, &visitor).await;
}

#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn the_same_in_forced_colours_on_a_narrow_screen() {
    let signet = Signet::start().await;
    let looks = Looks { width: Some(320), ..Looks::default() };
    let visitor = Visitor::looking("keyboard-forced-colours", looks).await;
    visitor.browser.force_colours().await;
    by_keyboard(&signet, &visitor).await;
}

/// What is wrong with a page that is shown in forced colours, where backgrounds and shadows are gone.
const FAULTS: &str = "
    const seen = e => e.checkVisibility() && e.getBoundingClientRect().width > 1;
    const faults = [];
    const bordered = s => ['Top', 'Right', 'Bottom', 'Left'].every(side =>
        s['border' + side + 'Style'] !== 'none' && parseFloat(s['border' + side + 'Width']) >= 1)
        || (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 1);
    for (const e of document.querySelectorAll('.usa-button:not(.usa-button--unstyled), .usa-input, .usa-select, .usa-alert, .signet-asking'))
        if (seen(e) && !bordered(getComputedStyle(e))) faults.push('no border: ' + e.className + ' ' + e.textContent.trim().slice(0, 40));
    for (const e of document.querySelectorAll('.usa-checkbox__label'))
        if (seen(e) && !bordered(getComputedStyle(e, '::before')) && getComputedStyle(e, '::before').boxShadow === 'none')
            faults.push('no box: ' + e.textContent.trim());
    for (const e of document.querySelectorAll('body *')) {
        const s = getComputedStyle(e);
        if (seen(e) && Math.max(...[...s.transitionDuration.split(','), ...s.animationDuration.split(',')].map(parseFloat)) > 0.01)
            faults.push('moves: ' + e.tagName + ' ' + e.className);
    }
    if (document.documentElement.scrollWidth > innerWidth) faults.push('scrolls sideways: ' + document.documentElement.scrollWidth);
    return faults";

/// Looks at the page in the system's colours and its own, narrow and wide.
async fn looked_at(visitor: &Visitor, page: &str, faults: &mut Vec<String>) {
    let browser = &visitor.browser;
    // axe-core needs timers, which the page that shows a mail does not have.
    if page != "mail" {
        assert_accessible(browser).await;
    }
    for width in [320, 1000] {
        browser.narrow(width).await;
        visitor.picture(&format!("{page}-{width}")).await;
        browser.force_colours().await;
        let found: Value = browser.script(FAULTS, &[]).await;
        faults.extend(found.as_array().into_iter().flatten().map(|fault| format!("{page} at {width}: {fault}")));
        visitor.picture(&format!("{page}-{width}-forced")).await;
        browser.devtools("Emulation.setEmulatedMedia", json!({ "features": [] })).await;
    }
    browser.widen().await;
    // That a page is a refusal is nothing that the next page is to be blamed for.
    browser.console_errors().await;
}

#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn every_page_on_the_way_is_usable_in_forced_colours_narrow_and_wide() {
    let (signet, visitor) = (Signet::start().await, Visitor::new("forced-colours").await);
    let (browser, person, mut faults) = (&visitor.browser, signet.person(), Vec::new());
    browser.open(&format!("{}/sign-up/confirm/nothing", signet.origin())).await;
    looked_at(&visitor, "link-unusable", &mut faults).await;
    browser.open(&format!("{}/saml/continue/00000000000000000000000000000000", signet.origin())).await;
    looked_at(&visitor, "refusal", &mut faults).await;
    visitor.ask(&signet, "plain").await;
    // Each page says which request it is about, as the links between them do.
    let asked = browser.address().await;
    let request = asked.split_once("request=").expect("a request").1.to_owned();
    for (path, page) in [("/help", "help"), ("/forgot-password", "forgot"), ("/sign-up", "sign-up")] {
        browser.open(&format!("{}{path}?request={request}", signet.origin())).await;
        looked_at(&visitor, page, &mut faults).await;
    }
    browser.fill("#email", "grace@example.org").await;
    browser.click("label[for=rules]").await;
    browser.click("main form.usa-form button[type=submit]").await;
    browser.expect("Check your e-mail").await;
    looked_at(&visitor, "check-mail", &mut faults).await;
    let link = signet.message_to("grace@example.org", "/sign-up/confirm/", 0).await.link("/sign-up/confirm/");
    browser.open(&format!("{}/inbox", signet.agency())).await;
    browser.press("As HTML").await;
    browser.expect_path("/html").await;
    looked_at(&visitor, "mail", &mut faults).await;
    // Its button leads on from there, to where the service still waits for this browser.
    browser.press("Confirm my address").await;
    browser.find("#password").await;
    browser.expect("asks you to sign in").await;
    looked_at(&visitor, "password", &mut faults).await;
    // The same link where nothing waits: as on the phone of somebody who began elsewhere.
    browser.forget_cookies().await;
    browser.open(&link).await;
    browser.expect("asked for a sign-in").await;
    looked_at(&visitor, "link-question", &mut faults).await;
    browser.press("Only confirm my address").await;
    browser.find("#password").await;

    visitor.ask(&signet, "too-much").await;
    visitor.give_password(&person.email, "not the password").await;
    browser.expect("or the password is wrong").await;
    looked_at(&visitor, "sign-in-wrong", &mut faults).await;
    visitor.give_password(&person.email, &person.password).await;
    browser.expect_path("/sign-in/second-factor/sms").await;
    looked_at(&visitor, "text", &mut faults).await;
    let number = person.phone.replace(' ', "");
    visitor.give_text_code(&signet, &number).await;
    browser.find("form[action^='/saml/consent/'] button").await;
    looked_at(&visitor, "consent", &mut faults).await;
    browser.open(&format!("{}/account", signet.origin())).await;
    looked_at(&visitor, "account", &mut faults).await;
    browser.open(&format!("{}/account/email", signet.origin())).await;
    browser.fill("#email", "pat@home.example").await;
    browser.press("Send me a link").await;
    let link = signet.message_to("pat@home.example", "/account/email/confirm/", 0).await;
    browser.open(&link.link("/account/email/confirm/")).await;
    looked_at(&visitor, "confirm-address", &mut faults).await;
    browser.press("Add the address").await;
    browser.expect_path("/account/email").await;
    browser.expect("The e-mail address was added.").await;
    browser.open(&format!("{}/account/methods/add", signet.origin())).await;
    looked_at(&visitor, "methods", &mut faults).await;
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
