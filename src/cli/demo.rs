//! `signet demo`: the identity provider, a demonstration agency and an inbox on loopback; prints one URL to open.

use std::{
    fs::{DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::PathBuf,
    sync::Arc,
};

use clap::Args;

use super::serve::stopped;
use crate::{
    app::Surroundings,
    demo::setup::{DemoError, DemoPlaces, Demonstration},
    telemetry::{self, LogFormat},
};

/// Where the demonstration lives and listens.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The folder for everything it keeps; remove it to begin anew
    #[arg(long, default_value = "var")]
    pub folder: PathBuf,
    /// The identity provider's port on loopback
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
    /// The demonstration agency's port on loopback
    #[arg(long, default_value_t = 8081)]
    pub agency_port: u16,
}

/// Why the demonstration ended.
#[derive(Debug, thiserror::Error)]
pub enum DemoCommandError {
    /// It did not start, or a listener failed.
    #[error(transparent)]
    Demo(#[from] DemoError),
    /// The terminal or the log cannot be written, or there is no runtime.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Runs the demonstration until Ctrl-C or SIGTERM.
///
/// # Errors
/// [`DemoCommandError`].
pub fn run(args: &DemoArgs, out: &mut dyn Write) -> Result<(), DemoCommandError> {
    let places = DemoPlaces {
        folder: args.folder.clone(),
        samples: PathBuf::from("metadata"),
        port: args.port,
        agency_port: args.agency_port,
    };
    DirBuilder::new().recursive(true).mode(0o700).create(&places.folder)?;
    let log = places.folder.join("signet.log");
    log_to(&log)?;
    // actix-web wants its own kind of runtime; tokio's multi-threaded one serves it.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let demonstration = Demonstration::set_up(&places, &Surroundings::demonstration())?;
        writeln!(out, "\n  Open {}\n", places.start_url())?;
        writeln!(out, "  agreement to edit: {}", places.agreement().display())?;
        writeln!(out, "  log: {}    stop: Ctrl-C", log.display())?;
        out.flush()?;
        demonstration.run_until(stopped()).await?;
        Ok(())
    })
}

/// Keeps the log out of the terminal, where one URL should be seen.
fn log_to(path: &std::path::Path) -> io::Result<()> {
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    // A test that runs the command twice keeps the first.
    drop(telemetry::begin("info", LogFormat::Text, Arc::new(file)));
    Ok(())
}
