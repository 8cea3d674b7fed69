//! `signet release explain`: what a service would receive, and for every other attribute the reason why not.
//!
//! The decision is the one that the browser's journey takes, made by the same functions from the same agreement; the
//! person is invented, so that nobody's data is needed to answer an agency's question.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use clap::{Args, Subcommand, ValueEnum};
use time::{Duration, UtcDateTime};
use url::Url;

use super::{CommandError, CommandOutcome, SettingsFile, now, open_keys, open_store};
use crate::federation::assurance::{
    Aal, AuthenticationEvidence, Comparison, DemandedAssurance, Level, RequestedContext, Strength, aal_from_number,
};
use crate::federation::attribute::{AttributeName, AttributeValue, HeldAttributes, Sensitivity};
use crate::federation::identifier::{NameIdFormat, PairwiseId};
use crate::federation::registry::{Admission, Registry, ServiceProvider};
use crate::federation::release::{
    AskedAttributes, AskedBy, AttributeOutcome, PERSONAL_DATA_NEEDS, ReleaseDecision, ReleaseQuestion,
};
use crate::federation::single_sign_on::{MatchedAuthnRequest, SettleFault, SettlementRules, level_terms};
use crate::jobs::metadata;
use crate::jobs::metadata_folder;
use crate::proofing::Ial;
use crate::proofing::{ProofedProfile, Proofing};
use crate::saml::authn_request::{RequestSignature, VerifiedAuthnRequest};
use crate::saml::binding::Received;
use crate::saml::{DeniedAlgorithms, EntityId};

/// `signet release …`
#[derive(Debug, Args)]
pub struct ReleaseArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ReleaseCommand,
}

/// What can be asked about releases.
#[derive(Debug, Subcommand)]
pub enum ReleaseCommand {
    /// Say for every attribute whether a service would receive it, and why
    Explain(ExplainArgs),
}

/// `signet release explain`
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The service: its entityID, or its folder `<agency>/<service>`
    #[arg(long)]
    pub sp: String,
    /// The request: a file with an AuthnRequest, or the query string of one. Without it, a request that names nothing
    #[arg(long)]
    pub request: Option<String>,
    /// Attributes to ask for, separated by commas, instead of a request
    #[arg(long, conflicts_with = "request", value_delimiter = ',')]
    pub ask: Option<Vec<String>>,
    /// The invented person
    #[arg(long, value_enum, default_value_t = Person::Demo)]
    pub person: Person,
    /// The levels that the person reaches, such as `ial1`, `ial2` or `ial2/aal2`
    #[arg(long, default_value = "ial2/aal2")]
    pub level: ReachedLevel,
    /// Show the invented person's values too
    #[arg(long)]
    pub values: bool,
    /// Read the agreements of this metadata folder instead of the database's, without settings and keys
    #[arg(long)]
    pub metadata: Option<PathBuf>,
}

/// The invented persons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Person {
    /// Has everything: address book and proofed profile
    Demo,
    /// Has an e-mail address and nothing else
    New,
}

/// The levels that the invented person reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReachedLevel(pub Level);

impl FromStr for ReachedLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut level = Level { ial: Ial::One, aal: Aal::Aal2 };
        for part in text.to_ascii_lowercase().split('/') {
            let number = |prefix: &str| part.strip_prefix(prefix).and_then(|digits| digits.parse::<u8>().ok());
            if let Some(ial) = number("ial").and_then(Ial::from_number) {
                level.ial = ial;
            } else if let Some(aal) = number("aal").and_then(aal_from_number) {
                level.aal = aal;
            } else {
                return Err(format!("`{part}` is no level: write ial1, ial2, aal1 or aal2, such as ial2/aal2"));
            }
        }
        Ok(Self(level))
    }
}

impl Person {
    /// What the invented person has, at an identity level.
    #[must_use]
    pub fn held(self, ial: Ial, now: UtcDateTime) -> HeldAttributes {
        let one =
            |held: HeldAttributes, name: AttributeName, value: &str| held.with(name, [AttributeValue::new(value)]);
        let held = one(HeldAttributes::new(), AttributeName::Email, "fakey.mcfakerson@example.com");
        if self == Self::New {
            return held;
        }
        let held = one(held, AttributeName::Locale, "en").with(
            AttributeName::AllEmails,
            ["fakey.mcfakerson@example.com", "fakey@example.org"].map(AttributeValue::new),
        );
        if ial < Ial::Two {
            return held;
        }
        let profile: [(AttributeName, &str); 11] = [
            (AttributeName::FirstName, "Fakey"),
            (AttributeName::MiddleName, "Q"),
            (AttributeName::LastName, "McFakerson"),
            (AttributeName::Dob, "1938-10-06"),
            (AttributeName::Ssn, "900-12-3456"),
            (AttributeName::Address1, "1 Fake Road"),
            (AttributeName::Address2, "Apartment 2"),
            (AttributeName::City, "Great Falls"),
            (AttributeName::State, "MT"),
            (AttributeName::Zipcode, "59010-1234"),
            (AttributeName::Phone, "+12025550123"),
        ];
        let proofed = ProofedProfile::supposed(Proofing {
            ial: Ial::Two,
            verified_at: now - Duration::days(30),
            current_until: None,
            face_was_matched: false,
        });
        profile.into_iter().fold(held, |held, (name, value)| one(held, name, value)).proofed(proofed)
    }
}

/// Finds the service and explains its release.
///
/// # Errors
/// When there is no such service, its request cannot be read, or it would be answered with an error.
pub fn run(args: &ReleaseArgs, settings: &SettingsFile, out: &mut dyn Write) -> Result<CommandOutcome, CommandError> {
    let ReleaseCommand::Explain(args) = &args.command;
    // A folder and a list need no settings: an agency can ask before anything runs.
    let registry = match &args.metadata {
        Some(folder) => registry_of(folder)?,
        None => {
            let settings = settings.read()?;
            // Which stored records count is known by the keys.
            let keys = open_keys(&settings)?;
            open_store(&settings)?.read_blocking(|tx| metadata::load(tx, &keys))?.registry
        }
    };
    let found = registry
        .services()
        .find(|service| service.entity_id().as_str() == args.sp || service.name().to_string() == args.sp);
    let Some(service) = found else {
        let known: Vec<String> = registry.services().map(|service| service.name().to_string()).collect();
        return Err(CommandError::usage(
            format!("no service `{}`; there are: {}", args.sp, known.join(", ")),
            match &args.metadata {
                Some(_) => {
                    "name a service by its entityID or its folder; `signet sp check` says why one cannot be read"
                }
                None => {
                    "name a service by its entityID or its folder; `signet sp apply` brings records into the database, \
                     and `--metadata <folder>` reads those of a folder"
                }
            },
        ));
    };
    let explained = match &args.request {
        None => explain_list(service, args, now(), out),
        Some(request) => {
            let settings = settings.read()?;
            let issuer = settings.entity_id()?;
            let sso = settings
                .server
                .public_url
                .join("saml/sso")
                .map_err(|error| CommandError::usage(error, "see `server.public_url` in the settings"))?;
            match read_request(request, service, &sso, settings.denied_algorithms()?) {
                Ok(verified) => explain_request(service, verified, &issuer, args, now(), out),
                Err(reason) => Err(ExplainError::Refused(reason)),
            }
        }
    };
    match explained {
        Ok(()) => Ok(CommandOutcome::Done),
        Err(ExplainError::Refused(reason)) => {
            writeln!(out, "refused     the service would receive an error, and no attributes: {reason}")?;
            Ok(CommandOutcome::Findings)
        }
        Err(ExplainError::Write(error)) => Err(error.into()),
    }
}

fn registry_of(path: &Path) -> Result<Registry, CommandError> {
    let read = metadata_folder::read(path).map_err(|error| {
        CommandError::usage(format!("{}: {error}", path.display()), "name the folder that holds `sp`")
    })?;
    // What is explained is what would be released, also of a service that only the demonstration would take in.
    let admission = Admission { now: now(), loopback_http: true, denied: DeniedAlgorithms::NONE };
    Ok(Registry::default().apply(read.entries, admission).registry)
}

/// A request out of a file (XML, or what a browser sent), or out of the query string itself. Whether it must be signed
/// is the agreement's affair and not looked at here; a signature that is present must verify.
fn read_request(
    text: &str,
    service: &ServiceProvider,
    sso: &Url,
    denied: DeniedAlgorithms,
) -> Result<VerifiedAuthnRequest, String> {
    let contents = std::fs::read_to_string(text).unwrap_or_else(|_| text.to_owned());
    let contents = contents.trim();
    let received = if contents.starts_with('<') {
        Received::Post { saml_request: BASE64_STANDARD.encode(contents), relay_state: None }
    } else {
        let query = contents.split_once('?').map_or(contents, |(_, query)| query);
        Received::redirect(query.split('#').next().unwrap_or_default())
    };
    let decoded = received.decode().map_err(|fault| fault.to_string())?;
    decoded
        .verify(service.metadata(), RequestSignature::Waived, std::slice::from_ref(sso), denied)
        .map_err(|fault| fault.to_string())
}

/// What the request comes to, before a person is looked at.
struct Asked {
    attributes: AskedAttributes,
    demanded: DemandedAssurance,
    name_id: NameIdFormat,
}

/// Why there is nothing to explain.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// The answer would be an error.
    #[error("the service would receive an error, and no attributes: {0}")]
    Refused(String),
    /// Standard output is gone.
    #[error(transparent)]
    Write(#[from] io::Error),
}

/// Explains a request that names these attributes, or none.
///
/// # Errors
/// The answer would be an error, or `out` cannot be written.
pub fn explain_list(
    service: &ServiceProvider,
    args: &ExplainArgs,
    now: UtcDateTime,
    out: &mut dyn Write,
) -> Result<(), ExplainError> {
    let agreement = service.agreement();
    let context = RequestedContext::read(Comparison::Exact, []);
    let attributes = match (&args.ask, service.attribute_names_at(None)) {
        (Some(names), _) => AskedAttributes::named(names.iter().map(String::as_str), AskedBy::RequestedContext),
        (None, Some(names)) => AskedAttributes::named(names, AskedBy::ConsumingService),
        (None, None) => AskedAttributes::default_of(agreement),
    };
    let name_id = agreement.name_id_formats().first().copied().unwrap_or(NameIdFormat::Persistent);
    let floor =
        if attributes.reaches_personal_data(agreement, name_id) { PERSONAL_DATA_NEEDS.aal() } else { Aal::Aal1 };
    let demanded =
        context.settle(&level_terms(agreement, floor)).map_err(|fault| ExplainError::Refused(fault.to_string()))?;
    explain(service, &Asked { attributes, demanded, name_id }, args, now, out)
}

/// Explains a request that was read and verified.
///
/// # Errors
/// The answer would be an error, or `out` cannot be written.
pub fn explain_request(
    service: &Arc<ServiceProvider>,
    request: VerifiedAuthnRequest,
    issuer: &EntityId,
    args: &ExplainArgs,
    now: UtcDateTime,
    out: &mut dyn Write,
) -> Result<(), ExplainError> {
    // An old request is explained as if it had just come.
    let arrived = request.issue_instant();
    let rules = SettlementRules { issuer, loopback_http: true };
    let matched = MatchedAuthnRequest::settle(request, Arc::clone(service), arrived, rules).map_err(|fault| {
        ExplainError::Refused(match fault {
            SettleFault::Answerable { fault, .. } => format!("{fault} ({})", fault.code()),
            SettleFault::Unanswerable(fault) => fault.to_string(),
        })
    })?;
    for class in matched.context().unknown() {
        writeln!(out, "note: the class reference `{}` is unknown and ignored", class.escape_debug())?;
    }
    let asked = Asked {
        attributes: matched.asked().clone(),
        demanded: matched.demanded().clone(),
        name_id: matched.name_id_format(),
    };
    explain(service, &asked, args, now, out)
}

fn explain(
    service: &ServiceProvider,
    asked: &Asked,
    args: &ExplainArgs,
    now: UtcDateTime,
    out: &mut dyn Write,
) -> Result<(), ExplainError> {
    let level = args.level.0;
    let held = args.person.held(level.ial, now);
    let evidence = AuthenticationEvidence { strength: Strength::least(level.aal), by_password: true };
    let asserted = asked
        .demanded
        .assert(evidence, held.proofed_profile(), now)
        .map_err(|fault| ExplainError::Refused(format!("{fault} (NoAuthnContext)")))?;
    let decision = ReleaseDecision::decide(&ReleaseQuestion {
        agreement: service.agreement(),
        asked: &asked.attributes,
        asserted: &asserted,
        held: &held,
        pairwise: &PairwiseId::supposed(*b"\x11\x11\x11\x11\x11\x11\x41\x11\x81\x11\x11\x11\x11\x11\x11\x11"),
        wanted: service.metadata().subject_id_requirement(),
        scope: "idp.example",
        now,
    });

    writeln!(out, "service     {} ({})", service.agreement().friendly_name().english(), service.entity_id())?;
    writeln!(out, "revision    {}", service.revision())?;
    let source = match asked.attributes.source() {
        AskedBy::AgreementDefault => "the agreement's default (the request names none)",
        AskedBy::ConsumingService => "an AttributeConsumingService of the metadata",
        AskedBy::RequestedContext => "the request's ReqAttr list",
    };
    writeln!(out, "asked by    {source}")?;
    writeln!(out, "NameID      {}", asked.name_id)?;
    writeln!(out, "stated      {}, {}", asserted.ial(), asserted.class_ref())?;
    writeln!(out)?;
    for decided in decision.attributes() {
        match &decided.outcome {
            AttributeOutcome::Released { reason, values } => {
                writeln!(out, "released    {:<15} {reason}", decided.name.as_str())?;
                if let Some(purpose) = &decided.purpose {
                    writeln!(out, "            {:<15} purpose: {}", "", purpose.english())?;
                }
                if args.values {
                    let shown: Vec<String> = values.iter().map(|value| shown(decided.name, value)).collect();
                    writeln!(out, "            {:<15} value: {}", "", shown.join(", "))?;
                }
            }
            AttributeOutcome::Withheld(reason) => writeln!(out, "withheld    {:<15} {reason}", decided.name.as_str())?,
        }
    }
    for name in asked.attributes.unknown() {
        writeln!(out, "ignored     {:<15} the catalogue has no such attribute", name.escape_debug().to_string())?;
    }
    Ok(())
}

/// The value as a terminal may show it.
fn shown(name: AttributeName, value: &AttributeValue) -> String {
    match name.sensitivity() {
        Sensitivity::High => "…".repeat(3),
        Sensitivity::Low | Sensitivity::Personal => value.reveal().to_owned(),
    }
}
