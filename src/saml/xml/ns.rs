//! Namespace names, and the algorithm identifiers' stems that are no namespaces of elements.

/// SAML protocol messages: `samlp`.
pub const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
/// SAML assertions: `saml`.
pub const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
/// SAML metadata: `md`.
pub const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
/// XML Signature: `ds`.
pub const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
/// XML Signature 1.1: `dsig11`.
pub const DSIG11: &str = "http://www.w3.org/2009/xmldsig11#";
/// XML Encryption: `xenc`.
pub const XMLENC: &str = "http://www.w3.org/2001/04/xmlenc#";
/// XML Encryption 1.1: `xenc11`.
pub const XMLENC11: &str = "http://www.w3.org/2009/xmlenc11#";
/// Exclusive canonicalization's own elements: `ec`.
pub const EXC_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// Metadata for login and discovery user interfaces: `mdui`.
pub const MDUI: &str = "urn:oasis:names:tc:SAML:metadata:ui";
/// Entity attributes: `mdattr`.
pub const MDATTR: &str = "urn:oasis:names:tc:SAML:metadata:attribute";
/// Registration and publication information: `mdrpi`.
pub const MDRPI: &str = "urn:oasis:names:tc:SAML:metadata:rpi";
/// Algorithm support: `alg`.
pub const ALG: &str = "urn:oasis:names:tc:SAML:metadata:algsupport";
/// Asynchronous single logout: `aslo`.
pub const ASLO: &str = "urn:oasis:names:tc:SAML:2.0:protocol:ext:async-slo";
/// Discovery response locations: `idpdisc`.
pub const IDPDISC: &str = "urn:oasis:names:tc:SAML:profiles:SSO:idp-discovery-protocol";
/// The request initiator's location: `init`.
pub const REQINIT: &str = "urn:oasis:names:tc:SAML:profiles:SSO:request-init";
/// The envelope of SOAP 1.1: `soap`.
pub const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// Scopes of a Shibboleth identity provider: `shibmd`.
pub const SHIBMD: &str = "urn:mace:shibboleth:metadata:1.0";
/// Contacts' types beyond those of SAML: `remd`.
pub const REMD: &str = "http://refeds.org/metadata";
/// XML Schema: `xs`.
pub const XS: &str = "http://www.w3.org/2001/XMLSchema";
/// Attributes that point at schemas and types: `xsi`.
pub const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// What the prefix `xml` always means.
pub const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// What the prefix `xmlns` always means.
pub const XMLNS: &str = "http://www.w3.org/2000/xmlns/";
