//! The log, kept in memory.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use signet::cli::serve::log_filter;

/// What was logged since it began.
#[derive(Clone, Default)]
pub struct KeptLog(Arc<Mutex<Vec<u8>>>);

impl KeptLog {
    /// Keeps all that the server's own code and its libraries say, at their most talkative; not what this test's client and
    /// its HTML reader say, which are in the same process. Nothing when another test of this process keeps the log already
    /// (cargo-nextest gives each test a process of its own).
    pub fn begin() -> Option<Self> {
        let kept = Self::default();
        let writer = kept.clone();
        let filter = log_filter("trace,hyper=off,hyper_util=off,reqwest=off,html5ever=off,selectors=off").unwrap();
        let log =
            tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(move || writer.clone());
        log.try_init().is_ok().then_some(kept)
    }

    /// All of it.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for KeptLog {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
