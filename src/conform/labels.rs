//! Every label of the profiles for an identity provider, once: its strength, and what it asks, in our words.
//!
//! The documents that have labels keep their own. Where a document has none, the label is made of its name and a word.

/// How strongly a rule binds (BCP 14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// It must be kept.
    Must,
    /// It should be kept, unless there is a good reason.
    Should,
    /// It may be kept.
    May,
}

impl Strength {
    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::Should => "should",
            Self::May => "may",
        }
    }
}

/// The documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Profile {
    /// What software must be able to do.
    Implementation,
    /// How a federation's members run it.
    Deployment,
    /// The older profile of governments, for what the newer ones leave out.
    EGov,
    /// `subject-id` and `pairwise-id`.
    SubjectIdentifiers,
    /// Metadata's extensions, and asynchronous logout.
    Metadata,
    /// Several factors, asked for and stated.
    Mfa,
    /// Federation and assertions.
    Federation63C,
}

impl Profile {
    /// All of them, as the report lists them.
    pub const ALL: [Self; 7] = [
        Self::Implementation,
        Self::Deployment,
        Self::EGov,
        Self::SubjectIdentifiers,
        Self::Metadata,
        Self::Mfa,
        Self::Federation63C,
    ];

    /// The document's name.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Implementation => "SAML V2.0 Implementation Profile for Federation Interoperability 1.1 (Kantara)",
            Self::Deployment => "SAML V2.0 Deployment Profile for Federation Interoperability 2.0, saml2int (Kantara)",
            Self::EGov => "eGovernment Implementation Profile of SAML V2.0 (Kantara): what is not obsolete",
            Self::SubjectIdentifiers => "SAML V2.0 Subject Identifier Attributes Profile 1.0 (OASIS)",
            Self::Metadata => "SAML V2.0 metadata extensions and asynchronous logout (OASIS)",
            Self::Mfa => "REFEDS Multi-Factor Authentication Profile 2",
            Self::Federation63C => "NIST SP 800-63C-4, Federation and Assertions",
        }
    }
}

/// A rule, as its document labels it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// The label.
    pub name: &'static str,
    /// The document.
    pub profile: Profile,
    /// How strongly it binds.
    pub strength: Strength,
    /// What it asks, in our words.
    pub sentence: &'static str,
}

const fn label(profile: Profile, strength: Strength, name: &'static str, sentence: &'static str) -> Label {
    Label { name, profile, strength, sentence }
}

use Profile::{Deployment, EGov, Federation63C, Implementation, Metadata, Mfa, SubjectIdentifiers};
use Strength::{May, Must, Should};

/// The complete list.
#[rustfmt::skip]
pub const LABELS: &[Label] = &[
    label(Implementation, Must, "IIP-G01", "A tolerance for clocks that differ, of three to five minutes, applies to every time that is compared."),
    label(Implementation, Must, "IIP-G02", "Strings of up to 256 characters are taken and kept whole."),
    label(Implementation, Must, "IIP-G03", "No document type is sent, and messages that have one can be refused."),
    label(Implementation, Must, "IIP-EXT01", "Extensions and attributes that are not understood never cause a failure."),
    label(Implementation, Must, "IIP-SSO01", "Web Browser SSO with its approved errata: a Response and a bearer Assertion say what the profile demands."),
    label(Implementation, Must, "IIP-SSO02", "AuthnRequests are taken by HTTP-Redirect and by HTTP-POST."),
    label(Implementation, Must, "IIP-SSO03", "Answers, errors among them, are sent by HTTP-POST."),
    label(Implementation, Must, "IIP-SSO04", "The Response, the Assertion, or both can be signed."),
    label(Implementation, Must, "IIP-SSO05", "Persistent and transient NameIDs are supported with the duties of SAML Core 8.3."),
    label(Implementation, Must, "IIP-SSO06", "Everything in metadata that stands for a supported feature configures that feature."),
    label(Implementation, Must, "IIP-SSO07", "Optional content that is not supported is ignored or answered with an error, as SAML Core says for it."),
    label(Implementation, Must, "IIP-MD01", "A peer's metadata can be fetched by the Metadata Query Protocol at run time."),
    label(Implementation, Must, "IIP-MD02", "Metadata is fetched again and again over HTTP and used once it is found valid."),
    label(Implementation, Must, "IIP-MD03", "The signature at the root of fetched metadata is verified with a key known beforehand."),
    label(Implementation, Must, "IIP-MD04", "Fetched metadata whose validUntil is missing, past or too far ahead is refused."),
    label(Implementation, Must, "IIP-MD05", "Metadata's own extensions (entity attributes, algorithm support, user interface) are understood; others never hold anything up."),
    label(Implementation, Must, "IIP-MD06", "Metadata is all that trust needs: no second store of keys or certificates."),
    label(Implementation, Must, "IIP-MD07", "Any number of signing keys: each is tried."),
    label(Implementation, Must, "IIP-MD08", "Any number of encryption keys: one of them is used."),
    label(Implementation, Must, "IIP-MD09", "The algorithms that are supported are published."),
    label(Implementation, Must, "IIP-MD10", "Only algorithms that the peer's metadata lists are used with it."),
    label(Implementation, Must, "IIP-MD11", "A KeyDescriptor without use serves for signing and for encryption."),
    label(Implementation, Must, "IIP-MD12", "A certificate is a container for a key: self-signed, expired or weakly signed ones are taken."),
    label(Implementation, Must, "IIP-ALG01", "SHA-256 is supported for digests."),
    label(Implementation, Must, "IIP-ALG02", "RSA with SHA-256 is supported for signatures."),
    label(Implementation, Should, "IIP-ALG03", "ECDSA with SHA-256 is supported for signatures."),
    label(Implementation, Must, "IIP-ALG04", "AES-128-GCM and AES-256-GCM are supported for encryption."),
    label(Implementation, May, "IIP-ALG05", "AES-CBC only where an operator chose it, with a warning."),
    label(Implementation, Must, "IIP-ALG06", "RSA-OAEP in both spellings, each with SHA-1 and SHA-256 as digest."),
    label(Implementation, Should, "IIP-ALG07", "TLS as good practice has it."),
    label(Implementation, Must, "IIP-ALG08", "Algorithms can be refused; MD5, SHA-1 signatures and RSA 1.5 are."),
    label(Implementation, Must, "IIP-IDP01", "Attributes can be sent under any name and any NameFormat."),
    label(Implementation, Must, "IIP-IDP02", "What is released is settled by entityID, down to single values."),
    label(Implementation, Must, "IIP-IDP03", "What is released can be settled by entity attributes of the service's metadata."),
    label(Implementation, Must, "IIP-IDP04", "RequestedAttribute, its isRequired, and AttributeConsumingServiceIndex decide what is released."),
    label(Implementation, Must, "IIP-IDP05", "A request that fails is answered with an error Response where a browser and an acceptable address are there."),
    label(Implementation, Must, "IIP-IDP06", "ForceAuthn reaches whatever authenticates the person."),
    label(Implementation, Must, "IIP-IDP07", "IsPassive is obeyed: no page is shown."),
    label(Implementation, Must, "IIP-IDP08", "RequestedAuthnContext is obeyed with the comparison exact."),
    label(Implementation, Must, "IIP-IDP09", "Assertions can be encrypted."),
    label(Implementation, Must, "IIP-IDP10", "NameIDPolicy is obeyed."),
    label(Implementation, Must, "IIP-IDP11", "An assertion without a NameID can be issued."),
    label(Implementation, Must, "IIP-IDP12", "AssertionConsumerServiceURL, ProtocolBinding and AssertionConsumerServiceIndex are obeyed."),
    label(Implementation, Must, "IIP-IDP13", "Enhanced Client or Proxy with bearer confirmation and channel binding."),
    label(Implementation, Must, "IIP-IDP14", "Enhanced Client or Proxy with HTTP Basic authentication."),
    label(Implementation, Must, "IIP-IDP15", "Enhanced Client or Proxy with generated keys."),
    label(Implementation, Must, "IIP-IDP16", "Settings of Enhanced Client or Proxy come from metadata."),
    label(Implementation, Must, "IIP-IDP17", "Single Logout, and its asynchronous form; telling other services is optional."),
    label(Implementation, Must, "IIP-IDP18", "Logout messages travel by HTTP-Redirect."),
    label(Implementation, Must, "IIP-IDP19", "An EncryptedID in a LogoutRequest is opened with each of several keys."),
    label(Implementation, Must, "IIP-IDP20", "Settings of Single Logout come from metadata."),
    label(Implementation, Must, "IIP-IDP21", "Persistent identifiers never differ by case alone."),
    label(Deployment, Must, "SDP-G01", "Clocks may differ by three to five minutes, either way."),
    label(Deployment, Must, "SDP-G02", "No string longer than 256 characters is sent."),
    label(Deployment, Must, "SDP-G03", "No message has a document type."),
    label(Deployment, Must, "SDP-G04", "The entityID is a URI of at most 256 characters."),
    label(Deployment, Must, "SDP-MD01", "Endpoints, keys and requirements come from metadata, never from arrangements beside it."),
    label(Deployment, Must, "SDP-MD02", "Metadata is verified, and trusted by another key than those in it."),
    label(Deployment, Must, "SDP-MD03", "validUntil is demanded of metadata, and bounded."),
    label(Deployment, Must, "SDP-MD04", "Metadata tells the truth: nothing that is not supported is in it."),
    label(Deployment, Must, "SDP-MD05", "Keys in metadata stand in X.509 certificates."),
    label(Deployment, Must, "SDP-MD06", "RSA keys have at least 2048 bits."),
    label(Deployment, Must, "SDP-MD07", "Elliptic keys have at least 256 bits."),
    label(Deployment, Must, "SDP-MD08", "The identity provider publishes a signing certificate."),
    label(Deployment, Must, "SDP-MD09", "Metadata has a display name and a logo."),
    label(Deployment, Must, "SDP-MD10", "A logo stands at an https address or inside the document."),
    label(Deployment, Must, "SDP-MD11", "Metadata names a technical contact."),
    label(Deployment, Must, "SDP-MD12", "errorURL leads to a page for people."),
    label(Deployment, Must, "SDP-ALG01", "SHA-256, RSA or ECDSA with SHA-256, AES-GCM, and RSA-OAEP with SHA-1 as digest are supported."),
    label(Deployment, Must, "SDP-IDP01", "Web Browser SSO is supported."),
    label(Deployment, Must, "SDP-IDP02", "AuthnRequests are taken by HTTP-Redirect."),
    label(Deployment, Must, "SDP-IDP03", "Endpoints are protected by TLS."),
    label(Deployment, Must, "SDP-IDP04", "Unsigned requests are taken, unless the service's metadata says that it signs them."),
    label(Deployment, Must, "SDP-IDP05", "A request whose signature does not verify fails."),
    label(Deployment, Must, "SDP-IDP06", "Answers go to an address of the metadata, or to its default, compared case for case."),
    label(Deployment, Must, "SDP-IDP07", "ForceAuthn proves presence: AuthnInstant is after the request."),
    label(Deployment, Must, "SDP-IDP08", "Answers are sent by HTTP-POST."),
    label(Deployment, Must, "SDP-IDP09", "The Response is signed."),
    label(Deployment, Must, "SDP-IDP10", "One Assertion with one AuthnStatement, and at most one AttributeStatement."),
    label(Deployment, Must, "SDP-IDP11", "The Assertion is encrypted, and nothing inside it once more."),
    label(Deployment, Must, "SDP-IDP12", "The NameID for logout is transient."),
    label(Deployment, Must, "SDP-IDP13", "subject-id or pairwise-id is supported."),
    label(Deployment, Must, "SDP-IDP14", "Scopes are published, none of them a regular expression."),
    label(Deployment, Must, "SDP-IDP15", "The subject identifier that the service's metadata asks for is the one that is sent."),
    label(Deployment, May, "SDP-IDP16", "A need that cannot be met is answered with an error, or the identifier is left out."),
    label(Deployment, May, "SDP-IDP17", "A service that signals no need gets what was settled with it."),
    label(Deployment, Must, "SDP-IDP18", "Attribute names are URIs with the NameFormat of URIs."),
    label(Deployment, Should, "SDP-IDP19", "Values are plain text."),
    label(Deployment, Must, "SDP-IDP20", "Each value has an AttributeValue of its own."),
    label(Deployment, Must, "SDP-IDP21", "Single Logout is supported."),
    label(Deployment, May, "SDP-IDP22", "The person may keep the session at the identity provider."),
    label(Deployment, May, "SDP-IDP23", "The other services of a session are told."),
    label(Deployment, Must, "SDP-IDP24", "LogoutRequests are sent by HTTP-Redirect."),
    label(Deployment, Must, "SDP-IDP25", "LogoutRequests are taken by HTTP-Redirect."),
    label(Deployment, Must, "SDP-IDP26", "LogoutRequests are signed, whoever sends them."),
    label(Deployment, Must, "SDP-IDP27", "The NameID of a LogoutRequest is in clear."),
    label(Deployment, Must, "SDP-IDP28", "LogoutResponses are sent by HTTP-Redirect."),
    label(Deployment, Must, "SDP-IDP29", "LogoutResponses are taken by HTTP-Redirect."),
    label(Deployment, Must, "SDP-IDP30", "LogoutResponses are signed."),
    label(Deployment, Must, "SDP-IDP31", "The status of a LogoutResponse is the truth."),
    label(Deployment, Must, "SDP-IDP32", "A service may have several signing certificates."),
    label(Deployment, Must, "SDP-IDP33", "Metadata has endpoints for sign-on and logout, a signing key, errorURL, a user interface, scopes and a contact."),
    label(EGov, Must, "eGov-011", "Metadata is at the address that is the entityID."),
    label(EGov, Must, "eGov-013", "ETag and Last-Modified save fetching the same metadata again."),
    label(EGov, Should, "eGov-014", "Metadata comes from several sources."),
    label(EGov, Should, "eGov-016", "Metadata is refreshed without an interruption."),
    label(EGov, Should, "eGov-018", "Keys are trusted directly, by metadata."),
    label(EGov, Must, "eGov-042", "Every element of an AuthnRequest is obeyed, or answered with an error."),
    label(EGov, Must, "eGov-043", "Any content of RequestedAuthnContext is taken, with exact comparison at least."),
    label(EGov, Must, "eGov-045", "Addresses of assertion consumer services are compared case for case."),
    label(EGov, Must, "eGov-050", "Answers by HTTP-POST and by HTTP-Artifact."),
    label(EGov, Must, "eGov-052", "Unsolicited responses can be sent."),
    label(EGov, Must, "eGov-053", "Error responses are sent."),
    label(EGov, Must, "eGov-061", "One assertion, one authentication statement, one attribute statement at most."),
    label(EGov, Must, "eGov-063", "Consent in the Response says how the person agreed."),
    label(EGov, Must, "eGov-064", "SessionIndex names the session."),
    label(EGov, Must, "eGov-066", "Authentication contexts of an identity provider upstream can be accepted or refused."),
    label(EGov, Must, "eGov-067", "The same for each identity provider."),
    label(EGov, Should, "eGov-068", "The same by level."),
    label(EGov, Must, "eGov-081", "A proxy keeps the rules of SAML Core 3.4.1.5.1."),
    label(EGov, Must, "eGov-082", "A proxy passes RequestedAuthnContext and NameIDPolicy on, or translates them."),
    label(EGov, Must, "eGov-083", "A proxy can hide RequesterID."),
    label(EGov, Must, "eGov-084", "A proxy maps the authentication context back."),
    label(EGov, Must, "eGov-085", "A proxy can hide AuthenticatingAuthority."),
    label(EGov, Must, "eGov-092", "LogoutRequests are taken by SOAP and by HTTP-Redirect."),
    label(EGov, Must, "eGov-094", "Logout messages are signed, and travel by TLS."),
    label(EGov, Must, "eGov-095", "An EncryptedID is taken in a LogoutRequest by HTTP-Redirect."),
    label(EGov, Must, "eGov-096", "A logout can be local or global."),
    label(EGov, Must, "eGov-097", "The person chooses whether other services are told."),
    label(EGov, Must, "eGov-098", "A logout that did not end everything says PartialLogout."),
    label(EGov, Must, "eGov-100", "An administrator can start a logout."),
    label(SubjectIdentifiers, Must, "SUBJ-SYNTAX", "An identifier is 1 to 127 letters, digits, = and -, then @ and a scope."),
    label(SubjectIdentifiers, Must, "SUBJ-REQ", "The entity attribute subject-id:req says which identifier is sent."),
    label(SubjectIdentifiers, Must, "SUBJ-NONE", "A service that wants none gets neither identifier."),
    label(SubjectIdentifiers, Must, "SUBJ-ANY", "A service that wants any gets the pairwise one."),
    label(SubjectIdentifiers, Must, "SUBJ-SCOPE", "The scope of an identifier is published in metadata."),
    label(SubjectIdentifiers, Must, "SUBJ-DIFFERS", "Two agencies get different pairwise identifiers of one person."),
    label(SubjectIdentifiers, Must, "SUBJ-STABLE", "A service gets the same pairwise identifier every time."),
    label(SubjectIdentifiers, Must, "SUBJ-IRREVERSIBLE", "The person cannot be found by computing from the identifier."),
    label(SubjectIdentifiers, Must, "SUBJ-NEVER-REASSIGNED", "An identifier is never given to another person."),
    label(Metadata, Should, "MDUI-LANGUAGE", "A service's names are shown in the page's language, or in a default one."),
    label(Metadata, Should, "MDUI-LOGO", "Logos stand at https, with their size."),
    label(Metadata, Should, "MDUI-PRIVACY", "A privacy statement can be found from where consent is asked."),
    label(Metadata, Must, "MDUI-ESCAPED", "What others write is never markup on our pages."),
    label(Metadata, May, "MDUI-DISCO", "Hints for choosing an identity provider are published."),
    label(Metadata, May, "ENTATTR-CATEGORY", "Entity categories of services, and support for them, are published and read."),
    label(Metadata, Must, "ENTATTR-REGISTRAR", "Entity attributes count only from a registrar that is trusted for them."),
    label(Metadata, May, "ENTATTR-RANDS", "Research and Scholarship's bundle goes to services that are tagged for it."),
    label(Metadata, May, "ENTATTR-COCO", "The Code of Conduct limits release to what is required."),
    label(Metadata, May, "ENTATTR-SIRTFI", "A security contact is published."),
    label(Metadata, May, "ENTATTR-HIDE", "The identity provider can ask to be hidden from discovery."),
    label(Metadata, Must, "ALG-READ", "Digest and signature methods of a service's metadata are read."),
    label(Metadata, Must, "ALG-KEYSIZE", "EncryptionMethod with sizes of keys is read."),
    label(Metadata, Must, "ALG-ROLE", "Algorithms of the role come before those of the entity."),
    label(Metadata, Must, "ALG-OVERLAP", "Where no algorithm is common, the failure says so."),
    label(Metadata, Must, "ASLO-SILENT", "An asynchronous logout gets no response."),
    label(Metadata, Must, "ASLO-FRONT", "An asynchronous logout by the front channel alone is enough."),
    label(Metadata, Must, "ASLO-STAYS", "The person stays with the identity provider's page after an asynchronous logout."),
    label(Mfa, Must, "REFEDS-GENERAL", "The identifier of version 1 means several independent factors, as before."),
    label(Mfa, May, "REFEDS-RESISTANT", "The second identifier of version 2 means phishing-resistant factors."),
    label(Mfa, Must, "REFEDS-TRUE", "It is asserted only when it was met."),
    label(Mfa, Must, "REFEDS-REQUESTED", "It is returned in AuthnContextClassRef when it was asked for."),
    label(Mfa, Should, "REFEDS-FORCE", "ForceAuthn asks for all factors again."),
    label(Mfa, Should, "REFEDS-INSTANT", "What AuthnInstant means is documented."),
    label(Mfa, Must, "REFEDS-REMEMBERED", "A remembered browser is no factor."),
    label(Federation63C, Must, "63C-AUDIENCE", "FAL2: an assertion is for one audience."),
    label(Federation63C, Must, "63C-SP-INITIATED", "FAL2: only the service begins."),
    label(Federation63C, Must, "63C-INJECTION", "FAL2: the answer names the request that it answers, and cannot be handed to another browser's request."),
    label(Federation63C, Must, "63C-AGREEMENT", "FAL2: the trust agreement is there before the first request."),
    label(Federation63C, Must, "63C-FIPS", "FAL2 of a federal identity provider: signing keys in a module validated to FIPS 140 level 1."),
    label(Federation63C, May, "63C-FAL3", "FAL3: holder-of-key assertions or bound authenticators."),
    label(Federation63C, Must, "63C-ENCRYPTED", "Personal data that passes the browser is encrypted."),
    label(Federation63C, Must, "63C-LEVELS", "Identity and authentication level can be told from every assertion."),
    label(Federation63C, Must, "63C-AUTHN-TIME", "The time of the authentication is in the assertion, and a service can bound its age."),
    label(Federation63C, Must, "63C-CONTENTS", "Subject, issuer, audience, times, identifier, authentication time and nonce are in every assertion."),
    label(Federation63C, Must, "63C-SIGNED-WHOLE", "The signature covers the whole assertion."),
    label(Federation63C, Must, "63C-PROXY-ROLES", "A proxy keeps the rules of both roles."),
    label(Federation63C, Must, "63C-PROXY-ISSUER", "A proxy is the issuer of what it asserts."),
    label(Federation63C, Must, "63C-PROXY-FAL", "A proxy states the lowest level of the path."),
    label(Federation63C, Must, "63C-PROXY-MAPPING", "The table of pairwise identifiers is personal data."),
    label(Federation63C, Must, "63C-PAIRWISE-STRENGTH", "A pairwise identifier cannot be guessed: at least 112 random bits."),
    label(Federation63C, Must, "63C-PAIRWISE-ONE-RP", "A pairwise identifier is for one relying party, or an agreed set of one agency's."),
    label(Federation63C, Must, "63C-PAIRWISE-NO-PII", "A federated identifier has no personal data in it."),
    label(Federation63C, Must, "63C-TERMS", "The trust agreement lists attributes, purposes, levels and contacts, and is reviewed."),
    label(Federation63C, Must, "63C-ALLOWED", "An allowed service has a list of attributes."),
    label(Federation63C, Must, "63C-EXTRA", "Attributes beyond the list are withheld, asked about, or refused."),
    label(Federation63C, Must, "63C-BLOCKED", "A blocked service never gets an assertion."),
    label(Federation63C, Must, "63C-VISIBLE", "A person sees which services are connected."),
    label(Federation63C, Must, "63C-DECISION", "The person agrees before anything is sent: told what, to whom and for what; values can be seen, sensitive ones masked."),
    label(Federation63C, Must, "63C-REVOCABLE", "A remembered decision can be taken back."),
    label(Federation63C, Must, "63C-REDRESS", "There is a way to get help and correction."),
    label(Federation63C, Should, "63C-DERIVED", "Derived values are offered in place of whole ones."),
    label(Federation63C, Must, "63C-TRACKING", "What is recorded of a person's sign-ins is the least that is needed."),
    label(Federation63C, Must, "63C-TERMINATION", "What a connection needed goes when it ends."),
    label(Federation63C, Must, "63C-ARTIFACT", "An assertion reference lives five minutes, for one relying party, once."),
    label(Federation63C, Should, "63C-SIGNALS", "Services are told when an account ends or changes."),
    label(Federation63C, Should, "63C-RP-SIGNALS", "Signals of services about compromised accounts are looked at."),
];
