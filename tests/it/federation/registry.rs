//! The metadata folder: what is taken, what is reported with file, line and reason, what stands in the meantime.

use std::fs;
use std::path::{Path, PathBuf};

use signet::cli::sp::{self, CheckOutcome};
use signet::federation::agreement::{AgencyId, LoweredProtection, SigningException};
use signet::federation::attribute::AttributeName;
use signet::federation::registry::{
    Admission, Applied, Change, LintWarning, MalformedRevision, Registry, ServiceFiles, ServiceName, ServiceProvider,
};
use signet::jobs::metadata_folder;
use signet::saml::{DeniedAlgorithms, EntityId};
use time::macros::{date, utc_datetime};

const TODAY: time::Date = date!(2026 - 08 - 01);
const ADMISSION: Admission =
    Admission { now: utc_datetime!(2026-08-01 12:00), loopback_http: false, denied: DeniedAlgorithms::NONE };

/// A copy of the sample folder that a test may spoil.
struct Copy(tempfile::TempDir);

impl Copy {
    fn new() -> Self {
        let copy = tempfile::tempdir().unwrap();
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("metadata");
        for name in ["department-of-parks/permits", "revenue-office/tax-account", "city-of-example/library"] {
            let (from, to) = (samples.join("sp").join(name), copy.path().join("sp").join(name));
            fs::create_dir_all(&to).unwrap();
            for file in ["metadata.xml", "agreement.toml"] {
                fs::copy(from.join(file), to.join(file)).unwrap();
            }
        }
        Self(copy)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path().join("sp").join(name)
    }

    fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.file(name)).unwrap();
        assert!(text.contains(from), "{name} has no {from}");
        fs::write(self.file(name), text.replace(from, to)).unwrap();
    }

    fn apply(&self, before: &Registry) -> Applied {
        before.apply(metadata_folder::read(self.path()).unwrap().entries, ADMISSION)
    }
}

fn permits() -> EntityId {
    EntityId::parse("https://permits.parks.example.gov/saml").unwrap()
}

const PERMITS: &str = "department-of-parks/permits/agreement.toml";
const METADATA: &str = "department-of-parks/permits/metadata.xml";
const AGREEMENT: &str = "department-of-parks/permits/agreement.toml";

#[test]
fn sample_folder_is_good() {
    let applied = Copy::new().apply(&Registry::default());
    assert_eq!(applied.broken, []);
    assert_eq!((applied.registry.len(), applied.changes.len()), (3, 3));
    assert!(applied.registry.find(&permits()).is_some());
    assert!(applied.registry.find(&EntityId::parse("https://unknown.example").unwrap()).is_none());
}

#[test]
fn unchanged_folder_changes_nothing() {
    let copy = Copy::new();
    let first = copy.apply(&Registry::default()).registry;
    assert!(copy.apply(&first).changes.is_empty());
}

#[test]
fn registries_are_the_same_with_the_same_revisions_and_the_same_that_are_missing() {
    let copy = Copy::new();
    let first = copy.apply(&Registry::default()).registry;
    assert!(!first.is_empty() && Registry::default().is_empty());
    assert!(first.is_same(&first.clone()) && first.is_same(&copy.apply(&Registry::default()).registry));
    let missing = EntityId::parse("https://camping.parks.example.gov/saml").unwrap();
    let misses = first.clone().with_altered([missing.clone()]);
    assert!(misses.is_same(&first.clone().with_altered([missing])));
    assert!(!first.is_same(&misses) && !misses.is_same(&first));
    copy.edit(PERMITS, "review_date = 2027-06-30", "review_date = 2027-07-01");
    let second = copy.apply(&first).registry;
    assert!(!first.is_same(&second) && !first.is_same(&Registry::default()));
}

#[test]
fn what_is_missing_stays_missing_until_its_folder_is_applied() {
    let copy = Copy::new();
    let altered = Registry::default().with_altered([permits()]);
    assert!(altered.apply(Vec::new(), ADMISSION).registry.is_altered(&permits()));
    let applied = copy.apply(&altered).registry;
    assert!(!applied.is_altered(&permits()) && applied.find(&permits()).is_some());
}

#[test]
fn service_that_changes_its_name_is_revised_and_not_taken_away_as_well() {
    let copy = Copy::new();
    let first = copy.apply(&Registry::default()).registry;
    for file in [METADATA, AGREEMENT] {
        copy.edit(file, "\"https://permits.parks.example.gov/saml\"", "\"https://permits.parks.example.gov/saml2\"");
    }
    let applied = copy.apply(&first);
    assert!(matches!(&applied.changes[..], [Change::Revised { .. }]), "{:?} {:?}", applied.changes, applied.broken);
}

#[test]
fn folders_are_read_in_the_order_of_their_names() {
    let folder = tempfile::tempdir().unwrap();
    for number in [7, 3, 9, 1, 8, 2, 6, 4, 5, 0] {
        for service in ["b", "a"] {
            fs::create_dir_all(folder.path().join(format!("sp/agency-{number}/{service}"))).unwrap();
        }
    }
    let read: Vec<String> =
        metadata_folder::read(folder.path()).unwrap().entries.iter().map(|(name, _)| name.to_string()).collect();
    let named = (0..10).flat_map(|number| ["a", "b"].map(|service| format!("agency-{number}/{service}")));
    assert_eq!(read, named.collect::<Vec<_>>());
}

#[test]
fn changed_agreement_is_a_new_revision_with_a_diff() {
    let copy = Copy::new();
    let first = copy.apply(&Registry::default()).registry;
    copy.edit(PERMITS, "default_attributes = [\"email\"]", "default_attributes = []");
    let applied = copy.apply(&first);
    let [change @ Change::Revised { old, service, .. }] = &applied.changes[..] else { panic!("{:?}", applied.changes) };
    assert_ne!(old.revision(), service.revision());
    assert!(change.diff().contains("-attribute email (default)"), "{}", change.diff());
    assert!(change.diff().contains("+attribute email\n"), "{}", change.diff());
    assert_eq!(change.lowered(), []);
}

#[test]
fn administrator_reads_all_that_counts_of_the_metadata_in_one_order() {
    const CERTIFICATES: [(&str, &str); 2] = [
        ("signing", ""),
        ("encryption", r#"<md:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#aes256-gcm"/>"#),
    ];
    let pairs = [&*crate::saml::keys::RSA, &*crate::saml::keys::OTHER_RSA];
    let keys: String = CERTIFICATES
        .iter()
        .zip(pairs)
        .map(|((usage, methods), pair)| {
            let certificate = openssl::base64::encode_block(&pair.certificate_der);
            format!(
                r#"<md:KeyDescriptor use="{usage}"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>{methods}</md:KeyDescriptor>"#
            )
        })
        .collect();
    let text = format!(
        r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://permits.parks.example.gov/saml"><md:Extensions><mdattr:EntityAttributes xmlns:mdattr="urn:oasis:names:tc:SAML:metadata:attribute"><saml:Attribute xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" Name="urn:oasis:names:tc:SAML:profiles:subject-id:req" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri"><saml:AttributeValue>pairwise-id</saml:AttributeValue></saml:Attribute></mdattr:EntityAttributes></md:Extensions>
<md:SPSSODescriptor AuthnRequestsSigned="true" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">{keys}
<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://permits.parks.example.gov/saml/logout"/>
<md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>
<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://permits.parks.example.gov/saml/acs" index="4"/>
<md:AttributeConsumingService index="2"><md:ServiceName xml:lang="en">Permits</md:ServiceName><md:RequestedAttribute Name="email"/><md:RequestedAttribute Name="urn:oid:2.5.4.4"/></md:AttributeConsumingService>
</md:SPSSODescriptor></md:EntityDescriptor>"#
    );
    let mut files = super::single_sign_on::files("", "", "");
    files.metadata = text.into_bytes();
    let record = ServiceProvider::read(&files).unwrap();
    let [signing, encryption] = pairs.map(|pair| pair.verification_key().fingerprint());
    let known = format!(
        "\
entity https://permits.parks.example.gov/saml
assertion consumer service 4 urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST https://permits.parks.example.gov/saml/acs
encryption key SHA-256 {encryption}
encryption key SHA-256 {encryption} takes http://www.w3.org/2009/xmlenc11#aes256-gcm
metadata AuthnRequestsSigned true
metadata NameIDFormat urn:oasis:names:tc:SAML:2.0:nameid-format:persistent
metadata WantAssertionsSigned false
metadata asks [2] email
metadata asks [2] urn:oid:2.5.4.4
metadata subject identifier pairwise-id
signing key SHA-256 {signing}
single logout urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect https://permits.parks.example.gov/saml/logout
"
    );
    assert_eq!(record.canonical_text(), known + &record.agreement().canonical_text());
    assert_eq!(record.signing_keys().collect::<Vec<_>>(), [signing.to_string()]);
    assert_eq!(record.encryption_keys().collect::<Vec<_>>(), [encryption.to_string()]);
}

#[test]
fn what_a_service_wrote_stays_on_its_line_of_the_diff() {
    let copy = Copy::new();
    let first = copy.apply(&Registry::default()).registry;
    let format = "<md:NameIDFormat>urn:x\nattribute ssn&#x9b;2J&#x202e;</md:NameIDFormat>";
    copy.edit(METADATA, "<md:AssertionConsumerService", &format!("{format}<md:AssertionConsumerService"));
    let applied = copy.apply(&first);
    assert_eq!(applied.broken, []);
    let diff = applied.changes[0].diff();
    assert!(diff.contains("+metadata NameIDFormat urn:x\\nattribute ssn\\u{9b}2J\\u{202e}\n"), "{diff}");
}

#[test]
fn broken_agreement_is_reported_by_line_and_the_last_good_record_stands() {
    let copy = Copy::new();
    let first = copy.apply(&Registry::default()).registry;
    copy.edit(PERMITS, "review_date = 2027-06-30", "reviewdate = 2027-06-30");
    let applied = copy.apply(&first);
    let broken = &applied.broken[0];
    assert_eq!((broken.path.as_str(), broken.line), (PERMITS, 6), "{broken}");
    assert!(broken.reason.contains("reviewdate"), "{broken}");
    assert_eq!(applied.kept[0].to_string(), "department-of-parks/permits");
    assert_eq!(applied.registry.find(&permits()).unwrap().revision(), first.find(&permits()).unwrap().revision());
    assert_eq!(applied.registry.len(), 3, "the others are untouched");
}

#[test]
fn broken_metadata_is_reported_by_line_and_the_last_good_record_stands() {
    let copy = Copy::new();
    let first = copy.apply(&Registry::default()).registry;
    copy.edit("department-of-parks/permits/metadata.xml", "</md:SPSSODescriptor>", "</md:Oops>");
    let applied = copy.apply(&first);
    assert!(applied.broken[0].path.ends_with("metadata.xml") && applied.broken[0].line > 30, "{}", applied.broken[0]);
    assert!(applied.registry.find(&permits()).is_some());
}

#[test]
fn metadata_that_ends_is_refused_with_its_line_while_the_applied_record_stands() {
    let copy = Copy::new();
    copy.edit(METADATA, "entityID=", "validUntil=\"2026-08-31T00:00:00Z\" entityID=");
    let first = copy.apply(&Registry::default());
    assert_eq!(first.broken, []);
    let ends = [LintWarning::MetadataEnds(date!(2026 - 08 - 31))];
    assert_eq!(first.registry.find(&permits()).unwrap().lint(TODAY, DeniedAlgorithms::NONE), ends);

    // The very same files, a month later; a clock that is somewhat slow is borne.
    let at =
        |now| first.registry.apply(metadata_folder::read(copy.path()).unwrap().entries, Admission { now, ..ADMISSION });
    assert_eq!(at(utc_datetime!(2026-08-31 0:02)).broken, []);
    let applied = at(utc_datetime!(2026-08-31 0:03));
    let broken = &applied.broken[0];
    assert_eq!((broken.path.as_str(), applied.broken.len()), (METADATA, 1));
    assert!(broken.line > 0 && broken.reason.contains("validUntil has passed: it ended at 2026-08-31"), "{broken}");
    assert_eq!(applied.kept[0].to_string(), "department-of-parks/permits");
    assert!(applied.registry.find(&permits()).is_some() && applied.changes.is_empty());

    let nobody_knows_it = Registry::default().apply(
        metadata_folder::read(copy.path()).unwrap().entries,
        Admission { now: utc_datetime!(2026-09-01 0:00), ..ADMISSION },
    );
    assert!(nobody_knows_it.registry.find(&permits()).is_none());
}

#[test]
fn service_whose_metadata_ended_can_be_allowed_less_and_be_switched_off() {
    let copy = Copy::new();
    copy.edit(METADATA, "entityID=", "validUntil=\"2026-08-31T00:00:00Z\" entityID=");
    let first = copy.apply(&Registry::default()).registry;
    let later = Admission { now: utc_datetime!(2026-09-30 0:00), ..ADMISSION };
    let apply = |registry: &Registry| registry.apply(metadata_folder::read(copy.path()).unwrap().entries, later);
    copy.edit(AGREEMENT, "default_attributes", "enabled = false\ndefault_attributes");
    let applied = apply(&first);
    assert!(!applied.registry.find(&permits()).unwrap().agreement().is_enabled(), "{:?}", applied.broken);
    assert_eq!(
        (applied.changes.len(), applied.broken.len(), applied.kept.len()),
        (1, 1, 1),
        "the end is told all the same"
    );
    assert!(applied.broken[0].reason.contains("validUntil has passed"));
    // Other metadata is a new thing, and is not taken in while it has ended.
    copy.edit(METADATA, "validUntil=\"2026-08-31T00:00:00Z\"", "validUntil=\"2026-09-01T00:00:00Z\"");
    copy.edit(AGREEMENT, "enabled = false\n", "");
    let applied = apply(&applied.registry);
    assert!(!applied.registry.find(&permits()).unwrap().agreement().is_enabled());
    assert!(applied.changes.is_empty());
}

#[test]
fn address_in_clear_is_refused_with_its_line_but_on_loopback_in_the_demonstration() {
    let copy = Copy::new();
    let location = "Location=\"https://permits.parks.example.gov/saml/acs\"";
    copy.edit(METADATA, location, "Location=\"http://permits.parks.example.gov/saml/acs\"");
    let broken = &copy.apply(&Registry::default()).broken[0];
    assert!(broken.line > 20 && broken.reason.contains("AssertionConsumerService is not on https"), "{broken}");
    copy.edit(METADATA, "http://permits.parks.example.gov/saml/acs", "http://permits.localhost/saml/acs");
    let apply = |loopback_http| {
        let entries = metadata_folder::read(copy.path()).unwrap().entries;
        Registry::default().apply(entries, Admission { loopback_http, ..ADMISSION }).broken.len()
    };
    assert_eq!((apply(false), apply(true)), (1, 0));
}

#[test]
fn service_that_must_sign_and_has_no_key_for_that_is_refused() {
    let copy = Copy::new();
    let metadata = fs::read_to_string(copy.file(METADATA)).unwrap();
    let unsigned = metadata.replace("<md:KeyDescriptor>", "<md:KeyDescriptor use=\"encryption\">");
    let unsigned = unsigned.replace("<md:KeyDescriptor use=\"signing\">", "<md:KeyDescriptor use=\"encryption\">");
    assert_ne!(unsigned, metadata);
    fs::write(copy.file(METADATA), &unsigned).unwrap();
    let broken = &copy.apply(&Registry::default()).broken[0];
    let role = unsigned.lines().position(|line| line.contains("<md:SPSSODescriptor")).unwrap() + 1;
    assert_eq!((broken.path.as_str(), broken.line), (METADATA, role), "{broken}");
    assert!(broken.reason.contains("there is no key that signs"), "{broken}");
    copy.edit(PERMITS, "review_date = 2027-06-30", "review_date = 2027-06-30\nenabled = false");
    let off = copy.apply(&Registry::default());
    assert_eq!((off.changes.len(), off.broken.len()), (3, 1), "whoever is switched off needs no key, and is told");
    copy.edit(PERMITS, "enabled = false", "signed_requests = \"waived\"");
    let waived = copy.apply(&Registry::default());
    assert_eq!((waived.changes.len(), waived.broken.len()), (3, 0));
    copy.edit(PERMITS, "signed_requests = \"waived\"", "");
    for standing in [off.registry, waived.registry] {
        let applied = copy.apply(&standing);
        assert_eq!((applied.changes.len(), applied.broken.len()), (0, 1), "neither is a record that stood so");
    }
    let stored = metadata_folder::read(copy.path()).unwrap().entries.into_iter().map(|(_, files)| files.unwrap());
    let stored = Registry::new(stored.map(|files| ServiceProvider::read(&files).unwrap()), []);
    copy.edit(PERMITS, "To send you your permit", "To send you permits");
    let applied = copy.apply(&stored);
    assert_eq!((applied.changes.len(), applied.broken.len()), (1, 1), "what stood so can be changed");
}

#[test]
fn missing_file_keeps_the_record_and_missing_folder_ends_it() {
    let copy = Copy::new();
    let first = copy.apply(&Registry::default()).registry;
    fs::remove_file(copy.file("department-of-parks/permits/metadata.xml")).unwrap();
    let applied = copy.apply(&first);
    assert!(applied.registry.find(&permits()).is_some());
    fs::remove_dir_all(copy.file("department-of-parks")).unwrap();
    let applied = copy.apply(&first);
    assert!(matches!(&applied.changes[..], [Change::Removed { .. }]));
    assert!(applied.registry.find(&permits()).is_none());
}

#[test]
fn agency_must_be_the_folders() {
    let copy = Copy::new();
    copy.edit(PERMITS, "agency_id = \"department-of-parks\"", "agency_id = \"revenue-office\"");
    let broken = copy.apply(&Registry::default()).broken;
    assert_eq!(broken[0].line, 3);
    assert!(broken[0].reason.contains("the folder is `department-of-parks`"), "{}", broken[0]);
}

#[test]
fn entity_must_be_the_metadatas() {
    let copy = Copy::new();
    copy.edit(
        PERMITS,
        "entity_id = \"https://permits.parks.example.gov/saml\"",
        "entity_id = \"https://x.example.gov\"",
    );
    let broken = copy.apply(&Registry::default()).broken;
    assert_eq!(broken[0].line, 4);
}

#[test]
fn agency_of_a_known_service_never_changes() {
    let copy = Copy::new();
    let first = copy.apply(&Registry::default()).registry;
    fs::create_dir_all(copy.file("ministry-of-parks")).unwrap();
    fs::rename(copy.file("department-of-parks/permits"), copy.file("ministry-of-parks/permits")).unwrap();
    copy.edit(
        "ministry-of-parks/permits/agreement.toml",
        "agency_id = \"department-of-parks\"",
        "agency_id = \"ministry-of-parks\"",
    );
    let applied = copy.apply(&first);
    assert!(applied.broken[0].reason.contains("never changes"), "{}", applied.broken[0]);
    assert!(applied.registry.find(&permits()).is_none(), "its folder is gone");

    // Not even when the service was away in between.
    let later = copy.apply(&applied.registry);
    assert!(later.broken[0].reason.contains("never changes"), "{}", later.broken[0]);
}

#[test]
fn two_folders_cannot_have_one_entity() {
    let copy = Copy::new();
    let (from, to) = (copy.file("department-of-parks/permits"), copy.file("department-of-parks/second"));
    fs::create_dir_all(&to).unwrap();
    for file in ["metadata.xml", "agreement.toml"] {
        fs::copy(from.join(file), to.join(file)).unwrap();
    }
    let applied = copy.apply(&Registry::default());
    assert_eq!(applied.registry.len(), 3);
    assert!(applied.broken[0].reason.contains("has the same entityID"), "{}", applied.broken[0]);
}

#[test]
fn newcomer_whose_folder_comes_first_does_not_take_an_entity_over() {
    let copy = Copy::new();
    let first = copy.apply(&Registry::default()).registry;
    let revision = first.find(&permits()).unwrap().revision();
    let (from, to) = (copy.file("department-of-parks/permits"), copy.file("department-of-parks/another"));
    fs::create_dir_all(&to).unwrap();
    for file in ["metadata.xml", "agreement.toml"] {
        fs::copy(from.join(file), to.join(file)).unwrap();
    }
    let applied = copy.apply(&first);
    assert!(applied.changes.is_empty(), "{:?}", applied.changes);
    assert!(applied.broken[0].path.starts_with("department-of-parks/another/"), "{}", applied.broken[0]);
    assert!(applied.broken[0].reason.contains("has the same entityID"), "{}", applied.broken[0]);
    assert_eq!(applied.registry.find(&permits()).unwrap().revision(), revision);

    // A folder that is only renamed is the same service.
    fs::remove_dir_all(&from).unwrap();
    let renamed = copy.apply(&first);
    assert!(renamed.broken.is_empty(), "{:?}", renamed.broken);
    assert_eq!(renamed.registry.find(&permits()).unwrap().name().service.as_str(), "another");
}

#[test]
fn misnamed_folder_and_editors_files_are_told_apart() {
    let copy = Copy::new();
    fs::create_dir_all(copy.file("Department of Parks/permits")).unwrap();
    fs::create_dir_all(copy.file("department-of-parks/Camp sites")).unwrap();
    fs::create_dir_all(copy.file(".git/x")).unwrap();
    fs::create_dir_all(copy.file("department-of-parks/permits~")).unwrap();
    let read = metadata_folder::read(copy.path()).unwrap();
    assert_eq!(read.entries.len(), 3);
    let misplaced: Vec<_> = read.misplaced.iter().map(|broken| broken.path.as_str()).collect();
    assert_eq!(misplaced, ["Department of Parks", "department-of-parks/Camp sites"]);
}

#[test]
fn file_of_more_than_a_mebibyte_is_not_read() {
    let copy = Copy::new();
    let text = fs::read_to_string(copy.file(PERMITS)).unwrap();
    let filled = |length: usize| format!("{text}#{}", "x".repeat(length - text.len() - 1));
    fs::write(copy.file(PERMITS), filled(1024 * 1024)).unwrap();
    assert_eq!(copy.apply(&Registry::default()).broken, []);
    fs::write(copy.file(PERMITS), filled(1024 * 1024 + 1)).unwrap();
    let broken = copy.apply(&Registry::default()).broken;
    assert!(broken.len() == 1 && broken[0].reason.contains("1048577 bytes"), "{broken:?}");
}

#[test]
fn new_host_and_new_key_lower_protection() {
    let copy = Copy::new();
    let first = copy.apply(&Registry::default()).registry;
    copy.edit(
        "department-of-parks/permits/metadata.xml",
        "Location=\"https://permits.parks.example.gov/saml/acs\"",
        "Location=\"https://elsewhere.example.gov/saml/acs\"",
    );
    let lowered = copy.apply(&first).changes[0].lowered();
    assert_eq!(lowered, [LoweredProtection::AssertionConsumerHostAdded("https://elsewhere.example.gov".into())]);

    // By PAOS nothing is sent.
    let copy = Copy::new();
    let elsewhere = r#"<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:PAOS" Location="https://elsewhere.example.gov/paos" index="9"/></md:SPSSODescriptor>"#;
    copy.edit(METADATA, "</md:SPSSODescriptor>", elsewhere);
    assert_eq!(copy.apply(&first).changes[0].lowered(), []);

    let copy = Copy::new();
    let library = fs::read_to_string(copy.file("city-of-example/library/metadata.xml")).unwrap();
    let key = |text: &str| text.split("X509Certificate>").nth(1).unwrap().trim_end_matches("</ds:").to_owned();
    let permits_text = fs::read_to_string(copy.file("department-of-parks/permits/metadata.xml")).unwrap();
    copy.edit("department-of-parks/permits/metadata.xml", &key(&permits_text), &key(&library));
    let lowered = copy.apply(&first).changes[0].lowered();
    assert!(matches!(&lowered[..], [LoweredProtection::KeyAdded(_)]), "{lowered:?}");
}

#[test]
fn metadata_that_no_longer_binds_beyond_the_agreement_lowers_protection() {
    let lowered = |agreed: &str, attribute: &str| {
        let copy = Copy::new();
        copy.edit(AGREEMENT, "[agency_name]", &format!("{agreed}\n[agency_name]"));
        let first = copy.apply(&Registry::default()).registry;
        copy.edit(METADATA, attribute, "");
        copy.apply(&first).changes[0].lowered()
    };
    let (signs, wants) = (" AuthnRequestsSigned=\"true\"", " WantAssertionsSigned=\"true\"");
    assert_eq!(lowered("signed_requests = \"waived\"", signs), [LoweredProtection::RequestsUnsigned]);
    assert_eq!(lowered("", signs), [], "the agreement demands it");
    let response_only = "[signing]\nexception = \"response-only\"\nreason = \"a trial\"";
    assert_eq!(lowered(response_only, wants), [LoweredProtection::SigningWeaker(SigningException::ResponseOnly)]);
    assert_eq!(lowered("", wants), [], "both are signed");
}

#[test]
fn key_for_either_use_alone_lowers_protection() {
    let copy = Copy::new();
    copy.edit(METADATA, "<md:KeyDescriptor>", "<md:KeyDescriptor use=\"signing\">");
    let metadata = fs::read_to_string(copy.file(METADATA)).unwrap();
    let library = fs::read_to_string(copy.file("city-of-example/library/metadata.xml")).unwrap();
    let certificate = |text: &str| {
        let text = text.split("X509Certificate>").nth(1).unwrap();
        text.split('<').next().unwrap().to_owned()
    };
    let first = copy.apply(&Registry::default()).registry;
    for usage in ["signing", "encryption"] {
        let (key, _) = metadata.split_once("</md:KeyDescriptor>").unwrap();
        let key = &key[key.find("<md:KeyDescriptor").unwrap()..];
        let added = format!("{key}</md:KeyDescriptor>")
            .replace("use=\"signing\"", &format!("use=\"{usage}\""))
            .replace(&certificate(&metadata), &certificate(&library));
        let changed = metadata.replacen("</md:KeyDescriptor>", &format!("</md:KeyDescriptor>{added}"), 1);
        fs::write(copy.file(METADATA), changed).unwrap();
        let lowered = copy.apply(&first).changes[0].lowered();
        assert!(matches!(&lowered[..], [LoweredProtection::KeyAdded(_)]), "{usage}: {lowered:?}");
    }
}

#[test]
fn linter_says_each_thing_once_and_in_one_order() {
    let copy = Copy::new();
    copy.edit(AGREEMENT, "review_date = 2027-06-30", "review_date = 2026-09-01\nsigned_requests = \"waived\"");
    let asked = |index| {
        let names = ["urn:example:b", "urn:example:a", "urn:example:b"]
            .map(|name| format!(r#"<md:RequestedAttribute Name="{name}"/>"#))
            .concat();
        let name = r#"<md:ServiceName xml:lang="en">Permits</md:ServiceName>"#;
        format!(r#"<md:AttributeConsumingService index="{index}">{name}{names}</md:AttributeConsumingService>"#)
    };
    copy.edit(METADATA, " AuthnRequestsSigned=\"true\"", "");
    let metadata = fs::read_to_string(copy.file(METADATA)).unwrap();
    let at = metadata.find("<md:AttributeConsumingService").unwrap_or(metadata.find("</md:SPSSODescriptor>").unwrap());
    fs::write(copy.file(METADATA), format!("{}{}{}{}", &metadata[..at], asked(7), asked(8), &metadata[at..])).unwrap();
    let applied = copy.apply(&Registry::default());
    let warnings = applied.registry.find(&permits()).unwrap().lint(TODAY, DeniedAlgorithms::NONE);
    assert_eq!(
        warnings,
        [
            LintWarning::ExceptionInForce("requests need not be signed".into()),
            LintWarning::RequestedAttributeUnknown("urn:example:a".into()),
            LintWarning::RequestedAttributeUnknown("urn:example:b".into()),
            LintWarning::ReviewDue(date!(2026 - 09 - 01)),
        ],
        "{:?}",
        applied.broken
    );
}

#[test]
fn linter_says_what_will_surprise_somebody() {
    let lint = |copy: &Copy, entity: &str| {
        let registry = copy.apply(&Registry::default()).registry;
        registry.find(&EntityId::parse(entity).unwrap()).unwrap().lint(TODAY, DeniedAlgorithms::NONE)
    };
    let copy = Copy::new();
    assert_eq!(lint(&copy, permits().as_str()), []);
    let without_floor = |levels: &str| {
        let copy = Copy::new();
        copy.edit(
            AGREEMENT,
            "[agency_name]",
            &format!("signed_requests = \"waived\"\n\n[levels]\n{levels}\n[agency_name]"),
        );
        assert!(
            lint(&copy, permits().as_str()).contains(&LintWarning::WaiverWithoutEffect),
            "its metadata says that it signs"
        );
        copy.edit(METADATA, " AuthnRequestsSigned=\"true\"", "");
        lint(&copy, permits().as_str()).contains(&LintWarning::LevelsWithoutFloor)
    };
    assert!(!without_floor(""), "the lowest authentication level is the default one");
    assert!(without_floor("lowest_aal = 1\n"));
    assert!(without_floor("highest_ial = 2\ndefault_ial = 2\n"));
    assert!(!without_floor("highest_ial = 2\ndefault_ial = 2\nlowest_ial = 2\n"));
    let library = lint(&copy, "https://library.city.example.us/shibboleth");
    assert_eq!(library.iter().filter(|warning| matches!(warning, LintWarning::ExceptionInForce(_))).count(), 3);

    let revenue = "https://tax-account.revenue.example.gov/saml/metadata";
    assert_eq!(lint(&copy, revenue), []);
    copy.edit(
        "revenue-office/tax-account/agreement.toml",
        "[attributes.ssn]\npurpose.en = \"To file a return under your number\"\n",
        "",
    );
    assert_eq!(lint(&copy, revenue), [LintWarning::RequestedAttributeNotAgreed(AttributeName::Ssn)]);

    copy.edit(PERMITS, "review_date = 2027-06-30", "review_date = 2026-09-01");
    assert_eq!(lint(&copy, permits().as_str()), [LintWarning::ReviewDue(date!(2026 - 09 - 01))]);
}

#[test]
fn linter_names_attributes_that_can_never_be_sent() {
    let never_sent = |levels: &str| {
        let copy = Copy::new();
        let attributes =
            "[attributes.verified_at]\npurpose.en = \"a\"\n[attributes.x509_subject]\npurpose.en = \"b\"\n";
        copy.edit(AGREEMENT, "[attributes.email]", &format!("{levels}{attributes}[attributes.email]"));
        let (_, said) = checked(&copy.file("department-of-parks/permits"));
        said.matches("is agreed and will never be sent").count()
    };
    assert_eq!(never_sent(""), 2);
    assert_eq!(never_sent("[levels]\nhighest_ial = 2\n"), 1);
}

#[test]
fn linter_says_where_metadata_and_agreement_differ() {
    let lint = |copy: &Copy| {
        let registry = copy.apply(&Registry::default()).registry;
        registry.find(&permits()).unwrap().lint(TODAY, DeniedAlgorithms::NONE)
    };
    let copy = Copy::new();
    copy.edit(
        METADATA,
        "AuthnRequestsSigned=\"true\"",
        "AuthnRequestsSigned=\"false\" validUntil=\"2027-01-01T00:00:00Z\"",
    );
    assert_eq!(lint(&copy), [LintWarning::RequestsSaidToBeUnsigned], "the metadata does not end soon");
    let copy = Copy::new();
    copy.edit(METADATA, "nameid-format:persistent", "nameid-format:transient");
    assert_eq!(lint(&copy), [LintWarning::NameIdFormatsDisagree]);
}

#[test]
fn linter_says_that_nothing_is_asked_for_anywhere() {
    let name = |text| AgencyId::parse(text).unwrap();
    let registry_of = |top: &str, more: &str| {
        let mut files = super::single_sign_on::files(
            top,
            more,
            "<md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>",
        );
        files.name = ServiceName { agency: name("department-of-parks"), service: name("permits") };
        Registry::default().apply(vec![(files.name.clone(), Ok(files))], ADMISSION).registry
    };
    let email = super::given::attributes(&["email"]);
    let warns = |top: &str, more: &str| {
        let registry = registry_of(top, more);
        let warnings = registry.find(&permits()).unwrap().lint(TODAY, DeniedAlgorithms::NONE);
        assert!(!warnings.contains(&LintWarning::NameIdFormatsDisagree));
        warnings.contains(&LintWarning::NoDefaultAttributes)
    };
    assert!(warns("", &email));
    assert!(!warns("default_attributes = [\"email\"]", &email));
    assert!(!warns("", ""));
}

#[test]
fn revision_is_read_back_as_it_was_stored() {
    let id = |text| AgencyId::parse(text).unwrap();
    let name = ServiceName { agency: id("department-of-parks"), service: id("permits") };
    let files = ServiceFiles { name, metadata: b"<x/>".to_vec(), agreement: b"a = 1".to_vec() };
    assert_eq!(ServiceFiles::from_bytes(&files.to_bytes()), Ok(files.clone()));
    assert_eq!(ServiceFiles::from_bytes(&files.to_bytes()[1..]), Err(MalformedRevision));
    let other = ServiceFiles { metadata: b"<y/>".to_vec(), ..files.clone() };
    assert_ne!(files.revision(), other.revision());
}

/// What `signet sp check` says of a path.
fn checked(path: &Path) -> (CheckOutcome, String) {
    let mut out = Vec::new();
    let outcome = sp::check(path, ADMISSION, &mut out).unwrap();
    (outcome, String::from_utf8(out).unwrap())
}

#[test]
fn one_check_tells_every_fault_of_every_file() {
    let copy = Copy::new();
    copy.edit(METADATA, "https://permits.parks.example.gov/saml/", "http://permits.parks.example.gov/saml/");
    copy.edit(METADATA, "index=\"0\"", "index=\"none\"");
    let slo = "<md:SingleLogoutService Binding=\"urn:x\" Location=\"http://permits.parks.example.gov/slo\"/></md:SPSSODescriptor>";
    copy.edit(METADATA, "</md:SPSSODescriptor>", slo);
    copy.edit(AGREEMENT, "[attributes.email]", "[attributes.e-mail]");
    copy.edit(AGREEMENT, "review_date = 2027-06-30", "reviewdate = 2027-06-30");
    let library = "city-of-example/library/agreement.toml";
    copy.edit(library, "return_to_url = \"https", "return_to_url = \"ftp");
    fs::remove_file(copy.file("city-of-example/library/metadata.xml")).unwrap();
    let of_permits = [
        ("agreement.toml:6:", "the key `reviewdate` is unknown"),
        ("agreement.toml:19:", "`e-mail` is not an attribute"),
        ("agreement.toml: ", "the key `review_date` is missing"),
        ("metadata.xml:", "index must be a number"),
        ("metadata.xml:", "the AssertionConsumerService is not on https"),
        ("metadata.xml:", "the SingleLogoutService is not on https"),
    ];
    let of_library = [("metadata.xml: ", "No such file"), ("agreement.toml:", "begins with https://")];
    let tells = |text: &str, folder: &str, faults: &[(&str, &str)]| {
        for (place, reason) in faults {
            let line = |line: &str| line.contains(&format!("{folder}/{place}")) && line.contains(reason);
            assert!(text.lines().any(line), "{folder}/{place} {reason}\n{text}");
        }
    };
    let (permits, city) = ("department-of-parks/permits", "city-of-example/library");
    let (outcome, text) = checked(copy.path());
    assert_eq!(outcome, CheckOutcome::Faulty);
    tells(&text, permits, &of_permits);
    tells(&text, city, &of_library);
    assert!(text.contains("1 good, 2 faulty"), "{text}");
    tells(&checked(&copy.file(permits)).1, permits, &of_permits);
    tells(&checked(&copy.file(city)).1, city, &of_library);
    let (outcome, of_agency) = checked(&copy.file("department-of-parks"));
    assert_eq!(outcome, CheckOutcome::Faulty);
    tells(&of_agency, permits, &of_permits);
    assert!(of_agency.ends_with("0 good, 1 faulty\n") && !of_agency.contains("library"), "{of_agency}");

    // The watcher reports the same, and both records stand.
    let first = Copy::new().apply(&Registry::default()).registry;
    let applied = copy.apply(&first);
    assert_eq!((applied.kept.len(), applied.registry.len(), applied.changes.len()), (2, 3, 0));
    let broken: String = applied.broken.iter().map(|fault| format!("{fault}\n")).collect();
    tells(&broken, permits, &of_permits);
    tells(&broken, city, &of_library);
}

#[test]
fn check_of_one_folder_sees_the_other_that_has_its_entity() {
    let copy = Copy::new();
    let second = copy.file("department-of-parks/second");
    fs::create_dir_all(&second).unwrap();
    for file in ["metadata.xml", "agreement.toml"] {
        fs::copy(copy.file("department-of-parks/permits").join(file), second.join(file)).unwrap();
    }
    for (folder, other) in [("permits", "second"), ("second", "permits")] {
        let (outcome, text) = checked(&copy.file(&format!("department-of-parks/{folder}")));
        assert_eq!(outcome, CheckOutcome::Faulty, "{text}");
        let said = format!(
            "department-of-parks/{folder}/agreement.toml: department-of-parks/{other} has the same entityID, `{}`",
            permits()
        );
        assert!(text.contains(&said), "{text}");
    }
    let (outcome, text) = checked(&copy.file("city-of-example/library"));
    assert_eq!(outcome, CheckOutcome::Good, "{text}");
}

#[test]
fn linter_foretells_that_no_signature_will_be_believed_and_which_key_is_passed_over() {
    let copy = Copy::new();
    let lint = |copy: &Copy| {
        let registry = copy.apply(&Registry::default()).registry;
        registry.find(&permits()).unwrap().lint(TODAY, DeniedAlgorithms::NONE)
    };
    let listing = |methods: &[&str]| {
        let copy = Copy::new();
        let listed: String = methods.iter().map(|method| format!("<alg:{method}/>")).collect();
        let listed =
            listed.replace(" Algorithm", " xmlns:alg=\"urn:oasis:names:tc:SAML:metadata:algsupport\" Algorithm");
        copy.edit(METADATA, "</md:Extensions>", &format!("{listed}</md:Extensions>"));
        lint(&copy)
    };
    let sha1 = "DigestMethod Algorithm=\"http://www.w3.org/2000/09/xmldsig#sha1\"";
    let rsa_sha1 = "SigningMethod Algorithm=\"http://www.w3.org/2000/09/xmldsig#rsa-sha1\"";
    let rsa =
        |more: &str| format!("SigningMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\" {more}");
    let ecdsa = "SigningMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256\"";
    let (any, long) = (rsa(""), rsa("MinKeySize=\"15360\""));
    for methods in
        [&[rsa_sha1][..], &[sha1], &[rsa_sha1, sha1], &[&any, sha1], &[&long], &["SigningMethod Algorithm=\"urn:x\""]]
    {
        let warnings = listing(methods);
        let [warning @ LintWarning::NoSignatureInCommon(_)] = &warnings[..] else {
            panic!("{methods:?}: {warnings:?}")
        };
        let said = warning.to_string();
        assert!(said.starts_with("every sign-in will be refused: the metadata lists the signatures"), "{said}");
        assert!(said.contains("rsa-sha256") && !said.contains('\\'), "{said}");
        let (_, ours) = said.split_once("this provider makes the signatures ").expect("what we make");
        assert!(ours.contains(" and the digests ") && ours.contains("xmlenc#sha256"), "{said}");
    }
    for methods in [&[&*any][..], &[rsa_sha1, &any], &[ecdsa]] {
        assert_eq!(listing(methods), [], "{methods:?}");
    }

    let text = fs::read_to_string(copy.file(METADATA)).unwrap();
    let certificate = openssl::base64::encode_block(&crate::saml::keys::P256.certificate_der);
    let key = format!(
        "<md:KeyDescriptor use=\"encryption\"><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data>\
         <ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    );
    fs::write(copy.file(METADATA), text.replacen("<md:KeyDescriptor", &format!("{key}<md:KeyDescriptor"), 1)).unwrap();
    let said: Vec<String> = lint(&copy).iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("passed over: the key for encryption on line "), "{said:?}");
    assert!(said[0].contains("encrypted to RSA keys alone"), "{said:?}");
}

#[test]
fn plain_words_as_a_name_are_taken_by_agreement_and_told() {
    let copy = Copy::new();
    for file in [METADATA, AGREEMENT] {
        copy.edit(file, "\"https://permits.parks.example.gov/saml\"", "\"office.example\"");
    }
    let broken = copy.apply(&Registry::default()).broken;
    assert!(broken.len() == 1 && broken[0].reason.contains("[entity_id_form]"), "{broken:?}");
    let form = "[entity_id_form]\nexception = \"plain-words\"\nreason = \"It cannot be renamed\"\n\n[[contacts]]";
    copy.edit(AGREEMENT, "[[contacts]]", form);
    let registry = copy.apply(&Registry::default()).registry;
    let service = registry.find(&EntityId::parse("office.example").unwrap()).unwrap();
    let warnings = service.lint(TODAY, DeniedAlgorithms::NONE);
    assert_eq!(warnings, [LintWarning::ExceptionInForce("the entityID is plain words, and no URI".into())]);
}

#[test]
fn check_names_file_line_and_reason() {
    let copy = Copy::new();
    let (outcome, text) = checked(copy.path());
    assert_eq!(outcome, CheckOutcome::Good, "{text}");
    assert!(text.contains("3 good, 0 faulty"), "{text}");

    copy.edit(PERMITS, "[attributes.email]", "[attributes.e-mail]");
    for path in [copy.path().to_owned(), copy.file("department-of-parks/permits"), copy.file(PERMITS)] {
        let (outcome, text) = checked(&path);
        assert_eq!(outcome, CheckOutcome::Faulty, "{text}");
        assert!(text.contains("department-of-parks/permits/agreement.toml:19: `e-mail` is not an attribute"), "{text}");
    }
}

#[test]
fn apply_says_what_lowers_protection() {
    let copy = Copy::new();
    let first = copy.apply(&Registry::default()).registry;
    copy.edit(PERMITS, "[[contacts]]", "[attributes.locale]\npurpose.en = \"Your language\"\n\n[[contacts]]");
    let mut out = Vec::new();
    sp::report(copy.path(), &copy.apply(&first), ADMISSION, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("LOWERS PROTECTION: one more attribute may be released: locale"), "{text}");
    assert!(text.contains("+attribute locale"), "{text}");
}
