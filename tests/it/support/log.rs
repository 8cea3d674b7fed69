//! The log, kept in memory.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use signet::telemetry::{self, LogFormat};

/// A filter that asks for everything, and once more by name for libraries that repeat what they handle.
pub const MOST_TALKATIVE: &str = "trace,actix_http=trace,hyper=trace,hyper_util=trace,lettre=trace,reqwest=trace,\
     rlibphonenumber=trace,webauthn_rs_core=trace";

/// What was logged since it began.
#[derive(Clone, Default)]
pub struct KeptLog(Arc<Mutex<Vec<u8>>>);

impl KeptLog {
    /// Keeps all that is logged at its most talkative. `None` when another test of this process keeps the log already
    /// (cargo-nextest gives each test a process of its own).
    pub fn begin() -> Option<Self> {
        let kept = Self::default();
        let writer = kept.clone();
        telemetry::begin(MOST_TALKATIVE, LogFormat::Text, move || writer.clone()).is_ok().then_some(kept)
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
