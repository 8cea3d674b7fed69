//! Every page that the templates can show: drawn, read and compared with the locale files.
//!
//! `SIGNET_PAGES=<folder> cargo test every_page` leaves the pages in that folder, for looking at them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use fluent_templates::fluent_bundle::FluentValue;
use time::macros::utc_datetime;

use super::*;
use crate::event::Event;
use crate::federation::attribute::AttributeName;
use crate::federation::consent::ConsentReason;
use crate::federation::release::Withheld;
use crate::saml::signature::SignatureError;
use crate::services::keys::KeysError;
use crate::web::account::pages as account;
use crate::web::refusal::{Refusal, RefusalKind, RefusedService};
use crate::web::saml::pages as saml;
use crate::web::saml::turned_away::TurnedAwayPage;
use crate::web::sign_in::pages as sign_in;
use crate::web::texts;

const TOKEN: &str = "token-of-the-session";

/// A layout while a service waits; its name would like to be markup.
fn asked() -> Layout {
    let asking = Asking {
        service: "Benefits <script>alert(1)</script> Portal".to_owned(),
        agency: "Department of \"Examples\" & Others".to_owned(),
        path: "/saml/continue/sample".to_owned(),
    };
    Layout { asking: Some(asking), csrf: TOKEN.to_owned(), ..Layout::for_anybody("Signet") }
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
        let layout = Layout { csrf: TOKEN.to_owned(), signed_in, ..Layout::for_anybody("Signet") };
        self.add_in(&layout, page);
    }

    fn add_in<P: Page>(&mut self, layout: &Layout, page: &P) {
        let html = render(page, layout).unwrap_or_else(|error| panic!("{error}"));
        self.0.push(Drawn { template: P::TEMPLATE, html });
    }

    /// One page for each problem that it can have, and one without.
    fn with_problems<P: Page>(
        &mut self,
        signed_in: bool,
        problems: &[&'static str],
        page: impl Fn(Option<&'static str>) -> P,
    ) {
        self.add(signed_in, &page(None));
        for problem in problems {
            self.add(signed_in, &page(Some(problem)));
        }
    }
}

fn album() -> Album {
    let mut album = Album::default();
    plain(&mut album);
    signing_up(&mut album);
    methods(&mut album);
    signing_in(&mut album);
    recovery(&mut album);
    the_account(&mut album);
    single_sign_on(&mut album);
    album
}

fn plain(album: &mut Album) {
    album.add(false, &LandingPage {});
    album.add(true, &LandingPage {});
    album.add(false, &HelpPage {});
    album.add(false, &PrivacyPage {});
    let now = utc_datetime!(2026-11-24 12:00:01);
    for kind in RefusalKind::ALL {
        album.add_in(&Layout::for_anybody("Signet"), &Refusal::from(kind).page(now));
    }
    let told = Refusal::because(RefusalKind::SignatureWrong, &SignatureError::NoKeyVerifies { tried: 2 });
    album.add(false, &told.clone().page(now));
    let service = RefusedService {
        name: "Benefits Portal".to_owned(),
        return_to: Some("https://benefits.example.gov/".to_owned()),
    };
    album.add(false, &told.about(service).page(now));
}

fn choices() -> Vec<sign_in::MethodChoice> {
    ["passkey", "security_key", "totp", "out_of_band"]
        .map(|kind| sign_in::MethodChoice {
            kind,
            path: format!("/sign-in/second-factor/{kind}"),
            name: (kind == "totp").then(|| "My phone".to_owned()),
            restricted: kind == "out_of_band",
        })
        .into()
}

const PASSWORD_PROBLEMS: &[&str] = &["too_short", "too_long", "common", "guessable", "yours", "different"];

fn signing_up(album: &mut Album) {
    album.with_problems(false, &["address", "rules"], |problem| sign_in::SignUpPage {
        email: "person@example.com".to_owned(),
        problem,
    });
    for purpose in ["sign_up", "forgot_password"] {
        album.add(false, &sign_in::CheckMailPage { email: "person@example.com".to_owned(), purpose });
    }
    for forgotten in [false, true] {
        album.with_problems(false, PASSWORD_PROBLEMS, |problem| sign_in::ChoosePasswordPage {
            email: "person@example.com".to_owned(),
            action: "/sign-up/confirm/sample".to_owned(),
            forgotten,
            over: None,
            problem,
        });
    }
    for over in ["", "Benefits <b>Portal</b>"] {
        album.add_in(
            &asked(),
            &sign_in::ChoosePasswordPage { over: Some(over.to_owned()), ..sign_in::ChoosePasswordPage::default() },
        );
    }
    for purpose in ["sign_up", "forgotten_password"] {
        album.add(
            false,
            &sign_in::LinkQuestionPage {
                email: "person@example.com".to_owned(),
                service_name: "Benefits Portal".to_owned(),
                agency_name: "Department of Examples".to_owned(),
                purpose,
                action: "/sign-up/confirm/sample/request".to_owned(),
            },
        );
    }
    album.with_problems(false, &["not_kept"], |problem| sign_in::RecoveryKeyPage {
        key: "7QK4 M2XP 9F0R HT6C 3WZA E8YN 51JD".to_owned(),
        problem,
    });
    for again_path in ["/sign-up", "/forgot-password"] {
        album.add(false, &sign_in::LinkUnusablePage { again_path });
    }
}

fn methods(album: &mut Album) {
    for first in [true, false] {
        album.add(!first, &sign_in::ChooseMethodPage { choices: choices(), first });
    }
    let picture = concat!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 29 29" width="232" height="232">"#,
        r##"<rect width="29" height="29" fill="#fff"/><path d="M4 4h7v7H4zM18 4h7v7h-7zM4 18h7v7H4z"/></svg>"##
    );
    album.with_problems(false, &["wrong"], |problem| sign_in::TotpSetUpPage {
        picture: picture.to_owned(),
        secret: "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP".to_owned(),
        action: "/sign-up/methods/totp".to_owned(),
        problem,
    });
    for kind in ["passkey", "security_key"] {
        album.add(
            true,
            &sign_in::WebauthnSetUpPage {
                kind,
                options_path: "/account/methods/add/webauthn/options".to_owned(),
                result_path: "/account/methods/add/webauthn".to_owned(),
            },
        );
    }
    album.with_problems(false, &["number", "not_for_text", "too_many"], |problem| sign_in::PhoneSetUpPage {
        phone: "202-555-0123".to_owned(),
        region: "US".to_owned(),
        action: "/sign-up/methods/sms".to_owned(),
        problem,
    });
    for tries_left in [None, Some(1), Some(3)] {
        album.with_problems(false, &["wrong", "expired", "malformed"], |problem| sign_in::PhoneCodePage {
            phone: "(202) 555-0123".to_owned(),
            action: "/sign-up/methods/sms/code".to_owned(),
            again_path: "/sign-up/methods/sms/again".to_owned(),
            problem,
            tries_left,
        });
    }
}

fn signing_in(album: &mut Album) {
    for again in [false, true] {
        album.with_problems(again, &["wrong"], |problem| sign_in::SignInPage {
            email: "person@example.com".to_owned(),
            problem,
            again,
        });
    }
    album.add_in(&asked(), &sign_in::SignInPage::default());
    album.add(false, &sign_in::SecondFactorPage { choices: choices() });
    for others in [false, true] {
        album.with_problems(false, &["wrong", "used", "malformed"], |problem| sign_in::TotpPage {
            problem,
            tries_left: others.then_some(2),
            others,
        });
    }
    for kind in ["passkey", "security_key"] {
        album.add(
            false,
            &sign_in::WebauthnPage {
                kind,
                options_path: "/sign-in/second-factor/webauthn/options".to_owned(),
                result_path: "/sign-in/second-factor/webauthn".to_owned(),
                others: kind == "passkey",
            },
        );
    }
    for sent_to in [None, Some("…0123".to_owned())] {
        album.with_problems(false, &["wrong", "expired", "malformed", "too_many"], |problem| sign_in::SmsPage {
            phones: [("01", "Work"), ("02", "Home")]
                .map(|(id, name)| sign_in::PhoneChoice {
                    id: id.to_owned(),
                    name: name.to_owned(),
                    masked: format!("…{id}23"),
                })
                .into(),
            sent_to: sent_to.clone(),
            problem,
            tries_left: None,
            others: true,
        });
    }
    for minutes in [None, Some(1), Some(10)] {
        album.add(false, &sign_in::LockedPage { minutes });
    }
    album.add(false, &sign_in::SuspendedPage {});
}

fn recovery(album: &mut Album) {
    album.with_problems(false, &["address"], |problem| sign_in::ForgottenPasswordPage {
        email: "person@example.com".to_owned(),
        problem,
    });
    for by_password in [true, false] {
        album.with_problems(true, &["wrong", "malformed", "mistyped"], |problem| sign_in::UnlockPage {
            by_password,
            action: "/unlock".to_owned(),
            skip_path: (!by_password).then(|| "/account".to_owned()),
            problem,
        });
    }
}

fn addresses(count: usize) -> Vec<account::AddressLine> {
    (0..count)
        .map(|number| account::AddressLine {
            id: format!("0{number}"),
            address: format!("person{number}@example.com"),
            confirmed_at: "2026-11-24 12:00".to_owned(),
            removable: count > 1,
        })
        .collect()
}

fn method_lines(removable: bool) -> Vec<account::MethodLine> {
    ["passkey", "security_key", "totp", "out_of_band"]
        .map(|kind| account::MethodLine {
            id: format!("01{kind}"),
            kind,
            name: "My phone".to_owned(),
            masked: (kind == "out_of_band").then(|| "…0123".to_owned()),
            created_at: "2026-11-24 12:00".to_owned(),
            last_used_at: (kind != "totp").then(|| "2026-11-25 09:30".to_owned()),
            ended: kind == "totp",
            removable,
        })
        .into()
}

fn the_account(album: &mut Album) {
    album.add(
        true,
        &account::AccountPage {
            addresses: addresses(1),
            methods: method_lines(true),
            vault_sealed: true,
            recovery_key_made_at: None,
            services: 0,
            other_sessions: 0,
            history: Vec::new(),
        },
    );
    for count in [1, 3] {
        album.add(
            true,
            &account::AccountPage {
                addresses: addresses(2),
                methods: method_lines(true),
                vault_sealed: false,
                recovery_key_made_at: Some("2026-11-24 12:00".to_owned()),
                services: count,
                other_sessions: count,
                history: Event::REMEMBERED
                    .iter()
                    .map(|kind| account::HistoryLine { at: "2026-11-24 12:00".to_owned(), kind: (*kind).to_owned() })
                    .collect(),
            },
        );
    }
    let waiting = account::AccountPage {
        addresses: addresses(1),
        methods: method_lines(true),
        vault_sealed: false,
        recovery_key_made_at: None,
        services: 1,
        other_sessions: 0,
        history: Vec::new(),
    };
    album.add_in(&Layout { signed_in: true, ..asked() }, &waiting);
    for sent in [false, true] {
        album.with_problems(true, &["address", "last", "too_many"], |problem| account::EmailPage {
            addresses: addresses(if sent { 2 } else { 1 }),
            email: String::new(),
            sent,
            problem,
        });
    }
    let (email, action) = ("new@example.com".to_owned(), "/account/email/confirm/sample".to_owned());
    album.add(true, &account::ConfirmEmailPage { email, action });
    album.with_problems(true, &["last", "name"], |problem| account::MethodsPage {
        methods: method_lines(problem.is_none()),
        problem,
    });
    let service = |connected| account::ServiceLine {
        entity_id: "https://benefits.example.gov/sp".to_owned(),
        name: if connected { "Benefits Portal" } else { "Tax Office" }.to_owned(),
        connected,
        disclosures: vec![account::DisclosureLine {
            at: "2026-11-24 12:00".to_owned(),
            attributes: AttributeName::ALL.map(|name| name.as_str().to_owned()).into(),
        }],
    };
    album.add(true, &account::ServicesPage { services: Vec::new() });
    album.add(true, &account::ServicesPage { services: vec![service(true), service(false)] });
}

fn line(name: AttributeName, value: &str) -> saml::ConsentLine {
    saml::ConsentLine {
        name: name.as_str(),
        purpose: Some("To send you letters about your application".to_owned()),
        values: vec![value.to_owned()],
        masked: name == AttributeName::Ssn,
        is_new: name == AttributeName::Email,
    }
}

fn withheld_for_every_reason() -> Vec<saml::WithheldLine> {
    let reasons = [
        Withheld::AuthenticationLevel,
        Withheld::IdentityLevel,
        Withheld::Malformed,
        Withheld::NotCurrent,
        Withheld::NotHeld,
        Withheld::NotInAgreement,
        Withheld::VaultClosed,
    ];
    reasons.map(|reason| saml::WithheldLine { name: AttributeName::Ssn.as_str(), reason: reason.code() }).into()
}

fn single_sign_on(album: &mut Album) {
    let reasons = [
        ConsentReason::AgreementRevised,
        ConsentReason::Expired,
        ConsentReason::First,
        ConsentReason::IdentifierChanged,
        ConsentReason::PurposeChanged(Vec::new()),
        ConsentReason::Reproofed,
        ConsentReason::Revoked,
        ConsentReason::SetGrew(Vec::new()),
    ];
    for reason in reasons {
        let first = reason == ConsentReason::First;
        album.add(
            true,
            &saml::ConsentPage {
                service_name: "Benefits Portal".to_owned(),
                description: "Apply for benefits and see what became of it.".to_owned(),
                agency_name: "Department of Examples".to_owned(),
                reason: reason.code(),
                attributes: if first {
                    AttributeName::ALL.map(|name| line(name, "value")).into()
                } else {
                    vec![line(AttributeName::Email, "person@example.com"), line(AttributeName::Ssn, "900-12-3456")]
                },
                always: vec![saml::ConsentLine {
                    purpose: None,
                    is_new: false,
                    ..line(AttributeName::Uuid, "a3f0c9d4-7f0e-4a59-9d2a-0f6f1f0c7b11")
                }],
                withheld: if first { withheld_for_every_reason() } else { Vec::new() },
                known_by: first.then(|| "person@example.com".to_owned()),
                remembered_days: 365,
                agree_path: "/saml/consent/sample".to_owned(),
                decline_path: "/saml/decline/sample".to_owned(),
                digest: "00".to_owned(),
            },
        );
    }
    for (missing, vault_is_sealed) in [("proofing", false), ("face_match", false), ("proofing", true)] {
        album.add(
            true,
            &saml::LevelPage {
                service_name: "Benefits Portal".to_owned(),
                agency_name: "Department of Examples".to_owned(),
                missing,
                vault_is_sealed,
                decline_path: "/saml/decline/sample".to_owned(),
            },
        );
    }
    for reason in ["identification", "authentication", "authorization", "other"] {
        let known = reason != "other";
        album.add(
            known,
            &TurnedAwayPage {
                reason,
                service_name: known.then(|| "Benefits Portal".to_owned()),
                return_to: known.then(|| "https://benefits.example.gov/".to_owned()),
                missing: if reason == "identification" { vec!["email", "ssn"] } else { Vec::new() },
                transaction: known.then(|| "c0ffee-12".to_owned()),
                at: known.then(|| "2026-11-24 12:00:01 UTC".to_owned()),
            },
        );
    }
    for (success, relay_state) in [(true, None), (false, Some("\"><script>alert(1)</script>".to_owned()))] {
        album.add(
            true,
            &saml::PostFormPage {
                service_name: "Benefits Portal".to_owned(),
                action: "https://benefits.example.gov/acs".to_owned(),
                saml_response: "PHNhbWxwOlJlc3BvbnNlLz4=".to_owned(),
                relay_state,
                success,
            },
        );
    }
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
            assert!(texts::lookup(&key, Vec::<(String, FluentValue<'static>)>::new()).is_some(), "{key}");
        }
    }
}

#[test]
fn an_outage_is_shown_without_its_cause() {
    let page = Refusal::from(KeysError::Unavailable).page(utc_datetime!(2026-11-24 12:00));
    let html = render(&page, &Layout::for_anybody("Signet")).unwrap();
    assert!(html.contains("U02") && !html.contains("keys"), "{html}");
}
