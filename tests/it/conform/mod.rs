//! The labelled suite: it is whole, the identity provider passes it, and a broken one does not.

mod broken;
mod judges;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use signet::conform::{self, Answer, LABELS, Nothing, Profile, Report, Verdict};

#[test]
fn every_label_is_answered_exactly_once() {
    let labels: Vec<&str> = LABELS.iter().map(|label| label.name).collect();
    let answers: Vec<&str> = conform::answers().into_iter().map(|(name, _)| name).collect();
    for name in &labels {
        assert_eq!(labels.iter().filter(|other| *other == name).count(), 1, "{name} is listed");
        assert_eq!(answers.iter().filter(|other| *other == name).count(), 1, "{name} is answered");
    }
    let unlisted: Vec<_> = answers.iter().filter(|name| !labels.contains(name)).collect();
    assert!(unlisted.is_empty(), "{unlisted:?}");
}

/// The labels that the documents number are all there: none is left out between the first and the last.
#[test]
fn no_number_is_left_out() {
    let numbered = [
        ("IIP-G", 3),
        ("IIP-EXT", 1),
        ("IIP-SSO", 7),
        ("IIP-MD", 12),
        ("IIP-ALG", 8),
        ("IIP-IDP", 21),
        ("SDP-G", 4),
        ("SDP-MD", 12),
        ("SDP-ALG", 1),
        ("SDP-IDP", 33),
    ];
    let mut listed: BTreeSet<&str> = LABELS
        .iter()
        .filter(|label| matches!(label.profile, Profile::Implementation | Profile::Deployment))
        .map(|label| label.name)
        .collect();
    for (stem, last) in numbered {
        for number in 1..=last {
            let name = format!("{stem}{number:02}");
            assert!(listed.remove(&*name), "{name} is missing");
        }
    }
    assert!(listed.is_empty(), "{listed:?}");
}

#[test]
fn every_test_that_an_answer_names_exists() {
    fn read(folder: &Path, text: &mut String) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                read(&path, text);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&std::fs::read_to_string(&path).expect("a source file"));
            }
        }
    }
    let mut text = String::new();
    for folder in ["src", "tests/it", "tests/browser"] {
        read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut text);
    }
    let is_a_test = |name: &str| {
        let mut found = text.split(&format!("fn {name}()")).collect::<Vec<_>>();
        found.pop();
        found.iter().any(|before| before.rsplit('\n').take(4).any(|line| line.contains("test")))
    };
    for (label, answer) in conform::answers() {
        if let Answer::ProvenBy(tests) = answer {
            assert!(!tests.is_empty(), "{label} names no test");
            for test in tests {
                assert!(is_a_test(test), "{label}: there is no test {test}");
            }
        }
    }
}

#[test]
fn every_reason_is_a_sentence() {
    for (label, answer) in conform::answers() {
        if let Answer::Deviation(why) | Answer::NotYet(why) | Answer::NotApplicable(why) = answer {
            assert!(why.len() > 30, "{label}: {why}");
        }
    }
    for label in LABELS {
        assert!(label.sentence.ends_with('.'), "{}", label.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_identity_provider_keeps_every_rule_that_it_does_not_explain_away() {
    let report = conform::play().await.unwrap().report(&Nothing).unwrap();
    assert_eq!(report.rows().len(), LABELS.len());
    is_a_page_and_a_table_with_every_label(&report);
    let broken: BTreeMap<&str, String> = report.broken().map(|row| (row.label.name, row.verdict.reason())).collect();
    assert!(broken.is_empty(), "{broken:#?}");
    the_readme_has_these_numbers(&report);
    let kept = report.rows().iter().filter(|row| matches!(row.verdict, Verdict::Kept(_))).count();
    assert!(kept > 100, "{kept} labels were seen to be kept");
}

/// The table in the README, which agencies and operators read, is the one that this build earns.
fn the_readme_has_these_numbers(report: &Report) {
    let kinds = ["kept", "proven", "deviation", "not-yet", "not-applicable"];
    let row = |title: &str, profile: Option<Profile>| {
        let rows = || report.rows().iter().filter(|row| profile.is_none_or(|profile| row.label.profile == profile));
        let bold = |text: String| if profile.is_none() { format!("**{text}**") } else { text };
        let numbers = kinds.map(|kind| bold(rows().filter(|row| row.verdict.kind() == kind).count().to_string()));
        format!("| {} | {} | {} |\n", bold(title.to_owned()), bold(rows().count().to_string()), numbers.join(" | "))
    };
    let table = [
        ("Implementation profile (IIP)", Some(Profile::Implementation)),
        ("Deployment profile, saml2int (SDP)", Some(Profile::Deployment)),
        ("eGovernment profile", Some(Profile::EGov)),
        ("Subject identifiers", Some(Profile::SubjectIdentifiers)),
        ("Metadata extensions, asynchronous logout", Some(Profile::Metadata)),
        ("REFEDS MFA 2", Some(Profile::Mfa)),
        ("SP 800-63C-4", Some(Profile::Federation63C)),
        ("all", None),
    ];
    let table: String = table.into_iter().map(|(title, profile)| row(title, profile)).collect();
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    assert!(readme.contains(&table), "the README's table should be\n{table}");
}

fn is_a_page_and_a_table_with_every_label(report: &Report) {
    let page = report.html("1.2.3").unwrap();
    let mut table = Vec::new();
    report.write_table(&mut table).unwrap();
    let table = String::from_utf8(table).unwrap();
    for label in LABELS {
        assert!(page.contains(&format!("<th scope=\"row\">{}</th>", label.name)), "{}", label.name);
        assert!(table.contains(&format!("\n{} ", label.name)), "{}", label.name);
    }
    assert!(page.contains("Signet 1.2.3") && !page.contains("<script"));
    let some = report.clone().only("sdp-idp0");
    assert_eq!(some.rows().len(), 9);
}
