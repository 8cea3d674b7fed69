//! The house counts itself: rules about the whole source that no type can hold.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Every Rust file under `src` that runs, with its path from there and what it says: its tokens without spaces, comments and
/// unit tests, and each path of each `use` written out.
///
/// A unit test is what stands in a module under `#[cfg(test)]`, in the same file or in the one that the module names. No
/// name of a file, no comment and no text in quotes makes anything a test.
fn source() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder of src") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&src, &mut files);
    let mut tests = BTreeSet::new();
    let mut said = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(&path).expect("a source file");
        let name = path.strip_prefix(&src).expect("under src").to_string_lossy().into_owned();
        let Said { code, test_modules } = read(&text);
        let stem = path.file_stem().expect("a name").to_string_lossy();
        let below = match &*stem {
            "mod" | "lib" | "main" => path.parent().expect("a folder").to_owned(),
            _ => path.with_extension(""),
        };
        for module in test_modules {
            let of_module = below.join(module);
            tests.insert(of_module.with_extension("rs"));
            tests.insert(of_module);
        }
        said.push((path, name, code));
    }
    said.retain(|(path, _, _)| path.ancestors().all(|part| !tests.contains(part)));
    said.into_iter().map(|(_, name, code)| (name, code)).collect()
}

/// What a file says, and the modules of unit tests that it has in files of their own.
#[derive(Default)]
struct Said {
    code: String,
    test_modules: Vec<String>,
}

fn read(text: &str) -> Said {
    let mut said = Said::default();
    listen(text.parse().expect("Rust"), &mut said);
    said
}

fn listen(tokens: TokenStream, said: &mut Said) {
    let mut rest: Vec<TokenTree> = tokens.into_iter().collect();
    rest.reverse();
    while let Some(token) = rest.pop() {
        let next = |rest: &[TokenTree], at: usize| rest.iter().rev().nth(at).map(compact);
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                let inner = next(&rest, 0).as_deref() == Some("!");
                let attribute = next(&rest, usize::from(inner)).unwrap_or_default();
                if attribute.starts_with("[doc=") {
                    // A comment, as the compiler sees it.
                    rest.truncate(rest.len() - 1 - usize::from(inner));
                } else if attribute == "[cfg(test)]" && next(&rest, 1).as_deref() == Some("mod") {
                    if next(&rest, 3).as_deref() == Some(";") {
                        said.test_modules.push(next(&rest, 2).expect("a name"));
                    }
                    rest.truncate(rest.len() - 4);
                } else {
                    said.code.push('#');
                }
            }
            TokenTree::Ident(word) if *word == "use" => {
                let end = rest.iter().rposition(|token| compact(token) == ";").unwrap_or(0);
                let tree: Vec<TokenTree> = rest.drain(end..).rev().collect();
                write_out("", &tree, &mut said.code);
            }
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                said.code.push_str(open);
                listen(group.stream(), said);
                said.code.push_str(close);
            }
            TokenTree::Punct(_) => said.code.push_str(&token.to_string()),
            TokenTree::Ident(_) | TokenTree::Literal(_) => {
                let word = |c: char| c.is_alphanumeric() || c == '_';
                if said.code.ends_with(word) {
                    said.code.push(' ');
                }
                said.code.push_str(&token.to_string());
            }
        }
    }
}

/// A token without spaces.
fn compact(token: &TokenTree) -> String {
    token.to_string().split_whitespace().collect()
}

/// `a::{b, c::d}` is `use a::b;use a::c::d;`
fn write_out(before: &str, tree: &[TokenTree], code: &mut String) {
    let mut path = before.to_owned();
    let mut ended = false;
    for token in tree {
        match token {
            TokenTree::Group(group) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                inner.split(|token| compact(token) == ",").for_each(|one| write_out(&path, one, code));
                ended = true;
            }
            _ if compact(token) == ";" => {}
            _ if compact(token) == "as" => path.push_str(" as "),
            _ => path.push_str(&compact(token)),
        }
    }
    if !ended && !tree.is_empty() {
        code.push_str(&format!("use {path};"));
    }
}

fn which_say(source: &[(String, String)], needle: &str) -> Vec<String> {
    let mut files: Vec<String> =
        source.iter().filter(|(_, code)| code.contains(needle)).map(|(name, _)| name.clone()).collect();
    files.sort();
    files
}

fn files_that_say(needle: &str) -> Vec<String> {
    which_say(&source(), needle)
}

#[test]
fn the_count_is_not_fooled() {
    let said = |text: &str| read(text).code;
    // What a comment or a text in quotes says is no module, and what stands behind a module of tests still counts.
    assert!(said("// #[cfg(test)]\n// mod tests {\nfn f() { diesel() }").contains("diesel"));
    assert!(said("const A: &str = \"\n#[cfg(test)]\nmod tests {\n\"; fn f() { diesel() }").contains("diesel()"));
    assert!(said("#[cfg(test)]\nmod tests { fn a() {} }\nfn f() { diesel() }").contains("diesel"));
    assert!(said("#[cfg(not(test))]\nmod tests { fn f() { diesel() } }").contains("diesel"));
    assert!(said("#[cfg(any(test, unix))]\nmod tests { fn f() { diesel() } }").contains("diesel"));
    // Tests say what they like, wherever they stand; so do comments.
    assert!(!said("#[cfg(test)]\nmod any_name { fn f() { diesel() } }").contains("diesel"));
    assert!(!said("mod inner { #[cfg(test)] mod tests { fn f() { diesel() } } }").contains("diesel"));
    assert!(!said("//! diesel\n/// diesel\n/* diesel */ fn f() {} // diesel").contains("diesel"));
    // A file is one of tests when a module of tests names it, not when it is called so.
    assert_eq!(read("#[cfg(test)]\nmod tests;\nmod other;").test_modules, ["tests"]);
    assert!(read("mod tests;").test_modules.is_empty());
    // Spaces and groups hide nothing.
    assert!(said("use std::{io, fs::{self, File}};").contains("use std::fs::self;"));
    assert!(said("fn f() { std :: fs\n::read(x) }").contains("std::fs::read("));
    assert!(said("use a::{b as c, *};").ends_with("use a::b as c;use a::*;"));
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
        let left = code.split("crate::").skip(1).find(|path| !path.starts_with("saml"));
        assert!(left.is_none(), "{name} leaves the wire: {:.60}", left.unwrap_or_default());
    }
}

/// Values in, values out.
const CORE: [&str; 7] = ["authentication", "federation", "proofing", "rollover", "saml", "sealing", "subscriber"];

#[test]
fn the_core_has_no_input_and_no_output() {
    for (name, code) in source() {
        if !CORE.iter().any(|room| name.starts_with(&format!("{room}/"))) {
            continue;
        }
        for said in ["actix_web", "tokio::", "std::fs", "std::net", "reqwest", "SystemClock", "now_utc()"] {
            assert!(!code.contains(said), "{name} says {said}");
        }
    }
}

/// So that the terminal, the demonstration and every page do the same with an account.
#[test]
fn accounts_know_nothing_of_http() {
    for (name, code) in source().into_iter().filter(|(name, _)| name.starts_with("accounts/")) {
        for said in ["actix_web", "HttpRequest", "HttpResponse", "Cookie::"] {
            assert!(!code.contains(said), "{name} says {said}");
        }
    }
}

/// A name is compared and an address is opened. A browser's reader of addresses refuses names that are good.
#[test]
fn no_name_is_read_as_an_address() {
    let readers: Vec<String> = files_that_say("Url::parse(")
        .into_iter()
        .filter(|name| ["federation/", "saml/", "web/"].iter().any(|room| name.starts_with(room)))
        .collect();
    assert_eq!(readers, ["federation/agreement/file.rs", "saml/metadata/location.rs"]);
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
fn what_comes_to_us_is_verified_where_denied_algorithms_are_known() {
    let source = source();
    // The demonstration's agency and the conformance suite are others; what we made is read back.
    let mut verifiers = which_say(&source, "verify_enveloped(");
    verifiers.extend(which_say(&source, "verify_redirect("));
    verifiers.retain(|name| !["conform/", "demo/"].iter().any(|room| name.starts_with(room)));
    assert_eq!(verifiers, ["saml/read_back.rs", "saml/signature/redirect.rs"]);
    assert_eq!(which_say(&source, "verify_enveloped_except("), ["saml/message.rs", "saml/signature/verify.rs"]);
}

#[test]
fn nobody_who_serves_people_supposes_that_nothing_is_denied() {
    let files = files_that_say("DeniedAlgorithms::NONE");
    let may = [
        // What would be released, and a check without settings.
        "cli/release.rs",
        "cli/sp.rs",
        // The conformance suite's and the demonstration's own agencies are others.
        "conform/scenes.rs",
        "demo/service_provider/logout.rs",
        "demo/service_provider/response.rs",
        // Two records compared by what they say themselves.
        "federation/registry/record.rs",
        // What `verify_enveloped` and `verify_redirect` mean; who may call them is counted above.
        "saml/signature/redirect.rs",
        "saml/signature/verify.rs",
    ];
    assert_eq!(files, may);
    // No other way to it.
    assert_eq!(files_that_say("DeniedAlgorithms::default()"), [""; 0]);
    assert_eq!(files_that_say("DeniedAlgorithms::parse("), ["settings/mod.rs"]);
}

#[test]
fn the_key_for_a_service_is_picked_in_one_place() {
    let source = source();
    let say = |needle: &str| which_say(&source, needle);
    // Who reads the keys that are here: the plan's own job, and the terminal, which lists them.
    let readers = say(".pairs()");
    assert_eq!(readers, ["cli/keys/rollover.rs", "cli/keys/status.rs", "jobs/signing.rs"]);
    // Who joins them with the plan, and who asks the plan: nobody who answers a service.
    assert_eq!(say("SigningKeys::new("), ["jobs/signing.rs"]);
    let askers = say(".key_for(");
    assert_eq!(askers, ["cli/keys/rollover.rs", "cli/keys/status.rs", "rollover/plan.rs", "rollover/snapshot.rs"]);
    // What goes out is signed with what that one place gave; our metadata has a key of its own.
    let mut users = say(".signer(");
    users.retain(|name| !name.starts_with("conform/"));
    let those = ["answer.rs", "artifact.rs", "line.rs", "logout/round.rs"].map(|file| format!("web/saml/{file}"));
    assert!(users.iter().eq(["cli/check.rs".to_owned()].iter().chain(&those)), "{users:?}");
    // The conformance suite lends it to tests, which sign with it what a broken identity provider would say.
    let mut metadata_signers = say(".metadata_signer(");
    metadata_signers.retain(|name| !name.starts_with("conform/"));
    assert_eq!(metadata_signers, ["web/saml/metadata.rs"]);
    assert_eq!(say("idp.signer"), [""; 0]);
}

/// What signs and what opens hold one each; the local adapter reads and writes them. All others ask a port.
#[test]
fn private_keys_are_seen_by_few() {
    let source = source();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for says in ["PKey<Private>", "private_pem", "private_key_from_pem", "private_key_to_pem"] {
        seen.extend(which_say(&source, says));
    }
    // The demonstration's agency and the conformance suite are others, with keys of their own.
    seen.retain(|name| !["conform/", "demo/"].iter().any(|room| name.starts_with(room)));
    let may = [
        "saml/encryption/key_transport.rs",
        "saml/encryption/open.rs",
        "saml/signature/key.rs",
        "services/keys/certificate.rs",
        "services/keys/local/files.rs",
    ];
    assert!(seen.iter().eq(may), "{seen:?}");
}

/// A signature is a millisecond, or a round trip to a security module: a worker that made it itself would keep others waiting.
#[test]
fn private_keys_are_used_where_nobody_waits() {
    for (name, code) in source().into_iter().filter(|(name, _)| name.starts_with("web/")) {
        for uses in [".deliver(", ".into_soap(", ".sign(", "idp_metadata(&description", ".principal(signing"] {
            for (at, _) in code.match_indices(uses) {
                let statement = code[..at].rsplit(';').next().unwrap_or_default();
                assert!(statement.contains("apart(move||"), "{name}: {uses} on a worker: {statement}");
            }
        }
    }
}

#[test]
fn nobody_who_serves_people_supposes_a_level() {
    let suppositions: Vec<String> = files_that_say("ProofedProfile::supposed(").into_iter().collect();
    assert_eq!(suppositions, ["cli/release.rs"]);
}

#[test]
fn nobody_who_serves_people_supposes_an_identifier_and_one_file_reads_them() {
    assert_eq!(files_that_say("PairwiseId::supposed("), ["cli/release.rs"]);
    for reads in ["tx.pairwise_id(", "tx.settle_pairwise_id("] {
        assert_eq!(files_that_say(reads), ["accounts/identifier.rs"], "{reads}");
    }
}

#[test]
fn nobody_who_serves_people_supposes_a_consent_and_one_file_reads_them() {
    assert_eq!(files_that_say("VouchedConsent::supposed("), [""; 0]);
    for reads in ["tx.last_consent(", "tx.unrevoked_consents_of(", "tx.add_consent("] {
        assert_eq!(files_that_say(reads), ["accounts/consents.rs"], "{reads}");
    }
}

#[test]
fn one_file_reads_mailed_links() {
    for reads in ["tx.link(", "tx.add_link("] {
        assert_eq!(files_that_say(reads), ["accounts/links.rs"], "{reads}");
    }
}

#[test]
fn one_file_reads_the_stored_records_of_services() {
    for reads in ["tx.current_sp_files(", "tx.add_sp_revision("] {
        assert_eq!(files_that_say(reads), ["jobs/metadata.rs"], "{reads}");
    }
    // Vouching anew serves nobody.
    assert_eq!(files_that_say("tx.sp_revisions("), ["accounts/resealing.rs", "jobs/metadata.rs"]);
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
        "accounts/letters.rs",
        "event/mod.rs",
        "jobs/metadata.rs",
        "jobs/mod.rs",
        "jobs/outbox.rs",
        "web/health.rs",
        "web/log.rs",
        "web/page/mod.rs",
        "web/saml/metadata.rs",
    ];
    assert_eq!(loggers, technical);
}

#[test]
fn one_function_begins_the_log() {
    assert_eq!(files_that_say("tracing_subscriber"), ["telemetry.rs"]);
    assert_eq!(files_that_say("set_global_default"), [""; 0]);
    assert_eq!(files_that_say("telemetry::begin("), ["cli/demo.rs", "cli/serve.rs"]);
}

#[test]
fn every_route_for_get_is_one_for_head() {
    // The demonstration's own agency and inbox are no part of the service.
    let mut files = files_that_say("web::get");
    files.extend(files_that_say("guard::Get"));
    files.extend(files_that_say("Method::GET"));
    files.retain(|name| !["demo/", "conform/"].iter().any(|room| name.starts_with(room)));
    // A page says something once, to GET.
    assert_eq!(files, ["web/head.rs", "web/session.rs"]);
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
    // Release candidates, each with its reason: `crypto-glue`, by which webauthn-rs reads attestations and keys of authenticators, is
    // built on them. A new one is looked at before it is listed; one that is gone is taken off.
    let candidates: BTreeSet<&str> =
        listing.lines().filter(|line| line.contains("-rc.")).filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(candidates, BTreeSet::from(["kbkdf", "rsa"]));
}

#[test]
fn the_demonstrations_pages_are_the_demonstrations() {
    // `demo` is a feature that release packages leave out; what it alone needs must not lie in their binary.
    let elsewhere: Vec<String> =
        files_that_say("templates/demo").into_iter().filter(|name| !name.starts_with("demo/")).collect();
    assert_eq!(elsewhere, [""; 0]);
    for (name, code) in source() {
        // Without a list, all of the folder lies in the binary.
        for folder in code.split("#[folder=\"templates/").skip(1) {
            assert!(folder.contains("\"]#[include=\""), "{name}: {folder:.30}");
        }
        for folder in code.split("#[include=\"").skip(1) {
            assert!(
                !folder.starts_with("demo") && !folder.starts_with("**") && !folder.starts_with('*'),
                "{name}: {folder:.30}"
            );
        }
    }
}

/// Which room says `crate::` of which other one. What a room may know stands in [`ARROWS`].
fn arrows(source: &[(String, String)]) -> BTreeMap<String, BTreeSet<String>> {
    let room_of = |name: &str| name.split('/').next().unwrap_or_default().trim_end_matches(".rs").to_owned();
    let rooms: BTreeSet<String> = source.iter().map(|(name, _)| room_of(name)).collect();
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, code) in source {
        let from = room_of(name);
        let word =
            |rest: &str| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default().to_owned();
        let mut paths: Vec<&str> = code.split("crate::").skip(1).collect();
        // What stands in a room's own file names its neighbours by `super` too.
        if *name == format!("{from}/mod.rs") {
            paths.extend(code.split("super::").skip(1));
        }
        let known = paths.into_iter().map(word).filter(|to| rooms.contains(to) && *to != from);
        let known: BTreeSet<String> = known.collect();
        if !known.is_empty() {
            arrows.entry(from).or_default().extend(known);
        }
    }
    arrows
}

/// Which room may know which. The list only shrinks: an arrow that is not here is a fault, and so is one that is here and in no
/// source any more.
const ARROWS: &[(&str, &[&str])] = &[
    (
        "accounts",
        &[
            "address",
            "authentication",
            "clock",
            "entropy",
            "event",
            "federation",
            "id",
            "locale",
            "proofing",
            "refusal",
            "saml",
            "sealing",
            "services",
            "storage",
            "subscriber",
            "texts",
        ],
    ),
    (
        "app",
        &[
            "accounts",
            "address",
            "authentication",
            "clock",
            "entropy",
            "event",
            "federation",
            "jobs",
            "sealing",
            "services",
            "settings",
            "storage",
            "web",
        ],
    ),
    ("authentication", &["entropy", "id", "sealing", "subscriber"]),
    (
        "cli",
        &[
            "accounts",
            "app",
            "clock",
            "conform",
            "demo",
            "entropy",
            "event",
            "federation",
            "jobs",
            "one_line",
            "proofing",
            "rollover",
            "saml",
            "sealing",
            "services",
            "settings",
            "storage",
            "subscriber",
            "telemetry",
            "web",
        ],
    ),
    (
        "conform",
        &[
            "accounts",
            "app",
            "authentication",
            "clock",
            "demo",
            "entropy",
            "federation",
            "jobs",
            "rollover",
            "saml",
            "services",
            "settings",
            "storage",
        ],
    ),
    (
        "demo",
        &[
            "accounts",
            "app",
            "authentication",
            "clock",
            "entropy",
            "federation",
            "jobs",
            "proofing",
            "saml",
            "sealing",
            "services",
            "settings",
            "storage",
            "subscriber",
            "texts",
        ],
    ),
    ("event", &["authentication", "federation", "one_line", "refusal", "saml", "subscriber"]),
    (
        "federation",
        &["authentication", "entropy", "id", "locale", "one_line", "proofing", "saml", "sealing", "subscriber"],
    ),
    ("id", &["entropy"]),
    ("jobs", &["clock", "event", "federation", "rollover", "saml", "sealing", "services", "storage", "subscriber"]),
    ("proofing", &["sealing", "subscriber"]),
    ("rollover", &["federation", "saml", "sealing", "services"]),
    ("sealing", &["entropy"]),
    ("services", &["authentication", "clock", "entropy", "id", "saml", "sealing", "subscriber"]),
    ("settings", &["authentication", "saml", "services", "storage", "subscriber"]),
    (
        "storage",
        &["authentication", "federation", "id", "proofing", "rollover", "saml", "sealing", "services", "subscriber"],
    ),
    ("subscriber", &["entropy", "id", "one_line", "sealing"]),
    ("texts", &["locale"]),
    (
        "web",
        &[
            "accounts",
            "address",
            "authentication",
            "entropy",
            "event",
            "federation",
            "locale",
            "proofing",
            "refusal",
            "rollover",
            "saml",
            "sealing",
            "services",
            "settings",
            "storage",
            "subscriber",
            "texts",
        ],
    ),
];

#[test]
fn rooms_know_no_others_than_the_list_says() {
    let found = arrows(&source());
    let listed: BTreeMap<String, BTreeSet<String>> = ARROWS
        .iter()
        .map(|(from, to)| ((*from).to_owned(), to.iter().map(|room| (*room).to_owned()).collect()))
        .collect();
    let all: BTreeSet<&String> = found.keys().chain(listed.keys()).collect();
    let mut faults = Vec::new();
    let none = BTreeSet::new();
    for from in all {
        let (is, may) = (found.get(from).unwrap_or(&none), listed.get(from).unwrap_or(&none));
        faults.extend(is.difference(may).map(|to| format!("{from} knows {to}, and may not")));
        faults.extend(may.difference(is).map(|to| format!("{from} does not know {to} any more: take it off the list")));
    }
    let as_found: Vec<String> =
        found.iter().map(|(from, to)| format!("    ({from:?}, &{:?}),", to.iter().collect::<Vec<_>>())).collect();
    assert!(faults.is_empty(), "{faults:#?}\nas found:\n{}", as_found.join("\n"));
}

/// So that each room can be read, and changed, with those below it alone.
#[test]
fn no_arrows_go_round_in_a_circle() {
    let mut left = arrows(&source());
    loop {
        let open: BTreeSet<String> = left.keys().cloned().collect();
        let before = left.len();
        left.retain(|_, known| known.iter().any(|room| open.contains(room)));
        if left.len() == before {
            break;
        }
    }
    assert!(left.is_empty(), "each of these knows another of them: {left:#?}");
}

/// Where values of a type are written out, and how often: by its name, or as `Self` in its own blocks.
fn births(source: &[(String, String)], of: &str) -> Vec<(String, usize)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    // What stands before a brace that opens a block, a declaration or a pattern.
    let no_birth = ["struct ", "enum ", "impl ", "for ", "->", "->&", "let ", "mod "];
    let written = |code: &str, name: &str| {
        code.match_indices(name)
            .filter(|(at, _)| {
                let (before, after) = (&code[..*at], &code[at + name.len()..]);
                let opens = after.starts_with('{') || after.starts_with('(');
                // A variant of an enum has the enum before it.
                let outer = before.strip_suffix("::").and_then(|path| path.rsplit(|c| !is_word(c)).next());
                let variant = outer.is_some_and(|outer| outer.starts_with(char::is_uppercase));
                let declares = variant || no_birth.iter().any(|word| before.ends_with(word));
                opens && !declares && !before.ends_with(is_word) && !before.ends_with('"')
            })
            .count()
    };
    let mut found = Vec::new();
    // The demonstration's agency and the conformance suite have things of their own with the same names.
    for (name, code) in source.iter().filter(|(name, _)| !name.starts_with("demo/") && !name.starts_with("conform/")) {
        let mut count = written(code, of);
        for opening in [format!("impl {of}{{"), format!(" for {of}{{")] {
            for (at, _) in code.match_indices(&opening) {
                let body = &code[at + opening.len()..];
                let mut depth = 1;
                let end = body.char_indices().find(|(_, c)| {
                    depth += match c {
                        '{' => 1,
                        '}' => -1,
                        _ => 0,
                    };
                    depth == 0
                });
                count += written(&body[..end.map_or(body.len(), |(end, _)| end)], "Self");
            }
        }
        if count > 0 {
            found.push((name.clone(), count));
        }
    }
    found.sort();
    found
}

#[test]
fn each_checked_thing_has_its_birthplace() {
    let source = source();
    let expected: &[(&str, &[(&str, usize)])] = &[
        ("AcsLocation", &[("saml/metadata/acs.rs", 1)]),
        ("Assertion", &[("saml/assertion.rs", 1)]),
        ("AuthenticatedSubject", &[("authentication/assurance.rs", 1)]),
        // Of a proof, and the one for tests, which nobody who serves people says.
        ("AuthenticationEvent", &[("authentication/mod.rs", 2)]),
        ("ConsentedRelease", &[("federation/consent/frozen.rs", 1)]),
        // Of a row that this service wrote, and the one for tests and explanations.
        ("ProofedProfile", &[("proofing/profile.rs", 2)]),
        ("Proof", &[("authentication/mod.rs", 1)]),
        ("MatchedResponse", &[("saml/response/incoming/matching.rs", 1)]),
        ("Peer", &[("saml/metadata/read/mod.rs", 1)]),
        ("SignatureVerified", &[("saml/signature/redirect.rs", 1)]),
        ("SloLocation", &[("saml/metadata/slo.rs", 1)]),
        ("SsoLocation", &[("saml/metadata/sso.rs", 1)]),
        ("VerifiedAuthnRequest", &[("saml/authn_request/mod.rs", 1)]),
        ("VerifiedResponse", &[("saml/response/incoming/mod.rs", 1)]),
        ("Vouched", &[("sealing/vouched.rs", 1)]),
        ("VouchedConsent", &[("federation/consent/stored.rs", 2)]),
    ];
    for (of, places) in expected {
        let places: Vec<(String, usize)> = places.iter().map(|(file, count)| ((*file).to_owned(), *count)).collect();
        assert_eq!(births(&source, of), places, "{of}");
    }
    assert_eq!(which_say(&source, "AuthenticationEvent::supposed("), [""; 0]);
    // Who says that an answer was right: what judges it.
    let provers = ["authentication/out_of_band.rs", "authentication/password.rs", "authentication/totp.rs"];
    assert_eq!(which_say(&source, "Proof::typed("), provers);
    assert_eq!(which_say(&source, "Proof::new("), ["authentication/webauthn/mod.rs"]);
}

#[test]
fn whether_a_service_takes_part_is_decided_in_one_place() {
    let deciders = files_that_say(".is_enabled()");
    let may = [
        // Whether a file may be taken in.
        "federation/registry/admission.rs",
        // The decision.
        "federation/registry/mod.rs",
    ];
    assert_eq!(deciders, may);
    assert_eq!(files_that_say(".is_altered("), ["federation/registry/mod.rs"]);
}
