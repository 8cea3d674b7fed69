//! `signet sp`: service providers and their agreements.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::{CommandError, CommandOutcome, SettingsFile, now, open_keys, open_store, operator};
use crate::federation::agreement::{AgencyId, Agreement, AgreementError};
use crate::federation::registry::{
    Admission, Applied, AtLine, BrokenFile, Change, Registry, ServiceName, ServiceProvider,
};
use crate::jobs::metadata::{ApplyError, apply_blocking};
use crate::jobs::metadata_folder;
use crate::one_line::OneLine;
use crate::saml::DeniedAlgorithms;
use crate::saml::metadata::MetadataError;
use crate::settings::{Settings, SettingsError};

/// `signet sp …`
#[derive(Debug, Args)]
pub struct SpArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: SpCommand,
}

/// What can be done with service providers.
#[derive(Debug, Subcommand)]
pub enum SpCommand {
    /// Make a new revision of each record in the database that the folder changes, bound to the service's keys
    Apply {
        /// The folder that holds `sp/<agency>/<service>/`
        folder: PathBuf,
    },
    /// Read metadata and agreements, and report every fault and everything that will surprise somebody later
    Check {
        /// A metadata folder, an agency's or a service's folder in it, or one of a service's two files
        path: PathBuf,
    },
}

/// Does what the command line says.
///
/// # Errors
/// When the path cannot be read, or the database cannot be reached.
pub fn run(args: &SpArgs, settings: &SettingsFile, out: &mut dyn Write) -> Result<CommandOutcome, CommandError> {
    match &args.command {
        SpCommand::Check { path } => match check(path, admission_without_settings(settings), out) {
            Ok(CheckOutcome::Good) => Ok(CommandOutcome::Done),
            Ok(CheckOutcome::Faulty) => Ok(CommandOutcome::Findings),
            Err(error) => Err(CommandError::usage(
                format!("{}: {error}", path.display()),
                "name a metadata folder (with `sp` in it), an agency's or a service's folder, or one of a service's two files",
            )),
        },
        SpCommand::Apply { folder } => {
            let settings = settings.read()?;
            // The stored records carry keyed digests.
            let keys = open_keys(&settings)?;
            let store = open_store(&settings)?;
            let admission = admission(&settings)?;
            let applied =
                apply_blocking(&store, &keys, folder, &operator(), admission).map_err(|error| match error {
                    ApplyError::Stored(error) => error.into(),
                    ApplyError::Folder { .. } => CommandError::usage(error, "name the folder that holds `sp`"),
                    ApplyError::WouldRemoveEverything(_) => {
                        CommandError::usage(error, "name the right folder, or leave at least one service in it")
                    }
                })?;
            report(folder, &applied, admission, out)?;
            let good = applied.broken.is_empty() && applied.altered.is_empty();
            Ok(if good { CommandOutcome::Done } else { CommandOutcome::Findings })
        }
    }
}

/// How files are taken in under these settings, now: sandbox settings are the demonstration's, which serves services on
/// loopback http.
///
/// # Errors
/// When the settings deny what cannot be denied.
pub fn admission(settings: &Settings) -> Result<Admission, SettingsError> {
    let denied = settings.denied_algorithms()?;
    Ok(Admission { now: now(), loopback_http: settings.sandboxed().is_some(), denied })
}

/// A check needs no settings; without any, it is as strict as production.
fn admission_without_settings(settings: &SettingsFile) -> Admission {
    let production = Admission { now: now(), loopback_http: false, denied: DeniedAlgorithms::NONE };
    settings.read().and_then(|settings| admission(&settings)).unwrap_or(production)
}

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckOutcome {
    /// Something cannot be used.
    Faulty,
    /// All can be used; there may be warnings.
    Good,
}

/// Reads what `path` names and writes what is wrong with it.
///
/// # Errors
/// `path` cannot be read at all, or `out` cannot be written.
pub fn check(path: &Path, admission: Admission, out: &mut dyn Write) -> io::Result<CheckOutcome> {
    if path.join("sp").is_dir() {
        return check_folder(path, admission, out);
    }
    if path.is_dir() {
        let services = services_of_agency(path)?;
        return if services.is_empty() {
            check_service(path, admission, out)
        } else {
            check_each(&services, admission, out)
        };
    }
    let beside = path.parent().unwrap_or_else(|| Path::new("."));
    let both = beside.join("metadata.xml").is_file() && beside.join("agreement.toml").is_file();
    match path.file_name().and_then(|name| name.to_str()) {
        Some("metadata.xml" | "agreement.toml") if both => check_service(beside, admission, out),
        Some(name) if name.ends_with(".toml") => {
            let text = std::fs::read_to_string(path)?;
            let told =
                |faults: Vec<AgreementError>| faults.into_iter().map(|fault| (fault.line, fault.reason)).collect();
            report_alone(path, Agreement::parse(&text).map_err(told), out)
        }
        _ => {
            let octets = std::fs::read(path)?;
            let told = |fault: MetadataError| (usize::try_from(fault.line).unwrap_or(0), fault.reason.to_string());
            let read = admission.admit_metadata(&octets).map_err(|faults| faults.into_iter().map(told).collect());
            report_alone(path, read, out)
        }
    }
}

fn report_alone<T>(
    path: &Path,
    read: Result<T, Vec<(usize, String)>>,
    out: &mut dyn Write,
) -> io::Result<CheckOutcome> {
    match read {
        Ok(_) => {
            line(out, format_args!("{}: good by itself", path.display()))?;
            Ok(CheckOutcome::Good)
        }
        Err(faults) => {
            for (at, reason) in faults {
                line(out, format_args!("{}{}: {reason}", path.display(), AtLine(at)))?;
            }
            Ok(CheckOutcome::Faulty)
        }
    }
}

fn check_folder(path: &Path, admission: Admission, out: &mut dyn Write) -> io::Result<CheckOutcome> {
    let folder = metadata_folder::read(path)?;
    let services = folder.entries.len();
    let applied = Registry::default().apply(folder.entries, admission);
    for service in applied.registry.services() {
        report_good(service, admission, out)?;
    }
    for broken in folder.misplaced.iter().chain(&applied.broken) {
        line(out, format_args!("{}", located(path, broken)))?;
    }
    let faulty = folder.misplaced.len() + services - applied.registry.len();
    line(out, format_args!("{} good, {faulty} faulty", applied.registry.len()))?;
    Ok(if faulty == 0 { CheckOutcome::Good } else { CheckOutcome::Faulty })
}

/// The folders in an agency's folder, which is one directly in `sp` and without the files of a service. None for any other folder.
fn services_of_agency(path: &Path) -> io::Result<Vec<PathBuf>> {
    let whole = path.canonicalize()?;
    let in_sp = whole.parent().and_then(Path::file_name).is_some_and(|folder| folder == "sp");
    if !in_sp || path.join("metadata.xml").exists() || path.join("agreement.toml").exists() {
        return Ok(Vec::new());
    }
    let mut services = Vec::new();
    for entry in std::fs::read_dir(path)? {
        services.extend(Some(entry?.path()).filter(|entry| entry.is_dir()));
    }
    services.sort();
    Ok(services)
}

fn check_each(services: &[PathBuf], admission: Admission, out: &mut dyn Write) -> io::Result<CheckOutcome> {
    let mut good = 0;
    for service in services {
        good += usize::from(check_service(service, admission, out)? == CheckOutcome::Good);
    }
    let faulty = services.len() - good;
    line(out, format_args!("{good} good, {faulty} faulty"))?;
    Ok(if faulty == 0 { CheckOutcome::Good } else { CheckOutcome::Faulty })
}

fn check_service(path: &Path, admission: Admission, out: &mut dyn Write) -> io::Result<CheckOutcome> {
    let path = path.canonicalize()?;
    let id_of = |part: Option<&std::ffi::OsStr>| {
        part.and_then(|name| name.to_str()).and_then(|name| AgencyId::parse(name).ok())
    };
    let (Some(service), Some(agency)) = (id_of(path.file_name()), id_of(path.parent().and_then(Path::file_name)))
    else {
        let wanted = "a service's folder is <agency>/<service>, in lower-case letters, digits and dashes";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, wanted));
    };
    let root = path.parent().and_then(Path::parent).unwrap_or(&path).to_owned();
    let name = ServiceName { agency, service };
    let read = metadata_folder::read_service(&path, name.clone());
    let read = read.map_err(|unread| admission.faults_of_rest(&name, unread)).and_then(|files| admission.admit(&files));
    let twins = twins(&root, &name);
    for twin in &twins {
        line(out, format_args!("{}/{twin}", root.display()))?;
    }
    match read {
        Ok(service) if twins.is_empty() => {
            report_good(&service, admission, out)?;
            Ok(CheckOutcome::Good)
        }
        Ok(_) => Ok(CheckOutcome::Faulty),
        Err(faults) => {
            for broken in faults {
                line(out, format_args!("{}/{broken}", root.display()))?;
            }
            Ok(CheckOutcome::Faulty)
        }
    }
}

/// The other folders beside this one, in the same `sp`, that have its entityID: one of them alone can be applied. Nothing where the
/// folder stands alone.
fn twins(root: &Path, name: &ServiceName) -> Vec<BrokenFile> {
    let is_sp = root.file_name().is_some_and(|folder| folder == "sp");
    let Some(entries) = root.parent().filter(|_| is_sp).and_then(|metadata| metadata_folder::read(metadata).ok())
    else {
        return Vec::new();
    };
    let named = |octets: &[u8]| {
        let agreement = std::str::from_utf8(octets).ok().and_then(|text| Agreement::parse(text).ok());
        agreement.map(|agreement| agreement.entity_id().clone())
    };
    let mut names = Vec::new();
    for (other, read) in entries.entries {
        let agreement = match read {
            Ok(files) => Some(files.agreement),
            Err(unread) => unread.agreement,
        };
        names.extend(agreement.as_deref().and_then(named).map(|entity_id| (other, entity_id)));
    }
    let own = names.iter().find(|(other, _)| other == name).map(|(_, entity_id)| entity_id.clone());
    let others = names.into_iter().filter(|(other, entity_id)| other != name && Some(entity_id) == own.as_ref());
    let twin = |(other, entity_id): (ServiceName, _)| {
        let reason = format!("{other} has the same entityID, `{entity_id}`");
        BrokenFile { path: format!("{name}/agreement.toml"), line: 0, reason }
    };
    others.map(twin).collect()
}

fn report_good(service: &ServiceProvider, admission: Admission, out: &mut dyn Write) -> io::Result<()> {
    line(out, format_args!("{}: good ({})", service.name(), service.entity_id()))?;
    for warning in service.lint(admission.now.date(), admission.denied) {
        line(out, format_args!("  warning: {warning}"))?;
    }
    Ok(())
}

/// A fault with the file's path from where the command was started.
fn located(folder: &Path, broken: &BrokenFile) -> String {
    format!("{}/{broken}", folder.join("sp").display())
}

/// Writes a line. Much in it is the services' own words, whose line breaks and reversals must not write other lines.
fn line(out: &mut dyn Write, said: fmt::Arguments<'_>) -> io::Result<()> {
    writeln!(out, "{}", OneLine(said))
}

/// Writes what applying a folder changes: diff, what lowers protection, warnings, faults.
///
/// # Errors
/// `out` cannot be written.
pub fn report(folder: &Path, applied: &Applied, admission: Admission, out: &mut dyn Write) -> io::Result<()> {
    for change in &applied.changes {
        let service = change.service();
        let verb = match change {
            Change::Added { .. } => "added",
            Change::Removed { .. } => "removed: sign-ins for it end",
            Change::Revised { .. } => "revised",
        };
        line(out, format_args!("{}: {verb} ({})", service.name(), service.entity_id()))?;
        for changed in change.diff().lines() {
            line(out, format_args!("    {changed}"))?;
        }
        for lowered in change.lowered() {
            line(out, format_args!("  LOWERS PROTECTION: {lowered}"))?;
        }
        if !matches!(change, Change::Removed { .. }) {
            for warning in service.lint(admission.now.date(), admission.denied) {
                line(out, format_args!("  warning: {warning}"))?;
            }
        }
    }
    for altered in &applied.altered {
        line(out, format_args!("{altered}: A STORED RECORD WAS ALTERED; it counts for nothing from now on"))?;
    }
    for broken in &applied.broken {
        line(out, format_args!("{}", located(folder, broken)))?;
    }
    for name in &applied.kept {
        line(out, format_args!("{name}: the last good record stands"))?;
    }
    let changes = applied.changes.len();
    line(out, format_args!("{} services, {changes} changed, {} broken", applied.registry.len(), applied.broken.len()))
}
