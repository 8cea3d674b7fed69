//! The suite's own services: what each publishes and what is agreed with it.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use openssl::pkey::{PKey, Private};

use super::keys::{Pair, Pairs};
use crate::saml::xml::{Builder, WriteError, ns};

pub(super) const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
pub(super) const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
pub(super) const PAOS: &str = "urn:oasis:names:tc:SAML:2.0:bindings:PAOS";

/// The entity attribute by which a service says which subject identifier it needs.
const SUBJECT_ID_REQ: &str = "urn:oasis:names:tc:SAML:profiles:subject-id:req";
const NAME_FORMAT_URI: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri";

/// One service of the suite.
#[derive(Debug, Clone, Copy)]
pub(super) struct Provider {
    /// Its folder and the first label of its host.
    pub(super) service: &'static str,
    /// Its agency.
    pub(super) agency: &'static str,
    pub(super) shape: Shape,
}

/// What sets a service apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) keys: &'static [PublishedKey],
    pub(super) authn_requests_signed: Option<&'static str>,
    pub(super) want_assertions_signed: Option<&'static str>,
    /// Whether by which binding it takes part in single logout.
    pub(super) logout: Option<&'static str>,
    /// `AttributeConsumingService`s: index, and each attribute with whether it is required.
    pub(super) sets: &'static [(&'static str, &'static [(&'static str, bool)])],
    pub(super) subject_id: Option<&'static str>,
    /// Extensions and attributes that nobody knows.
    pub(super) unknown_extension: bool,
    /// Lines at the top of the agreement.
    pub(super) agreement: &'static str,
    /// What it asks for by default.
    pub(super) default_attributes: &'static str,
}

/// Which of the pairs a key descriptor holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    First,
    Second,
    Expired,
    Elliptic,
    Foreign,
}

impl Which {
    pub(super) fn of(self, pairs: &Pairs) -> &Pair {
        match self {
            Self::First => &pairs.first,
            Self::Second => &pairs.second,
            Self::Expired => &pairs.expired,
            Self::Elliptic => &pairs.elliptic,
            Self::Foreign => &pairs.foreign,
        }
    }
}

/// A `KeyDescriptor`.
#[derive(Debug, Clone, Copy)]
pub(super) struct PublishedKey {
    pub(super) which: Which,
    pub(super) usage: Option<&'static str>,
    pub(super) methods: &'static [Method],
}

/// An `EncryptionMethod`: algorithm, digest, mask.
pub(super) type Method = (&'static str, Option<&'static str>, Option<&'static str>);

const fn key(which: Which, usage: Option<&'static str>, methods: &'static [Method]) -> PublishedKey {
    PublishedKey { which, usage, methods }
}

/// One key for both uses, which says nothing of algorithms.
const ONE_KEY: &[PublishedKey] = &[key(Which::First, None, &[])];

const EXPIRED_KEY: &[PublishedKey] = &[key(Which::Expired, None, &[])];
const SIGNING_KEY: &[PublishedKey] = &[key(Which::First, Some("signing"), &[])];

/// What every agreement of the suite allows: not the social security number.
const ATTRIBUTES: [&str; 8] =
    ["email", "all_emails", "first_name", "last_name", "dob", "age_over_18", "verified_at", "phone"];

const PLAIN: Shape = Shape {
    keys: ONE_KEY,
    authn_requests_signed: Some("true"),
    want_assertions_signed: Some("true"),
    logout: Some(REDIRECT),
    sets: &[],
    subject_id: None,
    unknown_extension: false,
    agreement: "",
    default_attributes: "\"email\"",
};

const fn provider(service: &'static str, agency: &'static str, shape: Shape) -> Provider {
    Provider { service, agency, shape }
}

pub(super) const MGF1P: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
pub(super) const OAEP: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
pub(super) const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
pub(super) const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
pub(super) const MGF1_SHA1: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha1";
pub(super) const MGF1_SHA256: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha256";
pub(super) const AES128_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes128-gcm";
pub(super) const AES256_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes256-gcm";

/// Services whose metadata asks for one key transport: the matrix of IIP-ALG06.
pub(super) const TRANSPORTS: [(&str, Method); 6] = [
    ("mgf1p-sha1", (MGF1P, Some(SHA1), None)),
    ("mgf1p-sha256", (MGF1P, Some(SHA256), None)),
    ("oaep-sha256-mgf1sha256", (OAEP, Some(SHA256), Some(MGF1_SHA256))),
    ("oaep-sha256-mgf1sha1", (OAEP, Some(SHA256), Some(MGF1_SHA1))),
    ("oaep-sha1-mgf1sha1", (OAEP, Some(SHA1), Some(MGF1_SHA1))),
    ("oaep-bare", (OAEP, None, None)),
];

/// All services of the suite.
pub(super) fn all() -> Vec<Provider> {
    const HARBOUR: &str = "harbour-office";
    let mut all = vec![
        provider("plain", HARBOUR, PLAIN),
        provider("sibling", HARBOUR, PLAIN),
        provider("other", "lighthouse-office", PLAIN),
        provider("assertion-only", HARBOUR, Shape { agreement: SIGNING_ASSERTION, ..PLAIN }),
        provider(
            "response-only",
            HARBOUR,
            Shape { agreement: SIGNING_RESPONSE, want_assertions_signed: None, ..PLAIN },
        ),
        provider("wants-signed", HARBOUR, Shape { agreement: SIGNING_RESPONSE, ..PLAIN }),
        provider("clear-text", HARBOUR, Shape { agreement: CLEAR_TEXT, ..PLAIN }),
        provider("aes128", HARBOUR, Shape { agreement: AES_128, ..PLAIN }),
        provider("aes256-cbc", HARBOUR, Shape { agreement: AES_256_CBC, ..PLAIN }),
        provider("many-keys", HARBOUR, Shape { keys: MANY_KEYS, ..PLAIN }),
        provider("expired", HARBOUR, Shape { keys: EXPIRED_KEY, ..PLAIN }),
        provider("unsigned", HARBOUR, Shape { agreement: WAIVED, authn_requests_signed: None, ..PLAIN }),
        provider("unsigned-declared", HARBOUR, Shape { agreement: WAIVED, ..PLAIN }),
        provider("sets", HARBOUR, Shape { sets: SETS, ..PLAIN }),
        provider("required-only", HARBOUR, Shape { sets: SETS, agreement: REQUIRED_ONLY, ..PLAIN }),
        provider("formats", HARBOUR, Shape { agreement: FORMATS, ..PLAIN }),
        provider("transient", HARBOUR, Shape { agreement: TRANSIENT, ..PLAIN }),
        provider("extended", HARBOUR, Shape { unknown_extension: true, ..PLAIN }),
        provider("posts", HARBOUR, Shape { logout: Some(POST), ..PLAIN }),
        provider("no-logout", HARBOUR, Shape { logout: None, ..PLAIN }),
        provider("always-everywhere", HARBOUR, Shape { agreement: ALWAYS_EVERYWHERE, ..PLAIN }),
        provider("told-success", HARBOUR, Shape { agreement: TOLD_SUCCESS, ..PLAIN }),
        provider("disabled", HARBOUR, Shape { agreement: "enabled = false", ..PLAIN }),
        provider("no-key", HARBOUR, Shape { keys: SIGNING_KEY, ..PLAIN }),
        provider("uri-names", HARBOUR, Shape { agreement: OASIS, ..PLAIN }),
        provider("uri-names-other", "lighthouse-office", Shape { agreement: OASIS, ..PLAIN }),
        provider("wants-pairwise", HARBOUR, Shape { agreement: OASIS, subject_id: Some("pairwise-id"), ..PLAIN }),
        provider("wants-any", HARBOUR, Shape { agreement: OASIS, subject_id: Some("any"), ..PLAIN }),
        provider("wants-none", HARBOUR, Shape { agreement: OASIS, subject_id: Some("none"), ..PLAIN }),
        provider("wants-subject-id", HARBOUR, Shape { agreement: OASIS, subject_id: Some("subject-id"), ..PLAIN }),
    ];
    all.extend(TRANSPORT_KEYS.iter().map(|(service, keys)| provider(service, HARBOUR, Shape { keys, ..PLAIN })));
    all
}

const TRANSPORT_KEYS: [(&str, &[PublishedKey]); 6] = [
    (TRANSPORTS[0].0, &[key(Which::First, None, &[(AES256_GCM, None, None), TRANSPORTS[0].1])]),
    (TRANSPORTS[1].0, &[key(Which::First, None, &[(AES256_GCM, None, None), TRANSPORTS[1].1])]),
    (TRANSPORTS[2].0, &[key(Which::First, None, &[(AES256_GCM, None, None), TRANSPORTS[2].1])]),
    (TRANSPORTS[3].0, &[key(Which::First, None, &[(AES256_GCM, None, None), TRANSPORTS[3].1])]),
    (TRANSPORTS[4].0, &[key(Which::First, None, &[(AES256_GCM, None, None), TRANSPORTS[4].1])]),
    (TRANSPORTS[5].0, &[key(Which::First, None, &[(AES256_GCM, None, None), TRANSPORTS[5].1])]),
];

/// The elliptic key signs alone; of the two for encryption one stands in a certificate that is out of date.
const MANY_KEYS: &[PublishedKey] = &[
    key(Which::First, Some("signing"), &[]),
    key(Which::Elliptic, Some("signing"), &[]),
    key(Which::Second, Some("signing"), &[]),
    key(Which::Expired, Some("encryption"), &[]),
    key(Which::Second, Some("encryption"), &[]),
];

const SETS: &[(&str, &[(&str, bool)])] = &[
    ("1", &[("email", true)]),
    ("7", &[("email", false), ("all_emails", true), ("urn:example:nobody-knows-this", false)]),
];

const SIGNING_ASSERTION: &str = "signing = { exception = \"assertion-only\", reason = \"for the suite\" }";
const SIGNING_RESPONSE: &str = "signing = { exception = \"response-only\", reason = \"for the suite\" }";
const CLEAR_TEXT: &str = "encryption = { exception = \"clear-text\", reason = \"for the suite\" }";
const AES_128: &str = "encryption = { exception = \"aes-128-gcm\", reason = \"for the suite\" }";
const AES_256_CBC: &str = "encryption = { exception = \"aes-256-cbc\", reason = \"for the suite\" }";
const WAIVED: &str = "signed_requests = \"waived\"";
const ALWAYS_EVERYWHERE: &str = "logout = { choice = \"everywhere\" }";
const TOLD_SUCCESS: &str = "logout = { exception = \"success-where-kept\", reason = \"for the suite\" }";
const REQUIRED_ONLY: &str = "requested_attributes = \"required-only\"";
const FORMATS: &str = "name_id_formats = [\"persistent\", \"transient\", \"email-address\"]";
const TRANSIENT: &str = "name_id_formats = [\"transient\"]";
const OASIS: &str = "attribute_profile = \"oasis\"\nname_id_formats = [\"transient\", \"persistent\"]";

impl Provider {
    pub(super) fn entity_id(&self) -> String {
        format!("https://{}.conform.example/saml", self.service)
    }

    /// An assertion consumer service: `acs` is the default, `acs/second` another, `acs/paos` one by a binding that carries no answer of ours.
    pub(super) fn acs(&self, path: &str) -> String {
        format!("https://{}.conform.example/{path}", self.service)
    }

    pub(super) fn slo(&self) -> String {
        self.acs("slo")
    }

    /// The keys that open what is encrypted to the service.
    pub(super) fn opening_keys(&self, pairs: &Pairs) -> Vec<PKey<Private>> {
        let opens = |key: &&PublishedKey| key.usage != Some("signing");
        self.shape.keys.iter().filter(opens).map(|key| key.which.of(pairs).private.clone()).collect()
    }

    /// What the service publishes.
    ///
    /// # Errors
    /// [`WriteError`].
    pub(super) fn metadata(&self, pairs: &Pairs) -> Result<String, WriteError> {
        let shape = &self.shape;
        let acs = |index: &'static str, binding: &str, path: &str| {
            md("AssertionConsumerService")
                .attribute("Binding", binding)
                .attribute("Location", self.acs(path))
                .attribute("index", index)
                .optional_attribute("isDefault", (index == "0").then_some("true"))
        };
        let name = Builder::element("mdui", ns::MDUI, "DisplayName")
            .attribute_ns("xml", ns::XML, "lang", "en")
            .text(format!("The metadata's name of {}", self.service));
        let privacy = Builder::element("mdui", ns::MDUI, "PrivacyStatementURL")
            .attribute_ns("xml", ns::XML, "lang", "en")
            .text(format!("https://{}.conform.example/privacy", self.service));
        let unknown = || Builder::element("un", "urn:example:unknown", "Unknown").attribute("A", "b").text("c");
        let role = md("SPSSODescriptor")
            .attribute("protocolSupportEnumeration", ns::PROTOCOL)
            .optional_attribute("AuthnRequestsSigned", shape.authn_requests_signed)
            .optional_attribute("WantAssertionsSigned", shape.want_assertions_signed)
            .child(
                md("Extensions")
                    .child(Builder::element("mdui", ns::MDUI, "UIInfo").child(name).child(privacy))
                    .optional_child(shape.unknown_extension.then(unknown)),
            )
            .children(shape.keys.iter().map(|key| key.descriptor(pairs)))
            .optional_child(shape.logout.map(|binding| {
                md("SingleLogoutService").attribute("Binding", binding).attribute("Location", self.slo())
            }))
            .child(acs("0", POST, "acs"))
            .child(acs("3", POST, "acs/second"))
            .child(acs("5", PAOS, "acs/paos"))
            .children(shape.sets.iter().map(|(index, asked)| attribute_set(index, asked)));
        let need = shape.subject_id.map(subject_id_need);
        let extensions = md("Extensions").optional_child(need).optional_child(shape.unknown_extension.then(unknown));
        let has_extensions = shape.subject_id.is_some() || shape.unknown_extension;
        let entity = md("EntityDescriptor")
            .attribute("entityID", self.entity_id())
            .optional_child(has_extensions.then_some(extensions))
            .child(role);
        entity.canonical().map(crate::saml::xml::Canonical::into_string)
    }

    /// What is agreed with the service.
    pub(super) fn agreement(&self) -> String {
        let attributes: String = ATTRIBUTES
            .iter()
            .map(|name| format!("[attributes.{name}]\npurpose.en = \"To try {name} out\"\n"))
            .collect();
        format!(
            r#"agency_id = "{agency}"
entity_id = "{entity}"
review_date = 2099-12-31
return_to_url = "https://{service}.conform.example/"
default_attributes = [{defaults}]
{more}

[agency_name]
en = "The {agency}"

[friendly_name]
en = "Service {service}"

[description]
en = "Tries out what an identity provider promises."

[[contacts]]
kind = "technical"
name = "Suite"
email = "suite@conform.example"

[levels]
highest_ial = 2
highest_aal = 2

{attributes}"#,
            agency = self.agency,
            service = self.service,
            entity = self.entity_id(),
            defaults = self.shape.default_attributes,
            more = self.shape.agreement,
        )
    }
}

impl PublishedKey {
    fn descriptor(&self, pairs: &Pairs) -> Builder {
        let ds = |local| Builder::element("ds", ns::DSIG, local);
        let certificate = ds("X509Certificate").text(BASE64.encode(&self.which.of(pairs).certificate_der));
        md("KeyDescriptor")
            .optional_attribute("use", self.usage)
            .child(ds("KeyInfo").child(ds("X509Data").child(certificate)))
            .children(self.methods.iter().map(|(algorithm, digest, mask)| {
                let digest = digest.map(|uri| ds("DigestMethod").attribute("Algorithm", uri));
                let mask = mask.map(|uri| Builder::element("xenc11", ns::XMLENC11, "MGF").attribute("Algorithm", uri));
                md("EncryptionMethod").attribute("Algorithm", *algorithm).optional_child(digest).optional_child(mask)
            }))
    }
}

fn attribute_set(index: &str, asked: &[(&'static str, bool)]) -> Builder {
    let name = md("ServiceName").attribute_ns("xml", ns::XML, "lang", "en").text(format!("Set {index}"));
    md("AttributeConsumingService").attribute("index", index).child(name).children(asked.iter().map(
        |(name, needed)| {
            md("RequestedAttribute")
                .attribute("Name", *name)
                .attribute("NameFormat", NAME_FORMAT_URI)
                .optional_attribute("isRequired", needed.then_some("true"))
        },
    ))
}

fn subject_id_need(value: &'static str) -> Builder {
    let saml = |local| Builder::element("saml", ns::ASSERTION, local);
    let attribute = saml("Attribute")
        .attribute("Name", SUBJECT_ID_REQ)
        .attribute("NameFormat", NAME_FORMAT_URI)
        .child(saml("AttributeValue").text(value));
    Builder::element("mdattr", ns::MDATTR, "EntityAttributes").child(attribute)
}

fn md(local: &'static str) -> Builder {
    Builder::element("md", ns::METADATA, local)
}
