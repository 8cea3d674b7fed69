//! By which name a service means a person.

use std::fmt;

use zeroize::Zeroizing;

use super::{MessageError, read::only_attributes, xml::Element};

/// By which name a service means a person: whose session shall end, or about whom it asks (SAML Core §2.2.3).
#[derive(Clone, PartialEq, Eq)]
pub struct NamedPrincipal {
    /// The name. Personal data.
    pub value: Zeroizing<String>,
    /// The URI of its format, where it says so.
    pub format: Option<String>,
    /// Who gave the name, where it says so.
    pub name_qualifier: Option<String>,
    /// For whom it is good, where it says so.
    pub sp_name_qualifier: Option<String>,
}

/// Says the format, never the name.
impl fmt::Debug for NamedPrincipal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NamedPrincipal({:?})", self.format)
    }
}

impl NamedPrincipal {
    /// Reads a `saml:NameID`.
    pub(super) fn read(name: Element<'_>) -> Result<Self, MessageError> {
        only_attributes(name, &["Format", "NameQualifier", "SPNameQualifier", "SPProvidedID"])?;
        let attribute = |of: &str| name.attribute(of).map(str::to_owned);
        Ok(Self {
            value: Zeroizing::new(name.text()?.into_owned()),
            format: attribute("Format"),
            name_qualifier: attribute("NameQualifier"),
            sp_name_qualifier: attribute("SPNameQualifier"),
        })
    }
}
