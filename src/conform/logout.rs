//! One logout: a service's request, what the person is asked, which other services are told, and the answer.

use std::io::Read as _;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use flate2::read::DeflateDecoder;
use url::Url;

use super::{
    Between, ConformError, Nothing,
    answer::{self, NameId},
    browser::{Landed, Page},
    drive::{Manner, Run, Stage, Stopped, Visitor},
    html::Form,
    plain,
    published::Published,
    request::{self, Ask, AskLogout, Delivery},
};
use crate::{
    entropy::SystemEntropy,
    saml::xml::{Element, ns},
};

/// More services than this are not told.
const MOST_TOLD: usize = 8;

/// What the person wants, and what the services that are told answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    /// `everywhere` or `there_only`.
    pub(super) extent: &'static str,
    /// The status of every service that is told.
    pub(super) services_answer: &'static str,
}

/// What came of it: with its messages as they came, or as they were read.
#[derive(Debug)]
pub(super) enum Logout<M> {
    /// It went its way.
    Went(Box<Went<M>>),
    /// A page refused it.
    Stopped(Stopped),
    /// A message cannot be read, or the journey before it failed.
    Unreadable(String),
}

/// A logout that went its way.
#[derive(Debug)]
pub(super) struct Went<M> {
    /// The ID of the service's request.
    pub(super) id: String,
    pub(super) was_asked: bool,
    pub(super) told: Vec<M>,
    pub(super) answer: Option<M>,
    /// Whether the person is still signed in at the identity provider.
    pub(super) still_signed_in: bool,
}

/// A logout message of the identity provider as it came.
#[derive(Debug, Clone)]
pub(super) enum CameMessage {
    /// By an address.
    Redirect(Url),
    /// By a form.
    Post(Form),
}

/// A logout message of the identity provider.
#[derive(Debug, Clone)]
pub(super) struct Message {
    /// The service that it came to.
    pub(super) service: String,
    pub(super) kind: String,
    pub(super) by_redirect: bool,
    pub(super) is_signed: bool,
    pub(super) id: String,
    pub(super) issuer: String,
    pub(super) destination: String,
    pub(super) in_response_to: Option<String>,
    pub(super) relay_state: Option<String>,
    pub(super) status: Option<String>,
    pub(super) nested: Option<String>,
    pub(super) name: Option<NameId>,
    pub(super) session_index: Option<String>,
}

impl Stage {
    /// A person signs in at some services, and the first of them asks for a logout.
    ///
    /// # Errors
    /// HTTP itself failed.
    pub(super) async fn log_out(
        &self,
        person: usize,
        services: &[&str],
        wish: Wish,
        change: impl Fn(&mut AskLogout),
    ) -> Result<Logout<CameMessage>, ConformError> {
        let mut visitor = self.visitor(person)?;
        let mut first = None;
        for service in services {
            let run = self.sign_on(&mut visitor, service, &Ask::default(), Manner::Agrees).await?;
            let Run::Answered(answered) = run else {
                return Ok(Logout::Unreadable(format!("nobody could sign in at {service}: {run:?}")));
            };
            let read = answered.read(service, &self.published, &self.pairs, &Nothing);
            let Some(assertion) = read.ok().and_then(|read| read.response.assertion) else {
                return Ok(Logout::Unreadable(format!("{service} got no assertion")));
            };
            first.get_or_insert((answered.provider, assertion));
        }
        let Some((provider, assertion)) = first else {
            return Ok(Logout::Unreadable("no service asks".to_owned()));
        };
        let index = assertion.authentications.first().and_then(|one| one.session_index.clone());
        let mut asks = AskLogout {
            name: assertion.name_id.as_ref().map_or_else(|| request::saml("NameID"), write_name),
            encrypt_name_to: None,
            session_index: index,
            asynchronous: false,
            made: time::Duration::ZERO,
            sending: request::Sending::REDIRECT,
        };
        change(&mut asks);
        let to = match asks.sending.by_post {
            true => self.published.slo_by_post.as_ref(),
            false => Some(&self.published.slo_by_redirect),
        };
        let Some(to) = to else { return Ok(Logout::Unreadable("there is no place by HTTP-POST".to_owned())) };
        let (id, delivery) = match asks.deliver(&provider, &self.pairs, to, self.now(), &SystemEntropy) {
            Ok(made) => made,
            Err(why) => return Ok(Logout::Unreadable(why)),
        };
        let landed = carry(&mut visitor, delivery).await?;
        let mut went = Went { id, was_asked: false, told: Vec::new(), answer: None, still_signed_in: false };
        match self.go_round(&mut visitor, landed, wish, &mut went).await? {
            Ok(()) => {}
            Err(stopped) => return Ok(stopped),
        }
        // The landing page leads to the account only where somebody is signed in.
        went.still_signed_in = match visitor.browser.visit("/account").await? {
            Landed::Page(page) => page.url.path() == "/account",
            Landed::Elsewhere(_) => false,
        };
        Ok(Logout::Went(Box::new(went)))
    }

    async fn go_round(
        &self,
        visitor: &mut Visitor,
        landed: Landed,
        wish: Wish,
        went: &mut Went<CameMessage>,
    ) -> Result<Result<(), Logout<CameMessage>>, ConformError> {
        let mut landed = landed;
        for _ in 0..MOST_TOLD {
            let came = match landed {
                Landed::Page(page) => {
                    if let Some(form) = page.carrier() {
                        CameMessage::Post(form)
                    } else if let Some(form) =
                        page.forms().into_iter().find(|form| form.value("extent") == Some(wish.extent))
                    {
                        went.was_asked = true;
                        landed = visitor.browser.submit(&form).await?;
                        continue;
                    } else {
                        return Ok(ended_at(&page));
                    }
                }
                Landed::Elsewhere(url) => CameMessage::Redirect(url),
            };
            let message = match came.read("", &self.published, &Nothing) {
                Ok(message) => message,
                Err(why) => return Ok(Err(Logout::Unreadable(why))),
            };
            if message.kind == "LogoutResponse" {
                went.answer = Some(came);
                return Ok(Ok(()));
            }
            let provider = self.provider(&message.service)?;
            let delivery = request::answer_logout(
                provider,
                &self.pairs,
                &self.published.slo_by_redirect,
                &message.id,
                wish.services_answer,
                self.now(),
                &SystemEntropy,
            );
            went.told.push(came);
            landed = match delivery {
                Ok(delivery) => carry(visitor, delivery).await?,
                Err(why) => return Ok(Err(Logout::Unreadable(why))),
            };
        }
        Ok(Err(Logout::Unreadable("the browser goes round and round".to_owned())))
    }
}

impl Logout<CameMessage> {
    /// Reads its messages as the services would.
    pub(super) fn read(&self, scene: &str, published: &Published, between: &dyn Between) -> Logout<Message> {
        let went = match self {
            Self::Went(went) => went,
            Self::Stopped(stopped) => return Logout::Stopped(stopped.clone()),
            Self::Unreadable(why) => return Logout::Unreadable(why.clone()),
        };
        let read = |message: &CameMessage| message.read(scene, published, between);
        let told = went.told.iter().map(read).collect::<Result<Vec<_>, _>>();
        let answer = went.answer.as_ref().map(read).transpose();
        match (told, answer) {
            (Ok(told), Ok(answer)) => Logout::Went(Box::new(Went {
                id: went.id.clone(),
                was_asked: went.was_asked,
                told,
                answer,
                still_signed_in: went.still_signed_in,
            })),
            (Err(why), _) | (_, Err(why)) => Logout::Unreadable(why),
        }
    }
}

impl CameMessage {
    fn read(&self, scene: &str, published: &Published, between: &dyn Between) -> Result<Message, String> {
        match self {
            Self::Post(form) => read_form(form, scene, published, between),
            Self::Redirect(url) => read_redirect(url, scene, published, between),
        }
    }
}

fn read_form(form: &Form, scene: &str, published: &Published, between: &dyn Between) -> Result<Message, String> {
    let field = form.value("SAMLResponse").or(form.value("SAMLRequest")).ok_or("the form carries no message")?;
    let octets = BASE64.decode(field).map_err(|_| "the message is not base64")?;
    let xml = between.logout_message(scene, String::from_utf8(octets).map_err(|_| "the message is not UTF-8")?);
    let is_signed = plain::verify(&xml, &published.certificates)?.is_some();
    read(&xml, &form.action, form.value("RelayState").map(str::to_owned), is_signed, false)
}

/// SAML Bindings §3.4.4.1: the signature is over the octets of the query before it.
fn read_redirect(url: &Url, scene: &str, published: &Published, between: &dyn Between) -> Result<Message, String> {
    let query = url.query().ok_or("the browser was sent away without a message")?;
    let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let field = value("SAMLResponse").or_else(|| value("SAMLRequest")).ok_or("the address carries no message")?;
    let octets = BASE64.decode(field).map_err(|_| "the message is not base64")?;
    let mut xml = String::new();
    DeflateDecoder::new(&*octets).read_to_string(&mut xml).map_err(|error| error.to_string())?;
    let xml = between.logout_message(scene, xml);
    let is_signed = match (query.split_once("&Signature="), value("SigAlg"), value("Signature")) {
        (Some((signed, _)), Some(method), Some(signature)) => {
            let signature = BASE64.decode(signature).map_err(|_| "the signature is not base64")?;
            let made = |der: &Vec<u8>| plain::verifies(der, &method, signed.as_bytes(), &signature);
            if !published.certificates.iter().any(made) {
                return Err("no signing key of the metadata made the signature of the query".to_owned());
            }
            true
        }
        _ => false,
    };
    read(&xml, url, value("RelayState"), is_signed, true)
}

fn ended_at(page: &Page) -> Result<(), Logout<CameMessage>> {
    let stopped = Stopped::at(page);
    if page.status.is_success() { Ok(()) } else { Err(Logout::Stopped(stopped)) }
}

fn read(
    xml: &str,
    to: &Url,
    relay_state: Option<String>,
    is_signed: bool,
    by_redirect: bool,
) -> Result<Message, String> {
    let document = answer::parse(xml)?;
    let root = document.root();
    let attribute = |element: Element<'_>, name: &str| element.attribute(name).map(str::to_owned);
    let child_text =
        |namespace, name| root.child(namespace, name).and_then(|child| child.text().ok().map(String::from));
    let code = root.child(ns::PROTOCOL, "Status").and_then(|status| status.child(ns::PROTOCOL, "StatusCode"));
    let nested = code.and_then(|code| code.child(ns::PROTOCOL, "StatusCode"));
    let name = root.child(ns::ASSERTION, "NameID").map(|name| NameId {
        format: attribute(name, "Format"),
        name_qualifier: attribute(name, "NameQualifier"),
        sp_name_qualifier: attribute(name, "SPNameQualifier"),
        value: name.text().map(String::from).unwrap_or_default(),
    });
    Ok(Message {
        service: to.host_str().and_then(|host| host.split('.').next()).unwrap_or_default().to_owned(),
        kind: root.local_name().to_owned(),
        by_redirect,
        is_signed,
        id: attribute(root, "ID").unwrap_or_default(),
        issuer: child_text(ns::ASSERTION, "Issuer").unwrap_or_default(),
        destination: attribute(root, "Destination").unwrap_or_default(),
        in_response_to: attribute(root, "InResponseTo"),
        relay_state,
        status: code.and_then(|code| attribute(code, "Value")),
        nested: nested.and_then(|code| attribute(code, "Value")),
        name,
        session_index: child_text(ns::PROTOCOL, "SessionIndex"),
    })
}

pub(super) async fn carry(visitor: &mut Visitor, delivery: Delivery) -> Result<Landed, ConformError> {
    Ok(match delivery {
        Delivery::Redirect(url) => visitor.browser.get(url).await?,
        Delivery::Post(form) => visitor.browser.submit(&form).await?,
    })
}

pub(super) fn write_name(name: &NameId) -> crate::saml::xml::Builder {
    request::saml("NameID")
        .optional_attribute("Format", name.format.clone())
        .optional_attribute("NameQualifier", name.name_qualifier.clone())
        .optional_attribute("SPNameQualifier", name.sp_name_qualifier.clone())
        .text(name.value.as_str())
}
