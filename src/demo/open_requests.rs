//! The open requests of the agency's site, in a file: whoever restarts the demonstration in the middle of a sign-in finds the
//! sign-in where it was. Nothing of a person is in it.

use std::collections::HashMap;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A request that a browser was sent away with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct OpenRequest {
    /// Its ID, which the answer must name.
    pub(super) request_id: String,
    /// When it was made, in seconds since 1970.
    pub(super) since_seconds: i64,
}

/// By browser, then by RelayState.
pub(super) type OpenRequests = HashMap<String, HashMap<String, OpenRequest>>;

/// The file; without one, a restart forgets.
#[derive(Debug, Clone, Default)]
pub struct OpenRequestsFile(Option<PathBuf>);

impl OpenRequestsFile {
    /// The file at this path.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self(Some(path))
    }

    /// What is in it; nothing where it is not there or not readable any more.
    pub(super) fn read(&self) -> OpenRequests {
        let octets = self.0.as_ref().and_then(|path| std::fs::read(path).ok()).unwrap_or_default();
        serde_json::from_slice(&octets).unwrap_or_default()
    }

    /// Puts this in its place. A demonstration that cannot write it forgets at a restart, and says so.
    pub(super) fn write(&self, requests: &OpenRequests) {
        let Some(path) = &self.0 else { return };
        let written = serde_json::to_vec(requests).map_err(std::io::Error::from).and_then(|octets| {
            let mut options = std::fs::OpenOptions::new();
            let mut file = options.create(true).write(true).truncate(true).mode(0o600).open(path)?;
            file.write_all(&octets)
        });
        if let Err(error) = written {
            tracing::warn!(%error, "the demonstration's open requests cannot be kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_open_is_open_after_a_restart_and_a_broken_file_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("open-requests.json");
        let file = OpenRequestsFile::at(path.clone());
        assert!(file.read().is_empty());
        let open = OpenRequest { request_id: "_r".to_owned(), since_seconds: 7 };
        file.write(&HashMap::from([("browser".to_owned(), HashMap::from([("state".to_owned(), open)]))]));
        let read = OpenRequestsFile::at(path.clone()).read();
        assert_eq!(read["browser"]["state"].request_id, "_r");
        std::fs::write(&path, "{").unwrap();
        assert!(file.read().is_empty());
        OpenRequestsFile::default().write(&read);
    }
}
