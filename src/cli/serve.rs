//! `signet serve`: the identity provider in production. What it does is `app`'s.

use std::io::Write;

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

use super::{CommandError, CommandOutcome, SettingsFile};
use crate::app::{Application, Surroundings};

/// `signet serve`
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// What is logged: `error`, `warn`, `info`, `debug`, or a list such as `info,signet::jobs=debug`
    #[arg(long, default_value = "info", value_name = "FILTER")]
    pub log: String,
    /// How log lines look
    #[arg(long, value_enum, default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line
    Json,
    /// For people
    Text,
}

/// Serves until Ctrl-C or SIGTERM, then finishes what is under way.
///
/// # Errors
/// When something that the settings name cannot be used, or the listener fails.
pub fn run(args: &ServeArgs, settings: &SettingsFile, out: &mut dyn Write) -> Result<CommandOutcome, CommandError> {
    start_log(args)?;
    let settings = settings.read()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let application = Application::build(&settings, &Surroundings::production())?;
        tracing::info!(url = application.public_url().as_str(), listen = %settings.server.listen, "serving");
        writeln!(out, "signet serves {} on {}", application.public_url(), settings.server.listen)?;
        out.flush()?;
        application.run_until(stopped()).await?;
        tracing::info!("stopped");
        Ok(CommandOutcome::Done)
    })
}

/// Ctrl-C or SIGTERM.
pub(super) async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminated) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminated.recv() => {}
            }
        }
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

/// Libraries that repeat what people typed when they are asked to trace. They never get a word in.
const NEVER_LOGGED: &str = "rlibphonenumber=off";

/// The filter that somebody asked for, without those who must not talk.
///
/// # Errors
/// When it is no filter.
pub fn log_filter(wanted: &str) -> Result<EnvFilter, tracing_subscriber::filter::ParseError> {
    EnvFilter::try_new(format!("{wanted},{NEVER_LOGGED}"))
}

/// The log goes to standard error, so that standard output is the command's answer.
fn start_log(args: &ServeArgs) -> Result<(), CommandError> {
    let filter = EnvFilter::try_new(&args.log).map_err(|error| {
        CommandError::usage(format!("--log: {error}"), "such as `info` or `info,signet::jobs=debug`")
    })?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match args.log_format {
        LogFormat::Json => log.json().flatten_event(true).init(),
        LogFormat::Text => log.init(),
    }
    Ok(())
}
