//! `signet check`: everything that can be looked at before anybody signs in, and what is wrong with it.

use std::fmt;
use std::io::Write;
use std::sync::Arc;

use super::sp::{self, CheckOutcome};
use super::{CommandError, CommandOutcome, SettingsFile, now, open_store};
use crate::app::connection_limits;
use crate::entropy::SystemEntropy;
use crate::federation::delivery::DeliveryPlan;
use crate::jobs::metadata_folder;
use crate::jobs::{metadata, signing};
use crate::one_line::OneLine;
use crate::rollover::certificate_ends::ending_certificates;
use crate::services::keys::LocalKeys;
use crate::services::mail::SmtpServer;
use crate::services::sms::KannelSms;
use crate::settings::{Settings, SettingsError};
use crate::storage::{Store, StoreError};
use crate::web::connections::descriptor_limit;

/// What has been found so far, a line each: what a service wrote into its metadata writes no other.
struct Report<'o> {
    out: &'o mut dyn Write,
    faults: usize,
    unreachable: bool,
}

impl Report<'_> {
    fn good(&mut self, what: &str, detail: impl fmt::Display) -> Result<(), CommandError> {
        Ok(writeln!(self.out, "good     {what}: {}", OneLine(detail))?)
    }

    fn warning(&mut self, what: &str, detail: impl fmt::Display) -> Result<(), CommandError> {
        Ok(writeln!(self.out, "warning  {what}: {}", OneLine(detail))?)
    }

    fn faulty(&mut self, what: &str, detail: impl fmt::Display) -> Result<(), CommandError> {
        self.faults += 1;
        Ok(writeln!(self.out, "FAULTY   {what}: {}", OneLine(detail))?)
    }

    fn judge<T, E: fmt::Display>(
        &mut self,
        what: &str,
        result: Result<T, E>,
        good: impl fmt::Display,
    ) -> Result<Option<T>, CommandError> {
        match result {
            Ok(value) => self.good(what, good).map(|()| Some(value)),
            Err(error) => self.faulty(what, error).map(|()| None),
        }
    }
}

/// Checks settings, keys, mail and text message settings, the metadata folder and the database, and reports all.
///
/// # Errors
/// When the settings cannot be read at all, or the database does not answer (after the rest was reported).
pub fn run(file: &SettingsFile, out: &mut dyn Write) -> Result<CommandOutcome, CommandError> {
    let settings = file.read()?;
    let mut report = Report { out, faults: 0, unreachable: false };
    report.good("settings", file.path().display())?;
    for denied in settings.denied_algorithms()?.uris() {
        report.warning("settings", format!("federation.denied_algorithms: {denied} is neither accepted nor used"))?;
    }
    if settings.server.proxies == 0
        && settings.server.tls_certificate.is_none()
        && settings.server.public_url.scheme() == "https"
    {
        let what = "server.proxies is 0 and no certificate is served: a proxy in front does TLS, and all people behind it count as \
                    one network. Set how many proxies add to X-Forwarded-For";
        report.warning("settings", what)?;
    }
    if let Some(key) = settings.sandboxed() {
        report.warning("settings", format!("{key} is a sandbox: only `signet demo` and tests start with it"))?;
    }
    let keys = check_keys(&settings, &mut report)?;
    check_ports(&settings, &mut report)?;
    let limits = connection_limits(&settings, descriptor_limit());
    let most = limits.map_or(0, |limits| limits.most);
    report.judge("connections", limits, format!("{most} with the file descriptors of this shell"))?;
    check_metadata(&settings, &mut report)?;
    let store = check_database(&settings, &mut report)?;
    match (store, keys) {
        (Some(store), Some(keys)) => {
            compare_with_database(&settings, &store, &keys, &mut report)?;
            check_signing(&settings, &store, &keys, &mut report)?;
        }
        (Some(_), None) => report.warning("services", "without the keys it is not known which stored records count")?,
        (None, _) => {}
    }
    let (faults, unreachable) = (report.faults, report.unreachable);
    writeln!(out, "{faults} {}", if faults == 1 { "fault" } else { "faults" })?;
    if unreachable {
        return Err(CommandError::Store(StoreError::Unreachable));
    }
    Ok(if faults == 0 { CommandOutcome::Done } else { CommandOutcome::Findings })
}

fn check_keys(settings: &Settings, report: &mut Report<'_>) -> Result<Option<LocalKeys>, CommandError> {
    let folder = &settings.keys.folder;
    let opened = settings
        .sealing_secret()
        .map_err(CommandError::from)
        .and_then(|secret| LocalKeys::open(folder, &secret, Arc::new(SystemEntropy)).map_err(CommandError::from));
    match opened {
        Ok(keys) => {
            report.good("keys", folder.display())?;
            Ok(Some(keys))
        }
        // It names the setting; the next step is to look at it.
        Err(error @ CommandError::Settings(_)) => report.faulty("keys", error).map(|()| None),
        Err(error) => report.faulty("keys", format!("{error} ({})", error.next_step())).map(|()| None),
    }
}

/// Says with which key is signed, and which certificates end soon: ours and the services'.
fn check_signing(
    settings: &Settings,
    store: &Store,
    keys: &LocalKeys,
    report: &mut Report<'_>,
) -> Result<(), CommandError> {
    let denied = settings.denied_algorithms()?;
    let signing = match signing::look_blocking(store, keys, now(), denied) {
        Ok(signing) => signing,
        Err(error) => {
            let error = CommandError::from(error);
            return report.faulty("signing", format!("{error} ({})", error.next_step()));
        }
    };
    let plan = signing.plan();
    let others = plan.in_metadata().skip(1).map(|id| format!(", {id} is {}", plan.state(id))).collect::<String>();
    report.good("signing", format!("{} signs{others}", plan.fleet()))?;
    let registry = store.read_blocking(|tx| metadata::load(tx, keys))?.registry;
    for service in registry.services() {
        if let Some(ended) = service.metadata().valid_until().filter(|ended| *ended <= now()) {
            let next = "it is served on; ask the service for its metadata of today";
            report
                .warning("metadata", format!("{}: its metadata ended on {}: {next}", service.name(), ended.date()))?;
        }
        if let Err(fault) = DeliveryPlan::of(service, denied).and_then(|_| signing.signer(service, None)) {
            report.warning("signing", format!("{}: every sign-in will be refused: {fault}", service.name()))?;
        }
    }
    for ending in ending_certificates(&signing, &registry, now()) {
        report.warning("certificate", format!("{ending}; nothing is refused for it"))?;
    }
    Ok(())
}

fn check_ports(settings: &Settings, report: &mut Report<'_>) -> Result<(), CommandError> {
    let mail = settings.mail.smtp().map_err(|error| error.to_string()).and_then(|smtp| {
        smtp.map(|smtp| SmtpServer::check(&smtp).map(|_| format!("{}:{}", smtp.host, smtp.port)))
            .transpose()
            .map_err(|error| error.to_string())
    });
    match mail {
        Ok(Some(server)) => report.good("mail", format!("{server}, which was not asked"))?,
        Ok(None) => {}
        Err(error) => report.faulty("mail", error)?,
    }
    let sms = settings.sms.kannel().map_err(|error: SettingsError| error.to_string()).and_then(|kannel| {
        let host = kannel.as_ref().and_then(|kannel| kannel.url.host_str().map(str::to_owned));
        kannel.map(KannelSms::new).transpose().map(|_| host).map_err(|error| error.to_string())
    });
    match sms {
        Ok(Some(host)) => report.good("sms", format!("{host}, which was not asked")),
        Ok(None) => Ok(()),
        Err(error) => report.faulty("sms", error),
    }
}

fn check_metadata(settings: &Settings, report: &mut Report<'_>) -> Result<(), CommandError> {
    let path = &settings.federation.metadata_folder;
    let mut text = Vec::new();
    match sp::check(path, sp::admission(settings)?, &mut text) {
        Ok(outcome) => {
            for line in String::from_utf8_lossy(&text).lines() {
                writeln!(report.out, "         {line}")?;
            }
            match outcome {
                CheckOutcome::Good => report.good("metadata", path.display()),
                CheckOutcome::Faulty => report.faulty("metadata", format!("{}: see the lines above", path.display())),
            }
        }
        Err(error) => report.faulty("metadata", format!("{}: {error}", path.display())),
    }
}

fn check_database(settings: &Settings, report: &mut Report<'_>) -> Result<Option<Store>, CommandError> {
    let store = match open_store(settings) {
        Ok(store) => store,
        Err(error) => {
            report.unreachable = true;
            report.faulty("database", error)?;
            return Ok(None);
        }
    };
    let name = store.url().to_string();
    let Some(pending) = report.judge("database", store.pending_migrations(), &name)? else {
        report.unreachable = true;
        return Ok(None);
    };
    if pending.is_empty() {
        return Ok(Some(store));
    }
    report.faulty("database", format!("{} migrations have not run; `signet migrate` runs them", pending.len()))?;
    Ok(None)
}

/// Says where the folder and what counts in the database differ.
fn compare_with_database(
    settings: &Settings,
    store: &Store,
    keys: &LocalKeys,
    report: &mut Report<'_>,
) -> Result<(), CommandError> {
    let stored = store.read_blocking(|tx| metadata::load(tx, keys))?;
    for altered in &stored.altered {
        let next = "it does not count; `signet sp apply` puts what the folder has in its place";
        report.faulty("services", format!("{altered}: a stored record is not as it was written: {next}"))?;
    }
    for fault in &stored.broken {
        report.faulty("services", format!("a stored revision cannot be read by this version: {fault}"))?;
    }
    let Ok(found) = metadata_folder::read(&settings.federation.metadata_folder) else { return Ok(()) };
    let count = stored.registry.len();
    let applied = stored.registry.apply(found.entries, sp::admission(settings)?);
    for name in &applied.kept {
        report.warning("services", format!("{name}: its files are broken, so its last good record stands"))?;
    }
    if applied.changes.is_empty() {
        report.good("services", format!("{count} in the database, as in the folder"))
    } else {
        let names: Vec<String> = applied.changes.iter().map(|one| one.service().name().to_string()).collect();
        report.warning(
            "services",
            format!("the folder differs from the database in {}; `signet sp apply` brings it in", names.join(", ")),
        )
    }
}
