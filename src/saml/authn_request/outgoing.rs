//! AuthnRequests that go out: written, signed, read back as those that come in are, addressed.

use time::UtcDateTime;

use super::contents::{Comparison, Contents, NameIdPolicy, RequestedAuthnContext, Scoping};
use crate::saml::{
    AcsSelection, EntityId, MessageId, OutboundError, ReadBackError, RelayState, SsoLocation,
    binding::{self, Carrier, Delivery, HTTP_POST, Place},
    instant,
    metadata::Location,
    signature::Signer,
    xml::{Builder, ns},
};

/// A request to an identity provider that it authenticate the person whose browser brings it (SAML Core §3.4.1).
///
/// It is always signed, whether the identity provider asks for that or not, and always wants its answer by HTTP-POST.
#[derive(Debug, Clone)]
pub struct AuthnRequest {
    /// Its identifier, never used before. The answer must name it.
    pub id: MessageId,
    /// Who asks: we.
    pub issuer: EntityId,
    /// When.
    pub issue_instant: UtcDateTime,
    /// Where we take the answer, as our metadata says it (deployment profile SDP-SP05: by its address, never by its index).
    pub acs: Location,
    /// Whether the person must authenticate again.
    pub force_authn: bool,
    /// Whether no page may be shown.
    pub is_passive: bool,
    /// How the person shall be named.
    pub name_id_policy: Option<NameIdPolicy>,
    /// The contexts asked for, and how they compare.
    pub requested_authn_context: Option<RequestedAuthnContext>,
    /// Limits to proxying: for whom the request is made, and which identity providers may answer.
    pub scoping: Option<Scoping>,
}

impl AuthnRequest {
    /// Signs the request for this place.
    ///
    /// # Errors
    /// [`OutboundError`]: nothing may be sent then. Also where our own reader would refuse it: an empty list of contexts, for
    /// instance.
    pub fn deliver(
        &self,
        to: &SsoLocation,
        relay_state: Option<&RelayState>,
        signer: &dyn Signer,
    ) -> Result<Delivery, OutboundError> {
        let place = Place { url: to.url(), by_redirect: to.is_by_redirect() };
        binding::deliver(&self.write(to), Carrier::Request, place, relay_state, signer, |root| {
            let read = Contents::read(root).map_err(|_| ReadBackError::Differs("AuthnRequest"))?;
            let destination = root.attribute("Destination") == Some(to.as_str());
            if destination && read == self.plan()? { Ok(()) } else { Err(ReadBackError::Differs("AuthnRequest")) }
        })
    }

    fn write(&self, to: &SsoLocation) -> Builder {
        let yes = |whether: bool| whether.then_some("true");
        samlp("AuthnRequest")
            .attribute("AssertionConsumerServiceURL", self.acs.as_str())
            .attribute("Destination", to.as_str())
            .optional_attribute("ForceAuthn", yes(self.force_authn))
            .attribute("ID", self.id.as_str())
            .optional_attribute("IsPassive", yes(self.is_passive))
            .attribute("IssueInstant", instant::format(self.issue_instant))
            .attribute("ProtocolBinding", HTTP_POST)
            .attribute("Version", "2.0")
            .child(saml("Issuer").text(self.issuer.as_str()))
            .optional_child(self.name_id_policy.as_ref().map(name_id_policy))
            .optional_child(self.requested_authn_context.as_ref().map(requested_authn_context))
            .optional_child(self.scoping.as_ref().map(scoping))
    }

    /// What is read back of it if nothing went wrong.
    fn plan(&self) -> Result<Contents, ReadBackError> {
        // As precise as it is written.
        let issue_instant = instant::parse(&instant::format(self.issue_instant));
        Ok(Contents {
            id: self.id.clone(),
            issue_instant: issue_instant.map_err(|_| ReadBackError::Differs("IssueInstant"))?,
            force_authn: self.force_authn,
            is_passive: self.is_passive,
            acs: AcsSelection::Url(self.acs.as_str().to_owned()),
            protocol_binding: Some(HTTP_POST.to_owned()),
            attribute_consuming_service_index: None,
            subject: None,
            name_id_policy: self.name_id_policy.clone(),
            validity_period: None,
            requested_authn_context: self.requested_authn_context.clone(),
            scoping: self.scoping.clone(),
        })
    }
}

fn name_id_policy(policy: &NameIdPolicy) -> Builder {
    let allow_create = policy.allow_create.map(|may| if may { "true" } else { "false" });
    samlp("NameIDPolicy")
        .optional_attribute("AllowCreate", allow_create)
        .optional_attribute("Format", policy.format.as_deref())
        .optional_attribute("SPNameQualifier", policy.sp_name_qualifier.as_deref())
}

fn requested_authn_context(requested: &RequestedAuthnContext) -> Builder {
    let comparison = match requested.comparison {
        Comparison::Better => "better",
        Comparison::Exact => "exact",
        Comparison::Maximum => "maximum",
        Comparison::Minimum => "minimum",
    };
    let class_refs = requested.class_refs.iter().map(|context| saml("AuthnContextClassRef").text(context.as_str()));
    samlp("RequestedAuthnContext").attribute("Comparison", comparison).children(class_refs)
}

fn scoping(scoping: &Scoping) -> Builder {
    let entries = scoping.idp_list.iter().map(|id| samlp("IDPEntry").attribute("ProviderID", id.as_str()));
    let idp_list = (!scoping.idp_list.is_empty()).then(|| samlp("IDPList").children(entries));
    samlp("Scoping")
        .optional_attribute("ProxyCount", scoping.proxy_count.map(|count| count.to_string()))
        .optional_child(idp_list)
        .children(scoping.requester_ids.iter().map(|id| samlp("RequesterID").text(id.as_str())))
}

fn samlp(local: &'static str) -> Builder {
    Builder::element("samlp", ns::PROTOCOL, local)
}

fn saml(local: &'static str) -> Builder {
    Builder::element("saml", ns::ASSERTION, local)
}
