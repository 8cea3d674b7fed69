//! Two elements of one name.
//!
//! A signature names what it signs by identifier. Where two elements bear the same one, the verifier may find the first and
//! the reader the second; attackers also give identifiers in other clothes (`xml:id`, `Id`, `id`), which some programs
//! count and others do not. A document with an identifier twice, in whatever clothes, is not read at all.

use signet::saml::{
    binding::BindingError,
    xml::{XmlError, XmlFault},
};

use super::scene::{Refusal, post, refusal, signed};

#[test]
fn an_identifier_twice_is_refused_in_all_its_clothes() {
    for attribute in ["ID", "Id", "id", "xml:id", "AssertionID"] {
        let twin = format!(
            "<samlp:Extensions><x xmlns='urn:x' {attribute}='_genuine'/></samlp:Extensions></samlp:AuthnRequest>"
        );
        let xml = signed().replace("</samlp:AuthnRequest>", &twin);
        match refusal(&post(xml)) {
            Refusal::Undecodable(BindingError::Xml(XmlError { fault: XmlFault::DuplicateId(id), .. })) => {
                assert_eq!(id, "_genuine", "{attribute}");
            }
            other => panic!("{attribute}: {other:?}"),
        }
    }
}
