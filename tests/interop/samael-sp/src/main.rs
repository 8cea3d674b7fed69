//! A service provider on samael: signs its AuthnRequest for the Redirect binding, checks and decrypts the Response.
//!
//! `samael-sp --idp-metadata FILE --port N --host NAME --state DIR` writes `DIR/sp-metadata.xml`, then serves `/secure`: who is
//! signed in, as JSON; anybody else is sent to the identity provider. It is a peer for tests on loopback and nothing more.

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509NameBuilder};
use samael::crypto::{AllowedSignatureAlgorithm, CertificateDer};
use samael::metadata::EntityDescriptor;
use samael::schema::Assertion;
use samael::service_provider::{ServiceProvider, ServiceProviderBuilder};
use samael::traits::ToXml;
use serde_json::{Value, json};
use tiny_http::{Header, Method, Request, Response, Server};

type Fault = Box<dyn Error>;

const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";

fn main() -> Result<(), Fault> {
    let options = Options::read(std::env::args().skip(1))?;
    let key = PKey::from_rsa(Rsa::generate(2048)?)?;
    let provider = options.service_provider(&key)?;
    let listener = Server::http(("127.0.0.1", options.port)).map_err(|fault| fault.to_string())?;
    options.write_metadata(&provider)?;
    let mut peer = Peer { provider, key, asked: HashSet::new(), signed_in: HashMap::new() };
    for request in listener.incoming_requests() {
        peer.answer(request)?;
    }
    Ok(())
}

struct Options {
    idp_metadata: PathBuf,
    base: String,
    port: u16,
    state: PathBuf,
}

impl Options {
    fn read(arguments: impl Iterator<Item = String>) -> Result<Self, Fault> {
        let arguments: Vec<String> = arguments.collect();
        let named: HashMap<&str, &str> =
            arguments.chunks_exact(2).map(|pair| (pair[0].trim_start_matches("--"), pair[1].as_str())).collect();
        let get = |name: &str| named.get(name).copied().ok_or_else(|| format!("--{name} is required"));
        let port = get("port")?.parse()?;
        Ok(Self {
            idp_metadata: get("idp-metadata")?.into(),
            base: format!("http://{}:{port}", get("host")?),
            port,
            state: get("state")?.into(),
        })
    }

    fn service_provider(&self, key: &PKey<Private>) -> Result<ServiceProvider, Fault> {
        let idp: EntityDescriptor = fs::read_to_string(&self.idp_metadata)?.parse()?;
        Ok(ServiceProviderBuilder::default()
            .entity_id(format!("{}/metadata", self.base))
            .key(key.clone())
            .certificate(CertificateDer::from(certificate(key)?.to_der()?))
            .acs_url(format!("{}/acs", self.base))
            .slo_url(format!("{}/slo", self.base))
            .idp_metadata(idp)
            .allow_idp_initiated(false)
            .allowed_signature_algorithms(vec![AllowedSignatureAlgorithm::RsaSha256])
            .build()?)
    }

    /// samael lists its certificate twice for signing; a key without `use` serves encryption too.
    fn write_metadata(&self, provider: &ServiceProvider) -> Result<(), Fault> {
        let mut metadata = provider.metadata()?;
        for descriptor in metadata.sp_sso_descriptors.iter_mut().flatten() {
            descriptor.authn_requests_signed = Some(true);
            for key in descriptor.key_descriptors.iter_mut().flatten() {
                key.key_use = None;
                key.encryption_methods = None;
            }
            descriptor.key_descriptors.iter_mut().for_each(|keys| keys.truncate(1));
        }
        write(&self.state, "sp-metadata.xml", &metadata.to_string()?)
    }
}

/// Appears whole or not at all: the test waits for it.
fn write(folder: &Path, name: &str, text: &str) -> Result<(), Fault> {
    let draft = folder.join(format!("{name}.new"));
    fs::write(&draft, text)?;
    Ok(fs::rename(draft, folder.join(name))?)
}

fn certificate(key: &PKey<Private>) -> Result<X509, Fault> {
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_text("CN", "samael-sp")?;
    let name = name.build();
    let mut serial = BigNum::new()?;
    serial.rand(63, MsbOption::MAYBE_ZERO, false)?;
    let mut certificate = X509::builder()?;
    certificate.set_version(2)?;
    let serial = serial.to_asn1_integer()?;
    certificate.set_serial_number(&serial)?;
    certificate.set_subject_name(&name)?;
    certificate.set_issuer_name(&name)?;
    certificate.set_pubkey(key)?;
    let (from, until) = (Asn1Time::days_from_now(0)?, Asn1Time::days_from_now(30)?);
    certificate.set_not_before(&from)?;
    certificate.set_not_after(&until)?;
    certificate.sign(key, MessageDigest::sha256())?;
    Ok(certificate.build())
}

struct Peer {
    provider: ServiceProvider,
    key: PKey<Private>,
    asked: HashSet<String>,
    signed_in: HashMap<String, Value>,
}

impl Peer {
    fn answer(&mut self, mut request: Request) -> Result<(), Fault> {
        let path = request.url().split('?').next().unwrap_or_default().to_owned();
        let response = match (request.method(), path.as_str()) {
            (Method::Get, "/secure") => match session_of(&request).and_then(|session| self.signed_in.get(&session)) {
                Some(page) => shown(200, page),
                None => self.sent_to_the_identity_provider()?,
            },
            (Method::Post, "/acs") => {
                let mut body = String::new();
                request.as_reader().read_to_string(&mut body)?;
                self.consumed(&body)?
            }
            (Method::Get, "/metadata") => shown(200, &json!({ "entity_id": self.provider.entity_id })),
            _ => shown(404, &json!({ "error": "no such page" })),
        };
        Ok(request.respond(response)?)
    }

    fn sent_to_the_identity_provider(&mut self) -> Result<Reply, Fault> {
        let sso =
            self.provider.sso_binding_location(REDIRECT).ok_or("the identity provider offers no Redirect binding")?;
        let request = self.provider.make_authentication_request(&sso)?;
        let address = request.signed_redirect("/secure", &self.key)?.ok_or("no destination")?;
        self.asked.insert(request.id);
        redirect(address.as_str(), None)
    }

    fn consumed(&mut self, body: &str) -> Result<Reply, Fault> {
        let form: HashMap<String, String> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let response = form.get("SAMLResponse").map(String::as_str).unwrap_or_default();
        let asked: Vec<&str> = self.asked.iter().map(String::as_str).collect();
        let assertion = match self.provider.parse_base64_response(response, Some(&asked)) {
            Ok(assertion) => assertion,
            Err(fault) => return Ok(shown(403, &json!({ "sp": "samael", "error": format!("{fault:?}") }))),
        };
        // Each request is answered once.
        let answered = answered_request(&assertion).map(|id| self.asked.remove(id));
        if answered != Some(true) {
            return Ok(shown(403, &json!({ "sp": "samael", "error": "the Response answers no request of ours" })));
        }
        let session = assertion.id.clone();
        self.signed_in.insert(session.clone(), page(&assertion));
        redirect(form.get("RelayState").map_or("/secure", String::as_str), Some(&session))
    }
}

fn answered_request(assertion: &Assertion) -> Option<&str> {
    let confirmations = assertion.subject.as_ref()?.subject_confirmations.as_ref()?;
    confirmations.iter().find_map(|c| c.subject_confirmation_data.as_ref()?.in_response_to.as_deref())
}

/// What the person is shown: the same words as the other service providers of these tests.
fn page(assertion: &Assertion) -> Value {
    let name_id = assertion.subject.as_ref().and_then(|subject| subject.name_id.as_ref());
    let authn = assertion.authn_statements.iter().flatten().next();
    let context = authn.and_then(|a| a.authn_context.as_ref()?.value.as_ref()?.value.clone());
    let attributes: serde_json::Map<String, Value> = assertion
        .attribute_statements
        .iter()
        .flatten()
        .flat_map(|statement| &statement.attributes)
        .map(|attribute| {
            let values: Vec<_> = attribute.values.iter().map(|value| value.value.clone().unwrap_or_default()).collect();
            (attribute.name.clone().unwrap_or_default(), json!(values))
        })
        .collect();
    json!({
        "sp": "samael",
        "nameid": name_id.map(|id| &id.value),
        "nameid_format": name_id.and_then(|id| id.format.as_ref()),
        "authn_context": context,
        "session_index": authn.and_then(|a| a.session_index.as_ref()),
        "idp": assertion.issuer.value,
        "attributes": attributes,
    })
}

type Reply = Response<std::io::Cursor<Vec<u8>>>;

fn shown(status: u16, value: &Value) -> Reply {
    let json = Header::from_bytes("Content-Type", "application/json").expect("a header");
    Response::from_string(value.to_string()).with_status_code(status).with_header(json)
}

fn redirect(to: &str, session: Option<&str>) -> Result<Reply, Fault> {
    let header = |name: &str, value: &str| Header::from_bytes(name, value).map_err(|()| format!("{name}: {value}"));
    let mut reply = Response::from_string("").with_status_code(303).with_header(header("Location", to)?);
    if let Some(session) = session {
        reply.add_header(header("Set-Cookie", &format!("samael-sp={session}; Path=/; HttpOnly"))?);
    }
    Ok(reply)
}

fn session_of(request: &Request) -> Option<String> {
    let cookies = request.headers().iter().find(|header| header.field.equiv("Cookie"))?.value.as_str();
    cookies.split("; ").find_map(|pair| pair.strip_prefix("samael-sp=")).map(str::to_owned)
}
