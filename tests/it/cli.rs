//! The terminal's commands, as an operator meets them.

use std::path::{Path, PathBuf};

use signet::cli::{CommandError, CommandOutcome, SettingsFile, check, keys, migrate, outcome, release, sp};
use signet::jobs::metadata;
use signet::services::{Clock as _, SystemClock};
use signet::storage::{DatabaseUrl, Store, StoreError};
use tempfile::TempDir;

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

    fn check(&self) -> (Result<CommandOutcome, CommandError>, String) {
        say(|out| check::run(&self.settings(), out))
    }

    fn set_up(&self) {
        let generate = keys::GenerateArgs { kind: keys::Kind::EcP256, next: false, passphrase: true };
        let args = keys::KeysArgs { command: keys::KeysCommand::Generate(generate) };
        say(|out| keys::run(&args, &self.settings(), out)).0.expect("keys are made");
        say(|out| migrate::run(&migrate::MigrateArgs { pending: false }, &self.settings(), out))
            .0
            .expect("it migrates");
        self.apply().0.expect("it applies");
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
    place.set_up();
    let (after, text) = place.check();
    assert_eq!(after.expect("it runs"), CommandOutcome::Done, "{text}");
    assert!(text.contains("good     keys") && text.contains("good     services: 3 in the database"), "{text}");
    assert!(text.contains("mail.kind is a sandbox"), "{text}");
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
    let revisions = |place: &Place| {
        place.store().read_blocking::<_, StoreError, _>(|tx| tx.current_sp_revisions()).expect("it reads")
    };
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
    let registry = place.store().read_blocking::<_, StoreError, _>(metadata::load).expect("it reads").0;
    assert_eq!(registry.len(), 2);
    // The same entityID under another agency is somebody else's.
    let other = place.path("metadata/sp/department-of-parks/library");
    std::fs::rename(place.path("library"), &other).expect("it moves");
    let agreement = std::fs::read_to_string(other.join("agreement.toml")).expect("it reads");
    let moved = agreement.replace("agency_id = \"city-of-example\"", "agency_id = \"department-of-parks\"");
    assert_ne!(moved, agreement);
    std::fs::write(other.join("agreement.toml"), moved).expect("it writes");
    let applied = metadata::apply_blocking(&place.store(), &place.path("metadata"), "test", SystemClock.now())
        .expect("it applies");
    assert_eq!(applied.broken.len(), 1, "{:?}", applied.broken);
}

#[test]
fn explain_reads_the_agreement_that_counts_in_the_database() {
    let place = Place::new();
    place.set_up();
    let explain = |ask: Option<&str>| {
        let args = release::ReleaseArgs {
            command: release::ReleaseCommand::Explain(release::ExplainArgs {
                sp: "revenue-office/tax-account".into(),
                request: None,
                ask: ask.map(|names| names.split(',').map(str::to_owned).collect()),
                person: release::Person::Demo,
                level: "ial2/aal2".parse().expect("a level"),
                values: false,
                metadata: None,
            }),
        };
        say(|out| release::run(&args, &place.settings(), out))
    };
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
    let generate = keys::GenerateArgs { kind: keys::Kind::EcP256, next: false, passphrase: true };
    let args = keys::KeysArgs { command: keys::KeysCommand::Generate(generate) };
    let error = say(|out| keys::run(&args, &place.settings(), out)).0.expect_err("they stay");
    assert!(error.to_string().contains("never written over"), "{error}");
    assert!(error.next_step().contains("--next"));
    let next = keys::GenerateArgs { kind: keys::Kind::EcP256, next: true, passphrase: false };
    let args = keys::KeysArgs { command: keys::KeysCommand::Generate(next) };
    say(|out| keys::run(&args, &place.settings(), out)).0.expect("the next one is made");
    let list = |place: &Place| {
        say(|out| keys::run(&keys::KeysArgs { command: keys::KeysCommand::List }, &place.settings(), out)).1
    };
    let before = list(&place);
    let next_id = before.lines().nth(1).expect("a next key").split_whitespace().last().expect("an id").to_owned();
    say(|out| keys::run(&keys::KeysArgs { command: keys::KeysCommand::Advance }, &place.settings(), out))
        .0
        .expect("it advances");
    assert!(list(&place).lines().next().expect("a key").ends_with(&next_id));
}

#[test]
fn without_settings_a_command_says_how_to_get_some() {
    let nowhere = SettingsFile::new(Some("/nonexistent/signet.toml".into()));
    let error = say(|out| check::run(&nowhere, out)).0.expect_err("there are none");
    assert!(matches!(error, outcome::CommandError::Settings(_)));
    assert!(error.to_string().contains("/nonexistent/signet.toml"));
}
