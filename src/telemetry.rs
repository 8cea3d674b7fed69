//! The log of the process: who may speak in it, and the one function that begins it.
//!
//! Libraries repeat what they handle when they are asked to trace: an HTTP client its addresses, a phone number library what
//! was typed. So the log hears our own words alone, whatever filter an operator asks for: `SPEAKERS` is a layer beneath the
//! filter, and both must let a line through. What our own words may say is the affair of [`crate::event`].

use std::fmt;

use clap::ValueEnum;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, fmt as lines};

/// Who is heard, by the beginning of the module path, and down to which level. A library is added here when it was read for
/// what it says at that level.
const SPEAKERS: [(&str, Level); 3] = [
    // How many workers started, and that they stop.
    ("actix_server", Level::INFO),
    // Why a connection to the database could not be opened.
    ("r2d2", Level::ERROR),
    ("signet", Level::TRACE),
];

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line
    Json,
    /// For people
    Text,
}

/// Why the log cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// This process has a log already.
    #[error("the log was begun before")]
    BegunBefore,
    /// What was asked for is no filter.
    #[error(transparent)]
    Filter(#[from] ParseError),
}

/// Begins the log of this process. `filter` is a list of directives such as `info,signet::jobs=debug`; lines go to `writer`.
///
/// # Errors
/// [`LogError`]; then the process goes on as it was.
pub fn begin<W>(filter: &str, format: LogFormat, writer: W) -> Result<(), LogError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let heard = tracing_subscriber::registry().with(OurOwnWords).with(EnvFilter::try_new(filter)?);
    let lines = lines::layer().with_ansi(false).with_writer(writer);
    let begun = match format {
        LogFormat::Json => heard.with(lines.json().flatten_event(true)).try_init(),
        LogFormat::Text => heard.with(lines).try_init(),
    };
    begun.map_err(|_| LogError::BegunBefore)
}

/// The layer that lets `SPEAKERS` through and nobody else.
struct OurOwnWords;

impl<S: Subscriber> Layer<S> for OurOwnWords {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        may_speak(metadata.target(), *metadata.level())
    }
}

impl fmt::Debug for OurOwnWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OurOwnWords")
    }
}

fn may_speak(target: &str, level: Level) -> bool {
    SPEAKERS.iter().any(|(speaker, most_talkative)| {
        let below = target.strip_prefix(speaker);
        below.is_some_and(|below| below.is_empty() || below.starts_with("::")) && level <= *most_talkative
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_words_are_heard_and_those_of_libraries_are_not() {
        assert!(may_speak("signet", Level::TRACE));
        assert!(may_speak("signet::event", Level::TRACE));
        assert!(may_speak("actix_server::worker", Level::INFO));
        for (target, level) in [
            ("actix_server::worker", Level::DEBUG),
            ("hyper_util::client::legacy::connect", Level::ERROR),
            ("reqwest::connect", Level::ERROR),
            ("rlibphonenumber", Level::ERROR),
            ("signet_of_somebody_else", Level::ERROR),
            ("", Level::ERROR),
        ] {
            assert!(!may_speak(target, level), "{target} {level}");
        }
    }
}
