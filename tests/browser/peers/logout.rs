//! Service providers that we did not write sign the person out, and are told to.

use super::registered;
use crate::service_provider::{Ended, ServiceProvider, Toolkit};
use crate::signet::Signet;
use crate::visitor::Visitor;

/// A person who is signed in at the first of these services, and at all the others by the same sign-in.
struct Street {
    signet: Signet,
    visitor: Visitor,
    services: Vec<ServiceProvider>,
}

impl Street {
    async fn with(journey: &'static str, toolkits: &[Toolkit]) -> Self {
        let (signet, visitor) = (Signet::start().await, Visitor::new(journey).await);
        let mut services = Vec::new();
        for (nth, toolkit) in toolkits.iter().enumerate() {
            let service = registered(&signet, *toolkit, &["email"]).await;
            visitor.browser.open(&service.protected()).await;
            if nth == 0 {
                visitor.sign_in_as_the_person(&signet).await;
            }
            visitor.agree().await;
            service.page_shown(&visitor.browser).await;
            services.push(service);
        }
        Self { signet, visitor, services }
    }

    /// The service that was signed in to first begins; the person decides on our page.
    async fn asked_by_the_first(&self, decision: &str) {
        self.visitor.browser.open(&self.services[0].logout()).await;
        self.visitor.browser.expect("Sign out everywhere?").await;
        self.visitor.look("question").await;
        self.visitor.browser.press(decision).await;
    }

    /// The person signs out here, and goes on to the services.
    async fn asked_by_the_person(&self) {
        let browser = &self.visitor.browser;
        browser.open(&format!("{}/account", self.signet.origin())).await;
        browser.press("Sign out").await;
        browser.expect("You are signed out").await;
        browser.expect("still signed in there").await;
        self.visitor.look("signed-out").await;
        browser.press("Sign out of these services too").await;
        for service in &self.services {
            browser.expect(&format!("Desk of {}: signed out", service.name())).await;
        }
        self.visitor.look("summary").await;
    }

    /// Whoever comes to a service, or to us, has to sign in.
    async fn assert_signed_out_everywhere(&self) {
        for service in &self.services {
            self.visitor.browser.open(&service.protected()).await;
            self.visitor.browser.expect_path("/sign-in").await;
        }
    }
}

async fn a_service_signs_the_person_out(toolkit: Toolkit, journey: &'static str) {
    let street = Street::with(journey, &[toolkit]).await;
    street.asked_by_the_first("Sign out everywhere").await;
    street.services[0].says(&street.visitor.browser, Ended::Everywhere).await;
    street.assert_signed_out_everywhere().await;
}

async fn a_service_is_told(toolkit: Toolkit, journey: &'static str) {
    let street = Street::with(journey, &[toolkit]).await;
    street.asked_by_the_person().await;
    street.assert_signed_out_everywhere().await;
}

async fn a_service_ends_the_session_of_another(toolkits: [Toolkit; 2], journey: &'static str) {
    let street = Street::with(journey, &toolkits).await;
    street.asked_by_the_first("Sign out everywhere").await;
    street.services[0].says(&street.visitor.browser, Ended::Everywhere).await;
    street.assert_signed_out_everywhere().await;
}

#[tokio::test]
#[ignore = "needs node-saml and Chromium; make test runs it"]
async fn node_saml_signs_the_person_out_everywhere_and_believes_our_answer() {
    a_service_signs_the_person_out(Toolkit::NodeSaml, "peer-node-saml-logout").await;
}

#[tokio::test]
#[ignore = "needs node-saml and Chromium; make test runs it"]
async fn node_saml_ends_its_session_when_the_person_signs_out_here() {
    a_service_is_told(Toolkit::NodeSaml, "peer-node-saml-told").await;
}

#[tokio::test]
#[ignore = "needs python3-saml and Chromium; make test runs it"]
async fn python3_saml_signs_the_person_out_everywhere_and_believes_our_answer() {
    a_service_signs_the_person_out(Toolkit::Python3Saml, "peer-python3-saml-logout").await;
}

#[tokio::test]
#[ignore = "needs python3-saml and Chromium; make test runs it"]
async fn python3_saml_ends_its_session_when_the_person_signs_out_here() {
    a_service_is_told(Toolkit::Python3Saml, "peer-python3-saml-told").await;
}

#[tokio::test]
#[ignore = "needs Shibboleth and Chromium; make test runs it"]
async fn shibboleth_signs_the_person_out_everywhere_and_believes_our_answer() {
    a_service_signs_the_person_out(Toolkit::Shibboleth, "peer-shibboleth-logout").await;
}

#[tokio::test]
#[ignore = "needs Shibboleth and Chromium; make test runs it"]
async fn shibboleth_ends_its_session_when_the_person_signs_out_here() {
    a_service_is_told(Toolkit::Shibboleth, "peer-shibboleth-told").await;
}

#[tokio::test]
#[ignore = "needs Shibboleth and Chromium; make test runs it"]
async fn shibboleth_wants_no_answer_and_the_person_ends_here() {
    let street = Street::with("peer-shibboleth-no-answer", &[Toolkit::Shibboleth]).await;
    let browser = &street.visitor.browser;
    browser.open(&format!("{}WithoutAnswer", street.services[0].logout())).await;
    browser.expect("Sign out everywhere?").await;
    browser.press("Sign out everywhere").await;
    browser.expect("You are signed out").await;
    street.visitor.look("summary").await;
    street.assert_signed_out_everywhere().await;
}

#[tokio::test]
#[ignore = "needs Shibboleth and Chromium; make test runs it"]
async fn shibboleth_asks_by_form_and_is_answered_by_form() {
    a_service_signs_the_person_out(Toolkit::ShibbolethByForm, "peer-shibboleth-form-logout").await;
}

#[tokio::test]
#[ignore = "needs Shibboleth and Chromium; make test runs it"]
async fn shibboleth_is_told_by_form() {
    a_service_is_told(Toolkit::ShibbolethByForm, "peer-shibboleth-form-told").await;
}

#[tokio::test]
#[ignore = "needs node-saml, python3-saml, Shibboleth and Chromium; make test runs it"]
async fn who_stays_signed_in_here_stays_so_elsewhere_and_each_service_learns_the_truth() {
    for toolkits in [
        [Toolkit::Python3Saml, Toolkit::Shibboleth],
        [Toolkit::Shibboleth, Toolkit::NodeSaml],
        [Toolkit::NodeSaml, Toolkit::Python3Saml],
    ] {
        let street = Street::with("peers-logout-there-only", &toolkits).await;
        let (browser, [asking, other]) = (&street.visitor.browser, &street.services[..]) else { panic!("two") };
        street.asked_by_the_first(&format!("Only Desk of {}", asking.name())).await;
        asking.says(browser, Ended::NotThere).await;
        browser.open(&other.protected()).await;
        other.page_shown(browser).await;
        browser.open(&asking.protected()).await;
        asking.page_shown(browser).await;
    }
}

#[tokio::test]
#[ignore = "needs python3-saml, Shibboleth and Chromium; make test runs it"]
async fn shibboleth_learns_of_a_service_that_could_not_be_reached() {
    let mut street = Street::with("peers-logout-unreachable", &[Toolkit::Shibboleth, Toolkit::Python3Saml]).await;
    let browser = &street.visitor.browser;
    browser.open(&street.services[0].logout()).await;
    browser.expect("Sign out everywhere?").await;
    let our_page = browser.address().await;
    street.services[1].stop();
    browser.press("Sign out everywhere").await;
    browser.expect_address("/slo?SAMLRequest=").await;
    // The person comes back, and goes on.
    browser.open(&our_page).await;
    browser.expect("was asked, and has not answered yet").await;
    street.visitor.look("came-back").await;
    browser.press("Sign out of these services too").await;
    street.services[0].says(browser, Ended::NotEverywhere).await;
    browser.open(&our_page).await;
    browser.expect("did not answer. Sign out there.").await;
}

#[tokio::test]
#[ignore = "needs node-saml, Shibboleth and Chromium; make test runs it"]
async fn node_saml_ends_the_session_at_shibboleth_too() {
    a_service_ends_the_session_of_another([Toolkit::NodeSaml, Toolkit::Shibboleth], "peers-logout-node-saml").await;
}

#[tokio::test]
#[ignore = "needs python3-saml, Shibboleth and Chromium; make test runs it"]
async fn python3_saml_ends_the_session_at_shibboleth_too() {
    let both = [Toolkit::Python3Saml, Toolkit::Shibboleth];
    a_service_ends_the_session_of_another(both, "peers-logout-python3-saml").await;
}

#[tokio::test]
#[ignore = "needs python3-saml, Shibboleth and Chromium; make test runs it"]
async fn shibboleth_ends_the_session_at_python3_saml_too() {
    let both = [Toolkit::Shibboleth, Toolkit::Python3Saml];
    a_service_ends_the_session_of_another(both, "peers-logout-shibboleth").await;
}
