//! The house counts itself: rules about the whole source that no type can hold.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Every Rust file under `src` but the unit tests, with its path from there and its text without comment lines.
fn source() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder of src") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
                found.push(path);
            }
        }
    }
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&src, &mut files);
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a source file");
        let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let name = path.strip_prefix(&src).expect("under src").to_string_lossy().into_owned();
        (name, code.join("\n"))
    };
    files.into_iter().map(read).collect()
}

/// The part of a file before its unit tests.
fn without_tests(code: &str) -> &str {
    code.split("#[cfg(test)]\nmod tests {").next().unwrap_or(code)
}

fn files_that_say(needle: &str) -> Vec<String> {
    source().into_iter().filter(|(_, code)| without_tests(code).contains(needle)).map(|(name, _)| name).collect()
}

#[test]
fn diesel_stays_in_storage() {
    let elsewhere: Vec<String> =
        files_that_say("diesel").into_iter().filter(|name| !name.starts_with("storage/")).collect();
    assert!(elsewhere.is_empty(), "diesel is said in {elsewhere:?}");
}

#[test]
fn the_wire_knows_no_other_room() {
    for (name, code) in source().into_iter().filter(|(name, _)| name.starts_with("saml/")) {
        for line in without_tests(&code).lines().filter(|line| line.contains("crate::")) {
            let known = line.matches("crate::").count() == line.matches("crate::saml").count();
            assert!(known, "{name} leaves the wire: {line}");
        }
    }
}

#[test]
fn the_core_has_no_input_and_no_output() {
    for (name, code) in source() {
        let core = ["saml/", "federation/", "authentication/", "subscriber/"].iter().any(|room| name.starts_with(room));
        // Reading the metadata folder is the shell's part of the registry, kept beside what it reads.
        if !core || name.starts_with("federation/registry/folder") {
            continue;
        }
        for said in ["actix_web", "tokio::", "std::fs", "std::net", "reqwest", "SystemClock", "now_utc()"] {
            assert!(!without_tests(&code).contains(said), "{name} says {said}");
        }
    }
}

#[test]
fn every_assertion_is_born_at_the_gate() {
    let births: Vec<String> = files_that_say("Assertion::new(")
        .into_iter()
        .filter(|name| name != "saml/assertion.rs" && !name.starts_with("saml/assertion/"))
        .collect();
    assert_eq!(births, ["federation/issue.rs"]);
}

#[test]
fn nobody_who_serves_people_supposes_a_level() {
    let suppositions: Vec<String> = files_that_say("ProofedProfile::supposed(").into_iter().collect();
    assert_eq!(suppositions, ["cli/release.rs"]);
}

/// What happened is an event. What is left is technical: that a page cannot be drawn, that the database does not answer.
#[test]
fn nobody_logs_past_the_events_but_for_technical_faults() {
    let mut loggers = Vec::new();
    for level in ["event", "trace", "debug", "info", "warn", "error"] {
        loggers.extend(files_that_say(&format!("tracing::{level}!")));
    }
    loggers.sort();
    loggers.dedup();
    loggers.retain(|name| !name.starts_with("cli/") && !name.starts_with("demo/"));
    let technical = [
        "event/mod.rs",
        "jobs/metadata.rs",
        "jobs/mod.rs",
        "jobs/outbox.rs",
        "web/health.rs",
        "web/log.rs",
        "web/page/mod.rs",
        "web/people/letters.rs",
        "web/saml/metadata.rs",
    ];
    assert_eq!(loggers, technical);
}

#[test]
fn one_cryptographic_library_runs() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--edges", "normal", "--prefix", "none", "--format", "{p}", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo tree");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let listing = String::from_utf8_lossy(&tree.stdout);
    for barred in ["rustls", "ring", "aws-lc-rs", "aws-lc-sys"] {
        let found = listing.lines().find(|line| line.split(' ').next() == Some(barred));
        assert!(found.is_none(), "{found:?} is in the tree; TLS and XML cryptography are OpenSSL's");
    }
}
