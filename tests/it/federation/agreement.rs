//! `agreement.toml`: what is taken, what is refused and on which line, what a new version lowers.

use signet::federation::agreement::{
    Agreement, LogoutChoice, LogoutException, LoweredProtection, SignedRequests, lowers_protection,
};
use signet::federation::assurance::Aal;
use signet::federation::attribute::{AttributeName, AttributeProfile};
use signet::federation::identifier::NameIdFormat;
use signet::proofing::Ial;
use signet::refusal::RefusalKind;

use super::given::{agreement, agreement_text, attributes};

fn refused(text: &str) -> (usize, String) {
    let fault = Agreement::parse(text).unwrap_err().remove(0);
    (fault.line, fault.reason)
}

#[test]
fn silence_takes_the_safe_side() {
    let agreement = agreement("", "");
    assert_eq!(agreement.signed_requests(), SignedRequests::Demanded);
    assert_eq!(agreement.encryption_exception(), None);
    assert_eq!(agreement.signing_exception(), None);
    assert_eq!((agreement.highest_ial(), agreement.default_ial()), (Ial::One, Ial::One));
    assert_eq!((agreement.highest_aal(), agreement.default_aal()), (Aal::Aal2, Aal::Aal2));
    assert_eq!(agreement.lowest_aal(), Aal::Aal2);
    assert_eq!(agreement.name_id_formats(), [NameIdFormat::Persistent]);
    assert_eq!(agreement.profile(), AttributeProfile::LoginGov);
    assert!(agreement.attributes().is_empty() && agreement.default_attributes().is_empty());
    assert!(agreement.is_enabled());
    assert!(!agreement.allows(AttributeName::Email) && agreement.allows(AttributeName::Uuid));
}

#[test]
fn unknown_key_is_refused_on_its_line() {
    let (line, reason) = refused(&agreement_text("signed_request = \"waived\"", ""));
    assert_eq!(line, 5);
    assert!(reason.contains("signed_request"), "{reason}");
}

#[test]
fn every_fault_is_told_by_its_line() {
    let text = agreement_text("signed_request = \"waived\"\nrevision = \"two\"\nname_id_formats = []", "")
        .replace("\"department-of-parks\"", "\"Parks\"")
        .replace("return_to_url = \"https", "return_to_url = \"ftp")
        .replace("review_date = 2027-06-30\n", "")
        .replace("permits@parks", "permits at parks")
        + "[attributes.favourite_colour]\npurpose.en = \"x\"\n[attributes.email]\npurpose.es = \"x\"\n\
           [levels]\nhighest_ial = 3\ndefault_aal = 3\nlowest = 1\n[encryption]\nexception = \"none\"\nreason = \"\"\n";
    let told: Vec<_> =
        Agreement::parse(&text).unwrap_err().into_iter().map(|fault| (fault.line, fault.reason)).collect();
    let written = |line: usize| text.lines().nth(line.wrapping_sub(1)).unwrap_or("(in no line)");
    let told: Vec<_> = told.iter().map(|(line, reason)| (written(*line), reason.as_str())).collect();
    let expected = [
        ("agency_id = \"Parks\"", "agency_id: an id is"),
        ("return_to_url = \"ftp://permits.parks.example.gov/\"", "begins with https://"),
        ("signed_request = \"waived\"", "the key `signed_request` is unknown"),
        ("revision = \"two\"", "revision: invalid type"),
        ("name_id_formats = []", "at least one format"),
        ("[[contacts]]", "is not an e-mail address"),
        ("[attributes.favourite_colour]", "`favourite_colour` is not an attribute"),
        ("purpose.es = \"x\"", "English"),
        ("highest_ial = 3", "highest_ial"),
        ("default_aal = 3", "default_aal is above highest_aal"),
        ("lowest = 1", "the key `lowest` is unknown"),
        ("exception = \"none\"", "unknown variant `none`"),
        ("(in no line)", "the key `review_date` is missing"),
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for ((line, reason), (at, part)) in told.iter().zip(expected) {
        assert!(*line == at && reason.contains(part), "{line}: {reason}, where {at}: {part}");
    }
}

#[test]
fn name_of_a_service_is_a_uri_or_plain_words_by_agreement() {
    let named = |name: &str, more: &str| {
        agreement_text("", more)
            .replace("entity_id = \"https://permits.parks.example.gov/saml\"", &format!("entity_id = \"{name}\""))
    };
    let words = "[entity_id_form]\nexception = \"plain-words\"\nreason = \"The product cannot be renamed\"\n";
    for name in ["https://entityidsp6.5", "https://service.v3.0/saml", "urn:example:permits"] {
        assert_eq!(Agreement::parse(&named(name, "")).unwrap().entity_id().as_str(), name);
        let (line, reason) = refused(&named(name, words));
        assert!(named(name, words).lines().nth(line - 1).unwrap().contains("entity_id_form"), "{line}");
        assert!(reason.contains("is a URI"), "{reason}");
    }
    for name in ["google.com", "cloud.example/a/office.example"] {
        let (line, reason) = refused(&named(name, ""));
        assert!(line == 2 && reason.contains("[entity_id_form]"), "{line}: {reason}");
        let read = Agreement::parse(&named(name, words)).unwrap();
        assert_eq!(read.entity_id().as_str(), name);
        assert!(read.canonical_text().contains("entity id form plain words"), "{}", read.canonical_text());
    }
    assert!(refused(&named("two words", words)).1.contains("white space"));
    assert!(
        refused(&named("google.com", &words.replace("The product cannot be renamed", ""))).1.contains("its reason")
    );
}

#[test]
fn text_that_is_no_toml_is_refused_on_its_line() {
    assert_eq!(refused("agency_id = \"a\"\nentity_id = =\n").0, 2);
}

#[test]
fn unknown_attribute_is_refused_on_its_line() {
    let text = agreement_text("", "[attributes.favourite_colour]\npurpose.en = \"x\"\n");
    let (line, reason) = refused(&text);
    assert_eq!(text.lines().nth(line - 1), Some("[attributes.favourite_colour]"));
    assert!(reason.contains("favourite_colour"), "{reason}");
}

#[test]
fn attribute_without_a_purpose_is_refused() {
    assert!(refused(&agreement_text("", "[attributes.email]\n")).1.contains("purpose"));
    assert!(refused(&agreement_text("", "[attributes.email]\npurpose.es = \"x\"\n")).1.contains("English"));
}

#[test]
fn attribute_that_is_always_sent_is_not_listed() {
    assert!(refused(&agreement_text("", &attributes(&["uuid"]))).1.contains("every assertion"));
}

#[test]
fn proofed_attribute_needs_the_level() {
    let (_, reason) = refused(&agreement_text("", &attributes(&["ssn"])));
    assert!(reason.contains("highest_ial = 2"), "{reason}");
}

#[test]
fn default_attribute_outside_the_allowed_is_refused() {
    let (line, reason) = refused(&agreement_text("default_attributes = [\"email\"]", ""));
    assert_eq!(line, 5);
    assert!(reason.contains("email"), "{reason}");
}

#[test]
fn lowest_level_follows_a_low_default_and_never_a_high_one() {
    let lowest = |levels: &str| agreement("", &format!("[levels]\n{levels}\n")).lowest_aal();
    assert_eq!(lowest("default_aal = 1"), Aal::Aal1);
    assert_eq!(lowest("highest_aal = 3\ndefault_aal = 3"), Aal::Aal2);
    assert_eq!(lowest("lowest_aal = 1"), Aal::Aal1);
    assert_eq!(lowest("highest_aal = 3\ndefault_aal = 3\nlowest_aal = 3"), Aal::Aal3);
}

#[test]
fn default_level_above_the_highest_is_refused() {
    assert!(refused(&agreement_text("", "[levels]\ndefault_ial = 2\n")).1.contains("default_ial"));
    assert!(refused(&agreement_text("", "[levels]\ndefault_aal = 3\n")).1.contains("default_aal"));
    assert!(refused(&agreement_text("", "[levels]\nhighest_aal = 4\n")).1.contains("1, 2 or 3"));
    assert!(refused(&agreement_text("", "[levels]\nlowest_aal = 3\n")).1.contains("lowest_aal is above default_aal"));
    assert!(refused(&agreement_text("", "[levels]\nlowest_aal = 0\n")).1.contains("1, 2 or 3"));
    let reason = refused(&agreement_text("", "[levels]\nhighest_ial = 2\nlowest_ial = 2\n")).1;
    assert!(reason.contains("lowest_ial is above default_ial"), "{reason}");
    let reason =
        refused(&agreement_text("", "[levels]\nhighest_aal = 1\ndefault_aal = 1\nphishing_resistant = true\n")).1;
    assert!(reason.contains("phishing_resistant needs highest_aal = 2"), "{reason}");
}

#[test]
fn email_as_name_id_needs_email_to_be_allowed() {
    let top = "name_id_formats = [\"persistent\", \"email-address\"]";
    assert!(refused(&agreement_text(top, "")).1.contains("`email`"));
    assert_eq!(agreement(top, &attributes(&["email"])).name_id_formats().len(), 2);
}

#[test]
fn exception_without_a_reason_is_refused() {
    let (_, reason) = refused(&agreement_text("", "[encryption]\nexception = \"clear-text\"\nreason = \" \"\n"));
    assert!(reason.contains("reason"), "{reason}");
    for rest in ["", "reason = \" \"\n"] {
        let (_, reason) =
            refused(&agreement_text("", &format!("[logout]\nexception = \"success-where-kept\"\n{rest}")));
        assert!(reason.contains("reason"), "{reason}");
    }
}

#[test]
fn logouts_are_asked_about_and_answered_truly_unless_the_agreement_says_otherwise() {
    let of = |more: &str| {
        let agreement = agreement("", more);
        (agreement.logout_choice(), agreement.logout_exception())
    };
    assert_eq!(of(""), (LogoutChoice::Asked, None));
    assert_eq!(of("[logout]\nchoice = \"everywhere\"\n"), (LogoutChoice::Everywhere, None));
    let excused = "[logout]\nexception = \"success-where-kept\"\nreason = \"It keeps its session.\"\n";
    assert_eq!(of(excused), (LogoutChoice::Asked, Some(LogoutException::SuccessWhereKept)));
    let both = excused.replace("[logout]\n", "[logout]\nchoice = \"everywhere\"\n");
    assert!(refused(&agreement_text("", &both)).1.contains("has no effect"));
    assert!(refused(&agreement_text("", "[logout]\nchoice = \"nowhere\"\n")).1.contains("nowhere"));
}

#[test]
fn agency_and_entity_and_addresses_are_checked() {
    let wrong = |from: &str, to: &str| refused(&agreement_text("", "").replace(from, to));
    assert_eq!(wrong("\"department-of-parks\"", "\"Department of Parks\"").0, 1);
    assert_eq!(wrong("https://permits.parks.example.gov/saml", "not a uri").0, 2);
    assert_eq!(wrong("review_date = 2027-06-30", "review_date = 2027-06-30T10:00:00Z").0, 3);
    assert_eq!(wrong("return_to_url = \"https", "return_to_url = \"http").0, 4);
    assert!(wrong("kind = \"technical\"", "kind = \"support\"").1.contains("technical"));
    assert!(wrong("permits@parks", "permits at parks").1.contains("e-mail"));
    for address in ["permits @parks.example.gov", "permits\\t@parks.example.gov", "permits@parks.example.gov\\u0007"] {
        assert!(wrong("permits@parks.example.gov", address).1.contains("e-mail"), "{address}");
    }
    for id in ["", "Parks", "parks_of", "1-parks", "-parks", "parks.gov", "pärks", &"p".repeat(65)] {
        assert_eq!(wrong("\"department-of-parks\"", &format!("\"{id}\"")).0, 1, "{id}");
    }
    for url in ["ftp://permits.parks.example.gov/", "http://localhost.example.gov/"] {
        assert_eq!(
            wrong("return_to_url = \"https://permits.parks.example.gov/", &format!("return_to_url = \"{url}")).0,
            4
        );
    }
    let taken = |url: &str| {
        let text = agreement_text("", "").replace("https://permits.parks.example.gov/\"", &format!("{url}\""));
        Agreement::parse(&text).is_ok()
    };
    assert!(taken("http://localhost:1/") && taken("http://agency.localhost/") && taken("http://127.0.0.1/"));
}

#[test]
fn texts_for_people_are_one_line_in_a_language_that_is_named() {
    let with = |line: &str| agreement_text("", "").replace("es = \"Permisos de parques\"", line);
    let reads = |line: &str| Agreement::parse(&with(line)).is_ok();
    assert!(reads("es-MX = \"Permisos\"") && reads(&format!("es = \"{}\"", "ñ".repeat(500))));
    assert!(reads(&format!("{} = \"x\"", "a".repeat(35))));
    for line in [
        "\"es MX\" = \"Permisos\"",
        "\"es_MX\" = \"Permisos\"",
        &format!("{} = \"x\"", "a".repeat(36)),
        "es = \"\"",
        "es = \" \"",
        "es = \"Permisos\\nde parques\"",
        "es = \"Permisos\\u0007\"",
        &format!("es = \"{}\"", "ñ".repeat(501)),
    ] {
        assert!(!reads(line), "{line}");
    }
}

#[test]
fn name_id_formats_are_at_least_one_and_each_once() {
    for list in ["[]", "[\"persistent\", \"persistent\"]"] {
        let (line, reason) = refused(&agreement_text(&format!("name_id_formats = {list}"), ""));
        assert_eq!((line, reason.contains("none twice")), (5, true), "{reason}");
    }
}

#[test]
fn each_lowering_of_protection_is_named() {
    let old = agreement("", &attributes(&["email"]));
    let lowered = |top: &str, more: &str| lowers_protection(&old, &agreement(top, more));
    let email = attributes(&["email"]);

    assert_eq!(lowered("", &email), []);
    assert_eq!(lowered("", ""), [], "taking away lowers nothing");
    assert_eq!(
        lowered("", &attributes(&["email", "locale"])),
        [LoweredProtection::AttributeAdded(AttributeName::Locale)]
    );
    assert_eq!(lowered("signed_requests = \"waived\"", &email), [LoweredProtection::RequestsUnsigned]);
    assert_eq!(
        lowered("", &format!("{email}[levels]\nhighest_ial = 2\n")),
        [LoweredProtection::HighestIalRaised(Ial::Two)]
    );
    assert_eq!(
        lowered("", &format!("{email}[levels]\ndefault_aal = 1\n")),
        [LoweredProtection::DefaultAalLowered(Aal::Aal1)]
    );
    assert_eq!(
        lowered("", &format!("{email}[levels]\nlowest_aal = 1\n")),
        [LoweredProtection::LowestAalLowered(Aal::Aal1)]
    );
    assert_eq!(
        lowered("name_id_formats = [\"email-address\"]", &email),
        [LoweredProtection::NameIdFormatAdded(NameIdFormat::EmailAddress)]
    );
    let clear = format!("{email}[encryption]\nexception = \"clear-text\"\nreason = \"pilot\"\n");
    assert!(matches!(lowered("", &clear)[..], [LoweredProtection::EncryptionWeaker(_)]));
    let one = format!("{email}[signing]\nexception = \"assertion-only\"\nreason = \"pilot\"\n");
    assert!(matches!(lowered("", &one)[..], [LoweredProtection::SigningWeaker(_)]));
    let untrue = format!("{email}[logout]\nexception = \"success-where-kept\"\nreason = \"pilot\"\n");
    assert_eq!(lowered("", &untrue), [LoweredProtection::LogoutAnswerUntrue(LogoutException::SuccessWhereKept)]);
    let strict = "[levels]\nhighest_ial = 2\ndefault_ial = 2\nlowest_ial = 2\nphishing_resistant = true\n";
    let loose = strict.replace("lowest_ial = 2\nphishing_resistant = true\n", "");
    assert_eq!(
        lowers_protection(&agreement("", strict), &agreement("", &loose)),
        [LoweredProtection::LowestIalLowered(Ial::One), LoweredProtection::PhishingResistanceWaived]
    );
    let silent = "[levels]\nhighest_ial = 2\ndefault_ial = 2\n";
    assert_eq!(
        lowers_protection(&agreement("", silent), &agreement("", "[levels]\nhighest_ial = 2\n")),
        [LoweredProtection::DefaultIalLowered(Ial::One)]
    );
    let off = agreement("enabled = false", &email);
    assert_eq!(lowers_protection(&off, &old), [LoweredProtection::EnabledAgain]);
    // What was agreed before is no news.
    let lowest = format!("{email}[levels]\nlowest_aal = 1\n");
    for exception in [&clear, &one, &lowest, &untrue] {
        let old = agreement("", exception);
        assert_eq!(lowers_protection(&old, &old), []);
    }
    let named = agreement("name_id_formats = [\"email-address\"]", &email);
    assert_eq!(lowers_protection(&named, &named), []);
    let transient = "name_id_formats = [\"persistent\", \"transient\"]";
    assert_eq!(lowered(transient, &email), [], "it tells nothing more");
}

#[test]
fn names_come_in_the_language_of_the_page() {
    let agreement = agreement("", "");
    assert_eq!(agreement.friendly_name().in_language("es-MX"), "Permisos de parques");
    assert_eq!(agreement.friendly_name().in_language("fr"), "Park permits");
}

#[test]
fn administrator_reads_every_term_of_an_agreement_in_one_order() {
    let top = r#"enabled = false
revision = 3
attribute_profile = "oasis"
requested_attributes = "required-only"
name_id_formats = ["persistent", "email-address"]
default_attributes = ["email"]
signed_requests = "waived""#;
    let more = r#"[[contacts]]
kind = "privacy"
name = "Privacy officer"
email = "privacy@parks.example.gov"

[levels]
highest_ial = 2
default_aal = 1

[encryption]
exception = "aes-128-gcm"
reason = "pilot"

[signing]
exception = "response-only"
reason = "pilot"

[logout]
exception = "success-where-kept"
reason = "pilot"

[attributes.email]
purpose.en = "To write to you"
purpose.es = "Para escribirle"

[attributes.last_name]
purpose.en = "To print your permit"
"#;
    let known = "\
agency department-of-parks
revision 3
enabled false
agency name [en] Department of Parks
friendly name [en] Park permits
friendly name [es] Permisos de parques
description [en] Apply for a permit to camp or to hold an event.
attribute email (default)
attribute email purpose [en] To write to you
attribute email purpose [es] Para escribirle
attribute last_name
attribute last_name purpose [en] To print your permit
attribute profile oasis
identity level default IAL1 highest IAL2 lowest IAL1
authentication level default AAL1 highest AAL2 lowest AAL1 phishing resistant false
requested attributes required-only
name id format persistent
name id format email-address
signed requests waived
encryption aes-128-gcm
signing response-only
logout choice asked answer success-where-kept
contact technical Permit systems office <permits@parks.example.gov>
contact privacy Privacy officer <privacy@parks.example.gov>
review date 2027-06-30
return to https://permits.parks.example.gov/
";
    assert_eq!(agreement(top, more).canonical_text(), known);
    let silent = agreement("", "").canonical_text();
    for line in [
        "revision 1",
        "enabled true",
        "requested attributes all",
        "signed requests demanded",
        "encryption default",
        "signing default",
        "logout choice asked answer default",
    ] {
        assert!(silent.contains(&format!("\n{line}\n")), "{line}\n{silent}");
    }
}

/// What is written about products is copied into agreements.
#[test]
fn every_snippet_about_products_is_taken_and_names_an_exception() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/metadata/products.md")).unwrap();
    let snippets: Vec<&str> =
        text.split("```toml\n").skip(1).filter_map(|rest| rest.split_once("```")).map(|(snippet, _)| snippet).collect();
    assert_eq!(snippets.len(), text.matches("```toml").count());
    assert!(snippets.len() >= 7, "{}", snippets.len());
    for snippet in snippets {
        let mut text = agreement_text(snippet, "");
        if snippet.contains("plain-words") {
            text = text.replace("https://permits.parks.example.gov/saml", "cloud.example/a/office.example");
        }
        let written = Agreement::parse(&text).unwrap_or_else(|faults| panic!("{faults:?}\n{snippet}"));
        assert_ne!(written, agreement("", ""), "{snippet}");
    }
}

#[test]
fn every_short_code_about_products_is_one_that_services_see() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/metadata/products.md")).unwrap();
    let two_digits = |rest: &str| rest.len() == 2 && rest.bytes().all(|b| b.is_ascii_digit());
    let is_code = |word: &&str| word.strip_prefix('S').is_some_and(two_digits);
    let mut codes: Vec<&str> = text.split('`').skip(1).step_by(2).filter(is_code).collect();
    codes.sort_unstable();
    codes.dedup();
    assert!(codes.len() >= 10, "{codes:?}");
    let known = RefusalKind::ALL.map(RefusalKind::code);
    let unknown: Vec<_> = codes.into_iter().filter(|code| !known.contains(code)).collect();
    assert_eq!(unknown, [""; 0]);
}
