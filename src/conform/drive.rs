//! One journey: a service's request, the pages that a person sees, and what the service receives.

use time::{Duration, UtcDateTime};
use url::Url;

use super::{
    Between, ConformError,
    answer::Response,
    browser::{Browser, Landed, Page},
    html::Form,
    instance::Instance,
    keys::Pairs,
    provider::Provider,
    published::Published,
    request::{Ask, Delivery, Sent},
};
use crate::{clock::Clock as _, demo::DemoPerson, entropy::SystemEntropy};

/// More pages than this in a journey lead nowhere.
const MOST_PAGES: usize = 12;
/// Set ahead before each sign-in, so that limits on tries are not met.
const BETWEEN_SIGN_INS: Duration = Duration::seconds(21);

/// The identity provider and the services.
pub(super) struct Stage {
    pub(super) instance: Instance,
    pub(super) pairs: Pairs,
    pub(super) providers: Vec<Provider>,
    pub(super) published: Published,
}

/// A person at a browser.
pub(super) struct Visitor {
    pub(super) browser: Browser,
    person: DemoPerson,
}

/// What the person does where there is a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Manner {
    /// Signs in and agrees.
    #[default]
    Agrees,
    /// Signs in and declines.
    Declines,
    /// Goes no further than the page for signing in.
    WalksAway,
}

/// What came of a journey: an answer as it came, or as it was read.
#[derive(Debug, Clone)]
pub(super) enum Run<A> {
    /// The service got an answer.
    Answered(Box<A>),
    /// The person stands before a page; the service was told nothing.
    Stopped(Stopped),
    /// The answer cannot be read, or nothing came.
    Unreadable(String),
}

/// An answer that was read.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) came: Came,
    pub(super) response: Response,
}

/// An answer as it came.
#[derive(Debug, Clone)]
pub(super) struct Came {
    pub(super) provider: Provider,
    pub(super) sent: Sent,
    pub(super) at: UtcDateTime,
    /// The response, XML.
    pub(super) xml: String,
    /// Where the browser was told to bring it.
    pub(super) action: Url,
    pub(super) relay_state: Option<String>,
    pub(super) cache_control: String,
    /// The pages that the person saw on the way.
    pub(super) saw: Vec<Saw>,
    /// What the page for agreeing said.
    pub(super) consent_page: Option<String>,
}

/// A page that a person saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Saw {
    Consent,
    Level,
    SecondFactor,
    SignIn,
}

/// A page that ends the journey here.
#[derive(Debug, Clone)]
pub(super) struct Stopped {
    pub(super) status: u16,
    /// The short code of a refusal.
    pub(super) code: Option<String>,
    pub(super) text: String,
    pub(super) path: String,
}

impl Came {
    /// Reads it as its service would.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(
        &self,
        scene: &str,
        published: &Published,
        pairs: &Pairs,
        between: &dyn Between,
    ) -> Result<Answered, String> {
        let alter = |assertion| between.assertion(scene, assertion);
        let keys = self.provider.opening_keys(pairs);
        let xml = between.response(scene, self.xml.clone());
        let response = Response::read(xml, &published.certificates, &keys, &alter)?;
        let relay_state = between.relay_state(scene, self.relay_state.clone());
        Ok(Answered { came: Self { relay_state, ..self.clone() }, response })
    }
}

impl Stage {
    pub(super) fn now(&self) -> UtcDateTime {
        self.instance.clock.now()
    }

    pub(super) fn provider(&self, service: &str) -> Result<&Provider, ConformError> {
        let found = self.providers.iter().find(|provider| provider.service == service);
        found.ok_or_else(|| ConformError::ServicesRefused(service.to_owned()))
    }

    /// The person of this number at a new browser.
    ///
    /// # Errors
    /// There is no browser to be had.
    pub(super) fn visitor(&self, number: usize) -> Result<Visitor, ConformError> {
        let person = self.instance.people.get(number).cloned().ok_or(ConformError::NoInbox)?;
        Ok(Visitor { browser: Browser::new(&self.instance.url)?, person })
    }

    /// A service sends a person to sign in.
    ///
    /// # Errors
    /// [`ConformError`]: HTTP itself failed. What the identity provider does wrong is told in the [`Run`].
    pub(super) async fn sign_on(
        &self,
        visitor: &mut Visitor,
        service: &str,
        ask: &Ask,
        manner: Manner,
    ) -> Result<Run<Came>, ConformError> {
        let provider = self.provider(service)?;
        let to = match ask.sending.by_post {
            true => self.published.sso_by_post.as_ref(),
            false => Some(&self.published.sso_by_redirect),
        };
        let Some(to) = to else { return Ok(Run::Unreadable("there is no place by HTTP-POST".to_owned())) };
        let (sent, delivery) = match ask.deliver(provider, &self.pairs, to, self.now(), &SystemEntropy) {
            Ok(made) => made,
            Err(why) => return Ok(Run::Unreadable(why)),
        };
        let landed = match delivery {
            Delivery::Redirect(url) => visitor.browser.get(url).await?,
            Delivery::Post(form) => visitor.browser.submit(&form).await?,
        };
        let mut saw = Seen::default();
        let (page, form) = match self.walk(visitor, landed, manner, &mut saw).await? {
            Walked::Carrier(page, form) => (page, form),
            Walked::Page(page) => return Ok(Run::Stopped(Stopped::at(&page))),
            Walked::Elsewhere(url) => return Ok(Run::Unreadable(format!("the browser was sent to {url}"))),
        };
        let Some(field) = form.value("SAMLResponse") else {
            return Ok(Run::Unreadable("the form carries no SAMLResponse".to_owned()));
        };
        let xml = match Response::decode(field) {
            Ok(xml) => xml,
            Err(why) => return Ok(Run::Unreadable(why)),
        };
        let header = page.headers.get("cache-control").and_then(|value| value.to_str().ok());
        Ok(Run::Answered(Box::new(Came {
            provider: *provider,
            sent,
            at: self.now(),
            xml,
            action: form.action.clone(),
            relay_state: form.value("RelayState").map(str::to_owned),
            cache_control: header.unwrap_or_default().to_owned(),
            saw: saw.pages,
            consent_page: saw.consent_page,
        })))
    }

    /// Does what a person does, page after page.
    ///
    /// # Errors
    /// [`ConformError`]: HTTP itself failed.
    pub(super) async fn walk(
        &self,
        visitor: &mut Visitor,
        landed: Landed,
        manner: Manner,
        saw: &mut Seen,
    ) -> Result<Walked, ConformError> {
        let mut landed = landed;
        let mut texted_after = None;
        for _ in 0..MOST_PAGES {
            let page = match landed {
                Landed::Page(page) => page,
                Landed::Elsewhere(url) => return Ok(Walked::Elsewhere(url)),
            };
            if let Some(form) = page.carrier() {
                return Ok(Walked::Carrier(page, form));
            }
            let forms = page.forms();
            let find = |part: &str| forms.iter().find(|form| form.action.path().starts_with(part)).cloned();
            landed = match page.url.path() {
                "/sign-in" if manner == Manner::WalksAway => return Ok(Walked::Page(page)),
                "/sign-in" => {
                    saw.pages.push(Saw::SignIn);
                    self.instance.clock.set_ahead(BETWEEN_SIGN_INS);
                    let form = forms.into_iter().find(|form| form.value("password").is_some());
                    let Some(form) = form.filter(|_| page.status.is_success()) else { return Ok(Walked::Page(page)) };
                    let person = &visitor.person;
                    visitor
                        .browser
                        .submit(&form.with("email", &person.email).with("password", &person.password))
                        .await?
                }
                "/sign-in/second-factor" => visitor.browser.visit("/sign-in/second-factor/sms").await?,
                "/sign-in/second-factor/sms" => match (texted_after, find("/sign-in/second-factor/sms/send")) {
                    (None, Some(send)) => {
                        saw.pages.push(Saw::SecondFactor);
                        texted_after = Some(self.instance.messages());
                        visitor.browser.submit(&send).await?
                    }
                    (Some(after), _) => {
                        let form = forms.into_iter().find(|form| form.value("code").is_some());
                        let code = self.instance.code(&visitor.person, after).await;
                        let (Some(form), Some(code)) = (form, code) else { return Ok(Walked::Page(page)) };
                        visitor.browser.submit(&form.with("code", &code)).await?
                    }
                    (None, None) => return Ok(Walked::Page(page)),
                },
                path if path.starts_with("/saml/") => {
                    let (agree, decline) = (find("/saml/consent/"), find("/saml/decline/"));
                    let chosen = match (agree, decline) {
                        (Some(agree), decline) => {
                            saw.pages.push(Saw::Consent);
                            saw.consent_page = Some(page.text());
                            if manner == Manner::Declines { decline } else { Some(agree) }
                        }
                        (None, Some(back)) => {
                            saw.pages.push(Saw::Level);
                            Some(back)
                        }
                        (None, None) => None,
                    };
                    let Some(form) = chosen else { return Ok(Walked::Page(page)) };
                    visitor.browser.submit(&form).await?
                }
                _ => return Ok(Walked::Page(page)),
            };
        }
        Ok(Walked::Elsewhere(self.instance.url.clone()))
    }
}

/// Where a walk came to.
pub(super) enum Walked {
    /// A page that carries a message to another site.
    Carrier(Page, Form),
    /// Another site.
    Elsewhere(Url),
    /// A page that asks for something else, or refuses.
    Page(Page),
}

/// What the person saw on the way.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) pages: Vec<Saw>,
    pub(super) consent_page: Option<String>,
}

impl Stopped {
    pub(super) fn at(page: &Page) -> Self {
        let text = page.text();
        // `S30`: a letter and two digits.
        let is_code = |word: &&str| {
            let mut octets = word.bytes();
            word.len() == 3
                && octets.next().is_some_and(|octet| octet.is_ascii_uppercase())
                && octets.all(|octet| octet.is_ascii_digit())
        };
        let code = text.split(|c: char| !c.is_ascii_alphanumeric()).find(is_code).map(str::to_owned);
        Self { status: page.status.as_u16(), code, path: page.url.path().to_owned(), text }
    }
}
