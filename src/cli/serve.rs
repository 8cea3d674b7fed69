//! `signet serve`: the identity provider in production. What it does is `app`'s.

use std::io::Write;

use clap::Args;

use super::{CommandError, CommandOutcome, SettingsFile};
use crate::app::{Application, Surroundings};
use crate::telemetry::{self, LogFormat};

/// `signet serve`
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// What is logged: `error`, `warn`, `info`, `debug`, or a list such as `info,signet::jobs=debug`. Libraries that could repeat
    /// what people typed are not heard, whatever is named here
    #[arg(long, default_value = "info", value_name = "FILTER")]
    pub log: String,
    /// How log lines look
    #[arg(long, value_enum, default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,
}

/// Serves until Ctrl-C or SIGTERM, then finishes what is under way.
///
/// # Errors
/// When something that the settings name cannot be used, or the listener fails.
pub fn run(args: &ServeArgs, settings: &SettingsFile, out: &mut dyn Write) -> Result<CommandOutcome, CommandError> {
    // The log goes to standard error, so that standard output is the command's answer.
    telemetry::begin(&args.log, args.log_format, std::io::stderr).map_err(|error| {
        CommandError::usage(format!("--log: {error}"), "such as `info` or `info,signet::jobs=debug`")
    })?;
    let settings = settings.read()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let application = Application::build(&settings, &Surroundings::production())?;
        tracing::info!(url = application.public_url().as_str(), listen = %settings.server.listen, "serving");
        let limits = application.connection_limits();
        tracing::info!(
            descriptors = limits.descriptors,
            connections = limits.most,
            per_network = limits.per_network,
            requests_per_network = limits.requests_per_network,
            "limits of connections"
        );
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
