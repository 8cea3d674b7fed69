//! What every protocol message has in common: octets that claim an issuer, and a signature on them (SAML Core §3.2).

use std::fmt;

use url::Url;

use super::{
    DeniedAlgorithms, EntityId, MessageError, RelayState,
    binding::{BindingError, Carriage, Carried},
    peer::Peer,
    signature::{
        SignatureError, SignaturePosition, SignatureVerified, VerificationKey, verify_enveloped_except,
        verify_redirect_except,
    },
    xml::{Document, Element, Limits, ns},
};

/// `Format` of the name of an entity (SAML Core §8.3.6).
const ENTITY: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";

/// A message that was read, and that nobody has vouched for yet.
pub(super) struct Decoded {
    document: Document,
    pub(super) claimed_issuer: EntityId,
    pub(super) relay_state: Option<RelayState>,
    carriage: Carriage,
}

impl Decoded {
    /// Reads the XML and the claimed issuer. The root must be `samlp:` and one of these names; `wrong` says so otherwise.
    pub(super) fn read(carried: Carried, names: &[&str], wrong: BindingError) -> Result<Self, BindingError> {
        let document = Document::parse(&carried.message, &Limits::PROTOCOL)?;
        let root = message_in(&document, &carried.carriage).ok_or(BindingError::NotSoap)?;
        if !names.iter().any(|name| root.is(ns::PROTOCOL, name)) {
            return Err(wrong);
        }
        // SAML Bindings §3.4.4.1: "any signature on the SAML protocol message [...] MUST be removed". One that is left
        // could be taken for the signature of the message.
        if matches!(carried.carriage, Carriage::Redirect(_)) && root.child(ns::DSIG, "Signature").is_some() {
            return Err(BindingError::EmbeddedSignature);
        }
        let claimed_issuer = issuer_of(root)?;
        Ok(Self { document, claimed_issuer, relay_state: carried.relay_state, carriage: carried.carriage })
    }

    /// The element whose signature [`Self::signature`] verifies.
    pub(super) fn root(&self) -> Element<'_> {
        // That there is one was found when it was read.
        message_in(&self.document, &self.carriage).unwrap_or_else(|| self.document.root())
    }

    /// The proof that the party whose record this is signed the message, by algorithms that are not denied; nothing when it is
    /// not signed. The record must be the claimed issuer's.
    pub(super) fn signature(
        &self,
        peer: &Peer,
        denied: DeniedAlgorithms,
    ) -> Result<Option<SignatureVerified>, MessageError> {
        if *peer.entity_id() != self.claimed_issuer {
            return Err(MessageError::ForeignRecord);
        }
        let keys = peer.keys().signing();
        match &self.carriage {
            Carriage::Post | Carriage::Soap => Ok(signature_of(self.root(), keys, denied)?),
            Carriage::Redirect(None) => Ok(None),
            Carriage::Redirect(Some(signed)) => {
                let proof = verify_redirect_except(&signed.octets, &signed.sig_alg, &signed.signature, keys, denied)?;
                Ok(Some(proof))
            }
        }
    }

    /// The same of a message that must be signed.
    pub(super) fn proof(&self, peer: &Peer, denied: DeniedAlgorithms) -> Result<SignatureVerified, MessageError> {
        self.signature(peer, denied)?.ok_or(MessageError::Unsigned)
    }

    /// That the message is for one of these addresses of ours, character for character.
    pub(super) fn check_destination(&self, ours: &[Url], is_signed: bool) -> Result<(), MessageError> {
        match self.root().attribute("Destination") {
            // SAML Bindings §3.4.5.2 and §3.5.5.2: a signed message must say for whom it is, and be for us.
            None if is_signed => Err(MessageError::NoDestination),
            None => Ok(()),
            Some(destination) if !ours.iter().any(|ours| ours.as_str() == destination) => {
                let ours: Vec<&str> = ours.iter().map(Url::as_str).collect();
                Err(MessageError::for_another(destination, &ours))
            }
            Some(_) => Ok(()),
        }
    }
}

/// The proof that one of these keys signed the element, by algorithms that are not denied; nothing when it is not signed.
pub(super) fn signature_of(
    element: Element<'_>,
    keys: &[VerificationKey],
    denied: DeniedAlgorithms,
) -> Result<Option<SignatureVerified>, SignatureError> {
    match verify_enveloped_except(element, SignaturePosition::AfterIssuer, keys, denied) {
        Ok(verified) => Ok(Some(verified.into_proof())),
        Err(SignatureError::Absent) => Ok(None),
        Err(error) => Err(error),
    }
}

/// SAML Core §2.3.3, §3.2.1, §3.2.2.
pub(super) fn check_version(root: Element<'_>) -> Result<(), MessageError> {
    if root.attribute("Version") == Some("2.0") { Ok(()) } else { Err(MessageError::Version) }
}

/// The message of a document: its root, or, over SOAP, the one element in the envelope's body (SOAP 1.1 §4, SAML Bindings
/// §3.2.2.1).
fn message_in<'d>(document: &'d Document, carriage: &Carriage) -> Option<Element<'d>> {
    let root = document.root();
    match carriage {
        Carriage::Post | Carriage::Redirect(_) => Some(root),
        Carriage::Soap => {
            let only_one = |element: Element<'d>| {
                let mut children = element.children();
                children.next().filter(|_| children.next().is_none() && element.has_only_elements())
            };
            let header = root.only_child(ns::SOAP, "Header").ok()?;
            let understood =
                |block: Element<'_>| block.attribute_ns(ns::SOAP, "mustUnderstand").is_none_or(|must| must == "0");
            let body = root.only_child(ns::SOAP, "Body").ok()??;
            let is_envelope = root.is(ns::SOAP, "Envelope")
                && root.has_only_elements()
                && root.children().count() == 1 + usize::from(header.is_some())
                && header.is_none_or(|header| header.children().all(understood));
            only_one(body).filter(|_| is_envelope)
        }
    }
}

/// SAML Core §3.2.1 and §8.3.6, SAML Profiles §4.1.4.1 and §4.4.4: Issuer must be there, and name the entity.
pub(super) fn issuer_of(root: Element<'_>) -> Result<EntityId, BindingError> {
    let first = root.children().next().filter(|child| child.is(ns::ASSERTION, "Issuer")).ok_or(BindingError::Issuer)?;
    if root.children().filter(|child| child.is(ns::ASSERTION, "Issuer")).count() != 1 {
        return Err(BindingError::Issuer);
    }
    if first.attribute("Format").is_some_and(|format| format != ENTITY)
        || ["NameQualifier", "SPNameQualifier", "SPProvidedID"].iter().any(|name| first.attribute(name).is_some())
    {
        return Err(BindingError::MalformedIssuer);
    }
    EntityId::parse(&first.text()?).map_err(|_| BindingError::MalformedIssuer)
}

/// Says that there is one, never what is in it.
impl fmt::Debug for Decoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoded").field("claimed_issuer", &self.claimed_issuer).finish_non_exhaustive()
    }
}
