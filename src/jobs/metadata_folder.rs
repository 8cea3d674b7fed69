//! Reads the metadata folder into what the registry takes.
//!
//! `<folder>/sp/<agency>/<service>/{metadata.xml,agreement.toml}`. What begins with a dot or ends with `~` or `.swp` is
//! an editor's and is passed over.

use std::fs;
use std::io;
use std::path::Path;

use crate::federation::agreement::AgencyId;
use crate::federation::registry::{BrokenFile, FolderEntry, ServiceFiles, ServiceName, UnreadFiles};

/// The largest file that is read, in bytes.
const LARGEST_FILE: u64 = 1024 * 1024;

/// The folder as it was read, and what lies in it that has no place there.
#[derive(Debug, Default)]
pub struct Folder {
    /// For each service its files, or why they could not be read.
    pub entries: Vec<FolderEntry>,
    /// Folders whose names are no ids.
    pub misplaced: Vec<BrokenFile>,
}

/// Reads every service below `folder` (the folder that holds `sp`).
///
/// # Errors
/// `folder/sp` cannot be listed. A file that cannot be read is no error: it is reported in its entry.
pub fn read(folder: &Path) -> io::Result<Folder> {
    let mut found = Folder::default();
    let root = folder.join("sp");
    for (agency_text, agency_path) in subfolders(&root)? {
        let Ok(agency) = AgencyId::parse(&agency_text) else {
            found.misplaced.push(misnamed(&agency_text));
            continue;
        };
        for (service_text, service_path) in subfolders(&agency_path)? {
            let Ok(service) = AgencyId::parse(&service_text) else {
                found.misplaced.push(misnamed(&format!("{agency_text}/{service_text}")));
                continue;
            };
            let name = ServiceName { agency: agency.clone(), service };
            found.entries.push((name.clone(), read_service(&service_path, name)));
        }
    }
    Ok(found)
}

/// Reads the two files of one service.
///
/// # Errors
/// Which of them cannot be read, and why; and the other.
pub fn read_service(path: &Path, name: ServiceName) -> Result<ServiceFiles, UnreadFiles> {
    let metadata = read_file(path, &name, "metadata.xml");
    let agreement = read_file(path, &name, "agreement.toml");
    match (metadata, agreement) {
        (Ok(metadata), Ok(agreement)) => Ok(ServiceFiles { name, metadata, agreement }),
        (metadata, agreement) => {
            let faults = [metadata.as_ref().err(), agreement.as_ref().err()];
            let faults = faults.into_iter().flatten().cloned().collect();
            Err(UnreadFiles { faults, metadata: metadata.ok(), agreement: agreement.ok() })
        }
    }
}

fn misnamed(path: &str) -> BrokenFile {
    BrokenFile {
        path: path.to_owned(),
        line: 0,
        reason: "the folder's name is no id: use lower-case letters, digits and dashes".into(),
    }
}

fn read_file(folder: &Path, name: &ServiceName, file: &str) -> Result<Vec<u8>, BrokenFile> {
    let broken = |reason: String| BrokenFile { path: format!("{name}/{file}"), line: 0, reason };
    let path = folder.join(file);
    let size = fs::metadata(&path).map_err(|fault| broken(fault.to_string()))?.len();
    if size > LARGEST_FILE {
        return Err(broken(format!("it has {size} bytes; {LARGEST_FILE} is the limit")));
    }
    fs::read(&path).map_err(|fault| broken(fault.to_string()))
}

/// The folders directly below, sorted by name.
fn subfolders(path: &Path) -> io::Result<Vec<(String, std::path::PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_an_editors = name.starts_with('.') || name.ends_with('~') || name.ends_with(".swp");
        if !is_an_editors && entry.path().is_dir() {
            found.push((name, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}
