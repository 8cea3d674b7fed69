//! Changed messages, judged by libxmlsec1: whatever we accept, it accepts, over the same octets.

mod changes;
pub mod shapes;

use std::{collections::BTreeMap, path::Path, process::Command};

use signet::saml::xml::{Document, Limits};

use super::{keys::KeyPair, signature::every_signer};
use changes::{CHANGES, Change, Dice};
use shapes::{Accepted, Shape, record, sign, values};

/// Where chance begins.
const SEED: u64 = 20_261_128;

/// Changed messages of each shape, by each kind of key and algorithm, signed before the change and after it.
const MUTANTS_EACH: u64 = 70;

/// A changed message that we accept, and what we say of it.
struct Mutant {
    seed: u64,
    changes: String,
    xml: String,
    ours: Accepted,
}

/// How many were accepted and refused.
#[derive(Debug, Default, Clone, Copy)]
struct Count {
    accepted: u32,
    refused: u32,
}

impl Count {
    fn add(&mut self, accepted: bool) {
        *(if accepted { &mut self.accepted } else { &mut self.refused }) += 1;
    }
}

/// `SIGNET_TEST_SEED` sets another beginning, to look further than continuous integration does.
#[expect(clippy::disallowed_methods, reason = "the seed is the tests' own setting")]
fn first_seed() -> u64 {
    std::env::var("SIGNET_TEST_SEED").map_or(SEED, |text| text.parse().expect("SIGNET_TEST_SEED is a number"))
}

/// One to three changes; the names of those that found a place.
fn change(dice: &mut Dice, xml: &str) -> (String, Vec<&'static Change>) {
    let mut changed = xml.to_owned();
    let mut made = Vec::new();
    for _ in 0..=[0, 0, 0, 1, 2][dice.below(5)] {
        let change = dice.pick(CHANGES).unwrap();
        if let Some(next) = (change.make)(dice, &changed).filter(|next| *next != changed) {
            changed = next;
            made.push(change);
        }
    }
    (changed, made)
}

#[test]
fn whatever_we_accept_libxmlsec1_accepts_over_the_same_octets() {
    let mut of_change = BTreeMap::<(&str, bool), Count>::new();
    let mut of_family = BTreeMap::<(Shape, &str), Count>::new();
    let mut seed = first_seed();
    // By key and shape: xmlsec1 judges all documents with one signature's place and one key at once.
    let mut accepted = BTreeMap::<(usize, Shape), (&'static KeyPair, Vec<Mutant>)>::new();

    for (signer, pair) in every_signer() {
        let key = pair.verification_key();
        let record = record(pair);
        for shape in Shape::ALL {
            for prefixes in ["", "xs", "#default x saml"] {
                let template = shape.template(signer.algorithm(), prefixes);
                let original = sign(&template, &*signer).unwrap();
                let said = shape.accepted(&original, &key).expect("the message as it was signed").values;
                let taken = shape.taken_by_the_server(&original, &record);
                // An ArtifactResolve comes in an envelope alone.
                let has_line = shape != Shape::ArtifactResolve;
                assert_eq!(taken.is_some(), has_line, "{shape:?} as it was signed");

                for turn in 0..MUTANTS_EACH / 3 {
                    seed += 1;
                    let mut dice = Dice::new(seed);
                    // Changed behind the signer's back, or written by the signer in another way.
                    let family = if turn % 3 == 0 { "before" } else { "after" };
                    let (xml, made) = change(&mut dice, if family == "before" { &template } else { &original });
                    let xml = if family == "before" { sign(&xml, &*signer).unwrap_or(xml) } else { xml };
                    let ours = shape.accepted(&xml, &key);
                    of_family.entry((shape, family)).or_default().add(ours.is_some());
                    let about = || format!("seed {seed}, {shape:?}, {} {family} signing:\n{xml}", names(&made));
                    if let [one] = &*made
                        && family == "after"
                    {
                        of_change.entry((one.name, one.writing)).or_default().add(ours.is_some());
                    }

                    // The server never takes what the verifier refuses, and reads what was signed.
                    let acted_upon = shape.taken_by_the_server(&xml, &record);
                    assert!(acted_upon.is_none() || ours.is_some(), "{}", about());
                    if family == "after" {
                        let ours = ours.as_ref().map(|ours| &ours.values);
                        assert!(ours.is_none_or(|values| *values == said), "{}", about());
                        assert!(acted_upon.is_none() || acted_upon == taken, "{}", about());
                        if has_line {
                            of_family.entry((shape, "by the server")).or_default().add(acted_upon.is_some());
                        }
                    }
                    if let Some(ours) = ours {
                        let key =
                            accepted.entry((std::ptr::from_ref(pair) as usize, shape)).or_insert((pair, Vec::new()));
                        key.1.push(Mutant { seed, changes: names(&made), xml, ours });
                    }
                }
            }
        }
    }

    for ((_, shape), (pair, mutants)) in &accepted {
        judge(*shape, pair, mutants);
    }

    // A test that refuses everything, or changes nothing, would hold whatever we do.
    for ((shape, family), count) in &of_family {
        assert!(count.accepted > 30 && count.refused > 30, "{shape:?} {family}: {count:?}");
    }
    for change in CHANGES {
        let count = of_change.get(&(change.name, change.writing)).copied().unwrap_or_default();
        if change.writing {
            assert!(count.accepted > 2 && count.accepted > count.refused, "{}: {count:?}", change.name);
        } else {
            assert!(count.refused > 2, "{}: {count:?}", change.name);
        }
    }
}

fn names(made: &[&Change]) -> String {
    made.iter().map(|change| change.name).collect::<Vec<_>>().join(" and ")
}

/// All of these verify by xmlsec1, too, and it digests and signs the very octets that we do.
fn judge(shape: Shape, pair: &KeyPair, mutants: &[Mutant]) {
    let folder = tempfile::tempdir().unwrap();
    for chunk in mutants.chunks(400) {
        let judged = xmlsec1(folder.path(), shape, pair, chunk);
        assert_eq!(judged.len(), chunk.len());
        for (mutant, theirs) in chunk.iter().zip(judged) {
            let about = || format!("seed {}, {shape:?}, {}:\n{}", mutant.seed, mutant.changes, mutant.xml);
            let theirs = theirs.unwrap_or_else(|complaint| panic!("xmlsec1 refuses {}\n{complaint}", about()));
            assert_eq!(mutant.ours.digested, theirs.digested, "{}", about());
            assert_eq!(mutant.ours.signed, theirs.signed, "{}", about());
            // What libxml2 wrote says what we read.
            let document = Document::parse(theirs.digested.as_bytes(), &Limits::PROTOCOL).unwrap();
            assert_eq!(mutant.ours.values, values(document.root(), None), "{}", about());
        }
    }
}

/// What xmlsec1 digested, and what it verified the signature over.
struct Theirs {
    digested: String,
    signed: String,
}

fn xmlsec1(folder: &Path, shape: Shape, pair: &KeyPair, mutants: &[Mutant]) -> Vec<Result<Theirs, String>> {
    let certificate = openssl::x509::X509::from_der(&pair.certificate_der).unwrap();
    let key = folder.join("public.pem");
    std::fs::write(&key, certificate.public_key().unwrap().public_key_to_pem().unwrap()).unwrap();
    let paths: Vec<_> = mutants.iter().map(|mutant| folder.join(format!("{}.xml", mutant.seed))).collect();
    for (path, mutant) in paths.iter().zip(mutants) {
        std::fs::write(path, &mutant.xml).unwrap();
    }
    let mut command = Command::new("xmlsec1");
    command.args(["--verify", "--store-references", "--store-signatures", "--print-debug", "--pubkey-pem"]).arg(&key);
    // As we do, it looks at no key that the message brings along.
    command.args(["--enabled-key-data", "key-name"]);
    for element in [
        "protocol:ArtifactResolve",
        "protocol:AuthnRequest",
        "protocol:LogoutRequest",
        "protocol:Response",
        "assertion:Assertion",
    ] {
        command.args(["--id-attr:ID", &format!("urn:oasis:names:tc:SAML:2.0:{element}")]);
    }
    command.args(["--node-xpath", &shape.signature_xpath()]).args(&paths);
    let run = command.output().expect("the program xmlsec1 is missing: apt-get install xmlsec1");

    let complaints = String::from_utf8_lossy(&run.stderr).into_owned();
    let of_good_ones = |line: &&str| line.starts_with("OK") || line.contains("References (ok/all)");
    let faults = complaints.lines().filter(|line| !of_good_ones(line)).collect::<Vec<_>>().join("\n");
    let told = String::from_utf8(run.stdout).expect("octets of UTF-8");
    // One of these for each document whose verification began.
    let mut contexts = format!("\n{told}")
        .split("\n= VERIFICATION CONTEXT\n")
        .skip(1)
        .map(str::to_owned)
        .collect::<Vec<_>>()
        .into_iter();
    paths
        .iter()
        .map(|path| {
            let failed = format!("Error: failed to verify file \"{}\"", path.display());
            if complaints.contains(&failed) {
                return Err(faults.clone());
            }
            let context = contexts.next().ok_or_else(|| faults.clone())?;
            let buffer = |name: &str| {
                let (_, rest) = context.split_once(&format!("== {name} data - start buffer:\n"))?;
                Some(rest.split_once(&format!("\n== {name} data - end buffer"))?.0.to_owned())
            };
            let whole = buffer("PreDigest").zip(buffer("PreSigned"));
            whole.map(|(digested, signed)| Theirs { digested, signed }).ok_or(context)
        })
        .collect()
}
