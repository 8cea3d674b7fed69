//! The terminal's commands, as an operator meets them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use signet::app::{Application, Surroundings};
use signet::cli::{CommandError, CommandOutcome, SettingsFile, audit, check, keys, migrate, outcome, release, sp};
use signet::clock::{Clock as _, SystemClock};
use signet::entropy::SystemEntropy;
use signet::federation::registry::Admission;
use signet::jobs::metadata;
use signet::services::keys::LocalKeys;
use signet::storage::{DatabaseUrl, DisclosureWriter, Store, StoreError};
use tempfile::TempDir;

use crate::storage::ledger::{CHAIN, alone, hash_without_keys};
use crate::support::sql;

/// A place where everything that an operator keeps lies: settings, metadata, keys and a database to be.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        copy(Path::new("metadata/sp"), &folder.path().join("metadata/sp"));
        let at = |name: &str| folder.path().join(name).display().to_string();
        let settings = format!(
            "[database]\nurl = \"sqlite:{}\"\n[federation]\nmetadata_folder = \"{}\"\n[keys]\nfolder = \"{}\"\n\
             passphrase_file = \"{}\"\n[mail]\nkind = \"sandbox\"\n[server]\nlisten = \"127.0.0.1:0\"\n\
             public_url = \"https://login.example.gov\"\n[sms]\nkind = \"sandbox\"\n",
            at("signet.db"),
            at("metadata"),
            at("keys"),
            at("passphrase"),
        );
        std::fs::write(folder.path().join("signet.toml"), settings).expect("settings are written");
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn settings(&self) -> SettingsFile {
        SettingsFile::new(Some(self.path("signet.toml")))
    }

    fn store(&self) -> Store {
        Store::open(&DatabaseUrl::sqlite(&self.path("signet.db")), 2).expect("the database opens")
    }

    fn keys(&self) -> LocalKeys {
        let settings = self.settings().read().expect("settings");
        let secret = settings.sealing_secret().expect("a passphrase");
        LocalKeys::open(&settings.keys.folder, &secret, Arc::new(SystemEntropy)).expect("keys")
    }

    fn check(&self) -> (Result<CommandOutcome, CommandError>, String) {
        say(|out| check::run(&self.settings(), out))
    }

    fn set_up(&self) {
        let generate = keys::GenerateArgs { kind: keys::Kind::P256, next: false, decryption: false, passphrase: true };
        let args = keys::KeysArgs { command: keys::KeysCommand::Generate(generate) };
        say(|out| keys::run(&args, &self.settings(), out)).0.expect("keys are made");
        say(|out| migrate::run(&migrate::MigrateArgs { pending: false }, &self.settings(), out))
            .0
            .expect("it migrates");
        self.apply().0.expect("it applies");
    }

    /// Denies these algorithms in the settings, instead of those before.
    fn deny(&self, uris: &[&str]) {
        let text = std::fs::read_to_string(self.path("signet.toml")).expect("it reads");
        let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("denied_algorithms")).collect();
        let line = format!("[federation]\ndenied_algorithms = {uris:?}");
        std::fs::write(self.path("signet.toml"), kept.join("\n").replace("[federation]", &line)).expect("it writes");
    }

    fn apply(&self) -> (Result<CommandOutcome, CommandError>, String) {
        let args = sp::SpArgs { command: sp::SpCommand::Apply { folder: self.path("metadata") } };
        say(|out| sp::run(&args, &self.settings(), out))
    }
}

fn say(
    run: impl FnOnce(&mut dyn std::io::Write) -> Result<CommandOutcome, CommandError>,
) -> (Result<CommandOutcome, CommandError>, String) {
    let mut out = Vec::new();
    let result = run(&mut out);
    (result, String::from_utf8(out).expect("UTF-8"))
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("it lists") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() { copy(&path, &target) } else { std::fs::copy(&path, &target).map(drop).expect("it copies") }
    }
}

#[test]
fn a_place_that_was_set_up_by_its_own_commands_checks_well() {
    let place = Place::new();
    let (before, text) = place.check();
    assert_eq!(before.expect("it runs"), CommandOutcome::Findings);
    assert!(text.contains("FAULTY   keys") && text.contains("`signet migrate` runs them"), "{text}");
    assert!(text.ends_with("2 faults\n") && !text.contains("signet check"), "{text}");
    std::fs::write(place.path("passphrase"), "pelican fjord umber 93").expect("it writes");
    let (_, text) = place.check();
    assert_eq!(text.matches("signet keys generate").count(), 1, "{text}");
    place.set_up();
    let (after, text) = place.check();
    assert_eq!(after.expect("it runs"), CommandOutcome::Done, "{text}");
    assert!(text.contains("good     keys") && text.contains("good     services: 3 in the database"), "{text}");
    assert!(text.contains("mail.kind is a sandbox"), "{text}");
}

#[test]
fn no_command_is_sent_to_check_by_settings_that_check_cannot_read() {
    let place = Place::new();
    for text in ["", "[database]\nurl = 7\n", "x ="] {
        std::fs::write(place.path("signet.toml"), text).expect("it writes");
        let error = place.check().0.expect_err("nothing can be checked");
        assert!(!error.next_step().contains("signet check"), "{text}: {}", error.next_step());
        let readme = std::fs::read_to_string("README.md").expect("it reads");
        assert!(error.next_step().contains("\"Running it\"") && readme.contains("\n## Running it\n"), "{error:?}");
    }
}

#[test]
fn check_names_the_file_and_line_that_is_broken_and_says_that_the_last_good_record_stands() {
    let place = Place::new();
    place.set_up();
    let agreement = place.path("metadata/sp/city-of-example/library/agreement.toml");
    let good = std::fs::read_to_string(&agreement).expect("it reads");
    std::fs::write(&agreement, format!("{good}\nnonsense = [\n")).expect("it writes");
    let (result, text) = place.check();
    assert_eq!(result.expect("it runs"), CommandOutcome::Findings);
    let line = text.lines().find(|line| line.contains("city-of-example/library/agreement.toml:")).expect("it is named");
    let number = line.split("agreement.toml:").nth(1).and_then(|rest| rest.split(':').next()).expect("a line number");
    assert!(number.parse::<usize>().expect("a number") > good.lines().count(), "{line}");
    assert!(text.contains("city-of-example/library: its files are broken, so its last good record stands"), "{text}");
}

#[test]
fn applying_a_folder_twice_changes_nothing_and_a_broken_file_never_replaces_a_good_record() {
    let place = Place::new();
    place.set_up();
    let (again, text) = place.apply();
    assert_eq!(again.expect("it applies"), CommandOutcome::Done);
    assert!(text.contains("3 services, 0 changed, 0 broken"), "{text}");
    let revisions =
        |place: &Place| place.store().read_blocking::<_, StoreError, _>(|tx| tx.sp_revisions()).expect("it reads");
    let before = revisions(&place);
    std::fs::write(place.path("metadata/sp/city-of-example/library/metadata.xml"), "<not metadata").expect("it writes");
    let (result, text) = place.apply();
    assert_eq!(result.expect("it applies"), CommandOutcome::Findings);
    assert!(text.contains("city-of-example/library: the last good record stands"), "{text}");
    assert_eq!(revisions(&place), before);
}

#[test]
fn a_service_whose_folder_went_away_ends_and_keeps_its_agency() {
    let place = Place::new();
    place.set_up();
    std::fs::rename(place.path("metadata/sp/city-of-example/library"), place.path("library")).expect("it moves");
    assert!(place.apply().1.contains("removed: sign-ins for it end"));
    let loaded = place.store().read_blocking(|tx| metadata::load(tx, &place.keys())).expect("it reads");
    assert_eq!(loaded.registry.len(), 2);
    // The same entityID under another agency is somebody else's.
    let other = place.path("metadata/sp/department-of-parks/library");
    std::fs::rename(place.path("library"), &other).expect("it moves");
    let agreement = std::fs::read_to_string(other.join("agreement.toml")).expect("it reads");
    let moved = agreement.replace("agency_id = \"city-of-example\"", "agency_id = \"department-of-parks\"");
    assert_ne!(moved, agreement);
    std::fs::write(other.join("agreement.toml"), moved).expect("it writes");
    let (store, admission) = (
        place.store(),
        Admission { now: SystemClock.now(), loopback_http: false, denied: signet::saml::DeniedAlgorithms::NONE },
    );
    let applied = metadata::apply_blocking(&store, &place.keys(), &place.path("metadata"), "test", admission);
    let applied = applied.expect("it applies");
    assert_eq!(applied.broken.len(), 1, "{:?}", applied.broken);
}

#[test]
fn nothing_that_a_service_wrote_writes_a_line_of_its_own_for_the_operator() {
    let place = Place::new();
    place.set_up();
    let path = place.path("metadata/sp/city-of-example/library/metadata.xml");
    let text = std::fs::read_to_string(&path).expect("it reads");
    // An algorithm of nobody's for each key, so that the service cannot be served and every command tells of it.
    let said = "urn:x&#10;good     keys: all well&#x9b;2J&#x202e;";
    let method = format!("<md:EncryptionMethod Algorithm=\"{said}\"/></md:KeyDescriptor>");
    let hostile = text.replace("</md:KeyDescriptor>", &method);
    assert_ne!(hostile, text);
    std::fs::write(&path, hostile).expect("it writes");
    let shown = "urn:x\\ngood     keys: all well\\u{9b}2J\\u{202e}";
    let (result, applied) = place.apply();
    assert_eq!(result.expect("it applies"), CommandOutcome::Done, "{applied}");
    let (_, checked) = place.check();
    for text in [&applied, &checked] {
        assert!(text.contains(shown), "{text}");
        assert!(!text.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "{text}");
        assert!(!text.lines().any(|line| line.starts_with("good     keys: all")), "{text}");
    }
    let told = |line: &&str| line.starts_with("warning  signing: city-of-example/library: every sign-in");
    assert!(checked.lines().find(told).is_some_and(|line| line.contains(shown)), "{checked}");
}

#[test]
fn an_entity_id_does_not_turn_the_line_on_which_it_stands() {
    let place = Place::new();
    let folder = place.path("metadata/sp/city-of-example/library");
    let at = |file: &str| std::fs::read_to_string(folder.join(file)).expect("it reads");
    let (metadata, agreement) = (at("metadata.xml"), at("agreement.toml"));
    let (_, id) = metadata.split_once("entityID=\"").expect("an entityID");
    let (id, _) = id.split_once('"').expect("an end");
    for (file, text) in [("metadata.xml", &metadata), ("agreement.toml", &agreement)] {
        let turned = text.replacen(&format!("\"{id}\""), &format!("\"{id}\u{202e}\""), 1);
        assert_ne!(&turned, text);
        std::fs::write(folder.join(file), turned).expect("it writes");
    }
    let args = sp::SpArgs { command: sp::SpCommand::Check { path: folder } };
    let (result, text) = say(|out| sp::run(&args, &place.settings(), out));
    assert_eq!(result.expect("it runs"), CommandOutcome::Done, "{text}");
    assert!(text.contains(&format!("good ({id}\\u{{202e}})")), "{text}");
}

#[test]
fn check_and_apply_say_that_metadata_ended_and_the_applied_record_is_served_on() {
    let place = Place::new();
    place.set_up();
    let metadata = place.path("metadata/sp/city-of-example/library/metadata.xml");
    let text = std::fs::read_to_string(&metadata).expect("it reads");
    std::fs::write(&metadata, text.replace("entityID=", "validUntil=\"2026-01-01T00:00:00Z\" entityID="))
        .expect("it writes");
    let says = |text: &str| {
        let fault =
            |line: &str| line.contains("library/metadata.xml:") && line.contains("ended at 2026-01-01T00:00:00");
        assert!(text.lines().any(fault), "{text}");
    };
    let args = |path: &Path| sp::SpArgs { command: sp::SpCommand::Check { path: path.to_owned() } };
    for path in [&metadata, &place.path("metadata"), &place.path("metadata/sp/city-of-example/library")] {
        let (result, text) = say(|out| sp::run(&args(path), &place.settings(), out));
        assert_eq!(result.expect("it runs"), CommandOutcome::Findings, "{text}");
        says(&text);
    }
    let (result, text) = place.apply();
    assert_eq!(result.expect("it applies"), CommandOutcome::Findings, "{text}");
    says(&text);
    assert!(text.contains("city-of-example/library: the last good record stands"), "{text}");
    let (result, text) = place.check();
    assert_eq!(result.expect("it runs"), CommandOutcome::Findings, "{text}");
    says(&text);
}

#[test]
fn loopback_in_clear_is_for_the_demonstrations_settings() {
    let place = Place::new();
    let metadata = place.path("metadata/sp/city-of-example/library/metadata.xml");
    let text = std::fs::read_to_string(&metadata).expect("it reads");
    std::fs::write(&metadata, text.replace("https://library.city.example.us/Shib", "http://library.localhost/Shib"))
        .expect("it writes");
    let check = |settings: &SettingsFile| {
        let args = sp::SpArgs { command: sp::SpCommand::Check { path: metadata.clone() } };
        let (result, text) = say(|out| sp::run(&args, settings, out));
        (result.expect("it runs"), text)
    };
    let (outcome, text) = check(&place.settings());
    assert_eq!(outcome, CommandOutcome::Done, "{text}");
    let (outcome, text) = check(&SettingsFile::new(Some(place.path("no-settings.toml"))));
    assert_eq!(outcome, CommandOutcome::Findings, "{text}");
    assert!(text.contains("is not on https"), "{text}");
}

#[test]
fn check_warns_of_a_cipher_whose_key_size_contradicts_it_and_names_the_line_of_one_that_is_no_number() {
    let place = Place::new();
    let metadata = place.path("metadata/sp/department-of-parks/permits/metadata.xml");
    let text = std::fs::read_to_string(&metadata).expect("it reads");
    let check = |bits: &str| {
        let method = format!(
            "<md:EncryptionMethod Algorithm=\"http://www.w3.org/2009/xmlenc11#aes256-gcm\">\
             <KeySize xmlns=\"http://www.w3.org/2001/04/xmlenc#\">{bits}</KeySize></md:EncryptionMethod></md:KeyDescriptor>"
        );
        std::fs::write(&metadata, text.replace("</md:KeyDescriptor>", &method)).expect("it writes");
        let args = sp::SpArgs { command: sp::SpCommand::Check { path: metadata.clone() } };
        let (result, said) = say(|out| sp::run(&args, &place.settings(), out));
        (result.expect("it runs"), said)
    };
    let (outcome, said) = check("256");
    assert!(outcome == CommandOutcome::Done && !said.contains("with a key of"), "{said}");
    let (outcome, said) = check("128");
    assert!(outcome == CommandOutcome::Done && said.contains("aes256-gcm (with a key of 128 bits)"), "{said}");
    let (outcome, said) = check("much");
    assert_eq!(outcome, CommandOutcome::Findings, "{said}");
    assert!(said.contains("metadata.xml:39: xenc:KeySize must be a number of bits"), "{said}");
}

const ECDSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
const ECDSA_SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384";

/// Whether the application starts, and if not, why.
fn start(place: &Place) -> Result<(), String> {
    let settings = place.settings().read().map_err(|error| error.to_string())?;
    let surroundings = Surroundings { demonstration: true, ..Surroundings::production() };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _inside = runtime.enter();
    Application::build(&settings, &surroundings).map(drop).map_err(|error| error.to_string())
}

#[test]
fn denied_algorithms_are_told_by_check_with_the_services_that_they_stop() {
    let place = Place::new();
    place.set_up();
    // The only one that the permits take.
    let method = "<md:EncryptionMethod Algorithm=\"http://www.w3.org/2009/xmlenc11#aes128-gcm\"/></md:KeyDescriptor>";
    let metadata = place.path("metadata/sp/department-of-parks/permits/metadata.xml");
    let text = std::fs::read_to_string(&metadata).expect("it reads");
    std::fs::write(&metadata, text.replace("</md:KeyDescriptor>", method)).expect("it writes");
    place.apply().0.expect("it applies");
    assert!(!place.check().1.contains("every sign-in will be refused"));

    place.deny(&["http://www.w3.org/2009/xmlenc11#aes128-gcm", ECDSA_SHA256]);
    let (result, text) = place.check();
    assert_eq!(result.expect("it runs"), CommandOutcome::Done, "{text}");
    assert!(
        text.contains("warning  settings: federation.denied_algorithms: http://www.w3.org/2009/xmlenc11#aes128-gcm"),
        "{text}"
    );
    assert!(text.contains("warning  signing: department-of-parks/permits: every sign-in will be refused"), "{text}");
    let args = sp::SpArgs { command: sp::SpCommand::Check { path: metadata } };
    let (result, text) = say(|out| sp::run(&args, &place.settings(), out));
    assert_eq!(result.expect("it runs"), CommandOutcome::Done, "{text}");
    assert!(text.contains("warning: every sign-in will be refused"), "{text}");
    // P-256 makes ECDSA-SHA384 too.
    assert_eq!(start(&place), Ok(()));
}

#[test]
fn nothing_starts_where_what_is_denied_leaves_nothing() {
    let place = Place::new();
    place.set_up();
    assert_eq!(start(&place), Ok(()));
    place.deny(&[ECDSA_SHA256, ECDSA_SHA384]);
    let (result, text) = place.check();
    assert_eq!(result.expect("it runs"), CommandOutcome::Findings, "{text}");
    let fault = "every signature that it makes is denied by federation.denied_algorithms";
    let said = text.lines().find(|line| line.starts_with("FAULTY   signing: the signing key")).expect("it is told");
    assert!(said.contains(fault) && said.contains("`sign-with`"), "{said}");
    assert!(start(&place).expect_err("our key makes nothing").contains(fault));

    for (denied, reason) in [
        (
            ["http://www.w3.org/2009/xmlenc11#aes128-gcm", "http://www.w3.org/2009/xmlenc11#aes256-gcm"],
            "federation.denied_algorithms: no authenticated cipher is left",
        ),
        (
            [ECDSA_SHA256, "rsa-sha512"],
            "federation.denied_algorithms: `rsa-sha512` is no algorithm that is ever used here",
        ),
    ] {
        place.deny(&denied);
        let error = place.check().0.expect_err("the settings cannot be used").to_string();
        assert!(error.contains(reason), "{error}");
        let error = start(&place).expect_err("the settings cannot be used");
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn when_the_signing_key_makes_nothing_any_more_the_next_one_takes_over_by_the_usual_steps() {
    let place = Place::new();
    place.set_up();
    place.deny(&[ECDSA_SHA256, ECDSA_SHA384]);
    assert!(start(&place).is_err());
    let keys = |arguments: &[&str]| {
        let output = program(&place, &[&["keys"], arguments].concat()).output().expect("it runs");
        let said = String::from_utf8([output.stdout, output.stderr].concat()).expect("UTF-8");
        (output.status.code(), said)
    };
    let generated = |kind: &str| {
        let (code, said) = keys(&["generate", "--next", "--kind", kind]);
        assert_eq!(code, Some(0), "{said}");
        said.split_whitespace().nth(3).expect("a name").to_owned()
    };
    let (rsa, another) = (generated("rsa-2048"), generated("p-256"));
    for key in [&rsa, &another] {
        let (code, said) = keys(&["publish", key]);
        assert_eq!(code, Some(0), "{said}");
    }
    let (code, said) = keys(&["status"]);
    assert_eq!(code, Some(0), "{said}");
    // Another that makes nothing takes over nowhere.
    for whom in [&["--all"][..], &["--sp", "department-of-parks/permits"], &["--wave", "100"]] {
        let (code, said) = keys(&[&["sign-with", &another, "--now"], whom].concat());
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(&format!("the signing key {another} cannot sign")), "{said}");
    }
    let (code, said) = keys(&["sign-with", &rsa, "--all", "--now"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(start(&place), Ok(()));
}

#[test]
fn applying_without_the_keys_says_how_to_get_them() {
    let place = Place::new();
    say(|out| migrate::run(&migrate::MigrateArgs { pending: false }, &place.settings(), out)).0.expect("it migrates");
    let error = place.apply().0.expect_err("there are no keys");
    assert!(matches!(error, CommandError::Settings(_) | CommandError::Keys(_)), "{error}");
    std::fs::write(place.path("passphrase"), "a passphrase of some length").expect("it writes");
    let error = place.apply().0.expect_err("there are no keys");
    assert!(error.next_step().contains("signet keys generate"), "{error}: {}", error.next_step());
}

#[test]
fn check_names_a_stored_record_that_was_altered_and_apply_puts_the_folders_in_its_place() {
    let place = Place::new();
    place.set_up();
    sql::run(&place.store(), "UPDATE sp_revision SET applied_by = 'x' WHERE folder = 'city-of-example/library'");
    let (result, text) = place.check();
    assert_eq!(result.expect("it runs"), CommandOutcome::Findings, "{text}");
    let line = text.lines().find(|line| line.contains("not as it was written")).expect("it is named");
    assert!(line.contains("FAULTY   services: city-of-example/library") && line.contains("signet sp apply"), "{line}");
    let (result, text) = place.apply();
    assert_eq!(result.expect("it applies"), CommandOutcome::Findings);
    assert!(text.contains("city-of-example/library: A STORED RECORD WAS ALTERED"), "{text}");
    assert!(text.contains("city-of-example/library: added"), "{text}");
    let (result, text) = place.check();
    assert_eq!(result.expect("it runs"), CommandOutcome::Done, "{text}");
}

#[test]
fn explain_reads_the_agreement_that_counts_in_the_database() {
    let place = Place::new();
    place.set_up();
    let explain_of = |sp: &str, ask: Option<&str>, metadata: Option<PathBuf>| {
        let args = release::ReleaseArgs {
            command: release::ReleaseCommand::Explain(release::ExplainArgs {
                sp: sp.into(),
                request: None,
                ask: ask.map(|names| names.split(',').map(str::to_owned).collect()),
                person: release::Person::Demo,
                level: "ial2/aal2".parse().expect("a level"),
                values: false,
                metadata,
            }),
        };
        say(|out| release::run(&args, &place.settings(), out))
    };
    let explain = |ask: Option<&str>| explain_of("revenue-office/tax-account", ask, None);
    let unknown = |metadata| explain_of("harbour/moorings", None, metadata).0.expect_err("there is none").next_step();
    assert!(unknown(None).contains("`signet sp apply`") && unknown(None).contains("--metadata"));
    assert!(unknown(Some(place.path("metadata"))).contains("`signet sp check` says why"));
    let (result, text) = explain(Some("email,ssn,portrait"));
    assert_eq!(result.expect("it explains"), CommandOutcome::Done, "{text}");
    assert!(text.contains("released    email"), "{text}");
    // What leaves the agreement leaves the next explanation too.
    let file = place.path("metadata/sp/revenue-office/tax-account/agreement.toml");
    let agreement = std::fs::read_to_string(&file).expect("it reads");
    assert!(agreement.contains("email"), "{agreement}");
}

#[test]
fn keys_are_never_written_over_and_the_error_says_what_to_do() {
    let place = Place::new();
    place.set_up();
    let generate = keys::GenerateArgs { kind: keys::Kind::P256, next: false, decryption: false, passphrase: true };
    let args = keys::KeysArgs { command: keys::KeysCommand::Generate(generate) };
    let error = say(|out| keys::run(&args, &place.settings(), out)).0.expect_err("they stay");
    assert!(error.to_string().contains("never written over"), "{error}");
    assert!(error.next_step().contains("--next"));
}

#[test]
fn without_settings_a_command_says_how_to_get_some() {
    let nowhere = SettingsFile::new(Some("/nonexistent/signet.toml".into()));
    let error = say(|out| check::run(&nowhere, out)).0.expect_err("there are none");
    assert!(matches!(error, outcome::CommandError::Settings(_)));
    assert!(error.to_string().contains("/nonexistent/signet.toml"));
}

/// The real program with these arguments and the place's settings.
fn program(place: &Place, arguments: &[&str]) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_signet"));
    command.arg("--settings").arg(place.path("signet.toml")).args(arguments);
    command
}

#[test]
fn serve_refuses_a_sandbox() {
    let place = Place::new();
    place.set_up();
    let output = program(&place, &["serve"]).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("sandbox") && said.contains("next:"), "{said}");
}

#[test]
fn serve_answers_alone_on_its_file_and_stops_when_it_is_told_to() {
    use std::io::{BufRead as _, Read as _};

    let place = Place::new();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings = std::fs::read_to_string(place.path("signet.toml")).unwrap();
    let settings = settings
        .replace("127.0.0.1:0", &format!("127.0.0.1:{port}"))
        .replace(
            "[mail]\nkind = \"sandbox\"",
            "[mail]\nkind = \"smtp\"\nhost = \"127.0.0.1\"\nport = 25\n\
            security = \"none\"\nfrom = \"Signet <no-reply@login.example.gov>\"",
        )
        .replace(
            "[sms]\nkind = \"sandbox\"",
            &format!(
                "[sms]\nkind = \"kannel\"\nurl = \"http://127.0.0.1:13013/cgi-bin/sendsms\"\nusername = \"signet\"\n\
                 password_file = \"{}\"\nfrom = \"Signet\"",
                place.path("passphrase").display()
            ),
        );
    std::fs::write(place.path("signet.toml"), settings).unwrap();
    place.set_up();

    let mut first = program(&place, &["serve"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut out = std::io::BufReader::new(first.stdout.take().expect("a pipe"));
    out.read_line(&mut said).expect("it says where it serves");
    assert!(said.contains("https://login.example.gov/"), "{said}");
    let answer = |path: &str| {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        let ask = format!("GET {path} HTTP/1.1\r\nHost: login.example.gov\r\nConnection: close\r\n\r\n");
        std::io::Write::write_all(&mut stream, ask.as_bytes()).expect("it is asked");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("it answers");
        text
    };
    assert!(answer("/readyz").starts_with("HTTP/1.1 200"));
    assert!(answer("/saml/metadata").contains("EntityDescriptor"));

    // On another address, but on the same file.
    let second = program(&place, &["serve"]).env("SIGNET__SERVER__LISTEN", "127.0.0.1:0").output().expect("it runs");
    assert_eq!(second.status.code(), Some(3), "{}", String::from_utf8_lossy(&second.stderr));
    assert!(String::from_utf8_lossy(&second.stderr).contains("another process is using this database file"));

    let told = std::process::Command::new("kill").arg(first.id().to_string()).status().expect("kill runs");
    assert!(told.success());
    let mut log = String::new();
    first.stderr.take().expect("a pipe").read_to_string(&mut log).expect("the log ends");
    assert_eq!(first.wait().expect("it ends").code(), Some(0), "{log}");
    let lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect();
    assert!(lines.iter().any(|line| line["message"] == "serving"), "{log}");
    assert!(lines.iter().any(|line| line["message"] == "stopped"), "{log}");
}

#[test]
fn what_holds_keys_or_data_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    fn walk(path: &Path, found: &mut Vec<(PathBuf, u32)>) {
        let mode = std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        found.push((path.to_owned(), mode));
        if path.is_dir() {
            std::fs::read_dir(path).expect("it lists").for_each(|entry| walk(&entry.expect("an entry").path(), found));
        }
    }
    let place = Place::new();
    place.set_up();
    // While it is open, the files that SQLite keeps beside the database are there too.
    let _open = place.store();
    let mut found = Vec::new();
    for name in ["keys", "passphrase", "signet.db", "signet.db-wal", "signet.db-shm"] {
        walk(&place.path(name), &mut found);
    }
    assert!(found.len() > 6, "{found:?}");
    for (path, mode) in found {
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, expected, "{} has mode {mode:o}", path.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_adopts_the_ledger_of_the_version_before() {
    let place = Place::new();
    place.set_up();
    let (store, keys) = (place.store(), Arc::new(place.keys()));
    let writer = DisclosureWriter::start(store.clone(), keys, CHAIN);
    for _ in 0..3 {
        writer.record(alone()).await.expect("it is recorded");
    }
    drop(writer);
    // As the version before left it.
    hash_without_keys(&store, "NULL");
    sql::run(
        &store,
        "ALTER TABLE disclosure DROP COLUMN hash_key; DROP TABLE adopted_chain; \
         DELETE FROM __diesel_schema_migrations WHERE version = '20261201000601'",
    );
    let (result, text) = say(|out| migrate::run(&migrate::MigrateArgs { pending: false }, &place.settings(), out));
    assert_eq!(result.expect("it migrates"), CommandOutcome::Done, "{text}");
    assert!(text.lines().any(|line| line.starts_with("adopted ") && line.contains(":3:")), "{text}");
    let verify = || {
        let command = audit::AuditCommand::Verify(audit::VerifyArgs::default());
        say(|out| audit::run(&audit::AuditArgs { command }, &place.settings(), out))
    };
    let (result, text) = verify();
    assert_eq!(result.expect("it reads"), CommandOutcome::Done, "{text}");
    assert!(text.contains("holds, 3 records (1 to 3 without a key, adopted)"), "{text}");
    // Once: what is put in later is adopted by no second `migrate`.
    sql::run(&store, "DELETE FROM adopted_chain");
    say(|out| migrate::run(&migrate::MigrateArgs { pending: false }, &place.settings(), out)).0.expect("nothing to do");
    assert_eq!(verify().0.expect("it reads"), CommandOutcome::Findings);
}
