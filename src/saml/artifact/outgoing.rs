//! The answer to a service that asks for the message behind an artifact.

use time::UtcDateTime;

use crate::saml::{
    EntityId, MessageId, OutboundError, instant, read_back,
    response::KeptResponse,
    signature::{SignaturePosition, Signer, sign_enveloped},
    xml::{Builder, ns},
};

/// The prefix of our own part. The message inside declares `samlp` for itself, since its signature is over itself alone; the
/// octets stay canonical only while nothing around it has declared that prefix.
const PREFIX: &str = "artifact";

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";

/// What is answered (SAML Core §3.5.2).
#[derive(Debug)]
pub struct ArtifactResponse {
    /// Its identifier, never used before.
    pub id: MessageId,
    /// Who answers: we.
    pub issuer: EntityId,
    /// When.
    pub issue_instant: UtcDateTime,
    /// The request that it answers.
    pub in_response_to: MessageId,
    /// The message. Nothing where no message waits for this service under that artifact: SAML Core §3.5.3 wants success
    /// without a message then, so that nobody learns why.
    pub message: Option<KeptResponse>,
}

impl ArtifactResponse {
    /// The SOAP envelope with the signed answer.
    ///
    /// # Errors
    /// [`OutboundError`]: nothing may be sent then.
    pub fn into_soap(self, signer: &dyn Signer) -> Result<String, OutboundError> {
        let own = |local| Builder::element(PREFIX, ns::PROTOCOL, local);
        let status = own("Status").child(own("StatusCode").attribute("Value", SUCCESS));
        let mut response = own("ArtifactResponse")
            .attribute("ID", self.id.as_str())
            .attribute("InResponseTo", self.in_response_to.as_str())
            .attribute("IssueInstant", instant::format(self.issue_instant))
            .attribute("Version", "2.0")
            .child(Builder::element("saml", ns::ASSERTION, "Issuer").text(self.issuer.as_str()))
            .child(status);
        if let Some(message) = &self.message {
            response = response.fragment(message.canonical());
        }
        let signed = sign_enveloped(&response, SignaturePosition::AfterIssuer, signer)?;
        let document = read_back::octet_for_octet(signed.as_bytes(), "ArtifactResponse")?;
        read_back::verify(document.root(), SignaturePosition::AfterIssuer, signer)?;
        let soap = |local| Builder::element("soap", ns::SOAP, local);
        Ok(soap("Envelope").child(soap("Body").fragment(&signed)).canonical()?.into_string())
    }
}
