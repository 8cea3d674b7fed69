//! Every page that the templates can show: drawn, read and compared with the locale files.
//!
//! `SIGNET_PAGES=<folder> cargo test every_page` leaves the pages in that folder, for looking at them.

mod account;
mod saml;
mod sign_in;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use fluent_templates::fluent_bundle::FluentValue;
use time::macros::utc_datetime;

use super::*;
use crate::accounts::site::Contact;
use crate::address::Address;
use crate::event::Event;
use crate::federation::agreement::LocalizedText;
use crate::federation::attribute::AttributeName;
use crate::federation::consent::ConsentReason;
use crate::federation::release::Withheld;
use crate::locale::Locale;
use crate::refusal::RefusalKind;
use crate::saml::signature::SignatureError;
use crate::sealing::KeysError;
use crate::texts::{self, outside_of_marks};
use crate::web::refusal::{Refusal, RefusedService};
use crate::web::saml::logout::pages as logout;
use crate::web::saml::trial::TrialPage;
use crate::web::saml::turned_away::TurnedAwayPage;

const TOKEN: &str = "token-of-the-session";

thread_local! {
    /// In which language this test's samples are drawn.
    static READ_IN: Cell<Locale> = const { Cell::new(Locale::DEFAULT) };
}

/// Words of an agreement that has them in English alone.
fn words(text: &str) -> LocalizedText {
    LocalizedText::in_english(text)
}

/// An address of a page that there may be.
fn at(path: &str) -> Address {
    Address::of_request(path)
}

/// A layout while a service waits; its name would like to be markup.
fn asked() -> Layout {
    let asking = Asking {
        service: words("Benefits <script>alert(1)</script> Portal"),
        agency: words("Department of \"Examples\" & Others"),
        path: at("/saml/continue/sample"),
        decline_path: at("/saml/decline/sample"),
    };
    let request = Some("0123456789abcdef".to_owned());
    Layout { asking: Some(asking), request, csrf: TOKEN.to_owned(), ..Layout::for_anybody("Signet", READ_IN.get()) }
}

/// A page that was drawn.
struct Drawn {
    template: &'static str,
    html: String,
}

#[derive(Default)]
struct Album(Vec<Drawn>);

impl Album {
    fn add<P: Page>(&mut self, signed_in: bool, page: &P) {
        let layout = Layout { csrf: TOKEN.to_owned(), signed_in, ..Layout::for_anybody("Signet", READ_IN.get()) };
        self.add_in(&layout, page);
    }

    fn add_in<P: Page>(&mut self, layout: &Layout, page: &P) {
        let html = render(page, layout).unwrap_or_else(|error| panic!("{error}"));
        self.0.push(Drawn { template: P::TEMPLATE, html });
    }

    /// One page for each problem that it can have, and one without.
    fn with_problems<P: Page, Problem: Copy>(
        &mut self,
        signed_in: bool,
        problems: &[Problem],
        page: impl Fn(Option<Problem>) -> P,
    ) {
        self.add(signed_in, &page(None));
        for problem in problems {
            self.add(signed_in, &page(Some(*problem)));
        }
    }
}

fn album() -> Album {
    let mut album = Album::default();
    plain(&mut album);
    sign_in::signing_up(&mut album);
    sign_in::methods(&mut album);
    sign_in::signing_in(&mut album);
    sign_in::recovery(&mut album);
    account::the_account(&mut album);
    saml::single_sign_on(&mut album);
    album
}

fn plain(album: &mut Album) {
    album.add(false, &LandingPage {});
    album.add(true, &LandingPage {});
    album.add(false, &HelpPage::default());
    let contact = Contact {
        email: Some("help@login.example.gov".to_owned()),
        phone: Some("+1 202 555 0100".to_owned()),
        hours: Some("Monday to Friday, 8 am to 8 pm Eastern Time".to_owned()),
    };
    album.add(false, &HelpPage { contact: Some(Contact { hours: None, ..contact.clone() }) });
    album.add(false, &HelpPage { contact: Some(Contact { phone: None, ..contact.clone() }) });
    album.add_in(&asked(), &HelpPage { contact: Some(Contact { email: None, ..contact }) });
    album.add(false, &PrivacyPage { idle_minutes: 15, session_hours: 12 });
    let now = utc_datetime!(2026-11-24 12:00:01);
    for kind in RefusalKind::ALL {
        album.add_in(&Layout::for_anybody("Signet", READ_IN.get()), &Refusal::from(kind).page(now));
    }
    let told = Refusal::because(RefusalKind::SignatureWrong, &SignatureError::NoKeyVerifies { tried: 2 });
    album.add(false, &told.clone().page(now));
    let service = RefusedService {
        folder: None,
        name: words("Benefits Portal"),
        return_to: Some("https://benefits.example.gov/".to_owned()),
    };
    album.add(false, &told.about(service).page(now));
}

fn files_below(folder: &str, ending: &str) -> Vec<String> {
    fn collect(folder: &Path, ending: &str, into: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                collect(&path, ending, into);
            } else if path.to_string_lossy().ends_with(ending) {
                into.push(path.to_string_lossy().into_owned());
            }
        }
    }
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), ending, &mut files);
    files
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
fn every_page_can_be_drawn() {
    let album = album();
    let drawn: BTreeSet<&str> = album.0.iter().map(|page| page.template).collect();
    for folder in ["templates/pages", "templates/saml"] {
        for file in files_below(folder, ".html") {
            let template = file.split_once("/templates/").unwrap().1;
            assert!(drawn.contains(template), "no sample draws {template}");
        }
    }
    if let Ok(folder) = std::env::var("SIGNET_PAGES") {
        let mut numbers = BTreeMap::<&str, u32>::new();
        for page in &album.0 {
            let number = numbers.entry(page.template).and_modify(|number| *number += 1).or_insert(0);
            let name = page.template.replace('/', "-").replace(".html", &format!("-{number:02}.html"));
            std::fs::write(Path::new(&folder).join(name), &page.html).unwrap();
        }
    }
}

#[test]
fn every_page_can_be_used_by_everybody() {
    for page in album().0 {
        let at = page.template;
        let html = scraper::Html::parse_document(&page.html);
        let all = |selector: &str| -> Vec<scraper::ElementRef<'_>> {
            html.select(&scraper::Selector::parse(selector).unwrap()).collect()
        };
        assert_eq!(all("h1").len(), 1, "{at}: one heading of the first level");
        assert_eq!(all("main").len(), 1, "{at}: one main part");
        assert!(all("title").iter().all(|title| !title.inner_html().trim().starts_with('–')), "{at}: a title");
        // A strict Content-Security-Policy would not run them.
        assert!(all("[style], [onclick], [onload], style, script:not([src])").is_empty(), "{at}: nothing inline");
        let ids: Vec<&str> = all("[id]").iter().filter_map(|element| element.attr("id")).collect();
        assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "{at}: an id is given twice");
        for field in all("input:not([type=hidden]):not([aria-hidden=true]), select, textarea") {
            let id = field.attr("id").unwrap_or_default();
            let labelled = all("label").iter().any(|label| label.attr("for") == Some(id));
            assert!(labelled || field.attr("aria-label").is_some(), "{at}: the field {id} has no label");
        }
        for element in all("[aria-describedby], [aria-labelledby]") {
            let names = [element.attr("aria-describedby"), element.attr("aria-labelledby")];
            for id in names.into_iter().flatten().flat_map(str::split_whitespace) {
                assert!(ids.contains(&id), "{at}: nothing has the id {id}");
            }
        }
        for form in all("form[method=post]") {
            let elsewhere = form.attr("action").is_some_and(|action| action.starts_with("https:"));
            let token = form
                .select(&scraper::Selector::parse("input[name=csrf]").unwrap())
                .any(|input| input.attr("value") == Some(TOKEN));
            assert_eq!(token, !elsewhere, "{at}: the form's token");
        }
        assert!(!page.html.contains("<script>alert"), "{at}: escaped");
        assert!(!page.html.contains("/assets/unknown/"), "{at}: a static file that is not there");
    }
}

#[test]
fn no_text_of_the_locale_files_is_unused() {
    let sources: String = files_below("templates", ".html")
        .into_iter()
        .chain(files_below("src/web", ".rs"))
        .map(|file| std::fs::read_to_string(file).unwrap())
        .collect();
    // A key is used as a whole, or put together from a beginning in a template and an end.
    let used = |key: &str| {
        sources.contains(&format!("\"{key}\""))
            || key.match_indices('-').any(|(at, _)| sources.contains(&format!("\"{}\"", &key[..=at])))
    };
    let put_together = ["mail-", "method-", "sms-", "history-"];
    let unused: Vec<&str> =
        texts::keys().filter(|key| !used(key) && !put_together.iter().any(|start| key.starts_with(start))).collect();
    assert_eq!(unused, Vec::<&str>::new());
}

#[test]
fn every_refusal_has_its_words() {
    for kind in RefusalKind::ALL {
        let name = kind.name();
        let mut keys = vec![format!("refusal-{name}"), format!("refusal-{name}-person")];
        keys.extend(kind.is_about_a_service().then(|| format!("refusal-{name}-engineer")));
        for key in keys {
            assert!(
                texts::lookup(Locale::DEFAULT, &key, Vec::<(String, FluentValue<'static>)>::new()).is_some(),
                "{key}"
            );
        }
    }
}

#[test]
fn an_outage_is_shown_without_its_cause() {
    let page = Refusal::from(KeysError::Unavailable).page(utc_datetime!(2026-11-24 12:00));
    let html = render(&page, &Layout::for_anybody("Signet", READ_IN.get())).unwrap();
    assert!(html.contains("U02") && !html.contains("keys"), "{html}");
}

/// What a page shows or reads out.
fn read_by_people(html: &str) -> Vec<String> {
    let document = scraper::Html::parse_document(html);
    let mut read = Vec::new();
    for node in document.tree.nodes() {
        match node.value() {
            scraper::Node::Text(text) => {
                let silent = ["script", "style", "code", "kbd"];
                let mut above =
                    node.ancestors().filter_map(|above| above.value().as_element().map(scraper::node::Element::name));
                match above.find(|name| silent.contains(name) || *name == "noscript") {
                    None => read.push(text.to_string()),
                    // Its markup is text to a parser that runs scripts.
                    Some("noscript") => read.extend(read_by_people(text)),
                    Some(_) => {}
                }
            }
            scraper::Node::Element(element) => {
                let spoken = |name: &str| {
                    ["aria-label", "title", "alt", "placeholder"].contains(&name) || name.starts_with("data-text")
                };
                read.extend(element.attrs().filter(|(name, _)| spoken(name)).map(|(_, text)| text.to_owned()));
            }
            _ => {}
        }
    }
    read
}

#[test]
fn every_text_of_every_page_comes_from_the_locale_files() {
    READ_IN.set(Locale::PSEUDO);
    let mut foreign = BTreeSet::new();
    for page in album().0 {
        let document = scraper::Html::parse_document(&page.html);
        assert_eq!(document.root_element().attr("lang"), Some(Locale::PSEUDO.tag()), "{}", page.template);
        for text in read_by_people(&page.html) {
            foreign.extend(outside_of_marks(&text).into_iter().filter(|piece| !is_data(piece)));
        }
    }
    assert_eq!(foreign, BTreeSet::new(), "neither of a locale file nor what the samples hold");
}

/// Whether the samples hold it: names, numbers and times, which no language changes.
fn is_data(piece: &str) -> bool {
    // Behind every title stands the service's name.
    let piece = piece.trim_end_matches("– Signet").trim_matches([' ', '.', '?', '–']);
    // A refusal's code, and its name for engineers.
    let of_a_refusal = RefusalKind::ALL
        .iter()
        .any(|kind| piece.strip_prefix(kind.code()).is_some_and(|rest| rest.is_empty() || rest.trim() == kind.name()));
    piece.is_empty() || of_a_refusal || piece.contains('@') || DATA.contains(&piece)
}

/// What people, agencies and services call things in the samples, and what only engineers read.
const DATA: &[&str] = &[
    "0123456789abcdef",
    "2026-11-24 12:00:01 UTC",
    "<b>Returns</b>",
    "Apply for benefits and see what became of it",
    "Benefits <b>Portal</b>",
    "Benefits <script>alert(1)</script> Portal",
    "Benefits Portal",
    "Camping",
    "Department of \"Examples\" & Others",
    "Department of Examples",
    "Monday to Friday, 8 am to 8 pm Eastern Time",
    "My phone",
    "My phone (…0123)",
    "NZ",
    "Signet",
    "Tax Office",
    "To send you letters about your application",
    "a3f0c9d4-7f0e-4a59-9d2a-0f6f1f0c7b11",
    "c0ffee-12",
    "none of the 2 registered keys of the right kind made this signature",
    "value",
];
