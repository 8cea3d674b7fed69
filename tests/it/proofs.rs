//! What cannot be written: each `compile_fail` example of the documentation fails for the reason that it gives, and no other.
//!
//! rustdoc on a stable compiler takes any error for the one that is meant: a field that was renamed, a type that moved. So the
//! examples name the error's code (`compile_fail,E0451`) and, in a line `// fails: …`, words of its message. Here they are
//! compiled against this very build of the library, and both are compared. Examples of one code are compiled together: what
//! the compiler finds early keeps it from looking for what it finds late.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// An example that must not compile.
struct Proof {
    /// File and line.
    place: String,
    /// The error's code.
    code: String,
    /// Words of its message.
    words: String,
    /// What is compiled.
    text: Vec<String>,
}

/// All of them, out of the sources.
fn proofs() -> Vec<Proof> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder of src") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut files = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    files.sort();
    let mut proofs: Vec<Proof> = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a source file");
        let mut inside = false;
        for (line, number) in text.lines().zip(1..) {
            let trimmed = line.trim_start();
            let Some(said) = trimmed.strip_prefix("///").or_else(|| trimmed.strip_prefix("//!")) else {
                inside = false;
                continue;
            };
            let said = said.strip_prefix(' ').unwrap_or(said);
            if let Some(attributes) = said.strip_prefix("```") {
                inside = !inside && attributes.split(',').any(|one| one == "compile_fail");
                if inside {
                    let place = format!("{}:{number}", file.display());
                    let code = attributes.split(',').find(|one| one.starts_with('E'));
                    let code = code.unwrap_or_else(|| panic!("{place} names no error")).to_owned();
                    proofs.push(Proof { place, code, words: String::new(), text: Vec::new() });
                }
            } else if let Some(proof) = proofs.last_mut().filter(|_| inside) {
                match said.strip_prefix("// fails: ") {
                    Some(words) => proof.words = words.to_owned(),
                    // A line that is hidden from readers.
                    None => proof.text.push(said.strip_prefix("# ").unwrap_or(said).to_owned()),
                }
            }
        }
    }
    proofs
}

/// The library that this test is linked with, and the folder of what it is made of.
fn library() -> (PathBuf, PathBuf) {
    let test = std::env::current_exe().expect("this test");
    let folder = test.parent().expect("a folder").to_owned();
    let of_this_library = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with("libsignet-") && name.ends_with(".rlib")
    };
    let built = |path: &PathBuf| path.metadata().and_then(|about| about.modified()).expect("when it was built");
    let all = std::fs::read_dir(&folder).expect("the folder").map(|entry| entry.expect("an entry").path());
    (all.filter(of_this_library).max_by_key(built).expect("libsignet"), folder)
}

/// What the compiler says of these examples: the line, the code and the message of each error.
fn errors(proofs: &[&Proof]) -> Vec<(usize, String, String)> {
    let desk = tempfile::tempdir().expect("a folder");
    let file = desk.path().join("proofs.rs");
    let text: Vec<String> = proofs
        .iter()
        .zip(0..)
        .map(|(proof, at)| format!("pub fn proof_{at}() {{ {} }}", proof.text.join(" ")))
        .collect();
    std::fs::write(&file, text.join("\n")).expect("it is written");
    let (library, dependencies) = library();
    let output = Command::new(Path::new(env!("CARGO")).with_file_name("rustc"))
        .args(["--edition=2024", "--crate-type=lib", "--crate-name=proofs", "--emit=metadata", "--error-format=json"])
        .args(["-A", "warnings"])
        .arg("--extern")
        .arg(format!("signet={}", library.display()))
        .arg("-L")
        .arg(format!("dependency={}", dependencies.display()))
        .arg("--out-dir")
        .arg(desk.path())
        .arg(&file)
        .output()
        .expect("rustc runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let mut errors = Vec::new();
    for line in said.lines() {
        let Ok(message) = serde_json::from_str::<Value>(line) else { continue };
        let Some(code) = message["code"]["code"].as_str().filter(|_| message["level"] == "error") else { continue };
        let primary =
            message["spans"].as_array().and_then(|spans| spans.iter().find(|span| span["is_primary"] == true));
        let at = primary.and_then(|span| span["line_start"].as_u64()).unwrap_or(0);
        errors.push((
            usize::try_from(at).expect("a line"),
            code.to_owned(),
            message["rendered"].as_str().unwrap_or_default().to_owned(),
        ));
    }
    assert!(!errors.is_empty(), "nothing failed, or not as Rust does: {said}");
    errors
}

#[test]
fn what_cannot_be_written_fails_for_the_reason_that_is_given() {
    let proofs = proofs();
    assert!(proofs.len() > 15, "the examples were found");
    let mut by_code: BTreeMap<&str, Vec<&Proof>> = BTreeMap::new();
    for proof in &proofs {
        assert!(!proof.words.is_empty(), "{} does not say how it fails", proof.place);
        by_code.entry(&proof.code).or_default().push(proof);
    }
    for (code, proofs) in by_code {
        let errors = errors(&proofs);
        for (proof, line) in proofs.iter().zip(1..) {
            let mine: Vec<_> = errors.iter().filter(|(at, ..)| *at == line).collect();
            assert!(!mine.is_empty(), "{} compiles", proof.place);
            for (_, found, message) in mine {
                assert_eq!(found, code, "{} fails for another reason: {message}", proof.place);
                assert!(message.contains(&proof.words), "{} fails otherwise: {message}", proof.place);
            }
        }
    }
}
