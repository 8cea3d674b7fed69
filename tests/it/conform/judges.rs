//! Whatever the suite's services received, successes and failures, in clear text and decrypted: programs that we did not write
//! find it as the standard says.

use std::cell::RefCell;

use signet::conform::{self, Between};

use crate::saml::judge::{assert_schema_valid, assert_xmlsec1_verifies};

/// Keeps everything that passes.
#[derive(Default)]
struct Kept {
    messages: RefCell<Vec<(&'static str, String)>>,
}

impl Kept {
    fn keep(&self, element: &'static str, xml: &str) {
        self.messages.borrow_mut().push((element, xml.to_owned()));
    }
}

impl Between for Kept {
    fn response(&self, _: &str, response: String) -> String {
        self.keep("protocol:Response", &response);
        response
    }

    fn assertion(&self, _: &str, assertion: String) -> String {
        self.keep("assertion:Assertion", &assertion);
        assertion
    }

    fn logout_message(&self, _: &str, message: String) -> String {
        let is_request = message.starts_with("<samlp:LogoutRequest");
        self.keep(if is_request { "protocol:LogoutRequest" } else { "protocol:LogoutResponse" }, &message);
        message
    }

    fn metadata(&self, metadata: String) -> String {
        self.keep("metadata:EntityDescriptor", &metadata);
        metadata
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schemas_and_xmlsec1_accept_everything_that_the_services_received() {
    let played = conform::play().await.unwrap();
    let kept = Kept::default();
    played.report(&kept).unwrap();
    let desk = tempfile::tempdir().unwrap();
    let certificate = desk.path().join("certificate.pem");
    let own = openssl::x509::X509::from_der(played.signer().certificate_der()).unwrap();
    std::fs::write(&certificate, own.to_pem().unwrap()).unwrap();
    let messages = kept.messages.into_inner();
    for (number, (_, xml)) in messages.iter().enumerate() {
        let document = desk.path().join(format!("{number}.xml"));
        std::fs::write(&document, xml).unwrap();
        assert_schema_valid(&document);
        if xml.contains("<ds:Signature ") {
            assert_xmlsec1_verifies(&certificate, &document);
        }
    }
    for (element, at_least) in [
        ("protocol:Response", 60),
        ("assertion:Assertion", 30),
        ("protocol:LogoutRequest", 1),
        ("protocol:LogoutResponse", 5),
        ("metadata:EntityDescriptor", 1),
    ] {
        let seen = messages.iter().filter(|(of, _)| *of == element).count();
        assert!(seen >= at_least, "{seen} of {element}");
    }
}
