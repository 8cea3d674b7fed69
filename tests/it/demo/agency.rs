//! What the demonstration agency keeps, and what it hands in.

use std::os::unix::fs::PermissionsExt as _;

use signet::{demo::agency, federation::agreement::Agreement};

#[test]
fn the_agency_is_made_once_and_its_agreement_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (own, metadata) = (folder.path().join("agency"), folder.path().join("metadata"));
    agency::open_or_create(&own, &metadata, 1).unwrap();
    let key = std::fs::read(own.join("key.pem")).unwrap();
    let mode = std::fs::metadata(own.join("key.pem")).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "others can read the private key");

    let service = metadata.join("sp/demo-agency/benefits");
    let agreement = std::fs::read_to_string(service.join("agreement.toml")).unwrap();
    let edited = agreement.replace("revision = 1", "revision = 2");
    std::fs::write(service.join("agreement.toml"), &edited).unwrap();

    agency::open_or_create(&own, &metadata, 2).unwrap();
    assert_eq!(std::fs::read(own.join("key.pem")).unwrap(), key);
    assert_eq!(std::fs::read_to_string(service.join("agreement.toml")).unwrap(), edited);
    let published = std::fs::read_to_string(service.join("metadata.xml")).unwrap();
    assert!(published.contains("http://demo-agency.localhost:2/acs"));
    assert!(published.contains("SingleLogoutService") && published.contains("http://demo-agency.localhost:2/slo"));
}

#[test]
fn the_agreement_is_one_and_has_no_social_security_number() {
    let folder = tempfile::tempdir().unwrap();
    agency::open_or_create(folder.path(), folder.path(), 1).unwrap();
    let path = folder.path().join("sp/demo-agency/benefits/agreement.toml");
    let agreement = Agreement::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(agreement.entity_id().as_str(), agency::ENTITY_ID);
    assert!(agreement.attributes().keys().all(|name| name.as_str() != "ssn"));
    assert!(agreement.attributes().keys().any(|name| name.as_str() == "email"));
}
