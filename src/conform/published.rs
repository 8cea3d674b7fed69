//! What the identity provider publishes about itself.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use url::Url;

use super::{
    answer,
    browser::Page,
    plain::{self, Signed},
    provider::{POST, REDIRECT},
};
use crate::saml::xml::{Document, Element, ns};

/// The identity provider's metadata, read.
#[derive(Debug)]
pub(super) struct Published {
    pub(super) page: Page,
    pub(super) xml: String,
    pub(super) entity_id: String,
    /// Of the signing keys, DER.
    pub(super) certificates: Vec<Vec<u8>>,
    /// Of the key to which services may encrypt, DER.
    pub(super) encryption_certificate: Option<Vec<u8>>,
    pub(super) sso_by_redirect: Url,
    pub(super) sso_by_post: Option<Url>,
    pub(super) slo_by_redirect: Url,
    pub(super) slo_by_post: Option<Url>,
    pub(super) scopes: Vec<String>,
    pub(super) signed: Result<Option<Signed>, String>,
    document: Document,
}

impl Published {
    /// Reads the metadata that stands on a page. `alter` is put in between.
    ///
    /// # Errors
    /// Nothing can be sent to whoever publishes this.
    pub(super) fn read(page: Page, alter: &dyn Fn(String) -> String) -> Result<Self, String> {
        let xml = alter(page.body.clone());
        let document = answer::parse(&xml)?;
        let entity = document.root();
        if !entity.is(ns::METADATA, "EntityDescriptor") {
            return Err("it is no EntityDescriptor".to_owned());
        }
        let role = entity.child(ns::METADATA, "IDPSSODescriptor").ok_or("there is no IDPSSODescriptor")?;
        let (mut certificates, mut encryption_certificate) = (Vec::new(), None);
        for key in of_name(role, "KeyDescriptor") {
            let text = certificate(key).ok_or("a KeyDescriptor has no certificate")?;
            let der = BASE64.decode(text).map_err(|_| "a certificate is not base64")?;
            match key.attribute("use") {
                Some("encryption") => encryption_certificate = Some(der),
                _ => certificates.push(der),
            }
        }
        let place = |name: &str, binding: &str| {
            let place = of_name(role, name).find(|place| place.attribute("Binding") == Some(binding))?;
            Url::parse(place.attribute("Location")?).ok()
        };
        let scopes = role
            .child(ns::METADATA, "Extensions")
            .map(|extensions| {
                let scopes = extensions.children().filter(|child| child.is(ns::SHIBMD, "Scope"));
                scopes.filter_map(|scope| scope.text().ok().map(String::from)).collect()
            })
            .unwrap_or_default();
        let signed = plain::verify(&xml, &certificates);
        Ok(Self {
            entity_id: entity.attribute("entityID").unwrap_or_default().to_owned(),
            sso_by_redirect: place("SingleSignOnService", REDIRECT).ok_or("no SingleSignOnService by HTTP-Redirect")?,
            sso_by_post: place("SingleSignOnService", POST),
            slo_by_redirect: place("SingleLogoutService", REDIRECT).ok_or("no SingleLogoutService by HTTP-Redirect")?,
            slo_by_post: place("SingleLogoutService", POST),
            certificates,
            encryption_certificate,
            scopes,
            signed,
            page,
            xml,
            document,
        })
    }

    pub(super) fn entity(&self) -> Element<'_> {
        self.document.root()
    }

    pub(super) fn role(&self) -> Option<Element<'_>> {
        self.entity().child(ns::METADATA, "IDPSSODescriptor")
    }

    /// The algorithms that the metadata lists under this name of the algorithm support profile.
    pub(super) fn algorithms(&self, name: &str) -> Vec<&str> {
        let extensions = [Some(self.entity()), self.role()]
            .into_iter()
            .flatten()
            .filter_map(|element| element.child(ns::METADATA, "Extensions"));
        let listed = extensions.flat_map(Element::children).filter(|child| child.is(ns::ALG, name));
        listed.filter_map(|child| child.attribute("Algorithm")).collect()
    }

    /// The texts of what people are shown, by its name.
    pub(super) fn user_interface(&self, name: &str) -> Vec<String> {
        let info = self
            .role()
            .and_then(|role| role.child(ns::METADATA, "Extensions"))
            .and_then(|extensions| extensions.child(ns::MDUI, "UIInfo"));
        let Some(info) = info else { return Vec::new() };
        let named = info.children().filter(|child| child.is(ns::MDUI, name));
        named.filter_map(|child| child.text().ok().map(String::from)).collect()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.page.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

fn certificate(key: Element<'_>) -> Option<String> {
    let data = key.child(ns::DSIG, "KeyInfo")?.child(ns::DSIG, "X509Data")?;
    let text = data.child(ns::DSIG, "X509Certificate")?.text().ok()?;
    Some(text.split_whitespace().collect())
}

pub(super) fn of_name<'d>(parent: Element<'d>, name: &str) -> impl Iterator<Item = Element<'d>> {
    parent.children().filter(move |child| child.is(ns::METADATA, name))
}
